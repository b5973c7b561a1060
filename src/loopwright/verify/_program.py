"""A program of a grading, spoken to in messages: one byte of kind, then the payload."""

from __future__ import annotations

from typing import Literal

from loopwright.sandbox import GuestProgram, Sandbox
from loopwright.verify._guest.conversation.values import MAX_BYTES

ProgramName = Literal["candidate", "verifier"]


class Program:
    """Sends and receives messages."""

    def __init__(self, program: GuestProgram) -> None:
        self._program = program
        self.stop = program.stop

    @classmethod
    async def start(cls, sandbox: Sandbox, name: ProgramName) -> Program:
        """Starts a program.

        Raises:
            SandboxError: The sandbox is gone.
        """
        limit = MAX_BYTES + 64 * 1024
        # Isolated: nothing in the sandbox's folders or environment takes the place of a module.
        return cls(await GuestProgram.start(sandbox, f"loopwright.verify._guest.{name}", limit=limit, options=["-I"]))

    async def send(self, kind: bytes, payload: bytes = b"") -> None:
        """Sends a message."""
        await self._program.send(kind, payload)

    async def receive(self) -> tuple[bytes, bytes]:
        """Waits for the next message.

        Raises:
            GuestLost: There will be none.
            SandboxError: The sandbox is gone.
        """
        body = await self._program.receive()
        return body[:1], body[1:]
