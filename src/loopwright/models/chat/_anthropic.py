"""Anthropic's Messages API: requests into it, replies out of it, whole or in pieces."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from loopwright.models._bounds import Values
from loopwright.models.chat._format import (
    Artifact,
    Completion,
    Finish,
    chat_messages,
    count_tokens,
    finish_of,
    sampling_fields,
    text_of,
)
from loopwright.models.chat._tools import arguments_of, tool_fields
from loopwright.models.chat._turns import BUDGETS, NATIVE, arguments, picture, to_turns
from loopwright.models.chat._types import Request
from loopwright.types import FunctionCall, Sampling, Usage

if TYPE_CHECKING:
    from loopwright.models._server import ModelServer
    from loopwright.models._wire import RawStream

_VERSION = "2023-06-01"
_LIMIT = 16_000
"""Tokens of a reply where nobody says: the API wants a limit."""
_LEAST = 1024
"""Tokens of thought that the API takes at least."""

_FINISH: Mapping[str, Finish] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "refusal",
}

_KEPT = frozenset({"type", "enum", "const", "required", "title", "$ref"})
"""Keywords of a JSON schema that the API takes as they are."""
_CHOICES = {"anyOf": "anyOf", "oneOf": "anyOf", "allOf": "allOf"}
"""Keywords that hold schemas to choose from, to those of the API."""

_PIECES = {"text": "text", "thinking": "thinking", "signature": "signature", "partial_json": "input"}
"""Fields of a delta that hold a piece of text, to the fields of the block that it belongs to."""


class AnthropicMessages:
    """The API of Claude, and of servers that speak it.

    A request is kept flat, with `effort` and `output_format`, until it is sent: fields can then be left out one by one.
    """

    kind = "a message of Anthropic's API"
    """What an answer is called in messages."""
    names: Mapping[str, str] = {
        "max_tokens": "max_tokens",
        # Where a model takes only one of the two, the first is left out.
        "top_p": "top_p",
        "temperature": "temperature",
        "stop": "stop_sequences",
        "reasoning_effort": "effort",
        "response_format": "output_format",
        "tool_choice": "tool_choice",
    }
    """A parameter's name in a request of Loopwright to its name in the API; others are left out."""

    async def body(self, request: Request, artifact: Artifact | None) -> dict[str, Any]:
        """The fields that say what is asked.

        Raises:
            UserError: A message shows images and there is nothing to read them with.
        """
        fields: dict[str, Any] = {
            "messages": await chat_messages(request, artifact),
            "max_tokens": _LIMIT,
            "stream": True,
            **tool_fields(request),
        }
        if request.json_schema is not None and (schema := _fitting(request.json_schema)):
            fields["output_format"] = {"type": "json_schema", "schema": schema}
        return fields

    def sampling(self, sampling: Sampling) -> dict[str, Any]:
        """The sampling parameters that are set and that the API knows, under their names in it."""
        values = sampling_fields(sampling)
        return {there: values[here] for here, there in self.names.items() if here in values}

    async def call(self, server: ModelServer, body: dict[str, Any]) -> AbstractAsyncContextManager[RawStream]:
        """What sends a request when it is entered."""
        key = {"x-api-key": server.key} if server.key else {}
        return server.posted("/messages", {"anthropic-version": _VERSION, **key}, _sent(body))

    def stream(self) -> StreamedMessage:
        """What puts the pieces of a reply together."""
        return StreamedMessage()

    def read(self, answer: object) -> Completion:
        """Reads a decoded message.

        Raises:
            ValueError: It is no message.
        """
        if not isinstance(answer, Mapping) or not isinstance(content := answer.get("content"), list):
            raise ValueError("it holds no content")
        text, reasoning = text_of(content, "text"), text_of(content, "thinking")
        finish = finish_of(_FINISH, answer.get("stop_reason"))
        details, model = answer.get("stop_details"), answer.get("model")
        if finish == "refusal" and not text and isinstance(details, Mapping):
            text = str(details.get("explanation") or "")
        blocks = [block for block in content if isinstance(block, Mapping)]
        calls = tuple(_call(block) for block in blocks if block.get("type") == "tool_use")
        return Completion(
            text=text,
            reasoning=reasoning,
            finish=finish,
            usage=_usage(answer.get("usage"), answered=bool(content)),
            model=model if isinstance(model, str) else "",
            tool_calls=calls,
            carried=({NATIVE: [_returned(block) for block in blocks]},) if calls else (),
        )


