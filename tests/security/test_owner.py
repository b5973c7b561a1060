"""Outliving the owner."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from loopwright.sandbox import SandboxProvider, gc
from loopwright.sandbox._sandbox import BEAT
from loopwright.sandbox._setup import LEASE
from tests.security.table import proves

pytestmark = pytest.mark.anyio

OWNER = """
    import asyncio, sys
    from loopwright.sandbox import SandboxSpec, _sandbox, _setup, open_provider

    async def main():
        _setup.LEASE, _sandbox.BEAT = float(sys.argv[2]), float(sys.argv[2]) / 5
        provider = await open_provider(sys.argv[1])
        box = await provider.open(SandboxSpec())
        await box.start(["sh", "-c", "trap '' TERM HUP; (setsid setsid sleep 98.5 &); sleep 98.5"], timeout=600)
        await asyncio.sleep(0.3)
        print(box.id, flush=True)
        await asyncio.sleep(600)

    asyncio.run(main())
"""


@proves("`kill -9` of the owner, while daemons run", "30 s later there is no sandbox and no process")
@pytest.mark.slow
async def test_a_killed_owner(provider: SandboxProvider) -> None:
    await _ends_with_its_owner(provider.name, signal.SIGKILL, LEASE)


@proves("an owner that hangs", "it does not renew the lease: 30 s later there is no process", "bubblewrap")
@pytest.mark.slow
async def test_an_owner_that_hangs() -> None:
    assert LEASE < 30
    assert BEAT < LEASE / 2
    await _ends_with_its_owner("bubblewrap", signal.SIGSTOP, 3.0)


async def _ends_with_its_owner(provider: str, number: signal.Signals, lease: float) -> None:
    owner = await asyncio.create_subprocess_exec(
        sys.executable, "-c", textwrap.dedent(OWNER), provider, str(lease), stdout=subprocess.PIPE
    )
    assert owner.stdout
    name = (await owner.stdout.readline()).decode().strip()
    assert len(_sleepers()) == 2
    owner.send_signal(number)
    until = time.monotonic() + 30
    while _sleepers() and time.monotonic() < until:
        await asyncio.sleep(0.2)
    assert _sleepers() == []
    if number is not signal.SIGKILL:
        owner.kill()
    await owner.wait()
    while any(found.name == name for found in await gc()):
        assert time.monotonic() < until, "there is still a sandbox"
        await asyncio.sleep(0.2)


def _sleepers() -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if path.read_bytes() == b"sleep\x0098.5\x00":
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found
