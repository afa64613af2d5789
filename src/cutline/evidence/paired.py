"""Two classifiers on the same rows: how often both, one or none say yes.

Without spread nothing is tested: the state is degenerate and p is 1, never nan.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from cutline.errors import InputError, ShapeError, UnknownName
from cutline.evidence.intervals import State, clopper_pearson, wilson, z_of
from cutline.labels import Shown

How = Literal["mid-p", "exact", "chi2", "chi2_cc"]


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
        return PValue(chi2_tail(statistic, 1), f"McNemar {how}", statistic, 1)
    from scipy.special import bdtr

    at_most = float(bdtr(few, n, 0.5)) if n else 1.0
    below = float(bdtr(few - 1, n, 0.5)) if few else 0.0
    return PValue(min(2 * at_most if how == "exact" else at_most + below, 1.0), f"McNemar {how}")


def chi2_tail(statistic: float, df: float) -> float:
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
    return PValue(chi2_tail(q, k - 1), "Cochran Q", q, k - 1)
