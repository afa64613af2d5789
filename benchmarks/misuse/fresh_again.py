"""A second fresh set, written when the checks had been mended by the first, and run once before anything else was."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
from sklearn import metrics as sk
from sklearn.calibration import CalibratedClassifierCV
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.naive_bayes import GaussianNB

from benchmarks.misuse.calls import of_codes, of_columns, of_labels, of_model, of_scores, of_tables, tensor
from benchmarks.misuse.case import AGAIN, Programs, case
from benchmarks.misuse.data import several, sigmoid, two
from benchmarks.misuse.libraries import cl, lgb, tm
from benchmarks.misuse.tables import FOREST, table
from benchmarks.misuse.truth import half


@case("CT01", among=AGAIN)
def distances_as_labels(wrong: bool) -> Programs:
    """decision_function in place of predict, three classes, the largest distance as the label (900 rows)."""
    task = several(900, 3, seed=121)
    model = SGDClassifier(random_state=0).fit(task.X, task.y)
    distance = model.decision_function(task.X_test)
    return of_codes(task.y_test, distance.max(axis=1) if wrong else distance.argmax(axis=1), 3)


@case("CT02", among=AGAIN)
def percents_as_probabilities(wrong: bool) -> Programs:
    """Probabilities in percent, declared as probabilities (polars, 1,200 rows)."""
    task = two(1_200, rate=0.25, seed=221)
    frame = pl.DataFrame({"y": task.y_test, "p": 100 * task.p if wrong else task.p})
    return of_scores(frame["y"], frame["p"], kind="probability")


@case("CT02", among=AGAIN)
def probabilities_for_logits(wrong: bool) -> Programs:
    """LightGBM's probabilities of four classes declared as logits: a softmax comes on top (4,000 rows)."""
    task = several(4_000, 4, strength=2.0, seed=222, train=10_000)
    model = lgb.LGBMClassifier(n_estimators=60, num_leaves=7, verbosity=-1, n_jobs=1).fit(task.X, task.y)
    p = model.predict_proba(task.X_test)
    kind = "logit" if wrong else "probability"
    mine = {"cutline": lambda: cl.evaluate(cl.Scores(y_true=task.y_test, y_score=p, kind=kind))}
    taken = np.exp(p) / np.exp(p).sum(axis=1, keepdims=True) if wrong else p
    return of_columns(task.y_test, taken) | mine


@case("CT03", among=AGAIN)
def rounded_to_labels(wrong: bool) -> Programs:
    """Probabilities rounded to whole numbers by a format of a file, then ROC AUC (pandas, 6,000 rows)."""
    task = two(6_000, rate=0.45, strength=1.0, seed=321)
    p = pd.Series(task.p.round(0) if wrong else task.p)
    return of_scores(pd.Series(task.y_test), p)


@case("CT04", among=AGAIN)
def zero_means_fraud(wrong: bool) -> Programs:
    """A file in which 0 stands for fraud and 1 for fine, read as if 1 were fraud (4 % fraud, 10,000 rows)."""
    task = two(10_000, rate=0.04, strength=1.5, seed=421)
    y = 1 - task.y_test if wrong else task.y_test
    return of_scores(y, task.p, kind="probability")


@case("CT04", among=AGAIN)
def labels_of_another_encoder(wrong: bool) -> Programs:
    """Predicted numbers decoded with the encoder of another run (6 classes, 1,800 rows)."""
    task = several(1_800, 6, strength=3.0, seed=422)
    names = np.array(["a", "b", "c", "d", "e", "f"])
    other = names[[3, 5, 0, 1, 2, 4]]
    said = (other if wrong else names)[task.p.argmax(axis=1)]
    y = names[task.y_test]
    return {
        "cutline": lambda: cl.evaluate(cl.Scores(y_true=y, y_score=said, kind="label")),
        "scikit-learn": lambda: sk.classification_report(y, said),
        "torchmetrics": lambda: tm.MulticlassF1Score(6)(tensor(np.searchsorted(names, said)), tensor(task.y_test)),
    }


