"""From a policy and rows with truth to an operating point."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cutline.decision.certify import certify as certified
from cutline.decision.certify import umbrella, umbrella_side, verified
from cutline.decision.costs import Cost, CostMatrix, RowCosts
from cutline.decision.point import AimRow, ConstraintRow, Grade, OperatingPoint
from cutline.decision.policy import Policy, require_binary
from cutline.decision.rules import Band, LeastRowCost, MostProbable, Rule, Threshold, TopShare
from cutline.decision.search import best_row, infeasible, loss, plateau, settable
from cutline.decision.several import choose_several
from cutline.errors import InputError, LabelError, RoleError, ScoreError
from cutline.evidence import set_apart, stratified_folds
from cutline.labels import Classes
from cutline.metrics import Constraint, Counts, Metric, ThresholdTable, find, flagged_count, mistakes
from cutline.scores import Scores

FOLDS = 5
CUTS = 20_000
"""Thresholds that cross-fitting searches: among more, the optimism of having chosen no longer grows."""
MANY = 100_000
TUNE = 0.3
"""Share of the rows that chooses the order of the tests when one set must serve both: fewer order, more prove."""
MIRRORED = {"recall": "specificity", "precision": "npv", "fnr": "fpr", "fdr": "false_omission_rate"}
"""A metric of the positive class, and its name when it is asked of the negative one."""


def choose(policy: Policy, scores: Scores, held: Scores | None, seed: int) -> OperatingPoint:
    """See `Policy.choose`."""
    point = _choose(policy, scores, held, seed)
    if scores.role in ("train", "in-sample") and point.chosen_on is not None:
        note = f"chosen on rows of role {scores.role!r}, whose scores flatter the model: on new rows expect less"
        return replace(point, notes=(*point.notes, note))
    return point


def _choose(policy: Policy, scores: Scores, held: Scores | None, seed: int) -> OperatingPoint:
    if isinstance(policy.aim, RowCosts):
        return _by_row(policy, scores)
    known = scores.known()
    if policy.aim is None:
        if known.binary and known.kind not in ("probability", "logit"):
            raise ScoreError("scores", f"kind {known.kind!r}", "probabilities, where the most probable class is known")
        half = Threshold(0.5 if known.kind == "probability" else 0.0)
        return OperatingPoint(half if known.binary else MostProbable(), policy, "plug-in", known.classes, known.kind)
    if known.kind == "label":
        raise ScoreError("scores", "predicted labels", "scores with an order, to choose a threshold on", code="CT03")
    if policy.confidence is None and held is not None:
        raise InputError("certify", "certify rows without confidence", "a policy with confidence=, such as 0.95")
    if policy.selective and policy.prevalence is not None:
        raise InputError("prevalence", "one beside coverage and selective_risk", "none", "shift_prior(scores, to=...)")
    if policy.selective:
        return _selective(policy, known, held, seed)
    if not known.binary and not isinstance(policy.aim, float):
        return choose_several(policy, known, held, seed)
    require_binary(known, str(policy))
    policy = _of_positive(policy, known.classes)
    if not _given(policy, known):
        _both_classes(known)
    if isinstance(policy.aim, Cost) and policy.aim.abstain is not None:
        return _band(policy, policy.aim, known)
    if policy.confidence is not None:
        return _guaranteed(policy, known, held, seed)
    return _plug_in(policy, known, seed)


def _of_positive(policy: Policy, classes: Classes) -> Policy:
    """The policy in terms of the positive class: cost matrices become four costs, bounds on a class lose its name."""
    if isinstance(policy.aim, Metric) and policy.aim.of_counts is None:
        raise InputError("metric", policy.aim.name, "a metric of counts at a threshold, for two classes")
    if isinstance(policy.aim, CostMatrix):
        policy = replace(policy, aim=policy.aim.binary(classes.index(classes.positive)))
    found = []
    for c in policy.subject_to:
        name = None if c.of_class is None else str(c.of_class)
        if name not in (None, *map(str, classes.names)):
            raise LabelError("subject_to", f"{c}: {c.of_class!r}", f"one of the classes {list(classes.names)}")
        if name == str(classes.negative):
            if c.metric.name not in MIRRORED:
                raise InputError("subject_to", str(c), f"of the negative class one of {', '.join(MIRRORED)}")
            c = Constraint(find(MIRRORED[c.metric.name]), c.op, c.bound)
        found.append(Constraint(c.metric, c.op, c.bound))
    return replace(policy, subject_to=tuple(found))


def _plug_in(policy: Policy, known: Scores, seed: int) -> OperatingPoint:
    table = ThresholdTable.from_scores(known)
    counts = table.counts()
    notes: list[str] = []
    flat: tuple[float, float] | None = None
    if isinstance(policy.aim, float):
        rule: Rule = Threshold(policy.aim)
        threshold = policy.aim
    else:
        best, values, ok = best_row(policy, counts)
        if best < 0:
            raise infeasible(policy, table)
        threshold, row = settable(table, best), best
        rule = Threshold(threshold)
        if _given(policy, known):
            assert isinstance(policy.aim, Cost)
            given = _shifted(policy.aim.threshold, policy, known, notes)
            saved = loss(policy, table.counts(given)) - values[best]
            notes.append(
                f"cost threshold {given:.4g} assumes calibrated probabilities; the cheapest cut on these rows is "
                f"{threshold:.4g}, by {saved:.3g} a row"
            )
            threshold, row, rule = given, table.index(given), Threshold(given)
        elif policy.ties in ("all", "hash"):
            rule, row = _at_capacity(policy, table, best, known)
            threshold = settable(table, row)
        low, high = plateau(policy, table, row, values, ok)
        flat = min(low, threshold), max(high, threshold)
    crossed = cross_fit(policy, known, table, seed)
    chosen = table.counts(threshold)
    rows = tuple(_constraint_rows(policy, chosen, crossed, None))
    grade: Grade = "plug-in"
    if crossed is not None and rows and all(r.cross_fitted_holds for r in rows):
        grade = "cross-fitted"
    seen = None if _given(policy, known) else known.fingerprint
    aim = _aim(policy, chosen, crossed, None)
    return OperatingPoint(rule, policy, grade, known.classes, known.kind, rows, aim, flat, seen, notes=tuple(notes))


def _shifted(threshold: float, policy: Policy, known: Scores, notes: list[str]) -> float:
    """The threshold on probabilities of these rows that is `threshold` on those at the policy's prevalence."""
    if policy.prevalence is None:
        return threshold
    here = float(np.average(known.is_positive, weights=known.weight))
    if not 0 < here < 1:
        raise LabelError("y_true", f"a prevalence of {here:g}", "rows of both classes, to know the odds they came with")
    odds = threshold / (1 - threshold) * (here / (1 - here)) / (policy.prevalence / (1 - policy.prevalence))
    shifted = odds / (1 + odds)
    notes.append(
        f"at a prevalence of {100 * policy.prevalence:g} % in place of {100 * here:.3g} %, probabilities of "
        f"{shifted:.4g} mean {threshold:.4g}"
    )
    return shifted


