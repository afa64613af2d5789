"""Are reported figures true? Every table, several seeds: what `fit` reports beside what other rows then show.

Run with ``CUTLINE_DATA=folder python benchmarks/training/honesty.py OUT.jsonl [seeds]``, which goes on where it was
stopped; the summary is printed and written to benchmarks/results/honesty.txt. Learned from 70 %, at most 1,500 rows (a
reported figure of few rows is the one to doubt), and measured on up to 20,000 others.
"""

from __future__ import annotations

import datetime
import json
import os
import sys
import warnings
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import cutline as cl

os.environ.setdefault("OMP_NUM_THREADS", str(os.cpu_count()))  # the other benchmarks take one
sys.path.insert(0, str(Path(__file__).parent.parent))
from core import processor

LEARNED, LOOKED_AT = 1_500, 20_000


def one(path: Path, seed: int) -> dict[str, list[float]]:
    """Reported and found log loss and AUC, each with its standard error."""
    table = pq.read_table(path)
    n = table.num_rows
    order = np.random.default_rng(seed).permutation(n)
    size = min(LEARNED, n * 7 // 10)
    train, test = table.take(pa.array(order[:size])), table.take(pa.array(order[size : size + LOOKED_AT]))
    model = cl.fit(train, target="label", seed=seed, budget="20s", families=["linear", "lightgbm"])
    known = pa.array([label in model.classes.names for label in test["label"].to_pylist()])
    reported, found = model.evaluation, model.evaluate(test.filter(known))
    auc = "roc_auc" if model.classes.binary else "macro_roc_auc"
    return {
        name: [figure.value for figure in (reported[metric], found[metric])]
        + [(figure.high - figure.low) / 3.92 for figure in (reported[metric], found[metric])]
        for name, metric in (("log_loss", "log_loss"), ("auc", auc))
    }


def summary(rows: list[dict]) -> list[str]:
    lines = []
    for name in ("log_loss", "auc"):
        a = np.array([row[name] for row in rows], dtype=float)
        table = np.array([row["table"] for row in rows])
        fine = np.isfinite(a).all(axis=1)
        a, table = a[fine], table[fine]
        apart, error = a[:, 0] - a[:, 1], np.hypot(a[:, 2], a[:, 3])
        inside = np.abs(apart) <= 1.959964 * error
        z = apart / error
        means = np.array([z[table == each].mean() for each in np.unique(table)])  # seeds of a table share rows
        se = means.std(ddof=1) / len(means) ** 0.5
        lines.append(
            f"{name}: {len(a)} runs on {len(means)} tables; |reported - found| within 1.96 errors in "
            f"{100 * inside.mean():.1f} %; mean difference {apart.mean():+.5f} "
            f"(SE {apart.std(ddof=1) / len(a) ** 0.5:.5f}), in errors {means.mean():+.3f} (SE over tables {se:.3f})"
        )
    return lines


def main() -> None:
    warnings.simplefilter("ignore")
    out, seeds = Path(sys.argv[1]), range(int(sys.argv[2]) if len(sys.argv) > 2 else 6)
    rows = [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []
    done = {(row["table"], row["seed"]) for row in rows}
    folder = Path(os.environ["CUTLINE_DATA"])
    paths = sorted(p for part in ("tabular", "medical") for p in (folder / part).glob("*.parquet"))
    paths.append(folder / "air" / "leeds_pm10.parquet")
    for seed in seeds:
        for path in paths:
            if (path.stem, seed) in done:
                continue
            try:
                rows.append({"table": path.stem, "seed": seed} | one(path, seed))
            except cl.errors.CutlineError as error:
                print(path.stem, seed, error, flush=True)
                continue
            with open(out, "a") as file:
                file.write(json.dumps(rows[-1]) + "\n")
            print(rows[-1], flush=True)
    when = f"{datetime.date.today()}  {processor()}  cutline {cl.__version__}"
    lines = [f"{when}; up to {LEARNED:,} rows to learn from, families linear and lightgbm", *summary(rows)]
    print("\n".join(lines))
    (Path(__file__).parent.parent / "results" / "honesty.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
