"""`wrap`: calibrate, decide and measure any fitted model on rows that it did not see."""

from __future__ import annotations

import io
import json
import os
import zipfile
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from cutline.calibration import Calibration, Calibrator, calibrate, calibrator_from_dict, features_of
from cutline.data import replacing
from cutline.decision import Explanation, OperatingPoint, Policy, RowCosts, fixed, most_probable
from cutline.decision.explain import decided_by, measured_with
from cutline.errors import CutlineError, InputError, ModelFileError, NoFeasibleThreshold, ScoreError, ShapeError
from cutline.evaluation import Evaluation
from cutline.evidence import set_apart, stratified_folds
from cutline.labels import Classes, Label, Shown, column_names
from cutline.model import native, outputs
from cutline.model.classifier import Measured
from cutline.model.member import Array, as_bytes, packed, unpacked
from cutline.model.persist import BROKEN, MOST_BYTES
from cutline.scores import Kind, Scores

SHARE = 0.2
"""Of the rows, set apart to certify a cut."""
FOLDS = 5
FORMAT = 1


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Wrapped(Shown):
    """A model of any make with a calibrator and an operating point. Made by `wrap` or `Wrapped.load`.

    Attributes
    ----------
    model : object
        As it came; it is called with X as it takes it.
    columns : tuple of label
        The class of each of its columns.
    classes : Classes
    kind : str
        What its scores are, before the calibrator.
    calibrator : Calibrator
    point : OperatingPoint
        The decision rule.
    measured : Measured
        Truth, probabilities and decisions of the rows, each by a calibrator and a cut that had not seen it.
    seed : int
    notes : tuple of str
        What was guessed, and what the rows were used for.
    """

    model: Any
    columns: tuple[Label, ...]
    classes: Classes
    kind: Kind
    calibrator: Calibrator
    point: OperatingPoint
    measured: Measured
    seed: int
    notes: tuple[str, ...]

    @property
    def evaluation(self) -> Evaluation:
        """Every figure on the rows of `measured`; computed anew at each call."""
        return self.measured.evaluate(self.classes, self.point, self.seed)

    def scores(self, X: Any, *, y_true: Any = None, **more: Any) -> Scores:
        """Calibrated probabilities of rows as `Scores`; `more` are weight, groups, slices, ids and role."""
        raw = outputs.read(self.model, X, self.kind).scores(self.columns, self.classes, y_true, **more)
        return raw.with_score(self.calibrator(features_of(raw, self.kind)), "probability")

    def predict_proba(self, X: Any) -> Any:
        """Calibrated probabilities, shape (n, k): column j belongs to ``classes.names[j]``.

        For a frame, a frame of the same library with a column for each class, by name.
        """
        p = self.scores(X).probabilities
        if not column_names(X):
            return p
        import narwhals as nw

        frame = nw.from_native(X, eager_only=True)
        named = {str(name): p[:, k] for k, name in enumerate(self.classes.names)}
        made = nw.from_dict(named, backend=frame.implementation).to_native()
        if frame.implementation.is_pandas():
            made.index = X.index  # so that a column can be put back into the caller's frame
        return made

    def predict(self, X: Any) -> NDArray[Any]:
        """Labels decided by the operating point, shape (n,)."""
        return self.point.decide(self.scores(X))

    def explain(self, X: Any) -> Explanation:
        """Say what one row means, as the model takes it: its calibrated probabilities, the decision and its reason."""
        scores = self.scores(X)
        if scores.n != 1:
            raise ShapeError("X", f"{scores.n:,} rows", "one row", "take one, such as X[3:4]")
        return replace(measured_with(decided_by(self.point, scores.probabilities[0]), self), notes=scores.notes)

    def evaluate(self, X: Any, y: Any, *, confidence: float = 0.95) -> Evaluation:
        """Evaluate the decision on other rows."""
        return self.point.assess(self.scores(X, y_true=y), confidence=confidence)

    def save(self, path: str | os.PathLike[str], *, model: bool = True) -> None:
        """Save as one file without any code in it.

        Parameters
        ----------
        path : path
        model : bool
            With the model itself, in the format of its own library: LightGBM, XGBoost, CatBoost, and Keras models of
            Keras' own layers. Other models have no format that is safe to load: save them with their own tools and
            pass False, which saves calibrator, operating point and classes alone.

        Raises
        ------
        InputError
            A model without a safe format.
        """
        entries = dict(native.arrays_of(self.model)) if model else {}
        manifest = {
            "wrapped": FORMAT,
            "columns": list(self.columns),
            "classes": self.classes.to_dict(),
            "kind": self.kind,
            "calibrator": self.calibrator.to_dict(),
            "point": self.point.to_dict(),
            "seed": self.seed,
            "notes": list(self.notes),
        }
        entries |= {"manifest": as_bytes(json.dumps(manifest, allow_nan=False))}
        for field in fields(Measured):
            if (value := getattr(self.measured, field.name)) is not None:
                entries[f"measured_{field.name}"] = np.asarray(value)
        with replacing(path) as draft:
            draft.write_bytes(packed(entries))

    @classmethod
    def load(cls, path: str | os.PathLike[str], model: Any = None) -> Self:
        """Load what `save` wrote; nothing in it is executed.

        Parameters
        ----------
        path : path
        model : fitted model, optional
            For a file saved without it: the very model that was wrapped. Another one is not calibrated by this.

        Raises
        ------
        ModelFileError
            Not such a file, or a damaged one.
        InputError
            A file without the model, and none given.
        """
        name = os.fspath(path)
        try:
            with open(path, "rb") as file:
                content = file.read()
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                if sum(info.file_size for info in archive.infolist()) > MOST_BYTES:
                    raise ModelFileError(name, "entries that unpack to more than 4 GiB", "a file of sane size")
            found = unpacked(content)
            manifest = json.loads(found["manifest"].tobytes())
            if manifest["wrapped"] != FORMAT:
                raise ModelFileError(name, f"format {manifest['wrapped']!r}", f"format {FORMAT}, of Wrapped.save")
            measured = {key.removeprefix("measured_"): found[key] for key in found if key.startswith("measured_")}
            kept = native.model_of(found) if model is None else model
            if kept is None:
                hint = "Wrapped.load(path, model=the model that was wrapped)"
                raise InputError("model", "none, for a file saved without its model", "the fitted model", hint)
            classes, point = Classes.from_dict(manifest["classes"]), OperatingPoint.from_dict(manifest["point"])
            columns = tuple(manifest["columns"])
            if point.classes != classes or set(columns) != set(classes.names):
                raise ModelFileError(name, "classes that differ between its parts", "an unaltered file")
            return cls(
                kept,
                columns,
                classes,
                manifest["kind"],
                calibrator_from_dict(manifest["calibrator"]),
                point,
                Measured(**measured),
                manifest["seed"],
                tuple(manifest["notes"]),
            )
        except CutlineError:
            raise
        except BROKEN as error:
            came = (
                "no such file" if isinstance(error, FileNotFoundError) else f"a damaged file, or none of ours ({error})"
            )
            raise ModelFileError(name, came, "a file that Wrapped.save wrote") from None

    def __repr__(self) -> str:
        made = f"{type(self.model).__name__}; {self.calibrator.name} calibration"
        return f"Wrapped({self.classes!r}; {made})\n  {self.point.why}"


