"""The held-back third: written last, and not shown to those who wrote the checks until these had been run on it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
from sklearn import metrics as sk
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from benchmarks.misuse.calls import of_codes, of_columns, of_labels, of_model, of_scores, of_tables, tensor
from benchmarks.misuse.case import FRESH, Programs, case
from benchmarks.misuse.data import several, sigmoid, softmax, two
from benchmarks.misuse.libraries import cl, keras, tm
from benchmarks.misuse.outputs import boosted, network
from benchmarks.misuse.tables import FOREST, table, without
from benchmarks.misuse.truth import half


@case("CT01", among=FRESH)
def largest_probability_as_label(wrong: bool) -> Programs:
    """max(axis=1) in place of argmax(axis=1): the largest probability as the label (4 classes, 1,200 rows)."""
    task = several(1_200, 4, seed=111)
    return of_codes(task.y_test, task.p.max(axis=1) if wrong else task.p.argmax(axis=1), 4)


@case("CT01", among=FRESH)
def f1_of_float32(wrong: bool) -> Programs:
    """F1 of float32 probabilities without a threshold (polars, booleans, 700 rows)."""
    task = two(700, rate=0.25, seed=112)
    frame = pl.DataFrame({"late": task.y_test == 1, "p": task.p.astype(np.float32)})
    y, p = frame["late"], frame["p"]
    return {
        "cutline": lambda: cl.estimate(cl.f1, cl.Scores(y_true=y, y_score=p), at=None if wrong else 0.4),
        "scikit-learn": lambda: sk.f1_score(y, p if wrong else p >= 0.4),
        "torchmetrics": lambda: tm.BinaryF1Score(threshold=0.5 if wrong else 0.4)(tensor(p), tensor(y).int()),
    }


@case("CT02", among=FRESH)
def raw_scores_of_boosting(wrong: bool) -> Programs:
    """LightGBM's raw_score=True passed as probabilities (400 rows)."""
    task = two(400, rate=0.4, seed=211, train=10_000)
    model = boosted().fit(task.X, task.y)
    p = model.predict(task.X_test, raw_score=True) if wrong else model.predict_proba(task.X_test)[:, 1]
    return of_scores(task.y_test, p, kind="probability")


@case("CT02", among=FRESH)
def loss_without_sigmoid(wrong: bool) -> Programs:
    """A Keras model without a last activation, trained with a loss that takes probabilities."""
    task = two(900, rate=0.4, seed=212)
    layer = keras.layers.Dense(1, "linear" if wrong else "sigmoid")
    model = network(task, layer, loss="binary_crossentropy")
    p = model.predict(task.X_test, verbose=0)[:, 0]
    mine = {"cutline": lambda: cl.evaluate(cl.score(model, task.X_test, y_true=task.y_test))}
    return of_scores(task.y_test, p) | mine


@case("CT02", among=FRESH)
def softmax_of_two_probabilities(wrong: bool) -> Programs:
    """A softmax on the two columns of predict_proba (named columns, 2,500 rows)."""
    task = two(2_500, rate=0.15, seed=213)
    both = np.column_stack([1 - task.p, task.p])
    both = softmax(both) if wrong else both
    y = np.where(task.y_test == 1, "spam", "ham")
    columns = pd.DataFrame(both, columns=["ham", "spam"])
    mine = {"cutline": lambda: cl.evaluate(cl.Scores(y_true=y, y_score=columns, positive="spam"))}
    return of_scores(y, both[:, 1], "spam") | mine


@case("CT03", among=FRESH)
def auc_of_booleans(wrong: bool) -> Programs:
    """ROC AUC of the booleans p >= 0.3 (2,500 rows)."""
    task = two(2_500, rate=0.2, seed=311)
    score = task.p >= 0.3 if wrong else task.p
    y = task.y_test == 1
    mine = {"cutline": lambda: cl.roc_auc(cl.Scores(y_true=y, y_score=score))}
    return of_scores(y, score, True) | mine


