"""The page in a browser: its script says what Python says, and every control does what it promises."""

from __future__ import annotations

import math

import numpy as np
import pytest

import cutline as cl
from cutline.evidence import count_ingredients
from cutline.metrics import Counts
from cutline.report import words
from cutline.report.payload import payload
from tests.examples import HOSTILE, binary, several

RATES = {
    "precision": cl.precision,
    "recall": cl.recall,
    "fpr": cl.fpr,
    "specificity": cl.specificity,
    "accuracy": cl.accuracy,
    "f1": cl.f1,
}
# Its interval needs draws: the page has it at the named thresholds, as Python made it.
MCC = cl.mcc


def decided(seed=1, **more):
    """An evaluation at a chosen point, on other rows than it was chosen on."""
    point = cl.maximize(cl.recall, subject_to=[cl.precision >= 0.8]).choose(binary(seed=seed, **more))
    return point.assess(binary(seed=seed + 1, **more))


def matrix(page):
    return {key: int(page.text_content(f"#{key}").replace(",", "")) for key in ("tp", "fp", "fn", "tn")}


def current(page):
    return page.evaluate("cutline.at(cutline.current)")


def close(a, b):
    return (math.isnan(a) and math.isnan(b)) or math.isclose(a, b, rel_tol=1e-12, abs_tol=1e-14)


@pytest.mark.parametrize(
    "evaluation",
    [
        decided(n=4000),
        decided(n=300, digits=1),
        cl.evaluate(binary(20_000, prevalence=0.003)),
        cl.evaluate(binary(800, kind="logit"), confidence=0.8),
        cl.evaluate(binary(500, kind="rank")),
        cl.evaluate(cl.Scores(y_true=[0, 0, 1], y_score=[0.2, 0.4, 0.4], kind="probability")),
        cl.evaluate(cl.Scores(y_true=[1, 1], y_score=[0.2, 0.4], classes=[0, 1], positive=1, kind="probability")),
        cl.evaluate(cl.Scores(y_true=[0, 0], y_score=[0.2, 0.4], classes=[0, 1], positive=1, kind="probability")),
    ],
    ids=["long", "ties", "rare", "logit", "rank", "three rows", "positives only", "negatives only"],
)
def test_counts_rates_and_intervals_equal_pythons_at_every_point(visit, evaluation):
    report = cl.report(evaluation)
    page = visit(report)
    shown = page.evaluate("cutline.data.points.tp.map((_, i) => cutline.at(i))")
    assert len(shown) == len(report.data["points"]["tp"]) <= 1000
    for s in shown:
        counts = evaluation.table.counts(math.inf if s["threshold"] is None else s["threshold"])
        assert counts == Counts(s["tp"], s["fp"], s["fn"], s["tn"])
        for name, metric in RATES.items():
            value, limits = metric.value(counts), count_ingredients(metric, counts).interval(evaluation.confidence)
            rate = {key: math.nan if v is None else v for key, v in s[name].items()}
            assert close(rate["value"], value), (name, s)
            assert close(rate["low"], limits[0]), (name, s)
            assert close(rate["high"], limits[1]), (name, s)
        assert close(math.nan if s["mcc"]["value"] is None else s["mcc"]["value"], MCC.value(counts))
    for one in report.data["named"]:
        s = shown[one["index"]]
        counts = Counts(s["tp"], s["fp"], s["fn"], s["tn"])
        if not math.isnan(MCC.value(counts)):
            limits = count_ingredients(MCC, counts).interval(evaluation.confidence)
            assert (s["mcc"]["low"], s["mcc"]["high"]) == limits


def test_weighted_counts_equal_pythons_and_have_no_interval(visit):
    evaluation = cl.evaluate(binary(weight=np.random.default_rng(1).exponential(size=600)))
    page = visit(cl.report(evaluation))
    for s in page.evaluate("cutline.data.points.tp.map((_, i) => cutline.at(i))"):
        counts = evaluation.table.counts(math.inf if s["threshold"] is None else s["threshold"])
        assert (s["tp"], s["fp"], s["fn"], s["tn"]) == (counts.tp, counts.fp, counts.fn, counts.tn)
        assert close(s["recall"]["value"], cl.recall.value(counts))
        assert math.isnan(s["recall"]["low"])
    assert "Rows are weighted" in page.text_content("#how")


