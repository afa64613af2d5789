"""The command line: one verb for each public function.

Tables on stdout, notes and progress on stderr. Exit codes: 0 ok, 1 our error, 2 usage or bad input, 3 no threshold
satisfies the constraints.
"""

from __future__ import annotations

import json as _json
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, CycloptsError, Parameter

import cutline as cl
from cutline.decision import GRADES, claims
from cutline.errors import CutlineError, GuessWarning, InputError, NoFeasibleThreshold, UnknownName

Source = Annotated[str, Parameter(allow_leading_hyphen=True)]
Flag = Annotated[bool, Parameter(negative=(), show_default=False)]
Many = Annotated[tuple[str, ...], Parameter(negative=(), consume_multiple=True, show_default=False)]
Output = Annotated[Path | None, Parameter(name=["--output", "-o"])]
Kind = Literal["probability", "logit", "rank", "label"]

BOARD = (("log_loss", "low", "high"), ("above_blend", "above_low", "above_high"))

app = App(
    name="cutline",
    help="From raw data to a classifier, and from any classifier's scores to a decision you can defend.",
    version=cl.__version__,
    help_format="plaintext",
)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Columns:
    """Which columns of a file of scores hold what.

    Attributes
    ----------
    y_true
        Column with the labels.
    y_score
        Column with the score of the positive class; for several classes one column for each class.
    positive
        The positive class of a binary problem.
    classes
        Class names in the order of the --y-score columns, when these are not named after them.
    kind
        What the score is: probability, logit, rank, or label (predicted classes). Guessed, and said, when not given.
    weight
        Column with importance weights.
    group
        Column with clusters: rows that share one are not independent.
    id
        Column with row ids, so that overlapping files are noticed.
    calibrator
        A calibrator saved by cutline calibrate: the scores are turned into its probabilities first.
    """

    y_true: str | None = None
    y_score: Many = ()
    positive: str | None = None
    classes: Many = ()
    kind: Kind | None = None
    weight: str | None = None
    group: str | None = None
    id: str | None = None
    calibrator: Path | None = None

    def read(self, source: str, *, truth: bool = True, like: cl.OperatingPoint | None = None) -> cl.Scores:
        """Read a file of scores; `like` gives the classes when they were not named. A calibrator is applied."""
        if self.calibrator is None:
            return self._read(source, truth, like.classes if like else None, like.kind if like else None)
        saved = cl.Calibration.from_dict(_json_of(self.calibrator, "a calibrator saved by cutline calibrate"))
        return saved.apply(self._read(source, truth, saved.classes, saved.kind))

    def _read(self, source: str, truth: bool, known: cl.Classes | None, kind: Kind | None) -> cl.Scores:
        if truth and self.y_true is None:
            raise InputError("--y-true", "nothing", "the column with the labels")
        if not self.y_score:
            raise InputError("--y-score", "nothing", "the column, or columns, with the scores")
        classes: Any = self.classes or None
        if known is not None and classes is None and self.positive is None:
            classes = known
        return cl.read_scores(
            source,
            y_true=self.y_true,
            y_score=self.y_score[0] if len(self.y_score) == 1 else list(self.y_score),
            positive=self.positive,
            classes=classes,
            kind=self.kind or kind,
            weight=self.weight,
            group=self.group,
            id=self.id,
        )


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Aim:
    """What the cut is for.

    Attributes
    ----------
    maximize
        Metric to maximise, such as recall or f1.
    minimize
        Metric to minimise, such as fpr.
    cost_fp
        Cost of a false positive; with --cost-fn the mean cost is minimised.
    cost_fn
        Cost of a false negative.
    cost_abstain
        Cost of leaving a row undecided, beside the other two.
    cost_matrix
        Costs of several classes: a CSV file without header, true classes in rows and decided ones in columns, in the
        order of the classes; or zero-one, absolute, quadratic.
    capacity
        Share of the rows that can be looked at, such as 0.02: the most suspicious are flagged.
    threshold
        A threshold decided elsewhere.
    subject_to
        Constraints, such as 'precision>=0.90', or 'recall[severe]>=0.9' of one class.
    confidence
        Certify the constraints with this confidence, such as 0.95, on rows that nothing was chosen on.
    prevalence
        Share of positives where the decision will be used, when it is another than in the rows.
    """

    maximize: str | None = None
    minimize: str | None = None
    cost_fp: float | None = None
    cost_fn: float | None = None
    cost_abstain: float | None = None
    cost_matrix: str | None = None
    capacity: float | None = None
    threshold: float | None = None
    subject_to: Many = ()
    confidence: float | None = None
    prevalence: float | None = None

    def policy(self) -> cl.Policy | None:
        """The policy that was asked for; None when nothing was."""
        constraints = [cl.Constraint.parse(text) for text in self.subject_to]
        costs = self.cost_fp is not None or self.cost_fn is not None
        single = (self.maximize, self.minimize, self.cost_matrix, self.capacity, self.threshold)
        given = costs + sum(aim is not None for aim in single)
        if given > 1:
            names = "--maximize, --minimize, --cost-fp/--cost-fn, --cost-matrix, --capacity, --threshold"
            raise InputError("policy", "several aims", f"one of {names}")
        if not given:
            if constraints or self.confidence:
                raise InputError("policy", "constraints without an aim", "an aim", "add --maximize recall, for example")
            return None
        about: dict[str, Any] = {
            "subject_to": constraints,
            "confidence": self.confidence,
            "prevalence": self.prevalence,
        }
        if self.threshold is not None:
            return cl.fixed(self.threshold)
        if self.capacity is not None:
            if self.confidence or self.prevalence:
                raise InputError("--capacity", "a capacity with --confidence or --prevalence", "one of them")
            return cl.capacity(rate=self.capacity, subject_to=constraints)
        if self.maximize is not None:
            return cl.maximize(cl.find(self.maximize), **about)
        if self.minimize is not None:
            return cl.minimize(cl.find(self.minimize), **about)
        if self.cost_matrix is not None:
            return cl.minimize(cl.cost(matrix=_matrix(self.cost_matrix), abstain=self.cost_abstain), **about)
        if self.cost_fp is None or self.cost_fn is None:
            raise InputError("policy", "one cost", "both --cost-fp and --cost-fn")
        return cl.minimize(cl.cost(fp=self.cost_fp, fn=self.cost_fn, abstain=self.cost_abstain), **about)


