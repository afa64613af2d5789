"""Training within a budget, interrupted and gone on with; members and their files."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import cutline as cl
from cutline.data import Features
from cutline.errors import DataError, InputError
from cutline.evidence import stratified_folds
from cutline.model import linear as linear_module
from cutline.model.folds import Folds
from cutline.model.linear import MOST_ROWS, View, fit_linear, sample
from cutline.model.member import Deadline, Learner, Rows, packed, stages, unpacked
from cutline.model.recipe import LEARNERS
from cutline.model.schedule import Clock, Store, Trained, once_more, seconds, train


def drawn(n: int = 300, k: int = 2, seed: int = 0, weight: NDArray[np.float64] | None = None) -> Rows:
    """Three numbers and a column of levels; the class depends on a sum and on a level."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3))
    level = rng.integers(0, 4, n).astype(np.int32)
    z = x[:, 0] - x[:, 1] + 1.5 * (level == 2) + rng.logistic(0, 0.5, n)
    codes = np.searchsorted(np.quantile(z, np.linspace(0, 1, k + 1)[1:-1]), z)
    x[rng.random((n, 3)) < 0.05] = np.nan
    found = Features(x, ("a", "b", "c"), level[:, None], ("d",), (4,), ())
    return Rows(found, codes, weight, k, len(codes))


def usable() -> list[Learner]:
    rows = drawn(60)
    return [one for one in LEARNERS if one.applies(rows) and (one.name == "quick_trees" or not one.refuses(rows))]


def trained(learners, rows, fold, *, budget=None, threads=1, store=None, said=None):
    said = [] if said is None else said
    clock, store = Clock(budget), store or Store(None, "", resume=False)
    return train(learners, rows, Folds(fold), seed=3, threads=threads, clock=clock, store=store, say=said.append)


# --- members -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("learner", usable(), ids=lambda learner: learner.name)
@pytest.mark.parametrize("k", [2, 3])
def test_every_member_learns_and_its_stages_can_be_saved(learner: Learner, k: int) -> None:
    rows, fresh = drawn(400, k, 1), drawn(300, k, 2)
    path = learner.fit(rows.take(np.arange(300)), rows.take(np.arange(300, 400)), 0, Deadline(None))
    stage = int(path.losses.argmin())
    member = path.at(stage)
    p = member(fresh.features)
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-6)
    chance = fresh.log_loss(np.full((300, k), 1 / k))
    assert fresh.log_loss(np.maximum(p, 1e-9)) < 0.9 * chance
    # The loss of the path at a stage is that of the member at that stage, on the held-out rows.
    held = rows.take(np.arange(300, 400))
    assert held.log_loss(np.maximum(member(held.features), 1e-12)) == pytest.approx(path.losses[stage], abs=0.01)
    again = learner.path.from_arrays(unpacked(packed(path.arrays())))
    np.testing.assert_array_equal(again.losses, path.losses)
    np.testing.assert_array_equal(again.at(stage)(fresh.features), p)
    saved = type(member).from_arrays(unpacked(packed(member.arrays())))
    np.testing.assert_array_equal(saved(fresh.features), p)
    assert packed(saved.arrays()) == packed(member.arrays())


@pytest.mark.parametrize("learner", usable(), ids=lambda learner: learner.name)
def test_a_row_of_weight_zero_does_not_count_and_weights_move_the_fit(learner: Learner) -> None:
    rows, held = drawn(200, 2, 3), drawn(100, 2, 4)
    flipped = Rows(rows.features, 1 - rows.codes, None, 2, rows.n)
    both = np.concatenate([np.arange(200), np.arange(200)])
    codes = np.concatenate([rows.codes, flipped.codes])
    right = Rows(rows.take(both).features, codes, np.repeat([1.0, 1e-6], 200), 2, 400)
    wrong = Rows(rows.take(both).features, codes, np.repeat([1e-6, 1.0], 200), 2, 400)
    losses = [
        held.log_loss(np.maximum(learner.fit(one, held, 0, Deadline(None)).at(0)(held.features), 1e-9))
        for one in (right, wrong)
    ]
    assert losses[0] < losses[1]


