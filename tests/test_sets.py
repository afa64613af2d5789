"""Prediction sets: against plain loops, their promise by simulation, and what is refused."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

import cutline as cl
from cutline.decision.sets import METHODS, CoverageRow, PredictionSets, conformal, rank, rows_needed
from cutline.errors import InputError, LabelError, RoleError, ScoreError, UnknownName
from cutline.evidence import wilson

NAMES = ("a", "b", "c", "d")


def world(n, seed, share=(0.4, 0.3, 0.2, 0.1), **more):
    """Scores of a model that is wrong about its probabilities."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(len(share), size=n, p=share)
    z = rng.normal(size=(n, len(share))) + 1.5 * np.eye(len(share))[truth]
    p = np.exp(2 * z) / np.exp(2 * z).sum(axis=1, keepdims=True)
    names = NAMES[: len(share)]
    return cl.Scores(y_true=[names[t] for t in truth], y_score=p, classes=cl.Classes(names), kind="probability", **more)


def naive_strangeness(p, method, penalty=0.05, k_reg=1):
    out = np.empty_like(p)
    for i, row in enumerate(p):
        order = sorted(range(len(row)), key=lambda k: (-row[k], k))
        for k in range(len(row)):
            place = order.index(k)
            out[i, k] = {
                "lac": 1 - row[k],
                "class-conditional": 1 - row[k],
                "aps": sum(row[j] for j in order[: place + 1]),
                "raps": sum(row[j] for j in order[: place + 1]) + penalty * max(place + 1 - k_reg, 0),
                "margin": max(row[j] for j in range(len(row)) if j != k) - row[k],
            }[method]
    return out


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("confidence", [0.5, 0.8, 0.9])
def test_sets_and_p_values_by_loops(method, confidence):
    calibration, test = world(150, 0), world(40, 1)
    sets = conformal(calibration, confidence=confidence, method=method, penalty=0.1, k_reg=2)
    own = naive_strangeness(calibration.probabilities, method, 0.1, 2)[np.arange(150), calibration.truth]
    strange = naive_strangeness(test.probabilities, method, 0.1, 2)
    inside, p = sets.predict(test), sets.p_values(test)
    alpha = 1 - Fraction(str(confidence))
    for k in range(4):
        mine = own[calibration.truth == k] if method == "class-conditional" else own
        for i in range(40):
            stranger = sum(s >= strange[i, k] - 1e-12 for s in mine)
            assert p[i, k] == pytest.approx((1 + stranger) / (1 + len(mine)))
            assert inside[i, k] == (1 + stranger > alpha * (1 + len(mine)))


def test_two_classes_and_logits():
    rng = np.random.default_rng(2)
    y = rng.uniform(size=300) < 0.3
    z = rng.normal(size=300) + 2 * y - 1
    about = {"y_true": y, "classes": cl.Classes([False, True], True)}
    logits = cl.Scores(y_score=z, kind="logit", **about)
    both = cl.Scores(y_score=1 / (1 + np.exp(-z)), kind="probability", **about)
    sets = conformal(logits, confidence=0.8)
    assert (sets.predict(logits) == conformal(both, confidence=0.8).predict(both)).all()
    assert (sets.predict(z[:5]) == sets.predict(logits)[:5]).all()
    assert sets.predict(logits).shape == (300, 2)
    assert set(sets.decide(logits)) <= {(), (False,), (True,), (False, True)}


@pytest.mark.parametrize("confidence", [0.1, 0.3, 0.7, 0.8, 0.9, 0.95, 0.99, 1 - 0.9, 1 - 0.7])
def test_the_rank_is_that_of_fractions(confidence):
    level = Fraction(str(round(confidence, 6)))
    for n in range(400):
        assert rank(n, confidence) == math.ceil((n + 1) * level)
    needed = rows_needed(confidence)
    assert rank(needed, confidence) <= needed
    assert needed == 1 or rank(needed - 1, confidence) > needed - 1


def test_too_few_rows_give_full_sets_and_say_so():
    calibration = world(8, 3)
    sets = conformal(calibration, confidence=0.9)
    assert sets.predict(world(20, 4)).all()
    assert "needs 9 calibration rows" in repr(sets)
    assert not conformal(world(9, 3), confidence=0.9).predict(world(200, 4)).all()


def test_classes_with_few_rows_share_a_limit_or_are_always_in():
    scores = world(400, 5, share=(0.9, 0.09, 0.005, 0.005))
    assert min(len(r) for r in conformal(scores).calibration) < 9
    pooled = conformal(scores, method="class-conditional")
    included = conformal(scores, method="class-conditional", few="include")
    assert pooled.parts == (0, 1, 4, 4)
    assert "['c', 'd']: they share a limit" in repr(pooled)
    assert included.predict(scores)[:, 2:].all()
    assert "every set holds ['c', 'd']" in repr(included)
    assert (included.predict(scores)[:, :2] == pooled.predict(scores)[:, :2]).all()
    report = pooled.report(world(300, 6))
    assert report.classes[0].shape is not None
    assert report.classes[2].shape is None  # promised jointly only


