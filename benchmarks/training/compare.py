"""cl.fit beside AutoGluon and plain peers: every table, each fit in a process of its own, and a table of the results.

    python compare.py run OUT.jsonl --budget 60 --seeds 11 12 --systems cutline autogluon logistic lightgbm
    python compare.py show OUT.jsonl

``run`` goes on where it was stopped. ``CUTLINE_DATA`` names the folder with the tables, ``AUTOGLUON_PYTHON`` the
interpreter of an environment that has AutoGluon. "-nocat" after a system leaves CatBoost out on that side. Runs follow
each other, table by table, so that both sides meet the same machine; `taskset` gives them the same cores.
``benchmarks/results/peers.jsonl`` has the peers' rows (one core; AutoGluon: 2026-11-28, splits 31 and 32, without
CatBoost 31; the plain ones: 2026-11-24, splits 21 to 25): copied to OUT.jsonl, they need not be run again.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
MOST_ROWS = 60_000
FOLDERS = ("tabular", "medical", "air")
OPTIONS = {
    "cutline-nocat": '{"families": ["linear", "lightgbm", "network"]}',
    "autogluon-nocat": '{"excluded_model_types": ["CAT"]}',
}


def tables(names: list[str]) -> list[Path]:
    """The tables of these names, or all of at most `MOST_ROWS` rows; the smallest files first."""
    import pyarrow.parquet as pq

    found = [path for folder in FOLDERS for path in (Path(os.environ["CUTLINE_DATA"]) / folder).glob("*.parquet")]
    if names:
        found = [path for path in found if path.stem in names]
    else:
        found = [path for path in found if pq.read_metadata(path).num_rows <= MOST_ROWS]
    return sorted(found, key=lambda path: path.stat().st_size)


def run(out: Path, budget: float, seeds: list[int], systems: list[str], names: list[str]) -> None:
    lines = out.read_text().splitlines() if out.exists() else []
    done = {(r["run"], r["table"], r["seed"], r["budget"]) for r in map(json.loads, lines)}
    for seed in seeds:
        for path in tables(names):
            for system in systems:
                if (system, path.stem, seed, budget) in done:
                    continue
                plain = system.removesuffix("-nocat")
                python = os.environ["AUTOGLUON_PYTHON"] if plain == "autogluon" else sys.executable
                command = [python, HERE / "one.py", plain, path, str(seed), str(budget), OPTIONS.get(system, "{}")]
                made = subprocess.run(command, capture_output=True, text=True, check=False)
                last = made.stdout.strip().splitlines()[-1:]
                if made.returncode or not last:
                    print(f"{system} {path.stem} {seed}: failed\n{made.stderr[-800:]}", flush=True)
                    continue
                found = json.loads(last[0]) | {"run": system}
                with open(out, "a") as file:
                    file.write(json.dumps(found) + "\n")
                print(f"{system} {path.stem} {seed}: {found['log_loss']:.4f} in {found['wall']:.1f} s", flush=True)


def show(out: Path) -> None:
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    for budget in sorted({row["budget"] for row in rows}, reverse=True):
        some = {(row["run"], row["table"], row["seed"]): row for row in rows if row["budget"] == budget}
        for tail in ("", "-nocat"):
            pair(some, f"cutline{tail}", f"autogluon{tail}", budget)
        plain(some, budget)


def pair(some: dict, ours: str, theirs: str, budget: float) -> None:
    """A line for each table, means over the seeds, then the ratios over tables."""
    both = [key[1:] for key in some if key[0] == ours and (theirs, *key[1:]) in some]
    if not both:
        return
    seeds, names = sorted({seed for _, seed in both}), list(dict.fromkeys(name for name, _ in both))
    print(f"\n{ours} / {theirs}: budget {budget:g} s, seeds {seeds}, {len(names)} tables; 70 to 30, air by time")
    print("table                           rows  k  log loss  theirs  ratio  Brier r.  cal.     theirs   wall s  CPU s")
    table = {}
    for name in names:
        a, b = ([some[system, name, seed] for seed in seeds if (name, seed) in both] for system in (ours, theirs))
        mean = {key: [np.mean([row[key] for row in side]) for side in (a, b)] for key in a[0] if key in KEYS}
        ratio = [np.exp(np.mean([np.log(x[key] / y[key]) for x, y in zip(a, b, strict=True)])) for key in KEYS[:2]]
        table[name] = (*ratio, *mean["calibration_loss"], *mean["cpu"], a[0]["classes"])
        print(
            f"{name[:30]:<30}{a[0]['train']:>6}{a[0]['classes']:>3}{mean['log_loss'][0]:>10.4f}{mean['log_loss'][1]:>8.4f}"
            f"{ratio[0]:>7.3f}{ratio[1]:>9.3f}{mean['calibration_loss'][0]:>9.4f}{mean['calibration_loss'][1]:>9.4f}"
            f"{mean['wall'][0]:>7.0f}{mean['wall'][1]:>4.0f}{mean['cpu'][0]:>6.0f}{mean['cpu'][1]:>5.0f}"
        )
    found = np.array(list(table.values()))
    log = np.log(found[:, :2])
    rng = np.random.default_rng(0)
    drawn = np.exp(log[rng.integers(0, len(log), (10_000, len(log)))].mean(axis=1))
    for number, name in enumerate(("log loss", "Brier")):
        low, high = np.quantile(drawn[:, number], [0.025, 0.975])
        print(f"geometric mean ratio of {name}: {np.exp(log[:, number].mean()):.4f} [{low:.4f}, {high:.4f}]")
    wins = int((found[:, 0] < 1).sum())
    print(f"wins {wins} of {len(found)}; calibration loss {found[:, 2].mean():.4f}, theirs {found[:, 3].mean():.4f}")
    for said, kind in (("binary", found[:, 6] == 2), ("multi-class", found[:, 6] > 2)):
        print(f"CPU s on {said} tables: {found[kind, 4].sum():.0f}, theirs {found[kind, 5].sum():.0f}")


def plain(some: dict, budget: float) -> None:
    """cutline beside the better of two plain peers; the paired interval takes into account that splits share rows."""
    from scipy.stats import t

    peers = ("logistic", "lightgbm")
    names = list(dict.fromkeys(table for system, table, _ in some if system in peers))
    if not names:
        return
    print(f"\ncutline, {budget:g} s / the better of LogisticRegressionCV and LightGBM (5 folds, early stopped)")
    print("table                           rows  k  seeds  log loss  logistic  lightgbm  ratio  longest  apart [95 %]")
    over = []
    for name in names:
        seeds = [s for s in range(100) if all((each, name, s) in some for each in ("cutline", *peers))]
        if not seeds:
            continue
        loss = {each: np.array([some[each, name, s]["log_loss"] for s in seeds]) for each in ("cutline", *peers)}
        best = min(peers, key=lambda each: loss[each].mean())
        apart, n = loss["cutline"] - loss[best], len(seeds)
        ratio = loss["cutline"].mean() / loss[best].mean()
        # Nadeau and Bengio (2003): the variance of a mean over splits of 70 to 30 that share rows.
        half = t.ppf(0.975, n - 1) * apart.std(ddof=1) * (1 / n + 0.3 / 0.7) ** 0.5 if n > 1 else np.nan
        wall, first = max(some["cutline", name, s]["fit_wall"] for s in seeds), some["cutline", name, seeds[0]]
        print(
            f"{name[:30]:<30}{first['train']:>6}{first['classes']:>3}{n:>7}{loss['cutline'].mean():>10.4f}"
            f"{loss['logistic'].mean():>10.4f}{loss['lightgbm'].mean():>10.4f}{ratio:>7.3f}{wall:>7.0f} s"
            f"  {apart.mean():+.4f} [{apart.mean() - half:+.4f}, {apart.mean() + half:+.4f}]"
        )
        if ratio > 1.05:
            over.append(f"{name} ({ratio:.3f}, {'worse' if apart.mean() - half > 0 else 'not distinguishable'})")
    print(f"above 1.05: {', '.join(over) or 'none'}")


KEYS = ("log_loss", "brier", "calibration_loss", "cpu", "wall")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["run", "show"])
    parser.add_argument("out", type=Path)
    parser.add_argument("--budget", type=float, default=60)
    parser.add_argument("--seeds", type=int, nargs="+", default=[11, 12])
    parser.add_argument("--systems", nargs="+", default=["cutline", "autogluon"])
    parser.add_argument("--tables", nargs="*", default=[])
    asked = parser.parse_args()
    if asked.what == "run":
        run(asked.out, asked.budget, asked.seeds, asked.systems, asked.tables)
    else:
        show(asked.out)


if __name__ == "__main__":
    main()
