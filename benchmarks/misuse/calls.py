"""What a user of each library would write for the usual errands; the mistake is in what is handed over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn import metrics as sk
from sklearn.base import clone

from benchmarks.misuse.case import Programs
from benchmarks.misuse.libraries import cl, skore, tm, torch


def tensor(values: Any) -> Any:
    return torch.as_tensor(np.array(values))


def coded(values: Any, positive: Any) -> Any:
    """Labels as torchmetrics takes them: names as 0 and 1, numbers as they are."""
    found = np.asarray(values)
    return found if found.dtype.kind in "iuf" else (found == positive).astype(int)


def of_scores(y: Any, p: Any, positive: Any = 1, kind: str | None = None, **about: Any) -> Programs:
    """Ranking figures and, of probabilities, proper scores of two classes."""
    truth = np.asarray(y) == positive

    def torchmetrics() -> None:
        for metric in (tm.BinaryAUROC(), tm.BinaryAveragePrecision(), tm.BinaryCalibrationError()):
            metric(tensor(p), tensor(truth).int())

    def sklearn() -> None:
        for metric in (sk.roc_auc_score, sk.average_precision_score, sk.log_loss, sk.brier_score_loss):
            metric(truth, p)

    return {
        "cutline": lambda: cl.evaluate(cl.Scores(y_true=y, y_score=p, positive=positive, kind=kind, **about)),
        "scikit-learn": sklearn,
        "torchmetrics": torchmetrics,
    }


def of_labels(y: Any, said: Any, positive: Any = 1) -> Programs:
    """Accuracy, precision, recall and F1 of predicted labels of two classes."""

    def sklearn() -> None:
        for metric in (sk.precision_score, sk.recall_score, sk.f1_score):
            metric(y, said, pos_label=positive)
        sk.accuracy_score(y, said)

    def torchmetrics() -> None:
        for metric in (tm.BinaryAccuracy(), tm.BinaryPrecision(), tm.BinaryRecall(), tm.BinaryF1Score()):
            metric(tensor(coded(said, positive)), tensor(coded(y, positive)))

    return {
        "cutline": lambda: cl.evaluate(cl.Scores(y_true=y, y_score=said, positive=positive, kind="label")),
        "scikit-learn": sklearn,
        "torchmetrics": torchmetrics,
    }


def of_columns(y: Any, p: Any, names: Any = None, kind: str | None = "probability", codes: Any = None) -> Programs:
    """Several classes, a column for each in the order of `names` (sorted where none are given)."""
    codes = np.unique(y, return_inverse=True)[1] if codes is None else codes

    def sklearn() -> None:
        sk.roc_auc_score(y, p, multi_class="ovr", labels=names)
        sk.log_loss(y, p, labels=names)

    def torchmetrics() -> None:
        k = np.shape(p)[1]
        for metric in (tm.MulticlassAccuracy(k), tm.MulticlassAUROC(k), tm.MulticlassCalibrationError(k)):
            metric(tensor(p), tensor(codes))

    return {
        "cutline": lambda: cl.evaluate(cl.Scores(y_true=y, y_score=p, classes=names, kind=kind)),
        "scikit-learn": sklearn,
        "torchmetrics": torchmetrics,
    }


def of_codes(y: Any, said: Any, k: int) -> Programs:
    """Accuracy and macro F1 of predicted labels of `k` classes."""

    def sklearn() -> None:
        sk.accuracy_score(y, said)
        sk.f1_score(y, said, average="macro")

    def torchmetrics() -> None:
        for metric in (tm.MulticlassAccuracy(k), tm.MulticlassF1Score(k)):
            metric(tensor(said), tensor(y))

    return {
        "cutline": lambda: cl.evaluate(cl.Scores(y_true=y, y_score=said, kind="label")),
        "scikit-learn": sklearn,
        "torchmetrics": torchmetrics,
    }


def of_model(model: Any, X: Any, y: Any, X_test: Any, y_test: Any, positive: Any = None) -> Programs:
    """A fitted model on test rows; skore is told of the training rows too, as it asks for them."""

    def probabilities() -> Any:
        p = model.predict_proba(X_test)
        return p[:, list(model.classes_).index(positive)] if p.shape[1] == 2 else p

    def plain(program: str) -> None:
        p = probabilities()
        two = p.ndim == 1
        made = of_scores(y_test, p, positive) if two else of_columns(y_test, p, model.classes_)
        made[program]()

    return {
        "cutline": lambda: cl.evaluate(cl.score(model, X_test, y_true=y_test, positive=positive)),
        "scikit-learn": lambda: plain("scikit-learn"),
        "torchmetrics": lambda: plain("torchmetrics"),
        "skore": of_report(model, X, y, X_test, y_test, positive),
    }


def of_report(model: Any, X: Any, y: Any, X_test: Any, y_test: Any, positive: Any = None) -> Callable[[], Any]:
    """skore's report with all its checks; it fits the model itself."""

    def report() -> Any:
        rows = {"X_train": X, "y_train": y, "X_test": X_test, "y_test": y_test}
        made = skore.EstimatorReport(clone(model), pos_label=positive, **rows)
        made.metrics.summarize()
        return made.checks.summarize()

    return report


def of_tables(model: Any, train: Any, test: Any, target: str, **about: Any) -> Programs:
    """Fit on one table and test on the other."""

    def parts(table: Any) -> tuple[Any, Any]:
        frame = table.to_pandas() if hasattr(table, "to_pandas") else table
        return frame.drop(columns=target), frame[target]

    def sklearn() -> None:
        X, y = parts(train)
        model.fit(X, y).score(*parts(test))

    def report() -> Any:
        (X, y), (X_test, y_test) = parts(train), parts(test)
        return of_report(model, X, y, X_test, y_test)()

    return {
        "cutline": lambda: cl.check_tables(train, test, target=target, **about),
        "scikit-learn": sklearn,
        "skore": report,
    }
