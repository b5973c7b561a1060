"""What the payloads of events have in common."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator

from loopwright.types import Usage

LARGEST = 10**12
"""Seconds, tokens or dollars: what a record holds beyond that was made up, and no page can show it."""


def check_spent(usage: Usage, cost_usd: str | Decimal | None) -> None:
    """Looks whether calls can have used so many tokens and dollars.

    Raises:
        ValueError: They cannot, or the cost is no number.
    """
    if usage.total > LARGEST:
        raise ValueError(f"usage holds more than {LARGEST} tokens")
    try:
        cost = Decimal(cost_usd or 0)
    except InvalidOperation:
        raise ValueError("cost_usd is no number") from None
    if not cost.is_finite() or cost.copy_abs() > LARGEST:
        raise ValueError(f"cost_usd is {str(cost_usd)[:40]}")


def _check_numbers(model: BaseModel) -> None:
    """Raises ValueError if a number in the model, or in a model in it, is beyond what happens."""
    for name, value in model:
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, BaseModel):
                _check_numbers(part)
            elif isinstance(part, int | float | Decimal) and not -LARGEST <= part <= LARGEST:
                raise ValueError(f"{name} is beyond {LARGEST}")


class EventPayload(BaseModel):
    """What an event says; it cannot be changed, and its numbers are bounded."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="after")
    def _numbers_are_bounded(self) -> Self:
        _check_numbers(self)
        return self
