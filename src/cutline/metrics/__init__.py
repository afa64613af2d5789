"""One sort, counts at every threshold, and every metric read off them."""

from cutline.metrics.binary import (
    accuracy,
    average_precision,
    balanced_accuracy,
    f1,
    f_beta,
    flagged_rate,
    fnr,
    fpr,
    mcc,
    npv,
    precision,
    recall,
    roc_auc,
    specificity,
)
from cutline.metrics.counts import Counts, from_matrix
from cutline.metrics.metric import Constraint, Metric
from cutline.metrics.multiclass import checked_decision, confusion_matrix, decided, macro, micro, weighted
from cutline.metrics.probability import brier, log_loss, prediction_bias
from cutline.metrics.registry import METRICS, find
from cutline.metrics.table import ThresholdTable

__all__ = [
    "METRICS",
    "Constraint",
    "Counts",
    "Metric",
    "ThresholdTable",
    "accuracy",
    "average_precision",
    "balanced_accuracy",
    "brier",
    "checked_decision",
    "confusion_matrix",
    "decided",
    "f1",
    "f_beta",
    "find",
    "flagged_rate",
    "fnr",
    "fpr",
    "from_matrix",
    "log_loss",
    "macro",
    "mcc",
    "micro",
    "npv",
    "precision",
    "prediction_bias",
    "recall",
    "roc_auc",
    "specificity",
    "weighted",
]
