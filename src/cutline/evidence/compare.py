"""Is one model better than another? Differences of figures on the same rows, with interval, p and Holm's correction."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import combinations
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cutline.errors import InputError, UnknownName
from cutline.evidence.difference import Comparison, Difference
from cutline.evidence.intervals import Replicates, z_of
from cutline.evidence.matching import aligned, check_models, counting, cuts_of
from cutline.evidence.means import of_f1, of_means, share_of_rows
from cutline.evidence.multiplicity import adjusted
from cutline.evidence.redraw import Resampled, class_units, member_of
from cutline.evidence.resample import REPLICATES
from cutline.evidence.several import left_out, redrawn, settled, sides
from cutline.evidence.studentized import FEW, Studentized
from cutline.evidence.two_sides import WithP
from cutline.metrics import Metric, find
from cutline.scores import Role, Scores


def compare(
    models: Mapping[str, Scores],
    metric: Metric | str,
    *,
    at: float | Mapping[str, float] | None = None,
    reference: str | None = None,
    confidence: float = 0.95,
    margin: float | None = None,
    paired: bool = True,
    on: Literal["ids", "order"] | None = None,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Comparison:
    """Compare models by a metric: differences with intervals, p and Holm's correction.

    ROC AUC and Gini by DeLong (with t where a class has fewer than 30 rows); proportions with a fixed denominator
    (accuracy, recall, fpr, ...) by McNemar's mid-p, exact below 10 rows on which they differ, and Tango's interval;
    means over rows (log loss, Brier) by t on the differences; any other metric by a bootstrap in which all models see
    the same resampled rows. Rows in clusters enter by clusters: cluster-robust t, or whole clusters drawn (below 30 of
    them a jackknife over clusters with t). The same jackknife stands in below 30 rows.

    Where every row shows the same difference there is no spread to estimate an error from. Then the range of the figure
    bounds what other rows may show (exact, as the rule of three), or the intervals of both figures do (Bonferroni);
    where neither can, as for log loss, there are no limits, p is 1 and the state is degenerate.

    Of many rows the bootstrap of a confusion matrix draws its cells. That of figures of the order joins scores to some
    4,000 steps and, above 250,000 rows, draws random groups of rows; metrics that need every score are drawn from
    50,000 of them and rescaled. At a million rows two models take a fraction of a second for metrics of a threshold,
    and some 8 seconds for those of the order (twice that with weights).

    Parameters
    ----------
    models : mapping of str to Scores
        Two or more. The same rows with the same truth, weights and groups; in any order where all have ids.
    metric : Metric or str
    at : float or mapping of model name to float, optional
        Threshold of count metrics of binary scores.
    reference : str, optional
        Compare every other model with this one, in place of all pairs.
    confidence : float
        Level of intervals and verdicts; of one side with a margin.
    margin : float, optional
        Non-inferiority: how much worse than the second a first may be. State it before you look; each verdict of
        several stands on its own.
    paired : bool
        False for models that were scored on different rows: Welch's t, Newcombe's interval with the score test (F1 by
        its Jaccard), or a bootstrap of each.
    on : {"ids", "order"}, optional
        How rows are matched; by ids where all models have them.
    replicates, seed : int
        Of methods that resample.

    Raises
    ------
    InputError
        Fewer than two models; `ShapeError` for other rows, `LabelError` for other truth or classes.

    Examples
    --------
    >>> import numpy as np, cutline as cl
    >>> from cutline.evidence.compare import compare
    >>> rng = np.random.default_rng(0)
    >>> y = rng.random(400) < 0.3
    >>> a = cl.Scores(y_true=y, y_score=rng.normal(size=400) + 1.5 * y, kind="rank")
    >>> b = cl.Scores(y_true=y, y_score=rng.normal(size=400) + y, kind="rank")
    >>> compare({"gbm": a, "logit": b}, metric=cl.roc_auc)
    ROC AUC on the same rows (n=400, 105 positive)
      gbm    0.8611
      logit  0.7764
      gbm - logit: 0.08468 [0.01833, 0.151], p 0.0124: gbm is better (paired DeLong)
    """
    metric = find(metric) if isinstance(metric, str) else metric
    _check(models, metric, reference, confidence, margin, replicates)
    names = tuple(models)
    known = aligned(models, on) if paired else {name: counting(one) for name, one in models.items()}
    cuts = cuts_of(metric, known, at)
    values = {name: metric.value(one, at=cuts[name]) for name, one in known.items()}
    pairs = list(combinations(names, 2)) if reference is None else [(n, reference) for n in names if n != reference]
    made = _ingredients(metric, known, cuts, pairs, values, paired, replicates, seed)
    holm = adjusted([1.0 if one is None else one.p for one in made])
    differences = []
    for (first, second), one, p in zip(pairs, made, holm, strict=True):
        n, n_pos = _sizes((known[first],) if paired else (known[first], known[second]))
        found = (first, second, metric, values[first], values[second], one, float(p), n, n_pos, confidence, margin)
        differences.append(Difference(*found))
    rows = tuple(known.values())[:1] if paired else tuple(known.values())
    roles: set[Role] = {one.role for one in known.values()}
    return Comparison(
        metric,
        names,
        tuple(values.values()),
        tuple(differences),
        *_sizes(rows),
        sum(0 if one.groups is None else int(member_of(one).max()) + 1 for one in rows),
        confidence,
        paired,
        roles.pop() if len(roles) == 1 else "",
        _notes(known, roles),
    )


def _sizes(rows: tuple[Scores, ...]) -> tuple[int, int]:
    return sum(one.n for one in rows), sum(one.n_pos for one in rows) if rows[0].binary else -1


def _notes(known: Mapping[str, Scores], roles: set[Role]) -> tuple[str, ...]:
    notes = [note for one in known.values() for note in one.notes]
    if len(roles) > 1:
        notes.append(f"the rows are said to have different roles: {', '.join(sorted(r or 'none' for r in roles))}")
    return tuple(dict.fromkeys(notes))


# --- what may be compared -------------------------------------------------------------------------------------------


def _check(
    models: Any, metric: Metric, reference: str | None, confidence: float, margin: float | None, replicates: int
) -> None:
    z_of(confidence)
    check_models(models)
    if reference is not None and reference not in models:
        raise UnknownName.among("reference", str(reference), map(str, models))
    if replicates < 1:
        raise InputError("replicates", repr(replicates), "at least one")
    if margin is None:
        return
    if metric.maximize is None:
        raise InputError("margin", f"a margin for {metric.name}", "a metric with a better end", "such as roc_auc")
    if not 0 < margin < math.inf:
        raise InputError("margin", repr(margin), "a positive number: how much worse is still acceptable")
    if confidence <= 0.5:
        raise InputError("confidence", repr(confidence), "above 0.5 for a one-sided limit")


# --- one method for each kind of metric -----------------------------------------------------------------------------


def _ingredients(
    metric: Metric,
    known: Mapping[str, Scores],
    cuts: Mapping[str, float | None],
    pairs: list[tuple[str, str]],
    values: Mapping[str, float],
    paired: bool,
    replicates: int,
    seed: int,
) -> list[WithP | None]:
    """Of every pair; None where a figure is undefined or infinite."""
    made: list[WithP | None] = [None] * len(pairs)
    open_ = [i for i, pair in enumerate(pairs) if all(math.isfinite(values[name]) for name in pair)]
    shares = {name: share_of_rows(metric, one, cuts[name]) for name, one in known.items()} if open_ else {}
    for i in open_:
        a, b = pairs[i]
        first, second = shares[a], shares[b]
        if first is not None and second is not None:
            made[i] = of_means(metric, known[a], known[b], first, second, paired)
        elif metric.name == "f1" and not paired:
            made[i] = of_f1(known[a], known[b], (cuts[a], cuts[b]))
    open_ = [i for i in open_ if made[i] is None]
    if open_:
        drawn = _resampled(metric, known, cuts, values, paired, replicates, seed)
        for i in open_:
            made[i] = drawn(*pairs[i])
    return made


def _resampled(
    metric: Metric,
    known: Mapping[str, Scores],
    cuts: Mapping[str, float | None],
    values: Mapping[str, float],
    paired: bool,
    replicates: int,
    seed: int,
) -> Callable[[str, str], WithP]:
    """Differences by the bootstrap; by the jackknife where there are few units."""
    members = {name: member_of(one) for name, one in known.items()}
    few = min(int(member.max()) + 1 for member in members.values()) < FEW
    smallest = min(class_units(one, members[name]) for name, one in known.items())
    together = [list(known)] if paired else [[name] for name in known]
    drawn: dict[str, NDArray[np.float64]] = {}
    for i, names in enumerate(together):
        some = {name: (known[name], cuts[name], values[name]) for name in names}
        own = seed if paired else int(np.random.SeedSequence([seed % 2**64, i]).generate_state(1, np.uint64)[0])
        drawn |= left_out(metric, some) if few else redrawn(metric, some, replicates, own)
    what = "cluster " if any(one.groups is not None for one in known.values()) else ""

    low, high = metric.range

    def difference(a: str, b: str) -> WithP:
        made: WithP
        if few:
            left = [drawn[a], drawn[b]]
            made = replace(
                _jackknife(values[a] - values[b], left, paired, smallest, what), low=low - high, high=high - low
            )
        else:
            with np.errstate(invalid="ignore"):  # infinite less infinite is undefined
                gap = drawn[a] - drawn[b]
            made = Resampled(
                Replicates(settled(gap, values[a] - values[b]), f"{'paired ' * paired}{what}bootstrap"), smallest
            )
        if made.state != "degenerate" or values[a] == values[b]:
            return made
        return sides(metric, (known[a], known[b]), (cuts[a], cuts[b]), not paired) or made

    return difference


def _jackknife(value: float, left: list[NDArray[np.float64]], paired: bool, units: float, what: str) -> Studentized:
    """T of the figures with one unit left out in turn; nothing where one of them is undefined or infinite."""
    if not all(np.isfinite(v).all() for v in left):
        return Studentized(value, math.nan, units - 1, f"{what}jackknife, t")
    alone = [left[0] - left[1]] if paired else left
    error = math.sqrt(sum((v.size - 1) ** 2 / v.size * v.var(ddof=1) if v.size > 1 else math.nan for v in alone))
    return Studentized(value, error, units - 1, f"{what}jackknife, t")
