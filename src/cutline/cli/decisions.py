"""Operating points: chosen, assessed, applied, explained."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

import cutline as cl
from cutline.cli.files import (
    DOCUMENTS,
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
    r"""Choose the threshold that fits an aim and its constraints.

    Example: cutline choose valid.csv --y-true label --y-score p \
    --positive spam --maximize recall --subject-to 'precision>=0.90' -o point.json

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
    check_output(output, suffixes=DOCUMENTS)
    policy = aim.policy()
    if policy is None:
        aims = "--maximize, --minimize, --cost-fp and --cost-fn, --cost-matrix, --capacity or --threshold"
        raise InputError("policy", "no aim", aims)
    found = columns.read(scores)
    say_notes(found.notes)
    columns.say_findings(found)
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
    result = saved.assess(columns.read(scores, like=saved), confidence=confidence, checks=columns.checks)
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
    found = columns.read(scores, truth=False, like=saved)
    columns.say_findings(found)
    write_rows(saved.decide_table(found), output)


def explain(
    what: Annotated[tuple[str, ...], Parameter(negative=())],
    /,
    *,
    classes: str | None = None,
    threshold: float | None = None,
    point: Saved | None = None,
    model: Path | None = None,
    row: str | None = None,
    id: str | None = None,
    html: Path | None = None,
    json: Flag = False,
) -> None:
    """Say in words what a probability, or a row, means: what is decided and why, how sure that is, what moved it.

    Example: cutline explain 0.9899 --classes 'not spam,spam' --threshold 0.37

    Parameters
    ----------
    what
        The probability of the positive class, or one for each class; with --model also a file of rows.
    classes
        Class names, separated by commas; of two, the last is the positive one.
    threshold
        Positive iff probability >= threshold.
    point
        A saved operating point, in place of --classes and --threshold.
    model
        A saved classifier: also says how rows that were scored like this turned out, and what moved a row.
    row
        Which row of the file: its number, from 1, or its id with --id.
    id
        Column with row ids.
    html
        Where to write it as a small page.
    json
        Print JSON.
    """
    check_output(html, suffixes=(".html", ".htm"))
    names = None if classes is None else [name.strip() for name in classes.split(",")]
    if point is not None and model is not None:
        raise InputError("--point", "a point and a classifier", "one of them", "the classifier has its own point")
    found: Any = None if point is None else read_point(point)
    scored = _numbers(what)
    if model is not None:
        found = cl.load(model)
    elif scored is None:
        raise InputError("what", repr(" ".join(what)), "a probability", "a file of rows needs --model")
    if scored is not None and (row is not None or id is not None):
        raise InputError("--row", "a row of a probability", "--row and --id with a file of rows")
    given = _row(what, row, id) if scored is None else scored
    said = cl.explain(given, found, classes=names, threshold=threshold)
    if html is not None:
        from cutline.data import write_text

        write_text(html, said.to_html())
    print_or_json(said, json)


def _numbers(words: tuple[str, ...]) -> list[float] | None:
    """Probabilities; None for what is no numbers."""
    try:
        return [float(word) for word in words]
    except ValueError:
        return None


def _row(words: tuple[str, ...], row: str | None, id: str | None) -> Any:
    """One row of a file, by its number or id."""
    from cutline.data import read_table

    if len(words) != 1:
        raise InputError("what", " ".join(words), "one file of rows")
    table = read_table(words[0])
    if id is not None and (row is None or id not in table.column_names):
        came = "no --row" if row is None else f"no column {id!r}"
        raise InputError("--id", came, "the id of a row, and the column that has it")
    if row is None and table.num_rows != 1:
        wanted = f"the number of one of the {table.num_rows:,} rows, from 1"
        raise InputError("--row", "nothing", wanted, "or an id, with --id and its column")
    if row is None:
        return table
    if id is not None:
        where = [i for i, value in enumerate(table.column(id).to_pylist()) if str(value) == row]
    else:
        where = [int(row) - 1] if row.isdecimal() and 0 < int(row) <= table.num_rows else []
    if len(where) != 1:
        what = f"an id in column {id!r}" if id else f"a number from 1 to {table.num_rows:,}"
        raise InputError("--row", f"{row!r}" if not where else f"{row!r}, which {len(where)} rows have", what)
    return table.slice(where[0], 1)
