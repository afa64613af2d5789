"""Fits under strain: more columns than rows, columns of thousands of levels, a second of time, a full disk."""

from __future__ import annotations

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

import cutline as cl
from cutline.errors import CutlineError


@contextmanager
def files_up_to(size: int) -> Iterator[None]:
    """No file grows beyond this many bytes, as if the disk were full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


def small(n: int = 120) -> dict[str, object]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 3))
    return {"a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "y": x[:, 0] + rng.logistic(size=n) > 0}


def test_a_thousand_columns_for_a_hundred_rows() -> None:
    rng = np.random.default_rng(1)
    wide = {f"x{j}": rng.normal(size=100) for j in range(1000)} | {"y": np.arange(100) % 2}
    found = cl.fit(wide, target="y", budget="5s")
    assert found.evaluation["log_loss"].value < 1.0
    assert found.evaluation["roc_auc"].low < 0.55


def test_twenty_thousand_levels_say_little_and_do_no_harm() -> None:
    rng = np.random.default_rng(2)
    n = 24_000
    level, x = rng.integers(0, 20_000, n), rng.normal(size=n)
    y = x + rng.logistic(size=n) > 0
    table = {"x": x, "code": [f"code {v}" for v in level], "y": y}
    found = cl.fit(table, target="y", budget="10s", types={"code": "categorical"}, families=["linear", "lightgbm"])
    alone = cl.fit({"x": x, "y": y}, target="y", families=["linear"], budget=None)
    assert found.evaluation["log_loss"].value < alone.evaluation["log_loss"].value * 1.01
    fresh = found.predict_proba({"x": [0.0, 0.0], "code": ["never seen", None]})
    assert np.isfinite(fresh.column("True").to_numpy()).all()


def test_a_second_is_enough_for_a_linear_model() -> None:
    found = cl.fit(small(3000), target="y", budget="1s")
    assert found.plan.members[0]["name"] == "linear"
    assert found.evaluation["roc_auc"].low > 0.6


def test_a_full_disk_leaves_the_file_that_was_there(tmp_path: Path) -> None:
    model = cl.fit(small(), target="y", families=["linear"], budget=None)
    path = tmp_path / "model.cutline"
    model.save(path)
    before = path.read_bytes()
    with files_up_to(1000), pytest.raises(CutlineError, match="File too large"):
        model.save(path)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["model.cutline"]


def test_a_full_disk_while_folds_are_kept_ends_the_run_and_it_can_go_on(tmp_path: Path) -> None:
    options = {"target": "y", "families": ["linear"], "budget": None}
    whole = cl.fit(small(), **options)
    with files_up_to(1000), pytest.raises((CutlineError, OSError), match="File too large"):
        cl.fit(small(), **options, checkpoint=tmp_path / "run")
    again = cl.fit(small(), **options, checkpoint=tmp_path / "run", resume=True)
    assert again.scores(small()).score.tobytes() == whole.scores(small()).score.tobytes()
