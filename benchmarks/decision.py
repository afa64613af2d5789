"""Thresholds with a guarantee: how often there is one, what it is worth, how long it takes; MAPIE where installed.

Run with ``make bench``; written to benchmarks/results/decision.txt. Negatives are N(0, 1), positives N(d, 1), a fifth
of the rows is positive; asked is precision >= 0.7 with 90 % confidence. ``python benchmarks/decision.py 200`` makes
200 runs.
"""

from __future__ import annotations

import datetime
import importlib.metadata
import math
import os
import platform
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from scipy.special import ndtr

import cutline as cl

try:
    from mapie.risk_control import BinaryClassificationController
except ImportError:
    BinaryClassificationController = None

LINES: list[str] = []
PREVALENCE, BOUND, CONFIDENCE = 0.2, 0.7, 0.9
METHODS = ("bonferroni_holm", "fixed_sequence", "split_fixed_sequence")
FINE = np.linspace(0, 0.999, 600)
POLICY = cl.maximize(cl.recall, subject_to=[cl.precision >= BOUND], confidence=CONFIDENCE)


def say(text: str = "") -> None:
    LINES.append(text)
    print(text, flush=True)


def drawn(rng: np.random.Generator, n: int, d: float) -> tuple[np.ndarray, np.ndarray]:
    """Truth and calibrated probability."""
    y = rng.random(n) < PREVALENCE
    z = rng.normal(size=n) + d * y
    return y, 1 / (1 + np.exp(-(d * z - d * d / 2 + math.log(PREVALENCE / (1 - PREVALENCE)))))


def scores(y: np.ndarray, p: np.ndarray) -> cl.Scores:
    return cl.Scores(y_true=y, y_score=p, kind="probability")


def truth(at: float, d: float) -> tuple[float, float]:
    """Recall and precision of a cut in the population."""
    z = (math.log(at / (1 - at)) - math.log(PREVALENCE / (1 - PREVALENCE)) + d * d / 2) / d
    hit, false = float(ndtr(d - z)), float(ndtr(-z))
    return hit, PREVALENCE * hit / (PREVALENCE * hit + (1 - PREVALENCE) * false)


def ours(tune: Any, held: Any) -> float | None:
    try:
        return POLICY.choose(scores(*tune), certify=scores(*held)).threshold
    except cl.errors.NoFeasibleThreshold:
        return None


def alone(tune: Any, held: Any) -> float | None:
    """All rows in one set, split by the policy itself."""
    try:
        return POLICY.choose(scores(np.append(tune[0], held[0]), np.append(tune[1], held[1]))).threshold
    except cl.errors.NoFeasibleThreshold:
        return None


def mapie(method: str, tune: Any, held: Any, grid: np.ndarray | None = None) -> float | None:
    """Methods without an order to learn certify on all rows, as MAPIE means them."""
    about = {} if grid is None else {"list_predict_params": grid}
    controller = BinaryClassificationController(
        lambda x: np.column_stack([1 - x[:, 0], x[:, 0]]),
        "precision",
        BOUND,
        confidence_level=CONFIDENCE,
        fwer_method=method,
        **about,
    )
    if method == "split_fixed_sequence":
        controller.learn_fixed_sequence_order(tune[1][:, None], tune[0].astype(int))
        controller.calibrate(held[1][:, None], held[0].astype(int))
    else:
        controller.calibrate(np.append(tune[1], held[1])[:, None], np.append(tune[0], held[0]).astype(int))
    return controller.best_predict_param


