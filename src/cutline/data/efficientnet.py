"""EfficientNet-Lite0 as ONNX: converted once from its published weights, without torch, executing nothing.

The network: Tan and Le, "EfficientNet: Rethinking model scaling for convolutional neural networks" (ICML 2019). The
Lite variant has ReLU6 where that has swish, no squeeze-and-excitation, and was trained on ImageNet.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import warnings
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

import numpy as np
from numpy.typing import NDArray

from cutline.data.write import replacing
from cutline.errors import CutlineWarning, DataError

WIDTH = 1280
"""Features of a picture: the means of the last layer over its area."""
STAGES = ((1, 3, 1, 1), (2, 3, 2, 6), (2, 5, 2, 6), (3, 3, 2, 6), (3, 5, 1, 6), (4, 5, 2, 6), (1, 3, 1, 6))
"""Of each stage: blocks, side of the kernel, stride of the first block, how much wider a block is inside."""
EPSILON = 1e-3
"""Of batch normalisation."""
MEAN, SPREAD = 127.0, 128.0
"""The network takes (pixel - 127) / 128."""
FORMAT = 1
"""Part of the name of the cached file: another layout is another file."""
DIGEST = 32
"""Bytes of the SHA-256 that the cached file ends with."""

Weights = Mapping[str, NDArray[Any]]


def network(weights: str | os.PathLike[str]) -> bytes:
    """The converted network: from the user's cache, or made anew when it is not there or damaged.

    Parameters
    ----------
    weights : path
        The published weights, a ``.pth`` file.

    Returns
    -------
    bytes
        An ONNX model. Input ``pixels``, uint8, shape (n, height, width, 3): red, green and blue from 0 to 255.
        Output ``features``, float32, shape (n, 1280).

    Raises
    ------
    DataError
        The file holds no weights of this network.

    Warns
    -----
    CutlineWarning
        The cache cannot be written; the network works, and is converted again by the next process.
    """
    key = hashlib.sha256(Path(weights).read_bytes()).hexdigest()
    try:
        path = _cache() / f"efficientnet-lite0-{key[:32]}-{FORMAT}.onnx"
        kept = path.read_bytes()
        if hashlib.sha256(kept[:-DIGEST]).digest() == kept[-DIGEST:]:
            return kept[:-DIGEST]
    except (OSError, RuntimeError):  # no such file, or no home
        pass
    made = converted(tensors(weights))
    try:
        path = _cache() / f"efficientnet-lite0-{key[:32]}-{FORMAT}.onnx"
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as draft:
            draft.write_bytes(made + hashlib.sha256(made).digest())
    except (OSError, RuntimeError, DataError) as error:
        message = f"the converted image network cannot be kept ({error}); every process converts it anew"
        warnings.warn(message, CutlineWarning, stacklevel=2)
    return made


def _cache() -> Path:
    """The user's folder for what can be made again; RuntimeError when there is no home."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()) / "cutline"


@dataclass(frozen=True, slots=True)
class _Storage:
    """Numbers of a tensor, which come later in the file."""

    key: str
    dtype: Any


