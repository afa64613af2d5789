from __future__ import annotations

import itertools
import math
import operator
from fractions import Fraction
from functools import lru_cache, reduce

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cutline as cl
from cutline.errors import InputError, LabelError, ScoreError
from cutline.metrics import METRICS, bounds, f_beta
from cutline.metrics.buckets import LOSSES, Buckets, bucketed, coarsened, edges_of, mean_losses, merged
from tests import naive

EXAMPLES = settings(max_examples=300, deadline=None, derandomize=True, database=None)
ROUNDING = 1e-12
"""What the bounds leave to floating point, as they say."""


def scores(y, p, w=None, kind="probability"):
    return cl.Scores(y_true=y, y_score=p, weight=w, classes=[0, 1], kind=kind)


def holds(found, value):
    assert found.low - ROUNDING <= value <= found.high + ROUNDING, (found, value)


# Every arrangement of the rows of a bucket: what the bounds are about.


@lru_cache
def arrangements(p, q):
    """All ways to put p positives and q negatives in groups of equal scores, the highest group first."""
    if not p and not q:
        return [()]
    firsts = [(a, b) for a in range(p + 1) for b in range(q + 1) if a + b]
    return [((a, b), *rest) for a, b in firsts for rest in arrangements(p - a, q - b)]


def exact(groups):
    """AUC, average precision and KS of groups of equal scores, in fractions."""
    positives, negatives = sum(a for a, _ in groups), sum(b for _, b in groups)
    tp = fp = 0
    pairs = precision = ks = Fraction(0)
    for a, b in groups:
        pairs += Fraction(b) * tp + Fraction(a * b, 2)
        tp, fp = tp + a, fp + b
        precision += Fraction(a * tp, tp + fp)
        if positives and negatives:
            ks = max(ks, abs(Fraction(tp, positives) - Fraction(fp, negatives)))
    return (
        pairs / (positives * negatives) if positives and negatives else None,
        precision / positives if positives else None,
        ks if positives and negatives else None,
    )


def cumulative(counts):
    return np.cumsum([(0, 0), *counts], axis=0).T


BOXES = [
    ((2, 2),),
    ((3, 3),),
    ((1, 4),),
    ((4, 1),),
    ((0, 2), (2, 1)),
    ((2, 2), (2, 2)),
    ((1, 2), (3, 1)),
    ((2, 0), (2, 2)),
]
BOXES += [
    ((1, 1), (1, 1), (1, 1)),
    ((0, 1), (2, 2), (1, 0)),
    ((3, 0),),
    ((0, 3),),
    ((2, 1), (0, 0), (1, 2)),
    ((0, 4), (3, 2)),
]


@pytest.mark.parametrize("counts", BOXES, ids=str)
def test_the_bounds_are_the_extremes_of_all_arrangements(counts):
    every = [exact(sum(each, ())) for each in itertools.product(*(arrangements(p, q) for p, q in counts))]
    tp, fp = cumulative(counts)
    for i, found in enumerate((bounds.auc(tp, fp), bounds.average_precision(tp, fp), bounds.ks(tp, fp))):
        values = [each[i] for each in every]
        if None in values:
            assert math.isnan(found.low)
            assert math.isnan(found.high)
        else:
            assert found.low == pytest.approx(float(min(values)), abs=1e-15)
            assert found.high == pytest.approx(float(max(values)), abs=1e-15)


@st.composite
def samples(draw, weighted=None):
    n = draw(st.integers(1, 30))
    grid = draw(st.sampled_from([4, 16, 1000]))  # few values tie often
    p = draw(st.lists(st.integers(0, grid).map(lambda k: k / grid), min_size=n, max_size=n))
    y = draw(st.lists(st.integers(0, 1), min_size=n, max_size=n))
    w = None
    if draw(st.booleans()) if weighted is None else weighted:
        w = np.array(
            draw(st.lists(st.one_of(st.integers(1, 3).map(float), st.floats(1e-3, 100)), min_size=n, max_size=n))
        )
    return np.array(y), np.array(p), w


LADDERS = st.lists(st.integers(1, 99).map(lambda k: k / 100), max_size=6, unique=True).map(lambda e: [0.0, *sorted(e)])


