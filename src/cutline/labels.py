"""Class names, the positive class, and the encodings of truth.

No integer stands for a class at a public border unless the user's own labels are integers: `Classes`
is built once, from the data or by declaration, and every later object carries it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cutline.errors import LabelError, ShapeError

Label = str | int | float | bool

MISSING = -1
"""The code of a missing label."""
MANY = 20
"""Distinct numbers from which what was passed for labels may be scores."""


class Labelled(NamedTuple):
    """Labels read once: the distinct ones, sorted, and where each row's stands among them."""

    found: list[Label]
    codes: NDArray[Any] | None
    """The smallest integers that hold them, `MISSING` where a label is missing; None for one-hot rows."""


class Shown:
    """What shows its ``repr`` in a notebook, too."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        from html import escape

        return f"<pre>{escape(repr(self))}</pre>"


@dataclass(frozen=True, slots=True, repr=False)
class Classes(Shown):
    """The names of the classes in order, the positive one, and whether the order means something.

    Parameters
    ----------
    names : sequence of str, int, float or bool
        At least two distinct names. Column k of a score matrix belongs to ``names[k]``.
    positive : optional
        The positive class of a binary problem, one of `names`. None for more than two classes.
    ordered : bool
        True when the names are given from low to high.

    Raises
    ------
    LabelError
        Fewer than two names, a repeated name, or a positive class that is no name.

    Examples
    --------
    >>> from cutline import Classes
    >>> Classes(["ham", "spam"], positive="spam")
    Classes('ham', 'spam'; positive='spam')
    >>> Classes(["ham", "spam"], positive="spam").encode(["spam", "ham", "spam"])
    array([1, 0, 1], dtype=int32)
    """

    names: tuple[Label, ...]
    positive: Label | None = None
    ordered: bool = False

    def __init__(self, names: Iterable[Any], positive: Any | None = None, *, ordered: bool = False) -> None:
        names = tuple(_plain(name) for name in names)
        if len(names) < 2:
            raise LabelError("classes", f"{len(names)} name(s): {list(names)}", "at least two classes")
        if len(set(names)) < len(names):
            twice = next(name for i, name in enumerate(names) if name in names[:i])
            raise LabelError("classes", f"the name {twice!r} twice", "distinct names")
        if positive is not None:
            if len(names) > 2:
                raise LabelError(
                    "positive",
                    f"{positive!r} with {len(names)} classes",
                    "None",
                    "scores.one_vs_rest(name) gives the binary view of one class",
                )
            positive = _lookup("positive", positive, names)
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "positive", positive)
        object.__setattr__(self, "ordered", bool(ordered))

    @classmethod
    def from_truth(cls, y_true: Any, positive: Any | None = None, *, argument: str = "y_true") -> Classes:
        """Read the classes off truth: its distinct values, sorted; missing values aside.

        With two classes and no `positive` given, the positive one is True or 1 where the names are
        False/True, 0/1 or -1/1; else the last in sorted order, as scikit-learn takes it: a guess.
        """
        return cls.from_found(distinct(y_true), positive, argument=argument)

    @classmethod
    def from_found(cls, found: list[Label], positive: Any | None = None, *, argument: str = "y_true") -> Classes:
        """`from_truth` of distinct labels that were read before."""
        if positive is not None and len(found) == 1 and _find(positive, found) is None:
            found = sorted([*found, _plain(positive)], key=_sort_key)
        if len(found) < 2:
            raise LabelError(
                argument,
                f"{len(found)} class(es): {found}",
                "at least two classes",
                "name all of them with classes= when a part of the data lacks one",
                code="CT13",
            )
        if len(found) > 2:
            return cls(found, positive)
        return cls(found, found[-1] if positive is None else positive)

    @property
    def k(self) -> int:
        """Number of classes."""
        return len(self.names)

    @property
    def binary(self) -> bool:
        """True for two classes with a positive one."""
        return self.positive is not None

    @property
    def negative(self) -> Label:
        """The class that is not the positive one (binary problems only)."""
        if self.positive is None:
            raise LabelError("classes", f"{self.k} classes without a positive one", "a binary problem")
        return self.names[1 - self.names.index(self.positive)]

    @property
    def positive_is_plain(self) -> bool:
        """True when the positive class needs no naming: True of False/True, 1 of 0/1 or of -1/1."""
        return self.positive is not None and self.positive == 1 and self.negative in (0, -1)

    def index(self, name: Any) -> int:
        """Position of `name` in `names`; LabelError when it is none of them."""
        return self.names.index(_lookup("class", name, self.names))

    def encode(self, y: Any, *, argument: str = "y_true") -> NDArray[np.int32]:
        """Codes of labels: index i of the result is the position of label i in `names`, -1 for missing.

        Reads string, number and boolean labels, and one-hot rows of shape (n, k).

        Raises
        ------
        LabelError
            A label that is none of `names`, or a row that is not one-hot.
        """
        return self.codes(read_labels(y, argument=argument), y, argument=argument).astype(np.int32)

    def codes(self, read: Labelled, y: Any, *, argument: str = "y_true") -> NDArray[Any]:
        """`encode` of labels that were read before, in the smallest integers that hold the codes."""
        if read.codes is None:
            return self.from_one_hot(y, argument=argument).astype(_smallest(self.k))
        where = [_find(name, self.names) for name in read.found]
        if None in where:
            unknown = [i for i, w in enumerate(where) if w is None]
            strange = [read.found[i] for i in unknown]
            shares = are_fractions(strange)
            shifted = strange == [self.k] and self.names == tuple(range(self.k)) and 0 not in read.found
            hint = "labels and class names are compared by value and type: '1' is not 1"
            raise LabelError(
                argument,
                f"{int(np.isin(read.codes, unknown).sum())} row(s) with unknown label(s) "
                f"{_shown([read.found[i] for i in unknown])}",
                f"labels among {_shown(self.names)}",
                "these look like probabilities, which are no labels"
                if shares
                else "count them from 0"
                if shifted
                else hint,
                code=("CT04" if argument == "y_true" else "CT01") if shares else "CT05" if shifted else "CT12",
            )
        if where == list(range(len(where))):
            return read.codes.astype(_smallest(self.k))
        return np.array([*where, MISSING], dtype=_smallest(self.k))[read.codes]

    def decode(self, codes: Any) -> NDArray[Any]:
        """Labels of codes, the inverse of `encode`; a missing code gives None (object array)."""
        codes = np.asarray(codes)
        values = np.array(self.names)
        if values.dtype.kind in "US" or not all(type(n) is type(self.names[0]) for n in self.names):
            values = np.array([*self.names, None], dtype=object)
            return values[codes]
        if (codes == MISSING).any():
            return np.array([*self.names, None], dtype=object)[codes]
        return values[codes]

    def to_one_hot(self, y: Any) -> NDArray[np.float64]:
        """Rows of zeros with a one in the column of the label, shape (n, k): Keras' ``to_categorical``."""
        codes = self.encode(y)
        if (codes == MISSING).any():
            raise LabelError("y", f"{int((codes == MISSING).sum())} missing label(s)", "a label in every row")
        out = np.zeros((codes.size, self.k))
        out[np.arange(codes.size), codes] = 1.0
        return out

    def from_one_hot(self, rows: Any, *, argument: str = "y_true") -> NDArray[np.int32]:
        """Codes of one-hot rows of shape (n, k); LabelError for a row that is not one-hot.

        Columns with names (of a frame) are matched by name, others by the order of `names`.
        """
        values = as_array(rows, argument=argument)
        if values.dtype.kind not in "biuf" or (values.dtype.kind == "f" and np.isnan(values).any()):
            raise LabelError(
                argument,
                f"rows of {values.dtype}, shape {values.shape}, that are not one-hot",
                "labels of shape (n,), or one-hot rows",
            )
        if named := column_names(rows):
            place = {str(name): k for k, name in enumerate(named)}
            if sorted(place) != sorted(map(str, self.names)):
                raise LabelError(argument, f"one-hot columns {named}", f"the class names {_shown(self.names)}")
            values = values[:, [place[str(name)] for name in self.names]]
        if values.ndim != 2 or values.shape[1] != self.k:
            raise ShapeError(argument, f"shape {values.shape}", f"one-hot rows of shape (n, {self.k})")
        good = ((values == 0) | (values == 1)).all(axis=1) & (values.sum(axis=1) == 1)
        if not good.all():
            shares = argument != "y_true" and ((values >= 0) & (values <= 1)).all() and (values % 1 != 0).any()
            raise LabelError(
                argument,
                f"{int((~good).sum())} row(s) that are not one-hot, the first at row {int((~good).argmax())}",
                "exactly one 1 in every row",
                "these look like probabilities, which are no labels"
                if shares
                else "several ones in a row is a multi-label problem",
                code="CT01" if shares else "CT05",
            )
        return values.argmax(axis=1).astype(np.int32)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"names": list(self.names), "positive": self.positive, "ordered": self.ordered}

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> Classes:
        """The inverse of `to_dict`."""
        return cls(saved["names"], saved["positive"], ordered=saved["ordered"])

    def __repr__(self) -> str:
        text = ", ".join(map(repr, self.names)) if self.k <= 8 else _shown(self.names)
        tail = f"; positive={self.positive!r}" if self.binary else ""
        return f"Classes({text}{tail}{'; ordered' if self.ordered else ''})"