@dataclass(slots=True)
class StreamedMessage:
    """The pieces of a message that have arrived so far.

    Attributes:
        ended: Whether the message came to its end.
    """

    ended: bool = False
    _answer: dict[str, Any] = field(default_factory=dict)
    _usage: dict[str, Any] = field(default_factory=dict)
    _blocks: dict[int, dict[str, Any]] = field(default_factory=dict)
    _pieces: dict[tuple[int, str], list[str]] = field(default_factory=dict)
    """Texts of blocks that have come, by the number of the block and the name of the field."""
    _values: Values = field(default_factory=Values)

    def add(self, data: str) -> bool:
        """Takes the data of one event, and says whether nothing more comes.

        Raises:
            ValueError: It is not JSON, no event, or all of it is more than a message.
        """
        event = self._values.read(data)
        if not isinstance(event, Mapping):
            raise ValueError("an event is no object")
        match event:
            case {"type": "message_start", "message": dict(message)}:
                self._answer |= message
                self._count(message)
                self._values.keep(data)
            case {"type": "content_block_start", "index": int(index), "content_block": dict(block)}:
                self._begin(index, block)
                self._values.keep(data)
            case {"type": "content_block_delta", "index": int(index), "delta": dict(delta)}:
                self._extend(index, delta)
            case {"type": "message_delta", "delta": dict(delta)}:
                self._answer |= delta
                self._count(event)
                self._values.keep(data)
                self.ended = self.ended or delta.get("stop_reason") is not None
            case {"type": "message_stop"}:
                self.ended = True
                return True
            case {"type": "error"}:
                self._answer["error"], self.ended = event.get("error") or dict(event), True
                return True
        return False

    @property
    def text(self) -> str:
        """The answer so far."""
        return text_of(self._content(), "text")

    def whole(self) -> dict[str, Any]:
        """The message as one object, in the form in which a server sends it that does not stream."""
        return {**self._answer, "content": self._content(), "usage": self._usage}

    def _content(self) -> list[dict[str, Any]]:
        texts: dict[int, dict[str, str]] = {}
        for (index, name), pieces in self._pieces.items():
            texts.setdefault(index, {})[name] = "".join(pieces)
        return [{**self._blocks[index], **texts.get(index, {})} for index in sorted(self._blocks)]

    def _count(self, told: Mapping[str, Any]) -> None:
        """Takes over counts: later ones stand for the whole message, as the API says, where they are told."""
        if isinstance(usage := told.get("usage"), Mapping):
            self._usage |= {name: value for name, value in usage.items() if value is not None}

    def _begin(self, index: int, block: Mapping[str, Any]) -> None:
        self._blocks[index] = dict(block)
        for name in _PIECES.values():
            begun = block.get(name)
            self._pieces.pop((index, name), None)
            if isinstance(begun, str):
                self._pieces[index, name] = [begun]

    def _extend(self, index: int, delta: Mapping[str, Any]) -> None:
        block = self._blocks.setdefault(index, {})
        for told, name in _PIECES.items():
            if isinstance(piece := delta.get(told), str):
                if name != "input":
                    block.setdefault("type", "text" if name == "text" else "thinking")
                self._pieces.setdefault((index, name), []).append(piece)


def _sent(body: Mapping[str, Any]) -> dict[str, Any]:
    """A flat request in the form of the API."""
    flat = ("messages", "effort", "budget", "output_format", "tools", "tool_choice")
    fields = {name: value for name, value in body.items() if name not in flat}
    system, turns = to_turns(body["messages"])
    if system:
        fields.setdefault("system", system)
    fields["messages"] = [
        {"role": "assistant" if turn.by_model else "user", "content": [_block(part) for part in turn.parts]}
        for turn in turns
    ]
    if "tools" in body:
        fields["tools"] = [_tool(tool) for tool in body["tools"]]
    if "tool_choice" in body:
        fields["tool_choice"] = {"type": "any" if body["tool_choice"] == "required" else "none"}
    return fields | _thought(body, fields)


