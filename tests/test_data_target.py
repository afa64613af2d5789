"""Labels and scores out of tables, and the data that comes with the package."""

from __future__ import annotations

import datetime as dt
import io

import numpy as np
import pandas as pd
import pytest

import cutline as cl
from cutline import Classes, Scores
from cutline.data import SAMPLES, bundled, features, infer_schema, read_target, write_table
from cutline.errors import DataError, GuessWarning, InputError, LabelError, ScoreError, UnknownName

TARGETS = {
    "text": (["b", " a ", "b"], ("a", "b"), [1, 0, 1]),
    "gaps": (["b", None, "a", "", "  "], ("a", "b"), [1, -1, 0, -1, -1]),
    "emoji": (["😀", "🎉"], ("🎉", "😀"), [1, 0]),
    "integers": ([2, 7, 5, 2], (2, 5, 7), [0, 2, 1, 0]),
    "integers with gaps": ([1, None, 0], (0, 1), [1, -1, 0]),
    "whole floats": ([1.0, np.nan, 0.0, np.inf], (0, 1), [1, -1, 0, -1]),
    "halves": ([0.5, 1.5, 0.5], (0.5, 1.5), [0, 1, 0]),
    "booleans": ([True, None, False], (False, True), [1, -1, 0]),
    "days": ([dt.date(2020, 1, 2), dt.date(2020, 1, 1)], ("2020-01-01", "2020-01-02"), [1, 0]),
    "categories": (pd.Categorical(["b", None, "a"]), ("a", "b"), [1, -1, 0]),
    "mixed objects": ([1, "x", 1.0], ("1", "x"), [0, 1, 0]),
}


@pytest.mark.parametrize("case", TARGETS)
def test_targets(case):
    values, names, codes = TARGETS[case]
    got = read_target({"y": values}, "y")
    assert got.classes.names == names
    assert [type(name) for name in got.classes.names] == [type(name) for name in names]
    assert got.codes.dtype == np.int32
    assert got.codes.tolist() == codes
    gone = [row for row, code in enumerate(codes) if code == -1]
    told = [note for note in got.notes if "kept out" in note]
    assert len(told) == bool(gone)
    if told:
        assert f"{len(gone)} of {len(codes)} row" in told[0]
        assert ", ".join(map(str, gone)) in told[0]


def test_only_the_first_rows_without_a_label_are_named():
    (note,) = read_target({"y": [None] * 1200 + [0, 1]}, "y").notes
    assert (
        note == "target 'y': 1,200 of 1,202 rows have no label and are kept out: "
        "rows 0, 1, 2, 3, 4, ... (the first is row 0)"
    )


@pytest.mark.parametrize(
    ("values", "positive", "found"),
    [
        (["ham", "spam"], "ham", "ham"),
        (["ham", "spam"], " spam ", "spam"),
        ([0, 1], "0", 0),
        ([0.0, 1.0], "1", 1),
        ([True, False], "false", False),
        ([True, False], "True", True),
        (["0", "1"], 0, "0"),
        (["true", "false"], True, "true"),
        ([0, 1], None, 1),
    ],
)
def test_positive_class_by_spelling(values, positive, found):
    got = read_target({"y": values}, "y", positive)
    assert got.classes.positive == found
    assert type(got.classes.positive) is type(found)
    assert got.notes == ()


def test_a_guessed_positive_class_is_told():
    assert read_target({"y": ["ham", "spam"]}, "y").notes == (
        "positive class guessed: 'spam', the last of ['ham', 'spam'] in sorted order",
    )


def test_labels_that_differ_in_case_are_told():
    (note,) = read_target({"y": ["Spam", "spam", "ham"]}, "y").notes
    assert "['Spam', 'spam'] differ in case only" in note


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (["a", "a"], r"1 class\(es\): \['a'\]"),
        (["a", None], "1 class.*Hint: cells such as '', NA"),
        ([None, None], "0 class"),
        (list(range(5000)), "5,000 distinct numbers in 5,000 rows.*regression"),
        (list(range(1001)) * 9, "1,001 distinct numbers in 9,009 rows"),
        ([f"u{i}" for i in range(5000)], "5,000 distinct values.*an identifier or text"),
        ([i / 7 for i in range(51)] * 9, "51 distinct numbers in 459 rows.*regression"),
        ([str(i) for i in range(60)] * 1, "60 distinct values in 60 rows"),
        ([[1], [2]], "cells of type list"),
    ],
)
def test_targets_that_are_no_classes(values, said):
    with pytest.raises(LabelError, match=said) as caught:
        read_target({"y": values}, "y")
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("values", "k"), [(list(range(60)) * 2, 60), (list(range(1000)) * 2, 1000), ([i / 7 for i in range(50)] * 2, 50)]
)
def test_many_classes_are_classes(values, k):
    assert read_target({"y": values}, "y").classes.k == k


