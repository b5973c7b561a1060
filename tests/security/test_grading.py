"""Candidates that want a score they do not deserve. tests/verify holds the attacks, and tries all with bubblewrap."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from loopwright.candidate import Candidate
from loopwright.sandbox import Limits, SandboxProvider, SandboxSpec, open_provider
from loopwright.task import Instance
from loopwright.verify import TestVerifier
from tests.security.table import proves
from tests.verify import test_attacks
from tests.verify.attacks import ATTACKS, HONEST, TESTS

pytestmark = pytest.mark.anyio

SPEC = SandboxSpec(limits=Limits(memory_mb=256, pids=32, scratch_mb=16))
GRADING = {
    "prints a fake report": "score 0: the verdict comes over the verifier's pipe, output is output",
    "exits 0 on import": "score 0: a test that got no answer has failed",
    "patches the test runner": "score 0: tests run in a sandbox where no candidate ever ran",
    "writes report files": "score 0: no file is read for a verdict",
    "deletes the tests": "score 0: they are not where the candidate is",
    "kills everything it can": "score 0: it reaches neither the runner nor the verifier",
    "sleeps past the deadline": "score 0: the test fails at its deadline, the next one runs",
    "leaves a daemon that writes to the pipe": "score 0: it dies with its command, and forges nothing before",
}
for _name, _outcome in GRADING.items():
    proves(f"a candidate that {_name}", _outcome, "bubblewrap")(test_attacks.test_no_point_by_the_hidden_tests)


@pytest.fixture(scope="module")
async def docker(anyio_backend: str) -> AsyncIterator[SandboxProvider]:
    provider = await open_provider("docker")
    yield provider
    await provider.close()


@proves(
    "each of these eight candidates",
    "score 0, each with its reason; the next candidate gets what it deserves",
    "docker",
)
@pytest.mark.docker
@pytest.mark.slow
@pytest.mark.parametrize("name", GRADING)
async def test_no_point_with_docker(docker: SandboxProvider, name: str) -> None:
    verifier = TestVerifier(docker, SPEC)
    verdict = await verifier.verify(Candidate(files=ATTACKS[name]), _instance(1))
    assert verdict.score == 0
    assert len(verdict.checks) == 3
    assert all(check.evidence for check in verdict.checks)
    assert (await verifier.verify(Candidate(files={"solution.py": HONEST}), _instance(30))).passed


def _instance(timeout: float) -> Instance:
    return Instance(id="add", goal="add", public={"timeout": timeout}, hidden={"tests": TESTS})
