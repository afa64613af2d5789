"""CT15 and CT16: probabilities in steps, whose order is lost, and whose ends are 0 or 1 without being so."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline.checks.case import Case, Check
from cutline.checks.finding import Seen

FEWEST = 300
"""Rows from which ties are no matter of how few rows there are."""
SHARE = 0.1
"""Distinct scores to rows, from which on they are held to be continuous."""
TIED = 0.05
"""Pairs of a positive and a negative row with equal scores: the ROC AUC is then known within 0.025 only."""
WRONG = 3
"""Rows with a probability of exactly 0 that are positive, or of 1 that are not. A model that knows no more than a few
values has ties, too, and is right about them; one that was rounded, or fitted to few rows, is not."""
DECIMALS = 2
"""Scores that are all multiples of 0.01 were rounded, or counted; other steps were fitted."""
WHY = (
    "within a step no row comes before another, and no cut lies between them; and a probability of 0 for what then "
    "happens costs an infinite log loss"
)


def _fitted(case: Case) -> Seen | None:
    """Few distinct scores, many tied pairs, and rows that are what had a probability of 0 (or are not, of 1)."""
    seen = _steps(case, rounded=False)
    if seen is None:
        return None
    code = "# rank by the scores from before the calibrator; or one without steps: cl.calibrate(before, method='beta')"
    return Seen(f"{seen}: steps of an isotonic map, a small tree or the like", WHY, code)


def _rounded(case: Case) -> Seen | None:
    """The same where all scores are multiples of 0.01."""
    seen = _steps(case, rounded=True)
    if seen is None:
        return None
    code = "# the scores as the model gave them, not rounded and not counted in a few bins"
    return Seen(f"{seen}: all scores are multiples of 0.01, too coarse a grid for these rows", WHY, code)


def _steps(case: Case, *, rounded: bool) -> str | None:
    """How much of the order ties take away, where the steps are no knowledge of the model."""
    rows = case.part
    score = np.asarray(rows.score)
    wrong = int(np.count_nonzero((score == 0) & rows.is_positive) + np.count_nonzero((score == 1) & ~rows.is_positive))
    if rows.kind != "probability" or rows.n < FEWEST or wrong < WRONG:
        return None
    values, step = np.unique(score, return_inverse=True)
    if not 2 < len(values) <= SHARE * rows.n or _multiples(values) != rounded:
        return None
    positive = np.bincount(step.reshape(-1), rows.is_positive)
    negative = np.bincount(step.reshape(-1)) - positive
    pairs = float(positive.sum() * negative.sum())
    tied = float(positive @ negative) / pairs if pairs else 0.0
    if tied < TIED:
        return None
    return (
        f"{rows.n:,} rows have {len(values):,} distinct scores; {100 * tied:.0f} % of all pairs of a positive and a "
        f"negative row are tied, and {wrong:,} rows are what had a probability of exactly 0"
    )


def _multiples(values: NDArray[Any]) -> bool:
    """Whether all are multiples of 0.01, as far as float32 can tell."""
    return bool(np.allclose(values, np.round(values, DECIMALS), rtol=0, atol=1e-6))


OTHERS = ("CT03", "CT05")
"""Labels and constants have few values, too."""
CHECKS = (
    Check("CT15", "ties made by steps", ("probability", "both"), 0.0, _fitted, OTHERS),
    Check("CT16", "scores that are too coarse", ("probability", "both"), 0.0, _rounded, OTHERS),
)
