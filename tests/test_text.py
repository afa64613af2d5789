"""Columns of texts: what is learned from them, strange texts, and what is stored."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import cutline as cl
from cutline.data import Raw, features, infer_schema, sentences
from cutline.errors import DataError, InputError
from cutline.model.member import Deadline, OutOfTime, Rows
from cutline.model.recipe import LEARNERS
from cutline.model.text import Terms, TextLinear, TextView, fit_text, terms_of

WITH_SENTENCES = not sentences.missing()
GOOD = ["match", "goal", "team", "player", "season", "coach", "league", "striker", "referee", "stadium"]
BAD = ["vote", "party", "minister", "election", "parliament", "law", "treaty", "senate", "cabinet", "policy"]
COMMON = [
    "the",
    "a",
    "of",
    "and",
    "to",
    "in",
    "it",
    "was",
    "for",
    "on",
    "that",
    "with",
    "as",
    "by",
    "at",
    "from",
    "this",
]


def articles(n: int, seed: int = 0, words: int = 30) -> pa.Table:
    """Texts of two topics, of which a few words tell the topic, and a number that tells something too."""
    rng = np.random.default_rng(seed)
    sport = rng.random(n) < 0.5
    texts = []
    for one in sport:
        told = rng.choice(GOOD if one else BAD, rng.integers(0, 4))
        texts.append(" ".join(rng.permutation(np.concatenate([told, rng.choice(COMMON, words)]))))
    return pa.table({"text": texts, "size": rng.normal(size=n) + sport, "topic": np.where(sport, "sport", "politics")})


def rows_of(table: pa.Table, target: str = "topic") -> Rows:
    schema = infer_schema(table, target=target, types={"text": "text"})
    names, codes = np.unique(table[target].to_pylist(), return_inverse=True)
    return Rows(features(schema, table), codes, None, len(names), table.num_rows)


def raw_of(texts: list[str]) -> Raw:
    return Raw("text", "text", np.array(texts, dtype=object), np.arange(len(texts)))


@pytest.fixture(scope="module")
def model() -> cl.Classifier:
    return cl.fit(articles(400), target="topic", positive="sport", families=["linear"], types={"text": "text"})


# --- terms ---------------------------------------------------------------------------------------------------------


def test_terms_are_those_of_scikit_learn() -> None:
    """The same figures as a TfidfVectorizer with the same settings, for words and for groups of letters."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts = [*articles(60)["text"].to_pylist(), "", "Naïve façade", "x"]
    for kind, options in {
        "words": {"ngram_range": (1, 2), "token_pattern": r"\b\w+\b"},
        "letters": {"analyzer": "char_wb", "ngram_range": (2, 4)},
    }.items():
        peer = TfidfVectorizer(sublinear_tf=True, min_df=2, **options)
        expected = peer.fit_transform(texts)
        raw = raw_of(texts)
        terms = terms_of(kind, raw)
        assert terms.names.tobytes().decode().split("\n") == list(peer.get_feature_names_out())
        # ours: (1 + log count) idf on the whole text, also where letter groups are counted word by word
        np.testing.assert_allclose(terms.rows(raw).toarray(), expected.toarray(), atol=1e-6)


def test_terms_of_new_texts_are_those_that_were_learned() -> None:
    terms = terms_of("words", raw_of(["a b", "a b", "a c"]))
    assert terms.names.tobytes().decode().split("\n") == ["a", "a b", "b"]
    found = terms.rows(raw_of(["c c c", "A", ""])).toarray()
    assert found.tolist() == [[0, 0, 0], [1, 0, 0], [0, 0, 0]]


def test_without_any_term_there_are_no_columns() -> None:
    for texts in (["", "", ""], ["a", "b", "c"], [" ", "\n", "?"]):
        raw = raw_of(texts)
        assert terms_of("words", raw).rows(raw).shape == (3, 0)


def test_a_view_is_saved_whole() -> None:
    rows = rows_of(articles(80))
    view = TextView.of(rows.features, ("words", "letters"))
    again = TextView.from_arrays(view.arrays())
    other = rows_of(articles(20, 1)).features
    assert (view.matrix(other) != again.matrix(other)).nnz == 0
    assert [each.key for each in view.terms] == [each.key for each in again.terms]


