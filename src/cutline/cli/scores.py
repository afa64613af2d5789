"""Scores of any model: figures, comparison, calibration, the report."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

import cutline as cl
from cutline.cli.files import (
    DOCUMENTS,
    FIGURES,
    REPORTS,
    RESULTS,
    check_output,
    print_or_json,
    read_point,
    save_json,
    save_result,
    say,
    say_notes,
    show,
    split_pair,
)
from cutline.cli.options import COLUMNS, Columns, Flag, Many, Output, Saved, Source
from cutline.errors import InputError
from cutline.evaluation import costliest

if TYPE_CHECKING:
    from cutline.report import Report


def evaluate(
    scores: Source,
    /,
    *,
    columns: Columns = COLUMNS,
    threshold: float | None = None,
    metrics: Many = (),
    confidence: float = 0.95,
    seed: int = 0,
    output: Output = None,
    json: Flag = False,
) -> None:
    """Every figure of the scores of any model, each with its interval.

    Example: cutline evaluate scores.csv --y-true label --y-score p --positive spam

    Parameters
    ----------
    scores
        A CSV or Parquet file; - reads CSV from standard input.
    threshold
        Positive iff score >= threshold; 0.5 for probabilities when not given.
    metrics
        These figures, in place of the usual ones: cutline metrics lists them.
    confidence
        Level of the intervals.
    seed
        Seed of methods that draw.
    output
        Where to write the result: .json, or its figures as a .csv or .parquet table.
    json
        Print JSON.
    """
    check_output(output, suffixes=RESULTS)
    chosen = list(metrics) or None
    about: dict[str, Any] = {"confidence": confidence, "checks": columns.checks, "seed": seed}
    result = cl.evaluate(columns.read(scores), threshold=threshold, metrics=chosen, **about)
    save_result(result, output)
    show(result, json)


def calibrate(
    scores: Source,
    /,
    *,
    columns: Columns = COLUMNS,
    method: str = "auto",
    seed: int = 0,
    output: Output = None,
    json: Flag = False,
) -> None:
    r"""Make probabilities of scores: fit a calibrator, chosen by cross-validated log loss.

    Example: cutline calibrate valid.csv --y-true label --y-score p \
    --positive spam -o calibrator.json

    Parameters
    ----------
    scores
        Rows the model was not fitted on: a CSV or Parquet file; - reads CSV from standard input.
    method
        auto, or the name of one calibrator.
    seed
        Seed of the cross-validation.
    output
        Where to save the calibrator, for --calibrator of other commands.
    json
        Print it as JSON.
    """
    check_output(output, suffixes=DOCUMENTS)
    found = columns.read(scores)
    say_notes(found.notes)
    columns.say_findings(found)
    made = cl.calibrate(found, method=method, seed=seed)
    save_json(made.to_dict(), output)
    print_or_json(made, json)


def compare(
    scores: Annotated[tuple[str, ...], Parameter(allow_leading_hyphen=True, negative=())],
    /,
    *,
    columns: Columns = COLUMNS,
    metric: str = "roc_auc",
    threshold: float | None = None,
    reference: str | None = None,
    margin: float | None = None,
    confidence: float = 0.95,
    on: str | None = None,
    seed: int = 0,
    output: Output = None,
    json: Flag = False,
) -> None:
    r"""Compare models by a metric on the same rows: differences with intervals, p-values and Holm's correction.

    Example: cutline compare a.csv b.csv --y-true label --y-score p \
    --metric roc_auc --on id

    Parameters
    ----------
    scores
        A file for each model, with the same columns; a model is called by its file, by its path if that is needed.
    metric
        What is compared: cutline metrics lists them.
    threshold
        Of metrics at a threshold.
    reference
        Compare every other model with this one, in place of all pairs.
    margin
        Non-inferiority: how much worse than the reference a model may be.
    confidence
        Level of the intervals.
    on
        Column with the row ids by which the files are matched; without it rows are taken in order.
    seed
        Seed of methods that resample.
    output
        Where to write the result: .json, or the differences as a .csv or .parquet table.
    json
        Print JSON.
    """
    check_output(output, suffixes=RESULTS)
    if on is not None:
        columns = replace(columns, id=on)
    models = _models(scores, columns)
    matched: Any = None if columns.id is None else "ids"
    found = cl.compare(
        models,
        cl.find(metric),
        at=threshold,
        reference=reference,
        margin=margin,
        confidence=confidence,
        on=matched,
        seed=seed,
    )
    save_result(found, output)
    print_or_json(found, json)


def _models(sources: tuple[str, ...], columns: Columns) -> dict[str, cl.Scores]:
    """The scores of a file for each model, by the name of the file."""
    paths = {Path(source).stem: source for source in sources}
    if len(paths) != len(sources):  # run1/scores.csv and run2/scores.csv
        paths = {source: source for source in sources}
    if len(paths) != len(sources):
        raise InputError("scores", f"a file twice: {', '.join(sources)}", "a file for each model")
    models = {name: columns.read(source) for name, source in paths.items()}
    for name, read in models.items():
        columns.say_findings(read, f"{name}: ")
    return models


def report(
    sources: Annotated[tuple[str, ...], Parameter(allow_leading_hyphen=True, negative=())],
    /,
    *,
    columns: Columns = COLUMNS,
    point: Saved | None = None,
    threshold: float | None = None,
    mistakes: int = 0,
    unit: str = "",
    title: str | None = None,
    output: Output = None,
    figure: Many = (),
) -> None:
    r"""Write the report: one file that anybody can open.

    Example: cutline report scores.csv --y-true label --y-score p \
    --positive spam -o report.html --figure roc=roc.svg

    Several files of scores are models side by side: cutline report gbm.csv logit.csv --y-true label --y-score p --id id

    On a terminal the figures of one model are printed, too.

    Parameters
    ----------
    sources
        A file of scores; several, one for each model, with the same columns; or a saved classifier, and after it rows
        to evaluate it on in place of its own held-out figures.
    point
        A saved operating point for a file of scores.
    threshold
        In its place; of models side by side that of each. 0.5 for probabilities when neither is given.
    mistakes
        List so many single rows by --id, the costliest mistakes. The ids stand in the file.
    unit
        What costs are counted in, such as EUR.
    title
        Title of the report.
    output
        A .html, .md or .json file; report.html when not given.
    figure
        Figures for a paper, such as roc=roc.svg (or .png, .pdf): roc, pr, calibration, scores, cost, confusion.
    """
    target = output or Path("report.html")
    check_output(target, suffixes=REPORTS)
    figures = [split_pair("--figure", text, "figure=file, such as roc=roc.svg") for text in figure]
    check_output(*(Path(file) for _, file in figures), suffixes=FIGURES)
    made, evaluation = _made(sources, columns, point, threshold, mistakes, title=title, unit=unit)
    drawn = [(made.figure(name), file) for name, file in figures]
    made.save(target)
    if sys.stdout.isatty() and evaluation is not None:
        show(evaluation, False)
    for path in (target, *(one.save(file) for one, file in drawn)):
        say(f"report: {path}")


def _made(
    sources: tuple[str, ...],
    columns: Columns,
    point: Path | None,
    threshold: float | None,
    mistakes: int,
    **words: Any,
) -> tuple[Report, cl.Evaluation | None]:
    """The report of a classifier, of one file of scores, or of several; and the evaluation of one model."""
    from zipfile import is_zipfile

    of_scores = sources[0] == "-" or not is_zipfile(sources[0])
    for name, given in (("--point", point), ("--threshold", threshold), ("--mistakes", mistakes)):
        if given and (not of_scores or (len(sources) > 1 and name != "--threshold")):
            raise InputError(name, f"{len(sources)} file(s), the first {sources[0]}", "beside one file of scores")
    if not of_scores:
        if len(sources) > 2:
            raise InputError("sources", f"{len(sources)} files", "a classifier, and a file of rows to evaluate it on")
        model = cl.load(sources[0])
        found = model.evaluation if len(sources) == 1 else model.evaluate(sources[1])
        return cl.report(found, checks=columns.checks, **words), found
    if len(sources) > 1:
        return cl.report(_models(sources, columns), at=threshold, checks=columns.checks, **words), None
    saved = None if point is None else read_point(point)
    if saved is not None and threshold is not None:
        raise InputError("--threshold", "a point and a threshold", "one of them", "the point has its own threshold")
    scores = columns.read(sources[0], like=saved)
    checks = columns.checks
    if saved is None:
        found = cl.evaluate(scores, threshold=threshold, checks=checks)
    else:
        found = saved.assess(scores, checks=checks)
    worst = costliest(scores, saved, threshold=threshold, most=mistakes) if mistakes else ()
    return cl.report(found, mistakes=worst, checks=checks, **words), found
