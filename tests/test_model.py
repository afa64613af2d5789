"""`fit`, the classifier, and its file: roles, determinism, honesty, bad input, tampering."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import cutline as cl
from cutline.cli import main
from cutline.data import Features, features, infer_schema
from cutline.errors import DataError, LabelError, ModelFileError, UnknownName
from cutline.model import blend
from cutline.model.member import Rows
from cutline.model.recipe import LEARNERS


def people(n: int, seed: int = 0, *, classes: int = 2) -> pa.Table:
    """Rows with numbers, levels, a date, missing cells and a label that depends on them."""
    rng = np.random.default_rng(seed)
    age, income = rng.normal(45, 12, n), rng.lognormal(10, 0.7, n)
    city = rng.choice(["Oslo", "Bern", "Rome", "Kyiv"], n, p=[0.5, 0.3, 0.15, 0.05])
    strength = (age - 45) / 12 + 1.5 * (city == "Bern") - 0.5 * np.log(income / 22000) + rng.logistic(0, 0.7, n)
    names = np.array(["no", "yes"] if classes == 2 else [f"class {k}" for k in range(classes)])
    cuts = np.quantile(strength, np.linspace(0, 1, classes + 1)[1:-1])
    age[rng.random(n) < 0.1] = np.nan
    return pa.table(
        {
            "age": pa.array(age, from_pandas=True),
            "income": income,
            "city": pa.array([None if rng.random() < 0.05 else c for c in city]),
            "since": pa.array(np.datetime64("2020-01-01") + rng.integers(0, 900, n)),
            "same": ["x"] * n,
            "left": names[np.searchsorted(cuts, strength)],
        }
    )


@pytest.fixture(scope="module")
def table() -> pa.Table:
    return people(1500)


@pytest.fixture(scope="module")
def model(table: pa.Table) -> cl.Classifier:
    policy = cl.maximize(cl.recall, subject_to=[cl.precision >= 0.6], confidence=0.9)
    return cl.fit(table, target="left", positive="yes", policy=policy, holdout=0.2, budget=None)


@pytest.fixture(scope="module")
def three() -> cl.Classifier:
    return cl.fit(people(400, 1, classes=3), target="left")


# --- what comes out ----------------------------------------------------------------------------------------------


def test_the_roles_of_all_rows_are_kept_apart_and_stated(model: cl.Classifier) -> None:
    assert dict(model.plan.rows) == {"tune": 900, "certify": 300, "test": 300}
    assert model.evaluation is not None
    assert (model.evaluation.role, model.evaluation.n) == ("test", 300)
    assert model.point.grade == "guaranteed"
    assert model.point.is_certified
    said = " ".join(model.notes)
    assert "300 rows were set apart before the folds" in said
    assert "300 held-out rows" in said
    assert "'same' left out (constant)" in said


def test_it_predicts_better_than_chance_and_decides_by_its_point(model: cl.Classifier) -> None:
    fresh = people(800, 9)
    result = model.evaluate(fresh)
    assert result["roc_auc"].low > 0.75
    assert result["prediction_bias"].low < 0 < result["prediction_bias"].high
    p = model.predict_proba(fresh)
    assert p.column_names == ["no", "yes"]
    yes = p["yes"].to_numpy()
    assert np.allclose(p["no"].to_numpy() + yes, 1)
    assert model.point.threshold is not None
    assert (model.predict(fresh) == np.where(yes >= model.point.threshold, "yes", "no")).all()


def test_several_classes_decide_for_the_most_probable(three: cl.Classifier) -> None:
    fresh = people(300, 5, classes=3)
    p = np.column_stack([c.to_numpy() for c in three.predict_proba(fresh).columns])
    assert np.allclose(p.sum(axis=1), 1)
    assert (three.predict(fresh) == np.array(three.classes.names)[p.argmax(axis=1)]).all()
    assert three.evaluation is not None
    assert (three.evaluation.n, three.evaluation.role) == (400, "test")
    assert "cross-fitted: each fold of the 400 rows" in " ".join(three.notes)
    assert three.evaluation["macro_roc_auc"].low > 0.6


def test_cross_fitted_figures_of_pure_noise_do_not_flatter() -> None:
    rng = np.random.default_rng(3)
    noise = pa.table({"a": rng.normal(size=300), "b": rng.normal(size=300), "y": rng.integers(0, 2, 300)})
    found = cl.fit(noise, target="y", policy=cl.maximize(cl.f1)).evaluation
    assert found is not None
    assert found["roc_auc"].low < 0.5 < found["roc_auc"].high + 0.05
    assert found["log_loss"].high > np.log(2) - 0.01


def test_same_seed_and_data_give_the_same_bytes_whatever_the_threads(table: pa.Table, tmp_path: Path) -> None:
    files = []
    for number in range(2):
        done = cl.fit(table, target="left", positive="yes", seed=7, threads=number + 1, budget=None)
        done.save(tmp_path / f"{number}.cutline")
        files.append(cl.load(tmp_path / f"{number}.cutline").scores(table).score.tobytes())
    assert files[0] == files[1]
    other = cl.fit(table, target="left", positive="yes", seed=8, threads=1, budget=None)
    assert other.scores(table).score.tobytes() != files[0]
    other.save(tmp_path / "2.cutline")
    cl.fit(table, target="left", positive="yes", seed=8, threads=1, budget=None).save(tmp_path / "3.cutline")
    assert (tmp_path / "2.cutline").read_bytes() == (tmp_path / "3.cutline").read_bytes()


def test_the_plan_tells_what_was_run(model: cl.Classifier) -> None:
    plan = model.plan.to_dict()
    assert [m["name"] for m in plan["members"]] == [
        learner.name
        for learner in LEARNERS
        if learner.reads == "table" and not (learner.ordered or learner.by_choice or learner.name == "quick_trees")
    ]
    assert plan["skipped"] == [["quick_trees", "slow learning is quick enough"]]
    assert sum(m["weight"] for m in plan["members"]) == pytest.approx(1)
    assert len(next(m for m in plan["members"] if m["name"] == "trees")["stages"]) == plan["folds"] == 5
    assert plan["versions"]["numpy"] == np.__version__
    assert json.loads(json.dumps(plan, allow_nan=False)) == plan


def test_a_fit_is_not_lost_when_nothing_can_be_certified(table: pa.Table, tmp_path: Path) -> None:
    policy = cl.maximize(cl.recall, subject_to=[cl.precision >= 0.999], confidence=0.99)
    with pytest.raises(cl.errors.NoFeasibleThreshold) as caught:
        cl.fit(table, target="left", positive="yes", policy=policy, families=["linear"])
    model = caught.value.classifier
    assert model.evaluation["roc_auc"].value > 0.75
    assert model.plan.rows["certify"] == 300
    assert (model.predict(table) == np.where(model.scores(table).score >= 0.5, "yes", "no")).all()
    data, saved = tmp_path / "d.parquet", tmp_path / "m.cutline"
    pl.from_arrow(table).write_parquet(data)
    words = ["fit", str(data), "--target", "left", "--positive", "yes", "--families", "linear", "-o", str(saved)]
    words += ["--maximize", "recall", "--subject-to", "precision>=0.999", "--confidence", "0.99"]
    assert main(words) == 3
    assert cl.load(saved).classes == model.classes


def test_the_leaderboard_has_intervals_and_distances(model: cl.Classifier) -> None:
    board = model.leaderboard()
    losses = [row["log_loss"] for row in board]
    assert losses == sorted(losses)
    assert all(row["low"] < row["log_loss"] < row["high"] for row in board)
    assert all(row["above_low"] <= row["above_blend"] <= row["above_high"] for row in board)
    assert min(row["above_blend"] for row in board) > -0.01, "no member is much better than the blend"
    assert sum(row["weight"] for row in board) == pytest.approx(1)
    wide = {row["name"]: row for row in model.leaderboard(0.99)}
    assert all(wide[row["name"]]["low"] < row["low"] for row in board)


def test_families_can_be_chosen(table: pa.Table) -> None:
    small = table.slice(0, 200)
    assert [m["name"] for m in cl.fit(small, target="left", families=["linear"]).plan.members] == ["linear", "splines"]
    assert [m["name"] for m in cl.fit(small, target="left", families=["network"]).plan.members] == ["network"]
    with pytest.raises(UnknownName, match="lightgbm"):
        cl.fit(small, target="left", families=["lightgmb"])


# --- what goes in at prediction ------------------------------------------------------------------------------------


def test_frames_come_back_in_kind_and_columns_may_come_in_any_order(model: cl.Classifier) -> None:
    fresh = people(60, 4)
    expected = model.predict_proba(fresh)["yes"].to_numpy()
    shuffled = fresh.select(["left", "city", "same", "since", "income", "age"]).append_column("extra", fresh["age"])
    assert (model.predict_proba(shuffled)["yes"].to_numpy() == expected).all()
    frame = fresh.to_pandas().set_index(np.arange(60) + 7)
    assert isinstance(model.predict_proba(frame), pd.DataFrame)
    assert list(model.predict_proba(frame).index) == list(frame.index)
    assert isinstance(model.predict_proba(pl.from_arrow(fresh)), pl.DataFrame)
    assert (model.predict_proba(pl.from_arrow(fresh))["yes"].to_numpy() == expected).all()
    assert model.predict_proba(fresh.to_pydict()).num_rows == 60
    lazy = model.predict_proba(pl.from_arrow(fresh).lazy())
    assert isinstance(lazy, pl.LazyFrame)
    assert (lazy.collect()["yes"].to_numpy() == expected).all()


def test_a_duckdb_relation_gives_a_relation(model: cl.Classifier) -> None:
    duckdb = pytest.importorskip("duckdb")
    fresh = people(60, 4)
    found = model.predict_proba(duckdb.from_arrow(fresh))
    assert isinstance(found, duckdb.DuckDBPyRelation)
    assert found.to_arrow_table()["yes"].to_pylist() == model.predict_proba(fresh)["yes"].to_pylist()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"families": []}, "families: came none"),
        ({"families": "forests"}, "families"),
        ({"policy": "f1"}, "policy"),
        ({"seed": -1}, "seed"),
        ({"seed": 1.5}, "seed"),
    ],
)
def test_options_of_the_wrong_kind_are_named(options: dict[str, object], said: str) -> None:
    with pytest.raises(cl.errors.CutlineError, match=said):
        cl.fit(people(60), target="left", **options)


def test_one_family_may_be_given_as_text() -> None:
    assert cl.fit(people(60), target="left", families="linear", budget=None).plan.members[0]["name"] == "linear"


def test_unseen_levels_and_missing_cells_give_a_probability(model: cl.Classifier) -> None:
    row = {"age": [None], "income": [1e300], "city": ["Atlantis"], "since": [None]}
    p = model.predict_proba(row)["yes"].to_numpy()
    assert 0 < p[0] < 1


def test_a_missing_column_is_named(model: cl.Classifier) -> None:
    with pytest.raises(DataError, match="'city'"):
        model.predict(people(20).drop_columns(["city"]))


# --- bad input to fit ----------------------------------------------------------------------------------------------


def lines(path: Path, rows: list[str], encoding: str = "utf-8") -> Path:
    path.write_bytes("\n".join(rows).encode(encoding) + b"\n")
    return path


GOOD = [f"{i},{i % 7},{'yes' if (i * 7) % 10 < 4 else 'no'}" for i in range(60)]
BAD_FILES = {
    "no such target": (["a,b,y", *GOOD], "utf-8", "y2", "y"),
    "one class": (["a,b,left", *[f"{i},{i},no" for i in range(60)]], "utf-8", "left", "at least two classes"),
    "nine rows": (["a,b,left", *GOOD[:9]], "utf-8", "left", "at least 10"),
    "every column empty": (
        ["a,b,left", *[f",,{'yes' if i % 2 else 'no'}" for i in range(60)]],
        "utf-8",
        "left",
        "column",
    ),
    "a name twice": (["a,a,left", *GOOD], "utf-8", "left", "'a'"),
    "ragged rows": (["a,b,left", *GOOD[:20], "1,2", "1,2,3,4", *GOOD[20:]], "utf-8", "left", "22"),
    "latin-1": (["a,b,left", *GOOD, "1,2,caf\xe9"], "latin-1", "left", "UTF-8"),
    "empty file": ([], "utf-8", "left", "empty"),
    "a number to predict": (["a,left", *[f"{i},{i * 1.37}" for i in range(5000)]], "utf-8", "left", "5,000"),
    "labels all missing": (["a,b,left", *[f"{i},{i}," for i in range(60)]], "utf-8", "left", "left"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_files_are_refused_with_code_2_and_leave_nothing(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows, encoding, target, said = BAD_FILES[name]
    path = tmp_path / "data.csv"
    path.write_bytes(b"") if not rows else lines(path, rows, encoding)
    code = main(["fit", str(path), "--target", target, "-o", str(tmp_path / "m.cutline")])
    out, err = capsys.readouterr()
    assert code == 2, err
    assert said in err
    assert "Traceback" not in out + err
    assert sorted(tmp_path.iterdir()) == [path]


def test_what_can_be_mended_is_counted_and_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    rows = ["num,mixed,gone,left"]
    for i in range(240):
        y = rng.random() < 0.5
        cells = [f"{rng.normal() + y:.4f}", f"{i % 13}" if i % 40 else "n.a.", "", "yes" if y else "no"]
        cells[0] = "inf" if i in (3, 9) else cells[0]
        cells[3] = "" if i in (5, 7, 11) else cells[3]
        rows.append(",".join(cells))
    path = lines(tmp_path / "d.csv", rows)
    code = main(["fit", str(path), "--target", "left", "--positive", "yes", "-o", str(tmp_path / "m.cutline")])
    err = capsys.readouterr().err
    assert code == 0
    assert "3 of 240 rows" in err
    assert re.search(r"num +numeric +yes", err), "the types are printed"
    assert "infinite" in err
    assert "'gone'" in err
    assert "'mixed'" in err


def test_rare_classes_are_noted_and_do_not_break_the_folds() -> None:
    table = people(400, 2, classes=3)
    labels = table["left"].to_pylist()
    labels[:3] = ["rare", "rare", "lonely"]
    table = table.set_column(table.column_names.index("left"), "left", pa.array(labels))
    model = cl.fit(table, target="left")
    assert "2 class(es) with fewer than 5 rows" in " ".join(model.notes)
    p = model.predict_proba(table)["lonely"].to_numpy()
    assert (p > 0).all()
    with pytest.raises(LabelError, match=r"1 row\(s\) of 'b'; wanted at least 3 rows"):
        cl.fit(table.set_column(5, "left", pa.array(["a"] * 399 + ["b"])), target="left")


def test_a_hundred_columns_for_few_rows() -> None:
    rng = np.random.default_rng(1)
    wide = pa.table({f"x{j}": rng.normal(size=60) for j in range(300)} | {"y": rng.integers(0, 2, 60)})
    found = cl.fit(wide, target="y").evaluation
    assert found is not None
    assert found["log_loss"].value < 1.2


# --- the recipe ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["levels", "numbers"])
def test_columns_of_one_kind_alone(kind: str) -> None:
    rng = np.random.default_rng(6)
    y = rng.integers(0, 2, 300)
    x = (y + (rng.random(300) < 0.2)) % 2
    column = np.array(["a", "b"])[x] if kind == "levels" else x + rng.normal(0, 0.1, 300)
    model = cl.fit({"x": column, "z": rng.permutation(column), "y": y}, target="y", positive=1)
    assert model.evaluation["roc_auc"].value > 0.7


def test_the_blend_is_no_worse_than_its_best_member() -> None:
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 3, 500)
    outs = [rng.dirichlet(np.where(np.arange(3) == c, 4.0, 1.0), 1)[0] for c in codes]
    good, bad = np.array(outs), rng.dirichlet(np.ones(3), 500)
    rows = Rows(Features(np.empty((500, 0)), (), np.empty((500, 0), np.int32), (), (), ()), codes, None, 3, 500)
    weights = blend.weights([bad, good], rows, 0)
    assert weights.sum() == pytest.approx(1)
    assert rows.log_loss(blend.pooled([bad, good], weights)) <= rows.log_loss(good)
    assert blend.weights([good, good], rows, 0).tolist() == [1, 0], "ties go to the first"


def test_a_linear_view_is_robust_and_flags_missing_cells() -> None:
    from cutline.model.linear import View

    table = {"x": [1.0, 2.0, 3.0, 4.0, 1e9, None], "c": ["a", "a", "b", "b", "z", None]}
    found = features(infer_schema(table, target=None, types={"c": "categorical"}), table)
    matrix = View.of(found, splines=False).matrix(found)
    assert np.isfinite(matrix).all()
    assert np.abs(matrix).max() <= 3, "x / sqrt(1 + (x/3)^2) stays below 3"
    assert matrix[:, 1].tolist() == [0, 0, 0, 0, 0, 1], "the flag of the missing cell"
    assert matrix[:, 2:].tolist() == [[1, 0], [1, 0], [0, 1], [0, 1], [0, 0], [0, 0]], "z was seen once only"


# --- the file ------------------------------------------------------------------------------------------------------


def test_a_saved_classifier_gives_the_same_bytes_in_a_new_process(
    model: cl.Classifier, three: cl.Classifier, tmp_path: Path
) -> None:
    for number, (one, classes) in enumerate(((model, 2), (three, 3))):
        path, fresh = tmp_path / f"{number}.cutline", people(150, 6, classes=classes)
        one.save(path)
        fresh_path = tmp_path / f"{number}.parquet"
        pl.from_arrow(fresh).write_parquet(fresh_path)
        code = (
            "import sys, cutline as cl; m = cl.load(sys.argv[1]); "
            "sys.stdout.buffer.write(m.scores(sys.argv[2]).score.tobytes())"
        )
        command = [sys.executable, "-c", code, str(path), str(fresh_path)]
        assert subprocess.run(command, capture_output=True, check=True).stdout == one.scores(fresh).score.tobytes()
        again = cl.load(path)
        assert again.point.to_dict() == one.point.to_dict()
        assert again.plan.to_dict() == one.plan.to_dict()
        assert again.notes == one.notes
        assert again.evaluation.to_dict() == one.evaluation.to_dict()
        assert cl.report(again, date="").to_json() == cl.report(one, date="").to_json()
        again.save(tmp_path / "again.cutline")
        assert (tmp_path / "again.cutline").read_bytes() == path.read_bytes()


def test_no_damaged_file_ever_gives_a_classifier(three: cl.Classifier, tmp_path: Path) -> None:
    path = tmp_path / "m.cutline"
    three.save(path)
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    bad = tmp_path / "bad.cutline"
    for at in [*rng.integers(0, len(whole), 150).tolist(), *range(60), *range(len(whole) - 60, len(whole))]:
        broken = bytearray(whole)
        broken[at] ^= 1 << int(rng.integers(0, 8))
        bad.write_bytes(bytes(broken))
        with pytest.raises(ModelFileError):
            cl.load(bad)
    for length in (0, 1, 100, len(whole) // 2, len(whole) - 1):
        bad.write_bytes(whole[:length])
        with pytest.raises(ModelFileError):
            cl.load(bad)


def rewrite(source: Path, target: Path, change: object = None, extra: dict[str, bytes] | None = None) -> Path:
    """A copy of a saved classifier with its manifest, or an array, changed, under a seal of its own."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "manifest.json" and callable(change):
                manifest = json.loads(content)
                change(manifest)
                content = json.dumps(manifest).encode()
            if change == "an array" and name.endswith(".npy"):
                content, change = content[:-1] + bytes([content[-1] ^ 1]), None
            new.writestr(name, content)
        for name, content in (extra or {}).items():
            new.writestr(name, content)
        new.comment = b"-" * 64
    body = target.read_bytes()[:-64]
    target.write_bytes(body + hashlib.sha256(body).hexdigest().encode())
    return target


