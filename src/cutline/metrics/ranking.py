"""Metrics over the order of the scores: one number for all thresholds together."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cutline.errors import InputError
from cutline.metrics.binary import divide, plain
from cutline.metrics.counts import Counts
from cutline.metrics.metric import Metric
from cutline.metrics.table import ThresholdTable


def _roc_auc(table: ThresholdTable) -> float:
    r = table.ranking(full=False)
    # Right over right and wrong, so that a perfect order of weighted rows gives exactly 1.
    return float(divide(r.right, r.right + r.wrong))


def _average_precision(table: ThresholdTable) -> float:
    r = table.ranking()
    return r.average_precision if r.positives else float("nan")


roc_auc = Metric(
    "roc_auc",
    "ROC AUC",
    True,
    (0.0, 1.0),
    1.0,
    chance="0.5",
    formula="P(score of a positive > score of a negative) + P(equal) / 2",
    undefined="a class has no rows",
    reference="Mann & Whitney 1947; Hanley & McNeil 1982",
    synonyms=("auc", "auroc", "roc_auc_score", "c_statistic", "concordance"),
    of_table=_roc_auc,
)
average_precision = Metric(
    "average_precision",
    "Average precision",
    True,
    (0.0, 1.0),
    1.0,
    chance="prevalence",
    formula="sum over thresholds of (recall step) x precision, no interpolation",
    undefined="there are no positives",
    synonyms=("ap", "average_precision_score", "pr_auc"),
    of_table=_average_precision,
)


def _rates(table: ThresholdTable) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """False and true positive rate at every threshold, from (0, 0) to (1, 1)."""
    c = table.counts()
    return divide(c.fp, c.negatives[0]), divide(c.tp, c.positives[0])


def _both(table: ThresholdTable) -> bool:
    return bool(table.n_pos and table.n_neg)


def _ordinal(name: str, label: str, of_table: Any, *, range: tuple[float, float] = (0.0, 1.0), **about: Any) -> Metric:
    about.setdefault("undefined", "a class has no rows")
    return Metric(name, label, True, range, 1.0, of_table=of_table, **about)


gini = _ordinal(
    "gini",
    "Gini coefficient",
    lambda table: 2 * _roc_auc(table) - 1,
    range=(-1.0, 1.0),
    chance="0",
    formula="2 ROC AUC - 1",
    synonyms=("somers_d", "gain_capture", "accuracy_ratio"),
)
ks = _ordinal(
    "ks",
    "Kolmogorov-Smirnov",
    lambda table: table.ranking().ks if _both(table) else float("nan"),
    chance="0",
    formula="largest |recall - fpr| over all thresholds",
    reference="Smirnov 1939",
    synonyms=("ks_statistic", "ks_stat", "kolmogorov_smirnov"),
)


def partial_auc(low: float, high: float, *, of: Literal["fpr", "recall"] = "fpr", standardized: bool = True) -> Metric:
    """Area of the ROC curve over a stretch of one axis, straight lines between its points.

    Parameters
    ----------
    low, high : float
        The stretch, from 0 to 1.
    of : {"fpr", "recall"}
        The axis the stretch is on. "recall": the area right of the curve, from the false positive rate to 1.
    standardized : bool
        McClish (1989): 0.5 for chance and 1 for perfect, as scikit-learn's ``max_fpr``; else the plain area.
    """
    if not 0 <= low < high <= 1:
        raise InputError("low, high", f"{low:g}, {high:g}", "0 <= low < high <= 1")
    if of not in ("fpr", "recall"):
        raise InputError("of", repr(of), "'fpr' or 'recall'")
    width = high - low
    # Of chance and of a perfect classifier: the diagonal leaves as much area over a stretch of recall as of 1 - recall.
    chance = (high**2 - low**2) / 2 if of == "fpr" else width - (high**2 - low**2) / 2

    def of_table(table: ThresholdTable) -> float:
        if not _both(table):
            return float("nan")
        fpr, tpr = _rates(table)
        area = _area(fpr, tpr, low, high) if of == "fpr" else _area(tpr, 1 - fpr, low, high)
        return float((1 + (area - chance) / (width - chance)) / 2) if standardized else float(area)

    return _ordinal(
        f"partial_auc_{of}_{plain(low)}_{plain(high)}{'' if standardized else '_raw'}",
        f"Partial AUC, {of} {plain(low)} to {plain(high)}",
        of_table,
        range=(float(0.5 - chance / (2 * (width - chance))), 1.0) if standardized else (0.0, width),
        chance="0.5" if standardized else f"{chance:.6g}",
        formula="area of the ROC curve over the stretch" + (", standardised" if standardized else ""),
        reference="McClish 1989",
    )


def _area(x: NDArray[np.float64], y: NDArray[np.float64], low: float, high: float) -> float:
    """Area under straight lines between the points of a curve with rising x, from low to high."""
    inner = (x > low) & (x < high)
    # At the ends: where x jumps or stands still, np.interp takes the last of several points, as it must from the left.
    first = np.interp(low, x, y) if low > 0 else y[np.searchsorted(x, low, side="right") - 1]
    last = _from_left(x, y, high)
    xs, ys = np.concatenate([[low], x[inner], [high]]), np.concatenate([[first], y[inner], [last]])
    return float(np.dot(np.diff(xs), ys[1:] + ys[:-1]) / 2)


def _from_left(x: NDArray[np.float64], y: NDArray[np.float64], at: float) -> float:
    """The curve at `at` as it is reached from the left: of several points there the first."""
    i = int(np.searchsorted(x, at, side="left"))
    if i < len(x) and x[i] == at:
        return float(y[i])
    return float(y[i - 1] + (y[i] - y[i - 1]) * (at - x[i - 1]) / (x[i] - x[i - 1]))


def _pr_segments(table: ThresholdTable) -> tuple[NDArray[np.float64], ...]:
    """True and false positives at the start of each tie that has positives, its positives, its negatives for each."""
    c = table.counts()
    tp, fp = np.asarray(c.tp, dtype=np.float64), np.asarray(c.fp, dtype=np.float64)
    keep = np.diff(tp) > 0
    step = np.diff(tp)[keep]
    return tp[:-1][keep], fp[:-1][keep], step, np.diff(fp)[keep] / step


def _pr_integral(table: ThresholdTable) -> float:
    tp, fp, step, slope = _pr_segments(table)
    if not step.size:
        return float("nan")
    # Precision at tp + u is (tp + u) / (a + b u) with a = tp + fp, b = 1 + slope; integrated over u from 0 to the step.
    a, b = tp + fp, 1 + slope
    with np.errstate(divide="ignore", invalid="ignore"):
        curved = step / b + (tp - a / b) / b * np.log1p(b * step / a)
    return float(np.where(a > 0, curved, step / b).sum() / step.sum())


def _davis_goadrich(table: ThresholdTable) -> float:
    if table.weighted:
        return float("nan")
    tp, fp, step, slope = _pr_segments(table)
    if not step.size:
        return float("nan")
    # Every true positive is a point: between the (u - 1)-th and the u-th of a tie a straight line of precision.
    u = np.arange(1, step.sum() + 1) - np.repeat(np.cumsum(step) - step, step.astype(np.intp))
    tp, fp, slope = (np.repeat(each, step.astype(np.intp)) for each in (tp, fp, slope))
    here = (tp + u) / (tp + u + fp + slope * u)
    flagged = tp + u - 1 + fp + slope * (u - 1)
    before = np.where(flagged > 0, (tp + u - 1) / np.where(flagged > 0, flagged, 1), here)
    return float((here + before).sum() / 2 / step.sum())


aupr = _ordinal(
    "aupr",
    "Area under the PR curve",
    _pr_integral,
    chance="prevalence",
    formula="integral of precision over recall; within a tie false positives come evenly with true ones",
    undefined="there are no positives",
    reference="Keilwagen, Grosse & Grau 2014",
    synonyms=("auprc", "aupr_integral"),
)
aupr_davis_goadrich = _ordinal(
    "aupr_davis_goadrich",
    "Area under the PR curve, Davis-Goadrich",
    _davis_goadrich,
    chance="prevalence",
    formula="trapezoids between neighbouring true positives, false ones spread evenly between the points",
    undefined="there are no positives, or rows have weights: a true positive is then no unit (use aupr)",
    reference="Davis & Goadrich 2006",
    synonyms=("pr_auc_davis_goadrich",),
)


def _hull(table: ThresholdTable) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The corners of the upper convex hull of the ROC curve, from (0, 0) to (1, 1)."""
    fpr, tpr = _rates(table)
    moves = np.append(True, (np.diff(fpr) > 0) | (np.diff(tpr) > 0))  # empty buckets stand still
    fpr, tpr = fpr[moves], tpr[moves]
    # Many points lie on the way straight up or to the right: only corners can be on the hull.
    corner = np.ones(len(fpr), dtype=bool)
    corner[1:-1] = (np.diff(tpr)[:-1] > 0) & (np.diff(fpr)[1:] > 0)
    hull: list[tuple[float, float]] = []
    for x, y in zip(fpr[corner].tolist(), tpr[corner].tolist(), strict=True):
        while len(hull) > 1 and (hull[-1][0] - hull[-2][0]) * (y - hull[-2][1]) >= (hull[-1][1] - hull[-2][1]) * (
            x - hull[-2][0]
        ):
            hull.pop()
        hull.append((x, y))
    xs, ys = np.array(hull).T
    return xs, ys