def _at_capacity(policy: Policy, table: ThresholdTable, best: int, known: Scores) -> tuple[Rule, int]:
    """The rule that also uses what is left of a capacity among the rows that share the next score."""
    if best + 1 >= len(table):
        return Threshold(settable(table, best)), best
    flagged = table.counts().flagged
    total = float(flagged[-1])
    room = min(c.bound for c in policy.subject_to if c.metric.name == "flagged_rate") * total - float(flagged[best])
    at, tied = float(table.thresholds[best + 1]), float(flagged[best + 1] - flagged[best])
    if room <= 1e-9 * total:
        return Threshold(settable(table, best)), best
    if policy.ties == "all":
        return Threshold(at), best + 1
    known.drawn_by_id()  # refuses rows without ids, by name
    return TopShare(at, room / tied), best


def _guaranteed(policy: Policy, known: Scores, held: Scores | None, seed: int) -> OperatingPoint:
    tune, notes = known, []
    by_class = umbrella_side(policy) is not None and not policy.ties
    if held is not None:
        held = held.known()
        check_roles(tune, held)
    elif by_class:  # the bound holds for every threshold at once: no row must be kept from choosing
        check_untouched(known)
        held = known
        notes.append(
            f"all {known.n:,} rows certify: the bound on {policy.subject_to[0].metric.name} holds for all cuts"
        )
    else:
        tune, held = _split(known, seed, notes)
        if tune.n < 2:
            raise LabelError("scores", f"{known.n} rows", "rows enough to choose on some and certify on others")
    if held.groups is not None:
        raise InputError(
            "certify",
            "rows in clusters (groups=)",
            "independent rows for an exact test",
            "keep one row of each cluster, or leave confidence out",
        )
    tune_table = ThresholdTable.from_scores(tune)
    held_table = tune_table if held is tune else ThresholdTable.from_scores(held)
    if by_class:
        dtype = held.score.dtype if held.score.dtype.kind == "f" else np.dtype(np.float64)
        threshold, counts = umbrella(policy, tune_table, held_table, dtype)
    else:
        threshold, counts = certified(policy, tune_table, held_table, seed)
    chosen = tune_table.counts(threshold)
    rows = tuple(_constraint_rows(policy, chosen, None, counts))
    return OperatingPoint(
        Threshold(threshold),
        policy,
        "guaranteed",
        tune.classes,
        tune.kind,
        rows,
        _aim(policy, chosen, None, counts),
        None,
        tune.fingerprint,
        held.fingerprint,
        tuple(notes),
    )


