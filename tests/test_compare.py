from __future__ import annotations

import itertools
import json
import math

import numpy as np
import pytest
from scipy import optimize, stats

import cutline as cl
from cutline.errors import InputError, LabelError, ScoreError, ShapeError, UnknownName
from cutline.evidence.compare import compare
from cutline.evidence.diagnosis import TwoTests
from cutline.evidence.influence import auc_influence, delong_test, placements
from cutline.evidence.intervals import Replicates, wilson
from cutline.evidence.learners import corrected_resampled_t, cv5x2_f, cv5x2_t
from cutline.evidence.multiplicity import adjusted
from cutline.evidence.paired import PairedTable, cochran_q, mcnemar, newcombe_paired, paired_odds_ratio, tango
from cutline.evidence.redraw import Resampled
from cutline.evidence.studentized import Studentized
from cutline.evidence.two_sides import TwoProportions
from tests import naive

TABLES = [(10, 1, 6, 3), (794, 86, 150, 570), (0, 0, 0, 5), (5, 0, 0, 5), (0, 7, 0, 0), (0, 0, 9, 0), (3, 4, 4, 2)]


def made(y, p, kind="rank", **about):
    return cl.Scores(y_true=y, y_score=p, classes=[0, 1], kind=kind, **about)


def pair(n=200, rate=0.3, seed=0, gap=0.0, clusters=0, **about):
    """Truth and the scores of two models that are equally good for gap = 0, in clusters that share their errors."""
    rng = np.random.default_rng(seed)
    member = rng.integers(0, clusters, n) if clusters else np.arange(n)
    shared = rng.normal(size=(int(member.max()) + 1, 3)) * (0.8 if clusters else 0.0)
    y = rng.random(n) < 1 / (1 + np.exp(-np.log(rate / (1 - rate)) - shared[member, 0]))
    y[:4] = [True, False, True, False]
    common = rng.normal(size=n) * 0.7
    z = [(1.5 + add) * y + common + rng.normal(size=n) * 0.7 + shared[member, 1 + i] for i, add in ((0, gap), (1, 0))]
    if clusters:
        about["groups"] = member
    return {
        name: made(y, 1 / (1 + np.exp(-1.5 * (score - 0.75) - np.log(rate / (1 - rate)))), "probability", **about)
        for name, score in zip("ab", z, strict=True)
    }


# --- several tests at once ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_adjusted_p_by_their_definitions(seed):
    rng = np.random.default_rng(seed)
    p = np.round(rng.random(6) ** 2, 2)
    m = p.size
    simes = {
        chosen: min(len(chosen) * q / (i + 1) for i, q in enumerate(sorted(p[list(chosen)])))
        for size in range(1, m + 1)
        for chosen in itertools.combinations(range(m), size)
    }
    # Hommel's and Holm's tests are the closed tests of Simes' and of Bonferroni's.
    closed = [max(v for chosen, v in simes.items() if i in chosen) for i in range(m)]
    assert adjusted(p, "hommel") == pytest.approx(closed)
    closed = [max(min(1, len(c) * p[list(c)].min()) for c in simes if i in c) for i in range(m)]
    assert adjusted(p, "holm") == pytest.approx(closed)
    assert adjusted(p, "bh") == pytest.approx(stats.false_discovery_control(p, method="bh"))
    assert adjusted(p, "by") == pytest.approx(stats.false_discovery_control(p, method="by"))
    assert (p <= adjusted(p, "hommel") + 1e-15).all()
    for weaker, stronger in (("hommel", "hochberg"), ("hochberg", "holm"), ("holm", "bonferroni"), ("bh", "by")):
        assert (adjusted(p, weaker) <= adjusted(p, stronger) + 1e-15).all()


@pytest.mark.parametrize("method", ["holm", "hochberg", "hommel", "bonferroni", "bh", "by"])
def test_an_undefined_p_counts_as_one(method):
    assert (adjusted([0.01, math.nan, 0.04], method) == adjusted([0.01, 1.0, 0.04], method)).all()
    assert adjusted([], method).size == 0
    assert adjusted([0.2], method) == pytest.approx([0.2])


def test_what_adjusted_refuses():
    with pytest.raises(InputError, match="p-values"):
        adjusted([0.5, 1.5])
    with pytest.raises(UnknownName, match="'holm'"):
        adjusted([0.5], "hom")


# --- paired tables --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cells", TABLES)
def test_mcnemar_is_a_binomial_test(cells):
    table = PairedTable(*cells)
    few, n = min(cells[1:3]), cells[1] + cells[2]
    exact = stats.binomtest(few, n, 0.5).pvalue if n else 1.0
    assert mcnemar(table, "exact").p == pytest.approx(exact, rel=1e-9)
    mid = min(1.0, 2 * stats.binom.cdf(few, n, 0.5) - stats.binom.pmf(few, n, 0.5)) if n else 1.0
    assert mcnemar(table).p == pytest.approx(mid, rel=1e-9)
    for how in ("mid-p", "exact", "chi2", "chi2_cc"):
        assert mcnemar(table, how).p == mcnemar(table.swapped, how).p
        assert 0 <= mcnemar(table, how).p <= 1


