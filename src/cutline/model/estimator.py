"""`CutlineClassifier`: the mutable scikit-learn estimator around `fit` and its frozen `Classifier`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_consistent_length, check_random_state, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from cutline.data import read_table, read_target
from cutline.data.parse import is_number
from cutline.data.target import Labels
from cutline.decision import Policy
from cutline.errors import DataError, LabelError, ShapeError
from cutline.labels import as_array, missing
from cutline.model.train import fit
from cutline.scores import Scores

if TYPE_CHECKING:
    import pyarrow as pa


class CutlineClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A calibrated classifier as scikit-learn wants it: for `Pipeline`, `cross_val_score`, `GridSearchCV`, `clone`.

    The same data, parameters and `random_state` give the same model, whatever `n_jobs`: there is no time limit unless
    one is asked for, and the default members do not depend on what else is installed.

    Parameters
    ----------
    policy : Policy, optional
        How `predict` decides, such as ``cl.maximize(cl.f1)``. By default for the most probable class; of equal ones
        the first.
    positive : label, optional
        The positive class of a binary problem; by default the last of `classes_`.
    order : sequence of labels, optional
        All classes from low to high, when their order means something. `classes_` is sorted nevertheless.
    families : sequence of str, optional
        As in `fit`: "linear", "lightgbm", "catboost" and "network". None for all that are installed, which may gain a
        little and takes several times as long.
    types : mapping of str to str, optional
        Column types that overrule what is inferred. The columns of an array are called x0, x1, ...; its numbers are
        numeric, never identifiers.
    budget : str or float, optional
        Wall clock time for a fit, such as "10s". The model then depends on the speed of the machine.
    random_state : int, RandomState or None
        Seed of splits, folds and members: the `seed` of `fit`, under the name by which scikit-learn's tools set it.
        None draws another one at each fit.
    n_jobs : int, optional
        Folds to fit side by side, as scikit-learn counts: None for 1 (searches run side by side themselves), -1 for
        all cores.

    Attributes
    ----------
    classes_ : ndarray, shape (k,)
        The labels, sorted.
    classifier_ : Classifier
        What was fitted: `evaluation`, `leaderboard`, `save`, and predictions in the caller's kind of frame.
    n_features_in_ : int
    feature_names_in_ : ndarray of str, shape (n_features_in_,)
        Only when `fit` was given a frame whose columns have names.

    Notes
    -----
    X is an array, a list of rows, or a frame that narwhals reads (pandas, polars, pyarrow, a DuckDB relation). Missing
    values are welcome, infinite ones count as missing, and columns of strings are categories, dates or text. Sparse
    matrices are refused. Predictions are arrays, as everywhere in scikit-learn; ``set_output`` is for transformers.

    Rows of weight 0 are left out, but weight 2 is not the same as the row twice: copies would fall into several folds.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.model_selection import cross_val_score
    >>> rng = np.random.default_rng(0)
    >>> y = rng.choice(["ham", "spam"], 300)
    >>> X = rng.normal(size=(300, 2)) + 2 * (y == "spam")[:, None]
    >>> model = CutlineClassifier(families=["linear"])
    >>> bool(cross_val_score(model, X, y, scoring="roc_auc").min() > 0.9)
    True
    >>> model.fit(X, y).predict([[2.5, 1.5]]).tolist()
    ['spam']
    """

    def __init__(
        self,
        *,
        policy: Policy | None = None,
        positive: Any = None,
        order: Sequence[Any] | None = None,
        families: Sequence[str] | None = ("linear", "lightgbm"),
        types: Mapping[str, str] | None = None,
        budget: str | float | None = None,
        random_state: Any = 0,
        n_jobs: int | None = None,
    ) -> None:
        self.policy = policy
        self.positive = positive
        self.order = order
        self.families = families
        self.types = types
        self.budget = budget
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> Self:
        """Fit on rows and their labels.

        Parameters
        ----------
        X : array, list of rows or frame, shape (n, p)
        y : array-like, shape (n,)
            Labels: strings, integers or booleans.
        sample_weight : array-like, shape (n,), optional
            Importance of each row.
        groups : array-like, shape (n,), optional
            What belongs together, such as the patient: its rows stay in one of the folds.

        Raises
        ------
        ValueError
            A `CutlineError` of `fit`, or what scikit-learn raises for arrays and labels of a wrong shape or kind.
        """
        from joblib import effective_n_jobs

        table, types = self._read(X, reset=True)
        labels = _labels(y)
        weights = None if sample_weight is None else _weights(sample_weight)
        check_consistent_length(table, labels, weights, groups)
        classes = _classes(labels, weights)
        named = getattr(y, "name", None)
        target = _free(named if isinstance(named, str) and named else "y", table)
        table = _with(table, target, labels)
        weight = by = None
        if weights is not None:
            weight = _free("sample_weight", table)
            table = _with(table, weight, weights)
        if groups is not None:
            by = _free("groups", table)
            table = _with(table, by, column_or_1d(as_array(groups, argument="groups")))
        state = self.random_state
        seed = int(state) if isinstance(state, Integral) else check_random_state(state).randint(2**31 - 1)
        classifier = fit(
            table,
            target=target,
            positive=self.positive,
            order=self.order,
            policy=self.policy,
            budget=self.budget,
            weight=weight,
            groups=by,
            types={**types, **(self.types or {})},
            families=self.families,
            seed=seed,
            threads=effective_n_jobs(self.n_jobs),
        )
        # It may have trimmed the labels, or have them in another order.
        self._place = read_target({"y": classes}, "y", classes=classifier.classes).codes
        self.classes_, self.classifier_ = classes, classifier
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Calibrated probabilities, shape (n, k): column j belongs to ``classes_[j]``."""
        return np.asarray(self._scores(X).probabilities[:, self._place])

    def predict(self, X: Any) -> NDArray[Any]:
        """The decided label of each row, shape (n,).

        When the policy abstains they are objects, None where undecided, which scikit-learn's scorers refuse.
        """
        if self.policy is None:
            p = self.predict_proba(X)
            return np.asarray(self.classes_[p.argmax(axis=1)])
        scores = self._scores(X)
        codes = self.classifier_.point.codes(scores)
        names = self.classes_[np.argsort(self._place)]
        if (codes < 0).any():
            names = np.array([*names, None], dtype=object)  # -1 points at the last
        return np.asarray(names[codes])

    def _scores(self, X: Any) -> Scores:
        check_is_fitted(self)
        return self.classifier_.scores(self._read(X, reset=False)[0])

    def _read(self, X: Any, *, reset: bool) -> tuple[pa.Table, dict[str, str]]:
        """X as a table with the column names of `fit`, and what is known of their types."""
        import narwhals as nw

        frame = nw.from_native(X, pass_through=True)
        types: dict[str, str] = {}
        if isinstance(frame, nw.DataFrame | nw.LazyFrame):
            X = frame.collect("pyarrow").to_native() if isinstance(frame, nw.LazyFrame) else X
            validate_data(self, X, reset=reset, skip_check_array=True)
            table = read_table(X)
        else:
            if isinstance(X, list | tuple | np.ma.MaskedArray):  # numbers beside texts, and masks, are kept
                X = as_array(X, argument="X")
            values = validate_data(self, X, reset=reset, dtype=None, ensure_all_finite=False)
            if values.dtype.kind in "iuf":
                values = values.astype(f"{values.dtype.kind}8", copy=False)
            table = read_table({f"x{j}": values[:, j] for j in range(values.shape[1])})
            types = {name: "numeric" for name in table.column_names if is_number(table[name])}
        names = getattr(self, "feature_names_in_", [f"x{j}" for j in range(table.num_columns)])
        return table.rename_columns(list(names)), types

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.string = True
        return tags


def _free(name: str, table: pa.Table) -> str:
    """The name, or one like it that no column of the table has in any letters."""
    taken = {known.casefold() for known in table.column_names}
    while name.casefold() in taken:
        name = f"_{name}"
    return name


def _with(table: pa.Table, name: str, values: NDArray[Any]) -> pa.Table:
    return table.append_column(name, read_table({name: values}).column(name))


def _weights(sample_weight: Any) -> NDArray[np.float64]:
    values = as_array(sample_weight, argument="sample_weight")
    if values.ndim != 1:
        raise ShapeError("sample_weight", f"shape {values.shape}", "one weight a row, shape (n,)")
    if values.dtype.kind not in "biuf" or not values.any():
        came = "zero for every row" if values.dtype.kind in "biuf" else f"an array of {values.dtype}"
        raise DataError("sample_weight", came, "numbers of at least 0, some of them above")
    return values.astype(np.float64)


def _labels(y: Any) -> NDArray[Any]:
    """The labels of all rows, shape (n,), of a kind that scikit-learn takes for classes."""
    labels: NDArray[Any] = column_or_1d(as_array(y, argument="y"), warn=True)
    gone = int((~np.isfinite(labels) if labels.dtype.kind == "f" else missing(labels)).sum())
    if gone:
        raise LabelError("y", f"{gone:,} missing label(s)", "a label for every row", "leave out the rows without one")
    if labels.dtype.kind == "O":  # scikit-learn knows no integers among objects
        plain = np.array(labels.tolist())
        labels = plain if plain.dtype.kind in "biuf" else labels
    try:
        check_classification_targets(labels)
    except TypeError as error:
        raise LabelError("y", f"labels that cannot be sorted ({error})", "labels of one type, no bytes") from None
    return labels


def _classes(labels: NDArray[Any], weights: NDArray[Any] | None) -> NDArray[Any]:
    """The distinct labels, sorted; LabelError where `fit` would take two of them for one, or one for missing."""
    found = np.unique(labels)
    if weights is not None and len(found) > 1 and len(np.unique(labels[weights != 0])) == 1:
        raise LabelError("y", "1 class among the rows with a weight", "at least two classes")
    read = Labels.of(read_table({"y": found}), "y", argument="y").index
    twins = [label for label, code in zip(found.tolist(), read, strict=True) if code < 0 or (read == code).sum() > 1]
    if twins:
        came = f"labels that are empty or differ in blanks alone: {twins[:5]}"
        raise LabelError("y", came, "labels that can be told apart")
    return found
