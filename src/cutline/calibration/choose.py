"""Choosing a calibrator by cross-validated log loss, identity included."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline.calibration.base import Calibrator, are_numbers, features_of, rows_to_fit
from cutline.calibration.calibrators import BINARY, SEVERAL, Identity, calibrator_from_dict
from cutline.calibration.isotonic import CentredIsotonic
from cutline.calibration.logistic import Beta, Logistic, Quadratic
from cutline.calibration.scaling import MatrixScaling
from cutline.calibration.venn_abers import VennAbers
from cutline.errors import InputError, LabelError, ScoreError, UnknownName
from cutline.evidence import finite, stratified_folds
from cutline.labels import Classes, Shown
from cutline.metrics.probability import mean_and_error, row_log_loss
from cutline.scores import Fingerprint, Kind, Scores

MIN_CURVED = 50
"""Rows of the smaller class from which `auto` tries three parameters; below, their noise costs more than they mend."""
MIN_FREE = 500
"""Rows of the smaller class from which `auto` tries a map of any monotone shape."""
MIN_MATRIX = 10
"""Rows for each class from which `auto` tries to scale by a full matrix."""


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
    classes : Classes
        The classes it is for.
    kind : str
        The kind of scores it takes.
    before : float
        Log loss of the rows as they came, in nats; nan for a ranking score, which has none.
    fitted_on : Fingerprint or None
        The rows it was fitted on: on these its probabilities flatter themselves.
    rows : Scores or None
        The rows with cross-fitted probabilities; None after loading.
    """

    calibrator: Calibrator
    candidates: tuple[Candidate, ...]
    classes: Classes
    kind: Kind
    before: float = math.nan
    fitted_on: Fingerprint | None = None
    rows: Scores | None = None

    @property
    def cross_fitted(self) -> Scores:
        """The rows with probabilities from calibrators that did not see them: honest input for choosing a cut."""
        if self.rows is None:
            raise InputError("cross_fitted", "a calibration that was loaded", "the one that calibrate(scores) gave")
        return self.rows

    @property
    def refinement(self) -> float:
        """Cross-validated log loss once calibrated: what only a better model, no calibrator, can lower."""
        return next(c.log_loss for c in self.candidates if c.name == self.calibrator.name)

    @property
    def miscalibration(self) -> float:
        """Log loss that calibrating removes, `before` less `refinement`; below 0 where a forced method does harm."""
        return self.before - self.refinement

    def apply(self, scores: Scores) -> Scores:
        """The rows with calibrated probabilities in place of their scores; rows it was fitted on become in-sample."""
        if scores.classes != self.classes:
            raise LabelError("scores", repr(scores.classes), f"{self.classes!r}, as the calibrator was fitted on")
        if (scores.kind == "rank") != (self.kind == "rank"):
            raise ScoreError("scores", f"kind {scores.kind!r}", f"kind {self.kind!r}, as the calibrator was fitted on")
        made = scores.with_score(self.calibrator(features_of(scores, self.kind)), "probability")
        shared = None
        if self.fitted_on is not None and scores.truth is not None:
            shared = self.fitted_on.overlap(scores.known().fingerprint)
        if not shared:
            return made
        note = f"about {100 * shared:.0f} % of the rows fitted the calibrator: in-sample; .cross_fitted is not"
        return made.with_role("in-sample").with_notes(note)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "calibrator": self.calibrator.to_dict(),
            "classes": self.classes.to_dict(),
            "kind": self.kind,
            "before": finite(self.before),
            "fitted_on": None if self.fitted_on is None else self.fitted_on.to_dict(),
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

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Calibration:
        """The inverse of `to_dict`, without the rows; it applies to the same bits. What does not fit is refused."""
        calibrator, classes, kind = calibration_from_dict(saved)
        try:
            tried = tuple(Candidate(**each) for each in saved["candidates"])
            before = math.nan if saved["before"] is None else float(saved["before"])
            seen = None if saved["fitted_on"] is None else Fingerprint.from_dict(saved["fitted_on"])
        except (KeyError, TypeError, ValueError):
            raise _incomplete() from None
        fine = all(are_numbers(c.parameters, c.log_loss, c.difference_error) for c in tried)
        if not fine or calibrator.name not in [c.name for c in tried]:
            raise _incomplete()
        return cls(calibrator, tried, classes, kind, before, seen)

    def __repr__(self) -> str:
        tried = ", ".join(f"{c.name} {c.log_loss:.4f}" for c in self.candidates)
        return f"Calibration({self.calibrator.name}; cross-validated log loss: {tried})"


