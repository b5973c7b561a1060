"""A sandbox in which shell commands are run one by one; files and the working directory stay between them."""

from __future__ import annotations

import json
import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from loopwright.environments._shells._fixture import Fixture
from loopwright.environments._shells._persistent import OUTPUT_KEPT, CommandResult, PersistentShell, folder_of
from loopwright.errors import TaskError
from loopwright.sandbox import Change, Sandbox, SandboxProvider, SandboxSpec
from loopwright.text import encodable

SHELL = "/bin/bash"
_MERGED = ("/bin/sh", "-c", 'cd -- "$0" 2>/dev/null || cd /; unset OLDPWD; exec "$@" 2>&1')
WAIT = 'for _ in 1 2 3 4 5 6 7 8 9 10; do [ -z "$(jobs -pr)" ] && break; sleep 0.1; done'
"""What a command leaves in the background has a second to end; it is killed with the command otherwise."""
_DROP_LINKS = """
import os, sys
own = [path.encode() for path in sys.argv[1:]]
for path in sys.stdin.buffer.read().split(b"\\0"):
    real = os.path.realpath(path).rstrip(b"/") + b"/"
    if any(real.startswith(one + b"/") or (one + b"/").startswith(real) for one in own):
        os.remove(path)
"""
_SCRATCH = "/work/"
"""Home of the workload: what tools leave there is nobody's answer."""


