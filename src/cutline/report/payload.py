"""From an evaluation to the plain values that every form of the report is made of. It selects; it estimates nothing."""

from __future__ import annotations

import math
from bisect import bisect_left
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cutline.decision import GRADES, Band, Cost
from cutline.evaluation import cost_of, named_cuts
from cutline.evidence import finite, z_of
from cutline.metrics import ThresholdTable
from cutline.report import findings
from cutline.report.several import SCHEMA_VERSION, estimate_of, several
from cutline.report.words import ASKED_FOR, clean, finished, label, short

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cutline.evaluation import Evaluation, Mistake, SliceReport

MOST_POINTS = 1000
"""Operating points in the file: its size does not grow with the rows. All rows of a shorter table are kept."""
MOST_SLICES = 50
"""Slices whose counts at every point are in the file, those with the most rows; of the others there are figures."""


def payload(
    evaluation: Evaluation,
    *,
    title: str | None = None,
    date: str = "",
    unit: str = "",
    mistakes: Sequence[Mistake] | None = None,
) -> dict[str, Any]:
    """Everything the report shows, as plain values for JSON.

    Parameters
    ----------
    evaluation : Evaluation
        A finished evaluation.
    title : str, optional
        Heading; names the classes when not given.
    date : str
        Day of the report, such as "2026-11-23".
    unit : str
        What costs are counted in, such as "EUR".
    mistakes : sequence of Mistake, optional
        Single rows to list, by id.
    """
    from cutline import __version__

    table = evaluation.table
    labels = [label(name) for name in evaluation.classes.names]
    values: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "form": "multiclass" if table is None else "binary",
        "title": clean(title) if title else _title(labels),
        "cutline": __version__,
        "date": date,
        "labels": labels,
        "scored": _scored(evaluation),
        "decision": _decision(evaluation),
        "confidence": evaluation.confidence,
        # As wide as those of the estimates: rows of cross-fitted figures are not independent.
        "z": z_of(evaluation.confidence) * max((each.widened for each in evaluation.estimates), default=1.0),
        "estimates": [estimate_of(estimate) for estimate in evaluation.estimates],
    }
    values |= several(evaluation) if table is None else _binary(evaluation, table) | {"unit": clean(unit)}
    values["slices"] = _slices(evaluation, values.get("points", {}).get("threshold"))
    values["mistakes"] = None if mistakes is None else [_mistake(row) for row in mistakes]
    values["findings"] = findings.rows(evaluation.findings)
    return values | {"by_rule": _by_rule(evaluation), "notes": _notes(evaluation, values)}


def _title(labels: list[str]) -> str:
    if len(labels) == 2:
        return f"{short(labels[1])} or {short(labels[0])}?"
    more = f" and {len(labels) - 5} more" if len(labels) > 6 else ""
    return f"{len(labels)} classes: {', '.join(map(short, labels[: 5 if more else 6]))}{more}"


def _scored(evaluation: Evaluation) -> dict[str, Any]:
    classes = evaluation.classes
    return {
        "rows": evaluation.n,
        "missing": evaluation.missing,
        "classes": list(classes.names),
        "positive": classes.positive,
        "rows_positive": evaluation.n_pos if classes.binary else None,
        "score_kind": evaluation.kind,
        "role": evaluation.role,
        "weighted": evaluation.weighted,
        "fingerprint": evaluation.fingerprint,
    }


def _decision(evaluation: Evaluation) -> dict[str, Any] | None:
    point = evaluation.point
    if point is None:
        return None
    return {
        "threshold": point.threshold,
        "policy": clean(str(point.policy)),
        # A grade is a statement about constraints; without any it would promise something nobody asked for.
        "grade": point.grade if point.constraints else None,
        "grade_means": GRADES[point.grade] if point.constraints else None,
        "why": clean(point.why),
        "constraints": [row.to_dict() for row in point.constraints],
        "plateau": None if point.plateau is None else [finite(at) for at in point.plateau],
        "notes": [clean(note) for note in point.notes],
    }


