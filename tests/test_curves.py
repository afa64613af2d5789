from __future__ import annotations

import itertools
import json
import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

import cutline as cl
from cutline.errors import InputError, LabelError, ScoreError, ShapeError
from cutline.metrics import curves
from cutline.metrics.selective import selective
from tests import golden

EXAMPLES = settings(max_examples=150, deadline=None, derandomize=True, database=None)
THIRD_PARTY = ["net_benefit_cancerpredmarker_raw"]
"""Cases on data that the repository may not carry."""


def scores(y, p, w=None, kind="probability"):
    return cl.Scores(y_true=y, y_score=p, weight=w, classes=[0, 1], kind=kind)


def table(y, p, w=None, kind="probability"):
    return cl.ThresholdTable.from_scores(scores(y, p, w, kind))


def drawn(seed, n=300, grid=40, weighted=True):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    p = np.clip(np.round((rng.random(n) + 0.3 * y) / 1.3 * grid) / grid, 0, 1)
    return y, p, rng.random(n) * 3 + 0.01 if weighted else None


SAMPLES = [drawn(1), drawn(2, weighted=False), drawn(3, grid=3), drawn(11, n=6), drawn(5, grid=10**9, weighted=False)]
SAMPLES += [
    (np.array([0, 1]), np.array([0.5, 0.5]), None),
    (np.array([1, 0]), np.array([0.1, 0.7]), np.array([2.0, 0.5])),
]