def counted(found):
    return (found.tp, found.fp) if found.weights is None else (found.weights.tp, found.weights.fp)


def certified(found):
    tp, fp = counted(found)
    return bounds.auc(tp, fp), bounds.average_precision(tp, fp), bounds.ks(tp, fp)


@EXAMPLES
@given(samples(), LADDERS)
def test_the_bounds_contain_the_exact_value(data, ladder):
    y, p, w = data
    s = scores(y, p, w)
    table = cl.ThresholdTable.from_scores(s)
    auc, precision, ks = certified(bucketed(s, ladder))
    if y.any():
        holds(precision, cl.average_precision.value(table))
    else:
        assert math.isnan(precision.low)
    if 0 < y.sum() < len(y):
        holds(auc, cl.roc_auc.value(table))
        c = table.counts()
        holds(ks, np.abs(c.tp / c.positives - c.fp / c.negatives).max())
    else:
        assert math.isnan(auc.low)
        assert math.isnan(ks.high)


@EXAMPLES
@given(samples(), LADDERS, LADDERS)
def test_finer_edges_give_bounds_inside_the_coarser_ones(data, coarse, more):
    y, p, w = data
    fine = sorted({*coarse, *more})
    for inner, outer in zip(
        certified(bucketed(scores(y, p, w), fine)), certified(bucketed(scores(y, p, w), coarse)), strict=True
    ):
        if not math.isnan(inner.low):
            assert outer.low - ROUNDING <= inner.low <= inner.high <= outer.high + ROUNDING


@EXAMPLES
@given(samples(weighted=False))
def test_a_bucket_for_each_score_leaves_ties_only(data):
    y, p, _ = data
    table = cl.ThresholdTable.from_scores(scores(y, p))
    found = bucketed(scores(y, p), table.thresholds[:0:-1])
    assert found.thresholds.tolist() == table.thresholds.tolist()
    assert (found.tp.tolist(), found.fp.tolist()) == (table.tp.tolist(), table.fp.tolist())
    if len(set(p.tolist())) == len(p):
        for each in certified(found):
            assert math.isnan(each.low) or each.width == 0


def test_exact_bounds_have_no_width():
    found = bounds.average_precision(*cumulative([(1, 0), (0, 3), (1, 0), (0, 2), (1, 0)]))
    assert found.width == 0
    assert found.low == pytest.approx((1 + 2 / 5 + 3 / 8) / 3)
    assert repr(bounds.auc([0, 1, 1], [0, 0, 1])) == "Bounds(1)"
    assert bounds.auc([0, 2], [0, 2]).middle == 0.5
    assert 0.3 in bounds.auc([0, 2], [0, 2])
    assert bounds.auc([0, 2], [0, 0]).to_dict() == {"low": None, "high": None}


# Count metrics at a threshold between two edges.


@EXAMPLES
@given(samples(), LADDERS, st.one_of(st.floats(-0.5, 1.5), st.sampled_from([-math.inf, math.inf])))
def test_counts_between_edges_are_bracketed(data, ladder, at):
    y, p, w = data
    found = bucketed(scores(y, p, w), ladder)
    truth = naive.counts(p, y, at, w)
    above, below = bounds.counts_at(found.thresholds, *counted(found), at)
    for name, value in zip(("tp", "fp", "fn", "tn"), truth, strict=True):
        ends = sorted([getattr(above, name), getattr(below, name)])
        assert ends[0] - 1e-9 <= value <= ends[1] + 1e-9
    if at in ladder or at in (math.inf, -math.inf) or at < 0:
        assert above == below
    counts = cl.ThresholdTable.from_scores(scores(y, p, w)).counts(at)
    for metric in COUNTED:
        value, bracket = metric.value(counts), bounds.of_metric(metric, above, below)
        if not math.isnan(value):
            assert bracket.low - 1e-9 <= value <= bracket.high + 1e-9, metric.name
        if above == below and not math.isnan(value):
            assert bracket.width == 0


