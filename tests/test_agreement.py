"""Measures of calibration: against brute force, under perfect calibration, and where they have no answer."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy import stats

import cutline as cl
from cutline.calibration import (
    bias_by_bucket,
    bias_by_slice,
    binned,
    cox_line,
    hosmer_lemeshow,
    in_the_large,
    reliability_curve,
    smooth_ece,
    spiegelhalter,
    top_label,
    under_calibration,
)
from cutline.errors import CutlineError, InputError, ScoreError


def made(y, p, **about):
    return cl.Scores(y_true=np.asarray(y).astype(int), y_score=p, classes=[0, 1], **{"kind": "probability", **about})


def drawn(n, seed=0, bend=lambda p: p, **about):
    """Truth follows p; the score says bend(p)."""
    rng = np.random.default_rng(seed)
    p = rng.beta(1, 2, n)
    return made(rng.random(n) < p, bend(p), **about)


def sharper(p):
    return p**2 / (p**2 + (1 - p) ** 2)


@pytest.mark.parametrize("bend", [lambda p: p, sharper, np.sqrt])
def test_smooth_ece_solves_its_equation_by_brute_force(bend):
    s = drawn(300, 1, bend)
    p, gap = s.score, s.is_positive - s.score
    t = np.linspace(0, 1, 4001)
    at = smooth_ece(s)

    def kernel(x):
        return stats.norm.pdf(x, scale=at)

    images = sum(kernel(t[:, None] - 2 * k - p) + kernel(t[:, None] - 2 * k + p) for k in (-1, 0, 1))
    assert np.trapezoid(np.abs(images @ gap) / 300, t) == pytest.approx(at, abs=2e-4)


def test_weights_repeat_rows():
    s = drawn(200, 2, sharper)
    times = np.random.default_rng(0).integers(1, 4, 200)
    weighted, repeated = s.with_weight(times), s.take(np.repeat(np.arange(200), times))
    assert smooth_ece(weighted) == pytest.approx(smooth_ece(repeated), abs=1e-6)
    assert binned(weighted, by="width").mean_gap == pytest.approx(binned(repeated, by="width").mean_gap)
    assert in_the_large(weighted).bias.value == pytest.approx(in_the_large(repeated).bias.value)
    one, other = cox_line(weighted), cox_line(repeated)
    assert one.slope.value == pytest.approx(other.slope.value)
    assert one.intercept.value == pytest.approx(other.intercept.value)


def test_the_line_recovers_what_was_done_to_the_logit():
    rng = np.random.default_rng(3)
    z = rng.normal(size=20_000)
    s = made(rng.random(20_000) < 1 / (1 + np.exp(-(0.5 * z - 1))), 1 / (1 + np.exp(-z)))
    line = cox_line(s)
    assert line.slope.interval(0.999)[0] < 0.5 < line.slope.interval(0.999)[1]
    assert line.intercept.interval(0.999)[0] < -1 < line.intercept.interval(0.999)[1]
    assert line.test.p < 1e-100
    logit = made(s.truth, z, kind="logit")
    assert cox_line(logit).slope.value == pytest.approx(line.slope.value, rel=1e-6)


@pytest.mark.parametrize(
    "s",
    [
        made([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9]),  # separated
        made([0, 1, 0, 1], [0.5, 0.5, 0.5, 0.5]),  # constant
        made([1, 1, 1], [0.2, 0.5, 0.9]),  # one class
        made([1, 0, 0, 0, 0, 1, 1], [1, 0, 0, 0.2, 0.4, 0.3, 0.6]),  # zeros and ones
    ],
)
def test_where_there_is_no_line_there_is_no_number(s):
    line = cox_line(s)
    assert math.isnan(line.slope.value) == math.isnan(line.test.p)
    assert 0 <= smooth_ece(s) <= 1
    report = cl.calibration_report(s)
    json.dumps(report.to_dict(), allow_nan=False)
    assert repr(report).startswith("Calibration, all rows")
    assert math.isnan(line.slope.value) or abs(line.slope.value) < 10


def test_rows_in_clusters_are_counted_as_clusters():
    s = drawn(100, 4, sharper)
    eight = s.take(np.repeat(np.arange(100), 8))
    clustered = made(eight.truth, eight.score, groups=np.repeat(np.arange(100), 8))
    assert in_the_large(clustered).bias.error == pytest.approx(in_the_large(s).bias.error, rel=0.01)
    assert in_the_large(eight).bias.error < in_the_large(s).bias.error / 2
    assert cox_line(clustered).slope.error > 2 * cox_line(eight).slope.error
    for refused in (spiegelhalter, hosmer_lemeshow, reliability_curve):
        with pytest.raises(InputError, match="groups"):
            refused(clustered)
    assert cl.calibration_report(clustered).curve is None
    with pytest.raises(InputError, match="weight"):
        spiegelhalter(s.with_weight(np.arange(1.0, 101)))


def test_the_bias_of_parts():
    s = drawn(1000, 5, slices={"sex": np.arange(1000) % 2, "site": np.array(["a", "b", "c", "d"] * 250)})
    buckets = bias_by_bucket(s)
    assert sum(b.n for b in buckets) == 1000
    assert np.diff([b.said for b in buckets]).min() > 0
    parts = bias_by_slice(s)
    assert {name: [one.name for one in found] for name, found in parts.items()} == {
        "sex": ["0", "1"],
        "site": ["a", "b", "c", "d"],
    }
    whole = in_the_large(s)
    assert sum(one.n * one.bias.value for one in parts["site"]) / 1000 == pytest.approx(whole.bias.value)
    low, high = whole.bias.ratio_interval()
    assert low < whole.ratio < high
    assert cl.calibration_report(s).slices["site"][0] == parts["site"][0]


def test_several_classes_are_asked_class_by_class_and_for_the_likeliest():
    rng = np.random.default_rng(6)
    p = rng.dirichlet([1, 1, 1], 3000)
    y = (rng.random(3000)[:, None] > p.cumsum(axis=1)).sum(axis=1)
    s = cl.Scores(y_true=y, y_score=p, classes=range(3))
    report = cl.calibration_report(s)
    assert set(report.per_class) == {"0", "1", "2"}
    assert report.large.said == pytest.approx(p.max(axis=1).mean())
    assert report.large.happened == pytest.approx((p.argmax(axis=1) == y).mean())
    assert report.smooth.value < 0.05
    assert top_label(s).is_positive.mean() == pytest.approx(report.large.happened)
    assert report.per_class["1"].large.said == pytest.approx(p[:, 1].mean())


def test_the_curve_and_its_band():
    s = drawn(2000, 7, sharper)
    curve = reliability_curve(s, kind="simultaneous")
    assert (np.diff(curve.frequency) >= 0).all()
    assert (np.diff(curve.probability) > 0).all()
    assert curve.share.sum() == pytest.approx(1)
    assert curve.outside > 0.2
    assert (curve.low <= curve.high).all()
    wide, narrow = reliability_curve(s, confidence=0.95), reliability_curve(s, confidence=0.5)
    assert (wide.high - wide.low).mean() > (narrow.high - narrow.low).mean()
    together = np.interp(wide.band_at, curve.band_at, curve.high - curve.low)
    assert together.mean() > (reliability_curve(s).high - reliability_curve(s).low).mean()
    big = reliability_curve(drawn(100_000, 8))
    assert len(big.band_at) <= 4000
    assert len(big.probability) == 100_000
    json.dumps(big.to_dict())


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: cl.calibration_report(made([0, 1], [3.0, 4.0], kind="rank")), "rank"),
        (lambda: smooth_ece(cl.Scores(y_true=[0, 1, 2], y_score=np.eye(3))), "one_vs_rest"),
        (lambda: binned(drawn(50), 0), "at least 1"),
        (lambda: binned(drawn(50), 2.5), "at least 1"),  # type: ignore[arg-type]
        (lambda: binned(drawn(50), by="rows"), "width"),  # type: ignore[arg-type]
        (lambda: cl.calibration_report(cl.Scores(y_true=[0, 1], y_score=[0, 1], kind="label")), "label"),
        (lambda: cl.calibration_report(cl.Scores(y_score=[0.2, 0.7], classes=[0, 1], kind="probability")), "y_true"),
        (lambda: bias_by_bucket(made([0, 1], [3.0, 4.0], kind="rank")), "rank"),
        (lambda: under_calibration(drawn(50, groups=np.arange(50) // 5), lambda c, f: [0.0]), "groups"),
        (lambda: hosmer_lemeshow(drawn(50), groups=2), "at least 3"),
        (lambda: reliability_curve(drawn(50), kind="joint"), "simultaneous"),  # type: ignore[arg-type]
        (lambda: reliability_curve(drawn(50), confidence=95), "0.95"),
    ],
)
def test_what_is_refused(call, says):
    with pytest.raises(CutlineError) as caught:
        call()
    assert says in str(caught.value)
    assert isinstance(caught.value, InputError | ScoreError)


def test_many_calibrated_rows_are_not_accused():
    # Chance figures shrink with n at rates of their own (smECE with its cube root), so no sample can stand for all.
    report = cl.calibration_report(drawn(100_000, 9))
    figures = (report.smooth, report.squared, *report.legacy, *report.miscalibration)
    assert all(0.01 < f.p < 0.99 for f in figures), figures
    assert report.smooth.value == pytest.approx(report.smooth.expected, rel=0.3)
    assert report.miscalibration[0].value == pytest.approx(report.miscalibration[0].expected, rel=0.3)
    assert all(f.value <= f.upper for f in figures if f.p > 0.05)
    assert report.large.n == 100_000


def test_the_figures_beside_chance():
    report = cl.calibration_report(drawn(2000, 11, sharper), bins=10)
    assert report.smooth.p == report.squared.p == report.miscalibration[0].p == 1 / 200
    assert [f.name.split(",")[0] for f in report.legacy] == ["ECE", "MCE", "ACE"]
    assert all("10 bins (legacy" in f.name for f in report.legacy)
    s = drawn(2000, 11, sharper)
    assert report.legacy[0].value == binned(s, 10, by="width").mean_gap
    for loss, one in zip(("brier", "log_loss"), report.miscalibration, strict=True):
        assert report.parts[loss] == cl.decompose(s, loss=loss)
        assert one.value == pytest.approx(report.parts[loss].miscalibration)
    # Pooling changes nothing where there is nothing to pool.
    few = made(s.truth, np.round(s.score, 2))
    from cutline.calibration.null import miscalibration, pooled

    cells = pooled(few.score, few.is_positive.astype(float), np.full(2000, 1 / 2000))
    brier, log = miscalibration(cells.p, cells.frequency, cells.weight)
    assert brier == pytest.approx(cl.decompose(few).miscalibration)
    assert log == pytest.approx(cl.decompose(few, loss="log_loss").miscalibration)
    assert report.brier.value == pytest.approx(cl.brier(s))
    assert report.c_statistic.value == pytest.approx(cl.roc_auc(s))
    assert report.c_statistic.low < report.c_statistic.value < report.c_statistic.high


def test_the_bias_of_one_constant_probability_has_wilsons_limits():
    s = made([1] * 7 + [0] * 33, np.full(40, 0.3))
    bias = in_the_large(s).bias
    low, high = stats.binomtest(7, 40).proportion_ci(0.9, "wilson")
    assert bias.happened_interval(0.9) == pytest.approx((low, high))
    assert bias.interval(0.9) == pytest.approx((0.3 - high, 0.3 - low))
    assert bias.ratio_interval(0.9) == pytest.approx((low / 0.3, high / 0.3))
    assert bias.p == pytest.approx(2 * stats.norm.sf(abs(7 - 12) / math.sqrt(40 * 0.3 * 0.7)))
    assert bias.interval(1 - bias.p)[1] == pytest.approx(0, abs=1e-9) or bias.interval(1 - bias.p)[0] == pytest.approx(
        0
    )


def test_no_event_is_no_certainty():
    bias = in_the_large(made(np.zeros(30), np.full(30, 0.02))).bias
    assert (bias.state, bias.happened) == ("degenerate", 0)
    low, high = bias.interval()
    assert low < 0 < high == pytest.approx(0.02)
    assert bias.ratio_interval()[0] == 0
    assert bias.p > 0.4
    # Where no row surprises, the probabilities themselves say how many might have.
    sure = in_the_large(made(np.arange(100) % 2, np.where(np.arange(100) % 2, 0.99, 0.01))).bias
    assert sure.error == pytest.approx(math.sqrt(0.0099 / 100))


@pytest.mark.parametrize("clusters", [1, 2, 3, 5])
def test_few_clusters_are_not_believed(clusters):
    s = drawn(200, 12, groups=np.arange(200) % clusters)
    line, large = cox_line(s), in_the_large(s)
    assert line.slope.state == large.bias.state == ("ok" if clusters == 5 else "insufficient")
    assert math.isnan(line.slope.error) == math.isnan(line.test.p) == (clusters <= 2)
    assert math.isnan(large.bias.interval()[0]) == (clusters == 1)
    report = cl.calibration_report(s)
    json.dumps(report.to_dict(), allow_nan=False)
    assert report.smooth.state == "insufficient"
    assert repr(report)


def test_clusters_of_one_row_are_rows():
    s = drawn(100, 13, sharper)
    own = made(s.truth, s.score, groups=np.arange(100))
    assert cox_line(own) == cox_line(s)
    assert spiegelhalter(own) == spiegelhalter(s)
    assert in_the_large(own) == in_the_large(s)


def test_where_there_is_no_slope_the_note_says_why():
    for y, p, why in (
        ([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9], "separates"),
        ([0, 1, 0, 1], [0.5, 0.5, 0.5, 0.5], "equal"),
        ([1, 1, 1], [0.2, 0.5, 0.9], "one class"),
    ):
        line = cox_line(made(y, p))
        assert line.slope.state == line.test.state == "undefined"
        assert why in line.note
        assert why in repr(cl.calibration_report(made(y, p)))
    assert "3 probabilities" in cox_line(made([1, 0, 0, 0, 1, 1], [1, 0, 0, 0.2, 0.3, 0.6])).note


def test_hosmer_lemeshow_leaves_out_empty_groups():
    found = hosmer_lemeshow(made([0, 1, 0, 1, 1, 1], [0.1, 0.1, 0.1, 0.9, 0.9, 0.9]))
    assert found.observed.tolist() == [1, 3]
    assert found.test.statistic == pytest.approx((1 - 0.3) ** 2 / (0.3 * 0.9) + (3 - 2.7) ** 2 / (2.7 * 0.1))
    assert found.test.df == 2
    assert found.state == "insufficient"
    assert hosmer_lemeshow(drawn(5000, 14)).state == "ok"


def test_a_class_without_rows_is_reported_too():
    p = np.random.default_rng(15).dirichlet([1, 1, 1], 200)
    s = cl.Scores(y_true=p[:, :2].argmax(axis=1), y_score=p, classes=range(3), slices={"half": np.arange(200) % 2})
    report = cl.calibration_report(s)
    assert report.per_class["2"].large.happened == 0
    assert report.per_class["2"].large.bias.state == "degenerate"
    assert report.per_class["2"].line.slope.state == "undefined"
    assert [one.name for one in report.slices["half"]] == ["0", "1"]
    assert "2: says" in repr(report)
    json.dumps(report.to_dict(), allow_nan=False)


def test_a_histogram_lies_under_the_curve():
    s = made([0, 1, 0, 1, 1], [0.0, 0.25, 0.5, 0.99, 1.0])
    curve = reliability_curve(s)
    assert curve.histogram(4).tolist() == pytest.approx([0.2, 0.2, 0.2, 0.4])
    assert len(curve.to_dict()["histogram"]) == 20


@pytest.mark.slow
@pytest.mark.parametrize(("n", "runs"), [(200, 400), (1000, 300), (6000, 150)])
def test_a_simultaneous_band_holds_whole_curves(n, runs):
    left = sum(reliability_curve(drawn(n, seed), kind="simultaneous", seed=seed).outside > 0 for seed in range(runs))
    assert left / runs <= 0.1 + 3 * math.sqrt(0.09 / runs)


@pytest.mark.slow
@pytest.mark.parametrize(("groups", "size"), [(5, 20), (20, 10), (50, 6)])
def test_nothing_is_found_in_clusters_where_there_is_nothing(groups, size):
    runs = 600
    found = {"bias": 0, "line": 0, "slope": 0, "offset": 0}
    member = np.arange(groups * size) // size
    for seed in range(runs):
        rng = np.random.default_rng([seed, groups])
        p = rng.beta(1, 2, len(member))
        shared = rng.random(groups)[member]
        y = np.where(rng.random(len(member)) < 0.5, shared < p, rng.random(len(member)) < p)
        s = made(y, p, groups=member)
        line = cox_line(s)
        found["bias"] += in_the_large(s).bias.p <= 0.05
        found["line"] += line.test.p <= 0.05
        for name, one, right in (("slope", line.slope, 1), ("offset", line.offset, 0)):
            low, high = one.interval()
            found[name] += not low <= right <= high
    for name, count in found.items():
        assert count / runs <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / runs), name


@pytest.mark.slow
@pytest.mark.parametrize("n", [200, 1000])
def test_nothing_is_found_where_there_is_nothing(n):
    runs = 600
    found = {"line": 0, "z": 0, "hl": 0, "bias": 0}
    squared = []
    for seed in range(runs):
        s = drawn(n, seed)
        found["line"] += cox_line(s).test.p <= 0.05
        found["z"] += spiegelhalter(s).p <= 0.05
        found["hl"] += hosmer_lemeshow(s).test.p <= 0.05
        found["bias"] += in_the_large(s).bias.p <= 0.05
        squared.append(binned(s).debiased)
    for name in ("line", "z", "bias", "hl"):
        assert found[name] / runs <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / runs), name
    assert abs(np.mean(squared)) <= 3 * np.std(squared) / math.sqrt(runs)
