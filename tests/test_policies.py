"""Policies beyond one threshold: umbrella, capacity, prevalence, abstention, costs by row, several classes."""

from __future__ import annotations

import itertools
import json
import math

import numpy as np
import pytest
from scipy import stats

import cutline as cl
from cutline.decision import Band, MostProbable, Offsets, OperatingPoint, Threshold, TopShare, umbrella_rank
from cutline.decision.order import p_value
from cutline.errors import (
    CutlineError,
    Infeasible,
    InputError,
    LabelError,
    NotCertifiable,
    RoleError,
    ScoreError,
    ShapeError,
)
from cutline.metrics import Constraint, Counts, ThresholdTable, find


def made(y, p, kind="probability", **about):
    return cl.Scores(y_true=y, y_score=p, classes=[0, 1], kind=kind, **about)


def drawn(n, seed=0, prevalence=0.3, shift=1.5, kind="probability", **about):
    """Calibrated probabilities of two normals, or the normals themselves."""
    rng = np.random.default_rng(seed)
    y = (rng.uniform(size=n) < prevalence).astype(int)
    z = rng.normal(y * shift)
    odds = shift * z - shift**2 / 2 + math.log(prevalence / (1 - prevalence))
    return made(y, z if kind == "rank" else 1 / (1 + np.exp(-odds)), kind, **about)


def several(n, seed=0, k=3, kind="logit", classes=None, **about):
    rng = np.random.default_rng(seed)
    prior = np.arange(1, k + 1.0) ** 2
    prior /= prior.sum()
    y = rng.choice(k, size=n, p=prior)
    z = 2 * np.eye(k)[y] + rng.normal(size=(n, k))
    z = 2 * z + np.log(prior)  # the posterior of this draw, up to a constant of the row
    score = z if kind == "logit" else np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    classes = cl.Classes([f"c{i}" for i in range(k)]) if classes is None else classes
    return cl.Scores(y_true=np.array(classes.names)[y], y_score=score, classes=classes, kind=kind, **about)


def again(point):
    return OperatingPoint.from_dict(json.loads(json.dumps(point.to_dict(), allow_nan=False)))


# --- the umbrella ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "alpha", "delta"), [(59, 0.05, 0.05), (200, 0.1, 0.05), (1000, 0.01, 0.1), (29, 0.1, 0.05)]
)
def test_the_umbrella_rank_is_the_smallest_that_is_safe(n, alpha, delta):
    k = umbrella_rank(n, alpha, delta)
    assert stats.binom.sf(k - 1, n, 1 - alpha) <= delta < stats.binom.sf(k - 2, n, 1 - alpha)
    assert umbrella_rank(math.ceil(math.log(delta) / math.log(1 - alpha)) - 1, alpha, delta) is None


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("constraint", [cl.fpr <= 0.1, cl.specificity >= 0.9, cl.recall >= 0.8, cl.fnr <= 0.2], ids=str)
def test_a_bound_on_one_class_needs_no_second_half(constraint, dtype):
    aim = cl.recall if constraint.metric.name in ("fpr", "specificity") else cl.precision
    s = drawn(500, 1, kind="rank")
    s = made(s.truth, np.round(s.score, 2).astype(dtype), "rank")  # with ties
    point = cl.maximize(aim, subject_to=[constraint], confidence=0.9).choose(s)
    assert (point.grade, point.is_certified) == ("guaranteed", True)
    assert point.certified_on == point.chosen_on == s.fingerprint
    assert point.certified_on.n == 500
    row = point.constraints[0]
    assert constraint.holds(row.bound)
    wrong = s.score[~s.is_positive] if aim is cl.recall else -s.score[s.is_positive]
    errors = wrong >= point.threshold if aim is cl.recall else -wrong < point.threshold
    alpha = 0.1 if aim is cl.recall else 0.2
    assert stats.binom.cdf(errors.sum(), len(wrong), alpha) <= 0.1  # the exact test at the cut
    # The next cut would flag (or miss) one group more and fail it.
    beyond = np.unique(wrong)[::-1]
    one_more = beyond[beyond < point.threshold][0] if aim is cl.recall else None
    if one_more is not None:
        assert stats.binom.cdf((wrong >= one_more).sum(), len(wrong), alpha) > 0.1


