"""Single figures of a report for papers: SVG, PNG and PDF by matplotlib, or drawn into axes of the reader's own.

Colours are Okabe and Ito's, and nothing is told by colour alone: lines have dashes and their names beside them.
"""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cutline.errors import InputError, UnknownName
from cutline.evidence import wilson
from cutline.report.words import cut, figure, number, short, span

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Data = Mapping[str, Any]

BLUE, VERMILLION, GREEN, GREY, INK = "#0072B2", "#D55E00", "#009E73", "#5f6670", "#1b1f24"
DASHED, DOTTED = (0, (5, 2)), (0, (1, 1.5))
STYLE = {
    "font.size": 8,
    "axes.linewidth": 0.6,
    "axes.edgecolor": GREY,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "text.parse_math": False,  # a class may be called $x$
    "svg.fonttype": "none",  # text stays text: it can be found, read aloud and edited
    "svg.hashsalt": "cutline",  # the same figure is the same file
}
PLATE = {"facecolor": "white", "alpha": 0.8, "linewidth": 0, "pad": 1}
"""What text stands on where it may cross a line."""
MOST_CLASSES = 20
"""Classes whose confusion matrix can be read in one column of a paper."""


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Figure:
    """One figure of a report; made by `Report.figure`.

    Attributes
    ----------
    name : str
        Which figure: "roc", "pr", "calibration", "scores", "cost" or "confusion".
    axes : matplotlib.axes.Axes
        What it was drawn into: anything of matplotlib's can be done to it before it is saved.
    """

    name: str
    axes: Axes

    def save(self, path: str | os.PathLike[str], *, dpi: int = 300) -> Path:
        """Write ``.svg``, ``.png`` or ``.pdf``, by the suffix; an existing file is replaced whole or not at all.

        Parameters
        ----------
        path : path
            Where to.
        dpi : int
            Dots per inch of a PNG.

        Raises
        ------
        InputError
            Another suffix, or a folder that cannot be written.
        """
        target = Path(path)
        form = target.suffix.lower().removeprefix(".")
        if form not in ("svg", "png", "pdf"):
            raise InputError("path", repr(str(target)), "a file that ends in .svg, .png or .pdf")
        from cutline.data import replacing

        with replacing(target) as draft:
            draft.write_bytes(self._drawn(form, dpi))
        return target

    def to_svg(self) -> str:
        """The figure as SVG; the same figure is the same text."""
        return self._drawn("svg").decode()

    def to_png(self, *, dpi: int = 300) -> bytes:
        """The figure as a PNG file."""
        return self._drawn("png", dpi)

    def _drawn(self, form: str, dpi: int = 300) -> bytes:
        whole, out = self.axes.figure.figure, io.BytesIO()  # of axes in a subfigure, the figure that it is part of
        undated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {}}
        with _styled():
            whole.savefig(out, format=form, dpi=dpi, metadata=undated[form])
        return out.getvalue()

    def _repr_svg_(self) -> str:
        return self.to_svg()

    def __repr__(self) -> str:
        return f"Figure({self.name!r})"


def draw(data: Data, name: str, ax: Axes | None = None) -> Figure:
    """Draw one figure of what a report holds.

    Parameters
    ----------
    data : mapping
        `Report.data`.
    name : str
        One of `FIGURES`.
    ax : matplotlib.axes.Axes, optional
        Axes to draw into; a figure of one column's width when not given.

    Raises
    ------
    UnknownName
        No such figure.
    InputError
        The report has not what it shows, or matplotlib is not installed.
    """
    if name not in FIGURES:
        raise UnknownName.among("figure", name, FIGURES)
    needed, why, drawing = FIGURES[name]
    if any(data.get(key) is None for key in needed):
        raise InputError("figure", f"{name!r} of a report without {why}", f"one of: {', '.join(drawable(data))}")
    try:
        from matplotlib.figure import Figure as Canvas
    except ImportError:
        raise InputError("figure", repr(name), "matplotlib", "pip install 'cutline[plot]'") from None
    with _styled():
        if ax is None:
            ax = Canvas(figsize=(3.5, 3.3), layout="constrained").add_subplot()
        drawing(data, ax)
        ax.tick_params(length=2)
    return Figure(name, ax)


def drawable(data: Data) -> list[str]:
    """Names of the figures that a report can draw."""
    return [name for name, (needed, _, _) in FIGURES.items() if all(data.get(key) is not None for key in needed)]


@contextmanager
def _styled() -> Iterator[None]:
    import matplotlib

    with matplotlib.rc_context(STYLE), warnings.catch_warnings():  # type: ignore[arg-type]  # keys are any text
        warnings.filterwarnings("ignore", "Glyph .* missing")  # a name in a script that the font lacks shows boxes
        yield


