"""What columns are taken to be, and the features that come of them."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings

from cutline.data import Schema, features, infer_schema, read_table, write_table
from cutline.errors import DataError, UnknownName

N = 60
Y = ["no", "yes"] * (N // 2)
RNG = np.random.default_rng(0)
DAYS = [dt.date(2020, 1, 1) + dt.timedelta(days=7 * i) for i in range(N)]


def one(values, name="x", **more):
    """The schema of a table with this column, a number and the target, and the column in it."""
    table = {name: values, "other": RNG.random(len(values)), "y": ["no", "yes"] * (len(values) // 2)}
    schema = infer_schema(table, target="y", **more)
    return schema, schema.columns[0]


KINDS = {
    "floats": (RNG.random(N), "numeric", "0.0"),
    "integers": ([1, 2, 3] * 20, "numeric", "1 to 3, whole, 3 distinct"),
    "numbers with gaps": ([1.5, None] * 30, "numeric", "50.0 % missing"),
    "numbers as text": ([str(i % 7) for i in range(N)], "numeric", "0 to 6"),
    "padded numbers": ([f" {i % 7} " for i in range(N)], "numeric", "0 to 6"),
    "thousands": ([f"{i * 999:,}" for i in range(N)], "numeric", "0 to 58941"),
    "booleans": ([True, False] * 30, "boolean", "true in 50.0 % of the rows"),
    "yes and no": (["yes", "no "] * 30, "categorical", "2 levels: no, yes"),
    "padded levels": ([" >50K", ">50K", "<=50K "] * 20, "categorical", "2 levels: >50K, <=50K"),
    "levels": (["a", "b", "b"] * 20, "categorical", "2 levels: b, a"),
    "one level and gaps": (["a", None] * 30, "categorical", "1 level: a; 50.0 % missing"),
    "emoji": (["😀", "🎉"] * 30, "categorical", "2 levels: 🎉, 😀"),
    "date objects": (DAYS, "date", "2020-01-01 to 2021-02-17; gives year, month, day, days"),
    "ISO dates": ([str(d) for d in DAYS], "date", "gives year, month, day, days"),
    "ISO times": ([f"{d}T{i % 24:02}:30:00Z" for i, d in enumerate(DAYS)], "date", "day, hour, days"),
    "slashed dates": ([d.strftime("%Y/%m/%d") for d in DAYS], "date", "2020-01-01 to"),
    "day first": ([d.strftime("%d.%m.%Y") for d in DAYS], "date", "day first"),
    "month first": ([d.strftime("%m/%d/%Y %H:%M") for d in DAYS], "date", "month first"),
    "text": ([f"the mail number {i} of all" for i in range(N)], "text", "60 distinct texts"),
    "codes of rows": ([f"u{i:04}" for i in range(N)], "identifier", "60 distinct values in 60 rows"),
    "row numbers": (list(range(5, 5 + N)), "identifier", "60 distinct whole numbers"),
    "one value": (["k"] * N, "constant", "always 'k'"),
    "one number": ([2.5] * N, "constant", "always 2.5"),
    "one truth": ([True] * N, "constant", "always true"),
    "one day": ([DAYS[0]] * N, "constant", "always 2020-01-01"),
    "nothing": ([None] * N, "empty", "no value"),
    "blanks": (["", "  "] * 30, "empty", "no value"),
    "nan as text": (["nan", "NaN"] * 30, "empty", "no value"),
    "dates and nan as text": (["nan", "2020-01-01", "2020-03-04"] * 20, "date", "33.3 % missing"),
    "levels and nan as text": (["nan", "a", "b"] * 20, "categorical", "2 levels: a, b; 33.3 % missing"),
    "not finite": ([np.inf, np.nan] * 30, "empty", "no number"),
    "lists": ([[1], [2]] * 30, "nested", "list<"),
}
USED = {"numeric", "categorical", "boolean", "date", "text"}


@pytest.mark.parametrize("case", KINDS)
def test_kinds(case):
    values, kind, said = KINDS[case]
    schema, column = one(values)
    assert (column.kind, column.used) == (kind, kind in USED)
    assert said in column.detail
    assert ("x" in [c.name for c in schema.used]) == (kind in USED)
    assert any("'x' left out" in note for note in schema.notes) == (kind not in USED)


@pytest.mark.parametrize(
    ("name", "is_id"),
    [
        *((name, True) for name in ("id", "user_id", "customerId", "OrderID", "Unnamed: 0", "")),
        *((name, False) for name in ("paid", "grid", "idle", "amount")),
    ],
)
def test_whole_numbers_that_all_differ_are_an_identifier_by_name(name, is_id):
    values = 3 * RNG.permutation(N)
    assert one(values, name)[1].kind == ("identifier" if is_id else "numeric")
    assert one(values, name, types={name: "numeric"})[1].kind == "numeric"
    assert one(values / 4, name)[1].kind == "numeric"
    assert one(np.append(values[1:], values[1]), name)[1].kind == "numeric"


@pytest.mark.parametrize(
    ("values", "kind", "note"),
    [
        (["oops", "n.b.", "oops", *map(str, range(97))], "numeric", "3 cells counted as missing.*'oops', 'n.b.'"),
        (["oops"] * 6 + list(map(str, range(94))), "categorical", "numbers and words mixed"),
        (["4+"] * 3 + ["1", "2", "3", "0"] * 24 + ["1"], "categorical", r"mixed \('4\+'\)"),
        (["soon"] * 5 + [str(d) for d in DAYS[:19]] * 5, "date", "5 cells counted as missing, being no date: 'soon'"),
        ([np.inf, -np.inf, *range(98)], "numeric", "2 infinite values counted as missing"),
        (["1,234"] * 50 + ["12"] * 50, "numeric", "thousands separators"),
        (["01/02/2020", "03/04/2021"] * 50, "date", "whether the day or the month comes first"),
        ([f"c{i}" for i in range(250)] * 2, "categorical", "200 most frequent of 250 levels are kept; 100 rows"),
    ],
)
def test_decisions_are_told(values, kind, note):
    schema, column = one(values)
    assert column.kind == kind
    (said,) = [text for text in schema.notes if "'x'" in text]
    assert re.search(note, said), said


def test_cells_that_break_the_rule_are_missing_features():
    values = ["oops", "", None, " 7 ", "-1e3", "+2.5", "1,000", "inf", *map(str, range(192))]
    schema, _ = one(values)
    got = features(schema, {"x": values, "other": [0] * 200})
    np.testing.assert_array_equal(got.numeric[:9, 0], [np.nan] * 3 + [7, -1000, 2.5, 1000, np.nan, 0])
    assert [note for note in got.notes if "'x'" in note] == [
        "column 'x': 1 cell(s) that are no number counted as missing: 'oops'",
        "column 'x': 1 infinite value(s) counted as missing",
    ]


def test_many_columns_left_out_are_told_in_one_sentence():
    table = {f"c{i}": [1] * N for i in range(9)} | {"x": [1, 2] * 30}
    assert infer_schema(table, target=None).notes[0] == (
        "9 columns left out (constant): 'c0', 'c1', 'c2', 'c3', 'c4', ..."
    )


def test_the_target_in_other_letters():
    table = {"Label": ["a", "b"] * 30, "label": Y}
    with pytest.raises(UnknownName, match=r"target: came 'LABEL'.*did you mean 'Label' or 'label'"):
        infer_schema(table, target="LABEL")
    (note,) = infer_schema(table, target="label").notes
    assert "'Label': has the name of the target 'label'" in note


@pytest.mark.parametrize(
    ("more", "error", "said"),
    [
        ({"types": {"X": "numeric"}}, UnknownName, "types: came 'X'.*did you mean 'x'"),
        ({"types": {"x": "number"}}, UnknownName, r"types\['x'\]: came 'number'.*did you mean 'numeric'"),
        ({"types": {"x": "constant"}}, UnknownName, "came 'constant'"),
        ({"types": {"y": "categorical"}}, UnknownName, "types: came 'y'"),
        ({"types": {"x": "date"}}, DataError, "no cell that is a date"),
        ({"types": {"x": "numeric"}}, DataError, r"types\['x'\]: came no cell that is a number \(such as 'a', 'b'\)"),
        ({"types": {"x": "boolean"}}, DataError, "no cell that is a truth value"),
        ({"drop": ["X"]}, UnknownName, "drop: came 'X'.*did you mean 'x'"),
        ({"drop": ["x", "other"]}, DataError, "no column that can be used.*dropped on request"),
    ],
)
def test_declarations_that_do_not_fit(more, error, said):
    with pytest.raises(error, match=said):
        one(["a", "b"] * 30, **more)


def test_only_the_target():
    with pytest.raises(DataError, match="the target is the only column"):
        infer_schema({"y": Y}, target="y")


@pytest.mark.parametrize(
    ("values", "kind", "wanted"),
    [
        ([1, 2, 3] * 20, "categorical", ("1", "2", "3")),
        ([1.0, 2.5, None] * 20, "categorical", ("1", "2.5")),
        ([10, 9, 1] * 20, "categorical", ("1", "9", "10")),
        ([True, False] * 30, "categorical", ("false", "true")),
        (["b", "10", "9"] * 20, "categorical", ("9", "10", "b")),
        (["yes", "No"] * 30, "boolean", ()),
        ([1, 0, None] * 20, "boolean", ()),
        (["7", "x"] * 30, "numeric", ()),
        (["2020-01-05", "x"] * 30, "date", ()),
        ([1, 2] * 30, "identifier", ()),
        ([1, 2] * 30, "text", ()),
    ],
)
def test_declared_types(values, kind, wanted):
    schema, column = one(values, types={"x": kind})
    assert (column.kind, column.levels, column.used) == (kind, wanted, kind in USED)
    assert "x" not in features(schema, {"x": values, "other": [0] * N}).numeric_names or kind in ("numeric", "boolean")


WIDE = {
    "number": [*RNG.random(N - 1), None],
    "code": [1, 2, 3] * 20,
    "word": ["a", "b", None] * 20,
    "truth": [True, False, None] * 20,
    "day": [str(d) for d in DAYS],
    "us": [d.strftime("%m/%d/%Y %H:%M") for d in DAYS],
    "name": [f"u{i}" for i in range(N)],
    "y": Y,
}


def test_schema_survives_json(tmp_path):
    (tmp_path / "t.csv").write_text("a;y\n" + "1,5;no\n2;yes\n" * 5)
    schema = infer_schema(tmp_path / "t.csv", target="y")
    assert len(schema.notes) == 2
    assert Schema.from_dict(json.loads(json.dumps(schema.to_dict()))).notes == schema.notes
    schema = infer_schema(WIDE, target="y", types={"code": "categorical"}, drop=["name"])
    again = Schema.from_dict(json.loads(json.dumps(schema.to_dict())))
    assert again == schema
    assert again.notes == schema.notes
    np.testing.assert_array_equal(features(again, WIDE).numeric, features(schema, WIDE).numeric)


def test_schema_is_printed_as_a_table():
    lines = repr(one(["a", "b"] * 30)[0]).splitlines()
    assert lines[0].split() == ["column", "kind", "used", "detail"]
    assert lines[1] == "x       categorical  yes   2 levels: a, b"
    wide = repr(infer_schema({f"c{i}": [1, 2] if i else [1, 1] for i in range(100)}, target=None)).splitlines()
    assert wide[-1] == "... and 60 more: numeric"
    assert len(wide) == 42


def test_feature_arrays():
    got = features(infer_schema(WIDE, target="y", types={"code": "categorical"}), WIDE)
    day = ["day (year)", "day (month)", "day (day)", "day (days)"]
    us = ["us (year)", "us (month)", "us (day)", "us (days)"]
    assert got.numeric_names == ("number", "truth", *day, *us)
    assert got.categorical_names == ("code", "word")
    assert got.cardinality == (3, 2)
    assert got.n == N
    assert got.notes == ()
    assert (got.numeric.dtype, got.codes.dtype) == (np.float64, np.int32)
    np.testing.assert_array_equal(got.codes[:3], [[0, 0], [1, 1], [2, -1]])
    np.testing.assert_array_equal(got.numeric[:3, 1], [1, 0, np.nan])
    np.testing.assert_array_equal(got.numeric[5, 2:6], [2020, 2, 5, (DAYS[5] - dt.date(1970, 1, 1)).days])
    np.testing.assert_array_equal(got.numeric[:, 2:6], got.numeric[:, 6:])
    for array in (got.numeric, got.codes):
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 0


def test_columns_are_found_by_name():
    schema = infer_schema(WIDE, target="y")
    turned = {"extra": [1] * N, **{name: WIDE[name] for name in reversed(WIDE) if name != "name"}}
    got, wanted = features(schema, turned), features(schema, WIDE)
    np.testing.assert_array_equal(got.numeric, wanted.numeric)
    np.testing.assert_array_equal(got.codes, wanted.codes)
    assert got.notes == ("1 column(s) unknown in training ignored: 'extra'",)
    with pytest.raises(DataError, match=r"no column 'number', 'day'; wanted the 6 columns.*rename 'DAY' to 'day'"):
        features(schema, {"DAY": WIDE["day"], **{k: v for k, v in WIDE.items() if k not in ("number", "day")}})


@pytest.mark.parametrize(
    "change",
    [
        lambda t: pd.DataFrame(t),
        lambda t: pl.DataFrame(t, strict=False),
        lambda t: {k: [None if v is None else str(v) for v in values] for k, values in t.items()},
        lambda t: {k: [None if v is None else f" {v} " for v in values] for k, values in t.items()},
        lambda t: {**t, "code": [float(v) for v in t["code"]], "truth": [None, 1.0, 0.0] * 20},
        lambda t: {**t, "code": [f"0{v}.0" for v in t["code"]], "truth": [None, "Yes", "no"] * 20},
        lambda t: {**t, "day": DAYS, "us": [dt.datetime.combine(d, dt.time(12)) for d in DAYS]},
        lambda t: {**t, "word": pd.Categorical(t["word"])},
    ],
)
def test_the_same_features_from_columns_of_other_types(change):
    table = {**WIDE, "truth": [None, True, False] * 20}
    table["us"] = [d.strftime("%m/%d/%Y 12:00") for d in DAYS]
    schema = infer_schema(table, target="y", types={"code": "categorical"})
    wanted, got = features(schema, table), features(schema, change(table))
    np.testing.assert_array_equal(got.numeric, wanted.numeric)
    np.testing.assert_array_equal(got.codes, wanted.codes)
    assert got.notes == wanted.notes == ()


def test_truth_values_find_levels_that_spell_them():
    schema, column = one(["True", "False", "maybe"] * 20)
    assert column.levels == ("False", "True", "maybe")
    for later in ([True, False, None], ["true", "FALSE", ""]):
        got = features(schema, {"x": later, "other": [0] * 3})
        assert got.codes[:, 0].tolist() == [1, 0, -1]
        assert got.notes == ()


def test_what_was_never_seen_is_counted():
    schema = infer_schema(WIDE, target="y", types={"code": "categorical"})
    row = {"number": ["many"], "code": [9], "word": ["z"], "truth": [2], "day": ["soon"], "us": ["13/13/2020"]}
    got = features(schema, row)
    assert np.isnan(got.numeric).all()
    np.testing.assert_array_equal(got.codes, [[-1, -1]])
    assert got.notes == (
        "column 'number': 1 cell(s) that are no number counted as missing: 'many'",
        "column 'code': 1 row(s) with levels unseen in training: '9'",
        "column 'word': 1 row(s) with levels unseen in training: 'z'",
        "column 'truth': 1 cell(s) that are no truth value counted as missing: '2'",
        "column 'day': 1 cell(s) that are no date counted as missing: 'soon'",
        "column 'us': 1 cell(s) that are no date counted as missing: '13/13/2020'",
    )


def test_empty_and_foreign_columns_are_missing():
    schema = infer_schema(WIDE, target="y", types={"code": "categorical"})
    got = features(schema, {name: [None, None] for name in WIDE})
    assert np.isnan(got.numeric).all()
    assert (got.codes == -1).all()
    assert got.notes == ()
    swapped = {**WIDE, "number": DAYS, "day": list(range(N))}
    assert [note.partition(" cell(s)")[0] for note in features(schema, swapped).notes] == [
        "column 'number': 60",
        "column 'day': 60",
    ]


def test_times_with_an_offset_are_taken_in_utc():
    times = [f"2020-01-{d:02}T{h:02}:30:00+02:00" for d in range(1, 21) for h in range(3)]
    schema, _ = one(times)
    typed = pd.to_datetime(pd.Series(times))
    columns = {"x": times}, {"x": typed}, {"x": typed.dt.tz_convert("America/Lima")}
    arrays = [features(schema, {**c, "other": [0] * N}).numeric for c in columns]
    hour = features(schema, {"x": times, "other": [0] * N}).numeric_names.index("x (hour)")
    np.testing.assert_array_equal(arrays[0][:3, hour], [22, 23, 0])
    np.testing.assert_array_equal(arrays[0], arrays[1])
    np.testing.assert_array_equal(arrays[0], arrays[2])


@given(
    day=st.dates(dt.date(1000, 1, 1)),
    clock=st.times().map(lambda t: t.replace(microsecond=0)),
    form=st.sampled_from(["%Y-%m-%d %H:%M:%S", "%d/%m/%Y %H:%M:%S", "%m-%d-%Y %H:%M:%S"]),
)
@settings(max_examples=60, deadline=None)
def test_date_parts_agree_with_the_calendar(day, clock, form):
    rows = [dt.datetime(2001, 2, 28, 23, 59, 58), dt.datetime(1999, 12, 13), dt.datetime.combine(day, clock)] * 2
    schema = infer_schema({"x": [row.strftime(form) if row.year > 999 else "" for row in rows]}, target=None)
    got = features(schema, {"x": [row.strftime(form) for row in rows]})
    wanted = {
        "year": lambda t: t.year,
        "month": lambda t: t.month,
        "day": lambda t: t.day,
        "weekday": lambda t: t.weekday(),
        "hour": lambda t: t.hour,
        "days": lambda t: (t - dt.datetime(1970, 1, 1)) / dt.timedelta(days=1),
    }
    for name, values in zip(got.numeric_names, got.numeric.T, strict=True):
        part = name.removeprefix("x (").removesuffix(")")
        np.testing.assert_allclose(values, [wanted[part](row) for row in rows], rtol=1e-15)


CLOCKS = ["2021-01-01 24:00", "2021-01-01 09:60", "2021-01-01 09:59:61", "2021-01-01 9"]


@pytest.mark.parametrize(
    "text", ["2021-02-29", "2021-13-01", "2021-00-10", "2021-04-31", "0099-01-01", "1/2", "2021", *CLOCKS]
)
def test_no_dates(text):
    schema, _ = one([str(d) for d in DAYS])
    assert np.isnan(features(schema, {"x": [text], "other": [0]}).numeric).sum() == len(schema.columns[0].parts)


CELL = st.none() | st.floats() | st.integers(-(2**60), 2**60) | st.text(max_size=4) | st.booleans() | st.dates()


@given(
    train=st.lists(CELL, min_size=2, max_size=40),
    later=st.lists(CELL, min_size=1, max_size=10),
    kind=st.sampled_from([None, None, "categorical", "numeric", "boolean", "date"]),
    order=st.randoms(use_true_random=False),
)
@settings(max_examples=150, deadline=None)
def test_any_cells(train, later, kind, order):
    table = {"x": train, "other": list(range(len(train)))[::-1]}
    try:
        schema = infer_schema(table, target=None, types=kind and {"x": kind})
    except DataError as error:
        assert kind is not None or "no column that can be used" in str(error)  # noqa: PT017
        return
    assert Schema.from_dict(json.loads(json.dumps(schema.to_dict()))) == schema
    got = features(schema, table)
    assert not np.isinf(got.numeric).any()
    assert ((got.codes >= -1) & (got.codes < np.array(got.cardinality, dtype=int))).all()
    rows = list(range(len(train)))
    order.shuffle(rows)
    turned = features(schema, read_table(table).take(rows))
    np.testing.assert_array_equal(turned.numeric, got.numeric[rows])
    np.testing.assert_array_equal(turned.codes, got.codes[rows])
    assert features(schema, {"x": later, "other": [0] * len(later)}).n == len(later)


DATA = os.environ.get("CUTLINE_DATA")


@pytest.mark.skipif(not DATA, reason="set CUTLINE_DATA to the folder of data sets")
@pytest.mark.parametrize(
    ("file", "kinds"),
    [
        ("tabular/adult", {"numeric": 6, "categorical": 8}),
        ("tabular/cd_fars", {"numeric": 5, "categorical": 24}),
        ("tabular/keel_letter", {"numeric": 16}),
        ("tabular/r_survival_pbc", {"numeric": 16, "categorical": 1}),
        ("tabular/r_modeldata_lending_club", {"numeric": 17, "categorical": 5}),
        ("tabular/r_modeldata_credit_data", {"numeric": 9, "categorical": 4}),
        ("tabular/deb_mlbench_soybean", {"numeric": 35}),
        ("tabular/r_flights_late", {"constant": 1, "numeric": 7, "categorical": 3}),
        ("tabular/r_openintro_birds", {"numeric": 4, "categorical": 9, "date": 1, "text": 1}),
        ("tabular/r_openintro_email", {"numeric": 17, "categorical": 2, "date": 1}),
        ("air/india_city_day", {"numeric": 12, "categorical": 1, "date": 1}),
    ],
)
def test_real_tables(file, kinds, tmp_path):
    table = read_table(Path(DATA or "") / f"{file}.parquet")
    schema = infer_schema(table, target="label")
    found = [column.kind for column in schema.columns]
    assert {kind: found.count(kind) for kind in set(found)} == kinds
    write_table(table, tmp_path / "t.csv")
    again = read_table(tmp_path / "t.csv")
    assert [c.kind for c in infer_schema(again, target="label").columns] == found
    np.testing.assert_array_equal(features(schema, again).numeric, features(schema, table).numeric)
    np.testing.assert_array_equal(features(schema, again).codes, features(schema, table).codes)


def test_importing_the_package_loads_no_frame_library():
    import subprocess
    import sys

    heavy = "pyarrow", "pandas", "sklearn", "narwhals", "scipy"
    code = f"import sys, cutline.data; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_arrow_chunks_change_nothing():
    table = read_table(WIDE)
    chunked = pa.concat_tables([table.slice(0, 7), table.slice(7, 30), table.slice(37)])
    assert infer_schema(chunked, target="y") == infer_schema(table, target="y")
    schema = infer_schema(table, target="y", types={"code": "categorical"})
    np.testing.assert_array_equal(features(schema, chunked).numeric, features(schema, table).numeric)
    np.testing.assert_array_equal(features(schema, chunked).codes, features(schema, table).codes)
