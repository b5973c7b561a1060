"""The Gemini API (`generateContent`): requests into it, replies out of it, whole or in pieces."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

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

_REFUSALS = (
    "SAFETY",
    "RECITATION",
    "LANGUAGE",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_RECITATION",
    "ESCALATION",
    "MODEL_ARMOR",
)
_FINISH: Mapping[str, Finish] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    **dict.fromkeys(_REFUSALS, "refusal"),
}

_THINKING = ("thinkingLevel", "thinkingBudget", "includeThoughts")
_DRAWN = ("maxOutputTokens", "topP", "temperature", "seed", "stopSequences", "responseJsonSchema")
"""Fields that stand in `generationConfig`."""
_OWN_ID = "call_"
"""Begins the ids of calls that the server gave none, so that it gets none back."""
_SEEDS = 2**31
"""Seeds are below it."""


class Gemini:
    """The API of Gemini.

    A request is kept flat until it is sent: fields can then be left out one by one.
    """

    kind = "a response of the Gemini API"
    """What an answer is called in messages."""
    names: Mapping[str, str] = {
        "max_tokens": "maxOutputTokens",
        "top_p": "topP",
        "temperature": "temperature",
        "seed": "seed",
        "stop": "stopSequences",
        "reasoning_effort": "thinkingLevel",
        "response_format": "responseJsonSchema",
        "tool_choice": "tool_choice",
    }
    """A parameter's name in a request of Loopwright to its name in the API; others are left out."""

    async def body(self, request: Request, artifact: Artifact | None) -> dict[str, Any]:
        """The fields that say what is asked.

        Raises:
            UserError: A message shows images and there is nothing to read them with.
        """
        schema = {} if request.json_schema is None else {"responseJsonSchema": dict(request.json_schema)}
        messages = await chat_messages(request, artifact)
        return {"messages": messages, **tool_fields(request), **schema, "includeThoughts": True}

    def sampling(self, sampling: Sampling) -> dict[str, Any]:
        """The sampling parameters that are set, under their names in the API."""
        values = sampling_fields(sampling)
        if "seed" in values:
            values["seed"] %= _SEEDS
        return {there: values[here] for here, there in self.names.items() if here in values}

    async def call(self, server: ModelServer, body: dict[str, Any]) -> AbstractAsyncContextManager[RawStream]:
        """What sends a request when it is entered."""
        name = quote(body["model"])
        path = f"/{name if '/' in name else f'models/{name}'}:streamGenerateContent?alt=sse"
        return server.posted(path, {"x-goog-api-key": server.key} if server.key else {}, _sent(body))

    def stream(self) -> StreamedCandidate:
        """What puts the pieces of a reply together."""
        return StreamedCandidate()

    def read(self, answer: object) -> Completion:
        """Reads a decoded response.

        Raises:
            ValueError: It is no response.
        """
        told = answer if isinstance(answer, Mapping) else {}
        candidate, blocked = _first(told), _mapping(told.get("promptFeedback"))
        if not candidate and not blocked.get("blockReason"):
            raise ValueError("it holds no candidates")
        parts = _parts(candidate)
        text = text_of([part for part in parts if not part.get("thought")], "text")
        reasoning = text_of([part for part in parts if part.get("thought")], "text")
        finish: Finish = finish_of(_FINISH, candidate.get("finishReason")) if candidate else "refusal"
        if finish == "refusal" and not text:
            words = (blocked.get("blockReasonMessage"), blocked.get("blockReason"), candidate.get("finishMessage"))
            text = next((word for word in words if isinstance(word, str)), "")
        calls = tuple(_call(part, number) for number, part in enumerate(parts) if "functionCall" in part)
        model = told.get("modelVersion")
        return Completion(
            text=text,
            reasoning=reasoning,
            finish=finish,
            usage=_usage(told.get("usageMetadata"), answered=bool(parts)),
            model=model if isinstance(model, str) else "",
            tool_calls=calls,
            carried=({NATIVE: [_returned(part) for part in parts]},) if calls else (),
        )


@dataclass(slots=True)
class StreamedCandidate:
    """The pieces of a response that have arrived so far. There is no last event: the connection ends.

    Attributes:
        ended: Whether the server said why it stopped.
    """

    ended: bool = False
    _answer: dict[str, Any] = field(default_factory=dict)
    _candidate: dict[str, Any] = field(default_factory=dict)
    _parts: list[dict[str, Any]] = field(default_factory=list)
    _texts: list[list[str]] = field(default_factory=list)
    """The pieces of text of each part."""
    _values: Values = field(default_factory=Values)

    def add(self, data: str) -> bool:
        """Takes the data of one event; only an error is the last.

        Raises:
            ValueError: It is not JSON, no event, or all of it is more than a response.
        """
        event = self._values.read(data)
        if not isinstance(event, Mapping):
            raise ValueError("an event is no object")
        self._values.keep(data)
        self._answer |= {name: value for name, value in event.items() if name != "candidates"}
        candidate = _first(event)
        self._candidate |= {name: value for name, value in candidate.items() if name != "content"}
        for part in _parts(candidate):
            self._add(part)
        self.ended = bool(
            "error" in event
            or self._candidate.get("finishReason")
            or _mapping(self._answer.get("promptFeedback")).get("blockReason")
        )
        return "error" in event

    @property
    def text(self) -> str:
        """The answer so far."""
        return text_of([part for part in self._joined() if not part.get("thought")], "text")

    def whole(self) -> dict[str, Any]:
        """The response as one object, in the form in which a server sends it that does not stream."""
        if not self._candidate and not self._parts:
            return self._answer
        return {**self._answer, "candidates": [{**self._candidate, "content": {"parts": self._joined()}}]}

    def _joined(self) -> list[dict[str, Any]]:
        pairs = zip(self._parts, self._texts, strict=True)
        return [{**part, "text": "".join(pieces)} if pieces else part for part, pieces in pairs]

    def _add(self, part: dict[str, Any]) -> None:
        last = self._parts[-1] if self._parts else {}
        pieces = [text] if isinstance(text := part.get("text"), str) else []
        same = pieces and self._texts and self._texts[-1] and part.get("thought") == last.get("thought")
        if same and "thoughtSignature" not in last:
            last |= part
            self._texts[-1] += pieces
        else:
            self._parts.append(part)
            self._texts.append(pieces)


