"""The recipe: members on the same folds, blended by log loss out of fold, then calibrated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline.calibration import Calibration, calibrate
from cutline.data import Features, Schema, features, infer_schema
from cutline.errors import UnknownName
from cutline.evidence import stratified_folds
from cutline.labels import Classes
from cutline.model.linear import PATH, Linear, fit_path
from cutline.model.trees import Trees, fit_trees, settings
from cutline.scores import Scores

Array = NDArray[np.float64]
Member = Linear | Trees
Say = Callable[[str], None]

FAMILIES: dict[str, tuple[str, ...]] = {"linear": ("linear", "splines"), "lightgbm": ("trees",)}
"""Families that can be asked for, and their members."""

PATH_ROWS = 10_000
"""Rows that the penalty of logistic regression is chosen on: more do not move it."""
BLEND_STEPS = 25
CHUNK = 50_000
"""Rows predicted at a time: a design matrix of more would fill the memory."""


@dataclass(frozen=True, slots=True)
class MemberPlan:
    """One member as it was run: its settings, rounds per fold for trees, log loss out of fold, weight in the blend."""

    name: str
    settings: dict[str, Any]
    log_loss: float
    weight: float


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """What the recipe makes of labelled rows.

    Attributes
    ----------
    schema : Schema
        Of the rows it was fitted on.
    bag : tuple of (float, tuple of members)
        Weight in the blend and one model for each fold, for each member with a weight.
    calibration : Calibration
        Fitted on the out-of-fold blend.
    out_of_fold : Scores
        The rows with cross-fitted calibrated probabilities: what a cut may be chosen on.
    members : tuple of MemberPlan
        All that were tried.
    """

    schema: Schema
    classes: Classes
    bag: tuple[tuple[float, tuple[Member, ...]], ...]
    calibration: Calibration
    out_of_fold: Scores
    members: tuple[MemberPlan, ...]
    folds: int


def run(
    table: Any,
    codes: NDArray[np.int32],
    classes: Classes,
    *,
    target: str,
    types: Any,
    drop: Any,
    families: Sequence[str] | None,
    folds: int,
    seed: int,
    threads: int,
    say: Say,
) -> Fitted:
    """Fit members, blend and calibrator on a table and its class codes."""
    schema = infer_schema(table, target=target, types=types, drop=drop)
    found = features(schema, table)
    fold = stratified_folds(codes, folds, seed)
    out, bags, plans = {}, {}, {}
    for name in _names(families, found):
        say(f"{name}: {folds} folds of {found.n:,} rows, {classes.k} classes")
        fit = _fit_trees if name == "trees" else _fit_linear
        bags[name], plans[name] = fit(name, found, codes, fold, classes.k, seed, threads)
        out[name] = np.empty((found.n, classes.k))
        for number, member in enumerate(bags[name]):
            out[name][fold == number] = smoothed(member(rows(found, fold == number)), found.n)
    weights = blend([out[name] for name in out], codes)
    pooled = sum((w * out[name] for w, name in zip(weights, out, strict=True)), start=np.zeros((found.n, classes.k)))
    calibration = calibrate(as_scores(pooled, classes, codes), seed=seed)
    tried = tuple(
        MemberPlan(name, plans[name], log_loss(out[name], codes), float(w))
        for w, name in zip(weights, out, strict=True)
    )
    for one in tried:
        say(f"{one.name}: log loss {one.log_loss:.4f} out of fold, weight {one.weight:.2f}")
    bag = tuple((float(w), bags[name]) for w, name in zip(weights, out, strict=True) if w > 0)
    held = calibration.cross_fitted.with_role("out-of-fold")
    return Fitted(schema, classes, bag, calibration, held, tried, folds)


def blended(bag: Sequence[tuple[float, Sequence[Member]]], found: Features, k: int, n_train: int) -> Array:
    """The weighted mean over members of the mean over folds, shape (n, k)."""
    total = np.zeros((found.n, k))
    for start in range(0, found.n, CHUNK):
        part = rows(found, np.arange(start, min(start + CHUNK, found.n)))
        for weight, members in bag:
            for member in members:
                total[start : start + CHUNK] += weight / len(members) * smoothed(member(part), n_train)
    return total


def as_scores(p: Array, classes: Classes, codes: NDArray[np.int32] | None, **more: Any) -> Scores:
    """Scores of kind probability from an array (n, k) in the order of the classes; code -1 is a missing label."""
    truth = None if codes is None else classes.decode(codes)
    return Scores(y_true=truth, y_score=p, classes=classes, kind="probability", **more)


def smoothed(p: Array, n: int) -> Array:
    """Probabilities with 1/(n + 1) parts of the uniform distribution: n rows cannot make a class impossible."""
    mix = 1 / (n + 1)
    return (1 - mix) * p / p.sum(axis=1, keepdims=True) + mix / p.shape[1]


def rows(found: Features, pick: NDArray[Any]) -> Features:
    """The features of some rows."""
    return replace(found, numeric=found.numeric[pick], codes=found.codes[pick])


def log_loss(p: Array, codes: NDArray[Any]) -> float:
    """Mean -log of the probability of the true class."""
    return float(-np.log(p[np.arange(len(codes)), codes]).mean())


def blend(outs: Sequence[Array], codes: NDArray[Any]) -> Array:
    """Greedy weights: in each of 25 steps the member is added that lowers the log loss of the mean most.

    Caruana, Niculescu-Mizil, Crew & Ksikes 2004, with repetition. Deterministic; ties go to the first, simpler member.
    """
    taken = np.zeros(len(outs))
    pooled = np.zeros_like(outs[0])
    for step in range(BLEND_STEPS):
        losses = [log_loss((pooled + p) / (step + 1), codes) for p in outs]
        best = int(np.argmin(losses))
        taken[best] += 1
        pooled += outs[best]
    return taken / BLEND_STEPS


def _names(families: Sequence[str] | None, found: Features) -> list[str]:
    wanted = list(FAMILIES) if families is None else list(families)
    for family in wanted:
        if family not in FAMILIES:
            raise UnknownName.among("families", family, FAMILIES)
    names = [member for family in FAMILIES if family in wanted for member in FAMILIES[family]]
    numeric = found.numeric.shape[1]
    # Hinges are five columns for each numeric one: of no use without any, too many when columns rival rows.
    if "splines" in names and not 0 < 5 * numeric <= min(1000, found.n):
        names.remove("splines")
    elif "splines" in names and found.n > 20_000:
        names.remove("linear")  # with so many rows the larger view is never the worse one
    return names


def _fit_linear(
    name: str, found: Features, codes: NDArray[Any], fold: NDArray[Any], k: int, seed: int, threads: int
) -> tuple[tuple[Member, ...], dict[str, Any]]:
    splines = name == "splines"
    numbers = np.unique(fold)
    small = found.n <= PATH_ROWS
    paths = []
    losses = np.zeros(len(PATH))
    for number in numbers if small else numbers[:1]:
        train, held = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        if not small:  # the penalty is chosen on some rows of the first fold
            shuffled = np.random.default_rng(seed).permutation(train)
            train, held = np.sort(shuffled[:PATH_ROWS]), held[:PATH_ROWS]
        paths.append(fit_path(rows(found, train), codes[train], k, PATH, splines=splines))
        view = rows(found, held)
        losses += [log_loss(smoothed(model(view), found.n), codes[held]) for model in paths[-1]]
    best = int(losses.argmin())
    if small:
        members = tuple(path[best] for path in paths)
    else:
        members = tuple(
            fit_path(rows(found, fold != n), codes[fold != n], k, [PATH[best]], splines=splines)[0] for n in numbers
        )
    return members, {"C": PATH[best], "columns": members[0].weights.shape[0]}


def _fit_trees(
    name: str,
    found: Features,
    codes: NDArray[Any],
    fold: NDArray[Any],
    k: int,
    seed: int,
    threads: int,
) -> tuple[tuple[Member, ...], dict[str, Any]]:
    def one(number: int) -> Trees:
        train, held = fold != number, fold == number
        return fit_trees(rows(found, train), codes[train], rows(found, held), codes[held], k, seed=seed)

    # Folds side by side, one thread each: the bytes then do not depend on the number of threads, and no thread waits
    # for another at every split, which costs a busy machine most of its time.
    with ThreadPoolExecutor(max(1, threads)) as pool:
        members = tuple(pool.map(one, np.unique(fold)))
    used = settings(found.n, found.numeric.shape[1] + found.codes.shape[1], k, seed)
    return members, {**used, "rounds": [member.rounds for member in members]}
