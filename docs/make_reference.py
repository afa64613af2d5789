"""Write docs/commands.md from the help of every command; tests/test_cli.py holds that it is up to date."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from cutline.cli import app

TARGET = Path(__file__).parent / "commands.md"
HEAD = """# The command line

Made by `make docs` from the help of the program. Results go to standard output, notes and progress to standard error.
`-` as a file reads standard input; what has no `-o` goes to standard output.
"""
TAIL = """## Files

| what | how |
| --- | --- |
| tables in | `.csv`, `.tsv`, `.txt` (also `.gz`, `.bz2`, `.zst`), `.parquet`; `-` reads CSV from standard input |
| tables out | `.csv` or `.parquet`, by the suffix of `-o`; CSV on standard output without it |
| results | `.json` (`cutline schema` prints what is in it), or `.csv` and `.parquet` for the figures alone |
| reports | `.html`, `.md`, `.json`; figures as `.svg`, `.png`, `.pdf` |

A file is written under a temporary name and renamed when it is whole: what was there stays until then.

## Environment

| variable | what it does |
| --- | --- |
| `CUTLINE_THREADS`, `OMP_NUM_THREADS` | threads to use at most; results do not depend on it |
| `NO_COLOR`, `COLUMNS` | plain text; the width of the terminal |

## Exit codes

| code | meaning |
| --- | --- |
| 0 | ok |
| 1 | our error |
| 2 | usage or bad input |
| 3 | no threshold satisfies the constraints |
| 4 | a gate failed |
| 130 | interrupted |
"""


def help_of(*words: str) -> str:
    """The help of a verb as it is printed on a terminal of 96 columns."""
    out = io.StringIO()
    app.help_print(list(words), console=Console(file=out, width=96, color_system=None, force_terminal=False))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()).strip()


def reference() -> str:
    """The whole page."""
    parts = [HEAD, "```text", help_of(), "```", ""]
    for verb in (name for name in app if not name.startswith("-")):
        parts += [f"## cutline {verb}", "", "```text", help_of(verb), "```", ""]
    return "\n".join([*parts, TAIL])


if __name__ == "__main__":
    TARGET.write_text(reference(), encoding="utf-8")
