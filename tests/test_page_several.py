"""The pages of several classes, of label sets and of models side by side: their scripts say what Python says."""

from __future__ import annotations

import json
import math
import re

import numpy as np
import pytest

import cutline as cl
from cutline.errors import InputError
from cutline.evaluation import alternatives, cut_points, evaluate_labels, mistaken, side_by_side, views
from cutline.evidence.at_equal import at_equal
from cutline.report import words
from cutline.report.several import together
from tests.examples import HOSTILE, binary, several
from tests.test_report import structure


def ordinal(k=5, n=900, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, k, size=n)
    z = -np.square(np.arange(k) - (y + rng.normal(0, 0.9, n))[:, None])
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    names = [f"level {i}" for i in range(k)]
    classes = cl.Classes(names, ordered=True)
    return cl.Scores(y_true=np.array(names)[y], y_score=p, classes=classes, kind="probability", role="test")


def models(n=800, noise=(0.6, 0.2), seed=0, **more):
    """Scores of one set of rows under the names A, B, ...: the first are the best, the next ones noisier."""
    first = binary(n, seed=seed, **more)
    rng = np.random.default_rng(seed + 1)
    out, z = {"A": first}, np.log(first.probability / (1 - first.probability))
    for name, extra in zip("BCDEF", noise, strict=False):
        out[name] = first.with_score(1 / (1 + np.exp(-(z + rng.normal(0, extra, n)))), "probability")
    return out


def labelled(n=300, seed=0, names=("cat", "dog", "bird")):
    rng = np.random.default_rng(seed)
    y = rng.uniform(size=(n, len(names))) < [0.4, 0.2, 0.05]
    p = 1 / (1 + np.exp(-rng.normal(np.where(y, 1.5, -1.5), 1.2)))
    return cl.MultiLabel(y_true=y.astype(int), y_score=p, labels=list(names), kind="probability")


# ---- what the payload is made of -------------------------------------------------------------------------------------


def test_views_count_as_the_table_does():
    evaluation = cl.evaluate(several(6, n=700))
    data = cl.report(evaluation).data
    for name, view, shown in zip(
        evaluation.classes.names, views(evaluation, evaluation.classes.names), data["views"], strict=True
    ):
        scores = evaluation.rows_of.one_vs_rest(name)
        every = cl.ThresholdTable.from_scores(scores).counts()
        pairs = set(zip(np.asarray(every.tp).tolist(), np.asarray(every.fp).tolist(), strict=True))
        assert set(zip(shown["tp"], shown["fp"], strict=True)) <= pairs
        assert (shown["positives"], shown["negatives"]) == (every.tp[-1], every.fp[-1])
        auc = shown["estimates"]["roc_auc"]
        assert auc["value"] == pytest.approx(cl.roc_auc(scores))  # of all points, not of those that are drawn
        assert auc["value"] == view.estimates[0].value
        bias = shown["estimates"]["prediction_bias"]["value"]
        assert bias == pytest.approx(scores.probability.mean() - scores.is_positive.mean())


def test_what_another_rule_changes():
    scores = several(4, n=600)
    matrix = np.ones((4, 4)) - np.eye(4)
    matrix[0] *= 9
    evaluation = cl.evaluate(scores, cl.minimize(cl.cost(matrix=matrix)).choose(scores))
    found = alternatives(evaluation)
    assert [other.current for other in found] == [True, False, False]
    assert found[0].changed == 0
    codes = scores.score.argmax(axis=1)
    assert found[1].said == "its most probable class"
    assert found[1].changed == int((codes != evaluation.decision).sum()) > 0
    assert {m.name: v for m, v in found[1].values}["accuracy"] == pytest.approx((codes == scores.truth).mean())
    weighed = (scores.score / scores.score.mean(axis=0)).argmax(axis=1)
    assert found[2].changed == int((weighed != evaluation.decision).sum())


def test_rules_of_classes_in_order():
    evaluation = cl.evaluate(ordinal())
    said = {other.said: other for other in alternatives(evaluation)}
    median = said["the class with the least expected distance"]
    p = evaluation.rows_of.probabilities
    codes = (p.cumsum(axis=1) >= 0.5).argmax(axis=1)  # the median of each row
    assert np.array_equal(median.confusion, cl.confusion_matrix(evaluation.rows_of, codes))
    assert "Mean absolute error" in cl.report(evaluation).to_html()


