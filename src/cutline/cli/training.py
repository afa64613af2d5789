"""From raw data to a classifier, and its predictions."""

from __future__ import annotations

import sys
from pathlib import Path

import cutline as cl
from cutline.cli.files import REPORTS, TABLES, check_output, say, say_notes, show, split_pair
from cutline.cli.options import AIM, Aim, Flag, Many, Output, Source
from cutline.errors import NoFeasibleThreshold

BOARD = (("log_loss", "low", "high"), ("above_blend", "above_low", "above_high"))


def fit(
    data: Source,
    /,
    *,
    target: str,
    positive: str | None = None,
    order: Many = (),
    output: Output = None,
    aim: Aim = AIM,
    drop: Many = (),
    types: Many = (),
    families: Many = (),
    budget: str = "60s",
    weight: str | None = None,
    group: str | None = None,
    time: str | None = None,
    holdout: float = 0.0,
    checkpoint: Path | None = None,
    resume: Flag = False,
    seed: int = 0,
    threads: int | None = None,
    report: Path | None = None,
    json: Flag = False,
) -> None:
    r"""Fit a calibrated classifier on a table and say how good it is.

    Example: cutline fit mail.csv --target label --positive spam -o spam.cutline \
    --maximize recall --subject-to 'precision>=0.98' --report spam.html

    Parameters
    ----------
    data
        A CSV or Parquet file, or a folder of photos or texts; - reads CSV from standard input.
    target
        Column to predict.
    positive
        The positive class of a binary problem.
    order
        All classes from low to high, when their order means something.
    output
        Where to save the classifier.
    drop
        Columns to leave out.
    types
        Column types that overrule what was inferred, such as zip=categorical.
    families
        Families of models to try: linear, lightgbm, catboost, network (all by default), one_vs_rest.
    budget
        Wall clock time, such as 10s, 60s or 10min; members that cannot finish are skipped and named.
    weight
        Column with the importance of each row.
    group
        Column of what belongs together: its rows stay in one fold.
    time
        Column of dates or numbers: models are tried on rows that came after those they learned from.
    holdout
        Share of the rows to keep apart for the figures; by default all are learned from, and figures are cross-fitted.
    checkpoint
        Folder that keeps every finished fold.
    resume
        Go on with the interrupted run in the checkpoint folder.
    seed
        Seed of splits and folds.
    threads
        Folds to fit side by side; as many as the cores it may use by default.
    report
        Where to write the report: a .html, .md or .json file.
    json
        Print the evaluation as JSON.
    """
    check_output(output)
    check_output(report, suffixes=REPORTS)
    try:
        model = cl.fit(
            data,
            target=target,
            positive=positive,
            order=list(order) or None,
            policy=aim.policy(),
            drop=drop,
            types=dict(split_pair("--types", text, "column=type, such as zip=categorical") for text in types) or None,
            families=list(families) or None,
            budget=budget,
            weight=weight,
            groups=group,
            time=time,
            holdout=holdout,
            checkpoint=checkpoint,
            resume=resume,
            seed=seed,
            threads=threads,
            progress=True,
        )
    except NoFeasibleThreshold as error:
        if output is not None and error.classifier is not None:
            error.classifier.save(output)
            say(f"classifier: {output}, which decides for the most probable class: what was asked for is not to be had")
        raise
    say(f"{model.schema}\n")
    say("member              log loss, 95 % interval     above the blend             weight")
    for row in model.leaderboard():
        loss, above = ("{:.4f} [{:.4f}, {:.4f}]".format(*(row[key] for key in keys)) for keys in BOARD)
        say(f"{row['name']:<19} {loss:<27} {above:<27} {row['weight']:.2f}")
    say("")
    say_notes(model.notes)
    if output is not None:
        model.save(output)
    if report is not None:
        cl.report(model).save(report)
    show(model.evaluation, json)
    if not json:
        print(f"\n{model.point.why}")
    for what, path in (("classifier", output), ("report", report)):
        if path is not None:
            say(f"{what}: {path}")


def predict(model: Path, data: Source, /, *, output: Output = None) -> None:
    """Write a probability for each class and the decision, row by row.

    Example: cutline predict spam.cutline new.parquet -o decided.parquet

    Parameters
    ----------
    model
        A saved classifier.
    data
        A CSV or Parquet file with the columns it was fitted on, in any order; - reads CSV from standard input.
    output
        A .csv or .parquet file; CSV on standard output when not given.
    """
    check_output(output, suffixes=TABLES)
    say_notes(cl.load(model).predict_file(data, sys.stdout.buffer if output is None else output))
