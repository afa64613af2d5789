"""How far probabilities are from frequencies: in words a person can act on first, tests after."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline.calibration.gaps import binary_rows
from cutline.errors import InputError
from cutline.evidence import finite, z_of
from cutline.scores import Scores, sigmoid

Array = NDArray[np.float64]
CLIP = 1e-12


@dataclass(frozen=True, slots=True)
class Coefficient:
    """A coefficient with its standard error; normal limits at any level."""

    value: float
    error: float

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Two-sided limits."""
        half = z_of(confidence) * self.error
        return self.value - half, self.value + half

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"value": finite(self.value), "error": finite(self.error)}


@dataclass(frozen=True, slots=True)
class Test:
    """A statistic, its degrees of freedom (None for a normal one) and its p-value; nan where there is no test."""

    __test__ = False  # not a test of pytest's

    name: str
    statistic: float
    df: int | None
    p: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"name": self.name, "statistic": finite(self.statistic), "df": self.df, "p": finite(self.p)}


@dataclass(frozen=True, slots=True)
class CoxLine:
    """The line logit P(y = 1) = intercept + slope x logit(p) (Cox 1958).

    Attributes
    ----------
    intercept, slope : Coefficient
        Fitted together: 0 and 1 for calibrated probabilities; a slope below 1 says they are too extreme.
    offset : Coefficient
        The intercept with the slope held at 1: calibration in the large, on the logit scale.
    test : Test
        Likelihood ratio of intercept 0 and slope 1, 2 degrees of freedom; a Wald test for weighted or clustered rows.
    """

    intercept: Coefficient
    slope: Coefficient
    offset: Coefficient
    test: Test


def cox_line(scores: Scores, *, clip: float = CLIP) -> CoxLine:
    """Calibration intercept and slope with standard errors; nan where the classes are separated or the score constant.

    Weighted rows and rows in clusters get robust (sandwich) errors, by cluster.

    Parameters
    ----------
    scores : Scores
        Binary probabilities or logits, with truth.
    clip : float
        Probabilities are kept this far from 0 and 1.
    """
    p, y, _ = binary_rows(scores)
    known = scores.known()
    p = np.clip(p, clip, 1 - clip)
    z = np.log(p) - np.log1p(-p)
    w = np.ones(known.n) if known.weight is None else known.weight * known.n / known.weight.sum()
    member = _members(known)
    one = np.ones_like(z)
    offset = _logistic(one[:, None], z, y, w, member)
    both = None if _separated(z, y) else _logistic(np.column_stack([one, z]), np.zeros_like(z), y, w, member)
    nothing = Coefficient(math.nan, math.nan)
    if both is None:
        none = Test("intercept 0, slope 1", math.nan, 2, math.nan)
        return CoxLine(nothing, nothing, offset.of(0) if offset else nothing, none)
    from scipy.special import chdtrc

    if member is None:
        statistic = 2 * (both.log_likelihood - float(w @ (y * np.log(p) + (1 - y) * np.log1p(-p))))
        name = "likelihood ratio of intercept 0, slope 1"
    else:
        gap = both.theta - [0.0, 1.0]
        statistic, name = float(gap @ np.linalg.solve(both.covariance, gap)), "robust Wald test of intercept 0, slope 1"
    test = Test(name, statistic, 2, float(chdtrc(2, max(statistic, 0.0))))
    return CoxLine(both.of(0), both.of(1), offset.of(0) if offset else nothing, test)


def spiegelhalter(scores: Scores) -> Test:
    """Spiegelhalter's z (1986): whether the Brier score is what the probabilities themselves promise.

    Independent rows without weights only.

    Parameters
    ----------
    scores : Scores
        Binary probabilities or logits, with truth.
    """
    _independent(scores, "Spiegelhalter's test")
    from scipy.special import ndtr

    p, y, _ = binary_rows(scores)
    spread = math.sqrt(float(((1 - 2 * p) ** 2 * p * (1 - p)).sum()))
    z = float(((y - p) * (1 - 2 * p)).sum()) / spread if spread else math.nan
    return Test("Spiegelhalter", z, None, float(2 * ndtr(-abs(z))) if spread else math.nan)


