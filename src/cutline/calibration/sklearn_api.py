"""A scikit-learn estimator around `calibrate`: the mutable door to a frozen result."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline.calibration.choose import Calibration, calibrate
from cutline.errors import InputError, UnknownName
from cutline.labels import as_array
from cutline.scores import Kind, Scores


class CutlineCalibrator:
    """Calibrated probabilities in the manner of scikit-learn: `fit`, `predict_proba`, `transform`, `predict`.

    It keeps scikit-learn's conventions (parameters stored as given, `get_params`, fitted attributes end in ``_``) and
    so can be cloned, searched over and put into a pipeline, without scikit-learn being imported before it is needed.

    Parameters
    ----------
    estimator : classifier with ``predict_proba``, optional
        When given, `fit` and `predict_proba` take its features: the calibrator is fitted on its out-of-fold
        probabilities, the classifier itself then on all rows. Without it they take scores.
    method : str
        As in `calibrate`.
    kind : str, optional
        Kind of the scores: "probability" (the default), "logit" or "rank".
    folds, seed : int
        Of the cross-validation.

    Attributes
    ----------
    classes_ : ndarray, shape (k,)
        The labels, sorted; column k of `predict_proba` belongs to ``classes_[k]``. Of two, the last is positive.
    calibration_ : Calibration
        The calibrator and how it was chosen.
    estimator_ : object
        The classifier, fitted on all rows; only when `estimator` was given.

    Examples
    --------
    >>> import numpy as np
    >>> from cutline.calibration.sklearn_api import CutlineCalibrator
    >>> rng = np.random.default_rng(0)
    >>> p = rng.uniform(size=1000)
    >>> y = np.where(rng.uniform(size=1000) < p, "yes", "no")
    >>> fitted = CutlineCalibrator().fit(p**3, y)
    >>> fitted.predict_proba([0.125, 0.729]).round(2).tolist()
    [[0.5, 0.5], [0.07, 0.93]]
    """

    def __init__(
        self,
        estimator: Any = None,
        *,
        method: str = "auto",
        kind: Kind = "probability",
        folds: int = 5,
        seed: int = 0,
    ) -> None:
        self.estimator = estimator
        self.method = method
        self.kind = kind
        self.folds = folds
        self.seed = seed

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> CutlineCalibrator:
        """Fit on scores of shape (n,), (n, 1) or (n, k) with ``k = len(classes_)``, or on features of `estimator`."""
        labels = as_array(y, argument="y")
        self.classes_ = np.unique(labels)
        score = X if self.estimator is None else self._out_of_fold(X, labels, sample_weight)
        names = self.classes_.tolist()
        scores = Scores(
            y_true=labels,
            y_score=_columns(score),
            classes=names,
            positive=names[-1] if len(names) == 2 else None,
            kind=self.kind,
            weight=sample_weight,
        )
        self.calibration_: Calibration = calibrate(scores, method=self.method, folds=self.folds, seed=self.seed)
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Calibrated probabilities, shape (n, k), columns as in `classes_`."""
        if not hasattr(self, "calibration_"):
            raise InputError("CutlineCalibrator", "no fit", "fit(X, y) before predict_proba")
        score = X if self.estimator is None else self.estimator_.predict_proba(X)
        scores = Scores(y_score=_columns(score), classes=self.calibration_.classes, kind=self.kind)
        return self.calibration_.apply(scores).probabilities

    def transform(self, X: Any) -> NDArray[np.float64]:
        """The same as `predict_proba`, so that it can stand inside a pipeline."""
        return self.predict_proba(X)

    def predict(self, X: Any) -> NDArray[Any]:
        """The likeliest class of each row, shape (n,); a better cut is for a policy to choose."""
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Parameters by name; those of `estimator` as ``estimator__name``."""
        params = {name: getattr(self, name) for name in ("estimator", "method", "kind", "folds", "seed")}
        if deep and hasattr(self.estimator, "get_params"):
            params |= {f"estimator__{name}": value for name, value in self.estimator.get_params().items()}
        return params

    def set_params(self, **params: Any) -> CutlineCalibrator:
        """Set parameters by name."""
        known = self.get_params()
        for name, value in params.items():
            if name not in known:
                raise UnknownName.among("parameter", name, known)
            own, _, inner = name.partition("__")
            if inner:
                self.estimator.set_params(**{inner: value})
            else:
                setattr(self, own, value)
        return self

    def _out_of_fold(self, X: Any, labels: NDArray[Any], sample_weight: Any) -> NDArray[np.float64]:
        from sklearn.base import clone
        from sklearn.model_selection import StratifiedKFold, cross_val_predict

        if self.kind != "probability":
            raise InputError("kind", repr(self.kind), "'probability', which is what an estimator's predict_proba gives")
        params = {} if sample_weight is None else {"sample_weight": sample_weight}
        split = StratifiedKFold(self.folds, shuffle=True, random_state=self.seed)
        out = cross_val_predict(self.estimator, X, labels, cv=split, method="predict_proba", params=params)
        self.estimator_ = clone(self.estimator).fit(X, labels, **params)
        return np.asarray(out)

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import ClassifierTags, InputTags, Tags, TargetTags

        return Tags(
            estimator_type="classifier",
            target_tags=TargetTags(required=True),
            transformer_tags=None,
            classifier_tags=ClassifierTags(),
            regressor_tags=None,
            input_tags=InputTags(one_d_array=True),
        )

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={value!r}" for name, value in self.get_params(deep=False).items())
        return f"CutlineCalibrator({given})"


def _columns(score: Any) -> NDArray[Any]:
    """Scores as an array; a single column is that of the positive class."""
    values = as_array(score, argument="X")
    return values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values
