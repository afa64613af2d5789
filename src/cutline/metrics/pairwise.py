"""Ranking of several classes: each against the rest and each against each, from one sort a class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline import core
from cutline.errors import LabelError, ScoreError
from cutline.metrics.metric import Metric
from cutline.scores import Scores


@dataclass(frozen=True, slots=True, eq=False)
class ClassOrder:
    """What the scores of every class say about the order of the rows.

    Attributes
    ----------
    rankings : tuple of Ranking
        Of class k against all others, by the score of class k.
    above : ndarray, shape (k, k)
        Entry [i, j]: the probability that a row of class i has a higher score for class i than a row of class j, a tie
        counting half; nan where i = j or a class has no rows. Hand & Till's A(i|j).
    influence : ndarray, shape (n,), or None
        Each row's share in the deviation of the sum of the areas of all present classes from its expectation.
    support : ndarray, shape (k,)
        Rows (or sum of weights) of each class.
    """

    rankings: tuple[core.Ranking, ...]
    above: NDArray[np.float64]
    influence: NDArray[np.float64] | None
    support: NDArray[np.float64]

    @property
    def areas(self) -> NDArray[np.float64]:
        """ROC AUC of each class against the rest, shape (k,); nan where there is none."""
        return np.array([r.right / (r.right + r.wrong) if r.right + r.wrong else np.nan for r in self.rankings])


def class_order(scores: Scores, *, influence: bool = False) -> ClassOrder:
    """Sort the rows by the score of each class.

    Logits of several classes become softmax probabilities first: a single logit does not order rows.
    """
    if scores.kind == "label":
        hint = "pass the scores of the model"
        raise ScoreError("y_score", "predicted labels", "scores with an order", hint, code="CT03")
    if scores.binary:
        raise LabelError("scores", repr(scores.classes), "more than two classes", "roc_auc is the area of two")
    known = scores.known()
    columns = known.probability if known.kind == "logit" else known.score
    codes = np.asarray(known.truth, dtype=np.int16)  # more classes than that would need 10^9 pairs
    k = known.classes.k
    support = np.bincount(codes, weights=known.weight, minlength=k).astype(np.float64)
    share = np.zeros(known.n) if influence else None
    rankings, right = [], np.full((k, k), np.nan)
    for i in range(k):
        order = core.numbered(np.ascontiguousarray(columns[:, i]), codes == i, known.weight)
        found = core.ranking(order.rows)
        rankings.append(found)
        if found.right + found.wrong:
            right[i] = core.by_class(order, codes, k, found, share)
    with np.errstate(divide="ignore", invalid="ignore"):
        above = right / (2 * support[:, None] * support[None, :])
    np.fill_diagonal(above, np.nan)
    return ClassOrder(tuple(rankings), above, share, support)


def pairs_mean(order: ClassOrder, *, by_size: bool = False) -> float:
    """Mean over the pairs of present classes of the mean of A(i|j) and A(j|i); by the rows of both, if `by_size`."""
    i, j = np.triu_indices(len(order.support), 1)
    pair = (order.above[i, j] + order.above[j, i]) / 2
    size = order.support[i] + order.support[j] if by_size else np.ones(len(i))
    there = ~np.isnan(pair)
    return float(pair[there] @ size[there] / size[there].sum()) if there.any() else float("nan")


def _ovo(name: str, label: str, *, by_size: bool, **about: Any) -> Metric:
    return Metric(
        name,
        label,
        True,
        (0.0, 1.0),
        1.0,
        chance="0.5",
        undefined="fewer than two classes have rows",
        tasks=("multiclass",),
        of_scores=lambda scores: pairs_mean(class_order(scores), by_size=by_size),
        **about,
    )


hand_till = _ovo(
    "hand_till",
    "Hand-Till AUC",
    by_size=False,
    formula="mean over pairs of classes of [A(i|j) + A(j|i)] / 2, A(i|j) = P(score i of class i > score i of class j)",
    reference="Hand & Till 2001",
    synonyms=("hand_till_m", "multiclass_auc", "roc_auc_ovo", "macro_roc_auc_ovo"),
)
weighted_roc_auc_ovo = _ovo(
    "weighted_roc_auc_ovo",
    "ROC AUC one against one, weighted",
    by_size=True,
    formula="mean over pairs of classes, weighted by their rows, of [A(i|j) + A(j|i)] / 2",
    reference="Hand & Till 2001; Fawcett 2006 for the weights",
    synonyms=("roc_auc_ovo_weighted",),
)
