"""A server's stdin and stdout, in a sandbox or on this machine, as the protocol's own package takes a transport."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Protocol

from loopwright.mcp_tools._incoming import LONGEST, TOO_LONG, Intake, read_message

if TYPE_CHECKING:
    from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
    from mcp.client._transport import TransportStreams
    from mcp.shared.message import SessionMessage

MOST = 64 * 1024 * 1024
"""Bytes that a server in a sandbox writes in an episode; then it is ended."""


class Spoken(Protocol):
    """A program that is spoken to while it runs."""

    async def write(self, data: bytes) -> None:
        """Sends bytes to its stdin."""
        ...

    async def read(self) -> bytes:
        """Returns the next bytes of its stdout, waiting for some; empty at the end."""
        ...

    async def kill(self) -> None:
        """Ends it and its descendants."""
        ...


@asynccontextmanager
async def pipe_transport(process: Spoken, most: float) -> AsyncIterator[TransportStreams]:
    """Carries messages, one a line. Lines that are none are passed over; one that is too long fails the call.

    Args:
        process: The server; it is ended with the transport.
        most: Bytes that it may write; then it is ended.
    """
    import anyio
    from mcp.shared.message import SessionMessage

    incoming, read_stream = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    write_stream, outgoing = anyio.create_memory_object_stream[SessionMessage](0)
    intake = Intake()
    try:
        async with anyio.create_task_group() as group:
            group.start_soon(_read, process, most, intake, incoming)
            group.start_soon(_write, process, intake, outgoing)
            yield read_stream, write_stream
            group.cancel_scope.cancel()
    finally:
        read_stream.close()
        write_stream.close()
        with anyio.CancelScope(shield=True):
            await process.kill()


async def _read(
    process: Spoken, most: float, intake: Intake, incoming: MemoryObjectSendStream[SessionMessage | Exception]
) -> None:
    import anyio
    from mcp.shared.message import SessionMessage
    from mcp_types import INTERNAL_ERROR, ErrorData, JSONRPCError, JSONRPCMessage

    async with incoming:
        async for line in _lines(process, most):
            message: JSONRPCMessage | None
            if line is None:
                # Whose answer it was is not known, or whether it was one: the last call fails, if it waits still.
                error = ErrorData(code=INTERNAL_ERROR, message=TOO_LONG)
                message = JSONRPCError(jsonrpc="2.0", id=intake.asked, error=error)
            else:
                message = read_message(line)
            if message is None or not intake.takes(message):
                continue
            try:
                await incoming.send(SessionMessage(message))
            except anyio.BrokenResourceError:
                return


async def _write(process: Spoken, intake: Intake, outgoing: MemoryObjectReceiveStream[SessionMessage]) -> None:
    async with outgoing:
        async for sent in outgoing:
            intake.sends(sent.message)
            line = sent.message.model_dump_json(by_alias=True, exclude_unset=True)
            await process.write(line.encode() + b"\n")


async def _lines(process: Spoken, most: float) -> AsyncIterator[bytes | None]:
    """The lines that a server writes; None in place of one that is too long, as soon as it is."""
    buffer, total, passes_over = bytearray(), 0, False
    while part := await process.read():
        total += len(part)
        if total > most:
            return
        *ended, begun = part.split(b"\n")
        for end in ended:
            # What belongs to a line that was passed over ends here.
            line, buffer = bytes(buffer + end), bytearray()
            if not passes_over and line.strip():
                yield line if len(line) <= LONGEST else None
            passes_over = False
        if not passes_over:
            buffer += begun
        if len(buffer) > LONGEST:
            buffer, passes_over = bytearray(), True
            yield None
