"""Which rows a model of a fold learns from, and which it is tried on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cutline.errors import DataError

AGAIN = 5
"""Number of the fold drawn anew, after those of five."""


@dataclass(frozen=True, slots=True, eq=False)
class Folds:
    """Folds of rows, at random or forward in time.

    Attributes
    ----------
    of : ndarray of int, shape (n,)
        The fold in which each row is held out; -1 for rows that are only learned from.
    forward : bool
        Folds follow each other in time: a model learns from those before its own, not from all others.
    again : ndarray of bool, shape (n,), or None
        A fold drawn anew across the others: with a model for it, two models have not seen its rows.
    """

    of: NDArray[np.int64]
    forward: bool = False
    again: NDArray[np.bool_] | None = None

    @property
    def numbers(self) -> list[int]:
        """Numbers of the folds, from 0."""
        return [int(number) for number in np.unique(self.of[self.of >= 0])]

    @property
    def tried(self) -> NDArray[np.bool_]:
        """Rows that some model is tried on, shape (n,)."""
        return self.of >= 0

    @property
    def late(self) -> NDArray[np.bool_]:
        """Rows for weights and figures, shape (n,): all that are tried; forward in time the latest half of the folds.

        Models that learned from a sixth of the rows say little of those that learn from all.
        """
        numbers = self.numbers
        return self.of >= numbers[len(numbers) // 2] if self.forward else self.tried

    def held(self, number: int) -> NDArray[np.bool_]:
        """Rows held out in a fold."""
        if number == AGAIN and self.again is not None:
            return self.again
        return self.of == number

    def rest(self, number: int) -> NDArray[np.bool_]:
        """Rows that are learned from in a fold."""
        return self.of < number if self.forward else ~self.held(number)

    def take(self, pick: NDArray[np.bool_]) -> Folds:
        """The folds of some rows."""
        return Folds(self.of[pick], self.forward, None if self.again is None else self.again[pick])


def forward_folds(times: NDArray[np.float64], folds: int) -> Folds:
    """Cut time into ``folds + 1`` stretches of about as many rows; rows of one moment stay together.

    >>> forward_folds(np.array([5.0, 1, 2, 2, 4, 3]), 2).of
    array([ 1, -1,  0,  0,  1,  0])
    """
    order = np.sort(times)
    cuts = np.unique(order[[round(len(times) * part / (folds + 1)) for part in range(1, folds + 1)]])
    found = np.searchsorted(cuts, times, side="right") - 1
    numbers = np.unique(found)
    if len(numbers) < 3:
        came = f"{len(np.unique(times)):,} moment(s), of which few have most rows"
        raise DataError("time", came, "moments that cut the rows into at least 3 stretches")
    return Folds(np.searchsorted(numbers, found) - 1, forward=True)
