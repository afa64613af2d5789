"""Comparison against other software's figures: paired tests, areas, many tests at once, learners."""

from __future__ import annotations

import numpy as np
import pytest

import cutline as cl
from cutline.evidence.compare import compare
from cutline.evidence.diagnosis import TwoTests
from cutline.evidence.influence import auc_influence, delong_test
from cutline.evidence.learners import corrected_resampled_t, cv5x2_f, cv5x2_t
from cutline.evidence.multiplicity import adjusted
from cutline.evidence.paired import PairedTable, cochran_q, mcnemar, paired_odds_ratio, tango
from tests import golden

ASSERTED, asserts = golden.registry()


def ranked(case, *names):
    y, positive = case["data"][case["inputs"]["truth"]], case["params"].get("positive", 1)
    return [cl.Scores(y_true=y, y_score=case["data"][n].astype(float), positive=positive, kind="rank") for n in names]


@asserts("mcnemar_10_1_6_3", "mcnemar_794_86_150_570")
def mcnemar_of_counts(case):
    i = case["inputs"]
    table = PairedTable(i["both_right"], i["only_first_right"], i["only_second_right"], i["both_wrong"])
    ratio, (low, high) = paired_odds_ratio(table)
    return {
        "chi2_cc": mcnemar(table, "chi2_cc").statistic,
        "p_cc": mcnemar(table, "chi2_cc").p,
        "chi2": mcnemar(table, "chi2").statistic,
        "p": mcnemar(table, "chi2").p,
        "p_exact": mcnemar(table, "exact").p,
        "p_midp": mcnemar(table).p,
        "odds_ratio": ratio,
        "odds_ratio_exact_ci95": {"low": low, "high": high},
    }


@asserts("multiple_testing_1")
def several(case):
    return {name: adjusted(case["inputs"]["p"], name).tolist() for name in case["expected"]}


@asserts("paired_accuracy_three_a")
def three_accuracies(case):
    y = case["data"]["y"] == 1
    right = np.column_stack([(case["data"][name] > 0.5) == y for name in case["inputs"]["scores"]])
    q, table = cochran_q(right), PairedTable.of(right[:, 0], right[:, 1])
    return {
        "cochran_q": q.statistic,
        "cochran_df": q.df,
        "cochran_p": q.p,
        "mcnemar_a_b_table": [[table.both, table.first], [table.second, table.neither]],
        "mcnemar_exact_p": mcnemar(table, "exact").p,
    }


@asserts("auc_compare_asah_s100b_ndka", "auc_compare_asah_s100b_wfns")
def two_areas(case):
    one, two = ranked(case, case["inputs"]["score_1"], case["inputs"]["score_2"])
    first, second = auc_influence(one), auc_influence(two)
    pair = compare({"1": one, "2": two}, cl.roc_auc).differences[0]
    apart = delong_test(one, two, paired=False)
    return {
        "auc_1": first.value,
        "auc_2": second.value,
        "covariance": first.covariance(second),
        "paired": {
            "z": delong_test(one, two).statistic,
            "p": pair.p,
            "diff_ci95": dict(zip(("low", "high"), pair.interval(), strict=True)),
        },
        "unpaired": {"D": apart.statistic, "df": apart.df, "p": apart.p},
    }


@asserts("auc_compare_three_holm_a")
def three_areas(case):
    names = case["inputs"]["scores"]
    found = compare(dict(zip(names, ranked(case, *names), strict=True)), cl.roc_auc)
    assert [[d.first, d.second] for d in found.differences] == case["params"]["pairs"]
    p = [d.p for d in found.differences]
    return {
        "auc": list(found.values),
        "p": p,
        "p_holm": [d.p_adjusted for d in found.differences],
        "p_bh": adjusted(p, "bh").tolist(),
        "p_hommel": adjusted(p, "hommel").tolist(),
    }


@asserts("paired_tests_1")
def two_tests(case):
    def table(rows):
        return PairedTable(rows["both_pos"], rows["only_t1_pos"], rows["only_t2_pos"], rows["both_neg"])

    def difference(found):  # DTComPair's is test 2 - test 1
        return {
            "test1": found.first,
            "test2": found.second,
            "diff": -found.difference,
            "test.statistic": found.statistic,
            "p.value": found.p,
        }

    def ratio(found):
        low, high = found.interval(0.95)
        return {
            "test1": found.first,
            "test2": found.second,
            "ratio": found.ratio,
            "se.log": found.error,
            "test.statistic": found.statistic,
            "p.value": found.p,
            "lcl": low,
            "ucl": high,
        }

    def limits(found, of):
        low, high = tango(of, 0.95)
        about = {"test1": found.first, "test2": found.second, "diff": -found.difference, "diff.se": None}
        return about | {"diff.lcl": low, "diff.ucl": high}

    sick, well = (table(case["inputs"][name]) for name in ("diseased", "healthy"))
    both = TwoTests(sick, well)
    sens, spec = both.sensitivity(), both.specificity()
    return {
        "sens": {
            "t1": sens.first,
            "t2": sens.second,
            "diff": -sens.difference,
            "chi2": sens.statistic,
            "p": sens.p,
            "p_exact": mcnemar(sick, "exact").p,
        },
        "raw": {
            "sens": difference(sens),
            "spec": difference(spec),
            "ppv_gs": difference(both.ppv()),
            "npv_gs": difference(both.npv()),
            "ppv_wgs": difference(both.ppv(weighted=True)),
            "npv_wgs": difference(both.npv(weighted=True)),
            "pdlr": ratio(both.positive_likelihood_ratio()),
            "ndlr": ratio(both.negative_likelihood_ratio()),
            "rppv": [],  # the reference gave nothing here; tests/test_compare.py holds the formula
            "rnpv": [],
            "tango_sens": limits(sens, sick.swapped),
            "tango_spec": limits(spec, well),  # of flags: the sign turns for specificity
        },
    }


@asserts("corrected_resampled_t_10")
def resampled(case):
    found = corrected_resampled_t(
        case["inputs"]["score_diff"], n_train=case["params"]["n_train"], n_test=case["params"]["n_test"]
    )
    return {"t": found.statistic, "p": found.p}


@asserts("cv5x2_breast_cancer")
def five_by_two(case):
    log = np.array(case["inputs"]["score_log"]).reshape(5, 2, 2)  # repetition, half, learner
    t, f = cv5x2_t(log[:, :, 0] - log[:, :, 1]), cv5x2_f(log[:, :, 0] - log[:, :, 1])
    return {"t_5x2": t.statistic, "p_5x2": t.p, "F_combined": f.statistic, "p_combined": f.p}


@pytest.mark.parametrize("name", ASSERTED)
def test_golden(name):
    case = golden.case(name)
    golden.compare(case, ASSERTED[name](case))
