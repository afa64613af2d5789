"""A user's own Keras model as a member: a fresh copy for each fold, early-stopped, stored as layers and weights."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from cutline.data import Features
from cutline.errors import InputError, ScoreError, ShapeError
from cutline.model import heads
from cutline.model.architecture import architecture, built, seeded, weights_of
from cutline.model.linear import View
from cutline.model.member import Array, Arrays, Deadline, Learner, Rows, as_bytes, smoothed
from cutline.scores import Kind, sigmoid, softmax

STAGES = 100
"""At most; a stage is an epoch, or as many as make `STEPS` steps."""
STEPS = 50
PATIENCE = 10
"""Stages without a better log loss of the held-out rows."""
BATCHES = 100
"""Steps of an epoch from which batches grow, to `LARGEST` rows."""
SMALLEST, LARGEST = 32, 256
KEPT = 64 << 20
"""Bytes of weights of a fold: of larger models every few stages are kept."""


@dataclass(frozen=True, slots=True, eq=False)
class KerasNetwork:
    """A fitted Keras model.

    Attributes
    ----------
    view : View
    layers : str
        JSON of Keras' own layers; see `cutline.model.architecture`.
    outputs : str
        What they are: "probability" or "logit".
    weights : tuple of ndarray
        In Keras' order.
    """

    view: View
    layers: str
    outputs: Kind
    weights: tuple[NDArray[Any], ...]
    _model: list[Any] = field(default_factory=list, repr=False)
    kind: ClassVar[str] = "keras"

    def __call__(self, features: Features) -> Array:
        """Probabilities, shape (n, k)."""
        if not self._model:
            self._model.append(built(self.layers, self.weights))
        return _probabilities(_outputs(self._model[0], _matrix(self.view, features)), self.outputs)

    def arrays(self) -> Arrays:
        """All there is to save."""
        said = {"layers": as_bytes(self.layers), "outputs": as_bytes(self.outputs)}
        return {**self.view.arrays(), **said, **{f"w{i}": w for i, w in enumerate(self.weights)}}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The inverse of `arrays`."""
        many = sum(name[0] == "w" and name[1:].isdigit() for name in arrays)
        layers, outputs = (arrays[name].tobytes().decode() for name in ("layers", "outputs"))
        return cls(View.from_arrays(arrays), layers, outputs, tuple(arrays[f"w{i}"] for i in range(many)))  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, eq=False)