@pytest.mark.parametrize("learner", usable(), ids=lambda learner: learner.name)
def test_a_class_without_rows_in_a_fold_is_no_error(learner: Learner) -> None:
    rows = drawn(200, 3, 5)
    some = np.flatnonzero(rows.codes != 1)
    path = learner.fit(rows.take(some[:100]), rows.take(np.arange(50)), 0, Deadline(None))
    p = path.at(0)(rows.features)
    assert p.shape == (200, 3)
    assert np.isfinite(p).all()


def test_a_network_has_the_gradient_of_its_loss() -> None:
    from cutline.model import network

    rng = np.random.default_rng(0)
    rows = drawn(40, 3, 6)
    x = rng.normal(size=(40, 5)).astype(np.float32)
    parameters = [p.astype(np.float64) for p in network._start(5, rows, rng)]
    parameters[3] = rng.normal(size=parameters[3].shape)
    truth, weight = np.eye(3)[rows.codes], rng.uniform(0.5, 2, 40)

    def loss() -> float:
        z = network._forward(parameters, x)[-1]
        return float(np.average(np.logaddexp.reduce(z, axis=1) - (z * truth).sum(axis=1), weights=weight))

    gradients = network._gradients(parameters, x, truth, weight)
    for p, gradient in zip(parameters, gradients, strict=True):
        at = tuple(rng.integers(0, size) for size in p.shape)
        kept, step = p[at], 1e-4
        p[at] = kept + step
        up = loss()
        p[at] = kept - step
        down = loss()
        p[at] = kept
        assert gradient[at] == pytest.approx((up - down) / (2 * step), rel=1e-2, abs=1e-5)


def test_stages_are_chosen_by_the_other_folds() -> None:
    losses = [np.array([1.0, 0.0, 9.0]), np.array([5.0, 4.0, 3.0, 0.0]), np.array([5.0, 4.0, 3.0])]
    # The first fold alone would take stage 1; the others know nothing of it.
    assert stages(losses) == [2, 1, 1]
    assert stages([np.array([3.0, 1.0])]) == [1]


# --- the budget --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", ["10s", "10 s", "10", 10, 10.0])
def test_budgets(said: object) -> None:
    assert seconds(said) == 10  # type: ignore[arg-type]
    assert seconds("2min") == 120
    assert seconds(None) is None


@pytest.mark.parametrize("said", ["", "ten", "10 parsecs", -1, 0, "0s", float("nan"), float("inf"), True, [1]])
def test_what_is_no_budget(said: object) -> None:
    with pytest.raises(InputError, match="budget: came"):
        seconds(said)  # type: ignore[arg-type]


class Slow:
    """A member that takes its time, and looks at the deadline while it does."""

    def __init__(self, took: float) -> None:
        self.took = took

    def __call__(self, train: Rows, held: Rows, seed: int, deadline: Deadline, until: int | None):
        end = time.monotonic() + self.took
        while time.monotonic() < end:
            deadline.check()
            time.sleep(0.002)
        return fit_linear(train, held, seed, Deadline(None))


def test_members_that_cannot_finish_are_skipped_and_named() -> None:
    rows = drawn(120)
    fold = stratified_folds(rows.codes, 5, 0)
    linear = next(one for one in LEARNERS if one.name == "linear")
    fold_too_long = Learner("endless", "x", linear.path, Slow(60))
    rest_too_long = Learner("slow", "x", linear.path, Slow(0.3))
    first_slow = Learner("first", "x", linear.path, Slow(0.25))
    start = time.monotonic()
    made, skipped = trained([first_slow, fold_too_long, rest_too_long], rows, fold, budget=1.2)
    assert [one.name for one in made] == ["first"], "the first is trained whatever the clock says"
    assert [name for name, _ in skipped] == ["endless", "slow"]
    assert all(why for _, why in skipped)
    assert time.monotonic() - start < 6
    made, skipped = trained([first_slow, rest_too_long], rows, fold, budget=None)
    assert not skipped


