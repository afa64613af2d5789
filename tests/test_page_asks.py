"""What the page of two classes is asked for: a prevalence, a recall, a capacity, costs; slices, rules, mistakes."""

from __future__ import annotations

import math

import numpy as np
import pytest

import cutline as cl
from cutline.errors import InputError
from cutline.evaluation import costliest, named_cuts
from cutline.evidence import count_ingredients, wilson
from cutline.metrics import Counts
from cutline.metrics.curves import net_benefit
from cutline.report import words
from tests.examples import HOSTILE, binary
from tests.test_page import close, decided, matrix
from tests.test_report import structure

SITES = ("north", "south", "east", "tiny")


def sliced(n=1500, seed=3, **more):
    """Scores in four slices, of which one has hardly any rows."""
    site = np.random.default_rng(seed + 100).choice(SITES, n, p=[0.5, 0.3, 0.19, 0.01])
    return binary(n, seed=seed, slices={"site": site}, ids=np.arange(n), **more)


def number(text):
    return float(text.replace(",", "").replace("\u2212", "-"))


def states(page):
    return page.evaluate("cutline.data.points.tp.map((_, i) => cutline.at(i))")


def ask(page, box, value):
    page.fill(f"#{box}", str(value))


# ---- another prevalence ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("share", "case"), [(0.02, "many"), (0.97, "many"), (0.5, "few")])
def test_rates_at_another_prevalence_equal_pythons_at_every_point(visit, share, case):
    evaluation = decided(n=900) if case == "many" else cl.evaluate(binary(14, seed=5))
    page = visit(cl.report(evaluation))
    ask(page, "ask-share", 100 * share)
    metric = cl.precision_at_prevalence(share)
    for s in states(page):
        counts = evaluation.table.counts(math.inf if s["threshold"] is None else s["threshold"])
        value, found = metric.value(counts), count_ingredients(metric, counts)
        rate = {key: math.nan if v is None else v for key, v in s["precision"].items()}
        assert close(rate["value"], value)
        if not math.isnan(value):
            assert (rate["low"], rate["high"]) == pytest.approx(found.interval(0.95), rel=1e-10, abs=1e-14)
        here = cl.maximize(cl.f1, prevalence=share).counts(counts)
        assert s["accuracy"]["value"] == pytest.approx(cl.accuracy.value(here))
        assert s["f1"]["value"] == pytest.approx(cl.f1.value(here))
        assert s["recall"]["value"] == pytest.approx(cl.recall.value(counts))
        assert s["share"] == pytest.approx(here.flagged / here.total)


def test_another_prevalence_moves_everything_that_depends_on_it(visit):
    page = visit(cl.report(decided(n=900)))
    parts = ("#say", "#rate-precision", "#rate-accuracy", "#tp", "#take-pr", "#take-cost", "#take-worth", "#take-gain")
    before, kept = [page.text_content(part) for part in parts], page.text_content("#rate-recall")
    curve = page.get_attribute("#pr .curve", "d")
    ask(page, "ask-share", 3)
    assert all(a != b for a, b in zip(before, map(page.text_content, parts), strict=True))
    assert page.text_content("#rate-recall") == kept
    assert page.get_attribute("#pr .curve", "d") != curve
    assert "Expected of 1,000 rows" in page.text_content("#matrix-note")
    page.click("#as-here")
    assert before == [page.text_content(part) for part in parts]


def test_a_prevalence_that_is_none_changes_nothing(visit):
    page = visit(cl.report(decided(n=900)))
    before = page.text_content("#say")
    for nothing in ("", "0", "100", "-3", "1000"):
        ask(page, "ask-share", nothing)
        assert page.text_content("#say") == before


# ---- recall, capacity, costs -----------------------------------------------------------------------------------------


def test_a_recall_is_found_at_the_highest_threshold_that_has_it(visit):
    evaluation = decided(n=700)
    page = visit(cl.report(evaluation))
    for wanted in (50, 90, 99.5, 100):
        ask(page, "ask-recall", wanted)
        page.click("#go-recall")
        counts = evaluation.table.counts()
        row = int(np.argmax(counts.tp / counts.positives >= wanted / 100))
        assert matrix(page)["tp"] == counts.tp[row]
        assert matrix(page)["fp"] == counts.fp[row]
    ask(page, "ask-recall", "")
    assert page.is_disabled("#go-recall")


