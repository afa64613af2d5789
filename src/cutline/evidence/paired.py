"""Two classifiers on the same rows: paired tables, areas under ROC curves, and the figures of two binary tests.

Without spread nothing is tested: the state is degenerate and p is 1, never nan.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from cutline.errors import InputError, LabelError, ShapeError, UnknownName
from cutline.evidence.intervals import LogitAuc, State, clopper_pearson, wilson, z_of
from cutline.labels import Shown
from cutline.scores import Scores

FEW = 30
"""Below this many rows of a class (or clusters) the normal distribution gives way to t."""

How = Literal["mid-p", "exact", "chi2", "chi2_cc"]


@dataclass(frozen=True, slots=True)
class Studentized:
    """A figure over its standard error: t with `df` degrees of freedom, normal when that is infinite.

    Parameters
    ----------
    value, error : float
        The figure, 0 when there is no effect, and its standard error.
    df : float
        Degrees of freedom; below 1 nothing can be said.
    method : str
        Name for people.
    low, high : float
        The range of the figure; limits are kept inside.

    Examples
    --------
    >>> from cutline.evidence.paired import Studentized
    >>> Studentized(0.0, 0.0, 9, "t").p
    1.0
    """

    value: float
    error: float
    df: float
    method: str
    low: float = -math.inf
    high: float = math.inf

    @property
    def state(self) -> State:
        """Undefined, insufficient (below one degree of freedom), degenerate (no spread) or ok."""
        if math.isnan(self.value):
            return "undefined"
        if self.df < 1 or math.isnan(self.error):
            return "insufficient"
        # What is left of equal numbers after rounding is no spread.
        return "ok" if self.error > 1e-12 * abs(self.value) else "degenerate"

    @property
    def statistic(self) -> float:
        """Value over error; 0 where the value is, nan where there is no error to divide by."""
        if self.value == 0:
            return 0.0
        return self.value / self.error if self.state == "ok" else math.nan

    @property
    def p(self) -> float:
        """Two-sided; 1 unless the state is ok."""
        return 2 * _t_tail(self.df, -abs(self.statistic)) if self.state == "ok" else 1.0

    def interval(self, level: float) -> tuple[float, float]:
        """Symmetric limits inside the range."""
        z = z_of(level)
        if self.state in ("undefined", "insufficient"):
            return math.nan, math.nan
        from scipy.special import stdtrit

        half = (z if math.isinf(self.df) else float(stdtrit(self.df, (1 + level) / 2))) * self.error
        return max(self.value - half, self.low), min(self.value + half, self.high)


def _t_tail(df: float, t: float) -> float:
    from scipy.special import ndtr, stdtr

    return float(ndtr(t) if math.isinf(df) else stdtr(df, t))


# --- one yes or no a row --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PairedTable(Shown):
    """How often both, one or none of two classifiers say yes (are right, or flag) on the same rows.

    Examples
    --------
    >>> from cutline.evidence.paired import PairedTable, mcnemar, tango
    >>> table = PairedTable(both=10, first=1, second=6, neither=3)
    >>> table.difference, round(mcnemar(table).p, 4)
    (-0.25, 0.0703)
    >>> low, high = tango(table)
    >>> round(low, 3), round(high, 3)
    (-0.488, 0.011)
    """

    both: int
    first: int
    """Only the first."""
    second: int
    """Only the second."""
    neither: int

    def __post_init__(self) -> None:
        for name in ("both", "first", "second", "neither"):
            value = getattr(self, name)
            if isinstance(value, bool) or value != int(value) or value < 0:
                raise InputError(name, repr(value), "a number of rows", "weighted rows have no paired table")

    @classmethod
    def of(cls, first: Any, second: Any) -> PairedTable:
        """Count two boolean arrays of shape (n,): entry i of both speaks of row i."""
        a, b = np.asarray(first, dtype=bool), np.asarray(second, dtype=bool)
        if a.shape != b.shape or a.ndim != 1:
            raise ShapeError("second", f"shapes {a.shape} and {b.shape}", "two arrays of shape (n,)")
        return cls(*(int(np.count_nonzero(cell)) for cell in (a & b, a & ~b, ~a & b, ~a & ~b)))

    @property
    def n(self) -> int:
        """All rows."""
        return self.both + self.first + self.second + self.neither

    @property
    def rates(self) -> tuple[float, float]:
        """Share of yes of the first and of the second; nan without rows."""
        n = self.n or math.nan
        return (self.both + self.first) / n, (self.both + self.second) / n

    @property
    def difference(self) -> float:
        """Share of the first minus share of the second."""
        return (self.first - self.second) / self.n if self.n else math.nan

    @property
    def swapped(self) -> PairedTable:
        """Seen from the second."""
        return PairedTable(self.both, self.second, self.first, self.neither)


@dataclass(frozen=True, slots=True)
class PValue(Shown):
    """A test's statistic, its degrees of freedom and p; exact tests have no statistic (nan)."""

    p: float
    method: str
    statistic: float = math.nan
    df: float = math.nan


