"""Calibrators of several classes: temperature, and structured vector and matrix scaling after it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from cutline.calibration.base import Array, are_columns, are_numbers, is_kind, log_p, require, rows_to_fit, weights_of
from cutline.errors import ShapeError
from cutline.scores import Kind, Scores, softmax


@dataclass(frozen=True, slots=True)
class Temperature:
    """``softmax(log p / temperature)`` mixed with ``mix`` parts of the uniform distribution.

    Guo et al. 2017; the mix of 1/(n + 1) (Berta et al. 2025) keeps every probability above 0.
    """

    temperature: float
    mix: float
    kind: Kind = "probability"
    name: ClassVar[str] = "temperature"
    parameters: ClassVar[int] = 1

    def __post_init__(self) -> None:
        fine = are_numbers(self.temperature, self.mix) and 1e-9 < self.temperature < 1e9 and 0 <= self.mix < 1
        fine = fine and is_kind(self.kind)
        require(fine, self.name, "a temperature > 0, a mix from 0 to below 1 and a kind of probabilities")

    def __call__(self, score: NDArray[Any]) -> Array:
        """Probabilities, rows summing to 1."""
        p = softmax(log_p(score, self.kind) / self.temperature)
        return (1 - self.mix) * p + self.mix / p.shape[1]

    @classmethod
    def fit(cls, scores: Scores, *, mix: bool = True) -> Temperature:
        """Log loss minimised over the inverse temperature, in which it is convex.

        The mix is part of what is fitted, so that one row that was certain and wrong does not decide; ``mix=False``
        is temperature scaling as in Guo et al. 2017.
        """
        from scipy.optimize import minimize_scalar

        known = rows_to_fit(scores, cls.name)
        score = known.probabilities if known.binary else known.score
        kind: Kind = "probability" if known.binary else known.kind
        z = log_p(score, kind)
        above = z - z[np.arange(known.n), known.truth][:, None]  # of the true class; all that its probability needs
        share = 1 / (known.n + 1) if mix else 0.0

        def loss(log_inverse: float) -> float:
            with np.errstate(over="ignore"):
                q = (1 - share) / np.exp(above * np.exp(log_inverse)).sum(axis=1) + share / z.shape[1]
            return float(-np.average(np.log(np.maximum(q, np.finfo(float).tiny)), weights=known.weight))

        best = minimize_scalar(loss, bounds=(-4.0, 4.0), method="bounded", options={"xatol": 1e-8})
        return cls(float(np.exp(-best.x)), share, kind)

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {"name": self.name, "temperature": self.temperature, "mix": self.mix, "kind": self.kind}


@dataclass(frozen=True, slots=True, eq=False)
class VectorScaling:
    """Structured vector scaling: ``softmax((1 + diagonal) * z + intercept)``, z = log of the tempered, mixed p.

    Temperature comes first, so that diagonal and intercept say only by how much a class differs from the others; both
    carry a ridge of K/n (Berta, Holzmueller, Jordan & Bach 2025). z is bounded by the mix, so no probability is 0.
    """

    first: Temperature
    diagonal: Array = field(repr=False)
    intercept: Array = field(repr=False)
    name: ClassVar[str] = "svs"

    @property
    def kind(self) -> Kind:
        """The kind of score it reads."""
        return self.first.kind

    def __post_init__(self) -> None:
        fine = isinstance(self.first, Temperature) and are_columns(self.diagonal, self.intercept)
        require(fine, self.name, "a temperature, and as many diagonal entries as intercepts")

    @property
    def parameters(self) -> int:
        """One temperature, and two for each class."""
        return 1 + 2 * len(self.intercept)

    def __call__(self, score: NDArray[Any]) -> Array:
        """Probabilities, rows summing to 1."""
        z = _tempered(self.first, score, len(self.intercept))
        return softmax(z + z * self.diagonal + self.intercept)

    @classmethod
    def fit(cls, scores: Scores) -> VectorScaling:
        """Penalised maximum likelihood."""
        known = rows_to_fit(scores, cls.name)
        first = Temperature.fit(known, mix=False)
        first = replace(first, mix=1 / (known.n + 1))
        matrix, intercept = _structured(known, first, full=False)
        return cls(first, np.diagonal(matrix).copy(), intercept)

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        lists = {"diagonal": self.diagonal.tolist(), "intercept": self.intercept.tolist()}
        return {**self.first.to_dict(), **lists, "name": self.name}


@dataclass(frozen=True, slots=True, eq=False)
class MatrixScaling:
    """Structured matrix scaling: ``softmax(z + matrix z + intercept)``, z = log of the tempered, mixed p.

    As `VectorScaling`, with every class weighing in on every other; off the diagonal the ridge is K(K - 1)/n.
    """

    first: Temperature
    matrix: Array = field(repr=False)
    intercept: Array = field(repr=False)
    name: ClassVar[str] = "sms"

    @property
    def kind(self) -> Kind:
        """The kind of score it reads."""
        return self.first.kind

    def __post_init__(self) -> None:
        fine = isinstance(self.first, Temperature) and are_columns(self.intercept)
        fine = fine and isinstance(self.matrix, np.ndarray) and self.matrix.shape == (len(self.intercept),) * 2
        require(fine and are_columns(*self.matrix), self.name, "a temperature, a square matrix, and its intercepts")

    @property
    def parameters(self) -> int:
        """One temperature, and K + 1 for each of the K classes."""
        return 1 + self.matrix.size + len(self.intercept)

    def __call__(self, score: NDArray[Any]) -> Array:
        """Probabilities, rows summing to 1."""
        z = _tempered(self.first, score, len(self.intercept))
        out = z + self.intercept
        for j, column in enumerate(self.matrix.T):  # a matrix product would round by the number of rows
            out += z[:, j : j + 1] * column
        return softmax(out)

    @classmethod
    def fit(cls, scores: Scores) -> MatrixScaling:
        """Penalised maximum likelihood."""
        known = rows_to_fit(scores, cls.name)
        first = Temperature.fit(known, mix=False)
        first = replace(first, mix=1 / (known.n + 1))
        return cls(first, *_structured(known, first, full=True))

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        lists = {"matrix": self.matrix.tolist(), "intercept": self.intercept.tolist()}
        return {**self.first.to_dict(), **lists, "name": self.name}


def _tempered(first: Temperature, score: NDArray[Any], k: int) -> Array:
    score = np.asarray(score, dtype=np.float64)
    if score.ndim != 2 or score.shape[1] != k:
        raise ShapeError("scores", f"shape {score.shape}", f"shape (n, {k}), as the calibrator was fitted on")
    return np.log(first(score))


def _structured(known: Scores, first: Temperature, *, full: bool) -> tuple[Array, Array]:
    """Matrix (added to the identity) and intercept that minimise mean log loss + ridge, by L-BFGS.

    The ridge is K/n times the squares of diagonal and intercept, K(K - 1)/n times those off the diagonal; n is the
    effective number of rows.
    """
    from scipy.optimize import minimize
    from threadpoolctl import threadpool_limits

    z = np.log(first(known.score))
    k, rows = z.shape[1], np.arange(known.n)
    weight = weights_of(known)
    own, ridge = weight / weight.sum(), float(np.square(weight).sum() / weight.sum() ** 2) * k
    diagonal = np.eye(k, dtype=bool)
    free = np.ones((k, k), dtype=bool) if full else diagonal
    penalty = np.append(np.where(diagonal, ridge, ridge * (k - 1))[free], np.full(k, ridge))
    matrix = np.zeros((k, k))

    def loss(theta: Array) -> tuple[float, Array]:
        matrix[free] = theta[:-k]
        out = z + theta[-k:]
        out += z @ matrix.T if full else z * theta[:-k]
        out -= out.max(axis=1, keepdims=True)
        truth = out[rows, known.truth]
        np.exp(out, out=out)
        total = out.sum(axis=1)
        value = own @ (np.log(total) - truth) + penalty @ np.square(theta)
        out *= (own / total)[:, None]
        out[rows, known.truth] -= own
        slope = (out.T @ z)[free] if full else np.einsum("ij,ij->j", out, z)
        return float(value), np.append(slope, out.sum(axis=0)) + 2 * penalty * theta

    # Steps in units of the curvature at the start: entries of rare classes and of flat columns are far apart in scale.
    p = np.exp(z)
    spread = own @ (p * (1 - p))
    square = np.outer(spread, own @ np.square(z)) if full else spread * (own @ np.square(z))
    unit = 1 / np.sqrt(np.append(square[free] if full else square, spread) + 2 * penalty)

    def scaled(x: Array) -> tuple[float, Array]:
        value, slope = loss(x * unit)
        return value, slope * unit

    options = {"maxiter": 1000, "ftol": 1e-11, "gtol": 1e-6}
    with threadpool_limits(1, user_api="blas"):  # sums must not depend on the number of threads
        best = minimize(scaled, np.zeros(len(unit)), jac=True, method="L-BFGS-B", options=options)
    matrix[free] = (best.x * unit)[:-k]
    return matrix, (best.x * unit)[-k:]
