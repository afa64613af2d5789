"""Is a figure worse in a part of the rows? Every slice against its complement, honest about how many were searched."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline.errors import InputError, ShapeError
from cutline.evidence.estimate import Estimate, estimate
from cutline.evidence.influence import ratio_influence
from cutline.evidence.intervals import z_of
from cutline.evidence.matching import counting
from cutline.evidence.means import influence_of, share_of_rows
from cutline.evidence.multiplicity import adjusted
from cutline.evidence.redraw import member_of
from cutline.evidence.resample import REPLICATES
from cutline.evidence.slice_gaps import Side, differences
from cutline.evidence.slice_results import Slice, Slices
from cutline.evidence.studentized import welch
from cutline.labels import Label, as_array, missing, read_labels
from cutline.metrics import Metric, find
from cutline.scores import Scores

MOST = 1000
"""Distinct values of a partition; more are a measurement, to be cut into ranges first."""


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

    Proportions by Newcombe's interval (1998) and the score test, F1 in the same way by its Jaccard, ROC AUC by the
    unpaired DeLong test, means over rows by Welch's t, any other metric by the bootstrap. Rows in clusters enter by
    their clusters, also those that have rows
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
    known, partitions = counting(scores), partitions_of(scores, by)
    cut = at if metric.of_counts or metric.of_matrix else None
    overall = float(metric.value(known, at=cut))
    made, masks = [], []
    for partition, name, mask in searched(partitions):
        inside, outside = known.take(mask), None if mask.all() else known.take(~mask)
        reason = thin(metric, inside, outside, min_rows, min_events)
        value = _estimate(metric, inside, cut, confidence, seed)
        others = math.nan if outside is None else float(metric.value(outside, at=cut))
        made.append(Slice(partition, name, value, others, None, 1.0, 1.0, math.nan, reason))
        masks.append(mask)
    tested = [i for i, one in enumerate(made) if not one.reason and math.isfinite(one.difference)]
    parts = [Side(made[i].partition, masks[i], (made[i].estimate.value, made[i].others)) for i in tested]
    found = differences(metric, known, parts, cut, replicates, seed)
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


def partitions_of(scores: Scores, by: Mapping[str, Any] | None = None) -> dict[str, NDArray[Any]]:
    """The values of the rows that count, by partition: those of `by`, else those that `scores` carry."""
    given = scores.slices if by is None else by
    columns = {str(name): as_array(column, argument=f"by[{name!r}]") for name, column in given.items()}
    if not columns:
        raise InputError("scores", "no slices", "at least one partition", "Scores(..., slices={'site': site}), or by=")
    for name, column in columns.items():
        if column.shape != (scores.n,):
            raise ShapeError(f"by[{name!r}]", f"shape {column.shape}", f"a value for each row, shape ({scores.n},)")
    counts = scores.counting
    return columns if counts.all() else {name: column[counts] for name, column in columns.items()}


def searched(partitions: Mapping[str, NDArray[Any]]) -> Iterator[tuple[str, Label | None, NDArray[np.bool_]]]:
    """Partition, value and rows of every slice; the value is None for the rows that have none."""
    for partition, column in partitions.items():
        gone = missing(column)
        names, code = _coded(column[~gone] if gone.any() else column)
        if len(names) > MOST:
            hint = "cut numbers into ranges first"
            raise InputError(f"slices[{partition!r}]", f"{len(names):,} values", f"at most {MOST:,}", hint)
        place = code
        if gone.any():
            place = np.full(column.size, -1, dtype=code.dtype)
            place[~gone] = code
        for i, name in enumerate(names):
            yield partition, name, place == i
        if gone.any():
            yield partition, None, gone


def _coded(column: NDArray[Any]) -> tuple[list[Label], NDArray[Any]]:
    """The distinct values, numbers first, and for each row its place among them."""
    if column.dtype.kind in "biufSU" and column.size:
        read = read_labels(column)
        if read.codes is not None:
            return read.found, read.codes
    plain = (v.item() if isinstance(v, np.number | np.bool_) else v for v in column)
    values = [v if isinstance(v, int | float) else str(v) for v in plain]
    names = sorted(set(values), key=lambda name: (isinstance(name, str), name))
    place = {name: i for i, name in enumerate(names)}
    return names, np.array([place[value] for value in values], dtype=np.int64)


def thin(metric: Metric, inside: Scores, outside: Scores | None, rows: int, events: int) -> str:
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
