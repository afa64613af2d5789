from __future__ import annotations

import json
import math

import numpy as np
import pytest
from sklearn import metrics as sk

import cutline as cl
from cutline.errors import CutlineError, InputError, LabelError, UnknownName


def sample(n=400, seed=0, **about):
    rng = np.random.default_rng(seed)
    y = rng.uniform(size=n) < 0.4
    p = np.clip(0.3 * y + 0.7 * rng.uniform(size=n), 0, 1)
    return cl.Scores(y_true=y, y_score=p, **{"kind": "probability", **about})


def several(n=300, seed=0, **about):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, n)
    z = rng.normal(size=(n, 3)) + 1.5 * np.eye(3)[y]
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    return cl.Scores(y_true=np.array(["a", "b", "c"])[y], y_score=p, **{"kind": "probability", **about})


def test_the_figures_are_scikit_learns():
    s = sample()
    y, p = s.is_positive, s.score
    e = cl.evaluate(s, threshold=0.45)
    expected = {
        "accuracy": sk.accuracy_score(y, p >= 0.45),
        "precision": sk.precision_score(y, p >= 0.45),
        "recall": sk.recall_score(y, p >= 0.45),
        "f1": sk.f1_score(y, p >= 0.45),
        "mcc": sk.matthews_corrcoef(y, p >= 0.45),
        "roc_auc": sk.roc_auc_score(y, p),
        "average_precision": sk.average_precision_score(y, p),
        "log_loss": sk.log_loss(y, p),
        "brier": sk.brier_score_loss(y, p),
    }
    for name, value in expected.items():
        assert e[name].value == pytest.approx(value, rel=1e-12)
    assert e.confusion.tolist() == sk.confusion_matrix(y, p >= 0.45).tolist()
    assert (e.counts.tp, e.counts.fp) == (e.confusion[1, 1], e.confusion[0, 1])
    assert (e.n, e.n_pos, e.threshold, e.binary, e.weighted) == (400, int(y.sum()), 0.45, True, False)
    assert e[cl.recall] is e["sensitivity"]
    assert e.histogram.positives.sum() == y.sum()
    assert e.histogram.negatives.sum() == (~y).sum()
    assert sum(b.n for b in e.reliability) == 400


def test_several_classes():
    s = several()
    said = s.score.argmax(axis=1)
    e = cl.evaluate(s)
    assert e.confusion.tolist() == sk.confusion_matrix(s.truth, said).tolist()
    assert e["accuracy"].value == pytest.approx(sk.accuracy_score(s.truth, said))
    assert e["macro_f1"].value == pytest.approx(sk.f1_score(s.truth, said, average="macro"))
    assert e["macro_roc_auc"].value == pytest.approx(sk.roc_auc_score(s.truth, s.score, multi_class="ovr"))
    assert e["mcc"].value == pytest.approx(sk.matthews_corrcoef(s.truth, said))
    assert [c.name for c in e.per_class] == ["a", "b", "c"]
    for k, report in enumerate(e.per_class):
        assert report.support == (s.truth == k).sum()
        found = {x.metric.name: x.value for x in report.estimates}
        assert found["recall"] == pytest.approx(sk.recall_score(s.truth == k, said == k))
        assert found["precision"] == pytest.approx(sk.precision_score(s.truth == k, said == k))
        assert found["roc_auc"] == pytest.approx(sk.roc_auc_score(s.truth == k, s.score[:, k]))
    assert (e.counts, e.table, e.threshold, e.n_pos) == (None, None, None, -1)
    absent = cl.evaluate(s.take(s.truth < 2))
    assert any("no row of class(es) ['c']" in note for note in absent.notes)


WEIGHTED = [np.random.default_rng(1).integers(0, 4, 300), None]


@pytest.mark.parametrize("weight", WEIGHTED, ids=["weighted", "plain"])
def test_a_decision_by_codes_is_the_decision_by_threshold(weight):
    s = sample(300, weight=weight)
    s = s._with(truth=np.where(np.arange(300) % 7 == 0, -1, s.truth).astype(np.int32))
    one = cl.evaluate(s, threshold=0.5)
    other = cl.evaluate(s, decision=(s.score >= 0.5).astype(int))
    for a, b in zip(one.estimates, other.estimates, strict=True):
        assert b.value == pytest.approx(a.value, rel=1e-12)
        assert b.interval() == pytest.approx(a.interval(), rel=1e-9)
    np.testing.assert_allclose(one.confusion, other.confusion)
    keep = (s.truth >= 0) & (True if weight is None else weight > 0)
    assert one.confusion.sum() == pytest.approx(keep.sum() if weight is None else weight[keep].sum())
    assert one.n == keep.sum()


def test_rows_that_do_not_count_are_counted():
    y = np.array([0, 1, None, 1, 0, None, 1], dtype=object)
    e = cl.evaluate(cl.Scores(y_true=y, y_score=np.linspace(0, 1, 7), kind="probability"))
    assert (e.n, e.missing) == (5, 2)
    assert "2 of 7 rows have no label and do not count" in e.notes


def test_rows_of_weight_zero_are_counted_too():
    e = cl.evaluate(
        cl.Scores(y_true=[0, 1, 1, 0], y_score=[0.1, 0.9, 0.4, 0.6], weight=[1, 2, 3, 0], kind="probability")
    )
    assert e.n == 3
    assert any("weight" in note for note in e.notes)


