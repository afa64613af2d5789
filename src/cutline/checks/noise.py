"""CT20: labels that contradict what the probabilities are sure of, however sure they are."""

from __future__ import annotations

import numpy as np

from cutline.checks.case import Case, Check, Z
from cutline.checks.finding import Seen

SURE = 0.99
"""Probability of the likeliest class from which a row counts as sure."""
FEWEST = 15
"""Contrary labels among the sure rows that are needed to look at where they lie."""
TIMES = 5
"""Contrary labels to expected ones: less is an ordinary lack of calibration."""
HALF = 0.35
"""Share of the contrary labels in the surer half. Wrong labels do not know the probability, and half of them lie there;
of a model that is merely too sure most lie in the other, where its log-odds are smaller."""
APART = 1.5
"""Log-odds by which the halves must differ for this to tell anything."""


def _contrary(case: Case) -> Seen | None:
    """Rows at 0.99 or more with another label, far more than expected, and as many among the surest."""
    rows = case.part
    p = rows.probability
    top = np.maximum(p, 1 - p) if rows.binary else p.max(axis=1)
    sure = np.flatnonzero((top >= SURE) & (top < 1))  # of rows at 1 exactly none is surer than another
    if len(sure) < FEWEST:
        return None
    p, top = p[sure], top[sure]
    positive = rows.classes.index(rows.classes.positive) if rows.binary else 0
    likeliest = np.where(p >= 0.5, positive, 1 - positive) if rows.binary else p.argmax(axis=1)
    other = likeliest != np.asarray(rows.truth)[sure]
    found, expected = int(other.sum()), float((1 - top).sum())
    if found < FEWEST or found < TIMES * expected or found - expected < Z * max(expected, 1.0) ** 0.5:
        return None
    order = np.argsort(-top, kind="stable")
    surer, rest = np.split(order, [len(order) // 2])
    odds = -np.log((1 - top).clip(1e-12))
    if odds[surer].mean() - odds[rest].mean() < APART or other[surer].sum() < HALF * found:
        return None
    share, deep = found / len(sure), int(other[surer].sum())
    return Seen(
        f"of {len(sure):,} rows whose likeliest class has at least {SURE:g}, {found:,} ({100 * share:.1f} %) have "
        f"another label, where {expected:.1f} are expected; {deep:,} of them lie in the surer half: the labels are "
        "wrong, rather than a model too sure",
        f"no model can be right in much more than {1 - share:.3f} of such rows, and small differences between models "
        "are differences in agreeing with wrong labels",
        f"p = scores.probabilities  # look at these rows first\n"
        f"rows = np.flatnonzero((p.max(axis=1) >= {SURE:g}) & (p.argmax(axis=1) != scores.truth))",
    )


OTHERS = ("CT02", "CT03", "CT04", "CT05")
"""Numbers that are something else, or of another class, contradict labels, too."""
CHECKS = (Check("CT20", "labels that may be wrong", ("probability", "truth"), 0.001, _contrary, OTHERS),)
