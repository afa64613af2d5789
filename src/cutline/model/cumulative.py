"""The cumulative (proportional odds) model for ordered classes: one slope for each column, a cut for each step.

McCullagh 1980: P(class <= j) = sigmoid(cut_j - x . slopes), with rising cuts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from cutline.data import Features
from cutline.model.linear import PATH, View, sample
from cutline.model.member import Array, Arrays, Deadline, Rows, smoothed

LEAST = 1e-300
"""Of a probability whose logarithm is taken."""


@dataclass(frozen=True, slots=True, eq=False)
class Cumulative:
    """A fitted cumulative model.

    Attributes
    ----------
    view : View
    slopes : ndarray, shape (columns,)
    cuts : ndarray, shape (k - 1,)
        Rising.
    """

    view: View
    slopes: Array
    cuts: Array
    kind: ClassVar[str] = "cumulative"

    def __call__(self, features: Features) -> Array:
        """Probabilities, shape (n, k)."""
        return _shares(self.cuts, self.view.matrix(features) @ self.slopes)

    def arrays(self) -> Arrays:
        """All there is to save."""
        return {**self.view.arrays(), "slopes": self.slopes, "cuts": self.cuts}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The inverse of `arrays`."""
        return cls(View.from_arrays(arrays), arrays["slopes"], arrays["cuts"])


@dataclass(frozen=True, slots=True, eq=False)
class CumulativePath:
    """One model for each penalty; see `cutline.model.member.Path`. Attributes as of `Cumulative`, stages first."""

    view: View
    slopes: Array
    cuts: Array
    losses: Array

    def at(self, stage: int) -> Cumulative:
        """The model with one of the penalties."""
        return Cumulative(self.view, self.slopes[stage], self.cuts[stage])

    def arrays(self) -> Arrays:
        """All there is to save."""
        return {**self.view.arrays(), "slopes": self.slopes, "cuts": self.cuts, "losses": self.losses}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The inverse of `arrays`."""
        return cls(View.from_arrays(arrays), arrays["slopes"], arrays["cuts"], arrays["losses"])


def fit_cumulative(
    train: Rows, held: Rows, seed: int, deadline: Deadline, until: int | None = None, *, splines: bool
) -> CumulativePath:
    """One model for each inverse L2 strength, each started where the last one ended; cuts are not penalised."""
    from scipy.optimize import minimize

    train = sample(train, seed)
    view = View.of(train.features, splines=splines)
    x, there = view.matrix(train.features), view.matrix(held.features)
    weight = np.ones(train.n) if train.weight is None else train.weight
    below = np.cumsum(np.bincount(train.codes, weights=weight, minlength=train.k) + 0.5)
    shares = below[:-1] / below[-1]
    cuts = np.log(shares / (1 - shares))
    start = np.concatenate([np.zeros(x.shape[1]), cuts[:1], np.log(np.diff(cuts))])
    found = []
    for strength in PATH if until is None else PATH[: until + 1]:
        deadline.check()
        given = (x, train.codes, weight, train.k, 1 / (strength * weight.sum()))
        start = minimize(_loss, start, given, "L-BFGS-B", jac=True, options={"maxiter": 500}).x
        found.append((start[: x.shape[1]], _cuts(start[x.shape[1] :])))
    losses = [held.log_loss(smoothed(_shares(c, there @ s), train.n)) for s, c in found]
    slopes, cuts = (np.array(each) for each in zip(*found, strict=True))
    return CumulativePath(view, slopes, cuts, np.array(losses))


def _cuts(free: Array) -> Array:
    """Rising cuts from the first and the logarithms of the steps."""
    return np.asarray(np.cumsum(np.concatenate([free[:1], np.exp(np.minimum(free[1:], 30.0))])))


def _ends(cuts: Array, score: Array, codes: NDArray[Any]) -> tuple[Array, Array]:
    """Logits of P(class <= its own) and P(class < its own) of each row."""
    edges = np.concatenate([[-np.inf], cuts, [np.inf]])
    return edges[codes + 1] - score, edges[codes] - score


def _between(high: Array, low: Array) -> Array:
    """sigmoid(high) - sigmoid(low), without cancellation where both are large."""
    from scipy.special import expit

    flip = low > 0
    return np.asarray(expit(np.where(flip, -low, high)) - expit(np.where(flip, -high, low)))


def _shares(cuts: Array, score: Array) -> Array:
    """Probabilities of all classes, shape (n, k)."""
    k, n = len(cuts) + 1, len(score)
    return np.column_stack([_between(*_ends(cuts, score, np.full(n, code))) for code in range(k)])


def _loss(free: Array, x: Array, codes: NDArray[Any], weight: Array, k: int, penalty: float) -> tuple[float, Array]:
    """Mean log loss with half the penalty times the squared slopes, and its gradient."""
    from scipy.special import expit

    columns = x.shape[1]
    slopes, cuts = free[:columns], _cuts(free[columns:])
    high, low = _ends(cuts, x @ slopes, codes)
    p = np.maximum(_between(high, low), LEAST)
    share = weight / weight.sum()
    up, down = (share * expit(end) * expit(-end) / p for end in (high, low))
    of_edges = np.bincount(codes + 1, -up, k + 1) + np.bincount(codes, down, k + 1)
    # A step moves all cuts after it.
    after = np.cumsum(of_edges[1:-1][::-1])[::-1]
    of_cuts = np.concatenate([after[:1], after[1:] * np.diff(cuts)])
    value = -share @ np.log(p) + penalty / 2 * slopes @ slopes
    return float(value), np.concatenate([x.T @ (up - down) + penalty * slopes, of_cuts])
