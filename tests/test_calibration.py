from __future__ import annotations

import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from scipy.optimize import isotonic_regression, minimize

import cutline as cl
from cutline.calibration import (
    Beta,
    Identity,
    Isotonic,
    Logistic,
    Temperature,
    calibration_from_dict,
    calibrator_from_dict,
    reliability,
)
from cutline.calibration.calibrators import BINARY, SEVERAL
from cutline.calibration.isotonic import CentredIsotonic
from cutline.calibration.logistic import Quadratic
from cutline.calibration.scaling import MatrixScaling, VectorScaling
from cutline.calibration.sklearn_api import CutlineCalibrator
from cutline.calibration.venn_abers import VennAbers
from cutline.errors import InputError, LabelError, ScoreError, ShapeError, UnknownName
from cutline.evidence import wilson
from cutline.scores import softmax


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
    found = [cl.calibrate(drawn(1500, seed)[0], seed=seed) for seed in range(20)]
    assert [f.calibrator.name for f in found].count("identity") >= 14
    fresh, p = drawn(1500, 99)
    losses = [float(-(p * np.log(q) + (1 - p) * np.log(1 - q)).mean()) for q in (f.apply(fresh).score for f in found)]
    assert np.mean(losses) < -(p * np.log(p) + (1 - p) * np.log(1 - p)).mean() + 0.001  # what is done does no harm
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


@pytest.mark.parametrize("kind", SEVERAL)
def test_calibrators_of_several_classes_give_distributions_and_survive_json(kind):
    fit = kind.fit(several(200, sharpen=2.0))
    q = np.array([[1.0, 0, 0, 0], [0.25] * 4, [0, 0, 1e-300, 1], [0.1, 0.2, 0.3, 0.4]])
    out = fit(q)
    assert kind is Identity or (out > 0).all()
    np.testing.assert_allclose(out.sum(axis=1), 1, atol=1e-12)
    again = calibrator_from_dict(json.loads(json.dumps(fit.to_dict(), allow_nan=False)))
    np.testing.assert_array_equal(again(q), out)
    for row, one in zip(q, out, strict=True):  # the same bits, whatever rows come along
        np.testing.assert_array_equal(fit(row[None])[0], one)


def unclipped(calibrator):
    """Isotonic without its distance from 0 and 1, which depends on the number of rows on purpose."""
    if not isinstance(calibrator, Isotonic | CentredIsotonic):
        return calibrator
    y = np.where(
        calibrator.y == calibrator.y.min(), 0.0, np.where(calibrator.y == calibrator.y.max(), 1.0, calibrator.y)
    )
    return replace(calibrator, y=y)


@pytest.mark.parametrize("kind", [Logistic, Beta, Isotonic, CentredIsotonic])
@pytest.mark.parametrize("score", ["probability", "rank"])
def test_an_integer_weight_is_repetition(kind, score):
    if kind is Beta and score == "rank":
        pytest.skip("beta takes probabilities")
    s, _ = drawn(400, 6, BENDS["shifted"])
    times = np.random.default_rng(0).integers(1, 5, s.n)
    ends = (s.score == s.score.min()) | (s.score == s.score.max())
    s = s._with(truth=np.where(ends, s.score == s.score.max(), s.truth).astype(np.int32))  # isotonic reaches 0 and 1
    s = s.with_score(s.score, score)
    fit = partial(Logistic.fit, smooth=False) if kind is Logistic else kind.fit  # smoothing counts effective rows
    one, other = fit(s.with_weight(times)), fit(s.take(np.repeat(np.arange(s.n), times)))
    np.testing.assert_allclose(unclipped(one)(QUERIES), unclipped(other)(QUERIES), atol=1e-6)


@pytest.mark.parametrize("kind", [Logistic, Beta, Quadratic, Isotonic, CentredIsotonic])
def test_the_unit_of_weights_does_not_matter(kind):
    s, _ = drawn(300, 8, BENDS["shifted"])
    w = np.random.default_rng(1).uniform(0.2, 3, s.n)
    one, other = kind.fit(s.with_weight(w)), kind.fit(s.with_weight(1000 * w))
    np.testing.assert_allclose(one(QUERIES), other(QUERIES), rtol=1e-8)


