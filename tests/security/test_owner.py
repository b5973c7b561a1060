"""Outliving the owner."""

from __future__ import annotations

import asyncio
import secrets
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
STARTS = 600
"""Seconds in which what an owner begins must be there; the machine may be busy."""
ENDS = 30
"""Seconds in which it must be gone, as the page on security promises."""

OWNER = """
    import asyncio, sys
    from loopwright.sandbox import SandboxSpec, _sandbox, _setup, open_provider

    async def main():
        _setup.LEASE, _sandbox.BEAT = float(sys.argv[2]), float(sys.argv[2]) / 5
        provider = await open_provider(sys.argv[1])
        box = await provider.open(SandboxSpec())
        await box.start(["sh", "-c", f"trap '' TERM HUP; (setsid setsid {sys.argv[3]} &); {sys.argv[3]}"], timeout=6000)
        print(box.id, flush=True)
        await asyncio.sleep(6000)

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
    duration = f"9{secrets.randbelow(10**9):09}.5"  # nobody else's processes sleep for as long
    owner = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", textwrap.dedent(OWNER), provider, str(lease), f"sleep {duration}"),
        stdout=subprocess.PIPE,
    )
    assert owner.stdout
    name = (await owner.stdout.readline()).decode().strip()
    await _become(duration, 2, time.monotonic() + STARTS)
    owner.send_signal(number)
    until = time.monotonic() + ENDS
    await _become(duration, 0, until)
    if number is not signal.SIGKILL:
        owner.kill()
    await owner.wait()
    while any(found.name == name for found in await gc()):
        assert time.monotonic() < until, "there is still a sandbox"
        await asyncio.sleep(0.2)


async def _become(duration: str, wanted: int, until: float) -> None:
    """Waits until so many processes sleep for that duration."""
    while len(_sleepers(duration)) != wanted and time.monotonic() < until:
        await asyncio.sleep(0.2)
    assert len(_sleepers(duration)) == wanted


def _sleepers(duration: str) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if path.read_bytes() == b"sleep\0%b\0" % duration.encode():
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found
