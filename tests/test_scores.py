from __future__ import annotations

import copy
import pickle
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from cutline import Classes, Scores
from cutline.errors import CutlineError, GuessWarning, InputError, LabelError, ScoreError, ShapeError, UnknownName
from cutline.scores import SKETCH, Fingerprint, sigmoid, softmax

P = [0.2, 0.9, 0.6]
Y = ["ham", "spam", "spam"]


def made(**changes):
    return Scores(**{"y_true": Y, "y_score": P, "positive": "spam", "kind": "probability", **changes})


ERRORS = [
    ({"kind": "probabilty"}, UnknownName, "kind", "did you mean 'probability'"),
    ({"role": "training"}, UnknownName, "role", "train"),
    ({"y_true": ["ham", "spam"]}, ShapeError, "y_true", "2 rows; wanted 3, as many as y_score"),
    ({"weight": [1, 2]}, ShapeError, "weight", "2 rows; wanted 3"),
    ({"groups": [1, 2]}, ShapeError, "groups", "wanted 3"),
    ({"ids": [1, 2]}, ShapeError, "ids", "wanted 3"),
    ({"ids": 7}, ShapeError, "ids", "shape"),
    ({"slices": {"sex": ["f"]}}, ShapeError, "slices['sex']", "wanted 3"),
    ({"weight": [[1], [1], [1]]}, ShapeError, "weight", "shape (3,)"),
    ({"weight": [1, -1, 1]}, InputError, "weight", "1 negative, nan or infinite weight(s), the first at row 1"),
    ({"weight": [1, 1, np.nan]}, InputError, "weight", "the first at row 2"),
    ({"weight": [1, np.inf, 1]}, InputError, "weight", "the first at row 1"),
    ({"weight": [0, 0, 0]}, InputError, "weight", "all zero"),
    ({"weight": ["a", "b", "c"]}, InputError, "weight", "wanted numbers"),
    ({"y_score": [0.2, 1.5, 2]}, ScoreError, "y_score", "2 value(s) outside [0, 1], the first at row 1: 1.5"),
    ({"y_score": [0.2, 1.5, 2]}, ScoreError, "y_score", "kind='logit'"),
    ({"y_score": [0.2, np.nan, np.inf]}, ScoreError, "y_score", "2 row(s) with nan or infinite scores, the first at"),
    ({"y_score": [0.2, None, 0.1]}, ScoreError, "y_score", "1 row(s)"),
    ({"y_score": pa.array([0.2, None, 0.1])}, ScoreError, "y_score", "1 row(s)"),
    ({"y_score": np.ma.MaskedArray(P, mask=[0, 1, 0])}, ScoreError, "y_score", "1 masked value(s)"),
    ({"y_score": []}, CutlineError, "y_score", "no rows"),
    ({"y_score": np.zeros((3, 2, 2))}, ShapeError, "y_score", "shape (3, 2, 2)"),
    ({"y_score": np.full((3, 3), 1 / 3)}, ShapeError, "y_score", "3 columns for 2 classes"),
    ({"y_score": np.full((3, 2), 0.7)}, ScoreError, "y_score", "3 row(s) that do not sum to 1"),
    ({"y_score": {"ham": P, "eggs": P}}, ScoreError, "y_score", "one column for class 'spam'"),
    (
        {"y_score": {"ham": P, "spam": P, "p_spam": P}, "classes": ["ham", "spam"]},
        ScoreError,
        "y_score",
        "class 'spam'",
    ),
    ({"y_score": None}, CutlineError, "y_score", "None"),
    ({"y_score": [[0.1], [0.2, 0.3], [0.4]]}, CutlineError, "y_score", ""),
    ({"y_score": {"ham": [0.1], "spam": P}}, CutlineError, "y_score", ""),
    ({"y_score": np.array(["2020-01-01"] * 3, dtype="M8[D]"), "kind": None}, ScoreError, "y_score", "numbers"),
    ({"y_score": np.array([1 + 1j] * 3), "kind": "rank"}, ScoreError, "y_score", "numbers"),
    ({"y_score": ["0.1", "0.9", "high"]}, CutlineError, "y_score", ""),
    ({"y_score": ["0.1", "0.9", "high"], "kind": None}, CutlineError, "y_score", ""),
    ({"y_score": ["ham", "spam", None], "kind": "label"}, ScoreError, "y_score", "1 missing label(s)"),
    ({"y_true": [1, 0, 1], "positive": 1, "y_score": ["1", "0", "1"], "kind": "label"}, LabelError, "y_score", ""),
    ({"y_true": [[1, 0], [1, 1], [0, 1]], "positive": 1}, LabelError, "y_true", "not one-hot"),
    ({"y_true": [["a", "b"]] * 3, "positive": None}, LabelError, "y_true", "one-hot"),
    ({"y_true": ["ham"] * 3, "positive": None}, LabelError, "y_true", "classes="),
    ({"y_true": ["ham", "eggs", "spam"], "positive": None}, ShapeError, "y_score", "shape (3,) for 3 classes"),
    ({"y_true": ["ham", "eggs", "spam"], "classes": ["ham", "spam"]}, LabelError, "y_true", "['eggs']"),
    ({"y_true": None, "positive": None}, LabelError, "classes", "pass classes="),
    ({"classes": ["ham", "spam"], "positive": "Spam"}, LabelError, "positive", "did you mean 'spam'"),
]


