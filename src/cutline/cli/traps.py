"""The traps that scores and tables fall into."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

import cutline as cl
from cutline.cli.files import print_or_json, read_point, save_json
from cutline.cli.options import COLUMNS, Columns, Flag, Many, Output, Saved
from cutline.errors import InputError


def check(
    scores: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None,
    /,
    *,
    columns: Columns = COLUMNS,
    point: Saved | None = None,
    threshold: float | None = None,
    prevalence: float | None = None,
    label_noise: float | None = None,
    train: Path | None = None,
    test: Path | None = None,
    target: str | None = None,
    time: str | None = None,
    drop: Many = (),
    ignore: Many = (),
    seed: int = 0,
    strict: Flag = False,
    output: Output = None,
    json: Flag = False,
) -> int:
    """Look for traps: in scores of any model, or in the tables that a model is fitted and tried on.

    Each finding has a code, what was seen, why it matters, the fix as Python, and how to silence it.

    Example: cutline check scores.csv --y-true label --y-score p --positive spam --prevalence 0.02

    Example: cutline check --train train.csv --test test.csv --target label --group patient

    Parameters
    ----------
    scores
        A CSV or Parquet file of scores; - reads CSV from standard input.
    point
        The saved operating point that is reported on these rows.
    threshold
        In its place, a threshold that somebody chose.
    prevalence
        Share of positives where the model will be used.
    label_noise
        Share of labels that are known to be wrong.
    train
        In place of scores: the table a model is fitted on.
    test
        The table it is tried on.
    target
        Column to predict, of these tables; --group is a column of what belongs together.
    time
        Column of dates or numbers: test rows have to come after training.
    drop
        Columns of the tables that are no features.
    ignore
        Codes to leave out, such as CT06.
    seed
        Seed of the sample of a large file.
    strict
        Exit with code 4 when anything was found.
    output
        Where to save the findings as JSON.
    json
        Print JSON.
    """
    if (scores is None) == (train is None):
        came = "scores and a table" if scores is not None else "neither scores nor a table"
        raise InputError("scores", came, "a file of scores, or --train with --target, and --test if there is one")
    about: dict[str, Any] = {"ignore": ignore, "seed": seed}
    if train is not None:
        if target is None:
            raise InputError("--target", "nothing", "the column to predict")
        found = cl.check_tables(train, test, target=target, groups=columns.group, time=time, drop=drop, **about)
    else:
        assert scores is not None
        saved = None if point is None else read_point(point)
        rows = columns.read(scores, like=saved)
        about |= {"prevalence": prevalence, "threshold": threshold, "label_noise": label_noise, "point": saved}
        found = cl.check(rows, **about)
    save_json(found.to_dict(), output)
    print_or_json(found, json)
    return 4 if strict and found else 0