def mcnemar(table: PairedTable, how: How = "mid-p") -> PValue:
    """McNemar's test that two classifiers say yes equally often (McNemar 1947), two-sided.

    Parameters
    ----------
    table : PairedTable
        Only the rows on which they differ count; without any p is 1.
    how : {"mid-p", "exact", "chi2", "chi2_cc"}
        The mid-p test holds its level nearly everywhere and wastes little (Fagerland, Lydersen & Laake 2013); the exact
        one always holds it; chi-squared without or with (Edwards 1948) the continuity correction.
    """
    if how not in get_args(How):
        raise UnknownName.among("how", str(how), get_args(How))
    few, n = min(table.first, table.second), table.first + table.second
    if how in ("chi2", "chi2_cc"):
        gap = abs(table.first - table.second)
        statistic = max(gap - (how == "chi2_cc"), 0) ** 2 / n if n else 0.0
        return PValue(_chi2_tail(statistic, 1), f"McNemar {how}", statistic, 1)
    from scipy.special import bdtr

    at_most = float(bdtr(few, n, 0.5)) if n else 1.0
    below = float(bdtr(few - 1, n, 0.5)) if few else 0.0
    return PValue(min(2 * at_most if how == "exact" else at_most + below, 1.0), f"McNemar {how}")


def _chi2_tail(statistic: float, df: float) -> float:
    """1 for an undefined statistic."""
    from scipy.special import chdtrc

    return 1.0 if math.isnan(statistic) else float(chdtrc(df, statistic))


def paired_odds_ratio(table: PairedTable, level: float = 0.95) -> tuple[float, tuple[float, float]]:
    """Conditional odds ratio first / second of the rows on which they differ, with its exact interval.

    The limits are those of Clopper & Pearson 1934 for first / (first + second), mapped; nan without such rows.
    """
    n = table.first + table.second
    limits = clopper_pearson(table.first, n, level)
    ratio = table.first / table.second if table.second else math.inf if n else math.nan
    return ratio, (limits[0] / (1 - limits[0]), limits[1] / (1 - limits[1]) if limits[1] < 1 else math.inf)


def tango(table: PairedTable, level: float = 0.95) -> tuple[float, float]:
    """Score interval of the difference of two paired proportions, first minus second (Tango 1998).

    All d with |b - c - n d| <= z sqrt(n (2 q + d (1 - d))), where q is the likelihood's best share of rows of the
    second alone given d. Finite even when the two never differ; nan without rows.
    """
    z = z_of(level)
    if not table.n:
        return math.nan, math.nan
    return -_tango_upper(table.swapped, z), _tango_upper(table, z)


def _tango_upper(table: PairedTable, z: float) -> float:
    n, b, c = table.n, table.first, table.second

    def inside(d: float) -> bool:
        half = (2 * n - b + c) * d - b - c
        q = (math.sqrt(max(half * half + 8 * n * c * d * (1 - d), 0.0)) - half) / (4 * n)
        return (b - c - n * d) ** 2 <= z * z * n * (2 * q + d * (1 - d))

    low, high = max(table.difference, -1.0), 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if inside(middle) else (low, middle)
    return high