def are_fractions(names: Sequence[Any]) -> bool:
    """Whether they are numbers from 0 to 1, not all of them whole, as probabilities are."""
    numbers = all(isinstance(name, int | float) and 0 <= name <= 1 for name in names)
    return numbers and any(isinstance(name, float) for name in names)


def are_scores(names: Sequence[Any], labels: Sequence[Any]) -> bool:
    """Whether they are numbers with fractions where labels have none, or far more numbers than there are labels."""
    if not all(isinstance(name, int | float) for name in (*names, *labels)):
        return False
    broken = any(name % 1 for name in names) and not any(label % 1 for label in labels)
    return len(names) > MANY and (broken or len(names) > 3 * len(labels))


def column_names(values: Any) -> list[Any]:
    """The column names of a frame, as they are; empty for anything without named columns."""
    names = getattr(values, "column_names", None)
    if names is None:
        names = getattr(values, "columns", None)
    return [] if names is None or isinstance(values, np.ndarray) else list(names)


def as_array(values: Any, *, argument: str = "values") -> NDArray[Any]:
    """A NumPy array of any column-like: lists, NumPy, pandas, polars, Arrow, torch; a frame gives its columns.

    Masked entries of a masked array become missing (None).
    """
    if isinstance(values, np.ma.MaskedArray):
        plain = np.array(values.data, dtype=object)
        plain[np.ma.getmaskarray(values)] = None
        return plain
    if hasattr(values, "detach"):  # torch tensors refuse __array__ while they track gradients
        values = values.detach().cpu()
    if hasattr(values, "combine_chunks"):  # a chunked Arrow column has no plain __array__ for strings
        values = values.combine_chunks()
    if hasattr(values, "to_numpy"):
        try:
            found = np.asarray(values.to_numpy(zero_copy_only=False))
        except TypeError:
            found = np.asarray(values.to_numpy())
        # Integers beside missing ones come as floats, which hold no integer above 2^53.
        kind = str(getattr(values, "dtype", ""))
        whole = found.dtype.kind == "f" and np.nanmax(np.abs(found), initial=0) >= 2**53
        return np.array(list(values), dtype=object) if whole and "int" in kind.lower() else found
    if names := column_names(values):
        return np.column_stack([as_array(values[name]) for name in names])
    try:
        array = np.asarray(values)
    except ValueError:
        raise ShapeError(argument, "rows of different lengths", "one value, or k values, in every row") from None
    if array.dtype.kind in "US" and isinstance(values, Sequence) and not all(isinstance(v, str) for v in values):
        array = np.asarray(values, dtype=object)  # NumPy would spell [1, "a"] as ["1", "a"]
    return array