def _hull_area(table: ThresholdTable) -> float:
    if not _both(table):
        return float("nan")
    x, y = _hull(table)
    return float(np.dot(np.diff(x), y[1:] + y[:-1]) / 2)


auch = _ordinal(
    "auch",
    "Area under the ROC convex hull",
    _hull_area,
    chance="0.5",
    formula="area under the upper convex hull of the ROC curve",
    reference="Provost & Fawcett 2001",
)


def _h_measure(table: ThresholdTable) -> float:
    if not _both(table):
        return float("nan")
    from scipy.special import betainc

    x, y = _hull(table)
    pi1 = float(table.positives) / float(table.positives + table.negatives)
    pi0 = 1 - pi1
    # Each stretch of the hull is optimal between two costs c of a false positive (1 - c of a false negative):
    # c = pi1 dTPR / (pi1 dTPR + pi0 dFPR) at the stretch itself. Costs follow a Beta whose mode is pi1.
    a, b = 2.0, 1 + pi0 / pi1
    cost = np.concatenate([[1.0], pi1 * np.diff(y) / (pi1 * np.diff(y) + pi0 * np.diff(x)), [0.0]])
    whole = a / (a + b)  # mean of the Beta: integral of c u(c)
    first = whole * np.diff(betainc(a + 1, b, cost[::-1]))[::-1]  # integral of c u(c) over the costs of each corner
    zeroth = np.diff(betainc(a, b, cost[::-1]))[::-1]
    # The loss at a corner and cost c is c pi0 FPR + (1 - c) pi1 (1 - TPR).
    loss = float((pi0 * x * first + pi1 * (1 - y) * (zeroth - first)).sum())
    # Without a score the better of flagging everybody (c pi0) and nobody ((1 - c) pi1), which change places at c = pi1.
    below = whole * betainc(a + 1, b, pi1)
    worst = pi0 * below + pi1 * ((1 - betainc(a, b, pi1)) - (whole - below))
    return max(1 - loss / float(worst), 0.0)  # rounding must not take it below its range


