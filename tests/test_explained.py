"""What a model draws on: coefficients, importance of columns, learning curves."""

from __future__ import annotations

import html
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sklearn.linear_model import LogisticRegression

import cutline as cl
from cutline.cli import main
from cutline.data import Features, features, infer_schema
from cutline.errors import CutlineError, InputError, LabelError, ShapeError
from cutline.model import boost
from cutline.model.contributions import parts_of
from cutline.model.linear import Linear
from cutline.model.member import Deadline, Rows
from cutline.model.text import fit_text


def table(n: int = 600, seed: int = 0, k: int = 2) -> dict[str, object]:
    rng = np.random.default_rng(seed)
    a, b, noise = rng.normal(size=(3, n))
    level = np.array(["x", "y", "z"])[rng.integers(0, 3, n)]
    z = 2 * a - b + 1.0 * (level == "y") + rng.logistic(size=n)
    cut = [0.0] if k == 2 else [-1.0, 1.0]
    label = np.array(["no", "yes", "more"])[np.digitize(z, cut)]
    return {"a": a * 10, "b": b, "noise": noise, "level": level, "label": label}


def design(data: dict[str, object], base: str) -> np.ndarray:
    levels = [each for each in ("x", "y", "z") if each != base]
    flags = [(data["level"] == each).astype(float) for each in levels]
    return np.column_stack([data["a"], data["b"], data["noise"], *flags])


# --- coefficients ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [2, 3])
def test_coefficients_are_those_of_maximum_likelihood(k: int) -> None:
    data = table(k=k)
    found = cl.coefficients(data, target="label", **({"positive": "yes"} if k == 2 else {}))
    base = found.baseline[0].removeprefix("level = ")
    model = LogisticRegression(C=np.inf, tol=1e-10, max_iter=5000)
    model.fit(design(data, base), data["label"])
    full = np.column_stack([model.intercept_, model.coef_])
    if k == 2:
        wanted = full.T
    else:
        place = dict(zip(model.classes_, full, strict=True))
        wanted = np.column_stack([place[name] - place[found.reference] for name in found.classes])
    np.testing.assert_allclose(found.values, wanted, rtol=2e-4, atol=2e-5)


def test_standard_errors_are_those_of_the_information_matrix() -> None:
    data = table()
    found = cl.coefficients(data, target="label", positive="yes")
    x = np.column_stack([np.ones(600), design(data, found.baseline[0].removeprefix("level = "))])
    p = 1 / (1 + np.exp(-x @ found.values[:, 0]))
    errors = np.sqrt(np.diag(np.linalg.inv((x * (p * (1 - p))[:, None]).T @ x)))
    np.testing.assert_allclose(found.errors[:, 0], errors, rtol=1e-5)


@pytest.mark.slow
def test_intervals_of_odds_ratios_cover() -> None:
    hit = 0
    for seed in range(400):
        found = cl.coefficients(table(300, seed), target="label", positive="yes")
        row = next(row for row in found.table() if row["name"] == "a")
        hit += row["odds_low"] <= math.exp(0.2) <= row["odds_high"]
    assert 0.925 <= hit / 400 <= 0.975


def test_what_the_rows_cannot_tell_is_undefined_and_said() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=100)
    data = {"x": x, "twice": 2 * x, "y": np.where(x + rng.logistic(size=100) > 0, "yes", "no")}
    found = cl.coefficients(data, target="y", positive="yes")
    assert np.isnan(found.values[2, 0])
    assert "twice: a sum of other columns" in " ".join(found.notes)
    apart = cl.coefficients({"x": x, "y": np.where(x > 0, "yes", "no")}, target="y", positive="yes")
    assert np.isnan(apart.values).all()
    assert "x: separates the classes" in " ".join(apart.notes)
    assert "nan" not in str(apart.to_dict()).lower()


def test_weights_count_as_copies_do() -> None:
    data = table(200)
    times = np.random.default_rng(1).integers(1, 4, 200)
    copied = {name: np.repeat(values, times) for name, values in data.items()}
    a = cl.coefficients(data | {"w": times}, target="label", positive="yes", weight="w")
    b = cl.coefficients(copied, target="label", positive="yes")
    np.testing.assert_allclose(a.values, b.values, rtol=1e-6)


