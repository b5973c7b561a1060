"""The stub that plays a server: it reads a request as the server would and answers in the server's words."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Literal

from tests.models.provider import Provider
from tests.models.servers.description import Api, Fault, Server, Wire
from tests.models.servers.native import Candidates, Messages
from tests.models.servers.turn import ANSWER, CALLS, LONG, SIGNATURE, Turn

Mood = Literal["answer", "stall"] | Fault


class Stub:
    """A server on the loopback address.

    Attributes:
        provider: What listens; its `requests` are what came.
        replies: Texts of the next replies; the last one stays.
        mood: What the next requests meet.
    """

    def __init__(self, server: Server, *replies: str) -> None:
        self._server = server
        self.replies = list(replies)
        self.mood: Mood = "answer"
        self.provider = Provider(self._respond)

    async def __aenter__(self) -> Stub:
        await self.provider.__aenter__()
        return self

    async def __aexit__(self, *failure: Any) -> None:
        await self.provider.__aexit__(*failure)

    async def _respond(self, writer: asyncio.StreamWriter) -> None:
        path = self.provider.requests[-1].path
        body = self.provider.requests[-1].body
        # What Gemini and Claude nest stands in one place.
        body = {**body, **body.get("generationConfig", {}), **body.get("output_config", {})}
        if path.endswith("/models"):
            return _whole(writer, Wire(200, {"object": "list", "data": [{"id": self._server.model}]}))
        if isinstance(self.mood, Fault) and not self.mood.inside:
            return _whole(writer, self.mood.wire)
        if self._server.blind and _shows(body):
            return _whole(writer, self._server.blind)
        if "tools" in body and self._lacks_what_it_wants_back(body):
            return _whole(writer, Wire(400, {"error": {"message": f"{self._server.wants_back} is missing"}}))
        if refused := next((name for name in self._server.refuses if name in body), None):
            return _whole(writer, self._server.refuses[refused])
        if body.get("stream") or "stream" in path:
            return await self._stream(writer, body)
        return _whole(writer, Wire(200, _PLAYS[self._server.api](self._server).whole(self._turn(body))))

    async def _stream(self, writer: asyncio.StreamWriter, body: dict[str, Any]) -> None:
        play = _PLAYS[self._server.api](self._server)
        events = list(play.events(self._turn(body), body))
        if self.mood != "answer":
            # It broke off half-way: what had come stays without its end.
            events = events[: play.half]
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        for event in [*self._server.first, *events]:
            await _chunk(writer, event)
        if self.mood == "stall":
            await writer.wait_closed()
            return
        if isinstance(self.mood, Fault):
            text = self.mood.wire.body
            await _chunk(writer, text if isinstance(text, str) else _data(text))
        writer.write(b"0\r\n\r\n")

    def _lacks_what_it_wants_back(self, body: dict[str, Any]) -> bool:
        said = _said(body)
        return CALLS[0][0] in said and self._server.wants_back not in said

    def _turn(self, body: dict[str, Any]) -> Turn:
        wish: object = body
        for name in self._server.shown_for:
            wish = wish.get(name) if isinstance(wish, Mapping) else None
        return self._said(body) if wish else replace(self._said(body), thought="")

    def _said(self, body: dict[str, Any]) -> Turn:
        said = _said(body)
        if "tools" in body and CALLS[0][0] not in said:
            return Turn("", calls=True)
        if _shows(body):
            return Turn("red")
        if "Count" in said:
            return Turn(LONG, cut=True)
        has_schema = any(name in body for name in _SCHEMAS) and self._server.schema == "followed"
        if has_schema or "JSON schema" in said:
            return Turn('{"n": 7}')
        if not self.replies:
            return Turn(ANSWER)
        return Turn(self.replies.pop(0) if len(self.replies) > 1 else self.replies[0])


class Chat:
    """OpenAI's chat completions."""

    half = 2
    """Events after which a stream breaks off: something has come by then."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._tags = {"`<think>` tags": "think", "`<thought>` tags": "thought"}.get(server.thoughts, "")

    def whole(self, turn: Turn) -> dict[str, Any]:
        """A completion in one piece."""
        message = {"role": "assistant", "content": self._content(turn), **self._thoughts(turn)}
        choice = {"index": 0, "message": message, "finish_reason": self._finish(turn)}
        usage = self._server.usage
        return {
            "id": "1",
            "object": "chat.completion",
            "model": self._server.model,
            "choices": [choice],
            "usage": usage,
        }

    def events(self, turn: Turn, body: dict[str, Any]) -> Iterator[str]:
        """A completion in pieces."""
        if self._tags and turn.thought:
            yield self._piece({"role": "assistant", "content": self._tagged(turn)})
        elif self._server.thoughts == "parts of the content":
            yield self._piece({"role": "assistant", "content": [_thinking(turn)]})
        else:
            yield self._piece({"role": "assistant", "content": "", **self._thoughts(turn)})
        for piece in turn.pieces:
            yield self._piece({"content": piece})
        if turn.calls:
            yield from (self._piece({"tool_calls": [call]}) for call in self._calls())
        told = self._server.usage if (body.get("stream_options") or {}).get("include_usage") else None
        where = self._server.usage_in
        more: dict[str, Any] = {}
        if where == "`x_groq`":
            more = {"x_groq": {"id": "req_1", "usage": self._server.usage}}
        elif where == "the finishing chunk":
            more = {"usage": self._server.usage}
        yield self._piece({}, finish=self._finish(turn), **more)
        if told and where == "a last chunk":
            yield _data({"id": "1", "object": "chat.completion.chunk", "choices": [], "usage": told})
        yield "data: [DONE]\n\n"

    def _content(self, turn: Turn) -> Any:
        if self._tags and turn.thought:
            return self._tagged(turn) + turn.text
        if self._server.thoughts == "parts of the content":
            return [_thinking(turn), {"type": "text", "text": turn.text}]
        return turn.text

    def _tagged(self, turn: Turn) -> str:
        return f"<{self._tags}>\n{turn.thought}\n</{self._tags}>\n\n"

    def _calls(self) -> Iterator[dict[str, Any]]:
        for number, (id_, arguments) in enumerate(CALLS):
            index = 0 if self._server.calls.endswith("index 0") else number
            signed = {"extra_content": {"google": {"thought_signature": SIGNATURE}}}
            more = signed if self._server.wants_back == "thought_signature" else {}
            function = {"name": "execute", "arguments": arguments}
            if self._server.calls != "in pieces":
                yield {"index": index, "id": id_, "type": "function", "function": function, **more}
                continue
            yield {"index": index, "id": id_, "type": "function", "function": {"name": "execute", "arguments": ""}}
            yield from ({"index": index, "function": {"arguments": half}} for half in (arguments[:7], arguments[7:]))

    def _thoughts(self, turn: Turn) -> dict[str, Any]:
        match self._server.thoughts:
            case "`reasoning_content`":
                return {"reasoning_content": turn.thought}
            case "`reasoning`":
                return {"reasoning": turn.thought}
            case "`reasoning_details`":
                return {"reasoning_details": [{"type": "reasoning.text", "text": turn.thought, "index": 0}]}
        return {}

    def _finish(self, turn: Turn) -> str:
        reason = "length" if turn.cut else "tool_calls" if turn.calls else "stop"
        return self._server.finish.get(reason, reason)

    def _piece(self, delta: dict[str, Any], *, finish: str | None = None, **more: Any) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return _data(
            {"id": "1", "object": "chat.completion.chunk", "model": self._server.model, "choices": [choice], **more}
        )


class Responses:
    """OpenAI's Responses API."""

    half = 2

    def __init__(self, server: Server) -> None:
        self._server = server

    def whole(self, turn: Turn) -> dict[str, Any]:
        """A response in one piece."""
        summary = [{"type": "summary_text", "text": turn.thought}] if turn.thought else []
        parts = [{"type": "output_text", "text": turn.text, "annotations": []}]
        said = {"type": "message", "id": "msg_1", "role": "assistant", "content": parts}
        calls = [
            {"type": "function_call", "id": f"fc_{id_}", "call_id": id_, "name": "execute", "arguments": arguments}
            for id_, arguments in CALLS
        ]
        return {
            "id": "resp_1",
            "object": "response",
            "model": self._server.model,
            "status": "incomplete" if turn.cut else "completed",
            "incomplete_details": {"reason": "max_output_tokens"} if turn.cut else None,
            "output": [
                {"type": "reasoning", "id": "rs_1", "summary": summary, "encrypted_content": SIGNATURE},
                *(calls if turn.calls else [said]),
            ],
            "usage": self._server.usage,
        }

    def events(self, turn: Turn, body: dict[str, Any]) -> Iterator[str]:
        """A response in pieces; each event has a name too."""
        yield _named({"type": "response.created", "response": {"id": "resp_1", "status": "in_progress"}})
        for piece in turn.pieces:
            yield _named({"type": "response.output_text.delta", "delta": piece})
        kind = "response.incomplete" if turn.cut else "response.completed"
        yield _named({"type": kind, "response": self.whole(turn)})


