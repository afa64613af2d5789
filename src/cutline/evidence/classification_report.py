"""The classification report: every class and the averages, with intervals, beside what no model at all would reach."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline.errors import ScoreError
from cutline.evidence.estimate import Estimate, count_ingredients, estimated, of_matrix
from cutline.labels import Classes, Shown
from cutline.metrics import (
    Counts,
    Metric,
    accuracy,
    balanced_accuracy,
    checked_decision,
    confusion_matrix,
    decided,
    f1,
    macro,
    mcc,
    micro,
    precision,
    recall,
    weighted,
)
from cutline.metrics.counts import class_counts
from cutline.scores import Scores

EACH = (precision, recall, f1)
AVERAGES = {"micro avg": micro, "macro avg": macro, "weighted avg": weighted}


@dataclass(frozen=True, slots=True)
class ReportRow:
    """A class or an average: its precision, recall and F1, and the rows (or sum of weights) it rests on."""

    name: str
    estimates: tuple[Estimate, ...]
    support: float


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ClassificationReport(Shown):
    """A superset of scikit-learn's report.

    Attributes
    ----------
    classes : Classes
    rows : tuple of ReportRow
        The classes in order, then the micro, macro and weighted average. A class whose precision is 0/0 is left out of
        macro and weighted averages, and its row says nan.
    overall : tuple of Estimate
        Accuracy, balanced accuracy, Matthews correlation.
    baselines : dict of str to dict
        Accuracy and macro F1 of always deciding the largest class, and in expectation of guessing by class shares.
    confusion : ndarray, shape (k, k)
    notes : tuple of str
    """

    classes: Classes
    rows: tuple[ReportRow, ...]
    overall: tuple[Estimate, ...]
    baselines: dict[str, dict[str, float]]
    confusion: NDArray[Any]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """As scikit-learn's ``output_dict=True``, with more: ``low`` and ``high`` of every figure, baselines, notes."""
        out: dict[str, Any] = {}
        for row in self.rows:
            out[row.name] = {"support": row.support}
            for key, e in zip(("precision", "recall", "f1-score"), row.estimates, strict=True):
                low, high = e.interval()
                out[row.name] |= {key: e.value, f"{key} low": low, f"{key} high": high}
        for e in self.overall:
            out[e.metric.name] = e.value
            out[f"{e.metric.name} low"], out[f"{e.metric.name} high"] = e.interval()
        return out | {"baselines": self.baselines, "notes": list(self.notes)}

    def to_frame(self) -> Any:
        """One row for each class and average, as a pyarrow Table."""
        import pyarrow as pa

        found = self.to_dict()
        names = [row.name for row in self.rows]
        keys = list(found[names[0]])
        return pa.table({"name": names} | {key: [found[name][key] for name in names] for key in keys})

    def __repr__(self) -> str:
        wide = max(len(row.name) for row in self.rows)
        head = ("precision", "recall", "f1-score", "support")
        lines = [" " * wide + "".join(f"{title:>24}" for title in head[:3]) + f"{head[3]:>12}"]
        for row in self.rows:
            if row.name == "micro avg":
                lines.append("")
            lines.append(f"{row.name:>{wide}}" + "".join(map(_cell, row.estimates)) + f"{row.support:>12,.6g}")
        lines.append("")
        lines += [f"{e.metric.label:<22}{_cell(e)}" for e in self.overall]
        for name, values in self.baselines.items():
            lines.append(f"{name}: accuracy {values['accuracy']:.4f}, macro F1 {values['macro f1']:.4f}")
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes)])


def classification_report(
    scores: Scores,
    *,
    at: float | None = None,
    decision: NDArray[Any] | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> ClassificationReport:
    """Precision, recall and F1 of every class and their averages, with intervals and baselines.

    Parameters
    ----------
    scores : Scores
        Truth beside scores or predicted labels.
    at : float, optional
        Threshold of two classes; not needed for predicted labels or more classes.
    decision : ndarray of int, shape (n,), optional
        Codes decided elsewhere, in place of `at`.
    confidence : float
        Level of the intervals.
    seed : int
        Seed of the bootstrap of averages.

    Examples
    --------
    >>> import cutline as cl
    >>> s = cl.Scores(y_true=["a", "b", "b", "c"], y_score=["a", "b", "a", "c"], classes=["a", "b", "c"], kind="label")
    >>> cl.classification_report(s).to_dict()["b"]["recall"]
    0.5
    """
    known = scores.known()
    if decision is None:
        if known.binary and known.kind != "label" and at is None:
            raise ScoreError("at", "no threshold", "a threshold to decide at", "for example at=0.5", code="CT01")
        codes = decided(known, at)
    else:
        codes = checked_decision(scores, decision)[scores.counting]
    matrix = confusion_matrix(known, codes)
    squared = None if known.weight is None else confusion_matrix(known.with_weight(np.square(known.weight)), codes)
    each, squares = class_counts(matrix), None if squared is None else class_counts(squared)
    support = matrix.sum(axis=1)
    rows, notes = [], []
    for k, name in enumerate(known.classes.names):
        counts, square = _one(each, k), None if squares is None else _one(squares, k)
        one = known.one_vs_rest(name) if known.groups is not None else known
        found = tuple(
            estimated(
                m,
                one,
                m.value(counts),
                count_ingredients(m, counts, square),
                confidence=confidence,
                n_pos=-1,
                decision=(codes == k).astype(np.int32),
            )
            for m in EACH
        )
        rows.append(ReportRow(str(name), found, support[k].item()))
        if math.isnan(found[0].value):
            notes.append(f"nothing was decided as {name!r}: its precision is undefined, not 0, and not averaged")
        if support[k] == 0:
            notes.append(f"no row of class {name!r}: its recall is undefined and left out of averages")
    averaged: list[Metric] = [average(m) for average in AVERAGES.values() for m in EACH]
    last = [accuracy, balanced_accuracy, mcc]
    made = [
        estimated(m, known, *pair, confidence=confidence, decision=codes)
        for m, pair in zip([*averaged, *last], of_matrix([*averaged, *last], known, matrix, seed), strict=True)
    ]
    for i, name in enumerate(AVERAGES):
        rows.append(ReportRow(name, tuple(made[3 * i : 3 * i + 3]), support.sum().item()))
    return ClassificationReport(
        known.classes, tuple(rows), tuple(made[9:]), _baselines(support), matrix, (*known.notes, *notes)
    )


def _one(each: Counts, k: int) -> Counts:
    return Counts(*(getattr(each, name)[k].item() for name in ("tp", "fp", "fn", "tn")))


def _baselines(support: NDArray[Any]) -> dict[str, dict[str, float]]:
    """Matrices of no model: always the largest class; and each row decided by lot, by the class shares."""
    share = support / support.sum()
    largest = np.zeros((len(share), len(share)))
    largest[:, share.argmax()] = share
    both = {"always the largest class": largest, "guessing by class shares": np.outer(share, share)}
    return {name: {"accuracy": accuracy.value(m), "macro f1": macro(f1).value(m)} for name, m in both.items()}


def _cell(e: Estimate) -> str:
    low, high = e.interval()
    inside = "" if math.isnan(low) else f" [{low:.3f}, {high:.3f}]"
    return f"{f'{e.value:.3f}{inside}':>24}"
