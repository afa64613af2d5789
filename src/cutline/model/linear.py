"""Logistic regression on a view of the features: fitted by scikit-learn, stored as arrays, applied by a dot product."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline.data import Features
from cutline.scores import softmax

Array = NDArray[np.float64]

KNOTS = (0.1, 0.3, 0.5, 0.7, 0.9)
"""Quantiles at which a spline may bend."""
PATH = (0.001, 0.01, 0.1, 1.0, 10.0, 100.0)
"""Inverse L2 strengths, the strongest penalty first."""


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
            found = np.unique(np.quantile(squashed[:, j], KNOTS))
            found = found[(found > squashed[:, j].min()) & (found < squashed[:, j].max())]
            knots[j, : len(found)] = found
        return cls(median, spread, flagged, knots, bare.level_column, bare.level_code)

    def matrix(self, features: Features) -> Array:
        """The design matrix, shape (n, columns)."""
        x = self._squashed(features.numeric)
        parts = [x, np.isnan(features.numeric[:, self.flagged]).astype(np.float64)]
        column, knot = np.nonzero(~np.isnan(self.knots))
        parts.append(np.maximum(x[:, column] - self.knots[column, knot], 0.0))
        parts.append((features.codes[:, self.level_column] == self.level_code).astype(np.float64))
        return np.concatenate(parts, axis=1)

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


@dataclass(frozen=True, slots=True, eq=False)
class Linear:
    """A fitted logistic regression: ``softmax(matrix @ weights + bias)`` over the classes it has seen.

    Attributes
    ----------
    view : View
    weights : ndarray, shape (columns, k)
    bias : ndarray, shape (k,)
        -inf for a class without training rows.
    """

    view: View
    weights: Array
    bias: Array

    def __call__(self, features: Features) -> Array:
        """Probabilities, shape (n, k)."""
        return softmax(self.view.matrix(features) @ self.weights + self.bias)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All there is to save."""
        view = {name: getattr(self.view, name) for name in View.__dataclass_fields__}
        return {**view, "weights": self.weights, "bias": self.bias}

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]]) -> Linear:
        """The inverse of `arrays`."""
        view = View(*(arrays[name] for name in View.__dataclass_fields__))
        return cls(view, arrays["weights"], arrays["bias"])


def fit_path(
    features: Features, codes: NDArray[Any], k: int, strengths: Sequence[float], *, splines: bool
) -> list[Linear]:
    """One logistic regression for each inverse L2 strength, each started where the last one ended.

    Parameters
    ----------
    features, codes
        Training rows and their class codes.
    k : int
        Number of classes; those without rows get probability 0.
    strengths : sequence of float
        Inverse penalties, in units where 1 is scikit-learn's ``C=1`` at any number of rows.
    splines : bool
        Whether numeric columns get hinges.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    view = View.of(features, splines=splines)
    x = view.matrix(features)
    present = np.unique(codes)
    if len(present) == 1:
        bias = np.full(k, -np.inf)
        bias[present] = 0.0
        return [Linear(view, np.zeros((x.shape[1], k)), bias)] * len(strengths)
    # The default warm start keeps the coefficients of the last, stronger penalty.
    model = LogisticRegression(warm_start=True, max_iter=500, tol=1e-4)
    out = []
    for strength in strengths:
        model.set_params(C=strength)
        # One thread: on matrices of this size BLAS threads wait for each other ten times longer than they work.
        with threadpool_limits(1, user_api="blas"), warnings.catch_warnings():
            # Nothing the user could do: the loss on held-out rows decides whether this fit is of use.
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(x, codes)
        weights, bias = np.zeros((x.shape[1], k)), np.full(k, -np.inf)
        if len(present) == 2:  # one row of coefficients for the second class; softmax needs both
            weights[:, present[1]], bias[present] = model.coef_[0], [0.0, model.intercept_[0]]
        else:
            weights[:, present], bias[present] = model.coef_.T, model.intercept_
        out.append(Linear(view, weights, bias))
    return out
