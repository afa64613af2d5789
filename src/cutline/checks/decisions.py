"""CT01, CT05 and CT13: labels that were decided wrongly, outputs that never change, figures that are 0/0."""

from __future__ import annotations

import numpy as np

from cutline.checks.case import Case, Check
from cutline.checks.direction import best_order, off_by_one
from cutline.checks.finding import Seen
from cutline.decision import maximize
from cutline.metrics import accuracy, decided, f1, log_loss
from cutline.scores import Scores

FEWEST = 10
"""Rows from which outputs that never change are no coincidence."""
BLOCKS = 1_000
"""Samples of a flattened table that are looked at."""


def _equality(case: Case) -> Seen | None:
    """A reported accuracy that is the share of probabilities equal to their label."""
    told = case.claims.get("accuracy")
    if told is None or not case.scores.binary:
        return None
    p, y = case.rows.probability, case.rows.is_positive
    same, right = case.mean((p == y).astype(np.float64))[0], accuracy.value(case.rows, at=_half(case.scores))
    if abs(told - same) > 0.002 or abs(told - right) < 0.02:
        return None
    return Seen(
        f"accuracy {told:g} was reported: the share of rows whose probability equals the label exactly ({same:.4f}). "
        f"Cut at 0.5, {right:.4f} of the decisions are right",
        "probabilities are no labels: label metrics need a threshold, and a comparison for equality hardly ever holds",
        f"cl.accuracy(scores, at={_half(case.scores):g})\n"
        "# in Keras: metrics=[keras.metrics.BinaryAccuracy(threshold=0.5)], not Accuracy()",
        lambda: _as_decided(case.scores),
    )


def _half(scores: Scores) -> float:
    return 0.0 if scores.kind == "logit" else 0.5


def _cut_code(scores: Scores) -> str:
    positive = scores.classes.index(scores.classes.positive)
    return f"labels = scores.classes.decode(np.where(scores.score >= {_half(scores):g}, {positive}, {1 - positive}))"


def _as_decided(scores: Scores) -> Scores:
    """The labels that a cut at half, or the most probable class, decides."""
    return scores.with_score(scores.classes.decode(decided(scores, _half(scores))), "label")


def _constant(case: Case) -> Seen | None:
    """The same score, or prediction, in all rows."""
    score = np.asarray(case.rows.score)
    if case.rows.n < FEWEST or (score[:FEWEST] != score[0]).any() or (score != score[0]).any():
        return None
    value = ", ".join(f"{float(v):.4g}" for v in np.atleast_1d(score[0])[:5])
    labels = case.scores.kind == "label"
    shown = repr(case.scores.classes.names[int(score[0])]) if labels else value
    if labels and case.known is not None and len(np.unique(np.asarray(case.known.truth))) < 2:
        return None
    what = "predictions" if labels else "scores"
    return Seen(
        f"all {case.rows.n:,} {what} are {shown}",
        "an argmax over one column is always the first class, and probabilities cast to integers are 0"
        if labels
        else "a softmax over one output is always 1; such a model says nothing, whatever its accuracy",
        "# labels = (p[:, 0] >= 0.5), not p.argmax(axis=1) or p.astype(int); or pass the probabilities themselves"
        if labels
        else "# one output: Dense(1, activation='sigmoid'); several: a softmax over as many outputs as classes",
    )


def _contrary(case: Case) -> Seen | None:
    """The same label for all rows, of scores that are on both sides of the cut."""
    rows, made = case.rows, case.decision
    if made is None or rows.n < FEWEST:
        return None
    best = decided(rows, _half(rows) if rows.kind in ("probability", "logit") else float(np.median(rows.score)))
    if len(np.unique(made)) > 1 or len(np.unique(best)) < 2:
        return None
    low, high = float(rows.score.min()), float(rows.score.max())
    name = rows.classes.names[int(made[0])]
    return Seen(
        f"all {rows.n:,} labels are {name!r}, but scores go from {low:.3f} to {high:.3f}, and "
        f"{int((best != made).sum()):,} of them would be decided otherwise: an argmax of one column?",
        "an argmax over one column is always the first class, and probabilities cast to integers are 0",
        _cut_code(rows) if rows.binary else "labels = scores.classes.decode(scores.score.argmax(axis=1))",
        lambda: _as_decided(case.scores),
    )


def _decoded(case: Case) -> Seen | None:
    """Labels that contradict the order of the scores they came from."""
    rows, made = case.rows, np.asarray(case.decision)
    if rows.binary:
        flagged = made == rows.classes.index(rows.classes.positive)
        if not 0 < flagged.sum() < rows.n or rows.score[flagged].max() > rows.score[~flagged].min():
            return None
        seen = (
            f"each of {int(flagged.sum()):,} rows that were decided {rows.classes.positive!r} has a lower score than "
        )
        seen += f"the {int((~flagged).sum()):,} others"
    else:
        best = decided(rows)
        cells = np.zeros((rows.classes.k, rows.classes.k))
        np.add.at(cells, (best, made), 1.0)
        order = best_order(cells)
        agree = float((best == made).mean())
        if order is None or not cells[np.arange(len(order)), order].sum() / rows.n > max(0.95, agree):
            return None
        names = rows.classes.names
        seen = f"the labels agree with the most probable class in {agree:.3f} of the rows; they would in nearly all if "
        seen += f"{ {names[j]: names[i] for i, j in enumerate(order)} } was meant"
    return Seen(
        f"{seen}: class numbers were named in another order",
        "the decisions are those of other classes: every figure of them is",
        "labels = scores.classes.decode(scores.score.argmax(axis=1))" if not rows.binary else _cut_code(rows),
        lambda: _as_decided(case.scores),
    )


