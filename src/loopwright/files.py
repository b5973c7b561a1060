"""Files that somebody may have sent: how they are opened, and how files are written beside them.

Only regular files are opened, and only so much of them is read as a bound allows. Nothing is written through a link.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

LARGEST = 256 * 1024 * 1024
"""Bytes of a file that are read at once, at most, where nothing else is said."""

_FREE = 1 << 20
"""Characters of JSON whose values are not counted."""
MOST_CONTAINERS, MOST_VALUES = 4_000_000, 20_000_000
"""Lists and objects, and values, of JSON that is read: twice as many as a result may have that is recorded."""

_TEXT = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?'
_TEXTS = re.compile(_TEXT, re.DOTALL)
_PIECE = re.compile(rb'(?:[^"]++|' + _TEXT + rb"){1,10000}+", re.DOTALL)
"""JSON in pieces that hold each text whole; a text without an end reaches to the end, so that none is read twice."""

TEMPORARY = ".new-"
"""How names of files begin that are not whole yet."""

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISLNK, "a link"),
)


def real_path(path: Path) -> Path:
    """Where a path leads, all links followed; what leads nowhere, such as a link to itself, cannot be opened later."""
    return Path(os.path.realpath(path)) if "\0" not in str(path) else path.absolute()


def home_path(text: str | Path) -> Path:
    """A path with `~` and `~NAME` replaced by a home, where there is such a user."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        return Path(text)


def refuse_many_values(text: bytes | str, containers: int | None = None, values: int | None = None) -> None:
    """Refuses JSON of very many values before it is parsed: lists in lists take 44 times their text.

    Args:
        text: The JSON.
        containers: Lists and objects that it may have; None for `MOST_CONTAINERS`.
        values: Values that it may have; None for `MOST_VALUES`.

    Raises:
        ValueError: It has more.
    """
    if len(text) <= _FREE:
        return
    containers = MOST_CONTAINERS if containers is None else containers
    values = MOST_VALUES if values is None else values
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if _has_more((data,), containers, values) and _has_more(_without_texts(data), containers, values):
        raise ValueError(f"it has more than {containers} lists and objects, or {values} values")


def _has_more(parts: Iterable[bytes], containers: int, values: int) -> bool:
    for part in parts:
        containers -= part.count(b"[") + part.count(b"{")
        values -= part.count(b",")
        if containers < 0 or values < 0:
            return True
    return False


def _without_texts(data: bytes) -> Iterator[bytes]:
    return (_TEXTS.sub(b"", piece[0]) for piece in _PIECE.finditer(data))


def refuse_links(path: Path, within: Path) -> None:
    """Refuses a path with a link between a folder and its end. The folder itself may be one, as its user named it.

    Raises:
        OSError: There is one.
    """
    place = within
    for part in path.relative_to(within).parts:
        place = place / part
        if place.is_symlink():
            raise OSError(errno.ELOOP, f"{place.name} is a link, and links are not followed here", str(path))


def open_descriptor(path: Path, flags: int, within: Path | None = None) -> int:
    """Opens a regular file and nothing else; a FIFO or a device is not even touched.

    Args:
        path: The file.
        flags: As for `os.open`.
        within: The folder that somebody may have sent: below it no link is followed. None follows links.

    Raises:
        OSError: It is not there, no regular file, or behind a link.
    """
    if "\0" in str(path):
        raise OSError(errno.EINVAL, "no path holds a NUL", str(path))
    if within is not None:
        refuse_links(path, within)
        flags |= os.O_NOFOLLOW
    if not (flags & os.O_CREAT and not path.exists()):
        _refuse_others(path.stat(), path)
    descriptor = os.open(path, flags | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY, 0o644)
    try:
        _refuse_others(os.fstat(descriptor), path)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def open_regular(path: Path, within: Path | None = None) -> BinaryIO:
    """Opens a regular file for reading; see `open_descriptor`."""
    return os.fdopen(open_descriptor(path, os.O_RDONLY, within), "rb")


def read_regular(path: Path, limit: int = LARGEST, within: Path | None = None) -> bytes:
    """Reads a regular file of at most `limit` bytes; see `open_descriptor`.

    Raises:
        OSError: It is not there, no regular file, behind a link, or larger.
    """
    with open_regular(path, within) as file:
        size = os.fstat(file.fileno()).st_size
        data = b"" if size > limit else file.read(limit + 1)
    if max(size, len(data)) > limit:
        raise OSError(errno.EFBIG, f"it has {max(size, len(data))} bytes; at most {limit} are read", str(path))
    return data


def run_folders(folder: Path) -> list[Path]:
    """The run folders in a folder, by name; none where there is no such folder."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if _holds_run(path))


def _holds_run(folder: Path) -> bool:
    try:
        return (folder / "run.json").is_file()
    except PermissionError:  # a folder of another user, into which nobody else may look
        return False


def sync_folder(folder: Path) -> None:
    """Makes the names in a folder survive a power failure."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_whole(path: Path, data: bytes, within: Path | None = None) -> None:
    """Writes a file so that a crash at any instant leaves the old state or the new one.

    A link at the place of the file is replaced, never followed.

    Args:
        path: The file; its folder is made where it is missing.
        data: What it holds.
        within: The folder that somebody may have sent: no folder below it may be a link.

    Raises:
        OSError: The disk is full or read-only, or a folder is a link; nothing is left behind.
    """
    if within is not None:
        refuse_links(path.parent, within)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=TEMPORARY, dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.rename(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def _refuse_others(status: os.stat_result, path: Path) -> None:
    if not stat.S_ISREG(status.st_mode):
        kind = next((word for is_kind, word in _KINDS if is_kind(status.st_mode)), "no file")
        raise OSError(errno.EINVAL, f"it is {kind}; only regular files are opened", str(path))
