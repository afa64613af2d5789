"""Write docs/commands.md from the help of every command and docs/checks.md from the checks; tests hold both to it."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from cutline.checks import CHECKS, Check
from cutline.checks.tables import TRAPS
from cutline.cli import app

FOLDER = Path(__file__).parent
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


CHECKED = """# The checks

Made by `make docs` from the checks themselves. Each finding has its code, what was seen, why it matters, the fix as
code, and a way to silence it: `ignore=["CT04"]` of `check`, `check_tables` and `evaluate`; `checks=False`, or
`--no-checks`, for all. Of more than 100,000 rows a seeded sample of so many is looked at.

"False alarms" is the largest share of clean data sets of 500 rows or more that was designed for; 0 stands for a fact
that is counted, not inferred. On the 1,000 seeded clean sets of tests/clean_sets.py none of them found anything.

## Of scores: `cl.check(scores)`

"""
WORDS = {
    "both": "rows of both classes", "order": "no labels", "labels": "predicted labels", "truth": "truth",
    "several": "several classes", "binary": "two classes", "probability": "probabilities or logits",
    "claims": "estimates=", "figures": "estimates=", "differences": "estimates=", "decides": "",
    "asked": "threshold=, point= or labels", "listed": "", "ids": "ids", "chosen": "point=",
}  # fmt: skip


def needs_of(check: Check) -> str:
    """What a check needs, in words."""
    words = (WORDS.get(need, f"{need}=") for need in check.needs)
    return ", ".join(dict.fromkeys(filter(None, words))) or "scores"


def checks() -> str:
    """The page of the checks."""
    lines = ["| code | trap | what is looked for | needs | false alarms |", "| --- | --- | --- | --- | --- |"]
    for check in CHECKS:
        about = (check.detect.__doc__ or "").split("\n")[0].rstrip(".")
        rate = f"{100 * check.rate:g} %" if check.rate else "0"
        lines.append(f"| {check.code} | {check.name} | {about} | {needs_of(check)} | {rate} |")
    lines += [
        "",
        "## Of tables: `cl.check_tables(train, test, target=...)`",
        "",
        "| code | trap | what is looked for |",
    ]
    lines += ["| --- | --- | --- |", *(f"| {code} | {name} | {about} |" for code, name, about in TRAPS)]
    return CHECKED + "\n".join(lines) + "\n"


if __name__ == "__main__":
    (FOLDER / "commands.md").write_text(reference(), encoding="utf-8")
    (FOLDER / "checks.md").write_text(checks(), encoding="utf-8")
