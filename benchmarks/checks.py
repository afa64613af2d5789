"""What the checks inside `evaluate` add at a million rows.

Run with ``make bench``; written to benchmarks/results/checks.txt. The same scores are evaluated with and without
checks, in turns; the best of each is taken, in CPU time, which other work on the machine changes less, and by the wall
clock.
"""

from __future__ import annotations

import datetime
import os
import platform
import time
from pathlib import Path

import numpy as np

import cutline as cl

RUNS = 15
ROWS = 1_000_000
BAR = 30.0
"""Milliseconds they may add."""
LINES: list[str] = []


def say(text: str = "") -> None:
    LINES.append(text)
    print(text, flush=True)


def processor() -> str:
    try:
        return next(line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


def cases() -> dict[str, tuple[cl.Scores, dict[str, float]]]:
    """Scores that are clean, and some that are not, so that every part of a check runs."""
    rng = np.random.default_rng(0)
    z = rng.normal(-2, 1.6, ROWS)
    p = 1 / (1 + np.exp(-z))
    y = rng.uniform(size=ROWS) < p
    raw = rng.normal(size=(ROWS, 4))
    shares = np.exp(raw) / np.exp(raw).sum(axis=1, keepdims=True)
    codes = (shares.cumsum(axis=1) < rng.uniform(size=(ROWS, 1))).sum(axis=1)

    def two(score: np.ndarray, **more: np.ndarray) -> cl.Scores:
        return cl.Scores(y_true=y, y_score=score, positive=True, kind="probability", **more)

    table = cl.ThresholdTable.from_scores(two(p))
    best = float(table.thresholds[np.nanargmax(cl.f1.value(table))])
    four = cl.Scores(y_true=codes, y_score=shares, kind="probability")
    rotated = cl.Scores(y_true=codes, y_score=shares[:, [1, 2, 3, 0]], kind="probability")
    return {
        "two classes": (two(p), {}),
        "two classes, float32": (two(p.astype(np.float32)), {}),
        "two classes, weighted rows": (two(p, weight=rng.gamma(3, size=ROWS)), {}),
        "the best threshold of these rows": (two(p), {"threshold": best}),
        "class weights": (two(3 * p / (3 * p + 1 - p)), {}),
        "P of the other class": (two(1 - p), {}),
        "a sigmoid twice": (two(1 / (1 + np.exp(-p))), {}),
        "four classes": (four, {}),
        "four classes, rotated columns": (rotated, {}),
    }


def best_of(scores: cl.Scores, about: dict[str, float]) -> tuple[list[float], tuple[str, ...]]:
    """CPU and wall milliseconds without and with checks, and what was found."""
    least = {checks: [np.inf, np.inf] for checks in (False, True)}
    for _ in range(RUNS):
        for checks in (False, True):
            cpu, wall = time.process_time(), time.perf_counter()
            found = cl.evaluate(scores, checks=checks, **about)
            spent = (time.process_time() - cpu, time.perf_counter() - wall)
            least[checks] = [min(a, 1_000 * b) for a, b in zip(least[checks], spent, strict=True)]
    return [*least[False], *least[True]], found.findings.codes


def main() -> None:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    say(
        f"{datetime.date.today()}  {processor()}, {cores} of {os.cpu_count()} cores  "
        f"Python {platform.python_version()}  numpy {np.__version__}"
    )
    say(f"\n`evaluate` of {ROWS:,} rows without and with checks, best of {RUNS}, in milliseconds; bar: {BAR:g} more")
    say(f"{'scores':<34}{'CPU':>8}{'with':>8}{'added':>8}{'wall':>9}{'with':>8}{'added':>8}  found")
    for name, (scores, about) in cases().items():
        (cpu, wall, more_cpu, more_wall), codes = best_of(scores, about)
        say(
            f"{name:<34}{cpu:>8.1f}{more_cpu:>8.1f}{more_cpu - cpu:>8.1f}"
            f"{wall:>9.1f}{more_wall:>8.1f}{more_wall - wall:>8.1f}  {', '.join(codes) or '-'}"
        )
    (Path(__file__).parent / "results" / "checks.txt").write_text("\n".join(LINES) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
