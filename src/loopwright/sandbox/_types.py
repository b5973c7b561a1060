"""The sandbox contract: what a sandbox is asked for, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

from loopwright.types import REQUIRED_CONTROLS, Control, ControlState


@dataclass(frozen=True, slots=True)
class Limits:
    """Resource limits of a sandbox."""

    memory_mb: int = 512
    """Memory, with no swap beside it."""
    pids: int = 128
    cpus: float = 1.0
    scratch_mb: int = 64
    """Size of each writable folder (the workspace and /tmp)."""
    output_bytes: int = 256 * 1024
    """Kept of each of stdout and stderr: the first and the last half; the rest is counted."""
    timeout: float = 30.0
    """Seconds after which a command and all its descendants are killed."""


@dataclass(frozen=True, slots=True)
class SandboxSpec:
    """What a sandbox is asked for."""

    image: str | None = None
    """Docker image, or the folder of a root file system for bubblewrap; None for the provider's default."""
    limits: Limits = Limits()
    network: Literal["none", "host"] = "none"
    env: Mapping[str, str] = field(default_factory=dict)
    """The whole environment of the workload, beside PATH, HOME and LANG; nothing is inherited."""
    require: frozenset[Control] = REQUIRED_CONTROLS
    """Controls without which `open` refuses."""
    writable: tuple[str, ...] = ()
    """Further folders in memory, empty at first and of the scratch's size, in which the workload may write. `/` makes
    the whole root one, over which the programs lie read-only. In Docker `/` is for root alone and the container's own
    layer, which nothing limits in size; with bubblewrap an image's root is copied on writing anyway."""
    user: Literal["user", "root"] = "user"
    """`root` makes the workload uid 0 with the capabilities that work on any file takes; with bubblewrap in a user
    namespace, where it is never the machine's root. It waives `unprivileged_user` and `capabilities`, and in Docker
    `read_only_root`."""
    labels: Mapping[str, str] = field(default_factory=dict)
    runtime: str | None = None
    """Docker runtime with a stronger wall than a shared kernel, such as `runsc` or `kata`; refused where it is not."""


@dataclass(frozen=True, slots=True)
class Output:
    """What a command wrote to one stream, cut in the middle where it was too long."""

    head: bytes = b""
    tail: bytes = b""
    dropped: int = 0
    """Bytes left out between head and tail."""

    @property
    def text(self) -> str:
        """As UTF-8, bad bytes replaced, with a line that tells what was left out."""
        head = self.head.decode("utf-8", "replace")
        if not self.dropped:
            return head + self.tail.decode("utf-8", "replace")
        return f"{head}\n[... {self.dropped} bytes left out ...]\n{self.tail.decode('utf-8', 'replace')}"


@dataclass(frozen=True, slots=True)
class Completed:
    """How a command ended."""

    exit_code: int
    """Exit status; minus the signal number where a signal ended it (as in subprocess)."""
    stdout: Output
    stderr: Output
    seconds: float
    timed_out: bool = False
    out_of_memory: bool = False
    """Whether the kernel killed processes of the sandbox for memory meanwhile, the command itself or another."""
    leftovers: int = 0
    """Descendants that were still alive when the command ended, or at its deadline, and were killed."""

    @property
    def ok(self) -> bool:
        """Whether it ended by itself with status 0."""
        return self.exit_code == 0 and not self.timed_out


@dataclass(frozen=True, slots=True)
class Change:
    """One path that the workload created, changed or deleted."""

    path: str
    """Absolute path in the sandbox; undecodable bytes as surrogate escapes."""
    kind: Literal["created", "modified", "deleted"]
    type: Literal["file", "folder", "link", "other"]
    mode: int = 0
    sha256: str = ""
    """Of a regular file's content or a link's target; empty otherwise."""


@runtime_checkable
class Process(Protocol):
    """A running command that is spoken to while it runs."""

    async def write(self, data: bytes) -> None:
        """Sends bytes to its stdin.

        Raises:
            SandboxLost: The sandbox is gone.
        """
        ...

    async def read(self) -> bytes:
        """Returns the next bytes of its stdout, waiting for some; empty at the end."""
        ...

    async def close_stdin(self) -> None:
        """Ends its stdin."""
        ...

    async def kill(self) -> None:
        """Kills it and all its descendants."""
        ...

    async def wait(self) -> Completed:
        """Waits for its end. `stdout` of the result is empty: it went to `read`."""
        ...