def far_out(n: int = 2000) -> cl.Scores:
    """Overconfident logits far beyond those whose probabilities float64 can tell apart."""
    rng = np.random.default_rng(3)
    z = rng.normal(0, 3, n)
    return cl.Scores(y_true=rng.uniform(size=n) < sigmoid(z), y_score=40 * z, kind="logit")


@pytest.mark.parametrize("kind", [Logistic, Beta, Quadratic, CentredIsotonic])
def test_logits_keep_their_order_however_far_out(kind):
    s = far_out()
    p = kind.fit(s)(s.score)
    order = np.argsort(s.score, kind="stable")
    assert (np.diff(p[order]) >= 0).all()
    assert cl.roc_auc(s.with_score(p, "probability")) == pytest.approx(cl.roc_auc(s), abs=2e-3)
    if kind is not CentredIsotonic:
        assert len(np.unique(p)) > 0.99 * s.n
    assert cl.log_loss(s.with_score(p, "probability")) < 0.42  # of the true probabilities: 0.40


def test_logits_of_several_classes_far_out_are_tempered():
    rng = np.random.default_rng(4)
    z = rng.normal(0, 2, (3000, 4))
    p = softmax(z)
    y = (p.cumsum(axis=1) > rng.uniform(size=(3000, 1))).argmax(axis=1)
    s = cl.Scores(y_true=y, y_score=50 * z, classes=[0, 1, 2, 3], kind="logit")
    fit = Temperature.fit(s)
    assert fit.temperature == pytest.approx(50, rel=0.1)
    true = cl.log_loss(s.with_score(p, "probability"))
    for kind in (Temperature, VectorScaling, MatrixScaling):
        assert cl.log_loss(s.with_score(kind.fit(s)(s.score), "probability")) < true + 0.005


@pytest.mark.parametrize("k", [2, 4])
def test_a_calibration_of_logits_takes_probabilities_and_the_other_way_round(k):
    rng = np.random.default_rng(5)
    z = rng.normal(0, 2, 2000) if k == 2 else rng.normal(0, 2, (2000, k))
    y = rng.uniform(size=2000) < sigmoid(z) if k == 2 else rng.integers(0, k, 2000)
    logits = cl.Scores(y_true=y, y_score=z, kind="logit", classes=None if k == 2 else range(k))
    ps = logits.with_score(logits.probability, "probability")
    for method in ("identity", *(("logistic", "isotonic") if k == 2 else ("temperature", "svs"))):
        for fitted_on in (logits, ps):
            found = cl.calibrate(fitted_on, method=method)
            np.testing.assert_allclose(found.apply(logits).score, found.apply(ps).score, rtol=1e-6, atol=1e-9)
            assert found.calibrator.to_dict() == calibrator_from_dict(found.calibrator.to_dict()).to_dict()


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
    assert {c.name for c in found.candidates} == {"identity", "logistic", "beta", "quadratic"}
    assert [c.parameters for c in found.candidates] == [0, 2, 3, 3]
    best = min(found.candidates, key=lambda c: c.log_loss)
    chosen = next(c for c in found.candidates if c.name == found.calibrator.name)
    assert chosen.log_loss <= best.log_loss + chosen.difference_error
    simpler = [c for c in found.candidates if c.parameters < chosen.parameters]
    for c in simpler:
        allowed = min(c.difference_error, (best.parameters - c.parameters) / (2 * s.n))
        assert c.log_loss - best.log_loss > allowed
    assert found.refinement == chosen.log_loss
    assert found.before == pytest.approx(cl.log_loss(s))
    assert found.miscalibration == found.before - found.refinement
    assert found.miscalibration > 0.05
    crossed = found.cross_fitted
    assert crossed.kind == "probability"
    assert cl.log_loss(crossed) == pytest.approx(chosen.log_loss)
    assert crossed.truth.tolist() == s.truth.tolist()
    inside = cl.log_loss(found.apply(s))
    assert inside < cl.log_loss(crossed)  # the fit on all rows flatters itself
    calibrator, classes, kind = calibration_from_dict(json.loads(json.dumps(found.to_dict())))
    np.testing.assert_array_equal(calibrator(s.score), found.apply(s).score)
    assert (classes, kind) == (s.classes, "probability")
    assert found.calibrator.name in repr(found)
    loaded = cl.Calibration.from_dict(json.loads(json.dumps(found.to_dict(), allow_nan=False)))
    assert loaded.to_dict() == found.to_dict()
    assert repr(loaded) == repr(found)
    np.testing.assert_array_equal(loaded.apply(s).score, found.apply(s).score)
    with pytest.raises(InputError, match="loaded"):
        _ = loaded.cross_fitted
    for change in ({"candidates": []}, {"candidates": None}, {"before": "x"}, {"candidates": [{"name": "beta"}]}):
        with pytest.raises(InputError, match="incomplete"):
            cl.Calibration.from_dict({**found.to_dict(), **change})


