"""From scores to probabilities: calibrators, choosing one, and how well probabilities match frequencies."""

from cutline.calibration.calibrators import (
    Beta,
    Calibrator,
    Identity,
    Isotonic,
    Logistic,
    Temperature,
    calibrator_from_dict,
    features_of,
    logit,
)
from cutline.calibration.choose import Calibration, Candidate, calibrate, calibration_from_dict
from cutline.calibration.reliability import Bin, reliability

__all__ = [
    "Beta",
    "Bin",
    "Calibration",
    "Calibrator",
    "Candidate",
    "Identity",
    "Isotonic",
    "Logistic",
    "Temperature",
    "calibrate",
    "calibration_from_dict",
    "calibrator_from_dict",
    "features_of",
    "logit",
    "reliability",
]
