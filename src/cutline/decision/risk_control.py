"""Thresholds that keep a mean loss below a limit on new rows: in expectation, or with high probability.

For losses that only grow as the threshold becomes bolder, such as the share of a row's true labels that is missed.
In expectation: conformal risk control (Angelopoulos, Bates, Fisch, Lei & Schuster 2024). With high probability:
risk-controlling prediction sets (Bates, Angelopoulos, Lei, Malik & Jordan 2021) by one of two upper bounds for losses
in [0, 1]: Hoeffding-Bentkus, or betting (Waudby-Smith & Ramdas 2023), which is tighter when losses vary little.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from cutline.errors import (
    Infeasible,
    InputError,
    LabelError,
    NoFeasibleThreshold,
    NotCertifiable,
    RoleError,
    ScoreError,
    ShapeError,
    UnknownName,
)
from cutline.evidence import finite
from cutline.evidence.intervals import Mean
from cutline.labels import Label, Shown, as_array
from cutline.metrics import MultiLabel
from cutline.scores import Fingerprint

Bound = Literal["hoeffding-bentkus", "betting"]
Array = NDArray[np.float64]

SAME = 1e-9
"""Sums of losses that differ by less are the same sum."""


def hoeffding_bentkus_p(risk: Any, n: int, *, alpha: float) -> Any:
    """P-value of "the mean loss is alpha or more", for n independent losses in [0, 1].

    The smaller of Hoeffding's exp(-n KL(risk, alpha)) and Bentkus' e P(Bin(n, alpha) <= ceil(n risk)) (Bates et al.
    2021; Angelopoulos et al. 2021).

    Parameters
    ----------
    risk : float or array
        Mean of the losses, elementwise; nan (no losses) gives 1.
    n : int
        Number of losses.
    alpha : float
        The limit, between 0 and 1.

    Examples
    --------
    >>> from cutline.decision.risk_control import hoeffding_bentkus_p
    >>> float(hoeffding_bentkus_p(0.04, 100, alpha=0.1).round(4))
    0.0645
    """
    _between("alpha", alpha)
    values = np.asarray(risk, dtype=np.float64)
    if n <= 0:
        return np.ones(values.shape)[()]
    _in_range("risk", values)
    tail = np.exp(np.minimum(_log_tail(values, n, np.float64(alpha), "up"), 0.0))
    return np.where(np.isnan(values), 1.0, tail)[()]


def hoeffding_bentkus_upper(
    risk: float, n: int, *, confidence: float = 0.9, rounding: Literal["up", "down"] = "up"
) -> float:
    """Upper confidence limit of the mean of n independent losses in [0, 1]; 1 without losses.

    Parameters
    ----------
    risk : float
        Mean of the losses.
    n : int
        Number of losses.
    confidence : float
        One-sided.
    rounding : {"up", "down"}
        Where n x risk is no whole number Bentkus' inequality wants the next one ("up"). "down" is what the authors'
        code does; the proof does not cover it.

    Examples
    --------
    >>> from cutline.decision.risk_control import hoeffding_bentkus_upper
    >>> round(hoeffding_bentkus_upper(0.05, 100, confidence=0.9), 4)
    0.107
    """
    from scipy.optimize import brentq

    _between("confidence", confidence)
    if n <= 0 or math.isnan(risk):
        return 1.0
    _in_range("risk", np.asarray(risk))
    value, log_delta = np.float64(risk), math.log1p(-confidence)

    def excess(mu: float) -> float:
        return float(_log_tail(value, n, np.float64(mu), rounding)) - log_delta

    last = 1 - 1e-12
    if risk >= last or excess(last) > 0:
        return 1.0
    return float(brentq(excess, max(risk, 1e-300), last, xtol=1e-14))


def betting_p(losses: Any, *, alpha: float, confidence: float = 0.9, seed: int = 0) -> float:
    """P-value of "the mean loss is alpha or more" by betting against it (Waudby-Smith & Ramdas 2023).

    Parameters
    ----------
    losses : array-like, shape (n,)
        Independent losses in [0, 1].
    alpha : float
        The limit.
    confidence : float
        The level the bets are tuned for; the p-value is valid at every level.
    seed : int
        The bets depend on the order of the losses: it is drawn.

    Notes
    -----
    The stake on each loss is min(1, sqrt(2 ln(1 / delta) / (n s^2))) with the variance s^2 of those before it; the
    p-value is one over the largest wealth on the way.
    """
    _between("alpha", alpha)
    values, stakes = _bets(losses, confidence, seed)
    return float(math.exp(-_log_wealth(values, stakes, alpha)))


def betting_upper(losses: Any, *, confidence: float = 0.9, seed: int = 0) -> float:
    """Upper confidence limit of the mean loss by betting: the largest mean that `betting_p` does not reject.

    Examples
    --------
    >>> import numpy as np
    >>> from cutline.decision.risk_control import betting_upper, hoeffding_bentkus_upper
    >>> losses = np.tile([0.0, 0.1, 0.05, 0.1], 50)
    >>> round(betting_upper(losses), 3), round(hoeffding_bentkus_upper(losses.mean(), 200), 3)
    (0.074, 0.105)
    """
    from scipy.optimize import brentq

    values, stakes = _bets(losses, confidence, seed)
    goal = -math.log1p(-confidence)
    if not values.size or _log_wealth(values, stakes, 1.0) <= goal:
        return 1.0
    if _log_wealth(values, stakes, 0.0) >= goal:
        return 0.0
    return float(brentq(lambda mean: _log_wealth(values, stakes, mean) - goal, 0.0, 1.0, xtol=1e-12))


@dataclass(frozen=True, slots=True, repr=False)
class ControlledRisk(Shown):
    """One threshold that keeps a mean loss at or below a limit, and what that is worth.

    Attributes
    ----------
    threshold : float
        A label is kept iff its score >= threshold.
    alpha : float
        The limit on the mean loss of new rows.
    risk : float
        Mean loss of the calibration rows at the threshold.
    held : float
        What was held below alpha: the mean loss with one more row of the largest loss, or the upper confidence limit.
    n : int
        Calibration rows that count.
    left_out : int
        Rows on which the loss is undefined: those without a true label.
    confidence : float or None
        None: the promise holds in expectation over calibration rows. Else with this probability.
    method : str
        Its name.
    loss : str
        Which loss.
    labels : tuple
        The labels, in the order of the columns.
    calibrated_on : tuple of Fingerprint
        Which rows these were, one for each label.
    """

    threshold: float
    alpha: float
    risk: float
    held: float
    n: int
    left_out: int = 0
    confidence: float | None = None
    method: str = "conformal risk control"
    loss: str = "loss"
    labels: tuple[Label, ...] = ()
    calibrated_on: tuple[Fingerprint, ...] = ()

    @property
    def promise(self) -> str:
        """What holds for new rows, and in which sense."""
        what = f"mean {self.loss} of new rows at most {self.alpha:g}"
        if self.confidence is None:
            return f"{what}, on average over calibration sets of {self.n:,} rows; a single set may do worse"
        return f"{what} with {100 * self.confidence:g} % confidence"

    def predict(self, y_score: Any) -> NDArray[np.bool_]:
        """Which labels are kept, shape (n, K); column k belongs to ``labels[k]``."""
        if isinstance(y_score, MultiLabel):
            return y_score.decided(self.threshold)
        scores = as_array(y_score, argument="y_score")
        if scores.ndim != 2 or (self.labels and scores.shape[1] != len(self.labels)):
            raise ShapeError("y_score", f"shape {scores.shape}", f"shape (n, {len(self.labels) or 'K'})")
        return np.asarray(scores >= self.threshold)

    def assess(self, rows: MultiLabel) -> AssessedRisk:
        """The miss rate on other rows.

        Raises
        ------
        RoleError
            The very rows it was calibrated on.
        LabelError
            Other labels.
        """
        if rows.names != self.labels:
            raise LabelError("rows", f"labels {list(rows.names)}", f"{list(self.labels)}, those it was calibrated for")
        prints = tuple(one.fingerprint for one in rows.each)
        if all(mine.overlap(theirs) == 1.0 for mine, theirs in zip(self.calibrated_on, prints, strict=True)):
            raise RoleError("rows", "the rows the threshold was calibrated on", "other rows", code="CT07")
        misses = _misses(_unweighted(rows), np.array([self.threshold]))[:, 0]
        error = float(misses.std(ddof=1)) / math.sqrt(misses.size) if misses.size > 1 else math.nan
        value = float(misses.mean()) if misses.size else math.nan
        kept = float(self.predict(rows).sum(axis=1).mean())
        return AssessedRisk(Mean(value, error, misses.size, 0.0, 1.0), self.alpha, rows.n - misses.size, kept)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; the threshold as hexadecimal, too, so that it decides the same after loading."""
        names = ("threshold", "alpha", "risk", "held", "n", "left_out", "confidence", "method", "loss")
        return {
            "schema_version": 1,
            **{name: getattr(self, name) for name in names},
            "threshold_hex": self.threshold.hex(),
            "labels": list(self.labels),
            "calibrated_on": [rows.to_dict() for rows in self.calibrated_on],
            "promise": self.promise,
        }

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> ControlledRisk:
        """The inverse of `to_dict`.

        Raises
        ------
        InputError
            Not what `to_dict` gave, or of a newer format.
        """
        if saved.get("schema_version") != 1:
            raise InputError("saved", f"schema_version {saved.get('schema_version')!r}", "1, a controlled risk")
        try:
            names = ("alpha", "risk", "held", "n", "left_out", "confidence", "method", "loss")
            values: dict[str, Any] = {name: saved[name] for name in names}
            return cls(
                float.fromhex(saved["threshold_hex"]),
                **values,
                labels=tuple(saved["labels"]),
                calibrated_on=tuple(Fingerprint.from_dict(rows) for rows in saved["calibrated_on"]),
            )
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise InputError("saved", f"a description that does not fit ({error})", "what to_dict() gave") from None

    def __repr__(self) -> str:
        head = f"ControlledRisk: keep labels at scores >= {self.threshold:.4g}: {self.promise} ({self.method})"
        note = f"\n  note: {self.left_out:,} row(s) without a true label do not count" if self.left_out else ""
        return f"{head}\n  on {self.n:,} calibration rows {self.risk:.4g}{note}"


