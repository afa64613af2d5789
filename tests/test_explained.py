"""What a model draws on: coefficients, importance of columns, learning curves."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import cutline as cl
from cutline.errors import CutlineError


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