@runtime_checkable
class Sandbox(Protocol):
    """An isolated machine of its own, used by one episode and then thrown away."""

    @property
    def id(self) -> str:
        """Unique name, also the container's."""
        ...

    @property
    def provider(self) -> str:
        """`docker` or `bubblewrap`."""
        ...

    @property
    def image(self) -> str:
        """What the root file system is, with its digest where it has one."""
        ...

    @property
    def workdir(self) -> str:
        """The workspace folder, where commands start."""
        ...

    @property
    def controls(self) -> Sequence[ControlState]:
        """What the self-check read when the sandbox was opened."""
        ...

    async def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        timeout: float | None = None,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Completed:
        """Runs a command to its end. A time-out is a result, not an error.

        Raises:
            SandboxLost: The sandbox or its runner ended meanwhile.
        """
        ...

    async def start(
        self,
        argv: Sequence[str],
        *,
        timeout: float | None = None,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Process:
        """Starts a command and returns at once, to speak to it over its stdin and stdout."""
        ...

    async def read(self, path: str, *, limit: int = 16 * 1024 * 1024) -> bytes:
        """Reads a regular file (relative to `workdir`), not following links out of the sandbox.

        Raises:
            FileNotFoundError: There is no such file.
            ValueError: It is not a regular file, or longer than `limit` bytes.
        """
        ...

    async def write(self, path: str, data: bytes, *, mode: int = 0o644) -> None:
        """Writes a file as the workload's user, making its folders.

        Raises:
            OSError: The path cannot be written (read-only, full, a folder).
        """
        ...

    async def list(self, path: str = ".") -> Sequence[str]:
        """Returns the names in a folder (relative to `workdir`), sorted; undecodable bytes as surrogate escapes.

        Raises:
            OSError: It is not a folder that the workload may read.
        """
        ...

    async def changes(self) -> Sequence[Change]:
        """What the workload created, changed or deleted since the sandbox was opened, by path.

        What the host wrote or restored counts as being there from the start.

        Raises:
            ValueError: There is more than one should be asked to look at: 200,000 entries, folders 200 deep, files
                that pretend to hold more than the scratch folders can.
        """
        ...

    async def snapshot(self) -> bytes:
        """The workspace's files, folders and links as a tar archive; equal content gives equal bytes.

        Raises:
            ValueError: As for `changes`.
        """
        ...

    async def restore(self, snapshot: bytes) -> None:
        """Makes the workspace what it was when the snapshot was taken, in this sandbox or another.

        Raises:
            ValueError: It is not a snapshot, or does not fit.
        """
        ...

    async def pack(self, paths: Sequence[str]) -> bytes:
        """The files, folders and links at some paths as a tar archive that `unpack` takes, without what is below them.

        What is not there is left out, and so are sockets, pipes and devices.

        Raises:
            ValueError: As for `changes`.
            SandboxLost: The sandbox is gone.
        """
        ...

    async def unpack(self, archive: bytes, folder: str = "/") -> None:
        """Puts the files, folders and links of a plain tar archive below a folder, as the workload's user would.

        Folders that are there stay as they are, what else is there is replaced. What it brings counts as changes.

        Args:
            archive: Of relative names that do not lead upwards.
            folder: Absolute path.

        Raises:
            ValueError: It is no such archive, or does not fit.
            SandboxLost: The sandbox is gone.
        """
        ...

    async def close(self) -> None:
        """Kills everything in it and removes it; harmless when called twice."""
        ...


@runtime_checkable
class SandboxProvider(Protocol):
    """A way to isolate."""

    @property
    def name(self) -> str:
        """`docker` or `bubblewrap`."""
        ...

    async def open(self, spec: SandboxSpec) -> Sandbox:
        """Opens a sandbox that is ready to run.

        Raises:
            SandboxUnavailable: What the spec requires cannot be given here; nothing weaker is used instead.
        """
        ...

    async def close(self) -> None:
        """Closes every sandbox still open."""
        ...
