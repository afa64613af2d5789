"""The single rows that a rule decides wrong at the highest cost, by their ids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline.checks.reported import USUAL_CUT
from cutline.decision import Cost, CostMatrix, OperatingPoint, RowCosts
from cutline.errors import InputError
from cutline.evidence import finite
from cutline.labels import Label
from cutline.metrics import decided
from cutline.scores import Scores


@dataclass(frozen=True, slots=True)
class Mistake:
    """A row that is decided wrong.

    Attributes
    ----------
    id : str
    truth, decision : label
    score : float or None
        Of two classes that of the row, of several that of the class it was decided for; None for predicted labels.
    cost : float
        Of this mistake.
    """

    id: str
    truth: Label
    decision: Label
    score: float | None
    cost: float


def costliest(
    scores: Scores,
    point: OperatingPoint | None = None,
    *,
    threshold: float | None = None,
    costs: RowCosts | None = None,
    most: int = 20,
) -> tuple[Mistake, ...]:
    """The mistakes that cost most; of those that cost the same, the ones that were made most surely first.

    Costs are `costs`, else those of the policy of `point`; without any each mistake costs 1. Rows left
    undecided are no mistakes.

    Parameters
    ----------
    scores : Scores
        With truth and ids.
    point : OperatingPoint, optional
        The rule.
    threshold : float, optional
        In its place; 0.5 of probabilities and 0 of logits when neither is given.
    costs : RowCosts, optional
        Costs of each of these rows.
    most : int

    Raises
    ------
    InputError
        Rows without ids, or ranking scores without a rule.

    Examples
    --------
    >>> import cutline as cl
    >>> from cutline.evaluation import costliest
    >>> s = cl.Scores(y_true=[0, 1, 1], y_score=[0.7, 0.1, 0.9], ids=["a", "b", "c"], kind="probability")
    >>> [(row.id, row.truth, row.score) for row in costliest(s)]
    [('b', 1, 0.1), ('a', 0, 0.7)]
    """
    if scores.ids is None:
        raise InputError("mistakes", "rows without ids", "an id in each row", "Scores(..., ids=) or --id")
    if threshold is None and point is not None:
        threshold = point.threshold
    if threshold is None and scores.binary and point is None and scores.kind != "label":
        threshold = USUAL_CUT.get(scores.kind)
        if threshold is None:
            raise InputError("mistakes", "ranking scores without a threshold", "a point, or threshold=")
    by_point = point is not None and point.threshold is None
    codes = point.codes(scores, costs) if point is not None and by_point else decided(scores, threshold)
    truth = np.asarray(scores.truth)
    wrong = np.flatnonzero(scores.counting & (codes >= 0) & (codes != truth))
    cost = _cost(scores, costs or (point.policy.aim if point else None), truth[wrong], codes[wrong], wrong)
    sure = _sureness(scores, wrong, truth[wrong], codes[wrong], threshold)
    order = np.lexsort((-sure, -cost))[:most]
    names = scores.classes.names
    return tuple(
        Mistake(
            str(scores.ids[row]),
            names[truth[row]],
            names[codes[row]],
            _score(scores, row, codes[row]),
            float(cost[k]),
        )
        for k, row in zip(order, wrong[order], strict=True)
    )


def _cost(
    scores: Scores, aim: Any, truth: NDArray[Any], codes: NDArray[Any], rows: NDArray[Any]
) -> NDArray[np.float64]:
    if isinstance(aim, CostMatrix):
        return aim.of_classes(scores.classes.k)[truth, codes]
    if isinstance(aim, Cost | RowCosts) and scores.binary:
        if isinstance(aim, RowCosts) and aim.n != scores.n:
            raise InputError("costs", f"costs of {aim.n:,} rows", f"those of these {scores.n:,}", "costs=cl.cost(...)")
        fp, fn = (aim.fp, aim.fn) if isinstance(aim, Cost) else (aim.fp[rows], aim.fn[rows])
        return np.asarray(np.where(codes == scores.classes.index(scores.classes.positive), fp, fn), np.float64)
    return np.ones(len(rows))


def _sureness(
    scores: Scores, rows: NDArray[Any], truth: NDArray[Any], codes: NDArray[Any], threshold: float | None
) -> NDArray[np.float64]:
    """How far the decision was from going the other way: in probability, else in score."""
    if scores.kind == "label" or (scores.kind == "rank" and scores.binary and threshold is None):
        return np.zeros(len(rows))
    if not scores.binary:
        score = np.asarray(scores.score, np.float64)
        return np.asarray(score[rows, codes] - score[rows, truth])
    if scores.kind == "rank" and threshold is not None:
        return np.asarray(np.abs(np.asarray(scores.score, np.float64)[rows] - threshold))
    return np.asarray(np.abs(2 * scores.probability[rows] - 1))


def _score(scores: Scores, row: int, code: int) -> float | None:
    if scores.kind == "label":
        return None
    return finite(float(scores.score[row] if scores.binary else scores.score[row, code]))
