"""Tests of calibration for independent rows: weights and clusters, which they cannot bear, are refused by name."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cutline.calibration.gaps import at_least, binary_rows
from cutline.calibration.line import Test
from cutline.errors import InputError
from cutline.evidence.figures import clusters_of
from cutline.evidence.intervals import State
from cutline.scores import Scores

Array = NDArray[np.float64]


def spiegelhalter(scores: Scores) -> Test:
    """Spiegelhalter's z (1986): whether the Brier score is what the probabilities themselves promise.

    Its variance is that of independent rows, so weights and clusters are refused; nan where every probability is 0,
    1/2 or 1, which cannot be judged this way.

    Parameters
    ----------
    scores : Scores
        Binary probabilities or logits, with truth.
    """
    _independent(scores, "Spiegelhalter's test")
    from scipy.special import ndtr

    p, y, _ = binary_rows(scores)
    spread = math.sqrt(float(((1 - 2 * p) ** 2 * p * (1 - p)).sum()))
    z = float(((y - p) * (1 - 2 * p)).sum()) / spread if spread else math.nan
    return Test("Spiegelhalter", z, None, float(2 * ndtr(-abs(z))) if spread else math.nan)


@dataclass(frozen=True, slots=True, eq=False)
class HosmerLemeshow:
    """The test with what it was made of.

    Attributes
    ----------
    test : Test
    observed, expected : ndarray, shape (groups,)
        Positives seen and expected in each group, from low to high probability.
    rows : ndarray, shape (groups,)
    """

    test: Test
    observed: Array
    expected: Array
    rows: Array

    @property
    def state(self) -> State:
        """ok, undefined (no test), insufficient: a group expects less than one row of a class, and it may cry wolf."""
        if math.isnan(self.test.p):
            return "undefined"
        return "insufficient" if np.minimum(self.expected, self.rows - self.expected).min() < 1 else "ok"


def hosmer_lemeshow(scores: Scores, *, groups: int = 10, clip: float = 0.0, in_sample: bool = False) -> HosmerLemeshow:
    """Hosmer & Lemeshow's chi-square (1980) over groups of equal numbers of rows: only on request.

    No part of the report: its answer depends on the grouping, with few rows it sees nothing, and with many rows it
    rejects every model there is.

    Parameters
    ----------
    scores : Scores
        Binary probabilities or logits, with truth; independent rows without weights.
    groups : int
        Quantile groups, closed on the right (type 7 quantiles); equal ones are merged, empty ones left out.
    clip : float
        Probabilities are kept this far from 0 and 1.
    in_sample : bool
        True when the probabilities were fitted to these rows, which costs two degrees of freedom (as R's packages
        assume always).
    """
    _independent(scores, "the Hosmer-Lemeshow test")
    groups = at_least(3, groups, "groups")
    from scipy.special import chdtrc

    p, y, _ = binary_rows(scores)
    p = np.clip(p, clip, 1 - clip) if clip else p
    edges = np.unique(np.quantile(p, np.linspace(0, 1, groups + 1)))
    place = np.clip(np.searchsorted(edges, p, side="left") - 1, 0, max(len(edges) - 2, 0))
    n, seen, said = (np.bincount(place, v) for v in (np.ones_like(p), y, p))
    n, seen, said = n[n > 0], seen[n > 0], said[n > 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = (seen - said) ** 2
        chi2 = float(np.where(gap == 0, 0.0, gap / (said * (1 - said / n))).sum())  # what must not happen is infinite
    df = len(n) - 2 * in_sample
    test = Test("Hosmer-Lemeshow", chi2, df, float(chdtrc(df, chi2)) if df > 0 else math.nan)
    return HosmerLemeshow(test, *(np.asarray(v, np.float64) for v in (seen, said, n)))


def _independent(scores: Scores, what: str) -> None:
    known = scores.known()
    for name, given in (("weight", known.weight), ("groups", clusters_of(known))):
        if given is not None:
            wanted = "independent rows without weights"
            raise InputError(name, f"{what} of rows with {name}=", wanted, "cox_line takes them")
