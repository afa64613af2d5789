"""Several classes: the confusion matrix, averages over classes, one-vs-rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cutline import core
from cutline.errors import InputError, LabelError, ScoreError, ShapeError, UnknownName
from cutline.metrics.binary import divide
from cutline.metrics.counts import Counts, class_counts
from cutline.metrics.label_sets import label_counts
from cutline.metrics.metric import Metric
from cutline.metrics.multilabel import MultiLabel, Thresholds
from cutline.metrics.table import ThresholdTable
from cutline.scores import Scores


def decided(scores: Scores, at: float | None = None) -> NDArray[np.int32]:
    """Codes of the decision: the argmax of several classes, ``score >= at`` of two, or the labels themselves."""
    if scores.kind == "label":
        return scores.score
    if not scores.binary:
        return core.argmax_rows(scores.score)
    if at is None:
        raise ScoreError("at", "no threshold", "a threshold to decide at", "for example at=0.5", code="CT01")
    positive = scores.classes.index(scores.classes.positive)
    # float64 on both sides: float32 scores must not round the threshold to their own grid.
    return np.where(scores.score.astype(np.float64) >= at, positive, 1 - positive).astype(np.int32)


def confusion_matrix(
    scores: Scores, decision: NDArray[Any], *, normalize: Literal["true", "pred", "all"] | None = None
) -> NDArray[Any]:
    """Counts (or sums of weights) with truth in rows and decisions in columns, shape (k, k).

    Entry [i, j] is the number of rows of class ``classes.names[i]`` that were decided as ``classes.names[j]``.
    Rows without truth do not count.

    Parameters
    ----------
    scores : Scores
        Truth and weights.
    decision : ndarray of int, shape (n,)
        Codes of the decided classes, one for each row of `scores`.
    normalize : {"true", "pred", "all"}, optional
        Shares in place of counts: of the rows of a class (each row of the matrix sums to 1), of a decision (each
        column), or of all. nan where there is nothing to share.
    """
    if normalize not in (None, "true", "pred", "all"):
        raise UnknownName.among("normalize", str(normalize), ("true", "pred", "all"))
    if scores.truth is None:
        scores.known()  # raises, by name
    assert scores.truth is not None
    k = scores.classes.k
    decision = checked_decision(scores, decision)
    keep = scores.truth >= 0
    cell = scores.truth[keep].astype(np.int64) * k + decision[keep]
    weight = None if scores.weight is None else scores.weight[keep]
    matrix = np.bincount(cell, weights=weight, minlength=k * k).reshape(k, k)
    if normalize is None:
        return matrix
    axis = {"true": 1, "pred": 0, "all": None}[normalize]
    return np.asarray(divide(matrix, matrix.sum(axis=axis, keepdims=True)))


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

    def of_multilabel(data: MultiLabel, at: Thresholds) -> float:
        support = np.array([one.n_pos if one.weight is None else one.weight @ one.is_positive for one in data.each])
        if formula is not None:
            return float(average(np.asarray(formula(label_counts(data, at))), support))
        assert of_table is not None
        return float(average(np.array([of_table(ThresholdTable.from_scores(one)) for one in data.each]), support))

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
        tasks=("multiclass", "multilabel"),
        of_matrix=of_matrix if formula else None,
        of_scores=None if formula else of_scores,
        of_multilabel=of_multilabel,
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
    formula, of_table = metric.of_counts, metric.of_table
    if formula is None and of_table is None:
        raise InputError("metric", metric.name, "a metric of one class against the rest, such as precision or roc_auc")

    def summed(each: Counts) -> Any:
        assert formula is not None
        return formula(Counts(*(getattr(each, name).sum(axis=-1) for name in ("tp", "fp", "fn", "tn"))))

    def pooled(views: Sequence[Scores]) -> float:
        assert of_table is not None
        weight = None if views[0].weight is None else np.concatenate([view.weight for view in views])
        both = Scores(
            y_true=np.concatenate([view.is_positive for view in views]),
            y_score=np.concatenate([view.score for view in views]),
            classes=[False, True],
            kind="rank",
            weight=weight,
        )
        return of_table(ThresholdTable.from_scores(both))

    def of_multilabel(data: MultiLabel, at: Thresholds) -> float:
        return float(summed(label_counts(data, at))) if formula else pooled(data.each)

    return Metric(
        f"micro_{metric.name}",
        f"{metric.label}, micro",
        metric.maximize,
        metric.range,
        metric.perfect,
        chance=metric.chance,
        formula=f"{metric.formula} of the counts summed over classes"
        if formula
        else f"{metric.formula}, of the scores of all classes in one list",
        undefined=metric.undefined,
        reference=metric.reference,
        tasks=("multiclass", "multilabel"),
        of_matrix=(lambda matrix: summed(class_counts(matrix))) if formula else None,
        of_scores=None if formula else lambda scores: pooled([scores.one_vs_rest(n) for n in scores.classes.names]),
        of_multilabel=of_multilabel,
    )


def top_k_accuracy(k: int) -> Metric:
    """Share of rows whose class is among the k with the highest scores.

    Where the score of the class is tied at the k-th place, the row counts by the chance that breaking the tie by lot
    puts it in (scikit-learn lets the order of the columns decide).

    Examples
    --------
    >>> import cutline as cl
    >>> p = [[0.6, 0.3, 0.1], [0.5, 0.4, 0.1], [0.2, 0.2, 0.6]]
    >>> s = cl.Scores(y_true=["a", "b", "a"], y_score=p, classes=["a", "b", "c"], kind="probability")
    >>> round(cl.top_k_accuracy(2)(s), 4)
    0.8333
    """
    if isinstance(k, bool) or not isinstance(k, int) or k < 1:
        raise InputError("k", repr(k), "a whole number of at least 1")

    def of_scores(scores: Scores) -> float:
        if scores.kind == "label" or scores.binary:
            raise ScoreError("y_score", f"{scores!r}", "the scores of more than two classes")
        inside = []
        for part in scores.parts():
            own = part.score[np.arange(part.n), part.truth][:, None]
            above, level = (part.score > own).sum(axis=1), (part.score == own).sum(axis=1)
            inside.append(np.clip((k - above) / level, 0.0, 1.0))
        return float(np.average(np.concatenate(inside), weights=scores.weight))

    return Metric(
        f"top_{k}_accuracy",
        f"Top-{k} accuracy",
        True,
        (0.0, 1.0),
        1.0,
        chance=f"{k} / classes",
        formula=f"share of rows whose class is among the {k} highest scores",
        undefined="no rows",
        synonyms=(f"top_{k}_accuracy_score",),
        tasks=("multiclass",),
        of_scores=of_scores,
    )


def _defined_mean(each: NDArray[Any], weight: NDArray[Any]) -> Any:
    defined = ~np.isnan(each)
    weight = np.where(defined, weight, 0.0)
    return divide((np.where(defined, each, 0.0) * weight).sum(axis=-1), weight.sum(axis=-1))