def wrap(
    model: Any,
    X: Any,
    y: Any,
    *,
    positive: Any = None,
    classes: Any = None,
    kind: Kind | None = None,
    policy: Policy | None = None,
    weight: Any = None,
    groups: Any = None,
    ids: Any = None,
    seed: int = 0,
) -> Wrapped:
    """Calibrate any fitted model, choose its operating point, and measure both, on rows that the model did not see.

    Parameters
    ----------
    model, positive, classes, kind
        As in `score`.
    X : array or frame
        Rows that the model was not fitted on, as it takes them.
    y : array-like, shape (n,) or one-hot (n, k)
        Their labels. Rows without one are left out.
    policy : Policy, optional
        How to decide; by default for the most probable class. With a `confidence`, a fifth of the rows is set apart
        first, and certifies the cut.
    weight, groups, ids : array-like, shape (n,), optional
        As in `Scores`; the rows of a group stay in one fold.
    seed : int
        Seed of splits and folds.

    Returns
    -------
    Wrapped
        Its `evaluation` has the figures: each row was calibrated and decided by what the other folds chose.

    Raises
    ------
    LabelError, ScoreError
        As in `score`; predicted labels, which cannot be calibrated; fewer than 3 rows of a class of two.
    NoFeasibleThreshold
        No threshold satisfies the policy; its `classifier` decides for the most probable class.

    Examples
    --------
    >>> import numpy as np, cutline as cl
    >>> from sklearn.naive_bayes import GaussianNB
    >>> rng = np.random.default_rng(0)
    >>> y = rng.choice(["ham", "spam"], 600)
    >>> X = rng.normal(size=(600, 2)) + (y == "spam")[:, None]
    >>> wrapped = wrap(GaussianNB().fit(X[:200], y[:200]), X[200:], y[200:], positive="spam")
    >>> wrapped.predict(X[:2]).tolist() == y[:2].tolist()
    True
    """
    if policy is not None and isinstance(policy.aim, RowCosts):
        hint = "choose with them on wrapped.scores(X, y_true=y) of other rows"
        raise InputError("policy", "costs by row", "costs that are the same for all rows", hint)
    out = outputs.read(model, X, kind)
    if out.kind == "label":
        raise ScoreError("model", "predicted labels", "scores: probabilities, logits or a ranking", "declare kind=")
    columns, known, said = outputs.named(out, y, positive, classes)
    if out.kind == "rank" and not known.binary:
        said = (*said, "margins of several classes are calibrated as logits")
        out = outputs.Output(out.values, "logit", out.names, out.notes)
    scores = out.scores(columns, known, y, weight=weight, groups=groups, ids=ids).with_notes(*said).known()
    assert scores.truth is not None
    away = np.zeros(scores.n, dtype=bool)
    if policy is not None and policy.confidence is not None:
        away = set_apart(scores.truth, SHARE, seed)
    tune, held = scores.take(~away), scores.take(away, role="certify") if away.any() else None
    said = (*scores.notes, *_roles(tune, held))

    def whole(asked: Policy | None) -> Wrapped:
        certify = held if asked is policy else None
        made, point = _chosen(asked, tune, certify, seed)
        measured = _crossed(asked, tune, certify, seed)
        kept = tuple(dict.fromkeys(said))
        return Wrapped(model, tuple(columns), known, out.kind, made.calibrator, point, measured, seed, kept)

    try:
        return whole(policy)
    except NoFeasibleThreshold as error:
        error.classifier = whole(None)
        raise


