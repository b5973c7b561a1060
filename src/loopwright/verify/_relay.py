"""One test: what passes between the verifier's program and the candidate's."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from loopwright.errors import SandboxLost, VerifierError, WorkerLost
from loopwright.sandbox import GuestLost
from loopwright.text import cut_middle, printable_lines
from loopwright.verify._guest.candidate import UNUSABLE
from loopwright.verify._guest.conversation.values import unpack
from loopwright.verify._program import Program

_GRACE = 2.0
"""Seconds for a program to say what it still has to say."""
_TRAFFIC = 32 * 1024 * 1024
"""Bytes that a candidate may send to one test."""
_SMALL = 512 * 1024
"""Bytes of a frame of the candidate's that is looked into here and not passed on."""
_OUTPUT = 2000
"""Characters that are kept of what a candidate prints to each stream during a test."""


class CandidateSandboxLost(Exception):
    """The candidate's sandbox ended, or cannot be used any more."""


class TestRelay:
    """Lets the test ask the candidate, until there is a result or there can be none."""

    __test__: ClassVar[bool] = False  # it is no test of pytest's

    def __init__(self, verifier: Program, candidate: Program) -> None:
        self._verifier = verifier
        self._candidate = candidate
        self._traffic = 0
        self._asked = 0
        self._waits_for_candidate = False
        self.status = "failed"
        self.evidence = ""
        self.output = ("", "")
        self.timed_out = False
        self.verifier_clean = False
        """Whether the verifier's program can run another test."""
        self.candidate_clean = False

    async def run(self, name: str, timeout: float) -> None:
        """Runs a test, or the import alone where the name is empty.

        Raises:
            CandidateSandboxLost: The candidate's sandbox ended.
            VerifierError: The verifier's program ended before the candidate was asked anything.
            SandboxLost: The verifier's sandbox ended, or the worker of one of both.
        """
        lost = ""
        try:
            async with asyncio.timeout(timeout):
                with _candidates():
                    await self._candidate.send(b"S")
                await self._verifier.send(b"T", name.encode())
                lost = await self._relay()
        except TimeoutError:
            self.timed_out = True
            await self._stop()
            lost = f"no result within {timeout:g} s"
            lost += "; the candidate was at work" if self._waits_for_candidate else "; the test's own code was at work"
        except GuestLost:
            lost = "the test's process ended without a result"
        if not lost:
            await self._end()
        elif self._waits_for_candidate:
            await self._give_up(lost)
        elif self._asked:
            self.evidence = lost
        else:
            raise VerifierError(lost, remedy="The test had asked nothing of the candidate yet.")

    async def _stop(self) -> None:
        """Ends the candidate's program, and the test's unless it is still to be told that there is no answer.

        Where the worker of one is gone, nothing came from there either: then this was no time-out.

        Raises:
            CandidateSandboxLost: The candidate's sandbox ended.
            SandboxLost: The verifier's sandbox ended, or the worker.
        """
        with _candidates():
            await self._candidate.stop()
        if not self._waits_for_candidate:
            await self._verifier.stop()

    async def _relay(self) -> str:
        """Passes messages on until there is a result; returns why there will be none, or an empty text."""
        while True:
            kind, payload = await self._verifier.receive()
            if kind == b"R":
                self.status, evidence = unpack(payload)
                self.evidence = printable_lines(evidence)
                return ""
            if kind != b"Q":
                return f"the test's process ended {_how(unpack(payload))}"
            self._asked += 1
            self._waits_for_candidate = True
            with _candidates():
                await self._candidate.send(b"Q", payload)
                try:
                    kind, payload = await self._candidate.receive()
                except GuestLost as error:
                    return f"the candidate's process {error}"
            self._traffic += len(payload)
            if kind == b"E":
                code, _ = _ending(payload)
                if code == UNUSABLE:
                    raise CandidateSandboxLost
                return f"the candidate's process ended {_how(code)} before it answered"
            if kind != b"A":
                return "the candidate's process wrote something that is no message"
            if self._traffic > _TRAFFIC:
                return f"the candidate sent more than {_TRAFFIC >> 20} MiB to one test"
            self._waits_for_candidate = False
            await self._verifier.send(b"A", payload)

    async def _give_up(self, lost: str) -> None:
        """Tells the test, which waits for an answer, that there will be none: it knows where it was."""
        self.evidence = lost
        try:
            async with asyncio.timeout(_GRACE):
                await self._verifier.send(b"X", lost.encode())
                kind, payload = await self._verifier.receive()
                if kind == b"R":
                    self.evidence = printable_lines(unpack(payload)[1]) or lost
                    await self._verifier_ends()
        except (TimeoutError, GuestLost):
            return

    async def _verifier_ends(self) -> None:
        kind, _ = await self._verifier.receive()
        self.verifier_clean = kind == b"E"

    async def _end(self) -> None:
        """Ends both processes, and takes what the candidate printed."""
        try:
            async with asyncio.timeout(_GRACE):
                await self._verifier_ends()
                with _candidates():
                    await self._candidate.send(b"X")
                    kind, payload = await self._candidate.receive()
                    if kind == b"O":
                        stdout, stderr = _said(payload)
                        self.output = (_shown(stdout), _shown(stderr))
                        kind, payload = await self._candidate.receive()
                        self.candidate_clean = kind == b"E" and _ending(payload) == (0, 0)
        except (TimeoutError, GuestLost, CandidateSandboxLost, ValueError, TypeError, RecursionError):
            return  # what is not clean is replaced; the result stands


@contextmanager
def _candidates() -> Iterator[None]:
    try:
        yield
    except WorkerLost:
        raise  # the candidate is not to blame
    except SandboxLost as error:
        raise CandidateSandboxLost from error


def _ending(payload: bytes) -> tuple[object, object]:
    """Exit code, and number of processes left behind, from the candidate's `E` frame."""
    try:
        code, left = _said(payload)
    except (ValueError, TypeError, RecursionError):
        return None, None
    return code, left


def _said(payload: bytes) -> Any:
    """What the candidate's process wrote in JSON, whatever that is."""
    if len(payload) > _SMALL:
        raise ValueError("a frame is too large")
    return json.loads(payload)


def _how(code: object) -> str:
    """How a process ended, as it says itself."""
    if not isinstance(code, int) or code not in range(-64, 256):
        return "with an exit code that is none"
    if code >= 0:
        return f"with exit code {code}"
    try:
        return f"by signal {signal.Signals(-code).name}"
    except ValueError:
        return f"by signal {-code}"


def _shown(output: object) -> str:
    return cut_middle(printable_lines(output), _OUTPUT) if isinstance(output, str) else ""
