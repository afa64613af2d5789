"""The core against its peers in one process, one thread a side, on the same arrays.

Run with ``make bench``; the tables are printed and written to benchmarks/results/core.txt. scikit-learn is always
there; torchmetrics, torcheval and polars take part where they are installed. ``python benchmarks/core.py 1e6`` stops at
that many rows; 1e7 takes some minutes, nearly all of them the peers'.
"""

from __future__ import annotations

import datetime
import importlib
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("POLARS_MAX_THREADS", "1")

import numpy as np
import sklearn
from sklearn import metrics as sk

import cutline as cl

LINES: list[str] = []


def say(text: str = "") -> None:
    LINES.append(text)
    print(text, flush=True)


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


def data(n: int, prevalence: float = 0.5) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Truth, a normal-mixture probability (AUC about 0.86), weights."""
    rng = np.random.default_rng(0)
    y = rng.random(n) < prevalence
    return y, 1 / (1 + np.exp(-(rng.normal(size=n) + 1.5 * y - 1))), rng.random(n) + 0.5


def shaped(p: np.ndarray) -> dict[str, np.ndarray]:
    """What a sort may meet."""
    n, rng = len(p), np.random.default_rng(1)
    half = n // 2
    random_bits = rng.integers(0, 2**64, n, dtype=np.uint64).view(np.float64)
    return {
        "sorted": np.sort(p),
        "reversed": np.sort(p)[::-1].copy(),
        "organ pipe": np.concatenate([np.sort(p[:half]), np.sort(p[half:])[::-1]]),
        "saw": (np.arange(n) % 1000) / 1000,
        "constant": np.full(n, 0.5),
        "two values": np.round(p),
        "crowded beside an outlier": np.where(np.arange(n) == 5, 1.0, 0.5 + p * 1e-6),
        "random bits of a float": np.where(np.isfinite(random_bits), random_bits, 0.0),
    }


def peers() -> dict[str, Callable[[np.ndarray, np.ndarray], Callable[[], object]]]:
    """ROC AUC of those that are installed: a call on data that is already theirs."""
    found: dict[str, Any] = {}

    def torch_call(function: Any, **more: Any) -> Any:
        torch = importlib.import_module("torch")
        torch.set_num_threads(1)

        def ready(y: np.ndarray, p: np.ndarray) -> Callable[[], object]:
            truth, score = torch.from_numpy(y.astype(np.int64)), torch.from_numpy(p)
            return lambda: function(score, truth, **more)

        return ready

    def polars_call(y: np.ndarray, p: np.ndarray) -> Callable[[], object]:
        pl = importlib.import_module("polars")
        frame = pl.DataFrame({"y": y, "p": p})
        pos = int(y.sum())
        rank = pl.col("p").rank("average").filter(pl.col("y")).sum()
        return lambda: (frame.select(rank).item() - pos * (pos + 1) / 2) / (pos * (len(y) - pos))

    for name, make in (
        (
            "torchmetrics",
            lambda: torch_call(importlib.import_module("torchmetrics.functional.classification").binary_auroc),
        ),
        ("torcheval", lambda: torch_call(importlib.import_module("torcheval.metrics.functional").binary_auroc)),
        ("polars rank", lambda: importlib.import_module("polars") and polars_call),
    ):
        try:
            found[name] = make()
        except ImportError:
            continue
    return found


def area(y: np.ndarray, p: np.ndarray, w: np.ndarray | None = None, kind: str = "probability") -> float:
    return cl.roc_auc(cl.Scores(y_true=y, y_score=p, weight=w, kind=kind))


def areas(most: int) -> None:
    others = peers()
    say("ROC AUC from raw arrays, validation included on both sides; truth is bool on both sides.")
    say("x sort: our time over np.sort of the scores alone. Ratios are peer / cutline.")
    head = f"{'scores':<30}{'rows':>11}{'cutline ms':>12}{'x sort':>8}{'scikit-learn':>22}"
    say(head + "".join(f"{name:>20}" for name in others))
    for n in (10**4, 10**5, 10**6, 10**7):
        if n > most:
            break
        repeat = 7 if n < 10**7 else 3
        for prevalence, kinds in ((0.5, ("", ", 3 decimals", ", logits", ", weighted")), (0.01, ("",))):
            y, p64, w = data(n, prevalence)
            for dtype in (np.float32, np.float64):
                for extra in kinds:
                    p = {", 3 decimals": np.round(p64, 3), ", logits": np.log(p64 / (1 - p64))}.get(extra, p64)
                    p = p.astype(dtype)
                    kind = "logit" if extra == ", logits" else "probability"
                    weight = w if extra == ", weighted" else None
                    ours = milliseconds(lambda y=y, p=p, w=weight, k=kind: area(y, p, w, k), repeat)
                    sort = milliseconds(lambda p=p: np.sort(p), repeat)
                    theirs = milliseconds(
                        lambda y=y, p=p, w=weight: sk.roc_auc_score(y, p, sample_weight=w), 1 if n == 10**7 else 2
                    )
                    name = f"{dtype.__name__}{extra}{', 1 % positive' if prevalence < 0.5 else ''}"
                    line = f"{name:<30}{n:>11,}{ours:>12.2f}{ours / sort:>8.2f}{theirs:>14.1f}{theirs / ours:>7.0f}x"
                    if not extra and n <= 10**6:
                        for ready in others.values():
                            other = milliseconds(ready(y, p), 2)
                            line += f"{other:>13.1f}{other / ours:>6.0f}x"
                    say(line)
    say()
    say("The same, of data that a sort may dislike (1,000,000 rows; against random scores of the same type)")
    y, p64, _ = data(min(most, 10**6))
    for dtype in (np.float32, np.float64):
        plain = milliseconds(lambda dtype=dtype: area(y, p64.astype(dtype), kind="rank"), 7)
        for name, p in shaped(p64).items():
            with np.errstate(over="ignore"):
                p = p.astype(dtype)
            if name.startswith("random bits") and dtype is np.float32:
                p = np.random.default_rng(2).integers(0, 2**32, len(p), dtype=np.uint64).astype(np.uint32).view(dtype)
                p = np.where(np.isfinite(p), p, np.float32(0))
            ours = milliseconds(lambda p=p: area(y, p, kind="rank"), 7)
            say(f"{dtype.__name__}, {name:<36}{ours:>10.2f} ms{ours / plain:>8.2f} of random")
    say()


TWENTY = [
    "accuracy",
    "balanced_accuracy",
    "precision",
    "recall",
    "specificity",
    "npv",
    "fpr",
    "fnr",
    "f1",
    "f2",
    "jaccard",
    "mcc",
    "cohen_kappa",
    "positive_likelihood_ratio",
    "negative_likelihood_ratio",
    "roc_auc",
    "average_precision",
    "log_loss",
    "brier",
    "prediction_bias",
]


def twenty_with_sklearn(y: np.ndarray, p: np.ndarray) -> None:
    """The scikit-learn calls for the same twenty numbers, three curves and the matrix; without any interval."""
    said = p >= 0.5
    sk.confusion_matrix(y, said)
    for metric in (sk.accuracy_score, sk.balanced_accuracy_score, sk.precision_score, sk.recall_score, sk.f1_score):
        metric(y, said)
    specificity = sk.recall_score(y, said, pos_label=False)
    sk.precision_score(y, said, pos_label=False)
    _ = 1 - specificity, 1 - sk.recall_score(y, said)
    sk.fbeta_score(y, said, beta=2)
    sk.jaccard_score(y, said)
    sk.matthews_corrcoef(y, said)
    sk.cohen_kappa_score(y, said)
    sk.class_likelihood_ratios(y, said)
    sk.roc_auc_score(y, p)
    sk.average_precision_score(y, p)
    sk.log_loss(y, p)
    sk.brier_score_loss(y, p)
    _ = p.mean() - y.mean()
    sk.roc_curve(y, p, drop_intermediate=False)
    sk.precision_recall_curve(y, p)
    from sklearn.calibration import calibration_curve

    calibration_curve(y, p, n_bins=15, strategy="quantile")


def everything(most: int) -> None:
    n = min(most, 10**6)
    y, p, _ = data(n, 0.3)
    say(f"evaluate: 20 metrics with intervals, ROC, PR and calibration curves; {n:,} rows (peer: without intervals)")
    for dtype in (np.float32, np.float64):
        q = p.astype(dtype)

        def ours(q: np.ndarray = q) -> None:
            made = cl.evaluate(cl.Scores(y_true=y, y_score=q, kind="probability"), metrics=TWENTY)
            made.rows()
            assert made.table is not None
            made.table.roc()
            made.table.pr()

        mine, theirs = milliseconds(ours, 5), milliseconds(lambda q=q: twenty_with_sklearn(y, q), 1)
        say(f"{dtype.__name__:<30}{n:>11,}{mine:>12.1f}{theirs:>22.1f}{theirs / mine:>7.0f}x")
    say()
    scores = cl.Scores(y_true=y, y_score=p, kind="probability")
    say(f"F1 at every distinct threshold, {n:,} rows")
    every = milliseconds(lambda: cl.f1(cl.ThresholdTable.from_scores(scores)))
    few = np.quantile(p, np.linspace(0, 1, 20))
    one = milliseconds(lambda: [sk.f1_score(y, p >= t) for t in few], 1) / 20
    say(f"{every:>40.1f} ms      scikit-learn: {one:.0f} ms for each, {one * n / 3.6e6:.0f} hours for all")
    say()


def resampling() -> None:
    n, replicates = 100_000, 1000
    y, p, _ = data(n, 0.3)
    say(f"Bootstrap, {replicates} replicates, {n:,} rows: AUC + AP + log loss + F1 at 0.5 (peer: AUC alone, 10 timed)")
    chosen = (cl.roc_auc, cl.average_precision, cl.log_loss, cl.f1)
    made = cl.Scores(y_true=y, y_score=p, kind="probability")
    ours = milliseconds(lambda: cl.bootstrap(made, *chosen, at=0.5, replicates=replicates), 5)
    rng = np.random.default_rng(0)

    def once() -> float:
        rows = rng.integers(0, n, n)
        return sk.roc_auc_score(y[rows], p[rows])

    theirs = milliseconds(lambda: [once() for _ in range(10)], 3) * replicates / 10
    say(f"{ours:>40.1f} ms      scikit-learn: {theirs:,.0f} ms{theirs / ours:>10.0f}x")
    say()


def several() -> None:
    say("Several classes: evaluate, with intervals (peer: the same figures without), ms")
    for n, k in ((10**6, 10), (10**5, 100)):
        rng = np.random.default_rng(0)
        y = rng.integers(0, k, n)
        z = rng.normal(size=(n, k))
        z[np.arange(n), y] += 2
        p = np.exp(z)
        p /= p.sum(axis=1, keepdims=True)

        def ours(y: np.ndarray = y, p: np.ndarray = p, k: int = k) -> None:
            cl.evaluate(cl.Scores(y_true=y, y_score=p, kind="probability", classes=range(k))).rows()

        def theirs(y: np.ndarray = y, p: np.ndarray = p) -> None:
            said = p.argmax(axis=1)
            sk.confusion_matrix(y, said)
            sk.classification_report(y, said, output_dict=True)
            sk.accuracy_score(y, said)
            sk.balanced_accuracy_score(y, said)
            sk.matthews_corrcoef(y, said)
            sk.roc_auc_score(y, p, multi_class="ovr", average=None)
            sk.roc_auc_score(y, p, multi_class="ovo")
            sk.log_loss(y, p)
            sk.brier_score_loss(y, p)

        mine, other = milliseconds(ours, 3), milliseconds(theirs, 1)
        say(f"{f'K = {k}':<30}{n:>11,}{mine:>12.0f}{other:>22.0f}{other / mine:>7.0f}x")
    say()


CHILD = """
import sys
import numpy as np
import cutline as cl
n, weighted = int(float(sys.argv[1])), sys.argv[2] == "weighted"
rng = np.random.default_rng(0)
y = rng.random(n) < 0.3
p = rng.random(n, dtype=np.float32)
w = rng.random(n) if weighted else None
cl.evaluate(cl.Scores(y_true=y[:1000], y_score=p[:1000], kind="probability")).rows()
def now(what):
    with open("/proc/self/status") as file:
        return int(next(line for line in file if line.startswith(what)).split()[1]) / 1024
