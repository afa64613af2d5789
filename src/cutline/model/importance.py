"""What a fitted classifier draws on: columns by permutation, and rows by a learning curve."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline.data import read_table
from cutline.errors import InputError
from cutline.evidence.proportions import t_of
from cutline.metrics.probability import mean_and_error, row_log_loss
from cutline.model.classifier import Classifier
from cutline.model.problem import Problem, read_problem, roles_of
from cutline.model.train import fit

LOOKED_AT = 0.2
"""Share of the rows that a learning curve is measured on."""


def importance(
    model: Classifier, data: Any, *, repeats: int = 5, confidence: float = 0.95, seed: int = 0
) -> list[dict[str, Any]]:
    """How much the log loss rises when the cells of a column are shuffled among the rows, the most first.

    Parameters
    ----------
    model : Classifier
    data : path, frame or mapping
        Rows that the model did not learn from, with their labels.
    repeats : int
        Shuffles of each column.
    confidence : float
        Of the intervals.
    seed : int
        Of the shuffles.

    Returns
    -------
    list of dict
        ``column``, ``value`` (rise in nats a row), ``low``, ``high``. It is small where others can stand in.

    Notes
    -----
    Breiman 2001. The interval is of the mean over rows of their mean rise over the shuffles, by t: it says how far
    another sample of rows would give another value; the model is given.
    """
    if repeats < 1:
        raise InputError("repeats", repr(repeats), "at least 1 shuffle")
    table = read_table(data)
    whole = model.scores(table, truth=True)
    rng = np.random.default_rng(seed)
    base = row_log_loss(whole.known())
    found: list[dict[str, Any]] = []
    for column in model.schema.used:
        at = table.column_names.index(column.name)
        rises = np.zeros(len(base))
        for _ in range(repeats):
            shuffled = table.column(at).take(rng.permutation(table.num_rows))
            changed = table.set_column(at, column.name, shuffled)
            rises += (row_log_loss(model.scores(changed, truth=True).known()) - base) / repeats
        found.append({"column": column.name} | _interval(rises, None, confidence, "value", "low", "high"))
    return sorted(found, key=lambda row: -row["value"])


def learning_curve(
    data: Any,
    *,
    target: str,
    shares: Sequence[float] = (0.1, 0.2, 0.4, 0.8),
    confidence: float = 0.95,
    **options: Any,
) -> list[dict[str, Any]]:
    """Fit on more and more rows, and look at the same others, to see whether more of them would help.

    Parameters
    ----------
    data, target, options
        As of `fit`.
    shares : sequence of float
        Shares of all rows to fit on, up to 0.8, each with the rows of the smaller ones. The other 0.2 are the ones
        looked at, the latest with ``time=``.
    confidence : float
        Of the intervals.

    Returns
    -------
    list of dict
        For each share the number of ``rows`` and their log loss on the others, ``value``, with ``low`` and ``high``;
        ``gain``, ``gain_low``, ``gain_high``: how much lower it is than at the share before, on the same rows.
    """
    shares = sorted(shares)
    if not shares or not 0 < shares[0] <= shares[-1] <= 1 - LOOKED_AT:
        raise InputError("shares", repr(shares), f"shares of the rows above 0 and up to {1 - LOOKED_AT}")
    named = ("positive", "order", "weight", "groups", "time", "types")
    given: Any = {name: options[name] for name in named if name in options}
    seed = options.get("seed", 0)
    problem = read_problem(data, target, **given)
    test = roles_of(problem, 0.0, LOOKED_AT, seed) == "test"
    others = problem.take(test)
    rank = _rank(problem, seed)
    rank[test] = np.inf
    rows, before, found = np.sort(rank), None, []
    for share in shares:
        part = problem.take(rank <= rows[round(share * problem.n) - 1])
        model = fit(part.table, target=target, **options)
        losses = row_log_loss(model.scores(others.table, truth=True))
        row = {"rows": part.n} | _interval(losses, others.weight, confidence, "value", "low", "high")
        gain = np.full(len(losses), math.nan) if before is None else before - losses
        found.append(row | _interval(gain, others.weight, confidence, "gain", "gain_low", "gain_high"))
        before = losses
    return found


def _rank(problem: Problem, seed: int) -> NDArray[np.float64]:
    """Which rows come first: the latest, or at random by whole units, evenly over the classes."""
    if problem.times is not None:
        return -problem.times
    rng = np.random.default_rng(seed)
    units = np.arange(problem.n) if problem.units is None else problem.units
    draw = rng.permutation(units.max() + 1)[units].astype(np.float64)
    if problem.units is None:
        for code in range(problem.classes.k):
            mine = problem.codes == code
            draw[mine] = (draw[mine].argsort().argsort() + rng.random()) / mine.sum()
    return draw


def _interval(values: Any, weight: Any, confidence: float, *names: str) -> dict[str, float]:
    """Mean of values of rows with its interval, under three names."""
    mean, error, n = mean_and_error(values, weight)
    wide = t_of(confidence, n - 1) * error if n > 1 else math.nan
    return dict(zip(names, (mean, mean - wide, mean + wide), strict=True))
