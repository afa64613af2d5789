"""Several classes looked at one at a time, which are taken for which, and what another rule would decide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline.calibration import Bin, reliability
from cutline.decision import CostMatrix, LeastCost, MostProbable, Offsets, Rule
from cutline.errors import InputError
from cutline.evaluation.evaluate import Evaluation
from cutline.evidence import Estimate, estimate, wilson
from cutline.labels import Classes, Label
from cutline.metrics import (
    Metric,
    ThresholdTable,
    accuracy,
    average_precision,
    balanced_accuracy,
    confusion_matrix,
    macro,
    mae,
    prediction_bias,
    roc_auc,
)
from cutline.metrics import f1 as f1_of_a_class
from cutline.scores import Scores

BINS = (10, 100)
"""Fewest and most bins of a reliability diagram: of a rare class most rows have a probability near 0, and ten bins of
equal numbers of rows would leave one for all others."""


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """One class against the rest; or, of classes in order, all up to one against those above.

    Attributes
    ----------
    name : label
        The class, or the last of those that count as positive.
    upto : bool
        True for "at most `name`".
    table : ThresholdTable
        Counts at every threshold of its score.
    reliability : tuple of Bin or None
        Observed frequency by probability; None for scores that are no probabilities.
    estimates : tuple of Estimate
        ROC AUC, average precision and, of probabilities, prediction bias; the first two are undefined without rows of
        either side.
    """

    name: Label
    upto: bool
    table: ThresholdTable
    reliability: tuple[Bin, ...] | None
    estimates: tuple[Estimate, ...]


def views(evaluation: Evaluation, names: Sequence[Label]) -> tuple[View, ...]:
    """One-vs-rest views of some classes: curves, calibration, and figures of both with intervals.

    Examples
    --------
    >>> import cutline as cl
    >>> from cutline.evaluation import views
    >>> p = [[0.7, 0.2, 0.1], [0.3, 0.6, 0.1], [0.1, 0.2, 0.7], [0.5, 0.4, 0.1]]
    >>> s = cl.Scores(y_true=["a", "b", "c", "b"], y_score=p, classes=["a", "b", "c"], kind="probability")
    >>> one = views(cl.evaluate(s), ["b"])[0]
    >>> one.name, one.table.n_pos, one.estimates[0].value
    ('b', 2, 1.0)
    """
    known = _rows(evaluation)
    if known.kind == "label":
        return ()
    return tuple(_view(name, False, known.one_vs_rest(name), evaluation.confidence) for name in names)


def cut_points(evaluation: Evaluation) -> tuple[View, ...]:
    """Of classes in order: for each but the last, the probability of it or a lower one against what happened."""
    known = _rows(evaluation)
    if not known.classes.ordered or known.kind not in ("probability", "logit"):
        return ()
    upto = known.probabilities.cumsum(axis=1)
    truth, found = np.asarray(known.truth), []
    for k, name in enumerate(known.classes.names[:-1]):
        below = Scores(
            y_true=truth <= k,
            y_score=upto[:, k].clip(0, 1),
            classes=Classes([False, True], True),
            kind="probability",
            weight=known.weight,
            groups=known.groups,
            role=known.role,
        )
        found.append(_view(name, True, below, evaluation.confidence))
    return tuple(found)


def _view(name: Label, upto: bool, one: Scores, confidence: float) -> View:
    table = ThresholdTable.from_scores(one)
    metrics: list[Metric] = [roc_auc, average_precision]
    bins = None
    if one.kind in ("probability", "logit"):
        metrics.append(prediction_bias)
        many = min(5 * one.n // max(table.n_pos, 1), one.n // 30)
        bins = reliability(one, bins=min(max(many, BINS[0]), BINS[1]), confidence=confidence, table=table)
    both = 0 < table.n_pos < one.n
    found = [
        estimate(metric, one, confidence=confidence, table=table)
        if both or metric is prediction_bias
        else Estimate(metric, float("nan"), one.n, one.n_pos, None, confidence, one.role)
        for metric in metrics
    ]
    return View(name, upto, table, bins, tuple(found))


@dataclass(frozen=True, slots=True)
class Mistaken:
    """Rows of one class that are decided for another: `n` of the `of` rows of `truth`, and Wilson limits of the share.

    Of weighted rows there are sums of weights and no limits.
    """

    truth: int
    decision: int
    n: float
    of: float
    low: float
    high: float


def mistaken(evaluation: Evaluation, most: int = 10) -> tuple[Mistaken, ...]:
    """The pairs of class and decision with the most rows, the worst first; classes by their number."""
    matrix = np.array(evaluation.confusion)
    total = matrix.sum(axis=1)
    np.fill_diagonal(matrix, 0)
    order = np.argsort(-matrix, axis=None, kind="stable")[:most]
    found = []
    for i, j in zip(*np.unravel_index(order, matrix.shape), strict=True):
        n, of = matrix[i, j].item(), total[i].item()
        if n > 0:
            limits = (float("nan"),) * 2 if evaluation.weighted else wilson(n, of, evaluation.confidence)
            found.append(Mistaken(int(i), int(j), n, of, *limits))
    return tuple(found)


@dataclass(frozen=True, slots=True, eq=False)
class Alternative:
    """What a rule decides on the rows of an evaluation.

    Attributes
    ----------
    said : str
        The rule in words.
    current : bool
        True for the rule that was evaluated.
    changed : int
        Rows (whatever their weight) that it decides for another class than the evaluated rule.
    confusion : ndarray, shape (k, k)
        Truth in rows, its decisions in columns.
    values : tuple of (Metric, float)
        Accuracy, balanced accuracy, macro F1, and of classes in order the mean absolute error.
    """

    said: str
    current: bool
    changed: int
    confusion: NDArray[Any]
    values: tuple[tuple[Metric, float], ...]


def alternatives(evaluation: Evaluation) -> tuple[Alternative, ...]:
    """The evaluated rule first, then others on the same rows.

    The most probable class; the costs of the policy; classes weighed as if all were equally frequent (each divided by
    its mean probability); of classes in order the least expected distance, and squared distance. None of them learns
    from the truth of these rows, so that its figures do not flatter it.
    """
    known, decision = _rows(evaluation), np.asarray(evaluation.decision)
    point, classes = evaluation.point, evaluation.classes
    current = "its most probable class" if known.kind != "label" else "the class that was predicted"
    current = current if point is None else point.rule.says(classes)
    made = [_alternative(known, current, decision, decision)]
    here = MostProbable() if point is None else point.rule
    for said, rule in _other_rules(evaluation, known):
        if rule != here:
            made.append(_alternative(known, said, rule.codes(known), decision))
    return tuple(made)


def _other_rules(evaluation: Evaluation, known: Scores) -> list[tuple[str, Rule]]:
    rules: list[tuple[str, Rule]] = []
    if known.kind != "label":
        rules.append(("its most probable class", MostProbable()))
    if known.kind not in ("probability", "logit"):
        return rules
    aim = None if evaluation.point is None else evaluation.point.policy.aim
    if isinstance(aim, CostMatrix) and aim.abstain is None:
        rules.append(("the class with the least expected cost", LeastCost(aim)))
    if known.classes.ordered:
        rules.append(("the class with the least expected distance", LeastCost(CostMatrix("absolute"))))
        rules.append(("the class with the least expected squared distance", LeastCost(CostMatrix("quadratic"))))
    share = np.average(known.probabilities, axis=0, weights=known.weight)
    offsets = -np.log(np.maximum(share, 1e-12))
    rules.append(("its most probable class if all classes were equally frequent", Offsets(tuple(offsets.tolist()))))
    return rules


def _alternative(known: Scores, said: str, codes: NDArray[Any], decision: NDArray[Any]) -> Alternative:
    matrix = confusion_matrix(known, codes)
    metrics = [accuracy, balanced_accuracy, macro(f1_of_a_class), *([mae] if known.classes.ordered else [])]
    values = tuple((metric, metric.value(matrix)) for metric in metrics)
    return Alternative(said, codes is decision, int((codes != decision).sum()), matrix, values)


def _rows(evaluation: Evaluation) -> Scores:
    if evaluation.rows_of is None:
        raise InputError("evaluation", "scores of two classes", "several classes, or predicted labels")
    return evaluation.rows_of