@case("CT03", among=FRESH)
def predict_as_a_function(wrong: bool) -> Programs:
    """A model handed over as the function predict, declared to give probabilities (1,500 rows)."""
    task = two(1_500, rate=0.3, seed=312)
    model = LogisticRegression().fit(task.X, task.y)

    def asked(X):
        return model.predict(X).astype(float) if wrong else model.predict_proba(X)[:, 1]

    def mine():
        return cl.evaluate(cl.score(asked, task.X_test, y_true=task.y_test, kind="probability"))

    return of_scores(task.y_test, asked(task.X_test)) | {"cutline": mine}


@case("CT04", among=FRESH)
def survival_for_death(wrong: bool) -> Programs:
    """The probability of survival where that of death is wanted (3 % die, hard to tell, 50,000 rows)."""
    task = two(50_000, rate=0.03, strength=0.6, seed=411)
    y = np.where(task.y_test == 1, "dead", "alive")
    return of_scores(y, 1 - task.p if wrong else task.p, "dead")


@case("CT04", among=FRESH)
def two_columns_swapped(wrong: bool) -> Programs:
    """Two of five columns in each other's place (2,500 rows)."""
    task = several(2_500, 5, strength=2.5, seed=412)
    names = np.array(["ant", "bee", "cat", "dog", "eel"])
    p = task.p[:, [0, 1, 3, 2, 4]] if wrong else task.p
    return of_columns(names[task.y_test], p, list(names))


@case("CT04", among=FRESH)
def classes_of_a_network(wrong: bool) -> Programs:
    """The classes of a Keras softmax named in another order than it was trained in (3 classes, 1,200 rows)."""
    task = several(1_200, 3, strength=2.5, seed=413)
    fitted = LogisticRegression(max_iter=500).fit(task.X, task.y)
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(3, "softmax")])
    model.layers[0].set_weights([fitted.coef_.T, fitted.intercept_])
    names = np.array(["high", "low", "mid"])
    y, order = names[task.y_test], ["low", "mid", "high"] if wrong else list(names)
    p = model.predict(task.X_test, verbose=0)
    mine = {"cutline": lambda: cl.evaluate(cl.score(model, task.X_test, y_true=y, classes=order))}
    ranks = np.array([order.index(name) for name in y])
    return of_columns(ranks, p, codes=ranks) | mine


@case("CT05", among=FRESH)
def predictions_from_one(wrong: bool) -> Programs:
    """Predictions written 1 to 3 against truth 0 to 2 (1,000 rows)."""
    task = several(1_000, 3, strength=3.0, seed=511)
    said = task.p.argmax(axis=1)
    return of_codes(task.y_test, said + 1 if wrong else said, 4)


@case("CT05", among=FRESH)
def dead_network(wrong: bool) -> Programs:
    """A network that gives the same probability for every row (5,000 rows)."""
    task = two(5_000, rate=0.3, seed=512)
    return of_scores(task.y_test, np.full(5_000, 0.3) if wrong else task.p, kind="probability")


@case("CT05", "CT13", among=FRESH)
def argmax_of_the_truth(wrong: bool) -> Programs:
    """argmax(axis=1) of truth of shape (n, 1): every label becomes 0 (1,000 rows)."""
    task = two(1_000, rate=0.4, seed=513)
    column = task.y_test[:, None]
    y = column.argmax(axis=1) if wrong else column[:, 0]
    return of_scores(y, task.p, kind="probability")


@case("CT06", among=FRESH)
def scale_pos_weight(wrong: bool) -> Programs:
    """Probabilities of LightGBM with scale_pos_weight=20 (2 % positives, 50,000 rows)."""
    task = two(50_000, rate=0.02, seed=611, train=100_000)
    more = {"scale_pos_weight": 20} if wrong else {}
    p = boosted(**more).fit(task.X, task.y).predict_proba(task.X_test)[:, 1]
    return of_scores(task.y_test, p, kind="probability")


