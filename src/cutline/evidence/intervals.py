"""Where an interval comes from: the ingredients, small and frozen, that give it at any level without the data.

Each class has ``interval(level) -> (low, high)``, ``method`` (its name for people) and ``state``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from cutline.errors import InputError
from cutline.metrics import Counts, Metric

State = Literal["ok", "undefined", "degenerate", "insufficient"]
"""ok; 0/0; no spread to estimate an error from; too few rows to say anything at this level."""

DRAWS = 4000
"""Posterior draws for composite count metrics: the error of a 95 % limit is then about 1 % of the interval's width."""


class Ingredients(Protocol):
    """What an `Estimate` carries to compute its interval."""

    @property
    def method(self) -> str:
        """Name of the method, for people."""

    @property
    def state(self) -> State:
        """Whether the interval can be trusted."""

    def interval(self, level: float) -> tuple[float, float]:
        """Two-sided interval at a confidence level such as 0.95."""


def z_of(level: float) -> float:
    """Two-sided normal quantile: 1.96 for 0.95."""
    if not 0 < level < 1:
        raise InputError("confidence", repr(level), "a level between 0 and 1, such as 0.95")
    from scipy.special import ndtri

    return float(ndtri((1 + level) / 2))


def wilson(k: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """Wilson score interval of a proportion k/n (Wilson 1927; Brown, Cai & DasGupta 2001).

    Parameters
    ----------
    k, n : float
        Successes and trials; not whole for effective numbers of weighted rows.
    level : float
        Confidence, two-sided.

    Examples
    --------
    >>> from cutline.evidence import wilson
    >>> low, high = wilson(7, 23)
    >>> round(low, 4), round(high, 4)
    (0.156, 0.5087)
    """
    if n <= 0:
        return math.nan, math.nan
    z = z_of(level)
    p, shrink = k / n, 1 + z * z / n
    centre = (p + z * z / (2 * n)) / shrink
    half = z / shrink * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    # At k = 0 and k = n the limits are 0 and 1 exactly; rounding must not move them inside.
    return (0.0 if k <= 0 else max(centre - half, 0.0)), (1.0 if k >= n else min(centre + half, 1.0))


def clopper_pearson(
    k: int, n: int, level: float = 0.95, side: Literal["both", "lower", "upper"] = "both"
) -> tuple[float, float]:
    """Exact binomial limits of k/n (Clopper & Pearson 1934), two-sided or one-sided; for claims."""
    z_of(level)  # checks the level
    if n <= 0:
        return math.nan, math.nan
    from scipy.special import betaincinv

    tail = (1 - level) / (2 if side == "both" else 1)
    low = float(betaincinv(k, n - k + 1, tail)) if k > 0 and side != "upper" else 0.0
    high = float(betaincinv(k + 1, n - k, 1 - tail)) if k < n and side != "lower" else 1.0
    return low, high


@dataclass(frozen=True, slots=True)
class Proportion:
    """k of n rows: Wilson. Weighted rows enter with their effective number."""

    k: float
    n: float
    weighted: bool = False

    @property
    def method(self) -> str:
        """Wilson, on effective rows when weighted."""
        return "Wilson, effective n" if self.weighted else "Wilson"

    @property
    def state(self) -> State:
        """Undefined without rows."""
        return "ok" if self.n > 0 else "undefined"

    def interval(self, level: float) -> tuple[float, float]:
        """Wilson interval."""
        return wilson(self.k, self.n, level)


@dataclass(frozen=True, slots=True)
class F1FromJaccard:
    """F1 = 2J / (1 + J), and J = tp / (tp + fp + fn) is one proportion: Wilson on J, mapped (monotone)."""

    jaccard: Proportion

    @property
    def method(self) -> str:
        """Name."""
        return f"{self.jaccard.method} on Jaccard"

    @property
    def state(self) -> State:
        """That of the proportion."""
        return self.jaccard.state

    def interval(self, level: float) -> tuple[float, float]:
        """Wilson limits of J, mapped."""
        low, high = self.jaccard.interval(level)
        return 2 * low / (1 + low), 2 * high / (1 + high)


@dataclass(frozen=True, slots=True)
class CellPosterior:
    """A composite count metric: quantiles over Dirichlet(counts + 1/2) draws of the four cells.

    Goutte & Gaussier 2005; Caelen 2017.
    """

    metric: Metric
    cells: tuple[float, float, float, float]
    """tp, fp, fn, tn."""
    seed: int = 0

    @property
    def method(self) -> str:
        """Name."""
        return "Dirichlet"

    @property
    def state(self) -> State:
        """Degenerate when a class has no rows: the prior would be all there is."""
        tp, fp, fn, tn = self.cells
        return "ok" if tp + fn > 0 and fp + tn > 0 else "degenerate"

    def interval(self, level: float) -> tuple[float, float]:
        """Equal-tailed quantiles."""
        if self.state != "ok":
            return math.nan, math.nan
        low, high = percentiles(self.metric.value(_posterior(self.cells, self.seed)), level)
        # At the ends of its range the value lies outside its own posterior: an interval holds its estimate.
        value = self.metric.value(Counts(*self.cells))
        return min(low, value), max(high, value)


@lru_cache(maxsize=4)
def _posterior(cells: tuple[float, float, float, float], seed: int) -> Counts:
    """Draws of the four cells: all metrics at one cut share them."""
    return Counts(*np.random.default_rng(seed).gamma(np.array(cells) + 0.5, size=(DRAWS, 4)).T)


@dataclass(frozen=True, slots=True)
class LogitAuc:
    """ROC AUC with DeLong's variance on the logit scale; one-sided exact where the classes separate perfectly.

    DeLong, DeLong & Clarke-Pearson 1988; Sun & Xu 2014. With AUC 1, min(n1, n0) disjoint pairs are independent, hence
    the lower limit alpha^(1/min(n1, n0)).
    """

    value: float
    variance: float
    n_pos: float
    n_neg: float

    @property
    def method(self) -> str:
        """Name."""
        return "logit DeLong" if 0 < self.value < 1 else "exact, disjoint pairs"

    @property
    def state(self) -> State:
        """Insufficient below two rows a class; degenerate with perfect separation or no variance."""
        if math.isnan(self.value):
            return "undefined"
        if min(self.n_pos, self.n_neg) < 2:
            return "insufficient"
        return "ok" if 0 < self.value < 1 and self.variance > 0 else "degenerate"

    def interval(self, level: float) -> tuple[float, float]:
        """Interval in [0, 1]."""
        if self.state in ("undefined", "insufficient"):
            return math.nan, math.nan
        if not 0 < self.value < 1:
            limit = (1 - level) ** (1 / min(self.n_pos, self.n_neg))
            return (limit, 1.0) if self.value == 1 else (0.0, 1 - limit)
        return logit_normal(self.value, math.sqrt(self.variance), level)


@dataclass(frozen=True, slots=True)
class LogitProportion:
    """Average precision as if it were a proportion over the positives, on the logit scale (Boyd, Eng & Page 2013)."""

    value: float
    n: float

    @property
    def method(self) -> str:
        """Name."""
        return "logit, n positives"

    @property
    def state(self) -> State:
        """Degenerate at 0 or 1, insufficient below 2 positives."""
        if math.isnan(self.value):
            return "undefined"
        return "insufficient" if self.n < 2 else "ok" if 0 < self.value < 1 else "degenerate"

    def interval(self, level: float) -> tuple[float, float]:
        """Interval in [0, 1]."""
        if self.state != "ok":
            return math.nan, math.nan
        return logit_normal(self.value, math.sqrt(self.value * (1 - self.value) / self.n), level)


@dataclass(frozen=True, slots=True)
class Mean:
    """The mean of one number a row: Student's t."""

    value: float
    error: float
    n: float
    low: float = -math.inf
    high: float = math.inf
    method: str = "t"

    @property
    def state(self) -> State:
        """Insufficient with one row; degenerate without spread."""
        return "insufficient" if self.n <= 1 else "degenerate" if self.error == 0 else "ok"

    def interval(self, level: float) -> tuple[float, float]:
        """Symmetric interval, kept inside the range of the metric."""
        if self.n <= 1:
            return math.nan, math.nan
        from scipy.special import stdtrit

        half = float(stdtrit(self.n - 1, (1 + level) / 2)) * self.error
        return max(self.value - half, self.low), min(self.value + half, self.high)


@dataclass(frozen=True, slots=True, eq=False)
class Replicates:
    """Bootstrap replicates: percentile interval. Undefined replicates are left out."""

    values: NDArray[np.float64]
    how: str = "bootstrap"

    @property
    def method(self) -> str:
        """Name with the number of replicates."""
        return f"{self.how}, {self.values.size} replicates"

    @property
    def state(self) -> State:
        """Degenerate when all replicates are equal; insufficient when a tenth or more are undefined."""
        defined = self.values[~np.isnan(self.values)]
        if defined.size <= 0.9 * self.values.size:
            return "insufficient"
        return "ok" if defined.min() < defined.max() else "degenerate"

    def interval(self, level: float) -> tuple[float, float]:
        """Percentile interval."""
        return percentiles(self.values, level)


def logit_normal(value: float, error: float, level: float) -> tuple[float, float]:
    """Wald interval of logit(value), mapped back: it never leaves [0, 1]."""
    centre = math.log(value / (1 - value))
    half = z_of(level) * error / (value * (1 - value))
    return tuple(1 / (1 + math.exp(-min(max(x, -700.0), 700.0))) for x in (centre - half, centre + half))  # type: ignore[return-value]


def percentiles(values: NDArray[Any], level: float) -> tuple[float, float]:
    """Equal-tailed quantiles of the defined values; nan when there are none."""
    defined = values[~np.isnan(values)]
    if not defined.size:
        return math.nan, math.nan
    z_of(level)  # checks the level
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