def test_long_texts_are_read_to_their_limit() -> None:
    long = "begin " + "x " * 200_000 + "end"
    words = terms_of("words", raw_of([long, long])).names.tobytes().decode().split("\n")
    assert "begin" in words
    assert "end" not in words


# --- members -------------------------------------------------------------------------------------------------------


def test_texts_and_other_columns_are_both_learned_from(model: cl.Classifier) -> None:
    fresh = articles(400, 9)
    found = model.evaluate(fresh)
    assert found["roc_auc"].low > 0.9
    assert found["prediction_bias"].low < 0 < found["prediction_bias"].high
    blind = fresh.set_column(1, "size", pa.array(np.zeros(400)))
    assert found["log_loss"].value < model.evaluate(blind)["log_loss"].value


def test_a_table_of_text_alone_has_members_that_read_it() -> None:
    found = cl.fit(articles(120).drop_columns("size"), target="topic", types={"text": "text"}, budget=None)
    names = {member["name"] for member in found.plan.members} | {name for name, _ in found.plan.skipped}
    assert {"words", "text"} <= names <= {"words", "text", "sentences", "text_and_sentences"}


def test_families_that_read_no_texts_say_so() -> None:
    with pytest.raises(InputError, match="members for tables alone"):
        cl.fit(articles(60).drop_columns("size"), target="topic", types={"text": "text"}, families=["lightgbm"])


def test_a_class_that_is_not_among_the_rows_gets_no_probability() -> None:
    rows = rows_of(articles(60))
    some = rows.take(np.flatnonzero(rows.codes == 0))
    member = fit_text(some, rows, 0, Deadline(None)).at(0)
    assert member(rows.features)[:, 1].max() == 0


@pytest.mark.parametrize("learner", [each for each in LEARNERS if each.reads == "text"], ids=lambda each: each.name)
def test_every_member_for_texts_learns_is_saved_and_heeds_weights(learner) -> None:
    rows = rows_of(articles(120))
    if why := learner.refuses(rows):
        pytest.skip(why)
    train, held = rows.take(np.arange(90)), rows.take(np.arange(90, 120))
    path = learner.fit(train, held, 0, Deadline(None), None)
    best = int(path.losses.argmin())
    assert path.losses[best] < np.log(2) * 0.95
    again = type(path.at(best)).from_arrays(path.at(best).arrays())
    assert (again(held.features) == path.at(best)(held.features)).all()
    short = learner.fit(train, held, 0, Deadline(None), best)
    np.testing.assert_allclose(short.at(best)(held.features), path.at(best)(held.features), atol=1e-6)
    double = Rows(train.features, train.codes, np.where(train.codes == 0, 9.0, 1.0), 2, 90)
    moved = learner.fit(double, held, 0, Deadline(None), None).at(best)
    assert moved(held.features)[:, 0].mean() > path.at(best)(held.features)[:, 0].mean()


def test_a_deadline_is_kept() -> None:
    rows = rows_of(articles(60))
    with pytest.raises(OutOfTime):
        fit_text(rows, rows, 0, Deadline(1e-9))


def test_the_same_seed_gives_the_same_bytes() -> None:
    rows = rows_of(articles(80))
    first, second = (fit_text(rows, rows, 3, Deadline(None)).weights for _ in range(2))
    assert first.tobytes() == second.tobytes()


# --- strange texts -------------------------------------------------------------------------------------------------


def test_empty_huge_and_binary_texts_give_probabilities(model: cl.Classifier) -> None:
    strange = ["", " ", "\0" * 10, "goal " * 2_000_000, "x" * 10_000_000, "\ud83d", "goal\nteam\tmatch", "球队进球"]
    noise = bytes(np.random.default_rng(0).integers(0, 256, 5000, dtype=np.uint8)).decode("latin-1")
    cells = [cell.encode(errors="replace").decode() for cell in [*strange, noise]]
    found = model.predict_proba({"text": [*cells, None], "size": [0.0] * (len(cells) + 1)})
    p = found["sport"] if isinstance(found, dict) else found.column("sport").to_numpy()
    assert np.isfinite(p).all()
    assert p[3] > 0.5 > p[0] - 0.3
    assert p[0] == p[len(cells)]


