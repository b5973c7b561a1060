"""Frames on a pipe: one byte of kind, four of length, then the payload."""

from __future__ import annotations

import os
import struct

HEADER = struct.Struct(">cI")


class Ended(Exception):
    """The other side closed the pipe."""


def write_frame(fd: int, kind: bytes, payload: bytes = b"") -> None:
    """Writes one frame.

    Raises:
        Ended: Nobody reads any more.
    """
    data = memoryview(HEADER.pack(kind, len(payload)) + payload)
    try:
        while data:
            data = data[os.write(fd, data) :]
    except BrokenPipeError:
        raise Ended from None


def read_frame(fd: int) -> tuple[bytes, bytes]:
    """Reads one frame and not a byte more, so that another process may read the next one.

    Raises:
        Ended: The stream ended.
    """
    kind, length = HEADER.unpack(_read(fd, HEADER.size))
    return kind, _read(fd, length)


def _read(fd: int, length: int) -> bytes:
    parts = []
    while length:
        part = os.read(fd, min(length, 1 << 20))
        if not part:
            raise Ended
        parts.append(part)
        length -= len(part)
    return b"".join(parts)
