"""A metric is a value: it knows its formula, direction, range, and what 0/0 means."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cutline.errors import InputError, LabelError, ScoreError, UndefinedWarning
from cutline.labels import Shown
from cutline.metrics.counts import Counts
from cutline.metrics.multilabel import MultiLabel, Thresholds
from cutline.metrics.table import ThresholdTable
from cutline.scores import Scores

Data = Counts | ThresholdTable | Scores | np.ndarray
Task = Literal["binary", "multiclass", "ordinal", "multilabel", "policy"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Metric(Shown):
    """One figure of merit. Call it on `Counts`, a `ThresholdTable`, a confusion matrix or `Scores`.

    ``precision >= 0.9`` builds a `Constraint`.

    Attributes
    ----------
    name : str
        The field's word for it; also its name on the command line.
    label : str
        As shown to people.
    maximize : bool or None
        True when more is better, False when less is, None when neither is (prediction bias).
    range : tuple of float
        Lowest and highest possible value.
    perfect : float
        The value of a perfect classifier.
    chance : str
        What scores without information give.
    formula : str
        In words or symbols.
    undefined : str
        When it is 0/0 and hence nan.
    reference : str
        Where the definition comes from.
    synonyms : tuple of str
        Other names that `find` understands.
    tasks : tuple of str
        The problems it speaks of: "binary", "multiclass", "ordinal" (classes in order), "multilabel"; "policy" for
        what has a meaning only inside a policy.
    of_counts, of_table, of_matrix, of_scores, of_multilabel : callable or None
        The formula over what it can be computed from: counts at a threshold; the order of all scores;
        a k x k confusion matrix (truth in rows); the scores themselves; several labels and their thresholds.
    proportion : callable or None
        Numerator and denominator over `Counts`, where the metric is (a monotone map of) one binomial proportion.
    """

    name: str
    label: str
    maximize: bool | None
    range: tuple[float, float]
    perfect: float
    chance: str
    formula: str
    undefined: str
    reference: str = ""
    synonyms: tuple[str, ...] = ()
    tasks: tuple[Task, ...] = ("binary",)
    of_counts: Callable[[Counts], Any] | None = None
    of_table: Callable[[ThresholdTable], float] | None = None
    of_matrix: Callable[[NDArray[Any]], float] | None = None
    of_scores: Callable[[Scores], float] | None = None
    of_multilabel: Callable[[MultiLabel, Thresholds], float] | None = None
    proportion: Callable[[Counts], tuple[Any, Any]] | None = None

    def __call__(self, data: Any, *, at: Thresholds = None) -> Any:
        """The value: a float, or an array over thresholds; nan where it is undefined.

        Parameters
        ----------
        data : Counts, ThresholdTable, Scores, MultiLabel or ndarray of shape (k, k)
            An array is a confusion matrix with truth in rows and decisions in columns.
        at : float, optional
            The threshold, for count metrics of scores or of a table. A table without `at` gives all thresholds. For
            several labels also a mapping of label to threshold.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            value = self._value(data, at)
        if np.ndim(value):
            return value
        value = float(value)
        if np.isnan(value):
            warnings.warn(UndefinedWarning(f"{self.name} is undefined here: {self.undefined}", "CT13"), stacklevel=2)
        return value

    def value(self, data: Any, *, at: Thresholds = None) -> Any:
        """Like calling it, without a warning for an undefined value."""
        with np.errstate(divide="ignore", invalid="ignore"):
            value = self._value(data, at)
        return value if np.ndim(value) else float(value)

    def _value(self, data: Any, at: Any) -> Any:
        if isinstance(data, MultiLabel) and self.of_multilabel:
            return self.of_multilabel(data, at)
        if isinstance(data, Counts) and self.of_counts:
            return self.of_counts(data)
        if isinstance(data, ThresholdTable):
            if self.of_counts:
                return self.of_counts(data.counts(at))
            if self.of_table:
                return self.of_table(data)
        if isinstance(data, np.ndarray) and self.of_matrix:
            return self.of_matrix(data)
        if isinstance(data, Scores):
            return self._of_scores(data.known(), at)
        if isinstance(data, np.ndarray):
            raise InputError(
                "data", f"ndarray for {self.name}", self._wants(), f"of several classes, macro({self.name})"
            )
        raise InputError(
            "data", f"{type(data).__name__} for {self.name}", self._wants(), "pass Scores: every metric reads them"
        )

    def _of_scores(self, scores: Scores, at: float | None) -> Any:
        from cutline.metrics.multiclass import confusion_matrix, decided

        self.check(scores)
        if self.of_scores:
            return self.of_scores(scores)
        if self.of_counts and scores.binary:
            if scores.kind == "label":
                matrix = confusion_matrix(scores, scores.score)
                return self.of_counts(_binary_counts(matrix, scores))
            if at is None:
                raise ScoreError(
                    "at",
                    f"no threshold for {self.name} of scores of kind {scores.kind!r}",
                    "a threshold",
                    "for example at=0.5, or let a policy choose it",
                    code="CT01",
                )
            return self.of_counts(ThresholdTable.from_scores(scores).counts(at))
        if self.of_table and scores.binary:
            return self.of_table(ThresholdTable.from_scores(scores))
        if self.of_matrix:
            return self.of_matrix(confusion_matrix(scores, decided(scores, at)))
        raise LabelError(
            "scores",
            f"{scores.classes.k} classes for {self.name}",
            "a binary problem",
            f"use macro({self.name}), micro({self.name}) or scores.one_vs_rest(name)",
        )

    def check(self, scores: Scores) -> None:
        """Refuse what the metric has no meaning for: ordinal ones want classes in order, policy ones a policy."""
        if self.tasks == ("policy",):
            raise InputError("metric", self.name, "a metric of scores", "it says what a policy is to reach")
        if self.tasks == ("ordinal",) and not scores.classes.ordered:
            raise LabelError(
                "classes",
                repr(scores.classes),
                f"classes in order: {self.name} measures distances",
                "Scores(..., classes=cl.Classes([...from low to high...], ordered=True))",
            )

    def _wants(self) -> str:
        forms = {
            "Counts": self.of_counts,
            "a ThresholdTable": self.of_table or self.of_counts,
            "a confusion matrix": self.of_matrix,
            "MultiLabel": self.of_multilabel,
        }
        return " or ".join([*(name for name, formula in forms.items() if formula), "Scores"])

    def __ge__(self, bound: float) -> Constraint:
        return Constraint(self, ">=", bound)

    def __le__(self, bound: float) -> Constraint:
        return Constraint(self, "<=", bound)

    def to_dict(self) -> dict[str, Any]:
        """Its description in plain values for JSON: an infinite end of the range is None."""
        return {
            "name": self.name,
            "label": self.label,
            "maximize": self.maximize,
            "range": [end if np.isfinite(end) else None for end in self.range],
            "perfect": self.perfect if np.isfinite(self.perfect) else None,
            "chance": self.chance,
            "formula": self.formula,
            "undefined": self.undefined,
            "reference": self.reference,
            "synonyms": list(self.synonyms),
            "tasks": list(self.tasks),
        }

    def __reduce__(self) -> Any:
        from cutline.metrics.registry import find

        return find, (self.name,)

    def __repr__(self) -> str:
        best = "no better end" if np.isnan(self.perfect) else f"best at {self.perfect:g}"
        better = {True: "higher is better", False: "lower is better", None: best}[self.maximize]
        low, high = self.range
        return f"{self.name}: {self.formula}; {low:g} to {high:g}, {better}, chance {self.chance}"


