"""Maps from scores to probabilities. Each is a frozen value: fitted parameters and a call.

Binary maps take and give the probability of the positive class, shape (n,); `Temperature` takes and gives rows of
probabilities, shape (n, k). None turns a ranking around; isotonic makes ties.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from dataclasses import fields as dataclass_fields
from typing import Any, ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from cutline.errors import InputError
from cutline.scores import Scores, sigmoid, softmax

Array = NDArray[np.float64]

CLIP = 1e-12
"""Probabilities are kept this far from 0 and 1 before their logarithm is taken."""


class Calibrator(Protocol):
    """A fitted map from scores to probabilities."""

    name: ClassVar[str]
    parameters: ClassVar[int]
    """Free parameters: what the one-standard-error rule prefers fewer of."""

    def __call__(self, score: NDArray[Any]) -> Array:
        """Probabilities of the same shape as the scores."""

    @classmethod
    def fit(cls, scores: Scores) -> Self:
        """Fit on binary or multi-class scores with truth."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, with the name."""


def features_of(scores: Scores) -> Array:
    """What calibrators read: probabilities where there are any, else the raw score."""
    return np.asarray(scores.score, dtype=np.float64) if scores.kind == "rank" else scores.probability


@dataclass(frozen=True, slots=True)
class Identity:
    """The scores as they are: they must be probabilities already."""

    name: ClassVar[str] = "identity"
    parameters: ClassVar[int] = 0

    def __call__(self, score: NDArray[Any]) -> Array:
        """The scores themselves."""
        return np.asarray(score, dtype=np.float64)

    @classmethod
    def fit(cls, scores: Scores) -> Self:
        """Nothing to fit."""
        return cls()

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {"name": self.name}


@dataclass(frozen=True, slots=True)
class Logistic:
    """``sigmoid(slope * z + intercept)``; z = logit(p) of probabilities, or the raw score of a ranking.

    Platt 1999 with his smoothed targets (Lin, Lin & Weng 2007); on the logit it contains the identity.
    """

    slope: float
    intercept: float
    on_logit: bool
    name: ClassVar[str] = "logistic"
    parameters: ClassVar[int] = 2

    def __call__(self, score: NDArray[Any]) -> Array:
        """Probabilities."""
        return sigmoid(self.slope * (logit(score) if self.on_logit else np.asarray(score, np.float64)) + self.intercept)

    @classmethod
    def fit(cls, scores: Scores) -> Self:
        """Maximum likelihood on smoothed targets."""
        on_logit = scores.kind != "rank"
        x = features_of(scores)
        z = logit(x) if on_logit else x
        centre, scale = float(np.mean(z)), float(np.std(z)) or 1.0  # Newton wants comparable columns
        columns = np.column_stack([(z - centre) / scale, np.ones_like(z)])
        theta = _newton(columns, _smooth_targets(scores), scores.weight)
        slope = max(float(theta[0]) / scale, 0.0)  # a negative slope would turn the ranking around
        if slope == 0.0:
            base = float(np.average(_smooth_targets(scores), weights=scores.weight))
            return cls(0.0, float(logit(np.array(base))), on_logit)
        return cls(slope, float(theta[1] - slope * centre), on_logit)

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {"name": self.name, "slope": self.slope, "intercept": self.intercept, "on_logit": self.on_logit}


@dataclass(frozen=True, slots=True)
class Beta:
    """``sigmoid(a ln p - b ln(1 - p) + c)`` with a, b >= 0 (Kull, Silva Filho & Flach 2017).

    It contains the identity: a = b = 1, c = 0.
    """

    a: float
    b: float
    c: float
    name: ClassVar[str] = "beta"
    parameters: ClassVar[int] = 3

    def __call__(self, score: NDArray[Any]) -> Array:
        """Probabilities."""
        return sigmoid(_beta_columns(score) @ np.array([self.a, self.b, self.c]))

    @classmethod
    def fit(cls, scores: Scores) -> Self:
        """Maximum likelihood; a parameter that comes out negative is set to 0 and the others refitted."""
        x, y = _beta_columns(features_of(scores)), scores.is_positive.astype(np.float64)
        free = [0, 1, 2]
        while True:
            theta = np.zeros(3)
            theta[free] = _newton(x[:, free], y, scores.weight)
            negative = [i for i in free if i < 2 and theta[i] < 0]
            if not negative:
                return cls(*map(float, theta))
            free.remove(min(negative, key=lambda i: theta[i]))

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {"name": self.name, "a": self.a, "b": self.b, "c": self.c}


@dataclass(frozen=True, slots=True, eq=False)
class Isotonic:
    """The best non-decreasing map, by pooling adjacent violators; linear between its knots.

    It makes ties and would give 0 and 1, so it is kept 1/(n + 2) away from them.
    """

    x: Array = field(repr=False)
    y: Array = field(repr=False)
    name: ClassVar[str] = "isotonic"
    parameters: ClassVar[int] = 10
    """Not a count: it stands for "more than any parametric map" in the one-standard-error rule."""

    def __call__(self, score: NDArray[Any]) -> Array:
        """Probabilities."""
        return np.interp(np.asarray(score, dtype=np.float64), self.x, self.y)

    @classmethod
    def fit(cls, scores: Scores) -> Self:
        """Weighted least squares under monotony (Ayer et al. 1955)."""
        from scipy.optimize import isotonic_regression

        x, inverse = np.unique(features_of(scores), return_inverse=True)
        weight = np.ones(scores.n) if scores.weight is None else scores.weight
        mass = np.bincount(inverse, weights=weight)
        mean = np.bincount(inverse, weights=weight * scores.is_positive) / mass
        y = np.asarray(isotonic_regression(mean, weights=mass).x)
        edge = 1 / (scores.n + 2)
        # Knots inside a flat stretch carry nothing: keep its two ends.
        keep = np.concatenate([[True], (y[1:-1] != y[:-2]) | (y[1:-1] != y[2:]), [True]]) if len(y) > 2 else slice(None)
        return cls(x[keep], np.clip(y, edge, 1 - edge)[keep])

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {"name": self.name, "x": self.x.tolist(), "y": self.y.tolist()}


