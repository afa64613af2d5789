"""Figures of cross-fitted scores, where each row was scored by one of several models whose mean will score new ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline.core import Ranking
from cutline.evaluation.evaluate import Evaluation
from cutline.evidence import Estimate
from cutline.evidence.intervals import Replicates
from cutline.metrics import ThresholdTable
from cutline.metrics.pairwise import ClassOrder, class_order
from cutline.scores import Scores

WITHIN = "over the pairs of rows of one fold"


def within_folds(found: Evaluation, scores: Scores, fold: NDArray[np.integer]) -> Evaluation:
    """An evaluation whose ROC areas are over the pairs of rows of one fold.

    Each fold has its own models and calibrator, and scores of different ones are not on one scale: pairs across folds
    compare models rather than rows, and the area of all pairs comes out too low (Airola, Pahikkala, Waegeman, De Baets
    & Salakoski 2011). The errors stay those of all pairs.

    Parameters
    ----------
    found : Evaluation
        Of `scores`.
    scores : Scores
        Cross-fitted; every row has a label.
    fold : ndarray of int, shape (n,)
        Which rows were scored by the same models.
    """
    parts = [scores.take(fold == number).known() for number in np.unique(fold)]
    if scores.binary:
        values = {"roc_auc": _area([ThresholdTable.from_scores(part).ranking() for part in parts])}
        return replace(found, estimates=_moved(found.estimates, values))
    orders = [class_order(part) for part in parts]
    areas = [_area([order.rankings[k] for order in orders]) for k in range(scores.classes.k)]
    there = [area for area in areas if not np.isnan(area)]
    values = {"macro_roc_auc": float(np.mean(there)) if there else np.nan, "hand_till": _hand_till(orders)}
    per_class = tuple(
        replace(each, estimates=_moved(each.estimates, {"roc_auc": area}))
        for each, area in zip(found.per_class, areas, strict=True)
    )
    return replace(found, estimates=_moved(found.estimates, values), per_class=per_class)


def gain_of_mean(
    p: NDArray[np.float64], other: NDArray[np.float64], models: int, weight: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """By how much log loss and Brier score of the mean of models are lower than those of one.

    Parameters
    ----------
    p, other : ndarray, shape (m, k)
        Probabilities by two models that had not seen these rows.
    models : int
        How many the mean is of.
    weight : ndarray, shape (m,), optional

    Returns
    -------
    ndarray, shape (2,)

    Notes
    -----
    The mean of two is better than one of them by their ambiguity (Krogh & Vedelsby 1995): of the Brier score the
    squared distance to it, and of the log loss the Kullback-Leibler divergence from it, if its probabilities hold. No
    label is needed. The loss falls with the inverse of the number of models: that of n is better by 2 (1 - 1/n) times.
    """
    from scipy.special import rel_entr

    middle = (p + other) / 2
    divergence = (rel_entr(middle, p) + rel_entr(middle, other)).sum(axis=1) / 2
    squares = np.square(p - middle).sum(axis=1) / (2 if p.shape[1] == 2 else 1)
    both = np.average(np.stack([divergence, squares]), axis=1, weights=weight)
    return np.asarray(2 * (1 - 1 / models) * both)


def of_mean(found: Evaluation, gain: NDArray[np.float64] | None) -> Evaluation:
    """An evaluation with the log loss and Brier score of the mean of the models, not of one of them."""
    if gain is None:
        return found
    less = dict(zip(("log_loss", "brier"), gain.tolist(), strict=True))
    values = {
        each.metric.name: max(each.value - less[each.metric.name], 0.0)
        for each in found.estimates
        if each.metric.name in less
    }
    notes = {name: f"less {less[name]:.2g}, which the mean of the fold models gains on one" for name in values}
    return replace(found, estimates=_moved(found.estimates, values, notes))


def _area(rankings: Sequence[Ranking]) -> float:
    right, wrong = sum(r.right for r in rankings), sum(r.wrong for r in rankings)
    return right / (right + wrong) if right + wrong else np.nan


def _hand_till(orders: Sequence[ClassOrder]) -> float:
    """The mean over pairs of classes; of each pair over the pairs of rows of a fold."""
    pairs = np.stack([np.outer(order.support, order.support) for order in orders])
    above = np.stack([order.above for order in orders])
    pairs[np.isnan(above)] = 0.0
    with np.errstate(invalid="ignore"):
        each = (np.nan_to_num(above) * pairs).sum(axis=0) / pairs.sum(axis=0)
    mean = (each + each.T)[np.triu_indices(len(each), 1)] / 2
    return float(np.nanmean(mean)) if not np.isnan(mean).all() else np.nan


def _moved(
    estimates: tuple[Estimate, ...], values: Mapping[str, float], notes: Mapping[str, str] = MappingProxyType({})
) -> tuple[Estimate, ...]:
    """The estimates with other values, and intervals about these."""
    return tuple(
        _at(each, values[each.metric.name], notes.get(each.metric.name, WITHIN)) if each.metric.name in values else each
        for each in estimates
    )


def _at(one: Estimate, value: float, note: str) -> Estimate:
    ingredients: Any = one.ingredients
    if isinstance(ingredients, Replicates):
        ingredients = replace(ingredients, values=ingredients.values + (value - one.value), value=value)
    elif ingredients is not None:
        ingredients = replace(ingredients, value=value)
    return replace(one, value=value, ingredients=ingredients, note="; ".join(filter(None, (one.note, note))))
