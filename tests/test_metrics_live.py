"""Every metric that scikit-learn has, against it, on random data with ties, weights and rare classes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn import metrics as sk

import cutline as cl
from cutline.errors import InputError, LabelError, ScoreError, ShapeError, UnknownName
from cutline.metrics import METRICS, ThresholdTable, find

# --- two classes ----------------------------------------------------------------------------------------------------


def binary(seed, weighted, n=400):
    rng = np.random.default_rng(seed)
    y = rng.random(n) < (0.3, 0.05, 0.5)[seed % 3]
    y[:2] = False, True
    p = np.round(1 / (1 + np.exp(-rng.normal(size=n) - 2 * y + 1)), 2 if seed % 2 else 12)
    w = rng.integers(1, 9, n) / 4 if weighted else None
    return y, p, w, cl.Scores(y_true=y, y_score=p, weight=w, kind="probability")


AT_A_CUT = {
    "accuracy": sk.accuracy_score,
    "balanced_accuracy": sk.balanced_accuracy_score,
    "precision": sk.precision_score,
    "recall": sk.recall_score,
    "f1": sk.f1_score,
    "mcc": sk.matthews_corrcoef,
    "jaccard": sk.jaccard_score,
    "cohen_kappa": sk.cohen_kappa_score,
    "error_rate": sk.zero_one_loss,
    "f2": lambda y, s, **w: sk.fbeta_score(y, s, beta=2, **w),
    "positive_likelihood_ratio": lambda y, s, **w: sk.class_likelihood_ratios(y, s, **w)[0],
    "negative_likelihood_ratio": lambda y, s, **w: sk.class_likelihood_ratios(y, s, **w)[1],
    "specificity": lambda y, s, **w: sk.recall_score(y, s, pos_label=False, **w),
    "npv": lambda y, s, **w: sk.precision_score(y, s, pos_label=False, **w),
}
OF_SCORES = {
    "roc_auc": sk.roc_auc_score,
    "average_precision": sk.average_precision_score,
    "log_loss": sk.log_loss,
    "brier": sk.brier_score_loss,
    "log_loss_skill": lambda y, p, **w: sk.d2_log_loss_score(y, p, **w),
    "brier_skill": lambda y, p, **w: sk.d2_brier_score(y, p, **w),
    "partial_auc_fpr_0_0.2": lambda y, p, **w: sk.roc_auc_score(y, p, max_fpr=0.2, **w),
    "gini": lambda y, p, **w: 2 * sk.roc_auc_score(y, p, **w) - 1,
    "ks": lambda y, p, **w: np.abs(np.subtract(*sk.roc_curve(y, p, drop_intermediate=False, **w)[:2])).max(),
}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_two_classes(seed, weighted):
    y, p, w, s = binary(seed, weighted)
    about = {} if w is None else {"sample_weight": w}
    for name, peer in AT_A_CUT.items():
        assert find(name)(s, at=0.4) == pytest.approx(peer(y, p >= 0.4, **about), rel=1e-12), name
    for name, peer in OF_SCORES.items():
        assert find(name)(s) == pytest.approx(peer(y, p, **about), rel=1e-11), name


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_metrics_at_the_top_by_lot(seed, weighted):
    y, p, w, s = binary(seed, weighted, n=60)
    weight = np.ones(60) if w is None else w
    rng = np.random.default_rng(0)
    total = weight.sum()
    for share in (0.1, 0.25, 0.9):
        found = []
        for _ in range(400):  # ties broken by lot; the row on the cut counts in part
            order = np.lexsort([rng.random(60), -p])
            upto = np.cumsum(weight[order])
            part = np.clip(share * total - (upto - weight[order]), 0, weight[order])
            found.append((part * y[order]).sum())
        expected = np.mean(found) / weight[y].sum()
        spread = np.std(found) / weight[y].sum() / 20
        assert cl.at_top(cl.recall, share)(s) == pytest.approx(expected, abs=5 * spread + 1e-12)
        lifted = cl.at_top(cl.recall, share)(s) / share
        assert cl.at_top(cl.lift, share)(s) == pytest.approx(lifted)
    assert cl.at_top(cl.recall, 10**9)(s) == pytest.approx(1.0)


@pytest.mark.parametrize("seed", range(4))
def test_areas_by_drawing_them(seed):
    y, p, _, s = binary(seed, False)
    fpr, tpr, _ = sk.roc_curve(y, p, drop_intermediate=False)
    grid = np.linspace(0.2, 0.6, 400_001)
    by_hand = np.trapezoid(np.interp(grid, fpr, tpr), grid)
    assert cl.partial_auc(0.2, 0.6, standardized=False)(s) == pytest.approx(by_hand, abs=1e-4)
    turned = np.trapezoid(1 - np.interp(grid, tpr + 1e-12 * np.arange(len(tpr)), fpr), grid)
    assert cl.partial_auc(0.2, 0.6, of="recall", standardized=False)(s) == pytest.approx(turned, abs=1e-4)
    assert cl.partial_auc(0, 1)(s) == pytest.approx(cl.roc_auc(s), rel=1e-12)
    assert cl.partial_auc(0, 1, of="recall")(s) == pytest.approx(cl.roc_auc(s), rel=1e-12)
    assert cl.auch(s) >= cl.roc_auc(s)
    fine = [cl.aupr(s), cl.aupr_davis_goadrich(s)]
    assert fine[0] == pytest.approx(fine[1], abs=0.02)
    best = max(find("f1").value(s, at=t) for t in np.unique(p))
    assert cl.best(cl.f1)(s) == pytest.approx(best, rel=1e-14)


def test_calibration_error_is_its_definition():
    for weighted in (False, True):
        y, p, w, s = binary(0, weighted)
        w = np.ones(len(y)) if w is None else w
        place = np.minimum((p * 10).astype(int), 9)
        gaps = [abs(w[place == b] @ (p - y)[place == b]) for b in range(10)]
        assert cl.calibration_error(10)(s) == pytest.approx(sum(gaps) / w.sum(), rel=1e-12)


MADE = [
    cl.f_beta(0.5),
    cl.precision_at_prevalence(0.01),
    cl.npv_at_prevalence(1e-05),
    cl.net_benefit(0.2),
    cl.partial_auc(0, 0.1),
    cl.partial_auc(0.8, 1, of="recall", standardized=False),
    cl.at_top(cl.recall, 0.1),
    cl.at_top(cl.f_beta(2), 100),
    cl.best(cl.f_beta(0.5)),
    cl.calibration_error(20),
    cl.top_k_accuracy(3),
    cl.macro(cl.jaccard),
    cl.samples(cl.f1),
    cl.micro(cl.roc_auc),
]


@pytest.mark.parametrize("metric", MADE, ids=lambda m: m.name)
def test_a_metric_with_parameters_is_found_by_its_name(metric):
    again = find(metric.name)
    assert again.to_dict() == metric.to_dict()
    _, _, _, s = binary(1, False)
    if "binary" in metric.tasks:
        assert again.value(s, at=0.3) == metric.value(s, at=0.3)


@pytest.mark.parametrize("at", [0.0, 0.3, 0.99])
def test_parameters_by_hand(at):
    y, _, _, s = binary(2, False)
    c = ThresholdTable.from_scores(s).counts(at)
    recall, fpr = c.tp / c.positives, c.fp / c.negatives
    with np.errstate(invalid="ignore"):
        by_hand = np.float64(recall * 0.02) / (recall * 0.02 + fpr * 0.98)
    assert cl.precision_at_prevalence(0.02).value(s, at=at) == pytest.approx(by_hand, nan_ok=True)
    prevalence = float(y.mean())
    assert cl.precision_at_prevalence(prevalence).value(s, at=at) == pytest.approx(
        cl.precision.value(s, at=at), nan_ok=True
    )
    assert cl.npv_at_prevalence(prevalence).value(s, at=at) == pytest.approx(cl.npv.value(s, at=at), nan_ok=True)
    assert cl.net_benefit(0.2)(s, at=at) == pytest.approx((c.tp - c.fp * 0.25) / len(y))


BAD = {
    "evaluated unordered": (
        lambda: cl.evaluate(cl.Scores(y_true=[0, 1, 2], y_score=np.eye(3), kind="probability"), metrics=["mae"]),
        LabelError,
        "ordered=True",
    ),
    "share": (lambda: cl.precision_at_prevalence(2), InputError, "0.01 for 1 %"),
    "preference": (lambda: cl.net_benefit(1), InputError, "below 1"),
    "stretch": (lambda: cl.partial_auc(0.5, 0.2), InputError, "low < high"),
    "axis": (lambda: cl.partial_auc(0, 0.2, of="tpr"), InputError, "'fpr' or 'recall'"),
    "top": (lambda: cl.at_top(cl.recall, 1.5), InputError, "whole number"),
    "top of what": (lambda: cl.at_top(cl.roc_auc, 10), InputError, "metric of counts"),
    "best of what": (lambda: cl.best(cl.flagged_rate), InputError, "better end"),
    "bins": (lambda: cl.calibration_error(0), InputError, "at least 1"),
    "k": (lambda: cl.top_k_accuracy(0), InputError, "at least 1"),
    "samples of what": (lambda: cl.samples(cl.roc_auc), InputError, "metric of counts"),
    "two classes": (lambda: cl.hand_till(binary(0, False)[3]), LabelError, "more than two"),
    "unordered": (
        lambda: cl.mae(cl.Scores(y_true=[0, 1, 2], y_score=np.eye(3), kind="probability")),
        LabelError,
        "ordered=True",
    ),
}


@pytest.mark.parametrize(("call", "kind", "says"), BAD.values(), ids=BAD)
def test_what_cannot_be_is_refused(call, kind, says):
    with pytest.raises(kind) as caught:
        call()
    assert says in str(caught.value)


# --- several classes --------------------------------------------------------------------------------------------------


def several(seed, weighted, k=4, n=500):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, k, n)
    z = rng.normal(size=(n, k)).round(1)
    z[np.arange(n), y] += 1
    p = np.exp(z)
    p /= p.sum(axis=1, keepdims=True)
    w = rng.integers(1, 9, n) / 4 if weighted else None
    return y, p, w, cl.Scores(y_true=y, y_score=p, weight=w, kind="probability", classes=range(k))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_several_classes(seed, weighted):
    y, p, w, s = several(seed, weighted)
    about = {} if w is None else {"sample_weight": w}
    said = p.argmax(axis=1)
    for name, peer in {
        "accuracy": sk.accuracy_score,
        "balanced_accuracy": sk.balanced_accuracy_score,
        "mcc": sk.matthews_corrcoef,
        "cohen_kappa": sk.cohen_kappa_score,
    }.items():
        assert find(name)(s) == pytest.approx(peer(y, said, **about), rel=1e-12), name
    for average in ("macro", "micro", "weighted"):
        for name, peer in {"precision": sk.precision_score, "f1": sk.f1_score, "jaccard": sk.jaccard_score}.items():
            expected = peer(y, said, average=average, **about)
            assert find(f"{average}_{name}")(s) == pytest.approx(expected, rel=1e-12), name
        ovr = sk.roc_auc_score(y, p, multi_class="ovr", average=average, **about)
        assert find(f"{average}_roc_auc")(s) == pytest.approx(ovr, rel=1e-12)
        ap = sk.average_precision_score(np.eye(4)[y], p, average=average, **about)
        assert find(f"{average}_average_precision")(s) == pytest.approx(ap, rel=1e-12)
    assert cl.log_loss(s) == pytest.approx(sk.log_loss(y, p, **about), rel=1e-12)
    assert cl.brier(s) == pytest.approx(sk.brier_score_loss(y, p, **about), rel=1e-12)
    if w is None:
        assert cl.hand_till(s) == pytest.approx(sk.roc_auc_score(y, p, multi_class="ovo"), rel=1e-12)
        by_size = sk.roc_auc_score(y, p, multi_class="ovo", average="weighted")
        assert cl.weighted_roc_auc_ovo(s) == pytest.approx(by_size, rel=1e-12)
    untied = p + np.random.default_rng(0).random(p.shape) * 1e-9
    t = cl.Scores(y_true=y, y_score=untied, weight=w, kind="rank", classes=range(4))
    for k in (1, 2, 3):
        assert cl.top_k_accuracy(k)(t) == pytest.approx(sk.top_k_accuracy_score(y, untied, k=k, **about), rel=1e-12)


@pytest.mark.parametrize("normalize", [None, "true", "pred", "all"])
def test_confusion_matrix_is_normalised_as_scikit_learn_does(normalize):
    for weighted in (False, True):
        y, p, w, s = several(0, weighted)
        got = cl.confusion_matrix(s, cl.metrics.decided(s), normalize=normalize)
        expected = sk.confusion_matrix(y, p.argmax(axis=1), sample_weight=w, normalize=normalize)
        np.testing.assert_allclose(got, expected, rtol=1e-13)
    with pytest.raises(UnknownName, match="did you mean 'true'"):
        cl.confusion_matrix(s, cl.metrics.decided(s), normalize="ture")


def test_normalising_nothing_is_undefined():
    s = cl.Scores(y_true=["a", "b"], y_score=["a", "a"], classes=["a", "b", "c"], kind="label")
    by_truth = cl.confusion_matrix(s, s.score, normalize="true")
    assert np.isnan(by_truth[2]).all()
    assert np.isnan(cl.confusion_matrix(s, s.score, normalize="pred")[:, 1:]).all()


def test_an_absent_class_is_left_out_of_pairs():
    y, p, _, _ = several(1, False)
    keep = y != 2
    s = cl.Scores(y_true=y[keep], y_score=p[keep], classes=range(4), kind="probability")
    fewer = cl.Scores(y_true=y[keep], y_score=np.delete(p[keep], 2, axis=1), classes=[0, 1, 3], kind="rank")
    assert cl.hand_till(s) == pytest.approx(cl.hand_till(fewer), rel=1e-13)


def test_many_classes():
    rng = np.random.default_rng(0)
    for k in (130, 300):
        y = rng.permutation(np.repeat(np.arange(k), 3))
        p = rng.dirichlet(np.ones(k), len(y))
        s = cl.Scores(y_true=y, y_score=p, kind="probability")
        assert cl.accuracy(s) == pytest.approx(sk.accuracy_score(y, p.argmax(axis=1)))
        assert cl.macro(cl.roc_auc)(s) == pytest.approx(sk.roc_auc_score(y, p, multi_class="ovr"), rel=1e-12)
        evaluation = cl.evaluate(s)
        assert evaluation["macro_roc_auc"].value == pytest.approx(cl.macro(cl.roc_auc)(s), rel=1e-13)
        assert [c.support for c in evaluation.per_class] == [3] * k


# --- classes in order -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("weighted", [False, True])
def test_ordered_classes(weighted):
    rng = np.random.default_rng(1)
    y = rng.integers(0, 5, 300)
    said = np.clip(y + rng.integers(-2, 3, 300), 0, 4)
    w = rng.integers(1, 5, 300) if weighted else None
    classes = cl.Classes(range(5), ordered=True)
    s = cl.Scores(y_true=y, y_score=said, weight=w, classes=classes, kind="label")
    for name, weights in (("linear_kappa", "linear"), ("quadratic_kappa", "quadratic")):
        expected = sk.cohen_kappa_score(y, said, weights=weights, sample_weight=w)
        assert find(name)(s) == pytest.approx(expected, rel=1e-12)
    assert cl.mae(s) == pytest.approx(sk.mean_absolute_error(y, said, sample_weight=w), rel=1e-12)
    times = np.ones(300, int) if w is None else w
    y, said = np.repeat(y, times), np.repeat(said, times)
    from scipy.stats import kendalltau

    assert cl.tau_b(s) == pytest.approx(kendalltau(y, said).statistic, rel=1e-10)
    each = [np.abs(y - said)[y == k].mean() for k in range(5)]
    assert cl.macro_mae(s) == pytest.approx(np.mean(each))
    assert cl.max_mae(s) == pytest.approx(max(each))
    assert cl.off_by_one_accuracy(s) == pytest.approx((np.abs(y - said) <= 1).mean())
    assert cl.min_sensitivity(s) == pytest.approx(min((said == k)[y == k].mean() for k in range(5)))
    stack = np.stack([cl.confusion_matrix(s, s.score)] * 3)
    for name in [n for n, m in METRICS.items() if m.tasks == ("ordinal",) and m.of_matrix]:
        np.testing.assert_allclose(find(name).value(stack), [find(name)(s)] * 3)
        assert math.isnan(find(name).value(np.zeros((3, 3))))


def test_ranked_probability_score_of_two_classes_is_the_brier_score():
    rng = np.random.default_rng(2)
    p, y = rng.random(50), rng.random(50) < 0.4
    s = cl.Scores(y_true=y, y_score=p, classes=cl.Classes([False, True], True, ordered=True), kind="probability")
    assert cl.ranked_probability_score(s) == pytest.approx(cl.brier(s))
    assert cl.normalized_rps(s) == cl.ranked_probability_score(s)


# --- several labels ---------------------------------------------------------------------------------------------------


def labelled(seed, weighted, n=120, k=5):
    rng = np.random.default_rng(seed)
    y = (rng.random((n, k)) < 0.35).astype(int)
    y[0] = 0
    score = np.round(rng.random((n, k)) + y, 1) / 2
    w = rng.integers(1, 5, n) / 2 if weighted else None
    return y, score, w, cl.MultiLabel(y_true=y, y_score=score, weight=w, kind="probability")


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_several_labels(seed, weighted):
    y, score, w, m = labelled(seed, weighted)
    said = score >= 0.5
    about = {"sample_weight": w}
    assert find("hamming_loss")(m, at=0.5) == pytest.approx(sk.hamming_loss(y, said, **about))
    assert find("subset_accuracy")(m, at=0.5) == pytest.approx(sk.accuracy_score(y, said, **about))
    for average in ("micro", "macro", "weighted", "samples"):
        for name, peer in {"f1": sk.f1_score, "precision": sk.precision_score, "recall": sk.recall_score}.items():
            got = find(f"{average}_{name}")(m, at=0.5)
            if average == "samples":
                with np.errstate(invalid="ignore"):
                    each = [peer(a, b, zero_division=np.nan) for a, b in zip(y, said, strict=True)]
                there = ~np.isnan(each)
                expected = np.average(np.array(each)[there], weights=None if w is None else w[there])
            else:
                expected = peer(y, said, average=average, **about)
            assert got == pytest.approx(expected, rel=1e-12), (average, name)
    for name, peer in {
        "lrap": sk.label_ranking_average_precision_score,
        "coverage_error": sk.coverage_error,
        "ranking_loss": sk.label_ranking_loss,
    }.items():
        assert find(name)(m) == pytest.approx(peer(y, score, **about), rel=1e-12), name
    for average in ("micro", "macro", "weighted"):
        for name, peer in {"roc_auc": sk.roc_auc_score, "average_precision": sk.average_precision_score}.items():
            expected = peer(y, score, average=average, **about)
            assert find(f"{average}_{name}")(m) == pytest.approx(expected, rel=1e-12), name


def test_labels_by_name_in_any_order_and_thresholds_for_each():
    truth = {"cat": [1, 0, 1], "dog": [0, 1, 1]}
    score = {"p_dog": [0.2, 0.9, 0.4], "p_cat": [0.8, 0.1, 0.6]}
    m = cl.MultiLabel(y_true=truth, y_score=score, kind="probability")
    assert m.names == ("cat", "dog")
    assert m.label("dog").score.tolist() == [0.2, 0.9, 0.4]
    assert m.decided({"cat": 0.7, "dog": 0.3}).tolist() == [[True, False], [False, True], [False, True]]
    assert cl.macro(cl.recall)(m, at={"cat": 0.7, "dog": 0.3}) == 0.75
    empty = cl.MultiLabel(y_true=[[0, 1], [0, 1]], y_score=[[0.1, 0.9], [0.2, 0.8]], labels=["rare", "usual"])
    assert "'rare'" in repr(empty)
    assert "kind guessed" in repr(empty)
    assert cl.macro(cl.recall)(empty, at=0.5) == 1.0  # over the labels that have positives


BAD_LABELS = {
    "shapes": (lambda: cl.MultiLabel(y_true=[[0, 1]], y_score=[[0.1]]), ShapeError, "shape"),
    "one column": (lambda: cl.MultiLabel(y_true=[0, 1], y_score=[0.1, 0.2]), ShapeError, "one column for each"),
    "not 0 or 1": (lambda: cl.MultiLabel(y_true=[[0, 2]], y_score=[[0.1, 0.2]]), LabelError, "of label 1"),
    "nan truth": (
        lambda: cl.MultiLabel(y_true=[[0, 1.0], [1, math.nan]], y_score=np.ones((2, 2)), kind="rank"),
        LabelError,
        "the first at row 1",
    ),
    "nan score": (lambda: cl.MultiLabel(y_true=[[0, 1]], y_score=[[0.1, math.nan]], kind="rank"), ScoreError, "nan"),
    "names": (lambda: cl.MultiLabel(y_true=[[0, 1]], y_score=[[0.1, 0.2]], labels=["a"]), LabelError, "2 distinct"),
    "other names": (lambda: cl.MultiLabel(y_true={"a": [0]}, y_score={"b": [0.1]}), LabelError, "the labels ['a']"),
    "no threshold": (lambda: labelled(0, False)[3].decided(), InputError, "at=0.5"),
    "some thresholds": (lambda: labelled(0, False)[3].decided({0: 0.5}), LabelError, "one for each"),
    "unknown label": (lambda: labelled(0, False)[3].label("x"), LabelError, "one of"),
    "binary metric": (lambda: cl.recall(labelled(0, False)[3], at=0.5), InputError, "Scores"),
}


@pytest.mark.parametrize(("call", "kind", "says"), BAD_LABELS.values(), ids=BAD_LABELS)
def test_labels_that_cannot_be(call, kind, says):
    with pytest.raises(kind) as caught:
        call()
    assert says in str(caught.value)


# --- a tree of classes, and cross-entropy -----------------------------------------------------------------------------


def test_paths_and_parents_say_the_same():
    parents = {"cat": "animal", "dog": "animal", "car": "vehicle"}
    truth, said = ["cat", "dog", "car", "animal"], ["dog", "dog", "animal", "cat"]
    by_label = cl.hierarchical(y_true=truth, y_pred=said, parents=parents)
    way = {"animal": ("animal",), **{leaf: (top, leaf) for leaf, top in parents.items()}}
    assert cl.hierarchical(y_true=[way[t] for t in truth], y_pred=[(*way[s], "") for s in said]) == by_label
    assert (by_label.shared, by_label.decided, by_label.true) == (4, 7, 7)
    # Equal names in two branches are two nodes.
    assert cl.hierarchical(y_true=[("a", "x")], y_pred=[("b", "x")]).f1 == 0
    with pytest.raises(LabelError, match="circle"):
        cl.hierarchical(y_true=["a"], y_pred=["b"], parents={"a": "b", "b": "a"})
    with pytest.raises(ShapeError, match="as many as"):
        cl.hierarchical(y_true=["a"], y_pred=[], parents={})
    with pytest.raises(InputError, match="parents="):
        cl.hierarchical(y_true=["a"], y_pred=["b"])


def test_one_hot_index_and_string_truth_give_the_same_cross_entropy():
    y, p, _, _ = several(0, False)
    names = np.array(["ant", "bee", "cow", "dog"])
    readings = {
        "index": (y, None),
        "one-hot": (np.eye(4, dtype=int)[y], None),
        "one-hot floats": (np.eye(4)[y], None),
        "strings": (names[y], names),
    }
    expected = sk.log_loss(y, p)
    for how, (truth, classes) in readings.items():
        found = cl.cross_entropy(y_true=truth, y_score=p, classes=classes)
        assert found.value == found.unclipped == pytest.approx(expected, rel=1e-13), how
        assert ("one-hot" in found.reading) == how.startswith("one-hot")
    assert len(found.per_row) == found.n == len(y)


def test_a_flat_row_and_flat_rows_are_told_apart():
    y, p = [1, 0, 0], [0.7, 0.2, 0.1]
    with pytest.raises(ShapeError) as caught:
        cl.cross_entropy(y_true=y, y_score=p)
    for number in ("0.356675", "0.228393"):
        assert number in str(caught.value)
    assert cl.cross_entropy(y_true=y, y_score=p, shape="row").value == pytest.approx(-math.log(0.7))
    rows = cl.cross_entropy(y_true=y, y_score=p, shape="rows")
    assert rows.value == pytest.approx(sk.log_loss(y, p))
    assert "two classes" in rows.reading
    assert cl.cross_entropy(y_true=[1, 0, 1], y_score=p).n == 3  # no one-hot row: nothing to ask
    column = cl.cross_entropy(y_true=y, y_score=np.array(p)[:, None], shape="rows")
    assert column.value == rows.value


def test_cross_entropy_says_what_it_clipped():
    found = cl.cross_entropy(y_true=[0, 1], y_score=[[1.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
    assert found.unclipped == math.inf
    assert found.value == pytest.approx(-math.log(np.finfo(float).eps) / 2, rel=1e-6)
    assert found.n_clipped == 1
    assert "1 clipped" in repr(found)
    with pytest.raises(LabelError, match="smoothing"):
        cl.cross_entropy(y_true=[[0.9, 0.05, 0.05]], y_score=[[0.7, 0.2, 0.1]])
    with pytest.raises(ShapeError, match="one-hot rows"):
        cl.cross_entropy(y_true=[[1, 0]], y_score=[[0.7, 0.2, 0.1]])
    with pytest.raises(UnknownName, match="shape"):
        cl.cross_entropy(y_true=[1], y_score=[0.1], shape="wide")