def _split(known: Scores, seed: int, notes: list[str]) -> tuple[Scores, Scores]:
    check_untouched(known)
    assert known.truth is not None
    if known.n > MANY:  # parts that come out even by themselves need no strata
        tunes = np.random.default_rng(seed).random(known.n, dtype=np.float32) < TUNE
    else:
        tunes = set_apart(known.truth, TUNE, seed)
    tune, held = known.take(np.flatnonzero(tunes)), known.take(np.flatnonzero(~tunes))
    notes.append(f"{held.n:,} rows were set apart by seed {seed} to certify; {tune.n:,} rows chose the order")
    return tune, held


def _both_classes(known: Scores) -> None:
    """Without rows of both classes every cut looks right."""
    if not 0 < known.n_pos < known.n:
        raise LabelError("scores", f"{known.n_pos} positive of {known.n} rows", "rows of both classes to choose on")


def check_roles(tune: Scores, held: Scores) -> None:
    """Refuse certify rows of other classes or kind, or rows that something was fitted or chosen on."""
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
            code="CT07",
        )
    check_untouched(held)


def check_untouched(held: Scores) -> None:
    """Refuse rows to certify on that model, calibrator or cut have seen."""
    if held.role in ("train", "tune", "out-of-fold", "in-sample"):
        wanted = "rows untouched by model, calibrator and cut"
        raise RoleError("certify", f"rows of role {held.role!r}", wanted, code="CT07")


def _selective(policy: Policy, known: Scores, held: Scores | None, seed: int) -> OperatingPoint:
    """Which rows to decide: the cut is on the probability of the decided class, a mistake is the positive."""
    if held is not None:
        check_roles(known, held.known())
        held = mistakes(held)
    sure = mistakes(known)
    point = _guaranteed(policy, sure, held, seed) if policy.confidence is not None else _plug_in(policy, sure, seed)
    assert isinstance(point.rule, Threshold)
    return replace(point, rule=MostProbable(point.rule.at), classes=known.classes, kind=known.kind)


