"""Ask any fitted model for its scores, and read them correctly: what they are, and of which class each column is."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from cutline.errors import GuessWarning, InputError, LabelError, ScoreError, ShapeError, UnknownName
from cutline.labels import Classes, as_array, read_labels
from cutline.model import heads, onnx_session
from cutline.model.compiled import warn_of_mistakes
from cutline.scores import Kind, Role, Scores

ENOUGH = 20
"""Rows for which labels that are all 0 are no accident."""


@dataclass(frozen=True, slots=True, eq=False)
class Output:
    """What a model said of some rows.

    Attributes
    ----------
    values : ndarray
        Scores, shape (n,) of the class coded 1, or (n, k); of kind "label" the predicted labels, shape (n,).
    kind : str
    names : list or None
        The class of each column, where the model knows.
    notes : tuple of str
    """

    values: NDArray[Any]
    kind: Kind
    names: list[Any] | None = None
    notes: tuple[str, ...] = ()

    @property
    def k(self) -> int:
        """Number of classes."""
        return 2 if self.values.ndim == 1 else int(self.values.shape[1])

    def scores(self, names: Sequence[Any], classes: Classes, y_true: Any, **more: Any) -> Scores:
        """As `Scores`: `names` says of which class each column is, `classes` in which order they are wanted."""
        pick = [list(names).index(name) for name in classes.names]
        columns = _spread(self)[:, pick]
        found = Scores(y_true=y_true, y_score=columns, classes=classes, kind=self.kind, **more)
        return found.with_notes(*self.notes)


def score(
    model: Any,
    X: Any,
    *,
    y_true: Any = None,
    positive: Any = None,
    classes: Any = None,
    kind: Kind | None = None,
    weight: Any = None,
    groups: Any = None,
    slices: Mapping[str, Any] | None = None,
    ids: Any = None,
    role: Role = "",
) -> Scores:
    """The scores of any fitted model for some rows, read correctly.

    Parameters
    ----------
    model : fitted model or function
        scikit-learn, LightGBM, XGBoost, CatBoost, and whatever else has ``predict_proba``, ``decision_function`` or
        ``predict``; a Booster; a Keras model or a torch module; an ONNX Runtime session; or a function
        ``X -> array``, with `kind`.
    X : array or frame
        Rows as the model takes them.
    y_true : array-like, shape (n,) or one-hot (n, k), optional
        Labels.
    positive : label, optional
        The positive class of a binary problem.
    classes : sequence of labels or Classes, optional
        For a model that was trained on codes: the class of code 0, of code 1, ... Networks, Boosters and XGBoost do
        not know the names; without `classes` integer labels are codes, True is 1, and other labels are refused, since
        a wrong order would turn the meaning around. A single output belongs to code 1, or to `positive` where the
        labels are no codes.
    kind : {"probability", "logit", "rank", "label"}, optional
        What the outputs are; overrules what the model says. "logit" and "rank" ask for the ``decision_function``.
    weight, groups, slices, ids, role
        As in `Scores`.

    Returns
    -------
    Scores
        ``predict_proba`` is read as probabilities in the order of ``classes_``, a margin as a rank. Of networks the
        last activation and the loss decide: a sigmoid, a softmax, logits; what was guessed stands in the notes.

    Warns
    -----
    GuessWarning
        A Keras model was compiled with a loss or a metric that does not fit its last layer, such as a plain
        ``Accuracy()``, which compares probabilities with labels for equality. Its ``code`` names the trap.

    Raises
    ------
    LabelError
        The order of the classes is not known.
    ScoreError
        Outputs that are not what they should be: nan, rows that do not sum to 1, several sigmoids, a softmax or an
        argmax of one output.

    Examples
    --------
    >>> import numpy as np, cutline as cl
    >>> from sklearn.linear_model import LogisticRegression
    >>> X, y = np.array([[0.0], [1.0], [2.0], [3.0]]), ["ham", "ham", "spam", "spam"]
    >>> score(LogisticRegression().fit(X, y), X, y_true=y, positive="spam")
    Scores(4 rows, 2 'spam', probability)
    """
    out = read(model, X, kind)
    more = {"weight": weight, "groups": groups, "slices": slices, "ids": ids, "role": role}
    if out.kind == "label":
        if out.names and classes is None:
            classes = Classes.from_found(out.names, positive)
        found = Scores(y_true=y_true, y_score=out.values, classes=classes, positive=positive, kind="label", **more)
        if not out.names:
            _refuse_argmax(found, out.values)
        return found.with_notes(*out.notes)
    names, known, notes = named(out, y_true, positive, classes)
    found = out.scores(names, known, y_true, **more)
    _refuse_argmax(found, out.values)
    return found.with_notes(*notes)


def read(model: Any, X: Any, kind: Kind | None = None) -> Output:
    """What a model says of rows; `kind` overrules what it says it is."""
    if kind is not None and kind not in get_args(Kind):
        raise UnknownName.among("kind", str(kind), get_args(Kind))
    if getattr(X, "shape", (1,))[:1] == (0,):
        raise ShapeError("X", "no rows", "at least one")
    wanted = "a fitted model with predict_proba, decision_function or predict; a network; or a function"
    if isinstance(model, type):
        raise InputError("model", f"the class {model.__name__}", wanted, f"{model.__name__}(...), fitted")
    if heads.is_keras(model) or heads.is_torch(model):
        out = _network(model, X, kind)
    elif onnx_session.is_onnx(model):
        out = _session(model, X, kind)
    elif type(model).__name__ == "Booster" and type(model).__module__.split(".")[0] in ("lightgbm", "xgboost"):
        out = _booster(model, X, kind)
    elif hasattr(model, "predict_proba") or hasattr(model, "decision_function") or hasattr(model, "predict"):
        out = _classifier(model, X, kind)
    elif callable(model):
        if kind is None:
            said = "kind='probability', 'logit', 'rank' or 'label'"
            raise InputError("kind", "none for a function", said, "say what the function gives")
        out = Output(as_array(model(X), argument="model"), kind)
    else:
        raise InputError("model", f"a {type(model).__name__}", wanted)
    values = _one_column(out.values)
    if values.ndim not in (1, 2):
        raise ShapeError("model", f"outputs of shape {values.shape}", "one row of scores for each row of X")
    return Output(values, out.kind, out.names, out.notes)


def _one_column(values: NDArray[Any]) -> NDArray[Any]:
    """Scores of shape (n, 1) as shape (n,)."""
    return values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values


def _refuse_argmax(found: Scores, values: NDArray[Any]) -> None:
    """Refuse what an argmax of one column may have made: class 0 for all rows, where truth has several classes."""
    if found.truth is None or len(values) < ENOUGH or values.dtype.kind not in "iu" or values.ndim > 1 or values.any():
        return
    counts = np.bincount(found.truth[found.truth >= 0])
    if np.count_nonzero(counts) > 1:
        zero = found.classes.names.index(0) if 0 in found.classes.names else 0
        others = counts.sum() - counts[zero : zero + 1].sum()
        came = f"class 0 for all {len(values):,} rows, of which {others:,} are another"
        hint = "the argmax of a single column is always 0: pass the column itself, with kind='probability'"
        raise ScoreError("model", came, "labels of several classes, or scores", hint, code="CT05")


def named(out: Output, y_true: Any, positive: Any, classes: Any) -> tuple[list[Any], Classes, tuple[str, ...]]:
    """The class of each column, the classes in the order wanted, and what was guessed."""
    if classes is not None:
        names, known = _declared(out, list(classes.names if isinstance(classes, Classes) else classes))
        said = _one_output(out, names) if out.names is None else ()
        if isinstance(classes, Classes) and (positive is None or positive == classes.positive):
            return names, classes, said
        if positive is None and out.k == 2:
            said = (*said, f"positive class: {known[-1]!r}, the last of {known}")
        positive = known[-1] if positive is None and out.k == 2 else positive
        return names, Classes(known, positive, ordered=getattr(classes, "ordered", False)), said
    notes: tuple[str, ...] = ()
    coded = out.names is None or out.names == list(range(out.k))
    if not coded or (y_true is None and out.names is not None):
        assert out.names is not None
        names = out.names
        if len(names) != out.k:
            raise _width(out, names)
    else:
        names = _from_truth(out, y_true, positive)
        notes = _one_output(out, names) or (f"outputs taken in the order {names}",)
    found = Classes.from_found(names, positive)
    if found.binary and positive is None and not found.positive_is_plain:
        note = f"positive class guessed: {found.positive!r}, the last of {list(found.names)}"
        warnings.warn(f"{note}; declare positive= to be sure", GuessWarning, stacklevel=3)
        notes = (*notes, note)
    return names, found, notes


def _one_output(out: Output, names: Sequence[Any]) -> tuple[str, ...]:
    return (f"one output, read as the score of {names[1]!r}",) if out.values.ndim == 1 else ()


def _declared(out: Output, given: list[Any]) -> tuple[list[Any], list[Any]]:
    """The class of each column, and the classes as declared: by the model's own names, else by the order given."""
    if len(given) != out.k:
        raise _width(out, given)
    if out.names is None or (out.names == list(range(out.k)) and set(given) != set(out.names)):
        return given, given
    if set(given) != set(out.names):
        raise LabelError("classes", f"{given}", f"the classes that the model knows, {out.names}", code="CT04")
    return out.names, given


