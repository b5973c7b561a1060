"""The wire format of OpenAI's Chat Completions: requests of programs as ours, and replies as theirs.

Read as https://platform.openai.com/docs/api-reference/chat describes it. Fields that are not read here are passed over.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from loopwright.models import FunctionCall, Message, Reply, Request, Sampling, Tool, picture_type
from loopwright.project import parse_json

Put = Callable[[bytes], Awaitable[str]]
"""Stores bytes and returns their artifact reference."""
_VALUES = 50_000
"""Values in the JSON of a request, at most: each takes far more time and memory than its bytes."""
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_FINISH = {"stop": "stop", "length": "length", "refusal": "content_filter", "other": "stop"}


class Refused(Exception):
    """A request that is not answered, with what the program is told in the form of OpenAI's errors."""

    def __init__(self, status: int, message: str, *, kind: str = "invalid_request_error", code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.code = code

    @property
    def body(self) -> dict[str, Any]:
        """The error as JSON."""
        return {"error": {"message": str(self), "type": self.kind, "param": None, "code": self.code or None}}


class _Read(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Url(_Read):
    url: str


class _Part(_Read):
    type: Literal["text", "image_url", "refusal"]
    text: str = ""
    image_url: _Url | None = None


class _Called(_Read):
    name: str
    arguments: str = ""


class _Call(_Read):
    id: str
    type: Literal["function"] = "function"
    function: _Called


class _Said(_Read):
    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[_Part] | None = None
    tool_calls: list[_Call] | None = None
    tool_call_id: str = ""


class _Function(_Read):
    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None


class _Offered(_Read):
    type: Literal["function"] = "function"
    function: _Function


class _Schema(_Read):
    schema_: dict[str, Any] = Field(default={}, alias="schema")


class _Format(_Read):
    type: Literal["text", "json_object", "json_schema"] = "text"
    json_schema: _Schema | None = None


class _Streamed(_Read):
    include_usage: bool | None = None


class Asked(_Read):
    """The body of a request."""

    model: str
    messages: list[_Said] = Field(min_length=1)
    stream: bool | None = None
    stream_options: _Streamed | None = None
    n: int | None = Field(default=None, ge=1, le=1)
    tools: list[_Offered] | None = None
    tool_choice: Literal["auto", "required", "none"] | _Offered | None = None
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    seed: int | None = None
    stop: str | list[str] | None = None
    reasoning_effort: str | None = None
    response_format: _Format | None = None


def read_asked(body: bytes) -> Asked:
    """Reads a request's body.

    Raises:
        Refused: It is no such request, or holds too much.
    """
    bare = _STRING.sub(b"", body)
    if sum(map(bare.count, (b",", b"[", b"{"))) > _VALUES:
        raise Refused(400, f"a request has at most {_VALUES:,} values: messages, their parts, and parts of schemas")
    try:
        return Asked.model_validate(parse_json(body.decode()))
    except ValidationError as error:
        raise Refused(400, _first(error)) from None
    except ValueError as error:
        raise Refused(400, f"the request cannot be read: {error}"[:300]) from None


@dataclass(frozen=True, slots=True)
class Translator:
    """Makes our requests of theirs, and remembers what models want back with their calls of tools."""

    model: str
    """`provider/model` that is asked."""
    sampling: Sampling
    """For what a request leaves open."""
    put: Put
    """Stores pictures."""
    carried: dict[tuple[str, ...], Reply]
    """Replies that called tools, by the ids of their calls."""

    async def request(self, asked: Asked) -> Request:
        """The request to the model.

        Raises:
            Refused: It wants what cannot be passed on.
        """
        only = asked.tool_choice.function.name if isinstance(asked.tool_choice, _Offered) else ""
        try:
            tools = tuple(_tool(one.function) for one in asked.tools or () if only in ("", one.function.name))
            if only and not tools:
                raise Refused(400, f"tool_choice names {only!r}, which is none of the tools")
            return Request(
                model=self.model,
                messages=tuple([await self._message(said) for said in asked.messages]),
                sampling=self._sampling(asked),
                json_schema=_schema(asked.response_format),
                tools=tools,
                tool_choice=_choice(asked) if tools else "auto",
                teaches=False,
            )
        except ValidationError as error:
            raise Refused(400, _first(error)) from None

    async def _message(self, said: _Said) -> Message:
        parts = [_Part(type="text", text=said.content)] if isinstance(said.content, str) else said.content or []
        calls = said.tool_calls or []
        known = self.carried.get(tuple(call.id for call in calls)) if calls else None
        extra = {call.id: call.extra for call in known.tool_calls} if known else {}
        return Message(
            role="system" if said.role == "developer" else said.role,
            content="\n".join(part.text for part in parts if part.type != "image_url"),
            images=tuple([await self._picture(part) for part in parts if part.type == "image_url"]),
            tool_calls=tuple(
                FunctionCall(
                    id=one.id, name=one.function.name, arguments=one.function.arguments, extra=extra.get(one.id, {})
                )
                for one in calls
            ),
            call_id=said.tool_call_id,
            carried=known.carried if known else (),
        )

    async def _picture(self, part: _Part) -> str:
        head, mark, data = (part.image_url.url if part.image_url else "").partition(";base64,")
        if not head.startswith("data:image/") or not mark:
            raise Refused(400, "a picture is a data: URL in base64; no address is asked for one")
        try:
            picture = base64.b64decode(data, validate=True)
            picture_type(picture)
        except (binascii.Error, ValueError) as error:
            raise Refused(400, f"a picture cannot be used: {error}") from None
        return await self.put(picture)

    def _sampling(self, asked: Asked) -> Sampling:
        told = {
            "temperature": asked.temperature,
            "top_p": asked.top_p,
            "max_tokens": asked.max_completion_tokens or asked.max_tokens,
            "seed": asked.seed,
            "stop": (asked.stop,) if isinstance(asked.stop, str) else tuple(asked.stop or ()) or None,
            "reasoning_effort": asked.reasoning_effort,
        }
        given = {name: value for name, value in told.items() if value is not None}
        return Sampling.model_validate({**self.sampling.model_dump(exclude_unset=True), **given})

    def remember(self, reply: Reply) -> None:
        """Keeps what the next request has to give back with the calls of a reply."""
        if reply.tool_calls:
            self.carried[tuple(call.id for call in reply.tool_calls)] = reply


def _tool(function: _Function) -> Tool:
    parameters = function.parameters or {"type": "object", "properties": {}}
    return Tool(name=function.name, description=function.description or "", parameters=parameters)


def _choice(asked: Asked) -> Literal["auto", "required", "none"]:
    if isinstance(asked.tool_choice, _Offered):
        return "required"
    return asked.tool_choice or "auto"


def _schema(wanted: _Format | None) -> Mapping[str, Any] | None:
    if wanted is None or wanted.type == "text":
        return None
    if wanted.type == "json_object" or wanted.json_schema is None:
        return {"type": "object"}
    return wanted.json_schema.schema_


def _first(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
    return f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}"[:300]


def completion(reply: Reply, name: str, number: str, created: int) -> dict[str, Any]:
    """A reply as a whole answer.

    Args:
        reply: The reply.
        name: What the program calls the model.
        number: Makes its id.
        created: Seconds since 1970.
    """
    message: dict[str, Any] = {"role": "assistant", "content": _text(reply), "refusal": None}
    if reply.tool_calls:
        message["tool_calls"] = _calls(reply.tool_calls)
    return {
        **_head(name, number, created, "chat.completion"),
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": _finish(reply)}],
        "usage": _usage(reply),
    }


def chunks(reply: Reply, name: str, number: str, created: int, *, usage: bool) -> bytes:
    """The same as a stream of server-sent events; `usage` adds the chunk that says what was used."""
    head = _head(name, number, created, "chat.completion.chunk")
    calls = [{"index": at, **call} for at, call in enumerate(_calls(reply.tool_calls))]
    deltas: list[tuple[dict[str, Any], str | None]] = [({"role": "assistant", "content": _text(reply)}, None)]
    deltas += [({"tool_calls": calls}, None)] if calls else []
    deltas.append(({}, _finish(reply)))
    told = [
        {**head, "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]}
        for delta, finish in deltas
    ]
    told += [{**head, "choices": [], "usage": _usage(reply)}] if usage else []
    lines = [json.dumps(one) for one in told] + ["[DONE]"]
    return "".join(f"data: {line}\n\n" for line in lines).encode()


def _head(name: str, number: str, created: int, kind: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{number}", "object": kind, "created": created, "model": name}


def _calls(calls: Sequence[FunctionCall]) -> list[dict[str, Any]]:
    return [
        {"id": one.id, "type": "function", "function": {"name": one.name, "arguments": one.arguments}} for one in calls
    ]


def _text(reply: Reply) -> str | None:
    return reply.text or (None if reply.tool_calls else "")


def _finish(reply: Reply) -> str:
    return "tool_calls" if reply.tool_calls else _FINISH[reply.finish]


def _usage(reply: Reply) -> dict[str, Any]:
    used = reply.usage
    prompt = used.input + used.cache_read + used.cache_write
    return {
        "prompt_tokens": prompt,
        "completion_tokens": used.output,
        "total_tokens": prompt + used.output,
        "prompt_tokens_details": {"cached_tokens": used.cache_read},
    }