def test_cut_points_are_cumulative():
    scores = ordinal()
    found = cut_points(cl.evaluate(scores))
    assert [view.name for view in found] == ["level 0", "level 1", "level 2", "level 3"]
    for k, view in enumerate(found):
        assert view.table.n_pos == int((scores.truth <= k).sum())
        said = sum(b.mean * b.n for b in view.reliability) / scores.n
        assert said == pytest.approx(scores.score[:, : k + 1].sum(axis=1).mean())
    assert cut_points(cl.evaluate(several())) == ()


def test_mistaken_are_the_largest_cells():
    evaluation = cl.evaluate(several(5))
    found = mistaken(evaluation, 3)
    wrong = sorted(evaluation.confusion[~np.eye(5, dtype=bool)].tolist(), reverse=True)
    assert [m.n for m in found] == wrong[:3]
    assert all(m.low <= m.n / m.of <= m.high for m in found)
    assert f"about {words.hundred(found[0].n / found[0].of)}" in cl.report(evaluation).to_html()


def test_confused_classes_stand_together():
    rng = np.random.default_rng(0)
    matrix = np.eye(12) * 100 + rng.uniform(0, 1, (12, 12))
    for i in range(6):
        matrix[i, i + 6] = matrix[i + 6, i] = 40  # each is taken for the one six places on
    order = together(matrix)
    assert sorted(order) == list(range(12))
    assert all(abs(order.index(i) - order.index(i + 6)) == 1 for i in range(6))


def test_at_equal_is_the_naive_cut():
    found = at_equal(models(300), "recall", np.array([0.3, 0.9, 1.0]))
    for k, scores in enumerate(models(300).values()):
        positive = scores.is_positive
        for i, recall in enumerate(found.at):
            cut = np.sort(scores.score[positive])[::-1][math.ceil(recall * positive.sum() - 1e-9) - 1]
            flagged = scores.score >= cut
            assert found.thresholds[k, i] == cut
            assert (found.tp[k, i], found.fp[k, i]) == ((flagged & positive).sum(), (flagged & ~positive).sum())
    gap = (found.tp + found.fp) / 300
    gap = gap - gap[0]
    assert (found.low[1:] <= gap[1:]).all()
    assert (gap[1:] <= found.high[1:]).all()
    alike = at_equal(models(300), "flagged", np.array([0.1, 0.5]))
    assert ((alike.tp + alike.fp) == [[30, 150]] * 3).all()
    with_itself = at_equal({"a": binary(), "b": binary()}, "recall", np.array([0.5]))
    assert with_itself.low[1, 0] == with_itself.high[1, 0] == 0
    assert np.isnan(at_equal({"a": binary(20), "b": binary(20)}, "recall", np.array([0.5])).low).all()


def test_limits_at_equal_recall_cover():
    """Of 60 draws the 90 % limits hold what a large sample shows in at least 46 (binomially below in 1 of 1,000)."""
    at = np.array([0.8])
    truth = at_equal(models(60_000, seed=999), "recall", at, replicates=2)
    flagged = (truth.tp + truth.fp)[:2, 0] / 60_000
    gap = flagged[1] - flagged[0]
    held = 0
    for seed in range(60):
        one = at_equal(models(600, seed=2 * seed), "recall", at, confidence=0.9, replicates=200, seed=seed)
        held += one.low[1, 0] <= gap <= one.high[1, 0]
    assert 46 <= held <= 60


def test_large_samples_are_drawn_from_a_part():
    some = models(120_000, noise=(0.3,))
    found = at_equal(some, "recall", np.array([0.8]), replicates=200)
    small = at_equal({k: s.take(np.arange(30_000)) for k, s in some.items()}, "recall", np.array([0.8]), replicates=200)
    width = (found.high - found.low)[1, 0] / (small.high - small.low)[1, 0]
    assert 0.35 < width < 0.65  # a quarter of the rows: half the width


