"""Sample sizes: against plain formulas, exhaustive search and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

import cutline as cl
from cutline.errors import InputError
from cutline.evidence.planning import (
    Plan,
    cox_snell_of_auc,
    n_for_auc,
    n_for_auc_width,
    n_for_mcnemar,
    n_for_model,
    n_for_proportions,
    n_for_sensitivity,
    n_for_specificity,
    n_for_umbrella,
    n_to_certify,
    power_of_auc,
    power_of_proportions,
)


def test_widths_of_rates():
    z = stats.norm.ppf(0.95)
    n = z**2 * 0.7 * 0.3 / 0.1**2
    assert n_for_sensitivity(sensitivity=0.7, half_width=0.1, prevalence=0.25, confidence=0.9).value == pytest.approx(
        n / 0.25
    )
    found = n_for_specificity(specificity=0.7, half_width=0.1, prevalence=0.25, confidence=0.9)
    assert found.n == math.ceil(n / 0.75)
    assert found["negatives"] == math.ceil(n)


@pytest.mark.parametrize("two_sided", [True, False])
def test_size_and_power_of_two_rates_are_inverse(two_sided):
    found = n_for_proportions(first=0.1, second=0.04, power=0.9, alpha=0.01, two_sided=two_sided)
    back = power_of_proportions(first=0.1, second=0.04, n=found.value, alpha=0.01, two_sided=two_sided)
    assert back.value == pytest.approx(0.9, abs=1e-9)


def test_size_of_two_rates_by_the_textbook():
    # Fleiss, Levin & Paik: both terms by hand.
    p = (0.6 + 0.75) / 2
    z, b = stats.norm.ppf(0.975), stats.norm.ppf(0.8)
    n = (z * math.sqrt(2 * p * (1 - p)) + b * math.sqrt(0.6 * 0.4 + 0.75 * 0.25)) ** 2 / 0.15**2
    assert n_for_proportions(first=0.6, second=0.75)["a group"] == math.ceil(n)


@pytest.mark.parametrize("ratio", [0.5, 1.0, 4.0])
def test_size_and_power_of_an_area_are_inverse(ratio):
    found = n_for_auc(auc=0.7, power=0.85, controls_per_case=ratio)
    assert power_of_auc(auc=0.7, cases=found["cases"], controls=found["controls"]).value >= 0.85
    less = power_of_auc(auc=0.7, cases=found["cases"] - 1, controls=int((found["cases"] - 1) * ratio))
    assert less.value < 0.85
    assert n_for_auc(auc=0.3, power=0.85, controls_per_case=ratio).n == found.n


def test_width_of_an_area_by_search():
    def half_width(n1, n0, a):
        q1, q2 = a / (2 - a), 2 * a**2 / (1 + a)
        spread = a * (1 - a) + (n1 - 1) * (q1 - a**2) + (n0 - 1) * (q2 - a**2)
        return stats.norm.ppf(0.975) * math.sqrt(spread / n1 / n0)

    by_hand = next(n for n in range(1, 10**5) if half_width(n, 3 * n, 0.85) <= 0.03)
    found = n_for_auc_width(auc=0.85, half_width=0.03, controls_per_case=3)
    assert (found["cases"], found["controls"]) == (by_hand, 3 * by_hand)


def test_mcnemar_by_the_formula():
    s, d = 0.25, 0.05
    n = (stats.norm.ppf(0.975) * math.sqrt(s) + stats.norm.ppf(0.9) * math.sqrt(s - d * d)) ** 2 / d**2
    assert n_for_mcnemar(only_first=0.1, only_second=0.15, power=0.9).n == math.ceil(n)


@pytest.mark.parametrize(
    ("claim", "true", "confidence", "power"),
    [
        (cl.precision >= 0.7, 0.8, 0.9, 0.8),
        (cl.precision >= 0.9, 0.99, 0.95, 0.5),
        (cl.recall >= 0.5, 1.0, 0.9, 0.9),
        (cl.fpr <= 0.1, 0.05, 0.9, 0.8),
        (cl.fpr <= 0.05, 0.0, 0.95, 0.8),
    ],
)
def test_rows_to_certify_by_exhaustion(claim, true, confidence, power):
    """The smallest n is found by trying all of them with scipy's exact binomial."""
    upward = claim.op == ">="

    def plan(n):
        ks = np.arange(n + 1)
        p = stats.binom.sf(ks - 1, n, claim.bound) if upward else stats.binom.cdf(ks, n, claim.bound)
        fine = ks[p <= 1 - confidence + 1e-12]
        if not fine.size:
            return 0.0, None
        k = fine.min() if upward else fine.max()
        return (stats.binom.sf(k - 1, n, true) if upward else stats.binom.cdf(k, n, true)), k

    n = next(n for n in range(1, 2000) if plan(n)[0] >= power)
    found = n_to_certify(claim=claim, true=true, confidence=confidence, power=power, share=0.3)
    assert found["counting"] == n
    assert found["needed"] == plan(n)[1]
    assert found["power"] == pytest.approx(plan(n)[0])
    assert found.n == math.ceil(n / 0.3 - 1e-9)


