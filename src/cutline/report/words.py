"""Numbers and names as people read them. The page's script has twins of these; a test compares them."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

from cutline.evidence import wilson

LONGEST_NAME = 40
"""Characters of a class name inside a sentence or a figure; tables show it whole."""

ASKED_FOR = ("chosen", "evaluated")
"""What a threshold is called that somebody asked for, not one of those that are shown beside it."""
_TURNS_TEXT = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def label(name: Any) -> str:
    """How a class is called in a sentence: `spam`, or `class 1` for names that are no text.

    Control characters and marks that turn the direction of text are shown as U+FFFD: a name cannot rewrite a terminal
    or the words around it.
    """
    return clean(name).strip() or "(blank)" if isinstance(name, str) else f"class {name}"


def clean(text: str) -> str:
    """Text of one line without control characters."""
    text = " ".join(text.split()) if text.strip() else ""
    return "".join("\ufffd" if c in _TURNS_TEXT or unicodedata.category(c) in ("Cc", "Cs") else c for c in text)


def short(text: str) -> str:
    """Text cut to `LONGEST_NAME` characters."""
    return text if len(text) <= LONGEST_NAME else text[: LONGEST_NAME - 1] + "…"


def fixed(x: float, digits: int) -> str:
    """With so many decimals, halves up, as the page's script rounds."""
    return f"{math.floor(x * 10**digits + 0.5) / 10**digits:.{digits}f}"


def figure(x: float | None, digits: int = 3) -> str:
    """At least so many decimals, and two digits of what tells a figure from 0 and from 1; n/a for undefined.

    >>> figure(0.97), figure(0.9953), figure(0.00046), figure(1.0), figure(None)
    ('0.970', '0.9953', '0.00046', '1.000', 'n/a')
    """
    return "n/a" if x is None or not math.isfinite(x) else fixed(x, _decimals(x, digits))


def span(low: float | None, high: float | None, around: float | None) -> str:
    """An interval with the decimals of the figure it is around; empty when there is none.

    >>> span(0.974, 0.9915, around=0.985)
    '0.974 to 0.992'
    """
    if low is None or high is None or around is None:
        return ""
    digits = _decimals(around, 3)
    return f"{fixed(low, digits)} to {fixed(high, digits)}"


def finished(note: str) -> str:
    """A note as a sentence: a capital at its start, a full stop at its end.

    >>> finished("rows come in clusters"), finished("Why?")
    ('Rows come in clusters.', 'Why?')
    """
    return sentence_case(note) + ("" if note.endswith((".", "!", "?")) else ".")


def sentence_case(text: str) -> str:
    """The same with a capital at its start."""
    return text[:1].upper() + text[1:]


def signed(x: float | None) -> str:
    """A difference with its sign and two or more digits.

    >>> signed(0.0123), signed(-0.4), signed(0.0), signed(None)
    ('+0.0123', '-0.400', '0.000', 'n/a')
    """
    if x is None or not math.isfinite(x):
        return "n/a"
    text = fixed(abs(x), _difference_decimals(x))
    return text if not float(text) else ("+" if x > 0 else "-") + text


def signed_span(low: float | None, high: float | None, around: float | None) -> str:
    """The interval of a difference, with signs and as many decimals as the difference; empty when there is none."""
    if low is None or high is None or around is None or not (math.isfinite(low) and math.isfinite(high)):
        return ""
    digits = _difference_decimals(around)
    parts = [("-" if x < 0 and float(fixed(abs(x), digits)) else "+") + fixed(abs(x), digits) for x in (low, high)]
    return " to ".join(parts)


def _difference_decimals(x: float) -> int:
    size = abs(x)
    return 3 if size == 0 else min(max(3, 2 - math.floor(math.log10(size))), 9)


def _decimals(x: float, least: int) -> int:
    size = min(x, 1 - x) if 0 < x < 1 else abs(x)
    return least if size == 0 else min(max(least, 1 - math.floor(math.log10(size))), 9)


def hundred(share: float) -> str:
    """A share as so many in 100, with decimals only where it would round to none or all.

    >>> hundred(0.973), hundred(0.9964), hundred(1.0), hundred(0.0004)
    ('97', '99.6', '100', '0.04')
    """
    for digits in range(6):
        text = fixed(100 * share, digits)
        if share in (0.0, 1.0) or float(text) not in (0.0, 100.0):
            return text
    return "almost 0" if share < 0.5 else "almost 100"


def cut(threshold: float | None) -> str:
    """A threshold with three digits of what tells it from 0 and from 1.

    >>> cut(0.37125), cut(0.99971), cut(12.345), cut(None)
    ('0.371', '0.999710', '12.3', 'above every score')
    """
    if threshold is None:
        return "above every score"
    size = min(abs(threshold), abs(1 - threshold)) if 0 < threshold < 1 else abs(threshold)
    return "0" if size == 0 else fixed(threshold, min(max(2 - math.floor(math.log10(size)), 0), 12))


def number(x: float) -> str:
    """A count with separators; sums of weights with one decimal."""
    return f"{x:,}" if isinstance(x, int) else f"{x:,.1f}"


def of_many(x: float, total: float, per: int) -> str:
    """So many of `per` rows; decimals for less than ten."""
    share = per * x / total
    return f"{math.floor(share + 0.5):,}" if share >= 10 or x == 0 else figure(share, 1)


def cells(data: Mapping[str, Any]) -> tuple[float, float, float, float]:
    """tp, fp, fn, tn of the rule; where there is none, of the first named threshold."""
    rule = data["by_rule"]
    if rule is not None:
        return rule["tp"], rule["fp"], rule["fn"], rule["tn"]
    start = data["named"][0]["index"]
    tp, fp = data["points"]["tp"][start], data["points"]["fp"][start]
    return tp, fp, data["positives"] - tp, data["negatives"] - fp


def sentence(data: Mapping[str, Any], name: Callable[[str], str] = short) -> str:
    """What the rule, or deciding at the first named threshold, does in counts; for several classes what the rule is."""
    if "sentence" in data:
        return str(data["sentence"])
    tp, fp, *_ = cells(data)
    total = data["positives"] + data["negatives"]
    positive = name(data["labels"][data["positive"]])
    threshold, rule = data["points"]["threshold"][data["named"][0]["index"]], data["by_rule"]
    where = f"At threshold {cut(threshold)}" if threshold is not None else "Above every score"
    rest = ""
    if rule is not None:
        where = f"Decided {rule['rule']}"
        if rule["undecided"] > 0:
            rest = f" Left undecided: {hundred(rule['undecided'])} in 100 rows; the figures are of the others."
    if tp + fp == 0:
        return f"{where}{',' if rule else ''} nothing is flagged as {positive}.{rest}"
    flagged = of_many(tp + fp, total, data["per"])
    between = ""
    if data["independent"]:
        low, high = wilson(tp, tp + fp, data["confidence"])
        between = f" ({hundred(low)} to {hundred(high)})"
    right = f"about {hundred(tp / (tp + fp))} in 100 of those are {positive}{between}"
    return f"{where}, of {data['per']:,} rows {flagged} are flagged as {positive}; {right}.{rest}"
