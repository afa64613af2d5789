"""All figures of one set of scores, of several models side by side, or of rows with several labels."""

from cutline.evaluation.by_class import Alternative, Mistaken, View, alternatives, cut_points, mistaken, views
from cutline.evaluation.by_slice import SliceReport
from cutline.evaluation.costliest import Mistake, costliest
from cutline.evaluation.crossed import gain_of_mean, of_mean, within_folds
from cutline.evaluation.evaluate import ClassReport, Evaluation, Histogram, evaluate
from cutline.evaluation.label_sets import LabelSets, evaluate_labels
from cutline.evaluation.named import NamedCut, cost_of, named_cuts
from cutline.evaluation.side_by_side import Agreement, SideBySide, side_by_side

__all__ = [
    "Agreement",
    "Alternative",
    "ClassReport",
    "Evaluation",
    "Histogram",
    "LabelSets",
    "Mistake",
    "Mistaken",
    "NamedCut",
    "SideBySide",
    "SliceReport",
    "View",
    "alternatives",
    "cost_of",
    "costliest",
    "cut_points",
    "evaluate",
    "evaluate_labels",
    "gain_of_mean",
    "mistaken",
    "named_cuts",
    "of_mean",
    "side_by_side",
    "views",
    "within_folds",
]
