"""The kernels against slow twins: every path of the sort, every figure read off the sorted rows, every draw."""

from __future__ import annotations

import numpy as np
import pytest

from cutline import core
from tests import naive

TINY = 5e-324
CASES = {
    "one positive": ([0.3], [1]),
    "one negative": ([0.3], [0]),
    "two": ([0.3, 0.7], [0, 1]),
    "two tied": ([0.5, 0.5], [1, 0]),
    "all tied": ([1.0] * 7, [0, 1, 0, 1, 1, 0, 0]),
    "ties": ([0.1, 0.4, 0.4, 0.4, 0.9, 0.9, 0.1], [0, 1, 0, 1, 1, 0, 1]),
    "positives only": ([0.2, 0.1, 0.2], [1, 1, 1]),
    "negatives only": ([0.2, 0.1, 0.2], [0, 0, 0]),
    "both zeros": ([0.0, -0.0, 0.0, -0.0, 1.0, -1.0], [1, 0, 0, 1, 1, 0]),
    "zeros": ([0.0, -0.0], [1, 0]),
    "below zero": ([-0.1, -3.0, -0.1], [1, 0, 0]),
    "denormals": ([TINY, -TINY, 0.0, 2 * TINY, 1e-310, -1e-310], [1, 0, 1, 0, 1, 0]),
    "huge": ([1.7e308, -1.7e308, 1e300, -1e300, 0.0], [1, 0, 0, 1, 1]),
    "huge and tiny": ([1.7e308, -1.7e308, TINY, -TINY, 0.0, 1.7e308, -TINY], [1, 0, 0, 1, 1, 0, 1]),
    "neighbours": ([1.0, np.nextafter(1, 2), np.nextafter(1, 0), 1.0], [1, 0, 1, 0]),
}
SCORES = [pytest.param(np.array(s), np.array(y), id=name) for name, (s, y) in CASES.items()]


def swept(score, truth, weight=None):
    return core.sweep(core.rows(score, truth, weight))


def same(got, expected):
    np.testing.assert_array_equal(got.threshold, expected[0])
    np.testing.assert_array_equal(got.tp, expected[1])
    np.testing.assert_array_equal(got.fp, expected[2])
    if expected[3] is None:
        assert got.sums is None
    else:
        np.testing.assert_allclose(got.sums, expected[3], rtol=1e-15, atol=0)


@pytest.mark.parametrize(("score", "truth"), SCORES)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.filterwarnings("ignore:overflow encountered in cast")
def test_sweep_is_counting(score, truth, weighted, dtype):
    score = score.astype(dtype)
    truth, score = truth[np.isfinite(score)], score[np.isfinite(score)]
    weight = np.array([0.0, 0.5, 1.0, 3.25, 0.1, 7.0, 1e-3])[: len(score)] if weighted else None
    same(swept(score, truth.astype(bool), weight), naive.sweep(score, truth, weight))


def bits(rng, n, dtype):
    """Random bits read as floats: every sign and exponent, no room for a label in the key."""
    size = np.dtype(dtype).itemsize
    score = rng.integers(0, 2 ** (8 * size), 2 * n, dtype=np.uint64).astype(f"u{size}").view(dtype)
    return score[np.isfinite(score)][:n]


SPREADS = {
    "ties": lambda rng, n, dtype: (rng.integers(-20, 20, n) / 7).astype(dtype),
    "probabilities": lambda rng, n, dtype: rng.random(n).astype(dtype),
    "logits": lambda rng, n, dtype: (5 * rng.normal(size=n)).astype(dtype),
    "bits": bits,
    "bits, tied": lambda rng, n, dtype: bits(rng, 40, dtype)[rng.integers(0, 40, n)],
    "constant": lambda rng, n, dtype: np.full(n, 0.3, dtype),
    # One far outlier takes the bits that a row number needs: neighbours look alike until their whole score is read.
    "crowded": lambda rng, n, dtype: np.where(np.arange(n) == 7, 1e30, 0.5 + rng.integers(0, 50, n) * 2.0**-23).astype(
        dtype
    ),
    "crowded, below zero": lambda rng, n, dtype: (
        -np.where(
            np.arange(n) == 7, 1e300 if dtype is np.float64 else 1e30, 0.5 + rng.integers(0, 5000, n) * 2.0**-52
        ).astype(dtype)
    ),
}


