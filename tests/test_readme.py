"""What the README shows is there and runs."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import cutline as cl
from cutline.cli import main
from cutline.data import bundled, write_table

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
SHELL = re.findall(r"```sh\n(.*?)```", README, flags=re.DOTALL)


def test_every_linked_file_is_there():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        if not target.startswith("http"):
            assert (ROOT / target).exists(), target


def test_the_first_block_fits_saves_and_reports(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table = bundled("spambase").table
    write_table(table, tmp_path / "spam.csv")
    names = {"new": table.slice(0, 5)}
    exec(PYTHON[0], names)
    model = names["model"]
    assert model.point.grade == "guaranteed"
    assert model.point.constraints[0].bound >= 0.90
    assert (tmp_path / "report.html").stat().st_size > 50_000
    assert (cl.load("spam.cutline").predict(table) == model.predict(table)).all()


def test_the_second_block_reads_any_scores():
    rng = np.random.default_rng(0)
    y, other = (rng.random(500) < 0.3 for _ in range(2))
    p, new_p = (1 / (1 + np.exp(-(rng.normal(size=500) + 2 * t - 1.5))) for t in (y, other))
    names = {
        "cl": cl,
        "df": pd.DataFrame({"churned": np.where(y, "yes", "no")}),
        "p": p,
        "other_scores": cl.Scores(y_true=np.where(other, "yes", "no"), y_score=new_p, positive="yes"),
        "new_p": new_p,
    }
    exec(PYTHON[1], names)
    assert names["point"].threshold == pytest.approx(1 / 26)


def test_the_third_block_knows_every_threshold():
    rng = np.random.default_rng(0)
    y = rng.random(500) < 0.3
    p = 1 / (1 + np.exp(-(rng.normal(size=500) + 2 * y - 1.5)))
    names = {"cl": cl, "scores": cl.Scores(y_true=y, y_score=p, kind="probability")}
    exec(PYTHON[2], names)
    assert len(names["table"]) == 501


def test_the_commands_run(tmp_path, monkeypatch, capsys):
    from tests.test_cli import write_scores

    monkeypatch.chdir(tmp_path)
    for number, name in enumerate(("scores.csv", "valid.csv", "test.csv", "new.csv")):
        write_scores(tmp_path / name, 800, seed=number, ids=1000 * number)
    commands = SHELL[1].replace("\\\n", " ").strip().splitlines()
    assert len(commands) == 4
    for command in commands:
        words = [word.strip("'") for word in command.split()]
        assert words[0] == "cutline"
        assert main(words[1:]) == 0, capsys.readouterr().err
    assert (tmp_path / "decided.parquet").exists()
