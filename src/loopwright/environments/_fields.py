"""Fields of instances, checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from loopwright.errors import TaskError


class Fields(BaseModel):
    """Base of an environment's own fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


_Model = TypeVar("_Model", bound=BaseModel)


def read_fields(model: type[_Model], values: Mapping[str, Any], section: str) -> _Model:
    """Reads a section of an instance.

    Raises:
        TaskError: A field is unknown, missing or cannot be used.
    """
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        place = ".".join([section, *map(str, problem["loc"])])
        raise TaskError(f"{place}: {problem['msg']}", remedy=f"Fields: {', '.join(model.model_fields)}.") from None
