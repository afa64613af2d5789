"""Scores out of a table: which column is truth, which the score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from cutline.data.parse import Parsed, is_text, numbers
from cutline.data.read import column, read_table, table_notes
from cutline.data.target import Labels, by_spelling, read_names
from cutline.errors import DataError, InputError, UnknownName
from cutline.labels import Classes
from cutline.scores import Kind, Role, Scores

if TYPE_CHECKING:
    import pyarrow as pa


def read_scores(
    source: Any,
    *,
    y_score: str | Sequence[str],
    y_true: str | None = None,
    positive: Any = None,
    classes: Classes | Sequence[Any] | None = None,
    kind: Kind | None = None,
    weight: str | None = None,
    group: str | None = None,
    id: str | None = None,
    slices: Sequence[str] = (),
    role: Role = "",
) -> Scores:
    """Scores of any model, from the columns of a file or frame; only these columns are read.

    Parameters
    ----------
    source : anything `read_table` reads
        One row for each scored row.
    y_score : str or sequence of str
        The column of scores, or one column for each class, named by the class or ``p_<class>``.
    y_true : str, optional
        The column of labels.
    positive : label, optional
        The positive class of a binary problem, as it is or as it is spelled.
    classes : Classes or sequence of labels, optional
        All classes, when the rows lack one; spelled labels do.
    kind : {"probability", "logit", "rank", "label"}, optional
        What the score is; guessed when not given.
    weight, group, id : str, optional
        Columns of importance weights, clusters and row identifiers.
    slices : sequence of str
        Columns that part the rows, for figures by slice.
    role : str, optional
        What the rows were used for.

    Raises
    ------
    UnknownName
        A column that is not there.
    DataError
        A score cell that is no number.
    ScoreError, LabelError, ShapeError
        As `Scores` raises them.

    Examples
    --------
    >>> table = {"label": ["spam", "ham"], "p": [0.9, 0.2]}
    >>> read_scores(table, y_true="label", y_score="p", positive="spam", kind="probability")
    Scores(2 rows, 1 'spam', probability)
    """
    several = [y_score] if isinstance(y_score, str) else list(y_score)
    if not several:
        raise InputError("y_score", "no column", "the column of scores, or one for each class")
    one_each = {"y_true": y_true, "weight": weight, "group": group, "id": id}
    roles = {argument: [name] for argument, name in one_each.items() if name is not None}
    table = _picked(source, {**roles, "y_score": several, "slices": list(slices)})
    named: list[Any] = list(classes.names if isinstance(classes, Classes) else classes or ())
    truth = None
    if y_true is not None:
        labels = Labels.of(table, y_true, argument="y_true")
        labels.check_classes(y_true)
        if isinstance(classes, Classes):
            labels = labels.spelled_as(named, f"y_true {y_true!r}")
        else:
            named = read_names(named, labels.distinct)
        positive = by_spelling(positive, named or labels.distinct)
        truth = labels.array()
    cells = {name: _score_cells(table, name, kind) for name in several}
    scores = Scores(
        y_true=truth,
        y_score=cells[several[0]] if len(several) == 1 else cells,
        positive=positive,
        classes=classes if isinstance(classes, Classes) else named or None,
        kind=kind,
        weight=None if weight is None else _weights(table, weight),
        groups=None if group is None else column(table, group),
        ids=None if id is None else column(table, id),
        slices={name: column(table, name) for name in slices},
        role=role,
    )
    said = table_notes(table)
    return scores.with_notes(*said) if said else scores


def _picked(source: Any, roles: Mapping[str, Sequence[str]]) -> pa.Table:
    """The columns with these roles; UnknownName names the argument whose column is not there."""
    wanted = list(dict.fromkeys(name for names in roles.values() for name in names))
    try:
        return read_table(source, columns=wanted)
    except UnknownName as error:
        argument = next(a for a, names in roles.items() if any(repr(name) == error.came for name in names))
        named = UnknownName(argument, error.came, error.wanted, error.hint)
        named.suggestions = error.suggestions
        raise named from None


def _score_cells(table: pa.Table, name: str, kind: Kind | None) -> NDArray[Any]:
    """A column of scores as numbers, or as text where it holds predicted labels."""
    values = table.column(name)
    if kind != "label" and not is_text(values):
        return column(table, name)
    parsed = numbers(values)
    if kind == "label" or parsed.failed > len(values) / 2:
        return Labels.of(table, name, argument="y_score").array()
    _check_numbers(f"y_score {name!r}", parsed, "a number in every row")
    return parsed.values


def _weights(table: pa.Table, name: str) -> NDArray[Any]:
    parsed = numbers(table.column(name))
    _check_numbers(f"weight {name!r}", parsed, "a number in every row")
    return parsed.values


def _check_numbers(argument: str, parsed: Parsed, wanted: str) -> None:
    if parsed.failed:
        shown = ", ".join(map(repr, parsed.examples))
        raise DataError(argument, f"{parsed.failed:,} cell(s) that are no number: {shown}", wanted)
