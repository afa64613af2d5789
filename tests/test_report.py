from __future__ import annotations

import datetime
import io
import json
import os
import re
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pytest
from rich.console import Console

import cutline as cl
from cutline.errors import InputError
from cutline.metrics import METRICS
from cutline.report import print_evaluation, words
from cutline.report.payload import MOST_POINTS, payload
from tests.examples import HOSTILE, binary, several

POLICY = cl.maximize(cl.recall, subject_to=[cl.precision >= 0.8])


def structure(markup):
    """Tags with the names of their attributes, in order: what a parser takes for markup."""
    found = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attributes):
            found.append((tag, tuple(name for name, _ in attributes)))

        def handle_endtag(self, tag):
            found.append(tag)

        def handle_comment(self, text):
            found.append(("comment", text))

    Reader().feed(markup)
    return found


def printed(evaluation, **options):
    stream = io.StringIO()
    print_evaluation(evaluation, console=Console(file=stream, highlight=False, **options))
    return stream.getvalue()


@pytest.mark.parametrize(
    "scores",
    [
        binary(),
        binary(5000),
        binary(5000, prevalence=0.004),
        binary(300, digits=1),
        binary(40, kind="logit"),
        binary(3000, kind="rank"),
        binary(3000, weight=np.random.default_rng(1).exponential(size=3000)),
        binary(12, names=(0, 1)),
    ],
    ids=["short", "long", "rare", "ties", "logit", "rank", "weighted", "tiny"],
)
def test_every_point_has_the_counts_of_the_table(scores):
    evaluation = cl.evaluate(scores)
    data = payload(evaluation)
    points, table = data["points"], evaluation.table
    assert points["threshold"][0] is None
    assert points["tp"][0] == points["fp"][0] == 0
    assert (points["tp"][-1], points["fp"][-1]) == (data["positives"], data["negatives"])
    assert len(points["tp"]) == len(table) <= MOST_POINTS or 0.5 * MOST_POINTS <= len(points["tp"]) <= MOST_POINTS
    assert all(a > b for a, b in zip(points["threshold"][1:], points["threshold"][2:], strict=False))
    for threshold, tp, fp in list(zip(*points.values(), strict=True))[1:]:
        counts = table.counts(threshold)
        assert (counts.tp, counts.fp) == (tp, fp)
        assert isinstance(tp, float if scores.weight is not None else int)


def test_rare_classes_keep_their_points():
    data = payload(cl.evaluate(binary(60_000, prevalence=0.002)))
    share = np.array(data["points"]["tp"]) / data["positives"]
    assert np.diff(share).max() <= 2 / MOST_POINTS + 1 / data["positives"]


def test_named_thresholds_decide_as_they_say():
    scores = binary(5000)
    point = POLICY.choose(scores)
    evaluation = cl.evaluate(scores, point)
    data = payload(evaluation)
    named = {entry["name"]: entry for entry in data["named"]}
    plateau = ["plateau from", "plateau to"]
    assert [name for name in named if name not in plateau] == ["chosen", "0.5", "best F1", "Youden", "lowest cost"]
    assert [named[name]["threshold"] for name in plateau if name in named] == [
        t for t in point.plateau if t != point.threshold
    ]
    assert named["chosen"]["threshold"] == point.threshold
    for entry in named.values():
        counts = evaluation.table.counts(entry["threshold"])
        assert (counts.tp, counts.fp) == tuple(data["points"][key][entry["index"]] for key in ("tp", "fp"))
    every = evaluation.table.thresholds[1:]
    f1 = [cl.f1(evaluation.table, at=t) for t in every]
    youden = [cl.recall(evaluation.table, at=t) - cl.fpr(evaluation.table, at=t) for t in every]
    assert named["best F1"]["threshold"] == every[int(np.argmax(f1))]
    assert named["Youden"]["threshold"] == pytest.approx(every[int(np.argmax(youden))])


