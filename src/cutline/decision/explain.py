"""One score in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline.decision.point import OperatingPoint
from cutline.errors import InputError, LabelError, ScoreError, ShapeError
from cutline.labels import Classes, Label, Shown
from cutline.scores import sigmoid


@dataclass(frozen=True, slots=True, repr=False)
class Explanation(Shown):
    """What one score means: a probability for each class, the decision and its reason."""

    classes: Classes
    probabilities: tuple[float, ...]
    """In the order of ``classes.names``; they sum to 1."""
    decision: Label | None
    threshold: float | None
    why: str = ""

    @property
    def sentence(self) -> str:
        """For people."""
        order = np.argsort(self.probabilities)[::-1]
        parts = [f"P({self.classes.names[k]}) = {_percent(self.probabilities[k])}" for k in order[:5]]
        text = ", ".join(parts) + (f", {len(order) - 5} more" if len(order) > 5 else "")
        if self.decision is None:
            return f"{text}. No threshold was given, so nothing is decided."
        if self.threshold is None:
            return f"{text} -> {self.decision}, the most probable class."
        p = self.probabilities[self.classes.index(self.classes.positive)]
        side = "at or above" if p >= self.threshold else "below"
        shown, cut = _told_apart(p, self.threshold)
        said = f"{text}; {shown} is {side} the threshold {cut} -> {self.decision}."
        return f"{said} {self.why}".strip()

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "schema_version": 1,
            "sentence": self.sentence,
            "probabilities": {str(n): p for n, p in zip(self.classes.names, self.probabilities, strict=True)},
            "decision": self.decision,
            "threshold": self.threshold,
        }

    def __str__(self) -> str:
        return self.sentence

    def __repr__(self) -> str:
        return self.sentence


def explain(
    score: Any, point: OperatingPoint | None = None, *, classes: Any = None, threshold: float | None = None
) -> Explanation:
    """Say in words what one probability (or one row of them) means and what is decided.

    Parameters
    ----------
    score : float or sequence of float, shape (k,)
        The probability of the positive class, or one for each class.
    point : OperatingPoint, optional
        Gives the classes, the threshold and its reason.
    classes : Classes or sequence of labels, optional
        Names in order; of two, the last is the positive one.
    threshold : float, optional
        In place of `point`.

    Examples
    --------
    >>> import cutline as cl
    >>> cl.explain(0.9899, classes=["not spam", "spam"], threshold=0.37)
    P(spam) = 98.99 %, P(not spam) = 1.01 %; 0.9899 is at or above the threshold 0.37 -> spam.
    """
    if point is not None and (classes is not None or threshold is not None):
        raise InputError("point", "a point and classes= or threshold=", "one or the other", "the point has both")
    if point is not None and point.kind not in ("probability", "logit"):
        raise ScoreError("point", f"a point for scores of kind {point.kind!r}", "a point for probabilities")
    known = point.classes if point is not None else _classes(classes)
    at = point.threshold if point is not None else threshold
    if at is not None and not (isinstance(at, int | float) and np.isfinite(at)):
        raise InputError("threshold", repr(at), "a finite number")
    if point is not None and point.kind == "logit" and at is not None:
        at = float(sigmoid(np.array(at)))  # the same cut on the scale that is explained
    try:
        values = np.atleast_1d(np.asarray(score, dtype=np.float64))
    except (TypeError, ValueError):
        raise ScoreError("score", repr(score), "a probability from 0 to 1") from None
    if values.ndim != 1 or len(values) not in ((1, known.k) if known.binary else (known.k,)):
        raise ShapeError("score", f"{values.size} number(s) for {known.k} classes", f"one, or {known.k}")
    if not np.isfinite(values).all() or (values < 0).any() or (values > 1).any():
        raise ScoreError(
            "score", str(score), "a probability from 0 to 1", "a logit z is the probability 1 / (1 + exp(-z))"
        )
    if len(values) == 1:
        p = np.empty(2)
        positive = known.index(known.positive)
        p[positive], p[1 - positive] = values[0], 1 - values[0]
    elif abs(values.sum() - 1) > 1e-3:
        raise ScoreError("score", f"probabilities that sum to {values.sum():g}", "a sum of 1")
    else:
        p = values
    return Explanation(
        known, tuple(p.tolist()), _decided(known, p, at, point is not None), at, "" if point is None else point.why
    )


def _decided(classes: Classes, p: NDArray[np.float64], at: float | None, has_point: bool) -> Label | None:
    if at is not None:
        if not classes.binary:
            raise LabelError("threshold", f"one with {classes.k} classes", "no threshold: the most probable class wins")
        return classes.positive if p[classes.index(classes.positive)] >= at else classes.negative
    return classes.names[int(p.argmax())] if has_point or not classes.binary else None


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
        if (p >= at) == (float(shown) >= float(cut)) and (p == at or shown != cut):
            break
    return shown, cut


def _percent(p: float) -> str:
    """A percentage that never rounds a probability to 0 or 1 that is neither."""
    for digits in range(2, 16):
        text = f"{100 * p:.{digits}f}"
        if p in (0.0, 1.0) or float(text) not in (0.0, 100.0):
            return f"{text} %"
    return f"{100 * p:.3g} %" if p < 0.5 else f"100 % less {100 * (1 - p):.2g} %"
