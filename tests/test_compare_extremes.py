"""Comparisons without spread, with infinite figures, and of many rows."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

import cutline as cl
from cutline.errors import InputError, LabelError
from cutline.evidence import binned as bins
from cutline.evidence import redraw, several
from cutline.evidence.binned import binned
from cutline.evidence.compare import compare
from cutline.evidence.intervals import Proportion
from cutline.evidence.slices import slices
from cutline.evidence.two_sides import AllAlike, TwoF1, TwoProportions, TwoSides, square_and_add


def made(y, p, kind="probability", **about):
    return cl.Scores(y_true=y, y_score=p, classes=[0, 1], kind=kind, **about)


def extremes(n, **about):
    """Every row right; all of one score; every row wrong."""
    y = np.arange(n) % 2
    return {"right": made(y, y * 0.8 + 0.1, **about), "flat": made(y, np.full(n, 0.5), **about)} | {
        "wrong": made(y, 0.9 - y * 0.8, **about)
    }


def agrees(d):
    """An interval holds 0 exactly when p says so: just outside of level 1 - p, just inside of more."""
    low, high = d.interval(1 - d.p * 1.001)
    assert not low <= 0 <= high
    low, high = d.interval(1 - d.p * 0.999)
    assert low <= 0 <= high


# --- without spread -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("metric", ["roc_auc", "gini", "brier", "accuracy", "f1", "mcc", "precision", "cohen_kappa"])
@pytest.mark.parametrize("about", ["rows", "weights", "clusters"])
@pytest.mark.parametrize("paired", [True, False])
def test_all_wrong_against_all_right(metric, about, paired):
    n = 80
    kinds = {
        "rows": {},
        "weights": {"weight": np.random.default_rng(0).uniform(0.5, 2, n)},
        "clusters": {"groups": np.arange(n) // 2},
    }
    models = extremes(n, **kinds[about])
    d = compare({"right": models["right"], "wrong": models["wrong"]}, metric, at=0.5, paired=paired).differences[0]
    assert d.verdict == "right is better"
    assert d.state == "ok"
    low, high = d.interval()
    assert low < high
    assert low <= d.value + 1e-9
    assert d.value <= high + 1e-9
    span = d.metric.range[1] - d.metric.range[0]
    assert -span - 1e-9 <= low <= high <= span + 1e-9
    assert d.interval(0.99)[0] <= low
    json.dumps(d.to_dict(), allow_nan=False)


def test_area_of_perfect_and_of_constant_scores():
    for n in (6, 20, 80):
        models = extremes(n)
        d = compare({n: models[n] for n in ("right", "flat")}, cl.roc_auc).differences[0]
        assert d.value == 0.5
        assert d.p == pytest.approx((2 / 3) ** (n // 2))
        assert d.low < 0.5 < d.high
        agrees(d)
        d = compare({n: models[n] for n in ("right", "flat")}, cl.roc_auc, paired=False).differences[0]
        assert (d.method, d.state) == ("logit DeLong, square-and-add", "ok")
        assert d.low < 0.5 < d.high
    assert compare({n: extremes(6)[n] for n in ("right", "flat")}, cl.roc_auc).differences[0].p > 0.05


def test_a_perfect_area_is_no_certain_one():
    """Thirty rows of a class without an error may still hide one: Welch's t would not know."""
    rng = np.random.default_rng(0)
    y = np.arange(60) % 2
    perfect, other = made(y, y * 0.8 + 0.1), made(y, np.clip(0.5 + 0.25 * (y - 0.5) + rng.normal(size=60) / 9, 0, 1))
    d = compare({"a": perfect, "b": other}, cl.roc_auc, paired=False).differences[0]
    assert d.method == "logit DeLong, square-and-add"
    one = cl.estimate(cl.roc_auc, perfect)
    assert d.value - d.low > one.value - one.low


