"""What a server sends, before the protocol's package works on it: bounded, and readable."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Self

from loopwright.text import encodable_value

if TYPE_CHECKING:
    from mcp.client._transport import TransportStreams
    from mcp.shared._stream_protocols import WriteStream
    from mcp.shared.message import SessionMessage
    from mcp_types import JSONRPCMessage, RequestId

LONGEST = 8 * 1024 * 1024
"""Bytes of one message."""
TOO_LONG = f"its message has more than {LONGEST} bytes"
_PARTS = 1000
"""Parts of one result: the package takes 20 microseconds for each, and holds up all episodes meanwhile."""
_REQUESTS = 1000
"""Requests of a server, such as `ping`, after each of ours: the package begins a task for each."""


def read_message(line: bytes) -> JSONRPCMessage | None:
    """The message of a line; None for what is none. Bytes and characters that UTF-8 cannot hold are replaced."""
    from mcp_types import jsonrpc_message_adapter

    try:
        return jsonrpc_message_adapter.validate_json(line, by_name=False)
    except (ValueError, RecursionError):
        pass
    try:
        body = encodable_value(json.loads(line.decode("utf-8", "replace")))
        return jsonrpc_message_adapter.validate_python(body, by_name=False)
    except (ValueError, RecursionError):
        return None


class Intake:
    """Looks at the messages of one server.

    Attributes:
        asked: The id of our last request.
    """

    def __init__(self) -> None:
        self.asked: RequestId = 0
        self._requests = 0

    def sends(self, message: JSONRPCMessage) -> None:
        """Notes a message of ours."""
        from mcp_types import JSONRPCRequest

        if isinstance(message, JSONRPCRequest):
            self.asked, self._requests = message.id, 0

    def takes(self, message: JSONRPCMessage) -> bool:
        """Whether a message is handed on; a result that is too long for anybody to read is cut."""
        from mcp_types import JSONRPCRequest, JSONRPCResponse

        if isinstance(message, JSONRPCResponse):
            _shorten(message.result)
        self._requests += isinstance(message, JSONRPCRequest)
        return not isinstance(message, JSONRPCRequest) or self._requests <= _REQUESTS


def _shorten(result: dict[str, Any]) -> None:
    """Cuts lists of a result that nobody would look at to their end, before the package reads them part by part."""
    for name in ("content", "tools"):
        parts = result.get(name)
        if isinstance(parts, list) and len(parts) > _PARTS:
            result[name] = parts[:_PARTS]
            if name == "content":
                result[name].append({"type": "text", "text": f"[{len(parts) - _PARTS} more parts were left out]"})


@asynccontextmanager
async def looked_at(streams: TransportStreams) -> AsyncIterator[TransportStreams]:
    """A transport of the package's own, whose messages are looked at first."""
    import anyio
    from mcp.shared.message import SessionMessage

    theirs, write_stream = streams
    incoming, read_stream = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    intake = Intake()

    async def read() -> None:
        async with incoming:
            async for message in theirs:
                if isinstance(message, Exception) or intake.takes(message.message):
                    try:
                        await incoming.send(message)
                    except anyio.BrokenResourceError:
                        return

    async with anyio.create_task_group() as group:
        group.start_soon(read)
        try:
            yield read_stream, _Sending(write_stream, intake)
        finally:
            read_stream.close()
            group.cancel_scope.cancel()


class _Sending:
    """A stream of the package's own, whose messages are noted first."""

    def __init__(self, stream: WriteStream[SessionMessage], intake: Intake) -> None:
        self._stream = stream
        self._intake = intake

    async def send(self, item: SessionMessage, /) -> None:
        self._intake.sends(item.message)
        await self._stream.send(item)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()
