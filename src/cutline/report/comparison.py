"""The values of a report of models side by side. It selects; it estimates nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cutline.evidence import finite, z_of
from cutline.report.several import SCHEMA_VERSION, bins_of, curve_of, estimate_of
from cutline.report.words import clean, finished, hundred, label, of_many, short

if TYPE_CHECKING:
    from cutline.evaluation import Agreement, SideBySide
    from cutline.evidence.at_equal import AtEqual

MOST_CLASSES = 20
"""Classes whose disagreements are listed; of more, those on which the models differ most."""
START = 0.8
"""The recall that is shown first where no threshold says which one matters."""


def comparison_payload(found: SideBySide, *, title: str | None, date: str) -> dict[str, Any]:
    """Everything a comparison shows, as plain values for JSON.

    Parameters
    ----------
    found : SideBySide
    title : str, optional
        Heading; names the models when not given.
    date : str
        Day of the report.
    """
    from cutline import __version__

    first, names = found.evaluations[0], [label(name) for name in found.names]
    table = first.table
    share = None if table is None or not first.n else first.n_pos / first.n
    values: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "form": "comparison",
        "title": clean(title) if title else " or ".join([", ".join(map(short, names[:-1])), short(names[-1])]) + "?",
        "cutline": __version__,
        "date": date,
        "labels": [label(name) for name in found.classes.names],
        "models": names,
        "positive": found.classes.index(found.classes.positive) if found.classes.binary else None,
        "scored": {
            "rows": first.n,
            "missing": first.missing,
            "classes": list(found.classes.names),
            "positive": found.classes.positive,
            "rows_positive": first.n_pos if found.classes.binary else None,
            "score_kind": ", ".join(dict.fromkeys(one.kind for one in found.evaluations)),
            "role": first.role if len({one.role for one in found.evaluations}) == 1 else "",
            "weighted": first.weighted,
            "fingerprint": first.fingerprint,
        },
        "decision": None,
        "by_rule": None,
        "confidence": found.confidence,
        "z": z_of(found.confidence),
        "thresholds": [None if one.threshold is None else finite(one.threshold) for one in found.evaluations],
        "estimates": [
            estimate_of(e) | {"label": f"{e.metric.label}: {short(name)}"}
            for metric in first.estimates
            for name, one in zip(names, found.evaluations, strict=True)
            for e in one.estimates
            if e.metric.name == metric.metric.name
        ],
        "metrics": [
            {
                "metric": one.metric.name,
                "label": one.metric.label,
                "maximize": one.metric.maximize,
                "values": [finite(v) for v in one.values],
                "differences": [
                    d.to_dict() | {"first": label(d.first), "second": label(d.second), "verdict": clean(d.verdict)}
                    for d in one.differences
                ],
            }
            for one in found.comparisons
        ],
        "curves": [
            None
            if one.table is None
            else {
                **curve_of(one.table),
                "estimates": {e.metric.name: estimate_of(e) for e in one.estimates},
                "reliability": bins_of(one.reliability),
            }
            for one in found.evaluations
        ],
        "per": 100_000 if share is not None and min(share, 1 - share) < 0.01 else 1_000,
        "equal": _equal(found),
        "agreements": [_agreement(found, one) for one in found.agreements],
    }
    values["sentence"] = _sentence(values)
    return values | {"notes": _notes(found)}


def _equal(found: SideBySide) -> list[dict[str, Any]]:
    made = []
    for one in (found.at_recall, found.at_flagged):
        if one is None:
            continue
        made.append(
            {
                "by": one.by,
                "at": one.at.tolist(),
                "threshold": [[finite(t) for t in row] for row in one.thresholds],
                "tp": one.tp.tolist(),
                "fp": one.fp.tolist(),
                "low": [[finite(x) for x in row] for row in one.low],
                "high": [[finite(x) for x in row] for row in one.high],
                "method": one.method,
                "start": _start(found, one),
            }
        )
    return made


def _start(found: SideBySide, one: AtEqual) -> int:
    """Where the first model is cut anyway; else at a recall of 0.8, or the share of positives."""
    counts, table = found.evaluations[0].counts, found.evaluations[0].table
    assert table is not None
    total = table.positives + table.negatives
    wanted = START if one.by == "recall" else table.positives / total
    if counts is not None and counts.tp:
        wanted = counts.tp / table.positives if one.by == "recall" else (counts.tp + counts.fp) / total
    return int(np.argmin(np.abs(one.at - wanted)))


def _agreement(found: SideBySide, one: Agreement) -> dict[str, Any]:
    classes, more = list(range(found.classes.k)), 0
    if one.cells is not None and found.classes.k > MOST_CLASSES:
        gap = np.abs(one.cells[:, 1] - one.cells[:, 2])
        classes, more = np.sort(np.argsort(-gap, kind="stable")[:MOST_CLASSES]).tolist(), found.classes.k - MOST_CLASSES
    return {
        "first": label(one.first),
        "second": label(one.second),
        "cells": None if one.cells is None else [[i, *one.cells[i].tolist()] for i in classes],
        "all": None if one.cells is None else one.cells.sum(axis=0).tolist(),
        "more": more,
        "other": one.other,
        "grid": None if one.grid is None else one.grid.tolist(),
        "of_ranks": one.of_ranks,
    }


def _sentence(values: dict[str, Any]) -> str:
    """At the recall of the first model, how many fewer the second flags; else what accuracy says."""
    first, second = (f"{short(name)}" for name in values["models"][:2])
    if values["equal"]:
        one, per = values["equal"][0], values["per"]
        i = one["start"]
        total = values["curves"][0]["positives"] + values["curves"][0]["negatives"]
        flagged = [one["tp"][k][i] + one["fp"][k][i] for k in (0, 1)]
        gap, low, high = per * (flagged[1] - flagged[0]) / total, one["low"][1][i], one["high"][1][i]
        limits = "" if low is None else _range(per * low, per * high, per)
        many = f"{of_many(abs(gap), per, per)} {'fewer' if gap < 0 else 'more'} of {per:,} rows than"
        where = f"At a recall of {hundred(one['at'][i])} in 100"
        return f"{where}, {second} flags {many if gap else 'as many rows as'} {first}{limits}."
    for metric in values["metrics"]:
        for d in metric["differences"][:1]:
            return f"{metric['label']}: {clean(d['verdict'])}."
    return f"{first} and {second} on the same rows."


def _range(low: float, high: float, per: int) -> str:
    """Limits of how many more or fewer, in words."""
    ends = [of_many(abs(x), per, per) for x in (low, high)]
    if high <= 0:
        return f" ({ends[1]} to {ends[0]} fewer)"
    if low >= 0:
        return f" ({ends[0]} to {ends[1]} more)"
    return f" ({ends[0]} fewer to {ends[1]} more)"


def _notes(found: SideBySide) -> list[str]:
    tests = len(found.comparisons) * (len(found.names) - 1)
    notes = [
        *found.notes,
        f"p is corrected (Holm) over the models compared by one metric. {tests} difference(s) are shown: the more are "
        "looked at, the more seem clear by luck. Decide which one counts before you look",
        "Intervals are of the luck of which rows were drawn, for these two finished models. Trained anew on other rows "
        "they would differ by more",
    ]
    if found.at_recall is not None:
        notes.append(
            "At equal recall each model is cut at a threshold of its own; where scores are tied it may reach more"
        )
    return [finished(note) for note in dict.fromkeys(notes)]
