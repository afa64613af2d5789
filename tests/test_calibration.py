from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize

import cutline as cl
from cutline.calibration import (
    Beta,
    Identity,
    Isotonic,
    Logistic,
    Temperature,
    calibration_from_dict,
    calibrator_from_dict,
    features_of,
    reliability,
)
from cutline.errors import InputError, LabelError, ScoreError, UnknownName
from cutline.evidence import wilson

BINARY = [Identity, Logistic, Beta, Isotonic]


def logit(p):
    return np.log(p / (1 - p))


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def drawn(n, seed=0, bend=lambda p: p, a=2.0, b=3.0):
    """Truth drawn from p; the model says bend(p)."""
    rng = np.random.default_rng(seed)
    p = rng.beta(a, b, n)
    return cl.Scores(y_true=rng.uniform(size=n) < p, y_score=bend(p), kind="probability"), p


def several(n, seed=0, sharpen=1.0, k=4):
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.ones(k), n)
    y = (rng.uniform(size=n)[:, None] > p.cumsum(axis=1)).sum(axis=1).clip(0, k - 1)
    q = p**sharpen
    return cl.Scores(y_true=y, y_score=q / q.sum(axis=1, keepdims=True), classes=range(k), kind="probability")


BENDS = {
    "over-confident": lambda p: sigmoid(2.5 * logit(p)),
    "under-confident": lambda p: sigmoid(0.4 * logit(p)),
    "shifted": lambda p: sigmoid(logit(p) + 1.5),
    "one-sided": lambda p: p**3,
}


def test_calibrated_scores_are_left_alone_most_of_the_time():
    chosen = [cl.calibrate(drawn(1500, seed)[0], seed=seed).calibrator.name for seed in range(20)]
    assert chosen.count("identity") >= 18
    assert [cl.calibrate(several(400, seed)).calibrator.name for seed in range(10)].count("identity") >= 8


@pytest.mark.parametrize("bend", BENDS)
@pytest.mark.parametrize("kind", ["probability", "logit", "rank"])
def test_miscalibrated_scores_are_mended(bend, kind):
    s, _ = drawn(3000, 1, BENDS[bend])
    fresh, truth = drawn(3000, 2, BENDS[bend])
    if kind != "probability":
        s, fresh = (x.with_score(logit(x.score), kind) for x in (s, fresh))
    found = cl.calibrate(s)
    assert found.calibrator.name != "identity"
    mended = found.apply(fresh)
    assert mended.kind == "probability"
    best = float(-(truth * np.log(truth) + (1 - truth) * np.log(1 - truth)).mean())  # the entropy: no loss is below
    assert cl.log_loss(mended) < best + 0.03
    if kind == "probability":
        assert cl.log_loss(mended) < cl.log_loss(fresh) - 0.01
    assert abs(cl.prediction_bias(mended)) < 0.03
    assert np.abs(mended.score - truth).mean() < 0.03


def test_several_classes_are_mended_by_a_temperature():
    found = cl.calibrate(several(2000, sharpen=3.0))
    assert found.calibrator.name == "temperature"
    assert found.calibrator.temperature == pytest.approx(3.0, rel=0.12)
    mended = found.apply(several(2000, 1, sharpen=3.0))
    np.testing.assert_allclose(mended.score.sum(axis=1), 1, atol=1e-12)
    assert cl.log_loss(mended) < cl.log_loss(several(2000, 1, sharpen=3.0)) - 0.1


QUERIES = np.concatenate([[0.0, 5e-324, 1e-300, 1e-17], np.linspace(0.001, 0.999, 201), [1 - 2**-53, 1.0]])