COUNTED = [m for m in (*METRICS.values(), f_beta(2), f_beta(0.5)) if m.of_counts]
INSIDE = [
    (0, 0, 3, 2),
    (2, 1, 3, 4),
    (0, 0, 3, 0),
    (0, 0, 0, 3),
    (1, 0, 0, 3),
    (0, 2, 3, 0),
    (0, 0, 5, 5),
    (2, 2, 3, 3),
]
INSIDE += [(3, 1, 0, 4), (4, 0, 1, 0), (0, 5, 0, 0), (1, 1, 1, 1)]


@pytest.mark.parametrize("metric", COUNTED, ids=lambda m: m.name)
def test_corners_hold_the_extremes_over_all_integer_points(metric):
    """A metric with a turning point inside the box would fail here."""
    for (tp, fp, p, q), more_p, more_q in itertools.product(INSIDE, (0, 1, 4), (0, 2)):

        def cells(a, b, n1=tp + p + more_p, n0=fp + q + more_q):
            return cl.Counts(a, b, n1 - a, n0 - b)

        values = [metric.value(cells(tp + a, fp + b)) for a in range(p + 1) for b in range(q + 1)]
        values = [v for v in values if not math.isnan(v)]
        found = bounds.of_metric(metric, cells(tp, fp), cells(tp + p, fp + q))
        if values:
            assert (found.low, found.high) == pytest.approx((min(values), max(values)), abs=1e-14)
        else:
            assert math.isnan(found.low)
            assert math.isnan(found.high)


def test_weights_have_no_lightest_row():
    above, below = cl.Counts(0.0, 0.0, 4.0, 4.0), cl.Counts(2.0, 0.0, 2.0, 4.0)
    found = bounds.of_metric(cl.mcc, above, below)
    assert found.low == pytest.approx(0, abs=1e-40)  # one speck of a positive flagged
    assert found.high == pytest.approx(cl.mcc(below))
    assert bounds.of_metric(cl.precision, above, below) == bounds.Bounds(1.0, 1.0)


def test_light_rows_reach_below_what_rows_of_weight_1_would():
    y, p = np.r_[np.zeros(20), np.ones(20)].astype(int), np.linspace(0.9, 0.1, 40)
    table = cl.ThresholdTable.from_scores(scores(y, p, np.full(40, 1e-3)))
    found = bounds.average_precision(*counted(bucketed(scores(y, p, np.full(40, 1e-3)), 1)))
    holds(found, cl.average_precision.value(table))
    assert found.low == pytest.approx(1 - math.log(2))  # the integral of s / (s + 1)


def test_what_is_no_count_metric_is_refused():
    here = cl.Counts(1, 1, 1, 1)
    with pytest.raises(InputError, match="metric of counts"):
        bounds.of_metric(cl.roc_auc, here, here)
    with pytest.raises(InputError, match="nan"):
        bounds.counts_at([math.inf, 0.0], [0, 1], [0, 1], math.nan)
    with pytest.raises(InputError, match="begin with 0"):
        bounds.auc([1, 2], [0, 1])


# Merging.


def same(a, b):
    np.testing.assert_array_equal(a.thresholds, b.thresholds)
    np.testing.assert_array_equal(a.tp, b.tp)
    np.testing.assert_array_equal(a.fp, b.fp)
    assert (a.weights is None) == (b.weights is None)
    if a.weights is not None:
        for name in ("tp", "fp", "tp2", "fp2"):
            np.testing.assert_allclose(getattr(a.weights, name), getattr(b.weights, name), rtol=1e-12, atol=1e-9)
    assert set(a.losses) == set(b.losses)
    for name in a.losses:
        np.testing.assert_allclose(a.losses[name], b.losses[name], rtol=1e-12, atol=1e-12)


@EXAMPLES
@given(st.lists(samples(), min_size=3, max_size=3), LADDERS, st.sets(st.integers(0, 6)), st.permutations(range(3)))
def test_merged_parts_are_the_whole_in_any_order(parts, coarse, more, order):
    weighted = any(w is not None for _, _, w in parts)
    fine = sorted({*coarse, *(k / 7 for k in more)})
    ladders = [fine, coarse, fine]
    a, b, c = (bucketed(scores(*part), ladders[i]) for i, part in enumerate(parts))
    y, p = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
    w = np.concatenate([np.ones(len(y)) if v is None else v for y, _, v in parts]) if weighted else None
    whole = bucketed(scores(y, p, w), coarse)
    same(merged(merged(a, b), c), whole)
    same(merged(a, merged(b, c)), whole)
    same(reduce(merged, [(a, b, c)[i] for i in order]), whole)


