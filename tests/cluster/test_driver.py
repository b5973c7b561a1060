"""A worker as the driver sees it: what makes it lose a worker, what does not, and how it takes one back."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from loopwright.cluster import RayCluster
from loopwright.cluster._answers import Failed
from loopwright.cluster._driver import PATIENCE, Worker
from loopwright.cluster._worker import SandboxWorker
from loopwright.errors import ClusterUnusable, SandboxError, WorkerLost
from loopwright.sandbox import SandboxSpec
from tests.cluster.workload import descendants, kill

pytestmark = pytest.mark.anyio


class Restarted:
    """An actor whose facts are slow in its second life. A real one is so on a machine that is busy."""

    def __init__(self, folder: Path) -> None:
        self._life = len(list(folder.iterdir()))
        (folder / str(os.getpid())).touch()

    async def beat(self) -> str:
        return str(self._life)

    async def clear(self) -> None:
        pass

    async def facts(self) -> tuple[int, int]:
        if self._life:
            await asyncio.sleep(PATIENCE + 2)
        return self._life, os.getpid()


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
    worker = Worker(actor, 0)
    await worker.begin(60)
    facts: Any = worker.facts
    assert kill(facts[1])
    assert await until(lambda: not worker.alive, 30)
    assert await until(lambda: worker.alive, 90)
    told: Any = worker.facts
    assert told[0] == 1
    await worker.end()
    ray.kill(actor)


@pytest.mark.slow
async def test_a_worker_that_was_started_anew_is_checked_again(tmp_path: Path, ray: Any) -> None:
    def check(facts: Any) -> None:
        if facts[0]:
            raise ClusterUnusable("it can open no sandbox any more")

    actor = restarted(ray, tmp_path)
    worker = Worker(actor, 0, check=check)
    await worker.begin(60)
    facts: Any = worker.facts
    assert kill(facts[1])
    assert await until(lambda: worker.alive is False, 30)
    assert await until(lambda: worker.refused, 90)
    assert worker.refused == "it can open no sandbox any more"
    await asyncio.sleep(5)  # two beats
    assert not worker.alive
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


def sandboxes_of_this_process() -> set[tuple[int, str]]:
    found = set()
    for one in descendants(os.getpid()):
        with contextlib.suppress(OSError):
            found |= {one} if Path(f"/proc/{one[0]}/comm").read_text().strip() == "bwrap" else set()
    return found


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