@pytest.mark.parametrize("n", [100, 5000])
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("spread", SPREADS)
def test_every_path_of_the_sort(spread, dtype, threads, n, monkeypatch):
    monkeypatch.setattr(core, "LARGE", 1)
    monkeypatch.setattr(core, "threads", lambda: threads)
    rng = np.random.default_rng(n)
    score = SPREADS[spread](rng, n, dtype)
    truth, weight = rng.integers(0, 2, n), rng.integers(0, 5, n) / 4
    at = np.concatenate([[np.inf], np.unique(score.astype(float) + 0.0)[::-1]])
    plain, weighted = core.rows(score, truth), core.rows(score, truth, weight)
    order = np.argsort(-score.astype(float), kind="stable")
    for found in (plain, weighted):
        np.testing.assert_array_equal(core.scores_of(found), score[order].astype(float) + 0.0)
    tie = np.arange(n) > 0
    tie[1:] = plain.keys[1:] >> 1 == plain.keys[:-1] >> 1
    assert not ((plain.keys & 1)[:-1] > (plain.keys & 1)[1:])[tie[1:]].any()  # negatives before positives
    for found in (plain, weighted):
        got = core.sweep(found)
        np.testing.assert_array_equal(got.threshold, at)
        for kind, column in ((1, 0), (0, 1)):
            mine, w = np.sort(-score[truth == kind].astype(float)), weight[truth == kind]
            w = w[np.argsort(-score[truth == kind].astype(float), kind="stable")]
            upto = np.searchsorted(mine, -at, side="right")
            np.testing.assert_array_equal((got.tp, got.fp)[column], upto)
            for power, slot in ((1, column), (2, column + 2)) if found is weighted else ():  # quarters: sums are exact
                np.testing.assert_array_equal(got.sums[:, slot], np.concatenate([[0], np.cumsum(w**power)])[upto])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("spread", SPREADS)
