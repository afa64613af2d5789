"""Miscalibration in one number: without bins, with bins but without their bias, and the classical way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cutline.calibration.null import Pooled, pooled
from cutline.errors import InputError, ScoreError, UnknownName
from cutline.evidence.figures import clusters_of
from cutline.scores import Scores

Array = NDArray[np.float64]
GRID = 4096
"""Cells of [0, 1] that hold the residuals; the error is far below the bandwidths that come out."""
NULL = 199
"""Drawn truths for the value under perfect calibration: p-values are whole steps of 1/200."""


def smooth_ece(scores: Scores) -> float:
    """Smooth calibration error (Blasiok & Nakkiran 2023), in [0, 1].

    The residuals y - p are smoothed over p by a Gaussian kernel of width s, reflected at 0 and 1; smECE_s is the mean
    of their absolute value, and the figure is the s with smECE_s = s: as wide as the error it finds.

    Parameters
    ----------
    scores : Scores
        Binary probabilities or logits, with truth. Weights count.

    Examples
    --------
    >>> import numpy as np, cutline as cl
    >>> from cutline.calibration import smooth_ece
    >>> rng = np.random.default_rng(0)
    >>> p = rng.uniform(size=5000)
    >>> y = rng.uniform(size=5000) < p
    >>> round(smooth_ece(cl.Scores(y_true=y, y_score=p, kind="probability")), 2)
    0.02
    """
    p, y, w = binary_rows(scores)
    return smooth_ece_of(p, y, w)


def smooth_ece_of(p: Array, y: Array, w: Array) -> float:
    """`smooth_ece` of arrays; weights sum to 1."""
    from scipy.fft import dct, idct

    place = p * (GRID - 1)
    left = np.minimum(place.astype(np.intp), GRID - 2)
    share, gap = place - left, w * (y - p)
    mass = np.bincount(left, gap * (1 - share), GRID) + np.bincount(left + 1, gap * share, GRID)
    # A row exactly at an end is its own mirror image and counts once, as in the authors' program; so does its weight.
    whole = 1.0 - float(w[(p == 0) | (p == 1)].sum()) / 2
    waves = dct(mass, type=1)  # cosines are what reflection at both ends leaves of waves
    width = np.pi * np.arange(GRID)

    def smoothed(s: float) -> float:
        gaps = np.abs(idct(waves * np.exp(-((width * s) ** 2) / 2), type=1))
        return float(gaps.sum() - (gaps[0] + gaps[-1]) / 2) / whole

    low, high = 0.0, 1.0
    while high - low > 1e-6:
        middle = (low + high) / 2
        low, high = (middle, high) if smoothed(middle) >= middle else (low, middle)
    return (low + high) / 2


@dataclass(frozen=True, slots=True, eq=False)
class Binned:
    """Gaps between probability and frequency in bins.

    Attributes
    ----------
    upper : ndarray, shape (bins,)
        Upper edge of each bin that holds rows.
    share, gap, frequency, rows : ndarray, shape (bins,)
        Share of the weight; mean probability minus frequency; frequency; rows (effective ones when weighted).
    """

    upper: Array
    share: Array
    gap: Array
    frequency: Array
    rows: Array

    @property
    def mean_gap(self) -> float:
        """The classical expected calibration error, ECE."""
        return float(self.share @ np.abs(self.gap))

    @property
    def largest_gap(self) -> float:
        """The maximum calibration error, MCE."""
        return float(np.abs(self.gap).max())

    @property
    def even_gap(self) -> float:
        """The mean over bins, whatever they hold."""
        return float(np.abs(self.gap).mean())

    @property
    def squared(self) -> float:
        """Mean squared gap: biased upwards by the noise of each frequency."""
        return float(self.share @ self.gap**2)

    @property
    def debiased(self) -> float:
        """Mean squared gap less the variance of each frequency (Kumar, Liang & Ma 2019); may be negative.

        nan when a bin has a single row.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            noise = np.where(self.rows > 1, self.frequency * (1 - self.frequency) / (self.rows - 1), np.nan)
        return float(self.share @ (self.gap**2 - noise))


