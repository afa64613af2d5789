"""Prevalence shift with a known prior: the odds are multiplied, the ranking stays.

Under label shift the shares of the classes change while the rows inside each class look as they did. Then
``q_k = p_k * to_k / source_k``, divided by its sum (Elkan 2001; Saerens, Latinne & Decaestecker 2002). Undersampling
and class weights move the prior of a training set in the same way, so the same map undoes them (Dal Pozzolo et al.
2015).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline.calibration.base import Array, weights_of
from cutline.errors import InputError, LabelError, ScoreError
from cutline.labels import Classes
from cutline.scores import Scores

Prior = float | Mapping[Any, float] | Array
"""A prevalence of the positive class (binary), a mapping of every class to its share, or shares in class order."""


def shift_prior(scores: Scores, *, to: Prior, source: Prior | None = None) -> Scores:
    """Probabilities as they would be where the classes have other shares: odds times the ratio of prior odds.

    Parameters
    ----------
    scores : Scores
        Calibrated probabilities or logits. Truth is needed only when `source` is not given.
    to : float, mapping of class to float, or ndarray of shape (k,)
        Shares of the classes at the target; for binary problems the prevalence, strictly between 0 and 1.
    source : the same, optional
        Shares where the probabilities were calibrated. Without it, those of the (weighted) rows with truth.

    Returns
    -------
    Scores
        The same rows, logits as logits; a probability of 0 or 1 stays what it is.

    Raises
    ------
    InputError
        A share of 0 or 1, shares that do not sum to 1, or a class without one.
    LabelError
        No `source` and a class without rows.
    ScoreError
        Scores that are no probabilities.

    Examples
    --------
    >>> import cutline as cl
    >>> from cutline.calibration.prior_shift import shift_prior
    >>> s = cl.Scores(y_score=[0.0, 0.3, 0.5, 0.99], classes=["ham", "spam"], positive="spam", kind="probability")
    >>> shift_prior(s, to=0.01, source=0.5).score.round(4).tolist()
    [0.0, 0.0043, 0.01, 0.5]
    """
    before = class_shares(scores) if source is None else prior_of(source, scores.classes, "source")
    factor = prior_of(to, scores.classes, "to") / before
    return multiply_odds(scores, factor, "shifted to another prior")


def undo_class_weight(scores: Scores, weight: Mapping[Any, float] | str) -> Scores:
    """Probabilities as if the model had been fitted without class weights, undersampling or oversampling.

    A model that counted (or kept) each row of class k `weight[k]` times learned ``p_k * weight[k]``, up to the sum;
    here that is divided out again.

    Parameters
    ----------
    scores : Scores
        Probabilities or logits of such a model.
    weight : mapping of class to float, or "balanced"
        How many times a row of each class counted; a class that is not named counted once. ``class_weight`` as it is;
        ``{positive: s}`` for ``scale_pos_weight=s``; ``{negative: 0.1}`` when a tenth of the negatives was kept.
        "balanced" is scikit-learn's: n / (k * rows of the class), with the shares of the rows with truth.

    Examples
    --------
    >>> import cutline as cl
    >>> from cutline.calibration.prior_shift import undo_class_weight
    >>> s = cl.Scores(y_score=[0.2, 0.5, 0.9], classes=["no", "yes"], positive="yes", kind="probability")
    >>> undo_class_weight(s, {"yes": 9}).score.round(3).tolist()
    [0.027, 0.1, 0.5]
    """
    factor = np.ones(scores.classes.k)
    if isinstance(weight, Mapping):
        for name, value in weight.items():
            factor[scores.classes.index(name)] = value
    elif weight == "balanced":
        factor = 1 / (scores.classes.k * class_shares(scores))
    else:
        raise InputError("weight", repr(weight), "a mapping of class to weight, or 'balanced'")
    if not (np.isfinite(factor) & (factor > 0)).all():
        raise InputError("weight", f"{weight!r}", "finite weights above 0")
    return multiply_odds(scores, 1 / factor, "class weights undone")


def multiply_odds(scores: Scores, factor: NDArray[Any], note: str) -> Scores:
    """The same rows with class k's probability multiplied by ``factor[k]`` and divided by the sum."""
    if scores.kind not in ("probability", "logit"):
        hint = "make probabilities with calibrate(scores)"
        raise ScoreError("scores", f"scores of kind {scores.kind!r}", "calibrated probabilities", hint)
    positive = scores.classes.index(scores.classes.positive) if scores.binary else 0
    odds = factor[positive] / factor[1 - positive] if scores.binary else factor / factor.max()
    score = np.asarray(scores.score, dtype=np.float64)
    if scores.kind == "logit":
        q = score + np.log(odds)
    elif scores.binary:
        up = score * odds
        q = up / (up + (1 - score))
    else:
        q = score * odds
        q = q / q.sum(axis=1, keepdims=True)
    return scores.with_score(q, scores.kind).with_notes(note)


def prior_of(given: Prior, classes: Classes, argument: str) -> Array:
    """Shares of all classes, shape (k,), in the order of ``classes.names``."""
    values: Any = given
    if isinstance(given, str) or np.asarray(given).dtype == bool:
        raise InputError(argument, repr(given), "a prevalence, or a share of each class")
    if isinstance(given, Mapping):
        missing = [name for name in classes.names if name not in given]
        if missing or len(given) != classes.k:
            raise InputError(argument, f"shares of {list(given)}", f"a share of each of {list(classes.names)}")
        values = [given[name] for name in classes.names]
    try:
        shares = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(argument, repr(given), "numbers") from None
    if shares.ndim == 0 and classes.binary:
        shares = np.array([1 - shares, shares])
        shares = shares if classes.index(classes.positive) == 1 else shares[::-1]
    if shares.shape != (classes.k,):
        raise InputError(argument, f"shares of shape {shares.shape}", f"{classes.k} shares, one for each class")
    if not ((shares > 0) & (shares < 1)).all():
        raise InputError(
            argument, f"{given!r}", "shares strictly between 0 and 1", "a class that never occurs has no odds"
        )
    if abs(shares.sum() - 1) > 1e-6:
        raise InputError(argument, f"shares that sum to {shares.sum():.6g}", "shares that sum to 1")
    return shares / shares.sum()


def class_shares(scores: Scores) -> Array:
    """Shares of the classes among the rows that count, by weight; every class must have rows."""
    known = scores.known()
    mass = np.bincount(np.asarray(known.truth), weights=weights_of(known), minlength=known.classes.k)
    if (mass <= 0).any():
        absent = [name for name, m in zip(known.classes.names, mass, strict=True) if m <= 0]
        raise LabelError("scores", f"no rows of class {absent[0]!r}", "rows of every class", "pass source= instead")
    return np.asarray(mass / mass.sum())
