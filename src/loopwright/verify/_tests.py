"""The verifier of Python tasks."""

from __future__ import annotations

from typing import ClassVar, Literal

from loopwright.candidate import Candidate
from loopwright.errors import TaskError
from loopwright.sandbox import SandboxProvider, SandboxSpec
from loopwright.task import Instance
from loopwright.types import Check, Verdict
from loopwright.verify._grader import Grader
from loopwright.verify._suite import PythonSuite, PythonTask


class TestVerifier:
    """Runs a Python task's tests against a candidate, each in a sandbox that no candidate ever ran in.

    Candidate and tests never share a process or a sandbox: the tests reach the candidate's functions through requests
    and plain values. So nothing that a candidate does to its process, its files, its standard library or its output
    can reach what decides about it.
    """

    __test__: ClassVar[bool] = False  # it is no test of pytest's

    def __init__(
        self,
        provider: SandboxProvider,
        spec: SandboxSpec | None = None,
        *,
        tests: Literal["hidden", "visible"] = "hidden",
    ) -> None:
        self._provider = provider
        self._spec = spec or SandboxSpec()
        self._tests = tests

    async def verify(self, candidate: Candidate, instance: Instance) -> Verdict:
        """Runs every test; without hidden tests, the visible ones.

        Raises:
            TaskError: The instance has no such tests, or they cannot be used.
            VerifierError: The tests cannot be run; nothing is said about the candidate.
            SandboxError: Its sandbox failed.
        """
        task = PythonTask.of(instance)
        suite = task.hidden if self._tests == "hidden" and task.hidden else task.visible
        if suite is None:
            raise TaskError("environment.tests: the task has no tests", remedy="Write `tests`, or `hidden.tests`.")
        try:
            files = task.with_files(candidate.files)
        except ValueError as error:
            return rejected(suite, str(error))
        async with Grader(self._provider, self._spec, reuse=False) as grader:
            return (await grader.grade(files, suite)).verdict


def rejected(suite: PythonSuite, problem: str) -> Verdict:
    """The verdict on a candidate that cannot be run at all."""
    return Verdict(checks=tuple(Check(name=name, score=0, evidence=problem) for name in suite.names), summary=problem)
