"""Slices and single rows as still tables: for pages without scripts, and for what a page does not move."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from cutline.report import markup
from cutline.report.markup import Data
from cutline.report.words import cut, figure, number, short


def slices(rows: Sequence[Data]) -> str:
    """Figures of slices at the decision, with bars that show how wide an interval is; empty without slices."""
    if not rows:
        return ""
    metrics = list(dict.fromkeys(e["label"] for one in rows for e in one["estimates"]))
    heads = ['<th scope="col">Slice</th>', '<th scope="col" class="n">Rows</th>']
    heads += [f'<th scope="col">{escape(name)}</th>' for name in metrics]
    body = "".join(_slice(one, metrics) for one in rows)
    head = f"<thead><tr>{''.join(heads)}</tr></thead>"
    return f'<table class="listed classes">{head}<tbody>{body}</tbody></table>'


def _slice(one: Data, metrics: Sequence[str]) -> str:
    made = {e["label"]: e for e in one["estimates"]}
    few = f' <span class="few" title="{escape(one["reason"])}">few rows</span>' if one["reason"] else ""
    name = f"<small>{escape(short(one['partition']))} </small><bdi>{escape(one['slice'])}</bdi>{few}"
    cells = "".join(bar_cell(made[m]) if m in made else '<td data-v="">n/a</td>' for m in metrics)
    thin = ' class="thin"' if one["reason"] else ""
    rows = f'<td class="n" data-v="{one["rows"]}">{number(one["rows"])}</td>'
    return f'<tr{thin}><th scope="row">{name}</th>{rows}{cells}</tr>'


def bar_cell(e: Data) -> str:
    """An estimate with its interval, and both as a bar from 0 to 1."""
    if e["value"] is None:
        return '<td data-v="">n/a</td>'
    bar = ""
    if e["low"] is not None:
        low, wide = 100 * e["low"], 100 * (e["high"] - e["low"])
        bar = f'<span class="ci" aria-hidden="true"><i style="left:{low:.1f}%;width:{wide:.1f}%"></i>'
        bar += f'<u style="left:{100 * e["value"]:.1f}%"></u></span>'
    return f'<td data-v="{e["value"]:.6g}">{figure(e["value"])} <small>{markup.interval(e)}</small>{bar}</td>'


def slice_card(data: Data) -> str:
    """The card of a page whose slices do not move: of several classes, and of predicted labels."""
    if not data.get("slices"):
        return ""
    level = f"{100 * data['confidence']:g}"
    note = f'<p class="note">Bars are {level} % intervals, each for its slice alone. {THIN}</p>'
    return markup.card("slices", "Slices", markup.scrolled(slices(data["slices"]), "h-slices") + note)


THIN = (
    '<span class="few">few rows</span> marks slices too thin to lean on. The more slices are looked at, the more stand '
    "out by luck: <code>cutline.slices</code> tests each against the others, corrected for looking."
)


def mistakes(data: Data) -> str:
    """The single rows that were asked for."""
    if not data.get("mistakes"):
        return ""
    unit = f", in {escape(data['unit'])}" if data.get("unit") else ""
    body = [
        [
            f"<bdi>{escape(row['id'])}</bdi>",
            f"<bdi>{escape(row['truth'])}</bdi>",
            f"<bdi>{escape(row['decision'])}</bdi>",
            "" if row["score"] is None else cut(row["score"]),
            f"{row['cost']:g}",
        ]
        for row in data["mistakes"]
    ]
    table = markup.table(["Row", "Truth", "Decided as", "Score", f"Cost{unit}"], body, {3, 4})
    said = (
        f'<p class="take">The {len(body)} mistakes that cost most; of those that cost the same, the ones made most '
        "surely first. They name single rows: mind who reads this file.</p>"
    )
    return markup.card("mistakes", "The costliest mistakes", said + markup.scrolled(table, "h-mistakes"))
