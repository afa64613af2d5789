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


@dataclass(frozen=True, slots=True, repr=False, eq=False, init=False)
class ThresholdTable(Shown):
    """Counts at every observed score.

    Index i speaks of the rule "positive iff score >= thresholds[i]". Row 0 is +inf, which flags nobody; the last row
    flags everybody. Rows with equal scores are one group and never split.

    A table made of scores holds the sorted rows, 4 or 8 bytes each, and answers for single thresholds and for the order
    as a whole from them; the arrays below are made when they are first asked for.

    Parameters
    ----------
    thresholds : ndarray of float64, shape (m,)
        +inf, then the distinct scores, strictly descending.
    tp, fp : ndarray of int64, shape (m,)
        Rows of the positive and negative class with a score at or above the threshold.
    weights : Weights or None
        The same as sums of weights, when there are weights.
    """

    _rows: core.Rows | None
    _made: dict[Any, Any]
    """What was computed so far: the arrays, the ranking, and counts by threshold."""

    def __init__(
        self, thresholds: NDArray[Any], tp: NDArray[Any], fp: NDArray[Any], weights: Weights | None = None
    ) -> None:
        columns = np.asarray(thresholds, np.float64), np.asarray(tp, np.int64), np.asarray(fp, np.int64)
        object.__setattr__(self, "_rows", None)
        object.__setattr__(self, "_made", {"arrays": (*map(frozen, columns), weights)})

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
        table = object.__new__(cls)
        object.__setattr__(table, "_rows", core.rows(known.score, known.is_positive, known.weight))
        object.__setattr__(table, "_made", {})
        return table

    @property
    def thresholds(self) -> NDArray[np.float64]:
        """+inf, then the distinct scores, strictly descending; shape (m,)."""
        return self._arrays[0]

    @property
    def tp(self) -> NDArray[np.int64]:
        """Positive rows with a score at or above each threshold, shape (m,)."""
        return self._arrays[1]

    @property
    def fp(self) -> NDArray[np.int64]:
        """Negative rows with a score at or above each threshold, shape (m,)."""
        return self._arrays[2]

    @property
    def weights(self) -> Weights | None:
        """Cumulative sums of weights and of their squares, when there are weights."""
        return self._arrays[3] if self.weighted else None

    @property
    def weighted(self) -> bool:
        """True when rows have weights."""
        return self._made["arrays"][3] is not None if self._rows is None else len(self._rows.weight) > 0

    def ranking(self, *, full: bool = True) -> core.Ranking:
        """Pairs, placements and precision over the whole order (`core.Ranking`); kept once computed."""
        made: core.Ranking | None = self._made.get("ranking", None if full else self._made.get("pairs"))
        if made is None:
            if self._rows is not None:
                made = core.ranking(self._rows, full=full)
            else:
                w = self.weights
                made = core.ranking_of_table(self.tp, self.fp, None if w is None else (w.tp, w.fp, w.tp2, w.fp2))
            self._made["ranking" if full else "pairs"] = made
        return made

    @property
    def positives(self) -> Any:
        """Rows (or sum of weights) of the positive class."""
        return self._cut(-np.inf)[1].tp

    @property
    def negatives(self) -> Any:
        """Rows (or sum of weights) of the negative class."""
        return self._cut(-np.inf)[1].fp

    @property
    def n_pos(self) -> int:
        """Rows of the positive class, whatever their weight."""
        return int(self.ranking(full=False).rows_positive)

    @property
    def n_neg(self) -> int:
        """Rows of the negative class, whatever their weight."""
        return int(self.ranking(full=False).rows_negative)

    def index(self, at: float) -> int:
        """Row of the table whose rule flags the same rows as ``score >= at``."""
        _checked(at)
        # thresholds[1:] descends: count those that are still >= at.
        return int(len(self.thresholds) - 1 - np.searchsorted(self.thresholds[:0:-1], at, side="left"))

    def counts(self, at: float | None = None) -> Counts:
        """Counts at one threshold, or as arrays at all of them; sums of weights when there are weights."""
        if at is not None:
            return self._cut(at)[1 if self.weighted else 0]
        if self.weights is None:
            return _at_all(self.tp, self.fp)
        return _at_all(self.weights.tp, self.weights.fp)

    def rows(self, at: float | None = None) -> Counts:
        """Like `counts`, but rows, whatever their weight."""
        return _at_all(self.tp, self.fp) if at is None else self._cut(at)[0]

    def squares(self, at: float | None = None) -> Counts:
        """Like `counts`, but sums of squared weights: what effective numbers of rows are made of."""
        if not self.weighted:
            return self.rows(at)
        if at is not None:
            return self._cut(at)[2]
        assert self.weights is not None
        return _at_all(self.weights.tp2, self.weights.fp2)

    def sorted_rows(self) -> core.Rows:
        """The rows from the highest score to the lowest, for kernels; of a table made of counts, one for each count."""
        if self._rows is not None:
            return self._rows
        if self.weighted:
            raise InputError("table", "cumulated weights", "a table made of scores", "it has no single rows")
        steps = np.column_stack([np.diff(self.fp), np.diff(self.tp)]).reshape(-1)
        keys = np.repeat(np.arange(len(steps), dtype=np.uint64), steps)
        return core.Rows(keys, (0, 0, 0), self.thresholds[1:], core.NONE)

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

    @property
    def _arrays(self) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64], Weights | None]:
        if "arrays" not in self._made:
            assert self._rows is not None
            swept = core.sweep(self._rows)
            weights = None if swept.sums is None else Weights(*swept.sums.T)
            self._made["arrays"] = frozen(swept.threshold), frozen(swept.tp), frozen(swept.fp), weights
        return self._made["arrays"]

    def _cut(self, at: float) -> tuple[Counts, Counts, Counts]:
        """Rows, weights and squared weights at one threshold; the last two are the rows again without weights."""
        at = _checked(at)
        if at not in self._made:
            if self._rows is not None:
                # The last cut is the totals, summed in the same order: what is left at the lowest score is exactly 0.
                cut, total = core.cuts(self._rows, np.array([at, -np.inf])).tolist()
                found = _split(int(cut[1]), int(cut[0] - cut[1]), int(total[1]), int(total[0] - total[1]))
                w, w2 = (_split(*cut[i : i + 2], *total[i : i + 2]) for i in (2, 4))
                self._made[at] = (found, w, w2) if self.weighted else (found, found, found)
            else:
                row, held = self.index(at), self.weights
                columns = (
                    [(self.tp, self.fp)] * 3
                    if held is None
                    else [(self.tp, self.fp), (held.tp, held.fp), (held.tp2, held.fp2)]
                )
                self._made[at] = tuple(_split(*(c[i].item() for i in (row, -1) for c in pair)) for pair in columns)
        return self._made[at]

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


def _checked(at: float) -> float:
    if np.isnan(at):
        raise InputError("at", "nan", "a threshold to compare scores with")
    return float(at)


def _split(tp: Any, fp: Any, positives: Any, negatives: Any) -> Counts:
    """Counts of the flagged and, as what is left of the totals, of the others."""
    return Counts(tp, fp, positives - tp, negatives - fp)


def _at_all(tp: NDArray[Any], fp: NDArray[Any]) -> Counts:
    return Counts(tp, fp, tp[-1] - tp, fp[-1] - fp)
