"""Plain logistic regression: coefficients per unit of each column, odds ratios, and their intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline.data import Features, features, infer_schema
from cutline.errors import DataError, InputError
from cutline.evidence import z_of
from cutline.labels import Shown
from cutline.model.member import Array, Rows
from cutline.model.problem import read_problem
from cutline.scores import softmax

STEPS = 50
TOLERANCE = 1e-9
"""Of the gain in mean log likelihood at which Newton's method stops."""
FAR = 15.0
"""A logit per standard deviation beyond this has no maximum: the classes are separated."""
LARGEST = 2000
"""Coefficients at most: their information matrix is inverted."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Coefficients(Shown):
    """A logistic regression by maximum likelihood, without penalty. Made by `coefficients`.

    Attributes
    ----------
    names : tuple of str
        The constant, the numeric columns, the missing flags and the levels: ``column``, ``column missing`` and
        ``column = level``.
    baseline : tuple of str
        The level of each categorical column that its others are compared with, as ``column = level``.
    classes : tuple
        Class j is compared with `reference`.
    reference : label
        The negative class, or the most frequent of several.
    values, errors : ndarray, shape (len(names), len(classes))
        Change of the logit of class j against the reference per unit of a column, and its standard error; nan where
        the data cannot tell: the classes are separated, or the column is a sum of others.
    n : int
        Rows.
    log_likelihood : float
    notes : tuple of str
    """

    names: tuple[str, ...]
    baseline: tuple[str, ...]
    classes: tuple[Any, ...]
    reference: Any
    values: Array
    errors: Array
    n: int
    log_likelihood: float
    notes: tuple[str, ...]

    def table(self, confidence: float = 0.95) -> list[dict[str, Any]]:
        """A row for each coefficient: its interval (Wald), the odds ratio exp(coefficient) with its own, and p."""
        from scipy.special import ndtr

        z = z_of(confidence)
        rows = []
        for j, label in enumerate(self.classes):
            for name, value, error in zip(self.names, self.values[:, j], self.errors[:, j], strict=True):
                ends = [float(value - z * error), float(value + z * error)]
                ratios = [math.exp(min(each, 700.0)) if each == each else math.nan for each in (float(value), *ends)]
                row = {"class": label, "name": name, "coefficient": float(value), "low": ends[0], "high": ends[1]}
                row |= dict(zip(("odds_ratio", "odds_low", "odds_high"), ratios, strict=True))
                rows.append(row | {"p": float(2 * ndtr(-abs(value / error))) if error == error else math.nan})
        return rows

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; nan is None."""
        rows = [{k: None if v != v else v for k, v in row.items()} for row in self.table()]
        about = {"reference": self.reference, "baseline": list(self.baseline), "n": self.n}
        return {**about, "log_likelihood": self.log_likelihood, "rows": rows, "notes": list(self.notes)}

    def __repr__(self) -> str:
        lines = [f"logistic regression of {self.n:,} rows, odds against {self.reference!r}"]
        wide = max(len(name) for name in self.names)
        for row in self.table():
            many = f"{row['class']}  " if len(self.classes) > 1 else ""
            ratio = "{odds_ratio:.4g} [{odds_low:.4g}, {odds_high:.4g}]".format(**row)
            lines.append(f"{many}{row['name']:<{wide}}  {row['coefficient']:>10.4g}  odds ratio {ratio}")
        return "\n".join([*lines, *self.notes])


def coefficients(
    data: Any,
    *,
    target: str,
    positive: Any = None,
    weight: str | None = None,
    types: Mapping[str, str] | None = None,
    drop: Any = (),
) -> Coefficients:
    """Fit a logistic regression without penalty and tell what each column does to the odds.

    Parameters
    ----------
    data : path, frame or mapping
        The rows. A missing number counts as the median of its column, and gets a flag of its own.
    target : str
        The column to explain.
    positive : label, optional
        The positive class of a binary problem.
    weight : str, optional
        A column of frequencies or importances; they are scaled to a mean of 1.
    types, drop : optional
        As of `fit`. Texts and photos are left out.

    Returns
    -------
    Coefficients

    Raises
    ------
    DataError
        As of `fit`, or as many columns as rows.

    Notes
    -----
    Newton's method; standard errors from the inverse of the information matrix, intervals by Wald. They hold for the
    model as it stands: columns that were left out, or bend, are not accounted for.

    Examples
    --------
    >>> found = coefficients({"dose": [0.5, 2, 3, 4, 5, 6, 7, 8, 9, 10],
    ...     "ill": ["no", "no", "yes", "no", "no", "yes", "no", "yes", "yes", "yes"]}, target="ill", positive="yes")
    >>> [round(row["odds_ratio"], 2) for row in found.table()]
    [0.05, 1.71]
    """
    problem = read_problem(data, target, positive, None, weight)
    left_out = [*([drop] if isinstance(drop, str) else drop), *([weight] if weight else [])]
    schema = infer_schema(problem.table, target=target, types=types, drop=left_out)
    k = problem.classes.k
    rows = Rows(features(schema, problem.table), problem.codes, problem.weight, k, problem.n)
    levels = [column.levels for column in schema.used if column.kind == "categorical"]
    x, names, baseline = _columns(rows.features, levels)
    reference = int(np.bincount(rows.codes, minlength=k).argmax())
    if problem.classes.binary:
        reference = problem.classes.index(problem.classes.negative)
    others = [code for code in range(k) if code != reference]
    if x.shape[1] * len(others) > LARGEST:
        raise InputError("data", f"{x.shape[1] * len(others):,} coefficients", f"at most {LARGEST:,}", "drop columns")
    if x.shape[1] >= rows.n:
        raise DataError("data", f"{x.shape[1]:,} columns for {rows.n:,} rows", "more rows than columns")
    values, errors, likelihood, notes = _fitted(x, names, rows, others)
    labels = problem.classes.names
    told = (*problem.notes, *schema.notes, *notes)
    found = tuple(labels[code] for code in others)
    return Coefficients(names, baseline, found, labels[reference], values, errors, rows.n, likelihood, told)


