"""What a comparison says: differences of figures with interval, p and a verdict."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from cutline.errors import InputError
from cutline.evidence.estimate import finite
from cutline.evidence.intervals import State, z_of
from cutline.evidence.two_sides import WithP
from cutline.labels import Shown
from cutline.metrics import Metric
from cutline.scores import Role


@dataclass(frozen=True, slots=True, repr=False)
class Difference(Shown):
    """How much better the first is than the second, with its uncertainty.

    Attributes
    ----------
    first, second : str
        Names of the models.
    metric : Metric
    first_value, second_value : float
        The figure of each.
    ingredients : WithP or None
        What interval and p are computed from; None when a figure is undefined.
    p_adjusted : float
        Holm's p over all differences of the comparison.
    n, n_pos : int
        Rows, and how many of them are positive (-1 for several classes); of both together when they are different rows.
    confidence : float
        The level of `low`, `high` and of the verdict.
    margin : float or None
        How much worse the first may be to count as non-inferior.
    note : str
    """

    first: str
    second: str
    metric: Metric
    first_value: float
    second_value: float
    ingredients: WithP | None
    p_adjusted: float
    n: int
    n_pos: int
    confidence: float = 0.95
    margin: float | None = None
    note: str = ""

    @property
    def value(self) -> float:
        """First minus second."""
        return self.first_value - self.second_value

    @property
    def p(self) -> float:
        """Two-sided p of no difference; 1 where nothing can be tested."""
        return 1.0 if self.ingredients is None else self.ingredients.p

    @property
    def state(self) -> State:
        """ok, undefined (a figure is 0/0 or infinite), degenerate (no spread), insufficient (few rows or clusters)."""
        return "undefined" if self.ingredients is None else self.ingredients.state

    @property
    def method(self) -> str:
        """Name of the method."""
        return "none" if self.ingredients is None else self.ingredients.method

    def interval(self, confidence: float | None = None) -> tuple[float, float]:
        """Two-sided interval at any level, from the ingredients alone."""
        level = self.confidence if confidence is None else confidence
        z_of(level)  # checks the level
        return (math.nan, math.nan) if self.ingredients is None else self.ingredients.interval(level)

    @property
    def low(self) -> float:
        """Lower limit at `confidence`."""
        return self.interval()[0]

    @property
    def high(self) -> float:
        """Upper limit at `confidence`."""
        return self.interval()[1]

    @property
    def limit(self) -> float:
        """One-sided limit at `confidence`: how bad for the first the difference may be."""
        low, high = self.interval(2 * self.confidence - 1)
        return low if self.metric.maximize else high

    @property
    def non_inferior(self) -> bool | None:
        """Whether the first is at most `margin` worse, by the one-sided limit; None without a margin.

        An interval without width, of a difference without spread, shows nothing.
        """
        if self.margin is None:
            return None
        low, high = self.interval(2 * self.confidence - 1)
        if not low < high:
            return False
        return self.limit > -self.margin if self.metric.maximize else self.limit < self.margin

    @property
    def distinguishable(self) -> bool:
        """Whether the adjusted p is at most 1 - `confidence`."""
        return self.state == "ok" and self.p_adjusted <= 1 - self.confidence

    @property
    def more_rows(self) -> int | None:
        """About how many more rows would show a difference of this size, two digits; None when it is shown, or 0.

        The interval shrinks with the root of n; at Holm's level for this difference it must no longer hold 0.
        """
        if self.state != "ok" or self.distinguishable or self.value == 0:
            return None
        alpha = (1 - self.confidence) * min(self.p / self.p_adjusted, 1.0)
        low, high = self.interval(1 - alpha)
        more = self.n * (((high - low) / 2 / self.value) ** 2 - 1)
        if not math.isfinite(more) or more <= 0:
            return None
        return _two_digits(more)

    @property
    def verdict(self) -> str:
        """One sentence."""
        if self.state == "degenerate" and self.value == 0:
            said = "no difference on these rows"
        elif self.state != "ok":
            infinite = math.isinf(self.first_value) or math.isinf(self.second_value)
            said = {
                "undefined": f"a figure is {'infinite' if infinite else 'undefined'}",
                "degenerate": "no spread to test against",
            }.get(self.state, "too few rows to tell")
        elif self.distinguishable:
            better = (self.value > 0) == self.metric.maximize
            said = "they differ" if self.metric.maximize is None else f"{(self.second, self.first)[better]} is better"
        else:
            said = "not distinguishable"
            if more := self.more_rows:
                positives = f" ({_two_digits(more * self.n_pos / self.n):,} positive)" if self.n_pos >= 0 else ""
                said += f"; about {more:,} more {'row' if more == 1 else 'rows'}{positives} would be needed"
        if self.margin is not None:
            known = "non-inferior" if self.non_inferior else "non-inferiority not shown"
            said += f"; {self.first} {known} within {self.margin:g}"
        return said

    def at(self, confidence: float) -> Difference:
        """The same at another level."""
        return replace(self, confidence=confidence)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON: nan and infinities become None."""
        low, high = self.interval()
        return {
            "first": self.first,
            "second": self.second,
            "metric": self.metric.name,
            "first_value": finite(self.first_value),
            "second_value": finite(self.second_value),
            "difference": finite(self.value),
            "low": finite(low),
            "high": finite(high),
            "confidence": self.confidence,
            "p": self.p,
            "p_adjusted": self.p_adjusted,
            "n": self.n,
            "n_pos": self.n_pos if self.n_pos >= 0 else None,
            "method": self.method,
            "state": self.state,
            "margin": self.margin,
            "limit": None if self.margin is None else finite(self.limit),
            "non_inferior": self.non_inferior,
            "more_rows": self.more_rows,
            "verdict": self.verdict,
            "note": self.note,
        }

    def __repr__(self) -> str:
        low, high = self.interval()
        inside = "" if math.isnan(low) else f" [{low:.4g}, {high:.4g}]"
        p = f"p {self.p:.3g}" + ("" if self.p == self.p_adjusted else f", Holm {self.p_adjusted:.3g}")
        return f"{self.first} - {self.second}: {self.value:.4g}{inside}, {p}: {self.verdict}"


