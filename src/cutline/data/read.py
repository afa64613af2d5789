"""Tables in: files, standard input and frames of any library become one Arrow table; columns out as arrays."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from cutline.data.delimited import Delimited, read_delimited
from cutline.data.names import check_names, find_column, pick_columns
from cutline.errors import DataError
from cutline.labels import as_array, missing

if TYPE_CHECKING:
    import pyarrow as pa

TEXT = (".csv", ".tsv", ".tab", ".txt", "")
PARQUET = (".parquet", ".pq")
COMPRESSED = (".gz", ".bz2", ".zst")
SUFFIXES = ".csv, .tsv, .txt (also with .gz, .bz2 or .zst) or .parquet"

NOTES = b"cutline.notes"
"""Where a table keeps its notes, as JSON."""


def read_table(source: Any, *, columns: Sequence[str] | None = None) -> pa.Table:
    """Read a file or take over a frame, as an Arrow table of plain columns.

    Parameters
    ----------
    source : path, "-", binary file, frame or mapping
        A path to ``.csv``, ``.tsv``, ``.txt`` (also ``.gz``, ``.bz2``, ``.zst``) or ``.parquet``; an open file of CSV,
        or ``"-"`` for standard input; any frame that narwhals reads (pandas, polars, pyarrow, a DuckDB relation); a
        mapping of column names to columns; or a list of rows, each a mapping (a name that a row lacks is missing).
    columns : sequence of str, optional
        The columns to read; all when not given.

    Returns
    -------
    pyarrow.Table
        With strings, numbers, booleans, dates and timestamps; what a guess was needed for is told by `table_notes`.

    Raises
    ------
    DataError
        A missing, empty or broken file, repeated column names, no rows.
    UnknownName
        One of `columns` is not there.

    Notes
    -----
    CSV files have a header line and are UTF-8. Cells that are empty or spelled NA, N/A, n/a, nan, NaN, NULL, null,
    ? or - are missing. A column whose cells are not all numbers is read as text.

    Examples
    --------
    >>> table = read_table({"age": [31, None], "city": ["Oslo", "Bern"]})
    >>> table.column_names, table.num_rows
    (['age', 'city'], 2)
    """
    if isinstance(source, str | os.PathLike):
        name = os.fspath(source)
        table = _read_stream(sys.stdin.buffer, columns) if name == "-" else _read_file(name, columns)
    elif hasattr(source, "read"):
        table, name = _read_stream(source, columns), "stream"
    else:
        table, name = as_table(source), "source"
    check_names(table.column_names, name)
    if table.num_columns == 0 or table.num_rows == 0:
        raise DataError(name, f"{table.num_rows} rows of {table.num_columns} columns", "at least one row and column")
    if columns is not None:
        table = table.select(pick_columns(table.column_names, columns))
    return _plain(table)


def table_notes(table: pa.Table) -> tuple[str, ...]:
    """The guesses made while reading (the delimiter, a decimal comma), as sentences."""
    saved = (table.schema.metadata or {}).get(NOTES)
    return tuple(json.loads(saved)) if saved else ()


def column(table: pa.Table, name: str, *, argument: str = "column") -> NDArray[Any]:
    """One column as an array of shape (n,).

    Strings come as objects with None where missing; numbers as they are, and as floats with nan where some are
    missing; booleans as bool, or as objects when some are missing; dates as datetime64 with NaT.

    Raises
    ------
    UnknownName
        There is no such column; the nearest names are suggested.

    Examples
    --------
    >>> column(read_table({"age": [31, None], "city": ["Oslo", "Bern"]}), "age")
    array([31., nan])
    """
    values: NDArray[Any] = table.column(find_column(name, table.column_names, argument=argument)).to_numpy()
    return values


def _read_file(path: str, columns: Sequence[str] | None) -> pa.Table:
    file = Path(path)
    if "://" in path:
        raise DataError(path, "an address", "a file", "download it first")
    if not file.exists():
        raise missing_file(file)
    if file.is_dir():
        from cutline.data.folders import read_folder

        return read_folder(path, labelled=any(each.is_dir() for each in file.iterdir()))
    suffixes = [suffix.lower() for suffix in file.suffixes[-2:]]
    squeezed = bool(suffixes) and suffixes[-1] in COMPRESSED
    suffix = "".join(suffixes[:-1][-1:] if squeezed else suffixes[-1:])
    if suffix in PARQUET and not squeezed:
        return beside(_read_parquet(path, columns), file.parent)
    if suffix not in TEXT:
        raise DataError(path, f"the suffix {suffix!r}", SUFFIXES, "save the table as CSV or Parquet")
    data = _bytes(path, squeezed)
    return beside(read_text(data, path, columns, tabs=suffix in (".tsv", ".tab")), file.parent)


def read_text(data: Any, path: str, columns: Sequence[str] | None, *, tabs: bool) -> pa.Table:
    """Read the bytes of a delimited file; what is no text is refused by its first bytes."""
    start = bytes(memoryview(data)[:4])
    if start == b"PAR1":
        raise DataError(path, "a Parquet file", "text, by its suffix", "rename it to .parquet")
    if start in (b"PK\x03\x04", b"\xd0\xcf\x11\xe0"):
        raise DataError(path, "an Excel or zip file", "text, by its suffix", "save the sheet as CSV (UTF-8)")
    return _noted(read_delimited(data, path, columns=columns, tabs=tabs))


def beside(table: pa.Table, folder: Path) -> pa.Table:
    """The table with paths of photos that are meant from where its file lies."""
    from cutline.data.folders import located

    return located(table, folder)


def _read_stream(stream: Any, columns: Sequence[str] | None) -> pa.Table:
    import pyarrow as pa

    data = stream.read()
    name = "standard input" if stream is sys.stdin.buffer else "stream"
    data = pa.py_buffer(data.encode() if isinstance(data, str) else data)
    return _noted(read_delimited(data, name, columns=columns, tabs=False))


def _noted(read: Delimited) -> pa.Table:
    return read.table.replace_schema_metadata({NOTES: json.dumps(read.notes)} if read.notes else None)


def missing_file(file: Path) -> DataError:
    """The error for a file that is not there, with one of a like name."""
    from difflib import get_close_matches

    folder = file.parent
    if not folder.is_dir():
        return DataError(str(file), "no such folder", "a file")
    near = get_close_matches(file.name, [entry.name for entry in folder.iterdir()], n=1)
    return DataError(str(file), "no such file", "a file", f"did you mean {str(folder / near[0])!r}" if near else "")


def _bytes(path: str, squeezed: bool) -> pa.Buffer:
    """The whole file, decompressed if its suffix says so."""
    import pyarrow as pa

    try:
        if squeezed:
            with pa.input_stream(path) as stream:
                return stream.read_buffer()
        if Path(path).is_file() and Path(path).stat().st_size:
            return pa.memory_map(path).read_buffer()
        with open(path, "rb") as file:  # a pipe cannot be mapped, nor can nothing
            return pa.py_buffer(file.read())
    except (OSError, pa.ArrowException) as error:
        hint = "the file seems to be cut short or not compressed at all" if squeezed else ""
        raise DataError(path, f"a file that cannot be read ({error})", SUFFIXES, hint) from None


def _read_parquet(path: str, columns: Sequence[str] | None) -> pa.Table:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            names = file.schema_arrow.names
            check_names(names, path)
            return file.read(columns=None if columns is None else pick_columns(names, columns))
    except (OSError, pa.ArrowException) as error:
        if isinstance(error, PermissionError):
            raise DataError(path, "a file that may not be read", "a readable file") from None
        raise bad_parquet(path, str(error)) from None


def bad_parquet(path: str, message: str) -> DataError:
    """What is wrong with a file that Arrow could not read."""
    with open(path, "rb") as file:
        start = file.read(4)
    if not start:
        return DataError(path, "an empty file", "a Parquet file", "was the program that writes it cut short?")
    if start != b"PAR1":
        hint = "it looks like text: rename it to .csv" if start.isascii() and b"\0" not in start else ""
        return DataError(path, "no Parquet file (it does not begin with PAR1)", "a Parquet file", hint)
    came = f"a Parquet file that is cut short or damaged ({message.strip().splitlines()[0]})"
    return DataError(path, came, "a whole file", "copy or write it again")


def as_table(source: Any) -> pa.Table:
    """An Arrow table of a frame, of columns by name, or of rows as mappings; a column of mixed objects becomes text."""
    import narwhals as nw
    import pyarrow as pa

    if isinstance(source, pa.Table | pa.RecordBatch):
        return pa.table(source)
    if isinstance(source, dict) and all(isinstance(values, list) and len(values) == 1 for values in source.values()):
        source = [{name: value for name, (value,) in source.items()}]
    if isinstance(source, list) and source and all(isinstance(row, Mapping) for row in source):
        try:  # at once: what a single row takes is mostly this
            return pa.Table.from_struct_array(pa.array(source, from_pandas=True))
        except (pa.ArrowException, OverflowError, TypeError):  # columns of mixed objects, names that are no text
            pass
        names = dict.fromkeys(name for row in source for name in row)
        source = {name: [row.get(name) for row in source] for name in names}
    if isinstance(source, Mapping):
        columns = {str(name): _arrow(values, str(name)) for name, values in source.items()}
    else:
        wanted = "a path, a pandas, polars or Arrow table, a mapping of columns, or a list of rows that are mappings"
        try:
            frame = nw.from_native(source.read_all() if isinstance(source, pa.RecordBatchReader) else source)
            if isinstance(frame, nw.LazyFrame):
                frame = frame.collect("pyarrow")
            check_names([str(name) for name in frame.columns], "source")
        except nw.exceptions.DuplicateError:
            check_names([str(name) for name in source.columns], "source")
            raise
        except TypeError:
            if hasattr(source, "__arrow_c_stream__"):
                return pa.table(source)
            hint = "name the columns: {'age': X[:, 0], ...}" if hasattr(source, "shape") else ""
            raise DataError("source", f"a {type(source).__name__}", wanted, hint) from None
        columns = {str(name): _arrow(frame.get_column(name), str(name)) for name in frame.columns}
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise DataError("source", f"columns of different lengths: {lengths}", "columns of one length")
    return pa.table(columns)


def _arrow(values: Any, name: str) -> Any:
    """A column-like as an Arrow array."""
    import pyarrow as pa

    if isinstance(values, str | bytes):
        raise DataError(f"column {name!r}", f"one text, {values[:40]!r}", "a column of values, one a row")
    try:
        if hasattr(values, "to_arrow"):
            return values.to_arrow()
        if isinstance(values, pa.Array | pa.ChunkedArray):
            return values
        return pa.array(values, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):  # mixed or odd objects
        array = as_array(values)
        if array.ndim != 1:
            raise DataError(f"column {name!r}", f"shape {array.shape}", "one value a row") from None
        gone = missing(array)
        return pa.array([None if none else _text(v) for v, none in zip(array.tolist(), gone, strict=True)], pa.string())
    except TypeError:
        raise DataError(f"column {name!r}", f"a {type(values).__name__}", "a column of values, one a row") from None


def _text(value: Any) -> str:
    return str(int(value) if isinstance(value, float) and value.is_integer() else value)


def _plain(table: pa.Table) -> pa.Table:
    """Columns of plain types: what another library may encode, decoded."""
    import pyarrow as pa

    if all(kind.id in _plain_kinds() for kind in table.schema.types) and set(table.schema.metadata or ()) <= {NOTES}:
        return table  # one row is predicted in the time that a look at all columns takes
    columns = [_plain_column(values) for values in table.columns]
    return pa.table(columns, names=[str(name) for name in table.column_names]).replace_schema_metadata(
        {NOTES: (table.schema.metadata or {})[NOTES]} if NOTES in (table.schema.metadata or {}) else None
    )


@cache
def _plain_kinds() -> frozenset[int]:
    import pyarrow as pa

    return frozenset(kind.id for kind in (pa.bool_(), pa.int64(), pa.float64(), pa.string(), pa.large_string()))


def _plain_column(values: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow as pa
    import pyarrow.compute as pc

    kind, types = values.type, pa.types
    if isinstance(kind, pa.BaseExtensionType):
        return _plain_column(values.cast(kind.storage_type))
    if types.is_dictionary(kind) or types.is_run_end_encoded(kind):
        return _plain_column(values.cast(kind.value_type))
    if types.is_string_view(kind) or types.is_time(kind):
        return values.cast(pa.string())
    if types.is_decimal(kind) or types.is_float16(kind):
        return values.cast(pa.float64())
    if types.is_duration(kind):  # seconds, whatever unit the library keeps
        return pc.divide(values.cast(pa.duration("us"), safe=False).cast(pa.int64()).cast(pa.float64()), 1e6)
    if types.is_binary(kind) or types.is_large_binary(kind):
        try:
            return values.cast(pa.large_string())
        except pa.ArrowInvalid:
            return values
    return values
