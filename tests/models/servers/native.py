"""Claude's and Gemini's own APIs, as stubs play them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.models import claude, google
from tests.models.servers.description import Server
from tests.models.servers.turn import CALLS, SIGNATURE, Turn


class Messages:
    """Claude's messages."""

    half = 7
    """Events after which a stream breaks off: the text has begun, where no thought is shown."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def whole(self, turn: Turn) -> dict[str, Any]:
        """A message in one piece."""
        calls = [claude.tool_use(id_, "execute", **json.loads(arguments)) for id_, arguments in CALLS]
        blocks = calls if turn.calls else [claude.text(turn.text)]
        stop = "tool_use" if turn.calls else "max_tokens" if turn.cut else "end_turn"
        thought = claude.thinking(turn.thought, SIGNATURE)
        return claude.message(thought, *blocks, stop=stop, model=self._server.model, usage=self._server.usage)

    def events(self, turn: Turn, body: dict[str, Any]) -> Iterator[str]:
        """A message in pieces; each event has a name too."""
        for piece in claude.pieces_of(self.whole(turn)):
            yield f"event: {piece['type']}\ndata: {json.dumps(piece)}\n\n"


class Candidates:
    """Gemini's `generateContent`."""

    half = 4

    def __init__(self, server: Server) -> None:
        self._server = server

    def whole(self, turn: Turn) -> dict[str, Any]:
        """A response in one piece."""
        thoughts = [google.thought(turn.thought)] if turn.thought else []
        return self._response([*thoughts, *self._said(turn)], turn)

    def events(self, turn: Turn, body: dict[str, Any]) -> Iterator[str]:
        """A response in pieces; the last one tells usage and why it ended."""
        half = len(turn.thought) // 2
        thoughts = [google.thought(piece) for piece in (turn.thought[:half], turn.thought[half:]) if piece]
        said = self._said(turn) if turn.calls else [google.text(piece) for piece in turn.pieces]
        for part in (*thoughts, *said):
            yield self._data(google.response(part, finish=None, modelVersion=self._server.model))
        yield self._data(self._response([], turn))

    def _said(self, turn: Turn) -> list[dict[str, Any]]:
        if not turn.calls:
            return [google.text(turn.text)]
        return [google.function_call("execute", id_=id_, **json.loads(arguments)) for id_, arguments in CALLS]

    def _response(self, parts: list[dict[str, Any]], turn: Turn) -> dict[str, Any]:
        finish = "MAX_TOKENS" if turn.cut else "STOP"
        told = {"usageMetadata": self._server.usage, "modelVersion": self._server.model}
        return google.response(*parts, finish=finish, **told)

    def _data(self, value: object) -> str:
        return f"data: {json.dumps(value)}\r\n\r\n"
