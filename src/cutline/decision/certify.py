"""Guarantees in finite samples: the Neyman-Pearson umbrella, and Learn-then-Test with exact binomial tests.

Learn-then-Test (Angelopoulos, Bates, Candes, Jordan & Lei 2021) by fixed-sequence testing: the tuning rows fix an order
of thresholds; the certify rows, which nothing was chosen on, test them in that order and stop at the first failure.
Whatever the order, the chance that a threshold which violates a constraint is certified is at most 1 - confidence.
`cutline.decision.order` makes the order.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from cutline.decision.order import joint_p, p_value, rows_needed, sequence
from cutline.decision.point import ConstraintRow, OperatingPoint
from cutline.decision.policy import Policy
from cutline.decision.search import best_row, infeasible, loss, nearest_point
from cutline.errors import InputError, NotCertifiable
from cutline.evidence import clopper_pearson
from cutline.metrics import Constraint, Counts, ThresholdTable

OF_ONE_CLASS = {"fpr": "negative", "specificity": "negative", "recall": "positive", "fnr": "positive"}
"""Metrics that rest on the rows of one class and go one way with the threshold."""


def umbrella_rank(n: int, alpha: float, delta: float) -> int | None:
    """The smallest k with P(Bin(n, 1 - alpha) >= k) <= delta; None when n rows are too few.

    The k-th smallest of n scores of the negative class is exceeded by a new negative with a probability above alpha
    in at most a share delta of such samples (Tong, Feng & Li 2018). Ties only make it safer.

    Examples
    --------
    >>> umbrella_rank(59, 0.05, 0.05), umbrella_rank(58, 0.05, 0.05)
    (59, None)
    """
    from scipy.special import bdtrc

    k = np.arange(1, n + 1)
    fine = np.flatnonzero(bdtrc(k - 1.0, n, 1 - alpha) <= delta)
    return int(k[fine[0]]) if len(fine) else None


def umbrella_side(policy: Policy) -> str | None:
    """The class whose rows certify the policy's only constraint for all thresholds on one side at once, or None."""
    if policy.confidence is None or len(policy.subject_to) != 1 or policy.subject_to[0].of_class is not None:
        return None
    constraint = policy.subject_to[0]
    side = OF_ONE_CLASS.get(constraint.metric.name)
    wanted = ">=" if constraint.metric.maximize else "<="
    return side if constraint.op == wanted and 0 < constraint.bound < 1 else None


def umbrella(policy: Policy, tune: ThresholdTable, held: ThresholdTable, dtype: np.dtype) -> tuple[float, Counts]:
    """The best threshold among those that satisfy the constraint with the confidence, and its counts on `held`.

    The rate of one class goes one way with the threshold, so one order statistic speaks for every threshold beyond it:
    the aim may choose among them on any rows, the certify rows included.
    """
    _unweighted(held)
    constraint, delta = policy.subject_to[0], 1 - (policy.confidence or 0)
    negative = umbrella_side(policy) == "negative"
    alpha = 1 - constraint.bound if constraint.op == ">=" else constraint.bound  # share of errors that is allowed
    n = held.n_neg if negative else held.n_pos
    rank = umbrella_rank(n, alpha, delta)
    if rank is None:
        needed = math.ceil(math.log(delta) / math.log1p(-alpha))
        which = "negative" if negative else "positive"
        raise not_certifiable(policy, f"{n:,} {which} certify rows", f"{needed:,} {which} certify rows", needed, tune)
    cumulated = held.fp if negative else held.tp  # rows of the class at or above each threshold
    if negative:
        # The rank-th smallest negative: the cut is just above it.
        row = int(np.searchsorted(cumulated, n - rank + 1))
        limit = float(np.nextafter(dtype.type(held.thresholds[row]), dtype.type(np.inf)))
        allowed = tune.thresholds >= limit
    else:
        # Seen from below: the rank-th largest positive must still be flagged.
        limit = float(held.thresholds[int(np.searchsorted(cumulated, rank))])
        allowed = tune.thresholds <= limit
    values = np.where(allowed, loss(policy, tune.counts()), np.inf)
    at_limit = float(loss(policy, tune.counts(limit)))
    best = int(values.argmin())
    threshold = float(tune.thresholds[best]) if values[best] < at_limit else limit
    if not math.isfinite(threshold):
        threshold = limit
    return threshold, held.counts(threshold)