def test_too_few_rows_of_the_class_say_how_many_would_do():
    with pytest.raises(NotCertifiable) as caught:
        cl.maximize(cl.recall, subject_to=[cl.fpr <= 0.05], confidence=0.95).choose(drawn(70, 2, prevalence=0.3))
    assert caught.value.n_needed == 59
    assert "negative certify rows" in str(caught.value)
    assert caught.value.nearest is not None


def test_the_umbrella_may_serve_an_aim_that_wants_a_higher_cut():
    s = drawn(2000, 3)
    free = cl.maximize(cl.f1).choose(s).threshold
    loose = cl.maximize(cl.f1, subject_to=[cl.fpr <= 0.9], confidence=0.9).choose(s)
    assert loose.threshold == free
    tight = cl.maximize(cl.f1, subject_to=[cl.fpr <= 0.01], confidence=0.9).choose(s)
    assert tight.threshold > free


# --- capacity -------------------------------------------------------------------------------------------------------


def test_a_capacity_is_filled_and_never_exceeded():
    s = drawn(1000, 4)
    point = cl.capacity(50, of=1000).choose(s)
    assert (point.decide(s) == 1).sum() == 50
    assert cl.capacity(rate=0.05).choose(s).threshold == point.threshold
    tied = made([1, 0, 1, 0, 1, 0, 0, 0, 0, 0], [0.9, 0.8, 0.7, 0.7, 0.7, 0.7, 0.1, 0.1, 0.1, 0.1], ids=np.arange(10))
    flagged = {
        ties: (cl.capacity(rate=0.4, ties=ties).choose(tied).decide(tied) == 1).sum()
        for ties in ("none", "all", "hash")
    }
    assert flagged["none"] == 2
    assert flagged["all"] == 6
    assert 2 <= flagged["hash"] <= 6


def test_the_draw_between_ties_is_by_row_id_alone():
    rng = np.random.default_rng(0)
    s = made(rng.integers(0, 2, 4000), np.repeat([0.9, 0.5], [1000, 3000]), ids=np.arange(4000))
    point = cl.capacity(rate=0.5, ties="hash").choose(s)
    assert point.rule == TopShare(0.5, 1 / 3)
    said = point.decide(s) == 1
    assert said[:1000].all()
    assert said.mean() == pytest.approx(0.5, abs=0.03)
    order = rng.permutation(4000)
    np.testing.assert_array_equal(point.decide(s.take(order)) == 1, said[order])
    np.testing.assert_array_equal(again(point).decide(s) == 1, said)
    np.testing.assert_array_equal(point.decide(s.score, ids=np.arange(4000)) == 1, said)
    with pytest.raises(InputError, match="ids"):
        point.decide(s.score)
    with pytest.raises(InputError, match="ids"):
        cl.capacity(rate=0.5, ties="hash").choose(made(s.truth, s.score))


def test_a_count_of_predictions_is_a_constraint():
    s = drawn(300, 5)
    point = cl.maximize(cl.recall, subject_to=[cl.flagged_count <= 30]).choose(s)
    assert (point.decide(s) == 1).sum() <= 30
    assert str(point.constraints[0].constraint) == "flagged_count <= 30"
    assert Constraint.parse("flagged_count<=30").metric is cl.flagged_count


# --- prevalence -----------------------------------------------------------------------------------------------------


