"""Our figures against other software's and published tables'; each case says which in its `source`."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

import cutline as cl
from cutline.calibration import Beta, Isotonic, Logistic, Temperature
from cutline.decision import umbrella_rank
from cutline.decision.order import p_value
from cutline.evidence import clopper_pearson, delong, estimate, wilson, z_of
from cutline.evidence.multiplicity import adjusted
from cutline.evidence.paired import PairedTable, mcnemar
from cutline.metrics import Counts, ThresholdTable, find, from_matrix
from tests import golden

ASSERTED, asserts = golden.registry()


def test_the_comparison_can_fail():
    case = {
        "name": "x",
        "expected": {"a": 1.0, "b": {"c": [2.0, None]}},
        "tolerance": {"abs": 0.1, "rel": 0.1, "per_key": {"b": 1}},
    }
    golden.compare(case, {"a": 1.19, "b": {"c": [3.1, math.nan]}})
    for wrong in (
        {"a": 1.21},
        {"b": {"c": [3.3, None]}},
        {"b": {"c": [2.0, 0.0]}},
        {"b": {"c": [2.0]}},
        {"d": 1},
        {},
        {"a": math.nan},
    ):
        with pytest.raises(AssertionError):
            golden.compare(case, wrong)


def interval(pair):
    return dict(zip(("low", "high"), pair, strict=True))


def binary(case, score=None, clip=0.0, kind="probability", weight=None):
    inputs, data = case["inputs"], case.get("data")
    if data is None:  # the numbers themselves stand in the case
        y, p = inputs["y"], np.array(inputs[score or "score"])
    else:
        y, p = data[inputs["truth"]], data[score or inputs.get("score") or inputs["p"]]
    return cl.Scores(
        y_true=y,
        y_score=p.clip(clip, 1 - clip) if clip else p,
        positive=case["params"].get("positive", 1),
        kind=kind,
        weight=None if weight is None else data[weight],
    )


def several(case, clip=0.0):
    inputs, labels = case["inputs"], case["params"]["labels"]
    p = np.column_stack([case["data"][name] for name in inputs["probs"]]).clip(clip)
    return cl.Scores(
        y_true=case["data"][inputs["truth"]],
        y_score=p / p.sum(axis=1, keepdims=True),
        classes=labels,
        kind="probability",
    )


# --- ranking --------------------------------------------------------------------------------------------------------


@asserts(
    "auc_delong_imbalanced_a",
    "auc_delong_heavy_ties_a",
    "auc_delong_asah_s100b",
    "auc_delong_asah_wfns",
    "auc_tiny_all_tied",
    "auc_tiny_perfect",
)
def auc(case):
    s = binary(case, kind="rank")
    table = ThresholdTable.from_scores(s)
    found = delong(table)
    got = {"auc": found.value, "variance": found.variance}
    for level in (90, 95):  # pROC's limits are on the scale of the AUC, clipped; ours are on the logit
        half = z_of(level / 100) * math.sqrt(found.variance)
        got[f"ci{level}"] = {"low": max(found.value - half, 0), "high": min(found.value + half, 1)}
    if found.variance == 0:
        assert estimate(cl.roc_auc, s).state == "degenerate"
    got["n_distinct_roc_points"] = len(table)
    got["pauc_fpr_0_0.05"] = cl.partial_auc(0, 0.05, of="fpr", standardized=False)(s)
    return {key: got[key] for key in got.keys() & case["expected"].keys()}


@asserts("auc_compare_three_holm_a")
def three(case):
    return {"auc": [cl.roc_auc(binary(case, model, kind="rank")) for model in case["inputs"]["scores"]]}


@asserts("ranking_weighted_ties_a")
def weighted_ties(case):
    s, plain = binary(case, kind="rank", weight="weight"), binary(case, kind="rank")
    table = ThresholdTable.from_scores(s)
    precision, recall = cl.precision(table)[1:], cl.recall(table)[1:]
    return {
        "auc_weighted": cl.roc_auc(s),
        "auc_unweighted": cl.roc_auc(plain),
        "auc_max_fpr_0_2_standardised": cl.partial_auc(0, 0.2, of="fpr")(plain),
        "average_precision_weighted": cl.average_precision(s),
        "average_precision_unweighted": cl.average_precision(plain),
        "roc_fpr": cl.fpr(table).tolist(),
        "roc_tpr": cl.recall(table).tolist(),
        "roc_thresholds": table.thresholds.tolist(),
        "pr_precision": [*precision[::-1], 1.0],  # the last point is scikit-learn's convention
        "pr_recall": [*recall[::-1], 0.0],
        "pr_thresholds": table.thresholds[:0:-1].tolist(),
    }


@asserts("average_precision_imbalanced_a")
def rare(case):
    s = binary(case)
    names = ("average_precision", "log_loss", "brier")
    return {
        "auc": cl.roc_auc(s),
        "prevalence": s.n_pos / s.n,
        "brier_skill_vs_prevalence": cl.brier_skill(s),
        **{name: find(name)(s) for name in names},
        "d2_log_loss": 1 - cl.log_loss(s) / cl.log_loss(s.with_score(np.full(s.n, s.n_pos / s.n), "probability")),
    }


@asserts("calibration_slope_breast_gnb_a", "calibration_slope_miscal_a")
def clipped_scores(case):
    s = binary(case, clip=case["params"]["clip"])
    return {
        "brier": cl.brier(s),
        "c_statistic": cl.roc_auc(s),
        "observed_minus_mean_predicted": -cl.prediction_bias(s),
    }


@asserts("log_loss_clipping_1")
def clipping(case):
    s = binary(case, "p")
    assert "1 row(s)" in estimate(cl.log_loss, s).note
    return {"log_loss_clipped": cl.log_loss(s), "brier": cl.brier(s)}


# --- counts and proportions -----------------------------------------------------------------------------------------


@asserts("binary_counts_90_30_20_60")
def counts(case):
    c = Counts(**case["inputs"])
    return {key: find(key)(c) for key in case["expected"] if key != "f0_5"} | {"f0_5": find("f0.5")(c)}


@asserts(
    "ci_binom_x0_n20_c95",
    "ci_binom_x1_n1_c95",
    "ci_binom_x499_n500_c99",
    "ci_binom_x7_n23_c95",
    "ci_proportion_methods_x0_n13",
    "ci_proportion_methods_x9_n60",
)
def proportions(case):
    k, n, level = case["inputs"]["successes"], case["inputs"]["n"], case["params"]["confidence"]
    return {"wilson": interval(wilson(k, n, level)), "clopper_pearson": interval(clopper_pearson(k, n, level))}


@asserts("published_newcombe_1998_single")
def newcombe(case):
    level = case["params"]["confidence"]
    return {
        "rows": [
            {"x": x, "n": n, "wilson": wilson(x, n, level), "clopper_pearson": clopper_pearson(x, n, level)}
            for x, n in ((r["x"], r["n"]) for r in case["expected"]["rows"])
        ]
    }


@asserts("diag2x2_ci_19_1_0_30", "diag2x2_ci_670_202_74_640")
def diagnostic(case):
    c = Counts(**case["inputs"])
    names = {"sensitivity": "recall", "specificity": "specificity", "accuracy": "accuracy", "ppv": "ppv", "npv": "npv"}
    got = {}
    for key, name in {**names, "apparent_prevalence": "flagged_rate"}.items():
        metric = find(name)
        got[key] = {"est": metric(c), **interval(clopper_pearson(*metric.proportion(c)))}
    points = {"lr_pos": "plr", "lr_neg": "nlr", "diagnostic_odds_ratio": "dor", "youden_j": "youden"}
    for key, name in {**points, "true_prevalence": "prevalence"}.items():
        if case["expected"][key]["est"] is None:  # epiR gives no odds ratio beside an empty cell; it is infinite
            assert math.isinf(find(name).value(c))
        else:
            got[key] = {"est": find(name).value(c)}
    for end in ("low", "high"):  # epiR adds the exact limits of both rates
        got["youden_j"][end] = got["sensitivity"][end] + got["specificity"][end] - 1
    return got


CARET = {
    "Sensitivity": cl.recall,
    "Specificity": cl.specificity,
    "Precision": cl.precision,
    "Recall": cl.recall,
    "F1": cl.f1,
    "Balanced_Accuracy": cl.balanced_accuracy,
    "Detection_Prevalence": cl.flagged_rate,
}


@asserts("confusion_binary_prevalence_1", "confusion_binary_strings_1")
def caret_binary(case):
    matrix = np.array(case["inputs"]["matrix_rows_predicted_cols_truth"]).T
    c = from_matrix(matrix, case["inputs"]["classes"].index(case["params"]["positive"]))
    got = {name: metric(c) for name, metric in CARET.items()}
    got["Accuracy"] = cl.accuracy(matrix)
    got["AccuracyLower"], got["AccuracyUpper"] = clopper_pearson(int(np.trace(matrix)), int(matrix.sum()))
    got |= {"Kappa": cl.cohen_kappa(c), "Detection_Rate": c.tp / c.total}
    null = max(c.positives, c.negatives) / c.total
    got |= {"AccuracyNull": null, "AccuracyPValue": p_value(cl.accuracy >= null, c)}
    got["McnemarPValue"] = mcnemar(PairedTable(c.tp, c.fp, c.fn, c.tn), "chi2_cc").p
    if case["params"]["prevalence"] is not None:
        pi = case["params"]["prevalence"]
        got["Pos_Pred_Value"] = cl.precision_at_prevalence(pi)(c)
        got["Neg_Pred_Value"] = cl.npv_at_prevalence(pi)(c)
        got["Prevalence"] = cl.prevalence(cl.maximize(cl.f1, prevalence=pi).counts(c))
    else:
        got |= {"Pos_Pred_Value": cl.precision(c), "Neg_Pred_Value": cl.npv(c), "Prevalence": c.positives / c.total}
    return got


def labels(case):
    truth, said = (case["data"][case["inputs"][column]] for column in ("truth", "pred"))
    return cl.Scores(y_true=truth, y_score=said, classes=case["params"]["labels"], kind="label")


@asserts("confusion_multiclass_strings_a")
def caret_several(case):
    s = labels(case)
    matrix = cl.confusion_matrix(s, s.score)
    low, high = clopper_pearson(int(np.trace(matrix)), int(matrix.sum()))
    by_class = {}
    for k, name in enumerate(s.classes.names):
        c = from_matrix(matrix, k)
        by_class[name] = {key: metric.value(c) for key, metric in CARET.items() if key != "F1"}
        by_class[name] |= {"Pos_Pred_Value": cl.precision.value(c), "Neg_Pred_Value": cl.npv(c)}
        by_class[name] |= {"Detection_Rate": c.tp / c.total, "Prevalence": cl.prevalence(c)}
        if c.tp:  # without a true positive caret calls F1 undefined; 2 tp / (2 tp + fp + fn) is 0
            by_class[name]["F1"] = cl.f1(c)
    right, null = int(np.trace(matrix)), matrix.sum(axis=1).max() / matrix.sum()
    overall = {"Accuracy": cl.accuracy(s), "AccuracyLower": low, "AccuracyUpper": high, "Kappa": cl.cohen_kappa(s)}
    test = p_value(cl.accuracy >= null, Counts(tp=right, fp=0, fn=int(matrix.sum()) - right, tn=0))
    return {"overall": overall | {"AccuracyNull": null, "AccuracyPValue": test}, "by_class": by_class}


@asserts("multiclass_label_a")
def multiclass_labels(case):
    s = labels(case)
    matrix = cl.confusion_matrix(s, s.score)
    each = {
        name: [find(name).value(from_matrix(matrix, k)) for k in range(5)]
        for name in ("precision", "recall", "f1", "f2")
    }
    # scikit-learn counts the precision of a class that is never decided as 0 here; we leave it out and say so.
    got = {"macro": {name: float(np.mean(np.nan_to_num(values))) for name, values in each.items()}}
    share = matrix.sum(axis=1) / matrix.sum()
    got["weighted"] = {name: float(share @ np.nan_to_num(values)) for name, values in each.items()}
    for name in ("recall", "f1", "f2"):  # defined for every class
        got["macro"][name] = find(f"macro_{name}")(s)
        got["weighted"][name] = find(f"weighted_{name}")(s)
    got["micro"] = {name: find(f"micro_{name}")(s) for name in (*each, "jaccard")}
    for average in ("macro", "weighted"):
        got[average]["jaccard"] = find(f"{average}_jaccard")(s)
    assert find("macro_precision")(s) == pytest.approx(np.nanmean(each["precision"]))
    chance = 1 / s.classes.k
    return got | {
        "balanced_accuracy_adjusted": (cl.balanced_accuracy(s) - chance) / (1 - chance),  # scikit-learn's option
        "mcc": cl.mcc(s),
        "kappa": cl.cohen_kappa(s),
        "balanced_accuracy": cl.balanced_accuracy(s),
        "confusion_rows_truth": matrix.tolist(),
    }


@asserts("multiclass_prob_multi3_a", "multiclass_prob_digits10_a")
def multiclass_probabilities(case):
    s = several(case)
    return {
        "auc_ovr_macro": cl.macro(cl.roc_auc)(s),
        "auc_ovr_weighted": cl.weighted(cl.roc_auc)(s),
        "ap_macro": cl.macro(cl.average_precision)(s),
        "ap_weighted": cl.weighted(cl.average_precision)(s),
        "auc_ovr_micro": cl.micro(cl.roc_auc)(s),
        "ap_micro": cl.micro(cl.average_precision)(s),
        "auc_ovo_macro": cl.hand_till(s),
        "auc_ovo_weighted": cl.weighted_roc_auc_ovo(s),
        "log_loss": cl.log_loss(s),
        "brier_sum_over_classes": cl.brier(s),
        "d2_log_loss": cl.log_loss_skill(s),
        "d2_brier": cl.brier_skill(s),
        **{
            key: cl.top_k_accuracy(int(key.split("_")[1]))(s)
            for key in case["expected"]
            if key.startswith("top_") and "note" not in key
        },
    }


@asserts("corp_brier_breast_gnb_a", "corp_brier_niamey_EMOS", "corp_brier_niamey_ENS", "corp_logloss_weighted_a")
def corp(case):
    def parts(s, loss, names, prefix=""):
        d = cl.decompose(s, loss=loss)
        assert d.score == pytest.approx(d.miscalibration - d.discrimination + d.uncertainty)
        fields = (d.score, d.miscalibration, d.discrimination, d.uncertainty)
        return {f"{prefix}{name}": value for name, value in zip(names, fields, strict=True)}

    s = binary(case)
    if "logloss" in case["name"]:
        names = ("score", "miscalibration", "discrimination", "uncertainty")
        weighted = s.with_weight(np.where(np.arange(s.n) % 3 == 0, 2.0, 1.0))
        return {
            "brier": parts(s, "brier", names),
            "log_loss": parts(s, "log_loss", names),
            "brier_weighted": parts(weighted, "brier", names),
        }
    got = parts(s, "brier", ("mean_score", "MCB", "DSC", "UNC"))
    if case["expected"].get("log_mean_score") is not None:
        got |= parts(s, "log_loss", ("mean_score", "MCB", "DSC", "UNC"), "log_")
    elif "log_DSC" in case["expected"]:  # a forecast of 0 came true: what the order of the forecasts is worth remains
        d = cl.decompose(s, loss="log_loss")
        got |= {"log_DSC": d.discrimination, "log_UNC": d.uncertainty}
    return got


@asserts("brier_murphy_breast_gnb_a_5bins", "brier_murphy_breast_gnb_a_10bins")
def murphy(case):
    m = cl.murphy(binary(case), bins=case["params"]["bins"])
    return {
        "REL": m.reliability,
        "RES": m.resolution,
        "UNC": m.uncertainty,
        "REL_bias_corrected": m.reliability_corrected,
        "RES_bias_corrected": m.resolution_corrected,
        "UNC_bias_corrected": m.uncertainty_corrected,
    }


@asserts("auc_hand_till_a", "auc_hand_till_digits_a")
def hand_till(case):
    p = np.column_stack([case["data"][name] for name in case["inputs"]["probs"]])
    s = cl.Scores(
        y_true=case["data"][case["inputs"]["truth"]], y_score=p, classes=case["params"]["classes"], kind="rank"
    )
    return {key: cl.hand_till(s) for key in case["expected"]}


def turned(at, x, y):
    """Linear interpolation with the weights of the two neighbours exchanged."""
    i = int(np.searchsorted(x, at))
    share = (at - x[i - 1]) / (x[i] - x[i - 1])
    assert np.interp(at, x, y) == pytest.approx((1 - share) * y[i - 1] + share * y[i])
    return share * y[i - 1] + (1 - share) * y[i]


@asserts("hmeasure_imbalanced_a", "hmeasure_asah_s100b")
def hand(case):
    s = binary({**case, "params": {"positive": "Poor" if "asah" in case["name"] else 1}}, kind="rank")
    names = {"H": cl.h_measure, "Gini": cl.gini, "AUC": cl.roc_auc, "AUCH": cl.auch, "KS": cl.ks}
    share, roc = s.n_pos / s.n, cl.ThresholdTable.from_scores(s).roc()
    weighted = cl.best(cl.cost_per_row(fp=2 * share, fn=2 * (1 - share)))
    return {key: metric(s) for key, metric in names.items()} | {
        "MER": cl.best(cl.find("error_rate"))(s),
        "MWL": weighted(s),
        "ER": cl.error_rate(s, at=math.nextafter(0.5, 1)),
        # Between two sensitivities hmeasure weighs the neighbours the wrong way round.
        "Spec.Sens95": 1 - turned(0.95, roc.y, roc.x),
        "Sens.Spec95": float(np.interp(0.05, roc.x, roc.y)),
    }


@asserts("pr_auc_dg_ties_a", "pr_auc_dg_imbalanced_a")
def davis_goadrich(case):
    s = binary({**case, "params": {"positive": case["inputs"].get("positive", 1)}}, kind="rank")
    return {
        "aupr_davis_goadrich": cl.aupr_davis_goadrich(s),
        "aupr_integral": cl.aupr(s),
        "aupr_precrec": cl.aupr(s),
        "auroc_precrec": cl.roc_auc(s),
    }


@asserts("pauc_asah_s100b_spec_0.9_1", "pauc_asah_wfns_sens_0.8_1")
def partial(case):
    s, (high, low) = binary(case, kind="rank"), case["params"]["range"]
    if case["params"]["focus"] == "specificity":
        about = {"low": 1 - high, "high": 1 - low, "of": "fpr"}
    else:
        about = {"low": low, "high": high, "of": "recall"}
    return {
        "pauc": cl.partial_auc(**about, standardized=False)(s),
        "pauc_mcclish": cl.partial_auc(**about)(s),
    }


@asserts("ordinal_metrics_a", "rps_scoringrules_a")
def ordinal(case):
    data, inputs = case["data"], case["inputs"]
    classes = cl.Classes(range(5), ordered=True)
    p = np.column_stack([data[name] for name in inputs["probs"]])
    truth = data[inputs["truth"]].astype(int)
    s = cl.Scores(y_true=truth, y_score=p / p.sum(axis=1, keepdims=True), classes=classes, kind="probability")
    rps = cl.ranked_probability_score(s)
    if "pred" not in inputs:
        return {"rps_mean": rps, "rps_first5": [cl.ranked_probability_score(s.take([i])) for i in range(5)]}
    said = cl.Scores(y_true=truth, y_score=data[inputs["pred"]].astype(int), classes=classes, kind="label")
    names = {"kendall_tau_b": "tau_b", "rps_mean_sum_of_squared_cdf_differences": None}
    got = {key: find(names.get(key, key))(said) for key in case["expected"] if names.get(key, key)}
    return got | {"rps_mean_sum_of_squared_cdf_differences": rps}


@asserts("kappa_weighted_1")
def kappas(case):
    m = np.array(case["inputs"]["matrix"])
    names = {"kappa": "kappa", "kappa_quadratic": "quadratic_kappa", "kappa_linear": "linear_kappa"}
    return {key: find(name)(m) for key, name in names.items()}


@asserts("multilabel_a")
def several_labels(case):
    truth, score = ({c[2:]: case["data"][c] for c in case["inputs"][side]} for side in ("truth", "scores"))
    m = cl.MultiLabel(y_true=truth, y_score=score, kind="probability")
    got = {
        average: {name: find(f"{average}_{name}").value(m, at=0.5) for name in ("f1", "precision", "recall", "jaccard")}
        for average in ("micro", "macro", "weighted")
    }
    # scikit-learn counts rows without any label as 0 here; we leave them out: put them back.
    rows = cl.metrics.label_sets.label_counts(m, 0.5, by_row=True)
    got["samples"] = {
        name: float(np.nan_to_num(find(name).value(rows)).mean()) for name in ("f1", "precision", "recall", "jaccard")
    }
    for name in got["samples"]:
        assert find(f"samples_{name}").value(m, at=0.5) == pytest.approx(np.nanmean(find(name).value(rows)))
    got |= {name: find(name).value(m, at=0.5) for name in ("hamming_loss", "subset_accuracy")}
    got |= {name: find(name).value(m) for name in ("lrap", "coverage_error", "ranking_loss")}
    each = [ThresholdTable.from_scores(m.label(name)).counts(0.5) for name in m.names]
    return got | {
        "auc_micro": cl.micro(cl.roc_auc)(m),
        "ap_micro": cl.micro(cl.average_precision)(m),
        "per_label_confusion_tn_fp_fn_tp": [[c.tn, c.fp, c.fn, c.tp] for c in each],
        "auc_per_label": {name: cl.roc_auc(m.label(name)) for name in m.names},
    }


@asserts("hierarchical_prf_1")
def tree(case):
    found = cl.hierarchical(y_true=case["inputs"]["truth_paths"], y_pred=case["inputs"]["pred_paths"])
    return {"h_precision": found.precision, "h_recall": found.recall, "h_f1": found.f1}


@asserts("degenerate_all_one_class", "degenerate_no_positive_predictions")
def degenerate(case):
    s = cl.Scores(y_true=case["inputs"]["y"], y_score=case["inputs"]["pred"], classes=[0, 1], kind="label")
    assert math.isnan(cl.mcc.value(s))  # 0 by scikit-learn's convention; undefined is never 0 here
    names = ("precision", "recall", "f1")
    return {
        "accuracy": cl.accuracy(s),
        **{f"{name}_zero_div_nan": find(name).value(s) for name in names},
        "confusion": cl.confusion_matrix(s, s.score).tolist(),
    }


@asserts("f1_delta_ci_a")
def f1_points(case):
    s = binary(case)
    at = math.nextafter(0.5, 1)  # the case decides at > 0.5
    both = cl.confusion_matrix(s, (s.score > 0.5).astype(int))
    return {
        "binary_f1": {"est": cl.f1(s, at=at)},
        "micro_f1": {"est": cl.micro(cl.f1)(both)},
        "macro_f1": {"est": cl.macro(cl.f1)(both)},
    }


# --- thresholds and guarantees --------------------------------------------------------------------------------------


@asserts("constrained_operating_point_a")
def constrained(case):
    s, got = binary(case), {}
    for key in case["expected"]:
        if key.startswith("max_"):
            aim, _, rest = key.removeprefix("max_").partition("_at_")
            name, _, bound = rest.partition("_ge_")
            point = cl.maximize(find(aim), subject_to=[find(name) >= float(bound)]).choose(s)
            got[key] = {aim: find(aim)(s, at=point.threshold), "threshold": point.threshold}
    assert len(got) == 6
    return got


@asserts("best_threshold_asah_s100b_w1_0.5", "best_threshold_asah_ndka_w5_0.2")
def youden(case):
    s, params = binary(case, kind="rank"), case["params"]
    fn, pi = params["relative_cost_fn_over_fp"], params["prevalence"]
    ratio = (1 - pi) / (fn * pi)
    policies = {
        "youden": cl.minimize(cl.cost(fp=1, fn=fn), prevalence=pi),
        "closest_topleft": cl.minimize(cl.corner_distance(ratio)),
    }
    names = ("sensitivity", "specificity", "ppv", "npv", "accuracy")
    got = {}
    for key, policy in policies.items():
        at = policy.choose(s).threshold
        below = s.score[s.score < at].max()
        figures = {name: find(name)(s, at=at) for name in names}
        got[key] = [figures | {"threshold": (at + below) / 2}]  # pROC cuts half way between two scores
    return got


@asserts("ltt_binary_fpr_a", "ltt_binary_precision_a", "ltt_binary_recall_a")
def learn_then_test(case):
    params, s = case["params"], binary(case)
    target, delta = params["target"], params["delta"]
    constraint = find(params["risk"]) <= target if params["risk"] == "fpr" else find(params["risk"]) >= target
    table, grid = ThresholdTable.from_scores(s), np.arange(100) / 100

    def p_at(t):
        return float(p_value(constraint, table.counts(float(t))))

    order = grid if params["risk"] == "recall" else grid[::-1]
    failed = [i for i, t in enumerate(order) if p_at(t) > delta]
    passed = order[: failed[0]]

    def valid(cuts):
        return {"n_valid": len(cuts), "min_valid": cuts.min(), "max_valid": cuts.max()}

    p = np.array([p_at(t) for t in grid])
    return {
        "p_value_at": {t: p_at(t) for t in case["expected"]["p_value_at"]},
        "fixed_sequence": valid(passed),
        **{how: valid(grid[adjusted(p, how) <= delta]) for how in ("bonferroni", "holm")},
    }


@asserts("neyman_pearson_ranks")
def ranks(case):
    delta = case["params"]["delta"]
    asked = [{"n": c["n"], "alpha": c["alpha"]} for c in case["expected"]["cases"]]
    return {"cases": [one | {"rank": umbrella_rank(**one, delta=delta)} for one in asked]}


@asserts("neyman_pearson_umbrella_a")
def umbrella(case):
    s = binary(case)
    negatives = np.sort(s.score[~s.is_positive])
    got = []
    for c in case["expected"]["cases"]:
        k = umbrella_rank(len(negatives), c["alpha"], c["delta"])
        asked = {"alpha": c["alpha"], "delta": c["delta"], "n_negative": len(negatives)}
        got.append(asked | {"order_statistic_rank": k, "threshold": negatives[k - 1]})
        policy = cl.maximize(cl.recall, subject_to=[cl.fpr <= c["alpha"]], confidence=1 - c["delta"])
        assert policy.choose(s).threshold == np.nextafter(negatives[k - 1], 1)  # positive iff above the k-th smallest
    least = {
        key: next(n for n in range(1, 400) if umbrella_rank(n, alpha, 0.05))
        for key, alpha in (("a05_d05", 0.05), ("a10_d05", 0.1), ("a01_d05", 0.01))
    }
    return {"cases": got, "min_n_for_feasible": least}


# --- recalibration --------------------------------------------------------------------------------------------------


def exact(fit):
    """Isotonic without the distance we keep from 0 and 1."""
    edge = fit.y.min()
    return replace(fit, y=np.where(fit.y <= edge, 0.0, np.where(fit.y >= 1 - edge, 1.0, fit.y)))


@asserts("recal_isotonic_a")
def isotonic(case):
    s = binary(case)
    fit = exact(Isotonic.fit(s))
    fitted = fit(s.score)
    return {
        "query_calibrated": fit(np.array(case["inputs"]["query"])).tolist(),
        "fitted_brier": float(np.square(fitted - s.is_positive).mean()),
        "n_distinct_levels": len(np.unique(fitted)),
    }


@asserts("isotonic_centered_1")
def pava(case):
    x, y, w = (np.array(case["inputs"][name], dtype=float) for name in ("x", "y", "weight"))
    rows = cl.Scores(  # a mean y of weight w is w y positives and w (1 - y) negatives
        y_true=np.repeat([1, 0], len(x)),
        y_score=np.tile(x, 2),
        weight=np.concatenate([w * y, w * (1 - y)]),
        kind="rank",
    )
    return {"pava": exact(Isotonic.fit(rows.known()))(x).tolist()}


@asserts("recal_platt_a")
def platt(case):
    fit = Logistic.fit(binary(case, clip=1e-4))
    return {"A": -fit.slope, "B": -fit.intercept, "query_calibrated": fit(np.array(case["inputs"]["query"])).tolist()}


@asserts("recal_beta_a")
def beta(case):
    fit = Beta.fit(binary(case, clip=1e-4))
    # betacal's m is where the map crosses 1/2: a ln m - b ln(1 - m) + c = 0.
    m = case["expected"]["map_a_b_m"][2]
    return {
        "map_a_b_m": [fit.a, fit.b, m if abs(fit(np.array([m]))[0] - 0.5) < 1e-3 else math.nan],
        "query_calibrated": fit(np.array(case["inputs"]["query"])).tolist(),
    }


@asserts("recal_temperature_multi3_a", "recal_temperature_digits10_a")
def temperature(case):
    s = several(case, clip=1e-4)
    fit = Temperature.fit(s)
    # Ours is fitted through the mix, so it is compared where the mix is: the temperature itself differs a little.
    mixed = {
        "log_loss_in_sample": cl.log_loss(s.with_score(fit(s.score), "probability")),
        "first_row": fit(s.score)[0].tolist(),
    }
    return {"log_loss_before": cl.log_loss(s), "probmetrics": {"ts-mix": mixed}}


@pytest.mark.parametrize("name", ASSERTED)
def test_golden(name):
    case = golden.case(name)
    golden.compare(case, ASSERTED[name](case))