@case("CT05", among=AGAIN)
def probabilities_as_integers(wrong: bool) -> Programs:
    """p.astype(int) for labels: all are 0 (700 rows, booleans)."""
    task = two(700, rate=0.3, seed=521)
    said = task.p.astype(int) if wrong else (task.p >= 0.5).astype(int)
    return of_labels(task.y_test == 1, said == 1, True)


@case("CT06", among=AGAIN)
def weights_for_a_common_class(wrong: bool) -> Programs:
    """Sample weights that treble the positives, asked for probabilities (25 % positives, 2,500 rows)."""
    task = two(2_500, rate=0.25, seed=621, train=20_000)
    weight = np.where(task.y == 1, 3.0, 1.0) if wrong else None
    model = LogisticRegression().fit(task.X, task.y, sample_weight=weight)
    return of_scores(task.y_test, model.predict_proba(task.X_test)[:, 1], kind="probability")


@case("CT07", among=AGAIN)
def accuracy_at_its_best(wrong: bool) -> Programs:
    """The cut of the best accuracy of 350 test rows, reported on them."""
    task = two(700, rate=0.35, seed=721)
    chosen, other = half(task)
    y, p = chosen if wrong else other
    best = float(max(np.unique(chosen[1]), key=lambda cut: (chosen[0] == (chosen[1] >= cut)).mean()))
    return {
        "cutline": lambda: cl.evaluate(cl.Scores(y_true=y, y_score=p, positive=1, kind="probability"), threshold=best),
        "scikit-learn": lambda: sk.accuracy_score(y, p >= best),
        "torchmetrics": lambda: tm.BinaryAccuracy(threshold=best)(tensor(p), tensor(y)),
    }


@case("CT08", among=AGAIN)
def through_a_text_file(wrong: bool) -> Programs:
    """A twentieth of the test rows are training rows that went through a file with six digits (2,000 rows)."""
    rows = table(two(2_000, rate=0.3, seed=821, train=4_000))
    train, test = rows[:4_000], rows[4_000:]
    if wrong:
        copies = train.iloc[500:600].copy()
        numbers = [name for name in copies if name != "label"]
        copies[numbers] = copies[numbers].map(lambda value: float(f"{value:.6g}"))
        test = pd.concat([test[:1_900], copies])
    return of_tables(FOREST, train, test.reset_index(drop=True), "label")


@case("CT08", among=AGAIN)
def column_that_knows(wrong: bool) -> Programs:
    """A column filled in after the outcome was known (polars, 1,500 rows)."""
    rows = table(two(1_500, rate=0.3, seed=822, train=3_000))
    closed = np.where(rows["label"] == "yes", "closed", "open") if wrong else np.where(rows["x0"] > 0, "closed", "open")
    rows = rows.assign(state=closed)
    train, test = (pl.from_pandas(part.reset_index(drop=True)) for part in (rows[:3_000], rows[3_000:]))
    return {"cutline": lambda: cl.check_tables(train, test, target="label")}


@case("CT09", among=AGAIN)
def nine_negatives(wrong: bool) -> Programs:
    """Specificity of nine negative rows (400 rows)."""
    task = two(400 if wrong else 4_000, rate=0.978 if wrong else 0.9, seed=921)
    return of_scores(task.y_test, task.p, kind="probability")


@case("CT11", among=AGAIN)
def means_of_some_columns(wrong: bool) -> Programs:
    """The mean of two models, one of which had lost a class (3 classes, 2,000 rows)."""
    task = several(2_000, 3, seed=1121)
    lost = task.p * [1, 1, 0]
    return of_columns(task.y_test, (task.p + lost) / 2 if wrong else task.p)