def test_many_rows_to_certify():
    found = n_to_certify(claim=cl.recall >= 0.9, true=0.902)
    n, k = int(found["counting"]), int(found["needed"])
    assert stats.binom.sf(k - 1, n, 0.9) <= 0.1 < stats.binom.sf(k - 2, n, 0.9)
    assert stats.binom.sf(k - 1, n, 0.902) >= 0.8


def test_the_umbrella_needs_its_logarithm():
    for alpha, delta in ((0.05, 0.05), (0.1, 0.1), (0.01, 0.2), (0.5, 0.5)):
        n = n_for_umbrella(alpha=alpha, delta=delta).n
        assert (1 - alpha) ** n <= delta + 1e-12 < (1 - alpha) ** (n - 1)
    assert n_for_umbrella(alpha=0.1, delta=0.1, share=0.2).n == 110


def test_each_criterion_of_a_model():
    found = n_for_model(parameters=20, prevalence=0.3, cox_snell_r2=0.2, shrinkage=0.9, mape=0.05)
    largest = 1 - (0.3**0.3 * 0.7**0.7) ** 2
    shrunk = 0.2 / (0.2 + 0.05 * largest)
    assert found["max_r2"] == pytest.approx(largest)
    assert found["shrinkage"] == math.ceil(20 / ((0.9 - 1) * math.log(1 - 0.2 / 0.9)))
    assert found["optimism"] == math.ceil(20 / ((shrunk - 1) * math.log(1 - 0.2 / shrunk)))
    assert found["risk"] == math.ceil((1.96 / 0.05) ** 2 * 0.3 * 0.7)
    mape = math.exp((-0.508 + 0.259 * math.log(0.3) + 0.504 * math.log(20) - math.log(0.05)) / 0.544)
    assert found["mape"] == math.ceil(mape)
    assert found.n == max(found[name] for name in ("shrinkage", "optimism", "risk", "mape"))
    assert found["events a parameter"] == pytest.approx(found.n * 0.3 / 20)


@pytest.mark.parametrize(("area", "prevalence"), [(0.6, 0.5), (0.8, 0.1), (0.95, 0.02)])
def test_r2_of_an_area_by_simulation(area, prevalence):
    rng = np.random.default_rng(0)
    d, n = math.sqrt(2) * stats.norm.ppf(area), 400_000
    y = rng.uniform(size=n) < prevalence
    z = math.log(prevalence / (1 - prevalence)) + d * (rng.normal(size=n) + d * y) - d * d / 2
    gain = -np.logaddexp(0, np.where(y, -z, z))
    null = np.where(y, math.log(prevalence), math.log(1 - prevalence))
    found = cox_snell_of_auc(auc=area, prevalence=prevalence)
    error = 2 * (gain - null).std() / math.sqrt(n)
    assert -math.log(1 - found) == pytest.approx(2 * (gain - null).mean(), abs=4 * error)


