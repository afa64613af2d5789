"""Calibration, thresholds and evidence: what a figure is worth (CT06, CT07, CT09, CT10)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn import metrics as sk
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.misuse.calls import of_columns, of_model, of_report, of_scores, tensor
from benchmarks.misuse.case import Programs, case
from benchmarks.misuse.data import several, two
from benchmarks.misuse.libraries import cl, tm
from benchmarks.misuse.outputs import boosted


@case("CT06")
def balanced_logistic_regression(wrong: bool) -> Programs:
    """Probabilities of LogisticRegression(class_weight='balanced') (7 % positives, 5,000 rows)."""
    task = two(5_000, rate=0.07, seed=601, train=20_000)
    model = LogisticRegression(class_weight="balanced" if wrong else None).fit(task.X, task.y)
    return of_model(model, task.X, task.y, task.X_test, task.y_test, 1)


@case("CT06")
def unbalanced_boosting(wrong: bool) -> Programs:
    """Probabilities of LightGBM with is_unbalance=True (10,000 rows)."""
    task = two(10_000, rate=0.1, seed=602, train=40_000)
    p = boosted(is_unbalance=wrong).fit(task.X, task.y).predict_proba(task.X_test)[:, 1]
    return of_scores(task.y_test, p, kind="probability")


@case("CT06")
def undersampled_negatives(wrong: bool) -> Programs:
    """Negatives thinned out to as many as positives, then probabilities at the true prevalence (3,000 rows)."""
    task = two(3_000, rate=0.12, seed=603, train=30_000)
    keep = np.ones(len(task.y), bool)
    if wrong:
        negatives = np.flatnonzero(task.y == 0)
        keep[negatives[task.y.sum() :]] = False
    p = LogisticRegression().fit(task.X[keep], task.y[keep]).predict_proba(task.X_test)[:, 1]
    return of_scores(task.y_test, p, kind="probability")


@case("CT06")
def balanced_classes(wrong: bool) -> Programs:
    """Balanced weights with four classes of which one is rare (4,000 rows)."""
    task = several(4_000, 4, seed=604, train=40_000)
    rng = np.random.default_rng(0)
    rows, test = (rng.random(len(y)) < np.array([1, 1, 0.5, 0.15])[y] for y in (task.y, task.y_test))
    weights = "balanced" if wrong else None
    model = LogisticRegression(class_weight=weights, max_iter=500).fit(task.X[rows], task.y[rows])
    return of_columns(task.y_test[test], model.predict_proba(task.X_test[test]))


@case("CT06")
def weights_in_a_pipeline(wrong: bool) -> Programs:
    """Class weights of 1 to 4 inside a pipeline, asked through its predict_proba (pandas, 6,000 rows)."""
    task = two(6_000, rate=0.2, seed=605, train=20_000)
    weights = {"no": 1, "yes": 4} if wrong else None
    model = make_pipeline(StandardScaler(), LogisticRegression(class_weight=weights))
    X, X_test = (pd.DataFrame(x, columns=list("abcde")) for x in (task.X, task.X_test))
    y, y_test = (pd.Series(np.where(y == 1, "yes", "no")) for y in (task.y, task.y_test))
    return of_model(model.fit(X, y), X, y, X_test, y_test, "yes")


def half(task):
    """The test rows in two halves: to choose on and to report on."""
    n = len(task.y_test) // 2
    return (task.y_test[:n], task.p[:n]), (task.y_test[n:], task.p[n:])


@case("CT07")
def chosen_and_assessed(wrong: bool) -> Programs:
    """The cut with the best F1 reported on the rows it was chosen on (10 % positives, 1,000 rows)."""
    task = two(2_000, rate=0.1, seed=701)
    chosen, other = half(task)
    reported = chosen if wrong else other

    def mine():
        point = cl.maximize(cl.f1).choose(cl.Scores(y_true=chosen[0], y_score=chosen[1], positive=1))
        return point.assess(cl.Scores(y_true=reported[0], y_score=reported[1], positive=1))

    def sklearn():
        precision, recall, cuts = sk.precision_recall_curve(*chosen)
        best = cuts[np.nanargmax(2 * precision * recall / (precision + recall))]
        sk.f1_score(reported[0], reported[1] >= best)

    def torchmetrics():
        precision, recall, cuts = tm.BinaryPrecisionRecallCurve()(tensor(chosen[1]), tensor(chosen[0]))
        best = cuts[int((2 * precision * recall / (precision + recall))[:-1].nan_to_num().argmax())]
        tm.BinaryF1Score(threshold=float(best))(tensor(reported[1]), tensor(reported[0]))

    return {"cutline": mine, "scikit-learn": sklearn, "torchmetrics": torchmetrics}


@case("CT07")
def cut_by_hand(wrong: bool) -> Programs:
    """The best of all cuts found by a loop, handed on as a number to the same rows (800 rows)."""
    task = two(1_600, rate=0.2, seed=702)
    chosen, other = half(task)
    y, p = chosen if wrong else other

    def f1(cut):
        said = chosen[1] >= cut
        return 2 * (said & (chosen[0] == 1)).sum() / (said.sum() + chosen[0].sum())

    best = float(max(np.unique(chosen[1]), key=f1))
    return {
        "cutline": lambda: cl.evaluate(cl.Scores(y_true=y, y_score=p, positive=1), threshold=best),
        "scikit-learn": lambda: sk.f1_score(y, p >= best),
        "torchmetrics": lambda: tm.BinaryF1Score(threshold=best)(tensor(p), tensor(y)),
    }


@case("CT07")
def overlapping_rows(wrong: bool) -> Programs:
    """Validation rows that are half test rows, known by their ids (3,000 rows)."""
    task = two(6_000, rate=0.3, seed=703)
    ids = np.arange(6_000)
    tune = ids[1_500:4_500] if wrong else ids[3_000:]

    def scores(rows):
        return cl.Scores(y_true=task.y_test[rows], y_score=task.p[rows], positive=1, ids=ids[rows])

    def sklearn():
        fpr, tpr, cuts = sk.roc_curve(task.y_test[tune], task.p[tune])
        cut = cuts[(tpr - fpr).argmax()]
        sk.balanced_accuracy_score(task.y_test[:3_000], task.p[:3_000] >= cut)

    return {
        "cutline": lambda: cl.maximize(cl.informedness).choose(scores(tune)).assess(scores(ids[:3_000])),
        "scikit-learn": sklearn,
    }


@case("CT07")
def certified_on_the_same_rows(wrong: bool) -> Programs:
    """A precision certified on the rows that the cut was chosen on (4,000 rows)."""
    task = two(8_000, rate=0.4, strength=3.0, seed=704)
    chosen, other = half(task)
    (y, p), held = chosen, chosen if wrong else other
    policy = {"subject_to": 0.85, "confidence": 0.95}

    def mine():
        asked = cl.maximize(cl.recall, subject_to=[cl.precision >= policy["subject_to"]], confidence=0.95)
        tune = cl.Scores(y_true=y, y_score=p, positive=1)
        return asked.choose(tune, certify=cl.Scores(y_true=held[0], y_score=held[1], positive=1)) and None

    def sklearn():
        precision, _, cuts = sk.precision_recall_curve(y, p)
        cut = cuts[np.argmax(precision[:-1] >= policy["subject_to"])]
        sk.precision_score(held[0], held[1] >= cut)

    return {"cutline": mine, "scikit-learn": sklearn}


@case("CT09")
def recall_of_ten_positives(wrong: bool) -> Programs:
    """Recall read off 10 positives (500 rows; the right one has 500 positives)."""
    task = two(500 if wrong else 5_000, rate=0.02 if wrong else 0.1, seed=901, train=20_000)
    model = LogisticRegression().fit(task.X, task.y)
    y, p = task.y_test, model.predict_proba(task.X_test)[:, 1]
    scores = {"y_true": y, "y_score": p, "positive": 1, "kind": "probability"}
    return {
        "cutline": lambda: cl.evaluate(cl.Scores(**scores), threshold=0.05),
        "scikit-learn": lambda: sk.recall_score(y, p >= 0.05),
        "torchmetrics": lambda: tm.BinaryRecall(threshold=0.05)(tensor(p), tensor(y)),
        "skore": of_report(model, task.X, task.y, task.X_test, y, 1),
    }


@case("CT09")
def better_by_noise(wrong: bool) -> Programs:
    """A model called better for an AUC that is 0.01 higher on 300 rows (the right one: 0.1 on 6,000)."""
    task = two(300 if wrong else 6_000, rate=0.4, seed=902)
    rng = np.random.default_rng(0)
    y, a = task.y_test, task.p
    b = task.p + rng.normal(0, 0.07 if wrong else 0.5, len(y))

    def scores(p):
        return cl.Scores(y_true=y, y_score=p, positive=1, kind="rank")

    return {
        "cutline": lambda: cl.check(scores(a), rival=scores(b)),
        "scikit-learn": lambda: sk.roc_auc_score(y, a) > sk.roc_auc_score(y, b),
        "torchmetrics": lambda: tm.BinaryAUROC()(tensor(a), tensor(y)) > tm.BinaryAUROC()(tensor(b), tensor(y)),
    }


@case("CT09")
def a_class_of_six_rows(wrong: bool) -> Programs:
    """Recall of each of three classes, one of which has six rows (900 rows)."""
    task = several(900, 3, strength=2.5, seed=903)
    rows = np.flatnonzero((task.y_test < 2) | ((task.y_test == 2).cumsum() <= (6 if wrong else 900)))
    y, said = task.y_test[rows], task.p[rows].argmax(axis=1)
    return {
        "cutline": lambda: cl.evaluate(cl.Scores(y_true=y, y_score=said, kind="label")),
        "scikit-learn": lambda: sk.classification_report(y, said),
        "torchmetrics": lambda: tm.MulticlassRecall(3, average=None)(tensor(said), tensor(y)),
    }


@case("CT10")
def half_positives_declared_rare(wrong: bool) -> Programs:
    """Test rows balanced by hand, for a use in which 2 % are positive (2,000 rows)."""
    task = two(20_000, rate=0.02 if not wrong else 0.5, seed=1001)
    y, p = task.y_test[:2_000] if wrong else task.y_test, task.p[:2_000] if wrong else task.p
    scores = {"y_true": y, "y_score": p, "positive": 1, "kind": "probability"}
    return {
        "cutline": lambda: cl.check(cl.Scores(**scores), prevalence=0.02),
        "scikit-learn": lambda: sk.precision_score(y, p >= 0.5),
        "torchmetrics": lambda: tm.BinaryPrecision()(tensor(p), tensor(y)),
    }


@case("CT10", "CT06")
def negatives_dropped_from_the_test(wrong: bool) -> Programs:
    """Most negatives dropped from the test rows alone: 5 % positives become 40 % (3,000 rows)."""
    task = two(12_000, rate=0.05, seed=1002, train=30_000)
    model = HistGradientBoostingClassifier(max_iter=60, max_leaf_nodes=7, learning_rate=0.1, early_stopping=False)
    model.fit(task.X, task.y)
    keep = (task.y_test == 1) | (np.arange(12_000) % 12 == 0 if wrong else True)
    return of_model(model, task.X, task.y, task.X_test[keep], task.y_test[keep], 1)