@case("CT12", among=AGAIN)
def trained_on_two_of_three(wrong: bool) -> Programs:
    """A bayesian model trained before a third class was there (1,000 rows)."""
    task = several(1_000, 3, strength=2.5, seed=1221)
    rows = task.y < (2 if wrong else 3)
    names = np.array(["new", "old", "used"])
    model = LogisticRegression(max_iter=500) if not wrong else GaussianNB()
    model.fit(task.X[rows], names[task.y[rows]])
    y = names[task.y_test]
    return {
        "cutline": lambda: cl.evaluate(cl.score(model, task.X_test, y_true=y, positive="old" if wrong else None)),
        "scikit-learn": lambda: sk.log_loss(y, model.predict_proba(task.X_test), labels=model.classes_),
    }


@case("CT13", among=AGAIN)
def one_sided_batch(wrong: bool) -> Programs:
    """ROC AUC of a batch without a positive row (500 rows)."""
    task = two(3_000, rate=0.15, seed=1321)
    rows = np.flatnonzero(task.y_test == 0)[:500] if wrong else np.arange(3_000)
    y, p = task.y_test[rows], task.p[rows]
    scores = {"y_true": y, "y_score": p, "classes": [0, 1], "positive": 1, "kind": "probability"}
    mine = {"cutline": lambda: cl.evaluate(cl.Scores(**scores), metrics=["roc_auc", "recall"])}
    return of_scores(y, p) | mine


@case("CT15", among=AGAIN)
def isotonic_in_scikit_learn(wrong: bool) -> Programs:
    """CalibratedClassifierCV(method='isotonic') on 300 rows (4,000 test rows)."""
    task = two(4_000, rate=0.2, strength=1.5, seed=1521, train=300 if wrong else 6_000)
    method = "isotonic" if wrong else "sigmoid"
    model = CalibratedClassifierCV(LogisticRegression(), method=method, ensemble=False).fit(task.X, task.y)
    return of_model(model, task.X, task.y, task.X_test, task.y_test, 1)


@case("CT17", among=AGAIN)
def folds_by_class(wrong: bool) -> Programs:
    """Folds cut from rows sorted by label: no fold has both classes (1,000 rows)."""
    task = two(1_000, rate=0.4, seed=1721)
    order = np.argsort(task.y_test, kind="stable") if wrong else np.arange(1_000)
    y, p, fold = task.y_test[order], task.p[order], np.arange(1_000) // 100
    return {
        "cutline": lambda: cl.check(cl.Scores(y_true=y, y_score=p, positive=1, kind="probability"), folds=fold),
        "scikit-learn": lambda: np.mean([sk.roc_auc_score(y[fold == f], p[fold == f]) for f in range(10)]),
    }


@case("CT18", among=AGAIN)
def bootstrap_sample_as_test(wrong: bool) -> Programs:
    """A bootstrap sample of the rows taken for test rows (2,000 rows)."""
    task = two(2_000, rate=0.3, seed=1821)
    rows = np.random.default_rng(0).integers(0, 2_000, 2_000) if wrong else np.arange(2_000)
    return of_scores(task.y_test[rows], task.p[rows], kind="probability")


@case("CT19", among=AGAIN)
def shops_on_both_sides(wrong: bool) -> Programs:
    """Days of one shop in training and in test (polars, 40 shops, text names)."""
    rows = table(two(1_000, rate=0.3, seed=1921, train=3_000))
    number = np.arange(4_000) % 40 if wrong else np.arange(4_000) // 100
    rows = rows.assign(shop=[f"shop {i}" for i in number])
    train, test = (pl.from_pandas(part.reset_index(drop=True)) for part in (rows[:3_000], rows[3_000:]))
    return {"cutline": lambda: cl.check_tables(train, test, target="label", groups="shop")}


@case("CT20", among=AGAIN)
def one_annotator(wrong: bool) -> Programs:
    """One of ten annotators answered at random (two classes, a text model that is nearly always right, 6,000 rows)."""
    task = two(6_000, rate=0.3, strength=10.0, seed=2021)
    rng = np.random.default_rng(0)
    his = rng.random(6_000) < 0.1
    y = np.where(his, rng.integers(0, 2, 6_000), task.y_test) if wrong else task.y_test
    return of_scores(y, sigmoid(task.logits), kind="probability")
