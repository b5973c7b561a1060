"""What the payloads of events have in common."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from functools import cache
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, JsonValue, SkipValidation

from loopwright.types import Seed, Usage

LARGEST = 10**12
"""Seconds, tokens or dollars: what a record holds beyond that was made up, and no page can show it."""

_NUMBERS = (int, float, Decimal)

Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
"""What is never negative: a cap, a share, the seconds that something took."""


Count = Annotated[int, Field(ge=0)]
"""How many there were."""

Opaque = Annotated[JsonValue, SkipValidation]
"""What others than the record understand. It is JSON by the way it comes: it was read from a line, or goes into one."""


def check_spent(usage: Usage, cost_usd: str | Decimal | None) -> None:
    """Looks whether calls can have used so many tokens and dollars.

    Raises:
        ValueError: They cannot, or the cost is negative or no number.
    """
    if usage.total > LARGEST:
        raise ValueError(f"usage holds more than {LARGEST} tokens")
    try:
        cost = Decimal(0 if cost_usd is None else cost_usd)
    except InvalidOperation:
        raise ValueError("cost_usd is no number") from None
    if not cost.is_finite() or not 0 <= cost <= LARGEST:
        raise ValueError(f"cost_usd is {str(cost_usd)[:40]}")


def check_numbers(model: BaseModel) -> None:
    """Looks whether the numbers of a payload, and of the models in it, are such as happen.

    Raises:
        ValueError: One is beyond that.
    """
    for name in _fields_with_numbers(type(model)):
        value = getattr(model, name)
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, _NUMBERS):
                if not -LARGEST <= part <= LARGEST:
                    raise ValueError(f"{name} is beyond {LARGEST}")
            elif isinstance(part, BaseModel):
                check_numbers(part)


@cache
def _fields_with_numbers(model: type[BaseModel]) -> tuple[str, ...]:
    """Fields that may hold a number, or a model; events are written too often to look at all of them each time."""
    return tuple(name for name, field in model.model_fields.items() if _may_hold_numbers(field.annotation))


def _may_hold_numbers(annotation: Any) -> bool:
    if annotation == Seed:
        return False  # no amount, and bounded by itself
    origin = get_origin(annotation)
    if origin is Literal or (isinstance(origin or annotation, type) and issubclass(origin or annotation, Mapping)):
        return False
    if parts := get_args(annotation):
        return any(map(_may_hold_numbers, parts))
    return annotation not in (str, bool, NoneType, Ellipsis)


class EventPayload(BaseModel):
    """What an event says; it cannot be changed. Its numbers are bounded where it is written and where it is read."""

    model_config = ConfigDict(frozen=True, extra="forbid")
