"""What happens around the tests: crashes, time, lost sandboxes, and tests that cannot be run."""

from __future__ import annotations

import asyncio

import pytest

from loopwright.candidate import Candidate
from loopwright.errors import SandboxLost, SandboxUnavailable, TaskError, VerifierError
from loopwright.sandbox import Sandbox, SandboxProvider, SandboxSpec
from loopwright.task import Instance
from loopwright.verify import Grader, PythonTask, TestVerifier, Verifier
from tests.verify.attacks import HONEST, TESTS
from tests.verify.conftest import Judge

pytestmark = pytest.mark.anyio


async def test_a_crash_costs_its_own_test_alone(judge: Judge) -> None:
    verdict = await judge.verdict(
        """
        import os
        def crash(): os.abort()
        def fine(): return 1
        """,
        """
        from solution import crash, fine
        def test_before(): assert fine() == 1
        def test_crash(): crash()
        def test_after(): assert fine() == 1
        """,
    )
    assert [check.passed for check in verdict.checks] == [True, False, True]
    assert "signal SIGABRT" in verdict.checks[1].evidence
    assert "in the test: def test_crash(): crash()" in verdict.checks[1].evidence
    assert verdict.summary == "2 of 3 tests passed"


async def test_tests_do_not_see_each_other(judge: Judge) -> None:
    await judge.passes(
        """
        import os
        STATE = []
        def touch():
            STATE.append(1)
            open("left.txt", "w").close()
            os.environ["LEFT"] = "1"
            return len(STATE), os.environ.get("LEFT")
        def look(): return STATE, sorted(os.listdir(".")), os.environ.get("LEFT")
        """,
        """
        import solution
        KEPT = []
        def test_touch():
            KEPT.append(1)
            assert solution.touch() == (1, "1")
        def test_look():
            assert KEPT == []
            assert solution.look() == ([], ["solution.py"], None)
        """,
    )


@pytest.mark.slow
async def test_the_time_limit_is_per_test_and_names_who_was_at_work(judge: Judge) -> None:
    verdict = await judge.verdict(
        """
        import time
        def slow(): time.sleep(30)
        def fast(): return 1
        """,
        """
        import time
        from solution import fast, slow
        def test_candidate():
            slow()
        def test_own():
            fast()
            time.sleep(30)
        def test_fast():
            assert fast() == 1
        """,
        timeout=3,
    )
    candidate, own, fast = verdict.checks
    assert candidate.evidence == "no result within 3 s; the candidate was at work\n  in the test: slow()"
    assert own.evidence == "no result within 3 s; the test's own code was at work"
    assert fast.passed


async def test_patience(judge: Judge) -> None:
    task = {"tests": "import time\nfrom solution import f\n" + "".join(f"def test_{n}(): f()\n" for n in range(4))}
    suite = PythonTask.of(Instance(id="x", goal="x", public={**task, "timeout": 1})).visible
    assert suite is not None
    files = {"solution.py": "def f():\n    while True: pass"}
    grading = await judge.grader.grade(files, suite, patience=2)
    assert list(grading.outcomes) == ["test_0", "test_1"]
    assert [check.name for check in grading.verdict.checks] == ["test_0", "test_1", "test_2", "test_3"]
    assert grading.verdict.checks[3].evidence == "not run: 2 tests before it ran out of time"


@pytest.mark.parametrize(
    ("tests", "words"),
    [
        ("import not_installed\nfrom solution import f\ndef test_it(): pass", "No module named 'not_installed'"),
        ("from solution import f\nimport nowhere\ndef test_it(): pass", "No module named 'nowhere'"),
        ("1 / 0\nfrom solution import f\ndef test_it(): pass", "ZeroDivisionError"),
        ("from solution import f\nfrom other import g\ndef test_it(): pass", "No module named 'other'"),
    ],
)
async def test_tests_that_cannot_be_run_are_no_score(judge: Judge, tests: str, words: str) -> None:
    with pytest.raises(VerifierError, match="the tests cannot be run") as caught:
        await judge.verdict({"solution.py": "def f(): pass", "other.py": ""}, tests)
    assert words in str(caught.value)


async def test_a_candidate_cannot_make_the_tests_unrunnable(judge: Judge) -> None:
    for source in ("def f(): raise ModuleNotFoundError('pytest', name='pytest')", "def f(): return 0", "import pytest"):
        verdict = await judge.verdict(source, "from solution import f\nTABLE = 1 / f()\ndef test_it(): pass")
        assert verdict.score == 0


@pytest.mark.slow
async def test_a_candidates_sandbox_that_ends_is_replaced(provider: SandboxProvider) -> None:
    watched = Watched(provider)
    judge = Judge(Grader(watched, SandboxSpec()))
    try:
        await judge.passes(HONEST, TESTS)
        await watched.close_one("candidate")
        await judge.passes(HONEST, TESTS)
        assert [purpose for purpose, _ in watched.opened].count("candidate") == 2

        grading = asyncio.create_task(
            judge.grading(
                "import time\ndef f():\n    time.sleep(2)\n    return 1",
                "from solution import f\ndef test_it(): assert f() == 1",
                timeout=60,
            )
        )
        await asyncio.sleep(1)
        await watched.close_one("candidate")
        assert (await grading).verdict.passed
    finally:
        await judge.grader.close()


