"""Metrics as functions of sums over bins of rows: cells of a confusion matrix, or steps of the order of the scores."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline.metrics import Counts, Metric, ThresholdTable, decided
from cutline.scores import Scores

STEPS = 4000
"""Distinct scores up to which every one is a step of its own; more are joined to about as many steps."""


@dataclass(frozen=True, slots=True, eq=False)
class Binned:
    """A metric, the bin of every row, and the value when each bin holds so much.

    Attributes
    ----------
    bins : ndarray of int, shape (n,)
        Bin of each row.
    size : int
        Number of bins.
    values : callable
        Sums of shape (some, size), and True when they are of weights, to values of shape (some,); nan for no rows.
    joined : bool
        True when steps of the order were joined: values are then those of rows tied within a step.
    """

    bins: NDArray[np.int64]
    size: int
    values: Callable[[NDArray[Any], bool], NDArray[np.float64]]
    joined: bool = False


def binned(metric: Metric, known: Scores, at: float | None) -> Binned | None:
    """A metric of these rows over bins; None for metrics that need the scores themselves."""
    if metric.of_scores:
        return None
    if metric.of_counts and known.binary:
        return _of_cells(metric, known, at, counts=True)
    if metric.of_table and known.binary:
        return _of_steps(metric, known)
    return _of_cells(metric, known, at, counts=False) if metric.of_matrix else None


def _of_cells(metric: Metric, known: Scores, at: float | None, *, counts: bool) -> Binned:
    k = known.classes.k
    bins = np.asarray(known.truth).astype(np.int64) * k + decided(known, at)
    positive = known.classes.index(known.classes.positive) if known.binary else 0

    def values(sums: NDArray[Any], weighted: bool) -> NDArray[np.float64]:
        cells = np.maximum(sums, 0).reshape(-1, k, k)
        if counts:
            p, n = positive, 1 - positive
            found = metric.value(Counts(cells[:, p, p], cells[:, n, p], cells[:, p, n], cells[:, n, n]))
        else:
            found = metric.value(cells)
        return np.where(cells.any(axis=(1, 2)), found, math.nan)

    return Binned(bins, k * k, values)


def _of_steps(metric: Metric, known: Scores) -> Binned:
    """Bins are the steps of the order of the negative class, then those of the positive one."""
    order = np.argsort(-known.score, kind="stable")
    score, positive = known.score[order], known.is_positive[order]
    ends = np.append(np.flatnonzero(score[1:] != score[:-1]), known.n - 1)
    joined = ends.size > STEPS
    if joined:
        ends = ends[_kept(positive, ends)]
    thresholds = np.append(np.inf, score[ends].astype(np.float64))
    m = ends.size
    step = np.empty(known.n, dtype=np.int64)
    step[order] = np.repeat(np.arange(m), np.diff(ends, prepend=-1))

    def one(sums: NDArray[Any], weighted: bool) -> float:
        if not sums.any():
            return math.nan
        fp, tp = np.cumsum(np.pad(sums.reshape(2, m), ((0, 0), (1, 0))), axis=1)
        return float(metric.value((ThresholdTable.of_sums if weighted else ThresholdTable)(thresholds, tp, fp)))

    def values(sums: NDArray[Any], weighted: bool) -> NDArray[np.float64]:
        return np.array([one(each, weighted) for each in sums])

    return Binned(step + m * known.is_positive, 2 * m, values, joined)


def _kept(positive: NDArray[np.bool_], ends: NDArray[np.int64]) -> NDArray[np.int64]:
    """Which ends of ties to keep: even shares of either class, closer together at the top, where figures look."""
    found = [np.array([ends.size - 1])]
    for mine in (positive, ~positive):
        above = np.cumsum(mine)[ends]
        total = max(int(above[-1]), 1)
        wanted = np.concatenate([np.linspace(0, total, STEPS // 8 * 3), np.geomspace(1, total, STEPS // 8)])
        found.append(np.searchsorted(above, wanted).clip(0, ends.size - 1))
    return np.unique(np.concatenate(found))
