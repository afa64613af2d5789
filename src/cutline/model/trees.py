"""Boosted trees by LightGBM's native interface: early-stopped on held-out rows, kept as its own text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from cutline.core import threads
from cutline.data import Features
from cutline.model.member import Array, Arrays, Deadline, Rows, as_bytes

MANY = 2_000
"""Rows that are predicted by several threads; of fewer, waiting for each other takes longer."""
PATIENCE = 50
"""Boosting stops when this many rounds have not lowered the held-out log loss."""
QUICK_PATIENCE = 10
QUICK_ROUNDS, FEW_ROUNDS = 300, 50
VERY_DEAR = 1_000_000
"""The same from which quick learning makes still larger steps, and few of them."""
DEAR = 40_000
"""Rows times columns times trees of a round from which quick learning comes first: below, all learning is quick."""


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
    kind: ClassVar[str] = "trees"

    def __call__(self, features: Features) -> Array:
        """Probabilities, shape (n, k)."""
        side = threads() if features.n >= MANY else 1
        p = np.asarray(self.booster.predict(matrix(features), num_threads=side), dtype=np.float64)
        return np.column_stack([1 - p, p]) if self.k == 2 else p

    @property
    def booster(self) -> Any:
        """LightGBM's model, parsed at first use."""
        if not self._booster:
            import lightgbm as lgb

            self._booster.append(lgb.Booster(model_str=self.text))
        return self._booster[0]

    def arrays(self) -> Arrays:
        """All there is to save."""
        return {"text": as_bytes(self.text), "shape": np.array([self.k, self.rounds])}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The inverse of `arrays`."""
        k, rounds = map(int, arrays["shape"])
        return cls(arrays["text"].tobytes().decode(), k, rounds)


@dataclass(frozen=True, slots=True, eq=False)
class TreesPath:
    """All rounds of a training; see `cutline.model.member.Path`."""

    text: str
    k: int
    losses: Array

    def at(self, stage: int) -> Trees:
        """The model cut after a round."""
        import lightgbm as lgb

        rounds = stage + 1
        return Trees(lgb.Booster(model_str=self.text).model_to_string(num_iteration=rounds), self.k, rounds)

    def arrays(self) -> Arrays:
        """All there is to save."""
        return {"text": as_bytes(self.text), "k": np.array(self.k), "losses": self.losses}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The inverse of `arrays`."""
        return cls(arrays["text"].tobytes().decode(), int(arrays["k"]), arrays["losses"])


def contributions_of(trees: Trees, row: Features) -> Array:
    """What each feature of one row adds to the sum of each class, and where it starts, shape (k, features + 1).

    As LightGBM distributes it; of two classes the sum is the log-odds of the second, and the first has none.
    """
    found = np.asarray(trees.booster.predict(matrix(row), pred_contrib=True, num_threads=1), dtype=np.float64)
    if trees.k == 2:
        return np.concatenate([np.zeros_like(found), found])
    return found.reshape(trees.k, -1)


def matrix(features: Features) -> Array:
    """Numeric columns, then category codes with nan for missing and unseen: LightGBM takes both as they are."""
    codes = features.codes.astype(np.float64)
    codes[codes < 0] = np.nan
    return np.concatenate([features.numeric, codes], axis=1)


def refuses_quick(rows: Rows) -> str:
    """Why quick learning is of no use."""
    columns = rows.features.numeric.shape[1] + rows.features.codes.shape[1]
    return "" if _work(rows.size, columns, rows.k) > DEAR else "slow learning is quick enough"


def _work(n: int, columns: int, k: int) -> int:
    return n * columns * (1 if k == 2 else k)