def best_start(d: float, held: Any) -> dict[str, float | None]:
    """Fixed sequences from fixed starts: the best of them knows the population, which nobody does."""
    y, p = held
    order = np.sort(p[y]), np.sort(p[~y])
    found: dict[str, float | None] = {}
    for start in np.arange(0.4, 3.6, 0.2):
        z = np.arange(start, -1, -0.02)
        at = 1 / (1 + np.exp(-(d * z - d * d / 2 + math.log(PREVALENCE / (1 - PREVALENCE)))))
        tp, fp = (len(side) - np.searchsorted(side, at) for side in order)
        from scipy.special import bdtrc

        p_value = np.where(tp > 0, bdtrc(np.maximum(tp, 1) - 1.0, np.maximum(tp + fp, 1), BOUND), 1.0)
        stop = int(np.argmax(p_value > 1 - CONFIDENCE)) if (p_value > 1 - CONFIDENCE).any() else len(at)
        found[f"{start:.1f}"] = float(at[stop - 1]) if stop else None
    return found


def power(runs: int, distances: tuple[float, ...]) -> None:
    say(
        f"\nGuaranteed precision >= {BOUND:g}, 1,000 rows tune and 1,000 certify, {runs:,} seeded runs "
        f"(mean +- standard error)."
    )
    say("'best start' is the best of fixed starts a fixed sequence could have had, picked by knowing the population.")
    say("MAPIE's methods without an order to learn certify on all 2,000 rows, on their own grid of 100 probabilities.")
    say(f"{'d':>4}  {'':<34}{'certified':>18}{'mean recall':>20}{'violations':>20}")
    for d in distances:
        kept: dict[str, list[tuple[float, float, float]]] = {}

        def keep(name: str, at: float | None, d: float = d, kept: Any = kept) -> None:
            recall, precision = (0.0, 1.0) if at is None else truth(min(max(at, 1e-12), 1 - 1e-12), d)
            kept.setdefault(name, []).append((float(at is not None), recall, float(precision < BOUND)))

        peer_runs = min(runs, 100)
        for seed in range(runs):
            rng = np.random.default_rng([seed, round(100 * d)])
            tune, held = drawn(rng, 1000, d), drawn(rng, 1000, d)
            keep("cutline", ours(tune, held))
            keep("cutline, own split of the 2,000", alone(tune, held))
            for start, at in best_start(d, held).items():
                keep(f"start {start}", at)
            if BinaryClassificationController is not None and seed < peer_runs:
                for method in METHODS:
                    keep(f"MAPIE {method} ({peer_runs} runs)", mapie(method, tune, held))
        figures = {name: np.array(rows) for name, rows in kept.items()}
        starts = [name for name in figures if name.startswith("start")]
        best = max(starts, key=lambda name: figures[name][:, 1].mean())
        shown = [
            "cutline",
            best,
            "cutline, own split of the 2,000",
            *(name for name in figures if name.startswith("MAPIE")),
        ]
        for name in shown:
            rows = figures[name]
            error = rows.std(axis=0) / math.sqrt(len(rows))
            cells = "".join(f"{m:>12.4f} +- {e:.4f}" for m, e in zip(rows.mean(axis=0), error, strict=True))
            say(f"{d:>4}  {'best ' + name if name == best else name:<34}{cells}")


def seconds(call: Callable[[], object], repeat: int) -> float:
    best = math.inf
    for _ in range(repeat):
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    return best