@pytest.mark.parametrize(("changes", "kind", "argument", "says"), ERRORS)
def test_what_cannot_be_used_is_refused_by_name(changes, kind, argument, says):
    with pytest.raises(kind) as caught:
        made(**changes)
    assert caught.value.argument == argument
    assert says in str(caught.value)
    assert caught.value.exit_code == 2


CONTAINERS = {
    "list": list,
    "tuple": tuple,
    "numpy": np.array,
    "object": lambda v: np.array(v, dtype=object),
    "pandas": pd.Series,
    "nullable": lambda v: pd.array(v, dtype="Float64" if isinstance(v[0], float) else "string"),
    "polars": pl.Series,
    "arrow": pa.array,
    "chunked": lambda v: pa.chunked_array([v[:1], v[1:]]),
    "column": lambda v: np.array(v)[:, None],
    "frame": lambda v: pd.DataFrame({"column": v}),
}


@pytest.mark.parametrize("container", CONTAINERS)
def test_every_container_gives_the_same_scores(container):
    read = CONTAINERS[container]
    s = made(y_true=read(Y), y_score=read(P), weight=CONTAINERS["numpy"]([1.0, 2.0, 3.0]))
    assert s.score.tolist() == P
    assert s.truth.tolist() == [0, 1, 1]
    assert s.score.dtype == np.float64
    assert (s.n, s.n_pos, s.kind, s.n_missing) == (3, 2, "probability", 0)


@pytest.mark.parametrize(
    "y",
    [[0, 1, 1], [False, True, True], [-1, 1, 1], [0.0, 1.0, 1.0], np.array([[1, 0], [0, 1], [0, 1]]), [[0], [1], [1]]],
)
def test_plain_truth_needs_no_positive_and_no_guess(y):
    s = Scores(y_true=y, y_score=P, kind="probability")
    assert s.is_positive.tolist() == [False, True, True]
    assert s.classes.positive == 1
    assert s.notes == ()


@pytest.mark.parametrize("y", [Y, [1, 2, 2], ["0", "1", "1"]])
def test_a_guessed_positive_class_warns_and_is_noted(y):
    with pytest.warns(GuessWarning, match="declare positive=") as caught:
        s = Scores(y_true=y, y_score=P, kind="probability")
    assert caught[0].filename == __file__
    assert s.classes.positive == y[-1]
    assert "guessed" in s.notes[0]


KINDS = [
    (P, "probability", "kind guessed: probability"),
    ([0, 0.5, 1.0], "probability", "kind guessed: probability"),
    ([-3, 0.5, 2.0], "rank", "2 value(s) lie outside [0, 1]"),
    ([5, 7, 9], "rank", "declare kind='logit'"),
    ([[0.5, 0.9]] * 3, "rank", "3 row(s) do not sum to 1"),
    ([[0.4, 0.6]] * 3, "probability", "kind guessed: probability"),
    ([0, 1, 1], "label", "predicted labels"),
    ([False, True, True], "label", "predicted labels"),
]


@pytest.mark.parametrize(("y_score", "kind", "note"), KINDS)
def test_a_guessed_kind_is_noted(y_score, kind, note):
    s = Scores(y_true=[0, 1, 1], y_score=y_score)
    assert s.kind == kind
    assert any(note in line for line in s.notes)
    assert note in repr(s)


def test_numbers_of_type_object_are_numbers():
    assert Scores(y_true=[0, 1, 1], y_score=np.array(P, dtype=object)).score.tolist() == P


