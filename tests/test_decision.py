from __future__ import annotations

import json
import math
import re

import numpy as np
import pytest
from scipy import stats

import cutline as cl
from cutline.decision import ConstraintRow, OperatingPoint, Policy
from cutline.decision.certify import rows_in_proportion
from cutline.decision.choose import cross_fit
from cutline.decision.order import joint_p, p_value, rows_needed, sequence
from cutline.errors import (
    CutlineError,
    Infeasible,
    InputError,
    LabelError,
    NoFeasibleThreshold,
    NotCertifiable,
    RoleError,
    ScoreError,
    ShapeError,
)
from cutline.metrics import Constraint, Counts, ThresholdTable
from tests import naive


def made(y, p, w=None, kind="probability", **about):
    return cl.Scores(y_true=y, y_score=p, weight=w, classes=[0, 1], kind=kind, **about)


def drawn(n, seed=0, prevalence=0.4, shift=1.5, **about):
    """Two normals; the kind is a ranking unless said otherwise."""
    rng = np.random.default_rng(seed)
    y = (rng.uniform(size=n) < prevalence).astype(int)
    return made(y, rng.normal(y * shift), **{"kind": "rank", **about})


def probabilities(n, seed=0, **about):
    s = drawn(n, seed)
    return made(s.truth, stats.norm.cdf(s.score - 0.75), **about)


def through_json(point):
    return OperatingPoint.from_dict(json.loads(json.dumps(point.to_dict(), allow_nan=False)))


# --- the search -----------------------------------------------------------------------------------------------------

