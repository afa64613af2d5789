from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy import stats

import cutline as cl
from cutline.errors import InputError
from cutline.evidence import Proportion, clopper_pearson, delong, estimate, stratified_folds, wilson, z_of
from cutline.evidence.auc import macro_auc
from cutline.evidence.bootstrap import bootstrap_ap
from cutline.evidence.intervals import CellPosterior, LogitAuc, Mean, Replicates, percentiles
from cutline.evidence.resample import bootstrap_matrix
from cutline.metrics import METRICS, Counts, ThresholdTable, find
from cutline.metrics.pairwise import class_order
from tests import naive


def made(y, p, w=None, kind="probability", **about):
    return cl.Scores(y_true=y, y_score=p, weight=w, classes=[0, 1], kind=kind, **about)


def sample(n1, n0, shift=1.0, seed=0, decimals=9):
    rng = np.random.default_rng(seed)
    y = np.repeat([1, 0], [n1, n0])
    return y, np.round(rng.normal(y * shift), decimals)


# --- proportions ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("k", "n"), [(0, 1), (1, 1), (0, 20), (20, 20), (7, 23), (499, 500), (1, 1000)])
@pytest.mark.parametrize("level", [0.5, 0.9, 0.95, 0.999])
def test_wilson_limits_solve_the_score_equation(k, n, level):
    for limit, end in zip(wilson(k, n, level), (0.0, 1.0), strict=True):
        if limit != end:  # |k/n - p| = z sqrt(p (1 - p) / n)
            assert abs(k / n - limit) == pytest.approx(z_of(level) * math.sqrt(limit * (1 - limit) / n), rel=1e-9)
    low, high = wilson(k, n, level)
    assert (low == 0) == (k == 0)
    assert (high == 1) == (k == n)
    assert wilson(n - k, n, level) == pytest.approx((1 - high, 1 - low), abs=1e-14)


@pytest.mark.parametrize(("k", "n"), [(0, 1), (1, 1), (0, 20), (20, 20), (7, 23), (499, 500)])
@pytest.mark.parametrize("level", [0.5, 0.95, 0.999])
def test_clopper_pearson_inverts_the_binomial_tails(k, n, level):
    low, high = clopper_pearson(k, n, level)
    tail = (1 - level) / 2
    if k:
        assert stats.binom.sf(k - 1, n, low) == pytest.approx(tail, rel=1e-8)
    if k < n:
        assert stats.binom.cdf(k, n, high) == pytest.approx(tail, rel=1e-8)
    assert clopper_pearson(k, n, 1 - tail, "lower") == pytest.approx((low, 1.0))
    assert clopper_pearson(k, n, 1 - tail, "upper") == pytest.approx((0.0, high))


@pytest.mark.parametrize("n", [4, 20, 75])
@pytest.mark.parametrize("level", [0.8, 0.95])
def test_exact_limits_cover_exactly_and_wilson_on_average(n, level):
    p = np.linspace(0.01, 0.99, 197)
    pmf = stats.binom.pmf(np.arange(n + 1)[:, None], n, p)

    def coverage(interval):
        limits = np.array([interval(k, n, level) for k in range(n + 1)])
        return (pmf * ((limits[:, :1] <= p) & (p <= limits[:, 1:]))).sum(axis=0)

    assert coverage(clopper_pearson).min() >= level - 1e-12
    assert coverage(wilson).mean() == pytest.approx(level, abs=0.03)
    for side in ("lower", "upper"):
        assert coverage(lambda k, n, at, side=side: clopper_pearson(k, n, at, side)).min() >= level - 1e-12


@pytest.mark.parametrize("interval", [wilson, clopper_pearson])
def test_no_rows_no_limits(interval):
    assert all(map(math.isnan, interval(0, 0)))


@pytest.mark.parametrize("level", [0, 1, 95, -0.1, math.nan])
def test_levels_are_between_0_and_1(level):
    s = made([0, 1, 1], [0.1, 0.6, 0.9])
    for call in (
        lambda: wilson(1, 2, level),
        lambda: clopper_pearson(1, 2, level),
        lambda: estimate(cl.recall, s, at=0.5).interval(level),
        lambda: estimate(cl.recall, s, at=0.5, confidence=level),
        lambda: cl.evaluate(s, confidence=level),
    ):
        with pytest.raises(InputError) as caught:
            call()
        assert caught.value.argument == "confidence"