def test_figures_are_those_of_the_evaluation():
    point = POLICY.choose(binary(seed=1))
    evaluation = point.assess(binary(seed=2), confidence=0.9)
    data = payload(evaluation)
    assert data["confidence"] == 0.9
    assert data["z"] == pytest.approx(1.6448536269514722)
    for found, shown in zip(evaluation.estimates, data["estimates"], strict=True):
        assert shown | {"threshold": None} == found.to_dict() | {"threshold": None}
        assert shown["threshold"] == (point.threshold if METRICS[shown["metric"]].of_counts else None)
    assert data["decision"]["policy"] == "maximize recall subject to precision >= 0.8"
    assert [row["constraint"] for row in data["decision"]["constraints"]] == ["precision >= 0.8"]
    assert data["decision"]["grade"] == point.grade
    assert data["reliability"] == [b.to_dict() for b in evaluation.reliability]
    assert sum(data["histogram"]["positives"]) == evaluation.n_pos
    assert data["scored"]["fingerprint"] == evaluation.fingerprint


def test_decisions_made_row_by_row_are_named():
    scores = binary()
    point = POLICY.choose(scores)
    data = payload(cl.evaluate(scores, point, decision=scores.truth))
    assert (data["named"][0]["name"], data["named"][0]["threshold"]) == ("chosen", point.threshold)
    assert any("row by row" in note for note in data["notes"])
    assert not any("row by row" in note for note in payload(cl.evaluate(scores, point))["notes"])


def test_a_cost_policy_brings_its_costs():
    scores = binary()
    data = payload(cl.evaluate(scores, cl.minimize(cl.cost(fp=1, fn=25)).choose(scores)))
    assert data["cost"] == {"fp": 1.0, "fn": 25.0, "tp": 0.0, "tn": 0.0}
    assert data["decision"]["grade"] is None  # nothing was promised, so no grade is claimed


def test_several_classes():
    evaluation = cl.evaluate(several())
    data = payload(evaluation)
    assert data["form"] == "multiclass"
    assert data["confusion"] == evaluation.confusion.tolist()
    wrong = [evaluation.confusion[i, j] for i, j in data["confused"]]
    off = evaluation.confusion[~np.eye(4, dtype=bool)]
    assert wrong == sorted(off.tolist(), reverse=True)[:5]
    for row, shown in zip(evaluation.per_class, data["per_class"], strict=True):
        assert (shown["label"], shown["support"]) == (row.name, row.support)
        assert [e["value"] for e in shown["estimates"]] == [e.value for e in row.estimates]
    right = 1000 * np.trace(evaluation.confusion) / evaluation.n
    assert f"of 1,000 rows {right:.0f} are decided right" in words.sentence(data)


def test_predicted_labels_have_a_matrix_and_no_curve():
    evaluation = cl.evaluate(binary(kind="label"))
    data = payload(evaluation)
    assert data["confusion"] == evaluation.confusion.tolist()
    assert "ROC AUC" not in cl.report(evaluation).to_markdown()


def test_size_does_not_grow_with_the_rows(tmp_path):
    small, large = (cl.report(binary(n)).save(tmp_path / f"{n}.html").stat().st_size for n in (2_000, 200_000))
    assert large < 1.1 * small
    assert large < 150_000


def test_json_is_strict_and_versioned():
    for scores in (binary(), binary(30, prevalence=0.999), several(), binary(kind="label"), binary(kind="rank")):
        data = json.loads(cl.report(scores).to_json(), parse_constant=lambda name: pytest.fail(name))
        assert data["schema_version"] == 1


def test_undefined_is_said():
    scores = cl.Scores(y_true=[0, 1, 0, 1], y_score=[0.1, 0.2, 0.3, 0.4], kind="probability")
    report = cl.report(cl.evaluate(scores, threshold=0.9))
    precision = next(e for e in report.data["estimates"] if e["metric"] == "precision")
    assert precision["value"] is precision["low"] is None
    for text in (report.to_markdown(), report.to_html(), printed(cl.evaluate(scores, threshold=0.9))):
        assert "nothing is flagged as class 1" in text
        assert "n/a" in text


def test_a_threshold_nobody_chose_is_named():
    data = cl.report(binary(kind="rank")).data
    assert data["named"][0]["name"] == "best F1"
    assert any("nobody asked for: best F1" in note for note in data["notes"])


