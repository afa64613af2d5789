"""What label shift would leave behind: shares of the classes among unlabelled rows, and tests of whether it is all."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline.calibration.base import Array, logit, weights_of
from cutline.calibration.logistic import newton
from cutline.scores import Scores

TOLERANCE = 1e-8
"""The largest change of a share in the last step of EM."""
SINGULAR = 1e8
"""Condition of the confusion matrix beyond which nothing is left of its inverse."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What the estimates read of a set of rows, all shape (n, k) but `truth`: `hard` is one-hot, the decision."""

    p: Array
    hard: Array
    truth: NDArray[Any] | None

    @classmethod
    def of(cls, scores: Scores) -> Rows:
        """Read off scores that are probabilities."""
        p = scores.probabilities
        chosen = p.argmax(axis=1)
        if scores.binary:  # a tie is no positive
            positive = scores.classes.index(scores.classes.positive)
            chosen = np.where(scores.probability > 0.5, positive, 1 - positive)
        return cls(p, np.eye(p.shape[1])[chosen], scores.truth)

    def shares(self, weight: Array) -> Array:
        """Shares of the classes, shape (k,), of rows that count `weight`."""
        mass = np.bincount(np.asarray(self.truth), weights=weight, minlength=self.p.shape[1])
        return np.asarray(mass / mass.sum())


def members_of(scores: Scores) -> NDArray[Any]:
    """What is drawn together, shape (n,): the number of each row's cluster, or of the row."""
    if scores.groups is None:
        return np.arange(scores.n)
    groups = scores.groups.astype(str) if scores.groups.dtype == object else scores.groups
    return np.asarray(np.unique(groups, return_inverse=True)[1])


def times_drawn(member: NDArray[Any], rng: np.random.Generator) -> Array:
    """How many times a bootstrap sample draws each row, shape (n,)."""
    many = int(member.max()) + 1
    return np.bincount(rng.integers(many, size=many), minlength=many)[member].astype(np.float64)


def em_prior(p: Array, shares: Array, weight: Array, start: Array | None = None) -> Array:
    """Maximum likelihood shares of the classes, shape (k,), by EM (Saerens et al. 2002).

    Of two classes the likelihood has one unknown, and is concave in it: its maximum is found by bracketing, since EM
    creeps towards a share of 0.

    Parameters
    ----------
    p : ndarray, shape (n, k)
        Probabilities, calibrated where the classes have the given `shares`, shape (k,).
    weight : ndarray, shape (n,)
    start : ndarray, shape (k,), optional
        Where to start; the likelihood is concave, so the end is the same.
    """
    ratio = p / shares
    own = weight / weight.sum()
    if len(shares) == 2:
        share = _one_share(ratio, own)
        return np.array([1 - share, share])
    prior = shares if start is None or np.isnan(start).any() else 0.99 * start + 0.01 * shares
    for _ in range(10_000):
        joint = ratio * prior
        total = joint.sum(axis=1)
        new = (own / np.where(total > 0, total, 1)) @ joint
        done = np.abs(new - prior).max() < TOLERANCE
        prior = new
        if done:
            break
    return np.asarray(prior)


def _one_share(ratio: Array, own: Array) -> float:
    """The share of the second class at which the slope of the mean log likelihood is 0, or the border it points to."""
    from scipy.optimize import brentq

    first, gap = ratio[:, 0], ratio[:, 1] - ratio[:, 0]

    def slope(share: float) -> float:
        with np.errstate(divide="ignore"):
            return float(own @ np.divide(gap, first + share * gap, out=np.zeros_like(gap), where=gap != 0))

    if slope(0.0) <= 0:
        return 0.0
    return 1.0 if slope(1.0) >= 0 else float(brentq(slope, 1e-300, 1 - 1e-16, xtol=TOLERANCE / 100))