h_measure = _ordinal(
    "h_measure",
    "H-measure",
    _h_measure,
    chance="0",
    formula="1 - expected least cost / that without a score; costs drawn from Beta(2, 1 + pi0 / pi1), mode pi1",
    reference="Hand 2009; Hand & Anagnostopoulos 2014",
    synonyms=("h", "hmeasure"),
)


def best(metric: Metric) -> Metric:
    """The best value of a count metric over all thresholds: what tuning on these rows themselves reaches, at most.

    Examples
    --------
    >>> import cutline as cl
    >>> s = cl.Scores(y_true=[0, 0, 1, 1], y_score=[0.1, 0.6, 0.4, 0.9], kind="probability")
    >>> cl.best(cl.f1)(s)
    0.8
    """
    if metric.of_counts is None or metric.maximize is None:
        raise InputError("metric", metric.name, "a metric of counts with a better end, such as f1")

    def of_table(table: ThresholdTable) -> float:
        value = np.asarray(metric.value(table), dtype=np.float64)
        value = value[~np.isnan(value)]
        if not value.size:
            return float("nan")
        return float(value.max() if metric.maximize else value.min())

    return Metric(
        f"best_{metric.name}",
        f"Best {metric.label}",
        metric.maximize,
        metric.range,
        metric.perfect,
        chance=metric.chance,
        formula=f"best over all thresholds of {metric.formula}",
        undefined=f"at every threshold {metric.undefined}",
        reference=metric.reference,
        of_table=of_table,
    )


