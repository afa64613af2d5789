"""Every figure with its uncertainty: estimates, intervals, resampling."""

from cutline.evidence.auc import delong
from cutline.evidence.bootstrap import Bootstrap, bootstrap, bootstrap_threshold
from cutline.evidence.classification_report import ClassificationReport, classification_report
from cutline.evidence.compare import compare
from cutline.evidence.diagnosis import TwoTests
from cutline.evidence.difference import Comparison, Difference
from cutline.evidence.estimate import Estimate, count_ingredients, estimate, finite
from cutline.evidence.influence import delong_test
from cutline.evidence.intervals import Proportion, clopper_pearson, wilson, z_of
from cutline.evidence.learners import corrected_resampled_t, cv5x2_f, cv5x2_t
from cutline.evidence.multiplicity import adjusted
from cutline.evidence.paired import (
    PairedTable,
    cochran_q,
    mcnemar,
    newcombe_paired,
    paired_odds_ratio,
    tango,
)
from cutline.evidence.resample import set_apart, stratified_folds
from cutline.evidence.slice_results import Slice, Slices
from cutline.evidence.slices import slices

__all__ = [
    "Bootstrap",
    "ClassificationReport",
    "Comparison",
    "Difference",
    "Estimate",
    "PairedTable",
    "Proportion",
    "Slice",
    "Slices",
    "TwoTests",
    "adjusted",
    "bootstrap",
    "bootstrap_threshold",
    "classification_report",
    "clopper_pearson",
    "cochran_q",
    "compare",
    "corrected_resampled_t",
    "count_ingredients",
    "cv5x2_f",
    "cv5x2_t",
    "delong",
    "delong_test",
    "estimate",
    "finite",
    "mcnemar",
    "newcombe_paired",
    "paired_odds_ratio",
    "set_apart",
    "slices",
    "stratified_folds",
    "tango",
    "wilson",
    "z_of",
]
