"""Figures that are means over rows or placements, and their differences in closed form."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cutline.evidence.figures import ROW_MEANS
from cutline.evidence.influence import Influence, apart, auc_influence, delong_test, ratio_influence, together
from cutline.evidence.paired import PairedDifference, PairedTable
from cutline.evidence.studentized import Studentized
from cutline.evidence.two_sides import (
    AllAlike,
    ScaledDifference,
    TwoF1,
    TwoProportions,
    WithP,
    pairs_of,
    two_areas,
    two_means,
)
from cutline.metrics import Counts, Metric, decided
from cutline.metrics import jaccard as jaccard_metric
from cutline.scores import Scores

Share = tuple[NDArray[Any], NDArray[Any]]
"""Numerator and denominator of a mean over rows, each of shape (n,)."""


def share_of_rows(metric: Metric, known: Scores, at: float | None) -> Share | Literal["auc"] | None:
    """How a metric is a mean over rows; "auc" for ROC AUC and Gini, over placements; None for all others."""
    if metric.name in ("roc_auc", "gini"):
        return "auc"
    if metric.name in ROW_MEANS:
        return ROW_MEANS[metric.name](known), np.ones(known.n)
    if metric.proportion and known.binary:
        k, d = metric.proportion(row_counts(known, at))
        return np.asarray(k, dtype=np.float64), np.asarray(d, dtype=np.float64)
    if metric.proportion and metric.name == "accuracy":
        return (decided(known, at) == known.truth).astype(np.float64), np.ones(known.n)
    return None


def row_counts(known: Scores, at: float | None) -> Counts:
    """The counts of every row on its own, each of shape (n,)."""
    flagged = decided(known, at) == known.classes.index(known.classes.positive)
    positive = known.is_positive
    cells = (flagged & positive, flagged & ~positive, ~flagged & positive, ~flagged & ~positive)
    return Counts(*(cell.astype(np.int64) for cell in cells))


def influence_of(metric: Metric, known: Scores, share: Share | Literal["auc"]) -> Influence:
    """What each row adds to a metric that is a mean over rows."""
    if share != "auc":
        return ratio_influence(*share, known)
    area = auc_influence(known)
    return area.scaled(2, -1) if metric.name == "gini" else area


def plain(*sides: Scores) -> bool:
    """Whether rows are independent and count once each."""
    return all(one.groups is None and one.weight is None for one in sides)


def of_means(
    metric: Metric,
    one: Scores,
    two: Scores,
    first: Share | Literal["auc"],
    second: Share | Literal["auc"],
    paired: bool,
) -> WithP | None:
    """For areas and means over rows; None for ratios whose denominators the models choose (precision)."""
    low, high = metric.range
    reach = (low - high, high - low)
    if first == "auc" or second == "auc":
        found = _of_areas(one, two, paired)
        return ScaledDifference(found, 2.0, 0.0) if metric.name == "gini" else found
    (k, d), (k2, d2) = first, second
    if not paired:
        if metric.proportion and plain(one, two):
            return TwoProportions(int(k.sum()), int(d.sum()), int(k2.sum()), int(d2.sum()))
        a, b = ratio_influence(k, d, one), ratio_influence(k2, d2, two)
        return two_means(a, b, apart(a, b, "Welch t", reach), metric.range)
    if not np.array_equal(d, d2):
        return None
    if metric.proportion and plain(one):
        return PairedDifference(PairedTable.of(k[d > 0], k2[d > 0]))
    # What is left of equal numbers after rounding is no difference.
    gap = np.where(np.abs(k - k2) <= 1e-14 * np.maximum(np.abs(k), np.abs(k2)), 0.0, k - k2)
    same = ratio_influence(gap, d, one)
    gap_t = together(same, ratio_influence(np.zeros_like(d), d, one), "paired t", reach)
    return with_spread(gap_t, min(same.effective), reach)


def of_f1(one: Scores, two: Scores, at: tuple[float | None, float | None]) -> WithP | None:
    """F1 of different binary rows by its Jaccard; None for rows that have weights or clusters."""
    if not (one.binary and two.binary and plain(one, two)):
        return None
    assert jaccard_metric.proportion is not None
    counts = [jaccard_metric.proportion(row_counts(side, cut)) for side, cut in zip((one, two), at, strict=True)]
    return TwoF1(TwoProportions(*(int(part.sum()) for pair in counts for part in pair)))


def _of_areas(one: Scores, two: Scores, paired: bool) -> WithP:
    reach = (-1.0, 1.0)
    a, b = auc_influence(one), auc_influence(two)
    small, clusters = a.small or b.small, a.member is not None or b.member is not None
    if paired:
        found = together(a, b, "paired DeLong, t", reach) if small else delong_test(one, two)
        return with_spread(found, min(pairs_of(a)), reach)
    if small and not clusters:
        return two_areas(a, b)
    if (a.alike or b.alike) and not (a.alike and b.alike and abs(a.value - b.value) < 1e-9):
        return two_areas(a, b)
    return apart(a, b, "DeLong, unpaired", reach) if small else delong_test(one, two, paired=False)


def with_spread(found: Studentized, units: float, reach: tuple[float, float]) -> WithP:
    """The same, or, when every unit shows the same difference, what that alone says."""
    if found.state == "degenerate" and found.value != 0 and math.isfinite(reach[0]):
        return AllAlike(found.value, units, *reach)
    return found