def newcombe_paired(table: PairedTable, level: float = 0.95) -> tuple[float, float]:
    """Interval of the difference of two paired proportions from their Wilson limits (Newcombe 1998b, method 10)."""
    n = table.n
    if not n:
        return math.nan, math.nan
    yes, no = (table.both + table.first, table.both + table.second), (table.second, table.first)
    (p1, p2), (l1, u1), (l2, u2) = table.rates, wilson(yes[0], n, level), wilson(yes[1], n, level)
    product = yes[0] * yes[1] * (no[0] + table.neither) * (no[1] + table.neither)
    cross = float(table.both * table.neither - table.first * table.second)
    cross = max(cross - n / 2, 0.0) if cross > 0 else cross
    phi = cross / math.sqrt(product) if product else 0.0

    def reach(a: float, b: float) -> float:
        return math.sqrt(max(a * a - 2 * phi * a * b + b * b, 0.0))

    return p1 - p2 - reach(p1 - l1, u2 - p2), p1 - p2 + reach(u1 - p1, p2 - l2)


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """Difference of two paired proportions: Tango's interval, McNemar's mid-p (exact below 10 rows that differ)."""

    table: PairedTable

    @property
    def _how(self) -> How:
        return "mid-p" if self.table.first + self.table.second >= 10 else "exact"

    @property
    def method(self) -> str:
        """Name."""
        return f"McNemar {self._how}, Tango"

    @property
    def state(self) -> State:
        """Undefined without rows; degenerate when the two never differ."""
        if not self.table.n:
            return "undefined"
        return "ok" if self.table.first + self.table.second else "degenerate"

    @property
    def p(self) -> float:
        """Two-sided."""
        return mcnemar(self.table, self._how).p

    def interval(self, level: float) -> tuple[float, float]:
        """Tango's."""
        return tango(self.table, level)


def cochran_q(right: Any) -> PValue:
    """Cochran's Q: do k classifiers say yes equally often on the same rows? (Cochran 1950).

    Parameters
    ----------
    right : array-like of bool, shape (n, k)
        Entry [i, j]: whether classifier j is right on row i. Rows must be independent.
    """
    hits = np.asarray(right)
    if hits.ndim != 2 or hits.shape[1] < 2 or not np.isin(hits, (0, 1)).all():
        raise ShapeError("right", f"{hits.dtype} of shape {hits.shape}", "yes or no, shape (n, k) with k >= 2")
    k, columns, rows = hits.shape[1], hits.sum(axis=0, dtype=float), hits.sum(axis=1, dtype=float)
    spread = float(k * rows.sum() - rows @ rows)
    q = float((k - 1) * (k * columns @ columns - columns.sum() ** 2) / spread) if spread else 0.0
    return PValue(_chi2_tail(q, k - 1), "Cochran Q", q, k - 1)


# --- what every row adds to a figure --------------------------------------------------------------------------------


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
    >>> from cutline.evidence.paired import delong_test
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


@dataclass(frozen=True, slots=True)
class TwoAreas:
    """Difference of two ROC AUCs of different rows, from the interval of each (Zou & Donner 2008, as Newcombe's).

    For small classes, where an AUC near 1 is too skewed for t: the limits of each are on the logit scale, with t,
    exact for perfect separation. p is 1 minus the level at which the interval reaches 0.
    """

    first: LogitAuc
    second: LogitAuc

    @classmethod
    def of(cls, first: Influence, second: Influence) -> TwoAreas:
        """From what the rows add to each."""
        return cls(*(LogitAuc(one.value, one.variance, one.units[0], one.units[1]) for one in (first, second)))

    @property
    def method(self) -> str:
        """Name."""
        return "logit DeLong, square-and-add"

    @property
    def state(self) -> State:
        """That of the worse; perfect separation on one side is no obstacle."""
        states: set[State] = {self.first.state, self.second.state}
        if "undefined" in states:
            return "undefined"
        if "insufficient" in states:
            return "insufficient"
        return "degenerate" if states == {"degenerate"} else "ok"

    @property
    def p(self) -> float:
        """Two-sided."""
        if self.state != "ok":
            return 1.0
        low, high = 1e-15, 1.0
        for _ in range(60):
            p = (low + high) / 2
            below, above = self.interval(1 - p)
            low, high = (p, high) if below <= 0 <= above else (low, p)
        return high

    def interval(self, level: float) -> tuple[float, float]:
        """Square-and-add."""
        a, b = self.first.value, self.second.value
        (l1, u1), (l2, u2) = _with_t(self.first, level), _with_t(self.second, level)
        return a - b - math.hypot(a - l1, u2 - b), a - b + math.hypot(u1 - a, b - l2)