def quick_settings(n: int, columns: int, k: int, seed: int) -> dict[str, Any]:
    """Parameters of few large steps: within a few percent of the best in a tenth of the time."""
    dear = _work(n, columns, k) > VERY_DEAR
    return {
        "learning_rate": 0.3 if dear else 0.2,
        "num_leaves": 31,
        "min_data_in_leaf": 5,
        "feature_fraction": 0.8,
        "lambda_l2": 1.0,
        "max_bin": 63,
        "rounds": FEW_ROUNDS if dear else QUICK_ROUNDS,
        **_common(k, seed),
    }


def _common(k: int, seed: int) -> dict[str, Any]:
    return {
        "objective": "binary" if k == 2 else "multiclass",
        "num_class": 1 if k == 2 else k,
        "metric": "binary_logloss" if k == 2 else "multi_logloss",
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1,
        "seed": seed,
        "verbosity": -1,
    }


def settings(n: int, columns: int, k: int, seed: int, *, extra: bool, deep: bool) -> dict[str, Any]:
    """Parameters for n rows, columns and k classes; `extra` draws split points at random, `deep` grows large trees.

    Large trees win by far where there is little noise and lose where there is much; so there are both. Otherwise small
    trees and slow learning where rows are few; a weaker penalty where they are many (with 26 classes a constant
    one tripled the rounds); faster learning where a round is dear. All chosen by measurement.
    """
    trees = 1 if k == 2 else k
    work = _work(n, columns, k)
    return {
        "learning_rate": 0.1 if work > 1_000_000 else 0.05,
        "num_leaves": 63 if deep else 16 if extra and n < 9300 else min(max(n // 300, 8), 31),
        "extra_trees": extra,
        "min_data_in_leaf": 4 if deep else 10,
        "feature_fraction": 0.8 if deep else 0.6,
        "bagging_fraction": 1.0 if extra else 0.75,
        "bagging_freq": 0 if extra else 1,
        "lambda_l2": 1.0 if extra else min(1.0, 1000 / n),
        "rounds": int(min(max(min(8000 / trees, 4e9 / max(work, 1)), 50), 2000)),
        **_common(k, seed),
    }


def fit_trees(
    train: Rows,
    held: Rows,
    seed: int,
    deadline: Deadline,
    until: int | None = None,
    *,
    extra: bool = False,
    deep: bool = False,
    quick: bool = False,
) -> TreesPath:
    """Boost on the training rows until the log loss of the held-out rows has not improved for a while."""
    import lightgbm as lgb

    first, levels = train.features.numeric.shape[1], train.features.codes.shape[1]
    shape = train.size, first + levels, train.k, seed
    params = quick_settings(*shape) if quick else settings(*shape, extra=extra, deep=deep)
    rounds = params.pop("rounds")
    categorical = list(range(first, first + levels))
    data = lgb.Dataset(
        matrix(train.features),
        train.codes,
        weight=train.weight,
        categorical_feature=categorical,
        params=params,
        free_raw_data=True,
    )
    valid = lgb.Dataset(matrix(held.features), held.codes, weight=held.weight, reference=data, params=params)
    seen: dict[str, Any] = {}

    def watch(state: Any) -> None:
        deadline.check()
        # Not as a smaller number of rounds, which the text of the model would tell of.
        if state.iteration + 1 == deadline.stages:
            raise lgb.callback.EarlyStopException(state.iteration, state.evaluation_result_list)

    watch.order = 25  # type: ignore[attr-defined]  # after the record of this round, which is 20
    callbacks: list[Any] = [lgb.record_evaluation(seen), watch]
    if until is None:
        callbacks.append(lgb.early_stopping(QUICK_PATIENCE if quick else PATIENCE, verbose=False))
    # All rounds are kept: LightGBM's default cuts at the best of these held-out rows, which must have no say.
    booster = lgb.train(
        params,
        data,
        rounds if until is None else until + 1,
        valid_sets=[valid],
        keep_training_booster=True,
        callbacks=callbacks,
    )
    (losses,) = seen["valid_0"].values()
    return TreesPath(booster.model_to_string(num_iteration=len(losses)), train.k, np.asarray(losses))
