"""How many sockets the sandbox may have: the kernel asks the runner before the workload makes or connects one."""

from __future__ import annotations

import errno
import fcntl
import os
import struct

_RECEIVE, _SEND = 0xC0502100, 0xC0182101
"""Orders to the descriptor that a filter with questions has: `SECCOMP_IOCTL_NOTIF_RECV` and `_SEND`."""
_QUESTION = 80
"""Length of a question, which begins with its number."""
_CONTINUE = 1
"""The answer that the system call shall be done."""


class SocketGate:
    """Answers the kernel's questions.

    A connection needs two sockets and data may wait in one that no process holds yet, so open files say little: what
    counts are all sockets of the sandbox's network.
    """

    def __init__(self, fd: int, most: int) -> None:
        self.fd = fd
        """Where questions arrive; -1 if none do."""
        self._most = most
        self._counts = os.open("/proc/net/sockstat", os.O_RDONLY | os.O_CLOEXEC) if fd >= 0 else -1

    def answer(self) -> None:
        """Takes one question and answers it."""
        question = bytearray(_QUESTION)
        try:
            fcntl.ioctl(self.fd, _RECEIVE, question)
            enough = self._used() >= self._most
            verdict = (-errno.ENOBUFS, 0) if enough else (0, _CONTINUE)
            fcntl.ioctl(self.fd, _SEND, struct.pack("=8sqiI", question[:8], 0, *verdict))
        except OSError:
            pass  # who asked was killed meanwhile, or interrupted and asks again

    def _used(self) -> int:
        return int(os.pread(self._counts, 64, 0).split()[2])  # `sockets: used 3`
