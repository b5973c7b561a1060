"""What goes to a model and what comes back."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from loopwright.errors import ToolsRefused
from loopwright.models._hash import canonical_json, digest
from loopwright.replies import split_reasoning
from loopwright.text import encodable_value
from loopwright.types import FunctionCall, Message, Sampling, Tool, Usage


class Request(BaseModel):
    """A full model request: everything that decides the reply, so that its hash identifies the call."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    """`provider/model`."""
    messages: tuple[Message, ...]
    sampling: Sampling = Sampling()
    json_schema: Mapping[str, Any] | None = None
    """JSON schema that the reply text must satisfy, or None for free text."""
    tools: tuple[Tool, ...] = Field(default=(), exclude_if=operator.not_)
    """What the model may call. A model that cannot call tools refuses the request: see `CallsTools`."""
    tool_choice: Literal["auto", "required", "none"] = Field(default="auto", exclude_if=lambda choice: choice == "auto")
    """Whether the model may, must or must not call a tool."""
    top_logprobs: int = Field(default=0, ge=0, le=20, exclude_if=operator.not_)
    """How many alternatives of each token of the reply are wanted with their log-probabilities: see `GivesLogprobs`."""
    teaches: bool = Field(default=True, exclude=True)
    """Whether a refusal of the server counts for later requests, too. Not so where a program of others asks: what is
    odd about its request would otherwise be left out of everybody's. It decides no reply and is not in the hash."""

    def for_model(self) -> Request:
        """As a model is to see it: in the schema, names of private classes lose the underscore before them.

        The request itself keeps them: its hash finds replies that earlier releases recorded.
        """
        shown = _without_underscores(self.json_schema)
        return self if shown == self.json_schema else self.model_copy(update={"json_schema": shown})


def _without_underscores(schema: Any) -> Any:
    if isinstance(schema, list | tuple):
        return [_without_underscores(one) for one in schema]
    if not isinstance(schema, Mapping):
        return schema
    plain = {name: _without_underscores(value) for name, value in schema.items()}
    if isinstance(plain.get("title"), str):
        plain["title"] = plain["title"].lstrip("_")
    if isinstance(plain.get("$ref"), str):
        plain["$ref"] = plain["$ref"].replace("/_", "/")
    if isinstance(plain.get("$defs"), dict):
        plain["$defs"] = {name.lstrip("_"): value for name, value in plain["$defs"].items()}
    return plain


class TokenLogprobs(BaseModel):
    """One token of a reply, and what could have stood in its place."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    token: str
    top: Mapping[str, Annotated[float, Field(le=0, allow_inf_nan=False)]]
    """Likely tokens, the one that was drawn among them, to their natural log-probabilities."""


class Reply(BaseModel):
    """A model's answer.

    Reasoning that stands in the text it is made with, such as `<think>...</think>`, goes to `reasoning`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str
    reasoning: str = Field(default="", exclude_if=operator.not_)
    """What the model thought before it answered, as far as the provider shows it; never taken for the answer."""
    tool_calls: tuple[FunctionCall, ...] = Field(default=(), exclude_if=operator.not_)
    """The tools that the model called, in its order."""
    carried: tuple[Mapping[str, Any], ...] = Field(default=(), exclude_if=operator.not_)
    """What the provider wants back with this reply in the next request, such as encrypted reasoning, as it sent it."""
    model: str
    """The model that answered, as the provider names it."""
    finish: Literal["stop", "length", "refusal", "other"] = "stop"
    usage: Usage = Usage()
    usage_reported: bool = Field(default=True, exclude_if=bool)
    """Whether the provider said what the call used; if not, `usage` is what it can have used at most."""
    cached_output: int = Field(default=0, exclude_if=operator.not_)
    """Tokens of a reply that the response cache gave; its `usage` is empty, as nothing was paid."""
    left_out: tuple[str, ...] = Field(default=(), exclude_if=operator.not_)
    """Parameters of the request that the provider refuses, so that the reply was drawn without them."""
    logprobs: tuple[TokenLogprobs, ...] = Field(default=(), exclude_if=operator.not_)
    """The tokens of the reply as the server sent it, before a schema or a reasoning tag cut its text; empty where the
    request wants none, or the server gives none."""
    measured: str = Field(default="", exclude_if=operator.not_)
    """The day on which `models check` found out what is left out; empty where a refusal in this process told it."""
    cost_usd: Decimal | None = None
    """Cost by the user's price file; None where the model has no price there."""
    seconds: float = Field(default=0.0, ge=0)
    """Wall time of the call that succeeded, without retries and waiting for a slot."""

    @field_validator("model", "carried", mode="before")
    @classmethod
    def _encodable(cls, value: object) -> object:
        return encodable_value(value)

    @model_validator(mode="before")
    @classmethod
    def _split(cls, values: Any) -> Any:
        if not isinstance(values, dict) or not isinstance(values.get("text"), str):
            return values
        text, reasoning = split_reasoning(values["text"])
        told = (values.get("reasoning", ""), reasoning)
        return {**values, "text": text, "reasoning": "\n\n".join(filter(None, told))}

    @property
    def tokens(self) -> int:
        """Tokens that the model wrote, also if the response cache gave the reply."""
        return self.usage.output or self.cached_output

    @property
    def message(self) -> Message:
        """The reply as a message of the next request."""
        return Message(role="assistant", content=self.text, tool_calls=self.tool_calls, carried=self.carried)


