"""An estimate: a value with its uncertainty, and all that is needed to judge it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline.evidence import auc as _auc
from cutline.evidence.intervals import (
    CellPosterior,
    F1FromJaccard,
    Ingredients,
    LogitProportion,
    Mean,
    Proportion,
    State,
    z_of,
)
from cutline.evidence.resample import bootstrap_matrix
from cutline.labels import Shown
from cutline.metrics import Counts, Metric, ThresholdTable, checked_decision, confusion_matrix, decided
from cutline.metrics.pairwise import ClassOrder, class_order
from cutline.metrics.probability import ROW_LOSSES, mean_of_rows, n_clipped
from cutline.scores import Role, Scores

BOOTSTRAP_ROWS = 50_000
"""Above this many rows the bootstrap of average precision gives way to a formula: normal theory has long taken over."""


@dataclass(frozen=True, slots=True, repr=False)
class Estimate(Shown):
    """A metric's value with its interval.

    Attributes
    ----------
    metric : Metric
        What was estimated.
    value : float
        The point estimate; nan when undefined.
    n, n_pos : int
        Rows it rests on, and how many of them are positive (-1 for several classes).
    ingredients : Ingredients or None
        What the interval is computed from, at any level, without the data. None when there is no method.
    confidence : float
        The level of `low` and `high`.
    role : str
        What the rows were used for.
    threshold : float or None
        The threshold of a count metric.
    note : str
        Anything that must be said with the number.
    """

    metric: Metric
    value: float
    n: int
    n_pos: int
    ingredients: Ingredients | None
    confidence: float = 0.95
    role: Role = ""
    threshold: float | None = None
    note: str = ""

    def interval(self, confidence: float | None = None) -> tuple[float, float]:
        """Two-sided interval at any confidence level, from the ingredients alone."""
        level = self.confidence if confidence is None else confidence
        z_of(level)  # checks the level
        if self.ingredients is None or math.isnan(self.value):
            return math.nan, math.nan
        return self.ingredients.interval(level)

    @property
    def low(self) -> float:
        """Lower limit at `confidence`."""
        return self.interval()[0]

    @property
    def high(self) -> float:
        """Upper limit at `confidence`."""
        return self.interval()[1]

    @property
    def state(self) -> State:
        """ok, undefined (0/0), degenerate (no spread), insufficient (too few rows)."""
        if math.isnan(self.value):
            return "undefined"
        return "insufficient" if self.ingredients is None else self.ingredients.state

    @property
    def method(self) -> str:
        """Name of the interval method."""
        return "none" if self.ingredients is None else self.ingredients.method

    def at(self, confidence: float) -> Estimate:
        """The same estimate with its interval at another level."""
        return replace(self, confidence=confidence)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON: nan and infinities become None."""
        low, high = self.interval()
        return {
            "metric": self.metric.name,
            "label": self.metric.label,
            "value": finite(self.value),
            "low": finite(low),
            "high": finite(high),
            "confidence": self.confidence,
            "n": self.n,
            "n_pos": self.n_pos if self.n_pos >= 0 else None,
            "method": self.method,
            "state": self.state,
            "role": self.role,
            "threshold": finite(self.threshold),
            "note": self.note,
        }

    def __repr__(self) -> str:
        low, high = self.interval()
        inside = f"{self.value:.4g} [{low:.4g}, {high:.4g}]" if not math.isnan(low) else f"{self.value:.4g}"
        state = "" if self.state == "ok" else f", {self.state}"
        role = f", {self.role}" if self.role else ""
        return f"{self.metric.name} {inside} (n={self.n:,}, {self.method}{state}{role})"


def finite(value: float | None) -> float | None:
    """None for nan and infinities, which JSON cannot hold."""
    return None if value is None or not math.isfinite(value) else float(value)


def estimate(
    metric: Metric,
    scores: Scores,
    *,
    at: float | None = None,
    decision: NDArray[Any] | None = None,
    confidence: float = 0.95,
    seed: int = 0,
    table: ThresholdTable | None = None,
) -> Estimate:
    """Estimate one metric of scores, with its default interval.

    Parameters
    ----------
    metric : Metric
        What to estimate.
    scores : Scores
        Truth and scores; rows without truth or weight do not count.
    at : float, optional
        Threshold of a count metric of binary scores.
    decision : ndarray of int, shape (n,), optional
        Codes of decided classes, in place of `at`.
    confidence : float
        Level of the interval.
    seed : int
        Seed of methods that draw.
    table : ThresholdTable, optional
        The table of `scores`, when it was already made.

    Examples
    --------
    >>> import cutline as cl
    >>> s = cl.Scores(y_true=[0, 0, 1, 1, 1], y_score=[0.1, 0.6, 0.4, 0.8, 0.9], kind="probability")
    >>> cl.estimate(cl.recall, s, at=0.5)
    recall 0.6667 [0.2077, 0.9385] (n=5, Wilson)
    """
    if decision is not None:
        decision = checked_decision(scores, decision)[scores.counting]
    known = scores.known()
    z_of(confidence)  # checks the level
    metric.check(known)
    value, ingredients, note = _with_ingredients(metric, known, at, decision, seed, table)
    return estimated(metric, known, value, ingredients, note, confidence, at if metric.of_counts else None)


def estimated(
    metric: Metric,
    known: Scores,
    value: float,
    ingredients: Ingredients | None,
    note: str = "",
    confidence: float = 0.95,
    at: float | None = None,
    n_pos: int | None = None,
) -> Estimate:
    """The estimate of a value that was computed from `known`; clusters get no interval."""
    if known.groups is not None:  # rows of a cluster are not independent: no interval is better than a false one
        ingredients, note = None, "rows come in clusters: an interval for independent rows is refused"
    if n_pos is None:
        n_pos = known.n_pos if known.binary else -1
    return Estimate(metric, value, known.n, n_pos, ingredients, confidence, known.role, at, note)