@pytest.mark.parametrize("name", ["extra_trees", "catboost", "network"])
def test_folds_end_where_the_shortest_did_and_nothing_else_changes(name: str) -> None:
    rows = drawn(250, 3, 5)
    fold = stratified_folds(rows.codes, 5, 0)
    one = next(learner for learner in LEARNERS if learner.name == name)
    if one.refuses(rows):
        pytest.skip(one.refuses(rows))
    lengths: list[int] = []

    def whole(train: Rows, held: Rows, seed: int, deadline: Deadline, until: int | None):
        return one.fit(train, held, seed, Deadline(None), until)

    def ended(train: Rows, held: Rows, seed: int, deadline: Deadline, until: int | None):
        path = one.fit(train, held, seed, deadline, until)
        lengths.append(len(path.losses))
        return path

    (long,), _ = trained([Learner(name, one.family, one.path, whole)], rows, fold)
    for threads in (1, 3):
        lengths.clear()
        (short,), _ = trained([Learner(name, one.family, one.path, ended)], rows, fold, threads=threads)
        np.testing.assert_array_equal(short.out, long.out)
        assert short.stages == long.stages
        if name != "catboost":  # each of its models has an id of its own
            for a, b in zip(short.bag, long.bag, strict=True):
                assert packed(a.arrays()) == packed(b.arrays())
        if threads == 1:
            assert lengths == sorted(lengths, reverse=True), "none goes on beyond the shortest before it"


def test_training_ends_where_members_gain_less_than_their_time() -> None:
    rows = drawn(200)
    fold = stratified_folds(rows.codes, 5, 0)
    linear = next(one for one in LEARNERS if one.name == "linear")
    same = [Learner(f"linear{i}", "x", linear.path, Slow(0.08)) for i in range(6)]
    made, skipped = trained(same, rows, fold, budget=20)
    assert len(made) == 3, "three are trained, and two of them gained nothing"
    assert [name for name, _ in skipped] == [one.name for one in same[3:]]
    assert all(re.search(r"linear1 and linear2 gained 0\.\d\d % of log loss in \d\.\d s", why) for _, why in skipped)
    made, skipped = trained(same, rows, fold, budget=8)
    assert len(made) == 2, "of a short budget one that gained nothing is enough"
    made, skipped = trained(same, rows, fold, budget=2000)
    assert len(made) == 6, "their time is nothing beside minutes"
    made, skipped = trained(same, rows, fold, budget=None)
    assert len(made) == 6
    assert not skipped, "without a budget time is worth nothing"


def test_trees_that_cannot_end_are_not_begun() -> None:
    rows = drawn(200)
    slow = {one.name: one.expects(rows, {"quick_trees": 2.0}) for one in LEARNERS if one.family == "lightgbm"}
    assert slow.pop("quick_trees") == 0
    assert set(slow.values()) == {10.0}
    assert next(one for one in LEARNERS if one.name == "trees").expects(rows, {}) == 0


def test_quick_trees_are_near_the_best_and_of_use_where_a_round_is_dear() -> None:
    by_name = {one.name: one for one in LEARNERS}
    assert by_name["quick_trees"].refuses(drawn(300))
    rows, fresh = drawn(5000, 3, 1), drawn(3000, 3, 2)
    assert not by_name["quick_trees"].refuses(rows)
    held = rows.take(np.arange(4000, 5000))
    loss, rounds = {}, {}
    for name in ("quick_trees", "extra_trees"):
        path = by_name[name].fit(rows.take(np.arange(4000)), held, 0, Deadline(None), None)
        loss[name], rounds[name] = fresh.log_loss(path.at(int(path.losses.argmin()))(fresh.features)), len(path.losses)
    assert loss["quick_trees"] < 1.05 * loss["extra_trees"]
    assert rounds["quick_trees"] < 0.5 * rounds["extra_trees"]


