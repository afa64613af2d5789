"""Several classes: expected cost, and weights of classes found by coordinate ascent over the confusion matrix."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline import core
from cutline.decision.certify import verified
from cutline.decision.costs import Cost, CostMatrix
from cutline.decision.point import AimRow, ConstraintRow, Grade, OperatingPoint
from cutline.decision.policy import Policy
from cutline.decision.rules import LeastCost, Offsets, Rule, log_probability
from cutline.errors import Infeasible, InputError, LabelError, NotCertifiable, ScoreError
from cutline.evidence import stratified_folds
from cutline.labels import Classes
from cutline.metrics import Constraint, Counts, Metric, confusion_matrix, from_matrix
from cutline.metrics.counts import class_counts
from cutline.scores import Scores

FOLDS = 5
SAMPLE = 25_000
"""Rows on which weights are found before all rows polish them."""
CROSSED = 200_000
"""Rows that are cross-fitted at most: with so many there is next to no optimism left to see."""
MARGINS = (8.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0, 0.0)
"""Standard errors by which bounds are tightened, in the order in which certify rows test the rules they give."""
CELLS = 4_000_000

Matrices = NDArray[Any]


@dataclass(frozen=True, slots=True)
class NearestMatrix:
    """The attainable rule nearest to satisfying the constraints: weights of the classes and the metrics there."""

    offsets: tuple[float, ...]
    values: dict[str, float]

    def __str__(self) -> str:
        return ", ".join(f"{name} {value:.4g}" for name, value in self.values.items())

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {"offsets": list(self.offsets), "values": self.values}


def choose_several(policy: Policy, known: Scores, held: Scores | None, seed: int) -> OperatingPoint:
    """See `Policy.choose`, for three classes or more."""
    if known.kind not in ("probability", "logit"):
        raise ScoreError("scores", f"kind {known.kind!r}", "probabilities or logits, to weigh classes")
    if isinstance(policy.aim, Cost) or policy.prevalence is not None or policy.ties:
        what = "fp= and fn=" if isinstance(policy.aim, Cost) else "a capacity" if policy.ties else "a prevalence"
        raise LabelError(
            "policy", f"{what} with {known.classes.k} classes", "cost(matrix=...), or a binary problem",
            "scores.one_vs_rest(name) gives the binary view of one class",
        )  # fmt: skip
    if isinstance(policy.aim, Metric) and policy.aim.of_matrix is None:
        raise InputError(
            "metric", f"{policy.aim.name} with {known.classes.k} classes", "a metric of the confusion matrix",
            f"macro({policy.aim.name}), or scores.one_vs_rest(name) for one class",
        )  # fmt: skip
    if isinstance(policy.aim, Metric):
        policy.aim.check(known)
    for c in policy.subject_to:
        _position(c, known.classes)
    if policy.confidence is not None:
        return _guaranteed(policy, known, held, seed)
    return _plug_in(policy, known, seed)


def _plug_in(policy: Policy, known: Scores, seed: int) -> OperatingPoint:
    notes: list[str] = []
    question = _Question(policy, known.classes)
    found = weights_of(question, known)
    matrix = confusion_matrix(known, found.codes(known))
    rule: Rule = found
    seen = known.fingerprint
    if isinstance(policy.aim, CostMatrix) and not policy.subject_to:
        rule = LeastCost(policy.aim)
        bayes = question.loss(confusion_matrix(known, LeastCost(replace(policy.aim, abstain=None)).codes(known)))
        notes.append(
            f"least expected cost assumes calibrated probabilities; weighing the classes anew would be cheaper by "
            f"{float(bayes - question.loss(matrix)):.3g} a row on these rows"
        )
        said = rule.codes(known)
        if policy.aim.abstain is not None:
            notes.append(f"on these rows {100 * float(np.mean(said < 0)):.3g} % are left undecided")
        keep = said >= 0
        matrix = confusion_matrix(known.take(keep), said[keep]) if keep.any() else matrix * 0
        return OperatingPoint(
            rule, policy, "plug-in", known.classes, known.kind, aim=question.aim(matrix), notes=tuple(notes)
        )
    if not question.holds(matrix):
        raise _infeasible(question, found, matrix, known.n)
    crossed = _cross_fit(question, known, seed)
    rows = tuple(question.row(c, matrix, crossed) for c in policy.subject_to)
    grade: Grade = (
        "cross-fitted" if crossed is not None and rows and all(r.cross_fitted_holds for r in rows) else "plug-in"
    )
    aim = question.aim(matrix, crossed)
    return OperatingPoint(rule, policy, grade, known.classes, known.kind, rows, aim, None, seen, notes=tuple(notes))


def _guaranteed(policy: Policy, known: Scores, held: Scores | None, seed: int) -> OperatingPoint:
    from cutline.decision.choose import check_roles, check_untouched

    notes: list[str] = []
    if held is None:
        check_untouched(known)
        assert known.truth is not None
        fold = stratified_folds(known.truth, 2, seed, known.groups)
        known, held = known.take(fold == 0), known.take(fold == 1)
        notes.append(f"{held.n:,} rows were set apart by seed {seed} to certify; {known.n:,} rows chose the rule")
    else:
        held = held.known()
        check_roles(known, held)
    for what, given in (("weight", held.weight), ("certify", held.groups)):
        if given is not None:
            came = "weighted rows for a guarantee" if what == "weight" else "rows in clusters (groups=)"
            raise InputError(what, came, "independent rows without weights for an exact test")
    assert policy.confidence is not None
    question = _Question(policy, known.classes)
    plain = weights_of(question, known)
    base = confusion_matrix(known, plain.codes(known))
    best: tuple[float, Offsets, Matrices] | None = None
    first: Matrices | None = None
    for margin in MARGINS:  # from the safest rule to the best: a fixed sequence, stopped by the first that fails
        tight = question.tightened(margin, base, held.n / known.n)
        rule = weights_of(tight, known, start=plain.offsets)
        if margin and float(tight.short(confusion_matrix(known, rule.codes(known)))) > 0:
            continue  # the tuning rows know already that this much room there is not
        seen = confusion_matrix(held, rule.codes(held))
        first = confusion_matrix(known, rule.codes(known)) if first is None else first
        if not all(question.row(c, base, None, seen).certified for c in policy.subject_to):
            break
        value = float(question.loss(confusion_matrix(known, rule.codes(known))))
        if best is None or value < best[0]:
            best = value, rule, seen
    if best is None:
        if not question.holds(base):
            raise _infeasible(question, plain, base, known.n)
        raise _not_certifiable(question, plain, base, first, held.n)
    _, rule, seen = best
    matrix = confusion_matrix(known, rule.codes(known))
    rows = tuple(question.row(c, matrix, None, seen) for c in policy.subject_to)
    aim = question.aim(matrix, None, seen)
    return OperatingPoint(
        rule,
        policy,
        "guaranteed",
        known.classes,
        known.kind,
        rows,
        aim,
        None,
        known.fingerprint,
        held.fingerprint,
        tuple(notes),
    )


@dataclass(frozen=True, slots=True)
class _Question:
    """A policy in terms of confusion matrices of shape (..., k, k)."""

    policy: Policy
    classes: Classes
    bounds: tuple[float, ...] | None = None
    """Tightened bounds in place of those of the constraints."""

    def loss(self, matrix: Matrices) -> Any:
        """What is minimised; inf where it is undefined."""
        aim = self.policy.aim
        with np.errstate(divide="ignore", invalid="ignore"):
            if isinstance(aim, CostMatrix):
                value = (matrix * aim.of_classes(self.classes.k)).sum(axis=(-2, -1)) / matrix.sum(axis=(-2, -1))
            else:
                assert isinstance(aim, Metric)
                value = aim.value(matrix) * (-1.0 if aim.maximize else 1.0)
        return np.where(np.isnan(value), np.inf, value)

    def value(self, constraint: Constraint, matrix: Matrices) -> Any:
        """The constrained metric."""
        k = _position(constraint, self.classes)
        if k is None:
            return constraint.metric.value(matrix)
        each = class_counts(matrix)
        return constraint.metric.value(Counts(*(getattr(each, name)[..., k] for name in ("tp", "fp", "fn", "tn"))))

    def short(self, matrix: Matrices) -> Any:
        """By how much the constraints are missed, summed; 0 where all hold."""
        total = np.zeros(matrix.shape[:-2])
        for i, c in enumerate(self.policy.subject_to):
            bound = c.bound if self.bounds is None else self.bounds[i]
            value = np.asarray(self.value(c, matrix))
            gap = np.maximum(bound - value, 0) if c.op == ">=" else np.maximum(value - bound, 0)
            total = total + np.where(np.isnan(gap), 1.0, gap)
        return total

    def holds(self, matrix: Matrices) -> bool:
        """True when every constraint holds."""
        return all(bool(c.holds(self.value(c, matrix))) for c in self.policy.subject_to)

    def tightened(self, margin: float, matrix: Matrices, ratio: float) -> _Question:
        """The same with bounds moved inwards by standard errors at `ratio` times the rows of `matrix`."""
        bounds = []
        for c in self.policy.subject_to:
            k = _position(c, self.classes)
            assert c.metric.proportion is not None
            counts = from_matrix(matrix, 0) if k is None else from_matrix(matrix, k)
            n = float(matrix.sum()) if k is None else float(c.metric.proportion(counts)[1])
            step = margin * math.sqrt(c.bound * (1 - c.bound) / max(n * ratio, 1.0))
            low, high = c.metric.range
            bounds.append(min(c.bound + step, high) if c.op == ">=" else max(c.bound - step, low))
        return replace(self, bounds=tuple(bounds))

    def row(
        self, constraint: Constraint, chosen: Matrices, crossed: Matrices | None, held: Matrices | None = None
    ) -> ConstraintRow:
        """How one constraint stands."""
        row = ConstraintRow(
            constraint,
            float(self.value(constraint, chosen)),
            None if crossed is None else float(self.value(constraint, crossed)),
        )
        if held is None:
            return row
        assert self.policy.confidence is not None
        k = _position(constraint, self.classes)
        if k is None:  # of all rows: right or wrong
            right, total = int(np.trace(held)), int(held.sum())
            return verified(row, Counts(right, 0, total - right, 0), self.policy.confidence)
        return verified(row, from_matrix(held, k), self.policy.confidence)

    def aim(self, chosen: Matrices, crossed: Matrices | None = None, held: Matrices | None = None) -> AimRow:
        """What the aim comes to."""
        aim = self.policy.aim
        sign = -1.0 if isinstance(aim, Metric) and aim.maximize else 1.0
        found = [None if m is None else float(self.loss(m)) * sign for m in (chosen, crossed, held)]
        name = aim.name if isinstance(aim, Metric) else str(aim)
        return AimRow(name, *(v if v is not None and math.isfinite(v) else None for v in found))


def weights_of(question: _Question, known: Scores, start: tuple[float, ...] | None = None) -> Offsets:
    """Offsets of the classes that are best on these rows, by coordinate ascent: constraints first, then the aim.

    One class at a time, its offset takes every value of a grid at once: rows move from the class they would have
    without it, so one histogram of how much each row lacks gives the confusion matrix at each value. A sample of rows
    finds the neighbourhood, from equal weights and from weights of 1 / frequency; all rows polish it.
    """
    assert known.truth is not None
    k = known.classes.k
    share = np.bincount(known.truth, weights=known.weight, minlength=k) + 1.0
    starts = [np.zeros(k), -np.log(share / share.sum())] if start is None else [np.array(start), np.zeros(k)]
    rows = np.random.default_rng(0).permutation(known.n)[:SAMPLE] if known.n > SAMPLE else np.arange(known.n)
    some = _Rows.of(known.take(rows)) if known.n > SAMPLE else _Rows.of(known)
    found = min((_ascend(question, some, at - at.mean(), 12.0) for at in starts), key=lambda pair: pair[1])
    if known.n > SAMPLE:
        found = _ascend(question, _Rows.of(known), found[0], 0.2, 3)
    return Offsets(tuple((found[0] - found[0].mean()).tolist()))


@dataclass(frozen=True, slots=True)
class _Rows:
    z: NDArray[np.float64]
    truth: NDArray[np.int64]
    weight: NDArray[np.float64] | None

    @classmethod
    def of(cls, known: Scores) -> _Rows:
        assert known.truth is not None
        return cls(log_probability(known), known.truth.astype(np.int64), known.weight)

    def matrix(self, offsets: NDArray[np.float64]) -> Matrices:
        k = self.z.shape[1]
        cell = self.truth * k + core.argmax_rows(self.z + offsets)
        return np.bincount(cell, weights=self.weight, minlength=k * k).reshape(k, k)


def _ascend(
    question: _Question, rows: _Rows, offsets: NDArray[np.float64], reach: float, sweeps: int = 30
) -> tuple[NDArray[np.float64], tuple[float, float]]:
    """Offsets no single change improves on a grid that narrows from `reach`, with (shortfall, loss) there."""

    def merit(matrix: Matrices) -> Callable[[], tuple[Any, Any]]:
        return lambda: (question.short(matrix), question.loss(matrix))

    k = rows.z.shape[1]
    now = tuple(float(v) for v in merit(rows.matrix(offsets))())
    for _ in range(sweeps):
        before = now
        for j in range(k):
            grid, matrices = _along(rows, offsets, j, reach)
            short, loss = merit(matrices)()
            fine = np.flatnonzero(short == short.min())
            best = fine[np.asarray(loss)[fine] == np.min(np.asarray(loss)[fine])]
            i = int(best[len(best) // 2])  # the middle of equally good ones: the least at the mercy of single rows
            if (float(short[i]), float(loss[i])) < now:
                offsets = offsets.copy()
                offsets[j] = grid[i]
                now = float(short[i]), float(loss[i])
        gained = before[0] - now[0] + (before[1] - now[1] if math.isfinite(before[1]) else 1.0)
        if reach <= 0.25 and not gained > 1e-5:
            break
        reach = max(reach / 2, 0.1)
    return offsets, now  # type: ignore[return-value]


def _along(rows: _Rows, offsets: NDArray[np.float64], j: int, reach: float) -> tuple[NDArray[np.float64], Matrices]:
    """Values for the offset of class j, and the confusion matrix at each: shapes (b,) and (b, k, k)."""
    k = rows.z.shape[1]
    bins = int(np.clip(CELLS // (k * k), 16, 400))
    z = rows.z + offsets
    z[:, j] = -np.inf
    rival = core.argmax_rows(z)
    lacks = z[np.arange(len(z)), rival] - rows.z[:, j]  # class j wins where its offset is larger
    grid = offsets[j] + np.linspace(-reach, reach, bins)
    place = np.ceil((lacks - grid[0]) * ((bins - 1) / (2 * reach)) + 1e-9).clip(0, bins).astype(np.int64)
    cell = (place * k + rows.truth) * k + rival
    found = np.bincount(cell, weights=rows.weight, minlength=(bins + 1) * k * k).reshape(bins + 1, k, k)
    won = np.cumsum(found, axis=0)[:-1]  # rows whose lack is below each value of the grid
    matrices = found.sum(axis=0) - won
    matrices[:, :, j] += won.sum(axis=2)
    return grid, matrices


def _cross_fit(question: _Question, known: Scores, seed: int) -> Matrices | None:
    """The confusion matrix pooled over folds, each decided by weights that the others chose; of `CROSSED` rows."""
    if known.n > CROSSED:
        known = known.take(np.random.default_rng(seed).permutation(known.n)[:CROSSED])
    assert known.truth is not None
    present = np.bincount(known.truth)
    if present[present > 0].min() < FOLDS:
        return None
    fold = stratified_folds(known.truth, FOLDS, seed, known.groups)
    start = weights_of(question, known).offsets
    total = np.zeros((known.classes.k, known.classes.k))
    for i in range(FOLDS):
        rule = weights_of(question, known.take(fold != i), start)
        part = known.take(fold == i)
        total = total + confusion_matrix(part, rule.codes(part))
    return total


def _position(constraint: Constraint, classes: Classes) -> int | None:
    """The class a constraint is about; None for all together."""
    if constraint.of_class is None:
        if constraint.metric.of_matrix is None:
            raise InputError(
                "subject_to",
                f"{constraint} with {classes.k} classes",
                "the class it is about",
                f"({constraint}).of({classes.names[0]!r})",
            )
        return None
    for k, name in enumerate(classes.names):
        if name == constraint.of_class or str(name) == str(constraint.of_class):
            return k
    raise LabelError(
        "subject_to", f"{constraint}: {constraint.of_class!r}", f"one of the classes {list(classes.names)[:12]}"
    )


def _infeasible(question: _Question, rule: Offsets, matrix: Matrices, n: int) -> Infeasible:
    nearest = _nearest(question, rule, matrix)
    error = Infeasible(
        "subject_to",
        f"{' and '.join(map(str, question.policy.subject_to))} on {n:,} rows",
        "constraints that some weights of the classes satisfy",
        f"the nearest is {nearest}",
    )
    error.nearest = nearest
    return error


def _nearest(question: _Question, rule: Offsets, matrix: Matrices) -> NearestMatrix:
    values = {str(c).split(" ")[0]: float(question.value(c, matrix)) for c in question.policy.subject_to}
    return NearestMatrix(rule.offsets, values)


def _not_certifiable(
    question: _Question, rule: Offsets, matrix: Matrices, safest: Matrices | None, n: int
) -> NotCertifiable:
    from cutline.decision.certify import rows_in_proportion

    policy = question.policy
    needed: list[int | None] = []
    for c in policy.subject_to:
        k = _position(c, question.classes)
        seen = matrix if safest is None else safest
        right = int(np.trace(seen))
        counts = Counts(right, 0, int(seen.sum()) - right, 0) if k is None else from_matrix(seen, k)
        needed.append(rows_in_proportion(c, counts, policy.confidence or 0.95))
    most = None if None in needed else max(v for v in needed if v is not None)
    wanted = f"about {most:,} certify rows" if most else "scores that separate the classes better"
    error = NotCertifiable(
        "confidence",
        f"{n:,} certify rows",
        f"{wanted} to certify {' and '.join(map(str, policy.subject_to))} "
        f"with {100 * (policy.confidence or 0):g} % confidence",
    )
    error.n_needed, error.nearest = most, _nearest(question, rule, matrix)
    return error