def test_the_slider_by_keyboard_shows_the_counts_of_python(visit):
    evaluation = decided(n=3000)
    page = visit(cl.report(evaluation))
    page.focus("#slider")
    seen = set()
    for key in ("ArrowRight", "ArrowLeft", "ArrowLeft", "PageUp", "PageDown", "PageDown", "ArrowUp", "Home", "End") * 4:
        page.keyboard.press(key)
        at = page.evaluate("cutline.data.points.threshold[cutline.current]")
        counts = evaluation.table.counts(math.inf if at is None else at)
        assert matrix(page) == counts.to_dict()
        assert page.text_content("#say") == page.evaluate("cutline.sentence(cutline.at(cutline.current))")
        seen.add(at)
    assert len(seen) > 8
    page.keyboard.press("End")
    assert matrix(page)["tp"] == matrix(page)["fp"] == 0
    assert page.text_content("#rate-precision") == "n/a"
    assert "nothing is flagged" in page.text_content("#say")
    page.keyboard.press("Home")
    assert matrix(page)["fn"] == matrix(page)["tn"] == 0


@pytest.mark.parametrize(
    "evaluation",
    [
        decided(n=3000),
        cl.evaluate(binary(20_000, prevalence=0.003)),
        cl.evaluate(binary(50, names=(0, 1))),
        cl.evaluate(binary(weight=np.random.default_rng(1).exponential(size=600))),
        cl.evaluate(cl.Scores(y_true=[0, 1, 0], y_score=[0.1, 0.2, 0.3], kind="probability"), threshold=0.9),
    ],
    ids=["decided", "rare", "numbers", "weighted", "nobody"],
)
def test_the_page_opens_with_pythons_sentence(visit, evaluation):
    page = visit(cl.report(evaluation))
    said = page.text_content("#say").replace("\u2068", "").replace("\u2069", "")
    assert said == words.sentence(payload(evaluation))


def test_numbers_are_written_as_python_writes_them(visit):
    rng = np.random.default_rng(0)
    shares = [
        0.0,
        1.0,
        0.5,
        1e-7,
        1 - 1e-7,
        0.0005,
        0.9996,
        0.125,
        *rng.uniform(size=200),
        *rng.beta(0.1, 0.1, size=200),
    ]
    numbers = [*shares, *(-x for x in shares), *rng.normal(scale=1e4, size=100)]
    page = visit(cl.report(binary()))
    for name, function, values in (
        ("figure", words.figure, numbers),
        ("cut", words.cut, [*numbers, None]),
        ("hundred", words.hundred, shares),
    ):
        values = [v if v is None else float(v) for v in values]
        assert page.evaluate(f"values => values.map((v) => cutline.{name}(v))", values) == [function(v) for v in values]


def test_the_number_box(visit):
    evaluation = decided(n=700)  # fewer scores than points: every threshold can be typed
    page = visit(cl.report(evaluation))
    for typed in ("0.25", "0.731", "0", "1.5", "-3"):
        page.fill("#threshold", typed)
        page.press("#threshold", "Enter")
        assert matrix(page) == evaluation.table.counts(float(typed)).to_dict()
    page.fill("#threshold", "0.5")
    page.press("#threshold", "Enter")
    before = page.evaluate("cutline.current")
    page.press("#threshold", "ArrowDown")
    assert page.evaluate("cutline.current") == before + 1
    page.press("#threshold", "ArrowUp")
    assert page.evaluate("cutline.current") == before


