"""Mistakes in how a Keras model was compiled: metrics and losses that do not fit its last layer."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cutline.errors import GuessWarning
from cutline.model import heads

SQUASHED = ("sigmoid", "softmax")
ACTIVATIONS = ("linear", "tanh", "relu", "log_softmax", "elu", "selu", "softplus", "leaky_relu")
"""Last activations whose outputs are no probabilities."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """One of them.

    Attributes
    ----------
    code : str
        Of the trap.
    saw, why, fix : str
        What was seen; what it does; the code that mends it.
    """

    code: str
    saw: str
    why: str
    fix: str

    def __str__(self) -> str:
        return f"{self.saw}: {self.why}. Use {self.fix}"


@dataclass(frozen=True, slots=True)
class Compiled:
    """What a model was compiled with.

    Attributes
    ----------
    head : Head
    width : int
        Number of outputs; 0 where it is not known.
    loss : Any
        As it was given: text, function or object.
    metrics : tuple
        As they were given.
    """

    head: heads.Head
    width: int
    loss: Any
    metrics: tuple[Any, ...]

    @property
    def sparse(self) -> bool:
        """True when the loss takes class numbers, not one-hot rows."""
        return "sparse" in heads.loss_name(self.loss)


def compile_mistakes(model: Any) -> tuple[Mistake, ...]:
    """What is wrong with the metrics and the loss of a Keras model, as far as it can be seen without any rows.

    Parameters
    ----------
    model : Keras model
        Compiled; of one that is not, nothing is said.
    """
    loss = getattr(model, "loss", None)
    found = Compiled(heads.keras_head(model), heads.keras_width(model), loss, tuple(_metrics(model)))
    of_metrics = (_of_metric(metric, found) for metric in found.metrics)
    return tuple(each for each in (*_of_loss(found), *of_metrics) if each is not None)


def warn_of_mistakes(model: Any) -> tuple[str, ...]:
    """Warn of each mistake of a Keras model, and return what was said; nothing for other models."""
    said = []
    for mistake in compile_mistakes(model) if heads.is_keras(model) else ():
        warning = GuessWarning(str(mistake), mistake.code)
        warnings.warn(warning, stacklevel=3)
        said.append(str(warning))
    return tuple(said)


def _metrics(model: Any) -> Iterator[Any]:
    """Metrics as the user gave them: Keras makes its own of them only when it sees the first rows."""
    holder = getattr(model, "_compile_metrics", None) or getattr(model, "compiled_metrics", None)
    for name in ("_user_metrics", "_user_weighted_metrics"):
        yield from _flat(getattr(holder, name, None))


def _flat(part: Any) -> Iterator[Any]:
    if isinstance(part, dict | list | tuple):
        for each in part.values() if isinstance(part, dict) else part:
            yield from _flat(each)
    elif part is not None:
        yield part


def _of_loss(found: Compiled) -> Iterator[Mistake]:
    head, loss = found.head, _shown(found.loss)
    if head.activation in SQUASHED and head.loss == "logits" and head.sure:
        saw = f"the last layer is a {head.activation}, and {loss} was given from_logits=True"
        why = f"the {head.activation} was applied twice in training, so that the outputs are no probabilities"
        yield Mistake("CT02", saw, why, "one of both: drop from_logits=True, or the last activation; then train again")
    if head.activation in ACTIVATIONS and head.loss == "probabilities" and head.sure:
        saw = f"the last activation is {head.activation}, and the loss {loss} takes probabilities"
        why = "it cuts off whatever lies outside [0, 1], and nothing is learned there"
        last = "a last layer with activation='sigmoid'" if found.width == 1 else "a last layer with a softmax"
        yield Mistake("CT02", saw, why, f"from_logits=True in the loss, or {last}; then train again")
    if found.width == 1 and "categorical" in heads.loss_name(found.loss):
        saw = f"one output, and the loss {loss}, which takes a column for each class"
        why = "the share of one column among one is always 1: nothing is learned"
        yield Mistake("CT05", saw, why, "loss='binary_crossentropy'; then train again")


def _of_metric(metric: Any, found: Compiled) -> Mistake | None:
    """The mistake of a metric beside this last layer, if it is one."""
    name = heads.loss_name(metric)
    text = isinstance(metric, str)
    config: dict[str, Any] = {} if text or not hasattr(metric, "get_config") else metric.get_config()
    if text and name in ("acc", "accuracy"):  # Keras picks the one that fits the number of columns
        name = "binaryaccuracy" if found.width == 1 else ""
    logits = found.head.loss == "logits" and found.head.activation not in SQUASHED
    saw = f"the metric {_shown(metric)}"
    if name == "accuracy" and config:
        best = "SparseCategoricalAccuracy()" if found.sparse else "CategoricalAccuracy()"
        best = f"BinaryAccuracy(threshold={0.0 if logits else 0.5})" if found.width < 2 else best
        what = "logits" if logits else "probabilities"
        return Mistake("CT01", saw, f"it compares {what} with labels for equality", f"keras.metrics.{best}")
    if found.width == 1 and name in ("sparsecategoricalaccuracy", "categoricalaccuracy"):
        why = "it takes the argmax of one column, which is always class 0"
        return Mistake("CT05", saw, why, f"keras.metrics.BinaryAccuracy(threshold={0.0 if logits else 0.5})")
    if logits and found.width == 1 and name in ("binaryaccuracy", "precision", "recall"):
        at = config.get("threshold", config.get("thresholds"))
        if at in (None, 0.5, [0.5]):
            why = "it cuts the logits at 0.5, a probability of 0.622"
            kind = {"binaryaccuracy": "BinaryAccuracy(threshold", "precision": "Precision(thresholds"}
            return Mistake("CT02", saw, why, f"keras.metrics.{kind.get(name, 'Recall(thresholds')}=0.0)")
    if logits and name == "auc" and not config.get("from_logits"):
        return Mistake("CT02", saw, "it takes logits for probabilities", "keras.metrics.AUC(from_logits=True)")
    if found.head.activation == "softmax" and found.width > 2 and name == "binaryaccuracy":
        why = f"it compares each of the {found.width} columns apart, and is high for a model that knows nothing"
        return Mistake("CT05", saw, why, "keras.metrics.CategoricalAccuracy()")
    both = found.head.activation == "softmax" and found.width == 2 and config.get("class_id") is None
    if both and name in ("precision", "recall"):
        why = "it counts both columns of the softmax, which makes it the accuracy"
        return Mistake("CT14", saw, why, f"keras.metrics.{name.capitalize()}(class_id=1) on one-hot labels")
    return None


def _shown(thing: Any) -> str:
    """A loss or metric as the user wrote it."""
    if isinstance(thing, str):
        return repr(thing)
    thing = getattr(thing, "func", thing)
    return getattr(thing, "__name__", None) or f"{type(thing).__name__}()"
