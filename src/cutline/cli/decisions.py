"""Operating points: chosen, assessed, applied, explained."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

import cutline as cl
from cutline.cli.files import (
    RESULTS,
    TABLES,
    check_output,
    print_or_json,
    read_point,
    save_json,
    save_result,
    say_notes,
    show,
    write_rows,
)
from cutline.cli.options import AIM, COLUMNS, Aim, Columns, Flag, Output, Saved, Source
from cutline.errors import InputError


def choose(
    scores: Source,
    /,
    *,
    columns: Columns = COLUMNS,
    aim: Aim = AIM,
    certify: str | None = None,
    seed: int = 0,
    output: Output = None,
    json: Flag = False,
) -> None:
    """Choose the threshold that fits an aim and its constraints.

    Example: cutline choose valid.csv --y-true label --y-score p --positive spam --maximize recall
    --subject-to 'precision>=0.90' --confidence 0.95 -o point.json

    Parameters
    ----------
    scores
        Tuning rows: a CSV or Parquet file; - reads CSV from standard input.
    certify
        A file of rows that nothing was chosen on, with the same columns. Without it rows are set apart.
    seed
        Seed of that split.
    output
        Where to save the operating point.
    json
        Print it as JSON.
    """
    check_output(output)
    policy = aim.policy()
    if policy is None:
        raise InputError("policy", "no aim", "--maximize, --minimize, --cost-fp and --cost-fn, or --threshold")
    found = columns.read(scores)
    say_notes(found.notes)
    point = policy.choose(found, None if certify is None else columns.read(certify), seed=seed)
    save_json(point.to_dict(), output)
    print_or_json(point, json)


def assess(
    point: Saved,
    scores: Source,
    /,
    *,
    columns: Columns = COLUMNS,
    confidence: float = 0.95,
    output: Output = None,
    json: Flag = False,
) -> None:
    """Evaluate a saved operating point on other rows; rows it was chosen on are refused.

    Example: cutline assess point.json test.csv --y-true label --y-score p

    Parameters
    ----------
    point
        An operating point saved by cutline choose; - reads it from standard input.
    scores
        A CSV or Parquet file; - reads CSV from standard input.
    confidence
        Level of the intervals.
    output
        Where to write the result: .json, or its figures as a .csv or .parquet table.
    json
        Print JSON.
    """
    check_output(output, suffixes=RESULTS)
    saved = read_point(point)
    result = saved.assess(columns.read(scores, like=saved), confidence=confidence)
    save_result(result, output)
    show(result, json)


def decide(point: Saved, scores: Source, /, *, columns: Columns = COLUMNS, output: Output = None) -> None:
    """Apply a saved operating point to new scores: ids, a probability for each class, the decision.

    Example: cutline decide point.json new.csv --y-score p --id id -o decided.parquet

    Parameters
    ----------
    point
        An operating point saved by cutline choose; - reads it from standard input.
    scores
        A CSV or Parquet file; - reads CSV from standard input.
    output
        A .csv or .parquet file; CSV on standard output when not given.
    """
    check_output(output, suffixes=TABLES)
    saved = read_point(point)
    write_rows(saved.decide_table(columns.read(scores, truth=False, like=saved)), output)


def explain(
    score: Annotated[tuple[float, ...], Parameter(negative=())],
    /,
    *,
    classes: str | None = None,
    threshold: float | None = None,
    point: Saved | None = None,
    json: Flag = False,
) -> None:
    """Say in words what a probability means and what is decided.

    Example: cutline explain 0.9899 --classes 'not spam,spam' --threshold 0.37

    Parameters
    ----------
    score
        The probability of the positive class, or one for each class.
    classes
        Class names, separated by commas; of two, the last is the positive one.
    threshold
        Positive iff probability >= threshold.
    point
        A saved operating point, in place of --classes and --threshold.
    json
        Print JSON.
    """
    names = None if classes is None else [name.strip() for name in classes.split(",")]
    said = cl.explain(list(score), None if point is None else read_point(point), classes=names, threshold=threshold)
    print_or_json(said, json)
