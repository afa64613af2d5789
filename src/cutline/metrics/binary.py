"""Binary metrics: over counts at a threshold, and over the order of the scores."""

from __future__ import annotations

from typing import Any

import numpy as np

from cutline.errors import InputError
from cutline.metrics.counts import Counts
from cutline.metrics.metric import Metric


def plain(number: float) -> str:
    """The shortest text that reads back as the same number: 0.9, 1, 1e-05."""
    short = f"{number:g}"
    text = short if float(short) == number else repr(float(number))
    return text.replace("e+", "e")  # a name has no plus sign


def divide(numerator: Any, denominator: Any) -> Any:
    """Quotient with 0/0 = nan, for numbers and arrays."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.true_divide(numerator, denominator)[()]


def _proportion(name: str, label: str, of: Any, *, maximize: bool, **about: Any) -> Metric:
    return Metric(
        name,
        label,
        maximize,
        (0.0, 1.0),
        1.0 if maximize else 0.0,
        of_counts=lambda c: divide(*of(c)),
        proportion=of,
        **about,
    )


accuracy = Metric(
    "accuracy",
    "Accuracy",
    True,
    (0.0, 1.0),
    1.0,
    chance="the share of the largest class",
    formula="(tp + tn) / n",
    undefined="no rows",
    synonyms=("acc", "accuracy_score", "fraction_correct", "binary_accuracy"),
    tasks=("binary", "multiclass"),
    of_counts=lambda c: divide(c.tp + c.tn, c.total),
    of_matrix=lambda m: divide(_trace(m), m.sum(axis=(-2, -1))),
    proportion=lambda c: (c.tp + c.tn, c.total),
)
precision = _proportion(
    "precision",
    "Precision",
    lambda c: (c.tp, c.tp + c.fp),
    maximize=True,
    chance="prevalence",
    formula="tp / (tp + fp)",
    undefined="nothing is flagged",
    synonyms=("ppv", "positive_predictive_value", "pos_pred_value", "precision_score", "prec"),
)
recall = _proportion(
    "recall",
    "Recall",
    lambda c: (c.tp, c.tp + c.fn),
    maximize=True,
    chance="the flagged rate",
    formula="tp / (tp + fn)",
    undefined="there are no positives",
    synonyms=(
        "tpr",
        "true_positive_rate",
        "sensitivity",
        "sensitivity_score",
        "sens",
        "recall_score",
        "rec",
        "hit_rate",
        "probability_of_detection",
    ),
)
specificity = _proportion(
    "specificity",
    "Specificity",
    lambda c: (c.tn, c.tn + c.fp),
    maximize=True,
    chance="1 - the flagged rate",
    formula="tn / (tn + fp)",
    undefined="there are no negatives",
    synonyms=("tnr", "true_negative_rate", "selectivity", "specificity_score", "spec"),
)
npv = _proportion(
    "npv",
    "Negative predictive value",
    lambda c: (c.tn, c.tn + c.fn),
    maximize=True,
    chance="1 - prevalence",
    formula="tn / (tn + fn)",
    undefined="everything is flagged",
    synonyms=("negative_predictive_value", "neg_pred_value"),
)
fpr = _proportion(
    "fpr",
    "False positive rate",
    lambda c: (c.fp, c.fp + c.tn),
    maximize=False,
    chance="the flagged rate",
    formula="fp / (fp + tn)",
    undefined="there are no negatives",
    synonyms=("false_positive_rate", "fall_out", "fallout", "fall", "false_alarm_rate", "1_specificity"),
)
fnr = _proportion(
    "fnr",
    "False negative rate",
    lambda c: (c.fn, c.fn + c.tp),
    maximize=False,
    chance="1 - the flagged rate",
    formula="fn / (fn + tp)",
    undefined="there are no positives",
    synonyms=("false_negative_rate", "miss_rate", "miss", "1_sensitivity"),
)
flagged_rate = Metric(
    "flagged_rate",
    "Flagged rate",
    None,
    (0.0, 1.0),
    float("nan"),
    chance="any",
    formula="(tp + fp) / n",
    undefined="no rows",
    synonyms=("predicted_positive_rate", "alert_rate", "detection_prevalence"),
    of_counts=lambda c: divide(c.flagged, c.total),
    proportion=lambda c: (c.flagged, c.total),
)


flagged_count = Metric(
    "flagged_count",
    "Flagged",
    None,
    (0.0, float("inf")),
    float("nan"),
    chance="any",
    formula="tp + fp",
    undefined="never",
    synonyms=("predicted_positives", "alerts"),
    tasks=("policy",),
    of_counts=lambda c: c.flagged,
)


def _mcc(c: Counts) -> Any:
    # Floats first: the product of four counts leaves 64-bit integers near n = 1e5. Paired so that the root of a
    # perfect classifier is the root of a square, and hence exact.
    tp, fp, fn, tn = (np.asarray(getattr(c, s), dtype=np.float64) for s in ("tp", "fp", "fn", "tn"))
    return divide(tp * tn - fp * fn, np.sqrt((tp + fp) * (tn + fn) * ((tp + fn) * (tn + fp))))


def _mcc_matrix(m: Any) -> Any:
    m = np.asarray(m, dtype=np.float64)
    if m.shape[-1] == 2:
        return _mcc(Counts(m[..., 1, 1], m[..., 0, 1], m[..., 1, 0], m[..., 0, 0]))
    truth, said = m.sum(axis=-1), m.sum(axis=-2)
    n = truth.sum(axis=-1)
    cross = n * _trace(m) - (truth * said).sum(axis=-1)
    spread_said = n * n - np.square(said).sum(axis=-1)
    spread_truth = n * n - np.square(truth).sum(axis=-1)
    one_class = (truth.max(axis=-1) == n) | (said.max(axis=-1) == n)  # rounding must not make 0/0 a number
    return np.where(one_class, np.nan, divide(cross, np.sqrt(spread_said) * np.sqrt(spread_truth)))[()]


def _balanced_matrix(m: Any) -> Any:
    share = divide(np.diagonal(m, axis1=-2, axis2=-1), m.sum(axis=-1))
    defined = ~np.isnan(share)
    mean = divide(np.where(defined, share, 0.0).sum(axis=-1), defined.sum(axis=-1))
    # Of two classes both are needed, as over counts; of several the present ones are averaged.
    return np.where(defined.all(axis=-1), mean, np.nan)[()] if m.shape[-1] == 2 else mean


def _trace(m: Any) -> Any:
    return np.trace(m, axis1=-2, axis2=-1)


balanced_accuracy = Metric(
    "balanced_accuracy",
    "Balanced accuracy",
    True,
    (0.0, 1.0),
    1.0,
    chance="1 / k",
    formula="mean of the recalls of all classes",
    undefined="a class has no rows",
    synonyms=("balanced_accuracy_score", "bal_accuracy"),
    tasks=("binary", "multiclass"),
    of_counts=lambda c: (divide(c.tp, c.positives) + divide(c.tn, c.negatives)) / 2,
    of_matrix=_balanced_matrix,
)
mcc = Metric(
    "mcc",
    "Matthews correlation",
    True,
    (-1.0, 1.0),
    1.0,
    chance="0",
    formula="(tp tn - fp fn) / sqrt((tp+fp)(tp+fn)(tn+fp)(tn+fn))",
    undefined="only one class is present or only one is decided",
    reference="Matthews 1975; Gorodkin 2004 for k classes",
    synonyms=("matthews_corrcoef", "phi"),
    tasks=("binary", "multiclass"),
    of_counts=_mcc,
    of_matrix=_mcc_matrix,
)


def f_beta(beta: float) -> Metric:
    """F-beta: recall counts beta times as much as precision.

    ``(1 + beta^2) tp / ((1 + beta^2) tp + beta^2 fn + fp)``; van Rijsbergen 1979.

    Examples
    --------
    >>> import cutline as cl
    >>> round(cl.f_beta(2)(cl.Counts(tp=90, fp=30, fn=20, tn=60)), 4)
    0.8036
    """
    if not 0 < beta < float("inf"):
        raise InputError("beta", repr(beta), "a number above 0")
    b = float(beta) ** 2
    return Metric(
        f"f{plain(beta)}",
        f"F{plain(beta)}",
        True,
        (0.0, 1.0),
        1.0,
        chance="depends on prevalence and on the flagged rate",
        formula="2 tp / (2 tp + fp + fn)" if b == 1 else f"{1 + b:g} tp / ({1 + b:g} tp + {b:g} fn + fp)",
        undefined="no positives and nothing flagged",
        reference="van Rijsbergen 1979",
        synonyms=("f1_score", "dice", "f_score", "f_meas", "f_measure") if b == 1 else (),
        of_counts=lambda c: divide((1 + b) * c.tp, (1 + b) * c.tp + b * c.fn + c.fp),
    )


f1 = f_beta(1)


error_rate = _proportion(
    "error_rate",
    "Error rate",
    lambda c: (c.fp + c.fn, c.total),
    maximize=False,
    chance="1 - the share of the largest class",
    formula="(fp + fn) / n",
    undefined="no rows",
    synonyms=("zero_one_loss", "misclassification_rate", "classification_error", "err", "1_accuracy"),
)
fdr = _proportion(
    "fdr",
    "False discovery rate",
    lambda c: (c.fp, c.tp + c.fp),
    maximize=False,
    chance="1 - prevalence",
    formula="fp / (tp + fp)",
    undefined="nothing is flagged",
    synonyms=("false_discovery_rate", "false_alarm_ratio", "1_ppv", "1_precision"),
)
false_omission_rate = _proportion(
    "false_omission_rate",
    "False omission rate",
    lambda c: (c.fn, c.fn + c.tn),
    maximize=False,
    chance="prevalence",
    formula="fn / (fn + tn)",
    undefined="everything is flagged",
    synonyms=("for", "1_npv"),
)
prevalence = Metric(
    "prevalence",
    "Prevalence",
    None,
    (0.0, 1.0),
    float("nan"),
    chance="any",
    formula="(tp + fn) / n",
    undefined="no rows",
    synonyms=("base_rate",),
    of_counts=lambda c: divide(c.positives, c.total),
    proportion=lambda c: (c.positives, c.total),
)
jaccard = _proportion(
    "jaccard",
    "Jaccard index",
    lambda c: (c.tp, c.tp + c.fp + c.fn),
    maximize=True,
    chance="depends on prevalence and on the flagged rate",
    formula="tp / (tp + fp + fn)",
    undefined="no positives and nothing flagged",
    reference="Jaccard 1901; Gilbert 1884",
    synonyms=("csi", "critical_success_index", "threat_score", "jaccard_score", "iou"),
)
positive_likelihood_ratio = Metric(
    "positive_likelihood_ratio",
    "Positive likelihood ratio",
    True,
    (0.0, float("inf")),
    float("inf"),
    chance="1",
    formula="recall / fpr",
    undefined="nothing is flagged, or a class has no rows",
    synonyms=("lr_plus", "lr_pos", "lr+", "plr", "likelihood_ratio_positive"),
    of_counts=lambda c: divide(divide(c.tp, c.positives), divide(c.fp, c.negatives)),
)
negative_likelihood_ratio = Metric(
    "negative_likelihood_ratio",
    "Negative likelihood ratio",
    False,
    (0.0, float("inf")),
    0.0,
    chance="1",
    formula="fnr / specificity",
    undefined="everything is flagged, or a class has no rows",
    synonyms=("lr_minus", "lr_neg", "lr_", "nlr", "likelihood_ratio_negative"),  # "LR-" is read as "lr_"
    of_counts=lambda c: divide(divide(c.fn, c.positives), divide(c.tn, c.negatives)),
)
diagnostic_odds_ratio = Metric(
    "diagnostic_odds_ratio",
    "Diagnostic odds ratio",
    True,
    (0.0, float("inf")),
    float("inf"),
    chance="1",
    formula="(tp tn) / (fp fn)",
    undefined="a row and its diagonal neighbour are both empty",
    reference="Glas et al. 2003",
    synonyms=("dor", "odds_ratio"),
    of_counts=lambda c: divide(divide(c.tp, c.fp) * 1.0, divide(c.fn, c.tn)),
)
informedness = Metric(
    "informedness",
    "Informedness",
    True,
    (-1.0, 1.0),
    1.0,
    chance="0",
    formula="recall + specificity - 1",
    undefined="a class has no rows",
    reference="Youden 1950; Powers 2011",
    synonyms=("youden", "youden_j", "j_index", "bookmaker_informedness"),
    of_counts=lambda c: divide(c.tp, c.positives) - divide(c.fp, c.negatives),
)
markedness = Metric(
    "markedness",
    "Markedness",
    True,
    (-1.0, 1.0),
    1.0,
    chance="0",
    formula="precision + npv - 1",
    undefined="everything is flagged, or nothing",
    reference="Powers 2011",
    synonyms=("delta_p",),
    of_counts=lambda c: divide(c.tp, c.flagged) - divide(c.fn, c.fn + c.tn),
)
fowlkes_mallows = Metric(
    "fowlkes_mallows",
    "Fowlkes-Mallows index",
    True,
    (0.0, 1.0),
    1.0,
    chance="the root of prevalence x flagged rate",
    formula="sqrt(precision x recall)",
    undefined="there are no positives, or nothing is flagged",
    reference="Fowlkes & Mallows 1983",
    synonyms=("fm_index", "fmi", "fowlkes_mallows_score"),
    of_counts=lambda c: np.sqrt(divide(c.tp, c.flagged) * divide(c.tp, c.positives)),
)
g_mean = Metric(
    "g_mean",
    "G-mean",
    True,
    (0.0, 1.0),
    1.0,
    chance="at most 0.5",
    formula="sqrt(recall x specificity)",
    undefined="a class has no rows",
    reference="Kubat & Matwin 1997",
    synonyms=("gmean", "geometric_mean_score"),
    of_counts=lambda c: np.sqrt(divide(c.tp, c.positives) * divide(c.tn, c.negatives)),
)
lift = Metric(
    "lift",
    "Lift",
    True,
    (0.0, float("inf")),
    float("inf"),
    chance="1",
    formula="precision / prevalence",
    undefined="there are no positives, or nothing is flagged",
    synonyms=("lift_score",),
    of_counts=lambda c: divide(divide(c.tp, c.flagged), divide(c.positives, c.total)),
)


def _kappa_matrix(m: Any) -> Any:
    m = np.asarray(m, dtype=np.float64)
    n = m.sum(axis=(-2, -1))
    by_chance = (m.sum(axis=-1) * m.sum(axis=-2)).sum(axis=-1)
    return divide(n * _trace(m) - by_chance, n * n - by_chance)


def _kappa(c: Counts) -> Any:
    tp, fp, fn, tn = (np.asarray(getattr(c, s), dtype=np.float64) for s in ("tp", "fp", "fn", "tn"))
    return divide(2 * (tp * tn - fn * fp), (tp + fp) * (fp + tn) + (tp + fn) * (fn + tn))


cohen_kappa = Metric(
    "cohen_kappa",
    "Cohen's kappa",
    True,
    (-1.0, 1.0),
    1.0,
    chance="0",
    formula="(accuracy - accuracy by chance) / (1 - accuracy by chance)",
    undefined="only one class is present and decided",
    reference="Cohen 1960",
    synonyms=("kappa", "cohen_kappa_score", "kap"),
    tasks=("binary", "multiclass"),
    of_counts=_kappa,
    of_matrix=_kappa_matrix,
)


def _share(name: str, value: float) -> float:
    if not 0 <= value <= 1:
        raise InputError(name, repr(value), "a share from 0 to 1", "write 0.01 for 1 %")
    return float(value)


def precision_at_prevalence(prevalence: float) -> Metric:
    """Precision where another share of rows is positive; recall and false positive rate carry over.

    ``recall pi / (recall pi + fpr (1 - pi))``.

    Examples
    --------
    >>> import cutline as cl
    >>> round(cl.precision_at_prevalence(0.01)(cl.Counts(tp=90, fp=10, fn=10, tn=90)), 4)
    0.0833
    """
    pi = _share("prevalence", prevalence)
    return Metric(
        f"precision_at_prevalence_{plain(pi)}",
        f"Precision at prevalence {plain(pi)}",
        True,
        (0.0, 1.0),
        1.0,
        chance=plain(pi),
        formula=f"recall x {plain(pi)} / (recall x {plain(pi)} + fpr x {plain(1 - pi)})",
        undefined="nothing is flagged, or a class has no rows",
        of_counts=lambda c: _at_prevalence(divide(c.tp, c.positives), divide(c.fp, c.negatives), pi),
    )


def npv_at_prevalence(prevalence: float) -> Metric:
    """Negative predictive value where another share of rows is positive."""
    pi = _share("prevalence", prevalence)
    return Metric(
        f"npv_at_prevalence_{plain(pi)}",
        f"Negative predictive value at prevalence {plain(pi)}",
        True,
        (0.0, 1.0),
        1.0,
        chance=plain(1 - pi),
        formula=f"specificity x {plain(1 - pi)} / (specificity x {plain(1 - pi)} + fnr x {plain(pi)})",
        undefined="everything is flagged, or a class has no rows",
        of_counts=lambda c: _at_prevalence(divide(c.tn, c.negatives), divide(c.fn, c.positives), 1 - pi),
    )


def _at_prevalence(right: Any, wrong: Any, pi: float) -> Any:
    return divide(right * pi, right * pi + wrong * (1 - pi))


def net_benefit(preference: float) -> Metric:
    """Net benefit at a threshold probability: true positives a row less false positives at the odds of the preference.

    ``tp / n - fp / n x t / (1 - t)`` (Vickers & Elkin 2006).
    """
    if not 0 <= preference < 1:
        raise InputError("preference", repr(preference), "a threshold probability from 0 to below 1")
    odds = preference / (1 - preference)
    return Metric(
        f"net_benefit_{plain(preference)}",
        f"Net benefit at {plain(preference)}",
        True,
        (-odds, 1.0),
        1.0,
        chance="0 for flagging nobody",
        formula=f"tp / n - {odds:.6g} x fp / n",
        undefined="no rows",
        reference="Vickers & Elkin 2006",
        of_counts=lambda c: divide(c.tp - odds * np.asarray(c.fp), c.total),
    )


def corner_distance(weight: float = 1.0) -> Metric:
    """Squared distance to the upper left corner of the ROC plot, ``(1 - recall)^2 + weight x fpr^2``.

    Offered because it is asked for: unlike a cost it has no meaning for a decision. `weight` is
    ``(1 - prevalence) / (prevalence x cost ratio of a false negative to a false positive)``, as in pROC.
    """
    weight = float(weight)
    if not np.isfinite(weight) or weight <= 0:
        raise InputError("weight", repr(weight), "a number above 0")
    return Metric(
        "corner_distance" if weight == 1 else f"corner_distance_{plain(weight)}",
        "Distance to the corner" if weight == 1 else f"Distance to the corner, weight {plain(weight)}",
        False,
        (0.0, 1 + weight),
        0.0,
        chance="at least weight / (1 + weight)",
        formula=f"(1 - recall)^2 + {plain(weight)} x fpr^2",
        undefined="a class has no rows",
        reference="Perkins & Schisterman 2006, who advise against it",
        synonyms=("closest_topleft",) if weight == 1 else (),
        of_counts=lambda c: divide(c.fn, c.positives) ** 2 + weight * divide(c.fp, c.negatives) ** 2,
    )


def cost_per_row(*, fp: float, fn: float) -> Metric:
    """Mean cost of a decision a row: ``(fp c_fp + fn c_fn) / n``, right decisions being free.

    Parameters
    ----------
    fp, fn : float
        Cost of a false positive and of a false negative, finite, at least 0 and not both 0.

    Examples
    --------
    >>> from cutline.metrics import Counts, cost_per_row
    >>> cost_per_row(fp=1, fn=25)(Counts(tp=90, fp=30, fn=20, tn=60))
    2.65
    """
    for name, price in (("fp", fp), ("fn", fn)):
        if not 0 <= price < float("inf"):
            raise InputError(name, repr(price), "a cost, finite and at least 0")
    if fp == fn == 0:
        raise InputError("fp, fn", "0, 0", "a mistake that costs something")
    return Metric(
        f"cost_fp{plain(fp)}_fn{plain(fn)}",
        f"Cost per row, {plain(fp)} a false positive and {plain(fn)} a false negative",
        False,
        (0.0, float(max(fp, fn))),
        0.0,
        chance="that of the cheaper of flagging nobody and everybody",
        formula=f"({plain(fp)} x fp + {plain(fn)} x fn) / n",
        undefined="no rows",
        reference="Elkan 2001",
        of_counts=lambda c: divide(float(fp) * np.asarray(c.fp) + float(fn) * np.asarray(c.fn), c.total),
    )
