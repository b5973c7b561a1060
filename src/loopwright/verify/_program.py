"""A program in a sandbox, spoken to in frames."""

from __future__ import annotations

from loopwright.sandbox import Process, Sandbox
from loopwright.verify._bundle import ProgramName, program
from loopwright.verify._guest.values import MAX_BYTES
from loopwright.verify._guest.wire import HEADER

_MAX_FRAME = MAX_BYTES + 64 * 1024
_LIFETIME = 24 * 3600.0  # its sandbox ends sooner


class ProgramLost(Exception):
    """The program ended, or what it writes are no frames; the text goes on after "the process"."""


class Program:
    """Sends and receives frames."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._buffer = bytearray()

    @classmethod
    async def start(cls, sandbox: Sandbox, name: ProgramName) -> Program:
        """Starts a program.

        Raises:
            SandboxError: The sandbox is gone.
        """
        argv, source = program(name)
        process = await sandbox.start(argv, timeout=_LIFETIME)
        await process.write(source)
        return cls(process)

    async def send(self, kind: bytes, payload: bytes = b"") -> None:
        """Sends a frame."""
        await self._process.write(HEADER.pack(kind, len(payload)) + payload)

    async def receive(self) -> tuple[bytes, bytes]:
        """Waits for the next frame.

        Raises:
            ProgramLost: There will be none.
            SandboxError: The sandbox is gone.
        """
        kind, length = HEADER.unpack(await self._take(HEADER.size))
        if length > _MAX_FRAME:
            raise ProgramLost("wrote something that is no message")
        return kind, await self._take(length)

    async def _take(self, size: int) -> bytes:
        while len(self._buffer) < size:
            part = await self._process.read()
            if not part:
                raise ProgramLost("ended")
            self._buffer += part
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data

    async def stop(self) -> None:
        """Kills it with everything it started, and waits until that is done."""
        await self._process.kill()
        await self._process.wait()
