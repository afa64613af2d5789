"""An explanation as HTML: a small page of its own, without any script; names are escaped, whatever they hold."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cutline.decision.explain import Contributions, Explanation

STYLE = """
.cutline-explained{font:16px/1.5 system-ui,sans-serif;max-width:44em;color:#1b1b1b;background:#fff;padding:1em}
.cutline-explained table{border-collapse:collapse;margin:.5em 0}
.cutline-explained caption{text-align:left;padding:.3em 0}
.cutline-explained th,.cutline-explained td{text-align:left;padding:.15em 1em .15em 0;font-weight:normal;
vertical-align:top;overflow-wrap:anywhere}
.cutline-explained thead th{border-bottom:1px solid #767676}
.cutline-explained .n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.cutline-explained .decided{font-size:1.35em;font-weight:600}
"""
MOST = 40
"""Features that are listed."""


def page(found: Explanation) -> str:
    """The whole document."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{escape(_decision(found))}</title></head><body><main>{body(found)}</main></body></html>\n"
    )


def body(found: Explanation) -> str:
    """What is in it, also shown in a notebook."""
    said = [each for each in (found.sentence, found.distance, found.at_other_costs) if each]
    said += [] if found.region is None else [str(found.region)]
    parts = [
        f"<style>{STYLE}</style>",
        f'<p class="decided">{escape(_decision(found))}</p>',
        _table("Probability of each class", ["class", "probability"], found.shares, {1}),
        *(f"<p>{escape(each)}</p>" for each in said),
        "" if found.contributions is None else _moved(found.contributions),
        *(f"<p>Note: {escape(note)}.</p>" for note in found.notes),
    ]
    return f'<section class="cutline-explained">{"".join(parts)}</section>'


def _decision(found: Explanation) -> str:
    if found.decision is not None:
        return f"Decided: {found.decision}"
    return "Left undecided" if found.rule else "Nothing is decided"


def _moved(found: Contributions) -> str:
    rows = [["(start)", "", f"{found.base:+.3f}"]]
    rows += [[each.feature, each.value, f"{each.amount:+.3f}"] for each in found.features[:MOST]]
    if rest := found.features[MOST:]:
        rows.append([f"({len(rest)} more)", "", f"{sum(each.amount for each in rest):+.3f}"])
    rows.append(["(sum)", "", f"{found.total:+.3f}"])
    title = f"What moved it towards {found.name}, and away from {found.against}"
    return _table(title, ["feature", "value", "log-odds"], rows, {2}) + f"<p>{escape(found.about)}</p>"


def _table(caption: str, head: list[str], rows: list[list[str]], numeric: set[int]) -> str:
    kind = [' class="n"' if k in numeric else "" for k in range(len(head))]
    top = "".join(f'<th scope="col"{kind[k]}>{escape(cell)}</th>' for k, cell in enumerate(head))
    body = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>'
        + "".join(f"<td{kind[k]}>{escape(cell)}</td>" for k, cell in enumerate(row) if k)
        + "</tr>"
        for row in rows
    )
    return f"<table><caption>{escape(caption)}</caption><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
