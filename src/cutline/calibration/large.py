"""Calibration in the large: what the probabilities said on average, and what happened, in all rows and in parts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline.calibration.gaps import at_least, binary_rows
from cutline.calibration.line import CLIP
from cutline.calibration.logistic_fit import fit
from cutline.evidence import finite
from cutline.evidence.clusters import FEWEST
from cutline.evidence.figures import clusters_of
from cutline.evidence.intervals import State
from cutline.evidence.proportions import score_limits, t_of
from cutline.scores import Scores, sigmoid

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Bias:
    """Mean probability minus frequency: prediction bias, with all its limits need.

    The limits are Wilson's for the frequency, at as many rows as would give it the variance that the difference has
    (for one constant probability exactly the rows there are), so that they stay in [0, 1] and hold without events.

    Attributes
    ----------
    said, happened : float
        Mean probability and observed frequency.
    error : float
        Standard error of the difference: the larger of the one seen between rows (or clusters) and the one which the
        probabilities, moved to the right mean, promise. nan when only one class happened.
    rows : float
        Rows that bear it.
    df : float
        Degrees of freedom of t; infinite for a normal one.
    """

    said: float
    happened: float
    error: float
    rows: float
    df: float = math.inf

    @property
    def value(self) -> float:
        """Said - happened: positive when too much was promised."""
        return self.said - self.happened

    @property
    def state(self) -> State:
        """ok; degenerate when only one class happened; insufficient below 5 clusters or (effective) rows."""
        if self.rows < FEWEST or self.df < FEWEST - 1:
            return "insufficient"
        return "ok" if 0 < self.happened < 1 else "degenerate"

    @property
    def p(self) -> float:
        """p-value of no bias: its interval at level 1 - p ends at 0."""
        from scipy.special import ndtr, stdtr

        spread = self.said * (1 - self.said)
        if not (spread > 0 and self.rows > 0 and self.df > 0):
            return math.nan
        z = -abs(self.value) / math.sqrt(spread / self.rows)
        return float(2 * (ndtr(z) if math.isinf(self.df) else stdtr(self.df, z)))

    def happened_interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Limits of the frequency that the rows were drawn from, given what was said."""
        if not self.df > 0:
            return math.nan, math.nan
        return score_limits(self.happened * self.rows, self.rows, t_of(confidence, self.df))

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Two-sided limits of the bias."""
        low, high = self.happened_interval(confidence)
        return self.said - high, self.said - low

    @property
    def ratio(self) -> float:
        """Observed over expected: 1 when they agree, below 1 when too much was promised; nan when nothing was."""
        return self.happened / self.said if self.said else math.nan

    def ratio_interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Limits of the ratio: they exclude 1 exactly when those of the bias exclude 0."""
        low, high = self.happened_interval(confidence)
        return (low / self.said, high / self.said) if self.said else (math.nan, math.nan)

    def to_dict(self, confidence: float = 0.95) -> dict[str, Any]:
        """Plain values for JSON."""
        low, high = self.interval(confidence)
        named = {"value": self.value, "error": self.error, "low": low, "high": high, "p": self.p}
        return {name: finite(value) for name, value in named.items()} | {"state": self.state}


@dataclass(frozen=True, slots=True)
class InTheLarge:
    """What the probabilities said on average, and what happened.

    Attributes
    ----------
    name : str
        Which rows: "all rows", a bucket, or a slice.
    n : int
        Rows.
    bias : Bias
        The difference.
    """

    name: str
    n: int
    bias: Bias

    @property
    def said(self) -> float:
        """Mean probability."""
        return self.bias.said

    @property
    def happened(self) -> float:
        """Observed frequency."""
        return self.bias.happened

    @property
    def ratio(self) -> float:
        """Observed over expected."""
        return self.bias.ratio

    def to_dict(self, confidence: float = 0.95) -> dict[str, Any]:
        """Plain values for JSON."""
        low, high = self.bias.ratio_interval(confidence)
        return {
            "name": self.name,
            "n": self.n,
            "said": finite(self.said),
            "happened": finite(self.happened),
            "bias": self.bias.to_dict(confidence),
            "observed_over_expected": {"value": finite(self.ratio), "low": finite(low), "high": finite(high)},
        }

    def words(self, confidence: float = 0.95) -> str:
        """One line in plain words, with limits of what happened."""
        low, high = self.bias.happened_interval(confidence)
        return (
            f"{self.name}: says {100 * self.said:.3g} % on average, {100 * self.happened:.3g} % happened "
            f"[{100 * low:.3g}, {100 * high:.3g}], {self.n:,} rows"
        )

    def __str__(self) -> str:
        return self.words()


