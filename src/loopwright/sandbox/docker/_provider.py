"""Sandboxes in containers of a Docker Engine."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from loopwright.errors import SandboxLost, SandboxUnavailable
from loopwright.sandbox._cgroups import Held
from loopwright.sandbox._owners import next_name, this_process
from loopwright.sandbox._sandbox import OpenSandbox
from loopwright.sandbox._selfcheck import Readings, inspect
from loopwright.sandbox._setup import (
    FILE_CAPABILITIES,
    RUNNER_FILES,
    TERMINALS,
    WORKDIR,
    Account,
    default_env,
    runner_command,
    set_up,
)
from loopwright.sandbox._types import Limits, SandboxSpec
from loopwright.sandbox.docker._engine import (
    OWNER_LABEL,
    Demultiplexer,
    DockerEngine,
    attach,
    sweep,
    wait_until_removed,
)
from loopwright.sandbox.docker._engine import remove as remove_container
from loopwright.sandbox.docker._roots import Roots
from loopwright.sandbox.host._channel import RunnerChannel
from loopwright.types import Control

if TYPE_CHECKING:
    import socket

    from docker import APIClient

DEFAULT_IMAGE = "loopwright/python:latest"
REMEDIES = dict.fromkeys(
    (Control.MEMORY, Control.PIDS, Control.CPU), "The engine ignores this limit: see the warnings of `docker info`."
)
_UIDS = range(20_000, 60_000)
"""Where an image or a machine has hardly anybody, and which an engine that maps uids has too."""
_MASKED = (
    *(f"/proc/{name}" for name in ("acpi", "asound", "interrupts", "kcore", "keys", "latency_stats", "scsi")),
    *(f"/proc/{name}" for name in ("sched_debug", "timer_list", "timer_stats", "1/fdinfo", "1/map_files", "1/task")),
    *("/sys/firmware", "/sys/devices/virtual/powercap"),
    *(f"/sys/devices/system/cpu/cpu{number}/thermal_throttle" for number in range(os.cpu_count() or 1)),
)
"""For root: what engines hide anyway, and folders of the runner that may not be read, so that `find /` meets none."""
_READ_ONLY = (
    *(f"/proc/{name}" for name in ("bus", "fs", "irq", "sys", "sysrq-trigger")),
    *(f"/proc/1/{name}" for name in RUNNER_FILES),
)
"""For root: what engines protect anyway, and `RUNNER_FILES`."""
_PYTHON_REMEDY = (
    "The image needs a full python3, 3.8 or later, on its PATH (Debian's python3-minimal is too little): install it in "
    "an environment's Dockerfile, and build that with `loopwright env build ENVIRONMENT`."
)
TCP_BUFFERS = {"net.ipv4.tcp_rmem": "4096 65536 131072", "net.ipv4.tcp_wmem": "4096 16384 131072"}
"""Settings of the sandbox's own network: least, first and largest size of a buffer in bytes."""
_COUNTERS = ("/sys/fs/cgroup/memory/memory.oom_control", "/sys/fs/cgroup/memory.events")
_NICENESS = 10
"""Of commands, as a container's runner has its share of the same processors only."""


def default_image() -> str:
    """What sandboxes are made of where nothing names an image."""
    return os.environ.get("LOOPWRIGHT_IMAGE", DEFAULT_IMAGE)


