"""What can be told about a run before it is paid for: validate, explain, estimate."""

from loopwright.preflight._estimate import Estimate, ceiling
from loopwright.preflight._explain import explain, first_prompt
from loopwright.preflight._validate import CheckedRun, check

__all__ = [
    "CheckedRun",
    "Estimate",
    "ceiling",
    "check",
    "explain",
    "first_prompt",
]
