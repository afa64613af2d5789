"""Texts that are copies of each other or nearly so, and mails of one thread: to be kept on one side of a split."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from cutline.data.copies import joined, numbered, together
from cutline.data.mail import split_mail

WORD = re.compile(r"\w+")
READ, MOST_WORDS = 20_000, 1_000
"""Characters and words of a text that are looked at for near copies."""
LONG = 20
"""Letters to a word above which a text is written without blanks, and its letters stand for words."""
SHINGLE = 4
"""Words in a row that count as one."""
HASHES, BAND = 128, 4
"""Smallest hashes kept of a text, and how many in a row must agree for two texts to be compared."""
ALIKE = 0.7
"""Share of their shingles that near copies have in common, as the hashes estimate it."""
LARGEST, ALWAYS = 0.1, 10
"""A group with more than this share of the texts, and more than so many, is none: a form that they share, or "none"."""
REPLY = re.compile(
    r"^\s*(?:(?:re|aw|sv|vs|antw|odp|rv|tr|fwd?|wg|回复|回覆|答复|转发|轉寄)(?:\[\d+\])?\s*[:：]\s*)+", re.IGNORECASE
)
"""What stands before the subject of an answer."""


def near_copies(texts: Sequence[str], *, seed: int = 0) -> NDArray[np.int64]:
    """Groups of texts that are equal, nearly equal, or answers to each other.

    Two texts are nearly equal when their runs of 4 words agree by 70 %, as estimated by 128 smallest hashes (MinHash,
    Broder 1997). Of mails the bodies are compared; those with the same subject, but for "Re:" and "Fwd:" before it, are
    of one thread. So are texts that differ in such a start alone, say of a column of subjects.

    Parameters
    ----------
    texts : sequence of str, length n
        "" is like no other.
    seed : int
        Of the hashes.

    Returns
    -------
    ndarray of int, shape (n,)
        Text i is in group ``result[i]``; groups are numbered from 0 in the order of their first texts.

    Examples
    --------
    >>> near_copies(["see you at ten in the hall", "Re: lunch", "lunch", "See you at ten, in the hall!"]).tolist()
    [0, 1, 1, 0]
    """
    mails = [split_mail(text[:READ]) for text in texts]
    subjects = [_topic(mail[0]) if mail else "" for mail in mails]
    bodies = [_topic(text) for text in texts]
    equal = _uncrowded(numbered(body or number for number, body in enumerate(bodies)), np.arange(len(texts)))
    first = np.unique(equal, return_index=True)[1]
    words = (_words(mail[1] if (mail := mails[number]) else bodies[number]) for number in first)
    near = joined(len(first), _pairs(_signatures(words, len(first), seed)))[equal]
    thread = numbered(subject or number for number, subject in enumerate(subjects))
    found = together(_uncrowded(near, equal), _uncrowded(thread, equal))
    return _uncrowded(found, equal)


def _topic(text: str) -> str:
    """A text, or the subject of a mail, without the marks of an answer."""
    return REPLY.sub("", text).strip().casefold()


def _uncrowded(group: NDArray[np.int64], parts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Groups, of which those that are too large fall apart."""
    crowd = np.bincount(group)[group] > max(LARGEST * len(group), ALWAYS)
    return numbered(np.where(crowd, parts + len(group), group).tolist())


def _words(text: str) -> list[str]:
    """What runs are made of: words, or letters in a script without blanks."""
    words = WORD.findall(text[:READ])
    if sum(map(len, words)) > LONG * len(words):
        words = [letter for word in words for letter in word]
    return words[:MOST_WORDS]


def _signatures(texts: Iterable[list[str]], n: int, seed: int) -> NDArray[np.uint64]:
    """The smallest hashes of each of n lists of words, shape (n, HASHES)."""
    rng = np.random.default_rng(seed)
    mix = rng.integers(1, 2**63, HASHES, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    step = rng.integers(1, 2**63, SHINGLE, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    known: dict[str, int] = {}
    out = np.empty((n, HASHES), dtype=np.uint64)
    for number, found in enumerate(texts):
        for word in set(found).difference(known):
            known[word] = int.from_bytes(hashlib.blake2b(word.encode(errors="surrogatepass"), digest_size=8).digest())
        words = np.array([known[word] for word in found] or [number], dtype=np.uint64)
        width = min(SHINGLE, len(words))
        runs = np.lib.stride_tricks.sliding_window_view(words, width)
        shingles = np.unique((runs * step[:width]).sum(axis=1, dtype=np.uint64))
        mixed = shingles[:, None] * mix
        out[number] = (mixed ^ (mixed >> np.uint64(29))).min(axis=0)
    return out


def _pairs(signatures: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Pairs of texts that are alike, at least one for each that is like any other, shape (m, 2)."""
    found = [np.empty((0, 2), dtype=np.int64)]
    for start in range(0, HASHES, BAND):
        bucket = np.unique(signatures[:, start : start + BAND], axis=0, return_inverse=True)[1].ravel()
        order = np.argsort(bucket, kind="stable")
        # Each is compared with the first of its bucket and with its neighbour there, not with all.
        new = np.r_[True, np.diff(bucket[order]) > 0]
        leader = order[np.maximum.accumulate(np.where(new, np.arange(len(order)), 0))]
        before = np.r_[order[:1], order[:-1]]
        for other in (leader, before):
            same = ~new & (other != order)
            a, b = order[same], other[same]
            alike = (signatures[a] == signatures[b]).mean(axis=1) >= ALIKE
            found.append(np.stack([a[alike], b[alike]], axis=1))
    return np.concatenate(found)
