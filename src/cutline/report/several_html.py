"""The parts of the page that several classes, several labels and several models bring, as markup without scripts."""

from __future__ import annotations

from html import escape
from typing import Any

from cutline.report import markup
from cutline.report.markup import Data
from cutline.report.slices_html import bar_cell
from cutline.report.words import cut, figure, fixed, hundred, number, of_many, short, signed, signed_span

SCRIPTS = {
    "multiclass": ("plots.js", "multiclass.js"),
    "multilabel": ("plots.js", "multiclass.js"),
    "comparison": ("plots.js", "comparison.js"),
}
STILL_CELLS = 30
"""Classes up to which the matrix is printed where scripts are off."""
MOST_ROWS = 200
"""Rows of the table of classes in the page; JSON has them all."""
FEW = 30
"""Rows of a class below which its line is marked as thin."""


def lean(data: Data) -> dict[str, Any]:
    """What the script needs: tables of classes and estimates are markup already."""
    drawn = ("per_class", "estimates", "metrics", "slices", "mistakes")
    return {name: value for name, value in data.items() if name not in drawn}


def script(data: Data) -> str:
    """The script of a form."""
    return "".join(map(markup.part, SCRIPTS[data["form"]]))


def live(data: Data) -> str:
    """The page between decision and estimates."""
    if data["form"] == "comparison":
        slots = {"differences": _differences(data), "disagreements": _disagreements(data), "hero": _hero_models(data)}
        return markup.filled(markup.part("comparison.html"), slots)
    slots = {"hero": _hero(data), "rules": _rules(data), "classes": _classes(data), "bias": _bias(data)}
    return markup.filled(markup.part("multiclass.html"), slots)


def still(data: Data) -> str:
    """What stands in for the moving parts where scripts are off."""
    if data["form"] == "comparison":
        return _equal(data)
    if data["form"] == "multilabel":
        return ""
    return _matrix(data) if len(data["labels"]) <= STILL_CELLS else _mistaken(data)


def tables(data: Data) -> str:
    """The tables that a notebook shows before the frame."""
    return _differences(data) if data["form"] == "comparison" else _classes(data)


def _name(text: str) -> str:
    return f"<bdi>{escape(text)}</bdi>"


def _isolated(text: str) -> str:
    return f"<b><bdi>{escape(short(text))}</bdi></b>"


# --- several classes ----------------------------------------------------------------------------------------------


def _hero(data: Data) -> str:
    items = "".join(f"<li>{_taken(data, one)}</li>" for one in data.get("mistaken", [])[:6])
    taken = f'<p class="alone">Most often taken for another</p><ol class="confused">{items}</ol>' if items else ""
    return (
        '<section class="hero live" aria-label="In one sentence">'
        f'<p class="say">{escape(data["sentence"])}</p><div>{taken}</div></section>'
    )


def _taken(data: Data, one: Data) -> str:
    """One pair as a sentence: of 100 rows of a class so many are called another."""
    truth, said = (_isolated(data["labels"][one[key]]) for key in ("truth", "decision"))
    limits = "" if one["low"] is None else f" ({hundred(one['low'])} to {hundred(one['high'])})"
    rows = f"{number(one['n'])} {'row' if one['n'] == 1 else 'rows'}"
    return f"Of 100 rows of {truth} about {hundred(one['n'] / one['of'])}{limits} are called {said}: {rows}"


def _matrix(data: Data) -> str:
    names = [_name(name) for name in data["labels"]]
    body = [[name, *map(number, row)] for name, row in zip(names, data["confusion"], strict=True)]
    return f'<div class="scroll">{markup.table(["Truth in rows", *names], body, set(range(1, len(names) + 1)))}</div>'


def _mistaken(data: Data) -> str:
    body = [
        [
            _name(data["labels"][m["truth"]]),
            _name(data["labels"][m["decision"]]),
            number(m["n"]),
            number(m["of"]),
            hundred(m["n"] / m["of"]),
        ]
        for m in data["mistaken"]
    ]
    return markup.table(["Truth", "Decided as", "Rows", "Of", "In 100"], body, {2, 3, 4})


def _classes(data: Data) -> str:
    """Each class against the rest: sortable by script, bars that show how wide an interval is."""
    rows = list(enumerate(data["per_class"]))
    if not rows:
        return ""
    metrics = [e["label"] for e in rows[0][1]["estimates"]]
    note = ""
    if len(rows) > MOST_ROWS:
        kept = sorted(rows, key=lambda pair: -_lost(pair[1]))[:MOST_ROWS]
        note = f"The {MOST_ROWS} of {len(rows):,} classes with the most rows not found; report.json has all."
        rows = sorted(kept)
    what = "Label" if data["form"] == "multilabel" else "Class"
    heads = [f'<th scope="col">{what}</th>', *(f'<th scope="col" class="n">{h}</th>' for h in ("Rows", "Decided"))]
    heads += [f'<th scope="col">{escape(m)}</th>' for m in metrics]
    body = "".join(_class_row(row, data["decided"][k]) for k, row in rows)
    head = f"<thead><tr>{''.join(heads)}</tr></thead>"
    table = f'<table class="listed classes" id="classes">{head}<tbody>{body}</tbody></table>'
    level, few = f"{100 * data['confidence']:g}", f'<span class="few">few rows</span> marks less than {FEW}.'
    thin = f'<p class="note">{note} Bars are {level} % intervals. {few}</p>'
    title = "Each label against its absence" if data["form"] == "multilabel" else "Each class against the rest"
    return markup.card("classes", title, markup.scrolled(table, "h-classes") + thin)


