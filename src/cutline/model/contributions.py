"""What each feature of a row added to the log-odds: linear terms exactly, trees by their own contributions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cutline.data import Features
from cutline.decision.explain import Contribution, Contributions
from cutline.labels import Classes, Label
from cutline.model.boost import CatBoost, shap_values
from cutline.model.linear import AnyView, Linear, OneVsRest, View
from cutline.model.member import Array, Member
from cutline.model.text import TextView
from cutline.model.trees import Trees, contributions_of
from cutline.model.vectors import VectorView

if TYPE_CHECKING:
    import pyarrow as pa

Parts = tuple[float, dict[str, float]]
"""Where a row starts, and what each feature adds."""


def contributions(
    bag: Sequence[tuple[float, Sequence[Member]]],
    names: Sequence[str],
    row: Features,
    classes: Classes,
    name: Label,
    against: Label,
    table: pa.Table,
) -> Contributions | None:
    """The features that moved a row towards one class and away from another.

    Parameters
    ----------
    bag : sequence
        Weight and fold models of each member, as `Classifier` has it.
    names : sequence of str
        Of the members.
    row : Features
        Of one row.
    classes : Classes
    name, against : label
    table : pyarrow Table
        The row as it came, for the values that are shown.

    Returns
    -------
    Contributions or None
        The sum of the members' log-odds by weight, the mean over the models of the folds; None when no member can be
        taken apart. A blend averages probabilities, so this is near to what it does, but not the same.
    """
    pair = classes.index(name), classes.index(against)
    found: list[tuple[str, float, Parts]] = []
    left_out = []
    for (share, members), member_name in zip(bag, names, strict=True):
        apart = [parts_of(member, row, *pair) for member in members]
        if any(each is None for each in apart):
            left_out.append((member_name, share))
        else:
            found.append((member_name, share, _mean([each for each in apart if each is not None])))
    if not found:
        return None
    whole = sum(share for _, share, _ in found)
    base, amounts = _summed([(share / whole, parts) for _, share, parts in found])
    features = [Contribution(each, _value(each, row, table), amount) for each, amount in amounts.items()]
    features.sort(key=lambda each: -abs(each.amount))
    used = tuple((each, share / whole) for each, share, _ in found)
    return Contributions(name, against, base, tuple(features), used, tuple(left_out))


def parts_of(member: Member, row: Features, k: int, other: int) -> Parts | None:
    """What a member's log-odds of class k against another are made of; None for one that cannot be taken apart.

    They add up to ``log(p[k] / p[other])`` of the member: for linear members term by term, for trees as their library
    distributes it over the features (Lundberg & Lee 2017).
    """
    if isinstance(member, Linear) and not isinstance(member, OneVsRest):
        return _of_linear(member, row, k, other)
    if isinstance(member, Trees):
        return _of_columns(contributions_of(member, row), row, k, other)
    if isinstance(member, CatBoost):
        if not {k, other} <= set(member.present.tolist()):
            return None
        return _of_columns(shap_values(member, row), row, k, other)
    return None


def _of_linear(member: Linear, row: Features, k: int, other: int) -> Parts | None:
    base = float(member.bias[k] - member.bias[other])
    if not np.isfinite(base):  # a class that this fold had no row of
        return None
    names = design_names(member.view, row)
    x = member.view.matrix(row)
    slope = (member.weights[:, k] - member.weights[:, other]).astype(np.float64)
    if hasattr(x, "tocoo"):  # terms of a text: few of many columns
        cells = x.tocoo()
        terms = zip(cells.coords[1].tolist(), cells.data.astype(np.float64) * slope[cells.coords[1]], strict=True)
    else:
        terms = zip(range(x.shape[1]), x[0] * slope, strict=True)
    amounts = dict.fromkeys((*row.numeric_names, *row.categorical_names), 0.0)
    for column, amount in terms:
        amounts[names[column]] = amounts.get(names[column], 0.0) + float(amount)
    return base, amounts


def _of_columns(values: Array, row: Features, k: int, other: int) -> Parts:
    """Of values for each class, feature and the start, shape (classes, features + 1)."""
    apart = values[k] - values[other]
    return float(apart[-1]), dict(zip((*row.numeric_names, *row.categorical_names), map(float, apart), strict=False))


def design_names(view: AnyView, row: Features) -> list[str]:
    """The feature that each column of a design matrix is made of."""
    if isinstance(view, View):
        numeric = row.numeric_names
        bends = [numeric[j] for j in np.nonzero(~np.isnan(view.knots))[0]]
        levels = [row.categorical_names[j] for j in view.level_column]
        return [*numeric, *(numeric[j] for j in view.flagged), *bends, *levels]
    assert isinstance(view, TextView | VectorView)
    names = design_names(view.base, row)
    if isinstance(view, VectorView):
        return names + _vector_names(view.kind, row, len(view.mean))
    for terms in view.terms:
        lines = terms.names.tobytes().decode(errors="replace").split("\n") if len(terms.idf) else []
        names += [f"{terms.column}: {'letters ' if terms.kind == 'letters' else ''}{term!r}" for term in lines]
    return names + _vector_names("text", row, len(view.mean))


def _vector_names(kind: str, row: Features, many: int) -> list[str]:
    """Each column of texts or photos has an equal share of the vectors' columns."""
    columns = [raw.name for raw in row.raw if raw.kind == kind]
    what = "meaning" if kind == "text" else "picture"
    return [f"{name} ({what})" for name in columns for _ in range(many // len(columns))] if many else []


def _mean(parts: Sequence[Parts]) -> Parts:
    return _summed([(1 / len(parts), each) for each in parts])


def _summed(parts: Sequence[tuple[float, Parts]]) -> Parts:
    """By weight."""
    amounts: dict[str, float] = {}
    for weight, (_, found) in parts:
        for name, amount in found.items():
            amounts[name] = amounts.get(name, 0.0) + weight * amount
    return sum(weight * base for weight, (base, _) in parts), amounts


def _value(name: str, row: Features, table: Any) -> str:
    """What the row has there, as it came; of a part of a date the number."""
    if name in table.column_names:
        cell = table.column(name)[0].as_py()
        text = "missing" if cell is None else f"{cell:g}" if isinstance(cell, float) else str(cell)
        return text if len(text) <= 40 else text[:39] + "…"
    if name in row.numeric_names:
        number = row.numeric[0, row.numeric_names.index(name)]
        return "missing" if np.isnan(number) else f"{number:g}"
    return ""