def _sent(body: Mapping[str, Any]) -> dict[str, Any]:
    """A flat request in the form of the API."""
    flat = ("model", "messages", "tools", "tool_choice", *_DRAWN, *_THINKING)
    fields = {name: value for name, value in body.items() if name not in flat}
    system, turns = to_turns(body["messages"])
    if system:
        fields.setdefault("systemInstruction", {"parts": [{"text": system}]})
    fields["contents"] = [
        {"role": "model" if turn.by_model else "user", "parts": [_part(part) for part in turn.parts]} for turn in turns
    ]
    if "tools" in body:
        fields["tools"] = [{"functionDeclarations": [_tool(tool) for tool in body["tools"]]}]
    if "tool_choice" in body:
        mode = "ANY" if body["tool_choice"] == "required" else "NONE"
        fields["toolConfig"] = {"functionCallingConfig": {"mode": mode}}
    if drawn := _drawn(body):
        fields["generationConfig"] = {**drawn, **fields.get("generationConfig", {})}
    return fields


def _drawn(body: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that say how the reply is drawn."""
    drawn = {name: body[name] for name in _DRAWN if name in body}
    if "responseJsonSchema" in drawn:
        drawn["responseMimeType"] = "application/json"
    thinking = {name: body[name] for name in _THINKING if name in body}
    if thinking.get("thinkingLevel") == "none":
        thinking["thinkingLevel"] = "minimal"
    if "thinkingBudget" in thinking:
        thinking["thinkingBudget"] = BUDGETS[thinking["thinkingBudget"]]
    if thinking:
        drawn["thinkingConfig"] = thinking
    return drawn


def _tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    function = tool["function"]
    return {
        "name": function["name"],
        "description": function["description"],
        "parametersJsonSchema": function["parameters"],
    }


def _call(part: Mapping[str, Any], number: int) -> FunctionCall:
    call = _mapping(part["functionCall"])
    id_ = call.get("id") or f"{_OWN_ID}{number}"
    return FunctionCall(id=str(id_), name=str(call.get("name") or ""), arguments=arguments_of(call.get("args") or {}))


def _returned(part: Mapping[str, Any]) -> dict[str, Any]:
    """A part of a reply as it goes back to the server."""
    returned = {name: value for name, value in part.items() if name != "type"}
    if call := _mapping(part.get("functionCall")):
        returned["functionCall"] = {**call, "args": arguments(call.get("args"))}
    return returned


def _part(part: Mapping[str, Any]) -> dict[str, Any]:
    """A part of a turn as a part of a content."""
    if part["type"] == "native":
        return dict(part["part"])
    if part["type"] == "call":
        return {"functionCall": {**_id(part), "name": part["name"], "args": arguments(part["input"])}}
    if part["type"] == "result":
        return {"functionResponse": {**_id(part), "name": part["name"], "response": {"result": part["result"]}}}
    if part["type"] == "image_url":
        kind, data = picture(part)
        return {"inlineData": {"mimeType": kind, "data": data}}
    return {"text": part["text"]}


def _id(part: Mapping[str, Any]) -> dict[str, str]:
    return {} if part["id"].startswith(_OWN_ID) else {"id": part["id"]}


def _first(answer: Mapping[Any, Any]) -> Mapping[Any, Any]:
    candidates = answer.get("candidates")
    return _mapping(candidates[0]) if isinstance(candidates, list) and candidates else {}


def _parts(candidate: Mapping[Any, Any]) -> list[dict[str, Any]]:
    """The parts of a candidate; parts of text have a type, as in a chat message."""
    parts = _mapping(candidate.get("content")).get("parts")
    found = [part for part in parts if isinstance(part, Mapping)] if isinstance(parts, list) else []
    return [{"type": "text", **part} if isinstance(part.get("text"), str) else dict(part) for part in found]


def _mapping(value: object) -> Mapping[Any, Any]:
    return value if isinstance(value, Mapping) else {}


def _usage(usage: object, *, answered: bool) -> Usage | None:
    """The four classes: cached tokens are among those of the prompt, and thoughts are not among those of the answer."""
    counts = _mapping(usage)
    names = ("toolUsePromptTokenCount", "cachedContentTokenCount", "candidatesTokenCount", "thoughtsTokenCount")
    tools, cached, answer, thoughts = (count_tokens(counts.get(name)) or 0 for name in names)
    prompt = count_tokens(counts.get("promptTokenCount"))
    if prompt is None or (answered and not (prompt and answer + thoughts)):
        return None
    read = min(prompt, cached)
    return Usage(input=prompt - read + tools, cache_read=read, output=answer + thoughts)
