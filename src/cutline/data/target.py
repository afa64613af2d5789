"""Labels out of a table: the target column as classes and codes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cutline.data.names import find_column
from cutline.data.parse import is_date, is_text, trimmed
from cutline.data.read import read_table
from cutline.errors import LabelError
from cutline.labels import MISSING, Classes

if TYPE_CHECKING:
    import pyarrow as pa

MOST_CLASSES = 1000
"""More distinct labels than this are no classes."""
MOST_FRACTIONS = 50
"""More distinct numbers with fractions than this are a quantity."""


class Target(NamedTuple):
    """The target column, read."""

    classes: Classes
    codes: NDArray[np.int32]
    """Shape (n,): position of the label among ``classes.names``, -1 where missing."""
    notes: tuple[str, ...]


def read_target(
    table: Any,
    target: str,
    positive: Any = None,
    *,
    order: Sequence[Any] | None = None,
    classes: Classes | None = None,
) -> Target:
    """The classes and the codes of a target column.

    Text labels are trimmed; None, nan and empty text are missing, counted and named in the notes. Booleans and
    integers stay what they are; dates become text.

    Parameters
    ----------
    table : anything `read_table` reads
        The rows.
    target : str
        The column of labels.
    positive : label, optional
        The positive class of a binary problem, as it is or as it is spelled: ``"1"`` finds the integer 1.
    order : sequence of labels, optional
        All classes from low to high, as they are or as they are spelled.
    classes : Classes, optional
        The classes of a fitted model, so that other rows get the same codes and may lack some class.

    Returns
    -------
    Target
        ``classes, codes, notes = read_target(...)``. Rows whose code is -1 are to be kept out by the caller.

    Raises
    ------
    UnknownName
        There is no such column.
    LabelError
        Fewer than two classes, so many distinct values that they are no classes, an unknown positive class, or a
        label that is none of `classes`.

    Examples
    --------
    >>> classes, codes, notes = read_target({"label": ["spam", " ham", None]}, "label", positive="spam")
    >>> classes
    Classes('ham', 'spam'; positive='spam')
    >>> codes
    array([ 1,  0, -1], dtype=int32)
    >>> notes
    ("target 'label': 1 of 3 rows has no label and is kept out: row 2 (the first is row 0)",)
    """
    labels = Labels.of(read_table(table), target, argument="target")
    notes = labels.missing_note(target)
    if classes is None:
        labels.check_classes(target)
        if len(labels.distinct) < 2:
            came = f"{len(labels.distinct)} class(es): {labels.distinct}"
            hint = "cells such as '', NA, ? and - of a CSV file count as missing" if notes else ""
            raise LabelError(f"target {target!r}", came, "at least two classes", hint)
        classes = Classes.from_truth(labels.distinct, by_spelling(positive, labels.distinct), argument="target")
        if order is not None:
            classes = _in_order(order, classes, labels.distinct)
        if classes.binary and positive is None and not classes.positive_is_plain:
            last = f"the last of {list(classes.names)} in sorted order"
            notes.append(f"positive class guessed: {classes.positive!r}, {last}")
        notes.extend(_twins(classes))
    else:
        labels = labels.spelled_as(classes.names, f"target {target!r}")
    codes = np.append(classes.encode(labels.distinct), np.int32(MISSING))
    return Target(classes, codes[labels.index], tuple(notes))


def _in_order(order: Sequence[Any], found: Classes, labels: Sequence[Any]) -> Classes:
    """The classes in the order declared."""
    names = read_names([order] if isinstance(order, str) else list(order), labels)
    if set(names) != set(found.names) or len(names) != len(found.names):
        raise LabelError("order", f"{names}", f"each of {list(found.names)} once", "from the lowest to the highest")
    return Classes(names, found.positive, ordered=True)


@dataclass(frozen=True, slots=True)
class Labels:
    """A column of labels: its distinct values and, for each row, which one it has."""

    distinct: list[Any]
    """Strings, integers, floats or booleans."""
    index: NDArray[np.int64]
    """Shape (n,): position in `distinct`, -1 where missing."""

    @classmethod
    def of(cls, table: pa.Table, name: str, *, argument: str) -> Labels:
        """Read the column; UnknownName when there is none, LabelError when its cells are no labels."""
        import pyarrow as pa
        import pyarrow.compute as pc

        column = table.column(find_column(name, table.column_names, argument=argument))
        if is_text(column):
            column = trimmed(column)
        elif is_date(column):
            column = column.cast(pa.string())
        elif pa.types.is_floating(column.type):
            column = pc.if_else(pc.is_finite(column), column, None)
        elif pa.types.is_nested(column.type):
            raise LabelError(f"{argument} {name!r}", f"cells of type {column.type}", "strings, numbers or booleans")
        elif pa.types.is_null(column.type):
            return cls([], np.full(len(column), -1))
        encoded = column.combine_chunks().dictionary_encode()
        index = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        return cls(encoded.dictionary.to_pylist(), index)

    def check_classes(self, name: str) -> None:
        """LabelError when there are so many distinct values that they are a quantity, an identifier or text."""
        values, rows = self.distinct, int((self.index >= 0).sum())
        numbers = all(isinstance(value, int | float) for value in values)
        broken = numbers and any(value != int(value) for value in values)
        several = len(values) > MOST_FRACTIONS
        if len(values) > MOST_CLASSES or (several and (broken or len(values) > rows / 2)):
            hint = "cutline sorts rows into classes: cut the number into bands first, or name another target"
            came = f"{len(values):,} distinct {'numbers' if numbers else 'values'} in {rows:,} rows"
            looks = "a quantity to predict (regression)" if numbers else "an identifier or text"
            raise LabelError(f"target {name!r}", f"{came}, which looks like {looks}", "a column of classes", hint)

    def missing_note(self, name: str) -> list[str]:
        """The sentence on rows without a label, if there are any."""
        rows = np.flatnonzero(self.index < 0)
        if not rows.size:
            return []
        shown = ", ".join(map(str, rows[:5])) + (", ..." if rows.size > 5 else "")
        has = "row" if rows.size == 1 else "rows"
        verb = "has no label and is" if rows.size == 1 else "have no label and are"
        return [
            f"target {name!r}: {rows.size:,} of {self.index.size:,} rows {verb} kept out: "
            f"{has} {shown} (the first is row 0)"
        ]

    def spelled_as(self, names: Sequence[Any], argument: str) -> Labels:
        """The same labels, as `names` has them: the integer 1 of a CSV file is the "1" of a text column.

        LabelError for a label that is none of them.
        """
        found = [by_spelling(label, names) for label in self.distinct]
        strange = [code for code, label in enumerate(found) if label not in names]
        if strange:
            rows = int(np.isin(self.index, strange).sum())
            shown = ", ".join(repr(found[code]) for code in strange[:5])
            known = ", ".join(map(repr, names[:10])) + (", ..." if len(names) > 10 else "")
            raise LabelError(argument, f"{rows:,} row(s) with unknown label(s) {shown}", f"labels among {known}")
        return Labels(found, self.index)

    def array(self) -> NDArray[Any]:
        """The labels, shape (n,); where some are missing, floats with nan or objects with None."""
        if not (self.index < 0).any():
            return np.array(self.distinct)[self.index]
        if self.distinct and all(type(label) in (int, float) for label in self.distinct):
            return np.array([*self.distinct, np.nan])[self.index]
        return np.array([*self.distinct, None], dtype=object)[self.index]


def by_spelling(label: Any, names: Sequence[Any]) -> Any:
    """The one of `names` that is spelled like `label`: "1" finds the integer 1, True finds "true".

    Only text finds a number or boolean, and the other way round; else `label` as it is.
    """
    if label is None or label in names:
        return label
    for name in names:
        if isinstance(name, str) != isinstance(label, str) and _spelled(name) == _spelled(label):
            return name
        if isinstance(name, str) and isinstance(label, str) and name == label.strip():
            return name
    return label


def read_names(names: Sequence[Any], labels: Sequence[Any]) -> list[Any]:
    """Declared class names as the labels have them: text that spells numbers becomes numbers where labels are such."""
    found = [by_spelling(name, labels) for name in names]
    if not labels or not all(type(label) in (int, float) for label in labels):
        return found
    try:
        return [float(name) if isinstance(name, str) else name for name in found]
    except ValueError:
        return found


def _spelled(label: Any) -> str:
    whole = isinstance(label, float) and label.is_integer()
    return str(int(label) if whole else label).strip().casefold()


def _twins(classes: Classes) -> list[str]:
    """Classes that differ in upper and lower case only: likely one class, misspelled."""
    folded = Counter(name.casefold() for name in classes.names if isinstance(name, str))
    return [
        f"classes {[name for name in classes.names if str(name).casefold() == twin]} differ in case only; "
        "if they are one class, mend the labels"
        for twin, times in folded.items()
        if times > 1
    ]
