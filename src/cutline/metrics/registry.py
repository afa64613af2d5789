"""All metrics by name, with their synonyms."""

from __future__ import annotations

import re
from collections.abc import Callable

from cutline.errors import UnknownName
from cutline.metrics import binary, label_sets, multiclass, ordinal, pairwise, probability, ranking
from cutline.metrics.metric import Metric
from cutline.metrics.selective import coverage, selective_risk

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        binary.accuracy,
        binary.balanced_accuracy,
        binary.precision,
        binary.recall,
        binary.specificity,
        binary.npv,
        binary.fpr,
        binary.fnr,
        binary.f1,
        binary.mcc,
        binary.flagged_rate,
        binary.prevalence,
        binary.error_rate,
        binary.fdr,
        binary.false_omission_rate,
        binary.jaccard,
        binary.cohen_kappa,
        binary.informedness,
        binary.markedness,
        binary.fowlkes_mallows,
        binary.g_mean,
        binary.positive_likelihood_ratio,
        binary.negative_likelihood_ratio,
        binary.diagnostic_odds_ratio,
        binary.lift,
        binary.corner_distance(),
        ranking.roc_auc,
        ranking.average_precision,
        ranking.aupr,
        ranking.aupr_davis_goadrich,
        ranking.gini,
        ranking.ks,
        ranking.auch,
        ranking.h_measure,
        probability.log_loss,
        probability.brier,
        probability.prediction_bias,
        probability.log_loss_skill,
        probability.brier_skill,
        probability.ece,
        pairwise.hand_till,
        pairwise.weighted_roc_auc_ovo,
        ordinal.linear_kappa,
        ordinal.quadratic_kappa,
        ordinal.ranked_probability_score,
        ordinal.normalized_rps,
        ordinal.mae,
        ordinal.macro_mae,
        ordinal.max_mae,
        ordinal.off_by_one_accuracy,
        ordinal.min_sensitivity,
        ordinal.tau_b,
        label_sets.hamming_loss,
        label_sets.subset_accuracy,
        label_sets.lrap,
        label_sets.ranking_loss,
        label_sets.coverage_error,
    )
}
"""The registry, in reading order. Metrics with parameters are made by functions and found by name, too."""

_AVERAGES: dict[str, Callable[[Metric], Metric]] = {
    "macro": multiclass.macro,
    "micro": multiclass.micro,
    "weighted": multiclass.weighted,
    "samples": label_sets.samples,
}


def _float(text: str) -> float:
    """A number as it stands in a name, where ``-`` has become ``_``."""
    return float(text.replace("_", "-"))


_NUMBER = r"(\d+(?:\.\d+)?(?:e[-_]?\d+)?)"
_MADE: dict[str, Callable[..., Metric]] = {
    rf"f_?{_NUMBER}(?:_score)?": lambda beta: binary.f_beta(_float(beta)),
    rf"precision_at_prevalence_{_NUMBER}": lambda pi: binary.precision_at_prevalence(_float(pi)),
    rf"npv_at_prevalence_{_NUMBER}": lambda pi: binary.npv_at_prevalence(_float(pi)),
    rf"corner_distance_{_NUMBER}": lambda weight: binary.corner_distance(_float(weight)),
    rf"net_benefit_{_NUMBER}": lambda t: binary.net_benefit(_float(t)),
    rf"cost_fp{_NUMBER}_fn{_NUMBER}": lambda fp, fn: binary.cost_per_row(fp=_float(fp), fn=_float(fn)),
    rf"partial_auc_(fpr|recall)_{_NUMBER}_{_NUMBER}(_raw)?": lambda of, low, high, raw: ranking.partial_auc(
        _float(low), _float(high), of=of, standardized=raw is None
    ),
    rf"(.+)_at_top_{_NUMBER}": lambda name, k: ranking.at_top(find(name), _float(k)),
    r"best_(.+)": lambda name: ranking.best(find(name)),
    r"top_(\d+)_accuracy(?:_score)?": lambda k: multiclass.top_k_accuracy(int(k)),
    r"calibration_error_(\d+)": lambda bins: probability.calibration_error(int(bins)),
}
"""Spellings of metrics with parameters: what each builder names its metric reads back as the same metric."""


POLICY_ONLY = (coverage, selective_risk, binary.flagged_count)
"""What only a policy can ask for: they count decisions, not their quality."""


def find(name: str) -> Metric:
    """The metric of a name or synonym, in any case, with ``-`` or blanks for ``_``; ``f2``, ``macro_recall`` too.

    Raises
    ------
    UnknownName
        With the names that look like it.

    Examples
    --------
    >>> from cutline.metrics import find
    >>> find("sensitivity").name, find("F0.5").name, find("macro_recall").name
    ('recall', 'f0.5', 'macro_recall')
    """
    plain = re.sub(r"[\s\-]+", "_", name.strip().lower())
    for metric in (*METRICS.values(), *POLICY_ONLY):
        if plain == metric.name or plain in metric.synonyms:
            return metric
    prefix, _, rest = plain.partition("_")
    if prefix in _AVERAGES and rest:  # first: "macro_recall_at_top_10" is the average of a metric at the top
        return _AVERAGES[prefix](find(rest))
    for pattern, make in _MADE.items():
        if match := re.fullmatch(pattern, plain):
            return make(*match.groups())
    known = {s for m in METRICS.values() for s in (m.name, *m.synonyms)}
    raise UnknownName.among("metric", name, known)
