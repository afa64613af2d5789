"""The architecture of a Keras model as JSON: Keras' own layers alone, so that loading it runs no code of the file."""

from __future__ import annotations

import json
import random
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline.errors import InputError

MODULES = {"keras", "keras.layers", "keras.initializers", "keras.regularizers", "keras.constraints"}
MODULES |= {"keras.activations", "keras.src.models.functional", "keras.src.ops.nn", "keras.src.ops.numpy"}
"""Where classes in a file may come from; whatever else is named there is refused before Keras reads it."""
FOREIGN = {"Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer"}
"""Layers of Keras that run code from elsewhere."""
PLAIN = {"__keras_tensor__", "__tuple__"}
"""What Keras writes as a class without a module."""


_ONE = threading.RLock()


def architecture(model: Any) -> str:
    """The layers of a Keras model as JSON, the same text for the same layers.

    Raises
    ------
    InputError
        A subclassed model, Lambda, or layers, functions and activations that are not Keras' own.
    """
    wanted, hint = "a Sequential or functional model of Keras' own layers", "no Lambda, no subclass, no lambda"
    if not any(c.__name__ in ("Sequential", "Functional") for c in type(model).__mro__):
        raise InputError("network", f"the subclassed model {type(model).__name__}", wanted, hint)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras warns of what is refused below, and NumPy of Keras
        found = json.loads(model.to_json())
    found.pop("compile_config", None)  # it is compiled anew, or not at all
    strange = next(_strange(found), None)
    if strange is not None:
        raise InputError("network", strange, wanted, hint)
    return json.dumps(_renamed(found))


def built(text: str, weights: Sequence[NDArray[Any]] | None = None) -> Any:
    """A fresh model of the layers that `architecture` described, not compiled.

    Raises
    ------
    InputError
        A description that names anything but Keras' own layers; Keras is not installed.
    """
    try:
        import keras
    except ImportError:
        raise InputError("model", "a Keras model", "Keras and a backend", "pip install 'cutline[keras]'") from None
    found = json.loads(text)
    strange = next(_strange(found), None)
    if strange is not None:
        raise InputError("network", strange, "Keras' own layers")
    if weights is None:
        return keras.saving.deserialize_keras_object(found, safe_mode=True)
    with seeded(0):  # what is drawn is replaced at once; the caller's generator stays where it is
        model = keras.saving.deserialize_keras_object(found, safe_mode=True)
    model.set_weights(list(weights))
    return model


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """One thread at a time, with Python's generator at a seed; afterwards it goes on where it was.

    Keras draws weights and dropout from that generator, which all threads share.
    """
    with _ONE:
        state = random.getstate()
        random.seed(seed)
        try:
            yield
        finally:
            random.setstate(state)


def weights_of(model: Any) -> list[NDArray[Any]]:
    """The weights of a Keras model, copied, in Keras' order."""
    import keras

    return [np.array(keras.ops.convert_to_numpy(each.value)) for each in model.weights]


def _strange(part: Any, key: str = "") -> Iterator[str]:
    """What is not Keras' own."""
    if isinstance(part, list):
        for each in part:
            yield from _strange(each, key)
        return
    if not isinstance(part, dict):
        return
    name, module = part.get("class_name"), part.get("module")
    if "class_name" in part:
        own = module in MODULES or (module is None and name in PLAIN)
        if not own or name in FOREIGN or "__lambda__" in (name, part.get("registered_name")):
            yield f"{key or 'a layer'}: {name} of {module or 'nowhere'}"
            return
    elif key == "activation":
        yield "an activation that is a function of its own"
        return
    for inner, each in part.items():
        yield from _strange(each, inner)


def _renamed(found: dict[str, Any]) -> Any:
    """Layers named by their place: Keras counts the layers made in a process, and files would differ by that."""
    names: dict[str, str] = {}

    def collect(part: Any) -> None:
        if isinstance(part, dict):
            config = part.get("config")
            layer = "class_name" in part and not part["class_name"].endswith("DTypePolicy")
            if layer and isinstance(config, dict) and isinstance(config.get("name"), str):
                names.setdefault(config["name"], f"layer_{len(names)}")
        for each in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
            collect(each)

    def renamed(part: Any, key: str = "") -> Any:
        if isinstance(part, dict):
            return {inner: renamed(each, inner) for inner, each in part.items()}
        if isinstance(part, list):
            refers = key in ("keras_history", "input_layers", "output_layers") and part and isinstance(part[0], str)
            return [names[part[0]], *part[1:]] if refers else [renamed(each, key) for each in part]
        return names.get(part, part) if key == "name" and isinstance(part, str) else part

    collect(found)
    return renamed(found)
