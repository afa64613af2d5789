"""A folder for each class, of photos or texts, as a table; and tables with paths of photos."""

from __future__ import annotations

import codecs
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cutline.data.copies import photo_columns
from cutline.data.photo_files import SUFFIXES, listed
from cutline.data.read import NOTES
from cutline.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

TEXTS = (".txt", ".text", ".eml", ".md", ".html", ".htm", "")
"""Ends of the names of texts."""
NUMBERED = re.compile(r"\.[0-9a-f]*\d[0-9a-f]*")
"""An end that is a number, as mails in archives have: these are texts too."""
PARTS = {"train", "training", "test", "testing", "valid", "validation", "val", "dev"}
"""Names of folders that are parts of a data set, not classes."""
MOST_BYTES = 10_000_000
"""Of a text; what is longer is cut."""
STRAY = 0.05
"""Share of the files that may be of the other kind: notices beside photos, pictures beside texts."""
WANTED = "a folder for each class, with photos or texts in it"


@dataclass(slots=True)
class _Found:
    """Files of a folder, each with its class, and what was passed over."""

    photos: list[tuple[str, str]] = field(default_factory=list)
    texts: list[tuple[str, str]] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)

    def add(self, path: str, label: str) -> None:
        """Sort a file in by its name."""
        suffix = Path(path).suffix.lower()
        if Path(path).name.startswith("."):
            self.hidden.append(path)
        elif not Path(path).is_file() or not _writable(path):
            self.others.append(path)
        elif suffix in SUFFIXES:
            self.photos.append((path, label))
        elif suffix in TEXTS or NUMBERED.fullmatch(suffix):
            self.texts.append((path, label))
        else:
            self.others.append(path)

    @property
    def count(self) -> int:
        return len(self.photos) + len(self.texts)


def read_folder(path: str | os.PathLike[str], *, labelled: bool = True) -> pa.Table:
    """Read a folder that has a folder for each class, as a table with a row for each file, sorted by path.

    Parameters
    ----------
    path : path
        A folder. Its folders are the classes; what lies in folders in them belongs to the class too.
    labelled : bool
        False takes a folder without folders as well: rows to predict, without a column "label".

    Returns
    -------
    pyarrow.Table
        Columns "photo" (the path) or "text" (the content), and "label" (the name of the folder). Its notes, see
        `table_notes`, name the files that were passed over.

    Raises
    ------
    DataError
        No files, fewer than two classes, photos and texts mixed, or folders such as "train" and "test".

    Notes
    -----
    Photos are known by their suffix and not opened here. Texts are UTF-8, or UTF-16 with its mark, or else taken for
    Windows-1252; longer ones than 10 MB are cut; files that are no text are passed over by name. So are hidden files.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name, text in {"ham/1.txt": "see you at ten", "spam/2.txt": "you won"}.items():
    ...         (Path(folder) / name).parent.mkdir()
    ...         _ = (Path(folder) / name).write_text(text)
    ...     read_folder(folder).to_pydict()
    {'text': ['see you at ten', 'you won'], 'label': ['ham', 'spam']}
    """
    import pyarrow as pa

    root = os.fspath(path)
    if not os.path.isdir(root):
        raise DataError(root, "no such folder" if not os.path.exists(root) else "a file", WANTED)
    found = _found(root, labelled)
    photos = len(found.photos) >= len(found.texts)
    rows, strays = (found.photos, found.texts) if photos else (found.texts, found.photos)
    if len(strays) > STRAY * found.count:
        came = f"{len(found.photos):,} photos and {len(found.texts):,} texts"
        raise DataError(root, came, "either photos or texts", f"the texts: {listed((t, '') for t, _ in found.texts)}")
    notes = [_passed_over(files, what) for files, what in _groups(found, [name for name, _ in strays])]
    if photos:
        cells = [name for name, _ in rows]
    else:
        cells, rows = _contents(rows, notes)
    labels = [label for _, label in rows]
    if (labelled and len(set(labels)) < 2) or not rows:
        raise _too_few(root, sorted(set(labels)), found)
    columns: dict[str, Any] = {"photo" if photos else "text": pa.array(cells, pa.string())}
    if any(labels):
        columns["label"] = pa.array(labels, pa.string())
    return pa.table(columns).replace_schema_metadata({NOTES: json.dumps([note for note in notes if note])})


def located(table: pa.Table, folder: str | os.PathLike[str]) -> pa.Table:
    """A table whose paths of photos are found: beside the file it was read from, if they are there.

    Parameters
    ----------
    table : pyarrow.Table
    folder : path
        Where the file with the table lies. A relative path that exists in it is joined to it; any other stays as it
        is, relative to the working directory.
    """
    import pyarrow as pa

    for name in photo_columns(table):
        cells = [None if cell is None else cell.strip() for cell in table.column(name).to_pylist()]
        there = [cell if cell is None else os.path.join(folder, cell) for cell in cells]  # absolute ones stay so
        known = [a if a is not None and _exists(a) else cell for a, cell in zip(there, cells, strict=True)]
        table = table.set_column(table.column_names.index(name), name, pa.array(known, pa.string()))
    return table


