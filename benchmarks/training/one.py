"""One fit of one system on one table and split, in a process of its own: prints a line of JSON.

python one.py SYSTEM TABLE SEED BUDGET, where SYSTEM is cutline, autogluon, logistic or lightgbm. Only what the system
needs is imported, so that each can run in an environment of its own.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import tempfile
import time
import warnings
from pathlib import Path

CORES = len(os.sched_getaffinity(0))
"""What every system may use; `taskset` gives each run the same."""
BY_TIME = {"india_city_day": "Date"}
"""Tables that are split by time, and the column that has it."""
ORDER = {
    "india_city_day": ["Good", "Satisfactory", "Moderate", "Poor", "Very Poor", "Severe"],
    "leeds_pm10": ["good", "moderate", "poor"],
}
"""Classes that go from low to high: told to cutline; the others have no place for it."""


def read(path: str):
    """Train and test rows: 70 to 30, stratified; by time where time would leak."""
    import numpy as np
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    name, seed = Path(path).stem, int(sys.argv[3])
    n = table.num_rows
    if name in BY_TIME:
        # Real dates for all systems; the same rows for every seed.
        when = pc.strptime(table.column(BY_TIME[name]), format="%d/%m/%Y", unit="s")
        table = table.set_column(table.column_names.index(BY_TIME[name]), BY_TIME[name], when)
        test = when.to_numpy() >= np.quantile(when.to_numpy().astype(np.int64), 0.7).astype("datetime64[s]")
        return table, test
    codes = np.unique(table.column("label").to_numpy(zero_copy_only=False).astype(str), return_inverse=True)[1]
    rng, test = np.random.default_rng(seed), np.zeros(n, bool)
    for code in np.unique(codes):
        rows = rng.permutation(np.flatnonzero(codes == code))
        test[rows[: round(0.3 * len(rows))]] = True
    return table, test


def cutline(train, test, budget: float, names: list[str], options: dict):
    import cutline as cl

    name = Path(sys.argv[2]).stem
    options |= {"time": BY_TIME[name]} if name in BY_TIME else {}
    options |= {"order": ORDER[name]} if name in ORDER else {}
    start = time.time()
    model = cl.fit(train, target="label", budget=budget, **options)
    fitted = time.time() - start
    p = model.predict_proba(test.drop_columns("label"))
    measured = ("log_loss", "brier", "roc_auc" if len(names) == 2 else "macro_roc_auc")
    estimates = {name: model.evaluation[name] for name in measured}
    reported = {name: [e.value, (e.high - e.low) / 3.92] for name, e in estimates.items()}
    members = [(m["name"], round(m["log_loss"], 5), m["weight"], round(m["seconds"], 2)) for m in model.plan.members]
    more = {"fit_wall": fitted, "folds": model.plan.folds}
    more |= {"reported": reported, "members": members, "skipped": list(model.plan.skipped)}
    return {str(c): p.column(c).to_numpy() for c in p.column_names}, more


def autogluon(train, test, budget: float, names: list[str], options: dict):
    from autogluon.tabular import TabularPredictor

    with tempfile.TemporaryDirectory() as folder:
        predictor = TabularPredictor(label="label", eval_metric="log_loss", path=folder, verbosity=0)
        predictor.fit(train.to_pandas(), presets="medium_quality", time_limit=budget, num_cpus=CORES, **options)
        p = predictor.predict_proba(test.drop_columns("label").to_pandas(), as_multiclass=True)
        more = {"members": predictor.model_names()}
    return {str(c): p[c].to_numpy() for c in p.columns}, more


def plain(train, test, names):
    """Columns of one-hot levels and standardised numbers, for the plain peers."""
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    a, b = train.drop_columns("label").to_pandas(), test.drop_columns("label").to_pandas()
    for column in a.columns:
        if a[column].dtype.kind not in "iufb":
            a[column], b[column] = a[column].astype(str), b[column].astype(str)
    numeric = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    levels = OneHotEncoder(handle_unknown="ignore", min_frequency=2)
    make = make_column_transformer(
        (numeric, make_column_selector(dtype_include="number")),
        (levels, make_column_selector(dtype_exclude="number")),
    )
    return make.fit_transform(a), make.transform(b), train.column("label").to_numpy(zero_copy_only=False).astype(str)


def logistic(train, test, budget, names, options):
    from sklearn.linear_model import LogisticRegressionCV

    x, z, y = plain(train, test, names)
    model = LogisticRegressionCV(Cs=[0.001, 0.01, 0.1, 1, 10, 100], cv=5, scoring="neg_log_loss", max_iter=500)
    p = model.fit(x, y).predict_proba(z)
    return {c: p[:, i] for i, c in enumerate(model.classes_)}, {}


def lightgbm(train, test, budget, names, options):
    """LightGBM at its defaults but early-stopped, the mean of five folds."""
    import lightgbm as lgb
    import numpy as np
    from sklearn.model_selection import StratifiedKFold

    def columns(table):
        frame = table.drop_columns("label").to_pandas()
        for c in frame.columns:
            if frame[c].dtype.kind not in "iufb":
                frame[c] = frame[c].astype(str)
        return frame

    a, b = columns(train), columns(test)
    for c in a.columns:
        if a[c].dtype.kind not in "iufb":
            kinds = sorted(set(a[c].dropna()))
            a[c] = a[c].astype("category").cat.set_categories(kinds)
            b[c] = b[c].astype("category").cat.set_categories(kinds)
    y = np.array([names.index(str(v)) for v in train.column("label").to_pylist()])
    k, out = len(names), 0
    params = {"verbosity": -1, "num_threads": CORES, "objective": "binary" if k == 2 else "multiclass"}
    params |= {} if k == 2 else {"num_class": k}
    for fit, held in StratifiedKFold(5, shuffle=True, random_state=0).split(a, y):
        data = lgb.Dataset(a.iloc[fit], y[fit])
        valid = lgb.Dataset(a.iloc[held], y[held], reference=data)
        p = lgb.train(params, data, 1000, [valid], callbacks=[lgb.early_stopping(50, verbose=False)]).predict(b)
        out = out + (np.column_stack([1 - p, p]) if k == 2 else p) / 5
    return {c: out[:, i] for i, c in enumerate(names)}, {}


def figures(p, truth) -> dict:
    """Log loss, Brier score, accuracy, and the log loss that a refit on the test rows removes."""
    import numpy as np
    from scipy.optimize import minimize

    p = np.clip(p, 1e-7, None)
    p = p / p.sum(axis=1, keepdims=True)
    rows, k = np.arange(len(truth)), p.shape[1]
    each = -np.log(p[rows, truth])
    z = np.log(p)

    def refitted(t):
        q = z * np.exp(t[0])
        if k == 2:
            q[:, 1] = q[:, 1] + t[1]
        return float(np.mean(np.logaddexp.reduce(q, axis=1) - q[rows, truth]))

    best = minimize(refitted, np.zeros(2 if k == 2 else 1), method="Nelder-Mead", options={"xatol": 1e-4}).fun
    square = np.square(p - np.eye(k)[truth]).sum(axis=1)
    return {
        "log_loss": float(each.mean()),
        "log_loss_se": float(each.std(ddof=1) / len(each) ** 0.5),
        "brier": float(square.mean() / (2 if k == 2 else 1)),
        "brier_se": float(square.std(ddof=1) / (2 if k == 2 else 1) / len(each) ** 0.5),
        "accuracy": float((p.argmax(axis=1) == truth).mean()),
        "calibration_loss": float(each.mean() - best),
    }


def auc_of(p, truth):
    import numpy as np
    from sklearn.metrics import roc_auc_score

    if p.shape[1] == 2:
        return float(roc_auc_score(truth, p[:, 1]))
    present = [c for c in range(p.shape[1]) if (truth == c).any()]
    return float(np.mean([roc_auc_score(truth == c, p[:, c]) for c in present]))


def main() -> None:
    import numpy as np
    import pyarrow as pa

    system, path, seed, budget = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
    options = json.loads(sys.argv[5]) if len(sys.argv) > 5 else {}
    warnings.simplefilter("ignore")
    table, test = read(path)
    train, rest = table.filter(pa.array(~test)), table.filter(pa.array(test))
    names = sorted({str(label) for label in table.column("label").to_pylist()})
    started = time.time()
    columns, more = globals()[system](train, rest, budget, names, options)
    took = time.time() - started
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu = sum(u.ru_utime + u.ru_stime for u in usage)
    memory = max(u.ru_maxrss for u in usage) / 1024
    truth = np.array([names.index(str(label)) for label in rest.column("label").to_pylist()])
    p = np.column_stack([columns.get(name, np.zeros(len(truth))) for name in names])
    found = figures(p, truth) | {"auc": auc_of(p, truth)}
    about = {"system": system, "table": Path(path).stem, "seed": seed, "budget": budget, "classes": len(names)}
    about |= {"train": int((~test).sum()), "wall": took, "cpu": cpu, "memory_mb": memory}
    print(json.dumps(about | found | more, default=float), flush=True)


if __name__ == "__main__":
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    main()
