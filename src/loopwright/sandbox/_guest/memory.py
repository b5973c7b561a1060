"""Whether the kernel killed processes because memory was out."""

from __future__ import annotations

import os


class MemoryCounter:
    """The kernel's count of such kills in the sandbox's control group."""

    def __init__(self, fd: bytes, *paths: bytes) -> None:
        """Takes an open descriptor, or the first of the paths that can be opened."""
        self.fd = int(fd)
        for path in paths:
            if self.fd < 0:
                try:
                    self.fd = os.open(path, os.O_RDONLY)
                except OSError:
                    continue
        self._last = self._count()

    def rose(self) -> bool:
        """Whether it counts more than when last asked."""
        before, self._last = self._last, self._count()
        return self._last > before

    def _count(self) -> int:
        if self.fd < 0:
            return 0
        for line in os.pread(self.fd, 4096, 0).splitlines():
            if line.startswith(b"oom_kill "):
                return int(line.split()[1])
        return 0
