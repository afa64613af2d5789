"""What checks see in the scores alone: steps, coarse scores, wrong labels, a softmax of two; where they see nothing."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression

import cutline as cl
from cutline.errors import LabelError, ScoreError, ShapeError

N = 4_000
RNG = np.random.default_rng(3)
Z = RNG.normal(-1, 1.5, N)
RARE = RNG.normal(-5, 1.5, N)
SURE = RNG.normal(0, 8, N)
RAW = 6 * RNG.normal(size=(N, 3))


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def softmax(z):
    return np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)


def drawn(z):
    if z.ndim == 1:
        return (RNG.uniform(size=len(z)) < sigmoid(z)).astype(int)
    return (softmax(z).cumsum(axis=1) < RNG.uniform(size=(len(z), 1))).sum(axis=1)


Y, Y_RARE, Y_SURE, Y3 = map(drawn, (Z, RARE, SURE, RAW))


def of(y, score, kind="probability", **more):
    return cl.check(cl.Scores(y_true=y, y_score=score, kind=kind, **more))


def isotonic(rows):
    return IsotonicRegression(out_of_bounds="clip").fit(Z[:rows], Y[:rows]).predict(Z[rows:])


def turned(y, share, k=2):
    wrong = RNG.uniform(size=len(y)) < share
    return np.where(wrong, (y + RNG.integers(1, k, len(y))) % k, y)


def test_steps_of_an_isotonic_map_are_seen_where_its_ends_are_wrong():
    found = of(Y[150:], isotonic(150))["CT15"]
    assert "distinct scores" in found.seen
    assert "exactly 0" in found.seen
    assert not found.fixable


def test_two_decimals_are_too_few_for_a_rare_class():
    assert "multiples of 0.01" in of(Y_RARE, sigmoid(RARE).round(2))["CT16"].seen
    assert "CT16" not in of(Y_RARE, sigmoid(RARE).round(2).clip(0.01, 0.99))  # coarse, and right about it
    assert "CT16" not in of(Y, sigmoid(Z).round(3))


def test_ties_alone_are_no_trap():
    z = np.round(2 * Z) / 2  # the model knows no more than twenty values
    assert not of(drawn(z), sigmoid(z))


@pytest.mark.parametrize("share", [0.03, 0.1])
def test_wrong_labels_are_told_from_a_model_that_is_too_sure(share):
    for y, score, k in ((Y_SURE, sigmoid(SURE), 2), (Y3, softmax(RAW), 3)):
        seen = of(turned(y, share, k), score)["CT20"].seen
        assert share / 2 < float(seen.split("(")[1].split(" %")[0]) / 100 < 2 * share
    for slope in (2, 3, 6):
        assert "CT20" not in of(Y_SURE, sigmoid(slope * SURE))
        assert "CT20" not in of(Y3, softmax(slope * RAW))


def test_odds_that_were_cut_off_at_1_are_no_wrong_labels():
    assert "CT20" not in of(Y, np.exp(Z).clip(0, 1))


def test_a_softmax_over_two_probabilities_is_undone():
    p = sigmoid(RARE + 3)
    y = drawn(RARE + 3)
    found = of(y, sigmoid(2 * p - 1))["CT02"]
    assert np.allclose(found.fix().score, p)
    narrow = sigmoid(Z / 5)  # a hard problem has such probabilities, too
    assert not of(drawn(Z / 5), narrow)


def test_the_weighted_recall_is_the_accuracy():
    scores = cl.Scores(y_true=Y3, y_score=softmax(RAW), kind="probability")
    found = cl.evaluate(scores, metrics=["accuracy", "weighted_recall"])
    assert found["weighted_recall"].value == pytest.approx(found["accuracy"].value)
    assert found.findings.codes == ("CT14",)
    assert not cl.evaluate(scores, metrics=["accuracy", "macro_recall", "weighted_precision"]).findings


def test_log_probabilities_are_logits_of_several_classes():
    assert not of(Y3, np.log(softmax(RAW)), "logit")


def test_copies_are_seen_by_evaluate_beside_ids():
    rows = np.r_[0:N, 0:900]
    scores = cl.Scores(y_true=Y[rows], y_score=sigmoid(Z)[rows], kind="probability", ids=rows)
    assert "CT18" in cl.evaluate(scores).findings
    assert "900 of 4,900" in cl.check(scores)["CT18"].seen


@pytest.mark.parametrize(
    ("code", "kind", "call"),
    [
        ("CT01", LabelError, lambda: cl.Scores(y_true=Y, y_score=(100 * sigmoid(Z)).astype(int), kind="label")),
        ("CT01", LabelError, lambda: cl.Scores(y_true=Y, y_score=Z, positive=1, kind="label")),
        ("CT01", LabelError, lambda: cl.Scores(y_true=Y3, y_score=RAW.max(axis=1), kind="label")),
        ("CT01", ScoreError, lambda: cl.classification_report(cl.Scores(y_true=Y, y_score=sigmoid(Z)))),
        ("CT05", ShapeError, lambda: cl.Scores(y_true=Y3 + 1, y_score=np.c_[0 * Z, softmax(RAW)])),
    ],
)
def test_numbers_that_are_no_labels_are_refused_by_code(code, kind, call):
    with pytest.raises(kind) as caught:
        call()
    assert caught.value.code == code


def test_many_classes_that_were_never_true_are_still_labels():
    said = RNG.integers(0, 40, N)
    assert cl.Scores(y_true=said % 30, y_score=said, kind="label").classes.k == 40
