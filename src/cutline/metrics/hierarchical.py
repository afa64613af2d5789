"""Classes in a tree: a decision is right as far as it shares the way from the root."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cutline.errors import InputError, LabelError, ShapeError
from cutline.metrics.binary import divide


@dataclass(frozen=True, slots=True)
class Hierarchical:
    """Ancestor-set precision, recall and F1, and the counts of nodes they are made of."""

    precision: float
    recall: float
    f1: float
    shared: int
    decided: int
    true: int


def hierarchical(
    *, y_true: Sequence[Any], y_pred: Sequence[Any], parents: Mapping[Any, Any] | None = None
) -> Hierarchical:
    """Precision, recall and F1 over the nodes on the way from the root (Kiritchenko et al. 2006), summed over rows.

    Precision is the share of the decided nodes that are on the true way, recall the share of the true nodes that were
    decided.

    Parameters
    ----------
    y_true, y_pred : sequence, length n
        Paths from the root, such as ``("animal", "cat")``; an empty string or None ends a path early. With `parents`
        single labels, whose ways are looked up.
    parents : mapping, optional
        The parent of each label; labels without one are below the root.

    Examples
    --------
    >>> import cutline as cl
    >>> cl.hierarchical(y_true=[("animal", "cat")], y_pred=[("animal", "dog")]).f1
    0.5
    >>> cl.hierarchical(y_true=["cat"], y_pred=["animal"], parents={"cat": "animal", "dog": "animal"}).recall
    0.5
    """
    if len(y_true) != len(y_pred):
        raise ShapeError("y_pred", f"{len(y_pred)} rows", f"{len(y_true)}, as many as y_true has")
    shared = decided = true = 0
    for own, said in zip(y_true, y_pred, strict=True):
        a, b = (_nodes(_way(label, parents) if parents is not None else label) for label in (own, said))
        shared, decided, true = shared + len(a & b), decided + len(b), true + len(a)
    precision, recall = float(divide(shared, decided)), float(divide(shared, true))
    return Hierarchical(precision, recall, float(divide(2 * shared, decided + true)), shared, decided, true)


def _nodes(path: Any) -> set[tuple[Any, ...]]:
    """The nodes on a path: each is its way from the root, so equal names in two branches are two nodes."""
    if isinstance(path, str) or not isinstance(path, Sequence):
        raise InputError("y_true, y_pred", repr(path), "paths such as ('animal', 'cat')", "or pass parents=")
    ends = [i for i, name in enumerate(path) if name is None or name == ""]
    path = path[: ends[0]] if ends else path
    return {tuple(path[: i + 1]) for i in range(len(path))}


def _way(label: Any, parents: Mapping[Any, Any]) -> list[Any]:
    way = [label]
    while way[0] in parents:
        if parents[way[0]] in way:
            raise LabelError("parents", f"a circle through {label!r}", "a tree")
        way.insert(0, parents[way[0]])
    return way
