"""The table of all thresholds: one sort, then counts at every one of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline import core
from cutline.errors import InputError, LabelError, ScoreError
from cutline.labels import Shown
from cutline.metrics.counts import Counts
from cutline.scores import Scores, frozen


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class ThresholdTable(Shown):
    """Counts at every observed score.

    Index i speaks of the rule "positive iff score >= thresholds[i]". Row 0 is +inf, which flags nobody; the last row
    flags everybody. Rows with equal scores are one group and never split.

    Attributes
    ----------
    thresholds : ndarray of float64, shape (m,)
        +inf, then the distinct scores, strictly descending.
    tp, fp : ndarray of int64, shape (m,)
        Rows of the positive and negative class with a score at or above the threshold.
    weights : Weights or None
        The same as sums of weights, when there are weights.
    """

    thresholds: NDArray[np.float64]
    tp: NDArray[np.int64]
    fp: NDArray[np.int64]
    weights: Weights | None = None

    def __post_init__(self) -> None:
        for name in ("thresholds", "tp", "fp"):
            object.__setattr__(self, name, frozen(getattr(self, name)))

    @classmethod
    def from_scores(cls, scores: Scores) -> ThresholdTable:
        """Fill the table from binary scores; rows without truth or with weight 0 do not count.

        Raises
        ------
        LabelError
            More than two classes, or no truth.
        ScoreError
            Predicted labels: they have no order.
        """
        if not scores.binary:
            raise LabelError("scores", repr(scores.classes), "a binary problem", "use scores.one_vs_rest(name)")
        if scores.kind == "label":
            raise ScoreError(
                "y_score",
                "predicted labels",
                "scores with an order",
                "pass the scores of the model; ranking figures of hard labels mislead",
            )
        known = scores.known()
        swept = core.sweep(known.score, known.is_positive, known.weight)
        weights = None if swept.sums is None else Weights(*swept.sums.T)
        return cls(swept.threshold, swept.tp, swept.fp, weights)

    @property
    def positives(self) -> Any:
        """Rows (or sum of weights) of the positive class."""
        return self.tp[-1] if self.weights is None else self.weights.tp[-1]

    @property
    def negatives(self) -> Any:
        """Rows (or sum of weights) of the negative class."""
        return self.fp[-1] if self.weights is None else self.weights.fp[-1]

    @property
    def n_pos(self) -> int:
        """Rows of the positive class, whatever their weight."""
        return int(self.tp[-1])

    @property
    def n_neg(self) -> int:
        """Rows of the negative class, whatever their weight."""
        return int(self.fp[-1])

    def index(self, at: float) -> int:
        """Row of the table whose rule flags the same rows as ``score >= at``."""
        if np.isnan(at):
            raise InputError("at", "nan", "a threshold to compare scores with")
        # thresholds[1:] descends: count those that are still >= at.
        return int(len(self.thresholds) - 1 - np.searchsorted(self.thresholds[:0:-1], at, side="left"))

    def counts(self, at: float | None = None) -> Counts:
        """Counts at one threshold, or as arrays at all of them; sums of weights when there are weights."""
        tp, fp = (self.tp, self.fp) if self.weights is None else (self.weights.tp, self.weights.fp)
        return _counts(tp, fp, None if at is None else self.index(at))

    def rows(self, at: float | None = None) -> Counts:
        """Like `counts`, but rows, whatever their weight."""
        return _counts(self.tp, self.fp, None if at is None else self.index(at))

    def squares(self, at: float | None = None) -> Counts:
        """Like `counts`, but sums of squared weights: what effective numbers of rows are made of."""
        if self.weights is None:
            return self.rows(at)
        return _counts(self.weights.tp2, self.weights.fp2, None if at is None else self.index(at))

    def merge(self, other: ThresholdTable) -> ThresholdTable:
        """The table of both sets of rows together; the order of merging does not matter."""
        both = np.concatenate([self.thresholds, other.thresholds])
        ascending, inverse = np.unique(both, return_inverse=True)
        slot = len(ascending) - 1 - inverse

        def joined(mine: NDArray[Any], theirs: NDArray[Any]) -> NDArray[Any]:
            steps = np.zeros(len(ascending), dtype=np.result_type(mine, theirs))
            np.add.at(steps, slot, np.concatenate([np.diff(mine, prepend=0), np.diff(theirs, prepend=0)]))
            return np.cumsum(steps)

        weights = None
        if self.weights is not None or other.weights is not None:
            a, b = self._as_weights(), other._as_weights()
            weights = Weights(*(joined(getattr(a, s), getattr(b, s)) for s in Weights.__dataclass_fields__))
        return ThresholdTable(
            np.ascontiguousarray(ascending[::-1]), joined(self.tp, other.tp), joined(self.fp, other.fp), weights
        )

    def thinned(self, most: int, *, keep: tuple[float, ...] = ()) -> NDArray[np.int64]:
        """Row numbers for drawing: at most about `most`, in equal steps of the flagged share, and those in `keep`.

        Never used for a figure: a thinned curve is a picture.
        """
        flagged = self.tp + self.fp
        wanted = np.linspace(0, flagged[-1], min(most, len(flagged)))
        rows = np.searchsorted(flagged, wanted).clip(0, len(flagged) - 1)
        extra = [self.index(t) for t in keep]
        return np.unique(np.concatenate([rows, [0, len(flagged) - 1], extra]).astype(np.int64))

    def to_dict(self) -> dict[str, Any]:
        """Lists by column; +inf as None, which JSON can hold."""
        return {"threshold": [None, *self.thresholds[1:].tolist()], **self.counts().to_dict()}

    def __len__(self) -> int:
        return len(self.thresholds)

    def __repr__(self) -> str:
        tail = ", weighted" if self.weights is not None else ""
        return (
            f"ThresholdTable({len(self) - 1:,} distinct scores, {self.n_pos:,} positive, {self.n_neg:,} negative{tail})"
        )

    def _as_weights(self) -> Weights:
        if self.weights is not None:
            return self.weights
        tp, fp = self.tp.astype(np.float64), self.fp.astype(np.float64)
        return Weights(tp, fp, tp, fp)


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """Cumulative sums of weights (tp, fp) and of squared weights (tp2, fp2) beside a `ThresholdTable`, shape (m,)."""

    tp: NDArray[np.float64]
    fp: NDArray[np.float64]
    tp2: NDArray[np.float64]
    fp2: NDArray[np.float64]

    def __post_init__(self) -> None:
        for name in ("tp", "fp", "tp2", "fp2"):
            object.__setattr__(self, name, frozen(getattr(self, name)))


def _counts(tp: NDArray[Any], fp: NDArray[Any], row: int | None) -> Counts:
    positives, negatives = tp[-1], fp[-1]
    if row is None:
        return Counts(tp, fp, positives - tp, negatives - fp)
    hit, false = tp[row].item(), fp[row].item()
    return Counts(hit, false, positives.item() - hit, negatives.item() - false)
