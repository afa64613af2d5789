"""What is wanted of a decision, said before any data is seen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from cutline.decision.costs import Cost, CostMatrix, RowCosts, cost_from_dict
from cutline.errors import InputError, LabelError, UnknownName
from cutline.labels import Shown
from cutline.metrics import Constraint, Counts, Metric, MultiLabel, coverage, find, flagged_rate, recall, selective_risk
from cutline.scores import Scores

if TYPE_CHECKING:
    pass

Ties = Literal["none", "all", "hash"]
SELECTIVE = (coverage, selective_risk)


Aim = Metric | Cost | CostMatrix | RowCosts | float | None


@dataclass(frozen=True, slots=True, repr=False)
class Policy(Shown):
    """An aim, the constraints it is subject to, and the confidence they must hold with.

    Made by `maximize`, `minimize` and `fixed`; turned into an `OperatingPoint` by `choose`.
    """

    aim: Aim
    """The metric to maximise or minimise, the cost to minimise, a fixed threshold, or None: the most probable class."""
    subject_to: tuple[Constraint, ...] = ()
    confidence: float | None = None
    prevalence: float | None = None
    """Share of positives where the decision will be used; None: as in the rows it is chosen on."""
    ties: Ties | None = None
    """Of a capacity, which is filled: of rows that share the score at the cut, flag none, all, or draw by row id."""

    def __post_init__(self) -> None:
        if self.prevalence is not None and not _between(self.prevalence, 0, 1):
            raise InputError("prevalence", repr(self.prevalence), "a share of positives above 0 and below 1")
        if self.confidence is None:
            return
        if self.confidence != 0.5 and not _between(self.confidence, 0.5, 1):
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

    @property
    def selective(self) -> bool:
        """True when it decides which rows to decide: it speaks of coverage and selective risk."""
        return any(metric in SELECTIVE for metric in (self.aim, *(c.metric for c in self.subject_to)))

    def choose(
        self,
        scores: Scores | MultiLabel,
        certify: Scores | None = None,
        *,
        prevalence: float | None = None,
        seed: int = 0,
    ) -> Any:
        """Choose the operating point on rows with truth.

        Parameters
        ----------
        scores : Scores or MultiLabel
            Tuning rows: the cut, or the order in which cuts are tested, is chosen on these. Several labels give a
            dictionary with a point for each.
        certify : Scores, optional
            Rows that nothing was chosen on, for a policy with `confidence`. Without them, most of `scores` is set
            apart by `seed`, and the point says so; a single bound on recall, fnr, fpr or specificity needs no rows
            of its own.
        prevalence : float, optional
            Share of positives where the decision will be used, above 0 and below 1: counts are reweighted to it.
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

        policy = self if prevalence is None else replace(self, prevalence=prevalence)
        if isinstance(scores, MultiLabel):
            if certify is not None:
                raise InputError("certify", "certify rows for several labels", "one label at a time: data.label(name)")
            return {name: choose(policy, scores.label(name), None, seed) for name in scores.names}
        return choose(policy, scores, certify, seed)

    def counts(self, counts: Counts) -> Counts:
        """Counts as they would be at `prevalence`: rows of each class are reweighted, their sum stays."""
        if self.prevalence is None:
            return counts
        total = counts.total
        with np.errstate(divide="ignore", invalid="ignore"):
            up = np.nan_to_num(self.prevalence * total / counts.positives, posinf=0.0)
            down = np.nan_to_num((1 - self.prevalence) * total / counts.negatives, posinf=0.0)
        return Counts(counts.tp * up, counts.fp * down, counts.fn * up, counts.tn * down)

    def value(self, constraint: Constraint, counts: Counts) -> Any:
        """The constrained metric at `prevalence`, elementwise."""
        return constraint.metric.value(self.counts(counts))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        aim: Any = self.aim
        if isinstance(aim, Metric):
            aim = {"metric": aim.name}
        elif aim is not None and not isinstance(aim, float):
            aim = aim.to_dict()
        return {
            "aim": aim,
            "confidence": self.confidence,
            "subject_to": [str(constraint) for constraint in self.subject_to],
            "prevalence": self.prevalence,
            "ties": self.ties,
        }

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Policy:
        """The inverse of `to_dict`."""
        aim = saved["aim"]
        if isinstance(aim, Mapping):
            # Costs by row are not saved: the point still decides rows that bring their own.
            aim = find(aim["metric"]) if "metric" in aim else None if "row_costs" in aim else cost_from_dict(aim)
        constraints = tuple(Constraint.parse(text) for text in saved["subject_to"])
        return cls(aim, constraints, saved["confidence"], saved["prevalence"], saved["ties"])

    def __str__(self) -> str:
        if self.aim is None:
            return "the most probable class"
        if isinstance(self.aim, float):
            return f"fixed threshold {self.aim:g}"
        verb = "maximize" if isinstance(self.aim, Metric) and self.aim.maximize else "minimize"
        text = f"{verb} {self.aim.name if isinstance(self.aim, Metric) else self.aim}"
        if self.subject_to:
            text += f" subject to {' and '.join(map(str, self.subject_to))}"
        text += f" with {100 * self.confidence:g} % confidence" if self.confidence else ""
        return text + (f" at a prevalence of {100 * self.prevalence:g} %" if self.prevalence else "")

    def __repr__(self) -> str:
        return f"Policy({self})"


