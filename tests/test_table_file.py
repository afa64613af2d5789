from __future__ import annotations

import inspect
import json
import math

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import parquet

import cutline as cl
from cutline.errors import DataError, InputError, UnknownName
from cutline.metrics.buckets import bucketed
from cutline.metrics.table_file import KEY, load, save, to_frame

BUCKETED = "bucketed" in inspect.signature(cl.ThresholdTable).parameters


def table(n=200, weighted=False, dtype=np.float64, seed=0, grid=None):
    rng = np.random.default_rng(seed)
    p = rng.random(n) if grid is None else rng.integers(0, grid, n) / grid
    weight = rng.random(n) if weighted else None
    s = cl.Scores(y_true=rng.integers(0, 2, n), y_score=p.astype(dtype), weight=weight, classes=[0, 1], kind="rank")
    return cl.ThresholdTable.from_scores(s)


def columns(t):
    sums = [] if t.weights is None else [getattr(t.weights, name) for name in ("tp", "fp", "tp2", "fp2")]
    return [t.thresholds, t.tp, t.fp, *sums]


def same(a, b):
    for mine, theirs in zip(columns(a), columns(b), strict=True):
        assert mine.dtype == theirs.dtype
        np.testing.assert_array_equal(mine, theirs)


# Frames.

LIBRARIES = {"pandas": (pd, pd.DataFrame), "polars": (pl, pl.DataFrame), "pyarrow": (pa, pa.Table)}


@pytest.mark.parametrize("name", LIBRARIES)
@pytest.mark.parametrize("weighted", [False, True])
def test_a_frame_in_any_library(name, weighted):
    library, kind = LIBRARIES[name]
    t = table(weighted=weighted)
    asked = [cl.precision, "f2", cl.recall]
    frames = [
        to_frame(t, *asked, like=like)
        for like in (name, library, kind({"a": [1]}) if kind is not pa.Table else pa.table({"a": [1]}))
    ]
    c = t.counts()
    for frame in frames:
        assert isinstance(frame, kind)
        names = frame.column_names if kind is pa.Table else list(frame.columns)
        assert names == ["threshold", "tp", "fp", "fn", "tn", "precision", "f2", "recall"]
        np.testing.assert_array_equal(frame["threshold"].to_numpy(), t.thresholds)
        for cell in ("tp", "fp", "fn", "tn"):
            np.testing.assert_array_equal(frame[cell].to_numpy(), getattr(c, cell))
        np.testing.assert_array_equal(frame["precision"].to_numpy(), cl.precision.value(c))
        np.testing.assert_array_equal(frame["f2"].to_numpy(), cl.f_beta(2).value(c))
        assert math.isnan(frame["precision"].to_numpy()[0])


def test_the_frame_is_pyarrow_when_nothing_is_said():
    assert isinstance(to_frame(table()), pa.Table)
    assert to_frame(table()).column_names == ["threshold", "tp", "fp", "fn", "tn"]


def test_what_makes_no_frame_is_refused():
    with pytest.raises(InputError, match="metrics of counts"):
        to_frame(table(), cl.roc_auc)
    with pytest.raises(UnknownName, match="precision"):
        to_frame(table(), "precison")
    for like in ("panda", 3, json):
        with pytest.raises(InputError, match="like"):
            to_frame(table(), like=like)


# Files.


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [1, 2, 5000])
def test_a_table_comes_back_bit_for_bit(tmp_path, weighted, dtype, n):
    t = table(n, weighted, dtype)
    save(t, tmp_path / "t.parquet")
    back = load(tmp_path / "t.parquet")
    same(t, back)
    assert back.thresholds[0] == np.inf
    assert back.weighted == weighted
    assert (back.n_pos, back.n_neg) == (t.n_pos, t.n_neg)
    if dtype == np.float32:
        assert (back.thresholds[1:].astype(np.float32) == back.thresholds[1:]).all()
    if 0 < t.n_pos < n:
        assert cl.roc_auc.value(back) == pytest.approx(cl.roc_auc.value(t), rel=1e-14)
    save(back, str(tmp_path / "again.parquet"))
    same(load(str(tmp_path / "again.parquet")), t)


def test_extreme_numbers_come_back(tmp_path):
    at = np.array([np.inf, 1.7976931348623157e308, 1.0, 5e-324, 0.0, -5e-324, -1.7976931348623157e308])
    counts = np.array([0, 1, 2**31, 2**40, 2**53 + 1, 2**60 + 3, 2**61])
    t = cl.ThresholdTable(at, counts, counts[::1])
    save(t, tmp_path / "t.parquet")
    same(load(tmp_path / "t.parquet"), t)


