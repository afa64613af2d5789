"""Evaluation with few labels: predictions on many rows, labels on some of them.

Two ways. Labels on a random sample of the rows: prediction-powered inference (PPI++; Angelopoulos, Duchi & Zrnic 2023)
lets the predictions of all rows shrink the interval, as far as they are any good, and stays valid if they are not.
Labels still to be made: `label_next` draws rows stratified by score, more where they tell more (Neyman 1934), and
`LabelPlan.estimate` weighs them back.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cutline.errors import InputError, LabelError, ShapeError
from cutline.evidence.estimate import Estimate
from cutline.evidence.intervals import State
from cutline.evidence.proportions import score_limits, t_of, z_of
from cutline.labels import Shown
from cutline.metrics import Counts, Metric
from cutline.scores import Scores

Array = NDArray[np.float64]

LEAST = 2
"""Labels in every stratum that counts: from fewer no spread can be told."""
DOUBT = 0.02
"""Probabilities nearer to 0 or 1 are not believed when labels are allotted: a sure model may be wrong."""


@dataclass(frozen=True, slots=True, repr=False)
class PoweredMean(Shown):
    """A mean from few labels and many predictions.

    Attributes
    ----------
    value : float
        The estimate.
    error : float
        Its standard error.
    lam : float
        How far the predictions were trusted: 0 not at all (the labels alone), 1 fully.
    n, n_unlabelled : int
        Rows with labels, and without.
    kind : {"t", "normal"}
        Quantiles of the interval: Student's with n - 1 degrees of freedom, or normal ones.
    """

    value: float
    error: float
    lam: float
    n: int
    n_unlabelled: int
    kind: Literal["t", "normal"] = "t"

    @property
    def method(self) -> str:
        """Name."""
        return f"PPI++, lambda {self.lam:.3g}, {self.kind}" if self.lam else f"labels alone, {self.kind}"

    @property
    def state(self) -> State:
        """Insufficient below two labels; degenerate without spread."""
        return "insufficient" if self.n < 2 else "ok" if self.error > 0 else "degenerate"

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Two-sided interval at any level."""
        z = z_of(confidence)
        if self.n < 2:
            return math.nan, math.nan
        half = (z if self.kind == "normal" else t_of(confidence, self.n - 1)) * self.error
        return self.value - half, self.value + half

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        low, high = self.interval()
        names = ("value", "error", "lam", "n", "n_unlabelled", "kind", "state")
        return {
            **{name: _plain(getattr(self, name)) for name in names},
            "low": _plain(low),
            "high": _plain(high),
            "method": self.method,
        }

    def __repr__(self) -> str:
        low, high = self.interval()
        rows = f"n={self.n:,} + {self.n_unlabelled:,} unlabelled"
        return f"PoweredMean {self.value:.4g} [{low:.4g}, {high:.4g}] ({rows}, {self.method})"


@dataclass(frozen=True, slots=True)
class EffectiveProportion:
    """A proportion estimated with a known error by any design: Wilson's limits on the rows of a simple sample as good.

    Attributes
    ----------
    value, error : float
        Estimate and standard error.
    df : float
        Degrees of freedom of the error; Student's quantile takes the place of the normal one.
    fallback : float
        Effective labels to use where the labels show no spread at all (value 0 or 1).
    how : str
        The design, for people.
    """

    value: float
    error: float
    df: float
    fallback: float
    how: str

    @property
    def method(self) -> str:
        """Name."""
        return f"{self.how}, Wilson on effective n"

    @property
    def state(self) -> State:
        """Insufficient without degrees of freedom; degenerate where the labels show no spread."""
        if math.isnan(self.value):
            return "undefined"
        if self.df < 1 or math.isnan(self.error):
            return "insufficient"
        return "ok" if self.error > 0 and 0 < self.value < 1 else "degenerate"

    def interval(self, level: float) -> tuple[float, float]:
        """Interval in [0, 1]."""
        if self.state in ("undefined", "insufficient"):
            return math.nan, math.nan
        value = min(max(self.value, 0.0), 1.0)
        n = value * (1 - value) / self.error**2 if self.state == "ok" else self.fallback
        return score_limits(value * n, n, t_of(level, self.df))


