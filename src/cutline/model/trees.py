"""Boosted trees by LightGBM's native interface: early-stopped on held-out rows, kept as its own text."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline.data import Features

Array = NDArray[np.float64]

PATIENCE = 50
"""Boosting stops when this many rounds have not lowered the held-out log loss."""


@dataclass(frozen=True, slots=True, eq=False)
class Trees:
    """A boosted ensemble, as LightGBM's model text.

    Attributes
    ----------
    text : str
        The model, cut at its best round.
    k : int
        Number of classes; 2 for the binary objective.
    rounds : int
        Boosting rounds kept.
    """

    text: str
    k: int
    rounds: int
    _booster: list[Any] = field(default_factory=list, repr=False)

    def __call__(self, features: Features) -> Array:
        """Probabilities, shape (n, k)."""
        if not self._booster:  # parsed at first use
            import lightgbm as lgb

            self._booster.append(lgb.Booster(model_str=self.text))
        p = np.asarray(self._booster[0].predict(matrix(features), num_threads=1), dtype=np.float64)
        return np.column_stack([1 - p, p]) if self.k == 2 else p


def matrix(features: Features) -> Array:
    """Numeric columns, then category codes with nan for missing and unseen: LightGBM takes both as they are."""
    codes = features.codes.astype(np.float64)
    codes[codes < 0] = np.nan
    return np.concatenate([features.numeric, codes], axis=1)


def settings(n: int, columns: int, k: int, seed: int) -> dict[str, Any]:
    """Parameters for n rows, columns and k classes.

    Small trees and slow learning where rows are few; a weaker penalty where they are many (with 26 classes a constant
    one tripled the rounds); faster learning where a round is dear. All chosen by measurement.
    """
    trees = 1 if k == 2 else k
    work = n * columns * trees
    return {
        "objective": "binary" if k == 2 else "multiclass",
        "num_class": trees,
        "metric": "binary_logloss" if k == 2 else "multi_logloss",
        "learning_rate": 0.1 if work > 1_000_000 else 0.05,
        "num_leaves": min(max(n // 300, 8), 31),
        "min_data_in_leaf": 10,
        "feature_fraction": 0.6,
        "bagging_fraction": 0.75,
        "bagging_freq": 1,
        "lambda_l2": min(1.0, 1000 / n),
        "rounds": int(min(max(min(8000 / trees, 4e9 / max(work, 1)), 50), 2000)),
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1,
        "seed": seed,
        "verbosity": -1,
    }


def fit_trees(
    features: Features,
    codes: NDArray[Any],
    held: Features,
    held_codes: NDArray[Any],
    k: int,
    *,
    seed: int,
) -> Trees:
    """Boost on the training rows until the log loss of the held-out rows has not improved for a while."""
    import lightgbm as lgb

    params = settings(features.n, features.numeric.shape[1] + features.codes.shape[1], k, seed)
    rounds = params.pop("rounds")
    first = features.numeric.shape[1]
    categorical = list(range(first, first + features.codes.shape[1]))
    train = lgb.Dataset(matrix(features), codes, categorical_feature=categorical, params=params, free_raw_data=True)
    valid = lgb.Dataset(matrix(held), held_codes, reference=train, params=params)
    booster = lgb.train(
        params, train, rounds, valid_sets=[valid], callbacks=[lgb.early_stopping(PATIENCE, verbose=False)]
    )
    best = max(booster.best_iteration, 1)
    return Trees(booster.model_to_string(num_iteration=best), k, best)
