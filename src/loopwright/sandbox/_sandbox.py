"""A sandbox as its user sees it, whichever provider opened it."""

from __future__ import annotations

import asyncio
import contextlib
import posixpath
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol, TypeVar

from loopwright.errors import SandboxLost
from loopwright.sandbox._guest.messages import Ask, pack, unpack
from loopwright.sandbox._setup import WORKDIR, WRITABLE
from loopwright.sandbox._types import Change, Completed, Limits, SandboxSpec
from loopwright.sandbox.host._archive import ArchiveEntry, from_tar, to_tar
from loopwright.sandbox.host._channel import FrameFields, RunnerChannel, file_error
from loopwright.sandbox.host._process import RunningProcess, completed
from loopwright.types import ControlState

_T = TypeVar("_T")

GRACE = 5.0
"""Seconds after a command's deadline until the host gives up on the runner."""
BEAT = 5.0
"""Seconds between heartbeats."""
OPERATION_TIMEOUT = 120.0
"""Seconds for what is done with whole folders."""
_PIECE = 1 << 20
_LARGE = 1 << 20
"""Bytes of an archive above which a thread reads it."""
_PROBE_TIMEOUT = 20.0


class RootChanges(Protocol):
    """Finds out what changed in a root that may be written."""

    async def changes(self, sandbox: OpenSandbox, skip: Sequence[str]) -> Sequence[Change]:
        """What changed outside of the folders to skip."""


