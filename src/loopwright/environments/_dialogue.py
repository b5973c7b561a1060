"""Talks with a program in a sandbox: a question and its answer, each a JSON object in a frame."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from loopwright.sandbox import GuestLost, GuestProgram, Sandbox

_LONGEST = 8 * 1024 * 1024


class Silent(Exception):
    """The program did not answer, or not in this language; it is not spoken to any more."""


class Dialogue:
    """A running program that answers questions."""

    def __init__(self, program: GuestProgram) -> None:
        self._program = program
        self._over = False

    @classmethod
    async def start(cls, sandbox: Sandbox, name: str) -> Dialogue:
        """Starts a program of `_guest`.

        Raises:
            SandboxLost: The sandbox is gone.
        """
        entry = f"loopwright.environments._guest.{name}"
        return cls(await GuestProgram.start(sandbox, entry, limit=_LONGEST, options=["-X", "utf8"]))

    async def ask(self, question: Mapping[str, Any], *, timeout: float) -> dict[str, Any]:
        """Sends a question and waits for its answer.

        Raises:
            Silent: None came in time, or the program ended.
            SandboxLost: The sandbox is gone.
        """
        if self._over:
            raise Silent("it has ended")
        try:
            await self._program.send(json.dumps(question).encode())
            found = json.loads(await asyncio.wait_for(self._program.receive(), timeout))
            if not isinstance(found, dict):
                raise ValueError(found)
        except TimeoutError:
            raise await self._silent("it timed out") from None
        except GuestLost:
            raise await self._silent("it has ended") from None
        except (ValueError, RecursionError):
            raise await self._silent("it cannot be understood") from None
        return found

    async def _silent(self, why: str) -> Silent:
        self._over = True
        await self._program.stop()
        return Silent(why)
