"""Errors of figures of the order, from the table of all thresholds: ties are groups and need no second sort."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cutline.core import Ranking
from cutline.evidence.delta import Linear
from cutline.evidence.intervals import LogitAuc, State
from cutline.evidence.proportions import z_of
from cutline.metrics import ThresholdTable
from cutline.metrics.pairwise import ClassOrder


def delong(table: ThresholdTable) -> LogitAuc:
    """ROC AUC with DeLong's variance (DeLong, DeLong & Clarke-Pearson 1988).

    The placement of a positive is the share of negatives below it, ties half; of a negative, the share of positives
    above it. The variance is the sum over both classes of the placements' sample variance over the class size.
    With weights: weighted placements and a sandwich of sum w^2.
    """
    return delong_of(table.ranking())


def delong_of(r: Ranking) -> LogitAuc:
    """`delong` of a ranking."""
    auc = r.right / (r.right + r.wrong) if r.right + r.wrong else math.nan
    if min(r.rows_positive, r.rows_negative) < 2:
        return LogitAuc(auc, math.nan, r.rows_positive, r.rows_negative)
    variance, effective = 0.0, []
    for total, square, spread in (
        (r.positives, r.square_positives, r.spread_positive),
        (r.negatives, r.square_negatives, r.spread_negative),
    ):
        n = total**2 / square
        if n <= 1:
            return LogitAuc(auc, math.nan, 1, 1)
        variance += spread / total**2 * n / (n - 1)
        effective.append(n)
    return LogitAuc(auc, variance, effective[0], effective[1])


def macro_auc(order: ClassOrder) -> tuple[float, float, int]:
    """Macro one-vs-rest ROC AUC, its standard error, and the number of classes it averages.

    Each row's influence on the mean of the K areas is summed over the classes before it is squared, so the
    correlation between areas that share rows is kept.
    """
    areas = order.areas[~np.isnan(order.areas)]
    if not areas.size or order.influence is None:
        return math.nan, math.nan, 0
    error = np.sqrt(np.square(order.influence / areas.size).sum())
    return float(areas.mean()), float(error), int(areas.size)


def precision_influence(table: ThresholdTable) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    """Average precision, and what a row of each score adds to it: positive rows and negative ones, each of shape (m,).

    A positive row adds its own precision less the average, and raises that of the positives at or below it; a negative
    row lowers these. Divided by the weight of the positives.
    """
    c = table.counts()
    tp, fp = np.asarray(c.tp, np.float64)[1:], np.asarray(c.fp, np.float64)[1:]
    step, flagged, total = np.diff(tp, prepend=0.0), tp + fp, float(tp[-1])
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = tp / flagged
        value = float(step @ precision / total) if total else math.nan
        raised = (step * fp / flagged**2)[::-1].cumsum()[::-1] / total
        lowered = (step * tp / flagged**2)[::-1].cumsum()[::-1] / total
        own = (precision - value) / total
    return value, own + raised, -lowered


def average_precision_interval(table: ThresholdTable) -> Linear:
    """Average precision with its linearised error: t on the logit scale, by the number of positives.

    Below some dozen positives percentiles of the bootstrap cover far less than they say, this about what it says.
    """
    value, positive, negative = precision_influence(table)
    square, mass = table.squares(), table.counts()
    tp2, fp2 = (np.diff(np.asarray(side, np.float64)) for side in (square.tp, square.fp))
    error = math.sqrt(float(tp2 @ positive**2 + fp2 @ negative**2)) if mass.tp[-1] else math.nan
    n = float(mass.tp[-1]) ** 2 / float(square.tp[-1]) if mass.tp[-1] else 0.0
    return Linear(value, error, "linearised, logit t", 0.0, 1.0, "logit", n - 1)


@dataclass(frozen=True, slots=True)
class LargestGap:
    """Kolmogorov-Smirnov: the largest gap of two rates over all thresholds, which sits above its own truth.

    Downwards the error is at most that at the worst of the thresholds that may be the best one: `draws` are replicates
    of it (intersection bounds, Chernozhukov, Lee & Rosen 2013), hence the lower limit. Their mean is the most that
    picking the largest gap can have added. At the best threshold of the population the gap is that of two proportions:
    hence the upper limit, with the normal quantile, less half of that mean. Percentiles of the bootstrap, which picks
    the largest gap once more, cover 0.75 of 0.95.
    """

    value: float
    error: float
    """Standard error at the threshold of the largest gap."""
    draws: NDArray[np.float64]
    units: float
    """Effective rows of the smaller class."""

    @property
    def method(self) -> str:
        """Name."""
        return f"bootstrap of the near-best gaps, {self.draws.size} replicates"

    @property
    def state(self) -> State:
        """Insufficient below ten rows of a class."""
        if math.isnan(self.value):
            return "undefined"
        return "insufficient" if self.units < 10 else "ok" if self.error > 0 else "degenerate"

    def interval(self, level: float) -> tuple[float, float]:
        """Interval in [0, 1]."""
        z = z_of(level)
        if math.isnan(self.value) or self.units < 2:
            return math.nan, math.nan
        down = float(np.quantile(self.draws, (1 + level) / 2))
        up = z * self.error - float(self.draws.mean()) / 2
        return max(self.value - down, 0.0), min(self.value + max(up, 0.0), 1.0)