def test_unknown_target_and_positive():
    with pytest.raises(UnknownName, match=r"target: came 'Label'.*did you mean 'label'"):
        read_target({"label": [0, 1]}, "Label")
    with pytest.raises(LabelError, match=r"positive: came 'SPAM'.*did you mean 'spam'"):
        read_target({"y": ["ham", "spam"]}, "y", "SPAM")
    with pytest.raises(LabelError, match="3 classes"):
        read_target({"y": ["a", "b", "c"]}, "y", "a")


def test_the_classes_of_a_model_on_other_rows():
    classes = Classes(["0", "1", "2"])
    got = read_target({"y": [2, None, 0]}, "y", classes=classes)  # a CSV file has numbers where Parquet had text
    assert got.classes is classes
    assert got.codes.tolist() == [2, -1, 0]
    assert read_target({"y": ["1"]}, "y", classes=Classes([1, 2, 3])).codes.tolist() == [0]
    for values in ([2, 3], ["2", "3"]):
        with pytest.raises(LabelError, match=r"target 'y': came 1 row\(s\) with unknown label\(s\) '?3'?"):
            read_target({"y": values}, "y", classes=classes)


TABLE = {
    "label": ["spam", "ham", None, "spam "],
    "truth": [1, 0, 0, 1],
    "p": [0.9, 0.2, 0.5, 0.6],
    "text": ["0.9", "0.2", " 0.5", "6e-1"],
    "p_ham": [0.1, 0.8, 0.5, 0.4],
    "p_spam": [0.9, 0.2, 0.5, 0.6],
    "said": ["spam", "ham", "ham ", "ham"],
    "w": [1, 2, 3, 4],
    "who": ["a", "b", "c", "d"],
    "gap": [0.9, None, 0.5, 0.6],
    "word": ["0.9", "0.2", "none", "0.6"],
}


def test_scores_from_columns():
    got = cl.read_scores(
        TABLE, y_true="label", y_score="p", positive="spam", kind="probability", weight="w", group="who", id="who"
    )
    assert isinstance(got, Scores)
    assert got.truth.tolist() == [1, 0, -1, 1]
    assert got.score.tolist() == TABLE["p"]
    assert got.weight.tolist() == [1, 2, 3, 4]
    assert got.groups.tolist() == got.ids.tolist() == ["a", "b", "c", "d"]
    assert got.classes == Classes(["ham", "spam"], "spam")
    assert got.notes == ()


@pytest.mark.parametrize(
    ("more", "score", "kind"),
    [
        ({"y_score": ["p_spam", "p_ham"]}, TABLE["p"], "probability"),
        ({"y_score": "text"}, TABLE["p"], "probability"),
        ({"y_score": ["p"]}, TABLE["p"], "probability"),
        ({"y_score": "said"}, [1, 0, 0, 0], "label"),
        ({"y_score": "said", "kind": "label"}, [1, 0, 0, 0], "label"),
        ({"y_score": "p", "classes": ["ham", "spam"]}, TABLE["p"], "probability"),
        ({"y_score": "p", "y_true": None, "classes": ["ham", "spam"]}, TABLE["p"], "probability"),
    ],
)
def test_score_columns(more, score, kind):
    got = cl.read_scores(TABLE, **{"y_true": "label", "positive": "spam", **more})
    assert got.kind == kind
    assert got.score.tolist() == score
    assert (got.truth is None) == (more.get("y_true", "") is None)


@pytest.mark.parametrize(
    ("more", "names"),
    [
        ({"positive": "1"}, (0, 1)),
        ({"classes": ["0", "1"]}, (0, 1)),
        ({"classes": ["1", "0"], "positive": "1"}, (1, 0)),
        ({"classes": Classes(["0", "1"], "1")}, ("0", "1")),
    ],
)
def test_class_names_by_spelling(more, names):
    got = cl.read_scores(TABLE, y_true="truth", y_score="p", **more)
    assert got.classes.names == names
    assert [type(name) for name in got.classes.names] == [type(name) for name in names]
    assert got.is_positive.tolist() == [True, False, False, True]


