"""Logistic regression on a view of the features: fitted by scikit-learn, stored as arrays, applied by a dot product."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from cutline.data import Features
from cutline.model.member import Array, Arrays, Deadline, Rows, smoothed
from cutline.scores import sigmoid, softmax

KNOTS = (0.1, 0.3, 0.5, 0.7, 0.9)
"""Quantiles at which a spline may bend; columns of so many values, and two more, bend at each of them."""
PATH = (0.001, 0.01, 0.1, 1.0, 10.0, 100.0)
"""Inverse L2 strengths, the strongest penalty first, as scikit-learn's ``C``."""
SHORT_PATH = (0.1, 10.0)
"""The same for more than `PATH_ROWS` rows: there the penalty moves little, and a fit is dear."""
PATH_ROWS = 10_000
STEPS, FEW_STEPS = 500, 100
"""Of the solver, at most; few where rows are more than `PATH_ROWS`, as trees gain more there."""
MOST_ROWS = 200_000
"""A line learned from a sample of so many rows is as good as one learned from all."""
BLOCK = 20_000
"""Rows that are put into the design matrix at a time."""
LEAST = 1e-12
"""Of a sigmoid, before it is divided by the sum of all."""


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """How features become columns of a design matrix.

    Numeric: median for missing, (x - median) / spread, squashed smoothly by x / sqrt(1 + (x/3)^2) so that outliers keep
    their order but lose their pull; a flag for each column that had missing values; hinges at the knots, if any.
    Categorical: a column for each level with enough rows; all others are the zero row.

    Attributes
    ----------
    median, spread : ndarray, shape (p,)
    flagged : ndarray of int
        Numeric columns with a missing flag.
    knots : ndarray, shape (p, m)
        Where each numeric column may bend, in squashed units; nan for no knot. m = 0 for a plain linear view.
    level_column, level_code : ndarray of int, shape (l,)
        The categorical column and code of each one-hot column.
    """

    median: Array
    spread: Array
    flagged: NDArray[np.int64]
    knots: Array
    level_column: NDArray[np.int64]
    level_code: NDArray[np.int64]

    @classmethod
    def of(cls, features: Features, *, splines: bool) -> View:
        """Learn the view from training rows."""
        x = features.numeric
        gone = np.isnan(x)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # a column without any value in these rows
            median = np.nan_to_num(np.nanmedian(x, axis=0))
            low, high = np.nan_to_num(np.nanquantile(x, [0.25, 0.75], axis=0)).reshape(2, x.shape[1])
            deviation = np.nan_to_num(np.nanstd(x, axis=0))
        # A column that is mostly one value has no quartile spread: its standard deviation serves.
        spread = np.where(high > low, (high - low) / 1.35, np.where(deviation > 0, deviation, 1.0))
        flagged = np.flatnonzero(gone.any(axis=0) & ~gone.all(axis=0))
        bare = cls(median, spread, flagged, np.empty((x.shape[1], 0)), *_levels(features))
        if not splines or not x.shape[1]:
            return bare
        squashed = bare._squashed(x)
        knots = np.full((x.shape[1], len(KNOTS)), np.nan)
        for j in range(x.shape[1]):
            distinct = np.unique(squashed[:, j])
            # Few values may well be codes: a bend at each of them is as good as a column for each.
            found = distinct if len(distinct) <= len(KNOTS) + 2 else np.unique(np.quantile(squashed[:, j], KNOTS))
            found = found[(found > squashed[:, j].min()) & (found < squashed[:, j].max())]
            knots[j, : len(found)] = found
        return cls(median, spread, flagged, knots, bare.level_column, bare.level_code)

    def arrays(self) -> Arrays:
        """All there is to save."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> View:
        """The inverse of `arrays`; other arrays may be beside its own."""
        return cls(*(arrays[each.name] for each in fields(cls)))

    def matrix(self, features: Features, dtype: Any = np.float64) -> NDArray[Any]:
        """The design matrix, shape (n, columns)."""
        column, knot = np.nonzero(~np.isnan(self.knots))
        bends = self.knots[column, knot]
        ends = np.cumsum([len(self.median), len(self.flagged), len(column), len(self.level_code)])
        out = np.empty((features.n, ends[-1]), dtype)
        for start in range(0, features.n, BLOCK):  # what is derived on the way would take as much memory again
            rows = slice(start, start + BLOCK)
            x = self._squashed(features.numeric[rows])
            out[rows, : ends[0]] = x
            out[rows, ends[0] : ends[1]] = np.isnan(features.numeric[rows][:, self.flagged])
            out[rows, ends[1] : ends[2]] = np.maximum(x[:, column] - bends, 0.0)
            out[rows, ends[2] :] = features.codes[rows][:, self.level_column] == self.level_code
        return out

    def _squashed(self, x: Array) -> Array:
        z = (np.where(np.isnan(x), self.median, x) - self.median) / self.spread
        return z / np.hypot(1.0, z / 3)


def _levels(features: Features) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Columns and codes of levels with at least max(2, 0.2 %) rows."""
    enough = max(2, 0.002 * features.n)
    columns, codes = [], []
    for j, size in enumerate(features.cardinality):
        seen = features.codes[:, j]
        often = np.flatnonzero(np.bincount(seen[seen >= 0], minlength=size) >= enough)
        columns += [j] * len(often)
        codes += often.tolist()
    return np.array(columns, dtype=np.int64), np.array(codes, dtype=np.int64)