class KerasPath:
    """Weights along the training, on the first axis of each array; see `cutline.model.member.Path`."""

    whole: KerasNetwork
    losses: Array

    def at(self, stage: int) -> KerasNetwork:
        """The model after one of the stages that were kept."""
        one = self.whole
        return KerasNetwork(one.view, one.layers, one.outputs, tuple(each[stage] for each in one.weights))

    def arrays(self) -> Arrays:
        """All there is to save."""
        return {**self.whole.arrays(), "losses": self.losses}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The inverse of `arrays`."""
        return cls(KerasNetwork.from_arrays(arrays), arrays["losses"])


def keras_learner(network: Any) -> Learner:
    """The member that trains a user's network.

    Parameters
    ----------
    network : Keras model or function
        A Sequential or functional model; its weights are drawn anew for each fold. It is compiled as the user did, or
        with Adam and the cross-entropy that suits its last layer. Or ``network(inputs, classes) -> model``, with the
        number of columns of the design matrix and of classes.

    Raises
    ------
    InputError
        Neither of both; layers that are not Keras' own; Keras is not installed.
    """
    if heads.is_keras(network):
        architecture(network)
    elif not callable(network) or heads.is_torch(network):
        wanted = "a Keras model, or a function (inputs, classes) -> compiled Keras model"
        raise InputError("network", f"a {type(network).__name__}", wanted, "cl.wrap takes a fitted model of any make")
    return Learner("keras", "network", KerasPath, partial(fit_keras, network=network))


def described(network: Any) -> str:
    """What a run with this network depends on, as text: its layers, loss and optimizer; of a function, its name."""
    if not heads.is_keras(network):
        return f"{getattr(network, '__module__', '')}.{getattr(network, '__qualname__', repr(network))}"
    said = [architecture(network), heads.loss_name(getattr(network, "loss", None))]
    if (optimizer := getattr(network, "optimizer", None)) is not None:
        said.append(repr(_config(optimizer)))
    return "\n".join(said)


def fit_keras(
    train: Rows, held: Rows, seed: int, deadline: Deadline, until: int | None = None, *, network: Any
) -> KerasPath:
    """Train a fresh copy until the log loss of the held-out rows has not improved for a while, or to stage `until`.

    Every fold has the same columns: those are kept that have enough rows of all, so that a fixed input shape fits.
    """
    view = _view(train, held)
    x, there = _matrix(view, train.features), _matrix(view, held.features)
    with seeded(seed):
        model, layers, outputs = _compiled(network, view, train, seed)
        truth = _truth(model, train)
        weight = None if train.weight is None else (train.weight / train.weight.mean()).astype(np.float32)
        batch = int(min(max(train.size // BATCHES, SMALLEST), LARGEST, train.n))
        passes = max(STEPS // max(train.size // batch, 1), 1)
        every = max(STAGES * sum(each.nbytes for each in weights_of(model)) // KEPT, 1)
        rng = np.random.default_rng(seed)
        copies: list[list[NDArray[Any]]] = []
        losses: list[float] = []
        best, since = np.inf, 0
        for stage in range(1, STAGES + 1):
            deadline.check()
            # Whole batches only: one shape, one compilation.
            order = np.concatenate([rng.permutation(train.n)[: train.n // batch * batch] for _ in range(passes)])
            of = None if weight is None else weight[order]
            model.fit(x[order], truth[order], sample_weight=of, batch_size=batch, shuffle=False, verbose=0)
            if stage % every:
                continue
            found = _probabilities(_outputs(model, there), outputs)
            if not np.isfinite(found).all():
                break
            copies.append(weights_of(model))
            losses.append(held.log_loss(smoothed(found, train.n)))
            best, since = (losses[-1], 0) if losses[-1] < best else (best, since + every)
            if since >= PATIENCE if until is None else len(copies) > until:
                break
    if not copies:
        raise ScoreError(
            "network", "outputs that are nan from the start", "a network that trains", "a lower learning rate"
        )
    whole = KerasNetwork(view, layers, outputs, tuple(np.stack(each) for each in zip(*copies, strict=True)))
    return KerasPath(whole, np.array(losses))


def _view(train: Rows, held: Rows) -> View:
    """Scaled by the training rows; which columns there are is decided by all, without their labels."""
    both = replace(
        train.features,
        numeric=np.concatenate([train.features.numeric, held.features.numeric]),
        codes=np.concatenate([train.features.codes, held.features.codes]),
    )
    every = View.of(both, splines=False)
    own = View.of(train.features, splines=False)
    return View(own.median, own.spread, every.flagged, own.knots, every.level_column, every.level_code)


def _matrix(view: View, features: Features) -> NDArray[np.float32]:
    return view.matrix(features, np.float32)


def _compiled(network: Any, view: View, rows: Rows, seed: int) -> tuple[Any, str, Kind]:
    """A fresh compiled model, its layers as JSON, and the kind of its outputs."""
    given = network if heads.is_keras(network) else network(_width(view), rows.k)
    if not heads.is_keras(given):
        raise InputError("network", f"a function that gave a {type(given).__name__}", "a compiled Keras model")
    bare = type(given).from_config(given.get_config())
    if not bare.built:
        bare.build((None, _width(view)))
    _check_input(bare, view, rows.features)
    layers = architecture(bare)
    with seeded(seed):  # again: what a function drew before must not matter
        model = built(layers)
    head = heads.keras_head(given)
    if getattr(given, "loss", None) is None:
        outputs: Kind = "probability" if head.activation in ("sigmoid", "softmax") else "logit"
        loss, optimizer = _suitable(model, outputs), "adam"
    else:
        outputs = "logit" if head.activation == "log_softmax" or head.loss == "logits" else "probability"
        outputs = "probability" if head.activation in ("sigmoid", "softmax") else outputs
        loss, optimizer = given.loss, _fresh(given.optimizer)
    _check_output(model, head, heads.loss_name(loss), rows.k)
    model.compile(optimizer=optimizer, loss=loss)
    return model, layers, outputs


def _fresh(optimizer: Any) -> Any:
    """The same optimizer without what it has learned."""
    return type(optimizer).from_config(_config(optimizer))


def _config(optimizer: Any) -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Keras on JAX reads its rate in a way NumPy deprecates
        return dict(optimizer.get_config())


def _suitable(model: Any, outputs: Kind) -> Any:
    import keras

    name = "BinaryCrossentropy" if model.output_shape[-1] == 1 else "SparseCategoricalCrossentropy"
    return getattr(keras.losses, name)(from_logits=outputs == "logit")


def _check_input(model: Any, view: View, features: Features) -> None:
    wanted, shape = _width(view), model.input_shape
    if shape != (None, wanted):
        names = [*features.numeric_names, *(f"{features.numeric_names[j]} is missing" for j in view.flagged)]
        pairs = zip(view.level_column, view.level_code, strict=True)
        names += [f"{features.categorical_names[j]}, level {code}" for j, code in pairs]
        shown = ", ".join(names[:12]) + (f", ... {len(names) - 12} more" if len(names) > 12 else "")
        hint = "leave the Input out of a Sequential, or pass a function (inputs, classes) -> model"
        raise ShapeError("network", f"an input of shape {shape}", f"(None, {wanted}), the columns {shown}", hint)


def _check_output(model: Any, head: heads.Head, loss: str, k: int) -> None:
    """Refuse outputs that are no classes, and losses that do not fit them."""
    shape = model.output_shape
    fine = isinstance(shape, tuple) and len(shape) == 2 and (shape[1] == k or (shape[1] == 1 and k == 2))
    last = "Dense(1, activation='sigmoid')" if k == 2 else f"Dense({k}, activation='softmax')"
    if not fine:
        raise ShapeError("network", f"outputs of shape {shape}", f"(None, {k}) for {k} classes", last)
    heads.check_width(head.activation, shape[1])
    if head.activation in ("sigmoid", "softmax"):
        known = True
    else:
        known = head.activation in ("linear", "log_softmax") and head.loss in ("logits", "")
    if not known:
        came = f"a last activation {head.activation or 'that is not known'!r} with the loss {loss or 'none'!r}"
        wanted = "a sigmoid, a softmax, or linear outputs with from_logits=True"
        raise ScoreError("network", came, wanted, last, code="CT02")
    if shape[1] == 1 and "categorical" in loss:
        raise ScoreError("network", f"one output with {loss}, which is always 0", "binary_crossentropy", code="CT05")


def _truth(model: Any, rows: Rows) -> NDArray[Any]:
    """Labels as the loss takes them: 0 and 1, codes, or one-hot."""
    if model.output_shape[-1] == 1:
        return rows.codes.astype(np.float32)[:, None]
    if "sparse" in heads.loss_name(model.loss):
        return rows.codes.astype(np.int32)
    return np.eye(rows.k, dtype=np.float32)[rows.codes]


def _outputs(model: Any, x: NDArray[np.float32]) -> Array:
    """Outputs in batches of one shape, so that it is compiled once; shape (n, 1) or (n, k)."""
    more = -len(x) % heads.BATCH
    found = model.predict(np.pad(x, ((0, more), (0, 0))), batch_size=heads.BATCH, verbose=0)
    return np.asarray(found, dtype=np.float64)[: len(x)]


def _probabilities(outputs: Array, kind: Kind) -> Array:
    """Probabilities of all classes, shape (n, k); a single output belongs to code 1."""
    if outputs.shape[1] == 1:
        p = sigmoid(outputs) if kind == "logit" else outputs
        return np.concatenate([1 - p, p], axis=1)
    return softmax(outputs) if kind == "logit" else outputs


def _width(view: View) -> int:
    return len(view.median) + len(view.flagged) + int((~np.isnan(view.knots)).sum()) + len(view.level_column)
