"""A figure over its standard error."""

from __future__ import annotations

import math
from dataclasses import dataclass

from cutline.evidence.intervals import State
from cutline.evidence.proportions import t_of

FEW = 30
"""Below this many rows of a class (or clusters) the normal distribution gives way to t."""


@dataclass(frozen=True, slots=True)
class Studentized:
    """A figure over its standard error: t with `df` degrees of freedom, normal when that is infinite.

    Parameters
    ----------
    value, error : float
        The figure, 0 when there is no effect, and its standard error.
    df : float
        Degrees of freedom; below 1 nothing can be said.
    method : str
        Name for people.
    low, high : float
        The range of the figure; limits are kept inside.

    Examples
    --------
    >>> from cutline.evidence.studentized import Studentized
    >>> Studentized(0.0, 0.0, 9, "t").p
    1.0
    """

    value: float
    error: float
    df: float
    method: str
    low: float = -math.inf
    high: float = math.inf

    @property
    def state(self) -> State:
        """Undefined, insufficient (below one degree of freedom), degenerate (no spread) or ok."""
        if math.isnan(self.value):
            return "undefined"
        if self.df < 1 or math.isnan(self.error):
            return "insufficient"
        # What is left of equal numbers after rounding is no spread.
        return "ok" if self.error > 1e-12 * abs(self.value) else "degenerate"

    @property
    def statistic(self) -> float:
        """Value over error; 0 where the value is, nan where there is no error to divide by."""
        if self.value == 0:
            return 0.0
        return self.value / self.error if self.state == "ok" else math.nan

    @property
    def p(self) -> float:
        """Two-sided; 1 unless the state is ok."""
        return 2 * _t_tail(self.df, -abs(self.statistic)) if self.state == "ok" else 1.0

    def interval(self, level: float) -> tuple[float, float]:
        """Symmetric limits inside the range; nan where a figure that is not 0 has no spread to judge it by."""
        t = t_of(level, self.df)
        if self.state in ("undefined", "insufficient") or (self.state == "degenerate" and self.value != 0):
            return math.nan, math.nan
        half = t * self.error
        return max(self.value - half, self.low), min(self.value + half, self.high)


def _t_tail(df: float, t: float) -> float:
    from scipy.special import ndtr, stdtr

    return float(ndtr(t) if math.isinf(df) else stdtr(df, t))


def welch(value: float, spreads: list[tuple[float, float]], method: str, reach: tuple[float, float]) -> Studentized:
    """T of a figure whose variance is a sum of independent ones, given with their degrees of freedom.

    Satterthwaite 1946: (sum v)^2 / sum (v^2 / df).
    """
    total = math.fsum(v for v, _ in spreads)
    below = math.fsum(v * v / df for v, df in spreads if df > 0)
    df = total**2 / below if below > 0 else min(df for _, df in spreads)
    return Studentized(value, math.sqrt(total), df, method, *reach)
