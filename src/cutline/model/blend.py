"""Weights of members, from their out-of-fold predictions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cutline.model.member import Array, Rows

STEPS = 25
DRAWS = 20
"""Of rows, over which weights are averaged; of more than `ROWS` / `DRAWS` rows fewer, as they differ less."""
ROWS = 50_000


def weights(outs: Sequence[Array], rows: Rows, seed: int) -> Array:
    """Greedy weights, bagged: in each of 25 steps the member is added that lowers the log loss of the mean most.

    Caruana, Niculescu-Mizil, Crew & Ksikes 2004, with repetition; the mean of the weights over draws of the rows
    (Bayesian bootstrap), without which a member that is the best by luck gets everything on few rows. Ties go to the
    first, simpler member.

    Parameters
    ----------
    outs : sequence of ndarray, shape (n, k)
        Predictions of each member for the same rows.
    rows : Rows
        Truth and weights.
    seed : int
        Of the draws.
    """
    # Only the probability of the true class matters: it is linear in the weights.
    true = np.stack([out[np.arange(rows.n), rows.codes] for out in outs]).astype(np.float32)
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(min(max(ROWS // rows.n, 1), DRAWS) if len(outs) > 1 else 1):
        drawn = rng.exponential(size=rows.n) * (1.0 if rows.weight is None else rows.weight)
        found.append(_greedy(true, (drawn / drawn.sum()).astype(np.float32)))
    mean = np.mean(found, axis=0)
    mean[mean < 1 / (2 * STEPS)] = 0.0  # taken once in a while: not worth the time it takes to predict
    return np.asarray(mean / mean.sum())


def _greedy(true: NDArray[np.float32], weight: NDArray[np.float32]) -> Array:
    """Weights for one draw, from the probabilities of the true class, shape (members, n)."""
    taken, so_far = np.zeros(len(true)), np.zeros_like(true[0])
    for _ in range(STEPS):
        best = int(np.argmax(np.log(so_far + true) @ weight))
        taken[best] += 1
        so_far += true[best]
    return taken / STEPS


def pooled(outs: Sequence[Array], share: Array) -> Array:
    """The weighted mean of the members, shape (n, k)."""
    return np.asarray(sum((w * out for w, out in zip(share, outs, strict=True)), start=np.zeros_like(outs[0])))
