"""Logistic regression on the words and letter groups of texts, beside the other columns."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from cutline.data import Features, Raw
from cutline.model.linear import AnyView, Linear, LinearPath, View, fit_path
from cutline.model.member import Arrays, Deadline, Rows, as_bytes
from cutline.model.vectors import VectorView, joined

STRENGTHS = (1.0, 8.0, 64.0, 1024.0)
"""Inverse L2 strengths. Texts are rows of length 1, so that what is good hardly depends on the texts."""
SHORT = (4.0, 64.0)
"""The same for more than `MANY` rows times classes, where a fit is dear."""
MANY = 100_000
KINDS: dict[str, dict[str, Any]] = {
    "words": {"ngram_range": (1, 2), "token_pattern": r"\b\w+\b"},
    "letters": {"analyzer": "char_wb", "ngram_range": (2, 4), "lowercase": False},
}
"""Words and pairs of them; groups of 2 to 4 letters, which need no blanks and forgive endings and typos."""
MOST_TERMS = {"words": 50_000, "letters": 30_000}
"""That are kept: those in most texts. More, and longer groups of letters, gained nothing."""
READ = 100_000
"""Characters of a text that are looked at."""
SAMPLE = 20_000_000
"""Characters from which the terms are learned, of texts at equal distances; then all texts are counted."""
BLOCK = 2_000_000
"""Characters that are counted at a time."""
MOST_CHARACTERS = 100_000_000
"""Of all texts, above which letter groups would fill the memory."""
MEANING = 0.7
"""Length of the vector of a sentence model beside terms of length 1, by measurement."""


@dataclass(frozen=True, eq=False)
class Terms:
    """The terms of one kind in the texts of a column, and how rare each is.

    Attributes
    ----------
    kind : {"words", "letters"}
    column : str
    names : ndarray of uint8
        The terms as UTF-8, a line each.
    idf : ndarray of float32, shape (terms,)
        log((1 + n) / (1 + texts with the term)) + 1.
    """

    kind: str
    column: str
    names: NDArray[np.uint8]
    idf: NDArray[np.float32]

    @cached_property
    def key(self) -> str:
        """What tells these terms from any others."""
        return hashlib.sha256(self.names.tobytes() + self.idf.tobytes() + self.kind.encode()).hexdigest()

    @cached_property
    def counter(self) -> Any:
        """What counts these terms in texts; None without any term."""
        names = self.names.tobytes().decode(errors="surrogatepass").split("\n")
        return _counter(self.kind, names) if len(self.idf) else None

    def rows(self, raw: Raw) -> Any:
        """Rows of length 1 as a sparse matrix: (1 + log(count)) idf; made once for all that share the texts."""
        return raw.derived(self.key, self._read)

    def _read(self, cells: NDArray[Any]) -> Any:
        from scipy.sparse import csr_array, vstack

        if self.counter is None:
            return csr_array((len(cells), 0), dtype=np.float32)
        made = [csr_array((0, len(self.idf)), dtype=np.float32)]
        made += [self.weighted(_counted(self.kind, self.counter, texts)) for texts in _blocks(cells)]
        return vstack(made, format="csr")

    def weighted(self, counts: Any) -> Any:
        """Counts as rows of length 1."""
        from sklearn.preprocessing import normalize

        counts.data = (1 + np.log(counts.data)) * self.idf[counts.indices]
        return normalize(counts, copy=False)


def terms_of(kind: str, raw: Raw) -> Terms:
    """The terms of a column: those in at least two texts. Learned once for all rows, without labels."""
    found: Terms = raw.shared(kind, lambda cells: _learned(kind, raw, cells))
    return found


def _learned(kind: str, raw: Raw, cells: NDArray[Any]) -> Terms:
    step = max(1, math.ceil(sum(min(len(cell), READ) for cell in cells) / SAMPLE))
    texts = [cell[:READ] for cell in cells[::step]]
    counter = _counter(kind)
    try:
        counts = _counted(kind, counter, texts)
    except ValueError:  # not one term
        return Terms(kind, raw.name, as_bytes(""), np.zeros(0, dtype=np.float32))
    often = np.bincount(counts.indices, minlength=counts.shape[1])
    # Ties at the border go by name. Of a single text all terms are kept.
    most = np.argsort(-often, kind="stable")[: MOST_TERMS[kind]]
    keep = np.sort(most[often[most] >= min(2, len(texts))])
    idf = np.log((1 + len(texts)) / (1 + often[keep])) + 1
    names = "\n".join(counter.get_feature_names_out()[keep])
    terms = Terms(kind, raw.name, as_bytes(names.encode(errors="surrogatepass")), idf.astype(np.float32))
    if step == 1 and len(keep):  # all texts have been counted
        raw.derived(terms.key, lambda cells: terms.weighted(counts[:, keep]))
    return terms


def _blocks(cells: NDArray[Any]) -> Iterable[list[str]]:
    """Some texts at a time."""
    length = np.cumsum([min(len(cell), READ) + 1 for cell in cells])
    for part in np.split(cells, np.flatnonzero(np.diff(length // BLOCK)) + 1):
        if len(part):
            yield [cell[:READ] for cell in part]


def _counter(kind: str, names: Sequence[str] | None = None) -> Any:
    from sklearn.feature_extraction.text import CountVectorizer

    counter = CountVectorizer(**KINDS[kind], vocabulary=names, dtype=np.float32)
    return counter if names is None else counter.fit([])


def _counted(kind: str, counter: Any, texts: Sequence[str]) -> Any:
    """How often each term is in each text, a sparse matrix; the terms are learned where the counter knows none.

    Raises
    ------
    ValueError
        There is nothing to learn.
    """
    from scipy.sparse import csr_array
    from sklearn.feature_extraction.text import CountVectorizer

    count = counter.fit_transform if counter.vocabulary is None else counter.transform
    if kind == "words":
        return count(texts)
    # Groups of letters do not cross blanks: what stands between two is taken apart once, however often it occurs.
    whole = CountVectorizer(token_pattern=r"\S+", dtype=np.float32)
    try:
        often = whole.fit_transform(texts)
    except ValueError:
        if counter.vocabulary is None:
            raise
        return csr_array((len(texts), len(counter.vocabulary)), dtype=np.float32)
    return (often @ count(whole.get_feature_names_out())).tocsr()


@dataclass(frozen=True, slots=True, eq=False)
class TextView:
    """Columns of a design matrix, in blocks of which each gives rows of length about 1 or less.

    First those of a plain view, then the terms of each column of texts, then the vectors of a sentence model, if any.

    Attributes
    ----------
    base : View
    terms : tuple of Terms
    mean : ndarray, shape (d,)
        Of the vectors; d = 0 without.
    spread : ndarray, shape ()
        What the vectors are divided by.
    """

    base: View
    terms: tuple[Terms, ...]
    mean: NDArray[Any] = field(default_factory=lambda: np.zeros(0, dtype=np.float32))
    spread: NDArray[Any] = field(default_factory=lambda: np.array(1.0))

    @classmethod
    def of(cls, features: Features, kinds: Iterable[str], *, vectors: bool = False) -> TextView:
        """Learn the view from training rows; the terms from all texts, which tells nothing of their labels."""
        texts = [raw for raw in features.raw if raw.kind == "text"]
        terms = tuple(terms_of(kind, raw) for raw in texts for kind in kinds)
        base = View.of(features, splines=False)
        if not vectors:
            return cls(base, terms)
        seen = VectorView.of(features, "text")
        return cls(base, terms, seen.mean, seen.spread * math.sqrt(len(seen.mean) / len(texts)) / MEANING)

    def matrix(self, features: Features) -> Any:
        """The design matrix, sparse, shape (n, columns + terms + d)."""
        from scipy.sparse import csr_array, hstack

        raw = {each.name: each for each in features.raw}
        table = self.base.matrix(features)
        table = table / (3 * math.sqrt(max(1, table.shape[1])))  # no value of a plain view is beyond 3
        blocks = [csr_array(table.astype(np.float32)), *(each.rows(raw[each.column]) for each in self.terms)]
        if len(self.mean):
            found = joined(features, "text")
            scaled = np.where(found.any(axis=1, keepdims=True), (found - self.mean) / self.spread, 0.0)
            blocks.append(csr_array(scaled.astype(np.float32)))
        return hstack(blocks, format="csr")

    def arrays(self) -> Arrays:
        """All there is to save."""
        saved: Arrays = {**self.base.arrays(), "mean": self.mean, "vector_spread": self.spread}
        saved["columns"] = np.array([each.column for each in self.terms])
        saved["kinds"] = np.array([each.kind for each in self.terms])
        for number, each in enumerate(self.terms):
            saved |= {f"names{number}": each.names, f"idf{number}": each.idf}
        return saved

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The inverse of `arrays`; other arrays may be beside its own."""
        found = zip(arrays["kinds"].tolist(), arrays["columns"].tolist(), strict=True)
        terms = (Terms(*each, arrays[f"names{i}"], arrays[f"idf{i}"]) for i, each in enumerate(found))
        return cls(View.from_arrays(arrays), tuple(terms), arrays["mean"], arrays["vector_spread"])