def _by_rule(evaluation: Evaluation) -> dict[str, Any] | None:
    """What a binary rule that is no threshold decided; None for any other."""
    point, counts = evaluation.point, evaluation.counts
    if point is None or counts is None or evaluation.table is None or point.threshold is not None:
        return None
    decided = next((float(e.value) for e in evaluation.estimates if e.metric.name == "coverage"), 1.0)
    cells = {name: np.asarray(getattr(counts, name)).item() for name in ("tp", "fp", "fn", "tn")}
    between = [point.rule.low, point.rule.high] if isinstance(point.rule, Band) else None
    return {"rule": clean(point.rule.says(point.classes)), "undecided": 1 - decided, "between": between, **cells}


def _binary(evaluation: Evaluation, table: ThresholdTable) -> dict[str, Any]:
    classes, w = evaluation.classes, table.weights
    tp, fp = (table.tp, table.fp) if w is None else (w.tp, w.fp)
    positives, negatives = np.asarray(table.positives).item(), np.asarray(table.negatives).item()
    named = named_cuts(evaluation)
    rows = _rows(table, [one.threshold for one in named])
    thresholds = [finite(at) for at in table.thresholds[rows]]
    if len(rows) < len(table):
        thresholds = _shortened(table, rows)
    where = [int(np.searchsorted(rows, table.index(one.threshold))) for one in named]
    # A cut that is no observed score decides the same rows as the score above it: show the cut people asked for.
    for index, one in reversed(list(zip(where, named, strict=True))):
        if thresholds[index] is not None:
            thresholds[index] = finite(one.threshold)
    cost = cost_of(evaluation)
    positive = classes.index(classes.positive)
    histogram = evaluation.histogram
    share = positives / (positives + negatives) if positives + negatives else 0.0
    return {
        "positive": positive,
        "negative": 1 - positive,
        "positives": positives,
        "negatives": negatives,
        "prevalence": share,
        "per": 1_000 if min(share, 1 - share) >= 0.01 else 100_000,
        "distinct": len(table) - 1,
        "z_alone": z_of(2 * math.sqrt(evaluation.confidence) - 1) if evaluation.confidence > 0.25 else 0.0,
        "independent": not evaluation.weighted and not evaluation.clustered,
        "points": {
            "threshold": thresholds,
            "tp": tp[rows].tolist(),
            "fp": fp[rows].tolist(),
        },
        "named": [
            {
                "name": one.name,
                "index": index,
                "threshold": finite(one.threshold),
                "mcc": _limits(one.mcc.interval(evaluation.confidence)) if one.mcc else None,
            }
            for index, one in zip(where, named, strict=True)
        ],
        "cost": {name: getattr(cost, name) for name in ("fp", "fn", "tp", "tn")},
        "cost_given": evaluation.point is not None and isinstance(evaluation.point.policy.aim, Cost),
        "reliability": None if evaluation.reliability is None else [b.to_dict() for b in evaluation.reliability],
        "histogram": None
        if histogram is None
        else {name: np.asarray(getattr(histogram, name)).tolist() for name in ("edges", "positives", "negatives")},
    }


def _shortened(table: ThresholdTable, rows: NDArray[np.int64]) -> list[float | None]:
    """Thresholds with as few decimals as decide the same rows: below a score, above the next lower one."""
    below = np.append(table.thresholds[1:], -np.inf)[rows]
    made: list[float | None] = []
    for at, under in zip(table.thresholds[rows].tolist(), below.tolist(), strict=True):
        short = (math.floor(at * 10**digits) / 10**digits for digits in range(17)) if abs(at) < 1e6 else ()
        made.append(finite(next((t for t in short if under < t <= at), at)))
    return made


def _limits(pair: tuple[float, float]) -> list[float] | None:
    low, high = map(finite, pair)
    return None if low is None or high is None else [low, high]


def _slices(evaluation: Evaluation, thresholds: list[float | None] | None) -> list[dict[str, Any]]:
    """Figures of every slice; of the largest also counts at every operating point that the page shows."""
    by_size = sorted(evaluation.slices, key=lambda one: -one.n)
    counted = {id(one) for one in by_size[:MOST_SLICES]} if thresholds is not None else set()
    return [
        {
            "partition": label(one.partition),
            "slice": "(missing)" if one.name is None else clean(str(one.name)) or "(blank)",
            "rows": one.n,
            "reason": one.reason,
            "estimates": [estimate_of(e) for e in one.estimates],
            "counts": _counts_of(one, thresholds) if id(one) in counted and thresholds is not None else None,
        }
        for one in evaluation.slices
    ]


