"""Truth and scores, checked once, frozen. The only place where user arrays are validated."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

import numpy as np
from numpy.typing import NDArray

from cutline import core
from cutline.errors import GuessWarning, InputError, LabelError, ScoreError, ShapeError, UnknownName
from cutline.labels import (
    MISSING,
    Classes,
    Labelled,
    Shown,
    are_fractions,
    are_scores,
    as_array,
    column_names,
    distinct,
    missing,
    read_labels,
)

Kind = Literal["probability", "logit", "rank", "label"]
Role = Literal["", "train", "tune", "certify", "test", "out-of-fold", "in-sample"]

SKETCH = 1024
"""Row hashes a fingerprint keeps to estimate overlap; for sets of equal size the error is at most about 3 %."""


MOST_FRACTIONS = 20
"""Distinct labels from 0 to 1 that are no whole numbers, beyond which they are taken for scores."""


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Scores(Shown):
    """Truth beside the scores of any model.

    Parameters
    ----------
    y_true : array-like, shape (n,) or one-hot (n, k), optional
        Labels: strings, numbers, booleans or one-hot rows; missing ones (None, nan) are kept and counted.
        What needs truth refuses by name when there is none.
    y_score : array-like, shape (n,), (n, 1) or (n, k), or a frame or mapping with a column for each class
        Binary: the score of the positive class, or one column for each class. Higher means more positive.
        Columns with names are matched by class name (``spam`` or ``p_spam``), others by the order of `classes`.
    positive : label, optional
        The positive class of a binary problem. Without it 1 of 0/1 and True of False/True is taken silently,
        and the last of any other two with a `GuessWarning`.
    classes : Classes or sequence of labels, optional
        The class names in order of the columns of `y_score`. Read off truth, sorted, when not given.
    kind : {"probability", "logit", "rank", "label"}, optional
        What the score is. When not given it is guessed, and the guess stands in `notes`.
    weight : array-like, shape (n,), optional
        Non-negative importance weights. A row of weight 0 does not count.
    groups : array-like, shape (n,), optional
        Clusters: rows that share one are not independent.
    slices : mapping of str to array-like of shape (n,), optional
        Named partitions of the rows, for figures by slice.
    ids : array-like, shape (n,), optional
        Row identifiers, so that two sets of rows can be told to overlap.
    role : str, optional
        What the rows were used for: "train", "tune", "certify", "test", "out-of-fold".

    Raises
    ------
    ShapeError, LabelError, ScoreError
        With the argument, what came, what was wanted and a hint.

    Examples
    --------
    >>> import cutline as cl
    >>> cl.Scores(y_true=["ham", "spam", "spam"], y_score=[0.2, 0.9, 0.6], positive="spam", kind="probability")
    Scores(3 rows, 2 'spam', probability)
    """

    truth: NDArray[Any] | None
    """Codes of the labels (index into ``classes.names``), -1 where missing; None when no truth was given.

    The smallest signed integers that hold the codes: int8 up to 127 classes.
    """
    score: NDArray[Any]
    """Binary: shape (n,), the score of the positive class. Else shape (n, k). For kind "label": codes, shape (n,)."""
    classes: Classes
    kind: Kind
    weight: NDArray[np.float64] | None
    groups: NDArray[Any] | None
    slices: Mapping[str, NDArray[Any]]
    ids: NDArray[Any] | None
    role: Role
    notes: tuple[str, ...]
    """The guesses that were made, as sentences."""

    def __init__(
        self,
        *,
        y_score: Any,
        y_true: Any = None,
        positive: Any = None,
        classes: Any = None,
        kind: Kind | None = None,
        weight: Any = None,
        groups: Any = None,
        slices: Mapping[str, Any] | None = None,
        ids: Any = None,
        role: Role = "",
    ) -> None:
        notes: list[str] = []
        if kind is not None and kind not in get_args(Kind):
            raise UnknownName.among("kind", str(kind), get_args(Kind))
        if role not in get_args(Role):
            raise UnknownName.among("role", str(role), get_args(Role))
        columns, named = _columns(y_score)
        read = None if y_true is None else read_labels(y_true)
        known = _classes(read, columns, named, positive, classes, kind, notes)
        codes = None if read is None else known.codes(read, y_true)
        if columns.ndim == 2 and columns.shape[1] == 1:
            columns = columns[:, 0]
        if named and columns.ndim == 2:
            columns = columns[:, _by_name(named, known)]
        elif known.binary and named and named[0] in (str(known.negative), f"p_{known.negative}"):
            raise ScoreError(
                "y_score",
                f"the column {named[0]!r}",
                f"the score of the positive class {known.positive!r}",
                f"pass 1 - {named[0]}, or the columns of both classes",
                code="CT04",
            )
        checked_kind, score = _score(columns, known, kind, notes)
        n = score.shape[0]
        if n == 0:
            raise ShapeError("y_score", "no rows", "at least one row")
        values: dict[str, Any] = {
            "truth": _rows("y_true", codes, n),
            "score": score,
            "classes": known,
            "kind": checked_kind,
            "weight": _rows("weight", _weight(weight), n),
            "groups": None if groups is None else _column("groups", groups, n),
            "slices": {str(k): frozen(_column(f"slices[{k!r}]", v, n)) for k, v in (slices or {}).items()},
            "ids": None if ids is None else _column("ids", ids, n),
            "role": role,
            "notes": tuple(notes),
        }
        for name, value in values.items():
            object.__setattr__(self, name, frozen(value) if isinstance(value, np.ndarray) else value)
        if weight is not None and self.weight is not None and not (self.weight > 0).any():
            raise InputError("weight", "weights that are all zero", "at least one positive weight")

    @property
    def n(self) -> int:
        """Number of rows, those without truth included."""
        return int(self.score.shape[0])

    @property
    def binary(self) -> bool:
        """True for two classes with a positive one."""
        return self.classes.binary

    @property
    def n_missing(self) -> int:
        """Rows whose label is missing."""
        return self.n if self.truth is None else int(np.count_nonzero(self.truth == MISSING))

    @property
    def is_positive(self) -> NDArray[np.bool_]:
        """Binary truth: True where the label is the positive class."""
        if self.classes.positive is None:
            raise LabelError("classes", repr(self.classes), "a binary problem", "use one_vs_rest(name)")
        return self._truth("is_positive") == self.classes.index(self.classes.positive)

    @property
    def n_pos(self) -> int:
        """Rows of the positive class (binary problems)."""
        return int(np.count_nonzero(self.is_positive))

    @property
    def probability(self) -> NDArray[np.float64]:
        """Probabilities: as they came, or the sigmoid (binary) or softmax of logits; float64.

        Shape (n,) for binary problems, the probability of the positive class; else (n, k).

        Raises
        ------
        ScoreError
            For kind "rank" and "label", which are no probabilities.
        """
        if self.kind == "probability":
            return np.asarray(self.score, dtype=np.float64)
        if self.kind == "logit":
            z = np.asarray(self.score, dtype=np.float64)
            return sigmoid(z) if self.binary else softmax(z)
        raise ScoreError(
            "y_score",
            f"scores of kind {self.kind!r}",
            "probabilities or logits",
            "declare kind='probability' or 'logit', or make probabilities with calibrate(scores)",
        )

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """Probabilities of all classes, shape (n, k): column j belongs to ``classes.names[j]``."""
        p = self.probability
        if not self.binary:
            return p
        return np.column_stack([1 - p, p] if self.classes.index(self.classes.positive) == 1 else [p, 1 - p])

    @property
    def counting(self) -> NDArray[np.bool_]:
        """Where a row has truth and a positive weight, shape (n,); these rows count."""
        keep: NDArray[np.bool_] = self._truth("this figure") != MISSING
        return keep if self.weight is None else keep & (self.weight > 0)

    def known(self) -> Scores:
        """The rows that count."""
        keep = self.counting
        if keep.all():
            return self
        if not keep.any():
            raise LabelError("y_true", "no row with a label and a positive weight", "at least one")
        return self.take(keep)

    def take(self, rows: Any, *, role: Role | None = None) -> Scores:
        """The rows of a boolean mask or of row numbers, with all that belongs to them."""
        pick = np.asarray(rows)
        return self._with(
            truth=None if self.truth is None else self.truth[pick],
            score=self.score[pick],
            weight=None if self.weight is None else self.weight[pick],
            groups=None if self.groups is None else self.groups[pick],
            slices={k: frozen(v[pick]) for k, v in self.slices.items()},
            ids=None if self.ids is None else self.ids[pick],
            role=self.role if role is None else role,
        )

    def parts(self, size: int = 1 << 15) -> Iterator[Scores]:
        """The rows in runs of `size`, as views: what is computed run by run stays in the cache."""
        for start in range(0, self.n, size):
            rows = slice(start, start + size)
            yield self._with(
                truth=None if self.truth is None else self.truth[rows],
                score=self.score[rows],
                weight=None if self.weight is None else self.weight[rows],
                groups=None,
                slices={},
                ids=None,
            )

    def with_score(self, score: NDArray[Any], kind: Kind) -> Scores:
        """The same rows with other scores: shape (n,) for binary problems, else (n, k)."""
        checked, values = _score(np.asarray(score), self.classes, kind, [])
        _rows("score", values, self.n)
        return self._with(score=values, kind=checked)

    def with_weight(self, weight: NDArray[np.float64]) -> Scores:
        """The same rows with other weights, shape (n,)."""
        return self._with(weight=_rows("weight", _weight(weight), self.n))

    def with_groups(self, groups: NDArray[Any] | None) -> Scores:
        """The same rows in other clusters, shape (n,), or in none."""
        return self._with(groups=None if groups is None else _rows("groups", as_array(groups), self.n))

    def with_notes(self, *notes: str) -> Scores:
        """The same rows with more notes."""
        return self._with(notes=(*self.notes, *notes))

    def with_role(self, role: Role) -> Scores:
        """The same rows under another role."""
        return self._with(role=role)

    def one_vs_rest(self, name: Any) -> Scores:
        """The binary view of one class: its score against all others together.

        Logits of several classes become softmax probabilities first: a single logit does not order rows.
        """
        k = self.classes.index(name)
        name = self.classes.names[k]
        binary = Classes([f"not {name}" if isinstance(name, str) else f"not {name!r}", name], name)
        truth = None
        if self.truth is not None:
            truth = np.where(self.truth == MISSING, MISSING, self.truth == k).astype(np.int8)
        kind = self.kind
        if kind == "label":
            score: NDArray[Any] = (self.score == k).astype(np.int32)
        elif self.binary:
            score = self.score if name == self.classes.positive else self._mirrored()
        elif kind == "logit":
            score, kind = self.probability[:, k], "probability"
        else:
            score = np.ascontiguousarray(self.score[:, k])
        return self._with(truth=truth, score=score, classes=binary, kind=kind)

    def drawn_by_id(self) -> NDArray[np.float64]:
        """A number in [0, 1) for each row that depends on its id alone, shape (n,): a draw that anyone can repeat."""
        if self.ids is None:
            raise InputError("ids", "rows without ids", "an id in each row", "the draw between ties hashes it")
        return mixed(_hash_values(self.ids)) / 2.0**64

    @property
    def fingerprint(self) -> Fingerprint:
        """What identifies these rows: by ids where there are any, else by truth and score."""
        return Fingerprint.of(self)

    def to_dict(self) -> dict[str, Any]:
        """A summary in plain values, without the rows."""
        return {
            "n": self.n,
            "n_missing": self.n_missing,
            "kind": self.kind,
            "classes": self.classes.to_dict(),
            "weighted": self.weight is not None,
            "role": self.role,
            "notes": list(self.notes),
        }

    def __len__(self) -> int:
        return self.n

    def __repr__(self) -> str:
        bits = [f"{self.n:,} rows"]
        if self.truth is None:
            bits.append("no truth")
        else:
            bits.append(f"{self.n_pos:,} {self.classes.positive!r}" if self.binary else f"{self.classes.k} classes")
            if self.n_missing:
                bits.append(f"{self.n_missing:,} without label")
        bits.append(self.kind)
        if self.weight is not None:
            bits.append("weighted")
        if self.role:
            bits.append(self.role)
        return "\n  note: ".join([f"Scores({', '.join(bits)})", *self.notes])

    def _truth(self, what: str) -> NDArray[Any]:
        if self.truth is None:
            raise LabelError("y_true", "no truth", "a label for each row", f"{what} compares scores with labels")
        return self.truth

    def _mirrored(self) -> NDArray[Any]:
        mirrored: NDArray[Any] = 1.0 - self.probability if self.kind == "probability" else -self.score
        return mirrored

    def _with(self, **changes: Any) -> Scores:
        new = object.__new__(Scores)
        for name in self.__dataclass_fields__:
            value = changes.get(name, getattr(self, name)) if name in changes else getattr(self, name)
            object.__setattr__(new, name, frozen(value) if isinstance(value, np.ndarray) else value)
        return new


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Count, order-independent digest and a small sketch of a set of rows.

    Two sets with the same digest are the same rows. The share of rows in common is estimated from the `SKETCH`
    smallest row hashes of each (bottom-k; Cohen & Kaplan 2007), from row ids only: without ids equal
    (truth, score) pairs may be other rows, so an overlap is then not claimed.
    """

    n: int
    digest: str
    by_ids: bool
    sketch: tuple[int, ...]

    @classmethod
    def of(cls, scores: Scores) -> Fingerprint:
        """Fingerprint of the rows of `scores`."""
        if scores.ids is None:
            total, xor = core.row_hashes(scores.score, scores.truth)
            return cls(scores.n, _digest(scores.n, total, xor), False, ())
        hashes = _hash_values(scores.ids)
        total = int(hashes.sum(dtype=np.uint64))  # a sum does not know the order; wrapping is meant
        xor = int(np.bitwise_xor.reduce(mixed(hashes)))
        return cls(scores.n, _digest(scores.n, total, xor), True, tuple(np.unique(hashes)[:SKETCH].tolist()))

    def overlap(self, other: Fingerprint) -> float | None:
        """Estimated share of the rows of `other` that are also here, in [0, 1].

        1.0 for the same rows; None when it cannot be known: a side has no ids, or `other` is so much smaller that none
        of its rows falls among the hashes that were kept.
        """
        if self.digest == other.digest and self.by_ids == other.by_ids:
            return 1.0
        if not (self.by_ids and other.by_ids):
            return None
        # A row of the other sketch below both cut-offs was hashed here too if it is here at all.
        limit = min(_limit(self), _limit(other))
        mine = {h for h in self.sketch if h <= limit}
        theirs = {h for h in other.sketch if h <= limit}
        return len(mine & theirs) / len(theirs) if theirs else None

    def union(self, other: Fingerprint) -> Fingerprint:
        """The fingerprint of two disjoint sets of rows together."""
        (total, xor), (total2, xor2) = _parts(self), _parts(other)
        digest = _digest(self.n + other.n, (total + total2) % 2**64, xor ^ xor2)
        limit = min(_limit(self), _limit(other))
        sketch = sorted(h for h in {*self.sketch, *other.sketch} if h <= limit)[:SKETCH]
        return Fingerprint(self.n + other.n, digest, self.by_ids and other.by_ids, tuple(sketch))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; hashes as hexadecimal strings, since JSON numbers lose 64-bit integers."""
        return {"n": self.n, "digest": self.digest, "by_ids": self.by_ids, "sketch": [f"{h:x}" for h in self.sketch]}

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Fingerprint:
        """The inverse of `to_dict`."""
        sketch = tuple(int(h, 16) for h in saved["sketch"])
        return cls(int(saved["n"]), str(saved["digest"]), bool(saved["by_ids"]), sketch)

    def __repr__(self) -> str:
        return f"Fingerprint({self.n:,} rows, {self.digest[-12:]}{', by ids' if self.by_ids else ''})"


def sigmoid(z: NDArray[Any]) -> NDArray[np.float64]:
    """1 / (1 + exp(-z)) without overflow."""
    e = np.exp(-np.abs(z))
    return np.asarray(np.where(z >= 0, 1.0 / (1.0 + e), e / (1.0 + e)), dtype=np.float64)


def softmax(z: NDArray[Any]) -> NDArray[np.float64]:
    """Row-wise softmax of logits of shape (n, k), without overflow."""
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return np.asarray(e / e.sum(axis=1, keepdims=True), dtype=np.float64)


def _columns(y_score: Any) -> tuple[NDArray[Any], list[str]]:
    """The score array and the column names, if it had any."""
    if y_score is None:
        raise ScoreError("y_score", "None", "scores, shape (n,) or (n, k)")
    if isinstance(y_score, np.ma.MaskedArray) and np.ma.is_masked(y_score):
        raise ScoreError("y_score", f"{int(y_score.mask.sum())} masked value(s)", "a score in every row")
    if isinstance(y_score, Mapping):
        columns = {str(name): as_array(column, argument="y_score") for name, column in y_score.items()}
        if len({column.shape for column in columns.values()}) != 1:
            raise ShapeError("y_score", f"columns of shapes {[c.shape for c in columns.values()]}", "equal lengths")
        return np.column_stack(list(columns.values())), list(columns)
    return as_array(y_score, argument="y_score"), [str(name) for name in column_names(y_score)]


def _by_name(named: list[str], classes: Classes) -> list[int]:
    """Where the column of each class stands among named columns; every column must belong to a class."""
    order = []
    own = {text for name in classes.names for text in (str(name), f"p_{name}")}
    for name in classes.names:
        found = [i for i, column in enumerate(named) if column in (str(name), f"p_{name}")]
        if len(found) != 1:
            raise ScoreError(
                "y_score",
                f"columns {named}",
                f"one column for class {name!r}, named {name!s} or p_{name}",
                "pass a plain array to match columns by the order of classes=",
            )
        order.append(found[0])
    strange = [column for column in named if column not in own]
    if strange:
        raise ScoreError("y_score", f"columns {strange[:5]} that are no class", f"a column for each of {classes.names}")
    return order


def _classes(
    truth: Labelled | None,
    columns: NDArray[Any],
    named: list[str],
    positive: Any,
    classes: Any,
    kind: Kind | None,
    notes: list[str],
) -> Classes:
    """The classes as declared, else as read off truth, else off the score columns."""
    if isinstance(classes, Classes):
        if positive is None or (classes.binary and classes.index(positive) == classes.index(classes.positive)):
            return classes
        return Classes(classes.names, positive, ordered=classes.ordered)
    wide = columns.shape[1] if columns.ndim == 2 else 1
    if classes is not None:
        names = list(classes)
        if len(names) == 2 and positive is None:
            positive = names[-1]
            notes.append(f"positive class: {positive!r}, the last of classes={names}")
        return Classes(names, positive)
    if truth is not None:
        found: list[Any] = truth.found
        if len(found) > MOST_FRACTIONS and are_fractions(found):
            raise LabelError(
                "y_true",
                f"{len(found):,} distinct numbers in [0, 1], such as {found[len(found) // 2]!r}",
                "labels",
                "y_true and y_score may be exchanged",
                code="CT04",
            )
        if columns.ndim == 1 and (kind == "label" or (kind is None and _spelled(columns))):
            said = distinct(columns, argument="y_score")
            strange = [name for name in said if name not in found]
            if are_fractions(strange):
                raise LabelError(
                    "y_score",
                    f"{len(strange):,} distinct numbers in [0, 1], such as {strange[0]!r}",
                    f"predicted labels among {found[:5]}",
                    "these are probabilities: cut them, p >= 0.5, or declare kind='probability'",
                    code="CT01",
                )
            if are_scores(strange, found):
                raise LabelError(
                    "y_score",
                    f"{len(strange):,} distinct numbers that are no label, such as {strange[0]!r}",
                    f"predicted labels among {found[:5]}",
                    "these look like scores: cut them at a threshold, or declare what kind of score they are",
                    code="CT01",
                )
            mixed = len({isinstance(name, str) for name in (*found, *said)}) > 1
            if mixed or (positive is not None and len({*found, *said}) > 2):
                raise LabelError("y_score", f"predicted labels {strange[:5]}", f"labels among {found[:5]}")
            found = sorted({*found, *said}, key=lambda name: (isinstance(name, str), name))
        known = Classes.from_found(found, positive)
        if known.binary and positive is None and not known.positive_is_plain:
            note = f"positive class guessed: {known.positive!r}, the last of {list(known.names)} in sorted order"
            notes.append(note)
            warnings.warn(GuessWarning(f"{note}; declare positive= to be sure", "CT04"), stacklevel=3)
        if wide > 2 and known.k != wide:
            from_one = wide == known.k + 1 and list(known.names) == list(range(1, wide))
            raise ShapeError(
                "y_score",
                f"{wide} columns for {known.k} classes {list(known.names)[:8]}",
                "one column for each class",
                "name all classes with classes= in the order of the columns"
                + (f"; labels begin at 1, columns at 0: y_score[:, 1:], or classes=range({wide})" if from_one else ""),
                code="CT05" if from_one else "",
            )
        if wide > 1 and not named:
            notes.append(f"columns of y_score taken in the order {list(known.names)}")
        return known
    if named and wide > 1:
        names = [name.removeprefix("p_") for name in named]
        return Classes(names, names[-1] if positive is None and wide == 2 else positive)
    raise LabelError("classes", "neither y_true nor classes", "class names", "pass classes=[...]")


def _score(columns: NDArray[Any], classes: Classes, kind: Kind | None, notes: list[str]) -> tuple[Kind, NDArray[Any]]:
    """The kind and the checked score array."""
    if kind is None and columns.ndim == 1 and _looks_like_labels(columns, classes):
        kind = "label"
        notes.append("scores read as predicted labels: count metrics only")
    if kind == "label":
        codes = classes.encode(columns, argument="y_score")
        if (codes == MISSING).any():
            raise ScoreError("y_score", f"{int((codes == MISSING).sum())} missing label(s)", "a label in every row")
        return "label", codes
    score, low, high = _floats(columns)
    if score.ndim == 1 and not classes.binary:
        whole = bool((score % 1 == 0).all())
        raise ShapeError(
            "y_score",
            f"shape {score.shape} for {classes.k} classes",
            f"shape (n, {classes.k})",
            "predicted labels are kind='label'" if whole else "",
            code="CT03" if whole else "",
        )
    if score.ndim == 2 and score.shape[1] != classes.k:
        raise ShapeError("y_score", f"shape {score.shape} for {classes.k} classes", f"shape (n, {classes.k})")
    if score.ndim > 2:
        raise ShapeError("y_score", f"shape {score.shape}", "shape (n,) or (n, k)")
    bounded = (low >= 0 and high <= 1) or kind in ("logit", "rank")
    outside = 0 if bounded else int(np.count_nonzero((score < 0) | (score > 1)))
    uneven = 0 if score.ndim == 1 or kind in ("logit", "rank") else _uneven(score)
    if kind is None:
        kind = "rank" if outside or uneven else "probability"
        if kind == "rank":
            what = f"{outside:,} value(s) lie outside [0, 1]" if outside else f"{uneven:,} row(s) do not sum to 1"
            notes.append(f"kind guessed: rank, since {what}; declare kind='logit' if these are logits")
        else:
            notes.append("kind guessed: probability, since all scores lie in [0, 1]")
    elif kind == "probability" and outside:
        row = int(np.argmax(((score < 0) | (score > 1)).reshape(len(score), -1).any(axis=1)))
        raise ScoreError(
            "y_score",
            f"{outside:,} value(s) outside [0, 1], the first at row {row}: {score[row]}",
            "probabilities",
            "declare kind='logit' for logits, kind='rank' for any other score",
            code="CT02",
        )
    elif kind == "probability" and uneven:
        raise ScoreError(
            "y_score",
            f"{uneven:,} row(s) that do not sum to 1",
            "one probability for each class, summing to 1",
            "sigmoid outputs of several classes are no softmax: use one_vs_rest views or divide by the row sum",
            code="CT11",
        )
    if score.ndim == 2 and classes.binary:
        pos = classes.index(classes.positive)
        # Two logits are one: the log-odds is their difference.
        score = score[:, pos] - score[:, 1 - pos] if kind == "logit" else np.ascontiguousarray(score[:, pos])
    return kind, score


def _spelled(values: NDArray[Any]) -> bool:
    """True for strings and booleans, which are no scores."""
    if values.dtype.kind == "O":
        return any(isinstance(v, str | bool | np.bool_) for v in values[:100].tolist())
    return values.dtype.kind in "USb"


def _looks_like_labels(values: NDArray[Any], classes: Classes) -> bool:
    """True for strings, booleans, and integers that are all class names."""
    if _spelled(values):
        return True
    numbers = [name for name in classes.names if not isinstance(name, str)]
    return values.dtype.kind in "iu" and bool(np.isin(values, numbers).all())


def _uneven(score: NDArray[Any]) -> int:
    """Rows that do not sum to 1."""
    return int(np.count_nonzero(np.abs(score @ np.ones(score.shape[1], score.dtype) - 1) > 1e-3))


def _floats(values: NDArray[Any]) -> tuple[NDArray[Any], float, float]:
    """A copy as contiguous float32 or float64, all finite, with the smallest and the largest value.

    A copy: what was checked must not change under us when the caller writes to his array.
    """
    if values.dtype == object and missing(values.ravel()).any():
        rows = missing(values.ravel()).reshape(len(values), -1).any(axis=1)
        raise ScoreError(
            "y_score",
            f"{int(rows.sum())} row(s) without a score, the first at row {rows.argmax()}",
            "a score in every row",
            "drop these rows or find out why the model gave none",
        )
    if values.dtype.kind in "cmM":
        raise ScoreError("y_score", f"values of type {values.dtype}", "real numbers")
    try:
        wanted = values.astype(np.float32 if values.dtype == np.float32 else np.float64, order="C", copy=False)
    except (TypeError, ValueError):
        raise ScoreError("y_score", f"values of type {values.dtype}", "numbers") from None
    score, low, high = core.copied(wanted)
    if np.isnan(low):
        rows = ~np.isfinite(score).reshape(len(score), -1).all(axis=1)
        raise ScoreError(
            "y_score",
            f"{int(rows.sum()):,} row(s) with nan or infinite scores, the first at row {rows.argmax()}",
            "finite scores",
            "a score of nan has no place in the order: drop the rows or mend the model",
        )
    return score, low, high


def _weight(weight: Any) -> NDArray[np.float64] | None:
    if weight is None:
        return None
    values = as_array(weight)
    try:
        values = values.astype(np.float64, order="C", copy=False)
    except (TypeError, ValueError):
        raise InputError("weight", f"values of type {values.dtype}", "numbers") from None
    checked, low, high = core.copied(values)
    if np.isnan(low) or low < 0:
        bad = ~(np.isfinite(checked) & (checked >= 0))
        raise InputError(
            "weight",
            f"{int(bad.sum())} negative, nan or infinite weight(s), the first at row {int(bad.argmax())}",
            "finite weights >= 0",
        )
    if high > 1e100 or 0 < high < 1e-100:
        raise InputError("weight", f"weights up to {high:g}", "weights whose squares are numbers, say up to 1")
    return checked


def _column(argument: str, values: Any, n: int) -> NDArray[Any]:
    """A checked copy of a column that goes with the scores."""
    checked = _rows(argument, np.array(as_array(values, argument=argument)), n)
    assert checked is not None
    return checked


def _rows(argument: str, values: NDArray[Any] | None, n: int) -> NDArray[Any] | None:
    if values is not None and values.ndim == 0:
        raise ShapeError(argument, "a single value, shape ()", f"one for each of {n:,} rows")
    if values is not None and values.shape[0] != n:
        raise ShapeError(argument, f"{values.shape[0]:,} rows", f"{n:,}, as many as y_score has")
    if values is not None and values.ndim != (2 if argument == "score" and values.ndim == 2 else 1):
        raise ShapeError(argument, f"shape {values.shape}", f"shape ({n},)")
    return values


def frozen(values: NDArray[Any]) -> NDArray[Any]:
    """A read-only view; an array of the caller's stays writable."""
    view = values.view()
    view.setflags(write=False)
    return view


