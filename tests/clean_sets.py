"""Seeded data sets on which nothing is wrong: calibrated scores of many shapes, declared as what they are."""

from __future__ import annotations

import numpy as np

import cutline as cl

LEAST = 30
"""Rows of each class, at least."""


def clean(seed: int) -> cl.Scores:
    """A data set of 500 to 20,000 rows: two classes, or three to five in a quarter of the seeds."""
    rng = np.random.default_rng(seed)
    while (made := _several(rng) if seed % 4 == 3 else _binary(rng)) is None:
        pass
    return made


def _binary(rng: np.random.Generator) -> cl.Scores | None:
    n = int(np.exp(rng.uniform(np.log(500), np.log(20_000))))
    middle, spread = rng.uniform(-4, 2.5), rng.uniform(0.2, 3)
    z = middle + spread * (rng.normal(size=n) if rng.uniform() < 0.7 else rng.exponential(size=n) - 1)
    if rng.uniform() < 0.3:  # ties: a few features with few values, or rounding, and the model knows no more
        z = np.round(z * rng.choice([1, 2, 5, 20])) / rng.choice([1, 2, 5, 20])
    p = 1 / (1 + np.exp(-z))
    kind = rng.choice(["probability", "logit", "rank"], p=[0.7, 0.15, 0.15])
    if kind == "probability" and rng.uniform() < 0.2:
        p = np.round(p, 2).clip(0.01, 0.99)
    y = rng.uniform(size=n) < p
    if min(y.sum(), n - y.sum()) < LEAST:
        return None
    score = {"probability": p, "logit": z, "rank": z**3 + 5}[kind]
    if rng.uniform() < 0.3:
        score = score.astype(np.float32)
    names = np.array([["no", "yes"], [0, 1], ["yes", "aye"]][rng.integers(3)], dtype=object)
    more = _more(rng, n)
    return cl.Scores(y_true=names[y.astype(int)].tolist(), y_score=score, positive=names[1], kind=kind, **more)


def _several(rng: np.random.Generator) -> cl.Scores | None:
    n, k = int(np.exp(rng.uniform(np.log(500), np.log(20_000)))), int(rng.integers(3, 6))
    z = rng.uniform(0.2, 3) * rng.normal(size=(n, k)) + rng.normal(size=k) * rng.uniform(0, 1.5)
    if rng.uniform() < 0.3:
        z = np.round(z)
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    y = (p.cumsum(axis=1) < rng.uniform(size=(n, 1))).sum(axis=1).clip(0, k - 1)
    kind = rng.choice(["probability", "logit", "label"], p=[0.7, 0.2, 0.1])
    least = min(np.bincount(y, minlength=k))
    if least < LEAST or (
        kind == "label" and len(np.unique(p.argmax(axis=1))) < k
    ):  # a precision of 0/0 is no clean one
        return None
    score = {"probability": p, "logit": z, "label": p.argmax(axis=1)}[kind]
    return cl.Scores(y_true=y, y_score=score, classes=range(k), kind=kind, **_more(rng, n))


def _more(rng: np.random.Generator, n: int) -> dict:
    """Weights, clusters or ids, each in a part of the sets."""
    found = {}
    if rng.uniform() < 0.2:
        found["weight"] = rng.gamma(3, size=n)
    if rng.uniform() < 0.1:
        found["groups"] = rng.integers(0, n // 4, n)
    if rng.uniform() < 0.2:
        found["ids"] = np.arange(n)
    return found
