"""Exact p-values of constraints, and the order in which thresholds are tested: from the tuning rows alone.

A fixed sequence is valid whatever its order; its power depends on where it starts and which way it walks. A start with
too few flagged rows fails by noise, a late one gives away what comes before it. So the test is rehearsed: the positive
rate as a smooth function of the score is fitted to the tuning rows, plausible versions of it are drawn, certify rows
are drawn from each, and the start and direction with the best aim on average are taken.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline.decision.policy import Policy
from cutline.decision.search import loss
from cutline.metrics import Constraint, Counts, ThresholdTable

STEPS = 600
"""Thresholds in a sequence, about equally many rows apart."""
REHEARSED = 100
"""Thresholds that are rehearsed as starts."""
REHEARSALS = 100
"""Drawn samples of certify rows; 300 found no better starts in 1,500 runs, and took three times as long."""
NEAR = 0.5
"""Standard errors of the rehearsals within which two starts count as equally good."""
SMOOTH = 30.0
"""Rows that the smooth fit counts for beside the rows of each step."""
POWER = 0.8
"""Chance of a certificate that "rows needed" is to give."""

Array = NDArray[np.float64]


def p_value(constraint: Constraint, counts: Counts, *, prevalence: float | None = None, exact: bool = True) -> Array:
    """Exact p-value of "the constraint does not hold", elementwise; 1 where the metric is undefined.

    Binomial on the rows that the metric conditions on. Counts are integers and stay so: rounding n x risk in floating
    point can add an error. At another prevalence the metric is a weighted sum of two independent binomial rates, one
    of each class; the p-value is then the smallest delta whose exact limits at delta/2 each still satisfy the bound,
    or, for a rehearsal, a normal one.
    """
    from scipy.special import bdtr, bdtrc

    assert constraint.metric.proportion is not None
    if prevalence is not None and constraint.metric.name not in ("recall", "fnr", "fpr", "specificity"):
        return _p_at_prevalence(constraint, counts, prevalence, exact)
    k, n = (np.asarray(x, dtype=np.int64) for x in constraint.metric.proportion(counts))
    bound = constraint.bound
    with np.errstate(invalid="ignore"):
        # >=: P(Bin(n, bound) >= k); <=: P(Bin(n, bound) <= k)
        p = np.where(k > 0, bdtrc(k - 1.0, n, bound), 1.0) if constraint.op == ">=" else bdtr(k * 1.0, n, bound)
    return np.where(n > 0, np.nan_to_num(p, nan=1.0), 1.0)


def joint_p(policy: Policy, counts: Counts, *, exact: bool = True) -> Array:
    """The largest p-value over all constraints: all must hold."""
    found = [p_value(c, counts, prevalence=policy.prevalence, exact=exact) for c in policy.subject_to]
    return np.asarray(np.max(found, axis=0))


def sequence(policy: Policy, tune: ThresholdTable, n: int, seed: int = 0) -> Array:
    """Thresholds in the order in which `n` certify rows will test them, from the tuning rows alone."""
    rehearsal = _Rehearsal(policy, tune, n, seed)
    down, up = rehearsal.walked(slice(None)), rehearsal.walked(slice(None, None, -1))[:, ::-1]
    at = np.asarray(tune.thresholds[tune.thinned(STEPS)[1:]])  # row 0 flags nobody
    if down.mean(axis=0).min() <= up.mean(axis=0).min():
        return at[at <= rehearsal.thresholds[_start(down)]]
    return at[at >= rehearsal.thresholds[_start(up)]][::-1]


def _start(walked: Array) -> int:
    """The middle of the starts that are as good as the best, to a fraction of a standard error: far from its edges."""
    gap = walked - walked[:, [int(walked.mean(axis=0).argmin())]]
    close = np.flatnonzero(gap.mean(axis=0) <= NEAR * gap.std(axis=0) / np.sqrt(len(gap)))
    return int(close[len(close) // 2])


def rows_needed(policy: Policy, tune: ThresholdTable, seed: int = 0) -> int | None:
    """Certify rows with which about `POWER` of rehearsals find a threshold; None when no number up to 1e7 does."""

    def power(n: int) -> float:
        return float(_Rehearsal(policy, tune, n, seed).passes.mean(axis=0).max())

    low, high = 1.0, 7.0
    if power(10**7) < POWER:
        return None
    while high - low > 0.02:
        middle = (low + high) / 2
        low, high = (low, middle) if power(int(10**middle)) >= POWER else (middle, high)
    return int(np.ceil(10**high))


class _Rehearsal:
    """Draws of certify rows, and what each threshold would show on them."""

    def __init__(self, policy: Policy, tune: ThresholdTable, n: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        rows = tune.thinned(REHEARSED)[1:]
        self.thresholds: Array = np.asarray(tune.thresholds[rows])
        tp, fp = (np.diff(c[rows], prepend=0).astype(np.float64) for c in (tune.tp, tune.fp))
        size = tp + fp
        rate = _drawn_rates(tp, size, rng)
        cells = np.concatenate([rate * size, (1 - rate) * size], axis=1) / size.sum()
        self._truth = np.cumsum(cells.reshape(len(cells), 2, -1), axis=2)
        seen = np.cumsum(
            rng.multinomial(n, cells / cells.sum(axis=1, keepdims=True)).reshape(len(cells), 2, -1), axis=2
        )
        delta = 1 - (policy.confidence or 0)
        self.passes: NDArray[np.bool_] = joint_p(policy, _counts(seen), exact=False) <= delta
        self._policy = policy

    def walked(self, way: slice) -> Array:
        """The loss each rehearsal ends with that starts at each threshold and goes this way, shape (rehearsals, m)."""
        values = np.asarray(loss(self._policy, _counts(self._truth)))
        values = np.where(np.isfinite(values), values, np.max(values, where=np.isfinite(values), initial=-1e300))
        # A start that fails certifies nothing: as bad as the worst threshold.
        worst = values.max()
        values, passes = values[:, way], self.passes[:, way]
        out = np.empty_like(values)
        later = np.full(len(values), np.inf)
        for j in range(values.shape[1] - 1, -1, -1):
            later = np.where(passes[:, j], np.minimum(values[:, j], later), np.inf)
            out[:, j] = np.where(np.isinf(later), worst, later)
        return out


def _counts(cumulated: NDArray[Any]) -> Counts:
    """Counts of cumulated positives [:, 0] and negatives [:, 1]."""
    tp, fp = cumulated[:, 0], cumulated[:, 1]
    return Counts(tp, fp, np.maximum(tp[:, -1:] - tp, 0), np.maximum(fp[:, -1:] - fp, 0))


def _drawn_rates(positives: Array, size: Array, rng: np.random.Generator) -> Array:
    """Plausible positive rates of steps of rows, shape (`REHEARSALS`, steps).

    A logistic curve with a square term in the normal score of the rank, its coefficients drawn from their normal
    posterior, then each step's own rows beside it (beta, with `SMOOTH` rows of the curve): small samples lean on the
    curve, large ones on themselves.
    """
    from scipy.special import expit, ndtri

    middle = (np.cumsum(size) - size / 2) / size.sum()
    z = -ndtri(middle)
    x = np.column_stack([np.ones_like(z), z, z * z])
    theta, covariance = _logistic(x, positives, size)
    curves = expit(rng.multivariate_normal(theta, covariance, size=REHEARSALS, method="cholesky") @ x.T)
    return rng.beta(
        np.maximum(SMOOTH * curves + positives, 1e-9), np.maximum(SMOOTH * (1 - curves) + size - positives, 1e-9)
    )


def _logistic(x: Array, positives: Array, size: Array) -> tuple[Array, Array]:
    """Coefficients and covariance of a logistic curve through grouped rows; a little ridge keeps separation finite."""
    from scipy.special import expit

    theta, ridge = np.zeros(x.shape[1]), 0.1 * np.eye(x.shape[1])
    for _ in range(50):
        p = expit(x @ theta)
        hessian = (x * (size * p * (1 - p))[:, None]).T @ x + ridge
        step = np.linalg.solve(hessian, x.T @ (positives - size * p) - ridge @ theta)
        theta = theta + step / max(1.0, float(np.abs(step).max()))
        if np.abs(step).max() < 1e-8:
            break
    return theta, np.linalg.inv(hessian)


def _p_at_prevalence(constraint: Constraint, counts: Counts, prevalence: float, exact: bool) -> Array:
    """The smallest delta whose exact limits of both classes' rates, each at delta/2, satisfy the bound."""
    from scipy.special import betaincinv, ndtr

    # metric >= bound is num - bound x den >= 0, which is linear in the recall and the false positive rate.
    def linear(unit: Counts) -> float:
        assert constraint.metric.proportion is not None
        num, den = constraint.metric.proportion(unit)
        return float(num - constraint.bound * den) * (1 if constraint.op == ">=" else -1)

    tp, fp, fn, tn = (linear(Counts(*(float(i == j) for j in range(4)))) for i in range(4))
    of_recall, of_fpr = prevalence * (tp - fn), (1 - prevalence) * (fp - tn)
    constant = prevalence * fn + (1 - prevalence) * tn

    def limit(k: NDArray[np.int64], n: NDArray[np.int64], delta: Array, coefficient: float) -> Array:
        with np.errstate(invalid="ignore"):
            if coefficient >= 0:  # the adverse side is low
                return np.where(k > 0, betaincinv(np.maximum(k, 1), n - k + 1, delta / 2), 0.0)
            return np.where(k < n, betaincinv(k + 1, np.maximum(n - k, 1), 1 - delta / 2), 1.0)

    k1, n1, k0, n0 = (np.asarray(c, np.int64) for c in (counts.tp, counts.positives, counts.fp, counts.negatives))
    if not exact:
        with np.errstate(divide="ignore", invalid="ignore"):
            recall, fpr = k1 / n1, k0 / n0
            spread = of_recall**2 * recall * (1 - recall) / n1 + of_fpr**2 * fpr * (1 - fpr) / n0
            z = (of_recall * recall + of_fpr * fpr + constant) / np.sqrt(spread)
        return np.where(np.isfinite(z), ndtr(-z), 1.0)
    low, high = np.zeros(np.shape(k1)), np.ones(np.shape(k1))
    for _ in range(30):
        delta = (low + high) / 2
        worst = of_recall * limit(k1, n1, delta, of_recall) + of_fpr * limit(k0, n0, delta, of_fpr) + constant
        low, high = np.where(worst >= 0, low, delta), np.where(worst >= 0, delta, high)
    return np.where((n1 > 0) & (n0 > 0) & ((k1 > 0) | (k0 > 0)), high, 1.0)
