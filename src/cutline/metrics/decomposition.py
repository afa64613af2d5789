"""A proper score taken apart: what miscalibration costs, what discrimination earns, what chance alone leaves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cutline.errors import InputError, LabelError, ScoreError, UnknownName
from cutline.labels import Shown
from cutline.metrics.binary import divide
from cutline.metrics.probability import brier, log_loss
from cutline.metrics.table import ThresholdTable
from cutline.scores import Scores


@dataclass(frozen=True, slots=True)
class Decomposition(Shown):
    """``score = miscalibration - discrimination + uncertainty``.

    Attributes
    ----------
    score : float
        The mean score.
    miscalibration : float
        What the best monotone recalibration of these rows would save, at least 0; optimistic on few rows.
    discrimination : float
        What the recalibrated probabilities gain over the prevalence.
    uncertainty : float
        The score of the prevalence.
    """

    score: float
    miscalibration: float
    discrimination: float
    uncertainty: float


@dataclass(frozen=True, slots=True)
class Murphy(Shown):
    """Brier score in bins: reliability - resolution + uncertainty, and the same with their bias removed."""

    reliability: float
    resolution: float
    uncertainty: float
    reliability_corrected: float
    resolution_corrected: float
    uncertainty_corrected: float


def decompose(scores: Scores, *, loss: Literal["brier", "log_loss"] = "brier") -> Decomposition:
    """CORP decomposition of binary probabilities (Dimitriadis, Gneiting & Jordan 2021).

    Probabilities are recalibrated by isotonic regression on the same rows (pool adjacent violators): no bins.

    Examples
    --------
    >>> import cutline as cl
    >>> s = cl.Scores(y_true=[0, 1, 0, 1], y_score=[0.1, 0.4, 0.6, 0.9], kind="probability")
    >>> d = cl.decompose(s)
    >>> round(d.miscalibration, 4), round(d.discrimination, 4), d.uncertainty
    (0.06, 0.125, 0.25)
    """
    from scipy.optimize import isotonic_regression

    if loss not in ("brier", "log_loss"):
        raise UnknownName.among("loss", str(loss), ("brier", "log_loss"))
    known = _checked(scores)
    c = ThresholdTable.from_scores(known).counts()
    p, q = (np.diff(np.asarray(side, dtype=np.float64)) for side in (c.tp, c.fp))
    recalibrated = isotonic_regression(p / (p + q), weights=p + q, increasing=False).x
    share = p.sum() / (p + q).sum()
    mean = (brier if loss == "brier" else log_loss).value(known)
    best, uncertainty = _mean_loss(recalibrated, p, q, loss), _mean_loss(np.full(len(p), share), p, q, loss)
    return Decomposition(mean, mean - best, uncertainty - best, uncertainty)


def murphy(scores: Scores, bins: int = 10) -> Murphy:
    """Murphy's decomposition of the Brier score over equal bins of [0, 1], closed on the right.

    For comparison with older work: it depends on the bins, and is biased; the corrected terms are Siegert's (2014).
    """
    if isinstance(bins, bool) or bins < 1:
        raise InputError("bins", repr(bins), "a number of bins of at least 1")
    known = _checked(scores)
    if known.weight is not None:
        raise InputError("weight", "weights", "rows without weights", "decompose(scores) knows weights")
    place = np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], known.probability, side="left")
    n = np.bincount(place, minlength=bins).astype(np.float64)
    y = np.bincount(place, weights=known.is_positive, minlength=bins)
    p = np.bincount(place, weights=known.probability, minlength=bins)
    there = n > 0
    n, y, p = n[there], y[there], p[there]
    total, share = n.sum(), y.sum() / n.sum()
    reliability = float((np.square(p - y) / n).sum() / total)
    resolution = float((n * np.square(y / n - share)).sum() / total)
    uncertainty = float(share * (1 - share))
    within = float(divide(y * (n - y), n * (n - 1))[n > 1].sum() / total)
    between = float(divide(uncertainty, total - 1))
    return Murphy(
        reliability,
        resolution,
        uncertainty,
        reliability - within,
        resolution - within + between,
        uncertainty + between,
    )


def _checked(scores: Scores) -> Scores:
    if not scores.binary:
        raise LabelError("scores", repr(scores.classes), "a binary problem", "use scores.one_vs_rest(name)")
    if scores.kind not in ("probability", "logit"):
        raise ScoreError("y_score", f"scores of kind {scores.kind!r}", "probabilities or logits")
    return scores.known()


def _mean_loss(r: NDArray[np.float64], p: NDArray[np.float64], q: NDArray[np.float64], loss: str) -> float:
    """Mean loss of probability r[i] for p[i] positive and q[i] negative rows (or weights)."""
    if loss == "brier":
        each: Any = p * np.square(1 - r) + q * np.square(r)
    else:  # 0 log 0 is 0: a probability of 0 is only given where there is no positive row
        each = -(np.where(p > 0, p * np.log(np.where(p > 0, r, 1)), 0.0))
        each = each - np.where(q > 0, q * np.log1p(-np.where(q > 0, r, 0)), 0.0)
    return float(each.sum() / (p + q).sum())