def test_named_thresholds(visit):
    evaluation = decided(n=3000)
    page = visit(cl.report(evaluation))
    assert matrix(page) == evaluation.counts.to_dict()
    assert not page.is_visible("#moved")
    buttons = page.locator("#named button")
    named = [entry for entry in payload(evaluation)["named"] if entry["name"] != "lowest cost"]
    assert buttons.count() == len(named) >= 5
    seen = []
    for k, entry in enumerate(named):
        buttons.nth(k).click()
        assert buttons.nth(k).get_attribute("aria-pressed") == "true"
        assert matrix(page) == evaluation.table.counts(entry["threshold"]).to_dict()
        assert page.is_visible("#moved") == (entry["index"] != named[0]["index"])
        seen.append(page.text_content("#say"))
    assert len(set(seen)) >= 3


def test_costs(visit):
    scores = binary(2000)
    evaluation = cl.evaluate(scores, cl.minimize(cl.cost(fp=1, fn=5)).choose(scores))
    page = visit(cl.report(evaluation))
    assert (page.input_value("#cost-fp"), page.input_value("#cost-fn")) == ("1", "5")
    points = {key: np.array(v, dtype=float) for key, v in payload(evaluation)["points"].items()}
    positives, found, texts = evaluation.n_pos, [], []
    for fp, fn in ((1, 5), (25, 1), (0, 1), (1, 0), (2.5, 2.5)):
        page.fill("#cost-fp", str(fp))
        page.fill("#cost-fn", str(fn))
        costs = 1000 * (fp * points["fp"] + fn * (positives - points["tp"])) / evaluation.n
        here = costs[page.evaluate("cutline.current")]
        texts.append(page.text_content("#take-cost"))
        assert float(texts[-1].split(" for ")[0].replace(",", "")) == pytest.approx(here, rel=1e-3)
        page.click("#go-cost")
        found.append(page.evaluate("cutline.current"))
        assert found[-1] == int(np.argmin(costs))
    assert len(set(found)) == 5
    assert len(set(texts)) == 5


@pytest.mark.parametrize(("figure", "x", "y"), [("roc", 0.3, 0.4), ("pr", 0.5, 0.3), ("hist", 0.25, 0.5)])
def test_figures_can_be_dragged(visit, figure, x, y):
    evaluation = decided(n=3000)
    page = visit(cl.report(evaluation))
    page.locator(f"#{figure}").scroll_into_view_if_needed()
    box = page.locator(f"#{figure} svg").bounding_box()
    page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
    before = page.evaluate("cutline.current")
    page.mouse.down()
    after = page.evaluate("cutline.current")
    page.mouse.move(box["x"] + 0.8 * box["width"], box["y"] + 0.5 * box["height"])
    end = current(page)
    page.mouse.up()
    assert len({before, after, end["index"]}) == 3
    assert matrix(page) == evaluation.table.counts(end["threshold"]).to_dict()
    if figure == "hist":
        assert end["threshold"] == pytest.approx(0.8, abs=0.02)


def test_marks_move_with_the_threshold(visit):
    page = visit(cl.report(decided(n=3000)))
    marks = "['#roc .point', '#pr .point', '#cost .point'].map((q) => document.querySelector(q).getAttribute('cx'))"
    marks = f"[...{marks}, document.querySelector('#hist .cutline').getAttribute('x1')]"
    before = page.evaluate(marks)
    page.evaluate("cutline.set(cutline.current + 150)")
    assert all(a != b for a, b in zip(before, page.evaluate(marks), strict=True))
    page.evaluate("cutline.set(0)")  # precision is undefined: its curve has no point there
    assert page.evaluate("getComputedStyle(document.querySelector('#pr .point').parentNode).display") == "none"
    assert page.evaluate("document.querySelector('#pr .curve').getAttribute('d').startsWith('M')")


def test_the_address_remembers_the_threshold(visit):
    report = cl.report(decided(n=700))
    page = visit(report)
    assert "#" not in page.url
    page.focus("#slider")
    page.keyboard.press("PageDown")
    at, shown = current(page)["threshold"], matrix(page)
    assert page.url.endswith(f"#threshold={at!r}")
    page.reload()
    assert matrix(page) == shown
    assert matrix(visit(report, f"#threshold={at!r}")) == shown
    assert matrix(visit(report, "#threshold=none"))["tp"] == 0
    start = report.data["named"][0]["index"]
    assert visit(report, "#threshold=<script>").evaluate("cutline.current") == start