def fitted():
    s, _ = drawn(600, 3, BENDS["one-sided"])
    hard, _ = drawn(300, 4, lambda p: (p > 0.5) * 1.0)  # 0 and 1 only
    split, _ = drawn(60, 5)
    split = split.with_score(np.where(split.is_positive, 0.9, 0.1), "probability")  # the classes separate perfectly
    turned = s.with_score(1 - s.score, "probability")  # the wrong way round
    constant = s.with_score(np.full(s.n, 0.3), "probability")
    for name, data in (("bent", s), ("hard", hard), ("split", split), ("turned", turned), ("constant", constant)):
        for kind in BINARY:
            yield pytest.param(kind.fit(data), id=f"{kind.name}-{name}")


@pytest.mark.parametrize("calibrator", list(fitted()))
def test_binary_calibrators_are_monotone_maps_into_0_1_and_survive_json(calibrator):
    out = calibrator(QUERIES)
    assert out.shape == QUERIES.shape
    assert out.dtype == np.float64
    assert ((out >= 0) & (out <= 1)).all()
    assert (np.diff(out) >= -1e-15).all()
    assert np.isfinite(out).all()
    again = calibrator_from_dict(json.loads(json.dumps(calibrator.to_dict(), allow_nan=False)))
    assert type(again) is type(calibrator)
    np.testing.assert_array_equal(again(QUERIES), out)


def test_temperature_survives_json_and_keeps_every_probability_above_0():
    fit = Temperature.fit(several(200, sharpen=2.0))
    q = np.array([[1.0, 0, 0, 0], [0.25] * 4, [0, 0, 1e-300, 1]])
    out = fit(q)
    assert (out > 0).all()
    np.testing.assert_allclose(out.sum(axis=1), 1, atol=1e-12)
    assert out[1] == pytest.approx([0.25] * 4)
    np.testing.assert_array_equal(calibrator_from_dict(json.loads(json.dumps(fit.to_dict())))(q), out)


def unclipped(calibrator):
    """Isotonic without its distance from 0 and 1, which depends on the number of rows on purpose."""
    if not isinstance(calibrator, Isotonic):
        return calibrator
    y = np.where(
        calibrator.y == calibrator.y.min(), 0.0, np.where(calibrator.y == calibrator.y.max(), 1.0, calibrator.y)
    )
    return replace(calibrator, y=y)


@pytest.mark.parametrize("kind", [Logistic, Beta, Isotonic])
@pytest.mark.parametrize("score", ["probability", "rank"])
def test_an_integer_weight_is_repetition(kind, score):
    if kind is Beta and score == "rank":
        pytest.skip("beta takes probabilities")
    s, _ = drawn(400, 6, BENDS["shifted"])
    times = np.random.default_rng(0).integers(1, 5, s.n)
    ends = (s.score == s.score.min()) | (s.score == s.score.max())
    s = s._with(truth=np.where(ends, s.score == s.score.max(), s.truth).astype(np.int32))  # isotonic reaches 0 and 1
    s = s.with_score(s.score, score)
    one, other = kind.fit(s.with_weight(times)), kind.fit(s.take(np.repeat(np.arange(s.n), times)))
    np.testing.assert_allclose(unclipped(one)(QUERIES), unclipped(other)(QUERIES), atol=1e-6)


def test_logistic_is_the_maximum_likelihood_of_smoothed_targets():
    s, _ = drawn(300, 7, BENDS["shifted"])
    n1, n0 = s.n_pos, s.n - s.n_pos
    target = np.where(s.is_positive, (n1 + 1) / (n1 + 2), 1 / (n0 + 2))
    z = logit(s.score)

    def loss(t):
        return (np.logaddexp(0, t[0] * z + t[1]) - target * (t[0] * z + t[1])).mean()

    best = minimize(loss, [1.0, 0.0], tol=1e-12).x
    fit = Logistic.fit(s)
    assert (fit.slope, fit.intercept) == pytest.approx(best, abs=2e-5)