@runtime_checkable
class Model(Protocol):
    """Anything that answers a request."""

    @property
    def name(self) -> str:
        """`provider/model`."""
        ...

    @property
    def repeatable(self) -> bool:
        """Whether a call whose result was lost in a crash may be made again without asking."""
        ...

    async def complete(self, request: Request) -> Reply:
        """Answers one request.

        Raises:
            ModelError: The provider failed; the class tells whether to retry.
        """
        ...

    async def close(self) -> None:
        """Frees connections and memory; harmless when called twice."""
        ...


@runtime_checkable
class CallsTools(Protocol):
    """Optional, of a model: it can say whether it can be offered tools."""

    @property
    def calls_tools(self) -> bool:
        """Whether a request with tools is worth a try."""
        ...


def calls_tools(model: object) -> bool:
    """Whether a model can be offered tools; one that does not say cannot."""
    return isinstance(model, CallsTools) and model.calls_tools


@runtime_checkable
class AtEndpoint(Protocol):
    """Optional, of a model: it is at an endpoint, whose settings say more than a request does."""

    @property
    def fingerprint(self) -> str:
        """Of what decides a reply beside the request."""
        ...

    @property
    def reply_limit(self) -> int | None:
        """Tokens of a reply where the request does not limit it."""
        ...


@runtime_checkable
class GivesLogprobs(Protocol):
    """Optional, of a model: it can say whether its replies have log-probabilities."""

    @property
    def gives_logprobs(self) -> bool:
        """Whether `Request.top_logprobs` brings any, as was measured."""
        ...


def gives_logprobs(model: object) -> bool:
    """Whether a model's replies have log-probabilities where they are wanted; one that does not say gives none."""
    return isinstance(model, GivesLogprobs) and model.gives_logprobs


def refuse_tools(request: Request) -> None:
    """Refuses a request with tools, for models that cannot call any.

    Raises:
        ToolsRefused: The request offers tools.
    """
    if request.tools:
        raise ToolsRefused(f"{request.model} cannot call tools", remedy="Ask for the same in text.")


def canonical(request: Request) -> str:
    """A request as JSON text that is equal for equal requests: sorted keys, no spaces, ASCII."""
    return canonical_json(request.model_dump(mode="json"))


def request_hash(request: Request) -> str:
    """sha256 of the canonical JSON of a request, as 64 hexadecimal digits."""
    return digest(request.model_dump(mode="json"))
