"""What a blend is made of: members, and the path of stages that the training of each went through."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from cutline.data import Features

Array = NDArray[np.float64]
Arrays = dict[str, NDArray[Any]]


CHUNK = 50_000
"""Rows predicted at a time: a design matrix of more would fill the memory."""
LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The time stamp of every entry (np.savez writes the current time), so that the same arrays give the same bytes."""


SURE, SURE_PART = 4.0, 0.3
"""Seconds of work, or the part of the time there is for it, from which its end may be foretold."""


class OutOfTime(Exception):
    """Training would go on after its deadline."""


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Features, class codes and weights of some rows: what a member learns from.

    Attributes
    ----------
    features : Features
    codes : ndarray of int, shape (n,)
    weight : ndarray of float64, shape (n,), or None
        Importance of each row.
    k : int
        Number of classes, whether or not all of them are among the rows.
    size : int
        Rows that a model of a fold learns from, about: settings follow it, so that stages mean the same in all folds.
    ordered : bool
        Whether the classes go from low to high.
    """

    features: Features
    codes: NDArray[Any]
    weight: Array | None
    k: int
    size: int
    ordered: bool = False

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.codes)

    def take(self, pick: NDArray[Any]) -> Rows:
        """Some of the rows."""
        weight = None if self.weight is None else self.weight[pick]
        return Rows(take(self.features, pick), self.codes[pick], weight, self.k, self.size, self.ordered)

    def log_loss(self, p: Array) -> float:
        """Mean -log of the probability of the true class, by weight."""
        return float(np.average(-np.log(p[np.arange(self.n), self.codes]), weights=self.weight))


def take(features: Features, pick: NDArray[Any]) -> Features:
    """The features of some rows."""
    raw = tuple(column.take(pick) for column in features.raw)
    return replace(features, numeric=features.numeric[pick], codes=features.codes[pick], raw=raw)


def smoothed(p: Array, n: int) -> Array:
    """Probabilities with 1/(n + 1) parts of the uniform distribution: n rows cannot make a class impossible."""
    mix = 1 / (n + 1)
    return np.asarray((1 - mix) * p / p.sum(axis=1, keepdims=True) + mix / p.shape[1])


class Member(Protocol):
    """A fitted model of one fold."""

    kind: ClassVar[str]

    def __call__(self, features: Features) -> Array:
        """Probabilities, shape (n, k)."""

    def arrays(self) -> Arrays:
        """All there is to save."""

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The inverse of `arrays`."""


def predicted(bag: Sequence[Sequence[Member]], found: Features, k: int, n_train: int) -> list[Array]:
    """The mean over folds of each member, shape (n, k) each."""
    outs = [np.empty((found.n, k)) for _ in bag]
    for start in range(0, found.n, CHUNK):
        part = take(found, np.arange(start, min(start + CHUNK, found.n)))
        for out, members in zip(outs, bag, strict=True):
            out[start : start + CHUNK] = np.mean([smoothed(member(part), n_train) for member in members], axis=0)
    return outs


class Path(Protocol):
    """The stages of one training: rounds of boosting, strengths of a penalty, steps of a network.

    Which stage to take is decided by the other folds, so that predictions of held-out rows flatter nobody.
    """

    @property
    def losses(self) -> Array:
        """Log loss of the held-out rows after each stage, shape (m,)."""

    def at(self, stage: int) -> Member:
        """The model after a stage."""

    def arrays(self) -> Arrays:
        """All there is to save."""

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The inverse of `arrays`."""


class Deadline:
    """Where training stops: an error after a moment (None: never), the end after so many stages (None: any)."""

    def __init__(self, seconds: float | None, stages: int | None = None) -> None:
        self.stages = stages
        self._start = time.monotonic()
        self._end = None if seconds is None else self._start + seconds

    @property
    def passed(self) -> bool:
        """Whether it is over."""
        return self._end is not None and time.monotonic() > self._end

    def check(self, done: float = 0.0) -> None:
        """Raise `OutOfTime` when it is over, or will be before work of which a part is done comes to its end."""
        if self.passed:
            raise OutOfTime
        took = time.monotonic() - self._start
        if self._end is None or not done:
            return
        there = self._end - self._start
        if took > min(SURE, SURE_PART * there) and took / done > there:
            raise OutOfTime


@dataclass(frozen=True, slots=True)
class Learner:
    """A way to train a member.

    Attributes
    ----------
    name, family : str
    path : type
        Of what `fit` gives.
    fit : callable
        ``fit(train, held, seed, deadline, until) -> Path``; no stage after `until` is needed, if it is given.
    refuses : callable
        ``refuses(rows) -> str``: why it is of no use for these rows, or nothing.
    expects : callable
        ``expects(rows, seconds of a fold of those before it) -> seconds`` that a fold will take at least.
    prepare : callable
        ``prepare(rows, deadline)``: derive what all folds share.
    reads : {"table", "text", "photo"}
        What it learns from: without such columns it is no candidate.
    ordered : bool
        It is for ordered classes alone.
    by_choice : bool
        It is no candidate unless its family is asked for.
    """

    name: str
    family: str
    path: Any
    fit: Callable[[Rows, Rows, int, Deadline, int | None], Path]
    refuses: Callable[[Rows], str] = lambda rows: ""
    expects: Callable[[Rows, Mapping[str, float]], float] = lambda rows, took: 0.0
    prepare: Callable[[Rows, Deadline], None] = lambda rows, deadline: None
    reads: Literal["table", "text", "photo"] = "table"
    ordered: bool = False
    by_choice: bool = False

    def applies(self, rows: Rows) -> bool:
        """Whether there is a column to read, and an order if need be; that a text has a length makes no table."""
        features, kinds = rows.features, [raw.kind for raw in rows.features.raw]
        if self.ordered and not rows.ordered:
            return False
        if self.reads != "table":
            return self.reads in kinds
        return features.numeric.shape[1] + features.codes.shape[1] > kinds.count("text")


def stages(losses: list[Array], *, forward: bool = False) -> list[int]:
    """The stage of each fold: the one that is best on average in the *other* folds, or in the one before it.

    >>> stages([np.array([3.0, 1.0, 2.0]), np.array([3.0, 2.0, 1.0]), np.array([3.0, 2.0, 1.0])])
    [2, 1, 1]
    """
    most = min(map(len, losses))
    table = np.stack([each[:most] for each in losses])
    if len(table) == 1:
        return [int(table[0].argmin())]
    if forward:  # the first has none before it: its own is taken, and no figure is made of its rows
        return [int(each.argmin()) for each in (table[0], *table[:-1])]
    others = (table.sum(axis=0) - table) / (len(table) - 1)
    return [int(each.argmin()) for each in others]


def npy(values: Any) -> bytes:
    """An array as the bytes of an .npy file."""
    out = io.BytesIO()
    np.lib.format.write_array(out, np.asarray(values, order="C"), allow_pickle=False)
    return out.getvalue()


def of_npy(content: bytes) -> NDArray[Any]:
    """The inverse of `npy`; nothing in it is executed."""
    return np.asarray(np.lib.format.read_array(io.BytesIO(content), allow_pickle=False))


def packed(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Arrays as the bytes of an .npz file, the same for the same arrays."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, values in arrays.items():
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", LONG_AGO), npy(values))
    return out.getvalue()


def unpacked(content: bytes) -> Arrays:
    """The inverse of `packed`; nothing in it is executed."""
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def as_bytes(text: str | bytes) -> NDArray[np.uint8]:
    """Text or bytes as an array."""
    return np.frombuffer(text.encode() if isinstance(text, str) else text, dtype=np.uint8)
