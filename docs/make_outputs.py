"""Write anew what the examples of the documentation print; tests/test_docs.py holds that it is up to date.

Name pages to do only these: python docs/make_outputs.py docs/how-to/cost.md
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.pages import furnish, renewed, with_examples

if __name__ == "__main__":
    os.environ.setdefault("KERAS_BACKEND", "jax")
    for path in [Path(name) for name in sys.argv[1:]] or with_examples():
        with TemporaryDirectory() as folder:
            furnish(Path(folder))
            path.write_text(renewed(path.read_text(encoding="utf-8"), Path(folder)), encoding="utf-8")
            print(path)