def _off_by_one(case: Case) -> Seen | None:
    """Predicted numbers that are right when 1 is added or taken away, where one end never occurs."""
    step = off_by_one(case.rows)
    if not step:
        return None
    rows = case.rows
    codes, truth = np.asarray(rows.score), np.asarray(rows.truth)
    now, then = float((codes == truth).mean()), float((codes + step == truth).mean())
    low = rows.classes.names[0 if step == 1 else -1]
    return Seen(
        f"label {low} is predicted but never true, and accuracy is {now:.3f}; with {step:+d} it is {then:.3f}",
        "classes are counted from 0 on one side and from 1 on the other: nearly every decision is that of a neighbour",
        f"codes = (scores.score {'+' if step > 0 else '-'} 1).clip(0, {rows.classes.k - 1})\n"
        "scores = scores.with_score(scores.classes.decode(codes), 'label')",
        lambda: case.scores.with_score(
            case.scores.classes.decode((np.asarray(case.scores.score) + step).clip(0, rows.classes.k - 1)), "label"
        ),
    )


def _flattened(case: Case) -> Seen | None:
    """Runs of rows with one positive each and probabilities that sum to 1."""
    known = case.known
    if known is None or known.kind != "probability":
        return None
    positive = known.n_pos
    if not positive or known.n % positive or (known.n // positive) < 2:
        return None
    k = known.n // positive
    if (positive == 1 and k < 3) or (k == 2 and positive < FEWEST):
        return None
    head = min(positive, BLOCKS) * k
    truth, p = known.is_positive[:head].reshape(-1, k), np.asarray(known.score[:head], np.float64).reshape(-1, k)
    if (truth.sum(axis=1) != 1).any() or (np.abs(p.sum(axis=1) - 1) > 1e-4).any() or np.ptp(p) == 0:
        return None

    def folded() -> Scores:
        codes = known.is_positive.reshape(-1, k).argmax(axis=1)
        return Scores(y_true=codes, y_score=known.score.reshape(-1, k), classes=range(k), kind="probability")

    as_two, as_one = log_loss.value(known), log_loss.value(folded())
    return Seen(
        f"the {known.n:,} rows are {positive:,} rows of {k} classes laid end to end: each run of {k} has one "
        f"{known.classes.positive!r} and probabilities that sum to 1. Log loss {as_two:.4f}, and {as_one:.4f} of the "
        f"{k} classes",
        "one-hot rows are no rows of two classes: accuracy counts the true negatives of every class, intervals count "
        f"each row {k} times",
        f"P, Y = scores.score.reshape(-1, {k}), scores.is_positive.reshape(-1, {k})\n"
        f"scores = cl.Scores(y_true=Y.argmax(axis=1), y_score=P, classes=range({k}), kind='probability')",
        folded,
    )


def _undefined(case: Case) -> Seen | None:
    """No row decided for a class, where somebody asked for a decision."""
    rows, made = case.rows, case.decision
    assert made is not None
    counts = np.bincount(np.asarray(made)[np.asarray(made) >= 0], minlength=rows.classes.k)
    wanted = [rows.classes.index(rows.classes.positive)] if rows.binary else list(range(rows.classes.k))
    support = np.bincount(np.asarray(rows.truth), minlength=rows.classes.k)
    never = [k for k in wanted if counts[k] == 0 and support[k] > 0]
    if not never or (counts > 0).sum() < 1:
        return None
    names = [rows.classes.names[k] for k in never]
    at = case.given.get("at")
    cut = (
        ""
        if at is None or not rows.binary
        else f" at {at:.4g}, since the highest score is {float(rows.score.max()):.4g}"
    )
    return Seen(
        f"no row of {rows.n:,} is decided for {', '.join(map(repr, names[:5]))}{cut}: precision is 0/0, not 0, and "
        f"{int(support[never].sum()):,} rows of it are missed",
        "other libraries print 0, which reads as a bad precision: there is none, and macro averages mix it in",
        "point = cl.maximize(cl.f1).choose(scores)  # a cut that some rows reach"
        if rows.binary and rows.kind != "label"
        else "# give the class more weight: cl.maximize(cl.macro(cl.f1)).choose(scores)",
        (lambda: maximize(f1).choose(case.scores)) if rows.binary and case.has("both") and case.has("order") else None,
    )


def _one_class(case: Case) -> Seen | None:
    """Truth of one class only."""
    known = case.known
    if known is None or 0 < known.n_pos < known.n:
        return None
    only = known.classes.positive if known.n_pos else known.classes.negative
    what = "the false positive rate" if known.n_pos else "recall"
    return Seen(
        f"all {known.n:,} rows are {only!r}: {what}, the ROC AUC and all that compares the classes is 0/0",
        "a figure that is undefined is no 0 and no 1, whatever a library prints for it",
        "# rows of both classes; a fold or a slice of one class has no such figures",
    )


CHECKS = (
    Check("CT01", "probabilities taken for labels", ("claims", "probability", "both"), 0.0, _equality),
    Check("CT04", "labels in another order than the scores", ("y_pred", "order", "decides"), 0.0, _decoded),
    Check("CT05", "outputs that never change", (), 0.0, _constant),
    Check("CT05", "an argmax of one column", ("y_pred", "order", "decides"), 0.0, _contrary),
    Check("CT05", "labels off by one", ("labels", "truth", "several"), 0.001, _off_by_one),
    Check("CT05", "rows of several classes laid end to end", ("probability", "both"), 0.0, _flattened),
    Check("CT13", "a precision of 0/0", ("truth", "decides", "asked"), 0.0, _undefined),
    Check("CT13", "figures of one class", ("truth", "binary"), 0.0, _one_class),
)