def test_weighted_rows_count_by_their_effective_number():
    w = np.array([1.0, 2.0, 3.0, 4.0])
    e = estimate(cl.recall, made([1, 1, 1, 1], [0.9, 0.1, 0.9, 0.1], w), at=0.5)
    effective = w.sum() ** 2 / (w**2).sum()
    assert e.value == pytest.approx(0.4)
    assert e.interval() == pytest.approx(wilson(0.4 * effective, effective))
    assert e.method == "Wilson, effective n"
    assert e.n == 4
    assert Proportion(0.0, 0.0).state == "undefined"


# --- ROC AUC --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("decimals", [9, 1, 0])
@pytest.mark.parametrize(("n1", "n0"), [(2, 2), (3, 40), (40, 3), (60, 70)])
def test_delong_equals_the_placement_matrix(n1, n0, decimals):
    y, z = sample(n1, n0, decimals=decimals)
    found = delong(ThresholdTable.from_scores(made(y, z, kind="rank")))
    assert found.value == pytest.approx(naive.auc(z, y), rel=1e-12)
    assert found.variance == pytest.approx(naive.delong_variance(z, y), rel=1e-10, abs=1e-15)


def test_delong_with_weights():
    y, z = sample(30, 40, decimals=1)
    plain = delong(ThresholdTable.from_scores(made(y, z, kind="rank")))
    for weight in (1.0, 4.0, 0.001):
        same = delong(ThresholdTable.from_scores(made(y, z, np.full(70, weight), kind="rank")))
        assert (same.value, same.variance) == pytest.approx((plain.value, plain.variance), rel=1e-9)
    w = np.random.default_rng(2).uniform(0.1, 2, 70)
    found = delong(ThresholdTable.from_scores(made(y, z, w, kind="rank")))
    drawn = []
    rng = np.random.default_rng(3)
    for _ in range(2000):  # rows drawn within their class keep their weight: what the sandwich estimates
        rows = np.concatenate([rng.integers(0, 30, 30), 30 + rng.integers(0, 40, 40)])
        drawn.append(naive.auc(z[rows], y[rows], w[rows]))
    assert math.sqrt(found.variance) == pytest.approx(np.std(drawn), rel=0.08)


@pytest.mark.parametrize(
    ("y", "p", "w", "state", "interval"),
    [
        ([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9], None, "degenerate", (0.05**0.5, 1.0)),
        ([1, 1, 0, 0], [0.1, 0.2, 0.8, 0.9], None, "degenerate", (0.0, 1 - 0.05**0.5)),
        ([0, 1, 1], [0.1, 0.2, 0.8], None, "insufficient", (math.nan, math.nan)),
        ([1, 1, 1], [0.1, 0.2, 0.8], None, "undefined", (math.nan, math.nan)),
        ([0, 1, 0, 1], [0.5] * 4, None, "degenerate", (0.5, 0.5)),
    ],
)
def test_the_ends_of_auc(y, p, w, state, interval):
    e = estimate(cl.roc_auc, made(y, p, w))
    assert e.state == state
    assert e.interval() == pytest.approx(interval, nan_ok=True)
    json.dumps(e.to_dict(), allow_nan=False)


@pytest.mark.parametrize("seed", range(40))
def test_perfect_separation_with_weights_has_the_exact_interval(seed):
    rng = np.random.default_rng(seed)
    y = np.array([0] * 8 + [1] * 9)
    e = estimate(cl.roc_auc, made(y, (y + rng.uniform(0, 0.5, 17)) / 2, rng.uniform(0.1, 1, 17)))
    assert e.state == "degenerate"
    low, high = e.interval()
    assert high == 1.0
    assert 0.5 < low < 0.9  # 0.05 ** (1 / effective rows of the smaller class)


def test_auc_limits_are_normal_on_the_logit():
    low, high = LogitAuc(0.8, 0.001, 50, 50).interval(0.95)
    assert (math.log(low / (1 - low)) + math.log(high / (1 - high))) / 2 == pytest.approx(math.log(4))
    assert math.log(high / (1 - high)) - math.log(4) == pytest.approx(1.959964 * math.sqrt(0.001) / 0.16, rel=1e-6)


