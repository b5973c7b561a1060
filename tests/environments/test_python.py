from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from loopwright.candidate import Candidate
from loopwright.environments import BUILTIN_ENVIRONMENTS, Environment, EnvironmentSetup, PythonEnvironment
from loopwright.errors import TaskError
from loopwright.sandbox import Process, Sandbox, SandboxProvider, SandboxSpec, open_provider
from loopwright.task import Instance
from loopwright.verify import Check, Verdict

pytestmark = pytest.mark.anyio

VISIBLE = """
from solution import slug

def test_spaces():
    assert slug("a b") == "a-b"

def test_case():
    assert slug("A") == "a"
"""
HIDDEN = """
from solution import slug

def test_many_spaces():
    assert slug("a   b") == "a-b"
"""
INSTANCE = Instance(
    id="slug",
    goal="Write slug(text).",
    public={"tests": VISIBLE, "timeout": 20, "files": {"words.txt": "a"}},
    hidden={"tests": HIDDEN, "solution": "def slug(text): return '-'.join(text.lower().split())"},
)


def solution(body: str) -> Candidate:
    return Candidate(files={"solution.py": f"def slug(text):\n    {body}\n"})


@pytest.fixture
def setup(provider: SandboxProvider) -> EnvironmentSetup:
    blobs: dict[str, bytes] = {}

    def put(data: bytes) -> str:
        name = hashlib.sha256(data).hexdigest()
        blobs[name] = data
        return name

    return EnvironmentSetup(provider=provider, spec=SandboxSpec(), put=put, get=blobs.__getitem__)


@pytest.fixture
async def environment(setup: EnvironmentSetup) -> AsyncIterator[PythonEnvironment]:
    environment = PythonEnvironment(setup)
    yield environment
    await environment.close()


def test_it_is_built_in(setup: EnvironmentSetup) -> None:
    environment = BUILTIN_ENVIRONMENTS["python"](setup)
    assert isinstance(environment, PythonEnvironment)
    assert isinstance(environment, Environment)


async def test_an_episode(environment: PythonEnvironment) -> None:
    assert (await environment.reset(INSTANCE)).text == "Visible tests: test_spaces, test_case."

    first = await environment.step(solution("return text.replace(' ', '-')"))
    assert first.verdict is not None
    assert [(check.name, check.score) for check in first.verdict.checks] == [("test_spaces", 1.0), ("test_case", 0.0)]
    assert first.text == (
        '1 of 2 visible tests passed.\ntest_case failed:\n  assert slug("A") == "a"\n    slug("A") is \'A\''
    )
    assert not first.done

    second = await environment.step(solution("return text.lower().replace(' ', '-')"))
    assert second.verdict is not None
    assert second.verdict.passed
    assert second.text == "All 2 visible tests passed."

    weak = await environment.submit(solution("return text.lower().replace(' ', '-')"))
    assert [(check.name, check.score) for check in weak.checks] == [("test_many_spaces", 0.0)]
    good = await environment.submit(solution("return '-'.join(text.lower().split())"))
    assert good.passed
    assert good.seconds > 0


async def test_hidden_tests_go_nowhere_but_into_the_verifiers_sandbox_of_a_submission(
    provider: SandboxProvider, setup: EnvironmentSetup
) -> None:
    wire = Wire(provider)
    environment = PythonEnvironment(replace(setup, provider=wire))
    await environment.reset(INSTANCE)
    await environment.step(solution("return text"))
    assert b"test_spaces" in wire.sent["verifier"]
    assert b"test_spaces" not in wire.sent["candidate"]
    assert b"many_spaces" not in wire.sent["verifier"]
    await environment.submit(solution("return text"))
    assert b"many_spaces" in wire.sent["verifier"]
    assert b"many_spaces" not in wire.sent["candidate"]
    await environment.close()


class Wire:
    """A provider that keeps what is sent to the programs in its sandboxes."""

    def __init__(self, provider: SandboxProvider) -> None:
        self.name = provider.name
        self.sent = {"candidate": b"", "verifier": b""}
        self._provider = provider

    async def open(self, spec: SandboxSpec) -> Sandbox:
        sandbox = await self._provider.open(spec)
        start = sandbox.start

        async def spy(argv: Sequence[str], **options: Any) -> Process:
            process = await start(argv, **options)
            write = process.write

            async def keep(data: bytes) -> None:
                self.sent[spec.labels["purpose"]] += data
                await write(data)

            object.__setattr__(process, "write", keep)
            return process

        object.__setattr__(sandbox, "start", spy)
        return sandbox

    async def close(self) -> None:
        """Leaves the provider open."""


@pytest.mark.parametrize(
    ("candidate", "words"),
    [
        (Candidate(text="prose"), "no files; it must have solution.py"),
        (Candidate(files={"main.py": "x = 1"}), "no file solution.py; it has main.py"),
        (Candidate(files={"/etc/passwd": ""}), "absolute path"),
        (Candidate(files={"../x.py": ""}), "leaves the workspace"),
        (Candidate(files={"solution.py": "x" * 300_000}), "larger than 256 KiB"),
    ],
)
async def test_candidates_that_cannot_be_run_are_observations(
    environment: PythonEnvironment, candidate: Candidate, words: str
) -> None:
    await environment.reset(INSTANCE)
    observation = await environment.step(candidate)
    assert words in observation.text
    assert observation.verdict is not None
    assert observation.verdict.score == 0
    verdict = await environment.submit(candidate)
    assert words in verdict.summary
    assert verdict.score == 0