def test_groups_stay_together_and_rows_without_truth_are_left_out():
    s, _ = drawn(400, 10, BENDS["shifted"])
    y = s.classes.decode(s.truth).astype(object)
    y[:50] = None
    s = cl.Scores(y_true=y, y_score=s.score, groups=np.arange(400) // 5, kind="probability")
    found = cl.calibrate(s)
    assert found.cross_fitted.n == 350
    assert found.apply(s).n == 400


def test_auto_tries_what_the_rows_can_bear():
    def tried(scores):
        return {c.name for c in cl.calibrate(scores).candidates}

    assert tried(drawn(100, 11)[0]) == {"identity", "logistic"}
    assert tried(drawn(300, 11)[0]) == {"identity", "logistic", "beta", "quadratic"}
    large = drawn(2000, 11)[0]
    assert tried(large) == {"identity", "logistic", "beta", "quadratic", "venn_abers"}
    assert "centred_isotonic" in tried(large.with_weight(np.ones(2000)))
    assert "venn_abers" not in tried(large.with_weight(np.ones(2000)))
    assert tried(large.with_score(large.score * 9, "rank")) == {"logistic", "quadratic", "venn_abers"}
    assert tried(several(39)) == {"identity", "temperature", "svs"}
    assert tried(several(40)) == {"identity", "temperature", "svs", "sms"}
    for kind in BINARY:
        assert [c.name for c in cl.calibrate(large, method=kind.name).candidates] == [kind.name]


def one_class():
    return cl.Scores(y_true=[0] * 9, y_score=np.linspace(0, 1, 9), classes=[0, 1], kind="probability")


def three_positives(positives=3, n=60):
    """The highest scores are positive: perfect separation."""
    p = np.linspace(0.01, 0.6, n)
    return cl.Scores(y_true=np.arange(n) >= n - positives, y_score=p, kind="probability")


def clustered(n):
    s, _ = drawn(n, 3)
    return cl.Scores(y_true=s.is_positive, y_score=s.score, groups=np.arange(n) // 2, kind="probability")


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
        (lambda: cl.calibrate(three_positives(1)), LabelError, "at least 2 rows of each class"),
        (lambda: Beta.fit(several(90)), LabelError, "binary problem"),
        (lambda: Isotonic.fit(one_class()), LabelError, "rows of both classes"),
        (lambda: VennAbers.fit(drawn(50)[0].with_weight(np.ones(50))), InputError, "weight"),
        (lambda: VennAbers.fit(clustered(50)), InputError, "groups"),
        (lambda: Logistic.fit(three_positives(3), smooth=False), LabelError, "separates the classes"),
        (lambda: MatrixScaling.fit(several(60))(np.ones((3, 5)) / 5), ShapeError, "shape (n, 4)"),
    ],
)
def test_what_cannot_be_calibrated(call, kind, says):
    with pytest.raises(kind) as caught:
        call()
    assert says in str(caught.value)


