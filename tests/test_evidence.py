from __future__ import annotations

import json
import math
import warnings
from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
from scipy import stats

import cutline as cl
from cutline.errors import InputError
from cutline.evidence import Proportion, clopper_pearson, delong, estimate, stratified_folds, wilson, z_of
from cutline.evidence.auc import average_precision_interval, macro_auc
from cutline.evidence.delta import RatioOfRates, delta_interval, influence, ratio_ingredients
from cutline.evidence.figures import bootstrap_some
from cutline.evidence.intervals import CellPosterior, LogitAuc, Mean, Replicates, ordered, percentiles
from cutline.evidence.proportions import DifferenceMethod, ProportionMethod, difference_interval, proportion_interval
from cutline.evidence.resample import bootstrap_matrix, bootstrap_table, gap_ingredients
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


def tails(k, n, p):
    return stats.binom.sf(k - 1, n, p), stats.binom.cdf(k, n, p)


def two_sided(k, n, p, rule):
    """P-value of an exact two-sided test, by enumeration."""
    i = np.arange(n + 1)
    f = stats.binom.pmf(i, n, p)
    if rule == "minlike":
        return f[f <= f[k] * (1 + 1e-7)].sum()
    smaller = np.minimum(stats.binom.sf(i - 1, n, p), stats.binom.cdf(i, n, p))
    return f[smaller <= smaller[k] * (1 + 1e-7)].sum()


@pytest.mark.parametrize("rule", ["blaker", "minlike"])
@pytest.mark.parametrize(("k", "n"), [(0, 5), (1, 1), (1, 6), (3, 11), (10, 11), (17, 40), (39, 40)])
@pytest.mark.parametrize("level", [0.6, 0.95])
def test_inverted_tests_keep_what_their_p_value_keeps(rule, k, n, level):
    low, high = proportion_interval(k, n, rule, level)
    p = np.linspace(0, 1, 4001)[1:-1]
    kept = p[[two_sided(k, n, at, rule) >= 1 - level for at in p]]
    assert low <= kept.min() + 1e-6
    assert high >= kept.max() - 1e-6
    step = p[1] - p[0]
    assert (kept.min() - low, high - kept.max()) == pytest.approx((0, 0), abs=step + 1e-6)
    exact = proportion_interval(k, n, "clopper-pearson", level)
    if rule == "blaker":
        assert exact[0] - 1e-9 <= low
        assert high <= exact[1] + 1e-9


@pytest.mark.parametrize(("k", "n"), [(0, 20), (7, 23), (23, 23), (499, 500)])
def test_mid_p_gives_half_of_what_was_seen_to_each_tail(k, n):
    low, high = proportion_interval(k, n, "mid-p", 0.9)
    if k:
        assert stats.binom.sf(k, n, low) + stats.binom.pmf(k, n, low) / 2 == pytest.approx(0.05, rel=1e-8)
    if k < n:
        assert stats.binom.cdf(k - 1, n, high) + stats.binom.pmf(k, n, high) / 2 == pytest.approx(0.05, rel=1e-8)


@pytest.mark.parametrize("method", get_args(ProportionMethod))
@pytest.mark.parametrize("n", [1, 2, 9, 40])
def test_every_interval_of_a_proportion(method, n):
    before = (0.0, 0.0)
    for k in range(n + 1):
        low, high = proportion_interval(k, n, method, 0.9)
        assert 0 <= low <= high <= 1
        if method not in ("jeffreys", "agresti-coull"):  # their limits may pass the share itself
            assert low <= k / n <= high
        assert before[0] - 1e-12 <= low
        assert before[1] - 1e-12 <= high
        mirrored = proportion_interval(n - k, n, method, 0.9)
        assert mirrored == pytest.approx((1 - high, 1 - low), abs=1e-9)
        wider = proportion_interval(k, n, method, 0.99)
        assert wider[0] <= low + 1e-12
        assert high <= wider[1] + 1e-12
        before = (low, high)
    assert all(map(math.isnan, proportion_interval(0, 0, method)))