def ppi_mean(
    *,
    y_true: Any,
    y_predicted: Any,
    y_predicted_unlabelled: Any,
    lam: float | None = None,
    kind: Literal["t", "normal"] = "t",
) -> PoweredMean:
    """Mean of a number that few rows have measured and many have predicted.

    Parameters
    ----------
    y_true : array-like, shape (n,)
        Measured on a random sample of the rows.
    y_predicted : array-like, shape (n,)
        Predictions for the same rows, by a model that has not seen these labels.
    y_predicted_unlabelled : array-like, shape (m,)
        Predictions for the other rows.
    lam : float, optional
        How far to trust the predictions: 1 is plain PPI (Angelopoulos et al. 2023), 0 the labels alone. Tuned for the
        smallest error and kept in [0, 1] when not given (PPI++).
    kind : {"t", "normal"}
        "normal" takes variances with divisor n and normal quantiles, as the authors' package: too narrow for few
        labels.

    Returns
    -------
    PoweredMean

    Notes
    -----
    mean(y - lam f) over labelled rows + lam mean(f) over unlabelled ones; lam = cov(y, f) / ((1 + n / m) var(f)).

    Examples
    --------
    >>> from cutline.evidence.few_labels import ppi_mean
    >>> found = ppi_mean(y_true=[1, 0, 1, 1], y_predicted=[.9, .2, .7, .8], y_predicted_unlabelled=[.5, .9, .1, .6, .7])
    >>> round(found.value, 3), found.lam
    (0.682, 0.7575...)
    """
    y, f = _numbers("y_true", y_true), _numbers("y_predicted", y_predicted)
    u = _numbers("y_predicted_unlabelled", y_predicted_unlabelled)
    if f.shape != y.shape:
        raise ShapeError("y_predicted", f"shape {f.shape}", f"{y.shape}, the shape of y_true")
    if not y.size or not u.size:
        raise ShapeError("y_true", f"{y.size} labelled and {u.size} unlabelled rows", "at least one of each")
    if kind not in ("t", "normal"):
        raise InputError("kind", repr(kind), "'t' or 'normal'")
    if lam is None:
        lam = _tuned(y, f, u)
    else:
        _finite_lam(lam)
    value = float(lam * u.mean() + (y - lam * f).mean())
    return PoweredMean(value, _powered_error(y, f, u, lam, kind), lam, y.size, u.size, kind)