def tampered():
    s, _ = drawn(400, 21, BENDS["one-sided"])
    logistic, beta, quadratic = Logistic.fit(s).to_dict(), Beta.fit(s).to_dict(), Quadratic.fit(s).to_dict()
    isotonic, venn = Isotonic.fit(s).to_dict(), VennAbers.fit(s).to_dict()
    sms, svs = MatrixScaling.fit(several(90)).to_dict(), VectorScaling.fit(several(90)).to_dict()
    yield from (logistic | change for change in ({"slope": -1.0}, {"slope": True}, {"kind": 1}, {"slope": "1"}))
    yield from (logistic | {"intercept": None}, logistic | {"intercept": float("nan")}, {**logistic, "more": 1.0})
    yield from (beta | {"a": -0.1}, quadratic | {"scale": 0.0}, quadratic | {"curve": 99.0}, quadratic | {"low": 9.0})
    yield from (isotonic | {"y": isotonic["y"][::-1]}, isotonic | {"x": isotonic["x"][:-1]}, isotonic | {"x": 3.0})
    yield from (isotonic | {"y": [2.0 for _ in isotonic["y"]]}, isotonic | {"x": [], "y": []})
    yield from (venn | {"p0": venn["p0"][::-1]}, venn | {"p1": [0.0, *venn["p1"][1:]]}, venn | {"x1": venn["x0"]})
    yield venn | {"p0": [0.999] * len(venn["p0"])}
    yield from (sms | {"matrix": sms["matrix"][:2]}, sms | {"mix": 1.0}, sms | {"temperature": 0.0})
    yield from (sms | {"matrix": [[1.0], [2.0, 3.0]]}, svs | {"diagonal": svs["diagonal"][1:]}, {"name": ["sms"]})


@pytest.mark.parametrize("saved", list(tampered()), ids=lambda saved: str(saved["name"]))
def test_tampered_calibrators_are_refused(saved):
    with pytest.raises(InputError, match="calibrator"):
        calibrator_from_dict(saved)


def test_a_saved_calibration_must_fit_together():
    saved = cl.calibrate(drawn(200)[0]).to_dict()
    for change in ({"kind": "label"}, {"classes": None}, {"calibrator": {"name": "temperature"}}, {"calibrator": 3}):
        with pytest.raises(InputError):
            calibration_from_dict({**saved, **change})
    with pytest.raises(InputError, match="'temperature'"):
        calibration_from_dict({**saved, "calibrator": Temperature(1.0, 0.0, saved["kind"]).to_dict()})


# --- Venn-ABERS and centred isotonic against their definitions --------------------------------------------------------


def isotonic_with(x, y, query, label):
    """Isotonic regression of the rows and one more, read at that one."""
    at = np.unique(np.append(x, query), return_inverse=True)[1]
    mass = np.bincount(at)
    mean = np.bincount(at, weights=np.append(y, label)) / mass
    return isotonic_regression(mean, weights=mass.astype(float)).x[at[-1]]


@pytest.mark.parametrize("seed", range(40))
def test_venn_abers_is_two_isotonic_fits_for_each_query(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 40))
    x = rng.integers(0, rng.integers(2, 60), n) / 7  # ties
    y = (rng.uniform(size=n) < 0.1 + 0.8 * (x > np.median(x))).astype(int)
    y[:2] = 0, 1
    fit = VennAbers.fit(cl.Scores(y_true=y, y_score=x, kind="rank"))
    query = np.concatenate([x, x + 1e-3, x - 1e-3, [-5, 99]])
    low, high = fit.bounds(query)
    np.testing.assert_allclose(low, [isotonic_with(x, y, q, 0) for q in query], atol=1e-12)
    np.testing.assert_allclose(high, [isotonic_with(x, y, q, 1) for q in query], atol=1e-12)
    assert (low < high).all()
    np.testing.assert_allclose(fit(query), high / (1 - low + high))
    assert len(fit.x0) <= len(np.unique(x))


def test_venn_abers_bounds_hold_the_frequency():
    """In rows of similar score the frequency lies between the means of p0 and p1, up to chance."""
    s, _ = drawn(4000, 31, BENDS["over-confident"])
    fresh, truth = drawn(4000, 32, BENDS["over-confident"])
    fit = VennAbers.fit(s)
    low, high = fit.bounds(fresh.score)
    for part in np.array_split(np.argsort(fresh.score), 8):
        assert low[part].mean() - 0.05 < truth[part].mean() < high[part].mean() + 0.05
    assert np.mean(fit.width(fresh.score)) < np.mean(VennAbers.fit(drawn(100, 31)[0]).width(fresh.score)) / 3