def calibrate(scores: Scores, *, method: str | Sequence[str] = "auto", folds: int = 5, seed: int = 0) -> Calibration:
    """Fit a calibrator, chosen by cross-validated log loss.

    Of all candidates the simplest wins whose loss is within one standard error (of the paired difference) of the best,
    and within what the parameters it saves cost in expectation, 1/(2n) nats each: on few rows the standard error alone
    would leave grossly wrong probabilities as they are. Identity wins ties.

    Parameters
    ----------
    scores : Scores
        Scores with truth, of rows the model was not fitted on.
    method : str or sequence of str
        "auto", or the name of one calibrator, or of some to choose among. Binary: "identity", "logistic", "beta",
        "quadratic", "centred_isotonic", "isotonic", "venn_abers". Several classes: "identity", "temperature", "svs",
        "sms". "auto" tries those that the rows can bear: of m rows in the smaller class, up to 2 parameters below
        m = 50, 3 below 500, and from there a map of any shape (Venn-ABERS; centred isotonic for weighted or clustered
        rows); "sms" from 10 rows a class.
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
    if isinstance(folds, bool) or not isinstance(folds, int | np.integer) or folds < 2:
        raise InputError("folds", repr(folds), "an integer of at least 2")
    known = rows_to_fit(scores, method if isinstance(method, str) else ", ".join(method))
    rows = np.bincount(np.asarray(known.truth))
    smallest = int(rows[rows > 0].min())
    kinds = _candidates(known, smallest, method)
    out, parameters = _out_of_fold(known, kinds, max(2, min(int(folds), smallest)), seed)
    losses = {kind: row_log_loss(known.with_score(out[kind], "probability")) for kind in kinds}
    means = {kind: float(np.average(losses[kind], weights=known.weight)) for kind in kinds}
    best = min(kinds, key=lambda kind: (means[kind], parameters[kind]))
    candidates, chosen = [], best
    for kind in sorted(kinds, key=lambda kind: -parameters[kind]):
        gap, error, n = mean_of_units(losses[kind] - losses[best], known)
        candidates.append(Candidate(kind.name, parameters[kind], means[kind], error))
        if gap <= min(error, max(parameters[best] - parameters[kind], 0) / (2 * n)):
            chosen = kind
    before = math.nan if known.kind == "rank" else float(np.average(row_log_loss(known), weights=known.weight))
    crossed = known.with_score(out[chosen], "probability").with_role("out-of-fold")
    tried = tuple(reversed(candidates))
    return Calibration(chosen.fit(known), tried, known.classes, known.kind, before, known.fingerprint, crossed)


def _candidates(known: Scores, smallest: int, method: str | Sequence[str]) -> list[Any]:
    kinds = list(BINARY if known.binary else SEVERAL)
    if known.kind == "rank":
        kinds = [kind for kind in kinds if kind not in (Identity, Beta)]
    if method == "auto":
        if not known.binary:
            return [kind for kind in kinds if kind is not MatrixScaling or known.n >= MIN_MATRIX * known.classes.k]
        free = VennAbers if known.weight is None and known.groups is None else CentredIsotonic
        least = {Identity: 0, Logistic: 0, Beta: MIN_CURVED, Quadratic: MIN_CURVED, free: MIN_FREE}
        return [kind for kind in kinds if smallest >= least.get(kind, known.n)]
    known_names = [kind.name for kind in kinds]
    names = [method] if isinstance(method, str) else list(method)
    for name in names or [""]:
        if name not in known_names:
            raise UnknownName.among("method", name, ["auto", *known_names])
    return [kind for kind in kinds if kind.name in names]


def _out_of_fold(known: Scores, kinds: list[Any], folds: int, seed: int) -> tuple[dict[Any, Any], dict[Any, int]]:
    """Probabilities from calibrators that did not see the row, by kind, and the parameters of each kind."""
    assert known.truth is not None
    fold = stratified_folds(known.truth, folds, seed, known.groups)
    out = {kind: np.zeros(known.score.shape) for kind in kinds}
    parameters = {}
    for k in range(folds):
        rest, held = known.take(fold != k), known.take(fold == k)
        if not held.n:
            continue
        if not rest.n or (known.binary and not 0 < rest.n_pos < rest.n):
            hint = "whole groups stay in one fold" if known.groups is not None else ""
            came = f"{known.n_pos} positive of {known.n} rows" if known.binary else "rows that share one fold"
            raise LabelError("y_true", came, "at least 2 rows of each class", hint)
        for kind in kinds:
            fit = kind.fit(rest)
            out[kind][fold == k] = fit(held.score)
            parameters[kind] = fit.parameters
    return out, parameters


def mean_of_units(values: NDArray[np.float64], known: Scores) -> tuple[float, float, float]:
    """Mean over the rows, its standard error, and how many independent rows it rests on; clusters count as one."""
    if known.groups is None:
        return mean_and_error(values, known.weight)
    weight = np.ones(known.n) if known.weight is None else known.weight
    mean = float(np.average(values, weights=weight))
    groups = known.groups.astype(str) if known.groups.dtype == object else known.groups
    sums = np.bincount(np.unique(groups, return_inverse=True)[1], weights=weight * (values - mean))
    error = math.sqrt(float(np.square(sums).sum()) * len(sums) / max(len(sums) - 1, 1)) / float(weight.sum())
    return mean, error, float(len(sums))


def calibration_from_dict(saved: Mapping[str, Any]) -> tuple[Calibrator, Classes, Kind]:
    """Calibrator, classes and kind of a saved `Calibration`; what does not fit together is refused."""
    try:
        calibrator, kind = calibrator_from_dict(saved["calibrator"]), saved["kind"]
        classes = Classes.from_dict(saved["classes"])
    except (KeyError, TypeError, AttributeError):
        raise _incomplete() from None
    allowed = [k.name for k in (BINARY if classes.binary else SEVERAL)]
    if calibrator.name not in allowed or kind not in ("probability", "logit", "rank"):
        came = f"{calibrator.name!r} of kind {kind!r} for {classes!r}"
        raise InputError("calibrator", came, f"one of {allowed} of kind 'probability', 'logit' or 'rank'")
    other = getattr(calibrator, "kind", kind) != kind  # maps of any monotone shape read any kind
    width = getattr(calibrator, "intercept", None)
    wide = isinstance(width, np.ndarray) and len(width) != classes.k
    if other or wide:
        raise InputError("calibrator", f"{calibrator.name!r} of kind {kind!r} for {classes!r}", "what belongs together")
    return calibrator, classes, kind


def _incomplete() -> InputError:
    return InputError("calibrator", "an incomplete description", "what Calibration.to_dict() gave")
