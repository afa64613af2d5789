"""Evaluation with few labels: the formulas, the draw, the coverage."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

import cutline as cl
from cutline.errors import InputError, LabelError, ScoreError, ShapeError
from cutline.evidence.few_labels import EffectiveProportion, LabelPlan, label_next, ppi, ppi_mean
from tests import naive

CLASSES = cl.Classes(["no", "yes"], "yes")
METRICS = [cl.accuracy, cl.precision, cl.recall, cl.specificity, cl.f1]


def world(n, seed, sure=1.0):
    """Probabilities (over-confident for sure > 1) and truth."""
    rng = np.random.default_rng(seed)
    z = rng.normal(-1.5, 1.5, n)
    return 1 / (1 + np.exp(-sure * z)), rng.uniform(size=n) < 1 / (1 + np.exp(-z))


def rows(p, y=None, keep=None, **more):
    """Scores with labels where `keep` says."""
    answers = None
    if y is not None:
        answers = np.full(len(p), None, dtype=object)
        keep = np.arange(len(p)) if keep is None else keep
        answers[keep] = np.where(y, "yes", "no")[keep]
    return cl.Scores(y_true=answers, y_score=p, classes=CLASSES, kind="probability", **more)


def truth_of(metric, p, y, at=0.5):
    return metric(cl.Counts(*naive.counts(p, y, at)))


# --- prediction-powered inference ---------------------------------------------------------------------------------


def test_lambda_0_is_students_t():
    from scipy import stats

    y = np.random.default_rng(0).normal(size=30)
    found = ppi_mean(y_true=y, y_predicted=y + 1, y_predicted_unlabelled=[0.0, 1.0, 5.0], lam=0)
    assert found.interval(0.9) == pytest.approx(stats.t.interval(0.9, 29, y.mean(), stats.sem(y)))
    assert found.method == "labels alone, t"


def test_the_tuned_lambda_has_the_least_error():
    rng = np.random.default_rng(1)
    f = rng.normal(size=2000)
    y = 0.7 * f[:200] + rng.normal(size=200)
    errors = {
        lam: ppi_mean(y_true=y, y_predicted=f[:200], y_predicted_unlabelled=f[200:], lam=lam).error
        for lam in np.linspace(0, 1, 101)
    }
    tuned = ppi_mean(y_true=y, y_predicted=f[:200], y_predicted_unlabelled=f[200:])
    assert tuned.error == pytest.approx(min(errors.values()), rel=0.01)  # the variance is pooled over both parts
    assert tuned.error < errors[0.0]
    assert tuned.error < errors[1.0]


def test_useless_predictions_are_not_trusted():
    y = np.array([0.0, 1, 0, 1, 1, 0])
    assert ppi_mean(y_true=y, y_predicted=1 - y, y_predicted_unlabelled=[0.0, 1.0]).lam == 0  # negative: kept at 0
    assert ppi_mean(y_true=y, y_predicted=np.full(6, 0.5), y_predicted_unlabelled=[0.5, 0.5]).lam == 0


def test_perfect_predictions_of_all_rows_count_as_labels():
    y = world(4000, 2)[1]
    few, others = y[:100].astype(float), y[100:].astype(float)
    found = ppi_mean(y_true=few, y_predicted=few, y_predicted_unlabelled=others, lam=1)
    assert found.value == others.mean()
    assert found.error == pytest.approx(others.std(ddof=1) / math.sqrt(3900))


@pytest.mark.parametrize("metric", METRICS)
def test_with_all_labels_it_is_the_metric(metric):
    p, y = world(300, 3)
    found = ppi(metric, rows(p, y), at=0.5)
    assert found.value == pytest.approx(truth_of(metric, p, y))
    plain = cl.estimate(metric, rows(p, y), at=0.5)
    assert (found.low, found.high) == pytest.approx((plain.low, plain.high), abs=0.01)


def test_accuracy_is_the_powered_mean_of_being_right():
    p, y = world(1000, 4)
    keep = np.random.default_rng(4).permutation(1000)[:150]
    other = np.setdiff1d(np.arange(1000), keep)
    right, expected = ((p >= 0.5) == y).astype(float), np.where(p >= 0.5, p, 1 - p)
    by_hand = ppi_mean(y_true=right[keep], y_predicted=expected[keep], y_predicted_unlabelled=expected[other])
    found = ppi(cl.accuracy, rows(p, y, keep), at=0.5)
    assert found.value == pytest.approx(by_hand.value)
    assert found.ingredients.error == pytest.approx(by_hand.error)
    assert found.n == 150


def test_prevalence_needs_no_threshold():
    p, y = world(1000, 5)
    found = ppi(cl.prevalence, rows(p, y, np.arange(100)))
    assert found.low < y.mean() < found.high


def test_labels_that_do_not_speak_of_it_leave_it_undefined():
    p, y = np.array([0.9, 0.1, 0.2, 0.3, 0.8]), np.array([True, False, False, False, True])
    found = ppi(cl.precision, rows(p, y, [1, 2, 3]), at=0.5)
    assert math.isnan(found.value)
    assert found.state == "undefined"
    assert ppi(cl.recall, rows(p, y, [1, 2, 3]), at=0.5).state == "undefined"


def test_labels_without_an_error_still_have_an_interval():
    p, y = world(500, 6)
    right = np.flatnonzero((p >= 0.5) == y)[:20]
    found = ppi(cl.accuracy, rows(p, y, right), at=0.5)
    assert (found.value, found.state, found.high) == (1.0, "degenerate", 1.0)
    assert 0.7 < found.low < 0.9


# --- which rows to label ------------------------------------------------------------------------------------------


def test_rows_are_drawn_once_and_stand_for_all():
    p, _ = world(3000, 7)
    plan = label_next(rows(p), k=150, at=0.5, metric=cl.recall, seed=1)
    assert len(plan.rows) == len(set(plan.rows.tolist())) == 150
    assert (np.diff(plan.rows) > 0).all()
    assert (plan.labelled == plan.rows).all()
    assert sum(plan.drawn) == 150
    assert min(plan.drawn) >= 2
    assert (1 / plan.probability).sum() == pytest.approx(3000)
    again = label_next(rows(p), k=150, at=0.5, metric=cl.recall, seed=1)
    assert (again.rows == plan.rows).all()
    assert (label_next(rows(p), k=150, at=0.5, metric=cl.recall, seed=2).rows != plan.rows).any()


def test_no_stratum_is_cut_by_the_threshold():
    p, _ = world(3000, 8)
    for at in (0.05, 0.5, 0.97):
        assert at in label_next(rows(p), at=at, metric=cl.accuracy).edges


def test_precision_asks_for_flagged_rows_alone():
    p, _ = world(3000, 9)
    assert (p[label_next(rows(p), k=50, at=0.5, metric=cl.precision).rows] >= 0.5).all()


def test_more_labels_where_they_tell_more():
    p, _ = world(20000, 10)
    plan = label_next(rows(p), k=400, at=0.5, metric=cl.accuracy)
    rate = 1 / np.array(
        [
            plan.probability[p[plan.rows] < 0.1].mean(),
            plan.probability[(p[plan.rows] > 0.4) & (p[plan.rows] < 0.6)].mean(),
        ]
    )
    assert rate[0] > 1.5 * rate[1]


def test_a_second_round_adds_to_the_first():
    p, y = world(3000, 11)
    one = label_next(rows(p), k=100, at=0.5, metric=cl.f1)
    two = label_next(rows(p), k=120, at=0.5, metric=cl.f1, already=one, seed=5)
    assert not set(one.rows.tolist()) & set(two.rows.tolist())
    assert set(two.labelled.tolist()) == set(one.rows.tolist()) | set(two.rows.tolist())
    assert len(two.rows) == 120
    found = two.estimate(rows(p, y, two.labelled))
    assert found.n == 220
    assert found.low < truth_of(cl.f1, p, y) < found.high


def test_all_rows_that_matter_are_the_most_that_are_asked_for():
    p, y = world(200, 12)
    plan = label_next(rows(p), k=10_000, at=0.5, metric=cl.precision)
    assert sorted(plan.rows) == np.flatnonzero(p >= 0.5).tolist()
    assert plan.estimate(rows(p, y, plan.rows)).value == pytest.approx(truth_of(cl.precision, p, y))


def test_the_estimate_weighs_rows_back():
    p, y = world(2000, 13)
    plan = label_next(rows(p), k=120, at=0.5, metric=cl.recall)
    weight = 1 / plan.probability
    hit, truth = p[plan.rows] >= 0.5, y[plan.rows]
    assert plan.estimate(rows(p, y, plan.rows)).value == pytest.approx(weight @ (hit & truth) / (weight @ truth))
    other = plan.estimate(rows(p, y, plan.rows), metric=cl.accuracy, at=0.3)
    assert other.value == pytest.approx(weight @ ((p[plan.rows] >= 0.3) == truth) / 2000)


def test_labels_that_were_not_drawn_are_not_looked_at():
    p, y = world(2000, 14)
    plan = label_next(rows(p), k=100, at=0.5, metric=cl.recall)
    assert plan.estimate(rows(p, y)).value == plan.estimate(rows(p, y, plan.rows)).value


def test_ids_are_handed_out():
    p, _ = world(500, 15)
    names = np.array([f"r{i}" for i in range(500)])
    plan = label_next(rows(p, ids=names), k=60, at=0.5, metric=cl.recall)
    assert (plan.ids == names[plan.rows]).all()
    assert json.loads(json.dumps(plan.to_dict()))["ids"][0] == plan.ids[0]


def test_logits_are_cut_on_their_own_scale():
    p = world(1000, 16)[0]
    z = np.log(p / (1 - p))
    logits = cl.Scores(y_score=z, classes=CLASSES, kind="logit")
    assert (
        label_next(logits, k=80, at=0.0, metric=cl.recall).rows
        == label_next(rows(p), k=80, at=0.5, metric=cl.recall).rows
    ).all()


def test_what_cannot_be_used_is_refused():
    p, y = world(400, 17)
    plan = label_next(rows(p), k=60, at=0.5, metric=cl.precision)
    with pytest.raises(LabelError, match="without a label"):
        plan.estimate(rows(p, y, plan.rows[1:]))
    with pytest.raises(InputError, match="strata without labels"):
        plan.estimate(rows(p, y, plan.rows), metric=cl.recall)
    with pytest.raises(ShapeError, match="plan was made for"):
        plan.estimate(rows(p[:300], y[:300]))
    with pytest.raises(ShapeError):
        label_next(rows(p[:300]), at=0.5, metric=cl.precision, already=plan)
    for metric in (cl.mcc, cl.roc_auc):
        with pytest.raises(InputError, match="ratio of counts"):
            label_next(rows(p), at=0.5, metric=metric)
        with pytest.raises(InputError, match="ratio of counts"):
            ppi(metric, rows(p, y), at=0.5)
    with pytest.raises(InputError, match="threshold"):
        label_next(rows(p), metric=cl.recall)
    with pytest.raises(InputError, match="at least"):
        label_next(rows(p), k=1, at=0.5, metric=cl.recall)
    with pytest.raises(InputError, match="cannot tell"):
        label_next(rows(p), at=2.0, metric=cl.precision)
    for name in ("weight", "groups"):
        with pytest.raises(InputError, match=name):
            label_next(rows(p, **{name: np.ones(400)}), at=0.5, metric=cl.recall)
        with pytest.raises(InputError, match=name):
            ppi(cl.recall, rows(p, y, **{name: np.ones(400)}), at=0.5)
    with pytest.raises(ScoreError, match="'rank'"):
        label_next(cl.Scores(y_score=p, classes=CLASSES, kind="rank"), at=0.5, metric=cl.recall)
    with pytest.raises(LabelError, match="no truth"):
        ppi(cl.recall, rows(p), at=0.5)
    with pytest.raises(InputError, match="confidence"):
        ppi(cl.recall, rows(p, y), at=0.5, confidence=1.0)
    with pytest.raises(ShapeError):
        ppi_mean(y_true=[1, 0], y_predicted=[0.5], y_predicted_unlabelled=[0.5])
    with pytest.raises(ShapeError):
        ppi_mean(y_true=[], y_predicted=[], y_predicted_unlabelled=[0.5])
    with pytest.raises(InputError):
        ppi_mean(y_true=[1, math.nan], y_predicted=[0.5, 0.5], y_predicted_unlabelled=[0.5])


def test_ingredients_at_the_ends():
    assert EffectiveProportion(math.nan, 0.1, 5, 5, "x").state == "undefined"
    assert EffectiveProportion(0.5, 0.1, 0, 5, "x").state == "insufficient"
    assert math.isnan(EffectiveProportion(0.5, 0.1, 0, 5, "x").interval(0.9)[0])
    low, high = EffectiveProportion(0.0, 0.0, 19, 20, "x").interval(0.95)
    assert low == 0
    assert 0.1 < high < 0.3
    assert isinstance(label_next(rows(world(300, 0)[0]), k=40, at=0.5, metric=cl.recall), LabelPlan)


@pytest.mark.slow
@pytest.mark.parametrize("sure", [1.0, 2.0])
@pytest.mark.parametrize("metric", METRICS)
def test_intervals_cover(metric, sure):
    """95 % intervals of both ways, 120 labels of 1,500 rows, against the figure of two million rows."""
    target, runs = truth_of_many(metric, sure), 400
    hits = np.zeros(3)
    for r in range(runs):
        p, y = world(1500, 1000 + r, sure)
        plan = label_next(rows(p), k=120, at=0.5, metric=metric, seed=r)
        pick = np.random.default_rng(r).permutation(1500)[:120]
        powered, alone = (ppi(metric, rows(p, y, pick), at=0.5, lam=lam) for lam in (None, 0.0))
        stratified = plan.estimate(rows(p, y, plan.rows))
        covered = [found.low <= target <= found.high for found in (stratified, powered)]
        hits += [*covered, stratified.high - stratified.low < alone.high - alone.low]
    error = math.sqrt(0.95 * 0.05 / runs)
    assert 0.925 - 3 * error <= hits[0] / runs
    assert 0.925 - 3 * error <= hits[1] / runs
    assert hits[2] / runs > 0.6  # the draw is worth its while


def truth_of_many(metric, sure):
    p, y = world(2_000_000, 99, sure)
    f = p >= 0.5
    return metric(cl.Counts(*(int(c.sum()) for c in (f & y, f & ~y, ~f & y, ~f & ~y))))