def test_centred_isotonic_rises_strictly_and_keeps_the_blocks_means():
    s, p = drawn(800, 33, BENDS["one-sided"])
    fit, flat = CentredIsotonic.fit(s), Isotonic.fit(s)
    inner = fit.y[(fit.y > fit.y[0]) & (fit.y < fit.y[-1])]
    assert len(inner) > 5
    assert (np.diff(inner) > 0).all()
    assert set(fit.y.tolist()) == set(flat.y.tolist())
    inside = s.score[(fit(s.score) > fit.y[0]) & (fit(s.score) < fit.y[-1])]
    assert len(np.unique(fit(inside))) == len(np.unique(inside))
    assert len(np.unique(flat(inside))) < len(inside) / 5
    assert np.abs(fit(s.score) - p).mean() < 0.06
    zeros = cl.Scores(y_true=[0, 0, 0, 1, 0, 1, 1], y_score=[1, 2, 3, 4, 5, 6, 7], kind="rank")
    found = CentredIsotonic.fit(zeros)  # blocks of 0 and 1 keep both their ends
    np.testing.assert_allclose(found.x, [1, 3, 4.5, 6, 7])
    np.testing.assert_allclose(found.y, [1 / 9, 1 / 9, 0.5, 8 / 9, 8 / 9])


# --- quadratic, and scaling of several classes ------------------------------------------------------------------------


def test_quadratic_is_the_penalised_maximum_likelihood():
    rng = np.random.default_rng(41)
    z = rng.uniform(-2, 2, 500)
    y = rng.uniform(size=500) < sigmoid(z + 0.2 * z**2)
    s = cl.Scores(y_true=y, y_score=z, kind="logit")
    fit = Quadratic.fit(s)
    t = (z - z.mean()) / z.std()
    n1, n0 = s.n_pos, s.n - s.n_pos
    target = np.where(s.is_positive, (n1 + 1) / (n1 + 2), 1 / (n0 + 2))

    def loss(a):
        line = a[0] * t + a[1] * t**2 + a[2]
        return (np.logaddexp(0, line) - target * line).mean() + a[1] ** 2 / (2 * s.n)

    best = minimize(loss, np.zeros(3), tol=1e-12)
    assert (fit.slope, fit.curve, fit.intercept) == pytest.approx(best.x, abs=2e-4)
    assert fit.curve > 0.1
    beyond = fit(sigmoid(np.linspace(-9, 9, 99)))
    assert (np.diff(beyond) > 0).all()
    bowl = cl.Scores(
        y_true=np.abs(z - 0.3) > 1, y_score=z, kind="logit"
    )  # low and high look alike: nothing should fall
    flat = Quadratic.fit(bowl)
    assert flat.curve == 0
    np.testing.assert_allclose(flat(QUERIES), Logistic.fit(bowl)(QUERIES), atol=1e-12)


@pytest.mark.parametrize("kind", [VectorScaling, MatrixScaling])
def test_structured_scaling_is_the_penalised_maximum_likelihood(kind):
    s = several(120, 5, sharpen=1.7, k=3)
    first = Temperature.fit(s, mix=False)
    z = np.log(Temperature(first.temperature, 1 / 121)(s.score))
    k, n = 3, 120
    fit = kind.fit(s)
    off = ~np.eye(k, dtype=bool)

    def loss(matrix, b):
        out = z + z @ matrix.T + b
        nll = np.log(np.exp(out).sum(axis=1)) - out[np.arange(n), s.truth]
        ridge = np.square(np.diag(matrix)).sum() + np.square(b).sum() + (k - 1) * np.square(matrix[off]).sum()
        return nll.mean() + k / n * ridge

    def unpacked(x):
        return (np.diag(x[:k]), x[k:]) if kind is VectorScaling else (x[: k * k].reshape(k, k), x[k * k :])

    best = minimize(lambda x: loss(*unpacked(x)), np.zeros(2 * k if kind is VectorScaling else k * k + k), tol=1e-10)
    ours = (np.diag(fit.diagonal), fit.intercept) if kind is VectorScaling else (fit.matrix, fit.intercept)
    assert loss(*ours) == pytest.approx(best.fun, abs=1e-7)
    np.testing.assert_allclose(ours[0], unpacked(best.x)[0], atol=2e-3)


