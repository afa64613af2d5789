"""How training weighted the classes: as said, or as read off a model or a pipeline."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline.errors import InputError
from cutline.labels import Classes

INSIDE = ("best_estimator_", "estimator", "base_estimator", "classifier", "model")
"""Where other libraries keep the model inside a search, a calibrator or a wrapper."""
SAMPLERS = ("Sampler", "SMOTE", "ADASYN")
"""Parts of the names of imbalanced-learn's steps that change how often a class occurs."""


@dataclass(frozen=True, slots=True)
class Weighting:
    """What training did to the shares of the classes.

    Attributes
    ----------
    source : str
        Where it was read, in words.
    factor : tuple of float or None
        How often a row of each class counted; None for "balanced", which depends on the shares.
    """

    source: str
    factor: tuple[float, ...] | None = None

    @classmethod
    def of(cls, classes: Classes, model: Any = None, class_weight: Any = None) -> Weighting | None:
        """As said by `class_weight`, else as read off `model`; None when neither weighs the classes.

        >>> from sklearn.linear_model import LogisticRegression
        >>> Weighting.of(Classes(["no", "yes"], "yes"), LogisticRegression(class_weight="balanced"))
        Weighting(source="class_weight='balanced' of LogisticRegression", factor=None)
        """
        if class_weight is not None:
            return cls._read(classes, class_weight, f"class_weight={class_weight!r}")
        for part in parts_of(model):
            found = cls._of_part(classes, part)
            if found is not None:
                return found
        return None

    @classmethod
    def _of_part(cls, classes: Classes, part: Any) -> Weighting | None:
        name, params = type(part).__name__, _params(part)
        if any(word in name for word in SAMPLERS) and hasattr(part, "sampling_strategy"):
            return cls(f"{name}, which resampled the classes,")
        if params.get("is_unbalance") or params.get("auto_class_weights") == "Balanced":
            key = "is_unbalance=True" if params.get("is_unbalance") else "auto_class_weights='Balanced'"
            return cls(f"{key} of {name}")
        for key in ("class_weight", "class_weights", "scale_pos_weight"):
            value = params.get(key)
            if value is None or (key == "scale_pos_weight" and value == 1):
                continue
            if isinstance(value, list | tuple | np.ndarray):
                value = dict(zip(classes.names, value, strict=False))
            return cls._read(classes, value, f"{key}={value!r} of {name}")
        return None

    @classmethod
    def _read(cls, classes: Classes, weight: Any, source: str) -> Weighting | None:
        if isinstance(weight, str):
            if weight not in ("balanced", "balanced_subsample"):
                raise InputError("class_weight", repr(weight), "'balanced', a mapping of class to weight, or a number")
            return cls(source)
        factor = np.ones(classes.k)
        if isinstance(weight, Mapping):
            for name, value in weight.items():
                factor[classes.index(name)] = value
        elif classes.binary and isinstance(weight, int | float):
            factor[classes.index(classes.positive)] = weight
        else:
            raise InputError("class_weight", repr(weight), "'balanced', or a mapping of class to weight")
        if not (np.isfinite(factor) & (factor > 0)).all():
            raise InputError("class_weight", repr(weight), "finite weights above 0")
        return None if np.ptp(factor) == 0 else cls(source, tuple(factor.tolist()))

    def factors(self, share: NDArray[np.float64]) -> NDArray[np.float64]:
        """How often a row of each class counted, where the classes have these shares."""
        return 1 / (len(share) * share) if self.factor is None else np.asarray(self.factor)

    def shift(self, classes: Classes, prevalence: float) -> float:
        """By how much it moves the log-odds of the positive class of two."""
        if self.factor is None:
            return math.log((1 - prevalence) / prevalence)
        positive = classes.index(classes.positive)
        return math.log(self.factor[positive] / self.factor[1 - positive])


def parts_of(model: Any, depth: int = 0) -> Iterator[Any]:
    """The model and what is inside it: steps of a pipeline, the estimator of a search or a calibrator."""
    if model is None or depth > 4:
        return
    yield model
    for _, step in getattr(model, "steps", None) or ():
        yield from parts_of(step, depth + 1)
    for name in INSIDE:
        inside = getattr(model, name, None)
        if inside is not None and not isinstance(inside, str | type) and not callable(inside):
            yield from parts_of(inside, depth + 1)


def _params(part: Any) -> dict[str, Any]:
    """Parameters of an estimator, or of a booster of LightGBM."""
    read = getattr(part, "get_params", None)
    try:
        found = read(deep=False) if callable(read) else getattr(part, "params", None)
    except TypeError:  # CatBoost's get_params takes no arguments it does not know
        found = read() if callable(read) else None
    return dict(found) if isinstance(found, Mapping) else {}
