"""The plug-in search: every distinct score is tried, in one pass over the table."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline.decision.policy import Cost, Policy
from cutline.errors import Infeasible
from cutline.evidence import finite
from cutline.metrics import Counts, Metric, ThresholdTable


@dataclass(frozen=True, slots=True)
class NearestPoint:
    """The attainable point nearest to satisfying the constraints: its threshold and the constrained metrics there."""

    threshold: float
    values: dict[str, float]

    def __str__(self) -> str:
        figures = ", ".join(f"{name} {value:.4g}" for name, value in self.values.items())
        return f"{figures} at threshold {self.threshold:.6g}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {"threshold": finite(self.threshold), "values": {k: finite(v) for k, v in self.values.items()}}


def loss(policy: Policy, counts: Counts) -> Any:
    """What the policy minimises, elementwise; inf where it is undefined."""
    with np.errstate(divide="ignore", invalid="ignore"):
        if isinstance(policy.aim, Cost):
            value = policy.aim.of(counts)
        else:
            assert isinstance(policy.aim, Metric)
            value = policy.aim.value(counts) * (-1.0 if policy.aim.maximize else 1.0)
    return np.where(np.isnan(value), np.inf, value)


def feasible(policy: Policy, counts: Counts) -> NDArray[np.bool_]:
    """Where all constraints hold; an undefined metric satisfies none."""
    ok = np.ones(np.shape(counts.tp), dtype=bool)
    for constraint in policy.subject_to:
        ok &= constraint.holds(constraint.metric.value(counts))
    return ok


def search(policy: Policy, table: ThresholdTable) -> int:
    """The row of the table that is best among the feasible; of equally good ones the highest threshold.

    Raises
    ------
    Infeasible
        No row satisfies the constraints; the message gives the nearest.
    """
    counts = table.counts()
    values = np.where(feasible(policy, counts), loss(policy, counts), np.inf)
    best = int(values.argmin())
    if math.isfinite(values[best]):
        return best
    nearest = nearest_point(policy, table)
    if not policy.subject_to:
        error = Infeasible(
            "scores",
            f"{table.n_pos:,} positive and {table.n_neg:,} negative rows, on which the aim is undefined",
            f"rows on which {policy} has a value",
            "both classes need rows",
        )
        raise error
    error = Infeasible(
        "subject_to",
        f"{' and '.join(map(str, policy.subject_to))} on {table.n_pos + table.n_neg:,} rows",
        "constraints that some threshold satisfies",
        f"the nearest is {nearest}",
    )
    error.nearest = nearest
    raise error


def nearest_point(policy: Policy, table: ThresholdTable) -> NearestPoint:
    """The row whose worst violation is smallest."""
    counts = table.counts()
    slack = np.full(len(table), np.inf)
    for constraint in policy.subject_to:
        value = constraint.metric.value(counts)
        slack = np.minimum(slack, np.where(np.isnan(value), -np.inf, constraint.slack(value)))
    row = int(slack.argmax())
    at = float(table.thresholds[row])
    return NearestPoint(at, {c.metric.name: float(c.metric.value(table.counts(at))) for c in policy.subject_to})


def plateau(policy: Policy, table: ThresholdTable, best: int) -> tuple[float, float]:
    """Lowest and highest threshold around the best that the data cannot tell from it.

    Two thresholds differ only in the rows between them, so the standard error of their difference is that of
    these rows alone: with g the change of the aim for one more true or false positive, the variance of the difference
    is about g_tp^2 |tp - tp*| + g_fp^2 |fp - fp*|. A threshold belongs to the plateau while its loss exceeds
    the best by at most one such standard error and the constraints hold.
    """
    counts = table.counts()
    tp, fp = (np.asarray(x, dtype=np.float64) for x in (counts.tp, counts.fp))
    at = Counts(*(float(getattr(counts, name)[best]) for name in ("tp", "fp", "fn", "tn")))
    with np.errstate(invalid="ignore"):
        step_tp = loss(policy, Counts(at.tp + 1, at.fp, max(at.fn - 1, 0), at.tn)) - loss(policy, at)
        step_fp = loss(policy, Counts(at.tp, at.fp + 1, at.fn, max(at.tn - 1, 0))) - loss(policy, at)
        values = loss(policy, counts)
        error = np.sqrt(step_tp**2 * np.abs(tp - tp[best]) + step_fp**2 * np.abs(fp - fp[best]))
        same = (values - values[best] <= error) & feasible(policy, counts)
    same[0] &= best == 0  # +inf is no threshold to set anywhere
    out = np.flatnonzero(~same)
    first = out[out < best].max(initial=-1) + 1
    last = out[out > best].min(initial=len(table)) - 1
    return settable(table, last), settable(table, first)


def settable(table: ThresholdTable, row: int) -> float:
    """The threshold of a row; for "flag nobody" the next number above every score: +inf cannot be set or saved."""
    at = float(table.thresholds[row])
    return at if math.isfinite(at) else float(np.nextafter(table.thresholds[1], np.inf))
