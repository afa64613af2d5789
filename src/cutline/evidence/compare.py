"""Is one model better than another? Differences of figures on the same rows, with interval, p and Holm's correction."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from cutline import core
from cutline.errors import InputError, LabelError, ScoreError, ShapeError, UnknownName
from cutline.evidence.estimate import finite
from cutline.evidence.intervals import Ingredients, Replicates, State, wilson, z_of
from cutline.evidence.multiplicity import adjusted
from cutline.evidence.paired import (
    FEW,
    Influence,
    PairedDifference,
    PairedTable,
    Studentized,
    TwoAreas,
    apart,
    auc_influence,
    clusters_of,
    delong_test,
    ratio_influence,
    together,
    units_of,
)
from cutline.evidence.resample import REPLICATES
from cutline.labels import Shown
from cutline.metrics import Counts, Metric, ThresholdTable, confusion_matrix, decided, find
from cutline.metrics.probability import ROW_LOSSES
from cutline.metrics.table import Weights
from cutline.scores import Role, Scores

TOGETHER = 32
"""Replicates drawn at a time; the kernel's number of lanes."""


class WithP(Ingredients, Protocol):
    """Ingredients of a difference: they know the p of no difference, too."""

    @property
    def p(self) -> float:
        """Two-sided; 1 where nothing can be tested."""


ENOUGH = 400
"""Replicates from which their spread is known well enough to go on where they end."""


@dataclass(frozen=True, slots=True, eq=False)
class Resampled:
    """Bootstrap replicates of a difference: percentile interval, and p from the smaller tail.

    The bootstrap knows neither n / (n - 1) nor t: below 30 `units` (rows, or clusters, of the smaller class) both are
    put back, by taking percentiles further out (the expanded percentiles of Hesterberg 2015).
    """

    replicates: Replicates
    units: float = math.inf

    @property
    def method(self) -> str:
        """Name."""
        return self.replicates.method + (", expanded" if self._expanded else "")

    @property
    def state(self) -> State:
        """That of the replicates; insufficient with fewer than two units."""
        return "insufficient" if self.units < 2 else self.replicates.state

    @property
    def p(self) -> float:
        """2 min (1 + replicates on one side of 0) / (1 + replicates); an undefined one counts on both sides.

        Beyond the resolution of the replicates the normal tail of their median and spread goes on, so that a correction
        for many comparisons does not hide what is plain.
        """
        if self.state != "ok":
            return 1.0
        values = self.replicates.values
        tails = (values.size - np.count_nonzero(values > 0), values.size - np.count_nonzero(values < 0))
        p = min(1.0, 2 * (1 + min(tails)) / (1 + values.size))
        if min(tails) < 5 and values.size >= ENOUGH:
            from scipy.special import ndtr

            seen = values[np.isfinite(values)]
            p = min(p, float(2 * ndtr(-abs(np.median(seen)) / seen.std())))
        if not self._expanded:
            return p
        from scipy.special import ndtri, stdtr

        return float(2 * stdtr(self.units - 1, ndtri(p / 2) / math.sqrt(self.units / (self.units - 1))))

    def interval(self, level: float) -> tuple[float, float]:
        """Percentiles."""
        if self.units < 2:
            return math.nan, math.nan
        if self._expanded:
            from scipy.special import ndtr, stdtrit

            t = stdtrit(self.units - 1, (1 + level) / 2) * math.sqrt(self.units / (self.units - 1))
            level = min(1 - 2 * float(ndtr(-t)), 1 - 1e-12)
        return self.replicates.interval(level)

    @property
    def _expanded(self) -> bool:
        return self.units < FEW


