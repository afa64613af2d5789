"""A small dense network, trained by NumPy alone: two hidden layers on the linear view of the features.

After Holzmueller, Grinsztajn & Steinwart 2024 (RealMLP): neural tangent parametrisation, a learned scale for each
input, SELU, Adam with a learning rate that falls in cycles of growing length. It is kept `COPIES` times on the
way; which copy is taken, the other folds decide.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from cutline.data import Features
from cutline.model.linear import View
from cutline.model.member import Array, Arrays, Deadline, Rows, smoothed
from cutline.scores import softmax

Weights = list[NDArray[np.float32]]

HIDDEN = (128, 128)
BATCH = 256
STEPS = 250
"""Of Adam, where an epoch is shorter; otherwise `EPOCHS`. Twice as many gain the blend nothing."""
EPOCHS = 6
COPIES = 20
LEAST = 8
WORSE = 1.15
"""After `LEAST` copies it ends where the held-out log loss is this many times the lowest: few rows are soon learned."""
RATE = 0.04
FIRST, SECOND = 0.9, 0.95
"""Decay of the running moments of the gradient."""
SELU, SELU_BELOW = np.float32(1.0507009873554805), np.float32(1.7580993408473766)


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """A fitted network.

    Attributes
    ----------
    view : View
    parameters : tuple of ndarray of float32
        The scale of each input; then the weights of each layer; then their biases.
    """

    view: View
    parameters: tuple[NDArray[np.float32], ...]
    kind: ClassVar[str] = "network"

    def __call__(self, features: Features) -> Array:
        """Probabilities, shape (n, k)."""
        return softmax(_forward(self.parameters, self.view.matrix(features, np.float32))[-1])

    def arrays(self) -> Arrays:
        """All there is to save."""
        return {**self.view.arrays(), **{f"p{i}": p for i, p in enumerate(self.parameters)}}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The inverse of `arrays`."""
        return cls(View.from_arrays(arrays), tuple(arrays[f"p{i}"] for i in range(2 * len(HIDDEN) + 3)))


@dataclass(frozen=True, slots=True, eq=False)
class NetworkPath:
    """Copies along the training, on the first axis of each parameter; see `cutline.model.member.Path`."""

    view: View
    parameters: tuple[NDArray[np.float32], ...]
    losses: Array

    def at(self, stage: int) -> Network:
        """One of the copies."""
        return Network(self.view, tuple(each[stage] for each in self.parameters))

    def arrays(self) -> Arrays:
        """All there is to save."""
        return {**Network(self.view, self.parameters).arrays(), "losses": self.losses}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The inverse of `arrays`."""
        return cls(View.from_arrays(arrays), Network.from_arrays(arrays).parameters, arrays["losses"])


def fit_network(train: Rows, held: Rows, seed: int, deadline: Deadline, until: int | None = None) -> NetworkPath:
    """Minimise the log loss by Adam on batches drawn without replacement."""
    from threadpoolctl import threadpool_limits

    rng = np.random.default_rng(seed)
    view = View.of(train.features, splines=False)
    x, there = (view.matrix(rows.features, np.float32) for rows in (train, held))
    weight = np.ones(train.n) if train.weight is None else train.weight
    truth = (np.eye(train.k)[train.codes]).astype(np.float32)
    parameters = _start(x.shape[1], train, rng)
    layers = len(HIDDEN) + 1
    rates = np.array([6 * RATE] + [RATE] * layers + [RATE / 10] * layers)
    moments = [(np.zeros_like(p), np.zeros_like(p)) for p in parameters]
    batch = min(BATCH, train.n)
    total = max(STEPS, EPOCHS * (train.n // batch))
    every = max(total // COPIES, 1)
    copies: list[Weights] = []
    losses: list[float] = []
    order = rng.permutation(train.n)
    at = 0
    with threadpool_limits(1, user_api="blas"):
        for step in range(1, total + 1):
            if at + batch > train.n:
                order, at = rng.permutation(train.n), 0
            pick = order[at : at + batch]
            at += batch
            gradients = _gradients(parameters, x[pick], truth[pick], weight[pick])
            # Four cycles of a cosine, each twice as long as the one before it.
            rate = 0.5 * (1 - np.cos(2 * np.pi * np.log2(1 + 15 * (step - 1) / total)))
            for i, (gradient, (mean, square)) in enumerate(zip(gradients, moments, strict=True)):
                mean += (1 - FIRST) * (gradient - mean)
                square += (1 - SECOND) * (gradient * gradient - square)
                size = np.float32(rates[i] * rate / (1 - FIRST**step))
                parameters[i] -= size * mean / (np.sqrt(square / np.float32(1 - SECOND**step)) + np.float32(1e-8))
            if step % every == 0:
                deadline.check()
                copies.append([p.copy() for p in parameters])
                losses.append(held.log_loss(smoothed(softmax(_forward(parameters, there)[-1]), train.n)))
                learned = until is None and len(losses) >= LEAST and losses[-1] > WORSE * min(losses)
                if learned or len(losses) == deadline.stages:
                    break
    return NetworkPath(view, tuple(np.stack(each) for each in zip(*copies, strict=True)), np.array(losses))


def _start(columns: int, train: Rows, rng: np.random.Generator) -> Weights:
    """Hidden weights from a standard normal, those of the last layer 0; its biases at the logs of the shares."""
    sizes = [columns, *HIDDEN, train.k]
    weights = [rng.standard_normal(shape, dtype=np.float32) for shape in pairwise(sizes[:-1])]
    counts = np.bincount(train.codes, weights=train.weight, minlength=train.k)
    shares = np.log((counts + 0.5) / (counts + 0.5).sum())
    biases = [np.zeros(size, np.float32) for size in HIDDEN]
    last = np.zeros((sizes[-2], sizes[-1]), np.float32)
    return [np.ones(columns, np.float32), *weights, last, *biases, shares.astype(np.float32)]


def _forward(parameters: Any, x: NDArray[np.float32]) -> list[NDArray[Any]]:
    """What each layer is given, and the logits."""
    layers = len(HIDDEN) + 1
    out = [x * parameters[0]]
    for layer in range(layers):
        weights, bias = parameters[1 + layer], parameters[1 + layers + layer]
        z = (out[-1] @ weights) * np.float32(1 / np.sqrt(len(weights))) + bias
        if layer < layers - 1:  # SELU; exp of float32 has a vector form, expm1 has not
            below = np.exp(np.minimum(z, 0))
            below -= 1
            below *= SELU_BELOW
            np.maximum(z, 0, out=z)
            z *= SELU
            z += below
        out.append(z)
    return [*out[:-1], out[-1].astype(np.float64)]


def _gradients(parameters: Weights, x: NDArray[np.float32], truth: NDArray[np.float32], weight: Array) -> Weights:
    """Of the mean log loss, in the order of the parameters."""
    layers = len(HIDDEN) + 1
    given = _forward(parameters, x)
    back = ((softmax(given[-1]) - truth) * (weight / weight.sum())[:, None]).astype(np.float32)
    of_weights: Weights = []
    of_biases: Weights = []
    for layer in reversed(range(layers)):
        weights = parameters[1 + layer]
        scale = np.float32(1 / np.sqrt(len(weights)))
        of_biases.insert(0, back.sum(axis=0))
        of_weights.insert(0, (given[layer].T @ back) * scale)
        back = (back @ weights.T) * scale
        if layer > 0:
            h = given[layer]
            back = back * np.where(h > 0, SELU, h + SELU_BELOW)
    return [(back * x).sum(axis=0), *of_weights, *of_biases]
