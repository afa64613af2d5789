"""The payload as Markdown, for pull requests, wikis and language models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cutline.report import words
from cutline.report.findings import listed
from cutline.report.html import constraint, method, signs, where
from cutline.report.markup import interval
from cutline.report.words import ASKED_FOR, cut, figure, number, signed, signed_span

_SPECIAL = str.maketrans(
    {c: f"\\{c}" for c in "\\`*_{}[]#|~$!"} | {"<": "&lt;", ">": "&gt;", "&": "&amp;"}  # HTML works in Markdown
)


def markdown(data: Mapping[str, Any]) -> str:
    """The sentence, the decision, the counts and the estimates."""
    if data["form"] in ("comparison", "multilabel"):
        return _others(data)
    parts = [f"# {text(data['title'])}", text(words.sentence(data)), _scored(data)]
    if data["decision"] is not None:
        parts.append(_decision(data["decision"]))
    if data["findings"]:
        parts += ["## Findings", "\n".join(_finding(row) for row in data["findings"])]
    parts += ["## Counts", _counts(data), "## Estimates", _estimates(data)]
    if data["form"] == "multiclass" and data["per_class"]:
        parts += ["## Each class against the rest", _per_class(data)]
    if data["slices"]:
        parts += ["## Slices", _slices(data["slices"])]
    if data["mistakes"]:
        parts += ["## The costliest mistakes", _mistakes(data["mistakes"])]
    parts += ["## What these numbers do not say", "\n".join(f"- {text(note)}" for note in data["notes"])]
    made = f"cutline {data['cutline']}" + (f", {data['date']}" if data["date"] else "")
    return "\n\n".join([*parts, f"*{made}; rows {data['scored']['fingerprint']}*"]) + "\n"


def _others(data: Mapping[str, Any]) -> str:
    """Models side by side: the differences; several labels: a line for each."""
    parts = [f"# {text(data['title'])}", text(data["sentence"]), _scored(data)]
    if data["form"] == "comparison":
        head = ["Metric", "Models", "Difference", "Interval", "p (Holm)", "Verdict"]
        rows = [
            [
                text(one["label"]),
                text(f"{d['second']} - {d['first']}"),
                signed(d["difference"]),
                signed_span(d["low"], d["high"], d["difference"]),
                figure(d["p_adjusted"]),
                text(d["verdict"]),
            ]
            for one in data["metrics"]
            for d in one["differences"]
        ]
        parts += ["## Differences", _table(head, rows)]
    else:
        parts += ["## Each label", _per_class(data)]
    parts += ["## Estimates", _estimates(data), "## What these numbers do not say"]
    made = f"cutline {data['cutline']}" + (f", {data['date']}" if data["date"] else "")
    return "\n\n".join([*parts, "\n".join(f"- {text(note)}" for note in data["notes"]), f"*{made}*"]) + "\n"


def text(value: str) -> str:
    """A value with everything escaped that Markdown or the HTML in it would act on."""
    return value.translate(_SPECIAL)


def _scored(data: Mapping[str, Any]) -> str:
    facts = data["scored"]
    bits = [f"{number(facts['rows'])} rows"]
    if data["form"] == "binary":
        positive = text(data["labels"][data["positive"]])
        bits.append(f"{number(facts['rows_positive'])} {positive} ({figure(100 * data['prevalence'], 1)} %)")
    bits += [f"score: {facts['score_kind']}", f"rows used as: {facts['role'] or 'not stated'}"]
    if facts["weighted"]:
        bits.append("weighted")
    if facts["missing"]:
        bits.append(f"{number(facts['missing'])} rows without label left out")
    return "; ".join(bits) + "."


def _decision(point: Mapping[str, Any]) -> str:
    at = f" at scores from {cut(point['threshold'])}" if point["threshold"] is not None else ""
    lines = [f"**Decision:** {text(signs(point['policy']))}{at}."]
    if point["grade"]:
        lines += [f"- {text(constraint(row))}" for row in point["constraints"]]
        lines.append(f"- grade {point['grade']}: {point['grade_means']}")
    return "\n".join(lines)


def _finding(row: Mapping[str, Any]) -> str:
    code = "\n".join(f"  {line}" for line in row["fix_code"].split("\n"))
    return f"- {text(listed(row))}\n\n  ```python\n{code}\n  ```\n"


def _counts(data: Mapping[str, Any]) -> str:
    names = [text(name) for name in data["labels"]]
    if data["form"] == "multiclass" and data["confusion"] is None:
        taken = [[names[m["truth"]], names[m["decision"]], number(m["n"]), number(m["of"])] for m in data["mistaken"]]
        return _table(["Truth", "Decided as", "Rows", "Of"], taken)
    if data["form"] == "multiclass":
        rows = [[name, *map(number, row)] for name, row in zip(names, data["confusion"], strict=True)]
        return _table(["Truth in rows", *names], rows)
    tp, fp, fn, tn = words.cells(data)
    positive, negative = names[data["positive"]], names[data["negative"]]
    first, said = data["named"][0], ""
    if first["name"] not in ASKED_FOR and data["by_rule"] is None:
        said = f"At threshold {cut(first['threshold'])} ({text(first['name'])}), which nobody asked for.\n\n"
    return said + _table(
        ["Truth", f"Flagged as {positive}", "Not flagged", "All"],
        [
            [positive, number(tp), number(fn), number(tp + fn)],
            [negative, number(fp), number(tn), number(fp + tn)],
        ],
    )


def _estimates(data: Mapping[str, Any]) -> str:
    rows = [
        [text(e["label"]), figure(e["value"]), interval(e), number(e["n"]), text(method(e))] for e in data["estimates"]
    ]
    table = _table(["Metric", "Value", "Interval", "Rows", "Method"], rows)
    return "\n\n".join([*filter(None, [where(data["estimates"])]), table])


def _per_class(data: Mapping[str, Any]) -> str:
    head = ["Class", "Rows", *(e["label"] for e in data["per_class"][0]["estimates"])]
    rows = [
        [
            text(row["label"]),
            number(row["support"]),
            *map(_with_limits, row["estimates"]),
        ]
        for row in data["per_class"]
    ]
    return _table(head, rows)


def _slices(slices: list[Mapping[str, Any]]) -> str:
    labels = list(dict.fromkeys(e["label"] for one in slices for e in one["estimates"]))
    rows = []
    for one in slices:
        made = {e["label"]: e for e in one["estimates"]}
        cells = [_with_limits(made[name]) if name in made else "n/a" for name in labels]
        rows.append(
            [text(f"{one['partition']}: {one['slice']}"), number(one["rows"]), *cells, text(one["reason"] or "-")]
        )
    return _table(["Slice", "Rows", *map(text, labels), "Thin"], rows)


def _mistakes(rows: list[Mapping[str, Any]]) -> str:
    body = [
        [text(row["id"]), text(row["truth"]), text(row["decision"]), figure(row["score"]), f"{row['cost']:g}"]
        for row in rows
    ]
    return _table(["Row", "Truth", "Decided as", "Score", "Cost"], body)


def _with_limits(e: Mapping[str, Any]) -> str:
    return f"{figure(e['value'])} ({interval(e)})" if interval(e) else figure(e["value"])


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---" if name in (head[0], "Method") else "---:" for name in head], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
