"""A worker as the driver sees it: what makes it lose a worker, what does not, and how it takes one back."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from loopwright.cluster import RayCluster
from loopwright.cluster._answers import Failed
from loopwright.cluster._driver import PATIENCE, Worker
from loopwright.cluster._sandboxes import WorkerSandboxes
from loopwright.cluster._worker import Opened, SandboxWorker, WorkerFacts
from loopwright.cluster._workers import Workers
from loopwright.errors import ClusterUnusable, SandboxError, SandboxUnavailable, WorkerLost
from loopwright.sandbox import SandboxSpec
from tests.cluster.workload import descendants, kill

pytestmark = pytest.mark.anyio


@dataclass(frozen=True, slots=True)
class Life:
    life: int
    pid: int
    host: str = "a machine"


class Lacking(SandboxWorker):
    """A worker that opens no sandbox, whatever it says of itself."""

    def __init__(self, offers: Mapping[str, str]) -> None:
        super().__init__()
        self._offers, self._asked = offers, 0

    async def _facts(self) -> WorkerFacts:
        return WorkerFacts("0", "3", "lacking", os.getpid(), self._offers, {})

    async def _open(self, name: str, spec: SandboxSpec) -> Opened:
        self._asked += 1
        raise SandboxUnavailable("no Docker Engine")

    async def asked(self) -> int:
        return self._asked


class Restarted:
    """An actor whose facts are slow in its second life. A real one is so on a machine that is busy."""

    def __init__(self, folder: Path) -> None:
        self._life = len(list(folder.iterdir()))
        (folder / str(os.getpid())).touch()

    async def beat(self) -> str:
        return str(self._life)

    async def clear(self) -> None:
        pass

    async def facts(self) -> Life:
        if self._life:
            await asyncio.sleep(PATIENCE + 2)
        return Life(self._life, os.getpid())


def restarted(ray: Any, folder: Path) -> Any:
    return ray.remote(Restarted).options(num_cpus=0, max_restarts=-1, max_concurrency=100).remote(folder)


async def until(condition: Any, seconds: float) -> bool:
    for _ in range(int(seconds / 0.1)):
        if condition():
            return True
        await asyncio.sleep(0.1)
    return bool(condition())


@pytest.mark.slow
async def test_a_worker_with_slow_facts_is_used_again(tmp_path: Path, ray: Any) -> None:
    actor = restarted(ray, tmp_path)
    said: list[str] = []
    worker = Worker(actor, 0, notify=said.append)
    await worker.begin(60)
    facts: Any = worker.facts
    assert kill(facts.pid)
    assert await until(lambda: not worker.alive, 30)
    assert await until(lambda: worker.alive, 90)
    told: Any = worker.facts
    assert told.life == 1
    gone, there = said
    assert gone.startswith("the worker on a machine is gone: ")
    assert there == "a worker is there again, on a machine"
    await worker.end()
    assert len(said) == 2, "the end of a run is no loss"
    ray.kill(actor)


@pytest.mark.slow
async def test_a_worker_that_was_started_anew_is_checked_again(tmp_path: Path, ray: Any) -> None:
    def check(facts: Any) -> None:
        if facts.life:
            raise ClusterUnusable("it can open no sandbox any more")

    actor = restarted(ray, tmp_path)
    worker = Worker(actor, 0, check=check)
    await worker.begin(60)
    facts: Any = worker.facts
    assert kill(facts.pid)
    assert await until(lambda: worker.alive is False, 30)
    assert await until(lambda: worker.refused, 90)
    assert worker.refused == "it can open no sandbox any more"
    await asyncio.sleep(5)  # two beats
    assert not worker.alive
    await worker.end()
    ray.kill(actor)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("offers", "times", "why"),
    [({}, 0, "no worker lives"), ({"bubblewrap": "says so"}, 1, "no Docker Engine")],
    ids=["it has none", "it fails"],
)
async def test_a_worker_that_opens_no_sandbox_is_not_asked_for_each(
    ray: Any, offers: Mapping[str, str], times: int, why: str
) -> None:
    options: Any = {"num_cpus": 0, "max_concurrency": 100}
    actors = [ray.remote(kind).options(**options) for kind in (Lacking, SandboxWorker)]
    lacking, able = actors[0].remote(offers), actors[1].remote()
    workers = Workers()
    workers.all = [Worker(actor, number) for number, actor in enumerate((lacking, able))]
    for worker in workers.all:
        await worker.begin(60)
    provider = WorkerSandboxes(workers, "bubblewrap", "a test", None, 3)
    for _ in range(3):
        async with await provider.open(SandboxSpec()) as sandbox:
            assert (await sandbox.run(["true"])).ok
    assert await asyncio.wrap_future(lacking.asked.remote().future()) == times
    workers.all[1].alive, workers.all[1].refused = False, "it is away"
    with pytest.raises(SandboxUnavailable, match=why):
        await provider.open(SandboxSpec())
    await asyncio.wrap_future(able.clear.remote().future())
    for worker, actor in zip(workers.all, (lacking, able), strict=True):
        await worker.end()
        ray.kill(actor)


async def test_a_value_that_cannot_be_sent_is_the_callers_mistake(cluster: RayCluster) -> None:
    provider = await cluster.sandboxes("bubblewrap", None)
    sandbox, other = await provider.open(SandboxSpec()), await provider.open(SandboxSpec())
    unsendable: Any = {"A": threading.Lock()}
    for _ in range(2):
        with pytest.raises(TypeError, match="cannot be sent"):
            await sandbox.run(["true"], env=unsendable)
    assert (await sandbox.run(["true"])).ok
    assert (await other.run(["true"])).ok
    await sandbox.close()
    await other.close()


def named(name: str) -> set[tuple[int, str]]:
    """Processes of that name below this one."""
    found = set()
    for one in descendants(os.getpid()):
        with contextlib.suppress(OSError):
            found |= {one} if Path(f"/proc/{one[0]}/comm").read_text().strip() == name else set()
    return found


def sandboxes_of_this_process() -> set[tuple[int, str]]:
    """Without those of Ray's workers, which fill their pools when they like."""
    return named("bwrap") - {one for pid, _ in named("raylet") for one in descendants(pid)}


