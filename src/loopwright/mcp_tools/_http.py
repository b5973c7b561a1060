"""A server that is asked over HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from loopwright.mcp_tools._incoming import LONGEST, TOO_LONG, looked_at, read_message

if TYPE_CHECKING:
    import httpx2
    from mcp.client._transport import TransportStreams

_READ = 300.0
"""Seconds without a byte, as the protocol's package has it."""
_OTHERWISE = 30.0
"""Seconds to connect, likewise."""
_PAUSE = 0.1
"""Seconds before a stream is asked for again, whatever a server says."""
_AGAIN = 100
"""Times that the rest of one answer is asked for: the package waits for each inside of the one before."""


@asynccontextmanager
async def http_transport(url: str) -> AsyncIterator[TransportStreams]:
    """Carries messages by streamable HTTP; one that is too long fails its call."""
    import httpx2
    from mcp.client.streamable_http import streamable_http_client

    timeout = httpx2.Timeout(_OTHERWISE, read=_READ)
    async with (
        # Without compression: a few kilobytes could unpack to gigabytes.
        _client_class()(
            timeout=timeout,
            headers={"accept-encoding": "identity"},
            event_hooks={"response": [_bound]},
        ) as client,
        streamable_http_client(url, http_client=client, max_sse_event_size=2 * LONGEST) as streams,
        looked_at(streams) as ours,
    ):
        yield ours


@lru_cache(maxsize=1)
def _client_class() -> type[httpx2.AsyncClient]:
    import httpx2

    class Client(httpx2.AsyncClient):
        """A connection that breaks off fails its call: the package would end the whole server."""

        again = 0

        async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
            if request.method == "GET":
                await asyncio.sleep(_PAUSE)
                self.again += "last-event-id" in request.headers
                if self.again > _AGAIN:
                    raise httpx2.RemoteProtocolError("it was asked for the rest of its answer too often")
                return await super().send(request, **options)
            self.again = 0
            try:
                return await super().send(request, **options)
            except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.UnsupportedProtocol):
                raise  # nobody is there
            except httpx2.TransportError as error:
                return _broken_off(request, error)

    return Client


def _broken_off(request: httpx2.Request, error: Exception) -> httpx2.Response:
    """What stands for an answer that did not begin."""
    import httpx2
    from mcp_types import CONNECTION_CLOSED

    why = {"code": CONNECTION_CLOSED, "message": f"its answer broke off: {str(error)[:200] or type(error).__name__}"}
    body = json.dumps({"jsonrpc": "2.0", "id": None, "error": why}).encode()
    return httpx2.Response(502, headers={"content-type": "application/json"}, content=body, request=request)


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
            try:
                async for part in parts:
                    yield part
            except httpx2.TransportError as error:
                # A stream ends here, and its rest is asked for where the server offers that.
                if not streams:
                    raise httpx2.StreamError(f"it broke off: {str(error)[:200]}") from None

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
