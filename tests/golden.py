"""Reads the golden cases: numbers that other software or published tables gave, never this project.

Each ``golden/*.json`` has inputs, params, expected, a tolerance and its source (software and version). The data sets
beside them are seeded synthetic draws or cross-validated probabilities on scikit-learn's own sets. Cases on data that
the repository may not carry are read from the folder that the environment variable CUTLINE_GOLDEN names.
"""

from __future__ import annotations

import csv
import json
import math
import os
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).with_name("golden")


def registry():
    """A dictionary of case name to function, and the decorator that fills it.

    The function of a case takes it and computes what it expects, as far as the file's subject goes.
    """
    asserted = {}

    def asserts(*names):
        def register(function):
            for name in names:
                assert name not in asserted
                asserted[name] = function
            return function

        return register

    return asserted, asserts


def names():
    return sorted(path.stem for path in HERE.glob("*.json"))


def case(name):
    path = HERE / f"{name}.json"
    if not path.exists():
        folder = os.environ.get("CUTLINE_GOLDEN")
        if not folder:
            pytest.skip("CUTLINE_GOLDEN names no folder with cases on third-party data")
        path = Path(folder) / f"{name}.json"
    found = json.loads(path.read_text())
    if "csv" in found["inputs"]:
        found["data"] = table(path.with_name(found["inputs"]["csv"]))
    return found


def table(path):
    """Columns by name: numbers where all cells are numbers, else strings."""
    with path.open(newline="") as file:
        header, *rows = csv.reader(file)
    columns = {name: np.array(cells) for name, cells in zip(header, zip(*rows, strict=True), strict=True)}
    for name, cells in columns.items():
        try:
            columns[name] = cells.astype(float)
        except ValueError:
            continue
    return columns


def compare(found, got):
    """Hold every key of `got` against the expected one by the case's own rule: abs + rel * |expected|, per key."""
    assert got, f"{found['name']}: nothing is compared"
    _compare(found["expected"], got, found["tolerance"], found["name"])


def _compare(expected, got, tolerance, where, key=""):
    if isinstance(got, dict):
        for k, value in got.items():
            assert k in expected, f"{where}: no expected value named {k}"
            _compare(expected[k], value, tolerance, f"{where}.{k}", k if k in tolerance.get("per_key", {}) else key)
    elif isinstance(got, list | tuple):
        assert len(got) == len(expected), where
        for i, (e, g) in enumerate(zip(expected, got, strict=True)):
            _compare(e, g, tolerance, f"{where}[{i}]", key)
    elif expected is None:
        assert got is None or math.isnan(got), f"{where}: undefined was expected, {got} came"
    else:
        expected = math.inf if expected == "inf" else expected
        allowed = tolerance.get("per_key", {}).get(key, tolerance.get("abs", 0.0))
        allowed += tolerance.get("rel", 0.0) * abs(expected)
        assert got == expected or abs(got - expected) <= allowed, f"{where}: {got} is not {expected} +- {allowed}"
