"""Venn-ABERS: two isotonic fits for each query, one with it as a negative, one as a positive."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from cutline.calibration.base import Array, are_columns, binary_rows, require, rising
from cutline.errors import InputError
from cutline.scores import Scores

SAME = 1e-12
"""A point this little below a line (relative to its height) lies on it: the rest is rounding."""


@dataclass(frozen=True, slots=True, eq=False)
class VennAbers:
    """Inductive Venn-ABERS predictor (Vovk, Petej & Fedorova 2015).

    For a query q, p0 is its probability by isotonic regression of the rows with q added as a negative, p1 with q added
    as a positive: one of the two is calibrated for exchangeable rows, at any n. Both are step functions of the
    score; they are computed for all queries in one sweep over the sorted rows and kept as their steps. A query costs
    two binary searches. The call gives them merged, ``p1 / (1 - p0 + p1)``, the minimax choice for log loss.

    Attributes
    ----------
    x0, p0 : ndarray of float64, shape (a,)
        p0 is ``p0[i]`` from score ``x0[i]`` on (to the next), and 0 below ``x0[0]``.
    x1, p1 : ndarray of float64, shape (b,)
        p1 is ``p1[i]`` up to score ``x1[i]`` (above the one before), and 1 above ``x1[-1]``.
    """

    x0: Array = field(repr=False)
    p0: Array = field(repr=False)
    x1: Array = field(repr=False)
    p1: Array = field(repr=False)
    name: ClassVar[str] = "venn_abers"
    parameters: ClassVar[int] = 10
    """Not a count: it stands for "more than any parametric map" in the one-standard-error rule."""

    def __post_init__(self) -> None:
        fine = are_columns(self.x0, self.p0) and are_columns(self.x1, self.p1)
        fine = fine and rising(self.x0, strictly=True) and rising(self.x1, strictly=True)
        fine = fine and rising(self.p0, 0.0, 1 - 1e-12) and rising(self.p1, 1e-12, 1.0)
        if fine:
            low, high = self.bounds(np.concatenate([self.x0, self.x1]))
            fine = bool((low <= high).all())
        require(fine, self.name, "rising scores with non-decreasing p0 < 1 and p1 > 0, p0 at most p1 everywhere")

    def bounds(self, score: NDArray[Any]) -> tuple[Array, Array]:
        """p0 and p1 of each score, shape (n,) each.

        Examples
        --------
        >>> import cutline as cl
        >>> from cutline.calibration.venn_abers import VennAbers
        >>> y, p = [0, 0, 1, 0, 1, 1], [0.1, 0.2, 0.3, 0.6, 0.7, 0.9]
        >>> fit = VennAbers.fit(cl.Scores(y_true=y, y_score=p, kind="probability"))
        >>> low, high = fit.bounds([0.15, 0.65, 0.95])
        >>> low.round(2).tolist(), high.round(2).tolist()
        ([0.0, 0.33, 0.67], [0.5, 1.0, 1.0])
        """
        q = np.asarray(score, dtype=np.float64)
        low = np.concatenate([[0.0], self.p0])[np.searchsorted(self.x0, q, side="right")]
        high = np.append(self.p1, 1.0)[np.searchsorted(self.x1, q, side="left")]
        return low, high

    def width(self, score: NDArray[Any]) -> Array:
        """``p1 - p0``, shape (n,): how much one row more would move the probability; wide where rows are few."""
        low, high = self.bounds(score)
        return high - low

    def __call__(self, score: NDArray[Any]) -> Array:
        """Merged probabilities, never 0 or 1."""
        low, high = self.bounds(score)
        return np.asarray(high / (1 - low + high))

    @classmethod
    def fit(cls, scores: Scores) -> VennAbers:
        """Both step functions, in O(n log n).

        Raises
        ------
        InputError
            Weighted rows, or rows in clusters: its validity rests on rows that each count as much as the query.
        """
        known = binary_rows(scores, cls.name)
        for argument, given in (("weight", known.weight), ("groups", known.groups)):
            if given is not None:
                wanted, hint = f"independent rows that count alike for {cls.name!r}", "use 'centred_isotonic'"
                raise InputError(argument, f"rows with {argument}", wanted, hint)
        x, inverse = np.unique(np.asarray(known.score, dtype=np.float64), return_inverse=True)
        rows = np.bincount(inverse)
        positive = np.bincount(inverse, weights=known.is_positive)
        # With the labels and the order turned around, a negative added is a positive added.
        p0 = 1 - with_a_positive((rows - positive)[::-1], rows[::-1])[::-1]
        p1 = with_a_positive(positive, rows)
        starts = np.concatenate([[True], np.diff(p0) > 0])
        ends = np.concatenate([np.diff(p1) > 0, [True]])
        return cls(x[starts], p0[starts], x[ends], p1[ends])

    def to_dict(self) -> dict[str, Any]:
        """Plain values: the steps alone."""
        return {"name": self.name, **{f.name: getattr(self, f.name).tolist() for f in fields(self)}}


def with_a_positive(positive: NDArray[Any], rows: NDArray[Any]) -> Array:
    """Isotonic regression at each distinct score when one positive row is added there, shape (k,).

    Of the k distinct scores, ascending, score i has ``rows[i]`` rows, ``positive[i]`` of them positive. In the diagram
    of cumulative positives against cumulative rows the added row moves all points from i on by (1, 1); the wanted
    value is the slope of the bridge between the lower hulls of the points before i and of the moved ones. As i
    goes up the bridge stays until a point falls below it; that point is then its left end.
    """
    from scipy.optimize import isotonic_regression

    k = len(rows)
    above, along = (np.concatenate([[0.0], np.cumsum(each)]) for each in (positive, rows))
    # Behind the block of i the right hull consists of the ends of the blocks of the plain fit.
    ends = np.asarray(isotonic_regression(positive / rows, weights=rows.astype(np.float64)).blocks)[1:]
    out = np.empty(k)
    left = 0
    while left < k:
        block = int(np.searchsorted(ends, left, side="right"))
        right = np.concatenate([np.arange(left + 1, ends[block] + 1), ends[block + 1 :]])
        slope = float(((above[right] + 1 - above[left]) / (along[right] + 1 - along[left])).min())
        below = _first_below(above, along, left, slope)
        out[left:below] = slope
        left = below
    return np.maximum.accumulate(out)  # it rises by its nature; rounding must not make it fall


def _first_below(above: Array, along: Array, left: int, slope: float) -> int:
    """The first point after `left` that lies below the line through it, else the last point."""
    last, size, start = len(along) - 1, 64, left + 1
    while start < last:
        stop = min(start + size, last)
        gap = above[start:stop] - above[left] - slope * (along[start:stop] - along[left])
        found = gap < -SAME * (1 + along[stop])
        if found.any():
            return start + int(found.argmax())
        start, size = stop, size * 2
    return last