def speed() -> None:
    if BinaryClassificationController is None:
        say("\nMAPIE is not installed: no comparison of speed")
        return
    say(
        "\nTime from arrays to a certified threshold, milliseconds; ratios: MAPIE / cutline. 'fine' gives MAPIE as many"
    )
    say(f"thresholds as cutline tests ({len(FINE)}). cutline splits the rows itself.")
    say(f"{'rows':>10}{'cutline':>10}" + "".join(f"{m:>30}" for m in (*METHODS, "bonferroni_holm, fine")))
    for n in (2000, 100_000, 1_000_000):
        rng = np.random.default_rng(0)
        tune, held = drawn(rng, n // 2, 1.7), drawn(rng, n // 2, 1.7)
        repeat = 5 if n < 1_000_000 else 2
        mine = seconds(lambda: alone(tune, held), 5)  # noqa: B023
        cells = []
        for method in METHODS:
            took = seconds(lambda: mapie(method, tune, held), repeat)  # noqa: B023
            cells.append(f"{1000 * took:>20.1f} {took / mine:>8.0f}x")
        took = seconds(lambda: mapie("bonferroni_holm", tune, held, FINE), 1)  # noqa: B023
        cells.append(f"{1000 * took:>20.1f} {took / mine:>8.0f}x")
        say(f"{n:>10,}{1000 * mine:>10.1f}" + "".join(cells))


def searches(n: int = 1_000_000) -> None:
    y, p = drawn(np.random.default_rng(0), n, 1.7)
    known = scores(y, p)
    sort = seconds(lambda: cl.ThresholdTable.from_scores(known).tp, 5)
    say(
        f"\nThreshold search at n = {n:,}: cross-fitting, plateau and guarantee included. "
        f"Sort and sweep: {1000 * sort:.0f} ms"
    )
    say(f"{'policy':<72}{'all, ms':>9}{'after the sort':>16}")
    asked = [
        cl.maximize(cl.f1),
        cl.maximize(cl.mcc),
        cl.maximize(cl.informedness),
        cl.maximize(cl.net_benefit(0.3)),
        cl.minimize(cl.cost(fp=1, fn=5)),
        cl.minimize(cl.cost(fp=1, fn=5, abstain=0.5)),
        cl.capacity(rate=0.01),
        cl.maximize(cl.recall, subject_to=[cl.precision >= 0.7]),
        cl.minimize(cl.cost(fp=1, fn=5), subject_to=[cl.fpr <= 0.05, cl.recall >= 0.3]),
        POLICY,
        cl.maximize(cl.recall, subject_to=[cl.fpr <= 0.05], confidence=0.9),
        cl.maximize(cl.precision, subject_to=[cl.recall >= 0.8], confidence=0.9),
        cl.maximize(cl.recall, subject_to=[cl.precision >= 0.7, cl.fpr <= 0.1], confidence=0.9),
    ]
    for policy in asked:
        took = seconds(lambda: policy.choose(known), 3)  # noqa: B023
        say(f"{policy!s:<72}{1000 * took:>9.0f}{1000 * max(took - sort, 0):>16.0f}")
    rng = np.random.default_rng(0)
    k = 10
    prior = np.arange(1, k + 1.0) ** 1.5
    prior /= prior.sum()
    code = rng.choice(k, size=n, p=prior)
    z = rng.normal(size=(n, k)) + np.log(prior)
    z[np.arange(n), code] += 2
    wide = cl.Scores(y_true=code, y_score=z, kind="logit", classes=range(k))
    say(f"\nWeights of {k} classes at n = {n:,}, seconds")
    for policy in (
        cl.maximize(cl.macro(cl.f1)),
        cl.maximize(cl.balanced_accuracy),
        cl.maximize(cl.macro(cl.f1), subject_to=[(cl.recall >= 0.6).of(0)]),
        cl.maximize(cl.accuracy, subject_to=[(cl.recall >= 0.6).of(0)], confidence=0.9),
    ):
        say(f"{policy!s:<72}{seconds(lambda: policy.choose(wide), 1):>9.1f}")  # noqa: B023


if __name__ == "__main__":
    warnings.filterwarnings("ignore", module="mapie")
    runs = int(float(sys.argv[1])) if len(sys.argv) > 1 else 2000
    peer = "" if BinaryClassificationController is None else f"  MAPIE {importlib.metadata.version('mapie')}"
    say(
        f"{datetime.date.today()}  {os.cpu_count()} cores  Python {platform.python_version()}  "
        f"numpy {np.__version__}{peer}"
    )
    searches()
    speed()
    power(runs, (1.7,))
    power(runs // 4, (1.0, 1.3, 1.5, 2.0, 2.5))
    Path(__file__).with_name("results").joinpath("decision.txt").write_text("\n".join(LINES) + "\n")
