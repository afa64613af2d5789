"""The bootstrap over the sorted rows: all figures of a replicate belong to the same resampled rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cutline import core
from cutline.errors import InputError, UnknownName
from cutline.evidence.estimate import Estimate
from cutline.evidence.figures import accelerated, bootstrap_figure, clusters_of, figure_of
from cutline.evidence.intervals import Replicates, percentiles
from cutline.evidence.resample import REPLICATES, TOGETHER
from cutline.labels import Shown
from cutline.metrics import Counts, Metric, ThresholdTable
from cutline.metrics.probability import ROW_LOSSES
from cutline.scores import Scores

HOW = "Poisson bootstrap"
KINDS = ("percentile", "bca", "basic", "normal")
CELLS = 8_000_000
"""Counts held at a time when a metric needs them at every threshold."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Bootstrap(Shown):
    """Replicates of several metrics over the same resampled rows.

    Attributes
    ----------
    metrics : tuple of Metric
    estimates : tuple of Estimate
        The value on the rows as they are, with the percentile interval of its replicates.
    values : ndarray, shape (replicates, metrics)
        Entry [r, j] is metric j in replicate r; rows are joint, so differences of columns have intervals, too.
    """

    metrics: tuple[Metric, ...]
    estimates: tuple[Estimate, ...]
    values: NDArray[np.float64]

    def __getitem__(self, metric: Metric | str) -> Estimate:
        """The estimate of one metric."""
        name = metric if isinstance(metric, str) else metric.name
        for found in self.estimates:
            if found.metric.name == name:
                return found
        raise InputError("metric", name, f"one of {', '.join(m.name for m in self.metrics)}")

    def __repr__(self) -> str:
        return "\n".join(map(repr, self.estimates))


def bootstrap(
    scores: Scores,
    *metrics: Metric,
    at: float | None = None,
    replicates: int = REPLICATES,
    seed: int = 0,
    method: Literal["percentile", "bca", "basic", "normal"] = "percentile",
    stratified: bool = False,
) -> Bootstrap:
    """Bootstrap metrics of scores: one sort, then every replicate one pass over the rows for all metrics.

    Each row is drawn Poisson(1) times (Chamandy et al. 2012), which for more than a few dozen rows is the bootstrap of
    Efron (1979); of rows in clusters, each cluster is, with all its rows. Replicate r depends on (seed, r) alone,
    whatever the number of threads or of replicates.

    Parameters
    ----------
    scores : Scores
        Truth and scores; rows without truth or weight do not count.
    *metrics : Metric
        At least one.
    at : float, optional
        Threshold of count metrics of binary scores.
    replicates, seed : int
        How many, and the seed of the draws.
    method : {"percentile", "bca", "basic", "normal"}
        The kind of interval (see `cutline.evidence.intervals.Replicates`). For "bca" rows, or groups of them, are left
        out in turn, too.
    stratified : bool
        Draw as many rows of each class as there are: for designs that fixed the number of each.

    Examples
    --------
    >>> import numpy as np, cutline as cl
    >>> rng = np.random.default_rng(0)
    >>> y = rng.random(500) < 0.4
    >>> s = cl.Scores(y_true=y, y_score=rng.normal(size=500) + y, kind="rank")
    >>> cl.bootstrap(s, cl.roc_auc, cl.recall, at=0.5, seed=1)
    roc_auc 0.7608 [0.7175, 0.8023] (n=500, Poisson bootstrap, 2000 replicates)
    recall 0.6854 [0.6154, 0.7531] (n=500, Poisson bootstrap, 2000 replicates)
    """
    if not metrics:
        raise InputError("metrics", "none", "at least one metric")
    if replicates < 1:
        raise InputError("replicates", repr(replicates), "at least one")
    if method not in KINDS:
        raise UnknownName.among("method", method, KINDS)
    known = scores.known()
    member = clusters_of(known)
    units, how = float(known.n), HOW
    if member is None and not stratified:
        values = np.column_stack([*_columns(known, metrics, at, replicates, seed)])
    else:
        figures = [figure_of(metric, known, at) for metric in metrics]
        values = bootstrap_figure(figures, known, replicates=replicates, seed=seed, stratified=stratified)
        how = "stratified bootstrap"
        if member is not None:
            units, how = float(member.max()) + 1, f"cluster bootstrap, {int(member.max()) + 1:,} clusters"
    estimates = tuple(
        _estimated(metric, known, column.copy(), at, how, method, units)
        for metric, column in zip(metrics, values.T, strict=True)
    )
    return Bootstrap(metrics, estimates, values)


def _estimated(
    metric: Metric,
    known: Scores,
    column: NDArray[np.float64],
    at: float | None,
    how: str,
    method: Literal["percentile", "bca", "basic", "normal"],
    units: float,
) -> Estimate:
    threshold = at if metric.of_counts else None
    value = metric.value(known, at=threshold)
    found = Replicates(column, how, method, value, units=units)
    if method == "bca":
        found = accelerated(found, figure_of(metric, known, at), known)
    n_pos = known.n_pos if known.binary else -1
    return Estimate(metric, value, known.n, n_pos, found, role=known.role, threshold=threshold)


