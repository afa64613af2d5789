"""The columns a model was trained on: printed, and carried with the model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from cutline.data.parse import Order

Kind = Literal[
    "numeric",
    "categorical",
    "boolean",
    "date",
    "text",
    "mail",
    "photo",
    "identifier",
    "constant",
    "empty",
    "nested",
    "dropped",
]
MOST_LEVELS = 200
"""Levels a categorical column keeps, the most frequent ones; more would be nearly one row each."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the training table and what is made of it.

    Parameters
    ----------
    name : str
        As in the table.
    kind : str
        "numeric", "categorical", "boolean", "date", "text", "mail" (text without its headers) or "photo" (paths) where
        a model can use it; "identifier", "constant", "empty" or "nested" where it is left out; "dropped" on request.
    used : bool
        Whether it becomes a feature.
    detail : str
        The range, the levels, or the reason why it is left out.
    levels : tuple of str
        Of a categorical column, sorted; position is the code.
    order : str
        How the dates of a text column are written: "year first", "day first" or "month first".
    parts : tuple of str
        What a date is expanded into: those of `DATE_PARTS` that vary.
    notes : tuple of str
        Decisions that a reader should know of, as sentences.
    """

    name: str
    kind: Kind
    used: bool
    detail: str
    levels: tuple[str, ...] = ()
    order: Order = "year first"
    parts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class Schema:
    """The columns a model was trained on.

    Parameters
    ----------
    columns : tuple of Column
        All columns of the training table but the target, in its order.
    target : str or None
        The target column.
    source_notes : tuple of str
        Guesses made when the training file was read.

    Examples
    --------
    >>> from cutline.data import infer_schema
    >>> table = {"age": [31, 45, 28, 39], "plan": ["a", "b", "a", None], "left": ["no", "yes", "no", "no"]}
    >>> infer_schema(table, target="left")
    column  kind         used  detail
    age     numeric      yes   28 to 45, whole, 4 distinct
    plan    categorical  yes   2 levels: a, b; 25.0 % missing
    """

    columns: tuple[Column, ...]
    target: str | None
    source_notes: tuple[str, ...] = ()

    @property
    def used(self) -> tuple[Column, ...]:
        """The columns that become features."""
        return tuple(column for column in self.columns if column.used)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was guessed, decided and left out, as sentences."""
        out = list(self.source_notes)
        left_out: dict[Kind, list[Column]] = {}
        for column in self.columns:
            if not column.used:
                left_out.setdefault(column.kind, []).append(column)
            out.extend(f"column {column.name!r}: {note}" for note in column.notes)
        for kind, columns in left_out.items():
            if len(columns) <= 3:
                out.extend(f"column {column.name!r} left out ({kind}): {column.detail}" for column in columns)
            else:
                names = ", ".join(repr(column.name) for column in columns[:5]) + (", ..." if len(columns) > 5 else "")
                out.append(f"{len(columns):,} columns left out ({kind}): {names}")
        return tuple(out)

    def without_trend(self, time: str) -> Schema:
        """The schema without what tells one year from another: rows of the future lie beyond all that was seen."""
        columns = []
        for column in self.columns:
            if column.name == time:
                parts = tuple(part for part in column.parts if part not in ("days", "year"))
                detail = f"moments in time; gives {', '.join(parts)}" if parts else "moments in time; no feature"
                column = replace(column, parts=parts, used=column.used and bool(parts), detail=detail)
            columns.append(column)
        return replace(self, columns=tuple(columns))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        columns = [{k: list(v) if isinstance(v, tuple) else v for k, v in asdict(c).items()} for c in self.columns]
        return {"target": self.target, "columns": columns, "source_notes": list(self.source_notes)}

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Schema:
        """The inverse of `to_dict`."""
        columns: list[dict[str, Any]] = [
            {k: tuple(v) if isinstance(v, list) else v for k, v in column.items()} for column in saved["columns"]
        ]
        return cls(tuple(Column(**column) for column in columns), saved["target"], tuple(saved["source_notes"]))

    def __repr__(self) -> str:
        shown = self.columns if len(self.columns) <= 60 else self.columns[:40]
        rows = [("column", "kind", "used", "detail")]
        rows += [(shortened(c.name, 32), c.kind, "yes" if c.used else "no", c.detail) for c in shown]
        wide = [max(len(row[i]) for row in rows) for i in range(3)]
        lines = ["  ".join([*(row[i].ljust(wide[i]) for i in range(3)), row[3]]).rstrip() for row in rows]
        rest = Counter(c.kind if c.used else f"{c.kind}, left out" for c in self.columns[len(shown) :])
        lines += [f"... and {count:,} more: {kind}" for kind, count in rest.items()]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        from html import escape

        return f"<pre>{escape(repr(self))}</pre>"


def shortened(text: str, most: int) -> str:
    """The text, cut to `most` characters."""
    return text if len(text) <= most else text[: most - 1] + "…"
