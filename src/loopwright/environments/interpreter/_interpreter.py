"""A Python interpreter in a sandbox of its own, which keeps its names."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from loopwright.environments._dialogue import Dialogue, Silent
from loopwright.environments._types import EnvironmentSetup
from loopwright.sandbox import Sandbox


class Interpreter:
    """An interpreter in a sandbox."""

    def __init__(self, sandbox: Sandbox, dialogue: Dialogue) -> None:
        self._sandbox = sandbox
        self._dialogue = dialogue

    @classmethod
    async def open(cls, setup: EnvironmentSetup) -> Interpreter:
        """Opens a sandbox and starts an interpreter in it.

        Raises:
            SandboxError: There is no sandbox.
        """
        sandbox = await setup.provider.open(setup.spec)
        try:
            return cls(sandbox, await Dialogue.start(sandbox, "interpreter"))
        except BaseException:
            await sandbox.close()
            raise

    async def run(self, code: str, seconds: float, alias: Sequence[str] = ()) -> tuple[str, str, bool]:
        """Runs code; returns output, error, and whether it failed. After a time-out the interpreter is a new one."""
        try:
            answer = await self._dialogue.ask({"code": code, "alias": list(alias)}, timeout=seconds)
        except Silent as silence:
            await self.renew()
            return "", f"Error: {silence}; the interpreter begins anew", True
        return str(answer.get("output", "")), str(answer.get("error", "")), bool(answer.get("failed"))

    async def renew(self) -> None:
        """Begins anew without any names."""
        self._dialogue = await Dialogue.start(self._sandbox, "interpreter")

    async def alias(self, new: str, old: str, seconds: float) -> None:
        """Gives a function another name."""
        await self.run("", seconds, (new, old))

    async def close(self) -> None:
        """Ends the sandbox."""
        await asyncio.shield(self._sandbox.close())