def test_beta_is_the_constrained_maximum_likelihood():
    for bend in (BENDS["one-sided"], lambda p: 0.5 + 0.4 * (p - 0.5) ** 3, lambda p: 1 - p):
        s, _ = drawn(400, 8, bend)
        x, y = np.column_stack([np.log(s.score), -np.log1p(-s.score), np.ones(s.n)]), s.is_positive * 1.0

        def loss(t, x=x, y=y):
            return (np.logaddexp(0, x @ t) - y * (x @ t)).mean()

        best = min(
            (minimize(loss, start, bounds=[(0, None), (0, None), (None, None)], tol=1e-12) for start in np.eye(3)),
            key=lambda r: r.fun,
        )
        fit = Beta.fit(s)
        assert min(fit.a, fit.b) >= 0
        assert loss(np.array([fit.a, fit.b, fit.c])) <= best.fun + 1e-7


def test_isotonic_is_pool_adjacent_violators():
    s = cl.Scores(
        y_true=[0, 1, 0, 0, 1, 1, 0, 1],
        y_score=[0.1, 0.2, 0.3, 0.3, 0.5, 0.6, 0.7, 0.8],
        kind="probability",
    )
    fit = Isotonic.fit(s)  # blocks: 0 | 1 0 0 | 1 1 0 | 1, and 0 and 1 kept 1/10 inside
    assert fit(np.array([0.1, 0.2, 0.3, 0.5, 0.6, 0.7, 0.8])) == pytest.approx([0.1, *[1 / 3] * 2, *[2 / 3] * 3, 0.9])
    assert fit(np.array([0.4, 0.0, 1.0])) == pytest.approx([0.5, 0.1, 0.9])
    assert len(fit.x) == 6  # the knot inside the flat stretch carries nothing


def test_the_choice_is_reported_seeded_and_honest():
    s, _ = drawn(800, 9, BENDS["over-confident"])
    found, again, other = cl.calibrate(s, seed=1), cl.calibrate(s, seed=1), cl.calibrate(s, seed=2)
    assert found.to_dict() == again.to_dict()
    assert found.candidates != other.candidates
    assert [c.name for c in found.candidates] == ["identity", "logistic", "beta", "isotonic"]
    best = min(found.candidates, key=lambda c: c.log_loss)
    chosen = next(c for c in found.candidates if c.name == found.calibrator.name)
    assert chosen.log_loss <= best.log_loss + chosen.difference_error
    simpler = [c for c in found.candidates if c.parameters < chosen.parameters]
    assert all(c.log_loss - best.log_loss > c.difference_error for c in simpler)
    crossed = found.cross_fitted
    assert crossed.kind == "probability"
    assert cl.log_loss(crossed) == pytest.approx(chosen.log_loss)
    assert crossed.truth.tolist() == s.truth.tolist()
    inside = cl.log_loss(found.apply(s))
    assert inside < cl.log_loss(crossed)  # the fit on all rows flatters itself
    calibrator, classes, kind = calibration_from_dict(json.loads(json.dumps(found.to_dict())))
    np.testing.assert_array_equal(calibrator(features_of(s)), found.apply(s).score)
    assert (classes, kind) == (s.classes, "probability")
    assert found.calibrator.name in repr(found)


