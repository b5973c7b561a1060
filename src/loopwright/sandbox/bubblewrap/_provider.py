"""Sandboxes made of Linux namespaces by bubblewrap."""

from __future__ import annotations

import asyncio
import os
import random
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from loopwright.errors import SandboxLost, SandboxUnavailable
from loopwright.sandbox._cgroups import Group, GroupFiles, GroupFolder, Held, places
from loopwright.sandbox._owners import next_name
from loopwright.sandbox._sandbox import OpenSandbox
from loopwright.sandbox._selfcheck import Readings, inspect, process_limit
from loopwright.sandbox._setup import Account, default_env, runner_command, set_up
from loopwright.sandbox._types import SandboxSpec
from loopwright.sandbox.bubblewrap._command import INTERPRETER, arguments
from loopwright.sandbox.host._channel import RunnerChannel
from loopwright.types import Control

_PATIENCE = 5.0
"""Seconds that a runner whose pipe was closed has to end, and the kernel to free its files in memory."""
_FREE = range(2**30, 2**31 - 2**16)
"""Uids that no machine gives to anybody."""
_CGROUP_REMEDY = (
    "Run where control groups may be made: as root with /sys/fs/cgroup writable, under `systemd-run --user --scope "
    "-p Delegate=yes`, or use Docker."
)
REMEDIES = dict.fromkeys((Control.MEMORY, Control.PIDS, Control.CPU), _CGROUP_REMEDY)
_USERS_REMEDY = (
    "Allow user namespaces (sysctl kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0, "
    "user.max_user_namespaces above 0), or use Docker."
)


class Bubblewrap:
    """Opens sandboxes with `bwrap`; no daemon, no image.

    As root the runner keeps uid 0 with a few capabilities and the workload gets a uid of its own. As an ordinary user
    both share the one uid that a user namespace has, and what protects the runner is that it is the first process of
    its process namespace, which the kernel lets nobody inside signal, and that it has a capability that the workload
    lacks, so that it cannot be traced or looked into.
    """

    name = "bubblewrap"

    def __init__(self, reason: str = "asked for by name") -> None:
        self.reason = reason
        self._open: set[OpenSandbox] = set()

    async def open(self, spec: SandboxSpec) -> OpenSandbox:
        """Opens a sandbox that is ready to run; see `SandboxProvider.open`."""
        _check(spec)
        name = next_name()
        account = _account(spec)
        machine = _Machine(name, spec, account, places())
        try:
            here = machine.start()
            _, channel = await asyncio.get_running_loop().create_unix_connection(lambda: RunnerChannel(name), sock=here)
        except BaseException:
            await machine.remove()
            raise

        async def remove() -> None:
            await machine.remove()
            self._open.discard(sandbox)

        sandbox = OpenSandbox(
            id=name,
            provider=self.name,
            image=spec.image or "host:/usr",
            spec=spec,
            env=default_env("" if spec.image else f"{INTERPRETER.parent}:"),
            channel=channel,
            remove=remove,
        )
        self._open.add(sandbox)
        try:
            facts = await set_up(channel, spec, account, files=machine.files, grouped=machine.group.held.keys())
            sandbox.controls = await inspect(sandbox, spec, account, facts, machine.bounds, REMEDIES)
        except SandboxLost as error:
            await sandbox.close()
            raise SandboxUnavailable(
                f"bubblewrap cannot open a sandbox: {machine.said or error}", remedy=_USERS_REMEDY
            ) from None
        except BaseException:
            await sandbox.close()
            raise
        return sandbox

    async def close(self) -> None:
        """Closes every sandbox still open."""
        await asyncio.gather(*(sandbox.close() for sandbox in self._open))


