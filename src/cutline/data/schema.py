"""What each column is, decided once on the training rows, printed, and carried with the model."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
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
from cutline.data.read import read_table, table_notes
from cutline.errors import DataError, UnknownName

if TYPE_CHECKING:
    import pyarrow as pa

Kind = Literal[
    "numeric", "categorical", "boolean", "date", "text", "identifier", "constant", "empty", "nested", "dropped"
]
DECLARABLE = ("numeric", "categorical", "boolean", "date", "text", "identifier")
"""The kinds that ``types=`` may give a column."""

MOSTLY = 0.95
"""Share of the present cells that must read as a number or a date for a text column to become one."""
FEW_NUMBERS = 10
"""A text column with at most so many distinct numbers, and words beside them, keeps both as levels."""
MOST_LEVELS = 200
"""Levels a categorical column keeps, the most frequent ones; more would be nearly one row each."""
ALL_DIFFERENT = 0.9
"""Share of distinct values from which a text column says who a row is, not what it is like."""
ENOUGH = 10
"""Fewer present values than this are never called an identifier or text for being all different."""
ID_NAME = re.compile(
    r"(^|[\W_])(?i:id|uuid|guid|index|idx|row|rownum|rownames)$|[a-z](Id|ID)$|^$|^Unnamed: 0$|^__index_level_0__$"
)
"""Names of columns that number the rows; ``""`` and ``Unnamed: 0`` are what pandas makes of a saved index."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the training table and what is made of it.

    Parameters
    ----------
    name : str
        As in the table.
    kind : str
        "numeric", "categorical", "boolean" or "date" where a model can use it; "text", "identifier", "constant",
        "empty" or "nested" where it is left out; "dropped" on request.
    used : bool
        Whether it becomes a feature.
    detail : str
        The range, the levels, or the reason why it is left out.
    levels : tuple of str
        Of a categorical column, sorted; position is the code.
    order : str
        How the dates of a text column are written: "year first", "day first" or "month first".
    parts : tuple of str
        What a date is expanded into: those of `DATE_PARTS` that vary.
    notes : tuple of str
        Decisions that a reader should know of, as sentences.
    """

    name: str
    kind: Kind
    used: bool
    detail: str
    levels: tuple[str, ...] = ()
    order: Order = "year first"
    parts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class Schema:
    """The columns a model was trained on.

    Parameters
    ----------
    columns : tuple of Column
        All columns of the training table but the target, in its order.
    target : str or None
        The target column.

    Examples
    --------
    >>> table = {"age": [31, 45, 28, 39], "plan": ["a", "b", "a", None], "left": ["no", "yes", "no", "no"]}
    >>> infer_schema(table, target="left")
    column  kind         used  detail
    age     numeric      yes   28 to 45, whole, 4 distinct
    plan    categorical  yes   2 levels: a, b; 25.0 % missing
    """

    columns: tuple[Column, ...]
    target: str | None
    source_notes: tuple[str, ...] = ()

    @property
    def used(self) -> tuple[Column, ...]:
        """The columns that become features."""
        return tuple(column for column in self.columns if column.used)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was guessed, decided and left out, as sentences."""
        out = list(self.source_notes)
        left_out: dict[Kind, list[Column]] = {}
        for column in self.columns:
            if not column.used:
                left_out.setdefault(column.kind, []).append(column)
            out.extend(f"column {column.name!r}: {note}" for note in column.notes)
        for kind, columns in left_out.items():
            if len(columns) <= 3:
                out.extend(f"column {column.name!r} left out ({kind}): {column.detail}" for column in columns)
            else:
                names = ", ".join(repr(column.name) for column in columns[:5]) + (", ..." if len(columns) > 5 else "")
                out.append(f"{len(columns):,} columns left out ({kind}): {names}")
        return tuple(out)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        columns = [{k: list(v) if isinstance(v, tuple) else v for k, v in asdict(c).items()} for c in self.columns]
        return {"target": self.target, "columns": columns, "source_notes": list(self.source_notes)}

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Schema:
        """The inverse of `to_dict`."""
        columns: list[dict[str, Any]] = [
            {k: tuple(v) if isinstance(v, list) else v for k, v in column.items()} for column in saved["columns"]
        ]
        return cls(tuple(Column(**column) for column in columns), saved["target"], tuple(saved["source_notes"]))

    def __repr__(self) -> str:
        shown = self.columns if len(self.columns) <= 60 else self.columns[:40]
        rows = [("column", "kind", "used", "detail")]
        rows += [(_short(c.name, 32), c.kind, "yes" if c.used else "no", c.detail) for c in shown]
        wide = [max(len(row[i]) for row in rows) for i in range(3)]
        lines = ["  ".join([*(row[i].ljust(wide[i]) for i in range(3)), row[3]]).rstrip() for row in rows]
        rest = Counter(c.kind if c.used else f"{c.kind}, left out" for c in self.columns[len(shown) :])
        lines += [f"... and {count:,} more: {kind}" for kind, count in rest.items()]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        from html import escape

        return f"<pre>{escape(repr(self))}</pre>"


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
        Column name to kind ("numeric", "categorical", "boolean", "date", "text", "identifier"), where the inferred
        one is wrong. Text and identifiers are left out.
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
    identifier, or text when it has blanks. Numbers are an identifier when all differ and the name says so (id, index),
    or when they count the rows. Infinite values count as missing.
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
        column = _column(name, table.column(name), declared.get(name))
        if target is not None and name.casefold() == target.casefold():
            note = f"has the name of the target {target!r} in other letters; drop it if it is a copy of the target"
            column = replace(column, notes=(*column.notes, note))
        columns.append(column)
    schema = Schema(tuple(columns), target, table_notes(table))
    if not schema.used:
        reasons = "; ".join(schema.notes) or "the target is the only column"
        raise DataError("table", f"no column that can be used ({reasons})", "at least one feature")
    return schema


