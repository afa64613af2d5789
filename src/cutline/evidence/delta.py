"""Intervals by linearisation: what a row adds to a figure of a confusion matrix, and ratios on the log scale."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cutline.evidence.intervals import State, logit_limits
from cutline.evidence.proportions import score_limits, t_of, z_of
from cutline.metrics import Counts, Metric

STEP = 1e-3
"""Relative step of the differences; the error of the rule of four points is of order STEP^4."""
Scale = Literal["plain", "logit", "log", "fisher"]


def of_cells(metric: Metric, matrix: NDArray[Any]) -> Any:
    """A metric of confusion matrices of shape (..., k, k), or of (..., 2, 2) when it is of counts alone.

    Of two classes the second is the positive one.
    """
    if metric.of_matrix and not (metric.of_counts and matrix.shape[-1] == 2):
        return metric.value(matrix)
    (tn, fp), (fn, tp) = np.moveaxis(matrix, (-2, -1), (0, 1))
    return metric.value(Counts(tp, fp, fn, tn))


def influence(metric: Metric, matrix: NDArray[Any]) -> NDArray[np.float64]:
    """What one more row in a cell adds to the metric, times the number of rows: shape (k, k), 0 in empty cells.

    Derivatives by the share of each cell, from differences of four points; their mean over the rows is 0.
    """
    share = np.asarray(matrix, np.float64)
    total = share.sum()
    share = share / total
    seen = np.argwhere(share > 0)
    moved = np.repeat(share[None], 4 * len(seen), axis=0).reshape(4, len(seen), *share.shape)
    for part, step in zip(moved, (STEP, -STEP, 2 * STEP, -2 * STEP), strict=True):
        part[np.arange(len(seen)), seen[:, 0], seen[:, 1]] *= 1 + step
    up, down, up2, down2 = np.asarray(of_cells(metric, moved), np.float64)
    with np.errstate(invalid="ignore"):  # an infinite metric has no influence
        each = (8 * (up - down) - (up2 - down2)) / (12 * STEP)
    out = np.zeros_like(share)
    out[tuple(seen.T)] = each / share[tuple(seen.T)]
    out -= (out * share).sum()
    return np.where(share > 0, out, 0.0)


def delta_interval(metric: Metric, matrix: NDArray[Any], squares: NDArray[Any] | None = None) -> Linear:
    """Multinomial delta method for any smooth metric of a confusion matrix.

    Of kappa and its weighted forms this is the standard error of Fleiss, Cohen & Everitt (1969); of micro and macro
    averaged precision, recall and F1 that of Takahashi, Yamamoto, Kuchiba & Koyama (2022).

    Parameters
    ----------
    metric : Metric
        Of a confusion matrix, or of counts (then k = 2 and the second class is the positive one).
    matrix : ndarray, shape (k, k)
        Counts or sums of weights, truth in rows.
    squares : ndarray, shape (k, k), optional
        Sums of squared weights.

    Examples
    --------
    >>> import numpy as np, cutline as cl
    >>> from cutline.evidence.delta import delta_interval
    >>> found = delta_interval(cl.cohen_kappa, np.array([[44, 7, 9], [5, 20, 5], [1, 3, 6]]))
    >>> round(found.error, 5), tuple(round(x, 4) for x in found.interval(0.95))
    (0.07213, (0.3502, 0.6329))
    """
    value = float(of_cells(metric, np.asarray(matrix, np.float64)))
    if math.isnan(value):
        return Linear(value, math.nan, "delta method", *metric.range)
    square = np.asarray(matrix if squares is None else squares, np.float64)
    variance = (square * np.square(influence(metric, matrix))).sum() / np.asarray(matrix).sum() ** 2
    return Linear(value, math.sqrt(variance), "delta method", *metric.range)


@dataclass(frozen=True, slots=True)
class Linear:
    """A figure with its standard error: normal, or t with `df` degrees of freedom."""

    value: float
    error: float
    method: str
    low: float = -math.inf
    high: float = math.inf
    scale: Scale = "plain"
    df: float = math.inf

    @property
    def state(self) -> State:
        """Degenerate without spread, insufficient below one degree of freedom."""
        if math.isnan(self.value):
            return "undefined"
        if math.isnan(self.error) or self.df < 1:
            return "insufficient"
        # What is left of equal numbers after rounding is no spread.
        return "ok" if self.error > 1e-9 else "degenerate"

    def interval(self, level: float) -> tuple[float, float]:
        """Symmetric on the scale, kept inside the range of the metric; nan unless the state is ok."""
        t = t_of(level, self.df)
        if self.state != "ok":
            return math.nan, math.nan
        low, high = scaled_limits(self.value, t * self.error, self.scale)
        return max(low, self.low), min(high, self.high)


def scaled_limits(value: float, half: float, scale: Scale) -> tuple[float, float]:
    """``value +- half`` where `half` belongs to the plain scale but the limits are symmetric on another one."""
    if scale == "logit" and 0 < value < 1:
        return logit_limits(value, half)
    if scale == "fisher" and -1 < value < 1:
        centre, width = math.atanh(value), half / (1 - value * value)
        return math.tanh(centre - width), math.tanh(centre + width)
    if scale == "log" and value > 0:
        width = min(half / value, 700.0)
        return value * math.exp(-width), value * math.exp(width)
    return value - half, value + half


@dataclass(frozen=True, slots=True)
class RatioOfRates:
    """The ratio of two independent proportions, or of their odds: log-normal (Simel, Samsa & Matchar 1991).

    LR+ is recall over the false positive rate, LR- the false negative rate over specificity; the diagnostic odds ratio
    is the ratio of the odds of recall and false positive rate (Woolf 1955; Glas et al. 2003). Beside an empty cell the
    log has no variance: then one limit is 0 or infinite and the other rests on a one-sided score limit of each rate, at
    the root of the level, because the two are independent. Nothing is added to the cells.
    """

    above: tuple[float, float]
    """Successes and trials of the numerator; effective numbers of weighted rows."""
    below: tuple[float, float]
    odds: bool = False

    @property
    def value(self) -> float:
        """The ratio; infinite with 0 below, nan when 0/0."""
        if not (self.above[1] and self.below[1]):
            return math.nan
        a, b = (_odds(k / n) if self.odds else k / n for k, n in (self.above, self.below))
        if a == b and (a == 0 or math.isinf(a)):
            return math.nan
        return math.inf if b == 0 else a / b

    @property
    def method(self) -> str:
        """Name."""
        return "log-normal" if 0 < self.value < math.inf else "one-sided, empty cell"

    @property
    def state(self) -> State:
        """Undefined for 0/0 and without rows of a class; insufficient below five rows of one; degenerate at 1/1."""
        if not (self.above[1] and self.below[1]) or math.isnan(self.value):
            return "undefined"
        if min(self.above[1], self.below[1]) < 5:
            return "insufficient"
        return "degenerate" if self.value == 1 and self.above[0] == self.above[1] else "ok"

    def interval(self, level: float) -> tuple[float, float]:
        """Interval in [0, inf]."""
        if self.state == "undefined":
            return math.nan, math.nan
        if not 0 < self.value < math.inf:
            (low1, high1), (low0, high0) = (_one_sided(k, n, level) for k, n in (self.above, self.below))
            if self.value == 0:
                return 0.0, _divide(self._rate(high1), self._rate(low0))
            return _divide(self._rate(low1), self._rate(high0)), math.inf
        half = z_of(level) * math.sqrt(sum(self._variance(k, n) for k, n in (self.above, self.below)))
        half = min(half, 700.0)
        return self.value * math.exp(-half), self.value * math.exp(half)

    def _variance(self, k: float, n: float) -> float:
        return 1 / k + 1 / (n - k) if self.odds else 1 / k - 1 / n

    def _rate(self, p: float) -> float:
        return _odds(p) if self.odds else p


def _one_sided(k: float, n: float, level: float) -> tuple[float, float]:
    """Lower and upper score limit of a proportion, each alone at the root of the level."""
    return score_limits(k, n, z_of(2 * math.sqrt(level) - 1) if level > 0.25 else 0.0)


def _odds(p: float) -> float:
    return math.inf if p >= 1 else p / (1 - p)


def _divide(a: float, b: float) -> float:
    return math.inf if b == 0 or math.isinf(a) else a / b


@dataclass(frozen=True, slots=True)
class AtPrevalence:
    """Predictive value at another prevalence: a likelihood ratio times prior odds (Mercaldo, Lau & Zhou 2007).

    The logit of a predictive value is the log of the ratio plus that of the odds, so that their logit delta interval on
    recall and specificity is the log-normal one of the ratio, mapped. Both rates are taken to carry over.
    """

    ratio: RatioOfRates
    odds: float

    @property
    def method(self) -> str:
        """Name."""
        return "logit delta" if self.ratio.method == "log-normal" else self.ratio.method

    @property
    def state(self) -> State:
        """That of the ratio; degenerate where the prevalence alone decides."""
        return self.ratio.state if 0 < self.odds < math.inf else "degenerate"

    def interval(self, level: float) -> tuple[float, float]:
        """Interval in [0, 1]."""
        low, high = self.ratio.interval(level)
        return self._probability(low), self._probability(high)

    def _probability(self, ratio: float) -> float:
        if math.isnan(ratio):
            return math.nan
        if self.odds in (0, math.inf):
            return float(self.odds > 0)
        return 1.0 if math.isinf(ratio) else ratio * self.odds / (1 + ratio * self.odds)


def ratio_ingredients(metric: Metric, counts: Counts) -> RatioOfRates | AtPrevalence | None:
    """Ingredients of a likelihood ratio, an odds ratio or a predictive value at a prevalence; None for other metrics.

    `counts` are rows, or effective ones: each class by its own effective number.
    """
    positives, negatives = float(counts.positives), float(counts.negatives)
    if not positives or not negatives:
        return None
    tp, fp, fn, tn = ((float(k), n) for k, n in _by_class(counts, positives, negatives))
    made = {
        "positive_likelihood_ratio": RatioOfRates(tp, fp),
        "negative_likelihood_ratio": RatioOfRates(fn, tn),
        "diagnostic_odds_ratio": RatioOfRates(tp, fp, odds=True),
    }
    if metric.name in made:
        return made[metric.name]
    kind, _, share = metric.name.rpartition("_at_prevalence_")
    if kind == "precision":
        return AtPrevalence(RatioOfRates(tp, fp), _odds(float(share)))
    if kind == "npv":
        return AtPrevalence(RatioOfRates(tn, fn), _odds(1 - float(share)))
    return None


def _by_class(counts: Counts, positives: float, negatives: float) -> Any:
    return (counts.tp, positives), (counts.fp, negatives), (counts.fn, positives), (counts.tn, negatives)
