"""`score` and `wrap`: any model is read as what it says, and becomes a calibrated decision with honest figures."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import IsolationForest, RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

import cutline as cl
from cutline.errors import (
    GuessWarning,
    InputError,
    LabelError,
    ModelFileError,
    NotCertifiable,
    ScoreError,
    ShapeError,
    UnknownName,
)
from cutline.evidence import stratified_folds
from cutline.model.outputs import score
from cutline.model.wrap import Wrapped, wrap
from tests import stand_ins

QUIET = {"verbose": -1, "num_threads": 1, "seed": 1, "deterministic": True}


def mails(n: int, seed: int = 0, classes: tuple[str, ...] = ("ham", "spam")) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3))
    strength = x[:, 0] + 0.5 * x[:, 1] + rng.logistic(0, 0.6, n)
    cuts = np.quantile(strength, np.linspace(0, 1, len(classes) + 1)[1:-1])
    return x, np.array(classes)[np.searchsorted(cuts, strength)]


THREE = ("high", "low", "middle")
X, Y = mails(400)
X3, Y3 = mails(400, 1, THREE)
CODES = (Y == "spam").astype(int)


@pytest.fixture(scope="module")
def linear() -> LogisticRegression:
    return LogisticRegression().fit(X, Y)


@pytest.fixture(scope="module")
def three() -> LogisticRegression:
    return LogisticRegression().fit(X3, Y3)


@pytest.fixture(scope="module")
def boosted() -> lightgbm.LGBMClassifier:
    return lightgbm.LGBMClassifier(n_estimators=15, verbose=-1, n_jobs=1).fit(X, Y)


# --- scikit-learn's methods ------------------------------------------------------------------------------------------


def test_probabilities_are_read_in_the_order_of_the_models_classes(linear: Any, three: Any) -> None:
    p = linear.predict_proba(X)
    spam = score(linear, X, y_true=Y, positive="spam")
    assert (spam.kind, spam.classes.names, spam.notes) == ("probability", ("ham", "spam"), ())
    assert (spam.score == p[:, 1]).all()
    assert (score(linear, X, y_true=Y, positive="ham").score == p[:, 0]).all()
    assert (score(three, X3, y_true=Y3).score == three.predict_proba(X3)).all()


def test_declared_classes_reorder_columns_by_name(linear: Any, three: Any) -> None:
    wanted = cl.Classes(["low", "middle", "high"], ordered=True)
    found = score(three, X3, y_true=Y3, classes=wanted)
    assert found.classes == wanted
    assert (found.score == three.predict_proba(X3)[:, [1, 2, 0]]).all()
    assert (score(linear, X, classes=["spam", "ham"], positive="spam").score == linear.predict_proba(X)[:, 1]).all()
    with pytest.raises(LabelError, match="that the model knows"):
        score(linear, X, classes=["no", "yes"])
    with pytest.raises(ShapeError, match="2 columns for 3 classes"):
        score(linear, X, classes=["a", "b", "c"])


def test_a_guessed_positive_class_is_said(linear: Any) -> None:
    with pytest.warns(GuessWarning, match="'spam', the last"):
        assert "guessed: 'spam'" in score(linear, X, y_true=Y).notes[0]


def test_the_decision_function_of_a_linear_model_is_its_logit_on_request(linear: Any) -> None:
    found = score(linear, X, positive="ham", kind="logit")
    assert np.allclose(found.probability, linear.predict_proba(X)[:, 0])


@pytest.mark.parametrize("model", [LinearSVC(), RidgeClassifier(), make_pipeline(StandardScaler(), LinearSVC())])
def test_a_margin_is_a_rank(model: Any) -> None:
    model.fit(X, Y)
    found = score(model, X, y_true=Y, positive="spam")
    assert found.kind == "rank"
    assert (found.score == model.decision_function(X)).all()
    assert (score(model, X, y_true=Y, positive="ham").score == -model.decision_function(X)).all()


def test_pipelines_and_searches_are_read_like_what_is_in_them() -> None:
    search = GridSearchCV(make_pipeline(StandardScaler(), LogisticRegression()), {"logisticregression__C": [0.1, 1]})
    search.fit(X, Y)
    assert (score(search, X, y_true=Y, positive="spam").score == search.predict_proba(X)[:, 1]).all()


class OnlyPredicts:
    def __init__(self, said: Any) -> None:
        self.said = said

    def predict(self, rows: Any) -> Any:
        return self.said


def test_what_only_predicts_gives_labels() -> None:
    found = score(OnlyPredicts(Y), X, y_true=Y, positive="spam")
    assert (found.kind, found.score.tolist()) == ("label", CODES.tolist())
    with pytest.raises(ScoreError, match="numbers with fractions from LinearRegression"):
        score(LinearRegression().fit(X, CODES), X, y_true=CODES)
    assert score(OnlyPredicts(CODES * 0.8), X, y_true=CODES, kind="probability").kind == "probability"
    assert score(RandomForestClassifier(5, random_state=0).fit(X, Y), X, positive="spam", kind="label").kind == "label"


def test_labels_that_are_all_zero_are_taken_for_an_argmax_of_one_column() -> None:
    nothing = np.zeros(400, dtype=int)
    assert score(lambda rows: nothing * 1.0, X, y_true=CODES, kind="rank").n == 400, "no numbers of classes"
    for model in (OnlyPredicts(nothing), lambda rows: nothing):
        with pytest.raises(ScoreError, match=rf"all 400 rows, of which {CODES.sum()} are another.*\[CT05\]"):
            score(model, X, y_true=CODES, kind="label")
    assert score(OnlyPredicts(nothing), X, y_true=nothing, classes=[0, 1]).kind == "label", "truth is 0 as well"
    assert score(OnlyPredicts(nothing[:5]), X[:5], y_true=[0, 0, 1, 0, 0]).n == 5, "too few rows to say so"
    knows = DummyClassifier(strategy="constant", constant=0).fit(X, CODES)
    assert score(knows, X, y_true=CODES, kind="label").kind == "label", "it knows its classes"


def test_a_model_of_several_targets_is_refused() -> None:
    model = MultiOutputClassifier(LogisticRegression()).fit(X, np.column_stack([CODES, 1 - CODES]))
    with pytest.raises(ScoreError, match="2 targets"):
        score(model, X)


def test_a_detector_of_outliers_ranks() -> None:
    found = score(IsolationForest(n_estimators=10, random_state=0).fit(X), X, y_true=CODES)
    assert (found.kind, found.classes.positive) == ("rank", 1)


def test_a_classifier_of_ours_is_read_by_name() -> None:
    wrapped = wrap(LogisticRegression().fit(X[:200], Y[:200]), X[200:], Y[200:], positive="spam")
    assert (score(wrapped, X, positive="spam").score == wrapped.scores(X).score).all()


# --- models that know codes alone ------------------------------------------------------------------------------------


def test_a_booster_gives_what_its_classifier_gives(boosted: Any) -> None:
    booster = boosted.booster_
    expected = boosted.predict_proba(X)[:, 1]
    assert (score(booster, X, y_true=CODES).score == expected).all()
    assert (score(booster, X, y_true=Y, positive="spam").score == expected).all()
    assert (score(booster, X, y_true=Y, classes=["ham", "spam"], positive="ham").score == 1 - expected).all()
    several = lightgbm.train(QUIET | {"objective": "multiclass", "num_class": 3}, lightgbm.Dataset(X3, CODES), 5)
    assert score(several, X3, y_true=np.arange(400) % 3).score.shape == (400, 3)
    with pytest.raises(LabelError, match="classes="):
        score(several, X3, y_true=Y3)
    assert score(several, X3, y_true=Y3, classes=list(THREE)).classes.names == THREE


def test_a_booster_of_another_objective_ranks(boosted: Any) -> None:
    booster = lightgbm.train(QUIET | {"objective": "regression"}, lightgbm.Dataset(X, CODES), 5)
    found = score(booster, X, y_true=CODES)
    assert found.kind == "rank"
    assert any("objective 'regression'" in note for note in found.notes)


def test_xgboost_is_read_by_its_objective() -> None:
    xgboost = pytest.importorskip("xgboost")
    model = xgboost.XGBClassifier(n_estimators=10, n_jobs=1).fit(X, CODES)
    expected = model.predict_proba(X)[:, 1]
    assert (score(model, X, y_true=CODES).score == expected).all()
    assert (score(model, X, y_true=Y, positive="spam", classes=["ham", "spam"]).score == expected).all()
    assert np.allclose(score(model.get_booster(), X, y_true=CODES).score, expected)
    with pytest.raises(LabelError, match="nobody said"):
        score(model, X, y_true=Y, positive="spam")
    softmax = xgboost.train({"objective": "multi:softmax", "num_class": 3}, xgboost.DMatrix(X3, np.arange(400) % 3), 3)
    assert score(softmax, X3, y_true=np.arange(400) % 3).kind == "logit"


def test_catboost_is_read_whichever_of_its_classes_it_is() -> None:
    catboost = pytest.importorskip("catboost")
    how = {"iterations": 10, "verbose": False, "allow_writing_files": False, "thread_count": 1}
    model = catboost.CatBoostClassifier(**how).fit(X, Y)
    expected = model.predict_proba(X)[:, 1]
    assert (score(model, X, y_true=Y, positive="spam").score == expected).all()
    plain = catboost.CatBoost({"loss_function": "Logloss", **how}).fit(X, Y)
    assert np.allclose(score(plain, X, y_true=Y, positive="spam").score, expected)


def test_one_against_all_is_divided_by_its_sum() -> None:
    model = lightgbm.LGBMClassifier(objective="multiclassova", n_estimators=5, verbose=-1, n_jobs=1).fit(X3, Y3)
    raw = model.predict_proba(X3)
    assert np.abs(raw.sum(axis=1) - 1).max() > 0.01
    for each, more in ((model, {}), (model.booster_, {"classes": list(THREE)})):
        found = score(each, X3, y_true=Y3, **more)
        assert np.allclose(found.score, raw / raw.sum(axis=1, keepdims=True))
        assert any("divided by their sum" in note for note in found.notes)
    catboost = pytest.importorskip("catboost")
    how = {"iterations": 5, "verbose": False, "allow_writing_files": False, "thread_count": 1}
    apart = catboost.CatBoostClassifier(loss_function="MultiClassOneVsAll", **how).fit(X3, Y3)
    assert np.allclose(score(make_pipeline(apart), X3, y_true=Y3).score.sum(axis=1), 1)


@pytest.mark.filterwarnings("ignore:Cannot compute class probabilities")  # LightGBM says so, once
def test_sums_of_an_objective_of_its_own_are_no_probabilities() -> None:
    def own(truth: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        p = 1 / (1 + np.exp(-z))
        return p - truth, p * (1 - p)

    model = lightgbm.LGBMClassifier(objective=own, n_estimators=3, verbose=-1, n_jobs=1).fit(X, CODES)
    found = score(model, X, y_true=CODES)
    assert found.kind == "rank"
    assert any("an objective of its own" in note for note in found.notes)
    assert score(model, X, y_true=CODES, kind="logit").kind == "logit"


def test_margins_of_pairs_are_no_columns_of_classes() -> None:
    pairs = SVC(decision_function_shape="ovo").fit(X3, Y3)
    assert pairs.decision_function(X3).shape == (400, 3), "as wide as the classes are many, which is the trap"
    with pytest.raises(ScoreError, match=r"ovr.*\[CT04\]"):
        score(make_pipeline(pairs), X3, y_true=Y3)
    assert score(SVC(decision_function_shape="ovr").fit(X3, Y3), X3, y_true=Y3).kind == "rank"
    assert score(SVC(decision_function_shape="ovo").fit(X, Y), X, y_true=Y, positive="spam").kind == "rank"


def test_a_stand_in_of_xgboost_is_read_by_its_objective(monkeypatch: pytest.MonkeyPatch) -> None:
    xgboost = stand_ins.xgboost(monkeypatch)
    two, three = np.array([2.0, 1.0, 0.0]), np.eye(3)
    truth = np.arange(400) % 3
    kinds = {"binary:logistic": "probability", "reg:logistic": "probability", "binary:logitraw": "logit"}
    for objective, kind in (kinds | {"binary:hinge": "rank", "rank:pairwise": "rank"}).items():
        found = score(xgboost.Booster(objective, two), X, y_true=CODES)
        assert found.kind == kind
        assert len(np.unique(found.score)) > 300
    for objective, kind in {"multi:softprob": "probability", "multi:softmax": "logit"}.items():
        assert score(xgboost.Booster(objective, three), X, y_true=truth).kind == kind
    with pytest.raises(LabelError, match="CT05"):
        score(xgboost.Booster("multi:softprob", three), X, y_true=truth + 1)


def test_a_stand_in_of_torch_is_read_by_its_last_part(monkeypatch: pytest.MonkeyPatch) -> None:
    nn = stand_ins.torch(monkeypatch).nn
    net = nn.Sequential(nn.Linear(3, 1), nn.Sigmoid(), nn.Dropout(0.5))
    found = score(net, X, y_true=CODES)
    assert (found.kind, net.training) == ("probability", True)
    assert len(np.unique(found.score)) == 400, "in evaluation mode dropout drops nothing"
    assert score(nn.Sequential(nn.Linear(3, 3), nn.Softmax(1)), X, y_true=np.arange(400) % 3).kind == "probability"
    assert score(nn.Sequential(nn.Linear(3, 2), nn.LogSoftmax(1)), X, y_true=CODES).kind == "logit"
    assert score(nn.Linear(3, 1), X, y_true=CODES).kind == "logit"
    with pytest.raises(ScoreError, match=r"always 1.*\[CT05\]"):
        score(nn.Sequential(nn.Linear(3, 1), nn.Softmax(1)), X, y_true=CODES)
    with pytest.raises(ScoreError, match=r"2 sigmoid.*\[CT05\]"):
        score(nn.Sequential(nn.Linear(3, 2), nn.Sigmoid()), X, y_true=CODES)


def session(nodes: list[Any], outputs: list[Any], inputs: list[Any] | None = None) -> Any:
    """A session of ONNX Runtime of a graph, as converters write it."""
    onnx, runtime = pytest.importorskip("onnx"), pytest.importorskip("onnxruntime")
    one, make = onnx.TensorProto, onnx.helper
    inputs = inputs or [make.make_tensor_value_info("X", one.FLOAT, [None, 3])]
    graph = make.make_graph(nodes, "g", inputs, outputs)
    versions = [make.make_opsetid("", 17), make.make_opsetid("ai.onnx.ml", 3)]
    model = make.make_model(graph, opset_imports=versions, ir_version=8)
    return runtime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


def converted(model: LogisticRegression, *, zipmap: bool, normal: str = "Normalizer") -> Any:
    """A logistic regression as skl2onnx converts it: LinearClassifier, Normalizer, and ZipMap unless turned off."""
    onnx = pytest.importorskip("onnx")
    make, one = onnx.helper, onnx.TensorProto
    coef, bias = model.coef_, model.intercept_
    if len(coef) == 1:
        coef, bias = np.concatenate([-coef, coef]), np.concatenate([-bias, bias])
    names = [str(name) for name in model.classes_]
    link = {"post_transform": "LOGISTIC" if len(names) == 2 else "SOFTMAX"} if normal else {}
    nodes = [
        make.make_node(
            "LinearClassifier",
            ["X"],
            ["label", "raw"],
            domain="ai.onnx.ml",
            classlabels_strings=names,
            coefficients=coef.ravel().tolist(),
            intercepts=bias.tolist(),
            multi_class=1 if len(names) > 2 else 0,
            **link,
        ),
        make.make_node(normal, ["raw"], ["p"], domain="ai.onnx.ml", norm="L1")
        if normal
        else make.make_node("Identity", ["raw"], ["p"]),
    ]
    outputs = [make.make_tensor_value_info("label", one.STRING, [None])]
    if not zipmap:
        return session(nodes, [*outputs, make.make_tensor_value_info("p", one.FLOAT, [None, len(names)])])
    nodes.append(make.make_node("ZipMap", ["p"], ["maps"], domain="ai.onnx.ml", classlabels_strings=names))
    pairs = make.make_map_type_proto(one.STRING, make.make_tensor_type_proto(one.FLOAT, []))
    return session(nodes, [*outputs, make.make_value_info("maps", make.make_sequence_type_proto(pairs))])


@pytest.mark.parametrize("zipmap", [True, False])
def test_a_session_of_onnx_gives_its_classes_where_it_can(linear: Any, three: Any, zipmap: bool) -> None:
    found = score(converted(linear, zipmap=zipmap), X, y_true=Y, positive="spam")
    assert (found.kind, found.classes.names) == ("probability", ("ham", "spam"))
    assert np.allclose(found.score, linear.predict_proba(X)[:, 1], atol=1e-5)
    several = score(converted(three, zipmap=zipmap), pd.DataFrame(X3), y_true=Y3)
    assert np.allclose(several.score, three.predict_proba(X3), atol=1e-5)
    few = converted(linear, zipmap=zipmap)
    row = X[[0]]
    if zipmap:  # the class of each column is written beside it
        assert score(few, row, positive="spam").n == 1
    else:  # one row cannot tell whose column is whose
        with pytest.raises(LabelError, match="CT04"):
            score(few, row)
        assert np.allclose(score(few, row, classes=["ham", "spam"]).score, linear.predict_proba(row)[:, 1], atol=1e-5)


def test_margins_and_single_outputs_of_onnx(linear: Any, three: Any) -> None:
    assert score(converted(three, zipmap=False, normal=""), X3, y_true=Y3).kind == "rank"
    onnx = pytest.importorskip("onnx")
    make, one = onnx.helper, onnx.TensorProto
    weights = onnx.numpy_helper.from_array(linear.coef_.T.astype(np.float32), "w")
    nodes = [
        make.make_node("Constant", [], ["w"], value=weights),
        make.make_node("MatMul", ["X", "w"], ["z"]),
        make.make_node("Sigmoid", ["z"], ["p"]),
        make.make_node("ArgMax", ["p"], ["label"], axis=1, keepdims=0),
    ]
    p, z = (make.make_tensor_value_info(name, one.FLOAT, [None, 1]) for name in "pz")
    label = make.make_tensor_value_info("label", one.INT64, [None])
    found = score(session(nodes, [p]), X, y_true=CODES)
    assert (found.kind, found.n_pos) == ("probability", CODES.sum())
    assert np.allclose(found.score, 1 / (1 + np.exp(-X @ linear.coef_[0])), atol=1e-5)
    assert score(session(nodes, [z]), X, y_true=CODES).kind == "logit"
    assert score(session(nodes, [z]), X, y_true=CODES, kind="rank").kind == "rank"
    with pytest.raises(ScoreError, match=r"predicted labels alone.*\[CT03\]"):
        score(session(nodes, [label]), X, y_true=CODES)
    with pytest.raises(ScoreError, match="2 outputs of scores"):
        score(session(nodes, [p, z]), X, y_true=CODES)


def test_a_session_with_an_input_for_each_column_takes_a_frame() -> None:
    onnx = pytest.importorskip("onnx")
    make, one = onnx.helper, onnx.TensorProto
    nodes = [make.make_node("Cast", ["b"], ["c"], to=one.FLOAT), make.make_node("Add", ["a", "c"], ["z"])]
    kinds = {"a": one.FLOAT, "b": one.INT64}
    inputs = [make.make_tensor_value_info(name, kind, [None, 1]) for name, kind in kinds.items()]
    made = session(nodes, [make.make_tensor_value_info("z", one.FLOAT, [None, 1])], inputs)
    frame = pd.DataFrame({"b": CODES, "a": X[:, 0], "other": "x"})
    for rows in (frame, pl.from_pandas(frame), {name: frame[[name]].to_numpy() for name in "ab"}):
        assert np.allclose(score(made, rows, y_true=CODES, kind="rank").score, X[:, 0] + CODES, atol=1e-5)
    with pytest.raises(ShapeError, match="inputs"):
        score(made, X, y_true=CODES)


P = np.random.default_rng(5).dirichlet(np.ones(3), 400)
TRUTHS = {
    "index": (np.arange(400) % 3, (0, 1, 2)),
    "floats": (np.arange(400) % 3 * 1.0, (0, 1, 2)),
    "one-hot": (np.eye(3)[np.arange(400) % 3], (0, 1, 2)),
    "one-hot with names": (pd.DataFrame(np.eye(3, dtype=int)[np.arange(400) % 3], columns=["c", "a", "b"]), None),
}


@pytest.mark.parametrize("name", TRUTHS)
def test_codes_in_truth_are_the_columns(name: str) -> None:
    truth, names = TRUTHS[name]
    found = score(lambda rows: P, X, y_true=truth, kind="probability")
    assert found.classes.names == (names or ("c", "a", "b"))
    assert (found.score == P).all()
    assert (np.asarray(found.truth) == np.arange(400) % 3).all()


def test_an_order_that_nobody_said_is_refused() -> None:
    with pytest.raises(LabelError, match="nobody said their order"):
        score(lambda rows: P, X, y_true=Y3, kind="probability")
    with pytest.raises(LabelError, match="classes="):
        score(lambda rows: P[:, :2] / P[:, :2].sum(1, keepdims=True), X, y_true=Y, positive="spam", kind="probability")
    with pytest.raises(LabelError, match=r"1, 2, 3.*codes begin at 0.*\[CT05\]"):
        score(lambda rows: P, X, y_true=np.arange(400) % 3 + 1, kind="probability")
    with pytest.raises(LabelError, match="positive="):
        score(lambda rows: P[:, 0], X, y_true=Y, kind="probability")
    with pytest.raises(LabelError, match="does not know its classes"):
        score(lambda rows: P, X, kind="probability")


@pytest.mark.parametrize("kind", ["probability", "logit", "rank"])
def test_a_single_output_belongs_to_code_one(kind: str) -> None:
    one = P[:, [0]] if kind == "probability" else P[:, [0]] * 8 - 4
    for truth in (CODES, CODES == 1, CODES * 1.0, np.eye(2)[CODES]):
        found = score(lambda rows: one, X, y_true=truth, kind=kind)  # type: ignore[arg-type]
        assert (found.score == one[:, 0]).all()
        assert found.classes.positive == 1
        assert "read as the score of" in found.notes[0]
    turned = score(lambda rows: one, X, y_true=CODES, positive=0, kind=kind)  # type: ignore[arg-type]
    assert (turned.score == (1 - one[:, 0] if kind == "probability" else -one[:, 0])).all()
    assert (score(lambda rows: one, X, y_true=Y, positive="ham", kind=kind).score == one[:, 0]).all()  # type: ignore[arg-type]


BAD: dict[str, tuple[Any, Any, type[Exception], str]] = {
    "a function of unknown kind": (lambda rows: P, None, InputError, "kind"),
    "no model": (3, None, InputError, "a int"),
    "a class": (LogisticRegression, None, InputError, "the class LogisticRegression"),
    "no such kind": (lambda rows: P, "odds", UnknownName, "odds"),
    "nan": (lambda rows: np.where(P > 0.9, np.nan, P), "probability", ScoreError, "nan"),
    "not summing to 1": (lambda rows: P * 0.9, "probability", ScoreError, "sum to 1"),
    "above 1": (lambda rows: P * 9, "probability", ScoreError, "outside"),
    "too wide": (lambda rows: np.column_stack([P, P]) / 2, "probability", LabelError, "6 classes"),
    "three dimensions": (lambda rows: P[:, :, None, None], "probability", ShapeError, "outputs of shape"),
    "too few rows": (lambda rows: P[:-1], "probability", ShapeError, "399"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_outputs_are_refused_by_name(name: str) -> None:
    model, kind, error, said = BAD[name]
    with pytest.raises(error, match=said):
        score(model, X, y_true=Y3 if name == "too wide" else np.arange(400) % 3, kind=kind)


# --- wrap ------------------------------------------------------------------------------------------------------------


def overconfident(rows: Any) -> np.ndarray:
    return 1 / (1 + np.exp(-5 * (np.asarray(rows)[:, 0] + 0.5 * np.asarray(rows)[:, 1]) - 2))


@pytest.fixture(scope="module")
def wrapped() -> Wrapped:
    x, y = mails(1200, 2)
    policy = cl.maximize(cl.recall, subject_to=[cl.precision >= 0.7], confidence=0.9)
    return wrap(overconfident, x, y, positive="spam", kind="probability", policy=policy)


def test_a_wrapped_model_is_calibrated_decided_and_measured(wrapped: Wrapped) -> None:
    x, y = mails(2000, 3)
    before = cl.evaluate(cl.Scores(y_true=y, y_score=overconfident(x), positive="spam", kind="probability"))
    after = wrapped.evaluate(x, y)
    assert after["log_loss"].value < 0.8 * before["log_loss"].value
    assert after["prediction_bias"].low < 0 < after["prediction_bias"].high
    assert wrapped.point.grade == "guaranteed"
    assert after["precision"].value >= 0.7
    assert (wrapped.evaluation.n, wrapped.evaluation.role) == (960, "test")
    assert abs(wrapped.evaluation["log_loss"].value - after["log_loss"].value) < 0.05
    said = " ".join(wrapped.notes)
    assert "240 rows were set apart to certify" in said
    assert "did not see these rows" in said
    assert "read as the score of 'spam'" in said
    p = wrapped.predict_proba(x)
    assert (wrapped.predict(x) == np.where(p[:, 1] >= wrapped.point.threshold, "spam", "ham")).all()
    assert "function" in repr(wrapped)
    assert cl.report(wrapped).data["scored"]["rows"] == 960


def test_figures_of_noise_do_not_flatter() -> None:
    rng = np.random.default_rng(11)
    x, y = rng.normal(size=(500, 3)), rng.choice(["ham", "spam"], 500)
    found = wrap(overconfident, x, y, positive="spam", kind="probability", policy=cl.maximize(cl.f1)).evaluation
    assert found["roc_auc"].low < 0.5 < found["roc_auc"].high + 0.05
    assert found["log_loss"].high > np.log(2) - 0.01


def test_each_row_is_measured_by_what_the_others_chose() -> None:
    x, y = mails(300, 6)
    one = wrap(overconfident, x, y, positive="spam", kind="probability")
    fold = stratified_folds((y == "spam").astype(np.int8), 5, 0)
    again = wrap(overconfident, x, y, positive="spam", kind="probability")
    assert (one.measured.probabilities == again.measured.probabilities).all()
    mine = fold == fold[7]
    raw = cl.Scores(y_true=y, y_score=overconfident(x), positive="spam", kind="probability")
    expected = cl.calibrate(raw.take(~mine), seed=0).apply(raw.take(mine)).probabilities
    assert (one.measured.probabilities[mine] == expected).all()


def test_what_cannot_be_certified_is_not_lost() -> None:
    x, y = mails(300, 8)
    policy = cl.maximize(cl.recall, subject_to=[cl.precision >= 0.999], confidence=0.99)
    with pytest.raises(NotCertifiable) as caught:
        wrap(overconfident, x, y, positive="spam", kind="probability", policy=policy)
    left = caught.value.classifier
    assert isinstance(left, Wrapped)
    assert left.evaluation["roc_auc"].value > 0.7


def test_several_classes_and_their_margins(three: Any) -> None:
    x, y = mails(900, 9, THREE)
    found = wrap(three, x, y)
    assert found.classes.names == THREE
    assert found.evaluation["log_loss"].value < np.log(3)
    machine = LinearSVC().fit(X3, Y3)
    margin = wrap(machine, x, y, classes=["low", "middle", "high"])
    assert "margins of several classes are calibrated as logits" in margin.notes
    assert margin.evaluation["log_loss"].value < 1.1 * found.evaluation["log_loss"].value
    p = margin.predict_proba(x)
    assert np.allclose(p.sum(axis=1), 1)
    assert (margin.predict(x) == np.array(["low", "middle", "high"])[p.argmax(axis=1)]).all()
    binary = wrap(LinearSVC().fit(X, Y), *mails(500, 4), positive="spam")
    assert (binary.kind, binary.evaluation["log_loss"].value < np.log(2)) == ("rank", True)


def test_labels_alone_cannot_be_calibrated() -> None:
    with pytest.raises(ScoreError, match="predicted labels"):
        wrap(OnlyPredicts(Y), X, Y, positive="spam")


def test_what_wrap_cannot_do_is_refused_by_name() -> None:
    with pytest.raises(InputError, match="costs by row"):
        wrap(overconfident, X, CODES, kind="probability", policy=cl.minimize(cl.cost(fp=1, fn=np.ones(400))))
    policy = cl.maximize(cl.recall, subject_to=[cl.precision >= 0.5], confidence=0.9)
    with pytest.raises(InputError, match="clusters"):
        wrap(overconfident, X, CODES, kind="probability", groups=np.arange(400) // 4, policy=policy)
    with pytest.raises(LabelError, match="no label in any row"):
        wrap(overconfident, X, [None] * 400, kind="probability")
    with pytest.raises(ShapeError, match="no rows"):
        score(overconfident, X[:0], kind="probability", classes=[0, 1])


def test_missing_labels_weights_and_groups() -> None:
    x, y = mails(400, 12)
    gaps = y.astype(object)
    gaps[::10] = None
    groups, weight = np.arange(400) // 4, np.where(np.arange(400) % 3, 1.0, 0.0)
    found = wrap(overconfident, x, gaps, positive="spam", kind="probability", groups=groups, weight=weight)
    keep = (np.arange(400) % 10 > 0) & (weight > 0)
    assert len(found.measured.codes) == keep.sum()
    assert (found.measured.groups == groups[keep]).all()
    with pytest.raises(LabelError, match=r"rows of both classes|at least 2 rows"):
        wrap(overconfident, x[:6], np.array(["ham"] * 5 + ["spam"]), positive="spam", kind="probability")


def test_frames_come_back_in_kind(wrapped: Wrapped) -> None:
    x = X[:20]
    p = wrapped.predict_proba(x)
    frame = pd.DataFrame(x, columns=list("abc"), index=np.arange(20) + 7)
    found = wrapped.predict_proba(frame)
    assert list(found.columns) == ["ham", "spam"]
    assert list(found.index) == list(frame.index)
    assert (found.to_numpy() == p).all()
    assert isinstance(wrapped.predict_proba(pl.DataFrame(x)), pl.DataFrame)


# --- its file --------------------------------------------------------------------------------------------------------


def test_boosters_are_saved_in_their_own_format(boosted: Any, tmp_path: Path) -> None:
    x, y = mails(500, 13)
    found = wrap(boosted, x, y, classes=["spam", "ham"], positive="spam")
    found.save(tmp_path / "a.cutline")
    loaded = Wrapped.load(tmp_path / "a.cutline")
    assert isinstance(loaded.model, lightgbm.Booster)
    assert (loaded.predict_proba(x) == found.predict_proba(x)).all()
    assert (loaded.predict(x) == found.predict(x)).all()
    assert loaded.evaluation["roc_auc"].value == found.evaluation["roc_auc"].value
    assert loaded.notes == found.notes
    loaded.save(tmp_path / "b.cutline")
    assert (tmp_path / "a.cutline").read_bytes() == (tmp_path / "b.cutline").read_bytes()


@pytest.mark.parametrize("library", ["catboost", "xgboost"])
def test_other_boosters_too(library: str, tmp_path: Path) -> None:
    module = pytest.importorskip(library)
    if library == "catboost":
        model = module.CatBoostClassifier(iterations=10, verbose=False, allow_writing_files=False).fit(X3, Y3)
    else:
        model = module.XGBClassifier(n_estimators=10, early_stopping_rounds=2)
        codes = np.searchsorted(THREE, Y3)
        model.fit(X3[:300], codes[:300], eval_set=[(X3[300:], codes[300:])], verbose=False)
    x, y = mails(500, 14, THREE)
    found = wrap(model, x, y, classes=list(THREE))
    found.save(tmp_path / "m.cutline")
    assert (Wrapped.load(tmp_path / "m.cutline").predict_proba(x) == found.predict_proba(x)).all()


def test_other_models_are_saved_by_their_own_tools(linear: Any, tmp_path: Path) -> None:
    x, y = mails(500, 15)
    found = wrap(linear, x, y, positive="spam", policy=cl.minimize(cl.cost(fp=1, fn=5)))
    with pytest.raises(InputError, match=r"model=False"):
        found.save(tmp_path / "m.cutline")
    assert list(tmp_path.iterdir()) == []
    found.save(tmp_path / "m.cutline", model=False)
    with pytest.raises(InputError, match="saved without its model"):
        Wrapped.load(tmp_path / "m.cutline")
    loaded = Wrapped.load(tmp_path / "m.cutline", model=linear)
    assert (loaded.predict(x) == found.predict(x)).all()
    assert loaded.point == found.point


def test_a_damaged_file_is_refused(boosted: Any, tmp_path: Path) -> None:
    path = tmp_path / "m.cutline"
    wrap(boosted, *mails(300, 16), positive="spam").save(path)
    whole = path.read_bytes()
    for content in (b"", b"PK", whole[: len(whole) // 2], b"{}", whole.replace(b'"kind"', b'"king"')):
        path.write_bytes(content)
        with pytest.raises(ModelFileError):
            Wrapped.load(path)
    with pytest.raises(ModelFileError, match="no such file"):
        Wrapped.load(tmp_path / "nothing")
    with pytest.raises(ModelFileError):
        Wrapped.load(tmp_path)


def test_no_pickle_is_read(boosted: Any, tmp_path: Path) -> None:
    class Boom:
        def __reduce__(self) -> Any:
            return (pytest.fail, ("executed",))

    path = tmp_path / "m.cutline"
    wrap(boosted, *mails(300, 16), positive="spam").save(path)
    evil = io.BytesIO()
    np.lib.format.write_array(evil, np.array([Boom()], dtype=object), allow_pickle=True)
    made = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(made, "w") as new:
        for info in old.infolist():
            new.writestr(info.filename, evil.getvalue() if info.filename == "model.npy" else old.read(info.filename))
    path.write_bytes(made.getvalue())
    with pytest.raises(ModelFileError):
        Wrapped.load(path)