def test_a_rule_that_is_no_threshold_is_not_shown_as_one():
    point = cl.minimize(cl.cost(fp=1, fn=5, abstain=0.3)).choose(binary(seed=1))
    evaluation = point.assess(binary(seed=2))
    data = payload(evaluation)
    said = words.sentence(data)
    assert said.startswith(f"Decided {point.rule.says(point.classes)}, of 1,000 rows ")
    share = evaluation["coverage"].value
    assert f"Left undecided: {words.hundred(1 - share)} in 100 rows" in said
    assert data["by_rule"]["tp"] == evaluation.counts.tp
    assert any("The rule is no threshold" in note for note in data["notes"])
    for text in (cl.report(evaluation).to_html(), printed(evaluation)):
        assert "nothing in between" in text
    assert payload(cl.evaluate(binary()))["by_rule"] is None


def test_one_class_only():
    scores = cl.Scores(y_true=[0, 0, 0], y_score=[0.1, 0.6, 0.3], classes=[0, 1], positive=1, kind="probability")
    data = cl.report(scores).data
    assert [entry["name"] for entry in data["named"]] == ["evaluated"]
    assert data["prevalence"] == 0
    assert "<html" in cl.report(scores).to_html()


def test_weighted_reports_claim_no_interval_at_other_thresholds():
    scores = binary(weight=np.random.default_rng(1).exponential(size=600))
    data = cl.report(scores).data
    assert data["scored"]["weighted"]
    assert data["positives"] == pytest.approx(scores.weight[scores.is_positive].sum())
    assert re.search(r"about \d+ in 100 of those are spam\.", words.sentence(data))


def test_missing_labels_are_counted():
    truth = ["spam", None, "ham", "spam", None]
    data = cl.report(
        cl.Scores(y_true=truth, y_score=[0.9, 0.2, 0.1, 0.6, 0.5], positive="spam", kind="probability")
    ).data
    assert (data["scored"]["rows"], data["scored"]["missing"]) == (3, 2)
    assert any("no label" in note for note in data["notes"])


@pytest.mark.parametrize("role", ["", "train", "in-sample", "tune", "out-of-fold"])
def test_rows_that_flatter_are_named(role):
    assert any("flatter" in note for note in payload(cl.evaluate(several(role=role)))["notes"])
    assert not any("flatter" in note for note in payload(cl.evaluate(several(role="test")))["notes"])


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_never_becomes_markup(name):
    plain = cl.report(binary(names=("ham", "spam")), title="title", date="today")
    nasty = cl.report(binary(names=("ham", name)), title=name, date="today")
    for form in (cl.Report.to_html, cl.Report._repr_html_):
        assert structure(form(nasty)) == structure(form(plain))
    k = cl.report(several(3, names=["a", "b", name]), title=name, date="today")
    assert structure(k.to_html()) == structure(cl.report(several(3), title="title", date="today").to_html())
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', nasty.to_html(), re.DOTALL)[1]
    assert json.loads(data)["scored"]["positive"] == name
    assert not set("<>&") & set(data)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_never_becomes_markdown(name):
    plain, nasty = (
        cl.report(several(3, names=["a", "b", n]), date="today", title=n).to_markdown() for n in ("c", name)
    )

    def bars(text):
        return [len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) for line in text.splitlines()]

    assert bars(nasty) == bars(plain)
    assert "<" not in nasty


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_never_drives_the_terminal(name):
    for scores in (binary(60, names=("ham", name)), several(3, names=["a", "b", name])):
        text = printed(cl.evaluate(scores), width=120)
        assert not re.search(r"[\x00-\x09\x0b-\x1f\u202a-\u202e\u2066-\u2069]", text)
    assert "[red]no markup" in printed(cl.evaluate(binary(60, names=("ham", "[red]no markup"))), width=120)


def test_terminal():
    point = POLICY.choose(binary(seed=1))
    evaluation = point.assess(binary(seed=2))
    text = printed(evaluation, width=120)
    assert words.sentence(payload(evaluation)) in text
    counts = evaluation.counts
    assert re.search(rf"spam\s+{counts.tp}\s+{counts.fn}", text)
    assert re.search(rf"ham\s+{counts.fp}\s+{counts.tn}", text)
    assert "logit DeLong" in text
    assert "\x1b" not in text
    assert "\x1b" in printed(evaluation, width=120, force_terminal=True, color_system="standard")


