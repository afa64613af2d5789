"""The command line: verbs, exit codes, bad input, and that what is documented is there."""

from __future__ import annotations

import csv
import importlib.util
import io
import json
import os
import shutil
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
    assert (DOCS / "checks.md").read_text(encoding="utf-8") == made.checks(), "run `make docs`"


def test_every_verb_that_reads_scores_takes_the_same_columns(capsys):
    for name in ("evaluate", "check", "choose", "assess", "decide", "calibrate", "compare", "report"):
        _, out, _ = run(capsys, name, "--help")
        for option in ("--y-true", "--y-score", "--positive", "--weight", "--group", "--id"):
            assert f"{option} " in out, (name, option)
        assert "--no-checks" in out, name


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
        (("evaluate", "{s}", "--y-true", "label", "--y-score", "p", "--positive", "spma"), "did you mean 'spam'"),
        (("evaluate", "{s}", *COLUMNS, "--kind", "probabilty"), '"probability"'),
        (("evaluate", "{s}", *COLUMNS, "--metrics", "roc_acu"), "roc_auc"),
        (("evaluate", "{s}", *COLUMNS, "-o", "r.yaml"), ".json, .csv or .parquet"),
        (("evaluate", "{s}", *COLUMNS, "-o", "nowhere/r.json"), "nowhere"),
        (("evaluate", "{s}", *COLUMNS, "--weight", "ww"), "did you mean 'w'"),
        (("evaluate", "empty.csv", *COLUMNS), "empty.csv"),
        (("calibrate", "{s}", *COLUMNS, "--method", "logistc"), "logistic"),
        (("compare", "{s}", *COLUMNS), "two"),
        (("report", "{s}", *COLUMNS, "-o", "r.pdf"), ".html, .md or .json"),
        (("report", "{s}", *COLUMNS, "--figure", "rok=r.svg"), "did you mean 'roc'"),
        (("report", "{s}", *COLUMNS, "--figure", "roc=r.gif"), ".svg, .png or .pdf"),
        (("report", "{s}", *COLUMNS, "--figure", "roc"), "roc=roc.svg"),
        (("schema", "raport"), "report"),
        (("completion", "tcsh"), '"bash"'),
        (("evaluate", "{s}", "--y-treu", "label"), "--y-true"),
        (("evaluate", "{s}", "--y-treu", "label"), "See cutline evaluate --help"),
        (("evalute",), "See cutline --help"),
        (("evaluate", "{s}"), "its columns are id, label, p, w"),
        (("evaluate", "{s}", "--y-true", "label"), "its columns are id, label, p, w"),
        (("evaluate", "-", "--y-true", "label"), "--y-score"),
        (("evaluate", "{s}", "--y-true", "labl", "--y-score", "p"), "cutline: --y-true: came 'labl'"),
        (("evaluate", "{s}", *COLUMNS, "--kind", "rank", "--metrics", "f1"), "for example --threshold 0.5"),
        (("evaluate", "{s}", *COLUMNS, "--role", "tset"), '"test"'),
        (("evaluate", "{s}", *COLUMNS, "--calibrator", "other.json"), "other.json: came"),
        (("choose", "{s}", *COLUMNS, "--maximize", "f1", "-o", "point.txt"), "ends in .json"),
        (("choose", "{s}", *COLUMNS, "--capacity", "some"), "200/10000"),
        (("choose", "{s}", *COLUMNS, "--capacity", "1/0"), "200/10000"),
        (("assess", "other.json", "{s}", *COLUMNS), "other.json: came"),
        (("gate", "other.json", "--require", "f1>=0.5"), "other.json: came a dict without estimates"),
        (("gate", "othr.json", "--require", "f1>=0.5"), "did you mean 'other.json'"),
        (("explain", "0.5"), "--classes 'not spam,spam'"),
    ],
)  # fmt: skip
def test_bad_input_is_exit_code_2_with_a_hint_and_no_traceback(capsys, tmp_path, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)
    scores = write_scores(tmp_path / "s.csv", 60)
    (tmp_path / "other.json").write_text('{"a": 1}')
    before = sorted(tmp_path.iterdir())
    code, out, err = run(capsys, *(word.format(s=scores) for word in words))
    assert code == 2, err
    assert "Traceback" not in out + err
    assert said in err
    assert sorted(tmp_path.iterdir()) == before, "nothing may be left behind"


def test_a_capacity_is_a_share_or_so_many_of_so_many(capsys, tmp_path):
    path = write_scores(tmp_path / "s.csv")
    said = [run(capsys, "choose", path, *COLUMNS, "--capacity", text)[1] for text in ("0.05", "50/1000")]
    assert said[0] == said[1]
    assert "flagged_rate <= 0.05" in said[0]


def test_the_role_of_rows_is_said(capsys, tmp_path):
    code, out, _ = run(capsys, "evaluate", write_scores(tmp_path / "s.csv"), *COLUMNS, "--role", "test", "--json")
    assert (code, json.loads(out)["role"]) == (0, "test")