@pytest.mark.parametrize("cells", TABLES)
@pytest.mark.parametrize("level", [0.8, 0.95, 0.99])
def test_tango_limits_solve_the_score_equation(cells, level):
    both, b, c, neither = cells
    n, z = sum(cells), stats.norm.isf((1 - level) / 2)
    low, high = tango(PairedTable(*cells), level)
    assert -1 <= low <= (b - c) / n <= high <= 1
    for limit in (low, high):
        if abs(limit) > 1 - 1e-9 or abs(limit - (b - c) / n) < 1e-9:
            continue

        def loss(q, d=limit):
            parts = ((b, q + d), (c, q), (both + neither, 1 - 2 * q - d))
            return -sum(k * math.log(max(share, 1e-300)) for k, share in parts if k)

        q = optimize.minimize_scalar(
            loss, bounds=(max(0, -limit), (1 - limit) / 2), method="bounded", options={"xatol": 1e-13}
        ).x
        assert abs(b - c - n * limit) == pytest.approx(z * math.sqrt(n * (2 * q + limit * (1 - limit))), rel=1e-4)
    low2, high2 = tango(PairedTable(*cells).swapped, level)
    assert (-high2, -low2) == pytest.approx((low, high))


def test_tango_of_models_that_never_differ():
    z = stats.norm.isf(0.025)
    low, high = tango(PairedTable(30, 0, 0, 10))
    assert (low, high) == pytest.approx((-(z**2) / (40 + z**2), z**2 / (40 + z**2)))


@pytest.mark.parametrize("cells", TABLES)
def test_newcombe_paired(cells):
    a, b, c, d = cells
    n = sum(cells)
    (l1, u1), (l2, u2) = wilson(a + b, n), wilson(a + c, n)
    p1, p2 = (a + b) / n, (a + c) / n
    below = math.sqrt((a + b) * (c + d) * (a + c) * (b + d))
    cross = a * d - b * c
    phi = 0.0 if not below else (max(cross - n / 2, 0) if cross > 0 else cross) / below
    low = p1 - p2 - math.sqrt((p1 - l1) ** 2 - 2 * phi * (p1 - l1) * (u2 - p2) + (u2 - p2) ** 2)
    high = p1 - p2 + math.sqrt((u1 - p1) ** 2 - 2 * phi * (u1 - p1) * (p2 - l2) + (p2 - l2) ** 2)
    assert newcombe_paired(PairedTable(*cells)) == pytest.approx((low, high))


def test_tables_without_what_they_need():
    empty = PairedTable(0, 0, 0, 0)
    assert mcnemar(empty).p == 1
    assert all(map(math.isnan, (*tango(empty), *newcombe_paired(empty), empty.difference)))
    assert math.isnan(paired_odds_ratio(PairedTable(3, 0, 0, 3))[0])
    assert paired_odds_ratio(PairedTable(3, 2, 0, 3))[0] == math.inf
    assert paired_odds_ratio(PairedTable(3, 2, 0, 3))[1][1] == math.inf
    with pytest.raises(InputError, match="number of rows"):
        PairedTable(1, 2, -1, 0)
    with pytest.raises(InputError, match="weighted"):
        PairedTable(1, 2.5, 1, 0)
    with pytest.raises(ShapeError):
        PairedTable.of([True], [True, False])
    with pytest.raises(UnknownName):
        mcnemar(empty, "midp")


def test_cochran_q_of_two_is_mcnemar():
    rng = np.random.default_rng(0)
    right = rng.random((60, 2)) < [0.6, 0.8]
    found, two = cochran_q(right), mcnemar(PairedTable.of(right[:, 0], right[:, 1]), "chi2")
    assert (found.statistic, found.p) == pytest.approx((two.statistic, two.p))
    assert cochran_q(np.ones((5, 3))).p == 1
    with pytest.raises(ShapeError):
        cochran_q([0, 1])


# --- areas ----------------------------------------------------------------------------------------------------------


def matrix(score, y):
    gap = score[y][:, None] - score[~y][None, :]
    return np.where(gap > 0, 1.0, np.where(gap == 0, 0.5, 0.0))


@pytest.mark.parametrize("seed", range(4))
def test_placements_and_covariance_from_all_pairs(seed):
    rng = np.random.default_rng(seed)
    y = np.arange(40) % 3 == 0
    one, two = (np.round(rng.normal(size=40) + y, 1) for _ in range(2))
    m1, m2 = matrix(one, y), matrix(two, y)
    found = placements(one, y)
    assert found[y] == pytest.approx(m1.mean(axis=1))
    assert found[~y] == pytest.approx(m1.mean(axis=0))
    a, b = auc_influence(made(y, one)), auc_influence(made(y, two))
    assert a.value == pytest.approx(naive.auc(one, y))
    assert a.variance == pytest.approx(naive.delong_variance(one, y))
    cross = sum(
        np.cov(m1.mean(axis=axis), m2.mean(axis=axis))[0, 1] / size for axis, size in ((1, m1.shape[0]), (0, len(m1.T)))
    )
    assert a.covariance(b) == pytest.approx(cross)
    assert delong_test(made(y, one), made(y, two)).error ** 2 == pytest.approx(a.variance + b.variance - 2 * cross)


def test_clustered_variance_is_obuchowskis():
    rng = np.random.default_rng(3)
    y, group = rng.random(80) < 0.4, rng.integers(0, 15, 80)
    score = np.round(rng.normal(size=80) + y + rng.normal(size=15)[group], 1)
    m = matrix(score, y)
    auc, v10, v01 = m.mean(), m.mean(axis=1), m.mean(axis=0)
    x = np.array([(v10[group[y] == g] - auc).sum() for g in range(15)])
    z = np.array([(v01[group[~y] == g] - auc).sum() for g in range(15)])
    n1, n0 = m.shape
    i10, i01, i = len(set(group[y])), len(set(group[~y])), len(set(group))
    expected = i10 / (i10 - 1) * (x**2).sum() / n1**2 + i01 / (i01 - 1) * (z**2).sum() / n0**2
    expected += 2 * i / (i - 1) * (x * z).sum() / (n1 * n0)
    assert auc_influence(made(y, score, groups=group)).variance == pytest.approx(expected)


