"""`kill -9` of workers: their sandboxes are lost, and nothing else."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from loopwright.cluster import RayCluster
from loopwright.errors import SandboxLost, WorkerLost
from loopwright.sandbox import Sandbox, SandboxProvider, SandboxSpec
from loopwright.store import SandboxOpened, read_run
from loopwright.verify import Grader, PythonSuite
from tests.cluster.workload import Came, Shared, alive, begin, descendants, executed, kill, made, opened, outcome, paid
from tests.faults.table import proves

pytestmark = pytest.mark.anyio

KILLS = 20
IN_ONE = 4


@dataclass
class Afar:
    """A provider that opens sandboxes and does nothing else, so that each message to them crosses the network."""

    behind: SandboxProvider
    name: str = "afar"

    async def open(self, spec: SandboxSpec) -> Sandbox:
        return await self.behind.open(spec)

    async def close(self) -> None:
        pass


def purposes(folder: Path) -> list[tuple[str | None, str]]:
    """The sandboxes of each episode, by what they were for."""
    events = read_run(folder / "run").events
    return sorted((one.episode or "", one.data.purpose) for one in events if isinstance(one.data, SandboxOpened))


async def undisturbed(folder: Path, provider: str) -> list[Came]:
    """On this machine alone."""
    result = outcome(await executed(begin(made(folder), provider), None))
    assert all(one.end and one.end[0] == "scored" for one in result)
    return result


async def test_a_run_on_workers_comes_to_the_same(tmp_path: Path, cluster: RayCluster) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    expected = await undisturbed(here, "bubblewrap")
    assert outcome(await executed(begin(made(there)), Shared(cluster))) == expected
    assert sorted(paid(there)) == sorted(paid(here))
    assert purposes(there) == purposes(here)
    assert {one.host for one in opened(there)} == {facts.host for facts in cluster.facts}
    assert {one.host for one in opened(here)} == {""}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["bubblewrap", pytest.param("docker", marks=pytest.mark.docker)])
@proves(
    f"on a Ray cluster, `kill -9` of a worker at {KILLS} random instants",
    "the run goes on: same actions, observations, verdicts and grades; 0 model calls made twice",
)
async def test_kill_9_of_a_worker(tmp_path: Path, cluster: RayCluster, kind: str) -> None:
    expected = await undisturbed(tmp_path / "here", kind)
    events = len(list(read_run(tmp_path / "here" / "run").events))
    chance = random.Random(11)
    kills = runs = sandboxes = 0
    while kills < KILLS:
        folder = made(tmp_path / f"there{runs}")
        run = begin(folder, kind)
        seen = due = 0
        instants = chance.sample(range(events // 8, events), IN_ONE)

        def strike(_: object) -> None:
            nonlocal seen, due, kills
            seen += 1
            due += seen in instants  # noqa: B023  # the run ends within the turn
            # One that was killed is known by its new number when Ray has started it again.
            if due and any(kill(facts.pid) for facts in chance.sample(cluster.facts, 2)):
                kills, due = kills + 1, due - 1

        run.on_event(strike)
        assert outcome(await executed(run, Shared(cluster))) == expected
        assert len(paid(folder)) == len(set(paid(folder)))
        runs, sandboxes = runs + 1, sandboxes + len(opened(folder))
    assert sandboxes > runs * len(opened(tmp_path / "here")), "no kill cost a sandbox"


@pytest.mark.slow
@proves(
    "on a Ray cluster, a worker that stops to answer, as behind a cut network",
    "its sandboxes are lost for the driver after 12 s, and the work is done on another worker; later it is used again",
)
async def test_a_worker_that_says_nothing(cluster: RayCluster) -> None:
    provider = await cluster.sandboxes("bubblewrap", None)
    living: set[str] = set()
    while len(living) < 2:  # those that were killed before come back
        sandbox = await provider.open(SandboxSpec())
        living = {*(one for one in living if alive(descendants(int(one)))), sandbox.id.split("-")[1]}
        if len(living) < 2:
            await sandbox.close()
            await asyncio.sleep(0.1)
    pid = int(sandbox.id.split("-")[1])
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(WorkerLost, match="did not answer for 12 s"):
            await sandbox.run(["true"])
        other = await provider.open(SandboxSpec())
        assert other.id.split("-")[1] != str(pid)
        assert (await other.run(["true"])).ok
        await other.close()
    finally:
        os.kill(pid, signal.SIGCONT)
    with pytest.raises(SandboxLost):
        await sandbox.run(["true"])
    for _ in range(300):
        again = await provider.open(SandboxSpec())
        await again.close()
        if again.id.split("-")[1] == str(pid):
            return
        await asyncio.sleep(0.1)
    raise AssertionError("the worker is not used again")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("solution", "test"),
    [("import time\ndef f(): time.sleep(60)", "f()"), ("def f(): pass", "import time; f(); time.sleep(60)")],
    ids=["candidate", "test"],
)
@pytest.mark.parametrize("kind", [None, Afar], ids=["beside", "afar"])
@proves(
    "on a Ray cluster, a worker that stops to answer within a test whose time runs out",
    "no verdict, and no failure of the verifier: the worker counts as lost",
)
async def test_a_worker_that_says_nothing_is_no_test_that_took_too_long(
    cluster: RayCluster, kind: type[Afar] | None, solution: str, test: str
) -> None:
    provider: SandboxProvider = await cluster.sandboxes("bubblewrap", None)
    suite = PythonSuite(f"from solution import f\n\ndef test_it(): {test}", ("test_it",), ("solution",), 4.0)
    async with Grader(kind(provider) if kind else provider, SandboxSpec()) as grader:
        slow = await grader.grade({"solution.py": solution}, suite)
        assert [case.timed_out for case in slow.outcomes.values()] == [True]
        grading = asyncio.ensure_future(grader.grade({"solution.py": solution}, suite))
        await asyncio.sleep(2)
        stopped = [facts.pid for facts in cluster.facts]
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        try:
            with pytest.raises(WorkerLost):
                await grading
        finally:
            for pid in stopped:
                os.kill(pid, signal.SIGCONT)


async def test_a_provider_waits_for_workers_that_come_back(cluster: RayCluster) -> None:
    for facts in cluster.facts:
        kill(facts.pid)
    with suppress(WorkerLost):
        # The driver hears of the deaths by the calls that they end.
        await (await cluster.sandboxes("bubblewrap", None)).open(SandboxSpec())
    provider = await cluster.sandboxes("bubblewrap", None)
    sandbox = await provider.open(SandboxSpec())
    assert (await sandbox.run(["true"])).ok
    await sandbox.close()
