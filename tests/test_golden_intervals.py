"""Intervals against other software's and published tables'; each case says which in its `source`."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import brentq, minimize_scalar

import cutline as cl
from cutline.evidence.clusters import clustered
from cutline.evidence.delta import delta_interval, ratio_ingredients
from cutline.evidence.estimate import estimate
from cutline.evidence.figures import bootstrap_figure, figure_of
from cutline.evidence.intervals import Replicates, acceleration_of
from cutline.evidence.proportions import difference_interval, proportion_interval
from cutline.metrics import Counts, find
from tests import golden

ASSERTED, asserts = golden.registry()

ONE = {
    "wilson": "wilson",
    "wilson_continuity_corrected": "wilson-cc",
    "clopper_pearson": "clopper-pearson",
    "clopper_pearson_midp": "mid-p",
    "blaker": "blaker",
    "wald": "wald",
    "agresti_coull": "agresti-coull",
    "jeffreys": "jeffreys",
    "inverted_two_sided_test": "minlike",
}
TWO = {"newcomb": "newcombe", "agresti-caffo": "agresti-caffo"}


def ends(pair):
    return dict(zip(("low", "high"), pair, strict=True))


@asserts(
    "ci_binom_x0_n20_c95",
    "ci_binom_x1_n1_c95",
    "ci_binom_x499_n500_c99",
    "ci_binom_x7_n23_c95",
    "ci_proportion_methods_x0_n13",
    "ci_proportion_methods_x9_n60",
)
def one_proportion(case):
    k, n, level = case["inputs"]["successes"], case["inputs"]["n"], case["params"]["confidence"]
    return {name: ends(proportion_interval(k, n, ONE[name], level)) for name in case["expected"]}


@asserts("published_newcombe_1998_single")
def newcombe(case):
    rows = case["expected"]["rows"]
    made = {"wilson": "wilson", "clopper_pearson": "clopper-pearson"}
    return {"rows": [{key: proportion_interval(r["x"], r["n"], how) for key, how in made.items()} for r in rows]}


@asserts("ci_two_proportions_0_20_3_25", "ci_two_proportions_56_70_48_80")
def two_proportions(case):
    """ "score" is left to `test_the_score_interval_of_a_difference`: the reference has a slip in its cubic."""
    numbers = [case["inputs"][key] for key in ("x1", "n1", "x2", "n2")]
    return {key: ends(difference_interval(*numbers, TWO[key])) for key in case["expected"] if key != "score"}


@asserts("bootstrap_intervals_a")
def replicates(case):
    inputs, level = case["inputs"], case["params"]["confidence"]
    a = acceleration_of(inputs["jackknife_influence"])
    found = Replicates(np.array(inputs["replicates"]), value=inputs["estimate"], acceleration=a)
    kinds = {"percentile": "percentile", "basic": "basic", "bca": "bca", "normal_bias_corrected": "normal"}
    got = {key: ends(replace(found, kind=kind).interval(level)) for key, kind in kinds.items()}
    for key, limits in got.items():  # with the quantile rule that the case names, all are equal, not only near
        assert list(limits.values()) == pytest.approx(list(case["expected"][key].values()), abs=1e-9)
    assert (found.z0, a) == pytest.approx([case["expected"][key] for key in ("z0", "acceleration")], abs=1e-8)
    return got | {"z0": found.z0, "acceleration": a}


def rows_of(case, groups=False):
    data, inputs = case["data"], case["inputs"]
    return cl.Scores(
        y_true=data[inputs["truth"]].astype(int),
        y_score=data[inputs["score"]],
        groups=data[inputs["cluster"]] if groups else None,
        kind="probability",
    )


ABOVE_HALF = math.nextafter(0.5, 1)
"""The cases decide for scores > 0.5."""


@asserts("clustered_accuracy_a")
def clusters(case):
    s = rows_of(case, groups=True)
    value, found, _ = clustered(cl.accuracy, s, at=ABOVE_HALF)
    drawn = bootstrap_figure([figure_of(cl.accuracy, s, ABOVE_HALF)], s, replicates=1000, seed=0)
    assert drawn.std() == pytest.approx(case["expected"]["se_cluster_plain"], rel=0.15)
    return {
        "accuracy": value,
        "se_cluster_corrected": found.error,
        "se_cluster_plain": found.plain,
        "naive_se": found.naive,
        "ci95_t": found.symmetric(0.95),
    }


@asserts("diag2x2_ci_19_1_0_30", "diag2x2_ci_670_202_74_640")
def diagnostic(case):
    c, expected, got = Counts(**case["inputs"]), case["expected"], {}
    rates = {"sensitivity": "recall", "specificity": "specificity", "accuracy": "accuracy", "ppv": "precision"}
    rates |= {"npv": "npv", "apparent_prevalence": "flagged_rate", "true_prevalence": "prevalence"}
    for key, name in rates.items():
        limits = proportion_interval(*find(name).proportion(c), "clopper-pearson")
        got[key] = {"est": find(name).value(c), **ends(limits)}
    for key, name in {"lr_pos": "plr", "lr_neg": "nlr", "diagnostic_odds_ratio": "dor"}.items():
        found = ratio_ingredients(find(name), c)
        if expected[key]["high"] is not None:
            got[key] = {"est": found.value, **ends(found.interval(0.95))}
        elif expected[key]["est"] is not None:  # LR- of 0: the reference has no upper limit, ours is one-sided
            got[key] = {"est": found.value, "low": found.interval(0.95)[0]}
            assert 0 < found.interval(0.95)[1] < 1
        else:  # no odds ratio beside an empty cell: ours is infinite, with a lower limit
            assert found.value == found.interval(0.95)[1] == math.inf
            assert found.interval(0.95)[0] > 1
    # The interval of Youden's J in the case is the sum of exact limits, for information only.
    return got | {"youden_j": {"est": find("youden").value(c)}}


@asserts("kappa_ci_statsmodels", "kappa_weighted_1")
def kappas(case):
    matrix, got = np.array(case["inputs"]["matrix"]), {}
    found = delta_interval(cl.cohen_kappa, matrix)
    low, high = found.interval(case["params"]["confidence"])
    if "se" in case["expected"]:
        return {"kappa": found.value, "se": found.error, "low": low, "high": high}
    quadratic = delta_interval(find("quadratic_kappa"), matrix)
    got = {"kappa": found.value, "kappa_ci": ends((low, high)), "kappa_ase": found.error}
    got |= {"kappa_quadratic": quadratic.value, "kappa_quadratic_ci": ends(quadratic.interval(0.95))}
    return got | {"kappa_quadratic_ase": quadratic.error, "kappa_linear": find("linear_kappa").value(matrix)}


@asserts("f1_delta_ci_a")
def f1_delta(case):
    """Limits of binary and macro F1 are in `test_the_delta_method_of_f1`: the reference has slips in both."""
    s, got = rows_of(case), {}
    for key, name in {"binary_f1": "f1", "micro_f1": "micro_f1", "macro_f1": "macro_f1"}.items():
        e = estimate(find(name), s, at=ABOVE_HALF, decision=(s.score > 0.5).astype(int), method="delta")
        got[key] = {"est": e.value} | (ends(e.interval()) if key == "micro_f1" else {})
    return got


def test_the_delta_method_of_f1():
    """The covariance of the reference is diag(p) - p * p, elementwise and spread over rows, in place of - p p^T.

    With that slip its limits come out; with the covariance of the multinomial ours do. (Its macro form adds
    ``F1 / 2 + a / b`` where Takahashi et al. multiply, and divides counts by n once too often.)
    """
    case = golden.case("f1_delta_ci_a")
    s = rows_of(case)
    said = (s.score > 0.5).astype(int)
    p = cl.confusion_matrix(s, said).ravel() / s.n
    both = p[1] + p[2] + 2 * p[3]
    f1 = 2 * p[3] / both
    slope = np.array([0, -f1, -f1, 2 * (1 - f1)]) / both
    slipped, right = (
        f1 + np.array([-1, 1]) * stats.norm.ppf(0.975) * math.sqrt(slope @ covariance @ slope / s.n)
        for covariance in (np.diag(p) - p * p, np.diag(p) - np.outer(p, p))
    )
    golden.compare(case, {"binary_f1": ends(slipped)})
    ours = estimate(cl.f1, s, decision=said, method="delta")
    assert ours.interval() == pytest.approx(tuple(right), abs=1e-10)
    macro = estimate(cl.macro(cl.f1), s, decision=said, method="delta")
    rng = np.random.default_rng(0)
    drawn = rng.multinomial(s.n, p, size=20_000).reshape(-1, 2, 2)
    assert macro.ingredients.error == pytest.approx(cl.macro(cl.f1).value(drawn).std(), rel=0.03)
    low, high = (case["expected"]["macro_f1"][end] for end in ("low", "high"))
    assert high - low > 1.7 * (macro.high - macro.low)


def test_the_score_interval_of_a_difference():
    """The reference writes ``count0 * diff`` where the cubic of Miettinen & Nurminen has ``n0 * diff``.

    With its cubic its limits come out; with proportions that a numerical search finds likeliest, ours do.
    """
    case = golden.case("ci_two_proportions_56_70_48_80")
    k1, n1, k2, n2 = (case["inputs"][key] for key in ("x1", "n1", "x2", "n2"))

    def cubic(d):
        a, b, e = n1 + n2, (n1 + 2 * n2) * d - n1 - n2 - k1 - k2, k2 * d * (1 - d)
        c = (k2 * d - n1 - n2 - 2 * k2) * d + k1 + k2  # the slip: n2 * d
        v = (b / (3 * a)) ** 3 - b * c / (6 * a**2) + e / (2 * a)
        u = math.copysign(math.sqrt((b / (3 * a)) ** 2 - c / (3 * a)), v)
        return 2 * u * math.cos((math.pi + math.acos(v / u**3)) / 3) - b / (3 * a)

    def likeliest(d):
        def loss(p):
            return -sum(k * math.log(x) + (n - k) * math.log1p(-x) for k, n, x in ((k1, n1, p + d), (k2, n2, p)))

        return minimize_scalar(loss, bounds=(1e-9, 1 - d - 1e-9), method="bounded", options={"xatol": 1e-12}).x

    def limits(p2_of):
        def excess(d):
            p2 = p2_of(d)
            spread = ((p2 + d) * (1 - p2 - d) / n1 + p2 * (1 - p2) / n2) * (n1 + n2) / (n1 + n2 - 1)
            return abs(k1 / n1 - k2 / n2 - d) - stats.norm.ppf(0.975) * math.sqrt(spread)

        return brentq(excess, 0.01, 0.19), brentq(excess, 0.21, 0.6)

    golden.compare(case, {"score": ends(limits(cubic))})
    ours = difference_interval(k1, n1, k2, n2, "miettinen-nurminen")
    assert ours == pytest.approx(limits(likeliest), abs=1e-6)


@pytest.mark.parametrize("name", ASSERTED)
def test_golden(name):
    case = golden.case(name)
    golden.compare(case, ASSERTED[name](case))
