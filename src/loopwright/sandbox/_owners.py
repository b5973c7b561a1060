"""Who owns a sandbox, and whether that process still lives."""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, Self

PREFIX = "loopwright"
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Owner:
    """A process, told apart from every other one that has had or will have its number."""

    boot: str
    """The kernel's id of this boot."""
    namespace: str
    """The process namespace in which `pid` counts."""
    pid: int
    start: str
    """Clock ticks between the boot and its start."""

    @classmethod
    def parse(cls, label: str) -> Self | None:
        """Reads what `str` wrote; None if it is something else."""
        parts = label.split("/")
        if len(parts) != 4 or not parts[2].isdigit():
            return None
        return cls(parts[0], parts[1], int(parts[2]), parts[3])

    def __str__(self) -> str:
        return f"{self.boot}/{self.namespace}/{self.pid}/{self.start}"

    def state(self) -> Literal["alive", "dead", "unknown"]:
        """Whether it lives; unknown where another machine or process namespace would have to be asked."""
        here = this_process()
        if (self.boot, self.namespace) != (here.boot, here.namespace):
            return "unknown"
        return "alive" if start_time(self.pid) == self.start else "dead"


def this_process() -> Owner:
    """The owner of what this process opens."""
    return _describe(os.getpid())


@cache
def _describe(pid: int) -> Owner:
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    namespace = str(Path("/proc/self/ns/pid").readlink()).strip("pid:[]")
    return Owner(boot, namespace, pid, start_time(pid))


def start_time(pid: int) -> str:
    """When a process started, in clock ticks since boot; empty if it is gone or only waits to be reaped."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]


def next_name() -> str:
    """`loopwright-<owner's pid>-<its start>-<number>`."""
    owner = this_process()
    return f"{PREFIX}-{owner.pid}-{owner.start}-{next(_numbers)}"


def owner_in(name: str) -> Owner | None:
    """The owner that a name made on this machine tells of; None if the name is of another kind."""
    parts = name.split("-")
    here = this_process()
    if len(parts) != 4 or parts[0] != PREFIX or not parts[1].isdigit():
        return None
    return Owner(here.boot, here.namespace, int(parts[1]), parts[2])


@dataclass(frozen=True, slots=True)
class Found:
    """A sandbox that is there, or its remains."""

    name: str
    provider: str
    removed: bool
    why: str
