"""Tables and texts out: never by half."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

from cutline.data.read import as_table
from cutline.errors import DataError


def write_table(table: Any, path: str | os.PathLike[str] | BinaryIO) -> None:
    """Write CSV or Parquet, by suffix; to an open binary file, CSV.

    A file gets a temporary name in its folder and is renamed at the end, so an interrupted write leaves what was there.

    Parameters
    ----------
    table : Arrow table, frame or mapping of columns
        What to write.
    path : path or binary file
        ``.csv``, ``.parquet``, or for example ``sys.stdout.buffer``.

    Raises
    ------
    DataError
        The suffix is neither, the folder does not exist or cannot be written, or a column does not fit the format.
    """
    write_tables([table], path)


def write_tables(tables: Iterable[Any], path: str | os.PathLike[str] | BinaryIO) -> None:
    """Write tables of the same columns under each other, one at a time; see `write_table`."""
    import pyarrow as pa

    whole = (as_table(table).replace_schema_metadata(None) for table in tables)
    if not isinstance(path, str | os.PathLike):
        _written(whole, path, ".csv")
        return
    suffix = Path(path).suffix.lower()
    if suffix not in (".csv", ".parquet"):
        raise DataError(os.fspath(path), f"the suffix {suffix!r}", ".csv or .parquet")
    with replacing(path) as draft:
        try:
            _written(whole, draft, suffix)
        except pa.ArrowInvalid as error:
            raise DataError(os.fspath(path), f"a column that {suffix} cannot hold ({error})", "plain cells") from None


def _written(tables: Iterator[Any], target: Any, suffix: str) -> None:
    from pyarrow import csv, parquet

    first = next(tables)
    if suffix == ".csv":
        writer: Any = csv.CSVWriter(target, first.schema)
    else:
        writer = parquet.ParquetWriter(target, first.schema, compression="zstd")
    with writer:
        for table in chain([first], tables):
            writer.write_table(table)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a text file in UTF-8, under a temporary name first.

    Raises
    ------
    DataError
        The folder does not exist or cannot be written.
    """
    with replacing(path) as draft:
        draft.write_text(text, encoding="utf-8", newline="")


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary path beside `path`, renamed to it when the block ends well and removed when it does not.

    Raises
    ------
    DataError
        The folder does not exist or cannot be written.
    """
    target = Path(path)
    draft = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        yield draft
        os.replace(draft, target)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise DataError(str(target), f"a path that cannot be written ({reason})", "another path") from None
    finally:
        draft.unlink(missing_ok=True)
