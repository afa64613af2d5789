"""Everything about the calibration of one set of scores, as one frozen result."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cutline.calibration.agreement import (
    CoxLine,
    InTheLarge,
    Test,
    bias_by_slice,
    cox_line,
    in_the_large,
    spiegelhalter,
)
from cutline.calibration.curve import ReliabilityCurve, reliability_curve
from cutline.calibration.gaps import (
    binned,
    binned_of,
    edges_of,
    smooth_ece,
    smooth_ece_of,
    top_label,
    under_calibration,
)
from cutline.errors import ScoreError
from cutline.evidence import finite
from cutline.labels import Shown
from cutline.metrics import Decomposition, decompose
from cutline.scores import Scores

NULL_ROWS = 20_000
"""Rows of the draws that say what perfect calibration would show; with more, a sample of them."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A measure of miscalibration beside what perfectly calibrated scores of as many rows show.

    Attributes
    ----------
    name : str
    value : float
    expected, upper : float
        Mean and 95 % quantile under perfect calibration.
    """

    name: str
    value: float
    expected: float
    upper: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"name": self.name, **{name: finite(getattr(self, name)) for name in ("value", "expected", "upper")}}

    def __str__(self) -> str:
        return f"{self.name} {self.value:.4f} (perfect calibration: {self.expected:.4f}, up to {self.upper:.4f})"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class CalibrationReport(Shown):
    """How far the probabilities are from frequencies.

    Attributes
    ----------
    large : InTheLarge
        What they said on average and what happened.
    slices : mapping of str to tuple of InTheLarge
        The same in every slice.
    line : CoxLine
        Intercept and slope.
    tests : tuple of Test
        The joint test of the line, and Spiegelhalter's where rows are independent.
    smooth : Figure
        smECE.
    squared : Figure
        Debiased mean squared gap over 15 bins of equal mass.
    legacy : Figure
        The classical ECE over 15 bins of equal width: biased upwards.
    parts : Decomposition
        The Brier score as miscalibration - discrimination + uncertainty.
    miscalibration_p : float
        Share of truths drawn from the probabilities whose miscalibration is as large.
    curve : ReliabilityCurve or None
        None for rows in clusters.
    per_class : mapping of str to CalibrationReport
        Several classes: each against the rest; the report itself is then about the likeliest class.
    """

    large: InTheLarge
    slices: dict[str, tuple[InTheLarge, ...]]
    line: CoxLine
    tests: tuple[Test, ...]
    smooth: Figure
    squared: Figure
    legacy: Figure
    parts: Decomposition
    miscalibration_p: float
    curve: ReliabilityCurve | None
    per_class: dict[str, CalibrationReport]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        line = {name: getattr(self.line, name).to_dict() for name in ("intercept", "slope", "offset")}
        return {
            "large": self.large.to_dict(),
            "slices": {name: [one.to_dict() for one in found] for name, found in self.slices.items()},
            "line": line,
            "tests": [test.to_dict() for test in self.tests],
            "figures": [f.to_dict() for f in (self.smooth, self.squared, self.legacy)],
            "parts": {name: finite(getattr(self.parts, name)) for name in self.parts.__dataclass_fields__},
            "miscalibration_p": self.miscalibration_p,
            "curve": None if self.curve is None else self.curve.to_dict(),
            "per_class": {name: one.to_dict() for name, one in self.per_class.items()},
        }

    def __repr__(self) -> str:
        slope, intercept = self.line.slope, self.line.intercept
        (low, high), p = slope.interval(), self.tests[0].p
        lines = [f"Calibration, {self.large}"]
        if not math.isnan(slope.value):
            lines.append(f"slope {slope.value:.3g} [{low:.3g}, {high:.3g}], intercept {intercept.value:.3g}; p {p:.3g}")
        lines += map(str, (self.smooth, self.squared, self.legacy))
        lines += [f"{name}: {one.large}" for name, one in self.per_class.items()]
        return "\n  ".join(lines)


def calibration_report(scores: Scores, *, confidence: float = 0.9, seed: int = 0) -> CalibrationReport:
    """Measure the calibration of probabilities: effect sizes first, tests after, legacy figures labelled as such.

    Of several classes the report is about the likeliest class (is it right as often as it was said to be?), with one
    report for each class against the rest.

    Parameters
    ----------
    scores : Scores
        Probabilities or logits with truth. A ranking score has no calibration: `calibrate` makes probabilities of it.
    confidence : float
        Level of the band of the curve.
    seed : int
        Seed of the draws.

    Examples
    --------
    >>> import numpy as np, cutline as cl
    >>> rng = np.random.default_rng(0)
    >>> p = rng.uniform(size=1000)
    >>> y = rng.uniform(size=1000) < p
    >>> cl.calibration_report(cl.Scores(y_true=y, y_score=p**0.5, kind="probability"))
    Calibration, all rows: says 68.1 % on average, 52.3 % happened; +15.8 points [+13.2, +18.3], 1,000 rows
      slope 1.25 [1.09, 1.42], intercept -1.13; p 4.03e-34
      smECE 0.1577 (perfect calibration: 0.0313, up to 0.0379)
      debiased squared gap 0.0304 (perfect calibration: 0.0009, up to 0.0021)
      ECE, 15 bins (legacy, biased upwards) 0.1579 (perfect calibration: 0.0387, up to 0.0508)
    """
    if scores.kind not in ("probability", "logit"):
        _ = scores.probability  # raises, by name
    if scores.binary:
        return _binary(scores, confidence, seed)
    each = {
        str(name): _binary(scores.one_vs_rest(name), confidence, seed)
        for k, name in enumerate(scores.classes.names)
        if scores.truth is not None and 0 < int((scores.truth == k).sum()) < scores.n
    }
    return replace(_binary(top_label(scores), confidence, seed), per_class=each)


def _binary(scores: Scores, confidence: float, seed: int) -> CalibrationReport:
    known = scores.known()
    if not known.n:
        raise ScoreError("scores", "no rows", "rows with truth")
    line = cox_line(known)
    independent = known.weight is None and known.groups is None
    tests = (line.test, *((spiegelhalter(known),) if independent else ()))
    drawn = known
    if known.n > NULL_ROWS:
        drawn = known.take(np.random.default_rng(seed).permutation(known.n)[:NULL_ROWS])
    scale = math.sqrt(drawn.n / known.n)  # chance figures shrink with the root of the rows
    mass = edges_of(drawn.probability, 15, "mass")
    width = edges_of(drawn.probability, 15, "width")
    asked: dict[str, tuple[float, Any, float]] = {
        "smECE": (smooth_ece(known), smooth_ece_of, scale),
        "debiased squared gap": (binned(known).debiased, _of_bins(mass, "debiased"), scale**2),
        "ECE, 15 bins (legacy, biased upwards)": (
            binned(known, by="width").mean_gap,
            _of_bins(width, "mean_gap"),
            scale,
        ),
    }
    figures = []
    for name, (value, figure, shrink) in asked.items():
        chance = under_calibration(drawn, figure, seed=seed) * shrink
        figures.append(Figure(name, value, float(np.mean(chance)), float(np.quantile(chance, 0.95))))
    parts = decompose(known)
    chance = under_calibration(drawn, _miscalibration, draws=99, seed=seed) * scale**2
    return CalibrationReport(
        large=in_the_large(known),
        slices=dict(bias_by_slice(known)),
        line=line,
        tests=tests,
        smooth=figures[0],
        squared=figures[1],
        legacy=figures[2],
        parts=parts,
        miscalibration_p=float((1 + (chance >= parts.miscalibration).sum()) / 100),
        curve=reliability_curve(known, confidence=confidence, seed=seed) if known.groups is None else None,
        per_class={},
    )


def _of_bins(edges: Any, what: str) -> Any:
    return lambda p, y, w: getattr(binned_of(p, y, w, edges), what)


def _miscalibration(p: Any, y: Any, w: Any) -> float:
    from cutline.calibration.curve import monotone

    at, frequency, _ = monotone(p, y, w)
    calibrated = frequency[np.searchsorted(at, p)]
    return float(w @ ((p - y) ** 2 - (calibrated - y) ** 2))