def _binary_counts(matrix: NDArray[Any], scores: Scores) -> Counts:
    from cutline.metrics.counts import from_matrix

    return from_matrix(matrix, scores.classes.index(scores.classes.positive))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Constraint(Shown):
    """A bound on a metric, such as ``precision >= 0.9``."""

    metric: Metric
    op: Literal[">=", "<="]
    bound: float
    of_class: Any = None
    """The class it is about, against the rest; None for the problem as a whole."""

    def __post_init__(self) -> None:
        low, high = self.metric.range
        number = isinstance(self.bound, int | float | np.number) and not isinstance(self.bound, bool)
        if not number or not low <= float(self.bound) <= high:
            hint = "write 0.9 for 90 %" if number and self.bound > 1 else ""
            came, wanted = f"the bound {self.bound!r}", f"a number from {low:g} to {high:g}, its range"
            raise InputError(self.metric.name, came, wanted, hint)
        object.__setattr__(self, "bound", float(self.bound))

    @classmethod
    def parse(cls, text: str) -> Constraint:
        """Read ``"precision>=0.90"``, or ``"recall[severe]>=0.9"`` of one class."""
        from cutline.metrics.registry import find

        match = re.fullmatch(r"\s*([\w.\-+ ]+?)\s*(?:\[(.+)\])?\s*(>=|<=)\s*(\S+)\s*", text)
        try:
            assert match is not None
            bound = float(match[4])
        except (AssertionError, ValueError):
            raise InputError("constraint", repr(text), "a metric, >= or <=, and a number", "precision>=0.90") from None
        made = find(match[1]) >= bound if match[3] == ">=" else find(match[1]) <= bound
        return made if match[2] is None else made.of(match[2])

    def of(self, name: Any) -> Constraint:
        """The same bound on one class against the rest, such as ``(recall >= 0.9).of("severe")``."""
        if self.metric.of_counts is None:
            raise InputError("constraint", str(self), "a metric of counts to ask of one class, such as recall")
        return Constraint(self.metric, self.op, self.bound, name)

    def holds(self, value: Any) -> Any:
        """Whether a value satisfies it; False for nan. Elementwise for arrays."""
        return value >= self.bound if self.op == ">=" else value <= self.bound

    def slack(self, value: Any) -> Any:
        """How far a value is on the right side; negative when it is not, nan when undefined."""
        return value - self.bound if self.op == ">=" else self.bound - value

    def __str__(self) -> str:
        from cutline.metrics.binary import plain

        name = self.metric.name if self.of_class is None else f"{self.metric.name}[{self.of_class}]"
        return f"{name} {self.op} {plain(self.bound)}"

    def __repr__(self) -> str:
        return f"Constraint({self})"
