"""Slow, plain twins of the kernels: each says what is meant in the fewest words, none shares code with the package."""

from __future__ import annotations

import math

import numpy as np


def sweep(score, truth, weight=None):
    """Thresholds (+inf, then the distinct scores, descending), tp, fp and, with weights, the four sums at each."""
    score = [float(s) + 0.0 for s in score]
    rows = list(zip(score, [bool(t) for t in truth], [1.0] * len(score) if weight is None else weight, strict=True))
    at = [math.inf, *sorted(set(score), reverse=True)]
    tp = [sum(1 for s, y, _ in rows if s >= t and y) for t in at]
    fp = [sum(1 for s, y, _ in rows if s >= t and not y) for t in at]
    if weight is None:
        return np.array(at), np.array(tp), np.array(fp), None
    sums = [
        [math.fsum(w**power for s, y, w in rows if s >= t and y is kind) for power in (1, 2) for kind in (True, False)]
        for t in at
    ]
    return np.array(at), np.array(tp), np.array(fp), np.array(sums)


def auc(score, truth, weight=None):
    """All pairs of a positive and a negative: 1 for the right order, 1/2 for a tie."""
    score, truth, weight = _arrays(score, truth, weight)
    gap = score[truth][:, None] - score[~truth][None, :]
    pairs = weight[truth][:, None] * weight[~truth][None, :]
    return float((pairs * np.where(gap > 0, 1.0, np.where(gap == 0, 0.5, 0.0))).sum() / pairs.sum())


def average_precision(score, truth, weight=None):
    """Sum over the distinct scores of the step in recall times the precision there."""
    score, truth, weight = _arrays(score, truth, weight)
    total, before = 0.0, 0.0
    for t in sorted(set(score.tolist()), reverse=True):
        flagged = score >= t
        recall = weight[flagged & truth].sum() / weight[truth].sum()
        total += (recall - before) * weight[flagged & truth].sum() / weight[flagged].sum()
        before = recall
    return float(total)


def delong_variance(score, truth):
    """From the whole n1 x n0 matrix of placements."""
    score, truth, _ = _arrays(score, truth, None)
    gap = score[truth][:, None] - score[~truth][None, :]
    psi = np.where(gap > 0, 1.0, np.where(gap == 0, 0.5, 0.0))
    return float(psi.mean(axis=1).var(ddof=1) / len(psi) + psi.mean(axis=0).var(ddof=1) / psi.shape[1])


def counts(score, truth, at, weight=None):
    """Tp, fp, fn, tn of "positive iff score >= at"."""
    score, truth, weight = _arrays(score, truth, weight)
    flagged = score >= at
    cells = (flagged & truth, flagged & ~truth, ~flagged & truth, ~flagged & ~truth)
    return tuple(float(weight[cell].sum()) for cell in cells)


def bootstrap(score, truth, replicates, seed):
    """ROC AUC and average precision of Poisson(1) weighted rows, shape (replicates, 2)."""
    rng = np.random.default_rng(seed)
    out = np.full((replicates, 2), np.nan)
    for r in range(replicates):
        w = rng.poisson(1.0, len(score)).astype(float)
        s, y, w = np.asarray(score)[w > 0], np.asarray(truth, bool)[w > 0], w[w > 0]
        if y.any():
            out[r, 1] = average_precision(s, y, w)
            out[r, 0] = auc(s, y, w) if not y.all() else np.nan
    return out


def best_threshold(score, truth, aim, holds=lambda tp, fp, fn, tn: True):
    """Every threshold is tried, highest first: (threshold, aim) of the first that is best; None if none holds."""
    best = None
    for at in [math.inf, *sorted({float(s) for s in score}, reverse=True)]:
        cells = counts(score, truth, at)
        value = aim(*cells)
        if holds(*cells) and not math.isnan(value) and (best is None or value > best[1]):
            best = (at, value)
    return best


def ratio(k, n):
    """k / n, nan for 0 / 0."""
    return k / n if n else math.nan


def _arrays(score, truth, weight):
    score = np.asarray(score, dtype=float)
    weight = np.ones(len(score)) if weight is None else np.asarray(weight, dtype=float)
    return score, np.asarray(truth).astype(bool), weight
