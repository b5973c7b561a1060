"""Frames on the pipe between host and runner: a header, then a body of length-prefixed byte strings."""

from __future__ import annotations

import struct

TYPE_CHECKING = False  # importing `typing` would cost a third of the runner's start
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_HEADER = struct.Struct(">IBI")
_LENGTH = struct.Struct(">I")
MAX_BODY = 96 * 1024 * 1024
"""Larger frames are a broken or hostile peer."""


class Ask:
    """Kinds of frames from the host to the runner."""

    SETUP, RUN, STDIN, CLOSE_STDIN, TAKEN, KILL, READ, WRITE, LIST, OPERATE, KNOW, PING = range(12)


class Answer:
    """Kinds of frames from the runner to the host."""

    VALUE, ERROR, CHUNK, DONE = range(100, 104)


def pack(fields: Iterable[bytes]) -> bytes:
    """Joins byte strings so that `unpack` finds them again."""
    parts = []
    for field in fields:
        parts.append(_LENGTH.pack(len(field)))
        parts.append(field)
    return b"".join(parts)


def unpack(body: bytes) -> list[bytes]:
    """Splits what `pack` joined.

    Raises:
        ValueError: A length points past the end.
    """
    fields, at, end = [], 0, len(body)
    while at < end:
        start = at + 4
        if start > end:
            raise ValueError("cut length in frame")
        at = start + _LENGTH.unpack_from(body, start - 4)[0]
        if at > end:
            raise ValueError("cut field in frame")
        fields.append(body[start:at])
    return fields


def frame(kind: int, command: int, *fields: bytes) -> bytes:
    """One frame, ready to be sent."""
    body = pack(fields)
    return _HEADER.pack(len(body), kind, command) + body


class Decoder:
    """Cuts a byte stream into frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[int, int, list[bytes]]]:
        """Yields the kind, the command's number and the fields of each frame completed by `data`.

        Raises:
            ValueError: The stream is not one of frames.
        """
        buffer = self._buffer
        buffer += data
        at = 0
        while len(buffer) - at >= _HEADER.size:
            length, kind, command = _HEADER.unpack_from(buffer, at)
            if length > MAX_BODY:
                raise ValueError(f"frame of {length} bytes")
            start = at + _HEADER.size
            if len(buffer) - start < length:
                break
            at = start + length
            yield kind, command, unpack(bytes(buffer[start:at]))
        if at:
            del buffer[:at]