def test_more_columns_than_rows_are_refused() -> None:
    rng = np.random.default_rng(0)
    wide = {f"c{i}": rng.normal(size=30) for i in range(40)} | {"y": ["a", "b"] * 15}
    with pytest.raises(CutlineError, match="more rows than columns"):
        cl.coefficients(wide, target="y")


# --- importance and learning curves -------------------------------------------------------------------------------


def test_importance_tells_columns_that_matter_from_noise() -> None:
    model = cl.fit(table(), target="label", positive="yes", families=["linear"], budget=None)
    found = cl.importance(model, table(400, 1))
    assert [row["column"] for row in found][:2] == ["a", "b"]
    by_name = {row["column"]: row for row in found}
    assert by_name["a"]["low"] > by_name["b"]["high"]
    assert by_name["noise"]["low"] < 0.01
    assert cl.importance(model, table(400, 1)) == found, "seeded"


def test_a_learning_curve_falls_and_says_how_surely() -> None:
    found = cl.learning_curve(
        table(1500), target="label", positive="yes", families=["linear"], budget=None, shares=[0.02, 0.1, 0.8]
    )
    assert [row["rows"] for row in found] == [30, 150, 1200]
    assert found[0]["value"] > found[-1]["value"]
    assert math.isnan(found[0]["gain"])
    assert found[1]["gain"] == pytest.approx(found[0]["value"] - found[1]["value"])
    assert found[1]["gain_high"] - found[1]["gain_low"] < found[1]["high"] - found[1]["low"], "paired"


def test_a_learning_curve_looks_at_later_rows() -> None:
    rng = np.random.default_rng(0)
    day = np.arange(300)
    # The rule turns at day 200: rows before it are of no use.
    x = rng.normal(size=300)
    label = np.where(np.where(day < 100, -x, x) + rng.logistic(0, 0.2, 300) > 0, "yes", "no")
    data = {"day": day, "x": x, "label": label}
    options = {"target": "label", "positive": "yes", "families": ["linear"], "budget": None, "time": "day"}
    found = cl.learning_curve(data, shares=[0.4, 0.8], **options)
    assert found[0]["value"] < found[1]["value"], "the latest rows come first"


@pytest.mark.parametrize("shares", [[], [0.0, 0.5], [0.5, 0.9]])
def test_shares_leave_rows_to_look_at(shares: list[float]) -> None:
    with pytest.raises(CutlineError, match="shares"):
        cl.learning_curve(table(), target="label", shares=shares)


def test_one_vs_rest_is_there_by_choice(tmp_path: object) -> None:
    data = table(k=3)
    model = cl.fit(data, target="label", families=["one_vs_rest"], budget=None)
    assert [each["name"] for each in model.plan.members] == ["one_vs_rest"]
    p = model.scores(data).probabilities
    np.testing.assert_allclose(p.sum(axis=1), 1)
    model.save(f"{tmp_path}/m.cutline")
    assert np.array_equal(cl.load(f"{tmp_path}/m.cutline").scores(data).probabilities, p)
    usual = cl.fit(data, target="label", families=["linear"], budget=None)
    assert "one_vs_rest" not in [each["name"] for each in usual.plan.members]
    assert abs(usual.evaluation["log_loss"].value - model.evaluation["log_loss"].value) < 0.05


# --- one row, taken apart -----------------------------------------------------------------------------------------


def one(data: dict[str, object], i: int = 0) -> dict[str, object]:
    return {name: values[i] for name, values in data.items() if name != "label"}  # type: ignore[index]


def features_of(model: cl.Classifier, row: dict[str, object]) -> Features:
    return features(model.schema, {name: [cell] for name, cell in row.items()})


FAMILIES = {"linear": ["linear"], "trees": ["lightgbm"], "catboost": ["catboost"]}


@pytest.fixture(scope="module")
def fitted() -> dict[tuple[str, int], cl.Classifier]:
    found = {}
    for k in (2, 3):
        data = table(250, k=k)
        more = {"positive": "yes"} if k == 2 else {}
        for name, families in FAMILIES.items():
            if name != "catboost" or boost.installed():
                found[name, k] = cl.fit(data, target="label", families=families, budget=None, **more)
    return found


