"""Files of the sandbox, without following a link into /proc, and without blocking on what is not a file."""

from __future__ import annotations

import errno
import os
import stat

FOLDER_MODE = 0o755
ENTRIES, NAMES = 200_000, 32 << 20
"""How many entries and how many bytes of names are looked at: more is an attack on the host."""
_LINKS = 40
"""Links that are followed on the way to a file, as many as the kernel follows."""
_FOLDER = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_KERNEL = {os.stat(path).st_dev for path in ("/proc", "/sys") if os.path.isdir(path)}
"""Device numbers of file systems whose files are handles into the kernel, the runner's own among them."""


def read(path: bytes, limit: int) -> bytes:
    """Reads a regular file.

    Raises:
        OSError: It cannot be opened.
        ValueError: It is not a regular file, or longer than `limit` bytes.
    """
    folder, name = _parent(_resolved(path))
    try:
        fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY, dir_fd=folder)
    finally:
        os.close(folder)
    try:
        _must_be_regular(fd)
        parts, left = [], limit + 1
        while left > 0:
            part = os.read(fd, min(left, 1 << 20))
            if not part:
                break
            parts.append(part)
            left -= len(part)
        if left <= 0:
            raise ValueError(f"longer than {limit} bytes")
        return b"".join(parts)
    finally:
        os.close(fd)


def write(path: bytes, data: bytes, mode: int) -> tuple[bytes, list[bytes]]:
    """Writes a regular file, making its folders; a link of that name is replaced, not followed.

    Returns:
        The file's resolved path and those of the folders made.

    Raises:
        OSError: It cannot be written.
        ValueError: There is something of that name that is not a regular file.
    """
    parent, name = os.path.split(path)
    resolved = os.path.join(_resolved(parent), name)
    made: list[bytes] = []
    folder, last = _parent(resolved, made)
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY
    try:
        try:
            fd = os.open(last, flags, mode, dir_fd=folder)
        except OSError as error:
            if error.errno != errno.ELOOP:
                raise
            os.unlink(last, dir_fd=folder)
            fd = os.open(last, flags | os.O_EXCL, mode, dir_fd=folder)
    finally:
        os.close(folder)
    try:
        _must_be_regular(fd)
        os.ftruncate(fd, 0)
        view = memoryview(data)
        while view:
            view = view[os.write(fd, view) :]
        os.fchmod(fd, mode)
    finally:
        os.close(fd)
    return resolved, made


def names(path: bytes) -> list[bytes]:
    """The names in a folder, sorted.

    Raises:
        OSError: It is not a folder that can be read.
        ValueError: There are more than anyone should look at.
    """
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        return names_in(fd)
    finally:
        os.close(fd)


def names_in(fd: int) -> list[bytes]:
    """The names in an open folder, sorted.

    Raises:
        OSError: It cannot be read.
        ValueError: There are more than anyone should look at.
    """
    found, left = [], NAMES
    with os.scandir(fd) as entries:
        for entry in entries:
            found.append(os.fsencode(entry.name))
            left -= len(found[-1])
            if len(found) > ENTRIES or left < 0:
                raise ValueError(f"there are more than {ENTRIES} entries, or {NAMES} bytes of names")
    return sorted(found)


def _resolved(path: bytes) -> bytes:
    """Where a path leads, for the links on its way that are there; those in /proc count as the text that they show.

    Raises:
        OSError: There are more links than the kernel follows.
    """
    parts, walked, links = path.split(b"/")[::-1], b"", 0
    while parts:
        part = parts.pop()
        if part == b"..":
            walked = walked.rpartition(b"/")[0]
        elif part not in (b"", b"."):
            try:
                target = os.readlink(walked + b"/" + part)
            except OSError:  # no link, or nothing
                walked += b"/" + part
                continue
            links += 1
            if links > _LINKS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
            walked = b"" if target.startswith(b"/") else walked
            parts += target.split(b"/")[::-1]
    return walked or b"/"


def _parent(path: bytes, made: list[bytes] | None = None) -> tuple[int, bytes]:
    """Opens the folder that a resolved path is in. No component is followed, so nothing can be swapped meanwhile.

    Missing folders are made where `made` is there to take their names.
    """
    *folders, name = path.strip(b"/").split(b"/")
    fd, walked = os.open("/", _FOLDER), b""
    for part in folders:
        walked += b"/" + part
        try:
            if made is not None:
                try:
                    os.mkdir(part, FOLDER_MODE, dir_fd=fd)
                    made.append(walked)
                except FileExistsError:
                    pass
            deeper = os.open(part, _FOLDER, dir_fd=fd)
        finally:
            os.close(fd)
        fd = deeper
    return fd, name


def _must_be_regular(fd: int) -> None:
    found = os.fstat(fd)
    if not stat.S_ISREG(found.st_mode) or found.st_dev in _KERNEL:
        raise ValueError("not a regular file")