async def test_a_sandbox_whose_opening_overlaps_the_end_of_all_is_ended() -> None:
    before = sandboxes_of_this_process()
    worker = SandboxWorker()
    for delay in (0.0, 0.02, 0.05, 0.1, 0.2):
        await worker.open(1, "bubblewrap", SandboxSpec())
        assert sandboxes_of_this_process() - before
        opening = [asyncio.ensure_future(worker.open(number, "bubblewrap", SandboxSpec())) for number in range(2, 8)]
        await asyncio.sleep(delay)
        await worker.clear()
        await asyncio.gather(*opening)
        assert await until(lambda: not sandboxes_of_this_process() - before, 20), delay


async def test_a_command_that_is_stopped_while_it_starts_does_not_run() -> None:
    worker = SandboxWorker()
    opened = await worker.open(1, "bubblewrap", SandboxSpec())
    starting = asyncio.ensure_future(worker.start(2, opened.id, ["sleep", "600"], {}))
    await asyncio.sleep(0)
    await worker.drop(2)
    assert isinstance(await starting, Failed)
    assert 2 not in worker._processes
    await worker.clear()


async def test_a_call_under_way_when_a_worker_ends_its_sandboxes_is_lost() -> None:
    worker = SandboxWorker()
    opened = await worker.open(1, "bubblewrap", SandboxSpec())
    running = asyncio.ensure_future(worker.use(2, opened.id, "run", (["sleep", "600"],), {}))
    await asyncio.sleep(0.2)
    await worker.clear()
    failed = await running
    assert isinstance(failed, Failed)
    assert isinstance(failed.error(SandboxError), WorkerLost)
