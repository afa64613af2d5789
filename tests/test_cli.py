"""The command line: verbs, exit codes, bad input, and that what is documented is there."""

from __future__ import annotations

import csv
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics as sk

import cutline as cl
from cutline.cli import VERBS, app, main

DOCS = Path(__file__).parents[1] / "docs"
COLUMNS = ("--y-true", "label", "--y-score", "p", "--positive", "spam")


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def write_scores(path: Path, n: int = 600, seed: int = 0, ids: int = 0) -> Path:
    rng = np.random.default_rng(seed)
    y = rng.random(n) < 0.4
    p = np.round(1 / (1 + np.exp(-(rng.normal(size=n) + 3 * y - 1.5))), 4)
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["id", "label", "p", "w"])
        for i in range(n):
            out.writerow([ids + i, "spam" if y[i] else "ham", p[i], round(float(rng.random()) + 0.5, 3)])
    return path


def run(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, str, str]:
    code = main([str(word) for word in words])
    out, err = capsys.readouterr()
    return code, out, err


def test_every_verb_has_help_with_an_example(capsys):
    assert [*(verb.__name__ for verb in VERBS), "completion"] == [name for name in app if not name.startswith("-")]
    for name in app:
        if not name.startswith("-"):
            code, out, _ = run(capsys, name, "--help")
            assert code == 0
            assert f"Example: cutline {name}" in " ".join(out.split())


def test_the_reference_is_up_to_date():
    spec = importlib.util.spec_from_file_location("make_reference", DOCS / "make_reference.py")
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    assert (DOCS / "commands.md").read_text(encoding="utf-8") == made.reference(), "run `make docs`"


def test_every_verb_that_reads_scores_takes_the_same_columns(capsys):
    for name in ("evaluate", "choose", "assess", "decide", "calibrate", "compare", "report"):
        _, out, _ = run(capsys, name, "--help")
        for option in ("--y-true", "--y-score", "--positive", "--weight", "--group", "--id"):
            assert f"{option} " in out, (name, option)


def test_evaluate_json_equals_scikit_learn(capsys, tmp_path):
    path = write_scores(tmp_path / "s.csv")
    rows = read(path)
    y = np.array([row["label"] == "spam" for row in rows])
    p, w = (np.array([float(row[k]) for row in rows]) for k in ("p", "w"))
    for words, weight in (((), None), (("--weight", "w"), w)):
        code, out, _ = run(capsys, "evaluate", path, *COLUMNS, *words, "--json")
        assert code == 0
        result = json.loads(out)
        assert result["schema_version"] == 1
        found = {e["metric"]: e for e in result["estimates"]}
        for name, peer in (
            ("roc_auc", sk.roc_auc_score(y, p, sample_weight=weight)),
            ("average_precision", sk.average_precision_score(y, p, sample_weight=weight)),
            ("log_loss", sk.log_loss(y, p, sample_weight=weight)),
            ("brier", sk.brier_score_loss(y, p, sample_weight=weight)),
        ):
            assert found[name]["value"] == pytest.approx(peer, rel=1e-12)
            assert found[name]["low"] < peer < found[name]["high"]
        if weight is None:
            (tn, fp), (fn, tp) = sk.confusion_matrix(y, p >= 0.5).tolist()
            assert result["counts"] == {"tp": tp, "fp": fp, "fn": fn, "tn": tn}


def test_choose_assess_decide_round_trip(capsys, tmp_path):
    tune = write_scores(tmp_path / "tune.csv", 800, seed=1)
    fresh = write_scores(tmp_path / "fresh.csv", 500, seed=2, ids=10_000)
    point = tmp_path / "point.json"
    aim = ("--maximize", "recall", "--subject-to", "precision>=0.8", "--confidence", "0.9")
    code, out, _ = run(capsys, "choose", tune, *COLUMNS, "--id", "id", *aim, "-o", point)
    assert code == 0
    assert "guaranteed" in out
    assert "set apart" in out
    code, out, _ = run(capsys, "assess", point, fresh, "--y-true", "label", "--y-score", "p", "--id", "id", "--json")
    assert code == 0
    assessed = json.loads(out)
    decided = tmp_path / "decided.csv"
    code, _, _ = run(capsys, "decide", point, fresh, "--y-score", "p", "--id", "id", "-o", decided)
    assert code == 0
    rows = read(decided)
    assert list(rows[0]) == ["id", "p_ham", "p_spam", "decision"]
    truth = [row["label"] for row in read(fresh)]
    hits = sum(row["decision"] == "spam" and label == "spam" for row, label in zip(rows, truth, strict=True))
    assert hits == assessed["counts"]["tp"]
    threshold = json.loads(point.read_text())["threshold"]
    assert all((float(row["p_spam"]) >= threshold) == (row["decision"] == "spam") for row in rows)


