"""`fit`: a table in, a calibrated and thresholded classifier with honest figures out."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline import core
from cutline.checks import Findings
from cutline.checks.tables import check_tables
from cutline.data import features, infer_schema
from cutline.decision import OperatingPoint, Policy, fixed, most_probable
from cutline.errors import InputError, NoFeasibleThreshold
from cutline.evaluation import gain_of_mean
from cutline.evidence import stratified_folds
from cutline.metrics.probability import mean_and_error
from cutline.model import blend, recipe
from cutline.model.classifier import NONE_FOUND, Classifier, Measured, Plan
from cutline.model.compiled import warn_of_mistakes
from cutline.model.folds import Folds, forward_folds
from cutline.model.keras_network import described
from cutline.model.member import Array, Rows, predicted
from cutline.model.problem import FOLDS, Problem, read_problem, roles_of
from cutline.model.schedule import Clock, Say, Store, Trained, once_more, seconds, train
from cutline.scores import Scores

SHARE = 0.2
"""Of the rows, set apart to certify a cut."""
FEW_FOLDS = 3
MANY = 100_000
"""Rows times classes from which there are fewer folds, as each costs more and has more to learn from."""
FEWEST_FOLDS = 2
CELLS = 30_000
"""Rows times columns times trees of a round, for each second of the budget: beyond, there are two folds."""
ENOUGH = 5_000
"""Rows from which two fifths are enough to choose weights and a calibrator on."""


def fit(
    data: Any,
    *,
    target: str,
    positive: Any = None,
    order: Sequence[Any] | None = None,
    policy: Policy | None = None,
    budget: str | float | None = "60s",
    plan: Plan | None = None,
    weight: str | None = None,
    groups: str | None = None,
    time: str | None = None,
    types: Mapping[str, str] | None = None,
    drop: Iterable[str] = (),
    families: Sequence[str] | None = None,
    network: Any = None,
    holdout: float = 0.0,
    checkpoint: str | os.PathLike[str] | None = None,
    resume: bool = False,
    checks: bool = True,
    seed: int = 0,
    threads: int | None = None,
    progress: bool = False,
) -> Classifier:
    """Fit a calibrated classifier on a table, choose its operating point, and measure it on rows of its own.

    Parameters
    ----------
    data : path, frame or mapping
        CSV, Parquet, pandas, polars, pyarrow, ...
    target : str
        The column to predict.
    positive : label, optional
        The positive class of a binary problem.
    order : sequence of labels, optional
        All classes from low to high, when their order means something: models that use it join, and so do its metrics.
    policy : Policy, optional
        How to decide; by default for the most probable class. With a `confidence`, a fifth of the rows is set apart
        before anything else, and certifies the cut.
    budget : str, float or None
        Wall clock time, such as "10s", "60s" or "10min"; None for no limit. Small tables need a part of it: training
        ends where the latest members gained less than their time is worth, which is more the shorter the budget is.
        Members that cannot finish are skipped, and named; the first, a logistic regression, is always fitted.
    plan : Plan, optional
        The `plan` of a fitted classifier: its members, folds and seed again, whatever the clock says.
    weight : str, optional
        A column with the importance of each row.
    groups : str, optional
        A column of what belongs together, such as the patient: its rows stay in one fold, and are no feature.
    time : str, optional
        A column of dates or numbers: models are tried on rows that came after those they learned from, and the rows
        that certify a cut, or are held out, are the latest. The final models learn from all times. Of the column
        only what comes again (month, weekday, ...) is a feature.
    types : mapping of str to str, optional
        Column types that overrule what is inferred.
    drop : iterable of str
        Columns to leave out.
    families : sequence of str, optional
        Of "linear", "lightgbm", "catboost" and "network"; all by default, "catboost" when it is installed. By choice
        alone "one_vs_rest": a logistic regression for each class against all others.
    network : Keras model or function, optional
        A network of your own to train in the place of ours: a Sequential or functional model (its weights are drawn
        anew for each fold; compiled as you like, or not at all), or ``network(inputs, classes) -> model``. It is the
        only member, unless `families` names others. Needs Keras 3 and a backend: ``pip install 'cutline[keras]' jax``.
    holdout : float
        Share of the rows to keep apart for the figures. By default there are none: all rows are learned from, and the
        figures are cross-fitted.
    checkpoint : path, optional
        A folder that keeps every finished fold, so that an interrupted run can go on.
    resume : bool
        Go on with the run in `checkpoint`: finished folds are read, not fitted.
    checks : bool
        Look for copies of rows, columns that alone give the label, and other traps (`check_tables`); what is found
        stands in `notes` and `findings` of the classifier, and in its `evaluation`.
    seed : int
        Seed of splits, folds and members.
    threads : int, optional
        Folds to fit side by side; as many as the cores this process may use by default. The same members on the same
        data and seed give the same bytes, whatever the number.
    progress : bool
        Show progress on standard error.

    Returns
    -------
    Classifier
        Its `evaluation` has the figures: each row was scored by models, weights and a calibrator, and decided at a
        cut, that had not seen it.

    Raises
    ------
    DataError, LabelError
        Fewer than 10 labelled rows, one class, no usable column.
    NoFeasibleThreshold
        No threshold satisfies the policy; its `classifier` is what was fitted, deciding for the most probable class.

    Notes
    -----
    Members share stratified folds: five, or as many fifths as the rows, columns and classes leave time for; rows of a
    fifth that no model is tried on are learned from only. How long each is trained is decided for each fold by the
    others. Weights and the calibrator minimise the log loss of the out-of-fold predictions, and the cut is chosen on
    their cross-fitted probabilities. For the figures all of that is done again for each fold, from the predictions for
    the other folds. Members in use are trained once more on a fold drawn anew, which tells by how much the mean of the
    fold models is better than the single ones that scored these rows (`evaluation.gain_of_mean`).
    """
    if not 0 <= holdout < 1:
        raise InputError("holdout", repr(holdout), "a share of the rows from 0 to below 1", "holdout=0.2")
    if policy is not None and not isinstance(policy, Policy):
        raise InputError("policy", repr(policy), "a Policy", "policy=cl.maximize(cl.f1)")
    if not isinstance(seed, int | np.integer) or seed < 0:
        raise InputError("seed", repr(seed), "a whole number from 0")
    limit = None if plan is not None else seconds(budget)
    seed = seed if plan is None else plan.seed
    with _progress(progress) as say:
        drop = [drop] if isinstance(drop, str) else list(drop)
        problem = read_problem(data, target, positive, order, weight, groups, time, types, drop)
        certified = policy is not None and policy.confidence is not None
        roles = roles_of(problem, SHARE if certified else 0.0, holdout, seed)
        tune = problem.take(roles == "tune")
        found = _looked_at(problem, roles, target, {*drop, groups, weight}, time, seed) if checks else NONE_FOUND
        left_out = {*drop, *(name for name in (weight, groups) if name)}
        schema = infer_schema(tune.table, target=target, types=types, drop=left_out)
        if time is not None:
            schema = schema.without_trend(time)
        k = tune.classes.k
        folds = plan.folds if plan is not None else _folds(tune, len(schema.used), limit)
        fold = _split(tune, folds, seed)
        size = max(int(fold.rest(number).sum()) for number in fold.numbers)
        rows = Rows(features(schema, tune.table), tune.codes, tune.weight, k, size, tune.classes.ordered)
        names = None if plan is None else [member["name"] for member in plan.members]
        wanted = recipe.learners(rows, families, names, network)
        made_of = [one.name for one in wanted] + ([described(network)] if network is not None else [])
        store = Store(checkpoint, _key(rows, fold, seed, made_of), resume=resume)
        clock = Clock(limit, store.spent)
        cores = threads or core.threads()

        def finish(one: Trained) -> float:
            """Seconds for weights, calibrator and figures: as long as for one member, for all rows and each fold."""
            if limit is None:
                return 0.0
            start = monotonic()
            recipe.blended([one], fold.tried, rows, tune.classes, fold=fold, groups=tune.groups, seed=seed)
            shares = [fold.rest(number)[fold.tried].mean() for number in fold.numbers]  # forward, the first have few
            return (monotonic() - start) * (1 if holdout else 1 + float(sum(shares)))

        trained, skipped = train(
            wanted, rows, fold, seed=seed, threads=cores, clock=clock, store=store, say=say, finish=finish
        )
        warned = warn_of_mistakes(network)  # now: what makes a network of no use was an error before
        say("weights, calibrator and cut")
        made = recipe.blended(trained, fold.tried, rows, tune.classes, fold=fold, groups=tune.groups, seed=seed)
        if not holdout and (plan is None or any(len(member.get("stages", ())) > folds for member in plan.members)):
            in_use = [one for one, share in zip(trained, made.share, strict=True) if share > 0]
            more = once_more(wanted, in_use, rows, fold, seed=seed, threads=cores, clock=clock, store=store)
            found_again = {one.name: one for one in more}
            trained = [found_again.get(one.name, one) for one in trained]
        if not fold.tried.all():  # the other rows were learned from only
            trained = [_of_tried(one, fold) for one in trained]
            rows, tune, fold = rows.take(fold.tried), tune.take(fold.tried), fold.take(fold.tried)
        away = {
            role: _Away.of(trained, problem.take(roles == role), schema, rows.n, np.flatnonzero(roles == role))
            for role in ("certify", "test")
            if (roles == role).any()
        }
        counts = {role: int((roles == role).sum()) for role in ("tune", "certify", "test") if (roles == role).any()}
        board = _leaderboard(trained, made, rows)
        used = [number for number, share in enumerate(made.share) if share > 0]
        bag = tuple((float(made.share[number]), trained[number].bag) for number in used)

        def whole(asked: Policy | None) -> Classifier:
            certify = away.get("certify") if asked is policy else None
            point = _choose(asked, made, certify, seed)
            if holdout:
                measured = away["test"].measured(made, point)
            else:
                say("figures of each fold by the others")
                measured = _crossed(trained, fold, rows, tune, asked, certify, seed)
            notes = [*problem.notes, *schema.notes, *warned, *_notes(measured, made, trained, skipped, rows, roles)]
            notes += [each.sentence for each in found]
            done = Plan(board, tuple(skipped), folds, seed, cores, counts, _versions(), clock.elapsed)
            calibrator = made.calibration.calibrator
            said = tuple(dict.fromkeys(notes))
            return Classifier(tune.classes, schema, bag, calibrator, point, done, measured, said, found)

        try:
            return whole(policy)
        except NoFeasibleThreshold as error:  # the fit may have taken minutes: it is not lost
            error.classifier = whole(None)
            raise


def _looked_at(
    problem: Problem, roles: NDArray[Any], target: str, left: set[str | None], time: str | None, seed: int
) -> Findings:
    """What the checks of tables say of the rows that are learned from, and of those held out against them."""
    away = {role: problem.take(roles == role).table for role in ("certify", "test") if (roles == role).any()}
    about: dict[str, Any] = {"target": target, "drop": [name for name in left if name], "time": time, "seed": seed}
    return check_tables(problem.take(roles == "tune").table, away.get("test", away.get("certify")), **about).alone()


def _folds(tune: Problem, columns: int, limit: float | None) -> int:
    """How many folds to train: fewer where rows, columns and classes are many for the time there is."""
    rounds = tune.n * (tune.classes.k if tune.classes.k > 2 else 1) * columns
    if tune.times is None and limit is not None and tune.n >= ENOUGH and rounds > CELLS * limit:
        return FEWEST_FOLDS
    return FEW_FOLDS if tune.n * tune.classes.k > MANY else FOLDS


def _split(tune: Problem, folds: int, seed: int) -> Folds:
    """Folds of equal size; of those at random each is a fifth, and rows of a fifth without a model are learned from."""
    if tune.times is not None:
        return forward_folds(tune.times, folds)
    of = stratified_folds(tune.codes, FOLDS, seed, tune.units)
    again = stratified_folds(tune.codes, FOLDS, seed + 1, tune.units) == 0
    return Folds(np.where(of < folds, of, -1), again=again)


def _of_tried(one: Trained, fold: Folds) -> Trained:
    """A member with its predictions for the rows that some fold is tried on alone."""
    again = None if one.again is None or fold.again is None else one.again[fold.tried[fold.again]]
    return replace(one, out=one.out[fold.tried], again=again)


def _key(rows: Rows, fold: Folds, seed: int, names: Sequence[str]) -> str:
    """What a run depends on: its rows, folds, members, seed and versions."""
    digest = hashlib.sha256(json.dumps([seed, list(names), _versions()]).encode())
    for each in (rows.features.numeric, rows.features.codes, rows.codes, fold.of, rows.weight):
        digest.update(b"" if each is None else np.ascontiguousarray(each).tobytes())
    for raw in rows.features.raw:
        digest.update("\0".join(raw.cells[raw.rows]).encode(errors="surrogatepass"))
    return digest.hexdigest()


@dataclass(frozen=True, slots=True, eq=False)
class _Away:
    """Rows that are in no fold: the predictions of each member, and the truth."""

    outs: list[Array]
    problem: Problem
    ids: NDArray[Any]

    @classmethod
    def of(cls, trained: Sequence[Trained], problem: Problem, schema: Any, n: int, ids: NDArray[Any]) -> _Away:
        found = features(schema, problem.table)
        outs = predicted([one.bag for one in trained], found, problem.classes.k, n)
        return cls(outs, problem, ids)

    def scores(self, made: recipe.Blend) -> Scores:
        """Calibrated probabilities to certify on."""
        more = {"weight": self.problem.weight, "groups": self.problem.groups}
        return made.apply(self.outs, self.problem.classes, self.problem.codes, role="certify", ids=self.ids, **more)

    def measured(self, made: recipe.Blend, point: OperatingPoint) -> Measured:
        """Figures of rows that nothing was fitted or chosen on."""
        one = self.problem
        scores = made.apply(self.outs, one.classes, None)
        return Measured(one.codes, scores.probabilities, point.codes(scores), one.weight, one.groups)


def _choose(policy: Policy | None, made: recipe.Blend, away: _Away | None, seed: int) -> OperatingPoint:
    certify = None if away is None else away.scores(made)
    return (policy or most_probable).choose(made.out_of_fold, certify, seed=seed)


def _crossed(
    trained: Sequence[Trained],
    fold: Folds,
    rows: Rows,
    tune: Problem,
    policy: Policy | None,
    away: _Away | None,
    seed: int,
) -> Measured:
    """Each fold scored and decided by weights, calibrator and cut from the predictions for the others, or the past."""
    p, decision = np.empty((rows.n, rows.k)), np.empty(rows.n, dtype=np.int32)
    other = p.copy()  # by the model of the fold drawn anew
    again = fold.again if any(one.again is not None for one in trained) else None
    numbers = fold.take(fold.late).numbers  # forward in time the first have nothing before them to choose from
    for number in numbers:
        held = fold.held(number)
        rest = fold.rest(number)
        made = recipe.blended(trained, rest, rows, tune.classes, fold=fold, groups=tune.groups, seed=seed)
        scores = made.apply([one.out[held] for one in trained], tune.classes, None)
        try:
            point = _choose(policy, made, away, seed)
        except NoFeasibleThreshold as error:  # the nearest cut is what one would have had to use
            at = getattr(error.nearest, "threshold", None)
            point = (most_probable if at is None else fixed(at)).choose(made.out_of_fold, seed=seed)
        p[held], decision[held] = scores.probabilities, point.codes(scores)
        if again is not None and (again & held).any():
            outs = [one.out[again & held] if one.again is None else one.again[held[again]] for one in trained]
            other[again & held] = made.apply(outs, tune.classes, None).probabilities
    gain = None
    weight = None if again is None or rows.weight is None else rows.weight[again]
    if again is not None and again.any() and (weight is None or weight.sum() > 0):
        gain = gain_of_mean(p[again], other[again], len(fold.numbers) + 1, weight)
    done = np.isin(fold.of, numbers)
    one = tune.take(done)
    return Measured(one.codes, p[done], decision[done], one.weight, one.groups, fold.of[done].astype(np.int8), gain)


def _leaderboard(trained: Sequence[Trained], made: recipe.Blend, rows: Rows) -> tuple[dict[str, Any], ...]:
    """Log loss of each member out of fold, and how much it is above the blend's, with standard errors."""
    truth = np.arange(rows.n), rows.codes
    losses = [-np.log(one.out[truth]) for one in trained]
    whole = -np.log(blend.pooled([one.out for one in trained], made.share)[truth])
    board = []
    for one, loss, share in zip(trained, losses, made.share, strict=True):
        mean, error, _ = mean_and_error(loss, rows.weight)
        gap, gap_error, _ = mean_and_error(loss - whole, rows.weight)
        board.append(
            {
                "name": one.name,
                "log_loss": mean,
                "error": error,
                "above_blend": gap,
                "above_blend_error": gap_error,
                "weight": float(share),
                "stages": list(one.stages),
                "seconds": one.seconds,
            }
        )
    return tuple(board)


