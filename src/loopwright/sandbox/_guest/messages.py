"""What host and runner say to each other: a kind, the command's number, and length-prefixed byte strings."""

from __future__ import annotations

import struct

from loopwright.sandbox._guest.frames import frame

TYPE_CHECKING = False  # importing `typing` would cost a third of the runner's start
if TYPE_CHECKING:
    from collections.abc import Iterable

_HEAD = struct.Struct(">BI")
_LENGTH = struct.Struct(">I")
MAX_BODY = 96 * 1024 * 1024
"""Longer messages are a broken or hostile peer."""


class Ask:
    """Kinds of messages from the host to the runner."""

    SETUP, RUN, STDIN, CLOSE_STDIN, TAKEN, KILL, READ, WRITE, LIST, OPERATE, KNOW, PING = range(12)


class Answer:
    """Kinds of messages from the runner to the host."""

    VALUE, ERROR, CHUNK, DONE = range(100, 104)


def message(kind: int, number: int, *fields: bytes) -> bytes:
    """A message in its frame."""
    return frame(_HEAD.pack(kind, number), *_parts(fields))


def parse(body: bytes) -> tuple[int, int, list[bytes]]:
    """The kind, the command's number and the fields of a frame's body.

    Raises:
        ValueError: It is no message.
    """
    if len(body) < _HEAD.size:
        raise ValueError("frame without a head")
    kind, number = _HEAD.unpack_from(body)
    return kind, number, unpack(body, _HEAD.size)


def pack(fields: Iterable[bytes]) -> bytes:
    """Joins byte strings so that `unpack` finds them again."""
    return b"".join(_parts(fields))


def unpack(body: bytes, at: int = 0) -> list[bytes]:
    """Splits what `pack` joined.

    Args:
        body: Bytes that end with it.
        at: Where it begins.

    Raises:
        ValueError: A length points past the end.
    """
    fields, end = [], len(body)
    while at < end:
        start = at + 4
        if start > end:
            raise ValueError("cut length in frame")
        at = start + _LENGTH.unpack_from(body, start - 4)[0]
        if at > end:
            raise ValueError("cut field in frame")
        fields.append(body[start:at])
    return fields


def _parts(fields: Iterable[bytes]) -> list[bytes]:
    parts = []
    for field in fields:
        parts.append(_LENGTH.pack(len(field)))
        parts.append(field)
    return parts