def test_clusters_of_one_are_rows():
    rows, alone = pair(), pair(groups=np.arange(200))
    for metric in (cl.roc_auc, cl.log_loss, cl.recall, cl.f1):
        for paired in (True, False):
            a, b = (compare(models, metric, at=0.5, paired=paired) for models in (rows, alone))
            assert repr(a) == repr(b)
            assert b.clusters == 0


def test_repeated_rows_in_clusters_add_nothing():
    once = pair(n=60, clusters=0)
    thrice = {name: s.take(np.repeat(np.arange(60), 3)) for name, s in once.items()}
    grouped = pair(n=60)
    grouped = {
        name: made(
            np.repeat(s.is_positive, 3), np.repeat(s.score, 3), "probability", groups=np.repeat(np.arange(60), 3)
        )
        for name, s in once.items()
    }
    for metric in (cl.roc_auc, cl.accuracy, cl.brier):
        found, naive_one = compare(grouped, metric, at=0.3)[("a", "b")], compare(thrice, metric, at=0.3)[("a", "b")]
        single = compare(once, metric, at=0.3)[("a", "b")]
        assert found.value == pytest.approx(single.value)
        width = found.high - found.low
        assert width == pytest.approx(single.high - single.low, rel=0.1)
        assert width > 1.5 * (naive_one.high - naive_one.low)


def test_weights_are_importance_weights():
    heavy = pair(weight=np.full(200, 7.0))
    for metric in (cl.roc_auc, cl.log_loss, cl.brier, cl.f1, cl.average_precision):
        plain, same = compare(pair(), metric, at=0.4)[("a", "b")], compare(heavy, metric, at=0.4)[("a", "b")]
        assert same.value == pytest.approx(plain.value)
        assert same.interval() == pytest.approx(plain.interval(), abs=1e-9)
        assert same.p == pytest.approx(plain.p)
    assert compare(heavy, cl.accuracy, at=0.4)[("a", "b")].method == "paired t"


# --- two binary tests -----------------------------------------------------------------------------------------------


def test_two_tests_read_off_rows():
    rng = np.random.default_rng(5)
    y, a, b = (rng.random(300) < 0.4 for _ in range(3))
    found = TwoTests.of(y, a | (y & b), b)
    first, second = made(y, (a | (y & b)).astype(float)), made(y, b.astype(float))
    assert found.sensitivity().first == pytest.approx(cl.recall(first, at=1))
    assert found.specificity().second == pytest.approx(cl.specificity(second, at=1))
    assert found.ppv().first == pytest.approx(cl.precision(first, at=1))
    assert found.npv(weighted=True).second == pytest.approx(cl.npv(second, at=1))
    ratio = found.positive_likelihood_ratio()
    assert ratio.first == pytest.approx(cl.find("positive_likelihood_ratio")(first, at=1))
    low, high = ratio.interval()
    assert low < ratio.ratio < high


def test_relative_predictive_values_by_the_published_formula():
    sick, well = PairedTable(319, 109, 22, 44), PairedTable(31, 78, 22, 546)
    found = TwoTests(sick, well).relative_ppv()
    # Moskowitz & Pepe 2006: the variance of log(PPV1 / PPV2) by the delta method over the eight cells.
    cells = np.array(
        [sick.both, sick.first, sick.second, sick.neither, well.both, well.first, well.second, well.neither]
    )
    one, two, true = np.array([1, 1, 0, 0] * 2), np.array([1, 0, 1, 0] * 2), np.array([1] * 4 + [0] * 4)

    def log_ratio(p):
        return math.log(p @ (one * true) / (p @ one)) - math.log(p @ (two * true) / (p @ two))

    n = cells.sum()
    p = cells / n
    gradient = np.array([(log_ratio(p + 1e-6 * e) - log_ratio(p - 1e-6 * e)) / 2e-6 for e in np.eye(8)])
    variance = gradient @ (np.diag(p) - np.outer(p, p)) @ gradient / n
    assert found.error == pytest.approx(math.sqrt(variance), rel=1e-6)
    assert math.log(found.ratio) == pytest.approx(log_ratio(p))
    flipped = TwoTests(PairedTable(546, 22, 78, 31), PairedTable(44, 22, 109, 319)).relative_npv()
    assert (flipped.ratio, flipped.error) == pytest.approx((1 / found.ratio, found.error)) or (
        flipped.ratio,
        flipped.error,
    ) == pytest.approx((found.ratio, found.error))


def test_two_tests_without_flags():
    none = TwoTests(PairedTable(0, 0, 0, 5), PairedTable(0, 0, 0, 7))
    assert none.ppv().p == none.ppv(weighted=True).p == none.npv().p == none.sensitivity().p == 1
    assert none.relative_ppv().p == none.positive_likelihood_ratio().p == 1
    assert math.isnan(none.ppv().first)


# --- learners -------------------------------------------------------------------------------------------------------


