"""Is a figure worse in a part of the rows? Every slice against its complement, honest about how many were searched."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline.errors import InputError, ShapeError
from cutline.evidence.compare import (
    Resampled,
    WithP,
    class_units,
    figure,
    influence_of,
    member_of,
    of_means,
    share_of_rows,
    times_drawn,
)
from cutline.evidence.estimate import Estimate, estimate, finite
from cutline.evidence.intervals import Replicates, State, z_of
from cutline.evidence.multiplicity import adjusted
from cutline.evidence.paired import Influence, ratio_influence, welch
from cutline.evidence.resample import REPLICATES
from cutline.labels import Label, Shown, as_array, missing
from cutline.metrics import Metric, find
from cutline.scores import Scores

MOST = 1000
"""Distinct values of a partition; more are a measurement, to be cut into ranges first."""


@dataclass(frozen=True, slots=True, repr=False)
class Slice(Shown):
    """One slice against all other rows.

    Attributes
    ----------
    partition : str
    name : str, int, float, bool or None
        The value that its rows share; None for the rows where the partition has no value.
    estimate : Estimate
        The figure inside, with its interval.
    others : float
        The figure of all other rows; nan when undefined.
    ingredients : WithP or None
        What the interval of the difference (inside minus others) and p come from; None where nothing was tested.
    p_holm, p_bh : float
        Adjusted over all slices tested, for claims and for screening; 1 where nothing was tested.
    shrunk : float
        Proportions: the value drawn toward that of its partition, for ranking; nan for other metrics.
    reason : str
        Why it was not tested.
    """

    partition: str
    name: Label | None
    estimate: Estimate
    others: float
    ingredients: WithP | None
    p_holm: float
    p_bh: float
    shrunk: float
    reason: str = ""

    @property
    def n(self) -> int:
        """Rows inside."""
        return self.estimate.n

    @property
    def difference(self) -> float:
        """Inside minus all others."""
        return self.estimate.value - self.others

    @property
    def p(self) -> float:
        """Two-sided p of no difference; 1 where nothing was tested."""
        return 1.0 if self.ingredients is None else self.ingredients.p

    @property
    def state(self) -> State:
        """Insufficient when there is too little support to test."""
        if self.ingredients is not None:
            return self.ingredients.state
        return "insufficient" if self.reason else "undefined"

    @property
    def method(self) -> str:
        """Name of the method of the difference."""
        return "none" if self.ingredients is None else self.ingredients.method

    def interval(self, confidence: float | None = None) -> tuple[float, float]:
        """Two-sided interval of the difference at any level."""
        level = self.estimate.confidence if confidence is None else confidence
        z_of(level)  # checks the level
        return (math.nan, math.nan) if self.ingredients is None else self.ingredients.interval(level)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON: nan and infinities become None."""
        low, high = self.interval()
        return {
            "partition": self.partition,
            "slice": self.name,
            "estimate": self.estimate.to_dict(),
            "others": finite(self.others),
            "difference": finite(self.difference),
            "low": finite(low),
            "high": finite(high),
            "p": self.p,
            "p_holm": self.p_holm,
            "p_bh": self.p_bh,
            "shrunk": finite(self.shrunk),
            "method": self.method,
            "state": self.state,
            "reason": self.reason,
        }

    def __repr__(self) -> str:
        low, high = self.interval()
        head = f"{self.partition}={self.name if self.name is not None else '(missing)'} (n={self.n:,})"
        if math.isnan(low):
            return f"{head}: {self.estimate.value:.4g}, {self.reason or self.state}"
        tail = f"difference {self.difference:+.4g} [{low:.4g}, {high:.4g}], Holm p {self.p_holm:.3g}"
        return f"{head}: {self.estimate.value:.4g} against {self.others:.4g}, {tail}"


