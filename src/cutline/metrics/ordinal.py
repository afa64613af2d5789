"""Classes in order: what a mistake costs grows with its distance. Class i of k stands at position i."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline.errors import ScoreError
from cutline.metrics.binary import divide
from cutline.metrics.metric import Metric
from cutline.metrics.probability import mean_of_rows
from cutline.scores import Scores


def _ordinal(name: str, label: str, of_matrix: Callable[[NDArray[Any]], Any], **about: Any) -> Metric:
    low, high = about.pop("range", (0.0, 1.0))
    maximize = about.pop("maximize", True)
    about.setdefault("undefined", "no rows")
    perfect = high if maximize else low
    return Metric(name, label, maximize, (low, high), perfect, tasks=("ordinal",), of_matrix=of_matrix, **about)


def _distance(m: NDArray[Any]) -> NDArray[np.float64]:
    place = np.arange(m.shape[-1], dtype=np.float64)
    return np.abs(place[:, None] - place[None, :])


def _kappa(power: int) -> Callable[[NDArray[Any]], Any]:
    def of_matrix(m: NDArray[Any]) -> Any:
        m = np.asarray(m, dtype=np.float64)
        cost = _distance(m) ** power
        by_chance = m.sum(axis=-1)[..., :, None] * m.sum(axis=-2)[..., None, :]
        n = m.sum(axis=(-2, -1))
        return 1 - divide(n * (cost * m).sum(axis=(-2, -1)), (cost * by_chance).sum(axis=(-2, -1)))

    return of_matrix


def _mean_distance(m: NDArray[Any]) -> Any:
    return divide((_distance(m) * m).sum(axis=(-2, -1)), m.sum(axis=(-2, -1)))


def _by_class(m: NDArray[Any]) -> NDArray[np.float64]:
    """Mean distance of the rows of each class, shape (..., k); nan for a class without rows."""
    return np.asarray(divide((_distance(m) * m).sum(axis=-1), m.sum(axis=-1)))


def _present_mean(each: NDArray[np.float64]) -> Any:
    there = ~np.isnan(each)
    return divide(np.where(there, each, 0.0).sum(axis=-1), there.sum(axis=-1))


def _present_max(each: NDArray[np.float64]) -> Any:
    there = ~np.isnan(each)
    return np.where(there.any(axis=-1), np.where(there, each, -np.inf).max(axis=-1), np.nan)[()]


def _tau_b(m: NDArray[Any]) -> Any:
    m = np.asarray(m, dtype=np.float64)

    def beyond(a: NDArray[np.float64]) -> NDArray[np.float64]:
        """Of each cell, the sum of the cells below it and to its right."""
        sums = a[..., ::-1, ::-1].cumsum(axis=-2).cumsum(axis=-1)[..., ::-1, ::-1]
        out = np.zeros_like(a)
        out[..., :-1, :-1] = sums[..., 1:, 1:]
        return out

    agree = (m * beyond(m)).sum(axis=(-2, -1))
    against = (m * beyond(m[..., ::-1])[..., ::-1]).sum(axis=(-2, -1))
    n2 = np.square(m.sum(axis=(-2, -1)))
    apart = [(n2 - np.square(m.sum(axis=axis)).sum(axis=-1)) / 2 for axis in (-1, -2)]
    return divide(agree - against, np.sqrt(apart[0] * apart[1]))


linear_kappa = _ordinal(
    "linear_kappa",
    "Kappa, linear weights",
    _kappa(1),
    range=(-1.0, 1.0),
    chance="0",
    formula="1 - mean distance / mean distance by chance",
    undefined="all rows are of one class and decided for it",
    reference="Cohen 1968",
    synonyms=("kappa_linear",),
)
quadratic_kappa = _ordinal(
    "quadratic_kappa",
    "Kappa, quadratic weights",
    _kappa(2),
    range=(-1.0, 1.0),
    chance="0",
    formula="1 - mean squared distance / mean squared distance by chance",
    undefined="all rows are of one class and decided for it",
    reference="Cohen 1968",
    synonyms=("kappa_quadratic", "qwk", "quadratic_weighted_kappa"),
)
mae = _ordinal(
    "mae",
    "Mean absolute error",
    _mean_distance,
    maximize=False,
    range=(0.0, float("inf")),
    chance="depends on the classes",
    formula="mean distance between the positions of class and decision",
    synonyms=("mean_absolute_error",),
)
macro_mae = _ordinal(
    "macro_mae",
    "Mean absolute error, macro",
    lambda m: _present_mean(_by_class(m)),
    maximize=False,
    range=(0.0, float("inf")),
    chance="depends on the classes",
    formula="mean over classes of the mean distance of their rows",
    reference="Baccianella, Esuli & Sebastiani 2009",
    synonyms=("amae", "average_mae"),
)
max_mae = _ordinal(
    "max_mae",
    "Mean absolute error, worst class",
    lambda m: _present_max(_by_class(m)),
    maximize=False,
    range=(0.0, float("inf")),
    chance="depends on the classes",
    formula="largest over classes of the mean distance of their rows",
    reference="Cruz-Ramirez et al. 2014",
    synonyms=("mmae",),
)
off_by_one_accuracy = _ordinal(
    "off_by_one_accuracy",
    "Accuracy within one class",
    lambda m: divide(((_distance(m) <= 1) * m).sum(axis=(-2, -1)), m.sum(axis=(-2, -1))),
    chance="depends on the classes",
    formula="share of rows decided for their class or a neighbour",
    synonyms=("accuracy_off1",),
)
min_sensitivity = _ordinal(
    "min_sensitivity",
    "Recall, worst class",
    lambda m: -_present_max(-np.asarray(divide(np.diagonal(m, axis1=-2, axis2=-1), m.sum(axis=-1)))),
    chance="0",
    formula="smallest over classes of the recall",
    reference="Caballero et al. 2010",
)
tau_b = _ordinal(
    "tau_b",
    "Kendall's tau-b",
    _tau_b,
    range=(-1.0, 1.0),
    chance="0",
    formula="(pairs in the same order - in the opposite order) / sqrt(pairs of unlike class x of unlike decision)",
    undefined="only one class is present or only one is decided",
    reference="Kendall 1945",
    synonyms=("kendall_tau_b", "kendall_tau"),
)


def row_rps(scores: Scores) -> NDArray[np.float64]:
    """Ranked probability score of each row, shape (n,): sum over cut points of the squared difference of the CDFs."""
    p = scores.probabilities
    cdf = p.cumsum(axis=1)[:, :-1]
    reached = np.asarray(scores.truth)[:, None] <= np.arange(p.shape[1] - 1)
    return np.asarray(np.square(cdf - reached).sum(axis=1))


def _rps(name: str, label: str, *, normalized: bool) -> Metric:
    def of_scores(scores: Scores) -> float:
        if scores.kind not in ("probability", "logit"):
            raise ScoreError("y_score", f"scores of kind {scores.kind!r}", "probabilities or logits of all classes")
        return mean_of_rows(row_rps, scores)[0] / (scores.classes.k - 1 if normalized else 1)

    return Metric(
        name,
        label,
        False,
        (0.0, 1.0 if normalized else float("inf")),
        0.0,
        chance="that of the class shares",
        formula="mean over rows of the sum over cut points of (P(class <= c) - [class <= c])^2"
        + (", over k - 1" if normalized else ""),
        undefined="no rows",
        reference="Epstein 1969",
        synonyms=("rps",) if not normalized else ("rps_normalized",),
        tasks=("ordinal",),
        of_scores=of_scores,
    )


ranked_probability_score = _rps("ranked_probability_score", "Ranked probability score", normalized=False)
normalized_rps = _rps("normalized_rps", "Ranked probability score, over k - 1", normalized=True)