class OpenSandbox:
    """Speaks to the runner in one sandbox; see `Sandbox` for its attributes."""

    def __init__(
        self,
        *,
        id: str,
        provider: str,
        image: str,
        spec: SandboxSpec,
        env: Mapping[str, str],
        channel: RunnerChannel,
        remove: Callable[[], Awaitable[None]],
        roots: RootChanges | None = None,
    ) -> None:
        self.id = id
        self.provider = provider
        self.image = image
        self.workdir = WORKDIR
        self._spec = spec
        self._base_env = env
        self._env = {**env, **spec.env}
        self._channel = channel
        self._remove = remove
        self._roots = roots
        """Tells what changed in a root that is no folder of the runner's."""
        self.controls: Sequence[ControlState] = ()
        self.pooled = False
        """Whether it was warm when it was asked for."""
        self.host = ""
        """It is on this machine."""
        self._closing: asyncio.Task[None] | None = None
        self._heart = asyncio.get_running_loop().create_task(self._beat())

    @property
    def alive(self) -> bool:
        """Whether its runner is there."""
        return not self._channel.ended.done()

    def adopt(self, spec: SandboxSpec) -> None:
        """Takes what of a spec is not fixed when a sandbox is opened: variables, time-out, size of outputs."""
        self.pooled = True
        self._env = {**self._base_env, **spec.env}
        self._spec = spec

    def discard(self) -> None:
        """Closes it without waiting."""
        if self._closing is None:
            self._closing = asyncio.get_running_loop().create_task(self._close())

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
        seconds = self._spec.limits.timeout if timeout is None else timeout
        return await self._run(argv, seconds, self._command(argv, seconds, cwd, env), stdin)

    async def probe(self, argv: Sequence[str]) -> Completed:
        """Runs one of Loopwright's own commands, whose time and output the spec does not limit."""
        limits = Limits(timeout=_PROBE_TIMEOUT, output_bytes=_PIECE)
        return await self._run(argv, limits.timeout, self._command(argv, limits.timeout, None, None, limits), b"")

    async def _run(self, argv: Sequence[str], seconds: float, command: Sequence[bytes], stdin: bytes) -> Completed:
        asked = self._channel.ask(Ask.RUN, *command, b"", stdin)
        watchdog = asyncio.get_running_loop().call_later(
            seconds + GRACE, self._channel.abort, f"its runner did not end {argv[0]!r} at the deadline"
        )
        try:
            return completed(await asked.answer)
        except asyncio.CancelledError:
            asked.tell(Ask.KILL)
            raise
        finally:
            watchdog.cancel()

    async def start(
        self,
        argv: Sequence[str],
        *,
        timeout: float | None = None,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> RunningProcess:
        """Starts a command and returns at once; see `Sandbox.start`."""
        seconds = self._spec.limits.timeout if timeout is None else timeout
        process = RunningProcess()
        asked = self._channel.ask(Ask.RUN, *self._command(argv, seconds, cwd, env), b"1", b"", stream=process.received)
        process.attach(asked)
        return process

    async def read(self, path: str, *, limit: int = 16 * 1024 * 1024) -> bytes:
        """Reads a regular file; see `Sandbox.read`."""
        return (await self._file(Ask.READ, path, b"%d" % limit))[0]

    async def write(self, path: str, data: bytes, *, mode: int = 0o644) -> None:
        """Writes a file as the workload's user; see `Sandbox.write`."""
        await self._file(Ask.WRITE, path, data, b"%d" % mode)

    async def list(self, path: str = ".") -> Sequence[str]:
        """Names in a folder; see `Sandbox.list`."""
        return [_decode(name) for name in await self._file(Ask.LIST, path)]

    async def changes(self) -> Sequence[Change]:
        """What the workload changed; see `Sandbox.changes`."""
        found = _changes(await self._operate(b"changes", *map(_encode, self._writable)))
        if self._roots:
            found += await self._roots.changes(self, self._writable)
        return sorted(found, key=lambda change: change.path)

    async def touched(self, skip: Sequence[str]) -> Mapping[str, Change]:
        """What in the root was made or changed since the sandbox was opened, as `describe` tells it.

        Raises:
            ValueError: As for `changes`.
        """
        found = _changes(await self._operate(b"touched", *map(_encode, skip)))
        return {change.path: change for change in found}

    async def describe(self, paths: Sequence[str]) -> Mapping[str, Change]:
        """What there is at each path now, and where it ends with a slash below it, without contents; by path.

        Raises:
            ValueError: As for `changes`.
        """
        found = _changes(await self._operate(b"describe", stdin=pack(map(_encode, paths))))
        return {change.path: change for change in found}

    async def snapshot(self) -> bytes:
        """The workspace as a tar archive; see `Sandbox.snapshot`."""
        return await _aside(to_tar, await self._operate(b"snapshot", _encode(self.workdir)))

    async def restore(self, snapshot: bytes) -> None:
        """Makes the workspace what it was; see `Sandbox.restore`."""
        entries = await _aside(_entries, snapshot)
        folder = _encode(self.workdir)
        await self._operate(b"restore", folder, stdin=b"".join(entry.packed() for entry in entries))
        await self._channel.call(Ask.KNOW, folder, *(entry.known() for entry in entries))

    async def pack(self, paths: Sequence[str]) -> bytes:
        """What is at some paths as a tar archive; see `Sandbox.pack`."""
        return await _aside(to_tar, await self._operate(b"pack", stdin=pack(map(_encode, paths))))

    async def unpack(self, archive: bytes, folder: str = "/") -> None:
        """Puts a tar archive's entries below a folder; see `Sandbox.unpack`."""
        entries = await _aside(_entries, archive)
        packed = b"".join(entry.packed() for entry in entries)
        await self._operate(b"unpack", _encode(folder.rstrip("/")), stdin=packed)

    async def close(self) -> None:
        """Kills everything in it and removes it; harmless when called twice."""
        self.discard()
        assert self._closing is not None
        await asyncio.shield(self._closing)

    async def __aenter__(self) -> OpenSandbox:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def _writable(self) -> Sequence[str]:
        return (*WRITABLE, *(folder for folder in self._spec.writable if folder != "/" or not self._roots))

    async def _operate(self, name: bytes, *arguments: bytes, stdin: bytes = b"") -> bytes:
        """Has the runner do something with whole folders, and returns its result."""
        process = RunningProcess()
        content = len(self._writable) * self._spec.limits.scratch_mb * 1024 * 1024
        asked = self._channel.ask(
            Ask.OPERATE, name, b"%f" % OPERATION_TIMEOUT, b"%d" % content, *arguments, stream=process.received
        )
        process.attach(asked)
        for at in range(0, len(stdin), _PIECE):
            await process.write(stdin[at : at + _PIECE])
        await process.close_stdin()
        parts = []
        while part := await process.read():
            parts.append(part)
        end = await process.wait()
        if end.timed_out:
            raise ValueError(f"{_decode(name)} took more than {OPERATION_TIMEOUT:.0f} s")
        if not end.ok:
            raise ValueError(f"{_decode(name)}: {end.stderr.text.strip() or f'its process ended with {end.exit_code}'}")
        return b"".join(parts)

    def _command(
        self,
        argv: Sequence[str],
        seconds: float,
        cwd: str | None,
        env: Mapping[str, str] | None,
        limits: Limits | None = None,
    ) -> Sequence[bytes]:
        if not argv:
            raise ValueError("a command needs at least a program")
        folder = self._path(cwd or ".")
        variables = {**self._env, **(env or {})}
        words = [word for pair in variables.items() for word in pair]
        keep = (limits or self._spec.limits).output_bytes
        return pack(map(_encode, argv)), folder, pack(map(_encode, words)), b"%f" % seconds, b"%d" % keep

    async def _file(self, kind: int, path: str, *fields: bytes) -> FrameFields:
        try:
            return await self._channel.call(kind, self._path(path), *fields)
        except OSError as error:
            raise file_error(error, path) from None
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None

    def _path(self, path: str) -> bytes:
        return _encode(posixpath.join(self.workdir, path))

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT)
            self._channel.beat()

    async def _close(self) -> None:
        self._heart.cancel()
        self._channel.abort("it was closed")
        with contextlib.suppress(SandboxLost):
            await self._remove()


async def _aside(work: Callable[[bytes], _T], data: bytes) -> _T:
    """What a function makes of an archive; of a large one in a thread.

    An agent can make archives that take half a minute, and no sandbox of this process lives on that long without its
    lease being renewed.
    """
    return await asyncio.to_thread(work, data) if len(data) > _LARGE else work(data)


def _entries(archive: bytes) -> list[ArchiveEntry]:
    return list(from_tar(archive))


def _changes(data: bytes) -> list[Change]:
    packed = unpack(data)
    return [
        Change(_decode(path), _decode(kind), _decode(type_), int(mode), _decode(digest))  # type: ignore[arg-type]  # the runner's words are those of `Change`
        for path, kind, type_, mode, digest in (packed[at : at + 5] for at in range(0, len(packed), 5))
    ]


def _decode(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _encode(text: str) -> bytes:
    data = text.encode("utf-8", "surrogateescape")
    if b"\0" in data:
        raise ValueError(f"a NUL byte in {text!r}")
    return data
