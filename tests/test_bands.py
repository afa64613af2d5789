"""Bands of curves: exact at a threshold, and finite-sample for all thresholds at once."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy import stats

import cutline as cl
from cutline.errors import InputError
from cutline.evidence import clopper_pearson
from cutline.evidence.bands import dkw, pr_band, recall_at_fpr, roc_band


def made(n1=40, n0=90, shift=1.2, seed=0, **about):
    rng = np.random.default_rng(seed)
    y = np.repeat([1, 0], [n1, n0])
    return cl.Scores(y_true=y, y_score=rng.normal(y * shift), classes=[0, 1], kind="rank", **about)


def test_the_curve_itself_and_exact_limits_at_every_threshold():
    s = made()
    table = cl.ThresholdTable.from_scores(s)
    band = roc_band(table, confidence=0.9)
    np.testing.assert_array_equal(band.threshold, table.thresholds)
    np.testing.assert_allclose(band.x, cl.fpr(table))
    np.testing.assert_allclose(band.y, cl.recall(table))
    for i in (0, 1, 17, 60, len(table) - 1):
        c = table.counts(float(table.thresholds[i]))
        assert (band.y_low[i], band.y_high[i]) == pytest.approx(clopper_pearson(c.tp, 40, 0.9))
        assert (band.x_low[i], band.x_high[i]) == pytest.approx(clopper_pearson(c.fp, 90, 0.9))
    pr = pr_band(s, confidence=0.9)
    for i in (1, 17, 60, len(table) - 1):
        c = table.counts(float(table.thresholds[i]))
        assert (pr.y_low[i], pr.y_high[i]) == pytest.approx(clopper_pearson(c.tp, c.tp + c.fp, 0.9))
    np.testing.assert_array_equal(pr.x_low, band.y_low)
    assert np.isnan([pr.y[0], pr.y_low[0], pr.y_high[0]]).all()  # nobody is flagged


def test_simultaneous_bands_are_boxes_of_campbell():
    s = made()
    band = roc_band(s, confidence=0.9, kind="simultaneous")
    eps = math.sqrt(math.log(2 / (1 - math.sqrt(0.9))) / 80)
    assert dkw(40, 0.9) == pytest.approx(eps)
    np.testing.assert_allclose(band.y_low, np.maximum(band.y - eps, 0))
    np.testing.assert_allclose(band.y_high, np.minimum(band.y + eps, 1))
    narrow = roc_band(s, confidence=0.5, kind="simultaneous")
    assert (narrow.x_low >= band.x_low).all()
    assert (narrow.x_high <= band.x_high).all()
    pr = pr_band(s, confidence=0.9, kind="simultaneous")
    i = 50
    low = 40 * band.y_low[i] / (40 * band.y_low[i] + 90 * band.x_high[i])
    high = 40 * band.y_high[i] / (40 * band.y_high[i] + 90 * band.x_low[i])
    assert (pr.y_low[i], pr.y_high[i]) == pytest.approx((low, high))
    assert ((pr.y_low <= pr.y_high) & (pr.y_low >= 0) & (pr.y_high <= 1)).all()


def test_a_long_curve_is_thinned_and_a_band_is_plain_values():
    band = roc_band(made(3000, 4000))
    assert len(band.threshold) <= 502
    assert (band.x[0], band.y[0], band.x[-1], band.y[-1]) == (0, 0, 1, 1)
    told = json.loads(json.dumps(band.to_dict(), allow_nan=False))
    assert told["threshold"][0] is None
    assert (told["n_pos"], told["kind"]) == (3000, "pointwise")
    assert "Clopper-Pearson" in repr(band)
    json.dumps(pr_band(made()).to_dict(), allow_nan=False)
    json.dumps(recall_at_fpr(made(), 0.1, replicates=20).to_dict(), allow_nan=False)


def test_recall_at_a_false_positive_rate():
    s = made(60, 100, seed=3)
    band = recall_at_fpr(s, [0.0, 0.1, 0.25, 1.0], replicates=600, seed=1)
    y, z = s.is_positive, s.score
    cut = np.sort(z[~y])[::-1]
    assert band.recall == pytest.approx([(z[y] > cut[0]).mean(), (z[y] > cut[10]).mean(), (z[y] > cut[25]).mean(), 1.0])
    assert (band.low <= band.recall).all()
    assert (band.recall <= band.high).all()
    rng, drawn = np.random.default_rng(0), []
    for _ in range(600):
        a, b = rng.choice(z[y], 60), np.sort(rng.choice(z[~y], 100))[::-1]
        drawn.append((a > b[10]).mean())
    assert (band.low[1], band.high[1]) == pytest.approx(tuple(np.quantile(drawn, [0.025, 0.975])), abs=0.04)
    again = recall_at_fpr(s, [0.0, 0.1, 0.25, 1.0], replicates=600, seed=1)
    np.testing.assert_array_equal(again.low, band.low)
    assert "stratified" in repr(band)


@pytest.mark.parametrize("band", [roc_band, pr_band])
def test_bands_refuse_what_they_are_not_exact_for(band):
    s = made()
    with pytest.raises(InputError, match="weight"):
        band(s.with_weight(np.linspace(0.5, 2, s.n)))
    with pytest.raises(InputError, match="clusters"):
        band(made(groups=np.arange(130) // 2))
    with pytest.raises(InputError, match="both classes"):
        band(made(n1=0))
    with pytest.raises(InputError, match="simultaneous"):
        band(s, kind="both")
    with pytest.raises(InputError, match="confidence"):
        band(s, confidence=95)
    with pytest.raises(InputError, match="from 0 to 1"):
        recall_at_fpr(s, 1.5)


@pytest.mark.parametrize(("n1", "n0"), [(1, 1), (2, 5)])
def test_tiny_samples(n1, n0):
    for kind in ("pointwise", "simultaneous"):
        band = roc_band(made(n1, n0), kind=kind)
        assert (band.y_low <= band.y).all()
        assert (band.y <= band.y_high).all()
        pr_band(made(n1, n0), kind=kind)


@pytest.mark.slow
@pytest.mark.parametrize(("n1", "n0"), [(10, 40), (50, 50), (100, 900)])
@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_simultaneous_bands_hold_the_whole_curve(n1, n0, confidence):
    runs, held, held_pr = 1500, 0, 0
    for seed in range(runs):
        s = made(n1, n0, 1.5, seed)
        band, pr = (b(s, confidence=confidence, kind="simultaneous") for b in (roc_band, pr_band))
        t = band.threshold
        # At a drawn score the rates jump: the band there and the one just above it, on the same true curve.
        tpr, fpr = stats.norm.sf(t - 1.5), stats.norm.sf(t)
        inside = (band.y_low <= tpr) & (tpr <= band.y_high) & (band.x_low <= fpr) & (fpr <= band.x_high)
        inside[1:] &= (band.y_low[:-1] <= tpr[1:]) & (band.x_low[:-1] <= fpr[1:])
        inside[1:] &= (tpr[1:] <= band.y_high[:-1]) & (fpr[1:] <= band.x_high[:-1])
        held += bool(inside.all())
        with np.errstate(invalid="ignore"):
            precision = n1 * tpr / (n1 * tpr + n0 * fpr)
        fine = np.isnan(precision) | ((pr.y_low <= precision) & (precision <= pr.y_high))
        held_pr += bool(fine.all())
    least = confidence - 3 * math.sqrt(confidence * (1 - confidence) / runs)
    assert held / runs >= least
    assert held_pr / runs >= least


@pytest.mark.slow
@pytest.mark.parametrize(("n1", "n0"), [(20, 80), (100, 100)])
def test_pointwise_bands_hold_one_threshold(n1, n0):
    runs, hits = 1500, []
    for seed in range(runs):
        band = roc_band(made(n1, n0, 1.5, seed))
        i = np.flatnonzero(band.threshold >= 0.75)[-1]
        tpr, fpr = stats.norm.sf(0.75 - 1.5), stats.norm.sf(0.75)
        hits.append([band.y_low[i] <= tpr <= band.y_high[i], band.x_low[i] <= fpr <= band.x_high[i]])
    assert min(np.mean(hits, axis=0)) >= 0.95 - 3 * math.sqrt(0.95 * 0.05 / runs)


@pytest.mark.slow
def test_recall_at_a_rate_covers():
    hits = []
    for seed in range(300):
        band = recall_at_fpr(made(100, 200, 1.5, seed), [0.1, 0.3], replicates=300, seed=seed)
        truth = stats.norm.cdf(1.5 + stats.norm.ppf([0.1, 0.3]))
        hits.append((band.low <= truth) & (truth <= band.high))
    assert min(np.mean(hits, axis=0)) >= 0.90
