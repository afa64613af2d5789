"""Which class is which: columns, codes, the positive class (CT04 and CT05)."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import polars as pl
from sklearn import metrics as sk
from sklearn.linear_model import LogisticRegression

from benchmarks.misuse.calls import of_codes, of_columns, of_labels, of_scores, tensor
from benchmarks.misuse.case import Programs, case
from benchmarks.misuse.data import several, two
from benchmarks.misuse.libraries import cl, keras, tm


@case("CT04")
def column_of_the_other_class(wrong: bool) -> Programs:
    """The first column of predict_proba taken for the positive class (polars, 1,000 rows)."""
    task = two(1_000, rate=0.3, seed=401)
    model = LogisticRegression().fit(task.X, task.y)
    frame = pl.DataFrame({"ill": task.y_test == 1, "p": model.predict_proba(task.X_test)[:, 0 if wrong else 1]})
    return of_scores(frame["ill"], frame["p"], True)


@case("CT04")
def other_column_of_a_hard_problem(wrong: bool) -> Programs:
    """The probability of the other class where the model knows little (AUC 0.57, 8,000 rows)."""
    task = two(8_000, rate=0.5, strength=0.25, seed=402)
    return of_scores(task.y_test, 1 - task.p if wrong else task.p, kind="probability")


@case("CT04")
def last_name_is_positive(wrong: bool) -> Programs:
    """The positive class left to the alphabet: 'stayed' comes after 'churned' (pandas, 2,000 rows)."""
    task = two(2_000, rate=0.25, seed=403)
    y = pd.Series(np.where(task.y_test == 1, "churned", "stayed"))
    p, positive = pd.Series(task.p), None if wrong else "churned"
    taken = "stayed" if wrong else "churned"
    mine = {"cutline": lambda: cl.evaluate(cl.Scores(y_true=y, y_score=p, positive=positive))}
    theirs = of_scores(y, p, taken)
    return theirs | mine | {"scikit-learn": lambda: sk.roc_auc_score(y if wrong else y == "churned", p)}


@case("CT04")
def columns_in_order_of_appearance(wrong: bool) -> Programs:
    """Codes made by pandas.factorize, columns named in sorted order (3 classes, 1,500 rows)."""
    task = several(1_500, 3, seed=404)
    names = np.array(["red", "blue", "green"])  # as they appear
    y = names[task.y_test]
    order = np.argsort(names)
    return of_columns(y, task.p if wrong else task.p[:, order], sorted(names))


@case("CT04")
def numbers_sorted_as_text(wrong: bool) -> Programs:
    """Columns 1 to 12 by number, names sorted as text: '1', '10', '11', '12', '2', ... (5,000 rows)."""
    task = several(5_000, 12, strength=2.5, seed=405)
    names = [str(number) for number in range(1, 13)]
    y = np.array(names)[task.y_test]
    by_text = np.argsort(names)
    return of_columns(y, task.p if wrong else task.p[:, by_text], sorted(names))


@case("CT04")
def arguments_swapped(wrong: bool) -> Programs:
    """Truth and score in each other's place (1,000 rows)."""
    task = two(1_000, rate=0.3, seed=406)
    y, p = (task.p, task.y_test) if wrong else (task.y_test, task.p)
    return {
        "cutline": lambda: cl.evaluate(cl.Scores(y_true=y, y_score=p, positive=1)),
        "scikit-learn": lambda: sk.roc_auc_score(y, p),
        "torchmetrics": lambda: tm.BinaryAUROC()(tensor(p), tensor(y)),
    }


@case("CT05")
def argmax_of_one_column(wrong: bool) -> Programs:
    """argmax(axis=1) of a sigmoid's output of shape (n, 1) (Keras, 2,000 rows)."""
    task = two(2_000, rate=0.45, seed=501)
    p = task.p[:, None]
    return of_labels(task.y_test, p.argmax(axis=1) if wrong else (p[:, 0] >= 0.5).astype(int))


@case("CT05")
def labels_from_one(wrong: bool) -> Programs:
    """Labels 1 to 5 against the argmax, 0 to 4 (3,000 rows)."""
    task = several(3_000, 5, strength=3.0, seed=502)
    said = task.p.argmax(axis=1)
    return of_codes(task.y_test + 1, said if wrong else said + 1, 6)


@case("CT05")
def softmax_of_one_output(wrong: bool) -> Programs:
    """Dense(1) with a softmax, whose output is always 1 (Keras, 600 rows)."""
    task = two(600, rate=0.4, seed=503)
    fitted = LogisticRegression().fit(task.X, task.y)
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(1, "softmax" if wrong else "sigmoid")])
    model.layers[0].set_weights([fitted.coef_.T, fitted.intercept_])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Keras itself, which is no party here
        p = model.predict(task.X_test, verbose=0)[:, 0]
    return of_scores(task.y_test, p)


@case("CT05")
def names_of_an_argmax(wrong: bool) -> Programs:
    """Class names looked up by the argmax of one column: all rows are 'ham' (pandas, 800 rows)."""
    task = two(800, rate=0.4, seed=504)
    names, p = np.array(["ham", "spam"]), task.p[:, None]
    said = pd.Series(names[p.argmax(axis=1) if wrong else (p[:, 0] >= 0.5).astype(int)])
    return of_labels(pd.Series(names[task.y_test]), said, "spam")
