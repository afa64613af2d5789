"""How well probabilities match frequencies: bins of equal mass with intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cutline.evidence import wilson
from cutline.scores import Scores


@dataclass(frozen=True, slots=True)
class Bin:
    """Rows of similar probability: their mean probability, how many, how many positive, and Wilson limits."""

    mean: float
    n: int
    positives: int
    rate: float
    low: float
    high: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def reliability(scores: Scores, *, bins: int = 15, confidence: float = 0.95) -> tuple[Bin, ...]:
    """Observed frequency against predicted probability, in bins of about equal numbers of rows.

    Equal probabilities are never split between bins, so there can be fewer bins than asked. With weights the mean and
    the rate are weighted and the limits rest on the effective number of rows.

    Parameters
    ----------
    scores : Scores
        Binary probabilities (or logits) with truth.
    bins : int
        Most bins.
    confidence : float
        Level of the limits, two-sided, for each bin on its own.
    """
    known = scores.known()
    p, y = known.probability, known.is_positive
    weight = np.ones(known.n) if known.weight is None else known.weight
    edges = np.unique(np.quantile(p, np.linspace(0, 1, bins + 1)[1:-1]))
    where = np.searchsorted(edges, p, side="right")
    found = []
    for k in np.unique(where):
        rows = where == k
        w, n, positives = weight[rows], int(rows.sum()), int(y[rows].sum())
        rate = float(w @ y[rows] / w.sum())
        effective = n if known.weight is None else float(w.sum() ** 2 / np.square(w).sum())
        low, high = wilson(rate * effective, effective, confidence)
        found.append(Bin(float(w @ p[rows] / w.sum()), n, positives, rate, low, high))
    return tuple(found)
