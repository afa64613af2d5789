"""Several tests at once: p-values adjusted so that each can be read at the level of all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from cutline.errors import InputError, UnknownName

Correction = Literal["holm", "hochberg", "hommel", "bonferroni", "bh", "by"]
"""What is held: the chance of any false finding (the first four), or the share of false ones among all findings."""

Sorted = NDArray[np.float64]


def adjusted(p: Any, method: Correction = "holm") -> NDArray[np.float64]:
    """Adjusted p-values: reject where they are at most the level.

    Parameters
    ----------
    p : array-like, shape (m,)
        P-values in [0, 1]; nan (no test was possible) counts as 1.
    method : {"holm", "hochberg", "hommel", "bonferroni", "bh", "by"}
        Holm 1979 and Bonferroni hold the family-wise error under any dependence, Hochberg 1988 and Hommel 1988 under
        independence or positive dependence; "bh" (Benjamini & Hochberg 1995, same condition) and "by" (Benjamini &
        Yekutieli 2001, any dependence) hold the false discovery rate: for screening.

    Returns
    -------
    ndarray of float64, shape (m,)
        Entry i belongs to ``p[i]``, and is never smaller.

    Raises
    ------
    InputError
        A value outside [0, 1]; `UnknownName` for a method nobody knows.

    Examples
    --------
    >>> from cutline.evidence.multiplicity import adjusted
    >>> adjusted([0.01, 0.04, 0.03, float("nan")])
    array([0.04, 0.09, 0.09, 1.  ])
    """
    if method not in get_args(Correction):
        raise UnknownName.among("method", str(method), get_args(Correction))
    values = np.array(p, dtype=np.float64)
    values[np.isnan(values)] = 1.0
    if values.ndim != 1 or not ((values >= 0) & (values <= 1)).all():
        raise InputError("p", f"values of shape {values.shape}, not all in [0, 1]", "p-values, shape (m,)")
    if not values.size:
        return values
    order = np.argsort(values, kind="stable")
    out = np.empty_like(values)
    out[order] = np.minimum(_METHODS[method](values[order]), 1.0)
    return out


def _holm(p: Sorted) -> Sorted:
    return np.maximum.accumulate(np.arange(p.size, 0, -1) * p)


def _hochberg(p: Sorted) -> Sorted:
    return _from_the_top(np.arange(p.size, 0, -1) * p)


def _bh(p: Sorted) -> Sorted:
    return _from_the_top(p.size / np.arange(1, p.size + 1) * p)


def _by(p: Sorted) -> Sorted:
    return _from_the_top((1 / np.arange(1, p.size + 1)).sum() * p.size / np.arange(1, p.size + 1) * p)


def _hommel(p: Sorted) -> Sorted:
    """The closed test of Simes' p over all subsets, in the O(m^2) form of Wright 1992."""
    n = p.size
    out = np.full(n, (n * p / np.arange(1, n + 1)).min())
    for m in range(n - 1, 1, -1):
        first = n - m + 1  # of every subset of m tests, the largest m - 1 are the last ones
        simes = (m * p[first:] / np.arange(2, m + 1)).min()
        q = np.minimum(m * p, simes)
        q[first:] = q[first - 1]
        out = np.maximum(out, q)
    return np.maximum(out, p)


def _from_the_top(bounds: Sorted) -> Sorted:
    return np.minimum.accumulate(bounds[::-1])[::-1]


_METHODS: dict[str, Callable[[Sorted], Sorted]] = {
    "holm": _holm,
    "hochberg": _hochberg,
    "hommel": _hommel,
    "bonferroni": lambda p: p.size * p,
    "bh": _bh,
    "by": _by,
}
