"""Policies, operating points, guarantees, and one score in words."""

from cutline.decision.certify import claims
from cutline.decision.explain import Explanation, explain
from cutline.decision.point import GRADES, ConstraintRow, OperatingPoint
from cutline.decision.policy import Cost, Policy, cost, fixed, maximize, minimize, most_probable
from cutline.decision.search import NearestPoint

__all__ = [
    "GRADES",
    "ConstraintRow",
    "Cost",
    "Explanation",
    "NearestPoint",
    "OperatingPoint",
    "Policy",
    "claims",
    "cost",
    "explain",
    "fixed",
    "maximize",
    "minimize",
    "most_probable",
]