def test_lines_learn_from_a_sample_of_very_many_rows() -> None:
    rows = drawn(MOST_ROWS + 50_000)
    some = sample(rows, 0)
    assert some.n == MOST_ROWS
    assert some.features.n == MOST_ROWS
    assert sample(some, 0) is some
    path = fit_linear(rows, drawn(5000, seed=1), 0, Deadline(None))
    fewer = fit_linear(some, drawn(5000, seed=1), 0, Deadline(None))
    np.testing.assert_array_equal(path.weights, fewer.weights)


def test_the_design_matrix_is_the_same_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = drawn(500)
    view = View.of(rows.features, splines=True)
    whole = view.matrix(rows.features)
    monkeypatch.setattr(linear_module, "BLOCK", 7)
    np.testing.assert_array_equal(view.matrix(rows.features), whole)
    np.testing.assert_array_equal(view.matrix(rows.features, np.float32), whole.astype(np.float32))


def test_progress_tells_of_the_best_so_far_and_of_the_time_left() -> None:
    rows = drawn(120)
    said: list[str] = []
    two = [one for one in usable() if one.name != "quick_trees"][:2]
    made, _ = trained(two, rows, stratified_folds(rows.codes, 5, 0), budget=95, said=said)
    best = min(made, key=lambda one: rows.log_loss(one.out))
    assert len(said) == 2
    assert f"best {best.name} {rows.log_loss(best.out):.4f}, " in said[1]
    assert re.search(r"9\d s left$", said[1])


def test_a_fit_keeps_its_budget_and_its_plan_repeats_it() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4000, 8))
    table = {f"x{j}": x[:, j] for j in range(8)} | {"y": (x @ rng.normal(size=8) + rng.logistic(size=4000) > 0)}
    short = cl.fit(table, target="y", budget="1s")
    assert short.plan.seconds < 1.15 + 3, "a logistic regression is always fitted"
    names = [member["name"] for member in short.plan.members]
    assert names[0] == "linear"
    assert {name for name, _ in short.plan.skipped} & {"network", "trees"}
    assert any("skipped" in note for note in short.notes)
    again = cl.fit(table, target="y", plan=short.plan)
    assert again.scores(table).score.tobytes() == short.scores(table).score.tobytes()
    assert [member["name"] for member in again.plan.members] == names


def test_where_a_round_is_dear_two_fifths_are_tried_and_the_rest_is_learned_from() -> None:
    rng = np.random.default_rng(1)
    n = 6000
    x = rng.normal(size=(n, 60))
    table = {f"x{j}": x[:, j] for j in range(60)} | {"y": x[:, 0] + rng.logistic(size=n) > 0}
    model = cl.fit(table, target="y", budget="10s", families=["linear"])
    assert model.plan.folds == 2
    counts = {len(member["stages"]) for member in model.plan.members}
    assert counts <= {2, 3}, "and the one across them, where there was time"
    assert model.evaluation.n == 2 * n // 5, "figures of the rows that a model was tried on"
    again = cl.fit(table, target="y", plan=model.plan)
    assert again.scores(table).score.tobytes() == model.scores(table).score.tobytes()
    few = {name: column[:600] for name, column in table.items()}
    assert cl.fit(few, target="y", budget="0.5s", families=["linear"]).plan.folds == 5, "two fifths would be too few"


def test_members_in_use_are_trained_once_more_across_the_folds() -> None:
    rows = drawn(300)
    codes = stratified_folds(rows.codes, 5, 0)
    fold = Folds(codes, again=stratified_folds(rows.codes, 5, 1) == 0)
    seen: list[tuple[int, Any]] = []

    def watched(train: Rows, held: Rows, seed: int, deadline: Deadline, until: int | None):
        seen.append((train.n, until))
        return fit_linear(train, held, seed, deadline, until)

    learner = Learner("linear", "linear", LEARNERS[0].path, watched)
    (one,), _ = trained([learner], rows, codes)
    seen.clear()

    def more(budget: float | None, store: Store | None = None) -> Trained:
        about = {"clock": Clock(budget), "store": store or Store(None, "", resume=False)}
        (found,) = once_more([learner], [one], rows, fold, seed=3, threads=1, **about)
        return found

    found = more(None)
    assert seen == [(240, int(np.median(one.stages)))], "on the other rows, to the middle of the stages"
    assert len(found.bag) == len(found.stages) == 6
    np.testing.assert_array_equal(found.out, one.out)
    assert found.again is not None
    assert found.again.shape == (60, 2)
    assert (np.abs(found.again - one.out[fold.again]).max(axis=1) > 0).all(), "by another model"
    assert more(one.seconds).again is None, "a fifth of the seconds is more than a twentieth of the budget"
    assert len(seen) == 1


