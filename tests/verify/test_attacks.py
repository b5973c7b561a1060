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


# A candidate that answers rightly, and behind its answer writes what only the program around it should say.
_BEHIND_THE_ANSWER = """
import gc, json, os, struct, threading

def say(*bodies):
    for fd in range(3, 20):
        try: os.write(fd, b"".join(struct.pack(">I", len(body)) + body for body in bodies))
        except OSError: pass

def add(a, b):
    (peer,) = [thing for thing in gc.get_objects() if type(thing).__name__ == "Peer"]
    answer = peer._send
    def send(data):
        answer(data)
        say(*BODIES)
        if DEAF:
            while True: os.read(incoming(), 1 << 16)
    peer._send = send
    return a + b

def incoming():
    fds = [fd for fd in range(3, 20) if os.path.exists(f"/proc/self/fd/{fd}")]
    return next(fd for fd in fds if os.readlink(f"/proc/self/fd/{fd}").startswith("pipe") and reads(fd))

def reads(fd):
    import fcntl
    return fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY
"""
_END = b'O["", ""]', b"E[0, 0]"


@pytest.mark.parametrize(
    ("bodies", "deaf"),
    [
        pytest.param(_END, False, id="ended"),
        pytest.param((*_END, b"K"), False, id="ready"),
        pytest.param((*_END, b"K12345678"), False, id="ready with a token"),
        pytest.param((*_END, b"Bno"), False, id="not compiled"),
        pytest.param(_END, True, id="reads what is meant for the next", marks=pytest.mark.slow),
    ],
)
async def test_what_a_candidate_writes_behind_its_answer_does_not_meet_the_next_one(
    provider: SandboxProvider, bodies: tuple[bytes, ...], deaf: bool
) -> None:
    one_test = "from solution import add\ndef test_add(): assert add(2, 3) == 5\n"
    instance = Instance(id="add", goal="add", public={"tests": one_test, "timeout": 20})
    suite = PythonTask.of(instance).visible
    assert suite is not None
    attack = _BEHIND_THE_ANSWER + f"BODIES, DEAF = {bodies!r}, {deaf}\n"
    async with Grader(provider, SPEC) as grader:
        for source in (attack, HONEST, attack, HONEST):
            grading = await grader.grade({"solution.py": source}, suite)
            assert grading.verdict.passed, grading.verdict


@pytest.mark.parametrize("code", ["9" * 5000, "-" + "9" * 5000, "[" * 3000, "[1e999, 0]", "true", '"\\ud800"', "{}"])
async def test_a_candidate_that_says_how_it_ended_loses_the_test_and_nothing_else(
    provider: SandboxProvider, code: str
) -> None:
    body = f"E[{code}, 0]".encode()
    source = (
        _BEHIND_THE_ANSWER.split("def add")[0] + f"def add(a, b):\n    say({body!r})\n    threading.Event().wait()\n"
    )
    verdict = await TestVerifier(provider, SPEC).verify(Candidate(files={"solution.py": source}), _instance(5))
    assert verdict.score == 0
    assert len(verdict.checks) == 3