def mixed(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of splitmix64, elementwise (Steele, Lea & Flood 2014)."""
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return cast("NDArray[np.uint64]", x ^ (x >> np.uint64(31)))


def _hash_values(values: NDArray[Any]) -> NDArray[np.uint64]:
    """A 64-bit hash of each value, the same in every process."""
    if values.dtype.kind in "iub":
        return mixed(values.astype(np.int64).view(np.uint64))
    if values.dtype.kind == "f":
        with np.errstate(invalid="ignore"):
            whole = values.astype(np.int64)
        if np.array_equal(whole, values):  # 5.0 is the row 5
            return mixed(whole.view(np.uint64))
        return mixed((values.astype(np.float64) + 0.0).view(np.uint64))
    text = values.astype(str)
    letters = np.ascontiguousarray(text).view(np.uint32).reshape(len(text), -1)
    hashes = np.zeros(len(text), dtype=np.uint64)
    for column in letters.T:  # padding zeros leave the hash alone, so the width of the array does not matter
        hashes = np.where(column == 0, hashes, mixed(hashes ^ column.astype(np.uint64)))
    return hashes


def _digest(n: int, total: int, xor: int) -> str:
    return f"{n:x}-{total:016x}{xor:016x}"


def _parts(fingerprint: Fingerprint) -> tuple[int, int]:
    """Sum and xor of the row hashes, out of the digest."""
    tail = fingerprint.digest.partition("-")[2]
    return int(tail[:16], 16), int(tail[16:], 16)


def _limit(fingerprint: Fingerprint) -> int:
    """The largest hash below which the sketch is complete."""
    return fingerprint.sketch[-1] if len(fingerprint.sketch) == SKETCH else 2**64 - 1
