"""Replies that are objects: JSON by a schema, validated, with one attempt at repair."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from pydantic import BaseModel, ValidationError

from loopwright.errors import ReplyInvalid
from loopwright.models.chat._types import Message, Reply, Request

T = TypeVar("T", bound=BaseModel)

_REPAIR = """Your reply cannot be used:
{problems}

Answer again with the corrected JSON and nothing else."""

_FENCE = re.compile(r"```(?:json)?\s*\n(.*?)```", re.DOTALL | re.IGNORECASE)
_OPENING = re.compile(r"[{\[]")
_TRIES = 500
"""Opening brackets that are looked at; a reply of nothing but brackets must not cost quadratic time."""


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
        return Structured(schema.model_validate_json(extract_json(first.text)), (first,))
    except ValidationError as error:
        problems = _problems(error, first)
    again = Message(role="user", content=_REPAIR.format(problems=problems))
    said = Message(role="assistant", content=first.text)
    longer = with_longer_limit(request, first) or request
    second = await models.complete(longer.model_copy(update={"messages": (*request.messages, said, again)}))
    try:
        return Structured(schema.model_validate_json(extract_json(second.text)), (first, second))
    except ValidationError as error:
        raise ReplyInvalid(
            f"{second.model}: the reply does not fit {schema.__name__}, also after one repair:\n"
            f"{_problems(error, second)}"
        ) from None


def with_longer_limit(request: Request, cut: Reply) -> Request | None:
    """The request with four times the limit that cut its reply; None where it was not the request's limit.

    Args:
        request: The request.
        cut: Its reply, which ended at a limit.
    """
    asked, used = request.sampling.max_tokens, cut.usage.output
    if cut.finish != "length" or (asked and cut.usage_reported and used < asked * 0.9) or not (asked or used):
        # Well below what was asked for, the context was full, or the server has a limit of its own.
        return None
    sampling = request.sampling.model_copy(update={"max_tokens": 4 * (asked or used)})
    return request.model_copy(update={"sampling": sampling})


def extract_json(text: str) -> str:
    """Takes the JSON out of a reply: all of it, a fenced block, or the longest object or list in the prose.

    Returns the text as it is where it holds no JSON.
    """
    fenced = [match.group(1) for match in _FENCE.finditer(text)]
    for part in (text, *fenced):
        if _is_json(part):
            return part.strip()
    return max(_objects(text), key=len, default=text)


def _objects(text: str) -> Iterator[str]:
    """Objects and lists in a text, outermost only."""
    decoder = json.JSONDecoder()
    at, tried = 0, 0
    while (match := _OPENING.search(text, at)) and tried < _TRIES:
        tried += 1
        try:
            _, at = decoder.raw_decode(text, match.start())
        except (json.JSONDecodeError, RecursionError):
            at = match.end()
        else:
            yield text[match.start() : at]


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        return False
    return True


def _problems(error: ValidationError, reply: Reply) -> str:
    lines = [
        f"- {'.'.join(str(part) for part in problem['loc']) or 'the reply'}: {problem['msg']}"
        for problem in error.errors(include_url=False, include_input=False, include_context=False)[:10]
    ]
    if reply.finish == "length":
        lines.append("- it was cut off at the token limit; be shorter")
    return "\n".join(lines)
