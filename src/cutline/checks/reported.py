"""CT03, CT04, CT09, CT14, CT15, CT17 and CT20: figures that are read as what they are not."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline.checks.case import Case, Check, Z
from cutline.checks.finding import Seen
from cutline.checks.weighting import parts_of
from cutline.evidence import wilson
from cutline.metrics import ThresholdTable, accuracy, decided, precision, recall, roc_auc
from cutline.scores import Scores

FEW = 30
"""Rows of a class below which figures that rest on it are more luck than measure."""
SHUFFLES = 60
"""Assignments of rows to folds at random, for how far a mean over folds strays by itself."""
MOST = 20_000
"""Rows that are dealt to folds anew."""
PAIRS = 0.01
"""Share of pairs of rows that may be tied."""
TIED = 0.0005
"""ROC AUC that ties may cost before it is said."""
SAME = ("micro_f1", "micro_precision", "micro_recall", "weighted_recall")
"""What equals the accuracy where each row has one label."""
USUAL_CUT = {"probability": 0.5, "logit": 0.0}
"""Where two classes are cut when nobody says; ranking scores have no such place."""
CLOSE = 6e-4
"""A reported figure is one that was computed when they differ by no more: three decimals."""


def _few(case: Case) -> Seen | None:
    """Fewer than 30 rows of a class."""
    rows = case.rows
    if case.known is None or case.some is not None:
        return None
    counts = np.bincount(np.asarray(rows.truth), minlength=rows.classes.k)
    present = np.flatnonzero(counts)
    least = int(present[counts[present].argmin()])
    n = int(counts[least])
    if n >= FEW or len(present) < 2:
        return None
    name = rows.classes.names[least]
    hit = _recall(rows, least, case.given.get("at"))
    low, high = wilson(hit * n, n, case.confidence)
    level = f"{100 * case.confidence:g} %"
    return Seen(
        f"only {n} of {rows.n:,} rows are {name!r}: a recall of {hit:.2f} of them has the {level} interval "
        f"[{low:.2f}, {high:.2f}]",
        "a figure without its interval is read as truth; of so few rows it is mostly luck, and so is which model wins",
        "# report intervals (cl.evaluate gives them), collect rows: cl.n_to_certify(claim=cl.recall >= 0.8, true=0.85)",
    )


def _recall(rows: Scores, k: int, at: float | None) -> float:
    at = 0.5 if at is None and rows.kind == "probability" else 0.0 if at is None and rows.kind == "logit" else at
    if rows.binary and rows.kind != "label" and at is None:
        at = float(np.median(rows.score))
    of = np.asarray(rows.truth) == k
    return float((decided(rows, at)[of] == k).mean())


def _not_told_apart(case: Case) -> Seen | None:
    """A paired difference whose adjusted p says nothing."""
    some = [d for d in case.differences if not d.distinguishable]
    if not some:
        return None
    d = some[0]
    more = f"; about {d.more_rows:,} more rows would show a difference of this size" if d.more_rows else ""
    rest = f" (and {len(some) - 1} more)" if len(some) > 1 else ""
    return Seen(
        f"{d.metric.label} of {d.first!r} less that of {d.second!r} is {d.value:+.4f} [{d.low:+.4f}, {d.high:+.4f}], "
        f"paired: not distinguishable{more}{rest}",
        "the order of two models whose paired interval holds 0 may be turned around by the next rows",
        "# keep the simpler model, or collect rows; cl.compare gives the interval",
    )


def _rival(case: Case) -> Seen | None:
    """Another model on the same rows that cannot be told from this one."""
    from cutline.evidence.compare import compare

    other: Scores = case.given["rival"].known()
    rows = {"scores": case.rows, "rival": other if case.some is None else other.take(case.some)}
    ordered = case.scores.binary and all(one.kind != "label" for one in rows.values())
    found = compare(rows, roc_auc if ordered else accuracy, at=None if ordered else _cuts(rows), seed=case.seed)
    return _not_told_apart(Case(case.scores, differences=found.differences))


def _cuts(rows: dict[str, Scores]) -> Any:
    found = {name: USUAL_CUT[one.kind] for name, one in rows.items() if one.binary and one.kind in USUAL_CUT}
    return found or None


def _of_labels(case: Case) -> Seen | None:
    """A reported ROC AUC that is the balanced accuracy."""
    told = case.claims.get("roc_auc")
    if told is None:
        return None
    area = roc_auc.value(case.sorted)
    at = case.given.get("at")
    at = at if at is not None else USUAL_CUT.get(case.scores.kind)
    if at is None or abs(told - area) < 5 * CLOSE:
        return None
    counts = case.sorted.counts(at)
    flat = (recall.value(counts) + 1 - float(counts.fp) / float(counts.fp + counts.tn)) / 2
    if abs(told - flat) > CLOSE:
        return None
    return Seen(
        f"ROC AUC {told:g} was reported: that of the labels decided at {at:g} (balanced accuracy {flat:.4f}); that of "
        f"the scores is {area:.4f}",
        "labels have no order: an area under them is one point of the curve, and says less than the scores can",
        "cl.roc_auc(scores)  # of predict_proba or decision_function, never of predict",
    )


def _exchanged(case: Case) -> Seen | None:
    """A reported area that is 1 less the true one; precision and recall exchanged."""
    area = roc_auc.value(case.sorted)
    told = case.claims.get("roc_auc")
    if told is not None and abs(told - area) > 5 * CLOSE and abs(told - (1 - area)) < CLOSE:
        seen = f"ROC AUC {told:g} was reported: that of the other class; that of these scores is {area:.4f}"
        return Seen(seen, "every figure is that of the opposite decision", "cl.roc_auc(scores)")
    at = case.given.get("at")
    at = at if at is not None else USUAL_CUT.get(case.scores.kind)
    both = [case.claims.get(name) for name in ("precision", "recall")]
    if at is None or None in both:
        return None
    true = [metric.value(case.sorted, at=at) for metric in (precision, recall)]
    swapped = all(abs(a - b) < CLOSE for a, b in zip(both, reversed(true), strict=True))
    if not swapped or abs(true[0] - true[1]) < 5 * CLOSE:
        return None
    return Seen(
        f"precision {both[0]:g} and recall {both[1]:g} were reported; they are {true[0]:.4f} and {true[1]:.4f} at "
        f"{at:g}: truth and prediction were exchanged",
        "exchanged arguments turn precision into recall, in silence",
        f"cl.precision(scores, at={at:g}), cl.recall(scores, at={at:g})",
    )


def _micro(case: Case) -> Seen | None:
    """Micro averages of rows with one label each, or the weighted recall: all are the accuracy."""
    names = [*(one.metric.name for one in case.estimates), *case.claims]
    found = [name for name in names if name in SAME]
    if not found:
        return None
    value = accuracy.value(case.rows, at=None if not case.scores.binary else case.given.get("at") or 0.5)
    return Seen(
        f"{', '.join(found)} of rows with one label each: equal to the accuracy, {value:.4f}",
        "one number under several names reads as agreement of several; it hides how rare classes fare",
        "cl.evaluate(scores, metrics=['accuracy', 'macro_f1', 'balanced_accuracy'])",
    )


def _tied(case: Case) -> Seen | None:
    """An area that fell by calibrating, since scores became equal."""
    before: Scores = case.given["before"].known()
    rows = case.rows
    before = before if case.some is None else before.take(case.some)
    if before.n != rows.n or before.kind == "label":
        return None
    was, now = roc_auc.value(before), roc_auc.value(case.sorted)
    distinct = [len(np.unique(one.score)) for one in (before, rows)]
    if not (was - now > TIED and distinct[1] < distinct[0] / 2):
        return None

    def ranked() -> Scores:
        order = np.lexsort((case.given["before"].score, case.scores.score))
        return case.scores.with_score(order.argsort().astype(np.float64), "rank")

    return Seen(
        f"ROC AUC fell from {was:.4f} to {now:.4f} by calibrating: {distinct[0]:,} distinct scores became "
        f"{distinct[1]:,}, and tied pairs count half",
        "an isotonic map is flat in places: the order within a step is lost, though the model has it",
        "ranks = np.lexsort((before.score, scores.score)).argsort().astype(float)\n"
        "scores = scores.with_score(ranks, 'rank')  # to rank by; or cl.calibrate(before, method='venn_abers')",
        ranked,
    )


def _isotonic(case: Case) -> Seen | None:
    """An isotonic calibrator in the model, and pairs of rows that it left tied."""
    if case.given.get("before") is not None or not any(map(_is_isotonic, parts_of(case.given["model"]))):
        return None
    c = case.sorted.counts()
    tp, fp = (np.diff(np.asarray(side, np.float64)) for side in (c.tp, c.fp))
    tied = float(tp @ fp) / (tp.sum() * fp.sum())
    if tied < PAIRS:
        return None
    return Seen(
        f"an isotonic calibrator left {100 * tied:.1f} % of the pairs of a positive and a negative row with equal "
        "scores: they count half in the ROC AUC",
        "an isotonic map is flat in places: the order within a step is lost, though the model has it",
        "# a sigmoid, or cl.calibrate(before, method='venn_abers'); cl.check(scores, before=before) says what it cost",
    )


def _is_isotonic(part: Any) -> bool:
    return type(part).__name__ == "IsotonicRegression" or getattr(part, "method", None) == "isotonic"


def _folds(case: Case) -> Seen | None:
    """A mean area over folds that differs from the pooled one more than folds at random do."""
    known = case.known
    assert known is not None
    fold = np.unique(np.asarray(case.given["folds"])[case.scores.counting], return_inverse=True)[1].reshape(-1)
    if known.n > MOST:
        keep = np.arange(MOST) * known.n // MOST
        known, fold = known.take(keep), fold[keep]
    rank, positive = _ranks(np.asarray(known.score)), known.is_positive
    pooled, average = _area(rank, positive), _mean_area(rank, positive, fold)
    lonely = [int(f) for f in np.unique(fold) if len(np.unique(positive[fold == f])) < 2]
    if lonely:
        seen = f"{len(lonely)} of {len(np.unique(fold))} folds have rows of one class only, and no ROC AUC to average"
        return Seen(seen, _FOLDS, "cl.evaluate(scores)['roc_auc']  # of all rows together")
    rng = np.random.default_rng(case.seed)
    strays = []
    for _ in range(SHUFFLES):
        dealt = fold.copy()
        for side in (positive, ~positive):  # each class among the folds it is in
            dealt[side] = rng.permutation(fold[side])
        strays.append(_mean_area(rank, positive, dealt) - pooled)
    spread = float(np.std(strays)) + 1e-12
    gap = average - pooled
    if abs(gap) < 0.01 or abs(gap - float(np.mean(strays))) < Z * spread:
        return None
    return Seen(
        f"ROC AUC averaged over {len(np.unique(fold))} folds is {average:.4f}, of all rows together {pooled:.4f}: "
        f"{gap:+.4f}, where folds at random differ by {spread:.4f}",
        _FOLDS,
        "cl.evaluate(scores)['roc_auc']  # of all rows together; or calibrate each fold before they are pooled",
    )


_FOLDS = (
    "scores of different folds come from different models, and need not have the same scale: a mean over folds is the "
    "figure of no rule that could be used"
)


def _ranks(score: NDArray[Any]) -> NDArray[np.float64]:
    return np.unique(score, return_inverse=True)[1].reshape(-1).astype(np.float64)


def _area(rank: NDArray[np.float64], positive: NDArray[np.bool_]) -> float:
    made = Scores(y_true=positive, y_score=rank, kind="rank", classes=[False, True])
    return roc_auc.value(ThresholdTable.from_scores(made))


def _mean_area(rank: NDArray[np.float64], positive: NDArray[np.bool_], fold: NDArray[np.int64]) -> float:
    """The mean of the areas of the folds."""
    sizes = [fold == f for f in range(int(fold.max()) + 1)]
    areas = [_area(rank[mine], positive[mine]) for mine in sizes if 0 < positive[mine].sum() < mine.sum()]
    return float(np.mean(areas)) if areas else math.nan


def _noise(case: Case) -> Seen | None:
    """An accuracy at or above 1 less the share of wrong labels."""
    noise = float(case.given["label_noise"])
    bound, told = 1 - noise, case.claims.get("accuracy")
    rows = case.rows
    made = case.decision
    if made is None and not (rows.binary and rows.kind == "rank"):
        made = decided(rows, 0.0 if rows.kind == "logit" else 0.5)
    if told is None and made is None:
        return None
    right, error = (
        (told, 0.0) if made is None or told is not None else case.mean((made == rows.truth).astype(np.float64))
    )
    assert right is not None
    if right + 2 * error < bound:
        return None
    above = right - 3 * error > bound
    return Seen(
        f"accuracy {right:.4f} {'is above' if above else 'has reached'} {bound:.4f}, the most that labels of which "
        f"{noise:g} are wrong allow",
        "above the bound a model has learned the mistakes, or the rows were seen in training"
        if above
        else "what is left are wrong labels: a model that agrees with more of them is not better",
        "# look at the rows that are decided wrong, and mend their labels before models are compared",
    )


CHECKS = (
    Check("CT03", "an area under labels", ("claims", "order", "both"), 0.0, _of_labels),
    Check("CT04", "figures of the other side", ("claims", "order", "both"), 0.0, _exchanged),
    Check("CT09", "a figure of few rows read as truth", ("truth",), 0.0, _few),
    Check("CT09", "a difference that may be noise", ("differences",), 0.0, _not_told_apart),
    Check("CT09", "a difference that may be noise", ("rival", "truth"), 0.0, _rival),
    Check("CT14", "accuracy under other names", ("truth", "figures"), 0.0, _micro),
    Check("CT15", "ties made by a calibrator", ("before", "order", "both"), 0.0, _tied),
    Check("CT15", "ties made by a calibrator", ("model", "order", "both"), 0.0, _isotonic),
    Check("CT17", "a mean over folds read as the figure of all rows", ("folds", "order", "both"), 0.001, _folds),
    Check("CT20", "an accuracy above what labels allow", ("label_noise", "truth"), 0.025, _noise),
)
