"""The payload as one HTML page that loads nothing, and as still tables for places where scripts do not run."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Sequence
from html import escape
from itertools import pairwise
from typing import Any

from cutline.report import findings, markup, several_html, slices_html, words
from cutline.report.markup import Data, interval
from cutline.report.words import cut, figure, number, sentence_case, span

SCRIPTS = ("binary_counts.js", "binary_figures.js", "binary_worth.js", "binary_slices.js", "binary.js")
SPOKEN = ("roc_auc", "average_precision", "log_loss", "prediction_bias")
"""Estimates that the script of the page has sentences about; all of them stand in a table."""


def page(data: Data) -> str:
    """The whole page."""
    import hashlib

    binary = data["form"] == "binary"
    # The other forms live in a block of their own: their names cannot collide with those of the page.
    own = "".join(map(markup.part, SCRIPTS)) if binary else f"{{\n{several_html.script(data)}}}\n"
    script = f'"use strict";\n(() => {{\n{markup.part("page.js")}{own}}})();\n'

    digest = b64encode(hashlib.sha256(script.encode()).digest()).decode()
    slots = {
        "title": escape(data["title"]),
        "version": escape(data["cutline"]),
        "dated": f" on {escape(data['date'])}" if data["date"] else "",
        "form": data["form"],
        "css": "".join(map(markup.part, ("page.css", "tables.css", "binary.css" if binary else "several.css"))),
        "script": script,
        # Only the script with this hash may run: markup that got past the escaping would still be dead.
        "script_hash": f"sha256-{digest}",
        "data": embedded(_lean(data) if binary else several_html.lean(data)),
        "scored": scored(data),
        "decision": decision(data) + findings.section(data.get("findings", ())),
        "estimates": estimates(data["estimates"]),
        "notes": "<ul>" + "".join(f"<li>{escape(note)}</li>" for note in data["notes"]) + "</ul>",
        "still": f'<section class="card wide still">{_still(data)}</section>',
        "live": _live(data) if binary else several_html.live(data) + slices_html.slice_card(data),
        "mistakes": slices_html.mistakes(data),
    }
    return markup.filled(markup.part("page.html"), slots)


def tables(data: Data) -> str:
    """The report as still tables, a fragment without scripts or styles of its own."""
    return (
        f"<h3>{escape(data['title'])}</h3>{scored(data)}{decision(data)}"
        f"{findings.section(data.get('findings', ()))}{_still(data)}{estimates(data['estimates'])}"
        + ("" if data["form"] == "binary" else several_html.tables(data))
        + ("" if data["form"] == "binary" else slices_html.slices(data.get("slices", ())))
        + slices_html.mistakes(data)
    )


def _live(data: Data) -> str:
    rest = [one for one in data["slices"] if one["counts"] is None]
    level = f"{100 * data['confidence']:g}"
    note = f'<p class="note">Bars are {level} % intervals, each for its slice alone. {slices_html.THIN}</p>'
    more = f"<details><summary>{len(rest):,} more slices, at the decision</summary>{slices_html.slices(rest)}</details>"
    slots = {"bins": _bins(data), "more_slices": note + (more if rest else "")}
    return markup.filled(markup.part("binary.html"), slots)


def _lean(data: Data) -> dict[str, Any]:
    """What the script needs. Counts of whole rows go as steps from one point to the next, which are shorter."""
    stepped = not data["scored"]["weighted"]
    shown = [one for one in data["slices"] if one["counts"] is not None]
    return {
        **{name: value for name, value in data.items() if name != "mistakes"},
        "stepped": stepped,
        "estimates": [e for e in data["estimates"] if e["metric"] in SPOKEN],
        "points": _steps(data["points"]) if stepped else data["points"],
        "slices": [
            {
                **one,
                "counts": _steps(one["counts"]) if stepped else one["counts"],
                "estimates": [{key: e[key] for key in ("metric", "value", "low", "high")} for e in one["estimates"]],
            }
            for one in shown
        ],
    }


def _steps(counts: Data) -> dict[str, Any]:
    cells = {key: [b - a for a, b in pairwise([0, *counts[key]])] for key in ("tp", "fp")}
    return {**counts, **cells}


def embedded(data: Data) -> str:
    """JSON that no HTML parser can mistake for markup, whatever the names in it."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def scored(data: Data) -> str:
    """What was scored, as a list of facts."""
    facts = data["scored"]
    rows = number(facts["rows"])
    missing = f"{number(facts['missing'])} without label" if facts["missing"] else ""
    entries = [("Rows", rows, missing)]
    if data["form"] == "binary":
        share = f"{number(facts['rows_positive'])} rows, {figure(100 * data['prevalence'], 1)} %"
        weighted = ", weighted" if facts["weighted"] else ""
        entries.append(("Positive class", data["labels"][data["positive"]], share + weighted))
    elif data["form"] == "comparison":
        entries.append(("Models", number(len(data["models"])), ""))
    else:
        entries.append(("Labels" if data["form"] == "multilabel" else "Classes", number(len(data["labels"])), ""))
    entries += [
        ("Score", facts["score_kind"], ""),
        ("Rows used as", facts["role"] or "not stated", ""),
        ("Fingerprint", str(facts["fingerprint"])[:16], ""),
        ("Made with", f"cutline {data['cutline']}", data["date"]),
    ]
    items = (
        f"<div><dt>{escape(term)}</dt><dd><bdi>{escape(value)}</bdi>{f' <small>{escape(more)}</small>' if more else ''}"
        "</dd></div>"
        for term, value, more in entries
    )
    return f'<dl class="facts">{"".join(items)}</dl>'


