"""Weights of members, from their out-of-fold predictions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cutline.model.member import Array, Rows

STEPS = 25


def weights(outs: Sequence[Array], rows: Rows) -> Array:
    """Greedy weights: in each of 25 steps the member is added that lowers the log loss of the mean most.

    Caruana, Niculescu-Mizil, Crew & Ksikes 2004, with repetition. Deterministic; ties go to the first, simpler member.

    Parameters
    ----------
    outs : sequence of ndarray, shape (n, k)
        Predictions of each member for the same rows.
    rows : Rows
        Truth and weights.
    """
    # Only the probability of the true class matters: it is linear in the weights.
    true = [out[np.arange(rows.n), rows.codes] for out in outs]
    taken, pooled = np.zeros(len(outs)), np.zeros(rows.n)
    for step in range(STEPS):
        losses = [np.average(-np.log((pooled + p) / (step + 1)), weights=rows.weight) for p in true]
        best = int(np.argmin(losses))
        taken[best] += 1
        pooled += true[best]
    return taken / STEPS


def pooled(outs: Sequence[Array], share: Array) -> Array:
    """The weighted mean of the members, shape (n, k)."""
    return np.asarray(sum((w * out for w, out in zip(share, outs, strict=True)), start=np.zeros_like(outs[0])))
