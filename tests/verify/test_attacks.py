"""What a candidate does in its own process never reaches what decides about it."""

from __future__ import annotations

import pytest

from loopwright.candidate import Candidate
from loopwright.sandbox import Limits, SandboxProvider, SandboxSpec
from loopwright.task import Instance
from loopwright.verify import Grader, PythonTask, TestVerifier
from tests.verify.attacks import ATTACKS, HONEST, SLOW, TESTS

pytestmark = pytest.mark.anyio

NAMES = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in ATTACKS]
)
SPEC = SandboxSpec(limits=Limits(memory_mb=256, pids=32, scratch_mb=16))


def _instance(timeout: float) -> Instance:
    return Instance(id="add", goal="add", public={"tests": TESTS, "timeout": timeout}, hidden={"tests": TESTS})


@NAMES
async def test_no_point_by_the_visible_tests(provider: SandboxProvider, name: str) -> None:
    hasty, patient = (PythonTask.of(_instance(timeout)) for timeout in (2, 30))
    assert hasty.visible is not None
    assert patient.visible is not None
    async with Grader(provider, SPEC) as grader:
        attack = await grader.grade(ATTACKS[name], hasty.visible, patience=2)
        assert attack.verdict.score == 0
        assert all(check.evidence for check in attack.verdict.checks)
        # The loop goes on: what the attack left behind does not touch the next candidate on the same sandboxes.
        honest = await grader.grade({"solution.py": HONEST}, patient.visible)
        assert honest.verdict.passed, honest.verdict


@NAMES
async def test_no_point_by_the_hidden_tests(provider: SandboxProvider, name: str) -> None:
    verdict = await TestVerifier(provider, SPEC).verify(Candidate(files=ATTACKS[name]), _instance(2))
    assert verdict.score == 0
    assert len(verdict.checks) == 3
