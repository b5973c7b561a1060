"""Starting commands as the workload's user, and finding and killing everything they leave behind."""

from __future__ import annotations

import errno
import os
import resource
import time

from loopwright.sandbox._guest.lean import signal
from loopwright.sandbox._guest.privileges import keep_for_files, show

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

NOT_FOUND, NOT_EXECUTABLE, FAILED = 127, 126, 1
TAG = 10
"""RLIMIT_LOCKS. Linux has not used it since 2.4, every descendant inherits it, `/proc/PID/limits` shows it, and an
unprivileged process can only lower it: so its hard limit tells which command a stray process came from, whatever it
did to its parents, session and environment. A process that lowers it only moves to an older command."""


class User:
    """Whom commands run as, and within which limits."""

    def __init__(
        self, uid: int, gid: int, rlimits: Sequence[tuple[int, int]], groups: Sequence[int], niceness: int
    ) -> None:
        self.uid = uid
        self.gid = gid
        self.rlimits = rlimits
        self.groups = groups
        """Descriptors; who writes `0` to them is in the workload's control groups."""
        self.niceness = niceness
        self.switches = os.getuid() != uid
        """Whether the runner is root and the workload is not; else both share a uid, and the runner has CAP_KILL."""

    def become(self) -> None:
        """Gives up the runner's identity for good."""
        if self.switches:
            os.setresgid(self.gid, self.gid, self.gid)
            os.setresuid(self.uid, self.uid, self.uid)
        elif self.uid == 0:
            keep_for_files()

    def __enter__(self) -> None:
        """Acts on files as the workload for a while. The real and saved uid stay, so it cannot send signals here."""
        if self.switches:
            os.setegid(self.gid)
            os.seteuid(self.uid)

    def __exit__(self, *_: object) -> None:
        if self.switches:
            os.seteuid(0)
            os.setegid(0)


def fork(tag: int, files: Sequence[int], work: Callable[[], None]) -> int:
    """Starts a process that does `work` and ends; `files` become its stdin, stdout and stderr.

    An error of the work becomes a line on its stderr and an exit status, as in a shell.
    """
    resource.setrlimit(TAG, (tag, resource.RLIM_INFINITY))  # inherited, so a child is never without its tag
    pid = os.fork()
    if pid:
        return pid
    code = FAILED
    try:
        os.setsid()
        for number, fd in enumerate(files):
            os.dup2(fd, number)
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(TAG, (tag, tag))
        work()
        code = 0
    except OSError as error:
        code = NOT_FOUND if error.errno in (errno.ENOENT, errno.ENOTDIR) else NOT_EXECUTABLE
        text = os.strerror(error.errno or errno.EIO).encode()
        if error.filename:
            text = os.fsencode(error.filename) + b": " + text
        os.write(2, b"loopwright: " + text + b"\n")
    except ValueError as error:
        os.write(2, str(error).encode("utf-8", "replace"))
    finally:
        os._exit(code)


def execute(user: User, argv: list[bytes], cwd: bytes, env: Mapping[bytes, bytes]) -> None:
    """Becomes a command.

    Raises:
        OSError: It cannot be executed; its errno says why.
    """
    for group in user.groups:
        os.write(group, b"0")
    for limit, value in user.rlimits:
        # Where the machine allows less, that is stricter, and nobody here may raise it.
        hard = resource.getrlimit(limit)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (value, value))
    os.nice(user.niceness)
    show(True)
    _prefer_to_kill()
    # A workload of this uid could else use the runner's descriptors through /proc until the program is executed.
    show(False)
    user.become()
    os.chdir(cwd)
    if b"/" in argv[0]:
        os.execve(argv[0], argv, env)
    number = errno.ENOENT
    for folder in env.get(b"PATH", b"/usr/bin:/bin").split(b":"):
        try:
            os.execve(folder + b"/" + argv[0], argv, env)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENOTDIR):
                number = error.errno or number
    raise OSError(number, "", argv[0])


def _prefer_to_kill() -> None:
    """Makes the kernel take the command, not the runner, when memory is out."""
    fd = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
    os.write(fd, b"1000")
    os.close(fd)


def kill_strays(tag: int, live: Collection[int], reap: Callable[[], None], patience: float = 2.0) -> set[int]:
    """Kills what is left of a command and returns the processes that it found.

    Args:
        tag: The command's tag.
        live: Tags of the other commands that still run.
        reap: Takes the status of children that ended.
        patience: Seconds until it gives up on processes that do not die, which only the kernel can cause.
    """
    found: set[int] = set()
    until = time.monotonic() + patience
    if not live:
        _signal(-1, signal.SIGSTOP)  # many busy processes would leave no time for the search
    while True:
        strays = []
        for stray in _strays(tag, live):
            _signal(stray, signal.SIGSTOP)  # at once, so that none forks while the list is worked through
            strays.append(stray)
        if not strays:
            return found
        found.update(strays)
        if live:
            for stray in strays:
                _signal(stray, signal.SIGKILL)
        else:
            _signal(-1, signal.SIGKILL)  # everything but this process, in one step that no fork can outrun
        reap()
        if time.monotonic() > until:
            return found


def _strays(tag: int, live: Collection[int]) -> Iterator[int]:
    for name in os.listdir("/proc"):
        if not name.isdigit() or name == "1":
            continue
        if live and _tag(name) in live:
            continue
        if _state(name) not in "ZX":
            yield int(name)


def _tag(pid: str) -> int:
    """The tag of a process; 0 if it is gone."""
    for line in _proc(pid, "limits").splitlines():
        if line.startswith(b"Max file locks"):
            soft, hard = line.split()[3:5]
            return int(hard if hard.isdigit() else soft)
    return 0


def _state(pid: str) -> str:
    """The state letter of a process; X if it is gone."""
    return _proc(pid, "stat").rpartition(b") ")[2][:1].decode() or "X"


def _proc(pid: str, name: str) -> bytes:
    try:
        fd = os.open(f"/proc/{pid}/{name}", os.O_RDONLY)
    except OSError:
        return b""
    try:
        return os.read(fd, 16384)
    except OSError:
        return b""
    finally:
        os.close(fd)


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        pass  # gone meanwhile
