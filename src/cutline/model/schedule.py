"""Training members on folds within a budget: timed, skipped by name when they cannot finish, kept in a folder."""

from __future__ import annotations

import json
import math
import os
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path as FilePath
from time import monotonic
from typing import Any

import numpy as np

from cutline.data import replacing
from cutline.errors import DataError, InputError
from cutline.model.blend import pooled, weights
from cutline.model.folds import AGAIN, Folds
from cutline.model.member import (
    Array,
    Deadline,
    Learner,
    Member,
    OutOfTime,
    Path,
    Rows,
    packed,
    predicted,
    stages,
    unpacked,
)

Say = Callable[[str], None]
FINALS = 3
"""Models of all rows, forward in time, whose mean predicts: as folds at random give a mean of several."""
HURRY = 8.0
"""Seconds: a part of the budget is worth `HURRY` / budget times that part of the log loss (of 10 s a second 8 %, of
60 s .2 %), as who waits longer wants smaller gains. Training ends where the latest members gain less."""
LATEST, TRIES, SHORT = 0.03, 2, 20.0
"""The latest members: of this part of the budget, and so many at least; of a budget of less than `SHORT` s one."""
HOPE = 0.1
"""What a member may be hoped to gain, as a share of log loss: one whose time is worth more is not begun."""
AGAIN_PART = 0.05
"""Of the budget: what it may take to learn what the mean of the fold models gains on one of them."""
LOOKED_AT = 1_000
"""Rows whose predictions are timed."""
UNITS = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600}
"""Of a budget, in seconds."""


def seconds(budget: str | float | None) -> float | None:
    """A budget in seconds: a number, or text such as "10s", "2min", "1h".

    >>> seconds("10s"), seconds("10min"), seconds(2.5), seconds(None)
    (10.0, 600.0, 2.5, None)
    """
    wanted, hint = "seconds above 0, or text such as '60s'", "budget='10s', '60s' or '10min'"
    if budget is None:
        return None
    value: Any = budget
    if isinstance(budget, str):
        found = re.fullmatch(r"\s*(.+?)\s*(s|min|m|h|)\s*", budget)
        try:
            value = float(found[1]) * UNITS[found[2]] if found else None
        except ValueError:
            value = None
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value < math.inf:
        raise InputError("budget", repr(budget), wanted, hint)
    return float(value)


