"""Every trap is found, by its code, and mended; clean scores are left alone."""

from __future__ import annotations

import json
import os
import pickle
from collections import Counter
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest

import cutline as cl
from cutline.checks import CHECKS, Finding, Findings
from cutline.cli import main
from cutline.errors import InputError, LabelError, ShapeError, UnknownName
from tests.clean_sets import clean

N = 2_000
RNG = np.random.default_rng(7)
Z = RNG.normal(-2, 1.6, N)
P = 1 / (1 + np.exp(-Z))
Y = RNG.uniform(size=N) < P
PI = Y.mean()
RAW = RNG.normal(size=(N, 3)) * 2
P3 = np.exp(RAW) / np.exp(RAW).sum(axis=1, keepdims=True)
Y3 = (P3.cumsum(axis=1) < RNG.uniform(size=(N, 1))).sum(axis=1)
FOLD = np.arange(N) % 5


def two(score, kind="probability", y=Y, **more):
    return cl.Scores(y_true=y, y_score=score, kind=kind, **more)


def three(score, kind="probability", y=Y3, **more):
    return cl.Scores(y_true=y, y_score=score, kind=kind, classes=more.pop("classes", range(3)), **more)


def undeclared(score, y=Y, **more):
    return cl.Scores(y_true=y, y_score=score, **more)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def softmax(z):
    return np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)


def weighted(p, ratio):
    return p * ratio / (p * ratio + 1 - p)


def isotonic(score, y):
    from sklearn.isotonic import IsotonicRegression

    half = np.arange(len(y)) < len(y) // 4
    return IsotonicRegression(out_of_bounds="clip").fit(score[half], y[half]).predict(score)


def best_f1(p, y):
    table = cl.ThresholdTable.from_scores(two(p, y=y))
    return float(table.thresholds[np.nanargmax(cl.f1.value(table))])


def few(n_pos):
    rows = np.r_[np.flatnonzero(Y)[:n_pos], np.flatnonzero(~Y)[:600]]
    return two(P[rows], y=Y[rows])


GOOD, GOOD3 = two(P), three(P3)
RARE = sigmoid(Z - 4)
Y_RARE = RNG.uniform(size=N) < RARE
TWICE = np.r_[np.arange(N), RNG.choice(N, 300, replace=False)]
SHIFTED = Z + np.array([-3, -1.5, 0, 1.5, 3])[FOLD]
BALANCED = np.r_[np.flatnonzero(Y), RNG.choice(np.flatnonzero(~Y), int(Y.sum()), replace=False)]

