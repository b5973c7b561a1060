"""`kill -9` of the driver: what is recorded is not paid again, and nothing stays on the workers."""

from __future__ import annotations

import asyncio
import random
import subprocess
import time
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import pytest

from loopwright import load_result
from tests.cluster.workload import alive, begin, descendants, drive, executed, made, outcome, paid, recorded
from tests.faults.table import proves

KILLS = 20
GONE = 60.0
"""Seconds after which no sandbox of a dead driver may run; its lease is 25, and the machine may be slow."""


def workers(folder: Path) -> list[int]:
    """The processes in which drivers of the run had sandboxes."""
    told = folder / "workers"
    return [int(line) for line in told.read_text().split()] if told.exists() else []


def containers(pids: list[int]) -> int:
    """Containers of these processes that run. One that was never started is swept when the next cluster begins."""
    told = subprocess.run(
        ["docker", "ps", "--format", "{{.Names}}"], capture_output=True, text=True, check=True
    ).stdout.split()
    return sum(name.split("-")[1:2] == [str(pid)] for name in told for pid in pids if name.startswith("loopwright-"))


def wait_until_gone(below: set[tuple[int, str]], pids: list[int], kind: str) -> None:
    end = time.monotonic() + GONE
    while alive(below) or (kind == "docker" and containers(pids)):
        assert time.monotonic() < end, "sandboxes are left"
        time.sleep(0.2)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["bubblewrap", pytest.param("docker", marks=pytest.mark.docker)])
@proves(
    f"on a Ray cluster, `kill -9` of the driver at {KILLS} random instants, then resume on the cluster",
    "same end as undisturbed; 0 recorded model calls repeated; 0 sandboxes run on when their lease is over",
)
def test_kill_9_of_the_driver(tmp_path: Path, processes: ForkServerContext, ray: Any, kind: str) -> None:
    expected = outcome(asyncio.run(executed(begin(made(tmp_path / "here"), kind), None)))
    address = ray.get_runtime_context().gcs_address
    chance = random.Random(5)
    kills = repeated = runs = 0
    while kills < KILLS:
        folder = made(tmp_path / f"there{runs}")
        runs += 1
        finished = False
        while not finished:
            known, bill, before = recorded(folder), len(paid(folder)), len(workers(folder))
            driver = processes.Process(target=drive, args=(folder, address, kind))
            driver.start()
            end = time.monotonic() + 120
            while driver.is_alive() and len(workers(folder)) == before and time.monotonic() < end:
                time.sleep(0.02)
            driver.join(chance.uniform(0, 3) if kills < KILLS else None)
            if driver.is_alive():
                below = {one for pid in workers(folder)[before:] for one in descendants(pid)}
                driver.kill()
                driver.join()
                kills += 1
                wait_until_gone(below, workers(folder)[before:], kind)
            else:
                assert driver.exitcode == 0
                finished = True
            repeated += len(known & set(paid(folder)[bill:]))
        assert outcome(load_result(folder / "run")) == expected
    assert repeated == 0
