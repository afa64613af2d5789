"""The main job on real data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

import cutline as cl
from cutline.cli.files import say_notes, show
from cutline.cli.options import Output
from cutline.decision import GRADES, claims
from cutline.errors import UnknownName


def _grades(model: cl.Classifier) -> list[str]:
    """What each constraint is worth, grade by grade."""
    lines: list[str] = []
    result = model.evaluation
    if result.counts is None or model.measured.crossed or result.weighted:
        return lines
    for row, needed in claims(model.point, result.counts):
        name, side = row.constraint.metric.name, "at least" if row.constraint.op == ">=" else "at most"
        crossed = "not tried" if row.cross_fitted is None else f"{row.cross_fitted:.4f}"
        lines += [
            f"  {row.constraint}, in three grades:",
            f"    plug-in       {name} {row.value:.4f}: {GRADES['plug-in']}",
            f"    cross-fitted  {name} {crossed}: decided fold by fold at a cut chosen on the others",
            f"    guaranteed    {name} {side} {row.bound:.4f} on new rows with 95 % confidence (exact, "
            f"{result.n:,} held-out rows)",
        ]
        if not row.certified:
            more = "no number of such rows" if needed is None else f"about {needed:,} such rows"
            lines.append(f"    {more} would certify {row.constraint}")
    return lines


DEMOS: dict[str, tuple[str, cl.Policy | None]] = {
    "spambase": (
        "UCI Spambase: is a mail spam? A good mail must hardly ever be lost.",
        cl.maximize(cl.recall, subject_to=[cl.precision >= 0.98]),
    ),
    "breast_cancer": (
        "Wisconsin breast cancer: is a tumour malignant? A missed one costs twenty false alarms.",
        cl.minimize(cl.cost(fp=1, fn=20)),
    ),
    "wine": ("Wine: which of three cultivars?", None),
    "digits": ("Handwritten digits: which of ten?", None),
}
"""Title and policy of each demo."""
DEMO_FAMILIES = ("linear", "lightgbm", "network")
"""Those of the base install: no extra changes the figures."""


def demo(
    name: str = "spambase",
    /,
    *,
    listed: Annotated[bool, Parameter(name="--list", negative=())] = False,
    output: Output = None,
    seed: int = 0,
) -> None:
    """Do the main job on real data: fit, choose the cut, say what it means, write the report.

    Example: cutline demo breast_cancer

    Parameters
    ----------
    name
        Which data: see --list.
    listed
        List the data sets.
    output
        Folder for the classifier and the report.
    seed
        Seed of splits and folds.
    """
    from cutline.data import bundled

    if listed:
        for key, (about, _) in DEMOS.items():
            print(f"{key:<14} {about}")
        return
    if name not in DEMOS:
        raise UnknownName.among("demo", name, DEMOS)
    folder = output or Path("out") / "demo"
    folder.mkdir(parents=True, exist_ok=True)
    about, policy = DEMOS[name]
    table, target, positive = bundled(name)
    print(f"{about}\nfitting on {table.num_rows:,} rows; the policy: {policy or 'the most probable class'}\n")
    model = cl.fit(
        table,
        target=target,
        positive=positive,
        policy=policy,
        families=DEMO_FAMILIES,
        holdout=0.2,
        seed=seed,
        progress=True,
    )
    model.save(folder / f"{name}.cutline")
    cl.report(model, title=about).save(folder / f"{name}.html")
    say_notes(model.notes)
    show(model.evaluation, False)
    print(f"\n{model.point.why}")
    for line in _grades(model):
        print(line)
    print(f"\nclassifier: {folder / name}.cutline\nreport:     {folder / name}.html")
