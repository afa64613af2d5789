"""Every trap is found, by its code, and mended; clean scores are left alone."""

from __future__ import annotations

import numpy as np

import cutline as cl

N = 2_000
RNG = np.random.default_rng(7)
Z = RNG.normal(-2, 1.6, N)
P = 1 / (1 + np.exp(-Z))
Y = RNG.uniform(size=N) < P
PI = Y.mean()
RAW = RNG.normal(size=(N, 3)) * 2
P3 = np.exp(RAW) / np.exp(RAW).sum(axis=1, keepdims=True)
Y3 = (P3.cumsum(axis=1) < RNG.uniform(size=(N, 1))).sum(axis=1)
FOLD = np.arange(N) % 5


def two(score, kind="probability", y=Y, **more):
    return cl.Scores(y_true=y, y_score=score, kind=kind, **more)


def three(score, kind="probability", y=Y3, **more):
    return cl.Scores(y_true=y, y_score=score, kind=kind, classes=more.pop("classes", range(3)), **more)


def undeclared(score, y=Y, **more):
    return cl.Scores(y_true=y, y_score=score, **more)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def softmax(z):
    return np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)


def weighted(p, ratio):
    return p * ratio / (p * ratio + 1 - p)


def isotonic(score, y):
    from sklearn.isotonic import IsotonicRegression

    half = np.arange(len(y)) < len(y) // 4
    return IsotonicRegression(out_of_bounds="clip").fit(score[half], y[half]).predict(score)


def best_f1(p, y):
    table = cl.ThresholdTable.from_scores(two(p, y=y))
    return float(table.thresholds[np.nanargmax(cl.f1.value(table))])


def few(n_pos):
    rows = np.r_[np.flatnonzero(Y)[:n_pos], np.flatnonzero(~Y)[:600]]
    return two(P[rows], y=Y[rows])


GOOD, GOOD3 = two(P), three(P3)
RARE = sigmoid(Z - 4)
Y_RARE = RNG.uniform(size=N) < RARE
TWICE = np.r_[np.arange(N), RNG.choice(N, 300, replace=False)]
SHIFTED = Z + np.array([-3, -1.5, 0, 1.5, 3])[FOLD]
BALANCED = np.r_[np.flatnonzero(Y), RNG.choice(np.flatnonzero(~Y), int(Y.sum()), replace=False)]