def bbse_weights(own: Array, truth: Any, shares: Array, w: Array, seen: Array) -> Array:
    """Weights that solve C weights = seen, cut off at 0; C[i, j] is the share of rows predicted i that are j."""
    k = len(shares)
    matrix = np.column_stack([(w * (truth == j)) @ own for j in range(k)]) / w.sum()
    if np.linalg.cond(matrix / shares) > SINGULAR:  # columns of nothing but P(predicted | class)
        return np.full(k, np.nan)
    return np.maximum(np.linalg.solve(matrix, seen), 0.0)


def agreement_p_value(gap: Array, replicates: Array) -> float:
    """p-value that two methods estimate the same shares: the class farthest apart, in bootstrap errors, Bonferroni.

    `gap` is the difference of their shares, shape (k,); `replicates` that of bootstrap samples, shape (replicates, k).
    """
    if not np.isfinite(replicates).all(axis=1).any():
        return math.nan
    spread = np.nanstd(replicates, axis=0)
    if np.isnan(gap + spread).any():
        return math.nan
    free = max(len(gap) - 1, 1)
    z = float(np.max(np.abs(gap) / np.where(spread > 0, spread, np.where(gap == 0, 1.0, 1e-300))))
    return min(free * math.erfc(z / math.sqrt(2)), 1.0)


def mixture_p_value(
    labelled: Rows, rows: Rows, w: Array, v: Array, known: Scores, rng: np.random.Generator, times: int
) -> float:
    """p-value of the largest distance between the target's scores and the best mixture of the source's classes.

    Under the null the target is a sample of source rows, drawn by the weights of their classes.
    """
    truth = np.asarray(labelled.truth)
    columns = range(labelled.p.shape[1])
    if known.classes.positive is not None:
        columns = range(k := known.classes.index(known.classes.positive), k + 1)
    places = [np.unique(np.concatenate([labelled.p[:, j], rows.p[:, j]]), return_inverse=True)[1] for j in columns]
    ours, theirs = ([place[part] for place in places] for part in (slice(truth.size), slice(truth.size, None)))

    def distance(w: Array, seen: Array, spots: list[NDArray[Any]], count: Array) -> tuple[float, Array]:
        weights = bbse_weights(labelled.p, truth, labelled.shares(w), w, seen)
        own = w * weights[truth]
        if np.isnan(weights).any() or not own.any():
            return math.nan, own
        gaps = (
            np.bincount(place, own / own.sum(), many) - np.bincount(spot, count / count.sum(), many)
            for place, spot, many in zip(ours, spots, [int(place.max()) + 1 for place in places], strict=True)
        )
        return max(float(np.abs(np.cumsum(gap)).max()) for gap in gaps), own / own.sum()

    seen, own = distance(w, v @ rows.p / v.sum(), theirs, v)
    if math.isnan(seen):
        return math.nan
    size = round(float(v.sum() ** 2 / np.square(v).sum()))
    worse, rows_of_source = 1, np.arange(truth.size)
    for _ in range(times):
        count = rng.multinomial(size, own).astype(np.float64)
        again = w * times_drawn(rows_of_source, rng)
        if (labelled.shares(again) > 0).all():
            worse += distance(again, count @ labelled.p / size, ours, count)[0] >= seen
    return worse / (times + 1)


def calibrated_p_value(known: Scores) -> float:
    """p-value of intercept 0 and slope 1 on the logit, by likelihood ratio; the worst of several classes."""
    names = [known.classes.positive] if known.binary else known.classes.names
    w = weights_of(known)
    n = float(w.sum() ** 2 / np.square(w).sum())
    p_values = []
    for name in names:
        one = known if known.binary else known.one_vs_rest(name)
        x = np.column_stack([logit(one.probability), np.ones(one.n)])
        y = one.is_positive.astype(np.float64)
        theta = newton(x, y, known.weight)
        plain, fitted = (np.average(np.logaddexp(0, z) - y * z, weights=w) for z in (x[:, 0], x @ theta))
        p_values.append(math.exp(-n * max(float(plain - fitted), 0.0)))  # chi-squared of 2 degrees: exp(-x / 2)
    return min(len(names) * min(p_values), 1.0)
