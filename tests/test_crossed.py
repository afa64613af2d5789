"""Figures of cross-fitted scores: within folds, and of the mean of the models."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.metrics import roc_auc_score

import cutline as cl
from cutline.evaluation import evaluate, gain_of_mean, of_mean, within_folds
from cutline.scores import Scores


def two(n: int = 400, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Truth, scores on a scale of their own in each fold, and the folds."""
    rng = np.random.default_rng(seed)
    y, fold = rng.integers(0, 2, n), rng.integers(0, 4, n)
    return y, 1 / (1 + np.exp(-(y + rng.normal(size=n) + 2.0 * fold - 3))), fold


def test_area_is_that_of_the_pairs_of_rows_of_one_fold() -> None:
    y, p, fold = two()
    scores = Scores(y_true=y, y_score=p, kind="probability")
    pooled = evaluate(scores)
    found = within_folds(pooled, scores, fold)
    pairs = [int((y[fold == f] == 1).sum() * (y[fold == f] == 0).sum()) for f in range(4)]
    areas = [roc_auc_score(y[fold == f], p[fold == f]) for f in range(4)]
    assert found["roc_auc"].value == pytest.approx(np.average(areas, weights=pairs))
    assert found["roc_auc"].value > pooled["roc_auc"].value + 0.05, "which compares rows on different scales"
    assert found["roc_auc"].low < found["roc_auc"].value < found["roc_auc"].high
    assert "one fold" in found["roc_auc"].note
    assert found["log_loss"] == pooled["log_loss"]
    whole = within_folds(pooled, scores, np.zeros(len(y), int))
    assert whole["roc_auc"].value == pytest.approx(pooled["roc_auc"].value)


def test_areas_of_several_classes_within_folds() -> None:
    rng = np.random.default_rng(1)
    y, fold = rng.integers(0, 3, 300), rng.integers(0, 3, 300)
    p = softmax(rng.normal(size=(300, 3)) + 1.5 * np.eye(3)[y], axis=1)
    scores = Scores(y_true=y, y_score=p, kind="probability")
    pooled = evaluate(scores)
    whole = within_folds(pooled, scores, np.zeros(300, int))
    for name in ("macro_roc_auc", "hand_till"):
        assert whole[name].value == pytest.approx(pooled[name].value)
    found = within_folds(pooled, scores, fold)
    each = []
    for k in range(3):
        parts = [((y == k)[fold == f], p[fold == f, k]) for f in range(3)]
        each.append(np.average([roc_auc_score(*a) for a in parts], weights=[a.sum() * (~a).sum() for a, _ in parts]))
    assert found["macro_roc_auc"].value == pytest.approx(np.mean(each))
    assert [report.estimates[-1].value for report in found.per_class] == pytest.approx(each)


def test_rows_in_clusters_keep_an_interval_around_the_area() -> None:
    y, p, fold = two()
    scores = Scores(y_true=y, y_score=p, kind="probability", groups=np.arange(400) // 2)
    found = within_folds(evaluate(scores), scores, fold)["roc_auc"]
    assert found.low < found.value < found.high


@pytest.mark.parametrize("k", [2, 4])
@pytest.mark.parametrize("models", [2, 6])
def test_gain_of_the_mean_is_what_the_mean_gains(k: int, models: int) -> None:
    rng = np.random.default_rng(k)
    n = 40_000
    base = rng.normal(size=(n, k))
    made = softmax(base + 0.7 * rng.normal(size=(models, n, k)), axis=2)
    mean = made.mean(axis=0)
    y = (rng.random((n, 1)) > mean.cumsum(axis=1)).sum(axis=1).clip(max=k - 1)  # the probabilities of the mean hold
    rows = np.arange(n)

    def figures(p: np.ndarray) -> np.ndarray:
        squares = np.square(p - np.eye(k)[y]).sum(axis=1) / (2 if k == 2 else 1)
        return np.array([-np.log(p[rows, y]).mean(), squares.mean()])

    gained = np.mean([figures(each) for each in made], axis=0) - figures(mean)
    assert gain_of_mean(made[0], made[1], models) == pytest.approx(gained, rel=0.06)
    assert gain_of_mean(made[0], made[0], models) == pytest.approx([0, 0], abs=1e-12)
    weighted = gain_of_mean(made[0][:10], made[1][:10], models, np.r_[np.ones(5), np.zeros(5)])
    assert weighted == pytest.approx(gain_of_mean(made[0][:5], made[1][:5], models))


def test_figures_of_the_mean_are_less_and_say_so() -> None:
    y, p, _ = two()
    found = evaluate(Scores(y_true=y, y_score=p, kind="probability"))
    lower = of_mean(found, np.array([0.02, 0.01]))
    for name, less in (("log_loss", 0.02), ("brier", 0.01)):
        assert lower[name].value == pytest.approx(found[name].value - less)
        assert lower[name].low == pytest.approx(found[name].low - less)
        assert "the mean of the fold models" in lower[name].note
    assert lower["roc_auc"] == found["roc_auc"]
    assert of_mean(found, None) is found


def test_a_fit_reports_figures_of_its_mean(tmp_path) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 5))
    table = {f"x{j}": x[:, j] for j in range(5)} | {"y": x[:, 0] * x[:, 1] + 0.5 * rng.normal(size=400) > 0}
    model = cl.fit(table, target="y", families=["lightgbm"], budget="60s")
    measured = model.measured
    assert measured.gain is not None
    assert (measured.gain > 0).all()
    single = -np.log(measured.probabilities[np.arange(400), measured.codes]).mean()
    assert model.evaluation["log_loss"].value == pytest.approx(single - measured.gain[0])
    model.save(tmp_path / "m.cutline")
    assert cl.load(tmp_path / "m.cutline").evaluation["log_loss"].value == model.evaluation["log_loss"].value
    assert f"log loss {single - measured.gain[0]:.4f} of the mean of the fold models" in " ".join(model.notes)
    few = {name: column[:60] for name, column in table.items()} | {"g": np.arange(60) // 10}
    by_group = cl.fit(few, target="y", families=["linear"], groups="g", budget=None)
    assert by_group.measured.gain is not None, "though some folds share no row with the one drawn anew"
    held = cl.fit(table, target="y", families=["linear"], holdout=0.3)
    assert held.measured.gain is held.measured.fold is None


def test_areas_of_a_rule_that_leaves_rows_undecided_are_of_those_it_decides() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=600)
    table = {"x": x, "y": x + rng.logistic(size=600) > 0}
    policy = cl.minimize(cl.cost(matrix="zero-one", abstain=0.2))
    model = cl.fit(table, target="y", families=["linear"], policy=policy, budget=None)
    measured, found = model.measured, model.evaluation
    decides = measured.decision >= 0
    assert 0.2 < decides.mean() < 0.9
    assert measured.gain is not None
    assert measured.fold is not None
    assert found.n == decides.sum()
    p = measured.probabilities[decides, 1]
    scores = Scores(y_true=measured.codes[decides], y_score=p, kind="probability")
    area = within_folds(evaluate(scores), scores, measured.fold[decides])["roc_auc"].value
    assert found["roc_auc"].value == pytest.approx(area)
    single = -np.log(measured.probabilities[decides, measured.codes[decides]]).mean()
    assert found["log_loss"].value == pytest.approx(single), "the gain is that of all rows"
