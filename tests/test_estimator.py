"""`CutlineClassifier` in scikit-learn's world: its checks, its tools, its routing, frames in, labels as they came."""

from __future__ import annotations

import pickle
import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import sklearn
from numpy.testing import assert_allclose
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.ensemble import BaggingClassifier, StackingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.impute import SimpleImputer
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    cross_val_predict,
    cross_val_score,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.utils.estimator_checks import parametrize_with_checks

import cutline as cl
from cutline.errors import DataError, InputError, LabelError, NoFeasibleThreshold, UnknownName
from cutline.model.estimator import CutlineClassifier

WHY = "members are fitted on folds of the rows: a row of weight 2 is in one of them, a row and its copy may be in two"
EXPECTED = {"check_sample_weight_equivalence_on_dense_data": WHY}


@parametrize_with_checks([CutlineClassifier(families=["linear"])], expected_failed_checks=lambda _: EXPECTED)
def test_the_checks_of_scikit_learn(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks([CutlineClassifier()], expected_failed_checks=lambda _: EXPECTED)
def test_the_checks_of_scikit_learn_with_the_default_members(estimator: Any, check: Any) -> None:
    check(estimator)


def light(**more: Any) -> CutlineClassifier:
    return CutlineClassifier(**{"families": ["linear"], **more})


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """Its columns have the very names that `fit` would give to labels, weights and groups."""
    rng = np.random.default_rng(0)
    age, city = rng.normal(40, 10, 300), rng.choice(["Oslo", "Bern", "Rome"], 300)
    age[:20] = np.nan
    more = {name: rng.normal(size=300) for name in ("Y", "sample_weight", "groups")}
    return pd.DataFrame({"age": age, "city": city, **more})


@pytest.fixture(scope="module")
def y(frame: pd.DataFrame) -> np.ndarray:
    noise = np.random.default_rng(1).normal(0, 8, 300)
    return np.where(frame["age"].fillna(40) + 12 * (frame["city"] == "Bern") + noise > 44, "yes", "no")


@pytest.fixture(scope="module")
def X(frame: pd.DataFrame) -> np.ndarray:
    return np.column_stack([frame["age"], frame["city"] == "Bern", frame["groups"]]).astype(float)


# --- rows in, rows out -------------------------------------------------------------------------------------------


def test_every_kind_of_frame_gives_the_same(frame: pd.DataFrame, y: np.ndarray) -> None:
    columns = {name: frame[name].to_numpy() for name in frame.columns}
    fitted = light().fit(frame, y)
    expected = fitted.predict_proba(frame)
    assert fitted.feature_names_in_.tolist() == list(frame.columns)
    assert fitted.n_features_in_ == 5
    for other in (pl.DataFrame(columns), pl.LazyFrame(columns), pa.table(columns)):
        again = light().fit(other, y)
        assert again.feature_names_in_.tolist() == list(frame.columns)
        assert (again.predict_proba(other) == expected).all()
        assert (fitted.predict_proba(other) == expected).all()
        assert isinstance(fitted.predict_proba(other), np.ndarray)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        assert (fitted.predict_proba(frame.to_numpy()) == expected).all()


def test_a_relation_of_duckdb(frame: pd.DataFrame, y: np.ndarray) -> None:
    duckdb = pytest.importorskip("duckdb")
    with duckdb.connect() as connection:
        relation = connection.from_arrow(pa.table(dict(frame)))
        assert (light().fit(relation, y).predict_proba(relation) == light().fit(frame, y).predict_proba(frame)).all()


def test_arrays_and_lists_of_numbers_and_texts(frame: pd.DataFrame, y: np.ndarray) -> None:
    expected = light().fit(frame, y).predict_proba(frame)
    for rows in (frame.to_numpy(), frame.to_numpy().tolist()):
        fitted = light().fit(rows, y)
        assert not hasattr(fitted, "feature_names_in_")
        assert [column.name for column in fitted.classifier_.schema.columns][:2] == ["x0", "x1"]
        assert_allclose(fitted.predict_proba(rows), expected)


@pytest.mark.parametrize("dtype", ["f4", ">f8", "g", "i2", ">i4", "u1"])
def test_numbers_of_any_size(dtype: str, y: np.ndarray) -> None:
    rows = np.random.default_rng(2).integers(0, 50, (300, 2))
    rows[:, 0] += 20 * (y == "yes")
    expected = light().fit(rows, y).predict_proba(rows)
    assert_allclose(light().fit(rows.astype(dtype), y).predict_proba(rows), expected)


def test_integers_in_an_array_are_numbers_and_never_count_the_rows(y: np.ndarray) -> None:
    rows = np.arange(300)[:, None]
    (column,) = (c for c in light().fit(rows, y).classifier_.schema.columns if c.name == "x0")
    assert (column.kind, column.used) == ("numeric", True)
    fitted = light(types={"x0": "categorical"}).fit(rows % 4, y)
    assert [c.kind for c in fitted.classifier_.schema.used] == ["categorical"]


def test_missing_infinite_and_constant_columns(X: np.ndarray, y: np.ndarray) -> None:
    odd = np.column_stack([X, np.full(300, np.nan), np.ones(300), np.where(X[:, 2] > 1, np.inf, 0.0)])
    fitted = light().fit(odd, y)
    assert [c.name for c in fitted.classifier_.schema.used] == ["x0", "x1", "x2", "x5"]
    assert "infinite value" in " ".join(fitted.classifier_.notes)
    assert np.isfinite(fitted.predict_proba(np.full((2, 6), np.nan))).all()
    masked = np.ma.masked_invalid(X)
    assert (light().fit(masked, y).predict_proba(masked) == light().fit(X, y).predict_proba(X)).all()


@pytest.mark.parametrize(
    ("rows", "kind", "said"),
    [
        (csr_matrix(np.ones((300, 2))), TypeError, "Sparse data"),
        (np.ones((300, 2)), DataError, "no column that can be used"),
        (np.ones(300), ValueError, "Expected 2D array, got 1D array"),
        ([[1, 2], [3]] * 150, ValueError, "rows of different lengths"),
        ("table.csv", ValueError, "Expected 2D array"),
        (np.arange(600.0).reshape(300, 2) * 1j, ValueError, "Complex data"),
        (np.ones((299, 2)), ValueError, "inconsistent numbers of samples"),
        (np.empty((300, 0)), ValueError, r"0 feature\(s\)"),
    ],
)
def test_rows_it_cannot_use(rows: Any, kind: type[Exception], said: str, y: np.ndarray) -> None:
    with pytest.raises(kind, match=said):
        light().fit(rows, y)


def test_columns_must_be_those_of_fit(frame: pd.DataFrame, y: np.ndarray) -> None:
    fitted = light().fit(frame, y)
    with pytest.raises(ValueError, match="same order as they were in fit"):
        fitted.predict(frame[frame.columns[::-1]])
    with pytest.raises(ValueError, match="feature names should match"):
        fitted.predict(frame.drop(columns="age"))
    with pytest.raises(NotFittedError):
        light().predict(frame)


# --- labels ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "names",
    [
        [" <=50K", " >50K"],
        [False, True],
        [-1, 1],
        [1.0, 2.0],
        [2**60, 2**60 + 1],
        ["b", " a "],
        ["NA", "no"],
    ],
)
def test_labels_come_back_as_they_were(names: list[Any], X: np.ndarray, y: np.ndarray) -> None:
    labels = np.array(names)[(y == "yes").astype(int)]
    fitted = light().fit(X, labels)
    assert fitted.classes_.dtype == labels.dtype
    assert fitted.classes_.tolist() == sorted(names)
    said = fitted.predict(X)
    assert said.dtype == labels.dtype
    assert (said == fitted.classes_[fitted.predict_proba(X).argmax(axis=1)]).all()
    assert fitted.score(X, labels) > 0.7


