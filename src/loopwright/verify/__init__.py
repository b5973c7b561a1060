"""Verdicts and the verifiers that reach them."""

from loopwright.types import Check, Verdict
from loopwright.verify._grader import CaseOutcome, Grader, Grading
from loopwright.verify._suite import PythonSuite, PythonTask
from loopwright.verify._tests import TestVerifier, rejected
from loopwright.verify._types import Verifier

__all__ = [
    "CaseOutcome",
    "Check",
    "Grader",
    "Grading",
    "PythonSuite",
    "PythonTask",
    "TestVerifier",
    "Verdict",
    "Verifier",
    "rejected",
]