def test_agreement_counts_rows():
    some = models(500)
    found = side_by_side(some).agreements[0]
    truth, (a, b) = some["A"].is_positive, [s.score >= 0.5 for s in list(some.values())[:2]]
    right = (a == truth, b == truth)
    for k in (0, 1):
        mine = truth == k
        cells = [mine & right[0] & right[1], mine & right[0] & ~right[1], mine & ~right[0] & right[1]]
        assert found.cells[k].tolist() == [int(c.sum()) for c in (*cells, mine & ~right[0] & ~right[1])]
    assert found.other == int((a != b).sum())
    assert found.grid.sum() == 500


def test_label_sets():
    data = labelled()
    found = evaluate_labels(data, at=0.4)
    decided = data.score >= 0.4
    made = {e.metric.name: e.value for e in found.sets}
    assert made["subset_accuracy"] == pytest.approx((decided == data.truth).all(axis=1).mean())
    assert made["hamming_loss"] == pytest.approx((decided != data.truth).mean())
    assert found.each[0]["recall"].value == pytest.approx(decided[data.truth[:, 0], 0].mean())
    with pytest.raises(InputError, match="no threshold"):
        evaluate_labels(cl.MultiLabel(y_true=[[1, 0]], y_score=[[3.0, 2.0]], kind="rank"))


def test_what_can_be_reported():
    data = labelled()
    assert cl.report(data).data["form"] == "multilabel"
    assert cl.report(models()).data["form"] == "comparison"
    assert cl.report(models(), at={"A": 0.3, "B": 0.4, "C": 0.5}).data["thresholds"] == [0.3, 0.4, 0.5]
    assert cl.report(side_by_side(models()), date="").data == cl.report(models(), date="").data
    with pytest.raises(InputError, match="at least two names"):
        cl.report({"A": binary()})
    with pytest.raises(InputError, match="pass the mapping of models"):
        cl.report(cl.compare(models(), metric="roc_auc"))
    with pytest.raises(InputError, match="threshold beside"):
        cl.report(binary(), at=0.4)
    with pytest.raises(InputError, match="point beside"):
        cl.report(models(), cl.fixed(0.5).choose(binary()))


def test_every_form_saves(tmp_path):
    for report in (cl.report(models()), cl.report(labelled()), cl.report(ordinal()), cl.report(several(120, n=600))):
        for suffix in (".html", ".md", ".json"):
            text = report.save(tmp_path / f"r{suffix}").read_text(encoding="utf-8")
            assert report.data["sentence"].split(";")[0][:20] in text
        json.loads(report.to_json(), parse_constant=lambda name: pytest.fail(name))
        assert "<table" in report._repr_html_()


def test_a_thousand_classes_stay_small():
    report = cl.report(several(1000, n=3000))
    html = report.to_html()
    assert len(html) < 600_000
    assert report.data["confusion"] is None
    assert len(report.data["views"]) == 100
    assert html.count("<tr") < 400
    assert "of 1,000 classes" in html


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_never_becomes_markup(name):
    def both(a, b):
        return cl.report(dict(zip((a, b), models(100).values(), strict=False)), title=a, date="today")

    plain, nasty = both("one", "two"), both("one", name)
    for form in (cl.Report.to_html, cl.Report._repr_html_):
        assert structure(form(nasty)) == structure(form(plain))
    sets = [cl.report(labelled(60, names=("a", "b", n)), title=n, date="today").to_html() for n in ("c", name)]
    assert structure(sets[0]) == structure(sets[1])
    assert "<" not in nasty.to_markdown()


# ---- in a browser ----------------------------------------------------------------------------------------------------


def test_the_heat_map_reads_out_pythons_counts(visit):
    evaluation = cl.evaluate(several(30, n=2000))
    data = cl.report(evaluation).data
    page = visit(cl.report(evaluation))
    matrix = evaluation.confusion
    first = page.text_content("#readout")
    page.focus("#confusion")
    page.keyboard.press("Home")
    a = data["together"][0]
    assert f"{matrix[a, a]} rows of" in page.text_content("#readout")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    i, j = data["together"][1], data["together"][2]
    row = matrix[i, j]
    said = page.text_content("#readout")
    assert said != first
    assert f"{row} {'row' if row == 1 else 'rows'} of" in said
    assert f"{words.hundred(row / matrix[i].sum())} in 100 of" in said
    for i, j in ((0, 1), (29, 28), (7, 7)):
        text = page.evaluate(f"cutline.readout({i}, {j})")
        assert text.startswith(str(matrix[i, j]))
        assert f": {words.hundred(matrix[i, j] / matrix[i].sum())} in 100" in text
    box = page.locator("#confusion svg").bounding_box()
    page.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 0.4 * box["height"])
    assert page.text_content("#readout") != said
    listed = page.locator("#row-of li").all_text_contents()
    assert 1 <= len(listed) <= 5


