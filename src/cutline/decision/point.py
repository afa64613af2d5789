"""The operating point: a rule that decides, and why it stands where it does."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from cutline.decision.costs import RowCosts
from cutline.decision.policy import Policy
from cutline.decision.rules import Band, LeastRowCost, MostProbable, Rule, Threshold, rule_from_dict
from cutline.errors import InputError, LabelError, RoleError, ScoreError
from cutline.labels import Classes, Shown, as_array, column_names
from cutline.metrics import Constraint
from cutline.scores import Fingerprint, Kind, Scores

if TYPE_CHECKING:
    from cutline.evaluation import Evaluation

Grade = Literal["plug-in", "cross-fitted", "guaranteed"]

GRADES: dict[str, str] = {
    "plug-in": "holds on the rows it was chosen on; on new rows about half of such choices do not",
    "cross-fitted": "still held when every fold was decided at a cut chosen on the others; no guarantee",
    "guaranteed": "certified by an exact test on rows that nothing was chosen on",
}
"""What each grade promises."""


@dataclass(frozen=True, slots=True)
class ConstraintRow:
    """How a constraint stands at the chosen threshold.

    Attributes
    ----------
    value : float
        On the rows the threshold was chosen on: flattering.
    cross_fitted : float or None
        With optimism removed by cross-fitting.
    held, bound, p_value : float or None
        On the certify rows: value, one-sided Clopper-Pearson limit, exact p-value.
    """

    constraint: Constraint
    value: float
    cross_fitted: float | None = None
    held: float | None = None
    bound: float | None = None
    p_value: float | None = None
    confidence: float | None = None

    @property
    def certified(self) -> bool:
        """True when an exact test on untouched rows supports it."""
        return self.p_value is not None and self.confidence is not None and self.p_value <= 1 - self.confidence

    @property
    def cross_fitted_holds(self) -> bool:
        """True when it also holds with optimism removed."""
        return self.cross_fitted is not None and bool(self.constraint.holds(self.cross_fitted))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        values = {
            name: None if (v := getattr(self, name)) is None or not math.isfinite(v) else v
            for name in ("value", "cross_fitted", "held", "bound", "p_value", "confidence")
        }
        return {"constraint": str(self.constraint), "certified": self.certified, **values}

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> ConstraintRow:
        """The inverse of `to_dict`."""
        names = ("cross_fitted", "held", "bound", "p_value", "confidence")
        value = math.nan if saved["value"] is None else saved["value"]
        return cls(Constraint.parse(saved["constraint"]), value, *(saved[name] for name in names))


@dataclass(frozen=True, slots=True)
class AimRow:
    """What the aim comes to: on the rows the rule was chosen on (flattering), cross-fitted, on the certify rows.

    The difference of the first two is the optimism of having chosen.
    """

    name: str
    value: float | None
    cross_fitted: float | None = None
    held: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    def __str__(self) -> str:
        parts = [f"{self.name} {self.value:.4g} on the rows it was chosen on"] if self.value is not None else []
        parts += [f"{self.cross_fitted:.4g} cross-fitted"] if self.cross_fitted is not None else []
        return ", ".join(parts + ([f"{self.held:.4g} on the certify rows"] if self.held is not None else []))


@dataclass(frozen=True, slots=True, repr=False)
class OperatingPoint(Shown):
    """A decision rule with its reasons.

    Attributes
    ----------
    rule : Rule
        What decides: a threshold; a band to abstain in; the most probable class; a cost matrix; offsets by class.
    policy : Policy
        What was asked for.
    grade : {"plug-in", "cross-fitted", "guaranteed"}
        What the constraints are worth on new rows.
    classes : Classes
        The classes it decides between.
    kind : str
        The kind of scores the threshold is for.
    constraints : tuple of ConstraintRow
        How each constraint stands.
    aim : AimRow or None
        What the aim comes to.
    plateau : tuple of float or None
        Lowest and highest threshold that the data cannot tell from the chosen one.
    chosen_on, certified_on : Fingerprint or None
        Which rows it was chosen and certified on; None when no row had a say (a fixed threshold, costs).
    notes : tuple of str
        What must be said with it.
    """

    rule: Rule
    policy: Policy
    grade: Grade
    classes: Classes
    kind: Kind
    constraints: tuple[ConstraintRow, ...] = ()
    aim: AimRow | None = None
    plateau: tuple[float, float] | None = None
    chosen_on: Fingerprint | None = None
    certified_on: Fingerprint | None = None
    notes: tuple[str, ...] = ()

    @property
    def threshold(self) -> float | None:
        """Binary: positive iff score >= threshold. None where another rule decides."""
        return self.rule.at if isinstance(self.rule, Threshold) else None

    @property
    def abstains(self) -> bool:
        """True when the rule may leave a row undecided."""
        least = isinstance(self.rule, MostProbable) and self.rule.least > 0
        return (
            least
            or isinstance(self.rule, Band)
            or getattr(getattr(self.rule, "cost", None), "abstain", None) is not None
        )

    @property
    def is_certified(self) -> bool:
        """True when every constraint is certified."""
        return bool(self.constraints) and all(row.certified for row in self.constraints)

    def check(self, scores: Scores) -> None:
        """Refuse scores of other classes, or of another kind than the rule is for.

        Raises
        ------
        LabelError, ScoreError
        """
        if scores.classes != self.classes:
            raise LabelError("scores", repr(scores.classes), f"{self.classes!r}, the classes of the operating point")
        if self.rule != MostProbable() and scores.kind != self.kind:
            raise ScoreError(
                "scores",
                f"kind {scores.kind!r}",
                f"{self.kind!r}: the rule ({self.rule.says(self.classes)}) was chosen for these",
                f"declare kind={self.kind!r} if that is what they are",
                code="CT02",
            )

    def codes(self, scores: Scores, costs: RowCosts | None = None) -> NDArray[np.int32]:
        """Codes of the decided classes, shape (n,); -1 where the rule abstains."""
        self.check(scores)
        if isinstance(self.rule, LeastRowCost):
            return self.rule.codes(scores, costs)
        if costs is not None:
            raise InputError("costs", "costs of rows", "none", f"the rule is {self.rule.says(self.classes)}")
        return self.rule.codes(scores)

    def decide(self, scores: Any, *, costs: RowCosts | None = None, ids: Any = None) -> NDArray[Any]:
        """Labels of the decision, shape (n,); None where the rule abstains.

        Parameters
        ----------
        scores : Scores or array-like, shape (n,) or (n, k)
            Scores of the same kind as those it was chosen on, higher meaning more positive.
        costs : RowCosts, optional
            What each row costs, for a point chosen with costs by row: ``cl.cost(fp=..., fn=...)``.
        ids : array-like, shape (n,), optional
            Row ids of array scores, for a point that draws between ties by them.
        """
        if not isinstance(scores, Scores):
            values = scores if column_names(scores) else np.atleast_1d(as_array(scores, argument="scores"))
            scores = Scores(y_score=values, classes=self.classes, kind=self.kind, ids=ids)
        return self.classes.decode(self.codes(scores, costs))

    def decide_table(self, scores: Scores, costs: RowCosts | None = None) -> dict[str, NDArray[Any]]:
        """Columns for a file: ids, if there are any, ``p_<class>`` for probabilities (else ``score``), ``decision``.

        Index i of each column belongs to row i of `scores`.
        """
        columns: dict[str, NDArray[Any]] = {} if scores.ids is None else {"id": scores.ids}
        if scores.kind in ("probability", "logit"):
            p = scores.probabilities
            columns |= {f"p_{name}": p[:, k] for k, name in enumerate(self.classes.names)}
        elif scores.score.ndim == 1:
            columns["score"] = scores.score
        return columns | {"decision": self.classes.decode(self.codes(scores, costs))}

    def assess(
        self,
        scores: Scores,
        *,
        costs: RowCosts | None = None,
        confidence: float = 0.95,
        checks: bool = True,
        seed: int = 0,
    ) -> Evaluation:
        """Evaluate the decision on other rows.

        Rows that were chosen on are refused; rows that overlap them (known by ids) are labelled in-sample.

        Raises
        ------
        RoleError
            The very rows it was chosen or certified on.
        """
        from cutline.evaluation import evaluate

        rows = scores.known().fingerprint
        used = [(rows_of, what) for rows_of, what in self._used() if rows_of is not None]
        shares = [(rows_of.overlap(rows), what) for rows_of, what in used]
        for share, what in shares:
            if share == 1.0:
                raise RoleError(
                    "scores",
                    f"the rows the operating point was {what} on",
                    "other rows",
                    "figures on these rows flatter it; its constraints already say how it did there",
                    code="CT07",
                )
        shared = max((share for share, _ in shares if share), default=0.0)
        if shared:
            scores = scores.with_role("in-sample")
        decision = self.codes(scores, costs) if costs is not None else None
        result = evaluate(scores, self, decision=decision, confidence=confidence, checks=checks, seed=seed)
        if shared:
            note = f"about {100 * shared:.0f} % of the rows were used to choose the operating point: in-sample"
            return result.with_note(note)
        if any(share is None for share, _ in shares):
            return result.with_note("whether some of the rows chose the operating point cannot be told: pass ids=")
        return result

    def _used(self) -> list[tuple[Fingerprint | None, str]]:
        """The sets of rows that had a say, with the word for it."""
        chosen, certified = self.chosen_on, self.certified_on
        both = None if chosen is None or certified is None else chosen.union(certified)
        return [(chosen, "chosen"), (certified, "certified"), (both, "chosen and certified")]

    @property
    def why(self) -> str:
        """One sentence: where the threshold is, what was asked for, and in which grade it holds."""
        if self.rule == MostProbable():
            return "Each row is decided for its most probable class."
        sentence = f"Decide {self.rule.says(self.classes)}: {self.policy}"
        if not self.constraints:
            return sentence + "."
        facts = [f"{str(row.constraint).split(' ')[0]} {_said(row)}" for row in self.constraints]
        return f"{sentence}; {'; '.join(facts)} ({self.grade})."

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; floats of the rule as hexadecimal, so that it decides the same rows after loading."""
        return {
            "schema_version": 1,
            "rule": self.rule.to_dict(),
            "threshold": self.threshold,
            "policy": self.policy.to_dict(),
            "policy_text": str(self.policy),
            "grade": self.grade,
            "why": self.why,
            "classes": self.classes.to_dict(),
            "kind": self.kind,
            "constraints": [row.to_dict() for row in self.constraints],
            "aim": None if self.aim is None else self.aim.to_dict(),
            "plateau": None if self.plateau is None else list(self.plateau),
            "chosen_on": None if self.chosen_on is None else self.chosen_on.to_dict(),
            "certified_on": None if self.certified_on is None else self.certified_on.to_dict(),
            "notes": list(self.notes),
        }

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> OperatingPoint:
        """The inverse of `to_dict`.

        Raises
        ------
        InputError
            Not the description of an operating point, or of a newer format.
        """
        if not isinstance(saved, Mapping) or saved.get("schema_version") != 1:
            came = f"schema_version {saved.get('schema_version')!r}" if isinstance(saved, Mapping) else repr(saved)
            raise InputError("point", came, "schema_version 1, an operating point")
        try:
            flat, aim = saved["plateau"], saved["aim"]
            chosen, certified = saved["chosen_on"], saved["certified_on"]
            if saved["grade"] not in GRADES or saved["kind"] not in get_args(Kind):
                raise KeyError("grade or kind")
            return cls(
                rule=rule_from_dict(saved["rule"]),
                policy=Policy.from_dict(saved["policy"]),
                grade=saved["grade"],
                classes=Classes.from_dict(saved["classes"]),
                kind=saved["kind"],
                constraints=tuple(ConstraintRow.from_dict(row) for row in saved["constraints"]),
                aim=None if aim is None else AimRow(**aim),
                plateau=None if flat is None else (float(flat[0]), float(flat[1])),
                chosen_on=None if chosen is None else Fingerprint.from_dict(chosen),
                certified_on=None if certified is None else Fingerprint.from_dict(certified),
                notes=tuple(saved["notes"]),
            )
        except (KeyError, TypeError, IndexError, AttributeError, ValueError) as error:
            raise InputError("point", f"a description that does not fit ({error})", "what to_dict() gave") from None

    def __repr__(self) -> str:
        aim = [str(self.aim)] if self.aim is not None else []
        return "\n  note: ".join([f"OperatingPoint: {self.why}", *aim, *self.notes])


def _said(row: ConstraintRow) -> str:
    if row.certified:
        side = "at least" if row.constraint.op == ">=" else "at most"
        limit = row.constraint.bound if row.bound is None else row.bound
        assert row.confidence is not None
        return f"{row.held:.4g} on the certify rows, {side} {limit:.4g} with {100 * row.confidence:g} % confidence"
    crossed = "" if row.cross_fitted is None else f", {row.cross_fitted:.4g} cross-fitted"
    return f"{row.value:.4g} on the rows it was chosen on{crossed}"
