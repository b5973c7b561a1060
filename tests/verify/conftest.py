from __future__ import annotations

import textwrap
from collections.abc import AsyncIterator, Mapping

import pytest

from loopwright.sandbox import SandboxProvider, SandboxSpec
from loopwright.task import Instance
from loopwright.verify import Grader, Grading, PythonTask, Verdict


class Judge:
    """Grades sources on one warm pair of sandboxes."""

    def __init__(self, grader: Grader) -> None:
        self.grader = grader

    async def grading(
        self,
        solution: str | Mapping[str, str],
        tests: str,
        *,
        timeout: float = 10.0,
        gold: str | None = None,
        **public: object,
    ) -> Grading:
        fields = {"tests": textwrap.dedent(tests), "timeout": timeout, **public}
        hidden = {"solution": textwrap.dedent(gold)} if gold else {}
        task = PythonTask.of(Instance(id="x", goal="x", public=fields, hidden=hidden))
        assert task.visible is not None
        files = {"solution.py": solution} if isinstance(solution, str) else solution
        files = {path: textwrap.dedent(text) for path, text in files.items()}
        return await self.grader.grade(task.with_files(files), task.visible)

    async def verdict(self, solution: str | Mapping[str, str], tests: str, *, timeout: float = 10.0) -> Verdict:
        return (await self.grading(solution, tests, timeout=timeout)).verdict

    async def evidence(self, solution: str | Mapping[str, str], tests: str, *, timeout: float = 10.0) -> str:
        """Of the only test, which must fail."""
        verdict = await self.verdict(solution, tests, timeout=timeout)
        (check,) = verdict.checks
        assert not check.passed
        return check.evidence

    async def passes(self, solution: str | Mapping[str, str], tests: str) -> None:
        """Requires that all tests pass."""
        verdict = await self.verdict(solution, tests)
        assert [f"{check.name}: {check.evidence}" for check in verdict.failed] == []
        assert verdict.passed


# Not of the session: other files may run in between, and sandboxes that nobody speaks to end by themselves.
@pytest.fixture(scope="module")
async def judge(provider: SandboxProvider) -> AsyncIterator[Judge]:
    async with Grader(provider, SandboxSpec()) as grader:
        yield Judge(grader)
