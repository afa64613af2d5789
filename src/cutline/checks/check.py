"""`check`: which traps a set of scores has fallen into, and the fix of each."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from cutline.checks import choice, decisions, direction, frequencies, kind, noise, overlaps, reported, steps
from cutline.checks.case import Case, Check
from cutline.checks.finding import Finding, Findings
from cutline.checks.weighting import Weighting
from cutline.decision import OperatingPoint
from cutline.errors import InputError, ShapeError, UnknownName
from cutline.evidence import Estimate
from cutline.evidence.difference import Comparison
from cutline.labels import as_array
from cutline.metrics import find
from cutline.scores import Scores

FAMILIES = (choice, decisions, direction, frequencies, kind, noise, overlaps, reported, steps)
CHECKS: tuple[Check, ...] = tuple(sorted((c for family in FAMILIES for c in family.CHECKS), key=lambda c: c.code))
"""All checks of scores, by code."""


def check(
    scores: Scores,
    *,
    train: Scores | None = None,
    prevalence: float | None = None,
    point: OperatingPoint | None = None,
    threshold: float | None = None,
    y_pred: Any = None,
    estimates: Any = None,
    model: Any = None,
    class_weight: Mapping[Any, float] | str | None = None,
    before: Scores | None = None,
    rival: Scores | None = None,
    folds: Any = None,
    thresholds: Any = None,
    label_noise: float | None = None,
    confidence: float = 0.95,
    ignore: Collection[str] = (),
    seed: int = 0,
) -> Findings:
    """Look for the traps that scores fall into silently; each finding says what was seen, why it matters and the fix.

    Every check runs for which there is what it needs: most need the scores alone, the others what a keyword brings.

    Parameters
    ----------
    scores : Scores
        Truth and scores; without truth a few checks are left.
    train : Scores, optional
        The rows that the model was fitted on: are they among these (by ids), do groups lie on both sides, does a class
        occur here that it never saw?
    prevalence : float, optional
        Share of positives where the model will be used.
    point : OperatingPoint, optional
        The rule that is reported on these rows.
    threshold : float, optional
        In place of `point`: a threshold that somebody chose.
    y_pred : array-like of labels, shape (n,), optional
        Labels that were decided elsewhere, say by an argmax.
    estimates : Evaluation, Estimate, Comparison, a sequence of them, or mapping of metric to float, optional
        Figures of these rows: those of cutline, or numbers that somebody reports, such as ``{"roc_auc": 0.844}``.
    model : object, optional
        The model or pipeline that gave the scores; class weights and samplers are read from it.
    class_weight : mapping of class to float, "balanced", or float, optional
        How training weighted (or kept) the classes, where no model says so; a float is that of the positive class.
    before : Scores, optional
        The same rows before they were calibrated.
    rival : Scores, optional
        The same rows scored by another model, which is said to be worse or better.
    folds : array-like, shape (n,), optional
        Which fold scored each row, where figures are averaged over folds.
    thresholds : array-like of float, optional
        The grid that a threshold was, or a curve is, taken from.
    label_noise : float, optional
        Share of labels that are known to be wrong.
    confidence : float
        Level of the intervals in messages.
    ignore : collection of str
        Codes to leave out.
    seed : int
        Of the sample of 100,000 rows that detectors look at in more rows than that.

    Returns
    -------
    Findings
        By code; empty, and false, when there is nothing to say.

    Examples
    --------
    >>> import numpy as np, cutline as cl
    >>> rng = np.random.default_rng(0)
    >>> p = rng.uniform(size=1000)
    >>> y = rng.uniform(size=1000) < p
    >>> cl.check(cl.Scores(y_true=y, y_score=p, kind="probability")).codes
    ()
    >>> found = cl.check(cl.Scores(y_true=y, y_score=1 - p, kind="probability"))
    >>> found.codes
    ('CT04',)
    >>> cl.roc_auc(found[0].fix()) == cl.roc_auc(cl.Scores(y_true=y, y_score=p, kind="probability"))
    True
    """
    if not isinstance(scores, Scores):
        hint = "cl.score(model, X, y) makes them of a model; cl.check_tables(train, test, target=...) checks tables"
        raise InputError("scores", f"a {type(scores).__name__}", "Scores", hint)
    for name, other in (("train", train), ("before", before), ("rival", rival)):
        if other is not None and not isinstance(other, Scores):
            raise InputError(name, f"a {type(other).__name__}", "Scores")
    share = {"prevalence": prevalence, "label_noise": label_noise}
    for name, value in share.items():
        if value is not None and not 0 < value < 1:
            raise InputError(name, repr(value), "a share strictly between 0 and 1")
    asked = scores.kind == "label" or any(one is not None for one in (point, threshold, y_pred, estimates))
    given: dict[str, Any] = {
        **share,
        "train": train,
        "point": point,
        "chosen": point if choice.is_point(point) else None,
        "threshold": threshold,
        "y_pred": y_pred,
        "asked": asked or None,
        "listed": True,
        "at": threshold if point is None else point.threshold,
        "decision": None if y_pred is None else _codes(scores, y_pred),
        "model": model,
        "weighting": Weighting.of(scores.classes, model, class_weight),
        "before": before,
        "rival": rival,
        "folds": None if folds is None else _one_each("folds", folds, scores),
        "thresholds": None if thresholds is None else np.unique(as_array(thresholds).astype(np.float64)),
    }
    figures, claims, differences = _figures(estimates)
    return run(Case(scores, given, None, figures, claims, differences, seed, confidence), ignore)


def run(case: Case, ignore: Collection[str] = ()) -> Findings:
    """Run every check that has what it needs, but for the codes in `ignore`."""
    known = {check.code for check in CHECKS}
    ignore = [ignore] if isinstance(ignore, str) else ignore
    for code in ignore:
        if code not in known:
            raise UnknownName.among("ignore", str(code), known)
    able = [check for check in CHECKS if check.code not in ignore and all(map(case.has, check.needs))]
    found: list[Finding] = []
    for check in able:
        if not {one.code for one in found} & set(check.unless) and (finding := check.run(case)) is not None:
            found.append(finding)
    return Findings(tuple(found), tuple(dict.fromkeys(check.code for check in able)))


def _codes(scores: Scores, y_pred: Any) -> Any:
    return _one_each("y_pred", scores.classes.encode(y_pred, argument="y_pred"), scores)


def _one_each(argument: str, values: Any, scores: Scores) -> Any:
    column = as_array(values, argument=argument)
    if column.shape != (scores.n,):
        raise ShapeError(argument, f"shape {column.shape}", f"one for each row, shape ({scores.n},)")
    return column


def _figures(estimates: Any) -> tuple[tuple[Estimate, ...], dict[str, float], tuple[Any, ...]]:
    """Estimates, reported numbers by the name of the metric, and differences, out of whatever was passed."""
    if estimates is None:
        return (), {}, ()
    if isinstance(estimates, Mapping):
        return (), {find(str(name)).name: float(value) for name, value in estimates.items()}, ()
    found: list[Any] = []
    differences: list[Any] = []
    for each in [estimates] if not isinstance(estimates, Sequence) else estimates:
        if isinstance(each, Comparison):
            differences += each.differences
        else:
            found += [each] if isinstance(each, Estimate) else list(getattr(each, "estimates", (None,)))
    if not all(isinstance(one, Estimate) for one in found):
        wanted = "an Evaluation, Estimates, a Comparison, or a mapping of metric to number"
        raise InputError("estimates", f"a {type(estimates).__name__}", wanted)
    return tuple(found), {}, tuple(differences)