def test_assess_refuses_the_rows_it_was_chosen_on(capsys, tmp_path):
    tune, point = write_scores(tmp_path / "tune.csv"), tmp_path / "point.json"
    assert run(capsys, "choose", tune, *COLUMNS, "--maximize", "f1", "-o", point)[0] == 0
    code, out, err = run(capsys, "assess", point, tune, *COLUMNS)
    assert (code, out) == (2, "")
    assert "chosen on" in err


def test_exit_code_3_when_nothing_satisfies_the_constraints(capsys, tmp_path):
    tune, point = write_scores(tmp_path / "tune.csv"), tmp_path / "point.json"
    constraints = ("--subject-to", "precision>=0.999", "recall>=0.999")
    code, out, err = run(capsys, "choose", tune, *COLUMNS, "--maximize", "recall", *constraints, "-o", point)
    assert (code, out) == (3, "")
    assert "nearest" in err
    assert not point.exists()
    code, _, err = run(
        capsys, "choose", tune, *COLUMNS, "--maximize", "recall", "--subject-to", "precision>=0.99",
        "--confidence", "0.999",
    )  # fmt: skip
    assert code == 3
    assert "certify rows" in err


def test_cost_and_fixed_threshold(capsys, tmp_path):
    tune = write_scores(tmp_path / "tune.csv")
    code, out, _ = run(capsys, "choose", tune, *COLUMNS, "--cost-fp", "1", "--cost-fn", "4", "--json")
    assert code == 0
    assert json.loads(out)["threshold"] == pytest.approx(0.2)
    code, out, _ = run(capsys, "choose", tune, *COLUMNS, "--threshold", "0.7", "--json")
    assert json.loads(out)["threshold"] == 0.7


def test_explain_and_metrics(capsys):
    code, out, _ = run(capsys, "explain", "0.9899", "--classes", "not spam,spam", "--threshold", "0.37")
    assert code == 0
    assert out.startswith("P(spam) = 98.99 %, P(not spam) = 1.01 %;")
    code, out, _ = run(capsys, "explain", "0.2", "0.3", "0.5", "--classes", "a,b,c", "--json")
    assert json.loads(out)["decision"] == "c"
    code, out, _ = run(capsys, "metrics", "--json")
    assert [m["name"] for m in json.loads(out)["metrics"]] == list(cl.METRICS)
    code, out, _ = run(capsys, "metrics", "sensitivity")
    assert "tp / (tp + fn)" in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("evaluate", "nowhere.csv", *COLUMNS), "nowhere.csv"),
        (("evaluate", "{s}", "--y-true", "lable", "--y-score", "p"), "label"),
        (("evaluate", "{s}", "--y-score", "p"), "--y-true"),
        (("evaluate", "{s}", "--y-true", "label"), "--y-score"),
        (("evaluate", "{s}", "--y-true", "label", "--y-score", "p", "--positive", "Spam"), "spam"),
        (("evaluate", "{s}", "--y-true", "label", "--y-score", "id", "--kind", "probability"), "outside"),
        (("evaluate", "{s}", *COLUMNS, "--confidence", "95"), "confidence"),
        (("evaluate", "{s}", *COLUMNS, "--threshold", "nan"), "threshold"),
        (("choose", "{s}", *COLUMNS), "aim"),
        (("choose", "{s}", *COLUMNS, "--maximize", "recal"), "recall"),
        (("choose", "{s}", *COLUMNS, "--maximize", "recall", "--subject-to", "precision>0.9"), "precision>=0.90"),
        (("choose", "{s}", *COLUMNS, "--maximize", "recall", "--subject-to", "precision>=90"), "0.9"),
        (("choose", "{s}", *COLUMNS, "--maximize", "recall", "--minimize", "fpr"), "several"),
        (("assess", "{s}", "{s}", *COLUMNS), "operating point"),
        (("decide", "{s}", "{s}", "--y-score", "p"), "operating point"),
        (("explain", "1.5", "--classes", "a,b"), "probability"),
        (("explain", "0.5"), "class"),
        (("report", "nowhere.csv", *COLUMNS), "nowhere.csv"),
        (("predict", "{s}", "{s}"), ""),
        (("demo", "spambas"), "spambase"),
        (("fit", "{s}", "--target", "label", "-o", "nowhere/m.cutline"), "nowhere"),
        (("evaluat",), "evaluate"),
        (("evaluate", "{s}", "--y-treu", "label"), "--y-true"),
    ],
)  # fmt: skip
def test_bad_input_is_exit_code_2_with_a_hint_and_no_traceback(capsys, tmp_path, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)
    scores = write_scores(tmp_path / "s.csv", 60)
    before = sorted(tmp_path.iterdir())
    code, out, err = run(capsys, *(word.format(s=scores) for word in words))
    assert code == 2, err
    assert "Traceback" not in out + err
    assert said in err
    assert sorted(tmp_path.iterdir()) == before, "nothing may be left behind"