def _roc(data: Data, ax: Axes) -> None:
    tp, fp = data["points"]["tp"], data["points"]["fp"]
    positives, negatives = data["positives"], data["negatives"]
    if not positives or not negatives:
        raise InputError("figure", "'roc' of rows of one class", "rows of both classes")
    _square(ax, "False positive rate", "Recall")
    ax.plot([0, 1], [0, 1], color=GREY, lw=0.8, ls=DOTTED)
    ax.text(0.72, 0.7, "chance", color=GREY, va="top", bbox=PLATE)
    if _independent(data):
        level = data["confidence"]
        x, y = ([wilson(k, n, level) for k in counts] for counts, n in ((fp, negatives), (tp, positives)))
        sides = list(zip(x, y, strict=True))
        _band(ax, [(a[1], b[0]) for a, b in sides], [(a[0], b[1]) for a, b in sides])
    ax.plot([k / negatives for k in fp], [k / positives for k in tp], color=BLUE, lw=1.4)
    start = data["named"][0]
    x0, y0 = fp[start["index"]] / negatives, tp[start["index"]] / positives
    _mark(ax, x0, y0)
    told = f"recall {figure(y0)}, false positive rate {figure(x0)}"
    _tell(ax, data, "roc_auc", f"{_at(start)}:\n{told}")


def _pr(data: Data, ax: Axes) -> None:
    tp, fp = data["points"]["tp"], data["points"]["fp"]
    positives, share = data["positives"], data["prevalence"]
    if not positives:
        raise InputError("figure", "'pr' of rows without a positive one", "rows of both classes")
    _square(ax, "Recall", "Precision")
    ax.axhline(share, color=GREY, lw=0.8, ls=DOTTED)
    ax.text(0.02, share, f"chance: prevalence {figure(share)}", color=GREY, va="bottom" if share < 0.9 else "top")
    cells = [(a, b) for a, b in zip(tp, fp, strict=True) if a + b > 0]
    if _independent(data):
        level = data["confidence"]
        limits = [(a / positives, wilson(a, a + b, level)) for a, b in cells]
        _band(ax, [(x, low) for x, (low, _) in limits], [(x, high) for x, (_, high) in limits])
    ax.plot(
        [a / positives for a, _ in cells], [a / (a + b) for a, b in cells], color=BLUE, lw=1.4, drawstyle="steps-pre"
    )
    start, told = data["named"][0], "nothing is flagged"
    a, b = tp[start["index"]], fp[start["index"]]
    if a + b > 0:
        _mark(ax, a / positives, a / (a + b))
        told = f"precision {figure(a / (a + b))}, recall {figure(a / positives)}"
    _tell(ax, data, "average_precision", f"{_at(start)}:\n{told}")


def _calibration(data: Data, ax: Axes) -> None:
    bins = data["reliability"]
    positive = short(data["labels"][data["positive"]])
    _square(ax, f"Predicted probability of {positive}", f"Observed share of {positive}")
    ax.plot([0, 1], [0, 1], color=GREY, lw=0.8, ls=DOTTED)
    ax.text(0.74, 0.71, "as predicted", color=GREY, va="top", bbox=PLATE)
    x, y = [b["mean"] for b in bins], [b["rate"] for b in bins]
    below, above = [b["rate"] - b["low"] for b in bins], [b["high"] - b["rate"] for b in bins]
    ax.errorbar(x, y, [below, above], color=BLUE, ecolor=BLUE, elinewidth=0.8, capsize=1.5, lw=1, marker="o", ms=3)
    each = f"{len(bins)} bins of about {number(round(sum(b['n'] for b in bins) / len(bins)))} rows"
    ax.text(0.98, 0.03, f"{each},\n{_percent(data)} intervals", color=INK, ha="right", transform=ax.transAxes)


def _scores(data: Data, ax: Axes) -> None:
    found = data["histogram"]
    edges = found["edges"]
    sides = ((data["negative"], "negatives", VERMILLION, DASHED), (data["positive"], "positives", BLUE, "-"))
    for index, key, colour, dash in sides:
        total = sum(found[key]) or 1
        shares = [100 * k / total for k in found[key]]
        ax.stairs(shares, edges, color=colour, ls=dash, lw=1.3)
        ax.stairs(shares, edges, color=colour, fill=True, alpha=0.12)
        top = max(range(len(shares)), key=shares.__getitem__)
        name = f"{short(data['labels'][index])}, {number(sum(found[key]))} rows"
        side = "left" if top < len(shares) / 2 else "right"
        ax.text(edges[top + (side == "right")], shares[top], name, color=colour, ha=side, va="bottom", bbox=PLATE)
    ax.margins(x=0, y=0.12)
    ax.set_ylim(bottom=0)
    ax.set_xlabel(f"Score ({data['scored']['score_kind']})")
    ax.set_ylabel("Share of the class, in % per bin")
    _threshold(ax, data)