def test_prevalence_is_the_same_as_weights_that_bring_it_about():
    s = drawn(600, 6)
    here = s.n_pos / s.n
    weight = np.where(s.is_positive, 0.05 / here, 0.95 / (1 - here))
    for policy in (
        cl.maximize(cl.f1),
        cl.maximize(cl.recall, subject_to=[cl.precision >= 0.3]),
        cl.minimize(cl.cost(fp=1, fn=9), subject_to=[cl.recall >= 0.2]),
    ):
        there, other = policy.choose(s, prevalence=0.05), policy.choose(s.with_weight(weight))
        assert there.threshold == other.threshold
        assert there.aim.value == pytest.approx(other.aim.value)
        assert [r.value for r in there.constraints] == pytest.approx([r.value for r in other.constraints])
    assert "at a prevalence of 5 %" in str(cl.maximize(cl.f1, prevalence=0.05))
    assert again(cl.maximize(cl.f1).choose(s, prevalence=0.05)).policy.prevalence == 0.05


def test_the_cost_threshold_moves_with_the_prevalence():
    s = drawn(20_000, 7, prevalence=0.5)
    point = cl.minimize(cl.cost(fp=1, fn=1)).choose(s, prevalence=0.1)
    odds = point.threshold / (1 - point.threshold)
    here = s.n_pos / s.n
    assert odds / (here / (1 - here)) * (0.1 / 0.9) == pytest.approx(1)
    weight = np.where(s.is_positive, 0.2, 1.8)
    best = cl.minimize(cl.cost(fp=1, fn=1), subject_to=[cl.recall >= 0]).choose(s.with_weight(weight))
    assert point.threshold == pytest.approx(best.threshold, abs=0.1)


@pytest.mark.parametrize(
    "constraint", [cl.precision >= 0.4, cl.npv >= 0.96, cl.accuracy >= 0.9, cl.fdr <= 0.6], ids=str
)
def test_a_test_at_another_prevalence_is_exact_in_its_two_rates(constraint):
    held = Counts(tp=80, fn=20, fp=15, tn=285)
    p = float(p_value(constraint, held, prevalence=0.1))
    assert 0 < p < 1

    def worst(delta):
        low = [stats.beta.ppf(delta / 2, k, n - k + 1) for k, n in ((80, 100), (15, 300))]
        high = [stats.beta.ppf(1 - delta / 2, k + 1, n - k) for k, n in ((80, 100), (15, 300))]
        found = []
        for se, fpr in itertools.product((low[0], high[0]), (low[1], high[1])):
            cells = Counts(tp=0.1 * se, fn=0.1 * (1 - se), fp=0.9 * fpr, tn=0.9 * (1 - fpr))
            found.append(float(constraint.slack(constraint.metric.value(cells))))
        return min(found)

    assert worst(min(p * 1.01, 1.0)) >= 0 >= worst(p * 0.99)
    assert p_value(constraint, Counts(tp=0, fn=0, fp=15, tn=285), prevalence=0.1) == 1.0


def test_recall_does_not_know_the_prevalence():
    held = Counts(tp=80, fn=20, fp=15, tn=285)
    for constraint in (cl.recall >= 0.7, cl.fpr <= 0.1):
        assert p_value(constraint, held, prevalence=0.01) == p_value(constraint, held)


@pytest.mark.slow
def test_the_guarantee_holds_at_another_prevalence():
    policy = cl.maximize(cl.recall, subject_to=[cl.precision >= 0.4], confidence=0.9, prevalence=0.1)
    certified = violated = 0
    for seed in range(300):
        tune, held = (drawn(1000, 2 * seed + i, shift=2.0, kind="rank") for i in (0, 1))
        try:
            at = policy.choose(tune, certify=held).threshold
        except NotCertifiable:
            continue
        certified += 1
        hit, false = stats.norm.sf(at - 2.0), stats.norm.sf(at)
        violated += 0.1 * hit / (0.1 * hit + 0.9 * false) < 0.4
    assert certified > 150
    assert violated / 300 <= 0.1 + 3 * math.sqrt(0.09 / 300)