def test_a_class_without_rows():
    scores = world(300, 7, share=(0.5, 0.3, 0.2, 0.0))
    assert "no calibration row is of class ['d']" in repr(conformal(scores))
    assert conformal(scores, method="class-conditional").predict(scores)[:, 3].all()
    report = conformal(scores).report(world(50, 8, share=(0.5, 0.5, 0.0, 0.0)))
    assert math.isnan(report.classes[2].coverage)
    assert report.to_dict()["classes"][2]["coverage"] is None


def test_three_positives():
    p = np.linspace(0.01, 0.99, 60)
    scores = cl.Scores(y_true=np.arange(60) >= 57, y_score=p, kind="probability")
    sets = conformal(scores, method="class-conditional")
    assert sets.predict(scores)[:, 1].all()
    assert "every set holds [True]" in repr(sets)


def test_sets_grow_with_confidence():
    calibration, test = world(200, 9), world(100, 10)
    for method in METHODS:
        sets = conformal(calibration, method=method, few="include")
        sizes = [sets.at(c).predict(test) for c in (0.5, 0.7, 0.9, 0.95, 0.99)]
        assert all((small <= large).all() for small, large in pairwise(sizes))


def test_equal_sums_are_equal_however_they_were_added():
    # 0.1 + 0.2 + 0.3 differs from 0.6 in the last digit.
    p = [[0.1, 0.2, 0.3, 0.4]] * 20
    scores = cl.Scores(y_true=list("abcd") * 5, y_score=p, classes=NAMES, kind="probability")
    turned = cl.Scores(y_score=[row[::-1] for row in p], classes=NAMES, kind="probability")
    sets = conformal(scores, confidence=0.5, method="aps")
    assert (sets.predict(turned)[:, ::-1] == sets.predict(scores)).all()


def test_the_report_counts():
    calibration, test = world(300, 11), world(200, 12)
    sets = conformal(calibration, confidence=0.6)
    report, inside = sets.report(test), sets.predict(test)
    hit = inside[np.arange(200), test.truth]
    assert report.overall.coverage == hit.mean()
    assert report.sizes == tuple(int((inside.sum(axis=1) == s).sum()) for s in range(5))
    assert report.empty == report.sizes[0] > 0
    assert report.mean_size == pytest.approx(inside.sum(axis=1).mean())
    for k, row in enumerate(report.classes):
        assert row.n == (test.truth == k).sum()
        assert row.coverage == hit[test.truth == k].mean()
    at = rank(300, 0.6)
    assert report.overall.shape == (at, 301 - at)
    assert report.overall.interval() == wilson(int(hit.sum()), 200)
    assert "60 % promised" in repr(report)
    json.dumps(report.to_dict())


def test_the_band_and_the_p_value_are_those_of_scipy():
    row = CoverageRow("all", 165, 200, (91, 10))
    assert row.band(0.9) == pytest.approx(stats.beta(91, 10).interval(0.9))
    assert row.p == pytest.approx(stats.betabinom(200, 91, 10).cdf(165))
    assert CoverageRow("all", 200, 200, (9, 0)).p == 1
    assert CoverageRow("all", 200, 200, (9, 0)).band() == (1, 1)
    assert math.isnan(CoverageRow("c", 1, 2).p)


def test_the_rows_it_was_calibrated_on_are_refused():
    scores = world(200, 13, ids=np.arange(200))
    sets = conformal(scores)
    with pytest.raises(RoleError, match="calibrated on"):
        sets.report(scores)
    half = sets.report(world(200, 14, ids=np.arange(100, 300)))
    assert half.role == "in-sample"
    assert "50 %" in repr(half)
    assert sets.report(world(200, 14, ids=np.arange(200, 400))).notes == ()
    assert "pass ids=" in repr(conformal(world(200, 13)).report(world(100, 14)))
    with pytest.raises(RoleError, match="calibrated on"):
        conformal(world(200, 13)).report(world(200, 13))


def test_it_is_the_same_after_saving():
    for method in METHODS:
        sets = conformal(world(200, 15), method=method, randomized=method == "aps", seed=3)
        again = PredictionSets.from_dict(json.loads(json.dumps(sets.to_dict())))
        test = world(80, 16)
        assert (again.predict(test) == sets.predict(test)).all()
        assert (again.p_values(test) == sets.p_values(test)).all()
        assert repr(again) == repr(sets)
        with pytest.raises(RoleError):
            again.report(world(200, 15))
    saved = conformal(world(20, 15)).to_dict()
    for broken in ({"schema_version": 2}, saved | {"method": "x"}, saved | {"confidence": 2}, {"schema_version": 1}):
        with pytest.raises(InputError):
            PredictionSets.from_dict(broken)