def _thought(body: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that say how much the model thinks, and the form of its answer; the user's own come before them."""
    effort, budget = body.get("effort"), body.get("budget")
    config = {"format": body["output_format"]} if "output_format" in body else {}
    thinking: dict[str, Any] = {}
    if "none" in (effort, budget):
        thinking = {"type": "disabled"}
    elif effort:
        config["effort"] = "low" if effort == "minimal" else effort
        # Newer models show nothing of their thoughts unless they are asked to.
        thinking = {"type": "adaptive", "display": "summarized"}
    elif budget:
        tokens = max(_LEAST, min(BUDGETS[budget], fields["max_tokens"] * 3 // 4))
        thinking = {"type": "enabled", "budget_tokens": tokens}
    own = {"thinking": fields.get("thinking", thinking), "output_config": {**config, **fields.get("output_config", {})}}
    return {name: value for name, value in own.items() if value}


def _block(part: Mapping[str, Any]) -> dict[str, Any]:
    """A part of a turn as a content block."""
    if part["type"] == "native":
        return dict(part["part"])
    if part["type"] == "call":
        return {"type": "tool_use", "id": part["id"], "name": part["name"], "input": arguments(part["input"])}
    if part["type"] == "result":
        return {"type": "tool_result", "tool_use_id": part["id"], "content": part["result"] or "(empty)"}
    if part["type"] == "image_url":
        kind, data = picture(part)
        return {"type": "image", "source": {"type": "base64", "media_type": kind, "data": data}}
    return dict(part)


def _tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    function = tool["function"]
    return {
        "name": function["name"],
        "description": function["description"],
        "input_schema": function["parameters"],
    }


def _call(block: Mapping[str, Any]) -> FunctionCall:
    told = block.get("input") or {}
    return FunctionCall(id=str(block.get("id")), name=str(block.get("name")), arguments=arguments_of(told))


def _returned(block: Mapping[str, Any]) -> dict[str, Any]:
    """A block of a reply as it goes back to the server."""
    return {**block, "input": arguments(block.get("input"))} if block.get("type") == "tool_use" else dict(block)


class _Unfit(Exception):
    """A schema that the API cannot take."""


def _fitting(schema: Mapping[str, Any]) -> dict[str, Any] | None:
    """A JSON schema as far as the API takes it; the rest goes into descriptions, which the model reads.

    None where the schema has objects of any fields: the API knows none, so the schema is better said in words.
    """
    try:
        return _fitted(schema)
    except _Unfit:
        return None


def _fitted(schema: object) -> dict[str, Any]:
    if not isinstance(schema, Mapping) or not schema:
        raise _Unfit
    fitted = {name: value for name, value in schema.items() if name in _KEPT}
    for name in ("properties", "$defs"):
        if name in schema:
            fitted[name] = {key: _fitted(value) for key, value in _as(Mapping, schema[name]).items()}
    for name, there in _CHOICES.items():
        if name in schema:
            fitted[there] = [_fitted(each) for each in _as(list | tuple, schema[name])]
    if "items" in schema:
        fitted["items"] = _fitted(schema["items"])
    if schema.get("type") == "object":
        if not schema.get("properties") or schema.get("additionalProperties"):
            raise _Unfit
        fitted["additionalProperties"] = False
    done = {*_KEPT, *_CHOICES, "properties", "$defs", "items", "description", "additionalProperties"}
    rest = {name: value for name, value in schema.items() if name not in done}
    told = _as(str, schema.get("description") or "")
    if description := "\n".join(filter(None, (told, json.dumps(rest) if rest else ""))):
        fitted["description"] = description
    return fitted


def _as(kind: Any, value: Any) -> Any:
    """A part of a schema, which may be a program's own and no schema."""
    if not isinstance(value, kind):
        raise _Unfit
    return value


def _usage(usage: object, *, answered: bool) -> Usage | None:
    """The four classes, which the API tells apart from each other."""
    counts = usage if isinstance(usage, Mapping) else {}
    told, output = count_tokens(counts.get("input_tokens")), count_tokens(counts.get("output_tokens"))
    read, written = (
        count_tokens(counts.get(name)) or 0 for name in ("cache_read_input_tokens", "cache_creation_input_tokens")
    )
    if told is None or output is None or (answered and not (output and told + read + written)):
        return None
    return Usage(input=told, cache_read=read, cache_write=written, output=output)
