"""What is taken for what: probabilities for labels, logits for probabilities, labels for scores (CT01 to CT03)."""

from __future__ import annotations

import numpy as np
from sklearn import metrics as sk
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from benchmarks.misuse.calls import of_columns, of_labels, of_scores, tensor
from benchmarks.misuse.case import Programs, case
from benchmarks.misuse.data import several, sigmoid, softmax, two
from benchmarks.misuse.libraries import cl, keras, lgb, tm


def boosted(**options: object) -> object:
    return lgb.LGBMClassifier(n_estimators=60, num_leaves=7, learning_rate=0.1, verbosity=-1, n_jobs=1, **options)


def network(task, *layers, **compiled):
    """A Keras model of one output with the weights of a logistic regression: as good as trained, and at once."""
    fitted = LogisticRegression().fit(task.X, task.y)
    made = keras.Sequential([keras.Input((task.X.shape[1],)), *layers])
    made.layers[0].set_weights([fitted.coef_.T, fitted.intercept_])
    made.compile(optimizer="adam", **compiled)
    return made


@case("CT01")
def accuracy_of_probabilities(wrong: bool) -> Programs:
    """Accuracy of probabilities without a threshold (LightGBM, strings, 5,000 rows)."""
    task = two(5_000, rate=0.4, seed=101, train=10_000)
    names = np.array(["stay", "churn"])
    model = boosted().fit(task.X, names[task.y])
    y, p = names[task.y_test], model.predict_proba(task.X_test)[:, 0]
    scores = {"y_true": y, "y_score": p, "positive": "churn", "kind": "probability"}
    return {
        "cutline": lambda: cl.accuracy(cl.Scores(**scores), at=None if wrong else 0.5),
        "scikit-learn": lambda: sk.accuracy_score(y, p if wrong else np.where(p >= 0.5, "churn", "stay")),
        "torchmetrics": lambda: tm.BinaryAccuracy()(tensor(p), tensor(task.y_test)),
    }


@case("CT01")
def percents_as_labels(wrong: bool) -> Programs:
    """Whole percents handed over as predicted labels (300 rows)."""
    task = two(300, rate=0.4, strength=1.0, seed=102)
    percent = np.round(100 * task.p).astype(int)
    return of_labels(task.y_test, percent if wrong else (percent >= 50).astype(int))


@case("CT01")
def margins_as_labels(wrong: bool) -> Programs:
    """The margins of a support vector machine handed over as predicted labels (2,000 rows)."""
    task = two(2_000, rate=0.2, seed=103)
    model = LinearSVC().fit(task.X, task.y)
    said = model.decision_function(task.X_test) if wrong else model.predict(task.X_test)
    return of_labels(task.y_test, said)


@case("CT01")
def equality_in_keras(wrong: bool) -> Programs:
    """Keras compiled with Accuracy(), which compares a sigmoid's output with labels for equality."""
    task = two(1_000, rate=0.4, seed=104)
    metric = keras.metrics.Accuracy() if wrong else keras.metrics.BinaryAccuracy(threshold=0.5)
    model = network(task, keras.layers.Dense(1, "sigmoid"), loss="binary_crossentropy", metrics=[metric])
    y, p = task.y_test, model.predict(task.X_test, verbose=0)[:, 0]
    return {
        "cutline": lambda: cl.evaluate(cl.score(model, task.X_test, y_true=y)),
        "scikit-learn": lambda: sk.accuracy_score(y, p if wrong else p >= 0.5),
        "torchmetrics": lambda: tm.BinaryAccuracy()(tensor(p), tensor(y)),
    }


@case("CT02")
def sigmoid_twice(wrong: bool) -> Programs:
    """A sigmoid on what LightGBM gave as probabilities already (rare positives, 20,000 rows)."""
    task = two(20_000, rate=0.05, seed=201, train=40_000)
    p = boosted().fit(task.X, task.y).predict_proba(task.X_test)[:, 1]
    return of_scores(task.y_test, sigmoid(p) if wrong else p, kind="probability")