def test_structured_scaling_mends_what_a_temperature_cannot():
    def bent(seed):
        s = several(1500, seed, k=5)
        z = np.log(s.score) * np.array([0.5, 0.8, 1.0, 1.5, 2.5]) + np.linspace(-1, 1, 5)
        q = np.exp(z)
        return s.with_score(q / q.sum(axis=1, keepdims=True), "probability")

    losses = {
        kind: cl.log_loss(bent(8).with_score(kind.fit(bent(7))(bent(8).score), "probability")) for kind in SEVERAL
    }
    assert losses[VectorScaling] < losses[Temperature] - 0.05
    assert losses[MatrixScaling] < losses[Temperature] - 0.05
    assert cl.calibrate(bent(7)).calibrator.name in ("svs", "sms")
    absent = several(60, 9)
    absent = absent._with(truth=np.minimum(absent.truth, 2))  # class 3 never comes
    for kind in SEVERAL:
        assert np.isfinite(kind.fit(absent)(absent.score)).all()
    weighted = bent(7).with_weight(np.random.default_rng(0).uniform(0, 2, 1500))
    for kind in SEVERAL:
        alike = kind.fit(weighted)(bent(8).score) - kind.fit(bent(7))(bent(8).score)
        assert np.abs(alike).mean() < 0.02


# --- bad input and the choice -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", BINARY)
def test_few_positives_separation_and_constant_scores_give_finite_maps(kind):
    for s in (three_positives(), three_positives(30), drawn(80, 51)[0].with_score(np.full(80, 0.5), "probability")):
        out = kind.fit(s)(s.score)
        assert np.isfinite(out).all()
        assert kind is Identity or (out.min() > 1e-9 and out.max() < 1 - 1e-9)
    if kind is not VennAbers:
        half = three_positives()
        zero = half.with_weight(np.r_[np.zeros(20), np.ones(40)])
        np.testing.assert_array_equal(kind.fit(zero)(QUERIES), kind.fit(zero.take(np.arange(20, 60)))(QUERIES))


def test_three_positives_are_calibrated_by_two_parameters():
    found = cl.calibrate(three_positives())
    assert {c.name for c in found.candidates} == {"identity", "logistic"}
    assert np.isfinite(found.cross_fitted.score).all()


def test_the_errors_of_clustered_rows_count_clusters():
    s, _ = drawn(300, 52, BENDS["shifted"])
    five = np.repeat(np.arange(300), 5)
    copies = cl.Scores(y_true=s.is_positive[five], y_score=s.score[five], groups=five, kind="probability")
    errors = {c.name: c.difference_error for c in cl.calibrate(copies, method="auto").candidates}
    alone = {c.name: c.difference_error for c in cl.calibrate(s).candidates}
    assert errors["identity"] == pytest.approx(alone["identity"], rel=0.25)  # five copies say no more than one row


@pytest.mark.slow
def test_auto_stays_near_the_best_fixed_method():
    """Excess log loss over the truth, in nats; on 50 rows nobody knows, so the bound is wider there."""
    bends = {
        "over-confident": lambda z: 2.2 * z,
        "prior shift": lambda z: z - 1.5,
        "asymmetric": lambda z: np.where(z > 0, 2.5 * z, 0.7 * z),
        "wiggly": lambda z: z + np.sin(2 * z),
    }
    for name, bend in bends.items():
        for n, runs, allowed in ((50, 40, 0.03), (200, 30, 0.01), (1000, 10, 0.006), (5000, 3, 0.003)):
            rng = np.random.default_rng(n)
            excess = {m: [] for m in ("auto", "identity", "logistic", "beta", "quadratic", "venn_abers")}
            for _ in range(runs):
                z, fresh = rng.normal(-0.4, 1.6, n), rng.normal(-0.4, 1.6, 5000)
                y, p = rng.uniform(size=n) < sigmoid(z), sigmoid(fresh)
                s = cl.Scores(y_true=y, y_score=sigmoid(bend(z)), kind="probability")
                for method, losses in excess.items():
                    q = cl.calibrate(s, method=method).calibrator(sigmoid(bend(fresh))).clip(1e-12, 1 - 1e-12)
                    losses.append(float((p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))).mean()))
            means = {method: np.mean(losses) for method, losses in excess.items()}
            assert means["auto"] <= min(means.values()) + allowed, (name, n, means)


