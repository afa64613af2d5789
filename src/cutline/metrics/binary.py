"""Binary metrics: over counts at a threshold, and over the order of the scores."""

from __future__ import annotations

from typing import Any

import numpy as np

from cutline.errors import InputError
from cutline.metrics.counts import Counts
from cutline.metrics.metric import Metric
from cutline.metrics.table import ThresholdTable


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
    of_counts=lambda c: divide(c.tp + c.tn, c.total),
    of_matrix=lambda m: divide(np.trace(m), m.sum()),
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
    # Floats first: the product of four counts leaves 64-bit integers near n = 1e5.
    tp, fp, fn, tn = (np.asarray(getattr(c, s), dtype=np.float64) for s in ("tp", "fp", "fn", "tn"))
    scale = np.sqrt(tp + fp) * np.sqrt(tp + fn) * np.sqrt(tn + fp) * np.sqrt(tn + fn)
    return divide(tp * tn - fp * fn, scale)


def _mcc_matrix(m: Any) -> float:
    m = np.asarray(m, dtype=np.float64)
    n, truth, said = m.sum(), m.sum(axis=1), m.sum(axis=0)
    cross = n * np.trace(m) - truth @ said
    return float(divide(cross, np.sqrt(n * n - said @ said) * np.sqrt(n * n - truth @ truth)))


def _balanced_matrix(m: Any) -> float:
    share = divide(np.diag(m), m.sum(axis=1))
    present = share[~np.isnan(share)]
    return float(present.mean()) if present.size else float("nan")


balanced_accuracy = Metric(
    "balanced_accuracy",
    "Balanced accuracy",
    True,
    (0.0, 1.0),
    1.0,
    chance="1 / k",
    formula="mean of the recalls of all classes",
    undefined="a class has no rows",
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
        f"f{beta:g}",
        f"F{beta:g}",
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
    c = table.counts()
    tp, fp = np.asarray(c.tp, dtype=np.float64), np.asarray(c.fp, dtype=np.float64)
    # Pairs (positive, negative) in the right order, ties counting half: exact in float64 to 2^53 half-pairs.
    pairs = np.dot(np.diff(fp), tp[1:] + tp[:-1])
    return float(divide(pairs, 2 * tp[-1] * fp[-1]))


def _average_precision(table: ThresholdTable) -> float:
    c = table.counts()
    return float(divide(np.dot(np.diff(c.tp), divide(c.tp[1:], c.flagged[1:])), c.tp[-1]))


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
