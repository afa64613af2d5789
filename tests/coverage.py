"""Do intervals cover, guarantees hold, tests keep their level? Seeded simulations over a grid fixed beforehand.

``make coverage`` runs all and writes docs/coverage.md; ``python -m tests.coverage 200`` makes 200 runs a cell. The grid
below was committed before the first run. An interval is counted where its `Estimate` says "ok" or "degenerate"; the
share of runs in which it says "undefined" or "insufficient" stands beside it.
"""

from __future__ import annotations

import datetime
import itertools
import math
import sys
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import expit, ndtr, ndtri
from scipy.stats import norm

import cutline as cl
from cutline.metrics import Counts, find

SIZES, RATES, AREAS = (50, 200, 1000), (0.05, 0.2, 0.5), (0.75, 0.9, 0.95)
GRID = tuple(itertools.product(SIZES, RATES, AREAS))
RUNS = 400
SLOW = ("ks", "partial_auc_fpr_0_0.2", "brier_skill", "log_loss_skill", "average_precision")
"""Bootstrapped: these get half of the runs."""
COUNTED = (
    "accuracy", "precision", "recall", "specificity", "npv", "fpr", "fnr", "fdr", "flagged_rate", "error_rate",
    "prevalence", "f1", "f2", "jaccard", "mcc", "cohen_kappa", "balanced_accuracy", "informedness", "markedness",
    "g_mean",
    "fowlkes_mallows", "positive_likelihood_ratio", "negative_likelihood_ratio", "diagnostic_odds_ratio", "lift",
    "precision_at_prevalence_0.1", "npv_at_prevalence_0.1", "net_benefit_0.2",
)  # fmt: skip
RANKED = ("roc_auc", "gini", "average_precision", "ks", "partial_auc_fpr_0_0.2")
PROBABILITIES = ("log_loss", "brier", "prediction_bias", "brier_skill", "log_loss_skill")
SEVERAL = ("accuracy", "balanced_accuracy", "macro_f1", "micro_f1", "weighted_recall", "mcc", "cohen_kappa",
           "macro_roc_auc", "hand_till", "log_loss", "brier", "top_2_accuracy")  # fmt: skip
SEVERAL_SIZES = (200, 1000)
CLUSTERED = ("accuracy", "recall", "precision", "f1", "roc_auc", "brier", "log_loss", "mcc", "average_precision")
CLUSTERS = (15, 40, 100)
EXACT_LEVEL = 0.95


@dataclass(frozen=True)
class Population:
    """Negatives N(0, 1), positives N(d, 1); calibrated probabilities; the cut is half way."""

    rate: float
    area: float

    @property
    def d(self) -> float:
        return math.sqrt(2) * float(ndtri(self.area))

    @property
    def cut(self) -> float:
        return float(expit(math.log(self.rate / (1 - self.rate))))

    def probability(self, z: Any) -> Any:
        return expit(self.d * z - self.d**2 / 2 + math.log(self.rate / (1 - self.rate)))

    def drawn(self, n: int, rng: np.random.Generator) -> cl.Scores:
        y = rng.random(n) < self.rate
        p = self.probability(rng.normal(size=n) + self.d * y)
        return cl.Scores(y_true=y, y_score=p, classes=[False, True], kind="probability")

    def truth(self, name: str) -> float:
        """The figure in the population."""
        se = float(ndtr(self.d / 2))
        cells = Counts(self.rate * se, (1 - self.rate) * (1 - se), self.rate * (1 - se), (1 - self.rate) * se)
        if name in COUNTED:
            return float(find(name).value(cells))
        z = np.linspace(-9, 9 + self.d, 400_001)
        tpr, fpr = ndtr(self.d - z), ndtr(-z)
        if name == "roc_auc":
            return self.area
        if name == "gini":
            return 2 * self.area - 1
        if name == "ks":
            return 2 * se - 1
        if name == "average_precision":
            precision = self.rate * tpr / (self.rate * tpr + (1 - self.rate) * fpr)
            return float(np.trapezoid(precision[::-1], tpr[::-1]))
        if name.startswith("partial_auc"):
            high = 0.2
            x = np.linspace(0, high, 200_001)
            area = float(np.trapezoid(ndtr(self.d + ndtri(np.maximum(x, 1e-300))), x))
            low = high**2 / 2
            return (1 + (area - low) / (high - low)) / 2
        density = self.rate * norm.pdf(z - self.d) + (1 - self.rate) * norm.pdf(z)
        p = self.probability(z)
        loss = {
            "log_loss": -(p * np.log(p) + (1 - p) * np.log1p(-p)),
            "brier": p * (1 - p),
            "prediction_bias": 0 * p,
        }
        base = {"log_loss": -(self.rate * math.log(self.rate) + (1 - self.rate) * math.log(1 - self.rate))}
        base["brier"] = self.rate * (1 - self.rate)
        kind = name.removesuffix("_skill")
        value = float(np.trapezoid(density * loss[kind], z))
        return 1 - value / base[kind] if name.endswith("_skill") else value