@dataclass(frozen=True, slots=True, repr=False)
class Difference(Shown):
    """How much better the first is than the second, with its uncertainty.

    Attributes
    ----------
    first, second : str
        Names of the models.
    metric : Metric
    first_value, second_value : float
        The figure of each.
    ingredients : WithP or None
        What interval and p are computed from; None when a figure is undefined.
    p_adjusted : float
        Holm's p over all differences of the comparison.
    n, n_pos : int
        Rows, and how many of them are positive (-1 for several classes); of both together when they are different rows.
    confidence : float
        The level of `low`, `high` and of the verdict.
    margin : float or None
        How much worse the first may be to count as non-inferior.
    note : str
    """

    first: str
    second: str
    metric: Metric
    first_value: float
    second_value: float
    ingredients: WithP | None
    p_adjusted: float
    n: int
    n_pos: int
    confidence: float = 0.95
    margin: float | None = None
    note: str = ""

    @property
    def value(self) -> float:
        """First minus second."""
        return self.first_value - self.second_value

    @property
    def p(self) -> float:
        """Two-sided p of no difference; 1 where nothing can be tested."""
        return 1.0 if self.ingredients is None else self.ingredients.p

    @property
    def state(self) -> State:
        """ok, undefined (a figure is 0/0), degenerate (no spread), insufficient (too few rows or clusters)."""
        return "undefined" if self.ingredients is None else self.ingredients.state

    @property
    def method(self) -> str:
        """Name of the method."""
        return "none" if self.ingredients is None else self.ingredients.method

    def interval(self, confidence: float | None = None) -> tuple[float, float]:
        """Two-sided interval at any level, from the ingredients alone."""
        level = self.confidence if confidence is None else confidence
        z_of(level)  # checks the level
        return (math.nan, math.nan) if self.ingredients is None else self.ingredients.interval(level)

    @property
    def low(self) -> float:
        """Lower limit at `confidence`."""
        return self.interval()[0]

    @property
    def high(self) -> float:
        """Upper limit at `confidence`."""
        return self.interval()[1]

    @property
    def limit(self) -> float:
        """One-sided limit at `confidence`: how bad for the first the difference may be."""
        low, high = self.interval(2 * self.confidence - 1)
        return low if self.metric.maximize else high

    @property
    def non_inferior(self) -> bool | None:
        """Whether the first is at most `margin` worse, by the one-sided limit; None without a margin.

        An interval without width, of a difference without spread, shows nothing.
        """
        if self.margin is None:
            return None
        low, high = self.interval(2 * self.confidence - 1)
        if not low < high:
            return False
        return self.limit > -self.margin if self.metric.maximize else self.limit < self.margin

    @property
    def distinguishable(self) -> bool:
        """Whether the adjusted p is at most 1 - `confidence`."""
        return self.state == "ok" and self.p_adjusted <= 1 - self.confidence

    @property
    def more_rows(self) -> int | None:
        """About how many more rows would show a difference of this size, two digits; None when it is shown, or 0.

        The interval shrinks with the root of n; at Holm's level for this difference it must no longer hold 0.
        """
        if self.state != "ok" or self.distinguishable or self.value == 0:
            return None
        alpha = (1 - self.confidence) * min(self.p / self.p_adjusted, 1.0)
        low, high = self.interval(1 - alpha)
        more = self.n * (((high - low) / 2 / self.value) ** 2 - 1)
        if not math.isfinite(more) or more <= 0:
            return None
        return _two_digits(more)

    @property
    def verdict(self) -> str:
        """One sentence."""
        if self.state == "degenerate" and self.value == 0:
            said = "no difference on these rows"
        elif self.state != "ok":
            said = {"undefined": "a figure is undefined", "degenerate": "no spread to test against"}.get(
                self.state, "too few rows to tell"
            )
        elif self.distinguishable:
            better = (self.value > 0) == self.metric.maximize
            said = "they differ" if self.metric.maximize is None else f"{(self.second, self.first)[better]} is better"
        else:
            said = "not distinguishable"
            if more := self.more_rows:
                positives = f" ({_two_digits(more * self.n_pos / self.n):,} positive)" if self.n_pos >= 0 else ""
                said += f"; about {more:,} more rows{positives} would be needed"
        if self.margin is not None:
            known = "non-inferior" if self.non_inferior else "non-inferiority not shown"
            said += f"; {self.first} {known} within {self.margin:g}"
        return said

    def at(self, confidence: float) -> Difference:
        """The same at another level."""
        return replace(self, confidence=confidence)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON: nan and infinities become None."""
        low, high = self.interval()
        return {
            "first": self.first,
            "second": self.second,
            "metric": self.metric.name,
            "first_value": finite(self.first_value),
            "second_value": finite(self.second_value),
            "difference": finite(self.value),
            "low": finite(low),
            "high": finite(high),
            "confidence": self.confidence,
            "p": self.p,
            "p_adjusted": self.p_adjusted,
            "n": self.n,
            "n_pos": self.n_pos if self.n_pos >= 0 else None,
            "method": self.method,
            "state": self.state,
            "margin": self.margin,
            "limit": None if self.margin is None else finite(self.limit),
            "non_inferior": self.non_inferior,
            "more_rows": self.more_rows,
            "verdict": self.verdict,
            "note": self.note,
        }

    def __repr__(self) -> str:
        low, high = self.interval()
        inside = "" if math.isnan(low) else f" [{low:.4g}, {high:.4g}]"
        p = f"p {self.p:.3g}" + ("" if self.p == self.p_adjusted else f", Holm {self.p_adjusted:.3g}")
        return f"{self.first} - {self.second}: {self.value:.4g}{inside}, {p}: {self.verdict}"


def _two_digits(number: float) -> int:
    """Rounded up; at least 1."""
    step = 10 ** max(math.floor(math.log10(max(number, 1))) - 1, 0)
    return max(math.ceil(number / step) * step, 1)


@dataclass(frozen=True, slots=True, repr=False)
class Comparison(Shown):
    """Models compared by one figure.

    Attributes
    ----------
    metric : Metric
    names : tuple of str
    values : tuple of float
        The figure of each model; entry i belongs to ``names[i]``.
    differences : tuple of Difference
        All pairs in the order of the names, or each model minus the reference.
    n, n_pos : int
        Rows that count, and the positive ones (-1 for several classes); of all models when not paired.
    clusters : int
        Clusters of rows, 0 when rows are independent.
    confidence : float
    paired : bool
    role : str
        What the rows were used for.
    notes : tuple of str
    """

    metric: Metric
    names: tuple[str, ...]
    values: tuple[float, ...]
    differences: tuple[Difference, ...]
    n: int
    n_pos: int
    clusters: int
    confidence: float
    paired: bool
    role: Role
    notes: tuple[str, ...]

    def __getitem__(self, pair: tuple[str, str]) -> Difference:
        """The difference of two models, in the order in which it was made."""
        for found in self.differences:
            if (found.first, found.second) == tuple(pair):
                return found
        made = ", ".join(f"({d.first!r}, {d.second!r})" for d in self.differences)
        raise InputError("pair", repr(pair), f"one of {made}")

    def at(self, confidence: float) -> Comparison:
        """The same with intervals and verdicts at another level."""
        z_of(confidence)
        differences = tuple(d.at(confidence) for d in self.differences)
        return replace(self, differences=differences, confidence=confidence)

    def rows(self) -> dict[str, list[Any]]:
        """The differences as columns."""
        limits = [d.interval() for d in self.differences]
        return {
            "first": [d.first for d in self.differences],
            "second": [d.second for d in self.differences],
            "metric": [d.metric.name for d in self.differences],
            "first_value": [d.first_value for d in self.differences],
            "second_value": [d.second_value for d in self.differences],
            "difference": [d.value for d in self.differences],
            "low": [low for low, _ in limits],
            "high": [high for _, high in limits],
            "p": [d.p for d in self.differences],
            "p_adjusted": [d.p_adjusted for d in self.differences],
            "n": [d.n for d in self.differences],
            "method": [d.method for d in self.differences],
            "state": [d.state for d in self.differences],
            "verdict": [d.verdict for d in self.differences],
        }

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, with a ``schema_version``."""
        return {
            "schema_version": 1,
            "metric": self.metric.name,
            "values": {name: finite(value) for name, value in zip(self.names, self.values, strict=True)},
            "differences": [d.to_dict() for d in self.differences],
            "n": self.n,
            "n_pos": self.n_pos if self.n_pos >= 0 else None,
            "clusters": self.clusters or None,
            "confidence": self.confidence,
            "paired": self.paired,
            "correction": "holm",
            "role": self.role,
            "notes": list(self.notes),
        }

    def to_frame(self) -> Any:
        """`rows` as a pyarrow Table; ``.to_pandas()`` or ``polars.from_arrow`` make it yours."""
        import pyarrow as pa

        return pa.table(self.rows())

    def __repr__(self) -> str:
        who = f", {self.n_pos:,} positive" if self.n_pos >= 0 else ""
        who += f", {self.clusters:,} clusters" if self.clusters else ""
        role = f", {self.role}" if self.role else ""
        rows = "the same rows" if self.paired else "different rows"
        lines = [f"{self.metric.label} on {rows} (n={self.n:,}{who}{role})"]
        wide = max(map(len, self.names))
        lines += [f"  {name:<{wide}}  {value:.4f}" for name, value in zip(self.names, self.values, strict=True)]
        lines += [f"  {d!r} ({d.method})" for d in self.differences]
        return "\n".join([*lines, *(f"  note: {note}" for note in self.notes)])