@pytest.mark.parametrize("k", [2, 3])
@pytest.mark.parametrize("name", FAMILIES)
def test_parts_add_up_to_the_log_odds_of_the_member(name: str, k: int, fitted: dict[Any, cl.Classifier]) -> None:
    if (name, k) not in fitted:
        pytest.skip("CatBoost is not installed")
    model = fitted[name, k]
    for i in range(3):
        row = features_of(model, one(table(10, 9, k=k), i))
        for _, members in model.bag:
            for member in members:
                p = member(row)[0]
                for a, b in ((0, 1), (1, 0), (k - 1, 0)):
                    found = parts_of(member, row, a, b)
                    assert found is not None
                    base, amounts = found
                    assert base + sum(amounts.values()) == pytest.approx(math.log(p[a] / p[b]), rel=1e-6, abs=1e-6)
                    assert set(amounts) == {"a", "b", "noise", "level"}


def test_terms_of_a_linear_member_are_slopes_by_values(fitted: dict[Any, cl.Classifier]) -> None:
    model = fitted["linear", 2]
    row = features_of(model, one(table(10, 9)))
    name, members = next((m["name"], bag[1]) for m, bag in zip(used(model), model.bag, strict=True))
    assert name == "linear"
    member = members[0]
    assert isinstance(member, Linear)
    slope = (member.weights[:, 1] - member.weights[:, 0]) * member.view.matrix(row)[0]
    base, amounts = parts_of(member, row, 1, 0)  # type: ignore[misc]
    assert base == member.bias[1] - member.bias[0]
    assert amounts["a"] == slope[0]
    assert amounts["noise"] == slope[2]
    assert amounts["level"] == pytest.approx(slope[3:].sum(), abs=1e-15)


def used(model: cl.Classifier) -> list[dict[str, Any]]:
    return [member for member in model.plan.members if member["weight"] > 0]


def test_a_blend_is_the_weighted_sum_of_its_members() -> None:
    data = table(250)
    found = {
        name: cl.fit(data, target="label", positive="yes", families=[name], budget=None)
        for name in ("linear", "lightgbm", "network")
    }
    linear, trees, network = (found[name].bag[0][1] for name in ("linear", "lightgbm", "network"))
    names = ("linear", "trees", "network")
    plan = replace(found["linear"].plan, members=tuple({"name": name, "weight": 1.0} for name in names))
    mixed = replace(found["linear"], bag=((0.2, linear), (0.6, trees), (0.2, network)), plan=plan)
    row = one(table(10, 9))
    moved = mixed.explain(row).contributions
    assert moved is not None
    assert [name for name, _ in moved.members] == ["linear", "trees"]
    assert [weight for _, weight in moved.members] == pytest.approx([0.25, 0.75])
    assert moved.left_out == (("network", 0.2),)
    said = "Amounts are on the weighted sum of the log-odds of linear 0.25, trees 0.75, before the calibrator"
    assert moved.about == f"{said}; not in it: network 0.20."
    made = features_of(mixed, row)
    odds = [np.mean([math.log(p[1] / p[0]) for m in members for p in m(made)]) for members in (linear, trees)]
    assert moved.total == pytest.approx(np.average(odds, weights=[1, 3]))
    amounts = [abs(each.amount) for each in moved.features]
    assert amounts == sorted(amounts, reverse=True)


def test_a_member_that_cannot_be_taken_apart_is_named() -> None:
    data = table(200)
    model = cl.fit(data, target="label", positive="yes", families=["network"], budget=None)
    assert model.explain(one(data)).contributions is None
    both = cl.fit(table(200, k=3), target="label", families=["one_vs_rest"], budget=None)
    assert both.explain(one(data)).contributions is None


