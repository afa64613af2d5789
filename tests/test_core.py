from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ks_2samp

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
    "denormals": ([TINY, -TINY, 0.0, 2 * TINY, 1e-310, -1e-310], [1, 0, 1, 0, 1, 0]),
    "huge": ([1.7e308, -1.7e308, 1e300, -1e300, 0.0], [1, 0, 0, 1, 1]),
    "neighbours": ([1.0, np.nextafter(1, 2), np.nextafter(1, 0), 1.0], [1, 0, 1, 0]),
}
SCORES = [pytest.param(np.array(s), np.array(y), id=name) for name, (s, y) in CASES.items()]


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
    score = score[np.isfinite(score)]
    truth = truth[: len(score)]
    weight = np.array([0.0, 0.5, 1.0, 3.25, 0.1, 7.0, 1e-3])[: len(score)] if weighted else None
    same(core.sweep(score, truth.astype(bool), weight), naive.sweep(score, truth, weight))


@pytest.mark.parametrize("n", [1023, 1024, 5000], ids="n={}".format)
@pytest.mark.parametrize("spread", ["ties", "bits"])
def test_sweep_on_both_sides_of_the_radix_sort(n, spread):
    rng = np.random.default_rng(n)
    score = rng.integers(-20, 20, n) / 7
    if spread == "bits":  # every exponent and sign: no digit of the key is constant
        score = rng.integers(0, 2**64, 2 * n, dtype=np.uint64).view(np.float64)
        score = score[np.isfinite(score)][:n]
    truth, weight = rng.integers(0, 2, n), rng.integers(0, 5, n) / 4
    at = np.concatenate([[np.inf], np.unique(score)[::-1]])
    got = core.sweep(score, truth, weight)
    np.testing.assert_array_equal(got.threshold, at)
    for kind, column in ((1, 0), (0, 1)):
        mine, w = np.sort(-score[truth == kind]), weight[truth == kind][np.argsort(-score[truth == kind])]
        upto = np.searchsorted(mine, -at, side="right")
        np.testing.assert_array_equal((got.tp, got.fp)[column], upto)
        for power, slot in ((1, column), (2, column + 2)):  # quarters: every sum is exact
            np.testing.assert_array_equal(got.sums[:, slot], np.concatenate([[0], np.cumsum(w**power)])[upto])


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
    score, truth, weight = rng.integers(0, 9, 40).astype(dtype), rng.integers(0, 2, 40), rng.uniform(size=40)
    odd = LAYOUTS[layout]
    same(core.sweep(odd(score), odd(truth), odd(weight)), naive.sweep(score, truth, weight))


def test_sweep_leaves_its_input_alone():
    score, truth = np.array([0.3, -0.0, 0.1]), np.array([1, 0, 1], dtype=np.uint8)
    before = score.tobytes()
    for values in (score, truth):
        values.setflags(write=False)
    core.sweep(score, truth, np.ones(3))
    assert score.tobytes() == before


@pytest.mark.parametrize("lengths", [(3, 2, 3), (2, 3, 3), (3, 3, 2)])
def test_lengths_that_differ_never_reach_the_extension(lengths):
    with pytest.raises(AssertionError):
        core.sweep(*(np.ones(n) for n in lengths))
    with pytest.raises(AssertionError):
        core.bootstrap_ranking(np.ones(3), np.ones(2), replicates=1, seed=0)


def test_long_weighted_sums_do_not_drift():
    n = 200_000
    weight = np.where(np.arange(n) % 2, 0.1, 1e8)  # a plain running sum is off by 1e-12 here
    got = core.sweep(np.arange(n) / n, np.ones(n), weight)
    assert got.sums[-1, 0] == pytest.approx(n / 2 * 0.1 + n / 2 * 1e8, rel=1e-16)


GROUPS = np.array([0, 2, 1, 5, 3, 4, 6, 9]), np.array([1, 0, 3, 2, 8, 5, 20, 31])


@pytest.mark.parametrize("replicates", [1, 2, 7, 100])
def test_bootstrap_does_not_know_the_number_of_threads(replicates):
    one, *others = (
        core.bootstrap_ranking(*GROUPS, replicates=replicates, seed=5, threads=threads) for threads in (1, 2, 3, 64)
    )
    assert one.shape == (replicates, 2)
    for other in others:
        np.testing.assert_array_equal(one, other)


def test_bootstrap_depends_on_the_seed_alone():
    first, again = (core.bootstrap_ranking(*GROUPS, replicates=50, seed=-3) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    fewer = core.bootstrap_ranking(*GROUPS, replicates=20, seed=-3)
    np.testing.assert_array_equal(first[:20], fewer)  # replicate r is (seed, r), whatever the number of them
    other = core.bootstrap_ranking(*GROUPS, replicates=50, seed=4)
    assert (first != other).mean() > 0.9
    assert len(np.unique(first[:, 0])) > 45  # replicates differ from each other


def test_bootstrap_has_the_law_of_a_numpy_poisson_bootstrap():
    score = np.repeat(np.arange(8)[::-1], GROUPS[0] + GROUPS[1])
    truth = np.concatenate([np.repeat([1, 0], [p, q]) for p, q in zip(*GROUPS, strict=True)])
    ours = core.bootstrap_ranking(*GROUPS, replicates=4000, seed=1)
    twin = naive.bootstrap(score, truth, 1500, seed=2)
    for column in (0, 1):
        a, b = ours[:, column], twin[:, column]
        assert abs(a.mean() - b.mean()) < 4 * np.sqrt(a.var() / len(a) + b.var() / len(b))
        assert a.std() == pytest.approx(b.std(), rel=0.1)
        assert ks_2samp(a, b).pvalue > 1e-3


def test_bootstrap_of_a_class_that_draws_no_row_is_undefined():
    got = core.bootstrap_ranking([1, 0], [0, 1], replicates=2000, seed=0)
    no_positive, no_pair = np.isnan(got[:, 1]).mean(), np.isnan(got[:, 0]).mean()
    assert no_positive == pytest.approx(np.exp(-1), abs=0.05)
    assert no_pair == pytest.approx(1 - (1 - np.exp(-1)) ** 2, abs=0.05)
    assert np.isnan(core.bootstrap_ranking([0, 0], [3, 1], replicates=5, seed=0)).all()