def compare(
    models: Mapping[str, Scores],
    metric: Metric | str,
    *,
    at: float | Mapping[str, float] | None = None,
    reference: str | None = None,
    confidence: float = 0.95,
    margin: float | None = None,
    paired: bool = True,
    on: Literal["ids", "order"] | None = None,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Comparison:
    """Compare models by a metric: differences with intervals, p and Holm's correction.

    ROC AUC by DeLong (with t where a class has fewer than 30 rows); proportions with a fixed denominator (accuracy,
    recall, fpr, ...) by McNemar's mid-p, exact below 10 rows on which they differ, and Tango's interval; means over
    rows (log loss, Brier) by t on the differences; any other metric by a bootstrap in which all models see the same
    resampled rows. Rows in clusters enter by clusters: cluster-robust t, or whole clusters drawn (below 30 of them a
    jackknife over clusters with t). The same jackknife stands in below 30 rows.

    Parameters
    ----------
    models : mapping of str to Scores
        Two or more. The same rows with the same truth, weights and groups; in any order where all have ids.
    metric : Metric or str
    at : float or mapping of model name to float, optional
        Threshold of count metrics of binary scores.
    reference : str, optional
        Compare every other model with this one, in place of all pairs.
    confidence : float
        Level of intervals and verdicts; of one side with a margin.
    margin : float, optional
        Non-inferiority: how much worse than the second a first may be. State it before you look; each verdict of
        several stands on its own.
    paired : bool
        False for models that were scored on different rows: Welch's t, Newcombe's interval with the score test, or a
        bootstrap of each.
    on : {"ids", "order"}, optional
        How rows are matched; by ids where all models have them.
    replicates, seed : int
        Of methods that resample.

    Raises
    ------
    InputError
        Fewer than two models; `ShapeError` for other rows, `LabelError` for other truth or classes.

    Examples
    --------
    >>> import numpy as np, cutline as cl
    >>> from cutline.evidence.compare import compare
    >>> rng = np.random.default_rng(0)
    >>> y = rng.random(400) < 0.3
    >>> a = cl.Scores(y_true=y, y_score=rng.normal(size=400) + 1.5 * y, kind="rank")
    >>> b = cl.Scores(y_true=y, y_score=rng.normal(size=400) + y, kind="rank")
    >>> compare({"gbm": a, "logit": b}, metric=cl.roc_auc)
    ROC AUC on the same rows (n=400, 105 positive)
      gbm    0.8611
      logit  0.7764
      gbm - logit: 0.08468 [0.01833, 0.151], p 0.0124: gbm is better (paired DeLong)
    """
    metric = find(metric) if isinstance(metric, str) else metric
    _check(models, metric, reference, confidence, margin, replicates)
    names = tuple(models)
    known = _aligned(models, on) if paired else {name: one.known() for name, one in models.items()}
    cuts = _cuts(metric, known, at)
    values = {name: metric.value(one, at=cuts[name]) for name, one in known.items()}
    pairs = list(combinations(names, 2)) if reference is None else [(n, reference) for n in names if n != reference]
    made = _ingredients(metric, known, cuts, pairs, values, paired, replicates, seed)
    holm = adjusted([1.0 if one is None else one.p for one in made])
    differences = []
    for (first, second), one, p in zip(pairs, made, holm, strict=True):
        n, n_pos = _sizes((known[first],) if paired else (known[first], known[second]))
        found = (first, second, metric, values[first], values[second], one, float(p), n, n_pos, confidence, margin)
        differences.append(Difference(*found))
    rows = tuple(known.values())[:1] if paired else tuple(known.values())
    roles: set[Role] = {one.role for one in known.values()}
    return Comparison(
        metric,
        names,
        tuple(values.values()),
        tuple(differences),
        *_sizes(rows),
        sum(0 if one.groups is None else int(member_of(one).max()) + 1 for one in rows),
        confidence,
        paired,
        roles.pop() if len(roles) == 1 else "",
        _notes(known, roles),
    )


def _sizes(rows: tuple[Scores, ...]) -> tuple[int, int]:
    return sum(one.n for one in rows), sum(one.n_pos for one in rows) if rows[0].binary else -1


def _notes(known: Mapping[str, Scores], roles: set[Role]) -> tuple[str, ...]:
    notes = [note for one in known.values() for note in one.notes]
    if len(roles) > 1:
        notes.append(f"the rows are said to have different roles: {', '.join(sorted(r or 'none' for r in roles))}")
    return tuple(dict.fromkeys(notes))


# --- what may be compared -------------------------------------------------------------------------------------------


def _check(
    models: Any, metric: Metric, reference: str | None, confidence: float, margin: float | None, replicates: int
) -> None:
    z_of(confidence)
    if not isinstance(models, Mapping) or len(models) < 2:
        came = f"{len(models)} model(s)" if isinstance(models, Mapping) else type(models).__name__
        raise InputError("models", came, "a mapping of at least two names to Scores")
    for name, one in models.items():
        if not isinstance(one, Scores):
            raise InputError(f"models[{name!r}]", type(one).__name__, "Scores")
    if reference is not None and reference not in models:
        raise UnknownName.among("reference", str(reference), map(str, models))
    if replicates < 1:
        raise InputError("replicates", repr(replicates), "at least one")
    if margin is None:
        return
    if metric.maximize is None:
        raise InputError("margin", f"a margin for {metric.name}", "a metric with a better end", "such as roc_auc")
    if not 0 < margin < math.inf:
        raise InputError("margin", repr(margin), "a positive number: how much worse is still acceptable")
    if confidence <= 0.5:
        raise InputError("confidence", repr(confidence), "above 0.5 for a one-sided limit")


def _aligned(models: Mapping[str, Scores], on: str | None) -> dict[str, Scores]:
    """The rows that count, in the order of the first model."""
    if on not in (None, "ids", "order"):
        raise UnknownName.among("on", str(on), ("ids", "order"))
    name, first = next(iter(models.items()))
    by_ids = on == "ids" or (on is None and all(one.ids is not None for one in models.values()))
    out = {}
    for other, one in models.items():
        here = f"models[{other!r}]"
        if one.classes != first.classes:
            wanted = f"those of {name!r}: {first.classes}"
            raise LabelError(here, repr(one.classes), wanted, "give all Scores the same classes= and positive=")
        one = one.take(_order(name, first, other, one)) if by_ids else one
        if one.n != first.n:
            raise ShapeError(here, f"{one.n:,} rows", f"the {first.n:,} rows of {name!r}", "paired=False for others")
        for field in ("truth", "weight", "groups"):
            mine, theirs = getattr(first, field), getattr(one, field)
            if (mine is None) != (theirs is None):
                owner = other if mine is None else name
                raise InputError(here, f"{field} for {owner!r} only", f"the same {field} for all models")
            if mine is not None and not np.array_equal(mine, theirs):
                rows = int(np.count_nonzero(mine != theirs))
                hint = "give ids= to match rows in another order, or paired=False for different rows"
                raise LabelError(here, f"another {field} in {rows:,} row(s)", f"the {field} of {name!r}", hint)
        out[other] = one.known()
    return out


def _order(name: str, first: Scores, other: str, one: Scores) -> NDArray[np.int64]:
    """Where the rows of `first` stand in `one`."""
    for who, scores in ((name, first), (other, one)):
        if scores.ids is None:
            raise InputError(f"models[{who!r}]", "no ids", "ids for all models", "or on='order'")
        if len(set(scores.ids.tolist())) < scores.n:
            raise InputError(f"models[{who!r}]", "ids that occur twice", "one id for each row")
    assert first.ids is not None
    assert one.ids is not None
    place = {value: i for i, value in enumerate(one.ids.tolist())}
    found = [place.get(value, -1) for value in first.ids.tolist()]
    common = sum(i >= 0 for i in found)
    if common < max(first.n, one.n):
        raise ShapeError(
            f"models[{other!r}]",
            f"{one.n:,} rows, {common:,} of them with an id of {name!r}",
            f"the {first.n:,} rows of {name!r}",
            "keep the rows that all have, or paired=False for different rows",
        )
    return np.array(found)


def _cuts(metric: Metric, known: Mapping[str, Scores], at: Any) -> dict[str, float | None]:
    """The threshold of every model; None where there is nothing to cut."""
    if isinstance(at, Mapping):
        for name in at:
            if name not in known:
                raise UnknownName.among("at", str(name), known)
        return {name: at.get(name) if metric.of_counts else None for name in known}
    kinds = {one.kind for one in known.values() if one.kind != "label"}
    if at is not None and metric.of_counts and len(kinds) > 1:
        hint = "at={'name': 0.5, ...}"
        raise ScoreError("at", f"one threshold for scores of kinds {sorted(kinds)}", "one for each model", hint)
    return dict.fromkeys(known, at if metric.of_counts else None)


# --- one method for each kind of metric -----------------------------------------------------------------------------


def _ingredients(
    metric: Metric,
    known: Mapping[str, Scores],
    cuts: Mapping[str, float | None],
    pairs: list[tuple[str, str]],
    values: Mapping[str, float],
    paired: bool,
    replicates: int,
    seed: int,
) -> list[WithP | None]:
    undefined = [math.isnan(values[a] - values[b]) for a, b in pairs]
    made: list[WithP | None] = [None] * len(pairs)
    if all(undefined):
        return made
    shares = {name: share_of_rows(metric, one, cuts[name]) for name, one in known.items()}
    if all(share is not None for share in shares.values()):
        means = {name: share for name, share in shares.items() if share is not None}
        for i, (a, b) in enumerate(pairs):
            if not undefined[i]:
                made[i] = of_means(metric, known[a], known[b], means[a], means[b], paired)
        if not any(one is None and not gone for one, gone in zip(made, undefined, strict=True)):
            return made
    drawn = _resampled(metric, known, cuts, paired, replicates, seed)
    for i, (a, b) in enumerate(pairs):
        if not undefined[i] and made[i] is None:
            made[i] = drawn(a, b)
    return made


Share = tuple[NDArray[Any], NDArray[Any]]
"""Numerator and denominator of a mean over rows, each of shape (n,)."""


def share_of_rows(metric: Metric, known: Scores, at: float | None) -> Share | Literal["auc"] | None:
    """How a metric is a mean over rows; "auc" for ROC AUC, which is one over placements; None for all others."""
    if metric.name == "roc_auc":
        return "auc"
    if metric.name in ROW_LOSSES:
        return ROW_LOSSES[metric.name](known), np.ones(known.n)
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
    return auc_influence(known) if share == "auc" else ratio_influence(*share, known)


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
    plain = one.groups is None and one.weight is None and two.groups is None and two.weight is None
    a, b = influence_of(metric, one, first), influence_of(metric, two, second)
    if first == "auc" or second == "auc":
        if not (a.small or b.small):
            return delong_test(one, two, paired=paired)
        if paired:
            return together(a, b, "paired DeLong, t", reach)
        if one.groups is not None or two.groups is not None:
            return apart(a, b, "DeLong, unpaired", reach)
        return TwoAreas.of(a, b)
    (k, d), (k2, d2) = first, second
    if not paired:
        if metric.proportion and plain:
            return TwoProportions(int(k.sum()), int(d.sum()), int(k2.sum()), int(d2.sum()))
        return apart(a, b, "Welch t", reach)
    if not np.array_equal(d, d2):
        return None
    if metric.proportion and plain:
        return PairedDifference(PairedTable.of(k[d > 0], k2[d > 0]))
    # What is left of equal numbers after rounding is no difference.
    gap = np.where(np.abs(k - k2) <= 1e-14 * np.maximum(np.abs(k), np.abs(k2)), 0.0, k - k2)
    same = ratio_influence(gap, d, one)
    return together(same, ratio_influence(np.zeros_like(d), d, one), "paired t", reach)


@dataclass(frozen=True, slots=True)
class TwoProportions:
    """Difference of the proportions of different rows: Newcombe's interval (1998c, method 10) and the score test.

    Where fewer than 5 rows of a cell are expected, the exact test of Fisher 1935 in place of the score test.
    """

    first: int
    of_first: int
    second: int
    of_second: int

    @property
    def method(self) -> str:
        """Name."""
        return "Fisher exact, Newcombe" if self._sparse else "score test, Newcombe"

    @property
    def state(self) -> State:
        """Undefined without rows on a side; degenerate when all or none are counted."""
        if not (self.of_first and self.of_second):
            return "undefined"
        return "ok" if 0 < self.first + self.second < self.of_first + self.of_second else "degenerate"

    @property
    def _sparse(self) -> bool:
        total, yes = self.of_first + self.of_second, self.first + self.second
        return min(self.of_first, self.of_second) * min(yes, total - yes) < 5 * total

    @property
    def p(self) -> float:
        """Two-sided."""
        from scipy.special import gammaln, ndtr

        if self.state != "ok":
            return 1.0
        n, m, yes = self.of_first, self.of_second, self.first + self.second
        if not self._sparse:
            pooled = yes / (n + m)
            gap = self.first / n - self.second / m
            return 2 * float(ndtr(-abs(gap) / math.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))))
        k = np.arange(max(0, yes - m), min(n, yes) + 1)
        log = -(gammaln(k + 1) + gammaln(n - k + 1) + gammaln(yes - k + 1) + gammaln(m - yes + k + 1))
        chance = np.exp(log - log.max())
        return min(1.0, float(chance[chance <= chance[self.first - k[0]] * (1 + 1e-7)].sum() / chance.sum()))

    def interval(self, level: float) -> tuple[float, float]:
        """Newcombe's, from two Wilson intervals."""
        if self.state == "undefined":
            return math.nan, math.nan
        p, q = self.first / self.of_first, self.second / self.of_second
        (l1, u1), (l2, u2) = wilson(self.first, self.of_first, level), wilson(self.second, self.of_second, level)
        return p - q - math.hypot(p - l1, u2 - q), p - q + math.hypot(u1 - p, q - l2)