@case("CT02")
def logits_inside_the_unit_interval(wrong: bool) -> Programs:
    """Logits that all fall into [0, 1] passed as probabilities (a hard problem, 6,000 rows)."""
    task = two(6_000, rate=0.62, strength=0.15, seed=202)
    z = task.logits.clip(0, 1)
    return of_scores(task.y_test, z if wrong else sigmoid(z), kind="probability")


@case("CT02")
def softmax_twice(wrong: bool) -> Programs:
    """A softmax on the outputs of a softmax (3 classes, 1,500 rows)."""
    task = several(1_500, 3, seed=203)
    names = np.array(["cat", "cow", "dog"])
    return of_columns(names[task.y_test], softmax(task.p) if wrong else task.p, list(names))


@case("CT02")
def sigmoid_and_from_logits(wrong: bool) -> Programs:
    """A Keras model with a sigmoid, trained with a loss that takes logits."""
    task = two(1_000, rate=0.3, seed=204)
    loss = keras.losses.BinaryCrossentropy(from_logits=wrong)
    model = network(task, keras.layers.Dense(1, "sigmoid"), loss=loss)
    p = model.predict(task.X_test, verbose=0)[:, 0]
    mine = {"cutline": lambda: cl.evaluate(cl.score(model, task.X_test, y_true=task.y_test))}
    return of_scores(task.y_test, p) | mine


@case("CT02")
def log_probabilities_as_logits(wrong: bool) -> Programs:
    """The output of predict_log_proba taken for log-odds (2,000 rows)."""
    task = two(2_000, rate=0.4, seed=205)
    model = LogisticRegression().fit(task.X, task.y)
    z = model.predict_log_proba(task.X_test)[:, 1] if wrong else model.decision_function(task.X_test)
    mine = {"cutline": lambda: cl.evaluate(cl.Scores(y_true=task.y_test, y_score=z, positive=1, kind="logit"))}
    return of_scores(task.y_test, sigmoid(z)) | mine


@case("CT03")
def auc_of_predictions(wrong: bool) -> Programs:
    """ROC AUC of what predict() gave, 0 and 1 (1,000 rows)."""
    task = two(1_000, rate=0.35, seed=301)
    model = LogisticRegression().fit(task.X, task.y)
    score = model.predict(task.X_test) if wrong else model.predict_proba(task.X_test)[:, 1]
    mine = {"cutline": lambda: cl.estimate(cl.roc_auc, cl.Scores(y_true=task.y_test, y_score=score, positive=1))}
    return of_scores(task.y_test, score) | mine


@case("CT03")
def decisions_as_floats(wrong: bool) -> Programs:
    """Decisions stored as 0.0 and 1.0, read back as probabilities (rare positives, 20,000 rows)."""
    task = two(20_000, rate=0.04, seed=302)
    return of_scores(task.y_test, (task.p >= 0.2).astype(float) if wrong else task.p, kind="probability")


@case("CT03")
def one_hot_predictions(wrong: bool) -> Programs:
    """One-hot rows of the predicted class in place of probabilities (4 classes, 3,000 rows)."""
    task = several(3_000, 4, seed=303)
    return of_columns(task.y_test, np.eye(4)[task.p.argmax(axis=1)] if wrong else task.p)


@case("CT03")
def average_precision_of_signs(wrong: bool) -> Programs:
    """Average precision of a support vector machine's -1 and 1 (500 rows)."""
    task = two(500, rate=0.3, seed=304)
    signs = 2 * task.y - 1
    model = LinearSVC().fit(task.X, signs)
    score = model.predict(task.X_test) if wrong else model.decision_function(task.X_test)
    y = 2 * task.y_test - 1
    scores = {"y_true": y, "y_score": score, "positive": 1, "kind": "rank"}
    return {
        "cutline": lambda: cl.evaluate(cl.Scores(**scores), metrics=["average_precision"]),
        "scikit-learn": lambda: sk.average_precision_score(y, score),
        "torchmetrics": lambda: tm.BinaryAveragePrecision()(tensor(score), tensor(task.y_test)),
    }
