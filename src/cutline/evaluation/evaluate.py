"""`evaluate`: metrics and evidence of one set of scores, as one frozen result."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline import core
from cutline.calibration import Bin, reliability
from cutline.checks import Case, Findings, run
from cutline.checks.reported import USUAL_CUT
from cutline.decision import OperatingPoint
from cutline.errors import InputError, ScoreError
from cutline.evaluation.by_slice import SliceReport, by_slice
from cutline.evidence import Estimate, count_ingredients, estimate, z_of
from cutline.evidence.auc import delong_of
from cutline.evidence.estimate import estimated, of_macro_auc, of_matrix
from cutline.evidence.figures import clusters_of
from cutline.labels import Classes, Label, Shown
from cutline.metrics import (
    METRICS,
    Counts,
    Metric,
    ThresholdTable,
    accuracy,
    balanced_accuracy,
    brier,
    checked_decision,
    confusion_matrix,
    coverage,
    decided,
    f1,
    find,
    from_matrix,
    log_loss,
    macro,
    mcc,
    precision,
    recall,
    roc_auc,
)
from cutline.metrics.counts import class_counts
from cutline.metrics.ordinal import mae, off_by_one_accuracy, quadratic_kappa, ranked_probability_score
from cutline.metrics.pairwise import ClassOrder, class_order, hand_till, pairs_mean
from cutline.scores import Kind, Role, Scores

HISTOGRAM_BINS = 40
NONE_FOUND = Findings()
AT_A_CUT = (
    "accuracy",
    "balanced_accuracy",
    "precision",
    "recall",
    "specificity",
    "npv",
    "fpr",
    "fnr",
    "f1",
    "mcc",
    "flagged_rate",
)
RANKING = ("roc_auc", "average_precision")
PROBABILITY = ("log_loss", "brier", "prediction_bias")


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """Rows of each class by score: bin i spans ``edges[i]`` to ``edges[i + 1]``."""

    edges: NDArray[np.float64]
    positives: NDArray[np.int64]
    negatives: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ClassReport:
    """One class against the rest: its rows and its precision, recall, F1 and ROC AUC."""

    name: Label
    support: int
    estimates: tuple[Estimate, ...]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Evaluation(Shown):
    """All figures of one set of scores at one decision rule.

    Attributes
    ----------
    classes : Classes
    n, missing, n_pos : int
        Rows that count, rows left out for lack of a label, positive rows (-1 for several classes).
    kind, role : str
        What the scores are and what the rows were used for.
    weighted : bool
    fingerprint : str
        Digest of the rows.
    confidence : float
        Level of all intervals.
    estimates : tuple of Estimate
        In reading order.
    table : ThresholdTable or None
        Binary: counts at every threshold.
    threshold : float or None
        Binary: positive iff score >= threshold.
    point : OperatingPoint or None
        Where the threshold comes from, if from a policy.
    confusion : ndarray, shape (k, k), or None
        Truth in rows, decisions in columns; sums of weights when weighted. None when nothing is decided.
    reliability : tuple of Bin or None
        Binary probabilities: observed frequency by predicted probability.
    histogram : Histogram or None
        Binary: rows of each class by score.
    per_class : tuple of ClassReport
        Several classes: each against the rest.
    notes : tuple of str
        Guesses and what the figures do not say.
    rows_of : Scores or None
        Several classes, or predicted labels: the rows that count, for what is looked at one class at a time (`views`).
    decision : ndarray of int, shape (n,), or None
        The code that each of these rows was decided for.
    slices : tuple of SliceReport
        Scores that carry partitions: the figures of every slice at the same decision.
    clustered : bool
        True when rows come in clusters: intervals of counts taken for independent would be too short.
    findings : Findings
        Traps that these rows, or what was asked of them, have fallen into.
    """

    classes: Classes
    n: int
    missing: int
    n_pos: int
    kind: Kind
    role: Role
    weighted: bool
    fingerprint: str
    confidence: float
    estimates: tuple[Estimate, ...]
    table: ThresholdTable | None
    threshold: float | None
    point: OperatingPoint | None
    confusion: NDArray[Any] | None
    reliability: tuple[Bin, ...] | None
    histogram: Histogram | None
    per_class: tuple[ClassReport, ...]
    notes: tuple[str, ...]
    rows_of: Scores | None = None
    decision: NDArray[Any] | None = None
    slices: tuple[SliceReport, ...] = ()
    clustered: bool = False
    findings: Findings = NONE_FOUND

    @property
    def binary(self) -> bool:
        """True for two classes with a positive one."""
        return self.classes.binary

    @property
    def counts(self) -> Counts | None:
        """Binary: counts at the decision; None for several classes, and when nothing is decided."""
        if not self.binary or self.confusion is None:
            return None
        return from_matrix(self.confusion, self.classes.index(self.classes.positive))

    def __getitem__(self, metric: str | Metric) -> Estimate:
        """The estimate of a metric, by name or synonym."""
        name = metric.name if isinstance(metric, Metric) else find(metric).name
        for found in self.estimates:
            if found.metric.name == name:
                return found
        raise InputError("metric", name, f"one of {', '.join(e.metric.name for e in self.estimates)}")

    def with_note(self, note: str) -> Evaluation:
        """The same with one more note."""
        return replace(self, notes=(*self.notes, note))

    def widened(self, by: float) -> Evaluation:
        """The same with intervals so many times as wide: those of rows that are not independent of each other."""

        def wide(estimates: tuple[Estimate, ...]) -> tuple[Estimate, ...]:
            return tuple(replace(each, widened=by) for each in estimates)

        per_class = tuple(replace(each, estimates=wide(each.estimates)) for each in self.per_class)
        return replace(self, estimates=wide(self.estimates), per_class=per_class)

    def without_findings(self) -> Evaluation:
        """The same, silent about traps."""
        return replace(self, findings=NONE_FOUND)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON (nan and infinities as None), with a ``schema_version``."""
        counts = self.counts
        return {
            "schema_version": 1,
            "classes": self.classes.to_dict(),
            "n": self.n,
            "missing": self.missing,
            "n_pos": self.n_pos if self.binary else None,
            "kind": self.kind,
            "role": self.role,
            "weighted": self.weighted,
            "fingerprint": self.fingerprint,
            "confidence": self.confidence,
            "threshold": self.threshold,
            "estimates": [e.to_dict() for e in self.estimates],
            "counts": None if counts is None else counts.to_dict(),
            "confusion": None if self.confusion is None else self.confusion.tolist(),
            "reliability": None if self.reliability is None else [b.to_dict() for b in self.reliability],
            "per_class": [
                {"name": c.name, "support": c.support, "estimates": [e.to_dict() for e in c.estimates]}
                for c in self.per_class
            ],
            "slices": [
                {
                    "partition": s.partition,
                    "slice": s.name,
                    "n": s.n,
                    "n_pos": s.n_pos if self.binary else None,
                    "reason": s.reason,
                    "estimates": [e.to_dict() for e in s.estimates],
                }
                for s in self.slices
            ],
            "point": None if self.point is None else self.point.to_dict(),
            "notes": list(self.notes),
            "findings": [found.to_dict() for found in self.findings],
        }

    def rows(self) -> dict[str, list[Any]]:
        """The estimates as columns: metric, value, low, high, n, method, state, role."""
        found = self.estimates
        limits = [e.interval() for e in found]
        return {
            "metric": [e.metric.name for e in found],
            "value": [e.value for e in found],
            "low": [low for low, _ in limits],
            "high": [high for _, high in limits],
            "n": [e.n for e in found],
            "method": [e.method for e in found],
            "state": [e.state for e in found],
            "role": [e.role for e in found],
        }

    def to_frame(self) -> Any:
        """`rows` as a pyarrow Table; ``.to_pandas()`` or ``polars.from_arrow`` make it yours."""
        import pyarrow as pa

        return pa.table(self.rows())

    def __repr__(self) -> str:
        who = f"{self.n_pos:,} {self.classes.positive!r}" if self.binary else f"{self.classes.k} classes"
        head = f"Evaluation of {self.n:,} rows ({who}), {self.kind}{f', {self.role}' if self.role else ''}"
        if self.threshold is not None:
            head += f", decided at >= {self.threshold:.4g}"
        lines = [head]
        for e in self.estimates:
            low, high = e.interval()
            inside = "" if math.isnan(low) else f"[{low:.4f}, {high:.4f}]"
            state = "" if e.state == "ok" else f"  ({e.state})"
            lines.append(f"  {e.metric.label:<28}{e.value:>8.4f}  {inside:<18}  {e.method}{state}")
        said = [*(found.sentence for found in self.findings), *(f"note: {note}" for note in self.notes)]
        return "\n".join([*lines, *(f"  {line}" for line in said)])


