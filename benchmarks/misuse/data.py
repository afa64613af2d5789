"""Seeded problems whose true probabilities are known, and what stands for the outputs of a trained model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray


@dataclass(frozen=True)
class Task:
    """Rows to train on and rows to test on, of one distribution.

    Attributes
    ----------
    X, X_test : ndarray, shape (n, features)
    y, y_test : ndarray of int, shape (n,)
        Class numbers; 1 is the rarer class of two.
    logits : ndarray, shape (n,) or (n, k)
        The true ones of the test rows.
    p : ndarray, shape (n,) or (n, k)
        Their true probabilities: what a perfect model would say.
    """

    X: Array
    y: Array
    X_test: Array
    y_test: Array
    logits: Array

    @property
    def p(self) -> Array:
        return sigmoid(self.logits) if self.logits.ndim == 1 else softmax(self.logits)


def sigmoid(z: Array) -> Array:
    return 1 / (1 + np.exp(-z))


def softmax(z: Array) -> Array:
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def two(n: int, *, rate: float = 0.3, strength: float = 2.0, seed: int, train: int = 4000, features: int = 5) -> Task:
    """Two classes, `n` test rows; `strength` 0.5 is a hard problem (ROC AUC 0.64), 2 a fair one (0.87), 5 easy."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(train + n, features))
    slope = rng.normal(size=features)
    z = X @ (slope * strength / np.linalg.norm(slope))
    low, high = -20.0, 20.0
    for _ in range(50):  # the intercept that gives the rate
        middle = (low + high) / 2
        low, high = (middle, high) if sigmoid(z + middle).mean() < rate else (low, middle)
    z = z + low
    y = (rng.random(len(z)) < sigmoid(z)).astype(int)
    return Task(X[:train], y[:train], X[train:], y[train:], z[train:])


def several(n: int, k: int, *, strength: float = 1.5, seed: int, train: int = 4000, features: int = 6) -> Task:
    """`k` classes of unequal shares."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(train + n, features))
    z = X @ rng.normal(size=(features, k)) * strength / features**0.5 + np.linspace(0.5, -0.5, k)
    y = (softmax(z).cumsum(axis=1) < rng.random((len(z), 1))).sum(axis=1)
    return Task(X[:train], y[:train], X[train:], y[train:], z[train:])
