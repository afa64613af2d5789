"""What perfectly calibrated probabilities would show: truths drawn from the probabilities themselves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
POINTS = 4000
"""Cells at most: with more distinct probabilities nearby ones are pooled, for what is drawn only."""


@dataclass(frozen=True, slots=True, eq=False)
class Pooled:
    """Rows of equal (or nearly equal) probability as one cell, from low to high.

    Attributes
    ----------
    p : ndarray, shape (m,)
        Mean probability of each cell.
    weight : ndarray, shape (m,)
        Its share of the weight.
    rows : ndarray, shape (m,)
        Its rows; effective ones when weighted, (sum w)^2 / sum w^2.
    frequency : ndarray, shape (m,)
        The frequency of positives that was seen in it.
    """

    p: Array
    weight: Array
    rows: Array
    frequency: Array

    def truths(self, draws: int, seed: int) -> Iterator[Array]:
        """Frequencies of truths that follow the probabilities, each of shape (m,)."""
        rng = np.random.default_rng(seed)
        whole = np.maximum(np.round(self.rows), 1).astype(np.int64)
        for _ in range(draws):
            yield rng.binomial(whole, self.p) / whole


def pooled(p: Array, y: Array, w: Array, points: int = POINTS) -> Pooled:
    """Pool the rows by probability: one cell for each distinct one, or `points` cells of about equal weight."""
    at, place = np.unique(p, return_inverse=True)
    if len(at) > points:
        mass = np.cumsum(np.bincount(place, w))
        cell = np.minimum((mass / mass[-1] * points).astype(np.intp), points - 1)
        place = np.unique(cell, return_inverse=True)[1][place]
    weight, square, said, seen = (np.bincount(place, v) for v in (w, w * w, w * p, w * y))
    mean, frequency = (np.clip(total / weight, 0.0, 1.0) for total in (said, seen))  # rounding must not leave [0, 1]
    return Pooled(mean, weight / weight.sum(), weight**2 / square, frequency)


def recalibrated(frequency: Array, weight: Array) -> Array:
    """The best rising frequencies: pool adjacent violators."""
    from scipy.optimize import isotonic_regression

    return np.asarray(isotonic_regression(frequency, weights=weight).x, dtype=np.float64)


def miscalibration(p: Array, frequency: Array, weight: Array) -> tuple[float, float]:
    """What the best monotone recalibration saves: of the Brier score, and of log loss (clipped as `log_loss` is)."""
    from scipy.special import xlogy

    r = np.clip(recalibrated(frequency, weight), 0.0, 1.0)
    brier = float(weight @ ((p - frequency) ** 2 - (r - frequency) ** 2))
    tiny = np.finfo(np.float64).eps
    said = np.clip(p, tiny, 1 - tiny)
    one = xlogy(frequency, r) - xlogy(frequency, said)
    zero = xlogy(1 - frequency, 1 - r) - xlogy(1 - frequency, 1 - said)
    return brier, float(weight @ (one + zero))