@case("CT06", among=FRESH)
def oversampled_positives(wrong: bool) -> Programs:
    """Positives copied five times in training (8 % positives, 4,000 rows)."""
    task = two(4_000, rate=0.08, seed=612, train=20_000)
    rows = np.repeat(np.arange(20_000), np.where(task.y == 1, 5, 1)) if wrong else np.arange(20_000)
    model = HistGradientBoostingClassifier(max_iter=60, max_leaf_nodes=7, early_stopping=False)
    model.fit(task.X[rows], task.y[rows])
    return of_model(model, task.X[rows], task.y[rows], task.X_test, task.y_test, 1)


@case("CT06", among=FRESH)
def mild_weights(wrong: bool) -> Programs:
    """Weights of 1 to 2 in a problem that is nearly balanced (8,000 rows, strings)."""
    task = two(8_000, rate=0.35, seed=613, train=20_000)
    y, y_test = (np.where(each == 1, "bad", "good") for each in (task.y, task.y_test))
    model = LogisticRegression(class_weight={"bad": 2, "good": 1} if wrong else None).fit(task.X, y)
    return of_model(model, task.X, y, task.X_test, y_test, "bad")


@case("CT07", among=FRESH)
def point_on_its_own_rows(wrong: bool) -> Programs:
    """evaluate(scores, point) with the rows that the point was chosen on (5,000 rows)."""
    task = two(10_000, rate=0.3, seed=711)
    chosen, other = half(task)
    y, p = chosen if wrong else other

    def mine():
        point = cl.maximize(cl.informedness).choose(cl.Scores(y_true=chosen[0], y_score=chosen[1], positive=1))
        return cl.evaluate(cl.Scores(y_true=y, y_score=p, positive=1), point)

    def sklearn():
        fpr, tpr, cuts = sk.roc_curve(*chosen)
        cut = cuts[(tpr - fpr).argmax()]
        sk.recall_score(y, p >= cut)

    return {"cutline": mine, "scikit-learn": sklearn}


@case("CT07", among=FRESH)
def youden_by_hand(wrong: bool) -> Programs:
    """Youden's cut of the test rows reported on the test rows (400 rows)."""
    task = two(800, rate=0.4, seed=712)
    chosen, other = half(task)
    y, p = chosen if wrong else other
    fpr, tpr, cuts = sk.roc_curve(*chosen)
    best = float(cuts[(tpr - fpr).argmax()])
    return {
        "cutline": lambda: cl.evaluate(cl.Scores(y_true=y, y_score=p, positive=1), threshold=best),
        "scikit-learn": lambda: (sk.recall_score(y, p >= best), sk.recall_score(y, p >= best, pos_label=0)),
        "torchmetrics": lambda: tm.BinaryRecall(threshold=best)(tensor(p), tensor(y)),
    }


@case("CT08", among=FRESH)
def copies_with_new_numbers(wrong: bool) -> Programs:
    """Training rows among the test rows, behind new row numbers (300 rows)."""
    rows = table(two(300, rate=0.4, seed=811, train=900))
    train, test = rows[:900].assign(row=range(900)), rows[900:].assign(row=range(900, 1200))
    if wrong:
        test = pd.concat([test[:240], train[100:160].assign(row=range(1140, 1200))])
    return of_tables(FOREST, train, test, "label")


@case("CT08", among=FRESH)
def scored_training_rows(wrong: bool) -> Programs:
    """Scores of rows that the model was fitted on, known by their ids, read as test rows (2,000 rows)."""
    task = two(2_000, rate=0.3, seed=812, train=2_000)
    model = FOREST.fit(task.X, task.y)
    X, y, ids = (task.X, task.y, np.arange(2_000)) if wrong else (task.X_test, task.y_test, np.arange(2_000, 4_000))
    p, fitted = model.predict_proba(X)[:, 1], model.predict_proba(task.X)[:, 1]

    def mine():
        train = cl.Scores(y_true=task.y, y_score=fitted, positive=1, ids=np.arange(2_000), kind="rank")
        return cl.check(cl.Scores(y_true=y, y_score=p, positive=1, ids=ids, kind="rank"), train=train)

    return of_scores(y, p) | {"cutline": mine}


