"""What somebody writes down as a number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, get_args

from pydantic import BaseModel, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError, PydanticKnownError

_LARGEST = 10**100


class PlainNumbers(BaseModel):
    """A model for what somebody writes down: true and false are no numbers, and no number is beyond 10^100."""

    @field_validator("*", mode="before")
    @classmethod
    def _is_no_truth_value(cls, value: Any, info: ValidationInfo) -> Any:
        kinds = _kinds(cls, str(info.field_name))
        if kinds & {int, float} and bool not in kinds and any(isinstance(part, bool) for part in _parts(value)):
            raise PydanticKnownError("float_type" if float in kinds else "int_type")
        return value

    @field_validator("*")
    @classmethod
    def _is_bounded(cls, value: Any, info: ValidationInfo) -> Any:
        if _kinds(cls, str(info.field_name)) & {int, float} and any(
            isinstance(part, int | float) and not abs(part) < _LARGEST for part in _parts(value)
        ):
            raise PydanticCustomError("too_large", "a number lies between -10^100 and 10^100")
        return value


def _parts(value: Any) -> Iterator[Any]:
    """The value, or what it holds."""
    if isinstance(value, Mapping):
        yield from value.values()
    elif isinstance(value, list | tuple):
        yield from value
    else:
        yield value


@cache
def _kinds(model: type[BaseModel], field: str) -> frozenset[Any]:
    """The types that a field takes, those inside of others too."""
    found: set[Any] = set()
    waiting = [model.model_fields[field].annotation]
    while waiting:
        kind = waiting.pop()
        waiting += get_args(kind)
        if isinstance(kind, type):
            found.add(kind)
    return frozenset(found)
