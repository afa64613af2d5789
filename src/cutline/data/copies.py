"""A first look at photos before they are learned from: which cannot be read, and which are copies of each other."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cutline.core import threads
from cutline.data.photo_files import SUFFIXES, listed, opened, quiet, reason

if TYPE_CHECKING:
    import pyarrow as pa

GRID = 8
"""Sides of the thumbnails that copies are told by."""
ALIKE = 0.98
"""Correlation of the thumbnails of copies. Of 719,400 pairs of unrelated photos of food none had more than 0.9; photos
and their re-encoded or resized copies had more than 0.999, with 2 % cropped off each side more than 0.96."""
LARGEST, ALWAYS = 0.1, 10
"""A group of near copies with more than this share of the photos, and more than so many, is none: say, the frames of
a camera that does not move."""
BLOCK = 4_000_000
"""Pairs to compare at a time."""
MOSTLY = 0.95
"""Share of the cells of a column that must be names of photos."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a first look at a photo tells.

    Attributes
    ----------
    why : str
        Why it cannot be read; "" when it can.
    digest : bytes
        SHA-256 of the file; empty when it is missing or cannot be read.
    thumbnail : bytes
        Of uint8 pixels, shape (8, 8, 3).
    """

    why: str
    digest: bytes = b""
    thumbnail: bytes = bytes(GRID * GRID * 3)


def looks(paths: Sequence[str]) -> list[Look]:
    """A first look at each photo, remembered while the file does not change; "" is a missing one."""
    with quiet(), ThreadPoolExecutor(threads()) as pool:
        return list(pool.map(_look, paths))


def _look(path: str) -> Look:
    if not path:
        return Look("")
    try:
        state = os.stat(path)
    except (OSError, ValueError) as error:
        return Look(reason(error))
    return _looked(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=100_000)
def _looked(path: str, changed: int, size: int) -> Look:
    from PIL import Image

    try:
        small = opened(path, 8 * GRID).resize((GRID, GRID), Image.Resampling.BOX)
        with open(path, "rb") as file:
            return Look("", hashlib.file_digest(file, "sha256").digest(), small.tobytes())
    except Exception as error:  # decoders fail in many ways on damaged files: each is one photo less
        return Look(reason(error))


def duplicates(paths: Sequence[str]) -> NDArray[np.int64]:
    """Groups of photos that are copies of each other, so that a split can keep them on one side.

    Copies are equal files, and photos whose thumbnails in colour correlate by at least 0.98, mirrored or not: the same
    photo at another size or quality, somewhat lighter, or cropped by a hair. Copies of copies belong together.

    Parameters
    ----------
    paths : sequence of str
        "" for a missing photo, which is like no other; nor is one that cannot be read.

    Returns
    -------
    ndarray of int, shape (n,)
        Photo i is in group ``result[i]``; groups are numbered from 0 in the order of their first photos.
    """
    seen = looks(paths)
    equal = numbered(one.digest or number for number, one in enumerate(seen))
    first = np.unique(equal, return_index=True)[1]
    pixels = np.frombuffer(b"".join(seen[number].thumbnail for number in first), dtype=np.uint8)
    thumbnails = pixels.reshape(len(first), GRID, GRID, 3).astype(np.float32)
    near = _alike(_standard(thumbnails), _standard(thumbnails[:, :, ::-1]))[equal]
    crowd = np.bincount(near)[near] > max(LARGEST * len(paths), ALWAYS)
    return numbered(np.where(crowd, equal + len(paths), near).tolist())


def _standard(thumbnails: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each as a row of length 1 around 0, so that products are correlations; zeros for one without contrast."""
    rows = thumbnails.reshape(-1, GRID * GRID * 3)
    rows = rows - rows.mean(axis=1, keepdims=True)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.where(length > 1, rows / np.maximum(length, 1), 0).astype(np.float32)