def _exists(path: str) -> bool:
    try:
        return os.path.exists(path)
    except ValueError:  # a NUL in the name
        return False


def _found(root: str, labelled: bool) -> _Found:
    found = _Found()
    entries = sorted(os.listdir(root))
    folders = [name for name in entries if os.path.isdir(os.path.join(root, name)) and not _skipped(name)]
    found.hidden += [os.path.join(root, name) for name in entries if _skipped(name)]
    files = [os.path.join(root, name) for name in entries if name not in folders and not _skipped(name)]
    if not folders and not labelled:
        for name in files:
            found.add(name, "")
        return found
    if len(folders) > 1 and all(name.lower() in PARTS for name in folders):
        came = f"folders named {listed((name, '') for name in folders)}"
        raise DataError(root, came, WANTED, f"these are parts of a data set: name one, such as {root}/{folders[-1]}")
    found.others += files
    for name in folders:
        if not _writable(name):
            raise DataError(root, f"a folder whose name is no UTF-8, {name!r}", "names of classes", "rename it")
        before = found.count
        for file in _files(os.path.join(root, name)):
            found.add(file, name)
        if found.count == before:
            found.empty.append(os.path.join(root, name))
    return found


def _files(folder: str) -> Iterator[str]:
    """All files below a folder, sorted; links to folders are not followed, for they may lead back."""
    for place, inner, names in os.walk(folder):
        inner[:] = sorted(name for name in inner if not _skipped(name))
        yield from (os.path.join(place, name) for name in sorted(names))


def _skipped(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"


def _writable(path: str) -> bool:
    """Whether a name can be written down: one that is no UTF-8 cannot."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _groups(found: _Found, strays: list[str]) -> list[tuple[list[str], str]]:
    return [
        (found.hidden, "hidden file(s) or folder(s)"),
        (strays, "file(s) of the other kind"),
        (found.others, "file(s) that are neither photo nor text, or not in the folder of a class"),
        (found.empty, "folder(s) without photos or texts"),
    ]


def _passed_over(paths: list[str], what: str) -> str:
    return f"{len(paths):,} {what} passed over: {listed((path, '') for path in paths)}" if paths else ""


def _too_few(root: str, labels: list[str], found: _Found) -> DataError:
    if labels:
        came = f"files in one folder only, {labels[0]!r}"
    elif any(name.lower().endswith(SUFFIXES) for name in found.others):
        came = f"{len(found.others):,} files that are in no folder of a class"
    else:
        came = "no photos or texts"
        came += f", {len(found.others):,} other files: {listed((n, '') for n in found.others)}" if found.others else ""
    return DataError(root, came, WANTED, "for example photos/cat/1.jpg and photos/dog/2.jpg")


def _contents(rows: list[tuple[str, str]], notes: list[str]) -> tuple[list[str], list[tuple[str, str]]]:
    """Texts of files, and the rows that are texts."""
    cells, kept, bad = [], [], []
    cut, guessed = [], []
    for path, label in rows:
        try:
            with open(path, "rb") as file:
                data = file.read(MOST_BYTES + 1)
            text, how = decoded(data[:MOST_BYTES], whole=len(data) <= MOST_BYTES)
        except (OSError, ValueError) as error:
            bad.append((path, error.strerror or "" if isinstance(error, OSError) else str(error)))
            continue
        cells.append(text)
        kept.append((path, label))
        cut += [path] if len(data) > MOST_BYTES else []
        guessed += [path] if how == "cp1252" else []
    if bad:
        notes.append(f"{len(bad):,} file(s) that are no text passed over: {listed(bad)}")
    if cut:
        notes.append(f"{len(cut):,} text(s) cut at 10 MB: {listed((path, '') for path in cut)}")
    if guessed:
        notes.append(f"{len(guessed):,} text(s) are no UTF-8 and were read as Windows-1252")
    return cells, kept


def decoded(data: bytes, *, whole: bool = True) -> tuple[str, str]:
    """Text of bytes, and how it was encoded: "utf-8", "utf-16" or "cp1252".

    Parameters
    ----------
    data : bytes
    whole : bool
        False when it may end within a letter.

    Raises
    ------
    ValueError
        It is no text: it has zero bytes, or over a tenth of it are control characters.

    Examples
    --------
    >>> decoded("naïve".encode()), decoded("naïve".encode("latin-1"))
    (('naïve', 'utf-8'), ('naïve', 'cp1252'))
    """
    how = "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8"
    if how == "utf-8" and b"\0" in data:
        raise ValueError("binary")
    try:
        text = codecs.getincrementaldecoder(how)().decode(data, final=whole)
    except UnicodeDecodeError:
        if how == "utf-16":
            raise ValueError("binary") from None
        text, how = data.decode("cp1252", errors="replace"), "cp1252"
    control = sum(data.count(bytes([code])) for code in range(32) if code not in b"\t\n\r\f\x1b")
    if how != "utf-16" and control > 0.1 * len(data):
        raise ValueError("binary")
    return text.removeprefix("\ufeff"), how
