"""One bank of invariances over the whole registry of metrics."""

from __future__ import annotations

import math

import numpy as np
import pytest

import cutline as cl
from cutline.evidence import estimate
from cutline.metrics import METRICS, ThresholdTable, decided

METRICS = {name: m for name, m in METRICS.items() if "binary" in m.tasks}
UNWEIGHTED = "aupr_davis_goadrich"  # knows no weights, and says nan
WEIGHTED = [name for name in METRICS if name != UNWEIGHTED]
COUNTS = [name for name, m in METRICS.items() if m.of_counts]
ORDER = [name for name, m in METRICS.items() if m.of_table]
AVERAGES = ("macro_recall", "micro_f1", "weighted_precision", "macro_roc_auc")


def bank():
    """Dyadic probabilities (1 - p is exact) with ties; weights in quarters (sums are exact); every shape of data."""
    rng = np.random.default_rng(7)
    for n, grid, weighted in ((6, 4, False), (40, 8, True), (200, 64, False), (300, 1024, True), (1500, 4096, True)):
        y = rng.integers(0, 2, n)
        y[:2] = 0, 1
        p = np.clip(rng.integers(0, grid + 1, n) + y * (grid // 4), 0, grid) / grid
        yield y, p, rng.integers(0, 6, n) / 4 + (np.arange(n) < 2) if weighted else None


BANK = [pytest.param(*data, id=f"n={len(data[0])}{'' if data[2] is None else ' weighted'}") for data in bank()]
AT = 0.375


def made(y, p, w=None, kind="probability", **about):
    return cl.Scores(y_true=y, y_score=p, weight=w, classes=[0, 1], kind=kind, **about)


def values(s, names=tuple(METRICS), at=AT):
    return {name: METRICS[name].value(s, at=at) for name in names}


def agree(got, expected, rel=1e-12):
    assert got.keys() == expected.keys()
    for name, value in expected.items():
        assert got[name] == pytest.approx(value, rel=rel, abs=1e-14, nan_ok=True), name


@pytest.mark.parametrize(("y", "p", "w"), BANK)
def test_the_order_of_rows_does_not_matter(y, p, w):
    order = np.random.default_rng(0).permutation(len(y))
    s = made(y, p, w)
    t = s.take(order)
    agree(values(t), values(s))
    table, other = ThresholdTable.from_scores(s), ThresholdTable.from_scores(t)
    np.testing.assert_array_equal(table.tp, other.tp)
    np.testing.assert_array_equal(table.fp, other.fp)


MONOTONE = {
    "affine": lambda x: 64.0 * x - 3,
    "exp": lambda x: np.exp(3 * x),
    "cube": lambda x: (x - 0.5) ** 3,
    "negative": lambda x: -1 / (x + 0.125),
    "tiny": lambda x: (x + 1) * 5e-320,
    "float32": lambda x: np.asarray(x, dtype=np.float32),
}


@pytest.mark.parametrize("name", MONOTONE)
@pytest.mark.parametrize(("y", "p", "w"), BANK)
def test_a_monotone_map_with_its_threshold_changes_no_decision(y, p, w, name):
    mapped = MONOTONE[name](p)
    if len(np.unique(mapped)) < len(np.unique(p)):
        pytest.skip("the map made ties: not strictly monotone in floating point")
    s, t = made(y, p, w), made(y, mapped, w, kind="rank")
    at = float(MONOTONE[name](np.array(AT)))
    assert values(t, COUNTS, at) == values(s, COUNTS)
    agree(values(t, ORDER), values(s, ORDER), rel=0)


@pytest.mark.parametrize(("y", "p", "w"), BANK)
def test_an_integer_weight_is_repetition(y, p, w):
    times = np.random.default_rng(1).integers(0, 4, len(y)) + (np.arange(len(y)) < 2)
    agree(values(made(y, p, times), WEIGHTED), values(made(np.repeat(y, times), np.repeat(p, times)), WEIGHTED))
    q = np.column_stack([p / 2, (1 - p) / 2, np.full(len(p), 0.5)])
    k = y + (p > 0.8)
    about = {"classes": range(3), "kind": "probability"}
    weighted = cl.Scores(y_true=k, y_score=q, weight=times, **about)
    repeated = cl.Scores(y_true=np.repeat(k, times), y_score=np.repeat(q, times, axis=0), **about)
    for name in (*AVERAGES, "accuracy", "balanced_accuracy", "mcc", "log_loss", "brier"):
        metric = cl.metrics.find(name)
        assert metric.value(weighted) == pytest.approx(metric.value(repeated), rel=1e-12, nan_ok=True), name


@pytest.mark.parametrize(("y", "p", "w"), BANK)
@pytest.mark.parametrize("factor", [1e-6, 3.0, 1e9])
def test_the_unit_of_weights_does_not_matter(y, p, w, factor):
    w = np.ones(len(y)) if w is None else w
    s, t = made(y, p, w), made(y, p, w * factor)
    agree(values(t), values(s), rel=1e-9)
    for name in METRICS:
        a, b = (estimate(METRICS[name], x, at=AT).interval() for x in (s, t))
        assert b == pytest.approx(a, rel=1e-6, abs=1e-9, nan_ok=True), name


@pytest.mark.parametrize(("y", "p", "w"), BANK)
def test_weights_of_one_and_rows_of_weight_zero(y, p, w):
    agree(values(made(y, p, np.ones(len(y))), WEIGHTED), values(made(y, p), WEIGHTED))
    keep = p != p[-1]
    agree(values(made(y, p, keep * 1.0), WEIGHTED), values(made(y[keep], p[keep]), WEIGHTED))
    missing = np.where(keep, y, -1).astype(object)
    missing[~keep] = None
    agree(values(made(missing, p, w)), values(made(y, p, w).take(keep)))


@pytest.mark.parametrize(("y", "p", "w"), BANK)
def test_swapping_the_labels(y, p, w):
    s = made(y, p, w)
    assert values(made(1 - y, p, w))["roc_auc"] == pytest.approx(1 - cl.roc_auc(s), rel=1e-12)
    # Both turned: "score >= t is positive" becomes "1 - score > 1 - t is negative".
    turned, at = made(1 - y, 1 - p, w), np.nextafter(1 - AT, 2)
    here, there = values(s), values(turned, at=at)
    pairs = [
        ("precision", "npv"),
        ("npv", "precision"),
        ("recall", "specificity"),
        ("specificity", "recall"),
        ("fpr", "fnr"),
        ("fnr", "fpr"),
        *((same, same) for same in ("accuracy", "balanced_accuracy", "mcc", "roc_auc", "log_loss", "brier")),
    ]
    for one, other in pairs:
        assert there[other] == pytest.approx(here[one], rel=1e-12, nan_ok=True), one
    assert there["prediction_bias"] == pytest.approx(-here["prediction_bias"], rel=1e-12, abs=1e-14)
    assert there["flagged_rate"] == pytest.approx(1 - here["flagged_rate"], rel=1e-12)
    # Naming the other class positive is the same turn, without touching the scores by hand.
    view = cl.Scores(
        y_true=y, y_score=np.column_stack([1 - p, p]), weight=w, classes=[0, 1], positive=0, kind="probability"
    )
    agree(values(view, at=at), there)


@pytest.mark.parametrize(("y", "p", "w"), BANK)
def test_identities(y, p, w):
    v = values(made(y, p, w))
    c = ThresholdTable.from_scores(made(y, p, w)).counts(AT)
    assert v["fpr"] == pytest.approx(1 - v["specificity"], abs=1e-14)
    assert v["fnr"] == pytest.approx(1 - v["recall"], abs=1e-14)
    assert v["balanced_accuracy"] == pytest.approx((v["recall"] + v["specificity"]) / 2, rel=1e-14)
    assert c.tp / (c.tp + c.fp + c.fn) == pytest.approx(v["f1"] / (2 - v["f1"]), rel=1e-14)  # CSI = F1 / (2 - F1)
    assert v["f1"] == pytest.approx(2 / (1 / v["precision"] + 1 / v["recall"]), rel=1e-12)
    assert v["flagged_rate"] * c.total == pytest.approx(c.flagged, rel=1e-12)
    for name, value in v.items():
        low, high = METRICS[name].range
        assert low <= value <= high or (name == UNWEIGHTED and w is not None), name


@pytest.mark.parametrize(("y", "p", "w"), BANK)
def test_perfect_separation_is_exactly_one(y, p, w):
    w = np.random.default_rng(3).uniform(0.01, 1, len(y)) if w is None else w / 7
    table = ThresholdTable.from_scores(made(y, (p + 2 * y) / 3, w))
    for metric in (cl.roc_auc, cl.average_precision):
        assert metric(table) == 1.0
    assert cl.roc_auc(ThresholdTable.from_scores(made(y, (p + 2 * (1 - y)) / 3, w))) == 0.0


# --- merging --------------------------------------------------------------------------------------------------------


def same_tables(a, b):
    for name in ("thresholds", "tp", "fp"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
        assert getattr(a, name).dtype == getattr(b, name).dtype
    assert (a.weights is None) == (b.weights is None)
    if a.weights is not None:
        for name in ("tp", "fp", "tp2", "fp2"):
            np.testing.assert_array_equal(getattr(a.weights, name), getattr(b.weights, name))


@pytest.mark.parametrize(("y", "p", "w"), BANK)
def test_merging_is_the_whole_whatever_the_order(y, p, w):
    s = made(y, p, w)
    parts = np.arange(len(y)) % 3 if len(y) > 6 else np.array([0, 0, 0, 1, 1, 2])
    a, b, c = (ThresholdTable.from_scores(s.take(parts == part)) for part in range(3))
    whole = ThresholdTable.from_scores(s)
    same_tables(a.merge(b).merge(c), whole)
    same_tables(a.merge(b.merge(c)), whole)
    same_tables(c.merge(a).merge(b), whole)
    same_tables(a.merge(b), b.merge(a))
    assert cl.roc_auc(a.merge(b).merge(c)) == cl.roc_auc(whole)


def test_merging_tables_with_and_without_weights():
    y, p = np.array([0, 1, 1, 0]), np.array([0.25, 0.5, -0.0, 0.0])
    plain, weighted = made(y[:2], p[:2], kind="rank"), made(y[2:], p[2:], [2, 3], kind="rank")
    merged = ThresholdTable.from_scores(plain).merge(ThresholdTable.from_scores(weighted))
    same_tables(merged, ThresholdTable.from_scores(made(y, p, [1, 1, 2, 3], kind="rank")))
    assert merged.thresholds.tolist() == [math.inf, 0.5, 0.25, 0.0]


# --- intervals ------------------------------------------------------------------------------------------------------


def extremes():
    yield from (param.values for param in BANK)
    n = 20
    y = np.arange(2 * n) // n
    yield y, (y * 0.5 + 0.25), None  # perfect
    yield y, (y * 0.5 + 0.25), np.arange(2 * n) % 7 / 7 + 0.1
    yield y, (0.75 - y * 0.5), None  # all wrong
    yield y, np.full(2 * n, 0.5), None  # all tied, all flagged
    yield y, np.where(np.arange(2 * n) == 3, 0.75, 0.25), None  # one row flagged, wrongly
    yield np.array([0, 1]), np.array([0.25, 0.75]), None


EXTREMES = [pytest.param(y, p, w, name, id=f"{i}-{name}") for i, (y, p, w) in enumerate(extremes()) for name in METRICS]


@pytest.mark.parametrize(("y", "p", "w", "name"), EXTREMES)
def test_an_interval_contains_its_estimate_and_nests_in_confidence(y, p, w, name):
    s = made(y, p, w)
    e = estimate(METRICS[name], s, at=AT, seed=1)
    assert e.value == pytest.approx(METRICS[name].value(s, at=AT), nan_ok=True, rel=1e-12)
    low, high = METRICS[name].range
    inside = None
    for level in (0.5, 0.8, 0.9, 0.95, 0.99):
        interval = e.interval(level)
        if math.isnan(interval[0]):
            assert math.isnan(interval[1])
            assert e.state != "ok"
            continue
        assert low <= interval[0] <= interval[1] <= high
        assert interval[0] - 1e-12 <= e.value <= interval[1] + 1e-12
        assert inside is None or (interval[0] <= inside[0] and inside[1] <= interval[1])
        inside = interval
    if e.state == "ok":
        assert inside is not None
        assert inside[0] < inside[1]
        assert e.interval() == e.interval(0.95) == (e.low, e.high) == (e.at(0.95).low, e.at(0.95).high)


def test_the_decision_is_the_argmax_or_the_comparison():
    y, p, _ = next(bank())
    assert decided(made(y, p), AT).tolist() == (p >= AT).astype(int).tolist()
    swapped = cl.Scores(y_true=y, y_score=p, classes=[1, 0], positive=1, kind="probability")
    assert swapped.classes.decode(decided(swapped, AT)).tolist() == (p >= AT).astype(int).tolist()
