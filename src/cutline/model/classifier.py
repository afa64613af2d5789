"""The fitted artefact: preprocessing, models, calibrator, operating point, schema and the plan that was run."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline.calibration import Calibrator
from cutline.checks import Findings
from cutline.data import Schema, pieces, read_table, read_target, table_features, write_tables
from cutline.decision import Explanation, OperatingPoint
from cutline.decision.explain import decided_by, measured_with
from cutline.errors import ShapeError
from cutline.evaluation import Evaluation, evaluate, of_mean, within_folds
from cutline.evidence import z_of
from cutline.labels import Classes, Shown
from cutline.model import blend
from cutline.model.member import Member, predicted
from cutline.model.recipe import as_scores
from cutline.scores import Scores

WIDER = 1.15
"""Of intervals of cross-fitted figures: fold models share rows, so rows err together (Bates, Hastie & Tibshirani 2023).
Without, 85 % of the AUCs of 72 fits on 36 tables were within 1.96 errors of those of other rows.
"""
NONE_FOUND = Findings()


@dataclass(frozen=True, slots=True)
class Plan:
    """What was run: enough to run it again and get the same bytes on the same machine and library versions.

    Attributes
    ----------
    members : tuple of dict
        Of every member that was trained: name; log loss out of fold, and by how much it is above that of the blend,
        each with its standard error; weight in the blend; the stage each fold was trained to, that
        of the fold drawn anew last; seconds.
    skipped : tuple of (str, str)
        Members that were not, and why.
    folds, seed, threads : int
        Folds that were trained, of five; seed; cores that were used.
    rows : dict
        How many rows were used for what: tune, certify.
    versions : dict
        Of Python and the libraries that matter.
    seconds : float
        The whole fit took; not saved, so that the same fit gives the same bytes.
    """

    members: tuple[dict[str, Any], ...]
    skipped: tuple[tuple[str, str], ...]
    folds: int
    seed: int
    threads: int
    rows: Mapping[str, int]
    versions: Mapping[str, str]
    seconds: float = math.nan

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "members": [{key: each[key] for key in each if key != "seconds"} for each in self.members],
            "skipped": [list(each) for each in self.skipped],
            "folds": self.folds,
            "seed": self.seed,
            "threads": self.threads,
            "rows": dict(self.rows),
            "versions": dict(self.versions),
        }

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Plan:
        """The inverse of `to_dict`."""
        names = ("folds", "seed", "threads", "rows", "versions")
        skipped = tuple((str(name), str(why)) for name, why in saved["skipped"])
        return cls(tuple(saved["members"]), skipped, *(saved[name] for name in names))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Measured:
    """Rows that neither models nor weights, calibrator and cut saw, and what was said of them.

    Attributes
    ----------
    codes : ndarray of int32, shape (n,)
        Truth.
    probabilities : ndarray, shape (n, k)
        Calibrated, in the order of the classes.
    decision : ndarray of int32, shape (n,)
        Codes of the decided classes, -1 for undecided.
    weight, groups : ndarray, shape (n,), or None
    fold : ndarray of int, shape (n,), or None
        Cross-fitted rows: whose models, calibrator and cut these were. None for rows that were held out.
    gain : ndarray, shape (2,), or None
        By how much log loss and Brier score of the mean of the fold models are lower than those of one, about.
    """

    codes: NDArray[np.int32]
    probabilities: NDArray[np.float64]
    decision: NDArray[np.int32]
    weight: NDArray[np.float64] | None = None
    groups: NDArray[Any] | None = None
    fold: NDArray[np.int8] | None = None
    gain: NDArray[np.float64] | None = None

    @property
    def crossed(self) -> bool:
        """True when each fold had its own models and cut."""
        return self.fold is not None

    def evaluate(self, classes: Classes, point: OperatingPoint, seed: int) -> Evaluation:
        """Evaluate the decisions that were made."""
        more = {"weight": self.weight, "groups": self.groups}
        ids = np.arange(len(self.codes))
        held = as_scores(self.probabilities, classes, self.codes, role="test", ids=ids, **more)
        if self.fold is None:
            return evaluate(held, point, seed=seed)
        note = "cross-fitted: each fold was scored by models, and decided at a cut, from the others"
        found = evaluate(held, point, decision=self.decision, seed=seed)
        decides = self.decision >= 0  # the figures are of these rows, the gain is of all
        found = within_folds(found, held.take(decides), self.fold[decides])
        return of_mean(found, self.gain if decides.all() else None).widened(WIDER).with_note(note)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Classifier(Shown):
    """A fitted classifier. Made by `fit` or `load`.

    Attributes
    ----------
    classes : Classes
    schema : Schema
        The columns it takes.
    bag : tuple
        Weight and fold models of each member of the blend.
    calibrator : Calibrator
    point : OperatingPoint
        The decision rule.
    plan : Plan
    measured : Measured
        Truth, probabilities and decisions of rows that nothing was chosen on: what `evaluation` is made of.
    notes : tuple of str
        What was guessed, decided and left out while fitting.
    findings : Findings
        Traps that the tables have fallen into; those of its scores stand in `evaluation` as well.
    """

    classes: Classes
    schema: Schema
    bag: tuple[tuple[float, tuple[Member, ...]], ...]
    calibrator: Calibrator
    point: OperatingPoint
    plan: Plan
    measured: Measured
    notes: tuple[str, ...]
    findings: Findings = NONE_FOUND

    @property
    def evaluation(self) -> Evaluation:
        """Every figure on the rows of `measured`; computed anew at each call."""
        found = self.measured.evaluate(self.classes, self.point, self.plan.seed)
        return replace(found, findings=self.findings + found.findings)

    def leaderboard(self, confidence: float = 0.95) -> list[dict[str, Any]]:
        """Members by their log loss out of fold, the best first: intervals of it and of the distance to the blend.

        Parameters
        ----------
        confidence : float
            Of the normal intervals ``low`` to ``high`` of the log loss, and ``above_low`` to ``above_high`` of how much
            it is above the blend's on the same rows. The blend was chosen on these rows, which flatters it a little.
        """
        z = z_of(confidence)
        rows = []
        for member in sorted(self.plan.members, key=lambda member: member["log_loss"]):
            wide, apart = z * member["error"], z * member["above_blend_error"]
            low, high = member["log_loss"] - wide, member["log_loss"] + wide
            above = member["above_blend"]
            more = {"above_blend": above, "above_low": above - apart, "above_high": above + apart}
            shown = {"name": member["name"], "log_loss": member["log_loss"], "low": low, "high": high, **more}
            rows.append(shown | {"weight": member["weight"]})
        return rows

    def scores(self, data: Any, *, truth: bool = False, **more: Any) -> Scores:
        """Calibrated probabilities of the rows as `Scores`, with the labels of the target column when asked for.

        Its notes count what was unseen in training, unreadable or ignored.
        """
        table = read_table(data)
        codes = None
        if truth:
            assert self.schema.target is not None
            codes = read_target(table, self.schema.target, classes=self.classes).codes
        found = table_features(self.schema, table)
        outs = predicted([members for _, members in self.bag], found, self.classes.k, self.plan.rows["tune"])
        p = blend.pooled(outs, np.array([share for share, _ in self.bag]))
        raw = as_scores(p, self.classes, codes, **more)
        return raw.with_score(self.calibrator(raw.probability), "probability").with_notes(*found.notes)

    def predict_proba(self, data: Any) -> Any:
        """Probabilities with a column for each class, by name, in the caller's kind of frame.

        Parameters
        ----------
        data : frame, mapping or path
            Rows with the columns of the schema, in any order; others are ignored, levels unseen in training are
            missing values.

        Returns
        -------
        frame
            Of the kind that came: pandas, polars (lazy for lazy), pyarrow, a DuckDB relation; else a pyarrow Table.
            Column k holds P(classes.names[k]).
        """
        p = self.scores(data).probabilities
        return _like(data, {str(name): p[:, k] for k, name in enumerate(self.classes.names)})

    def predict(self, data: Any) -> NDArray[Any]:
        """Labels decided by the operating point, shape (n,)."""
        return self.point.decide(self.scores(data))

    def predict_file(self, data: Any, output: Any) -> tuple[str, ...]:
        """Write a column for the probability of each class, and the decision, for files of any size.

        CSV and Parquet are read, decided and written piece by piece, so that memory does not grow with the file.

        Parameters
        ----------
        data : path, frame or mapping
            Rows with the columns of the schema.
        output : path or binary file
            ``.csv`` or ``.parquet``, or for example ``sys.stdout.buffer``; row i belongs to row i of `data`.

        Returns
        -------
        tuple of str
            What was guessed, unseen or unreadable; of a large file with the row at which its piece starts.
        """
        notes: list[str] = []

        def decided() -> Iterator[Any]:
            for start, table in pieces(data):
                scores = self.scores(table)
                notes.extend(f"from row {start:,}: {note}" if start else note for note in scores.notes)
                yield self.point.decide_table(scores)

        write_tables(decided(), output)
        return tuple(notes)

    def evaluate(self, data: Any, *, confidence: float = 0.95, checks: bool = True) -> Evaluation:
        """Evaluate the decision on other rows, which have the target column."""
        return self.point.assess(self.scores(data, truth=True), confidence=confidence, checks=checks)

    def explain(self, row: Any) -> Explanation:
        """Say what one row means: its probabilities, the decision and its reason, and the features that moved it.

        Parameters
        ----------
        row : frame, mapping or path
            One row with the columns of the schema; a mapping may have plain values, ``{"age": 31, "plan": "a"}``.

        Returns
        -------
        Explanation
            Its contributions are those of the members that can be taken apart: linear terms exactly, trees by their
            own contributions; the others are named.

        Raises
        ------
        ShapeError
            Not one row.
        """
        from cutline.model.contributions import contributions

        table = read_table(_one_row(row))
        if table.num_rows != 1:
            hint = "take one, such as frame[3:4]; predict_proba takes all"
            raise ShapeError("row", f"{table.num_rows:,} rows", "one row", hint)
        scores = self.scores(table)
        found = measured_with(decided_by(self.point, scores.probabilities[0]), self)
        against = self.classes.negative if self.classes.binary else found.against
        names = [member["name"] for member in self.plan.members if member["weight"] > 0]
        row = table_features(self.schema, table)
        moved = contributions(self.bag, names, row, self.classes, found.name, against, table)
        return replace(found, contributions=moved, notes=scores.notes)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save as one file without any code in it; see `load`."""
        from cutline.model.persist import save

        save(self, path)

    def __repr__(self) -> str:
        members = ", ".join(f"{m['name']} {m['weight']:.2f}" for m in self.plan.members if m["weight"] > 0)
        return f"Classifier({self.classes!r}; {members}; {self.calibrator.name} calibration)\n  {self.point.why}"


def _one_row(row: Any) -> Any:
    """A mapping of plain values as one of columns."""
    plain = isinstance(row, Mapping) and not any(isinstance(cell, list | tuple | np.ndarray) for cell in row.values())
    return {name: [cell] for name, cell in row.items()} if plain else row


def _like(data: Any, columns: dict[str, NDArray[np.float64]]) -> Any:
    """The columns in the caller's frame library; a pyarrow Table for paths and mappings."""
    import narwhals as nw
    import pyarrow as pa

    if isinstance(data, Mapping | list | str | os.PathLike):
        return pa.table(columns)
    frame = nw.from_native(data, pass_through=True)
    if isinstance(frame, nw.LazyFrame):
        if frame.implementation.is_polars():
            return nw.from_dict(columns, backend="polars").to_native().lazy()
        if frame.implementation.is_duckdb():
            import duckdb

            return duckdb.from_arrow(pa.table(columns))
    if not isinstance(frame, nw.DataFrame):
        return pa.table(columns)
    made = nw.from_dict(columns, backend=frame.implementation).to_native()
    if frame.implementation.is_pandas():
        made.index = data.index  # so that a column can be put back into the caller's frame
    return made