class Docker:
    """Opens one container per sandbox, with the runner as its first process.

    The kernel kills everything in the container when the runner ends, nobody in it can signal the runner, and its end
    is the container's end. It is uid 0 with the three capabilities that it needs to start and to kill what runs under
    the workload's uid, which has none. A workload that is root has those for files, and none to trace the runner with.
    """

    name = "docker"

    def __init__(self, reason: str = "asked for by name") -> None:
        self.reason = reason
        self._engine = DockerEngine()
        self._open: set[OpenSandbox] = set()
        self._roots: dict[str, Roots] = {}

    async def check(self, image: str | None = None) -> None:
        """Sweeps what dead owners left, and looks for an image if one is named.

        Raises:
            SandboxUnavailable: No engine answers, or it has no such image.
        """
        await sweep(self._engine)
        if image is not None:
            await self._engine.call(lambda client: _digest(client, image))

    async def open(self, spec: SandboxSpec) -> OpenSandbox:
        """Opens a sandbox that is ready to run; see `SandboxProvider.open`."""
        if "/" in spec.writable and spec.user != "root":
            raise SandboxUnavailable(
                "Docker cannot limit the size of a root that may be written",
                remedy="Use provider bubblewrap, or name the folders that are to be writable.",
            )
        name = next_name()
        image = spec.image or default_image()
        account = Account(0, 0) if spec.user == "root" else Account.alone(_UIDS)
        pipes: list[socket.socket] = []
        demultiplexer = Demultiplexer()
        try:
            digest = await self._engine.call(lambda client: _create(client, name, image, spec, account, pipes))
            _, channel = await asyncio.get_running_loop().create_unix_connection(
                lambda: RunnerChannel(name, demultiplexer), sock=pipes[0]
            )
        except BaseException:
            for pipe in pipes:
                pipe.close()
            await self._engine.call(lambda client: remove_container(client, name))
            raise

        async def remove() -> None:
            await self._engine.call(lambda client: remove_container(client, name))
            self._open.discard(sandbox)

        sandbox = OpenSandbox(
            id=name,
            provider=self.name,
            image=f"{image}@{digest}",
            spec=spec,
            env=default_env(),
            channel=channel,
            remove=remove,
            roots=self._roots_of(digest, spec) if "/" in spec.writable else None,
        )
        self._open.add(sandbox)
        try:
            await self._engine.call(lambda client: _start(client, name, image))
            facts = await set_up(channel, spec, account, counters=_COUNTERS, niceness=_NICENESS)
            sandbox.controls = await inspect(
                sandbox, spec, account, facts, lambda readings: _bounds(readings, spec.limits), REMEDIES
            )
        except SandboxLost as error:
            await sandbox.close()
            said = demultiplexer.errors.decode("utf-8", "replace").strip().rpartition("\n")[2]
            raise SandboxUnavailable(
                f"image {image} cannot run the sandbox's runner: {said or error}", remedy=_PYTHON_REMEDY
            ) from None
        except BaseException:
            await sandbox.close()
            raise
        return sandbox

    def _roots_of(self, digest: str, spec: SandboxSpec) -> Roots:
        plain = replace(spec, image=digest, writable=(), user="root")
        return self._roots.setdefault(digest, Roots(lambda: self.open(plain)))

    async def close(self) -> None:
        """Closes every sandbox still open."""
        names = [sandbox.id for sandbox in self._open]
        await asyncio.gather(*(sandbox.close() for sandbox in self._open))
        # The engine may have begun a removal by itself: closed means gone.
        await asyncio.gather(*(self._engine.call(partial(wait_until_removed, name=name)) for name in names))
        self._engine.close()


