"""The calibration line: log odds of what happened against log odds of what was said.

Rows in clusters get errors from sums over clusters and t with one degree of freedom fewer than (effective) clusters;
weighted rows get robust errors.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline.calibration.gaps import binary_rows
from cutline.calibration.logistic_fit import Fit, fit, separated
from cutline.evidence import finite
from cutline.evidence.clusters import FEWEST
from cutline.evidence.figures import clusters_of
from cutline.evidence.intervals import State
from cutline.evidence.proportions import t_of
from cutline.scores import Scores

Array = NDArray[np.float64]
CLIP = 1e-12
"""Probabilities are kept this far from 0 and 1 before their logit is taken."""


@dataclass(frozen=True, slots=True)
class Coefficient:
    """A coefficient with its standard error.

    Attributes
    ----------
    value, error : float
        nan where there is none.
    df : float
        Degrees of freedom of t; infinite for a normal one.
    """

    value: float
    error: float
    df: float = math.inf

    @property
    def state(self) -> State:
        """ok, undefined (no finite value), insufficient (fewer than 5 clusters)."""
        if math.isnan(self.value):
            return "undefined"
        return "ok" if self.df >= FEWEST - 1 and not math.isnan(self.error) else "insufficient"

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Two-sided limits."""
        half = t_of(confidence, self.df) * self.error
        return self.value - half, self.value + half

    def to_dict(self, confidence: float = 0.95) -> dict[str, Any]:
        """Plain values for JSON."""
        low, high = self.interval(confidence)
        named = {"value": self.value, "error": self.error, "low": low, "high": high}
        return {name: finite(value) for name, value in named.items()} | {"state": self.state}


@dataclass(frozen=True, slots=True)
class Test:
    """A statistic, its degrees of freedom (None for a normal one) and its p-value; nan where there is no test."""

    __test__ = False  # not a test of pytest's

    name: str
    statistic: float
    df: int | None
    p: float

    @property
    def state(self) -> State:
        """ok, or undefined."""
        return "undefined" if math.isnan(self.p) else "ok"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        statistic, p = finite(self.statistic), finite(self.p)
        return {"name": self.name, "statistic": statistic, "df": self.df, "p": p, "state": self.state}


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
        Intercept 0 and slope 1 together: the likelihood ratio U with 2 degrees of freedom; for weighted or clustered
        rows Hotelling's form of the robust Wald test.
    note : str
        Why there is no line, or what was done to probabilities of 0 and 1.
    """

    intercept: Coefficient
    slope: Coefficient
    offset: Coefficient
    test: Test
    note: str = ""


def cox_line(scores: Scores, *, clip: float = CLIP) -> CoxLine:
    """Calibration intercept and slope with standard errors.

    There is no slope where the score separates the classes or is constant, and no line at all where one class is
    missing: the figures are nan, their state is undefined, and the note says why.

    Parameters
    ----------
    scores : Scores
        Binary probabilities or logits, with truth. Weighted rows and rows in clusters get robust (sandwich) errors.
    clip : float
        Probabilities are kept this far from 0 and 1: a row at either end would decide the slope alone.

    Examples
    --------
    >>> import numpy as np, cutline as cl
    >>> from cutline.calibration import cox_line
    >>> rng = np.random.default_rng(0)
    >>> z = rng.normal(size=2000)
    >>> y = rng.uniform(size=2000) < 1 / (1 + np.exp(-z / 2))
    >>> line = cox_line(cl.Scores(y_true=y, y_score=z, kind="logit"))
    >>> round(line.slope.value, 2), line.test.p < 0.001
    (0.56, True)
    """
    p, y, share = binary_rows(scores)
    known = scores.known()
    p, ends = np.clip(p, clip, 1 - clip), int(np.count_nonzero((p < clip) | (p > 1 - clip)))
    note = f"{ends:,} probabilities nearer than {clip:g} to 0 or 1 were moved there" if ends else ""
    z = np.log(p) - np.log1p(-p)
    w = share * known.n
    member = _members(known)
    units = known.n if member is None else _effective(share, member)
    df = math.inf if member is None else units - 1
    one, nothing = np.ones_like(z), Coefficient(math.nan, math.nan)
    alone = fit(one[:, None], z, y, w, member)
    offset = _coefficient(alone, 0, df) if alone else nothing
    missing = separated(z, y)
    both = None if missing else fit(np.column_stack([one, z]), np.zeros_like(z), y, w, member)
    if both is None:
        none = Test("intercept 0, slope 1", math.nan, 2, math.nan)
        return CoxLine(nothing, nothing, offset, none, "; ".join(filter(None, (missing or "no finite slope", note))))
    from scipy.special import chdtrc, fdtrc

    if member is None:
        statistic = max(2 * (both.log_likelihood - float(w @ (y * np.log(p) + (1 - y) * np.log1p(-p)))), 0.0)
        test = Test("likelihood ratio of intercept 0, slope 1", statistic, 2, float(chdtrc(2, statistic)))
    else:
        gap, statistic, p_value = both.theta - [0.0, 1.0], math.nan, math.nan
        if units > 2 and np.isfinite(both.covariance).all() and np.linalg.cond(both.covariance) < 1e12:
            statistic = float(gap @ np.linalg.solve(both.covariance, gap))
            p_value = float(fdtrc(2, units - 2, statistic * (units - 2) / (2 * (units - 1))))
        test = Test("robust Wald test of intercept 0, slope 1", statistic, 2, p_value)
    return CoxLine(_coefficient(both, 0, df), _coefficient(both, 1, df), offset, test, note)


def _coefficient(found: Fit, i: int, df: float) -> Coefficient:
    return Coefficient(float(found.theta[i]), math.sqrt(float(found.covariance[i, i])), df)


def _members(known: Scores) -> NDArray[np.int64] | None:
    """Cluster numbers; each row its own for weighted rows; None where model-based errors hold."""
    member = clusters_of(known)
    return np.arange(known.n) if member is None and known.weight is not None else member


def _effective(share: Array, member: NDArray[np.int64]) -> float:
    sizes = np.bincount(member, share)
    return float(sizes.sum() ** 2 / (sizes @ sizes))
