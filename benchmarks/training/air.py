"""Air quality, six ordered classes, forward in time: cl.fit beside LightGBM, and the report of ordered classes.

Run with ``CUTLINE_DATA=folder python benchmarks/training/air.py``; the table is printed and written to
benchmarks/results/air.txt. Learned from the first 70 % of the time, measured on the last 30 %; LightGBM gets the same
columns (month, weekday and city among them), once at its defaults and once stopped early on the last fifth.
"""

from __future__ import annotations

import datetime
import os
import sys
import time
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

import cutline as cl
from cutline.data import features, infer_schema
from cutline.model.trees import matrix

os.environ.setdefault("OMP_NUM_THREADS", str(os.cpu_count()))  # the other benchmarks take one
sys.path.insert(0, str(Path(__file__).parent.parent))
from core import processor

ORDER = ["Good", "Satisfactory", "Moderate", "Poor", "Very Poor", "Severe"]
SHOWN = ("log_loss", "ranked_probability_score", "accuracy", "off_by_one_accuracy", "mae", "quadratic_kappa")


def peers(train: pa.Table, test: pa.Table, when: np.ndarray) -> dict[str, np.ndarray]:
    """LightGBM's probabilities of the test rows."""
    schema = infer_schema(train, target="label").without_trend("Date")
    x, z = (matrix(features(schema, part)) for part in (train, test))
    y = np.array([ORDER.index(label) for label in train["label"].to_pylist()])
    levels = features(schema, train).codes.shape[1]
    params = {"objective": "multiclass", "num_class": len(ORDER), "verbosity": -1, "num_threads": os.cpu_count()}
    made = {"categorical_feature": list(range(x.shape[1] - levels, x.shape[1])), "params": params}
    late = when >= np.quantile(when, 0.8)
    data, valid = lgb.Dataset(x[~late], y[~late], **made), lgb.Dataset(x[late], y[late], **made)
    stopped = lgb.train(params, data, 2000, [valid], callbacks=[lgb.early_stopping(50, verbose=False)])
    return {
        "LightGBM, early stopped": stopped.predict(z),
        "LightGBM, defaults": lgb.train(params, lgb.Dataset(x, y, **made), 100).predict(z),
    }


def main() -> None:
    table = pq.read_table(Path(os.environ["CUTLINE_DATA"]) / "air" / "india_city_day.parquet")
    when = pc.strptime(table["Date"], format="%d/%m/%Y", unit="s")
    table = table.set_column(table.column_names.index("Date"), "Date", when)
    days = when.to_numpy().astype(np.int64)
    late = days >= np.quantile(days, 0.7)
    train, test = table.filter(pa.array(~late)), table.filter(pa.array(late))
    lines = [f"{datetime.date.today()}  {processor()}, {os.cpu_count()} cores  cutline {cl.__version__}"]
    lines.append(f"india_city_day: {train.num_rows:,} rows to learn from, {test.num_rows:,} later ones to look at")
    lines.append(f"{'':<28}" + "".join(f"{name.split('_')[0]:>10}" for name in SHOWN))
    print("\n".join(lines), flush=True)

    def add(name: str, found: cl.Evaluation) -> None:
        lines.append(f"{name:<28}" + "".join(f"{found[each].value:>10.4f}" for each in SHOWN))
        print(lines[-1], flush=True)

    classes = cl.Classes(ORDER, ordered=True)
    start = time.time(), time.process_time()
    model = cl.fit(train, target="label", order=ORDER, time="Date", budget="60s")
    took = time.time() - start[0], time.process_time() - start[1]
    found = model.evaluate(test)
    add("cl.fit, 60 s", found)
    for name, p in peers(train, test, days[~late]).items():
        add(name, cl.evaluate(cl.Scores(y_true=test["label"].to_pylist(), y_score=p, classes=classes)))
    lines.append(f"cl.fit took {took[0]:.1f} s, {took[1]:.1f} CPU s; {model!r}".splitlines()[0])
    lines.append("skipped: " + ("; ".join(": ".join(each) for each in model.plan.skipped) or "nothing"))
    lines += ["", str(found)]
    print("\n".join(lines[-4:]))
    (Path(__file__).parent.parent / "results" / "air.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