def _lost(row: Data) -> float:
    found = next((e["value"] for e in row["estimates"] if e["metric"] == "recall"), None)
    return float(row["support"] * (1 - (found or 0)))


def _class_row(row: Data, decided: float) -> str:
    few = row["support"] < FEW
    mark = ' <span class="few">few rows</span>' if few else ""
    cells = "".join(bar_cell(e) for e in row["estimates"])
    return (
        f'<tr{" class=thin" if few else ""}><th scope="row">{_name(row["label"])}{mark}</th>'
        f'<td class="n" data-v="{row["support"]}">{number(row["support"])}</td>'
        f'<td class="n" data-v="{decided}">{number(decided)}</td>{cells}</tr>'
    )


def _rules(data: Data) -> str:
    """What was decided by which rule, and what others would change."""
    if len(data.get("rules", ())) < 2:
        return ""
    rules = data["rules"]
    head = ["Each row is decided for", "Other class", *(v["label"] for v in rules[0]["values"])]
    body = []
    for rule in rules:
        name = f"{escape(rule['said'])}" + (" <small>as here</small>" if rule["current"] else "")
        changed = "-" if rule["current"] else number(rule["changed"])
        values = [figure(v["value"]) for v in rule["values"]]
        if not rule["current"]:
            values = [_moved(v["value"], w["value"]) for v, w in zip(rule["values"], rules[0]["values"], strict=True)]
        body.append([name, changed, *values])
    table = markup.table(head, body, set(range(1, len(head))))
    others = [r for r in rules if not r["current"]]
    said = "".join(_changed(data, r) for r in others[:3])
    note = (
        '<p class="note">Values on these rows, with the change beside them; none of these rules learned from their '
        "truth. A rule chosen because it looks best here flatters itself: confirm it on other rows.</p>"
    )
    inside = said + markup.scrolled(table, "h-rules") + note
    return markup.card("rules", "The rule, and what another would change", inside)


def _moved(value: float | None, before: float | None) -> str:
    if value is None or before is None:
        return figure(value)
    gap = fixed(abs(value - before), 3)
    return f"{figure(value)} <small>{('+' if value > before else '-') * (float(gap) > 0)}{gap}</small>"


def _changed(data: Data, rule: Data) -> str:
    rows, total = rule["changed"], data["scored"]["rows"]
    many = f"{of_many(rows, total, 1000)} of 1,000 rows change class" if rows else "no row changes class"
    return f'<p class="take">Decided for {escape(rule["said"])}, {many}.</p>'


def _bias(data: Data) -> str:
    """What each class was said to be, against what happened: a table behind the figure."""
    views = [v for v in data["views"] if "prediction_bias" in v["estimates"]]
    if not views:
        return ""
    body = []
    for view in views:
        e = view["estimates"]["prediction_bias"]
        happened = view["positives"] / (view["positives"] + view["negatives"])
        said = happened + (e["value"] or 0)
        body.append(
            [
                _name(view["label"]),
                f"{figure(100 * said, 1)} %",
                f"{figure(100 * happened, 1)} %",
                signed(e["value"]),
                signed_span(e["low"], e["high"], e["value"]),
            ]
        )
    table = markup.table(["Class", "Probability said", "Happened", "Bias", "Interval"], body, {1, 2, 3, 4})
    return f"<details><summary>The numbers of this figure</summary>{markup.scrolled(table, 'h-share')}</details>"


# --- models side by side --------------------------------------------------------------------------------------------


def _hero_models(data: Data) -> str:
    models = "".join(
        f'<li><span class="swatch m{k % 6}" aria-hidden="true"></span><bdi>{escape(short(name))}</bdi></li>'
        for k, name in enumerate(data["models"])
    )
    return (
        '<section class="hero live" aria-label="In one sentence">'
        f'<p class="say" id="say" role="status" aria-live="polite">{escape(data["sentence"])}</p>'
        f'<div><p class="alone">Models</p><ul class="models">{models}</ul></div></section>'
    )