def test_words_of_a_text_are_features() -> None:
    rng = np.random.default_rng(0)
    spam = rng.random(120) < 0.5
    words = rng.choice(["tea", "rain", "road", "house", "green"], (120, 6))
    text = [" ".join([*each, "casino" if hit else "lunch"]) for each, hit in zip(words, spam, strict=True)]
    data = {"mail": text, "y": np.where(spam, "spam", "ham")}
    schema = infer_schema(data, target="y", types={"mail": "text"})
    rows = Rows(features(schema, data), spam.astype(np.int64), None, 2, 120)
    row = features(schema, {"mail": ["the casino by the green road"]})
    for kinds in (("words",), ("words", "letters")):
        member = fit_text(rows, rows, 0, Deadline(None), kinds=kinds).at(2)
        base, amounts = parts_of(member, row, 1, 0)  # type: ignore[misc]
        p = member(row)[0]
        assert base + sum(amounts.values()) == pytest.approx(math.log(p[1] / p[0]), rel=1e-5)
        assert amounts["mail: 'casino'"] > 5 * abs(amounts["mail: 'road'"])
        assert "mail: 'lunch'" not in amounts, "it is not in the row"
    assert any(name.startswith("mail: letters 'ca") for name in amounts)
    model = cl.fit(data, target="y", positive="spam", types={"mail": "text"}, families=["linear"], budget=None)
    found = model.explain({"mail": "the casino by the green road"}).contributions
    assert found is not None, "with a sentence model, if one is installed, or without"
    made = features_of(model, {"mail": "the casino by the green road"})
    odds = [np.mean([math.log(p[1] / p[0]) for m in members for p in m(made)]) for _, members in model.bag]
    assert found.total == pytest.approx(np.average(odds, weights=[share for share, _ in model.bag]), rel=1e-4)


def test_a_row_is_explained_as_it_is_predicted(fitted: dict[Any, cl.Classifier]) -> None:
    for k in (2, 3):
        model, data = fitted["trees", k], table(10, 9, k=k)
        for i in range(5):
            row = one(data, i)
            whole = {name: [cell] for name, cell in row.items()}
            found = cl.explain(row, model)
            assert found.probabilities == tuple(model.scores(whole).probabilities[0])
            assert found.decision == model.predict(whole)[0]
            assert found.contributions is not None
            top = found.contributions
            expected = ("yes", "no") if k == 2 else (found.decision, found.against)
            assert (top.name, top.against) == expected
            assert {each.feature: each.value for each in top.features}["level"] == row["level"]
            assert found.region is not None
            assert found.region.n >= 50
            assert "before the calibrator" in str(found)
    frame = pa.table({name: [cell] for name, cell in row.items()})
    assert cl.explain(frame, model) == found


def test_what_is_odd_about_a_row_is_said(fitted: dict[Any, cl.Classifier]) -> None:
    model = fitted["linear", 2]
    found = model.explain({"a": 1.0, "b": None, "noise": 0.0, "level": "unheard of"})
    assert "unseen in training: 'unheard of'" in str(found)
    assert {each.feature: each.value for each in found.contributions.features}["b"] == "missing"  # type: ignore[union-attr]
    with pytest.raises(ShapeError, match="2 rows"):
        model.explain({"a": [1, 2], "b": [1, 2], "noise": [0, 0], "level": ["x", "y"]})
    with pytest.raises(CutlineError, match="level"):
        model.explain({"a": 1.0, "b": 2.0, "noise": 0.0})
    with pytest.raises(InputError, match="a classifier and threshold="):
        cl.explain(0.5, model, threshold=0.2)
    with pytest.raises(LabelError, match="CT04"):
        cl.explain(0.5, model, classes=["ham", "spam"])
    with pytest.raises(InputError, match="an OperatingPoint"):
        cl.explain(0.5, "model")


def test_a_score_is_read_by_the_classes_that_were_named(fitted: dict[Any, cl.Classifier]) -> None:
    model = fitted["linear", 2]
    turned = cl.explain(0.9, model, classes=["yes", "no"])
    assert turned.probabilities == pytest.approx((0.9, 0.1))
    assert turned.decision == "no"
    assert cl.explain(0.9, model).decision == "yes"
    own = model.measured
    near = np.argsort(np.abs(own.probabilities[:, 1] - 0.9))[:20]
    region = cl.explain(0.9, model).region
    assert region is not None
    inside = (own.probabilities[:, 1] >= region.lowest) & (own.probabilities[:, 1] <= region.highest)
    assert inside[near[:10]].all()
    assert region.rate == own.codes[inside].mean()


