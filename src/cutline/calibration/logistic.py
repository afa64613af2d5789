"""Logistic calibrators of binary scores: affine, quadratic, beta. Few parameters, so few rows will do."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from cutline.calibration.base import (
    CLIP,
    Array,
    are_numbers,
    binary_rows,
    is_kind,
    log_odds,
    logit,
    require,
    weights_of,
)
from cutline.errors import LabelError
from cutline.scores import Kind, Scores, sigmoid

RIDGE = 1e-9
"""Keeps the Hessian invertible when scores are constant; too small to move any figure."""


@dataclass(frozen=True, slots=True)
class Logistic:
    """``sigmoid(slope * z + intercept)``; z = logit(p) of probabilities, else the logit or raw score itself.

    Platt 1999 with his smoothed targets (Lin, Lin & Weng 2007); on the logit it contains the identity.
    """

    slope: float
    intercept: float
    kind: Kind = "probability"
    name: ClassVar[str] = "logistic"
    parameters: ClassVar[int] = 2

    def __post_init__(self) -> None:
        fine = are_numbers(self.slope, self.intercept) and is_kind(self.kind, rank=True)
        require(fine and self.slope >= 0, self.name, "a slope >= 0, an intercept and the kind of the scores")

    def __call__(self, score: NDArray[Any]) -> Array:
        """Probabilities."""
        return sigmoid(self.slope * log_odds(score, self.kind) + self.intercept)

    @classmethod
    def fit(cls, scores: Scores, *, smooth: bool = True) -> Logistic:
        """Maximum likelihood, of Platt's smoothed targets or, with ``smooth=False``, of the labels themselves.

        Raises
        ------
        LabelError
            One class only; or no smoothing and a score that separates the classes: then the best slope is infinite.

        Examples
        --------
        >>> import cutline as cl
        >>> from cutline.calibration import Logistic
        >>> s = cl.Scores(y_true=[0, 0, 1, 0, 1, 1], y_score=[0.1, 0.2, 0.3, 0.6, 0.7, 0.9], kind="probability")
        >>> Logistic.fit(s)(s.score).round(2).tolist()
        [0.25, 0.34, 0.41, 0.58, 0.64, 0.78]
        """
        known = binary_rows(scores, cls.name)
        z = log_odds(known.score, known.kind)
        if not smooth and separated(z, known.is_positive):
            came = "a score that separates the classes: the best slope is infinite"
            raise LabelError("scores", came, "classes that overlap", "keep the smoothing")
        target = smooth_targets(known) if smooth else known.is_positive.astype(np.float64)
        t, centre, scale = _standardised(z)
        theta = newton(np.column_stack([t, np.ones_like(t)]), target, known.weight)
        slope = max(float(theta[0]) / scale, 0.0)  # a negative slope would turn the ranking around
        if slope == 0.0:
            base = float(np.average(target, weights=known.weight))
            return cls(0.0, float(logit(np.array(base))), known.kind)
        return cls(slope, float(theta[1] - slope * centre), known.kind)

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {"name": self.name, "slope": self.slope, "intercept": self.intercept, "kind": self.kind}


@dataclass(frozen=True, slots=True)
class Quadratic:
    """``sigmoid(slope * t + curve * t^2 + intercept)``, t = (z - centre) / scale and z as in `Logistic`.

    A small ridge of 1/n on the curve (Berta et al. 2025). Where the fit would not rise all over the range of its rows,
    it is the affine one. Beyond the range it goes on along its tangent, so that it never falls.
    """

    slope: float
    curve: float
    intercept: float
    centre: float
    scale: float
    low: float
    high: float
    kind: Kind = "probability"
    name: ClassVar[str] = "quadratic"
    parameters: ClassVar[int] = 3

    def __post_init__(self) -> None:
        numbers = (self.slope, self.curve, self.intercept, self.centre, self.scale, self.low, self.high)
        fine = are_numbers(*numbers) and is_kind(self.kind, rank=True) and self.scale > 0 and self.low <= self.high
        fine = fine and min(self._steepness(self.low), self._steepness(self.high)) >= 0
        require(fine, self.name, "finite numbers, a scale > 0 and a curve that rises from low to high")

    def _steepness(self, t: Any) -> Any:
        return self.slope + 2 * self.curve * t

    def __call__(self, score: NDArray[Any]) -> Array:
        """Probabilities."""
        t = (log_odds(score, self.kind) - self.centre) / self.scale
        inside = np.clip(t, self.low, self.high)
        curved = inside * (self.slope + self.curve * inside) + self.intercept
        return sigmoid(curved + self._steepness(inside) * (t - inside))

    @classmethod
    def fit(cls, scores: Scores) -> Quadratic:
        """Penalised maximum likelihood on smoothed targets."""
        known = binary_rows(scores, cls.name)
        t, centre, scale = _standardised(log_odds(known.score, known.kind))
        low, high = float(t.min()), float(t.max())
        weight = weights_of(known)
        ridge = np.array([RIDGE, float(np.square(weight).sum() / weight.sum() ** 2), RIDGE])
        columns = np.column_stack([t, t * t, np.ones_like(t)])
        slope, curve, intercept = map(float, newton(columns, smooth_targets(known), known.weight, ridge))
        if min(slope + 2 * curve * low, slope + 2 * curve * high) < 0:
            affine = Logistic.fit(known)
            slope, curve, intercept = affine.slope * scale, 0.0, affine.intercept + affine.slope * centre
        return cls(slope, curve, intercept, centre, scale, low, high, known.kind)

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {"name": self.name, **{f.name: getattr(self, f.name) for f in fields(self)}}


@dataclass(frozen=True, slots=True)
class Beta:
    """``sigmoid(a ln p - b ln(1 - p) + c)`` with a, b >= 0 (Kull, Silva Filho & Flach 2017).

    It contains the identity: a = b = 1, c = 0.
    """

    a: float
    b: float
    c: float
    kind: Kind = "probability"
    name: ClassVar[str] = "beta"
    parameters: ClassVar[int] = 3

    def __post_init__(self) -> None:
        fine = are_numbers(self.a, self.b, self.c) and min(self.a, self.b) >= 0 and is_kind(self.kind)
        require(fine, self.name, "a and b >= 0, c, and a kind of probabilities")

    def __call__(self, score: NDArray[Any]) -> Array:
        """Probabilities."""
        below, above = _log_sides(score, self.kind)
        return sigmoid(self.a * below - self.b * above + self.c)

    @classmethod
    def fit(cls, scores: Scores) -> Beta:
        """Maximum likelihood; a parameter that comes out negative is set to 0 and the others refitted.

        Where the score separates the classes there is no maximum: Platt's smoothed targets stand in for the labels.
        """
        known = binary_rows(scores, cls.name)
        below, above = _log_sides(known.score, known.kind)
        x = np.column_stack([below, -above, np.ones_like(below)])
        smooth = separated(below - above, known.is_positive)
        y = smooth_targets(known) if smooth else known.is_positive.astype(np.float64)
        free = [0, 1, 2]
        while True:
            theta = np.zeros(3)
            theta[free] = newton(x[:, free], y, known.weight)
            negative = [i for i in free if i < 2 and theta[i] < 0]
            if not negative:
                a, b, c = map(float, theta)
                return cls(a, b, c, known.kind)
            free.remove(min(negative, key=lambda i: theta[i]))

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {"name": self.name, "a": self.a, "b": self.b, "c": self.c, "kind": self.kind}


def _log_sides(score: NDArray[Any], kind: Kind) -> tuple[Array, Array]:
    """Natural logarithms of p and 1 - p, from logits without a detour over p."""
    x = np.asarray(score, dtype=np.float64)
    if kind == "logit":
        return -np.logaddexp(0, -x), -np.logaddexp(0, x)
    x = np.clip(x, CLIP, 1 - CLIP)
    return np.log(x), np.log1p(-x)


def separated(z: Array, positive: NDArray[np.bool_]) -> bool:
    """True when no negative row is above a positive one and the scores are not all the same."""
    return bool(z[positive].min() >= z[~positive].max() and z.min() < z.max())


def smooth_targets(scores: Scores) -> Array:
    """Platt's targets: (n1 + 1)/(n1 + 2) for positives, 1/(n0 + 2) for negatives; they keep the slope finite.

    Weights count as (sum w)^2 / sum w^2 rows in all, so that their unit does not matter.
    """
    positive, weight = scores.is_positive, weights_of(scores)
    weight = weight * (weight.sum() / np.square(weight).sum())
    n1, n0 = float(weight[positive].sum()), float(weight[~positive].sum())
    return np.where(positive, (n1 + 1) / (n1 + 2), 1 / (n0 + 2))


def newton(x: Array, target: Array, weight: Array | None, ridge: Array | float = RIDGE) -> Array:
    """Maximum likelihood of a logistic model with few columns, targets in [0, 1]; halved steps keep it descending."""
    w = np.full(len(x), 1 / len(x)) if weight is None else weight / weight.sum()
    theta, penalty = np.zeros(x.shape[1]), np.broadcast_to(ridge, x.shape[1])

    def loss(t: Array) -> float:
        z = x @ t
        return float(w @ (np.logaddexp(0, z) - target * z) + penalty @ np.square(t) / 2)

    now = loss(theta)
    for _ in range(100):
        p = sigmoid(x @ theta)
        gradient = x.T @ (w * (p - target)) + penalty * theta
        hessian = (x * (w * p * (1 - p))[:, None]).T @ x + np.diag(penalty)
        step = np.linalg.solve(hessian, gradient)
        scale = 1.0
        while (new := loss(theta - scale * step)) > now and scale > 1e-6:
            scale /= 2
        if not now - new >= 1e-14:  # no step downhill is left, or none worth taking
            break
        theta, now = theta - scale * step, new
    return theta


def _standardised(z: Array) -> tuple[Array, float, float]:
    """Newton wants comparable columns."""
    centre, scale = float(np.mean(z)), float(np.std(z)) or 1.0
    return (z - centre) / scale, centre, scale
