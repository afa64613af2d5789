"""What cells mean: numbers, truth values, dates and category levels, read off Arrow columns of any type.

The same functions read the training table and every later one, so a column may come back as another type: numbers
as text, whole numbers as floats, dates as strings.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow as pa

Order = Literal["year first", "day first", "month first"]
"""The order in which dates are written as text."""

NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$|^[+-]?(?i:inf|infinity|nan)$"
THOUSANDS = r"^[+-]?\d{1,3}(,\d{3})+(\.\d*)?$"
DATE = (
    r"^(?P<a>\d{1,4})[-/.](?P<b>\d{1,2})[-/.](?P<c>\d{1,4})"
    r"(?:[T ]+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.\d+)?)?)?"
    r" ?(?P<zone>Z|[+-]\d{2}:?\d{2})?$"
)
TRUTH = {"true": 1.0, "false": 0.0, "yes": 1.0, "no": 0.0, "t": 1.0, "f": 0.0, "y": 1.0, "n": 0.0, "1": 1.0, "0": 0.0}

DATE_PARTS = ("year", "month", "day", "weekday", "hour", "days")
"""What a date gives a model: Monday is weekday 0; days are counted since 1970, with fractions."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """Cells as values.

    Parameters
    ----------
    values : array, shape (n,)
        float64 with nan, or datetime64[s] with NaT, where missing or not readable.
    failed : int
        Cells that are there and could not be read.
    examples : tuple of str
        A few of them.
    """

    values: NDArray[Any]
    failed: int = 0
    examples: tuple[str, ...] = ()


def is_text(column: pa.ChunkedArray) -> bool:
    """True for a column of strings."""
    import pyarrow as pa

    return bool(pa.types.is_string(column.type) or pa.types.is_large_string(column.type))


def is_number(column: pa.ChunkedArray) -> bool:
    """True for a column of integers or floats."""
    import pyarrow as pa

    return bool(pa.types.is_integer(column.type) or pa.types.is_floating(column.type))


def is_date(column: pa.ChunkedArray) -> bool:
    """True for a column of dates or timestamps."""
    import pyarrow as pa

    return bool(pa.types.is_date(column.type) or pa.types.is_timestamp(column.type))


def trimmed(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Strings without the blanks around them; empty ones are missing."""
    import pyarrow.compute as pc

    bare = pc.utf8_trim_whitespace(column)
    return pc.if_else(pc.equal(bare, ""), None, bare)


def numbers(column: pa.ChunkedArray) -> Parsed:
    """Cells as float64: numbers, True as 1, text that spells a number (also 1,234.5 for 1234.5)."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_boolean(column.type):
        column = column.cast(pa.uint8())
    if pa.types.is_float64(column.type):
        return Parsed(column.to_numpy())
    if is_number(column):
        return Parsed(_to_numpy(column.cast(pa.float64(), safe=False)))
    if not is_text(column):
        return _unreadable(column)
    text = trimmed(column)
    try:
        return Parsed(_to_numpy(text.cast(pa.float64())))
    except pa.ArrowInvalid:
        pass
    grouped = pc.match_substring_regex(text, THOUSANDS)
    text = pc.if_else(grouped, pc.replace_substring(text, ",", ""), text)
    good = pc.match_substring_regex(text, NUMBER)
    bad = text.filter(pc.invert(good))
    return Parsed(_to_numpy(pc.if_else(good, text, None).cast(pa.float64())), len(bad) - bad.null_count, _first(bad))


def truths(column: pa.ChunkedArray) -> Parsed:
    """Cells as 1.0 and 0.0: booleans, 1 and 0, or text such as true, false, yes, no."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_boolean(column.type):
        return numbers(column)
    text = pc.utf8_lower(level_text(column))
    known = pa.array(list(TRUTH))
    where = pc.index_in(text, value_set=known)
    bad = text.filter(pc.and_(pc.is_null(where), pc.is_valid(text)))
    values = _to_numpy(pa.chunked_array([pa.array(list(TRUTH.values()))]).take(where))
    return Parsed(values, len(bad), _first(bad))


def dates(column: pa.ChunkedArray, order: Order = "year first") -> Parsed:
    """Cells as datetime64[s]: dates, timestamps, or text written in `order`. A time with an offset is taken in UTC."""
    import pyarrow as pa

    if is_date(column):
        return Parsed(_to_numpy(column.cast(pa.timestamp("s"), safe=False)).astype("datetime64[s]"))
    if not is_text(column):
        failed = _unreadable(column)
        return Parsed(np.full(len(column), "NaT", dtype="datetime64[s]"), failed.failed, failed.examples)
    text = trimmed(column)
    values = _text_dates(text, order)
    bad = text.filter(pa.chunked_array([pa.array(np.isnat(values))])) if len(text) else text
    return Parsed(values, len(bad) - bad.null_count, _first(bad.drop_null()))


