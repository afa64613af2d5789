from __future__ import annotations

import json
import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

import cutline as cl
from cutline.errors import CutlineError, InputError, LabelError, ScoreError, UndefinedWarning, UnknownName
from cutline.metrics import METRICS, Constraint, decided, find, from_matrix
from tests import naive

settings.register_profile("tests", max_examples=150, deadline=None, derandomize=True, database=None)
settings.load_profile("tests")

PROBABILITIES = st.one_of(
    st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]),  # ties, and the ends that log loss clips
    st.floats(0, 1, allow_subnormal=True),
)
WEIGHTS = st.one_of(st.just(0.0), st.integers(1, 3).map(float), st.floats(0.01, 100))


@st.composite
def rows(draw, k=2, weighted=None):
    n = draw(st.integers(1, 12))
    y = draw(st.lists(st.integers(0, k - 1), min_size=n, max_size=n))
    p = draw(st.lists(PROBABILITIES, min_size=n, max_size=n))
    w = None
    if draw(st.booleans()) if weighted is None else weighted:
        w = np.array(draw(st.lists(WEIGHTS, min_size=n, max_size=n)))
        w[0] = w[0] or 1.0
    return np.array(y), np.array(p), w


def scores(y, p, w=None, **about):
    return cl.Scores(y_true=y, y_score=p, weight=w, classes=[0, 1], **{"kind": "probability", **about})


def close(got, expected):
    """Equal to 1e-12 relative; what cancels (a difference of sums) to 1e-13 absolute."""
    if math.isnan(expected):
        assert math.isnan(got)
    else:
        assert got == pytest.approx(expected, rel=1e-12, abs=1e-13)


@given(rows())
def test_ranking_equals_scikit_learn_and_the_naive_twins(data):
    y, p, w = data
    s = scores(y, p, w)
    keep = slice(None) if w is None else w > 0
    y, p, w = y[keep], p[keep], None if w is None else w[keep]
    both = 0 < y.sum() < len(y)
    close(cl.roc_auc.value(s), sk.roc_auc_score(y, p, sample_weight=w) if both else math.nan)
    close(cl.average_precision.value(s), sk.average_precision_score(y, p, sample_weight=w) if y.any() else math.nan)
    if both:
        close(cl.roc_auc(s), naive.auc(p, y, w))
        close(cl.average_precision(s), naive.average_precision(p, y, w))


@given(rows())
def test_probability_scores_equal_scikit_learn(data):
    y, p, w = data
    s = scores(y, p, w)
    close(cl.log_loss(s), sk.log_loss(y, p, labels=[0, 1], sample_weight=w))
    close(cl.brier(s), sk.brier_score_loss(y, p, labels=[0, 1], pos_label=1, sample_weight=w))
    close(cl.prediction_bias(s), np.average(p, weights=w) - np.average(y, weights=w))


REFERENCE = {
    "accuracy": sk.accuracy_score,
    "precision": lambda y, d, **k: sk.precision_score(y, d, zero_division=np.nan, **k),
    "recall": lambda y, d, **k: sk.recall_score(y, d, zero_division=np.nan, **k),
    "specificity": lambda y, d, **k: sk.recall_score(y, d, pos_label=0, zero_division=np.nan, **k),
    "npv": lambda y, d, **k: sk.precision_score(y, d, pos_label=0, zero_division=np.nan, **k),
    "f1": lambda y, d, **k: sk.f1_score(y, d, zero_division=np.nan, **k),
    "f2": lambda y, d, **k: sk.fbeta_score(y, d, beta=2, zero_division=np.nan, **k),
    "f0.5": lambda y, d, **k: sk.fbeta_score(y, d, beta=0.5, zero_division=np.nan, **k),
    "mcc": sk.matthews_corrcoef,
    "balanced_accuracy": sk.balanced_accuracy_score,
}


