"""Folds, and draws of confusion matrices and of tables of all thresholds; all seeded."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline.evidence.auc import LargestGap
from cutline.evidence.intervals import Replicates
from cutline.metrics import Metric, ThresholdTable, find

REPLICATES = 2000
DRAWS = 2_000_000
"""Cells drawn in all before replicates of a large matrix are saved on: about a tenth of a second."""
TOGETHER = 32
"""Replicates drawn at a time; the kernel's number of lanes."""
STEPS = 2000
"""Steps of a table up to which its spread is drawn from all of them; of a longer one, from as many joined steps."""
FEWEST = 400
"""Replicates that are drawn at least."""
SMOOTHED = 100
"""Classes up to which draws of a confusion matrix are smoothed: cells without rows are drawn, too."""
ROWS_OF_A_CLASS = 8
"""Rows of a class below which figures that rest on its order, or average over classes, are marked insufficient."""


def stratified_folds(
    codes: NDArray[Any], folds: int, seed: int, groups: NDArray[Any] | None = None
) -> NDArray[np.int64]:
    """A fold number for each row, shape (n,); every class is spread as evenly as it can be.

    Parameters
    ----------
    codes : ndarray of int, shape (n,)
        Class codes.
    folds : int
        Number of folds.
    seed : int
        Seed.
    groups : ndarray, shape (n,), optional
        Rows that share a group stay in one fold; groups are dealt out by their most frequent class.
    """
    rng = np.random.default_rng(seed)
    if groups is not None:
        _, member = np.unique(groups.astype(str) if groups.dtype == object else groups, return_inverse=True)
        table = np.zeros((member.max() + 1, codes.max() + 1), dtype=np.int64)
        np.add.at(table, (member, codes.astype(np.intp)), 1)  # codes may be truth values
        return np.asarray(stratified_folds(table.argmax(axis=1), folds, seed)[member])
    out = np.empty(len(codes), dtype=np.int64)
    start = 0
    for code in np.unique(codes):
        rows = rng.permutation(np.flatnonzero(codes == code))
        # Start where the last class stopped, so that many small classes do not all land in fold 0.
        out[rows] = (start + np.arange(len(rows))) % folds
        start += len(rows)
    return out


