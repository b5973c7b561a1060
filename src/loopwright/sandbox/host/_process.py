"""Commands on the host's side."""

from __future__ import annotations

import asyncio

from loopwright.sandbox._guest.messages import Ask
from loopwright.sandbox._types import Completed, Output
from loopwright.sandbox.host._channel import Asked, FrameFields

_TAKE_BACK = 256 * 1024
"""Bytes after which the runner hears that a stream was read."""


def completed(fields: FrameFields) -> Completed:
    """A command's end, as the runner tells it."""
    code, timed_out, out_of_memory, leftovers, seconds = fields[:5]
    stdout, stderr = (Output(fields[at], fields[at + 1], int(fields[at + 2])) for at in (5, 8))
    return Completed(
        exit_code=int(code),
        stdout=stdout,
        stderr=stderr,
        seconds=float(seconds),
        timed_out=timed_out == b"1",
        out_of_memory=out_of_memory == b"1",
        leftovers=int(leftovers),
    )


class RunningProcess:
    """A command that is spoken to while it runs."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._taken = 0
        self._more = asyncio.Event()

    def attach(self, asked: Asked) -> None:
        """Ties it to its request."""
        self._asked = asked
        asked.answer.add_done_callback(self._over)

    def _over(self, answer: asyncio.Future[FrameFields]) -> None:
        if not answer.cancelled():
            answer.exception()  # marks it as seen, for a process that nobody waits for
        self._more.set()

    def received(self, data: bytes) -> None:
        """Takes a piece of its stdout."""
        self._parts.append(data)
        self._more.set()

    async def write(self, data: bytes) -> None:
        """Sends bytes to its stdin.

        Raises:
            SandboxLost: The sandbox is gone.
        """
        if self._asked.answer.done():
            self._asked.answer.result()
        self._asked.tell(Ask.STDIN, data)

    async def read(self) -> bytes:
        """Returns the next bytes of its stdout, waiting for some; empty at the end.

        Raises:
            SandboxLost: The sandbox is gone.
        """
        while not self._parts:
            if self._asked.answer.done():
                self._asked.answer.result()
                return b""
            self._more.clear()
            await self._more.wait()
        data = b"".join(self._parts)
        self._parts.clear()
        self._taken += len(data)
        if self._taken >= _TAKE_BACK:
            self._asked.tell(Ask.TAKEN, b"%d" % self._taken)
            self._taken = 0
        return data

    async def close_stdin(self) -> None:
        """Ends its stdin."""
        self._asked.tell(Ask.CLOSE_STDIN)

    async def kill(self) -> None:
        """Kills it and all its descendants."""
        self._asked.tell(Ask.KILL)

    async def wait(self) -> Completed:
        """Waits for its end. `stdout` of the result is empty: it went to `read`.

        Raises:
            SandboxLost: The sandbox is gone.
        """
        return completed(await asyncio.shield(self._asked.answer))