def _from_truth(out: Output, y_true: Any, positive: Any) -> list[Any]:
    """The class of each column of a model that knows codes alone; refused where nobody said."""
    hint = "pass classes=[...], the class of code 0, of code 1, ... as the model was trained"
    if y_true is None:
        raise LabelError(
            "classes", "none, and a model that does not know its classes", "their names", hint, code="CT04"
        )
    found, codes = read_labels(y_true)
    if codes is None:
        if len(found) != out.k:
            raise ShapeError("y_true", f"{len(found)} one-hot columns", f"{out.k}, as the model has classes")
        return list(found)
    if not found:
        raise LabelError("y_true", "no label in any row", "at least one")
    if all(isinstance(name, bool) for name in found) and out.k == 2:
        return [False, True]
    if all(isinstance(name, int) and 0 <= name < out.k for name in found):
        return list(range(out.k))
    if out.values.ndim == 1 and positive is not None:
        both = Classes.from_found(found, positive)
        if both.k == 2:
            return [both.negative, both.positive]
    shown = ", ".join(map(repr, found[:6])) + (", ..." if len(found) > 6 else "")
    came = f"labels {shown}, and a model with {out.k} classes that does not know their names"
    if out.values.ndim == 1:
        hint = f"positive= names the class that its one output is the score of; or {hint}"
    wanted = "the class of each column: nobody said their order"
    if found == list(range(1, out.k + 1)):
        hint = f"the labels are 1 to {out.k}, codes begin at 0: pass classes={found} if the model was trained on y - 1"
        raise LabelError("classes", came, wanted, hint, code="CT05")
    raise LabelError("classes", came, wanted, hint, code="CT04")


