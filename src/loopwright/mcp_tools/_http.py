"""A server that is asked over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from loopwright.mcp_tools._incoming import LONGEST, TOO_LONG, looked_at, read_message

if TYPE_CHECKING:
    import httpx2
    from mcp.client._transport import TransportStreams

_READ = 300.0
"""Seconds without a byte, as the protocol's package has it."""
_OTHERWISE = 30.0
"""Seconds to connect, likewise."""


@asynccontextmanager
async def http_transport(url: str) -> AsyncIterator[TransportStreams]:
    """Carries messages by streamable HTTP; one that is too long fails its call."""
    import httpx2
    from mcp.client.streamable_http import streamable_http_client

    timeout = httpx2.Timeout(_OTHERWISE, read=_READ)
    async with (
        # Without compression: a few kilobytes could unpack to gigabytes.
        httpx2.AsyncClient(
            timeout=timeout,
            headers={"accept-encoding": "identity"},
            event_hooks={"response": [_bound]},
        ) as client,
        streamable_http_client(url, http_client=client, max_sse_event_size=2 * LONGEST) as streams,
        looked_at(streams) as ours,
    ):
        yield ours


async def _bound(response: httpx2.Response) -> None:
    """Bounds what is read of an answer, before anything of it is."""
    import httpx2

    packed = response.headers.pop("content-encoding", "identity") != "identity"
    streams = response.headers.get("content-type", "").lower().startswith("text/event-stream")
    body = response.stream
    if not isinstance(body, httpx2.AsyncByteStream):  # the client's own are
        raise httpx2.StreamError("it cannot be read")
    source: httpx2.AsyncByteStream = body

    class Bounded(httpx2.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            if packed:
                raise httpx2.StreamError("it is compressed, which was not asked for")
            parts = _events(source) if streams else _whole(source)
            async for part in parts:
                yield part

        async def aclose(self) -> None:
            await source.aclose()

    response.stream = Bounded()


async def _whole(body: httpx2.AsyncByteStream) -> AsyncIterator[bytes]:
    import httpx2

    read = bytearray()
    async for part in body:
        read += part
        if len(read) > LONGEST:
            raise httpx2.StreamError(TOO_LONG)
    yield _readable(bytes(read))


def _readable(answer: bytes) -> bytes:
    """The answer as the package can read it; one that cannot be made so is left as it is, and fails its call."""
    message = read_message(answer)
    if message is None:
        return answer
    try:
        return message.model_dump_json(by_alias=True, exclude_unset=True).encode()
    except ValueError:  # it is nested too deep
        return answer


async def _events(body: httpx2.AsyncByteStream) -> AsyncIterator[bytes]:
    """Server-sent events up to one that is too long, which is cut: that fails its call, and not the server."""
    read, last = 0, b""
    async for part in body:
        seen = last + part
        # However lines end, one of these begins an empty one; it may come in two parts.
        end = max(seen.rfind(pair) for pair in (b"\n\n", b"\n\r", b"\r\r"))
        read = len(seen) - end if end >= 0 else read + len(part)
        last = seen[-1:]
        if read > LONGEST:
            yield b"\n\n"
            return
        yield part
