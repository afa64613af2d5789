"""An evaluation in a terminal: the sentence, the counts, a curve in braille, the scores in blocks, the estimates."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cutline.report import words
from cutline.report.findings import listed
from cutline.report.html import method, where
from cutline.report.markup import interval
from cutline.report.payload import payload
from cutline.report.words import ASKED_FOR, figure, number, short

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

    from cutline.evaluation import Evaluation

MOST_CLASSES = 12
"""Classes whose confusion matrix fits a terminal."""


def print_evaluation(evaluation: Evaluation, *, console: Console | None = None) -> None:
    """Print an evaluation with rich; where there is no terminal the same comes as plain text.

    Parameters
    ----------
    evaluation : Evaluation
        What to print.
    console : rich.console.Console, optional
        Where to; stdout when not given.
    """
    from rich.console import Console

    console = console or Console(highlight=False)
    if not console.is_terminal:
        console.width = 140  # a pipe has no width: do not wrap tables for it
    for part in parts(evaluation):
        console.print(part, soft_wrap=isinstance(part, str), markup=False)


def parts(evaluation: Evaluation) -> list[RenderableType]:
    """What is printed, from top to bottom."""
    from rich.columns import Columns
    from rich.text import Text

    data = payload(evaluation)
    facts = data["scored"]
    who = f"{number(facts['rows'])} rows"
    if data["form"] == "binary":
        who += f", {number(facts['rows_positive'])} {short(data['labels'][data['positive']])}"
    out: list[RenderableType] = [
        "",
        Text(words.sentence(data), style="bold"),
        Text(f"{who}; {facts['score_kind']}; rows used as: {facts['role'] or 'not stated'}", style="dim"),
        "",
    ]
    if data["form"] == "multiclass":
        out += [_confusion(data)] if len(data["labels"]) <= MOST_CLASSES else []
    else:
        beside: list[RenderableType] = [_two_by_two(data)]
        if data["positives"] and data["negatives"]:  # without one of the classes there is no curve
            points = data["points"]
            first = data["named"][0]
            mark = first["index"] if first["name"] in ASKED_FOR else None
            beside.append(Text(braille(points["fp"], points["tp"], data["negatives"], data["positives"], mark=mark)))
        out.append(Columns(beside, padding=(0, 6)))
        if data["histogram"] is not None:
            out += ["", Text(scores(data))]
    out += ["", *filter(None, [where(data["estimates"])]), _estimates(data["estimates"])]
    if data["form"] == "multiclass" and data["per_class"]:
        out += ["", _per_class(data)]
    found = [Text(listed(row), style="yellow") for row in data["findings"]]
    return [*out, "", *found, *(Text(f"note: {note}", style="dim") for note in data["notes"])]


def braille(
    fp: list[float],
    tp: list[float],
    negatives: float,
    positives: float,
    width: int = 26,
    height: int = 9,
    *,
    mark: int | None = None,
) -> str:
    """The ROC as text: dots of 2 x 4 in each character, chance as a thin diagonal.

    Parameters
    ----------
    fp, tp : list of float
        Cumulative counts at descending thresholds, from nobody to everybody.
    negatives, positives : float
        Totals.
    width, height : int
        Characters.
    mark : int, optional
        Index of the point where the rule decides, shown as a disc.
    """
    wide, high = 2 * width, 4 * height
    dots = {(x, x * high // wide) for x in range(0, wide, 3)}
    places = [
        (
            round((a / negatives if negatives else 0) * (wide - 1)),
            round((b / positives if positives else 0) * (high - 1)),
        )
        for a, b in zip(fp, tp, strict=True)
    ]
    x0 = y0 = 0
    for x, y in places:
        steps = max(x - x0, y - y0, 1)
        dots |= {(x0 + (x - x0) * k // steps, y0 + (y - y0) * k // steps) for k in range(steps + 1)}
        x0, y0 = x, y
    bits = ((0x40, 0x04, 0x02, 0x01), (0x80, 0x20, 0x10, 0x08))  # by column, from the bottom
    cells = [[0x2800] * width for _ in range(height)]
    for x, y in dots:
        cells[height - 1 - y // 4][x // 2] |= bits[x % 2][y % 4]
    if mark is not None:
        x, y = places[mark]
        cells[height - 1 - y // 4][x // 2] = ord("●")
    lines = ["│" + "".join(map(chr, row)) for row in cells]
    return "\n".join(["recall", *lines, "└" + "─" * width, " false positive rate, 0 to 1"])


def blocks(counts: Sequence[float]) -> str:
    """Counts as a row of blocks of eight heights, the highest count the highest block.

    >>> blocks([0, 1, 4, 8, 2])
    ' ▁▄█▂'
    """
    most = max(counts, default=0)
    # Whatever is there is seen: only nothing is a blank.
    return "".join(" ▁▂▃▄▅▆▇█"[math.ceil(8 * k / most)] if k else " " for k in counts)


def scores(data: Mapping[str, Any]) -> str:
    """Where the scores of each class lie, each class by its own highest bin, with the threshold below."""
    found = data["histogram"]
    low, high = found["edges"][0], found["edges"][-1]
    names = {key: short(data["labels"][data[key[:-1]]]) for key in ("positives", "negatives")}
    wide = max(len("score"), *map(len, names.values()))
    lines = [f"{name:<{wide}} │{blocks(found[key])}│" for key, name in names.items()]
    ends = f"{low:.3g}", f"{high:.3g}"
    bins = len(found["positives"])
    first = data["named"][0]
    at = first["threshold"] if first["name"] in ASKED_FOR else None
    under = [" "] * bins
    if at is not None and low <= at <= high:
        # Half the ends first: the span of +-1.7e308 is no float64.
        place = (at / 2 - low / 2) / (high / 2 - low / 2)
        under[min(int(place * bins), bins - 1)] = "▲"
    lines.append(f"{'':<{wide}}  {''.join(under)}")
    lines.append(f"{'score':<{wide}}  {ends[0]:<{bins - len(ends[1])}}{ends[1]}")
    return "\n".join(line.rstrip() for line in lines)


def _grid(*columns: str) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for k, column in enumerate(columns):
        table.add_column(_cell(column), justify="right" if k else "left")
    return table


def _cell(value: str) -> Any:
    from rich.text import Text

    return Text(value)  # never markup: a class may be called [red]


def _row(table: Table, values: list[str]) -> None:
    table.add_row(*map(_cell, values))


def _two_by_two(data: Mapping[str, Any]) -> Table:
    tp, fp, fn, tn = words.cells(data)
    positive, negative = (short(data["labels"][data[key]]) for key in ("positive", "negative"))
    table = _grid("truth", f"flagged as {positive}", "not flagged")
    _row(table, [positive, number(tp), number(fn)])
    _row(table, [negative, number(fp), number(tn)])
    return table


def _confusion(data: Mapping[str, Any]) -> Table:
    names = [short(name) for name in data["labels"]]
    table = _grid("truth in rows", *names)
    for name, row in zip(names, data["confusion"], strict=True):
        _row(table, [name, *map(number, row)])
    return table


def _estimates(estimates: list[dict[str, Any]]) -> Table:
    table = _grid("metric", "value", "interval", "rows", "method")
    table.columns[-1].justify = "left"
    for e in estimates:
        _row(table, [e["label"], figure(e["value"]), interval(e), number(e["n"]), method(e)])
    return table


def _per_class(data: Mapping[str, Any]) -> Table:
    table = _grid("class", "rows", *(e["label"] for e in data["per_class"][0]["estimates"]))
    for row in data["per_class"]:
        _row(table, [short(row["label"]), number(row["support"]), *(figure(e["value"]) for e in row["estimates"])])
    return table