def _with_t(area: LogitAuc, level: float) -> tuple[float, float]:
    """Limits with the quantile of t for the rows of the smaller class, in place of the normal one."""
    from scipy.special import ndtr, stdtrit

    t = float(stdtrit(max(min(area.n_pos, area.n_neg) - 1, 1), (1 + level) / 2))
    return area.interval(min(2 * float(ndtr(t)) - 1, 1 - 1e-15))


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


def welch(value: float, spreads: list[tuple[float, float]], method: str, reach: tuple[float, float]) -> Studentized:
    """T of a figure whose variance is a sum of independent ones, given with their degrees of freedom.

    Satterthwaite 1946: (sum v)^2 / sum (v^2 / df).
    """
    total = math.fsum(v for v, _ in spreads)
    below = math.fsum(v * v / df for v, df in spreads if df > 0)
    df = total**2 / below if below > 0 else min(df for _, df in spreads)
    return Studentized(value, math.sqrt(total), df, method, *reach)


# --- two binary tests: the figures of diagnosis ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PairedTest(Shown):
    """One figure of two binary tests on the same rows and the chi-squared test (df 1) that it is the same."""

    first: float
    second: float
    statistic: float
    method: str

    @property
    def difference(self) -> float:
        """First minus second."""
        return self.first - self.second

    @property
    def p(self) -> float:
        """1 where nothing can be tested."""
        return _chi2_tail(self.statistic, 1)