def test_all_alike_is_the_rule_of_three():
    found = AllAlike(1.0, 50, -1.0, 1.0)
    low, high = found.interval(0.95)
    assert (low, high) == pytest.approx((1 - 2 * (1 - 0.05 ** (1 / 50)), 1))
    assert found.p == pytest.approx(0.5**50)
    assert (AllAlike(0.0, 50, -1, 1).p, AllAlike(0.0, 50, -1, 1).state) == (1, "degenerate")
    assert AllAlike(0.5, 1, -1, 1).state == "insufficient"
    assert (AllAlike(0.5, 9, -math.inf, 1).state, AllAlike(0.5, 9, -math.inf, 1).p) == ("degenerate", 1)
    back = AllAlike(-0.25, 12, -1.0, 1.0)
    assert back.p == pytest.approx(AllAlike(0.25, 12, -1.0, 1.0).p)
    edge = back.interval(1 - back.p)
    assert edge[1] == pytest.approx(0, abs=1e-12)


def test_all_alike_covers():
    """Of the means that two values make: samples of one value alone have an interval that misses at most 5 %."""
    for m in (3, 8, 20):
        for share in np.linspace(0.01, 0.99, 99):
            missed = 0.0
            for value, other, chance in ((0.5, -1.0, (1 - share) ** m), (-1.0, 0.5, share**m)):
                mean = 0.5 * (1 - share) - share
                low, high = AllAlike(value, m, -1.0, 1.0).interval(0.95)
                missed += chance * (not low <= mean <= high)
                assert other != value
            assert missed <= 0.05 + 1e-12


def test_unbounded_losses_without_spread_say_nothing():
    models = extremes(40)
    d = compare({n: models[n] for n in ("right", "wrong")}, cl.log_loss, margin=0.1).differences[0]
    assert (d.p, d.state, d.verdict.split(";")[0]) == (1, "degenerate", "no spread to test against")
    assert d.value == pytest.approx(math.log(0.1 / 0.9))
    assert all(map(math.isnan, d.interval()))
    assert d.non_inferior is False
    d = compare({n: models[n] for n in ("right", "wrong")}, "ks").differences[0]
    assert d.state == "degenerate"


def test_sides_agree_with_their_p():
    for one, two in ((Proportion(38, 40), Proportion(20, 50)), (Proportion(9, 10), Proportion(4, 10))):
        values = one.k / one.n, two.k / two.n
        apart, any_ = (TwoSides(values, one, two, "x", alone) for alone in (True, False))
        assert apart.interval(0.9) == pytest.approx(square_and_add(values, (one.interval(0.9), two.interval(0.9))))
        (low, high), (l2, h2) = apart.interval(0.9), any_.interval(0.9)
        assert l2 < low < high < h2
        assert apart.p < any_.p < 1
        for found in (apart, any_):
            assert min(abs(x) for x in found.interval(1 - found.p)) == pytest.approx(0, abs=1e-9)


def test_f1_of_different_rows_is_a_test_of_two_proportions():
    found = TwoF1(TwoProportions(30, 60, 20, 70))
    assert found.p == TwoProportions(30, 60, 20, 70).p
    low, high = found.interval(0.95)
    assert low < 2 * 30 / 90 - 2 * 20 / 90 < high
    assert TwoF1(TwoProportions(0, 0, 3, 9)).state == "undefined"
    assert all(map(math.isnan, TwoF1(TwoProportions(0, 0, 3, 9)).interval(0.9)))