def test_once_more_is_read_when_it_was_done_and_left_out_when_it_was_left_out(tmp_path: Path) -> None:
    table = {"x": np.random.default_rng(0).normal(size=200), "y": np.arange(200) % 2}
    asked: Any = {"target": "y", "families": ["linear"]}
    first = cl.fit(table, **asked, checkpoint=tmp_path / "a")
    assert len(first.plan.members[0]["stages"]) == 6
    resumed = cl.fit(table, **asked, checkpoint=tmp_path / "a", resume=True)
    assert resumed.plan.members[0]["stages"] == first.plan.members[0]["stages"]
    assert (resumed.measured.gain == first.measured.gain).all()
    short = cl.fit(table, **asked, checkpoint=tmp_path / "b", budget="0.01s")
    assert len(short.plan.members[0]["stages"]) == 5
    assert short.measured.gain is None
    resumed = cl.fit(table, **asked, checkpoint=tmp_path / "b", resume=True)
    assert len(resumed.plan.members[0]["stages"]) == 5


# --- a folder that keeps what was done ---------------------------------------------------------------------------


def test_finished_folds_are_read_not_fitted(tmp_path: Path) -> None:
    rows = drawn(200)
    fold = stratified_folds(rows.codes, 5, 0)
    calls: list[int] = []

    def counted(train: Rows, held: Rows, seed: int, deadline: Deadline, until: int | None):
        calls.append(seed)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return fit_linear(train, held, seed, deadline, until)

    learner = Learner("linear", "linear", LEARNERS[0].path, counted)
    with pytest.raises(KeyboardInterrupt):
        trained([learner], rows, fold, store=Store(tmp_path / "run", "key", resume=False))
    (one,), _ = trained([learner], rows, fold, store=Store(tmp_path / "run", "key", resume=True))
    assert sorted(calls) == sorted([3, 4, 5, 6, 6, 7])
    (whole,), _ = trained([LEARNERS[0]], rows, fold)
    assert packed(one.bag[0].arrays()) == packed(whole.bag[0].arrays())
    np.testing.assert_array_equal(one.out, whole.out)


def test_folders_of_other_runs_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with pytest.raises(InputError, match="no run in"):
        Store(folder, "a", resume=True)
    Store(folder, "a", resume=False)
    with pytest.raises(InputError, match="resume=True"):
        Store(folder, "a", resume=False)
    with pytest.raises(DataError, match="another run"):
        Store(folder, "b", resume=True)
    with pytest.raises(InputError, match="without a folder"):
        Store(None, "a", resume=True)
    (folder / "run.jsonl").write_text((folder / "run.jsonl").read_text() + '{"member": "lin')
    assert Store(folder, "a", resume=True).journal == [], "a line that was half written is no entry"
    Store(folder, "a", resume=True).skip("linear", "no time for it", 2.0)
    assert Store(folder, "a", resume=True).spent == 2, "and what follows is not appended to it"
    (folder / "run.jsonl").write_text((folder / "run.jsonl").read_text() + "{\n")
    with pytest.raises(DataError, match="damaged journal"):
        Store(folder, "a", resume=True)


