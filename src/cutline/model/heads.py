"""What the last layer of a network, and the loss it was compiled with, say of its outputs: Keras and torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline.errors import DataError, ScoreError
from cutline.labels import as_array, column_names
from cutline.scores import Kind

BATCH = 256
"""Rows given to a network at a time."""
PASSING = {"Dropout", "Flatten", "Reshape", "Identity", "ActivityRegularization", "InputLayer", "Unflatten"}
"""Layers that leave values as they are when predicting."""
LAYERS = {"Sigmoid": "sigmoid", "Softmax": "softmax", "LogSoftmax": "log_softmax", "Linear": "linear"}
"""The activation that a layer or operation is by its class, in Keras or in torch."""
NEAR_ONE = 1e-3


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a network.

    Attributes
    ----------
    activation : str
        Of the last layer: "sigmoid", "softmax", "log_softmax", "linear", another name, or "" where it is not known.
    loss : {"logits", "probabilities", "other", ""}
        What the loss takes outputs for; "" where there is none, or one nobody knows.
    sure : bool
        False where the model's own code runs after, or instead of, the last layer that can be seen.
    """

    activation: str
    loss: str = ""
    sure: bool = True

    def kind(self, values: NDArray[Any]) -> tuple[Kind, tuple[str, ...]]:
        """The kind of outputs of shape (n,) or (n, k), and what was guessed.

        Raises
        ------
        ScoreError
            Outputs that are no scores of classes: several sigmoids, a softmax over one.
        """
        width = 1 if values.ndim == 1 else values.shape[1]
        fits = _are_probabilities(values)
        if self.activation in ("sigmoid", "softmax") and (self.sure or fits):
            check_width(self.activation, width)
            return "probability", ()
        if self.activation == "log_softmax" and width > 1:
            return "logit", ()
        if self.loss == "logits":
            return "logit", ()
        last = f"last activation {self.activation or 'unknown'}"
        if fits:
            sums = " and sum to 1" if width > 1 else ""
            return "probability", (f"kind guessed: probability ({last}; all outputs lie in [0, 1]{sums})",)
        if self.loss or (self.activation not in ("linear", "") and self.sure):
            why = f"{last}; no loss that makes probabilities or logits of it"
            return "rank", (f"kind guessed: rank ({why}); declare kind='logit' if these are logits",)
        return "logit", (f"kind guessed: logit ({last}, no loss known); declare kind= to be sure",)


def check_width(activation: str, width: int) -> None:
    """Refuse several sigmoids, and a softmax over one output."""
    if activation == "softmax" and width == 1:
        came, wanted = "a softmax over one output, which is always 1", "a sigmoid, or a softmax over two outputs"
        raise ScoreError("model", came, wanted, "Dense(1, activation='sigmoid')", code="CT05")
    if activation == "sigmoid" and width > 1:
        came = f"{width} sigmoid outputs: as many labels, each of them yes or no, that need not sum to 1"
        two = "Dense(1, activation='sigmoid') with binary_crossentropy, or " if width == 2 else ""
        hint = f"{two}Dense({width}, activation='softmax'); cl.MultiLabel evaluates several labels"
        raise ScoreError("model", came, "one probability for each class, summing to 1: a softmax", hint, code="CT05")


def _are_probabilities(values: NDArray[Any]) -> bool:
    with np.errstate(invalid="ignore"):
        inside = bool(((values >= 0) & (values <= 1)).all())
    return inside and (values.ndim == 1 or bool((np.abs(values.sum(axis=1) - 1) <= NEAR_ONE).all()))


def is_keras(model: Any) -> bool:
    """Whether it is a Keras model, without importing Keras."""
    return _descends(model, "Model", ("keras", "tf_keras"))


def is_torch(model: Any) -> bool:
    """Whether it is a torch module, without importing torch."""
    return _descends(model, "Module", ("torch",))


def _descends(model: Any, name: str, roots: tuple[str, ...]) -> bool:
    return any(c.__name__ == name and c.__module__.split(".")[0] in roots for c in type(model).__mro__)


def keras_head(model: Any) -> Head:
    """The end of a Keras model: Sequential, functional or subclassed, whatever it is nested in."""
    layer, sure = _last(model)
    return Head("" if layer is None else _activation(layer), _loss(getattr(model, "loss", None)), sure)


def keras_width(model: Any) -> int:
    """Number of outputs of a Keras model; 0 where it is not known before it has seen rows."""
    try:
        shape = model.output_shape
    except (AttributeError, ValueError):  # a Sequential without Input
        shape = (getattr(_last(model)[0], "units", None),)
    return shape[-1] if isinstance(shape, tuple) and shape and isinstance(shape[-1], int) else 0