@dataclass
class Tally:
    """How often an interval was given, and how often it covered."""

    given: int = 0
    covered: int = 0
    runs: int = 0

    def add(self, estimate: Any, truth: float) -> None:
        self.runs += 1
        low, high = estimate.interval()
        if estimate.state in ("ok", "degenerate") and not math.isnan(low):
            self.given += 1
            self.covered += low - 1e-12 <= truth <= high + 1e-12

    @property
    def share(self) -> float:
        return self.covered / self.given if self.given else math.nan


def cell(n: int, rate: float, area: float, runs: int) -> dict[str, Tally]:
    """All binary intervals in one cell of the grid."""
    population = Population(rate, area)
    names = (*COUNTED, *RANKED, *PROBABILITIES)
    truth = {name: population.truth(name) for name in names}
    found = {name: Tally() for name in names}
    for run in range(runs):
        rng = np.random.default_rng([run, n, round(100 * rate), round(100 * area)])
        s = population.drawn(n, rng)
        table = cl.ThresholdTable.from_scores(s)
        for name in names:
            if name in SLOW and run % 2:
                continue
            metric = find(name)
            at = population.cut if metric.of_counts else None
            found[name].add(cl.estimate(metric, s, at=at, table=table, seed=run), truth[name])
    return found


def several(n: int, runs: int) -> dict[str, Tally]:
    """Three unequal classes."""

    def drawn(n: int, rng: np.random.Generator) -> cl.Scores:
        prior = np.array([0.6, 0.3, 0.1])
        y = rng.choice(3, size=n, p=prior)
        z = rng.normal(size=(n, 3)) + 1.5 * np.eye(3)[y] + np.log(prior)
        return cl.Scores(y_true=y, y_score=np.exp(z) / np.exp(z).sum(axis=1, keepdims=True), classes=range(3))

    whole = drawn(1_000_000, np.random.default_rng(99))
    truth = {name: float(find(name).value(whole)) for name in SEVERAL}
    found = {name: Tally() for name in SEVERAL}
    for run in range(runs):
        s = drawn(n, np.random.default_rng([run, n]))
        for name in SEVERAL:
            found[name].add(cl.estimate(find(name), s, seed=run), truth[name])
    return found


def clustered(groups: int, runs: int) -> dict[str, Tally]:
    """Clusters of 2 to 18 rows that share a random effect in truth and in score."""

    def drawn(groups: int, rng: np.random.Generator) -> cl.Scores:
        size = rng.integers(2, 19, groups)
        member = np.repeat(np.arange(groups), size)
        effect, tilt = rng.normal(size=(2, groups))
        y = rng.random(len(member)) < expit(-0.8 + effect[member])
        p = expit(rng.normal(size=len(member)) + 1.6 * y - 1.2 + 0.7 * tilt[member])
        return cl.Scores(y_true=y, y_score=p, classes=[False, True], kind="probability", groups=member)

    whole = drawn(200_000, np.random.default_rng(98))
    whole = cl.Scores(y_true=whole.truth, y_score=whole.score, classes=[0, 1], kind="probability")
    truth = {name: float(find(name).value(whole, at=0.5 if find(name).of_counts else None)) for name in CLUSTERED}
    found = {name: Tally() for name in CLUSTERED}
    for run in range(runs):
        s = drawn(groups, np.random.default_rng([run, groups]))
        for name in CLUSTERED:
            at = 0.5 if find(name).of_counts else None
            found[name].add(cl.estimate(find(name), s, at=at, seed=run), truth[name])
    return found


# --- guarantees -----------------------------------------------------------------------------------------------------

