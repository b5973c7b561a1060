"""Sandboxes in containers of a Docker Engine."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from loopwright.errors import SandboxLost, SandboxUnavailable
from loopwright.sandbox._cgroups import Held
from loopwright.sandbox._channel import Channel
from loopwright.sandbox._engine import Demultiplexer, Engine, attach
from loopwright.sandbox._names import next_name
from loopwright.sandbox._program import command
from loopwright.sandbox._sandbox import OpenSandbox
from loopwright.sandbox._selfcheck import Readings, inspect
from loopwright.sandbox._setup import WORKDIR, Account, default_env, set_up
from loopwright.sandbox._types import Control, Limits, SandboxSpec

if TYPE_CHECKING:
    import socket

    from docker import APIClient

DEFAULT_IMAGE = "loopwright/python:latest"
LABEL = "loopwright"
REMEDIES = dict.fromkeys(
    (Control.MEMORY, Control.PIDS, Control.CPU), "The engine ignores this limit: see the warnings of `docker info`."
)
_COUNTERS = ("/sys/fs/cgroup/memory/memory.oom_control", "/sys/fs/cgroup/memory.events")


class Docker:
    """Opens one container per sandbox, with the runner as its first process.

    The kernel kills everything in the container when the runner ends, nobody in it can signal the runner, and its end
    is the container's end. It is uid 0 with the three capabilities that it needs to start and to kill what runs under
    the workload's uid, which has none.
    """

    name = "docker"

    def __init__(self, reason: str = "asked for by name") -> None:
        self.reason = reason
        self._engine = Engine()
        self._open: set[OpenSandbox] = set()

    async def check(self) -> None:
        """Raises `SandboxUnavailable` if no engine answers."""
        await self._engine.call(lambda client: client.ping())

    async def open(self, spec: SandboxSpec) -> OpenSandbox:
        """Opens a sandbox that is ready to run; see `SandboxProvider.open`."""
        name = next_name()
        account = Account(1000, 1000)
        image = spec.image or os.environ.get("LOOPWRIGHT_IMAGE", DEFAULT_IMAGE)
        digest, socket = await self._engine.call(lambda client: _create(client, name, image, spec, account))
        demultiplexer = Demultiplexer()
        _, channel = await asyncio.get_running_loop().create_unix_connection(
            lambda: Channel(name, demultiplexer), sock=socket
        )

        async def remove() -> None:
            await self._engine.call(lambda client: _remove(client, name))
            self._open.discard(sandbox)

        sandbox = OpenSandbox(
            id=name,
            provider=self.name,
            image=f"{image}@{digest}",
            spec=spec,
            env=default_env(),
            channel=channel,
            remove=remove,
        )
        self._open.add(sandbox)
        try:
            await self._engine.call(lambda client: client.start(name))
            facts = await set_up(channel, spec.limits, account, counters=_COUNTERS)
            sandbox.controls = await inspect(
                sandbox, spec, facts, lambda readings: _bounds(readings, spec.limits), REMEDIES
            )
        except SandboxLost as error:
            await sandbox.close()
            said = demultiplexer.errors.decode("utf-8", "replace").strip()
            raise SandboxUnavailable(
                f"image {image} cannot run the sandbox's runner: {said or error}",
                remedy="The image needs python3, 3.8 or later, on its PATH.",
            ) from None
        except SandboxUnavailable as error:
            await sandbox.close()
            raise SandboxUnavailable(str(error), remedy="The image needs python3, 3.8 or later, on its PATH.") from None
        except BaseException:
            await sandbox.close()
            raise
        return sandbox

    async def close(self) -> None:
        """Closes every sandbox still open."""
        for sandbox in list(self._open):
            await sandbox.close()
        self._engine.close()


def _create(client: APIClient, name: str, image: str, spec: SandboxSpec, account: Account) -> tuple[str, socket.socket]:
    from docker.errors import ImageNotFound
    from docker.types import LogConfig

    try:
        digest: str = client.inspect_image(image)["Id"]  # type: ignore[no-untyped-call]  # of docker's stub
    except ImageNotFound as error:
        raise SandboxUnavailable(
            f"no image {image} on this Docker Engine",
            remedy="Build or pull it first; nothing is pulled while a task runs.",
        ) from error
    limits = spec.limits
    memory = limits.memory_mb * 1024 * 1024
    scratch = f"rw,exec,nosuid,nodev,size={limits.scratch_mb}m,nr_inodes={limits.scratch_mb * 1024}"
    host = client.create_host_config(
        network_mode=spec.network,
        cap_drop=["ALL"],
        cap_add=["SETUID", "SETGID", "KILL"],
        security_opt=["no-new-privileges"],
        pids_limit=limits.pids + 1,
        mem_limit=memory,
        memswap_limit=memory,
        nano_cpus=int(limits.cpus * 1e9),
        read_only=True,
        tmpfs={
            WORKDIR: f"{scratch},mode=755,uid={account.uid},gid={account.gid}",
            "/tmp": f"{scratch},mode=1777",
        },
        shm_size=limits.scratch_mb * 1024 * 1024,
        auto_remove=True,
        log_config=LogConfig(type="none"),
    )
    container = client.create_container(
        image=digest,
        name=name,
        hostname="sandbox",
        user="0:0",
        working_dir="/",
        entrypoint=list(command("python3")),
        command=[],
        stdin_open=True,
        labels={LABEL: name.rpartition("-")[0], **spec.labels},
        host_config=host,
    )
    return digest, attach(client, container["Id"])


def _bounds(readings: Readings, limits: Limits) -> Mapping[Control, Held]:
    """What the container's control groups say of themselves."""
    said = {path.removeprefix("/sys/fs/cgroup/"): text for path, text in readings.items() if "cgroup/" in path}
    memory = str(limits.memory_mb * 1024 * 1024)
    cpu = str(int(limits.cpus * 100_000))
    alone = said.get("memory/memory.memsw.limit_in_bytes", memory) == memory and said.get("memory.swap.max", "0") == "0"
    return {
        Control.MEMORY: Held(alone and memory in _values(said, "memory"), _told(said, "memory")),
        Control.PIDS: Held(str(limits.pids + 1) in _values(said, "pids"), _told(said, "pids")),
        Control.CPU: Held(cpu in _values(said, "cpu"), _told(said, "cpu")),
    }


def _values(said: Mapping[str, str], controller: str) -> Sequence[str]:
    return [text.split()[0] for path, text in said.items() if path.startswith(controller)]


def _told(said: Mapping[str, str], controller: str) -> str:
    return ", ".join(f"{path} {text}" for path, text in said.items() if path.startswith(controller)) or "unknown"


def _remove(client: APIClient, name: str) -> None:
    """The engine removes a container that has ended; this also takes one that was never started."""
    from docker.errors import APIError, NotFound

    try:
        client.remove_container(name, force=True, v=True)
    except NotFound:
        return
    except APIError as error:
        if error.status_code != 409:  # it is being removed already
            raise
