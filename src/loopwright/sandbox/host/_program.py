"""A program in a sandbox, spoken to in frames."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from loopwright.errors import SandboxLost
from loopwright.sandbox._guest.frames import FrameDecoder, frame
from loopwright.sandbox._types import Process, Sandbox
from loopwright.sandbox.host._bundle import bundle

_LIFETIME = 24 * 3600.0  # its sandbox ends sooner
_ENDING = 60.0
"""Seconds until a program that was killed is gone, on a busy machine, too."""


class GuestLost(Exception):
    """A guest program ended, or what it writes are no frames; the text goes on after "the process"."""


class GuestProgram:
    """A program of a `_guest` folder that runs in a sandbox."""

    def __init__(self, process: Process, limit: int) -> None:
        self._process = process
        self._frames = FrameDecoder(limit)

    @classmethod
    async def start(cls, sandbox: Sandbox, entry: str, *, limit: int, options: Sequence[str] = ()) -> GuestProgram:
        """Starts a program.

        Args:
            sandbox: Where it runs; it needs python3.
            entry: The module whose `main` is the program.
            limit: Bytes that one of its frames may have.
            options: Options of Python.

        Raises:
            SandboxLost: The sandbox is gone.
        """
        program = bundle(entry)
        process = await sandbox.start(["python3", *options, "-c", program.boot], timeout=_LIFETIME)
        await process.write(program.payload)
        return cls(process, limit)

    async def send(self, *parts: bytes) -> None:
        """Sends a frame whose body the parts make.

        Raises:
            SandboxLost: The sandbox is gone.
        """
        await self._process.write(frame(*parts))

    async def receive(self) -> bytes:
        """Waits for the body of the next frame.

        Raises:
            GuestLost: There will be none.
            SandboxLost: The sandbox is gone.
        """
        try:
            while (body := self._frames.take()) is None:
                part = await self._process.read()
                if not part:
                    raise GuestLost("ended")
                self._frames.feed(part)
        except ValueError:
            raise GuestLost("wrote something that is no message") from None
        return body

    async def stop(self) -> None:
        """Kills it with everything it started, and waits until that is done.

        Raises:
            SandboxLost: The sandbox is gone, or does not say that it is done.
        """
        try:
            async with asyncio.timeout(_ENDING):
                await self._process.kill()
                await self._process.wait()
        except TimeoutError:
            raise SandboxLost(f"a program in the sandbox did not end within {_ENDING:g} s") from None
