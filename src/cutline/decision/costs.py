"""What outcomes cost: fixed numbers, a matrix for several classes, or columns with a cost for each row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline.errors import InputError, ShapeError
from cutline.labels import as_array
from cutline.metrics import Counts

CELLS = ("fp", "fn", "tp", "tn")
NAMED = ("zero-one", "absolute", "quadratic")
"""Cost matrices by name: 1 for every mistake; the distance between ordered classes; its square."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What each outcome of a binary decision costs, in one unit of the user's; a gain is a negative cost.

    With `abstain`, a row may also be left undecided at that cost (Chow 1970).
    """

    fp: float
    fn: float
    tp: float = 0.0
    tn: float = 0.0
    abstain: float | None = None

    def __post_init__(self) -> None:
        for name in (*CELLS, "abstain"):
            value = getattr(self, name)
            if value is not None and not np.isfinite(value):
                raise InputError(name, repr(value), "a finite cost")
        if self.fp <= self.tn or self.fn <= self.tp:
            raise InputError(
                "cost",
                f"fp={self.fp:g}, tn={self.tn:g}, fn={self.fn:g}, tp={self.tp:g}",
                "fp > tn and fn > tp: mistakes must cost more than being right",
            )
        if self.abstain is not None and self.band is None:
            t = self.threshold
            raise InputError(
                "abstain",
                f"{self.abstain:g}",
                f"less than {t * self.tp + (1 - t) * self.fp:.4g}, what the most doubtful row costs when it is decided",
                "at this price nobody would abstain",
            )

    def of(self, counts: Counts) -> Any:
        """Mean cost a row."""
        total = self.tp * counts.tp + self.fp * counts.fp + self.fn * counts.fn + self.tn * counts.tn
        return total / counts.total

    @property
    def threshold(self) -> float:
        """Where acting and not acting cost the same, for calibrated probabilities (Elkan 2001)."""
        act, wait = self.fp - self.tn, self.fn - self.tp
        return act / (act + wait)

    @property
    def band(self) -> tuple[float, float] | None:
        """Probabilities between these two cost less undecided: negative below the first, positive from the second."""
        if self.abstain is None:
            return None
        low, high = (self.abstain - self.tn) / (self.fn - self.tn), (self.fp - self.abstain) / (self.fp - self.tp)
        return (low, high) if self.fn > self.tn and self.fp > self.tp and low < high else None

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {"cost": {name: getattr(self, name) for name in (*CELLS, "abstain")}}

    def __str__(self) -> str:
        parts = [f"fp={self.fp:g}", f"fn={self.fn:g}"]
        parts += [f"{name}={value:g}" for name, value in (("tp", self.tp), ("tn", self.tn)) if value]
        parts += [] if self.abstain is None else [f"abstain={self.abstain:g}"]
        return f"cost({', '.join(parts)})"


@dataclass(frozen=True, slots=True)
class CostMatrix:
    """Entry [i][j]: the cost of deciding class j for a row of class i; or one of `NAMED` for any number of classes."""

    matrix: tuple[tuple[float, ...], ...] | str
    abstain: float | None = None

    def of_classes(self, k: int) -> NDArray[np.float64]:
        """The matrix, shape (k, k)."""
        if isinstance(self.matrix, str):
            gap = np.abs(np.subtract.outer(np.arange(k), np.arange(k))).astype(np.float64)
            return {"zero-one": np.minimum(gap, 1.0), "absolute": gap, "quadratic": gap**2}[self.matrix]
        if len(self.matrix) != k:
            raise ShapeError("cost", f"a matrix of {len(self.matrix)} classes", f"one of {k}")
        return np.array(self.matrix)

    def binary(self, positive: int) -> Cost:
        """The four costs when there are two classes."""
        m, negative = self.of_classes(2), 1 - positive
        fp, fn = float(m[negative, positive]), float(m[positive, negative])
        return Cost(fp, fn, float(m[positive, positive]), float(m[negative, negative]), self.abstain)

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        named = isinstance(self.matrix, str)
        return {
            "cost_matrix": {"matrix": self.matrix if named else list(map(list, self.matrix)), "abstain": self.abstain}
        }

    def __str__(self) -> str:
        text = repr(self.matrix) if isinstance(self.matrix, str) else f"{len(self.matrix)} x {len(self.matrix)}"
        return f"cost(matrix={text}{'' if self.abstain is None else f', abstain={self.abstain:g}'})"


@dataclass(frozen=True, slots=True, eq=False)
class RowCosts:
    """Costs that differ from row to row: columns of shape (n,), aligned with the scores they are used with."""

    fp: NDArray[np.float64]
    fn: NDArray[np.float64]
    tp: NDArray[np.float64]
    tn: NDArray[np.float64]

    def __post_init__(self) -> None:
        for name in CELLS:
            column = getattr(self, name)
            if not np.isfinite(column).all():
                raise InputError(name, f"{int((~np.isfinite(column)).sum())} cost(s) that are not finite", "numbers")
            column.flags.writeable = False
        bad = int(((self.fp < self.tn) | (self.fn < self.tp)).sum())
        if bad:
            raise InputError("cost", f"{bad} row(s) where being right costs more than a mistake", "fp >= tn, fn >= tp")

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.fp)

    def take(self, rows: Any) -> RowCosts:
        """The costs of some rows."""
        return RowCosts(*(getattr(self, name)[rows] for name in ("fp", "fn", "tp", "tn")))

    def gain(self, p: NDArray[Any]) -> NDArray[np.float64]:
        """Expected cost saved by deciding positive, shape (n,), for calibrated probabilities `p`."""
        return np.asarray(p * (self.fn - self.tp) - (1 - p) * (self.fp - self.tn))

    def paid(self, truth: NDArray[np.bool_], flagged: NDArray[np.bool_]) -> NDArray[np.float64]:
        """What each row cost, shape (n,)."""
        return np.where(truth, np.where(flagged, self.tp, self.fn), np.where(flagged, self.fp, self.tn))

    def to_dict(self) -> dict[str, Any]:
        """The columns themselves belong to the rows and are not saved."""
        return {"row_costs": {"n": self.n}}

    def __str__(self) -> str:
        return f"cost(by row, {self.n:,} rows)"


def cost(
    *, fp: Any = None, fn: Any = None, tp: Any = 0.0, tn: Any = 0.0, matrix: Any = None, abstain: float | None = None
) -> Cost | CostMatrix | RowCosts:
    """What outcomes cost.

    Parameters
    ----------
    fp, fn, tp, tn : float or array-like of shape (n,)
        Cost of a false positive, a false negative and, where they are not free, of the right decisions. Arrays give
        every row its own costs.
    matrix : array-like, shape (k, k), or {"zero-one", "absolute", "quadratic"}, optional
        In their place for several classes: entry [i, j] is the cost of deciding class j for a row of class i.
    abstain : float, optional
        Cost of leaving a row undecided.

    Examples
    --------
    >>> import cutline as cl
    >>> cl.cost(fp=1, fn=25).threshold
    0.038461538461538464
    >>> cl.cost(fp=1, fn=4, abstain=0.5).band
    (0.125, 0.5)
    >>> print(cl.cost(matrix="absolute"))
    cost(matrix='absolute')
    """
    if abstain is not None and not np.isfinite(abstain):
        raise InputError("abstain", repr(abstain), "a finite cost")
    if matrix is not None:
        if fp is not None or fn is not None:
            raise InputError("matrix", "a matrix and fp= or fn=", "one of them")
        return CostMatrix(_matrix(matrix), abstain)
    if fp is None or fn is None:
        raise InputError("cost", "a cost that is not given", "both fp= and fn=, or matrix=")
    columns = {"fp": fp, "fn": fn, "tp": tp, "tn": tn}
    read = {name: np.asarray(as_array(np.atleast_1d(v), argument=name), np.float64) for name, v in columns.items()}
    if all(np.ndim(column) == 0 for column in columns.values()):
        return Cost(**{name: float(read[name][0]) for name in CELLS}, abstain=abstain)
    if abstain is not None:
        raise InputError("abstain", "a cost of abstaining beside costs by row", "fixed costs")
    lengths = {name: len(column) for name, column in read.items() if np.ndim(columns[name])}
    if len(set(lengths.values())) != 1:
        raise ShapeError("cost", f"columns of {lengths} rows", "equal lengths")
    n = next(iter(lengths.values()))
    return RowCosts(*(np.broadcast_to(read[name], n).copy() for name in ("fp", "fn", "tp", "tn")))


def cost_from_dict(saved: Mapping[str, Any]) -> Cost | CostMatrix | None:
    """The inverse of `to_dict`; None for anything else."""
    if "cost" in saved:
        return Cost(**saved["cost"])
    if "cost_matrix" in saved:
        about = saved["cost_matrix"]
        return CostMatrix(_matrix(about["matrix"]), about["abstain"])
    return None


def _matrix(given: Any) -> tuple[tuple[float, ...], ...] | str:
    if isinstance(given, str):
        if given not in NAMED:
            raise InputError("matrix", repr(given), f"a matrix, or one of {', '.join(NAMED)}")
        return given
    values = np.asarray(as_array(given, argument="matrix"), dtype=np.float64)
    if values.ndim != 2 or values.shape[0] != values.shape[1] or len(values) < 2:
        raise ShapeError("matrix", f"shape {values.shape}", "(k, k): a row for each true class")
    if not np.isfinite(values).all():
        raise InputError("matrix", "costs that are not finite", "numbers")
    if (values < np.diag(values)[:, None]).any() or (values.max(axis=1) <= np.diag(values)).any():
        raise InputError(
            "matrix",
            "a row whose mistakes cost less than, or the same as, being right",
            "in each row the least on the diagonal",
            "entry [i, j] is the cost of deciding class j for a row of class i",
        )
    return tuple(map(tuple, values.tolist()))
