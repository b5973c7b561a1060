"""What the runner does with whole folders, in a process of its own."""

from __future__ import annotations

import os
import time

from loopwright.sandbox._guest import tree
from loopwright.sandbox._guest.files import FOLDER_MODE
from loopwright.sandbox._guest.layers import Layers
from loopwright.sandbox._guest.lean import sha256
from loopwright.sandbox._guest.messages import unpack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


HIDDEN, LOWER, UPPER = b"/.loopwright", b"/.loopwright/lower", b"/.loopwright/upper"
"""Where a copy-on-write root shows what it was made of, read-only; not there where the root cannot be written."""


_TICK = 0.02
"""Seconds by which the time of a change may be behind the clock."""


class Operations:
    """Reads arguments and stdin, writes its result to stdout, and knows what the host put into the sandbox."""

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[bytes, int, bytes]] = {}
        self._layered = os.path.isdir(UPPER)
        self._started = time.time() - _TICK

    def know_write(self, path: bytes, data: bytes, mode: int, folders: Sequence[bytes]) -> None:
        """Remembers a file that the host wrote, and the folders made for it."""
        for folder in folders:
            self._known[folder] = b"folder", FOLDER_MODE, b""
        self._known[path] = b"file", mode, sha256(data).hexdigest().encode()

    def know_tree(self, top: bytes, entries: Sequence[bytes]) -> None:
        """Forgets what was below a folder, and remembers what the host put there instead."""
        inside = top + b"/"
        self._known = {path: entry for path, entry in self._known.items() if not path.startswith(inside)}
        for entry in entries:
            name, type_, mode, digest = unpack(entry)
            self._known[inside + name] = type_, int(mode), digest

    def run(self, name: str, arguments: Sequence[bytes]) -> None:
        """Does one of them.

        Raises:
            OSError: Files cannot be read or written.
            ValueError: There is more than one should be asked to look at.
        """
        walk = tree.Walk(int(arguments[0]))
        if name == "changes":
            _print(tree.changes(arguments[1:], self._known, walk))
            if self._layered:
                skip = {*(b"/" + top.split(b"/")[1] for top in arguments[1:]), b"/proc", b"/dev", HIDDEN}
                _print(Layers(LOWER, UPPER, skip, self._known).changes(walk))
        elif name == "snapshot":
            _print(tree.pack_tree(arguments[1], walk))
        elif name == "restore":
            _restore(arguments[1])
        elif name == "pack":
            _print(tree.pack_paths(unpack(_stdin()), walk))
        elif name == "describe":
            _print(tree.describe(unpack(_stdin()), walk))
        elif name == "touched":
            _print(tree.describe(tree.touched(self._started, arguments[1:]), walk))
        elif name == "unpack":
            _unpack(arguments[1])


def _print(parts: Iterable[bytes]) -> None:
    for part in parts:
        view = memoryview(part)
        while view:
            view = view[os.write(1, view) :]


def _restore(top: bytes) -> None:
    tree.clear(top)
    entries = _entries()
    for name, type_, _, _, content in entries:
        tree.unpack_entry(top, name, type_, content)
    for name, type_, mode, mtime, _ in reversed(entries):
        tree.finish_entry(top, name, type_, int(mode), int(mtime))


def _unpack(top: bytes) -> None:
    made = []
    for name, type_, mode, mtime, content in _entries():
        if tree.place_entry(top, name, type_, content):
            made.append((name, type_, int(mode), int(mtime)))
    for entry in reversed(made):
        tree.finish_entry(top, *entry)


def _entries() -> list[list[bytes]]:
    fields = unpack(_stdin())
    return [fields[at : at + 5] for at in range(0, len(fields), 5)]


def _stdin() -> bytes:
    parts: list[bytes] = []
    while True:
        data = os.read(0, 1 << 20)
        if not data:
            return b"".join(parts)
        parts.append(data)