def test_matrix_controls_change_what_is_shown(visit):
    page = visit(cl.report(several(30, n=2000)))
    seen = []
    for control, k in (("mode", 1), ("mode", 2), ("order", 0), ("order", 2), ("zoom", 1), ("zoom", 2)):
        button = page.locator(f"#{control} button").nth(k)
        button.click()
        assert button.get_attribute("aria-pressed") == "true"
        seen.append(page.inner_html("#confusion"))
    assert len(set(seen)) == 6
    assert page.locator("#confusion text.n").count() > 30  # numbers in the cells
    small = visit(cl.report(several(5)))
    labels = small.locator("#confusion tbody th").all_text_contents()
    small.locator("#order button").nth(1).click()
    assert sorted(small.locator("#confusion tbody th").all_text_contents()) == sorted(labels)


def test_the_selector_shows_each_class(visit):
    evaluation = cl.evaluate(several(5))
    page = visit(cl.report(evaluation))
    rates = page.evaluate("cutline.views.map((v) => cutline.rates(v))")
    seen = set()
    for k, row in enumerate(evaluation.per_class):
        page.select_option("#pick", str(k))
        auc = row.estimates[3]
        assert f"Area {words.figure(auc.value)}" in page.text_content("#take-roc")
        assert f"{row.support} of {evaluation.n} rows" in page.text_content("#take-one")
        seen.add(page.get_attribute("#roc .curve", "d"))
        recall = np.array(cl.report(evaluation).data["views"][k]["tp"]) / row.support
        assert rates[k]["recall"] == pytest.approx(recall.tolist())
    assert len(seen) == 5
    page.click("#after")
    assert page.input_value("#pick") == "0"
    page.click("#before")
    assert page.input_value("#pick") == "4"


def test_the_table_of_classes_sorts(visit):
    evaluation = cl.evaluate(several(6))
    page = visit(cl.report(evaluation))
    cells = page.locator("#classes tbody tr td:nth-child(2)")
    support = [row.support for row in evaluation.per_class]
    assert [int(x) for x in cells.all_text_contents()] == support
    page.click("#classes th:nth-child(2) button")
    assert [int(x) for x in cells.all_text_contents()] == sorted(support, reverse=True)
    assert page.get_attribute("#classes th:nth-child(2)", "aria-sort") == "descending"
    page.click("#classes th:nth-child(2) button")
    assert [int(x) for x in cells.all_text_contents()] == sorted(support)


def test_classes_in_order(visit):
    evaluation = cl.evaluate(ordinal())
    page = visit(cl.report(evaluation))
    assert page.locator("#confusion tbody th").all_text_contents() == list(evaluation.classes.names)
    assert page.locator("#order button").count() == 0
    near = evaluation["off_by_one_accuracy"].value
    assert f"{words.hundred(near)} are at most one class off" in page.text_content("#take-steps")
    options = page.locator("#pick option").all_text_contents()
    assert options[-1] == "level 3 or lower"
    page.select_option("#pick", "8")
    assert page.locator("#cal .bin-dot").count() >= 5


def test_the_slider_counts_as_python_at_every_point(visit):
    found = side_by_side(models())
    page = visit(cl.report(found))
    for w, equal in enumerate((found.at_recall, found.at_flagged)):
        assert len(equal.at) <= 500
        states = page.evaluate(f"cutline.data.equal[{w}].at.map((_, i) => cutline.state({w}, i))")
        for i, models_here in enumerate(states):
            for k, shown in enumerate(models_here):
                counts = found.evaluations[k].table.counts(equal.thresholds[k, i])
                assert {key: shown[key] for key in ("tp", "fp", "fn", "tn")} == counts.to_dict()
                for metric in (cl.recall, cl.fpr, cl.precision):
                    value = metric.value(counts)
                    mine = math.nan if shown[metric.name] is None else shown[metric.name]
                    assert mine == pytest.approx(value, nan_ok=True)
                flagged = (counts.tp + counts.fp) / counts.total
                mine = models_here[0]["flagged"] / counts.total if equal.by == "recall" else models_here[0]["recall"]
                assert shown["gap"] == pytest.approx((flagged if equal.by == "recall" else shown["recall"]) - mine)