# --- any other metric: resampling -----------------------------------------------------------------------------------


Figure = Callable[[NDArray[Any]], NDArray[np.float64]]
"""A metric as a function of how often each row is drawn, shape (some, n), to values of shape (some,)."""


def _resampled(
    metric: Metric,
    known: Mapping[str, Scores],
    cuts: Mapping[str, float | None],
    paired: bool,
    replicates: int,
    seed: int,
) -> Callable[[str, str], WithP]:
    """Differences by the bootstrap; by the jackknife where there are few units."""
    names = list(known)
    figures = {name: figure(metric, one, cuts[name]) for name, one in known.items()}
    members = {name: member_of(one) for name, one in known.items()}
    few = min(int(member.max()) + 1 for member in members.values()) < FEW
    smallest = min(class_units(known[name], members[name]) for name in names)
    drawn = {}
    for i, name in enumerate(names):
        own = seed if paired else int(np.random.SeedSequence([seed % 2**64, i]).generate_state(1, np.uint64)[0])
        times = left_out(members[name]) if few else times_drawn(members[name], replicates, own)
        drawn[name] = np.concatenate([figures[name](some) for some in times])
    what = "cluster " if any(one.groups is not None for one in known.values()) else ""

    def difference(a: str, b: str) -> WithP:
        if not few:
            return Resampled(Replicates(drawn[a] - drawn[b], f"{'paired ' * paired}{what}bootstrap"), smallest)
        value = float(figures[a](np.ones((1, known[a].n)))[0] - figures[b](np.ones((1, known[b].n)))[0])
        alone = [drawn[a] - drawn[b]] if paired else [drawn[a], drawn[b]]
        error = math.sqrt(sum((v.size - 1) ** 2 / v.size * v.var(ddof=1) if v.size > 1 else math.nan for v in alone))
        return Studentized(value, error, smallest - 1, f"{what}jackknife, t")

    return difference