def evaluate(
    scores: Scores,
    point: OperatingPoint | None = None,
    *,
    threshold: float | None = None,
    decision: NDArray[Any] | None = None,
    metrics: Sequence[Metric | str] | None = None,
    confidence: float = 0.95,
    checks: bool = True,
    ignore: Collection[str] = (),
    seed: int = 0,
) -> Evaluation:
    """Every figure of a set of scores, each with its interval.

    Parameters
    ----------
    scores : Scores
        Truth and scores.
    point : OperatingPoint, optional
        The decision rule. Without it several classes are decided for the most probable, and two at `threshold`.
    threshold : float, optional
        In place of `point`; 0.5 for probabilities and 0 for logits when neither is given. A ranking score without
        either is evaluated without a decision.
    decision : ndarray of int, shape (n,), optional
        Codes of classes decided elsewhere, row by row, in place of `threshold` or of what `point` decides.
    metrics : sequence of Metric or str, optional
        Which figures, in this order, in place of the usual ones.
    confidence : float
        Level of all intervals, two-sided.
    checks : bool
        Look for the traps that `check` knows, as far as these rows show them: `findings` has what was found.
    ignore : collection of str
        Codes of traps to leave out, such as "CT06".
    seed : int
        Seed of methods that draw.

    Examples
    --------
    >>> import cutline as cl
    >>> s = cl.Scores(y_true=[0, 0, 0, 1, 1, 1], y_score=[0.1, 0.3, 0.6, 0.4, 0.8, 0.9], kind="probability")
    >>> cl.evaluate(s)["recall"]
    recall 0.6667 [0.2077, 0.9385] (n=6, Wilson)
    """
    if point is not None and threshold is not None:
        raise InputError("threshold", "a point and a threshold", "one of them", "the point has its own threshold")
    if threshold is not None and not scores.binary:
        raise InputError(
            "threshold",
            f"a threshold with {scores.classes.k} classes",
            "none: the most probable class is decided",
            "scores.one_vs_rest(name) gives the binary view of one class",
        )
    if threshold is not None and not math.isfinite(threshold):
        raise InputError("threshold", repr(threshold), "a finite number")
    z_of(confidence)  # checks the level before anything is computed
    chosen = None if metrics is None else [find(m) if isinstance(m, str) else m for m in metrics]
    notes = list(scores.notes)
    missing, elsewhere, wanted = scores.n_missing, decision is not None, threshold
    if scores.weight is not None and (unweighted := int((scores.weight == 0).sum())):
        notes.append(f"{unweighted:,} of {scores.n:,} rows have weight 0 and do not count")
    if scores.groups is not None:
        notes.append("rows come in clusters (groups=): intervals that take rows for independent are not given")
    if missing:
        notes.append(f"{missing:,} of {scores.n:,} rows have no label and do not count")
    if point is not None:
        point.check(scores)
        threshold = point.threshold
        if threshold is None and decision is None:
            decision = point.codes(scores)
    if decision is not None and point is not None and (np.asarray(decision) < 0).any():
        return _of_decided(scores, point, decision, chosen, confidence, (checks, ignore), seed)
    if decision is not None:
        decision = checked_decision(scores, decision)[scores.counting]
    known = scores.known()
    if decision is None and known.binary and known.kind != "label" and threshold is None:
        threshold = USUAL_CUT.get(known.kind)
        said = "no threshold was given: " + (
            "0.5 of the probability" if threshold is not None else "nothing is decided"
        )
        notes.append(said)
    if known.binary:
        found = _binary(known, point, threshold, decision, chosen, confidence, seed, missing, notes)
    else:
        found = _several(known, point, decision, chosen, confidence, seed, missing, notes)
    if not checks:
        return found
    asked = _asked(found, point, wanted, decision if elsewhere else None, chosen is not None)
    case = Case(known, asked, found.table, found.estimates, {}, (), seed, confidence)
    return replace(found, findings=run(case, ignore))


