"""Large tables within ten minutes and 6 GB: 327,346 flights, and 1e6 rows of 30 columns.

Run with ``CUTLINE_DATA=folder python benchmarks/training/large.py [names]``; the table is printed and written to
benchmarks/results/large.txt. Each fit has a process of its own, whose largest memory is stated.
"""

from __future__ import annotations

import datetime
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))
NAMES = ("r_flights_late", "synthetic")


def drawn(n: int = 1_000_000, seed: int = 0):
    """30 columns, of which three have levels and a tenth of the numbers are missing; two classes, 20 to 80."""
    import pyarrow as pa

    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 27)).astype(np.float32)
    levels = rng.integers(0, [5, 40, 300], (n, 3))
    effect = [rng.normal(size=k) * 0.5 for k in (5, 40, 300)]
    z = x[:, 0] + np.sin(2 * x[:, 1]) + x[:, 2] * x[:, 3] + 0.5 * np.abs(x[:, 4]) - 2.2
    z += sum(e[levels[:, j]] for j, e in enumerate(effect)) + rng.logistic(size=n)
    x[rng.random(x.shape) < 0.1] = np.nan
    columns = {f"x{j}": pa.array(x[:, j], from_pandas=True) for j in range(27)}
    columns |= {f"level{j}": pa.array([f"l{v}" for v in levels[:, j]]) for j in range(3)}
    return pa.table(columns | {"label": np.where(z > 0, "yes", "no")})


def one(name: str) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    import cutline as cl

    known = Path(os.environ["CUTLINE_DATA"]) / "tabular" / f"{name}.parquet"
    table = drawn() if name == "synthetic" else pq.read_table(known)
    test = np.random.default_rng(1).random(table.num_rows) < 0.1
    train, rest = table.filter(pa.array(~test)), table.filter(pa.array(test))
    start = time.time(), time.process_time()
    model = cl.fit(train, target="label", budget="10min", progress=True)
    took = time.time() - start[0], time.process_time() - start[1]
    found = model.evaluate(rest)
    loss = found["log_loss"].value
    reported = model.evaluation["log_loss"]
    about = {"rows": train.num_rows, "columns": train.num_columns - 1, "wall": took[0], "cpu": took[1], "loss": loss}
    about |= {"memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, "auc": found["roc_auc"].value}
    about |= {"reported": [reported.value, reported.low, reported.high], "members": repr(model).splitlines()[0]}
    print(json.dumps(about | {"skipped": [": ".join(each) for each in model.plan.skipped]}))


def main() -> None:
    from core import processor

    lines = [f"{datetime.date.today()}  {processor()}, {os.cpu_count()} cores; budget 600 s"]
    for name in sys.argv[1:] or NAMES:
        made = subprocess.run([sys.executable, __file__, "--one", name], stdout=subprocess.PIPE, text=True, check=True)
        r = json.loads(made.stdout.splitlines()[-1])
        low, high = r["reported"][1:]
        lines.append(
            f"{name}: {r['rows']:,} rows x {r['columns']} columns in {r['wall']:.0f} s ({r['cpu']:.0f} CPU s), "
            f"{r['memory']:.1f} GB at most\n"
            f"    log loss {r['loss']:.4f}, ROC AUC {r['auc']:.4f} on other rows; reported {r['reported'][0]:.4f} "
            f"[{low:.4f}, {high:.4f}]\n    {r['members']}\n    skipped: {'; '.join(r['skipped']) or 'nothing'}"
        )
        print(lines[-1], flush=True)
    (Path(__file__).parent.parent / "results" / "large.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", str(os.cpu_count()))
    one(sys.argv[2]) if sys.argv[1:2] == ["--one"] else main()