@dataclass(frozen=True, slots=True, eq=False)
class HosmerLemeshow:
    """The test with what it was made of: positives seen and expected in each group."""

    test: Test
    observed: Array
    expected: Array


def hosmer_lemeshow(scores: Scores, *, groups: int = 10, clip: float = 0.0, in_sample: bool = False) -> HosmerLemeshow:
    """Hosmer & Lemeshow's chi-square (1980) over groups of equal numbers of rows: only on request.

    Its answer depends on the grouping, and with many rows it rejects every model there is.

    Parameters
    ----------
    scores : Scores
        Binary probabilities or logits, with truth; independent rows without weights.
    groups : int
        Quantile groups, closed on the right (type 7 quantiles); equal ones are merged.
    clip : float
        Probabilities are kept this far from 0 and 1.
    in_sample : bool
        True when the probabilities were fitted to these rows, which costs two degrees of freedom (as R's packages
        assume always).
    """
    _independent(scores, "the Hosmer-Lemeshow test")
    if groups < 3:
        raise InputError("groups", repr(groups), "at least 3")
    from scipy.special import chdtrc

    p, y, _ = binary_rows(scores)
    p = np.clip(p, clip, 1 - clip) if clip else p
    edges = np.unique(np.quantile(p, np.linspace(0, 1, groups + 1)))
    place = np.clip(np.searchsorted(edges, p, side="left") - 1, 0, max(len(edges) - 2, 0))
    n, seen, said = (np.bincount(place, v) for v in (np.ones_like(p), y, p))
    with np.errstate(divide="ignore", invalid="ignore"):
        chi2 = float(((seen - said) ** 2 / (said * (1 - said / n))).sum())
    df = len(n) - 2 * in_sample
    test = Test("Hosmer-Lemeshow", chi2, df, float(chdtrc(df, chi2)) if df > 0 and math.isfinite(chi2) else math.nan)
    return HosmerLemeshow(test, seen.astype(np.float64), said.astype(np.float64))