def _asked(
    found: Evaluation, point: OperatingPoint | None, threshold: float | None, decision: Any, figures: bool
) -> dict[str, Any]:
    """What the checks may hold against the rows: what somebody chose, not the usual cut where nobody did."""
    chose = figures or threshold is not None or (point is not None and point.threshold is not None)
    alone = point is None and decision is not None
    # Decisions that came beside a point were made row by row, by cuts that had not seen them.
    rule = point if decision is None else None
    return {
        "point": rule,
        "chosen": rule if rule is not None and (rule.chosen_on or rule.certified_on) is not None else None,
        "threshold": threshold,
        "at": found.threshold if chose else None,
        "decision": decision,
        "y_pred": decision if alone else None,
        "asked": True if chose or alone or found.kind == "label" else None,
    }


def _of_decided(
    scores: Scores,
    point: OperatingPoint,
    decision: NDArray[Any],
    chosen: list[Metric] | None,
    confidence: float,
    checked: tuple[bool, Collection[str]],
    seed: int,
) -> Evaluation:
    """The figures of the rows that the point decides, after the share of rows that are these."""
    counting = scores.counting
    known, decision = scores.take(counting), decision[counting]
    keep = decision >= 0
    if not keep.any():
        raise ScoreError("point", f"a rule that decides none of {known.n:,} rows", "a rule that decides some")
    accepted = known.take(keep)
    about: dict[str, Any] = {"checks": checked[0], "ignore": checked[1], "confidence": confidence, "seed": seed}
    found = evaluate(accepted, point, decision=decision[keep], metrics=chosen, **about)
    counts = Counts(0, int(keep.sum()), 0, int((~keep).sum()))
    if known.weight is not None:
        n = known.weight.sum() ** 2 / np.square(known.weight).sum()
        share = float(known.weight[keep].sum() / known.weight.sum())
        counts = Counts(0, share * n, 0, (1 - share) * n)
    covered = estimated(
        coverage, known, coverage.value(counts), count_ingredients(coverage, counts), confidence=confidence
    )
    note = f"{int((~keep).sum()):,} of {known.n:,} rows are left undecided; the figures are of the others"
    return replace(found, estimates=(covered, *found.estimates), missing=scores.n_missing, notes=(*found.notes, note))