WORLD = Population(0.3, 0.87)
POLICIES: dict[str, tuple[cl.Policy, int]] = {
    "precision >= 0.7": (cl.maximize(cl.recall, subject_to=[cl.precision >= 0.7], confidence=0.9), 600),
    "precision >= 0.7, few rows": (cl.maximize(cl.recall, subject_to=[cl.precision >= 0.7], confidence=0.9), 120),
    "fpr <= 0.1 (umbrella)": (cl.maximize(cl.recall, subject_to=[cl.fpr <= 0.1], confidence=0.9), 300),
    "fpr <= 0.1, aim F1 (umbrella)": (cl.maximize(cl.f1, subject_to=[cl.fpr <= 0.1], confidence=0.9), 300),
    "recall >= 0.8 (umbrella)": (cl.maximize(cl.precision, subject_to=[cl.recall >= 0.8], confidence=0.9), 200),
    "npv >= 0.9": (cl.maximize(cl.specificity, subject_to=[cl.npv >= 0.9], confidence=0.9), 400),
    "accuracy >= 0.75": (cl.maximize(cl.recall, subject_to=[cl.accuracy >= 0.75], confidence=0.9), 400),
    "fpr <= 0.2 and precision >= 0.6": (
        cl.maximize(cl.recall, subject_to=[cl.fpr <= 0.2, cl.precision >= 0.6], confidence=0.9),
        600,
    ),
    "flagged_rate <= 0.2": (cl.maximize(cl.recall, subject_to=[cl.flagged_rate <= 0.2], confidence=0.9), 400),
    "cost with precision >= 0.6": (
        cl.minimize(cl.cost(fp=1, fn=9), subject_to=[cl.precision >= 0.6], confidence=0.8),
        500,
    ),
}


def guarantee(name: str, runs: int) -> tuple[int, int, int, float]:
    """Runs, certificates, violations in the population, and the share of violations that is allowed."""
    policy, n = POLICIES[name]
    assert policy.confidence is not None
    certified = violated = 0
    for run in range(runs):
        s = WORLD.drawn(n, np.random.default_rng([run, n]))
        try:
            point = policy.choose(s, seed=run)
        except cl.errors.NoFeasibleThreshold:
            continue
        certified += 1
        assert point.threshold is not None
        z = (np.log(point.threshold / (1 - point.threshold)) - math.log(0.3 / 0.7) + WORLD.d**2 / 2) / WORLD.d
        se, fpr = float(ndtr(WORLD.d - z)), float(ndtr(-z))
        cells = Counts(0.3 * se, 0.7 * fpr, 0.3 * (1 - se), 0.7 * (1 - fpr))
        violated += not all(bool(c.holds(c.metric.value(cells))) for c in policy.subject_to)
    return runs, certified, violated, 1 - policy.confidence


def selective_guarantee(runs: int) -> tuple[int, int, int, float]:
    """The error rate among the rows that are decided."""
    policy = cl.maximize(cl.coverage, subject_to=[cl.selective_risk <= 0.1], confidence=0.9)
    certified = violated = 0
    z = np.linspace(-9, 9 + WORLD.d, 200_001)
    p = WORLD.probability(z)
    sure = np.maximum(p, 1 - p)
    density = 0.3 * norm.pdf(z - WORLD.d) + 0.7 * norm.pdf(z)
    for run in range(runs):
        try:
            point = policy.choose(WORLD.drawn(400, np.random.default_rng([run, 7])), seed=run)
        except cl.errors.NoFeasibleThreshold:
            continue
        certified += 1
        kept = density * (sure >= point.rule.least)
        violated += float((kept * (1 - sure)).sum() / kept.sum()) > 0.1
    return runs, certified, violated, 0.1


def exact(runs: int) -> Iterator[tuple[str, Tally]]:
    """Clopper-Pearson on the grid of sizes, for proportions from rare to common."""
    from cutline.evidence import clopper_pearson

    for n, rate in itertools.product((5, 20, *SIZES), (0.01, *RATES, 0.95)):
        tally = Tally()
        for k in np.random.default_rng([n, round(100 * rate)]).binomial(n, rate, 20 * runs).tolist():
            low, high = clopper_pearson(k, n, EXACT_LEVEL)
            tally.runs += 1
            tally.given += 1
            tally.covered += low <= rate <= high
        yield f"Clopper-Pearson, n = {n}, p = {rate}", tally


# --- tests under their null -----------------------------------------------------------------------------------------


