"""CT03 and CT04: scores without an order, scores of the other class, columns in another order."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline.checks.case import Case, Check, Z
from cutline.checks.finding import Seen
from cutline.evidence import Estimate, estimate
from cutline.labels import Classes
from cutline.metrics import accuracy, balanced_accuracy, decided, roc_auc
from cutline.scores import Scores

FIRST = 100
"""Rows that a glance takes in: most scores are told from labels there."""
LEVEL = 0.999
"""Of the interval of ROC AUC that has to lie below 0.5: a score that says nothing is found once in 2,000 times."""


def _hard_labels(case: Case) -> Seen | None:
    """Scores that are 0 and 1 (or -1 and 1) alone, or one-hot rows."""
    score = case.rows.score
    if not np.isin(score[:FIRST], (-1, 0, 1)).all():
        return None
    if score.ndim == 2:
        hard = bool(((score == 0) | (score == 1)).all() and (score.sum(axis=1) == 1).all())
        values = "0 and 1, a single 1 in each row"
    else:
        low, high = float(score.min()), float(score.max())
        hard = low < high and (low, high) in ((0, 1), (-1, 1)) and bool(((score == low) | (score == high)).all())
        values = f"{low:g} and {high:g}"
    if not hard or case.rows.n < 10:
        return None
    said = ""
    if case.has("both") and score.ndim == 1:
        area = roc_auc.value(case.sorted)
        flat = balanced_accuracy.value(case.rows, at=high)
        said = f"; the ROC AUC of {area:.3f} is the balanced accuracy ({flat:.3f}), and no area"
    return Seen(
        f"the scores of {case.rows.n:,} rows have 2 distinct values, {values}: predicted labels, taken for "
        f"{case.scores.kind} scores{said}",
        "labels have no order: areas under curves, thresholds and log loss of them mean nothing, and the ROC AUC is "
        "far below that of the scores behind them",
        "scores = scores.with_score(scores.classes.decode(np.asarray(scores.score.argmax(axis=1))), 'label')\n"
        "# or, better, pass what predict_proba or decision_function gives"
        if score.ndim == 2
        else f"scores = scores.with_score(scores.classes.decode({_codes_code(case.scores, high)}), 'label')\n"
        "# or, better, pass what predict_proba or decision_function gives",
        lambda: _as_labels(case.scores, high if score.ndim == 1 else None),
    )


def _codes_code(scores: Scores, high: float) -> str:
    positive = scores.classes.index(scores.classes.positive)
    return f"np.where(scores.score == {high:g}, {positive}, {1 - positive})"


def _as_labels(scores: Scores, high: float | None) -> Scores:
    codes = scores.score.argmax(axis=1) if high is None else decided(scores, high)
    return scores.with_score(scores.classes.decode(codes), "label")


def _reversed(case: Case) -> Seen | None:
    """An area under the ROC curve that lies below 0.5, at 99.9 %."""
    area = _area(case)
    low, high = area.interval(LEVEL)
    if not high < 0.5:
        return None
    classes = case.scores.classes
    guessed = any(note.startswith("positive class guessed") for note in case.scores.notes)
    low, high = area.interval(case.confidence)
    seen = (
        f"ROC AUC {area.value:.3f} [{low:.3f}, {high:.3f}] is below chance: the scores rank {classes.negative!r} above "
        f"{classes.positive!r}, as P({classes.negative!r}) would"
    )
    if guessed:
        code = f"scores = finding.fix()  # or declare it: cl.Scores(..., positive={classes.negative!r})"
        seen += f"; the positive class {classes.positive!r} was guessed"
        return Seen(seen, _WHY, code, lambda: _other_positive(case.scores))
    kind = case.scores.kind
    other = "1 - scores.score" if kind == "probability" else "-scores.score"
    mirrored = f"scores = scores.with_score({other}, {kind!r})"
    return Seen(seen, _WHY, mirrored, lambda: _mirrored(case.scores))


_WHY = "every figure is that of the opposite decision; such scores are useful once they are turned around"


def _area(case: Case) -> Estimate:
    for made in case.estimates:
        if made.metric is roc_auc:
            return made
    return estimate(roc_auc, case.rows, table=case.sorted if case.table is None else None)


def _mirrored(scores: Scores) -> Scores:
    return scores.with_score(1 - scores.score if scores.kind == "probability" else -scores.score, scores.kind)


def _other_positive(scores: Scores) -> Scores:
    """The same scores, as those of the other class."""
    classes = Classes(scores.classes.names, scores.classes.negative)
    return Scores(
        y_true=scores.classes.decode(np.asarray(scores.truth)),
        y_score=scores.score,
        classes=classes,
        kind=scores.kind,
        weight=scores.weight,
        groups=scores.groups,
        slices=scores.slices,
        ids=scores.ids,
        role=scores.role,
    )


def _permuted(case: Case) -> Seen | None:
    """Another order of the columns that decides more rows right, by 4.5 standard errors."""
    rows = case.part
    truth, score = np.asarray(rows.truth), np.asarray(rows.score, np.float64)
    order = best_order(_agreement(rows, (score - score.mean(axis=0)) / (score.std(axis=0) + 1e-300)))
    if order is None:
        return None
    now = (decided(rows) == truth).astype(np.float64)
    then = (np.asarray(rows.score[:, order]).argmax(axis=1) == truth).astype(np.float64)
    gain, error = case.mean(then - now, rows)
    if not gain > Z * max(error, 1 / rows.n):
        return None
    (right, _), (better, _) = case.mean(now, rows), case.mean(then, rows)
    names = [rows.classes.names[j] for j in order]
    kind = case.scores.kind
    return Seen(
        f"accuracy is {right:.3f}; with the columns read in the order {names} for the classes "
        f"{list(rows.classes.names)} it is {better:.3f}",
        "the columns belong to other classes than they are taken for: all figures of classes are those of others",
        f"scores = scores.with_score(scores.score[:, {order.tolist()}], {kind!r})\n"
        "# for good: classes= in the order of the columns, as the model's classes_ has them",
        lambda: case.scores.with_score(case.scores.score[:, order], kind),
    )


def _agreement(rows: Scores, values: NDArray[Any]) -> NDArray[np.float64]:
    """Mean of each column over the rows of each class, shape (k, k); nan for a class without rows."""
    truth, k = np.asarray(rows.truth), rows.classes.k
    mass = np.bincount(truth, rows.weight, k)
    sums = [
        np.bincount(truth, values[:, j] if rows.weight is None else values[:, j] * rows.weight, k) for j in range(k)
    ]
    with np.errstate(invalid="ignore"):
        return np.asarray(np.stack(sums, axis=1) / mass[:, None])


def best_order(fit: NDArray[np.float64]) -> NDArray[np.int64] | None:
    """The columns that fit the classes best, shape (k,); None when these are their own."""
    fit = np.nan_to_num(fit, nan=0.0)
    if (fit.argmax(axis=1) == np.arange(len(fit))).all():
        return None
    from scipy.optimize import linear_sum_assignment

    order = linear_sum_assignment(-fit)[1]
    return None if (order == np.arange(len(fit))).all() else order


def _labels_reversed(case: Case) -> Seen | None:
    """Predicted labels below chance, which are right by exchanging names."""
    rows = case.rows
    truth, k = np.asarray(rows.truth), rows.classes.k
    codes = np.asarray(rows.score)
    if off_by_one(rows):
        return None  # CT05 says so
    hot = (codes[:, None] == np.arange(k)).astype(np.float64)
    order = best_order(_agreement(rows, hot - hot.mean(axis=0)))
    if order is None:
        return None
    back = np.argsort(order)
    gain, error = case.mean((back[codes] == truth).astype(np.float64) - (codes == truth))
    chance = float((np.bincount(truth, minlength=k) * np.bincount(codes, minlength=k)).sum() / rows.n**2)
    now = accuracy.value(rows)
    if not (gain > Z * max(error, 1 / rows.n) and now < chance):
        return None
    names = {rows.classes.names[j]: rows.classes.names[i] for i, j in enumerate(order)}
    return Seen(
        f"accuracy is {now:.3f}, below the {chance:.3f} of labels dealt at random; it is {now + gain:.3f} when the "
        f"predicted labels are read as {names}",
        "the labels are those of another order of the classes: every figure is that of other decisions",
        f"scores = scores.with_score(scores.classes.decode(np.array({back.tolist()})[scores.score]), 'label')",
        lambda: case.scores.with_score(case.scores.classes.decode(back[np.asarray(case.scores.score)]), "label"),
    )


def off_by_one(rows: Scores) -> int:
    """How far predicted labels, numbers in a row, are off where one end of the range is never true; else 0."""
    names = rows.classes.names
    if list(names) != list(range(len(names))) and list(names) != list(range(1, len(names) + 1)):
        return 0
    codes, truth = np.asarray(rows.score), np.asarray(rows.truth)
    support, made = (np.bincount(c, minlength=len(names)) for c in (truth, codes))
    for step, end in ((1, 0), (-1, -1)):
        if support[end] == 0 and made[-1 - end if end == 0 else 0] == 0 and made[end]:
            then, now = (codes + step == truth).mean(), (codes == truth).mean()
            if then - now > Z * np.sqrt((then + now) / rows.n):
                return step
    return 0


CHECKS = (
    Check("CT03", "labels taken for scores", ("order",), 0.0, _hard_labels),
    Check("CT04", "scores of the other class", ("order", "both"), 0.001, _reversed),
    Check("CT04", "columns in another order", ("order", "several", "truth"), 0.001, _permuted),
    Check("CT04", "labels in another order", ("labels", "truth"), 0.001, _labels_reversed),
)
