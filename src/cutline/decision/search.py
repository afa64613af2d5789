"""The plug-in search: every distinct score is tried, in one pass over the table."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline.decision.costs import Cost
from cutline.decision.policy import Policy
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
    counts = policy.counts(counts)
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
        ok &= constraint.holds(policy.value(constraint, counts))
    return ok


def best_row(policy: Policy, counts: Counts) -> tuple[int, NDArray[np.float64], NDArray[np.bool_]]:
    """The best feasible threshold (-1 when there is none), all losses, and which thresholds are feasible.

    Of equally good thresholds the highest wins; a capacity is filled, so there the lowest one does.
    """
    values, ok = np.asarray(loss(policy, counts)), feasible(policy, counts)
    if policy.ties is not None:
        return int(np.flatnonzero(ok)[-1]) if ok.any() else -1, values, ok
    allowed = np.where(ok, values, np.inf) if policy.subject_to else values
    best = int(allowed.argmin())
    return best if math.isfinite(allowed[best]) else -1, values, ok


def search(policy: Policy, table: ThresholdTable) -> int:
    """The row of the table that is best among the feasible.

    Raises
    ------
    Infeasible
        No row satisfies the constraints; the message gives the nearest.
    """
    best = best_row(policy, table.counts())[0]
    if best < 0:
        raise infeasible(policy, table)
    return best


def infeasible(policy: Policy, table: ThresholdTable) -> Infeasible:
    """The error that says what was asked and what comes nearest."""
    if not policy.subject_to:
        return Infeasible(
            "scores",
            f"{table.n_pos:,} positive and {table.n_neg:,} negative rows, on which the aim is undefined",
            f"rows on which {policy} has a value",
            "both classes need rows",
        )
    nearest = nearest_point(policy, table)
    error = Infeasible(
        "subject_to",
        f"{' and '.join(map(str, policy.subject_to))} on {table.n_pos + table.n_neg:,} rows",
        "constraints that some threshold satisfies",
        f"the nearest is {nearest}",
    )
    error.nearest = nearest
    return error


def nearest_point(policy: Policy, table: ThresholdTable) -> NearestPoint:
    """The row whose worst violation is smallest."""
    counts = table.counts()
    slack = np.full(len(table), np.inf)
    for constraint in policy.subject_to:
        value = policy.value(constraint, counts)
        slack = np.minimum(slack, np.where(np.isnan(value), -np.inf, constraint.slack(value)))
    row = int(slack.argmax())
    at = float(table.thresholds[row])
    there = table.counts(at)
    return NearestPoint(at, {str(c).split(" ")[0]: float(policy.value(c, there)) for c in policy.subject_to})


def plateau(
    policy: Policy, table: ThresholdTable, best: int, values: NDArray[np.float64], ok: NDArray[np.bool_]
) -> tuple[float, float]:
    """Lowest and highest threshold around the best that the data cannot tell from it.

    Two thresholds differ only in the rows between them, so the standard error of their difference is that of
    these rows alone: with g the change of the aim for one more true or false positive, the variance of the difference
    is about g_tp^2 |tp - tp*| + g_fp^2 |fp - fp*|. A threshold belongs to the plateau while its loss exceeds
    the best by at most one such standard error and the constraints hold.

    Parameters
    ----------
    policy, table
        What was asked, and of which rows.
    best : int
        The row of the table that was chosen.
    values, ok : ndarray, shape (m,)
        Losses and feasibility at every threshold, as `best_row` gives them.
    """
    counts = table.counts()
    at = Counts(*(float(getattr(counts, name)[best]) for name in ("tp", "fp", "fn", "tn")))
    with np.errstate(invalid="ignore"):
        step_tp = loss(policy, Counts(at.tp + 1, at.fp, max(at.fn - 1, 0), at.tn)) - loss(policy, at)
        step_fp = loss(policy, Counts(at.tp, at.fp + 1, at.fn, max(at.tn - 1, 0))) - loss(policy, at)
        squares = table.squares() if table.weighted else counts
        variance = step_tp**2 * np.abs(squares.tp - squares.tp[best]) + step_fp**2 * np.abs(
            squares.fp - squares.fp[best]
        )
        gap = values - values[best]
        out = np.flatnonzero(~(((gap <= 0) | (gap * gap <= variance)) & ok))
    first = out[out < best].max(initial=-1) + 1
    last = out[out > best].min(initial=len(table)) - 1
    if first == 0 and best > 0:
        first = 1  # +inf is no threshold to set anywhere
    return settable(table, last), settable(table, first)


def settable(table: ThresholdTable, row: int) -> float:
    """The threshold of a row; for "flag nobody" the next number above every score: +inf cannot be set or saved."""
    at = float(table.thresholds[row])
    return at if math.isfinite(at) else float(np.nextafter(table.thresholds[1], np.inf))
