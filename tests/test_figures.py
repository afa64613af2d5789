"""Figures of a report: what is drawn is what the report holds, in files that stay the same."""

from __future__ import annotations

import re
import sys
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.figure import Figure as Canvas

import cutline as cl
from cutline.errors import DataError, InputError, UnknownName
from cutline.evidence.bands import roc_band
from cutline.report.figures import FIGURES, draw, drawable
from tests.examples import HOSTILE, binary, several

OF_TWO = ("roc", "pr", "calibration", "scores", "cost")


@pytest.fixture(scope="module")
def made():
    point = cl.maximize(cl.recall, subject_to=[cl.precision >= 0.8]).choose(binary(seed=1))
    return cl.report(point.assess(binary(seed=2)))


def words_of(svg):
    return " ".join(" ".join(ElementTree.fromstring(svg).itertext()).split())


def points(line):
    return np.column_stack([np.asarray(line.get_xdata(), float), np.asarray(line.get_ydata(), float)])


def test_curves_go_through_the_counts_of_the_report(made):
    data = made.data
    tp, fp = (np.array(data["points"][k]) for k in ("tp", "fp"))
    roc = [points(line) for line in made.figure("roc").axes.lines]
    assert any(np.array_equal(p, np.column_stack([fp / data["negatives"], tp / data["positives"]])) for p in roc)
    assert any(np.array_equal(p, [[0, 0], [1, 1]]) for p in roc), "the line of chance"
    start = data["named"][0]["index"]
    assert any(np.array_equal(p, [[fp[start] / data["negatives"], tp[start] / data["positives"]]]) for p in roc)
    pr = [points(line) for line in made.figure("pr").axes.lines]
    flagged = (tp + fp)[1:]
    assert any(np.array_equal(p, np.column_stack([tp[1:] / data["positives"], tp[1:] / flagged])) for p in pr)
    assert any((p[:, 1] == data["prevalence"]).all() for p in pr), "the line of chance"
    bins = np.array([[b["mean"], b["rate"]] for b in data["reliability"]])
    assert any(np.array_equal(points(line), bins) for line in made.figure("calibration").axes.lines)