def _among_top(table: ThresholdTable, k: float) -> Counts:
    """Counts when the top k rows (or that much weight) are flagged; of a tie that k splits, its expected part."""
    c = table.counts()
    flagged = np.asarray(c.tp + c.fp, dtype=np.float64)
    k = min(k, float(flagged[-1]))
    tp = float(np.interp(k, flagged, np.asarray(c.tp, dtype=np.float64)))
    positives, negatives = float(c.positives[0]), float(c.negatives[0])
    fp = max(k - tp, 0.0)  # sums of weights: rounding must not make a count negative
    return Counts(tp, fp, max(positives - tp, 0.0), max(negatives - fp, 0.0))


def _at_top(metric: Metric, k: float) -> Metric:
    if isinstance(k, bool) or not (0 < k < 1 or (k >= 1 and float(k).is_integer())):
        raise InputError("k", repr(k), "a share between 0 and 1, or a whole number of rows", "100 or 0.1")
    share = k < 1
    text = plain(k) if share else f"{int(k)}"

    def of_table(table: ThresholdTable) -> float:
        total = float(table.positives + table.negatives)
        return float(metric.value(_among_top(table, k * total if share else float(k))))

    return Metric(
        f"{metric.name}_at_top_{text}",
        f"{metric.label} in the top {f'{100 * k:g} %' if share else text}",
        metric.maximize,
        metric.range,
        metric.perfect,
        chance=metric.chance if metric.name != "recall" else "the share",
        formula=f"{metric.formula} when the highest {text} are flagged; of a tie at the cut its expected part",
        undefined=metric.undefined,
        of_table=of_table,
    )


def at_top(metric: Metric, k: float) -> Metric:
    """A count metric when the highest scores are flagged: the top k rows, or the top share.

    ``at_top(recall, 0.1)`` is top-decile capture, ``at_top(precision, 100)`` precision at 100. Of a tie that the cut
    splits, the expected part counts, as if it were broken by lot. With weights k is an amount of weight.

    Examples
    --------
    >>> import cutline as cl
    >>> s = cl.Scores(y_true=[0, 0, 1, 1], y_score=[0.1, 0.6, 0.6, 0.9], kind="probability")
    >>> cl.at_top(cl.recall, 2)(s), cl.at_top(cl.precision, 0.25)(s)
    (0.75, 1.0)
    """
    if metric.of_counts is None:
        raise InputError("metric", metric.name, "a metric of counts, such as recall, precision or lift")
    return _at_top(metric, k)