def test_learners_without_spread():
    assert corrected_resampled_t([0.0] * 5, n_train=90, n_test=10).p == 1
    assert corrected_resampled_t([0.1] * 5, n_train=90, n_test=10).state == "degenerate"
    assert cv5x2_t(np.zeros((5, 2))).p == cv5x2_f(np.zeros((5, 2))).p == cv5x2_f(np.full((5, 2), 0.1)).p == 1
    with pytest.raises(ShapeError, match="5, 2"):
        cv5x2_f(np.zeros((2, 5)))
    with pytest.raises(InputError, match="finite"):
        corrected_resampled_t([0.1, math.nan], n_train=90, n_test=10)
    with pytest.raises(InputError, match="n_train"):
        corrected_resampled_t([0.1, 0.2], n_train=0, n_test=10)
    with pytest.raises(ShapeError, match="two"):
        corrected_resampled_t([0.1], n_train=90, n_test=10)


def test_corrected_t_interval_agrees_with_its_p():
    found = corrected_resampled_t([0.012, 0.031, 0.008, -0.004, 0.022], n_train=120, n_test=30)
    assert found.interval(1 - found.p)[0] == pytest.approx(0, abs=1e-12)


# --- compare --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("metric", ["roc_auc", "log_loss", "brier", "accuracy", "recall", "fpr", "prediction_bias"])
def test_difference_is_of_the_figures(metric):
    models = pair(gap=0.7)
    found = compare(models, metric, at=0.4)
    d = found[("a", "b")]
    assert found.values == pytest.approx([cl.find(metric)(s, at=0.4) for s in models.values()])
    assert d.value == pytest.approx(found.values[0] - found.values[1])
    assert d.ingredients.interval(0.9)[0] < d.value < d.ingredients.interval(0.9)[1]
    back = compare({"b": models["b"], "a": models["a"]}, metric, at=0.4).differences[0]
    assert (back.value, back.low, back.high, back.p) == pytest.approx((-d.value, -d.high, -d.low, d.p))
    assert d.state == "ok"


def test_methods_by_metric():
    models = pair()
    methods = {m: compare(models, m, at=0.4).differences[0].method for m in ("roc_auc", "accuracy", "log_loss", "f1")}
    assert methods == {
        "roc_auc": "paired DeLong",
        "accuracy": "McNemar mid-p, Tango",
        "log_loss": "paired t",
        "f1": "paired bootstrap, 2000 replicates",
    }
    a, b = models.values()
    losses = [cl.metrics.probability.row_log_loss(s) for s in (a, b)]
    d = compare(models, cl.log_loss).differences[0]
    assert d.p == pytest.approx(stats.ttest_rel(*losses).pvalue)
    low, high = stats.ttest_rel(*losses).confidence_interval(0.9)
    assert d.interval(0.9) == pytest.approx((low, high))
    right = [(s.score >= 0.4) == s.is_positive for s in (a, b)]
    d = compare(models, cl.accuracy, at=0.4).differences[0]
    table = PairedTable.of(*right)
    assert (d.p, d.low, d.high) == (mcnemar(table).p, *tango(table))
    recalled = [s.score[s.is_positive] >= 0.4 for s in (a, b)]
    assert compare(models, cl.recall, at=0.4).differences[0].p == mcnemar(PairedTable.of(*recalled)).p


def redone(models, metric, seed, replicates=64):
    """Replicates of the difference by evaluating the metric on weighted rows."""
    one, two = models.values()
    member = np.arange(one.n) if one.groups is None else np.unique(one.groups, return_inverse=True)[1]
    out = []
    for times in cl.core.times_drawn(member.max() + 1, replicates=replicates, seed=seed):
        mass = times[member] * (1.0 if one.weight is None else one.weight)
        out.append(np.subtract(*(cl.find(metric).value(s.with_weight(mass), at=0.4) for s in (one, two))))
    return np.array(out)


@pytest.mark.parametrize("metric", ["f1", "precision", "mcc", "average_precision", "ks", "log_loss_skill", "macro_f1"])
@pytest.mark.parametrize(("weighted", "clusters"), [(False, 40), (True, 0), (True, 40)])
def test_bootstrap_draws_the_same_rows_for_every_model(metric, weighted, clusters):
    about = {"weight": np.random.default_rng(1).uniform(0.5, 2, 200)} if weighted else {}
    models = pair(clusters=clusters, gap=0.4, **about)
    d = compare(models, metric, at=0.4, replicates=64, seed=5).differences[0]
    assert d.ingredients.replicates.values == pytest.approx(redone(models, metric, 5), abs=1e-12)


@pytest.mark.parametrize("metric", ["f1", "precision", "mcc", "cohen_kappa", "macro_f1", "positive_likelihood_ratio"])
def test_alike_rows_are_drawn_together(metric):
    models = pair(gap=0.4)
    values = compare(models, metric, at=0.4, replicates=4000).differences[0].ingredients.replicates.values
    expected = redone(models, metric, 1, 2000)
    assert values.mean() == pytest.approx(expected.mean(), abs=5 * expected.std() / math.sqrt(2000))
    assert values.std() == pytest.approx(expected.std(), rel=0.1)
    assert np.quantile(values, [0.05, 0.95]) == pytest.approx(
        np.quantile(expected, [0.05, 0.95]), abs=0.15 * expected.std()
    )


@pytest.mark.parametrize(("differ", "how"), [(9, "exact"), (10, "mid-p")])
def test_exact_where_few_rows_differ(differ, how):
    y = np.arange(60) % 2
    wrong = np.where(np.arange(60) < differ - 1, 1 - y, y)
    other = np.where(np.arange(60) == 59, 1 - y, y)
    d = compare({"a": made(y, wrong), "b": made(y, other)}, cl.accuracy, at=1).differences[0]
    assert d.method == f"McNemar {how}, Tango"
    assert d.p == mcnemar(PairedTable(60 - differ, 1, differ - 1, 0), how).p


