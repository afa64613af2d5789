"""Curves: what a threshold table looks like when one figure is drawn against another.

Every function reads the table once and returns a `Curve`; index i of its arrays belongs to ``thresholds[i]``. Undefined
points are nan. Costs and net benefit are per row, rates are shares from 0 to 1; with weights a share is one of weight.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cutline.errors import InputError, ScoreError
from cutline.labels import Shown
from cutline.metrics import bounds
from cutline.metrics.binary import divide
from cutline.metrics.counts import Counts
from cutline.metrics.ranking import average_precision, roc_auc
from cutline.metrics.table import ThresholdTable
from cutline.scores import Scores, frozen

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Curve(Shown):
    """One figure against another, a point for each threshold.

    Attributes
    ----------
    name : str
        Which curve: "roc", "precision_recall", ...
    x_label, y_label : str
        As shown to people; in lower case with ``_`` for blanks also the names of the columns.
    x, y, thresholds : ndarray of float64, shape (m,)
        Point i is that of the rule ``score >= thresholds[i]``.
    lines : mapping of str to ndarray of shape (m,)
        What to compare with, over the same x: "chance", "treat_all", ...
    area : float or None
        What the curve comes to, where that means something; see the function that made it.
    bounds : Bounds or None
        Certified bounds of `area`, when the table is bucketed.
    """

    name: str
    x_label: str
    y_label: str
    x: Array
    y: Array
    thresholds: Array
    lines: Mapping[str, Array] = field(default_factory=dict)
    area: float | None = None
    bounds: bounds.Bounds | None = None

    def __post_init__(self) -> None:
        for name in ("x", "y", "thresholds"):
            object.__setattr__(self, name, _frozen(getattr(self, name)))
        lines = {name: _frozen(np.broadcast_to(line, self.x.shape)) for name, line in self.lines.items()}
        object.__setattr__(self, "lines", lines)

    def thinned(self, most: int, *, keep: tuple[float, ...] = ()) -> Curve:
        """At most about `most` of the points, in equal steps along the curve, and those of the thresholds in `keep`.

        Points are left out and none is changed; `area` stays that of all points.
        """
        if most < 2:
            raise InputError("most", repr(most), "at least 2 points")
        along = np.cumsum(_steps(self.x) + _steps(self.y))
        wanted = np.linspace(0, along[-1], most)
        last = len(self) - 1
        kept = [int(np.argmin(np.abs(np.nan_to_num(self.thresholds) - t))) for t in keep]
        rows = np.unique([0, last, *kept, *np.searchsorted(along, wanted).clip(0, last)]) if len(self) > most else ...
        lines = {name: line[rows] for name, line in self.lines.items()}
        return replace(self, x=self.x[rows], y=self.y[rows], thresholds=self.thresholds[rows], lines=lines)

    def to_dict(self) -> dict[str, Any]:
        """Plain lists for JSON; nan and infinities as None."""
        return {
            "name": self.name,
            "x_label": self.x_label,
            "y_label": self.y_label,
            **{name: _plain(getattr(self, name)) for name in ("x", "y", "thresholds")},
            "lines": {name: _plain(line) for name, line in self.lines.items()},
            "area": None if self.area is None or not np.isfinite(self.area) else self.area,
            "bounds": None if self.bounds is None else self.bounds.to_dict(),
        }

    def to_frame(self) -> Any:
        """A pyarrow Table: threshold, x, y and the lines, named by their labels."""
        import pyarrow as pa

        columns = {"threshold": self.thresholds, _column(self.x_label): self.x, _column(self.y_label): self.y}
        return pa.table({**columns, **self.lines})

    def __len__(self) -> int:
        return len(self.x)

    def __repr__(self) -> str:
        area = "" if self.area is None else f", area {self.area:.4g}"
        if self.bounds is not None:
            area += f" in {self.bounds.low:.4g} to {self.bounds.high:.4g}"
        return f"Curve({self.name}: {self.y_label} against {self.x_label}, {len(self):,} points{area})"


def roc(table: ThresholdTable) -> Curve:
    """True against false positive rate; `area` is the ROC AUC.

    A rate of a class without rows is nan throughout, and so is the area.

    Examples
    --------
    >>> import cutline as cl
    >>> from cutline.metrics import curves
    >>> s = cl.Scores(y_true=[0, 1, 0, 1], y_score=[0.1, 0.4, 0.6, 0.9], kind="probability")
    >>> curves.roc(cl.ThresholdTable.from_scores(s))
    Curve(roc: Recall against False positive rate, 5 points, area 0.75)
    """
    at, y, x, _ = table.rates()
    about = _area(table, roc_auc.value(table), bounds.auc)
    return Curve("roc", "False positive rate", "Recall", x, y, at, {"chance": x}, **about)


def precision_recall(table: ThresholdTable) -> Curve:
    """Precision against recall; `area` is the average precision (step sum, no interpolation).

    The first point flags nobody: its recall is 0 and its precision 0/0, hence nan. (Others put 1 there, a value that no
    threshold has.) Chance is the prevalence.
    """
    at, x, _, y = table.rates()
    about = _area(table, average_precision.value(table), bounds.average_precision)
    chance = {"chance": divide(table.positives, table.positives + table.negatives)}
    return Curve("precision_recall", "Recall", "Precision", x, y, at, chance, **about)


def det(table: ThresholdTable, *, probit: bool = False) -> Curve:
    """False negative against false positive rate: the detection error trade-off (Martin et al. 1997).

    Parameters
    ----------
    table : ThresholdTable
        Counts.
    probit : bool
        Both rates as normal quantiles, over which normal scores give a straight line; rates of 0 and 1 are infinite.
    """
    c = table.counts()
    x, y = divide(c.fp, c.negatives), divide(c.fn, c.positives)
    chance, unit = 1 - x, ""
    if probit:
        from scipy.special import ndtri

        x, y, chance, unit = ndtri(x), ndtri(y), ndtri(chance), " (probit)"
    labels = f"False positive rate{unit}", f"False negative rate{unit}"
    return Curve("det", *labels, x, y, table.thresholds, {"chance": chance})


def gain(table: ThresholdTable) -> Curve:
    """Cumulative gain: recall against the flagged rate, with the lines of chance and of a perfect order."""
    c = table.counts()
    x = divide(c.flagged, c.total)
    perfect = np.minimum(divide(c.flagged, c.positives), 1.0)
    lines = {"chance": x, "perfect": perfect}
    return Curve("gain", "Flagged rate", "Recall", x, divide(c.tp, c.positives), table.thresholds, lines)


def lift(table: ThresholdTable) -> Curve:
    """Precision over prevalence against the flagged rate; chance is 1, and nobody flagged is undefined."""
    c = table.counts()
    x, prevalence = divide(c.flagged, c.total), divide(c.positives, c.total)
    y = divide(divide(c.tp, c.flagged), prevalence)
    lines = {"chance": 1.0, "perfect": divide(divide(np.minimum(c.positives, c.flagged), c.flagged), prevalence)}
    return Curve("lift", "Flagged rate", "Lift", x, y, table.thresholds, lines)


def cost(
    table: ThresholdTable, *, fp: float, fn: float, against: Literal["threshold", "flagged_rate"] = "threshold"
) -> Curve:
    """Cost per row of every threshold: ``(fp c_fp + fn c_fn) / n``, with the costs of flagging nobody and everybody.

    Parameters
    ----------
    table : ThresholdTable
        Counts.
    fp, fn : float
        Cost of a false positive and of a false negative, at least 0.
    against : {"threshold", "flagged_rate"}
        What the x axis is.
    """
    for name, price in (("fp", fp), ("fn", fn)):
        if not 0 <= price < np.inf:
            raise InputError(name, repr(price), "a cost, finite and at least 0")
    c = table.counts()
    y = divide(np.multiply(c.fp, float(fp)) + np.multiply(c.fn, float(fn)), c.total)
    if against == "threshold":
        label, x = "Threshold", table.thresholds
    elif against == "flagged_rate":
        label, x = "Flagged rate", divide(c.flagged, c.total)
    else:
        raise InputError("against", repr(against), "'threshold' or 'flagged_rate'")
    return Curve("cost", label, "Cost per row", x, y, table.thresholds, {"flag_nobody": y[0], "flag_everybody": y[-1]})


def cost_envelope(table: ThresholdTable) -> Curve:
    """Normalised expected cost of the best threshold against the probability cost (Drummond & Holte 2006).

    x is ``pi c_fn / (pi c_fn + (1 - pi) c_fp)``, every mix of prevalence and costs in one number from 0 to 1; y is
    ``fnr x + fpr (1 - x)`` at the threshold that makes it lowest, which stays the same from one point to the next:
    ``thresholds[i]`` is best from ``x[i]`` to ``x[i + 1]``, and the lines between the points are the envelope itself.
    Never above "trivial", the cheaper of flagging nobody and everybody. `area` is its mean over x.
    """
    from scipy.optimize import isotonic_regression

    c = table.counts()
    tpr, fpr = divide(c.tp, c.positives), divide(c.fp, c.negatives)
    if not np.isfinite(tpr[-1] + fpr[-1]):
        empty = np.full(2, np.nan)
        return Curve("cost_envelope", "Probability cost", "Normalised cost", empty, empty, empty, {}, np.nan)
    # The convex hull of the ROC curve is where the share of positives, made to fall, changes.
    rise, run = np.diff(tpr), np.diff(fpr)
    hull = isotonic_regression(rise / (rise + run), weights=rise + run, increasing=False).blocks
    tpr, fpr, at = tpr[hull], fpr[hull], table.thresholds[hull]
    rise, run = np.diff(tpr), np.diff(fpr)
    x = np.concatenate([[0.0], np.maximum.accumulate(run / (rise + run)), [1.0]])
    best = np.append(np.arange(len(at)), len(at) - 1)
    y = (1 - tpr[best]) * x + fpr[best] * (1 - x)
    area = float(np.trapezoid(y, x))
    trivial = {"trivial": np.minimum(x, 1 - x)}
    return Curve("cost_envelope", "Probability cost", "Normalised cost", x, y, at[best], trivial, area)


def net_benefit(data: ThresholdTable | Scores, *, at: Any = None, prevalence: float | None = None) -> Curve:
    """Net benefit against the threshold probability (Vickers & Elkin 2006), with treating all and treating none.

    ``TP / n - FP / n x t / (1 - t)``: true positives per row, less the false ones at the rate that a threshold
    probability t trades them for. t is a preference, not a setting to be tuned: a point belongs to those who would
    act from a risk of t on, and flags the rows with ``score >= t``.

    Parameters
    ----------
    data : ThresholdTable or Scores
        Of probabilities; logits in Scores are turned into them. A table does not know its kind: it is refused only when
        scores lie outside [0, 1].
    at : array-like, optional
        Threshold probabilities t in [0, 1); 0.01, 0.02, ..., 0.99 when not given.
    prevalence : float, optional
        Of the rows that the decision is for, in [0, 1], when not that of these rows (a case-control sample):
        ``recall x prevalence - fpr x (1 - prevalence) x t / (1 - t)``.

    Raises
    ------
    ScoreError
        Scores that are no probabilities.
    """
    t, c, share = _preferences(data, at, prevalence)
    odds = t / (1 - t)
    benefit = divide(c.tp, c.positives) * share - divide(c.fp, c.negatives) * (1 - share) * odds
    if prevalence is None:  # also for rows of one class
        benefit = divide(c.tp, c.total) - divide(c.fp, c.total) * odds
    lines = {"treat_all": share - (1 - share) * odds, "treat_none": np.zeros_like(t)}
    return Curve("net_benefit", "Threshold probability", "Net benefit", t, benefit, t, lines)


def interventions_avoided(data: ThresholdTable | Scores, *, at: Any = None, prevalence: float | None = None) -> Curve:
    """Net benefit over treating all, in interventions avoided per row: ``(NB - NB of all) (1 - t) / t``.

    Parameters as for `net_benefit`; nan at t = 0.
    """
    curve = net_benefit(data, at=at, prevalence=prevalence)
    t, treat_all = curve.x, curve.lines["treat_all"]
    y = divide((curve.y - treat_all) * (1 - t), t)
    lines = {"treat_all": np.zeros_like(t), "treat_none": divide(-treat_all * (1 - t), t)}
    return Curve("interventions_avoided", curve.x_label, "Interventions avoided", t, y, t, lines)


def _preferences(data: Any, at: Any, prevalence: float | None) -> tuple[Array, Counts, Any]:
    """Threshold probabilities, the counts at each, and the prevalence."""
    t = np.arange(1, 100) / 100 if at is None else np.atleast_1d(np.asarray(at, dtype=np.float64))
    if t.ndim != 1 or not ((t >= 0) & (t < 1)).all():
        raise InputError("at", repr(at)[:60], "threshold probabilities from 0 to below 1")
    if prevalence is not None and not 0 <= prevalence <= 1:
        raise InputError("prevalence", repr(prevalence), "a share from 0 to 1")
    if isinstance(data, Scores):
        data = ThresholdTable.from_scores(data.with_score(data.probability, "probability"))
    lowest, highest = data.thresholds[-1], data.thresholds[1 if len(data) > 1 else 0]
    if lowest < 0 or (highest > 1 and len(data) > 1):
        raise ScoreError("data", f"scores from {lowest:g} to {highest:g}", "probabilities", "calibrate(scores) first")
    whole = data.counts()
    row = len(data) - 1 - np.searchsorted(data.thresholds[:0:-1], t, side="left")
    c = Counts(*(getattr(whole, name)[row] for name in ("tp", "fp", "fn", "tn")))
    return t, c, float(divide(data.positives, data.positives + data.negatives)) if prevalence is None else prevalence


def _area(table: ThresholdTable, exact: float, certified: Any) -> dict[str, Any]:
    if not table.bucketed:
        return {"area": exact}
    c = table.counts()
    return {"area": exact, "bounds": certified(c.tp, c.fp)}


def _steps(values: Array) -> Array:
    """Size of each step over the whole range; steps from or to what is not finite count nothing."""
    finite = values[np.isfinite(values)]
    spread = float(np.ptp(finite)) if len(finite) else 0.0
    with np.errstate(invalid="ignore"):
        step = np.abs(np.diff(values, prepend=values[:1]))
    return np.where(np.isfinite(step), step, 0.0) / (spread or 1.0)


def _frozen(values: Any) -> Array:
    return frozen(np.asarray(values, dtype=np.float64))


def _plain(values: Array) -> list[float | None]:
    return [v if np.isfinite(v) else None for v in values.tolist()]


def _column(label: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_")
