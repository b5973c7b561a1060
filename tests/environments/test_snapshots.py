"""Going back to a stored state: what is in it, and that it can be done again and again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from loopwright.candidate import Candidate
from loopwright.environments import BUILTIN_ENVIRONMENTS, EnvironmentSetup
from loopwright.sandbox import SandboxProvider, SandboxSpec
from loopwright.task import Instance
from tests.conftest import on_every_provider

pytestmark = pytest.mark.anyio
pytest_generate_tests = on_every_provider
FILES = {"/data/a.txt": "one\n", "/data/b.txt": "two\n", "/data/sub/c.txt": "three\n", "/data/shut/d.txt": "four\n"}
CHANGED = (
    "echo more >> /data/a.txt; rm -r /data/sub; mkdir -p '/data/new/deep er'; printf 'x\\0y' > '/data/new/deep er/f';"
    "chmod 640 /data/a.txt; ln -s a.txt /data/link; mkdir /data/empty; chmod 500 /data/shut; rm /data/b.txt;"
    "mkdir /data/b.txt; touch -d 2020-02-02 /data/new/old; echo at home > ~/note"
)
SHOWN = (
    "find /data -printf '%P %y %m %l\\n' | sort; cat /data/a.txt '/data/new/deep er/f' ~/note; "
    "stat -c %y /data/new/old; pwd"
)


class Place:
    """An environment with a store of its own."""

    def __init__(self, provider: SandboxProvider, kind: str) -> None:
        self._stored: dict[str, bytes] = {}
        setup = EnvironmentSetup(provider, SandboxSpec(), self._put, self._stored.__getitem__)
        self.environment: Any = BUILTIN_ENVIRONMENTS[kind](setup)

    def _put(self, data: bytes) -> str:
        self._stored[str(len(self._stored))] = data
        return str(len(self._stored) - 1)

    async def run(self, command: str) -> str:
        return str((await self.environment.step(Candidate(text=f"~~~\n{command}\n~~~"))).text)


@pytest.fixture
async def shell(provider: SandboxProvider) -> AsyncIterator[Place]:
    place = Place(provider, "bash")
    hidden = {"gold": f"{CHANGED}; echo done"}
    await place.environment.reset(Instance(id="t", goal="do it", public={"files": FILES}, hidden=hidden))
    yield place
    await place.environment.close()


async def test_a_shell_goes_back_to_contents_modes_deletions_and_the_working_directory(shell: Place) -> None:
    await shell.run(CHANGED)
    await shell.run("cd /data/new")
    before = await shell.run(SHOWN)
    assert "sub" not in before.split()
    assert "2020-02-02" in before
    kept = await shell.environment.snapshot()
    for damage in ("chmod 700 /data/shut; rm -rf /data/*", "cd /; echo other > /data/a.txt; touch /data/extra"):
        await shell.run(damage)
        assert await shell.run(SHOWN) != before
        await shell.environment.restore(kept)
        assert await shell.run(SHOWN) == before


async def test_a_restored_shell_scores_as_the_stored_one_did(shell: Place) -> None:
    await shell.run(CHANGED)
    await shell.run("echo done")
    kept, scores = await shell.environment.snapshot(), await shell.environment.scores()
    assert scores.exact == 1.0
    await shell.run("rm -r /data/new; echo other")
    assert (await shell.environment.scores()).exact == 0.0
    await shell.environment.restore(kept)
    assert await shell.environment.scores() == scores


async def test_states_of_a_shell_are_apart(shell: Place) -> None:
    first = await shell.environment.snapshot()
    await shell.run("echo later > /data/later")
    second = await shell.environment.snapshot()
    await shell.environment.restore(first)
    assert await shell.run("ls /data") == "a.txt\nb.txt\nshut\nsub\n"
    await shell.environment.restore(second)
    assert await shell.run("cat /data/later") == "later\n"


async def test_a_flag_hunt_goes_back_to_its_files_and_flag(provider: SandboxProvider) -> None:
    place = Place(provider, "ctf")
    public = {"files": {"/ctf/1/flag.b64": "ZmxhZwo="}, "folder": "/ctf/1"}
    await place.environment.reset(Instance(id="t", goal="find it", public=public, hidden={"gold": "flag"}))
    try:
        await place.run("base64 -d flag.b64 > flag")
        kept = await place.environment.snapshot()
        await place.run("rm flag; cd /")
        assert (await place.environment.submit(Candidate(text="submit wrong"))).score == 0.0
        await place.environment.restore(kept)
        assert await place.run("pwd; cat flag") == "/ctf/1\nflag\n"
        await place.run("submit flag")
        assert (await place.environment.scores()).exact == 1.0
    finally:
        await place.environment.close()


async def test_an_interpreter_runs_its_actions_again_failed_ones_too(provider: SandboxProvider) -> None:
    place = Place(provider, "interpreter")
    hidden = {"gold": "def f(): return 3", "tests": ["assert f() == 3"]}
    await place.environment.reset(Instance(id="t", goal="write f", public={}, hidden=hidden))
    try:
        await place.run("x = 1; 1 / 0")
        await place.run("def f(): return x + 2")
        kept = await place.environment.snapshot()
        for _ in range(2):
            await place.run("x = 5; f = None")
            await place.environment.restore(kept)
            assert await place.run("print(f())") == "3"
    finally:
        await place.environment.close()