@pytest.mark.parametrize("weighted", [False, True])
def test_ranking_is_its_definition(spread, dtype, weighted):
    rng = np.random.default_rng(5)
    n = 300
    score = SPREADS[spread](rng, n, dtype)
    truth = rng.random(n) < 0.3
    weight = rng.integers(0, 5, n) / 4 + 0.25 if weighted else None
    found = core.rows(score, truth, weight)
    r = core.ranking(found)
    w = np.ones(n) if weight is None else weight
    s = score.astype(float)
    assert (r.positives, r.negatives) == (w[truth].sum(), w[~truth].sum())
    assert (r.square_positives, r.square_negatives) == ((w[truth] ** 2).sum(), (w[~truth] ** 2).sum())
    assert (r.rows_positive, r.rows_negative) == (truth.sum(), (~truth).sum())
    auc = naive.auc(s, truth, w)
    assert r.right / (r.right + r.wrong) == pytest.approx(auc, rel=1e-14)
    assert r.right + r.wrong == pytest.approx(2 * r.positives * r.negatives, rel=1e-14)
    assert r.average_precision == pytest.approx(naive.average_precision(s, truth, w), rel=1e-13)
    psi = np.where(s[truth][:, None] > s[~truth], 1.0, np.where(s[truth][:, None] == s[~truth], 0.5, 0.0))
    of_positive, of_negative = psi @ w[~truth] / r.negatives, w[truth] @ psi / r.positives
    assert r.spread_positive == pytest.approx(w[truth] ** 2 @ (of_positive - auc) ** 2, rel=1e-10, abs=1e-20)
    assert r.spread_negative == pytest.approx(w[~truth] ** 2 @ (of_negative - auc) ** 2, rel=1e-10, abs=1e-20)
    gaps = [abs(w[truth & (s >= t)].sum() / r.positives - w[~truth & (s >= t)].sum() / r.negatives) for t in s]
    assert r.ks == pytest.approx(max(gaps), rel=1e-13, abs=1e-15)
    quick = core.ranking(found, full=False)
    assert (quick.right, quick.wrong, quick.positives) == (r.right, r.wrong, r.positives)
    table = core.sweep(found)
    again = core.ranking_of_table(table.tp, table.fp, None if table.sums is None else tuple(table.sums.T))
    np.testing.assert_allclose(again, r, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(("score", "truth"), SCORES)
@pytest.mark.parametrize("weighted", [False, True])
def test_cuts_are_counting(score, truth, weighted):
    weight = np.array([0.0, 0.5, 1.0, 3.25, 0.1, 7.0, 1e-3])[: len(score)] if weighted else None
    found = core.rows(score, truth, weight)
    at = np.array([np.inf, *sorted({*score, *(np.nextafter(score, np.inf)), *(np.nextafter(score, -np.inf))})[::-1]])
    at = np.append(at, -np.inf)
    for t, row in zip(at, core.cuts(found, at), strict=True):
        flagged = score >= t
        assert row[:2].tolist() == [flagged.sum(), truth[flagged].sum()]
        for power, side, slot in ((1, 1, 2), (1, 0, 3), (2, 1, 4), (2, 0, 5)):
            expected = (weight[flagged & (truth == side)] ** power).sum() if weighted else 0.0
            assert row[slot] == pytest.approx(expected, rel=1e-15)


LAYOUTS = {
    "every second": lambda a: np.repeat(a, 2)[::2],
    "reversed": lambda a: a[::-1].copy()[::-1],
    "big endian": lambda a: a.astype(a.dtype.newbyteorder(">")),
    "column": lambda a: np.column_stack([a, a])[:, 1],
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sweep_takes_any_layout(layout, dtype):
    rng = np.random.default_rng(1)
    score, truth = (rng.integers(0, 9, 50) / 8).astype(dtype), rng.integers(0, 2, 50)
    weight = rng.integers(1, 4, 50) / 2
    odd = LAYOUTS[layout]
    same(swept(odd(score), odd(truth), odd(weight)), naive.sweep(score, truth, weight))
    copy, low, high = core.copied(odd(score))
    np.testing.assert_array_equal(copy, score)
    assert (low, high) == (score.min(), score.max())


def test_sweep_leaves_its_input_alone():
    score, truth = np.array([0.5, -0.0, 0.25]), np.array([1, 0, 1], dtype=np.uint8)
    before = score.tobytes()
    for values in (score, truth):
        values.setflags(write=False)
    swept(score, truth, np.ones(3))
    swept(score, truth)
    assert score.tobytes() == before


@pytest.mark.parametrize("lengths", [(3, 2, 3), (2, 3, 3), (3, 3, 2)])
def test_lengths_that_differ_never_reach_the_extension(lengths):
    with pytest.raises(AssertionError):
        swept(*(np.ones(n) for n in lengths))
    found = core.rows(np.arange(3.0), np.ones(3))
    for columns, first in ((np.ones((2, 1)), 0), (np.ones((3, 5)), 0), (None, 3)):
        with pytest.raises(AssertionError):
            core.bootstrap(found, cut=np.array([3]), columns=columns, replicates=1, seed=0, first=first)


def test_long_weighted_sums_do_not_drift():
    n = 200_000
    weight = np.where(np.arange(n) % 2, 0.1, 1e8)  # a plain running sum is off by 1e-12 here
    found = core.rows(np.arange(n) / n, np.ones(n), weight)
    exact = n / 2 * 0.1 + n / 2 * 1e8
    assert core.sweep(found).sums[-1, 0] == pytest.approx(exact, rel=1e-16)
    assert core.ranking(found, full=False).positives == pytest.approx(exact, rel=1e-15)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_copied_knows_the_ends_and_refuses_what_is_not_finite(dtype):
    values = np.array([0.5, -0.0, -3.25, 1e-40, 7], dtype=dtype)
    copy, low, high = core.copied(values)
    np.testing.assert_array_equal(copy, values)
    assert copy is not values
    assert (low, high) == (-3.25, 7)
    for bad in (np.nan, -np.nan, np.inf, -np.inf):
        assert np.isnan(core.copied(np.append(values, dtype(bad)))[1:]).all()
    assert core.copied(np.empty(0, dtype))[1:] == (0.0, 0.0)


def test_row_hashes_do_not_know_the_order_of_rows_but_all_else():
    rng = np.random.default_rng(0)
    score, codes = rng.random((50, 3)), rng.integers(-1, 3, 50).astype(np.int8)
    first = core.row_hashes(score, codes)
    order = rng.permutation(50)
    assert core.row_hashes(score[order], codes[order]) == first
    assert core.row_hashes(score, codes.astype(np.int32)) == first
    assert core.row_hashes(score, codes[order]) != first
    assert core.row_hashes(score, None) != first
    assert core.row_hashes(score[:, ::-1], codes) != first


def test_argmax_takes_the_first_of_the_largest():
    rng = np.random.default_rng(0)
    for dtype in (np.float32, np.float64):
        score = rng.integers(0, 4, (500, 5)).astype(dtype)
        np.testing.assert_array_equal(core.argmax_rows(score), score.argmax(axis=1))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("spread", ["ties", "probabilities", "bits", "crowded, below zero"])
def test_one_class_against_each_other_is_its_definition(spread, weighted):
    rng = np.random.default_rng(2)
    n, k = 200, 4
    score, codes = SPREADS[spread](rng, n, np.float64), rng.integers(0, k, n)
    weight = rng.integers(1, 5, n) / 4 if weighted else None
    order = core.numbered(score, codes == 2, weight)
    np.testing.assert_array_equal(score[order.number] + 0.0, core.scores_of(order.rows))
    np.testing.assert_array_equal((codes == 2)[order.number], order.rows.keys & 1)
    found, influence = core.ranking(order.rows), np.zeros(n)
    right = core.by_class(order, codes, k, found, influence)
    w = np.ones(n) if weight is None else weight
    for other in {*range(k)} - {2}:
        pick = (codes == 2) | (codes == other)
        expected = naive.auc(score[pick], codes[pick] == 2, w[pick])
        assert right[other] / (2 * w[codes == 2].sum() * w[codes == other].sum()) == pytest.approx(expected, rel=1e-13)
    assert np.square(influence[codes == 2]).sum() == pytest.approx(
        found.spread_positive / found.positives**2, rel=1e-11
    )
    assert np.square(influence[codes != 2]).sum() == pytest.approx(
        found.spread_negative / found.negatives**2, rel=1e-11
    )
    assert influence.sum() == pytest.approx(0, abs=1e-12)


# --- the bootstrap ----------------------------------------------------------------------------------------------------


def drawn_rows(weighted, tied, n=150):
    rng = np.random.default_rng(4)
    truth = rng.random(n) < 0.4
    score = rng.normal(size=n) + truth
    score = np.round(score) if tied else score
    weight = rng.integers(1, 9, n) / 4 if weighted else None
    found = core.rows(score, truth, weight)
    columns = rng.random((n, 2)).astype(np.float32)
    ends = np.flatnonzero(np.append(np.diff(found.keys >> 1) > 0, True)) + 1
    return found, columns, np.array([0, ends[len(ends) // 2], n])


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("tied", [False, True])
def test_a_replicate_is_the_figures_of_the_rows_it_drew(weighted, tied):
    found, columns, cut = drawn_rows(weighted, tied)
    n, replicates = len(found.keys), 70
    got = core.bootstrap(found, cut=cut, columns=columns, replicates=replicates, seed=9)
    drawn = core.times_drawn(n, replicates=replicates, seed=9)
    assert drawn.shape == (replicates, n)
    score, truth = core.scores_of(found), (found.keys & 1).astype(bool)
    for r, times in enumerate(drawn):
        w = times * (found.weight if weighted else np.ones(n))
        assert got.auc[r] == pytest.approx(naive.auc(score, truth, w), rel=1e-12)
        keep = w > 0
        assert got.average_precision[r] == pytest.approx(
            naive.average_precision(score[keep], truth[keep], w[keep]), rel=1e-6
        )
        for c, upto in enumerate(cut):
            assert got.tp[r, c] == w[:upto][truth[:upto]].sum()
            assert got.fp[r, c] == w[:upto][~truth[:upto]].sum()
            np.testing.assert_allclose(got.sums[r, c], w[:upto] @ columns[:upto], rtol=1e-6)


def test_many_rows_empty_their_counters_in_time():
    n = 3000
    truth = np.arange(n) % 3 == 0
    found = core.rows(np.repeat(np.arange(n // 2), 2) + np.where(np.arange(n) < n // 2, 0, np.arange(n) / n), truth)
    got = core.bootstrap(found, cut=np.array([n]), replicates=40, seed=1)
    drawn = core.times_drawn(n, replicates=40, seed=1)
    sorted_truth, score = (found.keys & 1).astype(bool), core.scores_of(found)
    for r in range(0, 40, 7):
        assert got.tp[r, 0] == drawn[r][sorted_truth].sum()
        assert got.auc[r] == pytest.approx(naive.auc(score, sorted_truth, drawn[r]), rel=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
def test_bootstrap_does_not_know_the_number_of_threads_or_of_replicates(weighted, monkeypatch):
    found, columns, cut = drawn_rows(weighted, False)
    results = []
    for threads in (1, 2, 3, 64):
        monkeypatch.setattr(core, "threads", lambda threads=threads: threads)
        results.append(core.bootstrap(found, cut=cut, columns=columns, replicates=100, seed=-3))
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(a, b)
    fewer = core.bootstrap(found, cut=cut, columns=columns, replicates=20, seed=-3)
    later = core.bootstrap(found, cut=cut, columns=columns, replicates=36, seed=-3, first=64)
    for all_, some, rest in zip(results[0], fewer, later, strict=True):
        np.testing.assert_array_equal(all_[:20], some)
        np.testing.assert_array_equal(all_[64:], rest)
    another = core.bootstrap(found, cut=cut, columns=columns, replicates=100, seed=4)
    assert (results[0].auc != another.auc).mean() > 0.9
    assert len(np.unique(results[0].auc)) > 90


def test_draws_are_poisson_and_independent():
    drawn = core.times_drawn(4000, replicates=96, seed=11).astype(float)
    size = drawn.size
    assert drawn.mean() == pytest.approx(1, abs=5 / size**0.5)
    assert drawn.var() == pytest.approx(1, abs=5 * (3 / size) ** 0.5 + 1e-4)
    for k, p in enumerate(np.exp(-1) / np.array([1, 1, 2, 6, 24, 120])):
        assert (drawn == k).mean() == pytest.approx(p, abs=5 * (p / size) ** 0.5 + 2e-5)
    between = np.corrcoef(drawn)[np.triu_indices(96, 1)]
    along = [np.corrcoef(drawn[:, :-lag].ravel(), drawn[:, lag:].ravel())[0, 1] for lag in (1, 2, 7)]
    assert np.abs(between).max() < 5.5 / 4000**0.5
    assert np.abs(along).max() < 5 / size**0.5


def test_bootstrap_of_a_class_that_draws_no_row_is_undefined():
    got = core.bootstrap(core.rows(np.array([0.7, 0.3]), np.array([1, 0])), cut=np.array([2]), replicates=2000, seed=0)
    assert np.isnan(got.average_precision).mean() == pytest.approx(np.exp(-1), abs=0.05)
    assert np.isnan(got.auc).mean() == pytest.approx(1 - (1 - np.exp(-1)) ** 2, abs=0.05)
    nobody = core.bootstrap(core.rows(np.arange(4.0), np.zeros(4)), cut=np.array([4]), replicates=5, seed=0)
    assert np.isnan(nobody.auc).all()
    assert np.isnan(nobody.average_precision).all()
