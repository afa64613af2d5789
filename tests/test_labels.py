from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from cutline import Classes
from cutline.errors import LabelError, ShapeError
from cutline.labels import as_array, distinct, missing

HAM = Classes(["ham", "spam"], positive="spam")


@pytest.mark.parametrize(
    ("names", "positive", "argument", "says"),
    [
        (["a"], None, "classes", "at least two classes"),
        ([], None, "classes", "0 name(s)"),
        (["a", "b", "a"], None, "classes", "the name 'a' twice"),
        ([1, True], None, "classes", "twice"),
        ([1, 1.0], None, "classes", "twice"),
        (["a", "b"], "c", "positive", "one of ['a', 'b']"),
        (["a", "Spam"], "spam ", "positive", "did you mean 'Spam'"),
        (["a", "b", "c"], "a", "positive", "one_vs_rest"),
        (["a", None], None, "class", "NoneType"),
        (["a", float("nan")], None, "class", "nan"),
    ],
)
def test_classes_are_refused_by_name(names, positive, argument, says):
    with pytest.raises(LabelError) as caught:
        Classes(names, positive)
    assert caught.value.argument == argument
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("y", "names"),
    [
        ([1, 0, 1], (0, 1)),
        ([1.0, 0.0], (0, 1)),
        ([2, 10, 9], (2, 9, 10)),
        ([True, False], (False, True)),
        (["b", "a", None], ("a", "b")),
        ([0.5, float("nan"), 1.5], (0.5, 1.5)),
        (np.array([b"x", b"y"]), ("x", "y")),
        ([[1], [2]], (1, 2)),
        (np.eye(3), (0, 1, 2)),
        (["2", "10"], ("10", "2")),
    ],
)
def test_distinct_labels_are_plain_and_sorted(y, names):
    found = distinct(y)
    assert tuple(found) == names
    assert [type(n) for n in found] == [type(n) for n in names]


@pytest.mark.parametrize(
    ("y", "positive", "plain"),
    [([0, 1], 1, True), ([-1, 1], 1, True), ([True, False], True, True), ([1, 2], 2, False), (["a", "b"], "b", False)],
)
def test_the_positive_class_of_two(y, positive, plain):
    classes = Classes.from_truth(y)
    assert classes.positive == positive
    assert classes.positive_is_plain is plain
    assert classes.negative == next(n for n in classes.names if n != positive)


def test_a_class_that_has_no_row_can_be_named():
    assert Classes.from_truth(["ham", "ham"], positive="spam").names == ("ham", "spam")
    with pytest.raises(LabelError, match="name all of them with classes="):
        Classes.from_truth([1, 1])


@pytest.mark.parametrize(
    "y",
    [
        ["spam", "ham", None],
        np.array(["spam", "ham", None], dtype=object),
        np.array([np.str_("spam"), "ham", None], dtype=object),
        np.ma.MaskedArray(["spam", "ham", "ham"], mask=[0, 0, 1]),
        pd.Series(["spam", "ham", None]),
        pd.Series(["spam", "ham", pd.NA], dtype="string"),
        pd.Series(["spam", "ham", None], dtype="category"),
        pd.DataFrame({"y": ["spam", "ham", None]}),
        pl.Series(["spam", "ham", None]),
        pl.Series(["spam", "ham", None], dtype=pl.Categorical),
        pa.array(["spam", "ham", None]),
        pa.array(["spam", "ham", None]).dictionary_encode(),
        pa.chunked_array([["spam"], ["ham", None]]),
    ],
    ids=lambda y: f"{type(y).__module__.partition('.')[0]}.{type(y).__name__}",
)
def test_every_container_of_strings_encodes_the_same(y):
    assert HAM.encode(y).tolist() == [1, 0, -1]


