"""Metrics of rows with several labels: sets of labels, and their order within a row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline.errors import InputError
from cutline.metrics.counts import Counts
from cutline.metrics.metric import Metric
from cutline.metrics.multilabel import MultiLabel, Thresholds


def label_counts(data: MultiLabel, at: Thresholds, *, by_row: bool = False) -> Counts:
    """Counts of each label over the rows, shape (k,), or of each row over the labels, shape (n,)."""
    truth, said = data.truth, data.decided(at)
    weight = np.ones(data.n) if data.weight is None or by_row else data.weight
    cells = (truth & said, ~truth & said, truth & ~said, ~truth & ~said)
    return Counts(*(cell.sum(axis=1) if by_row else weight @ cell for cell in cells))


def samples(metric: Metric) -> Metric:
    """Mean over the rows of a count metric over the labels of a row; rows where it is undefined are left out.

    Examples
    --------
    >>> import cutline as cl
    >>> m = cl.MultiLabel(y_true=[[1, 0], [1, 1]], y_score=[[0.9, 0.2], [0.8, 0.4]], kind="probability")
    >>> cl.samples(cl.recall)(m, at=0.5)
    0.75
    """
    formula = metric.of_counts
    if formula is None:
        raise InputError("metric", metric.name, "a metric of counts, such as f1")

    def of_multilabel(data: MultiLabel, at: Thresholds) -> float:
        return _mean(np.asarray(formula(label_counts(data, at, by_row=True))), data)

    return _of_sets(
        f"samples_{metric.name}",
        f"{metric.label}, samples",
        of_multilabel,
        maximize=metric.maximize,
        range=metric.range,
        perfect=metric.perfect,
        chance=metric.chance,
        formula=f"mean over rows of {metric.formula} over the labels of the row",
        undefined="no row has a defined value",
    )


def _mean(values: NDArray[Any], data: MultiLabel) -> float:
    weight = np.ones(data.n) if data.weight is None else data.weight
    there = ~np.isnan(values)
    return float(np.average(values[there], weights=weight[there])) if (weight[there] > 0).any() else float("nan")


def _of_sets(name: str, label: str, of_multilabel: Callable[[MultiLabel, Thresholds], float], **about: Any) -> Metric:
    return Metric(
        name,
        label,
        about.pop("maximize"),
        about.pop("range", (0.0, 1.0)),
        about.pop("perfect"),
        tasks=("multilabel",),
        of_multilabel=of_multilabel,
        **about,
    )


hamming_loss = _of_sets(
    "hamming_loss",
    "Hamming loss",
    lambda data, at: _mean((data.truth != data.decided(at)).mean(axis=1), data),
    maximize=False,
    perfect=0.0,
    chance="depends on the shares of the labels",
    formula="share of wrong cells among all rows and labels",
    undefined="no rows",
)
subset_accuracy = _of_sets(
    "subset_accuracy",
    "Subset accuracy",
    lambda data, at: _mean((data.truth == data.decided(at)).all(axis=1).astype(float), data),
    maximize=True,
    perfect=1.0,
    chance="the share of the most frequent set of labels",
    formula="share of rows whose labels are all right",
    undefined="no rows",
    synonyms=("exact_match_ratio",),
)


def _reach(score: NDArray[Any], among: NDArray[np.bool_]) -> NDArray[np.int64]:
    """For each label of each row: how many of the labels `among` score as high or higher, shape (n, k)."""
    return np.column_stack([((score >= own[:, None]) & among).sum(axis=1) for own in score.T])


def _lrap(data: MultiLabel) -> NDArray[np.float64]:
    truth, score = data.truth, data.score
    precision = _reach(score, truth) / _reach(score, np.ones_like(truth))
    mine = truth.sum(axis=1)
    mean = np.where(truth, precision, 0.0).sum(axis=1) / np.maximum(mine, 1)
    return np.where((mine == 0) | (mine == truth.shape[1]), 1.0, mean)


def _ranking_loss(data: MultiLabel) -> NDArray[np.float64]:
    truth, score = data.truth, data.score
    wrong = np.where(truth, _reach(score, ~truth), 0).sum(axis=1)
    pairs = truth.sum(axis=1) * (~truth).sum(axis=1)
    return np.asarray(wrong / np.maximum(pairs, 1))


lrap = _of_sets(
    "lrap",
    "Label ranking average precision",
    lambda data, at: _mean(_lrap(data), data),
    maximize=True,
    perfect=1.0,
    chance="depends on the number of labels",
    formula="mean over rows, and over a row's labels, of the share of its labels among all that score as high; "
    "1 for rows with all labels or none",
    undefined="no rows",
    reference="Schapire & Singer 2000",
    synonyms=("label_ranking_average_precision", "label_ranking_average_precision_score"),
)
ranking_loss = _of_sets(
    "ranking_loss",
    "Ranking loss",
    lambda data, at: _mean(_ranking_loss(data), data),
    maximize=False,
    perfect=0.0,
    chance="0.5",
    formula="mean over rows of the share of (own label, other label) pairs where the other scores as high; "
    "0 for rows with all labels or none",
    undefined="no rows",
    reference="Schapire & Singer 2000",
    synonyms=("label_ranking_loss",),
)
coverage_error = _of_sets(
    "coverage_error",
    "Coverage error",
    lambda data, at: _mean(
        np.where(data.truth, _reach(data.score, np.ones_like(data.truth)), 0).max(axis=1).astype(float), data
    ),
    maximize=None,
    range=(0.0, float("inf")),
    perfect=float("nan"),
    chance="near the number of labels",
    formula="mean over rows of how many of the highest labels hold all of the row's own; at best their mean number",
    undefined="no rows",
    reference="Tsoumakas, Katakis & Vlahavas 2010",
)
