"""The binary report: how smoothly its threshold is dragged, how large the file is, how long writing it takes.

Run with ``make bench``; written to benchmarks/results/page.txt. Needs a Chromium; frames are those of its software
renderer, in which 16.7 ms is the floor.
"""

from __future__ import annotations

import datetime
import os
import platform
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import cutline as cl

sys.path.insert(0, str(Path(__file__).parents[1]))

ROWS, SLICES, MOVES = 10_000_000, ("north", "south", "east", "west"), 300
DRAG = """
async (moves) => {
  const slider = document.getElementById("slider"), last = Number(slider.max), frames = [], work = [];
  const frame = () => new Promise(requestAnimationFrame);
  let before = await frame();
  for (let k = 0; k < moves; k++) {
    slider.value = Math.round(last * (0.5 - 0.5 * Math.cos(2 * Math.PI * k / moves)));
    const start = performance.now();
    slider.dispatchEvent(new Event("input"));
    work.push(performance.now() - start);
    const now = await frame();
    frames.push(now - before);
    before = now;
  }
  return [frames, work];
}
"""
LINES: list[str] = []


def say(text: str = "") -> None:
    LINES.append(text)
    print(text, flush=True)


def scores(rows: int) -> cl.Scores:
    """Probabilities of two classes in four slices."""
    rng = np.random.default_rng(0)
    y = rng.random(rows) < 0.3
    p = 1 / (1 + np.exp(-rng.normal(np.where(y, 1.0, -1.0), 1.2)))
    site = rng.choice(np.array(SLICES), rows)
    return cl.Scores(y_true=y, y_score=p, kind="probability", role="test", slices={"site": site})


def written(folder: Path) -> Path:
    """Write the report of many rows, timed from the finished evaluation on."""
    evaluation = cl.evaluate(scores(ROWS))
    assert evaluation.table is not None
    len(evaluation.table)  # the table of all thresholds exists
    runs = []
    for _ in range(3):
        start = time.perf_counter()
        path = cl.report(evaluation, date="").save(folder / "report.html")
        runs.append(time.perf_counter() - start)
    points = len(cl.report(evaluation).data["points"]["tp"])
    say(f"\nA report of {ROWS:,} rows, {points:,} operating points and {len(SLICES)} slices")
    say(f"{'written, best of 3, in s':<44}{min(runs):>8.2f}{'bar':>6}{1.0:>8.1f}")
    say(f"{'size in kB':<44}{path.stat().st_size / 1000:>8.1f}{'bar':>6}{150:>8}")
    return path


def spent() -> float:
    """Seconds of CPU of all processes that this one started: other work on the machine changes that hardly at all."""
    parents, seconds = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it ended meanwhile
            continue
        parents[int(folder.name)], seconds[int(folder.name)] = int(fields[1]), int(fields[11]) + int(fields[12])
    ours = {os.getpid()}
    while more := {pid for pid, parent in parents.items() if parent in ours} - ours:
        ours |= more
    return sum(seconds[pid] for pid in ours - {os.getpid()}) / os.sysconf("SC_CLK_TCK")


def dragged(path: Path) -> None:
    """Move the slider in every frame."""
    from playwright.sync_api import sync_playwright

    from tests.browser import FLAGS, executable

    with sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=executable(), args=FLAGS)
        page = chromium.new_page(viewport={"width": 1200, "height": 900})
        page.goto(path.as_uri())
        page.evaluate(DRAG, 60)  # the first moves compile the script
        before = spent()
        runs = [page.evaluate(DRAG, MOVES) for _ in range(5)]
        frames, work = min(runs, key=lambda run: float(np.percentile(run[0], 95)))
        cpu = 1000 * (spent() - before) / 5 / MOVES
        idle, _ = page.evaluate(DRAG.replace("slider.dispatchEvent", "new Object"), MOVES)
        version = chromium.version
        chromium.close()
    say(f"\n{MOVES} moves of the slider, one in each frame, best of 5 runs, Chromium {version}, in ms")
    say(f"{'':<44}{'median':>8}{'p95':>8}{'worst':>8}{'bar':>8}")
    for name, times, bar in (
        ("between frames", frames, "34"),
        ("of that our script", work, ""),
        ("between frames in which nothing moves", idle, ""),
    ):
        middle, high = np.percentile(times, [50, 95])
        say(f"{name:<44}{middle:>8.1f}{high:>8.1f}{max(times):>8.1f}{bar:>8}")
    say(f"{'CPU of a move, all processes of Chromium':<44}{cpu:>8.1f}")


def main() -> None:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    load = f"load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    machine = f"{platform.machine()}, {cores} of {os.cpu_count()} cores, {load}"
    say(f"{datetime.date.today()}  {machine}  numpy {np.__version__}")
    with tempfile.TemporaryDirectory() as folder:
        dragged(written(Path(folder)))
    (Path(__file__).parent / "results" / "page.txt").write_text("\n".join(LINES) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
