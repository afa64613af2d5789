"""Columns of texts and photos: their cells, and what is derived from each of them once for all rows."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Raw:
    """Some rows of a column of texts or photos.

    Attributes
    ----------
    name : str
        The column.
    kind : {"text", "photo"}
        What its cells are: texts, or paths of photos.
    cells : ndarray of object, shape (all rows,)
        Strings, "" where missing.
    rows : ndarray of int, shape (n,)
        Which of the cells are meant: row i is ``cells[rows[i]]``.
    """

    name: str
    kind: Literal["text", "photo"]
    cells: NDArray[Any]
    rows: NDArray[np.int64]
    _derived: dict[Any, Any] = field(default_factory=dict)
    _lock: Any = field(default_factory=threading.RLock)

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.rows)

    def take(self, pick: NDArray[Any]) -> Raw:
        """Some of the rows; what was derived is shared."""
        return Raw(self.name, self.kind, self.cells, self.rows[pick], self._derived, self._lock)

    def derived(self, key: Any, make: Callable[[NDArray[Any]], Any]) -> Any:
        """Rows of ``make(cells)``, an array or sparse matrix with one row for each cell; made once for each key."""
        return self.shared(("rows", key), make)[self.rows]

    def shared(self, key: Any, make: Callable[[NDArray[Any]], Any]) -> Any:
        """What ``make(cells)`` gives, made once for each key."""
        with self._lock:
            if key not in self._derived:
                self._derived[key] = make(self.cells)
        return self._derived[key]

    def __repr__(self) -> str:
        return f"Raw({self.name!r}, {self.n:,} {self.kind}s)"