def bootstrap_threshold(
    scores: Scores, metric: Metric, *, replicates: int = REPLICATES, seed: int = 0, confidence: float = 0.95
) -> tuple[NDArray[np.float64], tuple[float, float]]:
    """Replicates of the threshold at which a count metric is best, shape (replicates,), and their percentile interval.

    Read the spread, not the limits: the bootstrap of an argmax is not consistent (Kim & Pollard 1990; Abrevaya & Huang
    2005). Of equally good thresholds the highest is taken; nan where the metric is undefined at all of them.
    """
    if metric.of_counts is None or metric.maximize is None:
        raise InputError("metric", metric.name, "a metric of counts with a better end, such as f1")
    table = ThresholdTable.from_scores(scores)
    best = []
    for _, counts in _at_every_threshold(table, replicates, seed):
        value = metric.value(counts)
        value = np.where(np.isnan(value), -np.inf, value if metric.maximize else -value)
        found = table.thresholds[value.argmax(axis=1)]
        best.append(np.where(np.isneginf(value.max(axis=1)), np.nan, found))
    thresholds = np.concatenate(best)
    return thresholds, percentiles(thresholds, confidence)


def _columns(
    known: Scores, metrics: tuple[Metric, ...], at: float | None, replicates: int, seed: int
) -> Iterator[NDArray[np.float64]]:
    """The replicates of each metric, in the order of `metrics`."""
    if not known.binary or known.kind == "label":
        yield from _row_by_row(known, metrics, at, replicates, seed).T
        return
    table = ThresholdTable.from_scores(known)
    rows = table.sorted_rows()
    cut = np.array([len(rows.keys)])
    if at is not None:
        cut = np.append(table.rows(at).flagged, cut)
    losses = [m for m in metrics if m.name in ROW_LOSSES]
    over_tables = [m for m in metrics if m.of_table and m.name not in ("roc_auc", "average_precision")]
    over_rows = [m for m in metrics if not (m.of_counts or m.of_table or m in losses)]
    columns, of_tables, of_rows = None, np.empty((replicates, 0)), np.empty((replicates, 0))
    if losses or over_rows:  # rows in the order in which the kernel draws them
        score = core.scores_of(rows).astype(known.score.dtype)
        weight = rows.weight if known.weight is not None else None
        ordered = Scores(y_true=rows.keys & 1, y_score=score, weight=weight, kind=known.kind, classes=[0, 1])
        columns = np.column_stack([ROW_LOSSES[m.name](ordered) for m in losses]) if losses else None
        of_rows = _row_by_row(ordered, tuple(over_rows), at, replicates, seed) if over_rows else of_rows
    if over_tables:
        of_tables = _over_tables(table, over_tables, replicates, seed)
    drawn = core.bootstrap(rows, cut=cut, columns=columns, replicates=replicates, seed=seed)
    total = drawn.tp[:, -1] + drawn.fp[:, -1]
    for metric in metrics:
        if metric.of_counts:
            if at is None:
                metric.value(known)  # raises, by name
            tp, fp = drawn.tp[:, 0], drawn.fp[:, 0]
            yield metric.value(Counts(tp, fp, drawn.tp[:, -1] - tp, drawn.fp[:, -1] - fp))
        elif metric.name == "roc_auc":
            yield drawn.auc
        elif metric.name == "average_precision":
            yield drawn.average_precision
        elif metric in losses:
            with np.errstate(invalid="ignore"):
                yield drawn.sums[:, -1, losses.index(metric)] / total
        elif metric.of_table:
            yield of_tables[:, over_tables.index(metric)]
        else:
            yield of_rows[:, over_rows.index(metric)]


def _at_every_threshold(table: ThresholdTable, replicates: int, seed: int) -> Iterator[tuple[int, Counts]]:
    """Counts at every threshold of some replicates at a time, shape (some, m), with the number of the first."""
    flagged = table.tp + table.fp
    rows = table.sorted_rows()
    step = max(1, CELLS // len(flagged) // TOGETHER) * TOGETHER
    for first in range(0, replicates, step):
        some = min(step, replicates - first)
        drawn = core.bootstrap(rows, cut=flagged, replicates=some, seed=seed, first=first)
        yield first, Counts(drawn.tp, drawn.fp, drawn.tp[:, -1:] - drawn.tp, drawn.fp[:, -1:] - drawn.fp)


def _over_tables(table: ThresholdTable, metrics: list[Metric], replicates: int, seed: int) -> NDArray[np.float64]:
    out = np.empty((replicates, len(metrics)))
    for first, counts in _at_every_threshold(table, replicates, seed):
        for r, (tp, fp) in enumerate(zip(counts.tp, counts.fp, strict=True), first):
            make = ThresholdTable.of_sums if table.weighted else ThresholdTable
            one = make(table.thresholds, tp, fp)
            out[r] = [metric.value(one) for metric in metrics]
    return out


def _row_by_row(
    known: Scores, metrics: tuple[Metric, ...], at: float | None, replicates: int, seed: int
) -> NDArray[np.float64]:
    """Any metric, by weights: as many evaluations as replicates; the draws are the kernel's for rows in this order."""
    out = np.full((replicates, len(metrics)), np.nan)
    for first in range(0, replicates, TOGETHER):
        some = min(TOGETHER, replicates - first)
        for r, times in enumerate(core.times_drawn(known.n, replicates=some, seed=seed, first=first), first):
            weight = times.astype(np.float64) if known.weight is None else known.weight * times
            if weight.any():
                one = known.with_weight(weight)
                out[r] = [metric.value(one, at=at if metric.of_counts else None) for metric in metrics]
    return out
