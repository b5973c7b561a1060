"""A server's program on this machine, as `pipe_transport` takes one."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from typing import Self

from loopwright.task import McpServerOptions

_PART = 64 * 1024
"""Bytes that are read at once."""
_GRACE = 2.0
"""Seconds that a program has to end after its stdin ended, and once more after it was told to."""


class Program:
    """A program of a group of its own: what it started ends with it, unless it left the group."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, options: McpServerOptions) -> Self:
        """Starts it with few of this process's variables; what it writes to stderr goes nowhere.

        Raises:
            OSError: There is no such program, or it may not be started.
        """
        from mcp.client.stdio import get_default_environment

        process = await asyncio.create_subprocess_exec(
            *options.command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={**get_default_environment(), **options.env},
            start_new_session=True,
        )
        return cls(process)

    async def write(self, data: bytes) -> None:
        """Sends bytes to its stdin; nothing where the program has closed it: its answer is what is waited for."""
        stdin = self._process.stdin
        assert stdin is not None
        with contextlib.suppress(OSError):
            stdin.write(data)
            await stdin.drain()

    async def read(self) -> bytes:
        """The next bytes of its stdout; empty at the end."""
        stdout = self._process.stdout
        assert stdout is not None
        return await stdout.read(_PART)

    async def kill(self) -> None:
        """Ends the program: it may end by itself, then it is told to, then it is killed."""
        stdin = self._process.stdin
        assert stdin is not None
        stdin.close()
        try:
            if not await self._ended():
                self._signal(signal.SIGTERM)
                await self._ended()
        finally:
            # What is left of its group, also where the program itself has ended, or nobody waits for its end any more.
            self._signal(signal.SIGKILL)
            await self._ended()
            # What left the group may hold the pipes open; nothing public closes this end of them.
            if (transport := getattr(self._process, "_transport", None)) is not None:
                with contextlib.suppress(PermissionError, ProcessLookupError):
                    transport.close()

    async def _ended(self) -> bool:
        # Its pipes may be open still, in what it started: only the program itself is waited for.
        end = time.monotonic() + _GRACE
        while self._process.returncode is None and time.monotonic() < end:
            # A program that writes could not come to its end otherwise.
            with contextlib.suppress(TimeoutError):
                if not await asyncio.wait_for(self.read(), 0.02):
                    await asyncio.sleep(0.02)
        return self._process.returncode is not None

    def _signal(self, sign: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, sign)
