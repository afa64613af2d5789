"""One score in words: what it means, what is decided and why, how far it is from the cut, and what moved it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline.decision.point import OperatingPoint
from cutline.decision.rules import MostProbable
from cutline.errors import InputError, LabelError, ScoreError, ShapeError
from cutline.evidence import wilson
from cutline.labels import Classes, Label, Shown
from cutline.scores import Scores, sigmoid

LEAST, MOST = 50, 500
"""Rows that a region has, about: a twentieth of all, but no fewer and no more than these."""
SHOWN = 8
"""Features that are named in words; all are in the JSON."""


@dataclass(frozen=True, slots=True)
class Region:
    """Rows with a label that were scored like this one.

    Attributes
    ----------
    name : label
        The class whose probability is looked at.
    n : int
        Rows.
    lowest, highest : float
        Their probabilities of the class.
    mean : float
        Of these probabilities.
    rate : float
        The share of rows that were of the class.
    low, high : float
        Its 95 % Wilson limits, on the effective number of weighted rows; nan where rows come in clusters.
    rows : str
        Whose rows they are, in words.
    beyond : str
        "high" or "low" when no row was scored as high or as low as this.
    """

    name: Label
    n: int
    lowest: float
    highest: float
    mean: float
    rate: float
    low: float
    high: float
    rows: str = "rows"
    beyond: str = ""

    @property
    def agrees(self) -> bool | None:
        """Whether the mean probability lies within the limits; None without limits."""
        return None if math.isnan(self.low) else self.low <= self.mean <= self.high

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        limits = {name: None if math.isnan(v := getattr(self, name)) else v for name in ("low", "high")}
        about = {name: getattr(self, name) for name in ("n", "lowest", "highest", "mean", "rate", "rows")}
        return {"class": self.name, **about, **limits, "agrees": self.agrees, "beyond": self.beyond}

    def __str__(self) -> str:
        where = _near(self.lowest) if self.lowest == self.highest else f"{_near(self.lowest)} to {_near(self.highest)}"
        limits = "" if math.isnan(self.low) else f" [{_share(self.low)}, {_share(self.high)}]"
        said = f"Of {self.n:,} {self.rows} scored {where}, {_share(self.rate)} were {self.name}{limits}"
        mean = f"their mean probability was {_share(self.mean)}"
        if self.agrees is not None:
            side = "too high" if self.mean > self.high else "too low"
            mean += ", which agrees" if self.agrees else f", which is {side} here"
        none = f"; none was scored as {self.beyond} as this" if self.beyond else ""
        return f"{said}; {mean}{none}."


@dataclass(frozen=True, slots=True)
class Contribution:
    """What a feature of the row added to the log-odds.

    Attributes
    ----------
    feature : str
    value : str
        What the row has there, as text; empty where it is not one cell.
    amount : float
        Towards the class when positive.
    """

    feature: str
    value: str
    amount: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"feature": self.feature, "value": self.value, "amount": self.amount}


@dataclass(frozen=True, slots=True)
class Contributions:
    """The features that moved a row, on the log-odds scale of the members of a blend, before they are calibrated.

    Attributes
    ----------
    name, against : label
        They add up to the log-odds of the first class against the second.
    base : float
        Where a row starts.
    features : tuple of Contribution
        The largest first.
    members : tuple of (str, float)
        Members that could be taken apart, with their weights in the sum, which add up to 1.
    left_out : tuple of (str, float)
        Members that could not, with their weights in the blend.
    """

    name: Label
    against: Label
    base: float
    features: tuple[Contribution, ...]
    members: tuple[tuple[str, float], ...]
    left_out: tuple[tuple[str, float], ...] = ()

    @property
    def total(self) -> float:
        """The log-odds that they add up to: base and all features."""
        return self.base + sum(each.amount for each in self.features)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        parts = {"members": self.members, "left_out": self.left_out}
        return {
            "class": self.name,
            "against": self.against,
            "scale": "log-odds, before the calibrator",
            "base": self.base,
            "total": self.total,
            "features": [each.to_dict() for each in self.features],
            **{key: [{"name": name, "weight": weight} for name, weight in found] for key, found in parts.items()},
        }

    @property
    def about(self) -> str:
        """What the amounts are, in a sentence."""
        made = ", ".join(f"{name} {weight:.2f}" for name, weight in self.members)
        blend = "the log-odds of" if len(self.members) == 1 else "the weighted sum of the log-odds of"
        said = f"Amounts are on {blend} {made}, before the calibrator"
        if self.left_out:
            said += f"; not in it: {', '.join(f'{name} {weight:.2f}' for name, weight in self.left_out)}"
        return said + "."

    def __str__(self) -> str:
        top = [each for each in self.features if each.amount][:SHOWN]
        rest = len(self.features) - len(top)
        more = f", {rest} more {sum(each.amount for each in self.features[len(top) :]):+.2f}" if rest else ""
        parts = ", ".join(
            f"{each.feature}{f' = {each.value}' if each.value else ''} {each.amount:+.2f}" for each in top
        )
        start = f"Towards {self.name} (away from {self.against} when negative)"
        return f"{start}: {parts or 'nothing'}{more}, from {self.base:+.2f} to {self.total:+.2f}. {self.about}"


@dataclass(frozen=True, slots=True, repr=False)
class Explanation(Shown):
    """What one score means: a probability for each class, the decision and its reason.

    Attributes
    ----------
    classes : Classes
    probabilities : tuple of float
        In the order of ``classes.names``; they sum to 1.
    decision : label or None
        None when nothing is decided: no rule was given, or it leaves this row undecided.
    threshold : float or None
        Of the probability of the positive class.
    why : str
        Why the threshold is there.
    rule : str
        The rule in words, where it is no threshold.
    region : Region or None
        How rows that were scored like this one turned out.
    contributions : Contributions or None
        The features that moved the row.
    notes : tuple of str
        What of the row was unseen in training, unreadable or ignored.
    """

    classes: Classes
    probabilities: tuple[float, ...]
    decision: Label | None
    threshold: float | None
    why: str = ""
    rule: str = ""
    region: Region | None = None
    contributions: Contributions | None = None
    notes: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """Probabilities, decision and reason."""
        parts = [f"P({name}) = {share}" for name, share in self.shares]
        text = ", ".join(parts[:5]) + (f", {len(parts) - 5} more" if len(parts) > 5 else "")
        if self.decision is None and not self.rule:
            return f"{text}. No threshold was given, so nothing is decided."
        if self.threshold is None:
            told = "left undecided" if self.decision is None else str(self.decision)
            return f"{text} -> {told}. {self.why}" if self.rule else f"{text} -> {told}, the most probable class."
        shown, cut = _told_apart(self._p, self.threshold)
        side = "at or above" if self._p >= self.threshold else "below"
        said = f"{text}; {shown} is {side} the threshold {cut} -> {self.decision}."
        return f"{said} {self.why}".strip()

    @property
    def shares(self) -> list[list[str]]:
        """Classes and their probabilities as text, the most probable first."""
        order = np.argsort(self.probabilities)[::-1]
        return [[str(self.classes.names[k]), _percent(self.probabilities[k])] for k in order]

    @property
    def _p(self) -> float:
        """Of the positive class."""
        return self.probabilities[self.classes.index(self.classes.positive)]

    @property
    def margin(self) -> float | None:
        """How far the positive class is above the cut; of several classes, the decided one above the next."""
        if self.threshold is not None:
            return self._p - self.threshold
        if self.decision is None or self.rule or self.classes.binary:
            return None
        first, second = np.sort(self.probabilities)[::-1][:2]
        return float(first - second)

    @property
    def flips_at(self) -> float | None:
        """How many times as much the mistake made by this decision may cost as the other, before it is the dearer.

        Of two classes p / (1 - p) of the decided one, of several p of the decided one by p of the next; for calibrated
        probabilities, and when being right costs nothing. None where nothing is decided by probability, or it is
        infinite.
        """
        if self.decision is None or self.rule:
            return None
        k = self.classes.index(self.decision)
        other = max(p for j, p in enumerate(self.probabilities) if j != k)
        return self.probabilities[k] / other if other > 0 else None

    @property
    def name(self) -> Label:
        """The class that is looked at: the positive one, or of several the decided, or else the most probable one."""
        if self.classes.positive is not None:
            return self.classes.positive
        return self.classes.names[int(np.argmax(self.probabilities))] if self.decision is None else self.decision

    @property
    def against(self) -> Label:
        """The most probable of the other classes than the decided one."""
        order = np.argsort(self.probabilities)[::-1]
        names = [self.classes.names[k] for k in order]
        return names[1] if self.decision is None or names[0] == self.decision else names[0]

    @property
    def distance(self) -> str:
        """How far it is to the cut, in words; empty where there is none."""
        if self.margin is None:
            return ""
        if self.threshold is None:
            return f"It is {_near(self.margin)} ahead of {self.against}, the next class."
        side = "above" if self.margin >= 0 else "below"
        return f"It is {_near(abs(self.margin))} {side} the cut." if self.margin else "It is exactly at the cut."

    @property
    def at_other_costs(self) -> str:
        """What would change at another cost, in words; empty where nothing is decided by probability."""
        if self.decision is None or self.rule:
            return ""
        if self.flips_at is None:
            return f"Of a certain {self.decision} no cost changes the decision."
        wrong, missed = f"deciding {self.decision} for a row of {self.against}", f"deciding {self.against} for a row of"
        return (
            f"If these are calibrated, {self.decision} is the cheaper decision unless {wrong} costs more than "
            f"{self.flips_at:.3g} times {missed} {self.decision}."
        )

    @property
    def paragraphs(self) -> tuple[str, ...]:
        """All that there is to say, in words."""
        region = "" if self.region is None else str(self.region)
        moved = "" if self.contributions is None else str(self.contributions)
        parts = (self.sentence, self.distance, self.at_other_costs, region, moved)
        return (*(each for each in parts if each), *(f"Note: {note}." for note in self.notes))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "schema_version": 1,
            "sentence": self.sentence,
            "text": str(self),
            "probabilities": {str(n): p for n, p in zip(self.classes.names, self.probabilities, strict=True)},
            "decision": self.decision,
            "threshold": self.threshold,
            "rule": self.rule,
            "why": self.why,
            "margin": self.margin,
            "against": self.against,
            "flips_at": self.flips_at,
            "region": None if self.region is None else self.region.to_dict(),
            "contributions": None if self.contributions is None else self.contributions.to_dict(),
            "notes": list(self.notes),
        }

    def to_html(self) -> str:
        """A small page of its own, without any script."""
        from cutline.decision.explained_page import page

        return page(self)

    def _repr_html_(self) -> str:
        from cutline.decision.explained_page import body

        return body(self)

    def __str__(self) -> str:
        return "\n".join(self.paragraphs)

    def __repr__(self) -> str:
        return str(self)


def explain(
    score: Any,
    point: Any = None,
    *,
    classes: Any = None,
    threshold: float | None = None,
    rows: Scores | None = None,
) -> Explanation:
    """Say in words what one probability, or one row, means: what is decided and why, and how sure that is.

    Parameters
    ----------
    score : float, sequence of float, shape (k,), or one row
        The probability of the positive class, or one for each class. With a classifier as `point` also one row of
        features: a frame of one row, a mapping from columns to values, or a path.
    point : OperatingPoint, Classifier or Wrapped, optional
        Gives the classes, the threshold and its reason; a classifier also the rows it was measured on and, of a
        row, the features that moved it.
    classes : Classes or sequence of labels, optional
        Names in order; of two, the last is the positive one, whose probability a single `score` is.
    threshold : float, optional
        In place of `point`.
    rows : Scores, optional
        Rows with labels and probabilities that the model had not seen: how those that were scored like this one
        turned out is said.

    Returns
    -------
    Explanation
        Prints as text; `to_dict`, `to_html`.

    Raises
    ------
    ScoreError, ShapeError
        No probability, or not one for each class.
    LabelError
        No class names, or other ones than the point has.

    Examples
    --------
    >>> import cutline as cl
    >>> cl.explain(0.9899, classes=["not spam", "spam"], threshold=0.37)
    P(spam) = 98.99 %, P(not spam) = 1.01 %; 0.9899 is at or above the threshold 0.37 -> spam.
    It is 0.6199 above the cut.
    If these are calibrated, spam is the cheaper decision unless deciding spam for a row of not spam costs more than 98
    times deciding not spam for a row of spam.
    """
    if point is not None and not isinstance(point, OperatingPoint):
        return _by_classifier(score, point, classes, threshold, rows)
    if point is not None and (classes is not None or threshold is not None):
        raise InputError("point", "a point and classes= or threshold=", "one or the other", "the point has both")
    if point is not None and point.kind not in ("probability", "logit"):
        raise ScoreError("point", f"a point for scores of kind {point.kind!r}", "a point for probabilities")
    known = point.classes if point is not None else _classes(classes)
    p = _probabilities(score, known)
    if point is None:
        if threshold is not None and not (isinstance(threshold, int | float) and np.isfinite(threshold)):
            raise InputError("threshold", repr(threshold), "a finite number")
        if threshold is not None and not known.binary:
            raise LabelError("threshold", f"one with {known.k} classes", "no threshold: the most probable class wins")
        found = Explanation(known, tuple(p.tolist()), _decided(known, p, threshold), threshold)
    else:
        found = decided_by(point, p)
    return found if rows is None else with_region(found, _comparable(rows, known))


def decided_by(point: OperatingPoint, p: NDArray[np.float64]) -> Explanation:
    """The explanation of probabilities of all classes, decided by a point."""
    known, at = point.classes, point.threshold
    values = p if point.kind == "probability" else np.log(np.maximum(p, np.finfo(float).tiny))
    if at is not None and point.kind == "logit":
        at = float(sigmoid(np.array(at)))  # the same cut on the scale that is explained
    if at is not None:  # as the sentence compares
        decision: Label | None = _decided(known, p, at)
    else:
        (code,) = point.codes(Scores(y_score=values[None], classes=known, kind=point.kind, ids=[0]))
        decision = None if code < 0 else known.names[code]
    usual = point.rule == MostProbable()
    rule = "" if usual or at is not None else point.rule.says(known)
    return Explanation(known, tuple(p.tolist()), decision, at, "" if usual else point.why, rule)


def with_region(found: Explanation, rows: Scores, said: str = "") -> Explanation:
    """With how the rows that were scored like it turned out, in the probability of the class that is looked at."""
    known = rows.known()
    name = found.name
    assert known.truth is not None
    k = found.classes.index(name)
    hit, score = known.truth == k, known.probabilities[:, k]
    said = said or (f"rows of role {known.role!r}" if known.role else "rows")
    groups = known.groups is not None
    return replace(found, region=_region(found.probabilities[k], name, score, hit, known.weight, groups, said))


def _region(
    p: float,
    name: Any,
    score: NDArray[np.float64],
    hit: NDArray[np.bool_],
    weight: NDArray[np.float64] | None,
    clusters: bool,
    said: str,
) -> Region:
    """The rows nearest in rank; those that are equal to the last on either side are all among them."""
    order = np.argsort(score, kind="stable")
    ranked = score[order]
    n = len(ranked)
    many = min(max(LEAST, min(n // 20, MOST)), n)
    place = int(np.searchsorted(ranked, p, "left") + np.searchsorted(ranked, p, "right")) // 2
    start = min(max(place - many // 2, 0), n - many)
    first = int(np.searchsorted(ranked, ranked[start], "left"))
    last = int(np.searchsorted(ranked, ranked[start + many - 1], "right"))
    pick = order[first:last]
    w = np.ones(len(pick)) if weight is None else weight[pick]
    rate, mean = (float(np.average(each[pick], weights=w)) for each in (hit, score))
    effective = float(w.sum() ** 2 / np.square(w).sum())
    low, high = (math.nan, math.nan) if clusters else wilson(rate * effective, effective)
    beyond = "high" if p > ranked[-1] else "low" if p < ranked[0] else ""
    lowest, highest = float(ranked[first]), float(ranked[last - 1])
    return Region(name, len(pick), lowest, highest, mean, rate, float(low), float(high), said, beyond)


def _by_classifier(score: Any, model: Any, classes: Any, threshold: Any, rows: Any) -> Explanation:
    """With a `Classifier` or a `Wrapped` in the place of the point."""
    if not hasattr(model, "measured") or not isinstance(getattr(model, "point", None), OperatingPoint):
        raise InputError(
            "point", f"a {type(model).__name__}", "an OperatingPoint, or a classifier of fit, wrap or load"
        )
    if threshold is not None or rows is not None:
        raise InputError("point", "a classifier and threshold= or rows=", "one or the other", "the classifier has both")
    if not _is_numbers(score):
        if classes is not None:
            raise InputError("classes", "class names for a row", "none: the classifier knows them")
        return model.explain(score)
    known: Classes = model.classes
    given = known if classes is None else _classes(classes)
    if set(given.names) != set(known.names):
        raise LabelError("classes", repr(given), f"those of the classifier, {known!r}", code="CT04")
    p = _probabilities(score, given)[[given.index(name) for name in known.names]]
    return measured_with(decided_by(model.point, p), model)


def measured_with(found: Explanation, model: Any) -> Explanation:
    """With how rows that a classifier was measured on turned out."""
    own = model.measured
    about = {"weight": own.weight, "groups": own.groups}
    truth = found.classes.decode(own.codes)
    rows = Scores(y_true=truth, y_score=own.probabilities, classes=found.classes, kind="probability", **about)
    return with_region(found, rows, "rows that the scoring models had not seen,")


def _is_numbers(score: Any) -> bool:
    """A number, or a plain list of them: not a frame, a mapping, a path or a matrix of rows."""
    if isinstance(score, str | Mapping) or hasattr(score, "columns") or hasattr(score, "column_names"):
        return False
    return np.ndim(score) <= 1


def _comparable(rows: Any, known: Classes) -> Scores:
    if not isinstance(rows, Scores):
        raise InputError("rows", f"a {type(rows).__name__}", "Scores with labels, of rows the model had not seen")
    if rows.classes.names != known.names:
        raise LabelError("rows", repr(rows.classes), repr(known))
    return rows


def _probabilities(score: Any, known: Classes) -> NDArray[np.float64]:
    """One for each class, checked."""
    try:
        values = np.atleast_1d(np.asarray(score, dtype=np.float64))
    except (TypeError, ValueError):
        raise ScoreError("score", repr(score), "a probability from 0 to 1") from None
    if values.ndim != 1 or len(values) not in ((1, known.k) if known.binary else (known.k,)):
        raise ShapeError("score", f"{values.size} number(s) for {known.k} classes", f"one, or {known.k}")
    if not np.isfinite(values).all() or (values < 0).any() or (values > 1).any():
        hint = "a logit z is the probability 1 / (1 + exp(-z))"
        raise ScoreError("score", str(score), "a probability from 0 to 1", hint, code="CT02")
    if len(values) == 1:
        p = np.empty(2)
        positive = known.index(known.positive)
        p[positive], p[1 - positive] = values[0], 1 - values[0]
        return p
    if abs(values.sum() - 1) > 1e-3:
        raise ScoreError("score", f"probabilities that sum to {values.sum():g}", "a sum of 1", code="CT11")
    return values


def _decided(classes: Classes, p: NDArray[np.float64], at: float | None) -> Label | None:
    """At a threshold; of several classes the most probable one."""
    if at is not None:
        return classes.positive if p[classes.index(classes.positive)] >= at else classes.negative
    return None if classes.binary else classes.names[int(p.argmax())]


def _classes(given: Any) -> Classes:
    if isinstance(given, Classes):
        return given
    if given is None:
        raise LabelError("classes", "no class names", "whose probability it is", "classes=['not spam', 'spam']")
    names = list(given)
    return Classes(names, names[-1] if len(names) == 2 else None)


def _told_apart(p: float, at: float) -> tuple[str, str]:
    """Both numbers with as few digits as show which is larger."""
    for digits in range(4, 18):
        shown, cut = f"{p:.{digits}g}", f"{at:.{digits}g}"
        sure = p not in (0.0, 1.0) and float(shown) in (0.0, 1.0)
        if (p >= at) == (float(shown) >= float(cut)) and (p == at or shown != cut) and not sure:
            break
    return shown, cut


def _percent(p: float) -> str:
    """A percentage that never rounds a probability to 0 or 1 that is neither."""
    for digits in range(2, 16):
        text = f"{100 * p:.{digits}f}"
        if p in (0.0, 1.0) or float(text) not in (0.0, 100.0):
            return f"{text} %"
    return f"{100 * p:.3g} %" if p < 0.5 else f"100 % less {100 * (1 - p):.2g} %"


def _near(p: float) -> str:
    """A probability with as few digits as tell it from 0 and 1."""
    for digits in range(4, 17):
        text = f"{p:.{digits}f}"
        if p in (0.0, 1.0) or float(text) not in (0.0, 1.0):
            break
    return f"{p:g}" if float(text) in (0.0, 1.0) else text.rstrip("0").rstrip(".")


def _share(p: float) -> str:
    """A percentage for reading, that is 0 or 100 for 0 and 1 alone."""
    for digits in range(16):
        text = f"{100 * p:.{digits}f}"
        if p in (0.0, 1.0) or ((digits or 5 <= 100 * p <= 95) and float(text) not in (0.0, 100.0)):
            break
    return f"{text} %"
