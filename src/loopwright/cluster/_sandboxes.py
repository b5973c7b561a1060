"""Sandboxes on workers, with the protocols of those on this machine."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from loopwright.cluster._colocated import ColocatedObject
from loopwright.cluster._driver import Worker, next_number
from loopwright.cluster._objects import ObjectPlan
from loopwright.cluster._worker import Opened
from loopwright.cluster._workers import Choice, Workers
from loopwright.errors import SandboxError, SandboxLost, SandboxUnavailable, WorkerLost
from loopwright.sandbox import Change, Completed, OpenedThere, Process, SandboxProvider, SandboxSpec
from loopwright.types import ControlState


def _seen(done: asyncio.Future[Any]) -> None:
    """Marks an error as seen, for what nobody waits for any more."""
    if not done.cancelled():
        done.exception()


class WorkerProcess:
    """A command that is spoken to while it runs, in a sandbox on a worker."""

    def __init__(self, sandbox: WorkerSandbox, number: int) -> None:
        self._sandbox = sandbox
        self._number = number
        self._turn = 0
        self._reading: asyncio.Task[bytes] | None = None

    async def write(self, data: bytes) -> None:
        """Sends bytes to its stdin; see `Process.write`."""
        await self._written(data)

    async def read(self) -> bytes:
        """Returns the next bytes of its stdout; see `Process.read`. One that is cancelled loses nothing."""
        if self._reading is None:
            self._reading = asyncio.get_running_loop().create_task(self._next())
            self._reading.add_done_callback(_seen)
        data = await asyncio.shield(self._reading)
        self._reading = None
        return data

    async def close_stdin(self) -> None:
        """Ends its stdin."""
        await self._written(None)

    async def kill(self) -> None:
        """Kills it and all its descendants; nothing happens where they are gone with their worker."""
        with contextlib.suppress(SandboxLost):
            await self._sandbox.ask("kill", self._number)

    async def wait(self) -> Completed:
        """Waits for its end; see `Process.wait`."""
        end: Completed = await self._sandbox.ask("wait", self._number)
        return end

    async def _written(self, data: bytes | None) -> None:
        turn, self._turn = self._turn, self._turn + 1
        await self._sandbox.ask("write", self._number, turn, data)

    async def _next(self) -> bytes:
        while (data := await self._sandbox.ask("read", self._number)) is None:
            pass
        read: bytes = data
        return read


class WorkerSandbox:
    """A sandbox on a worker; see `Sandbox`."""

    def __init__(self, worker: Worker, opened: Opened) -> None:
        self._worker = worker
        self._closed = False
        self.id = opened.id
        self.provider = opened.provider
        self.image = opened.image
        self.workdir = opened.workdir
        self.controls: Sequence[ControlState] = opened.controls
        self.pooled = opened.pooled
        """Whether it was warm when it was asked for."""
        self.host = worker.host
        """The name of its machine."""

    async def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        timeout: float | None = None,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Completed:
        """Runs a command to its end; see `Sandbox.run`."""
        end: Completed = await self._use("run", list(argv), stdin=stdin, timeout=timeout, cwd=cwd, env=env)
        return end

    async def start(
        self,
        argv: Sequence[str],
        *,
        timeout: float | None = None,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Process:
        """Starts a command and returns at once; see `Sandbox.start`."""
        number = next_number()
        named = {"timeout": timeout, "cwd": cwd, "env": env}
        try:
            await self.ask("start", number, self.id, list(argv), named)
        except asyncio.CancelledError:
            self._worker.tell("drop", number)
            self._worker.tell("kill", number)
            raise
        return WorkerProcess(self, number)

    async def read(self, path: str, *, limit: int = 16 * 1024 * 1024) -> bytes:
        """Reads a regular file; see `Sandbox.read`."""
        data: bytes = await self._use("read", path, limit=limit)
        return data

    async def write(self, path: str, data: bytes, *, mode: int = 0o644) -> None:
        """Writes a file as the workload's user; see `Sandbox.write`."""
        await self._use("write", path, data, mode=mode)

    async def list(self, path: str = ".") -> Sequence[str]:
        """Names in a folder; see `Sandbox.list`."""
        names: Sequence[str] = await self._use("list", path)
        return names

    async def changes(self) -> Sequence[Change]:
        """What the workload changed; see `Sandbox.changes`."""
        found: Sequence[Change] = await self._use("changes")
        return found

    async def snapshot(self) -> bytes:
        """The workspace as a tar archive; see `Sandbox.snapshot`."""
        data: bytes = await self._use("snapshot")
        return data

    async def restore(self, snapshot: bytes) -> None:
        """Makes the workspace what it was; see `Sandbox.restore`."""
        await self._use("restore", snapshot)

    async def pack(self, paths: Sequence[str]) -> bytes:
        """What is at some paths as a tar archive; see `Sandbox.pack`."""
        data: bytes = await self._use("pack", list(paths))
        return data

    async def unpack(self, archive: bytes, folder: str = "/") -> None:
        """Puts a tar archive's entries below a folder; see `Sandbox.unpack`."""
        await self._use("unpack", archive, folder)

    async def close(self) -> None:
        """Kills everything in it and removes it; harmless when called twice."""
        if self._closed:
            return
        self._closed = True
        self._worker.held.discard(self)
        with contextlib.suppress(WorkerLost):
            await asyncio.shield(asyncio.ensure_future(self._worker.ask_numbered("use", self.id, "close", (), {})))

    async def ask(self, method: str, *arguments: Any) -> Any:
        """Calls its worker about it.

        Raises:
            SandboxLost: It is closed, or its worker is gone.
        """
        self._check()
        return await self._worker.ask(method, *arguments)

    async def __aenter__(self) -> WorkerSandbox:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _use(self, method: str, *arguments: Any, **named: Any) -> Any:
        self._check()
        return await self._worker.ask_numbered("use", self.id, method, arguments, named)

    def _check(self) -> None:
        if self._closed:
            raise SandboxLost(f"sandbox {self.id} is gone: it was closed")


