"""Calls of the Docker Engine, off the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from loopwright.errors import SandboxUnavailable
from loopwright.sandbox._owners import Found, Owner

if TYPE_CHECKING:
    from docker import APIClient

T = TypeVar("T")
REMEDY = "Start the Docker Engine and make sure that this user may use its socket, or use bubblewrap."
OWNER_LABEL = "loopwright.owner"
"""Label of every container, with the process that it belongs to."""
_TIMEOUT = 60
_PAUSES = (0.05, 0.2, 1.0, 2.0)
"""Seconds before a removal that the engine failed is tried again."""


class DockerEngine:
    """A stack of clients, as one is not safe to share between threads."""

    def __init__(self) -> None:
        self._idle: list[APIClient] = []

    async def call(self, work: Callable[[APIClient], T]) -> T:
        """Does `work` in a thread with a client of its own, to the end even where it is cancelled.

        Raises:
            SandboxUnavailable: There is no engine, or it refused.
        """
        task = asyncio.ensure_future(asyncio.to_thread(self._call, work))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.wait({task})  # the engine goes on anyway: whoever cleans up must come after it
            raise

    def _call(self, work: Callable[[APIClient], T]) -> T:
        from docker.errors import DockerException
        from requests.exceptions import RequestException

        try:
            client = self._idle.pop() if self._idle else _client()
        except (DockerException, RequestException, OSError) as error:
            raise SandboxUnavailable(f"no Docker Engine: {error}", remedy=REMEDY) from error
        try:
            result = work(client)
        except (DockerException, RequestException) as error:
            client.close()
            raise SandboxUnavailable(f"the Docker Engine refused: {error}") from error
        except BaseException:
            client.close()
            raise
        self._idle.append(client)
        return result

    def close(self) -> None:
        """Closes the idle clients."""
        while self._idle:
            self._idle.pop().close()


def _client() -> APIClient:
    from docker import APIClient
    from docker.constants import DEFAULT_UNIX_SOCKET
    from docker.utils import kwargs_from_env

    options = kwargs_from_env()
    scheme, _, path = options.get("base_url", DEFAULT_UNIX_SOCKET).partition("://")
    if scheme.endswith("unix"):
        # Asked here first, as the SDK leaves the socket of a refused connection to the garbage collector.
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(path)
    return APIClient(version="auto", timeout=_TIMEOUT, **options)


def attach(client: APIClient, container: str) -> socket.socket:
    """A socket that carries the container's stdin one way and its stdout and stderr, in Docker's framing, the other."""
    parameters = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
    wrapper: Any = client.attach_socket(container, parameters)
    try:
        return socket.socket(fileno=os.dup(wrapper.fileno()))
    finally:
        wrapper._response.close()  # the wrapper alone would leave its connection to the garbage collector


class Demultiplexer:
    """Takes Docker's framing off: an 8-byte header with the stream and the length before each piece."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.errors = bytearray()
        """The first bytes of stderr."""

    def __call__(self, data: bytes) -> bytes:
        """Returns what of `data` belongs to stdout."""
        self._buffer += data
        buffer, at, out = self._buffer, 0, []
        while len(buffer) - at >= 8:
            end = at + 8 + int.from_bytes(buffer[at + 4 : at + 8], "big")
            if end > len(buffer):
                break
            if buffer[at] == 1:
                out.append(bytes(buffer[at + 8 : end]))
            elif len(self.errors) < 4096:
                self.errors += buffer[at + 8 : end]
            at = end
        del buffer[:at]
        return b"".join(out)


def wait_until_removed(client: APIClient, name: str) -> None:
    """Waits for the engine to finish a removal that is under way; after 30 s its lease is left to end the container."""
    from docker.errors import NotFound
    from requests.exceptions import RequestException

    with contextlib.suppress(NotFound, RequestException):
        client.wait(name, condition="removed", timeout=30)


def remove(client: APIClient, name: str) -> None:
    """The engine removes a container that has ended; this also takes one that was never started."""
    from docker.errors import APIError, NotFound

    for pause in (*_PAUSES, None):
        try:
            client.remove_container(name, force=True, v=True)
        except NotFound:
            return
        except APIError as error:
            if error.status_code == 409:  # it is being removed already
                return
            # A container that ends while the engine kills it is refused as "not running"; the next removal takes it.
            if pause is None or not error.is_server_error():
                raise
            time.sleep(pause)
        else:
            return


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