def test_the_error_of_the_macro_auc_counts_shared_rows_once():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 150)
    q = rng.dirichlet([1, 1, 1], 150) + np.eye(3)[y] * 0.3
    s = cl.Scores(y_true=y, y_score=q / q.sum(axis=1, keepdims=True), kind="probability")
    value, error, classes = macro_auc(class_order(s, influence=True))
    assert classes == 3
    assert value == pytest.approx(cl.macro(cl.roc_auc)(s), rel=1e-12)
    drawn = [cl.macro(cl.roc_auc)(s.take(rng.integers(0, 150, 150))) for _ in range(400)]
    assert error == pytest.approx(np.std(drawn), rel=0.12)
    two = s.take(y < 2)  # class 2 has no rows
    assert macro_auc(class_order(two, influence=True))[2] == 2
    assert "2 classes that have rows" in estimate(cl.macro(cl.roc_auc), two).note


# --- means, posteriors, replicates ----------------------------------------------------------------------------------


def test_a_mean_is_students_t():
    y, p = np.array([0, 1, 1, 0, 1]), np.array([0.2, 0.7, 0.9, 0.6, 0.4])
    e = estimate(cl.brier, made(y, p))
    rows = (p - y) ** 2
    expected = stats.t.interval(0.9, 4, rows.mean(), stats.sem(rows))
    assert e.interval(0.9) == pytest.approx((max(expected[0], 0), expected[1]))
    assert estimate(cl.brier, made([1], [0.3])).state == "insufficient"
    assert Mean(0.5, 0.0, 9).state == "degenerate"
    w = np.array([1.0, 2.0, 1.0, 3.0, 1.0])
    weighted = estimate(cl.brier, made(y, p, w))
    effective = w.sum() ** 2 / (w**2).sum()
    spread = np.average((rows - np.average(rows, weights=w)) ** 2, weights=w) / (effective - 1)
    assert weighted.ingredients.error == pytest.approx(math.sqrt(spread))


def test_log_loss_says_how_many_rows_were_clipped():
    assert "1 row(s)" in estimate(cl.log_loss, made([1, 0, 1], [0.9, 0.1, 0.0])).note
    assert estimate(cl.log_loss, made([1, 0, 1], [0.9, 0.1, 1.0])).note == ""


def test_f1_is_wilson_on_jaccard():
    e = estimate(cl.f1, made([1] * 12 + [0] * 8, [0.9] * 9 + [0.1] * 3 + [0.9] * 2 + [0.1] * 6), at=0.5)
    j = np.array(wilson(9, 14))
    assert e.interval() == pytest.approx(tuple(2 * j / (1 + j)))
    assert e.method == "Wilson on Jaccard"


@pytest.mark.parametrize("metric", ["balanced_accuracy", "mcc", "f2"])
def test_composite_metrics_are_posterior_quantiles(metric):
    cells = (40.0, 12.0, 9.0, 70.0)
    rng = np.random.default_rng(5)
    draws = rng.dirichlet(np.array(cells) + 0.5, 40_000)
    expected = np.quantile(find(metric).value(Counts(*draws.T)), [0.025, 0.975])
    assert CellPosterior(find(metric), cells).interval(0.95) == pytest.approx(expected, abs=0.006)
    assert CellPosterior(find(metric), cells, 1).interval(0.95) == CellPosterior(find(metric), cells, 1).interval(0.95)
    assert CellPosterior(find(metric), cells, 1).interval(0.95) != CellPosterior(find(metric), cells, 2).interval(0.95)
    assert CellPosterior(find(metric), (0.0, 3.0, 0.0, 9.0)).state == "degenerate"


def test_the_posterior_of_perfect_counts_reaches_them():
    for metric, value in (("mcc", 1.0), ("balanced_accuracy", 1.0), ("f2", 1.0)):
        low, high = CellPosterior(find(metric), (10.0, 0.0, 0.0, 10.0)).interval(0.95)
        assert low < high
        assert high == pytest.approx(value, abs=1e-12)


def test_a_metric_of_ones_own_has_an_interval_too():
    lift = cl.Metric(
        "lift", "Lift", True, (0.0, math.inf), math.inf, "1", "precision / prevalence", "nothing is flagged",
        of_counts=lambda c: c.tp / (c.tp + c.fp) / (c.positives / c.total),
    )  # fmt: skip
    e = estimate(lift, made([0, 1, 1, 0] * 10, [0.1, 0.6, 0.9, 0.7] * 10), at=0.5)
    assert e.low < e.value < e.high


@pytest.mark.parametrize("beta", [1e-5, 1e6, 1 / 3])
def test_any_f_beta_has_an_interval(beta):
    e = estimate(cl.f_beta(beta), made([0, 1, 1, 0] * 10, [0.1, 0.6, 0.9, 0.7] * 10), at=0.5)
    assert e.low <= e.value <= e.high


