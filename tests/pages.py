"""The examples of the documentation: read from a page, run in order, and what they print.

A page is Markdown. Its ``python`` blocks run in one namespace and print as in a notebook: what is printed, then the
value of the last expression. Its ``sh`` blocks run in one folder. A ``text`` block below one of these is what must come
out, stderr included; a line ``...`` there stands for any lines. ``<!-- not run: why -->`` above a block shows it only.
``<!-- numbers within 2 % -->`` anywhere says that figures are of fitted trees, which another processor rounds
otherwise.
"""

from __future__ import annotations

import ast
import contextlib
import io
import math
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[1] / "docs"
FENCE = re.compile(r"(?:<!-- not run: (?P<why>.+?) -->\n)?```(?P<kind>python|sh|text)\n(?P<body>.*?)```\n", re.DOTALL)
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?(?:e-?\d+)?")
WIDTH = "100"


@dataclass(frozen=True)
class Example:
    """A block to run, and where on the page what it prints is shown."""

    kind: str
    code: str
    line: int
    shown: str | None
    span: tuple[int, int]
    """Of the shown text, within the page."""


def furnish(where: Path) -> None:
    """Make the files that pages read: the scores of docs/how-to/index.md."""
    for _ in outputs((DOCS / "how-to" / "index.md").read_text(encoding="utf-8"), where):
        pass


def with_examples() -> list[Path]:
    """All pages that have blocks to run."""
    return [path for path in sorted(DOCS.rglob("*.md")) if examples(path.read_text(encoding="utf-8"))]


def examples(page: str) -> list[Example]:
    """The blocks of a page that run."""
    found: list[Example] = []
    blocks = list(FENCE.finditer(page))
    for block, after in zip(blocks, [*blocks[1:], None], strict=False):
        if block["kind"] == "text" or block["why"]:
            continue
        shown = after if after and after["kind"] == "text" and not page[block.end() : after.start()].strip() else None
        found.append(
            Example(
                block["kind"],
                block["body"],
                page[: block.start()].count("\n") + 1,
                shown and shown["body"],
                shown.span("body") if shown else (0, 0),
            )
        )
    return found


def outputs(page: str, where: Path) -> Iterator[tuple[Example, str]]:
    """Run the examples of a page in a folder, one after the other; what each printed."""
    names: dict[str, Any] = {"__name__": "__main__"}
    os.environ["COLUMNS"] = WIDTH
    with contextlib.chdir(where):
        for example in examples(page):
            yield example, run_python(example, names) if example.kind == "python" else run_shell(example.code)


def run_python(example: Example, names: dict[str, Any]) -> str:
    """What a block prints, with the value of its last expression."""
    tree = ast.parse(example.code)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    with printed() as out:
        exec(compile(tree, f"line {example.line}", "exec"), names)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), f"line {example.line}", "eval"), names)
            if value is not None:
                print(value)
    return _trimmed(out.getvalue().decode())


@contextlib.contextmanager
def printed() -> Iterator[io.BytesIO]:
    """What is written to standard output and standard error, as a terminal shows it."""
    out = io.BytesIO()
    text = io.TextIOWrapper(out, encoding="utf-8", write_through=True)
    with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
        yield out
    text.detach()


def run_shell(code: str) -> str:
    """What a block prints; plain cutline commands run in this process, which is quicker."""
    from cutline.cli import main

    commands = code.replace("\\\n", " ").strip().splitlines()
    if any(re.search(r"[|<$;]|(?<!')>(?!=)", command) or not command.startswith("cutline ") for command in commands):
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-c", f"exec 2>&1\n{code}"],
            capture_output=True, text=True, check=False, env={**os.environ, "PATH": path},
        )  # fmt: skip
        return _trimmed(done.stdout)
    with printed() as out:
        for command in commands:
            main(shlex.split(command, comments=True)[1:])
    return _trimmed(out.getvalue().decode())


def _trimmed(text: str) -> str:
    return "".join(f"{line.rstrip()}\n" for line in text.strip("\n").splitlines())


def agree(shown: str, came: str, tolerance: float = 0.0) -> bool:
    """Whether what is shown is what came: the same words, the same numbers within the tolerance."""
    lines, found = shown.splitlines(), came.splitlines()
    if "..." in lines:
        cut = lines.index("...")
        tail = len(lines) - cut - 1
        lines, found = lines[:cut] + lines[cut + 1 :], found[:cut] + (found[-tail:] if tail else [])
    if tolerance:
        lines, found = ([" ".join(line.split()) for line in text] for text in (lines, found))
    words = [NUMBER.sub("#", "\n".join(text)) for text in (lines, found)]
    numbers = [[float(n.replace(",", "")) for n in NUMBER.findall("\n".join(text))] for text in (lines, found)]
    return words[0] == words[1] and all(
        math.isclose(a, b, rel_tol=tolerance, abs_tol=tolerance) for a, b in zip(*numbers, strict=True)
    )


def tolerance(page: str) -> float:
    """How far numbers of a page may be off."""
    said = re.search(r"<!-- numbers within (\d+) % -->", page)
    return float(said[1]) / 100 if said else 0.0


def renewed(page: str, where: Path) -> str:
    """The page with what its examples print today; a ``...`` keeps as many lines before and after it as there are."""
    for example, came in reversed(list(outputs(page, where))):
        if example.shown is None:
            continue
        lines, shown = came.splitlines(), example.shown.splitlines()
        if "..." in shown:
            cut = shown.index("...")
            tail = len(shown) - cut - 1
            lines = [*lines[:cut], "...", *(lines[-tail:] if tail else [])]
        start, end = example.span
        page = page[:start] + "".join(f"{line}\n" for line in lines) + page[end:]
    return page