def test_the_comparison_moves(visit):
    report = cl.report(models())
    page = visit(report)
    assert page.text_content("#say").replace("\u2068", "").replace("\u2069", "") == report.data["sentence"]
    texts, marks = [], []
    page.focus("#slide")
    for key in ("ArrowLeft", "PageDown", "PageUp", "Home", "End"):
        page.keyboard.press(key)
        texts.append(page.text_content("#alike"))
        marks.append(page.get_attribute("#roc .dot", "cx"))
    assert len(set(texts)) >= 4
    assert len(set(marks)) >= 4
    said = page.text_content("#say")
    page.locator("#by button").nth(1).click()
    assert page.text_content("#say") != said
    assert "positives" in page.text_content("#say")
    assert page.locator("#roc .model").count() == 6  # three curves, three keys
    dashes = {page.locator("#roc path.model").nth(k).get_attribute("stroke-dasharray") for k in range(3)}
    assert len(dashes) == 3  # colour is never alone


def absent():
    """A class in no row of the truth: its figures are undefined."""
    scores = several(30, n=400)
    keep = scores.truth != 3
    return scores.take(keep)


CASES = {
    "letters": lambda: cl.report(several(30, n=900)),
    "four classes": lambda: cl.report(several(4)),
    "ordinal": lambda: cl.report(ordinal()),
    "labels": lambda: cl.report(labelled()),
    "comparison": lambda: cl.report(models()),
    "classes compared": lambda: cl.report(
        {"A": several(4), "B": several(4).with_score(several(4, seed=3).score, "probability")}
    ),
    "absent class": lambda: cl.report(absent()),
    "ten rows": lambda: cl.report(several(3, n=10)),
    "ten rows compared": lambda: cl.report(models(10)),
    "one class only": lambda: cl.report({"A": binary(9, prevalence=1e-9), "B": binary(9, prevalence=1e-9)}),
    "predicted labels": lambda: cl.report(binary(kind="label")),
    "ranks compared": lambda: cl.report({"A": binary(kind="rank"), "B": binary(kind="rank")}),
    "thousand classes": lambda: cl.report(several(1000, n=3000)),
    "hostile": lambda: cl.report(
        {HOSTILE[0]: binary(60, names=HOSTILE[1:3]), "x" * 300: binary(60, names=HOSTILE[1:3])}
    ),
    "hostile classes": lambda: cl.report(several(36, names=[f"{name}{k}" for k in (1, 2) for name in HOSTILE])),
}


@pytest.mark.filterwarnings("ignore::cutline.errors.UndefinedWarning")
@pytest.mark.parametrize("case", CASES)
def test_no_page_breaks(visit, case):
    for width in (320, 1200):
        page = visit(CASES[case](), viewport={"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate("window.hacked") is None
        assert page.evaluate("typeof window.cutline") == "object"
        assert not re.search(r"\bNaN\b|(?<!is )(?<!\()undefined(?! here)|Infinity|\[object", page.inner_text("main"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("case", ["letters", "four classes", "ordinal", "labels", "comparison", "classes compared"])
def test_accessible(visit, case, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    page = visit(CASES[case](), color_scheme=scheme, bypass_csp=True)
    found = axe.Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("case", ["letters", "ordinal", "labels", "comparison"])
def test_without_scripts_there_are_tables(visit, case):
    page = visit(CASES[case](), java_script_enabled=False)
    text = page.inner_text("main")
    assert "Scripts are off" in text
    assert page.locator("main table:visible").count() >= 2
    assert not page.is_visible("#card-k, #card-equal")


def test_paper(visit):
    page = visit(cl.report(models()), color_scheme="dark")
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not page.is_visible("#slide")
    assert page.is_visible("#roc svg")
