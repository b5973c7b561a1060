"""What every sandbox has in common: its folders, its user, its environment, and the runner's first order."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Mapping
from dataclasses import dataclass

from loopwright.errors import SandboxLost
from loopwright.sandbox._channel import Channel
from loopwright.sandbox._inside.wire import Ask, pack
from loopwright.sandbox._seccomp import MACHINES, program
from loopwright.sandbox._types import SandboxSpec

WORKDIR = "/work"
WRITABLE = (WORKDIR, "/tmp", "/dev/shm")
"""Folders of limited size in which the workload may write; empty at first."""
LEASE = 25.0
"""Seconds without a word from the host after which a sandbox ends by itself."""
_START_TIMEOUT = 30.0
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Account:
    """The workload's user."""

    uid: int
    gid: int

    def files(self) -> Mapping[str, str]:
        """The account files of a root file system that has none."""
        return {
            "/etc/passwd": f"root:x:0:0:root:/:/bin/sh\nuser:x:{self.uid}:{self.gid}:user:{WORKDIR}:/bin/sh\n",
            "/etc/group": f"root:x:0:\nuser:x:{self.gid}:\n",
            "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
            "/etc/hosts": "127.0.0.1 localhost\n::1 localhost\n",
        }


def default_env(path: str = "") -> Mapping[str, str]:
    """The workload's environment beside what the spec sets."""
    return {"PATH": path + _PATH, "HOME": WORKDIR, "LANG": "C.UTF-8"}


async def set_up(channel: Channel, spec: SandboxSpec, account: Account) -> None:
    """Tells the runner whom commands run as and within which limits.

    Raises:
        SandboxLost: There is no runner.
    """
    rlimits = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: 1024,
        resource.RLIMIT_FSIZE: spec.limits.scratch_mb * 1024 * 1024,
        resource.RLIMIT_MEMLOCK: 64 * 1024,
        resource.RLIMIT_MSGQUEUE: 0,
    }
    pairs = pack(b"%d" % number for pair in rlimits.items() for number in pair)
    filters = pack(part for machine in MACHINES for part in (machine.encode(), program(machine)))
    try:
        await asyncio.wait_for(
            channel.call(
                Ask.SETUP,
                b"%d" % account.uid,
                b"%d" % account.gid,
                b"%f" % LEASE,
                WORKDIR.encode(),
                pairs,
                filters,
            ),
            _START_TIMEOUT,
        )
    except TimeoutError:
        raise SandboxLost(f"the runner said nothing for {_START_TIMEOUT:.0f} s") from None
    except OSError as error:
        raise SandboxLost(f"the runner could not make the workspace: {error}") from error
