"""What the README shows is there and runs."""

from __future__ import annotations

import os
import re
import shlex
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


def test_the_second_block_learns_from_whatever_there_is(tmp_path, monkeypatch):
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_score

    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    words = {"ham": ["lunch", "meeting", "thanks", "report"], "spam": ["win", "money", "offer", "free"]}
    for label, own in words.items():
        (tmp_path / "mails" / label).mkdir(parents=True)
        for number in range(30):
            text = " ".join(rng.choice([*own, "the", "a", "you", "and"], 12))
            (tmp_path / "mails" / label / f"{number}.txt").write_text(text)
    x = rng.normal(size=(160, 2))
    z = 2 * x[:, 0] + rng.logistic(size=160)
    days = np.datetime64("2024-01-01") + np.arange(160)
    level = np.array(["good", "poor", "severe"])[np.digitize(z, [-1, 1])]
    pd.DataFrame({"day": days, "wind": x[:, 0], "rain": x[:, 1], "level": level}).to_csv("air.csv", index=False)
    ill = np.where(z > 0, "yes", "no")
    patients = {"patient": np.arange(160) // 2, "dose": x[:, 0], "age": x[:, 1], "ill": ill}
    pd.DataFrame(patients).to_csv("patients.csv", index=False)
    pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "left": ill}).to_csv("churn.csv", index=False)
    test = {"a": x[:, 0], "b": x[:, 1], "left": ill}
    names = {
        "cl": cl,
        "cross_val_score": cross_val_score,
        "model": cl.fit("churn.csv", target="left", positive="yes", families=["linear"]),
        "test": test,
        "fitted": LogisticRegression().fit(x, ill),
        "X": x,
        "y": ill == "yes",
        "X_new": x[::-1],
        "y_new": ill[::-1],
    }
    found = [eval(line.split("  #")[0], names) for line in PYTHON[1].strip().splitlines()]
    assert [set(found[0].classes.names), found[1].classes.names] == [{"ham", "spam"}, ("good", "poor", "severe")]
    assert found[0].evaluation["roc_auc"].value > 0.9
    assert found[3].table()[1]["odds_ratio"] > 1
    assert found[6].min() > 0.5


def test_the_third_block_trains_a_keras_network(tmp_path, monkeypatch):
    pytest.importorskip(os.environ.setdefault("KERAS_BACKEND", "jax"))
    keras = pytest.importorskip("keras")
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 2))
    left = np.where(2 * x[:, 0] - x[:, 1] + rng.logistic(size=400) > 0, "yes", "no")
    pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "left": left}).to_csv("churn.csv", index=False)
    names = {"cl": cl, "keras": keras}
    exec(PYTHON[2], names)
    ours = cl.fit("churn.csv", target="left", positive="yes", families=["network"])
    theirs = names["model"]
    assert theirs.classes == ours.classes
    assert abs(theirs.evaluation["log_loss"].value - ours.evaluation["log_loss"].value) < 0.05
    assert theirs.evaluation["roc_auc"].low > 0.7


def sample(n, seed, k=2):
    """Truth, probabilities, and for several classes their names."""
    rng = np.random.default_rng(seed)
    if k == 2:
        y = rng.random(n) < 0.3
        return y, 1 / (1 + np.exp(-(rng.normal(size=n) + 3 * y - 2.5)))
    y = rng.integers(0, k, n)
    z = 2 * np.eye(k)[y] + rng.normal(size=(n, k))
    return y, np.exp(2 * z) / np.exp(2 * z).sum(axis=1, keepdims=True)


def churned(n, seed, **about):
    y, p = sample(n, seed)
    return cl.Scores(y_true=np.where(y, "yes", "no"), y_score=p, positive="yes", **about)


def test_the_fourth_block_reads_any_scores(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    y, p = sample(2000, 0)
    names = {
        "cl": cl,
        "df": pd.DataFrame({"churned": np.where(y, "yes", "no")}),
        "p": p,
        "tune": churned(1500, 1),
        "held_out": churned(2000, 2),
        "test_scores": churned(1000, 3),
        "new_p": sample(10, 4)[1],
        "a": churned(500, 5),
        "b": churned(500, 5).with_score(sample(500, 6)[1], "probability"),
    }
    exec(PYTHON[3], names)
    assert names["point"].grade == "guaranteed"
    assert Path("report.html").stat().st_size > 50_000


def test_the_fifth_block_has_a_word_for_every_decision():
    names = PYTHON[4]
    y, p = sample(1000, 0)
    truth, wide = sample(1000, 1, k=3)
    levels = cl.Classes(["poor", "moderate", "severe"], ordered=True)
    three = cl.Scores(y_true=np.array(levels.names)[truth], y_score=wide, classes=levels)
    given = {
        "cl": cl,
        "scores": cl.Scores(y_true=y, y_score=p, kind="probability"),
        "amounts": np.linspace(1, 100, 1000),
        "three": three,
        "new_rows": cl.Scores(y_score=wide[:5], classes=levels),
        "by_site": cl.Scores(y_true=y, y_score=p, kind="probability", slices={"site": np.arange(1000) % 4}),
        "unlabelled": cl.Scores(y_score=p, classes=[False, True], positive=True, kind="probability"),
    }
    for line in names.strip().splitlines():  # each stands on its own
        exec(line, given)


def test_the_sixth_block_knows_every_threshold():
    y, p = sample(500, 0)
    names = {"cl": cl, "scores": cl.Scores(y_true=y, y_score=p, kind="probability")}
    exec(PYTHON[5], names)
    assert len(names["table"]) == 501


def test_the_seventh_block_finds_traps(tmp_path, monkeypatch):
    from sklearn.linear_model import LogisticRegression

    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    p = 1 / (1 + np.exp(-rng.normal(-2, 1.6, 2000)))
    y = rng.random(2000) < p
    share = y.mean()
    weighted = p * (1 - share) / (p * (1 - share) + (1 - p) * share)
    table = pd.DataFrame({"x": p, "patient": np.arange(2000) // 2, "label": np.where(y, "yes", "no")})
    table[:1200].to_csv("train.csv", index=False)
    table[1100:].to_csv("test.csv", index=False)
    names = {
        "cl": cl,
        "scores": cl.Scores(y_true=y, y_score=weighted, kind="probability"),
        "pipeline": LogisticRegression(class_weight="balanced"),
        "labels": weighted >= 0.5,
    }
    found = [
        eval(line.split("  #")[0].removeprefix("found = "), names | {"found": cl.check(names["scores"])})
        for line in PYTHON[6].strip().splitlines()
    ]
    assert found[0].codes == ("CT06",)
    assert cl.log_loss(found[2]) < cl.log_loss(names["scores"])
    assert set(found[3].codes) == {"CT06", "CT10"}
    assert {"CT08", "CT19"} <= set(found[4].codes)


def test_the_commands_run(tmp_path, monkeypatch, capsys):
    from tests.test_cli import write_scores

    monkeypatch.chdir(tmp_path)
    for number, name in enumerate(("scores.csv", "valid.csv", "test.csv", "new.csv")):
        write_scores(tmp_path / name, 800, seed=number, ids=1000 * number)
    commands = SHELL[1].replace("\\\n", " ").strip().splitlines()
    assert len(commands) == 5
    for command in commands:
        words = shlex.split(command, comments=True)
        assert words[0] == "cutline"
        assert main(words[1:]) == 0, capsys.readouterr().err
    assert (tmp_path / "decided.parquet").exists()