def _band(policy: Policy, cost: Cost, known: Scores) -> OperatingPoint:
    """Two thresholds between which a row costs less undecided (Chow 1970)."""
    if policy.subject_to:
        raise InputError(
            "policy",
            "a cost of abstaining with constraints",
            "one of them",
            "maximize(coverage, subject_to=[selective_risk <= 0.02]) abstains until the rest is right",
        )
    assert cost.abstain is not None
    assert cost.band is not None
    table = ThresholdTable.from_scores(known)
    c, r = policy.counts(table.counts()), cost.abstain
    # What deciding costs beyond abstaining, cumulated from the top (positive) and from the bottom (negative).
    above = c.tp * (cost.tp - r) + c.fp * (cost.fp - r)
    below = c.fn * (cost.fn - r) + c.tn * (cost.tn - r)
    high, low = int(np.argmin(above)), int(len(below) - 1 - np.argmin(below[::-1]))
    low = max(low, high)
    found = Band(float(table.thresholds[low]), settable(table, high))
    notes: list[str] = []
    seen = known.fingerprint
    rule = found
    if known.kind == "probability":
        rule, seen = Band(*(_shifted(t, policy, known, notes) for t in cost.band)), None  # type: ignore[assignment]
        price = above[table.index(rule.high)] + below[table.index(rule.low)]
        saved = (price - above[high] - below[low]) / c.total[0]
        notes.append(
            f"the band assumes calibrated probabilities; the cheapest on these rows is {found.low:.4g} to "
            f"{found.high:.4g}, by {saved:.3g} a row"
        )
    at = table.index(rule.high), table.index(rule.low)
    value = float((above[at[0]] + below[at[1]]) / c.total[0] + r)
    share = float((c.flagged[at[1]] - c.flagged[at[0]]) / c.total[0])
    notes.append(f"on these rows {100 * share:.3g} % are left undecided")
    aim = AimRow(str(cost), value)
    return OperatingPoint(
        rule, policy, "plug-in", known.classes, known.kind, aim=aim, chosen_on=seen, notes=tuple(notes)
    )


def _by_row(policy: Policy, scores: Scores) -> OperatingPoint:
    """Costs that differ by row: act where it is expected to save anything."""
    costs = policy.aim
    assert isinstance(costs, RowCosts)
    require_binary(scores, str(policy))
    if costs.n != scores.n:
        raise InputError("cost", f"costs of {costs.n:,} rows", f"of {scores.n:,}, the rows of the scores")
    known, costs = scores.known(), costs.take(scores.counting)
    gain, truth = costs.gain(known.probability), known.is_positive
    weight = np.ones(known.n) if known.weight is None else known.weight
    step = weight * (costs.paid(truth, np.ones(known.n, bool)) - costs.paid(truth, np.zeros(known.n, bool)))
    nobody = float(weight @ costs.paid(truth, np.zeros(known.n, bool)))
    order = np.argsort(-gain, kind="stable")
    last = np.append(np.diff(gain[order]) != 0, True)  # rows of equal gain go together
    total = np.append(nobody, nobody + np.cumsum(step[order])[last])
    cuts = np.append(np.nextafter(gain.max(), np.inf), gain[order][last])
    best = int(total.argmin())
    bayes = float(weight @ costs.paid(truth, gain >= 0)) / weight.sum()
    saved = bayes - total[best] / weight.sum()
    notes = (
        f"acting where it saves anything in expectation assumes calibrated probabilities; on these rows acting from an "
        f"expected saving of {cuts[best]:.4g} on would be cheapest, by {saved:.3g} a row",
    )
    aim = AimRow(str(costs), bayes)
    return OperatingPoint(LeastRowCost(), policy, "plug-in", known.classes, known.kind, aim=aim, notes=notes)


def _given(policy: Policy, known: Scores) -> bool:
    """True when the threshold follows from the policy alone: fixed, or from the costs of calibrated probabilities."""
    costs = isinstance(policy.aim, Cost) and not policy.subject_to and known.kind == "probability"
    return isinstance(policy.aim, float) or costs