@pytest.mark.parametrize(
    "of",
    [
        list,
        pl.Series,
        lambda y: pa.chunked_array([y]),
        lambda y: pd.Series(y, dtype="category"),
        lambda y: pd.Series(y, dtype="string"),
        lambda y: y.astype(object),
    ],
)
def test_columns_of_labels(of: Any, X: np.ndarray, y: np.ndarray) -> None:
    fitted = light().fit(X, of(y))
    assert fitted.classes_.tolist() == ["no", "yes"]
    assert (fitted.predict_proba(X) == light().fit(X, y).predict_proba(X)).all()


def test_integers_among_objects_are_labels(X: np.ndarray, y: np.ndarray) -> None:
    assert light().fit(X, (y == "yes").astype(int).astype(object)).classes_.tolist() == [0, 1]


def test_the_classifier_knows_the_name_of_the_labels(frame: pd.DataFrame, y: np.ndarray) -> None:
    fitted = light().fit(frame, pd.Series(y, name="left"))
    assert fitted.classifier_.schema.target == "left"
    assert fitted.classifier_.evaluate(frame.assign(left=y)).n == 300
    assert light().fit(frame, pd.Series(y, name="age")).classifier_.schema.target == "_age"


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ([None, "a", "b"], "100 missing label"),
        ([np.nan, 0.0, 1.0], "100 missing label"),
        ([np.inf, 0.0, 1.0], "100 missing label"),
        (["a", "a", " a"], "differ in blanks alone"),
        (["a", "b", ""], "empty"),
        (["a", 1, "b"], "labels of one type"),
        (["a", "a", "a"], "1 class"),
    ],
)
def test_labels_it_cannot_use(labels: list[Any], said: str, X: np.ndarray) -> None:
    with pytest.raises(LabelError, match=said):
        light().fit(X, pd.Series(labels * 100))