@given(rows(), PROBABILITIES)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning", "ignore:y_pred contains classes")
@pytest.mark.filterwarnings("ignore:A single label was found")
def test_counts_and_what_is_made_of_them_equal_scikit_learn(data, at):
    y, p, w = data
    s, decision = scores(y, p, w), (p >= at).astype(int)
    table = cl.ThresholdTable.from_scores(s)
    matrix = sk.confusion_matrix(y, decision, labels=[0, 1], sample_weight=w)
    counts = table.counts(at)
    ours = [[counts.tn, counts.fp], [counts.fn, counts.tp]]
    if w is None:
        assert ours == matrix.tolist()
        assert cl.confusion_matrix(s, decided(s, at)).tolist() == matrix.tolist()
    np.testing.assert_allclose(ours, matrix, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(cl.confusion_matrix(s, decided(s, at)), matrix, rtol=1e-12)
    present = s.known()
    for name, reference in REFERENCE.items():
        one_sided = not 0 < present.n_pos < present.n or (name == "mcc" and len(set(decided(present, at))) == 1)
        if name in ("mcc", "balanced_accuracy") and one_sided:
            close(find(name).value(counts), math.nan)  # scikit-learn says 0 or leaves the class out; we say undefined
        else:
            close(find(name).value(counts), reference(y, decision, sample_weight=w))
            close(find(name).value(s, at=at), find(name).value(counts))


@given(rows(k=4))
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning", "ignore:y_pred contains classes")
@pytest.mark.filterwarnings("ignore:A single label was found")
def test_several_classes_equal_scikit_learn(data):
    y, p, w = data
    z = np.cos(np.outer(p * 50 + 1, np.arange(1, 5)))
    q = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    s = cl.Scores(y_true=y, y_score=q, weight=w, classes=range(4), kind="probability")
    said = decided(s)
    assert said.tolist() == q.argmax(axis=1).tolist()
    close(cl.log_loss(s), sk.log_loss(y, q, labels=range(4), sample_weight=w))
    close(cl.brier(s), float(np.average(np.square(q - np.eye(4)[y]).sum(axis=1), weights=w)))
    matrix = cl.confusion_matrix(s, said)
    np.testing.assert_allclose(matrix, sk.confusion_matrix(y, said, labels=range(4), sample_weight=w), rtol=1e-12)
    close(cl.accuracy(s), sk.accuracy_score(y, said, sample_weight=w))
    close(cl.balanced_accuracy(s), sk.balanced_accuracy_score(y, said, sample_weight=w))
    labels = np.unique(np.concatenate([y, said])[np.tile(np.ones(len(y)) if w is None else w, 2) > 0])
    for average in ("macro", "micro", "weighted"):
        for metric in (cl.precision, cl.recall, cl.f1):
            ours = find(f"{average}_{metric.name}").value(s)
            if average == "macro":  # the mean over the classes where it is defined, as caret takes it
                each = [metric.value(from_matrix(matrix, k)) for k in range(4)]
                defined = [e for e in each if not math.isnan(e)]
                close(ours, float(np.mean(defined)) if defined else math.nan)
            elif average == "micro":
                reference = getattr(sk, f"{metric.name}_score")
                close(ours, reference(y, said, labels=labels, average="micro", zero_division=np.nan, sample_weight=w))


def test_macro_auc_is_the_one_vs_rest_mean():
    rng = np.random.default_rng(0)
    q = rng.dirichlet([1, 1, 1], 60).round(2)
    q[:, 2] = 1 - q[:, 0] - q[:, 1]
    y = rng.integers(0, 3, 60)
    s = cl.Scores(y_true=y, y_score=q, kind="probability")
    for average in ("macro", "weighted"):
        close(find(f"{average}_roc_auc")(s), sk.roc_auc_score(y, q, multi_class="ovr", average=average))
        close(
            find(f"{average}_average_precision")(s),
            sk.average_precision_score(np.eye(3)[y], q, average=average),
        )


# --- the table ------------------------------------------------------------------------------------------------------


@given(rows(), st.lists(st.floats(allow_nan=False), max_size=4))
def test_the_table_decides_like_the_comparison(data, cuts):
    y, p, w = data
    table = cl.ThresholdTable.from_scores(scores(y, p, w))
    for at in [*cuts, *p, *np.nextafter(p, 2), *np.nextafter(p, -1), math.inf, -math.inf]:
        expected = naive.counts(p, y, at, w)
        c = table.counts(at)
        assert (c.tp, c.fp, c.fn, c.tn) == pytest.approx(expected, rel=1e-12, abs=1e-12)
        flagged = (p >= at) & (True if w is None else w > 0)
        assert table.rows(at).flagged == flagged.sum()
        assert table.squares(at).flagged == pytest.approx(flagged.sum() if w is None else (w[flagged] ** 2).sum())
    with pytest.raises(InputError, match="nan"):
        table.counts(math.nan)
    assert (np.diff(table.thresholds) < 0).all()
    assert table.thresholds[0] == math.inf
    whole = table.counts()
    assert len(table) == len(whole.tp) == len(np.unique(p if w is None else p[w > 0])) + 1
    assert (whole.total == pytest.approx(table.positives + table.negatives)) if w is None else True
    json.dumps(table.to_dict(), allow_nan=False)


def test_the_table_is_read_only_and_refuses_what_has_no_order():
    table = cl.ThresholdTable.from_scores(scores([0, 1, 1], [0.1, 0.2, 0.2], [1, 2, 3]))
    for values in (table.thresholds, table.tp, table.fp):
        assert not values.flags.writeable
    assert repr(table) == "ThresholdTable(2 distinct scores, 2 positive, 1 negative, weighted)"
    with pytest.raises(ScoreError, match="predicted labels"):
        cl.ThresholdTable.from_scores(scores([0, 1], [0, 1], kind="label"))
    with pytest.raises(LabelError, match="one_vs_rest"):
        cl.ThresholdTable.from_scores(cl.Scores(y_true=[0, 1, 2], y_score=np.eye(3), kind="probability"))


def test_the_weights_of_a_table_are_read_only():
    table = cl.ThresholdTable.from_scores(scores([0, 1, 1], [0.1, 0.2, 0.2], [1, 2, 3]))
    for name in ("tp", "fp", "tp2", "fp2"):
        assert not getattr(table.weights, name).flags.writeable


def test_a_table_built_by_hand_leaves_the_callers_arrays_writable():
    at, tp, fp = np.array([np.inf, 0.5]), np.array([0, 1]), np.array([0, 1])
    cl.ThresholdTable(at, tp, fp)
    assert at.flags.writeable


def test_thinning_keeps_the_ends_and_what_is_asked_for():
    p = np.linspace(0, 1, 5001)
    table = cl.ThresholdTable.from_scores(scores((p > 0.3).astype(int), p))
    kept = table.thinned(100, keep=(0.1234, 0.9999))
    assert kept[0] == 0
    assert kept[-1] == len(table) - 1
    assert {table.index(0.1234), table.index(0.9999)} <= set(kept.tolist())
    assert len(kept) <= 104
    assert (np.diff(kept) > 0).all()


# --- counts, metrics and constraints as values ----------------------------------------------------------------------


@pytest.mark.parametrize("bad", [-1, math.nan, math.inf, "3", None, True])
def test_counts_are_finite_and_not_negative(bad):
    with pytest.raises(InputError) as caught:
        cl.Counts(tp=1, fp=bad, fn=1, tn=1)
    assert caught.value.argument == "fp"


def test_counts_add_swap_and_total():
    c = cl.Counts(tp=1, fp=2, fn=3, tn=4) + cl.Counts(tp=10, fp=20, fn=30, tn=40)
    assert (c.tp, c.fp, c.fn, c.tn, c.total, c.flagged, c.positives, c.negatives) == (11, 22, 33, 44, 110, 33, 44, 66)
    assert c.swapped() == cl.Counts(tp=44, fp=33, fn=22, tn=11)
    assert c.to_dict() == {"tp": 11, "fp": 22, "fn": 33, "tn": 44}
    assert from_matrix(np.array([[4, 2], [3, 1]]), 1) == cl.Counts(tp=1, fp=2, fn=3, tn=4)


UNDEFINED = [
    ("precision", (0, 0, 3, 4)),
    ("recall", (0, 2, 0, 4)),
    ("specificity", (1, 0, 2, 0)),
    ("npv", (1, 2, 0, 0)),
    ("fpr", (1, 0, 2, 0)),
    ("fnr", (0, 2, 0, 4)),
    ("f1", (0, 0, 0, 4)),
    ("mcc", (0, 0, 3, 4)),
    ("mcc", (3, 4, 0, 0)),
    ("balanced_accuracy", (1, 0, 2, 0)),
    ("accuracy", (0, 0, 0, 0)),
]


@pytest.mark.parametrize(("name", "cells"), UNDEFINED)
def test_zero_over_zero_is_nan_with_a_warning_never_zero(name, cells):
    metric = METRICS[name]
    assert math.isnan(metric.value(cl.Counts(*cells)))
    with pytest.warns(UndefinedWarning, match=f"{name} is undefined here: {metric.undefined}"):
        assert math.isnan(metric(cl.Counts(*cells)))
    over = metric(cl.Counts(*(np.array([c, 5]) for c in cells)))  # arrays over thresholds carry nan without a word
    assert math.isnan(over[0])
    assert not math.isnan(over[1])


def test_a_matrix_and_its_counts_agree_also_where_undefined():
    for cells in ((3, 2, 1, 4), (1, 0, 2, 0), (0, 2, 0, 4)):
        c = cl.Counts(*cells)
        matrix = np.array([[c.tn, c.fp], [c.fn, c.tp]])
        for metric in (cl.accuracy, cl.mcc, cl.balanced_accuracy):
            close(metric.value(matrix), metric.value(c))


@pytest.mark.parametrize(("tp", "tn"), [(20, 20), (1, 1), (3, 7), (99, 12_345)])
def test_the_ends_of_mcc_are_exact(tp, tn):
    assert cl.mcc(cl.Counts(tp=tp, fp=0, fn=0, tn=tn)) == 1.0
    assert cl.mcc(cl.Counts(tp=0, fp=tn, fn=tp, tn=0)) == -1.0


@pytest.mark.parametrize("seed", range(20))
def test_weighted_mcc_of_one_decided_class_is_undefined(seed):
    rng = np.random.default_rng(seed)
    matrix = np.zeros((5, 5))
    matrix[:, 2] = rng.uniform(size=5)
    assert math.isnan(cl.mcc.value(matrix))


def test_large_counts_do_not_overflow():
    c = cl.Counts(tp=4_000_000_000, fp=1_000_000_000, fn=1_000_000_000, tn=4_000_000_000)
    assert cl.mcc(c) == pytest.approx(0.6, rel=1e-12)
    n = 3_000_000_000
    table = cl.ThresholdTable(np.array([np.inf, 0.5, 0.1]), np.array([0, n, n]), np.array([0, 0, n]))
    assert cl.roc_auc(table) == 1.0


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_describes_itself(name):
    metric = METRICS[name]
    assert metric.name == name
    assert metric.label
    assert metric.formula
    assert metric.chance
    assert metric.undefined
    low, high = metric.range
    assert low < high
    assert math.isnan(metric.perfect) or low <= metric.perfect <= high
    if metric.maximize is not None:
        assert metric.perfect == (high if metric.maximize else low)
    assert pickle.loads(pickle.dumps(metric)) is metric
    assert metric.formula in repr(metric)
    assert json.loads(json.dumps(metric.to_dict()))["name"] == name
    for synonym in (name, *metric.synonyms, name.upper().replace("_", "-"), f" {name.replace('_', ' ')} "):
        assert find(synonym) is metric
    if name not in ("flagged_rate", "prevalence", "lift", "coverage_error"):  # what is perfect depends on the data
        perfect = scores([0, 0, 1, 1], [0.0, 0.0, 1.0, 1.0])
        if "binary" not in metric.tasks:
            in_order = cl.Classes([0, 1, 2], ordered=True)
            perfect = cl.Scores(y_true=[0, 1, 2], y_score=np.eye(3), kind="probability", classes=in_order)
        if "multilabel" in metric.tasks:
            perfect = cl.MultiLabel(y_true=np.eye(3), y_score=np.eye(3), kind="probability")
        assert metric.value(perfect, at=0.5) == pytest.approx(metric.perfect, abs=1e-15)


def test_no_two_metrics_share_a_name():
    names = [n for m in METRICS.values() for n in (m.name, *m.synonyms)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    "name", ["f0.3333333333333333", "f_2", "F1_score", "macro_f2", "micro precision", "weighted-recall"]
)
def test_names_with_parts(name):
    metric, matrix = find(name), np.array([[5, 1], [2, 8]])
    data = matrix if metric.of_matrix else cl.Counts(tp=8, fp=1, fn=2, tn=5)
    assert find(metric.name).value(data) == metric.value(data)
    assert 0 < metric.value(data) < 1


@pytest.mark.parametrize(
    ("call", "kind", "says"),
    [
        (lambda: find("recal"), UnknownName, "did you mean 'recall'"),
        (lambda: find(""), UnknownName, "metric"),
        (lambda: find("macro_"), UnknownName, "metric"),
        (lambda: cl.f_beta(0), InputError, "a number above 0"),
        (lambda: cl.f_beta(math.inf), InputError, "beta"),
        (lambda: cl.micro(cl.log_loss), InputError, "one class against the rest"),
        (lambda: cl.macro(cl.log_loss), InputError, "one class against the rest"),
        (lambda: cl.precision >= 90, InputError, "write 0.9 for 90 %"),
        (lambda: cl.precision >= math.nan, InputError, "from 0 to 1"),
        (lambda: Constraint.parse("precision > 0.9"), InputError, "precision>=0.90"),
        (lambda: Constraint.parse("precision>=90%"), InputError, "precision>=0.90"),
        (lambda: Constraint.parse("precisoin>=0.9"), UnknownName, "'precision'"),
        (lambda: cl.recall(scores([0, 1], [0.1, 0.9])), ScoreError, "for example at=0.5"),
        (lambda: cl.recall(np.eye(3)), InputError, "ndarray for recall"),
        (lambda: cl.roc_auc(cl.Counts(1, 1, 1, 1)), InputError, "a ThresholdTable"),
        (lambda: cl.precision(cl.Scores(y_true=[0, 1, 2], y_score=np.eye(3))), LabelError, "macro(precision)"),
        (lambda: cl.log_loss(scores([0, 1], [3, 4], kind="rank")), ScoreError, "calibrate"),
        (lambda: cl.roc_auc(scores([0, 1], [0, 1], kind="label")), ScoreError, "predicted labels"),
        (lambda: cl.recall(cl.Scores(y_score=[0.1], classes=[0, 1]), at=0.5), LabelError, "no truth"),
    ],
)
def test_questions_that_have_no_answer(call, kind, says):
    with pytest.raises(kind) as caught:
        call()
    assert says in str(caught.value)


def test_constraints_are_values():
    c = cl.precision >= 0.9
    assert (c.metric, c.op, c.bound) == (cl.precision, ">=", 0.9)
    assert (0.9 <= cl.precision).op == ">="  # noqa: SIM300 - reflected
    assert (cl.fpr <= 0.1).holds(0.1)
    assert not c.holds(math.nan)
    assert c.holds(np.array([0.9, 0.89, math.nan])).tolist() == [True, False, False]
    assert c.slack(0.95) == pytest.approx(0.05)
    assert (cl.fpr <= 0.1).slack(0.3) == pytest.approx(-0.2)
    parsed = Constraint.parse(" Sensitivity >= 5e-1 ")
    assert (parsed.metric, parsed.op, parsed.bound) == (cl.recall, ">=", 0.5)
    assert str(c) == "precision >= 0.9"


@given(st.floats(0, 1))
def test_a_constraint_survives_its_own_text(bound):
    assert Constraint.parse(str(cl.precision >= bound)).bound == bound


@pytest.mark.parametrize(
    "decision",
    [
        np.array([0, 2, 1]),
        np.array([0, -1, 1]),
        np.array([0, 1]),
        np.array(["ham", "spam", "ham"]),
        np.array([0.0, 0.5, 1.0]),
    ],
    ids=["no such class", "negative", "short", "labels", "fractions"],
)
def test_decisions_that_are_no_codes_are_refused(decision):
    s = scores([0, 1, 1], [0.1, 0.2, 0.3])
    for call in (lambda: cl.confusion_matrix(s, decision), lambda: cl.evaluate(s, decision=decision)):
        with pytest.raises(CutlineError):
            call()


def test_clipping_is_counted():
    from cutline.metrics.probability import n_clipped

    s = scores([1, 0, 1, 0], [1.0, 0.0, 0.0, 0.25])
    assert n_clipped(s) == 1
    assert cl.log_loss(s) == pytest.approx(sk.log_loss([1, 0, 1, 0], [1.0, 0.0, 0.0, 0.25]), rel=1e-12)


def test_nan_is_no_threshold():
    table = cl.ThresholdTable.from_scores(cl.Scores(y_true=[0, 1], y_score=[0.2, 0.7], kind="probability"))
    with pytest.raises(InputError, match="nan"):
        cl.recall(table, at=float("nan"))
    assert cl.recall(table, at=float("inf")) == 0


def test_counts_at_some_thresholds_need_no_array_of_all():
    rng = np.random.default_rng(0)
    scores = cl.Scores(y_true=rng.random(500) < 0.4, y_score=rng.random(500).round(2), kind="probability")
    fresh, made = cl.ThresholdTable.from_scores(scores), cl.ThresholdTable.from_scores(scores)
    at = np.array([0.5, np.inf, 0.31, 0.315, 0.5, -np.inf, 0.0, 1.0])
    assert len(made.thresholds)  # its arrays exist from now on
    one, two = fresh.counts_at(at), made.counts_at(at)
    for name in ("tp", "fp", "fn", "tn"):
        assert np.array_equal(getattr(one, name), getattr(two, name))
        assert getattr(one, name).tolist() == [getattr(fresh.counts(t), name) for t in at]
