"""Options that verbs share: which columns hold what, and what the cut is for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Group, Parameter

import cutline as cl
from cutline.cli.files import read_saved, say
from cutline.errors import InputError, UnknownName

Source = Annotated[str, Parameter(allow_leading_hyphen=True)]
"""A file of rows; - is standard input."""
Saved = Annotated[Path, Parameter(allow_leading_hyphen=True)]
"""A JSON file; - is standard input."""
Flag = Annotated[bool, Parameter(negative=(), show_default=False)]
Many = Annotated[tuple[str, ...], Parameter(negative=(), consume_multiple=True, show_default=False)]
Output = Annotated[Path | None, Parameter(name=["--output", "-o"])]
Kind = Literal["probability", "logit", "rank", "label"]
Role = Literal["train", "tune", "certify", "test", "out-of-fold", "in-sample"]


@Parameter(name="*", group=Group("Which columns", sort_key=1))
@dataclass(frozen=True, kw_only=True)
class Columns:
    """Which columns of a file of scores hold what.

    Attributes
    ----------
    y_true
        Column with the labels.
    y_score
        Column with the score of the positive class; for several classes one column for each class.
    positive
        The positive class of a binary problem.
    classes
        Class names in the order of the --y-score columns, when these are not named after them.
    kind
        What the score is: probability, logit, rank, or label (predicted classes). Guessed, and said, when not given.
    role
        What the rows were used for, said beside every figure: train, tune, certify, test, out-of-fold or in-sample.
    weight
        Column with importance weights.
    group
        Column with clusters: rows that share one are not independent.
    id
        Column with row ids, so that overlapping files are noticed.
    slice
        Columns that part the rows, such as site: figures are also given for every value of each.
    calibrator
        A calibrator saved by cutline calibrate: the scores are turned into its probabilities first.
    checks
        Look for the traps that scores fall into silently; cutline check says more.
    """

    y_true: str | None = None
    y_score: Many = ()
    positive: str | None = None
    classes: Many = ()
    kind: Kind | None = None
    role: Role | None = None
    weight: str | None = None
    group: str | None = None
    id: str | None = None
    slice: Many = ()
    calibrator: Path | None = None
    checks: bool = True

    def say_findings(self, scores: cl.Scores, name: str = "") -> None:
        """What the checks find, on stderr."""
        if self.checks:
            for found in cl.check(scores):
                say(f"{name}{found.sentence}")

    def read(self, source: str, *, truth: bool = True, like: cl.OperatingPoint | None = None) -> cl.Scores:
        """Read a file of scores; `like` gives the classes when they were not named. A calibrator is applied."""
        if self.calibrator is None:
            return self._read(source, truth, like.classes if like else None, like.kind if like else None)
        saved = read_saved(self.calibrator, cl.Calibration.from_dict, "a calibrator saved by cutline calibrate")
        return saved.apply(self._read(source, truth, saved.classes, saved.kind))

    def _read(self, source: str, truth: bool, known: cl.Classes | None, kind: Kind | None) -> cl.Scores:
        if truth and self.y_true is None:
            raise InputError("--y-true", "nothing", "the column with the labels", _columns_of(source))
        if not self.y_score:
            raise InputError("--y-score", "nothing", "the column, or columns, with the scores", _columns_of(source))
        classes: Any = self.classes or None
        if known is not None and classes is None and self.positive is None:
            classes = known
        return cl.read_scores(
            source,
            y_true=self.y_true,
            y_score=self.y_score[0] if len(self.y_score) == 1 else list(self.y_score),
            positive=self.positive,
            classes=classes,
            kind=self.kind or kind,
            role=self.role or "",
            weight=self.weight,
            group=self.group,
            id=self.id,
            slices=self.slice,
        )


@Parameter(name="*", group=Group("What the cut is for", sort_key=2))
@dataclass(frozen=True, kw_only=True)
class Aim:
    """What the cut is for.

    Attributes
    ----------
    maximize
        Metric to maximise, such as recall or f1.
    minimize
        Metric to minimise, such as fpr.
    cost_fp
        Cost of a false positive; with --cost-fn the mean cost is minimised.
    cost_fn
        Cost of a false negative.
    cost_abstain
        Cost of leaving a row undecided, beside the other two.
    cost_matrix
        Costs of several classes: zero-one, absolute, quadratic, or a CSV file without header, truth in rows.
    capacity
        Rows that can be looked at, such as 0.02, a share, or 200/10000: the most suspicious are flagged.
    threshold
        A threshold decided elsewhere.
    subject_to
        Constraints, such as 'precision>=0.90', or 'recall[severe]>=0.9' of one class.
    confidence
        Certify the constraints with this confidence, such as 0.95, on rows that nothing was chosen on.
    prevalence
        Share of positives where the decision will be used, when it is another than in the rows.
    """

    maximize: str | None = None
    minimize: str | None = None
    cost_fp: float | None = None
    cost_fn: float | None = None
    cost_abstain: float | None = None
    cost_matrix: str | None = None
    capacity: str | None = None
    threshold: float | None = None
    subject_to: Many = ()
    confidence: float | None = None
    prevalence: float | None = None

    def policy(self) -> cl.Policy | None:
        """The policy that was asked for; None when nothing was."""
        constraints = [cl.Constraint.parse(text) for text in self.subject_to]
        costs = self.cost_fp is not None or self.cost_fn is not None
        single = (self.maximize, self.minimize, self.cost_matrix, self.capacity, self.threshold)
        given = costs + sum(aim is not None for aim in single)
        if given > 1:
            names = "--maximize, --minimize, --cost-fp/--cost-fn, --cost-matrix, --capacity, --threshold"
            raise InputError("policy", "several aims", f"one of {names}")
        if not given:
            if constraints or self.confidence:
                raise InputError("policy", "constraints without an aim", "an aim", "add --maximize recall, for example")
            return None
        about: dict[str, Any] = {
            "subject_to": constraints,
            "confidence": self.confidence,
            "prevalence": self.prevalence,
        }
        if self.threshold is not None:
            return cl.fixed(self.threshold)
        if self.capacity is not None:
            if self.confidence or self.prevalence:
                raise InputError("--capacity", "a capacity with --confidence or --prevalence", "one of them")
            return cl.capacity(rate=_share(self.capacity), subject_to=constraints)
        if self.maximize is not None:
            return cl.maximize(cl.find(self.maximize), **about)
        if self.minimize is not None:
            return cl.minimize(cl.find(self.minimize), **about)
        if self.cost_matrix is not None:
            return cl.minimize(cl.cost(matrix=_matrix(self.cost_matrix), abstain=self.cost_abstain), **about)
        if self.cost_fp is None or self.cost_fn is None:
            raise InputError("policy", "one cost", "both --cost-fp and --cost-fn")
        return cl.minimize(cl.cost(fp=self.cost_fp, fn=self.cost_fn, abstain=self.cost_abstain), **about)


COLUMNS, AIM = Columns(), Aim()
"""Nothing said."""


def _columns_of(source: str) -> str:
    """A hint with the columns of a file, for one who named none."""
    if source == "-":
        return ""
    try:
        cl.read_scores(source, y_score="\0")
    except UnknownName as error:
        return f"its columns are {error.wanted.removeprefix('one of: ')}"
    return ""


def _share(text: str) -> float:
    """0.02, or 200/10000."""
    part, _, whole = text.partition("/")
    try:
        return float(part) / float(whole or 1)
    except (ValueError, ZeroDivisionError):
        wanted = "a share of the rows such as 0.02, or 200/10000"
        raise InputError("--capacity", repr(text), wanted) from None


def _matrix(text: str) -> Any:
    path = Path(text)
    if not path.exists():
        return text
    try:
        return [[float(cell) for cell in line.split(",")] for line in path.read_text().splitlines() if line.strip()]
    except (ValueError, UnicodeDecodeError):
        raise InputError(text, "cells that are not numbers", "a CSV file of costs without header") from None