@dataclass(frozen=True, slots=True, eq=False)
class TextLinear(Linear):
    """A fitted logistic regression on terms."""

    kind: ClassVar[str] = "text"
    view_type: ClassVar[type[AnyView]] = TextView


@dataclass(frozen=True, slots=True, eq=False)
class TextPath(LinearPath):
    """One logistic regression on terms for each penalty."""

    member: ClassVar[type[Linear]] = TextLinear


def fit_text(
    train: Rows,
    held: Rows,
    seed: int,
    deadline: Deadline,
    until: int | None = None,
    *,
    kinds: Iterable[str] = tuple(KINDS),
    vectors: bool = False,
) -> LinearPath:
    """A logistic regression on the terms of all columns of texts, and on the other columns, for each penalty.

    Fitted by stochastic average gradient descent (Schmidt, Le Roux & Bach 2017), each started where the last one
    ended: on rows of length 1 it needs about ten passes over them where L-BFGS needs fifty. Classes without training
    rows get probability 0.
    """
    view = TextView.of(train.features, kinds, vectors=vectors)
    many = train.size * train.k > MANY
    strengths = (SHORT if many else STRENGTHS)[: None if until is None else until + 1]
    solver = {"solver": "sag", "tol": 3e-2 if many else 1e-2, "max_iter": 50, "random_state": seed}
    if train.weight is not None:  # the steps of the descent do not heed weights, and would be too long
        solver |= {"solver": "newton-cg", "tol": 1e-5}
    return fit_path(TextPath, view, train, held, deadline, strengths, **solver)


def prepare_text(rows: Rows, deadline: Deadline, *, kinds: Iterable[str] = tuple(KINDS), vectors: bool = False) -> None:
    """Count all terms once, for all folds."""
    for raw in rows.features.raw:
        for kind in kinds if raw.kind == "text" else ():
            terms_of(kind, raw).rows(raw)
            deadline.check()
    if vectors:
        joined(rows.features, "text", deadline.check)


def refuses_text(rows: Rows) -> str:
    """Why letter groups are not read, or nothing."""
    read = sum(
        min(len(raw.cells[number]), READ) for raw in rows.features.raw if raw.kind == "text" for number in raw.rows
    )
    return f"{read:,} characters: too many for groups of letters" if read > MOST_CHARACTERS else ""