def _with_ingredients(
    metric: Metric,
    known: Scores,
    at: float | None,
    decision: NDArray[Any] | None,
    seed: int,
    table: ThresholdTable | None,
) -> tuple[float, Ingredients | None, str]:
    if metric.name in ROW_LOSSES:
        return _of_rows(metric, known)
    if metric.of_table and known.binary:
        table = ThresholdTable.from_scores(known) if table is None else table
        value = metric.value(table)
        return value, _of_order(metric, table, seed), ""
    if metric.of_scores:
        if metric.name == "macro_roc_auc" and not known.binary:
            return of_macro_auc(class_order(known, influence=True), known.n)
        return metric.value(known), None, ""
    if metric.of_counts and known.binary:
        counts, squares = _counts(known, at, decision, table)
        value = metric.value(counts)
        return value, count_ingredients(metric, counts, squares, seed), ""
    matrix = confusion_matrix(known, decided(known, at) if decision is None else decision)
    value, ingredients = of_matrix([metric], known, matrix, seed)[0]
    return value, ingredients, ""


def of_matrix(
    metrics: Sequence[Metric], known: Scores, matrix: NDArray[Any], seed: int = 0
) -> list[tuple[float, Ingredients | None]]:
    """Values and ingredients of metrics of one confusion matrix; they share their bootstrap draws."""
    exact = [m for m in metrics if m.proportion and known.weight is None]
    drawn = [m for m in metrics if m not in exact]
    scale = 1.0 if known.weight is None else known.weight.sum() / np.square(known.weight).sum()
    made: dict[str, Ingredients] = {m.name: Proportion(float(np.trace(matrix)), float(matrix.sum())) for m in exact}
    if drawn:
        replicates = bootstrap_matrix(drawn, matrix * scale, seed=seed)
        made.update({m.name: r for m, r in zip(drawn, replicates, strict=True)})
    return [(m.value(matrix), made[m.name]) for m in metrics]


def of_macro_auc(order: ClassOrder, n: int) -> tuple[float, Ingredients, str]:
    """Value, ingredients and note of the macro one-vs-rest AUC."""
    value, error, classes = _auc.macro_auc(order)
    note = "" if classes == len(order.support) else f"over the {classes} classes that have rows"
    return value, Mean(value, error, n, 0.0, 1.0, "DeLong influence, t"), note


def count_ingredients(metric: Metric, counts: Counts, squares: Counts | None = None, seed: int = 0) -> Ingredients:
    """Ingredients of a count metric from counts; `squares` (sums of w^2) when these are sums of weights."""
    if metric.proportion:
        return _proportion(metric.proportion(counts), None if squares is None else metric.proportion(squares))
    if metric.name == "f1":
        jaccard = (counts.tp, counts.tp + counts.fp + counts.fn)
        return F1FromJaccard(
            _proportion(jaccard, None if squares is None else (squares.tp, squares.tp + squares.fp + squares.fn))
        )
    scale = 1.0 if squares is None else counts.total / squares.total
    tp, fp, fn, tn = (float(c) * scale for c in (counts.tp, counts.fp, counts.fn, counts.tn))
    return CellPosterior(metric, (tp, fp, fn, tn), seed)


def _proportion(counts: tuple[Any, Any], squares: tuple[Any, Any] | None) -> Proportion:
    """A proportion of rows, or of weights with the effective number (sum w)^2 / sum w^2 of its denominator."""
    k, n = map(float, counts)
    if squares is None or n == 0:
        return Proportion(k, n, squares is not None)
    effective = n * n / float(squares[1])
    return Proportion(k / n * effective, effective, True)


def _counts(
    known: Scores, at: float | None, decision: NDArray[Any] | None, table: ThresholdTable | None
) -> tuple[Counts, Counts | None]:
    from cutline.metrics.counts import from_matrix

    if decision is None and known.kind != "label" and at is not None:
        table = ThresholdTable.from_scores(known) if table is None else table
        return table.counts(at), table.squares(at) if table.weighted else None
    codes = decided(known, at) if decision is None else decision
    k = known.classes.index(known.classes.positive)
    counts = from_matrix(confusion_matrix(known, codes), k)
    if known.weight is None:
        return counts, None
    squared = known.with_weight(np.square(known.weight))
    return counts, from_matrix(confusion_matrix(squared, codes), k)


def _of_rows(metric: Metric, known: Scores) -> tuple[float, Ingredients, str]:
    value, error, n = mean_of_rows(ROW_LOSSES[metric.name], known)
    note = ""
    if metric.name == "log_loss" and (clipped := n_clipped(known)):
        note = f"{clipped:,} row(s) gave their true class probability 0: without clipping the value is infinite"
    return value, Mean(value, error, n, *metric.range), note


def _of_order(metric: Metric, table: ThresholdTable, seed: int) -> Ingredients | None:
    if metric.name == "roc_auc":
        return _auc.delong(table)
    if metric.name != "average_precision":
        return None
    if not table.weighted and table.n_pos + table.n_neg <= BOOTSTRAP_ROWS:
        from cutline.evidence.bootstrap import bootstrap_ap

        return bootstrap_ap(table, seed=seed)
    r = table.ranking(full=False)
    effective = r.positives**2 / r.square_positives if r.positives else 0.0
    return LogitProportion(metric.value(table), effective)
