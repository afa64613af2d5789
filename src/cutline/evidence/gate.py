"""Gates: does the whole interval of a figure lie on the right side of a bound? For checks before a release."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cutline.errors import InputError, UnknownName
from cutline.evidence.estimate import finite
from cutline.labels import Shown
from cutline.metrics import Constraint

FLATTERED = ("train", "tune", "in-sample")
WANTED = "an Evaluation, or the JSON that cutline evaluate or cutline report wrote of one"


@dataclass(frozen=True, slots=True, repr=False)
class Gate(Shown):
    """One requirement and how it fared.

    Attributes
    ----------
    constraint : Constraint
        What was required.
    value, low, high : float
        The figure and its interval; nan where there is none.
    confidence : float
        Level of the interval, two-sided.
    passed : bool
        The limit on the side of the bound satisfies it.
    note : str
        Why it could not pass, and what must be said beside a pass.
    """

    constraint: Constraint
    value: float
    low: float
    high: float
    confidence: float
    passed: bool
    note: str

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON: nan becomes None."""
        return {
            "require": str(self.constraint),
            "metric": self.constraint.metric.name,
            "class": self.constraint.of_class,
            "op": self.constraint.op,
            "bound": self.constraint.bound,
            "value": finite(self.value),
            "low": finite(self.low),
            "high": finite(self.high),
            "confidence": self.confidence,
            "passed": self.passed,
            "note": self.note,
        }

    def __repr__(self) -> str:
        inside = "" if finite(self.low) is None else f" [{self.low:.4f}, {self.high:.4f}]"
        value = "undefined" if finite(self.value) is None else f"{self.value:.4f}"
        note = f"  ({self.note})" if self.note else ""
        return f"{'pass' if self.passed else 'FAIL'}  {self.constraint!s:<26}{value}{inside}{note}"


@dataclass(frozen=True, slots=True, repr=False)
class Gates(Shown):
    """All requirements, in the order in which they were asked for."""

    gates: tuple[Gate, ...]

    @property
    def passed(self) -> bool:
        """True when every gate passed."""
        return all(gate.passed for gate in self.gates)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, with a ``schema_version``."""
        return {"schema_version": 1, "passed": self.passed, "gates": [gate.to_dict() for gate in self.gates]}

    def __repr__(self) -> str:
        passed = sum(gate.passed for gate in self.gates)
        return "\n".join([*map(repr, self.gates), f"{passed} of {len(self.gates)} passed"])


def gate(result: Any, require: Constraint | str | Sequence[Constraint | str]) -> Gates:
    """Check requirements against intervals, not against point figures: a gate passes by evidence, not by luck.

    ``precision >= 0.9`` passes when the lower limit of precision is at least 0.9, ``fpr <= 0.01`` when the upper limit
    is at most 0.01. A limit of a two-sided 95 % interval is wrong with probability 2.5 %. A figure without an interval,
    or with one of too few rows to be trusted, cannot pass.

    Parameters
    ----------
    result : Evaluation or mapping
        What was measured; a mapping is the JSON that `Evaluation.to_dict` or `Report.to_json` made.
    require : Constraint, str, or sequence of these
        Such as ``cl.precision >= 0.9`` or ``"precision>=0.90"``; ``"recall[severe]>=0.8"`` asks one class.

    Raises
    ------
    UnknownName
        A metric or class that the result does not have.
    InputError
        No result of an evaluation, or nothing required.

    Examples
    --------
    >>> import cutline as cl
    >>> s = cl.Scores(y_true=[0] * 50 + [1] * 50, y_score=[0.1] * 48 + [0.9] * 52, kind="probability")
    >>> cl.gate(cl.evaluate(s), ["recall>=0.9", "precision>=0.9"])
    pass  recall >= 0.9             1.0000 [0.9287, 1.0000]
    FAIL  precision >= 0.9          0.9615 [0.8702, 0.9894]
    1 of 2 passed
    """
    document = result if isinstance(result, Mapping) else result.to_dict() if hasattr(result, "to_dict") else {}
    rows = document.get("estimates")
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) and "metric" in row for row in rows):
        raise InputError("result", f"a {type(result).__name__} without estimates", WANTED)
    wanted = [require] if isinstance(require, Constraint | str) else list(require)
    if not wanted:
        raise InputError("require", "nothing", "at least one requirement", "precision>=0.90")
    return Gates(
        tuple(_gate(one if isinstance(one, Constraint) else Constraint.parse(one), document) for one in wanted)
    )


def _gate(constraint: Constraint, document: Mapping[str, Any]) -> Gate:
    rows = document["estimates"]
    if constraint.of_class is not None:
        classes = {str(c.get("name", c.get("label"))): c["estimates"] for c in document.get("per_class") or ()}
        if str(constraint.of_class) not in classes:
            raise UnknownName.among("class", str(constraint.of_class), classes)
        rows = classes[str(constraint.of_class)]
    found = {row["metric"]: row for row in rows}
    name = constraint.metric.name
    if name not in found:
        listed = ", ".join(sorted(found))
        raise UnknownName("metric", repr(name), f"one of the result: {listed}", f"cutline evaluate --metrics {name}")
    row = found[name]
    value, low, high = (float("nan") if row.get(key) is None else float(row[key]) for key in ("value", "low", "high"))
    note = _trouble(row)
    passed = not note and bool(constraint.holds(low if constraint.op == ">=" else high))
    if not note and row.get("role") in FLATTERED:
        note = f"rows used as {row['role']}: the figure flatters"
    return Gate(constraint, value, low, high, float(row.get("confidence", 0.95)), passed, note)


def _trouble(row: Mapping[str, Any]) -> str:
    """Why an estimate is no evidence; empty when it is."""
    if row.get("value") is None:
        return "undefined: cannot pass"
    if row.get("state") == "insufficient":
        return "too few rows for an interval to be trusted: cannot pass"
    if row.get("low") is None or row.get("high") is None or row["low"] == row["high"]:
        return "no interval: cannot pass"
    return ""
