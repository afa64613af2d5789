"""Risk control: bounds against inversion by hand, thresholds against loops, promises by simulation."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy import stats

import cutline as cl
from cutline.decision.risk_control import (
    ControlledRisk,
    betting_p,
    betting_upper,
    control_fnr,
    control_risk,
    hoeffding_bentkus_p,
    hoeffding_bentkus_upper,
)
from cutline.errors import Infeasible, InputError, LabelError, NotCertifiable, RoleError, ScoreError, ShapeError


def world(n, seed, k=4, **more):
    rng = np.random.default_rng(seed)
    y = rng.uniform(size=(n, k)) < np.linspace(0.15, 0.5, k)
    score = np.round(1 / (1 + np.exp(-(rng.normal(size=(n, k)) + 2 * y - 1))), 3)
    return cl.MultiLabel(y_true=y.astype(int), y_score=score, kind="probability", **more)


def fnr_by_row(rows, at):
    """Missed share of each row with a true label, by loops."""
    out = []
    for truth, score in zip(rows.truth, rows.score, strict=True):
        if truth.any():
            out.append(sum(s < at for s, t in zip(score, truth, strict=True) if t) / truth.sum())
    return np.array(out)


def naive_hb(risk, n, alpha):
    low = min(risk, alpha)
    kl = (low * math.log(low / alpha) if low else 0) + ((1 - low) * math.log((1 - low) / (1 - alpha)) if low < 1 else 0)
    return min(1.0, math.exp(-n * kl), math.e * stats.binom.cdf(math.ceil(round(n * risk, 9)), n, alpha))


# --- bounds -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 7, 50, 400])
def test_hoeffding_bentkus_by_the_formula(n):
    for risk in (0.0, 0.013, 0.1, 0.29, 0.5, 1.0):
        for alpha in (0.05, 0.1, 0.3, 0.7):
            assert hoeffding_bentkus_p(risk, n, alpha=alpha) == pytest.approx(naive_hb(risk, n, alpha), rel=1e-9)


def test_counts_are_counted_as_integers():
    # 0.29 x 100 is 28.999999999999996: its next whole number is 29, and 0.07 x 100 is 7.000000000000001: 7.
    for k in range(101):
        assert hoeffding_bentkus_p(k / 100, 100, alpha=0.4) == pytest.approx(naive_hb(k / 100, 100, 0.4), rel=1e-9)
    assert hoeffding_bentkus_p(0.07, 100, alpha=0.2) < hoeffding_bentkus_p(0.0701, 100, alpha=0.2)


def test_the_upper_limit_inverts_the_p_value():
    for risk, n, confidence in ((0.05, 100, 0.9), (0.0, 30, 0.95), (0.213, 77, 0.8), (0.6, 12, 0.9)):
        upper = hoeffding_bentkus_upper(risk, n, confidence=confidence)
        assert hoeffding_bentkus_p(risk, n, alpha=upper) == pytest.approx(1 - confidence, rel=1e-6)
    assert hoeffding_bentkus_upper(1.0, 10) == 1
    assert hoeffding_bentkus_upper(0.123, 100, rounding="down") < hoeffding_bentkus_upper(0.123, 100)
    assert hoeffding_bentkus_upper(0.12, 100, rounding="down") == hoeffding_bentkus_upper(0.12, 100)


def test_an_undefined_risk_shows_nothing():
    assert hoeffding_bentkus_p(math.nan, 10, alpha=0.1) == 1
    assert (hoeffding_bentkus_p(np.array([0.0, math.nan]), 100, alpha=0.1) < 1).tolist() == [True, False]
    assert hoeffding_bentkus_p(0.0, 0, alpha=0.1) == 1
    assert hoeffding_bentkus_upper(math.nan, 0) == 1
    assert betting_p([], alpha=0.1) == 1
    assert betting_upper([]) == 1


def test_betting_by_loops():
    losses = np.random.default_rng(0).beta(1, 9, size=80)
    drawn = np.random.default_rng(3).permutation(losses)
    for alpha in (0.05, 0.12, 0.2, 0.5):
        wealth, best, total, squares = 1.0, 1.0, 0.5, 0.25
        for i, loss in enumerate(drawn, 1):
            stake = min(1.0, math.sqrt(2 * math.log(10) / (80 * squares / i)))
            wealth *= 1 - stake * (loss - alpha)
            best = max(best, wealth)
            total += loss
            squares += (loss - total / (1 + i)) ** 2
        assert betting_p(losses, alpha=alpha, confidence=0.9, seed=3) == pytest.approx(1 / best)
    upper = betting_upper(losses, seed=3)
    assert betting_p(losses, alpha=upper, seed=3) == pytest.approx(0.1, rel=1e-6)
    assert betting_upper(np.ones(5)) == 1
    assert upper < hoeffding_bentkus_upper(losses.mean(), 80)


# --- thresholds ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("alpha", [0.05, 0.1, 0.2, 0.5])
@pytest.mark.parametrize("confidence", [None, 0.9])
def test_the_threshold_by_trying_all(alpha, confidence):
    rows = world(150, 1)
    some = np.unique(rows.score)

    def fine(at):
        losses = fnr_by_row(rows, at)
        if confidence is None:
            return (losses.sum() + 1) / (len(losses) + 1) <= alpha + 1e-12
        return naive_hb(losses.mean(), len(losses), alpha) <= 1 - confidence

    best = max((at for at in some if fine(at)), default=None)
    if best is None:
        with pytest.raises(NotCertifiable):
            control_fnr(rows, alpha=alpha, confidence=confidence)
        return
    found = control_fnr(rows, alpha=alpha, confidence=confidence)
    # Between two scores nothing changes, and a score of no true label may be the higher one.
    assert (fnr_by_row(rows, found.threshold) == fnr_by_row(rows, best)).all()
    assert found.risk == pytest.approx(fnr_by_row(rows, best).mean())
    assert found.risk < found.held <= alpha + 1e-9
    assert found.n + found.left_out == 150
    on_all = control_fnr(rows, alpha=alpha, confidence=confidence, thresholds=some)
    assert (on_all.risk, on_all.n, on_all.left_out) == (pytest.approx(found.risk), found.n, found.left_out)


def test_exactly_at_the_limit_counts():
    # 19 rows with one label: (1 + 1) / 20 is one tenth.
    y = np.ones((19, 1), dtype=int)
    rows = cl.MultiLabel(y_true=y, y_score=np.arange(1, 20)[:, None] / 20, kind="probability")
    assert control_fnr(rows, alpha=0.1).threshold == 0.1
    assert control_fnr(rows, alpha=0.0999).threshold == 0.05


def test_more_confidence_is_a_lower_threshold():
    rows = world(800, 2)
    at = [control_fnr(rows, alpha=0.2, confidence=c).threshold for c in (None, 0.5, 0.9, 0.99)]
    assert at == sorted(at, reverse=True)
    assert at[0] > at[-1]


def test_too_few_rows_and_the_number_that_would_do():
    with pytest.raises(NotCertifiable) as caught:
        control_fnr(world(5, 3), alpha=0.05)
    assert caught.value.n_needed == 19
    with pytest.raises(NotCertifiable) as caught:
        control_fnr(world(10, 3), alpha=0.1, confidence=0.9)
    n = caught.value.n_needed
    assert naive_hb(0, n, 0.1) <= 0.1 < naive_hb(0, n - 1, 0.1)
    with pytest.raises(Infeasible):
        control_fnr(world(200, 3), alpha=0.1, thresholds=[0.9])
    y = np.ones((9, 1), dtype=int)
    one_each = cl.MultiLabel(y_true=y, y_score=np.arange(1, 10)[:, None] / 10, kind="probability")
    assert control_fnr(one_each, alpha=0.1).threshold == 0.1


def test_losses_of_any_scale():
    losses = np.linspace(0, 1, 50)[:, None] < np.arange(11) / 20
    one = control_risk(losses, thresholds=np.arange(11), alpha=0.2)
    five = control_risk(5 * losses, thresholds=np.arange(11), alpha=1.0, largest=5)
    assert one.threshold == five.threshold
    assert five.held == pytest.approx(5 * one.held)
    for bound in ("hoeffding-bentkus", "betting"):
        high = [
            control_risk(c * losses, thresholds=np.arange(11), alpha=0.3 * c, largest=c, confidence=0.9, bound=bound)
            for c in (1, 5)
        ]
        assert high[0].threshold == high[1].threshold
        assert high[1].held == pytest.approx(5 * high[0].held)
        assert high[0].held <= 0.3


def test_it_is_the_same_after_saving_and_decides():
    rows = world(120, 4)
    found = control_fnr(rows, alpha=0.15)
    again = ControlledRisk.from_dict(json.loads(json.dumps(found.to_dict())))
    assert again == found
    other = world(50, 5)
    assert (again.predict(other) == (other.score >= found.threshold)).all()
    assert (again.predict(other.score) == again.predict(other)).all()
    with pytest.raises(ShapeError):
        again.predict(other.score[:, :2])
    for broken in ({}, {"schema_version": 1}, found.to_dict() | {"threshold_hex": "x"}):
        with pytest.raises(InputError):
            ControlledRisk.from_dict(broken)


def test_assessing():
    rows, other = world(300, 6), world(200, 7)
    found = control_fnr(rows, alpha=0.15)
    told = found.assess(other)
    losses = fnr_by_row(other, found.threshold)
    assert told.risk == pytest.approx(losses.mean())
    assert told.interval(0.9) == pytest.approx(stats.t.interval(0.9, len(losses) - 1, losses.mean(), stats.sem(losses)))
    assert told.left_out == 200 - len(losses)
    assert told.labels_kept == pytest.approx((other.score >= found.threshold).sum(axis=1).mean())
    json.dumps(told.to_dict())
    assert "0.15 promised" in repr(told)
    with pytest.raises(RoleError, match="calibrated on"):
        found.assess(rows)
    with pytest.raises(LabelError):
        found.assess(world(50, 8, k=3))


def test_what_voids_the_promise_is_refused_by_name():
    rows = world(100, 9)
    for alpha in (0, 1, -0.1, math.nan):
        with pytest.raises(InputError, match="alpha"):
            control_fnr(rows, alpha=alpha)
        with pytest.raises(InputError, match="alpha"):
            hoeffding_bentkus_p(0.1, 10, alpha=alpha)
    with pytest.raises(InputError, match="confidence"):
        control_fnr(rows, alpha=0.1, confidence=1.0)
    with pytest.raises(InputError, match="bound"):
        control_fnr(rows, alpha=0.1, confidence=0.9, bound="wishful")
    with pytest.raises(InputError, match="thresholds"):
        control_fnr(rows, alpha=0.1, confidence=0.9, bound="betting")
    with pytest.raises(InputError, match="weight"):
        control_fnr(world(100, 9, weight=np.ones(100)))
    with pytest.raises(LabelError, match="true label"):
        control_fnr(cl.MultiLabel(y_true=[[0, 0]] * 3, y_score=[[0.1, 0.2]] * 3, kind="probability"))
    with pytest.raises(ScoreError, match="'label'"):
        control_fnr(cl.MultiLabel(y_true=[[0, 1]] * 3, y_score=[[0, 1]] * 3, kind="label"))
    with pytest.raises(InputError, match="fall from column 0 to 1"):
        control_risk([[1, 0]], thresholds=[0, 1], alpha=0.5)
    with pytest.raises(InputError, match="losses"):
        control_risk([[0, 2]], thresholds=[0, 1], alpha=0.5)
    with pytest.raises(InputError, match="losses"):
        control_risk([[0, math.nan]], thresholds=[0, 1], alpha=0.5)
    with pytest.raises(ShapeError):
        control_risk([[0, 1]], thresholds=[0], alpha=0.5)
    with pytest.raises(InputError, match="losses"):
        betting_p([0.5, 2], alpha=0.1)
    with pytest.raises(InputError, match="risk"):
        hoeffding_bentkus_p(1.5, 10, alpha=0.1)


@pytest.mark.slow
def test_the_promises_are_kept():
    """Miss rates on fresh rows: in expectation, and beyond the limit in at most a tenth of calibration sets."""
    alpha, runs, fresh = 0.2, 400, world(20_000, 10**6)
    grid = np.arange(101) / 100
    at = fresh.truth.sum(axis=1) > 0
    truth, score = fresh.truth[at], fresh.score[at]
    curve = np.array([((truth & (score < t / 1000)).sum(axis=1) / truth.sum(axis=1)).mean() for t in range(1001)])
    risks = np.zeros((runs, 3))
    for r in range(runs):
        rows = world(120, r)
        found = (
            control_fnr(rows, alpha=alpha),
            control_fnr(rows, alpha=alpha, confidence=0.9),
            control_fnr(rows, alpha=alpha, confidence=0.9, bound="betting", thresholds=grid, seed=r),
        )
        risks[r] = [curve[round(1000 * one.threshold)] for one in found]
    noise = 0.003  # of the fresh rows
    mean, error = risks[:, 0].mean(), risks[:, 0].std() / math.sqrt(runs)
    assert mean <= alpha + 3 * error + noise
    assert mean >= alpha - 1 / 100 - 3 * error - noise - 0.01
    limit = 0.1 + 3 * math.sqrt(0.1 * 0.9 / runs)
    assert (risks[:, 1] > alpha + noise).mean() <= limit
    assert (risks[:, 2] > alpha + noise).mean() <= limit
    assert risks[:, 2].mean() > risks[:, 1].mean()  # betting loses less to caution


@pytest.mark.slow
def test_bounds_hold_at_their_level():
    rng = np.random.default_rng(0)
    for a, b in ((1, 9), (0.2, 1.8), (5, 45)):
        runs = 1500
        losses = rng.beta(a, b, size=(runs, 60))
        missed = [
            [hoeffding_bentkus_upper(row.mean(), 60) < 0.1, betting_upper(row, seed=i) < 0.1]
            for i, row in enumerate(losses)
        ]
        assert (np.mean(missed, axis=0) <= 0.1 + 3 * math.sqrt(0.09 / runs)).all()