def missing(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Where a label is missing: None, nan, NaT or pandas' NA."""
    if values.dtype.kind == "f":
        return np.isnan(values)
    if values.dtype.kind in "mM":
        return np.isnat(values)
    if values.dtype.kind != "O":
        return np.zeros(values.shape, dtype=bool)
    kinds = set(map(type, values.ravel().tolist()))
    if kinds <= {str, type(None)}:
        return np.asarray(values == np.array(None), dtype=bool)
    # nan and NaT differ from themselves; pandas' NA answers a comparison with NA, which has no truth value.
    return np.array([v is None or type(v).__name__ in ("NAType", "NaTType") or v != v for v in values], dtype=bool)


def read_labels(y: Any, *, argument: str = "y_true") -> Labelled:
    """Read a column of labels, or of one-hot rows, whose distinct labels are its column names, or 0..k-1."""
    values = as_array(y, argument=argument)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim == 2:
        return Labelled([_plain(name) for name in column_names(y)] or list(range(values.shape[1])), None)
    if values.ndim != 1:
        raise ShapeError(argument, f"shape {values.shape}", "one label a row, shape (n,)")
    gone = missing(values)
    whole = not gone.any()
    found, inverse = _factor(_comparable(values if whole else values[~gone], argument))
    names: list[Label] = [_plain(name) for name in found]
    order = sorted(range(len(names)), key=lambda i: _sort_key(names[i]))
    codes = inverse
    if order != list(range(len(names))):
        codes = np.argsort(order).astype(_smallest(len(names)))[inverse]
    if not whole:
        codes = np.full(values.shape, MISSING, dtype=_smallest(len(names)))
        codes[~gone] = np.argsort(order)[inverse]
    return Labelled([names[i] for i in order], codes)


def distinct(y: Any, *, argument: str = "y_true") -> list[Label]:
    """The distinct labels, sorted, missing ones aside. One-hot rows give their column names, or 0..k-1."""
    return read_labels(y, argument=argument).found


def _smallest(k: int) -> Any:
    """Signed integers for the codes of k classes, and for the missing one."""
    return np.int8 if k < 2**7 else np.int16 if k < 2**15 else np.int32


def _factor(values: NDArray[Any]) -> tuple[list[Any], NDArray[Any]]:
    """Distinct values, and for each value its place among them: np.unique without the sort of all rows."""
    if values.dtype.kind in "biuf" and values.size:
        with np.errstate(invalid="ignore"):
            whole = values.astype(np.int8)
            if values.dtype.kind != "b" and not (whole == values).all():
                whole = values.astype(np.int64)
        low, high = int(whole.min()), int(whole.max())
        named: type = bool if values.dtype.kind == "b" else int
        if (low, high) == (0, 1) and whole.dtype == np.int8:
            return [named(0), named(1)], whole
        # A table of that many flags is cheaper than a sort.
        if high - low < 1 << 20 and (whole.dtype == np.int8 or np.array_equal(whole, values)):
            offset = whole.astype(np.intp) - low
            seen = np.zeros(high - low + 1, dtype=bool)
            seen[offset] = True
            rank = (np.cumsum(seen) - 1).astype(_smallest(int(seen.sum())))
            return [named(low + i) for i in np.flatnonzero(seen)], rank[offset]
    if values.dtype.kind in "US" and values.size:
        return _factor_text(values)
    found, inverse = np.unique(values, return_inverse=True)
    return found.tolist(), inverse.astype(_smallest(len(found)))


def _factor_text(values: NDArray[Any], passes: int = 16) -> tuple[list[Any], NDArray[Any]]:
    """`_factor` of strings: one comparison of all rows for each of a few distinct ones, else a dictionary."""
    found: list[Any] = []
    codes = np.full(values.shape, MISSING, dtype=np.int8)
    while len(found) < passes:
        first = int(codes.argmin())
        if codes[first] != MISSING:
            return found, codes
        codes[values == values[first]] = len(found)
        found.append(values[first].item())
    place: dict[Any, int] = {}
    rows = [place.setdefault(value, len(place)) for value in values.tolist()]
    return list(place), np.array(rows, dtype=_smallest(len(place)))


def _comparable(values: NDArray[Any], argument: str) -> NDArray[Any]:
    """An array of one type, so that 1 and "1" are not mixed up."""
    if values.dtype.kind != "O":
        return values
    kinds = {type(v) for v in values.tolist()}
    if kinds and all(issubclass(k, str) for k in kinds):
        return values.astype(str)
    if kinds <= {bool, np.bool_}:
        return values.astype(bool)
    if all(issubclass(k, int | np.integer | np.bool_) for k in kinds):
        return values.astype(np.int64)
    if all(issubclass(k, int | float | np.number | np.bool_) for k in kinds):
        return values.astype(float)
    raise LabelError(
        argument,
        f"labels of mixed types: {', '.join(sorted(k.__name__ for k in kinds))}",
        "labels of one type",
        "convert them, for example with [str(v) for v in y]",
    )


def _plain(name: Any) -> Label:
    """A Python value of a NumPy one; whole floats stay floats only when the data has fractions."""
    if isinstance(name, np.generic):
        name = name.item()
    if isinstance(name, bytes):
        name = name.decode()
    if isinstance(name, float) and name.is_integer():
        name = int(name)
    if not isinstance(name, str | int | float | bool) or name != name:
        raise LabelError("class", f"{name!r} of type {type(name).__name__}", "a string, number or boolean")
    return name


def _sort_key(name: Label) -> tuple[bool, Any]:
    return isinstance(name, str), name


def _find(name: Any, names: Sequence[Label]) -> int | None:
    """Position of `name` in `names`, compared by value: 1, 1.0 and True are the same class, "1" is not."""
    try:
        return list(names).index(_plain(name))
    except ValueError:
        return None


def _lookup(argument: str, name: Any, names: Sequence[Label]) -> Label:
    where = _find(name, names)
    if where is None:
        hint = ""
        spelled = {str(n).strip().casefold(): n for n in names}
        if near := get_close_matches(str(name).strip().casefold(), spelled, n=1):
            hint = f"did you mean {spelled[near[0]]!r}"
        raise LabelError(argument, repr(name), f"one of {_shown(names)}", hint)
    return names[where]


def _shown(names: Sequence[Any], most: int = 6) -> str:
    text = ", ".join(map(repr, names[:most]))
    return f"[{text}{f', ... {len(names) - most} more' if len(names) > most else ''}]"
