"""Intervals of one binomial proportion and of the difference of two.

`wilson` is the default of the house, `clopper_pearson` what claims rest on; the others are here because readers ask
for them. All give limits in [0, 1] (differences: [-1, 1]).
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from cutline.errors import InputError, UnknownName

ProportionMethod = Literal[
    "wilson", "wilson-cc", "clopper-pearson", "mid-p", "jeffreys", "agresti-coull", "blaker", "minlike", "wald"
]
DifferenceMethod = Literal["newcombe", "agresti-caffo", "miettinen-nurminen"]
EXACT = ("clopper-pearson", "mid-p", "blaker", "minlike")
"""Methods that count rows: they refuse sums of weights."""
SAME = 1e-7
"""Outcomes whose probabilities differ relatively by less count as equally likely, as R and scipy have it."""


def z_of(level: float) -> float:
    """Two-sided normal quantile: 1.96 for 0.95."""
    if not 0 < level < 1:
        raise InputError("confidence", repr(level), "a level between 0 and 1, such as 0.95")
    from scipy.special import ndtri

    return float(ndtri((1 + level) / 2))


def t_of(level: float, df: float) -> float:
    """Two-sided quantile of t, the normal one when `df` is infinite; nan without degrees of freedom."""
    z = z_of(level)
    if math.isinf(df):
        return z
    from scipy.special import stdtrit

    return float(stdtrit(df, (1 + level) / 2)) if df > 0 else math.nan


def proportion_interval(
    k: float, n: float, method: ProportionMethod = "wilson", confidence: float = 0.95
) -> tuple[float, float]:
    """Two-sided interval of the proportion k / n; (nan, nan) without trials.

    Parameters
    ----------
    k, n : float
        Successes and trials. Exact methods want whole numbers; others take effective numbers of weighted rows, too.
    method : str
        "wilson" (Wilson 1927), "wilson-cc" (with continuity correction, Newcombe 1998), "clopper-pearson" (exact, for
        claims), "mid-p" (Clopper-Pearson with half of the observed outcome), "jeffreys" (quantiles of Beta(k + 1/2,
        n - k + 1/2)), "agresti-coull" (clipped to [0, 1]), "blaker" (Blaker 2000: exact, inside Clopper-Pearson),
        "minlike" (inverts the exact two-sided test that adds up all outcomes no likelier than the one seen; Sterne
        1954), "wald" (for comparison only: it covers far too little near 0 and 1).
    confidence : float
        Level, two-sided.

    Examples
    --------
    >>> from cutline.evidence.proportions import proportion_interval
    >>> low, high = proportion_interval(7, 23, "blaker")
    >>> round(low, 3), round(high, 3)
    (0.139, 0.523)
    """
    z = z_of(confidence)
    if method not in get_args(ProportionMethod):
        raise UnknownName.among("method", method, get_args(ProportionMethod))
    k, n = _checked(k, n, whole=method in EXACT, method=method)
    if n == 0:
        return math.nan, math.nan
    if method in ("wald", "agresti-coull"):
        extra = 0.0 if method == "wald" else z * z
        p = (k + extra / 2) / (n + extra)
        half = z * math.sqrt(p * (1 - p) / (n + extra))
        return max(p - half, 0.0), min(p + half, 1.0)
    return _ONE[method](k, n, confidence)


def wilson(k: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """Wilson score interval of a proportion k/n (Wilson 1927; Brown, Cai & DasGupta 2001).

    Parameters
    ----------
    k, n : float
        Successes and trials; not whole for effective numbers of weighted rows.
    level : float
        Confidence, two-sided.

    Examples
    --------
    >>> from cutline.evidence import wilson
    >>> low, high = wilson(7, 23)
    >>> round(low, 4), round(high, 4)
    (0.156, 0.5087)
    """
    return score_limits(k, n, z_of(level))


def score_limits(k: float, n: float, z: float) -> tuple[float, float]:
    """Wilson's limits for a given quantile: |k/n - p| = z sqrt(p (1 - p) / n)."""
    if n <= 0:
        return math.nan, math.nan
    p, shrink = k / n, 1 + z * z / n
    centre = (p + z * z / (2 * n)) / shrink
    half = z / shrink * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    # At k = 0 and k = n the limits are 0 and 1 exactly; rounding must not move them inside.
    return (0.0 if k <= 0 else max(centre - half, 0.0)), (1.0 if k >= n else min(centre + half, 1.0))


def _wilson_corrected(k: float, n: float, level: float) -> tuple[float, float]:
    """Solves |k/n - p| - 1/(2n) = z sqrt(p (1 - p) / n); the interval always holds k/n."""

    def lower(k: float) -> float:
        if k <= 0:
            return 0.0
        z, p = z_of(level), k / n
        root = z * z - 2 - 1 / n + 4 * p * (n * (1 - p) + 1)
        return max((2 * n * p + z * z - 1 - z * math.sqrt(max(root, 0.0))) / (2 * (n + z * z)), 0.0)

    return lower(k), 1 - lower(n - k)


