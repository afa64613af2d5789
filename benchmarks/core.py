"""Ours against scikit-learn in one process, one thread, on the same arrays: milliseconds, the best of several runs.

Run with ``make bench``; the table is printed and written to benchmarks/results/core.txt.
"""

from __future__ import annotations

import datetime
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import sklearn
from sklearn import metrics as sk

import cutline as cl


def milliseconds(call: Callable[[], object], repeat: int = 5) -> float:
    best = float("inf")
    for _ in range(repeat):
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    return 1000 * best


def processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text()
        return next(line.split(":")[1].strip() for line in text.splitlines() if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


def data(n: int, tied: bool, dtype: type) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    y = rng.random(n) < 0.3
    p = 1 / (1 + np.exp(-(rng.normal(size=n) + 1.5 * y - 1)))
    return y, (np.round(p, 3) if tied else p).astype(dtype)


def everything(y: np.ndarray, p: np.ndarray) -> None:
    """The scikit-learn calls for the figures that `evaluate` gives, without any interval."""
    said = p >= 0.5
    sk.confusion_matrix(y, said)
    for metric in (sk.accuracy_score, sk.balanced_accuracy_score, sk.precision_score, sk.recall_score):
        metric(y, said)
    sk.recall_score(y, said, pos_label=False)
    sk.precision_score(y, said, pos_label=False)
    sk.f1_score(y, said)
    sk.matthews_corrcoef(y, said)
    sk.roc_auc_score(y, p)
    sk.average_precision_score(y, p)
    sk.log_loss(y, p)
    sk.brier_score_loss(y, p)
    sk.roc_curve(y, p, drop_intermediate=False)
    sk.precision_recall_curve(y, p)


def main() -> None:
    lines = [
        f"{datetime.date.today()}  {processor()}  Python {platform.python_version()}  numpy {np.__version__}  "
        f"scikit-learn {sklearn.__version__}  cutline {cl.__version__}",
        "milliseconds, best of 5, one thread; truth bool on both sides; validation included on both sides",
        "",
        f"{'job':<44}{'rows':>10}{'cutline':>12}{'scikit-learn':>14}{'ratio':>8}",
    ]

    def row(job: str, n: int, ours: float, theirs: float) -> None:
        lines.append(f"{job:<44}{n:>10,}{ours:>12.1f}{theirs:>14.1f}{theirs / ours:>7.0f}x")
        print(lines[-1], flush=True)

    print("\n".join(lines))
    for n in (10_000, 100_000, 1_000_000):
        for dtype in (np.float32, np.float64):
            for tied in (False, True):
                y, p = data(n, tied, dtype)
                name = f"ROC AUC, {dtype.__name__}{', 3 decimals' if tied else ''}"
                ours = milliseconds(lambda y=y, p=p: cl.roc_auc(cl.Scores(y_true=y, y_score=p, kind="probability")))
                row(name, n, ours, milliseconds(lambda y=y, p=p: sk.roc_auc_score(y, p), 3))
    y, p = data(1_000_000, False, np.float64)
    scores = cl.Scores(y_true=y, y_score=p, kind="probability")
    ours = milliseconds(lambda: cl.evaluate(cl.Scores(y_true=y, y_score=p, kind="probability")), 3)
    row("evaluate, with intervals (peer: without)", len(y), ours, milliseconds(lambda: everything(y, p), 1))
    small_y, small_p = data(4_000, False, np.float64)
    peer = milliseconds(lambda: [sk.f1_score(small_y, small_p >= t) for t in np.unique(small_p)[:200]], 1) * 20
    small = cl.Scores(y_true=small_y, y_score=small_p, kind="probability")
    row("F1 at every threshold", 4_000, milliseconds(lambda: cl.f1(cl.ThresholdTable.from_scores(small))), peer)
    million = milliseconds(lambda: cl.f1(cl.ThresholdTable.from_scores(scores)))
    lines.append(f"F1 at every of 1,000,000 thresholds: {million:.0f} ms")
    print(lines[-1])
    target = Path(__file__).parent / "results" / "core.txt"
    target.parent.mkdir(exist_ok=True)
    target.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
