"""Rules that turn scores into decisions. Each is a frozen value with ``codes(scores)``; -1 stands for "undecided"."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cutline import core
from cutline.decision.costs import CostMatrix, RowCosts, cost_from_dict
from cutline.errors import InputError, ScoreError, ShapeError
from cutline.labels import Classes
from cutline.metrics import decided
from cutline.scores import Scores

Codes = NDArray[np.int32]
UNDECIDED = -1


class Rule(Protocol):
    """What an `OperatingPoint` decides by."""

    def codes(self, scores: Scores) -> Codes:
        """Codes of the decided classes, shape (n,); -1 where the rule abstains."""

    def says(self, classes: Classes) -> str:
        """The rule in words, such as "spam at scores >= 0.37"."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values with a "rule"; floats also as hexadecimal."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """Positive iff ``score >= at``."""

    at: float

    def codes(self, scores: Scores) -> Codes:
        """Codes of the decided classes."""
        return decided(scores, self.at)

    def says(self, classes: Classes) -> str:
        """In words."""
        return f"{classes.positive} at scores >= {self.at:.4g}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {"rule": "threshold", "at": self.at.hex()}


@dataclass(frozen=True, slots=True)
class TopShare:
    """Positive iff ``score > at``; of the rows exactly at it the share whose hashed id is smallest: a stable draw."""

    at: float
    share: float

    def codes(self, scores: Scores) -> Codes:
        """Codes of the decided classes; needs row ids."""
        tied = np.asarray(scores.score, np.float64) == self.at
        taken = np.zeros(scores.n, dtype=bool)
        if tied.any():
            taken[tied] = scores.take(tied).drawn_by_id() < self.share
        positive = scores.classes.index(scores.classes.positive)
        flagged = (np.asarray(scores.score, np.float64) > self.at) | taken
        return np.where(flagged, positive, 1 - positive).astype(np.int32)

    def says(self, classes: Classes) -> str:
        """In words."""
        return f"{classes.positive} at scores > {self.at:.4g}, and {100 * self.share:.3g} % of those at it"

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {"rule": "top_share", "at": self.at.hex(), "share": self.share.hex()}


@dataclass(frozen=True, slots=True)
class Band:
    """Positive iff ``score >= high``, negative iff ``score < low``, undecided between (Chow 1970)."""

    low: float
    high: float

    def codes(self, scores: Scores) -> Codes:
        """Codes, -1 inside the band."""
        low, high = decided(scores, self.low), decided(scores, self.high)
        return np.where(low == high, high, UNDECIDED).astype(np.int32)

    def says(self, classes: Classes) -> str:
        """In words."""
        low, high = f"{self.low:.4g}", f"{self.high:.4g}"
        return f"{classes.positive} at scores >= {high}, {classes.negative} below {low}, nothing in between"

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {"rule": "band", "low": self.low.hex(), "high": self.high.hex()}


@dataclass(frozen=True, slots=True)
class MostProbable:
    """The class with the highest score, if it reaches `least` (a probability; 0: always)."""

    least: float = 0.0

    def codes(self, scores: Scores) -> Codes:
        """Codes, -1 where no class reaches `least`."""
        if scores.binary:
            p = scores.probability
            positive = scores.classes.index(scores.classes.positive)
            best, said = np.maximum(p, 1 - p), np.where(p >= 0.5, positive, 1 - positive)
        elif self.least:
            p = scores.probability
            said = core.argmax_rows(p)
            best = p[np.arange(len(p)), said]
        else:
            return decided(scores)
        return np.where(best >= self.least, said, UNDECIDED).astype(np.int32)

    def says(self, classes: Classes) -> str:
        """In words."""
        return "its most probable class" + (f" where that has a probability >= {self.least:.4g}" if self.least else "")

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {"rule": "most_probable", "least": self.least.hex()}


@dataclass(frozen=True, slots=True)
class LeastCost:
    """The class whose expected cost ``sum_i p_i C[i, j]`` is least; undecided where that exceeds the price of it."""

    cost: CostMatrix

    def codes(self, scores: Scores) -> Codes:
        """Codes, -1 where abstaining is cheaper."""
        expected = scores.probabilities @ self.cost.of_classes(scores.classes.k)
        said = expected.argmin(axis=1)
        if self.cost.abstain is None:
            return said.astype(np.int32)
        return np.where(expected.min(axis=1) <= self.cost.abstain, said, UNDECIDED).astype(np.int32)

    def says(self, classes: Classes) -> str:
        """In words."""
        return "the class with the least expected cost"

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {"rule": "least_cost", **self.cost.to_dict()}


@dataclass(frozen=True, slots=True)
class Offsets:
    """The class with the highest ``log p_k + offset_k``: odds between classes are multiplied, the rest stays."""

    offsets: tuple[float, ...]

    def codes(self, scores: Scores) -> Codes:
        """Codes of the decided classes."""
        return core.argmax_rows(log_probability(scores) + np.array(self.offsets))

    def says(self, classes: Classes) -> str:
        """In words."""
        factors = ", ".join(f"{n} x {math.exp(o):.3g}" for n, o in zip(classes.names[:8], self.offsets, strict=False))
        more = ", ..." if classes.k > 8 else ""
        return f"the class with the highest probability after weighing: {factors}{more}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {"rule": "offsets", "offsets": [o.hex() for o in self.offsets]}


@dataclass(frozen=True, slots=True)
class LeastRowCost:
    """Positive iff deciding so saves at least `least` in expectation, at the costs of the row."""

    least: float = 0.0

    def codes(self, scores: Scores, costs: RowCosts | None = None) -> Codes:
        """Codes of the decided classes; each row brings its costs."""
        if costs is None:
            raise InputError("costs", "none", "the costs of these rows", "costs=cl.cost(fp=..., fn=...)")
        if costs.n != scores.n:
            raise ShapeError("costs", f"costs of {costs.n:,} rows", f"of {scores.n:,}, the rows to decide")
        positive = scores.classes.index(scores.classes.positive)
        return np.where(costs.gain(scores.probability) >= self.least, positive, 1 - positive).astype(np.int32)

    def says(self, classes: Classes) -> str:
        """In words."""
        return f"{classes.positive} where that is expected to save {self.least:.4g} or more at the costs of the row"

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {"rule": "least_row_cost", "least": self.least.hex()}


def rule_from_dict(saved: Mapping[str, Any]) -> Rule:
    """The inverse of `to_dict`; raises KeyError or ValueError for what it did not give."""
    if saved["rule"] == "least_cost":
        found = cost_from_dict(saved)
        if not isinstance(found, CostMatrix):
            raise ValueError("cost matrix")
        return LeastCost(found)
    if saved["rule"] == "offsets":
        return Offsets(tuple(_finite(o) for o in saved["offsets"]))
    kinds = {"threshold": Threshold, "top_share": TopShare, "band": Band, "most_probable": MostProbable}
    kind: Any = {**kinds, "least_row_cost": LeastRowCost}[saved["rule"]]
    return kind(**{name: _finite(saved[name]) for name in kind.__dataclass_fields__})


def log_probability(scores: Scores) -> NDArray[np.float64]:
    """Logarithms of the probabilities of all classes, shape (n, k), up to a constant of the row; never -inf."""
    if scores.kind == "logit" and not scores.binary:
        return np.asarray(scores.score, dtype=np.float64)
    if scores.kind not in ("probability", "logit"):
        raise ScoreError("scores", f"kind {scores.kind!r}", "probabilities or logits, to weigh classes")
    return np.log(np.maximum(scores.probabilities, 1e-12))


def _finite(text: str) -> float:
    value = float.fromhex(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value