def test_rows_are_matched_by_ids():
    models = pair(n=80, ids=[f"r{i}" for i in range(80)])
    shuffled = models["b"].take(np.random.default_rng(0).permutation(80))
    for metric in (cl.roc_auc, cl.f1, cl.log_loss):
        straight = compare(models, metric, at=0.4).differences[0]
        found = compare({"a": models["a"], "b": shuffled}, metric, at=0.4).differences[0]
        assert (found.value, found.p, found.interval()) == (straight.value, straight.p, straight.interval())
    with pytest.raises(LabelError, match=r"another truth in \d+ row"):
        compare({"a": models["a"], "b": shuffled}, cl.roc_auc, on="order")
    with pytest.raises(ShapeError, match="70 of them with an id"):
        compare({"a": models["a"], "b": models["b"].take(np.arange(70))}, cl.roc_auc)
    twice = models["b"].take(np.append(np.arange(79), 0))
    with pytest.raises(InputError, match="twice"):
        compare({"a": models["a"], "b": twice}, cl.roc_auc)


def test_rows_without_truth_do_not_count():
    y = [0, 1, None, 1, 0, 1, 0, 0]
    a, b = (made(y, np.random.default_rng(i).random(8), "probability") for i in range(2))
    found = compare({"a": a, "b": b}, cl.brier)
    assert found.n == 7
    assert found.differences[0].p == pytest.approx(compare({"a": a.known(), "b": b.known()}, cl.brier).differences[0].p)


def test_what_compare_refuses():
    a, b = pair().values()
    with pytest.raises(UnknownName, match="'roc_auc'"):
        compare({"a": a, "b": b}, "roc_aux")
    with pytest.raises(InputError, match="at least two"):
        compare({"a": a}, cl.roc_auc)
    with pytest.raises(InputError, match="at least two"):
        compare([a, b], cl.roc_auc)
    with pytest.raises(InputError, match="Scores"):
        compare({"a": a, "b": b.score}, cl.roc_auc)
    with pytest.raises(UnknownName, match="reference"):
        compare({"a": a, "b": b}, cl.roc_auc, reference="c")
    with pytest.raises(ShapeError, match="200 rows"):
        compare({"a": a, "b": b.take(np.arange(50))}, cl.roc_auc)
    with pytest.raises(LabelError, match="classes="):
        compare({"a": a, "b": cl.Scores(y_true=["n", "y"] * 100, y_score=b.score, positive="y")}, cl.roc_auc)
    with pytest.raises(InputError, match="weight for 'b' only"):
        compare({"a": a, "b": b.with_weight(np.ones(200))}, cl.roc_auc)
    with pytest.raises(ScoreError, match="no threshold"):
        compare({"a": a, "b": b}, cl.f1)
    with pytest.raises(ScoreError, match="one for each model"):
        compare({"a": a, "b": b.with_score(b.score, "rank")}, cl.f1, at=0.5)
    with pytest.raises(UnknownName, match="at"):
        compare({"a": a, "b": b}, cl.f1, at={"c": 0.5})
    with pytest.raises(InputError, match="no ids"):
        compare({"a": a, "b": b}, cl.roc_auc, on="ids")
    with pytest.raises(UnknownName):
        compare({"a": a, "b": b}, cl.roc_auc, on="id")
    with pytest.raises(InputError, match="confidence"):
        compare({"a": a, "b": b}, cl.roc_auc, confidence=95)
    with pytest.raises(InputError, match="better end"):
        compare({"a": a, "b": b}, cl.prediction_bias, margin=0.1)
    with pytest.raises(InputError, match="margin"):
        compare({"a": a, "b": b}, cl.roc_auc, margin=-0.1)
    with pytest.raises(ScoreError, match="predicted labels"):
        compare({n: s.with_score((s.score > 0.5).astype(np.int32), "label") for n, s in pair().items()}, cl.roc_auc)
    with pytest.raises(ScoreError, match="probabilities"):
        compare({"a": a.with_score(a.score, "rank"), "b": b.with_score(b.score, "rank")}, cl.brier)


@pytest.mark.parametrize("clusters", [0, 20, 40])
@pytest.mark.parametrize("metric", ["roc_auc", "accuracy", "log_loss", "f1", "average_precision", "precision"])
def test_identical_models(metric, clusters):
    a = pair(clusters=clusters)["a"]
    d = compare({"a": a, "same": a}, metric, at=0.4, replicates=100, margin=0.01).differences[0]
    assert (d.value, d.p, d.p_adjusted, d.state) == (0, 1, 1, "degenerate")
    assert d.low <= 0 <= d.high
    assert d.verdict.startswith("no difference on these rows")
    assert d.more_rows is None


def test_logits_and_probabilities_of_one_model_are_identical():
    a = pair()["a"]
    z = a.with_score(np.log(a.score / (1 - a.score)), "logit")
    for metric in (cl.log_loss, cl.brier, cl.roc_auc):
        assert compare({"p": a, "z": z}, metric).differences[0].p == 1


