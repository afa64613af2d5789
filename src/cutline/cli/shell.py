"""Messages of the library in the words of the command line: an argument is an option here."""

from __future__ import annotations

import re
from collections.abc import Sequence

OTHERWISE = {"at": "threshold", "groups": "group", "ids": "id", "paired": ""}
"""Arguments whose option has another name, or none."""
OPTIONS = (
    "y_true", "y_score", "positive", "classes", "kind", "weight", "role", "confidence", "seed", "method", "metric",
    "metrics", "reference", "margin", "on", "families", "budget", "checkpoint", "resume", "holdout", "types", "target",
    "threshold", "fp", "fn", "matrix", "abstain", "capacity", "prevalence", "subject_to", "require", *OTHERWISE,
)  # fmt: skip
COSTS = ("fp", "fn", "matrix", "abstain")
GIVEN = re.compile(rf"\b({'|'.join(OPTIONS)})=(?:'([^']*)'|\[([^\]]*)\]|([\w.]*\w))?")


def in_shell(message: str, words: Sequence[str] = ()) -> str:
    """The message with ``kind='logit'`` as ``--kind logit``; it begins with the option if that was among the words.

    Examples
    --------
    >>> in_shell("at: came no threshold. Hint: for example at=0.5", [])
    '--threshold: came no threshold. Hint: for example --threshold 0.5'
    >>> in_shell("kind guessed: rank; declare kind='logit'")
    'kind guessed: rank; declare --kind logit'
    """
    said = GIVEN.sub(_option, message)
    argument = re.match(r"\w+", said)
    if argument and (argument[0] == "at" or (argument[0] in OPTIONS and _name(argument[0]) in words)):
        said = _name(argument[0]) + said[argument.end() :]
    return said


def _name(argument: str) -> str:
    option = OTHERWISE.get(argument, argument)
    return "--" + ("cost-" if argument in COSTS else "") + option.replace("_", "-")


def _option(found: re.Match[str]) -> str:
    argument, text, several, plain = found.groups()
    if not OTHERWISE.get(argument, argument):
        return found[0]
    if several is not None:
        names = [name.strip(" '\"") for name in several.split(",")]
        return f"{_name(argument)} '{','.join(names)}'"
    value = text if text is not None else plain
    if not value:
        return _name(argument)
    return f"{_name(argument)} " + (f"'{value}'" if re.search(r"\s", value) else value)
