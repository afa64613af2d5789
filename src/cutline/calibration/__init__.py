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
from cutline.calibration.diagram import ReliabilityCurve, reliability_curve
from cutline.calibration.measure import (
    Coefficient,
    CoxLine,
    HosmerLemeshow,
    InTheLarge,
    Test,
    bias_by_bucket,
    bias_by_slice,
    cox_line,
    hosmer_lemeshow,
    in_the_large,
    spiegelhalter,
)
from cutline.calibration.reliability import Bin, reliability
from cutline.calibration.smooth import Binned, binned, smooth_ece, top_label, under_calibration
from cutline.calibration.summary import CalibrationReport, Figure, calibration_report

__all__ = [
    "Beta",
    "Bin",
    "Binned",
    "Calibration",
    "CalibrationReport",
    "Calibrator",
    "Candidate",
    "Coefficient",
    "CoxLine",
    "Figure",
    "HosmerLemeshow",
    "Identity",
    "InTheLarge",
    "Isotonic",
    "Logistic",
    "ReliabilityCurve",
    "Temperature",
    "Test",
    "bias_by_bucket",
    "bias_by_slice",
    "binned",
    "calibrate",
    "calibration_from_dict",
    "calibration_report",
    "calibrator_from_dict",
    "cox_line",
    "features_of",
    "hosmer_lemeshow",
    "in_the_large",
    "logit",
    "reliability",
    "reliability_curve",
    "smooth_ece",
    "spiegelhalter",
    "top_label",
    "under_calibration",
]
