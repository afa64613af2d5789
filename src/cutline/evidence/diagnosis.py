"""Two binary tests on the same rows: every figure of diagnosis compared."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline.errors import ShapeError
from cutline.evidence.paired import PairedTable, chi2_tail, mcnemar
from cutline.evidence.studentized import Studentized
from cutline.labels import Shown


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
        return chi2_tail(self.statistic, 1)


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
    >>> from cutline.evidence.diagnosis import TwoTests
    >>> from cutline.evidence.paired import PairedTable
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
