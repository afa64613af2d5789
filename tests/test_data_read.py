"""Reading and writing tables: every fault is named, nothing is lost on the way."""

from __future__ import annotations

import bz2
import gzip
import io
import os
import re
import sys
import threading
from decimal import Decimal

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings

from cutline.data import column, read_table, replacing, table_notes, write_table, write_text
from cutline.errors import CutlineError, DataError, UnknownName


@pytest.fixture
def write(tmp_path):
    def save(content, name="t.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return save


GOOD = {
    "plain": ("a,b\n1,x\n2,y\n", {"a": [1, 2], "b": ["x", "y"]}),
    "byte order mark": (b"\xef\xbb\xbfa,b\n1,x\n", {"a": [1], "b": ["x"]}),
    "windows line ends": ("a,b\r\n1,x\r\n", {"a": [1], "b": ["x"]}),
    "blank lines": ("\n\na,b\n1,x\n\n2,y\n\n", {"a": [1, 2], "b": ["x", "y"]}),
    "padded header": ("a, b \n1,x\n", {"a": [1], "b": ["x"]}),
    "quoted": ('a,b\n"x\n,y",2\n"p""q",3\n', {"a": ["x\n,y", 'p"q'], "b": [2, 3]}),
    "lone quote in a cell": ('a,b\n1,5" pipe\n2,x\n', {"a": [1, 2], "b": ['5" pipe', "x"]}),
    "semicolons": ("a;b\n1;x, y\n", {"a": [1], "b": ["x, y"]}),
    "decimal comma": ("a;b\n1,5;x\n2,25;y\n", {"a": [1.5, 2.25], "b": ["x", "y"]}),
    "tabs": ("a\tb\n1\tx\n", {"a": [1], "b": ["x"]}),
    "bars": ("a|b\n1|x\n", {"a": [1], "b": ["x"]}),
    "delimiter in a quoted name": ('"a;b;c",d\n1,2\n', {"a;b;c": [1], "d": [2]}),
    "emoji": ("a,b\n😀,1\n", {"a": ["😀"], "b": [1]}),
    "times": ("a,b\n12:30:00,1\n", {"a": ["12:30:00"], "b": [1]}),
    "one column keeps its gaps": ("a\n1\n\n2\n", {"a": [1, None, 2]}),
    "plus and minus are labels": ("a,b\n1,+\n-,-\n2,\n", {"a": [1, None, 2], "b": ["+", "-", None]}),
    "minus alone is missing": ("a,b\n1,x\n-,-\n", {"a": [1, None], "b": ["x", None]}),
}


@pytest.mark.parametrize("case", GOOD)
def test_csv_that_can_be_read(write, case):
    content, wanted = GOOD[case]
    assert read_table(write(content)).to_pydict() == wanted


@pytest.mark.parametrize("spelling", ["", "NA", "N/A", "n/a", "nan", "NaN", "NULL", "null", "?", "-", " ?", " NA"])
def test_missing_spellings(write, spelling):
    table = read_table(write(f"a,b\n1.5,x\n{spelling},{spelling}\n"))
    assert table.to_pydict() == {"a": [1.5, None], "b": ["x", None]}


def test_guesses_are_told_and_a_comma_is_none(write):
    assert table_notes(read_table(write("a,b\n1,2\n"))) == ()
    assert table_notes(read_table(write("a\tb\n1\t2\n", "t.tsv"))) == ()
    (note,) = table_notes(read_table(write("a|b\n1|2\n")))
    assert "a bar" in note
    assert "decimal comma" in table_notes(read_table(write("a;b\n1,5;2\n")))[1]


def test_a_word_late_in_the_file_makes_the_whole_column_text(write):
    n = 300_000  # many blocks of the reader: the first ones see numbers only
    table = read_table(write("a,b\n" + "007,1\n" * n + "x,1.5\n"))
    assert table.num_rows == n + 1
    assert table["a"][0].as_py() == "007"
    assert table["b"][-1].as_py() == 1.5


def test_quoted_line_breaks_all_over_a_long_file(write):
    n = 300_000  # many blocks of the reader: each of them begins within a quoted cell or not
    table = read_table(write("a,b\n" + '"x\n,y",1\n' * n))
    assert table.num_rows == n
    assert table["a"].unique().to_pylist() == ["x\n,y"]


BAD = {
    "ragged": ("a,b\n1,2,3\n1,2\n\n4\n", ["2 of 3 rows", "header's 2", "line 2 has 3, line 5 has 1"]),
    "many ragged": ("a,b\n" + "1\n" * 9, ["9 of 9 rows", "line 6 has 1, ..."]),
    "row names": ("a,b\n1,2,3\n4,5,6\n", ["lack a name for the first column"]),
    "ragged after a quoted line break": ('a,b\n"x\ny",2\n3\n', ["1 of 2 rows", "line 4 has 1"]),
    "latin-1": ("a,b\n1,x\n2,café\n".encode("latin-1"), ["byte 0xE9 in line 3", "WINDOWS-1252"]),
    "latin-1 header": ("café,b\n1,2\n".encode("latin-1"), ["byte 0xE9 in line 1"]),
    "cut in a character": ("a,b\n1,é".encode()[:-1], ["byte 0xC3 in line 2"]),
    "utf-16": ("a,b\n1,2\n".encode("utf-16"), ["UTF-16 byte order mark"]),
    "utf-16 without a mark": ("a,b\n1,2\n".encode("utf-16-le"), ["NUL byte in line 1", "UTF-16"]),
    "empty": ("", ["empty file"]),
    "blank": (" \n\n", ["empty file"]),
    "header only": ("a,b", ["no rows"]),
    "header and a line end": ("a,b\r\n", ["no rows"]),
    "same name twice": ("a,b,a\n1,2,3\n", ["more than once: 'a'"]),
    "same name but for a blank": ("a, a\n1,2\n", ["more than once: 'a'"]),
    "quote never closed": ('a,b\n1,2\n3,"x\n5,6\n', ["after line 2", "never closed"]),
    "spreadsheet": (b"PK\x03\x04rest", ["Excel or zip", "CSV"]),
    "Parquet in disguise": (b"PAR1rest", ["rename it to .parquet"]),
}


@pytest.mark.parametrize("case", BAD)
def test_csv_that_cannot_be_read(write, case):
    content, said = BAD[case]
    path = write(content)
    with pytest.raises(DataError) as caught:
        read_table(path)
    message = str(caught.value)
    assert [text for text in [str(path), *said] if text not in message] == []
    assert caught.value.exit_code == 2


def test_encoding_fault_far_into_the_file(write):
    content = (
        b"aaaaa,b\n" + b"1,\xc3\xa9\n" * 4_000_000
    )  # 20 MB: an e acute sits on the border of the first 16 MB piece
    assert content[(1 << 24) - 1] == 0xC3
    with pytest.raises(DataError, match=r"byte 0xFF in line 4000002"):
        read_table(write(content + b"1,\xff\n"))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("t.parquet", b"", "empty file"),
        ("t.parquet", b"a,b\n1,2\n", "looks like text: rename it to .csv"),
        ("t.parquet", b"\x00\x01\x02\x03" * 9, "does not begin with PAR1"),
        ("t.parquet", "half", "cut short or damaged"),
        ("t.parquet", "middle", "cut short or damaged"),
        ("t.xlsx", b"PK\x03\x04", "the suffix '.xlsx'"),
        ("t.csv.gz", b"a,b\n1,2\n", "not compressed"),
        ("t.csv.gz", "half of gzip", "cut short"),
    ],
)
def test_other_files_that_cannot_be_read(write, tmp_path, name, content, said):
    if content == "half of gzip":
        content = gzip.compress(b"a,b\n" + os.urandom(500).hex().encode())[:200]
    elif isinstance(content, str):
        pq.write_table(pa.table({"a": np.arange(1000)}), tmp_path / name)
        whole = (tmp_path / name).read_bytes()
        content = whole[: len(whole) // 2] if content == "half" else whole[:4] + b"\0" * 60 + whole[64:]
    with pytest.raises(DataError, match=re.escape(said)):
        read_table(write(content, name))


def test_paths_that_lead_nowhere(tmp_path, write):
    write("a,b\n1,2\n", "mails.csv")
    for path, said in [
        (tmp_path, "a folder"),
        (tmp_path / "mail.csv", "did you mean '.*mails.csv'"),
        (tmp_path / "x" / "y.csv", "no such folder"),
        ("https://example.org/t.csv", "download it first"),
    ]:
        with pytest.raises(DataError, match=said):
            read_table(path)


@pytest.mark.parametrize("squeeze", [gzip.compress, bz2.compress])
def test_compressed_csv(write, squeeze):
    name = {gzip.compress: "t.v2.csv.gz", bz2.compress: "t.csv.bz2"}[squeeze]
    assert read_table(write(squeeze(b"a,b\n1,x\n"), name)).to_pydict() == {"a": [1], "b": ["x"]}


def test_streams(monkeypatch):
    assert read_table(io.BytesIO(b"a,b\n1,x\n")).to_pydict() == {"a": [1], "b": ["x"]}
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a,b\n1,x,3\n")))
    with pytest.raises(DataError, match="standard input: came 1 of 1 rows"):
        read_table("-")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are a POSIX thing")
def test_named_pipe(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=("a,b\n1,x\n",))
    writer.start()
    assert read_table(pipe).to_pydict() == {"a": [1], "b": ["x"]}
    writer.join()


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_only_the_asked_columns(tmp_path, name):
    path = tmp_path / name
    write_table({"a": [1], "PM2.5": [2.5], "Label": ["x"]}, path)
    assert read_table(path, columns=["Label", "PM2.5"]).to_pydict() == {"Label": ["x"], "PM2.5": [2.5]}
    with pytest.raises(UnknownName, match="did you mean 'Label'") as caught:
        read_table(path, columns=["LABEL"])
    assert caught.value.suggestions == ("Label",)


FRAMES = {
    "pandas": lambda d: pd.DataFrame(d, index=[5, 9]),
    "polars": pl.DataFrame,
    "polars, lazy": pl.LazyFrame,
    "arrow": pa.table,
    "arrow batch": lambda d: pa.RecordBatch.from_pydict(d),
    "arrow stream": lambda d: pa.table(d).to_reader(),
    "mapping": dict,
    "rows": lambda d: [{"a": 1.5, "b": "x", "c": True}, {"c": False}],
    "mapping of arrays": lambda d: {k: np.array(v, dtype=object) for k, v in d.items()},
}


@pytest.mark.parametrize("frame", FRAMES)
def test_frames(frame):
    data = {"a": [1.5, None], "b": ["x", None], "c": [True, False]}
    assert read_table(FRAMES[frame](data)).to_pydict() == data


def test_odd_types_become_plain_ones():
    seconds = pa.array([90_000_000_000, None], pa.duration("ns"))
    table = read_table(
        pa.table(
            {
                "category": pa.array(["u", None]).dictionary_encode(),
                "decimal": pa.array([Decimal("1.50"), None]),
                "half": pa.array(np.array([0.5, 1.5], dtype=np.float16)),
                "duration": seconds,
                "view": pa.array(["x", "y"], pa.string_view()),
                "bytes": pa.array([b"x", b"y"]),
                "clock": pa.array([0, 60], pa.time32("s")),
            }
        )
    )
    assert table.to_pydict() == {
        "category": ["u", None],
        "decimal": [1.5, None],
        "half": [0.5, 1.5],
        "duration": [90.0, None],
        "view": ["x", "y"],
        "bytes": ["x", "y"],
        "clock": ["00:00:00", "00:01:00"],
    }


def test_columns_of_mixed_objects_become_text():
    frame = pd.DataFrame({"a": [1, "x", None, 2.0], "b": [1 + 2j, 3, 0, 4]})
    assert read_table(frame).to_pydict() == {"a": ["1", "x", None, "2"], "b": ["(1+2j)", "(3+0j)", "0j", "(4+0j)"]}


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "more than once: 'a'"),
        (pa.table([[1], [2]], names=["a", "a"]), "more than once: 'a'"),
        (pd.DataFrame({"a": []}), "0 rows"),
        ({}, "0 columns"),
        ({"a": [1], "b": [1, 2]}, "different lengths"),
        ({"a": 1}, "a int"),
        ({"a": "abc"}, "one text"),
        ({"a": np.zeros((2, 2))}, "shape (2, 2)"),
        (np.zeros((2, 2)), "name the columns"),
        ([1, 2], "a list"),
        ([{"a": 1}, 2], "a list"),
        ([{}], "0 columns"),
        (None, "NoneType"),
    ],
)
def test_sources_that_are_no_tables(source, said):
    with pytest.raises(DataError, match=re.escape(said)):
        read_table(source)