def decision(data: Data) -> str:
    """What was asked for, in which grade it holds, and how each constraint stands."""
    point = data["decision"]
    if point is None or (point["threshold"] is None and not point["grade"] and data["by_rule"] is None):
        return ""  # the sentence says it all
    at = f", at scores from {cut(point['threshold'])}" if point["threshold"] is not None else ""
    parts = [f'<p class="asked">{escape(sentence_case(signs(point["policy"])))}{at}</p>']
    if data["by_rule"] is not None:
        parts.append(f'<p class="means">{escape(sentence_case(data["by_rule"]["rule"]))}.</p>')
    if point["grade"]:
        grade = escape(point["grade"])
        stands = "".join(f"<li>{escape(constraint(row))}</li>" for row in point["constraints"])
        parts.append(f'<p class="grade"><span class="badge {grade}">{grade}</span></p><ul>{stands}</ul>')
        parts.append(f'<p class="means">{sentence_case(grade)}: {escape(point["grade_means"])}.</p>')
    return f'<section class="decision" aria-label="The decision">{"".join(parts)}</section>'


def constraint(row: Data) -> str:
    """One constraint in words: where it stood, and whether that is certified."""
    asked = signs(row["constraint"])
    if row["certified"]:
        side = "at least" if ">=" in row["constraint"] else "at most"
        held = f"{figure(row['held'])} on untouched rows, {side} {figure(row['bound'])}"
        return f"{asked} is certified: {held} with {100 * row['confidence']:g} % confidence"
    crossed = "" if row["cross_fitted"] is None else f", {figure(row['cross_fitted'])} cross-fitted"
    return f"{asked} is not certified: {figure(row['value'])} on the rows it was chosen on{crossed}"


def signs(text: str) -> str:
    """A policy with the signs of print: ≥ for >=."""
    return text.replace(">=", "≥").replace("<=", "≤")


def estimates(rows: Sequence[Data]) -> str:
    """Estimates with interval, method and rows, as a table."""
    head = ["Metric", "Value", "Interval", "Rows", "Method"]
    body = [
        [escape(row["label"]), figure(row["value"]), interval(row), number(row["n"]), escape(method(row))]
        for row in rows
    ]
    table = markup.table(head, body, {1, 2, 3}, where(rows))
    return f'<div class="scroll" tabindex="0" role="group" aria-label="Estimates">{table}</div>'


def where(rows: Sequence[Data]) -> str:
    """At which threshold the figures of counts were taken, as a sentence; empty when there are none."""
    at = next((row["threshold"] for row in rows if row["threshold"] is not None), None)
    if at is None:
        return ""
    return f"Figures of counts are at threshold {cut(at)}; ranking and probability figures need none."


def method(row: Data) -> str:
    """Level and name of the interval's method, its state unless all is well, and what must be said."""
    level = f"{100 * row['confidence']:g} % {row['method']}" if row["low"] is not None else "no interval"
    return level + (f" ({row['state']})" if row["state"] != "ok" else "") + (f"; {row['note']}" if row["note"] else "")


def _still(data: Data) -> str:
    text = f'<p class="say">{escape(words.sentence(data, lambda name: words.short(name)))}</p>'
    if data["form"] != "binary":
        return text + several_html.still(data)
    return text + _two_by_two(data) + slices_html.slices(data["slices"])


def _two_by_two(data: Data) -> str:
    tp, fp, fn, tn = words.cells(data)
    positive, negative = (escape(data["labels"][data[key]]) for key in ("positive", "negative"))
    head = ["Truth", f"Flagged as {positive}", "Not flagged", "All"]
    body = [
        [positive, number(tp), number(fn), number(tp + fn)],
        [negative, number(fp), number(tn), number(fp + tn)],
    ]
    return markup.table(head, body, {1, 2, 3})


def _bins(data: Data) -> str:
    if not data.get("reliability"):
        return ""
    body = [
        [
            figure(b["mean"]),
            number(b["n"]),
            number(b["positives"]),
            figure(b["rate"]),
            span(b["low"], b["high"], b["rate"]),
        ]
        for b in data["reliability"]
    ]
    table = markup.table(["Mean probability", "Rows", "Positive", "Observed", "Interval"], body, {0, 1, 2, 3, 4})
    return f"<details><summary>The numbers of this figure</summary>{table}</details>"
