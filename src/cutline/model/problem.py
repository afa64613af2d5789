"""The labelled rows of a table, with what belongs to them, and what each is used for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline.data import column, infer_column, near_copies, read_table, read_target, read_times, screened, together
from cutline.errors import DataError, InputError, LabelError
from cutline.evidence import set_apart
from cutline.labels import MISSING, Classes
from cutline.model.member import Array

MIN_ROWS = 10
MIN_OF_CLASS = 3
"""Of a binary target: one to fit on, one to calibrate on, one to measure on."""
FOLDS = 5
MOST_COMPARED = 100_000
"""Rows above which copies of texts are not looked for."""


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """The labelled rows of a table.

    Attributes
    ----------
    table : pyarrow.Table
    codes : ndarray of int32, shape (n,)
        Class of each row.
    classes : Classes
    weight, groups, times : ndarray, shape (n,), or None
        Importance of each row; what it belongs to; when it was.
    units : ndarray of int, shape (n,), or None
        Rows of one unit stay on one side of every split: those of a group, and copies of each other.
    notes : tuple of str
    """

    table: Any
    codes: NDArray[np.int32]
    classes: Classes
    weight: Array | None
    groups: NDArray[Any] | None
    times: Array | None
    units: NDArray[Any] | None
    notes: tuple[str, ...]

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.codes)

    def take(self, keep: NDArray[np.bool_]) -> Problem:
        """Some of the rows."""
        import pyarrow as pa

        named = ("weight", "groups", "times", "units")
        more = {name: getattr(self, name)[keep] for name in named if getattr(self, name) is not None}
        return replace(self, table=self.table.filter(pa.array(keep)), codes=self.codes[keep], **more)


def read_problem(
    data: Any,
    target: str,
    positive: Any = None,
    order: Sequence[Any] | None = None,
    weight: str | None = None,
    groups: str | None = None,
    time: str | None = None,
    types: Mapping[str, str] | None = None,
    drop: Iterable[str] = (),
) -> Problem:
    """The rows that have a label and count."""
    if groups is not None and time is not None:
        raise InputError("groups", "groups and time", "one of them", "with time=, rows of the future are held out")
    table = read_table(data)
    classes, codes, said = read_target(table, target, positive, order=order)
    notes = list(said)
    weights = None if weight is None else _weights(table, weight)
    members = None if groups is None else _groups(table, groups)
    times = None if time is None else read_times(table, time)
    kinds = _kinds(table, {target, weight, groups, time, *drop}, types or {})
    seen = screened(table, kinds.get("photo", []))
    notes += seen.notes
    copies = _copies(table, kinds.get("text", []) + kinds.get("mail", []), notes)
    units = [each for each in (members, seen.groups, copies) if each is not None]
    keep = (codes != MISSING) & seen.keep
    if weights is not None:
        keep &= weights > 0
    if keep.sum() < MIN_ROWS:
        raise DataError("data", f"{int(keep.sum())} labelled row(s)", f"at least {MIN_ROWS}")
    found = Problem(table, codes, classes, weights, members, times, together(*units) if units else None, ()).take(keep)
    counts = np.bincount(found.codes, minlength=classes.k)
    rare = [f"{name!r} ({count})" for name, count in zip(classes.names, counts, strict=True) if count < 5]
    if classes.binary and counts.min() < MIN_OF_CLASS:
        few = classes.names[int(counts.argmin())]
        raise LabelError("target", f"{counts.min()} row(s) of {few!r}", f"at least {MIN_OF_CLASS} rows of each class")
    if rare:
        shown = ", ".join(rare[:5]) + (", ..." if len(rare) > 5 else "")
        notes.append(f"{len(rare)} class(es) with fewer than 5 rows: {shown}; their figures mean little")
    if members is not None:
        many = len(np.unique(members[keep]))
        if many < FOLDS:
            raise DataError("groups", f"{many} group(s)", f"at least {FOLDS}, one for each fold")
        notes.append(f"the rows belong to {many:,} groups ({groups}); a group is in one fold")
    if times is not None:
        notes.append(f"rows are held out forward in time ({time}): models never learn from what came later")
    return replace(found, notes=tuple(notes))


def _kinds(table: Any, others: set[str | None], types: Mapping[str, str]) -> dict[str, list[str]]:
    """Names of the columns of texts and of photos, by kind."""
    import pyarrow as pa

    found: dict[str, list[str]] = {}
    for name in table.column_names:
        kind = table.schema.field(name).type
        if name not in others and (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
            found.setdefault(infer_column(name, table.column(name), types.get(name)).kind, []).append(name)
    return found


def _copies(table: Any, names: Sequence[str], notes: list[str]) -> NDArray[np.int64] | None:
    """Rows whose texts are copies, nearly copies or answers to each other."""
    if not names or table.num_rows > MOST_COMPARED:
        return None
    found = together(*(near_copies([cell or "" for cell in table.column(name).to_pylist()]) for name in names))
    size = np.bincount(found)
    if size.max() == 1:
        return None
    count = int(size[size > 1].sum())
    notes.append(f"{count:,} rows have copies, near copies or answers among the texts: those stay in one fold")
    return found


def _weights(table: Any, name: str) -> Array:
    values = column(table, name, argument="weight")
    fine = values.dtype.kind in "iufb"
    if not fine or not (np.isfinite(values) & (values >= 0)).all() or not (values > 0).any():
        raise DataError("weight", f"missing, negative or no numbers in {name!r}", "finite weights of at least 0")
    return values.astype(np.float64)


def _groups(table: Any, name: str) -> NDArray[Any]:
    values = column(table, name, argument="groups")
    gone = sum(each is None or each != each for each in values.tolist())
    if gone:
        raise DataError("groups", f"{gone:,} row(s) without {name!r}", "the group of every row")
    return np.asarray(np.unique(values.astype(str), return_inverse=True)[1])


def roles_of(problem: Problem, certify: float, test: float, seed: int) -> NDArray[Any]:
    """Give each row its role, "tune", "certify" or "test", in shares of every class, of the units, or the latest."""
    roles = np.full(problem.n, "tune", dtype="<U7")
    if problem.times is not None:
        for role, share in (("certify", certify + test), ("test", test)):
            if share:
                roles[problem.times >= np.quantile(problem.times, 1 - share, method="higher")] = role
        return roles
    for number, (role, share) in enumerate((("certify", certify), ("test", test / (1 - certify)))):
        if not share:
            continue
        rest = np.flatnonzero(roles == "tune")
        if problem.units is None:
            picked = set_apart(problem.codes[rest], share, seed + number)
        else:
            names, member = np.unique(problem.units[rest], return_inverse=True)
            drawn = np.random.default_rng(seed + number).permutation(len(names))
            picked = drawn[member] < round(share * len(names))
        roles[rest[picked]] = role
    return roles
