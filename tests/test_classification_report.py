from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest
from sklearn import metrics as sk

import cutline as cl
from cutline.errors import ScoreError, ShapeError


def several(weighted, k=3, n=300):
    rng = np.random.default_rng(0)
    names = np.array(["ham", "spam", "toast"])[:k]
    y, said = rng.integers(0, k, n), rng.integers(0, k, n)
    said = np.where(rng.random(n) < 0.6, y, said)
    w = rng.integers(1, 5, n) / 2 if weighted else None
    return (
        names[y],
        names[said],
        w,
        cl.Scores(y_true=names[y], y_score=names[said], weight=w, kind="label", classes=names),
    )


@pytest.mark.parametrize("weighted", [False, True])
def test_it_holds_every_number_of_scikit_learns(weighted):
    y, said, w, s = several(weighted)
    found = cl.classification_report(s).to_dict()
    for key, value in sk.classification_report(y, said, sample_weight=w, output_dict=True).items():
        if isinstance(value, dict):
            assert {k: found[key][k] for k in value} == pytest.approx(value, rel=1e-12), key
            for figure in ("precision", "recall", "f1-score"):
                assert found[key][f"{figure} low"] < value[figure] < found[key][f"{figure} high"]
        else:
            assert found[key] == pytest.approx(value, rel=1e-12)


def test_text_frame_and_baselines():
    y, said, _, s = several(False)
    report = cl.classification_report(s)
    text = repr(report)
    for line in sk.classification_report(y, said, digits=3).splitlines():
        for word in line.replace(" avg", "").split():
            if word != "accuracy":
                assert word in text, word
    assert "always the largest class" in text
    share = np.unique(y, return_counts=True)[1] / len(y)
    assert report.baselines["always the largest class"]["accuracy"] == pytest.approx(share.max())
    assert report.baselines["guessing by class shares"] == pytest.approx(
        {"accuracy": (share**2).sum(), "macro f1": share.mean()}
    )
    frame = report.to_frame()
    assert isinstance(frame, pa.Table)
    assert frame.column("name").to_pylist() == ["ham", "spam", "toast", "micro avg", "macro avg", "weighted avg"]
    assert frame.column("support").to_pylist()[:3] == [r.support for r in report.rows[:3]]


def test_two_classes_at_a_threshold():
    rng = np.random.default_rng(1)
    y = rng.random(200) < 0.3
    p = np.clip(rng.normal(0.4 + 0.2 * y, 0.2), 0, 1)
    s = cl.Scores(y_true=y, y_score=p, kind="probability")
    found = cl.classification_report(s, at=0.5).to_dict()
    expected = sk.classification_report(y, p >= 0.5, output_dict=True)
    assert {k: found["True"][k] for k in expected["True"]} == pytest.approx(expected["True"])
    same = cl.classification_report(s, decision=(p >= 0.5).astype(int)).to_dict()
    assert same["True"] == found["True"]
    with pytest.raises(ScoreError, match=r"at=0[.]5"):
        cl.classification_report(s)
    with pytest.raises(ShapeError, match="a class code for each row"):
        cl.classification_report(s, decision=[0, 1])


def test_what_is_undefined_is_said_and_not_zero():
    s = cl.Scores(y_true=["a", "a", "b", None], y_score=["a", "a", "a", "a"], classes=["a", "b", "c"], kind="label")
    report = cl.classification_report(s)
    found = report.to_dict()
    assert math.isnan(found["b"]["precision"])
    assert found["b"]["recall"] == 0
    assert math.isnan(found["c"]["recall"])
    assert found["macro avg"]["recall"] == 0.5
    assert found["a"]["support"] == 2
    assert any("'b'" in note and "not 0" in note for note in report.notes)
    assert any("no row of class 'c'" in note for note in report.notes)