def test_columns_are_matched_by_name():
    p = {"p_spam": [0.2, 0.9, 0.6], "p_ham": [0.8, 0.1, 0.4]}
    for frame in (p, pd.DataFrame(p), pl.DataFrame(p), pa.table(p)):
        assert made(y_score=frame).score.tolist() == p["p_spam"]
        assert made(y_score=frame, positive="ham").score.tolist() == p["p_ham"]
    three = {"c": [0.1, 0.2], "a": [0.2, 0.5], "b": [0.7, 0.3]}
    s = Scores(y_true=["a", "b"], y_score=three, classes=["a", "b", "c"], kind="probability")
    assert s.score.tolist() == [[0.2, 0.7, 0.1], [0.5, 0.3, 0.2]]
    assert Scores(y_score=three, kind="probability").classes.names == ("c", "a", "b")
    assert Scores(y_score=p, positive="ham", kind="probability").classes == Classes(["spam", "ham"], "ham")


@pytest.mark.parametrize("columns", [[0, 1, 2], [2, 0, 1]])
def test_columns_with_numbers_for_names(columns):
    p = np.array([[0.2, 0.3, 0.5], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4]])
    s = Scores(y_true=[0, 1, 2], y_score=pd.DataFrame(p, columns=columns), kind="probability")
    assert s.score.tolist() == p[:, np.argsort(columns)].tolist()


def test_a_column_named_after_the_negative_class_is_not_the_positive_score():
    for name in ("ham", "p_ham"):
        with pytest.raises(ScoreError, match="spam"):
            made(y_score={name: P})
    for name in ("spam", "p_spam", "score"):
        assert made(y_score={name: P}).score.tolist() == P


def test_a_column_of_no_class_is_not_dropped_in_silence():
    p = {"ham": [0.8, 0.1, 0.4], "spam": P, "eggs": [0, 0, 0]}
    try:
        said = " ".join(made(y_score=p, classes=["ham", "spam"]).notes)
    except CutlineError as error:
        said = str(error)
    assert "eggs" in said


def test_one_hot_columns_with_names_keep_them():
    y = pd.DataFrame({"ham": [1, 0, 0], "spam": [0, 1, 1]})
    try:
        s = made(y_true=y, classes=["spam", "ham"])
    except CutlineError:
        return
    assert s.is_positive.tolist() == [False, True, True]


def test_a_declared_positive_class_completes_declared_classes():
    s = made(classes=Classes(["ham", "spam"]))
    assert s.classes == Classes(["ham", "spam"], "spam")
    turned = made(classes=Classes(["ham", "spam"], "spam"), positive="ham")
    assert turned.classes.positive == "ham"


def test_unnamed_columns_follow_the_classes():
    p = np.array([[0.8, 0.2], [0.1, 0.9], [0.4, 0.6]])
    s = Scores(y_true=[0, 1, 1], y_score=p, kind="probability")
    assert s.score.tolist() == P
    assert any("columns of y_score taken in the order [0, 1]" in note for note in s.notes)
    last = Scores(y_true=Y, y_score=p, classes=["ham", "spam"], kind="probability")
    assert last.classes.positive == "spam"
    assert any("the last of classes" in note for note in last.notes)


def test_logits():
    z = np.array([-800.0, 0.0, 800.0])
    s = Scores(y_true=[0, 1, 1], y_score=z, kind="logit")
    assert s.probability.tolist() == [0.0, 0.5, 1.0]
    two = np.column_stack([-z / 2, z / 2])
    assert Scores(y_true=[0, 1, 1], y_score=two, kind="logit").score.tolist() == z.tolist()
    many = Scores(y_true=[0, 1, 2], y_score=np.eye(3) * 2000, kind="logit")
    assert many.probability.tolist() == np.eye(3).tolist()
    view = many.one_vs_rest(1)
    assert (view.kind, view.score.tolist()) == ("probability", [0.0, 1.0, 0.0])
    np.testing.assert_allclose(sigmoid(np.array([-2.0, 2.0])).sum(), 1.0, rtol=1e-15)
    np.testing.assert_allclose(softmax(np.array([[1e4, 0.0], [-1e4, -1e4]])), [[1, 0], [0.5, 0.5]])


@pytest.mark.parametrize("kind", ["rank", "label"])
def test_what_is_no_probability_says_so(kind):
    s = Scores(y_true=[0, 1, 1], y_score=[0, 1, 1], kind=kind)
    with pytest.raises(ScoreError, match=f"kind '{kind}'"):
        _ = s.probability