# --- abstention -----------------------------------------------------------------------------------------------------


def test_the_band_is_chows():
    cost = cl.cost(fp=1, fn=4, abstain=0.4)
    point = cl.minimize(cost).choose(drawn(400, 8))
    assert point.rule == Band(0.1, 0.6)
    p = np.linspace(0, 1, 101)
    expected = np.column_stack([4 * p, 1 - p, np.full(101, 0.4)])  # negative, positive, undecided
    best = expected.min(axis=1)
    said = point.decide(p)
    for i, label in enumerate(said):
        assert expected[i, {0: 0, 1: 1, None: 2}[label]] == pytest.approx(best[i])
    assert {0, 1, None} == set(said.tolist())
    np.testing.assert_array_equal(again(point).decide(p), said)


def test_a_band_on_a_ranking_is_searched_by_brute_force():
    s = drawn(40, 9, kind="rank")
    cost = cl.cost(fp=1, fn=2, abstain=0.25)
    point = cl.minimize(cost).choose(s)
    at = [-np.inf, *np.unique(s.score), np.inf]

    def price(low, high):
        said = np.where(s.score >= high, 1, np.where(s.score < low, 0, -1))
        cells = {(0, 1): 1.0, (1, 0): 2.0}
        return np.mean(
            [0.25 if d < 0 else cells.get((int(y), int(d)), 0.0) for y, d in zip(s.truth, said, strict=True)]
        )

    best = min(price(low, high) for low in at for high in at if low <= high)
    assert point.aim.value == pytest.approx(best)
    assert price(point.rule.low, point.rule.high) == pytest.approx(best)
    with pytest.raises(InputError, match="nobody would abstain"):
        cl.cost(fp=1, fn=4, abstain=0.9)


@pytest.mark.parametrize("make", [drawn, several])
def test_selective_risk_is_bounded_by_answering_less(make):
    s, fresh = make(3000, 10), make(3000, 11)
    policy = cl.maximize(cl.coverage, subject_to=[cl.selective_risk <= 0.05])
    point = policy.choose(s)
    assert isinstance(point.rule, MostProbable)
    said = point.codes(s)
    decided = said >= 0
    assert (said != s.truth)[decided].mean() <= 0.05
    found = point.assess(fresh)
    assert found.estimates[0].metric is cl.coverage
    assert found.estimates[0].value == pytest.approx((point.codes(fresh) >= 0).mean())
    assert found["accuracy"].n == (point.codes(fresh) >= 0).sum()
    assert any("left undecided" in note for note in found.notes)
    sure = cl.maximize(cl.coverage, subject_to=[cl.selective_risk <= 0.05], confidence=0.9).choose(s, certify=fresh)
    assert sure.is_certified
    assert sure.rule.least >= point.rule.least
    assert sure.classes == s.classes
    np.testing.assert_array_equal(again(sure).codes(fresh), sure.codes(fresh))
    least = cl.minimize(cl.selective_risk, subject_to=[cl.coverage >= 0.5]).choose(s)
    assert (least.codes(s) >= 0).mean() >= 0.5


# --- costs by row ---------------------------------------------------------------------------------------------------


