"""An estimate: a value with its uncertainty, and all that is needed to judge it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from cutline.errors import InputError, UnknownName
from cutline.evidence import auc as _auc
from cutline.evidence.clusters import clustered
from cutline.evidence.delta import Linear, delta_interval, ratio_ingredients
from cutline.evidence.figures import (
    ROW_MEANS,
    accelerated,
    bootstrap_figure,
    bootstrap_some,
    clusters_of,
    figure_of,
)
from cutline.evidence.intervals import (
    NAMES,
    CellPosterior,
    F1FromJaccard,
    Ingredients,
    LogitProportion,
    Mean,
    Proportion,
    Replicates,
    Scaled,
    State,
    z_of,
)
from cutline.evidence.proportions import EXACT, ProportionMethod
from cutline.evidence.resample import REPLICATES, bootstrap_matrix, bootstrap_table, gap_ingredients
from cutline.labels import Shown
from cutline.metrics import Counts, Metric, ThresholdTable, checked_decision, confusion_matrix, decided
from cutline.metrics.pairwise import ClassOrder, class_order
from cutline.metrics.probability import mean_of_rows, n_clipped
from cutline.scores import Role, Scores

FEW = 8
"""Rows of a class below which means of losses of two classes are not to be trusted."""
SKEWED = 50_000
"""Rows up to which a mean of rows is corrected for their skewness; beyond, it is no more than a thousandth."""
LONG = 50_000
"""Rows from which on average precision takes its error from a formula of the positives alone, to save a pass."""
KAPPAS = ("cohen_kappa", "linear_kappa", "quadratic_kappa")
SHARES_OF_ROWS = ("accuracy", "off_by_one_accuracy", "micro_precision", "micro_recall", "micro_f1")
"""Metrics of a confusion matrix of several classes that are a share of its rows."""
METHODS = ("bootstrap", "bca", "delta", *NAMES)


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
    widened : float
        How many times as wide the interval is as that of independent rows, about: a factor of its normal quantile.
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
    widened: float = 1.0

    def interval(self, confidence: float | None = None) -> tuple[float, float]:
        """Two-sided interval at any confidence level, from the ingredients alone."""
        level = self.confidence if confidence is None else confidence
        z = z_of(level)  # checks the level
        if self.widened != 1:
            level = math.erf(z * self.widened / math.sqrt(2))
        if self.ingredients is None or math.isnan(self.value):
            return math.nan, math.nan
        low, high = self.ingredients.interval(level)
        if math.isinf(self.value):
            high = math.inf
        first, last = self.metric.range
        low, high = min(max(low, first), last), max(min(high, last), first)
        # Percentiles of a figure that resampling biases may leave it out: an interval holds its estimate.
        return (min(low, self.value), max(high, self.value)) if not math.isnan(low) else (low, high)

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
    method: str | None = None,
) -> Estimate:
    """Estimate one metric of scores with an interval.

    Parameters
    ----------
    metric : Metric
        What to estimate.
    scores : Scores
        Truth and scores; rows without truth or weight do not count. Rows in clusters (`groups`) get intervals that
        sum or draw whole clusters (`cutline.evidence.clusters`).
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
    method : str, optional
        The interval, in place of the default one: "bootstrap" (percentiles) and "bca" of any metric; "delta" of any
        metric of a confusion matrix; "wald" of ROC AUC; those of `proportion_interval` of a proportion.

    Examples
    --------
    >>> import cutline as cl
    >>> s = cl.Scores(y_true=[0, 0, 1, 1, 1], y_score=[0.1, 0.6, 0.4, 0.8, 0.9], kind="probability")
    >>> cl.estimate(cl.recall, s, at=0.5)
    recall 0.6667 [0.2077, 0.9385] (n=5, Wilson)
    >>> cl.estimate(cl.recall, s, at=0.5, method="clopper-pearson")
    recall 0.6667 [0.0943, 0.9916] (n=5, Clopper-Pearson)
    """
    if decision is not None:
        decision = checked_decision(scores, decision)[scores.counting]
    known = scores.known()
    z_of(confidence)  # checks the level
    metric.check(known)
    ingredients: Ingredients | None
    if method is not None:
        value, ingredients, note = _named(method, metric, known, at, decision, seed)
    elif clusters_of(known) is not None:
        value, ingredients, note = clustered(metric, known, at=at, decision=decision, seed=seed)
    else:
        value, ingredients, note = _with_ingredients(metric, known, at, decision, seed, table)
    return Estimate(
        metric,
        value,
        known.n,
        known.n_pos if known.binary else -1,
        ingredients,
        confidence,
        known.role,
        at if metric.of_counts else None,
        note,
    )


def estimated(
    metric: Metric,
    known: Scores,
    value: float,
    ingredients: Ingredients | None,
    note: str = "",
    confidence: float = 0.95,
    at: float | None = None,
    n_pos: int | None = None,
    decision: NDArray[Any] | None = None,
) -> Estimate:
    """The estimate of a value that was computed from `known`.

    The ingredients are those of independent rows; of rows in clusters they are made anew. For that count metrics need
    the `decision` (or `at`), and metrics of one class `known` as one against the rest; else there is no interval.
    """
    if clusters_of(known) is not None:
        decides = bool(metric.of_counts or metric.of_matrix)
        told = decision is not None or at is not None or known.kind == "label" or not known.binary
        if (known.binary or metric.of_matrix or metric.of_scores) and (told or not decides):
            value, ingredients, note = clustered(metric, known, at=at, decision=decision)
        else:
            ingredients, note = None, "rows come in clusters: an interval for independent rows is refused"
    if n_pos is None:
        n_pos = known.n_pos if known.binary else -1
    return Estimate(metric, value, known.n, n_pos, ingredients, confidence, known.role, at, note)


def _named(
    method: str, metric: Metric, known: Scores, at: float | None, decision: NDArray[Any] | None, seed: int
) -> tuple[float, Ingredients, str]:
    """Value and the ingredients of a method asked for by name."""
    if method not in METHODS:
        raise UnknownName.among("method", method, METHODS)
    figure = figure_of(metric, known, at, decision)
    value = figure(np.ones(known.n))
    if method in ("bootstrap", "bca"):
        values = bootstrap_figure([figure], known, replicates=REPLICATES, seed=seed)[:, 0]
        member = clusters_of(known)
        how, units = ("Poisson bootstrap", known.n) if member is None else ("cluster bootstrap", int(member.max()) + 1)
        found = Replicates(values, how, value=value, units=units)
        return value, accelerated(found, figure, known, seed) if method == "bca" else found, ""
    if clusters_of(known) is not None:
        raise InputError("method", f"{method!r} for rows in clusters (groups=)", "independent rows", "'bootstrap'")
    if method == "wald" and metric.name == "roc_auc" and known.binary:
        return value, replace(_auc.delong(ThresholdTable.from_scores(known)), scale="wald"), ""
    if metric.of_matrix or (metric.of_counts and known.binary):
        codes = decided(known, at) if decision is None else decision
        matrices = [confusion_matrix(known, codes)]
        if known.weight is not None:
            matrices.append(confusion_matrix(known.with_weight(np.square(known.weight)), codes))
        if known.binary and known.classes.index(known.classes.positive) == 0:
            matrices = [m[::-1, ::-1] for m in matrices]
        if method == "delta":
            return value, delta_interval(metric, *matrices), ""
        if metric.proportion and known.binary:
            if known.weight is not None and method in EXACT:
                hint = "'wilson' takes their effective number"
                raise InputError("method", f"{method!r} for weighted rows", "rows without weights", hint)
            counts = [Counts(m[1, 1], m[0, 1], m[1, 0], m[0, 0]) for m in matrices]
            made = count_ingredients(metric, counts[0], counts[1] if known.weight is not None else None)
            assert isinstance(made, Proportion)
            return value, replace(made, how=cast(ProportionMethod, method)), ""
    wanted = "'bootstrap' or 'bca'" + (", 'delta'" if metric.of_matrix or metric.of_counts else "")
    raise InputError("method", f"{method!r} for {metric.name}", wanted)


def _with_ingredients(
    metric: Metric,
    known: Scores,
    at: float | None,
    decision: NDArray[Any] | None,
    seed: int,
    table: ThresholdTable | None,
) -> tuple[float, Ingredients | None, str]:
    if metric.name in ROW_MEANS:
        return _of_rows(metric, known)
    if metric.of_table and known.binary:
        table = ThresholdTable.from_scores(known) if table is None else table
        value = metric.value(table)
        return value, _of_order(metric, table, seed), ""
    if metric.of_scores:
        if metric.name == "macro_roc_auc" and not known.binary:
            return of_macro_auc(class_order(known, influence=True), known.n)
        value = metric.value(known)
        if metric.name.startswith("top_"):
            return value, _share_of_rows(value, known), ""
        return value, replace(bootstrap_some(metric, known, seed=seed), enough=_enough(known)), ""
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
    scale = 1.0 if known.weight is None else known.weight.sum() / np.square(known.weight).sum()
    made: dict[str, Ingredients] = {}
    for m in metrics:
        if m.name in SHARES_OF_ROWS:
            made[m.name] = _share_of_rows(m.value(matrix), known)
        elif m.name in KAPPAS:
            made[m.name] = delta_interval(m, matrix * scale)
    others = [m for m in metrics if m.name not in made]
    if others:
        replicates = bootstrap_matrix(others, matrix * scale, seed=seed)
        made.update({m.name: r for m, r in zip(others, replicates, strict=True)})
    return [(m.value(matrix), made[m.name]) for m in metrics]


def _share_of_rows(value: float, known: Scores) -> Proportion:
    n = float(known.n) if known.weight is None else known.weight.sum() ** 2 / np.square(known.weight).sum()
    return Proportion(value * n, n, known.weight is not None)


def of_macro_auc(order: ClassOrder, n: int) -> tuple[float, Ingredients, str]:
    """Value, ingredients and note of the macro one-vs-rest AUC."""
    value, error, classes = _auc.macro_auc(order)
    note = "" if classes == len(order.support) else f"over the {classes} classes that have rows"
    fewest = min((r.rows_positive for r in order.rankings if r.rows_positive), default=0)
    return value, Linear(value, error, "DeLong influence, logit t", 0.0, 1.0, "logit", min(fewest, n) - 1), note


def count_ingredients(metric: Metric, counts: Counts, squares: Counts | None = None, seed: int = 0) -> Ingredients:
    """Ingredients of a count metric from counts; `squares` (sums of w^2) when these are sums of weights."""
    if metric.proportion:
        return _proportion(metric.proportion(counts), None if squares is None else metric.proportion(squares))
    if metric.name == "f1":
        jaccard = (counts.tp, counts.tp + counts.fp + counts.fn)
        return F1FromJaccard(
            _proportion(jaccard, None if squares is None else (squares.tp, squares.tp + squares.fp + squares.fn))
        )
    ratio = ratio_ingredients(metric, _effective(counts, squares))
    if ratio is not None:
        return ratio
    scale = 1.0 if squares is None else counts.total / squares.total
    tp, fp, fn, tn = (float(c) * scale for c in (counts.tp, counts.fp, counts.fn, counts.tn))
    return CellPosterior(metric, (tp, fp, fn, tn), seed)


def _effective(counts: Counts, squares: Counts | None) -> Counts:
    """Counts of effective rows, each class by its own number."""
    if squares is None:
        return counts
    p, n = (
        float(a) / float(b) if b else 0.0
        for a, b in ((counts.positives, squares.positives), (counts.negatives, squares.negatives))
    )
    return Counts(counts.tp * p, counts.fp * n, counts.fn * p, counts.tn * n)


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
    value, error, n = mean_of_rows(ROW_MEANS[metric.name], known)
    skewness = 0.0
    if known.n <= SKEWED and error > 0:
        gap = ROW_MEANS[metric.name](known) - value
        third, second = (float(np.average(gap**k, weights=known.weight)) for k in (3, 2))
        skewness = third / second**1.5
    note = ""
    if metric.name == "log_loss" and (clipped := n_clipped(known)):
        note = f"{clipped:,} row(s) gave their true class probability 0: without clipping the value is infinite"
    return value, Mean(value, error, n, *metric.range, skewness, _enough(known)), note


def _enough(known: Scores) -> bool:
    """Whether each of two classes has rows enough for its losses to be more than a guess."""
    return not known.binary or min(known.n_pos, known.n - known.n_pos) >= FEW


def _of_order(metric: Metric, table: ThresholdTable, seed: int) -> Ingredients:
    if metric.name == "roc_auc":
        return _auc.delong(table)
    if metric.name == "gini":
        return Scaled(_auc.delong(table), 2, -1)
    if metric.name == "ks":
        return gap_ingredients(table, seed=seed)
    if metric.name == "average_precision":
        if table.n_pos + table.n_neg <= LONG:
            return _auc.average_precision_interval(table)
        r = table.ranking()
        return LogitProportion(metric.value(table), r.positives**2 / r.square_positives if r.positives else 0.0)
    return bootstrap_table(metric, table, seed=seed, stratified=metric.name.startswith("partial_auc"))
