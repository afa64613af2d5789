"""Measures of calibration against R's and Python's packages; each case says which in its `source`."""

from __future__ import annotations

import numpy as np
import pytest

import cutline as cl
from cutline.calibration import (
    binned,
    cox_line,
    hosmer_lemeshow,
    in_the_large,
    smooth_ece,
    spiegelhalter,
    top_label,
)
from tests import golden

ASSERTED, asserts = golden.registry()


def binary(case, clip=0.0):
    p = case["data"][case["inputs"]["p"]]
    return cl.Scores(y_true=case["data"]["y"], y_score=p.clip(clip, 1 - clip), classes=[0, 1], kind="probability")


@asserts("calibration_slope_breast_gnb_a", "calibration_slope_miscal_a")
def line(case):
    s = binary(case, case["params"]["clip"])
    found, z = cox_line(s), spiegelhalter(s)
    return {
        "intercept_joint": found.intercept.value,
        "slope_joint": found.slope.value,
        "slope_se": found.slope.error,
        "calibration_in_the_large_logit": found.offset.value,
        "calibration_in_the_large_se": found.offset.error,
        "observed_minus_mean_predicted": -in_the_large(s).bias.value,
        "brier": cl.brier(s),
        "c_statistic": cl.roc_auc(s),
        "spiegelhalter_z": z.statistic,
        "spiegelhalter_p": z.p,
        "U_chi2": found.test.statistic,
        "U_p": found.test.p,
    }


@asserts("hosmer_lemeshow_breast_gnb_a", "hosmer_lemeshow_miscal_a")
def groups(case):
    found = hosmer_lemeshow(binary(case, case["params"]["clip"]), groups=case["params"]["groups"], in_sample=True)
    return {
        "chi2": found.test.statistic,
        "df": found.test.df,
        "p": found.test.p,
        "observed_pos": found.observed.tolist(),
        "expected_pos": found.expected.tolist(),
    }


@asserts("ece_breast_gnb_a", "ece_miscal_a")
def classical(case):
    s = binary(case)
    wide = binned(s, 10, by="width", closed="left")
    return {
        "ece_equal_width_10_positive_class": wide.mean_gap,
        "mce_equal_width_10_positive_class": wide.largest_gap,
        "ace_10_positive_class": wide.even_gap,
        "ece_equal_width_15_positive_class": binned(s, 15, by="width", closed="left").mean_gap,
        "smECE": smooth_ece(s),
    }


@asserts("ece_debiased_l2_breast_gnb_a", "ece_debiased_l2_miscal_a")
def squared(case):
    got = {}
    for bins in (10, 15):
        found = binned(binary(case), bins)
        got[f"l2_plugin_squared_{bins}"] = found.squared
        got[f"l2_debiased_squared_{bins}"] = found.debiased
        got[f"bin_upper_edges_{bins}"] = found.upper.tolist()
    return got


@asserts("ece_top_label_digits_a")
def likeliest(case):
    p = np.column_stack([case["data"][name] for name in case["inputs"]["probs"]])
    s = cl.Scores(y_true=case["data"]["y"], y_score=p / p.sum(axis=1, keepdims=True), classes=range(10))
    top = top_label(s)
    found = binned(top, 15, by="width")
    return {
        "top_label_l1_15": found.mean_gap,
        "top_label_l2_15": found.squared**0.5,
        "top_label_max_15": found.largest_gap,
        "top_label_smECE": smooth_ece(top),
        "accuracy": top.is_positive.mean(),
        "mean_confidence": top.score.mean(),
    }


@pytest.mark.parametrize("name", ASSERTED)
def test_golden(name):
    case = golden.case(name)
    golden.compare(case, ASSERTED[name](case))
