"""The Responses API: requests into it, replies out of it, whole or in pieces."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from loopwright.models._bounds import Values
from loopwright.models.chat._format import Artifact, Completion, Finish, chat_messages, count_tokens, text_of
from loopwright.models.chat._tools import arguments_of
from loopwright.models.chat._types import Request
from loopwright.types import FunctionCall, Message, Sampling, Usage

if TYPE_CHECKING:
    from loopwright.models._server import ModelServer
    from loopwright.models._wire import RawStream

_NAMES = {"max_tokens": "max_output_tokens", "temperature": "temperature", "top_p": "top_p"}
"""Sampling parameters that the API knows, beside the effort, to their names there. It knows no `seed` and no `stop`."""
_SUMMARY = "reasoning.summary"
"""The field that asks for thoughts, as refusals name it. It stands in `reasoning`, beside the effort."""


class Responses:
    """The Responses API of OpenAI, and of servers that speak it. Nothing is stored at the server.

    A request is kept flat, with `reasoning.summary`, until it is sent: that field can then be left out alone.
    """

    kind = "a response"
    """What an answer is called in messages."""
    names: Mapping[str, str] = {
        **_NAMES,
        "reasoning_effort": "reasoning",
        "response_format": "text",
        "tool_choice": "tool_choice",
    }
    """A parameter's name in a request of Loopwright to its name in the API; others are left out."""

    async def body(self, request: Request, artifact: Artifact | None) -> dict[str, Any]:
        """The fields that say what is asked.

        Raises:
            UserError: A message shows images and there is nothing to read them with.
        """
        pairs = zip(request.messages, await chat_messages(request, artifact), strict=True)
        fields: dict[str, Any] = {
            "input": [item for pair in pairs for item in _items(*pair)],
            "store": False,
            "stream": True,
            _SUMMARY: "auto",
            **_tool_fields(request),
        }
        if request.json_schema is not None:
            # Not strict: a strict schema must name every field as required.
            form = {"type": "json_schema", "name": "reply", "schema": dict(request.json_schema), "strict": False}
            fields["text"] = {"format": form}
        return fields

    def sampling(self, sampling: Sampling) -> dict[str, Any]:
        """The sampling parameters that are set and that the API knows, under their names in it."""
        values = sampling.model_dump(exclude_none=True)
        fields = {there: values[here] for here, there in _NAMES.items() if here in values}
        if sampling.reasoning_effort:
            fields["reasoning"] = {"effort": sampling.reasoning_effort}
        return fields

    async def call(self, server: ModelServer, body: dict[str, Any]) -> AbstractAsyncContextManager[RawStream]:
        """What sends a request when it is entered."""
        return server.called((await server.client()).responses.with_streaming_response.create(extra_body=_sent(body)))

    def stream(self) -> StreamedResponse:
        """What puts the pieces of a reply together."""
        return StreamedResponse()

    def read(self, answer: object) -> Completion:
        """Reads a decoded response.

        Raises:
            ValueError: It is no response.
        """
        if not isinstance(answer, Mapping) or not isinstance(output := answer.get("output"), list):
            raise ValueError("it holds no output")
        items = [item for item in output if isinstance(item, Mapping)]
        parts = [part for item in items if item.get("type") == "message" for part in _list(item.get("content"))]
        text, refusal = text_of(parts, "output_text"), text_of(parts, "refusal")
        summaries = [part for item in items if item.get("type") == "reasoning" for part in _list(item.get("summary"))]
        reasoning = text_of(summaries, "summary_text")
        calls = tuple(_call(item, number) for number, item in enumerate(items) if item.get("type") == "function_call")
        model = answer.get("model")
        return Completion(
            text=text or refusal,
            reasoning=reasoning,
            finish=_finish(answer, refused=bool(refusal and not text)),
            usage=read_usage(answer.get("usage"), answered=bool(text or reasoning or calls)),
            model=model if isinstance(model, str) else "",
            tool_calls=calls,
            carried=tuple(dict(item) for item in items if calls and item.get("encrypted_content")),
        )