def test_too_little_to_compare():
    y = [1, 0, 0, 0, 0, 0]
    a, b = made(y, [0.5, 0.1, 0.2, 0.3, 0.4, 0.6], "probability"), made(y, [0.7, 0.9, 0, 0.1, 0.2, 0.3], "probability")
    d = compare({"a": a, "b": b}, cl.roc_auc, margin=0.5).differences[0]
    assert (d.p, d.state, d.non_inferior) == (1, "insufficient", False)
    one = made([0] * 6, a.score, "probability")
    d = compare({"a": one, "b": made([0] * 6, b.score, "probability")}, cl.roc_auc).differences[0]
    assert (d.p, d.state) == (1, "undefined")
    assert all(map(math.isnan, d.interval()))
    d = compare({"a": a, "b": b}, cl.precision, at=0.8).differences[0]  # a flags nobody
    assert (d.p, d.state, d.verdict) == (1, "undefined", "a figure is undefined")
    alone = [made([1, 0, 1, 0], s, "probability", groups=[0] * 4) for s in ([0.1, 0.2, 0.3, 0.4], [0.4, 0.2, 0.3, 0.1])]
    for metric in (cl.roc_auc, cl.brier, cl.accuracy, cl.f1):
        d = compare(dict(zip("ab", alone, strict=True)), metric, at=0.25).differences[0]
        assert (d.p, d.state) == (1, "insufficient")
    json.dumps(d.to_dict(), allow_nan=False)


def test_perfect_separation_and_three_positives():
    y = np.repeat([1, 0], [3, 60])
    rng = np.random.default_rng(0)
    perfect, other = made(y, y + rng.random(63) / 2), made(y, y + rng.random(63) / 3)
    d = compare({"a": perfect, "b": other}, cl.roc_auc, margin=0.1).differences[0]
    assert (d.value, d.p, d.state, d.non_inferior) == (0, 1, "degenerate", False)
    worse = made(y, np.where(y, 0.5, rng.random(63)))
    d = compare({"a": perfect, "b": worse}, cl.roc_auc).differences[0]
    assert d.method == "paired DeLong, t"
    assert delong_test(perfect, worse).p <= d.p


def test_holm_over_all_pairs_or_against_a_reference():
    models = pair(n=300, gap=0.8) | {"c": pair(n=300, seed=0, gap=0.2)["a"]}
    found = compare(models, cl.roc_auc)
    assert [(d.first, d.second) for d in found.differences] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert [d.p_adjusted for d in found.differences] == adjusted([d.p for d in found.differences]).tolist()
    against = compare(models, cl.roc_auc, reference="b")
    assert [(d.first, d.second) for d in against.differences] == [("a", "b"), ("c", "b")]
    with pytest.raises(InputError, match="one of"):
        against[("a", "c")]


def test_what_a_comparison_says():
    models = pair(n=400, gap=0.1)
    found = compare(models, cl.roc_auc)
    d = found.differences[0]
    assert d.verdict.startswith("not distinguishable; about ")
    factor = 1 + d.more_rows / d.n
    half = (d.high - d.low) / 2
    assert half / math.sqrt(factor) <= abs(d.value) * 1.001  # as many rows would do
    assert half / math.sqrt(factor * 0.85) > abs(d.value)
    positives = int(d.verdict.split("(")[1].split(" positive")[0].replace(",", ""))
    assert positives == pytest.approx(d.more_rows * d.n_pos / d.n, rel=0.1)
    clear = compare(pair(n=400, gap=1.5), cl.roc_auc)
    assert clear.differences[0].verdict == "a is better"
    assert compare(pair(n=400, gap=1.5), cl.log_loss).differences[0].verdict == "a is better"
    assert "ROC AUC on the same rows" in repr(clear)
    assert "a is better" in repr(clear)
    assert clear.at(0.5).differences[0].high < clear.differences[0].high
    assert clear.to_frame().column_names == list(clear.rows())
    plain = json.loads(json.dumps(clear.to_dict(), allow_nan=False))
    assert plain["differences"][0]["verdict"] == "a is better"
    assert plain["values"] == dict(zip("ab", clear.values, strict=True))


def test_non_inferiority_is_one_sided():
    models = pair(n=400, gap=0.1)
    d = compare(models, cl.roc_auc, margin=0.05).differences[0]
    assert d.limit == d.interval(0.9)[0]
    assert d.non_inferior == (d.limit > -0.05)
    loss = compare(models, cl.log_loss, margin=0.03).differences[0]
    assert loss.limit == loss.interval(0.9)[1]
    assert loss.non_inferior == (loss.limit < 0.03)
    assert compare(pair(n=400), cl.roc_auc, margin=1e-6).differences[0].non_inferior is False
    assert "non-inferior within 0.5" in compare(models, cl.roc_auc, margin=0.5).differences[0].verdict


def test_thresholds_of_each_model():
    models = pair()
    found = compare(models, cl.recall, at={"a": 0.3, "b": 0.6})
    assert found.values == (cl.recall(models["a"], at=0.3), cl.recall(models["b"], at=0.6))
    codes = {n: s.with_score((s.score >= 0.4).astype(np.int32), "label") for n, s in models.items()}
    assert (
        compare(codes, cl.f1, seed=2).differences[0].interval()
        == compare(models, cl.f1, at=0.4, seed=2).differences[0].interval()
    )
    mixed = {"a": models["a"], "b": codes["b"]}
    assert compare(mixed, cl.accuracy, at=0.4).differences[0].p == compare(models, cl.accuracy, at=0.4).differences[0].p


@pytest.mark.parametrize("metric", ["accuracy", "log_loss", "macro_f1", "macro_roc_auc", "hand_till", "cohen_kappa"])
def test_several_classes(metric):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 150)
    models = {}
    for name, strength in (("a", 2.5), ("b", 1.0)):
        z = rng.normal(size=(150, 3)) + strength * np.eye(3)[y]
        p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
        models[name] = cl.Scores(y_true=y, y_score=p, kind="probability")
    d = compare(models, metric, replicates=200).differences[0]
    assert d.verdict == "a is better"
    assert d.n_pos == -1
    assert "positive" not in compare({"a": models["a"], "c": models["a"]}, metric, replicates=50).differences[0].verdict