def _column(name: str, values: pa.ChunkedArray, declared: str | None) -> Column:
    import pyarrow as pa

    if values.null_count == len(values):
        return Column(name, "empty", False, "no value in any row")
    if declared in ("text", "identifier"):
        return Column(name, "text" if declared == "text" else "identifier", False, "declared; not used as a feature")
    if pa.types.is_nested(values.type) or pa.types.is_binary(values.type) or pa.types.is_large_binary(values.type):
        return Column(name, "nested", False, f"cells of type {values.type} are no plain values")
    if declared == "categorical":
        return _categorical(name, _Counted.of(level_text(values)))
    if declared == "boolean" or (declared is None and pa.types.is_boolean(values.type)):
        return _boolean(name, values)
    if declared == "date" or (declared is None and is_date(values)):
        return _date(name, values, _Counted.of(trimmed(values)) if is_text(values) else None)
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

    def share(self, good: NDArray[np.bool_]) -> float:
        """Share of the present cells whose string is good."""
        return float(self.counts[good].sum() / self.present)


def _text(name: str, values: pa.ChunkedArray) -> Column:
    """A column of strings: numbers, dates, an identifier, text, or else categories."""
    import pyarrow.compute as pc

    seen = _Counted.of(trimmed(values))
    if not seen.present:
        return Column(name, "empty", False, "no value in any row")
    number = ~np.isnan(numbers(seen.names).values) | pc.equal(pc.utf8_lower(seen.names), "nan").to_numpy()
    mixed = not number.all()
    if seen.share(number) >= MOSTLY and not (mixed and number.sum() <= FEW_NUMBERS):
        return _numeric(name, values)
    if not number.any() and _date_order(seen).share >= MOSTLY:
        return _date(name, values, seen)
    distinct = len(seen.names)
    if seen.present >= ENOUGH and distinct >= ALL_DIFFERENT * seen.present:
        spaced = seen.share(pc.match_substring(seen.names, " ").to_numpy())
        if spaced > 0.5:
            return Column(name, "text", False, f"{distinct:,} distinct texts; this version learns from tables only")
        return Column(name, "identifier", False, f"{distinct:,} distinct values in {seen.present:,} rows name the rows")
    words = float(np.average(pc.count_substring(seen.names, " ").to_numpy(), weights=seen.counts)) + 1
    if distinct > MOST_LEVELS and words >= 5:
        return Column(name, "text", False, f"texts of {words:.0f} words; this version learns from tables only")
    column = _categorical(name, seen)
    if mixed and seen.share(number) >= 0.5 and column.used:
        words_seen = ", ".join(map(repr, seen.names.filter(~number)[:3].to_pylist()))
        note = f"numbers and words mixed ({words_seen}); taken as categories"
        return replace(column, notes=(note, *column.notes))
    return column


def _categorical(name: str, seen: _Counted) -> Column:
    gone = seen.rows - seen.present
    frequent = seen.names[:MOST_LEVELS].to_pylist()
    if len(seen.names) < 2 and not gone:
        return Column(name, "constant", False, f"always {_short(frequent[0], 40)!r}")
    shown = ", ".join(_short(level, 20) for level in frequent[:4]) + (", ..." if len(seen.names) > 4 else "")
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
    if is_text(column) and pc.any(pc.match_substring_regex(trimmed(column), THOUSANDS)).as_py():
        notes.append("commas between groups of three digits are thousands separators")
    counted = f", whole, {distinct:,} distinct" if whole else ""
    detail = f"{low:.6g} to {high:.6g}{counted}{_missing(gone, len(column))}"
    return Column(name, "numeric", True, detail, notes=tuple(notes))


def _boolean(name: str, column: pa.ChunkedArray) -> Column:
    parsed = truths(column)
    notes = _failed(name, parsed, "truth value", len(column))
    present = parsed.values[~np.isnan(parsed.values)]
    gone = len(column) - present.size
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


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _level_key(level: str) -> tuple[bool, float, str]:
    """Numbers by value before words by letter."""
    try:
        value = float(level)
    except ValueError:
        return True, 0.0, level
    return value != value, 0.0 if value != value else value, level
