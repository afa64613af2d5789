"""A threshold table that knows counts between fixed edges only: any number of rows in little memory, and mergeable.

Bucket j holds the scores with ``edges[j] <= score < edges[j + 1]``, the last one all from its edge on. Counts at an
edge are exact; what lies between edges, and every figure of the order, comes with the bounds of
`cutline.metrics.bounds`.
Empty buckets are kept, so that tables of different rows have the same thresholds and merge by addition.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cutline.errors import InputError, LabelError, ScoreError
from cutline.metrics.probability import ROW_LOSSES
from cutline.metrics.table import Weights
from cutline.scores import Scores

LOSSES = ("log_loss", "brier", "prediction_bias")
"""Means over rows that buckets keep exactly, as sums."""

EVEN = 65536
"""Buckets of equal width on [0, 1], when nothing else is asked for."""


class Buckets(NamedTuple):
    """Cumulative counts at bucket edges: what a `ThresholdTable` is made of."""

    thresholds: NDArray[np.float64]
    """+inf, then the lower edges of the buckets, strictly descending; shape (m,)."""
    tp: NDArray[np.int64]
    """Positive rows at or above each threshold, shape (m,)."""
    fp: NDArray[np.int64]
    weights: Weights | None
    """The same as sums of weights and of their squares."""
    losses: Mapping[str, NDArray[np.float64]]
    """Sums of weight times loss in each bucket, from the highest down, shape (m - 1,), by metric; empty without
    probabilities."""

    @property
    def edges(self) -> NDArray[np.float64]:
        """Lower edges of the buckets, ascending; shape (m - 1,)."""
        return self.thresholds[:0:-1]


def edges_of(edges: Any = EVEN) -> NDArray[np.float64]:
    """Ascending lower edges of buckets.

    Parameters
    ----------
    edges : int, "prefix16" or array-like
        A number of buckets of equal width on [0, 1], for probabilities; ``"prefix16"``, the 65 280 numbers whose
        float32 form ends in 16 zero bits, and -inf: for scores on any scale, each bucket at most 1 % of its edge wide;
        or the edges themselves, strictly ascending; the first may be -inf.

    Raises
    ------
    InputError
        None of these.
    """
    if isinstance(edges, str) and edges == "prefix16":
        magnitudes = (np.arange(0x7F80, dtype=np.uint32) << 16).view(np.float32).astype(np.float64)
        return np.concatenate([[-np.inf], -magnitudes[:0:-1], magnitudes])
    if isinstance(edges, int) and not isinstance(edges, bool) and edges > 0:
        return np.arange(edges) / edges
    try:
        values = np.asarray(edges, dtype=np.float64)
    except (TypeError, ValueError):
        values = np.empty(0)
    fine = values.ndim == 1 and len(values) > 0 and values[0] < np.inf and bool((np.diff(values) > 0).all())
    if not fine or not np.isfinite(values[1:]).all():
        wanted = "a number of buckets, 'prefix16', or strictly ascending edges"
        raise InputError("edges", repr(edges)[:60], wanted, "only the first edge may be infinite: -inf")
    return values + 0.0


def bucketed(scores: Scores, edges: Any = EVEN) -> Buckets:
    """Count the rows of binary scores between edges; rows without truth or with weight 0 do not count.

    Parameters
    ----------
    scores : Scores
        Binary, of any kind but "label". Probabilities and logits also give the sums of `LOSSES`.
    edges : int, "prefix16" or array-like
        As `edges_of` reads them.

    Raises
    ------
    LabelError, ScoreError
        More than two classes, predicted labels, or a score below the lowest edge.

    Examples
    --------
    >>> import cutline as cl
    >>> from cutline.metrics.buckets import bucketed
    >>> s = cl.Scores(y_true=[0, 1, 0, 1], y_score=[0.1, 0.4, 0.6, 0.9], kind="probability")
    >>> found = bucketed(s, 2)
    >>> found.thresholds.tolist(), found.tp.tolist(), found.fp.tolist()
    ([inf, 0.5, 0.0], [0, 1, 2], [0, 1, 2])
    """
    if not scores.binary:
        raise LabelError("scores", repr(scores.classes), "a binary problem", "use scores.one_vs_rest(name)")
    if scores.kind == "label":
        hint = "pass the scores of the model"
        raise ScoreError("y_score", "predicted labels", "scores with an order", hint, code="CT03")
    known, ladder = scores.known(), edges_of(edges)
    slot, size, positive = _slots(known.score, edges, ladder), len(ladder), known.is_positive

    def fill(kind: NDArray[np.bool_], weight: NDArray[np.float64] | None = None) -> NDArray[Any]:
        return _cumulated(np.bincount(slot[kind], None if weight is None else weight[kind], size)[::-1])

    weights, w = None, known.weight
    if w is not None:
        weights = Weights(fill(positive, w), fill(~positive, w), fill(positive, w * w), fill(~positive, w * w))
    losses: dict[str, NDArray[np.float64]] = {}
    if known.kind in ("probability", "logit"):
        for name in LOSSES:
            loss = ROW_LOSSES[name](known)
            losses[name] = np.bincount(slot, loss if w is None else w * loss, size)[::-1].astype(np.float64)
    return Buckets(np.append(np.inf, ladder[::-1]), fill(positive), fill(~positive), weights, losses)


def merged(a: Buckets, b: Buckets) -> Buckets:
    """The table of both sets of rows: associative and commutative, up to the rounding of sums of weights.

    Edges are equal, or one set contains the other; then the coarser set is kept. Losses are kept where both have them.

    Raises
    ------
    InputError
        Each side has edges that the other lacks: neither knows its counts at them.
    """
    if not np.array_equal(a.edges, b.edges):
        coarse = a.edges if len(a.edges) < len(b.edges) else b.edges
        a, b = coarsened(a, coarse), coarsened(b, coarse)
    weights = None
    if a.weights is not None or b.weights is not None:
        both = zip(_sums(a), _sums(b), strict=True)
        weights = Weights(*(mine + theirs for mine, theirs in both))
    losses = {name: a.losses[name] + b.losses[name] for name in a.losses.keys() & b.losses.keys()}
    return Buckets(a.thresholds, a.tp + b.tp, a.fp + b.fp, weights, losses)


def coarsened(table: Any, edges: Any) -> Buckets:
    """The same rows on fewer edges.

    Parameters
    ----------
    table : Buckets or ThresholdTable
        An exact table has its distinct scores for edges, and can be put on any.
    edges : int, "prefix16" or array-like
        Every one an edge of the table.

    Raises
    ------
    InputError
        The table has no counts at some edge, or rows below the lowest one.
    """
    ladder = edges_of(edges)
    exact = not isinstance(table, Buckets) and not table.bucketed
    lost = ladder[:0] if exact else np.setdiff1d(ladder, table.thresholds)
    if len(lost):
        raise InputError(
            "edges",
            f"{len(lost):,} edge(s) that the table lacks, the first {lost[0]:g}",
            "edges of the table",
            "fill all tables with the same edges, or with edges that contain those of the coarsest",
        )
    thresholds = np.append(np.inf, ladder[::-1])
    row = len(table.thresholds) - 1 - np.searchsorted(table.thresholds[:0:-1], thresholds, side="left")
    left_out = table.tp[-1] + table.fp[-1] - table.tp[row[-1]] - table.fp[row[-1]]
    if left_out:
        raise InputError("edges", f"{int(left_out):,} row(s) below {ladder[0]:g}", "a lowest edge below all scores")
    w = table.weights
    weights = None if w is None else Weights(w.tp[row], w.fp[row], w.tp2[row], w.fp2[row])
    # Sums over the whole buckets between the rows that stay.
    losses = {name: np.diff(_cumulated(each)[row]) for name, each in table.losses.items()}
    return Buckets(thresholds, table.tp[row], table.fp[row], weights, losses)


def mean_losses(table: Any) -> dict[str, float]:
    """Log loss, Brier score and prediction bias of a table that holds `losses`: exact, whatever the edges."""
    tp, fp = (table.tp, table.fp) if table.weights is None else (table.weights.tp, table.weights.fp)
    total = float(tp[-1]) + float(fp[-1])
    return {name: float(each.sum() / total) if total else np.nan for name, each in table.losses.items()}


def _slots(score: NDArray[Any], edges: Any, ladder: NDArray[np.float64]) -> NDArray[Any]:
    """The bucket of each score, counted from the lowest edge."""
    lowest = score.min(initial=np.inf)
    if lowest < ladder[0]:
        raise ScoreError("y_score", f"a score of {lowest:g}", f"scores from the lowest edge on, {ladder[0]:g}")
    if isinstance(edges, int) and edges & (edges - 1) == 0:
        # A product with a power of two is exact, and as good as a search.
        return np.minimum(score.astype(np.float64) * edges, edges - 1).astype(np.int32)
    if isinstance(edges, str):
        return _prefix_slots(score.astype(np.float64), ladder)
    return np.searchsorted(ladder, score, side="right") - 1


def _prefix_slots(score: NDArray[np.float64], ladder: NDArray[np.float64]) -> NDArray[Any]:
    """By the top bits of the signed magnitude of a float64: sign, exponent and the 7 bits of fraction of "prefix16".

    No edge lies inside such a prefix, but where float32 ends there are more of them than edges: a table translates.
    """
    shift, half = 45, 1 << 18
    bits = (score + 0.0).view(np.int64)
    prefix = np.where(bits < 0, -(bits & np.int64(2**63 - 1)), bits) >> shift
    numbers = np.arange(-half, half)
    firsts = np.copysign((np.abs(numbers) << shift).view(np.float64), numbers)
    return (np.searchsorted(ladder, firsts, side="right") - 1)[prefix + half]


def _cumulated(steps: NDArray[Any]) -> NDArray[Any]:
    """Running sums with a zero before them."""
    return np.concatenate([np.zeros(1, dtype=steps.dtype), np.cumsum(steps)])


def _sums(table: Buckets) -> tuple[NDArray[np.float64], ...]:
    """Sums of w over positives and negatives, then of w^2; a row without a weight weighs 1."""
    w = table.weights
    if w is not None:
        return w.tp, w.fp, w.tp2, w.fp2
    tp, fp = table.tp.astype(np.float64), table.fp.astype(np.float64)
    return tp, fp, tp, fp
