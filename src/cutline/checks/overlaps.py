"""CT08, CT12, CT18 and CT19 of scores: rows that training has seen, that come twice, or that are of its groups."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline.checks.case import Case, Check
from cutline.checks.finding import Seen
from cutline.checks.weighting import parts_of
from cutline.scores import Scores

FEW, SHARE = 3, 0.001
"""Fewest equal rows that are spoken of, and their least share."""
CONTINUOUS = 0.9
"""Share of distinct scores from which equal ones are no coincidence."""
FIRST = 100
UNLIKELY = 1e-6
"""Chance at which equal scores with equal labels, group by group, are no coincidence."""
WHY_SEEN = "figures on rows that were learned from say how well they are remembered, not how well others are predicted"
WHY_TWICE = "intervals take copies for independent rows, and copies on both sides of a split are learned by heart"


def _seen(case: Case) -> Seen | None:
    """Rows of training among these, by ids or by equal scores."""
    train: Scores = case.given["train"]
    scores = case.scores
    if scores.ids is not None and train.ids is not None:
        there, how = np.isin(scores.ids.astype(str), train.ids.astype(str)), "by their ids"
    else:
        there, how = _same_scores(scores, train), "as equal scores show"
    count = int(there.sum())
    if count < FEW or count < SHARE * scores.n:
        return None
    if count == scores.n:
        code = "# score rows that training has not seen: none of these is new"
        return Seen(f"all {count:,} rows are rows of training, {how}", WHY_SEEN, code)
    return Seen(
        f"{count:,} of {scores.n:,} rows are rows of training, {how}",
        WHY_SEEN,
        "scores = finding.fix()  # without them",
        lambda: scores.take(~there),
    )


def _trained(case: Case) -> Seen | None:
    """Rows whose role says that the model was fitted on them."""
    if case.scores.role != "train":
        return None
    code = "# score rows that the model was not fitted on: cl.fit cross-fits, cl.wrap takes new rows"
    return Seen(f"{case.scores.n:,} rows have the role 'train': the model was fitted on them", WHY_SEEN, code)


def _prepared(case: Case) -> Seen | None:
    """Steps of a pipeline that saw more rows than training has."""
    train: Scores = case.given["train"]
    for part in parts_of(case.given["model"]):
        n = getattr(part, "n_samples_seen_", None)
        if isinstance(n, int | np.integer) and n > train.n:
            return Seen(
                f"{type(part).__name__} saw {n:,} rows, training has {train.n:,}: it was fitted before the split",
                "what was learned of test rows before they were set apart leaks into their figures",
                "# fit preprocessing inside a pipeline, on training rows alone",
            )
    return None


def _same_scores(scores: Scores, train: Scores) -> NDArray[np.bool_]:
    """Where a row has score and label of a row of training, for scores that hardly ever come twice."""
    nothing = np.zeros(scores.n, dtype=bool)
    if scores.score.ndim != train.score.ndim or "label" in (scores.kind, train.kind) or train.truth is None:
        return nothing
    one, two = (_keys(each) for each in (scores, train))
    if min(len(np.unique(each)) / len(each) for each in (one, two)) < CONTINUOUS:
        return nothing
    return np.isin(one, two)


def _keys(scores: Scores) -> NDArray[Any]:
    """Score and label of each row as one value."""
    columns = np.column_stack([scores.score, np.zeros(scores.n) if scores.truth is None else scores.truth])
    return np.ascontiguousarray(columns, np.float64).view(np.dtype((np.void, 8 * columns.shape[1]))).reshape(-1)


def _unseen(case: Case) -> Seen | None:
    """Classes that occur here and not in training."""
    train, known = case.given["train"], case.known
    if train.truth is None or known is None:
        return None
    here = known.classes.decode(np.asarray(known.truth))
    seen = set(train.classes.decode(np.unique(train.truth[train.truth >= 0])).tolist())
    rows = ~np.isin(here.astype(str), [str(name) for name in seen])
    if not rows.any():
        return None
    shown = ", ".join(map(repr, sorted(set(here[rows].tolist()), key=str)[:5]))
    return Seen(
        f"{int(rows.sum()):,} of {known.n:,} rows are of class(es) that training lacks: {shown}",
        "no model predicts a class it never saw: all these rows are wrong, and their log loss infinite",
        "scores = finding.fix()  # without them; or have rows of these classes in training",
        lambda: known.take(~rows),
    )


def _never(case: Case) -> Seen | None:
    """Classes with rows that no row is given any probability of."""
    rows = case.rows
    if rows.kind == "logit" or rows.score[:FIRST].max(axis=0).min() > 1e-9:
        return None  # each class has a probability in the first rows
    support = np.bincount(np.asarray(rows.truth), minlength=rows.classes.k)
    never = np.flatnonzero((rows.score.max(axis=0) <= 1e-9) & (support > 0))
    if not len(never):
        return None
    names = [rows.classes.names[k] for k in never]
    return Seen(
        f"{int(support[never].sum()):,} of {rows.n:,} rows are {', '.join(map(repr, names[:5]))}, which no row is "
        "given any probability of: training lacked the class",
        "all these rows are wrong, and their log loss is infinite but for clipping",
        "scores = finding.fix()  # the rows of other classes; or have rows of it in training",
        lambda: case.scores.take(~np.isin(np.asarray(case.scores.truth), never)),
    )


def _twice(case: Case) -> Seen | None:
    """Rows with id, label and score of another row."""
    scores = case.scores
    assert scores.ids is not None
    ids = np.unique(scores.ids.astype(str), return_inverse=True)[1].reshape(-1)
    keys = np.column_stack([ids, np.unique(_keys(scores), return_inverse=True)[1].reshape(-1)])
    first = np.unique(keys, axis=0, return_index=True)[1]
    again = np.ones(scores.n, dtype=bool)
    again[first] = False
    return _copies(case, again, "have id, label and score of another row")


def _copied(case: Case) -> Seen | None:
    """Equal scores that always have equal labels, where chance would mix them."""
    rows = case.rows
    listed = rows.ids is not None and case.has("listed")  # `_twice` looks at the ids
    if listed or case.some is not None or rows.groups is not None or rows.weight is not None:
        return None
    _, place, size = np.unique(np.asarray(rows.score), return_inverse=True, return_counts=True)
    place = place.reshape(-1)
    positive = np.bincount(place, rows.is_positive)
    tied = size > 1
    if tied.sum() < 10 or ((positive > 0) & (positive < size))[tied].any():
        return None
    # The chance of a pure group, from the labels of its neighbours in score, itself left out.
    near = np.convolve(size, np.ones(41), "same") - size
    rate = (np.convolve(positive, np.ones(41), "same") - positive + 0.5) / (near + 1)
    pure = rate[tied] ** size[tied] + (1 - rate[tied]) ** size[tied]
    if np.log(pure.clip(1e-300, 1)).sum() > np.log(UNLIKELY):
        return None
    again = np.ones(rows.n, dtype=bool)
    again[np.unique(place, return_index=True)[1]] = False
    return _copies(case, again, "have score and label of another row, and no equal score has another label")


def _copies(case: Case, again: NDArray[np.bool_], how: str) -> Seen | None:
    count, scores = int(again.sum()), case.scores
    if count < FEW or count < SHARE * len(again):
        return None
    keep = ~again
    if len(again) != scores.n:  # rows without truth are kept
        keep = np.ones(scores.n, dtype=bool)
        keep[np.flatnonzero(scores.counting)[again]] = False
    return Seen(
        f"{count:,} of {len(again):,} rows {how}: copies",
        WHY_TWICE,
        "scores = finding.fix()  # the first of each; weigh rows by weight=, not by repeating them",
        lambda: scores.take(keep),
    )


def _groups(case: Case) -> Seen | None:
    """Groups that training has as well."""
    train, scores = case.given["train"], case.scores
    if train.groups is None or scores.groups is None:
        return None
    there = np.isin(scores.groups.astype(str), train.groups.astype(str))
    if not there.any():
        return None
    shared, of = (len(np.unique(scores.groups[rows].astype(str))) for rows in (there, np.ones(scores.n, dtype=bool)))
    return Seen(
        f"{shared:,} of {of:,} groups are in training as well: {int(there.sum()):,} of {scores.n:,} rows",
        "rows of a group are alike: figures of groups that were learned from are better than those of new ones",
        "scores = finding.fix()  # new groups only" if not there.all() else "# split by group: cl.fit(..., groups=)",
        None if there.all() else lambda: scores.take(~there),
    )


CHECKS = (
    Check("CT08", "rows that training has seen", ("train",), 0.0, _seen),
    Check("CT08", "figures of training rows", ("truth",), 0.0, _trained),
    Check("CT08", "preprocessing that saw the test", ("train", "model"), 0.0, _prepared),
    Check("CT12", "a class that training never saw", ("train", "truth"), 0.0, _unseen),
    Check("CT12", "a class that training never saw", ("probability", "several", "truth"), 0.0, _never),
    Check("CT18", "copies of rows", ("ids", "truth", "listed"), 0.0, _twice),
    Check("CT18", "copies of rows", ("order", "both"), 0.001, _copied),
    Check("CT19", "groups on both sides", ("train",), 0.0, _groups),
)