def test_missing_truth_is_kept_counted_and_left_out():
    s = made(y_true=["ham", None, "spam"], weight=[1, 2, 3], ids=[7, 8, 9], slices={"sex": ["f", "m", "m"]})
    assert (s.n, s.n_missing, s.n_pos) == (3, 1, 1)
    known = s.known()
    assert known.ids.tolist() == [7, 9]
    assert known.slices["sex"].tolist() == ["f", "m"]
    assert known.weight.tolist() == [1, 3]
    assert "1 without label" in repr(s)
    assert made(weight=[1, 0, 2]).known().score.tolist() == [0.2, 0.6]
    assert made().known().n == 3
    with pytest.raises(LabelError, match="no row with a label"):
        made(y_true=["ham", None, None], positive="spam", weight=[0, 1, 1]).known()


def test_no_truth():
    s = Scores(y_score=P, classes=["ham", "spam"], kind="probability")
    assert s.n_missing == 3
    assert "no truth" in repr(s)
    for needs in (s.known, lambda: s.n_pos, lambda: s.is_positive):
        with pytest.raises(LabelError, match="no truth") as caught:
            needs()
        assert caught.value.argument == "y_true"


def test_float32_scores_meet_float64_thresholds():
    from cutline.metrics import ThresholdTable, decided

    s = Scores(y_true=[0, 1, 1], y_score=np.array([0.1, 0.3, 0.7], dtype=np.float32), kind="probability")
    assert s.score.dtype == np.float32
    # float32(0.3) is 0.30000001192...: at or above 0.3, below its own next neighbour, and not at 0.30000002.
    exact = float(np.float32(0.3))
    for at, flagged in ((0.3, 2), (exact, 2), (np.float32(0.3), 2), (np.nextafter(exact, 1), 1), (0.7, 0)):
        assert decided(s, at).sum() == flagged
        assert ThresholdTable.from_scores(s).counts(at).flagged == flagged


@pytest.mark.parametrize("dtype", [">f8", ">f4", np.float16, np.longdouble, np.int64, np.uint8])
def test_other_number_types(dtype):
    s = Scores(y_true=[0, 1, 1], y_score=np.array([2, 0, 5], dtype=dtype), kind="rank")
    assert s.score.tolist() == [2, 0, 5]
    assert s.score.dtype == np.float64


def test_everything_inside_is_read_only_and_the_users_arrays_are_not():
    p, y, w = np.array(P), np.array([0, 1, 1]), np.ones(3)
    g, i, sex = np.arange(3), np.arange(3), np.array(["f", "m", "f"])
    s = Scores(y_true=y, y_score=p, kind="probability", weight=w, groups=g, ids=i, slices={"sex": sex})
    for t in (s, s.take([0, 1]), s.with_score(p, "rank"), s.with_weight(w), s.one_vs_rest(1), s.known()):
        for values in (t.truth, t.score, t.weight, t.groups, t.ids, t.slices["sex"]):
            assert not values.flags.writeable
    for values in (p, y, w, g, i, sex):
        assert values.flags.writeable
    with pytest.raises(AttributeError):
        s.kind = "rank"


def test_writing_to_the_users_array_later_does_not_change_what_was_checked():
    p, w = np.array(P), np.ones(3)
    s = made(y_score=p, weight=w)
    p[0], w[0] = np.nan, -1
    assert s.score.tolist() == P
    assert s.weight.tolist() == [1, 1, 1]


def test_copies_are_equal():
    s = made(weight=[1, 2, 3], ids=["a", "b", "c"], slices={"sex": ["f", "m", "m"]})
    for other in (pickle.loads(pickle.dumps(s)), copy.deepcopy(s), s.take(np.arange(3)), s.take([True] * 3)):
        assert other.fingerprint == s.fingerprint
        assert other.to_dict() == s.to_dict()
        assert repr(other) == repr(s)


def test_views_keep_what_belongs_to_them():
    s = Scores(
        y_true=["a", "b", None, "c"],
        y_score=[[0.5, 0.3, 0.2], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6], [0.3, 0.3, 0.4]],
        weight=[1, 2, 3, 4],
        kind="probability",
        role="test",
    )
    view = s.one_vs_rest("c")
    assert view.classes == Classes(["not c", "c"], "c")
    assert view.truth.tolist() == [0, 0, -1, 1]
    assert view.score.tolist() == [0.2, 0.1, 0.6, 0.4]
    assert (view.role, view.weight.tolist()) == ("test", [1, 2, 3, 4])
    with pytest.raises(LabelError):
        s.one_vs_rest("d")
    assert s.with_role("tune").role == "tune"
    assert s.take([3, 0], role="certify").truth.tolist() == [2, 0]
    labels = Scores(y_true=[1, 2, 3], y_score=[1, 3, 3], kind="label").one_vs_rest(3)
    assert labels.score.tolist() == [0, 1, 1]
    two = made().one_vs_rest("ham")
    np.testing.assert_allclose(two.score, 1 - np.array(P), rtol=1e-15)
    assert two.is_positive.tolist() == [True, False, False]
    assert made(kind="logit").one_vs_rest("ham").score.tolist() == [-p for p in P]
    with pytest.raises(ShapeError):
        s.with_weight(np.ones(3))
    with pytest.raises(ShapeError):
        made().with_score(np.ones(4), "rank")


