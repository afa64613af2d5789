"""The public bootstrap: against scikit-learn in a loop, joint over metrics, the same whatever runs it."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sk

import cutline as cl
from cutline import core
from cutline.errors import InputError, ScoreError
from cutline.evidence.figures import accelerated, drawn, figure_of
from cutline.evidence.intervals import acceleration_of


def made(n=400, weighted=False, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.random(n) < 0.35
    p = 1 / (1 + np.exp(-rng.normal(size=n) - 1.5 * y + 1))
    w = rng.integers(1, 5, n) / 2 if weighted else None
    return y, p, cl.Scores(y_true=y, y_score=p, weight=w, kind="probability")


FEW = (cl.roc_auc, cl.average_precision, cl.log_loss, cl.brier, cl.prediction_bias, cl.f1, cl.mcc)


def test_it_agrees_with_scikit_learn_in_a_loop():
    y, p, s = made(1000)
    ours = cl.bootstrap(s, *FEW, at=0.5, replicates=4000, seed=1)
    rng = np.random.default_rng(2)
    loop = []
    for _ in range(1000):
        i = rng.integers(0, len(y), len(y))
        said = p[i] >= 0.5
        loop.append(
            [
                sk.roc_auc_score(y[i], p[i]),
                sk.average_precision_score(y[i], p[i]),
                sk.log_loss(y[i], p[i]),
                sk.brier_score_loss(y[i], p[i]),
                p[i].mean() - y[i].mean(),
                sk.f1_score(y[i], said),
                sk.matthews_corrcoef(y[i], said),
            ]
        )
    loop = np.array(loop)
    for j, metric in enumerate(FEW):
        a, b = ours.values[:, j], loop[:, j]
        assert abs(a.mean() - b.mean()) < 4.5 * np.sqrt(a.var() / len(a) + b.var() / len(b)), metric.name
        assert a.std() == pytest.approx(b.std(), rel=0.12), metric.name  # standard error of the ratio: 2.5 %
        low, high = ours[metric].interval()
        assert (low, high) == pytest.approx(tuple(np.quantile(b, [0.025, 0.975])), abs=0.35 * b.std()), metric.name
        assert ours[metric.name].value == pytest.approx(metric.value(s, at=0.5 if metric.of_counts else None))


@pytest.mark.parametrize("weighted", [False, True])
def test_a_replicate_is_the_metric_of_the_rows_it_drew(weighted):
    """Fast figures, those over whole tables and those row by row all come from the same draws."""
    _, _, s = made(120, weighted)
    metrics = (*FEW, cl.gini, cl.h_measure, cl.best(cl.f1), cl.calibration_error(5), cl.log_loss_skill)
    got = cl.bootstrap(s, *metrics, at=0.4, replicates=40, seed=3)
    rows = cl.ThresholdTable.from_scores(s).sorted_rows()
    truth, score = rows.keys & 1, core.scores_of(rows)
    for r, times in enumerate(core.times_drawn(120, replicates=40, seed=3)):
        weight = times * (rows.weight if weighted else 1.0)
        one = cl.Scores(y_true=truth, y_score=score, weight=weight, classes=[0, 1], kind="probability")
        for j, metric in enumerate(metrics):
            expected = metric.value(one, at=0.4 if metric.of_counts else None)
            assert got.values[r, j] == pytest.approx(expected, rel=1e-5, nan_ok=True), metric.name


def test_replicates_are_the_same_whatever_the_threads_and_their_number(monkeypatch):
    _, _, s = made()
    first = cl.bootstrap(s, *FEW, at=0.5, replicates=100, seed=5).values
    monkeypatch.setattr(core, "threads", lambda: 3)
    np.testing.assert_array_equal(cl.bootstrap(s, *FEW, at=0.5, replicates=100, seed=5).values, first)
    np.testing.assert_array_equal(cl.bootstrap(s, *FEW, at=0.5, replicates=33, seed=5).values, first[:33])
    alone = cl.bootstrap(s, cl.f1, at=0.5, replicates=100, seed=5)
    np.testing.assert_array_equal(alone.values[:, 0], first[:, FEW.index(cl.f1)])
    assert (cl.bootstrap(s, *FEW, at=0.5, replicates=100, seed=6).values != first).mean() > 0.9


def test_several_classes_and_labels_alone():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 200)
    p = rng.dirichlet(np.ones(3), 200)
    p[np.arange(200), y] += 0.3
    s = cl.Scores(y_true=y, y_score=p / p.sum(axis=1, keepdims=True), kind="probability")
    metrics = (cl.accuracy, cl.macro(cl.f1), cl.hand_till)
    got = cl.bootstrap(s, *metrics, replicates=150, seed=0)
    for metric in metrics:
        low, high = got[metric].interval()
        assert low < got[metric].value < high
    by_matrix = cl.estimate(cl.macro(cl.f1), s).interval()
    assert got[metrics[1]].interval() == pytest.approx(by_matrix, abs=0.03)
    labels = cl.Scores(y_true=y > 0, y_score=p.argmax(axis=1) > 0, kind="label")
    assert cl.bootstrap(labels, cl.recall, replicates=60)["recall"].value == cl.recall(labels)


def test_the_best_threshold_and_its_spread():
    _, _, s = made(300)
    found, (low, high) = cl.bootstrap_threshold(s, cl.f1, replicates=64, seed=1)
    assert found.shape == (64,)
    assert low <= np.median(found) <= high
    rows = cl.ThresholdTable.from_scores(s).sorted_rows()
    truth, score = (rows.keys & 1).astype(bool), core.scores_of(rows)
    at = np.unique(score)[::-1]
    for r, times in enumerate(core.times_drawn(300, replicates=64, seed=1)):
        tp = np.array([times[truth & (score >= t)].sum() for t in at])
        flagged = np.array([times[score >= t].sum() for t in at])
        value = 2 * tp / np.maximum(flagged + times[truth].sum(), 1)
        assert found[r] == at[value.argmax()] or value.max() == pytest.approx(value[at == found[r]][0], rel=1e-12)
    with pytest.raises(InputError, match="better end"):
        cl.bootstrap_threshold(s, cl.flagged_rate)
    with pytest.raises(InputError, match="metric of counts"):
        cl.bootstrap_threshold(s, cl.roc_auc)


def test_questions_without_an_answer():
    _, _, s = made(50)
    with pytest.raises(InputError, match="at least one metric"):
        cl.bootstrap(s)
    with pytest.raises(InputError, match="at least one"):
        cl.bootstrap(s, cl.roc_auc, replicates=0)
    with pytest.raises(ScoreError, match=r"at=0[.]5"):
        cl.bootstrap(s, cl.recall)
    with pytest.raises(InputError, match="did you mean 'percentile'"):
        cl.bootstrap(s, cl.roc_auc, method="percent")
    clustered = cl.Scores(y_true=[0, 1, 1], y_score=[0.1, 0.6, 0.4], groups=[1, 1, 2], kind="probability")
    with pytest.raises(InputError, match="one of the two"):
        cl.bootstrap(clustered, cl.roc_auc, stratified=True)
    with pytest.raises(InputError, match="one of roc_auc"):
        cl.bootstrap(s, cl.roc_auc, replicates=32)["recall"]


def test_whole_clusters_are_drawn():
    y, p, s = made(300)
    member = np.random.default_rng(2).integers(0, 40, 300)
    names = np.array([f"g{i}" for i in member], dtype=object)
    s = cl.Scores(y_true=y, y_score=p, groups=names, kind="probability")
    metrics = (cl.roc_auc, cl.average_precision, cl.log_loss, cl.f1, cl.gini, cl.brier_skill)
    got = cl.bootstrap(s, *metrics, at=0.4, replicates=40, seed=3)
    assert "40 clusters" in got[cl.f1].method
    for _, block in drawn(s, replicates=40, seed=3):
        for times in block:
            assert all(len(set(times[member == g])) == 1 for g in range(40))
    blocks = np.concatenate([block for _, block in drawn(s, replicates=40, seed=3)])
    for r, times in enumerate(blocks):
        repeated = np.repeat(np.arange(300), times.astype(int))
        one = cl.Scores(y_true=y[repeated], y_score=p[repeated], classes=[False, True], kind="probability")
        for j, metric in enumerate(metrics):
            expected = metric.value(one, at=0.4 if metric.of_counts else None)
            assert got.values[r, j] == pytest.approx(expected, rel=1e-9), metric.name
    each = cl.Scores(y_true=y, y_score=p, groups=np.arange(300), kind="probability")  # clusters of one
    np.testing.assert_array_equal(
        cl.bootstrap(each, cl.f1, at=0.4, replicates=32).values,
        cl.bootstrap(made(300)[2], cl.f1, at=0.4, replicates=32).values,
    )


def test_stratified_draws_keep_the_classes():
    y, _, s = made(200)
    got = cl.bootstrap(s, cl.flagged_rate, cl.recall, cl.prevalence, at=0.5, replicates=64, seed=1, stratified=True)
    np.testing.assert_allclose(got.values[:, 2], y.mean())
    assert got.values[:, 1].std() > 0.02
    blocks = np.concatenate([block for _, block in drawn(s, replicates=64, seed=1, stratified=True)])
    np.testing.assert_array_equal(blocks @ y, y.sum())
    first = np.concatenate([block for _, block in drawn(s, replicates=40, seed=1, stratified=True)])
    np.testing.assert_array_equal(first, blocks[:40])


@pytest.mark.parametrize("weighted", [False, True])
def test_a_figure_of_counted_rows_is_the_metric_of_repeated_rows(weighted):
    y, p, s = made(150, weighted)
    times = np.random.default_rng(4).integers(0, 3, 150)
    i = np.repeat(np.arange(150), times)
    weight = s.weight[i] if weighted else None
    one = cl.Scores(y_true=y[i], y_score=p[i], weight=weight, classes=[False, True], kind="probability")
    for metric in (*FEW, cl.gini, cl.h_measure, cl.best(cl.f1), cl.calibration_error(9), cl.macro(cl.f1)):
        at = 0.4 if metric.of_counts or metric.of_matrix else None
        got = figure_of(metric, s, at)(times.astype(float))
        assert got == pytest.approx(metric.value(one, at=at), rel=1e-9), metric.name
    assert np.isnan(figure_of(cl.roc_auc, s)(np.zeros(150)))


def test_bca_takes_its_acceleration_from_rows_left_out():
    y, p, s = made(120)
    plain = cl.bootstrap(s, cl.brier, seed=1)[cl.brier]
    bca = cl.bootstrap(s, cl.brier, seed=1, method="bca")[cl.brier]
    rows = (p - y) ** 2
    assert bca.ingredients.acceleration == pytest.approx(acceleration_of(rows), rel=1e-9)
    assert bca.interval() != plain.interval()
    assert "BCa" in bca.method
    groups = np.arange(120) // 4
    clustered = cl.Scores(y_true=y, y_score=p, groups=groups, kind="probability")
    found = accelerated(plain.ingredients, figure_of(cl.brier, clustered), clustered)
    left = np.array([rows[groups != g].mean() for g in range(30)])
    assert found.acceleration == pytest.approx(acceleration_of(left.mean() - left))
    _, _, many = made(3000)
    found = cl.bootstrap(many, cl.brier, replicates=64, method="bca")[cl.brier].ingredients
    rows = (many.probability - many.is_positive) ** 2
    assert found.acceleration == pytest.approx(acceleration_of(rows), abs=0.004)  # from 500 groups
