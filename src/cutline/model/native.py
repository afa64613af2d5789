"""Models of other libraries as arrays without code: in the library's own format, where it has a safe one."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from cutline.errors import InputError
from cutline.model import heads
from cutline.model.architecture import architecture, built, weights_of
from cutline.model.member import Arrays, as_bytes


def arrays_of(model: Any) -> Arrays:
    """A fitted model as arrays: "format", "model" and, of networks, the weights.

    Raises
    ------
    InputError
        A model without a format that is safe to load.
    """
    name, library = type(model).__name__, type(model).__module__.split(".")[0]
    if heads.is_keras(model):
        weights = {f"model_{i}": w for i, w in enumerate(weights_of(model))}
        return {"format": as_bytes("keras"), "model": as_bytes(architecture(model)), **weights}
    if library == "lightgbm" and (name == "Booster" or hasattr(model, "booster_")):
        text = getattr(model, "booster_", model).model_to_string()
        return {"format": as_bytes("lightgbm"), "model": as_bytes(text)}
    if library == "xgboost" and name in ("Booster", "XGBClassifier", "XGBRFClassifier"):
        booster = model if name == "Booster" else model.get_booster()
        return {"format": as_bytes(f"xgboost.{name}"), "model": as_bytes(bytes(booster.save_raw("ubj")))}
    if library == "catboost" and name in ("CatBoost", "CatBoostClassifier"):
        return {"format": as_bytes(f"catboost.{name}"), "model": as_bytes(_catboost(model))}
    raise InputError(
        "model",
        f"a {name} of {library}, which has no format that is safe to load",
        "LightGBM, XGBoost, CatBoost or Keras",
        "save it with its own tools, and the rest with save(path, model=False); load both with Wrapped.load",
    )


def model_of(arrays: Mapping[str, NDArray[Any]]) -> Any:
    """The inverse of `arrays_of`; None where there is no model."""
    if "format" not in arrays:
        return None
    library, _, name = arrays["format"].tobytes().decode().partition(".")
    content = arrays["model"].tobytes()
    if library == "keras":
        weights = [arrays[f"model_{i}"] for i in range(sum(key.startswith("model_") for key in arrays))]
        return built(content.decode(), weights)
    if library == "lightgbm":
        import lightgbm

        return lightgbm.Booster(model_str=content.decode())
    if library == "xgboost" and name in ("Booster", "XGBClassifier", "XGBRFClassifier"):
        import xgboost

        model = getattr(xgboost, name)()
        model.load_model(bytearray(content))
        return model
    if library == "catboost" and name in ("CatBoost", "CatBoostClassifier"):
        import catboost

        return getattr(catboost, name)().load_model(blob=content)
    raise InputError("model", f"the format {library!r}", "lightgbm, xgboost, catboost or keras")


def _catboost(model: Any) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.cbm")
        model.save_model(path)
        return Path(path).read_bytes()