def _binary(
    known: Scores,
    point: OperatingPoint | None,
    threshold: float | None,
    decision: NDArray[Any] | None,
    chosen: list[Metric] | None,
    confidence: float,
    seed: int,
    missing: int,
    notes: list[str],
) -> Evaluation:
    ordered = known.kind != "label"
    table = ThresholdTable.from_scores(known) if ordered else None
    decides = decision is not None or threshold is not None or not ordered
    names: list[str] = []
    if decides:
        names += AT_A_CUT
    if ordered:
        names += RANKING
    if known.kind in ("probability", "logit"):
        names += PROBABILITY
    found = tuple(
        estimate(metric, known, at=threshold, decision=decision, confidence=confidence, seed=seed, table=table)
        for metric in ([METRICS[name] for name in names] if chosen is None else chosen)
    )
    matrix = None
    if decides:
        matrix = _confusion(known, table, threshold, decision)
    for label, count in ((known.classes.positive, known.n_pos), (known.classes.negative, known.n - known.n_pos)):
        if count == 0:
            notes.append(f"no row of class {label!r}: what compares the classes is undefined")
        elif count < 30:
            notes.append(f"only {count} row(s) of class {label!r}: figures that rest on them are wide")
    bins = reliability(known, confidence=confidence, table=table) if known.kind in ("probability", "logit") else None
    return Evaluation(
        known.classes,
        known.n,
        missing,
        known.n_pos,
        known.kind,
        known.role,
        known.weight is not None,
        known.fingerprint.digest,
        confidence,
        found,
        table,
        threshold,
        point,
        matrix,
        bins,
        None if table is None else _histogram(known, table),
        (),
        tuple(notes),
        known if table is None else None,
        None if table is not None else decided(known) if decision is None else decision,
        by_slice(known, threshold, decision, confidence, seed),
        clusters_of(known) is not None,
    )