def class_units(known: Scores, member: NDArray[Any]) -> float:
    """Effective number of rows, or clusters, of the smaller class of two; of all rows for several classes."""
    mass = np.ones(known.n) if known.weight is None else known.weight
    parts = [mass * known.is_positive, mass * ~known.is_positive] if known.binary else [mass]
    return min(units_of(part, member)[1] for part in parts)


def member_of(known: Scores) -> NDArray[Any]:
    """The unit of every row: its cluster, or itself."""
    member = clusters_of(known)
    return np.arange(known.n) if member is None else member


def times_drawn(member: NDArray[Any], replicates: int, seed: int) -> Iterator[NDArray[Any]]:
    """How often each row is drawn, some replicates at a time: its unit is, Poisson(1) times."""
    units = int(member.max()) + 1
    for first in range(0, replicates, TOGETHER):
        some = min(TOGETHER, replicates - first)
        yield core.times_drawn(units, replicates=some, seed=seed, first=first)[:, member].astype(np.float64)


def left_out(member: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """All rows but those of one unit, for one unit after the other."""
    yield (member[None, :] != np.arange(int(member.max()) + 1)[:, None]).astype(np.float64)


def figure(metric: Metric, known: Scores, at: float | None) -> Figure:
    """A metric of these rows as a function of how often each is drawn; nan where nothing is left."""
    mass = np.ones(known.n) if known.weight is None else known.weight
    if metric.of_counts and known.binary and not metric.of_scores:
        c = row_counts(known, at)
        cells = np.column_stack([c.tp, c.fp, c.fn, c.tn]) * mass[:, None]
        return lambda times: np.asarray(metric.value(Counts(*(times @ cells).T)))
    if metric.of_table and known.binary and not metric.of_scores:
        return _of_tables(metric, known, mass)
    if metric.of_matrix and not metric.of_scores:
        code = decided(known, at)
        return _each(lambda w: metric.value(confusion_matrix(known.with_weight(w), code)), mass)
    return _each(lambda w: metric.value(known.with_weight(w)), mass)


def _each(of: Callable[[NDArray[np.float64]], float], mass: NDArray[np.float64]) -> Figure:
    def of_all(times: NDArray[Any]) -> NDArray[np.float64]:
        return np.array([of(w) if w.any() else math.nan for w in times * mass])

    return of_all


def _of_tables(metric: Metric, known: Scores, mass: NDArray[np.float64]) -> Figure:
    """One sort for all replicates: each is a pass over the sorted rows."""
    order = np.argsort(-known.score, kind="stable")
    score, positive, weight = known.score[order], known.is_positive[order], mass[order]
    ends = np.append(np.flatnonzero(score[1:] != score[:-1]), known.n - 1)
    thresholds = np.append(np.inf, score[ends].astype(np.float64))

    def above(values: NDArray[Any]) -> NDArray[Any]:
        return np.append(0, np.cumsum(values)[ends])

    def one(times: NDArray[Any]) -> float:
        tp, fp = above(times * positive), above(times * ~positive)
        weights = None
        if known.weight is not None:
            w = times * weight
            weights = Weights(*(above(each * of) for each in (w, w * weight) for of in (positive, ~positive)))
        return float(metric.value(ThresholdTable(thresholds, tp, fp, weights)))

    return lambda times: np.array([one(each) for each in times[:, order]])