@pytest.mark.parametrize("metric", ["f1", "jaccard", "mcc", "roc_auc", "recall"])
@pytest.mark.parametrize("about", ["rows", "weights", "clusters"])
def test_a_slice_that_is_all_wrong_is_found(metric, about):
    n = 400
    y, site = np.arange(n) % 2, np.where(np.arange(n) < 100, "bad", "good")
    kinds = {
        "rows": {},
        "weights": {"weight": np.random.default_rng(0).uniform(0.5, 2, n)},
        "clusters": {"groups": np.arange(n) // 3},
    }
    p = np.where(site == "bad", 1 - y, y) * 0.8 + 0.1
    found = slices(made(y, p, slices={"site": site}, **kinds[about]), metric, at=0.5)
    one = found[("site", "bad")]
    assert one in found.found()
    low, high = one.interval()
    assert low - 1e-9 <= one.difference < high < 0


@pytest.mark.slow
@pytest.mark.parametrize("metric", ["roc_auc", "accuracy", "f1", "mcc", "brier"])
@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("clusters", [False, True])
def test_level_where_spread_is_rare(metric, paired, clusters):
    """Few rows and nearly perfect models that are equally good: often one of them, or both, has no spread."""
    runs, rejected, alike = 1500, 0, 0
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        y = np.arange(16) % 2
        groups = {"groups": np.arange(16) // 2} if clusters else {}
        score = [np.where(rng.random(16) < 0.08, 1 - y, y) * 0.8 + 0.1 for _ in range(2)]
        a, b = (made(y, s, **groups) for s in score)
        d = compare({"a": a, "b": b}, metric, at=0.5, paired=paired, replicates=200, seed=seed).differences[0]
        rejected += d.p <= 0.05
        alike += d.state != "ok" or "alike" in d.method
    assert rejected / runs <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / runs)
    assert alike


# --- infinite figures -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("metric", ["diagnostic_odds_ratio", "positive_likelihood_ratio"])
@pytest.mark.parametrize("n", [24, 60, 400])
def test_odds_ratios(metric, n):
    rng = np.random.default_rng(n)
    y = (np.arange(n) % 2).astype(int)
    a, b = (made(y, 1 / (1 + np.exp(-(gap * (y - 0.5) + rng.normal(size=n))))) for gap in (2.0, 1.0))
    d = compare({"a": a, "b": b}, metric, at=0.5, replicates=400).differences[0]
    low, high = d.interval()
    assert math.isnan(low) or low <= d.value <= high  # replicates without a false alarm are infinite
    json.dumps(d.to_dict(), allow_nan=False)
    perfect = made(y, y * 0.8 + 0.1)
    d = compare({"a": perfect, "b": b}, metric, at=0.5).differences[0]
    assert (d.p, d.state, d.verdict) == (1, "undefined", "a figure is infinite")
    assert all(map(math.isnan, d.interval()))
    json.dumps(d.to_dict(), allow_nan=False)
    site = np.arange(n) % 3
    s = made(y, np.where(site == 0, y, b.score), slices={"site": site})
    found = slices(s, metric, at=0.5, min_rows=5, min_events=2, replicates=200)
    assert found.slices[0].state == "undefined"
    json.dumps(found.to_dict(), allow_nan=False)


# --- bad input ------------------------------------------------------------------------------------------------------


def test_missing_ids():
    y, p = np.arange(40) % 2, np.random.default_rng(0).random(40)
    ids = np.arange(40, dtype=float)
    ids[3] = math.nan
    one, two = made(y, p, ids=ids), made(y, p[::-1].copy(), ids=ids)
    with pytest.raises(InputError, match="with a missing id"):
        compare({"a": one, "b": two}, cl.roc_auc)
    assert compare({"a": one, "b": two}, cl.roc_auc, on="order").n == 40


def test_a_threshold_counts_for_every_metric_of_decisions():
    y, rng = np.arange(200) % 2, np.random.default_rng(0)
    models = {n: made(y, np.clip(0.5 * y + rng.random(200) / 2, 0, 1)) for n in "ab"}
    found = compare(models, "macro_f1", at=0.3, replicates=50)
    assert found.values == pytest.approx([cl.macro(cl.f1).value(s, at=0.3) for s in models.values()])


def test_one_class_and_other_classes():
    a, b = made(np.zeros(50), np.random.default_rng(0).random(50)), made(np.zeros(50), np.full(50, 0.3))
    for metric in ("roc_auc", "average_precision", "recall", "f1", "mcc"):
        d = compare({"a": a, "b": b}, metric, at=0.2).differences[0]
        assert d.p == 1
        assert d.state != "ok"
    with pytest.raises(LabelError):
        compare({"a": a, "b": cl.Scores(y_true=[0, 2] * 25, y_score=b.score, positive=2)}, cl.roc_auc)


# --- many rows ------------------------------------------------------------------------------------------------------


def many(n=6000, seed=0, **about):
    rng = np.random.default_rng(seed)
    y = rng.random(n) < 0.15
    common = rng.normal(size=n)
    z = [1.4 * y + common * 0.7 + rng.normal(size=n) * 0.7 for _ in range(2)]
    return {name: made(y, 1 / (1 + np.exp(-v)), **about) for name, v in zip("ab", z, strict=True)}


def spread(models, metric, replicates=1500):
    gap = compare(models, metric, at=0.7, replicates=replicates).differences[0].ingredients.replicates
    return gap.values.mean(), gap.values.std()


@pytest.mark.parametrize("metric", ["average_precision", "ks", "partial_auc_fpr_0_0.1"])
def test_joined_steps_and_groups_of_rows_keep_the_spread(metric, monkeypatch):
    models = many()
    mean, sd = spread(models, metric)
    monkeypatch.setattr(bins, "STEPS", 400)
    assert binned(cl.find(metric), models["a"], None).joined
    assert binned(cl.find(metric), models["a"], None).size < 1000
    monkeypatch.setattr(redraw, "UNITS", 2000)
    joined = spread(models, metric)
    assert joined[1] == pytest.approx(sd, rel=0.1)
    assert joined[0] == pytest.approx(mean, abs=0.2 * sd)


@pytest.mark.parametrize("metric", ["f1", "mcc", "average_precision"])
def test_many_weighted_rows_by_their_effective_number(metric, monkeypatch):
    models = many(weight=np.random.default_rng(1).exponential(size=6000))
    mean, sd = spread(models, metric)
    monkeypatch.setattr(redraw, "MANY", 1000)
    assert spread(models, metric) == pytest.approx((mean, sd), abs=0.1 * sd)


def test_a_part_of_many_rows_keeps_the_spread(monkeypatch):
    models = many()
    value = compare(models, "log_loss_skill", replicates=20).differences[0].value
    _, sd = spread(models, "log_loss_skill", 400)
    monkeypatch.setattr(several, "NUMBERS", 3000)
    part = spread(models, "log_loss_skill", 400)
    assert part[1] == pytest.approx(sd, rel=0.2)
    assert part[0] == pytest.approx(value, abs=0.5 * sd)


def test_repeated_rows_give_the_interval_of_many():
    """Ten copies of every row: an interval of about a root of ten less width, whatever way it is drawn."""
    few = many(3000)
    lots = {n: made(np.repeat(s.is_positive, 10), np.repeat(s.score, 10)) for n, s in few.items()}
    for metric in ("f1", "average_precision", "roc_auc", "macro_f1"):
        one, ten = (compare(models, metric, at=0.7, replicates=1000).differences[0] for models in (few, lots))
        assert ten.value == pytest.approx(one.value)
        assert (one.high - one.low) / (ten.high - ten.low) == pytest.approx(math.sqrt(10), rel=0.15)


@pytest.mark.parametrize("metric", ["mcc", "average_precision"])
def test_slices_of_many_rows(metric, monkeypatch):
    models = many(slices={"site": np.arange(6000) % 3})
    plain = slices(models["a"], metric, at=0.7, replicates=600).slices[0]
    monkeypatch.setattr(bins, "STEPS", 400)
    monkeypatch.setattr(redraw, "UNITS", 2000)
    other = slices(models["a"], metric, at=0.7, replicates=600).slices[0]
    assert other.difference == plain.difference
    width = plain.interval()[1] - plain.interval()[0]
    assert other.interval() == pytest.approx(plain.interval(), abs=0.15 * width)
