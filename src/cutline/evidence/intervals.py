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

from cutline.evidence.proportions import ProportionMethod, proportion_interval, t_of
from cutline.evidence.proportions import clopper_pearson as clopper_pearson
from cutline.evidence.proportions import wilson as wilson
from cutline.evidence.proportions import z_of as z_of
from cutline.metrics import Counts, Metric

State = Literal["ok", "undefined", "degenerate", "insufficient"]
"""ok; 0/0; no spread to estimate an error from; too few rows to say anything at this level."""

DRAWS = 4000
"""Posterior draws for composite count metrics: the error of a 95 % limit is then about 1 % of the interval's width."""

BORROWED = 2
"""Rows of the smaller class whose share in the variance of an AUC is taken from its value alone."""


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


NAMES = {
    "wilson": "Wilson",
    "wilson-cc": "Wilson, continuity corrected",
    "clopper-pearson": "Clopper-Pearson",
    "mid-p": "Clopper-Pearson, mid-p",
    "jeffreys": "Jeffreys",
    "agresti-coull": "Agresti-Coull",
    "blaker": "Blaker",
    "minlike": "inverted exact test",
    "wald": "Wald, for comparison only",
}


@dataclass(frozen=True, slots=True)
class Proportion:
    """k of n rows: Wilson, or another method by name. Weighted rows enter with their effective number."""

    k: float
    n: float
    weighted: bool = False
    how: ProportionMethod = "wilson"

    @property
    def method(self) -> str:
        """Its name, on effective rows when weighted."""
        return NAMES[self.how] + (", effective n" if self.weighted else "")

    @property
    def state(self) -> State:
        """Undefined without rows."""
        return "ok" if self.n > 0 else "undefined"

    def interval(self, level: float) -> tuple[float, float]:
        """Interval in [0, 1]."""
        return proportion_interval(min(self.k, self.n), self.n, self.how, level)


@dataclass(frozen=True, slots=True)
class Scaled:
    """``factor x + offset`` of a figure x with an interval, factor > 0; Gini is 2 AUC - 1."""

    of: Ingredients
    factor: float
    offset: float

    @property
    def method(self) -> str:
        """That of x."""
        return self.of.method

    @property
    def state(self) -> State:
        """That of x."""
        return self.of.state

    def interval(self, level: float) -> tuple[float, float]:
        """The limits of x, mapped."""
        low, high = self.of.interval(level)
        return self.factor * low + self.offset, self.factor * high + self.offset