def test_the_curve_in_braille_goes_through_its_points():
    from cutline.report.terminal import braille

    lines = braille([0, 0, 10], [0, 10, 10], 10, 10, width=4, height=2).splitlines()[1:3]
    assert lines[0][1] == chr(0x2800 | 0x47 | 0x08)  # up the left edge, then along the top
    assert all(ord(cell) & 0x09 for cell in lines[0][1:])


def test_markdown_has_the_figures():
    point = POLICY.choose(binary(seed=1))
    evaluation = point.assess(binary(seed=2))
    text = cl.report(evaluation, title="Mail", date="2026-01-02").to_markdown()
    assert text.startswith("# Mail\n")
    assert "2026-01-02" in text
    counts = evaluation.counts
    assert f"| spam | {counts.tp} | {counts.fn} |" in text
    auc = evaluation["roc_auc"]
    assert f"| ROC AUC | {auc.value:.3f} | {auc.low:.3f} to {auc.high:.3f} | 600 |" in text


def test_what_can_be_reported():
    scores = binary(seed=1)
    point = POLICY.choose(scores)
    evaluation = cl.evaluate(scores, point)
    by_scores = cl.report(scores, point, date="").data
    assert cl.report(evaluation, date="").data == by_scores
    assert cl.report(SimpleNamespace(evaluation=evaluation), date="").data == by_scores
    assert cl.report(evaluation, point, date="").data == by_scores
    assert cl.report(scores).data["date"] == datetime.date.today().isoformat()
    with pytest.raises(InputError, match="point beside a finished evaluation"):
        cl.report(cl.evaluate(scores), point)
    for thing in ({"auc": 1}, None, SimpleNamespace(evaluation=None)):
        with pytest.raises(InputError, match="Evaluation, Scores or a Classifier"):
            cl.report(thing)


def test_the_package_is_callable_whoever_imported_it_first():
    import cutline.report

    assert repr(cutline.report(binary(), title="Mail")) == "Report('Mail', 600 rows)"


def test_save(tmp_path):
    report = cl.report(binary())
    for suffix, start in ((".html", "<!doctype html>"), (".md", "# spam or ham"), (".json", "{")):
        assert report.save(tmp_path / f"r{suffix}").read_text(encoding="utf-8").startswith(start)
    assert report.save(str(tmp_path / "R.HTML")).exists()
    with pytest.raises(InputError, match=r"\.html, \.md or \.json"):
        report.save(tmp_path / "r.pdf")
    with pytest.raises(InputError, match="nowhere"):
        report.save(tmp_path / "nowhere" / "r.html")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["R.HTML", "r.html", "r.json", "r.md"]


def test_a_failed_save_leaves_what_was_there(tmp_path, monkeypatch):
    target = tmp_path / "r.html"
    target.write_text("before")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(InputError, match="No space left"):
        cl.report(binary()).save(target)
    assert target.read_text() == "before"
    assert list(tmp_path.iterdir()) == [target]


def test_notebooks_get_tables_before_the_frame():
    html = cl.report(binary(), title="Mail")._repr_html_()
    tables, frame = html.split("<iframe")
    assert "<script" not in html
    assert tables.count("<table") == 2
    assert "&lt;script&gt;" in frame
    assert 'sandbox="allow-scripts"' in frame


def test_the_page_asks_for_nothing():
    html = cl.report(binary()).to_html()
    assert "default-src 'none'" in html
    assert not re.findall(r"""(?:src|href)\s*=|url\((?!#)|@import|https?://(?!www\.w3\.org/2000/svg)""", html)
    assert "innerHTML" not in html
    assert "eval(" not in html


@pytest.mark.parametrize(
    ("name", "said"), [("spam", "spam"), (1, "class 1"), (True, "class True"), ("  ", "(blank)"), ("a\nb", "a b")]
)
def test_labels(name, said):
    assert words.label(name) == said


def test_numbers_for_people():
    assert [words.of_many(x, 1000, 1000) for x in (0, 0.25, 9.24, 10.5, 1000)] == ["0", "0.25", "9.2", "11", "1,000"]
    assert words.cut(0.0) == "0"
    assert words.cut(-3.14159) == "-3.14"
    assert words.figure(float("nan")) == words.figure(None) == "n/a"
    assert words.span(None, 1.0, 0.5) == ""
