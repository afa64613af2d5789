"""Rows in clusters: sums of influences, effective rows, whole clusters; never an interval of independent rows."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from scipy import stats

import cutline as cl
from cutline.evidence import Proportion
from cutline.evidence.clusters import Clustered, clustered
from cutline.evidence.estimate import estimate, estimated
from cutline.evidence.figures import bootstrap_figure, clusters_of, figure_of
from cutline.evidence.proportions import score_limits
from cutline.metrics import METRICS, find
from tests import naive


def made(clusters=60, size=5, tau=1.0, seed=0, weighted=False, decimals=9):
    """Clusters of about `size` rows that share an effect in truth and in score."""
    rng = np.random.default_rng(seed)
    member = np.repeat(np.arange(clusters), rng.poisson(size - 1, clusters) + 1)
    effect, tilt = rng.normal(0, tau, (2, clusters))
    y = rng.random(len(member)) < 1 / (1 + np.exp(0.5 - effect[member]))
    z = np.round(rng.normal(size=len(member)) + 1.5 * y - 0.7 + tilt[member] / 2, decimals)
    weight = rng.uniform(0.3, 2, len(member)) if weighted else None
    p = 1 / (1 + np.exp(-z))
    return cl.Scores(y_true=y, y_score=p, classes=[False, True], groups=member, weight=weight, kind="probability")


LINEAR = ["accuracy", "recall", "precision", "npv", "jaccard", "f2", "mcc", "cohen_kappa", "balanced_accuracy"]
LINEAR += ["net_benefit_0.3", "brier", "log_loss", "prediction_bias", "roc_auc", "gini", "average_precision"]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", LINEAR)
def test_the_error_is_that_of_clusters_drawn_whole(name, weighted):
    s = made(weighted=weighted, decimals=1)
    value, found, _ = clustered(find(name), s, at=0.5)
    assert value == pytest.approx(find(name).value(s, at=0.5))
    drawn = bootstrap_figure([figure_of(find(name), s, 0.5)], s, replicates=800, seed=1)[:, 0]
    assert found.plain == pytest.approx(np.nanstd(drawn), rel=0.12)


def test_a_mean_is_the_textbook_sandwich():
    s = made()
    rows = (s.score - s.is_positive) ** 2
    sums = np.bincount(s.groups, weights=rows - rows.mean())
    g, n = len(sums), s.n
    found = clustered(cl.brier, s)[1]
    assert found.error == pytest.approx(math.sqrt(g / (g - 1) * (sums**2).sum()) / n)
    assert found.naive == pytest.approx(rows.std() / math.sqrt(n))
    t = stats.t.ppf(0.975, g - 1)
    assert found.symmetric(0.95) == pytest.approx((found.value - t * found.error, found.value + t * found.error))


def test_of_auc_the_placements_are_summed():
    s = made(decimals=1)
    y, z = s.is_positive, s.score
    above = (z[y][:, None] > z[~y]) + (z[y][:, None] == z[~y]) / 2
    part, area = np.zeros(s.n), above.mean()
    part[y], part[~y] = (above.mean(axis=1) - area) / y.sum(), (above.mean(axis=0) - area) / (~y).sum()
    sums = np.bincount(s.groups, weights=part)
    found = clustered(cl.roc_auc, s)[1]
    assert found.value == pytest.approx(naive.auc(z, y))
    g = min(len(set(s.groups[side])) for side in (y, ~y))
    assert found.clusters == g
    assert found.error == pytest.approx(math.sqrt((sums**2).sum() * g / (g - 1)))


def test_a_proportion_is_wilson_at_its_effective_rows():
    s = made()
    e = estimate(cl.recall, s, at=0.5)
    found = e.ingredients
    n = e.value * (1 - e.value) / found.error**2
    assert n < found.rows == pytest.approx(s.n_pos)
    assert e.interval(0.9) == pytest.approx(score_limits(e.value * n, n, stats.t.ppf(0.95, found.effective - 1)))
    sizes = np.bincount(s.groups[s.is_positive])
    assert found.effective == pytest.approx(sizes.sum() ** 2 / (sizes**2).sum())
    assert found.clusters == len(set(s.groups[s.is_positive].tolist()))
    assert "design effect" in e.note
    alike = clustered(cl.recall, s, at=0.0)[1]  # everything is flagged: each cluster counts as one row
    assert (alike.value, alike.state) == (1.0, "degenerate")
    g = alike.effective
    assert alike.interval(0.95) == pytest.approx(score_limits(g, g, stats.t.ppf(0.975, g - 1)))
    jaccard = np.array(estimate(find("jaccard"), s, at=0.5).interval())
    assert estimate(cl.f1, s, at=0.5).interval() == pytest.approx(tuple(2 * jaccard / (1 + jaccard)))


def test_effective_rows_are_never_more_than_rows():
    spread = Clustered(0.5, 0.01, 0.05, 40, 40.0, 100, 0.0, 1.0, proportion=True)  # clusters that balance out
    assert spread.interval(0.95) == pytest.approx(score_limits(50, 100, stats.t.ppf(0.975, 39)))


def test_clusters_of_one_are_rows():
    s = made(size=1, clusters=90)
    alone = cl.Scores(y_true=s.truth, y_score=s.score, classes=[0, 1], groups=np.arange(s.n), kind="probability")
    without = cl.Scores(y_true=s.truth, y_score=s.score, classes=[0, 1], kind="probability")
    assert clusters_of(alone) is None
    for name in ("recall", "roc_auc", "mcc", "ks", "log_loss"):
        one, other = (estimate(find(name), each, at=0.5) for each in (alone, without))
        assert one.interval() == other.interval()
        assert one.method == other.method


def test_one_cluster_and_few_clusters():
    s = made(clusters=12)
    one = cl.Scores(y_true=s.truth, y_score=s.score, classes=[0, 1], groups=["a"] * s.n, kind="probability")
    e = estimate(cl.accuracy, one, at=0.5)
    assert (e.value, e.state) == (cl.accuracy(one, at=0.5), "insufficient")
    assert all(map(math.isnan, e.interval()))
    assert "one cluster" in e.note
    assert "only 12 clusters" in estimate(cl.accuracy, s, at=0.5).note
    four = s.take(s.groups < 4)
    assert estimate(cl.accuracy, four, at=0.5).state == "insufficient"
    assert estimate(cl.brier, four).state == "insufficient"


def test_names_of_clusters_are_free():
    s = made()
    plain = estimate(cl.roc_auc, s).interval()
    for names in (s.groups * 7.5, np.array([f"g{g}" for g in s.groups]), np.array([f"{g}" for g in s.groups], object)):
        renamed = cl.Scores(y_true=s.truth, y_score=s.score, classes=[0, 1], groups=names, kind="probability")
        assert estimate(cl.roc_auc, renamed).interval() == pytest.approx(plain)
    turned = s.take(np.random.default_rng(0).permutation(s.n))
    assert estimate(cl.average_precision, turned).interval() == pytest.approx(
        estimate(cl.average_precision, s).interval()
    )


def test_the_first_class_may_be_the_positive_one():
    s = made()
    names = np.where(s.is_positive, "a", "b")
    other = cl.Scores(y_true=names, y_score=s.score, positive="a", groups=s.groups, kind="probability")
    for name in ("recall", "precision", "f1", "mcc", "positive_likelihood_ratio", "roc_auc"):
        one, turned = (estimate(find(name), each, at=0.5) for each in (s, other))
        assert turned.value == pytest.approx(one.value)
        assert turned.interval() == pytest.approx(one.interval())


def test_several_classes():
    rng = np.random.default_rng(0)
    member = rng.integers(0, 50, 400)
    y = (rng.integers(0, 3, 50)[member] + (rng.random(400) < 0.4)) % 3
    q = rng.dirichlet([1, 1, 1], 400) + np.eye(3)[y] * 0.5
    q /= q.sum(axis=1, keepdims=True)
    s = cl.Scores(y_true=y, y_score=q, classes=[0, 1, 2], groups=member, kind="probability")
    for name in ("accuracy", "macro_f1", "weighted_recall", "mcc", "cohen_kappa", "macro_roc_auc", "log_loss"):
        e = estimate(find(name), s)
        drawn = bootstrap_figure([figure_of(find(name), s)], s, replicates=400, seed=1)[:, 0]
        assert e.ingredients.plain == pytest.approx(drawn.std(), rel=0.15), name
        assert e.low < e.value < e.high
    hand_till = estimate(cl.hand_till, s)
    assert "cluster bootstrap" in hand_till.method
    report = cl.classification_report(s)
    assert all("cluster" in e.method for row in report.rows for e in row.estimates)
    assert report.rows[0].estimates[1].interval() == pytest.approx(
        estimate(cl.recall, s.one_vs_rest(0), decision=(q.argmax(axis=1) == 0).astype(int)).interval()
    )


def test_predicted_labels():
    s = made()
    labels = cl.Scores(y_true=s.is_positive, y_score=s.score >= 0.5, groups=s.groups, kind="label")
    for metric in (cl.recall, cl.f1, cl.mcc):
        assert estimate(metric, labels).interval() == pytest.approx(estimate(metric, s, at=0.5).interval())


def test_where_all_rows_are_alike_a_cluster_counts_as_a_row():
    y = np.repeat([0, 1] * 12, 5)
    s = cl.Scores(y_true=y, y_score=0.2 + 0.6 * y, groups=np.arange(120) // 10, kind="probability")
    rows = cl.Scores(y_true=[0, 1] * 6, y_score=[0.2, 0.8] * 6, kind="probability")  # one of each cluster
    for metric in (cl.mcc, cl.balanced_accuracy):
        e, few = (estimate(metric, each, at=0.5) for each in (s, rows))
        assert e.value == e.high == 1
        assert e.low == pytest.approx(few.low)
    auc = estimate(cl.roc_auc, s)
    assert auc.state == "degenerate"
    assert auc.interval() == pytest.approx((0.05 ** (1 / 6), 1))  # six pairs of twelve clusters
    assert estimate(cl.gini, s).low == pytest.approx(2 * auc.low - 1)


def test_an_interval_that_needs_a_decision_is_refused_without_one():
    s = made()
    e = estimated(cl.recall, s, 0.7, Proportion(7, 10))
    assert (e.state, e.value) == ("insufficient", 0.7)
    assert "refused" in e.note
    told = estimated(cl.recall, s, math.nan, None, at=0.5)
    assert told.interval() == estimate(cl.recall, s, at=0.5).interval()


@pytest.mark.parametrize("groups", [[0, 0, 0, 1, 1, 1], [0, 0, 1, 1, 2, 2], [0] * 5 + [1]])
def test_hardly_any_clusters_give_a_state_and_no_nonsense(groups):
    y, p = [0, 0, 1, 1, 1, 0], [0.1, 0.4, 0.6, 0.4, 0.9, 0.2]
    s = cl.Scores(y_true=y, y_score=p, groups=groups, kind="probability")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for metric in METRICS.values():
            if "binary" in metric.tasks:
                e = estimate(metric, s, at=0.5)
                low, high = e.interval()
                assert math.isnan(low) or low <= high, metric.name
                assert e.state in ("ok", "undefined", "degenerate", "insufficient")


def test_a_very_large_number_of_rows_is_drawn_in_part():
    s = made(clusters=9000)
    e = estimate(find("brier_skill"), s)
    assert "clusters, rescaled" in e.method
    drawn = bootstrap_figure([figure_of(find("brier_skill"), s)], s, replicates=64, seed=1)[:, 0]
    low, high = e.interval(0.6827)
    assert (high - low) / 2 == pytest.approx(drawn.std(), rel=0.3)


@pytest.mark.slow
@pytest.mark.parametrize("clusters", [10, 20, 60])
def test_coverage_of_clustered_intervals(clusters):
    whole = made(clusters=60_000, seed=99)
    names = ["accuracy", "recall", "precision", "f1", "mcc", "roc_auc", "brier", "log_loss", "average_precision"]
    truth = {name: find(name).value(whole, at=0.5 if find(name).of_counts else None) for name in names}
    hits = {name: [] for name in names}
    for seed in range(600):
        s = made(clusters=clusters, seed=seed)
        for name in names:
            e = estimate(find(name), s, at=0.5, seed=seed)
            if e.state == "ok":
                low, high = e.interval()
                hits[name].append(low <= truth[name] <= high)
    found = {name: np.mean(h) for name, h in hits.items()}
    assert min(found.values()) >= 0.90, found
    assert np.mean(list(found.values())) >= 0.935, found


@pytest.mark.slow
def test_intervals_of_independent_rows_would_fail_here():
    whole = made(clusters=60_000, tau=2, size=8, seed=99)
    truth, hits = cl.brier(whole), []
    for seed in range(300):
        s = made(clusters=40, tau=2, size=8, seed=seed)
        plain = cl.Scores(y_true=s.truth, y_score=s.score, classes=[0, 1], kind="probability")
        hits.append(
            [low <= truth <= high for low, high in (estimate(cl.brier, each).interval() for each in (s, plain))]
        )
    held, naively = np.mean(hits, axis=0)
    assert naively < 0.88 < 0.92 <= held