def test_skipped_members_stay_skipped_after_an_interruption(tmp_path: Path) -> None:
    store = Store(tmp_path / "run", "key", resume=False)
    store.skip("linear", "no time for it", 5.0)
    again = Store(tmp_path / "run", "key", resume=True)
    assert again.spent == 5
    rows = drawn(100)
    both = [one for one in LEARNERS if one.name in ("linear", "splines")]
    made, skipped = trained(both, rows, stratified_folds(rows.codes, 3, 0), store=again)
    assert [one.name for one in made] == ["splines"]
    assert skipped == [("linear", "no time for it")]


SCRIPT = """
import sys, numpy as np, cutline as cl
rng = np.random.default_rng(0)
x = rng.normal(size=(1500, 6))
table = {f"x{j}": x[:, j] for j in range(6)} | {"y": x @ rng.normal(size=6) + rng.logistic(size=1500) > 0}
folder, resume = sys.argv[1], sys.argv[2] == "resume"
model = cl.fit(table, target="y", budget=None, checkpoint=folder, resume=resume, threads=1)
sys.stdout.buffer.write(model.scores(table).score.tobytes())
"""


def test_a_killed_run_goes_on_to_the_same_model(tmp_path: Path) -> None:
    whole = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "whole"), "new"], capture_output=True, check=True
    )
    for number, files in enumerate((1, 7, 17)):
        folder = tmp_path / str(number)
        process = subprocess.Popen([sys.executable, "-c", SCRIPT, str(folder), "new"], stdout=subprocess.PIPE)
        while len(list(folder.glob("*.npz"))) < files and process.poll() is None:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        done = {path.name: path.read_bytes() for path in folder.glob("*.npz")}
        assert len(done) >= files
        resumed = subprocess.run([sys.executable, "-c", SCRIPT, str(folder), "resume"], capture_output=True, check=True)
        assert resumed.stdout == whole.stdout
        assert all((folder / name).read_bytes() == content for name, content in done.items())


# --- weights and groups ------------------------------------------------------------------------------------------


def test_weights_and_groups_are_columns_and_no_features() -> None:
    rng = np.random.default_rng(1)
    n = 400
    patient = np.repeat(np.arange(80), 5)
    effect = rng.normal(size=80)[patient]
    x = effect + 0.01 * rng.normal(size=n)
    y = rng.random(80)[patient] < 0.5  # a coin for each patient: the rows of a patient tell of it, others cannot
    table = {"x": x, "patient": [f"p{i}" for i in patient], "w": rng.integers(0, 3, n).astype(float), "y": y}
    model = cl.fit(table, target="y", groups="patient", weight="w", families=["linear", "lightgbm"])
    assert [column.name for column in model.schema.used] == ["x"]
    assert model.plan.rows["tune"] == int((table["w"] > 0).sum())
    assert model.evaluation.weighted
    assert abs(model.evaluation["roc_auc"].value - 0.5) < 0.2, "nothing to learn across patients"
    leaking = cl.fit({"x": x, "y": y}, target="y", families=["lightgbm"])
    assert leaking.evaluation["roc_auc"].low > model.evaluation["roc_auc"].value + 0.1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"w": [-1.0] + [1.0] * 59}, "weight: came missing, negative or no numbers"),
        ({"w": ["a"] * 60}, "weight"),
        ({"w": [0.0] * 60}, "weight"),
        ({"g": [None] + ["a"] * 59}, r"groups: came 1 row\(s\) without"),
        ({"g": ["a"] * 60}, "groups: came 1 group"),
    ],
)
def test_weights_and_groups_that_cannot_be_used(change: dict, said: str) -> None:
    table = {"x": np.arange(60.0), "y": [0, 1] * 30, "w": [1.0] * 60, "g": [f"g{i % 9}" for i in range(60)]} | change
    with pytest.raises(InputError, match=said):
        cl.fit(table, target="y", weight="w", groups="g")


@pytest.mark.parametrize("share", [-0.1, 1.0, float("nan")])
def test_what_is_no_holdout(share: float) -> None:
    with pytest.raises(InputError, match="holdout"):
        cl.fit({"x": np.arange(60.0), "y": [0, 1] * 30}, target="y", holdout=share)
