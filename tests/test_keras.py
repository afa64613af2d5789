"""Keras models: read by their last layer and loss, trained inside `fit`, stored without code. On JAX."""

from __future__ import annotations

import json
import os
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

os.environ.setdefault("KERAS_BACKEND", "jax")
keras = pytest.importorskip("keras")
pytest.importorskip(os.environ["KERAS_BACKEND"])

import cutline as cl  # noqa: E402
from cutline.data import features, infer_schema  # noqa: E402
from cutline.errors import (  # noqa: E402
    DataError,
    GuessWarning,
    InputError,
    LabelError,
    ModelFileError,
    ScoreError,
    ShapeError,
)
from cutline.evidence import stratified_folds  # noqa: E402
from cutline.model import architecture, recipe  # noqa: E402
from cutline.model.compiled import compile_mistakes  # noqa: E402
from cutline.model.heads import Head, keras_head, torch_head  # noqa: E402
from cutline.model.member import Rows, packed, unpacked  # noqa: E402
from cutline.model.outputs import score  # noqa: E402
from cutline.model.wrap import Wrapped, wrap  # noqa: E402

Dense, Input, Sequential = keras.layers.Dense, keras.Input, keras.Sequential
LOGITS = keras.losses.BinaryCrossentropy(from_logits=True)
SPARSE_LOGITS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 4)).astype(np.float32)
CODES = (X[:, 0] + 0.5 * X[:, 1] + RNG.logistic(0, 0.5, 300) > 0).astype(int)
Y = np.where(CODES, "spam", "ham")


def model(*layers: Any, loss: Any = None) -> Any:
    made = Sequential([Input((4,)), *layers])
    if loss is not None:
        made.compile(optimizer="adam", loss=loss)
    return made


def people(n: int = 300, seed: int = 0, classes: int = 2) -> pa.Table:
    rng = np.random.default_rng(seed)
    age, city = rng.normal(45, 12, n), rng.choice(["Oslo", "Bern", "Rome"], n)
    strength = (age - 45) / 8 + 1.5 * (city == "Bern") + rng.logistic(0, 0.6, n)
    cuts = np.quantile(strength, np.linspace(0, 1, classes + 1)[1:-1])
    names = np.array(["no", "yes"] if classes == 2 else ["high", "low", "middle"])
    return pa.table({"age": age, "city": city, "left": names[np.searchsorted(cuts, strength)]})


# --- reading ---------------------------------------------------------------------------------------------------------

HEADS: dict[str, tuple[Any, Head]] = {
    "sigmoid": (lambda: model(Dense(1, activation="sigmoid")), Head("sigmoid")),
    "compiled": (lambda: model(Dense(1, activation="sigmoid"), loss="bce"), Head("sigmoid", "probabilities")),
    "an Activation layer": (lambda: model(Dense(3), keras.layers.Activation("softmax")), Head("softmax")),
    "a Softmax layer": (lambda: model(Dense(3), keras.layers.Softmax()), Head("softmax")),
    "dropout last": (lambda: model(Dense(1, activation="sigmoid"), keras.layers.Dropout(0.5)), Head("sigmoid")),
    "nested": (lambda: model(Sequential([Dense(2, activation="softmax")])), Head("softmax")),
    "logits": (lambda: model(Dense(1), loss=LOGITS), Head("linear", "logits")),
    "sparse logits": (lambda: model(Dense(3), loss=SPARSE_LOGITS), Head("linear", "logits")),
    "not compiled": (lambda: model(Dense(1)), Head("linear")),
    "regression": (lambda: model(Dense(1), loss="mse"), Head("linear", "other")),
    "tanh and hinge": (lambda: model(Dense(1, activation="tanh"), loss="hinge"), Head("tanh", "other")),
}


@pytest.mark.parametrize("name", HEADS)
def test_the_head_is_read(name: str) -> None:
    make, expected = HEADS[name]
    assert keras_head(make()) == expected


def test_a_functional_model_may_end_in_an_operation() -> None:
    inputs = Input((4,))
    assert keras_head(keras.Model(inputs, keras.ops.softmax(Dense(3)(inputs)))) == Head("softmax")
    assert keras_head(keras.Model(inputs, Dense(1, activation=keras.ops.sigmoid)(inputs))) == Head("sigmoid")