def _between(value: object, low: float, high: float) -> bool:
    """True for numbers strictly between."""
    return isinstance(value, int | float | np.number) and low < float(value) < high


def maximize(
    metric: Metric | str,
    *,
    subject_to: Iterable[Constraint] = (),
    confidence: float | None = None,
    prevalence: float | None = None,
) -> Policy:
    """Maximise a metric of decisions, subject to constraints.

    Parameters
    ----------
    metric : Metric or str
        Where more is better, or its name: of counts at a threshold, such as recall or f1; of the confusion matrix of
        several classes, such as ``macro(f1)``; or `coverage`, the share of rows that are decided at all.
    subject_to : iterable of Constraint
        Such as ``[precision >= 0.9]``, or ``[(recall >= 0.9).of("severe")]`` for one class of several.
    confidence : float, optional
        With it the constraints are certified: they hold for new rows of the same kind with at least this probability.
    prevalence : float, optional
        Share of positives where the decision will be used.

    Examples
    --------
    >>> import cutline as cl
    >>> cl.maximize(cl.recall, subject_to=[cl.precision >= 0.9], confidence=0.95)
    Policy(maximize recall subject to precision >= 0.9 with 95 % confidence)
    >>> cl.maximize(cl.coverage, subject_to=[cl.selective_risk <= 0.02])
    Policy(maximize coverage subject to selective_risk <= 0.02)
    """
    metric = find(metric) if isinstance(metric, str) else metric
    if not isinstance(metric, Metric) or not (metric.of_counts or metric.of_matrix) or metric.maximize is not True:
        raise InputError("metric", _name(metric), "a metric of decisions where more is better, such as recall or f1")
    return _checked(Policy(metric, _constraints(subject_to), confidence, prevalence))


def minimize(
    aim: Cost | CostMatrix | RowCosts | Metric | str,
    *,
    subject_to: Iterable[Constraint] = (),
    confidence: float | None = None,
    prevalence: float | None = None,
) -> Policy:
    """Minimise a cost, or a metric of decisions where less is better, subject to constraints.

    A cost without constraints takes the threshold of Elkan 2001 where the scores are probabilities: it assumes that
    they are calibrated. Rankings are searched.

    Examples
    --------
    >>> import cutline as cl
    >>> cl.minimize(cl.cost(fp=1, fn=25))
    Policy(minimize cost(fp=1, fn=25))
    """
    if isinstance(aim, Cost | CostMatrix | RowCosts):
        return _checked(Policy(aim, _constraints(subject_to), confidence, prevalence))
    aim = find(aim) if isinstance(aim, str) else aim
    if not isinstance(aim, Metric) or not (aim.of_counts or aim.of_matrix) or aim.maximize is not False:
        raise InputError("aim", _name(aim), "a cost, or a metric of decisions where less is better, such as fpr")
    return _checked(Policy(aim, _constraints(subject_to), confidence, prevalence))