@case("CT09", among=FRESH)
def perfect_on_few(wrong: bool) -> Programs:
    """No error in 30 rows (the right one: 3,000 rows)."""
    task = two(3_000, rate=0.4, strength=12.0, seed=911)
    rows = np.arange(30 if wrong else 3_000)
    return of_labels(task.y_test[rows], (task.p[rows] >= 0.5).astype(int))


@case("CT09", among=FRESH)
def twelve_among_many(wrong: bool) -> Programs:
    """ROC AUC and recall of 12 positives among 30,000 rows."""
    task = two(30_000, rate=0.0004 if wrong else 0.02, strength=2.0, seed=912)
    return of_scores(task.y_test, task.p, kind="probability")


@case("CT10", among=FRESH)
def rare_here_common_there(wrong: bool) -> Programs:
    """3 % positives in the test rows, 30 % declared for the use (6,000 rows)."""
    task = two(6_000, rate=0.03 if wrong else 0.3, seed=1011)
    y = np.where(task.y_test == 1, "fraud", "fine")
    scores = {"y_true": y, "y_score": task.p, "positive": "fraud", "kind": "probability"}
    mine = {"cutline": lambda: cl.check(cl.Scores(**scores), prevalence=0.3)}
    return of_scores(y, task.p, "fraud") | mine


@case("CT11", among=FRESH)
def two_sigmoids(wrong: bool) -> Programs:
    """Dense(2) with a sigmoid: two columns that do not sum to 1 (1,500 rows)."""
    task = two(1_500, rate=0.4, seed=1111)
    other = sigmoid(-task.logits + 1.0) if wrong else 1 - task.p
    both = np.column_stack([other, task.p])
    y = task.y_test
    scores = {"y_true": y, "y_score": both, "positive": 1, "kind": "probability"}
    return {
        "cutline": lambda: cl.evaluate(cl.Scores(**scores)),
        "scikit-learn": lambda: sk.log_loss(y, both),
        "torchmetrics": lambda: tm.MulticlassAccuracy(2)(tensor(both), tensor(y)),
    }


@case("CT12", among=FRESH)
def new_in_the_test_file(wrong: bool) -> Programs:
    """A rare class that only the test file has (polars, 4 classes, 2,000 rows)."""
    rows = table(several(2_000, 4, seed=1211), names=["a", "b", "c", "d"])
    train, test = rows[:4_000], rows[4_000:]
    train = train[train["label"] != "d"] if wrong else train
    train, test = (pl.from_pandas(part.reset_index(drop=True)) for part in (train, test))
    return of_tables(LogisticRegression(max_iter=500), train, test, "label")


@case("CT13", among=FRESH)
def nobody_above_the_cut(wrong: bool) -> Programs:
    """Precision of a cut that no row of a new batch reaches (2,000 rows, strings)."""
    task = two(2_000, rate=0.1, strength=0.8, seed=1311)
    y, at = np.where(task.y_test == 1, "sold", "open"), 0.9 if wrong else 0.2
    said = np.where(task.p >= at, "sold", "open")
    return of_labels(y, said, "sold")


@case("CT14", among=FRESH)
def weighted_recall(wrong: bool) -> Programs:
    """Weighted recall beside accuracy, which it is (4 classes, 1,500 rows)."""
    task = several(1_500, 4, seed=1411)
    average = "weighted" if wrong else "macro"
    said = task.p.argmax(axis=1)
    scores = {"y_true": task.y_test, "y_score": task.p, "kind": "probability"}
    return {
        "cutline": lambda: cl.evaluate(cl.Scores(**scores), metrics=["accuracy", f"{average}_recall"]),
        "scikit-learn": lambda: (
            sk.accuracy_score(task.y_test, said),
            sk.recall_score(task.y_test, said, average=average),
        ),
        "torchmetrics": lambda: (
            tm.MulticlassAccuracy(4, average="micro")(tensor(task.p), tensor(task.y_test)),
            tm.MulticlassRecall(4, average=average)(tensor(task.p), tensor(task.y_test)),
        ),
    }


