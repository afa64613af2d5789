"""From scores to probabilities: calibrators, choosing one, and how well probabilities match frequencies."""

from cutline.calibration.agreement import HosmerLemeshow, hosmer_lemeshow, spiegelhalter
from cutline.calibration.calibrators import (
    Beta,
    Calibrator,
    CentredIsotonic,
    Identity,
    Isotonic,
    Logistic,
    MatrixScaling,
    Quadratic,
    Temperature,
    VectorScaling,
    VennAbers,
    calibrator_from_dict,
    features_of,
    logit,
)
from cutline.calibration.choose import Calibration, Candidate, calibrate, calibration_from_dict
from cutline.calibration.curve import ReliabilityCurve, reliability_curve
from cutline.calibration.gaps import Binned, binned, smooth_ece, top_label, under_calibration
from cutline.calibration.large import Bias, InTheLarge, bias_by_bucket, bias_by_slice, in_the_large
from cutline.calibration.line import Coefficient, CoxLine, Test, cox_line
from cutline.calibration.prior_estimate import EstimatedPrior, PriorEstimate, estimate_prior
from cutline.calibration.prior_shift import shift_prior, undo_class_weight
from cutline.calibration.reliability import Bin, reliability
from cutline.calibration.sklearn_api import CutlineCalibrator
from cutline.calibration.summary import CalibrationReport, Figure, calibration_report

__all__ = [
    "Beta",
    "Bias",
    "Bin",
    "Binned",
    "Calibration",
    "CalibrationReport",
    "Calibrator",
    "Candidate",
    "CentredIsotonic",
    "Coefficient",
    "CoxLine",
    "CutlineCalibrator",
    "EstimatedPrior",
    "Figure",
    "HosmerLemeshow",
    "Identity",
    "InTheLarge",
    "Isotonic",
    "Logistic",
    "MatrixScaling",
    "PriorEstimate",
    "Quadratic",
    "ReliabilityCurve",
    "Temperature",
    "Test",
    "VectorScaling",
    "VennAbers",
    "bias_by_bucket",
    "bias_by_slice",
    "binned",
    "calibrate",
    "calibration_from_dict",
    "calibration_report",
    "calibrator_from_dict",
    "cox_line",
    "estimate_prior",
    "features_of",
    "hosmer_lemeshow",
    "in_the_large",
    "logit",
    "reliability",
    "reliability_curve",
    "shift_prior",
    "smooth_ece",
    "spiegelhalter",
    "top_label",
    "under_calibration",
    "undo_class_weight",
]
