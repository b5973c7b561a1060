"""The connection of a process to Ray: one for all of its runs, and what others see of it."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.test_unusable import entered, in_a_process

TWO_RUNS = """
import asyncio, os
os.environ.pop("RAY_ADDRESS", None)
os.environ.update(RAY_AUTH_MODE="token", RAY_USAGE_STATS_ENABLED="0")
from loopwright.cluster import RayCluster
from loopwright.errors import ClusterUnusable
from loopwright.sandbox import SandboxSpec
import ray

async def there():
    first, second = RayCluster("ray", 1), RayCluster("ray", 1)
    await first.__aenter__()
    await second.__aenter__()
    try:
        await RayCluster("127.0.0.1:1", 1).__aenter__()
    except ClusterUnusable as error:
        print(error.args[0])
    await first.__aexit__(None, None, None)
    async with await (await second.sandboxes("bubblewrap", None)).open(SandboxSpec()) as sandbox:
        print((await sandbox.run(["echo", "it lives"])).stdout.text.strip())
    await second.__aexit__(None, None, None)
    print(ray.is_initialized())

asyncio.run(there())
"""
FORGOTTEN = """
import asyncio, os
for name in ("RAY_ADDRESS", "RAY_AUTH_MODE"):
    os.environ.pop(name, None)
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
from loopwright.cluster import RayCluster
"""
CANCELLED = """
async def there():
    entering = asyncio.ensure_future(RayCluster("ray", 1).__aenter__())
    await asyncio.sleep(0.2)
    entering.cancel()
    try:
        await entering
    except asyncio.CancelledError:
        print("cancelled")

asyncio.run(there())  # waits for the threads
import ray
print(ray.is_initialized())
"""
TWICE = """
async def there():
    for _ in range(2):
        async with RayCluster("ray", 1):
            from ray._raylet import AuthenticationMode, get_authentication_mode
            print(os.environ["RAY_AUTH_MODE"], get_authentication_mode() == AuthenticationMode.TOKEN)
        print(os.environ.get("RAY_AUTH_MODE"), get_authentication_mode() == AuthenticationMode.TOKEN)

asyncio.run(there())
"""
PASSWORD = "correct-horse-battery"  # of nothing


@pytest.mark.slow
def test_a_run_that_ends_leaves_the_connection_to_another_one() -> None:
    refused, told, connected = in_a_process(TWO_RUNS).splitlines()
    assert refused.endswith("a Ray cluster of its own, and cannot work on one at 127.0.0.1:1 at the same time")
    assert told == "it lives"
    assert connected == "False"


@pytest.mark.slow
def test_a_run_that_is_cancelled_while_it_connects_leaves_nothing() -> None:
    assert in_a_process(FORGOTTEN + CANCELLED).splitlines() == ["cancelled", "False"]


@pytest.mark.slow
def test_a_cluster_of_its_own_asks_for_a_token_and_leaves_no_trace_of_it() -> None:
    assert in_a_process(FORGOTTEN + TWICE).splitlines() == ["token True", "None False"] * 2


@pytest.mark.slow
def test_the_command_line_is_told_to_nobody(ray: Any) -> None:
    address = ray.get_runtime_context().gcs_address
    program = f"import os; os.environ['RAY_AUTH_MODE'] = 'token'\n{entered(address)}"
    command = [sys.executable, "-c", program, "--store", f"postgresql://me:{PASSWORD}@host/db"]
    subprocess.run(command, timeout=300, check=True)
    told = [str(job) for job in ray._private.state.jobs()]
    assert any("Entrypoint': 'loopwright'" in job for job in told), told
    assert not [job for job in told if PASSWORD in job]


@pytest.mark.slow
def test_a_cluster_that_asks_for_a_token_where_there_is_none(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        without = f"import os; os.environ.update(RAY_AUTH_MODE='token', HOME={str(tmp_path)!r})\n"
        forgotten = "".join(f"os.environ.pop({name!r}, None)\n" for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"))
        said = in_a_process(without + forgotten + entered(address))
    assert said.startswith(f"ClusterUnusable the Ray cluster at {address} cannot be used")
    assert "RAY_AUTH_TOKEN_PATH" in said
