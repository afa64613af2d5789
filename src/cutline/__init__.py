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
    average_precision,
    balanced_accuracy,
    brier,
    confusion_matrix,
    f1,
    f_beta,
    find,
    flagged_rate,
    fnr,
    fpr,
    log_loss,
    macro,
    mcc,
    micro,
    npv,
    precision,
    prediction_bias,
    recall,
    roc_auc,
    specificity,
    weighted,
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
    "average_precision",
    "balanced_accuracy",
    "bootstrap",
    "bootstrap_threshold",
    "brier",
    "calibrate",
    "confusion_matrix",
    "cost",
    "errors",
    "estimate",
    "evaluate",
    "explain",
    "f1",
    "f_beta",
    "find",
    "fit",
    "fixed",
    "flagged_rate",
    "fnr",
    "fpr",
    "load",
    "log_loss",
    "macro",
    "maximize",
    "mcc",
    "micro",
    "minimize",
    "most_probable",
    "npv",
    "precision",
    "prediction_bias",
    "read_scores",
    "recall",
    "report",
    "roc_auc",
    "specificity",
    "weighted",
]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(f"cutline.{_LAZY[name]}"), name)
    raise AttributeError(f"module 'cutline' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
