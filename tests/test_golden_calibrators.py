"""Recalibration and prior shift against other software."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import cutline as cl
from cutline.calibration import Isotonic, Logistic, Temperature
from cutline.calibration.isotonic import CentredIsotonic
from cutline.calibration.prior_estimate import estimate_prior
from cutline.calibration.prior_shift import multiply_odds, shift_prior
from cutline.calibration.scaling import MatrixScaling, VectorScaling
from cutline.calibration.venn_abers import VennAbers
from tests import golden

ASSERTED, asserts = golden.registry()


def binary(case):
    data, inputs = case["data"], case["inputs"]
    return cl.Scores(y_true=data[inputs["truth"]], y_score=data[inputs["p"]], positive=1, kind="probability")


@asserts("recal_logistic_affine_a")
def affine(case):
    fit = Logistic.fit(binary(case), smooth=False)
    got = fit(np.array(case["inputs"]["query"]))
    return {"intercept": fit.intercept, "slope": fit.slope, "query_calibrated": got.tolist()}


@asserts("recal_venn_abers_a")
def venn_abers(case):
    fit, query = VennAbers.fit(binary(case)), np.array(case["inputs"]["query"])
    low, high = fit.bounds(query)
    np.testing.assert_array_equal(fit.width(query), high - low)
    return {"p0": low.tolist(), "p1": high.tolist(), "merged": fit(query).tolist()}


def unclipped(fit):
    """Without the distance we keep from 0 and 1."""
    edge = fit.y.min()
    return replace(fit, y=np.where(fit.y <= edge, 0.0, np.where(fit.y >= 1 - edge, 1.0, fit.y)))


@asserts("isotonic_centered_1")
def isotonic(case):
    x, y, w = (np.array(case["inputs"][name], dtype=float) for name in ("x", "y", "weight"))
    rows = cl.Scores(  # a mean y of weight w is w y positives and w (1 - y) negatives
        y_true=np.repeat([1, 0], len(x)),
        y_score=np.tile(x, 2),
        weight=np.concatenate([w * y, w * (1 - y)]),
        kind="rank",
    )
    fits = {"pava": Isotonic.fit(rows), "centered_isotonic": CentredIsotonic.fit(rows)}
    return {name: unclipped(fit)(x).tolist() for name, fit in fits.items()}


@asserts("recal_temperature_multi3_a", "recal_temperature_digits10_a")
def several(case):
    p = np.column_stack([case["data"][name] for name in case["inputs"]["probs"]]).clip(1e-4)
    s = cl.Scores(
        y_true=case["data"][case["inputs"]["truth"]],
        y_score=p / p.sum(axis=1, keepdims=True),
        classes=case["params"]["labels"],
        kind="probability",
    )
    plain = Temperature.fit(s, mix=False)
    fits = {
        "temp-scaling": plain,
        "ts-mix": Temperature.fit(s),
        "svs": VectorScaling.fit(s),
        "sms": MatrixScaling.fit(s),
    }
    after = {name: s.with_score(fit(s.score), "probability") for name, fit in fits.items()}
    got = {n: {"log_loss_in_sample": cl.log_loss(a), "first_row": a.score[0].tolist()} for n, a in after.items()}
    expected = case["expected"]["probmetrics"]
    for name in ("svs", "sms"):  # far closer than the case asks
        np.testing.assert_allclose(got[name]["first_row"], expected[name]["first_row"], atol=5e-5)
        assert got[name]["log_loss_in_sample"] == pytest.approx(expected[name]["log_loss_in_sample"], abs=1e-5)
    return {
        "inverse_temperature": 1 / plain.temperature,
        "temperature": plain.temperature,
        "log_loss_before": cl.log_loss(s),
        "log_loss_after": cl.log_loss(after["temp-scaling"]),
        "probmetrics": got,
    }


@asserts("prior_correction_elkan_1")
def known_prior(case):
    s = cl.Scores(y_score=case["inputs"]["p"], classes=[0, 1], positive=1, kind="probability")
    source, targets = case["params"]["source_prior"], case["params"]["target_priors"]
    return {"corrected": {str(to): shift_prior(s, to=to, source=source).score.tolist() for to in targets}}


@asserts("prior_shift_a")
def unknown_prior(case):
    data = case["data"]
    labelled = data["split"] == "valid"
    source = cl.Scores(
        y_true=data["y"][labelled].astype(float).astype(int), y_score=data["p"][labelled], kind="probability"
    )
    target = cl.Scores(y_score=data["p"][~labelled], classes=source.classes, kind="probability")
    found = estimate_prior(source, target)
    assert found.source[1] == pytest.approx(case["params"]["source_prior"])
    assert found.state == "uncalibrated"  # which is why EM is so far from the true 0.156
    mended = cl.calibrate(source)
    again = estimate_prior(mended.apply(source), mended.apply(target))
    assert again.state == "ok"
    assert again.em.interval()[0][1] < 0.156 < again.em.interval()[1][1]
    adapted = multiply_odds(target, found.em.weights, "").score[:5]
    names = ("em", "bbse_hard", "bbse_soft")
    return {
        "weights": {name: getattr(found, name).weights.tolist() for name in names},
        "estimated_target_positive_rate": {name: float(getattr(found, name).prior[1]) for name in names},
        "em_adapted_first5": adapted.tolist(),
    }


@pytest.mark.parametrize("name", ASSERTED)
def test_golden(name):
    case = golden.case(name)
    golden.compare(case, ASSERTED[name](case))


def test_every_key_is_asserted():
    for name, function in ASSERTED.items():
        case = golden.case(name)
        assert set(function(case)) == set(case["expected"]), name
