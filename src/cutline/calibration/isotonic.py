"""The best non-decreasing map, and its strictly increasing variant."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cutline.calibration.base import Array, are_columns, binary_rows, require, rising, weights_of
from cutline.scores import Scores

SAME = 1e-12
"""Blocks whose shares differ by less are one block: the rest is rounding."""


class Blocks(NamedTuple):
    """Pooled blocks of distinct scores, ascending: from `first` to `last`, with mean score, share and share's mass."""

    first: Array
    last: Array
    centre: Array
    share: Array


def pooled(known: Scores) -> Blocks:
    """Pool adjacent violators: weighted least squares under monotony (Ayer et al. 1955)."""
    from scipy.optimize import isotonic_regression

    x, inverse = np.unique(np.asarray(known.score, dtype=np.float64), return_inverse=True)
    weight = weights_of(known)
    mass = np.bincount(inverse, weights=weight)
    positive = np.bincount(inverse, weights=weight * known.is_positive)
    start = np.asarray(isotonic_regression(positive / mass, weights=mass).blocks)[:-1]
    share = np.add.reduceat(positive, start) / np.add.reduceat(mass, start)
    start = start[np.concatenate([[True], np.diff(share) > SAME])]
    total = np.add.reduceat(mass, start)
    last = x[np.append(start[1:], len(x)) - 1]
    centre = np.clip(np.add.reduceat(mass * x, start) / total, x[start], last)  # rounding may leave a block of one ulp
    share = np.add.reduceat(positive, start) / total
    return Blocks(x[start], last, centre, share)


@dataclass(frozen=True, slots=True, eq=False)
class _Knots:
    """A non-decreasing map: linear between its knots, flat beyond them."""

    x: Array = field(repr=False)
    y: Array = field(repr=False)
    name: ClassVar[str]
    parameters: ClassVar[int] = 10
    """Not a count: it stands for "more than any parametric map" in the one-standard-error rule."""

    def __post_init__(self) -> None:
        fine = are_columns(self.x, self.y) and rising(self.x, strictly=True) and rising(self.y, 0.0, 1.0)
        require(fine, self.name, "knots with rising x and non-decreasing probabilities y, as many of each")

    def __call__(self, score: NDArray[Any]) -> Array:
        """Probabilities."""
        return np.interp(np.asarray(score, dtype=np.float64), self.x, self.y)

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {"name": self.name, "x": self.x.tolist(), "y": self.y.tolist()}


@dataclass(frozen=True, slots=True, eq=False)
class Isotonic(_Knots):
    """The best non-decreasing map, by pooling adjacent violators; linear between its knots.

    It makes ties and would give 0 and 1, so it is kept 1/(n + 2) away from them.
    """

    name: ClassVar[str] = "isotonic"

    @classmethod
    def fit(cls, scores: Scores) -> Isotonic:
        """Weighted least squares under monotony (Ayer et al. 1955)."""
        known = binary_rows(scores, cls.name)
        found = pooled(known)
        return cls(*_knots(found, np.ones(len(found.share), dtype=bool), known.n))


@dataclass(frozen=True, slots=True, eq=False)
class CentredIsotonic(_Knots):
    """Isotonic with one knot in the middle of each block, so strictly increasing between them: the ranking stays.

    Oron & Flournoy 2017. Blocks of share 0 or 1 keep both their ends; beyond the outer knots the map is flat. Kept
    1/(n + 2) away from 0 and 1.

    Examples
    --------
    >>> import cutline as cl
    >>> from cutline.calibration import Isotonic
    >>> from cutline.calibration.isotonic import CentredIsotonic
    >>> y, p = [0, 0, 1, 0, 1, 0, 1, 1], [0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9]
    >>> s = cl.Scores(y_true=y, y_score=p, kind="probability")
    >>> Isotonic.fit(s)(s.score).tolist()
    [0.1, 0.1, 0.5, 0.5, 0.5, 0.5, 0.9, 0.9]
    >>> CentredIsotonic.fit(s)(s.score).round(2).tolist()
    [0.1, 0.1, 0.23, 0.37, 0.63, 0.77, 0.9, 0.9]
    """

    name: ClassVar[str] = "centred_isotonic"

    @classmethod
    def fit(cls, scores: Scores) -> CentredIsotonic:
        """Pool adjacent violators, then one knot for each block."""
        known = binary_rows(scores, cls.name)
        found = pooled(known)
        return cls(*_knots(found, (found.share <= 0) | (found.share >= 1), known.n))


def _knots(found: Blocks, flat: NDArray[np.bool_], n: int) -> tuple[Array, Array]:
    """Two knots for a `flat` block, or one where it holds a single score; one in the middle of any other."""
    x = np.where(flat, found.first, found.centre)
    twice = flat & (found.first < found.last)
    at = np.flatnonzero(twice) + 1
    edge = 1 / (n + 2)
    y = np.clip(found.share, edge, 1 - edge)
    return np.insert(x, at, found.last[twice]), np.insert(y, at, y[twice])