WRONG = {
    "accuracy by equality": ("CT01", GOOD, {"estimates": {"accuracy": float((P == Y).mean())}}),
    "a sigmoid twice": ("CT02", two(sigmoid(P)), {}),
    "a sigmoid twice, float32": ("CT02", two(sigmoid(P.astype(np.float32))), {}),
    "a softmax twice": ("CT02", three(softmax(P3)), {}),
    "probabilities as logits": ("CT02", two(P, "logit"), {}),
    "probabilities of three as logits": ("CT02", three(P3, "logit"), {}),
    "log-probabilities as logits": ("CT02", two(np.log(P), "logit"), {}),
    "logits within 0 and 1": (
        "CT02",
        two(P**0.25, y=RNG.uniform(size=N) < sigmoid(P**0.25)),
        {},
    ),
    "undeclared logits": ("CT02", undeclared(Z), {}),
    "undeclared percentages": ("CT02", undeclared(100 * P), {}),
    "labels for scores": ("CT03", two((P >= 0.5).astype(float)), {}),
    "labels for scores, undeclared": ("CT03", undeclared((P >= 0.5).astype(float)), {}),
    "labels -1 and 1": ("CT03", two(np.where(P >= 0.5, 1.0, -1.0), "rank"), {}),
    "one-hot labels for probabilities": ("CT03", three(np.eye(3)[P3.argmax(axis=1)]), {}),
    "an area of labels": (
        "CT03",
        GOOD,
        {"estimates": {"roc_auc": round(cl.balanced_accuracy.value(GOOD, at=0.5), 4)}},
    ),
    "P of the other class": ("CT04", two(1 - P), {}),
    "logits of the other class": ("CT04", two(-Z, "logit"), {}),
    "ranks of the other class": ("CT04", two(-Z, "rank"), {}),
    "swapped columns": ("CT04", two(np.column_stack([P, 1 - P])), {}),
    "the guessed positive class": (
        "CT04",
        None,
        {},
    ),
    "rotated columns": ("CT04", three(P3[:, [1, 2, 0]]), {}),
    "rotated logits": ("CT04", three(RAW[:, [2, 0, 1]], "logit"), {}),
    "two columns exchanged": ("CT04", three(P3[:, [0, 2, 1]]), {}),
    "labels of the other class": ("CT04", two((P < 0.5).astype(int), "label", y=Y.astype(int)), {}),
    "labels in another order": ("CT04", three(np.array([1, 2, 0])[P3.argmax(axis=1)], "label"), {}),
    "decoded in another order": ("CT04", GOOD3, {"y_pred": np.array([2, 0, 1])[P3.argmax(axis=1)]}),
    "decisions of the other class": ("CT04", GOOD, {"y_pred": P < 0.3}),
    "the area of the other class": ("CT04", GOOD, {"estimates": {"roc_auc": 1 - cl.roc_auc.value(GOOD)}}),
    "precision and recall exchanged": (
        "CT04",
        GOOD,
        {
            "estimates": {
                "precision": cl.recall.value(GOOD, at=0.5),
                "recall": cl.precision.value(GOOD, at=0.5),
            }
        },
    ),
    "argmax of one column": ("CT05", two(np.zeros(N, dtype=int), "label", y=Y.astype(int)), {}),
    "argmax of one column, beside the scores": ("CT05", GOOD, {"y_pred": np.zeros(N, dtype=bool)}),
    "a softmax over one output": ("CT05", two(np.ones(N)), {}),
    "one row for all": ("CT05", three(np.tile([0.2, 0.3, 0.5], (N, 1))), {}),
    "labels from 1, predictions from 0": (
        "CT05",
        cl.Scores(y_true=Y3 + 1, y_score=P3.argmax(axis=1), kind="label"),
        {},
    ),
    "labels from 0, predictions from 1": (
        "CT05",
        cl.Scores(y_true=Y3, y_score=P3.argmax(axis=1) + 1, kind="label"),
        {},
    ),
    "one-hot rows laid end to end": ("CT05", two(P3.ravel(), y=np.eye(3, dtype=int)[Y3].ravel()), {}),
    "one row read as three": ("CT05", two([0.7, 0.2, 0.1], y=[1, 0, 0]), {}),
    "balanced class weights": ("CT06", two(weighted(P, (1 - PI) / PI)), {}),
    "balanced class weights, logits": ("CT06", two(Z + np.log((1 - PI) / PI), "logit"), {}),
    "scale_pos_weight": ("CT06", two(weighted(P, 3)), {"class_weight": 3}),
    "undersampled, not said": ("CT06", two(weighted(P, 3)), {}),
    "balanced weights of three": (
        "CT06",
        three((P3**2 * [9, 3, 1]) / (P3**2 * [9, 3, 1]).sum(axis=1, keepdims=True)),
        None,
    ),
    "weights of three, declared": (
        "CT06",
        three(P3 * [5, 1, 1] / (P3 * [5, 1, 1]).sum(axis=1, keepdims=True)),
        {"class_weight": {0: 5.0}},
    ),
    "a point on its own rows": ("CT07", GOOD, {"point": cl.maximize(cl.f1).choose(GOOD)}),
    "the best threshold of these rows": ("CT07", GOOD, {"threshold": best_f1(P, Y)}),
    "the best F1 reported": ("CT07", GOOD, {"estimates": {"f1": float(cl.best(cl.f1).value(GOOD))}}),
    "training rows, by ids": (
        "CT08",
        two(P, ids=np.arange(N)),
        {"train": two(P, ids=np.arange(N) + N // 2)},
    ),
    "training rows, without ids": ("CT08", two(P[:500], y=Y[:500]), {"train": GOOD}),
    "ten positives": ("CT09", few(10), {}),
    "models that cannot be told apart": (
        "CT09",
        GOOD,
        {"rival": two(sigmoid(Z + 0.05 * RNG.normal(size=N)))},
    ),
    "a comparison that cannot tell": (
        "CT09",
        GOOD,
        {"estimates": None},
    ),
    "another prevalence declared": ("CT10", two(P[BALANCED], y=Y[BALANCED]), {"prevalence": 0.02}),
    "rows that were balanced": ("CT10", two(P[BALANCED], y=Y[BALANCED]), {}),
    "sigmoids of each class": ("CT11", undeclared(sigmoid(RAW), y=Y3), {}),
    "two columns that do not sum to 1": ("CT11", undeclared(np.column_stack([P, P**2]), y=Y.astype(int)), {}),
    "a class training lacked": ("CT12", GOOD3, {"train": three(P3[Y3 < 2], y=Y3[Y3 < 2])}),
    "a class without probability": (
        "CT12",
        three(np.column_stack([P, 1 - P, np.zeros(N)])),
        {},
    ),
    "nothing flagged": ("CT13", two(RARE, y=Y_RARE), {"threshold": 0.99}),
    "a class that is never decided": ("CT13", GOOD3, {"y_pred": P3[:, :2].argmax(axis=1)}),
    "rows of one class": ("CT13", two(P[Y], y=Y[Y], classes=[False, True]), {}),
    "micro F1 and accuracy": ("CT14", GOOD3, {"estimates": {"micro_f1": 0.7, "accuracy": 0.7}}),
    "isotonic ties": ("CT15", two(isotonic(P, Y)), {"before": GOOD}),
    "a coarse grid": ("CT16", two(RARE, y=Y_RARE), {"thresholds": np.linspace(0, 1, 11)}),
    "a mean over folds": ("CT17", two(SHIFTED, "rank"), {"folds": FOLD}),
    "rows repeated": ("CT18", two(P[TWICE], y=Y[TWICE]), {}),
    "ids repeated": ("CT18", two(P[TWICE], y=Y[TWICE], ids=TWICE), {}),
    "groups on both sides": (
        "CT19",
        two(P, groups=np.arange(N) // 4),
        {"train": two(P[::-1].copy() / 2, groups=np.arange(N) // 4 + 300)},
    ),
    "above what labels allow": (
        "CT20",
        two(np.where(Y, 0.9, 0.1) + P / 100),
        {"label_noise": 0.1},
    ),
}
SCALED = type("StandardScaler", (), {"n_samples_seen_": N + 500})()
ISOTONIC = type("CalibratedClassifierCV", (), {"method": "isotonic"})()
TUNED = cl.maximize(cl.recall, subject_to=[cl.precision >= 0.5]).choose(GOOD)
WRONG |= {
    "a softmax over the rows": ("CT02", two(np.exp(Z) / np.exp(Z).sum()), {}),
    "logits cut off at 0 and 1": ("CT02", two((Z + 2).clip(0, 1), y=RNG.uniform(size=N) < sigmoid(Z + 2)), {}),
    "logits scaled to [0, 1]": ("CT02", two((Z - Z.min()) / np.ptp(Z)), {}),
    "undeclared logits of three": ("CT02", undeclared(RAW, y=Y3), {}),
    "a threshold to the last digit": ("CT07", GOOD, {"threshold": TUNED.threshold}),
    "calibrated on these rows": ("CT07", GOOD, None),
    "training rows, by their role": ("CT08", two(P, role="train"), {}),
    "a scaler that saw the test": ("CT08", GOOD, {"train": two(P / 2), "model": SCALED}),
    "an isotonic calibrator": ("CT15", two(isotonic(P, Y)), {"model": ISOTONIC}),
    "weights of three, not said": ("CT06", three(P3 * [6, 1, 1] / (P3 * [6, 1, 1]).sum(axis=1, keepdims=True)), {}),
}
WRONG["calibrated on these rows"] = ("CT07", cl.calibrate(two(P**2), method="isotonic").apply(two(P**2)), {})
WRONG["the guessed positive class"] = (
    "CT04",
    lambda: undeclared(P, y=np.where(Y, "churned", "stays").tolist()),
    {},
)
SHARE3 = np.bincount(RNG.choice(3, N, p=[0.05, 0.15, 0.8]), minlength=3) / N
PRIOR = P3 * [0.05, 0.15, 0.8] / (P3 * [0.05, 0.15, 0.8]).sum(axis=1, keepdims=True)
Y_PRIOR = (PRIOR.cumsum(axis=1) < RNG.uniform(size=(N, 1))).sum(axis=1)
SHARES = np.bincount(Y_PRIOR, minlength=3) / N
WRONG["balanced weights of three"] = (
    "CT06",
    three(PRIOR / SHARES / (PRIOR / SHARES).sum(axis=1, keepdims=True), y=Y_PRIOR),
    {},
)
WRONG["a comparison that cannot tell"] = (
    "CT09",
    GOOD,
    lambda: {
        "estimates": cl.compare({"a": GOOD, "b": WRONG["models that cannot be told apart"][2]["rival"]}, cl.roc_auc)
    },
)


@pytest.mark.parametrize("name", WRONG)
def test_every_wrong_use_is_found_and_mended(name):
    code, scores, more = WRONG[name]
    with pytest.warns(cl.errors.GuessWarning, match="CT04") if callable(scores) else nullcontext():
        scores = scores() if callable(scores) else scores
    found = cl.check(scores, **(more() if callable(more) else more))
    assert code in found
    one = found[code]
    assert all((one.name, one.why, one.fix_code, one.silence))
    assert any(c.isdigit() for c in one.seen)
    for each in found:
        assert each.code not in cl.check(scores, **(more() if callable(more) else more), ignore=[each.code])
        _the_code_runs(each, scores)


def _the_code_runs(finding: Finding, scores):
    """The fix in words does what `fix` does, when it can be run at all."""
    names = {"cl": cl, "np": np, "scores": scores, "finding": finding, "before": GOOD}
    exec(finding.fix_code, names)
    if not finding.fixable:
        with pytest.raises(InputError, match="cannot be mended"):
            finding.fix()
        return
    made = finding.fix()
    if isinstance(made, cl.Scores) and "scores = " in finding.fix_code:
        assert names["scores"].n == made.n
        assert np.allclose(names["scores"].score, made.score, rtol=1e-4, atol=1e-5)
        assert names["scores"].kind == made.kind


def test_every_code_has_a_check_and_a_wrong_use():
    codes = {f"CT{number:02}" for number in range(1, 21)}
    assert {check.code for check in CHECKS} == codes
    assert {code for code, _, _ in WRONG.values()} == codes
    assert all(0 <= check.rate <= 0.05 for check in CHECKS)


def shares_found(seeds, look):
    """How often each check, and any, found something on clean sets."""
    found = Counter()
    for seed in seeds:
        codes = set(look(clean(seed)).codes)
        found.update(codes)
        found["any"] += bool(codes)
    return {code: n / len(seeds) for code, n in found.items()}


def test_clean_scores_are_left_alone():
    assert shares_found(range(60), cl.check) == {"any": 0}


@pytest.mark.slow
def test_clean_scores_are_left_alone_as_often_as_stated():
    for look in (cl.check, lambda scores: cl.evaluate(scores).findings):
        shares = shares_found(range(1_000), look)
        assert shares.pop("any", 0) <= 0.05
        assert all(share <= 0.01 for share in shares.values()), shares


def ordinary_models():
    """Models of scikit-learn that nobody bent, on rows they had not seen."""
    from sklearn.datasets import make_classification
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.naive_bayes import GaussianNB
    from sklearn.tree import DecisionTreeClassifier

    made = (LogisticRegression(), GaussianNB(), RandomForestClassifier(30, random_state=0), DecisionTreeClassifier())
    for k in (2, 3):
        X, y = make_classification(4_000, n_informative=5, n_classes=k, flip_y=0.1, random_state=k)
        for model in made:
            yield model.fit(X[:2000], y[:2000]), X[2000:], y[2000:]


def test_ordinary_models_are_left_alone():
    for model, X, y in ordinary_models():
        found = cl.check(cl.score(model, X, y_true=y, positive=1 if y.max() == 1 else None), model=model)
        # A tree that was grown to the end gives 0 and 1 alone: these are labels.
        assert found.codes == (("CT03",) if type(model).__name__ == "DecisionTreeClassifier" else ()), (model, found)


def test_swapped_columns_are_mended_exactly():
    swapped = two(np.column_stack([P, 1 - P]))
    assert cl.roc_auc(cl.check(swapped)["CT04"].fix()) == cl.roc_auc(GOOD) == 1 - cl.roc_auc(swapped)
    rotated = cl.check(three(P3[:, [1, 2, 0]]))["CT04"].fix()
    assert (rotated.score == P3).all()


@pytest.mark.parametrize("kind", ["logistic", "lightgbm"])
def test_class_weights_are_undone_on_adult(kind):
    folder = os.environ.get("CUTLINE_DATA")
    if not folder or not (Path(folder) / "tabular/adult.parquet").exists():
        pytest.skip("CUTLINE_DATA is not set")
    fitted = {name: adult_scores(folder, kind, weight) for name, weight in (("plain", None), ("weighted", "balanced"))}
    (plain, _), (weighted, model) = fitted["plain"], fitted["weighted"]
    assert not cl.check(plain)
    for more in ({}, {"model": model}, {"class_weight": "balanced"}):
        found = cl.check(weighted, **more)
        assert found.codes == ("CT06",)
        assert cl.log_loss(weighted) > 1.1 * cl.log_loss(plain)
        assert cl.log_loss(found[0].fix()) < 1.02 * cl.log_loss(plain)


def adult_scores(folder, kind, class_weight):
    """Scores of a model fitted on three fifths of adult, and the model."""
    from lightgbm import LGBMClassifier
    from pyarrow import parquet
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    table = parquet.read_table(Path(folder) / "tabular/adult.parquet").to_pandas()
    y, X = table.pop("label").to_numpy() == ">50K", table
    text = make_column_selector(dtype_exclude="number")
    columns = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), text), remainder=StandardScaler()
    )
    model = (
        LogisticRegression(max_iter=200, class_weight=class_weight)
        if kind == "logistic"
        else LGBMClassifier(n_estimators=60, class_weight=class_weight, n_jobs=1, verbose=-1)
    )
    away = np.arange(len(y)) % 5 < 2
    pipe = make_pipeline(columns.set_output(transform="default"), model).fit(X[~away], y[~away])
    return two(pipe.predict_proba(X[away])[:, 1], y=y[away]), pipe


def test_weights_are_read_off_models():
    from lightgbm import LGBMClassifier
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from cutline.checks.weighting import Weighting

    class RandomUnderSampler:
        sampling_strategy = "auto"

    class CatBoost:
        def get_params(self):
            return {"auto_class_weights": "Balanced"}

    class Native:
        params = {"scale_pos_weight": 5.0}  # noqa: RUF012

    classes = cl.Classes([False, True], True)
    search = GridSearchCV(LogisticRegression(), {"class_weight": ["balanced"]}).fit(Z[:300, None], Y[:300])
    balanced = [
        RandomForestClassifier(class_weight="balanced_subsample"),
        LGBMClassifier(is_unbalance=True),
        make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced")),
        search,
        CatBoost(),
        type("Pipeline", (), {"steps": [("cut", RandomUnderSampler()), ("fit", LogisticRegression())]})(),
    ]
    for model in balanced:
        read = Weighting.of(classes, model)
        assert read is not None, model
        assert read.factor is None
    for model, factor in (
        (LogisticRegression(class_weight={False: 1, True: 4}), (1, 4)),
        (LGBMClassifier(scale_pos_weight=3), (1, 3)),
        (Native(), (1, 5)),
    ):
        assert Weighting.of(classes, model).factor == factor
    for model in (LogisticRegression(), LGBMClassifier(scale_pos_weight=1), object(), None):
        assert Weighting.of(classes, model) is None
    for wrong in ("even", {True: -1.0}, [1, 2]):
        with pytest.raises(InputError, match="class_weight"):
            cl.check(GOOD, class_weight=wrong)


def test_weights_that_were_undone_say_nothing():
    found = cl.check(GOOD, class_weight="balanced")
    assert not found


def test_a_finding_speaks_in_five_parts_and_can_be_silenced():
    found = cl.check(two(1 - P))
    (one,) = found
    assert [line.split()[0] for line in repr(one).splitlines()] == ["CT04", "seen:", "why:", "fix():", "silence:"]
    assert "<dt>Why it matters</dt>" in one._repr_html_()
    assert one.to_dict()["fixable"]
    assert repr(found) == repr(one)
    assert "CT04" in found
    assert one in found
    assert found["CT04"] is found[0]
    assert found[:1].codes == ("CT04",)
    assert not cl.check(two(1 - P), ignore="CT04")
    with pytest.raises(UnknownName, match="CT99"):
        cl.check(GOOD, ignore=["CT99"])
    with pytest.raises(InputError, match="codes found: CT04"):
        found["CT01"]
    again = Findings.from_dict(found.to_dict())
    assert again.to_dict()["findings"][0] | {"fixable": True} == one.to_dict()
    assert repr(pickle.loads(pickle.dumps(found))) == repr(again)
    with pytest.raises(InputError, match="cannot be mended from what is at hand"):
        again[0].fix()
    assert not cl.check(GOOD)
    assert "checks" in repr(cl.check(GOOD))


def test_what_is_no_input_is_refused():
    for wrong, match in (
        ({"train": P}, "train"),
        ({"prevalence": 2}, "prevalence"),
        ({"y_pred": Y[:5]}, "y_pred"),
        ({"folds": FOLD[:5]}, "folds"),
        ({"estimates": 0.5}, "estimates"),
        ({"estimates": {"rocauk": 0.5}}, "rocauk"),
    ):
        with pytest.raises((InputError, ShapeError), match=match):
            cl.check(GOOD, **wrong)
    with pytest.raises(InputError, match="check_tables"):
        cl.check(P)


def test_probabilities_are_no_labels():
    for code, call in {
        "CT01": lambda: cl.Scores(y_true=Y.astype(int), y_score=P, kind="label"),
        "CT03": lambda: three(P3.argmax(axis=1).astype(float)),
        "CT04": lambda: cl.Scores(y_true=P, y_score=Y.astype(int)),
        "CT05": lambda: three(P3, y=Y3 + 1),
    }.items():
        with pytest.raises(InputError) as caught:
            call()
        assert caught.value.code == code
    for scores, labels in ((GOOD, P), (GOOD3, P3)):
        with pytest.raises(LabelError, match="CT01"):
            cl.check(scores, y_pred=labels)


def test_evaluate_reads_the_same_traps():
    assert cl.evaluate(two(1 - P)).findings.codes == ("CT04",)
    assert not cl.evaluate(two(1 - P), checks=False).findings
    assert not cl.evaluate(two(1 - P), ignore=["CT04"]).findings
    assert "CT04: ROC AUC" in repr(cl.evaluate(two(1 - P)))
    assert cl.evaluate(GOOD, threshold=best_f1(P, Y)).findings.codes == ("CT07",)
    point = cl.maximize(cl.f1).choose(GOOD)
    assert cl.evaluate(GOOD, point).findings.codes == ("CT07",)
    fresh = RNG.uniform(size=N) < P
    assert not point.assess(two(P, y=fresh)).findings
    labels = cl.evaluate(GOOD, point).findings[0].fix()
    assert cl.f1(labels) < cl.f1(GOOD, at=point.threshold)
    assert "CT14" in cl.evaluate(GOOD3, metrics=["micro_f1", "accuracy"]).findings
    assert "CT05" in cl.evaluate(GOOD, decision=np.zeros(N, dtype=int)).findings
    assert "CT13" in cl.evaluate(two(RARE, y=Y_RARE), threshold=0.99).findings
    assert cl.evaluate(GOOD, decision=np.zeros(N, dtype=int)).findings["CT05"].fix().kind == "label"


def test_rows_without_a_label_or_weight_do_not_confuse_the_rest():
    y = np.where(np.arange(N) % 7 == 0, None, Y.astype(int))
    some = cl.Scores(y_true=y, y_score=1 - P, kind="probability", weight=(np.arange(N) % 5 > 0) + 0.0)
    found = cl.check(some, y_pred=Y.astype(int), folds=FOLD, train=GOOD)
    assert "CT04" in found
    assert found["CT04"].fix().n == N
    assert cl.check(cl.Scores(y_score=sigmoid(P), classes=[0, 1], kind="probability")).codes == ("CT02",)


def test_a_sample_of_many_rows_is_looked_at():
    many = np.tile(np.arange(N), 60)
    y = RNG.uniform(size=len(many)) < P[many]
    found = cl.check(two(1 - P[many] + 1e-6 * RNG.uniform(size=len(many)), "rank", y=y))
    assert found.codes == ("CT04",)
    assert found[0].fix().n == len(many)


TABLE = {"a": RNG.normal(size=900), "b": RNG.normal(size=900), "kind": RNG.choice(["x", "y"], 900)}
TABLE |= {"y": np.where(RNG.uniform(size=900) < sigmoid(2 * TABLE["a"]), "yes", "no"), "who": np.arange(900) // 3}
TABLE |= {"day": np.arange(900.0)}


def rows(pick, **more):
    return {name: np.asarray(values)[pick] for name, values in TABLE.items()} | more


def test_clean_tables_are_left_alone():
    train, test = rows(slice(0, 600)), rows(slice(600, 900))
    assert not cl.check_tables(train, test, target="y", groups="who", time="day")
    grid = {"a": RNG.integers(0, 3, 900), "b": RNG.integers(0, 2, 900), "y": RNG.choice(["no", "yes"], 900)}
    halves = [{name: values[part] for name, values in grid.items()} for part in (slice(0, 600), slice(600, 900))]
    # Few values in all columns: rows coincide, also with different labels, and that is no trap.
    assert not cl.check_tables(*halves, target="y")
    one = [{"x": RNG.normal(size=9_000), "y": RNG.choice(["no", "yes"], 9_000)} for _ in range(2)]
    assert not cl.check_tables(*one, target="y")


FINE = RNG.normal(size=900) + 2
RARELY = np.where(np.arange(90) < 9, "no", "yes")
WRONG_TABLES = {
    "equal rows": ("CT08", rows(slice(0, 600)), rows(slice(550, 900)), {"drop": ["day", "who"]}, 300),
    "equal rows, after a detour over text": (
        "CT08",
        rows(slice(0, 600), c=FINE[:600]),
        {name: np.round(v, 6) if v.dtype.kind == "f" else v for name, v in rows(slice(550, 900), c=FINE[550:]).items()},
        {"drop": ["day", "who"]},
        None,
    ),
    "another prevalence": (
        "CT10",
        rows(slice(0, 600)),
        rows(600 + np.flatnonzero(TABLE["y"][600:] == "yes")[:90], y=RARELY),
        {},
        None,
    ),
    "a column that knows": (
        "CT08",
        rows(slice(0, 600), sent=(TABLE["y"] == "yes")[:600] + 0.1 * TABLE["b"][:600]),
        None,
        {},
        None,
    ),
    "a word that knows": (
        "CT08",
        rows(slice(0, 600), sent=np.where(TABLE["y"] == "yes", "u", "v")[:600]),
        None,
        {},
        None,
    ),
    "an unseen class": (
        "CT12",
        rows(slice(0, 600)),
        rows(slice(600, 900), y=np.where(np.arange(300) < 9, "maybe", TABLE["y"][600:])),
        {},
        291,
    ),
    "copies": ("CT18", rows(np.r_[0:600, 0:50]), None, {"drop": ["day", "who"]}, 600),
    "groups on both sides": ("CT19", rows(slice(0, 601)), rows(slice(601, 900)), {"groups": "who"}, 297),
    "the past after the future": (
        "CT19",
        rows(slice(300, 900)),
        rows(slice(0, 320)),
        {"time": "day", "drop": "who"},
        None,
    ),
    "contrary labels": (
        "CT20",
        rows(np.r_[0:600, 0:50], y=np.r_[TABLE["y"][:600], np.where(TABLE["y"][:50] == "yes", "no", "yes")]),
        None,
        {"drop": ["day", "who"]},
        None,
    ),
}


@pytest.mark.parametrize("name", WRONG_TABLES)
def test_every_wrong_table_is_found_and_mended(name):
    code, train, test, more, left = WRONG_TABLES[name]
    found = cl.check_tables(train, test, target="y", **more)
    assert code in found
    assert code not in cl.check_tables(train, test, target="y", **more, ignore=[code])
    if left is not None:
        mended = found[code].fix()
        assert mended.num_rows == left
        sides = (mended, None) if test is None else (train, mended)
        assert code not in cl.check_tables(*sides, target="y", **more)
    with pytest.raises(UnknownName):
        cl.check_tables(train, target="y", ignore=["CT01"])
    with pytest.raises(InputError, match="no column 'z'"):
        cl.check_tables(train, target="z")


def test_fit_says_what_its_table_hides(tmp_path):
    table = rows(np.r_[0:300, 0:40])
    table = {name: table[name] for name in ("a", "b", "y")}
    about = {"target": "y", "positive": "yes", "families": ["linear"], "budget": None}
    model = cl.fit(table, **about)
    assert model.findings.codes == ("CT18",)
    assert any(note.startswith("CT18: 40 of 340") for note in model.notes)
    assert model.evaluation.findings.codes == ("CT18",)
    assert pickle.loads(pickle.dumps(model)).findings == model.findings
    with pytest.raises(InputError, match="check_tables finds it again"):
        model.findings[0].fix()
    model.save(tmp_path / "m.cutline")
    assert cl.load(tmp_path / "m.cutline").evaluation.findings.codes == ("CT18",)
    quiet = cl.fit(table, **about, checks=False)
    assert not quiet.findings
    assert not any("CT18" in note for note in quiet.notes)


def test_the_report_shows_what_was_found():
    for scores in (two(1 - P), three(P3[:, [1, 2, 0]])):
        made = cl.report(scores)
        for text in (made.to_html(), made._repr_html_(), made.to_markdown(), made.to_json()):
            assert "CT04" in text
        assert json.loads(made.to_json())["findings"][0]["code"] == "CT04"
        assert not cl.report(scores, checks=False).data["findings"]
        assert not cl.report(cl.evaluate(scores), checks=False).data["findings"]
    sides = cl.report({"a": GOOD, "b": two(1 - P)})
    assert any(note.startswith(("B: CT04", "b: CT04")) for note in sides.data["notes"])


def test_the_command_line_says_what_was_found(tmp_path, capsys):
    path, point = tmp_path / "scores.csv", tmp_path / "point.json"
    lines = [f"{'yes' if y else 'no'},{1 - p:.6f}" for y, p in zip(Y, P, strict=True)]
    path.write_text("label,p\n" + "\n".join(lines))
    columns = [str(path), "--y-true", "label", "--y-score", "p", "--positive", "yes"]
    for words in (["check"], ["evaluate"], ["choose", "--maximize", "f1", "-o", str(point)], ["calibrate"]):
        for silent in (False, True):
            if silent and words == ["check"]:
                continue
            assert main([words[0], *columns, *words[1:], *(["--no-checks"] if silent else [])]) == 0
            said = "".join(capsys.readouterr())
            assert ("CT04" in said) != silent, words
    assert main(["check", *columns, "--strict"]) == 4
    assert main(["check", *columns, "--ignore", "CT04", "--strict"]) == 0
    capsys.readouterr()
    assert main(["check", *columns, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["findings"][0]["code"] == "CT04"
    assert main(["report", *columns, "-o", str(tmp_path / "r.md"), "--no-checks"]) == 0
    assert "CT04" not in (tmp_path / "r.md").read_text()
    for side, part in (("train", slice(0, 600)), ("test", slice(550, 900))):
        text = [
            ",".join(map(str, row)) for row in zip(TABLE["a"][part], TABLE["b"][part], TABLE["y"][part], strict=True)
        ]
        (tmp_path / f"{side}.csv").write_text("a,b,y\n" + "\n".join(text))
    both = ["--train", str(tmp_path / "train.csv"), "--test", str(tmp_path / "test.csv"), "--target", "y"]
    capsys.readouterr()
    assert main(["check", *both]) == 0
    assert "50 of 350 test rows" in capsys.readouterr().out
    assert main(["check"]) == main(["check", *both[:2]]) == 2