def test_a_capacity_is_never_exceeded(visit):
    evaluation = decided(n=700, digits=2)  # ties: the next cut may flag many more
    page = visit(cl.report(evaluation))
    flagged = np.unique(evaluation.table.tp + evaluation.table.fp)
    for k, of in ((20, 100), (333, 1000), (0, 10), (50, 50)):
        ask(page, "ask-n", of)
        ask(page, "ask-k", k)
        page.click("#go-capacity")
        most = k / of * evaluation.n
        assert matrix(page)["tp"] + matrix(page)["fp"] == flagged[flagged <= most].max()
    ask(page, "ask-share", 60)
    ask(page, "ask-n", 100)
    ask(page, "ask-k", 30)
    page.click("#go-capacity")
    here, more = page.evaluate("[cutline.at(cutline.current).share, cutline.at(cutline.current + 1).share]")
    assert here <= 0.3 < more


def test_costs_at_every_point_and_in_a_unit(visit):
    scores = binary(900)
    evaluation = cl.evaluate(scores, cl.minimize(cl.cost(fp=2, fn=7)).choose(scores))
    page = visit(cl.report(evaluation, unit="EUR"))
    aim, table = cl.cost(fp=2, fn=7), evaluation.table
    for s, cost in zip(
        states(page), page.evaluate("cutline.data.points.tp.map((_, i) => cutline.costOf(cutline.at(i)))"), strict=True
    ):
        assert cost == pytest.approx(1000 * aim.of(Counts(s["tp"], s["fp"], s["fn"], s["tn"])))
    page.click("#go-cost")
    lowest = next(one for one in named_cuts(evaluation) if one.name == "lowest cost")
    assert matrix(page) == table.counts(lowest.threshold).to_dict()
    assert "EUR for 1,000 rows" in page.text_content("#take-cost")
    page.fill("#unit", "<b>min</b>")
    assert "<b>min</b> for 1,000 rows" in page.text_content("#take-cost")
    assert "in <b>min</b>" in page.text_content("#cost")


def test_the_lowest_cost_is_that_of_all_thresholds():
    evaluation = cl.evaluate(binary(5000))
    found = {one.name: one.threshold for one in named_cuts(evaluation)}
    counts = evaluation.table.counts()
    assert evaluation.table.counts(found["lowest cost"]).to_dict() == {
        name: int(getattr(counts, name)[np.argmin(counts.fp + counts.fn)]) for name in ("tp", "fp", "fn", "tn")
    }


@pytest.mark.parametrize("kind", ["probability", "logit"])
def test_net_benefit_equals_pythons(visit, kind):
    scores = binary(900, kind=kind)
    page = visit(cl.report(cl.evaluate(scores)))
    shown = [s for s in states(page) if s["threshold"] is not None]
    t = np.array([s["threshold"] for s in shown])
    t = t if kind == "probability" else 1 / (1 + np.exp(-t))
    made = page.evaluate(
        "([i, t]) => t.map((p, k) => cutline.benefit(cutline.at(i[k]), p))", [[s["index"] for s in shown], t.tolist()]
    )
    odds = t / (1 - t)
    tp, fp = (np.array([s[key] for s in shown]) / scores.n for key in ("tp", "fp"))
    assert made == pytest.approx((tp - fp * odds).tolist(), abs=1e-12)
    if kind == "probability":  # of logits the page's sigmoid and ours may differ in the last bit, and so in a row
        assert made == pytest.approx(net_benefit(scores, at=t).y.tolist(), abs=1e-12)


def test_no_net_benefit_of_ranks(visit):
    page = visit(cl.report(binary(kind="rank")))
    assert not page.is_visible("#worth")
    assert not page.is_visible("#cal")
    assert page.is_visible("#gain")


# ---- hovering and the keyboard ---------------------------------------------------------------------------------------


def test_figures_are_read_by_hovering_and_moved_by_keys(visit):
    evaluation = decided(n=900)
    page = visit(cl.report(evaluation))
    for figure in ("hist", "rates-by", "roc", "pr", "gain", "cost", "worth"):
        page.evaluate("cutline.set(cutline.data.named[0].index)")
        host = page.locator(f"#{figure}")
        host.scroll_into_view_if_needed()
        box, start = page.locator(f"#{figure} svg").bounding_box(), page.evaluate("cutline.current")
        page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"])
        assert page.text_content(f"#{figure} .tip").startswith("threshold 0."), figure
        assert page.evaluate("cutline.current") == start, "hovering moves nothing"
        page.mouse.move(1, 1)
        assert not page.is_visible(f"#{figure} .tip")
        host.focus()
        for key in ("ArrowRight", "PageDown", "ArrowLeft", "End", "ArrowUp"):
            before = page.evaluate("cutline.current")
            page.keyboard.press(key)
            assert page.evaluate("cutline.current") != before or key in ("End", "ArrowUp")
            at = page.evaluate("cutline.data.points.threshold[cutline.current]")
            assert matrix(page) == evaluation.table.counts(math.inf if at is None else at).to_dict()
        assert host.get_attribute("aria-valuetext").startswith(("At threshold", "Above every score"))
        assert 0 <= int(host.get_attribute("aria-valuenow")) <= int(host.get_attribute("aria-valuemax"))