@case("CT15", among=FRESH)
def isotonic_beside_raw(wrong: bool) -> Programs:
    """Isotonic regression on 150 rows compared with the scores before (2,500 rows)."""
    task = two(2_650, rate=0.35, seed=1511)
    z, y = task.logits, task.y_test
    iso = IsotonicRegression(out_of_bounds="clip").fit(z[:150], y[:150])
    p = iso.predict(z[150:]) if wrong else task.p[150:]

    def mine():
        before = cl.Scores(y_true=y[150:], y_score=z[150:], positive=1, kind="rank")
        return cl.check(cl.Scores(y_true=y[150:], y_score=p, positive=1, kind="probability"), before=before)

    return of_scores(y[150:], p) | {"cutline": mine}


@case("CT16", among=FRESH)
def grid_of_twenty(wrong: bool) -> Programs:
    """A threshold looked for in steps of 0.05 where 2 % are positive (8,000 rows)."""
    task = two(8_000, rate=0.02, strength=1.2, seed=1611)
    y, p = task.y_test, task.p
    grid = np.arange(0.05, 1, 0.05) if wrong else np.unique(p)
    scores = {"y_true": y, "y_score": p, "positive": 1, "kind": "probability"}
    some = grid[:: max(1, len(grid) // 20)]
    return {
        "cutline": lambda: cl.check(cl.Scores(**scores), thresholds=grid),
        "scikit-learn": lambda: max(sk.f1_score(y, p >= cut, zero_division=0) for cut in some),
        "torchmetrics": lambda: tm.BinaryROC(thresholds=tensor(grid))(tensor(p), tensor(y)),
    }


@case("CT17", among=FRESH)
def a_fold_turned_over(wrong: bool) -> Programs:
    """Out-of-fold probabilities of four models, two of which were trained on rebalanced rows, pooled (4,000 rows)."""
    task = two(4_000, rate=0.1, seed=1711)
    fold = np.arange(4_000) % 4
    p = sigmoid(task.logits + (np.array([0, 0, 3.0, 3.0])[fold] if wrong else 0))
    y = task.y_test
    mine = {"cutline": lambda: cl.check(cl.Scores(y_true=y, y_score=p, positive=1, kind="rank"), folds=fold)}
    return of_scores(y, p) | mine


@case("CT18", among=FRESH)
def appended_twice(wrong: bool) -> Programs:
    """A file of scores appended to itself (numbers to sixteen digits, no ids, 1,000 rows)."""
    task = two(1_000, rate=0.3, seed=1811)
    rows = np.r_[0:1_000, 0:1_000] if wrong else np.arange(1_000)
    return of_scores(task.y_test[rows], task.p[rows], kind="probability")


@case("CT19", among=FRESH)
def tested_on_the_past(wrong: bool) -> Programs:
    """Trained on this year, tested on last year (polars, 3,000 rows)."""
    rows = table(two(1_000, rate=0.3, seed=1911, train=2_000))
    day = pd.date_range("2024-01-01", periods=3_000, freq="6h")
    rows = rows.assign(day=day[::-1] if wrong else day)
    train, test = (pl.from_pandas(part.reset_index(drop=True)) for part in (rows[:2_000], rows[2_000:]))
    return of_tables(without(FOREST, "day"), train, test, "label", time="day")


@case("CT20", among=FRESH)
def swapped_names(wrong: bool) -> Programs:
    """One in thirty labels wrong in a problem that is nearly solved (10,000 rows)."""
    task = two(10_000, rate=0.5, strength=15.0, seed=2011)
    flipped = np.random.default_rng(1).random(10_000) < 1 / 30
    y = np.where(flipped, 1 - task.y_test, task.y_test) if wrong else task.y_test
    return of_scores(np.where(y == 1, "cat", "dog"), task.p, "cat")