@pytest.mark.parametrize("data", SAMPLES)
def test_roc_equals_scikit_learn(data):
    y, p, w = data
    fpr, tpr, at = sk.roc_curve(y, p, sample_weight=w, drop_intermediate=False)
    ours = curves.roc(table(y, p, w))
    np.testing.assert_allclose(ours.x, fpr, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(ours.y, tpr, rtol=1e-12, atol=1e-13)
    np.testing.assert_array_equal(ours.thresholds, at)
    assert ours.area == pytest.approx(sk.roc_auc_score(y, p, sample_weight=w), rel=1e-12)
    assert ours.area == pytest.approx(np.trapezoid(ours.y, ours.x), rel=1e-12)
    np.testing.assert_array_equal(ours.lines["chance"], ours.x)


@pytest.mark.parametrize("data", SAMPLES)
def test_precision_recall_equals_scikit_learn_but_for_nobody_flagged(data):
    y, p, w = data
    precision, recall, at = sk.precision_recall_curve(y, p, sample_weight=w)
    ours = curves.precision_recall(table(y, p, w))
    np.testing.assert_allclose(ours.x, recall[::-1], rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(ours.y[1:], precision[::-1][1:], rtol=1e-12, atol=1e-13)
    np.testing.assert_array_equal(ours.thresholds[1:], at[::-1])
    assert (precision[-1], ours.x[0]) == (1, 0)
    assert math.isnan(ours.y[0])
    assert ours.area == pytest.approx(sk.average_precision_score(y, p, sample_weight=w), rel=1e-12)
    assert ours.lines["chance"][0] == pytest.approx(np.average(y, weights=w))


@pytest.mark.parametrize("data", SAMPLES)
def test_det_equals_scikit_learn(data):
    y, p, w = data
    fpr, fnr, at = sk.det_curve(y, p, sample_weight=w, drop_intermediate=False)
    ours = curves.det(table(y, p, w))
    points = {t: (a, b) for t, a, b in zip(ours.thresholds, ours.x, ours.y, strict=True)}
    # scikit-learn leaves out the ends, where one of the rates stays 0.
    for t, a, b in zip(at, fpr, fnr, strict=True):
        np.testing.assert_allclose(points[t], (a, b), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(ours.x + ours.lines["chance"], 1)


def test_det_over_normal_quantiles_is_a_line_for_normal_scores():
    from scipy.special import ndtri
    from scipy.stats import norm

    at = np.linspace(-2, 3, 11)
    n = 10**12  # as good as the distributions themselves
    tp, fp = (np.concatenate([[0], np.round(n * norm.sf(at[::-1], m)), [n]]).astype(np.int64) for m in (1, 0))
    curve = curves.det(cl.ThresholdTable(np.concatenate([[np.inf], at[::-1], [-9.0]]), tp, fp), probit=True)
    np.testing.assert_allclose(curve.x[1:-1] + curve.y[1:-1], -1, atol=1e-6)
    np.testing.assert_allclose(curve.x[1:-1] + curve.lines["chance"][1:-1], 0, atol=1e-9)
    assert (curve.x[0], curve.y[0], curve.x[-1], curve.y[-1]) == (-np.inf, np.inf, np.inf, -np.inf)
    assert curve.y[3] == ndtri(1 - tp[3] / n)
    assert curve.x_label == "False positive rate (probit)"


def naive_counts(y, p, w, t):
    w = np.ones(len(y)) if w is None else w
    flagged = p >= t
    return [
        float(w[flagged == f][y[flagged == f] == c].sum()) for f, c in ((True, 1), (True, 0), (False, 1), (False, 0))
    ]


@pytest.mark.parametrize("data", SAMPLES)
def test_gain_lift_and_cost_point_by_point(data):
    y, p, w = data
    t = table(y, p, w)
    made = (
        curves.gain(t),
        curves.lift(t),
        curves.cost(t, fp=2, fn=7.5, against="flagged_rate"),
        curves.cost(t, fp=1, fn=0),
    )
    for i, at in enumerate(t.thresholds):
        tp, fp, fn, tn = naive_counts(y, p, w, at)
        n, share = tp + fp + fn + tn, (tp + fp) / (tp + fp + fn + tn)
        prevalence = (tp + fn) / n
        lift = tp / (tp + fp) / prevalence if tp + fp else math.nan
        expected = [(share, tp / (tp + fn)), (share, lift), (share, (2 * fp + 7.5 * fn) / n), (at, fp / n)]
        for curve, (x, value) in zip(made, expected, strict=True):
            assert (curve.x[i], curve.y[i]) == pytest.approx((x, value), rel=1e-12, abs=1e-13, nan_ok=True), curve
            assert curve.thresholds[i] == at
        best = min(1, share / prevalence)
        assert made[0].lines["perfect"][i] == pytest.approx(best)
        assert made[1].lines["perfect"][i] == pytest.approx(best / share if share else math.nan, nan_ok=True)
        assert made[2].lines["flag_nobody"][i] == pytest.approx(7.5 * prevalence)
        assert made[2].lines["flag_everybody"][i] == pytest.approx(2 * (1 - prevalence))


def test_costs_are_checked():
    t = table([0, 1], [0.2, 0.8])
    for wrong in (-1, math.inf, math.nan):
        with pytest.raises(InputError, match="a cost"):
            curves.cost(t, fp=wrong, fn=1)
    with pytest.raises(InputError, match="flagged_rate"):
        curves.cost(t, fp=1, fn=1, against="recall")


@pytest.mark.parametrize("data", SAMPLES)
def test_the_cost_envelope_is_the_lowest_of_all_thresholds(data):
    y, p, w = data
    t = table(y, p, w)
    roc, ours = curves.roc(t), curves.cost_envelope(t)
    x = np.linspace(0, 1, 501)
    lowest = ((1 - roc.y)[:, None] * x + roc.x[:, None] * (1 - x)).min(axis=0)
    np.testing.assert_allclose(np.interp(x, ours.x, ours.y), lowest, atol=1e-12)
    assert (np.diff(ours.x) >= 0).all()
    assert ours.area == pytest.approx(np.trapezoid(lowest, x), abs=1e-5)
    assert (ours.y <= ours.lines["trivial"] + 1e-12).all()
    for i in range(len(ours) - 1):  # its threshold is the best from one point to the next
        middle, row = (ours.x[i] + ours.x[i + 1]) / 2, t.index(ours.thresholds[i])
        here = (1 - roc.y) * middle + roc.x * (1 - middle)
        assert here[row] == pytest.approx(here.min(), abs=1e-12)


def test_one_class_has_no_rates():
    t = table([1, 1], [0.2, 0.8])
    roc = curves.roc(t)
    assert np.isnan(roc.x).all()
    assert math.isnan(roc.area)
    assert roc.to_dict()["area"] is None
    assert curves.precision_recall(t).area == 1
    assert math.isnan(curves.cost_envelope(t).area)
    none = table([0, 0], [0.2, 0.8])
    assert np.isnan(curves.precision_recall(none).x).all()
    assert np.isnan(curves.lift(none).y).all()
    assert np.isnan(curves.gain(none).y).all()
    assert curves.net_benefit(none, at=[0.5]).y.tolist() == [-0.5]
    assert math.isnan(curves.net_benefit(none, at=[0.5], prevalence=0.2).y[0])


# Net benefit.


def test_net_benefit_golden():
    case = golden.case("net_benefit_cancerpredmarker_raw")
    inputs, at = case["inputs"], case["params"]["thresholds"]
    y, p = case["data"][inputs["truth"]], case["data"][inputs["p"]]
    s = cl.Scores(y_true=y, y_score=p, positive="TRUE", kind="probability")
    t = cl.ThresholdTable.from_scores(s)
    benefit, avoided = curves.net_benefit(t, at=at), curves.interventions_avoided(t, at=at)
    np.testing.assert_array_equal(curves.net_benefit(s, at=at).y, benefit.y)
    got = []
    for row in case["expected"]["rows"]:
        i, model = at.index(row["threshold"]), row["model"]
        cut = {"all": -np.inf, "none": np.inf}.get(model, at[i])
        c = t.counts(cut)
        lines = model if model == "cancerpredmarker" else f"treat_{model}"
        got.append(
            {
                "model": _same(row["model"], model),
                "threshold": benefit.thresholds[i],
                "test_pos_rate": cl.flagged_rate(c),
                "tp_rate": c.tp / c.total,
                "fp_rate": c.fp / c.total,
                "net_benefit": benefit.lines.get(lines, benefit.y)[i],
                "net_intervention_avoided": avoided.lines.get(lines, avoided.y)[i],
            }
        )
    assert {frozenset(row) for row in case["expected"]["rows"]} == {frozenset(row) for row in got}
    for row in got:
        row.pop("model")
    golden.compare(case, {"rows": got})


def _same(expected, got):
    assert expected == got
    return got


TENTHS = st.integers(0, 9).map(lambda k: k / 10)  # scores of the draw below


@EXAMPLES
@given(st.integers(0, 10**6), st.lists(st.one_of(st.floats(0, 0.99), TENTHS), min_size=1, max_size=5), st.booleans())
def test_net_benefit_from_its_definition(seed, at, weighted):
    y, p, w = drawn(seed, n=40, grid=10, weighted=weighted)
    curve, shifted = (curves.net_benefit(scores(y, p, w), at=at, prevalence=pi) for pi in (None, 0.15))
    for i, t in enumerate(at):
        tp, fp, fn, tn = naive_counts(y, p, w, t)
        n, odds = tp + fp + fn + tn, t / (1 - t)
        assert curve.y[i] == pytest.approx(tp / n - fp / n * odds, rel=1e-11, abs=1e-12)
        assert curve.lines["treat_all"][i] == pytest.approx((tp + fn) / n - (fp + tn) / n * odds, abs=1e-12)
        if tp + fn and fp + tn:
            expected = 0.15 * tp / (tp + fn) - 0.85 * odds * fp / (fp + tn)
            assert shifted.y[i] == pytest.approx(expected, rel=1e-11, abs=1e-12)
    own = curves.net_benefit(scores(y, p, w), at=at, prevalence=float(np.average(y, weights=w)))
    np.testing.assert_allclose(own.y, curve.y, atol=1e-11)


def test_net_benefit_demands_probabilities():
    y, p, _ = drawn(9)
    z = np.log((p + 0.01) / (1.01 - p))
    logit = curves.net_benefit(scores(y, z, kind="logit"))
    np.testing.assert_array_equal(logit.y, curves.net_benefit(scores(y, 1 / (1 + np.exp(-z)))).y)
    assert len(logit) == 99
    assert logit.x[69] == 0.7
    with pytest.raises(ScoreError, match="rank"):
        curves.net_benefit(scores(y, p, kind="rank"))
    for bad in (z, p + 0.5, p - 0.5):
        with pytest.raises(ScoreError, match="probabilities"):
            curves.net_benefit(table(y, bad, kind="rank"))
    for at in (1, -0.1, [0.5, math.nan], [[0.5]]):
        with pytest.raises(InputError, match="threshold prob"):
            curves.net_benefit(scores(y, p), at=at)
    with pytest.raises(InputError, match="prevalence"):
        curves.net_benefit(scores(y, p), prevalence=1.5)
    assert curves.net_benefit(scores(y, p), at=0.0).y[0] == pytest.approx(y.mean())
    assert math.isnan(curves.interventions_avoided(scores(y, p), at=0.0).y[0])


# Selective prediction.


def test_selective_golden():
    case = golden.case("selective_risk_coverage_a")
    inputs, data = case["inputs"], case["data"]
    rows = np.array(inputs["rows"])
    p = np.column_stack([data[name] for name in inputs["probs"]])[rows]
    p = p / p.sum(axis=1, keepdims=True)
    y = data[inputs["truth"]][rows].astype(int)
    found = selective(cl.Scores(y_true=y, y_score=p, classes=list(range(10)), kind="probability"))
    risks = case["expected"]["selective_risk_at_coverage"]
    got = {
        "aurc_trapezoid_normalised": found.aurc(trapezoid=True),
        "augrc_trapezoid_normalised": found.augrc(trapezoid=True),
        "CovAt5Risk": found.coverage_at(0.05),
        "RiskAt80Cov": found.risk_at(0.8),
        "aurc_mean_of_selective_risks": found.aurc(),
        "selective_risk_at_coverage": {share: found.risk_at(float(share)) for share in risks},
    }
    assert set(got) == set(case["expected"])
    golden.compare(case, got)


def of(wrong, sure, w=None):
    """A binary problem whose errors and confidences are the given ones."""
    wrong, sure = np.asarray(wrong, bool), np.asarray(sure, float)
    return selective(scores(wrong.astype(int), np.zeros(len(sure)), w), confidence=sure)


BLOCKS = st.lists(st.tuples(st.booleans(), st.integers(0, 3)), min_size=1, max_size=6)


@settings(EXAMPLES, max_examples=60)
@given(BLOCKS)
def test_tied_confidences_are_the_mean_of_all_their_orders(rows):
    wrong, sure = (np.array(column) for column in zip(*rows, strict=True))
    n, found = len(rows), of(wrong, sure)
    orders = [o for o in itertools.permutations(range(n)) if (np.diff(sure[list(o)]) <= 0).all()]
    errors = np.array([np.cumsum(wrong[list(o)]) for o in orders]).mean(axis=0)
    k = np.arange(1, n + 1)
    risk = errors / k
    assert found.aurc() == pytest.approx(risk.mean(), abs=1e-13)
    late = np.cumsum(np.sort(wrong)) / k
    assert found.excess_aurc() == pytest.approx(risk.mean() - late.mean(), abs=1e-13)
    assert found.augrc() == pytest.approx(np.trapezoid([0, *errors / n], [0, *k / n]), abs=1e-13)
    if n > 1:
        assert found.aurc(trapezoid=True) == pytest.approx(np.trapezoid(risk) / (n - 1), abs=1e-13)
        assert found.augrc(trapezoid=True) == pytest.approx(np.trapezoid(errors / n) / (n - 1), abs=1e-13)
    else:
        assert math.isnan(found.aurc(trapezoid=True))
        assert math.isnan(found.augrc(trapezoid=True))
    if 0 < wrong.sum() < n:  # the identity of Traub et al. 2024
        r, auc = wrong.mean(), sk.roc_auc_score(~wrong, sure)
        assert found.augrc() == pytest.approx((1 - auc) * r * (1 - r) + r * r / 2, abs=1e-13)
    curve = found.curve()
    ends = np.append(np.flatnonzero(np.diff(np.sort(sure)[::-1])), n - 1)
    np.testing.assert_allclose(curve.x, [0, *k[ends] / n])
    np.testing.assert_allclose(curve.y, [np.nan, *risk[ends]], atol=1e-13)
    np.testing.assert_allclose(found.curve(generalized=True).y, [0, *errors[ends] / n], atol=1e-13)
    assert (curve.area, found.curve(generalized=True).area) == (found.aurc(), found.augrc())


@EXAMPLES
@given(BLOCKS, st.floats(0.01, 100))
def test_equal_weights_are_no_weights(rows, weight):
    wrong, sure = (np.array(column) for column in zip(*rows, strict=True))
    plain, heavy = of(wrong, sure), of(wrong, sure, np.full(len(rows), weight))
    assert heavy.to_dict() == pytest.approx(plain.to_dict(), abs=1e-9)
    np.testing.assert_allclose(heavy.curve().y, plain.curve().y, atol=1e-12)


def test_weighted_risks():
    found = of([0, 1, 0], [0.9, 0.5, 0.1], np.array([1.0, 2.0, 1.0]))
    np.testing.assert_allclose(found.curve().x, [0, 0.25, 0.75, 1])
    np.testing.assert_allclose(found.curve().y, [np.nan, 0, 2 / 3, 0.5])
    assert (found.risk_at(0.3), found.coverage_at(0.5), found.coverage_at(0.1)) == pytest.approx((2 / 3, 1, 0.25))
    # Under the line from (0, 0) over (0.25, 0) and (0.75, 0.5) to (1, 0.5).
    assert found.augrc() == pytest.approx(0.5 * 0.5 / 2 + 0.25 * 0.5)


def test_the_best_confidence_has_no_excess():
    found = of([0] * 90 + [1] * 10, -np.arange(100))
    assert found.excess_aurc() == 0
    np.testing.assert_allclose(found.curve().y, found.curve().lines["perfect"])
    np.testing.assert_allclose(
        found.curve(generalized=True).y, found.curve(generalized=True).lines["perfect"], atol=1e-15
    )
    assert found.coverage_at(0) == 0.9
    assert found.risk_at(0.9) == 0
    assert of([1, 1], [0.3, 0.2]).coverage_at(0.5) == 0
    none = of([0, 0], [0.3, 0.2])
    assert none.to_dict() == {"aurc": 0, "excess_aurc": 0, "augrc": 0, "risk": 0}


def test_confidence_is_the_probability_of_the_decision():
    p = np.array([0.9, 0.4, 0.55, 0.1])
    found = selective(scores([1, 1, 0, 0], p))
    assert found.table.thresholds.tolist() == [np.inf, 0.9, 0.6, 0.55]
    assert found.table.tp.tolist() == [0, 0, 1, 2]
    logits = selective(scores([1, 1, 0, 0], np.log(p / (1 - p)), kind="logit"))
    assert logits.table.tp.tolist() == [0, 0, 1, 2]
    strict = selective(scores([1, 1, 0, 0], p), at=0.6)
    assert (strict.table.n_pos, strict.table.thresholds[-1]) == (1, pytest.approx(0.45))
    assert repr(found) == "Selective(4 rows, 2 errors, AURC 0.2083)"
    turned = cl.Scores(y_true=["b", "b", "a", "a"], y_score=p, classes=["b", "a"], positive="b", kind="probability")
    assert selective(turned).table.tp.tolist() == [0, 0, 1, 2]


def test_several_classes_and_own_confidences():
    q = np.array([[0.7, 0.2, 0.1], [0.1, 0.5, 0.4], [0.3, 0.3, 0.4]])
    s = cl.Scores(y_true=[0, 2, 2], y_score=q, classes=[0, 1, 2], kind="probability")
    assert selective(s).table.tp.tolist() == [0, 0, 1, 1]
    assert selective(s, decision=[0, 2, 1]).table.tp.tolist() == [0, 0, 0, 1]
    assert selective(s, confidence=[1, 3, 2]).risk_at(0.3) == 1
    labels = cl.Scores(y_true=[0, 2, 2], y_score=[0, 1, 2], classes=[0, 1, 2], kind="label")
    assert selective(labels, confidence=[1, 3, 2]).table.n_pos == 1
    with pytest.raises(ScoreError):
        selective(labels)
    with pytest.raises(ScoreError, match="rank"):
        selective(cl.Scores(y_true=[0, 2, 2], y_score=q * 9, classes=[0, 1, 2], kind="rank"))
    with pytest.raises(ScoreError, match="one for each row"):
        selective(s, confidence=[1, 2])
    with pytest.raises(ShapeError, match="decision"):
        selective(s, decision=[0.0, 1.0, 2.0])
    with pytest.raises(LabelError, match="truth"):
        selective(cl.Scores(y_score=q, classes=[0, 1, 2], kind="probability"))
    some = cl.Scores(y_true=[0, None, 2], y_score=q, classes=[0, 1, 2], weight=[1, 1, 0], kind="probability")
    assert selective(some).table.n_neg == 1
    for wrong in (0, 1.1, math.nan):
        with pytest.raises(InputError, match="coverage"):
            selective(s).risk_at(wrong)
    with pytest.raises(InputError, match="risk"):
        selective(s).coverage_at(-0.1)


def test_areas_of_many_distinct_rows_keep_their_digits():
    rng = np.random.default_rng(0)
    n = 200_000
    wrong = rng.random(n) < 0.1
    found = of(wrong, -np.arange(n, dtype=float))
    assert found.aurc() == pytest.approx(math.fsum(np.cumsum(wrong) / np.arange(1, n + 1)) / n, rel=1e-12)


# The type.


def every(y, p, w=None):
    t = table(y, p, w)
    yield from (curves.roc(t), curves.precision_recall(t), curves.det(t), curves.det(t, probit=True), curves.gain(t))
    yield from (curves.lift(t), curves.cost(t, fp=1, fn=5), curves.cost_envelope(t), curves.net_benefit(t))
    yield from (curves.interventions_avoided(t), selective(scores(y, p, w)).curve())
    yield selective(scores(y, p, w)).curve(generalized=True)


@pytest.mark.parametrize("most", [2, 3, 17, 200, 10**6])
def test_thinning_leaves_points_out_and_changes_none(most):
    for curve in every(*drawn(6, n=2000, grid=700)):
        thin = curve.thinned(most, keep=(0.5, 0.25))
        assert 2 <= len(thin) <= min(len(curve), most + 4)
        rows = [np.flatnonzero(curve.thresholds == t) for t in thin.thresholds]
        for i, candidates in enumerate(rows):
            match = [r for r in candidates if _point(curve, r) == _point(thin, i)]
            assert match, curve
        assert _point(thin, 0) == _point(curve, 0)
        assert _point(thin, -1) == _point(curve, -1)
        assert (thin.area, thin.name) == (curve.area, curve.name)
        if curve.name != "cost_envelope" and 0.5 in curve.thresholds:
            assert 0.5 in thin.thresholds
        if most >= len(curve):
            assert len(thin) == len(curve)


def _point(curve, i):
    return str([curve.x[i], curve.y[i], curve.thresholds[i], *(line[i] for line in curve.lines.values())])


def test_thinning_follows_the_curve():
    y, p, _ = drawn(6, n=4000, grid=10**9, weighted=False)
    curve = curves.roc(table(y, p))
    thin = curve.thinned(100)
    assert len(thin) > 80
    assert (np.diff(thin.x) + np.diff(thin.y)).max() < 0.025  # 2 / 99, the length of both axes, and one row
    with pytest.raises(InputError, match="at least 2"):
        curve.thinned(1)


def test_curves_are_frozen_and_show_themselves():
    for curve in every(*drawn(7)):
        assert len(curve.x) == len(curve.y) == len(curve.thresholds) == len(curve)
        for values in (curve.x, curve.y, curve.thresholds, *curve.lines.values()):
            assert values.dtype == np.float64
            with pytest.raises(ValueError, match="read-only"):
                values[0] = 1
        with pytest.raises(AttributeError):
            curve.area = 1.0
        again = pickle.loads(pickle.dumps(curve))
        assert (again.to_dict(), repr(again)) == (curve.to_dict(), repr(curve))
        plain = json.loads(json.dumps(curve.to_dict(), allow_nan=False))
        assert plain["name"] == curve.name
        assert len(plain["x"]) == len(curve)
        assert [v for v in plain["y"] if v is not None] == curve.y[np.isfinite(curve.y)].tolist()
        assert repr(curve).startswith(f"Curve({curve.name}: ")
        assert len(repr(curve)) < 150
        frame = curve.to_frame()
        assert frame.num_rows == len(curve)
        assert frame.column_names[0] == "threshold"
        np.testing.assert_array_equal(frame["threshold"].to_numpy(), curve.thresholds)
        np.testing.assert_array_equal(frame[curves._column(curve.y_label)].to_numpy(), curve.y)
        for name, line in curve.lines.items():
            np.testing.assert_array_equal(frame[name].to_numpy(), line)
    assert curves.roc(table(*drawn(7))).to_frame().column_names == [
        "threshold",
        "false_positive_rate",
        "recall",
        "chance",
    ]