@pytest.mark.parametrize(
    "y",
    [
        [1, 0, None],
        [1.0, 0.0, np.nan],
        [True, False, None],
        pd.array([1, 0, None], dtype="Int64"),
        pd.array([True, False, None], dtype="boolean"),
        pl.Series([1, 0, None]),
        pl.Series([True, False, None]),
        pa.array([1, 0, None]),
        pa.array([True, False, None]),
    ],
    ids=lambda y: f"{type(y).__module__.partition('.')[0]}.{getattr(y, 'dtype', type(y).__name__)}",
)
def test_every_container_of_numbers_encodes_the_same(y):
    for names in ((0, 1), (False, True), (0.0, 1.0)):
        assert Classes(names, names[1]).encode(y).tolist() == [1, 0, -1]


def test_large_integers_are_not_rounded_together():
    big = [2**53, 2**53 + 1]
    assert Classes(big).encode(pd.array([*big, None], dtype="Int64")).tolist() == [0, 1, -1]
    assert distinct(pd.array([*big, None], dtype="Int64")) == big


@pytest.mark.parametrize(
    ("y", "says"),
    [
        (["spam", "eggs", "eggs"], "2 row(s) with unknown label(s) ['eggs']"),
        ([1, 0], "compared by value and type"),
        (["spam", 1], "mixed types: int, str"),
        ([[0, 1], [1, 1]], "1 row(s) that are not one-hot, the first at row 1"),
        ([[0, 1], [0, 0.5]], "not one-hot"),
        ([[0, np.nan]], "not one-hot"),
        ([["spam", "ham"]], "one-hot"),
    ],
)
def test_labels_that_cannot_be_read(y, says):
    with pytest.raises(LabelError) as caught:
        HAM.encode(y, argument="truth column")
    assert says in str(caught.value)
    assert caught.value.argument in ("truth column", "y_true")


@pytest.mark.parametrize("y", [np.zeros((2, 3)), np.zeros((2, 2, 2)), "spam", [[1, 0], [1]]])
def test_truth_of_another_shape(y):
    with pytest.raises(ShapeError):
        HAM.encode(y)


@pytest.mark.parametrize(
    "classes", [HAM, Classes([3, 1, 2]), Classes([False, True], True), Classes([0, 0.5]), Classes(["x", 1, 2.5])]
)
def test_round_trips(classes):
    codes = np.array([0, 1, classes.k - 1, 0])
    labels = classes.decode(codes)
    assert labels.tolist() == [classes.names[c] for c in codes]
    if len({type(n) for n in classes.names}) == 1:  # truth of mixed types is refused on purpose
        assert classes.encode(labels).tolist() == codes.tolist()
        assert classes.encode(classes.to_one_hot(labels)).tolist() == codes.tolist()
        assert classes.to_one_hot(labels).sum(axis=1).tolist() == [1] * 4
    assert classes.decode(np.array([-1, 0])).tolist() == [None, classes.names[0]]
    assert Classes.from_dict(classes.to_dict()) == classes
    assert classes.index(classes.names[1]) == 1


def test_order_and_equality():
    ordered = Classes(["low", "mid", "high"], ordered=True)
    assert ordered.names == ("low", "mid", "high")
    assert "ordered" in repr(ordered)
    assert ordered != Classes(["low", "mid", "high"])
    assert not ordered.binary
    for attribute in ("names", "positive"):
        with pytest.raises(AttributeError):
            setattr(ordered, attribute, None)
    with pytest.raises(LabelError):
        _ = ordered.negative
    with pytest.raises(LabelError, match="missing"):
        HAM.to_one_hot(["spam", None])


def test_missing_and_as_array():
    odd = np.array([None, "a", float("nan"), pd.NA, pd.NaT, 0], dtype=object)
    assert missing(odd).tolist() == [True, False, True, True, True, False]
    assert not missing(np.array([0, 1])).any()
    assert as_array([1, "a"]).tolist() == [1, "a"]  # never "1"

    class Tensor:  # what torch does while it tracks gradients
        def __array__(self, *_, **__):
            raise RuntimeError("call detach first")

        def detach(self):
            return self

        def cpu(self):
            return np.array([1, 0])

    assert as_array(Tensor()).tolist() == [1, 0]
