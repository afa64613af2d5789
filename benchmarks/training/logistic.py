"""Log loss of `cl.fit` and of a plain scikit-learn logistic regression on the same held-out rows.

Run with ``CUTLINE_DATA=folder python benchmarks/training/logistic.py``; the table is printed and written to
benchmarks/results/training.txt. Both get the same 75 % of the rows. For any system and table: one.py beside it.
"""

from __future__ import annotations

import datetime
import os
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pyarrow as pa
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import cutline as cl
from cutline.data import infer_schema, read_table, read_target
from cutline.evidence import stratified_folds

sys.path.insert(0, str(Path(__file__).parent.parent))
from core import processor

FILES = ("tabular/adult", "tabular/cd_fars", "tabular/keel_letter", "tabular/r_survival_pbc")
SEEDS = (0, 1, 2)


def log_loss(p: np.ndarray, codes: np.ndarray) -> float:
    picked = p[np.arange(len(codes)), codes]
    return float(-np.log(np.clip(picked, np.finfo(float).eps, 1)).mean())


def plain(train: pa.Table, test: pa.Table, codes: np.ndarray, k: int) -> np.ndarray:
    schema = infer_schema(train, target="label")
    numeric = [c.name for c in schema.used if c.kind in ("numeric", "boolean")]
    levels = [c.name for c in schema.used if c.kind == "categorical"]
    model = make_pipeline(
        make_column_transformer(
            (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numeric),
            (make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore")), levels),
        ),
        LogisticRegression(max_iter=1000),
    )
    frames = [table.select([*numeric, *levels]).to_pandas() for table in (train, test)]
    for frame in frames:
        for name in levels:
            frame[name] = frame[name].astype(object).where(frame[name].notna(), np.nan)
        for name in numeric:
            frame[name] = frame[name].astype(float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(frames[0], codes)
        p = np.zeros((len(frames[1]), k))
        p[:, model.classes_] = model.predict_proba(frames[1])
    return p


def main() -> None:
    folder = os.environ.get("CUTLINE_DATA")
    if not folder:
        sys.exit("set CUTLINE_DATA to the folder of data sets")
    lines = [
        f"{datetime.date.today()}  {processor()}, {os.cpu_count()} cores  cutline {cl.__version__}",
        "log loss on the same 25 % of the rows, mean of 3 seeds; seconds of wall time for one fit",
        "",
        f"{'data':<24}{'rows':>9}{'classes':>9}{'cutline':>10}{'plain LR':>10}{'ratio':>8}{'seconds':>9}",
    ]
    print("\n".join(lines), flush=True)
    for name in sys.argv[1:] or FILES:
        table = read_table(Path(folder) / f"{name}.parquet")
        classes, codes, _ = read_target(table, "label")
        ours, theirs, seconds = [], [], []
        for seed in SEEDS:
            test = stratified_folds(codes, 4, 100 + seed) == 0
            train_table, test_table = table.filter(pa.array(~test)), table.filter(pa.array(test))
            start = time.perf_counter()
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # nothing may be said that the user cannot act on
                model = cl.fit(train_table, target="label", seed=seed)
            seconds.append(time.perf_counter() - start)
            p = np.zeros((int(test.sum()), classes.k))
            found = model.predict_proba(test_table)
            for column in found.column_names:
                p[:, [str(n) for n in classes.names].index(column)] = found[column].to_numpy()
            ours.append(log_loss(p, codes[test]))
            theirs.append(log_loss(plain(train_table, test_table, codes[~test], classes.k), codes[test]))
        ratio = np.mean(ours) / np.mean(theirs)
        lines.append(
            f"{name:<24}{table.num_rows:>9,}{classes.k:>9}{np.mean(ours):>10.4f}{np.mean(theirs):>10.4f}{ratio:>8.3f}"
            f"{np.mean(seconds):>9.1f}"
        )
        print(lines[-1], flush=True)
    target = Path(__file__).parent.parent / "results" / "training.txt"
    target.parent.mkdir(exist_ok=True)
    target.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
