"""Everything about the calibration of one set of scores, as one frozen result."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline.calibration.agreement import spiegelhalter
from cutline.calibration.curve import ReliabilityCurve, reliability_curve
from cutline.calibration.gaps import (
    Binned,
    at_least,
    binned,
    binned_of,
    edges_of,
    smooth_ece,
    smooth_ece_of,
    top_label,
    under_calibration,
)
from cutline.calibration.large import InTheLarge, bias_by_bucket, bias_by_slice, in_the_large
from cutline.calibration.line import CoxLine, Test, cox_line
from cutline.calibration.null import Pooled, miscalibration
from cutline.evidence import Estimate, estimate, finite, z_of
from cutline.evidence.figures import clusters_of
from cutline.evidence.intervals import State
from cutline.labels import Shown
from cutline.metrics import Decomposition, brier, decompose, roc_auc
from cutline.scores import Scores

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Figure:
    """A measure of miscalibration beside what perfectly calibrated scores of as many rows show.

    Attributes
    ----------
    name : str
    value : float
    expected, upper : float
        Mean and 95 % quantile under perfect calibration; nan for rows in clusters, whose truth cannot be drawn.
    p : float
        Share of truths drawn from the probabilities that show as much.
    """

    name: str
    value: float
    expected: float = math.nan
    upper: float = math.nan
    p: float = math.nan

    @property
    def state(self) -> State:
        """ok, undefined (no value), insufficient (nothing to compare it with)."""
        if math.isnan(self.value):
            return "undefined"
        return "insufficient" if math.isnan(self.p) else "ok"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        named = {name: finite(getattr(self, name)) for name in ("value", "expected", "upper", "p")}
        return {"name": self.name, **named, "state": self.state}

    def __str__(self) -> str:
        if self.state == "undefined":
            return f"{self.name}: undefined"
        beside = "" if math.isnan(self.p) else f" (perfect calibration: {self.expected:.3g}, up to {self.upper:.3g})"
        return f"{self.name} {self.value:.3g}{beside}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class CalibrationReport(Shown):
    """How far the probabilities are from frequencies.

    Attributes
    ----------
    large : InTheLarge
        What they said on average and what happened.
    buckets : tuple of InTheLarge
        The same in tenths of the rows, from low to high probability.
    slices : dict of str to tuple of InTheLarge
        The same in every slice.
    line : CoxLine
        Intercept and slope.
    tests : tuple of Test
        The joint test of the line, and Spiegelhalter's where rows are independent and without weights.
    brier, c_statistic : Estimate
        How good they are at all: mean squared error, and how well they order the rows.
    smooth : Figure
        smECE.
    squared : Figure
        Debiased mean squared gap over bins of equal mass.
    legacy : tuple of Figure
        The classical figures over bins of equal width, which are biased upwards: ECE, MCE and ACE.
    parts : dict of str to Decomposition
        "brier" and "log_loss", each as miscalibration - discrimination + uncertainty.
    miscalibration : tuple of Figure
        The first part of each beside what chance alone would show; with more than 4,000 distinct probabilities both of
        rows pooled to as many.
    curve : ReliabilityCurve or None
        None for rows in clusters.
    per_class : dict of str to CalibrationReport
        Several classes: each against the rest; the report itself is then about the likeliest class.
    confidence : float
        Level of the intervals that are shown.
    """

    large: InTheLarge
    buckets: tuple[InTheLarge, ...]
    slices: dict[str, tuple[InTheLarge, ...]]
    line: CoxLine
    tests: tuple[Test, ...]
    brier: Estimate
    c_statistic: Estimate
    smooth: Figure
    squared: Figure
    legacy: tuple[Figure, ...]
    parts: dict[str, Decomposition]
    miscalibration: tuple[Figure, ...]
    curve: ReliabilityCurve | None
    per_class: dict[str, CalibrationReport]
    confidence: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        level = self.confidence
        line = {name: getattr(self.line, name).to_dict(level) for name in ("intercept", "slope", "offset")}
        figures = (self.smooth, self.squared, *self.legacy, *self.miscalibration)
        return {
            "confidence": level,
            "large": self.large.to_dict(level),
            "buckets": [one.to_dict(level) for one in self.buckets],
            "slices": {name: [one.to_dict(level) for one in found] for name, found in self.slices.items()},
            "line": line | {"note": self.line.note},
            "tests": [test.to_dict() for test in self.tests],
            "brier": self.brier.to_dict(),
            "c_statistic": self.c_statistic.to_dict(),
            "figures": [f.to_dict() for f in figures],
            "parts": {
                loss: {name: finite(getattr(found, name)) for name in found.__dataclass_fields__}
                for loss, found in self.parts.items()
            },
            "curve": None if self.curve is None else self.curve.to_dict(),
            "per_class": {name: one.to_dict() for name, one in self.per_class.items()},
        }

    def __repr__(self) -> str:
        slope, intercept, p = self.line.slope, self.line.intercept, self.tests[0].p
        about = "Calibration of the likeliest class" if self.per_class else "Calibration"
        lines = [f"{about}, {self.large.words(self.confidence)}"]
        if slope.state == "undefined":
            lines.append(f"no slope: {self.line.note}")
        else:
            low, high = slope.interval(self.confidence)
            lines.append(f"slope {slope.value:.3g} [{low:.3g}, {high:.3g}], intercept {intercept.value:.3g}; p {p:.2g}")
        lines += map(str, (self.smooth, self.squared, self.legacy[0]))
        lines += [one.large.words(self.confidence) for one in self.per_class.values()]
        return "\n  ".join(lines)


def calibration_report(
    scores: Scores, *, confidence: float = 0.95, band: float = 0.9, bins: int = 15, seed: int = 0
) -> CalibrationReport:
    """Measure the calibration of probabilities: effect sizes first, tests after, legacy figures labelled as such.

    Of several classes the report is about the likeliest class (is it right as often as it was said to be?), with one
    report for each class against the rest. Rows in clusters get errors by cluster; what is drawn row by row
    (Spiegelhalter's test, the band, values under perfect calibration) is left out for them.

    Parameters
    ----------
    scores : Scores
        Probabilities or logits with truth. A ranking score has no calibration: `calibrate` makes probabilities of it.
    confidence : float
        Level of the intervals that are shown; any other can be had from the parts of the result.
    band : float
        Level of the band of the curve.
    bins : int
        Bins of the squared gap (equal mass) and of the legacy figures (equal width).
    seed : int
        Seed of the draws.

    Examples
    --------
    >>> import numpy as np, cutline as cl
    >>> rng = np.random.default_rng(0)
    >>> p = rng.uniform(size=1000)
    >>> y = rng.uniform(size=1000) < p
    >>> cl.calibration_report(cl.Scores(y_true=y, y_score=p**0.5, kind="probability"))
    Calibration, all rows: says 68.1 % on average, 52.3 % happened [49.7, 54.9], 1,000 rows
      slope 1.25 [1.09, 1.42], intercept -1.13; p 4e-34
      smECE 0.158 (perfect calibration: 0.0293, up to 0.0371)
      debiased squared gap 0.0304 (perfect calibration: -3.65e-05, up to 0.0016)
      ECE, 15 bins (legacy, biased upwards) 0.158 (perfect calibration: 0.0359, up to 0.0484)
    """
    z_of(confidence)  # checks the level
    z_of(band)
    bins = at_least(1, bins, "bins")
    _ = scores.probability  # refuses what is no probability, by name
    if scores.binary:
        return _binary(scores, confidence, band, bins, seed)
    each = {}
    for name in scores.classes.names:
        found = _binary(scores.one_vs_rest(name), confidence, band, bins, seed)
        each[str(name)] = replace(found, large=replace(found.large, name=str(name)))
    return replace(_binary(top_label(scores), confidence, band, bins, seed), per_class=each)


def _binary(scores: Scores, confidence: float, band: float, bins: int, seed: int) -> CalibrationReport:
    known = scores.known()
    line, drawable = cox_line(known), clusters_of(known) is None
    parts = {"brier": decompose(known), "log_loss": decompose(known, loss="log_loss")}
    wide = binned(known, bins, by="width")
    values = {
        "smECE": smooth_ece(known),
        "debiased squared gap": binned(known, bins).debiased,
        **dict(zip(_legacy_names(bins), (wide.mean_gap, wide.largest_gap, wide.even_gap), strict=True)),
        "miscalibration of the Brier score": parts["brier"].miscalibration,
        "miscalibration of log loss": parts["log_loss"].miscalibration,
    }
    figures = [Figure(name, value) for name, value in values.items()]
    if drawable:
        figures = _beside(known, figures, bins, seed)
    return CalibrationReport(
        large=in_the_large(known),
        buckets=bias_by_bucket(known),
        slices=dict(bias_by_slice(known)),
        line=line,
        tests=(line.test, spiegelhalter(known)) if drawable and known.weight is None else (line.test,),
        brier=estimate(brier, known, confidence=confidence),
        c_statistic=estimate(roc_auc, known, confidence=confidence),
        smooth=figures[0],
        squared=figures[1],
        legacy=tuple(figures[2:5]),
        parts=parts,
        miscalibration=tuple(figures[5:]),
        curve=reliability_curve(known, confidence=band, seed=seed) if drawable else None,
        per_class={},
        confidence=confidence,
    )


def _legacy_names(bins: int) -> list[str]:
    return [f"{name}, {bins} bins (legacy, biased upwards)" for name in ("ECE", "MCE", "ACE")]


def _beside(known: Scores, figures: list[Figure], bins: int, seed: int) -> list[Figure]:
    """The figures beside their values for truths drawn from the probabilities."""
    mass, width = (edges_of(known.probability, bins, by) for by in ("mass", "width"))

    def of(cells: Pooled, frequency: Array) -> list[float]:
        def gaps(upper: Array) -> Binned:
            return binned_of(cells.p, frequency, cells.weight, upper, rows=cells.rows)

        wide = gaps(width)
        return [
            smooth_ece_of(cells.p, frequency, cells.weight),
            gaps(mass).debiased,
            *(wide.mean_gap, wide.largest_gap, wide.even_gap),
            *miscalibration(cells.p, frequency, cells.weight),
        ]

    seen, *drawn = under_calibration(known, of, seed=seed)
    found = []
    for figure, one, chance in zip(figures, seen, np.array(drawn).T, strict=True):
        if math.isnan(one) or np.isnan(chance).any():
            found.append(figure)
            continue
        p = (1 + int((chance >= one - 1e-12).sum())) / (1 + len(chance))
        # Within a cell rows are not recalibrated; so the miscalibration of millions is a little more than is compared.
        value = float(one) if figure.name.startswith("miscalibration") else figure.value
        found.append(Figure(figure.name, value, float(chance.mean()), float(np.quantile(chance, 0.95)), p))
    return found
