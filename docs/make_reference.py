"""Write docs/commands.md from the help of every command; tests/test_cli.py holds that it is up to date."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

VERBS = ("fit", "predict", "evaluate", "choose", "assess", "decide", "calibrate", "compare", "explain", "report")
VERBS += ("metrics", "demo")


def help_of(*words: str) -> str:
    env = {**os.environ, "COLUMNS": "110", "NO_COLOR": "1", "TERM": "dumb"}
    found = subprocess.run(
        [sys.executable, "-m", "cutline", *words, "--help"], capture_output=True, text=True, check=True, env=env
    )
    return "\n".join(line.rstrip() for line in found.stdout.splitlines()).strip()


def reference() -> str:
    parts = ["# The command line", "", "Made by `make docs` from the help of the program.", ""]
    parts += ["```text", help_of(), "```", ""]
    for verb in VERBS:
        parts += [f"## cutline {verb}", "", "```text", help_of(verb), "```", ""]
    parts += [
        "## Exit codes",
        "",
        "0 ok; 1 our error; 2 usage or bad input; 3 no threshold satisfies the constraints.",
        "",
    ]
    return "\n".join(parts)


if __name__ == "__main__":
    (Path(__file__).parent / "commands.md").write_text(reference(), encoding="utf-8")
