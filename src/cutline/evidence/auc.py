"""DeLong's variance from the table of all thresholds: ties are groups, so mid-ranks need no second sort."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from cutline.evidence.intervals import LogitAuc
from cutline.metrics import ThresholdTable, roc_auc
from cutline.scores import Scores


def delong(table: ThresholdTable) -> LogitAuc:
    """ROC AUC with DeLong's variance (DeLong, DeLong & Clarke-Pearson 1988).

    The placement of a positive is the share of negatives below it, ties half; of a negative, the share of positives
    above it. The variance is the sum over both classes of the placements' sample variance over the class size.
    With weights: weighted placements and a sandwich of sum w^2.
    """
    r = table.ranking()
    auc = roc_auc.value(table)
    if min(table.n_pos, table.n_neg) < 2:
        return LogitAuc(auc, math.nan, table.n_pos, table.n_neg)
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


def macro_auc(scores: Scores) -> tuple[float, float, int]:
    """Macro one-vs-rest ROC AUC, its standard error, and the number of classes it averages.

    Each row's influence on the mean of the K areas is summed over the classes before it is squared, so the
    correlation between areas that share rows is kept.
    """
    areas: list[float] = []
    influence = np.zeros(scores.n)
    for name in scores.classes.names:
        view = scores.one_vs_rest(name)
        table = ThresholdTable.from_scores(view)
        if not (table.n_pos and table.n_neg):
            continue
        areas.append(roc_auc.value(table))
        influence += _influence(view, table, areas[-1])
    if not areas:
        return math.nan, math.nan, 0
    return float(np.mean(areas)), float(np.sqrt(np.square(influence / len(areas)).sum())), len(areas)


def _influence(view: Scores, table: ThresholdTable, auc: float) -> NDArray[np.float64]:
    """Each row's share in the deviation of the AUC from its expectation, shape (n,)."""
    counts = table.counts()
    tp, fp = np.asarray(counts.tp, dtype=np.float64), np.asarray(counts.fp, dtype=np.float64)
    # thresholds[1:] descends; the row of a score is where its negation stands in the ascending negations.
    row = 1 + np.searchsorted(-table.thresholds[1:], -view.score.astype(np.float64))
    placed = np.where(
        view.is_positive,
        (1 - (fp[row] + fp[row - 1]) / (2 * fp[-1]) - auc) / tp[-1],
        ((tp[row] + tp[row - 1]) / (2 * tp[-1]) - auc) / fp[-1],
    )
    return placed if view.weight is None else placed * view.weight