@pytest.mark.parametrize(
    "ask",
    [
        lambda: n_for_sensitivity(sensitivity=0.9, half_width=0.05, prevalence=0),
        lambda: n_for_specificity(specificity=0.9, half_width=0.05, prevalence=1),
        lambda: n_for_sensitivity(sensitivity=1, half_width=0.05, prevalence=0.5),
        lambda: n_for_proportions(first=0.5, second=0.5),
        lambda: n_for_proportions(first=0.5, second=1.5),
        lambda: n_for_proportions(first=0.5, second=0.6, power=0.04),
        lambda: n_for_proportions(first=0.5, second=0.6, alpha=0),
        lambda: power_of_proportions(first=0.5, second=0.6, n=0),
        lambda: n_for_auc(auc=0.5),
        lambda: n_for_auc(auc=1),
        lambda: n_for_auc_width(auc=0.8, half_width=1e-9),
        lambda: n_for_mcnemar(only_first=0.1, only_second=0.1),
        lambda: n_for_mcnemar(only_first=0.6, only_second=0.5),
        lambda: n_to_certify(claim=cl.mcc >= 0.5, true=0.7),
        lambda: n_to_certify(claim=cl.precision >= 0.5, true=0.7, share=0),
        lambda: n_to_certify(claim=cl.precision >= 0.5, true=0.7, confidence=1),
        lambda: n_to_certify(claim=cl.precision >= 0.5, true=0.5000001),
        lambda: n_for_umbrella(alpha=0),
        lambda: n_for_umbrella(alpha=0.1, delta=1),
        lambda: n_for_model(parameters=10, prevalence=0.1),
        lambda: n_for_model(parameters=10, prevalence=0.1, c_statistic=0.8, cox_snell_r2=0.1),
        lambda: n_for_model(parameters=10, prevalence=0.1, cox_snell_r2=0.6),
        lambda: n_for_model(parameters=10, prevalence=0, c_statistic=0.8),
        lambda: n_for_model(parameters=0, prevalence=0.1, c_statistic=0.8),
        lambda: cox_snell_of_auc(auc=0.5, prevalence=0.1),
    ],
)
def test_what_cannot_be_planned_is_refused(ask):
    with pytest.raises(InputError):
        ask()


@pytest.mark.parametrize(
    ("claim", "true"), [(cl.precision >= 0.9, 0.9), (cl.precision >= 0.9, 0.5), (cl.fpr <= 0.1, 0.2)]
)
def test_a_false_claim_is_certified_by_no_number_of_rows(claim, true):
    with pytest.raises(InputError, match="no number of rows"):
        n_to_certify(claim=claim, true=true)


def test_a_plan_shows_its_arithmetic():
    found = n_for_umbrella(alpha=0.05, delta=0.05)
    assert isinstance(found, Plan)
    assert repr(found) == "Plan(n=59): ln(0.05) / ln(1 - 0.05) = 58.4 rows of the class."
    assert found.to_dict()["parts"] == {"of the class": 59}


@pytest.mark.slow
def test_promised_power_is_had():
    """Simulated: McNemar's test, and the certificate, reach the power that was planned."""
    rng = np.random.default_rng(1)
    n = n_for_mcnemar(only_first=0.12, only_second=0.06, power=0.8).n
    first, second, _ = rng.multinomial(n, [0.12, 0.06, 0.82], size=4000).T
    z = np.abs(first - second) / np.sqrt(first + second)
    assert np.mean(z > stats.norm.ppf(0.975)) == pytest.approx(0.8, abs=0.03)
    plan = n_to_certify(claim=cl.precision >= 0.8, true=0.88, power=0.8)
    hits = rng.binomial(int(plan["counting"]), 0.88, size=20000)
    assert np.mean(hits >= plan["needed"]) == pytest.approx(plan["power"], abs=0.01)
