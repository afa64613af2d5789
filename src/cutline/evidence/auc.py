"""DeLong's variance from the table of all thresholds: ties are groups, so mid-ranks need no second sort."""

from __future__ import annotations

import math

import numpy as np

from cutline.core import Ranking
from cutline.evidence.intervals import LogitAuc
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
    return LogitAuc(auc, variance, *effective)


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