def two_models(n: int, rng: np.random.Generator, clusters: bool) -> dict[str, cl.Scores]:
    """Two equally good models on the same rows, positively related; in clusters of 8 if asked."""
    member = np.arange(n) // 8
    effect = rng.normal(size=(3, n))[:, member] * 0.8 if clusters else np.zeros((3, n))
    y = rng.random(n) < expit(-0.5 + effect[0])
    common = rng.normal(size=n)
    models = {}
    for k, name in enumerate(("a", "b")):
        z = 0.7 * common + 0.7 * rng.normal(size=n) + 1.3 * y + 0.5 * effect[k + 1]
        groups = member if clusters else None
        models[name] = cl.Scores(
            y_true=y, y_score=expit(z - 1), classes=[False, True], kind="probability", groups=groups
        )
    return models


COMPARED = ("roc_auc", "accuracy", "log_loss", "brier", "f1", "precision", "average_precision")


def compared(metric: str, clusters: bool, runs: int) -> tuple[int, int]:
    """Runs, and how many find a difference between equals at 5 %."""
    rejected = 0
    for run in range(runs):
        models = two_models(240, np.random.default_rng([run, 11]), clusters)
        at = 0.5 if find(metric).of_counts else None
        found = cl.compare(models, find(metric), at=at, replicates=400, seed=run)
        rejected += found.differences[0].p <= 0.05
    return runs, rejected


def calibrated(name: str, clusters: bool, runs: int) -> tuple[int, int]:
    """Tests of calibration on rows whose truth follows the probabilities."""
    from cutline.calibration import cox_line, hosmer_lemeshow, in_the_large, spiegelhalter

    rejected = 0
    for run in range(runs):
        rng = np.random.default_rng([run, 12])
        p = rng.beta(1, 2, 300)
        member = np.arange(300) // 6
        if clusters:  # rows of a cluster share the draw: truth follows p, but not independently
            p = p[member * 6]
            u = rng.random(50)[member]
            y = np.where(rng.random(300) < 0.5, u < p, rng.random(300) < p)
        else:
            y = rng.random(300) < p
        s = cl.Scores(
            y_true=y, y_score=p, classes=[False, True], kind="probability", groups=member if clusters else None
        )
        if name == "bias":
            low, high = in_the_large(s).bias.interval()
            rejected += not low <= 0 <= high
        else:
            kinds: dict[str, Callable[[cl.Scores], Any]] = {
                "intercept and slope": lambda s: cox_line(s).test,
                "Spiegelhalter": spiegelhalter,
                "Hosmer-Lemeshow": lambda s: hosmer_lemeshow(s).test,
            }
            rejected += kinds[name](s).p <= 0.05
    return runs, rejected


# --- all of it ------------------------------------------------------------------------------------------------------


@dataclass
class Line:
    """One line of the table: what was simulated, the figure, what is allowed, whether it holds."""

    section: str
    name: str
    figures: str
    holds: bool


def jobs(runs: int) -> dict[Any, tuple[Callable[..., Any], tuple[Any, ...]]]:
    """Everything that is simulated, by key."""
    found: dict[Any, tuple[Callable[..., Any], tuple[Any, ...]]] = {("grid", *c): (cell, (*c, runs)) for c in GRID}
    found |= {("several", n): (several, (n, runs)) for n in SEVERAL_SIZES}
    found |= {("clusters", g): (clustered, (g, runs)) for g in CLUSTERS}
    found |= {("guarantee", name): (guarantee, (name, 2 * runs)) for name in POLICIES}
    found["guarantee", "selective risk <= 0.1"] = (selective_guarantee, (2 * runs,))
    found |= {("compare", m, c): (compared, (m, c, runs)) for m in COMPARED for c in (False, True)}
    tests = ("bias", "intercept and slope", "Spiegelhalter", "Hosmer-Lemeshow")
    found |= {
        ("calibration", t, c): (calibrated, (t, c, 2 * runs))
        for t in tests
        for c in (False, True)
        if not c or t in tests[:2]
    }
    return found


def simulate(runs: int, workers: int = 2) -> dict[Any, Any]:
    """Every job, on as many processes as there are cores."""
    asked = jobs(runs)
    with ProcessPoolExecutor(workers) as pool:
        futures = {key: pool.submit(_quiet, function, given) for key, (function, given) in asked.items()}
        return {key: future.result() for key, future in futures.items()}


def _quiet(function: Callable[..., Any], given: tuple[Any, ...]) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*given)


