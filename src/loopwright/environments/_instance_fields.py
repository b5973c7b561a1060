"""Fields of instances, checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from annotated_types import MinLen
from pydantic import BaseModel, ConfigDict, ValidationError

from loopwright.errors import TaskError, UnknownField


class Fields(BaseModel):
    """Base of an environment's own fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ScoredFields(Fields):
    """Base of the public fields of an environment whose outcomes are scored by rules."""

    scoring: str | Annotated[tuple[str, ...], MinLen(1)] = "exact"
    """The rule that decides; of a list the first decides, and the record holds the scores by all. `exact` is always
    recorded."""
    legacy: bool = False
    """Whether the defects of the published code are kept."""

    @property
    def rules(self) -> tuple[str, ...]:
        """The names in `scoring`, the one that decides first."""
        return (self.scoring,) if isinstance(self.scoring, str) else self.scoring


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
        remedy = f"Fields: {', '.join(model.model_fields)}."
        if problem["type"] == "extra_forbidden" and len(problem["loc"]) == 1:
            message = f"{place}: the environment has no such field"
            hidden = section.endswith(".hidden")
            raise UnknownField(message, field=str(problem["loc"][0]), hidden=hidden, remedy=remedy) from None
        raise TaskError(f"{place}: {problem['msg']}", remedy=remedy) from None