@app.command
def fit(
    data: str,
    /,
    *,
    target: str,
    positive: str | None = None,
    order: Many = (),
    output: Output = None,
    aim: Aim = Aim(),
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
    """Fit a calibrated classifier on a table and say how good it is.

    Example: cutline fit mail.csv --target label --positive spam --maximize recall --subject-to 'precision>=0.98'
    --confidence 0.95 -o spam.cutline --report spam.html

    Parameters
    ----------
    data
        A CSV or Parquet file.
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
        Folds to fit side by side; as many as there are cores by default.
    report
        Where to write the report (.html, .md or .json).
    json
        Print the evaluation as JSON.
    """
    _check_folders(output, report)
    try:
        model = cl.fit(
            data,
            target=target,
            positive=positive,
            order=list(order) or None,
            policy=aim.policy(),
            drop=drop,
            types=dict(_pair("--types", text) for text in types) or None,
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
            _say(
                f"classifier: {output}, which decides for the most probable class: what was asked for is not to be had"
            )
        raise
    _say(f"{model.schema}\n")
    _say("member              log loss, 95 % interval     above the blend             weight")
    for row in model.leaderboard():
        loss, above = ("{:.4f} [{:.4f}, {:.4f}]".format(*(row[key] for key in keys)) for keys in BOARD)
        _say(f"{row['name']:<19} {loss:<27} {above:<27} {row['weight']:.2f}")
    _say("")
    _notes(model.notes)
    if output is not None:
        model.save(output)
    if report is not None:
        cl.report(model).save(report)
    _show(model.evaluation, json)
    for what, path in (("classifier", output), ("report", report)):
        if path is not None:
            _say(f"{what}: {path}")


@app.command
def predict(model: Path, data: str, /, *, output: Output = None) -> None:
    """Write a probability for each class and the decision, row by row.

    Example: cutline predict spam.cutline new.parquet -o decided.parquet

    Parameters
    ----------
    model
        A saved classifier.
    data
        A CSV or Parquet file with the columns it was fitted on, in any order.
    output
        A .csv or .parquet file; CSV on standard output when not given.
    """
    _check_folders(output)
    _notes(cl.load(model).predict_file(data, sys.stdout.buffer if output is None else output))


@app.command
def evaluate(
    scores: Source,
    /,
    *,
    columns: Columns = Columns(),
    threshold: float | None = None,
    confidence: float = 0.95,
    seed: int = 0,
    output: Output = None,
    json: Flag = False,
) -> None:
    """Every figure of the scores of any model, each with its interval.

    Example: cutline evaluate scores.parquet --y-true label --y-score p --positive spam

    Parameters
    ----------
    scores
        A CSV or Parquet file; - reads CSV from standard input.
    threshold
        Positive iff score >= threshold; 0.5 for probabilities when not given.
    confidence
        Level of the intervals.
    seed
        Seed of methods that draw.
    output
        Where to write the result as JSON.
    json
        Print JSON.
    """
    found = columns.read(scores)
    result = cl.evaluate(found, threshold=threshold, confidence=confidence, seed=seed)
    _save_json(result.to_dict(), output)
    _show(result, json)


@app.command
def choose(
    scores: Source,
    /,
    *,
    columns: Columns = Columns(),
    aim: Aim = Aim(),
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
    policy = aim.policy()
    if policy is None:
        raise InputError("policy", "no aim", "--maximize, --minimize, --cost-fp and --cost-fn, or --threshold")
    found = columns.read(scores)
    _notes(found.notes)
    point = policy.choose(found, None if certify is None else columns.read(certify), seed=seed)
    _save_json(point.to_dict(), output)
    _print_json(point.to_dict()) if json else print(point)


@app.command
def assess(
    point: Path,
    scores: Source,
    /,
    *,
    columns: Columns = Columns(),
    confidence: float = 0.95,
    output: Output = None,
    json: Flag = False,
) -> None:
    """Evaluate a saved operating point on other rows; rows it was chosen on are refused.

    Example: cutline assess point.json test.csv --y-true label --y-score p

    Parameters
    ----------
    point
        An operating point saved by cutline choose.
    scores
        A CSV or Parquet file; - reads CSV from standard input.
    confidence
        Level of the intervals.
    output
        Where to write the result as JSON.
    json
        Print JSON.
    """
    saved = _point(point)
    result = saved.assess(columns.read(scores, like=saved), confidence=confidence)
    _save_json(result.to_dict(), output)
    _show(result, json)


@app.command
def decide(point: Path, scores: Source, /, *, columns: Columns = Columns(), output: Output = None) -> None:
    """Apply a saved operating point to new scores: ids, a probability for each class, the decision.

    Example: cutline decide point.json new.csv --y-score p --id id -o decided.parquet

    Parameters
    ----------
    point
        An operating point saved by cutline choose.
    scores
        A CSV or Parquet file; - reads CSV from standard input.
    output
        A .csv or .parquet file; CSV on standard output when not given.
    """
    saved = _point(point)
    _write(saved.decide_table(columns.read(scores, truth=False, like=saved)), output)


@app.command
def calibrate(
    scores: Source,
    /,
    *,
    columns: Columns = Columns(),
    method: str = "auto",
    seed: int = 0,
    output: Output = None,
    json: Flag = False,
) -> None:
    """Make probabilities of scores: fit a calibrator, chosen by cross-validated log loss.

    Example: cutline calibrate valid.csv --y-true label --y-score p --positive spam -o calibrator.json

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
    found = columns.read(scores)
    _notes(found.notes)
    made = cl.calibrate(found, method=method, seed=seed)
    _save_json(made.to_dict(), output)
    _print_json(made.to_dict()) if json else print(made)


@app.command
def compare(
    scores: Annotated[tuple[str, ...], Parameter(allow_leading_hyphen=True, negative=())],
    /,
    *,
    columns: Columns = Columns(),
    metric: str = "roc_auc",
    threshold: float | None = None,
    reference: str | None = None,
    margin: float | None = None,
    confidence: float = 0.95,
    on: str | None = None,
    seed: int = 0,
    json: Flag = False,
) -> None:
    """Compare models by a metric on the same rows: differences with intervals, p-values and Holm's correction.

    Example: cutline compare a.csv b.csv --y-true label --y-score p --metric roc_auc --on id

    Parameters
    ----------
    scores
        A file for each model, with the same columns; a model is called by the name of its file.
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
    json
        Print JSON.
    """
    if on is not None:
        columns = replace(columns, id=on)
    paths = {Path(source).stem: source for source in scores}
    if len(paths) != len(scores):
        raise InputError("scores", f"files of equal names {list(scores)}", "a name of its own for each")
    models = {name: columns.read(source) for name, source in paths.items()}
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
    _print_json(found.to_dict()) if json else print(found)


@app.command
def explain(
    score: Annotated[tuple[float, ...], Parameter(negative=())],
    /,
    *,
    classes: str | None = None,
    threshold: float | None = None,
    point: Path | None = None,
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
    said = cl.explain(list(score), None if point is None else _point(point), classes=names, threshold=threshold)
    _print_json(said.to_dict()) if json else print(said)


@app.command
def report(
    source: Source,
    data: str | None = None,
    /,
    *,
    columns: Columns = Columns(),
    point: Path | None = None,
    title: str | None = None,
    output: Output = None,
) -> None:
    """Write the report: one file that anybody can open.

    Example: cutline report scores.parquet --y-true label --y-score p --positive spam -o report.html

    Parameters
    ----------
    source
        A file of scores, or a saved classifier.
    data
        Rows to evaluate the classifier on; without them its own held-out figures are shown.
    point
        A saved operating point for a file of scores.
    title
        Title of the report.
    output
        A .html, .md or .json file; report.html when not given.
    """
    from zipfile import is_zipfile

    result: Any
    if source != "-" and is_zipfile(source):
        model = cl.load(source)
        result = model if data is None else model.evaluate(data)
    else:
        saved = None if point is None else _point(point)
        found = columns.read(source, like=saved)
        result = cl.evaluate(found) if saved is None else saved.assess(found)
    target = output or Path("report.html")
    cl.report(result, title=title).save(target)
    _say(f"report: {target}")


@app.command
def metrics(name: str | None = None, /, *, json: Flag = False) -> None:
    """List all metrics, or say everything about one.

    Example: cutline metrics sensitivity

    Parameters
    ----------
    name
        A name or synonym.
    json
        Print JSON.
    """
    chosen = list(cl.METRICS.values()) if name is None else [cl.find(name)]
    if json:
        _print_json({"schema_version": 1, "metrics": [metric.to_dict() for metric in chosen]})
    elif name is None:
        for metric in chosen:
            print(f"{metric.name:<18} {metric.formula}")
    else:
        for key, value in chosen[0].to_dict().items():
            print(f"{key:<10} {', '.join(map(str, value)) if isinstance(value, list) else value}")


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
"""Those of the base install, so that everyone sees the same figures."""


@app.command
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
    _notes(model.notes)
    _show(model.evaluation, False)
    print(f"\n{model.point.why}")
    for line in _grades(model):
        print(line)
    print(f"\nclassifier: {folder / name}.cutline\nreport:     {folder / name}.html")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", GuessWarning)  # a guess is shown as a note
            app(list(sys.argv[1:] if argv is None else argv), exit_on_error=False, result_action="return_value")
        sys.stdout.flush()
    except CycloptsError:  # already printed
        return 2
    except CutlineError as error:
        _say(f"cutline: {error}")
        return error.exit_code
    except BrokenPipeError:  # the reader of our output went away
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        _say(f"cutline: {error.filename or ''}: {error.strerror or error}")
        return 2
    except KeyboardInterrupt:
        _say("cutline: interrupted")
        return 130
    return 0


def _check_folders(*paths: Path | None) -> None:
    """Refuse a path that cannot be written before the work, not after it."""
    for path in paths:
        if path is not None and not os.access(path.parent, os.W_OK):
            raise InputError(str(path), "a folder that does not exist or cannot be written", "a folder to write to")


def _show(result: cl.Evaluation, as_json: bool) -> None:
    if as_json:
        _print_json(result.to_dict())
    else:
        from cutline.report import print_evaluation

        print_evaluation(result)


def _print_json(document: dict[str, Any]) -> None:
    print(_json.dumps(document, indent=1, allow_nan=False))


def _save_json(document: dict[str, Any], path: Path | None) -> None:
    if path is not None:
        from cutline.data import write_text

        write_text(path, _json.dumps(document, indent=1, allow_nan=False) + "\n")


def _point(path: Path) -> cl.OperatingPoint:
    return cl.OperatingPoint.from_dict(_json_of(path, "an operating point saved by cutline choose"))


def _json_of(path: Path, wanted: str) -> dict[str, Any]:
    try:
        document = _json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, _json.JSONDecodeError):
        raise InputError(str(path), "no JSON document", wanted) from None
    if not isinstance(document, dict):
        raise InputError(str(path), f"a JSON {type(document).__name__}", wanted)
    return document


def _matrix(text: str) -> Any:
    path = Path(text)
    if not path.exists():
        return text
    try:
        return [[float(cell) for cell in line.split(",")] for line in path.read_text().splitlines() if line.strip()]
    except (ValueError, UnicodeDecodeError):
        raise InputError(text, "cells that are not numbers", "a CSV file of costs without header") from None


def _write(table: Any, output: Path | None) -> None:
    from cutline.data import write_table

    write_table(table, sys.stdout.buffer if output is None else output)


def _pair(argument: str, text: str) -> tuple[str, str]:
    key, sep, value = text.partition("=")
    if not sep:
        raise InputError(argument, repr(text), "column=type, such as zip=categorical")
    return key, value


def _notes(notes: Sequence[str]) -> None:
    for note in notes:
        _say(f"note: {note}")


_say: Callable[[str], None] = lambda text: print(text, file=sys.stderr)  # noqa: E731