def _roles(tune: Scores, held: Scores | None) -> list[str]:
    apart = [] if held is None else [f"{held.n:,} rows were set apart to certify the cut"]
    crossed = f"the figures are cross-fitted: calibrator and cut of each fold of the {tune.n:,} rows by the others"
    return [*apart, crossed, "they hold if the model did not see these rows: fitted on them, it flatters itself"]


def _chosen(policy: Policy | None, tune: Scores, held: Scores | None, seed: int) -> tuple[Calibration, OperatingPoint]:
    """Calibrator and cut; the cut on cross-fitted probabilities, so that it is not chosen on flattered ones."""
    made = calibrate(tune, seed=seed)
    certify = None if held is None else made.apply(held)
    return made, (policy or most_probable).choose(made.cross_fitted, certify, seed=seed)


def _crossed(policy: Policy | None, tune: Scores, held: Scores | None, seed: int) -> Measured:
    """Each fold calibrated and decided by what the others chose."""
    assert tune.truth is not None
    p: Array = np.empty((tune.n, tune.classes.k))
    decision = np.empty(tune.n, dtype=np.int32)
    fold = stratified_folds(tune.truth, FOLDS, seed, tune.groups)
    for number in np.unique(fold):
        rest, part = tune.take(fold != number), tune.take(fold == number)
        try:
            made, point = _chosen(policy, rest, held, seed)
        except NoFeasibleThreshold as error:  # the nearest cut is what one would have had to use
            at = getattr(error.nearest, "threshold", None)
            made, point = _chosen(most_probable if at is None else fixed(at), rest, None, seed)
        scores = made.apply(part)
        p[fold == number], decision[fold == number] = scores.probabilities, point.codes(scores)
    return Measured(tune.truth.astype(np.int32), p, decision, tune.weight, tune.groups, fold.astype(np.int8))
