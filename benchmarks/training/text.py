"""Texts: the pool of cl.fit beside its members and beside word TF-IDF with a logistic regression, on held-out rows.

Run with ``CUTLINE_DATA=folder python benchmarks/training/text.py [names]``; the table is printed and written to
benchmarks/results/text.txt. fortunes_topics: 3,500 rows to learn from and 1,500 to look at; the others 70 to 30;
spam_assassin by whole threads and near copies.
"""

from __future__ import annotations

import datetime
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegressionCV

import cutline as cl
from cutline.data import near_copies, sentences, together

os.environ.setdefault("OMP_NUM_THREADS", str(os.cpu_count()))  # the other benchmarks take one
sys.path.insert(0, str(Path(__file__).parent.parent))
from core import processor

NAMES = ("bbc_news", "fortunes_topics", "spam_assassin", "reuters_corn")
SEEDS = (0, 1)
BUDGET = "60s"
MEMBERS = ("words", "text", "sentences", "text_and_sentences")
ENCODE = sentences.encode


def split(name, table, seed):
    """Rows to learn from and rows to look at."""
    rng, n = np.random.default_rng(seed), table.num_rows
    if name == "spam_assassin":
        unit = together(*(near_copies(table[column].to_pylist()) for column in ("subject", "text")))
        draw = rng.permutation(unit.max() + 1)[unit]
        test = draw >= np.quantile(draw, 0.7)
        return np.flatnonzero(~test), np.flatnonzero(test)
    codes = np.unique(table["label"].to_pylist(), return_inverse=True)[1]
    order = rng.permutation(n)
    if name == "fortunes_topics":
        return order[:3500], order[3500:5000]
    place = np.empty(n)
    for code in np.unique(codes):
        rows = order[codes[order] == code]
        place[rows] = np.arange(len(rows)) / len(rows)
    return np.flatnonzero(place < 0.7), np.flatnonzero(place >= 0.7)


def losses(p, names, labels):
    code = np.array([names.index(label) for label in labels])
    own = np.clip(p[np.arange(len(code)), code], 1e-15, 1)
    return float(-np.log(own).mean()), float((p.argmax(axis=1) == code).mean())


def plain(train, test):
    """The usual: TF-IDF of words and pairs of them, all columns as one text, C by three folds."""
    words = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), min_df=2)
    texts = [
        [" ".join(row) for row in zip(*(part[c].to_pylist() for c in part.column_names if c != "label"), strict=True)]
        for part in (train, test)
    ]
    x, z = words.fit_transform(texts[0]), words.transform(texts[1])
    model = LogisticRegressionCV(Cs=[0.1, 1, 10, 100, 1000], cv=3, scoring="neg_log_loss", max_iter=300, n_jobs=2)
    model.fit(x, train["label"].to_pylist())
    return model.predict_proba(z), model.classes_.tolist()


def remembered(encode):
    """Sentences that were read once, for what is not timed."""
    known = {}

    def read(cells, check=lambda done: None):
        new = np.array([cell for cell in dict.fromkeys(cells) if cell not in known], dtype=object)
        if len(new):
            known.update(zip(new, encode(new), strict=True))
        return np.stack([known[cell] for cell in cells])

    return read


def one(name, seed):
    """Log loss and accuracy of each on one split; the wall and CPU seconds of the pool, its weights, and the rows."""
    table = pq.read_table(Path(os.environ["CUTLINE_DATA"]) / "text" / f"{name}.parquet")
    table = pa.table({c: [cell or "" for cell in table[c].to_pylist()] for c in table.column_names if c != "split"})
    train, test = (table.take(pa.array(rows)) for rows in split(name, table, seed))
    labels = test["label"].to_pylist()
    found = {"plain": losses(*plain(train, test), labels)}
    sentences.encode = ENCODE
    start = time.time(), time.process_time()
    model = cl.fit(train, target="label", budget=BUDGET, seed=seed, families=["linear"])
    took = time.time() - start[0], time.process_time() - start[1]
    sentences.encode = remembered(ENCODE)
    names = list(model.classes.names)
    found["pool"] = losses(model.scores(test).probabilities, names, labels)
    for member in model.plan.members:
        alone = cl.fit(train, target="label", seed=seed, plan=replace(model.plan, members=(member,)))
        found[member["name"]] = losses(alone.scores(test).probabilities, names, labels)
    return found, took, {m["name"]: m["weight"] for m in model.plan.members}, train.num_rows


def main() -> None:
    when = f"{datetime.date.today()}  {processor()}, {os.cpu_count()} cores  cutline {cl.__version__}"
    lines = [f"{when}; log loss (accuracy) on held-out rows, means of {len(SEEDS)} splits, budget {BUDGET}"]
    lines.append("".join(f"{each:<19}" for each in ("data, rows", "TF-IDF + LR", *MEMBERS, "pool")) + "  wall   CPU s")
    print("\n".join(lines), flush=True)
    for name in sys.argv[1:] or NAMES:
        runs = [one(name, seed) for seed in SEEDS]
        cells = [f"{name[:12]} {runs[0][3]:,}"]
        for each in ("plain", *MEMBERS, "pool"):
            values = [found[each] for found, *_ in runs if each in found]
            cells.append("{:.4f} ({:.4f})".format(*np.mean(values, axis=0)) if len(values) == len(runs) else "no time")
        wall, cpu = np.mean([took for _, took, *_ in runs], axis=0)
        lines.append("".join(f"{cell:<19}" for cell in cells) + f"{wall:>6.1f}{cpu:>8.1f}")
        best = [min(v[0] for key, v in found.items() if key not in ("plain", "pool")) for found, *_ in runs]
        ratio = np.mean([found["pool"][0] for found, *_ in runs]) / np.mean(best)
        shares = "; ".join(", ".join(f"{key} {w:.2f}" for key, w in weight.items() if w) for *_, weight, _ in runs)
        lines.append(f"    pool / best member of each split {ratio:.3f}; weights: {shares}")
        print("\n".join(lines[-2:]), flush=True)
    (Path(__file__).parent.parent / "results" / "text.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
