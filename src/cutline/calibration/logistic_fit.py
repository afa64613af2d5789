"""Logistic regression by Newton's method, with model-based or robust errors: what the calibration line is fitted by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cutline.scores import sigmoid

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """The maximum: coefficients, their covariance (nan when no errors can be had), log likelihood."""

    theta: Array
    covariance: Array
    log_likelihood: float


def fit(x: Array, offset: Array, y: Array, w: Array, member: NDArray[np.int64] | None) -> Fit | None:
    """Maximum likelihood, with halved steps where a whole one goes too far.

    Parameters
    ----------
    x : ndarray, shape (n, k)
    offset, y, w : ndarray, shape (n,)
        What is added to the linear predictor; truth; weights summing to n.
    member : ndarray of int, shape (n,), or None
        Clusters of a sandwich covariance with the factor G / (G - 1) (Liang & Zeger 1986).

    Returns
    -------
    Fit or None
        None where there is no maximum; `separated` says why beforehand.
    """
    if not 0 < y.sum() < len(y):
        return None
    theta = np.zeros(x.shape[1])
    if len(theta) == 2:
        theta[1] = 1.0

    def likelihood(t: Array) -> float:
        eta = offset + x @ t
        return float(w @ (y * eta - np.logaddexp(0, eta)))

    def at(t: Array) -> tuple[Array, Array]:
        p = sigmoid(offset + x @ t)
        return x * (w * (y - p))[:, None], (x * (w * p * (1 - p))[:, None]).T @ x

    now = likelihood(theta)
    for _ in range(100):
        score, information = at(theta)
        if not _invertible(information):
            return None
        step = np.linalg.solve(information, score.sum(axis=0))
        scale = 1.0
        while (new := likelihood(theta + scale * step)) < now and scale > 1e-8:
            scale /= 2
        theta, gained, now = theta + scale * step, new - now, max(new, now)
        if gained < 1e-10 * (1 + abs(now)) and np.abs(step).max() < 1e-7:
            break
    score, information = at(theta)
    if not _invertible(information):
        return None
    inverse = np.asarray(np.linalg.inv(information), np.float64)
    return Fit(theta, inverse if member is None else _sandwich(inverse, score, member), now)


def separated(z: Array, y: Array) -> str:
    """Why there is no finite slope; empty when there is one."""
    one, zero = z[y == 1], z[y == 0]
    if not len(one) or not len(zero):
        return "all rows are of one class"
    if z.min() == z.max():
        return "all scores are equal"
    apart = one.min() >= zero.max() or one.max() <= zero.min()
    return "the score separates the classes" if apart else ""


def _invertible(information: Array) -> bool:
    return bool(np.isfinite(information).all() and np.linalg.cond(information) < 1e14)


def _sandwich(inverse: Array, score: Array, member: NDArray[np.int64]) -> Array:
    total = np.column_stack([np.bincount(member, column) for column in score.T])
    g, k = total.shape
    if g <= k:  # the scores of all rows sum to 0: so few clusters leave nothing to vary
        return np.full_like(inverse, np.nan)
    return np.asarray(inverse @ (total.T @ total) @ inverse * (g / (g - 1)))
