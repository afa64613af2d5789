"""Logistic regression on the vectors that a pretrained network makes of texts or photos, beside the other columns."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from cutline.data import Features, Raw
from cutline.model.linear import AnyView, Linear, LinearPath, View, fit_path
from cutline.model.member import Array, Arrays, Deadline, Rows

ENCODERS = {"text": "cutline.data.sentences", "photo": "cutline.data.photos"}
"""Modules with ``encode(cells, check) -> float32 array (n, d)`` and ``missing() -> str``."""


def encoder(kind: str) -> Any:
    """The module that reads cells of a kind; loaded at first use."""
    return importlib.import_module(ENCODERS[kind])


def joined(features: Features, kind: str, check: Callable[[float], None] = lambda done: None) -> NDArray[np.float32]:
    """Vectors of the rows of all columns of a kind, side by side, shape (n, d)."""
    return np.concatenate([vectors(raw, check) for raw in features.raw if raw.kind == kind], axis=1)


def vectors(raw: Raw, check: Callable[[float], None] = lambda done: None) -> NDArray[np.float32]:
    """Vectors of the rows, shape (n, d); ``check(share that is done)`` is called now and then."""
    found: NDArray[np.float32] = raw.derived("vectors", lambda cells: encoder(raw.kind).encode(cells, check))
    return found


@dataclass(frozen=True, slots=True, eq=False)
class VectorView:
    """Columns of a design matrix: those of a plain view, and vectors, centred and on one scale.

    Rows without a vector stand at the mean. One scale for all columns is better than one for each by measurement: what
    varies little says little.

    Attributes
    ----------
    base : View
    kind : {"text", "photo"}
        Of the columns that are read.
    mean : ndarray, shape (d,)
        Of the vectors.
    spread : ndarray, shape ()
        Root mean square distance from the mean, over all columns.
    """

    base: View
    kind: str
    mean: NDArray[Any]
    spread: Array

    @classmethod
    def of(cls, features: Features, kind: str) -> VectorView:
        """Learn the view from training rows."""
        found = joined(features, kind)
        read = found[found.any(axis=1)]  # rows of zeros are missing, or could not be read
        mean = read.mean(axis=0) if len(read) else np.zeros(found.shape[1], found.dtype)
        spread = float(np.sqrt(np.square(read - mean).mean())) if len(read) else 0.0
        return cls(View.of(features, splines=False), kind, mean, np.array(spread or 1.0))

    def matrix(self, features: Features) -> Array:
        """The design matrix, shape (n, columns + d)."""
        found = joined(features, self.kind)
        scaled = np.where(found.any(axis=1, keepdims=True), (found - self.mean) / self.spread, 0.0)
        return np.concatenate([self.base.matrix(features), scaled], axis=1)

    def arrays(self) -> Arrays:
        """All there is to save."""
        return {**self.base.arrays(), "kind": np.array(self.kind), "mean": self.mean, "vector_spread": self.spread}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The inverse of `arrays`; other arrays may be beside its own."""
        return cls(View.from_arrays(arrays), str(arrays["kind"]), arrays["mean"], arrays["vector_spread"])


@dataclass(frozen=True, slots=True, eq=False)
class VectorLinear(Linear):
    """A fitted logistic regression on vectors."""

    kind: ClassVar[str] = "vectors"
    view_type: ClassVar[type[AnyView]] = VectorView


@dataclass(frozen=True, slots=True, eq=False)
class VectorPath(LinearPath):
    """One logistic regression on vectors for each penalty."""

    member: ClassVar[type[Linear]] = VectorLinear


EACH = {"text": 0.002, "photo": 0.005}
"""Seconds for a cell on a fast core, at least."""
STRENGTHS = (0.0001, 0.001, 0.01, 0.1, 1.0)
"""Inverse L2 strengths: vectors have hundreds of columns that each say a little."""


def fit_vectors(
    train: Rows, held: Rows, seed: int, deadline: Deadline, until: int | None = None, *, kind: str
) -> LinearPath:
    """A logistic regression on the vectors of all columns of a kind, and on the other columns."""
    view = VectorView.of(train.features, kind)
    return fit_path(VectorPath, view, train, held, deadline, STRENGTHS if until is None else STRENGTHS[: until + 1])


def prepare(rows: Rows, deadline: Deadline, *, kind: str) -> None:
    """Read all cells once, for all folds."""
    joined(rows.features, kind, deadline.check)


def expects(rows: Rows, took: Mapping[str, float], *, kind: str) -> float:
    """Seconds for a fold, of five, that it takes at least to read all cells."""
    return EACH[kind] * rows.n / 5


def refuses(rows: Rows, *, kind: str) -> str:
    """Why nobody could read them, or nothing."""
    return str(encoder(kind).missing())
