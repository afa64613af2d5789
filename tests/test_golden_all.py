"""Every golden case is asserted somewhere, and every figure in it, but for those that are listed here with a reason."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest

from tests import golden

NOT_OURS: dict[str, str] = {
    "constrained_operating_point_a.auroc_20_bins": "an approximation on 20 thresholds, 'to bound, not to match'",
    "constrained_operating_point_a.ap_20_bins": "the same",
    "confusion_multiclass_strings_a.overall.McnemarPValue": "caret has none for several classes, and neither have we",
    "confusion_multiclass_strings_a.by_class.elderberry.F1": "undefined in caret without a true positive; 0 here",
    "corp_brier_niamey_ENS.log_mean_score": "infinite there; ours is clipped as scikit-learn does, and says so",
    "corp_brier_niamey_ENS.log_MCB": "infinite there, for the same reason",
    "degenerate_all_one_class.mcc": "0 by scikit-learn's convention; undefined is nan here",
    "degenerate_no_positive_predictions.mcc": "the same",
    "ltt_binary_fpr_a.mapie": "MAPIE's own answers, kept for comparison: it rounds counts up in floating point",
    "ltt_binary_precision_a.mapie": "the same",
    "ltt_binary_recall_a.mapie": "the same",
    "ltt_binary_fpr_a.fixed_sequence.stops_at_first_failure_from": "a sentence",
    "ltt_binary_precision_a.fixed_sequence.stops_at_first_failure_from": "a sentence",
    "ltt_binary_recall_a.fixed_sequence.stops_at_first_failure_from": "a sentence",
    "multiclass_label_a.macro.precision": "a class that is never decided counts as 0 there; compared after that",
    "ci_two_proportions_56_70_48_80.score": "the reference has a slip in its cubic; ours is Newcombe's (1998) 0.0528, "
    "0.3382: test_the_score_interval_of_a_difference",
    "f1_delta_ci_a.binary_f1": "the reference has a slip in the variance: test_the_delta_method_of_f1",
    "f1_delta_ci_a.macro_f1": "the same",
    "diag2x2_ci_19_1_0_30.diagnostic_odds_ratio": "infinite here with a lower limit; epiR gives none at an empty cell",
    "diag2x2_ci_19_1_0_30.lr_neg.high": "epiR gives none beside an empty cell; ours is the exact one-sided limit",
}
"""Figures that are not compared, by "case.key" (a prefix will do), and why."""


def modules():
    here = Path(__file__).parent
    for path in sorted(here.glob("test_*.py")):
        if path == Path(__file__) or "golden.registry()" not in path.read_text():
            continue
        spec = importlib.util.spec_from_file_location(f"golden_of_{path.stem}", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield module


def leaves(tree, prefix=""):
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from leaves(value, f"{prefix}.{key}")
    elif isinstance(tree, list | tuple) and any(isinstance(v, dict) for v in tree):
        for i, value in enumerate(tree):
            yield from leaves(value, f"{prefix}[{i}]")
    else:
        yield prefix.lstrip(".")


IN_FILES_OF_THEIR_OWN = {"net_benefit_cancerpredmarker_raw", "selective_risk_coverage_a"}
"""Whole cases that test_curves.py compares."""
ASSERTED: dict[str, list] = {}
for module in modules():
    for name, function in module.ASSERTED.items():
        ASSERTED.setdefault(name, []).append(function)
FOLDER = os.environ.get("CUTLINE_GOLDEN")
NAMES = sorted({*golden.names(), *(path.stem for path in Path(FOLDER).glob("*.json"))} if FOLDER else golden.names())
NAMES = [name for name in NAMES if name not in IN_FILES_OF_THEIR_OWN]


def test_every_case_is_asserted():
    assert set(NAMES) <= set(ASSERTED)
    if FOLDER:
        assert set(NAMES) == set(ASSERTED)


@pytest.mark.parametrize("name", NAMES)
def test_every_figure_is_compared(name):
    case = golden.case(name)
    got = {leaf for function in ASSERTED[name] for leaf in leaves(function(case))}
    missing = {
        leaf
        for leaf in leaves(case["expected"])
        if leaf not in got and not any(f"{name}.{leaf}".startswith(listed) for listed in NOT_OURS)
    }
    assert not missing


def test_what_is_listed_is_there():
    for listed in NOT_OURS:
        name = max((n for n in NAMES if listed.startswith(n)), key=len, default=None)
        if FOLDER:
            assert name is not None, listed