def test_standard_input_output_and_closed_pipe(tmp_path):
    path = write_scores(tmp_path / "s.csv", 5000)
    command = [sys.executable, "-m", "cutline"]
    piped = subprocess.run(
        [*command, "evaluate", "-", *COLUMNS, "--json"], input=path.read_bytes(), capture_output=True, check=True
    )
    assert json.loads(piped.stdout)["n"] == 5000
    point = tmp_path / "point.json"
    subprocess.run(
        [*command, "choose", path, *COLUMNS, "--threshold", "0.5", "-o", point], check=True, capture_output=True
    )
    shell = f"'{sys.executable}' -m cutline decide {point} {path} --y-score p | head -1"
    closed = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, check=True)
    assert closed.stdout.strip().strip('"').startswith("p_ham")
    assert closed.stderr == ""


def test_calibrate_then_choose_then_decide(capsys, tmp_path):
    valid, test = write_scores(tmp_path / "valid.csv", n=900), write_scores(tmp_path / "test.csv", 300, 1, ids=5000)
    made, point, out = tmp_path / "calibrator.json", tmp_path / "point.json", tmp_path / "decided.csv"
    code, said, _ = run(capsys, "calibrate", valid, *COLUMNS, "--id", "id", "--method", "logistic", "-o", made)
    assert (code, said.startswith("Calibration(logistic")) == (0, True)
    columns = (*COLUMNS, "--id", "id", "--calibrator", made)
    code, said, err = run(capsys, "choose", valid, *columns, "--cost-fp", "1", "--cost-fn", "3", "-o", point)
    assert code == 0
    assert "in-sample" in err
    code, _, _ = run(capsys, "decide", point, test, "--y-score", "p", "--id", "id", "--calibrator", made, "-o", out)
    assert code == 0
    scores = cl.read_scores(test, y_true="label", y_score="p", positive="spam", kind="probability")
    calibrated = cl.Calibration.from_dict(json.loads(made.read_text())).apply(scores)
    rows = read(out)
    assert [row["decision"] for row in rows] == ["spam" if p >= 0.25 else "ham" for p in calibrated.score]
    assert [float(row["p_spam"]) for row in rows] == pytest.approx(calibrated.score.tolist())
    code, _, _ = run(capsys, "assess", point, test, *columns)
    assert code == 0


def test_compare_matches_rows_by_id(capsys, tmp_path):
    one = write_scores(tmp_path / "gbm.csv", n=400)
    with one.open(newline="") as file:
        header, *rows = csv.reader(file)
    rng = np.random.default_rng(1)
    other = tmp_path / "logit.csv"
    with other.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(header)
        out.writerows([r[0], r[1], round(float(rng.random()), 4), r[3]] for r in reversed(rows))
    code, out, _ = run(capsys, "compare", one, other, *COLUMNS, "--metric", "roc_auc", "--on", "id", "--json")
    assert code == 0
    found = json.loads(out)
    assert found["differences"][0]["p"] < 1e-6
    code, out, _ = run(capsys, "compare", one, other, *COLUMNS, "--metric", "f1", "--threshold", "0.5", "--on", "id")
    assert (code, "gbm - logit" in out) == (0, True)
    assert run(capsys, "compare", one, other, *COLUMNS, "--metric", "rocauc")[0] == 2


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--capacity", "0.1"), "flagged_rate"),
        (("--cost-fp", "1", "--cost-fn", "4", "--cost-abstain", "0.4"), "nothing in between"),
        (("--maximize", "recall", "--subject-to", "precision>=0.8", "--prevalence", "0.1"), "prevalence of 10 %"),
        (("--maximize", "recall", "--subject-to", "fpr<=0.1", "--confidence", "0.9"), "guaranteed"),
        (("--cost-matrix", "zero-one"), "cost(fp=1, fn=1)"),
    ],
)
def test_choose_has_a_word_for_every_policy(capsys, tmp_path, words, says):
    code, out, _ = run(capsys, "choose", write_scores(tmp_path / "s.csv"), *COLUMNS, *words)
    assert code == 0
    assert says in out


@pytest.mark.parametrize(
    "words",
    [
        ("--capacity", "2"),
        ("--capacity", "0.1", "--confidence", "0.9"),
        ("--cost-matrix", "cheap"),
        ("--prevalence", "1", "--maximize", "f1"),
    ],
)
def test_a_policy_that_makes_no_sense_is_usage(capsys, tmp_path, words):
    assert run(capsys, "choose", write_scores(tmp_path / "s.csv"), *COLUMNS, *words)[0] == 2