def test_costs_by_row_decide_each_row_by_its_own():
    s = drawn(500, 12)
    rng = np.random.default_rng(0)
    fn = rng.uniform(1, 100, 500)
    costs = cl.cost(fp=5, fn=fn)
    point = cl.minimize(costs).choose(s)
    np.testing.assert_array_equal(point.decide(s.score, costs=costs), (s.score * fn >= (1 - s.score) * 5).astype(int))
    said = point.codes(s, costs)
    paid = np.where(s.truth == 1, np.where(said == 1, 0, fn), np.where(said == 1, 5, 0))
    assert point.aim.value == pytest.approx(paid.mean())
    assert point.aim.value < min(np.where(s.truth == 1, fn, 0).mean(), np.where(s.truth == 0, 5, 0).mean())
    back = again(point)
    np.testing.assert_array_equal(back.decide(s.score, costs=costs), point.decide(s.score, costs=costs))
    fresh = drawn(300, 13)
    assert point.assess(fresh, costs=cl.cost(fp=5, fn=fn[:300]))["recall"].n == 300
    with pytest.raises(InputError, match="costs"):
        point.decide(s.score)
    with pytest.raises(ShapeError, match="costs"):
        point.decide(s.score, costs=cl.cost(fp=1, fn=[1, 2]))
    same = cl.minimize(cl.cost(fp=np.full(500, 5.0), fn=20.0)).choose(s)
    fixed = cl.minimize(cl.cost(fp=5, fn=20)).choose(s)
    np.testing.assert_array_equal(
        same.decide(s.score, costs=cl.cost(fp=np.full(500, 5.0), fn=20.0)), fixed.decide(s.score)
    )


# --- several classes ------------------------------------------------------------------------------------------------


def test_least_expected_cost():
    s = several(400, 14)
    matrix = np.array([[0, 1, 5], [1, 0, 1], [10, 2, 0]])
    point = cl.minimize(cl.cost(matrix=matrix)).choose(s)
    np.testing.assert_array_equal(point.codes(s), (s.probabilities @ matrix).argmin(axis=1))
    np.testing.assert_array_equal(again(point).codes(s), point.codes(s))
    plain = cl.minimize(cl.cost(matrix="zero-one")).choose(s)
    np.testing.assert_array_equal(plain.codes(s), s.score.argmax(axis=1))
    ordered = several(400, 14, k=5, classes=cl.Classes([f"c{i}" for i in range(5)], ordered=True))
    median = cl.minimize(cl.cost(matrix="absolute")).choose(ordered).codes(ordered)
    cdf = ordered.probabilities.cumsum(axis=1)
    assert (cdf[np.arange(400), median] >= 0.5 - 1e-9).all()  # the least absolute distance is at the median
    undecided = cl.minimize(cl.cost(matrix="zero-one", abstain=0.3)).choose(s)
    np.testing.assert_array_equal(undecided.codes(s) < 0, s.probabilities.max(axis=1) < 0.7)
    binary = drawn(300, 15)
    two = cl.minimize(cl.cost(matrix=[[0, 1], [4, 0]])).choose(binary)
    assert two.threshold == cl.minimize(cl.cost(fp=1, fn=4)).choose(binary).threshold


@pytest.mark.parametrize("metric", [cl.macro(cl.f1), cl.balanced_accuracy, cl.mcc, cl.accuracy], ids=lambda m: m.name)
def test_weights_of_classes_are_as_good_as_a_fine_grid(metric):
    for seed in range(3):
        s = several(600, seed)
        point = cl.maximize(metric).choose(s)
        steps = np.linspace(-4, 4, 41)
        grid = max(metric.value(cl.confusion_matrix(s, Offsets((0.0, a, b)).codes(s))) for a in steps for b in steps)
        assert point.aim.value >= grid - 0.002
        assert metric.value(cl.confusion_matrix(s, point.codes(s))) == pytest.approx(point.aim.value)
        assert point.aim.cross_fitted <= point.aim.value + 0.01
        np.testing.assert_array_equal(again(point).codes(s), point.codes(s))


