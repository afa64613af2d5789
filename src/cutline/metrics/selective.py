"""Selective prediction: how much is right among the rows that the classifier is sure of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline.errors import InputError, ScoreError
from cutline.labels import Shown, as_array
from cutline.metrics.binary import divide
from cutline.metrics.bounds import harmonic
from cutline.metrics.curves import Curve
from cutline.metrics.metric import Metric
from cutline.metrics.multiclass import checked_decision, decided
from cutline.metrics.table import ThresholdTable
from cutline.scores import Scores

coverage = Metric(
    "coverage",
    "Coverage",
    True,
    (0.0, 1.0),
    1.0,
    chance="any",
    formula="rows that are decided / n",
    undefined="no rows",
    synonyms=("accepted_rate",),
    tasks=("policy",),
    of_counts=lambda c: divide(c.flagged, c.total),
    proportion=lambda c: (c.flagged, c.total),
)
"""Over counts in which a decided row is a flagged one, and a wrong decision a positive."""
selective_risk = Metric(
    "selective_risk",
    "Selective risk",
    False,
    (0.0, 1.0),
    0.0,
    chance="the error rate of all rows",
    formula="wrong decisions / decisions",
    undefined="nothing is decided",
    reference="Geifman & El-Yaniv 2017",
    synonyms=("selective_error",),
    tasks=("policy",),
    of_counts=lambda c: divide(c.tp, c.flagged),
    proportion=lambda c: (c.tp, c.flagged),
)


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Selective(Shown):
    """Risk and coverage at every confidence; made by `selective`.

    Coverage is the share of the rows that are answered, those with the highest confidence; the selective risk is the
    share of errors among them. Rows of equal confidence are one block: inside it the errors come evenly, which is
    their expected place in a random order. Figures with weights scale these to a mean of 1 and take blocks as if they
    were made of rows of weight 1.

    Attributes
    ----------
    table : ThresholdTable
        Of the confidence; its positive rows are the errors.
    """

    table: ThresholdTable

    def curve(self, *, generalized: bool = False) -> Curve:
        """Selective risk against coverage (Geifman & El-Yaniv 2017); `area` is the AURC.

        The first point answers nobody: its risk is nan. Lines: "chance", the risk of all rows; "perfect", that of a
        confidence which puts all errors last.

        Parameters
        ----------
        generalized : bool
            Errors among the answered as a share of *all* rows (Traub et al. 2024); `area` is the AUGRC.
        """
        c = self.table.counts()
        x, whole = divide(c.flagged, c.total), divide(c.positives, c.total)
        late = np.maximum(x - (1 - whole), 0.0)
        at = self.table.thresholds
        if generalized:
            lines = {"chance": x * whole, "perfect": late}
            y = divide(c.tp, c.total)
            return Curve("generalized_risk_coverage", "Coverage", "Generalized risk", x, y, at, lines, self.augrc())
        lines = {"chance": whole, "perfect": divide(late, x)}
        return Curve("risk_coverage", "Coverage", "Selective risk", x, divide(c.tp, c.flagged), at, lines, self.aurc())

    def aurc(self, *, trapezoid: bool = False) -> float:
        """Area under the risk-coverage curve: the mean of the selective risks of the 1, 2, ..., n surest rows.

        Parameters
        ----------
        trapezoid : bool
            By trapezoids from coverage 1/n to 1, over 1 - 1/n, as some packages do; nan for a single row.
        """
        before, errors, rows = self._blocks()
        return _aurc(before, errors, rows, trapezoid)

    def excess_aurc(self) -> float:
        """AURC less that of the best confidence with as many errors, which puts them all last; 0 is perfect.

        The difference of Geifman, Uziel & El-Yaniv 2019 with the exact sum in place of ``r + (1 - r) log(1 - r)``.
        """
        before, errors, rows = self._blocks()
        wrong, n = errors.sum(), rows.sum()
        best = _aurc(np.array([0.0, 0.0]), np.array([0.0, wrong]), np.array([n - wrong, wrong]), False)
        return max(_aurc(before, errors, rows, False) - best, 0.0)

    def augrc(self, *, trapezoid: bool = False) -> float:
        """Area under the generalized curve from coverage 0 to 1: mean risk of silent failures (Traub et al. 2024).

        Equals ``(1 - a) r (1 - r) + r^2 / 2`` with r the risk of all rows and a the AUC of confidence telling right
        from wrong.

        Parameters
        ----------
        trapezoid : bool
            Over the coverages from 1/n on only, divided by 1 - 1/n, as some packages do; nan for a single row.
        """
        before, errors, rows = self._blocks()
        n = float(rows.sum())
        if not trapezoid:
            return float(divide((rows * (before + errors / 2)).sum(), n * n))
        ends = errors[0] / rows[0] + errors.sum()
        total = (rows * before + errors * (rows + 1) / 2).sum() - ends / 2
        return float(divide(total, n * (n - 1)))

    def risk_at(self, coverage: float) -> float:
        """Selective risk of the smallest coverage that is attained and at least `coverage`, in (0, 1]."""
        if not 0 < coverage <= 1:
            raise InputError("coverage", repr(coverage), "a share above 0, at most 1")
        c = self.table.counts()
        row = int(np.argmax(divide(c.flagged, c.total) >= coverage)) or len(self.table) - 1
        return float(divide(c.tp[row], c.flagged[row]))

    def coverage_at(self, risk: float) -> float:
        """Largest coverage whose selective risk is at most `risk`; 0 when there is none."""
        if not 0 <= risk <= 1:
            raise InputError("risk", repr(risk), "a share from 0 to 1")
        c = self.table.counts()
        fine = np.flatnonzero(divide(c.tp, c.flagged) <= risk)
        return float(divide(c.flagged, c.total)[fine[-1]]) if len(fine) else 0.0

    def to_dict(self) -> dict[str, float]:
        """The figures, by name."""
        return {"aurc": self.aurc(), "excess_aurc": self.excess_aurc(), "augrc": self.augrc(), "risk": self.risk_at(1)}

    def __repr__(self) -> str:
        n = self.table.n_pos + self.table.n_neg
        return f"Selective({n:,} rows, {self.table.n_pos:,} errors, AURC {self.aurc():.4g})"

    def _blocks(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Errors before each block of equal confidence, errors in it, and its rows; weights scaled to a mean of 1."""
        c = self.table.counts()
        scale = (self.table.n_pos + self.table.n_neg) / c.total[0]
        return c.tp[:-1] * scale, np.diff(c.tp) * scale, np.diff(c.flagged) * scale


