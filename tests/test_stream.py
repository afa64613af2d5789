"""Files of any size: read, decided and written piece by piece."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

import cutline as cl
from cutline.data import pieces, read_table, stream, write_table, write_tables
from cutline.errors import DataError

LINES = ["name,words,n\n", *(f'a{i},"one, {i}\ntwo ""lines""",{i}\n' for i in range(400)), 'last,"x",7']


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "BYTES", 1000)
    monkeypatch.setattr(stream, "ROWS", 60)


def whole(path: Path) -> tuple[pa.Table, int]:
    found = list(pieces(path))
    assert [start for start, _ in found] == np.cumsum([0, *(t.num_rows for _, t in found[:-1])]).tolist()
    return pa.concat_tables([table for _, table in found]), len(found)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_pieces_of_text_are_whole_rows(tmp_path: Path, small: None, end: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes("".join(LINES).replace("\n", end).encode())
    table, count = whole(path)
    assert count > 10
    assert table.equals(read_table(path))


def test_pieces_of_a_compressed_file(tmp_path: Path, small: None) -> None:
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress("".join(LINES).encode()))
    table, count = whole(path)
    assert count > 10
    assert table.equals(read_table(path))


def test_pieces_of_parquet(tmp_path: Path, small: None) -> None:
    path = tmp_path / "t.parquet"
    parquet.write_table(pa.table({"a": np.arange(500), "b": ["x"] * 500}), path)
    table, count = whole(path)
    assert count > 5
    assert table.equals(read_table(path))


def test_standard_input_comes_in_pieces_too(tmp_path: Path, small: None, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "t.csv"
    path.write_text("".join(LINES))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(path.read_bytes())))
    found = [table for _, table in pieces("-")]
    assert len(found) > 10
    assert pa.concat_tables(found).equals(read_table(path))
    for text in ("", "name,words,n\n"):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        with pytest.raises(DataError, match=r"empty file|no rows"):
            list(pieces("-"))


def test_what_is_no_file_is_one_piece(tmp_path: Path, small: None) -> None:
    assert [table.num_rows for _, table in pieces({"a": list(range(500))})] == [500]


def test_a_row_longer_than_a_piece_is_not_cut(tmp_path: Path, small: None) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"a,b\n1,{'x' * 5000}\n2,y\n")
    assert whole(path)[0].equals(read_table(path))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("t.csv", b"a,b\n" + b"1,2\n" * 2000 + b"1,2,3\n", r"t.csv \(line 1 of what follows is line \d+\)"),
        ("t.csv", b"", "empty"),
        ("t.csv", b"a,b\n", "no rows"),
        ("t.csv", b"PAR1" + b"x" * 50, "Parquet"),
        ("t.parquet", b"PAR1" + b"x" * 50, "parquet"),
        ("t.csv.gz", gzip.compress(b"a,b\n" + b"1,2\n" * 20000, mtime=0)[:60], "cannot be read"),
        ("t.xlsx", b"PK", "suffix"),
    ],
)
def test_broken_files_are_named(tmp_path: Path, small: None, name: str, content: bytes, said: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError, match=said):
        list(pieces(path))


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_tables_are_written_under_each_other(tmp_path: Path, suffix: str) -> None:
    parts = [{"a": [1.5, 2.0], "b": ["x", "y"]}, {"a": [3.0], "b": ["z, q"]}]
    write_tables(parts, tmp_path / f"t{suffix}")
    assert read_table(tmp_path / f"t{suffix}").to_pydict() == {"a": [1.5, 2.0, 3.0], "b": ["x", "y", "z, q"]}


def test_a_file_that_breaks_in_the_middle_leaves_nothing(tmp_path: Path) -> None:
    def breaks():
        yield {"a": [1]}
        raise DataError("t", "a broken row", "rows")

    write_table({"a": [0]}, tmp_path / "old.csv")
    for name in ("new.csv", "old.csv"):
        with pytest.raises(DataError, match="broken row"):
            write_tables(breaks(), tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["old.csv"]
    assert read_table(tmp_path / "old.csv").to_pydict() == {"a": [0]}


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_classifier_decides_a_large_file_as_it_decides_its_rows(tmp_path: Path, small: None, suffix: str) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=800)
    table = {"x": x, "level": np.array(["a", "b"])[rng.integers(0, 2, 800)], "y": np.where(x > 0, "yes", "no")}
    model = cl.fit(table, target="y", positive="yes", families=["linear"], budget=None)
    fresh = {"x": rng.normal(size=800), "level": np.array(["a", "b", "c"])[rng.integers(0, 3, 800)]}
    write_table(fresh, tmp_path / f"new{suffix}")
    notes = model.predict_file(tmp_path / f"new{suffix}", tmp_path / "out.parquet")
    assert any(note.startswith("from row ") and "'c'" in note for note in notes)
    out = read_table(tmp_path / "out.parquet")
    assert out.column_names == ["p_no", "p_yes", "decision"]
    scores = model.scores(fresh)
    np.testing.assert_allclose(out["p_yes"].to_numpy(), scores.probability, rtol=1e-9)
    assert out["decision"].to_pylist() == model.predict(fresh).tolist()
