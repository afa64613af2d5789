"""Kernels: arrays in, arrays out.

The only module that touches the compiled extension. It makes arrays contiguous and of a type the extension knows,
and owns no policy; user arrays are checked once, in `cutline.scores`.
"""

from __future__ import annotations

import os
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cutline.core import _kernels

__all__ = ["Sweep", "bootstrap_ranking", "sweep"]


class Sweep(NamedTuple):
    """Cumulative counts at every distinct score.

    Index i speaks of the rows with ``score >= threshold[i]``; row 0 is +inf, nobody.
    """

    threshold: NDArray[np.float64]
    tp: NDArray[np.int64]
    fp: NDArray[np.int64]
    sums: NDArray[np.float64] | None
    """With weights, shape (rows, 4): sum of w over positives, over negatives, sum of w^2 over positives, negatives."""


def sweep(score: NDArray[Any], truth: NDArray[Any], weight: NDArray[Any] | None = None) -> Sweep:
    """Sort the scores once and count at every distinct one.

    Parameters
    ----------
    score : ndarray of float32 or float64, shape (n,)
        Finite scores.
    truth : ndarray of bool or uint8, shape (n,)
        1 for the positive class.
    weight : ndarray of float, shape (n,), optional
        Non-negative weights.
    """
    score = _contiguous(score, score.dtype if score.dtype in (np.float32, np.float64) else np.float64)
    truth = _contiguous(truth, np.uint8)
    if not len(score) == len(truth) == (len(score) if weight is None else len(weight)):
        raise AssertionError("lengths differ")  # the extension reads all of them by one length
    if weight is None:
        return Sweep(*_kernels.sweep(score, truth), None)
    return Sweep(*_kernels.sweep_weighted(score, truth, _contiguous(weight, np.float64)))


def bootstrap_ranking(
    positives: NDArray[Any], negatives: NDArray[Any], *, replicates: int, seed: int, threads: int | None = None
) -> NDArray[np.float64]:
    """Poisson bootstrap of ROC AUC and average precision.

    Parameters
    ----------
    positives, negatives : ndarray of int64, shape (groups,)
        Rows of each class at each distinct score, the highest score first.
    replicates : int
        Number of bootstrap replicates.
    seed : int
        Replicate r depends on (seed, r) alone, never on the number of threads.
    threads : int, optional
        All cores by default.

    Returns
    -------
    ndarray of float64, shape (replicates, 2)
        ROC AUC and average precision of each replicate; nan where a class drew no row.
    """
    pos, neg = _contiguous(positives, np.int64), _contiguous(negatives, np.int64)
    if len(pos) != len(neg):
        raise AssertionError("lengths differ")
    out: NDArray[np.float64] = _kernels.bootstrap_ranking(
        pos, neg, replicates, seed % 2**64, threads or os.cpu_count() or 1
    )
    return out


def _contiguous(values: NDArray[Any], dtype: Any) -> NDArray[Any]:
    return np.ascontiguousarray(values, dtype=dtype)
