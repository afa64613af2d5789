"""Bands about the ROC and the precision-recall curve: for one threshold at a time, or for all of them together."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cutline.errors import InputError, UnknownName
from cutline.evidence.intervals import ordered
from cutline.evidence.proportions import z_of
from cutline.evidence.resample import REPLICATES
from cutline.labels import Shown
from cutline.metrics import ThresholdTable
from cutline.scores import Scores

Kind = Literal["pointwise", "simultaneous"]
POINTS = 500
"""Thresholds of a band at most: evenly many rows apart, the lowest and the highest always among them."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Band(Shown):
    """Limits of two rates at thresholds: index i speaks of the rule "positive iff score >= threshold[i]".

    Attributes
    ----------
    curve : {"roc", "precision_recall"}
    kind : {"pointwise", "simultaneous"}
        "pointwise": at each threshold, each rate lies between its limits with the confidence; "simultaneous": with the
        confidence both rates do so at all thresholds at once.
    method : str
    confidence : float
    n_pos, n_neg : int
        Rows of each class.
    threshold : ndarray of float64, shape (m,)
        Descending from +inf.
    x, x_low, x_high : ndarray of float64, shape (m,)
        False positive rate (ROC) or recall (precision-recall) and its limits.
    y, y_low, y_high : ndarray of float64, shape (m,)
        Recall (ROC) or precision; precision is nan where nothing is flagged.
    """

    curve: Literal["roc", "precision_recall"]
    kind: Kind
    method: str
    confidence: float
    n_pos: int
    n_neg: int
    threshold: NDArray[np.float64]
    x: NDArray[np.float64]
    x_low: NDArray[np.float64]
    x_high: NDArray[np.float64]
    y: NDArray[np.float64]
    y_low: NDArray[np.float64]
    y_high: NDArray[np.float64]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; what is not finite becomes None."""
        out: dict[str, Any] = {
            name: getattr(self, name) for name in ("curve", "kind", "method", "confidence", "n_pos", "n_neg")
        }
        for name in ("threshold", "x", "x_low", "x_high", "y", "y_low", "y_high"):
            out[name] = [v if math.isfinite(v) else None for v in getattr(self, name).tolist()]
        return out

    def __repr__(self) -> str:
        return (
            f"Band({self.curve}, {self.kind}, {self.method}, {self.confidence:g}: {len(self.threshold):,} thresholds, "
            f"{self.n_pos:,} positive, {self.n_neg:,} negative)"
        )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RateBand(Shown):
    """Recall at given false positive rates, with limits for one rate at a time.

    Index i speaks of ``fpr[i]``: the point of the ROC curve there, on straight lines between its corners.
    """

    confidence: float
    method: str
    fpr: NDArray[np.float64]
    recall: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        columns = {name: getattr(self, name).tolist() for name in ("fpr", "recall", "low", "high")}
        return {"confidence": self.confidence, "method": self.method, **columns}

    def __repr__(self) -> str:
        return f"RateBand({self.method}, {self.confidence:g}: {len(self.fpr):,} false positive rates)"


def dkw(n: int, confidence: float) -> float:
    """Half-width of the band of a distribution function from n rows, the other axis with the same share of the error.

    ``sqrt(ln(2 / (1 - sqrt(confidence))) / (2 n))``: Dvoretzky, Kiefer & Wolfowitz 1956 with the constant of Massart
    1990; each of two independent axes is held with the root of the confidence (Campbell 1994).

    Examples
    --------
    >>> from cutline.evidence.bands import dkw
    >>> round(dkw(100, 0.95), 4)
    0.1478
    """
    z_of(confidence)  # checks the level
    return math.sqrt(math.log(2 / (1 - math.sqrt(confidence))) / (2 * n))


def roc_band(data: ThresholdTable | Scores, *, confidence: float = 0.95, kind: Kind = "pointwise") -> Band:
    """Limits of recall and false positive rate along the ROC curve.

    Parameters
    ----------
    data : ThresholdTable or Scores
        Binary, without weights and clusters: the methods are exact for independent rows.
    confidence : float
    kind : {"pointwise", "simultaneous"}
        Exact (Clopper-Pearson) limits at one threshold that was fixed in advance; or rectangles that hold the whole
        curve (Campbell 1994), valid at any number of rows and hence wide below some fifty of a class.

    Examples
    --------
    >>> import numpy as np, cutline as cl
    >>> from cutline.evidence.bands import roc_band
    >>> rng = np.random.default_rng(0)
    >>> y = rng.random(300) < 0.3
    >>> band = roc_band(cl.Scores(y_true=y, y_score=rng.normal(size=300) + y, kind="rank"), kind="simultaneous")
    >>> band
    Band(roc, simultaneous, DKW rectangles, 0.95: 301 thresholds, 76 positive, 224 negative)
    """
    thresholds, tp, fp, n_pos, n_neg = _counted(data, kind)
    method = "Clopper-Pearson" if kind == "pointwise" else "DKW rectangles"
    x, y = fp / n_neg, tp / n_pos
    limits = [_rate_limits(k, n, confidence, kind) for k, n in ((fp, n_neg), (tp, n_pos))]
    return Band("roc", kind, method, confidence, n_pos, n_neg, thresholds, x, *limits[0], y, *limits[1])


def pr_band(data: ThresholdTable | Scores, *, confidence: float = 0.95, kind: Kind = "pointwise") -> Band:
    """Limits of recall and precision along the precision-recall curve.

    Pointwise limits are exact: of recall given the positives, of precision given the flagged rows. The simultaneous
    ones follow from those of recall and false positive rate: the lowest precision is that of the lowest recall with the
    highest false positive rate. They speak of precision at the share of positives of these rows, taken as known.

    Parameters
    ----------
    data, confidence, kind
        As in `roc_band`.
    """
    thresholds, tp, fp, n_pos, n_neg = _counted(data, kind)
    recall, flagged = tp / n_pos, tp + fp
    recall_limits = _rate_limits(tp, n_pos, confidence, kind)
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = tp / flagged
        if kind == "pointwise":
            low, high = _exact(tp, flagged, confidence)
        else:
            fpr_low, fpr_high = _rate_limits(fp, n_neg, confidence, kind)
            low, high = (
                n_pos * r / (n_pos * r + n_neg * f) for r, f in zip(recall_limits, (fpr_high, fpr_low), strict=True)
            )
            # Where nothing may be flagged at all precision can be anything.
            low, high = np.where(np.isnan(low), 0.0, low), np.where(np.isnan(high), 1.0, high)
    method = "Clopper-Pearson" if kind == "pointwise" else "DKW rectangles, at the prevalence of the rows"
    return Band(
        "precision_recall", kind, method, confidence, n_pos, n_neg, thresholds, recall, *recall_limits,
        precision, low, high,
    )  # fmt: skip


def recall_at_fpr(
    data: ThresholdTable | Scores,
    fpr: Any,
    *,
    confidence: float = 0.95,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> RateBand:
    """Recall at fixed false positive rates with limits by the stratified bootstrap, which moves the thresholds, too.

    Parameters
    ----------
    data : ThresholdTable or Scores
        Binary, without weights and clusters.
    fpr : float or array-like of shape (m,)
        False positive rates, from 0 to 1.
    confidence : float
        Level for one rate at a time.
    replicates, seed : int
    """
    at = np.atleast_1d(np.asarray(fpr, np.float64))
    if not ((at >= 0) & (at <= 1)).all():
        raise InputError("fpr", repr(fpr), "false positive rates from 0 to 1")
    if at.ndim != 1:
        raise InputError("fpr", f"shape {at.shape}", "one rate, or shape (m,)")
    if replicates < 1:
        raise InputError("replicates", repr(replicates), "at least one")
    z_of(confidence)  # checks the level
    table = _checked(data)
    tp, fp = (np.diff(side) for side in (table.tp, table.fp))
    n_pos, n_neg = int(tp.sum()), int(fp.sum())
    rng, values = np.random.default_rng(seed), np.empty((replicates, len(at)))
    for r in range(replicates):
        a, b = (rng.multinomial(n, steps / n).cumsum() for n, steps in ((n_pos, tp), (n_neg, fp)))
        values[r] = _recall_at(np.append(0, a), np.append(0, b), at)
    tails = (1 - confidence) / 2, (1 + confidence) / 2
    low, high = np.array([ordered(column, tails) for column in values.T]).T
    method = f"stratified bootstrap, {replicates} replicates"
    return RateBand(confidence, method, at, _recall_at(table.tp, table.fp, at), low, high)


def _recall_at(tp: NDArray[Any], fp: NDArray[Any], at: NDArray[np.float64]) -> NDArray[np.float64]:
    x, y = fp / fp[-1], tp / tp[-1]
    # Straight up at one false positive rate: the curve has its highest point there.
    top = np.append(np.diff(x) > 0, True)
    return np.interp(at, x[top], y[top])


def _checked(data: ThresholdTable | Scores) -> ThresholdTable:
    if isinstance(data, Scores):
        if data.groups is not None:
            raise InputError("scores", "rows in clusters (groups=)", "independent rows", "use cutline.bootstrap")
        data = ThresholdTable.from_scores(data)
    if data.weighted:
        raise InputError("weight", "weighted rows", "rows that count once: the bands are exact")
    if not data.n_pos or not data.n_neg:
        raise InputError("scores", f"{data.n_pos:,} positive and {data.n_neg:,} negative rows", "rows of both classes")
    return data


def _counted(
    data: ThresholdTable | Scores, kind: str
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64], int, int]:
    if kind not in ("pointwise", "simultaneous"):
        raise UnknownName.among("kind", str(kind), ("pointwise", "simultaneous"))
    table = _checked(data)
    pick = table.thinned(POINTS) if len(table) > POINTS else np.arange(len(table))
    return table.thresholds[pick], table.tp[pick], table.fp[pick], table.n_pos, table.n_neg


def _rate_limits(
    k: NDArray[np.int64], n: int, confidence: float, kind: Kind
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if kind == "pointwise":
        return _exact(k, np.full(len(k), n), confidence)
    eps = dkw(n, confidence)
    return np.maximum(k / n - eps, 0.0), np.minimum(k / n + eps, 1.0)


def _exact(
    k: NDArray[np.int64], n: NDArray[np.int64], confidence: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Clopper-Pearson limits, of arrays; nan where n is 0."""
    from scipy.special import betaincinv

    z_of(confidence)  # checks the level
    tail = (1 - confidence) / 2
    low = np.where(k > 0, betaincinv(np.maximum(k, 1), n - k + 1, tail), 0.0)
    high = np.where(k < n, betaincinv(k + 1, np.maximum(n - k, 1), 1 - tail), 1.0)
    return np.where(n > 0, low, np.nan), np.where(n > 0, high, np.nan)
