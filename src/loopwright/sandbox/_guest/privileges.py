"""Giving up what the workload must not inherit: the one place that calls the kernel past the standard library."""

from __future__ import annotations

import errno
import os
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

try:
    import ctypes

    HAS_CTYPES = True
    _LIBC = ctypes.CDLL(None, use_errno=True)
except ImportError:  # a Python cut down to its minimum, as Debian's python3-minimal
    HAS_CTYPES = False

_CAPGET, _CAPSET = {"x86_64": (125, 126), "aarch64": (90, 91)}.get(os.uname().machine, (0, 0))
_CAPABILITY_VERSION = 0x20080522
FILES = sum(1 << number for number in (0, 1, 3, 4))
"""CHOWN, DAC_OVERRIDE, FOWNER, FSETID."""
_PR_SET_DUMPABLE, _PR_SET_SECCOMP, _FILTER = 4, 22, 2
_SECCOMP = {"x86_64": 317, "aarch64": 277}.get(os.uname().machine, 0)
_SET_FILTER, _WITH_LISTENER = 1, 8
_ASK, _ALLOW = (struct.pack("=HBBI", 6, 0, 0, action) for action in (0x7FC00000, 0x7FFF0000))
_programs: list[object] = []
_FIRST_TO_ASK = 5, 5
"""Linux that knows the answer that a call in question may go on."""


class Filtered:
    """What became of a filter."""

    def __init__(self, unfiltered: bytes = b"", listener: int = -1) -> None:
        self.unfiltered = unfiltered
        """Why there is none; empty if there is."""
        self.listener = listener
        """Descriptor on which the kernel asks; -1 if it allows what it would ask for."""


def keep_from_children(filters: Mapping[str, bytes], *, asks: bool) -> Filtered:
    """Makes capabilities uninheritable and filters system calls.

    Args:
        filters: `struct sock_filter[]` for each machine that has one.
        asks: Whether the kernel shall ask where the filter says so.

    Raises:
        OSError: The kernel refused.
    """
    machine = os.uname().machine
    if not HAS_CTYPES:
        return Filtered(b"the image's Python has no ctypes")
    if machine not in filters:
        return Filtered(b"no filter for " + machine.encode())
    _uninheritable()
    show(False)
    code = filters[machine]
    if asks and tuple(int(number) for number in os.uname().release.split(".")[:2]) >= _FIRST_TO_ASK:
        listener = _LIBC.syscall(_SECCOMP, _SET_FILTER, _WITH_LISTENER, _program(code))
        if listener >= 0:
            return Filtered(listener=listener)
    operations = (code[at : at + 8] for at in range(0, len(code), 8))
    code = b"".join(_ALLOW if operation == _ASK else operation for operation in operations)
    _check(_LIBC.prctl(_PR_SET_SECCOMP, _FILTER, _program(code), 0, 0))
    return Filtered()


def _program(code: bytes) -> bytes:
    """`struct sock_fprog`, whose code lives as long as the process."""
    buffer = ctypes.create_string_buffer(code, len(code))
    _programs.append(buffer)
    return struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(buffer))


def show(visible: bool) -> None:
    """Whether processes of this one's uid may use its files in /proc: runner and workload may share a uid.

    A program that is executed is visible by itself.
    """
    if HAS_CTYPES:
        _check(_LIBC.prctl(_PR_SET_DUMPABLE, int(visible), 0, 0, 0))


def keep_for_files() -> None:
    """Gives up all capabilities but those that work on any file takes; for a workload that is root.

    Raises:
        OSError: The kernel refused, or the image's Python has no ctypes.
    """
    if not HAS_CTYPES:
        raise OSError(errno.ENOSYS, "root needs an image whose Python has ctypes")
    header = struct.pack("Ii", _CAPABILITY_VERSION, 0)
    _check(_LIBC.syscall(_CAPSET, header, struct.pack("6I", FILES, FILES, 0, 0, 0, 0)))


def _uninheritable() -> None:
    """Empties the inheritable set, and so the ambient one, which is a part of it."""
    header = struct.pack("Ii", _CAPABILITY_VERSION, 0)
    data = ctypes.create_string_buffer(24)
    _check(_LIBC.syscall(_CAPGET, header, data))
    effective, permitted, _, effective_high, permitted_high, _ = struct.unpack("6I", data.raw)
    kept = struct.pack("6I", effective, permitted, 0, effective_high, permitted_high, 0)
    _check(_LIBC.syscall(_CAPSET, header, kept))


def _check(result: int) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
