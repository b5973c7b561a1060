"""Bytes kept under their own hash."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from loopwright.errors import StoreError
from loopwright.files import read_regular, refuse_links, write_whole
from loopwright.secrets import scrub


class Artifacts:
    """A folder of files named by the sha256 of their content: `ab/cdef...`."""

    def __init__(self, folder: Path, stored: Callable[[str], None] = lambda ref: None) -> None:
        """Nothing is made yet.

        Args:
            folder: The folder.
            stored: Called with each reference once its bytes are in the folder.
        """
        self._folder = folder
        self._stored = stored

    def put(self, data: bytes) -> str:
        """Stores bytes durably and returns their reference; the same bytes are stored once.

        Secrets are scrubbed from bytes that are UTF-8 text.

        Raises:
            StoreError: The disk is full or read-only.
        """
        data = _scrubbed(data)
        ref = hashlib.sha256(data).hexdigest()
        path = self._path(ref)
        try:
            if not self._holds(path, len(data)):
                write_whole(path, data, within=self._folder.parent)
        except OSError as error:
            raise StoreError(
                f"cannot store {len(data)} bytes under {self._folder}: {error.strerror}",
                remedy="Free disk space or make the folder writable, then resume the run.",
            ) from error
        self._stored(ref)
        return ref

    def get(self, ref: str) -> bytes:
        """Returns the bytes of a reference.

        Raises:
            StoreError: There is no such artifact, or its bytes are not those that were stored.
        """
        path = self.path(ref)
        try:
            data = read_regular(path, within=self._folder.parent)
        except OSError as error:
            raise StoreError(
                f"artifact {ref} cannot be read from {path}: {error.strerror}",
                remedy="Copy the missing file from a backup of the run folder.",
            ) from error
        if hashlib.sha256(data).hexdigest() != ref:
            raise StoreError(
                f"artifact {path} is damaged: its bytes do not have the hash in its name",
                remedy="Copy the file from a backup of the run folder.",
            )
        return data

    def path(self, ref: str) -> Path:
        """Where the bytes of a reference are, if they are stored.

        Raises:
            StoreError: It is no reference.
        """
        if len(ref) != 64 or not set(ref) <= set("0123456789abcdef"):
            raise StoreError(f"{ref!r} is not an artifact reference (64 lower-case hexadecimal digits)")
        return self._path(ref)

    def adopt(self, other: Artifacts) -> None:
        """Takes in all artifacts of another folder, sharing the disk space where the file system allows it.

        Raises:
            StoreError: One cannot be read or stored.
        """
        for path in sorted(other._folder.glob("??/*")):
            mine = self._path(path.parent.name + path.name)
            try:
                refuse_links(path, other._folder.parent)
                refuse_links(mine.parent, self._folder.parent)
                mine.parent.mkdir(parents=True, exist_ok=True)
                mine.hardlink_to(path)
                self._stored(path.parent.name + path.name)
            except OSError:
                self.put(other.get(path.parent.name + path.name))

    def _holds(self, path: Path, size: int) -> bool:
        refuse_links(path.parent, self._folder.parent)
        return path.is_file() and not path.is_symlink() and path.stat().st_size == size

    def _path(self, ref: str) -> Path:
        return self._folder / ref[:2] / ref[2:]


def _scrubbed(data: bytes) -> bytes:
    try:
        return scrub(data.decode()).encode()
    except UnicodeDecodeError:
        return data