def binned(
    scores: Scores, bins: int = 15, *, by: Literal["width", "mass"] = "mass", closed: Literal["left", "right"] = "right"
) -> Binned:
    """Probability against frequency in bins of equal width or of about equal numbers of rows.

    Parameters
    ----------
    scores : Scores
        Binary probabilities or logits, with truth.
    bins : int
        Bins; equal probabilities are never split, so there can be fewer.
    by : {"width", "mass"}
        Equal parts of [0, 1], or edges half way between the rows at each quantile.
    closed : {"left", "right"}
        The side on which an edge belongs to its bin.
    """
    bins = at_least(1, bins, "bins")
    for name, given, allowed in (("by", by, ("width", "mass")), ("closed", closed, ("left", "right"))):
        if given not in allowed:
            raise UnknownName.among(name, str(given), allowed)
    p, y, w = binary_rows(scores)
    return binned_of(p, y, w, edges_of(p, bins, by), closed)


def edges_of(p: Array, bins: int, by: str) -> Array:
    """Upper edges of the bins, the last one 1."""
    if by == "width":
        return np.arange(1, bins + 1) / bins
    ordered = np.sort(p)
    ends = np.cumsum([len(part) for part in np.array_split(ordered, min(bins, len(p)))])[:-1]
    return np.unique(np.append((ordered[ends - 1] + ordered[ends]) / 2, 1.0))


def binned_of(p: Array, y: Array, w: Array, upper: Array, closed: str = "right", rows: Array | None = None) -> Binned:
    """`binned` of arrays, a row or a cell of `rows` rows each; weights sum to 1."""
    each = 1.0 if rows is None else rows
    # A bin is closed at its upper edge (right) or at its lower one (left).
    place = np.minimum(np.searchsorted(upper, p, side="left" if closed == "right" else "right"), len(upper) - 1)
    mass, square, said, seen = (np.bincount(place, v, len(upper)) for v in (w, w * w / each, w * p, w * y))
    some = mass > 0
    mass, said, seen = mass[some], said[some], seen[some]
    return Binned(upper[some], np.asarray(mass, np.float64), (said - seen) / mass, seen / mass, mass**2 / square[some])


def under_calibration(
    scores: Scores, figure: Callable[[Pooled, Array], Sequence[float]], *, draws: int = NULL, seed: int = 0
) -> Array:
    """Figures of truths drawn from the probabilities themselves: what perfect calibration shows.

    Parameters
    ----------
    scores : Scores
        Binary probabilities or logits, with truth; rows in clusters are refused: how they hang together is not known.
    figure : callable
        Takes the pooled rows and a frequency for each cell, shape (m,); gives one or several figures.
    draws, seed : int

    Returns
    -------
    ndarray, shape (draws + 1, figures)
        Row 0 is of the truth that was seen, pooled in the same way.
    """
    refuse_clusters(scores, "figures under perfect calibration")
    cells = pooled(*binary_rows(scores))
    truths = cells.truths(at_least(1, draws, "draws"), seed)
    return np.array([figure(cells, seen) for seen in (cells.frequency, *truths)])


def refuse_clusters(scores: Scores, what: str) -> None:
    """Truth drawn row by row would be less spread than rows in clusters are."""
    if clusters_of(scores.known()) is not None:
        raise InputError("groups", f"{what}, of rows in clusters", "independent rows", "take one row of each cluster")


def at_least(least: int, value: object, name: str) -> int:
    """A whole number, checked."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise InputError(name, repr(value), f"a whole number of at least {least}")
    return int(value)


def binary_rows(scores: Scores) -> tuple[Array, Array, Array]:
    """Probability, truth (0 or 1) and weight (summing to 1) of the rows that count."""
    if not scores.binary:
        raise ScoreError(
            "scores", f"{scores.classes.k} classes", "a binary problem", "one_vs_rest(name), or top_label(scores)"
        )
    known = scores.known()
    w = np.full(known.n, 1 / known.n) if known.weight is None else known.weight / known.weight.sum()
    return known.probability, known.is_positive.astype(np.float64), w


def top_label(scores: Scores) -> Scores:
    """The binary question of several classes: is the likeliest class right, and how probable was it said to be.

    Parameters
    ----------
    scores : Scores
        Probabilities or logits of several classes.
    """
    p = scores.probabilities
    said = p.argmax(axis=1)
    truth: Any = None
    if scores.truth is not None:
        truth = np.where(scores.truth < 0, None, scores.truth == said) if scores.n_missing else scores.truth == said
    return Scores(
        y_true=truth,
        y_score=p[np.arange(scores.n), said],
        classes=[False, True],
        positive=True,
        kind="probability",
        weight=scores.weight,
        slices=scores.slices,
        groups=scores.groups,
        ids=scores.ids,
        role=scores.role,
    )
