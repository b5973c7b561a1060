"""What can be told about a run before it is paid for: validate, explain, estimate."""

from loopwright.preflight._estimate import Ceiling, ceiling
from loopwright.preflight._explain import explain, first_prompt
from loopwright.preflight._validate import Checked, check

__all__ = [
    "Ceiling",
    "Checked",
    "ceiling",
    "check",
    "explain",
    "first_prompt",
]