def test_draws_go_with_ids_not_with_batches():
    sets = conformal(world(200, 17, ids=np.arange(200)), method="raps", randomized=True, seed=4)
    test = world(60, 18, ids=np.arange(1000, 1060))
    parts = np.concatenate([sets.predict(test.take(np.arange(20))), sets.predict(test.take(np.arange(20, 60)))])
    assert (parts == sets.predict(test)).all()
    other = conformal(world(200, 17, ids=np.arange(200)), method="raps", randomized=True, seed=5)
    assert (other.predict(test) != sets.predict(test)).any()


def test_what_voids_the_promise_is_refused_by_name():
    for name in ("weight", "groups"):
        with pytest.raises(InputError, match=name):
            conformal(world(30, 19, **{name: np.arange(1, 31)}))
        with pytest.raises(InputError, match=name):
            conformal(world(30, 19)).report(world(30, 20, **{name: np.arange(1, 31)}))
    for role in ("train", "tune", "out-of-fold", "in-sample"):
        with pytest.raises(RoleError, match=role):
            conformal(world(30, 19, role=role))
    conformal(world(30, 19, role="certify"))
    ranks = cl.Scores(y_true=[0, 1, 1], y_score=[1.0, 2.0, 3.0], kind="rank")
    with pytest.raises(ScoreError, match="'rank'"):
        conformal(ranks)
    with pytest.raises(ScoreError, match="'label'"):
        conformal(cl.Scores(y_true=[0, 1, 1], y_score=[0, 1, 0], kind="label"))
    with pytest.raises(LabelError, match="no truth"):
        conformal(cl.Scores(y_score=[0.5, 0.2], classes=cl.Classes([0, 1], 1), kind="probability"))
    with pytest.raises(LabelError, match="classes of the sets"):
        conformal(world(30, 19)).predict(world(30, 19, share=(0.5, 0.3, 0.2)))
    for confidence in (0, 1, -1, math.nan):
        with pytest.raises(InputError, match="confidence"):
            conformal(world(30, 19), confidence=confidence)
    with pytest.raises(UnknownName, match="'apps'"):
        conformal(world(30, 19), method="apps")
    with pytest.raises(UnknownName):
        conformal(world(30, 19), few="drop")
    with pytest.raises(InputError, match="penalty"):
        conformal(world(30, 19), penalty=-1)
    with pytest.raises(InputError, match="randomized"):
        conformal(world(30, 19), randomized=True)


@pytest.mark.parametrize("method", [*METHODS, "randomized"])
def test_the_promise_is_kept(method):
    """Over calibration sets of 60 rows the mean coverage is confidence to confidence + 1 / 61."""
    more = {"method": "aps", "randomized": True} if method == "randomized" else {"method": method}
    share = (0.5, 0.5, 0.0, 0.0) if method == "class-conditional" else (0.4, 0.3, 0.2, 0.1)
    test = world(2000, 999, share)
    found, by_class, runs = [], [], 150
    for r in range(runs):
        report = conformal(world(60, r, share), confidence=0.8, seed=r, **more).report(test)
        found.append(report.overall.coverage)
        by_class.append([row.coverage for row in report.classes[:2]])
    spread = np.std(found) / math.sqrt(runs) + math.sqrt(0.8 * 0.2 / 2000)
    assert np.mean(found) >= 0.8 - 3 * spread
    few = 31 if method == "class-conditional" else 61
    assert np.mean(found) <= 0.8 + 1 / few + 0.01 + 3 * spread
    if method == "class-conditional":
        assert (np.mean(by_class, axis=0) >= 0.8 - 3 * math.sqrt(2) * spread).all()


@pytest.mark.slow
def test_coverage_is_beta_distributed():
    """The reference band holds the coverage of a calibration set at its rate, and p is small at its own."""
    from scipy.special import betainc

    at = rank(99, 0.9)
    low, high = CoverageRow("all", 0, 1, (at, 100 - at)).band(0.9)
    rng = np.random.default_rng(0)
    limits = np.sort(rng.uniform(size=(4000, 99)), axis=1)[:, at - 1]  # strangeness uniform: coverage is the limit
    assert np.mean((limits >= low) & (limits <= high)) == pytest.approx(0.9, abs=0.02)
    assert np.mean(betainc(at, 100 - at, limits) <= 0.05) == pytest.approx(0.05, abs=0.015)
    covered = rng.binomial(150, limits)
    small = [CoverageRow("all", int(k), 150, (at, 100 - at)).p <= 0.05 for k in covered]
    assert np.mean(small) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 4000)
    assert np.mean(small) >= 0.02
