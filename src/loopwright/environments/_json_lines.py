"""Talks with a program in a sandbox: one JSON object a line, question and answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from loopwright.sandbox import Process, Sandbox

_LIFETIME = 86_400.0
_LONGEST = 8 * 1024 * 1024


class Silent(Exception):
    """The program did not answer, or not in this language; it is not spoken to any more."""


class JsonLineClient:
    """A running program."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._received = b""
        self._over = False

    @classmethod
    async def start(cls, sandbox: Sandbox, program: str, arguments: Sequence[str] = ()) -> JsonLineClient:
        """Starts a program of `_guest`.

        Raises:
            SandboxLost: The sandbox is gone.
        """
        source = (files("loopwright.environments") / "_guest" / f"{program}.py").read_text("utf-8")
        argv = ["python3", "-X", "utf8", "-c", source, *arguments]
        return cls(await sandbox.start(argv, timeout=_LIFETIME))

    async def ask(self, question: Mapping[str, Any], *, timeout: float) -> dict[str, Any]:
        """Sends a question and waits for its answer.

        Raises:
            Silent: None came in time, or the program ended.
            SandboxLost: The sandbox is gone.
        """
        if self._over:
            raise Silent("it has ended")
        try:
            await self._process.write(json.dumps(question).encode() + b"\n")
            answer = await asyncio.wait_for(self._line(), timeout)
            found = json.loads(answer)
            if not isinstance(found, dict):
                raise ValueError(found)
        except (TimeoutError, ValueError) as error:
            self._over = True
            await self._process.kill()
            raise Silent("it timed out" if isinstance(error, TimeoutError) else "it cannot be understood") from None
        return found

    async def _line(self) -> bytes:
        while b"\n" not in self._received:
            part = await self._process.read()
            if not part or len(self._received) > _LONGEST:
                self._over = True
                raise Silent("it has ended")
            self._received += part
        line, _, self._received = self._received.partition(b"\n")
        return line
