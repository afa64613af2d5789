"""What a terminal shows: every dot and block stands for a count of the report."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
from rich.console import Console

import cutline as cl
from cutline.report import print_evaluation
from cutline.report.terminal import blocks, braille, scores
from tests.examples import HOSTILE, binary

HEIGHTS = " ▁▂▃▄▅▆▇█"
DOTS = {(0, 0): 0x40, (0, 1): 0x04, (0, 2): 0x02, (0, 3): 0x01, (1, 0): 0x80, (1, 1): 0x20, (1, 2): 0x10, (1, 3): 0x08}


def printed(evaluation, **options):
    stream = io.StringIO()
    print_evaluation(evaluation, console=Console(file=stream, highlight=False, **options))
    return stream.getvalue()


def dots(drawing):
    """The dots of a braille drawing as (x, y), from the lower left."""
    rows = [line[1:] for line in drawing.splitlines()[1:-2]]
    return {
        (2 * column + x, 4 * (len(rows) - 1 - row) + y)
        for row, line in enumerate(rows)
        for column, cell in enumerate(line)
        for (x, y), bit in DOTS.items()
        if ord(cell) - 0x2800 & bit
    }


def test_every_point_of_the_curve_has_its_dot():
    data = cl.report(binary(300)).data
    fp, tp = data["points"]["fp"], data["points"]["tp"]
    drawn = dots(braille(fp, tp, data["negatives"], data["positives"], width=20, height=8))
    for a, b in zip(fp, tp, strict=True):
        assert (round(a / data["negatives"] * 39), round(b / data["positives"] * 31)) in drawn
    perfect = dots(braille([0, 0, 5], [0, 5, 5], 5, 5, width=10, height=5))
    assert {(0, y) for y in range(20)} | {(x, 19) for x in range(20)} <= perfect


def test_the_place_where_the_rule_decides_is_marked():
    drawing = braille([0, 5, 10], [0, 9, 10], 10, 10, width=10, height=5, mark=1)
    rows = drawing.splitlines()[1:-2]
    (place,) = [(row, line.index("●") - 1) for row, line in enumerate(rows) if "●" in line]
    assert place == (4 - round(0.9 * 19) // 4, round(0.5 * 19) // 2)
    scored = binary()
    assert "●" in printed(cl.evaluate(scored))
    assert "●" not in printed(cl.evaluate(binary(kind="rank"))), "nobody decided anything"


def test_blocks_are_as_high_as_the_counts():
    counts = [0, 1, 7, 8, 63, 64]
    assert [HEIGHTS.index(block) for block in blocks(counts)] == [math.ceil(8 * k / 64) for k in counts]
    assert blocks([0, 0]) == "  "
    assert blocks([]) == ""


@pytest.mark.parametrize("kind", ["probability", "logit", "rank"])
def test_the_histogram_is_that_of_the_report(kind):
    evaluation = cl.evaluate(binary(kind=kind))
    data = cl.report(evaluation).data
    spam, ham, under, axis = scores(data).splitlines()
    assert spam.startswith("spam  │")
    assert ham.startswith("ham   │")
    for line, counts in ((spam, evaluation.histogram.positives), (ham, evaluation.histogram.negatives)):
        seen = line.split("│")[1]
        assert [block != " " for block in seen] == (counts > 0).tolist()
        assert int(np.argmax(counts)) in [k for k, block in enumerate(seen) if block == "█"]
    assert axis.startswith("score")
    if kind == "rank":
        assert "▲" not in under
    else:
        edges = evaluation.histogram.edges
        bin_of = under.index("▲") - len("spam   ")
        assert edges[bin_of] <= evaluation.threshold <= edges[bin_of + 1]


def test_one_class_has_no_curve():
    alone = cl.Scores(y_true=[1] * 5, y_score=[0.2, 0.7, 0.1, 0.9, 0.4], classes=cl.Classes((0, 1), 1))
    said = printed(cl.evaluate(alone))
    assert "false positive rate, 0 to 1" not in said
    assert "score" in said


def test_wide_scores_and_hostile_names_print():
    wide = cl.Scores(y_true=[0, 1, 0, 1], y_score=[-1.7e308, 1.7e308, 0.0, 1.0], kind="rank")
    assert "▁" in printed(cl.evaluate(wide, threshold=0.5)) or "█" in printed(cl.evaluate(wide, threshold=0.5))
    for name in HOSTILE:
        said = printed(cl.evaluate(binary(names=("ham", name))), width=160)
        assert "\x1b" not in said
        assert "█" in said
