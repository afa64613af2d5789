"""What every row adds to a figure: its variance with weights and clusters, and its covariance with another one."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline.errors import InputError, LabelError, ShapeError
from cutline.evidence.studentized import FEW, Studentized, welch
from cutline.scores import Scores


@dataclass(frozen=True, slots=True, eq=False)
class Influence:
    """A figure, and what every row adds to its deviation: sums over clusters give its variance.

    Attributes
    ----------
    value : float
    parts : tuple of ndarray of shape (n,)
        Entry i of a part is what row i adds; a row adds to one part only (a class, or a slice), or to none.
    units : tuple of float
        Independent units behind each part: effective rows, or clusters.
    effective : tuple of float
        The same with clusters of unequal size counted as fewer equal ones, (sum of sizes)^2 / sum of squares.
    member : ndarray of int, shape (n,), or None
        The cluster of each row.
    """

    value: float
    parts: tuple[NDArray[np.float64], ...]
    units: tuple[float, ...]
    effective: tuple[float, ...]
    member: NDArray[Any] | None

    @property
    def clusters(self) -> int:
        """Number of clusters, 0 without."""
        return 0 if self.member is None else int(self.member.max()) + 1

    @property
    def variance(self) -> float:
        """Of the value."""
        return self.covariance(self)

    def covariance(self, other: Influence) -> float:
        """With another figure of the same rows.

        Each part has the factor u / (u - 1) of its number of units; parts that meet in a cluster that of all clusters
        (Obuchowski 1997). nan with fewer than two units.
        """
        if min(self.units, default=0.0) <= 1:
            return math.nan
        mine, theirs = self._sums(), other._sums()
        total = 0.0
        for i, a in enumerate(mine):
            for j, b in enumerate(theirs):
                units = self.units[i] if i == j else self.clusters
                if i == j or units > 1:  # rows of different parts that are no cluster are independent
                    total += float(a @ b) * units / (units - 1)
        return max(total, 0.0) if other is self else total

    def _sums(self) -> list[NDArray[np.float64]]:
        if self.member is None:
            return list(self.parts)
        return [np.bincount(self.member, weights=part).astype(np.float64) for part in self.parts]

    def minus(self, other: Influence) -> Influence:
        """The difference to another figure of the same rows."""
        parts = tuple(a - b for a, b in zip(self.parts, other.parts, strict=True))
        return Influence(self.value - other.value, parts, self.units, self.effective, self.member)

    @property
    def spreads(self) -> list[tuple[float, float]]:
        """Independent contributions to the variance, each with its degrees of freedom."""
        if self.member is not None:
            return [(self.variance, min(self.effective) - 1)]
        parts = zip(self.parts, self.units, self.effective, strict=True)
        return [(float(part @ part) * u / (u - 1) if u > 1 else math.nan, e - 1) for part, u, e in parts]

    @property
    def alike(self) -> bool:
        """Whether no row deviates from the value: what is left of equal numbers after rounding is no spread."""
        return self.variance <= 1e-24 * self.value**2

    def scaled(self, factor: float, offset: float) -> Influence:
        """Of ``factor x + offset`` for this figure x."""
        return replace(self, value=factor * self.value + offset, parts=tuple(factor * part for part in self.parts))

    @property
    def small(self) -> bool:
        """Whether the smallest part has too few units for normal theory."""
        return self.member is not None or min(self.units) < FEW

    @property
    def design_effect(self) -> float:
        """How many times larger the variance is than that of independent rows; 1 without clusters."""
        if self.member is None:
            return 1.0
        alone = sum(float(part @ part) for part in self.parts)
        return self.variance / alone if alone else math.nan


def placements(score: Any, positive: Any, weight: Any = None) -> NDArray[np.float64]:
    """How well each row stands against the other class: the share of it on the right side, ties half.

    Parameters
    ----------
    score : array-like, shape (n,)
        Higher means more positive.
    positive : array-like of bool, shape (n,)
        True for the positive class.
    weight : array-like, shape (n,), optional
        Shares of weights in place of shares of rows.

    Returns
    -------
    ndarray of float64, shape (n,)
        Entry i in [0, 1]; the mean over either class is the ROC AUC (DeLong, DeLong & Clarke-Pearson 1988). nan where
        the other class has no rows.
    """
    is_positive = np.asarray(positive, dtype=bool)
    found, place = np.unique(np.asarray(score), return_inverse=True)
    mass = np.ones(is_positive.size) if weight is None else np.asarray(weight, dtype=np.float64)
    out = np.empty(is_positive.size)
    for mine in (True, False):
        rows, others = is_positive == mine, is_positive != mine
        at = np.bincount(place[others], weights=mass[others], minlength=found.size)
        beaten = np.cumsum(at) - at / 2 if mine else np.cumsum(at[::-1])[::-1] - at / 2
        out[rows] = beaten[place[rows]] / (at.sum() or math.nan)
    return out


def auc_influence(scores: Scores) -> Influence:
    """ROC AUC of binary scores with each row's share in it: DeLong's placements, weighted and clustered if need be."""
    known = scores.known()
    if not known.binary or known.kind == "label":
        raise LabelError("scores", repr(known), "binary scores with an order", "use scores.one_vs_rest(name)")
    positive, member = known.is_positive, clusters_of(known)
    place = placements(known.score, positive, known.weight)
    mass = np.ones(known.n) if known.weight is None else known.weight
    total = float(mass @ positive)
    value = float((place[positive] * mass[positive]).sum() / total) if 0 < total < mass.sum() else math.nan
    classes = [mass * positive, mass * ~positive]
    parts = tuple(own * (place - value) / (own.sum() or math.nan) for own in classes)
    units, effective = zip(*(units_of(own, member) for own in classes), strict=True)
    return Influence(value, parts, units, effective, member)


def ratio_influence(numerator: NDArray[Any], denominator: NDArray[Any], known: Scores) -> Influence:
    """A mean or ratio sum(w k) / sum(w d) of one numerator and one denominator a row, each of shape (n,)."""
    member = clusters_of(known)
    mass = np.ones(known.n) if known.weight is None else known.weight
    own = mass * denominator
    total = float(own.sum())
    value = float(mass @ numerator) / total if total else math.nan
    deviation = mass * (numerator - value * denominator) / (total or math.nan)
    units, effective = units_of(own, member)
    return Influence(value, (deviation,), (units,), (effective,), member)


def clusters_of(known: Scores) -> NDArray[Any] | None:
    """Cluster numbers 0, 1, ..., or None."""
    if known.groups is None:
        return None
    groups = known.groups
    return np.unique(groups.astype(str) if groups.dtype == object else groups, return_inverse=True)[1]


def _effective(mass: NDArray[np.float64]) -> float:
    square = float(mass @ mass)
    return float(mass.sum()) ** 2 / square if square else 0.0


def units_of(mass: NDArray[np.float64], member: NDArray[Any] | None) -> tuple[float, float]:
    """Independent units and their effective number."""
    if member is None:
        return (_effective(mass),) * 2
    sizes = np.bincount(member, weights=mass).astype(np.float64)
    return float(np.count_nonzero(sizes)), _effective(sizes)


def delong_test(first: Scores, second: Scores, *, paired: bool = True) -> Studentized:
    """Difference of two ROC AUCs, first minus second (DeLong, DeLong & Clarke-Pearson 1988).

    Parameters
    ----------
    first, second : Scores
        Binary scores; when paired, of the same rows in the same order (`compare` matches rows by their ids).
    paired : bool
        False for different rows: then t with the degrees of freedom of Satterthwaite 1946, as pROC does it.

    Returns
    -------
    Studentized
        Normal when paired, as pROC does it; `compare` takes t where a class has fewer than 30 rows, because the normal
        rejects too often there. Clusters enter by their sums (Obuchowski 1997), with t.

    Examples
    --------
    >>> import cutline as cl
    >>> from cutline.evidence.influence import delong_test
    >>> y = [0, 0, 0, 1, 1, 1]
    >>> a = cl.Scores(y_true=y, y_score=[1, 2, 4, 3, 5, 6], kind="rank")
    >>> b = cl.Scores(y_true=y, y_score=[1, 5, 4, 3, 2, 6], kind="rank")
    >>> found = delong_test(a, b)
    >>> round(found.value, 4), round(found.p, 4)
    (0.3333, 0.2207)
    """
    if paired and not np.array_equal(first.known().is_positive, second.known().is_positive):
        raise ShapeError("second", "other truth than the first", "the same rows in the same order", "or paired=False")
    for name in ("weight", "groups") if paired else ():
        mine, other = getattr(first.known(), name), getattr(second.known(), name)
        if (mine is None) != (other is None) or (mine is not None and not np.array_equal(mine, other)):
            raise InputError("second", f"another {name} than the first", f"the same {name} in both")
    one, two = auc_influence(first), auc_influence(second)
    gap = one.minus(two) if paired else None
    if gap is not None and gap.member is None and min(gap.units) >= 2:
        return Studentized(gap.value, math.sqrt(gap.variance), math.inf, "paired DeLong", -1, 1)
    if gap is None and one.member is None and two.member is None:
        rows = [(one.variance, first.known().n - 1.0), (two.variance, second.known().n - 1.0)]
        return welch(one.value - two.value, rows, "DeLong, unpaired", (-1, 1))
    return together(one, two, "paired DeLong", (-1, 1)) if paired else apart(one, two, "DeLong, unpaired", (-1, 1))


def together(first: Influence, second: Influence, method: str, reach: tuple[float, float]) -> Studentized:
    """Difference of two figures of the same rows: t with Satterthwaite's degrees of freedom over the parts."""
    gap = first.minus(second)
    if gap.member is not None:
        method += f", {gap.clusters:,} clusters, design effect {gap.design_effect:.2g}"
    return replace(welch(gap.value, gap.spreads, method, reach), error=math.sqrt(gap.variance))


def apart(first: Influence, second: Influence, method: str, reach: tuple[float, float]) -> Studentized:
    """Difference of two figures of different rows: Welch's t over the parts of both."""
    if first.member is not None or second.member is not None:
        method += ", clusters"
    return welch(first.value - second.value, first.spreads + second.spreads, method, reach)
