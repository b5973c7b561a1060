"""Verdicts and the verifiers that reach them."""

from loopwright.types import Check, Verdict
from loopwright.verify._grader import Grader, Grading, Outcome
from loopwright.verify._suite import PythonTask, Suite
from loopwright.verify._tests import TestVerifier, rejected
from loopwright.verify._types import Verifier

__all__ = [
    "Check",
    "Grader",
    "Grading",
    "Outcome",
    "PythonTask",
    "Suite",
    "TestVerifier",
    "Verdict",
    "Verifier",
    "rejected",
]
