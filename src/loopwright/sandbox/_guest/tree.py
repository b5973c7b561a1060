"""Folders as a whole: what changed in them, and their content to be kept and put back."""

from __future__ import annotations

import itertools
import os
import stat

from loopwright.sandbox._guest.files import ENTRIES, FOLDER_MODE, NAMES, names_in
from loopwright.sandbox._guest.lean import sha256
from loopwright.sandbox._guest.messages import pack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

DEPTH = 200
"""How deep folders are looked at: deeper ones are an attack on the host."""


class Node:
    """One entry of a folder, as it was found."""

    def __init__(self, path: bytes, parent: int, name: bytes) -> None:
        self.path = path
        self.parent = parent
        """Descriptor of the folder, open only while the entry is being visited."""
        self.name = name
        self.stat = os.stat(name, dir_fd=parent, follow_symlinks=False)

    @property
    def type(self) -> bytes:
        """file, folder, link or other."""
        mode = self.stat.st_mode
        if stat.S_ISREG(mode):
            return b"file"
        return b"folder" if stat.S_ISDIR(mode) else b"link" if stat.S_ISLNK(mode) else b"other"

    @property
    def mode(self) -> int:
        """Permission bits; 0 for a link, which has none."""
        return 0 if stat.S_ISLNK(self.stat.st_mode) else stat.S_IMODE(self.stat.st_mode)

    def opened(self) -> Opened:
        """Opens it for reading."""
        return Opened(self)


class Opened:
    """Has an entry open, giving its owner the rights for that time where it has them not."""

    def __init__(self, node: Node) -> None:
        self._node = node
        folder = node.type == b"folder"
        self._flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | (os.O_DIRECTORY if folder else 0)
        self._needed = 0o500 if folder else 0o400
        self._fd = -1

    def __enter__(self) -> int:
        self._grant(self._needed)
        try:
            self._fd = os.open(self._node.name, self._flags, dir_fd=self._node.parent)
        except OSError:
            self._grant(0)
            raise
        return self._fd

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)
        self._grant(0)

    def _grant(self, rights: int) -> None:
        if self._node.mode & self._needed != self._needed:
            os.chmod(self._node.name, self._node.mode | rights, dir_fd=self._node.parent)


class Walk:
    """Visits folders within bounds that it keeps over all of its walks."""

    def __init__(self, content: int) -> None:
        self._entries = ENTRIES
        self._names = NAMES
        self._content = content

    def visit(self, top: bytes, skip: Sequence[bytes] = ()) -> Iterator[Node]:
        """Yields everything below a folder, folders before their content, names sorted, following no link.

        Raises:
            OSError: The folder cannot be read.
            ValueError: There is more than one should be asked to look at.
        """
        fd = os.open(top, os.O_RDONLY | os.O_DIRECTORY)
        try:
            # What is mounted into a root that may be written is not part of it.
            device = os.fstat(fd).st_dev if top == b"/" else None
            yield from self._visit(fd, top.rstrip(b"/"), DEPTH, skip, device)
        finally:
            os.close(fd)

    def _visit(self, fd: int, path: bytes, depth: int, skip: Sequence[bytes], device: int | None) -> Iterator[Node]:
        if depth == 0:
            raise ValueError(f"folders are more than {DEPTH} deep")
        for name in names_in(fd):
            below = path + b"/" + name
            if below in skip:
                continue
            self._entries -= 1
            self._names -= len(below)
            if self._entries < 0 or self._names < 0:
                raise ValueError(f"there are more than {ENTRIES} entries, or {NAMES} bytes of names")
            node = Node(below, fd, name)
            if device not in (None, node.stat.st_dev):
                continue
            yield node
            if node.type == b"folder":
                with node.opened() as deeper:
                    yield from self._visit(deeper, below, depth - 1, skip, device)

    def read(self, node: Node, take: Callable[[bytes], object]) -> None:
        """Hands a regular file's content over in pieces.

        Raises:
            ValueError: The content of all files so far is more than one should be asked to look at.
        """
        with node.opened() as fd:
            while True:
                data = os.read(fd, 1 << 20)
                if not data:
                    return
                self._content -= len(data)
                if self._content < 0:
                    raise ValueError("there is more content than fits the scratch folders: sparse files?")
                take(data)

    def digest(self, node: Node) -> bytes:
        """sha256 of a file's content or a link's target; empty otherwise."""
        if node.type == b"link":
            return sha256(os.readlink(node.name, dir_fd=node.parent)).hexdigest().encode()
        if node.type != b"file":
            return b""
        hashed = sha256()
        self.read(node, hashed.update)
        return hashed.hexdigest().encode()


def change(path: bytes, kind: bytes, type_: bytes, mode: int = 0, digest: bytes = b"") -> bytes:
    """One change as it is sent."""
    return pack([path, kind, type_, b"%d" % mode, digest])


def changes(tops: Sequence[bytes], known: Mapping[bytes, tuple[bytes, int, bytes]], walk: Walk) -> Iterator[bytes]:
    """What in the folders that were empty at first is not as the host left it.

    Args:
        tops: The folders.
        known: Type, mode and digest of what the host put there, by path.
        walk: Bounds.
    """
    seen = set()
    for top in tops:
        for node in walk.visit(top):
            seen.add(node.path)
            now = node.type, node.mode, walk.digest(node)
            if known.get(node.path) != now:
                yield change(node.path, b"modified" if node.path in known else b"created", *now)
    for path in sorted(known.keys() - seen):
        if any(path.startswith(top.rstrip(b"/") + b"/") for top in tops):
            yield change(path, b"deleted", known[path][0])


