"""The four counts of a binary decision, by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline.errors import InputError
from cutline.labels import Shown

Number = Any
"""An int or float, or an array of them with one entry a threshold."""


@dataclass(frozen=True, slots=True)
class Counts(Shown):
    """True and false positives, false and true negatives: numbers, or arrays over thresholds.

    Separate names instead of a 2 x 2 array, because which row and which column meant what has been argued about
    for as long as there have been such arrays.

    Parameters
    ----------
    tp, fp, fn, tn : int or float, or ndarray of shape (thresholds,)
        Counts, or sums of weights.

    Examples
    --------
    >>> import cutline as cl
    >>> cl.precision(cl.Counts(tp=90, fp=30, fn=20, tn=60))
    0.75
    """

    tp: Number
    fp: Number
    fn: Number
    tn: Number

    def __post_init__(self) -> None:
        for name in ("tp", "fp", "fn", "tn"):
            value = np.asarray(getattr(self, name))
            if value.dtype.kind not in "iuf" or not np.isfinite(value).all() or (value < 0).any():
                raise InputError(name, repr(getattr(self, name)), "a finite count >= 0")

    @property
    def positives(self) -> Number:
        """Tp + fn: rows of the positive class."""
        return self.tp + self.fn

    @property
    def negatives(self) -> Number:
        """Fp + tn: rows of the negative class."""
        return self.fp + self.tn

    @property
    def flagged(self) -> Number:
        """Tp + fp: rows decided positive."""
        return self.tp + self.fp

    @property
    def total(self) -> Number:
        """All rows."""
        return self.tp + self.fp + self.fn + self.tn

    def swapped(self) -> Counts:
        """The same decision seen from the negative class."""
        return Counts(tp=self.tn, fp=self.fn, fn=self.fp, tn=self.tp)

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.tp + other.tp, self.fp + other.fp, self.fn + other.fn, self.tn + other.tn)

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers or lists, by name."""
        return {name: np.asarray(getattr(self, name)).tolist() for name in ("tp", "fp", "fn", "tn")}


def class_counts(matrix: NDArray[Any]) -> Counts:
    """Every class against the rest, of confusion matrices of shape (..., k, k): counts of shape (..., k)."""
    tp = np.diagonal(matrix, axis1=-2, axis2=-1)
    # Sums of weights: a difference that should be 0 may come out as -1e-17.
    fp = np.maximum(matrix.sum(axis=-2) - tp, 0)
    fn = np.maximum(matrix.sum(axis=-1) - tp, 0)
    return Counts(tp, fp, fn, np.maximum(matrix.sum(axis=(-2, -1))[..., None] - tp - fp - fn, 0))


def from_matrix(matrix: NDArray[Any], k: int) -> Counts:
    """Class k against the rest, of a confusion matrix with truth in rows and decisions in columns."""
    each = class_counts(matrix)
    return Counts(*(getattr(each, name)[..., k][()].item() for name in ("tp", "fp", "fn", "tn")))