def ppi(
    metric: Metric, scores: Scores, *, at: float | None = None, confidence: float = 0.95, lam: float | None = None
) -> Estimate:
    """Estimate a count metric from rows of which only some, drawn at random, have labels.

    Probabilities stand in for the labels that are missing; they need not be calibrated for the interval to hold, but
    the better they are the narrower it gets.

    Parameters
    ----------
    metric : Metric
        A proportion, such as accuracy, precision, recall, prevalence; or f1.
    scores : Scores
        Binary probabilities of all rows, truth missing (None) in those without a label.
    at : float
        Threshold of the decision.
    confidence : float
        Level of the interval.
    lam : float, optional
        How far to trust the probabilities, as in `ppi_mean`; tuned when not given.

    Raises
    ------
    LabelError
        No label at all, or a metric that no labelled row speaks of.
    InputError
        A metric that is no ratio of counts; weights or clusters.

    Notes
    -----
    A ratio of means a / b with the linearised rows (a - theta b) / mean(b); lam is tuned on these.

    Examples
    --------
    >>> import cutline as cl
    >>> from cutline.evidence.few_labels import ppi
    >>> p = [0.95, 0.9, 0.8, 0.7, 0.6, 0.4, 0.3, 0.2, 0.1, 0.05]
    >>> y = [1, None, 1, 0, None, 1, None, 0, None, 0]
    >>> ppi(cl.accuracy, cl.Scores(y_true=y, y_score=p, kind="probability"), at=0.5)
    accuracy 0.6417 [0.2302, 0.9147] (n=6, PPI++ lambda ..., Wilson on effective n)
    """
    _refuse_dependent(scores)
    z_of(confidence)
    if lam is not None:
        _finite_lam(lam)
    known = scores.counting
    p = _probability(scores)
    if not known.any():
        raise LabelError("y_true", "no row with a label", "labels on a random sample of the rows")
    flagged = _flagged(metric, scores, at)
    a, b = _cells(metric, flagged[known], scores.is_positive[known].astype(float))
    fa, fb = _cells(metric, flagged, p)
    n, n_other = int(known.sum()), int((~known).sum())
    if b.sum() == 0:
        return _undefined(metric, scores, known, at, confidence, "no labelled row counts for it")
    theta = float(a.sum() / b.sum())
    if not n_other:
        lam, theta_ppi = 0.0, theta
    else:
        own = (a - theta * b, (fa - theta * fb)[known], (fa - theta * fb)[~known])
        lam = _tuned(*own) if lam is None else lam
        top = lam * fa[~known].mean() + (a - lam * fa[known]).mean()
        bottom = lam * fb[~known].mean() + (b - lam * fb[known]).mean()
        theta_ppi = float(top / bottom) if bottom > 0 else math.nan
        if not 0 <= theta_ppi <= 1:  # predictions that are far off: the labels alone are a ratio in its range
            lam, theta_ppi = 0.0, theta
    psi, fpsi = a - theta_ppi * b, fa - theta_ppi * fb
    u = fpsi[~known] if n_other else np.zeros(1)
    error = _powered_error(psi, fpsi[known], u, lam, "t") / float(b.mean())
    counted = int(np.count_nonzero(b))
    how = f"PPI++ lambda {lam:.2g}"
    ingredients = EffectiveProportion(theta_ppi, error, counted - 1, counted, how)
    n_pos = int(scores.is_positive[known].sum())
    note = f"{n_other:,} rows without labels count by their probabilities" if lam else ""
    return Estimate(metric, theta_ppi, n, n_pos, ingredients, confidence, scores.role, at, note)


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class LabelPlan(Shown):
    """Which rows to label, and what each then stands for. Made by `label_next`.

    Attributes
    ----------
    rows : ndarray of int, shape (k,)
        Row numbers to label next, ascending.
    ids : ndarray or None
        Their ids, where the rows have any.
    labelled : ndarray of int, shape (m,)
        All rows of this and the plans before it, ascending.
    probability : ndarray, shape (m,)
        Inclusion probability of each of `labelled`: it stands for one over it.
    edges : ndarray, shape (strata - 1,)
        Scores at which strata begin, ascending; stratum h holds the rows from ``edges[h - 1]`` on.
    sizes : tuple of int
        Rows in each stratum.
    drawn : tuple of int
        Of these labelled, or to be.
    metric : Metric
        What the plan was made for.
    threshold : float or None
        Where the decision is cut.
    """

    rows: NDArray[np.int64]
    ids: NDArray[Any] | None
    labelled: NDArray[np.int64]
    probability: Array
    edges: Array
    sizes: tuple[int, ...]
    drawn: tuple[int, ...]
    metric: Metric
    threshold: float | None

    def estimate(
        self, scores: Scores, *, metric: Metric | None = None, at: float | None = None, confidence: float = 0.95
    ) -> Estimate:
        """The metric of rows like all of these, from those that were labelled.

        Parameters
        ----------
        scores : Scores
            The same rows, now with truth where the plan asked for it; labels elsewhere are not looked at, since they
            were not drawn.
        metric : Metric, optional
            A proportion or f1; the one the plan was made for by default.
        at : float, optional
            Threshold; that of the plan by default.
        confidence : float
            Level of the interval.

        Raises
        ------
        LabelError
            Drawn rows without a label.
        ShapeError
            Other rows than the plan was made for.

        Notes
        -----
        Horvitz-Thompson totals by stratum, sum_h N_h mean_h(a) / sum_h N_h mean_h(b); the error is that of the
        linearised rows within strata (Cochran 1977, 5.3 and 6.11), and that of the rows themselves being a sample: the
        interval is for rows like these, as all intervals here are.
        """
        metric, at = metric or self.metric, self.threshold if at is None else at
        _refuse_dependent(scores)
        stratum = np.searchsorted(self.edges, scores.score, side="right")
        if tuple(np.bincount(stratum, minlength=len(self.sizes)).tolist()) != self.sizes:
            raise ShapeError("scores", f"{scores.n:,} rows", "the rows that the plan was made for, in the same order")
        truth = scores.counting[self.labelled]
        if not truth.all():
            row = int(self.labelled[int(np.argmin(truth))])
            raise LabelError(
                "y_true",
                f"{int((~truth).sum()):,} of {len(truth):,} drawn rows without a label, the first at row {row}",
                "a label for every drawn row",
                "leaving out rows that are hard to label would bias the figure",
            )
        drawn = scores.take(self.labelled)
        a, b = _cells(metric, _flagged(metric, drawn, at), drawn.is_positive.astype(float))
        member = stratum[self.labelled]
        taken = np.bincount(member, minlength=len(self.sizes))
        self._all_seen(metric, _flagged(metric, scores, at), stratum, taken)
        weight = np.array(self.sizes)[member] / taken[member]
        bottom = float(weight @ b)
        if bottom == 0:
            every = np.ones(drawn.n, dtype=bool)
            return _undefined(metric, drawn, every, at, confidence, "no labelled row counts for it")
        value = float(weight @ a) / bottom
        error, df = _stratified_error(a - value * b, member, np.array(self.sizes))
        counting = weight[b > 0]
        fallback = float(counting.sum() ** 2 / np.square(counting).sum())
        ingredients = EffectiveProportion(value, error / bottom, df, fallback, "stratified sample")
        return Estimate(metric, value, drawn.n, drawn.n_pos, ingredients, confidence, scores.role, at)

    def _all_seen(
        self, metric: Metric, flagged: NDArray[np.bool_], stratum: NDArray[np.int64], taken: NDArray[np.int64]
    ) -> None:
        """Refuse a metric that rests on rows of strata without labels."""
        could = sum(_cells(metric, flagged, np.full(flagged.size, truth))[1] for truth in (0.0, 1.0))
        unseen = (np.asarray(could) > 0) & (taken[stratum] == 0)
        if unseen.any():
            came = f"{metric.name}, which {int(unseen.sum()):,} rows in strata without labels may count for"
            raise InputError("metric", came, f"{self.metric.name}, which the plan was made for", "make a plan for it")

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "rows": self.rows.tolist(),
            "ids": None if self.ids is None else self.ids.tolist(),
            "labelled": self.labelled.tolist(),
            "probability": self.probability.tolist(),
            "edges": self.edges.tolist(),
            "sizes": list(self.sizes),
            "drawn": list(self.drawn),
            "metric": self.metric.name,
            "threshold": self.threshold,
        }

    def __repr__(self) -> str:
        more = len(self.labelled) - len(self.rows)
        before = f", {more:,} before" if more else ""
        used = sum(1 for n in self.drawn if n)
        head = f"LabelPlan(label {len(self.rows):,} rows for {self.metric.name}{before}; "
        return f"{head}{used} strata of {sum(self.sizes):,} rows)"


