"""Cross-entropy of truth in any encoding, and which reading of it was taken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cutline.errors import LabelError, ShapeError, UnknownName
from cutline.labels import Shown, as_array
from cutline.metrics.probability import n_clipped, row_log_loss
from cutline.scores import Scores


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class CrossEntropy(Shown):
    """Mean cross-entropy in nats, and how truth was read.

    Attributes
    ----------
    value : float
        Mean over the rows, with probabilities clipped as `log_loss` does.
    unclipped : float
        The same without clipping: infinite as soon as a true class was given probability 0.
    per_row : ndarray, shape (n,)
    reading : str
        A sentence: what shape and encoding truth was read as.
    n, n_clipped : int
        Rows, and those whose true class was given probability 0.
    """

    value: float
    unclipped: float
    per_row: NDArray[np.float64]
    reading: str
    n: int
    n_clipped: int

    def __repr__(self) -> str:
        clipped = f", {self.n_clipped:,} clipped" if self.n_clipped else ""
        return f"cross-entropy {self.value:.6g} nats (n={self.n:,}{clipped}): {self.reading}"


def cross_entropy(
    *,
    y_true: Any,
    y_score: Any,
    classes: Any = None,
    positive: Any = None,
    shape: Literal["row", "rows"] | None = None,
) -> CrossEntropy:
    """Cross-entropy of probabilities against one-hot, index or string truth: the same number for each, and said which.

    Parameters
    ----------
    y_true : array-like
        Shape (n,): labels. Shape (n, k): one-hot rows.
    y_score : array-like
        Probabilities: shape (n, k), or shape (n,) or (n, 1) of the positive class.
    classes, positive : optional
        As for `Scores`.
    shape : {"row", "rows"}, optional
        For two flat lists that can be read both ways, such as ``[1, 0, 0]`` against ``[.7, .2, .1]``: one row of
        several classes, or as many rows of two.

    Raises
    ------
    ShapeError
        When both readings are possible and `shape` is not given; it shows both numbers.

    Examples
    --------
    >>> import cutline as cl
    >>> cl.cross_entropy(y_true=[1, 0, 0], y_score=[0.7, 0.2, 0.1], shape="row")
    cross-entropy 0.356675 nats (n=1): truth read as one one-hot row of 3 classes
    >>> cl.cross_entropy(y_true=["a", "c"], y_score=[[0.7, 0.2, 0.1], [0.1, 0.2, 0.7]], classes=["a", "b", "c"])
    cross-entropy 0.356675 nats (n=2): truth read as labels of 3 classes
    """
    if shape not in (None, "row", "rows"):
        raise UnknownName.among("shape", str(shape), ("row", "rows"))
    truth, score = as_array(y_true, argument="y_true"), as_array(y_score, argument="y_score")
    if truth.ndim == score.ndim == 1 and shape != "rows" and (shape == "row" or _like_one_row(truth, score)):
        if truth.shape != score.shape or len(truth) < 2:
            raise ShapeError("y_true", f"shape {truth.shape}", f"one row like y_score, shape {score.shape}")
        one = _read(truth[None, :], score[None, :], classes, None)
        if shape == "row":
            return one
        many = _read(truth, score, classes, positive)
        raise ShapeError(
            "y_true, y_score",
            f"{truth.tolist()} and {score.tolist()}, which can be one row of {len(truth)} classes (cross-entropy "
            f"{one.value:.6g}) or {len(truth)} rows of two (cross-entropy {many.value:.6g})",
            "to be told which",
            "shape='row' or shape='rows'",
        )
    return _read(y_true, y_score, classes, positive)


def _like_one_row(truth: NDArray[Any], score: NDArray[Any]) -> bool:
    if truth.shape != score.shape or len(truth) < 2 or truth.dtype.kind not in "biuf" or score.dtype.kind not in "biuf":
        return False
    hot = bool(np.isin(truth, (0, 1)).all() and truth.sum() == 1)
    return hot and abs(float(score.sum()) - 1) <= 1e-3


def _read(y_true: Any, y_score: Any, classes: Any, positive: Any) -> CrossEntropy:
    truth, score = as_array(y_true, argument="y_true"), as_array(y_score, argument="y_score")
    wide = score.shape[1] if score.ndim == 2 else 1
    hot = truth.ndim == 2 and truth.shape[1] > 1
    if hot and truth.shape != score.shape:
        raise ShapeError("y_true", f"shape {truth.shape}", f"one-hot rows like y_score, shape {score.shape}")
    if hot and truth.dtype.kind == "f":
        soft = ~np.isin(truth, (0.0, 1.0)).all(axis=1)
        if soft.any():
            raise LabelError(
                "y_true",
                f"{int(soft.sum())} row(s) of soft labels, the first at row {int(soft.argmax())}",
                "one-hot rows, or labels",
                "undo label smoothing with argmax before measuring",
            )
    if classes is None and wide > 2 and truth.ndim == 1 and truth.dtype.kind in "iu":
        classes = range(wide)  # index truth: a class may have no row
    if classes is None and wide <= 2 and truth.ndim == 1 and truth.dtype.kind in "biu" and np.isin(truth, (0, 1)).all():
        classes, positive = [0, 1], 1 if positive is None else positive
    scores = Scores(y_true=y_true, y_score=y_score, classes=classes, positive=positive, kind="probability").known()
    k = scores.classes.k
    rows = row_log_loss(scores)
    clipped = n_clipped(scores)
    what = f"{scores.n:,} one-hot rows" if scores.n > 1 else "one one-hot row"
    reading = f"truth read as {what} of {k} classes" if hot else f"truth read as labels of {k} classes"
    if scores.binary and not hot:
        reading = f"truth read as labels of two classes, the score as the probability of {scores.classes.positive!r}"
    value = float(rows.mean())
    return CrossEntropy(value, float("inf") if clipped else value, rows, reading, scores.n, clipped)