def test_a_text_that_is_missing_is_empty_and_counted() -> None:
    table = articles(100).drop_columns("size")
    cells = [None if i % 10 == 0 else cell for i, cell in enumerate(table["text"].to_pylist())]
    schema = infer_schema({"text": cells, "topic": table["topic"].to_pylist()}, target="topic", types={"text": "text"})
    assert "10.0 % missing" in schema.columns[0].detail
    assert features(schema, {"text": cells}).raw[0].cells[0] == ""


def test_folders_of_texts_are_learned_from(tmp_path: Path) -> None:
    table = articles(60)
    for i, (text, topic) in enumerate(zip(table["text"].to_pylist(), table["topic"].to_pylist(), strict=True)):
        (tmp_path / topic).mkdir(exist_ok=True)
        (tmp_path / topic / f"{i}.txt").write_text(text)
    (tmp_path / "sport" / "picture.bin").write_bytes(bytes(range(256)))
    found = cl.fit(tmp_path, target="label", families=["linear"])
    assert set(found.classes.names) == {"sport", "politics"}
    assert found.plan.rows["tune"] == 60
    assert "picture.bin" in " ".join(found.notes)


def test_all_texts_empty_is_an_error_or_no_feature() -> None:
    with pytest.raises(DataError, match="no column that can be used"):
        cl.fit({"text": [""] * 40, "topic": ["a", "b"] * 20}, target="topic")


# --- what is stored ------------------------------------------------------------------------------------------------


def test_terms_are_stored_once_for_all_folds(model: cl.Classifier, tmp_path: Path) -> None:
    path = tmp_path / "model.cutline"
    model.save(path)
    with zipfile.ZipFile(path) as archive:
        vocabularies = sum(b"fere" in archive.read(name) for name in archive.namelist())
    members = [member for _, bag in model.bag for member in bag if isinstance(member, TextLinear)]
    kinds = {(terms.kind, terms.key) for member in members for terms in member.view.terms}
    assert len(members) >= 5
    assert vocabularies == len({key for _, key in kinds})
    fresh = articles(50, 4)
    assert (cl.load(path).scores(fresh).score == model.scores(fresh).score).all()


def test_terms_are_frozen() -> None:
    terms = terms_of("words", raw_of(["a b", "a b"]))
    assert isinstance(terms, Terms)
    with pytest.raises(AttributeError):
        terms.kind = "letters"  # type: ignore[misc]


# --- sentences -----------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not WITH_SENTENCES, reason="needs the extra text")
def test_sentences_of_one_meaning_are_near() -> None:
    texts = ["The cat sat on the mat.", "A kitten rested on the rug.", "Interest rates were raised by the bank.", ""]
    found = sentences.encode(np.array(texts, dtype=object))
    assert found.shape == (4, 384)
    assert found.dtype == np.float32
    assert found[0] @ found[1] > 2 * found[0] @ found[2]
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), [1, 1, 1, 0], atol=1e-5)


@pytest.mark.skipif(not WITH_SENTENCES, reason="needs the extra text")
def test_a_vector_does_not_depend_on_the_texts_beside_it() -> None:
    texts = np.array([*articles(20)["text"].to_pylist(), "x" * 100_000, "a", "\0\x01", "a"], dtype=object)
    whole = sentences.encode(texts)
    order = np.random.default_rng(0).permutation(len(texts))
    assert (sentences.encode(texts[order]) == whole[order]).all()
    assert (sentences.encode(texts[3:4]) == whole[3]).all()


@pytest.mark.skipif(not WITH_SENTENCES, reason="needs the extra text")
def test_reading_sentences_stops_when_told() -> None:
    seen = []

    def check(done: float) -> None:
        seen.append(done)
        if len(seen) == 2:
            raise OutOfTime

    with pytest.raises(OutOfTime):
        sentences.encode(np.array([f"text {i}" for i in range(400)], dtype=object), check)
    assert 0 < seen[0] < seen[1] < 1
