from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy import stats

import cutline as cl
from cutline.errors import InputError, ShapeError, UnknownName
from cutline.evidence.influence import delong_test
from cutline.evidence.multiplicity import adjusted
from cutline.evidence.slices import shrink, slices
from cutline.evidence.two_sides import TwoProportions


def sample(n=900, seed=0, bad=None, clusters=0, rate=0.3, **about):
    """Scores with sites of sizes 1 : 2 : 3 : 4; one of them may be worse. Clusters have rows in several sites."""
    rng = np.random.default_rng(seed)
    member = rng.integers(0, clusters, n) if clusters else np.arange(n)
    shared = rng.normal(size=(int(member.max()) + 1, 2)) * (0.8 if clusters else 0.0)
    y = rng.random(n) < 1 / (1 + np.exp(-np.log(rate / (1 - rate)) - shared[member, 0]))
    site = rng.permutation(
        np.repeat(["a", "b", "c", "d"], [n // 10, n // 5, 3 * n // 10, n - n // 10 - n // 5 - 3 * n // 10])
    )
    z = np.where(site == bad, 0.0, 1.5) * y + rng.normal(size=n) + shared[member, 1]
    p = 1 / (1 + np.exp(-1.5 * (z - 0.75) - np.log(rate / (1 - rate))))
    if clusters:
        about["groups"] = member
    about.setdefault("slices", {"site": site})
    return cl.Scores(y_true=y.astype(int), y_score=p, kind="probability", classes=[0, 1], **about)


def sides(s, name):
    mask = s.slices["site"] == name
    return s.take(mask), s.take(~mask)


def test_each_slice_against_its_complement():
    s = sample(bad="c")
    found = slices(s, cl.recall, at=0.3)
    assert (found.searched, found.tested, found.n) == (4, 4, 900)
    for one in found.slices:
        inside, outside = sides(s, one.name)
        hits = [(t.score[t.is_positive] >= 0.3) for t in (inside, outside)]
        assert one.estimate.value == cl.recall(inside, at=0.3)
        assert one.others == cl.recall(outside, at=0.3)
        two = TwoProportions(*(int(v) for h in hits for v in (h.sum(), h.size)))
        assert (one.p, one.interval(0.9)) == (two.p, two.interval(0.9))
        assert one.estimate.interval() == cl.estimate(cl.recall, inside, at=0.3).interval()
    p = [one.p for one in found.slices]
    assert [one.p_holm for one in found.slices] == adjusted(p).tolist()
    assert [one.p_bh for one in found.slices] == adjusted(p, "bh").tolist()
    assert found[("site", "c")] in found.found()
    assert found.worst(1) == (found[("site", "c")],)


@pytest.mark.parametrize("metric", ["roc_auc", "log_loss", "brier"])
def test_areas_and_means(metric):
    s = sample(bad="d")
    found = slices(s, metric)
    inside, outside = sides(s, "d")
    one = found[("site", "d")]
    if metric == "roc_auc":
        assert one.p == delong_test(inside, outside, paired=False).p
    else:
        rows = cl.metrics.probability.ROW_LOSSES[metric]
        assert one.p == pytest.approx(stats.ttest_ind(rows(inside), rows(outside), equal_var=False).pvalue)
    assert one in found.found()
    assert found.worst(1) == (one,)
    assert math.isnan(one.shrunk)


@pytest.mark.parametrize(
    ("metric", "clusters"),
    [
        ("average_precision", 0),
        ("log_loss_skill", 0),
        ("log_loss_skill", 60),
        *((m, 60) for m in ("f1", "average_precision", "mcc")),
    ],
)
def test_any_metric_by_the_bootstrap(metric, clusters):
    s = sample(bad="d", clusters=clusters)
    found = slices(s, metric, at=0.3, replicates=64, seed=3)
    one = found[("site", "d")]
    inside = s.slices["site"] == "d"
    member = np.unique(s.groups, return_inverse=True)[1] if clusters else np.arange(s.n)
    expected = []
    for times in cl.core.times_drawn(member.max() + 1, replicates=64, seed=3):
        mass = times[member].astype(float)
        figures = [cl.find(metric).value(s.take(side).with_weight(mass[side]), at=0.3) for side in (inside, ~inside)]
        expected.append(figures[0] - figures[1])
    assert one.ingredients.replicates.values == pytest.approx(np.array(expected), abs=1e-12)
    assert one.difference < 0


@pytest.mark.parametrize("metric", ["roc_auc", "recall", "log_loss", "accuracy"])
def test_clusters_on_both_sides_enter_once(metric):
    s = sample(600, clusters=40)
    found = slices(s, metric, at=0.3)
    one = found[("site", "c")]
    assert "clusters" in one.method
    assert found.clusters == 40
    # The delete-one-cluster jackknife estimates the same variance.
    mask, left = s.slices["site"] == "c", []
    for g in range(40):
        rest = s.groups != g
        values = [cl.find(metric).value(s.take(side & rest), at=0.3) for side in (mask, ~mask)]
        left.append(values[0] - values[1])
    jackknife = math.sqrt(39 / 40 * np.square(np.array(left) - np.mean(left)).sum())
    assert one.ingredients.error == pytest.approx(jackknife, rel=0.1)
    low, high = one.estimate.interval()
    assert low < one.estimate.value < high


def test_weighted_rows():
    s = sample(weight=np.full(900, 3.0))
    plain, heavy = slices(sample(), cl.log_loss), slices(s, cl.log_loss)
    assert [o.p for o in heavy.slices] == pytest.approx([o.p for o in plain.slices])
    heavy, plain = slices(s, cl.recall, at=0.3), slices(sample(), cl.recall, at=0.3)
    assert heavy.slices[0].method == "Welch t"
    assert [o.shrunk for o in heavy.slices] == pytest.approx([o.shrunk for o in plain.slices])


def test_thin_slices_are_listed_not_tested():
    s = sample(400)
    site = s.slices["site"].astype(object)
    site[:5] = "tiny"
    site[5:7] = None
    everyone = np.full(400, "x")
    rare = np.where(np.cumsum(s.is_positive & (np.arange(400) > 10)) <= 4, "few positives", "rest")
    found = slices(s, cl.recall, at=0.3, by={"site": site, "all": everyone, "rare": rare})
    tiny = found[("site", "tiny")]
    assert (tiny.state, tiny.p, tiny.p_holm, tiny.reason) == ("insufficient", 1, 1, "5 rows, fewer than 30")
    assert found[("site", None)].n == 2
    assert found[("all", "x")].reason == "no other rows"
    assert found[("rare", "few positives")].state == "insufficient"
    assert found.searched == 9
    assert found.tested == 3  # site a has 8 positives
    assert sum(o.n for o in found.slices if o.partition == "site") == 400
    assert [o.p_holm for o in found.slices if not o.reason] == adjusted(
        [o.p for o in found.slices if not o.reason]
    ).tolist()
    more = slices(s, cl.recall, at=0.3, by={"site": site}, min_rows=2, min_events=0)
    assert more.tested > 4
    json.dumps(found.to_dict(), allow_nan=False)
    assert found.to_frame().num_rows == 9
    assert "(missing)" in repr(found)


def test_undefined_figures_count_as_one():
    s = sample()
    p = np.where(s.slices["site"] == "b", 0.0, s.score)  # nobody of b is flagged: no precision there
    found = slices(s.with_score(p, "probability"), cl.precision, at=0.3)
    assert (found[("site", "b")].state, found[("site", "b")].p) == ("undefined", 1)
    assert found.tested == 4
    assert all(o.name != "b" for o in found.worst(4))


def test_levels_from_the_result_alone():
    found = slices(sample(), cl.recall, at=0.3)
    wide = found.at(0.99)
    assert wide.slices[0].interval() == found.slices[0].interval(0.99)
    assert wide.slices[0].estimate.low < found.slices[0].estimate.low
    assert "4 slices searched, 4 tested" in repr(found)


def test_several_classes():
    rng = np.random.default_rng(0)
    y, half = rng.integers(0, 3, 300), np.arange(300) % 2
    z = rng.normal(size=(300, 3)) + np.where(half, 3.0, 0.5)[:, None] * np.eye(3)[y]
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    s = cl.Scores(y_true=y, y_score=p, kind="probability", slices={"half": half})
    for metric in ("accuracy", "log_loss", "macro_f1"):
        found = slices(s, metric, replicates=200)
        assert len(found.found()) == 2
        assert found.slices[0].difference == pytest.approx(-found.slices[1].difference)
        assert found.slices[0].p == pytest.approx(found.slices[1].p)


def test_what_slices_refuses():
    s = sample()
    with pytest.raises(InputError, match="no slices"):
        slices(sample(slices={}), cl.recall, at=0.3)
    with pytest.raises(InputError, match="ranges"):
        slices(sample(1200), cl.recall, at=0.3, by={"id": np.arange(1200)})
    with pytest.raises(ShapeError, match="value for each row"):
        slices(s, cl.recall, at=0.3, by={"site": ["a", "b"]})
    with pytest.raises(UnknownName, match="'recall'"):
        slices(s, "recal", at=0.3)
    with pytest.raises(InputError, match="confidence"):
        slices(s, cl.recall, at=0.3, confidence=2)
    with pytest.raises(InputError, match="one of"):
        slices(s, cl.recall, at=0.3)[("site", "z")]


def test_values_of_any_type():
    s = sample(200)
    day = np.where(np.arange(200) < 100, np.datetime64("2024-01-01"), np.datetime64("2024-01-02"))
    mixed = np.array([1, "1", 2.5, True] * 50, dtype=object)
    found = slices(s, cl.brier, by={"day": day, "mixed": mixed, "flag": np.arange(200) % 2 == 0})
    assert [o.name for o in found.slices if o.partition == "day"] == ["2024-01-01", "2024-01-02"]
    assert {str(o.name) for o in found.slices if o.partition == "mixed"} >= {"1", "2.5"}
    assert [o.name for o in found.slices if o.partition == "flag"] == [False, True]


# --- shrinkage ------------------------------------------------------------------------------------------------------


def test_shrinkage():
    values = shrink([1, 50, 90, 30], [2, 100, 100, 100])
    mu = 171 / 302
    assert all(abs(v - mu) <= abs(raw - mu) for v, raw in zip(values, (0.5, 0.5, 0.9, 0.3), strict=True))
    assert abs(values[0] - mu) < abs(values[1] - mu)  # 2 rows say less than 100
    assert shrink([3, 3], [6, 6]) == pytest.approx([0.5, 0.5])
    assert shrink([5], [8]) == pytest.approx([5 / 8])
    assert shrink([0, 0], [8, 4]) == pytest.approx([0, 0])
    assert shrink([8, 0], [8, 8]) == pytest.approx([1, 0])
    assert shrink([], []).size == 0


def test_shrinkage_is_nearer_to_the_truth():
    rng = np.random.default_rng(0)
    truth, n = rng.beta(16, 4, 400), rng.integers(5, 40, 400)
    k = rng.binomial(n, truth)
    best = (k + 16) / (n + 20)
    found = np.square(shrink(k, n) - truth).mean()
    assert found < 0.7 * np.square(k / n - truth).mean()
    assert found < 1.05 * np.square(best - truth).mean()


# --- level ----------------------------------------------------------------------------------------------------------

RUNS = 1000


@pytest.mark.slow
@pytest.mark.parametrize(
    ("metric", "n", "clusters"),
    [
        ("recall", 400, 0),
        ("recall", 600, 40),
        ("accuracy", 400, 0),
        ("accuracy", 600, 20),
        ("precision", 600, 0),
        ("roc_auc", 400, 0),
        ("roc_auc", 600, 40),
        ("log_loss", 400, 0),
        ("log_loss", 600, 20),
        ("f1", 400, 0),
    ],
)
def test_level(metric, n, clusters):
    """Of one slice at 5 %, and of any claim among all of them."""
    single, tests, family = 0, 0, 0
    for seed in range(RUNS):
        found = slices(sample(n, seed, clusters=clusters), metric, at=0.3, replicates=400, seed=seed)
        one = found.slices[seed % 4]
        single, tests = single + (one.p <= 0.05), tests + (not one.reason)
        family += bool(found.found())
    assert single / tests <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / tests)
    assert family / RUNS <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / RUNS)
