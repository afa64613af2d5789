"""Photos: accuracy and log loss of `cl.fit` in five folds with copies grouped, and views a second on one core.

Run with ``CUTLINE_DATA=folder python benchmarks/training/photos.py``; the table is printed and written to
benchmarks/results/photos.txt. Speed is that of decoding, resizing and the network together, in seconds of the CPU.
"""

from __future__ import annotations

import datetime
import os
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa

import cutline as cl
from cutline.data import photos
from cutline.data.copies import duplicates
from cutline.data.folders import read_folder

sys.path.insert(0, str(Path(__file__).parent.parent))
from core import processor

SEEDS = (0, 1, 2, 3, 4)


def main() -> None:
    folder = os.environ.get("CUTLINE_DATA")
    if not folder:
        sys.exit("set CUTLINE_DATA to the folder of data sets")
    table = read_folder(Path(folder) / "images" / "hotdog")
    paths = table["photo"].to_pylist()
    groups = duplicates(paths)
    table = table.append_column("copies", pa.array(groups))
    photos.encode(paths[:1])  # the network is converted and loaded once
    start = time.process_time()
    photos.encode(paths)
    speed = photos.VIEWS * len(paths) / (time.process_time() - start)
    lines = [
        f"{datetime.date.today()}  {processor()}, {os.cpu_count()} cores  cutline {cl.__version__}",
        f"hotdog: {len(paths):,} photos, {groups.max() + 1:,} without copies; {photos.VIEWS} views of each, "
        f"{speed:.0f} views a second on one core with decoding",
        "five folds, copies in one fold; the reported figures are cross-fitted",
        "",
        f"{'seed':<6}{'accuracy':>10}{'log loss':>10}{'95 % interval':>18}{'AUC':>8}",
    ]
    found = []
    for seed in SEEDS:
        model = cl.fit(
            table, target="label", positive="hot_dog", groups="copies", families=["linear"], budget=None, seed=seed
        )
        accuracy, loss, auc = (model.evaluation[name] for name in ("accuracy", "log_loss", "roc_auc"))
        found.append((accuracy.value, loss.value, auc.value))
        wide = f"{loss.low:.3f} to {loss.high:.3f}"
        lines.append(f"{seed:<6}{accuracy.value:>10.4f}{loss.value:>10.4f}{wide:>18}{auc.value:>8.4f}")
    mean = np.mean(found, axis=0)
    lines.append(f"{'mean':<6}{mean[0]:>10.4f}{mean[1]:>10.4f}{'':>18}{mean[2]:>8.4f}")
    text = "\n".join(lines)
    print(text)
    (Path(__file__).parent.parent / "results" / "photos.txt").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
