"""The `discovery` environment: a candidate is a program, and an exact verifier measures what it finds."""

from __future__ import annotations

import asyncio
import math
import os
from collections.abc import Mapping
from statistics import fmean

from pydantic import JsonValue

from loopwright.candidate import Candidate
from loopwright.discovery._execution import Execution, execute
from loopwright.discovery._problem import CONSTRUCTION, MEASURED, PROGRAM, UNFINISHED, Problem, problem_of
from loopwright.discovery._verification import ConstructionVerifier, Verification
from loopwright.environments import EnvironmentSetup
from loopwright.errors import VerifierError
from loopwright.task import Instance
from loopwright.types import Check, Observation, Verdict

_DEVIATIONS = 2.0
"""Standard errors that a noisy value is ranked below its mean."""
_NOT_FINISHED = (
    "the program did not finish, and this problem counts only programs that end by themselves without an error"
)


class DiscoveryEnvironment:
    """Executes a program, takes the data that it wrote, and measures the data by the verifier of the problem.

    An instance's public fields are those of a problem: `verifier`, `construction` (kind, shape, limits), `seed`,
    `known`, `noise`, `timeout`, `unfinished` and `verify_timeout`. The value of the verdict is what the verifier
    returns; nothing that a program prints or reports is read.
    """

    def __init__(self, setup: EnvironmentSetup) -> None:
        self._setup = setup
        self._problem: Problem | None = None
        self._verifier: ConstructionVerifier | None = None
        self._found: dict[str, Mapping[str, JsonValue]] = {}
        """What is kept of a construction that was measured, by the digest of its candidate."""
        self._works = False
        """Whether the verifier returned a value in this episode."""

    @property
    def places(self) -> int:
        """Candidates that are executed at the same time: one for each processor, or for what `sandbox.cpus` says."""
        processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        return max(1, int(processors / max(1.0, self._setup.spec.limits.cpus)))

    @staticmethod
    def check(instance: Instance) -> None:
        """Looks at an instance: for whoever wants to know before a run.

        Raises:
            TaskError: What `reset` would raise.
        """
        problem_of(instance)

    async def reset(self, instance: Instance) -> Observation:
        """Starts an episode.

        Raises:
            TaskError: A field is unknown, missing or cannot be used.
        """
        await self.close()
        self._problem = problem_of(instance)
        self._verifier = ConstructionVerifier(self._setup.provider, self._setup.spec, self._problem)
        self._found, self._works = {}, False
        return Observation()

    async def step(self, action: Candidate) -> Observation:
        """Executes a program and measures what it wrote.

        Raises:
            VerifierError: The verifier fails on what the seed program writes, too.
            SandboxError: There is no sandbox, or it was lost.
        """
        problem, _ = self._started()
        reference = action.artifacts.get(CONSTRUCTION)
        parent = await asyncio.to_thread(self._setup.get, reference) if reference else None
        ran = await execute(self._setup.provider, self._setup.spec, action, parent, problem.timeout)
        if ran.construction is None:
            verdict = Verdict(checks=(Check(name="valid", score=0.0, evidence=ran.problem),), seconds=ran.seconds)
            return Observation(text=f"{ran.problem}. {ran.printed}", verdict=verdict)
        # Not in the thread of the loop: a disk takes longer to be sure of a file than a model's reply to be read.
        stored = await asyncio.to_thread(self._setup.put, ran.construction)
        data: dict[str, JsonValue] = (
            {CONSTRUCTION: stored} if ran.finished else {CONSTRUCTION: stored, UNFINISHED: True}
        )
        if not ran.finished and problem.unfinished == "fails":
            check = Check(name="valid", score=0.0, evidence=_NOT_FINISHED, data=data)
            return Observation(
                text=f"{_NOT_FINISHED}. {ran.printed}", verdict=Verdict(checks=(check,), seconds=ran.seconds)
            )
        self._found[action.digest] = data
        verdict = await self._measured(action, ran.construction, data, ran.seconds)
        return Observation(text=_told(ran, verdict), verdict=verdict)

    async def submit(self, answer: Candidate) -> Verdict:
        """Measures the construction of an answer once more; executes the answer again where nothing is kept of it.

        Raises:
            VerifierError: The verifier fails on what the seed program writes, too.
            SandboxError: There is no sandbox, or it was lost.
        """
        self._started()
        if answer.digest in self._found:
            data = self._found[answer.digest]
            return await self._measured(answer, self._setup.get(str(data[CONSTRUCTION])), data, 0.0)
        return (await self.step(answer)).verdict or Verdict()

    async def close(self) -> None:
        """Ends the verifier's sandbox; harmless when called twice."""
        if self._verifier is not None:
            await self._verifier.close()

    async def _measured(
        self, candidate: Candidate, construction: bytes, data: Mapping[str, JsonValue], seconds: float
    ) -> Verdict:
        problem, verifier = self._started()
        found = await verifier.verify(construction)
        if found.outcome == "failed" and not self._works:
            await self._try_seed(found)
        if found.outcome == "value":
            self._works = True
            if problem.noise:
                return _noisy(found.value, candidate, problem.noise, data, seconds)
            return Verdict(checks=(Check(name="valid", score=1.0, data=data),), value=found.value, seconds=seconds)
        why = found.why if found.outcome == "invalid" else f"the verifier failed on this construction: {found.why}"
        return Verdict(checks=(Check(name="valid", score=0.0, evidence=why, data=data),), seconds=seconds)

    async def _try_seed(self, failed: Verification) -> None:
        """Tells a broken verifier from data that breaks it: it must take what the seed program writes."""
        problem, verifier = self._started()
        if not problem.seed:
            raise VerifierError(
                f"the verifier failed: {failed.why}",
                remedy="Raise ValueError for data that breaks a rule; name a `seed` program to show that it works.",
            )
        seed = Candidate(files={PROGRAM: problem.seed})
        ran = await execute(self._setup.provider, self._setup.spec, seed, None, problem.timeout)
        if ran.construction is None:
            raise VerifierError(f"the seed program found nothing: {ran.problem}. {ran.printed}")
        again = await verifier.verify(ran.construction)
        if again.outcome != "value":
            raise VerifierError(f"the verifier fails on what the seed program found: {again.why}")
        self._works = True

    def _started(self) -> tuple[Problem, ConstructionVerifier]:
        if self._problem is None or self._verifier is None:
            raise RuntimeError("reset() comes before anything else")
        return self._problem, self._verifier


def _noisy(value: float, candidate: Candidate, noise: float, data: Mapping[str, JsonValue], seconds: float) -> Verdict:
    """The mean of all measurements of a program, with two standard errors as its margin."""
    earlier = candidate.made.get(MEASURED)
    known = [float(one) for one in earlier if isinstance(one, int | float)] if isinstance(earlier, list) else []
    measured = [*known, value]
    check = Check(name="valid", score=1.0, data={**data, MEASURED: list(measured)})
    margin = _DEVIATIONS * noise / math.sqrt(len(measured))
    return Verdict(checks=(check,), value=fmean(measured), margin=margin, seconds=seconds)


def _told(ran: Execution, verdict: Verdict) -> str:
    if verdict.value is not None and verdict.margin:
        return (
            f"The construction is valid. The mean of what was measured of the program is {verdict.value!r}, and it may "
            f"be worse by {verdict.margin:.3g}. {ran.printed}"
        )
    if verdict.value is not None:
        return f"The construction is valid, and its value is {verdict.value!r}. {ran.printed}"
    return f"The construction is not valid: {verdict.checks[0].evidence}. {ran.printed}"
