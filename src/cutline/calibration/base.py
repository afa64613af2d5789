"""What every calibrator shares: the protocol, what it reads, and checks of its parameters and its rows."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from cutline.errors import InputError, LabelError, ScoreError
from cutline.scores import Kind, Scores

Array = NDArray[np.float64]

CLIP = 1e-12
"""Probabilities are kept this far from 0 and 1 before their logarithm is taken."""


class Calibrator(Protocol):
    """A fitted map from scores to probabilities."""

    name: ClassVar[str]

    @property
    def parameters(self) -> int:
        """Free parameters: what the one-standard-error rule prefers fewer of."""

    def __call__(self, score: NDArray[Any]) -> Array:
        """Probabilities of the same shape as the scores."""

    @classmethod
    def fit(cls, scores: Scores) -> Self:
        """Fit on binary or multi-class scores with truth."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, with the name."""


def features_of(scores: Scores, kind: Kind) -> Array:
    """The scores as a calibrator of that kind reads them. Logits stay logits: their probabilities would make ties."""
    if kind == scores.kind:
        return np.asarray(scores.score, dtype=np.float64)
    if kind == "probability":
        return scores.probability
    return log_odds(scores.probability, "probability") if scores.binary else log_p(scores.probability, "probability")


def logit(p: NDArray[Any]) -> Array:
    """log(p / (1 - p)) of probabilities kept `CLIP` away from 0 and 1."""
    p = np.clip(np.asarray(p, dtype=np.float64), CLIP, 1 - CLIP)
    return np.asarray(np.log(p) - np.log1p(-p))


def log_odds(score: NDArray[Any], kind: Kind) -> Array:
    """Where binary scores lie on the axis that logistic maps bend: the logit of probabilities, else the score."""
    return logit(score) if kind == "probability" else np.asarray(score, dtype=np.float64)


def log_p(score: NDArray[Any], kind: Kind) -> Array:
    """Log probabilities of several classes, shape (n, k); probabilities are kept at least `CLIP`."""
    x = np.asarray(score, dtype=np.float64)
    if kind == "probability":
        return np.asarray(np.log(np.maximum(x, CLIP)))
    x = x - x.max(axis=1, keepdims=True)
    return np.asarray(x - np.log(np.exp(x).sum(axis=1, keepdims=True)))


def rows_to_fit(scores: Scores, name: str) -> Scores:
    """The rows that count: of both classes when binary, no labels, and no ranking of several classes."""
    if scores.kind == "label":
        raise ScoreError("scores", "predicted labels", "probabilities, logits or a ranking score", code="CT03")
    if not scores.binary and scores.kind == "rank":
        raise ScoreError("scores", "a ranking score of several classes", f"probabilities or logits for {name!r}")
    known = scores.known()
    if known.binary and not 0 < known.n_pos < known.n:
        raise LabelError("y_true", f"{known.n_pos} positive of {known.n} rows", "rows of both classes")
    return known


def binary_rows(scores: Scores, name: str) -> Scores:
    """`rows_to_fit` of a binary problem."""
    if not scores.binary:
        raise LabelError("scores", repr(scores.classes), f"a binary problem for {name!r}", "use one_vs_rest(class)")
    return rows_to_fit(scores, name)


def weights_of(scores: Scores) -> Array:
    """The weights, ones when there are none."""
    return np.ones(scores.n) if scores.weight is None else scores.weight


def require(fine: object, name: str, wanted: str) -> None:
    """Refuse parameters that no fit could have given."""
    if not fine:
        raise InputError("calibrator", f"parameters of {name!r} that no fit gives", wanted)


def is_kind(kind: object, *, rank: bool = False) -> bool:
    """True for the kinds of score that a map of probabilities, or of a ranking as well, can read."""
    return isinstance(kind, str) and kind in ("probability", "logit", *(["rank"] if rank else []))


def are_numbers(*values: object) -> bool:
    """True for finite real numbers; booleans are none."""
    return all(isinstance(v, int | float) and not isinstance(v, bool) and np.isfinite(v) for v in values)


def are_columns(*values: object) -> bool:
    """True for one-dimensional, finite, non-empty float arrays of one length."""
    arrays = [v for v in values if isinstance(v, np.ndarray) and v.ndim == 1 and v.dtype == np.float64]
    return len(arrays) == len(values) and len({len(v) for v in arrays}) == 1 and all(map(_finite, arrays))


def _finite(values: Array) -> bool:
    return len(values) > 0 and bool(np.isfinite(values).all())


def rising(values: Array, low: float = -np.inf, high: float = np.inf, *, strictly: bool = False) -> bool:
    """True when the values rise from at least `low` to at most `high`."""
    steps = np.diff(values)
    return bool(((steps > 0) if strictly else (steps >= 0)).all() and values[0] >= low and values[-1] <= high)