def test_edges_that_are_no_part_of_one_another_do_not_merge():
    s = scores([0, 1], [0.2, 0.8])
    with pytest.raises(InputError, match=r"1 edge\(s\) that the table lacks, the first 0.5"):
        merged(bucketed(s, [0, 0.5]), bucketed(s, [0, 0.3, 0.6]))


def test_an_exact_table_can_be_put_on_any_edges():
    rng = np.random.default_rng(3)
    y, p, w = rng.integers(0, 2, 200), rng.integers(0, 40, 200) / 40, rng.random(200) + 0.1
    found = coarsened(cl.ThresholdTable.from_scores(scores(y, p, w)), 16)
    same(found, bucketed(scores(y, p, w, "rank"), 16))
    with pytest.raises(InputError, match=r"row\(s\) below 0.5"):
        coarsened(cl.ThresholdTable.from_scores(scores(y, p)), [0.5, 0.75])


# Filling.


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("edges", [1, 3, 16, 65536, "prefix16"])
def test_counts_at_edges_are_exact(edges, dtype):
    rng = np.random.default_rng(8)
    p = np.concatenate([rng.random(500), rng.random(100) ** 20, np.linspace(0, 1, 33), [5e-324, 1e-40, 1e-310, 1 / 3]])
    p = np.concatenate([p, np.nextafter(p[600:633], 0)]).astype(dtype)  # at the edges of 16 buckets, and just below
    y = rng.integers(0, 2, len(p))
    found = bucketed(scores(y, p), edges)
    at = found.thresholds
    for row in {
        0,
        1,
        len(at) - 1,
        *rng.integers(0, len(at), 40).tolist(),
        *np.flatnonzero(np.diff(found.tp))[:40].tolist(),
    }:
        assert found.tp[row] == ((p >= at[row]) & (y == 1)).sum()
        assert found.fp[row] == ((p >= at[row]) & (y == 0)).sum()
    assert found.tp[-1] + found.fp[-1] == len(p)


def test_prefixes_take_scores_on_any_scale():
    top = np.finfo(np.float64).max
    near = np.float64(np.float32(3.3895e38))
    values = np.array(
        [-top, -near, -1e38, -3.14159, -1.0, -1e-38, -1e-42, -5e-324, -0.0, 0.0, 1e-42, 1.0, 3.0, near, top]
    )
    values = np.concatenate([values, np.nextafter(values[1:-1], np.inf), np.nextafter(values[1:-1], -np.inf)])
    ladder = edges_of("prefix16")
    assert len(ladder) == 65280
    ends = np.concatenate([ladder[1:], np.nextafter(ladder[1:], -np.inf)])
    for score in (np.concatenate([values, ends]), np.linspace(-1, 1, 5001, dtype=np.float32)):
        y = np.arange(len(score)) % 2
        found = bucketed(scores(y, score, kind="rank"), "prefix16")
        slot = np.searchsorted(ladder, score.astype(np.float64), side="right") - 1
        expected = np.bincount(slot[y == 1], minlength=len(ladder))[::-1].cumsum()
        np.testing.assert_array_equal(found.tp[1:], expected)
    width = np.diff(ladder[ladder >= 1e-30]) / ladder[ladder >= 1e-30][:-1]
    assert width.max() <= 0.01


def test_edges_are_checked():
    for wrong in (
        [],
        [0.5, 0.5],
        [1.0, 0.0],
        [0.0, math.inf],
        [0.0, math.nan],
        [math.nan],
        0,
        -3,
        True,
        "prefix17",
        [[0.0]],
    ):
        with pytest.raises(InputError, match="edges"):
            edges_of(wrong)
    assert edges_of([-math.inf, 0]).tolist() == [-math.inf, 0.0]
    s = scores([0, 1], [0.2, 0.8])
    with pytest.raises(ScoreError, match="lowest edge"):
        bucketed(s, [0.5])
    with pytest.raises(ScoreError, match="labels"):
        bucketed(cl.Scores(y_true=[0, 1], y_score=[0, 1], classes=[0, 1], kind="label"), 4)
    with pytest.raises(LabelError, match="binary"):
        bucketed(cl.Scores(y_true=[0, 1, 2], y_score=np.eye(3), kind="probability"), 4)


