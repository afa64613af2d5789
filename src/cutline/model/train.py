"""`fit`: a table in, a calibrated and thresholded classifier with honest figures out."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline.data import read_table, read_target
from cutline.decision import OperatingPoint, Policy, fixed, most_probable
from cutline.errors import DataError, Infeasible, LabelError
from cutline.evidence import set_apart, stratified_folds
from cutline.labels import MISSING, Classes
from cutline.model import recipe
from cutline.model.classifier import Classifier, Measured, Plan
from cutline.scores import Scores

MIN_ROWS = 10
MIN_OF_CLASS = 3
"""Of a binary target: one to fit on, one to calibrate on, one to measure on."""
NESTED_BELOW = 1000
"""With fewer rows a held-out fifth is too small to say much: the whole recipe is repeated in nested folds instead."""
SHARE = 0.2
"""Of the rows, kept apart for the test, and again for certifying."""
OUTER = 5
"""Outer folds, where figures come from nested folds."""


def fit(
    data: Any,
    *,
    target: str,
    positive: Any = None,
    policy: Policy | None = None,
    types: Mapping[str, str] | None = None,
    drop: Iterable[str] = (),
    families: Sequence[str] | None = None,
    seed: int = 0,
    threads: int | None = None,
    progress: bool = False,
) -> Classifier:
    """Fit a calibrated classifier on a table, choose its operating point, and measure it on rows of its own.

    Parameters
    ----------
    data : path, frame or mapping
        CSV, Parquet, pandas, polars, pyarrow, ...
    target : str
        The column to predict.
    positive : label, optional
        The positive class of a binary problem.
    policy : Policy, optional
        How to decide; by default for the most probable class. With a `confidence`, a fifth of the rows is set apart
        before anything else, and certifies the cut.
    types : mapping of str to str, optional
        Column types that overrule what is inferred.
    drop : iterable of str
        Columns to leave out.
    families : sequence of str, optional
        Of "linear" and "lightgbm"; both by default.
    seed : int
        Seed of splits, folds and boosting.
    threads : int, optional
        All cores by default. The same seed and data give the same bytes, whatever the number.
    progress : bool
        Show progress on standard error.

    Returns
    -------
    Classifier
        With `evaluation`: from a held-out fifth of the rows, or from nested folds below 1,000 rows.

    Raises
    ------
    DataError, LabelError
        Fewer than 10 labelled rows, one class, no usable column.
    NoFeasibleThreshold
        No threshold satisfies the policy.

    Notes
    -----
    Members (logistic regression on a linear and on a spline view, LightGBM) share stratified folds. Greedy weights and
    the calibrator are chosen by log loss on the out-of-fold predictions, the cut on their cross-fitted probabilities.
    The figures come from rows that none of these choices saw.
    """
    with _progress(progress) as say:
        table, codes, classes, notes = _labelled(data, target, positive)
        roles = _roles(codes, policy, seed, notes)
        options: dict[str, Any] = {
            "target": target,
            "types": types,
            "drop": tuple(drop),
            "families": families,
            "seed": seed,
            "threads": threads or os.cpu_count() or 1,
            "say": say,
        }
        tune = roles == "tune"
        fitted = _run(table, codes, classes, tune, options)
        notes += fitted.schema.notes
        certify = None
        if policy is not None and policy.confidence is not None:
            certify = _predicted(fitted, table, codes, roles == "certify", "certify")
        point = _choose(policy, fitted, certify, seed)
        if (roles == "test").any():
            held = _predicted(fitted, table, codes, roles == "test", "test")
            measured = Measured(codes[roles == "test"], held.probabilities, point.codes(held), nested=False)
        else:
            say("nested folds for the figures")
            measured = _nested(table, codes, classes, policy, options)
        counts = {
            str(role): int((roles == role).sum()) for role in ("tune", "certify", "test") if (roles == role).any()
        }
        members = tuple(
            {"name": m.name, "settings": m.settings, "log_loss": m.log_loss, "weight": m.weight} for m in fitted.members
        )
        plan = Plan(members, fitted.folds, seed, options["threads"], counts, _versions())
    return Classifier(
        classes,
        fitted.schema,
        fitted.bag,
        fitted.calibration.calibrator,
        point,
        plan,
        measured,
        tuple(dict.fromkeys(notes)),
    )


def _labelled(data: Any, target: str, positive: Any) -> tuple[Any, NDArray[np.int32], Classes, list[str]]:
    """The rows that have a label."""
    table = read_table(data)
    classes, codes, said = read_target(table, target, positive)
    keep = codes != MISSING
    if keep.sum() < MIN_ROWS:
        raise DataError("data", f"{int(keep.sum())} labelled row(s)", f"at least {MIN_ROWS}")
    notes = list(said)
    table, codes = table.filter(_mask(keep)), codes[keep]
    counts = np.bincount(codes, minlength=classes.k)
    rare = [f"{name!r} ({count})" for name, count in zip(classes.names, counts, strict=True) if count < 5]
    if classes.binary and counts.min() < MIN_OF_CLASS:
        few = classes.names[int(counts.argmin())]
        raise LabelError("target", f"{counts.min()} row(s) of {few!r}", f"at least {MIN_OF_CLASS} rows of each class")
    if rare:
        shown = ", ".join(rare[:5]) + (", ..." if len(rare) > 5 else "")
        notes.append(f"{len(rare)} class(es) with fewer than 5 rows: {shown}; their figures mean little")
    return table, codes, classes, notes


def _mask(keep: NDArray[np.bool_]) -> Any:
    import pyarrow as pa

    return pa.array(keep)


def _roles(codes: NDArray[np.int32], policy: Policy | None, seed: int, notes: list[str]) -> NDArray[Any]:
    """Give each row its role, "tune", "certify" or "test"; certify rows are set apart first."""
    roles = np.full(len(codes), "tune", dtype="<U7")
    certified = policy is not None and policy.confidence is not None
    if certified:
        roles[set_apart(codes, SHARE, seed)] = "certify"
        notes.append(f"{int((roles == 'certify').sum()):,} rows were set apart before the folds, to certify the cut")
    rest = np.flatnonzero(roles == "tune")
    if len(codes) >= NESTED_BELOW or certified:
        held = rest[set_apart(codes[rest], SHARE, seed + 1)]
        roles[held] = "test"
        notes.append(f"the figures are from {len(held):,} held-out rows that nothing was fitted or chosen on")
    else:
        notes.append(f"the figures are from nested folds over all {len(rest):,} rows; the classifier is fitted on all")
    return roles


def _run(
    table: Any, codes: NDArray[np.int32], classes: Classes, pick: NDArray[np.bool_], options: Mapping[str, Any]
) -> recipe.Fitted:
    n = int(pick.sum())
    folds = 3 if n > 20_000 or classes.k > 10 else 5
    return recipe.run(table.filter(_mask(pick)), codes[pick], classes, folds=folds, **options)


def _choose(policy: Policy | None, fitted: recipe.Fitted, certify: Scores | None, seed: int) -> OperatingPoint:
    return (policy or most_probable).choose(fitted.out_of_fold, certify, seed=seed)


def _predicted(
    fitted: recipe.Fitted, table: Any, codes: NDArray[np.int32], pick: NDArray[np.bool_], role: Any
) -> Scores:
    """Calibrated probabilities of rows that the recipe did not see; ids are row numbers of the labelled table."""
    from cutline.data import features

    found = features(fitted.schema, table.filter(_mask(pick)))
    p = recipe.blended(fitted.bag, found, fitted.classes.k, fitted.out_of_fold.n)
    raw = recipe.as_scores(p, fitted.classes, codes[pick], role=role, ids=np.flatnonzero(pick))
    return fitted.calibration.apply(raw)


def _nested(
    table: Any, codes: NDArray[np.int32], classes: Classes, policy: Policy | None, options: Mapping[str, Any]
) -> Measured:
    """The whole recipe repeated: each outer fold is decided by models, calibrator and cut of the others."""
    seed = options["seed"]
    outer = stratified_folds(codes, OUTER, seed + 1)
    p, decision = np.empty((len(codes), classes.k)), np.empty(len(codes), dtype=np.int32)
    for number in range(OUTER):
        fitted = _run(table, codes, classes, outer != number, {**options, "say": lambda text: None})
        held = _predicted(fitted, table, codes, outer == number, "test")
        try:
            point = _choose(policy, fitted, None, seed)
        except Infeasible as error:  # the nearest cut is what one would have had to use
            point = _choose(fixed(error.nearest.threshold), fitted, None, seed)
        decision[outer == number] = point.codes(held)
        p[outer == number] = held.probabilities
    return Measured(codes, p, decision, nested=True)


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    names = ("cutline", "numpy", "scipy", "scikit-learn", "lightgbm", "pyarrow")
    found = {"python": platform.python_version()}
    for name in names:
        try:
            found[name] = version(name)
        except Exception:  # not installed as a distribution, such as a checkout on the path
            found[name] = "unknown"
    return found


class _progress:
    """A line of progress on standard error, by rich, when asked for; else silence."""

    def __init__(self, on: bool) -> None:
        self.status: Any = None
        if on:
            from rich.console import Console

            self.console = Console(file=sys.stderr)
            self.status = self.console.status("reading")

    def __enter__(self) -> recipe.Say:
        if self.status is None:
            return lambda text: None
        self.status.start()
        return self._say

    def _say(self, text: str) -> None:
        self.status.update(text)
        if "log loss" in text:
            self.console.print(text, highlight=False)

    def __exit__(self, *error: object) -> None:
        if self.status is not None:
            self.status.stop()
