"""Guarantees: Learn-then-Test with exact binomial p-values and fixed-sequence testing.

Angelopoulos, Bates, Candes, Jordan & Lei 2021. The tuning rows fix an order of thresholds; the certify rows, which
nothing was chosen on, test them in that order and stop at the first failure. Whatever the order, the chance that a
threshold which violates a constraint is certified is at most 1 - confidence, in finite samples.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cutline.decision.point import ConstraintRow, OperatingPoint
from cutline.decision.policy import Policy
from cutline.decision.search import loss, nearest_point, search
from cutline.errors import InputError, NotCertifiable
from cutline.evidence import clopper_pearson
from cutline.metrics import Constraint, Counts, ThresholdTable

STEPS = 200
"""Thresholds in the sequence: a step must flag enough new rows to matter, or it only adds a chance to fail."""


def p_value(constraint: Constraint, counts: Counts) -> NDArray[np.float64]:
    """Exact binomial p-value of "the constraint does not hold", elementwise; 1 where the metric is undefined.

    Counts are integers and stay so: rounding n x risk in floating point can add an error.
    """
    from scipy.special import bdtr, bdtrc

    assert constraint.metric.proportion is not None
    k, n = (np.asarray(x, dtype=np.int64) for x in constraint.metric.proportion(counts))
    bound = constraint.bound
    with np.errstate(invalid="ignore"):
        # >=: P(Bin(n, bound) >= k); <=: P(Bin(n, bound) <= k)
        p = np.where(k > 0, bdtrc(k - 1.0, n, bound), 1.0) if constraint.op == ">=" else bdtr(k * 1.0, n, bound)
    return np.where(n > 0, np.nan_to_num(p, nan=1.0), 1.0)


def joint_p(policy: Policy, counts: Counts) -> NDArray[np.float64]:
    """The largest p-value over all constraints: all must hold."""
    return np.asarray(np.max([p_value(c, counts) for c in policy.subject_to], axis=0))


def sequence(policy: Policy, tune: ThresholdTable) -> NDArray[np.float64]:
    """Thresholds in the order they are tested, from the tuning rows alone.

    It starts where the tuning rows support the constraints best, measured in standard errors of the weakest one
    (p-values of many rows underflow), and walks to the side where the aim improves, in steps of about equal numbers
    of rows, to the best aim there.
    """
    rows = tune.thinned(STEPS)[1:]  # row 0 flags nobody
    counts = tune.counts()
    picked = Counts(*(np.asarray(getattr(counts, name))[rows] for name in ("tp", "fp", "fn", "tn")))
    start = int(np.min([support(c, picked) for c in policy.subject_to], axis=0).argmax())
    aim = loss(policy, picked)
    # The aim improves on one side of the start; the best on that side is the end of the walk.
    left, right = aim[: start + 1], aim[start:]
    if right.min() <= left.min():
        walk = rows[start : start + int(right.argmin()) + 1]
    else:
        walk = rows[int(left.argmin()) : start + 1][::-1]
    return np.asarray(tune.thresholds[walk])


def support(constraint: Constraint, counts: Counts) -> NDArray[np.float64]:
    """How many standard errors the metric lies on the right side of its bound; -inf where it is undefined."""
    assert constraint.metric.proportion is not None
    k, n = (np.asarray(x, dtype=np.float64) for x in constraint.metric.proportion(counts))
    with np.errstate(divide="ignore", invalid="ignore"):
        value = constraint.slack(k / n) * np.sqrt(n)
    return np.where(n > 0, value, -np.inf)


def certify(policy: Policy, tune: ThresholdTable, held: ThresholdTable) -> tuple[float, Counts]:
    """The best threshold of those that pass, and its counts on the certify rows.

    Raises
    ------
    Infeasible
        No threshold satisfies the constraints on the tuning rows, and none passes.
    NotCertifiable
        Not even the first passes.
    """
    assert policy.confidence is not None
    if held.weights is not None:
        raise InputError(
            "weight",
            "weighted rows for a guarantee",
            "rows without weights",
            "exact binomial tests count rows; leave confidence out for weighted figures",
        )
    delta = 1 - policy.confidence
    order = sequence(policy, tune)
    passed: list[float] = []
    for threshold in order:
        if joint_p(policy, held.counts(float(threshold))) > delta:
            break
        passed.append(float(threshold))
    if passed:  # all of them are certified; take the one that the tuning rows like best
        best = min(passed, key=lambda threshold: float(loss(policy, tune.counts(threshold))))
        return best, held.counts(best)
    search(policy, tune)  # raises Infeasible when the tuning rows leave no threshold at all
    needed = rows_needed(policy, tune.counts(float(order[0])), delta)
    have = held.n_pos + held.n_neg
    wanted = f"about {needed:,} certify rows" if needed else "scores that separate the classes better"
    error = NotCertifiable(
        "confidence",
        f"{have:,} certify rows",
        f"{wanted} to certify {' and '.join(map(str, policy.subject_to))} "
        f"with {100 * policy.confidence:g} % confidence",
        f"on the tuning rows the nearest is {nearest_point(policy, tune)}",
    )
    error.n_needed, error.nearest = needed, nearest_point(policy, tune)
    raise error


def tested(row: ConstraintRow, held: Counts, confidence: float) -> ConstraintRow:
    """The constraint beside its exact one-sided limit and p-value on rows that did not choose the threshold."""
    metric = row.constraint.metric
    assert metric.proportion is not None
    k, n = metric.proportion(held)
    lower = row.constraint.op == ">="
    limits = clopper_pearson(int(k), int(n), confidence, "lower" if lower else "upper")
    return replace(
        row,
        held=float(metric.value(held)),
        bound=limits[0 if lower else 1],
        p_value=float(p_value(row.constraint, held)),
        confidence=confidence,
    )


def claims(
    point: OperatingPoint, held: Counts, confidence: float = 0.95
) -> tuple[tuple[ConstraintRow, int | None], ...]:
    """What untouched rows say about each constraint of a point, and how many such rows would certify it.

    For a threshold that is already fixed this is one exact binomial test a constraint (Clopper & Pearson 1934).

    Parameters
    ----------
    point : OperatingPoint
        Chosen on other rows.
    held : Counts
        Its counts on rows that nothing was chosen on, without weights.
    confidence : float
        One-sided confidence.

    Returns
    -------
    tuple of (ConstraintRow, int or None)
        The row with `held`, `bound` and `p_value`, and the number of rows in the same proportions that would certify
        it; None when no number would.
    """
    out = []
    for row in point.constraints:
        if row.constraint.metric.proportion is None:
            continue
        alone = Policy(point.policy.aim, (row.constraint,), confidence)
        out.append((tested(row, held, confidence), rows_needed(alone, held, 1 - confidence)))
    return tuple(out)


def rows_needed(policy: Policy, counts: Counts, delta: float) -> int | None:
    """Rows that would certify if new rows came exactly in the proportions of `counts`; None if no number would."""
    total = counts.total
    if not total:
        return None
    for n in np.unique(np.geomspace(10, 1e7, 200).astype(int)):
        scaled = Counts(*(int(getattr(counts, name) * n / total) for name in ("tp", "fp", "fn", "tn")))
        if joint_p(policy, scaled) <= delta:
            return int(n)
    return None
