"""Sweeping what dead processes left behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Sequence
from pathlib import Path

from loopwright.errors import SandboxUnavailable
from loopwright.sandbox._cgroups import places
from loopwright.sandbox._owners import PREFIX, Found, owner_in
from loopwright.sandbox.docker._engine import DockerEngine, sweep


async def gc() -> Sequence[Found]:
    """Removes the sandboxes whose owner is dead, and tells of all that were there.

    Sandboxes end by themselves when their owner does; this takes what a crashed engine or machine kept from it. A
    sandbox whose owner cannot be judged from here, on another machine or in another process namespace, is left alone:
    its lease ends it.
    """
    engine = DockerEngine()
    try:
        containers = await sweep(engine)
    except SandboxUnavailable:
        containers = []
    finally:
        engine.close()
    return [*containers, *await asyncio.to_thread(_control_groups)]


def _control_groups() -> Sequence[Found]:
    found: dict[str, Found] = {}
    for place in places():
        for folder in place.folder.glob(f"{PREFIX}-*"):
            owner = owner_in(folder.name)
            state = owner.state() if owner else "unknown"
            removed = state == "dead" and _end_group(folder)
            found[folder.name] = Found(folder.name, "bubblewrap", removed, f"its owner is {state}")
    return list(found.values())


def _end_group(folder: Path) -> bool:
    for pid in (folder / "cgroup.procs").read_text().split():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
    try:
        folder.rmdir()
    except OSError:
        return False  # its processes are still dying: the next sweep takes it
    return True
