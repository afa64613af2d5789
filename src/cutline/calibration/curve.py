"""The reliability diagram: frequency as a rising step function of probability, with what chance alone would do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cutline.calibration.gaps import at_least, binary_rows, refuse_clusters
from cutline.calibration.null import Pooled, pooled, recalibrated
from cutline.errors import UnknownName
from cutline.evidence import z_of
from cutline.scores import Scores

Array = NDArray[np.float64]
DRAWS = {"pointwise": 200, "simultaneous": 1000}
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
        Where frequencies would lie if the probabilities were right: a consistency band around the diagonal. With more
        than 4,000 distinct probabilities nearby ones are pooled for the band.
    band_frequency, band_share : ndarray, shape (b,)
        The frequencies at `band_at`, of rows pooled like those of the band, and the share of the weight there.
    confidence : float
    kind : {"pointwise", "simultaneous"}
    """

    probability: Array
    frequency: Array
    share: Array
    band_at: Array
    low: Array
    high: Array
    band_frequency: Array
    band_share: Array
    confidence: float
    kind: str

    @property
    def outside(self) -> float:
        """Share of the weight at `band_at` whose frequency lies outside the band.

        A simultaneous band at 90 % is left anywhere at all by one curve in ten of calibrated probabilities; a pointwise
        one is left by one in ten at every single point, so by most curves somewhere.
        """
        away = (self.band_frequency < self.low - 1e-12) | (self.band_frequency > self.high + 1e-12)
        return float(self.band_share @ away)

    def histogram(self, bins: int = 20) -> Array:
        """Share of the weight in equal parts of [0, 1], shape (bins,); part i begins at i / bins, the last holds 1."""
        bins = at_least(1, bins, "bins")
        place = np.minimum((self.probability * bins).astype(np.intp), bins - 1)
        return np.asarray(np.bincount(place, self.share, bins), dtype=np.float64)

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
            "outside": self.outside,
            "histogram": self.histogram().tolist(),
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
    refuse_clusters(scores, "a consistency band")
    p, y, w = binary_rows(scores)
    at, frequency, mass = monotone(p, y, w)
    cells = pooled(p, y, w)
    seen = recalibrated(cells.frequency, cells.weight)
    draws = _curves(cells, DRAWS[kind], seed)
    keep = np.arange(len(cells.p))
    if kind == "simultaneous":
        keep = np.unique(np.linspace(0, len(keep) - 1, SHOWN).astype(int))
        low, high = _envelope(draws[:, keep], confidence)
    else:
        low, high = np.quantile(draws, [(1 - confidence) / 2, (1 + confidence) / 2], axis=0)
    held = cells.weight[keep] / cells.weight[keep].sum()
    return ReliabilityCurve(at, frequency, mass, cells.p[keep], low, high, seen[keep], held, confidence, kind)


def monotone(p: Array, y: Array, w: Array) -> tuple[Array, Array, Array]:
    """Distinct probabilities, the pooled frequency at each, and its weight."""
    at, order = np.unique(p, return_inverse=True)
    mass = np.asarray(np.bincount(order, w), np.float64)
    return at, recalibrated(np.bincount(order, w * y) / mass, mass), mass


def _curves(cells: Pooled, draws: int, seed: int) -> Array:
    """Monotone curves of truths that follow the probabilities, shape (draws, m)."""
    return np.array([recalibrated(frequency, cells.weight) for frequency in cells.truths(draws, seed)])


def _envelope(draws: Array, confidence: float) -> tuple[Array, Array]:
    """A band that holds this share of whole curves, by their largest deviation in standard deviations.

    Measured on the scale arcsin(sqrt(frequency)), on which frequencies near 0 and 1 spread like those between.
    """
    angle = np.arcsin(np.sqrt(np.clip(draws, 0.0, 1.0)))
    centre, spread = angle.mean(axis=0), angle.std(axis=0)
    scaled = np.divide(np.abs(angle - centre), spread, out=np.zeros_like(angle), where=spread > 1e-12)
    largest = np.sort(scaled.max(axis=1))
    # One curve more than was drawn: so the band holds it with at least this probability.
    reach = largest[min(int(np.ceil(confidence * (len(draws) + 1))), len(draws)) - 1]
    low, high = np.clip([centre - reach * spread, centre + reach * spread], 0.0, np.pi / 2)
    return np.sin(low) ** 2, np.sin(high) ** 2
