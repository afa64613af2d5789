"""From a table to a classifier, and the classifier itself."""

from cutline.model.classifier import Classifier, Plan
from cutline.model.fit import fit
from cutline.model.persist import load

__all__ = ["Classifier", "Plan", "fit", "load"]