def _width(out: Output, names: Sequence[Any]) -> ShapeError:
    shown = ", ".join(map(repr, names[:6])) + (", ..." if len(names) > 6 else "")
    columns = "one column" if out.values.ndim == 1 else f"{out.k} columns"
    return ShapeError("model", f"{columns} for {len(names)} classes: {shown}", "one column for each class")


def _spread(out: Output) -> NDArray[Any]:
    """A column for each class."""
    one = out.values
    if one.ndim == 2:
        return one
    return np.column_stack([{"probability": 1 - one, "logit": np.zeros_like(one)}.get(out.kind, -one), one])


def _network(model: Any, X: Any, kind: Kind | None) -> Output:
    if kind == "label":
        raise InputError("kind", "'label' for a network", "'probability', 'logit' or 'rank': networks give scores")
    keras = heads.is_keras(model)
    said = warn_of_mistakes(model)
    values = _one_column((heads.keras_outputs if keras else heads.torch_outputs)(model, X))
    if values.ndim > 2:
        return Output(values, kind or "rank")
    head = (heads.keras_head if keras else heads.torch_head)(model)
    if kind is not None:
        return Output(values, kind, None, (*said, *_overruled(head, values, kind)))
    found, notes = head.kind(values)
    return Output(values, found, None, (*said, *notes))


def _overruled(head: heads.Head, values: NDArray[Any], kind: Kind) -> tuple[str, ...]:
    """What is said where a kind was declared that the last layer does not give; a constant is refused."""
    if head.activation == "softmax" and values.ndim == 1 and head.sure:
        heads.check_width("softmax", 1)
    if kind != "logit" or head.activation not in ("sigmoid", "softmax") or not head.sure:
        return ()
    said = f"kind='logit' was declared, but the last layer is a {head.activation}: these are probabilities already"
    warning = GuessWarning(said, "CT02")
    warnings.warn(warning, stacklevel=5)
    return (str(warning),)


def _session(model: Any, X: Any, kind: Kind | None) -> Output:
    """A session of ONNX Runtime; beside labels it gives probabilities, or the margins of a decision function."""
    given, names = onnx_session.onnx_outputs(model, X)
    values = _one_column(given)
    if kind is not None:
        return Output(values, kind, names)
    found, notes = heads.Head("").kind(values)
    if names is not None and found == "logit":
        return Output(values, "rank", names, ("outputs beside labels that are no probabilities: read as margins",))
    return Output(values, found, names, () if names is not None else notes)