class _Machine:
    """The processes and control groups of one sandbox."""

    def __init__(self, name: str, spec: SandboxSpec, account: Account, places: Sequence[GroupFolder]) -> None:
        self._spec = spec
        self._account = account
        self._process: subprocess.Popen[bytes] | None = None
        self._errors = os.memfd_create("loopwright-errors")
        self.group = Group(name, spec.limits, places)
        self.files = GroupFiles()
        self.said = ""
        """What bwrap wrote to stderr; known after `remove`."""

    def start(self) -> socket.socket:
        """Starts bwrap with the runner in it and returns the host's end of the pipe."""
        here, there = socket.socketpair()
        files = {path: _memory(text) for path, text in self._account.files().items()}
        self.files = self.group.open()
        try:
            self._process = subprocess.Popen(
                [
                    *arguments(self._spec, self._account, files),
                    "--",
                    *runner_command("python3" if self._spec.image else str(INTERPRETER)),
                ],
                stdin=there.fileno(),
                stdout=there.fileno(),
                stderr=self._errors,
                env={},
                pass_fds=[*files.values(), *self.files.descriptors],
                start_new_session=True,
                **_identity(self._spec),
            )
        except BaseException:
            here.close()
            raise
        finally:
            there.close()
            for fd in [*files.values(), *self.files.descriptors]:
                os.close(fd)
        here.setblocking(False)
        return here

    def bounds(self, readings: Readings) -> Mapping[Control, Held]:
        """What limits memory, processes and CPU."""
        limits = self._spec.limits
        own = process_limit(readings)
        fallback = {
            Control.MEMORY: Held(False, f"{limits.memory_mb} MB for each process, no limit on their sum"),
            Control.PIDS: Held(own is not None and own <= limits.pids, f"RLIMIT_NPROC {own} for a uid of its own"),
            Control.CPU: Held(False, "no control group"),
        }
        return {**fallback, **self.group.held}

    async def remove(self) -> None:
        """Waits until the runner, whose pipe is closed, has ended and bwrap with it, and removes what is left.

        Killing bwrap would leave the runner to the machine's first process, which in a container may never reap it.
        """
        process = self._process
        if process:
            until = time.monotonic() + _PATIENCE
            while process.poll() is None:
                if time.monotonic() > until:
                    process.kill()
                await asyncio.sleep(0.001)
        self.said = os.pread(self._errors, 4096, 0).decode("utf-8", "replace").strip()
        os.close(self._errors)
        await self.group.remove()


def _check(spec: SandboxSpec) -> None:
    if spec.runtime:
        raise SandboxUnavailable(f"bubblewrap has no runtime {spec.runtime!r}", remedy="Use provider docker.")
    if spec.image and "/" in spec.writable:
        raise SandboxUnavailable(
            "the root of an image is copied on writing; it cannot be an empty folder as well",
            remedy="Leave out the image, or `/` from the writable folders.",
        )
    if spec.image and not Path(spec.image, "usr").is_dir():
        raise SandboxUnavailable(
            f"{spec.image} is not the folder of a root file system",
            remedy="For bubblewrap an image is a folder, as debootstrap makes; for the name of one use docker.",
        )


def _account(spec: SandboxSpec) -> Account:
    """As root a uid that nothing else on the machine has, so that limits for a uid are limits for this sandbox."""
    own = os.getuid() == 0
    if spec.user == "root":
        return Account(0, 0, own)
    return Account.alone(_FREE) if own else Account(1000, 1000)


def _identity(spec: SandboxSpec) -> Mapping[str, Any]:
    """Whom bwrap is started as. Root in a sandbox is never the machine's root, who may write to parts of /proc.

    Raises:
        SandboxUnavailable: The image's files belong to the machine's root, or nobody but that may read the programs.
    """
    if spec.user != "root" or os.getuid() != 0:
        return {}
    if not spec.image and (closed := _closed(INTERPRETER)):
        raise SandboxUnavailable(
            f"root in a sandbox is a stranger on the machine, and {closed} is closed to strangers",
            remedy="Name the folder of an image, use docker, or install Loopwright with a Python that all may execute.",
        )
    owner = Path(spec.image).stat().st_uid if spec.image else random.choice(_FREE)
    if owner == 0:
        raise SandboxUnavailable(
            f"root in a sandbox cannot be the machine's root, to whom {spec.image} belongs",
            remedy=f"Give the folder to a user whom nothing else belongs to: chown -R 100000:100000 {spec.image}",
        )
    return {"user": owner, "group": owner, "extra_groups": []}


def _closed(program: Path) -> Path | None:
    """The folder above a program that others may not enter."""
    return next((folder for folder in program.parents if not folder.stat().st_mode & 0o001), None)


def _memory(text: str) -> int:
    """A file in memory, read from its start."""
    fd = os.memfd_create("loopwright")
    os.write(fd, text.encode())
    os.lseek(fd, 0, os.SEEK_SET)
    return fd
