"""Gates: a requirement passes by the limit of its interval, and nothing passes without one."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest

import cutline as cl
from cutline.cli import main
from cutline.errors import InputError, UnknownName
from tests.examples import binary, several

EVALUATION = cl.evaluate(binary())


def result_of(**changed):
    """A result with one estimate of precision."""
    row = {"metric": "precision", "value": 0.95, "low": 0.92, "high": 0.97, "confidence": 0.95, "state": "ok"}
    return {"estimates": [row | changed]}


def only(*arguments):
    (found,) = cl.gate(*arguments).gates
    return found


@pytest.mark.parametrize("metric", ["precision", "fpr", "roc_auc", "log_loss"])
def test_the_limit_on_the_side_of_the_bound_decides(metric):
    found, about = EVALUATION[metric], cl.find(metric)
    low, high = found.interval()
    for bound in (low, np.nextafter(low, -1), 0.0):
        assert only(EVALUATION, about >= bound).passed
    for bound in (np.nextafter(low, 1), found.value):
        assert not only(EVALUATION, about >= bound).passed, "the figure itself is good enough; its limit is not"
    for bound in (high, np.nextafter(high, 2)):
        assert only(EVALUATION, about <= bound).passed
    for bound in (np.nextafter(high, 0), found.value):
        assert not only(EVALUATION, about <= bound).passed


def test_results_evaluations_and_reports_say_the_same():
    asked = ["precision>=0.65", "recall>=0.99", "fpr<=0.2"]
    made = cl.gate(EVALUATION, asked)
    assert [g.passed for g in made.gates] == [True, False, True]
    assert not made.passed
    assert cl.gate(EVALUATION, asked[:1]).passed
    for other in (EVALUATION.to_dict(), json.loads(cl.report(EVALUATION).to_json())):
        assert cl.gate(other, asked).to_dict() == made.to_dict()
    assert repr(made).splitlines()[-1] == "2 of 3 passed"
    assert repr(made).splitlines()[1].startswith("FAIL  recall >= 0.99")


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"low": None, "high": None}, "no interval"),
        ({"low": 0.95, "high": 0.95}, "no interval"),
        ({"value": None, "low": None, "high": None, "state": "undefined"}, "undefined"),
        ({"state": "insufficient"}, "too few rows"),
    ],
)
def test_without_evidence_nothing_passes(changed, why):
    assert only(result_of(), "precision>=0").passed
    found = only(result_of(**changed), "precision>=0")
    assert not found.passed
    assert why in found.note
    assert "cannot pass" in repr(found)


def test_figures_of_rows_that_were_chosen_on_are_said_to_flatter():
    assert only(result_of(role="test"), "precision>=0.9").note == ""
    found = only(result_of(role="tune"), "precision>=0.9")
    assert found.passed
    assert "flatters" in found.note


def test_one_class_of_several():
    evaluation = cl.evaluate(several())
    found = next(c for c in evaluation.per_class if c.name == "class 2").estimates[1]
    assert found.metric.name == "recall"
    for result in (evaluation, cl.report(evaluation).data):
        assert only(result, "recall[class 2]>=0.1").value == found.value
        with pytest.raises(UnknownName, match=r"did you mean.*class 2"):
            cl.gate(result, "recall[clas 2]>=0.1")
    assert only(evaluation, (cl.recall >= 0.1).of("class 2")).value == found.value


@pytest.mark.parametrize(
    ("result", "require", "said"),
    [
        (EVALUATION, "precison>=0.9", "did you mean 'precision'"),
        (EVALUATION, "h_measure>=0.5", "one of the result: accuracy, .* cutline evaluate --metrics h_measure"),
        (EVALUATION, "precision>0.9", "precision>=0.90"),
        (EVALUATION, "precision>=90", "write 0.9"),
        (EVALUATION, [], "at least one requirement"),
        (EVALUATION, "recall[spam]>=0.9", "class"),
        ({"gates": []}, "precision>=0.9", "the JSON that cutline evaluate"),
        ({"estimates": ["precision"]}, "precision>=0.9", "the JSON that cutline evaluate"),
        (SimpleNamespace(), "precision>=0.9", "an Evaluation"),
    ],
)
def test_what_cannot_be_asked_is_refused(result, require, said):
    with pytest.raises(InputError, match=said):
        cl.gate(result, require)


def test_the_verb(capsys, tmp_path, monkeypatch):
    saved = tmp_path / "result.json"
    saved.write_text(json.dumps(EVALUATION.to_dict()))

    def run(*words):
        code = main(["gate", str(saved), *words])
        return code, *capsys.readouterr()

    code, out, err = run("--require", "precision>=0.65", "--require", "fpr<=0.2")
    assert (code, err) == (0, "")
    assert out.splitlines()[-1] == "2 of 2 passed"
    code, out, _ = run("--require", "precision>=0.65", "recall>=0.99", "--json")
    assert code == 4
    assert [g["passed"] for g in json.loads(out)["gates"]] == [True, False]
    for words in ((), ("--require", "precison>=0.9"), ("--require",), ("--reqire", "precision>=0.9")):
        code, out, err = run(*words)
        assert (code, out) == (2, ""), words
        assert err
    saved.write_text("{}")
    assert run("--require", "precision>=0.65")[0] == 2
    saved.write_text("not JSON")
    assert run("--require", "precision>=0.65")[0] == 2