@dataclass(frozen=True, slots=True, repr=False)
class Slices(Shown):
    """A figure over all slices that were searched.

    Attributes
    ----------
    metric : Metric
    overall : float
        The figure of all rows.
    slices : tuple of Slice
        In the order of the partitions and their values; those with little support are listed, not tested.
    n, clusters : int
        Rows, and clusters of rows (0 when independent).
    confidence : float
    """

    metric: Metric
    overall: float
    slices: tuple[Slice, ...]
    n: int
    clusters: int
    confidence: float

    @property
    def searched(self) -> int:
        """Slices looked at."""
        return len(self.slices)

    @property
    def tested(self) -> int:
        """Slices with enough support for a test: as many as p is adjusted for."""
        return sum(not one.reason for one in self.slices)

    def __getitem__(self, key: tuple[str, Any]) -> Slice:
        """The slice of a partition and a value."""
        for one in self.slices:
            if (one.partition, one.name) == tuple(key):
                return one
        raise InputError(
            "slice", repr(key), f"one of {', '.join(repr((s.partition, s.name)) for s in self.slices[:8])}"
        )

    def found(self, *, screening: bool = False) -> tuple[Slice, ...]:
        """Slices that differ from their complement: by Holm for claims, by Benjamini-Hochberg for screening."""
        alpha = 1 - self.confidence
        return tuple(s for s in self.slices if (s.p_bh if screening else s.p_holm) <= alpha and s.state == "ok")

    def worst(self, k: int = 5) -> tuple[Slice, ...]:
        """The k slices with the worst figure: shrunk, so that small ones do not lead by chance; undefined ones last.

        Metrics that are no proportions have no shrunk value: of them only slices with support are ranked.
        """
        sign = 1.0 if self.metric.maximize else -1.0
        values = [(s.estimate.value if math.isnan(s.shrunk) and not s.reason else s.shrunk, s) for s in self.slices]
        ranked = sorted((v * sign, i) for i, (v, _) in enumerate(values) if not math.isnan(v))
        return tuple(self.slices[i] for _, i in ranked[:k])

    def at(self, confidence: float) -> Slices:
        """The same with intervals and findings at another level."""
        made = tuple(replace(s, estimate=s.estimate.at(confidence)) for s in self.slices)
        return replace(self, slices=made, confidence=confidence)

    def rows(self) -> dict[str, list[Any]]:
        """The slices as columns; names as text."""
        limits, inside = [s.interval() for s in self.slices], [s.estimate.interval() for s in self.slices]
        return {
            "partition": [s.partition for s in self.slices],
            "slice": [None if s.name is None else str(s.name) for s in self.slices],
            "n": [s.n for s in self.slices],
            "value": [s.estimate.value for s in self.slices],
            "low": [low for low, _ in inside],
            "high": [high for _, high in inside],
            "others": [s.others for s in self.slices],
            "difference": [s.difference for s in self.slices],
            "difference_low": [low for low, _ in limits],
            "difference_high": [high for _, high in limits],
            "p": [s.p for s in self.slices],
            "p_holm": [s.p_holm for s in self.slices],
            "p_bh": [s.p_bh for s in self.slices],
            "shrunk": [s.shrunk for s in self.slices],
            "method": [s.method for s in self.slices],
            "state": [s.state for s in self.slices],
        }

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, with a ``schema_version``."""
        return {
            "schema_version": 1,
            "metric": self.metric.name,
            "overall": finite(self.overall),
            "slices": [one.to_dict() for one in self.slices],
            "searched": self.searched,
            "tested": self.tested,
            "n": self.n,
            "clusters": self.clusters or None,
            "confidence": self.confidence,
        }

    def to_frame(self) -> Any:
        """`rows` as a pyarrow Table; ``.to_pandas()`` or ``polars.from_arrow`` make it yours."""
        import pyarrow as pa

        return pa.table(self.rows())

    def __repr__(self) -> str:
        searched = f"{self.searched} slices searched, {self.tested} tested"
        lines = [f"{self.metric.label} by slice: {self.overall:.4g} over all {self.n:,} rows; {searched}"]
        return "\n".join(lines + [f"  {one!r}" for one in self.slices])


def slices(
    scores: Scores,
    metric: Metric | str,
    *,
    at: float | None = None,
    by: Mapping[str, Any] | None = None,
    confidence: float = 0.95,
    min_rows: int = 30,
    min_events: int = 10,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Slices:
    """Compare a figure inside every slice with that of all other rows.

    Proportions by Newcombe's interval (1998) and the score test, ROC AUC by the unpaired DeLong test, means over rows
    by Welch's t, any other metric by the bootstrap. Rows in clusters enter by their clusters, also those that have rows
    on both sides. Of a partition in two halves both are listed, and both count in the correction.

    Parameters
    ----------
    scores : Scores
        Truth, scores and partitions (``slices=``).
    metric : Metric or str
    at : float, optional
        Threshold of count metrics of binary scores.
    by : mapping of str to array-like of shape (n,), optional
        Partitions, in place of those of `scores`: entry i is the value of row i.
    confidence : float
        Level of intervals and of `Slices.found`.
    min_rows, min_events : int
        Support for a test, inside and outside: rows, and rows of the positive class (for metrics of order, of both
        classes). Slices with less are listed as insufficient.
    replicates, seed : int
        Of methods that resample.

    Raises
    ------
    InputError
        No partition, or one with more than 1,000 values.

    Examples
    --------
    >>> import numpy as np, cutline as cl
    >>> from cutline.evidence.slices import slices
    >>> rng = np.random.default_rng(0)
    >>> y, site = rng.random(900) < 0.4, np.repeat(["east", "north", "south"], 300)
    >>> p = np.clip(0.5 + (y - 0.5) * np.where(site == "south", 0.1, 0.6) + rng.normal(size=900) / 4, 0, 1)
    >>> s = cl.Scores(y_true=y, y_score=p, kind="probability", slices={"site": site})
    >>> slices(s, cl.recall, at=0.5)
    Recall by slice: 0.7373 over all 900 rows; 3 slices searched, 3 tested
      site=east (n=300): 0.8725 against 0.6781, difference +0.1944 [0.09763, 0.2753], Holm p 0.000198
      site=north (n=300): 0.8696 against 0.6682, difference +0.2014 [0.1071, 0.283], Holm p 0.00014
      site=south (n=300): 0.4915 against 0.871, difference -0.3794 [-0.4758, -0.2768], Holm p 1.43e-13
    """
    metric = find(metric) if isinstance(metric, str) else metric
    z_of(confidence)
    if replicates < 1:
        raise InputError("replicates", repr(replicates), "at least one")
    known, partitions = scores.known(), _partitions(scores, by)
    cut = at if metric.of_counts else None
    overall = float(metric.value(known, at=cut))
    made, masks = [], []
    for partition, name, mask in _searched(partitions):
        inside, outside = known.take(mask), None if mask.all() else known.take(~mask)
        reason = _thin(metric, inside, outside, min_rows, min_events)
        value = _estimate(metric, inside, cut, confidence, seed)
        others = math.nan if outside is None else float(metric.value(outside, at=cut))
        made.append(Slice(partition, name, value, others, None, 1.0, 1.0, math.nan, reason))
        masks.append(mask)
    tested = [i for i, one in enumerate(made) if not one.reason and not math.isnan(one.difference)]
    found = _differences(metric, known, [masks[i] for i in tested], cut, replicates, seed)
    for i, one in zip(tested, found, strict=True):
        made[i] = replace(made[i], ingredients=one)
    supported = [i for i, one in enumerate(made) if not one.reason]
    p = [made[i].p for i in supported]
    for i, holm, bh in zip(supported, adjusted(p), adjusted(p, "bh"), strict=True):
        made[i] = replace(made[i], p_holm=float(holm), p_bh=float(bh))
    shrunk = _shrunk(metric, known, [one.partition for one in made], masks, cut)
    made = [replace(one, shrunk=value) for one, value in zip(made, shrunk, strict=True)]
    clusters = 0 if known.groups is None else int(member_of(known).max()) + 1
    return Slices(metric, overall, tuple(made), known.n, clusters, confidence)


def _partitions(scores: Scores, by: Mapping[str, Any] | None) -> dict[str, NDArray[Any]]:
    """The values of the rows that count, by partition."""
    given = scores.slices if by is None else by
    columns = {str(name): as_array(column, argument=f"by[{name!r}]") for name, column in given.items()}
    if not columns:
        raise InputError("scores", "no slices", "at least one partition", "Scores(..., slices={'site': site}), or by=")
    for name, column in columns.items():
        if column.shape != (scores.n,):
            raise ShapeError(f"by[{name!r}]", f"shape {column.shape}", f"a value for each row, shape ({scores.n},)")
    return {name: column[scores.counting] for name, column in columns.items()}


def _searched(partitions: Mapping[str, NDArray[Any]]) -> Iterator[tuple[str, Label | None, NDArray[np.bool_]]]:
    """Partition, value and rows of every slice."""
    for partition, column in partitions.items():
        gone = missing(column)
        plain = (v.item() if isinstance(v, np.number | np.bool_) else v for v in column[~gone])
        values = [v if isinstance(v, int | float) else str(v) for v in plain]
        names = sorted(set(values), key=lambda name: (isinstance(name, str), name))
        if len(names) > MOST:
            hint = "cut numbers into ranges first"
            raise InputError(f"slices[{partition!r}]", f"{len(names):,} values", f"at most {MOST:,}", hint)
        place = {name: i for i, name in enumerate(names)}
        code = np.full(column.size, -1)
        code[~gone] = [place[value] for value in values]
        for i, name in enumerate(names):
            yield partition, name, code == i
        if gone.any():
            yield partition, None, gone


def _thin(metric: Metric, inside: Scores, outside: Scores | None, rows: int, events: int) -> str:
    """Why there is too little support for a test; empty when there is enough."""
    if outside is None:
        return "no other rows"
    for where, one in (("", inside), (" outside", outside)):
        if one.n < rows:
            return f"{one.n:,} rows{where}, fewer than {rows}"
        if one.binary and one.n_pos < events:
            return f"{one.n_pos:,} positive rows{where}, fewer than {events}"
        if one.binary and metric.of_table and one.n - one.n_pos < events:
            return f"{one.n - one.n_pos:,} negative rows{where}, fewer than {events}"
    return ""


def _estimate(metric: Metric, inside: Scores, cut: float | None, confidence: float, seed: int) -> Estimate:
    """The figure inside; by clusters where rows come in clusters and the figure is a mean over rows."""
    share = share_of_rows(metric, inside, cut) if inside.groups is not None else None
    if share is None:
        return estimate(metric, inside, at=cut, confidence=confidence, seed=seed)
    found = influence_of(metric, inside, share)
    ingredients = welch(found.value, found.spreads, "t, clusters", metric.range)
    n_pos = inside.n_pos if inside.binary else -1
    return Estimate(metric, found.value, inside.n, n_pos, ingredients, confidence, inside.role, cut)


def _differences(
    metric: Metric, known: Scores, masks: list[NDArray[np.bool_]], cut: float | None, replicates: int, seed: int
) -> list[WithP]:
    """Inside minus outside for every mask."""
    if not masks:
        return []
    if share_of_rows(metric, known, cut) is None:
        return _resampled(metric, known, masks, cut, replicates, seed)
    out: list[WithP] = []
    for mask in masks:
        one, two = known.take(mask), known.take(~mask)
        first, second = share_of_rows(metric, one, cut), share_of_rows(metric, two, cut)
        assert first is not None
        assert second is not None
        if known.groups is None:
            found = of_means(metric, one, two, first, second, paired=False)
            assert found is not None
            out.append(found)
        else:
            gap = _both_sides(influence_of(metric, one, first), influence_of(metric, two, second), mask, known)
            low, high = metric.range
            out.append(welch(gap.value, gap.spreads, "t, clusters", (low - high, high - low)))
    return out


def _both_sides(inside: Influence, outside: Influence, mask: NDArray[np.bool_], known: Scores) -> Influence:
    """The difference as a figure of all rows: a cluster with rows on both sides enters once."""
    parts = []
    for rows, one, sign in ((mask, inside, 1.0), (~mask, outside, -1.0)):
        for part in one.parts:
            whole = np.zeros(known.n)
            whole[rows] = sign * part
            parts.append(whole)
    units, effective = inside.units + outside.units, inside.effective + outside.effective
    return Influence(inside.value - outside.value, tuple(parts), units, effective, member_of(known))


def _resampled(
    metric: Metric, known: Scores, masks: list[NDArray[np.bool_]], cut: float | None, replicates: int, seed: int
) -> list[WithP]:
    """By the bootstrap of all rows, clusters whole; all slices see the same resampled rows."""
    member = member_of(known)
    sides = [(side, known.take(side)) for mask in masks for side in (mask, ~mask)]
    figures = [(side, figure(metric, one, cut)) for side, one in sides]
    units = [class_units(one, member_of(one)) for _, one in sides]
    drawn = [[of(times[:, side]) for side, of in figures] for times in times_drawn(member, replicates, seed)]
    values = np.hstack([np.array(some) for some in drawn])
    how = "bootstrap" if known.groups is None else "cluster bootstrap"
    return [
        Resampled(Replicates(values[i] - values[i + 1], how), min(units[i], units[i + 1]))
        for i in range(0, len(figures), 2)
    ]


def _shrunk(
    metric: Metric, known: Scores, partitions: list[str], masks: list[NDArray[np.bool_]], cut: float | None
) -> list[float]:
    """Proportions drawn toward that of their partition, the more the fewer rows they rest on; nan for other metrics."""
    share = share_of_rows(metric, known, cut) if metric.proportion else None
    if share is None or share == "auc":
        return [math.nan] * len(masks)
    k, d = share
    whole = ratio_influence(k, d, known)
    # Dependent rows weigh less, by the same factor everywhere.
    inflation = max(1.0, whole.design_effect) if whole.variance > 0 else 1.0
    mass = np.ones(known.n) if known.weight is None else known.weight
    counts = np.array([[float(mass[m] @ k[m]), float(mass[m] @ d[m]), float(mass[m] ** 2 @ d[m])] for m in masks])
    with np.errstate(invalid="ignore", divide="ignore"):
        n = counts[:, 1] ** 2 / counts[:, 2] / inflation
        yes = counts[:, 0] / counts[:, 1] * n
    out = np.full(len(masks), math.nan)
    for partition in dict.fromkeys(partitions):
        rows = np.flatnonzero([p == partition for p in partitions] & (counts[:, 1] > 0))
        out[rows] = shrink(yes[rows], n[rows])
    return out.tolist()


def shrink(yes: Any, n: Any) -> NDArray[np.float64]:
    """Posterior means of proportions under a beta distribution fitted to all of them.

    Parameters
    ----------
    yes, n : array-like, shape (j,)
        Counts of each group and its rows (above 0); effective numbers for weighted or dependent rows.

    Returns
    -------
    ndarray of float64, shape (j,)
        Entry i: (yes[i] + m mu) / (n[i] + m), with mu the pooled proportion and m = (1 - rho) / rho, where rho is the
        correlation within groups by moments (Kleinman 1973; Ridout, Demetrio & Firth 1999); all mu when rho is 0.

    Examples
    --------
    >>> from cutline.evidence.slices import shrink
    >>> shrink([1, 40, 90], [2, 100, 100]).round(3)
    array([0.546, 0.402, 0.898])
    """
    k, rows = np.asarray(yes, dtype=np.float64), np.asarray(n, dtype=np.float64)
    if not rows.size:
        return rows
    mu, groups = float(k.sum() / rows.sum()), rows.size
    room = float(rows.sum() - np.square(rows).sum() / rows.sum()) - (groups - 1)
    if groups < 2 or not 0 < mu < 1 or room <= 0:
        return np.full(groups, mu)
    spread = float(rows @ np.square(k / rows - mu)) / (mu * (1 - mu)) - (groups - 1)
    rho = min(max(spread / room, 0.0), 1.0)
    if rho == 0:
        return np.full(groups, mu)
    m = (1 - rho) / rho
    return (k + m * mu) / (rows + m)
