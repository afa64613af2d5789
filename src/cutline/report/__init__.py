"""Finished results for people: one HTML page, Markdown, JSON, a terminal. Computes nothing."""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cutline.decision import OperatingPoint
from cutline.errors import InputError
from cutline.evaluation import (
    Evaluation,
    LabelSets,
    Mistake,
    SideBySide,
    costliest,
    evaluate,
    evaluate_labels,
    side_by_side,
)
from cutline.evidence.difference import Comparison
from cutline.metrics import MultiLabel
from cutline.report.comparison import comparison_payload
from cutline.report.figures import Figure, draw
from cutline.report.html import page, tables
from cutline.report.markdown import markdown
from cutline.report.payload import payload
from cutline.report.schemas import schema
from cutline.report.several import labels_payload
from cutline.report.terminal import print_evaluation
from cutline.scores import Scores

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Figure", "Report", "print_evaluation", "report", "schema"]


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Report:
    """One evaluation, ready to be shown; made by `report`.

    Attributes
    ----------
    data : mapping
        What every form is made of: plain values with a ``schema_version``.
    """

    data: Mapping[str, Any]

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write ``.html``, ``.md`` or ``.json``, by the suffix; an existing file is replaced whole or not at all.

        Raises
        ------
        InputError
            Another suffix, or a folder that cannot be written.
        """
        target = Path(path)
        forms = {".html": self.to_html, ".md": self.to_markdown, ".json": self.to_json}
        if target.suffix.lower() not in forms:
            raise InputError("path", repr(str(target)), "a file that ends in .html, .md or .json")
        from cutline.data import write_text

        write_text(target, forms[target.suffix.lower()]())
        return target

    def to_html(self) -> str:
        """One page that loads nothing: a slider over thresholds, tables where scripts are off."""
        return page(self.data)

    def to_markdown(self) -> str:
        """The sentence, the counts and the estimates as Markdown tables."""
        return markdown(self.data)

    def to_json(self) -> str:
        """`data` as one JSON document; undefined figures are null. `cutline.report.schema` describes its keys."""
        return json.dumps(self.data, allow_nan=False, indent=1) + "\n"

    def figure(self, name: str, *, ax: Axes | None = None) -> Figure:
        """One figure for a paper; ``.save("roc.svg")`` writes it. Needs matplotlib: ``pip install 'cutline[plot]'``.

        Parameters
        ----------
        name : {"roc", "pr", "calibration", "scores", "cost", "confusion"}
            The band of a curve holds at one threshold at a time; rows with weights or in clusters have none.
        ax : matplotlib.axes.Axes, optional
            Axes to draw into.

        Raises
        ------
        UnknownName
            No such figure.
        InputError
            The report has not what it shows, or matplotlib is not installed.
        """
        return draw(self.data, name, ax)

    def __repr__(self) -> str:
        return f"Report({self.data['title']!r}, {self.data['scored']['rows']:,} rows)"

    def _repr_html_(self) -> str:
        # Tables first: notebooks that are not trusted, and pages made of them, do not run the frame's script.
        style = "width:100%;height:900px;border:0"
        frame = f'<iframe title="Report" sandbox="allow-scripts" style="{style}" srcdoc="{escape(self.to_html())}">'
        return f"{tables(self.data)}{frame}</iframe>"


def report(
    result: Any,
    point: OperatingPoint | None = None,
    *,
    at: float | Mapping[Any, float] | None = None,
    mistakes: int | Sequence[Mistake] = 0,
    unit: str = "",
    title: str | None = None,
    date: str | None = None,
    checks: bool = True,
) -> Report:
    """Report an evaluation, scores, a fitted classifier, several models side by side, or label sets.

    Parameters
    ----------
    result : Evaluation, Scores or Classifier; mapping of str to Scores, or SideBySide; MultiLabel, or LabelSets
        Scores are evaluated first; a classifier shows the evaluation it carries. A mapping is of models, by name, on
        the same rows: its report compares each with the first. Rows with any number of labels are a `MultiLabel`,
        never a mapping: the keys of a mapping are always models.
    point : OperatingPoint, optional
        The decision to show, for `Scores`.
    at : float or mapping of name to float, optional
        Thresholds of models side by side, or of labels; 0.5 of probabilities and 0 of logits when not given.
    mistakes : int or sequence of Mistake
        List single rows by id, the costliest mistakes: so many of `Scores` with ids, or beside an evaluation those
        that `cutline.evaluation.costliest` found. Ids stand in the file: leave this out where rows are private.
    unit : str
        What costs are counted in, such as "EUR"; for the page's words.
    title : str, optional
        Heading; names the classes when not given.
    date : str, optional
        Day to print; today when not given, none when empty.
    checks : bool
        Show the traps that the rows have fallen into (`evaluate`, `check`).

    Returns
    -------
    Report
        ``.save("report.html")``, ``.to_markdown()``, ``.to_json()``; a notebook shows it.

    Raises
    ------
    InputError
        Something else, or a point beside an evaluation that was made without it.

    Examples
    --------
    >>> import cutline as cl
    >>> s = cl.Scores(y_true=[0, 0, 0, 1, 1, 1], y_score=[0.1, 0.3, 0.6, 0.4, 0.8, 0.9], kind="probability")
    >>> cl.report(s, title="Six rows")
    Report('Six rows', 6 rows)
    >>> cl.report({"gbm": s, "its shadow": s})
    Report('gbm or its shadow?', 6 rows)
    """
    if mistakes and isinstance(mistakes, int) and not (isinstance(result, Scores) and mistakes > 0):
        came, hint = (
            f"{mistakes} beside a {type(result).__name__}",
            "beside an evaluation pass what costliest found",
        )
        raise InputError("mistakes", came, "a number of rows above 0, beside Scores with ids", hint)
    today = datetime.date.today().isoformat() if date is None else date
    if _of_models(result) or isinstance(result, MultiLabel | SideBySide | LabelSets):
        if point is not None:
            raise InputError("point", f"a point beside a {type(result).__name__}", "at=, thresholds by name")
        if isinstance(result, MultiLabel | LabelSets):
            sets = evaluate_labels(result, at) if isinstance(result, MultiLabel) else result
            return Report(labels_payload(sets, title=title, date=today))
        found = result if isinstance(result, SideBySide) else side_by_side(result, at=at)
        return Report(comparison_payload(found, title=title, date=today))
    if at is not None:
        came = f"a threshold beside a {type(result).__name__}"
        raise InputError("at", came, "several models or labels", "cl.report(cl.evaluate(scores, threshold=0.5))")
    worst = None if isinstance(mistakes, int) or not mistakes else mistakes
    if isinstance(result, Scores):
        evaluation = evaluate(result, point, checks=checks)
        worst = costliest(result, point, most=mistakes) if mistakes and isinstance(mistakes, int) else worst
    else:
        evaluation = getattr(result, "evaluation", result)
        if not isinstance(evaluation, Evaluation):
            hint = ""
            if isinstance(result, Comparison):
                hint = "a comparison has no rows: pass the mapping of models, cl.report({'gbm': a, 'logit': b})"
            wanted = "an Evaluation, Scores or a Classifier, a mapping of names to Scores, or a MultiLabel"
            raise InputError("result", type(result).__name__, wanted, hint)
        if point is not None and point is not evaluation.point:
            raise InputError(
                "point",
                "a point beside a finished evaluation",
                "scores, or the evaluation of that point",
                "point.assess(scores) evaluates it",
            )
    if not checks:
        evaluation = evaluation.without_findings()
    return Report(payload(evaluation, title=title, date=today, unit=unit, mistakes=worst))


def _of_models(result: Any) -> bool:
    return isinstance(result, Mapping) and bool(result) and all(isinstance(one, Scores) for one in result.values())