_PLAYS: dict[Api, type[Chat] | type[Responses] | type[Messages] | type[Candidates]] = {
    "chat": Chat,
    "responses": Responses,
    "anthropic": Messages,
    "gemini": Candidates,
}
_SCHEMAS = ("response_format", "text", "format", "responseJsonSchema")
"""Fields of a request that ask for a schema, by API."""


def _shows(body: dict[str, Any]) -> bool:
    return any(sign in _said(body) for sign in ('_image"', '"image_url"', '"image"', '"inlineData"'))


def _said(body: dict[str, Any]) -> str:
    """The messages of a request, in any API."""
    return json.dumps(next(body[name] for name in ("messages", "input", "contents") if name in body))


def _thinking(turn: Turn) -> dict[str, Any]:
    return {"type": "thinking", "thinking": [{"type": "text", "text": turn.thought}], "closed": True}


def _data(value: object) -> str:
    return f"data: {json.dumps(value)}\n\n"


def _named(event: dict[str, Any]) -> str:
    return f"event: {event['type']}\n{_data(event)}"


async def _chunk(writer: asyncio.StreamWriter, text: str) -> None:
    writer.write(f"{len(text.encode()):x}\r\n{text}\r\n".encode())
    await writer.drain()


def _whole(writer: asyncio.StreamWriter, wire: Wire) -> None:
    headers = {"Content-Type": "application/json", "Content-Length": str(len(wire.content)), **wire.headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(f"HTTP/1.1 {wire.status} Whatever\r\n{lines}\r\n".encode() + wire.content)
