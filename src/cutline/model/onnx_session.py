"""Outputs of an ONNX Runtime session: label and probabilities, as converters of scikit-learn write them, or scores."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline.errors import ScoreError, ShapeError
from cutline.labels import as_array, column_names

TYPES = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(float16)": np.float16,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(bool)": np.bool_,
}
"""What a tensor of an input holds."""


def is_onnx(model: Any) -> bool:
    """Whether it is a session of ONNX Runtime, without importing it."""
    return any(
        each.__name__ == "InferenceSession" and each.__module__.split(".")[0] == "onnxruntime"
        for each in type(model).__mro__
    )


def onnx_outputs(session: Any, X: Any) -> tuple[NDArray[Any], list[Any] | None]:
    """Scores, shape (n,) or (n, k), and the class of each column where the session tells it.

    Parameters
    ----------
    session : onnxruntime.InferenceSession
    X : array, frame or mapping
        For a session of one input the rows as an array; of several, which have the names of columns, a frame or a
        mapping from the names of inputs to arrays.

    Raises
    ------
    ScoreError
        Predicted labels alone, or several outputs of scores.
    """
    said = session.run(None, _fed(session.get_inputs(), X))
    maps = [out for out in said if isinstance(out, list) and out and isinstance(out[0], dict)]
    arrays = [out for out in said if isinstance(out, np.ndarray)]
    scores = [out for out in arrays if out.dtype.kind == "f"]
    labels = [out for out in arrays if out.dtype.kind in "iOUSb" and out.size == len(out)]
    if maps:  # a mapping from classes to probabilities in each row
        names = list(maps[0][0])
        return np.array([[row[name] for name in names] for row in maps[0]]), names
    if len(scores) != 1:
        names = [each.name for each in session.get_outputs()]
        came = f"{len(scores)} outputs of scores, of {names}" if scores else f"predicted labels alone: {names}"
        hint = "convert the model with its probabilities" if not scores else "read one of them with a function"
        raise ScoreError("model", came, "one output with a column for each class", hint, code="" if scores else "CT03")
    values = scores[0]
    return values, _names(labels[0].reshape(-1), values) if len(labels) == 1 else None


def _fed(inputs: Any, X: Any) -> dict[str, Any]:
    """What the session is run on."""
    if isinstance(X, dict):
        return {each.name: _typed(each, X[each.name]) for each in inputs}
    if len(inputs) == 1:
        return {inputs[0].name: _typed(inputs[0], as_array(X, argument="X"))}
    named, wanted = column_names(X), [each.name for each in inputs]
    if not set(wanted) <= set(map(str, named)):
        raise ShapeError("X", f"columns {named[:8]}", f"a frame with the columns {wanted[:8]}, the session's inputs")
    return {each.name: _typed(each, as_array(X[each.name]).reshape(-1, 1)) for each in inputs}


def _typed(one: Any, values: Any) -> NDArray[Any]:
    if one.type == "tensor(string)":
        return np.asarray(values, dtype=object)
    return np.ascontiguousarray(values, dtype=TYPES.get(one.type))


def _names(labels: NDArray[Any], values: NDArray[Any]) -> list[Any] | None:
    """The class of each column, by the labels that the session gives to rows in which the column is the largest.

    None where some column never is, or where labels do not follow the largest column.
    """
    if values.ndim != 2 or values.shape[1] < 2 or len(labels) != len(values):
        return None
    largest = values.argmax(axis=1)
    found = [np.unique(labels[largest == column]) for column in range(values.shape[1])]
    if any(len(each) != 1 for each in found):
        return None
    names = [each[0].item() if isinstance(each[0], np.generic) else each[0] for each in found]
    return names if len(set(names)) == len(names) else None