# --- different rows -------------------------------------------------------------------------------------------------


def test_models_on_different_rows():
    a, b = pair(n=200, gap=0.5)["a"], pair(n=150, seed=1)["b"]
    both = {"a": a, "b": b}
    with pytest.raises(ShapeError, match="paired=False"):
        compare(both, cl.roc_auc)
    d = compare(both, cl.log_loss, paired=False).differences[0]
    losses = [cl.metrics.probability.row_log_loss(s) for s in (a, b)]
    welch = stats.ttest_ind(*losses, equal_var=False)
    assert (d.p, d.ingredients.df) == pytest.approx((welch.pvalue, welch.df))
    assert d.n == 350
    d = compare(both, cl.accuracy, at=0.4, paired=False).differences[0]
    right = [(s.score >= 0.4) == s.is_positive for s in (a, b)]
    counts = np.array([[r.sum(), (~r).sum()] for r in right])
    assert d.p == pytest.approx(stats.chi2_contingency(counts, correction=False).pvalue)
    d = compare(both, cl.roc_auc, paired=False).differences[0]
    assert d.p == delong_test(a, b, paired=False).p
    for metric in (cl.f1, cl.average_precision):
        d = compare(both, metric, at=0.4, paired=False, replicates=400).differences[0]
        assert d.low < d.value < d.high
        assert "paired" not in d.method


def test_areas_of_small_classes_on_different_rows():
    a, b = pair(n=60, rate=0.2, seed=3, gap=1.0)["a"], pair(n=80, rate=0.2, seed=4)["b"]
    d = compare({"a": a, "b": b}, cl.roc_auc, paired=False).differences[0]
    assert d.method == "logit DeLong, square-and-add"
    assert d.low < d.value < d.high
    low, high = d.interval(1 - d.p)  # p is where the interval reaches 0
    assert min(abs(low), abs(high)) == pytest.approx(0, abs=1e-9)
    perfect = a.with_score(0.2 + 0.6 * a.is_positive, "probability")
    d = compare({"a": perfect, "b": b}, cl.roc_auc, paired=False).differences[0]
    assert d.state == "ok"
    assert 0 < d.p < 1
    d = compare({"a": perfect, "b": perfect}, cl.roc_auc, paired=False).differences[0]
    assert (d.value, d.p, d.state) == (0, 1, "degenerate")
    assert d.low < 0 < d.high


def test_fisher_where_few_are_expected():
    for k1, n1, k2, n2 in ((0, 20, 3, 25), (2, 40, 9, 60), (5, 5, 0, 7), (1, 9, 1, 400)):
        found = TwoProportions(k1, n1, k2, n2)
        if "Fisher" in found.method:
            assert found.p == pytest.approx(stats.fisher_exact([[k1, n1 - k1], [k2, n2 - k2]])[1])
        low, high = found.interval(0.95)
        assert -1 <= low <= k1 / n1 - k2 / n2 <= high <= 1
    assert "Fisher" in TwoProportions(0, 20, 3, 25).method
    assert TwoProportions(0, 20, 3, 25).interval(0.95) == pytest.approx((-0.29955794, 0.05915689), abs=1e-6)
    assert TwoProportions(56, 70, 48, 80).interval(0.95) == pytest.approx((0.05243147, 0.33387265), abs=1e-6)
    assert (TwoProportions(0, 20, 0, 25).p, TwoProportions(0, 20, 0, 25).state) == (1, "degenerate")
    assert (TwoProportions(0, 0, 0, 25).p, TwoProportions(0, 0, 0, 25).state) == (1, "undefined")


# --- resampling -----------------------------------------------------------------------------------------------------


def test_p_of_replicates():
    values = np.arange(-10, 90, dtype=float) + 0.5
    found = Resampled(Replicates(values))
    assert found.p == pytest.approx(2 * 11 / 101)
    with_gaps = Resampled(Replicates(np.append(values, [math.nan] * 5)))
    assert with_gaps.p == pytest.approx(2 * 16 / 106)  # an undefined replicate counts on both sides
    assert Resampled(Replicates(np.zeros(50))).p == 1
    few = Resampled(Replicates(values), 10)
    assert few.p > found.p
    assert few.interval(0.9)[0] < found.interval(0.9)[0]
    assert Resampled(Replicates(values), 29.999).p == pytest.approx(Resampled(Replicates(values), 30).p, abs=0.02)
    assert Resampled(Replicates(values), 1).state == "insufficient"


def test_few_clusters_jackknife():
    models = pair(clusters=12, gap=0.3)
    d = compare(models, cl.f1, at=0.4).differences[0]
    assert d.method == "cluster jackknife, t"
    group = models["a"].groups
    left = [np.subtract(*(cl.f1(s.take(group != g), at=0.4) for s in models.values())) for g in np.unique(group)]
    assert d.ingredients.error == pytest.approx(math.sqrt(11 / 12 * np.square(left - np.mean(left)).sum()))
    assert d.ingredients.df < 11


