"""Comma-separated files and their kin: read by Arrow, with every fault named by its line."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cutline.data.names import check_names, pick_columns
from cutline.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

MISSING_SPELLINGS = ("", "NA", "N/A", "n/a", "nan", "NaN", "NULL", "null", "?", "-")
"""Cells of a CSV file that are read as missing, also with one blank before them. (A "-" beside "+" is a label.)"""

DELIMITERS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}
"""What may part the cells, the likeliest first."""

HEAD = 1 << 20
"""Characters looked at to find the header and the delimiter; a longer header is no header."""


@dataclass(frozen=True, slots=True)
class Delimited:
    """A CSV file as read."""

    table: pa.Table
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Layout:
    names: list[str]
    header_lines: int
    delimiter: str
    decimal_comma: bool
    quoted: bool


def read_delimited(data: pa.Buffer, name: str, *, columns: Sequence[str] | None, tabs: bool) -> Delimited:
    """Read the bytes of a delimited text file with a header line.

    Parameters
    ----------
    data : pyarrow.Buffer
        The whole file, decompressed.
    name : str
        What the file is called in messages.
    columns : sequence of str, optional
        The columns to read; all when not given.
    tabs : bool
        True when the suffix promises tabs; else the delimiter is sniffed on the header line.

    Raises
    ------
    DataError
        The file is empty, has only a header, is not UTF-8, has rows of another length or a repeated column name.
    UnknownName
        One of `columns` is not in the header.
    """
    quotes = _check_text(memoryview(data), name)
    layout = _layout(data, name, tabs, quoted=quotes > 0)
    check_names(layout.names, name)
    wanted = None if columns is None else pick_columns(layout.names, columns)
    if quotes % 2:
        _check_closed(data, name, layout.delimiter)
    table = _read(data, name, layout, wanted, MISSING_SPELLINGS)
    if table.num_rows == 0:
        raise _no_rows(name)
    table = _restore_minus(table, data, name, layout)
    notes = []
    if layout.delimiter != "," and not tabs:
        notes.append(f"{name}: cells are parted by {DELIMITERS[layout.delimiter]}, as the header line shows")
    if layout.decimal_comma:
        notes.append(f"{name}: numbers are read with a decimal comma (1,5 is one and a half)")
    return Delimited(table, tuple(notes))


def _check_text(data: memoryview, name: str) -> int:
    """Refuse what is not UTF-8 text; the number of double quotes in it."""
    import codecs

    if not len(data) or not bytes(data[:HEAD]).strip(b"\xef\xbb\xbf \t\r\n"):
        raise _empty(name)
    if bytes(data[:2]) in (b"\xff\xfe", b"\xfe\xff"):
        raise _encoding_error(name, "a UTF-16 byte order mark", "UTF-16")
    decoder = codecs.getincrementaldecoder("utf-8")()
    quotes, step = 0, 1 << 24  # pieces, so that a big file is never held twice
    for start in range(0, len(data), step):
        chunk = bytes(data[start : start + step])
        quotes += chunk.count(b'"')
        carried = len(decoder.getstate()[0])
        try:
            decoder.decode(chunk, final=start + step >= len(data))
        except UnicodeDecodeError as error:
            at = start - carried + error.start
            byte = bytes(data[at : at + 1]).hex().upper()
            raise _encoding_error(name, f"byte 0x{byte} in line {_line_of(data, at)}", "WINDOWS-1252") from None
        if b"\0" in chunk:
            at = start + chunk.index(b"\0")
            raise _encoding_error(name, f"a NUL byte in line {_line_of(data, at)}", "UTF-16")
    return quotes


def _line_of(data: memoryview, at: int) -> int:
    return bytes(data[:at]).count(b"\n") + 1


def _encoding_error(name: str, came: str, likely: str) -> DataError:
    hint = f"if it is {likely}, convert it: iconv -f {likely} -t UTF-8 old.csv > new.csv"
    return DataError(name, f"{came}, which is not UTF-8 text", "UTF-8", hint)


def _layout(data: pa.Buffer, name: str, tabs: bool, *, quoted: bool) -> _Layout:
    head = bytes(memoryview(data)[:HEAD]).decode("utf-8-sig", errors="ignore")
    first = next((line for line in io.StringIO(head, newline="") if line.strip()), "")
    bare = re.sub(r'"[^"]*"', "", first)
    delimiter = "\t" if tabs else max(DELIMITERS, key=bare.count)  # of equals the first, so a lone column has a comma
    reader = csv.reader(io.StringIO(head, newline=""), delimiter=delimiter)
    try:
        header = next((row for row in reader if len(row) > 1 or "".join(row).strip()), None)
    except csv.Error as error:
        raise DataError(name, f"a header line that cannot be parsed ({error})", "names of columns") from None
    if header is None:
        raise _empty(name)
    lines = reader.line_num
    try:
        more = any(row for row in reader)
    except csv.Error:
        more = True  # whatever is wrong there is said when the rows are read
    if not more and data.size <= HEAD:
        raise _no_rows(name)
    # A semicolon between cells and a comma between digits: how half of Europe writes a half.
    comma = delimiter == ";" and bool(re.search(r"[;\n]-?\d+,\d+[;\r\n]", head))
    return _Layout([cell.strip() for cell in header], lines, delimiter, comma, quoted)


def _empty(name: str) -> DataError:
    return DataError(name, "an empty file", "a header line and rows", "was the program that writes it cut short?")


def _no_rows(name: str) -> DataError:
    return DataError(name, "a header line and no rows", "at least one row")


def _read(
    data: pa.Buffer, name: str, layout: _Layout, columns: list[str] | None, missing: Sequence[str], **types: Any
) -> pa.Table:
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    try:
        return arrow_csv.read_csv(
            pa.BufferReader(data),
            read_options=arrow_csv.ReadOptions(column_names=layout.names, skip_rows=layout.header_lines),
            parse_options=arrow_csv.ParseOptions(
                delimiter=layout.delimiter,
                newlines_in_values=layout.quoted,  # slower, so only where it can matter
                ignore_empty_lines=len(layout.names) > 1,  # in a file of one column an empty line is a missing value
            ),
            convert_options=arrow_csv.ConvertOptions(
                null_values=[blank + spelling for spelling in missing for blank in ("", " ")],
                strings_can_be_null=True,
                include_columns=columns,
                decimal_point="," if layout.decimal_comma else ".",
                **types,
            ),
        )
    except pa.ArrowInvalid as error:
        raise _broken(data, name, layout, str(error)) from None


def _restore_minus(table: pa.Table, data: pa.Buffer, name: str, layout: _Layout) -> pa.Table:
    """Read "-" as a label again where the only other label of the column is "+"."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for i, field in enumerate(table.schema):
        column = table.column(i)
        if not pa.types.is_string(field.type) or not column.null_count or column[0].as_py() not in (None, "+"):
            continue
        if pc.unique(column.drop_null()).to_pylist() == ["+"]:
            missing = [spelling for spelling in MISSING_SPELLINGS if spelling != "-"]
            again = _read(data, name, layout, [field.name], missing, column_types={field.name: pa.string()})
            table = table.set_column(i, field.name, again.column(0))
    return table


