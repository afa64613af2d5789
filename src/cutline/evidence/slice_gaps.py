"""The difference of a figure between a part of the rows and all others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cutline.evidence.binned import Binned, binned
from cutline.evidence.figures import figure_of
from cutline.evidence.influence import Influence
from cutline.evidence.intervals import Replicates
from cutline.evidence.means import influence_of, of_f1, of_means, share_of_rows
from cutline.evidence.redraw import Resampled, Sums, by_weights, class_units, member_of, plan
from cutline.evidence.several import part_of, recentred, settled, sides
from cutline.evidence.studentized import welch
from cutline.evidence.two_sides import WithP
from cutline.metrics import Metric
from cutline.scores import Scores


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """A part of the rows: its partition, its rows, shape (n,), and the figure inside and outside."""

    partition: str
    inside: NDArray[np.bool_]
    values: tuple[float, float]


def differences(
    metric: Metric, known: Scores, parts: list[Side], cut: float | None, replicates: int, seed: int
) -> list[WithP]:
    """Inside minus outside for every part."""
    if not parts:
        return []
    if share_of_rows(metric, known, cut) is not None:
        return [_of_means(metric, known, part, cut) for part in parts]
    if metric.name == "f1":
        made = [of_f1(known.take(part.inside), known.take(~part.inside), (cut, cut)) for part in parts]
        if all(one is not None for one in made):
            return [one for one in made if one is not None]
    return _resampled(metric, known, parts, cut, replicates, seed)


def _of_means(metric: Metric, known: Scores, part: Side, cut: float | None) -> WithP:
    one, two = known.take(part.inside), known.take(~part.inside)
    first, second = share_of_rows(metric, one, cut), share_of_rows(metric, two, cut)
    assert first is not None
    assert second is not None
    if known.groups is None:
        found = of_means(metric, one, two, first, second, paired=False)
        assert found is not None
        return found
    gap = _both_sides(influence_of(metric, one, first), influence_of(metric, two, second), part.inside, known)
    low, high = metric.range
    made = welch(gap.value, gap.spreads, "t, clusters", (low - high, high - low))
    if made.state != "degenerate" or made.value == 0:
        return made
    return sides(metric, (one, two), (cut, cut), independent=False) or made


def _both_sides(inside: Influence, outside: Influence, mask: NDArray[np.bool_], known: Scores) -> Influence:
    """The difference as a figure of all rows: a cluster with rows on both sides enters once."""
    parts = []
    for rows, one, sign in ((mask, inside, 1.0), (~mask, outside, -1.0)):
        for part in one.parts:
            whole = np.zeros(known.n)
            whole[rows] = sign * part
            parts.append(whole)
    units, effective = inside.units + outside.units, inside.effective + outside.effective
    return Influence(inside.value - outside.value, tuple(parts), units, effective, member_of(known))


def _resampled(
    metric: Metric, known: Scores, parts: list[Side], cut: float | None, replicates: int, seed: int
) -> list[WithP]:
    """By the bootstrap of all rows, clusters whole; all slices see the same resampled rows."""
    figure = binned(metric, known, cut)
    drawn = (
        _by_weights(metric, known, parts, cut, replicates, seed)
        if figure is None
        else _by_bins(figure, known, parts, replicates, seed)
    )
    how, made = "bootstrap" if known.groups is None else "cluster bootstrap", []
    for part, gap in zip(parts, drawn, strict=True):
        rows = known.take(part.inside), known.take(~part.inside)
        units = min(class_units(one, member_of(one)) for one in rows)
        found: WithP = Resampled(Replicates(settled(gap, part.values[0] - part.values[1]), how), units)
        if found.state == "degenerate" and part.values[0] != part.values[1]:
            found = sides(metric, rows, (cut, cut), independent=known.groups is None) or found
        made.append(found)
    return made


def _by_bins(figure: Binned, known: Scores, parts: list[Side], replicates: int, seed: int) -> list[NDArray[np.float64]]:
    """Replicates of every difference from sums over bins: outside is all rows less those inside."""
    planned = plan(known, [(figure.bins, figure.size), *_codes(parts)], seed=seed)
    whole = Sums(planned, figure.bins, figure.size)
    inside = [Sums(planned, figure.bins, figure.size, part.inside) for part in parts]

    def values(times: NDArray[np.float64]) -> NDArray[np.float64]:
        every = whole(times)
        out = []
        for sums in inside:
            mine = sums(times)
            others = every - mine
            others[others < 1e-12 * every] = 0  # what rounding leaves of weights
            with np.errstate(invalid="ignore"):  # infinite less infinite is undefined
                out.append(figure.values(mine, sums.weighted) - figure.values(others, sums.weighted))
        return np.array(out)

    drawn = np.concatenate([values(times) for times in planned.drawn(replicates, seed)], axis=1)[:, :replicates]
    if figure.joined:
        drawn += np.array([[part.values[0] - part.values[1]] for part in parts]) - values(planned.once())
    return list(drawn)


def _codes(parts: Sequence[Side]) -> list[tuple[NDArray[np.int64], int]]:
    """For every partition the number of the slice of each row, and how many there are."""
    out = []
    for partition in dict.fromkeys(part.partition for part in parts):
        mine = [part.inside for part in parts if part.partition == partition]
        codes = np.zeros(mine[0].size, dtype=np.int64)
        for i, inside in enumerate(mine, 1):
            codes[inside] = i
        out.append((codes, len(mine) + 1))
    return out


def _by_weights(
    metric: Metric, known: Scores, parts: list[Side], cut: float | None, replicates: int, seed: int
) -> list[NDArray[np.float64]]:
    keep, share = part_of(known, known.score.size, seed)
    some = known.take(keep)
    masks = [mask for part in parts for mask in (part.inside[keep], ~part.inside[keep])]
    made = [figure_of(metric, some.take(mask), cut) for mask in masks]

    def of(i: int, w: NDArray[np.float64]) -> float:
        return made[i](w[masks[i]])

    figures = [lambda w, i=i: of(i, w) for i in range(len(made))]
    drawn = by_weights(figures, some, replicates=replicates, seed=seed)
    exact = np.array([value for part in parts for value in part.values])
    drawn = recentred(drawn, exact, figures, some.n, share)
    return [drawn[:, i] - drawn[:, i + 1] for i in range(0, len(made), 2)]