def loaded(*words: str | Path) -> set[str]:
    """Top-level packages that a command imports."""
    code = f"""
import sys, contextlib, io
from cutline.cli import main
with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
    assert main({[str(word) for word in words]!r}) == 0
print(*sys.modules)
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in found.stdout.split()}


def test_commands_load_no_more_than_they_need(tmp_path):
    trainers = {"sklearn", "lightgbm", "catboost", "keras", "torch", "narwhals", "polars", "matplotlib", "joblib"}
    frames = {"pandas", "pyarrow", "scipy"}
    for words in (("--help",), ("evaluate", "--help"), ("explain", "0.9", "--classes", "a,b"), ("metrics",)):
        assert not loaded(*words) & (trainers | frames), words
    path = write_scores(tmp_path / "s.csv", 50)
    assert not loaded("evaluate", path, *COLUMNS) & trainers
    assert "scipy.stats" not in loaded("choose", path, *COLUMNS, "--threshold", "0.5")


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
    for words, code, says in (
        (f"evaluate {path} {' '.join(COLUMNS)} >&-", 2, "standard output is closed"),
        (f"evaluate - {' '.join(COLUMNS)} <&-", 2, "empty file"),
        (f"evaluate {path} {' '.join(COLUMNS)} --json > /dev/full", 2, "No space left"),
        ("metrics > /dev/full 2>&-", 2, ""),
        (f"evaluate {path} {' '.join(COLUMNS)} 2>&- | tail -1 | grep -c note:", 0, ""),
    ):
        found = subprocess.run(
            ["bash", "-c", f"'{sys.executable}' -m cutline {words}"], capture_output=True, text=True, check=False
        )
        assert (found.returncode, says in found.stderr) == (code, True), (words, found.stderr)
        assert "Traceback" not in found.stderr
        assert "Exception ignored" not in found.stderr


def test_results_travel_through_pipes(capsys, tmp_path, monkeypatch):
    path = write_scores(tmp_path / "s.csv", 400)

    def given(text: str) -> None:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))

    _, result, _ = run(capsys, "evaluate", path, *COLUMNS, "--json")
    given(result)
    code, out, _ = run(capsys, "gate", "-", "--require", "roc_auc>=0.8")
    assert (code, out.splitlines()[-1]) == (0, "1 of 1 passed")
    _, point, _ = run(capsys, "choose", path, *COLUMNS, "--maximize", "f1", "--json")
    given(point)
    code, _, _ = run(capsys, "decide", "-", path, "--y-score", "p", "-o", tmp_path / "d.csv")
    assert code == 0
    at = json.loads(point)["threshold"]
    assert all((float(r["p_spam"]) >= at) == (r["decision"] == "spam") for r in read(tmp_path / "d.csv"))
    given("[]")
    assert run(capsys, "gate", "-", "--require", "roc_auc>=0.8")[0] == 2


def test_predictions_of_standard_input_are_those_of_the_file(capfdbinary, tmp_path, monkeypatch):
    path, model = write_scores(tmp_path / "s.csv", 300), tmp_path / "m.cutline"
    cl.fit(path, target="label", positive="spam", drop=["id", "w"], families=["linear"], budget="30s").save(model)
    capfdbinary.readouterr()
    assert main(["predict", str(model), str(path)]) == 0
    wanted = capfdbinary.readouterr().out
    assert main(["explain", str(path), "--model", str(model)]) == 2
    assert b"--row: came nothing; wanted the number of one of the 300 rows" in capfdbinary.readouterr().err
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(path.read_bytes())))
    assert main(["predict", str(model), "-"]) == 0
    assert capfdbinary.readouterr().out == wanted
    assert wanted.count(b"\n") == 301


def test_ctrl_c_is_130(capsys, tmp_path, monkeypatch):
    def interrupted(*args: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cl, "read_scores", interrupted)
    code, out, err = run(capsys, "evaluate", write_scores(tmp_path / "s.csv"), *COLUMNS, "-o", tmp_path / "r.json")
    assert (code, out, err) == (130, "", "cutline: interrupted\n")
    assert not (tmp_path / "r.json").exists()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_knows_every_verb_and_option(capsys, tmp_path, shell):
    code, out, _ = run(capsys, "completion", shell)
    assert code == 0
    for word in (*(verb.__name__ for verb in VERBS), "y-score", "subject-to", "require"):
        assert word in out
    script = tmp_path / f"completion.{shell}"
    script.write_text(out)
    if shell == "bash":
        assert subprocess.run(["bash", "-n", script], capture_output=True, check=True).stderr == b""
        asked = f"source {script}; COMP_WORDS=(cutline eva); COMP_CWORD=1; _cutline; echo ${{COMPREPLY[@]}}"
        found = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, check=True)
        assert found.stdout.split() == ["evaluate"]


def test_results_are_saved_as_tables_too(capsys, tmp_path):
    path, other = write_scores(tmp_path / "a.csv"), write_scores(tmp_path / "b.csv", seed=3)
    _, out, _ = run(capsys, "evaluate", path, *COLUMNS, "-o", tmp_path / "r.csv", "--json")
    estimates = json.loads(out)["estimates"]
    assert [row["metric"] for row in read(tmp_path / "r.csv")] == [e["metric"] for e in estimates]
    assert float(read(tmp_path / "r.csv")[0]["value"]) == estimates[0]["value"]
    assert run(capsys, "evaluate", path, *COLUMNS, "-o", tmp_path / "r.parquet")[0] == 0
    assert (tmp_path / "r.parquet").read_bytes().startswith(b"PAR1")
    run(capsys, "evaluate", path, *COLUMNS, "--metrics", "brier", "sensitivity", "-o", tmp_path / "r.json")
    assert [e["metric"] for e in json.loads((tmp_path / "r.json").read_text())["estimates"]] == ["brier", "recall"]
    shutil.copy(path, other)
    code, _, _ = run(capsys, "compare", path, other, *COLUMNS, "-o", tmp_path / "c.csv")
    assert code == 0
    assert [row["first"] for row in read(tmp_path / "c.csv")] == ["a"]


def test_models_of_equal_file_names_are_told_apart_by_their_folders(capsys, tmp_path):
    paths = [tmp_path / name / "scores.csv" for name in ("one", "two")]
    for path in paths:
        path.parent.mkdir()
        write_scores(path)
    code, out, _ = run(capsys, "compare", *paths, *COLUMNS, "--on", "id", "--json")
    assert code == 0
    assert list(json.loads(out)["values"]) == [str(path) for path in paths]
    assert run(capsys, "compare", paths[0], paths[0], *COLUMNS)[0] == 2


@pytest.mark.parametrize("form", ["html", "md", "json"])
def test_reports_and_figures_are_written(capsys, tmp_path, form):
    path, target = write_scores(tmp_path / "s.csv"), tmp_path / f"r.{form}"
    figures = (f"roc={tmp_path / 'roc.svg'}", f"cost={tmp_path / 'cost.png'}")
    code, out, err = run(capsys, "report", path, *COLUMNS, "-o", target, "--figure", *figures)
    assert (code, out) == (0, ""), "nothing for people where there is no terminal"
    assert target.stat().st_size > 1000
    assert (tmp_path / "roc.svg").read_text().lstrip().startswith("<?xml")
    assert (tmp_path / "cost.png").read_bytes().startswith(b"\x89PNG")
    assert err.count("report: ") == 3


def test_a_report_of_several_files_compares_them(capsys, tmp_path):
    one, two = write_scores(tmp_path / "gbm.csv"), tmp_path / "logit.csv"
    shutil.copy(one, two)
    target = tmp_path / "r.json"
    code, _, err = run(capsys, "report", one, two, *COLUMNS, "--id", "id", "--threshold", "0.4", "-o", target)
    assert (code, err) == (0, f"report: {target}\n")
    data = json.loads(target.read_text())
    assert (data["form"], data["models"], data["thresholds"]) == ("comparison", ["gbm", "logit"], [0.4, 0.4])
    for words in (("--mistakes", "3"), ("--point", tmp_path / "p.json")):
        code, _, err = run(capsys, "report", one, two, *COLUMNS, *words)
        assert code == 2
        assert words[0] in err
    assert run(capsys, "report", one, one, *COLUMNS)[0] == 2


def test_a_report_with_slices_and_single_rows(capsys, tmp_path):
    path, target = write_scores(tmp_path / "s.csv"), tmp_path / "r.json"
    code, _, _ = run(
        capsys,
        "report",
        path,
        *COLUMNS,
        "--id",
        "id",
        "--slice",
        "label",
        "--mistakes",
        "4",
        "--unit",
        "EUR",
        "-o",
        target,
    )
    assert code == 0
    data = json.loads(target.read_text())
    assert [(one["partition"], one["slice"]) for one in data["slices"]] == [("label", "ham"), ("label", "spam")]
    assert len(data["mistakes"]) == 4
    assert data["unit"] == "EUR"
    assert run(capsys, "report", path, *COLUMNS, "--mistakes", "4", "-o", target)[0] == 2
    code, _, err = run(capsys, "evaluate", path, *COLUMNS, "--slice", "region")
    assert code == 2
    assert "region" in err


def test_a_report_on_a_terminal_shows_the_figures(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    code, out, _ = run(capsys, "report", write_scores(tmp_path / "s.csv"), *COLUMNS, "-o", tmp_path / "r.html")
    assert code == 0
    assert "ROC AUC" in out
    assert "█" in out


def test_a_terminal_without_braille_gets_question_marks(tmp_path):
    path = write_scores(tmp_path / "s.csv")
    env = {**os.environ, "PYTHONIOENCODING": "ascii"}
    found = subprocess.run(
        [sys.executable, "-m", "cutline", "evaluate", path, *COLUMNS], capture_output=True, check=True, env=env
    )
    assert b"ROC AUC" in found.stdout
    assert b"?" in found.stdout


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