@dataclass(frozen=True, slots=True)
class _Record:
    line: int
    cells: int


def _records(data: pa.Buffer, delimiter: str, *, strict: bool = False) -> Iterator[_Record]:
    """The records of the file with the line where each begins, empty ones aside."""
    text = io.TextIOWrapper(io.BytesIO(bytes(data)), encoding="utf-8-sig", newline="")
    reader = csv.reader(text, delimiter=delimiter, strict=strict)
    line = 1
    for row in reader:
        if row:
            yield _Record(line, len(row))
        line = reader.line_num + 1


def _check_closed(data: pa.Buffer, name: str, delimiter: str) -> None:
    """Refuse a quote that is opened and never closed: it swallows all rows after it, without a word."""
    line = 0
    try:
        for record in _records(data, delimiter, strict=True):
            line = record.line
    except csv.Error as error:
        if "unexpected end of data" in str(error):
            came = f"a quote that is opened after line {line} and never closed"
            raise DataError(name, came, "each quote closed", 'a quote inside a cell is written twice: ""') from None


def _broken(data: pa.Buffer, name: str, layout: _Layout, message: str) -> DataError:
    """What is wrong with a file that Arrow could not parse, with line numbers."""
    width, total, bad = len(layout.names), -1, []
    try:
        for record in _records(data, layout.delimiter):
            total += 1
            if record.cells != width:
                bad.append(record)
    except csv.Error as error:
        return DataError(name, f"a broken row ({error})", "a header line and rows of cells")
    if not bad:
        return DataError(name, f"a file that cannot be parsed ({message.splitlines()[0]})", "a header line and rows")
    shown = ", ".join(f"line {r.line} has {r.cells}" for r in bad[:5]) + (", ..." if len(bad) > 5 else "")
    came = f"{len(bad):,} of {total:,} rows with another number of cells than the header's {width}: {shown}"
    hint = "a cell that holds the delimiter or a line break belongs in double quotes"
    if len(bad) == total and all(r.cells == width + 1 for r in bad):
        hint = "the header seems to lack a name for the first column"
    return DataError(name, came, f"{width} cells in every row", hint)
