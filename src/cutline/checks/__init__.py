"""The traps that scores and tables fall into silently: codes CT01 to CT20, each with what it saw and the fix."""

from cutline.checks.case import Case, Check
from cutline.checks.check import CHECKS, check, run
from cutline.checks.finding import Finding, Findings, Seen

__all__ = ["CHECKS", "Case", "Check", "Finding", "Findings", "Seen", "check", "run"]