def test_a_guess_of_the_positive_class_warns():
    with pytest.warns(GuessWarning, match="positive class guessed: 'spam'"):
        cl.read_scores(TABLE, y_true="label", y_score="p")


@pytest.mark.parametrize(
    ("more", "error", "said"),
    [
        ({"y_score": "P"}, UnknownName, "y_score: came 'P'.*did you mean 'p'"),
        ({"y_true": "Label"}, UnknownName, "y_true: came 'Label'.*did you mean 'label'"),
        ({"weight": "W"}, UnknownName, "weight: came 'W'.*did you mean 'w'"),
        ({"id": "ids"}, UnknownName, "id: came 'ids'"),
        ({"y_score": []}, InputError, "y_score: came no column"),
        ({"y_score": "word"}, DataError, r"y_score 'word': came 1 cell\(s\) that are no number: 'none'"),
        ({"y_score": "gap"}, ScoreError, r"1 row\(s\) with nan.*at row 1"),
        ({"weight": "who"}, DataError, "weight 'who': came 4 cell"),
    ],
)
def test_columns_that_are_no_scores(more, error, said):
    with pytest.raises(error, match=said):
        cl.read_scores(TABLE, **{"y_true": "label", "y_score": "p", "positive": "spam", **more})


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_files_and_streams_of_scores(tmp_path, name):
    wanted = cl.read_scores(TABLE, y_true="label", y_score="p", positive="spam")
    write_table({k: TABLE[k] for k in ("label", "p", "w")}, tmp_path / name)
    got = cl.read_scores(tmp_path / name, y_true="label", y_score="p", positive="spam")
    assert got.fingerprint == wanted.fingerprint
    if name == "t.csv":
        stream = io.BytesIO((tmp_path / name).read_bytes())
        assert cl.read_scores(stream, y_true="label", y_score="p", positive="spam").fingerprint == wanted.fingerprint


def test_guesses_made_while_reading_stand_in_the_notes():
    stream = io.BytesIO(b"label;p\nspam;0,5\nham;0,25\n")
    got = cl.read_scores(stream, y_true="label", y_score="p", positive="spam", kind="probability")
    assert got.score.tolist() == [0.5, 0.25]
    assert ["semicolon" in note or "decimal comma" in note for note in got.notes] == [True, True]


SHAPES = {
    "spambase": (4597, 57, 2, "spam"),
    "breast_cancer": (569, 30, 2, "malignant"),
    "wine": (178, 13, 3, None),
    "digits": (1797, 64, 10, None),
}


def test_every_sample_has_a_shape():
    assert set(SHAPES) == set(SAMPLES)


@pytest.mark.parametrize("name", SHAPES)
def test_bundled_data(name):
    table, target, positive = bundled(name)
    rows, columns, k, wanted = SHAPES[name]
    assert (target, positive) == ("label", wanted)
    assert (table.num_rows, table.num_columns - 1) == (rows, columns)
    classes, codes, notes = read_target(table, target, positive)
    assert (classes.k, classes.positive, notes) == (k, positive, ())
    assert np.bincount(codes).size == k
    schema = infer_schema(table, target=target)
    assert {column.kind for column in schema.columns} <= {"numeric", "constant"}
    assert not np.isnan(features(schema, table).numeric).any()


def test_spambase_is_what_its_licence_note_says():
    table = bundled("spambase").table
    assert table["label"].to_pylist().count("spam") == 1812
    assert table.column_names[0] == "word_freq_make"
    assert table.column_names[48:57] == [
        *(f"char_freq_{c}" for c in ";([!$#"),
        *(f"capital_run_length_{name}" for name in ("average", "longest", "total")),
    ]
    spam = np.array(table["label"].to_pylist()) == "spam"
    george = table["word_freq_george"].to_numpy()
    assert george[~spam].mean() > 50 * george[spam].mean()  # the mails of George Forman of HP
    with pytest.raises(UnknownName, match="did you mean 'spambase'"):
        bundled("spambas")


def test_breast_cancer_labels_are_the_right_way_round():
    table = bundled("breast_cancer").table
    sick = np.array(table["label"].to_pylist()) == "malignant"
    assert sick.sum() == 212
    radius = table["mean radius"].to_numpy()
    assert radius[sick].mean() > radius[~sick].mean()
