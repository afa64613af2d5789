"""CT06 and CT10: probabilities against what happened, in all rows together."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline.calibration.logistic_fit import fit
from cutline.calibration.prior_shift import class_shares, multiply_odds, undo_class_weight
from cutline.checks.case import Case, Check, Z
from cutline.checks.finding import Seen
from cutline.checks.weighting import Weighting
from cutline.metrics import fpr, recall
from cutline.metrics.probability import row_log_loss
from cutline.scores import Scores

FITTED = 10_000
"""Rows that the line is fitted on: its error is then less than a tenth of a unit of log-odds, but for rare classes."""
MATTERS = math.log(1.5)
"""Log-odds below which a shift is no more than an ordinary lack of calibration."""
ROUNDS = 30
"""Of matching means to shares; a few would do."""
LIKE_ONE = (0.5, 2.0)
"""Slopes of a line that weights of a known size may leave: they move log-odds, and models that overfit steepen them."""
NEAR_ONE = (0.85, 1.2)
"""Slopes of a shift alone, where no weights say how large it ought to be: an ordinary lack of calibration is none."""
EXPLAINED = 0.25
"""Share of an expected shift that the one seen may be off: penalties and early stopping hold a model back."""


@dataclass(frozen=True, slots=True)
class Shift:
    """How far log-odds lie above those of what happened, and the slope of what happened against them."""

    value: float
    error: float
    slope: float

    @classmethod
    def of(cls, rows: Scores) -> Shift | None:
        """Fitted to rows of two classes; None where there is no line."""
        if rows.n > FITTED:
            rows = rows.take(np.arange(FITTED) * rows.n // FITTED)
        p = rows.probability.clip(1e-12, 1 - 1e-12)
        z, y = np.log(p) - np.log1p(-p), rows.is_positive.astype(np.float64)
        w = np.ones(rows.n) if rows.weight is None else rows.weight * rows.n / rows.weight.sum()
        one = np.ones_like(z)
        alone = fit(one[:, None], z, y, w, None)
        both = None if np.ptp(z) < 1e-9 else fit(np.column_stack([one, z]), np.zeros_like(z), y, w, None)
        if alone is None:
            return None
        slope = float(both.theta[1]) if both is not None else 1.0
        return cls(-float(alone.theta[0]), math.sqrt(float(alone.covariance[0, 0])), slope)

    def explained_by(self, expected: float) -> bool:
        """Whether it is a shift of this size and nothing else."""
        near = abs(self.value - expected) <= max(EXPLAINED * abs(expected), 3 * self.error)
        return near and self.value * expected > 0 and LIKE_ONE[0] <= self.slope <= LIKE_ONE[1]

    @property
    def alone(self) -> bool:
        """Whether it is a shift that matters, of scores that are otherwise about right."""
        return abs(self.value) > MATTERS and NEAR_ONE[0] <= self.slope <= NEAR_ONE[1]


def _weighted(case: Case) -> Seen | None:
    """Mean probability nearer to 0.5 than the prevalence, by a shift of log-odds that weights explain."""
    found = _seen_shift(case)
    if found is None:
        return None
    shift, said, happened = found
    classes, weighting = case.scores.classes, case.given.get("weighting")
    expected = (weighting or Weighting("")).shift(classes, happened)
    explained = shift.explained_by(expected)
    nearer_half = abs(said - 0.5) < abs(happened - 0.5)
    if weighting is not None and expected * shift.value > 0 and (explained or shift.alone):
        why = f"{weighting.source} explains it (expected shift {expected:+.2f}, seen {shift.value:+.2f})"
        weight = {classes.positive: math.exp(expected)}
    elif nearer_half and (shift.alone or (explained and abs(shift.value) > MATTERS)):
        balanced = f", what 'balanced' weights give ({expected:+.2f})" if explained else ""
        why = f"the log-odds are shifted by {shift.value:+.2f}{balanced}, as class weights or resampling shift them"
        weight = {classes.positive: math.exp(shift.value)}
    else:
        return None
    return Seen(
        f"mean probability {said:.3f} where {happened:.3f} of the rows are {classes.positive!r}; {why}",
        "ranking is as it was, but probabilities, log loss, costs and any threshold taken for a probability are off",
        f"scores = cl.undo_class_weight(scores, {{{classes.positive!r}: {weight[classes.positive]:.6g}}})",
        lambda: undo_class_weight(case.scores, weight),
    )


def _resampled(case: Case) -> Seen | None:
    """More (or fewer) positives than the probabilities say, by a shift of log-odds alone."""
    found = _seen_shift(case)
    if found is None or case.given.get("weighting") is not None or case.given.get("prevalence") is not None:
        return None
    shift, said, happened = found
    if not shift.alone or abs(said - 0.5) < abs(happened - 0.5):
        return None
    odds = happened / (1 - happened) * math.exp(shift.value)
    to = odds / (1 + odds)
    return _elsewhere(
        case,
        f"{happened:.3f} of the rows are {case.scores.classes.positive!r}, but the probabilities say {said:.3f} on "
        f"average, as where {to:.3f} are (log-odds {shift.value:+.2f}, slope {shift.slope:.2f})",
        happened,
        to,
    )


def _seen_shift(case: Case) -> tuple[Shift, float, float] | None:
    """A shift beyond chance, mean probability and prevalence."""
    gap, error = case.bias
    if not abs(gap) > Z * error:
        return None
    happened, _ = case.mean(case.rows.is_positive.astype(np.float64))
    shift = Shift.of(case.rows)
    return None if shift is None else (shift, happened + gap, happened)


def _declared(case: Case) -> Seen | None:
    """Another share of positives than was declared for use."""
    happened, error = case.mean(case.rows.is_positive.astype(np.float64))
    to = float(case.given["prevalence"])
    apart = math.log(happened / (1 - happened)) - math.log(to / (1 - to))
    if abs(happened - to) <= Z * error or abs(apart) < 0.2:
        return None
    return _elsewhere(
        case,
        f"{happened:.3f} of the rows are {case.scores.classes.positive!r}; {to:g} was declared for where it is used",
        happened,
        to,
    )


def _elsewhere(case: Case, seen: str, happened: float, to: float) -> Seen:
    """The finding that the rows have another prevalence than the use, and the rows weighted to it."""
    at = case.given.get("at")
    at = 0.5 if at is None and case.scores.kind == "probability" else at
    if at is not None and case.scores.kind != "label":
        hit, false = (float(metric.value(case.sorted, at=at)) for metric in (recall, fpr))
        flagged = {share: hit * share + false * (1 - share) for share in (happened, to)}
        if all(flagged.values()):
            now, then = (hit * share / flagged[share] for share in (happened, to))
            seen += f"; precision at {at:.3g} is {now:.3f} here and {then:.3f} there"
    up, down = to / happened, (1 - to) / (1 - happened)

    def weighted() -> Scores:
        w = np.where(case.scores.is_positive, up, down)
        return case.scores.with_weight(w if case.scores.weight is None else w * case.scores.weight)

    more = "" if case.scores.weight is None else " * scores.weight"
    return Seen(
        seen,
        "precision, accuracy, F1, average precision and thresholds depend on prevalence: they are not those of use",
        f"scores = scores.with_weight(np.where(scores.is_positive, {up:.6g}, {down:.6g}){more})\n"
        f"# probabilities that were calibrated on such rows: cl.shift_prior(scores, to={to:.3g})",
        weighted,
    )


def _weighted_several(case: Case) -> Seen | None:
    """Mean probabilities that class weights explain: undone, log loss falls by 4.5 standard errors."""
    rows = case.part
    share, p = class_shares_or_none(rows), rows.probabilities
    if share is None:
        return None
    truth = np.asarray(rows.truth)
    biases = [case.mean(p[:, j] - (truth == j), rows) for j in range(rows.classes.k)]
    if not any(abs(gap) > Z * error for gap, error in biases):
        return None
    weighting = case.given.get("weighting")
    before = float(sum(abs(gap) for gap, _ in biases))
    sources = ["class_weight='balanced' or classes resampled to one size"] if weighting is None else [weighting.source]
    factors = [(weighting or Weighting("")).factors(share)]
    if weighting is None:  # such weights as would give these means
        sources.append("weights (or resampling) of the classes")
        factors.append(_fitted(p, share, rows.weight))
    for source, factor in zip(sources, factors, strict=True):  # noqa: B007
        undone = multiply_odds(rows, 1 / factor, "")
        gain, error = case.mean(row_log_loss(rows) - row_log_loss(undone), rows)
        after = float(np.abs(np.average(undone.probabilities, axis=0, weights=rows.weight) - share).sum())
        if gain > Z * error and after < before / 2 and np.ptp(np.log(factor)) > MATTERS:
            break
    else:
        return None
    worst = int(np.argmax([abs(gap) for gap, _ in biases]))
    name, said = rows.classes.names[worst], share[worst] + biases[worst][0]
    weight = {n: float(f) for n, f in zip(rows.classes.names, factor / factor.max(), strict=True)}
    return Seen(
        f"mean probability of {name!r} {said:.3f} where {share[worst]:.3f} of the rows are; {source} explains it: "
        f"undone, log loss falls by {gain:.4f} and the means agree within {after / rows.classes.k:.3f}",
        "ranking within a class is as it was, but probabilities, log loss and the most probable class are off",
        f"scores = cl.undo_class_weight(scores, {{{', '.join(f'{n!r}: {f:.6g}' for n, f in weight.items())}}})",
        lambda: undo_class_weight(case.scores, weight),
    )


def _fitted(p: NDArray[np.float64], share: NDArray[np.float64], weight: NDArray[np.float64] | None) -> Any:
    """Weights of the classes without which the mean probabilities would be their shares."""
    factor = np.ones(len(share))
    for _ in range(ROUNDS):
        q = p / factor
        mean = np.average(q / q.sum(axis=1, keepdims=True), axis=0, weights=weight)
        factor = factor * (mean / share).clip(1e-3, 1e3)
    return factor / factor.max()


def class_shares_or_none(rows: Scores) -> NDArray[np.float64] | None:
    """Shares of the classes; None when a class has no rows."""
    present = np.bincount(np.asarray(rows.truth), minlength=rows.classes.k) > 0
    return class_shares(rows) if present.all() else None


WEIGHTS, ELSEWHERE = "class weights left in the probabilities", "another prevalence than in use"
OTHERS = ("CT02", "CT03", "CT04", "CT05", "CT12")
"""Numbers that are something else, or of another class, are off on average, too."""
CHECKS = (
    Check("CT06", WEIGHTS, ("probability", "both"), 0.001, _weighted, OTHERS),
    Check("CT06", WEIGHTS, ("probability", "several", "truth"), 0.001, _weighted_several, OTHERS),
    Check("CT10", ELSEWHERE, ("probability", "both"), 0.001, _resampled, OTHERS),
    Check("CT10", ELSEWHERE, ("prevalence", "both"), 0.001, _declared),
)