@dataclass(frozen=True, slots=True)
class Temperature:
    """``softmax(log p / temperature)`` mixed with ``mix`` parts of the uniform distribution.

    Guo et al. 2017; the mix of 1/(n + 1) (Berta et al. 2025) keeps every probability above 0.
    """

    temperature: float
    mix: float
    name: ClassVar[str] = "temperature"
    parameters: ClassVar[int] = 1

    def __call__(self, score: NDArray[Any]) -> Array:
        """Probabilities, rows summing to 1."""
        p = softmax(np.log(np.maximum(score, CLIP)) / self.temperature)
        return (1 - self.mix) * p + self.mix / p.shape[1]

    @classmethod
    def fit(cls, scores: Scores) -> Self:
        """Log loss minimised over the inverse temperature, in which it is convex."""
        from scipy.optimize import minimize_scalar

        z = np.log(np.maximum(scores.probability, CLIP))
        rows, truth = np.arange(scores.n), scores.truth
        mix = 1 / (scores.n + 1)

        def loss(log_inverse: float) -> float:
            q = (1 - mix) * softmax(z * np.exp(log_inverse))[rows, truth] + mix / z.shape[1]
            return float(-np.average(np.log(q), weights=scores.weight))

        best = minimize_scalar(loss, bounds=(-4.0, 4.0), method="bounded", options={"xatol": 1e-10})
        return cls(float(np.exp(-best.x)), mix)

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {"name": self.name, "temperature": self.temperature, "mix": self.mix}


_KINDS: dict[str, Any] = {c.name: c for c in (Identity, Logistic, Beta, Isotonic, Temperature)}


def calibrator_from_dict(saved: Mapping[str, Any]) -> Calibrator:
    """The inverse of a calibrator's `to_dict`."""
    fields = {k: np.asarray(v) if isinstance(v, list) else v for k, v in saved.items() if k != "name"}
    if saved.get("name") not in _KINDS:
        raise InputError("calibrator", repr(saved.get("name")), f"one of {sorted(_KINDS)}")
    kind = _KINDS[saved["name"]]
    numbers = [np.asarray(value) for value in fields.values()]
    whole = sorted(fields) == sorted(f.name for f in dataclass_fields(kind)) and len({v.shape for v in numbers}) <= 1
    if not whole or not all(v.dtype.kind in "biuf" and np.isfinite(v).all() for v in numbers):
        raise InputError("calibrator", f"fields {sorted(fields)}", f"those of {saved['name']!r}, finite numbers")
    made: Calibrator = kind(**fields)
    return made


def logit(p: NDArray[Any]) -> Array:
    """log(p / (1 - p)) of probabilities kept `CLIP` away from 0 and 1."""
    p = np.clip(np.asarray(p, dtype=np.float64), CLIP, 1 - CLIP)
    return np.asarray(np.log(p) - np.log1p(-p))


def _beta_columns(p: NDArray[Any]) -> Array:
    p = np.clip(np.asarray(p, dtype=np.float64), CLIP, 1 - CLIP)
    return np.column_stack([np.log(p), -np.log1p(-p), np.ones_like(p)])


def _smooth_targets(scores: Scores) -> Array:
    """Platt's targets: (n1 + 1)/(n1 + 2) for positives, 1/(n0 + 2) for negatives; they keep the slope finite."""
    positive = scores.is_positive
    weight = np.ones(scores.n) if scores.weight is None else scores.weight
    n1, n0 = float(weight[positive].sum()), float(weight[~positive].sum())
    return np.where(positive, (n1 + 1) / (n1 + 2), 1 / (n0 + 2))


def _newton(x: Array, target: Array, weight: NDArray[np.float64] | None, ridge: float = 1e-9) -> Array:
    """Maximum likelihood of a logistic model with few columns, targets in [0, 1]; halved steps keep it descending.

    The tiny ridge keeps the Hessian invertible when scores are constant or separate the classes.
    """
    w = np.full(len(x), 1 / len(x)) if weight is None else weight / weight.sum()
    theta = np.zeros(x.shape[1])

    def loss(t: Array) -> float:
        z = x @ t
        return float(w @ (np.logaddexp(0, z) - target * z) + ridge * t @ t / 2)

    now = loss(theta)
    for _ in range(100):
        p = sigmoid(x @ theta)
        gradient = x.T @ (w * (p - target)) + ridge * theta
        hessian = (x * (w * p * (1 - p))[:, None]).T @ x + ridge * np.eye(len(theta))
        step = np.linalg.solve(hessian, gradient)
        scale = 1.0
        while (new := loss(theta - scale * step)) > now and scale > 1e-6:
            scale /= 2
        if not now - new >= 1e-14:  # no step downhill is left, or none worth taking
            break
        theta, now = theta - scale * step, new
    return theta
