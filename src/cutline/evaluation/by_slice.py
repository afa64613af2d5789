"""The figures of every slice of the rows, at the same decision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline.evidence import Estimate, estimate
from cutline.labels import Label
from cutline.metrics import Metric, ThresholdTable, accuracy, f1, fpr, macro, precision, recall, roc_auc
from cutline.scores import Scores

MIN_ROWS, MIN_EVENTS = 30, 10
"""Rows, and rows of each class, below which a slice is called thin: those of `cutline.slices`."""


@dataclass(frozen=True, slots=True, eq=False)
class SliceReport:
    """One slice.

    Attributes
    ----------
    partition : str
    name : label or None
        The value that its rows share; None for the rows where the partition has no value.
    n, n_pos : int
        Rows, and positive rows (-1 for several classes).
    reason : str
        Why it is too thin to lean on; empty when it is not.
    estimates : tuple of Estimate
        Precision, recall, false positive rate and ROC AUC; of several classes accuracy and macro F1.
    table : ThresholdTable or None
        Two classes and scores with an order: its counts at every threshold.
    """

    partition: str
    name: Label | None
    n: int
    n_pos: int
    reason: str
    estimates: tuple[Estimate, ...]
    table: ThresholdTable | None


def by_slice(
    known: Scores, threshold: float | None, decision: NDArray[Any] | None, confidence: float, seed: int = 0
) -> tuple[SliceReport, ...]:
    """Every slice of the rows that count, in the order of the partitions and their values; none without partitions.

    Parameters
    ----------
    known : Scores
        The rows that count, with their partitions.
    threshold : float or None
    decision : ndarray of int, shape (n,), or None
        Codes of decided classes, in place of the threshold.
    confidence : float
    seed : int
    """
    if not known.slices:
        return ()
    from cutline.evidence.slices import partitions_of, searched, thin  # the search of slices is loaded when asked for

    decides = decision is not None or threshold is not None or known.kind == "label" or not known.binary
    made = []
    for partition, name, rows in searched(partitions_of(known)):
        part = known.take(rows)
        ordered = known.binary and known.kind != "label"
        table = ThresholdTable.from_scores(part) if ordered else None
        codes = None if decision is None else np.asarray(decision)[rows]
        found = tuple(
            estimate(metric, part, at=threshold, decision=codes, confidence=confidence, seed=seed, table=table)
            for metric in _metrics(part, decides)
        )
        n_pos = part.n_pos if part.binary else -1
        reason = thin(roc_auc if ordered else accuracy, part, part, MIN_ROWS, MIN_EVENTS)
        made.append(SliceReport(partition, name, part.n, n_pos, reason, found, table))
    return tuple(made)


def _metrics(part: Scores, decides: bool) -> list[Metric]:
    if not part.binary:
        return [accuracy, macro(f1)]
    both = 0 < part.n_pos < part.n
    return [*((precision, recall, fpr) if decides else ()), *([roc_auc] if both and part.kind != "label" else [])]
