"""A folder for each class becomes a table; what is passed over is named, and what is no such folder refused."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
import pytest

from cutline.data import table_notes
from cutline.data.folders import MOST_BYTES, decoded, located, read_folder
from cutline.errors import DataError

DATA = os.environ.get("CUTLINE_DATA")


def grown(root, files):
    """A folder with these files; their content is given, or nothing."""
    for name, content in files.items() if isinstance(files, dict) else dict.fromkeys(files, b"").items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root


def test_photos_come_as_sorted_paths_and_labels(tmp_path):
    root = grown(tmp_path / "pets", ["dog/b.JPG", "dog/a.png", "cat/9.webp", "cat/old/1.jpeg", "cat/old/2.tif"])
    table = read_folder(root)
    assert table.column_names == ["photo", "label"]
    assert table["label"].to_pylist() == ["cat", "cat", "cat", "dog", "dog"]
    relative = [os.path.relpath(path, root) for path in table["photo"].to_pylist()]
    assert relative == ["cat/9.webp", "cat/old/1.jpeg", "cat/old/2.tif", "dog/a.png", "dog/b.JPG"]
    assert table_notes(table) == ()
    assert table.equals(read_folder(str(root)))


def test_texts_come_with_their_content(tmp_path):
    files = {
        "ham/1.txt": "naïve\n".encode(),
        "ham/2.eml": "\ufeffSubject: hi".encode(),
        "ham/3": "Grüße".encode("cp1252"),
        "spam/1.md": "you won".encode("utf-16"),
        "spam/00001.7c53336b37003a9286aba55d2945844c": b"buy",
        "spam/5.txt": b"",
    }
    table = read_folder(grown(tmp_path, files))
    assert table.column_names == ["text", "label"]
    found = sorted(zip(table["label"].to_pylist(), table["text"].to_pylist(), strict=True))
    ham = [("ham", "Grüße"), ("ham", "Subject: hi"), ("ham", "naïve\n")]
    assert found == [*ham, ("spam", ""), ("spam", "buy"), ("spam", "you won")]
    assert table_notes(table) == ("1 text(s) are no UTF-8 and were read as Windows-1252",)


def test_what_is_passed_over_is_named(tmp_path):
    names = [f"{label}/{number}.jpg" for label in ("a", "b") for number in range(20)]
    more = [".hidden/x.jpg", "a/.DS_Store", "a/notes.txt", "b/sheet.xlsx", "labels.csv", "__MACOSX/c.jpg"]
    root = grown(tmp_path, [*names, *more])
    (root / "none").mkdir()
    os.mkfifo(root / "a" / "pipe.jpg")
    (root / "b" / "gone.jpg").symlink_to(root / "nowhere.jpg")
    (root / "b" / "loop").symlink_to(root)
    table = read_folder(root)
    assert table.num_rows == 40
    assert set(table["label"].to_pylist()) == {"a", "b"}
    hidden, strays, others, empty = table_notes(table)
    assert hidden.startswith("3 hidden")
    assert "__MACOSX" in hidden
    assert ".DS_Store" in hidden
    assert strays.startswith("1 file(s) of the other kind")
    assert "notes.txt" in strays
    assert others.startswith("4 file(s)")
    assert all(n in others for n in ("labels.csv", "sheet", "pipe", "gone"))
    assert empty.startswith("1 folder(s) without")
    assert "none" in empty


def test_files_that_are_no_text_are_named(tmp_path):
    files = {f"{label}/{number}.txt": b"text" for label in ("a", "b") for number in range(3)}
    files |= {"a/binary.txt": b"\x89PNG\0\0", "b/control.txt": bytes(range(1, 32)) * 9, "b/odd.txt": b"\xff\xfea"}
    table = read_folder(grown(tmp_path, files))
    assert table.num_rows == 6
    (note,) = table_notes(table)
    assert note.startswith("3 file(s) that are no text passed over")
    assert "binary.txt' (binary)" in note


def test_long_texts_are_cut_even_within_a_letter(tmp_path):
    long = "ä" * (MOST_BYTES // 2)
    table = read_folder(grown(tmp_path, {"a/1.txt": b"x" + long.encode() + b"yz", "b/1.txt": long.encode()}))
    assert table["text"].to_pylist() == ["x" + long[:-1], long]
    (note,) = table_notes(table)
    assert note.startswith("1 text(s) cut at 10 MB")
    assert "a/1.txt" in note


@pytest.mark.parametrize(
    ("files", "came", "hint"),
    [
        ([], "no photos or texts", "photos/cat/1.jpg"),
        (["a/x.xlsx", "b/y.pdf"], r"no photos or texts, 2 other files: .*x\.xlsx", ""),
        (["1.jpg", "2.jpg"], "2 files that are in no folder of a class", "photos/dog"),
        (["a/1.jpg", "a/2.jpg", "b/.x.jpg"], "files in one folder only, 'a'", ""),
        (["a/1.jpg", "b/2.txt"], "1 photos and 1 texts", "the texts: .*b/2.txt"),
        (
            ["train/a/1.jpg", "train/b/1.jpg", "test/a/1.jpg"],
            "folders named 'test', 'train'",
            "name one, such as .*train",
        ),
    ],
)
def test_other_folders_are_refused(files, came, hint, tmp_path):
    with pytest.raises(DataError, match=f"(?s)came {came}.*wanted .*{hint}"):
        read_folder(grown(tmp_path, files))


def test_what_is_no_folder_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    for name, came in (("file", "a file"), ("gone", "no such folder")):
        with pytest.raises(DataError, match=came):
            read_folder(tmp_path / name)


def test_rows_to_predict_need_no_labels(tmp_path):
    root = grown(tmp_path, ["2.jpg", "1.png", "notes.csv"])
    table = read_folder(root, labelled=False)
    assert table.column_names == ["photo"]
    assert [Path(path).name for path in table["photo"].to_pylist()] == ["1.png", "2.jpg"]
    assert "notes.csv" in table_notes(table)[0]
    grown(tmp_path / "sorted", ["a/1.jpg"])
    assert read_folder(tmp_path / "sorted", labelled=False).to_pydict()["label"] == ["a"]


def test_names_that_are_no_utf8(tmp_path):
    root = grown(tmp_path / "a", ["x/1.jpg", "y/2.jpg"])
    try:
        open(os.fsencode(root) + b"/x/\xff.jpg", "wb").close()
    except OSError:
        pytest.skip("this file system has only names of UTF-8")
    table = read_folder(root)
    assert table.num_rows == 2
    assert table_notes(table)[0].startswith("1 file(s) that are neither")
    os.mkdir(os.fsencode(root) + b"/\xfe")
    with pytest.raises(DataError, match="no UTF-8"):
        read_folder(root)


def test_paths_are_found_beside_their_table(tmp_path, monkeypatch):
    grown(tmp_path, ["data/photos/1.jpg", "here.jpg", "data/here.jpg"])
    monkeypatch.chdir(tmp_path)
    absolute = str(tmp_path / "here.jpg")
    cells = ["photos/1.jpg", " here.jpg ", "nowhere.jpg", None, absolute, "a\0b.jpg"]
    table = located(pa.table({"file": cells, "n": range(6), "other": ["x"] * 6}), "data")
    wanted = ["data/photos/1.jpg", "data/here.jpg", "nowhere.jpg", None, absolute, "a\0b.jpg"]
    assert table["file"].to_pylist() == wanted
    assert table.column_names == ["file", "n", "other"]
    assert table["other"].to_pylist() == ["x"] * 6


@pytest.mark.parametrize("data", [b"a\0b", b"\xff\xfe\x00\xd8", bytes(range(1, 9))])
def test_binary_content_is_no_text(data):
    with pytest.raises(ValueError, match="binary"):
        decoded(data)


@pytest.mark.skipif(not DATA, reason="set CUTLINE_DATA to the folder of data sets")
def test_the_photos_of_food():
    table = read_folder(Path(DATA) / "images" / "hotdog")
    assert table.num_rows == 1200
    assert table["label"].to_pylist().count("hot_dog") == 600
    assert not table_notes(table)
