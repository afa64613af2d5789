"""Maps from scores to probabilities, by name. Each is a frozen value: fitted parameters and a call.

Binary maps take scores of the kind they were fitted on and give the probability of the positive class, shape (n,);
those of several classes take probabilities or logits and give rows of probabilities, shape (n, k). No binary map turns
a ranking around; isotonic and Venn-ABERS make ties.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import fields as dataclass_fields
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from cutline.calibration.base import CLIP, Array, Calibrator, features_of, is_kind, logit, require
from cutline.calibration.isotonic import CentredIsotonic, Isotonic
from cutline.calibration.logistic import Beta, Logistic, Quadratic
from cutline.calibration.scaling import MatrixScaling, Temperature, VectorScaling
from cutline.calibration.venn_abers import VennAbers
from cutline.errors import InputError
from cutline.scores import Kind, Scores, sigmoid, softmax

__all__ = [
    "BINARY",
    "CLIP",
    "SEVERAL",
    "Array",
    "Beta",
    "Calibrator",
    "CentredIsotonic",
    "Identity",
    "Isotonic",
    "Logistic",
    "MatrixScaling",
    "Quadratic",
    "Temperature",
    "VectorScaling",
    "VennAbers",
    "calibrator_from_dict",
    "features_of",
    "logit",
]


@dataclass(frozen=True, slots=True)
class Identity:
    """The probabilities as they are, or those that logits stand for."""

    kind: Kind = "probability"
    name: ClassVar[str] = "identity"
    parameters: ClassVar[int] = 0

    def __post_init__(self) -> None:
        require(is_kind(self.kind), self.name, "a kind of probabilities")

    def __call__(self, score: NDArray[Any]) -> Array:
        """The scores themselves, or sigmoid and softmax of logits."""
        x = np.asarray(score, dtype=np.float64)
        return x if self.kind == "probability" else sigmoid(x) if x.ndim == 1 else softmax(x)

    @classmethod
    def fit(cls, scores: Scores) -> Identity:
        """Nothing to fit."""
        return cls(scores.kind)

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {"name": self.name, "kind": self.kind}


BINARY: tuple[Any, ...] = (Identity, Logistic, Beta, Quadratic, CentredIsotonic, Isotonic, VennAbers)
"""Calibrators of binary scores."""
SEVERAL: tuple[Any, ...] = (Identity, Temperature, VectorScaling, MatrixScaling)
"""Calibrators of several classes, the fewest parameters first."""
_KINDS: dict[str, Any] = {kind.name: kind for kind in (*BINARY, *SEVERAL)}


def calibrator_from_dict(saved: Mapping[str, Any]) -> Calibrator:
    """The inverse of a calibrator's `to_dict`; parameters that no fit could have given are refused.

    Raises
    ------
    InputError
        An unknown name, missing or additional fields, or values that are no finite numbers or contradict each other.

    Examples
    --------
    >>> from cutline.calibration import calibrator_from_dict
    >>> calibrator_from_dict({"name": "beta", "a": 1.0, "b": 1.0, "c": 0.0, "kind": "probability"})
    Beta(a=1.0, b=1.0, c=0.0, kind='probability')
    """
    if not isinstance(saved, Mapping):
        raise InputError("calibrator", type(saved).__name__, "a description with a name")
    name = saved.get("name")
    if not isinstance(name, str) or name not in _KINDS:
        raise InputError("calibrator", repr(name), f"one of {sorted(_KINDS)}")
    values: dict[str, Any] = {key: _array(value) if isinstance(value, list) else value for key, value in saved.items()}
    del values["name"]
    kind = _KINDS[name]
    wanted = sorted(f.name for f in dataclass_fields(kind))
    if "first" in wanted:  # the fields of the temperature stand beside the others
        wanted = sorted({*wanted, "temperature", "mix", "kind"} - {"first"})
    if sorted(values) != wanted:
        raise InputError("calibrator", f"fields {sorted(values)}", f"those of {name!r}: {wanted}")
    if "temperature" in wanted and kind is not Temperature:
        values["first"] = Temperature(*(values.pop(part) for part in ("temperature", "mix", "kind")))
    made: Calibrator = kind(**values)
    return made


def _array(values: list[Any]) -> NDArray[Any]:
    """Numbers, as float64; anything else is left for the calibrator's own check to refuse."""
    try:
        found = np.asarray(values)
    except ValueError:  # rows of unequal length
        return np.array([], dtype=object)
    return found.astype(np.float64) if found.dtype.kind in "iuf" else found
