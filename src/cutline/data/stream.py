"""Tables that are read piece by piece, so that a file of any size fits into memory."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cutline.data.read import COMPRESSED, PARQUET, TEXT, bad_parquet, beside, read_table, read_text
from cutline.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

ROWS = 1 << 16
"""Rows of a piece of a Parquet file."""
BYTES = 1 << 24
"""Bytes of a piece of a CSV file."""


def pieces(source: Any) -> Iterator[tuple[int, pa.Table]]:
    """The rows of a CSV or Parquet file in pieces, each with the number of its first row; anything else as one.

    Parameters
    ----------
    source : anything `read_table` reads
        A piece of a file has about 65,000 rows of Parquet, or 16 MB of CSV; so has one of standard input, ``"-"``.

    Raises
    ------
    DataError
        As of `read_table`, from the piece that is broken.

    Examples
    --------
    >>> [(start, table.num_rows) for start, table in pieces({"age": [31, 42]})]
    [(0, 2)]
    """
    path = os.fspath(source) if isinstance(source, str | os.PathLike) else ""
    file = Path(path)
    suffixes = [suffix.lower() for suffix in file.suffixes]
    if not path or (path != "-" and not file.is_file()):
        yield 0, read_table(source)
        return
    kind = "".join([each for each in suffixes[-2:] if each not in COMPRESSED][-1:])
    if kind not in (*TEXT, *PARQUET):
        read_table(source)  # says what is wrong with it
    found = _parquet(path) if kind in PARQUET else _delimited(path)
    start = 0
    for piece in found:
        table = read_table(beside(piece, file.parent))
        yield start, table
        start += table.num_rows


def _parquet(path: str) -> Iterator[pa.Table]:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(ROWS):
                yield pa.Table.from_batches([batch])
            if not file.metadata.num_rows:
                raise DataError(path, "0 rows", "at least one row and column")
    except (pa.ArrowException, OSError) as error:
        raise bad_parquet(path, str(error)) from None


def _delimited(path: str) -> Iterator[pa.Table]:
    """Each piece is read as a file of its own, under the header of the first."""
    import pyarrow as pa

    tabs = any(suffix in (".tsv", ".tab") for suffix in Path(path).suffixes)
    header, lines = b"", 0
    for block in _blocks(path):
        name = "standard input" if path == "-" else path
        name = f"{name} (line 1 of what follows is line {lines})" if lines else name
        yield read_text(pa.py_buffer(header + block if lines else block), name, None, tabs=tabs)
        header = header or block[: _end_of_header(block)]
        lines += block.count(b"\n")
    if not lines:
        read_table(io.BytesIO() if path == "-" else path)  # says what is wrong with it


def _blocks(path: str) -> Iterator[bytes]:
    """The bytes of a file in whole rows, the first with the header and at least one more."""
    import pyarrow as pa

    squeezed = Path(path).suffix.lower() in COMPRESSED
    rest = b""
    least = -1  # the first block has a row beside the header
    try:
        opened = sys.stdin.buffer if path == "-" else path
        with pa.input_stream(opened, compression="detect" if squeezed else None) as stream:
            while block := stream.read(BYTES):
                rest += block
                least = least and _end_of_header(rest)
                end = _end_of_rows(rest)
                if end > least:
                    yield rest[:end]
                    rest, least = rest[end:], 0
    except (pa.ArrowException, OSError) as error:
        raise DataError(path, f"a file that cannot be read ({error})", "a whole file") from None
    if rest.strip():
        yield rest


def _end_of_rows(data: bytes) -> int:
    """Where the last whole row ends: after a line feed that no open quote is before; 0 when there is none."""
    at = data.rfind(b"\n")
    odd = data.count(b'"', 0, at + 1) % 2
    while odd and at >= 0:
        before = data.rfind(b"\n", 0, at)
        odd = (odd + data.count(b'"', before + 1, at + 1)) % 2
        at = before
    return at + 1


def _end_of_header(data: bytes) -> int:
    """Where the first row that is not blank ends."""
    at, odd = 0, 0
    for line in data.splitlines(keepends=True):
        at += len(line)
        odd = (odd + line.count(b'"')) % 2
        if data[:at].strip(b"\xef\xbb\xbf \t\r\n") and not odd:
            break
    return at
