"""Removes the containers of dead owners."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from loopwright.sandbox._owners import Found, Owner
from loopwright.sandbox.docker._engine import OWNER_LABEL, DockerEngine, remove

if TYPE_CHECKING:
    from docker import APIClient


async def sweep(engine: DockerEngine) -> Sequence[Found]:
    """Removes the containers of dead owners.

    Raises:
        SandboxUnavailable: There is no engine.
    """
    return await engine.call(_containers)


def _containers(client: APIClient) -> Sequence[Found]:
    found = []
    for container in client.containers(all=True, filters={"label": OWNER_LABEL}):
        name = container["Names"][0].lstrip("/") if container["Names"] else container["Id"]
        owner = Owner.parse(container["Labels"].get(OWNER_LABEL, ""))
        state = owner.state() if owner else "unknown"
        if state == "dead":
            remove(client, container["Id"])
        found.append(Found(name, "docker", state == "dead", f"its owner is {state}"))
    return found
