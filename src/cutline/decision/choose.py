"""From a policy and rows with truth to an operating point."""

from __future__ import annotations

from cutline.decision.certify import certify as certified
from cutline.decision.certify import tested
from cutline.decision.point import ConstraintRow, Grade, OperatingPoint
from cutline.decision.policy import Cost, Policy, require_binary
from cutline.decision.search import plateau, search, settable
from cutline.errors import Infeasible, InputError, RoleError, ScoreError
from cutline.evidence import stratified_folds
from cutline.metrics import Counts, Metric, ThresholdTable
from cutline.scores import Scores

FOLDS = 5


def choose(policy: Policy, scores: Scores, held: Scores | None, seed: int) -> OperatingPoint:
    """See `Policy.choose`."""
    known = scores.known()
    if policy.aim is None:
        at = 0.5 if known.binary else None
        if known.binary and known.kind != "probability":
            raise ScoreError("scores", f"kind {known.kind!r}", "probabilities, where the most probable class is known")
        return OperatingPoint(at, policy, "plug-in", known.classes, known.kind)
    require_binary(known, str(policy))
    if known.kind == "label":
        raise ScoreError("scores", "predicted labels", "scores with an order, to choose a threshold on")
    notes: list[str] = []
    if policy.confidence is not None:
        if held is None:
            fold = stratified_folds(known.is_positive, 2, seed, known.groups)
            known, held = known.take(fold == 0), known.take(fold == 1)
            notes.append(f"{held.n:,} rows were set apart by seed {seed} to certify; {known.n:,} rows chose the order")
        return _guaranteed(policy, known, held.known(), tuple(notes))
    if held is not None:
        raise InputError("certify", "certify rows without confidence", "a policy with confidence=, such as 0.95")
    return _plug_in(policy, known, seed)


def _plug_in(policy: Policy, known: Scores, seed: int) -> OperatingPoint:
    table = ThresholdTable.from_scores(known)
    notes: list[str] = []
    if isinstance(policy.aim, float):
        threshold = policy.aim
    elif _given(policy, known):
        assert isinstance(policy.aim, Cost)
        threshold = policy.aim.threshold
        empirical = settable(table, search(policy, table))
        saved = policy.aim.of(table.counts(threshold)) - policy.aim.of(table.counts(empirical))
        notes.append(
            f"cost threshold {threshold:.4g} assumes calibrated probabilities; the cheapest cut on these rows is "
            f"{empirical:.4g}, by {saved:.3g} a row"
        )
    else:
        threshold = settable(table, search(policy, table))
    crossed = cross_fit(policy, known, seed)
    rows = tuple(_constraint_rows(policy, table.counts(threshold), crossed, None))
    grade: Grade = "plug-in"
    if crossed is not None and rows and all(row.cross_fitted_holds for row in rows):
        grade = "cross-fitted"
    flat, seen = None, None if _given(policy, known) else known.fingerprint
    if isinstance(policy.aim, Metric | Cost):
        low, high = plateau(policy, table, table.index(threshold))
        flat = min(low, threshold), max(high, threshold)
    return OperatingPoint(threshold, policy, grade, known.classes, known.kind, rows, flat, seen, notes=tuple(notes))


def _guaranteed(policy: Policy, tune: Scores, held: Scores, notes: tuple[str, ...]) -> OperatingPoint:
    if held.groups is not None:
        raise InputError(
            "certify",
            "rows in clusters (groups=)",
            "independent rows for an exact test",
            "keep one row of each cluster, or leave confidence out",
        )
    if held.classes != tune.classes:
        raise InputError("certify", repr(held.classes), f"the classes of the tuning rows, {tune.classes!r}")
    if held.kind != tune.kind:
        raise ScoreError("certify", f"scores of kind {held.kind!r}", f"{tune.kind!r}, as the tuning rows have")
    overlap = tune.fingerprint.overlap(held.fingerprint)
    if overlap:
        raise RoleError(
            "certify",
            f"rows of which about {100 * overlap:.0f} % are tuning rows",
            "rows that nothing was chosen on",
            "leave certify out to have a split made",
        )
    if held.role in ("train", "tune", "out-of-fold", "in-sample"):
        raise RoleError("certify", f"rows of role {held.role!r}", "rows untouched by model, calibrator and cut")
    tune_table, held_table = ThresholdTable.from_scores(tune), ThresholdTable.from_scores(held)
    threshold, counts = certified(policy, tune_table, held_table)
    rows = tuple(_constraint_rows(policy, tune_table.counts(threshold), None, counts))
    return OperatingPoint(
        threshold, policy, "guaranteed", tune.classes, tune.kind, rows, None, tune.fingerprint, held.fingerprint, notes
    )


def _given(policy: Policy, known: Scores) -> bool:
    """True when the threshold follows from the policy alone: fixed, or from the costs of calibrated probabilities."""
    costs = isinstance(policy.aim, Cost) and not policy.subject_to and known.kind == "probability"
    return isinstance(policy.aim, float) or costs


def cross_fit(policy: Policy, known: Scores, seed: int) -> Counts | None:
    """Counts pooled over folds, each decided at the threshold that the other folds chose: optimism removed.

    None when there is nothing to remove (a fixed threshold), or a fold has too few rows to choose on.
    """
    if _given(policy, known) or min(known.n_pos, known.n - known.n_pos) < FOLDS:
        return None
    fold = stratified_folds(known.is_positive, FOLDS, seed, known.groups)
    pooled = Counts(0, 0, 0, 0)
    for k in range(FOLDS):
        table = ThresholdTable.from_scores(known.take(fold != k))
        try:
            at = float(table.thresholds[search(policy, table)])
        except Infeasible:
            return None
        pooled = pooled + ThresholdTable.from_scores(known.take(fold == k)).counts(at)
    return pooled


def _constraint_rows(
    policy: Policy, chosen: Counts, crossed: Counts | None, held: Counts | None
) -> list[ConstraintRow]:
    rows = []
    for constraint in policy.subject_to:
        metric = constraint.metric
        row = ConstraintRow(
            constraint,
            value=float(metric.value(chosen)),
            cross_fitted=None if crossed is None else float(metric.value(crossed)),
        )
        if held is not None and policy.confidence is not None:
            row = tested(row, held, policy.confidence)
        rows.append(row)
    return rows
