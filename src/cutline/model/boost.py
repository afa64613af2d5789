"""CatBoost, where it is installed (the extra ``boost``): ordered statistics of categories that LightGBM lacks."""

from __future__ import annotations

import importlib.util
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from cutline.data import Features
from cutline.errors import InputError
from cutline.model.member import Array, Arrays, Deadline, Rows, as_bytes

PATIENCE = 40


@dataclass(frozen=True, slots=True, eq=False)
class CatBoost:
    """A fitted CatBoost model, as its own binary format; it holds data alone.

    Attributes
    ----------
    content : bytes
    present : ndarray of int
        Codes of the classes it knows, in the order of its columns.
    k : int
        Number of classes.
    """

    content: bytes
    present: NDArray[np.int64]
    k: int
    _model: list[Any] = field(default_factory=list, repr=False)
    kind: ClassVar[str] = "catboost"

    def __call__(self, features: Features) -> Array:
        """Probabilities, shape (n, k)."""
        out = np.zeros((features.n, self.k))
        found = self.model.predict(_data(features), prediction_type="Probability", thread_count=1)
        out[:, self.present] = found
        return out

    @property
    def model(self) -> Any:
        """CatBoost's model, parsed at first use."""
        if not self._model:
            self._model.append(_loaded(self.content))
        return self._model[0]

    def arrays(self) -> Arrays:
        """All there is to save."""
        return {"content": as_bytes(self.content), "present": self.present, "k": np.array(self.k)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The inverse of `arrays`."""
        return cls(arrays["content"].tobytes(), arrays["present"], int(arrays["k"]))


@dataclass(frozen=True, slots=True, eq=False)
class CatBoostPath:
    """All rounds of a training; see `cutline.model.member.Path`."""

    content: bytes
    present: NDArray[np.int64]
    k: int
    losses: Array

    def at(self, stage: int) -> CatBoost:
        """The model cut after a round."""
        model = _loaded(self.content)
        model.shrink(ntree_end=stage + 1)
        return CatBoost(_saved(model), self.present, self.k)

    def arrays(self) -> Arrays:
        """All there is to save."""
        return {**CatBoost(self.content, self.present, self.k).arrays(), "losses": self.losses}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The inverse of `arrays`."""
        return cls(arrays["content"].tobytes(), arrays["present"], int(arrays["k"]), arrays["losses"])


def installed() -> bool:
    """Whether CatBoost can be imported."""
    return importlib.util.find_spec("catboost") is not None


def fit_catboost(train: Rows, held: Rows, seed: int, deadline: Deadline, until: int | None = None) -> CatBoostPath:
    """Boost on the training rows until the log loss of the held-out rows has not improved for a while."""
    import catboost

    present = np.unique(train.codes)
    known = np.isin(held.codes, present)
    held = held.take(np.flatnonzero(known))
    binary = len(present) == 2
    name = "Logloss" if binary else "MultiClass"
    width = train.features.numeric.shape[1] + train.features.codes.shape[1]
    work = train.size * width * (1 if binary else train.k)
    rounds = int(min(max(4e9 / max(work, 1) / (1 if binary else train.k), 100), 1000))
    model = catboost.CatBoostClassifier(
        loss_function=name,
        iterations=rounds if until is None else until + 1,
        learning_rate=0.12 if work < 3_000_000 else 0.2,
        depth=6,
        border_count=64,  # as good as 254 by measurement, at half the time
        l2_leaf_reg=3.0,
        boosting_type="Plain",
        bootstrap_type="Bernoulli",
        subsample=0.9,
        rsm=min(1.0, 32 / width),  # of three tables with 57 to 753 columns better on each, in 0.06 to 0.8 of the time
        leaf_estimation_iterations=1,
        one_hot_max_size=15,
        random_seed=seed,
        thread_count=1,
        od_type="Iter",
        od_wait=PATIENCE if until is None else until + 1,
        use_best_model=False,
        allow_writing_files=False,
        verbose=False,
    )
    class_of = np.searchsorted(present, train.codes)
    pool = catboost.Pool(_data(train.features), class_of, weight=train.weight)
    valid = catboost.Pool(_data(held.features), np.searchsorted(present, held.codes), weight=held.weight)

    def go_on(info: Any) -> bool:
        # An exception would come back as CatBoost's own: stop, then look at the clock. Its iterations count from 1.
        return not deadline.passed and info.iteration != deadline.stages

    watch = SimpleNamespace(after_iteration=go_on)
    model.fit(pool, eval_set=valid, callbacks=[watch])
    deadline.check()
    losses = np.asarray(model.get_evals_result()["validation"][name], dtype=np.float64)
    return CatBoostPath(_saved(model), present, train.k, losses)


def shap_values(model: CatBoost, row: Features) -> Array:
    """What each feature of one row adds to the sum of each class, and where it starts, shape (k, features + 1).

    As CatBoost distributes it; classes that it does not know have zeros.
    """
    import catboost

    pool = catboost.Pool(_data(row))
    found = model.model.get_feature_importance(pool, type="ShapValues", thread_count=1)[0]
    out = np.zeros((model.k, found.shape[-1]))
    if found.ndim == 1:  # of two classes the log-odds of the second
        out[model.present[1]] = found
    else:
        out[model.present] = found
    return out


def _data(features: Features) -> Any:
    import catboost

    levels = features.codes.astype("S").astype(object)
    return catboost.FeaturesData(
        num_feature_data=features.numeric.astype(np.float32) if features.numeric.shape[1] else None,
        cat_feature_data=levels if levels.shape[1] else None,
    )


def _saved(model: Any) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.cbm")
        model.save_model(path)
        return Path(path).read_bytes()


def _loaded(content: bytes) -> Any:
    try:
        import catboost
    except ImportError:
        raise InputError(
            "model", "a classifier with a CatBoost member", "CatBoost", "pip install 'cutline[boost]'"
        ) from None
    return catboost.CatBoostClassifier().load_model(blob=content)