with open("/proc/self/clear_refs", "w") as file:
    file.write("5")  # the peak starts here
before = now("VmRSS")
cl.evaluate(cl.Scores(y_true=y, y_score=p, weight=w, kind="probability")).rows()
print(now("VmHWM") - before)
"""


def memory(most: int) -> None:
    if not Path("/proc/self/clear_refs").exists():
        return
    n = min(most, 10**7)
    say(f"Peak memory of evaluate beside the caller's arrays, float32, {n:,} rows")
    for how in ("plain", "weighted"):
        found = subprocess.run([sys.executable, "-c", CHILD, str(n), how], capture_output=True, text=True, check=True)
        say(f"{how:<30}{float(found.stdout):>12.0f} MB")
    say()


def two_threads(most: int) -> None:
    n = min(most, 10**7)
    y, p, _ = data(n)
    say(f"Threads: ROC AUC, float32, {n:,} rows, and a bootstrap of 1,000 replicates of 100,000")
    few = cl.Scores(y_true=y[:100_000], y_score=p[:100_000], kind="probability")
    p = p.astype(np.float32)
    one = {}
    for threads in ("1", "2"):
        os.environ["CUTLINE_THREADS"] = threads
        for job, call in (
            ("AUC", lambda: area(y, p)),
            ("bootstrap", lambda: cl.bootstrap(few, cl.roc_auc, cl.average_precision, replicates=1000)),
        ):
            took = milliseconds(call, 5)
            one.setdefault(job, took)
            say(f"{job}, {threads} thread(s){took:>20.1f} ms{one[job] / took:>8.2f}x")
    os.environ["CUTLINE_THREADS"] = "1"
    say()


def main() -> None:
    most = int(float(sys.argv[1])) if len(sys.argv) > 1 else 10**7
    say(
        f"{datetime.date.today()}  {processor()}, {os.cpu_count()} cores  Python {platform.python_version()}  "
        f"numpy {np.__version__}  scikit-learn {sklearn.__version__}  cutline {cl.__version__}"
    )
    say("one thread a side unless it says otherwise; best of several runs")
    say()
    areas(most)
    everything(most)
    resampling()
    several()
    memory(most)
    two_threads(most)
    say(f"peak of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.1f} GB")
    if len(sys.argv) == 1:
        target = Path(__file__).parent / "results" / "core.txt"
        target.parent.mkdir(exist_ok=True)
        target.write_text("\n".join(LINES) + "\n")


if __name__ == "__main__":
    main()