def _differences(data: Data) -> str:
    """Differences to the first model: every metric on a scale of its own, better to the right."""
    body = []
    for metric in data["metrics"]:
        found = metric["differences"]
        limits = [abs(d[key]) for d in found for key in ("low", "high", "difference") if d[key] is not None]
        reach = max(limits, default=0) or 1
        body += [_difference(metric, d, reach, k == 0) for k, d in enumerate(found)]
    first = escape(short(data["models"][0]))
    heads = [("Metric", ""), ("Model", ""), (f"It, and <bdi>{first}</bdi>", "n"), ("Difference", "n")]
    heads += [("Interval", "n"), ("Worse ◂ ▸ better", "forest"), ("p (Holm)", "n"), ("Verdict", "")]
    top = "".join(f'<th scope="col" class="{c}">{h}</th>' for h, c in heads)
    table = f'<table class="listed differences"><thead><tr>{top}</tr></thead><tbody>{"".join(body)}</tbody></table>'
    cuts = [t for t in data["thresholds"] if t is not None]
    where = ""
    if cuts:
        where = "Figures of counts are at threshold " + " and ".join(dict.fromkeys(cut(t) for t in cuts)) + "."
    title = f"Each against <bdi>{first}</bdi>, on the same rows"
    level = f"Intervals are {100 * data['confidence']:g} %, paired: all models see the same rows."
    inside = f'<p class="take">{where} {level}</p>' + markup.scrolled(table, "h-differences")
    return markup.card("differences", title, inside)


def _difference(metric: Data, d: Data, reach: float, first: bool) -> str:
    better = {True: "more is better", False: "less is better", None: ""}[metric["maximize"]]
    head = escape(metric["label"]) + (f"<small>{better}</small>" if first else "")
    return (
        f'<tr><th scope="row">{head}</th><td>{_name(short(d["first"]))}</td>'
        f'<td class="n">{figure(d["first_value"])} <small>{figure(d["second_value"])}</small></td>'
        f'<td class="n">{signed(d["difference"])}</td>'
        f'<td class="n"><small>{signed_span(d["low"], d["high"], d["difference"])}</small></td>'
        f'<td class="forest">{_forest(metric, d, reach)}</td><td class="n">{_p(d["p_adjusted"])}</td>'
        f"<td>{escape(d['verdict'])}</td></tr>"
    )


def _forest(metric: Data, d: Data, reach: float) -> str:
    """The interval of a difference as a bar, better to the right of the line."""
    if d["difference"] is None or metric["maximize"] is None:
        return ""
    scale = 46 / reach * (1 if metric["maximize"] else -1)
    bar = ""
    if d["low"] is not None and d["high"] is not None:
        a, b = sorted((50 + scale * d["low"], 50 + scale * d["high"]))
        bar = f'<i style="left:{a:.1f}%;width:{max(b - a, 0.8):.1f}%"></i>'
    tick = f'<u style="left:{50 + scale * d["difference"]:.1f}%"></u>'
    return f'<span class="ci zero" aria-hidden="true">{bar}{tick}</span>'


def _p(p: float) -> str:
    return "&lt; 0.0001" if p < 1e-4 else fixed(p, 4)


def _disagreements(data: Data) -> str:
    """How often one model is right where another is wrong."""
    parts = []
    for k, one in enumerate(data["agreements"]):
        if one["cells"] is None:
            continue
        first, second = (f"<bdi>{escape(short(one[key]))}</bdi>" for key in ("first", "second"))
        both, only_first, only_second, _ = one["all"]
        total = sum(one["all"])
        say = (
            f"Of 1,000 rows {of_many(only_first, total, 1000)} are decided right by {first} alone and "
            f"{of_many(only_second, total, 1000)} by {second} alone; both are right on {of_many(both, total, 1000)}."
        )
        rows = [[_name(data["labels"][i]), *(number(x) for x in cells)] for i, *cells in one["cells"]]
        rows.append(["All", *(number(x) for x in one["all"])])
        head = ["Truth", "Both right", f"Only {first}", f"Only {second}", "Both wrong"]
        more = (
            f'<p class="note">{one["more"]:,} classes on which they differ less are in the sum only.</p>'
            if one["more"]
            else ""
        )
        grid = (
            f'<div class="plot grid-of" id="grid-{k}" role="img" aria-labelledby="h-disagree"></div>'
            if one["grid"]
            else ""
        )
        table = markup.scrolled(markup.table(head, rows, {1, 2, 3, 4}), "h-disagree")
        parts.append(
            f'<p class="take">{say}</p><div class="pair"><div>{table}{more}</div><div class="live">{grid}</div></div>'
        )
    return markup.card("disagree", "Where they disagree", "".join(parts)) if parts else ""


def _equal(data: Data) -> str:
    """Flagged rows of every model at the recalls a reader is likely to ask for."""
    if not data["equal"]:
        return ""
    one = data["equal"][0]
    picks = [max(round(len(one["at"]) * share) - 1, 0) for share in (0.5, 0.7, 0.8, 0.9, 0.95, 0.99, 1)]  # even steps
    body = [
        [hundred(one["at"][i]), *(number(one["tp"][k][i] + one["fp"][k][i]) for k in range(len(data["models"])))]
        for i in picks
    ]
    names = [_name(short(name)) for name in data["models"]]
    return markup.table(
        ["Positives found, in 100", *(f"Flagged by {n}" for n in names)], body, set(range(len(names) + 1))
    )