@pytest.mark.parametrize(
    ("kind", "threshold", "says"),
    [("probability", 0.5, "0.5 of the probability"), ("logit", 0.0, "0.5 of the probability")],
)
def test_the_threshold_that_was_not_given_is_said(kind, threshold, says):
    e = cl.evaluate(sample(kind=kind))
    assert e.threshold == threshold
    assert any(says in note for note in e.notes)


def test_a_ranking_without_a_threshold_decides_nothing():
    e = cl.evaluate(sample(kind="rank"))
    assert [x.metric.name for x in e.estimates] == ["roc_auc", "average_precision"]
    assert any("nothing is decided" in note for note in e.notes)
    assert (e.threshold, e.reliability) == (None, None)
    assert e.counts is None  # not four zeros
    assert e.to_dict()["counts"] is None


def test_labels_have_count_metrics_only():
    e = cl.evaluate(cl.Scores(y_true=[0, 1, 1, 0], y_score=[0, 1, 0, 0], kind="label"))
    assert e["recall"].value == 0.5
    assert e.table is None
    assert e.histogram is None
    with pytest.raises(InputError, match="roc_auc"):
        e["roc_auc"]
    with pytest.raises(UnknownName):
        e["nonsense"]


ODD = {
    "one row": lambda: cl.Scores(y_true=[1], y_score=[0.9], classes=[0, 1], kind="probability"),
    "two rows": lambda: cl.Scores(y_true=[1, 0], y_score=[0.9, 0.9], kind="probability"),
    "one class": lambda: cl.Scores(y_true=[0] * 9, y_score=np.linspace(0, 1, 9), classes=[0, 1], kind="probability"),
    "all tied": lambda: cl.Scores(y_true=[0, 1] * 9, y_score=[0.5] * 18, kind="probability"),
    "0 and 1": lambda: cl.Scores(y_true=[0, 1] * 9, y_score=[0.0, 1.0] * 9, kind="probability"),
    "sure and wrong": lambda: cl.Scores(y_true=[0, 1] * 9, y_score=[1.0, 0.0] * 9, kind="probability"),
    "denormals": lambda: cl.Scores(y_true=[0, 1, 1], y_score=[0.0, 5e-324, 1e-310], kind="rank"),
    "huge": lambda: cl.Scores(y_true=[0, 1, 1], y_score=[-1.7e308, 1.7e308, 0.0], kind="rank"),
    "huge logits": lambda: cl.Scores(y_true=[0, 1, 1], y_score=[-1e5, 1e5, 0.0], kind="logit"),
    "one row of three classes": lambda: cl.Scores(
        y_true=["a"], y_score=[[0.5, 0.3, 0.2]], classes=["a", "b", "c"], kind="probability"
    ),
    "rank of three classes": lambda: cl.Scores(y_true=[0, 1, 2], y_score=np.eye(3) * 9 - 3, kind="rank"),
    "labels of three classes": lambda: cl.Scores(y_true=["a", "b", "c"], y_score=["a", "b", "a"], kind="label"),
    "float32": lambda: sample()._with(score=sample().score.astype(np.float32)),
    "string and number": lambda: cl.Scores(y_true=["0", "1"], y_score=[0.1, 0.9], positive="1", kind="probability"),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_data_gets_a_full_answer(name):
    e = cl.evaluate(ODD[name]())
    assert e.estimates
    assert repr(e).startswith("Evaluation of ")
    text = json.dumps(e.to_dict(), allow_nan=False)
    assert json.loads(text)["schema_version"] == 1
    assert e.to_frame().num_rows == len(e.estimates)
    assert "<pre>" in e._repr_html_()
    for x in e.estimates:
        assert (x.state == "undefined") == math.isnan(x.value)
        low, high = x.interval(0.5)
        assert math.isnan(low) == math.isnan(high)


def test_the_result_is_frozen_seeded_and_noted():
    s = sample()
    one, again = cl.evaluate(s, seed=3), cl.evaluate(s, seed=3)
    assert one.to_dict() == again.to_dict()
    assert one.to_dict() != cl.evaluate(s, seed=4).to_dict()  # what is drawn depends on the seed
    assert one.with_note("mind the gap").notes[-1] == "mind the gap"
    assert "mind the gap" not in one.notes
    with pytest.raises(AttributeError):
        one.n = 3
    wider = cl.evaluate(s, confidence=0.99)
    assert wider["recall"].low < one["recall"].low
    assert cl.evaluate(s.with_role("test")).role == "test"
    assert "test" in repr(cl.evaluate(s.with_role("test")))


@pytest.mark.parametrize(
    ("call", "kind", "says"),
    [
        (lambda: cl.evaluate(cl.Scores(y_score=[0.1], classes=[0, 1])), LabelError, "no truth"),
        (
            lambda: cl.evaluate(sample(), cl.fixed(0.5).choose(sample()), threshold=0.4),
            InputError,
            "the point has its own threshold",
        ),
        (lambda: cl.evaluate(several(), cl.fixed(0.5).choose(sample())), LabelError, "classes of the operating point"),
        (lambda: cl.evaluate(several(), threshold=0.5), CutlineError, "threshold"),
    ],
)
def test_questions_that_do_not_fit(call, kind, says):
    with pytest.raises(kind) as caught:
        call()
    assert says in str(caught.value)


def test_few_rows_are_said_to_be_few():
    assert any("no row of class 1" in note for note in cl.evaluate(ODD["one class"]()).notes)
    e = cl.evaluate(cl.Scores(y_true=[0] * 100 + [1] * 5, y_score=np.linspace(0, 1, 105), kind="probability"))
    assert any("only 5 row(s) of class 1" in note for note in e.notes)
