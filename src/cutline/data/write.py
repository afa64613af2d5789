"""Tables and texts out: never by half."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
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
    import pyarrow as pa
    from pyarrow import csv as arrow_csv
    from pyarrow import parquet

    table = as_table(table).replace_schema_metadata(None)
    if not isinstance(path, str | os.PathLike):
        arrow_csv.write_csv(table, path)
        return
    suffix = Path(path).suffix.lower()
    if suffix not in (".csv", ".parquet"):
        raise DataError(os.fspath(path), f"the suffix {suffix!r}", ".csv or .parquet")
    with replacing(path) as draft:
        try:
            if suffix == ".csv":
                arrow_csv.write_csv(table, draft)
            else:
                parquet.write_table(table, draft, compression="zstd")
        except pa.ArrowInvalid as error:
            raise DataError(os.fspath(path), f"a column that {suffix} cannot hold ({error})", "plain cells") from None


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
