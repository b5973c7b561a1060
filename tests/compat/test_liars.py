"""Python: objects that lie about everything pass no test of the published tasks."""

from __future__ import annotations

from pathlib import Path

import pytest

from loopwright.bench import find_suite
from loopwright.sandbox import SandboxProvider, SandboxSpec
from loopwright.verify import Grader, PythonTask
from tests.verify.test_asked import LIAR

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
ANSWERS = {"an object": "Liar()", "a list of objects": "[Liar()]", "the class": "Liar"}
EVERY = 12
"""One task of so many is tried; all assertions of the suite compare with `==`."""


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
async def test_a_liar_passes_no_test(intercode: Path, provider: SandboxProvider, answer: str) -> None:
    passed: list[str] = []
    async with Grader(provider, SandboxSpec()) as grader:
        for instance in find_suite("mbpp").task(intercode).instances()[::EVERY]:
            task = PythonTask.of(instance)
            assert task.hidden is not None
            source = f"{LIAR.replace('BASE', '')}\ndef __getattr__(name): return lambda *_: {answer}\n"
            grading = await grader.grade({"solution.py": source}, task.hidden)
            assert "" not in grading.outcomes, grading.verdict.summary
            passed += [f"{instance.id} {check.name}" for check in grading.verdict.checks if check.passed]
    assert passed == []
