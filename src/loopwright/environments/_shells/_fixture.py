"""Starting files of a shell task: a tar archive, a folder, or texts; unpacked afresh in every sandbox."""

from __future__ import annotations

import io
import tarfile
import time
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from loopwright.archives import LARGEST, UNPACKING_ERRORS, BadArchive, entries, refuse_name, whole
from loopwright.errors import TaskError
from loopwright.files import open_regular
from loopwright.project import bytes_of

_UNPACKING = 3600
"""Seconds within which an archive's newest files were made by whoever made the archive."""
_PROGRAMS = (b"#!", b"\x7fELF")
"""How files begin that can be executed."""
_EPOCH = 1_700_000_000
"""Time of files that are given as texts."""


@dataclass(frozen=True, slots=True)
class Fixture:
    """Files below `/`."""

    archive: bytes
    """A tar archive of safe, relative names."""
    tops: tuple[str, ...]
    """Folders of the root that it brings, e.g. `/testbed`."""

    def aged(self, *, built: float, seen: float) -> Fixture:
        """The same files as old as they were at another moment.

        Args:
            built: When the files were made that have no time of their own: those of the archive's last hour.
            seen: The moment. All in seconds since 1970.
        """
        entries = list(_entries(io.BytesIO(self.archive)))
        made = max((info.mtime for info, _ in entries), default=0) - _UNPACKING
        passed = time.time() - seen
        for info, _ in entries:
            info.mtime = (built if info.mtime > made else info.mtime) + passed
        return Fixture(_packed(entries), self.tops)

    def with_files(self, files: Mapping[str, str], *, folders: Sequence[str] = ()) -> Fixture:
        """The same with further files and empty folders, by absolute path."""
        entries = list(_entries(io.BytesIO(self.archive))) if self.archive else []
        for folder in folders:
            entries += [(parent, b"") for parent in _parents(f"{_safe(folder)}/file")]
        return _fixture(entries + _made(files.items()))

    def below_folders(self) -> bytes:
        """The archive without what lies in the root itself: its folders are there already."""
        return _packed([(m, data) for m, data in _entries(io.BytesIO(self.archive)) if "/" in m.name])


def load_fixture(path: str | None, files: Mapping[str, str] | None = None, *, at: str = "/") -> Fixture:
    """Reads a fixture.

    Args:
        path: A tar archive, plain or compressed, or a folder; None for none.
        files: Absolute path to content, laid over it.
        at: Folder in which the archive or folder appears; it is made in any case.

    Raises:
        TaskError: It cannot be read, or holds names that lead out of the root.
    """
    stamp = Path(path).stat().st_mtime_ns if path and Path(path).is_file() else 0
    load = _load if stamp else _load.__wrapped__  # nothing tells cheaply whether a folder's content has changed
    return load(path, stamp, tuple((files or {}).items()), at)


@lru_cache(maxsize=64)
def _load(path: str | None, stamp: int, files: tuple[tuple[str, str], ...], at: str) -> Fixture:
    """Kept, since every episode of a suite starts from the same few archives."""
    entries = [_moved(entry, at) for entry in _from(path)] if path else []
    entries = [(folder, b"") for folder in _parents(f"{_safe(at)}/.")] + entries
    return _fixture(entries + _made(files))


def _made(files: Iterable[tuple[str, str]]) -> list[tuple[tarfile.TarInfo, bytes]]:
    entries = []
    for name, content in files:
        try:
            data = bytes_of(content)
        except ValueError as error:
            raise TaskError(f"a file of the environment cannot be written: {name}: {error}") from None
        info = tarfile.TarInfo(_safe(name))
        info.size, info.mtime, info.mode = len(data), _EPOCH, 0o755 if data.startswith(_PROGRAMS) else 0o644
        entries += [(parent, b"") for parent in _parents(info.name)] + [(info, data)]
    return entries


def _fixture(entries: Iterable[tuple[tarfile.TarInfo, bytes]]) -> Fixture:
    """What comes later replaces what has the same name."""
    unique = {info.name: (info, data) for info, data in entries}
    archive = _packed([unique[name] for name in sorted(unique)])
    tops = sorted({f"/{name.split('/')[0]}" for name, (info, _) in unique.items() if "/" in name or info.isdir()})
    return Fixture(archive, tuple(tops))


def _moved(entry: tuple[tarfile.TarInfo, bytes], at: str) -> tuple[tarfile.TarInfo, bytes]:
    info = copy(entry[0])
    info.name = _safe(f"{at}/{info.name}")
    return info, entry[1]


def _from(path: str) -> list[tuple[tarfile.TarInfo, bytes]]:
    place = Path(path)
    try:
        if place.is_dir():
            return _of_folder(place)
        with open_regular(place) as file:
            return list(_entries(file))
    except UNPACKING_ERRORS as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise TaskError(
            f"environment.fixture: {path}: {why}", remedy="Name a tar archive or a folder that can be read."
        ) from None


def _of_folder(folder: Path) -> list[tuple[tarfile.TarInfo, bytes]]:
    packed, total = io.BytesIO(), 0

    def bounded(info: tarfile.TarInfo) -> tarfile.TarInfo:
        nonlocal total
        total += info.size
        if total > LARGEST:
            raise BadArchive(f"it holds more than {LARGEST} bytes")
        return info

    with tarfile.open(fileobj=packed, mode="w") as tar:
        for child in sorted(folder.iterdir()):
            tar.add(child, arcname=child.name, filter=bounded)
    packed.seek(0)
    return list(_entries(packed))


def _entries(archive: BinaryIO) -> list[tuple[tarfile.TarInfo, bytes]]:
    found = []
    for info, file in entries(archive):
        info.name, info.pax_headers = _safe(info.name), {}  # the latter would name it as it was
        if info.name and (file or info.isdir() or info.issym()):
            refuse_name(PurePosixPath(info.name))
            found.append((info, whole(file) if file else b""))
    return found


def _packed(entries: list[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for info, data in entries:
            tar.addfile(info, io.BytesIO(data))
    return packed.getvalue()


def _safe(name: str) -> str:
    parts = [part for part in PurePosixPath(name).parts if part.strip("/") not in ("", ".")]
    if ".." in parts:
        raise TaskError(f"environment.fixture: the name {name!r} leads out of the root")
    return "/".join(parts)


def _parents(name: str) -> list[tarfile.TarInfo]:
    found = []
    for parent in reversed(PurePosixPath(name).parents[:-1]):
        info = tarfile.TarInfo(str(parent))
        info.type, info.mode, info.mtime = tarfile.DIRTYPE, 0o755, _EPOCH
        found.append(info)
    return found
