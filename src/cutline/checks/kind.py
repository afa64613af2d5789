"""CT02 and CT11: what the numbers are. A sigmoid too many or too few; rows that do not sum to 1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline.checks.case import Case, Check, Z
from cutline.checks.finding import Seen
from cutline.checks.frequencies import LIKE_ONE, Shift
from cutline.metrics.probability import row_log_loss
from cutline.scores import Kind, Scores

SLACK = 1e-5
"""What float32 may be off by."""
HALF, TOP = 0.5, float(1 / (1 + np.exp(-1)))
"""Where the sigmoid sends [0, 1]."""
FEW = 50
"""Rows from which probabilities that sum to 1 in all are no coincidence."""
NEAR = 0.05
"""How far mean probabilities may be off in what is still read as logits."""
SIGNED = 3.0
"""Standard errors that are enough where the range alone is a sign."""
CUT_OFF = 0.2
"""Share of rows at 0 or 1 exactly from which they may have been cut off there."""
WHY = "ranking is as it was, but probabilities, log loss, calibration and every threshold are those of other numbers"


def _sigmoid_twice(case: Case) -> Seen | None:
    """Probabilities where a sigmoid (or softmax) of probabilities lies, with a worse log loss than these."""
    rows = case.rows
    inner = _unfolded(rows)
    if inner is None:
        return None
    if case.known is not None:
        mended = rows.with_score(inner, "probability")
        gain, error = case.mean(row_log_loss(rows) - row_log_loss(mended))
        off, spread = case.bias if rows.binary else (0.0, 1.0)
        if not (gain > SIGNED * error or abs(off) > SIGNED * spread):
            return None
        said = f"log loss {_mean(case, rows):.4f}, and {_mean(case, mended):.4f} without it"
    elif np.ptp(rows.score) < 0.8 * (TOP - HALF):
        return None
    else:
        said = "the range of a sigmoid of probabilities"
    low, high = float(rows.score.min()), float(rows.score.max())
    if rows.kind == "logit":
        seen = f"scores that were declared logits lie in [{low:.3f}, {high:.3f}]: probabilities, of which "
        seen += f"a {'sigmoid' if rows.binary else 'softmax'} was taken once more ({said})"
        code = f"scores = scores.with_score({_as_shares(rows)}, 'probability')"
    else:
        what = "sigmoid" if rows.binary else "softmax"
        seen = f"scores lie in [{low:.3f}, {high:.3f}], the image of [0, 1] under a {what}: it seems applied twice "
        seen += f"({said})"
        code = "z = np.log(scores.score) - np.log1p(-scores.score)\n"
        code += "scores = scores.with_score(z.clip(0, 1), 'probability')"
        if not rows.binary:
            code = (
                "z = np.log(scores.score)\nz = (z + (1 - z.sum(axis=1, keepdims=True)) / z.shape[1]).clip(0, 1)\n"
                "scores = scores.with_score(z / z.sum(axis=1, keepdims=True), 'probability')"
            )
    return Seen(seen, WHY, code, lambda: case.scores.with_score(_inner(case.scores), "probability"))


def _softmax_of_two(case: Case) -> Seen | None:
    """Probabilities of two classes where a softmax over two probabilities lies, calibrated when it is undone."""
    rows = case.rows
    low, high = float(rows.score.min()), float(rows.score.max())
    if rows.kind != "probability" or not 1 - TOP - SLACK <= low < high <= TOP + SLACK:
        return None
    mended = rows.with_score(_before_two(rows.score), "probability")
    gain, error = case.mean(row_log_loss(rows) - row_log_loss(mended))
    if not gain > Z * error or not _calibrated(case, mended):
        return None
    return Seen(
        f"scores lie in [{low:.3f}, {high:.3f}], where a softmax over the two columns of probabilities sends them: log "
        f"loss {_mean(case, rows):.4f}, and {_mean(case, mended):.4f} without it",
        WHY,
        "z = np.log(scores.score) - np.log1p(-scores.score)\n"
        "scores = scores.with_score(((z + 1) / 2).clip(0, 1), 'probability')",
        lambda: case.scores.with_score(_before_two(case.scores.score), "probability"),
    )


def _before_two(score: NDArray[Any]) -> NDArray[np.float64]:
    """The p of which a softmax over (1 - p, p) was taken: its log-odds are 2 p - 1."""
    p = np.asarray(score, np.float64)
    return np.asarray(((np.log(p) - np.log1p(-p) + 1) / 2).clip(0, 1))


def _mean(case: Case, scores: Scores) -> float:
    return case.mean(row_log_loss(scores))[0]


def _as_shares(rows: Scores) -> str:
    return "scores.score" if rows.binary else "scores.score / scores.score.sum(axis=1, keepdims=True)"


def _unfolded(rows: Scores) -> NDArray[np.float64] | None:
    """The probabilities inside; None where there is no sign of a second sigmoid or softmax."""
    score = rows.score
    low, high = float(score.min()), float(score.max())
    if rows.kind == "logit":
        return _inner(rows) if 0 <= low < high <= 1 and rows.n >= 10 else None
    if rows.binary:
        return _inner(rows) if HALF - SLACK <= low < high <= TOP + SLACK else None
    k, e = rows.classes.k, float(np.e)
    if low < 1 / (1 + (k - 1) * e) * (1 - 1e-3) or high > e / (e + k - 1) * (1 + 1e-3) or low == high:
        return None
    z = np.log(np.asarray(score, np.float64))
    z += (1 - z.sum(axis=1, keepdims=True)) / k
    return _inner(rows) if z.min() >= -1e-3 and np.ptp(z) > 0.1 else None


def _inner(scores: Scores) -> NDArray[np.float64]:
    """Of `scores` the probabilities that a sigmoid or softmax was taken of."""
    score = np.asarray(scores.score, np.float64)
    if scores.kind == "logit":
        return score if scores.binary else score / score.sum(axis=1, keepdims=True)
    if scores.binary:
        return np.asarray((np.log(score) - np.log1p(-score)).clip(0, 1))
    z = np.log(score)
    z = (z + (1 - z.sum(axis=1, keepdims=True)) / scores.classes.k).clip(0, 1)
    return np.asarray(z / z.sum(axis=1, keepdims=True))


def _taken_for(case: Case) -> Seen | None:
    """Scores that are calibrated as another kind alone: logits, log-probabilities, percentages."""
    rows = case.rows
    if rows.kind == "probability" and not abs(case.bias[0]) > Z * case.bias[1]:
        return None
    for was, change, kind, said, code in _readings(rows):
        other = rows.with_score(change(np.asarray(rows.score, np.float64)), kind)
        mend = _mend(case, change, kind)
        if rows.kind == "rank":
            if _calibrated(case, other):
                return Seen(f"{was}; {said}", "a ranking gives no probability, no log loss and no cut", code, mend)
            continue
        gain, error = case.mean(row_log_loss(rows) - row_log_loss(other))
        if gain > Z * error and _calibrated(case, other):
            seen = f"{was}: log loss {_mean(case, rows):.4f}, and {_mean(case, other):.4f} read as {said}"
            return Seen(seen, WHY, code, mend)
    return None


Reading = tuple[str, Callable[[NDArray[Any]], NDArray[Any]], Kind, str, str]
"""What was seen; how the scores are read otherwise, as what kind, and in words; the code."""


def _readings(rows: Scores) -> list[Reading]:
    """What else the scores could be."""
    low, high = float(rows.score.min()), float(rows.score.max())
    spans = f"scores in [{low:.3g}, {high:.3g}] were taken for"
    logits: Reading = (
        f"{spans} probabilities", np.array, "logit", "logits", "scores = scores.with_score(scores.score, 'logit')",
    )  # fmt: skip
    if rows.kind == "probability":
        return [logits]
    if rows.kind == "logit" and high <= 0:
        code = "scores = scores.with_score(np.exp(scores.score), 'probability')"
        return [(f"{spans} logits", np.exp, "probability", "logarithms of probabilities", code)]
    if rows.kind != "rank" or not any(note.startswith("kind guessed") for note in rows.notes):
        return []
    was = f"{spans} a ranking, since some lie outside [0, 1]"
    if low < 0 < high:
        return [(was, np.array, "logit", "they are calibrated as logits", logits[-1])]
    if low >= 0 and 1 < high <= 100:
        code = "scores = scores.with_score(scores.score / 100, 'probability')"
        return [(was, lambda score: score / 100, "probability", "they are calibrated as percentages", code)]
    return []


def _calibrated(case: Case, other: Scores) -> bool:
    """Whether probabilities agree with what happened, as far as these rows can tell, and vary."""
    off, error = case.mean(other.probability - other.is_positive)
    shift = Shift.of(other) if abs(off) <= 3 * error else None
    return shift is not None and LIKE_ONE[0] <= shift.slope <= LIKE_ONE[1] and float(np.ptp(other.probability)) > 0.02


def _mend(case: Case, change: Callable[[NDArray[Any]], NDArray[Any]], kind: Kind) -> Callable[[], Scores]:
    return lambda: case.scores.with_score(change(case.scores.score), kind)


def _cut_off(case: Case) -> Seen | None:
    """Probabilities of which many are 0 or 1, and the others are calibrated as logits: logits, cut off."""
    rows = case.rows
    if rows.kind != "probability":
        return None
    score = np.asarray(rows.score, np.float64)
    inside = (score > 0) & (score < 1)
    ends = 1 - float(inside.mean())
    if ends < CUT_OFF or inside.sum() < FEW:
        return None
    some = rows.take(inside)
    other = some.with_score(some.score, "logit")
    gain, error = case.mean(row_log_loss(some) - row_log_loss(other), some)
    off, spread = case.mean(other.probability - other.is_positive, some)
    if not gain > SIGNED * error or abs(off) > 3 * spread:
        return None
    positive, _ = case.mean(rows.is_positive[~inside].astype(np.float64), rows.take(~inside))
    return Seen(
        f"{100 * ends:.0f} % of the probabilities are exactly 0 or 1, of which {100 * positive:.1f} % are positive; "
        f"the others agree with what happened as logits (log loss lower by {gain:.3f}): cut off at 0 and 1",
        "what was cut off is lost: neither order nor probability of these rows can be had back",
        "# pass the logits themselves: cl.Scores(..., kind='logit')",
    )


def _scaled(case: Case) -> Seen | None:
    """Probabilities with a single 0, a single 1, and a mean that is off: another score, scaled to [0, 1]."""
    rows, known = case.rows, case.known
    if rows.kind != "probability" or known is None or rows.n < FEW or not abs(case.bias[0]) > Z * case.bias[1]:
        return None
    low, high = (int(np.count_nonzero(known.score == end)) for end in (0.0, 1.0))
    if (low, high) != (1, 1):
        return None
    happened = case.mean(rows.is_positive.astype(np.float64))[0]
    return Seen(
        f"one row has 0, one has 1, all others lie between, and {happened + case.bias[0]:.3f} on average where "
        f"{happened:.3f} of the rows are positive: scores that were scaled to [0, 1]",
        "scaling makes no probability: log loss, calibration and a cut at 0.5 of such numbers mean nothing",
        "scores = scores.with_score(scores.score, 'rank')  # cl.calibrate(scores) makes probabilities of them",
        lambda: case.scores.with_score(case.scores.score, "rank"),
    )


def _over_rows(case: Case) -> Seen | None:
    """Probabilities of two classes that sum to 1 over all rows: a softmax along the wrong axis."""
    known = case.known
    if known is None or known.kind != "probability" or known.n < FEW or known.n_pos < 2:
        return None
    total = float(np.asarray(known.score, np.float64).sum())
    if abs(total - 1) > 1e-3:
        return None
    return Seen(
        f"the probabilities of {known.n:,} rows sum to {total:.4f} over the rows, where {known.n_pos:,} are "
        f"{known.classes.positive!r}: a softmax along the wrong axis",
        "each row's probability depends on which others are in the batch; the order of the rows alone can be read",
        "scores = scores.with_score(np.log(scores.score), 'rank')  # or: softmax(axis=1) of the outputs",
        lambda: case.scores.with_score(np.log(case.scores.score), "rank"),
    )


def _undeclared(case: Case) -> Seen | None:
    """Several classes: numbers that were taken for a ranking, and are good probabilities once a softmax is taken."""
    rows = case.part
    if rows.kind != "rank" or not any(note.startswith("kind guessed") for note in rows.notes):
        return None
    if not (rows.score.min() < 0 or rows.score.max() > 1):
        return None
    read = rows.with_score(rows.score, "logit")
    truth = np.asarray(rows.truth)
    share = np.bincount(truth, rows.weight, rows.classes.k) / (rows.n if rows.weight is None else rows.weight.sum())
    gain, error = case.mean(row_log_loss(read) + np.log(share[truth]), rows)
    off = np.abs(np.average(read.probability, axis=0, weights=rows.weight) - share).max()
    if not (gain < -Z * error and off < NEAR):
        return None
    return Seen(
        f"scores in [{float(rows.score.min()):.3g}, {float(rows.score.max()):.3g}] were taken for a ranking; as logits "
        f"they have a log loss {-gain:.4f} below that of the shares of the classes, and are right on average",
        "a ranking gives no probability, no log loss and no calibration",
        "scores = scores.with_score(scores.score, 'logit')",
        lambda: case.scores.with_score(case.scores.score, "logit"),
    )


def _uneven(case: Case) -> Seen | None:
    """Columns that were taken for a ranking since their rows do not sum to 1."""
    said = next((note for note in case.scores.notes if "do not sum to 1" in note), None)
    if case.scores.kind != "rank" or said is None:
        return None
    why = "such columns, say a sigmoid for each class, are no distribution: there is no log loss and no calibration"
    if case.scores.binary:
        code = "# scores = cl.Scores(..., y_score=P / P.sum(axis=1, keepdims=True)), or a single column of a sigmoid"
        return Seen(f"two columns: {said}", why, code)
    total = case.rows.score.sum(axis=1)
    if not total.min() > 0:
        return Seen(
            f"{said}; some rows sum to 0",
            why,
            "# a softmax in the last layer, or cl.evaluate_labels for several labels a row",
        )
    return Seen(
        f"rows sum to {total.min():.3f} up to {total.max():.3f}, {total.mean():.3f} on average, and not to 1",
        why,
        "scores = scores.with_score(scores.score / scores.score.sum(axis=1, keepdims=True), 'probability')",
        lambda: case.scores.with_score(case.scores.score / case.scores.score.sum(axis=1, keepdims=True), "probability"),
    )


CHECKS = (
    Check("CT02", "a sigmoid applied twice", ("probability",), 0.001, _sigmoid_twice),
    Check("CT02", "a softmax applied twice", ("probability", "both"), 0.001, _softmax_of_two, ("CT02",)),
    Check("CT02", "logits taken for probabilities, or the reverse", ("order", "both"), 0.001, _taken_for),
    Check("CT02", "logits cut off at 0 and 1", ("probability", "both"), 0.001, _cut_off),
    Check("CT02", "scores scaled to [0, 1]", ("probability", "both"), 0.001, _scaled),
    Check("CT02", "a softmax over the rows", ("probability", "both"), 0.0, _over_rows),
    Check("CT02", "logits taken for a ranking", ("order", "several", "truth"), 0.0, _undeclared),
    Check("CT11", "rows of probabilities that do not sum to 1", ("order",), 0.0, _uneven),
)
