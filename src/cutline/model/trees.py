"""Boosted trees by LightGBM's native interface: early-stopped on held-out rows, kept as its own text."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline.data import Features

Array = NDArray[np.float64]

ROUNDS = 1000
PATIENCE = 40
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
        p = np.asarray(self._booster[0].predict(matrix(features), num_threads=0), dtype=np.float64)
        return np.column_stack([1 - p, p]) if self.k == 2 else p


def matrix(features: Features) -> Array:
    """Numeric columns, then category codes with nan for missing and unseen: LightGBM takes both as they are."""
    codes = features.codes.astype(np.float64)
    codes[codes < 0] = np.nan
    return np.concatenate([features.numeric, codes], axis=1)


def settings(n: int, k: int, seed: int, threads: int) -> dict[str, Any]:
    """Parameters for n rows and k classes: small trees, slow learning, safe on rare classes."""
    large = n * (1 if k == 2 else k) > 20_000
    return {
        "objective": "binary" if k == 2 else "multiclass",
        "num_class": 1 if k == 2 else k,
        "metric": "binary_logloss" if k == 2 else "multi_logloss",
        "learning_rate": 0.1 if large else 0.05,
        "num_leaves": 31 if large else 8,
        "min_data_in_leaf": 10,
        "feature_fraction": 0.6,
        "bagging_fraction": 0.75,
        "bagging_freq": 1,
        "lambda_l2": 1.0,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": threads,
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
    threads: int,
) -> Trees:
    """Boost on the training rows until the log loss of the held-out rows has not improved for a while."""
    import lightgbm as lgb

    params = settings(features.n, k, seed, threads)
    first = features.numeric.shape[1]
    categorical = list(range(first, first + features.codes.shape[1]))
    train = lgb.Dataset(matrix(features), codes, categorical_feature=categorical, params=params, free_raw_data=True)
    valid = lgb.Dataset(matrix(held), held_codes, reference=train, params=params)
    booster = lgb.train(
        params, train, ROUNDS, valid_sets=[valid], callbacks=[lgb.early_stopping(PATIENCE, verbose=False)]
    )
    best = max(booster.best_iteration, 1)
    return Trees(booster.model_to_string(num_iteration=best), k, best)