def test_hostile_names_stay_text(visit):
    page = visit(cl.report(several(len(HOSTILE), names=HOSTILE)))
    assert page.evaluate("window.hacked") is None
    assert page.locator("#confusion tbody th").all_text_contents() == [words.label(name) for name in HOSTILE]
    for name in (HOSTILE[1], HOSTILE[2], "".join(HOSTILE)):
        page = visit(cl.report(binary(60, names=("ham", name)), title=name))
        assert page.evaluate("window.hacked") is None
        assert page.text_content("h1") == words.clean(name)
        assert words.short(words.label(name)) in page.text_content("#say")


def test_no_other_script_runs(browser, tmp_path):
    page = browser.new_page()
    page.goto(cl.report(binary(60)).save(tmp_path / "page.html").as_uri())
    page.evaluate("addEventListener('securitypolicyviolation', (event) => { window.refused = event.blockedURI; })")
    page.evaluate("document.querySelector('h1').setAttribute('onclick', 'window.hacked = 1')")
    page.click("h1")
    assert page.evaluate("window.hacked") is None
    assert page.evaluate("window.refused") == "inline"
    page.close()


def test_without_scripts_there_are_tables(visit):
    evaluation = decided(n=3000)
    page = visit(cl.report(evaluation), java_script_enabled=False)
    text = page.inner_text("main")
    assert "Scripts are off" in text
    assert words.sentence(payload(evaluation)) in text
    cells = [cell.replace(",", "") for cell in page.locator(".still td").all_inner_texts()]
    counts = evaluation.counts
    assert cells == [str(x) for x in (counts.tp, counts.fn, counts.positives, counts.fp, counts.tn, counts.negatives)]
    assert not page.is_visible("#slider")
    assert "logit DeLong" in text
    k = visit(cl.report(several()), java_script_enabled=False)
    assert k.locator(".still td").count() == 16


def test_several_classes(visit):
    evaluation = cl.evaluate(several(5))
    page = visit(cl.report(evaluation))
    cells, matrix = page.locator("#confusion tbody td"), evaluation.confusion
    assert [int(x) for x in cells.all_text_contents()] == matrix.ravel().tolist()
    for k, axis in ((1, 1), (2, 0)):
        page.locator("#mode button").nth(k).click()
        shares = matrix / matrix.sum(axis=axis, keepdims=True)
        assert cells.all_text_contents() == [words.hundred(float(x)) for x in shares.ravel()]
    assert page.locator("#mode button").nth(2).get_attribute("aria-pressed") == "true"


@pytest.mark.parametrize("width", [320, 390, 820, 1280])
@pytest.mark.parametrize("report", [cl.report(decided()), cl.report(several(26))], ids=["binary", "26 classes"])
def test_no_page_scrolls_sideways(visit, report, width):
    page = visit(report, viewport={"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_figures_follow_the_width_and_keep_the_threshold(visit):
    page = visit(cl.report(decided(n=3000)))
    page.evaluate("cutline.set(100)")
    wide = page.locator("#roc svg").get_attribute("viewBox")
    page.set_viewport_size({"width": 500, "height": 800})
    page.wait_for_function("wide => document.querySelector('#roc svg').getAttribute('viewBox') !== wide", arg=wide)
    assert page.evaluate("cutline.current") == 100


def test_paper_has_no_controls(visit):
    page = visit(cl.report(decided()), color_scheme="dark")
    page.emulate_media(media="print")
    assert not page.is_visible("#slider")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.is_visible("#roc svg")


def test_in_a_notebook_frame(visit, tmp_path):
    report = cl.report(decided(n=700))
    page = visit(report)
    page.goto("about:blank")  # else a drawing that waits for its frame finds the document replaced
    page.set_content(report._repr_html_())
    frame = page.frames[1]
    frame.wait_for_selector("#tp")
    before = frame.text_content("#tp")
    frame.focus("#slider")
    page.keyboard.press("PageDown")
    assert frame.text_content("#tp") != before
