"""Prediction sets: for each row the classes that cannot be ruled out, with a promised rate of holding the true one.

Split conformal prediction (Vovk, Gammerman & Shafer 2005): calibration rows that the model never saw say how strange a
true class may look. If new rows come as these did, a set misses the true class at a rate of at most 1 - confidence,
whatever the model; the probabilities need not be calibrated.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from cutline.errors import InputError, LabelError, RoleError, UnknownName
from cutline.evidence import finite, wilson
from cutline.labels import Classes, Label, Shown, as_array, column_names
from cutline.scores import Fingerprint, Kind, Role, Scores

Method = Literal["lac", "class-conditional", "aps", "raps", "margin"]
Few = Literal["pool", "include"]

METHODS: dict[str, str] = {
    "lac": "1 - p of the class",
    "class-conditional": "1 - p of the class, against calibration rows of that class",
    "aps": "summed probability of the class and of all that are more probable",
    "raps": "the same, and a penalty for each class beyond the first few",
    "margin": "probability of the best other class less that of the class",
}
"""How strange a class looks for a row."""

ROUNDING = 1e-12
"""Sums of the same probabilities may differ in the last digits: a class this little beyond the limit is kept."""


@dataclass(frozen=True, slots=True)
class CoverageRow:
    """How many sets held the true class.

    Attributes
    ----------
    name : str
        Which rows: all of them, or those of a class.
    covered, n : int
        Sets that hold the true class, of how many.
    shape : tuple of int or None
        (n + 1 - l, l) of the Beta distribution that the coverage of a calibrated limit has, where one limit rules the
        rows: l is the number of calibration rows beyond the limit, plus one. None where nothing is promised for them.
    """

    name: str
    covered: int
    n: int
    shape: tuple[int, int] | None = None

    @property
    def coverage(self) -> float:
        """Share of sets that hold the true class; nan without rows."""
        return self.covered / self.n if self.n else math.nan

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Wilson interval of the coverage."""
        return wilson(self.covered, self.n, confidence)

    def band(self, confidence: float = 0.95) -> tuple[float, float]:
        """Where the coverage of sets calibrated on so many rows lies, before any test row is seen (Vovk 2012).

        Exact when no strangeness ties; ties only raise the coverage.
        """
        if self.shape is None:
            return math.nan, math.nan
        from scipy.special import betaincinv

        if self.shape[1] == 0:
            return 1.0, 1.0
        low, high = betaincinv(*self.shape, [(1 - confidence) / 2, (1 + confidence) / 2])
        return float(low), float(high)

    @property
    def p(self) -> float:
        """Chance of so low a coverage or a lower one if test rows come as the calibration rows did (beta-binomial)."""
        if self.shape is None or not self.n:
            return math.nan
        a, b = self.shape
        if b == 0:
            return 1.0 if self.covered == self.n else 0.0
        from scipy.special import betaln, gammaln

        k = np.arange(self.covered + 1)
        choose = gammaln(self.n + 1) - gammaln(k + 1) - gammaln(self.n - k + 1)
        return float(min(np.exp(choose + betaln(k + a, self.n - k + b) - betaln(a, b)).sum(), 1.0))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; nan becomes None."""
        low, high = self.interval()
        band = self.band()
        return {
            "name": self.name,
            "covered": self.covered,
            "n": self.n,
            "coverage": finite(self.coverage),
            "low": finite(low),
            "high": finite(high),
            "band": None if self.shape is None else list(band),
            "p": finite(self.p),
        }

    def __str__(self) -> str:
        if not self.n:
            return f"{self.name}: no rows"
        low, high = self.interval()
        text = f"{self.name}: {self.coverage:.4g} [{low:.4g}, {high:.4g}] of {self.n:,}"
        if self.shape is None:
            return text
        first, last = self.band()
        return f"{text}; expected {first:.4g} to {last:.4g}, p {self.p:.2g}"


@dataclass(frozen=True, slots=True, repr=False)
class CoverageReport(Shown):
    """Coverage and sizes of prediction sets on test rows.

    Attributes
    ----------
    confidence : float
        What was promised.
    overall : CoverageRow
        All rows.
    classes : tuple of CoverageRow
        By true class.
    sizes : tuple of int
        Entry s: rows whose set holds s classes, s from 0 to K.
    role : str
        What the rows were used for.
    notes : tuple of str
        What must be said with it.
    """

    confidence: float
    overall: CoverageRow
    classes: tuple[CoverageRow, ...]
    sizes: tuple[int, ...]
    role: Role = ""
    notes: tuple[str, ...] = ()

    @property
    def empty(self) -> int:
        """Rows with an empty set: none of the classes looks like them."""
        return self.sizes[0]

    @property
    def mean_size(self) -> float:
        """Classes in a set, on average."""
        return sum(s * rows for s, rows in enumerate(self.sizes)) / sum(self.sizes)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "confidence": self.confidence,
            "overall": self.overall.to_dict(),
            "classes": [row.to_dict() for row in self.classes],
            "sizes": list(self.sizes),
            "mean_size": self.mean_size,
            "empty": self.empty,
            "role": self.role,
            "notes": list(self.notes),
        }

    def __repr__(self) -> str:
        sizes = ", ".join(f"{s}: {rows:,}" for s, rows in enumerate(self.sizes) if rows)
        head = f"{100 * self.confidence:g} % promised{f', {self.role}' if self.role else ''}"
        lines = [f"CoverageReport: {head}", str(self.overall), *map(str, self.classes)]
        return "\n  ".join(
            [*lines, f"set sizes {sizes} (mean {self.mean_size:.3g})", *(f"note: {n}" for n in self.notes)]
        )


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class PredictionSets(Shown):
    """Limits from calibration rows, ready to make sets for new ones. Made by `conformal`.

    Attributes
    ----------
    classes : Classes
        The classes.
    kind : {"probability", "logit"}
        What arrays of scores are taken for.
    method : {"lac", "class-conditional", "aps", "raps", "margin"}
        How strangeness is measured (`METHODS`).
    confidence : float
        The promised rate of sets that hold the true class.
    calibration : tuple of ndarray
        Entry k: strangeness of the calibration rows of class k, ascending.
    calibrated_on : Fingerprint
        Which rows these were.
    few : {"pool", "include"}
        What befalls classes with too few calibration rows of their own ("class-conditional").
    penalty : float
        Of "raps": for each class beyond the first `k_reg`.
    k_reg : int
        Of "raps".
    seed : int or None
        Seed of randomised "aps" and "raps"; None when they are not randomised.
    """

    classes: Classes
    kind: Kind
    method: Method
    confidence: float
    calibration: tuple[NDArray[np.float64], ...]
    calibrated_on: Fingerprint
    few: Few = "pool"
    penalty: float = 0.05
    k_reg: int = 1
    seed: int | None = None

    @property
    def n(self) -> int:
        """Number of calibration rows."""
        return sum(map(len, self.calibration))

    @property
    def parts(self) -> tuple[int, ...]:
        """Entry k: the part of the calibration rows that class k is held against; classes of one part share a limit.

        One part, but for "class-conditional": there each class is its own, and those with fewer than
        confidence / (1 - confidence) rows share one (``few="pool"``): the promise then holds for them together.
        """
        if self.method != "class-conditional":
            return (0,) * self.classes.k
        own = [self.few == "include" or rank(len(rows), self.confidence) <= len(rows) for rows in self.calibration]
        return tuple(k if alone else self.classes.k for k, alone in enumerate(own))

    @property
    def limits(self) -> NDArray[np.float64]:
        """Entry k: the largest strangeness that keeps class k in a set; inf when the rows are too few for any limit."""
        found = {}
        for part in set(self.parts):
            rows = self._rows(part)
            at = rank(len(rows), self.confidence)
            found[part] = rows[at - 1] if at <= len(rows) else math.inf
        return np.array([found[part] for part in self.parts])

    @property
    def notes(self) -> tuple[str, ...]:
        """What must be said with the sets."""
        parts, out = self.parts, []
        pooled = [name for name, part in zip(self.classes.names, parts, strict=True) if part == self.classes.k]
        if len(pooled) > 1:
            out.append(f"too few calibration rows for classes {pooled}: they share a limit, their promise is joint")
        full = [name for name, limit in zip(self.classes.names, self.limits, strict=True) if limit == math.inf]
        if full:
            which = "every class" if len(full) == self.classes.k else f"{full}"
            needed = rows_needed(self.confidence)
            out.append(f"every set holds {which}: a limit needs {needed:,} calibration rows, there are fewer")
        if self.method != "class-conditional":
            none = [n for n, rows in zip(self.classes.names, self.calibration, strict=True) if not len(rows)]
            out += [f"no calibration row is of class {none}: nothing is promised for them"] if none else []
        return tuple(out)

    def at(self, confidence: float) -> PredictionSets:
        """The sets at another confidence, from the same calibration rows.

        They grow with the confidence, but for a class that then has too few rows and joins the pool.
        """
        return replace(self, confidence=checked_level(confidence))

    def strangeness(self, scores: Any) -> NDArray[np.float64]:
        """How strange each class looks, shape (n, K); column k belongs to ``classes.names[k]``."""
        scores = self._scores(scores)
        draws = None if self.seed is None else _draws(scores, self.seed, 1)
        return _strangeness(scores.probabilities, self.method, self.penalty, self.k_reg, draws)

    def predict(self, scores: Any) -> NDArray[np.bool_]:
        """Which classes are in the set of each row, shape (n, K); a row without any is an empty set.

        Parameters
        ----------
        scores : Scores or array-like, shape (n, K), or (n,) for two classes
            Truth, if any, is not looked at. Randomised methods draw by row id, or by place where there are no ids.

        Raises
        ------
        LabelError, ScoreError
            Other classes; scores that are no probabilities.
        """
        return np.asarray(self.strangeness(scores) <= self.limits + ROUNDING)

    def decide(self, scores: Any) -> list[tuple[Label, ...]]:
        """The set of each row by class names."""
        names = self.classes.names
        return [tuple(names[k] for k in np.flatnonzero(row)) for row in self.predict(scores)]

    def p_values(self, scores: Any) -> NDArray[np.float64]:
        """Conformal p-values, shape (n, K): (1 + number of calibration rows as strange or stranger) / (1 + all).

        For "class-conditional" the rows are those of the class (or of the pool it is in). A class is in the set at a
        confidence iff its p-value exceeds 1 - confidence.
        """
        found = self.strangeness(scores)
        out = np.empty_like(found)
        for k, part in enumerate(self.parts):
            rows = self._rows(part)
            below = np.searchsorted(rows, found[:, k] - ROUNDING, side="left")
            out[:, k] = (1 + len(rows) - below) / (1 + len(rows))
        return out

    def report(self, scores: Scores) -> CoverageReport:
        """Coverage and sizes on test rows.

        Raises
        ------
        RoleError
            The very rows it was calibrated on; overlapping ones (known by ids) are labelled in-sample.
        InputError
            Rows with weights or in clusters: the promise is for independent rows that count alike.
        """
        known = _independent(scores).known()
        share = self.calibrated_on.overlap(known.fingerprint)
        if share == 1.0:
            hint = "sets are made so that they cover these rows"
            raise RoleError("scores", "the rows the sets were calibrated on", "other rows", hint, code="CT07")
        notes = list(self.notes)
        if share:
            notes.append(f"about {100 * share:.0f} % of the rows were used to calibrate the sets: in-sample")
        elif share is None:
            notes.append("whether some of the rows calibrated the sets cannot be told: pass ids=")
        inside = self.predict(known)
        truth = np.asarray(known.truth)
        hit = inside[np.arange(known.n), truth]
        return CoverageReport(
            self.confidence,
            self._row("all rows", hit, set(self.parts)),
            tuple(
                self._row(name, hit[truth == k], {part} if self._single(k) else set())
                for k, (name, part) in enumerate(zip(self.classes.names, self.parts, strict=True))
            ),
            tuple(np.bincount(inside.sum(axis=1), minlength=self.classes.k + 1).tolist()),
            "in-sample" if share else known.role,
            tuple(notes),
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON: the calibration rows are in it, so that any confidence can be asked for later."""
        return {
            "schema_version": 1,
            "classes": self.classes.to_dict(),
            "kind": self.kind,
            "method": self.method,
            "confidence": self.confidence,
            "calibration": [rows.tolist() for rows in self.calibration],
            "calibrated_on": self.calibrated_on.to_dict(),
            **{name: getattr(self, name) for name in ("few", "penalty", "k_reg", "seed")},
            "notes": list(self.notes),
        }

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> PredictionSets:
        """The inverse of `to_dict`.

        Raises
        ------
        InputError
            Not the description of prediction sets, or of a newer format.
        """
        if saved.get("schema_version") != 1:
            raise InputError("sets", f"schema_version {saved.get('schema_version')!r}", "1, prediction sets")
        try:
            classes = Classes.from_dict(saved["classes"])
            rows = tuple(_frozen(np.array(part, dtype=np.float64)) for part in saved["calibration"])
            known = saved["method"] in METHODS and saved["few"] in get_args(Few)
            if not known or len(rows) != classes.k or not all((np.diff(part) >= 0).all() for part in rows):
                raise ValueError("method or calibration")
            return cls(
                classes,
                saved["kind"],
                saved["method"],
                checked_level(saved["confidence"]),
                rows,
                Fingerprint.from_dict(saved["calibrated_on"]),
                *(saved[name] for name in ("few", "penalty", "k_reg", "seed")),
            )
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise InputError("sets", f"a description that does not fit ({error})", "what to_dict() gave") from None

    def __repr__(self) -> str:
        head = f"PredictionSets({self.method}, {100 * self.confidence:g} %, {self.classes.k} classes, {self.n:,} rows)"
        return "\n  note: ".join([head, *self.notes])

    def _rows(self, part: int) -> NDArray[np.float64]:
        """Strangeness of the calibration rows of a part, ascending."""
        mine = [rows for rows, own in zip(self.calibration, self.parts, strict=True) if own == part]
        return np.sort(np.concatenate(mine))

    def _single(self, k: int) -> bool:
        """True when class k is held against its own rows alone."""
        return self.method == "class-conditional" and self.parts.count(self.parts[k]) == 1

    def _row(self, name: Label, hit: NDArray[np.bool_], parts: set[int]) -> CoverageRow:
        """A line of the report; with the reference band where one limit rules it."""
        shape = None
        if len(parts) == 1:
            n = len(self._rows(next(iter(parts))))
            at = min(rank(n, self.confidence), n + 1)
            shape = (at, n + 1 - at)
        return CoverageRow(str(name), int(hit.sum()), len(hit), shape)

    def _scores(self, scores: Any) -> Scores:
        if not isinstance(scores, Scores):
            values = scores if column_names(scores) else np.atleast_1d(as_array(scores, argument="scores"))
            scores = Scores(y_score=values, classes=self.classes, kind=self.kind)
        if scores.classes != self.classes:
            raise LabelError("scores", repr(scores.classes), f"{self.classes!r}, the classes of the sets")
        return scores