async def test_a_syntax_error_is_told_once(environment: PythonEnvironment) -> None:
    await environment.reset(INSTANCE)
    observation = await environment.step(solution("return text.lower("))
    assert observation.text == (
        "The candidate cannot be imported.\nSyntaxError: '(' was never closed\n  solution.py, line 2:\n"
        "    return text.lower(\n                     ^"
    )


async def test_equal_failures_are_told_together_and_output_is_shown(environment: PythonEnvironment) -> None:
    await environment.reset(INSTANCE)
    body = "import sys; print('got', text); print('warn', file=sys.stderr); raise ValueError('no')"
    observation = await environment.step(solution(body))
    assert "Printed during test_spaces:\n  got a b" in observation.text
    assert "Written to stderr during test_spaces:\n  warn" in observation.text
    other = await environment.step(Candidate(files={"solution.py": "def slag(text): pass"}))
    assert "test_spaces, test_case failed:\n  ImportError: cannot import name 'slug' from 'solution'" in other.text


async def test_observations_stay_short(environment: PythonEnvironment) -> None:
    tests = "from solution import f\n" + "".join(
        f"def test_number_{n}():\n    assert f({n}) == {n!r} * 2\n" for n in range(40)
    )
    await environment.reset(Instance(id="x", goal="x", public={"tests": tests, "timeout": 20}))
    source = "def f(n):\n    print('p' * 5000)\n    return str(n) * 500\n"
    observation = await environment.step(Candidate(files={"solution.py": source}))
    assert len(observation.text) < 2000
    assert observation.text.startswith("0 of 40 visible tests passed.\ntest_number_0 failed:")
    assert "Failed as well: test_number_4, test_number_5" in observation.text
    assert "Printed during test_number_0:\n  ppp" in observation.text


async def test_without_visible_tests_the_candidate_is_imported(environment: PythonEnvironment) -> None:
    instance = INSTANCE.model_copy(update={"public": {"timeout": 20}})
    assert (await environment.reset(instance)).text == "There are no visible tests."
    fine = await environment.step(solution("return text"))
    assert fine.text == "The candidate can be imported. There are no visible tests."
    assert fine.verdict == Verdict(checks=(Check(name="import", score=1),))
    broken = await environment.step(Candidate(files={"solution.py": "import nothing_of_that_name"}))
    assert broken.text.startswith("The candidate cannot be imported.\nModuleNotFoundError: No module named 'nothing")
    assert broken.verdict is not None
    assert [(check.name, check.score) for check in broken.verdict.checks] == [("import", 0)]
    assert "nothing_of_that_name" in broken.verdict.checks[0].evidence
    assert not (await environment.submit(solution("return text"))).passed


async def test_tasks_that_cannot_be_used(environment: PythonEnvironment) -> None:
    with pytest.raises(TaskError, match=r"environment\.tests: the task has no tests"):
        await environment.reset(Instance(id="x", goal="x"))
    with pytest.raises(TaskError, match=r"environment\.hidden\.tests: not Python"):
        await environment.reset(Instance(id="x", goal="x", hidden={"tests": "def"}))
    with pytest.raises(RuntimeError, match="reset"):
        await environment.step(solution("return text"))


async def test_snapshot_and_restore(environment: PythonEnvironment) -> None:
    await environment.reset(INSTANCE)
    start = await environment.snapshot()
    await environment.step(solution("return text"))
    stepped = await environment.snapshot()
    assert stepped != start
    await environment.restore(start)
    assert await environment.snapshot() == start
    await environment.restore(stepped)
    assert await environment.snapshot() == stepped


async def test_closing_twice_does_no_harm_and_an_episode_can_follow(environment: PythonEnvironment) -> None:
    await environment.reset(INSTANCE)
    await environment.step(solution("return text"))
    await environment.close()
    await environment.close()
    await environment.reset(INSTANCE)
    observation = await environment.step(solution("return text.lower().replace(' ', '-')"))
    assert observation.verdict is not None
    assert observation.verdict.passed


@pytest.mark.docker
async def test_on_docker(base_image: str) -> None:
    docker = await open_provider("docker")
    environment = PythonEnvironment(
        EnvironmentSetup(provider=docker, spec=SandboxSpec(image=base_image), put=lambda data: "", get=lambda name: b"")
    )
    try:
        await environment.reset(INSTANCE)
        observation = await environment.step(solution("return text.lower().replace(' ', '-')"))
        assert observation.text == "All 2 visible tests passed."
        assert not (await environment.submit(solution("import os; os._exit(0)"))).passed
        assert (await environment.submit(solution("return '-'.join(text.lower().split())"))).passed
    finally:
        await environment.close()
        await docker.close()
