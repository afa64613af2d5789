"""Every figure with its uncertainty: estimates, intervals, resampling.

Comparison, tests, slices and planning are modules of their own, loaded when they are asked for.
"""

from cutline.evidence.auc import delong
from cutline.evidence.bootstrap import Bootstrap, bootstrap, bootstrap_threshold
from cutline.evidence.classification_report import ClassificationReport, classification_report
from cutline.evidence.estimate import Estimate, count_ingredients, estimate, finite
from cutline.evidence.intervals import Proportion, clopper_pearson, wilson, z_of
from cutline.evidence.resample import set_apart, stratified_folds

__all__ = [
    "Bootstrap",
    "ClassificationReport",
    "Estimate",
    "Proportion",
    "bootstrap",
    "bootstrap_threshold",
    "classification_report",
    "clopper_pearson",
    "count_ingredients",
    "delong",
    "estimate",
    "finite",
    "set_apart",
    "stratified_folds",
    "wilson",
    "z_of",
]
