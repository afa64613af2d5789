"""A case of the benchmark: one program in two versions, with a mistake and without, for each library."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

LIBRARIES = ("cutline", "scikit-learn", "torchmetrics", "skore")
Programs = Mapping[str, Callable[[], Any]]
"""For each library what its user would write; a library that has no call for this is left out."""

NOISE = (DeprecationWarning, PendingDeprecationWarning, FutureWarning, ResourceWarning)
"""Warnings that speak of a library's future, not of what was done with it."""


@dataclass(frozen=True)
class Case:
    """One of them.

    Attributes
    ----------
    name : str
    codes : tuple of str
        Of the trap. Two where a mistake falls under both.
    make : callable
        ``make(wrong)`` gives the programs with the mistake or without; what stands before the programs is not judged.
    """

    name: str
    codes: tuple[str, ...]
    make: Callable[[bool], Programs]


PUBLIC: list[Case] = []
FRESH: list[Case] = []
AGAIN: list[Case] = []


def case(*codes: str, among: list[Case] = PUBLIC) -> Callable[[Callable[[bool], Programs]], Callable[[bool], Programs]]:
    """Take a function into the benchmark; its docstring says what the mistake is."""

    def take(make: Callable[[bool], Programs]) -> Callable[[bool], Programs]:
        among.append(Case((make.__doc__ or "").strip().rstrip("."), codes, make))
        return make

    return take


@dataclass(frozen=True)
class Heard:
    """What a library said while a program ran.

    Attributes
    ----------
    codes : tuple of str
        Of cutline's errors, warnings and findings, or of skore's checks; "?" for what has none.
    said : tuple of str
        Their texts.
    """

    codes: tuple[str, ...] = ()
    said: tuple[str, ...] = ()

    @property
    def silent(self) -> bool:
        return not self.said


def listen(program: Callable[[], Any]) -> Heard:
    """Run a program, and take down its error, its warnings and its findings."""
    said: list[tuple[str, str]] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            said += findings(program())
        except Exception as error:
            said.append((getattr(error, "code", "") or "?", f"{type(error).__name__}: {error}"))
    for each in caught:
        if not issubclass(each.category, NOISE):
            said.append((getattr(each.message, "code", "") or "?", f"{each.category.__name__}: {each.message}"))
    return Heard(tuple(code for code, _ in said), tuple(text for _, text in said))


def findings(result: Any) -> list[tuple[str, str]]:
    """What a result says that it found: `Findings`, or a result that carries them; skore's issues and tips."""
    if type(result).__module__.startswith("skore"):
        rows = result.frame().to_dict("records")
        return [(row["code"], f"{row['section']} {row['code']}") for row in rows if row["section"] in ("issue", "tip")]
    found = getattr(result, "findings", result)
    return [(each.code, f"{each.code} {each.seen}") for each in found] if type(found).__name__ == "Findings" else []