def certify(policy: Policy, tune: ThresholdTable, held: ThresholdTable, seed: int = 0) -> tuple[float, Counts]:
    """The best threshold of those that pass the tests in order, and its counts on the certify rows.

    Raises
    ------
    Infeasible
        No threshold satisfies the constraints on the tuning rows, and none passes.
    NotCertifiable
        Not even the first passes.
    """
    _unweighted(held)
    delta = 1 - (policy.confidence or 0)
    order = sequence(policy, tune, held.n_pos + held.n_neg, seed)
    tested = held.counts_at(order)
    failed = np.flatnonzero(joint_p(policy, tested) > delta)
    passed = order[: failed[0]] if len(failed) else order
    if len(passed):  # all of them are certified; take the one that the tuning rows like best
        best = int(np.asarray(loss(policy, tune.counts_at(passed))).argmin())
        return float(passed[best]), held.counts(float(passed[best]))
    if best_row(policy, tune.counts())[0] < 0:
        raise infeasible(policy, tune)
    needed = rows_needed(policy, tune, seed)
    wanted = f"about {needed:,} certify rows" if needed else "scores that separate the classes better"
    raise not_certifiable(policy, f"{held.n_pos + held.n_neg:,} certify rows", wanted, needed, tune)


def not_certifiable(policy: Policy, came: str, wanted: str, needed: int | None, tune: ThresholdTable) -> NotCertifiable:
    """The error with the rows that would do and the nearest point."""
    nearest = nearest_point(policy, tune)
    error = NotCertifiable(
        "confidence",
        came,
        f"{wanted} to certify {' and '.join(map(str, policy.subject_to))} "
        f"with {100 * (policy.confidence or 0):g} % confidence",
        f"on the tuning rows the nearest is {nearest}",
    )
    error.n_needed, error.nearest = needed, nearest
    return error


def verified(row: ConstraintRow, held: Counts, confidence: float, prevalence: float | None = None) -> ConstraintRow:
    """The constraint beside its exact one-sided limit and p-value on rows that did not choose the threshold.

    At another prevalence there is a p-value and no Clopper-Pearson limit.
    """
    metric = row.constraint.metric
    assert metric.proportion is not None
    policy = Policy(metric, (row.constraint,), prevalence=prevalence)
    p, value = float(p_value(row.constraint, held, prevalence=prevalence)), float(policy.value(row.constraint, held))
    bound = None
    if prevalence is None:
        k, n = metric.proportion(held)
        lower = row.constraint.op == ">="
        bound = clopper_pearson(int(k), int(n), confidence, "lower" if lower else "upper")[0 if lower else 1]
    return replace(row, held=value, bound=bound, p_value=p, confidence=confidence)


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
        if row.constraint.metric.proportion is not None and row.constraint.of_class is None:
            found = verified(row, held, confidence, point.policy.prevalence)
            out.append((found, rows_in_proportion(row.constraint, held, confidence, point.policy.prevalence)))
    return tuple(out)


def rows_in_proportion(
    constraint: Constraint, counts: Counts, confidence: float, prevalence: float | None = None
) -> int | None:
    """Rows that would certify if new rows came exactly in the proportions of `counts`; None if no number would."""
    if not counts.total:
        return None
    policy = Policy(constraint.metric, (constraint,), prevalence=prevalence)
    n = np.unique(np.geomspace(10, 1e7, 200).astype(int))
    scaled = Counts(*((getattr(counts, name) * n / counts.total).astype(int) for name in ("tp", "fp", "fn", "tn")))
    fine = np.flatnonzero(joint_p(policy, scaled) <= 1 - confidence)
    return int(n[fine[0]]) if len(fine) else None


def _unweighted(held: ThresholdTable) -> None:
    if held.weighted:
        raise InputError(
            "weight",
            "weighted rows for a guarantee",
            "rows without weights",
            "exact binomial tests count rows; leave confidence out for weighted figures",
        )
