"""Folds, and the bootstrap of a confusion matrix, all seeded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline.evidence.intervals import Replicates
from cutline.metrics import Metric

REPLICATES = 2000
DRAWS = 2_000_000
"""Cells drawn in all before replicates of a large matrix are saved on: about a tenth of a second."""


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
        Rows that share a group stay in one fold (then classes are balanced only on average).
    """
    rng = np.random.default_rng(seed)
    if groups is not None:
        _, member = np.unique(groups.astype(str) if groups.dtype == object else groups, return_inverse=True)
        fold_of = rng.permutation(np.arange(member.max() + 1) % folds)
        return np.asarray(fold_of[member])
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
    """Bootstrap of metrics of the confusion matrix: resampling rows is one multinomial draw of its cells.

    The draws are shared by all `metrics`. Without `replicates` there are 2,000, fewer for very large matrices, 400 at
    least.
    """
    cells = np.asarray(matrix, dtype=np.float64).ravel()
    n = round(float(cells.sum()))
    seen = np.flatnonzero(cells)
    rng = np.random.default_rng(seed)
    replicates = min(REPLICATES, max(400, DRAWS // max(seen.size, 1))) if replicates is None else replicates
    values: list[list[Any]] = [[] for _ in metrics]
    chunk = max(1, 2_000_000 // cells.size)  # matrices at a time, to bound the memory
    for start in range(0, replicates, chunk):
        drawn = np.zeros((min(chunk, replicates - start), cells.size))
        drawn[:, seen] = rng.multinomial(n, cells[seen] / cells.sum(), size=len(drawn))
        for metric, found in zip(metrics, values, strict=True):
            found.append(metric.value(drawn.reshape(-1, *matrix.shape)))
    return [Replicates(np.concatenate(found), "multinomial bootstrap") for found in values]