@dataclass(frozen=True, slots=True, repr=False)
class AssessedRisk(Shown):
    """The mean loss on test rows.

    Attributes
    ----------
    mean : Mean
        Value and the ingredients of its interval.
    alpha : float
        The limit that was promised.
    left_out : int
        Rows on which the loss is undefined.
    labels_kept : float
        Labels kept on a row, on average over all rows.
    """

    mean: Mean
    alpha: float
    left_out: int
    labels_kept: float

    @property
    def risk(self) -> float:
        """Mean loss."""
        return self.mean.value

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Student's t interval, within [0, 1]."""
        return self.mean.interval(confidence)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        low, high = self.interval()
        return {
            "risk": finite(self.risk),
            "low": finite(low),
            "high": finite(high),
            "n": int(self.mean.n),
            "alpha": self.alpha,
            "left_out": self.left_out,
            "labels_kept": self.labels_kept,
            "state": self.mean.state,
        }

    def __repr__(self) -> str:
        low, high = self.interval()
        text = f"AssessedRisk: {self.risk:.4g} [{low:.4g}, {high:.4g}] (n={int(self.mean.n):,}), "
        return f"{text}{self.alpha:g} promised; {self.labels_kept:.3g} labels a row"


def control_fnr(
    rows: MultiLabel,
    *,
    alpha: float = 0.1,
    confidence: float | None = None,
    thresholds: Any = None,
    bound: Bound = "hoeffding-bentkus",
    seed: int = 0,
) -> ControlledRisk:
    """The highest threshold, one for all labels, that keeps the share of missed true labels at alpha or below.

    The loss of a row is the share of its true labels with a score below the threshold; rows without a true label do
    not count.

    Parameters
    ----------
    rows : MultiLabel
        Calibration rows that neither the model nor a threshold has seen, without weights.
    alpha : float
        The limit on the mean loss.
    confidence : float, optional
        Left out: the limit holds in expectation (conformal risk control). Given: with this probability (RCPS), at a
        lower threshold.
    thresholds : array-like, optional
        Thresholds to choose among; any score by default. "betting" needs them, fixed before the rows were seen.
    bound : {"hoeffding-bentkus", "betting"}
        The upper limit that `confidence` rests on.
    seed : int
        Of "betting".

    Raises
    ------
    NotCertifiable
        Too few rows, with the number that would do.
    Infeasible
        The limit is exceeded even at the lowest of `thresholds`.

    Examples
    --------
    >>> import cutline as cl
    >>> from cutline.decision.risk_control import control_fnr
    >>> y = [[1, 0], [1, 1], [0, 1], [1, 0], [0, 1], [1, 0], [0, 0], [1, 1], [0, 1], [1, 0]]
    >>> p = [[.9, .2], [.8, .6], [.3, .7], [.6, .1], [.2, .9], [.7, .4], [.1, .2], [.8, .3], [.1, .6], [.9, .1]]
    >>> control_fnr(cl.MultiLabel(y_true=y, y_score=p, kind="probability"), alpha=0.2)
    ControlledRisk: keep labels at scores >= 0.6: mean miss rate of new rows at most 0.2, on average ...
      on 9 calibration rows 0.05556
      note: 1 row(s) without a true label do not count
    """
    if not isinstance(rows, MultiLabel):
        hint = "control_risk(losses, ...) takes any losses"
        raise InputError("rows", type(rows).__name__, "a MultiLabel: rows with several labels each", hint)
    _checked(alpha, confidence, bound)
    if rows.kind == "label":
        raise ScoreError("rows", "scores of kind 'label'", "scores that a threshold can cut")
    truth = _unweighted(rows).truth
    n = int(truth.any(axis=1).sum())
    about: dict[str, Any] = {
        "left_out": rows.n - n,
        "loss": "miss rate",
        "labels": rows.names,
        "calibrated_on": tuple(one.fingerprint for one in rows.each),
    }
    if n == 0:
        raise LabelError("rows", "no row with a true label", "rows with true labels, to count what is missed")
    if thresholds is not None:
        grid = np.unique(np.asarray(thresholds, dtype=np.float64))
        found = control_risk(
            _misses(rows, grid), thresholds=grid, alpha=alpha, confidence=confidence, bound=bound, seed=seed
        )
        return replace(found, **about)
    if bound == "betting" and confidence is not None:
        raise InputError(
            "thresholds", "none for 'betting'", "thresholds fixed beforehand", "such as np.arange(101)/100"
        )
    score = rows.score[truth].astype(np.float64)
    share = np.broadcast_to(1 / np.maximum(truth.sum(axis=1), 1)[:, None], truth.shape)[truth]
    order = np.argsort(score, kind="stable")
    at, first = np.unique(score[order], return_index=True)
    below = np.concatenate([[0.0], np.cumsum(share[order])])[first]  # lost by the scores below each
    j, held, method = _boldest(below / n, n, alpha, 1.0, confidence)
    return ControlledRisk(
        float(at[j]), alpha, float(below[j]) / n, held, n, confidence=confidence, method=method, **about
    )


