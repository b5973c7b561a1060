"""Objects beside the sandboxes of workers: graders, whose tests are conversations."""

from __future__ import annotations

import asyncio
import threading
from functools import partial

import pytest

from loopwright.cluster import RayCluster
from loopwright.cluster._answers import Failed
from loopwright.cluster._objects import ObjectPlan
from loopwright.cluster._worker import SandboxWorker
from loopwright.errors import LoopwrightError, SandboxError, SandboxUnavailable
from loopwright.sandbox import Control, OpenedThere, Pool, SandboxProvider, SandboxSpec, colocated, open_provider
from loopwright.verify import Grader, PythonSuite

pytestmark = pytest.mark.anyio

SLOW = "import time\ndef f(n): time.sleep(60 * n)"
SUITE = PythonSuite("from solution import f\n\ndef test_it(): f(0)", ("test_it",), ("solution",), 60.0)
WAITS = PythonSuite("from solution import f\n\ndef test_it(): f(1)", ("test_it",), ("solution",), 60.0)


async def test_its_sandboxes_are_told_with_their_machine_and_are_warm_for_the_next_call(cluster: RayCluster) -> None:
    provider, told = await cluster.sandboxes("bubblewrap", None), list[OpenedThere]()
    grader = provider.colocate(
        partial(Grader, spec=SandboxSpec(labels={"any": "1"})), labels={"episode": "e"}, opened=told.append
    )
    for _ in range(2):
        grading = await grader.call("grade", {"solution.py": SLOW}, SUITE)
        assert grading.verdict.passed
    await grader.close()
    await grader.close()
    assert {one.host for one in told} <= {facts.host for facts in cluster.facts}
    assert sorted(one.labels["purpose"] for one in told) == ["candidate", "verifier"]
    assert all(one.labels["any"] == "1" and one.seconds > 0 and one.controls for one in told)


@pytest.mark.parametrize("seconds", [0, 0.05, 1.5])
async def test_a_call_that_is_cancelled_leaves_an_object_that_works(cluster: RayCluster, seconds: float) -> None:
    async with Grader(await cluster.sandboxes("bubblewrap", None), SandboxSpec()) as grader:
        grading = asyncio.ensure_future(grader.grade({"solution.py": SLOW}, WAITS))
        await asyncio.sleep(seconds)
        grading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await grading
        assert (await grader.grade({"solution.py": SLOW}, SUITE)).verdict.passed


class Slow:
    """An object that tidies up for a while when a call is cancelled."""

    def __init__(self, provider: SandboxProvider) -> None:
        self.tidy = True

    async def work(self, seconds: float) -> bool:
        self.tidy, before = False, self.tidy
        try:
            await asyncio.sleep(seconds)
        finally:
            await asyncio.sleep(0.3)
            self.tidy = True
        return before

    async def close(self) -> None:
        assert self.tidy


async def test_a_call_waits_for_the_one_before() -> None:
    worker, plan = SandboxWorker(), ObjectPlan(Slow, "bubblewrap", None, {})
    first = asyncio.ensure_future(worker.call_object(1, 1, plan, "work", (97,), {}))
    await asyncio.sleep(0.01)
    await worker.drop(1)
    assert (await worker.call_object(2, 1, plan, "work", (0,), {})).value is True
    assert await worker.release(3, 1) is None
    assert isinstance(await first, Failed)


async def test_a_call_that_comes_after_it_was_dropped_is_not_made() -> None:
    worker = SandboxWorker()
    await worker.drop(1)
    assert isinstance(
        await worker.call_object(1, 1, ObjectPlan(Slow, "bubblewrap", None, {}), "work", (97,), {}), Failed
    )


class Holding:
    """An object whose module no worker has."""

    def __init__(self, provider: SandboxProvider) -> None:
        pass

    async def give(self, what: str) -> object:
        return {"a lock": threading.Lock(), "a word": "fine"}[what]

    async def close(self) -> None:
        pass


@pytest.mark.parametrize(("what", "kind"), [("a lock", SandboxError), ("nothing", LoopwrightError)])
async def test_a_fault_of_an_object_ends_its_call_alone(cluster: RayCluster, what: str, kind: type[Exception]) -> None:
    provider = await cluster.sandboxes("bubblewrap", None)
    boxes = [await provider.open(SandboxSpec()) for _ in cluster.facts]
    there = colocated(provider, Holding)
    assert there is not None
    with pytest.raises(kind):
        await there.call("give", what)
    await there.close()
    for box in boxes:
        assert (await box.run(["true"])).ok
        await box.close()


async def test_what_no_worker_can_open_is_refused(cluster: RayCluster) -> None:
    spec = SandboxSpec(image="no/such:image", require=frozenset({Control.SECCOMP}))
    async with Grader(await cluster.sandboxes("bubblewrap", None), spec) as grader:
        with pytest.raises(SandboxUnavailable):
            await grader.grade({"solution.py": SLOW}, SUITE)


async def test_on_one_machine_nothing_is_placed() -> None:
    pool = Pool(await open_provider("bubblewrap"))
    try:
        assert colocated(pool, partial(Grader, spec=SandboxSpec())) is None
        async with Grader(pool, SandboxSpec()) as grader:
            assert (await grader.grade({"solution.py": SLOW}, SUITE)).verdict.passed
    finally:
        await pool.close()