@dataclass(frozen=True, slots=True)
class _Tensor:
    """A view of a storage: all in numbers, not in bytes."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def array(self, stored: NDArray[Any]) -> NDArray[Any]:
        """The tensor as an array, once its numbers are known."""
        reach = 1 + sum((n - 1) * step for n, step in zip(self.shape, self.strides, strict=True))
        if min((self.offset, *self.shape, *self.strides)) < 0 or self.offset + reach > len(stored):
            raise ValueError("a tensor reaches beyond its numbers")
        inside = stored[self.offset :]
        steps = [step * stored.itemsize for step in self.strides]
        return np.array(np.lib.stride_tricks.as_strided(inside, self.shape, steps))


def _tensor(storage: _Storage, offset: int, shape: Any, strides: Any, *rest: Any) -> _Tensor:
    # The rest is about gradients.
    return _Tensor(storage, offset, tuple(shape), tuple(strides))


class _Reader(pickle.Unpickler):
    """Admits tensors in a dictionary; whatever else a pickle may name is refused, so nothing of it is executed."""

    ADMITTED: ClassVar = {
        ("collections", "OrderedDict"): OrderedDict,
        ("torch._utils", "_rebuild_tensor_v2"): _tensor,
        ("torch", "FloatStorage"): np.dtype("<f4"),
        ("torch", "LongStorage"): np.dtype("<i8"),
    }

    def find_class(self, module: str, name: str) -> Any:
        """What stands for a name in the pickle."""
        if (module, name) not in self.ADMITTED:
            raise pickle.UnpicklingError(f"it names {module}.{name}")
        return self.ADMITTED[module, name]

    def persistent_load(self, pid: Any) -> _Storage:
        """What stands for ("storage", type, key, place, size, view)."""
        return _Storage(str(pid[2]), np.dtype(pid[1]))


def tensors(path: str | os.PathLike[str]) -> dict[str, NDArray[Any]]:
    """Read a file of weights as torch wrote it before version 1.6 (no zip file).

    Four pickles (a magic number, a version, the machine, names of tensors) and one of keys; then for each key the
    count of its numbers, 8 bytes, and the numbers.

    Returns
    -------
    dict of str to ndarray

    Raises
    ------
    DataError
        The file is another one, cut short, or names anything but tensors.
    """
    with open(path, "rb") as file:
        try:
            return _tensors(file)
        except Exception as error:  # a damaged pickle may fail in any way
            came = f"a file that cannot be read ({error})"
            raise DataError(str(path), came, "weights of EfficientNet-Lite0", "install its package again") from None


def _tensors(file: BinaryIO) -> dict[str, NDArray[Any]]:
    for _ in range(3):
        _Reader(file).load()
    named, keys = _Reader(file).load(), _Reader(file).load()
    types = {tensor.storage.key: tensor.storage.dtype for tensor in named.values()}
    stored = {}
    for key in keys:
        count = int.from_bytes(file.read(8), "little")
        data = file.read(count * types[key].itemsize)
        stored[key] = np.frombuffer(data, types[key], count)
    return {name: tensor.array(stored[tensor.storage.key]) for name, tensor in named.items()}


def converted(weights: Weights) -> bytes:
    """The network as ONNX, from its tensors by name; batch normalisation is folded into the convolutions.

    Raises
    ------
    DataError
        A tensor is missing or of another shape.
    """
    from onnx import TensorProto, checker, helper

    graph = _Graph(weights)
    try:
        last = graph.layers()
    except (KeyError, ValueError) as error:
        raise DataError("weights", f"tensors that do not fit ({error})", "weights of EfficientNet-Lite0") from None
    pixels = helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["n", "height", "width", 3])
    features = helper.make_tensor_value_info(last, TensorProto.FLOAT, ["n", WIDTH])
    made = helper.make_model(
        helper.make_graph(graph.nodes, "efficientnet-lite0", [pixels], [features], graph.constants),
        opset_imports=[helper.make_opsetid("", 13)],
        ir_version=8,
        producer_name="cutline",
    )
    checker.check_model(made, full_check=True)
    return bytes(made.SerializeToString(deterministic=True))


class _Graph:
    """Nodes and constants of an ONNX graph that is being built."""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def layers(self) -> str:
        """All layers; the name of the output."""
        self.node("Cast", "pixels", "float", to=1)
        self.node("Transpose", "float", "planes", perm=(0, 3, 1, 2))
        self.node("Sub", ["planes", self.constant("mean", np.float32(MEAN))], "centred")
        # Dividing the first weights is dividing the pixels; nothing but zeros may pad what is centred.
        x = self.convolution("centred", "_conv_stem", "_bn0", "stem", stride=2, scale=1 / SPREAD)
        number = 0
        for blocks, side, stride, wider in STAGES:
            for block in range(blocks):
                x = self.block(x, f"_blocks.{number}.", side, stride if block == 0 else 1, wider, again=block > 0)
                number += 1
        x = self.convolution(x, "_conv_head", "_bn1", "head")
        self.node("GlobalAveragePool", x, "pooled")
        return self.node("Flatten", "pooled", "features")

    def block(self, x: str, name: str, side: int, stride: int, wider: int, *, again: bool) -> str:
        """Widen, convolve each channel for itself, narrow; added to what came in when the shape is the same."""
        y = x
        if wider > 1:
            y = self.convolution(y, f"{name}_expand_conv", f"{name}_bn0", f"{name}wide")
        y = self.convolution(
            y, f"{name}_depthwise_conv", f"{name}_bn1", f"{name}deep", side=side, stride=stride, alone=True
        )
        y = self.convolution(y, f"{name}_project_conv", f"{name}_bn2", f"{name}narrow", clipped=False)
        return self.node("Add", [x, y], f"{name}sum") if again else y

    def convolution(
        self,
        x: str,
        layer: str,
        norm: str,
        name: str,
        *,
        side: int | None = None,
        stride: int = 1,
        scale: float = 1.0,
        alone: bool = False,
        clipped: bool = True,
    ) -> str:
        """A convolution, its batch normalisation and ReLU6; padded as TensorFlow's "SAME"."""
        kernel = self.weights[f"{layer}.weight"].astype(np.float64)
        if kernel.ndim != 4 or (side or kernel.shape[2]) != kernel.shape[3]:
            raise ValueError(f"{layer} of shape {kernel.shape}")
        gain, shift, mean, variance = (
            self.weights[f"{norm}.{each}"].astype(np.float64)
            for each in ("weight", "bias", "running_mean", "running_var")
        )
        gain = gain / np.sqrt(variance + EPSILON)
        folded = self.constant(f"{name}.kernel", kernel * scale * gain[:, None, None, None])
        bias = self.constant(f"{name}.bias", shift - mean * gain)
        more = {"group": kernel.shape[0]} if alone else {}
        self.node("Conv", [x, folded, bias], name, auto_pad="SAME_UPPER", strides=(stride, stride), **more)
        if not clipped:
            return name
        if not any(each.name == "six" for each in self.constants):
            self.constant("zero", np.float32(0)), self.constant("six", np.float32(6))
        return self.node("Clip", [name, "zero", "six"], f"{name}.clipped")

    def node(self, kind: str, inputs: str | list[str], output: str, **attributes: Any) -> str:
        from onnx import helper

        inputs = [inputs] if isinstance(inputs, str) else inputs
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def constant(self, name: str, values: Any) -> str:
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(np.asarray(values, dtype=np.float32), name))
        return name
