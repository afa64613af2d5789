"""What each column is, decided once, on the training rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from cutline.data.names import find_column
from cutline.data.parse import (
    DATE_PARTS,
    THOUSANDS,
    Order,
    Parsed,
    date_part,
    dates,
    is_date,
    is_number,
    is_text,
    level_text,
    numbers,
    trimmed,
    truths,
)
from cutline.data.photo_files import SUFFIXES
from cutline.data.read import read_table, table_notes
from cutline.data.schema import MOST_LEVELS, Column, Schema, shortened
from cutline.errors import DataError, UnknownName

if TYPE_CHECKING:
    import pyarrow as pa

DECLARABLE = ("numeric", "categorical", "boolean", "date", "text", "mail", "photo", "identifier")
"""The kinds that ``types=`` may give a column."""

MOSTLY = 0.95
"""Share of the present cells that must read as a number or a date for a text column to become one."""
FEW_NUMBERS = 10
"""A text column with at most so many distinct numbers, and words beside them, keeps both as levels."""
ALL_DIFFERENT = 0.9
"""Share of distinct values from which a text column says who a row is, not what it is like."""
WRITTEN = r"\s|[^\x00-\x7F]{4}"
"""What marks a text: blanks, or a run of letters of a script that may have none."""
ENOUGH = 10
"""Fewer present values than this are never called an identifier or text for being all different."""
PHOTO = re.compile(r"\.(?i:" + "|".join(suffix[1:] for suffix in SUFFIXES) + ")$")
"""Ends of the names of photos."""
ID_NAME = re.compile(
    r"(^|[\W_])(?i:id|uuid|guid|index|idx|row|rownum|rownames)$|[a-z](Id|ID)$|^$|^Unnamed: 0$|^__index_level_0__$"
)
"""Names of columns that number the rows; ``""`` and ``Unnamed: 0`` are what pandas makes of a saved index."""


def infer_schema(
    table: Any, *, target: str | None, types: Mapping[str, str] | None = None, drop: Iterable[str] = ()
) -> Schema:
    """Decide what each column is, from the training rows alone.

    Parameters
    ----------
    table : anything `read_table` reads
        The training rows.
    target : str or None
        The column to predict; it is no feature.
    types : mapping of str to str, optional
        Column name to kind ("numeric", "categorical", "boolean", "date", "text", "mail", "photo", "identifier"),
        where the inferred one is wrong. Of a mail the headers but the subject are left out; identifiers are left out.
    drop : iterable of str, optional
        Columns to leave out.

    Returns
    -------
    Schema
        Its ``notes`` tell what was decided.

    Raises
    ------
    UnknownName
        A column or kind that does not exist.
    DataError
        A declared kind that no cell of the column fits, or no column that can be used.

    Notes
    -----
    Numbers are numeric, codes too: declare ``types={"code": "categorical"}``. A text column is a date or a number when
    95 % of its present cells are; the others count as missing. Text in which nearly every value is another one is an
    identifier, or text when it has blanks; paths of photos are photos. Numbers are an identifier when all differ and
    the name says so (id, index), or when they count the rows. Infinite values count as missing.
    """
    table = read_table(table)
    names = table.column_names
    if target is not None:
        find_column(target, names, argument="target")
    inputs = [name for name in names if name != target]
    declared = dict(types or {})
    for name, kind in declared.items():
        find_column(name, inputs, argument="types")
        if kind not in DECLARABLE:
            raise UnknownName.among(f"types[{name!r}]", str(kind), DECLARABLE)
    dropped = {find_column(name, inputs, argument="drop") for name in ([drop] if isinstance(drop, str) else drop)}
    columns = []
    for name in inputs:
        if name in dropped:
            columns.append(Column(name, "dropped", False, "dropped on request"))
            continue
        column = infer_column(name, table.column(name), declared.get(name))
        if target is not None and name.casefold() == target.casefold():
            note = f"has the name of the target {target!r} in other letters; drop it if it is a copy of the target"
            column = replace(column, notes=(*column.notes, note))
        columns.append(column)
    schema = Schema(tuple(columns), target, table_notes(table))
    if not schema.used:
        reasons = "; ".join(schema.notes) or "the target is the only column"
        raise DataError("table", f"no column that can be used ({reasons})", "at least one feature")
    return schema


def infer_column(name: str, values: pa.ChunkedArray, declared: str | None = None) -> Column:
    """Decide what one column is; see `infer_schema`."""
    import pyarrow as pa

    if is_text(values):
        values = trimmed(values)
    if values.null_count == len(values):
        return Column(name, "empty", False, "no value in any row")
    if declared == "identifier":
        return Column(name, "identifier", False, "declared; not used as a feature")
    if pa.types.is_nested(values.type) or pa.types.is_binary(values.type) or pa.types.is_large_binary(values.type):
        return Column(name, "nested", False, f"cells of type {values.type} are no plain values")
    if declared in ("text", "mail", "photo"):
        kind: Literal["text", "mail", "photo"] = declared  # type: ignore[assignment]
        return _raw(name, kind, _Counted.of(level_text(values)))
    if declared == "categorical":
        return _categorical(name, _Counted.of(level_text(values)))
    if declared == "boolean" or (declared is None and pa.types.is_boolean(values.type)):
        return _boolean(name, values)
    if declared == "date" or (declared is None and is_date(values)):
        return _date(name, values, _Counted.of(values) if is_text(values) else None)
    if declared == "numeric" or is_number(values):
        return _numeric(name, values, declared=declared is not None)
    return _text(name, values)


@dataclass(frozen=True, slots=True)
class _Counted:
    """The distinct strings of a column, the most frequent first, and how often each occurs."""

    names: pa.ChunkedArray
    counts: NDArray[np.int64]
    rows: int

    @classmethod
    def of(cls, text: pa.ChunkedArray) -> _Counted:
        import pyarrow as pa
        import pyarrow.compute as pc

        found = pc.value_counts(text.drop_null())
        pairs = pa.table({"name": found.field("values"), "count": found.field("counts")})
        pairs = pairs.sort_by([("count", "descending"), ("name", "ascending")])
        return cls(pairs["name"], np.asarray(pairs["count"].to_numpy()), len(text))

    @property
    def present(self) -> int:
        return int(self.counts.sum())

    def without_nan(self) -> _Counted:
        """Without the text "nan", which other libraries make of a missing value."""
        import pyarrow.compute as pc

        keep = pc.not_equal(pc.utf8_lower(self.names), "nan")
        return _Counted(self.names.filter(keep), self.counts[keep.to_numpy()], self.rows)

    def share(self, good: NDArray[np.bool_]) -> float:
        """Share of the present cells whose string is good."""
        return float(self.counts[good].sum() / self.present)


def _text(name: str, values: pa.ChunkedArray) -> Column:
    """A column of strings: numbers, dates, an identifier, text, or else categories."""
    import pyarrow.compute as pc

    seen = _Counted.of(values).without_nan()
    if not seen.present:
        return Column(name, "empty", False, "no value in any row")
    number = ~np.isnan(numbers(seen.names).values)
    mixed = not number.all()
    if seen.share(number) >= MOSTLY and not (mixed and number.sum() <= FEW_NUMBERS):
        return _numeric(name, values)
    if not number.any() and _date_order(seen).share >= MOSTLY:
        return _date(name, values, seen)
    if seen.share(number) >= 0.5:
        shown = ", ".join(map(repr, seen.names.filter(~number)[:3].to_pylist()))
        note = f"numbers and words mixed ({shown}); taken as categories, declare it numeric to count words as missing"
        column = _categorical(name, seen)
        return replace(column, notes=(note, *column.notes))
    distinct = len(seen.names)
    if (
        PHOTO.search(seen.names[0].as_py())
        and seen.share(pc.match_substring_regex(seen.names, PHOTO.pattern, ignore_case=True).to_numpy()) >= MOSTLY
    ):
        return _raw(name, "photo", seen)
    if seen.present >= ENOUGH and distinct >= ALL_DIFFERENT * seen.present:
        if seen.share(pc.match_substring_regex(seen.names, WRITTEN).to_numpy()) > 0.5:
            return _raw(name, "text", seen)
        return Column(name, "identifier", False, f"{distinct:,} distinct values in {seen.present:,} rows name the rows")
    words = float(np.average(pc.count_substring(seen.names, " ").to_numpy(), weights=seen.counts)) + 1
    if distinct > MOST_LEVELS and words >= 5:
        return _raw(name, "text", seen)
    return _categorical(name, seen)


def _raw(name: str, kind: Literal["text", "mail", "photo"], seen: _Counted) -> Column:
    """A column of texts, or of paths of photos."""
    gone = seen.rows - seen.present
    what = "distinct paths of photos"
    if kind != "photo":
        lengths = np.repeat([len(text) for text in seen.names.to_pylist()], seen.counts)
        what = f"distinct texts of about {int(np.median(lengths)):,} characters"
    return Column(name, kind, True, f"{len(seen.names):,} {what}{_missing(gone, seen.rows)}")


def _categorical(name: str, seen: _Counted) -> Column:
    gone = seen.rows - seen.present
    frequent = seen.names[:MOST_LEVELS].to_pylist()
    if len(seen.names) < 2 and not gone:
        return Column(name, "constant", False, f"always {shortened(frequent[0], 40)!r}")
    shown = ", ".join(shortened(level, 20) for level in frequent[:4]) + (", ..." if len(seen.names) > 4 else "")
    detail = f"{_count(len(seen.names), 'level')}: {shown}{_missing(gone, seen.rows)}"
    notes: tuple[str, ...] = ()
    if len(seen.names) > MOST_LEVELS:
        rest = int(seen.counts[MOST_LEVELS:].sum())
        notes = (
            f"the {MOST_LEVELS} most frequent of {len(seen.names):,} levels are kept; {_count(rest, 'row')} with "
            "rarer ones count as missing, as unseen levels do later",
        )
    return Column(name, "categorical", True, detail, levels=tuple(sorted(frequent, key=_level_key)), notes=notes)


def _numeric(name: str, column: pa.ChunkedArray, *, declared: bool = False) -> Column:
    import pyarrow.compute as pc

    parsed = numbers(column)
    infinite = np.isinf(parsed.values)
    present = parsed.values[np.isfinite(parsed.values)]
    notes = _failed(name, parsed, "number", len(column))
    if infinite.any():
        notes.append(f"{_count(int(infinite.sum()), 'infinite value')} counted as missing")
    if not present.size:
        return Column(name, "empty", False, "no number in any row", notes=tuple(notes))
    low, high, gone = float(present.min()), float(present.max()), len(column) - present.size
    if low == high and not gone:
        return Column(name, "constant", False, f"always {low:.10g}")
    whole = bool((present == np.floor(present)).all())
    distinct = np.unique(present).size if whole else 0
    one_each = whole and not gone and distinct == present.size >= ENOUGH
    if one_each and not declared and ((np.diff(present) == 1).all() or ID_NAME.search(name)):
        return Column(name, "identifier", False, f"{distinct:,} distinct whole numbers number the rows")
    if is_text(column) and pc.any(pc.match_substring_regex(column, THOUSANDS)).as_py():
        notes.append("commas between groups of three digits are thousands separators")
    counted = f", whole, {distinct:,} distinct" if whole else ""
    detail = f"{low:.6g} to {high:.6g}{counted}{_missing(gone, len(column))}"
    return Column(name, "numeric", True, detail, notes=tuple(notes))


def _boolean(name: str, column: pa.ChunkedArray) -> Column:
    parsed = truths(column)
    notes = _failed(name, parsed, "truth value", len(column))
    present = parsed.values[~np.isnan(parsed.values)]
    gone = len(column) - present.size
    if not present.size:
        return Column(name, "empty", False, "no value in any row")
    if not gone and (present == present[0]).all():
        return Column(name, "constant", False, f"always {'true' if present[0] else 'false'}")
    detail = f"true in {present.mean():.1%} of the rows".replace("%", " %") + _missing(gone, len(column))
    return Column(name, "boolean", True, detail, notes=tuple(notes))


@dataclass(frozen=True, slots=True)
class _Order:
    order: Order
    share: float
    sure: bool


def _date_order(seen: _Counted) -> _Order:
    """The order of writing in which most cells are dates; not sure when day and month could be swapped."""
    found: list[_Order] = []
    for order in get_args(Order):
        share = seen.share(~np.isnat(dates(seen.names, order).values))
        found.append(_Order(order, share, True))
        if order == "year first" and share > 0:
            return found[0]
    best = max(found, key=lambda one: one.share)
    return replace(best, sure=[one.share for one in found].count(best.share) == 1)


def _date(name: str, column: pa.ChunkedArray, seen: _Counted | None) -> Column:
    order = _Order("year first", 1.0, True) if seen is None else _date_order(seen)
    parsed = dates(column, order.order)
    notes = _failed(name, parsed, "date", len(column))
    present = parsed.values[~np.isnat(parsed.values)]
    gone = len(column) - present.size
    first, last = present.min(), present.max()
    if first == last and not gone:
        return Column(name, "constant", False, f"always {first}")
    if not order.sure:
        notes.append("no date tells whether the day or the month comes first; the day was taken")
    parts = tuple(part for part in DATE_PARTS if part == "days" or np.ptp(date_part(present, part)) > 0)
    how = f", {order.order}" if seen is not None and order.order != "year first" else ""
    detail = f"{np.datetime64(first, 'D')} to {np.datetime64(last, 'D')}{how}; gives {', '.join(parts)}"
    detail += _missing(gone, len(column))
    return Column(name, "date", True, detail, order=order.order, parts=parts, notes=tuple(notes))


def _failed(name: str, parsed: Parsed, what: str, rows: int) -> list[str]:
    """The note on cells that could not be read; DataError when none could."""
    if not parsed.failed:
        return []
    shown = ", ".join(map(repr, parsed.examples))
    if parsed.failed == rows or not (~np.isnan(parsed.values)).any():
        raise DataError(f"types[{name!r}]", f"no cell that is a {what} (such as {shown})", f"a column of {what}s")
    return [f"{_count(parsed.failed, 'cell')} counted as missing, being no {what}: {shown}"]


def _missing(gone: int, rows: int) -> str:
    if not gone:
        return ""
    return f"; {gone / rows:.1%}".replace("%", " % missing") if gone / rows >= 0.001 else f"; {gone} missing"


def _count(n: int, what: str) -> str:
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def _level_key(level: str) -> tuple[bool, float, str]:
    """Numbers by value before words by letter."""
    try:
        value = float(level)
    except ValueError:
        return True, 0.0, level
    return value != value, 0.0 if value != value else value, level
