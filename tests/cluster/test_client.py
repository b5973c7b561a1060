"""Ray's client, `ray://`: a driver that is no node of the cluster."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest

from loopwright import load_result
from tests.cluster.test_driver_kill import workers
from tests.cluster.test_unusable import ROOT, entered, free_port, in_a_process, machines
from tests.cluster.workload import begin, drive, executed, kill, made, outcome, paid, recorded

WITH_A_TOKEN = "import os; os.environ['RAY_AUTH_MODE'] = 'token'\n"
CONNECTED = """
import ray
while not ray.is_initialized():
    try:
        ray.init({here!r}, log_to_driver=False, logging_level="ERROR")
    except ConnectionAbortedError:  # a busy machine, on which Ray's 30 seconds do not suffice
        pass
"""


@pytest.fixture(scope="module")
def client() -> Iterator[str]:
    """The address of a cluster with two processors for Ray's client."""
    folder = Path(tempfile.mkdtemp(prefix="lw"))
    port = free_port()
    try:
        with machines(str(ROOT / "src"), folder, "--num-cpus=2", f"--ray-client-server-port={port}"):
            wait_for(port)
            yield f"ray://127.0.0.1:{port}"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def wait_for(port: int) -> None:
    end = time.monotonic() + 60
    while True:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port)).close()
            return
        assert time.monotonic() < end, "Ray's client finds no server"
        time.sleep(0.1)


@pytest.mark.slow
def test_a_run_over_the_client_whose_worker_dies(tmp_path: Path, processes: ForkServerContext, client: str) -> None:
    here, there = made(tmp_path / "here"), made(tmp_path / "there")
    expected = outcome(asyncio.run(executed(begin(here), None)))

    killed: list[bool] = []

    def strike() -> None:
        while not recorded(there):
            time.sleep(0.02)
        killed.append(kill(workers(there)[0]))

    striking = threading.Thread(target=strike, daemon=True)
    striking.start()
    driver = processes.Process(target=drive, args=(there, client, "bubblewrap"))
    driver.start()
    driver.join(240)
    assert driver.exitcode == 0
    assert not striking.is_alive()
    assert killed == [True]
    assert outcome(load_result(there / "run")) == expected
    assert len(paid(there)) == len(set(paid(there)))


@pytest.mark.slow
def test_a_process_that_is_connected_by_itself_runs_at_the_same_address(client: str) -> None:
    connected = WITH_A_TOKEN + CONNECTED.format(here=client)
    still = "\nprint(ray.is_initialized())"
    assert in_a_process(connected + entered(client) + still).splitlines() == ["True"]
    refused = in_a_process(connected + entered("ray://127.0.0.1:1"))
    assert refused.startswith("ClusterUnusable this process is connected to a Ray cluster at ")