def _several(
    known: Scores,
    point: OperatingPoint | None,
    decision: NDArray[Any] | None,
    chosen: list[Metric] | None,
    confidence: float,
    seed: int,
    missing: int,
    notes: list[str],
) -> Evaluation:
    codes = decided(known) if decision is None else decision
    matrix = confusion_matrix(known, codes)
    usual = [accuracy, balanced_accuracy, macro(precision), macro(recall), macro(f1), mcc]
    if known.classes.ordered:
        usual += [off_by_one_accuracy, mae, quadratic_kappa]
    for metric in chosen or ():
        metric.check(known)
    at_once = usual if chosen is None else [m for m in chosen if m.of_matrix]
    found = [
        estimated(metric, known, *pair, confidence=confidence)
        for metric, pair in zip(at_once, of_matrix(at_once, known, matrix, seed), strict=True)
    ]
    order = None
    if known.kind != "label":
        order = class_order(known, influence=True)
        found.append(estimated(macro(roc_auc), known, *of_macro_auc(order, known.n), confidence=confidence))
        found.append(estimated(hand_till, known, pairs_mean(order), None, confidence=confidence))
    if known.kind in ("probability", "logit"):
        of_rows = (log_loss, brier, ranked_probability_score) if known.classes.ordered else (log_loss, brier)
        found += [estimate(metric, known, confidence=confidence) for metric in of_rows]
    if chosen is not None:
        made = {e.metric.name: e for e in found}
        found = [
            made.get(m.name) or estimate(m, known, decision=codes, confidence=confidence, seed=seed) for m in chosen
        ]
    squared = None if known.weight is None else confusion_matrix(known.with_weight(np.square(known.weight)), codes)
    support = np.bincount(known.truth if known.truth is not None else [], minlength=known.classes.k)
    absent = [known.classes.names[k] for k in np.flatnonzero(support == 0)]
    if absent:
        notes.append(f"no row of class(es) {absent}: macro figures are over the classes that are present")
    return Evaluation(
        known.classes,
        known.n,
        missing,
        -1,
        known.kind,
        known.role,
        known.weight is not None,
        known.fingerprint.digest,
        confidence,
        tuple(found),
        None,
        None,
        point,
        matrix,
        None,
        None,
        _class_reports(known, matrix, squared, order, support, confidence),
        tuple(notes),
        known,
        codes,
        by_slice(known, None, codes, confidence, seed),
        clusters_of(known) is not None,
    )


def _class_reports(
    known: Scores,
    matrix: NDArray[Any],
    squared: NDArray[Any] | None,
    order: ClassOrder | None,
    support: NDArray[Any],
    confidence: float,
) -> tuple[ClassReport, ...]:
    each, squares = class_counts(matrix), None if squared is None else class_counts(squared)
    reports = []
    for k, name in enumerate(known.classes.names):
        n = int(support[k])
        counts, square = _of_class(each, k), None if squares is None else _of_class(squares, k)
        found = [
            estimated(m, known, m.value(counts), count_ingredients(m, counts, square), confidence=confidence, n_pos=n)
            for m in (precision, recall, f1)
        ]
        if order is not None:
            area = delong_of(order.rankings[k])
            found.append(estimated(roc_auc, known, area.value, area, confidence=confidence, n_pos=n))
        reports.append(ClassReport(name, n, tuple(found)))
    return tuple(reports)


def _of_class(each: Counts, k: int) -> Counts:
    return Counts(*(getattr(each, name)[k].item() for name in ("tp", "fp", "fn", "tn")))


def _confusion(
    known: Scores, table: ThresholdTable | None, threshold: float | None, decision: NDArray[Any] | None
) -> NDArray[Any]:
    if decision is not None or table is None or threshold is None:
        return confusion_matrix(known, decided(known, threshold) if decision is None else decision)
    c = table.counts(threshold)
    negative_first = np.array([[c.tn, c.fp], [c.fn, c.tp]])
    return negative_first if known.classes.index(known.classes.positive) == 1 else negative_first[::-1, ::-1].copy()


def _histogram(known: Scores, table: ThresholdTable) -> Histogram:
    rows = table.sorted_rows()
    high, low = (float(core.scores_of(rows, r, r + 1)[0]) for r in (0, known.n - 1))
    if known.kind == "probability":
        low, high = 0.0, 1.0
    if low == high:
        low, high = low - 0.5, high + 0.5
    # Half the ends first: the span of +-1.7e308 is no float64.
    edges = 2 * np.linspace(low / 2, high / 2, HISTOGRAM_BINS + 1)
    # Bin i holds the rows from edge i up to, and in the last bin with, edge i + 1.
    above = core.cuts(rows, edges[-2::-1])[:, :2].astype(np.int64)
    flagged, positives = np.diff(above, axis=0, prepend=0)[::-1].T
    return Histogram(edges, positives, flagged - positives)