def conformal(
    scores: Scores,
    *,
    confidence: float = 0.9,
    method: Method = "lac",
    few: Few = "pool",
    penalty: float = 0.05,
    k_reg: int = 1,
    randomized: bool = False,
    seed: int = 0,
) -> PredictionSets:
    """Calibrate prediction sets on rows that the model never saw.

    Parameters
    ----------
    scores : Scores
        Calibration rows: truth and probabilities (or logits) of two or more classes, without weights or clusters.
    confidence : float
        The rate at which sets are to hold the true class of new rows.
    method : str
        "lac" (Sadinle, Lei & Wasserman 2019; the smallest sets on average), "class-conditional" (the same by class, so
        that every class gets the promise; Vovk 2012), "aps" (Romano, Sesia & Candes 2020), "raps" (Angelopoulos et al.
        2021), "margin". "aps" and "raps" take classes that tie in a row in the order
        of `classes`.
    few : {"pool", "include"}
        For "class-conditional": classes with fewer than confidence / (1 - confidence) rows share one limit, or are
        part of every set.
    penalty, k_reg : float, int
        For "raps": what each class beyond the `k_reg` most probable ones adds.
    randomized : bool
        For "aps" and "raps": take a random part of the class's own probability, which makes coverage exact and sets
        smaller, and some of them empty.
    seed : int
        Seed of these draws.

    Returns
    -------
    PredictionSets

    Raises
    ------
    InputError, ScoreError, RoleError
        Weights or clusters; scores that are no probabilities; rows that trained or tuned the model.

    Notes
    -----
    The limit is the ceil((n + 1) confidence)-th smallest strangeness of n rows, infinite when that exceeds n.

    Examples
    --------
    >>> import cutline as cl
    >>> from cutline.decision.sets import conformal
    >>> p = [[0.7, 0.2, 0.1], [0.5, 0.4, 0.1], [0.2, 0.7, 0.1], [0.3, 0.6, 0.1], [0.1, 0.3, 0.6]]
    >>> rows = cl.Scores(y_true=list("abbbc"), y_score=p, classes=list("abc"), kind="probability")
    >>> sets = conformal(rows, confidence=0.8)
    >>> sets
    PredictionSets(lac, 80 %, 3 classes, 5 rows)
    >>> sets.decide([[0.45, 0.5, 0.05], [0.1, 0.1, 0.8]])
    [('a', 'b'), ('c',)]
    """
    checked_level(confidence)
    if method not in METHODS:
        raise UnknownName.among("method", str(method), METHODS)
    if few not in get_args(Few):
        raise UnknownName.among("few", str(few), get_args(Few))
    if not (math.isfinite(penalty) and penalty >= 0 and k_reg >= 0):
        raise InputError("penalty, k_reg", f"{penalty!r}, {k_reg!r}", "numbers >= 0")
    if randomized and method not in ("aps", "raps"):
        raise InputError("randomized", f"True for {method!r}", "'aps' or 'raps': the others have nothing to draw")
    if scores.role in ("train", "tune", "out-of-fold", "in-sample"):
        wanted = "rows untouched by model, calibrator and cut"
        raise RoleError("scores", f"rows of role {scores.role!r}", wanted, code="CT07")
    known = _independent(scores).known()
    draws = _draws(known, seed, 0) if randomized else None
    truth = np.asarray(known.truth)
    own = _strangeness(known.probabilities, method, penalty, k_reg, draws)[np.arange(known.n), truth]
    return PredictionSets(
        known.classes,
        known.kind,
        method,
        confidence,
        tuple(_frozen(np.sort(own[truth == k])) for k in range(known.classes.k)),
        known.fingerprint,
        few,
        float(penalty),
        int(k_reg),
        seed if randomized else None,
    )


