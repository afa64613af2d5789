"""Column names: unique, and found with a suggestion when they are not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cutline.errors import DataError, UnknownName


def check_names(names: Sequence[str], source: str) -> None:
    """Refuse repeated column names (DataError): a name that means two columns means none."""
    seen: set[str] = set()
    twice = list(dict.fromkeys(name for name in names if name in seen or seen.add(name)))  # type: ignore[func-returns-value]
    if twice:
        shown = ", ".join(repr(name) for name in twice[:5])
        raise DataError(source, f"column name(s) that occur more than once: {shown}", "distinct column names")


def find_column(name: str, names: Iterable[str], *, argument: str = "column") -> str:
    """`name` if it is one of `names`, else UnknownName; another spelling of its letters is suggested first."""
    names = list(names)
    if name in names:
        return name
    twins = tuple(known for known in names if known.strip().casefold() == str(name).strip().casefold())
    error = UnknownName.among(argument, str(name), names)
    if twins and not set(twins) <= set(error.suggestions):
        error = UnknownName(argument, repr(name), error.wanted, f"did you mean {' or '.join(map(repr, twins))}")
        error.suggestions = twins
    raise error


def pick_columns(names: Sequence[str], wanted: Iterable[str], *, argument: str = "columns") -> list[str]:
    """The `wanted` names, each once and each checked to be among `names`."""
    return [find_column(name, names, argument=argument) for name in dict.fromkeys(wanted)]