def _columns(found: Features, levels: Sequence[tuple[str, ...]]) -> tuple[Array, tuple[str, ...], tuple[str, ...]]:
    """The design matrix in the units of the columns, the names of its columns, and the levels left out."""
    gone = np.isnan(found.numeric)
    middle = [np.median(x[~g]) if not g.all() else 0.0 for x, g in zip(found.numeric.T, gone.T, strict=True)]
    parts, names = [np.ones((found.n, 1)), np.where(gone, middle, found.numeric)], ["constant", *found.numeric_names]
    flagged = np.flatnonzero(gone.any(axis=0))
    parts.append(gone[:, flagged].astype(float))
    names += [f"{found.numeric_names[j]} missing" for j in flagged]
    baseline: list[str] = []
    for j, column in enumerate(found.categorical_names):
        codes = found.codes[:, j]
        present, counts = np.unique(codes, return_counts=True)
        most = present[counts.argmax()]
        level = {int(code): "missing" if code < 0 else levels[j][code] for code in present}
        baseline.append(f"{column} = {level[int(most)]}")
        rest = [int(code) for code in present if code != most]
        parts.append((codes[:, None] == rest).astype(float))
        names += [f"{column} = {level[code]}" for code in rest]
    return np.concatenate(parts, axis=1), tuple(names), tuple(baseline)


def _fitted(x: Array, names: Sequence[str], rows: Rows, others: list[int]) -> tuple[Array, Array, float, list[str]]:
    """Values and standard errors, shape (columns, others), the log likelihood, and what could not be told."""
    weight = np.ones(rows.n) if rows.weight is None else rows.weight / rows.weight.mean()
    middle, scale = x.mean(axis=0), x.std(axis=0)
    middle[0], scale = 0.0, np.where(scale > 0, scale, 1.0)
    standard = (x - middle) / scale
    kept = _independent(standard)
    z = standard[:, kept]
    m, p = len(others), z.shape[1]
    truth = (rows.codes[:, None] == others).astype(float)
    beta, before = np.zeros((p, m)), -np.inf
    for _ in range(STEPS):
        share = softmax(np.column_stack([np.zeros(rows.n), z @ beta]))
        loss = share[np.arange(rows.n), np.where(truth.any(axis=1), 1 + truth.argmax(axis=1), 0)]
        now = float(weight @ np.log(np.maximum(loss, 1e-300)))
        if now - before < TOLERANCE * rows.n:
            break
        before = now
        slope = (z.T @ (weight[:, None] * (truth - share[:, 1:]))).T.ravel()
        information = _information(z, share[:, 1:], weight)
        beta = beta + np.linalg.solve(information + 1e-10 * np.eye(m * p), slope).reshape(m, p).T
        if np.abs(beta).max() > 2 * FAR:
            break
    # Back to the units of the columns: all but the constant are divided, and their middles go to the constant.
    back = np.diag(1 / scale[kept])
    back[0, 1:] = -(middle / scale)[kept][1:]
    covariance = np.linalg.pinv(_information(z, share[:, 1:], weight))
    far = np.abs(beta) > FAR
    values, errors = np.full((x.shape[1], m), np.nan), np.full((x.shape[1], m), np.nan)
    for j in range(m):
        block = back @ covariance[j * p : (j + 1) * p, j * p : (j + 1) * p] @ back.T
        if not far[:, j].any():  # else the likelihood has no maximum: any number would be where the search stopped
            values[kept, j], errors[kept, j] = back @ beta[:, j], np.sqrt(np.maximum(np.diag(block), 0.0))
    notes = []
    if far.any():
        which = [names[int(j)] for j in np.flatnonzero(kept)[far.any(axis=1)]]
        notes.append(f"{', '.join(which[:5])}: separates the classes in these rows: their odds have no bound")
    if not kept.all():
        which = [names[int(j)] for j in np.flatnonzero(~kept)]
        notes.append(f"{', '.join(which[:5])}: a sum of other columns, left out")
    return values, errors, now, notes


def _independent(z: Array) -> NDArray[np.bool_]:
    """Which columns are no sums of those before them, shape (columns,)."""
    kept = np.zeros(z.shape[1], dtype=bool)
    basis = np.empty((len(z), 0))
    for j, column in enumerate(z.T):
        rest = column - basis @ (basis.T @ column)
        rest = rest - basis @ (basis.T @ rest)
        size = np.linalg.norm(rest)
        if size > 1e-7 * np.linalg.norm(column):
            kept[j], basis = True, np.column_stack([basis, rest / size])
    return kept


def _information(z: Array, share: Array, weight: Array) -> Array:
    """Of all coefficients, class by class, shape (m p, m p)."""
    m, p = share.shape[1], z.shape[1]
    out = np.empty((m * p, m * p))
    for a in range(m):
        for b in range(a, m):
            pull = weight * share[:, a] * ((a == b) - share[:, b])
            block = z.T @ (pull[:, None] * z)
            out[a * p : (a + 1) * p, b * p : (b + 1) * p] = out[b * p : (b + 1) * p, a * p : (a + 1) * p] = block
    return out
