"""What a bucketed table does not know exactly, between certified bounds.

A bucket holds the counts of its rows and forgets their order. A figure of the order then depends on the arrangement of
the rows inside each bucket, ties included; the bounds here hold for every arrangement, and narrow as buckets do.

All functions take cumulative `tp` and `fp`, shape (m,), row 0 being zero ("flag nobody") and the last row all rows:
integers are rows, floats are sums of weights. Counts are made float64 before they are multiplied: two counts of 2^32
have a product that no 64-bit integer holds. The rounding error is below 1e-12 (counts are exact to 2^53) and is not
part of the bounds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline.errors import InputError
from cutline.labels import Shown
from cutline.metrics.counts import Counts
from cutline.metrics.metric import Metric

SPECK = 2.0**-300
"""Part of a bucket's weight that stands for its lightest row, whose weight the bucket does not know."""


@dataclass(frozen=True, slots=True, repr=False)
class Bounds(Shown):
    """The lowest and the highest value that the counts allow; equal when the value is exact, nan when undefined.

    Examples
    --------
    >>> from cutline.metrics import bounds
    >>> bounds.auc([0, 3, 4], [0, 1, 5])
    Bounds(0.6 to 0.95)
    """

    low: float
    high: float

    @property
    def width(self) -> float:
        """How far apart they are: 0 when exact."""
        return 0.0 if self.low == self.high else self.high - self.low  # both may be infinite

    @property
    def middle(self) -> float:
        """Half way between; for the AUC the value with all rows of a bucket tied."""
        return self.low + self.width / 2

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high

    def to_dict(self) -> dict[str, float | None]:
        """Both ends; what JSON cannot hold as None."""
        return {name: end if np.isfinite(end) else None for name, end in (("low", self.low), ("high", self.high))}

    def __repr__(self) -> str:
        return f"Bounds({self.low:.6g})" if self.low == self.high else f"Bounds({self.low:.6g} to {self.high:.6g})"


def auc(tp: Any, fp: Any) -> Bounds:
    """ROC AUC: pairs within a bucket all in the wrong order, or all in the right one.

    ``[L, L + sum p_b q_b / (P Q)]`` with p_b positives and q_b negatives in bucket b; both ends are attained.

    Parameters
    ----------
    tp, fp : array-like, shape (m,)
        Cumulative counts, or sums of weights, at the edges from the highest to the lowest.
    """
    hit, false, positives, negatives = _cumulative(tp, fp)
    if positives == 0 or negatives == 0:
        return Bounds(np.nan, np.nan)
    step = np.diff(false) / negatives
    low = float((step * (hit[:-1] / positives)).sum())
    inside = float((step * (np.diff(hit) / positives)).sum())
    return Bounds(low, min(low + inside, 1.0))


def average_precision(tp: Any, fp: Any) -> Bounds:
    """Average precision (step sum), for any order and any ties within the buckets.

    With TP, FP above a bucket of p positives and q negatives, the bucket adds to ``P x AP``

    - at least ``sum over i = 1..p of (TP + i) / (TP + i + FP + q)``: all its negatives first, no ties. For weights the
      integral ``over s from 0 to p of (TP + s) / (TP + s + FP + q)``, the limit of ever lighter rows;
    - at most ``p (TP + p) / (TP + p + FP)``: all its positives first, and *tied*: no positive of the bucket has more
      true positives or fewer false ones at its score. (Positives one by one is no upper bound: a tie lifts the first.)

    Parameters
    ----------
    tp, fp : array-like, shape (m,)
        Cumulative counts (integers) or sums of weights (floats) at the edges from the highest to the lowest.
    """
    hit, false, positives, _ = _cumulative(tp, fp)
    if positives == 0:
        return Bounds(np.nan, np.nan)
    above, p, before, after = hit[:-1], np.diff(hit), false[:-1], false[1:]
    some = p > 0
    above, p, before, after = above[some], p[some], before[some], after[some]
    high = p * ((above + p) / (above + p + before))
    if np.asarray(tp).dtype.kind == "f":
        with np.errstate(divide="ignore", invalid="ignore"):
            low = p - np.where(after > 0, after * np.log1p(p / (above + after)), 0.0)
    else:
        # A single positive without the cancellation, so that a bucket of one positive alone is exact.
        low = np.where(p == 1, p * ((above + p) / (above + p + after)), p - after * harmonic(above + after, p))
    ends = float(low.sum() / positives), float(high.sum() / positives)
    return Bounds(max(min(ends), 0.0), min(max(ends), 1.0))


def ks(tp: Any, fp: Any) -> Bounds:
    """Largest absolute difference of the true and the false positive rate (Kolmogorov-Smirnov).

    At least what it is at the edges; at most what one class entirely before the other makes of a bucket. Both ends are
    attained.
    """
    hit, false, positives, negatives = _cumulative(tp, fp)
    if positives == 0 or negatives == 0:
        return Bounds(np.nan, np.nan)
    tpr, fpr = hit / positives, false / negatives
    low = np.abs(tpr - fpr).max()
    inside = np.maximum(tpr[1:] - fpr[:-1], fpr[1:] - tpr[:-1])
    return Bounds(float(low), float(np.max(inside, initial=low)))


