"""Thresholds that have a name, and what cannot be read off counts there."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from cutline.decision import Cost
from cutline.evaluation.evaluate import Evaluation
from cutline.evidence import count_ingredients
from cutline.evidence.intervals import Ingredients
from cutline.metrics import ThresholdTable, mcc

BLOCK = 1 << 15
"""Thresholds looked at together: what is computed of them stays in the cache."""


@dataclass(frozen=True, slots=True, eq=False)
class NamedCut:
    """One threshold.

    Attributes
    ----------
    name : str
        "chosen" or "evaluated"; "plateau from", "plateau to"; "0.5", "best F1", "Youden", "lowest cost", "flag nobody".
    threshold : float
        Positive iff score >= threshold; infinite for "flag nobody".
    mcc : Ingredients or None
        What the interval of the correlation of Matthews comes from; None for rows in clusters.
    """

    name: str
    threshold: float
    mcc: Ingredients | None


def cost_of(evaluation: Evaluation) -> Cost:
    """The costs of the policy; without any both mistakes cost 1."""
    aim = evaluation.point.policy.aim if evaluation.point is not None else None
    return aim if isinstance(aim, Cost) else Cost(1.0, 1.0)


def named_cuts(evaluation: Evaluation) -> tuple[NamedCut, ...]:
    """Thresholds with a name, the one to start at first; none without an order of the rows.

    Examples
    --------
    >>> import cutline as cl
    >>> from cutline.evaluation import named_cuts
    >>> s = cl.Scores(y_true=[0, 0, 0, 1, 1, 1], y_score=[0.1, 0.3, 0.6, 0.4, 0.8, 0.9], kind="probability")
    >>> [(cut.name, cut.threshold) for cut in named_cuts(cl.evaluate(s))]
    [('evaluated', 0.5), ('best F1', 0.4), ('Youden', 0.8), ('lowest cost', 0.8)]
    """
    table = evaluation.table
    if table is None:
        return ()
    point = evaluation.point
    found: dict[str, float] = {}
    at = evaluation.threshold if point is None else point.threshold
    if at is not None:
        found["evaluated" if point is None else "chosen"] = float(at)
    if point is not None and point.plateau is not None and at is not None:
        ends = zip(("plateau from", "plateau to"), point.plateau, strict=True)
        found |= {name: float(end) for name, end in ends if math.isfinite(end) and end != at}
    if evaluation.kind == "probability" and found.get("evaluated") != 0.5:
        found["0.5"] = 0.5
    if table.n_pos and table.n_neg:
        found |= {name: float(table.thresholds[row]) for name, row in _best(table, cost_of(evaluation)).items()}
    if not found:
        found["flag nobody"] = math.inf
    return tuple(NamedCut(name, at, _mcc(evaluation, at)) for name, at in found.items())


def _best(table: ThresholdTable, cost: Cost) -> dict[str, int]:
    """Rows of the table. Each aim is brought to what orders alike in few operations: there may be ten million rows."""
    w = table.weights
    tp, fp = (table.tp, table.fp) if w is None else (w.tp, w.fp)
    positives, negatives = float(table.positives), float(table.negatives)
    best = dict.fromkeys(("best F1", "Youden", "lowest cost"), (-math.inf, 0))
    for start in range(0, len(tp), BLOCK):
        a, b = tp[start : start + BLOCK], fp[start : start + BLOCK]
        aims = (
            a / (a + b + positives),  # F1 = 2J / (1 + J), where J is tp / (tp + fp + fn)
            a / positives + (negatives - b) / negatives,
            (cost.fn - cost.tp) * a - (cost.fp - cost.tn) * b,
        )
        for (name, found), values in zip(best.items(), aims, strict=True):
            row = int(np.argmax(values))
            best[name] = max(found, (float(values[row]), start + row), key=lambda pair: pair[0])
    return {name: row for name, (_, row) in best.items()}


def _mcc(evaluation: Evaluation, at: float) -> Ingredients | None:
    table = evaluation.table
    if table is None or evaluation.clustered:
        return None
    return count_ingredients(mcc, table.counts(at), table.squares(at) if table.weighted else None)
