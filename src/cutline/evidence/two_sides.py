"""Differences from the interval of each side: of figures of different rows, and where a difference has no spread."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from cutline.evidence.influence import Influence
from cutline.evidence.intervals import F1FromJaccard, Ingredients, LogitAuc, Proportion, Scaled, State, wilson
from cutline.evidence.proportions import t_of
from cutline.evidence.studentized import Studentized


class WithP(Ingredients, Protocol):
    """Ingredients of a difference: they know the p of no difference, too."""

    @property
    def p(self) -> float:
        """Two-sided; 1 where nothing can be tested."""


@dataclass(frozen=True, slots=True)
class TwoProportions:
    """Difference of the proportions of different rows: Newcombe's interval (1998c, method 10) and the score test.

    Where fewer than 5 rows of a cell are expected, the exact test of Fisher 1935 in place of the score test.
    """

    first: int
    of_first: int
    second: int
    of_second: int

    @property
    def method(self) -> str:
        """Name."""
        return "Fisher exact, Newcombe" if self._sparse else "score test, Newcombe"

    @property
    def state(self) -> State:
        """Undefined without rows on a side; degenerate when all or none are counted."""
        if not (self.of_first and self.of_second):
            return "undefined"
        return "ok" if 0 < self.first + self.second < self.of_first + self.of_second else "degenerate"

    @property
    def _sparse(self) -> bool:
        total, yes = self.of_first + self.of_second, self.first + self.second
        return min(self.of_first, self.of_second) * min(yes, total - yes) < 5 * total

    @property
    def p(self) -> float:
        """Two-sided."""
        from scipy.special import gammaln, ndtr

        if self.state != "ok":
            return 1.0
        n, m, yes = self.of_first, self.of_second, self.first + self.second
        if not self._sparse:
            pooled = yes / (n + m)
            gap = self.first / n - self.second / m
            return 2 * float(ndtr(-abs(gap) / math.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))))
        k = np.arange(max(0, yes - m), min(n, yes) + 1)
        log = -(gammaln(k + 1) + gammaln(n - k + 1) + gammaln(yes - k + 1) + gammaln(m - yes + k + 1))
        chance = np.exp(log - log.max())
        return min(1.0, float(chance[chance <= chance[self.first - k[0]] * (1 + 1e-7)].sum() / chance.sum()))

    def interval(self, level: float) -> tuple[float, float]:
        """Newcombe's, from two Wilson intervals."""
        if self.state == "undefined":
            return math.nan, math.nan
        p, q = self.first / self.of_first, self.second / self.of_second
        limits = wilson(self.first, self.of_first, level), wilson(self.second, self.of_second, level)
        return square_and_add((p, q), limits)


@dataclass(frozen=True, slots=True)
class TwoF1:
    """Difference of the F1 of different rows: F1 = 2J / (1 + J), and J = tp / (tp + fp + fn) is one proportion.

    Equal F1 are equal J: the test is that of two proportions. The limits are Wilson's of each J, mapped, and put
    together as Newcombe does.
    """

    jaccard: TwoProportions

    @property
    def method(self) -> str:
        """Name."""
        return f"{self.jaccard.method} on Jaccard"

    @property
    def state(self) -> State:
        """That of the proportions."""
        return self.jaccard.state

    @property
    def p(self) -> float:
        """Two-sided."""
        return self.jaccard.p

    def interval(self, level: float) -> tuple[float, float]:
        """Square-and-add on the limits of F1."""
        if self.state == "undefined":
            return math.nan, math.nan
        j = self.jaccard
        shares = (j.first, j.of_first), (j.second, j.of_second)
        values = tuple(2 * k / (k + n) for k, n in shares)
        one, two = (F1FromJaccard(Proportion(k, n)).interval(level) for k, n in shares)
        return square_and_add((values[0], values[1]), (one, two))


def square_and_add(
    values: tuple[float, float], limits: tuple[tuple[float, float], tuple[float, float]]
) -> tuple[float, float]:
    """Limits of a difference from those of two independent figures (Newcombe 1998c; Zou & Donner 2008)."""
    (a, b), ((l1, u1), (l2, u2)) = values, limits
    return a - b - math.hypot(a - l1, u2 - b), a - b + math.hypot(u1 - a, b - l2)