def test_a_wrapped_model_explains_a_row_of_its_own() -> None:
    data = table(400)
    x = np.column_stack([data["a"], data["b"]])
    made = cl.wrap(LogisticRegression().fit(x[:200], data["label"][:200]), x[200:], data["label"][200:], positive="yes")  # type: ignore[index]
    found = cl.explain(x[[5]], made)
    assert found.probabilities == tuple(made.scores(x[[5]]).probabilities[0])
    assert found.region is not None
    with pytest.raises(ShapeError, match="2 rows"):
        cl.explain(x[:2], made)


# --- the same in other forms --------------------------------------------------------------------------------------

HOSTILE = '<script>alert("x")</script>'


def test_a_page_escapes_what_it_is_given() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=200)
    bad = "<img src=x onerror=alert(1)>"
    label = np.where(x + rng.logistic(0, 0.3, 200) > 0, HOSTILE, "&amp;")
    level = np.where(rng.random(200) < 0.5, bad, "plain")
    data = {bad: x, "<b>level": level, "y": label}
    model = cl.fit(data, target="y", positive=HOSTILE, families=["linear"], budget=None)
    found = model.explain({bad: 1.5, "<b>level": bad})
    for page in (found.to_html(), found._repr_html_()):
        assert "<script" not in page
        assert "<img" not in page
        assert "<b>level" not in page
        assert html.escape(HOSTILE) in page
        assert html.escape(bad) in page
        assert "&amp;amp;" in page
    page = found.to_html()
    assert page.startswith("<!doctype html>")
    assert "default-src 'none'" in page
    assert "http:" not in page.replace("http-equiv", "")
    assert "https:" not in page
    for each in (found.distance, found.at_other_costs, str(found.region)):
        assert html.escape(each) in page


def test_the_command_line_explains_scores_and_rows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], fitted: dict[Any, cl.Classifier]
) -> None:
    model, rows, where = tmp_path / "m.cutline", tmp_path / "rows.csv", tmp_path / "e.html"
    fitted["linear", 2].save(model)
    data = table(4, 9)
    lines = [f"k{i},{','.join(str(cell) for cell in one(data, i).values())}" for i in range(4)]
    rows.write_text("\n".join(["id,a,b,noise,level", *lines]) + "\n")

    def run(*words: str) -> tuple[int, str, str]:
        code = main(["explain", *words])
        said = capsys.readouterr()
        return code, said.out, said.err

    code, out, _ = run("0.9899", "--classes", "no,yes", "--model", str(model))
    assert code == 0
    assert "P(yes) = 98.99 %" in out
    assert "rows that the scoring models had not seen" in out
    code, by_number, _ = run("--model", str(model), str(rows), "--row", "3", "--html", str(where))
    code, by_id, _ = run(str(rows), "--model", str(model), "--row", "k2", "--id", "id")
    assert by_number == by_id
    assert f"b = {data['b'][2]:g}" in by_id  # type: ignore[index]
    assert "Towards yes" in by_id
    assert where.read_text().startswith("<!doctype html>")
    _, out, _ = run(str(rows), "--model", str(model), "--row", "1", "--json")
    assert json.loads(out)["contributions"]["class"] == "yes"
    wrong: list[tuple[tuple[str, ...], str]] = [
        ((str(rows), "--model", str(model)), "4 rows"),
        ((str(rows), "--model", str(model), "--row", "5"), "1 to 4"),
        ((str(rows), "--model", str(model), "--row", "k9", "--id", "id"), "'k9'"),
        ((str(rows), "--model", str(model), "--id", "id"), "no --row"),
        ((str(rows), "--row", "1"), "needs --model"),
        (("0.5", "--model", str(model), "--row", "1"), "--row"),
        (("0.5", "--model", str(model), "--classes", "ham,spam"), "those of the classifier"),
        (("0.5", "--classes", "a,b", "--html", str(tmp_path / "e.txt")), ".html"),
    ]
    for words, said in wrong:
        code, _, err = run(*words)
        assert (code, said in err) == (2, True), err
