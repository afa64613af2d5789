"""What verbs read beside tables, and how they print and save: results on stdout, everything else on stderr."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import cutline as cl
from cutline.cli.shell import in_shell
from cutline.errors import InputError

T = TypeVar("T")
TABLES = (".csv", ".parquet")
DOCUMENTS = (".json",)
RESULTS = (*DOCUMENTS, *TABLES)
FIGURES = (".svg", ".png", ".pdf")
REPORTS = (".html", ".md", ".json")


def say(text: str) -> None:
    """A line for people, on stderr."""
    print(text, file=sys.stderr)


def say_notes(notes: Sequence[str]) -> None:
    """What was guessed or left out, line by line."""
    for note in notes:
        say(f"note: {in_shell(note)}")


def show(result: cl.Evaluation, as_json: bool) -> None:
    """Print an evaluation: tables for people, or JSON."""
    if as_json:
        print_json(result.to_dict())
    else:
        from cutline.report import print_evaluation

        print_evaluation(replace(result, notes=tuple(in_shell(note) for note in result.notes)))


def print_json(document: dict[str, Any]) -> None:
    """Print a document; what is not finite must be null by now."""
    print(json.dumps(document, indent=1, allow_nan=False))


def print_or_json(result: Any, as_json: bool) -> None:
    """Print a result as it shows itself, or as JSON."""
    print_json(result.to_dict()) if as_json else print(result)


def save_json(document: dict[str, Any], path: Path | None) -> None:
    """Save a document, when there is a path."""
    if path is not None:
        from cutline.data import write_text

        write_text(path, json.dumps(document, indent=1, allow_nan=False) + "\n")


def save_result(result: Any, path: Path | None) -> None:
    """Save a result whole as JSON, or its rows as a table, by the suffix."""
    if path is not None and path.suffix.lower() in TABLES:
        write_rows(result.rows(), path)
    else:
        save_json(result.to_dict(), path)


def write_rows(table: Any, path: Path | None) -> None:
    """Write a table to a file, or as CSV on stdout."""
    from cutline.data import write_table

    write_table(table, sys.stdout.buffer if path is None else path)


def check_output(*paths: Path | None, suffixes: Sequence[str] = ()) -> None:
    """Refuse a path that cannot be written before the work, not after it."""
    for path in paths:
        if path is None:
            continue
        if suffixes and path.suffix.lower() not in suffixes:
            wanted = " or ".join(filter(None, (", ".join(suffixes[:-1]), suffixes[-1])))
            raise InputError(str(path), f"the suffix {path.suffix!r}", f"a file that ends in {wanted}")
        if not os.access(path.parent, os.W_OK):
            raise InputError(str(path), "a folder that does not exist or cannot be written", "a folder to write to")


def read_point(path: Path) -> cl.OperatingPoint:
    """A saved operating point."""
    return read_saved(path, cl.OperatingPoint.from_dict, "an operating point saved by cutline choose")


def read_saved(path: Path, read: Callable[[dict[str, Any]], T], wanted: str) -> T:
    """What a command saved as JSON; another document is refused by the name of its file."""
    document = read_json(path, wanted)
    try:
        return read(document)
    except InputError as error:
        raise InputError(str(path), error.came, wanted) from None


def read_json(path: Path, wanted: str) -> dict[str, Any]:
    """A JSON object from a file, or from standard input for ``-``; `wanted` says what it should be."""
    name = "standard input" if str(path) == "-" else str(path)
    if str(path) != "-" and not path.exists():
        from cutline.data import missing_file

        raise missing_file(path)
    try:
        document = json.loads(sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes())
    except (UnicodeDecodeError, json.JSONDecodeError):
        raise InputError(name, "no JSON document", wanted) from None
    if not isinstance(document, dict):
        raise InputError(name, f"a JSON {type(document).__name__}", wanted)
    return document


def split_pair(argument: str, text: str, example: str) -> tuple[str, str]:
    """The two sides of ``key=value``."""
    key, sep, value = text.partition("=")
    if not sep:
        raise InputError(argument, repr(text), example)
    return key, value