# --- fingerprints ---------------------------------------------------------------------------------------------------


def rows(n, ids=None, seed=0):
    rng = np.random.default_rng(seed)
    return Scores(
        y_true=rng.integers(0, 2, n), y_score=rng.uniform(size=n), ids=ids, classes=[0, 1], kind="probability"
    )


def test_a_fingerprint_knows_rows_not_their_order():
    s = rows(50)
    assert s.fingerprint == s.take(np.random.default_rng(1).permutation(50)).fingerprint
    assert s.fingerprint != s.take(np.arange(49)).fingerprint
    assert s.fingerprint != rows(50, seed=1).fingerprint
    doubled = s.take(np.repeat(np.arange(50), 2))
    assert doubled.fingerprint.digest != s.fingerprint.digest
    assert Fingerprint.from_dict(s.fingerprint.to_dict()) == s.fingerprint
    flipped = s._with(truth=1 - s.truth)
    assert flipped.fingerprint.digest != s.fingerprint.digest


def test_without_ids_overlap_is_all_or_unknown():
    s = rows(50)
    assert s.fingerprint.overlap(s.take(np.arange(50)[::-1]).fingerprint) == 1.0
    assert s.fingerprint.overlap(s.take(np.arange(25)).fingerprint) is None
    assert s.fingerprint.overlap(rows(50, ids=np.arange(50)).fingerprint) is None


@pytest.mark.parametrize("spell", [lambda i: i, lambda i: i.astype(str), lambda i: [f"row {k}" for k in i]])
@pytest.mark.parametrize(
    ("n", "m", "shared"), [(300, 400, 120), (40_000, 20_000, 5_000), (20_000, 500, 250), (900, 900, 0)]
)
def test_ids_estimate_the_overlap(n, m, shared, spell):
    mine = rows(n, ids=spell(np.arange(n)))
    other = rows(m, ids=spell(np.arange(n - shared, n - shared + m)), seed=1)
    for a, b, size in ((mine, other, m), (other, mine, n)):
        compared = size * min(1, SKETCH / max(n, m))  # rows of b below both cut-offs
        error = 0 if max(n, m) <= SKETCH else 0.5 / compared**0.5
        assert a.fingerprint.overlap(b.fingerprint) == pytest.approx(shared / size, abs=1e-12 + 4 * error)


def test_a_sketch_that_cannot_tell_says_so():
    many = rows(200_000, ids=np.arange(200_000))
    few = many.take(np.arange(20))  # of these 20 rows 0.1 is expected below the cut-off of the other sketch
    assert many.fingerprint.overlap(few.fingerprint) in (None, 1.0)


def test_repeated_ids_do_not_spoil_the_estimate():
    ids = np.arange(10_000) // 2
    twice = rows(10_000, ids=ids)
    once = twice.take(np.arange(0, 10_000, 2))
    assert twice.fingerprint.overlap(once.fingerprint) == pytest.approx(1.0, abs=0.06)


def test_ids_that_one_file_spelled_as_floats_are_the_same_rows():
    assert rows(5, ids=np.arange(5)).fingerprint.overlap(rows(5, ids=np.arange(5.0)).fingerprint) == 1.0


def test_hashes_do_not_depend_on_the_process():
    assert (
        rows(3, ids=["a", "bc", "ä"]).fingerprint.digest
        == rows(3, ids=np.array(["a", "bc", "ä"], "U9")).fingerprint.digest
    )
    wide = np.array(["a", "bc", "ä"], dtype=object)
    assert rows(3, ids=wide).fingerprint.digest == rows(3, ids=pl.Series(["a", "bc", "ä"])).fingerprint.digest


def test_no_warning_for_ordinary_input():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made().fingerprint.overlap(made(ids=[1, 2, 3]).fingerprint)
        made(y_score=pl.Series(P, dtype=pl.Float32))