def counts_at(thresholds: Any, tp: Any, fp: Any, at: float) -> tuple[Counts, Counts]:
    """Counts of the rule ``score >= at`` at the nearest edge above and at the nearest edge below.

    The true counts lie between the two, every one of the four by itself; they are equal, and exact, when `at` is an
    edge, infinite, or below the lowest edge.

    Parameters
    ----------
    thresholds : array-like, shape (m,)
        +inf, then the edges, strictly descending.
    tp, fp : array-like, shape (m,)
        Cumulative counts, or sums of weights, at them.
    at : float
        The threshold.
    """
    if np.isnan(at):
        raise InputError("at", "nan", "a threshold to compare scores with")
    descending, hit, false = np.asarray(thresholds), np.asarray(tp), np.asarray(fp)
    last = len(descending) - 1
    above = last - int(np.searchsorted(descending[:0:-1], at, side="left"))
    exact = above == last or at == descending[above] or at == np.inf
    below = above if exact else above + 1

    def cells(row: int) -> Counts:
        t, f = hit[row].item(), false[row].item()
        return Counts(t, f, hit[-1].item() - t, false[-1].item() - f)

    return cells(above), cells(below)


def of_metric(metric: Metric, above: Counts, below: Counts) -> Bounds:
    """A count metric between two edges: its extremes over all numbers of positives and negatives flagged in between.

    Only the corners are tried: positives alone, negatives alone, both, neither. These hold the extremes of every
    metric that goes one way in tp for fixed fp and in fp for fixed tp. Rising in tp and falling in fp are accuracy,
    balanced accuracy, precision, npv, F-beta, Jaccard, MCC, kappa, G-mean, Youden's J, the likelihood and odds ratios,
    net benefit; recall and fnr know only tp, specificity and fpr only fp; the flagged rate rises in both. (For MCC and
    kappa: with D = tp tn - fp fn = N tp - P fp and k flagged of n, -N (n - k) <= D <= N k keeps the derivative in tp
    >= 0; fp by symmetry.) A metric with a turning point inside, such as an absolute association, is not covered.

    Where a corner is undefined (0/0) the counts one row further inside are tried as well; values that are undefined
    are not in the bounds, which are nan only when no value is defined.

    Parameters
    ----------
    metric : Metric
        With a formula over counts.
    above, below : Counts
        Numbers, as `counts_at` gives them: integers are rows, floats sums of weights.
    """
    if metric.of_counts is None:
        raise InputError("metric", metric.name, "a metric of counts at a threshold, such as precision")
    tp, fn = _tries(above.tp, below.tp, above.fn, below.fn)
    fp, tn = _tries(above.fp, below.fp, above.tn, below.tn)
    (tp, fp), (fn, tn) = np.meshgrid(tp, fp), np.meshgrid(fn, tn)
    with np.errstate(divide="ignore", invalid="ignore"):
        values = np.asarray(metric.of_counts(Counts(tp, fp, fn, tn)), dtype=np.float64)
    if np.isnan(values).all():
        return Bounds(np.nan, np.nan)
    return Bounds(float(np.nanmin(values)), float(np.nanmax(values)))


def harmonic(after: NDArray[np.float64], terms: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum of 1/j over ``after < j <= after + terms``, elementwise; to a few ulps, also for few terms far out.

    The difference of two digamma functions cancels when both are large; there the logarithm of the ratio and the
    asymptotic series around the half integers are used (Abramowitz & Stegun 1964, 6.3.18).
    """
    from scipy.special import digamma

    near, far = after + 0.5, after + terms + 0.5

    def tail(x: NDArray[np.float64]) -> NDArray[np.float64]:
        return (1 / 24 - (7 / 960 - 31 / 8064 / x**2) / x**2) / x**2

    series = np.log1p(terms / near) + (tail(far) - tail(near))
    return np.asarray(np.where(after >= 64, series, digamma(after + terms + 1) - digamma(after + 1)))


def _tries(above: Any, below: Any, missed_above: Any, missed_below: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    """Flagged and missed of one class at both edges, and one row inside each."""
    inside = float(below) - float(above)
    row = inside * SPECK if isinstance(below, float) else min(inside, 1.0)
    flagged = np.array([above, above + row, max(below - row, 0.0), below], dtype=np.float64)
    missed = np.array([missed_above, max(missed_above - row, 0.0), missed_below + row, missed_below], dtype=np.float64)
    return flagged, missed


def _cumulative(tp: Any, fp: Any) -> tuple[NDArray[np.float64], NDArray[np.float64], float, float]:
    hit, false = np.asarray(tp, dtype=np.float64), np.asarray(fp, dtype=np.float64)
    if hit.ndim != 1 or hit.shape != false.shape or not len(hit) or hit[0] or false[0]:
        raise InputError("tp, fp", f"shapes {hit.shape} and {false.shape}", "cumulative counts that begin with 0")
    return hit, false, float(hit[-1]), float(false[-1])
