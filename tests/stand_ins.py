"""Small stand-ins for libraries that are not installed everywhere: the part of their interface that `score` uses.

They take and give what the real ones do, no more. Where xgboost or torch are installed, the tests of the same names
without "stand-in" run on them.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np
import pytest


def xgboost(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """xgboost 2 and 3: `DMatrix`, and a `Booster` of fixed weights, with the objectives' transforms."""
    made = ModuleType("xgboost")

    class DMatrix:
        def __init__(self, data: Any) -> None:
            self.data = np.asarray(data, dtype=np.float32)

    class Booster:
        def __init__(self, objective: str, weights: Any) -> None:
            self.objective, self.weights = objective, np.asarray(weights, dtype=np.float32)

        def save_config(self) -> str:
            return json.dumps({"learner": {"objective": {"name": self.objective}}, "version": [3, 0, 0]})

        def predict(self, data: DMatrix, output_margin: bool = False) -> np.ndarray:
            if not isinstance(data, DMatrix):
                raise TypeError("Expecting data to be a DMatrix object, got: " + str(type(data)))
            z = data.data @ self.weights
            if output_margin:
                return z
            if self.objective in ("binary:logistic", "reg:logistic"):
                return 1 / (1 + np.exp(-z))
            if self.objective == "binary:hinge":
                return (z > 0).astype(np.float32)
            if self.objective.startswith("multi:"):
                e = np.exp(z - z.max(axis=1, keepdims=True))
                return e / e.sum(1, keepdims=True) if "prob" in self.objective else z.argmax(1).astype(np.float32)
            return z

    Booster.__module__ = "xgboost.core"
    made.DMatrix, made.Booster = DMatrix, Booster  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "xgboost", made)
    return made


def torch(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """torch 2: tensors over NumPy; `Module`, `Sequential`, `Linear`, `Dropout`, `Sigmoid`, `Softmax`, `LogSoftmax`."""
    made = ModuleType("torch")

    class Tensor:
        def __init__(self, values: np.ndarray, grad: bool = False) -> None:
            self.values, self.requires_grad = values, grad
            self.dtype, self.device, self.shape = values.dtype, "cpu", values.shape

        def is_floating_point(self) -> bool:
            return self.values.dtype.kind == "f"

        def to(self, what: Any) -> Tensor:
            return self if isinstance(what, str) else Tensor(self.values.astype(what))

        def split(self, size: int) -> list[Tensor]:
            return [Tensor(self.values[i : i + size]) for i in range(0, len(self.values), size)]

        def detach(self) -> Tensor:
            return Tensor(self.values)

        def cpu(self) -> Tensor:
            return self

        def float(self) -> Tensor:
            return Tensor(self.values.astype(np.float32))

        def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
            if self.requires_grad:
                raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy()")
            return self.values

    graph = [True]

    @contextlib.contextmanager
    def no_grad() -> Iterator[None]:
        graph[0] = False
        yield
        graph[0] = True

    class Module:
        training = True

        def __init__(self, *parts: Any) -> None:
            self.parts = parts

        def children(self) -> Iterator[Any]:
            return iter(self.parts)

        def parameters(self) -> Iterator[Tensor]:
            return (each for part in self.parts for each in part.parameters())

        def train(self, mode: bool = True) -> Any:
            self.training = mode
            for part in self.parts:
                part.train(mode)
            return self

        def eval(self) -> Any:
            return self.train(False)

        def __call__(self, rows: Tensor) -> Tensor:
            return self.forward(rows)

        def forward(self, rows: Tensor) -> Tensor:
            raise NotImplementedError

    class Sequential(Module):
        def forward(self, rows: Tensor) -> Tensor:
            for part in self.parts:
                rows = part(rows)
            return rows

    class Linear(Module):
        def __init__(self, inputs: int, outputs: int) -> None:
            super().__init__()
            self.weight = Tensor(np.random.default_rng(outputs).normal(size=(inputs, outputs)).astype(np.float32), True)

        def parameters(self) -> Iterator[Tensor]:
            return iter([self.weight])

        def forward(self, rows: Tensor) -> Tensor:
            return Tensor(rows.values @ self.weight.values, graph[0])

    def layer(name: str, apply: Any) -> type:
        def forward(self: Any, rows: Tensor) -> Tensor:
            return Tensor(apply(rows.values, self.training), rows.requires_grad)

        return type(name, (Module,), {"forward": forward, "__init__": lambda self, *a: Module.__init__(self)})

    def softmax(z: np.ndarray) -> np.ndarray:
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    nn = ModuleType("torch.nn")
    kinds = {
        "Sigmoid": lambda z, training: 1 / (1 + np.exp(-z)),
        "Softmax": lambda z, training: softmax(z),
        "LogSoftmax": lambda z, training: np.log(softmax(z)),
        "Dropout": lambda z, training: z * 0 if training else z,
    }
    found: dict[str, type] = {"Module": Module, "Sequential": Sequential, "Linear": Linear}
    for name, kind in (found | {name: layer(name, apply) for name, apply in kinds.items()}).items():
        kind.__module__, kind.__name__ = "torch.nn.modules", name
        setattr(nn, name, kind)
    made.nn, made.Tensor, made.no_grad = nn, Tensor, no_grad  # type: ignore[attr-defined]
    made.as_tensor = lambda values: Tensor(np.asarray(values))  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch", made)
    return made
