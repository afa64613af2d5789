"""What is wanted of a decision, said before any data is seen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cutline.errors import InputError, LabelError
from cutline.labels import Shown
from cutline.metrics import Constraint, Counts, Metric, find
from cutline.scores import Scores

if TYPE_CHECKING:
    from cutline.decision.point import OperatingPoint


@dataclass(frozen=True, slots=True)
class Cost:
    """What each outcome costs, in one unit of the user's; a gain is a negative cost."""

    fp: float
    fn: float
    tp: float = 0.0
    tn: float = 0.0

    def __post_init__(self) -> None:
        for name in ("fp", "fn", "tp", "tn"):
            if not np.isfinite(getattr(self, name)):
                raise InputError(name, repr(getattr(self, name)), "a finite cost")
        if self.fp <= self.tn or self.fn <= self.tp:
            raise InputError(
                "cost",
                f"fp={self.fp:g}, tn={self.tn:g}, fn={self.fn:g}, tp={self.tp:g}",
                "fp > tn and fn > tp: mistakes must cost more than being right",
            )

    def of(self, counts: Counts) -> Any:
        """Mean cost a row."""
        total = self.tp * counts.tp + self.fp * counts.fp + self.fn * counts.fn + self.tn * counts.tn
        return total / counts.total

    @property
    def threshold(self) -> float:
        """Where acting and not acting cost the same, for calibrated probabilities (Elkan 2001)."""
        act, wait = self.fp - self.tn, self.fn - self.tp
        return act / (act + wait)

    def __str__(self) -> str:
        parts = [f"fp={self.fp:g}", f"fn={self.fn:g}"]
        parts += [f"{name}={value:g}" for name, value in (("tp", self.tp), ("tn", self.tn)) if value]
        return f"cost({', '.join(parts)})"


def cost(*, fp: float, fn: float, tp: float = 0.0, tn: float = 0.0) -> Cost:
    """Cost of a false positive, a false negative and, where they are not free, of the right decisions."""
    return Cost(float(fp), float(fn), float(tp), float(tn))


@dataclass(frozen=True, slots=True, repr=False)
class Policy(Shown):
    """An aim, the constraints it is subject to, and the confidence they must hold with.

    Made by `maximize`, `minimize` and `fixed`; turned into an `OperatingPoint` by `choose`.
    """

    aim: Metric | Cost | float | None
    """The metric to maximise or minimise, the cost to minimise, a fixed threshold, or None: the most probable class."""
    subject_to: tuple[Constraint, ...] = ()
    confidence: float | None = None

    def __post_init__(self) -> None:
        if self.confidence is None:
            return
        if not 0.5 <= self.confidence < 1:
            raise InputError("confidence", repr(self.confidence), "a level from 0.5 to below 1, such as 0.95")
        if not self.subject_to:
            raise InputError("confidence", "no constraint to certify", "subject_to=[precision >= 0.9], for example")
        for constraint in self.subject_to:
            if constraint.metric.proportion is None:
                raise InputError(
                    "subject_to",
                    f"{constraint} with confidence={self.confidence:g}",
                    "a metric that is a proportion of rows: precision, recall, fpr, fnr, specificity, npv, accuracy",
                    "leave confidence out for a bound without guarantee",
                )

    def choose(self, scores: Scores, certify: Scores | None = None, *, seed: int = 0) -> OperatingPoint:
        """Choose the operating point on rows with truth.

        Parameters
        ----------
        scores : Scores
            Tuning rows: the cut, or the order in which cuts are tested, is chosen on these.
        certify : Scores, optional
            Rows that nothing was chosen on, for a policy with `confidence`. Without them, half of `scores` is set
            apart by `seed`, and the point says so.
        seed : int
            Seed of that split and of the folds of cross-fitting.

        Raises
        ------
        Infeasible
            No threshold satisfies the constraints on these rows; carries the nearest.
        NotCertifiable
            Some do, none with the asked confidence; carries the number of rows that would do.
        """
        from cutline.decision.choose import choose

        return choose(self, scores, certify, seed)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        aim: Any = self.aim
        if isinstance(aim, Cost):
            aim = {"cost": {name: getattr(aim, name) for name in ("fp", "fn", "tp", "tn")}}
        elif isinstance(aim, Metric):
            aim = {"metric": aim.name}
        return {
            "aim": aim,
            "confidence": self.confidence,
            "subject_to": [str(constraint) for constraint in self.subject_to],
        }

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Policy:
        """The inverse of `to_dict`."""
        aim = saved["aim"]
        if isinstance(aim, Mapping):
            aim = cost(**aim["cost"]) if "cost" in aim else find(aim["metric"])
        constraints = tuple(Constraint.parse(text) for text in saved["subject_to"])
        return cls(aim, constraints, saved["confidence"])

    def __str__(self) -> str:
        if self.aim is None:
            return "the most probable class"
        if isinstance(self.aim, float):
            return f"fixed threshold {self.aim:g}"
        verb = "maximize" if isinstance(self.aim, Metric) and self.aim.maximize else "minimize"
        text = f"{verb} {self.aim.name if isinstance(self.aim, Metric) else self.aim}"
        if self.subject_to:
            text += f" subject to {' and '.join(map(str, self.subject_to))}"
        return text + (f" with {100 * self.confidence:g} % confidence" if self.confidence else "")

    def __repr__(self) -> str:
        return f"Policy({self})"