def test_the_costs_are_those_that_were_asked_for():
    scores = binary(seed=3)
    evaluation = cl.evaluate(scores, cl.minimize(cl.cost(fp=1, fn=4)).choose(scores))
    figure = cl.report(evaluation).figure("cost")
    curve = points(figure.axes.lines[0])
    for threshold, cost in curve[:: len(curve) // 7]:
        counts = evaluation.table.counts(threshold)
        assert cost == pytest.approx((counts.fp + 4 * counts.fn) / evaluation.n)
    assert "a false negative 4" in words_of(figure.to_svg())
    best = points(figure.axes.lines[-2] if len(figure.axes.lines[-1].get_xdata()) > 1 else figure.axes.lines[-1])
    assert best[0, 1] == curve[:, 1].min()
    assert "no costs were given" in words_of(cl.report(scores).figure("cost").to_svg())


def test_the_band_is_about_as_wide_as_the_exact_one(made):
    """Wilson's limits against Clopper and Pearson's, at the corner of the middle threshold."""
    scores = binary(seed=2)
    band = roc_band(scores)
    outline = made.figure("roc").axes.patches[0].get_xy()
    middle = len(band.y) // 2
    near = np.abs(outline - [band.x_high[middle], band.y_low[middle]]).max(axis=1).min()
    assert near < 0.01
    for other in (
        cl.report(binary(groups=np.arange(600) // 3)),
        cl.report(binary(weight=np.linspace(0.5, 2, 600))),
    ):
        assert not other.figure("roc").axes.patches, "rows that are not counted one by one have no such band"


def test_files_are_whole_and_the_same_each_time(made, tmp_path):
    for name in OF_TWO:
        svg = made.figure(name).save(tmp_path / f"{name}.svg")
        assert svg.read_text() == made.figure(name).to_svg()
        root = ElementTree.fromstring(svg.read_text())
        assert root.tag.endswith("svg")
        assert not re.search(r"(href|src)=\"http", svg.read_text())
    png = made.figure("roc").save(tmp_path / "roc.png", dpi=200).read_bytes()
    assert png.startswith(b"\x89PNG")
    width = int.from_bytes(png[16:20], "big")
    assert width == 700
    assert made.figure("roc").save(tmp_path / "roc.pdf").read_bytes().startswith(b"%PDF")
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([*(f"{n}.svg" for n in OF_TWO), "roc.pdf", "roc.png"])


def test_what_is_written_beside_the_lines(made):
    data = made.data
    auc = next(e for e in data["estimates"] if e["metric"] == "roc_auc")
    said = words_of(made.figure("roc").to_svg())
    assert f"ROC AUC {auc['value']:.3f} ({auc['low']:.3f} to {auc['high']:.3f})" in said
    assert "chosen threshold" in said
    assert "chance" in said
    said = words_of(made.figure("scores").to_svg())
    assert f"spam, {data['positives']} rows" in said
    assert f"ham, {data['negatives']} rows" in said


def test_own_axes(made):
    axes = Canvas().subplots(1, 2)
    figure = made.figure("roc", ax=axes[0])
    assert figure.axes is axes[0]
    axes[0].set_title("Ours")
    made.figure("pr", ax=axes[1])
    said = words_of(figure.to_svg())
    assert "Ours" in said
    assert "Precision" in said


def test_names_are_text_and_nothing_else():
    for name in HOSTILE:
        report = cl.report(binary(names=("ham", name)))
        for figure in ("calibration", "scores"):
            root = ElementTree.fromstring(report.figure(figure).to_svg())
            assert {node.tag.split("}")[1] for node in root.iter()}.isdisjoint({"script", "image", "a"})
    assert "$x_1$" in words_of(cl.report(binary(names=("ham", "$x_1$"))).figure("scores").to_svg())
    cl.report(several(names=HOSTILE[:4])).figure("confusion").to_png(dpi=50)


@pytest.mark.parametrize(
    "scores",
    [binary(12), binary(300, digits=1), binary(kind="logit"), binary(kind="rank"), binary(5000, prevalence=0.004)],
    ids=["tiny", "ties", "logit", "rank", "rare"],
)
def test_every_kind_of_score_can_be_drawn(scores):
    report = cl.report(scores)
    for name in drawable(report.data):
        assert report.figure(name).to_svg()
    assert ("calibration" in drawable(report.data)) == (scores.kind != "rank")


def test_what_cannot_be_drawn_is_refused(made, tmp_path):
    with pytest.raises(UnknownName, match="did you mean 'roc'"):
        made.figure("rok")
    with pytest.raises(InputError, match=r"calibration.*without probabilities.*one of: roc, pr, scores, cost"):
        cl.report(binary(kind="rank")).figure("calibration")
    with pytest.raises(InputError, match="without a score of two classes"):
        cl.report(several()).figure("roc")
    with pytest.raises(InputError, match="at most 20"):
        cl.report(several(k=21, n=900)).figure("confusion")
    alone = cl.Scores(y_true=[1, 1], y_score=[0.2, 0.7], classes=cl.Classes((0, 1), 1), kind="probability")
    with pytest.raises(InputError, match="both classes"):
        cl.report(alone).figure("roc")
    with pytest.raises(InputError, match=r"\.svg, \.png or \.pdf"):
        made.figure("roc").save(tmp_path / "roc.gif")
    with pytest.raises(DataError, match="cannot be written"):
        made.figure("roc").save(tmp_path / "nowhere" / "roc.svg")
    assert set(OF_TWO) | {"confusion"} == set(FIGURES)


def test_without_matplotlib_the_command_that_brings_it_is_named(made, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(InputError, match=r"pip install 'cutline\[plot\]'"):
        draw(made.data, "roc")
