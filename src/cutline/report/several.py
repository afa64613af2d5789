"""The values of a report of several classes, and of several labels. It selects; it estimates nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cutline.calibration import Bin
from cutline.evaluation import View, alternatives, cut_points, mistaken, views
from cutline.evidence import Estimate, finite, z_of
from cutline.metrics import ThresholdTable
from cutline.report.words import clean, finished, label, of_many

if TYPE_CHECKING:
    from cutline.evaluation import Evaluation, LabelSets

SCHEMA_VERSION = 1

MOST_CELLS = 100
"""Classes up to which the whole matrix is shown; of more only what is confused most."""
MOST_VIEWS = 100
"""Classes that have curves; of more classes, those with the most rows decided wrong."""
POINTS = 6_000
"""Points of all curves together: the file does not grow with the classes."""


def several(evaluation: Evaluation) -> dict[str, Any]:
    """What a report of three classes or more shows beside the figures that all reports have."""
    matrix = np.asarray(evaluation.confusion)
    k, classes = evaluation.classes.k, evaluation.classes
    total, right = matrix.sum().item(), np.trace(matrix).item()
    rules = alternatives(evaluation)
    rule = rules[0].said if evaluation.point is None else str(evaluation.point.policy)
    most = np.sort(np.argsort(-(matrix.sum(axis=1) - np.diagonal(matrix)), kind="stable")[:MOST_VIEWS])
    shown = views(evaluation, [classes.names[i] for i in most])
    upto = cut_points(evaluation) if k <= MOST_VIEWS else ()
    pairs = mistaken(evaluation)
    return {
        "sentence": _sentence(rule, matrix, classes.ordered),
        "rule": rule,
        "ordered": classes.ordered,
        "total": total,
        "right": right,
        "confusion": matrix.tolist() if k <= MOST_CELLS else None,
        "confused": [[m.truth, m.decision] for m in pairs[:5]],
        "mistaken": [
            {
                "truth": m.truth,
                "decision": m.decision,
                "n": m.n,
                "of": m.of,
                "low": finite(m.low),
                "high": finite(m.high),
            }
            for m in pairs
        ],
        "together": None if classes.ordered or not 3 < k <= MOST_CELLS else together(matrix),
        "decided": matrix.sum(axis=0).tolist(),
        "steps": _steps(matrix) if classes.ordered else None,
        "per_class": [
            {
                "label": label(row.name),
                "support": np.asarray(row.support).item(),
                "estimates": [estimate_of(estimate) for estimate in row.estimates],
            }
            for row in evaluation.per_class
        ],
        "views": [_view(view, len(shown) + len(upto)) for view in (*shown, *upto)],
        "viewed": most.tolist() if shown else [],
        "rules": [
            {
                "said": other.said,
                "current": other.current,
                "changed": other.changed,
                "values": [{"label": m.label, "value": finite(v)} for m, v in other.values],
            }
            for other in rules
        ],
    }


def _sentence(rule: str, matrix: NDArray[Any], ordered: bool) -> str:
    total, right = matrix.sum().item(), np.trace(matrix).item()
    if not total:
        return f"Each row is decided for {rule}; no row has a label."
    near = ""
    if ordered:
        close = right + np.trace(matrix, 1).item() + np.trace(matrix, -1).item()
        near = f", and {of_many(close, total, 1000)} at most one class off"
    return f"Each row is decided for {rule}; of 1,000 rows {of_many(right, total, 1000)} are decided right{near}."


def _steps(matrix: NDArray[Any]) -> list[float]:
    """Rows by how far the decision is from the class: k - 1 below, ..., right, ..., k - 1 above."""
    return [np.trace(matrix, offset).item() for offset in range(1 - len(matrix), len(matrix))]


def together(matrix: NDArray[Any]) -> list[int]:
    """Class numbers in an order in which classes that are taken for each other stand side by side.

    Leaves of a tree of average linkage, in the order with the least distance between neighbours (Bar-Joseph et al.
    2001); near is what a large share of the rows of either class is decided for.
    """
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1e-300)
    apart = 1 / (0.002 + share + share.T)
    np.fill_diagonal(apart, 0)
    return [int(i) for i in leaves_list(linkage(squareform(apart, checks=False), "average", optimal_ordering=True))]


def estimate_of(estimate: Estimate) -> dict[str, Any]:
    """An estimate as plain values; a ranking or probability figure has no threshold."""
    values = estimate.to_dict()
    return values | {"threshold": values["threshold"] if estimate.metric.of_counts else None}


def _view(view: View, among: int) -> dict[str, Any]:
    name = label(view.name)
    return {
        "label": f"{name} or lower" if view.upto else name,
        "upto": view.upto,
        "estimates": {e.metric.name: estimate_of(e) for e in view.estimates},
        "reliability": bins_of(view.reliability),
        **curve_of(view.table, max(POINTS // max(among, 1), 30)),
    }


def bins_of(bins: Sequence[Bin] | None) -> list[dict[str, Any]] | None:
    """Bins of a reliability diagram; those less than a hundredth from the one before would be drawn upon it."""
    if bins is None:
        return None
    kept: list[Bin] = []
    for one in bins:
        if not kept or one.mean - kept[-1].mean >= 0.01 or one is bins[-1]:
            kept.append(one)
    return [{name: round(value, 6) for name, value in one.to_dict().items()} for one in kept]


def curve_of(table: ThresholdTable, most: int = 300) -> dict[str, Any]:
    """Counts at no more than `most` thresholds, equal steps along the ROC curve apart, and the totals."""
    counts = table.counts()
    tp, fp = np.asarray(counts.tp), np.asarray(counts.fp)
    rows = np.arange(len(tp))
    if len(tp) > most:
        along = tp / max(float(tp[-1]), 1e-300) + fp / max(float(fp[-1]), 1e-300)
        steps = np.searchsorted(along, np.linspace(0, along[-1], most - 1)).clip(0, len(tp) - 1)
        rows = np.unique([0, *steps, len(tp) - 1])
    return {
        "positives": tp[-1].item(),
        "negatives": fp[-1].item(),
        "tp": tp[rows].tolist(),
        "fp": fp[rows].tolist(),
    }


def labels_payload(found: LabelSets, *, title: str | None, date: str) -> dict[str, Any]:
    """The values of a report of rows that may have several labels: each label a line, and the sets as a whole."""
    from cutline import __version__

    data, whole, total = found.data, found.sets[0].value, float(found.data.n)
    return {
        "schema_version": SCHEMA_VERSION,
        "form": "multilabel",
        "title": clean(title) if title else f"{len(found.names)} labels",
        "cutline": __version__,
        "date": date,
        "labels": [label(name) for name in found.names],
        "scored": {
            "rows": data.n,
            "missing": 0,
            "classes": list(found.names),
            "positive": None,
            "rows_positive": None,
            "score_kind": data.kind,
            "role": "",
            "weighted": data.weight is not None,
            "fingerprint": found.each[0].fingerprint,
        },
        "decision": None,
        "by_rule": None,
        "confidence": found.confidence,
        "z": z_of(found.confidence),
        "sentence": f"Of 1,000 rows {of_many(whole * total, total, 1000)} are given exactly the labels they have.",
        "estimates": [estimate_of(e) | {"state": "ok"} for e in found.sets],
        "per_class": [_label_row(name, one) for name, one in zip(found.names, found.each, strict=True)],
        "decided": [0 if one.counts is None else np.asarray(one.counts.flagged).item() for one in found.each],
        "views": _label_views(found),
        "viewed": list(range(min(len(found.names), MOST_VIEWS))) if data.kind != "label" else [],
        "notes": _label_notes(found),
    }


def _label_row(name: Any, one: Evaluation) -> dict[str, Any]:
    wanted = ("precision", "recall", "f1", "roc_auc")
    made = {e.metric.name: estimate_of(e) for e in one.estimates}
    return {"label": label(name), "support": one.n_pos, "estimates": [made[m] for m in wanted if m in made]}


def _label_views(found: LabelSets) -> list[dict[str, Any]]:
    wanted = ("roc_auc", "average_precision", "prediction_bias")
    return [
        _view(
            View(name, False, one.table, one.reliability, tuple(e for e in one.estimates if e.metric.name in wanted)),
            len(found.each),
        )
        for name, one in list(zip(found.names, found.each, strict=True))[:MOST_VIEWS]
        if one.table is not None
    ]


def _label_notes(found: LabelSets) -> list[str]:
    said = [*found.notes, "Hamming loss counts cells, most of which are easy where labels are rare: read it beside F1"]
    return [finished(note) for note in dict.fromkeys(said)]