def control_risk(
    losses: Any,
    *,
    thresholds: Any,
    alpha: float,
    largest: float = 1.0,
    confidence: float | None = None,
    bound: Bound = "hoeffding-bentkus",
    seed: int = 0,
) -> ControlledRisk:
    """The boldest of some thresholds that keeps a monotone mean loss at alpha or below.

    Parameters
    ----------
    losses : array-like, shape (n, m)
        Entry [i, j]: loss of calibration row i at threshold j, in [0, largest]. Columns go from the safest threshold
        to the boldest: no loss may fall from one to the next.
    thresholds : array-like, shape (m,)
        Names of the columns; fixed before the rows were seen.
    alpha : float
        The limit on the mean loss of new rows.
    largest : float
        The largest loss there can be.
    confidence, bound, seed
        As in `control_fnr`.

    Raises
    ------
    NotCertifiable, Infeasible
        Too few rows; a loss beyond alpha even at the safest threshold.

    Examples
    --------
    >>> import numpy as np
    >>> from cutline.decision.risk_control import control_risk
    >>> needs = np.arange(99) / 99  # the row is lost at thresholds above
    >>> grid = np.arange(11) / 10
    >>> found = control_risk(grid > needs[:, None], thresholds=grid, alpha=0.25)
    >>> found.threshold, round(found.held, 3)
    (0.2, 0.21)
    """
    _checked(alpha / largest if largest > 0 else math.nan, confidence, bound)
    values = np.asarray(losses, dtype=np.float64)
    at = np.asarray(thresholds, dtype=np.float64)
    if values.ndim != 2 or at.shape != values.shape[1:] or 0 in values.shape:
        raise ShapeError("losses", f"shape {values.shape} for {at.shape} thresholds", "shape (n, m) for m thresholds")
    if not ((values >= 0) & (values <= largest)).all():
        raise InputError("losses", "values outside [0, largest] or nan", f"losses from 0 to {largest:g}")
    if (np.diff(values, axis=1) < 0).any():
        j = int((np.diff(values, axis=1) < 0).any(axis=0).argmax())
        wanted = "columns from the safest to the boldest"
        raise InputError("losses", f"losses that fall from column {j} to {j + 1}", wanted, "a monotone loss is needed")
    n, risk = len(values), values.mean(axis=0)
    if confidence is not None and bound == "betting":
        j, held, method = _boldest_by_betting(values / largest, alpha / largest, confidence, seed)
        held *= largest
    else:
        j, held, method = _boldest(risk, n, alpha, largest, confidence)
    return ControlledRisk(float(at[j]), alpha, float(risk[j]), held, n, confidence=confidence, method=method)


