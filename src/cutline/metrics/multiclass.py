"""Several classes: the confusion matrix, averages over classes, one-vs-rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline import core
from cutline.errors import InputError, LabelError, ScoreError, ShapeError
from cutline.metrics.binary import divide
from cutline.metrics.counts import Counts, class_counts
from cutline.metrics.metric import Metric
from cutline.metrics.table import ThresholdTable
from cutline.scores import Scores


def decided(scores: Scores, at: float | None = None) -> NDArray[np.int32]:
    """Codes of the decision: the argmax of several classes, ``score >= at`` of two, or the labels themselves."""
    if scores.kind == "label":
        return scores.score
    if not scores.binary:
        return core.argmax_rows(scores.score)
    if at is None:
        raise ScoreError("at", "no threshold", "a threshold to decide at", "for example at=0.5")
    positive = scores.classes.index(scores.classes.positive)
    # float64 on both sides: float32 scores must not round the threshold to their own grid.
    return np.where(scores.score.astype(np.float64) >= at, positive, 1 - positive).astype(np.int32)


def confusion_matrix(scores: Scores, decision: NDArray[Any]) -> NDArray[Any]:
    """Counts (or sums of weights) with truth in rows and decisions in columns, shape (k, k).

    Entry [i, j] is the number of rows of class ``classes.names[i]`` that were decided as ``classes.names[j]``.
    Rows without truth do not count.

    Parameters
    ----------
    scores : Scores
        Truth and weights.
    decision : ndarray of int, shape (n,)
        Codes of the decided classes, one for each row of `scores`.
    """
    if scores.truth is None:
        scores.known()  # raises, by name
    assert scores.truth is not None
    k = scores.classes.k
    decision = checked_decision(scores, decision)
    keep = scores.truth >= 0
    cell = scores.truth[keep].astype(np.int64) * k + decision[keep]
    weight = None if scores.weight is None else scores.weight[keep]
    return np.bincount(cell, weights=weight, minlength=k * k).reshape(k, k)


def checked_decision(scores: Scores, decision: Any) -> NDArray[Any]:
    """A class code for each row of `scores`, as integers; ShapeError or LabelError for anything else."""
    codes = np.asarray(decision)
    if codes.shape != (scores.n,) or codes.dtype.kind not in "iu":
        raise ShapeError(
            "decision",
            f"{codes.dtype} of shape {codes.shape}",
            f"a class code for each row, integers of shape ({scores.n},)",
            "classes.encode(labels) makes codes of labels",
        )
    if not 0 <= codes.min() <= codes.max() < scores.classes.k:
        raise LabelError("decision", f"codes from {codes.min()} to {codes.max()}", f"codes 0 to {scores.classes.k - 1}")
    return codes


def _averaged(prefix: str, metric: Metric, average: Callable[[NDArray[Any], NDArray[Any]], Any]) -> Metric:
    formula, of_table = metric.of_counts, metric.of_table
    if formula is None and of_table is None:
        raise InputError("metric", metric.name, "a metric of one class against the rest, such as precision or roc_auc")

    def of_matrix(matrix: NDArray[Any]) -> Any:
        assert formula is not None
        return average(formula(class_counts(matrix)), matrix.sum(axis=-1))

    def of_scores(scores: Scores) -> float:
        assert of_table is not None
        views = [ThresholdTable.from_scores(scores.one_vs_rest(name)) for name in scores.classes.names]
        return float(average(np.array([of_table(t) for t in views]), np.array([t.positives for t in views])))

    return Metric(
        f"{prefix}_{metric.name}",
        f"{metric.label}, {prefix}",
        metric.maximize,
        metric.range,
        metric.perfect,
        chance=metric.chance,
        formula=f"{prefix} average over classes of {metric.formula}",
        undefined="no class has a defined value",
        reference=metric.reference,
        tasks=("multiclass",),
        of_matrix=of_matrix if formula else None,
        of_scores=None if formula else of_scores,
    )


def macro(metric: Metric) -> Metric:
    """Plain mean over the classes, one against the rest; classes where it is undefined are left out.

    Examples
    --------
    >>> import numpy as np, cutline as cl
    >>> cl.macro(cl.recall)(np.array([[8, 2], [0, 10]]))
    0.9
    """
    return _averaged("macro", metric, lambda each, support: _defined_mean(each, np.ones_like(each)))


def weighted(metric: Metric) -> Metric:
    """Mean over the classes, weighted by their rows; classes where it is undefined are left out."""
    return _averaged("weighted", metric, lambda each, support: _defined_mean(each, np.asarray(support, dtype=float)))


def micro(metric: Metric) -> Metric:
    """Of the counts summed over the classes. With one label a row, micro precision, recall and F1 are the accuracy."""
    formula = metric.of_counts
    if formula is None:
        raise InputError("metric", metric.name, "a metric of counts, such as precision")

    def of_matrix(matrix: NDArray[Any]) -> Any:
        each = class_counts(matrix)
        return formula(Counts(*(getattr(each, name).sum(axis=-1) for name in ("tp", "fp", "fn", "tn"))))

    return Metric(
        f"micro_{metric.name}",
        f"{metric.label}, micro",
        metric.maximize,
        metric.range,
        metric.perfect,
        chance=metric.chance,
        formula=f"{metric.formula} of the counts summed over classes",
        undefined=metric.undefined,
        reference=metric.reference,
        tasks=("multiclass",),
        of_matrix=of_matrix,
    )


def _defined_mean(each: NDArray[Any], weight: NDArray[Any]) -> Any:
    defined = ~np.isnan(each)
    weight = np.where(defined, weight, 0.0)
    return divide((np.where(defined, each, 0.0) * weight).sum(axis=-1), weight.sum(axis=-1))