def selective(scores: Scores, *, confidence: Any = None, at: float = 0.5, decision: Any = None) -> Selective:
    """Risk and coverage of answering only the rows with a high confidence.

    Parameters
    ----------
    scores : Scores
        With truth. Rows without truth or with weight 0 do not count.
    confidence : array-like, shape (n,), optional
        Higher is surer. When not given, the probability of the decided class: needs probabilities or logits.
    at : float
        The threshold of binary problems; of several classes the likeliest is decided.
    decision : array-like of int, shape (n,), optional
        Codes of the decided classes, when they are not those.

    Examples
    --------
    >>> import cutline as cl
    >>> from cutline.metrics.selective import selective
    >>> s = cl.Scores(y_true=[0, 1, 0, 1], y_score=[0.1, 0.4, 0.2, 0.9], kind="probability")
    >>> selective(s)
    Selective(4 rows, 1 errors, AURC 0.0625)
    """
    return Selective(ThresholdTable.from_scores(mistakes(scores, confidence=confidence, at=at, decision=decision)))


def mistakes(scores: Scores, *, confidence: Any = None, at: float = 0.5, decision: Any = None) -> Scores:
    """The rows with another question: whether the decision is wrong (positive), and how sure it is (score).

    Parameters as of `selective`. Groups, ids and the role of the rows stay.
    """
    scores.known()  # refuses by name when nothing is known
    if decision is None and scores.kind != "label" and scores.binary:
        cut = scores.with_score(scores.probability, "probability") if scores.kind == "logit" else scores
        said = decided(cut, at)
    else:
        said = checked_decision(scores, decided(scores) if decision is None else decision)
    if confidence is None:
        sure = scores.probabilities[np.arange(scores.n), said]
    else:
        sure = as_array(confidence, argument="confidence")
        if sure.shape != (scores.n,):
            raise ScoreError("confidence", f"shape {sure.shape}", f"one for each row, shape ({scores.n},)")
    keep = scores.counting
    weight, groups, ids = (None if c is None else c[keep] for c in (scores.weight, scores.groups, scores.ids))
    assert scores.truth is not None
    return Scores(
        y_true=(scores.truth != said)[keep],
        y_score=sure[keep],
        weight=weight,
        groups=groups,
        ids=ids,
        classes=[False, True],
        positive=True,
        kind="rank",
        role=scores.role,
    )


def _aurc(
    before: NDArray[np.float64], errors: NDArray[np.float64], rows: NDArray[np.float64], trapezoid: bool
) -> float:
    """Of blocks of equal confidence, the surest first: errors before each, errors and rows in it."""
    some = rows > 0
    before, errors, rows = before[some], errors[some], rows[some]
    rate, n = errors / rows, float(rows.sum())
    done = np.cumsum(rows) - rows
    # Row j of a block is expected to see (before + rate j) / (done + j) errors; summed over j = 1..rows.
    total = (errors + (before - rate * done) * harmonic(done, rows)).sum()
    if not trapezoid:
        return float(total / n)
    return float(divide(total - (rate[0] + errors.sum() / n) / 2, n - 1))