def _last(model: Any) -> tuple[Any, bool]:
    """The last layer that changes values, and whether it is sure to be the last."""
    plain = any(c.__name__ in ("Sequential", "Functional") for c in type(model).__mro__)
    steps = getattr(model, "operations", None) or getattr(model, "layers", [])
    for layer in reversed(steps):
        if type(layer).__name__ in PASSING:
            continue
        if hasattr(layer, "layers"):
            last, sure = _last(layer)
            return last, sure and plain
        return layer, plain
    return None, False


def _activation(layer: Any) -> str:
    found = getattr(layer, "activation", None)
    if found is None or type(layer).__name__ in LAYERS:
        return LAYERS.get(type(layer).__name__, "")
    name = getattr(found, "__name__", None) or type(found).__name__
    return str(LAYERS.get(name, name))


def _loss(loss: Any) -> str:
    if isinstance(loss, dict | list | tuple) and len(loss) == 1:
        loss = next(iter(loss.values() if isinstance(loss, dict) else loss))
    if getattr(loss, "from_logits", False) or getattr(loss, "keywords", {}).get("from_logits", False):
        return "logits"
    name = loss_name(loss)
    if any(part in name for part in ("hinge", "squared", "absolute", "mse", "mae", "huber")):
        return "other"
    return "probabilities" if any(part in name for part in ("crossentropy", "bce", "kl")) else ""


def loss_name(loss: Any) -> str:
    """The name of a loss given as text, function or object: lower case without underscores; "" for none."""
    loss = getattr(loss, "func", loss)
    name = loss if isinstance(loss, str) else getattr(loss, "__name__", None) or type(loss).__name__
    return "" if loss is None else name.lower().replace("_", "")


def keras_outputs(model: Any, X: Any) -> NDArray[Any]:
    """Outputs of a Keras model, in batches."""
    single = not isinstance(X, dict) and len(getattr(model, "inputs", None) or [0]) == 1
    if single and (column_names(X) or isinstance(X, list | tuple)):
        X = _rows(X)
    if single and hasattr(X, "shape"):
        model(X[:1], training=False)  # rows that do not fit fail here: failing in `predict` on JAX loses the weights
    sized = {"batch_size": BATCH} if hasattr(X, "shape") or not single else {}  # data sets have batches of their own
    return _one_array(model.predict(X, verbose=0, **sized))


def torch_head(model: Any) -> Head:
    """The end of a torch module; where `forward` is the model's own, the last of its parts is a guess."""
    sure = True
    while children := [c for c in model.children() if type(c).__name__ not in PASSING]:
        sure = sure and type(model).__name__ == "Sequential"
        model = children[-1]
    name = getattr(model, "original_name", type(model).__name__)
    return Head(LAYERS.get(name, name.lower() if name in ("Tanh", "ReLU") else ""), sure=sure)


def torch_outputs(model: Any, X: Any) -> NDArray[Any]:
    """Outputs of a torch module in evaluation mode, in batches, without gradients."""
    import torch

    first = next(iter(model.parameters()), None)
    if not isinstance(X, torch.Tensor):
        X = torch.as_tensor(np.array(_rows(X)))
        if X.is_floating_point() and first is not None:
            X = X.to(first.dtype)
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            parts = [part if first is None else part.to(first.device) for part in X.split(BATCH)]
            outs = [_one_array(model(part), whole=False) for part in parts]
    finally:
        model.train(training)
    return np.concatenate(outs)


def _rows(X: Any) -> NDArray[Any]:
    """Rows as one array; numbers and booleans side by side become numbers."""
    values = as_array(X, argument="X")
    if values.dtype.kind not in "OUS":
        return values
    try:
        return values.astype(np.float64)
    except (TypeError, ValueError):
        raise DataError("X", "cells that are no numbers", "rows as the network takes them") from None


def _one_array(out: Any, *, whole: bool = True) -> NDArray[Any]:
    """One array of floats; half precision becomes single."""
    if isinstance(out, dict | list | tuple):
        raise ScoreError("model", f"{len(out)} outputs", "one, with a column for each class", "wrap the one to read")
    if hasattr(out, "detach"):
        out = out.detach().cpu().float() if not whole else out.detach().cpu()
    values = np.asarray(out)
    if values.dtype.kind in "iub":
        hint = "read the layer before the argmax; of a single column the argmax is always 0"
        raise ScoreError(
            "model", f"class numbers ({values.dtype}), not scores", "the outputs behind them", hint, code="CT05"
        )
    return values if values.dtype in (np.float32, np.float64) else values.astype(np.float32)
