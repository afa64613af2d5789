"""How long commands take as whole processes: help, and figures of a million rows; what is imported on the way.

Run with ``make bench``; written to benchmarks/results/commands.txt. Each command runs once to warm the disk's cache and
then five times. Beside the wall clock stands the CPU time, which other work on the machine changes less.
"""

from __future__ import annotations

import datetime
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
import pyarrow as pa
from pyarrow import parquet

RUNS = 5
ROWS = 1_000_000
HEAVY = ("sklearn", "lightgbm", "scipy.special", "scipy.stats", "pandas", "polars", "pyarrow", "matplotlib")
LINES: list[str] = []
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""The first run of each command writes bytecode, which pip does for an installed package."""


def say(text: str = "") -> None:
    LINES.append(text)
    print(text, flush=True)


def processor() -> str:
    try:
        return next(line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


def scores(path: Path) -> None:
    """A label and a score for each row."""
    rng = np.random.default_rng(0)
    y = rng.random(ROWS) < 0.3
    p = 1 / (1 + np.exp(-rng.normal(np.where(y, 1, -1), 1.2)))
    parquet.write_table(pa.table({"label": np.where(y, "spam", "ham"), "score": p}), path)


def timed(words: list[str]) -> tuple[float, float]:
    """Seconds of one process: wall clock and CPU."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, "-m", "cutline", *words], check=True, capture_output=True, env=ENVIRONMENT)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def imported(words: list[str]) -> str:
    """Which heavy packages the command loads."""
    loaded = f"sorted(set({HEAVY!r}) & set(sys.modules))"
    code = f"import sys; from cutline.cli import main; main({words!r}); print({loaded}, file=sys.stderr)"
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return found.stderr.splitlines()[-1]


def main() -> None:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    say(
        f"{datetime.date.today()}  {processor()}, {cores} of {os.cpu_count()} cores  "
        f"Python {platform.python_version()}  numpy {np.__version__}  pyarrow {pa.__version__}"
    )
    say(f"\nWhole processes, median and best of {RUNS}, in seconds")
    say(f"{'command':<44}{'wall':>8}{'best':>8}{'CPU':>8}{'bar':>8}  heavy imports")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scores.parquet"
        scores(path)
        columns = ["--y-true", "label", "--y-score", "score", "--positive", "spam"]
        for name, words, bar in (
            ("cutline --help", ["--help"], 0.5),
            ("cutline evaluate --help", ["evaluate", "--help"], 0.5),
            ("cutline explain 0.99 --classes a,b", ["explain", "0.99", "--classes", "a,b"], None),
            (f"cutline evaluate, {ROWS:,} rows of Parquet", ["evaluate", str(path), *columns], 1.5),
            ("cutline evaluate --json, the same", ["evaluate", str(path), *columns, "--json"], 1.5),
            (
                "cutline choose --maximize f1, the same",
                ["choose", str(path), *columns, "--maximize", "f1"],
                None,
            ),
            (
                "cutline report -o report.html, the same",
                ["report", str(path), *columns, "-o", str(Path(folder) / "report.html")],
                None,
            ),
        ):
            timed(words)
            runs = [timed(words) for _ in range(RUNS)]
            wall, cpu = zip(*runs, strict=True)
            limit = "" if bar is None else f"{bar:.1f}"
            say(f"{name:<44}{median(wall):>8.2f}{min(wall):>8.2f}{median(cpu):>8.2f}{limit:>8}  {imported(words)}")
    say("\npandas is loaded by pyarrow wherever it is installed; cutline itself does not use it.")
    (Path(__file__).parent / "results" / "commands.txt").write_text("\n".join(LINES) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
