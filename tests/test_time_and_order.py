"""Folds that go forward in time, and classes that go from low to high."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

import cutline as cl
from cutline.errors import CutlineError, DataError, LabelError
from cutline.model.cumulative import _loss, _shares, fit_cumulative
from cutline.model.folds import Folds, forward_folds
from cutline.model.member import Deadline, Rows, stages
from tests.test_schedule import drawn

# --- time ----------------------------------------------------------------------------------------------------------


def days(n: int, seed: int = 0) -> dict[str, list[object]]:
    """A table in no order; the class follows x until the last third of the days, and its opposite after it."""
    rng = np.random.default_rng(seed)
    day = rng.permutation(np.repeat(np.arange(n // 2), 2))
    x = rng.normal(size=n)
    turned = np.where(day > n / 3, -x, x)
    label = np.where(turned + rng.logistic(0, 0.3, n) > 0, "yes", "no")
    when = [str(date(2020, 1, 1) + timedelta(days=int(d))) for d in day]
    return {"day": when, "x": x.tolist(), "label": label.tolist()}


def test_a_fold_learns_from_what_came_before_it() -> None:
    times = np.random.default_rng(1).integers(0, 40, 200).astype(float)
    fold = forward_folds(times, 5)
    assert fold.numbers == [0, 1, 2, 3, 4]
    for number in fold.numbers:
        assert times[fold.rest(number)].max() < times[fold.held(number)].min()
    assert np.bincount(fold.of + 1).min() > 20
    at_random = Folds(np.arange(6) % 3)
    assert at_random.rest(1).tolist() == [True, False, True] * 2
    assert at_random.tried.all()


def test_the_stage_of_a_fold_follows_from_the_one_before_it() -> None:
    losses = [np.array([3.0, 1.0, 2.0]), np.array([1.0, 2.0, 3.0]), np.array([3.0, 2.0, 1.0])]
    assert stages(losses, forward=True) == [1, 1, 0]


def test_weights_are_chosen_on_the_latest_half_of_the_folds() -> None:
    of = np.array([-1, 0, 1, 2, 3, 4])
    np.testing.assert_array_equal(Folds(of, forward=True).late, of >= 2)
    np.testing.assert_array_equal(Folds(of, forward=True).take(of < 2).late, [False, False, True])
    np.testing.assert_array_equal(Folds(of).late, of >= 0)


def test_too_few_moments_are_refused() -> None:
    with pytest.raises(DataError, match="moments that cut the rows"):
        forward_folds(np.repeat([1.0, 2.0], 50), 5)


def test_figures_of_the_future_are_not_flattered_by_it() -> None:
    """Where the world turns, folds at random look good, folds forward in time do not."""
    table = days(400)
    at_random = cl.fit(table, target="label", positive="yes", families=["linear"], budget=None, drop=["day"])
    forward = cl.fit(table, target="label", positive="yes", families=["linear"], budget=None, time="day")
    assert forward.evaluation["roc_auc"].value < at_random.evaluation["roc_auc"].value
    assert "forward in time (day)" in " ".join(forward.notes)
    measured = forward.measured
    # Of six stretches of time the first is learned from only, and the figures are of the last three.
    assert abs(len(measured.codes) - 400 * 3 / 6) < 8
    assert len(forward.bag[0][1]) == 1, "the final model has learned from all rows"


def test_certify_and_test_rows_are_the_latest() -> None:
    table = days(400)
    model = cl.fit(
        table,
        target="label",
        positive="yes",
        families=["linear"],
        budget=None,
        time="day",
        holdout=0.25,
        policy=cl.maximize(cl.recall, subject_to=[cl.precision >= 0.05], confidence=0.9),
    )
    assert model.plan.rows == pytest.approx({"tune": 220, "certify": 80, "test": 100}, abs=4)
    late = np.array(table["day"]) >= sorted(table["day"])[300]
    truth = (np.array(table["label"])[late] == "yes").astype(int)
    assert model.measured.codes.tolist() == truth.tolist()


def test_what_tells_one_year_from_another_is_no_feature() -> None:
    model = cl.fit(days(400), target="label", positive="yes", families=["linear"], budget=None, time="day")
    (column,) = [each for each in model.schema.columns if each.name == "day"]
    assert set(column.parts) <= {"month", "day", "weekday", "hour"}
    table = days(400) | {"step": np.arange(400).tolist()}
    model = cl.fit(table, target="label", positive="yes", families=["linear"], budget=None, time="step")
    assert "step" not in [each.name for each in model.schema.used]


@pytest.mark.parametrize(
    ("change", "options", "said"),
    [
        ({"day": ["soon"] * 400}, {"time": "day"}, "dates or numbers"),
        ({"day": ["2020-01-01"] * 399 + [None]}, {"time": "day"}, "without a moment|moments that cut"),
        ({}, {"time": "Day"}, "did you mean 'day'"),
        ({}, {"time": "day", "groups": "x"}, "one of them"),
    ],
)
def test_bad_times_are_refused(change: dict[str, object], options: dict[str, str], said: str) -> None:
    with pytest.raises(CutlineError, match=said):
        cl.fit(days(400) | change, target="label", positive="yes", budget=None, families=["linear"], **options)


# --- order ---------------------------------------------------------------------------------------------------------


def test_the_gradient_of_the_cumulative_model_is_right() -> None:
    from scipy.optimize import check_grad

    rng = np.random.default_rng(3)
    x, codes, weight = rng.normal(size=(60, 3)), rng.integers(0, 4, 60), rng.uniform(0.5, 2, 60)
    at = rng.normal(size=3 + 3) / 2
    given = (x, codes, weight, 4, 0.3)
    assert check_grad(lambda v: _loss(v, *given)[0], lambda v: _loss(v, *given)[1], at) < 1e-5


def test_probabilities_of_ordered_classes_sum_to_one_also_far_out() -> None:
    p = _shares(np.array([-1.0, 0.5, 700.0]), np.array([-800.0, -3.0, 0.0, 3.0, 800.0]))
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-12)
    assert (p >= 0).all()
    assert p[0].argmax() == 0
    assert p[-1].argmax() == 3


def test_the_cumulative_model_finds_the_slopes_it_was_made_with() -> None:
    rng = np.random.default_rng(4)
    rows = drawn(4000, 4, 5)
    x = rng.normal(size=(4000, 3))
    z = x @ [1.0, -0.5, 0.0] + rng.logistic(size=4000)
    codes = np.searchsorted([-1.0, 0.0, 1.5], z)
    features = replace(rows.features, numeric=x, codes=np.empty((4000, 0), np.int32), categorical_names=())
    made = Rows(replace(features, cardinality=()), codes, None, 4, 3000, True)
    path = fit_cumulative(
        made.take(np.arange(3000)), made.take(np.arange(3000, 4000)), 0, Deadline(None), splines=False
    )
    member = path.at(int(path.losses.argmin()))
    truth = _shares(np.array([-1.0, 0.0, 1.5]), x @ [1.0, -0.5, 0.0])
    # Far out the view squashes the numbers: only there does it differ.
    assert np.quantile(np.abs(member(made.features) - truth), 0.9) < 0.03


def graded(n: int = 400, seed: int = 0) -> dict[str, list[object]]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 2))
    grade = np.digitize(x[:, 0] - x[:, 1] + rng.logistic(0, 0.7, n), [-1.0, 0.5])
    return {"a": x[:, 0].tolist(), "b": x[:, 1].tolist(), "grade": np.array(["low", "mid", "high"])[grade].tolist()}


def test_ordered_classes_get_their_model_and_their_metrics() -> None:
    order = ["low", "mid", "high"]
    model = cl.fit(graded(), target="grade", order=order, families=["linear"], budget=None)
    assert model.classes.names == tuple(order)
    assert model.classes.ordered
    weights = {each["name"]: each["weight"] for each in model.plan.members}
    assert weights["cumulative"] + weights["cumulative_splines"] > 0.3, "the true model takes part"
    assert {"ranked_probability_score", "quadratic_kappa", "mae", "off_by_one_accuracy"} <= {
        each.metric.name for each in model.evaluation.estimates
    }
    plain = cl.fit(graded(), target="grade", families=["linear"], budget=None)
    assert "cumulative" not in [each["name"] for each in plain.plan.members]


def test_an_ordered_classifier_is_saved_and_loaded(tmp_path: object) -> None:
    model = cl.fit(graded(), target="grade", order=["low", "mid", "high"], families=["linear"], budget=None)
    model.save(f"{tmp_path}/m.cutline")
    again = cl.load(f"{tmp_path}/m.cutline")
    fresh = graded(50, 1)
    assert np.array_equal(again.scores(fresh).probabilities, model.scores(fresh).probabilities)
    assert again.classes.ordered


@pytest.mark.parametrize("order", [["low", "mid"], ["low", "mid", "high", "top"], ["low", "low", "mid", "high"], "low"])
def test_an_order_names_every_class_once(order: object) -> None:
    with pytest.raises(LabelError, match="order"):
        cl.fit(graded(), target="grade", order=order, budget=None)


def test_an_order_of_numbers_may_come_as_text() -> None:
    table = graded()
    table["grade"] = [{"low": 1, "mid": 2, "high": 3}[each] for each in table["grade"]]
    model = cl.fit(table, target="grade", order=["3", "2", "1"], families=["linear"], budget=None)
    assert model.classes.names == (3, 2, 1)
