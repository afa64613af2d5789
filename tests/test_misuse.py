"""The misuse benchmark's public programs: each mistake is named, and nothing is said of the right ones."""

from __future__ import annotations

import os

import pytest

os.environ.setdefault("KERAS_BACKEND", "jax")
pytest.importorskip("keras")
pytest.importorskip(os.environ["KERAS_BACKEND"])

from benchmarks.misuse import figures, order, outputs, tables, truth  # noqa: F401  (their cases are taken in)
from benchmarks.misuse.case import PUBLIC, Case, listen


@pytest.mark.parametrize("each", PUBLIC, ids=lambda each: f"{each.codes[0]} {each.make.__name__}")
def test_the_wrong_program_is_named_and_the_right_one_is_left_alone(each: Case):
    wrong = listen(each.make(True)["cutline"])
    assert set(each.codes) & set(wrong.codes), wrong.said
    assert listen(each.make(False)["cutline"]).said == ()
