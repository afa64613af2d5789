"""Near copies of texts and mails: found, kept apart where they are none, and headers that are stripped by choice."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cutline as cl
from cutline.data import features, infer_schema, near_copies
from cutline.data.mail import split_mail, without_headers
from cutline.model.problem import read_problem

DATA = os.environ.get("CUTLINE_DATA")
WORDS = [f"{a}{b}{c}" for a in "bdfgklmnprst" for b in "aeiou" for c in "bdfgklmnprst"]


def prose(seed: int, words: int = 80) -> str:
    return " ".join(np.random.default_rng(seed).choice(WORDS, words))


def changed(text: str, seed: int, words: int) -> str:
    rng = np.random.default_rng(seed)
    parts = text.split()
    for place in rng.choice(len(parts), words, replace=False):
        parts[place] = "other"
    return " ".join(parts)


def mail(subject: str, body: str, route: int = 0) -> str:
    head = f"Return-Path: <a@example.org>\nReceived: from relay ([10.0.0.{route}])\n\tby mx.example.org with ESMTP\n"
    return f"{head}From: a@example.org\nTo: b@example.org\nSubject: {subject}\nDate: Mon, 5 Aug 2002\n\n{body}\n"


def test_copies_with_a_few_words_changed_are_found_and_others_are_not() -> None:
    originals = [prose(seed) for seed in range(300)]
    copies = [changed(text, seed, 2) for seed, text in enumerate(originals[:100])]
    found = near_copies([*originals, *copies])
    assert len(set(found[:300].tolist())) == 300
    assert (found[300:] == found[:100]).mean() >= 0.98


def test_half_of_a_text_is_no_copy() -> None:
    text = prose(1)
    assert len(set(near_copies([text, changed(text, 2, 40)]).tolist())) == 2


def test_case_spacing_and_marks_do_not_tell_texts_apart() -> None:
    found = near_copies(
        ["See you at ten in the hall.", "see  you at TEN,\nin the hall", "See you at nine in the hall!"]
    )
    assert found.tolist()[:2] == [0, 0]


def test_groups_are_numbered_by_their_first_text() -> None:
    a, b = prose(1), prose(2)
    assert near_copies([b, a, b, a, prose(3)]).tolist() == [0, 1, 0, 1, 2]


def test_order_of_the_texts_does_not_decide_who_is_a_copy() -> None:
    texts = [prose(seed) for seed in range(40)] + [changed(prose(seed), seed, 2) for seed in range(20)]
    order = np.random.default_rng(0).permutation(len(texts))
    straight, mixed = near_copies(texts), near_copies([texts[i] for i in order])
    assert ((straight[order][:, None] == straight[order]) == (mixed[:, None] == mixed)).all()


def test_empty_texts_are_like_no_other() -> None:
    assert near_copies(["", "", "  ", "a"]).tolist() == [0, 1, 2, 3]
    assert near_copies([]).tolist() == []


def test_what_a_third_of_the_texts_say_is_no_copy() -> None:
    found = near_copies(["none"] * 50 + [prose(seed) for seed in range(100)])
    assert len(set(found.tolist())) == 150


def test_a_form_that_all_share_makes_no_group() -> None:
    form = prose(0, 100)
    assert len(set(near_copies([f"{form} number {seed}" for seed in range(50)]).tolist())) == 50


def test_texts_without_blanks_are_compared_by_letters() -> None:
    text = "今天天气很好我们去公园散步然后回家吃饭晚上看电影明天再去图书馆借几本有意思的书"
    other = "股票市场的消息和经济新闻以及其他的事情都在报纸上可以看到不过我没有时间看"
    assert near_copies([text + "一二", text + "三四", other]).tolist() == [0, 0, 1]


def test_answers_are_in_the_group_of_the_subject() -> None:
    assert near_copies(["Lunch", "Re: lunch", "AW: Re[2]: Lunch", "Fwd: LUNCH ", "回复：Lunch", "Dinner"]).tolist() == [
        *[0] * 5,
        1,
    ]


def test_mails_of_a_thread_are_together_and_headers_alone_make_no_copies() -> None:
    texts = [mail("Lunch", prose(1)), mail("Re: lunch", prose(2)), mail("Other", prose(3)), mail("Third", "Yes, fine")]
    texts.append(mail("New subject", prose(3), route=7))
    assert near_copies(texts).tolist() == [0, 0, 1, 2, 1]
    assert near_copies([mail("", prose(1)), mail("", prose(2))]).tolist() == [0, 1]


def test_long_and_strange_texts_are_compared_too() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (2, 3000), dtype=np.uint8)
    texts = [*(row.tobytes().decode("latin-1") for row in noise), "x" * 3_000_000, "re:" * 300_000, "\x00", "\ud83d"]
    assert len(set(near_copies(texts).tolist())) == len(texts)


def test_copies_stay_in_one_fold() -> None:
    """Labels are noise: whoever scores well has seen a copy."""
    rng = np.random.default_rng(3)
    texts = [prose(seed, 40) for seed in range(60)]
    table = {"text": [*texts, *(changed(text, 9, 1) for text in texts)], "label": [*rng.choice(["no", "yes"], 60)] * 2}
    problem = read_problem(table, "label", "yes", None)
    assert problem.units is not None
    assert (problem.units[:60] == problem.units[60:]).all()
    assert "120 rows have copies" in " ".join(problem.notes)
    model = cl.fit(table, target="label", positive="yes", budget=None, families=["linear"], types={"text": "text"})
    assert model.evaluation["roc_auc"].value < 0.75


# --- headers -------------------------------------------------------------------------------------------------------


def test_a_mail_becomes_its_subject_and_its_body() -> None:
    assert without_headers(mail("Lunch", "At ten.\n\nSee you: there")) == "Lunch\nAt ten.\n\nSee you: there\n"
    assert without_headers(mail("Lunch", "At ten.").replace("\n", "\r\n")) == "Lunch\nAt ten.\n"
    assert without_headers("From me Mon Aug 5\n" + mail("Lunch", "At ten.")) == "Lunch\nAt ten.\n"
    assert without_headers("SUBJECT: a\n long one\nfrom: b\n\nc") == "a long one\nc"
    assert without_headers("From: a\nTo: b\n\nonly the body") == "only the body"
    assert split_mail("From: a\nSubject: only this") == ("only this", "")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain words",
        "Note: this is no mail.\n\nReally.",
        "Q: what?\nA: that.\n\nMore of it.",
        "Date: Friday\n\nWe meet at ten.",
        "From the start\nSubject: it rained\nDate: never\nand then\n\nit stopped",
        "\n".join(["From: a"] * 5000) + "\n\nbody",
        ":" * 100_000,
        "\x00\x01From: a\nTo: b\n\nc",
        " From: a\nTo: b\n\nc",
    ],
)
def test_what_is_no_mail_stays_as_it_is(text: str) -> None:
    assert without_headers(text) == text


@given(st.text())
@settings(max_examples=200, deadline=None)
def test_any_text_goes_through(text: str) -> None:
    kept = without_headers(text)
    assert kept == text or split_mail(text) is not None
    assert near_copies([text, text + "x"]).tolist()[0] == 0


def test_headers_are_stripped_by_choice() -> None:
    table = {"mail": [mail(f"s{i}", prose(i, 5)) for i in range(12)], "label": ["a", "b"] * 6}
    for kind in ("text", "mail"):
        (raw,) = features(infer_schema(table, target="label", types={"mail": kind}), table).raw
        assert raw.kind == "text"
        assert ("Received" in raw.cells[0]) == (kind == "text")
        assert prose(0, 5) in raw.cells[0]


# --- real mails ----------------------------------------------------------------------------------------------------


@pytest.mark.skipif(DATA is None, reason="CUTLINE_DATA is not set")
def test_threads_and_copies_of_real_mails_are_found() -> None:
    import pyarrow.parquet as pq

    table = pq.read_table(Path(str(DATA)) / "text" / "spam_assassin.parquet")
    texts = [cell or "" for cell in table["text"].to_pylist()]
    found = near_copies(texts)
    size = np.bincount(found)
    assert 500 < size[size > 1].sum() < 2500
    assert size.max() < 100
    equal = {}
    for text, group in zip(texts, found.tolist(), strict=True):
        if text.strip():
            assert equal.setdefault(text, group) == group