def rank(n: int, confidence: float) -> int:
    """Ceil((n + 1) confidence) without rounding errors: 0.9 is nine tenths.

    Examples
    --------
    >>> rank(99, 0.9), rank(9, 0.7)
    (90, 7)
    """
    return math.ceil((n + 1) * Fraction(float(confidence)).limit_denominator(10**9))


def rows_needed(confidence: float) -> int:
    """Calibration rows from which on there is a limit: confidence / (1 - confidence), rounded up."""
    level = Fraction(float(confidence)).limit_denominator(10**9)
    return math.ceil(level / (1 - level))


def checked_level(confidence: float) -> float:
    """The confidence, if it is one that can be promised."""
    if not 1e-9 <= confidence <= 1 - 1e-9:
        raise InputError("confidence", repr(confidence), "a level between 0 and 1, such as 0.9")
    return confidence


def _strangeness(
    p: NDArray[np.float64], method: Method, penalty: float, k_reg: int, draws: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    """Strangeness of every class, shape (n, K), of probabilities of that shape."""
    if method in ("lac", "class-conditional"):
        return 1 - p
    if method == "margin":
        second, first = np.partition(p, p.shape[1] - 2, axis=1)[:, -2:].T
        return np.where(p >= first[:, None], second[:, None], first[:, None]) - p
    order = np.argsort(-p, axis=1, kind="stable")
    descending = np.take_along_axis(p, order, axis=1)
    total = np.cumsum(descending, axis=1)
    if draws is not None:
        total -= (1 - draws)[:, None] * descending
    if method == "raps":
        total += penalty * np.maximum(np.arange(1, p.shape[1] + 1) - k_reg, 0)
    out = np.empty_like(p)
    np.put_along_axis(out, order, total, axis=1)
    return out


def _draws(scores: Scores, seed: int, stream: int) -> NDArray[np.float64]:
    """A uniform number for each row: by its id where there is one, so that batches do not matter, else by its place."""
    if scores.ids is None:
        return np.random.default_rng((seed, stream)).random(scores.n)
    return (scores.drawn_by_id() + np.random.default_rng(seed).random()) % 1.0


def _independent(scores: Scores) -> Scores:
    for name in ("weight", "groups"):
        if getattr(scores, name) is not None:
            what = {"weight": "weighted rows", "groups": "rows in clusters"}[name]
            hint = "they void the promise; one row of each cluster keeps it" if name == "groups" else ""
            raise InputError(name, what, "independent rows that count alike", hint or "weights void the promise")
    return scores


def _frozen(values: NDArray[np.float64]) -> NDArray[np.float64]:
    values.setflags(write=False)
    return values