def maximize(metric: Metric, *, subject_to: Iterable[Constraint] = (), confidence: float | None = None) -> Policy:
    """Maximise a count metric over all thresholds, subject to constraints.

    Parameters
    ----------
    metric : Metric
        A metric of counts where more is better, such as recall or f1.
    subject_to : iterable of Constraint
        Such as ``[precision >= 0.9]``.
    confidence : float, optional
        With it the constraints are certified: they hold for new rows of the same kind with at least this probability.

    Examples
    --------
    >>> import cutline as cl
    >>> cl.maximize(cl.recall, subject_to=[cl.precision >= 0.9], confidence=0.95)
    Policy(maximize recall subject to precision >= 0.9 with 95 % confidence)
    """
    if metric.of_counts is None or metric.maximize is not True:
        raise InputError("metric", metric.name, "a metric of counts where more is better, such as recall or f1")
    return Policy(metric, _constraints(subject_to), confidence)


def minimize(aim: Cost | Metric, *, subject_to: Iterable[Constraint] = (), confidence: float | None = None) -> Policy:
    """Minimise a cost, or a count metric where less is better, over all thresholds, subject to constraints.

    A cost without constraints takes the threshold of Elkan 2001 where the scores are probabilities: it assumes that
    they are calibrated. Rankings are searched.

    Examples
    --------
    >>> import cutline as cl
    >>> cl.minimize(cl.cost(fp=1, fn=25))
    Policy(minimize cost(fp=1, fn=25))
    """
    if isinstance(aim, Metric) and (aim.of_counts is None or aim.maximize is not False):
        raise InputError("aim", aim.name, "a cost, or a metric of counts where less is better, such as fpr")
    return Policy(aim, _constraints(subject_to), confidence)


def fixed(threshold: float) -> Policy:
    """A threshold decided elsewhere, such as 0.5."""
    if not np.isfinite(threshold):
        raise InputError("threshold", repr(threshold), "a finite number")
    return Policy(float(threshold))


most_probable = Policy(None)
"""Decide for the class with the highest score: the default for several classes."""


def _constraints(given: Iterable[Constraint]) -> tuple[Constraint, ...]:
    constraints = (given,) if isinstance(given, Constraint) else tuple(given)
    for constraint in constraints:
        if not isinstance(constraint, Constraint):
            raise InputError("subject_to", repr(constraint), "constraints such as precision >= 0.9")
        if constraint.metric.of_counts is None:
            raise InputError(
                "subject_to",
                str(constraint),
                "a metric of counts at a threshold",
                f"{constraint.metric.name} does not depend on the threshold",
            )
    return constraints


def require_binary(scores: Scores, what: str) -> None:
    """Refuse several classes by name."""
    if not scores.binary:
        raise LabelError(
            "scores",
            f"{scores.classes.k} classes for {what}",
            "a binary problem",
            "use scores.one_vs_rest(name), or most_probable for all classes",
        )
