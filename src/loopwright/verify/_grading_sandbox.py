"""One of the two sandboxes of a grading, with its program, replaced when it is lost."""

from __future__ import annotations

import asyncio
import contextlib
import os

from loopwright.errors import SandboxLost, VerifierError
from loopwright.sandbox import GuestLost, Sandbox, SandboxProvider, SandboxSpec
from loopwright.verify._guest.programs import TOKEN
from loopwright.verify._program import Program, ProgramName

_PATIENCE = 10.0
"""Seconds in which a program that runs already takes other files or tests; one that does not is replaced."""


class GradingSandbox:
    """A sandbox and the program in it."""

    def __init__(self, provider: SandboxProvider, spec: SandboxSpec, name: ProgramName) -> None:
        self._provider = provider
        self._spec = spec
        self._name: ProgramName = name
        self._sandbox: Sandbox | None = None
        self._program: Program | None = None
        self._setup: tuple[bytes, bytes] = (b"", b"")

    async def ready(self, setup: tuple[bytes, bytes] | None = None) -> Program:
        """The running program, set up with a frame; without one as it was last.

        Raises:
            SandboxError: There is no sandbox, or it was lost at once.
            VerifierError: The program does not start, or refuses the frame.
        """
        if self._program is not None and setup in (None, self._setup):
            return self._program
        self._setup = setup or self._setup
        if self._sandbox is None:
            self._sandbox = await self._provider.open(self._spec)
        fresh = self._program is None
        program = self._program or await Program.start(self._sandbox, self._name)
        self._program = program
        kind, payload = self._setup
        token = os.urandom(TOKEN)
        said, lost = (b"", b""), "wrote something that is no answer"
        try:
            async with asyncio.timeout(None if fresh else _PATIENCE):
                await program.send(kind, token + payload)
                said = await program.receive()
        except asyncio.CancelledError:
            await self.drop_program()  # what it still says would be taken for the next answer
            raise
        except (GuestLost, TimeoutError) as error:
            lost = str(error) or "did not answer"
        if said == (b"K", token):
            return program
        if self._name == "verifier" and said[0] == b"B":
            raise VerifierError(f"the tests cannot be compiled in the sandbox: {said[1].decode('utf-8', 'replace')}")
        await self.drop_program()
        if not fresh:  # lost while nobody looked, or an earlier candidate wrote frames that nobody read
            return await self.ready(self._setup)
        raise VerifierError(
            f"the {self._name} program does not start in {self._sandbox.image}: its process {lost}",
            remedy="The image needs python3, 3.10 or later.",
        )

    async def drop_program(self) -> None:
        """Kills the program with all its descendants; the next one starts afresh."""
        program, self._program = self._program, None
        if program is not None:
            with contextlib.suppress(SandboxLost):
                await program.stop()

    async def drop_sandbox(self) -> None:
        """Removes the sandbox; the next one is a new one."""
        self._program = None
        sandbox, self._sandbox = self._sandbox, None
        if sandbox is not None:
            await sandbox.close()
