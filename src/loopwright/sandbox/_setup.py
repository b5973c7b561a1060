"""What every sandbox has in common: its folders, its user, its environment, and the runner's first order."""

from __future__ import annotations

import asyncio
import random
import resource
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from loopwright.errors import SandboxLost
from loopwright.sandbox._cgroups import NO_GROUP, GroupFiles
from loopwright.sandbox._guest.messages import Ask, pack
from loopwright.sandbox._seccomp import MACHINES, program
from loopwright.sandbox._types import Limits, SandboxSpec
from loopwright.sandbox.host._bundle import bundle
from loopwright.sandbox.host._channel import RUNNER, RunnerChannel
from loopwright.types import Control

WORKDIR = "/work"
WRITABLE = (WORKDIR, "/tmp", "/dev/shm")
"""Folders of limited size in which the workload may write; empty at first."""
TERMINALS = "/dev/pts"
"""A folder that is covered, as all sandboxes of a machine share its number of pseudo-terminals."""
LEASE = 25.0
"""Seconds without a word from the host after which a sandbox ends by itself."""
_START_TIMEOUT = 30.0
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


FILE_CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID")
"""What a workload that is root keeps."""
RUNNER_FILES = ("autogroup", "coredump_filter", "oom_adj", "oom_score_adj", "sched")
"""Files of a process in /proc with which such a workload would have the kernel kill or starve the runner."""


@dataclass(frozen=True, slots=True)
class Account:
    """The workload's user."""

    uid: int
    gid: int
    own: bool = False
    """Whether nobody else has it, as the machine sees it: then what the kernel counts for each user (watches, timers,
    pipes, files on their way through sockets) is this sandbox's alone."""

    @classmethod
    def alone(cls, uids: range) -> Account:
        """A user of this sandbox's own."""
        uid = random.choice(uids)
        return cls(uid, uid, own=True)

    def files(self) -> Mapping[str, str]:
        """The account files of a root file system that has none."""
        user = f"user:x:{self.uid}:{self.gid}:user:{WORKDIR}:/bin/sh\n" if self.uid else ""
        return {
            "/etc/passwd": f"root:x:0:0:root:{'/' if user else WORKDIR}:/bin/sh\n{user}",
            "/etc/group": f"root:x:0:\nuser:x:{self.gid}:\n" if user else "root:x:0:\n",
            "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
            "/etc/hosts": "127.0.0.1 localhost\n::1 localhost\n",
        }


@dataclass(frozen=True, slots=True)
class RunnerFacts:
    """What the runner says of itself."""

    pid: int
    uid: int
    unfiltered: str
    """Why it could not filter system calls; empty if it could."""
    counts_sockets: bool
    """Whether the kernel asks it before the workload makes or connects a socket."""


def default_env(path: str = "") -> Mapping[str, str]:
    """The workload's environment beside what the spec sets."""
    return {"PATH": path + _PATH, "HOME": WORKDIR, "LANG": "C.UTF-8"}


def runner_command(interpreter: str) -> Sequence[str]:
    """The command that starts the runner: no site packages, no environment, no file of the sandbox but the library."""
    return interpreter, "-I", "-S", "-B", "-c", bundle(RUNNER).boot


async def set_up(
    channel: RunnerChannel,
    spec: SandboxSpec,
    account: Account,
    *,
    files: GroupFiles = NO_GROUP,
    counters: Sequence[str] = (),
    grouped: Collection[Control] = (Control.MEMORY, Control.PIDS),
    niceness: int = 0,
) -> RunnerFacts:
    """Tells the runner whom commands run as and within which limits.

    Args:
        channel: The pipe to it.
        spec: What was asked for.
        account: The workload's user.
        files: Descriptors, as the runner has them, of the control group that commands enter.
        counters: Files inside the sandbox that may count processes killed for memory.
        grouped: What control groups limit; the rest gets a limit for each process or uid instead.
        niceness: How much commands yield to the runner, where it has no processor time but that of their control
            group: it must be able to end them, however many they are.

    Raises:
        SandboxLost: There is no runner, or it cannot do that.
    """
    rlimits = pack(b"%d" % number for pair in _rlimits(spec.limits, grouped).items() for number in pair)
    filters = pack(part for machine in MACHINES for part in (machine.encode(), program(machine, own_uid=account.own)))
    groups = pack(b"%d" % fd for fd in files.entrances)
    counts = pack([b"%d" % files.counter, *(path.encode() for path in counters)])
    user = b"%d" % account.uid, b"%d" % account.gid, b"%d" % niceness
    sockets = b"%d" % most_sockets(spec)
    order = channel.call(Ask.SETUP, *user, b"%f" % LEASE, WORKDIR.encode(), rlimits, filters, sockets, groups, counts)
    try:
        unfiltered, pid, uid, counts_sockets = await asyncio.wait_for(order, _START_TIMEOUT)
    except TimeoutError:
        raise SandboxLost(f"the runner said nothing for {_START_TIMEOUT:.0f} s") from None
    except OSError as error:
        raise SandboxLost(f"the runner could not be set up: {error}") from error
    return RunnerFacts(int(pid), int(uid), unfiltered.decode(), bool(int(counts_sockets)))


def most_sockets(spec: SandboxSpec) -> int:
    """How many sockets there may be when another one is made or connected: one for each MB of memory.

    In one that no process has accepted yet, up to 128 KB wait that no control group counts. The host's network has
    sockets of others, so there is no such limit for it, and 0 is returned.
    """
    return 0 if spec.network == "host" else spec.limits.memory_mb


def _rlimits(limits: Limits, grouped: Collection[Control]) -> Mapping[int, int]:
    rlimits = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: 1024,
        resource.RLIMIT_FSIZE: limits.scratch_mb * 1024 * 1024,
        resource.RLIMIT_MEMLOCK: 64 * 1024,
        resource.RLIMIT_MSGQUEUE: 0,
        resource.RLIMIT_SIGPENDING: 4096,  # timers as well
    }
    if Control.PIDS not in grouped:
        rlimits[resource.RLIMIT_NPROC] = limits.pids
    if Control.MEMORY not in grouped:
        rlimits[resource.RLIMIT_DATA] = limits.memory_mb * 1024 * 1024
    return rlimits
