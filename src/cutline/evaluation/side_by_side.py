"""Several models on the same rows: their figures, the differences, and where they disagree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline.checks.reported import USUAL_CUT
from cutline.errors import InputError
from cutline.evaluation.evaluate import Evaluation, evaluate
from cutline.evidence.at_equal import AtEqual, at_equal
from cutline.evidence.compare import compare
from cutline.evidence.difference import Comparison
from cutline.evidence.matching import aligned, check_models
from cutline.labels import Classes, Shown
from cutline.metrics import (
    Metric,
    accuracy,
    average_precision,
    balanced_accuracy,
    brier,
    decided,
    f1,
    fpr,
    log_loss,
    macro,
    mae,
    precision,
    quadratic_kappa,
    recall,
    roc_auc,
)
from cutline.scores import Scores

STEPS = 200
"""Recalls at which all models are cut alike; flagged shares are as many again."""
GRID = 20


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """Two models row by row.

    Attributes
    ----------
    first, second : str
    cells : ndarray of int, shape (k, 4), or None
        For each class of the truth: rows that both decide right, the first alone, the second alone, neither. None
        where nothing is decided.
    other : int
        Rows that the two decide for different classes.
    grid : ndarray of int, shape (2, 20, 20), or None
        Binary scores: rows of the negative [0] and of the positive [1] class by the score of the first (second axis)
        and of the second model (last axis), in 20 equal steps.
    of_ranks : bool
        True when the steps of the grid are shares of rows in order, since a score is no probability.
    """

    first: str
    second: str
    cells: NDArray[np.int64] | None
    other: int
    grid: NDArray[np.int64] | None
    of_ranks: bool


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SideBySide(Shown):
    """Models on the same rows; made by `side_by_side`.

    Attributes
    ----------
    classes : Classes
    names : tuple of str
        The first is what the others are compared with.
    evaluations : tuple of Evaluation
        Of each model.
    comparisons : tuple of Comparison
        Paired differences by one metric each, of every other model minus the first.
    at_recall, at_flagged : AtEqual or None
        Binary scores with an order: all models cut at the same recall, and at the same share flagged.
    agreements : tuple of Agreement
        Of the first with each other.
    confidence : float
    notes : tuple of str
    """

    classes: Classes
    names: tuple[str, ...]
    evaluations: tuple[Evaluation, ...]
    comparisons: tuple[Comparison, ...]
    at_recall: AtEqual | None
    at_flagged: AtEqual | None
    agreements: tuple[Agreement, ...]
    confidence: float
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "schema_version": 1,
            "names": list(self.names),
            "evaluations": [one.to_dict() for one in self.evaluations],
            "comparisons": [one.to_dict() for one in self.comparisons],
            "notes": list(self.notes),
        }

    def __repr__(self) -> str:
        lines = [f"SideBySide of {', '.join(self.names)} on {self.evaluations[0].n:,} rows"]
        lines += [f"  {one.metric.label}: {d!r}" for one in self.comparisons for d in one.differences]
        return "\n".join(lines)


def side_by_side(
    models: Mapping[str, Scores],
    *,
    at: float | Mapping[str, float] | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> SideBySide:
    """Evaluate models on the same rows and compare each with the first, by every usual metric.

    Parameters
    ----------
    models : mapping of str to Scores
        Two or more of the same rows; matched by ids where all have them.
    at : float or mapping of model name to float, optional
        Thresholds of binary models; 0.5 of probabilities and 0 of logits when not given.
    confidence : float
        Level of all intervals and verdicts.
    seed : int
        Of methods that draw.

    Raises
    ------
    InputError
        Fewer than two models; `ShapeError` for other rows, `LabelError` for other truth or classes.

    Examples
    --------
    >>> import cutline as cl
    >>> from cutline.evaluation import side_by_side
    >>> y = [0, 0, 1, 1, 0, 1]
    >>> a = cl.Scores(y_true=y, y_score=[0.1, 0.6, 0.4, 0.9, 0.3, 0.7], kind="probability")
    >>> b = cl.Scores(y_true=y, y_score=[0.1, 0.2, 0.4, 0.9, 0.6, 0.7], kind="probability")
    >>> side_by_side({"a": a, "b": b}).agreements[0].cells
    array([[1, 1, 1, 0],
           [2, 0, 0, 1]])
    """
    check_models(models)
    for name in models:
        if not isinstance(name, str):
            raise InputError(f"models[{name!r}]", f"a {type(name).__name__} as name", "Scores under a name of text")
    known = aligned(models, None)
    names, first = tuple(known), next(iter(known.values()))
    cuts = {name: _cut(name, one, at) for name, one in known.items()}
    evaluations = tuple(
        evaluate(one, threshold=cuts[name], confidence=confidence, seed=seed) for name, one in known.items()
    )
    comparisons = tuple(
        compare(known, metric, at=_given(cuts), reference=names[0], confidence=confidence, seed=seed)
        for metric in _metrics(known, cuts)
    )
    ordered = first.binary and all(one.kind != "label" for one in known.values()) and 0 < first.n_pos < first.n
    by_recall, by_flagged = _equal(known, evaluations, confidence, seed) if ordered else (None, None)
    notes = dict.fromkeys(note for one in evaluations for note in one.notes)
    notes |= dict.fromkeys(
        f"{name}: {found.sentence}" for name, one in zip(names, evaluations, strict=True) for found in one.findings
    )
    return SideBySide(
        first.classes,
        names,
        evaluations,
        comparisons,
        by_recall,
        by_flagged,
        tuple(_agreement(names[0], name, known, cuts, ordered) for name in names[1:]),
        confidence,
        tuple(notes),
    )


def _cut(name: str, one: Scores, at: float | Mapping[str, float] | None) -> float | None:
    if isinstance(at, Mapping):
        at = at.get(name)
    if at is not None or not one.binary or one.kind == "label":
        return None if at is None else float(at)
    return USUAL_CUT.get(one.kind)


def _given(cuts: Mapping[str, float | None]) -> dict[str, float]:
    return {name: cut for name, cut in cuts.items() if cut is not None}


def _decides(known: Mapping[str, Scores], cuts: Mapping[str, float | None]) -> bool:
    return all(not one.binary or one.kind == "label" or cuts[name] is not None for name, one in known.items())


def _metrics(known: Mapping[str, Scores], cuts: Mapping[str, float | None]) -> list[Metric]:
    first, kinds = next(iter(known.values())), {one.kind for one in known.values()}
    of_rows = [log_loss, brier] if kinds <= {"probability", "logit"} else []
    if not first.binary:
        ordinal = [quadratic_kappa, mae] if first.classes.ordered else []
        return [accuracy, balanced_accuracy, macro(f1), *ordinal, *of_rows]
    of_order = [roc_auc, average_precision] if "label" not in kinds else []
    return [*of_order, *of_rows, *([precision, recall, fpr, f1, accuracy] if _decides(known, cuts) else [])]


def _equal(
    known: Mapping[str, Scores], evaluations: tuple[Evaluation, ...], confidence: float, seed: int
) -> tuple[AtEqual, AtEqual]:
    tables = {name: one.table for name, one in zip(known, evaluations, strict=True) if one.table is not None}
    about: dict[str, Any] = {"tables": tables, "confidence": confidence, "seed": seed}
    by_recall = at_equal(known, "recall", np.linspace(0, 1, STEPS + 1)[1:], **about)
    # Even steps, and, where positives are rare, the shares that the first model flags at those recalls.
    total = float(by_recall.tp[0, -1] + evaluations[0].table.negatives) if evaluations[0].table is not None else 1.0
    wanted = np.linspace(0, 1, STEPS // 2 + 1)[1:]
    reached = (by_recall.tp[0] + by_recall.fp[0]) / total
    return by_recall, at_equal(known, "flagged", np.unique(np.round(np.r_[wanted, reached], 9)), **about)


def _agreement(
    one: str, two: str, known: Mapping[str, Scores], cuts: Mapping[str, float | None], ordered: bool
) -> Agreement:
    first, second = known[one], known[two]
    truth, k = np.asarray(first.truth), first.classes.k
    cells, other = None, 0
    if _decides({one: first, two: second}, cuts):
        a, b = decided(first, cuts[one]), decided(second, cuts[two])
        case = 2 * (a != truth) + (b != truth)
        cells = np.bincount(truth.astype(np.int64) * 4 + case, minlength=4 * k).reshape(k, 4)
        other = int((a != b).sum())
    grid, of_ranks = None, False
    if ordered:
        of_ranks = not all(s.kind in ("probability", "logit") for s in (first, second))
        x, y = ((_ranks(s.score) if of_ranks else s.probability) for s in (first, second))
        place = [np.minimum((v * GRID).astype(np.int64), GRID - 1) for v in (x, y)]
        cell = (first.is_positive * GRID + place[0]) * GRID + place[1]
        grid = np.bincount(cell, minlength=2 * GRID * GRID).reshape(2, GRID, GRID)
    return Agreement(one, two, cells, other, grid, of_ranks)


def _ranks(score: NDArray[Any]) -> NDArray[np.float64]:
    """Share of the rows with a lower score, a tie counting half."""
    rising = np.sort(score)
    both = np.searchsorted(rising, score, side="left") + np.searchsorted(rising, score, side="right")
    return np.asarray(both / (2 * len(score)))
