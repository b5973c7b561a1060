"""What runs on a worker: it opens sandboxes and does in them what the driver asks for."""

from __future__ import annotations

import asyncio
import contextlib
import os
import platform
import secrets
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loopwright._version import __version__
from loopwright.cluster._answers import Failed, answered
from loopwright.cluster._objects import ObjectAnswer, ObjectPlan, WarmSandbox, WorkerObject
from loopwright.errors import SandboxError, WorkerLost
from loopwright.sandbox import Completed, Control, Pool, Process, Sandbox, SandboxSpec, open_provider
from loopwright.types import ControlState

LEASE = 20.0
"""Seconds without a word from the driver after which a worker ends its sandboxes."""
_POLL = 5.0
"""Seconds after which a read that found nothing is answered anyway."""
_WORD = 1.0


@dataclass(frozen=True, slots=True)
class WorkerFacts:
    """What a worker says of itself."""

    loopwright: str
    """Its version of Loopwright."""
    python: str
    host: str
    """The name of its machine."""
    pid: int
    sandboxes: Mapping[str, str]
    """What can open sandboxes there, to what they are made of; empty for none."""
    problems: Mapping[str, str]
    """What cannot, and why."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A way to open sandboxes on a worker."""

    provider: str
    reason: str


@dataclass(frozen=True, slots=True)
class Opened:
    """A sandbox that was opened."""

    id: str
    provider: str
    image: str
    workdir: str
    controls: tuple[ControlState, ...]
    pooled: bool


