"""`check_tables`: copies, leaks and unseen classes in the tables that a model is fitted and tried on."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cutline.checks import features
from cutline.checks.case import PART, Z
from cutline.checks.finding import Finding, Findings, Seen
from cutline.data import column, read_table, read_times
from cutline.errors import InputError, UnknownName
from cutline.labels import missing, read_labels
from cutline.scores import mixed

if TYPE_CHECKING:
    import pyarrow as pa

TRAPS = (
    ("CT08", "test rows that training has seen", "Test rows that are equal to rows of training in all columns"),
    (
        "CT08",
        "a column that knows the label",
        "A column whose ROC AUC, or balanced accuracy, is 0.995 or more on its own",
    ),
    (
        "CT10",
        "another prevalence than in training",
        "A class whose odds differ by a factor of 2 or more, beyond chance",
    ),
    ("CT12", "a class that training never saw", "Labels of the test that training lacks"),
    (
        "CT18",
        "copies of rows",
        "Rows that are equal to others of their table in all columns, where they hardly coincide",
    ),
    ("CT19", "groups or times on both sides", "Groups in both tables; test rows that came before the end of training"),
    ("CT20", "a bound on accuracy", "Equal rows with different labels, which no rule of these columns decides right"),
)
"""Code, name, and what is looked for."""
CODES = tuple(dict.fromkeys(code for code, _, _ in TRAPS))
FEW, SHARE = 3, 0.001
"""Fewest copies that are spoken of, and their least share of the rows: a few coincide in any large table."""
DIGITS, ENOUGH = 5, 3
"""Digits in which fractions have to agree, where at least so many columns have some."""
APART = 2.0
"""Odds ratio of a class in training and test from which it is said."""
CONTRARY = 0.01
"""Least share of the rows that no rule of these columns can decide right."""
ROW_NAMES = ("id", "index", "row", "row_id", "unnamed: 0", "")
"""Columns called so number the rows: copies differ in them."""


def check_tables(
    train: Any,
    test: Any = None,
    *,
    target: str,
    groups: str | None = None,
    time: str | None = None,
    drop: Iterable[str] = (),
    ignore: Collection[str] = (),
    seed: int = 0,
) -> Findings:
    """Look at the tables that a model is fitted and tried on, before it is.

    Parameters
    ----------
    train : path, frame or mapping
        The rows a model is fitted on.
    test : path, frame or mapping, optional
        The rows it is tried on, with the same columns.
    target : str
        The column to predict.
    groups : str, optional
        A column of what belongs together, such as the patient: no group may lie on both sides.
    time : str, optional
        A column of dates or numbers: the test rows have to come after all rows of training.
    drop : iterable of str
        Columns that are no features, such as row numbers; those called id or index are left out anyway.
    ignore : collection of str
        Codes to leave out.
    seed : int
        Of the halves that one table is tried on itself by.

    Returns
    -------
    Findings
        CT08 (test rows equal to training rows, a column that alone gives the label), CT10 (classes of other shares in
        the test), CT12 (a class unseen in training), CT18 (copies within a table), CT19 (groups or times on both sides)
        and CT20 (equal rows with different labels).

    Examples
    --------
    >>> import cutline as cl
    >>> train = {"x": [0.31, 0.72, 0.55, 0.18, 0.94, 0.43], "y": ["a", "b", "b", "a", "b", "a"]}
    >>> test = {"x": [0.72, 0.18, 0.94, 0.66], "y": ["b", "a", "b", "c"]}
    >>> found = cl.check_tables(train, test, target="y")
    >>> found.codes
    ('CT08', 'CT12')
    >>> found["CT08"].seen
    '3 of 4 test rows are equal to rows of training in all 1 columns'
    >>> found["CT08"].fix().num_rows
    1
    """
    ignore = [ignore] if isinstance(ignore, str) else list(ignore)
    for code in ignore:
        if code not in CODES:
            raise UnknownName.among("ignore", str(code), CODES)
    sides = {"train": read_table(train)} | ({} if test is None else {"test": read_table(test)})
    for name, table in sides.items():
        for wanted in filter(None, (target, groups, time)):
            if wanted not in table.column_names:
                raise InputError(name, f"no column {wanted!r}", f"one of {', '.join(table.column_names[:12])}")
    left = {target, groups, time, *([drop] if isinstance(drop, str) else drop)}
    seen = _detect(sides, target, groups, time, left, seed)
    found = [_finding(trap, one) for trap, one in seen if TRAPS[trap][0] not in ignore]
    ran = ["CT18", "CT20", "CT08"] + (["CT10", "CT12"] if test is not None else [])
    ran += ["CT19"] if test is not None and (groups or time) else []
    found.sort(key=lambda one: one.code)
    return Findings(tuple(found), tuple(sorted(code for code in ran if code not in ignore)))


def _finding(trap: int, seen: Seen) -> Finding:
    code, name, _ = TRAPS[trap]
    silence = f'cl.check_tables(..., ignore=["{code}"])'
    return Finding(code, name, seen.seen, seen.why, seen.fix_code, silence, seen.mend)


SEEN, COLUMN, PREVALENCE, UNSEEN, COPIES, SIDES, BOUND = range(len(TRAPS))


def _detect(
    sides: dict[str, pa.Table], target: str, groups: str | None, time: str | None, left: set[Any], seed: int
) -> Iterator[tuple[int, Seen]]:
    train, test = sides["train"], sides.get("test")
    shared = [n for n in train.column_names if n not in left and n.strip().lower() not in ROW_NAMES]
    shared = [n for n in shared if test is None or n in test.column_names]
    labels = {name: features.codes_of([table.column(target)])[0] for name, table in sides.items()}
    coded = Coded.of(list(sides.values()), shared)
    start = 0
    for name, table in sides.items():
        part = coded.take(start, start + table.num_rows)
        start += table.num_rows
        if (found := _copies(part, name, table, shared)) is not None:
            yield COPIES, found
        if (found := _contrary(part, name, labels[name])) is not None:
            yield BOUND, found
    for found in features.alone(list(sides.values()), shared, target, seed):
        yield COLUMN, found
    if test is None:
        return
    if (found := _both(coded, train, test, shared)) is not None:
        yield SEEN, found
    if (found := _unseen(train, test, target)) is not None:
        yield UNSEEN, found
    if (found := _prevalence(train, test, target)) is not None:
        yield PREVALENCE, found
    if groups is not None and (found := _groups(train, test, groups)) is not None:
        yield SIDES, found
    if time is not None and (found := _times(train, test, time)) is not None:
        yield SIDES, found


class Coded:
    """Rows by what is in their columns.

    Attributes
    ----------
    hashes : ndarray of uint64, shape (n,)
        Equal for rows that are equal in all columns.
    fine : bool
        True when a column hardly ever has a value twice among different rows: rows then do not coincide by chance.
    """

    def __init__(self, hashes: NDArray[np.uint64], fine: bool) -> None:
        self.hashes, self.fine = hashes, fine

    @classmethod
    def of(cls, tables: list[pa.Table], names: list[str]) -> Coded:
        """Rows of several tables, one after another."""
        hashes, keys = np.zeros(sum(table.num_rows for table in tables), dtype=np.uint64), []
        some = np.arange(PART) * len(hashes) // PART if len(hashes) > PART else np.arange(len(hashes))
        fractions = sum(features.is_fraction(features.numbers_of([tables[0].column(name)])) for name in names)
        for name in names:
            columns = [table.column(name) for table in tables]
            # Of one column alone five digits are soon the same by chance.
            found = features.keys_of(columns, DIGITS if fractions >= ENOUGH else 0)
            hashes = mixed(hashes ^ found)
            keys.append(found[some])
        first = np.unique(hashes[some], return_index=True)[1]
        fine = any(len(np.unique(found[first])) > len(first) / 2 for found in keys)
        return cls(hashes, fine and len(first) > 1)

    def take(self, start: int, stop: int) -> Coded:
        """Some of them."""
        return Coded(self.hashes[start:stop], self.fine)

    @property
    def repeated(self) -> NDArray[np.bool_]:
        """Where a row is equal to an earlier one, shape (n,)."""
        again = np.ones(len(self.hashes), dtype=bool)
        again[np.unique(self.hashes, return_index=True)[1]] = False
        return again


def _many(count: int, n: int) -> bool:
    return count >= FEW and count >= SHARE * n


def _copies(part: Coded, name: str, table: pa.Table, names: list[str]) -> Seen | None:
    again = part.repeated
    count = int(again.sum())
    if not (part.fine and _many(count, len(again))):
        return None
    return Seen(
        f"{count:,} of {len(again):,} rows of {name} are copies of another row there, in all {len(names)} columns",
        "copies fall on both sides of a split, so that figures are of rows that were learned by heart; and intervals "
        "take them for independent rows",
        f"{name} = finding.fix()  # the rows that are left: first of their kind",
        lambda: table.filter(_mask(~again)),
    )


def _contrary(part: Coded, name: str, labels: NDArray[np.int64]) -> Seen | None:
    """Equal rows with different labels: what no rule can decide right."""
    row = np.unique(part.hashes, return_inverse=True)[1].reshape(-1)
    k = int(labels.max()) + 2
    cells, counts = np.unique(row * k + labels + 1, return_counts=True)
    most = np.zeros(int(row.max()) + 1, dtype=np.int64)
    np.maximum.at(most, cells // k, counts)
    wrong = len(row) - int(most.sum())
    if not (part.fine and _many(wrong, len(row)) and wrong >= CONTRARY * len(row)):
        return None
    bound = 1 - wrong / len(row)
    return Seen(
        f"rows of {name} that are equal in all columns have different labels: no rule of these columns decides more "
        f"than {bound:.3f} of its {len(row):,} rows right",
        "labels are noisy or a column is missing; an accuracy above this bound is learned by heart, and models near it "
        "cannot be told apart by accuracy",
        f"cl.check(scores, label_noise={1 - bound:.3g})  # says whether an accuracy is above what labels allow",
    )


def _both(coded: Coded, train: pa.Table, test: pa.Table, names: list[str]) -> Seen | None:
    """Test rows that are equal to rows of training, more than rows of training are to each other."""
    one, two = coded.hashes[: train.num_rows], coded.hashes[train.num_rows :]
    there = np.isin(two, one)
    count = int(there.sum())
    if not coded.fine:
        kind, times = np.unique(one, return_counts=True)
        twins = float(times[times > 1].sum() / len(one)) if len(kind) else 0.0
        spread = np.sqrt(twins * (1 - twins) * (1 / len(one) + 1 / len(two)))
        if count / len(two) <= twins + 5 * spread + 0.05:
            return None
    if not names or not _many(count, len(two)):
        return None
    return Seen(
        f"{count:,} of {len(two):,} test rows are equal to rows of training in all {len(names)} columns",
        "figures on rows that were learned from say how well they are remembered, not how well others are predicted",
        "test = finding.fix()  # without the rows that training has",
        lambda: test.filter(_mask(~there)),
    )


def _mask(keep: NDArray[np.bool_]) -> Any:
    import pyarrow as pa

    return pa.array(keep)


def _unseen(train: pa.Table, test: pa.Table, target: str) -> Seen | None:
    one, two = features.codes_of([train.column(target), test.column(target)])
    new = np.setdiff1d(two[two >= 0], one)
    if not len(new):
        return None
    rows = np.isin(two, new)
    names = read_labels(column(test, target)[rows], argument=target).found
    shown = ", ".join(map(repr, names[:5]))
    return Seen(
        f"{int(rows.sum()):,} of {len(two):,} test rows are of class(es) that training lacks: {shown}",
        "no model predicts a class it never saw: all these rows will be wrong, and their log loss infinite",
        f"test = finding.fix()  # without them; or have rows of {names[0]!r} in training",
        lambda: test.filter(_mask(~rows)),
    )


def _prevalence(train: pa.Table, test: pa.Table, target: str) -> Seen | None:
    """The class whose share differs most between training and test."""
    sides = features.codes_of([train.column(target), test.column(target)])
    k = 1 + max(int(side.max()) for side in sides)
    counts = np.stack([np.bincount(side[side >= 0], minlength=k) for side in sides]).astype(np.float64)
    n = counts.sum(axis=1, keepdims=True)
    share, pooled = counts / n, counts.sum(axis=0) / n.sum()
    odds = np.log((counts + 0.5) / (n - counts + 0.5))
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.abs(share[0] - share[1]) / np.sqrt(pooled * (1 - pooled) * (1 / n).sum())
    apart = np.where((z > Z) & counts.all(axis=0), np.abs(odds[0] - odds[1]), 0.0)
    worst = int(apart.argmax())
    if apart[worst] < np.log(APART):
        return None
    name = column(test, target)[int(np.argmax(sides[1] == worst))]
    return Seen(
        f"{share[0, worst]:.3f} of the training rows are {name!r}, {share[1, worst]:.3f} of {int(n[1, 0]):,} test rows",
        "probabilities are learned at the one prevalence, precision, accuracy and F1 are measured at the other: which "
        "of them is that of use?",
        "# say which: cl.check(scores, prevalence=...), cl.shift_prior(scores, to=...)",
    )


def _groups(train: pa.Table, test: pa.Table, name: str) -> Seen | None:
    one, two = features.codes_of([train.column(name), test.column(name)])
    shared = np.intersect1d(one[one >= 0], two)
    if not len(shared):
        return None
    rows = np.isin(two, shared)
    return Seen(
        f"{len(shared):,} of {len(np.unique(two)):,} groups of the test rows ({name!r}) are in training as well: "
        f"{int(rows.sum()):,} of {len(two):,} rows",
        "rows of a group are alike: figures of groups that were learned from are better than those of new ones",
        f"test = finding.fix()  # new groups only; cl.fit(..., groups={name!r}) splits by group",
        lambda: test.filter(_mask(~rows)),
    )


def _times(train: pa.Table, test: pa.Table, name: str) -> Seen | None:
    one, two = read_times(train, name), read_times(test, name)
    last = one[~missing(one)].max()
    early = two <= last if (two[~missing(two)] == last).all() else two < last
    if not early.any():
        return None
    return Seen(
        f"{int(early.sum()):,} of {len(two):,} test rows came before the last row of training ({name!r})",
        "what happened later was learned from: in use only the past is known, and figures are worse",
        f"test = finding.fix()  # what came after training; cl.fit(..., time={name!r}) tries models on what came later",
        lambda: test.filter(_mask(~early)),
    )
