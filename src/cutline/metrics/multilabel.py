"""Several labels on each row: truth and scores of every label, checked once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline.errors import InputError, LabelError, ShapeError
from cutline.labels import Classes, Label, Shown, as_array, column_names
from cutline.scores import Kind, Scores

Thresholds = float | Mapping[Any, float] | None
"""One threshold for all labels, or one for each by name."""


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class MultiLabel(Shown):
    """Truth beside scores where a row may have any number of labels.

    Parameters
    ----------
    y_true : array-like of 0 and 1, shape (n, k), or a mapping or frame with a column for each label
        Which labels a row has.
    y_score : array-like, shape (n, k), or a mapping or frame with a column for each label
        Higher means more likely to have the label.
    labels : sequence, optional
        Names of the columns; read off the columns where these have names, else 0..k-1.
    kind : {"probability", "logit", "rank", "label"}, optional
        What the scores are. Guessed, and said in `notes`, when not given.
    weight : array-like, shape (n,), optional
        Non-negative importance weights.

    Examples
    --------
    >>> import cutline as cl
    >>> m = cl.MultiLabel(
    ...     y_true=[[1, 0], [1, 1], [0, 0]], y_score=[[0.9, 0.2], [0.8, 0.4], [0.3, 0.6]], labels=["cat", "dog"],
    ...     kind="probability",
    ... )
    >>> m
    MultiLabel(3 rows, 2 labels, probability)
    >>> cl.macro(cl.recall)(m, at=0.5)
    0.5
    """

    each: tuple[Scores, ...]
    """The binary view of each label, in the order of `names`."""
    names: tuple[Label, ...]
    notes: tuple[str, ...]

    def __init__(
        self,
        *,
        y_true: Any,
        y_score: Any,
        labels: Sequence[Any] | None = None,
        kind: Kind | None = None,
        weight: Any = None,
    ) -> None:
        truth, named = _columns("y_true", y_true)
        score, named_too = _columns("y_score", y_score)
        if truth.shape != score.shape:
            raise ShapeError("y_score", f"shape {score.shape}", f"{truth.shape}, the shape of y_true")
        found = list(labels) if labels is not None else named or named_too or list(range(truth.shape[1]))
        if len(found) != truth.shape[1] or len(set(found)) != len(found):
            raise LabelError("labels", f"{found}", f"{truth.shape[1]} distinct names, one for each column")
        names: tuple[Label, ...] = tuple(found)
        score = score[:, _order("y_score", named_too, names)]
        truth = truth[:, _order("y_true", named, names)]
        notes = []
        if kind is None:
            inside = bool(((score >= 0) & (score <= 1)).all())
            kind = "probability" if inside else "rank"
            notes.append(f"kind guessed: {kind}, since {'all' if inside else 'not all'} scores lie in [0, 1]")
        each = []
        for name, column, values in zip(names, truth.T, score.T, strict=True):
            try:
                one = Scores(y_true=column, y_score=values, classes=Classes([0, 1], 1), kind=kind, weight=weight)
            except InputError as error:
                raise type(error)(f"{error.argument} of label {name!r}", error.came, error.wanted, error.hint) from None
            if one.n_missing:
                row = int(np.argmax(np.asarray(one.truth) < 0))
                raise LabelError(
                    f"y_true of label {name!r}", f"{one.n_missing} missing value(s), the first at row {row}", "0 or 1"
                )
            each.append(one)
        if empty := [name for name, one in zip(names, each, strict=True) if one.n_pos == 0]:
            notes.append(f"no row has the label(s) {empty}: what needs positives is undefined for them")
        for field, value in (("each", tuple(each)), ("names", names), ("notes", tuple(notes))):
            object.__setattr__(self, field, value)

    @property
    def n(self) -> int:
        """Number of rows."""
        return self.each[0].n

    @property
    def kind(self) -> Kind:
        """What the scores are."""
        return self.each[0].kind

    @property
    def weight(self) -> NDArray[np.float64] | None:
        """Weights of the rows."""
        return self.each[0].weight

    @property
    def truth(self) -> NDArray[np.bool_]:
        """Which labels each row has, shape (n, k)."""
        return np.column_stack([one.is_positive for one in self.each])

    @property
    def score(self) -> NDArray[Any]:
        """Scores, shape (n, k)."""
        return np.column_stack([one.score for one in self.each])

    def label(self, name: Any) -> Scores:
        """The binary view of one label."""
        if name not in self.names:
            raise LabelError("label", repr(name), f"one of {list(self.names)}")
        return self.each[self.names.index(name)]

    def decided(self, at: Thresholds = None) -> NDArray[np.bool_]:
        """Which labels are decided for each row, shape (n, k): score >= the threshold of the label."""
        if self.kind == "label":
            return self.score.astype(bool)
        if at is None:
            raise InputError("at", "no threshold", "a threshold, or one for each label", "for example at=0.5")
        if isinstance(at, Mapping):
            if set(at) != set(self.names):
                raise LabelError("at", f"thresholds for {list(at)}", f"one for each of {list(self.names)}")
            limits = np.array([float(at[name]) for name in self.names])
        else:
            limits = np.full(len(self.names), float(at))
        if np.isnan(limits).any():
            raise InputError("at", "nan", "a threshold to compare scores with")
        return np.asarray(self.score.astype(np.float64) >= limits)

    def __len__(self) -> int:
        return self.n

    def __repr__(self) -> str:
        head = f"MultiLabel({self.n:,} rows, {len(self.names)} labels, {self.kind}"
        return "\n  note: ".join([f"{head}{'' if self.weight is None else ', weighted'})", *self.notes])


def _columns(argument: str, values: Any) -> tuple[NDArray[Any], list[Any]]:
    if isinstance(values, Mapping):
        columns = [as_array(column, argument=argument) for column in values.values()]
        if not columns or len({column.shape for column in columns}) != 1:
            raise ShapeError(argument, f"columns of shapes {[c.shape for c in columns]}", "columns of equal length")
        return np.column_stack(columns), list(values)
    found = as_array(values, argument=argument)
    if found.ndim != 2 or 0 in found.shape:
        raise ShapeError(argument, f"shape {found.shape}", "shape (rows, labels)", "one column for each label")
    return found, column_names(values)


def _order(argument: str, named: list[Any], names: tuple[Any, ...]) -> list[int]:
    """Where the column of each label stands; columns without names are in order."""
    if not named:
        return list(range(len(names)))
    place = {str(name).removeprefix("p_"): i for i, name in enumerate(named)}
    if sorted(place) != sorted(str(name).removeprefix("p_") for name in names):
        raise LabelError(argument, f"columns {named}", f"the labels {list(names)}")
    return [place[str(name).removeprefix("p_")] for name in names]
