"""Models cut where each finds the same share of the positives, or flags the same share of the rows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cutline import core
from cutline.evidence.intervals import z_of
from cutline.evidence.redraw import class_units, member_of
from cutline.evidence.several import part_of
from cutline.metrics import ThresholdTable
from cutline.scores import Scores

By = Literal["recall", "flagged"]
FEWEST = 30
"""Rows (or clusters) of the smaller class below which percentiles of the bootstrap are too narrow to be shown."""
TOGETHER = 50


@dataclass(frozen=True, slots=True, eq=False)
class AtEqual:
    """Where models are cut to reach the same, and what that costs each.

    Attributes
    ----------
    by : {"recall", "flagged"}
        What is held equal: the share of positives that are flagged, or the share of all rows that are.
    names : tuple of str
        Models; the first is what the others are compared with.
    at : ndarray, shape (m,)
        What is to be reached, rising. By recall a model is cut at its highest threshold that reaches it; by flagged
        share at its lowest that does not exceed it.
    thresholds, tp, fp : ndarray, shape (models, m)
        The cut of each model and what it counts there; sums of weights when there are weights.
    low, high : ndarray, shape (models, m)
        Limits of the difference to the first model: of the flagged share (by recall), of the recall (by flagged
        share). nan for the first, and for all where a class has fewer than 30 rows or clusters.
    method : str
    """

    by: By
    names: tuple[str, ...]
    at: NDArray[np.float64]
    thresholds: NDArray[np.float64]
    tp: NDArray[Any]
    fp: NDArray[Any]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    method: str


def at_equal(
    models: Mapping[str, Scores],
    by: By,
    at: NDArray[Any],
    *,
    tables: Mapping[str, ThresholdTable] | None = None,
    confidence: float = 0.95,
    replicates: int = 500,
    seed: int = 0,
) -> AtEqual:
    """Cut every model where it reaches the same, with paired bootstrap limits of what differs then.

    All models see the same resampled rows (whole clusters, where there are any), and each is cut anew in each
    replicate: the limits hold for "the cut that reaches it", not for one fixed threshold. Of more than 50,000 scores a
    seeded part is drawn and rescaled.

    Parameters
    ----------
    models : mapping of str to Scores
        Binary scores of the same rows in the same order, all of which count.
    by : {"recall", "flagged"}
    at : array-like, shape (m,)
        Shares to reach, in (0, 1].
    tables : mapping of str to ThresholdTable, optional
        Those of `models`, when they were already made.
    confidence : float
    replicates, seed : int

    Examples
    --------
    >>> import cutline as cl
    >>> from cutline.evidence.at_equal import at_equal
    >>> a = cl.Scores(y_true=[0, 0, 1, 1], y_score=[0.1, 0.6, 0.4, 0.9], kind="probability")
    >>> b = cl.Scores(y_true=[0, 0, 1, 1], y_score=[0.1, 0.2, 0.4, 0.9], kind="probability")
    >>> found = at_equal({"a": a, "b": b}, "recall", [0.5, 1.0])
    >>> found.fp
    array([[0, 1],
           [0, 0]])
    """
    z_of(confidence)
    names, targets = tuple(models), np.asarray(at, dtype=np.float64)
    rows, tp, fp, thresholds = next(iter(models.values())), [], [], []
    for name, one in models.items():
        table = ThresholdTable.from_scores(one) if tables is None else tables[name]
        counts = table.counts()
        right, flagged = np.asarray(counts.tp), np.asarray(counts.tp) + np.asarray(counts.fp)
        place = _places(by, targets, right, flagged)
        tp.append(right[place])
        fp.append((flagged - right)[place])
        thresholds.append(table.thresholds[place])
    shape = (len(names), targets.size)
    low, high = np.full(shape, math.nan), np.full(shape, math.nan)
    values = np.array([_figure(by, t, f, rows) for t, f in zip(tp, fp, strict=True)])
    if class_units(rows, member_of(rows)) >= FEWEST:
        drawn = _replicates(models, by, targets, values, replicates, seed)
        tail = (1 - confidence) / 2
        low[1:], high[1:] = np.quantile(drawn, [tail, 1 - tail], axis=0)
        gap = values[1:] - values[0]
        low[1:], high[1:] = np.minimum(low[1:], gap), np.maximum(high[1:], gap)
    what = "cluster " if rows.groups is not None else ""
    return AtEqual(
        by, names, targets, np.array(thresholds), np.array(tp), np.array(fp), low, high, f"paired {what}bootstrap"
    )


def _places(by: By, targets: NDArray[Any], right: NDArray[Any], flagged: NDArray[Any]) -> NDArray[np.int64]:
    """The row of cumulated sums at which each target is reached; 1e-9 forgives what rounding leaves of weights."""
    if by == "recall":
        found = np.searchsorted(right, targets * right[-1] * (1 - 1e-9), side="left")
        return found.clip(0, len(right) - 1)
    return np.searchsorted(flagged, targets * flagged[-1] * (1 + 1e-9), side="right") - 1


def _figure(by: By, tp: NDArray[Any], fp: NDArray[Any], rows: Scores) -> NDArray[np.float64]:
    """What differs: the flagged share, or the recall."""
    weight = np.ones(rows.n) if rows.weight is None else rows.weight
    return np.asarray((tp + fp) / weight.sum() if by == "recall" else tp / (weight @ rows.is_positive))


def _replicates(
    models: Mapping[str, Scores], by: By, targets: NDArray[Any], values: NDArray[Any], replicates: int, seed: int
) -> NDArray[np.float64]:
    """Differences to the first model, shape (replicates, models - 1, targets)."""
    rows = next(iter(models.values()))
    keep, share = part_of(rows, rows.n, seed)
    some = rows.take(keep)
    member, positive = member_of(some), some.is_positive
    weight = np.ones(some.n) if some.weight is None else some.weight
    sorted_ = []
    for one in models.values():
        score = one.score[keep]
        order = np.argsort(-score, kind="stable")
        ends = np.flatnonzero(np.append(score[order][1:] != score[order][:-1], True))
        sorted_.append((order, ends))

    def figures(mass: NDArray[np.float64]) -> NDArray[np.float64]:
        out = np.empty((len(sorted_), targets.size))
        total, positives = mass.sum(), mass @ positive
        for k, (order, ends) in enumerate(sorted_):
            mine = mass[order]
            flagged = np.append(0.0, mine.cumsum()[ends])
            right = np.append(0.0, (mine * positive[order]).cumsum()[ends])
            place = _places(by, targets, right, flagged)
            out[k] = flagged[place] / total if by == "recall" else right[place] / positives
        return out

    drawn, units = [], int(member.max()) + 1
    for first in range(0, replicates, TOGETHER):
        some_times = core.times_drawn(units, replicates=min(TOGETHER, replicates - first), seed=seed, first=first)
        for times in some_times:
            mass = weight * times[member]
            if 0 < mass @ positive < mass.sum():
                drawn.append(figures(mass))
    found = np.array(drawn)
    gap = found[:, 1:] - found[:, :1]
    if share == 1:
        return gap
    here = figures(weight)
    # The spread of a part, about the figure of the part, shrunk to that of all rows and put about the figure of all.
    return (values[1:] - values[0]) + math.sqrt(share) * (gap - (here[1:] - here[0]))