def cross_fit(policy: Policy, known: Scores, table: ThresholdTable, seed: int) -> Counts | None:
    """Counts pooled over folds, each decided at the threshold that the other folds chose: optimism removed.

    None when there is nothing to remove (a fixed threshold), or a fold has too few rows to choose on.
    """
    if _given(policy, known) or min(known.n_pos, known.n - known.n_pos) < FOLDS:
        return None
    each = _by_fold(known, table, seed)
    whole = Counts(*(sum(getattr(c, name) for c in each) for name in ("tp", "fp", "fn", "tn")))
    pooled = Counts(0, 0, 0, 0)
    for one in each:
        rest = Counts(*(np.maximum(getattr(whole, n) - getattr(one, n), 0) for n in ("tp", "fp", "fn", "tn")))
        if any(constraint.metric is flagged_count for constraint in policy.subject_to):
            scale = whole.total / np.maximum(rest.total, 1)  # a number of rows is meant of all rows, not of four fifths
            rest = Counts(*(getattr(rest, n) * scale for n in ("tp", "fp", "fn", "tn")))
        row = best_row(policy, rest)[0]
        if row < 0:
            return None
        pooled = pooled + Counts(*(getattr(one, name)[row] for name in ("tp", "fp", "fn", "tn")))
    return pooled


def _by_fold(known: Scores, table: ThresholdTable, seed: int) -> list[Counts]:
    """Counts of each fold at the thresholds of the table (at `CUTS` of them when there are more)."""
    if known.groups is not None:
        fold = stratified_folds(known.is_positive, FOLDS, seed, known.groups)
        parts = [ThresholdTable.from_scores(known.take(fold == k)) for k in range(FOLDS)]
        return [part.counts_at(table.thresholds) for part in parts]
    rows = table.sorted_rows()  # the draw then depends on the rows, not on their order
    cuts = table.thinned(CUTS) if len(table) > CUTS else np.arange(len(table))
    upto = (table.tp + table.fp)[cuts]
    step = np.repeat(np.arange(len(cuts)), np.diff(upto, prepend=0))
    truth = (rows.keys & 1).astype(np.int64)
    fold = stratified_folds(truth, FOLDS, seed)
    cell = (step * FOLDS + fold) * 2 + truth
    found = np.bincount(cell, weights=rows.weight if table.weighted else None, minlength=len(cuts) * FOLDS * 2)
    cumulated = np.cumsum(found.reshape(len(cuts), FOLDS, 2), axis=0)
    tp, fp = cumulated[:, :, 1], cumulated[:, :, 0]
    left = [(tp[-1:] - tp), (fp[-1:] - fp)]
    return [Counts(tp[:, k], fp[:, k], left[0][:, k], left[1][:, k]) for k in range(FOLDS)]


def _aim(policy: Policy, chosen: Counts, crossed: Counts | None, held: Counts | None) -> AimRow | None:
    if not isinstance(policy.aim, Metric | Cost):
        return None
    sign = -1.0 if isinstance(policy.aim, Metric) and policy.aim.maximize else 1.0

    def value(counts: Counts | None) -> float | None:
        found = None if counts is None else float(loss(policy, counts)) * sign
        return found if found is not None and np.isfinite(found) else None

    name = policy.aim.name if isinstance(policy.aim, Metric) else str(policy.aim)
    return AimRow(name, value(chosen), value(crossed), value(held))


def _constraint_rows(
    policy: Policy, chosen: Counts, crossed: Counts | None, held: Counts | None
) -> list[ConstraintRow]:
    rows = []
    for constraint in policy.subject_to:
        row = ConstraintRow(
            constraint,
            value=float(policy.value(constraint, chosen)),
            cross_fitted=None if crossed is None else float(policy.value(constraint, crossed)),
        )
        if held is not None and policy.confidence is not None:
            row = verified(row, held, policy.confidence, policy.prevalence)
        rows.append(row)
    return rows