class AnyView(Protocol):
    """What makes columns of a design matrix of features."""

    def matrix(self, features: Features) -> Any:
        """The design matrix, shape (n, columns), dense or sparse."""

    def arrays(self) -> Arrays:
        """All there is to save."""

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The inverse of `arrays`; other arrays may be beside its own."""


@dataclass(frozen=True, slots=True, eq=False)
class Linear:
    """A fitted logistic regression: ``softmax(matrix @ weights + bias)`` over the classes it has seen.

    Attributes
    ----------
    view : AnyView
    weights : ndarray, shape (columns, k)
    bias : ndarray, shape (k,)
        -inf for a class without training rows.
    """

    view: AnyView
    weights: NDArray[Any]
    bias: Array
    kind: ClassVar[str] = "linear"
    view_type: ClassVar[type[AnyView]] = View

    def __call__(self, features: Features) -> Array:
        """Probabilities, shape (n, k)."""
        return softmax(self.view.matrix(features) @ self.weights + self.bias)

    def arrays(self) -> Arrays:
        """All there is to save."""
        return {**self.view.arrays(), "weights": self.weights, "bias": self.bias}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The inverse of `arrays`."""
        return cls(cls.view_type.from_arrays(arrays), arrays["weights"], arrays["bias"])


@dataclass(frozen=True, slots=True, eq=False)
class LinearPath:
    """One logistic regression for each penalty; see `cutline.model.member.Path`.

    Attributes
    ----------
    view : AnyView
    weights : ndarray, shape (m, columns, k)
    bias : ndarray, shape (m, k)
    losses : ndarray, shape (m,)
    """

    view: AnyView
    weights: NDArray[Any]
    bias: Array
    losses: Array
    member: ClassVar[type[Linear]] = Linear

    def at(self, stage: int) -> Linear:
        """The model with one of the penalties."""
        return self.member(self.view, self.weights[stage], self.bias[stage])

    def arrays(self) -> Arrays:
        """All there is to save."""
        return {**self.view.arrays(), "weights": self.weights, "bias": self.bias, "losses": self.losses}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The inverse of `arrays`."""
        view = cls.member.view_type.from_arrays(arrays)
        return cls(view, arrays["weights"], arrays["bias"], arrays["losses"])


@dataclass(frozen=True, slots=True, eq=False)
class OneVsRest(Linear):
    """A logistic regression for each class against all others: their sigmoids, divided by their sum."""

    kind: ClassVar[str] = "one_vs_rest"

    def __call__(self, features: Features) -> Array:
        """Probabilities, shape (n, k)."""
        return self.shares(self.view.matrix(features))

    def shares(self, x: Any) -> Array:
        """Probabilities of rows of the design matrix."""
        p = np.maximum(sigmoid(x @ self.weights + self.bias), np.where(np.isinf(self.bias), 0.0, LEAST))
        return p / p.sum(axis=1, keepdims=True)


@dataclass(frozen=True, slots=True, eq=False)
class OneVsRestPath(LinearPath):
    """The logistic regressions of all classes for each penalty."""

    member: ClassVar[type[Linear]] = OneVsRest


def fit_linear(
    train: Rows, held: Rows, seed: int, deadline: Deadline, until: int | None = None, *, splines: bool = False
) -> LinearPath:
    """A logistic regression on the columns of a table; see `fit_path`."""
    train = sample(train, seed)
    view = View.of(train.features, splines=splines)
    few = train.size > PATH_ROWS
    path: Sequence[float] = SHORT_PATH if few else PATH
    path = path if until is None else path[: until + 1]
    return fit_path(LinearPath, view, train, held, deadline, path, max_iter=FEW_STEPS if few else STEPS)


def sample(rows: Rows, seed: int) -> Rows:
    """All rows, or `MOST_ROWS` of them."""
    if rows.n <= MOST_ROWS:
        return rows
    return rows.take(np.sort(np.random.default_rng(seed).choice(rows.n, MOST_ROWS, replace=False)))


def fit_one_vs_rest(train: Rows, held: Rows, seed: int, deadline: Deadline, until: int | None = None) -> LinearPath:
    """A logistic regression for each class against all others; see `OneVsRest`."""
    train = sample(train, seed)
    view = View.of(train.features, splines=False)
    path: Sequence[float] = PATH if train.size <= PATH_ROWS else SHORT_PATH
    path = path if until is None else path[: until + 1]
    each = []
    for code in range(train.k):
        two, other = (replace(rows, codes=(rows.codes == code).astype(np.int64), k=2) for rows in (train, held))
        each.append(fit_path(LinearPath, view, two, other, deadline, path))
    # Of two classes, the weights of the second: its logit against the first. A class without rows stays at -inf.
    weights = np.concatenate([one.weights[:, :, 1:] - one.weights[:, :, :1] for one in each], axis=2)
    bias = np.column_stack([np.where(np.isinf(one.bias[:, 1]), -np.inf, one.bias[:, 1]) for one in each])
    x = view.matrix(held.features)
    found = [OneVsRest(view, w, b) for w, b in zip(weights, bias, strict=True)]
    losses = [held.log_loss(smoothed(one.shares(x), train.n)) for one in found]
    return OneVsRestPath(view, weights, bias, np.array(losses))


def fit_path(
    kind: type[LinearPath],
    view: AnyView,
    train: Rows,
    held: Rows,
    deadline: Deadline,
    strengths: Sequence[float],
    **solver: Any,
) -> LinearPath:
    """One logistic regression for each inverse L2 strength, each started where the last one ended.

    Classes without training rows get probability 0. `solver` are options of scikit-learn's.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    x, there = view.matrix(train.features), view.matrix(held.features)
    present = np.unique(train.codes)
    m = len(strengths)
    weights, bias = np.zeros((m, x.shape[1], train.k), dtype=x.dtype), np.full((m, train.k), -np.inf)
    bias[:, present] = 0.0
    # The default warm start keeps the coefficients of the last, stronger penalty.
    model = LogisticRegression(**{"warm_start": True, "max_iter": STEPS, "tol": 1e-4} | solver)
    for stage, strength in enumerate(strengths if len(present) > 1 else ()):
        deadline.check(stage / m)
        model.set_params(C=strength)
        # One thread: on matrices of this size BLAS threads wait for each other ten times longer than they work.
        with threadpool_limits(1, user_api="blas"), warnings.catch_warnings():
            # Nothing the user could do: the loss on held-out rows decides whether this fit is of use.
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(x, train.codes, sample_weight=train.weight)
        if len(present) == 2:  # one row of coefficients for the second class; softmax needs both
            weights[stage][:, present[1]], bias[stage][present] = model.coef_[0], [0.0, model.intercept_[0]]
        else:
            weights[stage][:, present], bias[stage][present] = model.coef_.T, model.intercept_
    losses = [held.log_loss(smoothed(softmax(there @ w + b), train.n)) for w, b in zip(weights, bias, strict=True)]
    return kind(view, weights, bias, np.array(losses))