def test_bounds_on_single_classes():
    s, fresh = several(4000, 20), several(4000, 21)
    wanted = [(cl.recall >= 0.8).of("c0"), (cl.precision >= 0.6).of("c1")]
    point = cl.maximize(cl.accuracy, subject_to=wanted).choose(s)
    matrix = cl.confusion_matrix(s, point.codes(s))
    assert matrix[0, 0] / matrix[0].sum() >= 0.8
    assert matrix[1, 1] / matrix[:, 1].sum() >= 0.6
    free = cl.maximize(cl.accuracy).choose(s)
    assert cl.confusion_matrix(s, free.codes(s))[0, 0] / matrix[0].sum() < 0.8
    assert point.aim.value <= free.aim.value
    sure = cl.maximize(cl.accuracy, subject_to=wanted, confidence=0.9).choose(s, certify=fresh)
    assert sure.is_certified
    held = cl.confusion_matrix(fresh, sure.codes(fresh))
    assert stats.binom.sf(held[0, 0] - 1, held[0].sum(), 0.8) <= 0.1
    assert stats.binom.sf(held[1, 1] - 1, held[:, 1].sum(), 0.6) <= 0.1
    with pytest.raises(Infeasible) as caught:
        cl.maximize(cl.accuracy, subject_to=[(cl.recall >= 0.99).of("c0"), (cl.recall >= 0.99).of("c2")]).choose(s)
    assert set(caught.value.nearest.values) == {"recall[c0]", "recall[c2]"}
    with pytest.raises(NotCertifiable) as caught:
        cl.maximize(cl.accuracy, subject_to=wanted, confidence=0.95).choose(s, certify=several(30, 22))
    assert caught.value.n_needed > 30


def test_a_bound_on_all_classes_together_is_tested_on_what_is_right():
    s, fresh = several(2000, 30), several(2000, 31)
    sure = cl.maximize(cl.macro(cl.f1), subject_to=[cl.accuracy >= 0.7], confidence=0.9).choose(s, certify=fresh)
    right = int((sure.codes(fresh) == fresh.truth).sum())
    row = sure.constraints[0]
    assert row.held == pytest.approx(right / 2000)
    assert row.p_value == pytest.approx(stats.binom.sf(right - 1, 2000, 0.7))
    few = cl.maximize(cl.macro(cl.f1), subject_to=[cl.accuracy >= 0.99], confidence=0.9)
    with pytest.raises((Infeasible, NotCertifiable)):
        few.choose(s, certify=fresh)


@pytest.mark.slow
def test_the_guarantee_of_several_classes_holds():
    wanted = [(cl.recall >= 0.75).of("c0"), (cl.precision >= 0.6).of("c1")]
    policy = cl.maximize(cl.accuracy, subject_to=wanted, confidence=0.9)
    truth = several(200_000, 999)
    certified = violated = 0
    for seed in range(150):
        try:
            point = policy.choose(several(800, 2 * seed), certify=several(800, 2 * seed + 1))
        except (NotCertifiable, Infeasible):
            continue
        certified += 1
        m = cl.confusion_matrix(truth, point.codes(truth))
        violated += m[0, 0] / m[0].sum() < 0.75 or m[1, 1] / m[:, 1].sum() < 0.6
    assert certified > 50
    assert violated / 150 <= 0.1 + 3 * math.sqrt(0.09 / 150)


def test_a_bound_on_the_negative_class_of_two():
    s = drawn(500, 23)
    named = cl.maximize(cl.recall, subject_to=[(cl.recall >= 0.9).of(0)]).choose(s)
    assert named.threshold == cl.maximize(cl.recall, subject_to=[cl.specificity >= 0.9]).choose(s).threshold
    assert Constraint.parse("recall[c0] >= 0.9").of_class == "c0"


def test_several_labels_get_a_point_each():
    rng = np.random.default_rng(0)
    y = rng.random((300, 2)) < [0.3, 0.1]
    data = cl.MultiLabel(y_true=y, y_score=np.clip(0.6 * y + 0.5 * rng.random((300, 2)), 0, 1), labels=["cat", "dog"])
    points = cl.maximize(cl.f1).choose(data)
    assert list(points) == ["cat", "dog"]
    assert points["dog"].threshold == cl.maximize(cl.f1).choose(data.label("dog")).threshold