def _notes(
    measured: Measured,
    made: recipe.Blend,
    trained: Sequence[Trained],
    skipped: Sequence[tuple[str, str]],
    rows: Rows,
    roles: NDArray[Any],
) -> list[str]:
    """What the rows were used for, the optimism that was removed, and what was not trained."""
    notes = []
    if (certify := int((roles == "certify").sum())) > 0:
        notes.append(f"{certify:,} rows were set apart before the folds, to certify the cut")
    n = len(measured.codes)
    if measured.crossed:
        notes.append(f"the figures are cross-fitted: each fold of the {n:,} rows by what the other folds chose")
    else:
        notes.append(f"the figures are from {n:,} held-out rows that nothing was fitted or chosen on")
    honest = float(np.average(-np.log(measured.probabilities[np.arange(n), measured.codes]), weights=measured.weight))
    # The calibrator on the very rows that chose it, and the weights.
    outs = blend.pooled([one.out for one in trained], made.share)
    seen = rows.log_loss(made.calibration.apply(recipe.as_scores(outs, made.calibration.classes, None)).probabilities)
    notes.append(f"log loss {honest:.4f}; {seen:.4f} on the rows that weights and calibrator were chosen on")
    if measured.gain is not None:
        mean = honest - measured.gain[0]
        notes.append(f"log loss {mean:.4f} of the mean of the fold models, which predicts; the other is of single ones")
    return notes + [f"{name} skipped: {why}" for name, why in skipped]


def _version(name: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in ("cutline", "numpy", "scipy", "scikit-learn", "lightgbm", "pyarrow"):
        found[name] = _version(name) or "unknown"  # a checkout on the path is no distribution
    for name in ("catboost", "onnxruntime", "keras"):  # what extras bring
        found |= {name: known} if (known := _version(name)) else {}
    return found


class _progress:
    """A line of progress on standard error, by rich, when asked for; else silence."""

    def __init__(self, on: bool) -> None:
        self.status: Any = None
        if on:
            from rich.console import Console

            self.console = Console(file=sys.stderr)
            self.status = self.console.status("reading")

    def __enter__(self) -> Say:
        if self.status is None:
            return lambda text: None
        self.status.start()
        return self._say

    def _say(self, text: str) -> None:
        self.status.update(text)
        if "log loss" in text:
            self.console.print(text, highlight=False, soft_wrap=True)

    def __exit__(self, *error: object) -> None:
        if self.status is not None:
            self.status.stop()
