"""What changed in a copy-on-write root, from its upper layer: in time proportional to the changes."""

from __future__ import annotations

import os

from loopwright.sandbox._guest.files import names, names_in
from loopwright.sandbox._guest.tree import Node, Walk, change

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    Entry = tuple[bytes, int, bytes]


class Layers:
    """The root as it is, as it was (`lower`), and the folder that holds what was written since (`upper`).

    Only names are taken from the upper layer: what they are now and were before is read from the two views, so that
    the file system's own marks for deleted files and replaced folders need not be understood.
    """

    def __init__(self, lower: bytes, upper: bytes, skip: Collection[bytes], known: Mapping[bytes, Entry]) -> None:
        self._lower = lower
        self._upper = upper
        self._skip = skip
        self._known = known

    def changes(self, walk: Walk) -> Iterator[bytes]:
        """Yields every change.

        Raises:
            OSError: A folder cannot be read.
            ValueError: There is more than one should be asked to look at.
        """
        fd = os.open(b"/", os.O_RDONLY | os.O_DIRECTORY)
        try:
            yield from self._folder(b"", fd, walk)
        finally:
            os.close(fd)

    def _folder(self, path: bytes, fd: int, walk: Walk) -> Iterator[bytes]:
        before, touched = _names(self._lower + path), _names(self._upper + path)
        now = set(names_in(fd))
        for name in sorted(before | touched):
            below = path + b"/" + name
            if below in self._skip or (name in now and name not in touched):
                continue
            was = self._was(below, walk)
            if name in now:
                yield from self._entry(Node(below, fd, name), was, walk)
            elif was:
                yield change(below, b"deleted", was[0])
                yield from self._deleted(below, was, walk)

    def _entry(self, node: Node, was: Entry | None, walk: Walk) -> Iterator[bytes]:
        entry = node.type, node.mode, walk.digest(node)
        if was != entry:
            yield change(node.path, b"modified" if was else b"created", *entry)
        if node.type == b"folder":
            with node.opened() as fd:
                yield from self._folder(node.path, fd, walk)
        elif was:
            yield from self._deleted(node.path, was, walk)

    def _deleted(self, path: bytes, was: Entry, walk: Walk) -> Iterator[bytes]:
        """What went away with a folder."""
        if was[0] == b"folder" and os.path.isdir(self._lower + path):
            for node in walk.visit(self._lower + path):
                yield change(node.path[len(self._lower) :], b"deleted", node.type)

    def _was(self, path: bytes, walk: Walk) -> Entry | None:
        if path in self._known:
            return self._known[path]
        folder, name = os.path.split(self._lower + path)
        try:
            fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        except OSError:
            return None
        try:
            node = Node(path, fd, name)
            return node.type, node.mode, walk.digest(node)
        except FileNotFoundError:
            return None
        finally:
            os.close(fd)


def _names(path: bytes) -> set[bytes]:
    try:
        return set(names(path))
    except (FileNotFoundError, NotADirectoryError):
        return set()
