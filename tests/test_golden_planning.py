"""Sample sizes and evaluation with few labels against other software's figures."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import ndtri

from cutline.evidence.few_labels import ppi_mean
from cutline.evidence.planning import (
    cox_snell_of_auc,
    n_for_auc,
    n_for_model,
    n_for_proportions,
    n_for_sensitivity,
    power_of_auc,
)
from tests import golden

ASSERTED, asserts = golden.registry()


@asserts("ppi_mean_1")
def few_labels(case):
    given, level = case["inputs"], 1 - case["params"]["alpha"]
    counts = given["unlabelled_prediction_counts_by_percent"]
    arrays = {
        "y_true": given["labelled_truth"],
        "y_predicted": given["labelled_prediction"],
        "y_predicted_unlabelled": np.repeat([int(percent) / 100 for percent in counts], list(counts.values())),
    }

    def limits(lam):
        found = ppi_mean(**arrays, lam=lam, kind="normal")
        return {"est": found.value, **dict(zip(("low", "high"), found.interval(level), strict=True))}

    labels_alone = limits(0.0)
    del labels_alone["est"]  # the reference has limits only
    return {"ppi_lambda_1": limits(1.0), "ppi_plus_plus": limits(None), "classical": labels_alone}


@asserts("sample_size_1")
def sizes(case):
    area = n_for_auc(auc=0.8, power=0.9)
    return {
        "auc_0.8_vs_0.5_power_.9": {"ncases": area.value, "ncontrols": area.value},
        "auc_0.75_power_40_80": power_of_auc(auc=0.75, cases=40, controls=80).value,
        "n_sens_0.9_pm_0.05_prev_0.1": n_for_sensitivity(sensitivity=0.9, half_width=0.05, prevalence=0.1).n,
        "two_prop_n_per_group": n_for_proportions(first=0.7, second=0.8, power=0.8, alpha=0.05).value,
    }


@asserts("sample_size_riley_1")
def model(case):
    about = case["params"]
    # The reference simulates a million rows for R^2, from one seed, and rounds to four places: 762 rows where the
    # integral gives 757. Its own draws give its own figure.
    r2 = simulated_r2(about["cstatistic"], about["prevalence"])
    assert cox_snell_of_auc(auc=about["cstatistic"], prevalence=about["prevalence"]) == pytest.approx(r2, rel=0.015)
    found = n_for_model(
        parameters=about["parameters"],
        prevalence=about["prevalence"],
        shrinkage=about["shrinkage"],
        cox_snell_r2=round(r2, 4),
    )
    assert found.n == case["expected"]["n"]
    return {"n": found.n, "events": found["events"], "nagelkerke_max_r2a": found["max_r2"]}


def simulated_r2(area, prevalence, n=1_000_000):
    """Cox-Snell R^2 of a logistic regression on rows that are N(0, 1) in one class and shifted in the other."""
    x, y = r_normal(n, seed=123456), np.arange(n) >= round(prevalence * n)
    x[y] += math.sqrt(2) * ndtri(area)
    design, beta = np.column_stack([np.ones(n), x]), np.zeros(2)
    for _ in range(8):  # Newton
        p = 1 / (1 + np.exp(-design @ beta))
        beta += np.linalg.solve((design.T * (p * (1 - p))) @ design, design.T @ (y - p))
    gain = -np.logaddexp(0, np.where(y, -1, 1) * (design @ beta)).mean()
    null = y.mean() * math.log(y.mean()) + (1 - y.mean()) * math.log(1 - y.mean())
    return 1 - math.exp(-2 * (gain - null))


def r_normal(n, seed):
    """R's ``set.seed(seed); rnorm(n)``: a Mersenne twister seeded by a linear congruence, two draws an inversion."""
    words = []
    for i in range(675):
        seed = (69069 * seed + 1) % 2**32
        if i > 50:
            words.append(seed)
    twister = np.random.MT19937()
    state = twister.state
    state["state"] = {"key": np.array(words, dtype=np.uint32), "pos": 624}
    twister.state = state
    u = twister.random_raw(2 * n) * 2.3283064365386963e-10
    return ndtri((np.floor(2**27 * u[::2]) + u[1::2]) / 2**27)


@pytest.mark.parametrize("name", ASSERTED)
def test_golden(name):
    case = golden.case(name)
    golden.compare(case, ASSERTED[name](case))
