"""Rows in clusters: every figure from sums over clusters, or from clusters drawn whole.

A figure is linearised: each row has an influence, and the squares of the sums of the influences over clusters add up to
its variance (Liang & Zeger 1986; for ROC AUC the placements of DeLong, Obuchowski 1997). What cannot be linearised is
bootstrapped by whole clusters.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline import core
from cutline.evidence.auc import precision_influence
from cutline.evidence.delta import Scale, influence, scaled_limits
from cutline.evidence.figures import ROW_MEANS, bootstrap_some, clusters_of, figure_of
from cutline.evidence.intervals import CellPosterior, F1FromJaccard, Ingredients, LogitAuc, Scaled, State
from cutline.evidence.proportions import score_limits, t_of
from cutline.metrics import Counts, Metric, ThresholdTable, confusion_matrix, decided, find, from_matrix, jaccard
from cutline.metrics.pairwise import class_order
from cutline.scores import Scores

ENOUGH = 30
"""Clusters from which on t and the normal quantile hardly differ; with fewer the estimate says how many there are."""
FEWEST = 5
"""Clusters below which the error itself is too uncertain for any quantile to mend."""
ONE_CLUSTER = "all rows are in one cluster: nothing to estimate an error from"


@dataclass(frozen=True, slots=True)
class Clustered:
    """A figure with its cluster-robust standard error: t with one degree of freedom fewer than (effective) clusters.

    Attributes
    ----------
    value : float
    error : float
        Standard error from sums over clusters, with the factor G / (G - 1) on its square.
    naive : float
        The error that takes rows for independent.
    clusters : int
        G: clusters that bear on the figure.
    effective : float
        The same with clusters of unequal size as fewer equal ones, (sum of sizes)^2 / sum of squares.
    rows : float
        Rows that bear on it, effective ones when weighted; of a proportion its denominator.
    low, high : float
        The range of the figure.
    proportion : bool
        A proportion: Wilson's limits at rows / design effect effective rows, never more than there are; where all rows
        are alike each cluster is one row.
    """

    value: float
    error: float
    naive: float
    clusters: int
    effective: float
    rows: float
    low: float = -math.inf
    high: float = math.inf
    proportion: bool = False

    @property
    def plain(self) -> float:
        """The error without the factor for few clusters."""
        return self.error * math.sqrt((self.clusters - 1) / self.clusters) if self.clusters > 1 else math.nan

    @property
    def design_effect(self) -> float:
        """How many times the variance of independent rows; nan without spread."""
        return (self.plain / self.naive) ** 2 if self.naive > 0 else math.nan

    @property
    def method(self) -> str:
        """Name with the number of clusters."""
        return f"{'Wilson, ' if self.proportion else ''}cluster-robust t, {self.clusters:,} clusters"

    @property
    def state(self) -> State:
        """Insufficient below 5 clusters; degenerate without spread."""
        if math.isnan(self.value):
            return "undefined"
        if self.clusters < FEWEST:
            return "insufficient"
        return "ok" if self.error > 1e-12 else "degenerate"

    @property
    def scale(self) -> Scale:
        """The scale on which limits are symmetric, by the range of the figure."""
        known: dict[tuple[float, float], Scale] = {(0.0, 1.0): "logit", (-1.0, 1.0): "fisher", (0.0, math.inf): "log"}
        return known.get((self.low, self.high), "plain")

    def symmetric(self, level: float) -> tuple[float, float]:
        """``value +- t error`` with G - 1 degrees of freedom, the textbook interval; it may leave the range."""
        half = t_of(level, self.clusters - 1) * self.error
        return self.value - half, self.value + half

    def interval(self, level: float) -> tuple[float, float]:
        """Interval inside the range of the figure."""
        if self.effective <= 1 or math.isnan(self.value):
            return math.nan, math.nan
        t = t_of(level, self.effective - 1)
        if self.proportion:
            spread = self.value * (1 - self.value)
            n = min(spread / self.error**2, self.rows) if self.error > 1e-12 else self.effective
            return score_limits(self.value * n, n, t)
        if self.error <= 1e-12:
            return math.nan, math.nan
        low, high = scaled_limits(self.value, t * self.error, self.scale)
        return max(low, self.low), min(high, self.high)


def clustered(
    metric: Metric, known: Scores, *, at: float | None = None, decision: NDArray[Any] | None = None, seed: int = 0
) -> tuple[float, Ingredients | None, str]:
    """Value, ingredients and note of a metric of rows in clusters.

    Parameters
    ----------
    metric : Metric
    known : Scores
        Rows that count, with `groups`.
    at, decision
        The threshold or the decided codes of count metrics.
    seed : int
        Of the bootstrap, where it is needed.

    Examples
    --------
    >>> import numpy as np, cutline as cl
    >>> from cutline.evidence.clusters import clustered
    >>> y = np.repeat([1, 1, 0, 1, 0, 1], 5)
    >>> s = cl.Scores(y_true=y, y_score=y * 0.4 + np.arange(30) / 60, groups=np.arange(30) // 5, kind="probability")
    >>> clustered(cl.accuracy, s, at=0.5)[1]
    Clustered(value=0.8, error=0.1632..., naive=0.0730..., clusters=6, effective=6.0, rows=30.0, ...)
    """
    member = clusters_of(known)
    assert member is not None
    if not member.any():
        return _value(metric, known, at, decision), None, ONE_CLUSTER
    if metric.name == "f1" and known.binary:
        share = linearised(jaccard, known, member, at, decision)
        assert share is not None
        f1 = 2 * share.value / (1 + share.value)
        return f1, F1FromJaccard(share), _note(share)
    found = linearised(metric, known, member, at, decision)
    if found is not None:
        instead = _without_spread(metric, known, found, at, decision, seed)
        if instead is not None:
            return found.value, instead, f"all rows are alike: each of {found.clusters:,} clusters counts as one row"
        return found.value, found, _note(found)
    made = bootstrap_some(metric, known, seed=seed, at=at, decision=decision)
    return made.value, made, _few(int(made.units))


def _without_spread(
    metric: Metric, known: Scores, found: Clustered, at: float | None, decision: NDArray[Any] | None, seed: int
) -> Ingredients | None:
    """What stands in where all rows are alike, every cluster counted as one row; None where nothing has to."""
    if found.error > 1e-12 or found.proportion or found.effective < 2 or not known.binary:
        return None
    if metric.name in ("roc_auc", "gini"):  # pairs of rows from clusters that share none
        area = found.value if metric.name == "roc_auc" else (found.value + 1) / 2
        pairs = min(found.effective, len(np.unique(known.groups)) / 2)  # type: ignore[arg-type]
        exact = LogitAuc(area, 0.0, pairs, pairs)
        return exact if metric.name == "roc_auc" else Scaled(exact, 2, -1)
    if metric.of_counts is None:
        return None
    matrix = confusion_matrix(known, decided(known, at) if decision is None else decision)
    cells = from_matrix(matrix, known.classes.index(known.classes.positive))
    scale = found.effective / float(cells.total)
    return CellPosterior(metric, (cells.tp * scale, cells.fp * scale, cells.fn * scale, cells.tn * scale), seed)


def _value(metric: Metric, known: Scores, at: float | None, decision: NDArray[Any] | None) -> float:
    return figure_of(metric, known, at, decision)(np.ones(known.n))


def linearised(
    metric: Metric,
    known: Scores,
    member: NDArray[np.int64],
    at: float | None = None,
    decision: NDArray[Any] | None = None,
) -> Clustered | None:
    """The figure with its influences summed by cluster; None where it has none."""
    if metric.name in ROW_MEANS:
        rows = ROW_MEANS[metric.name](known)
        share = _share(known)
        value = float(share @ rows)
        return _summed(metric, value, share * (rows - value), member, np.ones(known.n, bool), share)
    if metric.name in ("roc_auc", "gini") and known.binary and known.kind != "label":
        return _area(metric, known, member)
    if metric.name == "average_precision" and known.binary and known.kind != "label":
        return _precision(metric, known, member)
    if metric.name == "macro_roc_auc" and not known.binary:
        order = class_order(known, influence=True)
        areas = order.areas[~np.isnan(order.areas)]
        if not areas.size or order.influence is None:
            return None
        parts = order.influence / areas.size
        return _summed(metric, float(areas.mean()), parts, member, np.ones(known.n, bool), _share(known))
    if metric.of_matrix or (metric.of_counts and known.binary):
        return _decided(metric, known, member, at, decision)
    return None


def _decided(
    metric: Metric, known: Scores, member: NDArray[np.int64], at: float | None, decision: NDArray[Any] | None
) -> Clustered | None:
    codes = decided(known, at) if decision is None else decision
    matrix, order = confusion_matrix(known, codes), np.arange(known.classes.k)
    if known.binary and known.classes.index(known.classes.positive) == 0:
        matrix, order = matrix[::-1, ::-1], order[::-1]
    each = influence(metric, matrix)
    value = figure_of(metric, known, at, decision)(np.ones(known.n))
    if not math.isfinite(value) or not np.isfinite(each).all():
        return None
    share, truth, said = _share(known), order[np.asarray(known.truth)], order[codes]
    bears = np.ones_like(each, dtype=bool)
    ratio = metric.proportion if known.binary else None
    if ratio:
        (tn, fp), (fn, tp) = np.eye(4).reshape(2, 2, 4)  # which cells the denominator counts
        bears = np.asarray(ratio(Counts(tp, fp, fn, tn))[1]).reshape(2, 2) > 0
    proportion = ratio is not None or metric.name in ("accuracy", "error_rate")
    return _summed(metric, value, share * each[truth, said], member, bears[truth, said], share, proportion)


def _area(metric: Metric, known: Scores, member: NDArray[np.int64]) -> Clustered | None:
    positive = known.is_positive
    order = core.numbered(known.score, positive, known.weight)
    found = core.ranking(order.rows)
    if not found.right + found.wrong:
        return None
    parts = np.zeros(known.n)
    core.by_class(order, positive.astype(np.int16), 2, found, parts)
    area = found.right / (found.right + found.wrong)
    fewer = min((side for side in (positive, ~positive)), key=lambda side: len(np.unique(member[side])))
    auc = _summed(find("roc_auc"), area, parts, member, fewer, _share(known))
    if metric.name == "roc_auc":
        return auc
    return Clustered(2 * area - 1, 2 * auc.error, 2 * auc.naive, auc.clusters, auc.effective, auc.rows, -1.0, 1.0)


def _precision(metric: Metric, known: Scores, member: NDArray[np.int64]) -> Clustered | None:
    table, positive = ThresholdTable.from_scores(known), known.is_positive
    value, of_positive, of_negative = precision_influence(table)
    if math.isnan(value):
        return None
    # Row i of the two stands for the threshold i + 1 of the table, which descends.
    place = len(of_positive) - np.searchsorted(table.thresholds[:0:-1], known.score.astype(np.float64), side="right")
    parts = np.where(positive, of_positive[place], of_negative[place])
    if known.weight is not None:
        parts = parts * known.weight
    return _summed(metric, value, parts, member, positive, _share(known))


def _share(known: Scores) -> NDArray[np.float64]:
    return np.full(known.n, 1 / known.n) if known.weight is None else known.weight / known.weight.sum()


def _summed(
    metric: Metric,
    value: float,
    parts: NDArray[np.float64],
    member: NDArray[np.int64],
    bears: NDArray[np.bool_],
    share: NDArray[np.float64],
    proportion: bool = False,
) -> Clustered:
    """`parts` is what each row adds to the deviation; clusters and rows are counted where `bears`."""
    sizes = np.bincount(member[bears], weights=share[bears])
    clusters = int(np.count_nonzero(sizes))
    effective = float(sizes.sum() ** 2 / (sizes @ sizes)) if clusters else 0.0
    by_cluster = np.bincount(member, weights=parts)
    factor = clusters / (clusters - 1) if clusters > 1 else math.nan
    error = math.sqrt(float(by_cluster @ by_cluster) * factor)
    own = share[bears]
    rows = float(own.sum() ** 2 / (own @ own)) if own.size else 0.0
    return Clustered(
        value, error, math.sqrt(float(parts @ parts)), clusters, effective, rows, *metric.range, proportion
    )


def _note(found: Clustered) -> str:
    effect = "" if math.isnan(found.design_effect) else f"design effect {found.design_effect:.2g}"
    return "; ".join(part for part in (effect, _few(found.clusters)) if part)


def _few(clusters: int) -> str:
    return f"only {clusters} clusters: approximate" if clusters < ENOUGH else ""