def _text_dates(text: pa.ChunkedArray, order: Order) -> NDArray[np.datetime64]:
    """Dates out of text, NaT where it is none: a, b, c and the time by one expression, then whole-array arithmetic."""
    import pyarrow as pa
    import pyarrow.compute as pc

    parts = pc.extract_regex(text, DATE)

    def part(name: str) -> NDArray[np.int64]:
        field = pc.struct_field(parts, name)
        digits = pc.if_else(pc.equal(field, ""), None, field).cast(pa.int64())
        return np.asarray(digits.fill_null(0).to_numpy())

    a, b, c = part("a"), part("b"), part("c")
    year, month, day = {"year first": (a, b, c), "day first": (c, b, a), "month first": (c, a, b)}[order]
    good = (year >= 1000) & (month >= 1) & (month <= 12) & (day >= 1)
    good &= (part("hour") < 24) & (part("minute") < 60) & (part("second") <= 60)  # 60 is a leap second
    start = ((np.where(good, year, 1970) - 1970) * 12 + np.where(good, month, 1) - 1).astype("datetime64[M]")
    date = start.astype("datetime64[D]") + (np.where(good, day, 1) - 1)
    good &= date.astype("datetime64[M]") == start  # 31 April would be 1 May
    seconds = (part("hour") * 60 + part("minute")) * 60 + part("second") - _offsets(pc.struct_field(parts, "zone"))
    out: NDArray[np.datetime64] = date.astype("datetime64[s]") + seconds
    out[~good] = np.datetime64("NaT")
    return out


def _offsets(zone: pa.ChunkedArray) -> NDArray[np.int64]:
    """Seconds east of Greenwich of "+02:00", "-0330", "Z" or nothing."""
    codes = zone.combine_chunks().dictionary_encode() if zone.num_chunks != 1 else zone.chunk(0).dictionary_encode()
    seconds = []
    for text in codes.dictionary.to_pylist():
        digits = text.strip("+-Z").replace(":", "")
        size = int(digits[:2]) * 3600 + int(digits[2:]) * 60 if digits else 0
        seconds.append(-size if text.startswith("-") else size)
    return np.array([*seconds, 0])[codes.indices.fill_null(len(seconds)).to_numpy(zero_copy_only=False)]


def date_part(values: NDArray[np.datetime64], part: str) -> NDArray[np.float64]:
    """One of `DATE_PARTS` of datetime64[s] values; nan for NaT."""
    day = values.astype("datetime64[D]")
    month = values.astype("datetime64[M]")
    seconds = (values - day).astype(np.int64)
    found: NDArray[Any]
    if part == "year":
        found = values.astype("datetime64[Y]").astype(np.int64) + 1970
    elif part == "month":
        found = month.astype(np.int64) % 12 + 1
    elif part == "day":
        found = (day - month.astype("datetime64[D]")).astype(np.int64) + 1
    elif part == "weekday":
        found = (day.astype(np.int64) + 3) % 7  # 1 January 1970 was a Thursday
    elif part == "hour":
        found = seconds // 3600
    else:
        found = day.astype(np.int64) + seconds / 86400
    return np.where(np.isnat(values), np.nan, found.astype(np.float64))


def level_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Cells as the names of category levels: trimmed text; whole numbers without a point; None where missing."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if is_text(column):
        text = trimmed(column)
        return text if pa.types.is_string(text.type) else text.cast(pa.string())
    if pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_finite(column), column, None)
        whole = pc.and_(pc.equal(pc.floor(column), column), pc.less(pc.abs(column), 2.0**53))
        integers = pc.if_else(whole, column, None).cast(pa.int64())
        return pc.if_else(whole, integers.cast(pa.string()), column.cast(pa.string()))
    return column.cast(pa.string())


def level_codes(text: pa.ChunkedArray, levels: tuple[str, ...]) -> NDArray[np.int32]:
    """Positions of the texts among `levels`, -1 where missing or unseen.

    What is no level by its letters is compared by its number: "1.0", "01" and "1" are one level, and so are
    "True" and "true".
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    codes = np.asarray(pc.index_in(text, options=_looked_up(levels)).fill_null(-1).to_numpy(), dtype=np.int32)
    if (codes >= 0).all():
        return codes
    strange = (codes == -1) & pc.is_valid(text).to_numpy()
    if strange.any():
        by_value = {_value(level): code for code, level in reversed(list(enumerate(levels)))}
        odd = pc.dictionary_encode(text.filter(pa.chunked_array([pa.array(strange)])).combine_chunks())
        found = np.array([by_value.get(_value(v), -1) for v in odd.dictionary.to_pylist()], dtype=np.int32)
        codes = np.array(codes)
        codes[strange] = found[odd.indices.to_numpy()]
    return codes


@lru_cache(maxsize=256)
def _looked_up(levels: tuple[str, ...]) -> Any:
    """Levels as Arrow looks them up."""
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.SetLookupOptions(value_set=pa.array(levels, pa.string()))


def _value(level: str) -> float | str:
    """What a level is compared by when its letters are not the same."""
    folded = level.casefold()
    if folded in ("true", "false"):
        return folded
    try:
        return float(level)
    except ValueError:
        return level


def _to_numpy(column: pa.ChunkedArray) -> NDArray[Any]:
    return np.array(column.to_numpy())


def _unreadable(column: pa.ChunkedArray) -> Parsed:
    """Nothing but missing values: a type that has no numbers in it."""
    return Parsed(np.full(len(column), np.nan), len(column) - column.null_count, (f"cells of type {column.type}",))


def _first(bad: pa.ChunkedArray, most: int = 3) -> tuple[str, ...]:
    """The first few distinct strings."""
    import pyarrow.compute as pc

    return tuple(text[:40] for text in pc.unique(bad.drop_null()).to_pylist()[:most])
