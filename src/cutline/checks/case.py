"""What checks look at: scores, and whatever else was said about them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline.calibration.choose import mean_of_units
from cutline.checks.finding import Finding, Seen
from cutline.decision import OperatingPoint
from cutline.evidence import Estimate
from cutline.evidence.difference import Difference
from cutline.metrics import ThresholdTable, decided
from cutline.scores import Scores

SAMPLE = 100_000
"""Rows that detectors look at: enough to see what matters, few enough not to be felt beside the figures."""
PART = 20_000
"""Rows of these for what takes several passes."""
Z = 4.5
"""Standard errors that a finding needs: 7 in a million by chance, which leaves room for what is only nearly normal."""


@dataclass(frozen=True, eq=False)
class Case:
    """Scores that are checked, with what else is known; detectors take what they need from here.

    Attributes
    ----------
    scores : Scores
        As they were passed.
    given : mapping of str to object
        What else was passed to `check`, by keyword; what was not is missing.
    table : ThresholdTable or None
        Of all rows that count, when it was made before.
    estimates : tuple of Estimate
        Figures that were computed from these rows.
    claims : mapping of str to float
        Figures that somebody reported, by metric.
    differences : tuple of Difference
        Of a comparison.
    """

    scores: Scores
    given: Mapping[str, Any] = field(default_factory=dict)
    table: ThresholdTable | None = None
    estimates: tuple[Estimate, ...] = ()
    claims: Mapping[str, float] = field(default_factory=dict)
    differences: tuple[Difference, ...] = ()
    seed: int = 0
    confidence: float = 0.95

    def has(self, need: str) -> bool:
        """Whether it has what a check needs: a property of the scores, or something that was passed."""
        if need == "decides":
            return self.decision is not None
        return self.traits[need] if need in self.traits else self.given.get(need) is not None

    @cached_property
    def traits(self) -> dict[str, bool]:
        """Properties that checks need."""
        scores, known = self.scores, self.known
        return {
            "truth": known is not None,
            "binary": scores.binary,
            "several": not scores.binary,
            "order": scores.kind != "label",
            "labels": scores.kind == "label",
            "probability": scores.kind in ("probability", "logit"),
            "both": known is not None and scores.binary and 0 < known.n_pos < known.n,
            "figures": bool(self.estimates or self.claims),
            "claims": bool(self.claims),
            "differences": bool(self.differences),
            "ids": scores.ids is not None,
        }

    @cached_property
    def known(self) -> Scores | None:
        """The rows that count; None without truth."""
        if self.scores.truth is None or not self.scores.counting.any():
            return None
        return self.scores.known()

    @cached_property
    def some(self) -> NDArray[np.int64] | None:
        """Numbers of the rows looked at, among those that count, one of each stretch; None for all."""
        known = self.known
        n = self.scores.n if known is None else known.n
        if n <= SAMPLE:
            return None
        start = np.arange(SAMPLE) * n // SAMPLE
        # One at random of each stretch: distinct and in order without a sort.
        return start + np.random.default_rng(self.seed).integers(0, n // SAMPLE, SAMPLE)

    @cached_property
    def rows(self) -> Scores:
        """The rows looked at: those that count, at most `SAMPLE`; without truth of all."""
        known = self.scores if self.known is None else self.known
        return known if self.some is None else known.take(self.some)

    @cached_property
    def part(self) -> Scores:
        """Some of the rows looked at, for what takes several passes."""
        rows = self.rows
        return rows if rows.n <= PART else rows.take(np.arange(PART) * rows.n // PART)

    @cached_property
    def bias(self) -> tuple[float, float]:
        """Two classes: mean probability less the share of positives, and its standard error."""
        return self.mean(self.rows.probability - self.rows.is_positive)

    @cached_property
    def sorted(self) -> ThresholdTable:
        """Counts at every threshold of the rows looked at, or the table of all that was made before."""
        return ThresholdTable.from_scores(self.rows) if self.table is None else self.table

    @cached_property
    def whole(self) -> ThresholdTable | None:
        """The table of all rows that count; None where only a sample was sorted."""
        return self.sorted if self.table is not None or self.some is None else None

    @cached_property
    def decision(self) -> NDArray[Any] | None:
        """Codes decided for `rows`: as passed, by the point, at the threshold, or the labels; None where nothing is."""
        codes, point, at = (self.given.get(name) for name in ("decision", "point", "at"))
        if codes is not None:
            codes = codes if self.known is None else codes[self.scores.counting]
            return codes if self.some is None else codes[self.some]
        if isinstance(point, OperatingPoint) and point.kind == self.scores.kind:
            return point.codes(self.rows) if point.threshold is not None else None
        if at is not None and self.scores.binary:
            return decided(self.rows, at)
        return decided(self.rows) if self.scores.kind == "label" else None

    def mean(self, values: NDArray[Any], rows: Scores | None = None) -> tuple[float, float]:
        """Weighted mean of a number for each row looked at, and its standard error; rows in clusters by clusters."""
        mean, error, _ = mean_of_units(values, self.rows if rows is None else rows)
        return mean, error


@dataclass(frozen=True, slots=True)
class Check:
    """One check.

    Attributes
    ----------
    code : str
        Of the trap.
    name : str
        The trap in a few words.
    needs : tuple of str
        What it needs: properties of the scores, or keywords of `check`.
    rate : float
        At most this share of clean data sets of 500 rows or more is found; 0 where what is found is a fact.
    detect : callable
        Looks at a `Case`; None when all is well.
    unless : tuple of str
        Codes that explain what it would see: where one of them was found, it does not look.
    """

    code: str
    name: str
    needs: tuple[str, ...]
    rate: float
    detect: Callable[[Case], Seen | None]
    unless: tuple[str, ...] = ()

    def run(self, case: Case) -> Finding | None:
        """What it finds, where the case has what it needs."""
        seen = self.detect(case)
        if seen is None:
            return None
        silence = f'cl.check(scores, ignore=["{self.code}"])'
        return Finding(self.code, self.name, seen.seen, seen.why, seen.fix_code, silence, seen.mend)
