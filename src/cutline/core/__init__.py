"""Kernels: arrays in, arrays out.

The only module that touches the compiled extension. It makes arrays contiguous and of a type the extension knows,
and owns no policy; user arrays are checked once, in `cutline.scores`.

Rows are sorted as integers (NumPy's sort, which picks SIMD code at run time): the place of a score below the highest
one, with the label in the lowest bit; see keys.hpp.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cutline.core import _kernels

__all__ = [
    "Order",
    "Ranking",
    "Resampled",
    "Rows",
    "Sweep",
    "argmax_rows",
    "bootstrap",
    "by_class",
    "copied",
    "cuts",
    "numbered",
    "ranking",
    "ranking_of_table",
    "rates",
    "row_hashes",
    "rows",
    "scores_of",
    "sweep",
    "threads",
    "times_drawn",
]

NONE = np.empty(0)
"""Stands for an array that is absent."""

LARGE = 500_000
"""Rows from which on a second thread pays."""

Range = tuple[int, int, int]
"""Lowest and highest score as signed magnitudes, and the gap around zero."""


class Rows(NamedTuple):
    """All rows in order, the highest score first; among equal scores the negatives before the positives."""

    keys: NDArray[Any]
    """uint32 or uint64: place below the highest score, times two, plus one for a positive row."""
    range: Range
    values: NDArray[Any]
    """The distinct scores by place, where places are ranks; else empty. Of the type of the scores."""
    weight: NDArray[np.float64]
    """Weights in the same order; empty without."""


class Sweep(NamedTuple):
    """Cumulative counts at every distinct score.

    Index i speaks of the rows with ``score >= threshold[i]``; row 0 is +inf, nobody.
    """

    threshold: NDArray[np.float64]
    tp: NDArray[np.int64]
    fp: NDArray[np.int64]
    sums: NDArray[np.float64] | None
    """With weights, shape (rows, 4): sum of w over positives, over negatives, sum of w^2 over positives, negatives."""


class Ranking(NamedTuple):
    """What the order of the rows says in one number each; without weights a weight is 1."""

    positives: float
    """Sum of weights of the positive class."""
    negatives: float
    square_positives: float
    """Sum of squared weights."""
    square_negatives: float
    rows_positive: float
    rows_negative: float
    right: float
    """Twice the weight of the pairs (positive, negative) in the right order; a tie counts once here, once in wrong."""
    wrong: float
    spread_positive: float
    """Sum over the positives of w^2 times the squared deviation of the placement from the AUC (DeLong)."""
    spread_negative: float
    average_precision: float
    """Mean over the positives, by weight, of the precision at their score; nan without positives."""
    ks: float
    """Largest absolute difference of the true and the false positive rate."""


class Resampled(NamedTuple):
    """Bootstrap replicates of the figures of sorted rows; index r is the replicate."""

    auc: NDArray[np.float64]
    """ROC AUC, shape (replicates,); nan where a class drew no row."""
    average_precision: NDArray[np.float64]
    """Shape (replicates,); nan where no positive row was drawn."""
    tp: NDArray[Any]
    """Positive rows (or their weight) above each cut, shape (replicates, m)."""
    fp: NDArray[Any]
    sums: NDArray[np.float64]
    """Sums of the columns above each cut, shape (replicates, m, c)."""


class Order(NamedTuple):
    """Sorted rows and their numbers."""

    number: NDArray[np.uint32]
    rows: Rows


def threads() -> int:
    """How many threads to use: CUTLINE_THREADS or OMP_NUM_THREADS where set, else the cores this process may use."""
    for name in ("CUTLINE_THREADS", "OMP_NUM_THREADS"):
        if os.environ.get(name, "").isdecimal():
            return max(1, int(os.environ[name]))
    affinity = getattr(os, "sched_getaffinity", None)  # not on every system
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def copied(values: NDArray[Any]) -> tuple[NDArray[Any], float, float]:
    """A contiguous copy of float32 or float64 values, the smallest and the largest; both nan if any is not finite.

    Reads the memory once.
    """
    flat = _contiguous(values, values.dtype.newbyteorder("=")).reshape(-1)
    out = np.empty_like(flat)
    bottom, top, _ = _kernels.copy(flat, out, _parts(flat.size))
    if not flat.size:
        return out.reshape(values.shape), 0.0, 0.0
    low, high = _value(bottom, flat.dtype), _value(top, flat.dtype)
    if not (np.isfinite(low) and np.isfinite(high)):
        low = high = float("nan")
    return out.reshape(values.shape), low, high


def rows(score: NDArray[Any], positive: NDArray[Any], weight: NDArray[Any] | None = None) -> Rows:
    """Sort the rows once.

    Parameters
    ----------
    score : ndarray of float32 or float64, shape (n,)
        Finite scores.
    positive : ndarray of bool or uint8, shape (n,)
        1 for the positive class.
    weight : ndarray of float, shape (n,), optional
        Non-negative weights.
    """
    score = _contiguous(score, score.dtype if score.dtype in (np.float32, np.float64) else np.float64)
    positive = _contiguous(positive, np.uint8)
    if not len(score) == len(positive) == (len(score) if weight is None else len(weight)):
        raise AssertionError("lengths differ")  # the extension reads all of them by one length
    if weight is not None:
        found, sorted_rows, bits = _by_index(score, positive)
        _kernels.gather(sorted_rows, _contiguous(weight, np.float64), bits)
        return found._replace(weight=sorted_rows.view(np.float64))
    score, extent, ranks = _measured(score)
    if ranks:
        return _ranked(score, positive, extent)
    keys = np.empty(len(score), dtype=f"u{score.itemsize}")
    parts = _parts(len(score))
    if parts == 1:
        _kernels.pack(score, positive, extent, keys)
        keys.sort()
    else:
        ends = _kernels.pack_parts(score, positive, extent, keys, parts)
        with ThreadPoolExecutor(parts) as pool:  # NumPy sorts without the GIL
            list(pool.map(lambda i, j: keys[i:j].sort(), [0, *ends], ends))
    return Rows(keys, extent, np.empty(0, score.dtype), NONE)


def numbered(score: NDArray[Any], positive: NDArray[Any], weight: NDArray[Any] | None = None) -> Order:
    """`rows`, each with its number."""
    found, packed, bits = _by_index(_contiguous(score, score.dtype), _contiguous(positive, np.uint8))
    number = np.empty(len(packed), dtype=np.uint32)
    _kernels.row_numbers(packed, bits, number)
    if weight is not None:
        found = found._replace(weight=_contiguous(weight, np.float64)[number])
    return Order(number, found)


def by_class(
    order: Order, codes: NDArray[Any], classes: int, found: Ranking, influence: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """One class, the positive one of `order`, against each other one.

    Parameters
    ----------
    order : Order
        The rows by the score of the class.
    codes : ndarray of int, shape (n,)
        The class of each row, in the order of the row numbers; up to 2^15 classes.
    classes : int
        Number of classes.
    found : Ranking
        That of `order.rows`.
    influence : ndarray of float64, shape (n,), optional
        Each row's share in the deviation of the AUC from its expectation is added to it.

    Returns
    -------
    ndarray of float64, shape (classes,)
        Entry j: twice the weight of the pairs (row of the class, row of class j) in the right order, a tie
        counting half. The entry of the class itself means nothing.
    """
    right = np.zeros(classes)
    auc = found.right / (found.right + found.wrong) if found.right + found.wrong else 0.0
    _kernels.by_class(
        order.rows.keys, order.number, order.rows.weight, _contiguous(codes, np.int16), auc, found.positives,
        found.negatives, right, NONE if influence is None else influence,
    )  # fmt: skip
    return right


def argmax_rows(score: NDArray[Any]) -> NDArray[np.int32]:
    """The first of the largest values of each row of float scores, shape (n, k)."""
    out = np.empty(len(score), dtype=np.int32)
    flat = _contiguous(score, np.float32 if score.dtype == np.float32 else np.float64).reshape(-1)
    _kernels.argmax_rows(flat, score.shape[1], out)
    return out


def ranking(found: Rows, *, full: bool = True) -> Ranking:
    """The figures of the order; without `full`, which is faster, spread, precision and KS are left at 0."""
    return Ranking(*_kernels.ranking(found.keys, found.weight, full, _parts(len(found.keys))))


def ranking_of_table(tp: NDArray[Any], fp: NDArray[Any], sums: tuple[NDArray[Any], ...] | None) -> Ranking:
    """The same of cumulative counts, shape (m,); `sums` are the columns of those of a `Sweep`."""
    four = [NONE] * 4 if sums is None else [_contiguous(each, np.float64) for each in sums]
    return Ranking(*_kernels.ranking_of_table(_contiguous(tp, np.int64), _contiguous(fp, np.int64), four))


def sweep(found: Rows) -> Sweep:
    """Counts at every distinct score."""
    m = _kernels.group_count(found.keys) + 1
    threshold, tp, fp = np.empty(m), np.empty(m, np.int64), np.empty(m, np.int64)
    _kernels.fill(found.keys, found.range, found.values, threshold, tp, fp)
    sums = None
    if len(found.weight):
        sums = np.empty((m, 4))
        _kernels.sums(found.keys, found.weight, sums.reshape(-1))
    return Sweep(threshold, tp, fp, sums)


def rates(found: Rows, positives: float, negatives: float) -> tuple[NDArray[np.float64], ...]:
    """Thresholds, recall, false positive rate and precision at +inf and at every distinct score; without weights."""
    out = tuple(np.empty(_kernels.group_count(found.keys) + 1) for _ in range(4))
    _kernels.rates(found.keys, found.range, found.values, positives, negatives, *out)
    return out


def cuts(found: Rows, at: NDArray[Any]) -> NDArray[np.float64]:
    """Rows at or above each threshold, given from high to low, shape (m,).

    Returns
    -------
    ndarray of float64, shape (m, 6)
        Rows, positive rows, and with weights the four sums of a `Sweep`.
    """
    out = np.zeros((len(at), 6))
    _kernels.cuts(found.keys, found.range, found.values, found.weight, _contiguous(at, np.float64), out.reshape(-1))
    return out


def bootstrap(
    found: Rows,
    *,
    cut: NDArray[Any],
    columns: NDArray[Any] | None = None,
    replicates: int,
    seed: int,
    first: int = 0,
) -> Resampled:
    """Poisson bootstrap: every row is drawn Poisson(1) times in each replicate.

    Replicate r depends on (seed, r) and the rows alone, never on the number of threads or on `first`.

    Parameters
    ----------
    found : Rows
        The sorted rows.
    cut : ndarray of int, shape (m,)
        Numbers of rows, rising, each at the end of a tie; sums are given over that many of the first rows.
    columns : ndarray of float, shape (n, c), optional
        Numbers of each row in order, at most four, such as its log loss; read as float32.
    replicates, seed : int
        How many replicates, and the seed of the draws.
    first : int
        The first replicate, a multiple of 32.
    """
    n, m = len(found.keys), len(cut)
    loss = np.empty((n, 0), np.float32) if columns is None else np.ascontiguousarray(columns, dtype=np.float32)
    if loss.shape != (n, loss.shape[1]) or loss.shape[1] > 4 or first % 32:
        raise AssertionError(f"columns of shape {loss.shape} for {n} rows, first replicate {first}")
    c, weighted = loss.shape[1], len(found.weight) > 0
    auc, precision, losses = np.empty(replicates), np.empty(replicates), np.empty((replicates, m, c))
    rows_above = np.empty((0 if weighted else replicates, m, 2), dtype=np.uint32)
    weight_above = np.empty((replicates if weighted else 0, m, 2))
    flat = (each.reshape(-1) for each in (rows_above, weight_above, losses))
    _kernels.bootstrap(
        found.keys, found.weight, loss.reshape(-1), c, _contiguous(cut, np.uint64), seed % 2**64, first, threads(),
        auc, precision, *flat,
    )  # fmt: skip
    above = weight_above if weighted else rows_above.astype(np.int64)
    return Resampled(auc, precision, above[:, :, 0], above[:, :, 1], losses)


def times_drawn(n: int, *, replicates: int, seed: int, first: int = 0) -> NDArray[np.uint16]:
    """How many times `bootstrap` draws each of n rows, shape (replicates, n); `first` is a multiple of 32."""
    out = np.empty((-(-replicates // 32), n, 32), dtype=np.uint16)
    for block, drawn in enumerate(out):
        _kernels.times_drawn(seed % 2**64, first // 32 + block, drawn.reshape(-1))
    return out.transpose(0, 2, 1).reshape(-1, n)[:replicates]


def row_hashes(score: NDArray[Any], codes: NDArray[Any] | None) -> tuple[int, int]:
    """Sum and xor of a 64-bit hash of each row's scores, shape (n,) or (n, k), and code: the order does not matter."""
    flat = _contiguous(score, np.float32 if score.dtype == np.float32 else np.float64).reshape(-1)
    if codes is None:
        codes = np.empty(0, np.int8)
    codes = _contiguous(codes, np.int8 if codes.dtype == np.int8 else np.int32)
    total, xor = _kernels.row_hashes(flat, codes, score.shape[1] if score.ndim == 2 else 1)
    return total, xor


