"""Which rows of several models belong together, and where each model is cut."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline.errors import InputError, LabelError, ScoreError, ShapeError, UnknownName
from cutline.evidence.influence import clusters_of
from cutline.labels import missing
from cutline.metrics import Metric
from cutline.scores import Scores


def check_models(models: Any) -> None:
    """Refuse what is no mapping of two or more names to Scores."""
    if not isinstance(models, Mapping) or len(models) < 2:
        came = f"{len(models)} model(s)" if isinstance(models, Mapping) else type(models).__name__
        raise InputError("models", came, "a mapping of at least two names to Scores")
    for name, one in models.items():
        if not isinstance(one, Scores):
            raise InputError(f"models[{name!r}]", type(one).__name__, "Scores")


def aligned(models: Mapping[str, Scores], on: str | None) -> dict[str, Scores]:
    """The rows that count, in the order of the first model."""
    if on not in (None, "ids", "order"):
        raise UnknownName.among("on", str(on), ("ids", "order"))
    name, first = next(iter(models.items()))
    by_ids = on == "ids" or (on is None and all(one.ids is not None for one in models.values()))
    out = {}
    for other, one in models.items():
        here = f"models[{other!r}]"
        if one.classes != first.classes:
            wanted = f"those of {name!r}: {first.classes}"
            raise LabelError(here, repr(one.classes), wanted, "give all Scores the same classes= and positive=")
        one = one.take(_order(name, first, other, one)) if by_ids else one
        if one.n != first.n:
            raise ShapeError(here, f"{one.n:,} rows", f"the {first.n:,} rows of {name!r}", "paired=False for others")
        for field in ("truth", "weight", "groups"):
            mine, theirs = getattr(first, field), getattr(one, field)
            if (mine is None) != (theirs is None):
                owner = other if mine is None else name
                raise InputError(here, f"{field} for {owner!r} only", f"the same {field} for all models")
            if mine is not None and not np.array_equal(mine, theirs):
                rows = int(np.count_nonzero(mine != theirs))
                hint = "give ids= to match rows in another order, or paired=False for different rows"
                raise LabelError(here, f"another {field} in {rows:,} row(s)", f"the {field} of {name!r}", hint)
        out[other] = counting(one)
    return out


def counting(scores: Scores) -> Scores:
    """The rows that count; clusters of one row each are no clusters."""
    known = scores.known()
    member = clusters_of(known)
    return known if member is None or int(member.max()) + 1 < known.n else next(known.parts(known.n))


def _order(name: str, first: Scores, other: str, one: Scores) -> NDArray[np.int64]:
    """Where the rows of `first` stand in `one`."""
    for who, scores in ((name, first), (other, one)):
        if scores.ids is None:
            raise InputError(f"models[{who!r}]", "no ids", "ids for all models", "or on='order'")
        if gone := int(np.count_nonzero(missing(scores.ids))):
            raise InputError(f"models[{who!r}]", f"{gone:,} row(s) with a missing id", "an id for each row")
        if len(set(scores.ids.tolist())) < scores.n:
            raise InputError(f"models[{who!r}]", "ids that occur twice", "one id for each row")
    assert first.ids is not None
    assert one.ids is not None
    if np.array_equal(first.ids, one.ids):
        return np.arange(first.n)
    place = {value: i for i, value in enumerate(one.ids.tolist())}
    found = [place.get(value, -1) for value in first.ids.tolist()]
    common = sum(i >= 0 for i in found)
    if common < max(first.n, one.n):
        raise ShapeError(
            f"models[{other!r}]",
            f"{one.n:,} rows, {common:,} of them with an id of {name!r}",
            f"the {first.n:,} rows of {name!r}",
            "keep the rows that all have, or paired=False for different rows",
        )
    return np.array(found)


def cuts_of(metric: Metric, known: Mapping[str, Scores], at: Any) -> dict[str, float | None]:
    """The threshold of every model; None where there is nothing to cut."""
    decides = metric.of_counts or metric.of_matrix
    if isinstance(at, Mapping):
        for name in at:
            if name not in known:
                raise UnknownName.among("at", str(name), known)
        return {name: at.get(name) if decides else None for name in known}
    kinds = {one.kind for one in known.values() if one.kind != "label"}
    if at is not None and decides and len(kinds) > 1:
        hint = "at={'name': 0.5, ...}"
        raise ScoreError("at", f"one threshold for scores of kinds {sorted(kinds)}", "one for each model", hint)
    return dict.fromkeys(known, at if decides else None)
