"""Captured output that stays small however much is written."""

from __future__ import annotations

import io
from typing import Any, cast

KEPT = 32 * 1024


class Capped(io.RawIOBase):
    """Keeps the first and the last half of what is written, and counts the rest."""

    def __init__(self) -> None:
        super().__init__()
        self._head = bytearray()
        self._tail = bytearray()
        self._dropped = 0

    def writable(self) -> bool:
        """True."""
        return True

    def write(self, data: Any) -> int:
        """Takes all of the data."""
        view = memoryview(data).cast("B")
        room = max(0, KEPT // 2 - len(self._head))
        self._head += view[:room]
        rest = view[room:]
        self._dropped += max(0, len(rest) - KEPT // 2)
        self._tail += rest[-KEPT // 2 :] if len(rest) > KEPT // 2 else rest
        over = len(self._tail) - KEPT // 2
        if over > 0:
            self._dropped += over
            del self._tail[:over]
        return len(view)

    def take(self) -> str:
        """What was written since the last call."""
        gap = f"\n[... {self._dropped} bytes left out ...]\n".encode() if self._dropped else b""
        text = (bytes(self._head) + gap + bytes(self._tail)).decode("utf-8", "replace")
        self._head.clear()
        self._tail.clear()
        self._dropped = 0
        return text


def stream(raw: Capped) -> io.TextIOWrapper:
    """A text stream that writes through to it."""
    return io.TextIOWrapper(cast("Any", raw), encoding="utf-8", errors="backslashreplace", write_through=True)
