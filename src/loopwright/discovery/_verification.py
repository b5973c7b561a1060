"""Verifies constructions in a sandbox where no candidate ever ran."""

from __future__ import annotations

import asyncio
import base64
import json
from dataclasses import dataclass
from typing import Literal

from loopwright.discovery._problem import Problem
from loopwright.errors import VerifierError
from loopwright.sandbox import GuestLost, GuestProgram, Sandbox, SandboxProvider, SandboxSpec

_ENTRY = "loopwright.discovery._guest.verifier"
_LONGEST = 1024 * 1024
_GRACE = 10.0
"""Seconds beyond the verifier's own limit in which its sandbox must answer."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What a verifier says of a construction."""

    outcome: Literal["value", "invalid", "failed"]
    """A value; data that breaks a rule; or a verifier that raised, hung or returned no number."""
    value: float = 0.0
    why: str = ""


class ConstructionVerifier:
    """Asks the verifier of one problem. Every verification has a process of its own; the candidate sends data only."""

    def __init__(self, provider: SandboxProvider, spec: SandboxSpec, problem: Problem) -> None:
        self._provider, self._spec, self._problem = provider, spec, problem
        self._sandbox: Sandbox | None = None
        self._program: GuestProgram | None = None
        self._turn = asyncio.Lock()

    async def verify(self, data: bytes) -> Verification:
        """Verifies the content of a construction's file.

        Raises:
            VerifierError: The sandbox does not answer.
            SandboxError: There is no sandbox, or it was lost.
        """
        async with self._turn:
            return await self._verify(data)

    async def _verify(self, data: bytes) -> Verification:
        program = await self._started()
        problem, shape = self._problem, self._problem.construction
        asked = {
            "verifier": problem.verifier,
            "data": base64.b64encode(data).decode(),
            "kind": shape.kind,
            "shape": shape.shape,
            "largest": shape.largest,
            "most": shape.most,
            "seconds": problem.verify_timeout,
        }
        try:
            await program.send(json.dumps(asked).encode())
            said = json.loads(await asyncio.wait_for(program.receive(), problem.verify_timeout + _GRACE))
        except (GuestLost, TimeoutError, ValueError) as error:
            try:
                await program.stop()  # `WorkerLost` if the worker is gone: then the verifier did not fail
            finally:
                await self.close()
            raise VerifierError(f"the sandbox of the verifier does not answer: {error or 'it timed out'}") from None
        outcome, what = next(iter(said.items()))
        return Verification("value", what) if outcome == "value" else Verification(outcome, why=str(what))

    async def _started(self) -> GuestProgram:
        if self._program is None:
            self._sandbox = await self._provider.open(self._spec)
            self._program = await GuestProgram.start(self._sandbox, _ENTRY, limit=_LONGEST, options=["-I"])
        return self._program

    async def close(self) -> None:
        """Ends the sandbox; harmless when called twice."""
        sandbox, self._sandbox, self._program = self._sandbox, None, None
        if sandbox is not None:
            await sandbox.close()
