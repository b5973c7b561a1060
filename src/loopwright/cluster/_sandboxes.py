"""Sandboxes on workers, with the protocols of those on this machine."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from loopwright.cluster._driver import Worker, next_number
from loopwright.cluster._worker import Opened
from loopwright.errors import SandboxError, SandboxLost, SandboxUnavailable, WorkerLost
from loopwright.sandbox import Change, Completed, Process, SandboxSpec
from loopwright.types import ControlState

_AGAIN = 30.0
"""Seconds after which a worker that could open no sandbox is asked like the others again."""


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


class Workers:
    """The workers of a run, of which the least loaded one is chosen."""

    def __init__(self) -> None:
        self.all: list[Worker] = []
        self._turn = 0
        self._news = asyncio.Event()

    def changed(self) -> None:
        """A worker is gone, or is there again."""
        self._news.set()

    def least_loaded(self, without: set[Worker], unlikely: Callable[[Worker], bool]) -> Worker | None:
        """The one with the fewest sandboxes of those that live; the one that waited longest of equals.

        Args:
            without: Workers that are left out.
            unlikely: Says of a worker that it comes last.
        """
        found = [worker for worker in self.all if worker.alive and worker not in without]
        if not found:
            return None
        worker = min(found, key=lambda one: (unlikely(one), len(one.held), one.used))
        self._turn += 1
        worker.used = self._turn
        return worker

    async def until_some_live(self, patience: float) -> bool:
        """Waits until a worker lives; says whether one does."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                while not any(worker.alive for worker in self.all):
                    self._news.clear()
                    await self._news.wait()
        return any(worker.alive for worker in self.all)

    def none_lives(self, patience: float) -> SandboxUnavailable:
        """The error where no worker came back within so many seconds."""
        why = next((f": {worker.refused}" for worker in self.all if worker.refused), "")
        return SandboxUnavailable(
            f"no worker lives, and none came back within {patience:g} s{why}",
            remedy="Look at the machines and at `ray status`, then resume.",
        )


class WorkerSandboxes:
    """A provider whose sandboxes are on the least loaded worker that can open one."""

    def __init__(self, workers: Workers, name: str, reason: str, image: str | None, patience: float) -> None:
        self.name = name
        """`docker` or `bubblewrap`."""
        self.reason = reason
        """Why this provider was picked."""
        self._workers = workers
        self._image = image
        self._patience = patience
        self._refused: dict[Worker, float] = {}
        """Workers that could open none, and since when."""

    async def open(self, spec: SandboxSpec) -> WorkerSandbox:
        """Opens a sandbox on a worker, on another one where that worker dies or cannot; see `SandboxProvider.open`."""
        refused: dict[Worker, SandboxError] = {}
        while True:
            worker = self._workers.least_loaded(set(refused), self._is_unlikely)
            if worker is None and refused:
                raise next(iter(refused.values()))
            if worker is None:
                if await self._workers.until_some_live(self._patience):
                    continue
                raise self._workers.none_lives(self._patience)
            try:
                return await self._open_on(worker, spec)
            except WorkerLost:
                continue
            except SandboxUnavailable as error:
                refused[worker] = error
                self._refused[worker] = time.monotonic()

    async def close(self) -> None:
        """Does nothing: the workers end their sandboxes with the run."""

    def _is_unlikely(self, worker: Worker) -> bool:
        """Whether a worker has no such provider, or refused not long ago."""
        lacks = worker.facts is not None and self.name not in worker.facts.sandboxes
        return lacks or time.monotonic() - self._refused.get(worker, -_AGAIN) < _AGAIN

    async def _open_on(self, worker: Worker, spec: SandboxSpec) -> WorkerSandbox:
        place = object()
        worker.held.add(place)
        opening = asyncio.ensure_future(
            worker.ask_numbered("open", self.name, replace(spec, image=self._made_of(spec)))
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

    def _made_of(self, spec: SandboxSpec) -> str | None:
        """The image; of Docker the default one of this machine, and not that of the worker's."""
        return spec.image or (self._image if self.name == "docker" else None)


def _close_unwanted(worker: Worker, done: asyncio.Future[Opened]) -> None:
    """Closes a sandbox that was opened for somebody who does not want it any more."""
    if not done.cancelled() and done.exception() is None:
        worker.tell("use", next_number(), done.result().id, "close", (), {})
