"""Binary metrics: over counts at a threshold, and over the order of the scores."""

from __future__ import annotations

from typing import Any

import numpy as np

from cutline.errors import InputError
from cutline.metrics.counts import Counts
from cutline.metrics.metric import Metric
from cutline.metrics.table import ThresholdTable


def plain(number: float) -> str:
    """The shortest text that reads back as the same number: 0.9, 1, 1e-05."""
    short = f"{number:g}"
    return short if float(short) == number else repr(float(number))


def divide(numerator: Any, denominator: Any) -> Any:
    """Quotient with 0/0 = nan, for numbers and arrays."""
    numerator, denominator = np.asarray(numerator, dtype=np.float64), np.asarray(denominator, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return (numerator / denominator)[()]


def _proportion(name: str, label: str, of: Any, *, maximize: bool, **about: Any) -> Metric:
    return Metric(
        name,
        label,
        maximize,
        (0.0, 1.0),
        1.0 if maximize else 0.0,
        of_counts=lambda c: divide(*of(c)),
        proportion=of,
        **about,
    )


accuracy = Metric(
    "accuracy",
    "Accuracy",
    True,
    (0.0, 1.0),
    1.0,
    chance="the share of the largest class",
    formula="(tp + tn) / n",
    undefined="no rows",
    synonyms=("acc", "fraction_correct"),
    tasks=("binary", "multiclass"),
    of_counts=lambda c: divide(c.tp + c.tn, c.total),
    of_matrix=lambda m: divide(_trace(m), m.sum(axis=(-2, -1))),
    proportion=lambda c: (c.tp + c.tn, c.total),
)
precision = _proportion(
    "precision",
    "Precision",
    lambda c: (c.tp, c.tp + c.fp),
    maximize=True,
    chance="prevalence",
    formula="tp / (tp + fp)",
    undefined="nothing is flagged",
    synonyms=("ppv", "positive_predictive_value"),
)
recall = _proportion(
    "recall",
    "Recall",
    lambda c: (c.tp, c.tp + c.fn),
    maximize=True,
    chance="the flagged rate",
    formula="tp / (tp + fn)",
    undefined="there are no positives",
    synonyms=("tpr", "sensitivity", "true_positive_rate", "hit_rate", "probability_of_detection"),
)
specificity = _proportion(
    "specificity",
    "Specificity",
    lambda c: (c.tn, c.tn + c.fp),
    maximize=True,
    chance="1 - the flagged rate",
    formula="tn / (tn + fp)",
    undefined="there are no negatives",
    synonyms=("tnr", "true_negative_rate", "selectivity"),
)
npv = _proportion(
    "npv",
    "Negative predictive value",
    lambda c: (c.tn, c.tn + c.fn),
    maximize=True,
    chance="1 - prevalence",
    formula="tn / (tn + fn)",
    undefined="everything is flagged",
    synonyms=("negative_predictive_value",),
)
fpr = _proportion(
    "fpr",
    "False positive rate",
    lambda c: (c.fp, c.fp + c.tn),
    maximize=False,
    chance="the flagged rate",
    formula="fp / (fp + tn)",
    undefined="there are no negatives",
    synonyms=("false_positive_rate", "fall_out", "false_alarm_rate"),
)
fnr = _proportion(
    "fnr",
    "False negative rate",
    lambda c: (c.fn, c.fn + c.tp),
    maximize=False,
    chance="1 - the flagged rate",
    formula="fn / (fn + tp)",
    undefined="there are no positives",
    synonyms=("false_negative_rate", "miss_rate"),
)
flagged_rate = Metric(
    "flagged_rate",
    "Flagged rate",
    None,
    (0.0, 1.0),
    float("nan"),
    chance="any",
    formula="(tp + fp) / n",
    undefined="no rows",
    synonyms=("predicted_positive_rate", "alert_rate"),
    of_counts=lambda c: divide(c.flagged, c.total),
    proportion=lambda c: (c.flagged, c.total),
)


def _mcc(c: Counts) -> Any:
    # Floats first: the product of four counts leaves 64-bit integers near n = 1e5. Paired so that the root of a
    # perfect classifier is the root of a square, and hence exact.
    tp, fp, fn, tn = (np.asarray(getattr(c, s), dtype=np.float64) for s in ("tp", "fp", "fn", "tn"))
    return divide(tp * tn - fp * fn, np.sqrt((tp + fp) * (tn + fn) * ((tp + fn) * (tn + fp))))


def _mcc_matrix(m: Any) -> Any:
    m = np.asarray(m, dtype=np.float64)
    if m.shape[-1] == 2:
        return _mcc(Counts(m[..., 1, 1], m[..., 0, 1], m[..., 1, 0], m[..., 0, 0]))
    truth, said = m.sum(axis=-1), m.sum(axis=-2)
    n = truth.sum(axis=-1)
    cross = n * _trace(m) - (truth * said).sum(axis=-1)
    spread_said = n * n - np.square(said).sum(axis=-1)
    spread_truth = n * n - np.square(truth).sum(axis=-1)
    one_class = (truth.max(axis=-1) == n) | (said.max(axis=-1) == n)  # rounding must not make 0/0 a number
    return np.where(one_class, np.nan, divide(cross, np.sqrt(spread_said) * np.sqrt(spread_truth)))[()]


def _balanced_matrix(m: Any) -> Any:
    share = divide(np.diagonal(m, axis1=-2, axis2=-1), m.sum(axis=-1))
    defined = ~np.isnan(share)
    mean = divide(np.where(defined, share, 0.0).sum(axis=-1), defined.sum(axis=-1))
    # Of two classes both are needed, as over counts; of several the present ones are averaged.
    return np.where(defined.all(axis=-1), mean, np.nan)[()] if m.shape[-1] == 2 else mean


def _trace(m: Any) -> Any:
    return np.trace(m, axis1=-2, axis2=-1)


balanced_accuracy = Metric(
    "balanced_accuracy",
    "Balanced accuracy",
    True,
    (0.0, 1.0),
    1.0,
    chance="1 / k",
    formula="mean of the recalls of all classes",
    undefined="a class has no rows",
    tasks=("binary", "multiclass"),
    of_counts=lambda c: (divide(c.tp, c.positives) + divide(c.tn, c.negatives)) / 2,
    of_matrix=_balanced_matrix,
)
mcc = Metric(
    "mcc",
    "Matthews correlation",
    True,
    (-1.0, 1.0),
    1.0,
    chance="0",
    formula="(tp tn - fp fn) / sqrt((tp+fp)(tp+fn)(tn+fp)(tn+fn))",
    undefined="only one class is present or only one is decided",
    reference="Matthews 1975; Gorodkin 2004 for k classes",
    synonyms=("matthews_corrcoef", "phi"),
    tasks=("binary", "multiclass"),
    of_counts=_mcc,
    of_matrix=_mcc_matrix,
)


def f_beta(beta: float) -> Metric:
    """F-beta: recall counts beta times as much as precision.

    ``(1 + beta^2) tp / ((1 + beta^2) tp + beta^2 fn + fp)``; van Rijsbergen 1979.

    Examples
    --------
    >>> import cutline as cl
    >>> round(cl.f_beta(2)(cl.Counts(tp=90, fp=30, fn=20, tn=60)), 4)
    0.8036
    """
    if not 0 < beta < float("inf"):
        raise InputError("beta", repr(beta), "a number above 0")
    b = float(beta) ** 2
    return Metric(
        f"f{plain(beta)}",
        f"F{plain(beta)}",
        True,
        (0.0, 1.0),
        1.0,
        chance="depends on prevalence and on the flagged rate",
        formula="2 tp / (2 tp + fp + fn)" if b == 1 else f"{1 + b:g} tp / ({1 + b:g} tp + {b:g} fn + fp)",
        undefined="no positives and nothing flagged",
        reference="van Rijsbergen 1979",
        synonyms=("f1_score", "dice") if b == 1 else (),
        of_counts=lambda c: divide((1 + b) * c.tp, (1 + b) * c.tp + b * c.fn + c.fp),
    )


f1 = f_beta(1)


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
    synonyms=("auc", "auroc", "c_statistic", "concordance"),
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
    synonyms=("ap", "pr_auc"),
    of_table=_average_precision,
)