def test_a_failed_fit_leaves_what_was_fitted(X: np.ndarray, y: np.ndarray) -> None:
    fitted = light().fit(X, y)
    before = fitted.predict_proba(X)
    with pytest.raises(UnknownName):
        fitted.set_params(families=["forest"]).fit(X, np.where(y == "yes", "a", "b"))
    assert (fitted.predict_proba(X) == before).all()
    assert set(fitted.predict(X)) == {"no", "yes"}


def test_ordered_classes_are_sorted_all_the_same(X: np.ndarray) -> None:
    names = np.array(["low", "middle", "high"])
    labels = names[np.digitize(np.nan_to_num(X[:, 0], nan=40) + X[:, 2], [35, 45])]
    fitted = light(order=names.tolist()).fit(X, labels)
    assert fitted.classifier_.classes.ordered
    assert fitted.classifier_.classes.names == tuple(names)
    assert fitted.classes_.tolist() == ["high", "low", "middle"]
    table = fitted.classifier_.predict_proba({f"x{j}": X[:, j] for j in range(3)})
    assert (np.column_stack([table[name].to_numpy() for name in fitted.classes_]) == fitted.predict_proba(X)).all()
    assert fitted.score(X, labels) > 0.7


# --- decisions ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("positive", [None, "no"])
def test_a_policy_decides(positive: Any, X: np.ndarray, y: np.ndarray) -> None:
    policy = cl.maximize(cl.recall, subject_to=[cl.precision >= 0.6])
    fitted = light(policy=policy, positive=positive).fit(X, y)
    assert fitted.classifier_.classes.positive == (positive or "yes")
    table = {f"x{j}": X[:, j] for j in range(3)}
    assert (fitted.predict(X) == fitted.classifier_.predict(table)).all()
    assert (fitted.predict(X) != light().fit(X, y).predict(X)).any()