# --- scikit-learn -----------------------------------------------------------------------------------------------------


def test_the_estimator_is_calibrate():
    s, _ = drawn(600, 61, BENDS["over-confident"])
    y = np.where(s.is_positive, "yes", "no")
    for X in (s.score, s.score[:, None], np.column_stack([1 - s.score, s.score])):
        fitted = CutlineCalibrator(seed=3).fit(X, y)
        own = cl.calibrate(s, seed=3)
        assert fitted.calibration_.calibrator == own.calibrator
        np.testing.assert_array_equal(fitted.predict_proba(X)[:, 1], own.apply(s).score)
        np.testing.assert_array_equal(fitted.transform(X), fitted.predict_proba(X))
        assert (fitted.predict(X) == np.where(own.apply(s).score > 0.5, "yes", "no")).all()
    many = several(300, sharpen=2.0)
    fitted = CutlineCalibrator(method="svs").fit(many.score, many.truth)
    np.testing.assert_array_equal(fitted.predict_proba(many.score), VectorScaling.fit(many)(many.score))
    with pytest.raises(InputError, match="fit"):
        CutlineCalibrator().predict_proba(s.score)
    with pytest.raises(UnknownName, match="'method'"):
        CutlineCalibrator().set_params(methods="beta")


def test_the_estimator_lives_in_scikit_learn():
    from sklearn.base import clone
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV, cross_val_predict
    from sklearn.naive_bayes import GaussianNB
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, StandardScaler

    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 400)
    one = rng.normal(y * 1.2, 1.0, 400)
    X = np.column_stack([one, one + 0.1 * rng.normal(size=400), one - 0.1 * rng.normal(size=400)])  # naive Bayes errs
    given = CutlineCalibrator(GaussianNB(), method="logistic", folds=4, seed=1)
    copy = clone(given)
    assert copy.get_params()["estimator__var_smoothing"] == 1e-9
    assert (copy.method, copy.folds, copy.seed) == ("logistic", 4, 1)
    assert copy.estimator is not given.estimator
    pipe = make_pipeline(StandardScaler(), given).fit(X, y)
    fresh = rng.normal((z := rng.integers(0, 2, 2000)) * 1.2, 1.0)
    X2 = np.column_stack([fresh] * 3)

    def loss(model):
        return -np.log(model.predict_proba(X2)[np.arange(2000), z]).mean()

    plain = GaussianNB().fit(X, y)
    assert loss(pipe) < loss(plain) - 0.1
    assert set(pipe.predict(X2)) <= {0, 1}
    inner = make_pipeline(FunctionTransformer(sigmoid), CutlineCalibrator(kind="rank", method="logistic")).fit(one, y)
    assert inner.transform(one).shape == (400, 2)
    search = GridSearchCV(
        CutlineCalibrator(LogisticRegression(), folds=3),
        {"method": ["identity", "logistic"], "estimator__C": [0.01, 1.0]},
        scoring="neg_log_loss",
        cv=3,
    ).fit(X, y)
    assert search.best_params_["method"] in ("identity", "logistic")
    assert cross_val_predict(clone(given), X, y, cv=3, method="predict_proba").shape == (400, 2)


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


def test_some_calibrators_to_choose_among():
    rng = np.random.default_rng(0)
    z = rng.normal(size=(600, 3))
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    y = (p.cumsum(axis=1) > rng.random((600, 1))).argmax(axis=1)
    scores = cl.Scores(y_true=y, y_score=p, kind="probability")
    tried = cl.calibrate(scores, method=("temperature", "identity")).candidates
    assert [each.name for each in tried] == ["identity", "temperature"]
    for wrong in (("identity", "platt"), ()):
        with pytest.raises(cl.errors.UnknownName, match="method"):
            cl.calibrate(scores, method=wrong)