@dataclass(frozen=True, slots=True)
class F1FromJaccard:
    """F1 = 2J / (1 + J), and J = tp / (tp + fp + fn) is one proportion: Wilson on J, mapped (monotone)."""

    jaccard: Ingredients

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

    DeLong, DeLong & Clarke-Pearson 1988; Sun & Xu 2014. With few rows of a class that variance hangs on one or two rows
    (0.86 coverage of 0.95 with 10 positives and an AUC of 0.95); the limits take it as if two more rows of the smaller
    class had the variance of Hanley & McNeil (1982), which depends on the AUC alone. With AUC 1,
    min(n1, n0) disjoint pairs are independent, hence the lower limit alpha^(1/min(n1, n0)).
    """

    value: float
    variance: float
    n_pos: float
    n_neg: float
    scale: Literal["logit", "wald"] = "logit"
    """"wald" is symmetric about the area itself, as other software has it; it covers too little near 1."""

    @property
    def method(self) -> str:
        """Name."""
        if not 0 < self.value < 1:
            return "exact, disjoint pairs"
        return "logit DeLong" if self.scale == "logit" else "Wald DeLong"

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
        error = math.sqrt(self.variance)
        if self.scale == "wald":
            half = z_of(level) * error
            return max(self.value - half, 0.0), min(self.value + half, 1.0)
        if self.variance == 0:
            return self.value, self.value
        share = BORROWED / (BORROWED + min(self.n_pos, self.n_neg))
        steadied = (1 - share) * self.variance + share * self._by_area()
        return logit_limits(self.value, z_of(level) * math.sqrt(steadied))

    def _by_area(self) -> float:
        """Variance by Hanley & McNeil: of exponential scores with this area."""
        a, n1, n0 = self.value, self.n_pos, self.n_neg
        above, below = a / (2 - a) - a * a, 2 * a * a / (1 + a) - a * a
        return (a * (1 - a) + (n1 - 1) * above + (n0 - 1) * below) / (n1 * n0)


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
        return logit_limits(self.value, z_of(level) * math.sqrt(self.value * (1 - self.value) / self.n))


@dataclass(frozen=True, slots=True)
class Mean:
    """The mean of one number a row: Student's t, corrected for the skewness of the rows (Hall 1992).

    A few rows carry most of a log loss: the plain interval ends too early on the side of the long tail.
    """

    value: float
    error: float
    n: float
    low: float = -math.inf
    high: float = math.inf
    skewness: float = 0.0
    enough: bool = True
    """False when a class has so few rows that their losses are a guess."""

    @property
    def method(self) -> str:
        """Name."""
        return "t, corrected for skewness" if self.skewness else "t"

    @property
    def state(self) -> State:
        """Insufficient with one row or hardly any of a class; degenerate without spread."""
        if self.n <= 1 or not self.enough:
            return "insufficient"
        return "degenerate" if self.error == 0 else "ok"

    def interval(self, level: float) -> tuple[float, float]:
        """Interval inside the range of the metric."""
        if self.n <= 1:
            return math.nan, math.nan
        t = t_of(level, self.n - 1)
        low, high = (self.value - self._corrected(side) * self.error for side in (t, -t))
        return max(low, self.low), min(high, self.high)

    def _corrected(self, t: float) -> float:
        """The quantile of the t ratio itself, from that of Hall's monotone transformation of it."""
        a = self.skewness / (3 * math.sqrt(self.n))
        # Below 1e-4 the correction is lost in rounding, and far below the width of any interval.
        return t if abs(a) < 1e-4 else (float(np.cbrt(1 + 3 * a * (t - a / 2))) - 1) / a