def _two_digits(number: float) -> int:
    """Rounded up; at least 1."""
    step = 10 ** max(math.floor(math.log10(max(number, 1))) - 1, 0)
    return max(math.ceil(number / step) * step, 1)


@dataclass(frozen=True, slots=True, repr=False)
class Comparison(Shown):
    """Models compared by one figure.

    Attributes
    ----------
    metric : Metric
    names : tuple of str
    values : tuple of float
        The figure of each model; entry i belongs to ``names[i]``.
    differences : tuple of Difference
        All pairs in the order of the names, or each model minus the reference.
    n, n_pos : int
        Rows that count, and the positive ones (-1 for several classes); of all models when not paired.
    clusters : int
        Clusters of rows, 0 when rows are independent.
    confidence : float
    paired : bool
    role : str
        What the rows were used for.
    notes : tuple of str
    """

    metric: Metric
    names: tuple[str, ...]
    values: tuple[float, ...]
    differences: tuple[Difference, ...]
    n: int
    n_pos: int
    clusters: int
    confidence: float
    paired: bool
    role: Role
    notes: tuple[str, ...]

    def __getitem__(self, pair: tuple[str, str]) -> Difference:
        """The difference of two models, in the order in which it was made."""
        for found in self.differences:
            if (found.first, found.second) == tuple(pair):
                return found
        made = ", ".join(f"({d.first!r}, {d.second!r})" for d in self.differences)
        raise InputError("pair", repr(pair), f"one of {made}")

    def at(self, confidence: float) -> Comparison:
        """The same with intervals and verdicts at another level."""
        z_of(confidence)
        differences = tuple(d.at(confidence) for d in self.differences)
        return replace(self, differences=differences, confidence=confidence)

    def rows(self) -> dict[str, list[Any]]:
        """The differences as columns."""
        limits = [d.interval() for d in self.differences]
        return {
            "first": [d.first for d in self.differences],
            "second": [d.second for d in self.differences],
            "metric": [d.metric.name for d in self.differences],
            "first_value": [d.first_value for d in self.differences],
            "second_value": [d.second_value for d in self.differences],
            "difference": [d.value for d in self.differences],
            "low": [low for low, _ in limits],
            "high": [high for _, high in limits],
            "p": [d.p for d in self.differences],
            "p_adjusted": [d.p_adjusted for d in self.differences],
            "n": [d.n for d in self.differences],
            "method": [d.method for d in self.differences],
            "state": [d.state for d in self.differences],
            "verdict": [d.verdict for d in self.differences],
        }

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, with a ``schema_version``."""
        return {
            "schema_version": 1,
            "metric": self.metric.name,
            "values": {name: finite(value) for name, value in zip(self.names, self.values, strict=True)},
            "differences": [d.to_dict() for d in self.differences],
            "n": self.n,
            "n_pos": self.n_pos if self.n_pos >= 0 else None,
            "clusters": self.clusters or None,
            "confidence": self.confidence,
            "paired": self.paired,
            "correction": "holm",
            "role": self.role,
            "notes": list(self.notes),
        }

    def to_frame(self) -> Any:
        """`rows` as a pyarrow Table; ``.to_pandas()`` or ``polars.from_arrow`` make it yours."""
        import pyarrow as pa

        return pa.table(self.rows())

    def __repr__(self) -> str:
        who = f", {self.n_pos:,} positive" if self.n_pos >= 0 else ""
        who += f", {self.clusters:,} clusters" if self.clusters else ""
        role = f", {self.role}" if self.role else ""
        rows = "the same rows" if self.paired else "different rows"
        lines = [f"{self.metric.label} on {rows} (n={self.n:,}{who}{role})"]
        wide = max(map(len, self.names))
        lines += [f"  {name:<{wide}}  {value:.4f}" for name, value in zip(self.names, self.values, strict=True)]
        lines += [f"  {d!r} ({d.method})" for d in self.differences]
        return "\n".join([*lines, *(f"  note: {note}" for note in self.notes)])