def capacity(
    k: float | None = None,
    *,
    of: float | None = None,
    rate: float | None = None,
    ties: Ties = "none",
    subject_to: Iterable[Constraint] = (),
) -> Policy:
    """Flag the most suspicious rows, as many as somebody can look at.

    Parameters
    ----------
    k, of : float
        At most `k` of `of` rows.
    rate : float
        Or the share itself, in (0, 1].
    ties : {"none", "all", "hash"}
        Of the rows that share the score at the cut, flag none (never above the capacity), all (never below it), or as
        many as there is room for, drawn by a hash of the row id.
    subject_to : iterable of Constraint
        Further constraints.

    Examples
    --------
    >>> import cutline as cl
    >>> cl.capacity(200, of=10_000)
    Policy(maximize recall subject to flagged_rate <= 0.02)
    """
    if (rate is None) == (k is None) or (k is None) != (of is None):
        raise InputError("capacity", f"k={k}, of={of}, rate={rate}", "k= and of=, or rate=", "capacity(200, of=10_000)")
    share = float(rate) if rate is not None else float(k) / float(of) if of else np.nan  # type: ignore[arg-type]
    if not 0 < share <= 1:
        raise InputError("capacity", f"a share of {share:g}", "a share of the rows above 0, at most 1")
    if ties not in ("none", "all", "hash"):
        raise UnknownName.among("ties", str(ties), ("none", "all", "hash"))
    return Policy(recall, (flagged_rate <= share, *_constraints(subject_to)), ties=ties)


def fixed(threshold: float) -> Policy:
    """A threshold decided elsewhere, such as 0.5."""
    if not np.isfinite(threshold):
        raise InputError("threshold", repr(threshold), "a finite number")
    return Policy(float(threshold))


most_probable = Policy(None)
"""Decide for the class with the highest score: the default for several classes."""


def _name(thing: Any) -> str:
    return thing.name if isinstance(thing, Metric) else repr(thing)


def _constraints(given: Iterable[Constraint]) -> tuple[Constraint, ...]:
    constraints = (given,) if isinstance(given, Constraint) else tuple(given)
    for constraint in constraints:
        if not isinstance(constraint, Constraint):
            raise InputError("subject_to", repr(constraint), "constraints such as precision >= 0.9")
        if not (constraint.metric.of_counts or constraint.metric.of_matrix):
            raise InputError(
                "subject_to",
                str(constraint),
                "a metric of decisions",
                f"{constraint.metric.name} does not depend on the threshold",
            )
    return constraints


def _checked(policy: Policy) -> Policy:
    """Refuse constraints that contradict each other, and selective ones mixed with others."""
    bounds: dict[Any, list[float]] = {}
    for c in policy.subject_to:
        low, high = bounds.setdefault((c.metric, c.of_class), [-np.inf, np.inf])
        bounds[c.metric, c.of_class] = [max(low, c.bound), high] if c.op == ">=" else [low, min(high, c.bound)]
    for (metric, _), (low, high) in bounds.items():
        if low > high:
            raise InputError("subject_to", f"{metric.name} >= {low:g} and <= {high:g}", "bounds that do not contradict")
    metrics = [c.metric for c in policy.subject_to] + ([policy.aim] if isinstance(policy.aim, Metric) else [])
    if policy.selective and not all(metric in SELECTIVE for metric in metrics):
        raise InputError(
            "policy",
            " and ".join(metric.name for metric in metrics),
            "coverage and selective_risk together, without others",
            "maximize(coverage, subject_to=[selective_risk <= 0.02])",
        )
    if isinstance(policy.aim, RowCosts) and (policy.subject_to or policy.prevalence):
        raise InputError("cost", "costs by row with constraints or a prevalence", "costs by row alone")
    return policy


def require_binary(scores: Scores, what: str) -> None:
    """Refuse several classes by name."""
    if not scores.binary:
        raise LabelError(
            "scores",
            f"{scores.classes.k} classes for {what}",
            "a binary problem",
            "use scores.one_vs_rest(name), or most_probable for all classes",
        )
