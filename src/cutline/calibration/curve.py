"""The reliability diagram: frequency as a rising step function of probability, with what chance alone would do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cutline.calibration.gaps import binary_rows
from cutline.errors import InputError, UnknownName
from cutline.evidence import z_of
from cutline.scores import Scores

Array = NDArray[np.float64]
DRAWS = {"pointwise": 200, "simultaneous": 1000}
POINTS = 4000
"""Distinct probabilities of the band at most: nearby ones are pooled for it (never for the curve)."""
SHOWN = 200
"""Points at which a simultaneous band is held."""


@dataclass(frozen=True, slots=True, eq=False)
class ReliabilityCurve:
    """Frequency by probability, made monotone by pooling (Dimitriadis, Gneiting & Jordan 2021).

    Attributes
    ----------
    probability, frequency, share : ndarray, shape (m,)
        Distinct probabilities, rising; the recalibrated frequency at each; the share of the weight that has it.
    band_at, low, high : ndarray, shape (b,)
        Where frequencies would lie if the probabilities were right: a consistency band around the diagonal.
    confidence : float
    kind : {"pointwise", "simultaneous"}
    """

    probability: Array
    frequency: Array
    share: Array
    band_at: Array
    low: Array
    high: Array
    confidence: float
    kind: str

    @property
    def outside(self) -> float:
        """Share of the weight whose frequency lies outside the band."""
        low = np.interp(self.probability, self.band_at, self.low)
        high = np.interp(self.probability, self.band_at, self.high)
        return float(self.share @ ((self.frequency < low - 1e-12) | (self.frequency > high + 1e-12)))

    def to_dict(self) -> dict[str, Any]:
        """Plain lists; of the curve only the ends of its steps."""
        y = self.frequency
        keep = np.r_[True, (y[1:-1] != y[:-2]) | (y[1:-1] != y[2:]), True] if len(y) > 2 else np.ones(len(y), bool)
        return {
            "probability": self.probability[keep].tolist(),
            "frequency": y[keep].tolist(),
            "band_at": self.band_at.tolist(),
            "low": self.low.tolist(),
            "high": self.high.tolist(),
            "confidence": self.confidence,
            "kind": self.kind,
        }


def reliability_curve(
    scores: Scores,
    *,
    confidence: float = 0.9,
    kind: Literal["pointwise", "simultaneous"] = "pointwise",
    seed: int = 0,
) -> ReliabilityCurve:
    """The CORP curve with a consistency band.

    Truth is drawn again and again from the probabilities themselves, each draw is made monotone like the data, and the
    band holds the middle of what comes out: at every probability on its own, or (simultaneous) whole curves.

    Parameters
    ----------
    scores : Scores
        Binary probabilities or logits, with truth; rows in clusters are refused: their band would be too narrow.
    confidence : float
        Level of the band.
    kind : {"pointwise", "simultaneous"}
    seed : int
        Seed of the draws.

    Examples
    --------
    >>> import numpy as np, cutline as cl
    >>> from cutline.calibration import reliability_curve
    >>> rng = np.random.default_rng(0)
    >>> p = rng.uniform(size=2000)
    >>> y = rng.uniform(size=2000) < p
    >>> curve = reliability_curve(cl.Scores(y_true=y, y_score=p**2, kind="probability"), kind="simultaneous")
    >>> curve.outside > 0.5
    True
    """
    z_of(confidence)  # checks the level
    if kind not in DRAWS:
        raise UnknownName.among("kind", str(kind), DRAWS)
    if scores.groups is not None:
        raise InputError("groups", "rows in clusters", "independent rows", "take one row of each cluster for the band")
    p, y, w = binary_rows(scores)
    at, frequency, mass = monotone(p, y, w)
    # Rows per distinct probability; weights spread a draw as their squares say.
    order = np.searchsorted(at, p)
    effective = mass**2 / np.bincount(order, w * w)
    pooled, rows, weight = _pooled(at, effective, mass)
    draws = _draws(pooled, rows, weight, DRAWS[kind], seed)
    if kind == "simultaneous":
        keep = np.unique(np.linspace(0, len(pooled) - 1, SHOWN).astype(int))
        low, high = _envelope(draws[:, keep], confidence)
        pooled = pooled[keep]
    else:
        low, high = np.quantile(draws, [(1 - confidence) / 2, (1 + confidence) / 2], axis=0)
    return ReliabilityCurve(at, frequency, mass, pooled, low, high, confidence, kind)


def monotone(p: Array, y: Array, w: Array) -> tuple[Array, Array, Array]:
    """Distinct probabilities, the pooled frequency at each, and its weight."""
    from scipy.optimize import isotonic_regression

    at, order = np.unique(p, return_inverse=True)
    mass = np.bincount(order, w)
    seen = np.bincount(order, w * y) / mass
    return at, np.asarray(isotonic_regression(seen, weights=mass).x), np.asarray(mass, np.float64)


def _pooled(at: Array, rows: Array, mass: Array) -> tuple[Array, Array, Array]:
    if len(at) <= POINTS:
        return at, rows, mass
    place = np.minimum((np.cumsum(mass) / mass.sum() * POINTS).astype(np.intp), POINTS - 1)
    place = np.unique(place, return_inverse=True)[1]
    pooled = (np.bincount(place, column) for column in (mass * at, rows, mass))
    total, count, share = (np.asarray(column, dtype=np.float64) for column in pooled)
    return total / share, count, share


def _draws(p: Array, rows: Array, weight: Array, draws: int, seed: int) -> Array:
    """Monotone curves of truths drawn from `p`, shape (draws, m)."""
    from scipy.optimize import isotonic_regression

    rng = np.random.default_rng(seed)
    out = np.empty((draws, len(p)))
    whole = np.maximum(np.round(rows), 1).astype(np.int64)
    for i in range(draws):
        out[i] = isotonic_regression(rng.binomial(whole, p) / whole, weights=weight).x
    return out


def _envelope(draws: Array, confidence: float) -> tuple[Array, Array]:
    """The narrowest of nested pointwise envelopes that holds this share of whole curves."""
    ordered = np.sort(draws, axis=0)
    count = len(draws)
    least, most = 0, count // 2 - 1
    while least < most:
        k = (least + most + 1) // 2
        inside = ((draws >= ordered[k]) & (draws <= ordered[count - 1 - k])).all(axis=1).mean()
        least, most = (k, most) if inside >= confidence else (least, k - 1)
    return ordered[least], ordered[count - 1 - least]
