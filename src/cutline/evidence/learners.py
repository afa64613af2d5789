"""Two learners compared by repeated cross-validation: their training sets overlap, so the naive t is not offered."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline.errors import InputError, ShapeError
from cutline.evidence.paired import PValue
from cutline.evidence.studentized import Studentized


def corrected_resampled_t(differences: Any, *, n_train: float, n_test: float) -> Studentized:
    """Corrected resampled t-test of Nadeau & Bengio 2003: the variance factor is 1 / J + n_test / n_train.

    Parameters
    ----------
    differences : array-like, shape (j,)
        Entry i: the figure of the first learner minus that of the second on split i, of random splits or of (repeated)
        k-fold cross-validation.
    n_train, n_test : float
        Rows of each training and test set (means over the splits when they differ); k folds have n_train / n_test =
        k - 1.

    Returns
    -------
    Studentized
        The mean difference with its corrected error, j - 1 degrees of freedom.

    Examples
    --------
    >>> from cutline.evidence.learners import corrected_resampled_t
    >>> found = corrected_resampled_t([0.012, 0.031, 0.008, -0.004, 0.022], n_train=120, n_test=30)
    >>> round(found.value, 4), round(found.p, 3)
    (0.0138, 0.199)
    """
    d = _finite("differences", differences, (-1,))
    for name, rows in (("n_train", n_train), ("n_test", n_test)):
        if not 0 < rows < math.inf:
            raise InputError(name, repr(rows), "a number of rows of at least 1")
    if d.size < 2:
        raise ShapeError("differences", f"{d.size} split(s)", "at least two")
    error = math.sqrt((1 / d.size + n_test / n_train) * d.var(ddof=1))
    return Studentized(float(d.mean()), error, d.size - 1, "corrected resampled t")


def cv5x2_t(differences: Any) -> Studentized:
    """5x2cv paired t-test of Dietterich 1998: the first difference over the pooled spread, 5 degrees of freedom.

    Parameters
    ----------
    differences : array-like, shape (5, 2)
        Entry [i, j]: first learner minus second, in repetition i, scored on half j.

    Notes
    -----
    It uses one difference of ten as its numerator; `cv5x2_f` uses all and is to be preferred.
    """
    d = _finite("differences", differences, (5, 2))
    return Studentized(float(d[0, 0]), math.sqrt(_spreads(d).mean()), 5, "5x2cv t")


def cv5x2_f(differences: Any) -> PValue:
    """Combined 5x2cv F test of Alpaydin 1999: sum of squared differences over twice the summed spreads, F(10, 5).

    Parameters
    ----------
    differences : array-like, shape (5, 2)
        As in `cv5x2_t`.

    Examples
    --------
    >>> from cutline.evidence.learners import cv5x2_f
    >>> found = cv5x2_f([[0.02, 0.01], [0.03, 0.00], [0.01, 0.02], [0.02, 0.03], [0.01, 0.01]])
    >>> round(found.statistic, 3), round(found.p, 3)
    (2.833, 0.131)
    """
    d = _finite("differences", differences, (5, 2))
    total, spread = float(np.square(d).sum()), 2 * float(_spreads(d).sum())
    if spread <= 1e-24 * total or total == 0:  # no spread: nothing to test against
        return PValue(1.0, "5x2cv F", 0.0 if total == 0 else math.nan, 10)
    from scipy.special import fdtrc

    return PValue(float(fdtrc(10, 5, total / spread)), "5x2cv F", total / spread, 10)


def _spreads(d: NDArray[np.float64]) -> NDArray[np.float64]:
    """Variance of the two halves of each repetition."""
    return np.square(d - d.mean(axis=1, keepdims=True)).sum(axis=1)


def _finite(name: str, values: Any, shape: tuple[int, ...]) -> NDArray[np.float64]:
    d = np.asarray(values, dtype=np.float64)
    fits = d.ndim == len(shape) and all(want in (-1, came) for want, came in zip(shape, d.shape, strict=True))
    if not fits:
        raise ShapeError(name, f"shape {d.shape}", f"shape {tuple('j' if n < 0 else n for n in shape)}")
    if not np.isfinite(d).all():
        raise InputError(name, f"{int((~np.isfinite(d)).sum())} value(s) that are not finite", "finite differences")
    return d
