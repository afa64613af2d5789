"""Figures that say something else than they seem to: sums, averages, ties, grids, folds (CT11, CT13 to CT17)."""

from __future__ import annotations

import numpy as np
from sklearn import metrics as sk
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from benchmarks.misuse.calls import of_columns, of_scores, tensor
from benchmarks.misuse.case import Programs, case
from benchmarks.misuse.data import several, sigmoid, two
from benchmarks.misuse.libraries import cl, tm


@case("CT11")
def sigmoids_for_a_softmax(wrong: bool) -> Programs:
    """A sigmoid for each of four classes read as their probabilities (2,000 rows)."""
    task = several(2_000, 4, seed=1101)
    p = sigmoid(task.logits) if wrong else task.p
    return of_columns(task.y_test, p)


@case("CT11")
def rounded_columns(wrong: bool) -> Programs:
    """A column of the probabilities lost its last class's share: the rest does not sum to 1 (3 classes, 600 rows)."""
    task = several(600, 3, seed=1102)
    p = task.p * [1, 1, 0.8] if wrong else task.p
    return of_columns(task.y_test, p)


@case("CT13")
def nobody_flagged(wrong: bool) -> Programs:
    """Precision at 0.5 where no probability is that high (1 % positives, 10,000 rows)."""
    task = two(10_000, rate=0.01, strength=1.0, seed=1301)
    p, at = task.p.clip(0, 0.4), 0.5 if wrong else 0.03
    return {
        "cutline": lambda: cl.evaluate(cl.Scores(y_true=task.y_test, y_score=p, positive=1), threshold=at),
        "scikit-learn": lambda: sk.precision_score(task.y_test, p >= at),
        "torchmetrics": lambda: tm.BinaryPrecision(threshold=at)(tensor(p), tensor(task.y_test)),
    }


@case("CT13")
def class_never_decided(wrong: bool) -> Programs:
    """Macro precision where one class of three is never decided (900 rows)."""
    task = several(900, 3, seed=1302)
    p = task.p * [1, 1, 0] if wrong else task.p
    said = p.argmax(axis=1)
    names = np.array(["low", "mid", "top"])
    y, decided = names[task.y_test], names[said]
    scores = {"y_true": y, "y_score": decided, "classes": list(names), "kind": "label"}
    return {
        "cutline": lambda: cl.evaluate(cl.Scores(**scores)),
        "scikit-learn": lambda: sk.precision_score(y, decided, average="macro"),
        "torchmetrics": lambda: tm.MulticlassPrecision(3)(tensor(said), tensor(task.y_test)),
    }


@case("CT14")
def micro_f1_beside_accuracy(wrong: bool) -> Programs:
    """Micro F1 and accuracy reported as two figures (5 classes, 2,000 rows)."""
    task = several(2_000, 5, seed=1401)
    average = "micro" if wrong else "macro"
    said = task.p.argmax(axis=1)
    scores = {"y_true": task.y_test, "y_score": task.p, "kind": "probability"}
    return {
        "cutline": lambda: cl.evaluate(cl.Scores(**scores), metrics=["accuracy", f"{average}_f1"]),
        "scikit-learn": lambda: (
            sk.accuracy_score(task.y_test, said),
            sk.f1_score(task.y_test, said, average=average),
        ),
        "torchmetrics": lambda: (
            tm.MulticlassAccuracy(5, average="micro")(tensor(task.p), tensor(task.y_test)),
            tm.MulticlassF1Score(5, average=average)(tensor(task.p), tensor(task.y_test)),
        ),
    }


@case("CT14")
def micro_precision_and_recall(wrong: bool) -> Programs:
    """Micro precision and micro recall side by side: one number twice (strings, 3 classes, 700 rows)."""
    task = several(700, 3, seed=1402)
    average = "micro" if wrong else "macro"
    names = np.array(["bus", "car", "van"])
    y, said = names[task.y_test], names[task.p.argmax(axis=1)]
    metrics = [f"{average}_precision", f"{average}_recall"]
    return {
        "cutline": lambda: cl.evaluate(cl.Scores(y_true=y, y_score=said, kind="label"), metrics=metrics),
        "scikit-learn": lambda: sk.precision_recall_fscore_support(y, said, average=average),
        "torchmetrics": lambda: (
            tm.MulticlassPrecision(3, average=average)(tensor(task.p), tensor(task.y_test)),
            tm.MulticlassRecall(3, average=average)(tensor(task.p), tensor(task.y_test)),
        ),
    }


