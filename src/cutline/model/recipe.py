"""The recipe: members on the same folds, blended by log loss out of fold, then calibrated."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cutline.calibration import Calibration, calibrate
from cutline.errors import InputError, UnknownName
from cutline.labels import Classes
from cutline.model import blend, boost, vectors
from cutline.model.cumulative import CumulativePath, fit_cumulative
from cutline.model.folds import Folds
from cutline.model.keras_network import keras_learner
from cutline.model.linear import KNOTS, LinearPath, OneVsRestPath, fit_linear, fit_one_vs_rest
from cutline.model.member import Array, Learner, Rows
from cutline.model.network import NetworkPath, fit_network
from cutline.model.schedule import Trained
from cutline.model.text import TextPath, fit_text, prepare_text, refuses_text
from cutline.model.trees import TreesPath, fit_trees, refuses_quick
from cutline.scores import Scores

ENOUGH = 50
"""Rows of the smaller of two classes from which a curve is fitted as calibrator, not a line."""


def _without_splines(rows: Rows) -> str:
    numeric = rows.features.numeric.shape[1]
    if not numeric:
        return "no numeric column"
    return "" if len(KNOTS) * numeric <= min(1000, rows.n) else "as many hinges as rows"


def _of_two_classes(rows: Rows) -> str:
    return "two classes: the same as linear" if rows.k == 2 else ""


def _splines_take(rows: Rows, took: Mapping[str, float]) -> float:
    """A column more for each hinge."""
    numeric, levels = rows.features.numeric.shape[1], sum(rows.features.cardinality)
    return (1 + len(KNOTS) * numeric / (numeric + levels)) * took.get("linear", 0.0)


def _cumulative_takes(rows: Rows, took: Mapping[str, float]) -> float:
    return took.get("linear", 0.0)


def _cumulative_splines_take(rows: Rows, took: Mapping[str, float]) -> float:
    return 3 * took.get("cumulative", 0.0)


def _text_takes(rows: Rows, took: Mapping[str, float]) -> float:
    return 3 * took.get("words", 0.0)


def _both_take(rows: Rows, took: Mapping[str, float]) -> float:
    """As long as for the terms alone; too long where there was no time for the sentences."""
    return took.get("text", 0.0) if "sentences" in took else math.inf


def _trees_take(rows: Rows, took: Mapping[str, float]) -> float:
    """Small steps take 3 to 8 times as long as large ones: what cannot end is not begun."""
    return 5 * took.get("quick_trees", 0.0)


def _catboost_takes(rows: Rows, took: Mapping[str, float]) -> float:
    return max(_trees_take(rows, took), took.get("trees", 0.0))


def _vectors(name: str, kind: Literal["text", "photo"]) -> Learner:
    return Learner(
        name,
        "linear",
        vectors.VectorPath,
        partial(vectors.fit_vectors, kind=kind),
        partial(vectors.refuses, kind=kind),
        partial(vectors.expects, kind=kind),
        prepare=partial(vectors.prepare, kind=kind),
        reads=kind,
    )


LEARNERS: tuple[Learner, ...] = (
    Learner("linear", "linear", LinearPath, fit_linear),
    Learner(
        "words",
        "linear",
        TextPath,
        partial(fit_text, kinds=("words",)),
        prepare=partial(prepare_text, kinds=("words",)),
        reads="text",
    ),
    Learner("quick_trees", "lightgbm", TreesPath, partial(fit_trees, quick=True), refuses_quick),
    Learner("text", "linear", TextPath, fit_text, refuses_text, _text_takes, prepare_text, reads="text"),
    _vectors("photos", "photo"),
    _vectors("sentences", "text"),
    Learner(
        "text_and_sentences",
        "linear",
        TextPath,
        partial(fit_text, vectors=True),
        lambda rows: vectors.refuses(rows, kind="text") or refuses_text(rows),
        _both_take,
        partial(prepare_text, vectors=True),
        reads="text",
    ),
    Learner("extra_trees", "lightgbm", TreesPath, partial(fit_trees, extra=True), expects=_trees_take),
    Learner("deep_trees", "lightgbm", TreesPath, partial(fit_trees, deep=True), expects=_trees_take),
    Learner("network", "network", NetworkPath, fit_network),
    Learner(
        "cumulative",
        "linear",
        CumulativePath,
        partial(fit_cumulative, splines=False),
        expects=_cumulative_takes,
        ordered=True,
    ),
    Learner("splines", "linear", LinearPath, partial(fit_linear, splines=True), _without_splines, _splines_take),
    Learner(
        "cumulative_splines",
        "linear",
        CumulativePath,
        partial(fit_cumulative, splines=True),
        _without_splines,
        _cumulative_splines_take,
        ordered=True,
    ),
    Learner("trees", "lightgbm", TreesPath, fit_trees, expects=_trees_take),
    Learner(
        "catboost",
        "catboost",
        boost.CatBoostPath,
        boost.fit_catboost,
        lambda rows: "" if boost.installed() else "not installed: pip install 'cutline[boost]'",
        _catboost_takes,
    ),
    Learner("deep_extra_trees", "lightgbm", TreesPath, partial(fit_trees, extra=True, deep=True), expects=_trees_take),
    Learner("one_vs_rest", "one_vs_rest", OneVsRestPath, fit_one_vs_rest, _of_two_classes, by_choice=True),
)
"""All members: those that gain most for their time first, as training ends where the latest gain too little
(`schedule.HURRY`)."""
FAMILIES = tuple(dict.fromkeys(learner.family for learner in LEARNERS))
"""Families that can be asked for."""


@dataclass(frozen=True, slots=True, eq=False)
class Blend:
    """Trained members with weights and a calibrator.

    Attributes
    ----------
    share : ndarray, shape (members,)
        Weight of each of the trained members.
    calibration : Calibration
        Fitted on the out-of-fold blend.
    out_of_fold : Scores
        The rows with cross-fitted calibrated probabilities: what a cut may be chosen on.
    """

    share: Array
    calibration: Calibration
    out_of_fold: Scores

    def apply(self, outs: Sequence[Array], classes: Classes, codes: NDArray[Any] | None, **more: Any) -> Scores:
        """Calibrated probabilities of other rows, from the predictions of each member."""
        return self.calibration.apply(as_scores(blend.pooled(outs, self.share), classes, codes, **more))


def blended(
    trained: Sequence[Trained],
    pick: NDArray[Any],
    rows: Rows,
    classes: Classes,
    *,
    fold: Folds,
    groups: NDArray[Any] | None,
    seed: int,
) -> Blend:
    """Weights and calibrator from the out-of-fold predictions of some rows."""
    some, fold = rows.take(pick), fold.take(pick)
    outs = [one.out[pick] for one in trained]
    share = blend.weights([out[fold.late] for out in outs], some.take(fold.late), seed)
    groups = None if groups is None else groups[pick]
    scores = as_scores(blend.pooled(outs, share), classes, some.codes, weight=some.weight, groups=groups)
    stretches = fold.numbers if fold.forward else ()
    if len(stretches) > 2:  # a calibrator has to hold from one stretch of time to the next
        # Of several classes without the full matrix, which takes as long as all others and more rows to bear.
        method = "auto" if classes.binary else ("identity", "temperature", "svs")
        calibration = calibrate(scores.with_groups(fold.of), method=method, seed=seed)
    elif fold.forward:  # which of them do cannot be told from two
        calibration = calibrate(scores, method="identity", seed=seed)
    else:
        calibration = calibrate(scores, method=_calibrator(classes, some.codes), seed=seed)
    return Blend(share, calibration, calibration.cross_fitted.with_role("out-of-fold").with_groups(groups))


def _calibrator(classes: Classes, codes: NDArray[Any]) -> str:
    """The name of the calibrator of a blend.

    Not chosen by one standard error, which takes the identity for most blends: a mean of probabilities is not sure
    enough, on average, and over 78 tables and seeds these were 1 % better in log loss.
    """
    if not classes.binary:
        return "svs"
    return "beta" if np.bincount(codes, minlength=2).min() >= ENOUGH else "logistic"


def learners(
    rows: Rows, families: Sequence[str] | None, names: Sequence[str] | None = None, network: Any = None
) -> list[Learner]:
    """The members of the families asked for, or those named by a plan, that have columns to read."""
    families = [families] if isinstance(families, str) else families
    if families is not None and not len(families):
        raise InputError("families", "none", f"one or more of {', '.join(FAMILIES)}")
    for family in families or ():
        if family not in FAMILIES:
            raise UnknownName.among("families", family, FAMILIES)
    known = list(LEARNERS)
    if network is not None:  # in the place of ours, and alone unless other families are asked for
        known = [keras_learner(network) if each.name == "network" else each for each in known]
        families = families or ["network"]
        if "network" not in families:
            raise InputError("network", f"a network, and families={list(families)}", "the family 'network' among them")
    if names is not None:
        if "keras" in names and network is None:
            raise InputError("network", "none, for a plan with a Keras network", "the network that was fitted")
        return [learner for learner in known if learner.name in names]
    usual = [learner.family for learner in known if not learner.by_choice]
    asked = [learner for learner in known if learner.family in (families or usual)]
    found = [learner for learner in asked if learner.applies(rows)]
    if not found:
        came = "members for tables alone" if rows.features.raw else "members for texts and photos alone"
        raise InputError("families", came, "one that reads these columns", 'families=["linear"]')
    return found


def as_scores(p: Array, classes: Classes, codes: NDArray[Any] | None, **more: Any) -> Scores:
    """Scores of kind probability from an array (n, k) in the order of the classes; code -1 is a missing label."""
    truth = None if codes is None else classes.decode(codes)
    return Scores(y_true=truth, y_score=p, classes=classes, kind="probability", **more)