@dataclass(slots=True)
class StreamedResponse:
    """The pieces of a response that have arrived so far; the last event holds all of it.

    Attributes:
        ended: Whether the last event is there.
    """

    ended: bool = False
    _answer: dict[str, Any] = field(default_factory=dict)
    _text: list[str] = field(default_factory=list)
    _aside: list[str] = field(default_factory=list)
    """Reasoning, refusals and arguments of calls."""

    def add(self, data: str) -> bool:
        """Takes the data of one event, and says whether nothing more comes.

        Raises:
            ValueError: It is not JSON, or more than a response.
        """
        if data.strip() == "[DONE]":
            return self.ended
        event = Values().read(data)
        if not isinstance(event, Mapping):
            raise ValueError("an event is no object")
        match event.get("type"):
            case "response.output_text.delta" if isinstance(event.get("delta"), str):
                self._text.append(event["delta"])
            case str(kind) if kind.endswith(".delta") and isinstance(event.get("delta"), str):
                self._aside.append(event["delta"])
            case "response.completed" | "response.incomplete" | "response.failed":
                response = event.get("response")
                self._answer, self.ended = dict(response) if isinstance(response, Mapping) else {}, True
            case "error":
                self._answer, self.ended = {"error": event.get("error") or dict(event)}, True
        return self.ended

    @property
    def text(self) -> str:
        """The answer so far."""
        return "".join(self._text)

    def whole(self) -> dict[str, Any]:
        """The response as one object, in the form in which a server sends it that does not stream."""
        if self._answer.get("output") or not (self._text or self._aside):
            return self._answer
        content = [{"type": "output_text", "text": self.text}]
        summary = [{"type": "summary_text", "text": "".join(self._aside)}]
        output = [{"type": "reasoning", "summary": summary}, {"type": "message", "content": content}]
        return {**self._answer, "output": output}


def _sent(body: Mapping[str, Any]) -> dict[str, Any]:
    """A flat request in the form of the API; the user's own `reasoning.summary` comes before that of the client."""
    fields = {name: value for name, value in body.items() if name != _SUMMARY}
    if _SUMMARY in body:
        fields["reasoning"] = {"summary": body[_SUMMARY], **fields.get("reasoning", {})}
    return fields


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _tool_fields(request: Request) -> dict[str, Any]:
    """The fields that offer tools. Reasoning comes back encrypted, so that it can be sent with the next turn."""
    if not request.tools:
        return {}
    tools = [{"type": "function", **tool.model_dump(mode="json"), "strict": False} for tool in request.tools]
    choice = {} if request.tool_choice == "auto" else {"tool_choice": request.tool_choice}
    return {"tools": tools, "include": ["reasoning.encrypted_content"], **choice}


def _call(item: Mapping[str, Any], number: int) -> FunctionCall:
    return FunctionCall(
        id=str(item.get("call_id") or item.get("id") or f"call_{number}"),
        name=str(item.get("name") or ""),
        arguments=arguments_of(item.get("arguments")),
    )


def _items(message: Message, chat: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A message as input items.

    Args:
        message: The message.
        chat: The same as a chat message, with its images.
    """
    if message.role == "tool":
        return [{"type": "function_call_output", "call_id": message.call_id, "output": message.content}]
    calls = [
        {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": call.arguments}
        for call in message.tool_calls
    ]
    said = [{"role": message.role, "content": _content(chat["content"])}] if message.content or not calls else []
    return [*map(dict, message.carried), *said, *calls]


def _content(content: str | list[dict[str, Any]]) -> str | list[dict[str, Any]]:
    if isinstance(content, str):
        return content
    return [
        {"type": "input_text", "text": part["text"]}
        if part["type"] == "text"
        else {"type": "input_image", "image_url": part["image_url"]["url"]}
        for part in content
    ]


def _finish(answer: Mapping[Any, Any], *, refused: bool) -> Finish:
    details = answer.get("incomplete_details")
    reason = details.get("reason") if isinstance(details, Mapping) else None
    if reason == "max_output_tokens":
        return "length"
    if refused or reason == "content_filter":
        return "refusal"
    return "stop" if answer.get("status") == "completed" else "other"


def read_usage(usage: object, *, answered: bool) -> Usage | None:
    """The tokens of a usage object of OpenAI's newer APIs, in disjoint classes.

    Args:
        usage: What the server sent.
        answered: Whether there is a reply, which cannot have taken no tokens.

    Returns:
        None where a count is missing or cannot be.
    """
    counts = usage if isinstance(usage, Mapping) else {}
    details = counts.get("input_tokens_details")
    prompt, output = count_tokens(counts.get("input_tokens")), count_tokens(counts.get("output_tokens"))
    if not prompt or output is None or (answered and not output):
        return None
    cached = count_tokens(details.get("cached_tokens")) if isinstance(details, Mapping) else 0
    read = min(prompt, cached or 0)
    return Usage(input=prompt - read, cache_read=read, output=output)
