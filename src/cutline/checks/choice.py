"""CT07 and CT16: where a threshold comes from. The rows it is reported on, or a grid that is too coarse."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline import core
from cutline.checks.case import Case, Check
from cutline.checks.finding import Seen
from cutline.decision import OperatingPoint, Policy, fixed, maximize, most_probable
from cutline.errors import NoFeasibleThreshold
from cutline.evidence import stratified_folds
from cutline.metrics import (
    Counts,
    Metric,
    ThresholdTable,
    accuracy,
    balanced_accuracy,
    cohen_kappa,
    f1,
    g_mean,
    mcc,
    roc_auc,
)
from cutline.scores import Scores

FOLDS = 5
OPTIMA: tuple[Metric, ...] = (f1, balanced_accuracy, accuracy, mcc, g_mean, cohen_kappa)
"""What thresholds are usually tuned for."""
DISTINCT = 50
"""Distinct scores from which a threshold that is one of them, and the best, is no coincidence."""
RIVALS = 4_000
"""Most thresholds that it is held against."""
LOST = 0.01
"""F1 that a grid may lose before it is too coarse, and half of it of ROC AUC."""
WHY = (
    "a threshold is fitted to the rows it was chosen on, and its figures there flatter it: of 500 rows with 10 % "
    "positives F1 is 0.04 too high on average"
)
CODE = "labels = finding.fix()  # each fold decided at a cut chosen on the others\ncl.evaluate(labels)"


def cross_decided(policy: Policy, scores: Scores, seed: int) -> Scores:
    """Labels, each decided at a cut that was chosen on the other folds; rows without truth are left out."""
    known = scores.known()
    policy = replace(policy, confidence=None)
    fold = stratified_folds(np.asarray(known.truth), FOLDS, seed, known.groups)
    codes = np.empty(known.n, dtype=np.int32)
    for number in np.unique(fold):
        held, rest = known.take(fold == number), known.take(fold != number)
        try:
            point = policy.choose(rest, seed=seed)
        except NoFeasibleThreshold as error:  # the nearest cut is what one would have had to use
            at = getattr(error.nearest, "threshold", None)
            point = (most_probable if at is None else fixed(at)).choose(rest, seed=seed)
        codes[fold == number] = point.codes(held)
    return known.with_score(known.classes.decode(codes), "label").with_role("out-of-fold")


def _same_rows(case: Case) -> Seen | None:
    """An operating point on rows that had a say in it."""
    point, known = case.given["point"], case.known
    assert known is not None
    rows = case.given.get("fingerprint") or known.fingerprint
    used = [fp for fp in (point.chosen_on, point.certified_on) if fp is not None]
    if len(used) == 2:
        used.append(used[0].union(used[1]))
    shared = max((fp.overlap(rows) or 0.0 for fp in used), default=0.0)
    if not shared:
        return None
    aim = "" if point.aim is None else f" ({point.aim})"
    which = f"all {known.n:,} rows" if shared == 1.0 else f"about {100 * shared:.0f} % of the {known.n:,} rows"
    policy = point.policy
    return Seen(
        f"{which} had a say in the operating point that is reported on them{aim}", WHY, CODE, _crossed(case, policy)
    )


def _crossed(case: Case, policy: Policy) -> Any:
    return lambda: cross_decided(policy, case.scores, case.seed)


def _best_here(case: Case) -> Seen | None:
    """A threshold that is one of the scores, and the very best of them."""
    at, table = float(case.given["threshold"]), case.whole
    if table is None or round(at, 2) == at or table.rows(at) == table.rows(float(np.nextafter(at, np.inf))):
        return None
    others = np.unique(np.asarray(case.rows.score, np.float64))[::-1]
    if len(others) < DISTINCT:
        return None
    some = others if len(others) <= RIVALS else others[np.arange(RIVALS) * len(others) // RIVALS]
    cut = core.cuts(table.sorted_rows(), some)
    tp, fp = (cut[:, 2], cut[:, 3]) if table.weighted else (cut[:, 1], cut[:, 0] - cut[:, 1])
    counts = Counts(tp, fp, table.positives - tp, table.negatives - fp)
    n = table.n_pos + table.n_neg
    seen = f"the threshold {at:.6g} is one of the scores of these {n:,} rows"
    for metric in OPTIMA:
        here = metric.value(table.counts(at))
        if here >= np.nanmax(metric.value(counts)):
            seen += f", and no other does better by {metric.label} ({here:.4f}): it was chosen on them"
            return Seen(seen, WHY, CODE, _crossed(case, maximize(metric)))
    if case.some is None and len(others) > 0.9 * n and round(at, 6) != at:
        code = "point = cl.maximize(cl.f1).choose(scores)  # its constraints and aim are cross-fitted, too"
        return Seen(f"{seen} to the last digit, as none that was chosen elsewhere would be", WHY, code)
    return None


def _best_reported(case: Case) -> Seen | None:
    """A reported figure that is the best over all thresholds."""
    table = case.whole
    if table is None or len(table) < DISTINCT:
        return None
    at = case.given.get("at")
    at = at if at is not None else 0.5 if case.scores.kind == "probability" else 0.0
    for metric in OPTIMA:
        told = case.claims.get(metric.name)
        if told is None:
            continue
        most, usual = float(np.nanmax(metric.value(table))), metric.value(table, at=at)
        if abs(told - most) < 5e-4 and abs(told - usual) > 5e-3:
            return Seen(
                f"{metric.label} {told:g} was reported: the best over all thresholds of these rows; at {at:g} it is "
                f"{usual:.4f}",
                WHY,
                CODE,
                _crossed(case, maximize(metric)),
            )
    return None


def _in_sample(case: Case) -> Seen | None:
    """Rows whose role says that a calibrator or a cut was chosen on them."""
    if case.scores.role != "in-sample":
        return None
    said = next((note for note in case.scores.notes if "in-sample" in note), "a calibrator or a cut was chosen on them")
    return Seen(
        f"{case.scores.n:,} rows are in-sample: {said}",
        WHY,
        "# score rows that nothing was chosen on; cl.calibrate(scores).cross_fitted are such of these",
    )


def _coarse(case: Case) -> Seen | None:
    """A grid that loses 0.01 of F1, or 0.005 of ROC AUC, against all distinct scores."""
    grid: NDArray[np.float64] = case.given["thresholds"]
    table: ThresholdTable = case.sorted
    best, counts = float(np.nanmax(f1.value(table))), table.counts_at(grid)
    on_grid = np.asarray(f1.value(counts))
    reached = float(np.nanmax(on_grid)) if np.isfinite(on_grid).any() else 0.0
    rates = [np.r_[0.0, np.sort(np.asarray(side) / total), 1.0] for side, total in _sides(table, counts)]
    area, flat = roc_auc.value(table), float(np.trapezoid(rates[1], rates[0]))
    if best - reached < LOST and area - flat < LOST / 2:
        return None
    where = table.thresholds[int(np.nanargmax(f1.value(table)))]
    rows = table.counts()
    steps = len(np.unique(np.asarray(counts.tp)))
    return Seen(
        f"of {len(grid):,} thresholds on the grid {steps:,} differ in positives flagged, of {len(table) - 1:,} "
        f"distinct scores: the best F1 there is {reached:.3f}, of all {best:.3f} at {where:.4g}; ROC AUC by the grid "
        f"{flat:.4f}, exact {area:.4f} ({np.asarray(rows.tp)[-1]:,.0f} positives)",
        "scores of a rare class crowd near 0, where an even grid has hardly a point: the best cut lies between two",
        "point = cl.maximize(cl.f1).choose(scores)  # among all distinct scores",
        lambda: maximize(f1).choose(case.scores),
    )


def _sides(table: ThresholdTable, counts: Any) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    return (counts.fp, table.negatives), (counts.tp, table.positives)


def is_point(point: Any) -> bool:
    """Whether it is a rule that some rows may have chosen."""
    return isinstance(point, OperatingPoint) and (point.chosen_on is not None or point.certified_on is not None)


CHECKS = (
    Check("CT07", "a threshold reported on the rows that chose it", ("chosen", "truth"), 0.0, _same_rows),
    Check("CT07", "a threshold reported on the rows that chose it", ("threshold", "order", "both"), 0.0, _best_here),
    Check("CT07", "a threshold reported on the rows that chose it", ("claims", "order", "both"), 0.0, _best_reported),
    Check("CT07", "figures of rows that were chosen on", ("truth",), 0.0, _in_sample),
    Check("CT16", "a grid of thresholds that is too coarse", ("thresholds", "order", "both"), 0.0, _coarse),
)
