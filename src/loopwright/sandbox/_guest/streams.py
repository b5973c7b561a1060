"""A command's stdin, stdout and stderr, as the runner moves them."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

CHUNK = 1 << 16
WINDOW = 1 << 20
"""Bytes of a streamed stdout that may be under way to the host before it says that it took some."""


class Kept:
    """The first and the last half of `limit` bytes of a stream, and the count of what lay between."""

    def __init__(self, limit: int) -> None:
        self._half = max(limit // 2, 1)
        self.head = bytearray()
        self._tail = bytearray()
        self._total = 0

    def add(self, data: bytes) -> None:
        """Takes the next bytes."""
        self._total += len(data)
        room = self._half - len(self.head)
        if room > 0:
            self.head += data[:room]
            data = data[room:]
        self._tail += data
        if len(self._tail) > 4 * self._half + CHUNK:
            del self._tail[: -self._half]

    @property
    def tail(self) -> bytes:
        """The last half."""
        return bytes(self._tail[-self._half :])

    @property
    def dropped(self) -> int:
        """Bytes that are in neither half."""
        return self._total - len(self.head) - len(self.tail)


class Source:
    """The reading end of a command's output."""

    def __init__(self, fd: int, take: Callable[[bytes], None]) -> None:
        os.set_blocking(fd, False)
        self.fd = fd
        self._take = take
        self.window = WINDOW
        self.open = True

    def pump(self, rounds: int) -> None:
        """Reads what is there, at most `rounds` chunks so that no stream starves the others."""
        while self.open and rounds and self.window > 0:
            rounds -= 1
            try:
                data = os.read(self.fd, CHUNK)
            except BlockingIOError:
                return
            if data:
                self._take(data)
            else:
                self.close()

    def close(self) -> None:
        """Stops reading."""
        if self.open:
            self.open = False
            os.close(self.fd)


class Sink:
    """The writing end of a command's stdin, or of the pipe to the host."""

    def __init__(self, fd: int) -> None:
        os.set_blocking(fd, False)
        self.fd = fd
        self._waiting = bytearray()
        self._ending = False
        self.open = True

    @property
    def blocked(self) -> bool:
        """Whether bytes wait until the reader takes some."""
        return self.open and bool(self._waiting)

    def send(self, data: bytes) -> None:
        """Writes what the pipe takes and keeps the rest."""
        if self.open and not self._ending:
            self._waiting += data
            self.pump()

    def pump(self) -> None:
        """Goes on writing."""
        try:
            while self._waiting:
                del self._waiting[: os.write(self.fd, memoryview(self._waiting)[: 1 << 20])]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self._ending = True
        if self._ending:
            self.close()

    def end(self) -> None:
        """Closes once all is written."""
        self._ending = True
        self.pump()

    def close(self) -> None:
        """Closes now; what waits is lost."""
        if self.open:
            self.open = False
            self._waiting.clear()
            os.close(self.fd)
