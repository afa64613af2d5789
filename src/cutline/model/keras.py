"""What Keras trains with: `ThresholdMetrics`, our figures with intervals after each epoch. Keras loads at first use."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from cutline.decision import OperatingPoint, Policy
from cutline.errors import GuessWarning, InputError, NoFeasibleThreshold
from cutline.evaluation import Evaluation, evaluate
from cutline.evidence import stratified_folds
from cutline.metrics import Metric, find
from cutline.model import outputs
from cutline.scores import Kind, Scores

if TYPE_CHECKING:
    ThresholdMetrics: type

__all__ = ["ThresholdMetrics"]

FOLDS = 5
TWO = ("roc_auc", "precision", "recall", "f1", "log_loss")
SEVERAL = ("accuracy", "balanced_accuracy", "macro_f1", "log_loss")
"""The usual figures of two classes and of several."""
NO_PROBABILITY = ("log_loss",)
"""Of these, what a ranking score has not."""


def __getattr__(name: str) -> Any:
    if name == "ThresholdMetrics":
        return _callback()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@cache
def _callback() -> type:
    """The class, made at first use: its base is Keras' own."""
    from keras.callbacks import Callback

    class ThresholdMetrics(Callback):  # type: ignore[misc]
        """A Keras callback that evaluates validation rows after each epoch, with intervals.

        Parameters
        ----------
        X : array or frame
            Validation rows as the model takes them.
        y : array-like, shape (n,) or one-hot (n, k)
            Their labels.
        threshold : float, optional
            Positive iff output >= threshold: 0.5 of a probability, 0 of a logit when neither it nor a policy is given.
        policy : Policy, optional
            Chooses the threshold anew after each epoch, such as ``cl.minimize(cl.cost(fp=1, fn=5))``. The figures are
            cross-fitted: the rows of each fifth are decided at the threshold that the others chose.
        metrics : sequence of Metric or str, optional
            In place of ROC AUC, precision, recall, F1 and log loss; of several classes accuracy, balanced accuracy,
            macro F1 and log loss.
        positive, classes, kind
            As in `score`.
        weight : array-like, shape (n,), optional
        confidence : float
            Level of the intervals.
        prefix : str
            Of the names in ``logs``, so that they are not taken for Keras' own metrics.
        verbose : bool
            Print a line after each epoch.
        seed : int
            Of the folds.

        Attributes
        ----------
        evaluation : Evaluation or None
            After the last epoch.
        point : OperatingPoint or None
            What the policy chose on all rows after the last epoch.

        Notes
        -----
        Of each figure ``logs`` gets ``cl_<name>``, ``cl_<name>_low`` and ``cl_<name>_high``, and ``cl_threshold``: what
        comes after this callback in the list may monitor them, and ``history.history`` has them. An epoch in which no
        threshold satisfies the policy gets nan for what is counted at a threshold.

        Examples
        --------
        ``network.fit(x, y, epochs=20, callbacks=[cl.keras.ThresholdMetrics(x_valid, y_valid, threshold=0.3)])`` prints
        ``epoch 1: roc_auc 0.862 [0.834, 0.886], precision 0.71 [...], ... at 0.3``.
        """

        def __init__(
            self,
            X: Any,
            y: Any,
            *,
            threshold: float | None = None,
            policy: Policy | None = None,
            metrics: Sequence[Metric | str] | None = None,
            positive: Any = None,
            classes: Any = None,
            kind: Kind | None = None,
            weight: Any = None,
            confidence: float = 0.95,
            prefix: str = "cl_",
            verbose: bool = True,
            seed: int = 0,
        ) -> None:
            super().__init__()
            if threshold is not None and policy is not None:
                raise InputError("threshold", "a threshold and a policy", "one of them")
            if policy is not None and (not isinstance(policy, Policy) or policy.confidence is not None):
                hint = "certify with cl.wrap when training is over"
                raise InputError("policy", repr(policy), "a Policy without confidence", hint)
            self.rows, self.threshold, self.policy, self.metrics = X, threshold, policy, metrics
            self.about = {"y_true": y, "positive": positive, "classes": classes, "kind": kind, "weight": weight}
            self.confidence, self.prefix, self.verbose, self.seed = confidence, prefix, verbose, seed
            self.evaluation: Evaluation | None = None
            self.point: OperatingPoint | None = None

        def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
            """Evaluate, and put the figures into `logs`."""
            with warnings.catch_warnings():
                if self.evaluation is not None:  # said after the first epoch
                    warnings.simplefilter("ignore", GuessWarning)
                scores = outputs.score(self.model, self.rows, **self.about).known()
            self.evaluation, self.point = _evaluated(
                scores, self.threshold, self.policy, self.metrics, self.confidence, self.seed
            )
            at = self.evaluation.threshold if self.policy is None else getattr(self.point, "threshold", None)
            found = _logged(self.evaluation, at, self.metrics or (TWO if scores.binary else SEVERAL))
            if logs is not None:
                logs.update({f"{self.prefix}{name}": value for name, value in found.items()})
            if self.verbose:
                bar = "\n" if (self.params or {}).get("verbose") == 1 else ""  # below the progress bar
                print(f"{bar}epoch {epoch + 1}: {_line(self.evaluation, at)}")

    ThresholdMetrics.__qualname__ = ThresholdMetrics.__name__
    return ThresholdMetrics