def test_columns_as_arrays():
    table = read_table({"i": [1, 2], "gap": [1, None], "s": ["x", None], "b": [True, False], "bg": [True, None]})
    assert column(table, "i").dtype == np.int64
    np.testing.assert_array_equal(column(table, "gap"), [1.0, np.nan])
    assert column(table, "s").tolist() == ["x", None]
    assert column(table, "b").dtype == bool
    assert column(table, "bg").tolist() == [True, None]
    with pytest.raises(UnknownName, match="did you mean 'gap'"):
        column(table, "GAP")


CELLS = {
    "number": st.floats(allow_nan=False),
    "text": st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), min_size=1).map(lambda s: f"<{s}>"),
    "truth": st.booleans(),
}


@given(rows=st.lists(st.fixed_dictionaries({name: st.none() | cell for name, cell in CELLS.items()}), min_size=1))
@settings(max_examples=40, deadline=None)
def test_what_is_written_is_read(tmp_path_factory, rows):
    types = pa.schema([("number", pa.float64()), ("text", pa.string()), ("truth", pa.bool_())])
    table = pa.Table.from_pylist(rows, schema=types)
    for name in ("t.csv", "t.parquet"):
        path = tmp_path_factory.mktemp("roundtrip") / name
        write_table(table, path)
        for field, got, sent in zip(types, read_table(path).columns, table.columns, strict=True):
            # A number without fractions comes back from CSV as an integer: the same value.
            assert got.to_pylist() == sent.to_pylist(), (name, field)