@pytest.mark.skipif(not BUCKETED, reason="the table has no buckets yet")
def test_buckets_come_back(tmp_path):
    s = cl.Scores(y_true=[0, 1, 1], y_score=[0.1, 0.5, 0.7], classes=[0, 1], kind="rank")
    found = bucketed(s, "prefix16")
    t = cl.ThresholdTable(found.thresholds, found.tp, found.fp, bucketed=True)
    save(t, tmp_path / "t.parquet")
    back = load(tmp_path / "t.parquet")
    same(back, t)
    assert back.bucketed
    assert back.thresholds[-1] == -np.inf
    save(table(), tmp_path / "t.parquet")
    assert not load(tmp_path / "t.parquet").bucketed


def test_the_file_is_an_ordinary_one(tmp_path):
    save(table(50, weighted=True), tmp_path / "t.parquet")
    frame = pl.read_parquet(tmp_path / "t.parquet")
    assert frame.columns == ["threshold", "tp", "fp", *(f"weight_{s}" for s in ("tp", "fp", "tp2", "fp2"))]
    about = json.loads(parquet.read_schema(tmp_path / "t.parquet").metadata[KEY])
    assert about == {"version": 1, "bucketed": False, "weighted": True}
    assert [p.name for p in tmp_path.iterdir()] == ["t.parquet"]


def test_a_cut_or_damaged_file_is_refused(tmp_path):
    path = tmp_path / "t.parquet"
    save(table(3000), path)
    whole = path.read_bytes()
    for size in (0, 3, 7, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(DataError, match="save the table again") as caught:
            load(path)
        assert caught.value.argument == str(path)
    for place in range(50, len(whole) // 2, 997):  # pages, which have a checksum
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        with pytest.raises(DataError):
            load(path)
    path.write_bytes(whole)
    same(load(path), table(3000))


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "t.parquet"
    parquet.write_table(pa.table({"threshold": [1.0], "tp": [0], "fp": [0]}), path)
    with pytest.raises(DataError, match="something else") as caught:
        load(path)
    assert "from_scores" in caught.value.hint
    path.write_text("y,p\n1,0.5\n")
    with pytest.raises(DataError, match="no Parquet file"):
        load(path)
    with pytest.raises(DataError, match="does not exist"):
        load(tmp_path / "none.parquet")
    with pytest.raises(DataError):
        load(tmp_path)


def written(path, version=1, bucketed=False, weighted=False, **changed):
    base = {"threshold": [np.inf, 0.5, 0.2], "tp": [0, 1, 2], "fp": [0, 0, 3]}
    kept = {name: column for name, column in {**base, **changed}.items() if column is not None}
    about = {"version": version, "bucketed": bucketed, "weighted": weighted}
    parquet.write_table(pa.table(kept).replace_schema_metadata({KEY: json.dumps(about)}), path)
    return path


def test_a_file_that_was_changed_is_refused(tmp_path):
    path = tmp_path / "t.parquet"
    assert len(load(written(path))) == 3
    wrong = [
        {"threshold": [np.inf, 0.2, 0.5]},
        {"threshold": [0.7, 0.5, 0.2]},
        {"threshold": [np.inf, np.nan, 0.2]},
        {"threshold": ["inf", "0.5", "0.2"]},
        {"tp": [0, 2, 1]},
        {"tp": [1, 2, 2]},
        {"fp": [0, None, 3]},
        {"fp": None},
        {"weighted": True},
        {"threshold": pa.array([], pa.float64()), "tp": pa.array([], pa.int64()), "fp": pa.array([], pa.int64())},
    ]
    for change in wrong:
        with pytest.raises(DataError, match="changed after saving"):
            load(written(path, **change))
    with pytest.raises(DataError, match="upgrade"):
        load(written(path, version=2))


def test_a_failed_save_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "t.parquet"
    save(table(10), path)
    before = path.read_bytes()

    def broken(made, draft, **options):
        draft.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(parquet, "write_table", broken)
    with pytest.raises(DataError, match="No space left"):
        save(table(20), path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["t.parquet"]
    with pytest.raises(DataError, match="cannot be written"):
        save(table(20), tmp_path / "no" / "t.parquet")