def _cost(data: Data, ax: Axes) -> None:
    price, total = data["cost"], data["positives"] + data["negatives"]
    cells = zip(data["points"]["threshold"], data["points"]["tp"], data["points"]["fp"], strict=True)
    each = [(t, _price(price, tp, fp, data) / total) for t, tp, fp in cells if t is not None]
    ax.plot([t for t, _ in each], [c for _, c in each], color=BLUE, lw=1.4)
    for value, text in (
        (_price(price, 0, 0, data) / total, "flag nobody"),
        (_price(price, data["positives"], data["negatives"], data) / total, "flag everybody"),
    ):
        ax.axhline(value, color=GREY, lw=0.8, ls=DOTTED)
        ax.text(1, value, text, color=GREY, ha="right", va="bottom", transform=ax.get_yaxis_transform())
    best = min(each, key=lambda one: one[1])
    ax.plot(*best, marker="v", ms=5, color=GREEN)
    ax.annotate(
        f"lowest: {figure(best[1])} at {cut(best[0])}", best, (0, -9), textcoords="offset points", color=GREEN,
        ha="left" if best[0] < sum(ax.get_xlim()) / 2 else "right", va="top", bbox=PLATE,
    )  # fmt: skip
    ax.margins(y=0.15)
    ax.set_ylim(bottom=min(0.0, ax.get_ylim()[0]))
    ax.set_xlabel("Threshold")
    ax.set_ylabel("Cost per row")
    said = f"a false positive costs {price['fp']:g}, a false negative {price['fn']:g}"
    _threshold(ax, data, said if data["cost_given"] else "both mistakes cost 1: no costs were given")


def _confusion(data: Data, ax: Axes) -> None:
    matrix, names = data["confusion"], [short(name) for name in data["labels"]]
    if len(names) > MOST_CLASSES:
        raise InputError("figure", f"'confusion' of {len(names)} classes", f"at most {MOST_CLASSES}")
    shares = [[k / sum(row) if sum(row) else 0.0 for k in row] for row in matrix]
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=1.25)  # the darkest is left out: black on it could not be read
    for i, row in enumerate(matrix):
        for j, k in enumerate(row):
            ax.text(j, i, number(k), ha="center", va="center", color=INK, weight="bold" if i == j else "normal")
    places = range(len(names))
    ax.set_xticks(places, names, rotation=0 if max(map(len, names)) * len(names) < 40 else 90)
    ax.set_yticks(places, names)
    ax.set_xlabel("Decided as")
    ax.set_ylabel("Truth; the darker, the larger the share of its rows")


FIGURES: dict[str, tuple[tuple[str, ...], str, Callable[[Data, Axes], None]]] = {
    "roc": (("points",), "a score of two classes", _roc),
    "pr": (("points",), "a score of two classes", _pr),
    "calibration": (("reliability",), "probabilities of two classes", _calibration),
    "scores": (("histogram",), "a score of two classes", _scores),
    "cost": (("points",), "a score of two classes", _cost),
    "confusion": (("confusion",), "a confusion matrix of several classes", _confusion),
}
"""For each figure: what of the data it needs, that in words, and how it is drawn."""


def _independent(data: Data) -> bool:
    """Whether rows are counted one by one: a band for weights or clusters would have to know more than counts."""
    return bool(data["independent"])


def _price(price: Data, tp: float, fp: float, data: Data) -> float:
    fn, tn = data["positives"] - tp, data["negatives"] - fp
    return float(price["tp"] * tp + price["fp"] * fp + price["fn"] * fn + price["tn"] * tn)


def _square(ax: Axes, x: str, y: str) -> None:
    ax.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), xlabel=x, ylabel=y, aspect="equal")


def _band(ax: Axes, lower: Sequence[tuple[float, float]], upper: Sequence[tuple[float, float]]) -> None:
    outline = [*lower, *reversed(upper)]
    ax.fill([x for x, _ in outline], [y for _, y in outline], color=BLUE, alpha=0.15, lw=0)


def _percent(data: Data) -> str:
    return f"{100 * data['confidence']:g} %"


def _tell(ax: Axes, data: Data, metric: str, told: str) -> None:
    """Above the curve, where nothing can hide it: its figure, what the band is, where the rule decides."""
    lines = []
    for row in data["estimates"]:
        if row["metric"] == metric:
            limits = span(row["low"], row["high"], row["value"])
            lines.append(f"{row['label']} {figure(row['value'])}" + (f" ({limits})" if limits else ""))
    if _independent(data):
        lines.append(f"band: {_percent(data)}, one threshold at a time")
    ax.set_title("\n".join([*lines, f"○ {told}"]), size=8, loc="left")


def _at(start: Data) -> str:
    asked = {"chosen": "chosen", "evaluated": ""}.get(start["name"], start["name"])
    return f"{asked + ' ' if asked else ''}threshold {cut(start['threshold'])}"


def _mark(ax: Axes, x: float, y: float) -> None:
    """The operating point."""
    ax.plot(x, y, marker="o", ms=5, mfc="white", mec=INK, mew=1.2)


def _threshold(ax: Axes, data: Data, *above: str) -> None:
    """The threshold as an upright line, where there is one, told above the figure."""
    start = data["named"][0]
    said = list(above)
    if start["threshold"] is not None:
        ax.axvline(start["threshold"], color=INK, lw=0.8)
        said.append(f"│ {_at(start)}")
    ax.set_title("\n".join(said), size=8, loc="left")
