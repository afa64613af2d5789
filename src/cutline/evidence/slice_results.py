"""What was found in slices: each against all other rows, and how many were searched."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from cutline.errors import InputError
from cutline.evidence.estimate import Estimate, finite
from cutline.evidence.intervals import State, z_of
from cutline.evidence.two_sides import WithP
from cutline.labels import Label, Shown
from cutline.metrics import Metric


@dataclass(frozen=True, slots=True, repr=False)
class Slice(Shown):
    """One slice against all other rows.

    Attributes
    ----------
    partition : str
    name : str, int, float, bool or None
        The value that its rows share; None for the rows where the partition has no value.
    estimate : Estimate
        The figure inside, with its interval.
    others : float
        The figure of all other rows; nan when undefined.
    ingredients : WithP or None
        What the interval of the difference (inside minus others) and p come from; None where nothing was tested.
    p_holm, p_bh : float
        Adjusted over all slices tested, for claims and for screening; 1 where nothing was tested.
    shrunk : float
        Proportions: the value drawn toward that of its partition, for ranking; nan for other metrics.
    reason : str
        Why it was not tested.
    """

    partition: str
    name: Label | None
    estimate: Estimate
    others: float
    ingredients: WithP | None
    p_holm: float
    p_bh: float
    shrunk: float
    reason: str = ""

    @property
    def n(self) -> int:
        """Rows inside."""
        return self.estimate.n

    @property
    def difference(self) -> float:
        """Inside minus all others."""
        return self.estimate.value - self.others

    @property
    def p(self) -> float:
        """Two-sided p of no difference; 1 where nothing was tested."""
        return 1.0 if self.ingredients is None else self.ingredients.p

    @property
    def state(self) -> State:
        """Insufficient when there is too little support to test."""
        if self.ingredients is not None:
            return self.ingredients.state
        return "insufficient" if self.reason else "undefined"

    @property
    def method(self) -> str:
        """Name of the method of the difference."""
        return "none" if self.ingredients is None else self.ingredients.method

    def interval(self, confidence: float | None = None) -> tuple[float, float]:
        """Two-sided interval of the difference at any level."""
        level = self.estimate.confidence if confidence is None else confidence
        z_of(level)  # checks the level
        return (math.nan, math.nan) if self.ingredients is None else self.ingredients.interval(level)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON: nan and infinities become None."""
        low, high = self.interval()
        return {
            "partition": self.partition,
            "slice": self.name,
            "estimate": self.estimate.to_dict(),
            "others": finite(self.others),
            "difference": finite(self.difference),
            "low": finite(low),
            "high": finite(high),
            "p": self.p,
            "p_holm": self.p_holm,
            "p_bh": self.p_bh,
            "shrunk": finite(self.shrunk),
            "method": self.method,
            "state": self.state,
            "reason": self.reason,
        }

    def __repr__(self) -> str:
        low, high = self.interval()
        head = f"{self.partition}={self.name if self.name is not None else '(missing)'} (n={self.n:,})"
        if math.isnan(low):
            return f"{head}: {self.estimate.value:.4g}, {self.reason or self.state}"
        tail = f"difference {self.difference:+.4g} [{low:.4g}, {high:.4g}], Holm p {self.p_holm:.3g}"
        return f"{head}: {self.estimate.value:.4g} against {self.others:.4g}, {tail}"


@dataclass(frozen=True, slots=True, repr=False)
class Slices(Shown):
    """A figure over all slices that were searched.

    Attributes
    ----------
    metric : Metric
    overall : float
        The figure of all rows.
    slices : tuple of Slice
        In the order of the partitions and their values; those with little support are listed, not tested.
    n, clusters : int
        Rows, and clusters of rows (0 when independent).
    confidence : float
    """

    metric: Metric
    overall: float
    slices: tuple[Slice, ...]
    n: int
    clusters: int
    confidence: float

    @property
    def searched(self) -> int:
        """Slices looked at."""
        return len(self.slices)

    @property
    def tested(self) -> int:
        """Slices with enough support for a test: as many as p is adjusted for."""
        return sum(not one.reason for one in self.slices)

    def __getitem__(self, key: tuple[str, Any]) -> Slice:
        """The slice of a partition and a value."""
        for one in self.slices:
            if (one.partition, one.name) == tuple(key):
                return one
        raise InputError(
            "slice", repr(key), f"one of {', '.join(repr((s.partition, s.name)) for s in self.slices[:8])}"
        )

    def found(self, *, screening: bool = False) -> tuple[Slice, ...]:
        """Slices that differ from their complement: by Holm for claims, by Benjamini-Hochberg for screening."""
        alpha = 1 - self.confidence
        return tuple(s for s in self.slices if (s.p_bh if screening else s.p_holm) <= alpha and s.state == "ok")

    def worst(self, k: int = 5) -> tuple[Slice, ...]:
        """The k slices with the worst figure: shrunk, so that small ones do not lead by chance; undefined ones last.

        Metrics that are no proportions have no shrunk value: of them only slices with support are ranked.
        """
        sign = 1.0 if self.metric.maximize else -1.0
        values = [(s.estimate.value if math.isnan(s.shrunk) and not s.reason else s.shrunk, s) for s in self.slices]
        ranked = sorted((v * sign, i) for i, (v, _) in enumerate(values) if not math.isnan(v))
        return tuple(self.slices[i] for _, i in ranked[:k])

    def at(self, confidence: float) -> Slices:
        """The same with intervals and findings at another level."""
        made = tuple(replace(s, estimate=s.estimate.at(confidence)) for s in self.slices)
        return replace(self, slices=made, confidence=confidence)

    def rows(self) -> dict[str, list[Any]]:
        """The slices as columns; names as text."""
        limits, inside = [s.interval() for s in self.slices], [s.estimate.interval() for s in self.slices]
        return {
            "partition": [s.partition for s in self.slices],
            "slice": [None if s.name is None else str(s.name) for s in self.slices],
            "n": [s.n for s in self.slices],
            "value": [s.estimate.value for s in self.slices],
            "low": [low for low, _ in inside],
            "high": [high for _, high in inside],
            "others": [s.others for s in self.slices],
            "difference": [s.difference for s in self.slices],
            "difference_low": [low for low, _ in limits],
            "difference_high": [high for _, high in limits],
            "p": [s.p for s in self.slices],
            "p_holm": [s.p_holm for s in self.slices],
            "p_bh": [s.p_bh for s in self.slices],
            "shrunk": [s.shrunk for s in self.slices],
            "method": [s.method for s in self.slices],
            "state": [s.state for s in self.slices],
        }

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, with a ``schema_version``."""
        return {
            "schema_version": 1,
            "metric": self.metric.name,
            "overall": finite(self.overall),
            "slices": [one.to_dict() for one in self.slices],
            "searched": self.searched,
            "tested": self.tested,
            "n": self.n,
            "clusters": self.clusters or None,
            "confidence": self.confidence,
        }

    def to_frame(self) -> Any:
        """`rows` as a pyarrow Table; ``.to_pandas()`` or ``polars.from_arrow`` make it yours."""
        import pyarrow as pa

        return pa.table(self.rows())

    def __repr__(self) -> str:
        searched = f"{self.searched} slices searched, {self.tested} tested"
        lines = [f"{self.metric.label} by slice: {self.overall:.4g} over all {self.n:,} rows; {searched}"]
        return "\n".join(lines + [f"  {one!r}" for one in self.slices])
