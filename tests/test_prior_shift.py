"""Prevalence shift: known priors against the definition of a posterior, unknown ones against simulated truth."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

import cutline as cl
from cutline.calibration.label_shift import em_prior
from cutline.calibration.prior_estimate import estimate_prior
from cutline.calibration.prior_shift import shift_prior, undo_class_weight
from cutline.errors import InputError, LabelError, ScoreError

D = 1.5
"""Negatives are N(0, 1), positives N(D, 1): the posterior is known at every prior."""


def posterior(x, share):
    return 1 / (1 + (1 - share) / share * np.exp(D * D / 2 - D * x))


def drawn(n, share, seed=0, at=0.5, **more):
    """Rows with a share of positives, scored as where the share is `at`."""
    rng = np.random.default_rng(seed)
    y = rng.uniform(size=n) < share
    x = rng.normal(D * y, 1.0)
    return cl.Scores(y_true=y, y_score=posterior(x, at), classes=[False, True], kind="probability", **more), x


def three(n, shares, seed=0, at=(1 / 3, 1 / 3, 1 / 3)):
    """Three classes around the corners of a triangle, scored as where the shares are `at`."""
    rng = np.random.default_rng(seed)
    y = rng.choice(3, n, p=shares)
    corners = np.array([[0, 0], [1.8, 0], [0.9, 1.6]])
    x = corners[y] + rng.normal(size=(n, 2))
    like = np.exp(-np.square(x[:, None] - corners).sum(axis=2) / 2)
    p = like * at
    return cl.Scores(y_true=y, y_score=p / p.sum(axis=1, keepdims=True), classes=range(3), kind="probability"), like


def rates(found):
    return [getattr(found, m).prior[1] for m in ("em", "bbse_soft", "bbse_hard")]


@pytest.mark.parametrize("present", [0.0, 0.003, 0.4, 1.0])
def test_em_finds_the_maximum_also_at_the_border(present):
    rng = np.random.default_rng(4)
    x = rng.normal(1.4 * (rng.random(3000) < present) - 0.7)
    p = 1 / (1 + np.exp(-1.4 * x))
    found = em_prior(np.column_stack([1 - p, p]), np.array([0.5, 0.5]), np.ones(3000))[1]
    grid = np.linspace(0, 1, 20_001)
    loss = [-np.log(2 * (share * p + (1 - share) * (1 - p))).sum() for share in grid]
    assert found == pytest.approx(grid[int(np.argmin(loss))], abs=6e-5)


@pytest.mark.parametrize("given", ["a", "0.5", True, None, [0.5, "b"], {"a": 1}, (0.2, 0.3, 0.5)])
def test_a_prior_is_a_number(given):
    with pytest.raises(InputError, match="to: came"):
        shift_prior(drawn(20, 0.5)[0], to=given, source=0.5)


@pytest.mark.parametrize("to", [0.001, 0.1, 0.5, 0.93])
def test_a_known_prior_gives_the_posterior_there(to):
    s, x = drawn(200, 0.5)
    np.testing.assert_allclose(shift_prior(s, to=to, source=0.5).score, posterior(x, to), rtol=1e-12)
    back = shift_prior(shift_prior(s, to=to, source=0.5), to=0.5, source=to)
    np.testing.assert_allclose(back.score, s.score, rtol=1e-12)
    logits = s.with_score(np.log(s.score / (1 - s.score)), "logit")
    np.testing.assert_allclose(shift_prior(logits, to=to, source=0.5).probability, posterior(x, to), rtol=1e-9)
    truth = shift_prior(s, to=to)  # the source's shares are those of its rows
    np.testing.assert_allclose(truth.score, shift_prior(s, to=to, source=s.n_pos / s.n).score)
    assert any("prior" in note for note in truth.notes)


def test_a_known_prior_of_several_classes():
    s, like = three(150, [1 / 3] * 3)
    to = np.array([0.7, 0.2, 0.1])
    expected = like * to / (like * to).sum(axis=1, keepdims=True)
    even = [1 / 3] * 3
    np.testing.assert_allclose(shift_prior(s, to=to, source=even).score, expected, rtol=1e-10)
    by_name = {2: 0.1, 0: 0.7, 1: 0.2}
    np.testing.assert_allclose(shift_prior(s, to=by_name, source=even).score, expected, rtol=1e-10)
    certain = s.take([0, 1, 2]).with_score(np.eye(3), "probability")
    np.testing.assert_array_equal(shift_prior(certain, to=to, source=even).score, np.eye(3))


def test_the_positive_class_may_be_the_first():
    s = cl.Scores(y_score=[0.3, 0.8], classes=["bad", "good"], positive="bad", kind="probability")
    other = cl.Scores(y_score=[0.3, 0.8], classes=["bad", "good"], positive="good", kind="probability")
    np.testing.assert_array_equal(
        shift_prior(s, to=0.1, source=0.5).score, shift_prior(other, to=0.1, source=0.5).score
    )
    same = shift_prior(s, to={"bad": 0.1, "good": 0.9}, source=[0.5, 0.5])
    np.testing.assert_array_equal(same.score, shift_prior(s, to=0.1, source=0.5).score)
    np.testing.assert_array_equal(undo_class_weight(s, {"bad": 9}).score, undo_class_weight(other, {"good": 9}).score)


def test_class_weights_and_undersampling_are_undone():
    s, x = drawn(300, 0.1, at=0.1)
    odds = posterior(x, 0.1) / (1 - posterior(x, 0.1))
    as_if = s.with_score(odds * 9 / (1 + odds * 9), "probability")  # positives counted 9 times
    np.testing.assert_allclose(undo_class_weight(as_if, {True: 9}).score, posterior(x, 0.1), rtol=1e-10)
    np.testing.assert_allclose(undo_class_weight(as_if, {False: 1 / 9}).score, posterior(x, 0.1), rtol=1e-10)
    share = s.n_pos / s.n
    balanced = s.with_score(odds * (1 - share) / share / (1 + odds * (1 - share) / share), "probability")
    np.testing.assert_allclose(undo_class_weight(balanced, "balanced").score, posterior(x, 0.1), rtol=1e-10)
    kept = {"a": 0.5, "b": 1.0, "c": 0.2}
    p = np.random.default_rng(0).dirichlet(np.ones(3), 20)
    seen = p * list(kept.values())
    m = cl.Scores(y_score=seen / seen.sum(axis=1, keepdims=True), classes=list(kept), kind="probability")
    np.testing.assert_allclose(undo_class_weight(m, kept).score, p, rtol=1e-10)


def test_undoing_agrees_with_scikit_learn():
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(3)
    y = (rng.uniform(size=40_000) < 0.07).astype(int)
    x = rng.normal(D * y, 1.0)[:, None]
    weighted = LogisticRegression(class_weight="balanced", C=1e9).fit(x, y).predict_proba(x)
    undone = undo_class_weight(cl.Scores(y_true=y, y_score=weighted, kind="probability"), "balanced")
    plain = LogisticRegression(C=1e9).fit(x, y).predict_proba(x)[:, 1]
    assert abs(cl.prediction_bias(undone)) < 0.004
    assert np.abs(undone.score - plain).mean() < 0.004


@pytest.mark.parametrize("share", [0.02, 0.2, 0.6, 0.95])
def test_an_unknown_prior_is_found(share):
    source, _ = drawn(3000, 0.5, 1)
    target, x = drawn(2000, share, 2)
    found = estimate_prior(source, target)
    true = target.n_pos / target.n
    assert found.credible
    for method, got in zip(("em", "bbse_soft", "bbse_hard"), rates(found), strict=True):
        assert got == pytest.approx(true, abs=0.04)
        low, high = getattr(found, method).interval(0.99)
        assert low[1] < true < high[1]
        assert low[0] == pytest.approx(1 - high[1])
        assert np.ptp(getattr(found, method).interval(0.5), axis=0)[1] < (high - low)[1]
    mended = found.apply(target)
    np.testing.assert_allclose(mended.score, posterior(x, share), atol=0.12)
    assert cl.log_loss(mended) < cl.log_loss(target) or share == 0.6
    unlabelled = cl.Scores(y_score=target.score, classes=source.classes, kind="probability")
    again = estimate_prior(source, unlabelled, seed=9, replicates=100)
    assert rates(again) == rates(found)  # truth of the target is not looked at, and chance only makes the interval


def test_em_is_the_maximum_of_the_likelihood():
    _, x = drawn(500, 0.15, 4)
    p = posterior(x, 0.3)
    shares = np.array([0.7, 0.3])
    found = em_prior(np.column_stack([1 - p, p]), shares, np.ones(500))[1]

    def likelihood(t):
        return np.log((1 - p) * (1 - t) / 0.7 + p * t / 0.3).mean()

    grid = np.linspace(0.001, 0.999, 999)
    assert found == pytest.approx(grid[np.argmax([likelihood(t) for t in grid])], abs=1e-3)
    start = em_prior(np.column_stack([1 - p, p]), shares, np.ones(500), start=np.array([0.0, 1.0]))
    assert start[1] == pytest.approx(found, abs=1e-6)


def test_an_unknown_prior_of_several_classes():
    source, _ = three(3000, [1 / 3] * 3, 1)
    target, like = three(2000, [0.1, 0.2, 0.7], 2)
    found = estimate_prior(source, target)
    assert found.credible, found.why
    true = np.bincount(target.truth, minlength=3) / 2000
    for method in ("em", "bbse_soft", "bbse_hard"):
        one = getattr(found, method)
        np.testing.assert_allclose(one.prior, true, atol=0.05)
        assert one.prior.sum() == pytest.approx(1)
        low, high = one.interval(0.995)
        assert ((low < true) & (true < high)).all()
    q = like * [0.1, 0.2, 0.7]
    for method in ("em", "bbse_soft"):
        mended = found.apply(target, method=method)
        assert np.abs(mended.score - q / q.sum(axis=1, keepdims=True)).mean() < 0.05


def test_an_integer_weight_is_repetition_of_the_estimates():
    source, _ = drawn(400, 0.5, 5)
    target, _ = drawn(300, 0.2, 6)
    ws, wt = np.random.default_rng(0).integers(0, 4, 400), np.random.default_rng(1).integers(0, 4, 300)
    weighted = estimate_prior(source.with_weight(ws), target.with_weight(wt))
    repeated = estimate_prior(source.take(np.repeat(np.arange(400), ws)), target.take(np.repeat(np.arange(300), wt)))
    assert rates(weighted) == pytest.approx(rates(repeated), abs=1e-8)


def test_clusters_are_drawn_whole():
    source, _ = drawn(1000, 0.5, 7)
    target, _ = drawn(500, 0.2, 8)
    ten = np.repeat(np.arange(500), 10)
    copies = cl.Scores(y_true=target.is_positive[ten], y_score=target.score[ten], groups=ten, kind="probability")
    found = estimate_prior(source, copies)
    wide = np.ptp(found.em.interval(), axis=0)[1]
    assert wide == pytest.approx(np.ptp(estimate_prior(source, target).em.interval(), axis=0)[1], rel=0.3)
    assert math.isnan(found.p_mixture)  # a test for independent rows: not asked
    assert math.isnan(found.p_calibrated)
    assert found.state == "ok"


def test_uncalibrated_scores_are_told_to_be_calibrated_first():
    source, _ = drawn(2000, 0.5, 9)
    target, _ = drawn(2000, 0.2, 10)
    flat = [s.with_score(0.5 + 0.4 * (s.score - 0.5), "probability") for s in (source, target)]
    found = estimate_prior(*flat)
    assert found.state == "uncalibrated"
    assert abs(found.em.prior[1] - 0.2) > 0.1  # EM is far off, BBSE is not
    assert found.bbse_soft.prior[1] == pytest.approx(0.2, abs=0.04)
    with pytest.raises(InputError, match="calibrate"):
        found.apply(flat[1])
    mended = cl.calibrate(flat[0])
    again = estimate_prior(*map(mended.apply, flat))
    assert again.state == "ok"
    assert again.em.prior[1] == pytest.approx(0.2, abs=0.04)


def test_more_than_the_labels_moved_and_the_correction_is_refused():
    source, _ = drawn(2000, 0.5, 11)
    rng = np.random.default_rng(12)
    y = rng.uniform(size=2000) < 0.2
    wide = cl.Scores(y_true=y, y_score=posterior(rng.normal(0.4 + D * y, 1.8), 0.5), kind="probability")
    found = estimate_prior(source, wide)
    assert found.state == "not credible"
    assert not found.credible
    assert "mixture" in found.why
    with pytest.raises(InputError, match="not credible"):
        found.apply(wide)


def test_useless_scores_leave_the_prior_undefined():
    source, _ = drawn(300, 0.5, 13)
    constant = source.with_score(np.full(300, 0.5), "probability")
    found = estimate_prior(constant, constant)
    assert found.state == "undefined"
    assert np.isnan(found.bbse_soft.prior).all()
    assert all(np.isnan(side).all() for side in found.bbse_soft.interval())
    with pytest.raises(InputError, match="singular"):
        found.apply(constant)
    low = source.with_score(source.score * 0.4, "probability")  # no row is ever decided positive
    assert np.isnan(estimate_prior(low, low).bbse_hard.prior).all()


def test_few_rows_and_a_target_of_one_class():
    source, _ = drawn(40, 0.1, 14)
    assert source.n_pos == 3
    target, _ = drawn(30, 0.0, 15)
    found = estimate_prior(source, target)
    low, high = found.bbse_soft.interval()
    assert np.isnan(low).all() or high[1] - low[1] > 0.05  # a wide interval or none
    json.dumps(found.to_dict(), allow_nan=False)
    big, _ = drawn(2000, 0.5, 16)
    none = estimate_prior(big, drawn(500, 0.0, 17)[0])
    assert none.em.prior[1] < 0.06
    assert none.em.interval()[0][1] < 0.01


def test_the_result_shows_itself():
    found = estimate_prior(drawn(500, 0.5, 18)[0], drawn(300, 0.2, 19)[0])
    assert "em: True" in repr(found)
    assert "ok" in repr(found)
    saved = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert saved["em"]["prior"] == found.em.prior.tolist()
    assert saved["em"]["low"] == found.em.interval()[0].tolist()
    again = estimate_prior(drawn(500, 0.5, 18)[0], drawn(300, 0.2, 19)[0])
    assert again.to_dict() == found.to_dict()
    assert estimate_prior(drawn(500, 0.5, 18)[0], drawn(300, 0.2, 19)[0], seed=1).to_dict() != found.to_dict()


def binary(p=0.5, **more):
    return cl.Scores(y_score=[p, p], classes=[0, 1], kind="probability", **more)


@pytest.mark.parametrize(
    ("call", "kind", "says"),
    [
        (lambda: shift_prior(binary(), to=0.0, source=0.5), InputError, "strictly between 0 and 1"),
        (lambda: shift_prior(binary(), to=1.0, source=0.5), InputError, "strictly between 0 and 1"),
        (lambda: shift_prior(binary(), to=0.5, source=math.nan), InputError, "strictly between 0 and 1"),
        (lambda: shift_prior(binary(), to=[0.2, 0.2], source=0.5), InputError, "sum to 1"),
        (lambda: shift_prior(binary(), to=[0.2, 0.3, 0.5], source=0.5), InputError, "one for each class"),
        (lambda: shift_prior(binary(), to={0: 0.3}, source=0.5), InputError, "a share of each"),
        (lambda: shift_prior(binary(), to=0.1), LabelError, "no truth"),
        (lambda: shift_prior(binary(y_true=[1, 1]), to=0.1), LabelError, "rows of every class"),
        (
            lambda: shift_prior(binary().with_score(np.array([1.0, 7.0]), "rank"), to=0.1, source=0.5),
            ScoreError,
            "rank",
        ),
        (lambda: shift_prior(three(9, [1 / 3] * 3)[0], to=0.1), InputError, "one for each class"),
        (lambda: undo_class_weight(binary(), {1: 0.0}), InputError, "above 0"),
        (lambda: undo_class_weight(binary(), {2: 3.0}), LabelError, "2"),
        (lambda: undo_class_weight(binary(), "balance"), InputError, "'balanced'"),
        (lambda: estimate_prior(binary(y_true=[1, 1]), binary()), LabelError, "rows of every class"),
        (lambda: estimate_prior(binary(), binary()), LabelError, "no truth"),
        (lambda: estimate_prior(drawn(20, 0.5)[0], three(9, [1 / 3] * 3)[0]), LabelError, "as in source"),
        (lambda: estimate_prior(drawn(20, 0.5)[0], drawn(20, 0.5)[0], replicates=9), InputError, "at least 100"),
        (
            lambda: estimate_prior(drawn(20, 0.5)[0], drawn(20, 0.5)[0].with_score(np.arange(20.0), "rank")),
            ScoreError,
            "calibrated probabilities",
        ),
        (
            lambda: estimate_prior(drawn(500, 0.5)[0], drawn(500, 0.4)[0]).apply(drawn(9, 0.5)[0], method="best"),
            InputError,
            "'em'",
        ),
    ],
)
def test_what_cannot_be_shifted(call, kind, says):
    with pytest.raises(kind) as caught:
        call()
    assert says in str(caught.value)


@pytest.mark.slow
def test_intervals_cover_and_label_shift_is_seldom_refused():
    covered, refused, runs = np.zeros(3), 0, 200
    for seed in range(runs):
        found = estimate_prior(drawn(600, 0.5, seed)[0], drawn(400, 0.2, seed + 10_000)[0], seed=seed, replicates=100)
        for j, method in enumerate(("em", "bbse_soft", "bbse_hard")):
            low, high = getattr(found, method).interval()
            covered[j] += low[1] <= 0.2 <= high[1]
        refused += not found.credible
    assert (covered / runs > 0.9).all()
    assert refused / runs < 0.05 + 3 * math.sqrt(0.05 * 0.95 / runs)
