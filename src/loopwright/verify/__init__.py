"""Verdicts and the verifiers that reach them."""

from loopwright.verify._types import Check, Verdict, Verifier

__all__ = ["Check", "Verdict", "Verifier"]