@case("CT15")
def isotonic_on_few_rows(wrong: bool) -> Programs:
    """Isotonic regression on 200 rows, then the ROC AUC of its steps (5,000 rows)."""
    task = two(5_200, rate=0.3, strength=1.5, seed=1501)
    fit, y, z = slice(0, 200), task.y_test[200:], task.logits
    iso = IsotonicRegression(out_of_bounds="clip").fit(z[fit], task.y_test[fit])
    platt = LogisticRegression(C=1e6).fit(z[:, None], task.y_test)
    p = iso.predict(z[200:]) if wrong else platt.predict_proba(z[200:, None])[:, 1]
    return of_scores(y, p, kind="probability")


@case("CT15")
def isotonic_of_rare(wrong: bool) -> Programs:
    """Isotonic regression where 60 rows are positive: 30 steps for 20,000 rows."""
    task = two(22_000, rate=0.03, strength=1.5, seed=1502)
    fit, y, z = slice(0, 2_000), task.y_test[2_000:], task.logits
    iso = IsotonicRegression(out_of_bounds="clip").fit(z[fit], task.y_test[fit])
    p = iso.predict(z[2_000:]) if wrong else task.p[2_000:]
    return of_scores(y, p, kind="probability")


@case("CT16")
def two_decimals_of_a_rare_class(wrong: bool) -> Programs:
    """Probabilities of a rare class stored with two decimals (1 % positives, 20,000 rows)."""
    task = two(20_000, rate=0.01, strength=1.5, seed=1601)
    return of_scores(task.y_test, task.p.round(2) if wrong else task.p, kind="probability")


@case("CT16")
def eleven_thresholds(wrong: bool) -> Programs:
    """The best F1 among thresholds 0, 0.1, ..., 1 (3 % positives, 5,000 rows)."""
    task = two(5_000, rate=0.03, seed=1602)
    y, p = task.y_test, task.p
    grid = np.linspace(0, 1, 11) if wrong else np.unique(p)
    scores = {"y_true": y, "y_score": p, "positive": 1, "kind": "probability"}
    return {
        "cutline": lambda: cl.check(cl.Scores(**scores), thresholds=grid),
        "scikit-learn": lambda: max(sk.f1_score(y, p >= cut, zero_division=0) for cut in grid[:: len(grid) // 11]),
        "torchmetrics": lambda: tm.BinaryPrecisionRecallCurve(thresholds=tensor(grid))(tensor(p), tensor(y)),
    }


@case("CT17")
def folds_on_scales_of_their_own(wrong: bool) -> Programs:
    """Out-of-fold scores of five models pooled, though each has a scale of its own (2,000 rows)."""
    task = two(2_000, rate=0.3, seed=1701)
    fold = np.arange(2_000) % 5
    z = task.logits + (np.array([-4, -2, 0, 2, 4])[fold] if wrong else 0)
    y = task.y_test
    return {
        "cutline": lambda: cl.check(cl.Scores(y_true=y, y_score=z, positive=1, kind="rank"), folds=fold),
        "scikit-learn": lambda: sk.roc_auc_score(y, z),
        "torchmetrics": lambda: tm.BinaryAUROC()(tensor(sigmoid(z)), tensor(y)),
    }


@case("CT17")
def folds_with_two_positives(wrong: bool) -> Programs:
    """The mean of ten folds' ROC AUCs where a fold has two or three positives (1,000 rows)."""
    task = two(1_000, rate=0.025 if wrong else 0.4, strength=2.5, seed=1702)
    fold = np.arange(1_000) % 10
    y, z = task.y_test, task.logits
    return {
        "cutline": lambda: cl.check(cl.Scores(y_true=y, y_score=z, positive=1, kind="logit"), folds=fold),
        "scikit-learn": lambda: np.mean([sk.roc_auc_score(y[fold == i], z[fold == i]) for i in range(10)]),
        "torchmetrics": lambda: (
            [tm.BinaryAUROC()(tensor(sigmoid(z[fold == i])), tensor(y[fold == i])) for i in range(10)] and None
        ),
    }