@dataclass(frozen=True, slots=True, eq=False)
class Replicates:
    """Bootstrap replicates and the interval they give. Undefined replicates are left out.

    Attributes
    ----------
    values : ndarray, shape (replicates,)
    how : str
        How rows were drawn, for people.
    kind : {"percentile", "basic", "bca", "normal"}
        "bca" (Efron 1987) shifts the percentiles by the bias `z0` and the acceleration; "basic" mirrors them about the
        value; "normal" is the value less its bias, with the spread of the replicates (Davison & Hinkley 1997, 5.2-5.3).
    value : float
        The figure of the rows as they are; all kinds but the percentiles need it.
    acceleration : float
        A sixth of the skewness of the influences (`acceleration_of`).
    units : float
        Independent units (rows of the smaller class, clusters). The bootstrap knows neither n / (n - 1) nor Student's
        t; with few units percentiles are taken further out to put both back (expanded percentiles, Hesterberg 2015).
    enough : bool
        False when a class has so few rows that no draw from them tells what others would be.
    """

    values: NDArray[np.float64]
    how: str = "bootstrap"
    kind: Literal["percentile", "basic", "bca", "normal"] = "percentile"
    value: float = math.nan
    acceleration: float = 0.0
    units: float = math.inf
    enough: bool = True

    @property
    def method(self) -> str:
        """Name with the number of replicates."""
        kind = {"percentile": "", "basic": ", basic", "bca": ", BCa", "normal": ", bias-corrected normal"}[self.kind]
        if self.kind == "bca" and not math.isfinite(self.z0):
            kind = ", percentile (BCa is undefined: all replicates are on one side)"
        return f"{self.how}, {self.values.size} replicates{kind}"

    @property
    def state(self) -> State:
        """Degenerate when all replicates are equal; insufficient when a tenth or more are undefined."""
        defined = self.values[~np.isnan(self.values)]
        if defined.size <= 0.9 * self.values.size or self.units < 2 or not self.enough:
            return "insufficient"
        return "ok" if defined.min() < defined.max() else "degenerate"

    @property
    def z0(self) -> float:
        """Bias on the normal scale: the quantile that the share of replicates below the value stands for."""
        from scipy.special import ndtri

        defined = self.values[~np.isnan(self.values)]
        return float(ndtri(np.mean(defined < self.value))) if defined.size else math.nan

    def interval(self, level: float) -> tuple[float, float]:
        """Limits of the kind."""
        z = z_of(level)
        defined = self.values[~np.isnan(self.values)]
        if not defined.size or self.units < 2:
            return math.nan, math.nan
        if self.kind == "normal":
            centre = 2 * self.value - float(defined.mean())
            half = z * float(defined.std(ddof=1)) if defined.size > 1 else math.nan
            return centre - half, centre + half
        low, high = ordered(defined, self._shares(z))
        return (2 * self.value - high, 2 * self.value - low) if self.kind == "basic" else (low, high)

    def _shares(self, z: float) -> tuple[float, float]:
        from scipy.special import ndtr, stdtrit

        if self.units < 1000:  # beyond that the factor is below 1.002
            z = math.sqrt(self.units / (self.units - 1)) * float(stdtrit(self.units - 1, ndtr(z)))
        z0 = self.z0 if self.kind == "bca" else 0.0
        if self.kind != "bca" or not math.isfinite(z0):
            return float(ndtr(-z)), float(ndtr(z))

        def share(at: float) -> float:
            # Beyond the pole of a strong acceleration there is nothing but the end.
            stretch = 1 - self.acceleration * (z0 + at)
            return float(ndtr(z0 + (z0 + at) / stretch)) if stretch > 0 else float(at > 0)

        return share(-z), share(z)


def ordered(values: NDArray[Any], shares: tuple[float, float]) -> tuple[float, float]:
    """Quantiles of replicates: the order statistics (R + 1) share, interpolated on the normal scale.

    Davison & Hinkley 1997, equation 5.8. Beyond the first and the last replicate it is these.
    """
    from scipy.special import ndtri

    values = np.sort(values)
    out = []
    for share in shares:
        rank = (values.size + 1) * share
        k = min(max(math.floor(rank + 1e-9), 1), values.size)
        found = float(values[k - 1])
        if 1 <= rank < values.size and rank - k > 1e-9 and np.isfinite(values[k - 1 : k + 1]).all():
            at, left, right = ndtri(np.array([share, k / (values.size + 1), (k + 1) / (values.size + 1)]))
            found += float((at - left) / (right - left) * (values[k] - values[k - 1]))
        out.append(found)
    return out[0], out[1]


def acceleration_of(influence: NDArray[Any]) -> float:
    """Acceleration of BCa from the influences of the rows (or groups of rows): sum L^3 / (6 (sum L^2)^1.5)."""
    centred = np.asarray(influence, np.float64) - np.mean(influence)
    square = float(centred @ centred)
    return float((centred**3).sum()) / (6 * square**1.5) if square > 0 else 0.0


def logit_limits(value: float, half: float) -> tuple[float, float]:
    """``value +- half`` on the logit scale, where `half` belongs to the plain one: it never leaves [0, 1]."""
    centre, half = math.log(value / (1 - value)), half / (value * (1 - value))
    return tuple(1 / (1 + math.exp(-min(max(x, -700.0), 700.0))) for x in (centre - half, centre + half))  # type: ignore[return-value]


def percentiles(values: NDArray[Any], level: float) -> tuple[float, float]:
    """Equal-tailed quantiles of the defined values; nan when there are none."""
    defined = values[~np.isnan(values)]
    if not defined.size:
        return math.nan, math.nan
    z_of(level)  # checks the level
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
