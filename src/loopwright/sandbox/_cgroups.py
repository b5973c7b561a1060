"""Control groups for sandboxes that no engine puts into one.

Only the workload is put in, by each of its processes writing to a descriptor that the host opened: the runner stays
outside, so that it can still act when the group is out of memory or processes.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from loopwright.sandbox._types import Limits
from loopwright.types import Control

COUNTERS = {1: "memory.oom_control", 2: "memory.events"}
"""Version to the file in which the kernel counts processes that it killed for memory."""
SOCKET_MEMORY = "memory.kmem.tcp.limit_in_bytes"
"""Version 1 counts the buffers of IP sockets, UDP too, apart from all other memory, and only where this is set."""
_CONTROLLERS = {"memory", "pids", "cpu"}
_PERIOD = 100_000
"""Microseconds over which CPU time is counted."""


@dataclass(frozen=True, slots=True)
class GroupFolder:
    """Where groups may be made."""

    folder: Path
    version: int
    controllers: frozenset[str]


@dataclass(frozen=True, slots=True)
class GroupFiles:
    """Descriptors of a group's files."""

    entrances: Sequence[int] = ()
    """A process that writes `0` to each is in the group."""
    counter: int = -1
    """Counts processes killed for memory; -1 if there is none."""

    @property
    def descriptors(self) -> Sequence[int]:
        """All of them."""
        return [*self.entrances, *([self.counter] if self.counter >= 0 else [])]


NO_GROUP = GroupFiles()


@dataclass(frozen=True, slots=True)
class Held:
    """What was read back of a limit."""

    in_force: bool
    evidence: str


class Group:
    """The control group of one sandbox, in one hierarchy (v2) or one for each controller (v1)."""

    def __init__(self, name: str, limits: Limits, places: Sequence[GroupFolder]) -> None:
        self._parts: list[tuple[GroupFolder, Path]] = []
        self.held: dict[Control, Held] = {}
        """What is limited, as the kernel says."""
        for place in places:
            folder = place.folder / name
            try:
                folder.mkdir()
            except OSError:
                continue
            self._parts.append((place, folder))
            settings = _settings_v2(limits) if place.version == 2 else _settings_v1(limits)
            for controller in sorted(place.controllers & settings.keys()):
                control, files = settings[controller]
                self.held[control] = _set(folder, files)

    def open(self) -> GroupFiles:
        """Opens what the runner needs of it."""
        entrances, counter = [], -1
        for place, folder in self._parts:
            # `tasks` spares the kernel a lock, but only version 1 has it.
            entrances.append(os.open(folder / ("tasks" if place.version == 1 else "cgroup.procs"), os.O_WRONLY))
            if "memory" in place.controllers:
                counter = os.open(folder / COUNTERS[place.version], os.O_RDONLY)
        return GroupFiles(entrances, counter)

    async def remove(self, patience: float = 1.0) -> None:
        """Removes the group; its processes are dead, but the kernel may still be busy with them."""
        until = time.monotonic() + patience
        for _, folder in self._parts:
            while folder.exists():
                try:
                    folder.rmdir()
                except OSError:
                    if time.monotonic() > until:
                        break
                    await asyncio.sleep(0.002)


def socket_memory(limits: Limits) -> int:
    """Bytes for the buffers of IP sockets where they are counted apart: an eighth of the memory."""
    return limits.memory_mb * 1024 * 1024 // 8


def _settings_v1(limits: Limits) -> Mapping[str, tuple[Control, Mapping[str, int]]]:
    memory = limits.memory_mb * 1024 * 1024
    return {
        "memory": (
            Control.MEMORY,
            {
                "memory.limit_in_bytes": memory,
                "memory.memsw.limit_in_bytes": memory,
                SOCKET_MEMORY: socket_memory(limits),
            },
        ),
        "pids": (Control.PIDS, {"pids.max": limits.pids}),
        "cpu": (Control.CPU, {"cpu.cfs_period_us": _PERIOD, "cpu.cfs_quota_us": int(limits.cpus * _PERIOD)}),
    }


def _settings_v2(limits: Limits) -> Mapping[str, tuple[Control, Mapping[str, str]]]:
    memory = str(limits.memory_mb * 1024 * 1024)
    return {
        "memory": (Control.MEMORY, {"memory.max": memory, "memory.swap.max": "0"}),
        "pids": (Control.PIDS, {"pids.max": str(limits.pids)}),
        "cpu": (Control.CPU, {"cpu.max": f"{int(limits.cpus * _PERIOD)} {_PERIOD}"}),
    }


def _set(folder: Path, files: Mapping[str, int | str]) -> Held:
    """Writes limits and reads them back; without swap accounting there are no swap files, and swap must be off."""
    in_force, said = True, []
    for name, value in files.items():
        path = folder / name
        with contextlib.suppress(OSError):
            path.write_text(str(value))
        try:
            now = path.read_text().strip()
        except OSError:
            swaps = Path("/proc/swaps").read_text().count("\n")
            in_force = in_force and "sw" in name and swaps <= 1
            said.append(f"no {name}, no swap" if swaps <= 1 else f"no {name}")
            continue
        in_force = in_force and now == str(value)
        said.append(f"{name} {now}")
    return Held(in_force, ", ".join(said))


def places(proc: Path = Path("/proc/self")) -> Sequence[GroupFolder]:
    """Where this process may make groups for its children."""
    own: dict[str, str] = {}
    for line in (proc / "cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            own[controller] = path
    found: list[GroupFolder] = []
    for line in (proc / "mountinfo").read_text().splitlines():
        left, _, right = line.partition(" - ")
        root, mount = left.split()[3:5]
        kind, _, options = right.split()[:3]
        if kind == "cgroup2" and "" in own:
            found += _place_v2(Path(mount), _below(own[""], root))
        elif kind == "cgroup":
            wanted = frozenset(options.split(",")) & _CONTROLLERS
            if wanted:
                folder = Path(mount) / _below(own[min(wanted)], root)
                if os.access(folder, os.W_OK):
                    found.append(GroupFolder(folder, 1, wanted))
    return found


def _below(path: str, root: str) -> str:
    return os.path.relpath(path, root) if root != "/" else path.lstrip("/")


def _place_v2(mount: Path, own: str) -> Sequence[GroupFolder]:
    """The own group if it is the root; else its parent, as a group with processes cannot limit groups below it."""
    folder = mount / own
    if own not in ("", "."):
        folder = folder.parent
    control = folder / "cgroup.subtree_control"
    if not (os.access(folder, os.W_OK) and os.access(folder / "cgroup.procs", os.W_OK)):
        return []
    try:
        offered = set((folder / "cgroup.controllers").read_text().split()) & _CONTROLLERS
        for controller in offered - set(control.read_text().split()):
            with contextlib.suppress(OSError):
                control.write_text(f"+{controller}")
        enabled = frozenset(control.read_text().split()) & _CONTROLLERS
    except OSError:
        return []
    return [GroupFolder(folder, 2, enabled)] if enabled else []
