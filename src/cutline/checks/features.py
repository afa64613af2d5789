"""Columns of tables, coded alike on both sides; and those that alone give the label."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cutline.checks.case import SAMPLE
from cutline.checks.finding import Seen
from cutline.evidence import stratified_folds
from cutline.metrics import roc_auc
from cutline.scores import Scores

if TYPE_CHECKING:
    import pyarrow as pa

ALONE = 0.995
"""ROC AUC, or balanced accuracy, of one column from which it is held to give the label."""
FEWEST = 10
"""Rows of each class that are needed to say so."""


def codes_of(columns: list[pa.ChunkedArray]) -> list[NDArray[np.int64]]:
    """A number for each value, the same in all columns, and -1 where missing; numbers are compared as numbers."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kinds = {c.type for c in columns}
    common = kinds.pop() if len(kinds) == 1 else pa.float64() if _are_numbers(columns) else pa.string()
    cast = [c if c.type == common else c.cast(common) for c in columns]
    joined = pa.chunked_array([chunk for c in cast for chunk in c.chunks], type=common).combine_chunks()
    if isinstance(joined, pa.ChunkedArray):
        joined = pa.concat_arrays(joined.chunks)
    coded = pc.fill_null(joined.dictionary_encode().indices.cast(pa.int64()), -1).to_numpy(zero_copy_only=False)
    return np.split(coded, np.cumsum([len(c) for c in columns])[:-1])


def keys_of(columns: list[pa.ChunkedArray], digits: int = 0) -> NDArray[np.uint64]:
    """What stands in each row of the columns, one after another: equal for equal values, and for missing ones.

    With `digits`, fractions are the same when they agree in so many: as they do after a detour over text or float32.
    """
    numbers = numbers_of(columns)
    if numbers is None:
        return np.concatenate(codes_of(columns)).astype(np.uint64)
    if digits and is_fraction(numbers):
        with np.errstate(divide="ignore", invalid="ignore"):
            power = 10.0 ** (digits - 1 - np.floor(np.log10(np.abs(numbers))))
            near = np.round(numbers * power) / power
        numbers = np.where(np.isfinite(near), near, numbers)
    return np.where(np.isnan(numbers), np.nan, numbers + 0.0).view(np.uint64)  # one nan, and no -0.0


def is_fraction(numbers: NDArray[np.float64] | None) -> bool:
    """Whether some of the numbers are not whole."""
    return numbers is not None and bool((numbers[np.isfinite(numbers)] % 1 != 0).any())


def numbers_of(columns: list[pa.ChunkedArray]) -> NDArray[np.float64] | None:
    """Columns of numbers, one after another, missing ones as nan; None where one has no numbers."""
    import pyarrow as pa

    if not _are_numbers(columns):
        return None
    return np.concatenate([c.cast(pa.float64(), safe=False).to_numpy() for c in columns])


def _are_numbers(columns: list[pa.ChunkedArray]) -> bool:
    import pyarrow as pa

    return all(pa.types.is_integer(c.type) or pa.types.is_floating(c.type) for c in columns)


def alone(tables: list[pa.Table], names: list[str], target: str, seed: int) -> Iterator[Seen]:
    """Columns that alone give the label."""
    truth = np.concatenate(codes_of([table.column(target) for table in tables]))
    rows = np.flatnonzero(truth >= 0)
    if len(rows) > SAMPLE:
        rows = rows[np.arange(SAMPLE) * len(rows) // SAMPLE]
    truth = truth[rows]
    counts = np.bincount(truth)
    if len(counts) < 2 or counts.min() < FEWEST:
        return
    fold = stratified_folds(truth, 2, seed)
    for name in names:
        columns = [table.column(name) for table in tables]
        numbers, how = numbers_of(columns), "balanced accuracy"
        some = None if numbers is None else _ordered(numbers[rows])
        codes = np.concatenate(codes_of(columns))[rows] if some is None else np.unique(some, return_inverse=True)[1]
        value = _best(codes.reshape(-1), truth, fold)
        if some is not None and len(counts) == 2:
            area = roc_auc.value(Scores(y_true=truth, y_score=some, kind="rank", classes=[0, 1]))
            area = max(area, 1 - area)
            value, how = (area, "ROC AUC") if area > value else (value, how)
        if value >= ALONE:
            yield Seen(
                f"column {name!r} alone gives the label {target!r}: {how} {value:.4f}",
                "a column that knows the answer was made from it, or after it: it will not be there, or not so, in use",
                f"model = cl.fit(train, target={target!r}, drop=[{name!r}])  # see where it comes from",
            )


def _best(codes: NDArray[np.int64], truth: NDArray[np.int64], fold: NDArray[np.int64]) -> float:
    """Balanced accuracy of the most frequent class of each value, learned on one half and tried on the other."""
    k = int(truth.max()) + 1
    if int(codes.max()) + 2 > len(codes) / 2:
        return 0.0  # hardly a value comes twice
    seen = np.bincount((codes[fold == 0] + 1) * k + truth[fold == 0], minlength=(int(codes.max()) + 2) * k)
    best = seen.reshape(-1, k).argmax(axis=1)
    right = best[codes[fold == 1] + 1] == truth[fold == 1]
    share = np.bincount(truth[fold == 1], right, k) / np.bincount(truth[fold == 1], minlength=k)
    return float(share.mean())


def _ordered(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """The numbers with missing ones below all others."""
    finite = np.isfinite(numbers)
    return np.where(finite, numbers, numbers[finite].min() - 1 if finite.any() else 0.0)
