"""From a table to a classifier, and the classifier itself."""

from cutline.model.classifier import Classifier, Plan
from cutline.model.persist import load
from cutline.model.train import fit

__all__ = ["Classifier", "Plan", "fit", "load"]