def _create(
    client: APIClient, name: str, image: str, spec: SandboxSpec, account: Account, pipes: list[socket.socket]
) -> str:
    """Creates the container, appends its pipe to `pipes` and returns the image's digest."""
    from docker.types import LogConfig

    digest = _digest(client, image)
    limits = spec.limits
    folders = [folder for folder in spec.writable if folder != "/"]
    memory = limits.memory_mb * 1024 * 1024
    owner = f"uid={account.uid},gid={account.gid}"
    scratch = f"rw,exec,nosuid,nodev,size={limits.scratch_mb}m,nr_inodes={limits.scratch_mb * 1024}"
    host = client.create_host_config(
        network_mode=spec.network,
        cap_drop=["ALL"],
        cap_add=["KILL", *(FILE_CAPABILITIES if spec.user == "root" else ("SETUID", "SETGID"))],
        security_opt=["no-new-privileges"],
        pids_limit=limits.pids + 1,
        mem_limit=memory,
        memswap_limit=memory,
        nano_cpus=int(limits.cpus * 1e9),
        read_only="/" not in spec.writable,
        tmpfs={
            WORKDIR: f"{scratch},mode=755,{owner}",
            "/tmp": f"{scratch},mode=1777",
            # An engine may take the mode of the image's own folder, in which only its owner may write.
            **dict.fromkeys(folders, f"{scratch},mode=1777,{owner}"),
            TERMINALS: "ro,size=4k",
        },
        shm_size=limits.scratch_mb * 1024 * 1024,
        auto_remove=True,
        runtime=spec.runtime,
        sysctls=TCP_BUFFERS if spec.network == "none" else None,
        log_config=LogConfig(type="none"),
    )
    if spec.user == "root":
        host["MaskedPaths"], host["ReadonlyPaths"] = list(_MASKED), list(_READ_ONLY)
    container = client.create_container(
        image=digest,
        name=name,
        hostname="sandbox",
        user="0:0",
        working_dir="/",
        entrypoint=list(runner_command("python3")),
        command=[],
        stdin_open=True,
        labels={**spec.labels, OWNER_LABEL: str(this_process())},
        host_config=host,
    )
    pipes.append(attach(client, container["Id"]))
    return digest


def _digest(client: APIClient, image: str) -> str:
    from docker.errors import ImageNotFound

    try:
        digest: str = client.inspect_image(image)["Id"]  # type: ignore[no-untyped-call]  # of docker's stub
    except ImageNotFound as error:
        name = "python" if image == DEFAULT_IMAGE else "ENVIRONMENT"
        raise SandboxUnavailable(
            f"the Docker Engine has no image {image}",
            remedy=f"Build it with `loopwright env build {name}`, or pull it; nothing is pulled while a task runs.",
        ) from error
    return digest


def _start(client: APIClient, name: str, image: str) -> None:
    from docker.errors import APIError

    try:
        client.start(name)
    except APIError as error:
        if "executable file not found" not in str(error):
            raise
        raise SandboxUnavailable(f"image {image} has no python3", remedy=_PYTHON_REMEDY) from error


def _bounds(readings: Readings, limits: Limits) -> Mapping[Control, Held]:
    """What the container's control groups say of themselves."""
    said = {path.removeprefix("/sys/fs/cgroup/"): text for path, text in readings.items() if "cgroup/" in path}
    memory = str(limits.memory_mb * 1024 * 1024)
    cpu = str(int(limits.cpus * 100_000))
    alone = said.get("memory/memory.memsw.limit_in_bytes", memory) == memory and said.get("memory.swap.max", "0") == "0"
    return {
        Control.MEMORY: Held(
            alone and memory in _values(said, "memory") and ("memory.max" in said or _buffers(readings)),
            _told(said, "memory"),
        ),
        Control.PIDS: Held(str(limits.pids + 1) in _values(said, "pids"), _told(said, "pids")),
        Control.CPU: Held(cpu in _values(said, "cpu"), _told(said, "cpu")),
    }


def _buffers(readings: Readings) -> bool:
    """Whether the buffers of TCP are small; control groups of version 1 do not count them."""
    files = {name: f"/proc/sys/{name.replace('.', '/')}" for name in TCP_BUFFERS}
    return all(readings.get(path, "").split() == TCP_BUFFERS[name].split() for name, path in files.items())


def _values(said: Mapping[str, str], controller: str) -> Sequence[str]:
    return [text.split()[0] for path, text in said.items() if path.startswith(controller)]


def _told(said: Mapping[str, str], controller: str) -> str:
    return ", ".join(f"{path} {text}" for path, text in said.items() if path.startswith(controller)) or "unknown"