def test_a_policy_that_abstains_says_none(X: np.ndarray, y: np.ndarray) -> None:
    fitted = light(policy=cl.minimize(cl.cost(fp=1, fn=1, abstain=0.2))).fit(X, y)
    assert set(fitted.predict(X)) == {"no", "yes", None}


def test_no_feasible_threshold_is_said_as_by_fit(X: np.ndarray, y: np.ndarray) -> None:
    with pytest.raises(NoFeasibleThreshold) as caught:
        light(policy=cl.maximize(cl.recall, subject_to=[cl.precision >= 0.999, cl.recall >= 0.999])).fit(X, y)
    assert caught.value.classifier is not None


# --- repeatable --------------------------------------------------------------------------------------------------


def test_it_is_fit_by_another_door(frame: pd.DataFrame, y: np.ndarray) -> None:
    model = cl.fit(frame.assign(left=y), target="left", families=["linear"], budget=None, seed=7)
    assert (light(random_state=7).fit(frame, y).predict_proba(frame) == model.predict_proba(frame)).all(axis=None)


def test_the_seed_alone_decides(X: np.ndarray, y: np.ndarray) -> None:
    first = CutlineClassifier().fit(X, y)
    p = first.predict_proba(X)
    assert {name.split("_")[-1] for name, *_ in first.classifier_.plan.skipped} <= {"trees"}
    assert (CutlineClassifier(n_jobs=2).fit(X, y).predict_proba(X) == p).all()
    assert (light(random_state=1).fit(X, y).predict_proba(X) != light().fit(X, y).predict_proba(X)).any()
    state = np.random.RandomState(3)
    one, two = (light(random_state=state).fit(X, y).classifier_.plan.seed for _ in range(2))
    assert one != two
    assert one == light(random_state=np.random.RandomState(3)).fit(X, y).classifier_.plan.seed


def test_clone_and_pickle_carry_a_policy(X: np.ndarray, y: np.ndarray) -> None:
    model = CutlineClassifier(policy=cl.maximize(cl.f1), positive="yes")
    again = clone(model)
    assert again.policy == model.policy
    again.fit(X, y)
    read = pickle.loads(pickle.dumps(again))
    assert (read.predict(X) == again.predict(X)).all()
    assert (read.predict_proba(X) == again.predict_proba(X)).all()


# --- weights, groups, routing ------------------------------------------------------------------------------------


def test_weights_and_groups_are_those_of_fit(frame: pd.DataFrame, y: np.ndarray) -> None:
    rng = np.random.default_rng(5)
    weight, groups = rng.uniform(0, 2, 300), rng.integers(0, 30, 300)
    table = frame.assign(left=y, w=weight, g=groups)
    model = cl.fit(table, target="left", weight="w", groups="g", families=["linear"], budget=None)
    fitted = light().fit(frame, y, sample_weight=weight, groups=groups)
    assert (fitted.predict_proba(frame) == model.predict_proba(frame)).all(axis=None)
    assert [c.name for c in fitted.classifier_.schema.used] == list(frame.columns)
    assert (fitted.predict_proba(frame) != light().fit(frame, y).predict_proba(frame)).any()


@pytest.mark.parametrize(
    ("more", "kind", "said"),
    [
        ({"sample_weight": np.ones((300, 2))}, InputError, "one weight a row"),
        ({"sample_weight": np.ones(299)}, ValueError, "inconsistent numbers of samples"),
        ({"sample_weight": np.zeros(300)}, DataError, "zero"),
        ({"sample_weight": -np.ones(300)}, DataError, "negative"),
        ({"sample_weight": ["much"] * 300}, DataError, "numbers of at least 0"),
        ({"groups": np.arange(300) % 3}, DataError, "at least 5"),
        ({"groups": np.arange(299)}, ValueError, "inconsistent numbers of samples"),
        ({"groups": [None] * 10 + list(range(290))}, DataError, "10 row"),
    ],
)
def test_weights_and_groups_it_cannot_use(
    more: dict[str, Any], kind: type[Exception], said: str, X: np.ndarray, y: np.ndarray
) -> None:
    with pytest.raises(kind, match=said):
        light().fit(X, y, **more)


