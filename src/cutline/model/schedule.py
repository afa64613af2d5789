"""Training members on folds within a budget: timed, skipped by name when they cannot finish, kept in a folder."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline.data import replacing
from cutline.errors import DataError, InputError
from cutline.model.member import (
    Array,
    Deadline,
    Learner,
    Member,
    OutOfTime,
    Path,
    Rows,
    packed,
    smoothed,
    stages,
    unpacked,
)

Say = Callable[[str], None]


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
        number = budget.strip().rstrip("hmins ").strip()
        unit = budget.strip()[len(number) :].strip()
        scale = {"s": 1, "": 1, "sec": 1, "min": 60, "m": 60, "h": 3600}.get(unit)
        try:
            value = float(number) * scale if scale else None
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
        self._start = time.monotonic() - spent

    @property
    def elapsed(self) -> float:
        """Seconds since the start, those before an interruption included."""
        return time.monotonic() - self._start

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
        One for each fold.
    out : ndarray, shape (n, k)
        Predictions for each row by the model that did not see it; its stage was chosen by the other folds.
    stages : tuple of int
    seconds : float
        Over all folds, as if they had been run one after the other.
    """

    name: str
    bag: tuple[Member, ...]
    out: Array
    stages: tuple[int, ...]
    seconds: float


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
        lines = self._about.read_text(encoding="utf-8").split("\n")
        # The last line may be half written.
        events = [json.loads(line) for line in lines[:-1]]
        if not events or events[0].get("key") != key:
            wanted = "the same rows, columns, options and versions as in the interrupted run"
            raise DataError("checkpoint", f"the folder of another run, {str(folder)!r}", wanted)
        self.journal = events[1:]

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
        entry = {"member": name, "fold": fold}
        event = next((e for e in self.journal if {key: e.get(key) for key in entry} == entry), None)
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
    fold: NDArray[Any],
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
    made: list[Trained] = []
    skipped: list[tuple[str, str]] = []
    took: dict[str, float] = {}
    with ThreadPoolExecutor(max(1, threads)) as pool:
        for learner in learners:
            why = learner.refuses(rows) or store.skipped(learner.name)
            if not why:
                try:
                    one = _member(learner, rows, fold, seed, threads, clock, store, pool, took, first=not made)
                    made.append(one)
                    if len(made) == 1:
                        clock.kept = finish(one)
                    took[learner.name] = one.seconds / len(one.bag)
                    loss = rows.log_loss(one.out)
                    say(f"{learner.name}: log loss {loss:.4f} out of fold, {one.seconds:.1f} s")
                    continue
                except OutOfTime as reason:
                    why = str(reason)
                    store.skip(learner.name, why, clock.elapsed)
            skipped.append((learner.name, why))
            say(f"{learner.name} skipped: {why}")
    return made, skipped


def _member(
    learner: Learner,
    rows: Rows,
    fold: NDArray[Any],
    seed: int,
    threads: int,
    clock: Clock,
    store: Store,
    pool: ThreadPoolExecutor,
    took: Mapping[str, float],
    *,
    first: bool,
) -> Trained:
    numbers = [int(number) for number in np.unique(fold)]
    waves = math.ceil(len(numbers) / threads)
    limited = not first and math.isfinite(clock.left)
    if limited:
        expected = learner.expects(rows, took) * waves
        if max(expected, 0.0) >= clock.left:
            raise OutOfTime(f"no time for it: {max(clock.left, 0):.1f} s were left")

    def one(number: int, limit: float | None) -> tuple[Path, float]:
        found = store.get(learner.name, number, learner.path)
        if found is not None:
            return found
        start = time.monotonic()
        path = learner.fit(rows.take(fold != number), rows.take(fold == number), seed + number, Deadline(limit))
        seconds = time.monotonic() - start
        store.put(learner.name, number, path, seconds, clock.elapsed)
        return path, seconds

    def several(some: list[int], limit: float | None) -> list[tuple[Path, float]]:
        return list(pool.map(lambda number: one(number, limit), some))

    head, rest = numbers[:threads], numbers[threads:]
    share = clock.left / waves if limited else None
    try:
        paths = several(head, share)
    except OutOfTime:
        raise OutOfTime(f"a fold takes more than the {share:.1f} s there were for it") from None
    need = max(each for _, each in paths) * (waves - 1)
    if rest and limited and need > clock.left:
        left = max(clock.left, 0.0)
        raise OutOfTime(f"a fold took {paths[0][1]:.1f} s, and {left:.1f} s were left for the other {len(rest)}")
    paths += several(rest, None)
    at = stages([path.losses for path, _ in paths])
    bag = tuple(path.at(stage) for (path, _), stage in zip(paths, at, strict=True))
    out = np.empty((rows.n, rows.k))
    for number, member in zip(numbers, bag, strict=True):
        held = fold == number
        out[held] = smoothed(member(rows.take(held).features), rows.n)
    return Trained(learner.name, bag, out, tuple(at), sum(each for _, each in paths))