R = naive.ratio
AIMS = {
    "f1": (cl.maximize, cl.f1, lambda tp, fp, fn, tn: R(2 * tp, 2 * tp + fp + fn)),
    "recall": (cl.maximize, cl.recall, lambda tp, fp, fn, tn: R(tp, tp + fn)),
    "precision": (cl.maximize, cl.precision, lambda tp, fp, fn, tn: R(tp, tp + fp)),
    "accuracy": (cl.maximize, cl.accuracy, lambda tp, fp, fn, tn: (tp + tn) / (tp + fp + fn + tn)),
    "fpr": (cl.minimize, cl.fpr, lambda tp, fp, fn, tn: -R(fp, fp + tn)),
    "cost": (cl.minimize, cl.cost(fp=1, fn=3), lambda tp, fp, fn, tn: -(fp + 3 * fn) / (tp + fp + fn + tn)),
    "gain": (
        cl.minimize,
        cl.cost(fp=2, fn=1, tp=-4),
        lambda tp, fp, fn, tn: -(2 * fp + fn - 4 * tp) / (tp + fp + fn + tn),
    ),
}
RULES = {
    "free": ([], lambda tp, fp, fn, tn: True),
    "precision": ([cl.precision >= 0.75], lambda tp, fp, fn, tn: R(tp, tp + fp) >= 0.75),
    "recall": ([cl.recall >= 0.5], lambda tp, fp, fn, tn: R(tp, tp + fn) >= 0.5),
    "two": (
        [cl.fpr <= 0.25, cl.recall >= 0.25],
        lambda tp, fp, fn, tn: R(fp, fp + tn) <= 0.25 and R(tp, tp + fn) >= 0.25,
    ),
    "never": ([cl.precision >= 1.0, cl.recall >= 1.0], lambda tp, fp, fn, tn: fp == 0 and fn == 0 and tp > 0),
}
# ties everywhere, few ties, the two zeros
DATA = [(5, 4), (12, 5), (40, 9), (60, 1000)]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("aim", AIMS)
@pytest.mark.parametrize(("n", "grid"), DATA)
def test_every_threshold_is_tried(n, grid, aim, rule):
    verb, metric, value = AIMS[aim]
    subject_to, holds = RULES[rule]
    for seed in range(6):
        rng = np.random.default_rng(seed)
        y = rng.integers(0, 2, n)
        y[:2] = 0, 1
        z = (rng.integers(0, grid, n) + y * (grid // 3)) / grid - 0.5
        s = made(y, z * 1.0, kind="rank")
        best = naive.best_threshold(z, y, value, holds)
        policy = verb(metric, subject_to=subject_to)
        if best is None:
            with pytest.raises(Infeasible) as caught:
                policy.choose(s)
            assert caught.value.exit_code == 3
            continue
        point = policy.choose(s)
        cells = naive.counts(z, y, point.threshold)
        assert holds(*cells)
        assert value(*cells) == best[1]
        assert cells == naive.counts(z, y, best[0])  # of equally good ones the highest
        assert math.isfinite(point.threshold)
        for row in point.constraints:
            assert row.constraint.holds(row.value)


def test_weights_are_repetition_in_the_search():
    s = drawn(80, 3)
    times = np.random.default_rng(0).integers(0, 4, 80) + 1
    for policy in (
        cl.maximize(cl.recall, subject_to=[cl.precision >= 0.8]),
        cl.maximize(cl.f1),
        cl.minimize(cl.cost(fp=1, fn=5)),
    ):
        one, other = policy.choose(s.with_weight(times)), policy.choose(s.take(np.repeat(np.arange(80), times)))
        assert one.threshold == other.threshold


def test_rows_that_do_not_count_do_not_choose():
    s = drawn(60, 4)
    lie = cl.Scores(
        y_true=[*s.truth, *[None] * 5, 0],
        y_score=[*s.score, *[9.0] * 5, 99.0],
        weight=[1] * 65 + [0],
        classes=[0, 1],
        kind="rank",
    )
    assert cl.maximize(cl.f1).choose(lie).threshold == cl.maximize(cl.f1).choose(s).threshold


@pytest.mark.parametrize(
    ("fp", "fn", "tp", "tn", "at"), [(1, 25, 0, 0, 1 / 26), (3, 1, 0, 0, 0.75), (1, 4, -2, 0, 1 / 7), (5, 3, 1, 2, 0.6)]
)
def test_the_cost_threshold_is_where_both_acts_cost_the_same(fp, fn, tp, tn, at):
    cost = cl.cost(fp=fp, fn=fn, tp=tp, tn=tn)
    assert cost.threshold == pytest.approx(at)
    assert at * tp + (1 - at) * fp == pytest.approx(at * fn + (1 - at) * tn)  # the definition
    point = cl.minimize(cost).choose(probabilities(200))
    assert point.threshold == cost.threshold
    assert any("assumes calibrated" in note for note in point.notes)


@pytest.mark.parametrize(
    "policy",
    [
        cl.maximize(cl.f1),
        cl.maximize(cl.mcc),
        cl.maximize(cl.recall, subject_to=[cl.precision >= 0.7]),
        cl.maximize(cl.precision),
        cl.minimize(cl.cost(fp=1, fn=2)),
        cl.minimize(cl.cost(fp=1, fn=2000)),
        cl.minimize(cl.cost(fp=2000, fn=1)),
        cl.minimize(cl.fpr),
        cl.maximize(cl.specificity),
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", ["probability", "rank"])
def test_the_plateau_contains_the_threshold_and_its_rows_are_as_good(policy, kind):
    s = probabilities(150, 5).with_score(probabilities(150, 5).score.round(2), kind)
    point = policy.choose(s)
    low, high = point.plateau
    assert low <= point.threshold <= high
    table = ThresholdTable.from_scores(s)
    for at in table.thresholds[(table.thresholds >= low) & (table.thresholds <= high)]:
        for constraint in policy.subject_to:
            assert constraint.holds(constraint.metric.value(table, at=at))
    json.dumps(point.to_dict(), allow_nan=False)
    assert math.isfinite(low)


def test_infeasible_carries_the_nearest():
    s = made([0, 1, 0, 1], [0.8, 0.7, 0.3, 0.2], kind="rank")
    with pytest.raises(Infeasible) as caught:
        cl.maximize(cl.recall, subject_to=[cl.precision >= 0.9]).choose(s)
    nearest = caught.value.nearest
    assert nearest.values == {"precision": 0.5}
    assert nearest.threshold in (0.7, 0.2)
    assert "precision >= 0.9 on 4 rows" in str(caught.value)
    assert "precision 0.5 at threshold" in caught.value.hint
    assert nearest.to_dict()["values"] == {"precision": 0.5}
    with pytest.raises(NoFeasibleThreshold):
        cl.maximize(cl.recall, subject_to=[cl.precision >= 0.9]).choose(s)


@pytest.mark.parametrize(
    ("y", "aim"), [([0, 0, 0], cl.recall), ([0, 0, 0], cl.balanced_accuracy), ([1, 1], cl.specificity)]
)
def test_an_aim_that_is_undefined_for_lack_of_a_class_says_so(y, aim):
    with pytest.raises(CutlineError) as caught:
        cl.maximize(aim).choose(made(y, np.arange(len(y)) / 9))
    assert "came  on" not in str(caught.value)
    assert "class" in str(caught.value) or "positive" in str(caught.value) or aim.undefined in str(caught.value)


def test_cross_fitted_counts_are_all_rows_once():
    for s in (drawn(200, 6), drawn(200, 6).with_weight(np.arange(200) % 3 + 1.0)):
        policy = cl.maximize(cl.f1, subject_to=[cl.recall >= 0.5])
        pooled = cross_fit(policy, s, ThresholdTable.from_scores(s), 0)
        total = 200 if s.weight is None else s.weight.sum()
        assert pooled.total == pytest.approx(total)
        assert pooled.positives == pytest.approx(s.n_pos if s.weight is None else s.weight[s.is_positive].sum())
    policy = cl.maximize(cl.recall, subject_to=[cl.precision >= 0.8])
    point = policy.choose(drawn(300, 7))
    row = point.constraints[0]
    assert row.value >= 0.8
    s = drawn(300, 7)
    assert row.cross_fitted == cl.precision(cross_fit(policy, s, ThresholdTable.from_scores(s), 0))
    assert point.aim.cross_fitted == cl.recall(cross_fit(policy, s, ThresholdTable.from_scores(s), 0))
    assert point.aim.value == cl.recall(s, at=point.threshold)
    assert point.grade == ("cross-fitted" if row.cross_fitted >= 0.8 else "plug-in")
    grades = {policy.choose(drawn(300, seed)).grade for seed in range(12)}
    assert grades == {"plug-in", "cross-fitted"}
    few = drawn(200).take(np.arange(6))
    assert cross_fit(cl.fixed(0.5), s, ThresholdTable.from_scores(s), 0) is None
    assert cross_fit(policy, few, ThresholdTable.from_scores(few), 0) is None


def test_the_order_of_the_rows_does_not_matter():
    s = drawn(400, 8)
    other = s.take(np.random.default_rng(0).permutation(400))
    for policy in (cl.maximize(cl.f1), cl.maximize(cl.recall, subject_to=[cl.precision >= 0.8])):
        assert policy.choose(s).to_dict() == policy.choose(other).to_dict()


def test_cross_fitting_keeps_clusters_whole():
    groups = np.repeat(np.arange(50), 8)
    y = np.repeat(np.arange(50) % 2, 8)
    score = np.repeat(np.random.default_rng(0).normal(size=50), 8)  # a cluster is one row, eight times over
    crossed = cl.maximize(cl.accuracy).choose(made(y, score, kind="rank", groups=groups)).aim
    leaking = cl.maximize(cl.accuracy).choose(made(y, score, kind="rank")).aim
    assert crossed.cross_fitted < leaking.cross_fitted


# --- guarantees -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("k", "n", "bound"), [(0, 5, 0.3), (5, 5, 0.3), (41, 50, 0.75), (3, 3, 1.0), (0, 7, 0.0)])
def test_p_values_are_binomial_tails(k, n, bound):
    up = p_value(cl.precision >= bound, Counts(tp=k, fp=n - k, fn=1, tn=1))
    assert up == pytest.approx(stats.binom.sf(k - 1, n, bound), rel=1e-10, abs=1e-300)
    down = p_value(cl.fpr <= bound, Counts(tp=1, fp=k, fn=1, tn=n - k))
    assert down == pytest.approx(stats.binom.cdf(k, n, bound), rel=1e-10)
    if 0 < k < n:
        assert up == pytest.approx(stats.binomtest(k, n, bound, alternative="greater").pvalue, rel=1e-10)


def test_an_undefined_risk_is_never_certified():
    nothing = Counts(tp=0, fp=0, fn=4, tn=4)
    assert p_value(cl.precision >= 0.1, nothing) == 1.0
    arrays = Counts(*(np.array([a, b]) for a, b in ((0, 30), (0, 1), (4, 4), (4, 4))))
    assert p_value(cl.precision >= 0.5, arrays).tolist() == pytest.approx([1.0, stats.binom.sf(29, 31, 0.5)])
    policy = cl.maximize(cl.recall, subject_to=[cl.precision >= 0.5, cl.fpr <= 0.5], confidence=0.9)
    both = joint_p(policy, arrays)
    assert both.tolist() == [1.0, max(p_value(c, arrays)[1] for c in policy.subject_to)]


def test_the_order_is_fixed_by_the_tuning_rows_alone():
    policy = cl.maximize(cl.recall, subject_to=[cl.precision >= 0.8], confidence=0.9)
    tune = ThresholdTable.from_scores(drawn(400, 1))
    walk = sequence(policy, tune, 400)
    assert (np.diff(walk) < 0).all()  # from the safest cut towards more recall
    assert walk[0] == tune.thresholds[tune.index(walk[0])]
    np.testing.assert_array_equal(walk, sequence(policy, tune, 400))
    # A start that many certify rows can follow is too bold for few.
    assert sequence(policy, tune, 100)[0] < sequence(policy, tune, 100_000)[0]
    up = sequence(cl.maximize(cl.precision, subject_to=[cl.recall >= 0.8], confidence=0.9), tune, 400)
    assert (np.diff(up) > 0).all()


def test_the_walk_starts_at_the_strongest_evidence_however_many_rows_tune():
    # With 100,000 tuning rows the p-values of most cuts underflow to 0: those must still be told apart, or the walk
    # starts where a few hundred certify rows cannot follow.
    policy = cl.maximize(cl.precision, subject_to=[cl.recall >= 0.8], confidence=0.95)
    tune = drawn(100_000, 1)
    certified = sum(policy.choose(tune, certify=drawn(300, seed)).is_certified for seed in range(2, 12))
    assert certified == 10


def test_a_certified_point_says_what_was_tested():
    tune, held = drawn(500, 1), drawn(500, 2)
    policy = cl.maximize(cl.recall, subject_to=[cl.precision >= 0.75, cl.fpr <= 0.3], confidence=0.9)
    point = policy.choose(tune, certify=held)
    assert point.grade == "guaranteed"
    assert point.is_certified
    counts = ThresholdTable.from_scores(held).counts(point.threshold)
    for row, constraint in zip(point.constraints, policy.subject_to, strict=True):
        k, n = constraint.metric.proportion(counts)
        assert row.held == pytest.approx(k / n)
        assert row.p_value == pytest.approx(float(p_value(constraint, counts)))
        assert row.p_value <= 0.1
        assert constraint.holds(row.bound)  # a limit at the same level agrees with the test
        assert row.certified
    assert "with 90 % confidence" in point.why
    assert through_json(point).is_certified
    assert point.chosen_on == tune.fingerprint
    assert point.certified_on == held.fingerprint


def test_the_split_is_seeded_disjoint_and_said():
    policy = cl.maximize(cl.recall, subject_to=[cl.precision >= 0.7], confidence=0.9)
    s = drawn(600, 3, ids=np.arange(600))
    one, again = policy.choose(s, seed=1), policy.choose(s, seed=1)
    assert one.to_dict() == again.to_dict()
    assert one.chosen_on.n + one.certified_on.n == 600
    assert one.chosen_on.overlap(one.certified_on) == 0
    assert "set apart by seed 1 to certify" in one.notes[0]
    assert policy.choose(s, seed=2).certified_on != one.certified_on


def test_not_certifiable_says_how_many_rows_would_do():
    policy = cl.maximize(cl.recall, subject_to=[cl.precision >= 0.8], confidence=0.95)
    with pytest.raises(NotCertifiable) as caught:
        policy.choose(drawn(400, 1), certify=drawn(12, 2))
    needed = caught.value.n_needed
    assert 12 < needed < 1000
    assert "12 certify rows" in caught.value.came
    assert caught.value.nearest is not None
    # That many rows do certify in most draws, and a quarter of them in few.
    often = sum(_certifies(policy, drawn(needed, seed)) for seed in range(10, 40))
    seldom = sum(_certifies(policy, drawn(needed // 4, seed)) for seed in range(10, 40))
    assert often >= 15 > seldom
    noise = ThresholdTable.from_scores(drawn(2000, 3, shift=0.0))
    assert rows_needed(policy, noise) is None
    # For a fixed threshold: rows in the proportions of those seen.
    seen = Counts(tp=9, fp=1, fn=4, tn=10)
    n = rows_in_proportion(cl.precision >= 0.8, seen, 0.95)
    assert stats.binom.sf(int(9 * n / 24) - 1, int(9 * n / 24) + int(n / 24), 0.8) <= 0.05
    assert rows_in_proportion(cl.precision >= 0.8, Counts(tp=7, fp=3, fn=0, tn=10), 0.95) is None


def _certifies(policy, held):
    try:
        return policy.choose(drawn(400, 1), certify=held).is_certified
    except NotCertifiable:
        return False


def test_what_no_cut_satisfies_is_infeasible_also_with_confidence():
    noise = drawn(300, 5, shift=0.0)
    with pytest.raises(Infeasible) as caught:
        cl.maximize(cl.recall, subject_to=[cl.precision >= 0.99, cl.recall >= 0.3], confidence=0.9).choose(noise)
    assert caught.value.nearest is not None


def violations(policy, truth, runs, n_tune, n_held, **about):
    """Runs that certified, and those of them whose cut violates a constraint in the population."""
    certified = violated = 0
    for seed in range(runs):
        tune, held = drawn(n_tune, 10_000 + seed, **about), drawn(n_held, 50_000 + seed, **about)
        try:
            point = policy.choose(tune, certify=held)
        except NoFeasibleThreshold:
            continue
        certified += 1
        cells = truth(point.threshold)
        violated += not all(c.holds(c.metric.value(cells)) for c in policy.subject_to)
    return certified, violated


def population(prevalence=0.4, shift=1.5):
    def cells(at):
        hit, false = stats.norm.sf(at - shift), stats.norm.sf(at)
        return Counts(
            prevalence * hit, (1 - prevalence) * false, prevalence * (1 - hit), (1 - prevalence) * (1 - false)
        )

    return cells


GUARANTEES = {
    "precision": (cl.maximize(cl.recall, subject_to=[cl.precision >= 0.8], confidence=0.9), 400, 400),
    "recall": (cl.maximize(cl.precision, subject_to=[cl.recall >= 0.8], confidence=0.9), 200, 150),
    "fpr": (cl.maximize(cl.recall, subject_to=[cl.fpr <= 0.1], confidence=0.9), 200, 250),
    "two": (cl.maximize(cl.recall, subject_to=[cl.fpr <= 0.2, cl.precision >= 0.7], confidence=0.9), 300, 300),
    "cost": (cl.minimize(cl.cost(fp=1, fn=9), subject_to=[cl.precision >= 0.6], confidence=0.8), 250, 250),
}


def hold_the_guarantee(name, runs):
    policy, n_tune, n_held = GUARANTEES[name]
    certified, violated = violations(policy, population(), runs, n_tune, n_held)
    delta = 1 - policy.confidence
    assert violated <= runs * delta + 3 * math.sqrt(runs * delta * (1 - delta))
    assert certified > 0.5 * runs  # a guarantee that is never given is worth nothing


@pytest.mark.parametrize("name", GUARANTEES)
def test_the_guarantee_holds(name):
    hold_the_guarantee(name, 120)


@pytest.mark.slow
@pytest.mark.parametrize("name", GUARANTEES)
def test_the_guarantee_holds_in_1000_runs(name):
    hold_the_guarantee(name, 1000)


def test_the_empirical_cut_needs_no_such_luck():
    """The same check fails for the plug-in cut: it is violated about half the time, so the check can fail."""
    policy = cl.maximize(cl.recall, subject_to=[cl.fpr <= 0.1])
    violated = sum(
        not (cl.fpr <= 0.1).holds(cl.fpr(population()(policy.choose(drawn(200, seed)).threshold)))
        for seed in range(100)
    )
    assert violated > 30


# --- refusals -------------------------------------------------------------------------------------------------------

CERTIFY = cl.maximize(cl.recall, subject_to=[cl.precision >= 0.6], confidence=0.9)
REFUSED = [
    (lambda: CERTIFY.choose(drawn(200), certify=drawn(200)), RoleError, "certify", "100 %"),
    (
        lambda: CERTIFY.choose(drawn(200, ids=np.arange(200)), certify=drawn(200, 1, ids=np.arange(150, 350))),
        RoleError,
        "certify",
        "about 25 % are tuning rows",
    ),
    *(
        (lambda role=role: CERTIFY.choose(drawn(200), certify=drawn(200, 1, role=role)), RoleError, "certify", role)
        for role in ("train", "tune", "out-of-fold", "in-sample")
    ),
    (
        lambda: CERTIFY.choose(drawn(200), certify=drawn(200, 1, groups=np.arange(200) // 2)),
        InputError,
        "certify",
        "clusters",
    ),
    (lambda: CERTIFY.choose(drawn(200, groups=np.arange(200) // 2)), InputError, "certify", "clusters"),
    (
        lambda: CERTIFY.choose(drawn(200), certify=drawn(200, 1).with_weight(np.arange(1.0, 201))),
        InputError,
        "weight",
        "exact binomial tests count rows",
    ),
    (
        lambda: CERTIFY.choose(drawn(200), certify=drawn(200, 1).with_score(drawn(200, 1).score, "logit")),
        ScoreError,
        "certify",
        "logit",
    ),
    (
        lambda: CERTIFY.choose(drawn(200), certify=cl.Scores(y_true=[0, 1], y_score=[3, 4], positive=0, kind="rank")),
        InputError,
        "certify",
        "positive=1",
    ),
    (lambda: cl.maximize(cl.f1).choose(drawn(200), certify=drawn(200, 1)), InputError, "certify", "confidence="),
    (lambda: cl.maximize(cl.f1).choose(made([0, 1], [0, 1], kind="label")), ScoreError, "scores", "predicted labels"),
    (
        lambda: cl.maximize(cl.f1).choose(cl.Scores(y_true=[0, 1, 2], y_score=np.eye(3))),
        InputError,
        "metric",
        "one_vs_rest",
    ),
    (lambda: cl.maximize(cl.f1).choose(cl.Scores(y_score=[0.1], classes=[0, 1])), LabelError, "y_true", "no truth"),
    (lambda: cl.most_probable.choose(drawn(9)), ScoreError, "scores", "'rank'"),
    (lambda: cl.maximize(cl.fpr), InputError, "metric", "more is better"),
    (lambda: cl.maximize(cl.roc_auc), InputError, "metric", "decisions"),
    (lambda: cl.minimize(cl.recall), InputError, "aim", "less is better"),
    (lambda: cl.maximize(cl.f1, subject_to=["precision>=0.9"]), InputError, "subject_to", "precision >= 0.9"),
    (lambda: cl.maximize(cl.f1, subject_to=[cl.roc_auc >= 0.9]), InputError, "subject_to", "does not depend"),
    (lambda: cl.maximize(cl.f1, confidence=0.9), InputError, "confidence", "no constraint"),
    (lambda: cl.maximize(cl.f1, subject_to=[cl.mcc >= 0.5], confidence=0.9), InputError, "subject_to", "proportion"),
    (lambda: cl.maximize(cl.f1, subject_to=[cl.recall >= 0.5], confidence=95), InputError, "confidence", "0.95"),
    (lambda: cl.cost(fp=-1, fn=1), InputError, "cost", "mistakes must cost more"),
    (lambda: cl.cost(fp=1, fn=1, tp=2), InputError, "cost", "fn > tp"),
    (lambda: cl.cost(fp=math.nan, fn=1), InputError, "fp", "finite"),
    (lambda: cl.fixed(math.inf), InputError, "threshold", "finite"),
]


@pytest.mark.parametrize(("call", "kind", "argument", "says"), REFUSED)
def test_what_is_refused(call, kind, argument, says):
    with pytest.raises(kind) as caught:
        call()
    assert caught.value.argument == argument
    assert says in str(caught.value)


# --- the point ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "policy",
    [
        cl.maximize(cl.f1),
        cl.maximize(cl.recall, subject_to=[cl.precision >= 1 / 3]),
        cl.fixed(0.1 + 0.2),
        cl.minimize(cl.fpr),
    ],
    ids=str,
)
def test_a_saved_point_decides_the_same_rows(policy, dtype):
    s = probabilities(300, 8)
    s = s._with(score=s.score.astype(dtype))
    point = policy.choose(s)
    again = through_json(point)
    grid = np.concatenate([s.score, np.nextafter(s.score, dtype(2)), np.nextafter(s.score, dtype(-1))]).clip(0, 1)
    np.testing.assert_array_equal(again.decide(grid), point.decide(grid))
    np.testing.assert_array_equal(point.decide(grid), (grid.astype(np.float64) >= point.threshold).astype(int))
    assert again.to_dict() == point.to_dict()
    assert again.threshold == point.threshold
    assert repr(again) == repr(point)


@pytest.mark.parametrize("bound", [0.98765432, 1 / 3, 0.9999999, 1e-9])
def test_a_saved_policy_asks_for_the_same(bound):
    policy = cl.maximize(cl.f_beta(0.5), subject_to=[cl.precision >= bound, cl.fpr <= bound], confidence=0.9)
    again = Policy.from_dict(json.loads(json.dumps(policy.to_dict())))
    assert [(c.metric.name, c.op, c.bound) for c in again.subject_to] == [
        ("precision", ">=", bound),
        ("fpr", "<=", bound),
    ]
    assert (again.aim.name, again.confidence) == ("f0.5", 0.9)
    cost = cl.minimize(cl.cost(fp=1 / 3, fn=7, tp=-0.1))
    assert Policy.from_dict(json.loads(json.dumps(cost.to_dict()))).aim == cost.aim
    assert Policy.from_dict(cl.most_probable.to_dict()) == cl.most_probable


BROKEN = [
    {"schema_version": 2},
    {"rule": {"rule": "threshold", "at": "zz"}},
    {"rule": {"rule": "threshold", "at": "nan"}},
    {"rule": {"rule": "threshold", "at": 3}},
    {"rule": {"rule": "band", "low": "0x1p-1"}},
    {"rule": {"rule": "offsets", "offsets": ["inf", "0x1p-1"]}},
    {"rule": {"rule": "least_cost", "cost_matrix": {"matrix": [[1, 0], [0, 1]], "abstain": None}}},
    {"rule": {"rule": "__import__"}},
    {"rule": "threshold"},
    {"aim": {"name": "recall"}},
    {"grade": "blessed"},
    {"policy": {}},
    {"classes": None},
    {"constraints": [{"constraint": "precision>>1"}]},
    {"chosen_on": {"n": 3, "digest": "x", "by_ids": True, "sketch": ["q"]}},
    {"plateau": [1]},
    {"plateau": ["a", "b"]},
]


@pytest.mark.parametrize("change", BROKEN, ids=str)
def test_a_broken_description_is_refused(change):
    saved = cl.maximize(cl.f1).choose(drawn(50)).to_dict()
    with pytest.raises(CutlineError):
        OperatingPoint.from_dict({**saved, **change})
    with pytest.raises(InputError):
        OperatingPoint.from_dict({k: v for k, v in saved.items() if k not in change})


def test_rows_that_chose_the_point_may_not_assess_it():
    s = drawn(300, 1)
    point = cl.maximize(cl.f1).choose(s)
    for same in (s, s.take(np.random.default_rng(0).permutation(300))):
        with pytest.raises(RoleError, match="the rows the operating point was chosen on"):
            point.assess(same)
    fresh = point.assess(drawn(300, 2, role="test"))
    assert fresh.role == "test"
    assert fresh.threshold == point.threshold
    assert fresh.point is point
    assert fresh["f1"].value == pytest.approx(cl.f1(drawn(300, 2), at=point.threshold))
    certified = CERTIFY.choose(drawn(300, 3), certify=drawn(300, 4))
    with pytest.raises(RoleError, match="certified on"):
        certified.assess(drawn(300, 4))


def test_they_may_not_when_some_of_them_have_no_label_either():
    s = drawn(300, 1)
    truth = s.truth.copy()
    truth[7] = -1
    s = s._with(truth=truth)
    with pytest.raises(RoleError):
        cl.maximize(cl.f1).choose(s).assess(s)


def test_nor_when_the_point_split_them_itself():
    s = drawn(600, 3)
    with pytest.raises(RoleError):
        CERTIFY.choose(s).assess(s)


def test_overlap_by_ids_is_labelled_in_sample():
    point = cl.maximize(cl.f1).choose(drawn(400, 1, ids=np.arange(400)))
    mixed = point.assess(drawn(400, 2, ids=np.arange(300, 700), role="test"))
    assert mixed.role == "in-sample"
    assert any("about 25 % of the rows were used to choose" in note for note in mixed.notes)
    assert {e.role for e in mixed.estimates} == {"in-sample"}
    with pytest.raises(RoleError):
        point.assess(drawn(400, 1, ids=np.arange(400)).take(np.arange(200)))
    clean = point.assess(drawn(400, 2, ids=np.arange(400, 800), role="test"))
    assert clean.role == "test"


def test_without_ids_it_is_said_that_overlap_is_unknown():
    result = cl.maximize(cl.f1).choose(drawn(400, 1)).assess(drawn(400, 2))
    assert any("ids" in note for note in result.notes)


def test_a_threshold_that_no_row_chose_may_be_assessed_on_any():
    s = probabilities(100)
    for policy in (cl.fixed(0.5), cl.minimize(cl.cost(fp=1, fn=3)), cl.most_probable):
        assert policy.choose(s).assess(s).n == 100


def test_decide_takes_arrays_lists_and_scores():
    point = cl.fixed(0.37).choose(
        cl.Scores(y_true=["ham", "spam"], y_score=[0.1, 0.9], positive="spam", kind="probability")
    )
    for given in ([0.36, 0.37, 0.9], np.array([[0.64, 0.36], [0.63, 0.37], [0.1, 0.9]])):
        assert point.decide(given).tolist() == ["ham", "spam", "spam"]
    turned = cl.fixed(0.5).choose(
        cl.Scores(y_true=["ham", "spam"], y_score=[0.1, 0.9], positive="ham", kind="probability")
    )
    assert turned.decide([0.4, 0.5]).tolist() == ["spam", "ham"]
    assert point.decide(0.5).tolist() == ["spam"]
    for bad in ([0.1, math.nan], [0.1, None], [], ["a"], np.zeros((2, 3))):
        with pytest.raises(CutlineError):
            point.decide(bad)
    three = cl.most_probable.choose(cl.Scores(y_true=["a", "b", "c"], y_score=np.eye(3), kind="probability"))
    assert three.decide([[0.1, 0.7, 0.2], [0.5, 0.1, 0.4]]).tolist() == ["b", "a"]
    assert three.threshold is None
    assert "most probable" in three.why
    assert through_json(three).decide([[0.1, 0.7, 0.2]]).tolist() == ["b"]


def test_whole_numbers_are_scores_to_a_point_chosen_on_scores():
    s = made([0, 0, 1, 1, 0, 1], [0, 1, 1, 2, 0, 2], kind="rank")
    point = cl.maximize(cl.f1).choose(s)
    assert point.decide(np.array([0, 1, 1])).tolist() == point.decide(np.array([0.0, 1.0, 1.0])).tolist()


def test_two_columns_of_logits_are_their_difference():
    z = np.array([[3.0, 4.0], [4.0, 3.0], [0.0, 5.0], [5.0, 0.5]])
    s = cl.Scores(y_true=[1, 0, 1, 0], y_score=z, kind="logit")
    point = cl.fixed(0.0).choose(s)
    assert point.decide(s).tolist() == [1, 0, 1, 0]
    assert point.decide(z).tolist() == [1, 0, 1, 0]


def test_scores_of_another_kind_do_not_meet_the_threshold():
    point = cl.maximize(cl.f1).choose(probabilities(200))
    logits = probabilities(50, 1).with_score(np.linspace(-4, 4, 50), "logit")
    for call in (point.decide, point.assess):
        with pytest.raises(ScoreError):
            call(logits)


def test_a_constraint_row_round_trips():
    row = ConstraintRow(cl.fpr <= 0.1, 0.09, None, 0.08, 0.099, 0.04, 0.95)
    assert row.certified
    again = ConstraintRow.from_dict(json.loads(json.dumps(row.to_dict())))
    assert (again.value, again.held, again.bound, again.p_value, again.certified) == (0.09, 0.08, 0.099, 0.04, True)
    lost = ConstraintRow(Constraint.parse("precision>=0.5"), math.nan)
    assert math.isnan(ConstraintRow.from_dict(json.loads(json.dumps(lost.to_dict(), allow_nan=False))).value)
    assert not lost.certified


# --- explain --------------------------------------------------------------------------------------------------------

SENTENCES = [
    (
        {"score": 0.9899, "classes": ["not spam", "spam"], "threshold": 0.37},
        "P(spam) = 98.99 %, P(not spam) = 1.01 %; 0.9899 is at or above the threshold 0.37 -> spam.",
    ),
    (
        {"score": 0.2, "classes": ["ham", "spam"], "threshold": 0.37},
        "P(ham) = 80.00 %, P(spam) = 20.00 %; 0.2 is below the threshold 0.37 -> ham.",
    ),
    ({"score": 0.5, "classes": [0, 1]}, "No threshold was given, so nothing is decided."),
    (
        {"score": [0.2, 0.3, 0.5], "classes": "abc"},
        "P(c) = 50.00 %, P(b) = 30.00 %, P(a) = 20.00 % -> c, the most probable class.",
    ),
    ({"score": 0.99999, "classes": ["a", "b"]}, "P(b) = 99.999 %, P(a) = 0.001 %"),
    ({"score": 1.0, "classes": ["a", "b"]}, "P(b) = 100.00 %, P(a) = 0.00 %"),
    (
        {"score": [0.3, 0.7], "classes": cl.Classes(["a", "b"], "a"), "threshold": 0.3},
        "0.3 is at or above the threshold 0.3 -> a.",
    ),
]


@pytest.mark.parametrize(("given", "says"), SENTENCES)
def test_sentences(given, says):
    found = cl.explain(**given)
    assert says in str(found)
    assert str(found) == repr(found)
    assert str(found).split("\n")[0] == found.sentence
    assert sum(found.probabilities) == pytest.approx(1)
    json.dumps(found.to_dict(), allow_nan=False)


def test_explaining_with_a_point_gives_its_reason():
    s = cl.Scores(y_true=drawn(300).truth, y_score=probabilities(300).score, positive=1, kind="probability")
    point = cl.maximize(cl.recall, subject_to=[cl.precision >= 0.7]).choose(s)
    for p in (point.threshold, np.nextafter(point.threshold, 0), 0.01, 0.99):
        found = cl.explain(p, point)
        assert found.decision == point.decide([p])[0]
        assert point.why in found.sentence
        assert found.to_dict()["threshold"] == point.threshold


@pytest.mark.parametrize("p", [0.36999999, 0.370000001, math.nextafter(0.37, 0), math.nextafter(0.37, 1)])
def test_a_probability_is_not_said_to_be_below_itself(p):
    said = cl.explain(p, classes=["a", "b"], threshold=0.37).sentence.split(";")[1]
    number, at = said.split(" is ")[0].strip(), said.split("the threshold ")[1].split(" ->")[0]
    assert number != at


@pytest.mark.parametrize("p", [math.nextafter(1, 0), 1 - 1e-9, 1e-20, 5e-324])
def test_no_probability_is_rounded_to_certainty(p):
    text = str(cl.explain([1 - p, p], classes=["a", "b"]))
    shown = re.search(r"P\(b\) = (\S+) %", text)
    assert float(shown[1]) not in (0.0, 100.0)


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({"score": 1.2, "classes": ["a", "b"]}, ScoreError),
        ({"score": math.nan, "classes": ["a", "b"]}, ScoreError),
        ({"score": "x", "classes": ["a", "b"]}, ScoreError),
        ({"score": [0.2, 0.3], "classes": ["a", "b"]}, ScoreError),
        ({"score": [0.2, 0.3, 0.5], "classes": ["a", "b"]}, ShapeError),
        ({"score": 0.4, "classes": ["a", "b", "c"]}, ShapeError),
        ({"score": 0.4}, LabelError),
        ({"score": [0.2, 0.3, 0.5], "classes": "abc", "threshold": 0.4}, LabelError),
        ({"score": 0.4, "classes": ["a", "b"], "threshold": math.nan}, InputError),
        ({"score": 0.4, "classes": ["a", "b"], "threshold": "high"}, InputError),
        ({"score": 0.4, "point": cl.fixed(0.5).choose(probabilities(9)), "threshold": 0.4}, InputError),
    ],
)
def test_what_cannot_be_explained(given, kind):
    with pytest.raises(kind):
        cl.explain(**given)


def test_rows_scored_like_it_are_counted():
    rng = np.random.default_rng(0)
    p = rng.beta(0.5, 0.5, 4000)
    y = rng.random(4000) < p**2  # says too much everywhere
    s = cl.Scores(y_true=y, y_score=p, kind="probability", positive=True, role="test")
    found = cl.explain(0.6, classes=[False, True], rows=s).region
    inside = (p >= found.lowest) & (p <= found.highest)
    assert found.n == inside.sum() == 200
    assert abs(np.count_nonzero(p[inside] < 0.6) - 100) <= 1
    assert (found.rate, found.mean) == (y[inside].mean(), pytest.approx(p[inside].mean()))
    assert (found.low, found.high) == pytest.approx(cl.evidence.wilson(y[inside].sum(), 200))
    assert not found.agrees
    assert "Of 200 rows of role 'test' scored" in str(found)
    assert "which is too high here" in str(found)
    fair = cl.Scores(y_true=rng.random(4000) < p, y_score=p, kind="probability", positive=True)
    assert "which agrees" in str(cl.explain(0.6, classes=[False, True], rows=fair).region)
    assert cl.explain(1.0, classes=[False, True], rows=s).region.beyond == "high"
    assert "none was scored as low as this" in str(cl.explain(0.0, classes=[False, True], rows=s))


def test_regions_keep_ties_whole_and_count_weights():
    p = np.repeat([0.1, 0.5, 0.9], 100)
    y = np.tile([0, 0, 0, 1], 75)
    tied = cl.explain(0.5, classes=[0, 1], rows=cl.Scores(y_true=y, y_score=p, kind="probability")).region
    assert (tied.n, tied.lowest, tied.highest) == (100, 0.5, 0.5)
    assert "scored 0.5, 25 % were 1" in str(tied)
    w = np.where(y == 1, 3.0, 1.0)
    s = cl.Scores(y_true=y, y_score=p, weight=w, kind="probability")
    assert cl.explain(0.5, classes=[0, 1], rows=s).region.rate == 0.5
    found = cl.explain(0.5, classes=[0, 1], rows=s.with_groups(np.arange(300) // 2)).region
    assert math.isnan(found.low)
    assert found.agrees is None
    assert found.to_dict()["low"] is None
    three = cl.Scores(y_true=list("abc") * 30, y_score=np.full((90, 3), 1 / 3), classes="abc", kind="probability")
    several = cl.explain([0.2, 0.5, 0.3], classes="abc", rows=three).region
    assert (several.name, several.rate) == ("b", pytest.approx(1 / 3))
    with pytest.raises(LabelError):
        cl.explain(0.5, classes=["a", "b"], rows=s)
    with pytest.raises(InputError, match="Scores with labels"):
        cl.explain(0.5, classes=["a", "b"], rows=p)


@pytest.mark.parametrize("p", [0.02, 0.3, 0.5, 0.93])
def test_the_decision_flips_at_the_cost_that_is_said(p):
    s = probabilities(300)
    for ratio in (0.2, 1.0, 7.0):
        point = cl.minimize(cl.cost(fp=1, fn=ratio)).choose(s)
        found = cl.explain(p, point)
        other = s.classes.negative if found.decision == s.classes.positive else s.classes.positive
        # costs of the mistake that this decision makes, in units of the other mistake
        for factor, decision in ((0.999, found.decision), (1.001, other)):
            dear = factor * found.flips_at
            costs = {"fp": dear, "fn": 1} if found.decision == s.classes.positive else {"fp": 1, "fn": dear}
            assert cl.explain(p, cl.minimize(cl.cost(**costs)).choose(s)).decision == decision
        assert found.margin == pytest.approx(p - point.threshold)
    sure = cl.explain(1.0, classes=["a", "b"], threshold=0.5)
    assert sure.flips_at is None
    assert "no cost changes the decision" in str(sure)


def test_several_classes_flip_to_the_next_one():
    s = cl.Scores(y_true=list("abc") * 20, y_score=np.full((60, 3), 1 / 3), classes="abc", kind="probability")
    found = cl.explain([0.5, 0.2, 0.3], cl.most_probable.choose(s))
    assert (found.decision, found.against, found.margin) == ("a", "c", pytest.approx(0.2))
    for factor, decision in ((0.999, "a"), (1.001, "c")):
        costs = 1.0 - np.eye(3)
        costs[2, 0] = factor * found.flips_at  # deciding a for a row of c
        costs[1] = [1e-9, 0, 1e-9]  # rows of b matter to nobody
        point = cl.minimize(cl.cost(matrix=costs)).choose(s)
        assert cl.explain([0.5, 0.2, 0.3], point).decision == decision


def test_other_rules_decide_as_they_decide():
    s = probabilities(300)
    band = cl.minimize(cl.cost(fp=1, fn=1, abstain=0.2)).choose(s)
    found = cl.explain(0.4, band)
    assert found.decision is None
    assert "left undecided" in found.sentence
    assert band.rule.says(band.classes) in found.sentence
    assert found.margin is None
    assert cl.explain(0.95, band).decision == s.classes.positive
    assert "Nothing" not in cl.explain(0.4, band).to_html()
    assert "Left undecided" in cl.explain(0.4, band).to_html()
    assert "Nothing is decided" in cl.explain(0.4, classes=["a", "b"]).to_html()


def test_a_point_on_a_ranking_cannot_explain_a_probability():
    point = cl.maximize(cl.f1).choose(drawn(100).with_score(drawn(100).score * 100, "rank"))
    with pytest.raises(ScoreError):
        cl.explain(0.9, point)