def clopper_pearson(
    k: int, n: int, level: float = 0.95, side: Literal["both", "lower", "upper"] = "both"
) -> tuple[float, float]:
    """Exact binomial limits of k/n (Clopper & Pearson 1934), two-sided or one-sided; for claims."""
    z_of(level)  # checks the level
    if n <= 0:
        return math.nan, math.nan
    from scipy.special import betaincinv

    tail = (1 - level) / (2 if side == "both" else 1)
    low = float(betaincinv(k, n - k + 1, tail)) if k > 0 and side != "upper" else 0.0
    high = float(betaincinv(k + 1, n - k, 1 - tail)) if k < n and side != "lower" else 1.0
    return low, high


def _mid_p(k: float, n: float, level: float) -> tuple[float, float]:
    """P(more than k) + P(k) / 2 = alpha / 2 at the lower limit, and so from the other side at the upper."""
    from scipy.optimize import brentq
    from scipy.special import betainc

    def lower(k: float) -> float:
        if k <= 0:
            return 0.0

        def excess(p: float) -> float:
            more = float(betainc(k + 1, n - k, p)) if k < n else 0.0
            return (float(betainc(k, n - k + 1, p)) + more) / 2 - (1 - level) / 2

        return float(brentq(excess, 0.0, 1.0, xtol=1e-14)) if excess(1.0) > 0 else 1.0

    return lower(k), 1 - lower(n - k)


