"""Columns of tables, coded alike on both sides; and those that alone give the label."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

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


def codes_of(columns: list[pa.ChunkedArray], digits: int = 0) -> list[NDArray[np.int64]]:
    """A number for each value, the same in all columns, and -1 where missing; numbers are compared as numbers.

    With `digits`, fractions are the same when they agree in so many: as they do after a detour over text or float32.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    kinds = {c.type for c in columns}
    common = kinds.pop()
    if kinds:  # numbers are compared as numbers, all else as text
        number = all(pa.types.is_integer(k) or pa.types.is_floating(k) for k in (common, *kinds))
        common = pa.float64() if number else pa.string()
    cast = [c if c.type == common else c.cast(common) for c in columns]
    joined = pa.chunked_array([chunk for c in cast for chunk in c.chunks], type=common).combine_chunks()
    if isinstance(joined, pa.ChunkedArray):
        joined = pa.concat_arrays(joined.chunks)
    if digits and pa.types.is_floating(common):
        joined = _rounded(joined, digits)
    coded = pc.fill_null(joined.dictionary_encode().indices.cast(pa.int64()), -1).to_numpy(zero_copy_only=False)
    return np.split(coded, np.cumsum([len(c) for c in columns])[:-1])


def is_fraction(column: pa.ChunkedArray) -> bool:
    """Whether a column has floating point numbers that are not all whole."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_floating(column.type):
        return False
    return not bool(pc.all(pc.equal(column, pc.floor(column))).as_py())


def _rounded(column: Any, digits: int) -> Any:
    """Numbers to so many significant digits, missing ones as they are."""
    import pyarrow as pa

    values = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
    with np.errstate(divide="ignore", invalid="ignore"):
        power = 10.0 ** (digits - 1 - np.floor(np.log10(np.abs(values))))
        near = np.round(values * power) / power
    kept = np.where(np.isfinite(near), near, values) + 0.0
    return pa.array(kept, mask=np.isnan(values))


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
        value, how = _best(np.concatenate(codes_of(columns))[rows], truth, fold), "balanced accuracy"
        numbers = _numbers(columns)
        if numbers is not None and len(counts) == 2:
            area = roc_auc.value(Scores(y_true=truth, y_score=numbers[rows], kind="rank", classes=[0, 1]))
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


def _numbers(columns: list[pa.ChunkedArray]) -> NDArray[np.float64] | None:
    """A column of numbers, missing ones below all others; None for any other."""
    import pyarrow as pa

    if not all(pa.types.is_integer(c.type) or pa.types.is_floating(c.type) for c in columns):
        return None
    values = np.concatenate([c.cast(pa.float64()).to_numpy() for c in columns])
    finite = np.isfinite(values)
    return np.where(finite, values, values[finite].min() - 1 if finite.any() else 0.0)
