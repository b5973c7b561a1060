"""Names of sandboxes, from which anyone can tell whether their owner still lives."""

from __future__ import annotations

import itertools
import os
from functools import cache
from pathlib import Path

_numbers = itertools.count(1)


@cache
def _start(pid: int) -> str:
    return start_time(pid)


def start_time(pid: int) -> str:
    """When a process started, in clock ticks since boot: with its number, unique on this boot. Empty if it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    return stat.rpartition(")")[2].split()[19]


def next_name() -> str:
    """`loopwright-<owner's pid>-<its start>-<number>`."""
    pid = os.getpid()
    return f"loopwright-{pid}-{_start(pid)}-{next(_numbers)}"