def set_apart(codes: NDArray[Any], share: float, seed: int) -> NDArray[np.bool_]:
    """Mark about a share of the rows of every class, shape (n,); each class keeps at least half of its rows."""
    rng = np.random.default_rng(seed)
    out = np.zeros(len(codes), dtype=bool)
    for code in np.unique(codes):
        members = rng.permutation(np.flatnonzero(codes == code))
        out[members[: min(round(share * len(members)), len(members) // 2)]] = True
    return out


def bootstrap_matrix(
    metrics: Sequence[Metric], matrix: NDArray[Any], *, seed: int, replicates: int | None = None
) -> list[Replicates]:
    """Smoothed Bayesian bootstrap of metrics of the confusion matrix; the draws are shared by all `metrics`.

    Cells are drawn from a Dirichlet of their counts and one more row of each class, spread over its cells: drawing from
    the counts alone, a class without a mistake would never make one. What the extra rows shift is put back, so that the
    draws lie about the value; over two classes it is the Dirichlet(1/2) of composite count metrics. With more than
    `SMOOTHED` classes cells are drawn from the counts alone (multinomial).

    Without `replicates` there are 2,000, fewer for large matrices, 400 at least.
    """
    cells = np.asarray(matrix, dtype=np.float64)
    present = cells.sum(axis=1) > 0
    alive = present | (cells.sum(axis=0) > 0)
    smooth = len(cells) <= SMOOTHED
    seen = np.flatnonzero(np.outer(present, alive) if smooth else cells)
    rng = np.random.default_rng(seed)
    replicates = min(REPLICATES, max(FEWEST, DRAWS // max(seen.size, 1))) if replicates is None else replicates
    values: list[list[Any]] = [[] for _ in metrics]
    chunk = max(1, DRAWS // cells.size)  # matrices at a time, to bound the memory
    counts = cells.ravel()[seen]
    for start in range(0, replicates, chunk):
        drawn = np.zeros((min(chunk, replicates - start), cells.size))
        size = len(drawn), seen.size
        if smooth:
            drawn[:, seen] = rng.gamma(counts + 1 / alive.sum(), size=size)
        else:
            drawn[:, seen] = rng.multinomial(round(float(counts.sum())), counts / counts.sum(), size=len(drawn))
        for metric, found in zip(metrics, values, strict=True):
            found.append(metric.value(drawn.reshape(-1, *cells.shape)))
    enough = bool((cells.sum(axis=1)[present] >= ROWS_OF_A_CLASS).all())
    how = "Dirichlet, centred" if smooth else "multinomial bootstrap"
    made = []
    for metric, found in zip(metrics, values, strict=True):
        value, draws = float(metric.value(cells)), np.concatenate(found)
        if smooth and math.isfinite(value) and np.isfinite(draws).any():
            draws = draws + (value - float(draws[np.isfinite(draws)].mean()))
        made.append(Replicates(draws, how, value=value, enough=enough))
    return made


def bootstrap_table(
    metric: Metric, table: ThresholdTable, *, seed: int, stratified: bool = False, replicates: int | None = None
) -> Replicates:
    """Bootstrap of a metric of the order of all scores, in a time that does not depend on the number of rows.

    Drawing every row Poisson(1) times draws the rows of one score and class Poisson(their number) times. Rows with
    weights enter with their effective number. A table of many scores is joined to `STEPS` steps of even share first;
    the spread about the value of the joined table is then put about the exact one.

    Parameters
    ----------
    metric : Metric
        With a formula over tables.
    table : ThresholdTable
    seed : int
    stratified : bool
        Each class keeps its number of rows: draws of a design that fixed them.
    replicates : int, optional
        2,000 when the table is short, at least 400.
    """
    value = float(metric.value(table))
    thresholds, counts, scale = _steps(table)
    joined = _table(thresholds, counts * scale, table.weighted)
    if replicates is None:
        replicates = min(REPLICATES, max(FEWEST, DRAWS // counts.size))
    rng = np.random.default_rng(seed)
    out = np.empty(replicates)
    for first in range(0, replicates, TOGETHER):
        some = min(TOGETHER, replicates - first)
        drawn = np.empty((some, *counts.shape))
        if stratified:
            for row, rows in enumerate(counts):
                n = max(round(float(rows.sum())), 0)
                drawn[:, row] = rng.multinomial(n, rows / rows.sum(), size=some) if n else 0
        else:
            drawn[:] = rng.poisson(counts, size=drawn.shape)
        out[first : first + some] = [metric.value(_table(thresholds, one * scale, table.weighted)) for one in drawn]
    how = "stratified bootstrap" if stratified else "Poisson bootstrap"
    if len(thresholds) < len(table):
        out += value - float(metric.value(joined))
        how += f" of {len(thresholds) - 1:,} steps"
    units = min(_effective(w, w2) for w, w2 in _totals(table))
    # A stretch of the curve rests on a part of the rows of the smaller class.
    return Replicates(out, how, value=value, units=units, enough=units >= (20 if stratified else ROWS_OF_A_CLASS))


def gap_ingredients(table: ThresholdTable, *, seed: int, replicates: int | None = None) -> LargestGap:
    """Ingredients of the Kolmogorov-Smirnov gap: errors at the thresholds whose gap is nearly the largest."""
    _, counts, scale = _steps(table)
    value = float(find("ks").value(table))
    totals = (counts * scale).sum(axis=1)
    units = min(_effective(w, w2) for w, w2 in _totals(table))
    if math.isnan(value) or units < 2:
        return LargestGap(value, math.nan, np.empty(0), units)
    if replicates is None:
        replicates = min(REPLICATES, max(FEWEST, DRAWS // counts.size))
    steps = counts * scale
    rates = steps.cumsum(axis=1) / totals[:, None]
    gap = rates[0] - rates[1]
    sign = 1.0 if gap.max() >= -gap.min() else -1.0
    variance = [(w2 / w**2, r) for (w, w2), r in zip(_totals(table), rates, strict=True)]
    spread = np.sqrt(sum(v * r * (1 - r) for v, r in variance))
    best = int(np.argmax(sign * gap))
    near = sign * gap >= sign * gap[best] - 2 * (spread + spread[best])
    rng, out = np.random.default_rng(seed), np.empty(replicates)
    for r in range(replicates):
        moved = (rng.poisson(counts) * scale).cumsum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            moved /= moved[:, -1:]
        out[r] = np.nan_to_num((sign * (moved[0] - moved[1] - gap))[near].max())
    return LargestGap(value, float(spread[best]), out, units)


def _steps(table: ThresholdTable) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Thresholds (m,), effective positive and negative rows of each step (2, m - 1), and what one of them weighs."""
    pick = np.arange(len(table)) if len(table) <= STEPS + 1 else table.thinned(STEPS + 1)
    rows = np.diff(np.stack([table.tp[pick], table.fp[pick]]).astype(np.float64))
    if table.weights is None:
        return table.thresholds[pick], rows, np.ones((2, 1))
    w = table.weights
    sums, squares = (np.diff(np.stack([a[pick], b[pick]])) for a, b in ((w.tp, w.fp), (w.tp2, w.fp2)))
    there = rows > 0  # sums of weights are differences: where there is no row, rounding may leave something
    scale = np.where(there, squares / np.where(there, sums, 1), 0.0)
    return table.thresholds[pick], np.where(there, sums / np.where(there, scale, 1), 0.0), scale


def _table(thresholds: NDArray[np.float64], steps: NDArray[np.float64], weighted: bool) -> ThresholdTable:
    tp, fp = np.concatenate([np.zeros((2, 1)), steps.cumsum(axis=1)], axis=1)
    return (ThresholdTable.of_sums if weighted else ThresholdTable)(thresholds, tp, fp)


def _totals(table: ThresholdTable) -> list[tuple[float, float]]:
    r = table.ranking(full=False)
    return [(r.positives, r.square_positives), (r.negatives, r.square_negatives)]


def _effective(total: float, square: float) -> float:
    return total * total / square if square else 0.0
