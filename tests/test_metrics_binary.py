"""Binary metrics against their definitions: slow twins, edges, names that read back, keys of golden cases left open."""

from __future__ import annotations

import itertools
import math
import pickle

import numpy as np
import pytest

import cutline as cl
from cutline.errors import InputError, UndefinedWarning, UnknownName
from cutline.evidence import estimate
from cutline.metrics import METRICS, Counts, ThresholdTable, cost_per_row, find
from tests import golden

NAN, INF = math.nan, math.inf


def scores(y, p, w=None, kind="rank"):
    return cl.Scores(y_true=y, y_score=p, weight=w, classes=[0, 1], kind=kind)


def draw(seed, weighted):
    """A few rows of both classes, most of them tied, rare or common positives."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 25))
    y = (rng.random(n) < rng.choice([0.2, 0.5, 0.8])).astype(int)
    y[:2] = 0, 1
    p = rng.integers(0, rng.integers(2, 9), n) / 9
    return y, p, rng.random(n) + 0.01 if weighted else None


BANK = [pytest.param(seed, weighted, id=f"{seed}{' weighted' * weighted}") for seed in range(20) for weighted in (0, 1)]


def roc_points(y, p, w):
    """(false, true) positive rate of every threshold, by comparing all rows with it."""
    w = np.ones(len(y)) if w is None else w
    flagged = [p >= t for t in [INF, *sorted(set(p.tolist()), reverse=True)]]
    return [(w[f & (y == 0)].sum() / w[y == 0].sum(), w[f & (y == 1)].sum() / w[y == 1].sum()) for f in flagged]


# --- over the order -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("seed", "weighted"), BANK)
def test_h_measure_is_the_least_cost_averaged_over_costs(seed, weighted):
    from scipy.stats import beta

    y, p, w = draw(seed, weighted)
    pi1 = float(np.average(y, weights=w))
    cost = np.linspace(0, 1, 100_001)
    density = beta(2, 1 + (1 - pi1) / pi1).pdf(cost)
    # All thresholds, no hull: whichever is cheapest at each cost.
    least = np.min([cost * (1 - pi1) * x + (1 - cost) * pi1 * (1 - t) for x, t in roc_points(y, p, w)], axis=0)
    trivial = np.minimum(cost * (1 - pi1), (1 - cost) * pi1)
    expected = 1 - np.trapezoid(least * density, cost) / np.trapezoid(trivial * density, cost)
    assert cl.h_measure(scores(y, p, w)) == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize(("seed", "weighted"), BANK)
def test_the_hull_is_the_highest_of_all_chords(seed, weighted):
    y, p, w = draw(seed, weighted)
    points = roc_points(y, p, w)
    xs = sorted({x for x, _ in points})

    def highest(at):
        """The best mix of two thresholds whose false positive rate is `at`."""
        best = 0.0
        for (x0, y0), (x1, y1) in itertools.product(points, repeat=2):
            if x0 <= at <= x1:
                best = max(best, max(y0, y1) if x0 == x1 else y0 + (y1 - y0) * (at - x0) / (x1 - x0))
        return best

    area = sum((b - a) * (highest(a) + highest(b)) / 2 for a, b in itertools.pairwise(xs))
    assert cl.auch(scores(y, p, w)) == pytest.approx(area, rel=1e-12)


def clipped_area(points, low, high):
    """Trapezoids between consecutive points, each cut to the stretch."""
    area = 0.0
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        a, b = max(x0, low), min(x1, high)
        if a < b:
            area += (b - a) * (2 * y0 + (y1 - y0) * (a + b - 2 * x0) / (x1 - x0)) / 2
    return area


@pytest.mark.parametrize("stretch", [(0, 0.1), (0.2, 0.6), (0.5, 1), (0.3, 0.301), (0, 1)])
@pytest.mark.parametrize(("seed", "weighted"), BANK)
def test_partial_areas_segment_by_segment(seed, weighted, stretch):
    y, p, w = draw(seed, weighted)
    s, points, (low, high) = scores(y, p, w), roc_points(y, p, w), stretch
    turned = [(t, 1 - x) for x, t in points]
    for of, way, chance in (("fpr", points, (high**2 - low**2) / 2), ("recall", turned, None)):
        if chance is None:
            chance = (high - low) - (high**2 - low**2) / 2
        raw = clipped_area(way, low, high)
        assert cl.partial_auc(low, high, of=of, standardized=False)(s) == pytest.approx(raw, abs=1e-14)
        mcclish = (1 + (raw - chance) / ((high - low) - chance)) / 2
        metric = cl.partial_auc(low, high, of=of)
        assert metric(s) == pytest.approx(mcclish, abs=1e-12)
        assert metric.range[0] - 1e-12 <= metric(s) <= 1 + 1e-12


@pytest.mark.parametrize(("seed", "weighted"), BANK)
def test_area_under_the_precision_recall_curve_by_quadrature(seed, weighted):
    from scipy.integrate import quad

    y, p, w = draw(seed, weighted)
    w = np.ones(len(y)) if w is None else w
    tp = fp = total = 0.0
    for t in sorted(set(p.tolist()), reverse=True):
        gain, slope = w[(p == t) & (y == 1)].sum(), 0.0
        if gain:
            slope = w[(p == t) & (y == 0)].sum() / gain

            def precision(u, tp=tp, fp=fp, slope=slope):
                return (tp + u) / (tp + fp + u * (1 + slope)) if tp + fp + u else 1 / (1 + slope)

            total += quad(precision, 0, gain, epsabs=1e-13)[0]
        tp, fp = tp + gain, fp + w[(p == t) & (y == 0)].sum()
    assert cl.aupr(scores(y, p, w)) == pytest.approx(total / tp, rel=1e-9)


@pytest.mark.parametrize("seed", range(40))
def test_davis_goadrich_point_by_point(seed):
    y, p, _ = draw(seed, 0)
    points, tp, fp = [], 0, 0
    for t in sorted(set(p.tolist()), reverse=True):
        gain, lost = int(((p == t) & (y == 1)).sum()), int(((p == t) & (y == 0)).sum())
        for u in range(1, gain + 1):
            points.append((tp + u, (tp + u) / (tp + u + fp + lost * u / gain)))
            if len(points) == 1:  # the curve is flat from recall 0 to the first point
                start = tp / (tp + fp) if tp + fp else points[0][1]
                points.insert(0, (tp, start))
            elif u == 1:  # negatives alone: precision falls straight down at the same recall
                points.insert(-1, (tp, tp / (tp + fp)))
        tp, fp = tp + gain, fp + lost
    area = sum((b[0] - a[0]) * (a[1] + b[1]) / 2 for a, b in itertools.pairwise(points)) / tp
    assert cl.aupr_davis_goadrich(scores(y, p)) == pytest.approx(area, rel=1e-12)


@pytest.mark.parametrize("seed", range(20))
def test_ks_is_the_statistic_of_the_two_sample_test(seed):
    from scipy.stats import ks_2samp

    y, p, w = draw(seed, seed % 2)
    if w is None:
        expected = ks_2samp(p[y == 1], p[y == 0]).statistic
        assert cl.ks(scores(1 - y, p)) == pytest.approx(expected, rel=1e-12)  # two-sided: labels may be swapped
    else:
        expected = max(abs(t - x) for x, t in roc_points(y, p, w))
    assert cl.ks(scores(y, p, w)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("k", [1, 2, 3, 5])
@pytest.mark.parametrize("seed", range(12))
def test_the_top_k_are_the_mean_over_all_orders_of_the_ties(seed, k):
    rng = np.random.default_rng(seed)
    y, p = rng.integers(0, 2, 6), rng.integers(0, 3, 6) / 2
    y[:2] = 0, 1
    orders = [o for o in itertools.permutations(range(6)) if all(p[a] >= p[b] for a, b in itertools.pairwise(o))]
    hits = np.mean([y[list(o[:k])].sum() for o in orders])
    for metric, expected in ((cl.recall, hits / y.sum()), (cl.precision, hits / k), (cl.lift, hits / k / y.mean())):
        assert cl.at_top(metric, k)(scores(y, p)) == pytest.approx(expected, rel=1e-12)
    share = cl.at_top(cl.recall, k / 6)(scores(y, p)) if k < 6 else 1
    assert share == pytest.approx(hits / y.sum(), rel=1e-9)


def test_the_top_of_weighted_rows_never_counts_below_zero():
    """Sums of weights: k less the positives among the top k was -2e-16, and refused as a count."""
    for seed in range(300):
        rng = np.random.default_rng(seed)
        n = int(rng.integers(1, 12))
        s = scores(np.ones(n, int), rng.integers(0, 4, n) / 4, rng.random(n) + 1e-3)
        for k in (0.1, 0.37, 0.999, 1):
            assert 1 - 1e-12 <= cl.at_top(cl.precision, k)(s) <= 1


@pytest.mark.parametrize(("seed", "weighted"), BANK)
def test_best_tries_every_threshold(seed, weighted):
    y, p, w = draw(seed, weighted)
    s = scores(y, p, w)
    cuts = [INF, *p.tolist()]
    for metric in (cl.f1, cl.informedness, cl.markedness, cl.error_rate, cost_per_row(fp=1, fn=5)):
        tried = [v for v in (metric.value(s, at=t) for t in cuts) if not math.isnan(v)]
        assert cl.best(metric)(s) == pytest.approx(max(tried) if metric.maximize else min(tried), rel=1e-12)
    assert cl.best(cl.informedness)(s) <= cl.ks(s) + 1e-12  # one-sided against two-sided


# --- over counts ----------------------------------------------------------------------------------------------------

EDGES = [
    # tp, fp, fn, tn: positive and negative likelihood ratio, diagnostic odds ratio, lift, kappa
    ((5, 0, 5, 10), (INF, 0.5, INF, 2.0, 0.5)),
    ((10, 0, 0, 10), (INF, 0.0, INF, 2.0, 1.0)),
    ((10, 10, 0, 0), (1.0, NAN, NAN, 1.0, 0.0)),  # everything is flagged
    ((0, 0, 10, 10), (NAN, 1.0, NAN, NAN, 0.0)),  # nothing is
    ((0, 10, 10, 0), (0.0, INF, 0.0, 0.0, -1.0)),
    ((5, 10, 5, 0), (0.5, INF, 0.0, 5 / 15 * 2, -0.5)),
    ((3, 0, 2, 0), (NAN, NAN, NAN, 1.0, 0.0)),  # no negatives
    ((0, 3, 0, 2), (NAN, NAN, NAN, NAN, 0.0)),  # no positives
    ((4, 0, 0, 0), (NAN, NAN, NAN, 1.0, NAN)),
    ((0, 0, 0, 0), (NAN, NAN, NAN, NAN, NAN)),
]


@pytest.mark.parametrize(("cells", "expected"), EDGES)
def test_ratios_of_empty_cells_are_infinite_or_undefined_and_never_guessed(cells, expected):
    metrics = (
        cl.positive_likelihood_ratio,
        cl.negative_likelihood_ratio,
        cl.diagnostic_odds_ratio,
        cl.lift,
        cl.cohen_kappa,
    )
    for metric, value in zip(metrics, expected, strict=True):
        got = metric.value(Counts(*cells))
        assert got == pytest.approx(value, nan_ok=True), metric.name
        if math.isnan(value):
            with pytest.warns(UndefinedWarning, match=metric.name):
                metric(Counts(*cells))
        # Arrays over thresholds and weights say the same.
        over = metric.value(Counts(*(np.array([c, c]) * 0.25 for c in cells)))
        assert over.tolist() == pytest.approx([value, value], nan_ok=True), metric.name


def naive_kappa(matrix):
    n = matrix.sum()
    chance = sum(matrix[i].sum() * matrix[:, i].sum() for i in range(len(matrix))) / n**2
    return (np.trace(matrix) / n - chance) / (1 - chance)


@pytest.mark.parametrize("k", [2, 3, 6])
def test_kappa_of_a_matrix_of_its_stack_and_of_counts(k):
    rng = np.random.default_rng(k)
    stack = rng.integers(0, 9, (4, k, k)) + np.eye(k, dtype=int) + rng.random((4, 1, 1))
    expected = [naive_kappa(m) for m in stack]
    np.testing.assert_allclose(cl.cohen_kappa.value(stack), expected, rtol=1e-12)
    if k == 2:
        c = Counts(tp=stack[:, 1, 1], fp=stack[:, 0, 1], fn=stack[:, 1, 0], tn=stack[:, 0, 0])
        np.testing.assert_allclose(cl.cohen_kappa.value(c), expected, rtol=1e-12)
    for seed in range(20):  # one class, present and decided: rounding makes no number of 0/0
        lone = np.zeros((k, k))
        lone[-1, -1] = np.random.default_rng(seed).uniform()
        assert math.isnan(cl.cohen_kappa.value(lone))


def test_identities_of_the_counts():
    rng = np.random.default_rng(0)
    c = Counts(*rng.integers(1, 50, (4, 200)))
    v = {name: m.value(c) for name, m in METRICS.items() if m.of_counts}
    close = {"rtol": 1e-12, "atol": 1e-14}
    np.testing.assert_allclose(v["informedness"], 2 * v["balanced_accuracy"] - 1, **close)
    np.testing.assert_allclose(v["mcc"] ** 2, v["informedness"] * v["markedness"], **close)
    np.testing.assert_allclose(
        v["diagnostic_odds_ratio"], v["positive_likelihood_ratio"] / v["negative_likelihood_ratio"], **close
    )
    np.testing.assert_allclose(v["fowlkes_mallows"] ** 2, v["precision"] * v["recall"], **close)
    np.testing.assert_allclose(v["g_mean"] ** 2, v["recall"] * v["specificity"], **close)
    np.testing.assert_allclose(v["jaccard"], v["f1"] / (2 - v["f1"]), **close)
    np.testing.assert_allclose(v["lift"] * v["prevalence"], v["precision"], **close)
    np.testing.assert_allclose(v["error_rate"] + v["accuracy"], 1.0, **close)
    np.testing.assert_allclose(v["fdr"] + v["precision"], 1.0, **close)
    np.testing.assert_allclose(v["false_omission_rate"] + v["npv"], 1.0, **close)
    odds = v["prevalence"] / (1 - v["prevalence"]) * v["positive_likelihood_ratio"]
    np.testing.assert_allclose(odds / (1 + odds), v["precision"], **close)  # Bayes
    np.testing.assert_allclose(cost_per_row(fp=1, fn=1).value(c), v["error_rate"], **close)
    # Net benefit at t counts costs of t and 1 - t, on the scale of true positives.
    nb = (1 - 0.2) * v["prevalence"] - cost_per_row(fp=0.2, fn=0.8).value(c)
    np.testing.assert_allclose(find("net_benefit_0.2").value(c) * (1 - 0.2), nb, **close)


def test_metrics_that_are_one_proportion_say_so():
    c = Counts(tp=90, fp=30, fn=20, tn=60)
    for name, metric in METRICS.items():
        if metric.proportion:
            k, n = metric.proportion(c)
            assert metric.value(c) == k / n, name
    for name in ("jaccard", "error_rate", "fdr", "false_omission_rate", "prevalence", "flagged_rate"):
        assert METRICS[name].proportion, name


@pytest.mark.parametrize("name", ["positive_likelihood_ratio", "negative_likelihood_ratio", "diagnostic_odds_ratio"])
def test_an_infinite_ratio_has_a_finite_lower_limit(name):
    y, p = np.repeat([1, 0], 10), np.repeat([0.9, 0.1, 0.1], [8, 2, 10])
    if name == "negative_likelihood_ratio":
        p = np.repeat([0.9, 0.1, 0.9], [2, 8, 10])  # every negative is flagged
    e = estimate(METRICS[name], scores(y, p), at=0.5)
    assert math.isinf(e.value)
    assert 1 < e.low < e.high == INF
    assert e.to_dict()["value"] is None  # as JSON has no infinity


def test_cost_per_row():
    c = Counts(tp=90, fp=30, fn=20, tn=60)
    assert cost_per_row(fp=1, fn=25)(c) == (30 + 500) / 200
    metric = cost_per_row(fp=0, fn=2.5)
    assert (metric.name, metric.range, metric.perfect, metric.maximize) == ("cost_fp0_fn2.5", (0.0, 2.5), 0.0, False)
    assert (metric <= 0.5).holds(metric(c))
    e = estimate(metric, scores([0, 0, 1, 1, 1], [0.1, 0.6, 0.4, 0.8, 0.9]), at=0.5)
    assert 0 <= e.low < e.value == 0.5 < e.high <= 2.5
    for bad in ({"fp": -1, "fn": 1}, {"fp": 1, "fn": NAN}, {"fp": INF, "fn": 1}, {"fp": 0, "fn": 0}):
        with pytest.raises(InputError, match="cost"):
            cost_per_row(**bad)


# --- edges over the order and over probabilities --------------------------------------------------------------------


ORDER = [name for name, m in METRICS.items() if m.of_table and "binary" in m.tasks]
NEEDS_BOTH = [name for name in ORDER if name not in ("average_precision", "aupr", "aupr_davis_goadrich")]


@pytest.mark.parametrize("name", ORDER)
def test_one_class_one_row_and_constants(name):
    metric = METRICS[name]
    for y in ([0], [0, 0, 0]):
        assert math.isnan(metric.value(scores(y, np.linspace(0, 1, len(y)))))
    for y in ([1], [1, 1, 1]):
        value = metric.value(scores(y, np.linspace(0, 1, len(y))))
        assert math.isnan(value) if name in NEEDS_BOTH else value == 1
    tied = metric.value(scores([0, 1, 1, 0, 1], np.full(5, 0.25)))
    assert tied == pytest.approx({"roc_auc": 0.5, "auch": 0.5}.get(name, 0.0 if name in NEEDS_BOTH else 0.6), abs=1e-14)
    assert metric.value(scores([0, 1], [0.1, 0.9])) == pytest.approx(1.0, rel=1e-14)
    for w in (None, [0.3, 0.7, 1.1, 0.2]):
        if w is not None and name == "aupr_davis_goadrich":  # without weights only, and it says so
            with pytest.warns(UndefinedWarning, match="weights"):
                metric(scores([0, 1, 0, 1], [0.1, 0.8, 0.2, 0.9], w))
            continue
        assert metric.value(scores([0, 1, 0, 1], [0.1, 0.8, 0.2, 0.9], w)) == pytest.approx(1.0, rel=1e-14)
        worst = metric.value(scores([1, 0, 1, 0], [0.1, 0.8, 0.2, 0.9], w))
        assert metric.range[0] <= worst <= metric.range[1]
        if name in ("roc_auc", "gini", "h_measure"):
            assert worst == pytest.approx(metric.range[0], abs=1e-14)


@pytest.mark.parametrize(
    "metric", [cl.partial_auc(0, 0.1), cl.partial_auc(0.8, 1, of="recall"), cl.at_top(cl.recall, 2), cl.best(cl.recall)]
)
def test_metrics_made_over_the_table_are_undefined_without_positives(metric):
    with pytest.warns(UndefinedWarning):
        assert math.isnan(metric(scores([0, 0, 0], [0.1, 0.2, 0.3])))


def test_skill_is_measured_against_the_prevalence_of_the_same_rows():
    y, p, w = np.array([0, 1, 1, 0, 0]), np.array([0.2, 0.7, 0.9, 0.4, 0.1]), np.array([1, 2, 0.5, 3, 1])
    for weight in (None, w):
        share = np.average(y, weights=weight)
        s = scores(y, p, weight, "probability")
        constant = s.with_score(np.full(5, share), "probability")
        assert cl.brier_skill(constant) == pytest.approx(0, abs=1e-14)
        assert cl.log_loss_skill(constant) == pytest.approx(0, abs=1e-14)
        assert cl.brier_skill(s) == pytest.approx(1 - cl.brier(s) / cl.brier(constant), rel=1e-13)
        assert cl.log_loss_skill(s) == pytest.approx(1 - cl.log_loss(s) / cl.log_loss(constant), rel=1e-13)
    for metric in (cl.brier_skill, cl.log_loss_skill):
        assert math.isnan(metric.value(scores([1, 1], [0.4, 0.6], kind="probability")))
        assert metric.value(scores([0, 1], [0.9, 0.1], kind="probability")) < 0


# --- names ----------------------------------------------------------------------------------------------------------

AWKWARD = (0.1, 1 / 3, 1e-5, 1e-13, 1 - 1e-14, 2**-30)
MADE = [
    *(cl.f_beta(b) for b in (*AWKWARD, 2, 1e6, 1.5e22, 123456789)),
    *(make(pi) for make in (cl.precision_at_prevalence, cl.npv_at_prevalence) for pi in (0, 1, *AWKWARD)),
    *(cl.net_benefit(t) for t in (0, *AWKWARD)),
    *(cost_per_row(fp=fp, fn=fn) for fp, fn in ((1, 25), (0, 1), (0.1, 1 / 3), (1e-7, 1e9), (2.5, 0))),
    *(
        cl.partial_auc(low, high, of=of, standardized=standardized)
        for low, high in ((0, 0.1), (1e-5, 1 / 3), (0.8, 1))
        for of in ("fpr", "recall")
        for standardized in (True, False)
    ),
    *(cl.at_top(m, k) for m in (cl.recall, cl.lift, cl.f_beta(0.5)) for k in (1, 100, 10**7, 0.5, *AWKWARD)),
    cl.at_top(cl.precision_at_prevalence(0.01), 0.1),
    *(cl.best(m) for m in (cl.f1, cl.f_beta(1 / 3), cl.net_benefit(0.2), cl.mcc, cost_per_row(fp=1, fn=5))),
    cl.macro(cl.at_top(cl.recall, 0.1)),
    cl.micro(cl.at_top(cl.precision, 10)),
    cl.weighted(cl.partial_auc(0, 0.1)),
    cl.macro(cl.best(cl.f1)),
    cl.macro(cl.net_benefit(0.2)),
]


@pytest.mark.parametrize("metric", MADE, ids=lambda m: m.name)
def test_a_name_says_all_that_its_metric_is_made_of(metric):
    again = find(metric.name)
    assert again.to_dict() == metric.to_dict()
    assert pickle.loads(pickle.dumps(metric)).name == metric.name
    assert find(metric.name.upper().replace("_", " ")).name == metric.name
    y, p, _ = draw(7, 0)
    if "binary" in metric.tasks:
        s = scores(y, p)
        assert again.value(s, at=0.5) == pytest.approx(metric.value(s, at=0.5), rel=0, abs=0, nan_ok=True)
    if metric.of_counts and metric.range[0] <= 0.25 <= metric.range[1]:
        assert cl.Constraint.parse(str(metric >= 0.25)).metric.name == metric.name


def test_names_are_told_apart():
    names = [m.name for m in MADE]
    assert len(set(names)) == len(names)
    assert cl.at_top(cl.recall, 100).name == "recall_at_top_100"  # rows
    assert cl.at_top(cl.recall, 0.1).name == "recall_at_top_0.1"  # a share
    assert cl.at_top(cl.recall, 1).name == "recall_at_top_1"  # one row, not all of them


SPELLINGS = {
    "accuracy": "accuracy_score acc binary_accuracy",
    "balanced_accuracy": "balanced_accuracy_score bal_accuracy Balanced-Accuracy",
    "precision": "precision_score ppv Pos-Pred-Value prec",
    "recall": "recall_score sensitivity sensitivity_score sens tpr rec hit-rate",
    "specificity": "specificity_score spec tnr",
    "npv": "Neg-Pred-Value NPV",
    "fpr": "1-specificity fallout fall-out false-alarm-rate",
    "fnr": "1-sensitivity miss-rate",
    "f1": "f1_score F1 f_meas dice F-score",
    "mcc": "matthews_corrcoef phi",
    "flagged_rate": "detection_prevalence Detection-Prevalence",
    "prevalence": "Prevalence base-rate",
    "error_rate": "zero_one_loss 1-accuracy classification_error",
    "fdr": "1-ppv false-discovery-rate false-alarm-ratio",
    "false_omission_rate": "1-npv FOR",
    "jaccard": "jaccard_score csi threat-score critical-success-index iou",
    "cohen_kappa": "cohen_kappa_score kap Kappa",
    "informedness": "youden j_index Youden-J bookmaker-informedness",
    "fowlkes_mallows": "fowlkes_mallows_score",
    "g_mean": "geometric_mean_score G-mean gmean",
    "positive_likelihood_ratio": "LR+ lr_plus plr",
    "negative_likelihood_ratio": "LR- lr_minus nlr",
    "diagnostic_odds_ratio": "DOR odds-ratio",
    "roc_auc": "roc_auc_score auc AUROC c-statistic",
    "average_precision": "average_precision_score pr_auc AP",
    "gini": "gain_capture accuracy-ratio",
    "ks": "ks_stat KS-statistic Kolmogorov-Smirnov",
    "h_measure": "H hmeasure H-measure",
    "log_loss": "mn_log_loss logloss cross-entropy binary_crossentropy",
    "brier": "brier_score_loss Brier-score",
    "log_loss_skill": "d2_log_loss_score",
    "brier_skill": "d2_brier_score BSS",
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_the_words_of_other_libraries_are_understood(name):
    for spelling in SPELLINGS[name].split():
        assert find(spelling) is METRICS[name], spelling
        assert find(spelling.replace("-", " ") if spelling != "LR-" else spelling) is METRICS[name], spelling


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("jacard", "'jaccard'"),
        ("recal_at_top_10", "'recall'"),
        ("best_f1_at", "one of"),
        ("partial_auc_fpr", "one of"),
        ("cost_fp1", "one of"),
        ("recall_at_top_0.", "one of"),
        ("net_benefit_", "one of"),
    ],
)
def test_unknown_names_stay_unknown(name, says):
    with pytest.raises(UnknownName) as caught:
        find(name)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("precision_at_prevalence_2", "a share from 0 to 1"),
        ("net_benefit_1", "below 1"),
        ("partial_auc_fpr_0.5_0.2", "low < high"),
        ("recall_at_top_0", "whole number"),
        ("roc_auc_at_top_10", "metric of counts"),
        ("best_prevalence", "better end"),
        ("cost_fp0_fn0", "costs something"),
        ("f0", "above 0"),
    ],
)
def test_names_with_impossible_parts_say_what_is_wrong(name, says):
    with pytest.raises(InputError, match="came") as caught:
        find(name)
    assert says in str(caught.value)


# --- golden cases: the keys that no other file asserts --------------------------------------------------------------


def case_scores(case, kind="rank", weight=None):
    inputs, data = case["inputs"], case["data"]
    positive = case["params"].get("positive", inputs.get("positive", "Poor" if "asah" in case["name"] else 1))
    return cl.Scores(
        y_true=data[inputs["truth"]],
        y_score=data[inputs.get("score") or inputs["p"]],
        positive=positive,
        kind=kind,
        weight=weight,
    )


THIRD_PARTY = [
    "hmeasure_asah_s100b",
    "best_threshold_asah_ndka_w5_0.2",
    "best_threshold_asah_s100b_w1_0.5",
    "net_benefit_cancerpredmarker_raw",
]


@pytest.mark.parametrize("name", ["hmeasure_imbalanced_a", "hmeasure_asah_s100b"])
def test_minimum_weighted_loss(name):
    case = golden.case(name)
    s = case_scores(case)
    pi = s.n_pos / s.n
    # Costs in the inverse ratio of the classes: the least loss is that of the best informedness.
    weighted = 2 * pi * (1 - pi) * (1 - cl.best(cl.informedness)(s))
    assert cl.best(cost_per_row(fp=2 * pi, fn=2 * (1 - pi)))(s) == pytest.approx(weighted, rel=1e-12)
    golden.compare(case, {"MWL": weighted, "ER": cl.error_rate(s, at=math.nextafter(0.5, 1))})


def test_skill_of_rare_positives():
    case = golden.case("average_precision_imbalanced_a")
    s = case_scores(case, "probability")
    got = {
        "d2_log_loss": cl.log_loss_skill(s),
        "brier_skill_vs_prevalence": cl.brier_skill(s),
        "prevalence": cl.prevalence(s, at=0.5),
    }
    golden.compare(case, got)


@pytest.mark.parametrize("name", ["confusion_binary_prevalence_1", "confusion_binary_strings_1"])
def test_accuracy_of_the_largest_class(name):
    case = golden.case(name)
    matrix = np.array(case["inputs"]["matrix_rows_predicted_cols_truth"]).T
    largest = matrix.sum(axis=1).argmax()
    always = np.zeros_like(matrix)
    always[:, largest] = matrix.sum(axis=1)
    golden.compare(case, {"AccuracyNull": cl.accuracy(always), "Kappa": cl.cohen_kappa(matrix)})


@pytest.mark.parametrize("name", ["best_threshold_asah_ndka_w5_0.2", "best_threshold_asah_s100b_w1_0.5"])
def test_best_threshold_at_other_costs_and_prevalence(name):
    case = golden.case(name)
    plain, pi = case_scores(case), case["params"]["prevalence"]
    # Weights make the prevalence; the best threshold is that of the least cost.
    weight = np.where(plain.is_positive, pi / plain.n_pos, (1 - pi) / (plain.n - plain.n_pos))
    s = plain.with_weight(weight)
    cost = cost_per_row(fp=1, fn=case["params"]["relative_cost_fn_over_fp"])
    table = ThresholdTable.from_scores(s)
    at = float(table.thresholds[int(np.argmin(cost.value(table)))])
    assert cost(s, at=at) == pytest.approx(cl.best(cost)(s), rel=1e-12)
    names = ("sensitivity", "specificity", "ppv", "npv", "accuracy")
    got = {each: find(each)(plain, at=at) for each in names}  # pROC's ppv, npv and accuracy are those of the rows
    golden.compare(case, {"youden": [got]})
    expected = case["expected"]["youden"][0]["threshold"]  # half way to the next lower score
    lower = plain.score[plain.score < at].max()
    assert expected == pytest.approx((at + lower) / 2, rel=1e-12)


def test_net_benefit_of_a_marker():
    case = golden.case("net_benefit_cancerpredmarker_raw")
    s = case_scores({**case, "params": {"positive": "TRUE"}}, "probability")
    rows = [row for row in case["expected"]["rows"] if row["model"] == "cancerpredmarker"]
    assert len(rows) == 6
    allowed = case["tolerance"]["abs"]
    for row in rows:
        t = row["threshold"]
        assert cl.net_benefit(t)(s, at=t) == pytest.approx(row["net_benefit"], abs=allowed)
        assert cl.flagged_rate(s, at=t) == pytest.approx(row["test_pos_rate"], abs=allowed)