def _alike(rows: NDArray[np.float32], mirrored: NDArray[np.float32]) -> NDArray[np.int64]:
    """Groups of rows that correlate, directly or through others."""
    n = len(rows)
    group = np.arange(n)
    step = max(1, BLOCK // max(n, 1))
    for start in range(0, n, step):
        for others in (rows, mirrored):
            i, j = np.nonzero(rows[start : start + step] @ others[start:].T >= ALIKE)
            new = (i < j) & (group[i + start] != group[j + start])
            if new.any():  # the groups so far are kept as pairs of each row and its group's first row
                pairs = np.stack([i[new], j[new]], axis=1) + start
                group = joined(n, np.concatenate([pairs, _to_first(group)]))
    return group


def _to_first(group: NDArray[np.int64]) -> NDArray[np.int64]:
    first = np.unique(group, return_index=True)[1]
    return np.stack([np.arange(len(group)), first[group]], axis=1)


def joined(n: int, pairs: NDArray[Any]) -> NDArray[np.int64]:
    """Groups of n things that are joined by pairs, directly or through others, shape (n,).

    >>> joined(5, np.array([[0, 3], [3, 1]])).tolist()
    [0, 0, 1, 0, 2]
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(pairs), dtype=np.int8), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    return numbered(connected_components(graph, directed=False)[1].tolist())


def together(*groups: NDArray[Any]) -> NDArray[np.int64]:
    """Groups of rows that share a group in any of several groupings, shape (n,).

    >>> together(np.array(["a", "a", "b", "c"]), np.array([0, 1, 1, 2])).tolist()
    [0, 0, 0, 1]
    """
    coded = [_to_first(numbered(each.tolist())) for each in groups]
    return joined(len(groups[0]), np.concatenate(coded))


def numbered(names: Iterable[Any]) -> NDArray[np.int64]:
    """A number for each distinct name, in order of appearance.

    >>> numbered(["b", "a", "b"]).tolist()
    [0, 1, 0]
    """
    known: dict[Any, int] = {}
    return np.array([known.setdefault(name, len(known)) for name in names], dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Screened:
    """Rows of a table after a look at its photos.

    Attributes
    ----------
    keep : bool array, shape (n,)
        False where a photo cannot be read; a missing one does not count.
    groups : int array, shape (n,), or None
        Rows whose photos are copies have the same number; None when there are no copies.
    notes : tuple of str
        How many were skipped, by name, and how many are copies.
    """

    keep: NDArray[np.bool_]
    groups: NDArray[np.int64] | None
    notes: tuple[str, ...]


def screened(table: pa.Table, columns: Sequence[str] | None = None) -> Screened:
    """Look at the photos of a table: which rows to skip, and which to keep on one side of a split.

    Looks at the columns named, or else at those whose present cells are names of photos; see `photo_columns`. At none
    without Pillow.
    """
    keep, notes, groupings = np.ones(table.num_rows, dtype=bool), [], []
    wanted = photo_columns(table) if columns is None else columns
    for name in wanted if find_spec("PIL") else ():
        paths = [(cell or "").strip() for cell in table.column(name).to_pylist()]
        seen = looks(paths)
        bad = [(path, one.why) for path, one in zip(paths, seen, strict=True) if one.why]
        if bad:
            notes.append(f"column {name!r}: {len(bad):,} photo(s) that cannot be read skipped: {listed(bad)}")
            keep &= [not one.why for one in seen]
        found = duplicates(paths)
        groupings.append(found)
        copies = np.bincount(found)
        if (copies > 1).any():
            count = f"{copies[copies > 1].sum():,} photos are copies or near copies, of {(copies > 1).sum():,}"
            notes.append(f"column {name!r}: {count}; copies are kept in one fold")
    groups = together(*groupings) if groupings else None
    none = groups is None or len(np.unique(groups)) == len(groups)
    return Screened(keep, None if none else groups, tuple(notes))


def photo_columns(table: pa.Table) -> list[str]:
    """Names of the columns of which at least 95 % of the present cells are names of photos.

    >>> import pyarrow as pa
    >>> photo_columns(pa.table({"file": ["a.jpg", "b/c.PNG"], "label": ["cat", "dog"]}))
    ['file']
    """
    import pyarrow as pa

    text = [
        field.name for field in table.schema if pa.types.is_string(field.type) or pa.types.is_large_string(field.type)
    ]
    present = {name: table.column(name).drop_null() for name in text}
    return [name for name, cells in present.items() if _photos(cells[:100]) and _photos(cells)]


def _photos(cells: pa.ChunkedArray) -> bool:
    import pyarrow.compute as pc

    names = pc.utf8_lower(pc.utf8_trim_whitespace(cells))
    ends = np.zeros(len(cells), dtype=bool)
    for suffix in SUFFIXES:
        ends |= pc.ends_with(names, suffix).to_numpy()
    return bool(len(ends)) and bool(ends.mean() >= MOSTLY)