def test_replicates_leave_out_what_is_undefined_and_say_so():
    values = np.array([0.1, 0.2, math.nan, 0.4])
    assert percentiles(values, 0.5) == pytest.approx((0.15, 0.3))
    assert Replicates(values).state == "insufficient"
    assert Replicates(np.full(5, 0.3)).state == "degenerate"
    assert Replicates(np.full(5, math.nan)).state == "insufficient"
    assert all(map(math.isnan, percentiles(np.full(3, math.nan), 0.9)))
    assert "2 replicates" in Replicates(np.array([1.0, 2.0])).method


def test_bootstraps_are_seeded_and_of_the_right_width():
    y, z = sample(60, 90)
    table = ThresholdTable.from_scores(made(y, z, kind="rank"))
    first, again, other = (bootstrap_ap(table, seed=seed).values for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    rng = np.random.default_rng(0)
    drawn = [naive.average_precision(z[i], y[i]) for i in (rng.integers(0, 150, 150) for _ in range(500))]
    assert first.std() == pytest.approx(np.std(drawn), rel=0.15)
    matrix = np.array([[30, 5, 1], [4, 20, 6], [0, 3, 11]])
    values = bootstrap_matrix([cl.accuracy], matrix, seed=0)[0].values
    assert values.mean() == pytest.approx(61 / 80, abs=0.005)
    assert values.std() == pytest.approx(math.sqrt(61 / 80 * 19 / 80 / 80), rel=0.06)


@pytest.mark.parametrize("folds", [2, 3, 5])
def test_folds_spread_every_class(folds):
    codes = np.repeat([0, 1, 2], [31, 7, 2])
    fold = stratified_folds(codes, folds, seed=3)
    assert set(fold.tolist()) == set(range(folds))
    for code in range(3):
        sizes = np.bincount(fold[codes == code], minlength=folds)
        assert sizes.max() - sizes.min() <= 1
    assert np.ptp(np.bincount(fold)) <= 1
    np.testing.assert_array_equal(fold, stratified_folds(codes, folds, seed=3))
    assert (fold != stratified_folds(codes, folds, seed=4)).any()
    for groups in (codes * 10 + np.arange(40) // 3, np.array([f"g{i // 4}" for i in range(40)], dtype=object)):
        fold = stratified_folds(codes, folds, 0, groups)
        assert all(len(set(fold[groups == g])) == 1 for g in set(groups.tolist()))


# --- what an estimate carries ---------------------------------------------------------------------------------------


def test_an_estimate_carries_its_origin():
    s = made([0, None, 1, 1], [0.1, 0.2, 0.6, 0.9], role="test")
    e = estimate(cl.recall, s, at=0.7)
    assert (e.n, e.n_pos, e.role, e.threshold, e.state) == (3, 2, "test", 0.7, "ok")
    d = json.loads(json.dumps(e.to_dict(), allow_nan=False))
    assert (d["metric"], d["value"], d["n"], d["method"], d["role"]) == ("recall", 0.5, 3, "Wilson", "test")
    assert "recall 0.5 [" in repr(e)
    undefined = estimate(cl.precision, s, at=2.0)
    assert undefined.state == "undefined"
    assert undefined.to_dict()["value"] is None
    assert all(map(math.isnan, undefined.interval()))


def test_a_decision_may_replace_the_threshold():
    s = made([0, None, 1, 1, 0], [0.1, 0.2, 0.6, 0.9, 0.8], [1, 1, 1, 2, 0])
    by_codes = estimate(cl.precision, s, decision=np.array([1, 1, 0, 1, 1]))
    assert by_codes.value == pytest.approx(2 / 3)
    assert (
        estimate(cl.precision, s, decision=np.array([0, 0, 1, 1, 1])).value == estimate(cl.precision, s, at=0.5).value
    )


def test_several_classes_for_a_binary_metric_say_what_to_do():
    s = cl.Scores(y_true=[0, 1, 2], y_score=np.eye(3), kind="probability")
    for metric in (cl.precision, cl.roc_auc):
        with pytest.raises(InputError, match="macro"):
            estimate(metric, s)


def test_clusters_are_not_passed_over_in_silence():
    y, z = sample(40, 60)
    s = made(y, z, kind="rank", groups=np.arange(100) // 10)
    result = cl.evaluate(s, threshold=0.5)
    said = " ".join([*result.notes, *(f"{e.note} {e.method} {e.state}" for e in result.estimates)])
    assert any(word in said for word in ("group", "cluster"))


def test_extreme_weights_neither_overflow_nor_vanish():
    y, p = np.array([0, 1, 1, 0, 1, 0]), np.array([0.2, 0.7, 0.9, 0.6, 0.4, 0.1])
    plain = estimate(cl.recall, made(y, p, np.arange(1.0, 7)), at=0.5)
    for factor in (1e-200, 1e200):  # their squares leave float64
        refused = None
        try:
            found = estimate(cl.recall, made(y, p, np.arange(1.0, 7) * factor), at=0.5).interval()
        except InputError as error:
            found, refused = plain.interval(), error.argument
        assert refused in (None, "weight")
        assert found == pytest.approx(plain.interval(), rel=1e-6)


# --- coverage (slow) ------------------------------------------------------------------------------------------------

RUNS = 500


def coverage(metric, truth, draw, at=None):
    hits = []
    for seed in range(RUNS):
        e = estimate(metric, draw(np.random.default_rng(seed)), at=at, seed=seed)
        low, high = e.interval()
        if not math.isnan(low):
            hits.append(low <= truth <= high)
    assert len(hits) > 0.9 * RUNS
    return float(np.mean(hits))


def confusion_draws(prevalence, recall, fpr, n):
    def draw(rng):
        y = (rng.uniform(size=n) < prevalence).astype(int)
        y[:2] = 0, 1
        flagged = rng.uniform(size=n) < np.where(y == 1, recall, fpr)
        return made(y, flagged * 1.0)

    return draw


def normal_draws(n1, n0, shift):
    def draw(rng):
        y = np.repeat([1, 0], [n1, n0])
        return made(y, rng.normal(y * shift), kind="rank")

    return draw


def population(prevalence, recall, fpr):
    return Counts(prevalence * recall, (1 - prevalence) * fpr, prevalence * (1 - recall), (1 - prevalence) * (1 - fpr))


CELLS = [(0.5, 0.8, 0.2, 60), (0.3, 0.7, 0.1, 150), (0.1, 0.8, 0.1, 400), (0.5, 0.9, 0.1, 300)]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["accuracy", "recall", "precision", "npv", "f1", "balanced_accuracy", "mcc", "f2"])
def test_coverage_of_count_metrics(name):
    metric = METRICS.get(name) or cl.metrics.find(name)
    found = [coverage(metric, metric(population(*cell[:3])), confusion_draws(*cell), at=0.5) for cell in CELLS]
    assert min(found) >= 0.90
    assert 0.925 <= np.mean(found) <= 0.975


@pytest.mark.slow
def test_coverage_of_auc():
    found = []
    for n1, n0 in ((20, 60), (50, 50), (100, 300)):
        for area in (0.7, 0.85, 0.95):
            shift = math.sqrt(2) * stats.norm.ppf(area)
            found.append(coverage(cl.roc_auc, area, normal_draws(n1, n0, shift)))
    assert min(found) >= 0.90
    assert 0.925 <= np.mean(found) <= 0.975


@pytest.mark.slow
def test_coverage_of_average_precision():
    found = []
    for n1, n0, shift in ((40, 60, 1.0), (60, 240, 1.5), (150, 150, 0.7), (100, 900, 2.0)):
        y, z = sample(n1 * 2000, n0 * 2000, shift, seed=99)
        truth = cl.average_precision(ThresholdTable.from_scores(made(y, z, kind="rank")))

        def draw(rng, prevalence=n1 / (n1 + n0), n=n1 + n0, shift=shift):
            y = (rng.uniform(size=n) < prevalence).astype(int)
            return made(y, rng.normal(y * shift), kind="rank")

        found.append(coverage(cl.average_precision, truth, draw))
    assert min(found) >= 0.90
    assert 0.925 <= np.mean(found) <= 0.975


@pytest.mark.slow
def test_coverage_of_means_of_rows():
    def draw(rng, n=200):
        p = rng.beta(2, 3, n)
        return made((rng.uniform(size=n) < p).astype(int), p)

    rng = np.random.default_rng(0)
    p = rng.beta(2, 3, 4_000_000)
    for metric, truth in (
        (cl.brier, (p * (1 - p)).mean()),
        (cl.log_loss, -(p * np.log(p) + (1 - p) * np.log(1 - p)).mean()),
        (cl.prediction_bias, 0.0),
    ):
        assert 0.92 <= coverage(metric, truth, draw) <= 0.98
