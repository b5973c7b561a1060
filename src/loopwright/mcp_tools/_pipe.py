"""A server's stdin and stdout in a sandbox, as the protocol's own package takes a transport."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from loopwright.sandbox import Process

if TYPE_CHECKING:
    from mcp.client._transport import TransportStreams

_LONGEST = 8 * 1024 * 1024
"""Bytes of one message."""
_MOST = 64 * 1024 * 1024
"""Bytes that a server writes in an episode; then it is ended."""
_PARTS = 1000
"""Parts of one result: the package takes 20 microseconds for each, and holds up all episodes meanwhile."""


@asynccontextmanager
async def pipe_transport(process: Process) -> AsyncIterator[TransportStreams]:
    """Carries messages, one a line. Lines that are none are passed over; a server that writes too much is ended."""
    import anyio
    from mcp.shared.message import SessionMessage
    from mcp_types import JSONRPCResponse, jsonrpc_message_adapter

    incoming, read_stream = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    write_stream, outgoing = anyio.create_memory_object_stream[SessionMessage](0)

    async def read() -> None:
        async with incoming:
            async for line in _lines(process):
                try:
                    message = jsonrpc_message_adapter.validate_json(line, by_name=False)
                except (ValueError, RecursionError):
                    continue
                if isinstance(message, JSONRPCResponse):
                    _shorten(message.result)
                try:
                    await incoming.send(SessionMessage(message))
                except anyio.BrokenResourceError:
                    return

    async def write() -> None:
        async with outgoing:
            async for message in outgoing:
                line = message.message.model_dump_json(by_alias=True, exclude_unset=True)
                await process.write(line.encode() + b"\n")

    try:
        async with anyio.create_task_group() as group:
            group.start_soon(read)
            group.start_soon(write)
            yield read_stream, write_stream
            group.cancel_scope.cancel()
    finally:
        read_stream.close()
        write_stream.close()
        with anyio.CancelScope(shield=True):
            await process.kill()


def _shorten(result: dict[str, Any]) -> None:
    """Cuts lists of a result that nobody would look at to their end, before the package reads them part by part."""
    for name in ("content", "tools"):
        parts = result.get(name)
        if isinstance(parts, list) and len(parts) > _PARTS:
            result[name] = parts[:_PARTS]
            if name == "content":
                result[name].append({"type": "text", "text": f"[{len(parts) - _PARTS} more parts were left out]"})


async def _lines(process: Process) -> AsyncIterator[bytes]:
    buffer, total = bytearray(), 0
    while part := await process.read():
        total += len(part)
        buffer += part
        if total > _MOST or len(buffer) > _LONGEST:
            return
        if b"\n" not in part:
            continue  # a line that comes byte by byte is not copied for each of them
        *lines, rest = bytes(buffer).split(b"\n")
        buffer = bytearray(rest)
        for line in lines:
            if line.strip():
                yield line