def describe(paths: Iterable[bytes], walk: Walk) -> Iterator[bytes]:
    """What there is at each path, and where it ends with a slash below it, without contents."""
    for path in paths:
        name, deep = path.rstrip(b"/"), path.endswith(b"/")
        with Folder(os.path.dirname(name)) as fd:
            node = _node(name, fd)
            if node:
                yield change(name, b"created", node.type, node.mode, b"" if deep else _digest(node, walk))
        if node and deep and node.type == b"folder":
            for below in walk.visit(name):
                yield change(below.path, b"created", below.type, below.mode)


def touched(since: float, skip: Sequence[bytes]) -> Iterator[bytes]:
    """Paths of the root's file system that were made or changed since; what is mounted into it is left out."""
    device, left, folders = os.stat(b"/").st_dev, ENTRIES, [b"/"]
    while folders:
        for entry in _scanned(folders.pop()):
            try:
                found = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue  # it went meanwhile
            folder = stat.S_ISDIR(found.st_mode)
            if entry.path in skip or (folder and found.st_dev != device):
                continue
            if found.st_ctime >= since:
                left -= 1
                yield entry.path
            if folder:
                folders.append(entry.path)
        if left < 0:
            raise ValueError(f"more than {ENTRIES} entries were made or changed")


def _scanned(folder: bytes) -> list[os.DirEntry[bytes]]:
    """What is in a folder; nothing where it went meanwhile."""
    try:
        with os.scandir(folder) as entries:
            found = list(itertools.islice(entries, ENTRIES + 1))
    except (FileNotFoundError, NotADirectoryError):
        return []
    if len(found) > ENTRIES:
        raise ValueError(f"a folder has more than {ENTRIES} entries")
    return found


def _digest(node: Node, walk: Walk) -> bytes:
    try:
        return walk.digest(node)
    except OSError:  # a file that may not be read, where nothing may be written
        return b""


def pack_tree(top: bytes, walk: Walk) -> Iterator[bytes]:
    """The content of a folder, entry by entry."""
    for node in walk.visit(top):
        yield from _packed(node, node.path[len(top) + 1 :], walk)


def pack_paths(paths: Iterable[bytes], walk: Walk) -> Iterator[bytes]:
    """What is at each path, without what is below it; nothing where there is nothing."""
    for path in paths:
        with Folder(os.path.dirname(path)) as fd:
            node = _node(path, fd)
            if node:
                yield from _packed(node, path.lstrip(b"/"), walk)


def _packed(node: Node, name: bytes, walk: Walk) -> Iterator[bytes]:
    content: list[bytes] = []
    if node.type == b"file":
        walk.read(node, content.append)
    elif node.type == b"link":
        content.append(os.readlink(node.name, dir_fd=node.parent))
    elif node.type == b"other":
        return  # sockets, pipes and devices have no content that could be kept
    yield pack([name, node.type, b"%d" % node.mode, b"%d" % node.stat.st_mtime_ns, b"".join(content)])


class Folder:
    """Has a folder open; -1 where there is none."""

    def __init__(self, path: bytes) -> None:
        self._path = path
        self._fd = -1

    def __enter__(self) -> int:
        try:
            self._fd = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY)
        except (FileNotFoundError, NotADirectoryError):
            self._fd = -1
        return self._fd

    def __exit__(self, *_: object) -> None:
        if self._fd >= 0:
            os.close(self._fd)


def _node(path: bytes, folder: int) -> Node | None:
    """The entry of an open folder; None where there is none."""
    if folder < 0:
        return None
    try:
        return Node(path, folder, os.path.basename(path) or b".")
    except FileNotFoundError:
        return None


def clear(top: bytes) -> None:
    """Empties a folder, however its content is named and protected."""
    fd = os.open(top, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _clear(fd, DEPTH)
    finally:
        os.close(fd)


def _clear(fd: int, depth: int) -> None:
    if depth == 0:
        raise ValueError(f"folders are more than {DEPTH} deep")
    for name in os.listdir(fd):
        if not stat.S_ISDIR(os.stat(name, dir_fd=fd, follow_symlinks=False).st_mode):
            os.unlink(name, dir_fd=fd)
            continue
        os.chmod(name, 0o700, dir_fd=fd)
        with Node(b"", fd, os.fsencode(name)).opened() as deeper:
            _clear(deeper, depth - 1)
        os.rmdir(name, dir_fd=fd)


def unpack_entry(top: bytes, name: bytes, type_: bytes, content: bytes) -> None:
    """Puts one entry back into a folder that was empty."""
    path = top + b"/" + name
    if type_ == b"folder":
        os.mkdir(path, 0o700)
    elif type_ == b"link":
        os.symlink(content, path)
    else:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            view = memoryview(content)
            while view:
                view = view[os.write(fd, view) :]
        finally:
            os.close(fd)


def place_entry(top: bytes, name: bytes, type_: bytes, content: bytes) -> bool:
    """Puts an entry into a folder that may hold some already; says whether it did, which a folder needs only once.

    Missing folders above it are made; a file or link of its name is replaced.
    """
    folder, path = top, top + b"/" + name
    for part in name.split(b"/")[:-1]:
        folder += b"/" + part
        if not os.path.isdir(folder):
            os.mkdir(folder, FOLDER_MODE)
    if type_ == b"folder" and os.path.isdir(path):
        return False
    if os.path.lexists(path):
        os.unlink(path)
    unpack_entry(top, name, type_, content)
    return True


def finish_entry(top: bytes, name: bytes, type_: bytes, mode: int, mtime: int) -> None:
    """Sets mode and time, once nothing is put below any more."""
    path = top + b"/" + name
    if type_ != b"link":
        os.chmod(path, mode)
    os.utime(path, ns=(mtime, mtime), follow_symlinks=False)
