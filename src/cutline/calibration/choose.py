"""Choosing a calibrator by cross-validated log loss, identity included."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cutline.calibration.calibrators import (
    Beta,
    Calibrator,
    Identity,
    Isotonic,
    Logistic,
    Temperature,
    calibrator_from_dict,
    features_of,
)
from cutline.errors import InputError, LabelError, ScoreError, UnknownName
from cutline.evidence import stratified_folds
from cutline.labels import Classes, Shown
from cutline.metrics.probability import mean_and_error, row_log_loss
from cutline.scores import Scores

MIN_ISOTONIC = 200
"""Rows of the smaller class from which isotonic is tried: below, its steps are noise (statistics: m < 50 to 500)."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One calibrator that was tried: its cross-validated log loss and the error of its difference from the best."""

    name: str
    parameters: int
    log_loss: float
    difference_error: float


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Calibration(Shown):
    """A chosen calibrator and how it was chosen.

    Attributes
    ----------
    calibrator : Calibrator
        Fitted on all rows.
    candidates : tuple of Candidate
        All that were tried, the simplest first.
    cross_fitted : Scores
        The same rows with probabilities from calibrators that did not see them: honest input for choosing a cut.
    classes : Classes
        The classes it is for.
    kind : str
        The kind of scores it takes.
    """

    calibrator: Calibrator
    candidates: tuple[Candidate, ...]
    cross_fitted: Scores
    classes: Classes
    kind: str

    def apply(self, scores: Scores) -> Scores:
        """The rows with calibrated probabilities in place of their scores."""
        if scores.classes != self.classes:
            raise LabelError("scores", repr(scores.classes), f"{self.classes!r}, as the calibrator was fitted on")
        if (scores.kind == "rank") != (self.kind == "rank"):
            raise ScoreError("scores", f"kind {scores.kind!r}", f"kind {self.kind!r}, as the calibrator was fitted on")
        return scores.with_score(self.calibrator(features_of(scores)), "probability")

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "calibrator": self.calibrator.to_dict(),
            "classes": self.classes.to_dict(),
            "kind": self.kind,
            "candidates": [
                {
                    "name": c.name,
                    "parameters": c.parameters,
                    "log_loss": c.log_loss,
                    "difference_error": c.difference_error,
                }
                for c in self.candidates
            ],
        }

    def __repr__(self) -> str:
        tried = ", ".join(f"{c.name} {c.log_loss:.4f}" for c in self.candidates)
        return f"Calibration({self.calibrator.name}; cross-validated log loss: {tried})"


def calibrate(scores: Scores, *, method: str = "auto", folds: int = 5, seed: int = 0) -> Calibration:
    """Fit a calibrator, chosen by cross-validated log loss.

    The one-standard-error rule prefers fewer parameters: of all candidates whose loss is within one standard error
    (of the paired difference) of the best, the simplest wins; identity wins ties.

    Parameters
    ----------
    scores : Scores
        Scores with truth, of rows the model was not fitted on.
    method : str
        "auto", or the name of one candidate: "identity", "logistic", "beta", "isotonic", "temperature".
    folds : int
        Folds of the cross-validation.
    seed : int
        Seed of the folds.

    Raises
    ------
    ScoreError
        Predicted labels; they cannot be calibrated.
    LabelError
        A class without rows (binary).

    Examples
    --------
    >>> import numpy as np, cutline as cl
    >>> rng = np.random.default_rng(0)
    >>> p = rng.uniform(size=2000)
    >>> y = rng.uniform(size=2000) < p
    >>> cl.calibrate(cl.Scores(y_true=y, y_score=p, kind="probability")).calibrator.name
    'identity'
    >>> cl.calibrate(cl.Scores(y_true=y, y_score=p**3, kind="probability")).calibrator.name != "identity"
    True
    """
    known = scores.known()
    if known.kind == "label":
        raise ScoreError("scores", "predicted labels", "probabilities, logits or a ranking score")
    truth = known.truth
    assert truth is not None
    smallest = int(np.bincount(truth, minlength=known.classes.k)[np.unique(truth)].min())
    if known.binary and not 0 < known.n_pos < known.n:
        raise LabelError("y_true", f"{known.n_pos} positive of {known.n} rows", "rows of both classes")
    kinds = _candidates(known, smallest, method)
    folds = max(2, min(folds, smallest)) if smallest > 1 else 2
    fold = stratified_folds(truth, folds, seed, known.groups)
    out = {kind: np.zeros_like(features_of(known)) for kind in kinds}
    for k in range(folds):
        rest, held = known.take(fold != k), known.take(fold == k)
        if not held.n:
            continue
        if known.binary and not 0 < rest.n_pos < rest.n:
            raise LabelError("y_true", f"{known.n_pos} positive of {known.n} rows", "at least 2 rows of each class")
        for kind in kinds:
            out[kind][fold == k] = kind.fit(rest)(features_of(held))
    losses = {kind: row_log_loss(known.with_score(out[kind], "probability")) for kind in kinds}
    means = {kind: float(np.average(losses[kind], weights=known.weight)) for kind in kinds}
    best = min(kinds, key=lambda kind: (means[kind], kind.parameters))
    candidates, chosen = [], best
    for kind in sorted(kinds, key=lambda kind: -kind.parameters):
        gap, error, _ = mean_and_error(losses[kind] - losses[best], known.weight)
        candidates.append(Candidate(kind.name, kind.parameters, means[kind], error))
        if gap <= error:
            chosen = kind
    cross_fitted = known.with_score(out[chosen], "probability")
    return Calibration(chosen.fit(known), tuple(reversed(candidates)), cross_fitted, known.classes, known.kind)


def _candidates(known: Scores, smallest: int, method: str) -> list[Any]:
    if not known.binary:
        if known.kind == "rank":
            raise ScoreError("scores", "a ranking score of several classes", "probabilities or logits")
        kinds: list[Any] = [Identity, Temperature]
    elif known.kind == "rank":
        kinds = [Logistic, Isotonic]
    else:
        kinds = [Identity, Logistic, Beta, Isotonic]
    if method == "auto":
        return [kind for kind in kinds if kind is not Isotonic or smallest >= MIN_ISOTONIC]
    found = [kind for kind in kinds if kind.name == method]
    if not found:
        raise UnknownName.among("method", method, ["auto", *(kind.name for kind in kinds)])
    return found


def calibration_from_dict(saved: dict[str, Any]) -> tuple[Calibrator, Classes, str]:
    """Calibrator, classes and kind of a saved `Calibration`."""
    try:
        return calibrator_from_dict(saved["calibrator"]), Classes.from_dict(saved["classes"]), saved["kind"]
    except (KeyError, TypeError):
        raise InputError("calibrator", "an incomplete description", "what Calibration.to_dict() gave") from None