def label_next(
    scores: Scores,
    *,
    k: int = 200,
    at: float | None = None,
    metric: Metric,
    already: LabelPlan | None = None,
    strata: int = 10,
    seed: int = 0,
) -> LabelPlan:
    """Which rows to label so that a metric is known best.

    Rows are put into strata of similar probability, cut at the threshold, and drawn at random within each, more where
    the metric's rows are expected to differ more (Neyman allocation). Strata that cannot matter, such as rows that are
    not flagged for precision, get no label; all others get two at least.

    Parameters
    ----------
    scores : Scores
        Binary probabilities of all rows. Truth is not looked at.
    k : int
        Labels that can be afforded now; when fewer rows matter to the metric the plan has all of these.
    at : float
        Threshold of the decision.
    metric : Metric
        A proportion (accuracy, precision, recall, ...) or f1.
    already : LabelPlan, optional
        The plan before, when its rows have been labelled: draws are added to its own.
    strata : int
        How many to aim for; fewer when there are few labels.
    seed : int
        Seed of the draw.

    Returns
    -------
    LabelPlan
        ``plan.rows`` are to be labelled; ``plan.estimate(scores)`` reads the labels.

    Raises
    ------
    InputError
        Fewer labels than two for each stratum; weights or clusters.
    ScoreError
        Scores that are no probabilities.

    Examples
    --------
    >>> import numpy as np, cutline as cl
    >>> from cutline.evidence.few_labels import label_next
    >>> rng = np.random.default_rng(0)
    >>> p = rng.uniform(size=5000) ** 3
    >>> y = rng.uniform(size=5000) < p
    >>> rows = cl.Scores(y_score=p, classes=[False, True], positive=True, kind="probability")
    >>> plan = label_next(rows, k=200, at=0.5, metric=cl.recall)
    >>> plan
    LabelPlan(label 200 rows for recall; 10 strata of 5,000 rows)
    >>> answers = np.full(5000, None)
    >>> answers[plan.rows] = y[plan.rows]  # somebody labels them
    >>> plan.estimate(cl.Scores(y_true=answers, y_score=p, classes=rows.classes, kind="probability"))
    recall 0.6... (n=200, stratified sample, Wilson on effective n)
    """
    _refuse_dependent(scores)
    p = _probability(scores)
    flagged = _flagged(metric, scores, at)
    if already is None:
        edges = _edges(scores.score, at, p, max(1, min(strata, k // (2 * LEAST))))
        before = np.zeros(0, dtype=np.int64)
    else:
        edges, before = already.edges, already.labelled
    member = np.searchsorted(edges, scores.score, side="right")
    sizes = np.bincount(member, minlength=len(edges) + 1)
    if already is not None and tuple(sizes.tolist()) != already.sizes:
        raise ShapeError("already", f"a plan for {sum(already.sizes):,} other rows", "a plan for these rows")
    had = np.bincount(member[before], minlength=len(sizes))
    spread = _spread(metric, flagged, p, member, len(sizes))
    wanted = _allotted(int(k) + int(had.sum()), sizes, spread, had)
    more = wanted - had
    rows = _drawn(member, before, more, seed)
    labelled = np.sort(np.concatenate([before, rows]))
    return LabelPlan(
        _frozen(rows),
        None if scores.ids is None else _frozen(scores.ids[rows]),
        _frozen(labelled),
        _frozen((wanted / np.maximum(sizes, 1))[member[labelled]]),
        _frozen(edges),
        tuple(sizes.tolist()),
        tuple(wanted.tolist()),
        metric,
        at,
    )


def _edges(score: NDArray[Any], at: float | None, p: Array, strata: int) -> Array:
    """Scores where strata begin: each has about the same sum of sqrt(p (1 - p)), and none is cut by the threshold.

    Equal sums of size x spread are close to the best that can be had (Dalenius & Hodges 1959).
    """
    order = np.argsort(score, kind="stable")
    p = np.clip(p, DOUBT, 1 - DOUBT)[order]
    total = np.cumsum(np.sqrt(p * (1 - p)))
    inner = score[order][np.searchsorted(total, total[-1] * np.arange(1, strata) / strata)].astype(np.float64)
    if at is not None:
        if inner.size:
            inner = np.delete(inner, np.abs(inner - at).argmin())
        inner = np.append(inner, at)
    found = np.unique(inner)
    return found[(found > score.min()) & (found <= score.max())]


def _spread(metric: Metric, flagged: NDArray[np.bool_], p: Array, member: NDArray[np.int64], k: int) -> Array:
    """Standard deviation of the linearised rows that the probabilities expect in each stratum; 0 where none matters."""
    p = np.clip(p, DOUBT, 1 - DOUBT)
    a, b = _cells(metric, flagged, p)
    theta = float(a.sum() / b.sum()) if b.sum() > 0 else 0.5
    ones, zeros = (
        np.subtract(a, theta * b) for a, b in (_cells(metric, flagged, np.full(p.size, y)) for y in (1.0, 0.0))
    )
    mean = p * ones + (1 - p) * zeros
    square = p * np.square(ones) + (1 - p) * np.square(zeros)
    n = np.maximum(np.bincount(member, minlength=k), 1)
    first = np.bincount(member, weights=mean, minlength=k) / n
    second = np.bincount(member, weights=square, minlength=k) / n
    return np.sqrt(np.maximum(second - np.square(first), 0.0))


def _allotted(total: int, sizes: NDArray[np.int64], spread: Array, had: NDArray[np.int64]) -> NDArray[np.int64]:
    """Labels of each stratum: in proportion to size x spread, at least `LEAST`, what it had, at most all rows."""
    weight = sizes * spread
    matters = weight > 0
    if not matters.any():
        raise InputError("metric", "rows that cannot tell anything about it", "a threshold that some rows reach")
    low = np.where(matters, np.maximum(np.minimum(LEAST, sizes), had), had)
    high = np.where(matters, sizes, had)
    if low.sum() > total:
        wanted = f"at least {int((low - had).sum()):,}: {LEAST} a stratum"
        raise InputError("k", f"{total - int(had.sum()):,} labels", wanted, "take fewer strata")
    total = min(total, int(high.sum()))
    # Between its limits each stratum follows its weight: find the scale at which they add up.
    bottom, top = 0.0, float((high[matters] / weight[matters]).max())
    for _ in range(200):
        scale = (bottom + top) / 2
        short = np.clip(scale * weight, low, high).sum() < total
        bottom, top = (scale, top) if short else (bottom, scale)
    exact = np.clip(top * weight, low, high)
    out = np.floor(exact + 1e-9).astype(np.int64)
    # What rounding left over goes to the largest remainders.
    order = np.argsort(-(exact - out) + (out >= high) * 2.0, kind="stable")
    out[order[: total - int(out.sum())]] += 1
    return out


def _drawn(
    member: NDArray[np.int64], before: NDArray[np.int64], more: NDArray[np.int64], seed: int
) -> NDArray[np.int64]:
    """`more` rows of each stratum that were not drawn before, at random, ascending."""
    order = np.random.default_rng(seed).permutation(member.size)
    free = np.ones(member.size, dtype=bool)
    free[before] = False
    order = order[free[order]]
    order = order[np.argsort(member[order], kind="stable")]
    start = np.searchsorted(member[order], np.arange(len(more)))
    place = np.arange(order.size) - start[member[order]]
    return np.sort(order[place < more[member[order]]]).astype(np.int64)


def _stratified_error(psi: Array, member: NDArray[np.int64], sizes: NDArray[np.int64]) -> tuple[float, float]:
    """Standard error of sum_h N_h mean_h(psi), and its degrees of freedom (Satterthwaite 1946).

    The first part is that of not having labelled all rows, the second that of these rows for all there could be.
    """
    k = len(sizes)
    n = np.bincount(member, minlength=k)
    mean = np.bincount(member, weights=psi, minlength=k) / np.maximum(n, 1)
    squares = np.bincount(member, weights=np.square(psi - mean[member]), minlength=k) / np.maximum(n - 1, 1)
    share = np.where(n > 0, sizes * (sizes - n) * squares / np.maximum(n, 1), 0.0)
    rows = float((sizes[member] / n[member]) @ np.square(psi))
    total, free = float(share.sum()) + rows, int(n.sum() - np.count_nonzero(n))
    if total == 0 or not free:
        return 0.0, free
    return math.sqrt(total), total**2 / float((np.square(share) / np.maximum(n - 1, 1)).sum() + rows**2 / free)


def _cells(metric: Metric, flagged: NDArray[np.bool_], p: Array) -> tuple[Array, Array]:
    """Numerator and denominator of a metric for each row, where p is the (probability of) positive truth."""
    hit = flagged.astype(np.float64)
    counts = Counts(hit * p, hit * (1 - p), (1 - hit) * p, (1 - hit) * (1 - p))
    top, bottom = _ratio(metric)(counts)
    return np.asarray(top, np.float64), np.asarray(bottom, np.float64)


def _ratio(metric: Metric) -> Callable[[Counts], tuple[Any, Any]]:
    if metric.name == "f1":
        return lambda c: (2 * c.tp, 2 * c.tp + c.fp + c.fn)
    if metric.proportion is None:
        wanted = "a ratio of counts, such as accuracy, precision, recall, f1"
        raise InputError("metric", metric.name, wanted)
    return metric.proportion


def _flagged(metric: Metric, scores: Scores, at: float | None) -> NDArray[np.bool_]:
    _ratio(metric)
    if at is None:
        if metric.name == "prevalence":
            return np.zeros(scores.n, dtype=bool)
        raise InputError("at", "no threshold", f"the threshold that {metric.name} is asked for", "for example at=0.5")
    if math.isnan(at):
        raise InputError("at", "nan", "a threshold to compare scores with")
    return np.asarray(scores.score.astype(np.float64) >= at)


def _tuned(y: Array, f: Array, u: Array) -> float:
    """The lambda of the smallest error, in [0, 1]; 0 where predictions do not vary."""
    spread = float(np.var(np.concatenate([f, u]), ddof=1))
    if y.size < 2 or spread == 0:
        return 0.0
    together = float(((y - y.mean()) * (f - f.mean())).mean())
    return min(max(together / ((1 + y.size / u.size) * spread), 0.0), 1.0)


def _finite_lam(lam: object) -> None:
    if not isinstance(lam, int | float | np.number) or not math.isfinite(float(lam)):
        raise InputError("lam", repr(lam), "a finite number, such as 1")


def _powered_error(y: Array, f: Array, u: Array, lam: float, kind: str) -> float:
    lost = 1 if kind == "t" else 0
    if y.size <= lost or (lam and u.size <= lost):
        return math.nan
    others = lam * lam * float(u.var(ddof=lost)) / u.size if lam else 0.0
    return math.sqrt(others + float((y - lam * f).var(ddof=lost)) / y.size)


def _undefined(
    metric: Metric, scores: Scores, known: NDArray[np.bool_], at: float | None, confidence: float, note: str
) -> Estimate:
    n_pos = int(scores.is_positive[known].sum())
    return Estimate(metric, math.nan, int(known.sum()), n_pos, None, confidence, scores.role, at, note)


def _probability(scores: Scores) -> Array:
    if not scores.binary:
        raise LabelError("scores", repr(scores.classes), "a binary problem", "use one_vs_rest(name)")
    return scores.probability


def _refuse_dependent(scores: Scores) -> None:
    for name, what in (("weight", "weighted rows"), ("groups", "rows in clusters")):
        if getattr(scores, name) is not None:
            raise InputError(name, what, "independent rows that count alike")


def _numbers(name: str, values: Any) -> Array:
    found = np.asarray(values, dtype=np.float64)
    if found.ndim != 1:
        raise ShapeError(name, f"shape {found.shape}", "one number a row, shape (n,)")
    if not np.isfinite(found).all():
        raise InputError(name, f"{int((~np.isfinite(found)).sum())} value(s) that are not finite", "finite numbers")
    return found


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _frozen(values: NDArray[Any]) -> NDArray[Any]:
    values = np.array(values)
    values.setflags(write=False)
    return values
