"""What pages are put together from: templates, tables, intervals in words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from cutline.report.words import span

Data = Mapping[str, Any]


@cache
def part(name: str) -> str:
    """A template, script or style of this folder."""
    from importlib.resources import files

    text = files("cutline.report").joinpath(name).read_text(encoding="utf-8")
    # Indents and lines of comment are for those who write the page, not for every file it is in.
    return re.sub(r"(?m)^[ \t]+|^[ \t]*//.*\n", "", text) if name.endswith((".js", ".css")) else text


def filled(template: str, slots: Mapping[str, str]) -> str:
    """The template with its slots filled in one pass: what a slot is filled with is never searched for slots."""
    return re.sub(r"\{\{(\w+)\}\}", lambda match: slots[match[1]], template)


def table(head: list[str], body: list[list[str]], numeric: set[int], caption: str = "") -> str:
    """A table of cells that are already escaped; the first of a row is its header."""
    kind = [' class="n"' if k in numeric else "" for k in range(len(head))]
    top = "".join(f'<th scope="col"{kind[k]}>{cell}</th>' for k, cell in enumerate(head))
    rows = (
        f'<tr><th scope="row"{kind[0]}>{row[0]}</th>'
        + "".join(f"<td{kind[k]}>{cell}</td>" for k, cell in enumerate(row) if k)
        + "</tr>"
        for row in body
    )
    caption = f"<caption>{caption}</caption>" if caption else ""
    return f'<table class="listed">{caption}<thead><tr>{top}</tr></thead><tbody>{"".join(rows)}</tbody></table>'


def interval(row: Data) -> str:
    """The interval of an estimate, or nothing."""
    return span(row["low"], row["high"], row["value"])


def card(key: str, title: str, body: str, *, more: str = "") -> str:
    """A section over the whole width with a heading; what is passed is escaped already."""
    return f'<section class="card wide{more}" aria-labelledby="h-{key}"><h2 id="h-{key}">{title}</h2>{body}</section>'


def scrolled(table: str, by: str) -> str:
    """A table in a box that scrolls sideways, also by keyboard; `by` is the id of its heading."""
    return f'<div class="scroll" tabindex="0" role="group" aria-labelledby="{by}">{table}</div>'