def in_the_large(scores: Scores, name: str = "all rows") -> InTheLarge:
    """Prediction bias: over rows, effective rows (weights) or clusters (groups).

    Parameters
    ----------
    scores : Scores
        Binary probabilities or logits, with truth.
    name : str
        What to call the rows.

    Examples
    --------
    >>> import cutline as cl
    >>> from cutline.calibration import in_the_large
    >>> bias = in_the_large(cl.Scores(y_true=[0] * 45 + [1] * 5, y_score=[0.3] * 50, kind="probability")).bias
    >>> round(bias.value, 2), [round(limit, 3) for limit in bias.interval()]
    (0.2, [0.086, 0.257])
    """
    p, y, w = binary_rows(scores)
    known = scores.known()
    said, happened = float(w @ p), float(w @ y)
    member = clusters_of(known)
    share = w if member is None else np.bincount(member, w)
    rows = float(share.sum() ** 2 / (share @ share))
    df = math.inf if member is None else rows - 1
    if not 0 < y.sum() < known.n:  # each row (or cluster) counts once
        return InTheLarge(name, known.n, Bias(said, happened, math.nan, rows, df))
    part, factor = w * (p - y - (said - happened)), 1.0
    if member is not None:
        part = np.asarray(np.bincount(member, part), np.float64)
        factor = len(part) / (len(part) - 1) if len(part) > 1 else math.nan
    error = math.sqrt(max(float(part @ part) * factor, _promised(p, y, w)))
    return InTheLarge(name, known.n, Bias(said, happened, error, happened * (1 - happened) / error**2, df))


def _promised(p: Array, y: Array, w: Array) -> float:
    """Variance of the frequency if the probabilities, all moved by the same log odds to the right mean, were true."""
    p = np.clip(p, CLIP, 1 - CLIP)
    z = np.log(p) - np.log1p(-p)
    found = fit(np.ones((len(z), 1)), z, y, w * len(z), None)
    moved = sigmoid(z + found.theta[0]) if found else p
    return float(w**2 @ (moved * (1 - moved)))


def bias_by_bucket(scores: Scores, buckets: int = 10) -> tuple[InTheLarge, ...]:
    """Prediction bias in buckets of about equal numbers of rows, from low to high probability.

    Equal probabilities are never split, so there can be fewer; each interval holds for its bucket on its own.
    """
    buckets = at_least(1, buckets, "buckets")
    binary_rows(scores)  # refuses what is no probability, by name
    known = scores.known()
    p = known.probability
    edges = np.unique(np.quantile(p, np.linspace(0, 1, buckets + 1)[1:-1]))
    place = np.searchsorted(edges, p, side="left")
    return tuple(
        in_the_large(known.take(place == k), f"{p[place == k].min():.3g} to {p[place == k].max():.3g}")
        for k in np.unique(place)
    )


def bias_by_slice(scores: Scores) -> Mapping[str, tuple[InTheLarge, ...]]:
    """Prediction bias in every slice of every partition of ``scores.slices``; each interval holds on its own."""
    known = scores.known()
    found = {}
    for name, column in known.slices.items():
        text = column.astype(str)
        found[name] = tuple(in_the_large(known.take(text == value), value) for value in np.unique(text).tolist())
    return found
