"""Metrics of probabilities: log loss, Brier score, prediction bias. Each is a mean over rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline.errors import InputError
from cutline.metrics.metric import Metric
from cutline.scores import Scores

RowLoss = Callable[[Scores], NDArray[np.float64]]
"""One number for each row, in a new array."""


def row_log_loss(scores: Scores) -> NDArray[np.float64]:
    """-log of the probability given to the true class, shape (n,).

    Probabilities are clipped to [eps, 1 - eps] with the eps of their dtype, as scikit-learn does, so that one
    certain mistake does not make the mean infinite; `n_clipped` counts such rows.
    """
    own = _of_truth(scores)
    np.clip(own, _eps(scores), 1 - _eps(scores), out=own)
    np.log(own, out=own)
    return np.negative(own, out=own)


def n_clipped(scores: Scores) -> int:
    """Rows whose true class was given a probability of exactly 0: without clipping the log loss is infinite."""
    if scores.kind == "probability" and scores.score.min() > 0 and scores.score.max() < 1:
        return 0
    return sum(int(np.count_nonzero(_of_truth(part) <= 0)) for part in scores.parts())


def row_brier(scores: Scores) -> NDArray[np.float64]:
    """Squared error: (p - y)^2 for binary; the sum over classes for more (twice the binary form at k = 2)."""
    p = scores.probability
    if scores.binary:
        gap = p - scores.is_positive
        return np.square(gap, out=gap)
    own = p[np.arange(scores.n), scores.truth]
    return np.asarray(np.einsum("ij,ij->i", p, p) - own * own + np.square(1 - own))


def row_bias(scores: Scores) -> NDArray[np.float64]:
    """P - y for binary, shape (n,); its mean is the prediction bias."""
    return scores.probability - scores.is_positive


def _of_truth(scores: Scores) -> NDArray[np.float64]:
    """The probability given to the true class, a new array."""
    p = scores.probability
    if scores.binary:
        # Products with 0 and 1 are exact, and no branch depends on the label.
        positive = scores.is_positive.astype(np.float64)
        own = 1.0 - p
        own *= 1.0 - positive
        positive *= p
        own += positive
        return own
    picked: NDArray[np.float64] = p[np.arange(scores.n), scores.truth]
    return picked


def _eps(scores: Scores) -> float:
    return float(np.finfo(np.float32 if scores.score.dtype == np.float32 else np.float64).eps)


def _mean(rows: RowLoss) -> Callable[[Scores], float]:
    return lambda scores: mean_of_rows(rows, scores)[0]


log_loss = Metric(
    "log_loss",
    "Log loss",
    False,
    (0.0, float("inf")),
    0.0,
    chance="the entropy of the class shares",
    formula="mean of -log p(true class), in nats",
    undefined="no rows",
    reference="Good 1952",
    synonyms=("cross_entropy", "logloss", "log_score", "negative_log_likelihood", "mn_log_loss", "binary_crossentropy"),
    tasks=("binary", "multiclass"),
    of_scores=_mean(row_log_loss),
)
brier = Metric(
    "brier",
    "Brier score",
    False,
    (0.0, 2.0),
    0.0,
    chance="prevalence x (1 - prevalence) for binary",
    formula="mean of (p - y)^2; summed over classes for k > 2",
    undefined="no rows",
    reference="Brier 1950",
    synonyms=("brier_score", "brier_score_loss"),
    tasks=("binary", "multiclass"),
    of_scores=_mean(row_brier),
)
prediction_bias = Metric(
    "prediction_bias",
    "Prediction bias",
    None,
    (-1.0, 1.0),
    0.0,
    chance="0 for a constant at the prevalence",
    formula="mean(p) - mean(y)",
    undefined="no rows",
    synonyms=("calibration_in_the_large", "bias"),
    of_scores=_mean(row_bias),
)


def _skill(rows: RowLoss, reference: Callable[[NDArray[np.float64]], float]) -> Callable[[Scores], float]:
    """1 - S / S of the class shares of the same rows; nan where these leave nothing to gain."""

    def of_scores(scores: Scores) -> float:
        share = np.bincount(np.asarray(scores.truth), weights=scores.weight, minlength=scores.classes.k)
        of_shares = reference(share / share.sum())
        return 1 - mean_of_rows(rows, scores)[0] / of_shares if of_shares > 0 else float("nan")

    return of_scores


def _entropy(share: NDArray[np.float64]) -> float:
    share = share[share > 0]
    return float(-(share * np.log(share)).sum())


log_loss_skill = Metric(
    "log_loss_skill",
    "Log loss skill",
    True,
    (-float("inf"), 1.0),
    1.0,
    chance="0",
    formula="1 - log loss / log loss of the class shares of the same rows",
    undefined="all rows are of one class",
    reference="McFadden 1974",
    synonyms=("d2_log_loss_score", "mcfadden_r2"),
    tasks=("binary", "multiclass"),
    of_scores=_skill(row_log_loss, _entropy),
)
brier_skill = Metric(
    "brier_skill",
    "Brier skill",
    True,
    (-float("inf"), 1.0),
    1.0,
    chance="0",
    formula="1 - Brier score / Brier score of the class shares of the same rows",
    undefined="all rows are of one class",
    reference="Murphy 1973",
    synonyms=("d2_brier_score", "bss"),
    tasks=("binary", "multiclass"),
    of_scores=lambda scores: _skill(
        row_brier, lambda share: float((1 - np.square(share).sum()) / (2 if scores.binary else 1))
    )(scores),
)


def calibration_error(bins: int = 15) -> Metric:
    """The classical expected calibration error: mean gap between probability and frequency over equal bins of [0, 1].

    Biased upwards: it is above 0 for perfectly calibrated scores. Bin i holds [i / bins, (i + 1) / bins).
    """
    if isinstance(bins, bool) or bins < 1:
        raise InputError("bins", repr(bins), "a number of bins of at least 1")

    def of_scores(scores: Scores) -> float:
        gaps = np.zeros(bins)
        for part in scores.parts():
            p = part.probability
            place = np.minimum((p * bins).astype(np.intp), bins - 1)
            gap = p - part.is_positive
            gaps += np.bincount(place, weights=gap if part.weight is None else gap * part.weight, minlength=bins)
        return float(np.abs(gaps).sum() / (scores.n if scores.weight is None else scores.weight.sum()))

    return Metric(
        f"calibration_error_{bins}",
        f"Calibration error, {bins} bins",
        False,
        (0.0, 1.0),
        0.0,
        chance="above 0 for perfectly calibrated scores, more so with few rows",
        formula=f"sum over {bins} equal bins of (share of rows) x |mean(p) - mean(y)|",
        undefined="no rows",
        reference="Naeini, Cooper & Hauskrecht 2015",
        synonyms=("ece", "expected_calibration_error") if bins == 15 else (),
        of_scores=of_scores,
    )


ece = calibration_error()

ROW_LOSSES: dict[str, RowLoss] = {
    "log_loss": row_log_loss,
    "brier": row_brier,
    "prediction_bias": row_bias,
}
"""The rows whose mean each metric is, by its name: an interval needs their spread."""


def mean_of_rows(rows: RowLoss, scores: Scores) -> tuple[float, float, float]:
    """Mean of one number a row, its standard error and the effective number of rows, (sum w)^2 / sum w^2."""
    shift, first = 0.0, True
    sums = np.zeros(4)  # of w, w^2, w d and w d^2 with d the deviation from the first row, which keeps constants exact
    for part in scores.parts():
        value = rows(part)
        if first:
            shift, first = float(value[0]), False
        d = np.subtract(value, shift, out=value)
        if part.weight is None:
            sums += (d.size, d.size, d.sum(), np.dot(d, d))
        else:
            w = part.weight
            sums += (w.sum(), np.dot(w, w), np.dot(w, d), np.dot(w * d, d))
    total, squares, first_moment, second_moment = sums.tolist()
    n = total**2 / squares
    spread = max(second_moment / total - (first_moment / total) ** 2, 0.0)
    return shift + first_moment / total, (spread / (n - 1)) ** 0.5 if n > 1 else float("nan"), n


def mean_and_error(values: NDArray[Any], weight: NDArray[np.float64] | None) -> tuple[float, float, float]:
    """Mean, its standard error and the effective number of rows, (sum w)^2 / sum w^2."""
    if weight is None:
        weight = np.ones(1)
        n = float(values.size)
        mean, spread = float(values.mean()), float(values.var())
    else:
        n = float(weight.sum() ** 2 / np.square(weight).sum())
        mean = float(np.average(values, weights=weight))
        spread = float(np.average(np.square(values - mean), weights=weight))
    return mean, (spread / (n - 1)) ** 0.5 if n > 1 else float("nan"), n