@dataclass(frozen=True, slots=True)
class InTheLarge:
    """What the probabilities said on average, and what happened.

    Attributes
    ----------
    name : str
        Which rows: "all rows", a bucket, or a slice.
    n : float
        Rows; clusters or effective rows bear the error.
    said, happened : float
        Mean probability and observed frequency.
    bias : Coefficient
        said - happened (prediction bias) with its standard error.
    """

    name: str
    n: int
    said: float
    happened: float
    bias: Coefficient

    @property
    def ratio(self) -> float:
        """Observed over expected: 1 when they agree, below 1 when too much was promised."""
        return self.happened / self.said if self.said else math.nan

    def ratio_interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Limits of the ratio, on the log scale; nan without a single event."""
        if not self.happened or not self.said:
            return math.nan, math.nan
        half = z_of(confidence) * self.bias.error / self.happened
        return self.ratio * math.exp(-half), self.ratio * math.exp(half)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        low, high = self.bias.interval()
        return {
            "name": self.name,
            "n": self.n,
            "said": finite(self.said),
            "happened": finite(self.happened),
            "bias": self.bias.to_dict() | {"low": finite(low), "high": finite(high)},
            "observed_over_expected": finite(self.ratio),
        }

    def __str__(self) -> str:
        low, high = self.bias.interval()
        return (
            f"{self.name}: says {100 * self.said:.3g} % on average, {100 * self.happened:.3g} % happened; "
            f"{100 * self.bias.value:+.3g} points [{100 * low:+.3g}, {100 * high:+.3g}], {self.n:,} rows"
        )


def in_the_large(scores: Scores, name: str = "all rows") -> InTheLarge:
    """Prediction bias with its error: t-like over rows, effective rows or clusters.

    Parameters
    ----------
    scores : Scores
        Binary probabilities or logits, with truth.
    name : str
        What to call the rows.
    """
    p, y, w = binary_rows(scores)
    known = scores.known()
    gap = p - y
    bias = float(w @ gap)
    part = w * (gap - bias)
    units, member = known.n, _members(known)
    if known.groups is not None:
        assert member is not None
        part = np.asarray(np.bincount(member, part), np.float64)
        units = len(part)
    error = math.sqrt(float((part**2).sum()) * units / (units - 1)) if units > 1 else math.nan
    return InTheLarge(name, known.n, float(w @ p), float(w @ y), Coefficient(bias, error))


def bias_by_bucket(scores: Scores, buckets: int = 10) -> tuple[InTheLarge, ...]:
    """Prediction bias in buckets of about equal numbers of rows, from low to high probability."""
    known = scores.known()
    p = known.probability
    edges = np.unique(np.quantile(p, np.linspace(0, 1, buckets + 1)[1:-1]))
    place = np.searchsorted(edges, p, side="left")
    return tuple(
        in_the_large(known.take(place == k), f"{p[place == k].min():.3g} to {p[place == k].max():.3g}")
        for k in np.unique(place)
    )


def bias_by_slice(scores: Scores) -> Mapping[str, tuple[InTheLarge, ...]]:
    """Prediction bias in every slice of every partition of ``scores.slices``."""
    known = scores.known()
    found = {}
    for name, column in known.slices.items():
        text = column.astype(str)
        found[name] = tuple(in_the_large(known.take(text == value), value) for value in np.unique(text).tolist())
    return found


@dataclass(frozen=True, slots=True)
class _Fit:
    theta: Array
    covariance: Array
    log_likelihood: float

    def of(self, i: int) -> Coefficient:
        return Coefficient(float(self.theta[i]), math.sqrt(max(float(self.covariance[i, i]), 0.0)))


def _logistic(x: Array, offset: Array, y: Array, w: Array, member: NDArray[np.int64] | None) -> _Fit | None:
    """Maximum likelihood with an offset; a sandwich by `member`, where given. None where there is no maximum."""
    theta = np.zeros(x.shape[1])
    if not 0 < y.sum() < len(y):
        return None
    if x.shape[1] == 2:
        theta[1] = 1.0

    def likelihood(t: Array) -> float:
        eta = offset + x @ t
        return float(w @ (y * eta - np.logaddexp(0, eta)))

    now = likelihood(theta)
    for _ in range(100):
        p = sigmoid(offset + x @ theta)
        information = (x * (w * p * (1 - p))[:, None]).T @ x
        score = x * (w * (y - p))[:, None]
        try:
            step = np.linalg.solve(information, score.sum(axis=0))
        except np.linalg.LinAlgError:
            return None
        scale = 1.0
        while (new := likelihood(theta + scale * step)) < now and scale > 1e-8:
            scale /= 2
        theta, gained, now = theta + scale * step, new - now, max(new, now)
        if gained < 1e-10 * (1 + abs(now)) and np.abs(step).max() < 1e-7:
            break
    p = sigmoid(offset + x @ theta)
    information = (x * (w * p * (1 - p))[:, None]).T @ x
    if not np.isfinite(information).all() or np.linalg.cond(information) > 1e14:
        return None
    inverse = np.asarray(np.linalg.inv(information), np.float64)
    if member is None:
        return _Fit(theta, inverse, now)
    score = x * (w * (y - p))[:, None]
    total = np.column_stack([np.bincount(member, column) for column in score.T])
    g = len(total)
    return _Fit(theta, inverse @ (total.T @ total) @ inverse * g / max(g - 1, 1), now)


def _separated(z: Array, y: Array) -> bool:
    """True when a cut on the score divides the classes, or the score is constant: the best slope is not finite."""
    one, zero = z[y == 1], z[y == 0]
    return not len(one) or not len(zero) or one.min() >= zero.max() or one.max() <= zero.min() or z.min() == z.max()


def _members(known: Scores) -> NDArray[np.int64] | None:
    """Cluster numbers; each row its own for weighted rows; None where model-based errors hold."""
    if known.groups is not None:
        text = known.groups.astype(str) if known.groups.dtype == object else known.groups
        return np.unique(text, return_inverse=True)[1].astype(np.int64)
    return None if known.weight is None else np.arange(known.n)


def _independent(scores: Scores, what: str) -> None:
    for name, given in (("weight", scores.weight), ("groups", scores.groups)):
        if given is not None:
            wanted = "independent rows without weights"
            raise InputError(name, f"{what} of rows with {name}=", wanted, "cox_line takes them")
