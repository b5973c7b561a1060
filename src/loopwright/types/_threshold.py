"""What is good enough, although not every check passes."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from loopwright.types._numbers import PlainNumbers
from loopwright.types._value import Value, ValueOptions
from loopwright.types._verdict import Verdict


class CheckThreshold(PlainNumbers):
    """Good enough by one check."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    check: str = Field(min_length=1)
    """The check's name, as `show` tells it."""
    score: float = Field(ge=0, le=1)
    """Its score, at least."""


class ValueThreshold(PlainNumbers):
    """Good enough by the value, with all checks passed."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    value: Value
    """A value that is as good or better is good enough."""


Threshold = Annotated[float, Field(gt=0, le=1)] | CheckThreshold | ValueThreshold


def good_enough(verdict: Verdict, threshold: Threshold | None, value: ValueOptions | None) -> bool:
    """Whether a verdict reaches a threshold; never without one.

    Args:
        verdict: What the checks said.
        threshold: On the score, on one check, or on the value.
        value: Which values are better; None where nothing is measured.
    """
    if threshold is None or not verdict.checks:
        return False
    if isinstance(threshold, ValueThreshold):
        return value is not None and verdict.passed and verdict.worth(value) >= value.rank(threshold.value)
    if isinstance(threshold, CheckThreshold):
        return any(check.name == threshold.check and check.score >= threshold.score for check in verdict.checks)
    return verdict.score >= threshold


def describe_threshold(threshold: Threshold, value: ValueOptions | None) -> str:
    """What is good enough, in words.

    Args:
        threshold: On the score, on one check, or on the value.
        value: What is measured; None where nothing is.
    """
    if isinstance(threshold, CheckThreshold):
        return f"the check {threshold.check} scores {threshold.score:g} or more"
    if isinstance(threshold, ValueThreshold):
        side = "less" if value and value.direction == "minimize" else "more"
        told = value.describe(threshold.value) if value else f"a value of {threshold.value:g}"
        return f"all checks pass, and {told} or {side}"
    return f"the score is {threshold:g} or more"