def averaged(section: str, tallies: dict[str, list[tuple[str, Tally]]]) -> list[Line]:
    """92.5 to 97.5 % on average over the cells, none below 90 (less 3 standard errors of the simulation)."""
    lines = []
    for name, cells in tallies.items():
        given = [(where, t) for where, t in cells if t.given >= 30]
        mean = float(np.mean([t.share for _, t in given])) if given else math.nan
        worst, low = min(
            ((t.share, (where, t)) for where, t in given), key=lambda pair: pair[0], default=(math.nan, None)
        )
        silent = 1 - sum(t.given for _, t in cells) / max(sum(t.runs for _, t in cells), 1)
        slack = 3 * math.sqrt(0.09 / low[1].given) if low else 0.0
        holds = bool(given) and 0.925 <= mean <= 0.975 and worst >= 0.9 - slack
        at = f" ({low[0]}, {low[1].given} runs)" if low else ""
        lines.append(
            Line(section, name, f"mean {mean:.3f}; worst cell {worst:.3f}{at}; no interval {silent:.1%}", holds)
        )
    return lines


def table(found: dict[Any, Any], runs: int) -> list[Line]:
    """What was found, line by line."""
    grids: dict[str, list[tuple[str, Tally]]] = {}
    wide: dict[str, list[tuple[str, Tally]]] = {}
    tight: dict[str, list[tuple[str, Tally]]] = {}
    for key, result in found.items():
        target = {"grid": grids, "several": wide, "clusters": tight}.get(key[0])
        if target is not None:
            where = ", ".join(map(str, key[1:]))
            for name, tally in result.items():
                target.setdefault(name, []).append((where, tally))
    lines = averaged("Approximate 95 % intervals, binary: 27 cells (n, rate, AUC)", grids)
    lines += averaged("Approximate 95 % intervals, three classes (n)", wide)
    lines += averaged("Approximate 95 % intervals, rows in clusters (number of clusters)", tight)
    for name, tally in exact(runs):
        floor = EXACT_LEVEL - 3 * math.sqrt(EXACT_LEVEL * (1 - EXACT_LEVEL) / tally.given)
        lines.append(Line("Exact 95 % intervals", name, f"{tally.share:.4f}", tally.share >= floor))
    for key, result in found.items():
        if key[0] == "guarantee":
            runs_made, certified, violated, delta = result
            allowed = delta + 3 * math.sqrt(delta * (1 - delta) / runs_made)
            figures = f"violated {violated / runs_made:.3f} (delta {delta:g}); certified {certified / runs_made:.2f}"
            lines.append(Line("Guarantees", key[1], figures, violated / runs_made <= allowed))
        if key[0] in ("compare", "calibration"):
            runs_made, rejected = result
            allowed = 0.05 + 3 * math.sqrt(0.05 * 0.95 / runs_made)
            name = f"{key[0]}: {key[1]}{', clusters' if key[2] else ''}"
            lines.append(
                Line(
                    "Tests under their null, 5 %",
                    name,
                    f"rejects {rejected / runs_made:.3f}",
                    rejected / runs_made <= allowed,
                )
            )
    return lines


def markdown(lines: list[Line], runs: int) -> str:
    """The page in docs/."""
    out = [
        "# Do intervals cover, do guarantees hold?",
        "",
        f"Made by `make coverage` on {datetime.date.today()}: {runs:,} seeded runs a cell (half of them for "
        "bootstraps, twice for guarantees and tests of calibration). The grid stands in `tests/coverage.py`; it was "
        "committed before the first run. Asked is: approximate intervals cover 92.5 to 97.5 % on average and no cell "
        "below 90 %; exact ones never below 95 %; guarantees are violated in at most a share delta of runs; tests "
        "reject at most 5 %; each but for 3 standard errors of the simulation. *No interval* is the share of runs in "
        "which the estimate says `undefined` or `insufficient`.",
    ]
    for section in dict.fromkeys(line.section for line in lines):
        out += ["", f"## {section}", "", "| what | found | holds |", "| --- | --- | --- |"]
        out += [f"| {x.name} | {x.figures} | {'yes' if x.holds else '**no**'} |" for x in lines if x.section == section]
    return "\n".join(out) + "\n"


def main(runs: int) -> int:
    lines = table(simulate(runs), runs)
    text = markdown(lines, runs)
    print(text)
    Path(__file__).parents[1].joinpath("docs", "coverage.md").write_text(text)
    return sum(not line.holds for line in lines)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else RUNS))
