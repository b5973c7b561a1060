"""How the tests of the examples grade solutions: in sandboxes, as a run does it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest

from loopwright import Task
from loopwright.sandbox import SandboxSpec, open_provider
from loopwright.verify import Grader, PythonSuite, PythonTask


@dataclass(frozen=True, slots=True)
class Graded:
    """Names of the tests that a solution fails."""

    visible: frozenset[str]
    hidden: frozenset[str]


Grade = Callable[[Task, Sequence[str]], list[Graded]]
"""Grades sources of `solution.py` by the visible and the hidden tests of a task."""


def python_task(task: Task) -> PythonTask:
    """The task's only instance, as the `python` environment reads it."""
    (instance,) = task.instances()
    return PythonTask.of(instance)


@pytest.fixture(scope="session")
def grade() -> Grade:
    return lambda task, sources: asyncio.run(_grade(python_task(task), sources))


async def _grade(task: PythonTask, sources: Sequence[str]) -> list[Graded]:
    provider = await open_provider("bubblewrap")
    try:
        async with Grader(provider, SandboxSpec()) as grader:
            return [
                Graded(await _failed(grader, source, task.visible), await _failed(grader, source, task.hidden))
                for source in sources
            ]
    finally:
        await provider.close()


async def _failed(grader: Grader, source: str, suite: PythonSuite | None) -> frozenset[str]:
    assert suite is not None
    grading = await grader.grade({"solution.py": source}, suite)
    return frozenset(check.name for check in grading.verdict.failed)