def test_rows_that_do_not_count_are_left_out():
    s = cl.Scores(
        y_true=[0, 1, None, 1], y_score=[0.2, 0.8, 0.9, 0.7], weight=[1, 2, 5, 0], classes=[0, 1], kind="rank"
    )
    found = bucketed(s, 2)
    assert (found.tp.tolist(), found.fp.tolist(), found.weights.tp2.tolist()) == ([0, 1, 1], [0, 0, 1], [0, 4, 4])
    assert found.losses == {}


@EXAMPLES
@given(samples(), st.integers(1, 9))
def test_means_over_rows_are_exact(data, edges):
    y, p, w = data
    s = scores(y, p, w)
    got = mean_losses(bucketed(s, edges))
    assert set(got) == set(LOSSES)
    for name, value in got.items():
        assert value == pytest.approx(METRICS[name].value(s), rel=1e-12, abs=1e-13)


# More rows than products of 64-bit integers hold.


@pytest.mark.parametrize("size", [2**31, 2**32, 2**40, 2**40 + 12345])
def test_products_of_large_counts_do_not_overflow(size):
    steps = [(size, 1), (size // 3, size), (7, size * 2), (1, 0), (size, size - 1), (0, size)]
    tp, fp = cumulative(steps)
    assert tp.dtype == np.int64
    table = cl.ThresholdTable(np.array([np.inf, 6, 5, 4, 3, 2, 1]), tp, fp)
    auc, precision, _ = exact(steps)
    assert cl.roc_auc.value(table) == pytest.approx(float(auc), rel=1e-13)
    assert cl.average_precision.value(table) == pytest.approx(float(precision), rel=1e-13)
    positives, negatives = sum(p for p, _ in steps), sum(q for _, q in steps)
    low = sum((q * sum(p for p, _ in steps[:i]) for i, (_, q) in enumerate(steps)), 0)
    inside = sum(itertools.starmap(operator.mul, steps))
    found = bounds.auc(tp, fp)
    assert found.low == pytest.approx(float(Fraction(low, positives * negatives)), rel=1e-13)
    assert found.width == pytest.approx(float(Fraction(inside, positives * negatives)), rel=1e-12)
    holds(found, float(auc))
    found = bounds.average_precision(tp, fp)
    lows = highs = Fraction(0)
    before, false = 0, 0
    for p, q in steps:
        highs += Fraction(p * (before + p), before + p + false) if p else 0
        # The sum over p rows lies within one term of its integral, which is all that p of 2^40 lets us compute exactly.
        c = false + q
        lows += Fraction(p - (c * math.log1p(p / (before + c)) if c else 0))
        before, false = before + p, false + q
    assert found.high == pytest.approx(float(highs / positives), rel=1e-13)
    assert found.low == pytest.approx(float(lows / positives), abs=5 / size + 1e-13)
    holds(found, float(precision))
    top = bounds.of_metric(cl.mcc, *bounds.counts_at(table.thresholds, tp, fp, 4.5))
    assert -1 <= top.low < top.high <= 1


@pytest.mark.parametrize("after", [0, 1, 63, 64, 65, 10**3, 10**6])
@pytest.mark.parametrize("terms", [1, 2, 5, 1000])
def test_partial_harmonic_sums(after, terms):
    expected = math.fsum(1 / j for j in range(after + 1, after + terms + 1))
    got = bounds.harmonic(np.array([float(after)]), np.array([float(terms)]))[0]
    assert got == pytest.approx(expected, rel=2e-13)


def test_the_type():
    found = bucketed(scores([0, 1], [0.2, 0.8]), 4)
    assert isinstance(found, Buckets)
    assert found.edges.tolist() == [0, 0.25, 0.5, 0.75]
