"""Write docs/reference/: every public name, part by part; `make docs` fills in the docstrings when it builds the site.

The pages are made anew for each build and are not kept in the repository.
"""

from __future__ import annotations

import ast
import math
import sys
from importlib import import_module
from inspect import getdoc
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import cutline as cl

TARGET = Path(__file__).parent / "reference"
KERAS = "cutline.model.keras"
PARTS = {
    "scores": "Truth and scores, checked once; class names.",
    "metrics": "Counts at every threshold from one sort, curves, and every metric as a value that knows what it means.",
    "evidence": "Intervals, resampling, comparison, slices, planning, evaluation with few labels, gates.",
    "calibration": "Scores to probabilities, how well they match what happens, and other prevalences.",
    "decision": "Policies, operating points, guarantees, prediction sets, one score in words.",
    "checks": "The traps: what was seen, why it matters, the fix.",
    "evaluation": "Every figure of one set of scores.",
    "model": "From raw data to a saved classifier; models fitted elsewhere.",
    "report": "Finished results for people.",
    "errors": "Everything that can go wrong.",
}
"""The parts of the house, each a page; a part that is not named here gets a page without a sentence."""
ALSO = {"scores": ["cutline.labels.Classes", "cutline.data.scores.read_scores"]}
"""What stands beside another part than its folder."""


def pages() -> dict[str, str]:
    """Name and text of each page of the reference of the library."""
    parts: dict[str, list[str]] = {part: [] for part in PARTS}
    elsewhere = {path: part for part, paths in ALSO.items() for path in paths}
    for name in cl.__all__:
        thing = getattr(cl, name)
        if name == "METRICS" or isinstance(thing, cl.Metric):
            continue
        path = thing.__name__ if isinstance(thing, ModuleType) else f"{thing.__module__}.{name}"
        parts.setdefault(elsewhere.get(path, path.split(".")[1]), []).append(path)
    return {part: page(part, sorted(paths, key=_order)) for part, paths in parts.items()}


def page(part: str, paths: list[str]) -> str:
    """A page: what there is, then everything about each."""
    lines = [f"# {part.capitalize()}", "", PARTS.get(part, ""), ""]
    if part == "metrics":
        lines += metrics()
    if len(paths) > 1:
        lines += ["| name | what it is |", "| --- | --- |"]
        lines += [f"| {_link(path)} | {_summary(path)} |" for path in paths]
    lines += ["", *(f"::: {path}\n" for path in paths if path != KERAS)]
    return "\n".join([*lines, *callback()] if KERAS in paths else lines)


def callback() -> list[str]:
    """Keras' callback is made when Keras is there; its text is read from the source."""
    [found] = [node for node in ast.walk(_source(KERAS)) if isinstance(node, ast.ClassDef)]
    text = ast.get_docstring(found) or ""
    return [f"## keras.{found.name} {{ #{KERAS} .doc-heading }}", "", "```text", text, "```", ""]


def metrics() -> list[str]:
    """What every metric says about itself."""
    lines = [
        "`cl.METRICS` holds all of these by name. Each is a value, `cl.recall` for example: call it on scores at a "
        "threshold, or write `cl.recall >= 0.9`. Its name, or any of its synonyms, also works as text: "
        '`cl.find("sensitivity")`, `cutline metrics sensitivity`.',
        "",
        "| metric | formula | range | better | chance | synonyms |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for metric in cl.METRICS.values():
        low, high = (f"{end:g}".replace("inf", "∞") for end in metric.range)
        at = "" if math.isnan(metric.perfect) else f"{metric.perfect:g}"
        better = {True: "higher", False: "lower", None: f"at {at}" if at else ""}[metric.maximize]
        synonyms = ", ".join(name.replace("_", " ") for name in metric.synonyms[:4])
        cells = (f"`{metric.name}`", metric.formula, f"{low} to {high}", better, metric.chance, synonyms)
        lines.append("| " + " | ".join(cell.replace("|", "\\|").replace("*", "\\*") for cell in cells) + " |")
    return [*lines, "", "Metrics with an argument, means over classes, and what they are computed from:", ""]


def _link(path: str) -> str:
    name = path.rpartition(".")[2]
    return f"[`{name}`](#{path})" if path == KERAS else f"[`{name}`][{path}]"


def _thing(path: str) -> Any:
    return sys.modules.get(path) or getattr(sys.modules[path.rpartition(".")[0]], path.rpartition(".")[2])


def _order(path: str) -> tuple[bool, bool, str]:
    """What one calls first, then what it returns, then modules; each by name."""
    return isinstance(_thing(path), ModuleType), isinstance(_thing(path), type), path.rpartition(".")[2].lower()


def _summary(path: str) -> str:
    thing = _thing(path)
    text = getdoc(thing) if callable(thing) or isinstance(thing, ModuleType) else _below(*path.rsplit(".", 1))
    return (text or "").split("\n\n")[0].replace("\n", " ").replace("|", "\\|").replace("``", "`")


def _below(module: str, name: str) -> str:
    """The text below a value, which Python does not keep."""
    body = _source(module).body
    for value, text in pairwise(body):
        if isinstance(value, ast.Assign) and ast.unparse(value.targets[0]) == name and isinstance(text, ast.Expr):
            return str(ast.literal_eval(text.value))
    return ""


def _source(module: str) -> ast.Module:
    return ast.parse(Path(import_module(module).__file__ or "").read_text(encoding="utf-8"))


if __name__ == "__main__":
    TARGET.mkdir(exist_ok=True)
    for part, text in pages().items():
        (TARGET / f"{part}.md").write_text(text, encoding="utf-8")