@pytest.mark.parametrize("method", ["clopper-pearson", "blaker", "minlike"])
def test_exact_methods_cover_everywhere(method):
    n, p = 17, np.linspace(0.005, 0.995, 199)
    limits = np.array([proportion_interval(k, n, method) for k in range(n + 1)])
    pmf = stats.binom.pmf(np.arange(n + 1)[:, None], n, p)
    assert (pmf * ((limits[:, :1] <= p) & (p <= limits[:, 1:]))).sum(axis=0).min() >= 0.95 - 1e-12


def test_large_numbers_take_no_time():
    for method in ("blaker", "minlike"):
        low, high = proportion_interval(300_000, 1_000_000, method)
        assert (low, high) == pytest.approx(wilson(300_000, 1_000_000), abs=1e-5)


@pytest.mark.parametrize(
    ("k", "n", "method", "argument"),
    [(3, 2, "wilson", "k, n"), (-1, 2, "wilson", "k, n"), (1.5, 3, "blaker", "k, n"), (1, 2, "exact", "method")],
)
def test_proportions_that_are_none(k, n, method, argument):
    with pytest.raises(InputError) as caught:
        proportion_interval(k, n, method)
    assert caught.value.argument == argument
    with pytest.raises(InputError, match="newcombe"):
        difference_interval(1, 2, 1, 2, "newcomb")


@pytest.mark.parametrize("method", get_args(DifferenceMethod))
def test_differences_of_proportions(method):
    for k1, n1, k2, n2 in [(0, 5, 0, 7), (5, 5, 0, 7), (0, 5, 7, 7), (5, 5, 7, 7), (3, 5, 2, 7), (56, 70, 48, 80)]:
        low, high = difference_interval(k1, n1, k2, n2, method)
        assert -1 <= low < high <= 1
        assert low - 1e-12 <= k1 / n1 - k2 / n2 <= high + 1e-12 or method == "agresti-caffo"
        other = difference_interval(k2, n2, k1, n1, method)
        assert other == pytest.approx((-high, -low), abs=1e-9)
    assert all(map(math.isnan, difference_interval(0, 0, 1, 2, method)))


@pytest.mark.parametrize("method", get_args(DifferenceMethod))
@pytest.mark.parametrize(("p1", "n1", "p2", "n2"), [(0.1, 20, 0.3, 30), (0.5, 40, 0.5, 15), (0.9, 30, 0.8, 60)])
def test_coverage_of_differences_by_enumeration(method, p1, n1, p2, n2):
    i, j = np.arange(n1 + 1), np.arange(n2 + 1)
    weight = stats.binom.pmf(i, n1, p1)[:, None] * stats.binom.pmf(j, n2, p2)
    covered = sum(
        weight[a, b]
        for a in i
        for b in j
        if weight[a, b] > 1e-6
        for low, high in [difference_interval(int(a), n1, int(b), n2, method)]
        if low <= p1 - p2 <= high
    )
    assert 0.925 <= covered <= 0.98