def test_write_to_a_stream_and_of_text(tmp_path):
    stream = io.BytesIO()
    write_table({"a": [1]}, stream)
    assert stream.getvalue() == b'"a"\n1\n'
    write_text(tmp_path / "t.txt", "é\n")
    assert (tmp_path / "t.txt").read_bytes() == "é\n".encode()


@pytest.mark.parametrize(
    ("name", "table", "said"),
    [
        ("t.xlsx", {"a": [1]}, "the suffix '.xlsx'"),
        ("none/t.csv", {"a": [1]}, "No such file or directory"),
        ("folder.csv", {"a": [1]}, "Is a directory"),
        ("old.csv", {"a": [[1]]}, "cannot hold"),
    ],
)
def test_a_failed_write_leaves_what_was_there(tmp_path, name, table, said):
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "old.csv").write_text("as it was")
    with pytest.raises(DataError, match=said):
        write_table(table, tmp_path / name)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["folder.csv", "old.csv"]
    assert (tmp_path / "old.csv").read_text() == "as it was"


def test_an_interrupted_write_leaves_what_was_there(tmp_path):
    path = tmp_path / "t.txt"
    path.write_text("as it was")
    with pytest.raises(KeyboardInterrupt), replacing(path) as draft:  # noqa: PT012
        draft.write_text("half")
        raise KeyboardInterrupt
    assert [entry.read_text() for entry in tmp_path.iterdir()] == ["as it was"]


@given(content=st.binary(max_size=60) | st.text('ab,;"\n1\r\t', max_size=60).map(str.encode))
@settings(max_examples=150, deadline=None)
def test_any_bytes_give_a_table_or_our_error(content):
    try:
        table = read_table(io.BytesIO(content))
    except CutlineError:
        return
    assert table.num_rows > 0
