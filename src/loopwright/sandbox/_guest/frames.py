"""Frames: how the host and a program in a sandbox part the stream between them. Four bytes of length, then the body."""

from __future__ import annotations

import os
import struct
import sys

_LENGTH = struct.Struct(">I")


class Ended(Exception):
    """The other side closed the pipe."""


class FrameDecoder:
    """Finds the frames in a stream that comes in pieces."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._buffer = bytearray()
        self._at = 0

    def feed(self, data: bytes) -> None:
        """Takes the next bytes of the stream."""
        del self._buffer[: self._at]
        self._at = 0
        self._buffer += data

    def take(self) -> bytes | None:
        """Returns the body of the next frame; None if it is not complete yet.

        Raises:
            ValueError: Its body is longer than the limit: the peer is broken or hostile.
        """
        buffer, start = self._buffer, self._at + _LENGTH.size
        if len(buffer) < start:
            return None
        length: int = _LENGTH.unpack_from(buffer, self._at)[0]
        if length > self._limit:
            raise ValueError(f"frame of {length} bytes")
        end = start + length
        if len(buffer) < end:
            return None
        self._at = end
        return bytes(buffer[start:end])


def frame(*parts: bytes) -> bytes:
    """The frame whose body the parts make."""
    return b"".join((_LENGTH.pack(sum(map(len, parts))), *parts))


def write_frame(fd: int, *parts: bytes) -> None:
    """Writes one frame.

    Raises:
        Ended: Nobody reads any more.
    """
    data = memoryview(frame(*parts))
    try:
        while data:
            data = data[os.write(fd, data) :]
    except BrokenPipeError:
        raise Ended from None


def read_frame(fd: int) -> bytes:
    """Reads the body of one frame and not a byte more, so that another process may read the next one.

    Raises:
        Ended: The stream ended.
    """
    length: int = _LENGTH.unpack(_read(fd, _LENGTH.size))[0]
    return _read(fd, length)


def take_pipe() -> tuple[int, int]:
    """Moves the pipe away from stdin and stdout, where anything that runs in this process could disturb it.

    Ends the process outside a sandbox, as it is about to run code that nobody trusts and to empty its folder.
    """
    if not _confined():
        sys.exit("this program runs code that nobody trusts, and empties its folder: it starts in a sandbox only")
    incoming, outgoing = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(2, 1)
    os.close(null)
    return incoming, outgoing


def _confined() -> bool:
    """Whether the process has what every sandbox sees to: no new privileges, and a filter of system calls."""
    with open("/proc/self/status") as status:
        lines = status.read().splitlines()
    return "NoNewPrivs:\t1" in lines and "Seccomp:\t2" in lines


def _read(fd: int, length: int) -> bytes:
    parts = []
    while length:
        part = os.read(fd, min(length, 1 << 20))
        if not part:
            raise Ended
        parts.append(part)
        length -= len(part)
    return b"".join(parts)