def _boldest(risk: Array, n: int, alpha: float, largest: float, confidence: float | None) -> tuple[int, float, str]:
    """Column, what was held below alpha, and the method; the risks ascend."""
    if confidence is None:
        held = (n * risk + largest) / (n + 1)
        passed = held * (n + 1) <= alpha * (n + 1) + SAME * largest
    else:
        passed = hoeffding_bentkus_p(risk / largest, n, alpha=alpha / largest) <= 1 - confidence
    j = int(np.count_nonzero(np.logical_and.accumulate(passed))) - 1
    if j < 0:
        raise _not_reached(float(risk[0]), n, alpha, largest, confidence)
    if confidence is None:
        return j, float(held[j]), "conformal risk control"
    upper = largest * hoeffding_bentkus_upper(float(risk[j]) / largest, n, confidence=confidence)
    return j, upper, "risk-controlling prediction sets, Hoeffding-Bentkus"


def _boldest_by_betting(losses: Array, alpha: float, confidence: float, seed: int) -> tuple[int, float, str]:
    """The same by betting: the thresholds are tested from the safest on until one fails."""
    last = -1
    for j in range(losses.shape[1]):
        if betting_p(losses[:, j], alpha=alpha, confidence=confidence, seed=seed) > 1 - confidence:
            break
        last = j
    if last < 0:
        raise _not_reached(float(losses[:, 0].mean()), len(losses), alpha, 1.0, confidence)
    upper = betting_upper(losses[:, last], confidence=confidence, seed=seed)
    return last, upper, "risk-controlling prediction sets, betting"


