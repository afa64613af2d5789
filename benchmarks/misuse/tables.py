"""Rows that are not what they seem: copies, groups, time, unknown classes, wrong labels (CT08, CT12, CT18 to CT20)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
from sklearn import metrics as sk
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from benchmarks.misuse.calls import of_report, of_scores, of_tables, tensor
from benchmarks.misuse.case import Programs, case
from benchmarks.misuse.data import several, two
from benchmarks.misuse.libraries import cl, tm

FOREST = RandomForestClassifier(20, min_samples_leaf=5, random_state=0, n_jobs=1)


def table(task, names=("no", "yes")) -> pd.DataFrame:
    """All rows of a task, train before test."""
    frame = pd.DataFrame(np.concatenate([task.X, task.X_test]), columns=[f"x{i}" for i in range(task.X.shape[1])])
    return frame.assign(label=np.array(names)[np.concatenate([task.y, task.y_test])])


@case("CT08")
def test_is_train(wrong: bool) -> Programs:
    """Tested on the very rows that were trained on (pandas, 1,000 rows)."""
    rows = table(two(1_000, rate=0.4, seed=801, train=1_000))
    train, test = rows[:1_000], rows[:1_000] if wrong else rows[1_000:]
    return of_tables(FOREST, train, test, "label")


@case("CT08")
def some_rows_in_both(wrong: bool) -> Programs:
    """Files appended twice before the split: a tenth of the test rows is in training, too (numbers and words)."""
    rows = table(two(2_000, rate=0.3, seed=802, train=4_000)).round(3)
    rows["x0"] = pd.cut(rows["x0"], 4, labels=False)
    train, test = rows[:4_000], rows[4_000:].reset_index(drop=True)
    if wrong:
        test.loc[:199] = train.iloc[1_000:1_200].to_numpy()
        test = test.astype(train.dtypes)
    return of_tables(FOREST, train, test, "label")


@case("CT08")
def copies_before_the_split(wrong: bool) -> Programs:
    """Every row twice in the source, then a random split (polars, 20,000 rows)."""
    rows = table(two(10_000, rate=0.1, seed=803, train=10_000))
    if wrong:
        rows = pd.concat([rows[:10_000], rows[:10_000]])
    order = np.random.default_rng(0).permutation(len(rows))
    shuffled = pl.from_pandas(rows.iloc[order].reset_index(drop=True))
    return of_tables(LogisticRegression(), shuffled[:14_000], shuffled[14_000:], "label")


@case("CT12")
def class_that_nobody_learned(wrong: bool) -> Programs:
    """A class among the test labels that the model has never seen (2,000 rows)."""
    task = several(2_000, 4, seed=1201)
    names = np.array(["a", "b", "c", "d"])
    rows = task.y < 3 if wrong else task.y < 4
    model = LogisticRegression(max_iter=500).fit(task.X[rows], names[task.y[rows]])
    y, p = names[task.y_test], model.predict_proba(task.X_test)
    return {
        "cutline": lambda: cl.evaluate(cl.score(model, task.X_test, y_true=y)),
        "scikit-learn": lambda: (sk.log_loss(y, p, labels=model.classes_), sk.accuracy_score(y, names[p.argmax(1)])),
        "torchmetrics": lambda: tm.MulticlassAccuracy(p.shape[1])(tensor(p), tensor(task.y_test)),
        "skore": of_report(model, task.X[rows], names[task.y[rows]], task.X_test, y),
    }


@case("CT12")
def spelled_otherwise(wrong: bool) -> Programs:
    """Labels spelled otherwise in the test file: 'Yes' for 'yes' in a few rows (pandas, 1,500 rows)."""
    rows = table(two(1_500, rate=0.3, seed=1202, train=3_000))
    train, test = rows[:3_000], rows[3_000:].reset_index(drop=True)
    if wrong:
        test.loc[test.index[test["label"] == "yes"][:40], "label"] = "Yes"
    return of_tables(FOREST, train, test, "label")


@case("CT18")
def rows_many_times(wrong: bool) -> Programs:
    """Rare positives copied into the test rows twenty times over (1,500 rows)."""
    task = two(1_500, rate=0.04, seed=1801, train=4_000)
    rows = np.arange(1_500)
    if wrong:
        rows = np.repeat(rows, np.where(task.y_test == 1, 20, 1))
    frame = table(task)
    test = frame[4_000:].iloc[rows].reset_index(drop=True)
    return of_tables(LogisticRegression(), frame[:4_000], test, "label")


@case("CT18")
def ids_more_than_once(wrong: bool) -> Programs:
    """A join that doubled a third of the scored rows (3,000 rows, ids)."""
    task = two(3_000, rate=0.3, seed=1802)
    rows = np.arange(3_000)
    rows = np.concatenate([rows, rows[:1_000]]) if wrong else rows
    return of_scores(task.y_test[rows], task.p[rows], kind="probability", ids=[f"row {i}" for i in rows])


@case("CT19")
def patients_on_both_sides(wrong: bool) -> Programs:
    """Visits of one patient in training and in test (300 patients, 3,000 visits)."""
    task = two(1_000, rate=0.3, seed=1901, train=2_000)
    rng = np.random.default_rng(0)
    patient = (
        rng.integers(0, 300, 3_000) if wrong else np.r_[rng.integers(0, 200, 2_000), rng.integers(200, 300, 1_000)]
    )
    rows = table(task).assign(patient=patient)
    return of_tables(FOREST, rows[:2_000], rows[2_000:], "label", groups="patient")


@case("CT19")
def trained_on_the_future(wrong: bool) -> Programs:
    """Days split at random, so that the model has seen what came later (4,000 rows)."""
    task = two(1_000, rate=0.3, seed=1902, train=3_000)
    day = pd.date_range("2024-01-01", periods=4_000, freq="h").to_numpy()
    day = np.random.default_rng(0).permutation(day) if wrong else day
    rows = table(task).assign(day=day)
    model = without(FOREST, "day")
    return of_tables(model, rows[:3_000], rows[3_000:], "label", time="day")


def without(model, column):
    """The model on all columns but one."""
    from sklearn.compose import make_column_transformer
    from sklearn.pipeline import make_pipeline

    return make_pipeline(make_column_transformer(("drop", [column]), remainder="passthrough"), model)


@case("CT20")
def flipped_labels(wrong: bool) -> Programs:
    """One label in twenty flipped in an easy problem (5,000 rows)."""
    task = two(5_000, rate=0.4, strength=8.0, seed=2001)
    flipped = np.random.default_rng(0).random(5_000) < 0.05
    y = np.where(flipped, 1 - task.y_test, task.y_test) if wrong else task.y_test
    return of_scores(y, task.p, kind="probability")


@case("CT20")
def wrong_annotations(wrong: bool) -> Programs:
    """Annotators who were wrong in 8 % of the rows (4 classes, 3,000 rows)."""
    task = several(3_000, 4, strength=8.0, seed=2002)
    rng = np.random.default_rng(0)
    y = np.where(rng.random(3_000) < 0.08, rng.integers(0, 4, 3_000), task.y_test) if wrong else task.y_test

    def sklearn():
        sk.log_loss(y, task.p)
        sk.accuracy_score(y, task.p.argmax(axis=1))

    return {
        "cutline": lambda: cl.evaluate(cl.Scores(y_true=y, y_score=task.p, kind="probability")),
        "scikit-learn": sklearn,
        "torchmetrics": lambda: tm.MulticlassAccuracy(4)(tensor(task.p), tensor(y)),
    }
