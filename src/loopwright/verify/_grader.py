"""Runs tests against a candidate in two sandboxes that meet only here.

The tests run in the verifier's sandbox, the candidate's modules in the candidate's. What passes between them are
requests and plain values in a closed encoding; the verdict comes over the verifier's pipe, to which the candidate has
no way.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Self

from loopwright.errors import SandboxLost, VerifierError, WorkerLost
from loopwright.sandbox import SandboxProvider, SandboxSpec, colocated
from loopwright.types import Check, Verdict
from loopwright.verify._grading_sandbox import GradingSandbox
from loopwright.verify._guest.conversation.values import pack
from loopwright.verify._program import Program
from loopwright.verify._relay import CandidateSandboxLost, TestRelay
from loopwright.verify._suite import PythonSuite

_EVIDENCE = 1500
"""Characters of a test's evidence that are kept."""


@dataclass(frozen=True, slots=True)
class CaseOutcome:
    """How one test ended."""

    passed: bool
    evidence: str = ""
    stdout: str = ""
    """What the candidate printed meanwhile, cut."""
    stderr: str = ""
    timed_out: bool = False


@dataclass(frozen=True, slots=True)
class Grading:
    """What a suite said about a candidate."""

    verdict: Verdict
    outcomes: Mapping[str, CaseOutcome]
    """Per test that was run, in order; under the empty name the import that precedes them, where it failed."""


class Grader:
    """Two sandboxes, kept warm between gradings; every test has fresh processes in both.

    Args:
        provider: Opens the sandboxes.
        spec: What they are like.
        reuse: Whether the tests of a suite share the candidate's sandbox. In a shared one a test sees the files that
            the candidate wrote to `/tmp` in earlier tests.
    """

    def __init__(self, provider: SandboxProvider, spec: SandboxSpec, *, reuse: bool = True) -> None:
        self._reuse = reuse
        # A test is a conversation of dozens of messages.
        self._there = colocated(provider, partial(Grader, spec=spec, reuse=reuse))
        self._verifier = GradingSandbox(provider, _for(spec, "verifier"), "verifier")
        self._candidate = GradingSandbox(provider, _for(spec, "candidate"), "candidate")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Removes both sandboxes; harmless when called twice."""
        if self._there is not None:
            await self._there.close()
        else:
            await asyncio.gather(self._verifier.drop_sandbox(), self._candidate.drop_sandbox())

    async def grade(self, files: Mapping[str, str], suite: PythonSuite, *, patience: int | None = None) -> Grading:
        """Runs every test.

        Args:
            files: The candidate's files.
            suite: The tests.
            patience: Tests in a row that may run out of time before the rest is not run any more; None for all.

        Raises:
            VerifierError: The tests themselves cannot be run; nothing is said about the candidate.
            SandboxError: There is no sandbox, or the verifier's was lost.
        """
        if self._there is not None:
            grading: Grading = await self._there.call("grade", dict(files), suite, patience=patience)
            return grading
        try:
            return await self._grade(files, suite, patience)
        except WorkerLost:
            await self.close()
            raise
        except SandboxLost:
            await self._verifier.drop_sandbox()  # a retry finds a new one
            raise

    async def _grade(self, files: Mapping[str, str], suite: PythonSuite, patience: int | None) -> Grading:
        started = time.monotonic()
        await self._set_up(files, suite)
        outcomes: dict[str, CaseOutcome] = {}
        imported = await self._run("", suite)
        if not imported.passed:
            outcomes[""] = imported
            return Grading(_not_imported(suite, imported, time.monotonic() - started), outcomes)
        checks: list[Check] = []
        timeouts = 0
        for place, name in enumerate(suite.names):
            if place and not self._reuse:
                await self._candidate.drop_sandbox()
            if patience is not None and timeouts >= patience:
                checks.append(
                    Check(name=name, score=0, evidence=f"not run: {timeouts} tests before it ran out of time")
                )
                continue
            outcome = outcomes[name] = await self._run(name, suite)
            timeouts = timeouts + 1 if outcome.timed_out else 0
            checks.append(Check(name=name, score=float(outcome.passed), evidence=outcome.evidence))
        passed = sum(check.passed for check in checks)
        summary = f"{passed} of {len(checks)} tests passed"
        verdict = Verdict(checks=tuple(checks), summary=summary, seconds=time.monotonic() - started)
        return Grading(verdict, outcomes)

    async def _set_up(self, files: Mapping[str, str], suite: PythonSuite) -> None:
        """Readies both sides at once; neither is left half opened when the other fails."""
        done = await asyncio.gather(
            self._verifier.ready((b"L", pack((suite.source, suite.modules, suite.refused, suite.withheld)))),
            self._ready_candidate((b"F", pack(dict(files)))),
            return_exceptions=True,
        )
        for result in done:
            if isinstance(result, BaseException):
                raise result

    async def _ready_candidate(self, setup: tuple[bytes, bytes] | None = None) -> Program:
        try:
            return await self._candidate.ready(setup)
        except WorkerLost:
            raise
        except SandboxLost:  # what an earlier candidate left behind may have ended it
            await self._candidate.drop_sandbox()
            return await self._candidate.ready(setup)

    async def _run(self, name: str, suite: PythonSuite) -> CaseOutcome:
        """Runs one test, or the import alone where the name is empty."""
        for _ in range(2):  # its doing or not, a candidate whose sandbox ends gets one more chance in a new one
            test = TestRelay(await self._verifier.ready(), await self._ready_candidate())
            try:
                await test.run(name, suite.timeout)
            except CandidateSandboxLost:
                await self._candidate.drop_sandbox()
                continue
            finally:
                if not test.verifier_clean:
                    await self._verifier.drop_program()
                if not test.candidate_clean:
                    await self._candidate.drop_program()
            return _outcome(test)
        return CaseOutcome(False, "the candidate's sandbox was lost in this test, and again when it was run once more")


def _for(spec: SandboxSpec, purpose: str) -> SandboxSpec:
    return replace(spec, labels={**spec.labels, "purpose": purpose})


def _outcome(test: TestRelay) -> CaseOutcome:
    if test.status == "broken":
        raise VerifierError(
            f"the tests cannot be run: {test.evidence}",
            remedy="Tests may import the task's modules, `checks`, and what the sandbox's Python has.",
        )
    evidence = test.evidence if len(test.evidence) <= _EVIDENCE else f"{test.evidence[:_EVIDENCE]} ..."
    return CaseOutcome(test.status == "passed", evidence, *test.output, timed_out=test.timed_out)


def _not_imported(suite: PythonSuite, outcome: CaseOutcome, seconds: float) -> Verdict:
    told = f"not run, for the same reason as {suite.names[0]}" if suite.names else ""
    checks = [Check(name=name, score=0, evidence=told) for name in suite.names]
    checks[:1] = [check.model_copy(update={"evidence": outcome.evidence}) for check in checks[:1]]
    summary = f"{suite.modules[0]}.py cannot be imported: {outcome.evidence.partition(chr(10))[0]}"
    return Verdict(checks=tuple(checks), summary=summary, seconds=seconds)
