"""Tools in the chat completions format: what is offered, and the calls that come back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from loopwright.models.chat._types import Request
from loopwright.types import FunctionCall, Message

_CARRIED = ("reasoning_content", "reasoning_details")
"""Fields of a reply's message that servers want back beside its calls: DeepSeek, Moonshot; OpenRouter."""

_LAST = "null"
"""A piece without an index belongs to the last call."""


def tool_fields(request: Request) -> dict[str, Any]:
    """The fields of a request that offer tools; none without tools."""
    if not request.tools:
        return {}
    tools = [{"type": "function", "function": tool.model_dump(mode="json")} for tool in request.tools]
    choice = {} if request.tool_choice == "auto" else {"tool_choice": request.tool_choice}
    return {"tools": tools, **choice}


def tool_parts(message: Message) -> dict[str, Any]:
    """The fields of a message that tell of calls and their results; none of other messages."""
    if message.call_id:
        return {"tool_call_id": message.call_id}
    if not message.tool_calls:
        return {}
    calls = [
        {
            "id": call.id,
            "type": "function",
            "function": {"name": call.name, "arguments": call.arguments},
            **call.extra,
        }
        for call in message.tool_calls
    ]
    return {"tool_calls": calls} | {name: value for part in message.carried for name, value in part.items()}


def read_calls(calls: object) -> tuple[FunctionCall, ...]:
    """The tool calls of a message, however little of them is there."""
    found = [call for call in calls if isinstance(call, Mapping)] if isinstance(calls, list) else []
    return tuple(_call(call, number) for number, call in enumerate(found))


def _call(call: Mapping[str, Any], number: int) -> FunctionCall:
    function = call.get("function")
    function = function if isinstance(function, Mapping) else {}
    extra = {"extra_content": content} if (content := call.get("extra_content")) else {}
    return FunctionCall(
        id=str(call.get("id") or f"call_{number}"),
        name=str(function.get("name") or ""),
        arguments=arguments_of(function.get("arguments")),
        extra=extra,
    )


def arguments_of(value: object) -> str:
    """Arguments as text; some servers send the object itself."""
    return whole_text(
        value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)
    )


def whole_text(text: str) -> str:
    """Text without half surrogate pairs: a reply cut between two tokens has some, and no file can hold them.

    Halves that came in two pieces are put together.
    """
    if text.isascii():
        return text
    pairs = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    return pairs.encode("utf-8", "replace").decode()


def carried_fields(message: Mapping[Any, Any]) -> tuple[Mapping[str, Any], ...]:
    """What goes back with a message that calls tools."""
    kept = {name: message[name] for name in _CARRIED if message.get(name)}
    return (kept,) if kept else ()


class CallPieces:
    """Pieces of tool calls that have arrived.

    A piece belongs to the call of its index. Some servers number all calls 0, or none: then an `id` that is not the
    last call's begins a new one.
    """

    def __init__(self) -> None:
        self._calls: list[dict[str, Any]] = []
        self._last: dict[str, dict[str, Any]] = {}
        """The last call of each index, by its JSON; of all, where a piece has none."""

    def add(self, pieces: Iterable[object]) -> None:
        """Adds pieces of one event."""
        for piece in pieces:
            if isinstance(piece, Mapping):
                self._add(piece)

    def whole(self) -> list[dict[str, Any]]:
        """The calls so far, as a server sends them in one piece."""
        return [
            {**call, "function": {"name": call["name"], "arguments": "".join(call["arguments"])}}
            for call in self._calls
        ]

    def _add(self, piece: Mapping[str, Any]) -> None:
        index, id_ = json.dumps(piece.get("index")), piece.get("id")
        call = self._last.get(index)
        if call is None or (id_ and call["id"] and id_ != call["id"]):
            call = {"id": "", "name": "", "arguments": []}
            self._calls.append(call)
        self._last[index] = self._last[_LAST] = call
        call["id"] = call["id"] or id_ or ""
        call |= {"extra_content": content} if (content := piece.get("extra_content")) else {}
        if isinstance(function := piece.get("function"), Mapping):
            call["name"] = call["name"] or function.get("name") or ""
            call["arguments"].append(arguments_of(function.get("arguments")))
