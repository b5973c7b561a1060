"""Choosing a provider."""

from __future__ import annotations

from loopwright.errors import SandboxUnavailable
from loopwright.sandbox._bubblewrap import Bubblewrap
from loopwright.sandbox._docker import Docker


async def open_provider(name: str = "auto") -> Docker | Bubblewrap:
    """Picks a way to isolate: `auto`, `docker` or `bubblewrap`; `reason` of the result says why it was picked.

    `auto` takes Docker where an engine answers and bubblewrap otherwise. Nothing ever falls back to running on the
    host.

    Raises:
        SandboxUnavailable: It does not work on this machine.
    """
    if name == "bubblewrap":
        return Bubblewrap()
    if name not in ("auto", "docker"):
        raise SandboxUnavailable(f"no sandbox provider {name!r}", remedy="There are auto, docker and bubblewrap.")
    docker = Docker()
    try:
        await docker.check()
    except SandboxUnavailable as error:
        await docker.close()
        if name == "docker":
            raise
        return Bubblewrap(f"auto: {error.args[0]}")
    if name == "auto":
        docker.reason = "auto: a Docker Engine answers"
    return docker
