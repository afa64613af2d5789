"""Replicates of a metric of several models over the same resampled rows, and what stands in without spread."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline.evidence.binned import binned
from cutline.evidence.estimate import estimate
from cutline.evidence.figures import Figure, figure_of
from cutline.evidence.intervals import DRAWS, CellPosterior, Replicates
from cutline.evidence.redraw import Sums, by_weights, member_of, plan
from cutline.evidence.two_sides import TwoSides
from cutline.metrics import Metric
from cutline.scores import Scores

NUMBERS = 50_000
"""Scores up to which a metric that needs them all is drawn from all rows; of more, from as many of them."""

Models = Mapping[str, tuple[Scores, float | None, float]]
"""Rows (the same for all), threshold and value of each model."""


def redrawn(metric: Metric, models: Models, replicates: int, seed: int) -> dict[str, NDArray[np.float64]]:
    """Replicates of each model over the same resampled rows, shape (replicates,)."""
    known = next(iter(models.values()))[0]
    found = {name: binned(metric, one, at) for name, (one, at, _) in models.items()}
    figures = {name: one for name, one in found.items() if one is not None}
    if len(figures) < len(models):
        return _by_weights(metric, models, replicates, seed)
    planned = plan(known, [(one.bins, one.size) for one in figures.values()], seed=seed)
    sums = {name: Sums(planned, one.bins, one.size) for name, one in figures.items()}
    out: dict[str, list[Any]] = {name: [] for name in models}
    for times in planned.drawn(replicates, seed):
        for name, one in figures.items():
            out[name].append(one.values(sums[name](times), sums[name].weighted))
    made = {name: np.concatenate(some)[:replicates] for name, some in out.items()}
    for name, one in figures.items():
        if one.joined:  # the spread about the value of the joined steps is put about that of all
            made[name] += models[name][2] - float(one.values(sums[name](planned.once()), sums[name].weighted)[0])
    return made


def left_out(metric: Metric, models: Models) -> dict[str, NDArray[np.float64]]:
    """The figure of each model without one unit, for one unit after the other."""
    known = next(iter(models.values()))[0]
    planned = plan(known)
    out = {}
    for name, (one, at, _) in models.items():
        figure = binned(metric, one, at)
        if figure is None:
            of, member = figure_of(metric, one, at), planned.unit
            out[name] = np.array([of(times[member].astype(np.float64)) for times in planned.left_out().T])
        else:
            sums = Sums(planned, figure.bins, figure.size)
            out[name] = figure.values(sums(planned.left_out()), sums.weighted)
    return out


def _by_weights(metric: Metric, models: Models, replicates: int, seed: int) -> dict[str, NDArray[np.float64]]:
    """Of metrics that need the scores: each replicate is an evaluation.

    Of many rows (or clusters) only a seeded part is drawn from, and the spread about its value is shrunk by the root of
    its share: right for metrics whose error falls with the root of n (Bickel, Gotze & van Zwet 1997).
    """
    known = next(iter(models.values()))[0]
    keep, share = part_of(known, max(one.score.size for one, _, _ in models.values()), seed)
    some = known.take(keep)
    figures = [figure_of(metric, one.take(keep), at) for one, at, _ in models.values()]
    drawn = by_weights(figures, some, replicates=replicates, seed=seed)
    drawn = recentred(drawn, np.array([value for _, _, value in models.values()]), figures, some.n, share)
    return dict(zip(models, drawn.T, strict=True))


def recentred(
    drawn: NDArray[np.float64], values: NDArray[np.float64], figures: Sequence[Figure], n: int, share: float
) -> NDArray[np.float64]:
    """Replicates of a share of the units, shape (replicates, figures), as those of all: about the values of all."""
    if share == 1:
        return drawn
    return values + math.sqrt(share) * (drawn - np.array([of(np.ones(n)) for of in figures]))


def settled(gap: NDArray[np.float64], value: float) -> NDArray[np.float64]:
    """Replicates of a difference; where they differ by no more than rounding leaves, all as the value."""
    seen = gap[~np.isnan(gap)]
    if seen.size and np.isfinite(seen).all() and np.abs(seen - value).max() <= 1e-11 * max(1.0, abs(value)):
        return np.where(np.isnan(gap), gap, value)
    return gap


def part_of(known: Scores, numbers: int, seed: int) -> tuple[NDArray[np.bool_], float]:
    """Rows to draw from, whole clusters, and the share of the units that they are."""
    member = member_of(known)
    units = int(member.max()) + 1
    kept = max(units * NUMBERS // numbers, min(units, 200))
    if kept >= units:
        return np.ones(known.n, dtype=bool), 1.0
    some = np.zeros(units, dtype=bool)
    some[np.random.default_rng(seed).choice(units, kept, replace=False)] = True
    return some[member], kept / units


def sides(
    metric: Metric, rows: tuple[Scores, Scores], at: tuple[float | None, float | None], independent: bool
) -> TwoSides | None:
    """A difference without spread from the interval of each side; None where these say nothing, either."""
    one, two = (estimate(metric, known, at=cut) for known, cut in zip(rows, at, strict=True))
    if one.ingredients is None or two.ingredients is None:
        return None
    drawn = any(isinstance(side, CellPosterior | Replicates) for side in (one.ingredients, two.ingredients))
    method = f"{one.method} of each, {'square-and-add' if independent else 'Bonferroni'}"
    low, high = metric.range
    reach = low - high, high - low
    made = TwoSides(
        (one.value, two.value), one.ingredients, two.ingredients, method, independent, 2 / DRAWS * drawn, *reach
    )
    return made if made.state == "ok" else None