def test_groups_stay_together_and_rows_without_truth_are_left_out():
    s, _ = drawn(400, 10, BENDS["shifted"])
    y = s.classes.decode(s.truth).astype(object)
    y[:50] = None
    s = cl.Scores(y_true=y, y_score=s.score, groups=np.arange(400) // 5, kind="probability")
    found = cl.calibrate(s)
    assert found.cross_fitted.n == 350
    assert found.apply(s).n == 400


def test_isotonic_waits_for_enough_rows():
    assert "isotonic" not in [c.name for c in cl.calibrate(drawn(300, 11)[0]).candidates]
    assert [c.name for c in cl.calibrate(drawn(300, 11)[0], method="isotonic").candidates] == ["isotonic"]
    ranked = drawn(1000, 11)[0]
    assert [c.name for c in cl.calibrate(ranked.with_score(ranked.score * 9, "rank")).candidates] == [
        "logistic",
        "isotonic",
    ]


def one_class():
    return cl.Scores(y_true=[0] * 9, y_score=np.linspace(0, 1, 9), classes=[0, 1], kind="probability")


@pytest.mark.parametrize(
    ("call", "kind", "says"),
    [
        (lambda: cl.calibrate(cl.Scores(y_true=[0, 1], y_score=[0, 1], kind="label")), ScoreError, "predicted labels"),
        (lambda: cl.calibrate(one_class()), LabelError, "rows of both classes"),
        (lambda: cl.calibrate(drawn(200)[0], method="isotonik"), UnknownName, "'isotonic'"),
        (lambda: cl.calibrate(drawn(200)[0], method="temperature"), UnknownName, "logistic"),
        (lambda: cl.calibrate(several(90).with_score(np.ones((90, 4)), "rank")), ScoreError, "several classes"),
        (lambda: cl.calibrate(cl.Scores(y_score=[0.1], classes=[0, 1])), LabelError, "no truth"),
        (lambda: cl.calibrate(drawn(200)[0]).apply(several(9)), LabelError, "as the calibrator was fitted on"),
        (
            lambda: cl.calibrate(drawn(200)[0]).apply(drawn(9)[0].with_score(np.arange(9.0), "rank")),
            ScoreError,
            "kind 'rank'",
        ),
        (lambda: calibrator_from_dict({"name": "platt"}), InputError, "'logistic'"),
        (lambda: calibrator_from_dict({"name": "beta", "a": 1}), InputError, "those of 'beta'"),
        (lambda: calibrator_from_dict({"name": "beta", "a": "1", "b": None, "c": 0}), InputError, "calibrator"),
        (lambda: calibrator_from_dict({"name": "isotonic", "x": [0, 1], "y": [0.5]}), InputError, "calibrator"),
        (lambda: calibration_from_dict({}), InputError, "incomplete"),
    ],
)
def test_what_cannot_be_calibrated(call, kind, says):
    with pytest.raises(kind) as caught:
        call()
    assert says in str(caught.value)


def test_rank_scores_of_any_scale_give_the_same_probabilities():
    s, _ = drawn(500, 12)
    plain = cl.calibrate(s.with_score(s.score, "rank"), method="logistic").cross_fitted.score
    for scale in (1e-9, 1e9):
        scaled = cl.calibrate(s.with_score(s.score * scale, "rank"), method="logistic").cross_fitted.score
        np.testing.assert_allclose(scaled, plain, atol=1e-6)


def test_reliability_bins():
    s, _ = drawn(1000, 13)
    for bins in (reliability(s), reliability(s.with_weight(np.ones(1000)))):
        assert len(bins) == 15
        assert sum(b.n for b in bins) == 1000
        assert sum(b.positives for b in bins) == s.n_pos
        assert max(b.n for b in bins) - min(b.n for b in bins) <= 1
        assert [b.mean for b in bins] == sorted(b.mean for b in bins)
        for b in bins:
            assert (b.low, b.high) == pytest.approx(wilson(b.positives, b.n))
            assert b.low <= b.rate <= b.high
    tied = s.with_score(np.round(s.score, 1), "probability")
    whole = reliability(tied)
    n = np.unique(tied.score, return_counts=True)[1]
    assert sum(b.n for b in whole) == 1000
    assert all(
        any(np.isclose(sum(n[i:j]), b.n) for i in range(len(n)) for j in range(i + 1, len(n) + 1)) for b in whole
    )
    one = reliability(s.with_score(np.full(1000, 0.4), "probability"))
    assert [(b.n, b.mean) for b in one] == [(1000, pytest.approx(0.4))]
    doubled = reliability(s.with_weight(np.full(1000, 2.0)))
    assert [(b.mean, b.rate, b.low) for b in doubled] == [
        (pytest.approx(b.mean), pytest.approx(b.rate), pytest.approx(b.low)) for b in reliability(s)
    ]