@dataclass(frozen=True, slots=True)
class PairedRatio(Shown):
    """Ratio first / second of one figure of two binary tests, log-normal."""

    first: float
    second: float
    error: float
    """Standard error of the logarithm of the ratio."""
    method: str

    @property
    def ratio(self) -> float:
        """First over second."""
        return self.first / self.second if self.second else math.nan

    @property
    def _log(self) -> Studentized:
        log = math.log(self.ratio) if 0 < self.ratio < math.inf else math.nan
        return Studentized(log, self.error, math.inf, self.method)

    @property
    def statistic(self) -> float:
        """Log ratio over its standard error."""
        return self._log.statistic

    @property
    def p(self) -> float:
        """Two-sided; 1 where nothing can be tested."""
        return self._log.p

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Limits of the ratio."""
        low, high = self._log.interval(level)
        return math.exp(low), math.exp(high)


@dataclass(frozen=True, slots=True)
class TwoTests(Shown):
    """Two binary tests, or two classifiers at their cuts, on the same rows: every figure of diagnosis compared.

    Parameters
    ----------
    diseased, healthy : PairedTable
        How often both, one or none flag the rows of the positive and of the negative class. Rows must be independent.

    Examples
    --------
    >>> from cutline.evidence.paired import PairedTable, TwoTests
    >>> tests = TwoTests(PairedTable(319, 109, 22, 44), PairedTable(31, 78, 22, 546))
    >>> found = tests.ppv()
    >>> round(found.first, 3), round(found.second, 3), round(found.statistic, 2)
    (0.797, 0.865, 15.07)
    """

    diseased: PairedTable
    healthy: PairedTable

    @classmethod
    def of(cls, y_true: Any, first: Any, second: Any) -> TwoTests:
        """Of three boolean arrays of shape (n,): truth, and which rows either flags."""
        y, a, b = (np.asarray(each, dtype=bool) for each in (y_true, first, second))
        if not y.shape == a.shape == b.shape:
            raise ShapeError("first", f"shapes {y.shape}, {a.shape} and {b.shape}", "three arrays of shape (n,)")
        return cls(PairedTable.of(a[y], b[y]), PairedTable.of(a[~y], b[~y]))

    def sensitivity(self) -> PairedTest:
        """McNemar among the diseased; `mcnemar` gives its exact p, `tango` the interval of the difference."""
        return PairedTest(*self.diseased.rates, mcnemar(self.diseased, "chi2").statistic, "McNemar")

    def specificity(self) -> PairedTest:
        """McNemar among the healthy."""
        first, second = (1 - rate for rate in self.healthy.rates)
        return PairedTest(first, second, mcnemar(self.healthy, "chi2").statistic, "McNemar")

    def ppv(self, *, weighted: bool = False) -> PairedTest:
        """Positive predictive values: generalised score (Leisenring, Alonzo & Pepe 2000) or its weighted form.

        The weighted form (Kosinski 2013) always agrees in sign with the difference.
        """
        return self._predictive(True, weighted)

    def npv(self, *, weighted: bool = False) -> PairedTest:
        """Negative predictive values, in the same way."""
        return self._predictive(False, weighted)

    def positive_likelihood_ratio(self) -> PairedRatio:
        """Ratio of the two sensitivity / (1 - specificity) (Gu & Pepe 2009)."""
        values = [_ratio(se, fp) for se, fp in zip(self.diseased.rates, self.healthy.rates, strict=True)]
        error = math.sqrt(_log_variance(self.diseased) + _log_variance(self.healthy))
        return PairedRatio(values[0], values[1], error, "likelihood ratio regression")

    def negative_likelihood_ratio(self) -> PairedRatio:
        """Ratio of the two (1 - sensitivity) / specificity (Gu & Pepe 2009)."""
        values = [_ratio(1 - se, 1 - fp) for se, fp in zip(self.diseased.rates, self.healthy.rates, strict=True)]
        error = math.sqrt(_log_variance(_negated(self.diseased)) + _log_variance(_negated(self.healthy)))
        return PairedRatio(values[0], values[1], error, "likelihood ratio regression")

    def relative_ppv(self) -> PairedRatio:
        """Ratio of the two positive predictive values, delta method (Moskowitz & Pepe 2006)."""
        return self._relative(True)

    def relative_npv(self) -> PairedRatio:
        """Ratio of the two negative predictive values."""
        return self._relative(False)

    def _cells(self, flagged: bool) -> tuple[NDArray[np.float64], ...]:
        """Rows by cell: right or not, said so by the first, by the second, and how many."""
        sick, well = self.diseased, self.healthy
        right, wrong = (sick, well) if flagged else (_negated(well), _negated(sick))
        cells = [(d, *said, n) for d, t in ((1, right), (0, wrong)) for said, n in _said(t)]
        return tuple(np.array(cells, dtype=np.float64).T)

    def _predictive(self, flagged: bool, weighted: bool) -> PairedTest:
        right, one, two, n = self._cells(flagged)
        n1, n2 = float(n @ one), float(n @ two)
        first, second = _ratio(n @ (right * one), n1), _ratio(n @ (right * two), n2)
        pooled = _ratio(n @ (right * (one + two)), n1 + n2)
        if weighted:
            common = _ratio(n @ (np.square(right - pooled) * one * two), n1 + n2)
            spread = (pooled * (1 - pooled) - 2 * common) * (_ratio(1, n1) + _ratio(1, n2))
            return PairedTest(first, second, _ratio((first - second) ** 2, spread), "weighted generalised score")
        share = _ratio(n2, n1 + n2)
        score = (right - pooled) * (two * (1 - share) - one * share)
        return PairedTest(first, second, _ratio(float(n @ score) ** 2, n @ np.square(score)), "generalised score")

    def _relative(self, flagged: bool) -> PairedRatio:
        right, one, two, n = self._cells(flagged)
        first, second = (_ratio(n @ (right * said), n @ said) for said in (one, two))
        shares = [
            said * (right - value) / (float(n @ (right * said)) or math.nan)
            for said, value in ((one, first), (two, second))
        ]
        return PairedRatio(first, second, math.sqrt(n @ np.square(shares[0] - shares[1])), "delta")


def _said(table: PairedTable) -> tuple[tuple[tuple[int, int], int], ...]:
    return ((1, 1), table.both), ((1, 0), table.first), ((0, 1), table.second), ((0, 0), table.neither)


def _negated(table: PairedTable) -> PairedTable:
    """Of no in place of yes."""
    return PairedTable(table.neither, table.second, table.first, table.both)


def _log_variance(table: PairedTable) -> float:
    """Variance of the log ratio of two paired proportions."""
    return _ratio(table.first + table.second, (table.both + table.first) * (table.both + table.second))


def _ratio(a: Any, b: Any) -> float:
    return float(a) / float(b) if b else math.nan
