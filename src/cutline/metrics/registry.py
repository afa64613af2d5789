"""All metrics by name, with their synonyms."""

from __future__ import annotations

import re
from collections.abc import Callable

from cutline.errors import UnknownName
from cutline.metrics import binary, multiclass, probability
from cutline.metrics.metric import Metric

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
        binary.roc_auc,
        binary.average_precision,
        probability.log_loss,
        probability.brier,
        probability.prediction_bias,
    )
}
"""The registry, in reading order."""

_AVERAGES: dict[str, Callable[[Metric], Metric]] = {
    "macro": multiclass.macro,
    "micro": multiclass.micro,
    "weighted": multiclass.weighted,
}


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
    for metric in METRICS.values():
        if plain == metric.name or plain in metric.synonyms:
            return metric
    if match := re.fullmatch(r"f_?(\d+(?:\.\d+)?)(?:_score)?", plain):
        return binary.f_beta(float(match[1]))
    prefix, _, rest = plain.partition("_")
    if prefix in _AVERAGES and rest:
        return _AVERAGES[prefix](find(rest))
    known = {s for m in METRICS.values() for s in (m.name, *m.synonyms)}
    raise UnknownName.among("metric", name, known)