def scores_of(found: Rows, start: int = 0, stop: int | None = None) -> NDArray[np.float64]:
    """Scores of the rows from `start` to `stop` in order, float64."""
    keys = found.keys[start:stop]
    if len(found.values):
        return found.values[keys >> 1].astype(np.float64, copy=False)
    out = np.empty(len(keys), dtype=f"f{keys.itemsize}")
    _kernels.scores(keys, found.range, out)
    return out.astype(np.float64, copy=False)


def _measured(score: NDArray[Any]) -> tuple[NDArray[Any], Range, bool]:
    """Scores, their range, and whether it leaves no bit for the label, so that keys must be ranks."""
    if not len(score):
        return score, (0, 0, 0), False
    if len(score) >> 31:  # as many ranks would not fit beside a label
        score = score.astype(np.float64, copy=False)
    extent = _kernels.range(score, _parts(len(score)))
    width = (_kernels.width32 if score.dtype == np.float32 else _kernels.width64)(extent)
    return score, extent, width > 8 * score.itemsize - 1


def _by_index(score: NDArray[Any], positive: NDArray[np.uint8]) -> tuple[Rows, NDArray[np.uint64], int]:
    """Sort rows that carry their number: keys without weights, and integers whose lowest bits are the row numbers."""
    if len(score) >> 32:
        raise MemoryError("more than 2^32 rows with weights: merge the tables of parts")
    score, extent, ranks = _measured(score)
    n = len(score)
    bits = max(n - 1, 1).bit_length()
    width = (_kernels.width32 if score.dtype == np.float32 else _kernels.width64)(extent) if n else 0
    drop = max(0, width + 1 + bits - 64)
    packed = np.empty(n, dtype=np.uint64)
    _kernels.pack_index(score, positive, extent, drop, bits, packed)
    packed.sort()
    keys, values = np.empty(n, dtype=f"u{score.itemsize}"), np.empty(n if ranks else 0, score.dtype)
    distinct = _kernels.unpack_index(packed, score, extent, drop, bits, keys, values)
    return Rows(keys, extent, values[:distinct] if ranks else values, NONE), packed, bits


def _ranked(score: NDArray[Any], positive: NDArray[np.uint8], extent: Range) -> Rows:
    """For a range that leaves no bit for the label: sorted by sign, then numbered; places are ranks."""
    n = len(score)
    keys, values = np.empty(n, dtype=f"u{score.itemsize}"), np.empty(n, score.dtype)
    front = _kernels.pack_by_sign(score, positive, keys)
    keys[:front].sort()
    keys[front:].sort()
    rank = _kernels.rank_by_sign32 if score.dtype == np.float32 else _kernels.rank_by_sign64
    return Rows(keys, extent, values[: rank(keys, front, values)], NONE)


def _value(magnitude: int, dtype: np.dtype[Any]) -> float:
    """The float of a signed magnitude."""
    size = 8 * dtype.itemsize
    bits = abs(magnitude) | (1 << (size - 1) if magnitude < 0 else 0)
    return float(np.array(bits, dtype=f"u{dtype.itemsize}").view(dtype)[()])


def _parts(n: int) -> int:
    return min(threads(), n // LARGE) or 1


def _contiguous(values: NDArray[Any], dtype: Any) -> NDArray[Any]:
    return np.ascontiguousarray(values, dtype=dtype)
