"""The simulations of `tests/coverage.py`, with fewer runs: what they assert is what `make coverage` prints."""

from __future__ import annotations

import pytest

from tests import coverage


def test_the_tally_counts_what_it_says():
    tally = coverage.Tally(given=30, covered=27, runs=40)
    line = coverage.averaged("x", {"m": [("cell", tally)]})[0]
    assert not line.holds  # 0.9 on average is too little
    good = coverage.Tally(given=100, covered=95, runs=100)
    assert coverage.averaged("x", {"m": [("cell", good)]})[0].holds
    bad = coverage.Tally(given=1000, covered=850, runs=1000)
    assert not coverage.averaged("x", {"m": [("a", good)] * 9 + [("b", bad)]})[0].holds
    assert "0.850" in coverage.averaged("x", {"m": [("a", good), ("b", bad)]})[0].figures


@pytest.mark.slow
def test_coverage():
    lines = coverage.table(coverage.simulate(120), 120)
    assert not [f"{line.section}: {line.name}: {line.figures}" for line in lines if not line.holds]