def test_an_interval_of_another_name():
    s = made([1] * 12 + [0] * 8, [0.9] * 9 + [0.1] * 3 + [0.9] * 2 + [0.1] * 6)
    for method in ("clopper-pearson", "jeffreys", "wald"):
        e = estimate(cl.recall, s, at=0.5, method=method)
        assert e.interval(0.9) == pytest.approx(proportion_interval(9, 12, method, 0.9))
    weighted = s.with_weight(np.linspace(0.5, 2, 20))
    assert "effective n" in estimate(cl.recall, weighted, at=0.5, method="agresti-coull").method
    with pytest.raises(InputError, match="weight"):
        estimate(cl.recall, weighted, at=0.5, method="blaker")
    with pytest.raises(InputError, match="did you mean 'bca'"):
        estimate(cl.recall, s, at=0.5, method="bac")
    with pytest.raises(InputError, match="'wilson' for f1"):
        estimate(cl.f1, s, at=0.5, method="wilson")
    y, z = sample(30, 40)
    ranked = made(y, z, kind="rank")
    wald = estimate(cl.roc_auc, ranked, method="wald")
    half = z_of(0.95) * math.sqrt(naive.delong_variance(z, y))
    assert wald.interval() == pytest.approx((wald.value - half, wald.value + half))
    plain, moved = (estimate(cl.roc_auc, ranked, method=m, seed=1) for m in ("bootstrap", "bca"))
    assert plain.interval() != moved.interval()
    assert "BCa" in moved.method
    clustered = made(y, z, kind="rank", groups=np.arange(70) // 2)
    with pytest.raises(InputError, match="independent rows"):
        estimate(cl.roc_auc, clustered, method="wald")
    assert "cluster bootstrap" in estimate(cl.roc_auc, clustered, method="bootstrap").method


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
    n = 10**9  # so many rows that none is borrowed
    low, high = LogitAuc(0.8, 0.001, n, n).interval(0.95)
    assert (math.log(low / (1 - low)) + math.log(high / (1 - high))) / 2 == pytest.approx(math.log(4))
    assert math.log(high / (1 - high)) - math.log(4) == pytest.approx(1.959964 * math.sqrt(0.001) / 0.16, rel=1e-6)


def test_a_few_rows_borrow_variance_from_the_area():
    a, n1, n0 = 0.95, 10, 190
    borrowed = LogitAuc(a, 1e-12, n1, n0).interval(0.95)  # DeLong's variance of two lucky rows
    above, below = a / (2 - a), 2 * a**2 / (1 + a)  # Hanley & McNeil 1982, equation 2
    variance = (a * (1 - a) + (n1 - 1) * (above - a * a) + (n0 - 1) * (below - a * a)) / (n1 * n0)
    half = 1.959964 * math.sqrt(2 / 12 * variance) / (a * (1 - a))
    assert borrowed == pytest.approx(tuple(stats.logistic.cdf(stats.logistic.ppf(a) + np.array([-half, half]))))


@pytest.mark.parametrize(("decimals", "weighted"), [(9, False), (1, False), (1, True)])
def test_the_error_of_average_precision_is_that_of_the_bootstrap(decimals, weighted):
    y, z = sample(80, 220, 1.3, decimals=decimals)
    w = np.random.default_rng(3).uniform(0.2, 2, 300) if weighted else None
    s = made(y, z, w, kind="rank")
    found = average_precision_interval(ThresholdTable.from_scores(s))
    assert found.value == pytest.approx(cl.average_precision(s))
    assert found.error == pytest.approx(cl.bootstrap(s, cl.average_precision, seed=1).values.std(), rel=0.06)
    low, high = found.interval(0.95)
    half = stats.t.ppf(0.975, found.df) * found.error / (found.value * (1 - found.value))
    assert stats.logistic.ppf([low, high]) - stats.logistic.ppf(found.value) == pytest.approx([-half, half])
    perfect = estimate(cl.average_precision, made([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9]))
    assert (perfect.value, perfect.state) == (1.0, "degenerate")


def test_the_largest_gap_is_above_its_truth():
    y, z = sample(60, 140, 1.0, seed=5)
    found = gap_ingredients(ThresholdTable.from_scores(made(y, z, kind="rank")), seed=0)
    assert found.value == pytest.approx(stats.ks_2samp(z[y == 1], z[y == 0]).statistic)
    low, high = found.interval(0.95)
    assert found.value - low > high - found.value > 0
    few = estimate(find("ks"), made([0, 0, 1, 1], [0.1, 0.8, 0.2, 0.9]))
    assert few.state == "insufficient"
    below = estimate(find("ks"), made(1 - y, z, kind="rank"))
    assert below.interval() == pytest.approx((low, high), abs=0.03)  # the gap has no sign


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
    rng = np.random.default_rng(1)
    p = rng.beta(2, 3, 41)
    y = (rng.random(41) < p).astype(int)
    e = estimate(cl.brier, made(y, p))
    rows = (p - y) ** 2
    plain = replace(e.ingredients, skewness=0.0)
    assert plain.interval(0.9) == pytest.approx(stats.t.interval(0.9, 40, rows.mean(), stats.sem(rows)))
    assert e.ingredients.skewness == pytest.approx(stats.skew(rows))
    assert estimate(cl.brier, made([1], [0.3])).state == "insufficient"
    assert estimate(cl.brier, made([1] * 30 + [0] * 4, np.linspace(0.1, 0.9, 34))).state == "insufficient"
    assert Mean(0.5, 0.0, 9).state == "degenerate"
    w = rng.uniform(0.5, 3, 41)
    weighted = estimate(cl.brier, made(y, p, w))
    effective = w.sum() ** 2 / (w**2).sum()
    spread = np.average((rows - np.average(rows, weights=w)) ** 2, weights=w) / (effective - 1)
    assert weighted.ingredients.error == pytest.approx(math.sqrt(spread))


def test_limits_of_a_mean_solve_halls_equation():
    found = Mean(2.0, 0.3, 40, skewness=1.8)
    t = stats.t.ppf(0.975, 39)
    for limit, side in zip(found.interval(0.95), (t, -t), strict=True):
        ratio, root = (2.0 - limit) / 0.3, math.sqrt(40)
        transformed = ratio + 1.8 * ratio**2 / (3 * root) + 1.8**2 * ratio**3 / (27 * 40) + 1.8 / (6 * root)
        assert transformed == pytest.approx(side)
    low, high = found.interval(0.95)
    assert high - 2.0 > 2.0 - low  # the long tail is above
    mirrored = Mean(2.0, 0.3, 40, skewness=-1.8).interval(0.95)
    assert mirrored == pytest.approx((4 - high, 4 - low))
    assert Mean(0.1, 0.3, 40, 0.0, 1.0, 1.8).interval(0.95)[0] == 0.0


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


def test_quantiles_between_replicates_go_by_the_normal_scale():
    values = np.random.default_rng(0).normal(size=199)
    assert ordered(values, (0.025, 0.975)) == tuple(np.sort(values)[[4, 194]])  # (R + 1) share is whole
    low, high = ordered(values, (0.0226, 0.99999))
    a, b = np.sort(values)[3:5]
    part = np.diff(stats.norm.ppf([4 / 200, 0.0226])) / np.diff(stats.norm.ppf([4 / 200, 5 / 200]))
    assert low == pytest.approx(a + part[0] * (b - a))
    assert high == values.max()
    assert ordered(np.array([1.0, math.inf, math.inf]), (0.3, 0.6)) == (1.0, math.inf)


def test_kinds_of_bootstrap_intervals():
    values = np.random.default_rng(0).exponential(size=999)
    found = Replicates(values, value=1.4)
    low, high = found.interval(0.9)
    assert replace(found, kind="basic").interval(0.9) == pytest.approx((2.8 - high, 2.8 - low))
    centre, half = 2.8 - values.mean(), 1.6448536269514722 * values.std(ddof=1)
    assert replace(found, kind="normal").interval(0.9) == pytest.approx((centre - half, centre + half))
    bca = replace(found, kind="bca", acceleration=0.05)
    z0 = stats.norm.ppf((values < 1.4).mean())
    at = stats.norm.cdf([z0 + (z0 + z) / (1 - 0.05 * (z0 + z)) for z in (-1.6448536269514722, 1.6448536269514722)])
    assert bca.interval(0.9) == pytest.approx(ordered(values, tuple(at)))
    beyond = replace(found, kind="bca", value=-1.0)  # no replicate is below
    assert "percentile" in beyond.method
    assert beyond.interval(0.9) == (low, high)
    few = replace(found, units=6)
    assert few.interval(0.9)[0] < low
    assert few.interval(0.9)[1] > high
    assert replace(found, units=1).state == "insufficient"


def test_bootstraps_are_seeded_and_of_the_right_width():
    y, z = sample(60, 90)
    table = ThresholdTable.from_scores(made(y, z, kind="rank"))
    aupr = find("aupr")
    first, again, other = (bootstrap_table(aupr, table, seed=seed).values for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    rng = np.random.default_rng(0)
    drawn = [aupr(made(y[i], z[i], kind="rank")) for i in (rng.integers(0, 150, 150) for _ in range(500))]
    assert first.std() == pytest.approx(np.std(drawn), rel=0.15)
    rng = np.random.default_rng(0)
    drawn = [
        aupr(made(y[i], z[i], kind="rank"))
        for i in (np.concatenate([rng.integers(0, 60, 60), rng.integers(60, 150, 90)]) for _ in range(500))
    ]
    stratified = bootstrap_table(aupr, table, seed=1, stratified=True)
    assert stratified.values.std() == pytest.approx(np.std(drawn), rel=0.15)
    assert "stratified" in stratified.method
    matrix = np.array([[30, 5, 1], [4, 20, 6], [0, 3, 11]])
    values = bootstrap_matrix([cl.accuracy], matrix, seed=0)[0].values
    assert values.mean() == pytest.approx(61 / 80)
    assert values.std() == pytest.approx(math.sqrt(61 / 80 * 19 / 80 / 80), rel=0.06)


def test_a_long_table_is_drawn_in_steps_about_its_own_value():
    y, z = sample(6000, 9000, 1.2)
    weight = np.random.default_rng(1).uniform(0.5, 2, 15_000)
    for w in (None, weight):
        table = ThresholdTable.from_scores(made(y, z, w, kind="rank"))
        found = bootstrap_table(find("auch"), table, seed=0)
        assert "2,000 steps" in found.method
        assert found.values.mean() == pytest.approx(find("auch")(table), abs=0.001)
        error = math.sqrt(delong(table).variance)  # the hull of so many rows is hardly more than the curve
        assert found.values.std() == pytest.approx(error, rel=0.12)


def test_of_very_many_rows_some_are_drawn_and_the_spread_is_rescaled():
    rng = np.random.default_rng(0)
    p = rng.beta(2, 3, 40_000)
    s = made((rng.random(40_000) < p).astype(int), p)
    found = bootstrap_some(find("brier_skill"), s, seed=0)
    assert "of 10,000 rows, rescaled" in found.method
    whole = bootstrap_some(find("brier_skill"), s.take(np.arange(9000)), seed=0)
    assert found.values.std() == pytest.approx(whole.values.std() * math.sqrt(9000 / 40_000), rel=0.15)
    assert found.values.mean() == pytest.approx(find("brier_skill")(s), abs=0.002)


def test_classes_without_a_mistake_may_make_one():
    matrix = np.array([[20, 0, 0], [0, 15, 0], [0, 0, 0]])
    recall, f1 = bootstrap_matrix([cl.macro(cl.recall), cl.macro(cl.f1)], matrix, seed=0)
    assert recall.values.std() > 0.01
    assert recall.values.mean() == pytest.approx(1.0)  # of two classes: the third has no rows
    assert (recall.state, f1.state) == ("ok", "ok")
    assert bootstrap_matrix([cl.mcc], np.diag([20, 15, 2]), seed=0)[0].state == "insufficient"
    many = np.diag(np.full(150, 40.0))
    many[0, 1] = 5
    assert "multinomial" in bootstrap_matrix([cl.macro(cl.recall)], many, seed=0)[0].method
    s = cl.Scores(y_true=[0, 1, 2] * 10, y_score=np.eye(3)[[0, 1, 2] * 10], classes=[0, 1, 2], kind="probability")
    e = estimate(cl.macro(cl.f1), s)
    assert e.value == e.high == 1
    assert 0.8 < e.low < 1


# --- linearised -----------------------------------------------------------------------------------------------------


def test_influences_are_derivatives_by_the_shares():
    matrix = np.array([[44, 7, 9], [5, 20, 5], [1, 3, 6.0]])
    for metric in (cl.cohen_kappa, cl.macro(cl.f1), cl.mcc, cl.accuracy):
        found = influence(metric, matrix)
        assert (found * matrix).sum() == pytest.approx(0, abs=1e-9)
        for cell in np.ndindex(3, 3):
            more = matrix.copy()
            more[cell] += 1e-5
            slope = (metric.value(more) - metric.value(matrix)) / 1e-5 * matrix.sum()
            assert found[cell] == pytest.approx(slope, abs=1e-4)


def test_kappa_is_that_of_fleiss_cohen_and_everitt():
    matrix = np.array([[44, 7, 9], [5, 20, 5], [1, 3, 6.0]])
    p = matrix / matrix.sum()
    for name, power in (("linear_kappa", 1), ("quadratic_kappa", 2)):
        w = 1 - (np.abs(np.subtract.outer(range(3), range(3))) / 2) ** power
        row, column = p.sum(axis=1), p.sum(axis=0)
        by_chance = (w * np.outer(row, column)).sum()
        kappa = ((w * p).sum() - by_chance) / (1 - by_chance)
        mean = (w @ column)[:, None] + (row @ w)[None, :]
        variance = (p * (w - mean * (1 - kappa)) ** 2).sum() - (kappa - by_chance * (1 - kappa)) ** 2
        found = delta_interval(find(name), matrix)
        assert found.value == pytest.approx(kappa)
        assert found.error == pytest.approx(math.sqrt(variance / matrix.sum()) / (1 - by_chance), rel=1e-8)


def test_weights_enter_a_delta_interval_by_their_squares():
    rng = np.random.default_rng(0)
    y, z = sample(60, 90, 1.5)
    w = rng.uniform(0.2, 3, 150)
    e = estimate(cl.mcc, made(y, stats.norm.cdf(z), w), at=0.5, method="delta")
    drawn = cl.bootstrap(made(y, stats.norm.cdf(z), w), cl.mcc, at=0.5, seed=3).values
    assert e.ingredients.error == pytest.approx(drawn.std(), rel=0.08)
    one = estimate(cl.mcc, made(y, stats.norm.cdf(z)), at=0.5, method="delta").interval()
    same = estimate(cl.mcc, made(y, stats.norm.cdf(z), np.full(150, 7.0)), at=0.5, method="delta").interval()
    assert same == pytest.approx(one)


def test_ratios_of_rates():
    c = Counts(67, 20, 7, 64)
    for name, cells in (("plr", (67, 74, 20, 84)), ("nlr", (7, 74, 64, 84))):
        a, n1, b, n0 = cells
        half = 1.959964 * math.sqrt(1 / a - 1 / n1 + 1 / b - 1 / n0)
        found = ratio_ingredients(find(name), c)
        assert found.value == pytest.approx(find(name)(c))
        assert np.log(found.interval(0.95)) == pytest.approx(math.log(found.value) + np.array([-half, half]), abs=1e-6)
    half = 1.959964 * math.sqrt(1 / 67 + 1 / 20 + 1 / 7 + 1 / 64)
    found = ratio_ingredients(find("dor"), c)
    assert np.log(found.interval(0.95)) == pytest.approx(math.log(find("dor")(c)) + np.array([-half, half]), abs=1e-6)


def test_empty_cells_have_one_limit_and_nothing_is_added():
    perfect = Counts(30, 0, 0, 50)
    high = ratio_ingredients(find("plr"), perfect)
    assert high.value == math.inf
    assert 10 < high.interval(0.95)[0] < high.interval(0.5)[0] < math.inf
    low = ratio_ingredients(find("nlr"), perfect)
    assert (low.value, low.interval(0.95)[0]) == (0.0, 0.0)
    assert 0 < low.interval(0.5)[1] < low.interval(0.95)[1] < 0.2
    odds = ratio_ingredients(find("dor"), perfect)
    assert odds.value == odds.interval(0.9)[1] == math.inf
    nothing = ratio_ingredients(find("plr"), Counts(0, 0, 30, 50))  # nobody flagged
    assert nothing.state == "undefined"
    assert ratio_ingredients(find("plr"), Counts(3, 1, 1, 50)).state == "insufficient"
    for level in (0.1, 0.25, 0.999):
        assert RatioOfRates((0, 9), (4, 9)).interval(level)[0] == 0
    e = estimate(find("plr"), made([1] * 9 + [0] * 9, [0.9] * 9 + [0.1] * 9), at=0.5)
    assert e.high == math.inf
    assert e.to_dict()["high"] is None


def test_coverage_beside_empty_cells_by_enumeration():
    n1, n0, se, sp = 30, 25, 0.97, 0.9
    i, j = np.arange(n1 + 1), np.arange(n0 + 1)
    weight = stats.binom.pmf(i, n1, se)[:, None] * stats.binom.pmf(j, n0, 1 - sp)
    for name in ("plr", "nlr", "dor"):
        truth = find(name).value(Counts(se, 1 - sp, 1 - se, sp))
        covered = 0.0
        for a, b in zip(*np.nonzero(weight > 1e-7), strict=True):
            low, high = ratio_ingredients(find(name), Counts(int(a), int(b), int(n1 - a), int(n0 - b))).interval(0.95)
            covered += weight[a, b] * (low <= truth <= high)
        assert covered >= 0.93


def test_predictive_values_at_another_prevalence():
    c = Counts(67, 20, 7, 64)
    se, sp, pi = 67 / 74, 64 / 84, 0.03
    variance = (1 - se) / (se * 74) + sp / ((1 - sp) * 84)  # Mercaldo, Lau & Zhou 2007, equation 4
    logit = math.log(se * pi / ((1 - sp) * (1 - pi)))
    found = ratio_ingredients(cl.metrics.precision_at_prevalence(pi), c).interval(0.95)
    expected = stats.logistic.cdf(logit + 1.959964 * math.sqrt(variance) * np.array([-1, 1]))
    assert found == pytest.approx(tuple(expected), abs=1e-7)
    variance = se / ((1 - se) * 74) + (1 - sp) / (sp * 84)
    logit = math.log(sp * (1 - pi) / ((1 - se) * pi))
    found = ratio_ingredients(cl.metrics.npv_at_prevalence(pi), c).interval(0.95)
    expected = stats.logistic.cdf(logit + 1.959964 * math.sqrt(variance) * np.array([-1, 1]))
    assert found == pytest.approx(tuple(expected), abs=1e-7)
    for pi in (0, 1):
        at = ratio_ingredients(cl.metrics.precision_at_prevalence(pi), c)
        assert at.interval(0.95) == (pi, pi)
        assert at.state == "degenerate"


# --- every metric ---------------------------------------------------------------------------------------------------

PARAMETERS = ["f0.5", "precision_at_prevalence_0.1", "npv_at_prevalence_0.1", "net_benefit_0.2", "cost_fp1_fn25"]
PARAMETERS += ["partial_auc_fpr_0_0.2", "recall_at_top_0.1", "best_f1", "calibration_error_5", "macro_f1", "micro_f1"]
SEVERAL = ["macro_f1", "micro_f1", "weighted_recall", "macro_roc_auc", "micro_roc_auc", "weighted_roc_auc"]
SEVERAL += ["macro_average_precision", "top_2_accuracy"]


def of_each_kind(n=240):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, n)
    q = rng.dirichlet([1, 1, 1], n) + np.eye(3)[y] * 0.4
    about = [{}, {"weight": rng.uniform(0.3, 2, n)}, {"groups": rng.integers(0, 60, n)}]
    for how in about:
        yield "binary", cl.Scores(y_true=y > 1, y_score=q[:, 2] / q.sum(axis=1), kind="probability", **how)
        ordered = cl.Classes([0, 1, 2], ordered=True)
        q3 = q / q.sum(axis=1, keepdims=True)
        yield "several", cl.Scores(y_true=y, y_score=q3, classes=ordered, kind="probability", **how)


@pytest.mark.parametrize(("task", "s"), [*of_each_kind()])
def test_every_metric_has_an_interval_at_any_level(task, s):
    tasks = {"binary"} if task == "binary" else {"multiclass", "ordinal"}
    names = [m.name for m in METRICS.values() if tasks & set(m.tasks)]
    for name in [*names, *(PARAMETERS if task == "binary" else SEVERAL)]:
        if name == "aupr_davis_goadrich" and s.weight is not None:
            continue  # knows no weights
        e = estimate(find(name), s, at=0.4, seed=1)
        (low, high), (lower, higher) = e.interval(), e.interval(0.99)
        assert e.metric.range[0] <= lower <= low <= high <= higher <= e.metric.range[1], name
        assert low < high, name
        if name not in ("best_f1", "calibration_error_15", "calibration_error_5", "h_measure", "auch", "max_mae"):
            assert low <= e.value <= high, name  # the others are above their own truth, and so are their replicates
        assert e.state in ("ok", "insufficient")
        json.dumps(e.to_dict(), allow_nan=False)
        if name in ("mcc", "aupr", "hand_till"):
            assert estimate(find(name), s, at=0.4, seed=1).interval() == (low, high), name
            assert estimate(find(name), s, at=0.4, seed=2).interval() != (low, high) or s.groups is not None, name


@pytest.mark.parametrize(
    ("y", "p"),
    [
        ([0, 1], [0.2, 0.7]),
        ([1, 1, 1], [0.2, 0.7, 0.7]),
        ([0, 0, 0, 0], [0.2, 0.7, 0.7, 0.1]),
        ([0, 1, 0, 1, 1], [0.5] * 5),
        ([0, 0, 0, 1, 1, 1], [0.1, 0.2, 0.3, 0.7, 0.8, 0.9]),
        ([0] * 40 + [1] * 3, [i / 43 for i in range(43)]),
    ],
)
@pytest.mark.parametrize("weighted", [False, True])
def test_hardly_any_rows_give_a_state_and_no_nonsense(y, p, weighted):
    s = made(y, p, np.linspace(1, 2, len(y)) if weighted else None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for metric in [*(m for m in METRICS.values() if "binary" in m.tasks), *map(find, PARAMETERS)]:
            e = estimate(metric, s, at=0.5)
            low, high = e.interval()
            assert e.state in ("ok", "undefined", "degenerate", "insufficient")
            assert math.isnan(low) == math.isnan(high)
            if math.isnan(e.value):
                assert e.state == "undefined"
                assert math.isnan(low)
            elif not math.isnan(low):
                assert low <= high, metric.name


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


def test_gini_is_the_auc_on_another_scale():
    y, z = sample(30, 40)
    low, high = estimate(cl.roc_auc, made(y, z, kind="rank")).interval()
    assert estimate(find("gini"), made(y, z, kind="rank")).interval() == pytest.approx((2 * low - 1, 2 * high - 1))


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


@pytest.mark.parametrize("name", ["brier", "log_loss", "brier_skill", "log_loss_skill"])
def test_losses_of_a_class_with_few_rows_are_a_guess(name):
    p = np.random.default_rng(0).beta(1, 5, 60)
    for positives, state in ((7, "insufficient"), (8, "ok")):
        scores = cl.Scores(y_true=np.arange(60) < positives, y_score=p, kind="probability")
        assert cl.estimate(cl.find(name), scores).state == state


def test_a_widened_interval_is_that_of_a_higher_level() -> None:
    rng = np.random.default_rng(0)
    y = rng.random(400) < 0.3
    scores = cl.Scores(y_true=y, y_score=rng.normal(y, 1), kind="rank")
    found = estimate(cl.roc_auc, scores)
    wide = replace(found, widened=1.2)
    level = math.erf(1.2 * z_of(0.95) / 2**0.5)
    assert wide.interval() == found.interval(level)
    assert wide.confidence == 0.95
    assert wide.low < found.low < found.high < wide.high
