"""A schema applied to a table: the arrays that models learn from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cutline.data.mail import without_headers
from cutline.data.parse import Parsed, date_part, dates, level_codes, level_text, numbers, trimmed, truths
from cutline.data.raw import Raw
from cutline.data.read import read_table
from cutline.data.schema import MOST_LEVELS, Column, Schema
from cutline.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Features:
    """Feature arrays of n rows, read-only.

    Parameters
    ----------
    numeric : float64 array, shape (n, p)
        Numeric columns, booleans as 0 and 1, dates expanded into parts; nan where missing, never infinite.
    numeric_names : tuple of str, length p
        The column, or ``column (part)`` for dates.
    codes : int32 array, shape (n, q)
        Categorical columns: position among the levels, -1 where missing or unseen in training.
    categorical_names : tuple of str, length q
        The columns.
    cardinality : tuple of int, length q
        Number of levels of each.
    notes : tuple of str
        What was ignored, unseen or unreadable, with counts.
    raw : tuple of Raw
        Columns of texts and photos, for the members that read them.
    """

    numeric: NDArray[np.float64]
    numeric_names: tuple[str, ...]
    codes: NDArray[np.int32]
    categorical_names: tuple[str, ...]
    cardinality: tuple[int, ...]
    notes: tuple[str, ...]
    raw: tuple[Raw, ...] = ()

    @property
    def n(self) -> int:
        """Number of rows."""
        return int(self.numeric.shape[0])

    def __repr__(self) -> str:
        kinds = f"{len(self.numeric_names)} numeric, {len(self.categorical_names)} categorical"
        kinds += f", {len(self.raw)} of texts or photos" if self.raw else ""
        return f"Features({self.n:,} rows, {kinds})"


def features(schema: Schema, table: Any) -> Features:
    """Apply a schema to a table, by column name.

    Parameters
    ----------
    schema : Schema
        From `infer_schema` on the training rows.
    table : anything `read_table` reads
        Rows to learn from or to predict; in any order of columns, with or without the target.

    Raises
    ------
    DataError
        Columns that the schema uses are missing.

    Examples
    --------
    >>> from cutline.data import infer_schema
    >>> schema = infer_schema({"age": [31, 45], "plan": ["a", "b"], "left": [0, 1]}, target="left")
    >>> found = features(schema, {"plan": ["b", "z"], "age": ["27", "?"]})
    >>> found.numeric.tolist(), found.codes.tolist()
    ([[27.0], [nan]], [[1], [-1]])
    >>> found.notes
    ("column 'age': 1 cell(s) that are no number counted as missing: '?'",
     "column 'plan': 1 row(s) with levels unseen in training: 'z'")
    """
    return table_features(schema, read_table(table))


def table_features(schema: Schema, table: pa.Table) -> Features:
    """As `features`, of a table that `read_table` has read."""
    _check_present(schema, table.column_names)
    notes: list[str] = []
    known = {column.name for column in schema.columns} | {schema.target}
    extra = [name for name in table.column_names if name not in known]
    if extra:
        shown = ", ".join(map(repr, extra[:5])) + (", ..." if len(extra) > 5 else "")
        notes.append(f"{len(extra)} column(s) unknown in training ignored: {shown}")
    dense: dict[str, NDArray[np.float64]] = {}
    codes: dict[str, NDArray[np.int32]] = {}
    raw: list[Raw] = []
    for column in schema.used:
        values = table.column(column.name)
        if column.kind == "categorical":
            codes[column.name] = _codes(column, values, notes)
        elif column.kind in ("text", "mail", "photo"):
            cells = _cells(values)
            if column.kind == "mail":
                cells = np.array([without_headers(cell) for cell in cells], dtype=object)
            raw.append(Raw(column.name, "photo" if column.kind == "photo" else "text", cells, np.arange(len(cells))))
            if column.kind != "photo":
                dense[f"{column.name} (length)"] = np.log1p([float(len(cell)) for cell in raw[-1].cells])
        else:
            dense.update(_dense(column, values, notes))
    return Features(
        _finite(_stacked(dense, table.num_rows, np.float64), tuple(dense), notes),
        tuple(dense),
        _stacked(codes, table.num_rows, np.int32),
        tuple(codes),
        tuple(len(column.levels) for column in schema.used if column.kind == "categorical"),
        tuple(notes),
        tuple(raw),
    )


def _cells(values: pa.ChunkedArray) -> NDArray[Any]:
    """Cells as strings, "" where missing."""
    return np.array([cell or "" for cell in trimmed(level_text(values)).to_pylist()], dtype=object)


def _check_present(schema: Schema, names: list[str]) -> None:
    absent = [column.name for column in schema.used if column.name not in names]
    if not absent:
        return
    folded = {name.strip().casefold(): name for name in names}
    twins = {name: folded[name.strip().casefold()] for name in absent if name.strip().casefold() in folded}
    hint = "rename " + ", ".join(f"{came!r} to {name!r}" for name, came in list(twins.items())[:3]) if twins else ""
    shown = ", ".join(map(repr, absent[:6])) + (", ..." if len(absent) > 6 else "")
    raise DataError("table", f"no column {shown}", f"the {len(schema.used)} columns used in training", hint)


def _dense(column: Column, values: pa.ChunkedArray, notes: list[str]) -> dict[str, NDArray[np.float64]]:
    """The numeric feature or features of one column."""
    if column.kind == "date":
        parsed = dates(values, column.order)
        _tell(column, parsed, "date", notes)
        return {f"{column.name} ({part})": date_part(parsed.values, part) for part in column.parts}
    parsed = truths(values) if column.kind == "boolean" else numbers(values)
    _tell(column, parsed, "truth value" if column.kind == "boolean" else "number", notes)
    return {column.name: parsed.values}


def _finite(values: NDArray[np.float64], names: tuple[str, ...], notes: list[str]) -> NDArray[np.float64]:
    """The columns with nan for what is infinite."""
    infinite = np.isinf(values)
    if infinite.any():
        for name, count in zip(names, infinite.sum(axis=0), strict=True):
            if count:
                notes.append(f"column {name!r}: {count:,} infinite value(s) counted as missing")
        values = np.where(infinite, np.nan, values)
        values.setflags(write=False)
    return values


def _tell(column: Column, parsed: Parsed, what: str, notes: list[str]) -> None:
    if parsed.failed:
        shown = ", ".join(map(repr, parsed.examples))
        count = f"{parsed.failed:,} cell(s) that are no {what} counted as missing"
        notes.append(f"column {column.name!r}: {count}: {shown}")


def _codes(column: Column, values: pa.ChunkedArray, notes: list[str]) -> NDArray[np.int32]:
    import pyarrow as pa
    import pyarrow.compute as pc

    text = level_text(values)
    codes = level_codes(text, column.levels)
    if (codes >= 0).all():
        return codes
    unseen = (codes == -1) & pc.is_valid(text).to_numpy()
    if unseen.any():
        strange = pc.unique(text.filter(pa.chunked_array([pa.array(unseen)])))
        shown = ", ".join(repr(level[:40]) for level in strange[:3].to_pylist())
        what = "rare or unseen in training" if len(column.levels) >= MOST_LEVELS else "unseen in training"
        notes.append(f"column {column.name!r}: {int(unseen.sum()):,} row(s) with levels {what}: {shown}")
    return codes


def _stacked(columns: dict[str, Any], n: int, dtype: Any) -> NDArray[Any]:
    out = np.column_stack(list(columns.values())).astype(dtype, copy=False) if columns else np.empty((n, 0), dtype)
    out.setflags(write=False)
    return out
