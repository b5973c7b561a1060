"""Messages to and from models, the tools that a model is offered, and its calls of them."""

from __future__ import annotations

import json
import operator
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from loopwright.text import encodable_value

Role = Literal["system", "user", "assistant", "tool"]


class Tool(BaseModel):
    """A tool that a model may call."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")
    description: str
    parameters: Mapping[str, Any]
    """JSON schema of the arguments: an object."""


class FunctionCall(BaseModel):
    """A model's call of a tool, as the model wrote it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    """What the result of the call refers to."""
    name: str
    arguments: str
    """The arguments as JSON text; whatever the model wrote, also where it is no JSON."""
    extra: Mapping[str, Any] = Field(default={}, exclude_if=operator.not_)
    """What the provider wants back with the call, such as the signature of a thought."""

    @field_validator("id", "name")
    @classmethod
    def _whole(cls, text: str) -> str:
        return text.encode("utf-8", "replace").decode()  # no request can hold half a surrogate pair

    @field_validator("extra", mode="before")
    @classmethod
    def _encodable(cls, extra: object) -> object:
        return encodable_value(extra)

    @property
    def parsed(self) -> Mapping[str, Any]:
        """The arguments by name.

        Raises:
            ValueError: They are no JSON object; says why.
        """
        try:
            value = json.loads(self.arguments.strip() or "{}")
        except (ValueError, RecursionError) as error:
            raise ValueError(f"the arguments of {self.name} are not JSON: {error}") from None
        if not isinstance(value, dict):
            raise ValueError(f"the arguments of {self.name} are no JSON object")
        return value


class Message(BaseModel):
    """One chat message."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Role
    content: str
    images: tuple[str, ...] = ()
    """Artifact references (sha256) of images shown after the text."""
    tool_calls: tuple[FunctionCall, ...] = Field(default=(), exclude_if=operator.not_)
    """Of an assistant's message: the calls that the model made."""
    call_id: str = Field(default="", exclude_if=operator.not_)
    """Of a tool's message: the call whose result it is."""
    carried: tuple[Mapping[str, Any], ...] = Field(default=(), exclude_if=operator.not_)
    """Of an assistant's message: what the provider wants back with it, from `Reply.carried`."""