class Own(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.last = Dense(1)

    def call(self, rows: Any) -> Any:
        return keras.ops.sigmoid(self.last(rows))


def test_a_sigmoid_is_the_probability_of_the_positive_class() -> None:
    net = model(Dense(1, activation="sigmoid"), loss="binary_crossentropy")
    p = net.predict(X, verbose=0)[:, 0]
    for truth, more in ((CODES, {}), (CODES == 1, {}), (Y, {"positive": "spam"}), (Y, {"classes": ["ham", "spam"]})):
        found = score(net, X, y_true=truth, **more)
        assert (found.kind, found.n_pos) == ("probability", CODES.sum())
        assert np.allclose(found.score, p, atol=1e-6)
    one_hot = score(net, X, y_true=np.eye(2)[CODES], positive=0)
    assert np.allclose(one_hot.score, 1 - p, atol=1e-6)
    with pytest.raises(LabelError, match="positive="):
        score(net, X, y_true=Y)


def test_a_softmax_has_a_column_for_each_class() -> None:
    net = model(Dense(2, activation="softmax"))
    p = net.predict(X, verbose=0)
    assert np.allclose(score(net, X, y_true=CODES).score, p[:, 1], atol=1e-6)
    with pytest.raises(LabelError, match="nobody said their order"):
        score(net, X, y_true=Y, positive="spam")
    assert np.allclose(score(net, X, y_true=Y, classes=["spam", "ham"], positive="spam").score, p[:, 0], atol=1e-6)


def test_linear_outputs_are_logits_where_the_loss_says_so() -> None:
    found = score(model(Dense(1), loss=LOGITS), X, y_true=CODES)
    assert (found.kind, len(found.notes)) == ("logit", 1)
    several = score(model(Dense(3), loss=SPARSE_LOGITS), X, y_true=np.arange(300) % 3)
    assert np.allclose(several.probabilities.sum(axis=1), 1)
    guessed = score(model(Dense(1)), X, y_true=CODES)
    assert guessed.kind == "logit"
    assert any("kind guessed: logit" in note for note in guessed.notes)
    assert score(model(Dense(1), loss="mse"), X, y_true=CODES).kind == "rank"
    assert score(model(Dense(1), loss="mse"), X, y_true=CODES, kind="logit").kind == "logit"


def test_a_subclassed_model_is_read_by_its_outputs() -> None:
    found = score(Own(), X, y_true=CODES)
    assert found.kind == "probability"
    assert any("guessed" in note for note in found.notes)


def test_what_is_no_reading_of_classes_is_refused() -> None:
    with pytest.raises(ScoreError, match="3 sigmoid outputs"):
        score(model(Dense(3, activation="sigmoid")), X, y_true=np.arange(300) % 3)
    with pytest.raises(ScoreError, match=r"2 sigmoid.*Dense\(1, activation='sigmoid'\).*\[CT05\]"):
        score(model(Dense(2, activation="sigmoid")), X, y_true=CODES)
    with pytest.warns(UserWarning, match="always return"), pytest.raises(ScoreError, match=r"always 1.*\[CT05\]"):
        score(model(Dense(1, activation="softmax")), X, y_true=CODES)
    with pytest.raises(ShapeError, match="3 columns for 2"):
        score(model(Dense(3, activation="softmax")), X, y_true=Y, classes=["ham", "spam"])
    broken = model(Dense(1, activation="sigmoid"))
    broken.set_weights([np.full((4, 1), np.nan), np.zeros(1)])
    with pytest.raises(ScoreError, match="300 row\\(s\\) with nan"):
        score(broken, X, y_true=CODES)
    with pytest.raises(InputError, match="'label' for a network"):
        score(model(Dense(1)), X, y_true=CODES, kind="label")
    inputs = Input((4,))
    with pytest.raises(ScoreError, match="2 outputs"):
        score(keras.Model(inputs, [Dense(1)(inputs), Dense(1)(inputs)]), X, y_true=CODES)


def test_rows_that_do_not_fit_do_the_model_no_harm() -> None:
    net = model(Dense(1, activation="sigmoid"))
    before = score(net, X, y_true=CODES).score
    for rows, error in ((X[:, :3], ValueError), (X[:0], ShapeError), ([["a"] * 4] * 300, DataError)):
        with pytest.raises(error):
            score(net, rows, y_true=CODES[: len(rows)])
    assert (score(net, X, y_true=CODES).score == before).all()


METRICS, BCE = keras.metrics, "binary_crossentropy"
ONE, SOFT, RAW = (Dense(1, activation="sigmoid"), Dense(3, activation="softmax"), Dense(1))
MISTAKES: dict[str, tuple[Any, Any, list[Any], list[str], str]] = {
    "accuracy by equality": (
        ONE,
        BCE,
        [METRICS.Accuracy()],
        ["CT01"],
        r"Accuracy\(\).*BinaryAccuracy\(threshold=0.5\)",
    ),
    "of a softmax": (SOFT, "sparse_categorical_crossentropy", [METRICS.Accuracy()], ["CT01"], "SparseCategoricalAcc"),
    "of logits": (RAW, LOGITS, [METRICS.Accuracy()], ["CT01"], r"logits with labels.*threshold=0.0"),
    "logits cut at 0.5": (RAW, LOGITS, ["accuracy", METRICS.Recall()], ["CT02", "CT02"], "0.622"),
    "area of logits": (RAW, LOGITS, [METRICS.AUC()], ["CT02"], "from_logits=True"),
    "argmax of a column": (ONE, BCE, [METRICS.CategoricalAccuracy()], ["CT05"], "always class 0"),
    "cells of a softmax": (SOFT, "categorical_crossentropy", ["binary_accuracy"], ["CT05"], "3 columns apart"),
    "both columns": (
        Dense(2, activation="softmax"),
        "categorical_crossentropy",
        [METRICS.Precision()],
        ["CT14"],
        "class_id=1",
    ),
    "a sigmoid twice": (ONE, LOGITS, [], ["CT02"], "last layer is a sigmoid.*twice in training.*drop from_logits"),
    "a softmax twice": (SOFT, SPARSE_LOGITS, [], ["CT02"], "applied twice in training"),
    "no sigmoid": (RAW, BCE, [], ["CT02"], "last activation is linear.*'binary_crossentropy'.*from_logits=True"),
    "tanh": (Dense(1, activation="tanh"), BCE, [], ["CT02"], "tanh"),
    "one column, many classes": (ONE, "categorical_crossentropy", [], ["CT05"], "nothing is learned"),
}


def measured(layer: Any, loss: Any, metrics: list[Any]) -> Any:
    made = Sequential([Input((4,)), type(layer).from_config(layer.get_config())])
    made.compile(optimizer="adam", loss=loss, metrics=metrics)
    return made


@pytest.mark.parametrize("name", MISTAKES)
def test_a_loss_or_metric_that_does_not_fit_is_named(name: str) -> None:
    layer, loss, metrics, codes, said = MISTAKES[name]
    found = compile_mistakes(measured(layer, loss, metrics))
    assert [mistake.code for mistake in found] == codes
    assert re.search(said, str(found[0]))


RIGHT: dict[str, tuple[Any, Any, list[Any]]] = {
    "text": (ONE, BCE, ["accuracy"]),
    "text in capitals": (ONE, BCE, ["Accuracy", "acc"]),
    "objects": (ONE, BCE, [METRICS.BinaryAccuracy(threshold=0.3), METRICS.Precision(), METRICS.AUC()]),
    "logits": (RAW, LOGITS, [METRICS.BinaryAccuracy(threshold=0.0), METRICS.AUC(from_logits=True)]),
    "several classes": (SOFT, "sparse_categorical_crossentropy", ["accuracy", METRICS.SparseCategoricalAccuracy()]),
    "one class of a softmax": (
        Dense(2, activation="softmax"),
        "categorical_crossentropy",
        [METRICS.Recall(class_id=1)],
    ),
    "squares of a sigmoid": (ONE, "mse", ["mae"]),
    "functions": (ONE, lambda truth, out: keras.ops.mean(truth - out), [lambda truth, out: keras.ops.mean(out)]),
    "a regression": (RAW, "mse", ["mae"]),
    "hard sigmoid": (Dense(1, activation="hard_sigmoid"), BCE, ["accuracy"]),
}


@pytest.mark.parametrize("name", RIGHT)
def test_what_fits_is_left_alone(name: str) -> None:
    assert compile_mistakes(measured(*RIGHT[name])) == ()


def test_keras_does_what_the_mistakes_say() -> None:
    """The figures that the messages rest on, from Keras itself."""
    names = [METRICS.Accuracy(name="equal"), METRICS.CategoricalAccuracy(name="argmax")]
    found = measured(ONE, BCE, ["accuracy", *names]).evaluate(X, CODES[:, None], verbose=0, return_dict=True)
    assert (found["equal"], found["argmax"]) == (0.0, 1.0)
    assert 0 < found["accuracy"] < 1
    both = measured(Dense(2, activation="softmax"), "categorical_crossentropy", [METRICS.Precision(), "accuracy"])
    found = both.evaluate(X, np.eye(2)[CODES], verbose=0, return_dict=True)
    assert found["accuracy"] == pytest.approx(next(found[name] for name in found if "precision" in name))
    alone = measured(ONE, "categorical_crossentropy", [])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras says it too, of some backends
        assert alone.evaluate(X, CODES[:, None].astype(float), verbose=0) < 1e-6


def test_a_mistake_is_a_warning_with_its_code_and_stands_in_the_notes() -> None:
    net = measured(ONE, BCE, [METRICS.Accuracy()])
    with pytest.warns(GuessWarning, match="for equality") as caught:
        found = score(net, X, y_true=CODES)
    assert [each.message.code for each in caught] == ["CT01"]  # type: ignore[union-attr]
    assert any(note.endswith("[CT01]") for note in found.notes)
    with pytest.warns(GuessWarning, match="CT01"):
        assert any("CT01" in note for note in wrap(net, X, CODES).notes)
    with pytest.warns(GuessWarning, match="twice in training"):
        soft = score(measured(SOFT, SPARSE_LOGITS, []), X, y_true=np.arange(300) % 3)
    assert soft.kind == "probability"
    with pytest.warns(GuessWarning, match="from_logits"):
        assert score(measured(RAW, BCE, []), X, y_true=CODES).kind == "rank"
    with pytest.warns(GuessWarning, match="CT01"):
        fitted = cl.fit(people(100), target="left", positive="yes", plan=TWO, network=compiled_badly())
    assert any("CT01" in note for note in fitted.notes)


def compiled_badly() -> Any:
    net = Sequential([Dense(1, activation="sigmoid")])  # its width is known before any row
    net.compile(optimizer="adam", loss=BCE, metrics=[METRICS.Accuracy()])
    return net


def test_a_declared_kind_that_the_last_layer_denies_is_said() -> None:
    net = model(Dense(1, activation="sigmoid"))
    with pytest.warns(GuessWarning, match=r"last layer is a sigmoid.*\[CT02\]"):
        assert score(net, X, y_true=CODES, kind="logit").kind == "logit"
    assert score(net, X, y_true=CODES, kind="rank").kind == "rank"
    with pytest.warns(UserWarning, match="always return"), pytest.raises(ScoreError, match="CT05"):
        score(model(Dense(1, activation="softmax")), X, y_true=CODES, kind="probability")
    with pytest.raises(ScoreError, match=r"outside.*\[CT02\]"):
        score(model(Dense(1)), X * 9, y_true=CODES, kind="probability")


class ArgMax(keras.layers.Layer):
    def call(self, rows: Any) -> Any:
        return keras.ops.argmax(rows, axis=-1)


def test_an_argmax_of_one_column_is_refused() -> None:
    net = model(Dense(1, activation="sigmoid"))
    with pytest.raises(ScoreError, match="class 0 for all 300 rows") as caught:
        score(lambda rows: net.predict(rows, verbose=0).argmax(axis=1), X, y_true=CODES, kind="label")
    assert caught.value.code == "CT05"
    with pytest.raises(ScoreError, match="class 0 for all 300 rows"):
        score(lambda rows: net.predict(rows, verbose=0).argmax(axis=1), X, y_true=CODES, kind="probability")
    with pytest.raises(ScoreError, match="class numbers") as caught:
        score(model(Dense(1, activation="sigmoid"), ArgMax()), X, y_true=CODES)
    assert caught.value.code == "CT05"


def test_a_torch_module_is_read_by_its_last_part() -> None:
    torch = pytest.importorskip("torch")
    nn = torch.nn
    assert torch_head(nn.Sequential(nn.Linear(4, 1), nn.Sigmoid())) == Head("sigmoid")
    assert score(nn.Sequential(nn.Linear(4, 1), nn.Sigmoid()), X, y_true=CODES).kind == "probability"
    assert score(nn.Sequential(nn.Linear(4, 3), nn.Softmax(1)), X, y_true=np.arange(300) % 3).kind == "probability"
    log = nn.Sequential(nn.Linear(4, 2), nn.LogSoftmax(1))
    found = score(log, X, y_true=CODES)
    with torch.no_grad():
        assert np.allclose(found.probability, np.exp(log(torch.tensor(X)).numpy())[:, 1], atol=1e-6)
    assert score(nn.Linear(4, 1), X, y_true=CODES).kind == "logit"


# --- training inside fit ---------------------------------------------------------------------------------------------

TWO = cl.model.Plan(({"name": "keras"},), (), folds=2, seed=0, threads=1, rows={}, versions={})
"""Two folds: JAX compiles each of them anew."""


def three_liner() -> Any:
    net = Sequential([Dense(10, activation="relu"), Dense(1, activation="sigmoid")])
    net.compile(optimizer=keras.optimizers.Adam(0.01), loss="binary_crossentropy")
    return net


@pytest.fixture(scope="module")
def fitted() -> cl.Classifier:
    return cl.fit(people(), target="left", positive="yes", network=three_liner())


def test_a_users_network_becomes_a_classifier_like_ours(fitted: cl.Classifier) -> None:
    own = cl.fit(people(), target="left", positive="yes", families=["network"])
    assert [member["name"] for member in fitted.plan.members] == ["keras"]
    assert fitted.classes == own.classes
    fresh = people(600, 9)
    mine, ours = fitted.scores(fresh, truth=True), own.scores(fresh, truth=True)
    assert (mine.kind, mine.classes) == (ours.kind, ours.classes)
    assert np.corrcoef(mine.score, ours.score)[0, 1] > 0.95
    assert abs(fitted.evaluate(fresh)["log_loss"].value - own.evaluate(fresh)["log_loss"].value) < 0.05
    assert fitted.evaluation["roc_auc"].low > 0.8
    assert fitted.predict_proba(fresh).column_names == ["no", "yes"]


def test_its_file_holds_layers_and_weights_alone(fitted: cl.Classifier, tmp_path: Path) -> None:
    fitted.save(tmp_path / "a.cutline")
    loaded = cl.load(tmp_path / "a.cutline")
    fresh = people(50, 3)
    assert (loaded.scores(fresh).score == fitted.scores(fresh).score).all()
    loaded.save(tmp_path / "b.cutline")
    assert (tmp_path / "a.cutline").read_bytes() == (tmp_path / "b.cutline").read_bytes()


def test_it_predicts_a_row_as_it_predicts_it_among_others(fitted: cl.Classifier) -> None:
    fresh = people(300, 4)
    whole = fitted.scores(fresh).score
    assert np.allclose([fitted.scores(fresh.slice(i, 1)).score[0] for i in (0, 299)], whole[[0, 299]], atol=1e-6)


def by_function(loss: str) -> Any:
    def network(inputs: int, classes: int) -> Any:
        rows = Input((inputs,))
        net = keras.Model(rows, Dense(classes, activation="softmax")(Dense(6, activation="relu")(rows)))
        net.compile(optimizer=keras.optimizers.Adam(0.03), loss=loss)
        return net

    return network


def test_losses_get_the_truth_they_take() -> None:
    table = people(160, 5, classes=3)
    sparse, one_hot = (
        cl.fit(table, target="left", network=by_function(f"{name}categorical_crossentropy"), plan=TWO)
        for name in ("sparse_", "")
    )
    assert sparse.classes.names == ("high", "low", "middle")
    assert sparse.evaluation["log_loss"].value < 0.95
    assert np.allclose(sparse.scores(table).score, one_hot.scores(table).score, atol=1e-3)


def test_the_same_seed_gives_the_same_bytes_however_many_layers_were_made_before(fitted: cl.Classifier) -> None:
    again = cl.fit(people(), target="left", positive="yes", network=lambda inputs, classes: three_liner(), threads=1)
    members = zip(again.bag[0][1], fitted.bag[0][1], strict=True)
    assert all(packed(mine.arrays()) == packed(other.arrays()) for mine, other in members)


def test_an_architecture_is_compiled_to_suit_its_last_layer() -> None:
    found = cl.fit(people(200, 6), target="left", network=Sequential([Dense(1)]), plan=TWO)
    assert found.evaluation["log_loss"].value < 0.6


def test_training_leaves_the_users_model_and_generators_alone() -> None:
    import random

    net = model(Dense(1, activation="sigmoid"))
    before, state = architecture.weights_of(net), random.getstate()
    small = pa.table({"a": X[:, 0], "b": X[:, 1], "c": X[:, 2], "d": X[:, 3], "y": Y})
    cl.fit(small, target="y", positive="spam", network=net, plan=TWO)
    assert all((a == b).all() for a, b in zip(before, architecture.weights_of(net), strict=True))
    assert random.getstate() == state


def compiled(*layers: Any, loss: Any) -> Any:
    made = Sequential(list(layers))
    made.compile(optimizer="sgd", loss=loss)
    return made


REFUSED: dict[str, tuple[Any, type[Exception], str]] = {
    "no network": (lambda: "Dense", InputError, "a str"),
    "a function of something else": (lambda: lambda inputs, classes: 3, InputError, "gave a int"),
    "a subclass": (Own, InputError, "subclassed model Own"),
    "a Lambda": (lambda: model(keras.layers.Lambda(lambda x: x), Dense(1)), InputError, "Lambda"),
    "an activation of its own": (lambda: model(Dense(1, activation=lambda x: x)), InputError, "of its own"),
    "another input": (lambda: Sequential([Input((7,)), Dense(1)]), ShapeError, r"\(None, 4\), the columns age, city"),
    "too many outputs": (lambda: Sequential([Dense(5, activation="softmax")]), ShapeError, "2 classes"),
    "several sigmoids": (lambda: Sequential([Dense(2, activation="sigmoid")]), ScoreError, "2 sigmoid"),
    "a softmax of one": (lambda: Sequential([Dense(1, activation="softmax")]), ScoreError, "always 1"),
    "one output, many classes": (
        lambda: compiled(Dense(1, activation="sigmoid"), loss="categorical_crossentropy"),
        ScoreError,
        "always 0",
    ),
    "regression": (lambda: compiled(Dense(1), loss="mse"), ScoreError, "'linear' with the loss 'mse'"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_network_that_cannot_be_trained_is_refused(name: str) -> None:
    make, error, said = REFUSED[name]
    with pytest.raises(error, match=said):
        cl.fit(people(60), target="left", network=make())


def test_families_beside_the_network() -> None:
    table, net = people(60), Sequential([Dense(1)])
    found = Rows(features(infer_schema(table, target="left"), table), np.arange(60) % 2, None, 2, 48)
    for families, expected in (
        (None, ["keras"]),
        (["network"], ["keras"]),
        (["linear", "network"], ["linear", "keras", "splines"]),
    ):
        assert [each.name for each in recipe.learners(found, families, None, net)] == expected
    with pytest.raises(InputError, match="network"):
        cl.fit(table, target="left", families=["linear"], network=net)
    with pytest.raises(InputError, match="the network that was fitted"):
        cl.fit(table, target="left", plan=TWO)


# --- wrapping, and what a file may not do ----------------------------------------------------------------------------


def test_a_fitted_model_is_wrapped_and_saved(tmp_path: Path) -> None:
    net = model(Dense(1, activation="sigmoid"), loss="binary_crossentropy")
    net.fit(X[:100], CODES[:100], epochs=3, verbose=0)
    found = wrap(net, X[100:], Y[100:], positive="spam", classes=["ham", "spam"])
    found.save(tmp_path / "m.cutline")
    loaded = Wrapped.load(tmp_path / "m.cutline")
    assert np.allclose(loaded.predict_proba(X), found.predict_proba(X), atol=1e-6)
    with pytest.raises(InputError, match="subclassed"):
        wrap(Own(), X, CODES).save(tmp_path / "own.cutline")


def altered(change: Any) -> str:
    found = json.loads(architecture.architecture(model(Dense(1, activation="sigmoid"))))
    change(found["config"]["layers"][1])
    return json.dumps(found)


EVIL: dict[str, Any] = {
    "a Lambda": lambda layer: layer.update(class_name="Lambda"),
    "a class from elsewhere": lambda layer: layer.update(module="os", class_name="system"),
    "a function": lambda layer: layer["config"].update(
        activation={"module": "builtins", "class_name": "function", "config": "eval", "registered_name": "function"}
    ),
    "code": lambda layer: layer["config"].update(activation={"value": ["4wEAAAAA", None, None]}),
    "a lambda inside": lambda layer: layer["config"].update(
        kernel_initializer={"class_name": "__lambda__", "config": {"value": "4wEA"}}
    ),
    "no module": lambda layer: layer.update(module=None),
}


@pytest.mark.parametrize("name", EVIL)
def test_a_file_that_names_code_is_refused_before_keras_reads_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keras.saving, "deserialize_keras_object", lambda *a, **k: pytest.fail("read"))
    with pytest.raises(InputError):
        architecture.built(altered(EVIL[name]))


def test_an_altered_wrapped_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.cutline"
    wrap(model(Dense(1, activation="sigmoid")), X, CODES).save(path)
    arrays = unpacked(path.read_bytes())
    path.write_bytes(packed(arrays | {"model": np.frombuffer(b'{"class_name": "Lambda"}', np.uint8)}))
    with pytest.raises(InputError, match="Keras' own layers"):
        Wrapped.load(path)
    del arrays["model_0"]
    path.write_bytes(packed(arrays))
    with pytest.raises(ModelFileError):
        Wrapped.load(path)


# --- while training ---------------------------------------------------------------------------------------------------


def trained(callbacks: list[Any], epochs: int = 3, classes: int = 1) -> tuple[Any, dict[str, list[float]]]:
    keras.utils.set_random_seed(5)
    net = Sequential(
        [Dense(10, activation="relu"), Dense(classes, activation="sigmoid" if classes == 1 else "softmax")]
    )
    loss = BCE if classes == 1 else "sparse_categorical_crossentropy"
    net.compile(optimizer=keras.optimizers.Adam(0.03), loss=loss, metrics=["accuracy"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras on JAX uses what NumPy deprecates
        found = net.fit(X[:150], CODES[:150], epochs=epochs, verbose=0, callbacks=callbacks)
    return net, found.history


def test_our_figures_follow_the_epochs(capsys: pytest.CaptureFixture[str]) -> None:
    plain, _ = trained([])
    each = cl.keras.ThresholdMetrics(X[150:], Y[150:], positive="spam", threshold=0.3)
    net, history = trained([each])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == ["epoch 1", "epoch 2", "epoch 3"]
    scores = score(net, X[150:], y_true=Y[150:], positive="spam")
    final = cl.evaluate(scores, threshold=0.3)
    for name in ("roc_auc", "precision", "recall", "f1", "log_loss"):
        low, high = final[name].interval()
        found = [history[f"cl_{name}{end}"][-1] for end in ("", "_low", "_high")]
        assert found == pytest.approx([final[name].value, low, high])
        assert f"{name} {final[name].value:.3f} [{low:.3f}, {high:.3f}]" in lines[-1]
    assert history["cl_threshold"] == [0.3] * 3
    assert lines[-1].endswith("at 0.3")
    weights = zip(architecture.weights_of(plain), architecture.weights_of(net), strict=True)
    assert all((a == b).all() for a, b in weights), "looking does not disturb the training"
    assert each.evaluation is not None
    assert history["cl_roc_auc"][0] != history["cl_roc_auc"][-1]


def test_what_comes_later_may_stop_by_them() -> None:
    each = cl.keras.ThresholdMetrics(X[150:], CODES[150:], metrics=[cl.brier, "recall"], verbose=False, prefix="own_")
    early = keras.callbacks.EarlyStopping(monitor="own_brier_low", mode="max", patience=1)
    _, history = trained([each, early], 30)
    assert len(history["own_brier"]) < 30
    assert {name for name in history if name.startswith("own_")} == {
        *(f"own_{name}{end}" for name in ("brier", "recall") for end in ("", "_low", "_high")),
        "own_threshold",
    }


def test_a_policy_chooses_on_other_rows_than_are_measured() -> None:
    policy = cl.maximize(cl.f1)
    each = cl.keras.ThresholdMetrics(X[150:], CODES[150:], policy=policy, verbose=False)
    net, history = trained([each], 1)
    scores = score(net, X[150:], y_true=CODES[150:])
    point = policy.choose(scores)
    assert each.point == point
    assert history["cl_threshold"] == [point.threshold]
    fold = stratified_folds(scores.truth, 5, 0)
    decision = np.empty(150, dtype=np.int32)
    for number in range(5):
        decision[fold == number] = policy.choose(scores.take(fold != number)).codes(scores.take(fold == number))
    assert history["cl_f1"] == [cl.evaluate(scores, decision=decision)["f1"].value]
    assert history["cl_f1"][0] < cl.evaluate(scores, point)["f1"].value, "the rows that chose flatter it"


def test_an_epoch_without_a_threshold_leaves_gaps() -> None:
    policy = cl.maximize(cl.f1, subject_to=[cl.fpr <= 0.001, cl.recall >= 0.999])
    each = cl.keras.ThresholdMetrics(X[150:], CODES[150:], policy=policy, verbose=False)
    _, history = trained([each], 1)
    assert np.isnan([history["cl_recall"], history["cl_threshold"]]).all()
    assert history["cl_roc_auc"][0] > 0


def test_several_classes_and_what_is_refused() -> None:
    truth = CODES + (X[:, 2] > 0.5)
    each = cl.keras.ThresholdMetrics(X[150:], truth[150:], verbose=False)
    keras.utils.set_random_seed(5)
    net = Sequential([Input((4,)), Dense(3, activation="softmax")])
    net.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
    history = net.fit(X[:150], truth[:150], epochs=1, verbose=0, callbacks=[each]).history
    assert history["cl_macro_f1"] == [cl.macro(cl.f1)(score(net, X[150:], y_true=truth[150:]))]
    assert "cl_threshold" not in history
    with pytest.raises(InputError, match="a threshold and a policy"):
        cl.keras.ThresholdMetrics(X, CODES, threshold=0.5, policy=cl.maximize(cl.f1))
    with pytest.raises(InputError, match="without confidence"):
        cl.keras.ThresholdMetrics(X, CODES, policy=cl.maximize(cl.f1, subject_to=[cl.recall >= 0.5], confidence=0.9))
    with pytest.raises(AttributeError, match="ThresholdMetric'"):
        _ = cl.keras.ThresholdMetric


# --- a beginner's three lines -----------------------------------------------------------------------------------------


def test_the_three_lines_of_a_beginner_become_a_decision(tmp_path: Path) -> None:
    network = Sequential([Dense(10, activation="relu"), Dense(1, activation="sigmoid")])
    metrics = [METRICS.Precision(), METRICS.Recall(), METRICS.Accuracy()]
    network.compile(optimizer="adam", loss="binary_crossentropy", metrics=metrics)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        history = network.fit(X[:150], CODES[:150], epochs=40, verbose=0).history
    assert history["accuracy"][-1] == 0.0, "what the beginner sees"

    # the mistake by name, with its mend
    with pytest.warns(GuessWarning) as caught:
        scores = score(network, X[150:], y_true=Y[150:], positive="spam", classes=["ham", "spam"])
    (said,) = [each.message for each in caught]
    assert said.code == "CT01"  # type: ignore[union-attr]
    assert "BinaryAccuracy(threshold=0.5)" in str(said)
    # the output is P(spam)
    assert (scores.kind, scores.classes.positive) == ("probability", "spam")
    assert np.allclose(scores.score, network.predict(X[150:], verbose=0)[:, 0], atol=1e-6)
    assert "one output, read as the score of 'spam'" in scores.notes
    assert str(cl.explain(float(scores.score[0]), classes=scores.classes)).startswith("P(")
    # the accuracy that was meant
    meant = METRICS.BinaryAccuracy(threshold=0.5)
    meant.update_state(CODES[150:, None], scores.score[:, None])
    assert cl.evaluate(scores)["accuracy"].value == pytest.approx(float(meant.result()), abs=1e-6)
    # a threshold that was chosen, and the report
    point = cl.minimize(cl.cost(fp=1, fn=5)).choose(scores)
    assert point.threshold == pytest.approx(1 / 6)
    cl.report(scores, point).save(tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert "CT01" in page
    assert "spam" in page
    with pytest.warns(GuessWarning, match="CT01"):
        wrapped = wrap(network, X[150:], Y[150:], classes=["ham", "spam"], policy=cl.maximize(cl.f1))
    assert wrapped.evaluation["accuracy"].value > 0.6
    assert 0 < wrapped.point.threshold < 1  # type: ignore[operator]
