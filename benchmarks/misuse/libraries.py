"""The four libraries, imported at first use: a program runs where its library is.

cutline and scikit-learn live in one environment, torchmetrics and skore (with torch) in another. LightGBM and Keras
make outputs; they are no parties.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")


class Later:
    """A module that is imported at first use."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(self._name), name)


cl, lgb, keras, torch, tm, skore = map(
    Later, ("cutline", "lightgbm", "keras", "torch", "torchmetrics.classification", "skore")
)