@dataclass(frozen=True, slots=True)
class TwoSides:
    """Difference of two figures from the interval of each, at any level.

    Independent sides by square-and-add. Figures of the same rows by Bonferroni: each side at half the error, and their
    lengths added, which holds whatever their dependence. p is 1 minus the level at which the interval reaches 0.
    """

    values: tuple[float, float]
    first: Ingredients
    second: Ingredients
    method: str
    independent: bool = True
    least_p: float = 0.0
    """What the sides can resolve: limits from draws say nothing beyond these."""
    low: float = -math.inf
    high: float = math.inf
    """The range of the difference."""

    @property
    def state(self) -> State:
        """Undefined or insufficient when a side is; degenerate without an interval, or when both are and agree."""
        states: set[State] = {self.first.state, self.second.state}
        if "undefined" in states:
            return "undefined"
        if "insufficient" in states:
            return "insufficient"
        wide = all(high - low > 1e-9 for low, high in (self.first.interval(0.95), self.second.interval(0.95)))
        nothing = states == {"degenerate"} and self.values[0] == self.values[1]
        return "ok" if wide and not nothing else "degenerate"

    @property
    def p(self) -> float:
        """Two-sided."""
        if self.state != "ok":
            return 1.0
        low, high = 1e-15, 1 - 1e-9
        if self._around_zero(1 - high):
            return 1.0
        for _ in range(60):
            p = (low + high) / 2
            low, high = (p, high) if self._around_zero(1 - p) else (low, p)
        return max(high, self.least_p)

    def interval(self, level: float) -> tuple[float, float]:
        """Both limits; nan when a side has none."""
        low, high = self._limits(level)
        return max(low, self.low), min(high, self.high)

    def _around_zero(self, level: float) -> bool:
        low, high = self._limits(level)
        return low <= 0 <= high

    def _limits(self, level: float) -> tuple[float, float]:
        if self.independent:
            return square_and_add(self.values, (self.first.interval(level), self.second.interval(level)))
        half = (1 + level) / 2
        (a, b), (l1, u1), (l2, u2) = self.values, self.first.interval(half), self.second.interval(half)
        return a - b - (a - l1) - (u2 - b), a - b + (u1 - a) + (b - l2)


@dataclass(frozen=True, slots=True)
class AllAlike:
    """The mean of independent units that all show the same value: exact limits from its range.

    If a share q of the population showed another value, none of m units would with chance (1 - q)^m; so at most
    1 - alpha^(1/m) of it does, and lies anywhere in the range. Of differences of ROC AUC the units are disjoint pairs
    of a positive and a negative row.
    """

    value: float
    units: float
    low: float
    high: float
    method: str = "exact, all units alike"

    @property
    def state(self) -> State:
        """Insufficient below two units; degenerate when the value is 0: nothing differs."""
        if self.units < 2:
            return "insufficient"
        return "ok" if self.value != 0 and math.isfinite(self.high - self.low) else "degenerate"

    @property
    def p(self) -> float:
        """Two-sided p of a mean of 0."""
        if self.state != "ok":
            return 1.0
        end = self.low if self.value > 0 else self.high
        return float((-end / (self.value - end)) ** self.units)

    def interval(self, level: float) -> tuple[float, float]:
        """Limits inside the range."""
        if self.units < 2 or not math.isfinite(self.high - self.low):
            return math.nan, math.nan
        q = 1 - (1 - level) ** (1 / self.units)
        return self.value - q * (self.value - self.low), self.value + q * (self.high - self.value)


@dataclass(frozen=True, slots=True)
class ScaledDifference(Scaled):
    """``factor x`` of a difference x: that of Gini, 2 AUC - 1, is twice that of AUC."""

    of: WithP

    @property
    def p(self) -> float:
        """That of x."""
        return self.of.p


@dataclass(frozen=True, slots=True)
class SmallArea:
    """ROC AUC on the logit scale with t for the rows of the smaller class, exact where the area has no spread.

    All rows of a class are then alike: perfect separation, or one score for all, of which the area is 0.5.
    """

    area: LogitAuc

    @property
    def method(self) -> str:
        """That of the area."""
        return self.area.method

    @property
    def state(self) -> State:
        """That of the area."""
        return self.area.state

    def interval(self, level: float) -> tuple[float, float]:
        """Limits in [0, 1]."""
        from scipy.special import ndtr

        pairs = min(self.area.n_pos, self.area.n_neg)
        level = min(max(2 * float(ndtr(t_of(level, max(pairs - 1, 1)))) - 1, 1e-12), 1 - 1e-15)
        if 0 < self.area.value < 1 and self.area.variance == 0:
            return AllAlike(self.area.value, pairs, 0.0, 1.0).interval(level)
        return self.area.interval(level)


def two_areas(first: Influence, second: Influence) -> TwoSides:
    """Difference of two ROC AUCs of different rows from the interval of each.

    For small classes, where an AUC near 1 is too skewed for t, and for areas without spread.
    """
    sides = []
    for one in (first, second):
        value, variance = (round(one.value, 9), 0.0) if one.alike else (one.value, one.variance)
        sides.append(SmallArea(LogitAuc(value, variance, *pairs_of(one))))
    values = sides[0].area.value, sides[1].area.value
    return TwoSides(values, sides[0], sides[1], "logit DeLong, square-and-add")


def pairs_of(area: Influence) -> tuple[float, float]:
    """Units of the two classes; of clusters no more than half of all, for a pair needs one for each class."""
    most = area.clusters / 2 if area.clusters else math.inf
    return min(area.units[0], most), min(area.units[1], most)


def two_means(first: Influence, second: Influence, studentized: Studentized, span: tuple[float, float]) -> WithP:
    """Two means of different rows: Welch's t, unless the rows of a side are all alike and a range bounds the others."""
    low, high = span
    if not (first.alike or second.alike) or not math.isfinite(high - low) or studentized.value == 0:
        return studentized
    sides: list[Ingredients] = []
    for one in (first, second):
        if not one.alike:
            error, df = math.sqrt(one.variance), min(one.effective) - 1
            sides.append(Studentized(one.value, error, df, "t", low, high))
        else:
            sides.append(AllAlike(one.value, min(one.effective), low, high))
    return TwoSides(
        (first.value, second.value), sides[0], sides[1], f"{studentized.method}, exact where all rows are alike"
    )
