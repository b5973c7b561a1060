"""Nodes that leave a cluster and join it while a run works: real raylets, all on this machine."""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import pytest

from loopwright import load_result
from loopwright.cluster import RayCluster
from tests.cluster.workload import alive, begin, descendants, executed, made, opened, outcome, paid
from tests.faults.table import proves

FEW, MANY = 8, 20
"""Answers of the model after which the first node leaves, and the second; the run needs 42 or more."""
PATIENCE = 60.0
"""Seconds in which the worker of a node that left is there again."""


class Nodes:
    """A head without room for workers, and two nodes with room for one each."""

    def __init__(self) -> None:
        from ray.cluster_utils import Cluster

        self._cluster: Any = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
        self._nodes: list[Any] = []
        self.add()
        self.add()

    @property
    def address(self) -> str:
        return str(self._cluster.address)

    def add(self) -> None:
        self._nodes.append(self._cluster.add_node(num_cpus=1))

    def remove(self) -> None:
        """Ends the older node as `ray stop` does there."""
        self._cluster.remove_node(self._nodes.pop(0), allow_graceful=True)

    def kill(self) -> None:
        """Kills the raylet of the older node; what else of it lives is left to Ray."""
        self._nodes.pop(0).kill_raylet()

    def shutdown(self) -> None:
        self._cluster.shutdown()


class Disturbed:
    """The workload on a cluster whose nodes leave, and are replaced, in the middle."""

    def __init__(self, folder: Path, nodes: Nodes) -> None:
        self._nodes = nodes
        self._cluster = RayCluster(nodes.address, 2)
        self._run = begin(folder, adders=6, ready=self._ready)
        self._answers = 0
        self._before: set[tuple[int, str]] = set()
        self._changing: asyncio.Task[None] | None = None

    async def execute(self) -> None:
        await executed(self._run, self._cluster)
        end = time.monotonic() + 30
        while alive(self._before):
            assert time.monotonic() < end, "processes of a node that left are there"
            await asyncio.sleep(0.1)

    async def _ready(self) -> None:
        """The model of the run answers; a node leaves first, or the worker of the one that left is waited for."""
        self._answers += 1
        if self._answers in (FEW, MANY):
            if self._changing:
                await self._changing
            leave = self._nodes.remove if self._answers == FEW else self._nodes.kill
            self._changing = asyncio.create_task(self._changed(leave))
        if self._answers > MANY + FEW:
            assert self._changing
            await self._changing

    async def _changed(self, leave: Any) -> None:
        pids = {facts.pid for facts in self._cluster.facts}
        self._before |= {one for pid in pids for one in descendants(pid)}
        await asyncio.to_thread(leave)
        self._nodes.add()  # in this thread, as Ray sets handlers of signals
        async with asyncio.timeout(PATIENCE):
            while not {facts.pid for facts in self._cluster.facts} - pids:
                await asyncio.sleep(0.1)


def on_nodes_that_change(folder: Path) -> None:
    os.environ.update(
        RAY_AUTH_MODE="token",
        RAY_AUTH_TOKEN=secrets.token_hex(32),
        RAY_USAGE_STATS_ENABLED="0",
        RAY_IGNORE_UNHANDLED_ERRORS="1",
    )
    nodes = Nodes()
    try:
        asyncio.run(Disturbed(folder, nodes).execute())
    finally:
        nodes.shutdown()


@pytest.mark.slow
@proves(
    "on a Ray cluster, a node that leaves and one whose raylet is killed, each replaced by a node that joins",
    "same end as undisturbed; 0 model calls made twice; no process of the nodes that left runs on",
)
def test_nodes_that_leave_and_join(tmp_path: Path, processes: ForkServerContext) -> None:
    here, there = made(tmp_path / "here"), made(tmp_path / "there")
    expected = outcome(asyncio.run(executed(begin(here, adders=6), None)))
    assert all(one.end and one.end[0] == "scored" for one in expected)
    process = processes.Process(target=on_nodes_that_change, args=(there,))
    process.start()
    process.join(180)
    assert process.exitcode == 0
    assert outcome(load_result(there / "run")) == expected
    assert len(paid(there)) == len(set(paid(there)))
    workers = {one.sandbox.split("-")[1] for one in opened(there)}
    assert len(workers) == 4, "two workers, and the two that followed them"
