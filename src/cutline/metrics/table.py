"""The table of all thresholds: one sort, then counts at every one of them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from cutline import core
from cutline.errors import InputError, LabelError, ScoreError
from cutline.labels import Shown
from cutline.metrics.counts import Counts
from cutline.scores import Scores, frozen

if TYPE_CHECKING:
    from cutline.metrics.bounds import Bounds
    from cutline.metrics.curves import Curve
    from cutline.metrics.metric import Metric


FEW = 4096
"""Thresholds that are looked up one by one in the sorted rows; for more of them the arrays are made."""


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
    bucketed : bool
        True when the thresholds are the lower edges of buckets: rows between two edges have forgotten their order, and
        `bounds` gives what that leaves open. A figure of the order then takes the rows of a bucket for tied.
    losses : mapping of str to ndarray of shape (m,), optional
        Cumulative sums of row losses of a bucketed table, by the name of their metric.

    Examples
    --------
    >>> import cutline as cl
    >>> s = cl.Scores(y_true=[0, 0, 1, 1], y_score=[0.1, 0.6, 0.4, 0.9], kind="probability")
    >>> table = cl.ThresholdTable.from_scores(s)
    >>> table.tp, table.counts(at=0.5)
    (array([0, 1, 1, 2, 2]), Counts(tp=1, fp=1, fn=1, tn=1))
    >>> cl.ThresholdTable.in_buckets(s, 2).bounds(cl.roc_auc)
    Bounds(0.25 to 0.75)
    """

    _rows: core.Rows | None
    _made: dict[Any, Any]
    """What was computed so far: the arrays, the ranking, and counts by threshold."""

    def __init__(
        self,
        thresholds: NDArray[Any],
        tp: NDArray[Any],
        fp: NDArray[Any],
        weights: Weights | None = None,
        *,
        bucketed: bool = False,
        losses: Mapping[str, NDArray[Any]] | None = None,
    ) -> None:
        columns = np.asarray(thresholds, np.float64), np.asarray(tp, np.int64), np.asarray(fp, np.int64)
        object.__setattr__(self, "_rows", None)
        object.__setattr__(self, "_made", {"arrays": (*map(frozen, columns), weights)})
        if bucketed:
            self._made["bucketed"] = dict(losses or {})

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
                code="CT03",
            )
        known = scores.known()
        table = object.__new__(cls)
        object.__setattr__(table, "_rows", core.rows(known.score, known.is_positive, known.weight))
        object.__setattr__(table, "_made", {})
        return table

    @classmethod
    def of_sums(cls, thresholds: NDArray[Any], tp: NDArray[Any], fp: NDArray[Any]) -> ThresholdTable:
        """The table of cumulative sums of weights alone: of rows it knows where there are some, not how many."""
        positives, negatives = (np.cumsum(np.diff(side, prepend=0) > 0) for side in (tp, fp))
        return cls(thresholds, positives, negatives, Weights(tp, fp, tp, fp))

    @classmethod
    def in_buckets(cls, scores: Scores, edges: Any = 65_536) -> ThresholdTable:
        """Count rows between explicit edges in place of sorting them: small, mergeable, with certified bounds.

        Parameters
        ----------
        scores : Scores
            Binary scores with an order.
        edges : int, "prefix16" or array-like
            That many even buckets of [0, 1]; the first 16 bits of float32, which suits any scores; or rising edges.
        """
        from cutline.metrics import buckets

        return cls._of(buckets.bucketed(scores, edges))

    @classmethod
    def _of(cls, b: Any) -> ThresholdTable:
        return cls(b.thresholds, b.tp, b.fp, b.weights, bucketed=True, losses=b.losses)

    @property
    def bucketed(self) -> bool:
        """True when the thresholds are the edges of buckets."""
        return "bucketed" in self._made

    @property
    def losses(self) -> Mapping[str, NDArray[Any]]:
        """Cumulative sums of row losses of a bucketed table, by metric."""
        return self._made.get("bucketed", {})

    @property
    def edges(self) -> NDArray[np.float64]:
        """The lower edges of the buckets, rising; none for an exact table."""
        return self.thresholds[:0:-1] if self.bucketed else self.thresholds[:0]

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
            if self.bucketed and at not in self.thresholds and at != -np.inf:
                raise InputError(
                    "at",
                    f"{at!r} between two edges",
                    "an edge of the buckets",
                    "table.bounds(metric, at=) is certified",
                )
            return self._cut(at)[1 if self.weighted else 0]
        if self.weights is None:
            return _at_all(self.tp, self.fp)
        return _at_all(self.weights.tp, self.weights.fp)

    def counts_at(self, at: NDArray[Any]) -> Counts:
        """Like `counts`, at an array of thresholds in any order: shape (len(at),)."""
        if self._rows is not None and not self.weighted and "arrays" not in self._made and np.size(at) < FEW:
            # A table that was asked for nothing yet needs no arrays of all thresholds for a few of them.
            wanted = np.unique(np.asarray(at, np.float64))[::-1]
            flagged, tp = core.cuts(self._rows, wanted)[:, :2].astype(np.int64).T
            each = len(wanted) - 1 - np.searchsorted(wanted[::-1], at)
            every = _at_all(np.append(tp, self.n_pos), np.append(flagged - tp, self.n_neg))
            return Counts(*(np.asarray(getattr(every, name))[each] for name in ("tp", "fp", "fn", "tn")))
        row = len(self.thresholds) - 1 - np.searchsorted(self.thresholds[:0:-1], at, side="left")
        every = self.counts()
        return Counts(*(np.asarray(getattr(every, name))[row] for name in ("tp", "fp", "fn", "tn")))

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
        """The table of both sets of rows together; the order of merging does not matter.

        Buckets need equal edges, or edges of which one set contains the other; an exact table falls to the buckets of
        the other one.
        """
        if self.bucketed or other.bucketed:
            from cutline.metrics.buckets import Buckets, coarsened, merged

            sides = [
                Buckets(t.thresholds, t.tp, t.fp, t.weights, t.losses) if t.bucketed else coarsened(t, partner.edges)
                for t, partner in ((self, other), (other, self))
            ]
            return self._of(merged(*sides))
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

    def bounds(self, metric: Metric, *, at: float | None = None) -> Bounds:
        """The lowest and the highest value of a metric that the table allows; the value twice when it is exact.

        Parameters
        ----------
        metric : Metric
            ROC AUC, average precision, KS, or a count metric at a threshold that goes one way in tp and in fp.
        at : float, optional
            The threshold of a count metric.
        """
        from cutline.metrics import bounds

        c = self.counts()
        if self.bucketed and metric.of_counts and at is not None:
            return bounds.of_metric(metric, *bounds.counts_at(self.thresholds, c.tp, c.fp, at))
        certified = {"roc_auc": bounds.auc, "average_precision": bounds.average_precision, "ks": bounds.ks}
        if self.bucketed and metric.name in certified:
            return certified[metric.name](c.tp, c.fp)
        if self.bucketed:
            raise InputError("metric", metric.name, f"a metric of counts, or one of {', '.join(certified)}")
        value = float(metric.value(self, at=at))
        return bounds.Bounds(value, value)

    def roc(self) -> Curve:
        """False against true positive rate (`cutline.metrics.curves`)."""
        return self._curve("roc")

    def pr(self) -> Curve:
        """Recall against precision."""
        return self._curve("precision_recall")

    def det(self, *, probit: bool = False) -> Curve:
        """False positive against false negative rate, on normal quantiles with `probit`."""
        return self._curve("det", probit=probit)

    def gain(self) -> Curve:
        """Share flagged against recall."""
        return self._curve("gain")

    def lift(self) -> Curve:
        """Share flagged against lift."""
        return self._curve("lift")

    def cost(self, *, fp: float, fn: float, against: Literal["threshold", "flagged_rate"] = "threshold") -> Curve:
        """Cost a row of each threshold, at the costs of a false positive and of a false negative."""
        return self._curve("cost", fp=fp, fn=fn, against=against)

    def cost_envelope(self) -> Curve:
        """Least normalised cost by how much positives matter (Drummond & Holte 2006)."""
        return self._curve("cost_envelope")

    def net_benefit(self, *, at: Any = None, prevalence: float | None = None) -> Curve:
        """Net benefit by threshold probability, beside treating all and none (Vickers & Elkin 2006)."""
        return self._curve("net_benefit", at=at, prevalence=prevalence)

    def rates(self) -> tuple[NDArray[np.float64], ...]:
        """Thresholds, recall, false positive rate and precision, each of shape (m,); kept once computed."""
        if "rates" not in self._made:
            if self._rows is None or self.weighted:
                w = self.weights
                tp, fp = (self.tp, self.fp) if w is None else (w.tp, w.fp)
                with np.errstate(divide="ignore", invalid="ignore"):
                    found = self.thresholds, tp / np.float64(tp[-1]), fp / np.float64(fp[-1]), tp / (tp + fp)
            else:
                total = self.ranking(full=False)
                found = core.rates(self._rows, total.positives, total.negatives)  # type: ignore[assignment]
            self._made["rates"] = tuple(map(frozen, found))
        return self._made["rates"]

    def _curve(self, name: str, **about: Any) -> Curve:
        from cutline.metrics import curves

        return getattr(curves, name)(self, **about)

    def to_frame(self, *metrics: Metric | str, like: Any = None) -> Any:
        """A frame with threshold, tp, fp, fn, tn and a column for each metric, in the library of `like`.

        Parameters
        ----------
        *metrics : Metric or str
            Count metrics.
        like : frame or str, optional
            A frame of the wanted library, or its name: "pandas", "polars", "pyarrow" (the default).
        """
        from cutline.metrics import table_file

        return table_file.to_frame(self, *metrics, like=like)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the table as Parquet; `load` reads it back bit by bit."""
        from cutline.metrics import table_file

        table_file.save(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> ThresholdTable:
        """Read a table that `save` wrote."""
        from cutline.metrics import table_file

        return table_file.load(path)

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
        """Lists by column; infinite thresholds as None, which JSON can hold."""
        at = [t if np.isfinite(t) else None for t in self.thresholds.tolist()]
        return {"threshold": at, **self.counts().to_dict()}

    def __len__(self) -> int:
        return len(self.thresholds)

    def __repr__(self) -> str:
        tail = ", weighted" if self.weighted else ""
        what = "buckets" if self.bucketed else "distinct scores"
        return f"ThresholdTable({len(self) - 1:,} {what}, {self.n_pos:,} positive, {self.n_neg:,} negative{tail})"

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
