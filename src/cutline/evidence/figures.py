"""A metric as a figure of rows that count so many times, and what is drawn or left out: rows, classes, clusters."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline import core
from cutline.errors import InputError
from cutline.evidence.intervals import Replicates, acceleration_of
from cutline.evidence.resample import FEWEST, REPLICATES, TOGETHER
from cutline.metrics import Metric, ThresholdTable, decided, from_matrix
from cutline.metrics.ordinal import row_rps
from cutline.metrics.probability import ROW_LOSSES
from cutline.scores import Scores

ROWS = 10_000
"""Rows times columns up to which any metric is drawn from all rows; of more, from as many."""
GROUPS = 500
"""Groups of rows that are left out in turn for the acceleration of BCa."""

ROW_MEANS: dict[str, Callable[[Scores], NDArray[np.float64]]] = {
    **ROW_LOSSES,
    "ranked_probability_score": row_rps,
    "normalized_rps": lambda scores: row_rps(scores) / (scores.classes.k - 1),
}
"""Metrics that are means of one number a row."""
Figure = Callable[[NDArray[np.float64]], float]
"""The value of a metric when row i counts w[i] times."""


def figure_of(metric: Metric, known: Scores, at: float | None = None, decision: NDArray[Any] | None = None) -> Figure:
    """A metric of rows that count w[i] times, w of shape (n,); nan when none counts.

    `at` or `decision` make the decision of count metrics; weights of `known` are multiplied by w.
    """
    own = known.weight

    def mass(w: NDArray[np.float64]) -> NDArray[np.float64]:
        return w if own is None else w * own

    if metric.name in ROW_MEANS:
        rows = ROW_MEANS[metric.name](known)
        return lambda w: float(mass(w) @ rows / mass(w).sum()) if w.any() else math.nan
    if metric.of_table and known.binary and known.kind != "label":
        return _figure_of_order(metric, known, mass)
    if (metric.of_counts and known.binary) or metric.of_matrix:
        return _figure_of_cells(metric, known, at, decision, mass)
    metric.value(known)  # raises, by name
    return lambda w: float(metric.value(known.with_weight(mass(w)))) if w.any() else math.nan


def _figure_of_cells(metric: Metric, known: Scores, at: float | None, decision: Any, mass: Any) -> Figure:
    codes, k = decided(known, at) if decision is None else decision, known.classes.k
    cell = np.asarray(known.truth).astype(np.int64) * k + codes
    positive = known.classes.index(known.classes.positive) if known.binary else 0

    def figure(w: NDArray[np.float64]) -> float:
        matrix = np.bincount(cell, weights=mass(w), minlength=k * k).reshape(k, k)
        found = from_matrix(matrix, positive) if known.binary and metric.of_counts else matrix
        return float(metric.value(found))

    return figure


def _figure_of_order(metric: Metric, known: Scores, mass: Any) -> Figure:
    order = np.argsort(-known.score, kind="stable")
    score, positive = known.score[order].astype(np.float64), known.is_positive[order]
    ends = np.flatnonzero(np.append(np.diff(score) != 0, True))
    thresholds = np.append(np.inf, score[ends])

    def figure(w: NDArray[np.float64]) -> float:
        if not w.any():
            return math.nan
        each = mass(w)[order]
        split = (each * positive).cumsum()[ends], (each * ~positive).cumsum()[ends]
        tp, fp = (np.append(0.0, side) for side in split)
        make = ThresholdTable if known.weight is None else ThresholdTable.of_sums
        return float(metric.value(make(thresholds, tp, fp)))

    return figure


def drawn(
    known: Scores, *, replicates: int, seed: int, stratified: bool = False
) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """How many times each row is drawn, some replicates at a time: the number of the first, and shape (some, n).

    Whole clusters Poisson(1) times when there are groups; as many rows of each class as there are when stratified;
    else each row Poisson(1) times. Replicate r depends on (seed, r) alone.
    """
    member = clusters_of(known)
    if stratified and member is not None:
        raise InputError(
            "stratified", "True for rows in clusters (groups=)", "one of the two", "clusters are drawn whole"
        )
    count = known.n if member is None else int(member.max()) + 1
    for first in range(0, replicates, TOGETHER):
        some = min(TOGETHER, replicates - first)
        if stratified:
            yield first, _within_classes(np.asarray(known.truth), some, seed, first)
        else:
            times = core.times_drawn(count, replicates=some, seed=seed, first=first).astype(np.float64)
            yield first, times if member is None else times[:, member]


def _within_classes(codes: NDArray[Any], some: int, seed: int, first: int) -> NDArray[np.float64]:
    out = np.empty((some, len(codes)))
    rng = np.random.default_rng([seed % 2**64, first])
    for code in np.unique(codes):
        rows = np.flatnonzero(codes == code)
        picked = rng.integers(0, len(rows), (TOGETHER, len(rows)))[:some]  # all lanes: a replicate is the same alone
        for one, pick in zip(out, picked, strict=True):
            one[rows] = np.bincount(pick, minlength=len(rows))
    return out


def clusters_of(known: Scores) -> NDArray[np.int64] | None:
    """Cluster numbers 0, 1, ... of the rows, shape (n,); None without groups and when every row is its own cluster."""
    if known.groups is None:
        return None
    groups = known.groups.astype(str) if known.groups.dtype == object else known.groups
    member = np.unique(groups, return_inverse=True)[1].reshape(-1)
    return None if int(member.max()) + 1 == known.n else member


def bootstrap_figure(
    figures: Sequence[Figure], known: Scores, *, replicates: int, seed: int, stratified: bool = False
) -> NDArray[np.float64]:
    """Replicates of several figures over the same draws, shape (replicates, figures)."""
    out = np.empty((replicates, len(figures)))
    for first, times in drawn(known, replicates=replicates, seed=seed, stratified=stratified):
        for r, w in enumerate(times, first):
            out[r] = [figure(w) for figure in figures]
    return out


def bootstrap_some(
    metric: Metric,
    known: Scores,
    *,
    seed: int,
    at: float | None = None,
    decision: NDArray[Any] | None = None,
) -> Replicates:
    """Bootstrap of any metric, such as a mean over pairs of classes, in a bounded time; whole clusters when there are.

    Above `ROWS` numbers only a seeded part of the rows (or clusters) is drawn from, and the spread about its value is
    shrunk by the root of its share: right for metrics whose error falls with the root of n (Bickel, Gotze & van Zwet
    1997).
    """
    width = known.score.shape[1] if known.score.ndim == 2 else 1
    member = clusters_of(known)
    count = known.n if member is None else int(member.max()) + 1
    value = figure_of(metric, known, at, decision)(np.ones(known.n))
    part, kept = known, max(count * max(ROWS // width, 200) // known.n, min(count, 200))
    if kept < count:
        some = np.zeros(count, dtype=bool)
        some[np.random.default_rng(seed).choice(count, kept, replace=False)] = True
        keep = some if member is None else some[member]
        part, decision = known.take(keep), None if decision is None else decision[keep]
    figure = figure_of(metric, part, at, decision)
    replicates = min(REPLICATES, max(FEWEST, 1_000_000 // (part.n * width)))
    values = bootstrap_figure([figure], part, replicates=replicates, seed=seed)[:, 0]
    how = "Poisson bootstrap" if member is None else "cluster bootstrap"
    if part is not known:
        values = value + math.sqrt(kept / count) * (values - figure(np.ones(part.n)))
        how += f" of {kept:,} {'rows' if member is None else 'clusters'}, rescaled"
    return Replicates(values, how, value=value, units=float(count))


def accelerated(found: Replicates, figure: Figure, known: Scores, seed: int = 0) -> Replicates:
    """The same replicates with BCa limits: the acceleration from leaving out rows, clusters or groups in turn."""
    member = clusters_of(known)
    if member is None:
        groups = np.arange(known.n)
        if known.n > 2 * GROUPS:
            groups = np.random.default_rng(seed).permutation(groups % GROUPS)
    else:
        groups = member
    left = np.array([figure((groups != g).astype(np.float64)) for g in range(int(groups.max()) + 1)])
    left = left[~np.isnan(left)]
    a = acceleration_of(left.mean() - left) if left.size else 0.0
    return replace(found, kind="bca", acceleration=a)
