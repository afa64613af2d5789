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
from sklearn.ensemble import IsolationForest, RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

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
    with pytest.raises(LabelError, match="1, 2, 3"):
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
