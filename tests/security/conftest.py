"""A sandbox to attack, of each provider. After every attack it is looked at: what holds is asserted here for all."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

import pytest

from loopwright.sandbox import Completed, Sandbox, SandboxProvider, SandboxSpec
from loopwright.sandbox._owners import start_time
from tests.conftest import on_every_provider

pytest_generate_tests = on_every_provider
PATIENCE = 60
"""Seconds for what takes moments; processes of attacks sleep for longer."""
Attack = Callable[..., Awaitable[Completed]]

TOOLS = '''
import ctypes, errno, os, platform, socket, stat, sys
libc = ctypes.CDLL(None, use_errno=True)

def attempt(name, work):
    """Prints how it was refused, or that it was not."""
    try:
        work()
    except OSError as error:
        print(name, errno.errorcode[error.errno])
    else:
        print(name, "WORKED")

def check(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), "")
    return result

def call(x86_64, aarch64, *arguments):
    check(libc.syscall(x86_64 if platform.machine() == "x86_64" else aarch64, *arguments))
'''


@pytest.fixture
async def box(provider: SandboxProvider) -> AsyncIterator[Sandbox]:
    """A sandbox in which nothing has run; after the attack it must be sound, alone and removable without a trace."""
    sandbox = await provider.open(SandboxSpec())
    namespace = (await sandbox.run(["readlink", "/proc/self/ns/pid"])).stdout.text.strip()
    assert _processes(namespace) or os.geteuid() != 0
    yield sandbox
    await _is_left_alone(sandbox)
    # With their start times, as numbers of processes and namespaces are used again.
    there = {(pid, start_time(pid)) for pid in _processes(namespace)}
    await sandbox.close()
    await _becomes(lambda: [pid for pid, start in there if start_time(pid) == start], [])
    fresh = await provider.open(SandboxSpec())
    assert (await fresh.run(["echo", "the loop goes on"])).stdout.text == "the loop goes on\n"
    await fresh.close()


@pytest.fixture
def attack(box: Sandbox) -> Attack:
    """Runs a Python program in the sandbox, with the tools above."""

    async def run(program: str, **options: float) -> Completed:
        return await box.run(["python3", "-c", TOOLS + program], **options)  # type: ignore[arg-type]  # only timeouts are given here

    return run


async def until_deadline(
    attack: Callable[[float], Awaitable[Completed]], begun: Callable[[Completed], object]
) -> Completed:
    """An attack that its deadline ends, in s; a slow machine gets a later one, so that the attack has begun by then."""
    for deadline in (1.5, 15, 150):
        done = await attack(deadline)
        if begun(done):
            break
    return done


async def _is_left_alone(sandbox: Sandbox) -> None:
    """A next command works, and soon the runner and that command are all that there is."""
    until = time.monotonic() + PATIENCE
    while True:
        done = await sandbox.run(["sh", "-c", "echo /proc/[0-9]*"])
        assert done.ok, done
        if len(done.stdout.text.split()) == 2:
            return
        assert time.monotonic() < until, done.stdout.text
        await asyncio.sleep(0.05)


async def _becomes(look: Callable[[], object], wanted: object) -> None:
    until = time.monotonic() + PATIENCE
    while look() != wanted and time.monotonic() < until:
        await asyncio.sleep(0.02)
    assert look() == wanted


def _processes(namespace: str) -> Sequence[int]:
    """Processes of a process namespace, as the host sees them; other users' only as root."""
    found = []
    for link in Path("/proc").glob("[0-9]*/ns/pid"):
        try:
            if str(link.readlink()) == namespace:
                found.append(int(link.parts[2]))
        except OSError:
            continue
    return found


def refusals(done: Completed) -> dict[str, str]:
    """What a program's attempts came to: error names, or `WORKED`."""
    assert done.ok, done
    return dict(line.split(maxsplit=1) for line in done.stdout.text.splitlines())