def _booster(model: Any, X: Any, kind: Kind | None) -> Output:
    """A Booster of LightGBM or XGBoost, by its objective; of others the raw sums, read as a rank."""
    if type(model).__module__.startswith("xgboost"):
        import json

        import xgboost

        rows = X if isinstance(X, xgboost.DMatrix) else xgboost.DMatrix(X)
        objective = json.loads(model.save_config())["learner"]["objective"]["name"]
        if objective in ("binary:logistic", "reg:logistic", "multi:softprob"):
            return Output(model.predict(rows), kind or "probability")
        logits = objective in ("binary:logitraw", "multi:softmax")
        values = model.predict(rows, output_margin=True)
    else:
        objective = str(model.dump_model(num_iteration=1).get("objective", "")).split(" ")[0]
        values = np.asarray(model.predict(X))
        if objective in ("binary", "multiclass", "multiclassova", "cross_entropy"):
            return _normed(Output(values, kind or "probability"), apart=objective == "multiclassova")
        logits = False
    if kind is None and not logits:
        note = f"kind guessed: rank (objective {objective or 'unknown'!r}); declare kind='logit' if these are logits"
        return Output(values, "rank", None, (note,))
    return Output(values, kind or "logit")


def _classifier(model: Any, X: Any, kind: Kind | None) -> Output:
    """Anything with scikit-learn's methods."""
    names = _own_names(model)
    last = _innermost(model)
    apart = _one_against_all(last)
    if type(model).__name__ == "CatBoost":  # its own class, that gives raw sums when not asked for more
        found = model.predict(X, prediction_type="Probability")
        return _normed(Output(found, kind or "probability", names), apart=apart)
    if getattr(last, "decision_function_shape", "") == "ovo" and len(names or ()) > 2 and kind != "label":
        came, hint = "margins of pairs of classes", f"{type(last).__name__}(decision_function_shape='ovr')"
        raise ScoreError("model", came, "a column for each class", hint, code="CT04")
    margin = hasattr(model, "decision_function")
    if hasattr(model, "predict_proba") and kind != "label" and not (margin and kind in ("logit", "rank")):
        found = model.predict_proba(X)
        if isinstance(found, list):
            hint = "ask the model of one of them, model.estimators_[i]"
            raise ScoreError("model", f"probabilities of {len(found)} targets", "those of one target", hint)
        values = as_array(found, argument="model")
        if callable(getattr(last, "objective", None)):  # LightGBM and XGBoost hand on its sums under this name
            note = "kind guessed: rank (an objective of its own); declare kind='logit' if these are logits"
            raw = values[:, 1] if values.ndim == 2 and values.shape[1] == 2 else values
            return Output(raw, kind or "rank", names, () if kind else (note,))
        return _normed(Output(values, kind or "probability", names), apart=apart)
    if margin and kind != "label":
        return Output(as_array(model.decision_function(X), argument="model"), kind or "rank", names)
    said = as_array(model.predict(X), argument="model")
    if kind is None and said.dtype.kind == "f" and not (said == np.rint(said)).all():
        came = f"numbers with fractions from {type(model).__name__}.predict"
        raise ScoreError("model", came, "labels", "declare kind= if they are probabilities, logits or a rank")
    if kind is None or kind == "label":
        return Output(said, "label", names)
    return Output(said, kind, names)


def _innermost(model: Any) -> Any:
    """The last step of pipelines, the best model of searches."""
    while True:
        if hasattr(model, "best_estimator_"):
            model = model.best_estimator_
        elif isinstance(steps := getattr(model, "steps", None), list) and steps:
            model = steps[-1][1]
        else:
            return model


def _one_against_all(model: Any) -> bool:
    """True for boosters whose probabilities are sigmoids of each class against all others: they do not sum to 1."""
    if type(model).__module__.split(".")[0] == "catboost":
        return model.get_all_params().get("loss_function") == "MultiClassOneVsAll"
    return getattr(model, "objective_", None) in ("multiclassova", "multiclass_ova", "ova", "ovr")


def _normed(out: Output, *, apart: bool) -> Output:
    """Sigmoids of each class against all others, divided by their sum."""
    if not apart or out.values.ndim != 2 or out.kind != "probability":
        return out
    note = "sigmoids of each class against all others, divided by their sum"
    return Output(out.values / out.values.sum(axis=1, keepdims=True), out.kind, out.names, (*out.notes, note))


def _own_names(model: Any) -> list[Any] | None:
    """The classes in the order of the columns, where the model knows them."""
    known = getattr(model, "classes", None)
    if isinstance(known, Classes):
        return list(known.names)
    try:
        found = getattr(model, "classes_", None)
    except AttributeError:
        return None
    if found is None or any(isinstance(each, np.ndarray) for each in found):
        return None
    plain = [each.item() if isinstance(each, np.generic) else each for each in found]
    # scikit-learn keeps whole numbers as floats where the labels were such.
    return [int(each) if isinstance(each, float) and each.is_integer() else each for each in plain]
