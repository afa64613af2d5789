"""Predictions: one row at a time, and files of any size in constant memory.

Run with ``CUTLINE_DATA=folder python benchmarks/training/predict.py``; the table is printed and written to
benchmarks/results/predict.txt. One core. A row comes as a dictionary and goes back as probabilities; the median of 200
calls is stated, and the slowest in a hundred.
"""

from __future__ import annotations

import datetime
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
import numpy as np
import pyarrow.csv
import pyarrow.parquet as pq

import cutline as cl

sys.path.insert(0, str(Path(__file__).parent.parent))
from core import processor

TABLES = ("spambase", "adult")
FAMILIES = {"linear": ["linear"], "LightGBM": ["lightgbm"], "everything": None}
SIZES = (200_000, 2_000_000)


def found(name: str) -> Path:
    return next(Path(os.environ["CUTLINE_DATA"]).glob(f"*/*{name}.parquet"))


def members(model: cl.Classifier) -> str:
    """What predicts: within a budget it is not always the same."""
    return ", ".join(member["name"] for member in model.plan.members if member["weight"] > 0)


def single(model: cl.Classifier, row: dict) -> tuple[float, float]:
    """Milliseconds for one row: the median and the 99th percentile."""
    took = []
    for _ in range(210):
        start = time.perf_counter()
        model.predict_proba([row])
        took.append(1e3 * (time.perf_counter() - start))
    return float(np.median(took[10:])), float(np.quantile(took[10:], 0.99))


def streamed(model: Path, rows: Path, out: Path) -> None:
    """In a process of its own: decide all rows of a file, and print the seconds and the largest memory in MB."""
    from cutline.cli import main

    start = time.perf_counter()
    assert main(["predict", str(model), str(rows), "-o", str(out)]) == 0
    # Not ru_maxrss, which begins with what the parent had when it started this process.
    status = Path("/proc/self/status").read_text()
    print(time.perf_counter() - start, int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024)


def main() -> None:
    lines = [f"{datetime.date.today()}  {processor()}, one core  cutline {cl.__version__}", ""]
    lines.append(f"{'one row':<12}{'families':<12}{'median':>10}{'99 %':>10}")
    print("\n".join(lines), flush=True)
    for name in TABLES:
        table = pq.read_table(found(name))
        row = {key: value for key, value in table.slice(0, 1).to_pylist()[0].items() if key != "label"}
        for said, families in FAMILIES.items():
            model = cl.fit(table, target="label", budget="20s", families=families)
            middle, slow = single(model, row)
            lines.append(f"{name:<12}{said:<12}{middle:>7.2f} ms{slow:>7.2f} ms   {members(model)}")
            print(lines[-1], flush=True)
    with tempfile.TemporaryDirectory() as folder:
        at = Path(folder)
        table = pq.read_table(found("adult"))
        model = cl.fit(table, target="label", budget="20s", families=["linear", "lightgbm"])
        model.save(at / "adult.cutline")
        lines += ["", f"{'a CSV of':<14}{'size':>8}{'seconds':>9}{'memory':>10}   adult: {members(model)}"]
        print("\n".join(lines[-2:]), flush=True)
        for size in SIZES:
            rows = table.drop_columns("label").take(np.arange(size) % table.num_rows)
            pyarrow.csv.write_csv(rows, at / "rows.csv")
            command = [sys.executable, __file__, "--stream", at / "adult.cutline", at / "rows.csv", at / "out.parquet"]
            made = subprocess.run(command, capture_output=True, text=True, check=True)
            took, memory = map(float, made.stdout.splitlines()[-1].split())
            assert pq.read_metadata(at / "out.parquet").num_rows == size
            megabytes = (at / "rows.csv").stat().st_size / 1e6
            lines.append(f"{size:>9,} rows{megabytes:>5.0f} MB{took:>9.1f}{memory:>7.0f} MB")
            print(lines[-1], flush=True)
    (Path(__file__).parent.parent / "results" / "predict.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--stream"]:
        streamed(*map(Path, sys.argv[2:]))
    else:
        main()