class SandboxWorker:
    """Sandboxes on one machine, for one driver. Every method answers by a value: see `_answers`."""

    def __init__(self) -> None:
        self._incarnation = secrets.token_hex(8)
        self._pools: dict[str, Pool] = {}
        self._opening = asyncio.Lock()
        self._sandboxes: dict[str, Sandbox] = {}
        self._processes: dict[int, _Spoken] = {}
        self._objects: dict[int, WorkerObject] = {}
        self._released: set[int] = set()
        self._calls: dict[int, asyncio.Task[Any]] = {}
        self._dropped: set[int] = set()
        self._heard = time.monotonic()
        self._lease: asyncio.Task[None] | None = None

    async def facts(self) -> Any:
        """What this worker is and can do: `WorkerFacts`."""
        return await answered(self._facts())

    async def _facts(self) -> WorkerFacts:
        sandboxes, problems = {}, {}
        for name in ("docker", "bubblewrap"):
            try:
                sandboxes[name] = await _tried(name)
            except SandboxError as error:
                problems[name] = str(error.args[0])
        return WorkerFacts(
            __version__, platform.python_version(), socket.gethostname(), os.getpid(), sandboxes, problems
        )

    async def beat(self) -> str:
        """Renews the lease; says which life of this worker answers, as Ray may have started it anew."""
        self._heard = time.monotonic()
        if self._lease is None:
            self._lease = asyncio.get_running_loop().create_task(self._watch())
        return self._incarnation

    async def offer(self, name: str, image: str | None) -> Any:
        """How sandboxes would be opened here: an `Offer`."""
        return await answered(self._offer(name, image))

    async def open(self, call: int, name: str, spec: SandboxSpec) -> Any:
        """Opens a sandbox of `docker` or `bubblewrap`, warm if there is one: `Opened`."""
        return await self._numbered(call, self._open(name, spec))

    async def use(
        self, call: int, sandbox: str, method: str, arguments: Sequence[Any], named: Mapping[str, Any]
    ) -> Any:
        """Does something in a sandbox, by the name of the method."""
        return await self._numbered(call, self._use(sandbox, method, arguments, named))

    async def call_object(
        self,
        call: int,
        number: int,
        plan: ObjectPlan,
        method: str,
        arguments: Sequence[Any],
        named: Mapping[str, Any],
    ) -> Any:
        """Calls a method of an object, which is made where there is none of that number: an `ObjectAnswer`."""
        return await self._numbered(call, self._call_object(number, plan, method, arguments, named))

    async def release(self, call: int, number: int) -> Any:
        """Closes an object with its sandboxes."""
        return await self._numbered(call, self._release(number))

    async def start(self, process: int, sandbox: str, argv: Sequence[str], named: Mapping[str, Any]) -> Any:
        """Starts a command that is spoken to by the number that the driver gives it, which is also that of the call."""
        return await self._numbered(process, self._start(process, sandbox, argv, named))

    async def write(self, process: int, turn: int, data: bytes | None) -> Any:
        """Writes to a command's stdin, in the order of turns, as Ray may change that of calls; None closes it."""
        return await answered(self._spoken(process, lambda spoken: spoken.write(turn, data)))

    async def read(self, process: int) -> Any:
        """What a command wrote; None if that is nothing yet."""
        return await answered(self._spoken(process, lambda spoken: spoken.read()))

    async def kill(self, process: int) -> Any:
        """Kills a command with all that it started."""
        return await answered(self._spoken(process, lambda spoken: spoken.process.kill()))

    async def wait(self, process: int) -> Any:
        """Waits for a command's end: `Completed`."""
        return await answered(self._ended(process))

    async def drop(self, call: int) -> None:
        """Stops a call whose answer nobody waits for any more, also one that Ray brings only later."""
        self._dropped.add(call)
        if call in self._calls:
            self._calls[call].cancel()

    async def clear(self) -> Any:
        """Stops all calls and ends all sandboxes, warm ones too."""
        return await answered(self._clear())

    async def _clear(self) -> None:
        for call in list(self._calls.values()):
            call.cancel()
        pools, self._pools = list(self._pools.values()), {}
        self._sandboxes.clear()
        self._processes.clear()
        self._objects.clear()
        for pool in pools:
            with contextlib.suppress(SandboxError, OSError):
                await pool.close()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_WORD)
            if time.monotonic() - self._heard > LEASE:
                self._incarnation = secrets.token_hex(8)
                self._heard = float("inf")
                await self.clear()  # answers by a value: no failure ends the lease

    async def _numbered(self, number: int, work: Any) -> Any:
        task = self._calls[number] = asyncio.ensure_future(answered(work))
        if number in self._dropped:
            task.cancel()
        try:
            await asyncio.wait([task])
            return Failed.of(WorkerLost("its worker ended the sandbox")) if task.cancelled() else task.result()
        finally:
            work.close()  # of one that was stopped before it began
            del self._calls[number]
            self._dropped.discard(number)

    async def _offer(self, name: str, image: str | None) -> Offer:
        provider = await open_provider(name, image)
        await provider.close()
        return Offer(provider.name, provider.reason)

    async def _pool(self, name: str) -> Pool:
        async with self._opening:
            if name not in self._pools:
                self._pools[name] = Pool(await open_provider(name))
            return self._pools[name]

    async def _warm(self, name: str, spec: SandboxSpec) -> WarmSandbox:
        pool = await self._pool(name)
        sandbox = await pool.open(spec)
        if self._pools.get(name) is not pool:  # all were ended meanwhile
            await sandbox.close()
            raise WorkerLost("the worker ended its sandboxes while one was opened")
        return sandbox

    async def _call_object(
        self, number: int, plan: ObjectPlan, method: str, arguments: Sequence[Any], named: Mapping[str, Any]
    ) -> ObjectAnswer:
        if number in self._released:  # Ray may change the order of calls
            raise WorkerLost("the object was closed")
        if number not in self._objects:
            self._objects[number] = WorkerObject(plan, lambda spec: self._warm(plan.provider, spec))
        return await self._objects[number].call(method, arguments, named)

    async def _release(self, number: int) -> None:
        self._released.add(number)
        if made := self._objects.pop(number, None):
            await made.end()

    async def _open(self, name: str, spec: SandboxSpec) -> Opened:
        sandbox = await self._warm(name, spec)
        self._sandboxes[sandbox.id] = sandbox
        return Opened(
            sandbox.id, sandbox.provider, sandbox.image, sandbox.workdir, tuple(sandbox.controls), sandbox.pooled
        )

    async def _use(self, name: str, method: str, arguments: Sequence[Any], named: Mapping[str, Any]) -> Any:
        if method == "close":
            return await self._close(name)
        return await getattr(self._sandbox(name), method)(*arguments, **named)

    async def _close(self, name: str) -> None:
        self._processes = {number: one for number, one in self._processes.items() if one.sandbox != name}
        if sandbox := self._sandboxes.pop(name, None):
            await sandbox.close()

    async def _start(self, number: int, sandbox: str, argv: Sequence[str], named: Mapping[str, Any]) -> None:
        self._processes[number] = _Spoken(sandbox, await self._sandbox(sandbox).start(argv, **named))

    async def _spoken(self, number: int, work: Any) -> Any:
        if number not in self._processes:
            raise WorkerLost("the worker that held the sandbox was started anew")
        return await work(self._processes[number])

    async def _ended(self, number: int) -> Completed:
        end: Completed = await self._spoken(number, lambda spoken: spoken.process.wait())
        return end

    def _sandbox(self, name: str) -> Sandbox:
        if name not in self._sandboxes:
            raise WorkerLost("the worker that held the sandbox was started anew")
        return self._sandboxes[name]


class _Spoken:
    """A command that is spoken to, whose input comes in order."""

    def __init__(self, sandbox: str, process: Process) -> None:
        self.sandbox = sandbox
        self.process = process
        self._next = 0
        self._early: dict[int, bytes | None] = {}
        self._reading: asyncio.Future[bytes] | None = None

    async def write(self, turn: int, data: bytes | None) -> None:
        self._early[turn] = data
        while self._next in self._early:
            part = self._early.pop(self._next)
            self._next += 1
            await (self.process.close_stdin() if part is None else self.process.write(part))

    async def read(self) -> bytes | None:
        self._reading = self._reading or asyncio.ensure_future(self.process.read())
        done, _ = await asyncio.wait([self._reading], timeout=_POLL)
        if not done:
            return None
        reading, self._reading = self._reading, None
        return reading.result()


async def _tried(name: str) -> str:
    """What a sandbox that was just opened is made of.

    Raises:
        SandboxError: None can be opened.
    """
    provider = await open_provider(name)
    try:
        if name == "docker":
            return "images of its engine"
        async with await provider.open(SandboxSpec(require=frozenset[Control]())) as sandbox:
            return sandbox.image
    finally:
        await provider.close()
