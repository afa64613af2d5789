"""Rows with any number of labels: each label as a binary problem, and the sets of labels as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cutline.checks.reported import USUAL_CUT
from cutline.errors import InputError
from cutline.evaluation.evaluate import Evaluation, evaluate
from cutline.evidence import Estimate, Proportion, z_of
from cutline.labels import Label, Shown
from cutline.metrics import (
    MultiLabel,
    f1,
    hamming_loss,
    lrap,
    macro,
    micro,
    ranking_loss,
    samples,
    subset_accuracy,
)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LabelSets(Shown):
    """All figures of rows with several labels; made by `evaluate_labels`.

    Attributes
    ----------
    data : MultiLabel
    names : tuple of label
    each : tuple of Evaluation
        Entry i is the binary evaluation of ``names[i]``.
    sets : tuple of Estimate
        Figures of whole rows: subset accuracy (Wilson), Hamming loss, F1 three ways, and, of scores, how labels are
        ordered within a row. Those without ingredients have no interval.
    confidence : float
    notes : tuple of str
    """

    data: MultiLabel
    names: tuple[Label, ...]
    each: tuple[Evaluation, ...]
    sets: tuple[Estimate, ...]
    confidence: float
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "schema_version": 1,
            "n": self.data.n,
            "labels": list(self.names),
            "sets": [e.to_dict() for e in self.sets],
            "each": [e.to_dict() for e in self.each],
            "notes": list(self.notes),
        }

    def __repr__(self) -> str:
        lines = [f"LabelSets of {self.data.n:,} rows, {len(self.names)} labels"]
        return "\n".join([*lines, *(f"  {e!r}" for e in self.sets), *(f"  note: {note}" for note in self.notes)])


def evaluate_labels(data: MultiLabel, at: Any = None, *, confidence: float = 0.95, seed: int = 0) -> LabelSets:
    """Every label against its absence, and the sets of labels of the rows.

    Parameters
    ----------
    data : MultiLabel
    at : float or mapping of label to float, optional
        Thresholds; 0.5 for probabilities and 0 for logits when not given.
    confidence : float
        Level of all intervals.
    seed : int
        Of methods that draw.

    Examples
    --------
    >>> import cutline as cl
    >>> from cutline.evaluation import evaluate_labels
    >>> m = cl.MultiLabel(y_true=[[1, 0], [1, 1]], y_score=[[0.9, 0.2], [0.8, 0.4]], kind="probability")
    >>> evaluate_labels(m).sets[0]
    subset_accuracy 0.5 [0.09453, 0.9055] (n=2, Wilson)
    """
    z_of(confidence)
    notes = list(data.notes)
    if at is None and data.kind != "label":
        at = USUAL_CUT.get(data.kind)
        if at is None:
            raise InputError("at", "no threshold for scores of kind 'rank'", "a threshold, or one for each label")
        notes.append(f"no threshold was given: {at:g} for every label")
    decided = data.decided(at)
    cuts = at if isinstance(at, dict) else dict.fromkeys(data.names, at)
    each = tuple(
        evaluate(
            one,
            threshold=None if data.kind == "label" else float(cuts[name]),
            confidence=confidence,
            checks=False,
            seed=seed,
        )
        for name, one in zip(data.names, data.each, strict=True)
    )
    weight = np.ones(data.n) if data.weight is None else data.weight
    effective = float(weight.sum() ** 2 / np.square(weight).sum())
    whole = subset_accuracy.value(data, at=at)
    ingredients = Proportion(whole * effective, effective, data.weight is not None)
    metrics = [hamming_loss, micro(f1), macro(f1), samples(f1)]
    if data.kind != "label":
        metrics += [lrap, ranking_loss]
    found = [Estimate(subset_accuracy, whole, data.n, -1, ingredients, confidence)]
    found += [Estimate(m, m.value(data, at=at), data.n, -1, None, confidence) for m in metrics]
    size, own = float(np.average(decided.sum(axis=1), weights=weight)), data.truth.sum(axis=1)
    notes.append(f"a row has {np.average(own, weights=weight):.3g} labels on average, and is given {size:.3g}")
    return LabelSets(data, data.names, each, tuple(found), confidence, tuple(notes))