def _jeffreys(k: float, n: float, level: float) -> tuple[float, float]:
    from scipy.special import betaincinv

    low, high = betaincinv(k + 0.5, n - k + 0.5, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


Boundaries = Callable[[NDArray[Any], int, int], NDArray[np.float64]]


def _inverted(boundaries: Boundaries, k: float, n: float, level: float) -> tuple[float, float]:
    """The hull of the p that an exact two-sided test keeps.

    Below k/n its p-value is P(at least k) + P(at most j), and j steps up at certain p (`boundaries`). Between two steps
    it falls, then rises, so that only the ends of a stretch have to be looked at.
    """
    from scipy.optimize import brentq
    from scipy.special import betainc

    def lower(k: int) -> float:
        if k == 0:
            return 0.0
        # The first term alone reaches alpha at the one-sided Clopper-Pearson limit: no stretch beyond it matters. Nor
        # does one where it is below alpha / (k + 2): each outcome of the other tail is at most as likely as k.
        last = clopper_pearson(k, int(n), level, "lower")[0]
        least = clopper_pearson(k, int(n), 1 - (1 - level) / (k + 2), "lower")[0]

        def begins(j: int) -> float:
            return float(boundaries(np.array([j]), k, int(n))[0])

        first = bisect_right(range(-1, k), least, key=begins) - 2
        j = np.arange(max(first, -1), bisect_right(range(-1, k), last, key=begins) - 1)
        start = boundaries(j, k, int(n))
        end = np.append(start[1:], last)

        def p_value(p: Any, j: Any) -> Any:
            return betainc(k, n - k + 1, p) + np.where(j >= 0, 1 - betainc(np.maximum(j, 0) + 1, n - j, p), 0.0)

        alpha = 1 - level
        # A limit on a boundary belongs to both sides of rounding; 1e-12 keeps it.
        kept = (p_value(start, j) >= alpha - 1e-12) | (p_value(end, j) >= alpha - 1e-12)
        i = int(np.argmax(kept))
        if p_value(start[i], j[i]) >= alpha or end[i] <= start[i] or p_value(end[i], j[i]) <= alpha:
            return float(start[i] if p_value(start[i], j[i]) >= alpha else end[i])
        return float(brentq(lambda p: float(p_value(p, j[i])) - alpha, start[i], end[i], xtol=1e-14))

    whole, trials = int(k), int(n)
    return lower(whole), 1 - lower(trials - whole)


def _likelier(j: NDArray[Any], k: int, n: int) -> NDArray[np.float64]:
    """From which p on the outcome j < k is no likelier than k; 0 for the empty tail."""
    from scipy.special import gammaln

    with np.errstate(over="ignore"):
        choose = gammaln(k + 1) + gammaln(n - k + 1) - gammaln(j + 1.0) - gammaln(n - j + 1.0)
        odds = np.exp((choose + math.log1p(-SAME)) / (k - j))
    return np.where(j >= 0, odds / (1 + odds), 0.0)


def _rarer(j: NDArray[Any], k: int, n: int) -> NDArray[np.float64]:
    """From which p on the tail up to j < k is no likelier than the tail from k (by bisection); 0 for the empty tail."""
    from scipy.special import betainc

    low, high = np.zeros(len(j)), np.ones(len(j))
    for _ in range(60):
        p = (low + high) / 2
        rare = 1 - betainc(np.maximum(j, 0) + 1, n - j, p) <= betainc(k, n - k + 1, p) * (1 + SAME)
        low, high = np.where(rare, low, p), np.where(rare, p, high)
    return np.where(j >= 0, high, 0.0)


_ONE: dict[str, Callable[..., tuple[float, float]]] = {
    "wilson": wilson,
    "wilson-cc": _wilson_corrected,
    "clopper-pearson": clopper_pearson,
    "mid-p": _mid_p,
    "jeffreys": _jeffreys,
    "blaker": lambda k, n, level: _inverted(_rarer, k, n, level),
    "minlike": lambda k, n, level: _inverted(_likelier, k, n, level),
}


def difference_interval(
    k1: float, n1: float, k2: float, n2: float, method: DifferenceMethod = "newcombe", confidence: float = 0.95
) -> tuple[float, float]:
    """Two-sided interval of p1 - p2 of independent samples; (nan, nan) when one has no trials.

    Parameters
    ----------
    k1, n1, k2, n2 : float
        Successes and trials of both; effective numbers for weighted rows.
    method : str
        "newcombe" (hybrid of the two Wilson intervals, Newcombe 1998), "agresti-caffo" (a success and a failure added
        to each, 2000), "miettinen-nurminen" (inverts the score test, with their variance factor N / (N - 1), 1985).
    confidence : float
        Level, two-sided.

    Examples
    --------
    >>> from cutline.evidence.proportions import difference_interval
    >>> low, high = difference_interval(56, 70, 48, 80)
    >>> round(low, 4), round(high, 4)
    (0.0524, 0.3339)
    """
    z = z_of(confidence)
    if method not in get_args(DifferenceMethod):
        raise UnknownName.among("method", method, get_args(DifferenceMethod))
    k1, n1 = _checked(k1, n1, whole=False, method=method)
    k2, n2 = _checked(k2, n2, whole=False, method=method)
    if not n1 or not n2:
        return math.nan, math.nan
    p1, p2 = k1 / n1, k2 / n2
    if method == "newcombe":
        (l1, u1), (l2, u2) = score_limits(k1, n1, z), score_limits(k2, n2, z)
        gap = p1 - p2
        return gap - math.hypot(p1 - l1, u2 - p2), gap + math.hypot(u1 - p1, p2 - l2)
    if method == "agresti-caffo":
        a, b = (k1 + 1) / (n1 + 2), (k2 + 1) / (n2 + 2)
        half = z * math.sqrt(a * (1 - a) / (n1 + 2) + b * (1 - b) / (n2 + 2))
        return max(a - b - half, -1.0), min(a - b + half, 1.0)
    return -_score_upper(k2, n2, k1, n1, z), _score_upper(k1, n1, k2, n2, z)


def _score_upper(k1: float, n1: float, k2: float, n2: float, z: float) -> float:
    """The largest difference that the score test keeps."""
    from scipy.optimize import brentq

    gap = k1 / n1 - k2 / n2

    def excess(d: float) -> float:
        p2 = _restricted(k1, n1, k2, n2, d)
        p1 = p2 + d
        variance = (p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2) * (n1 + n2) / max(n1 + n2 - 1, 1)
        return d - gap - z * math.sqrt(max(variance, 0.0))

    # Not from the gap itself: at 0 of n against 0 of m the test has no spread there.
    start = gap + 1e-9
    return 1.0 if start >= 1 or excess(1.0) <= 0 else float(brentq(excess, start, 1.0, xtol=1e-13))


def _restricted(k1: float, n1: float, k2: float, n2: float, d: float) -> float:
    """The likeliest p2 when p1 = p2 + d: the root of Miettinen & Nurminen's cubic that lies in reach."""
    n = n1 + n2
    a, b = n, (n1 + 2 * n2) * d - n - k1 - k2
    c = (n2 * d - n - 2 * k2) * d + k1 + k2
    e = k2 * d * (1 - d)
    centre = b / (3 * a)
    v = centre**3 - b * c / (6 * a * a) + e / (2 * a)
    u = math.copysign(math.sqrt(max(centre**2 - c / (3 * a), 0.0)), v)
    w = (math.pi + math.acos(max(-1.0, min(1.0, v / u**3 if u else 0.0)))) / 3
    return min(max(2 * u * math.cos(w) - centre, 0.0, -d), 1.0, 1.0 - d)


def _checked(k: float, n: float, *, whole: bool, method: str) -> tuple[float, float]:
    if not (0 <= k <= n < math.inf):
        raise InputError("k, n", f"{k!r}, {n!r}", "successes from 0 to the number of trials, both finite")
    if whole and not (float(k).is_integer() and float(n).is_integer()):
        hint = "use wilson with the effective number of rows"
        raise InputError("k, n", f"{k!r}, {n!r} for {method}", "whole numbers: the method is exact", hint)
    return float(k), float(n)
