"""Prevalence shift with an unknown prior, estimated from unlabelled rows: EM and BBSE side by side, or a refusal."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from cutline.calibration.base import Array, weights_of
from cutline.calibration.label_shift import (
    Rows,
    agreement_p_value,
    bbse_weights,
    calibrated_p_value,
    em_prior,
    members_of,
    mixture_p_value,
    times_drawn,
)
from cutline.calibration.prior_shift import class_shares, multiply_odds
from cutline.errors import InputError, LabelError, ScoreError
from cutline.evidence import finite, z_of
from cutline.labels import Classes, Shown
from cutline.scores import Scores

REPLICATES = 200
FEWEST = 100
REFUSE = 0.05
"""Chance that a shift of the labels alone is refused, over the three checks together."""

State = Literal["ok", "uncalibrated", "not credible", "undefined"]
METHODS = ("em", "bbse_soft", "bbse_hard")


@dataclass(frozen=True, slots=True, eq=False)
class EstimatedPrior:
    """Shares of the classes by one method.

    Attributes
    ----------
    prior : ndarray of float64, shape (k,)
        Share of each class at the target, in class order; nan where undefined.
    weights : ndarray of float64, shape (k,)
        Importance of each class, target share over source share, before the shares are made to sum to 1.
    replicates : ndarray of float64, shape (replicates, k)
        The shares in bootstrap samples of source and target rows; whole clusters where there are any.
    """

    prior: Array
    weights: Array
    replicates: Array

    def interval(self, confidence: float = 0.95) -> tuple[Array, Array]:
        """Percentile limits of every class, shape (k,) each; nan when more than 1 in 20 replicates is undefined."""
        z_of(confidence)  # checks the level
        defined = self.replicates[np.isfinite(self.replicates).all(axis=1)]
        if len(defined) < 0.95 * len(self.replicates) or not len(defined) or np.isnan(self.prior).any():
            return np.full(len(self.prior), np.nan), np.full(len(self.prior), np.nan)
        low, high = np.quantile(defined, [(1 - confidence) / 2, (1 + confidence) / 2], axis=0)
        return low, high


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PriorEstimate(Shown):
    """Shares of the classes among unlabelled rows, by three methods, and whether label shift explains these rows.

    Attributes
    ----------
    classes : Classes
    source : ndarray of float64, shape (k,)
        Shares among the labelled rows.
    em : EstimatedPrior
        Maximum likelihood (Saerens et al. 2002): the sharpest, for calibrated probabilities alone.
    bbse_soft, bbse_hard : EstimatedPrior
        By the confusion matrix of the source (Lipton, Wang & Smola 2018), of mean probabilities or of decisions;
        needs no calibration.
    p_calibrated, p_agree, p_mixture : float
        p-values: the source rows are calibrated (likelihood ratio against an intercept and a slope); EM and soft BBSE
        agree; the target's scores are a mixture of the source's classes (Kolmogorov-Smirnov distance). The first and
        the last are for independent rows: nan, and not asked, where rows come in clusters.
    """

    classes: Classes
    source: Array
    em: EstimatedPrior
    bbse_soft: EstimatedPrior
    bbse_hard: EstimatedPrior
    p_calibrated: float
    p_agree: float
    p_mixture: float

    @property
    def state(self) -> State:
        """ok; uncalibrated: calibrate first; not credible: more than the shares moved; undefined: singular matrix."""
        if np.isnan(self.bbse_soft.prior).any():
            return "undefined"
        if self.p_mixture < REFUSE / 3:
            return "not credible"
        if self.p_calibrated < REFUSE / 3:
            return "uncalibrated"
        return "not credible" if self.p_agree < REFUSE / 3 else "ok"

    @property
    def credible(self) -> bool:
        """True when `apply` would correct with these shares."""
        return self.state == "ok"

    @property
    def why(self) -> str:
        """What the state rests on, in one sentence."""
        return {
            "ok": "EM and BBSE agree, and the scores are a mixture of the source's classes",
            "undefined": "the confusion matrix of the source is singular: its scores do not tell the classes apart",
            "uncalibrated": f"the source rows are not calibrated (p = {self.p_calibrated:.2g}), which EM demands",
            "not credible": "label shift is not credible: "
            + (
                f"no mixture of the source's classes gives these scores (p = {self.p_mixture:.2g})"
                if self.p_mixture < REFUSE / 3
                else f"EM and BBSE disagree (p = {self.p_agree:.2g})"
            ),
        }[self.state]

    def apply(self, scores: Scores, *, method: Literal["em", "bbse_soft", "bbse_hard"] = "em") -> Scores:
        """Probabilities corrected for the estimated shares.

        Raises
        ------
        InputError
            The state is not "ok", or a share came out 0.
        """
        if method not in METHODS:
            raise InputError("method", repr(method), f"one of {METHODS}")
        if not self.credible:
            hint = (
                "calibrate(source), and apply it to both" if self.state == "uncalibrated" else "label some target rows"
            )
            raise InputError("target", self.why, "a shift of the class shares alone", hint)
        if scores.classes != self.classes:
            raise LabelError("scores", repr(scores.classes), repr(self.classes))
        prior = getattr(self, method).prior
        if not (prior > 0).all():
            hint = "label some target rows"
            raise InputError("target", f"shares {prior.tolist()} by {method}", "shares above 0", hint)
        return multiply_odds(scores, prior / self.source, f"shifted to the prior estimated by {method}")

    def to_dict(self, confidence: float = 0.95) -> dict[str, Any]:
        """Plain values for JSON; nan becomes None."""
        found: dict[str, Any] = {
            "classes": self.classes.to_dict(),
            "source": self.source.tolist(),
            "state": self.state,
            "why": self.why,
            "confidence": confidence,
        }
        for name in METHODS:
            one: EstimatedPrior = getattr(self, name)
            low, high = one.interval(confidence)
            each = {"prior": one.prior, "weights": one.weights, "low": low, "high": high}
            found[name] = {key: [finite(v) for v in values.tolist()] for key, values in each.items()}
        return found | {name: finite(getattr(self, name)) for name in ("p_calibrated", "p_agree", "p_mixture")}

    def __repr__(self) -> str:
        shown = range(self.classes.k)
        if self.classes.positive is not None:
            shown = range(k := self.classes.index(self.classes.positive), k + 1)
        lines = [f"PriorEstimate({self.state}: {self.why})"]
        for name in METHODS:
            one: EstimatedPrior = getattr(self, name)
            low, high = one.interval()
            each = [f"{self.classes.names[k]!r} {one.prior[k]:.4g} [{low[k]:.4g}, {high[k]:.4g}]" for k in shown]
            lines.append(f"  {name}: {', '.join(each)}")
        return "\n".join(lines)


def estimate_prior(source: Scores, target: Scores, *, replicates: int = REPLICATES, seed: int = 0) -> PriorEstimate:
    """Shares of the classes among unlabelled rows, if only the shares have moved since the labelled ones.

    Parameters
    ----------
    source : Scores
        Calibrated probabilities with truth, on rows that neither model nor calibrator was fitted on.
    target : Scores
        Probabilities of the same model on the rows to judge; truth, when there is any, is not looked at.
    replicates, seed : int
        Bootstrap samples of both sets of rows (of whole clusters where `groups` are given), and their seed.

    Returns
    -------
    PriorEstimate
        By EM and by BBSE, with intervals, and a state: what is not credible is not applied.

    Raises
    ------
    ScoreError
        Scores that are no probabilities.
    LabelError
        Other classes in `target`, or a class without rows in `source`.

    Examples
    --------
    >>> import numpy as np, cutline as cl
    >>> from cutline.calibration.prior_estimate import estimate_prior
    >>> rng = np.random.default_rng(0)
    >>> def draw(n, share):  # odds of 1 at the source: half of its rows are positive
    ...     y = rng.random(n) < share
    ...     return cl.Scores(y_true=y, y_score=2 * rng.normal(y - 0.5, 1 / 1.4, n) / 1.02, kind="logit")
    >>> found = estimate_prior(draw(2000, 0.5), draw(1000, 0.1), seed=1)
    >>> found
    PriorEstimate(ok: EM and BBSE agree, and the scores are a mixture of the source's classes)
      em: True 0.09206 [0.04562, 0.1548]
      bbse_soft: True 0.1197 [0.05707, 0.1759]
      bbse_hard: True 0.09773 [0.0298, 0.1719]
    """
    if not isinstance(replicates, int | np.integer) or replicates < FEWEST:
        raise InputError("replicates", repr(replicates), f"an integer of at least {FEWEST}")
    _check(source, target)
    known = source.known()
    class_shares(known)  # refuses a class without rows
    unlabelled = target if target.weight is None else target.take(target.weight > 0)
    labelled, rows = Rows.of(known), Rows.of(unlabelled)
    w, v = weights_of(known), weights_of(unlabelled)
    point = _estimates(labelled, rows, w, v)
    drawn, together = [], (members_of(known), members_of(unlabelled))
    rng = np.random.default_rng(seed)
    for _ in range(replicates):
        once = w * times_drawn(together[0], rng), v * times_drawn(together[1], rng)
        drawn.append(_estimates(labelled, rows, *once, start=point["em"][0]))
    made = {m: EstimatedPrior(*point[m], np.array([each[m][0] for each in drawn])) for m in METHODS}
    clustered = known.groups is not None or unlabelled.groups is not None
    calibrated = math.nan if clustered else calibrated_p_value(known)
    mixture = math.nan if clustered else mixture_p_value(labelled, rows, w, v, known, rng, replicates)
    em, soft, hard = (made[name] for name in METHODS)
    agree = agreement_p_value(em.prior - soft.prior, em.replicates - soft.replicates)
    return PriorEstimate(known.classes, labelled.shares(w), em, soft, hard, calibrated, agree, mixture)


def _check(source: Scores, target: Scores) -> None:
    for name, scores in (("source", source), ("target", target)):
        if scores.kind not in ("probability", "logit"):
            hint = "make probabilities with calibrate(source)"
            raise ScoreError(name, f"scores of kind {scores.kind!r}", "calibrated probabilities", hint)
    if source.classes != target.classes:
        raise LabelError("target", repr(target.classes), f"{source.classes!r}, as in source")


def _estimates(
    labelled: Rows, rows: Rows, w: Array, v: Array, start: Array | None = None
) -> dict[str, tuple[Array, Array]]:
    """Prior and weights by each method, from weighted rows."""
    shares = labelled.shares(w)
    if not (shares > 0).all():
        nothing = np.full(len(shares), np.nan)
        return dict.fromkeys(METHODS, (nothing, nothing))
    em = em_prior(rows.p, shares, v, start)
    found = {"em": (em, em / shares)}
    for name, own, other in (("bbse_soft", labelled.p, rows.p), ("bbse_hard", labelled.hard, rows.hard)):
        weights = bbse_weights(own, labelled.truth, shares, w, v @ other / v.sum())
        prior = weights * shares
        found[name] = (prior / prior.sum() if prior.sum() > 0 else np.full(len(shares), np.nan), weights)
    return found
