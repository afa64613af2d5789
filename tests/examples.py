"""Scores for the tests of the report."""

from __future__ import annotations

import numpy as np

import cutline as cl

HOSTILE = (
    "<script>window.hacked = 1</script>",
    "</script><script>window.hacked = 1</script>",
    '"><img src=x onerror="window.hacked = 1">',
    "' onmouseover='window.hacked = 1",
    "<!--<script>",
    "]]><svg onload=window.hacked=1>",
    "{{script}} {{data}} ${alert(1)} `x`",
    "&lt;b&gt; &amp; &#60;",
    "a | b \\ c * d _ e # f [x](javascript:alert(1))",
    "[red]no markup[/red]",
    "\x1b[31mred\x1b[0m\x07",
    "line\nbreak\tand\r\nmore",
    "עברית ‮right to left‬",
    "👩‍💻 émoji ﷽",
    "x" * 300,
    "   ",
    "javascript:alert(1)",
    "\u2028\u2029\ud800",
)


def binary(n=600, prevalence=0.3, kind="probability", names=("ham", "spam"), digits=None, seed=0, **more):
    """Calibrated scores of about `prevalence`; rounded to `digits` they have ties."""
    rng = np.random.default_rng(seed)
    y = rng.uniform(size=n) < prevalence
    z = rng.normal(np.where(y, 1.0, -1.0), 1.2) + np.log(prevalence / (1 - prevalence))
    score = 1 / (1 + np.exp(-z)) if kind == "probability" else z
    score = score if digits is None else np.round(score, digits)
    if kind == "label":
        score = np.array(names, dtype=object)[(z > 0).astype(int)]
    classes = cl.Classes(names, names[1])
    truth = np.array(names, dtype=object)[y.astype(int)]
    return cl.Scores(y_true=truth, y_score=score, classes=classes, kind=kind, **{"role": "test", **more})


def several(k=4, n=400, names=None, seed=0, **more):
    """Softmax probabilities of k classes."""
    rng = np.random.default_rng(seed)
    names = [f"class {i}" for i in range(k)] if names is None else names
    y = rng.integers(0, k, size=n)
    z = rng.normal(size=(n, k)) + 1.8 * np.eye(k)[y]
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    truth = np.array(names, dtype=object)[y]
    return cl.Scores(y_true=truth, y_score=p, classes=cl.Classes(names), kind="probability", **{"role": "test", **more})