def test_the_most_probable_class_of_logits_is_cut_at_zero():
    z = np.array([-1.0, 0.5, 2.0])
    point = cl.most_probable.choose(made([0, 1, 1], z, "logit"))
    assert point.rule == Threshold(0.0)
    np.testing.assert_array_equal(point.decide(z), [0, 1, 1])


REFUSED = {
    "contradiction": (lambda: cl.maximize(cl.f1, subject_to=[cl.recall >= 0.9, cl.recall <= 0.2]), "contradict"),
    "prevalence 0": (lambda: cl.maximize(cl.f1, prevalence=0.0), "above 0"),
    "prevalence 1": (lambda: cl.maximize(cl.f1).choose(drawn(50), prevalence=1), "below 1"),
    "prevalence of several": (lambda: cl.maximize(cl.accuracy).choose(several(50), prevalence=0.1), "a prevalence"),
    "cost of several": (lambda: cl.minimize(cl.cost(fp=1, fn=2)).choose(several(50)), "matrix"),
    "matrix size": (lambda: cl.minimize(cl.cost(matrix=np.ones((4, 4)) - np.eye(4))).choose(several(50)), "one of 3"),
    "matrix upside down": (lambda: cl.cost(matrix=np.eye(3)), "diagonal"),
    "matrix nan": (lambda: cl.cost(matrix=[[0, math.nan], [1, 0]]), "not finite"),
    "unknown class": (
        lambda: cl.maximize(cl.accuracy, subject_to=[(cl.recall >= 0.5).of("x")]).choose(several(50)),
        "'x'",
    ),
    "no class": (lambda: cl.maximize(cl.accuracy, subject_to=[cl.recall >= 0.5]).choose(several(50)), "of('c0')"),
    "macro of two": (lambda: cl.maximize(cl.macro(cl.f1)).choose(drawn(50)), "two classes"),
    "mixed": (lambda: cl.maximize(cl.coverage, subject_to=[cl.recall >= 0.5]), "together"),
    "band with bounds": (
        lambda: cl.minimize(cl.cost(fp=1, fn=4, abstain=0.4), subject_to=[cl.recall >= 0.5]).choose(drawn(50)),
        "one of them",
    ),
    "row costs with bounds": (
        lambda: cl.minimize(cl.cost(fp=[1, 2], fn=3), subject_to=[cl.recall >= 0.5]),
        "by row alone",
    ),
    "row costs of other rows": (lambda: cl.minimize(cl.cost(fp=[1, 2], fn=3)).choose(drawn(50)), "50"),
    "row costs on a ranking": (
        lambda: cl.minimize(cl.cost(fp=np.ones(50), fn=3)).choose(drawn(50, kind="rank")),
        "rank",
    ),
    "lengths": (lambda: cl.cost(fp=[1, 2], fn=[1, 2, 3]), "equal lengths"),
    "half a cost": (lambda: cl.cost(fp=1), "both"),
    "capacity": (lambda: cl.capacity(10), "of="),
    "capacity of nothing": (lambda: cl.capacity(rate=0.0), "above 0"),
    "ties": (lambda: cl.capacity(rate=0.1, ties="some"), "hash"),
    "prevalence of a risk": (
        lambda: cl.maximize(cl.coverage, subject_to=[cl.selective_risk <= 0.1], prevalence=0.1).choose(drawn(50)),
        "shift_prior",
    ),
    "coverage of scores": (lambda: cl.evaluate(drawn(50), metrics=["coverage"]), "policy"),
    "one class": (
        lambda: cl.maximize(cl.f1, subject_to=[cl.recall >= 0.5]).choose(made([0, 0, 0], [0.1, 0.2, 0.3])),
        "rows of both classes",
    ),
    "labels of several": (
        lambda: cl.maximize(cl.accuracy).choose(several(50).with_score(np.arange(50) % 3, "label")),
        "labels",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name):
    call, says = REFUSED[name]
    with pytest.raises(CutlineError) as caught:
        call()
    assert says in str(caught.value)
    assert isinstance(caught.value, InputError | LabelError | ScoreError | Infeasible)


def test_a_cut_on_rows_the_model_knows_says_so():
    s = drawn(200, 40)
    assert not cl.maximize(cl.f1).choose(s).notes
    assert "flatter" in cl.maximize(cl.f1).choose(s.with_role("train")).notes[-1]
    with pytest.raises(RoleError):
        cl.maximize(cl.recall, subject_to=[cl.fpr <= 0.2], confidence=0.9).choose(s.with_role("in-sample"))
    calibration = cl.calibrate(s, method="logistic")
    assert calibration.cross_fitted.role == "out-of-fold"
    assert calibration.apply(s).role == "in-sample"
    assert calibration.apply(drawn(200, 41)).role == ""
    again = cl.Calibration.from_dict(json.loads(json.dumps(calibration.to_dict())))
    assert again.apply(s).role == "in-sample"


def test_every_policy_is_found_again():
    for policy in (
        cl.capacity(3, of=100, ties="all"),
        cl.minimize(cl.cost(matrix="quadratic", abstain=0.2)),
        cl.minimize(cl.cost(fp=1, fn=4, abstain=0.4)),
        cl.maximize(find("macro_f1"), subject_to=[(cl.recall >= 0.5).of("c1")], prevalence=0.2),
    ):
        back = cl.Policy.from_dict(json.loads(json.dumps(policy.to_dict())))
        assert (str(back), back.ties) == (str(policy), policy.ties)


def test_three_positives_are_said_to_be_few():
    s = made([1, 1, 1, *[0] * 97], np.linspace(1, 0, 100), kind="rank")
    point = cl.maximize(cl.f1).choose(s)
    assert point.aim.value == 1.0
    assert point.aim.cross_fitted is None  # a fold would have no positive to choose on
    with pytest.raises(NotCertifiable):
        cl.maximize(cl.precision, subject_to=[cl.recall >= 0.9], confidence=0.9).choose(s)
    assert ThresholdTable.from_scores(s).n_pos == 3


def test_a_number_of_rows_is_meant_of_all_rows_also_when_cross_fitted():
    rng = np.random.default_rng(0)
    y = rng.random(1000) < 0.3
    scores = cl.Scores(y_true=y, y_score=rng.normal(1.5 * y), kind="rank")
    (row,) = cl.maximize(cl.recall, subject_to=[cl.flagged_count <= 100]).choose(scores).constraints
    assert row.value == 100
    assert 90 <= row.cross_fitted <= 110  # four fifths of the rows chose a cut that flags 80 of them, not 100


SURE = cl.maximize(cl.recall, subject_to=[cl.precision >= 0.5], confidence=0.9)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda s: cl.maximize(cl.f1, prevalence="a"), "prevalence: came 'a'"),
        (lambda s: cl.maximize(cl.f1, subject_to=[cl.recall >= "x"]), "recall: came the bound 'x'"),
        (lambda s: cl.maximize("recal"), "did you mean 'recall'"),
        (lambda s: cl.maximize(cl.f1).choose(s.take(s.is_positive)), "rows of both classes"),
        (lambda s: SURE.choose(s.take([0, 1])), "rows enough"),
        (lambda s: cl.OperatingPoint.from_dict("x"), "point: came 'x'"),
        (lambda s: cl.control_fnr(s), "rows: came Scores"),
    ],
)  # fmt: skip
def test_what_was_found_by_attacking(call, says):
    y = np.arange(60) % 2
    with pytest.raises(InputError, match=says):
        call(cl.Scores(y_true=y, y_score=y + np.arange(60) / 40, kind="rank"))


def test_a_metric_may_be_named():
    assert str(cl.maximize("recall")) == str(cl.maximize(cl.recall))
    assert str(cl.minimize("fpr")) == str(cl.minimize(cl.fpr))
