"""Policies, operating points, guarantees, and one score in words."""

from cutline.decision.certify import claims, umbrella_rank
from cutline.decision.costs import Cost, CostMatrix, RowCosts, cost
from cutline.decision.explain import Explanation, explain
from cutline.decision.point import GRADES, AimRow, ConstraintRow, OperatingPoint
from cutline.decision.policy import Policy, capacity, fixed, maximize, minimize, most_probable
from cutline.decision.rules import Band, LeastCost, LeastRowCost, MostProbable, Offsets, Rule, Threshold, TopShare
from cutline.decision.search import NearestPoint

__all__ = [
    "GRADES",
    "AimRow",
    "Band",
    "ConstraintRow",
    "Cost",
    "CostMatrix",
    "Explanation",
    "LeastCost",
    "LeastRowCost",
    "MostProbable",
    "NearestPoint",
    "Offsets",
    "OperatingPoint",
    "Policy",
    "RowCosts",
    "Rule",
    "Threshold",
    "TopShare",
    "capacity",
    "claims",
    "cost",
    "explain",
    "fixed",
    "maximize",
    "minimize",
    "most_probable",
    "umbrella_rank",
]