@pytest.mark.parametrize(
    ("change", "extra", "said"),
    [
        (lambda m: m.update(format=2), None, "newer cutline"),
        (lambda m: m.update(format="x"), None, "manifest"),
        (lambda m: m["point"].update(threshold=0.1), None, "digest"),
        (lambda m: m["measured"].popitem(), None, "digest"),
        ("an array", None, "digest"),
        (None, {"members/evil.pkl": b"cos\nsystem\n."}, "does not list"),
    ],
)
def test_altered_files_are_refused_by_name(
    three: cl.Classifier, tmp_path: Path, change: object, extra: dict[str, bytes] | None, said: str
) -> None:
    path = tmp_path / "m.cutline"
    three.save(path)
    with pytest.raises(ModelFileError, match=said):
        cl.load(rewrite(path, tmp_path / "n.cutline", change, extra))


def test_what_is_no_classifier_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "a.txt"
    text.write_text("hello")
    other = tmp_path / "b.zip"
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("x", "y")
    for path in (text, other, tmp_path, tmp_path / "nowhere"):
        with pytest.raises(ModelFileError):
            cl.load(path)


def test_the_command_line_fits_predicts_and_reports(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from pyarrow import parquet

    data, fresh, saved = tmp_path / "d.parquet", tmp_path / "new.parquet", tmp_path / "m.cutline"
    parquet.write_table(people(500, 3), data)
    parquet.write_table(people(50, 4).drop_columns(["left"]), fresh)
    words = ["fit", str(data), "--target", "left", "--positive", "yes", "--cost-fp", "1", "--cost-fn", "3"]
    assert main([*words, "-o", str(saved), "--report", str(tmp_path / "r.html"), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["role"] == "test"
    assert main(["predict", str(saved), str(fresh), "-o", str(tmp_path / "out.parquet")]) == 0
    decided = parquet.read_table(tmp_path / "out.parquet")
    assert decided.column_names == ["p_no", "p_yes", "decision"]
    yes = np.array(decided["decision"].to_pylist()) == "yes"
    assert (yes == (decided["p_yes"].to_numpy() >= 0.25)).all()
    assert main(["report", str(saved), str(data), "-o", str(tmp_path / "again.html")]) == 0
    assert (tmp_path / "again.html").stat().st_size > 10_000