def _counts_of(one: SliceReport, thresholds: list[float | None]) -> dict[str, Any] | None:
    if one.table is None:
        return None
    counts = one.table.counts_at(np.array([np.inf if at is None else at for at in thresholds]))
    return {
        "positives": np.asarray(one.table.positives).item(),
        "negatives": np.asarray(one.table.negatives).item(),
        "tp": np.asarray(counts.tp).tolist(),
        "fp": np.asarray(counts.fp).tolist(),
    }


def _mistake(row: Mistake) -> dict[str, Any]:
    return {
        "id": clean(row.id),
        "truth": label(row.truth),
        "decision": label(row.decision),
        "score": row.score,
        "cost": row.cost,
    }


def _rows(table: ThresholdTable, keep: list[float]) -> NDArray[np.int64]:
    """Row numbers to show: equal steps along the ROC curve, in recall plus false positive rate, and those in `keep`.

    Equal steps of the flagged share would leave a handful of points where a rare class is found.
    """
    if len(table) <= MOST_POINTS:
        return np.arange(len(table))
    # Looked up in place: an array of this for ten million thresholds would take longer than all the rest.
    tp, fp, positives, negatives = table.tp, table.fp, max(table.n_pos, 1), max(table.n_neg, 1)

    def along(row: int) -> float:
        return float(tp[row] / positives + fp[row] / negatives)

    last = len(table) - 1
    steps = np.linspace(0, along(last), MOST_POINTS - len(keep) - 1).tolist()
    rows = [min(bisect_left(range(last + 1), step, key=along), last) for step in steps]
    return np.unique([*rows, len(table) - 1, *map(table.index, keep)]).astype(np.int64)


_ROLES = {
    "": "Nobody said what these rows were used for. If the model was fitted or the cut chosen on them, the figures "
    "flatter it.",
    "train": "The model was fitted on these rows: the figures flatter it.",
    "tune": "The cut or the calibration was chosen on these rows: the figures at that cut flatter it.",
    "in-sample": "The model or the cut was chosen on these rows: the figures flatter it.",
    "out-of-fold": "The scores are out-of-fold: each row was scored by a model that did not see it. Anything chosen on "
    "them afterwards, such as a cut, still flatters itself a little.",
}


def _notes(evaluation: Evaluation, values: dict[str, Any]) -> list[str]:
    """What must be said with the numbers, and what they do not say."""
    notes = [*evaluation.notes, *((values["decision"] or {}).get("notes", []))]
    if evaluation.role in _ROLES:
        notes.append(_ROLES[evaluation.role])
    if evaluation.missing:
        notes.append(f"{evaluation.missing:,} rows have no label and are left out of every figure.")
    notes.append(
        "Intervals cover the luck of which rows were drawn. They do not cover wrong labels, leakage, or a world that "
        "has changed since."
    )
    if values["form"] == "binary":
        if _row_by_row(evaluation):
            notes.append(
                "The estimates of counts are of decisions made row by row, not at one threshold: they need not equal "
                "the counts shown at a threshold."
            )
        opens = values["named"][0]["name"]
        if opens not in ASKED_FOR and evaluation.point is not None:
            notes.append(f"The rule is no threshold. The page opens at one nobody asked for: {opens}.")
        elif opens not in ASKED_FOR:
            notes.append(f"No threshold was chosen. The report opens at a threshold nobody asked for: {opens}.")
        notes.append(
            "Precision, accuracy and F1 depend on prevalence: where the positive class is rarer than here, precision "
            "is lower."
        )
        notes.append(
            "A threshold picked by looking at these rows is fitted to them, and its figures flatter it. Choose on some "
            "rows, confirm on others."
        )
        if values["distinct"] >= MOST_POINTS:
            notes.append(
                f"Counts are exact at the {len(values['points']['tp']):,} thresholds shown, out of "
                f"{values['distinct']:,}; areas and other figures with an interval rest on all of them."
            )
    return [finished(clean(note)) for note in dict.fromkeys(notes)]


def _row_by_row(evaluation: Evaluation) -> bool:
    """True when the counts that were evaluated are not those of one threshold."""
    made, table = evaluation.counts, evaluation.table
    if made is None or table is None:
        return False
    if evaluation.threshold is None:
        return True
    at = table.counts(evaluation.threshold)
    return any(abs(getattr(made, name) - getattr(at, name)) > 1e-9 * at.total for name in ("tp", "fp"))