def _not_reached(risk: float, n: int, alpha: float, largest: float, confidence: float | None) -> NoFeasibleThreshold:
    """What to say when not even the safest threshold will do, with `risk` there."""
    came = f"a mean loss of {risk:.4g} at the safest threshold, on {n:,} rows"
    if risk >= alpha:
        return Infeasible("alpha", came, f"below {alpha:g}", "allow a larger loss, or offer safer thresholds")
    needed = math.ceil((largest - alpha) / (alpha - risk) - SAME)
    if confidence is not None:
        needed = _enough(risk / largest, alpha / largest, confidence)
    sense = "in expectation" if confidence is None else f"with {100 * confidence:g} % confidence"
    error = NotCertifiable("alpha", came, f"about {needed:,} rows to promise {alpha:g} {sense}")
    error.n_needed = needed
    return error


def _enough(risk: float, alpha: float, confidence: float) -> int:
    """Rows from which on Hoeffding-Bentkus shows that a mean loss of `risk` is below alpha."""
    n = 1
    while hoeffding_bentkus_p(risk, n, alpha=alpha) > 1 - confidence:
        n *= 2
    low, high = n // 2, n
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (
            (low, middle) if hoeffding_bentkus_p(risk, middle, alpha=alpha) <= 1 - confidence else (middle, high)
        )
    return high