def test_one_class_by_weight_and_a_class_without_weight(X: np.ndarray, y: np.ndarray) -> None:
    with pytest.raises(LabelError, match="1 class among the rows with a weight"):
        light().fit(X, y, sample_weight=y == "yes")
    three = np.where(np.arange(300) % 10 == 0, "maybe", y)
    fitted = light().fit(X, three, sample_weight=three != "maybe")
    assert fitted.predict_proba(X)[:, 0].max() < 0.05


def test_metadata_is_routed(X: np.ndarray, y: np.ndarray) -> None:
    weight, groups = np.where(y == "yes", 5.0, 1.0), np.arange(300) // 6
    with sklearn.config_context(enable_metadata_routing=True):
        model = light().set_fit_request(sample_weight=True, groups=True).set_score_request(sample_weight=True)
        pipeline = make_pipeline(SimpleImputer(), model)
        params = {"sample_weight": weight, "groups": groups}
        found = cross_validate(pipeline, X, y, cv=GroupKFold(3), params=params, return_estimator=True)
    for one in (pipeline[-1] for pipeline in found["estimator"]):
        assert one.classifier_.measured.groups is not None
        assert len(np.unique(one.classifier_.measured.groups)) in (33, 34)
        assert one.classifier_.measured.weight.max() == 5
    assert light().fit(X, y, sample_weight=weight).predict_proba(X)[:, 1].mean() > (y == "yes").mean() + 0.1


# --- its tools ---------------------------------------------------------------------------------------------------


def test_it_lives_in_a_pipeline_and_a_search(frame: pd.DataFrame, y: np.ndarray) -> None:
    before = make_column_transformer((OneHotEncoder(sparse_output=False), ["city"]), remainder="passthrough")
    pipeline = make_pipeline(before.set_output(transform="pandas"), light())
    grid = {"cutlineclassifier__policy": [None, cl.maximize(cl.f1)], "cutlineclassifier__positive": ["no", "yes"]}
    search = GridSearchCV(pipeline, grid, cv=KFold(3), scoring="balanced_accuracy").fit(frame, y)
    assert search.best_score_ > 0.65
    names = search.best_estimator_[-1].feature_names_in_.tolist()
    assert "onehotencoder__city_Bern" in names
    assert search.predict(frame).shape == (300,)


def test_it_lives_in_cross_validation(frame: pd.DataFrame, y: np.ndarray) -> None:
    assert cross_val_score(light(), frame, y, cv=3, scoring="roc_auc").min() > 0.7
    assert cross_val_score(light(policy=cl.maximize(cl.f1)), frame, y, cv=3, scoring="f1_macro").min() > 0.5
    p = cross_val_predict(light(), frame, y, cv=3, method="predict_proba")
    assert ((p[:, 1] > 0.5) == (y == "yes")).mean() > 0.65


def test_it_lives_in_other_estimators(X: np.ndarray, y: np.ndarray) -> None:
    calibrated = CalibratedClassifierCV(light(), cv=3).fit(X, y)
    assert_allclose(calibrated.predict_proba(X).sum(axis=1), 1)
    bagged = BaggingClassifier(light(), n_estimators=2, random_state=0).fit(X, y)
    seeds = [one.classifier_.plan.seed for one in bagged.estimators_]
    assert len(set(seeds)) == 2
    stacked = StackingClassifier([("cutline", light())], LogisticRegression(), cv=3).fit(X, y)
    assert stacked.score(X, y) > 0.7
    gain = permutation_importance(light().fit(X, y), X, y, n_repeats=3, random_state=0, scoring="neg_log_loss")
    assert gain.importances_mean.argmax() in (0, 1)


def test_importing_cutline_does_not_load_scikit_learn() -> None:
    code = "import sys, cutline; print('sklearn' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "False"
