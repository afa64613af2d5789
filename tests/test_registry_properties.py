"""Drawn by hypothesis, over the whole registry: what every metric owes, whatever the data."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import cutline as cl
from cutline.metrics import METRICS, ThresholdTable

UNWEIGHTED = "aupr_davis_goadrich"  # knows no weights, and says nan
OF_TASK = {task: [m for m in METRICS.values() if task in m.tasks] for task in ("binary", "multiclass", "ordinal")}
OF_TASK["multilabel"] = [m for m in METRICS.values() if "multilabel" in m.tasks]
OF_TASK["multiclass"] += [cl.macro(cl.f1), cl.micro(cl.roc_auc), cl.weighted(cl.precision), cl.top_k_accuracy(2)]
OF_TASK["multilabel"] += [cl.macro(cl.f1), cl.micro(cl.roc_auc), cl.weighted(cl.recall), cl.samples(cl.jaccard)]
OF_TASK["binary"] += [
    cl.f_beta(0.5),
    cl.precision_at_prevalence(0.1),
    cl.net_benefit(0.2),
    cl.partial_auc(0, 0.3),
    cl.at_top(cl.recall, 0.3),
    cl.best(cl.f1),
]
SOME = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def rows(draw):
    """Truth of two classes and of three, dyadic scores with ties (1 - p is exact), small whole weights."""
    n = draw(st.integers(2, 14))
    some = st.lists(st.integers(0, 8), min_size=n, max_size=n)
    y = np.array(draw(st.lists(st.integers(0, 2), min_size=n, max_size=n)))
    p = np.array(draw(some)) / 8
    q = np.array(draw(some)) / 16
    times = np.array(draw(st.lists(st.integers(0, 3), min_size=n, max_size=n)))
    times[draw(st.integers(0, n - 1))] = 1
    return y, p, np.column_stack([p / 2, q, 1 - p / 2 - q]), times


def made(task, y, p, q, w=None):
    if task == "binary":
        return cl.Scores(y_true=y > 0, y_score=p, weight=w, classes=[False, True], kind="probability")
    if task == "multilabel":
        truth = np.column_stack([y == 0, y > 0, y == 2]).astype(int)
        return cl.MultiLabel(y_true=truth, y_score=q, weight=w, kind="probability")
    classes = cl.Classes(range(3), ordered=task == "ordinal")
    return cl.Scores(y_true=y, y_score=q, weight=w, classes=classes, kind="probability")


def values(task, data):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return {m.name: m.value(data, at=0.375) for m in OF_TASK[task]}


def agree(got, expected, rel=1e-9, but=()):
    for name, value in expected.items():
        if name not in but:
            assert got[name] == pytest.approx(value, rel=rel, abs=1e-12, nan_ok=True), name


def test_every_metric_of_the_registry_is_drawn():
    assert {m.name for ms in OF_TASK.values() for m in ms} >= set(METRICS)


@pytest.mark.parametrize("task", OF_TASK)
@SOME
@given(drawn=rows(), seed=st.integers(0, 99))
def test_the_order_of_rows(task, drawn, seed):
    y, p, q, times = drawn
    w = times + 0.5
    order = np.random.default_rng(seed).permutation(len(y))
    agree(values(task, made(task, y[order], p[order], q[order], w[order])), values(task, made(task, y, p, q, w)))


@pytest.mark.parametrize("task", OF_TASK)
@SOME
@given(drawn=rows())
def test_a_whole_weight_is_repetition(task, drawn):
    y, p, q, times = drawn
    weighted = values(task, made(task, y, p, q, times.astype(float)))
    repeated = values(task, made(task, *(np.repeat(each, times, axis=0) for each in (y, p, q))))
    agree(weighted, repeated, but=(UNWEIGHTED,))


@pytest.mark.parametrize("task", OF_TASK)
@SOME
@given(drawn=rows(), factor=st.sampled_from([1e-3, 7.0, 1e6]))
def test_the_unit_of_weights(task, drawn, factor):
    y, p, q, times = drawn
    w = times + 0.5
    at_top = [m.name for m in OF_TASK[task] if "_at_top_" in m.name]
    agree(values(task, made(task, y, p, q, w * factor)), values(task, made(task, y, p, q, w)), but=at_top, rel=1e-7)


@pytest.mark.parametrize("task", OF_TASK)
@SOME
@given(drawn=rows())
def test_the_range(task, drawn):
    y, p, q, _ = drawn
    found = values(task, made(task, y, p, q))
    for metric in OF_TASK[task]:
        low, high = metric.range
        value = found[metric.name]
        assert math.isnan(value) or low - 1e-12 <= value <= high + 1e-12, metric.name


@SOME
@given(drawn=rows(), how=st.sampled_from([lambda x: 3 * x - 7, lambda x: x**3, np.exp, lambda x: -1 / (x + 0.5)]))
def test_a_monotone_map_of_the_scores(drawn, how):
    y, p, q, _ = drawn
    s = made("binary", y, p, q)
    t = cl.Scores(y_true=y > 0, y_score=how(p), classes=[False, True], kind="rank")
    for metric in OF_TASK["binary"]:
        if metric.of_counts or metric.of_table:
            before, after = metric.value(s, at=0.375), metric.value(t, at=float(how(np.float64(0.375))))
            assert after == pytest.approx(before, rel=1e-13, nan_ok=True), metric.name


TURNED = {
    "precision": "npv",
    "npv": "precision",
    "recall": "specificity",
    "specificity": "recall",
    "fpr": "fnr",
    "fnr": "fpr",
    "fdr": "false_omission_rate",
    "false_omission_rate": "fdr",
}
SAME = ("accuracy", "balanced_accuracy", "mcc", "cohen_kappa", "informedness", "markedness", "g_mean", "error_rate")
SAME += ("diagnostic_odds_ratio", "roc_auc", "gini", "ks", "auch", "log_loss", "brier", "log_loss_skill", "brier_skill")


@SOME
@given(drawn=rows())
def test_the_other_class_as_the_positive_one(drawn):
    y, p, q, _ = drawn
    s = made("binary", y, p, q)
    turned = cl.Scores(y_true=y == 0, y_score=1 - p, classes=[False, True], kind="probability")
    here = values("binary", s)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # "score >= t is positive" turns into "1 - score > 1 - t is negative".
        there = {m.name: m.value(turned, at=math.nextafter(1 - 0.375, 2)) for m in OF_TASK["binary"]}
    for name in (*TURNED, *SAME):
        assert there[name] == pytest.approx(here[TURNED.get(name, name)], rel=1e-9, abs=1e-12, nan_ok=True), name
    assert there["prevalence"] == pytest.approx(1 - here["prevalence"])
    assert there["prediction_bias"] == pytest.approx(-here["prediction_bias"], abs=1e-14)
    mirrored = cl.Scores(y_true=y == 0, y_score=p, classes=[False, True], kind="rank")
    assert cl.roc_auc.value(mirrored) == pytest.approx(1 - here["roc_auc"], nan_ok=True)


@SOME
@given(drawn=rows(), cut=st.integers(1, 13), weighted=st.booleans())
def test_merging_is_the_whole(drawn, cut, weighted):
    y, p, q, times = drawn
    cut = min(cut, len(y) - 1)
    w = (times + 0.25) if weighted else None
    s = made("binary", y, p, q, w)
    first, rest = (
        ThresholdTable.from_scores(s.take(np.arange(len(y)) < cut if part else np.arange(len(y)) >= cut))
        for part in (1, 0)
    )
    whole, merged = ThresholdTable.from_scores(s), rest.merge(first)
    for metric in OF_TASK["binary"]:
        if metric.of_counts or metric.of_table:
            expected = metric.value(whole, at=0.375 if metric.of_counts else None)
            got = metric.value(merged, at=0.375 if metric.of_counts else None)
            assert got == pytest.approx(expected, rel=1e-12, nan_ok=True), metric.name


@SOME
@given(drawn=rows())
def test_identities(drawn):
    y, p, q, _ = drawn
    v = values("binary", made("binary", y, p, q))
    for left, right in {
        "recall": 1 - v["fnr"],
        "specificity": 1 - v["fpr"],
        "precision": 1 - v["fdr"],
        "npv": 1 - v["false_omission_rate"],
        "accuracy": 1 - v["error_rate"],
        "informedness": v["recall"] + v["specificity"] - 1,
        "markedness": v["precision"] + v["npv"] - 1,
        "balanced_accuracy": (v["recall"] + v["specificity"]) / 2,
        "jaccard": v["f1"] / (2 - v["f1"]),
        "fowlkes_mallows": math.sqrt(v["precision"] * v["recall"]),
        "lift": v["precision"] / v["prevalence"] if v["prevalence"] else math.nan,
        "gini": 2 * v["roc_auc"] - 1,
    }.items():
        assert v[left] == pytest.approx(right, rel=1e-12, abs=1e-12, nan_ok=True), left
    if not math.isnan(v["mcc"]):
        both = v["informedness"] * v["markedness"]
        assert v["mcc"] ** 2 == pytest.approx(both, rel=1e-9, abs=1e-12)
    if not math.isnan(v["roc_auc"]):
        assert v["auch"] >= v["roc_auc"] - 1e-12
        assert v["ks"] >= v["informedness"] - 1e-12