def _evaluated(
    scores: Scores,
    threshold: float | None,
    policy: Policy | None,
    metrics: Sequence[Metric | str] | None,
    confidence: float,
    seed: int,
) -> tuple[Evaluation, OperatingPoint | None]:
    """The figures at a threshold, or cross-fitted at what a policy chooses, and what it chooses on all rows."""
    usual = TWO if scores.binary else SEVERAL
    asked = list(metrics or (name for name in usual if scores.kind != "rank" or name not in NO_PROBABILITY))
    about: dict[str, Any] = {"metrics": asked, "confidence": confidence, "checks": False, "seed": seed}
    if policy is None:
        if scores.kind == "rank" and threshold is None:
            about["metrics"] = metrics or ["roc_auc"]
        return evaluate(scores, threshold=threshold, **about), None
    assert scores.truth is not None
    fold = stratified_folds(scores.truth, FOLDS, seed, None)
    decision = np.empty(scores.n, dtype=np.int32)
    try:
        for number in np.unique(fold):
            held = fold == number
            decision[held] = policy.choose(scores.take(~held), seed=seed).codes(scores.take(held))
        point = policy.choose(scores, seed=seed)
    except NoFeasibleThreshold:
        ranked = [each for each in asked if each in ("roc_auc", "log_loss")]
        least = ["roc_auc"] if scores.binary else ["log_loss"]
        return evaluate(scores, **about | {"metrics": ranked or least}), None
    note = "cross-fitted: each fifth was decided at a cut chosen on the others"
    return evaluate(scores, decision=decision, **about).with_note(note), point


def _logged(found: Evaluation, at: float | None, wanted: Sequence[Any]) -> dict[str, float]:
    """Each figure with its limits, and the threshold: the same names in every epoch, nan for what there is not."""
    logs: dict[str, float] = {}
    there = {each.metric.name: each for each in found.estimates}
    for name in (find(each).name if isinstance(each, str) else each.name for each in wanted):
        low, high = there[name].interval() if name in there else (math.nan, math.nan)
        value = there[name].value if name in there else math.nan
        logs |= {name: float(value), f"{name}_low": float(low), f"{name}_high": float(high)}
    return logs | ({"threshold": math.nan if at is None else float(at)} if found.classes.binary else {})


def _line(found: Evaluation, at: float | None) -> str:
    limits = [(each, *each.interval()) for each in found.estimates]
    parts = [f"{each.metric.name} {each.value:.3f} [{low:.3f}, {high:.3f}]" for each, low, high in limits]
    return ", ".join(parts) + ("" if at is None else f" at {at:.4g}")
