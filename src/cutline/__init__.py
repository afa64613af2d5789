"""From raw data to a classifier, and from any classifier's scores to a decision you can defend.

Positive iff ``score >= threshold``; ties are one group; undefined is nan with a state; truth and score are
keyword-only; seeds are arguments.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from cutline import errors
from cutline.calibration import Calibration, calibrate
from cutline.decision import (
    Explanation,
    OperatingPoint,
    Policy,
    cost,
    explain,
    fixed,
    maximize,
    minimize,
    most_probable,
)
from cutline.evaluation import Evaluation, evaluate
from cutline.evidence import Bootstrap, Estimate, bootstrap, bootstrap_threshold, estimate
from cutline.labels import Classes
from cutline.metrics import (
    METRICS,
    Constraint,
    Counts,
    Metric,
    ThresholdTable,
    accuracy,
    at_top,
    auch,
    aupr_davis_goadrich,
    average_precision,
    balanced_accuracy,
    best,
    brier,
    brier_skill,
    calibration_error,
    cohen_kappa,
    confusion_matrix,
    diagnostic_odds_ratio,
    error_rate,
    f1,
    f_beta,
    false_omission_rate,
    fdr,
    find,
    flagged_rate,
    fnr,
    fowlkes_mallows,
    fpr,
    g_mean,
    gini,
    h_measure,
    hand_till,
    informedness,
    jaccard,
    ks,
    lift,
    log_loss,
    log_loss_skill,
    macro,
    markedness,
    mcc,
    micro,
    negative_likelihood_ratio,
    net_benefit,
    npv,
    npv_at_prevalence,
    partial_auc,
    positive_likelihood_ratio,
    precision,
    precision_at_prevalence,
    prediction_bias,
    prevalence,
    recall,
    roc_auc,
    specificity,
    weighted,
    weighted_roc_auc_ovo,
)

# At once, not lazily: the first import of a subpackage binds its name here, and this one is also a verb.
from cutline.report import Report, report
from cutline.scores import Scores

if TYPE_CHECKING:
    from cutline.data import read_scores
    from cutline.model import Classifier, fit, load

try:
    __version__ = version("cutline")
except PackageNotFoundError:  # run from a checkout that was never installed
    __version__ = "0+unknown"

_LAZY = {
    "Classifier": "model",
    "fit": "model",
    "load": "model",
    "read_scores": "data",
}
"""Names whose parts load pyarrow, LightGBM or rich: only at first use."""

__all__ = [
    "METRICS",
    "Bootstrap",
    "Calibration",
    "Classes",
    "Classifier",
    "Constraint",
    "Counts",
    "Estimate",
    "Evaluation",
    "Explanation",
    "Metric",
    "OperatingPoint",
    "Policy",
    "Report",
    "Scores",
    "ThresholdTable",
    "accuracy",
    "at_top",
    "auch",
    "aupr_davis_goadrich",
    "average_precision",
    "balanced_accuracy",
    "best",
    "bootstrap",
    "bootstrap_threshold",
    "brier",
    "brier_skill",
    "calibrate",
    "calibration_error",
    "cohen_kappa",
    "confusion_matrix",
    "cost",
    "diagnostic_odds_ratio",
    "error_rate",
    "errors",
    "estimate",
    "evaluate",
    "explain",
    "f1",
    "f_beta",
    "false_omission_rate",
    "fdr",
    "find",
    "fit",
    "fixed",
    "flagged_rate",
    "fnr",
    "fowlkes_mallows",
    "fpr",
    "g_mean",
    "gini",
    "h_measure",
    "hand_till",
    "informedness",
    "jaccard",
    "ks",
    "lift",
    "load",
    "log_loss",
    "log_loss_skill",
    "macro",
    "markedness",
    "maximize",
    "mcc",
    "micro",
    "minimize",
    "most_probable",
    "negative_likelihood_ratio",
    "net_benefit",
    "npv",
    "npv_at_prevalence",
    "partial_auc",
    "positive_likelihood_ratio",
    "precision",
    "precision_at_prevalence",
    "prediction_bias",
    "prevalence",
    "read_scores",
    "recall",
    "report",
    "roc_auc",
    "specificity",
    "weighted",
    "weighted_roc_auc_ovo",
]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(f"cutline.{_LAZY[name]}"), name)
    raise AttributeError(f"module 'cutline' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
