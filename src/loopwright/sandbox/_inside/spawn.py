"""Starting commands as the workload's user, and finding and killing everything they leave behind."""

from __future__ import annotations

import errno
import os
import resource
import signal
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

NOT_FOUND, NOT_EXECUTABLE = 127, 126
TAG = 10
"""RLIMIT_LOCKS. Linux has not used it since 2.4, every descendant inherits it, `/proc/PID/limits` shows it, and an
unprivileged process can only lower it: so its hard limit tells which command a stray process came from, whatever it
did to its parents, session and environment. A process that lowers it only moves to an older command."""


class User:
    """Whom commands run as, and within which limits."""

    def __init__(self, uid: int, gid: int, rlimits: Sequence[tuple[int, int]]) -> None:
        self.uid = uid
        self.gid = gid
        self.rlimits = rlimits
        self.switches = os.getuid() != uid
        """Whether the runner is root and the workload is not; else both share a uid and differ in capabilities."""

    def become(self) -> None:
        """Gives up the runner's identity for good."""
        if self.switches:
            os.setresgid(self.gid, self.gid, self.gid)
            os.setresuid(self.uid, self.uid, self.uid)

    def __enter__(self) -> None:
        """Acts on files as the workload for a while. The real and saved uid stay, so it cannot send signals here."""
        if self.switches:
            os.setegid(self.gid)
            os.seteuid(self.uid)

    def __exit__(self, *_: object) -> None:
        if self.switches:
            os.seteuid(0)
            os.setegid(0)


def spawn(user: User, tag: int, argv: list[bytes], cwd: bytes, env: Mapping[bytes, bytes], files: Sequence[int]) -> int:
    """Forks and executes; `files` become stdin, stdout and stderr. Returns the process number.

    A command that cannot be executed ends like in a shell: 127 or 126, with the reason on its stderr.
    """
    resource.setrlimit(TAG, (tag, resource.RLIM_INFINITY))  # inherited, so a child is never without its tag
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setsid()
        for number, fd in enumerate(files):
            os.dup2(fd, number)
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(TAG, (tag, tag))
        for limit, value in user.rlimits:
            resource.setrlimit(limit, (value, value))
        _prefer_to_kill()
        user.become()
        os.chdir(cwd)
        _execute(argv, env)
    except OSError as error:
        missing = error.errno in (errno.ENOENT, errno.ENOTDIR)
        name = os.fsencode(error.filename) if error.filename else argv[0]
        os.write(2, b"loopwright: %s: %s\n" % (name, os.strerror(error.errno or 0).encode()))
        os._exit(NOT_FOUND if missing else NOT_EXECUTABLE)
    finally:
        os._exit(NOT_EXECUTABLE)


def _prefer_to_kill() -> None:
    """Makes the kernel take the command, not the runner, when memory is out."""
    fd = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
    os.write(fd, b"1000")
    os.close(fd)


def _execute(argv: list[bytes], env: Mapping[bytes, bytes]) -> None:
    """As `os.execvpe`, but says "permission denied" only where nothing of that name can be executed."""
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


def kill_strays(
    tag: int, live: Collection[int], spare: Collection[int], reap: Callable[[], None], patience: float = 2.0
) -> int:
    """Kills what is left of a command and returns how many processes that were.

    Args:
        tag: The command's tag.
        live: Tags of the other commands that still run.
        spare: Process numbers of the runner's own helpers.
        reap: Takes the status of children that ended.
        patience: Seconds until it gives up on processes that do not die, which only the kernel can cause.
    """
    found: set[int] = set()
    until = time.monotonic() + patience
    while True:
        strays = _strays(tag, live, spare)
        if not strays or time.monotonic() > until:
            return len(found)
        found.update(strays)
        if live or spare:
            # First stop all, so that none forks while the list is worked through.
            for number in (signal.SIGSTOP, signal.SIGKILL):
                for pid in strays:
                    _signal(pid, number)
        else:
            _signal(-1, signal.SIGKILL)  # everything but this process, in one step that no fork can outrun
        reap()


def _strays(tag: int, live: Collection[int], spare: Collection[int]) -> list[int]:
    strays = []
    for name in os.listdir("/proc"):
        if not name.isdigit() or name == "1" or int(name) in spare:
            continue
        if live and _tag(name) in live:
            continue
        if _state(name) not in "ZX":
            strays.append(int(name))
    return strays


def _tag(pid: str) -> int:
    """The tag of a process; 0 if it has none or is gone."""
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
