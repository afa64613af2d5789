"""Make the pictures of the reports of several classes and of models side by side, from real rows.

`CUTLINE_DATA` names the folder of the data sets. The reports carry no date, so the same figures give the same pictures.
"""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from make_images import photograph

SHOTS = (
    # file, report, width in CSS pixels, the last card to show, colour scheme
    ("report-letters.png", "letters", 1200, "#h-one", "light"),
    ("report-letters-dark.png", "letters", 1200, "#h-one", "dark"),
    ("report-ordinal.png", "ordinal", 1200, "#h-one", "light"),
    ("report-comparison.png", "comparison", 1200, "#h-disagree", "light"),
    ("report-comparison-dark.png", "comparison", 1200, "#h-roc", "dark"),
    ("report-comparison-phone.png", "comparison", 390, "#h-equal", "light"),
)
LEVELS = ["Fair", "Good", "Very Good", "Premium", "Ideal"]


def rows(name: str, target: str, most: int = 8_000) -> tuple[Any, Any, Any, Any]:
    """Numbers and labels of a data set, in halves to fit and to test, drawn with a seed."""
    import numpy as np
    import pandas as pd

    frame = pd.read_parquet(Path(os.environ["CUTLINE_DATA"]) / "tabular" / f"{name}.parquet")
    order = np.random.default_rng(0).permutation(len(frame))[:most]
    frame = frame.iloc[order]
    x = pd.get_dummies(frame.drop(columns=target)).to_numpy(dtype=float)
    y = frame[target].astype(str).to_numpy()
    half = len(y) // 2
    return x[:half], y[:half], x[half:], y[half:]


def logistic() -> Any:
    """Logistic regression on standardised numbers."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))


def trees() -> Any:
    """Boosted trees, few of them."""
    from lightgbm import LGBMClassifier

    return LGBMClassifier(n_estimators=60, num_leaves=15, verbose=-1, n_jobs=1, random_state=0)


def reports(folder: Path) -> dict[str, Path]:
    """A report of 26 letters, of cuts of diamonds in order, and of two models of spam."""
    import cutline as cl

    def scored(model: Any, data: tuple[Any, Any, Any, Any], **more: Any) -> cl.Scores:
        x, y, x_test, y_test = data
        p = model.fit(x, y).predict_proba(x_test)
        order = [list(model.classes_).index(name) for name in more["classes"].names]
        score = p[:, order] if len(order) > 2 else p[:, 1]
        return cl.Scores(y_true=y_test, y_score=score, kind="probability", role="test", **more)

    letters = rows("keel_letter", "label")
    names = cl.Classes(sorted(set(letters[1])))
    diamonds = rows("r_ggplot2_diamonds", "label")
    cuts = cl.Classes(LEVELS, ordered=True)
    mails = rows("keel_spambase", "label")
    spam = {"classes": cl.Classes(["good mail", "spam"], "spam")}
    mails = (
        mails[0],
        [spam["classes"].names[int(y)] for y in mails[1]],
        mails[2],
        [spam["classes"].names[int(y)] for y in mails[3]],
    )
    models = {"boosted trees": scored(trees(), mails, **spam), "logistic regression": scored(logistic(), mails, **spam)}
    made = {
        "letters": cl.report(scored(logistic(), letters, classes=names), title="Which letter is it?", date=""),
        "ordinal": cl.report(scored(trees(), diamonds, classes=cuts), title="How well is the diamond cut?", date=""),
        "comparison": cl.report(models, title="Trees or a line, for spam?", date=""),
    }
    return {name: report.save(folder / f"{name}.html") for name, report in made.items()}


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        photograph(reports(Path(folder)), SHOTS)
