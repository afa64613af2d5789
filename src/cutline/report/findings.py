"""What the checks found, in every form of the report. It draws; the evaluation found it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from cutline.report.markup import Data
from cutline.report.words import clean, finished

if TYPE_CHECKING:
    from cutline.checks import Findings


def rows(findings: Findings) -> list[dict[str, Any]]:
    """The findings as plain values."""
    return [{key: _plain(value) for key, value in one.to_dict().items()} for one in findings]


def _plain(value: Any) -> Any:
    return "\n".join(map(clean, value.split("\n"))) if isinstance(value, str) else value


def section(found: Sequence[Data]) -> str:
    """A section of the page, or nothing."""
    if not found:
        return ""
    heading = "1 finding" if len(found) == 1 else f"{len(found)} findings"
    body = "".join(map(_one, found))
    return f'<section class="decision" aria-label="Findings"><p class="asked">{heading}</p>{body}</section>'


def _one(row: Data) -> str:
    return (
        f'<div class="means"><p><span class="badge">{escape(row["code"])}</span> <b>{escape(row["name"])}</b></p>'
        f"<p>{escape(finished(row['seen']))} {escape(finished(row['why']))}</p>"
        f"<details><summary>The fix</summary><pre>{escape(row['fix_code'])}</pre>"
        f"<p>To silence it: <code>{escape(row['silence'])}</code></p></details></div>"
    )


def listed(row: Data) -> str:
    """A finding in one paragraph."""
    return f"{row['code']} {row['name']}: {finished(row['seen'])} {finished(row['why'])}"