def test_studentized_states():
    assert Studentized(math.nan, 1, 5, "t").state == "undefined"
    assert Studentized(0.3, 0.0, 5, "t").p == 1
    assert Studentized(1e3, 1e-12, 5, "t").state == "degenerate"
    assert Studentized(0.3, math.nan, 5, "t").state == "insufficient"
    assert Studentized(1.0, 0.5, 7, "t").p == pytest.approx(2 * stats.t.sf(2, 7))
    assert Studentized(1.0, 0.5, math.inf, "z").p == pytest.approx(2 * stats.norm.sf(2))
    assert Studentized(0.9, 0.5, math.inf, "z", -1, 1).interval(0.95)[1] == 1


# --- level ----------------------------------------------------------------------------------------------------------

RUNS = 1000
ALLOWED = 0.05 + 3 * math.sqrt(0.05 * 0.95 / RUNS)
NULLS = [
    ("roc_auc", 50, 0.05, 0),
    ("roc_auc", 50, 0.2, 0),
    ("roc_auc", 200, 0.05, 0),
    ("roc_auc", 200, 0.2, 0),
    ("roc_auc", 300, 0.2, 10),
    ("roc_auc", 300, 0.2, 40),
    ("accuracy", 50, 0.2, 0),
    ("accuracy", 200, 0.2, 0),
    ("accuracy", 300, 0.2, 10),
    ("recall", 200, 0.2, 0),
    ("recall", 300, 0.2, 20),
    ("log_loss", 50, 0.2, 0),
    ("log_loss", 300, 0.2, 20),
    ("brier", 200, 0.05, 0),
    ("f1", 50, 0.2, 0),
    ("f1", 200, 0.05, 0),
    ("f1", 300, 0.2, 20),
    ("f1", 300, 0.2, 40),
    ("precision", 200, 0.2, 0),
    ("mcc", 200, 0.05, 0),
    ("average_precision", 200, 0.05, 0),
    ("average_precision", 300, 0.2, 40),
]


@pytest.mark.slow
@pytest.mark.parametrize(("metric", "n", "rate", "clusters"), NULLS)
def test_level_on_the_same_rows(metric, n, rate, clusters):
    rejected = 0
    for seed in range(RUNS):
        models = pair(n, rate, seed, clusters=clusters)
        rejected += compare(models, metric, at=rate, replicates=400, seed=seed).differences[0].p <= 0.05
    assert rejected / RUNS <= ALLOWED


@pytest.mark.slow
@pytest.mark.parametrize("metric", ["roc_auc", "accuracy", "log_loss", "f1"])
@pytest.mark.parametrize(("n", "clusters"), [(60, 0), (200, 0), (300, 20)])
def test_level_on_different_rows(metric, n, clusters):
    rejected = 0
    for seed in range(RUNS):
        a, b = pair(n, 0.2, 2 * seed, clusters=clusters)["a"], pair(2 * n, 0.2, 2 * seed + 1, clusters=clusters)["b"]
        found = compare({"a": a, "b": b}, metric, at=0.2, paired=False, replicates=400, seed=seed)
        rejected += found.differences[0].p <= 0.05
    assert rejected / RUNS <= ALLOWED


@pytest.mark.slow
def test_level_of_tables_and_learners():
    rng = np.random.default_rng(0)
    rejected = dict.fromkeys(("mid-p", "exact", "cochran", "gs ppv", "wgs ppv", "gs npv", "pdlr", "rppv", "5x2"), 0)
    for _ in range(RUNS):
        sick, well = (
            PairedTable(*rng.multinomial(n, q)) for n, q in ((80, (0.6, 0.1, 0.1, 0.2)), (160, (0.1, 0.1, 0.1, 0.7)))
        )
        tests = TwoTests(sick, well)
        halves = rng.normal(size=(5, 2))
        p = {
            "mid-p": mcnemar(sick).p,
            "exact": mcnemar(sick, "exact").p,
            "cochran": cochran_q(rng.random((60, 3)) < 0.7).p,
            "gs ppv": tests.ppv().p,
            "wgs ppv": tests.ppv(weighted=True).p,
            "gs npv": tests.npv().p,
            "pdlr": tests.positive_likelihood_ratio().p,
            "rppv": tests.relative_ppv().p,
            "5x2": cv5x2_f(halves).p,
        }
        for name, value in p.items():
            rejected[name] += value <= 0.05
    assert {name: r / RUNS for name, r in rejected.items() if r / RUNS > ALLOWED} == {}


@pytest.mark.slow
def test_holm_holds_the_family():
    false = 0
    for seed in range(RUNS):
        models = pair(200, 0.3, seed)
        rng = np.random.default_rng(seed + 10**6)
        y = models["a"].is_positive
        for i in range(3):
            models[f"m{i}"] = made(y, 1 / (1 + np.exp(-1.5 * y - rng.normal(size=200))), "probability")
        noise = {name: s for name, s in models.items() if name.startswith("m")}
        false += any(d.distinguishable for d in compare(noise, cl.roc_auc).differences)
    assert false / RUNS <= ALLOWED


def test_a_plain_difference_survives_the_correction_for_many_pairs():
    rng = np.random.default_rng(0)
    y = (rng.random(1000) < 0.4).astype(int)
    good, bad = (np.clip(0.9 * y + 0.1 * rng.random(1000), 0, 1), rng.random(1000))
    models = {
        f"m{i}": cl.Scores(y_true=y, y_score=good if i % 2 else bad, classes=[0, 1], kind="probability")
        for i in range(12)
    }
    found = cl.compare(models, "f1", at=0.5, replicates=400)
    assert sum(d.distinguishable for d in found.differences) == 36
    assert all(d.more_rows is None for d in found.differences if d.distinguishable)