def test_bands_hold_their_curve(visit):
    page = visit(cl.report(decided(n=900)))
    assert page.locator(".band").count() == 3
    for s in states(page):
        for name in ("recall", "fpr", "precision"):
            if s[name]["value"] is not None and not math.isnan(s[name]["value"]):
                assert s[name]["low"] <= s[name]["value"] <= s[name]["high"]
    weighted = visit(cl.report(binary(weight=np.linspace(0.5, 2, 600))))
    assert weighted.locator("#roc .band, #pr .band").count() == 0


def test_rows_in_clusters_claim_no_interval_at_other_thresholds(visit):
    report = cl.report(binary(groups=np.arange(600) // 3))
    page = visit(report)
    assert "Rows come in clusters" in page.text_content("#how")
    assert all(s["recall"]["low"] is None or math.isnan(s["recall"]["low"]) for s in states(page))
    assert page.text_content("#say").count("(") == 0 == words.sentence(report.data).count("(")


# ---- a rule that is no threshold -------------------------------------------------------------------------------------


RULES = {
    "band": cl.minimize(cl.cost(fp=1, fn=5, abstain=0.3)),
    "share": cl.capacity(60, of=600, ties="hash"),
}


@pytest.mark.parametrize("name", RULES)
def test_a_rule_is_shown_as_what_it_is(visit, name):
    ids = np.arange(600)
    point = RULES[name].choose(binary(seed=1, digits=1, ids=ids))
    evaluation = point.assess(binary(seed=2, digits=1, ids=ids + 600))
    assert point.threshold is None
    report = cl.report(evaluation)
    page = visit(report)
    assert matrix(page) == evaluation.counts.to_dict()
    said = page.text_content("#say").replace("\u2068", "").replace("\u2069", "")
    assert said == words.sentence(report.data)
    assert page.locator("#named button").first.text_content() == "Chosen rule"
    assert page.locator("#named button").first.get_attribute("aria-pressed") == "true"
    assert page.input_value("#threshold") == ""
    assert page.text_content("#rate-precision") == words.figure(evaluation["precision"].value)
    assert page.evaluate("getComputedStyle(document.querySelector('#hist .cutline')).display") == "none"
    assert page.is_visible("#legend .key.un") == (name == "band")
    assert (page.locator("#hist .undecided").count() == 1) == (name == "band")
    page.locator("#named button").nth(1).click()
    assert page.evaluate("cutline.current") >= 0
    assert page.is_visible("#moved")
    page.locator("#named button").first.click()
    assert matrix(page) == evaluation.counts.to_dict()
    for text in (report.to_markdown(), report.to_html()):
        counts = evaluation.counts
        assert words.number(counts.tp) in text
        assert "which nobody asked for" not in text


# ---- slices ----------------------------------------------------------------------------------------------------------


def test_slices_are_figures_of_their_rows():
    scores = sliced()
    evaluation = cl.evaluate(scores)
    assert [one.name for one in evaluation.slices] == sorted(SITES)
    for one in evaluation.slices:
        part = scores.take(scores.slices["site"] == one.name)
        assert (one.n, one.n_pos) == (part.n, part.n_pos)
        for made in one.estimates:
            whole = cl.evaluate(part)[made.metric]
            assert all(map(close, (made.value, *made.interval()), (whole.value, *whole.interval())))
        assert bool(one.reason) == (one.name == "tiny")
    assert cl.evaluate(binary()).slices == ()
    text = cl.report(evaluation).to_markdown()
    assert all(
        f"| site: {name} | {words.number(int((scores.slices['site'] == name).sum()))} |" in text for name in SITES
    )


def test_slices_of_other_kinds():
    rng = np.random.default_rng(0)
    truth = rng.choice(["a", "b", "c"], 300)
    parts = {"half": np.arange(300) % 2, "some": np.where(np.arange(300) < 30, None, "x")}
    three = cl.Scores(
        y_true=truth, y_score=rng.dirichlet([1, 1, 1], 300), classes=["a", "b", "c"], kind="probability", slices=parts
    )
    found = cl.evaluate(three).slices
    assert [(s.partition, s.name, s.n) for s in found] == [
        ("half", 0, 150),
        ("half", 1, 150),
        ("some", "x", 270),
        ("some", None, 30),
    ]
    assert found[0].estimates[0].value == cl.evaluate(three.take(parts["half"] == 0))["accuracy"].value
    assert "F1, macro" in cl.report(three).to_markdown().partition("## Slices")[2]
    point = RULES["band"].choose(sliced(seed=1))
    evaluation = point.assess(sliced(seed=2))
    counted = sum(s.n for s in evaluation.slices)
    assert counted == evaluation.n < 1500


def test_slices_follow_the_threshold(visit):
    scores = sliced()
    report = cl.report(scores)
    page = visit(report)
    parts = {name: cl.ThresholdTable.from_scores(scores.take(scores.slices["site"] == name)) for name in SITES}
    for k, one in enumerate(report.data["slices"]):
        table = parts[one["slice"]]
        shown = page.evaluate(
            f"cutline.data.points.tp.map((_, i) => cutline.ratesIn(cutline.data.slices[{k}].counts, i))"
        )
        for s, at in zip(shown, report.data["points"]["threshold"], strict=True):
            counts = table.counts(math.inf if at is None else at)
            assert (s["tp"], s["fp"], s["fn"], s["tn"]) == (counts.tp, counts.fp, counts.fn, counts.tn)
            assert close(math.nan if s["recall"]["value"] is None else s["recall"]["value"], cl.recall.value(counts))
            limits = wilson(counts.tp, counts.positives)
            assert close(math.nan if s["recall"]["low"] is None else s["recall"]["low"], limits[0])
    cells = page.locator("#slices tbody tr").first.locator("td")
    before = cells.all_text_contents()
    page.evaluate("cutline.set(cutline.current + 200)")
    after = cells.all_text_contents()
    assert before[:2] == after[:2]
    assert all(a != b for a, b in zip(before[2:], after[2:], strict=True))
    assert page.locator("#slices tr.thin").count() == 1
    assert "few rows" in page.text_content("#slices tr.thin")


def test_slices_are_sorted_by_any_column(visit):
    page = visit(cl.report(sliced()))
    heads = page.locator("#slices thead th")
    for k in range(1, heads.count()):
        heads.nth(k).locator("button").click()
        assert heads.nth(k).get_attribute("aria-sort") == "descending"
        values = page.locator(f"#slices tbody tr > :nth-child({k + 1})").evaluate_all(
            "cells => cells.map((c) => Number(c.dataset.v))"
        )
        assert values == sorted(values, reverse=True)
        heads.nth(k).locator("button").click()
        assert heads.nth(k).get_attribute("aria-sort") == "ascending"
    heads.nth(0).locator("button").click()
    assert page.locator("#slices tbody bdi").all_text_contents() == sorted(SITES)


def test_of_many_slices_the_large_ones_move(visit):
    rng = np.random.default_rng(0)
    report = cl.report(binary(4000, slices={"shop": rng.integers(0, 70, 4000)}))
    assert sum(one["counts"] is not None for one in report.data["slices"]) == 50
    page = visit(report)
    assert page.locator("#slices tbody tr").count() == 50
    assert page.locator("details .classes tbody tr").count() == 20


def test_weighted_slices_have_sums_of_weights(visit):
    scores = sliced(weight=np.random.default_rng(1).exponential(size=1500))
    report = cl.report(scores)
    page = visit(report)
    got = page.evaluate("cutline.data.slices.map((one) => one.counts.tp)")
    assert got == [one["counts"]["tp"] for one in report.data["slices"]]


# ---- single rows -----------------------------------------------------------------------------------------------------


def test_the_costliest_mistakes():
    scores = sliced()
    point = cl.minimize(cl.cost(fp=1, fn=9)).choose(binary(seed=1))
    found = costliest(scores, point, most=300)
    flagged = scores.score >= point.threshold
    wrong = flagged != scores.is_positive
    assert len(found) == min(300, wrong.sum())
    assert {row.id for row in costliest(scores, point, most=5000)} == {str(i) for i in np.flatnonzero(wrong)}
    costs = [row.cost for row in found]
    assert costs == sorted(costs, reverse=True)
    assert set(costs) == {1.0, 9.0}
    misses = [row.score for row in found if row.cost == 9]
    assert misses == sorted(misses, key=lambda p: -abs(p - 0.5))
    dear = np.zeros(1500)
    dear[np.flatnonzero(wrong & flagged)[7]] = 50
    by_row = cl.cost(fp=1 + dear, fn=np.full(1500, 2.0))
    assert costliest(scores, point, costs=by_row)[0] == costliest(scores, point, costs=by_row, most=1)[0]
    assert costliest(scores, point, costs=by_row)[0].cost == 51
    with pytest.raises(InputError, match="costs of 1,500 rows"):
        costliest(scores.take(np.arange(9)), point, costs=by_row)
    with pytest.raises(InputError, match="rows without ids"):
        costliest(binary())
    with pytest.raises(InputError, match="ranking scores"):
        costliest(sliced(kind="rank"))


def test_single_rows_are_named_only_when_asked_for(visit):
    scores = sliced()
    quiet = cl.report(scores)
    assert quiet.data["mistakes"] is None
    report = cl.report(scores, mistakes=7)
    rows = costliest(scores, most=7)
    page = visit(report)
    assert page.locator("section:has(#h-mistakes) tbody th").all_text_contents() == [row.id for row in rows]
    assert "The costliest mistakes" not in quiet.to_html()
    assert cl.report(cl.evaluate(scores), mistakes=rows, date="").data == cl.report(scores, mistakes=7, date="").data
    assert f"| {rows[0].id} |" in report.to_markdown()
    for wrong in (-1, 3):
        with pytest.raises(InputError, match="mistakes"):
            cl.report(scores if wrong < 0 else cl.evaluate(scores), mistakes=wrong)


# ---- hostile names, small inputs, accessibility, paper ---------------------------------------------------------------


@pytest.mark.parametrize("name", HOSTILE)
def test_names_of_slices_and_rows_never_become_markup(name):
    made = []
    for text in ("plain", name):
        rows = np.array([text if i % 2 else "other" for i in range(60)], dtype=object)
        scores = binary(60, slices={text: rows}, ids=rows)
        report = cl.report(scores, mistakes=3, date="today", unit=text)
        # Slices stand in the order of their names: the tags are the same, whatever their order.
        made.append([sorted(map(str, structure(form))) for form in (report.to_html(), report._repr_html_())])
        assert "<" not in report.to_markdown()
    assert made[0] == made[1]


def test_hostile_names_of_slices_stay_text_in_the_page(visit):
    rows = np.array([HOSTILE[i % len(HOSTILE)] for i in range(360)], dtype=object)
    names = ("ham", HOSTILE[2])
    page = visit(cl.report(binary(360, names=names, slices={HOSTILE[0]: rows}, ids=rows), mistakes=9, unit=HOSTILE[1]))
    page.evaluate("cutline.set(cutline.current + 20)")
    page.locator("#slices thead button").first.click()
    assert page.evaluate("window.hacked") is None
    shown = set(page.locator("#slices tbody bdi").all_text_contents())
    assert shown == {words.clean(name) or "(blank)" for name in HOSTILE}


@pytest.mark.parametrize("n", [1, 2, 10])
def test_a_handful_of_rows(visit, n):
    page = visit(cl.report(binary(n, seed=3, slices={"s": np.arange(n)})))
    assert page.evaluate("typeof window.cutline") == "object"
    text = page.inner_text("main")
    assert "NaN" not in text
    assert "Infinity" not in text


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("case", ["sliced", "rule"])
def test_accessible(visit, case, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    rule = RULES["band"].choose(binary(seed=1))
    made = {
        "sliced": lambda: cl.report(sliced(), mistakes=5),
        "rule": lambda: cl.report(rule.assess(sliced(seed=2))),
    }
    page = visit(made[case](), color_scheme=scheme, bypass_csp=True)
    if case == "sliced":
        ask(page, "ask-share", 2)
    found = axe.Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_without_scripts_there_are_slices_and_rows(visit):
    page = visit(cl.report(sliced(), mistakes=4), java_script_enabled=False)
    text = page.inner_text("main")
    assert "Scripts are off" in text
    assert all(name in text for name in SITES)
    assert page.locator("section:has(#h-mistakes) tbody tr").count() == 4
    assert not page.is_visible("#ask-share")


def test_no_panel_is_cut_on_paper(visit):
    width, height = 688, 1017  # A4 less margins of 14 mm, in CSS pixels
    page = visit(cl.report(decided(n=900)), viewport={"width": width, "height": height})
    page.emulate_media(media="print")
    panels = page.locator("main > .card:visible, main > .hero, main > .decision").evaluate_all(
        "all => all.map((e) => [e.querySelector('h2')?.id, getComputedStyle(e).breakInside, e.offsetHeight])"
    )
    assert len(panels) >= 11
    for name, inside, tall in panels:
        assert inside == "avoid" or name == "h-estimates", name  # a long table breaks between rows
        assert tall <= height, name
    assert len(page.pdf(format="A4")) > 20_000
    assert not page.is_visible("#ask-share")