class Shell:
    """Runs commands in a sandbox of its own, starting from a fixture."""

    def __init__(self, sandbox: Sandbox, before: Sequence[Change], cwd: str, *, persistent: bool = False) -> None:
        self._sandbox = sandbox
        self._persistent = PersistentShell(sandbox, cwd) if persistent else None
        self._before = {change.path: change for change in before}
        self.cwd = cwd

    @classmethod
    async def open(
        cls,
        provider: SandboxProvider,
        spec: SandboxSpec,
        fixture: Fixture,
        *,
        setup: str = "",
        cwd: str = "/",
        persistent: bool = False,
    ) -> Shell:
        """Opens a sandbox, unpacks the fixture in it and runs the setup commands, as the workload's user.

        The whole root may be written with bubblewrap without an image, and by a workload that is root. Elsewhere the
        fixture's tops are writable folders, and files that it has in the root itself are left out.

        Raises:
            SandboxError: There is no sandbox, or it was lost.
            TaskError: The fixture does not fit.
        """
        whole, writable = _places(provider, spec, fixture)
        limits = replace(spec.limits, output_bytes=max(spec.limits.output_bytes, OUTPUT_KEPT))
        sandbox = await provider.open(replace(spec, writable=writable, limits=limits))
        try:
            archive = fixture.archive if whole else fixture.below_folders()
            try:
                await sandbox.unpack(archive)
            except ValueError as error:
                raise TaskError(f"environment.fixture cannot be unpacked: {error}") from None
            if setup:
                # As published, where a setup script goes on after commands that fail.
                await sandbox.run([SHELL, "-c", setup], cwd="/")
            kind = provider.name, spec.image, spec.limits, spec.user, archive
            before = await sandbox.changes() if setup else await _before(kind, sandbox)
            return cls(sandbox, before, cwd, persistent=persistent)
        except BaseException:
            await sandbox.close()
            raise

    @property
    def sandbox(self) -> Sandbox:
        """The sandbox."""
        return self._sandbox

    @property
    def tracked(self) -> Mapping[str, Change]:
        """The files and links that were there at first, by path."""
        return {path: change for path, change in self._before.items() if change.type in ("file", "link")}

    async def run(self, command: str, *, timeout: float | None = None) -> CommandResult:
        """Runs a command with bash, and notes where it left the working directory.

        Raises:
            SandboxLost: The sandbox is gone.
        """
        command = encodable(command)
        if self._persistent is not None:
            ran = await self._persistent.run(command, timeout=timeout)
            self.cwd = self._persistent.cwd
            return ran
        mark = f"loopwright-{secrets.token_hex(8)}:"
        end = f'printf "%s%s" {mark} "$PWD"' if "cd" in command or "pushd" in command else ":"
        if "&" in command:
            end = f"{WAIT}; {end}"
        # On the command's own line, so that line numbers in messages are the command's.
        trap = f"trap '{end}' EXIT; " if end != ":" else ""
        ran = await self.run_argv([SHELL, "-c", trap + command], timeout=timeout)
        output, found, cwd = ran.output.rpartition(mark.encode())
        if not found:
            return ran
        self.cwd = folder_of(cwd) or "/"
        return replace(ran, output=output)

    async def run_argv(
        self, argv: Sequence[str], *, timeout: float | None = None, env: Mapping[str, str] | None = None
    ) -> CommandResult:
        """Runs a program in the working directory; one that was removed is the root.

        Raises:
            SandboxLost: The sandbox is gone.
        """
        if any("\0" in word for word in argv):
            return CommandResult(b"bash: a command cannot hold a NUL character", ok=False, exit_code=126)
        done = await self._sandbox.run([*_MERGED, self.cwd, *argv], timeout=timeout, cwd="/", env=env)
        output, cut = done.stdout.head + done.stdout.tail, bool(done.stdout.dropped)
        return CommandResult(output, done.ok, done.exit_code, done.timed_out, cut)

    async def changes(self) -> dict[str, Change]:
        """What changed since the beginning, by path.

        Raises:
            SandboxLost: The sandbox is gone.
            ValueError: There is more than one should be asked to look at.
        """
        return {path: change for path, change in (await self._changes()).items() if not path.startswith(_SCRATCH)}

    async def _changes(self) -> dict[str, Change]:
        now = {change.path: change for change in await self._sandbox.changes()}
        found = {path: _since(self._before.get(path), change) for path, change in now.items()}
        gone = {p: replace(was, kind="deleted", mode=0, sha256="") for p, was in self._before.items() if p not in now}
        return {path: change for path, change in sorted({**found, **gone}.items()) if change}

    async def read(self, path: str, *, limit: int) -> bytes:
        """Reads a regular file; see `Sandbox.read`."""
        return await self._sandbox.read(path, limit=limit)

    async def save(self, kept: Callable[[str], bool] = lambda path: True) -> bytes:
        """The working directory and what changed since the beginning: contents, permissions, deletions.

        What runs in the background, and what a persistent shell knows, is not in it.

        Args:
            kept: Which paths are in it.

        Raises:
            SandboxLost: The sandbox is gone.
            ValueError: There is more than one should be asked to look at.
        """
        found = {path: change for path, change in (await self._changes()).items() if kept(path)}
        replaced = [c for c in found.values() if c.kind == "deleted" or (c.kind == "modified" and c.type != "folder")]
        modes = {c.path: c.mode for c in found.values() if c.kind == "modified" and c.type == "folder"}
        about = {"cwd": self.cwd, "gone": [change.path for change in replaced], "modes": modes}
        there = [change.path for change in found.values() if change.kind != "deleted"]
        return json.dumps(about).encode() + b"\n" + await self._sandbox.pack(there)

    async def load(self, state: bytes) -> None:
        """Makes a fresh shell of the same start what another was when it was saved.

        Raises:
            SandboxLost: The sandbox is gone.
            ValueError: The state does not fit.
        """
        head, _, archive = state.partition(b"\n")
        about = json.loads(head)
        names = "\0".join(about["gone"]).encode("utf-8", "surrogateescape")
        await self._done(["xargs", "-0", "-r", "rm", "-rf", "--"], names)
        await self._sandbox.unpack(archive)
        for path, mode in about["modes"].items():
            await self._done(["chmod", f"{mode:04o}", "--", path])
        self.cwd = about["cwd"]
        if self._persistent is not None:
            self._persistent.cwd = self.cwd

    async def drop_links(self, links: Sequence[str], folders: Sequence[str]) -> None:
        """Removes those of some links that lead into one of some folders, or to what is above it.

        Raises:
            SandboxLost: The sandbox is gone.
            ValueError: Python does not run.
        """
        if links:
            names = "\0".join(links).encode("utf-8", "surrogateescape")
            await self._done(["python3", "-I", "-S", "-c", _DROP_LINKS, *folders], names)

    async def _done(self, argv: Sequence[str], stdin: bytes = b"") -> None:
        done = await self._sandbox.run(argv, stdin=stdin, cwd="/")
        if not done.ok:
            raise ValueError(f"a saved state cannot be put back: {done.stderr.text.strip()[:300]}")

    async def close(self) -> None:
        """Ends the sandbox; harmless when called twice."""
        await self._sandbox.close()


_BEFORE: OrderedDict[tuple[object, ...], tuple[Sequence[Change], bool]] = OrderedDict()
"""What was there at first in sandboxes of one kind, and whether two of them agreed: then others are not asked."""
_KEPT = 64


async def _before(kind: tuple[object, ...], sandbox: Sandbox) -> Sequence[Change]:
    known, agreed = _BEFORE.get(kind, ((), False))
    if agreed:
        return known
    now = await sandbox.changes()
    _BEFORE[kind] = now, now == known
    while len(_BEFORE) > _KEPT:
        _BEFORE.popitem(last=False)
    return now


def _places(provider: SandboxProvider, spec: SandboxSpec, fixture: Fixture) -> tuple[bool, tuple[str, ...]]:
    """Whether the whole root may be written, and the folders to ask for."""
    copied = provider.name == "bubblewrap" and spec.image is not None
    if spec.user == "root" or (provider.name == "bubblewrap" and not copied):
        return True, () if copied else ("/",)
    return False, fixture.tops


def _since(was: Change | None, now: Change) -> Change | None:
    if was is None:
        return now
    return None if was == now else replace(now, kind="modified")