class WorkerSandboxes:
    """A provider whose sandboxes are on the least loaded worker that can open one."""

    def __init__(self, workers: Workers, name: str, reason: str, image: str | None, patience: float) -> None:
        self.name = name
        """`docker` or `bubblewrap`."""
        self.reason = reason
        """Why this provider was picked."""
        self._image = image
        self._choice = Choice(workers, name, patience)

    async def open(self, spec: SandboxSpec) -> WorkerSandbox:
        """Opens a sandbox on a worker, on another one where that worker dies or cannot; see `SandboxProvider.open`."""
        refused: dict[Worker, SandboxError] = {}
        while True:
            worker = await self._choice.best(refused)
            try:
                return await self._open_on(worker, spec)
            except WorkerLost:
                continue
            except SandboxUnavailable as error:
                refused[worker] = error
                self._choice.refused(worker)

    def colocate(
        self,
        make: Callable[[SandboxProvider], Any],
        *,
        labels: Mapping[str, str],
        opened: Callable[[OpenedThere], None],
    ) -> ColocatedObject:
        """Places an object on a worker, beside the sandboxes that it opens; see `ColocatingProvider.colocate`."""
        plan = ObjectPlan(make, self.name, self._default(), dict(labels))
        return ColocatedObject(self._choice, plan, opened)

    async def close(self) -> None:
        """Does nothing: the workers end their sandboxes with the run."""

    async def _open_on(self, worker: Worker, spec: SandboxSpec) -> WorkerSandbox:
        place = object()
        worker.held.add(place)
        opening = asyncio.ensure_future(
            worker.ask_numbered("open", self.name, replace(spec, image=spec.image or self._default()))
        )
        try:
            sandbox = WorkerSandbox(worker, await asyncio.shield(opening))
        except asyncio.CancelledError:
            opening.add_done_callback(lambda done: _close_unwanted(worker, done))
            raise
        finally:
            worker.held.discard(place)
        worker.held.add(sandbox)
        return sandbox

    def _default(self) -> str | None:
        """The image where none is named; of Docker the default one of this machine, and not that of the worker's."""
        return self._image if self.name == "docker" else None


def _close_unwanted(worker: Worker, done: asyncio.Future[Opened]) -> None:
    """Closes a sandbox that was opened for somebody who does not want it any more."""
    if not done.cancelled() and done.exception() is None:
        worker.tell("use", next_number(), done.result().id, "close", (), {})
