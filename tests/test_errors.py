from __future__ import annotations

import pickle

import pytest

import cutline as cl
from cutline import errors

KINDS = [v for v in vars(errors).values() if isinstance(v, type) and issubclass(v, errors.CutlineError)]


def test_the_tree_is_the_one_drawn_at_the_top():
    drawn = {
        line.split("──")[1].split()[0]: line.index("──") // 4 for line in errors.__doc__.splitlines() if "──" in line
    }
    depth = {kind.__name__: len([b for b in kind.__mro__ if issubclass(b, errors.CutlineError)]) - 1 for kind in KINDS}
    warned = {"GuessWarning": 1, "UndefinedWarning": 1}
    assert {name: level for name, level in drawn.items() if name not in warned} == {
        name: level for name, level in depth.items() if level
    }
    assert warned.keys() <= drawn.keys()


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_says_four_things_and_survives_a_process_border(kind):
    error = kind("y_score", "3 rows", "4 rows", "pass all of them")
    assert isinstance(error, ValueError)
    assert str(error) == "y_score: came 3 rows; wanted 4 rows. Hint: pass all of them."
    assert str(kind("a", "b", "c")) == "a: came b; wanted c."
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert (again.argument, again.came, again.wanted, again.hint) == ("y_score", "3 rows", "4 rows", "pass all of them")
    assert str(again) == str(error)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.CutlineError, 1),
        (errors.ScoreError, 2),
        (errors.UnknownName, 2),
        (errors.RoleError, 2),
        (errors.Infeasible, 3),
        (errors.NotCertifiable, 3),
    ],
)
def test_exit_codes(kind, code):
    assert kind.exit_code == code


def test_pickling_keeps_what_an_error_carries():
    error = errors.NotCertifiable("confidence", "a", "b")
    error.n_needed, error.nearest = 120, "somewhere"
    again = pickle.loads(pickle.dumps(error))
    assert (again.n_needed, again.nearest) == (120, "somewhere")
    assert errors.Infeasible("x", "y", "z").nearest is None


def test_an_unknown_name_carries_its_neighbours():
    error = errors.UnknownName.among("metric", "recal", ["recall", "precision"])
    assert error.suggestions == ("recall",)
    assert str(error) == "metric: came 'recal'; wanted one of: precision, recall. Hint: did you mean 'recall'."
    far = errors.UnknownName.among("metric", "zzz", [f"name{i:02}" for i in range(30)])
    assert far.suggestions == ()
    assert far.hint == ""
    assert far.wanted.endswith("name11, ...")


def test_a_trap_carries_its_code():
    error = errors.ScoreError("model", "a softmax over one output", "a sigmoid", "Dense(1)", code="CT05")
    assert (error.code, pickle.loads(pickle.dumps(error)).code) == ("CT05", "CT05")
    assert str(error) == "model: came a softmax over one output; wanted a sigmoid. Hint: Dense(1). [CT05]"
    assert errors.ShapeError("a", "b", "c").code == ""
    warning = pickle.loads(pickle.dumps(errors.GuessWarning("compared for equality", "CT01")))
    assert (warning.code, str(warning)) == ("CT01", "compared for equality [CT01]")
    assert str(errors.UndefinedWarning("precision is 0/0")) == "precision is 0/0"


def test_errors_of_our_tree_that_are_traps_say_which():
    y, p = [0, 1] * 20, [0.2, 0.7] * 20
    tune = cl.Scores(y_true=y, y_score=p, kind="probability", ids=range(40))
    point = cl.maximize(cl.f1).choose(tune)
    labels = cl.Scores(y_true=y, y_score=y, kind="label")
    three = cl.Classes(["a", "b", "c"])
    wrong = {
        "CT01": lambda: cl.f1(tune),
        "CT02": lambda: cl.Scores(y_true=y, y_score=[-3.0, 3.0] * 20, kind="probability"),
        "CT03": lambda: cl.roc_auc(labels),
        "CT04": lambda: cl.Scores(y_true=["no", "yes"] * 20, y_score={"p_no": p}, positive="yes"),
        "CT05": lambda: three.encode([[1, 1, 0], [0, 1, 0]]),
        "CT07": lambda: point.assess(tune),
        "CT11": lambda: cl.Scores(y_true=["a", "b", "c"], y_score=[[0.5] * 3] * 3, classes=three, kind="probability"),
        "CT12": lambda: three.encode(["a", "d"]),
        "CT13": lambda: cl.Scores(y_true=[1] * 40, y_score=p),
    }
    for code, call in wrong.items():
        with pytest.raises(errors.CutlineError) as caught:
            call()
        assert caught.value.code == code
        assert str(caught.value).endswith(f"[{code}]")
