"""One Bash process for all commands of an episode: variables, functions and background jobs stay."""

from __future__ import annotations

import asyncio
import base64
import secrets
from dataclasses import dataclass

from loopwright.sandbox import Process, Sandbox


@dataclass(frozen=True, slots=True)
class CommandResult:
    """How a command ended."""

    output: bytes
    """stdout and stderr in the order they were written."""
    ok: bool
    """Whether it ended by itself with status 0."""
    exit_code: int = 0
    timed_out: bool = False
    cut: bool = False
    """Whether the output was too long, so that its middle is missing."""

    @property
    def text(self) -> str:
        """The output as UTF-8, bad bytes replaced."""
        return self.output.decode("utf-8", "replace")


_LIFETIME = 86_400.0
_DIGITS = 3
"""Digits of an exit status, at most."""
OUTPUT_KEPT = 2 * 1024 * 1024
"""Bytes of a command's output that are kept and compared."""


class PersistentShell:
    """Types commands into a shell that stays; one that hangs is killed with all it started, and begins anew."""

    def __init__(self, sandbox: Sandbox, cwd: str) -> None:
        self._sandbox = sandbox
        self._process: Process | None = None
        self.cwd = cwd

    async def run(self, command: str, *, timeout: float | None) -> CommandResult:
        """Runs a command in the shell.

        Raises:
            SandboxLost: The sandbox is gone.
        """
        process = self._process = self._process or await self._start()
        mark = f"loopwright-{secrets.token_hex(8)}:".encode()
        text = base64.b64encode(command.encode("utf-8", "surrogateescape")).decode()
        # Encoded, so that no quote in it ends what is typed; its stdin is not the one that we type into.
        typed = (
            f'{{ eval "$(echo {text} | base64 -d)"; }} </dev/null; printf "\\n%s%s:%s\\n" {mark.decode()} $? "$PWD"\n'
        )
        await process.write(typed.encode())
        try:
            output, end, cut = await asyncio.wait_for(_until(process, mark), timeout)
        except TimeoutError:
            await self._kill()
            return CommandResult(b"", ok=False, exit_code=-9, timed_out=True)
        if not end:
            await self._kill()
            return CommandResult(output, ok=False, exit_code=-1, cut=cut)
        code, _, cwd = end.partition(b":")
        self.cwd = folder_of(cwd) or self.cwd
        # A command may have replaced `printf`: what stands there is any text.
        exit_code = int(code) if code.isdigit() and len(code) <= _DIGITS else -1
        return CommandResult(output.removesuffix(b"\n"), ok=code == b"0", exit_code=exit_code, cut=cut)

    async def _start(self) -> Process:
        argv = ["/bin/sh", "-c", 'cd -- "$0" 2>/dev/null || cd /; unset OLDPWD; exec /bin/bash 2>&1', self.cwd]
        return await self._sandbox.start(argv, timeout=_LIFETIME, cwd="/")

    async def _kill(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            await process.kill()
            await process.wait()


def folder_of(said: bytes) -> str:
    """The working directory that a shell tells; empty where a command wrote something else in its place."""
    return "" if b"\0" in said else said.decode("utf-8", "surrogateescape")


async def _until(process: Process, mark: bytes) -> tuple[bytes, bytes, bool]:
    """The output before the mark, the line after it, and whether it was cut; no line where the shell ended."""
    seen, cut = b"", False
    while True:
        output, found, rest = seen.rpartition(mark)
        if found and b"\n" in rest:
            return output, rest.partition(b"\n")[0], cut
        part = await process.read()
        if not part:
            return seen, b"", cut
        seen += part
        if len(seen) > OUTPUT_KEPT:
            # The beginning and the end are kept, as elsewhere.
            seen, cut = seen[: OUTPUT_KEPT // 2] + seen[-OUTPUT_KEPT // 2 :], True
