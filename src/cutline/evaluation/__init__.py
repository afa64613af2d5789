"""All figures of one set of scores, of several models side by side, or of rows with several labels."""

from cutline.evaluation.by_class import Alternative, Mistaken, View, alternatives, cut_points, mistaken, views
from cutline.evaluation.evaluate import ClassReport, Evaluation, Histogram, evaluate
from cutline.evaluation.label_sets import LabelSets, evaluate_labels
from cutline.evaluation.side_by_side import Agreement, SideBySide, side_by_side

__all__ = [
    "Agreement",
    "Alternative",
    "ClassReport",
    "Evaluation",
    "Histogram",
    "LabelSets",
    "Mistaken",
    "SideBySide",
    "View",
    "alternatives",
    "cut_points",
    "evaluate",
    "evaluate_labels",
    "mistaken",
    "side_by_side",
    "views",
]