def _misses(rows: MultiLabel, thresholds: Array) -> Array:
    """Share of true labels below each threshold, shape (rows with a true label, thresholds)."""
    truth, score = rows.truth, rows.score
    some = truth.any(axis=1)
    truth, score = truth[some], score[some]
    missed = np.column_stack([(truth & (score < t)).sum(axis=1) for t in thresholds])
    return np.asarray(missed / truth.sum(axis=1)[:, None])


def _log_tail(risk: Any, n: int, mu: Any, rounding: str) -> Any:
    """Logarithm of the smaller of the two bounds on P(mean of n losses <= risk) when their mean is mu."""
    from scipy.special import bdtr, xlogy

    low = np.fmin(risk, mu)
    entropy = xlogy(low, low / mu) + xlogy(1 - low, (1 - low) / (1 - mu))
    total = n * np.nan_to_num(risk)
    whole = np.round(total)
    near = np.abs(total - whole) <= SAME + 1e-12 * total
    count = np.where(near, whole, np.ceil(total) if rounding == "up" else np.floor(total))
    return np.minimum(-n * entropy, 1 + np.log(np.maximum(bdtr(count, int(n), mu), 1e-300)))


def _bets(losses: Any, confidence: float, seed: int) -> tuple[Array, Array]:
    """The losses in a drawn order and the stake on each, which looks at those before it alone."""
    _between("confidence", confidence)
    values = np.asarray(losses, dtype=np.float64)
    if values.ndim != 1:
        raise ShapeError("losses", f"shape {values.shape}", "one loss a row, shape (n,)")
    if not ((values >= 0) & (values <= 1)).all():
        raise InputError("losses", "values outside [0, 1] or nan", "losses from 0 to 1")
    values = np.random.default_rng(seed).permutation(values)
    seen = np.arange(1, values.size + 1)
    mean = (0.5 + np.cumsum(values)) / (1 + seen)
    variance = (0.25 + np.cumsum(np.square(values - mean))) / (1 + seen)
    before = np.concatenate([[0.25], variance[:-1]])[: values.size]
    return values, np.minimum(1.0, np.sqrt(-2 * math.log1p(-confidence) / (values.size * before)))


def _log_wealth(values: Array, stakes: Array, mean: float) -> float:
    """Logarithm of the largest wealth on the way, from 1 on, of betting that the mean loss is below `mean`."""
    with np.errstate(divide="ignore"):
        steps = np.cumsum(np.log(np.maximum(1 - stakes * (values - mean), 0.0)))
    return float(max(steps.max(initial=0.0), 0.0))


def _unweighted(rows: MultiLabel) -> MultiLabel:
    if rows.weight is not None:
        raise InputError("weight", "weighted rows for a guarantee", "rows without weights", "weights void the promise")
    return rows


def _checked(alpha: float, confidence: float | None, bound: str) -> None:
    _between("alpha", alpha)
    if confidence is not None:
        _between("confidence", confidence)
    if bound not in get_args(Bound):
        raise UnknownName.among("bound", str(bound), get_args(Bound))


def _between(name: str, value: float) -> None:
    if not 0 < value < 1:
        raise InputError(name, repr(value), "a number between 0 and 1, such as 0.1")


def _in_range(name: str, values: NDArray[Any]) -> None:
    if ((values < 0) | (values > 1)).any():
        raise InputError(name, f"values from {np.nanmin(values):g} to {np.nanmax(values):g}", "mean losses in [0, 1]")