class Clock:
    """Time since the start, and what is left of a budget."""

    def __init__(self, budget: float | None, spent: float = 0.0) -> None:
        self.budget = budget
        self.kept = 0.0
        self._start = monotonic() - spent

    @property
    def elapsed(self) -> float:
        """Seconds since the start, those before an interruption included."""
        return monotonic() - self._start

    @property
    def left(self) -> float:
        """Seconds left for training, without those that are `kept` for what follows; infinite without a budget."""
        return math.inf if self.budget is None else self.budget - self.kept - self.elapsed


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A member that was trained on all folds.

    Attributes
    ----------
    name : str
    bag : tuple of Member
        One for each fold; when folds go forward in time, those of all rows.
    out : ndarray, shape (n, k)
        Predictions for each row by the model that did not see it; its stage was chosen by the other folds. nan for
        rows that are only learned from.
    stages : tuple of int
    seconds : float
        Over all folds, as if they had been run one after the other.
    again : ndarray, shape (m, k), or None
        Predictions for the rows of the fold drawn anew, by the last model of the bag.
    """

    name: str
    bag: tuple[Member, ...]
    out: Array
    stages: tuple[int, ...]
    seconds: float
    again: Array | None = None


class Store:
    """A folder with what has been trained so far; without a folder it forgets.

    A file for each finished fold, written under another name and then renamed, and a journal of what was decided.
    """

    def __init__(self, folder: str | os.PathLike[str] | None, key: str, *, resume: bool) -> None:
        self.folder = None if folder is None else FilePath(folder)
        self.journal: list[dict[str, Any]] = []
        if self.folder is None:
            if resume:
                raise InputError("resume", "True without a folder", "checkpoint= with that of the interrupted run")
            return
        self._about = self.folder / "run.jsonl"
        if not self._about.exists():
            if resume:
                raise InputError("resume", f"no run in {str(folder)!r}", "the folder of an interrupted run")
            self.folder.mkdir(parents=True, exist_ok=True)
            self._write({"key": key})
            return
        if not resume:
            came, hint = f"a folder with a run in it, {str(folder)!r}", "resume=True to go on with it"
            raise InputError("checkpoint", came, "a new folder", hint)
        written = self._about.read_text(encoding="utf-8")
        whole = written[: written.rfind("\n") + 1]
        try:
            events = [json.loads(line) for line in whole.splitlines()]
        except ValueError:
            raise DataError("checkpoint", f"a damaged journal, {str(self._about)!r}", "the one of the run") from None
        if not events or events[0].get("key") != key:
            wanted = "the same rows, columns, options and versions as in the interrupted run"
            raise DataError("checkpoint", f"the folder of another run, {str(folder)!r}", wanted)
        self.journal = events[1:]
        if whole != written:  # the last line was half written: what comes next must not be appended to it
            with replacing(self._about) as draft:
                draft.write_text(whole, encoding="utf-8")

    @property
    def spent(self) -> float:
        """Seconds that the interrupted run had taken at its last entry."""
        return max((float(event["at"]) for event in self.journal), default=0.0)

    def skipped(self, name: str) -> str | None:
        """Why the interrupted run skipped a member, if it did."""
        return next((event["why"] for event in self.journal if event.get("skipped") == name), None)

    def skip(self, name: str, why: str, at: float) -> None:
        """Note that a member was skipped."""
        self._write({"skipped": name, "why": why, "at": at})

    def get(self, name: str, fold: int, kind: Any) -> tuple[Path, float] | None:
        """A finished fold and the seconds it took."""
        event = next((e for e in self.journal if (e.get("member"), e.get("fold")) == (name, fold)), None)
        if event is None or self.folder is None:
            return None
        return kind.from_arrays(unpacked((self.folder / f"{name}-{fold}.npz").read_bytes())), float(event["seconds"])

    def put(self, name: str, fold: int, path: Path, took: float, at: float) -> None:
        """Keep a finished fold."""
        if self.folder is None:
            return
        with replacing(self.folder / f"{name}-{fold}.npz") as draft:
            draft.write_bytes(packed(path.arrays()))
        self._write({"member": name, "fold": fold, "seconds": took, "at": at})

    def _write(self, event: Mapping[str, Any]) -> None:
        if self.folder is None:
            return
        with open(self._about, "a", encoding="utf-8") as file:
            file.write(json.dumps(event) + "\n")
            file.flush()
            os.fsync(file.fileno())


def train(
    learners: Sequence[Learner],
    rows: Rows,
    fold: Folds,
    *,
    seed: int,
    threads: int,
    clock: Clock,
    store: Store,
    say: Say,
    finish: Callable[[Trained], float] = lambda one: 0.0,
) -> tuple[list[Trained], list[tuple[str, str]]]:
    """Train members in order, each on all folds, until the time is used up.

    The first is trained whatever the clock says. Of any other the first folds are timed; when the rest would not fit
    into the time left it is skipped. ``finish(first member) -> seconds`` tells how long the rest of the fit will take.

    Returns
    -------
    trained : list of Trained
    skipped : list of (str, str)
        Names of the others, and why.
    """
    from sklearn.exceptions import ConvergenceWarning

    made: list[Trained] = []
    skipped: list[tuple[str, str]] = []
    losses: dict[str, float] = {}
    blends: list[float] = []
    with warnings.catch_warnings(), ThreadPoolExecutor(max(1, threads)) as pool:
        # Here too: what a fit ignores, another that ends beside it in its thread would bring back.
        warnings.simplefilter("ignore", ConvergenceWarning)
        run = _Run(rows, fold, seed, threads, clock, store, pool)
        for learner in learners:
            why = (
                learner.refuses(rows)
                or store.skipped(learner.name)
                or _not_worth_it(made, blends, clock.budget, threads)
            )
            if not why:
                try:
                    one = run.member(learner, made)
                    made.append(one)
                    if len(made) == 1:
                        clock.kept = finish(one)
                    losses[learner.name] = _tried(rows, fold, [one], seed)
                    blends.append(_tried(rows, fold, made, seed))
                    best = min(losses, key=losses.__getitem__)
                    left = "" if clock.budget is None else f", {max(clock.left, 0):.0f} s left"
                    found = f"log loss {losses[learner.name]:.4f} out of fold in {one.seconds:.1f} s"
                    say(f"{learner.name}: {found}; best {best} {losses[best]:.4f}{left}")
                    continue
                except OutOfTime as reason:
                    why = str(reason)
                    store.skip(learner.name, why, clock.elapsed)
            skipped.append((learner.name, why))
            say(f"{learner.name} skipped: {why}")
    return made, skipped


def once_more(
    learners: Sequence[Learner],
    trained: Sequence[Trained],
    rows: Rows,
    fold: Folds,
    *,
    seed: int,
    threads: int,
    clock: Clock,
    store: Store,
) -> list[Trained]:
    """Train some members on a fold drawn anew, across the others, if that takes a small part of the budget.

    Of its rows two models then know nothing, and how far these disagree tells what the mean of many gains on one. The
    model joins the bag. It is trained to the middle one of the stages that were chosen.
    """
    if fold.again is None:
        return list(trained)
    by_name = {learner.name: learner for learner in learners}
    takes = sum(one.seconds / len(one.stages) for one in trained) / threads
    why = store.skipped("again") or ""
    if not why and clock.budget is not None and takes > min(clock.left, AGAIN_PART * clock.budget):
        why = f"about {takes:.1f} s"
        store.skip("again", why, clock.elapsed)
    if why:
        return list(trained)
    again = rows.take(fold.again).features

    with ThreadPoolExecutor(max(1, threads)) as pool:
        run = _Run(rows, fold, seed, threads, clock, store, pool)

        def model(one: Trained) -> Trained:
            until = int(np.median(one.stages))
            path, took = run.fold_of(by_name[one.name], AGAIN, None, until)
            member = path.at(until)
            (out,) = predicted([[member]], again, rows.k, rows.n)
            bag, at = (*one.bag, member), (*one.stages, until)
            return replace(one, bag=bag, stages=at, seconds=one.seconds + took, again=out)

        return list(pool.map(model, trained))


def _tried(rows: Rows, fold: Folds, made: Sequence[Trained], seed: int) -> float:
    """Log loss out of fold of the blend of some members."""
    outs, some = [one.out[fold.late] for one in made], rows.take(fold.late)
    return some.log_loss(pooled(outs, weights(outs, some, seed)))


def _not_worth_it(made: Sequence[Trained], blends: Sequence[float], budget: float | None, threads: int) -> str:
    """Why no more members are worth their time: the latest gained too little for their share of the budget."""
    if budget is None:
        return ""
    latest, took = 0, 0.0
    while latest < (1 if budget < SHORT else TRIES) or took < LATEST * budget:
        latest += 1
        if latest >= len(made):
            return ""
        took += made[-latest].seconds / threads
    gained = 1 - blends[-1] / blends[-1 - latest]
    if gained >= _worth(took, budget):
        return ""
    names = " and ".join(one.name for one in made[-latest:])
    return f"{names} gained {100 * max(gained, 0.0):.2f} % of log loss in {took:.1f} s"


def _worth(took: float, budget: float | None) -> float:
    """The share of log loss that seconds have to gain."""
    return 0.0 if budget is None else HURRY * took / budget**2


@dataclass(frozen=True, slots=True, eq=False)
class _Run:
    """What all members of a run share."""

    rows: Rows
    fold: Folds
    seed: int
    threads: int
    clock: Clock
    store: Store
    pool: ThreadPoolExecutor
    shortest: dict[str, int] = field(default_factory=dict)
    """Stages of the shortest finished fold of each member."""

    def member(self, learner: Learner, before: Sequence[Trained]) -> Trained:
        """Train one on all folds; the first whatever the clock says, any other within the time that is left."""
        # Forward in time the last fold has most rows: what it takes, no other will exceed.
        numbers = self.fold.numbers[::-1] if self.fold.forward else self.fold.numbers
        # Forward in time the final models learn from all rows; what has chance in it is fitted more than once.
        finals = (1 if learner.family == "linear" else FINALS) if self.fold.forward else 0
        waves = math.ceil((len(numbers) + finals) / self.threads)
        limited = bool(before) and math.isfinite(self.clock.left)
        if limited:
            took = {one.name: one.seconds / len(one.stages) for one in before}
            expected = learner.expects(self.rows, took) * waves
            if expected >= self.clock.left:
                raise OutOfTime(f"no time for it: {max(self.clock.left, 0):.1f} s were left")
            if (wanted := _worth(expected, self.clock.budget)) > HOPE:
                raise OutOfTime(f"about {expected:.1f} s, which would have to gain {100 * wanted:.0f} % of log loss")
        head, rest = numbers[: self.threads], numbers[self.threads :]
        start = monotonic()
        there = min(self.clock.left, HOPE / _worth(1.0, self.clock.budget)) if limited else None
        try:
            learner.prepare(self.rows, Deadline(there))
        except OutOfTime:
            raise OutOfTime(f"it could not have been ready in the {there:.1f} s there were for it") from None
        ready = monotonic() - start
        share = self.clock.left / waves if limited else None
        try:
            paths = self._folds(learner, head, share)
        except OutOfTime:
            raise OutOfTime(f"a fold takes more than the {share:.1f} s there were for it") from None
        left = self.clock.left
        if limited:
            ahead = max(took for _, took in paths) * (waves - 1) + len(numbers) * self._predicts(paths[0][0], head[0])
            if ahead > left:
                said = (
                    f"a fold took {paths[0][1]:.1f} s, and {max(left, 0.0):.1f} s were left for the other {len(rest)}"
                )
                raise OutOfTime(f"{said} and the predictions")
        paths += self._folds(learner, rest, None)
        found = {number: path for number, (path, _) in zip(numbers, paths, strict=True)}
        losses = [found[number].losses for number in sorted(found)]
        at = stages(losses, forward=self.fold.forward)
        bag = tuple(found[number].at(stage) for number, stage in enumerate(at))
        out = np.full((self.rows.n, self.rows.k), np.nan)
        for number, member in enumerate(bag):
            held = self.fold.held(number)
            (out[held],) = predicted([[member]], self.rows.take(held).features, self.rows.k, self.rows.n)
        if self.fold.forward:
            until = int(losses[-1].argmin())  # of the fold that learned from most rows
            paths += self._folds(learner, [len(at) + number for number in range(finals)], None, until)
            at, bag = [*at, until], tuple(path.at(until) for path, _ in paths[-finals:])
        return Trained(learner.name, bag, out, tuple(at), ready + sum(took for _, took in paths))

    def _predicts(self, path: Path, number: int) -> float:
        """Seconds that the predictions for the held-out rows of a fold will take: many trees are slow to follow."""
        held = np.flatnonzero(self.fold.held(number))
        some = self.rows.take(held[:LOOKED_AT]).features
        start = monotonic()
        path.at(int(path.losses.argmin()))(some)
        return (monotonic() - start) * len(held) / some.n

    def _folds(
        self, learner: Learner, numbers: list[int], limit: float | None, until: int | None = None
    ) -> list[tuple[Path, float]]:
        """The path of each fold and the seconds it took, side by side."""
        return list(self.pool.map(lambda number: self.fold_of(learner, number, limit, until), numbers))

    def fold_of(
        self, learner: Learner, number: int, limit: float | None, until: int | None = None
    ) -> tuple[Path, float]:
        """The path of a fold; with `until` up to there, and forward in time of all rows.

        The latest are then tried on, but nothing is chosen by that.
        """
        found = self.store.get(learner.name, number, learner.path)
        if found is not None:
            self._ended(learner, found[0])
            return found
        start = monotonic()
        whole = until is not None and self.fold.forward
        train = self.rows if whole else self.rows.take(self.fold.rest(number))
        held = self.rows.take(self.fold.held(self.fold.numbers[-1] if whole else number))
        # Stages are taken by their mean over folds, so none beyond the shortest: the last model forward in time alone
        # knows better. How many folds are side by side makes no difference to what is kept.
        most = None if self.fold.forward else self.shortest.get(learner.name)
        most = most if until is None else until + 1
        path = learner.fit(train, held, self.seed + number, Deadline(limit, most), until)
        self._ended(learner, path)
        took = monotonic() - start
        self.store.put(learner.name, number, path, took, self.clock.elapsed)
        return path, took

    def _ended(self, learner: Learner, path: Path) -> None:
        self.shortest[learner.name] = min(len(path.losses), self.shortest.get(learner.name, len(path.losses)))
