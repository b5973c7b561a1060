"""Replies that are objects: JSON by a schema, validated, with one attempt at repair."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from pydantic import BaseModel, ValidationError

from loopwright.errors import BudgetExceeded, ModelRejected, ReplyInvalid
from loopwright.models.chat._types import Reply, Request
from loopwright.replies import extract_json, read_apart
from loopwright.secrets import scrub
from loopwright.types import Message

T = TypeVar("T", bound=BaseModel)

_REPAIR = """Your reply cannot be used:
{problems}

Answer again with the corrected JSON and nothing else. It must fit this JSON schema:
{schema}"""

_SHOWN = 80
"""Characters of an unreadable reply that its error shows."""


class _Completes(Protocol):
    async def complete(self, request: Request) -> Reply: ...


@dataclass(frozen=True, slots=True)
class Structured(Generic[T]):
    """A validated reply."""

    value: T
    replies: tuple[Reply, ...]
    """The replies it took: one, or two where the first had to be repaired."""


async def complete_as(models: _Completes, request: Request, schema: type[T]) -> Structured[T]:
    """Asks for an object.

    Args:
        models: A model, or whatever makes the calls in its place.
        request: The request; its `json_schema` is set from `schema`.
        schema: The pydantic model that the reply must fit.

    Raises:
        ReplyInvalid: The reply does not fit, also after the model was shown what is wrong with it.
        ModelError: The provider failed.
    """
    request = request.model_copy(update={"json_schema": schema.model_json_schema()})
    first = await models.complete(request)
    try:
        return Structured(await _read(first, schema, request), (first,))
    except ValidationError as error:
        problems = _problems(error, first)
    again = Message(role="user", content=_REPAIR.format(problems=problems, schema=json.dumps(request.json_schema)))
    said = Message(role="assistant", content=first.text)
    repair = request.model_copy(update={"messages": (*request.messages, said, again)})
    try:
        second = await models.complete(with_longer_limit(repair, first) or repair)
    except (BudgetExceeded, ModelRejected):
        if first.finish != "length":
            raise
        # There is no room for a longer reply: it is asked for within the same limit.
        second = await models.complete(repair)
    try:
        return Structured(await _read(second, schema, request), (first, second))
    except ValidationError as error:
        raise ReplyInvalid(
            f"{second.model}: the reply does not fit {schema.__name__.lstrip('_')}, also after one repair; "
            f"{_start(second.text)}:\n"
            f"{_problems(error, second)}"
        ) from None


async def _read(reply: Reply, schema: type[T], request: Request) -> T:
    shown = "\n".join(message.content for message in request.messages)
    return await read_apart(
        lambda text: schema.model_validate_json(extract_json(text, request.json_schema, shown=shown)), reply.text
    )


def with_longer_limit(request: Request, cut: Reply) -> Request | None:
    """The request with four times the limit that cut its reply; None where it was not the request's limit.

    Args:
        request: The request.
        cut: Its reply, which ended at a limit.
    """
    asked, used = request.sampling.max_tokens, cut.tokens
    if cut.finish != "length" or (asked and cut.usage_reported and used < asked * 0.9) or not (asked or used):
        # Well below what was asked for, the context was full, or the server has a limit of its own.
        return None
    sampling = request.sampling.model_copy(update={"max_tokens": 4 * (asked or used)})
    return request.model_copy(update={"sampling": sampling})


def _start(text: str) -> str:
    """How a reply begins, in one short line without registered secrets."""
    words = " ".join(scrub(text).split())
    return f"it begins {words[:_SHOWN]!r}" if words else "it is empty"


def _problems(error: ValidationError, reply: Reply) -> str:
    lines = [
        f"- {'.'.join(str(part) for part in problem['loc']) or 'the reply'}: {problem['msg']}"
        for problem in error.errors(include_url=False, include_input=False, include_context=False)[:10]
    ]
    if reply.finish == "length":
        lines.append("- it was cut off at the token limit; be shorter")
    return "\n".join(lines)