async def test_a_verifiers_sandbox_that_ends_is_a_failure_of_infrastructure(provider: SandboxProvider) -> None:
    watched = Watched(provider)
    judge = Judge(Grader(watched, SandboxSpec()))
    try:
        await judge.passes(HONEST, TESTS)
        await watched.close_one("verifier")
        with pytest.raises(SandboxLost):
            await judge.verdict(HONEST, TESTS)
        await judge.passes(HONEST, TESTS)
    finally:
        await judge.grader.close()


async def test_cancelling_leaves_the_sandboxes_usable(judge: Judge) -> None:
    grading = asyncio.create_task(
        judge.grading("def f():\n    while True: pass", "from solution import f\ndef test_it(): f()", timeout=60)
    )
    await asyncio.sleep(0.5)
    grading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await grading
    await judge.passes(HONEST, TESTS)


async def test_nothing_weaker_is_used_where_a_sandbox_cannot_be_had(provider: SandboxProvider) -> None:
    watched = Watched(provider, refuse="verifier")
    async with Grader(watched, SandboxSpec()) as grader:
        with pytest.raises(SandboxUnavailable):
            await Judge(grader).verdict(HONEST, TESTS)
    assert watched.closed == [purpose for purpose, _ in watched.opened]


async def test_the_verifier(provider: SandboxProvider) -> None:
    hidden = "from solution import add\ndef test_hidden(): assert add(1, 1) == 2\n"
    instance = Instance(id="x", goal="x", public={"tests": TESTS, "timeout": 20}, hidden={"tests": hidden})
    watched = Watched(provider)
    verifier: Verifier = TestVerifier(watched)
    verdict = await verifier.verify(Candidate(files={"solution.py": HONEST}), instance)
    assert [check.name for check in verdict.checks] == ["test_hidden"]
    assert verdict.passed
    assert sorted(watched.closed) == ["candidate", "verifier"]

    opened = len(watched.opened)
    visible = await TestVerifier(watched, tests="visible").verify(Candidate(files={"solution.py": HONEST}), instance)
    assert [check.name for check in visible.checks] == ["test_add", "test_negative", "test_list"]
    assert sorted(purpose for purpose, _ in watched.opened[opened:]) == [*3 * ["candidate"], "verifier"]
    fallback = await verifier.verify(Candidate(files={"solution.py": HONEST}), instance.without_hidden())
    assert fallback.checks == visible.checks

    opened = len(watched.opened)
    verdict = await verifier.verify(Candidate(text="def add(a, b): ..."), instance)
    assert verdict.score == 0
    assert verdict.summary == "The candidate has no files; it must have solution.py."
    assert len(watched.opened) == opened

    with pytest.raises(TaskError, match="no tests"):
        await verifier.verify(Candidate(files={"solution.py": HONEST}), Instance(id="x", goal="x"))


async def test_hidden_tests_do_not_see_each_others_files(provider: SandboxProvider) -> None:
    counting = """
import os
def count():
    before = [name for name in ("/tmp", "/dev/shm", "/work", "/var/tmp") if os.path.exists(name + "/kept/mark")]
    for folder in ("/tmp", "/dev/shm", "/work", "/var/tmp"):
        try:
            os.makedirs(folder + "/kept", exist_ok=True)
            open(folder + "/kept/mark", "w").close()
        except OSError: pass
    return before
"""
    tests = "from solution import count\n" + "".join(f"def test_{n}(): assert count() == []\n" for n in range(3))
    instance = Instance(id="x", goal="x", public={"timeout": 20}, hidden={"tests": tests})
    verdict = await TestVerifier(provider).verify(Candidate(files={"solution.py": counting}), instance)
    assert verdict.passed, verdict


class Watched:
    """A provider that tells what it opened for what, and can end it."""

    def __init__(self, provider: SandboxProvider, refuse: str = "") -> None:
        self.name = provider.name
        self.opened: list[tuple[str, Sandbox]] = []
        self.closed: list[str] = []
        self._provider = provider
        self._refuse = refuse

    async def open(self, spec: SandboxSpec) -> Sandbox:
        purpose = spec.labels["purpose"]
        if purpose == self._refuse:
            raise SandboxUnavailable("refused")
        sandbox = await self._provider.open(spec)
        end = sandbox.close

        async def close() -> None:
            self.closed.append(purpose)
            await end()

        object.__setattr__(sandbox, "close", close)
        self.opened.append((purpose, sandbox))
        return sandbox

    async def close_one(self, purpose: str) -> None:
        """Ends the latest sandbox of a purpose."""
        await next(sandbox for found, sandbox in reversed(self.opened) if found == purpose).close()

    async def close(self) -> None:
        """Leaves the provider open."""


STALLS_ONCE = """
import pathlib, time
begun = pathlib.Path("/tmp/begun")
def f():
    if not begun.exists():
        begun.touch()
        time.sleep(600)
    return 1
"""


async def test_a_test_that_ran_out_of_time_is_not_run_again(provider: SandboxProvider) -> None:
    hidden = "from solution import f\n\ndef test_it():\n    assert f() == 1\n"
    suite = PythonTask.of(Instance(id="x", goal="x", public={"timeout": 3}, hidden={"tests": hidden})).hidden
    assert suite
    async with Grader(provider, SandboxSpec()) as grader:
        grading = await grader.grade({"solution.py": STALLS_ONCE}, suite)
    assert grading.verdict.passed is False
    assert "no result within 3 s" in grading.verdict.checks[0].evidence