WRONG = {
    "accuracy by equality": ("CT01", GOOD, {"estimates": {"accuracy": float((P == Y).mean())}}),
    "a sigmoid twice": ("CT02", two(sigmoid(P)), {}),
    "a sigmoid twice, float32": ("CT02", two(sigmoid(P.astype(np.float32))), {}),
    "a softmax twice": ("CT02", three(softmax(P3)), {}),
    "probabilities as logits": ("CT02", two(P, "logit"), {}),
    "probabilities of three as logits": ("CT02", three(P3, "logit"), {}),
    "log-probabilities as logits": ("CT02", two(np.log(P), "logit"), {}),
    "logits within 0 and 1": (
        "CT02",
        two(P**0.25, y=RNG.uniform(size=N) < sigmoid(P**0.25)),
        {},
    ),
    "undeclared logits": ("CT02", undeclared(Z), {}),
    "undeclared percentages": ("CT02", undeclared(100 * P), {}),
    "labels for scores": ("CT03", two((P >= 0.5).astype(float)), {}),
    "labels for scores, undeclared": ("CT03", undeclared((P >= 0.5).astype(float)), {}),
    "labels -1 and 1": ("CT03", two(np.where(P >= 0.5, 1.0, -1.0), "rank"), {}),
    "one-hot labels for probabilities": ("CT03", three(np.eye(3)[P3.argmax(axis=1)]), {}),
    "an area of labels": (
        "CT03",
        GOOD,
        {"estimates": {"roc_auc": round(cl.balanced_accuracy.value(GOOD, at=0.5), 4)}},
    ),
    "P of the other class": ("CT04", two(1 - P), {}),
    "logits of the other class": ("CT04", two(-Z, "logit"), {}),
    "ranks of the other class": ("CT04", two(-Z, "rank"), {}),
    "swapped columns": ("CT04", two(np.column_stack([P, 1 - P])), {}),
    "the guessed positive class": (
        "CT04",
        None,
        {},
    ),
    "rotated columns": ("CT04", three(P3[:, [1, 2, 0]]), {}),
    "rotated logits": ("CT04", three(RAW[:, [2, 0, 1]], "logit"), {}),
    "two columns exchanged": ("CT04", three(P3[:, [0, 2, 1]]), {}),
    "labels of the other class": ("CT04", two((P < 0.5).astype(int), "label", y=Y.astype(int)), {}),
    "labels in another order": ("CT04", three(np.array([1, 2, 0])[P3.argmax(axis=1)], "label"), {}),
    "decoded in another order": ("CT04", GOOD3, {"y_pred": np.array([2, 0, 1])[P3.argmax(axis=1)]}),
    "decisions of the other class": ("CT04", GOOD, {"y_pred": P < 0.3}),
    "the area of the other class": ("CT04", GOOD, {"estimates": {"roc_auc": 1 - cl.roc_auc.value(GOOD)}}),
    "precision and recall exchanged": (
        "CT04",
        GOOD,
        {
            "estimates": {
                "precision": cl.recall.value(GOOD, at=0.5),
                "recall": cl.precision.value(GOOD, at=0.5),
            }
        },
    ),
    "argmax of one column": ("CT05", two(np.zeros(N, dtype=int), "label", y=Y.astype(int)), {}),
    "argmax of one column, beside the scores": ("CT05", GOOD, {"y_pred": np.zeros(N, dtype=bool)}),
    "a softmax over one output": ("CT05", two(np.ones(N)), {}),
    "one row for all": ("CT05", three(np.tile([0.2, 0.3, 0.5], (N, 1))), {}),
    "labels from 1, predictions from 0": (
        "CT05",
        cl.Scores(y_true=Y3 + 1, y_score=P3.argmax(axis=1), kind="label"),
        {},
    ),
    "labels from 0, predictions from 1": (
        "CT05",
        cl.Scores(y_true=Y3, y_score=P3.argmax(axis=1) + 1, kind="label"),
        {},
    ),
    "one-hot rows laid end to end": ("CT05", two(P3.ravel(), y=np.eye(3, dtype=int)[Y3].ravel()), {}),
    "one row read as three": ("CT05", two([0.7, 0.2, 0.1], y=[1, 0, 0]), {}),
    "balanced class weights": ("CT06", two(weighted(P, (1 - PI) / PI)), {}),
    "balanced class weights, logits": ("CT06", two(Z + np.log((1 - PI) / PI), "logit"), {}),
    "scale_pos_weight": ("CT06", two(weighted(P, 3)), {"class_weight": 3}),
    "undersampled, not said": ("CT06", two(weighted(P, 3)), {}),
    "balanced weights of three": (
        "CT06",
        three((P3**2 * [9, 3, 1]) / (P3**2 * [9, 3, 1]).sum(axis=1, keepdims=True)),
        None,
    ),
    "weights of three, declared": (
        "CT06",
        three(P3 * [5, 1, 1] / (P3 * [5, 1, 1]).sum(axis=1, keepdims=True)),
        {"class_weight": {0: 5.0}},
    ),
    "a point on its own rows": ("CT07", GOOD, {"point": cl.maximize(cl.f1).choose(GOOD)}),
    "the best threshold of these rows": ("CT07", GOOD, {"threshold": best_f1(P, Y)}),
    "the best F1 reported": ("CT07", GOOD, {"estimates": {"f1": float(cl.best(cl.f1).value(GOOD))}}),
    "training rows, by ids": (
        "CT08",
        two(P, ids=np.arange(N)),
        {"train": two(P, ids=np.arange(N) + N // 2)},
    ),
    "training rows, without ids": ("CT08", two(P[:500], y=Y[:500]), {"train": GOOD}),
    "ten positives": ("CT09", few(10), {}),
    "models that cannot be told apart": (
        "CT09",
        GOOD,
        {"rival": two(sigmoid(Z + 0.05 * RNG.normal(size=N)))},
    ),
    "a comparison that cannot tell": (
        "CT09",
        GOOD,
        {"estimates": None},
    ),
    "another prevalence declared": ("CT10", two(P[BALANCED], y=Y[BALANCED]), {"prevalence": 0.02}),
    "rows that were balanced": ("CT10", two(P[BALANCED], y=Y[BALANCED]), {}),
    "sigmoids of each class": ("CT11", undeclared(sigmoid(RAW), y=Y3), {}),
    "two columns that do not sum to 1": ("CT11", undeclared(np.column_stack([P, P**2]), y=Y.astype(int)), {}),
    "a class training lacked": ("CT12", GOOD3, {"train": three(P3[Y3 < 2], y=Y3[Y3 < 2])}),
    "a class without probability": (
        "CT12",
        three(np.column_stack([P, 1 - P, np.zeros(N)])),
        {},
    ),
    "nothing flagged": ("CT13", two(RARE, y=Y_RARE), {"threshold": 0.99}),
    "a class that is never decided": ("CT13", GOOD3, {"y_pred": P3[:, :2].argmax(axis=1)}),
    "rows of one class": ("CT13", two(P[Y], y=Y[Y], classes=[False, True]), {}),
    "micro F1 and accuracy": ("CT14", GOOD3, {"estimates": {"micro_f1": 0.7, "accuracy": 0.7}}),
    "isotonic ties": ("CT15", two(isotonic(P, Y)), {"before": GOOD}),
    "a coarse grid": ("CT16", two(RARE, y=Y_RARE), {"thresholds": np.linspace(0, 1, 11)}),
    "a mean over folds": ("CT17", two(SHIFTED, "rank"), {"folds": FOLD}),
    "rows repeated": ("CT18", two(P[TWICE], y=Y[TWICE]), {}),
    "ids repeated": ("CT18", two(P[TWICE], y=Y[TWICE], ids=TWICE), {}),
    "groups on both sides": (
        "CT19",
        two(P, groups=np.arange(N) // 4),
        {"train": two(P[::-1].copy() / 2, groups=np.arange(N) // 4 + 300)},
    ),
    "above what labels allow": (
        "CT20",
        two(np.where(Y, 0.9, 0.1) + P / 100),
        {"label_noise": 0.1},
    ),
}
WRONG["the guessed positive class"] = (
    "CT04",
    lambda: undeclared(P, y=np.where(Y, "churned", "stays").tolist()),
    {},
)
SHARE3 = np.bincount(RNG.choice(3, N, p=[0.05, 0.15, 0.8]), minlength=3) / N
PRIOR = P3 * [0.05, 0.15, 0.8] / (P3 * [0.05, 0.15, 0.8]).sum(axis=1, keepdims=True)
Y_PRIOR = (PRIOR.cumsum(axis=1) < RNG.uniform(size=(N, 1))).sum(axis=1)
SHARES = np.bincount(Y_PRIOR, minlength=3) / N
WRONG["balanced weights of three"] = (
    "CT06",
    three(PRIOR / SHARES / (PRIOR / SHARES).sum(axis=1, keepdims=True), y=Y_PRIOR),
    {},
)
WRONG["a comparison that cannot tell"] = (
    "CT09",
    GOOD,
    lambda: {
        "estimates": cl.compare({"a": GOOD, "b": WRONG["models that cannot be told apart"][2]["rival"]}, cl.roc_auc)
    },
)
