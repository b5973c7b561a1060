"""An open-ended number beside the score, such as a length or a time."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

LARGEST_VALUE = 1e12
"""A value lies between minus and plus this."""


def _bounded(value: Any) -> Any:
    if isinstance(value, int | float) and not abs(value) <= LARGEST_VALUE:
        raise ValueError(f"a value is a number between -1e12 and 1e12, and this one is {str(value)[:20]}")
    return value


Value = Annotated[float, BeforeValidator(_bounded)]
"""An open-ended number: finite, and between -1e12 and 1e12."""


class ValueOptions(BaseModel):
    """What is maximised or minimised beside the score. Of equal scores the better value counts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    direction: Literal["maximize", "minimize"]
    """Which values are better."""
    name: str = Field(default="value", min_length=1, max_length=80)
    """What is measured, as reports and feedback call it."""
    unit: str = Field(default="", max_length=20)
    """Of the number, such as `s` or `cm`."""

    def rank(self, value: float | None) -> float:
        """A number that is higher for a better value; the lowest for none."""
        if value is None:
            return -math.inf
        return value if self.direction == "maximize" else -value

    def describe(self, value: float | None) -> str:
        """The value with its name and unit."""
        return f"{self.name} " + ("none" if value is None else f"{value:.6g}{self.unit and ' '}{self.unit}")
