"""The host's end of the pipe to a runner."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Callable
from typing import cast

from loopwright.errors import SandboxLost
from loopwright.sandbox._guest.frames import FrameDecoder
from loopwright.sandbox._guest.messages import MAX_BODY, Answer, Ask, message, parse
from loopwright.sandbox.host._bundle import bundle

RUNNER = "loopwright.sandbox._guest.runner"
FrameFields = list[bytes]


class RunnerChannel(asyncio.Protocol):
    """Asks the runner and sorts its answers, without a thread: bytes come in on the event loop."""

    def __init__(self, name: str, unwrap: Callable[[bytes], bytes] = bytes) -> None:
        self._name = name
        self._unwrap = unwrap
        self._decoder = FrameDecoder(MAX_BODY)
        self._waiting: dict[int, asyncio.Future[FrameFields]] = {}
        self._streams: dict[int, Callable[[bytes], None]] = {}
        self._next = 0
        self._transport: asyncio.Transport | None = None
        self._lost = "it was closed"
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when the runner's end of the pipe is closed."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keeps the transport, and sends the runner: nothing may come before it, not even a renewal of the lease."""
        # Those of other event loops, such as uvloop's, are no instances of the class.
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(bundle(RUNNER).payload)

    def data_received(self, data: bytes) -> None:
        """Hands each answer to whoever waits for it."""
        try:
            self._decoder.feed(self._unwrap(data))
            while (body := self._decoder.take()) is not None:
                self._take(*parse(body))
        except ValueError as error:
            self.abort(f"its runner sent what is not a frame ({error})")

    def connection_lost(self, exc: Exception | None) -> None:
        """Fails what is under way."""
        if not self.ended.done():
            self.ended.set_result(None)
        self._lost = self._lost if exc is None else str(exc)
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(self.lost())
        self._waiting.clear()

    def eof_received(self) -> bool:
        """The runner is gone."""
        self._lost = "its runner ended"
        return False

    def lost(self) -> SandboxLost:
        """The error that says why there will be no answer."""
        return SandboxLost(f"sandbox {self._name} is gone: {self._lost}")

    def abort(self, reason: str) -> None:
        """Drops the connection; whoever waits gets `SandboxLost` with the reason."""
        if self._transport and not self._transport.is_closing():
            self._lost = reason
            self._transport.abort()

    def ask(self, kind: int, *fields: bytes, stream: Callable[[bytes], None] | None = None) -> Asked:
        """Sends a request.

        Raises:
            SandboxLost: The connection is closed.
        """
        if self._transport is None or self._transport.is_closing():
            raise self.lost()
        self._next += 1
        number = self._next
        self._waiting[number] = asyncio.get_running_loop().create_future()
        if stream:
            self._streams[number] = stream
        self._transport.write(message(kind, number, *fields))
        return Asked(self, number, self._waiting[number])

    def tell(self, kind: int, number: int, *fields: bytes) -> None:
        """Sends something about a request that is under way; nothing if the connection is closed."""
        if self._transport and not self._transport.is_closing():
            self._transport.write(message(kind, number, *fields))

    async def call(self, kind: int, *fields: bytes) -> FrameFields:
        """Sends a request and waits for its answer.

        Raises:
            SandboxLost: The sandbox is gone.
            OSError: The runner could not do it.
            ValueError: What it was asked for is not allowed.
        """
        return await self.ask(kind, *fields).answer

    def beat(self) -> None:
        """Renews the lease."""
        self.tell(Ask.PING, 0)

    def _take(self, kind: int, number: int, fields: FrameFields) -> None:
        if kind == Answer.CHUNK:
            stream = self._streams.get(number)
            if stream:
                stream(fields[0])
            return
        self._streams.pop(number, None)
        future = self._waiting.pop(number, None)
        if future is None or future.done():
            return
        if kind == Answer.ERROR:
            code, message = int(fields[0]), fields[1].decode("utf-8", "replace")
            future.set_exception(OSError(code, message) if code else ValueError(message))
        else:
            future.set_result(fields)


class Asked:
    """A request that is under way."""

    def __init__(self, channel: RunnerChannel, number: int, answer: asyncio.Future[FrameFields]) -> None:
        self.channel = channel
        self.number = number
        self.answer = answer

    def tell(self, kind: int, *fields: bytes) -> None:
        """Sends something about it."""
        self.channel.tell(kind, self.number, *fields)


def file_error(error: OSError, path: str) -> OSError:
    """The error with the path that it is about."""
    return OSError(error.errno or errno.EIO, error.strerror or os.strerror(errno.EIO), path)
