"""How well probabilities match frequencies: bins of equal mass with intervals."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from cutline import core
from cutline.evidence import wilson
from cutline.metrics import ThresholdTable
from cutline.scores import Scores, sigmoid


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


def reliability(
    scores: Scores, *, bins: int = 15, confidence: float = 0.95, table: ThresholdTable | None = None
) -> tuple[Bin, ...]:
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
    table : ThresholdTable, optional
        The table of `scores`, when it was already made.
    """
    known = scores.known()
    _ = known.take([0]).probability  # refuses what is no probability, by name
    rows = (ThresholdTable.from_scores(known) if table is None else table).sorted_rows()
    # The rows of a bin end with a tie: a cut at the score of the row at each quantile.
    place = (known.n - 1) * np.linspace(0, 1, bins + 1)[-2:0:-1]
    edges = np.unique([core.scores_of(rows, r, r + 1)[0] for r in known.n - 1 - np.ceil(place).astype(int)])[::-1]
    cuts = np.vstack([np.zeros(6), core.cuts(rows, np.append(edges, -np.inf))])
    found = []
    for above, upto in pairwise(cuts):
        n, positives, weight, negative_weight, square, negative_square = upto - above
        if not n:
            continue
        start, stop = int(above[0]), int(upto[0])
        if known.weight is None:
            weight, total, effective = positives, n, n
        else:
            total = weight + negative_weight
            effective = total**2 / (square + negative_square)
        rate = weight / total
        low, high = wilson(rate * effective, effective, confidence)
        mean = _probability_sum(known, rows, start, stop) / total
        found.append(Bin(mean, int(n), int(positives), float(rate), low, high))
    return tuple(found[::-1])


def _probability_sum(known: Scores, rows: core.Rows, start: int, stop: int, size: int = 1 << 15) -> float:
    """Sum of the (weighted) probabilities of the sorted rows from `start` to `stop`."""
    total = 0.0
    for i in range(start, stop, size):
        score = core.scores_of(rows, i, min(i + size, stop))
        p = score if known.kind == "probability" else sigmoid(score)
        total += float(p.sum() if known.weight is None else p @ rows.weight[i : i + len(p)])
    return total
