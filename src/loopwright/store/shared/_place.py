"""Where artifacts lie that are too large for the database: a folder or a bucket."""

from __future__ import annotations

import errno
import json
import os
import re
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from loopwright.errors import MissingExtra, StoreError, StoreUnavailable, UserError
from loopwright.files import open_regular, write_whole
from loopwright.secrets import scrub
from loopwright.text import printable_line

_KINDS = ("file", "s3", "gs", "gcs", "az", "abfs")
_MARK = "loopwright-artifacts.json"
_PLANTED = (errno.ELOOP, errno.EINVAL)
"""What the system says of a link, and of what is no regular file."""
_TAKE_AWAY = "Take away what lies there in the place of a file, and look who may write into that folder."
_REMEDY = "Check the place of `loopwright store init --artifacts`, and the keys of this machine for it."


def checked_place(place: str) -> str:
    """The place as a URL.

    Raises:
        UserError: It is no folder and no bucket, or holds a password.
    """
    if place.startswith("/"):
        place = f"file://{place}"
    try:
        parts = urlsplit(place)
    except ValueError:
        parts = urlsplit("")
    steps = parts.path.split("/")
    sound = parts.scheme in _KINDS and "::" not in place and not {".", ".."} & set(steps) and place.isprintable()
    elsewhere = "@" in parts.netloc or parts.query or parts.fragment
    is_folder = parts.path.startswith("/") and any(steps) and not parts.netloc
    if not sound or elsewhere or not (is_folder if parts.scheme == "file" else parts.netloc):
        raise UserError(
            "artifacts are kept in a folder or a bucket; this is neither",
            remedy="Write an absolute folder that all machines share, or s3://BUCKET/PREFIX; keys come from the "
            "environment.",
        )
    return place.rstrip("/")


class ArtifactPlace:
    """A folder or a bucket. Only what lies below it is read or written, and only if it is marked for the database."""

    def __init__(self, place: str, store: str) -> None:
        """Opens nothing yet.

        Args:
            place: The place, as the database says it: data from others.
            store: The id of the database's schema, which the place must bear.

        Raises:
            UserError: It is no folder and no bucket.
            MissingExtra: fsspec or its part for the bucket is not installed.
        """
        self._url, self._store, self._known = checked_place(place), store, False
        self._files: _Files = _opened(self._url)

    def mark(self) -> None:
        """Marks the place as that of the database.

        Raises:
            StoreError: It cannot be written, or belongs to another database.
        """
        try:
            if self._files.size(_MARK) is None:
                self._files.write(_MARK, json.dumps({"store": self._store}).encode())
        except Exception as error:
            raise self._failed("written", error) from error
        self._check()

    def put(self, ref: str, data: bytes) -> None:
        """Stores bytes under their reference.

        Raises:
            StoreError: They cannot be stored.
        """
        self._check()
        try:
            if self._files.size(_name(ref)) != len(data):
                # A reader never meets a part: it looks only for what the database says is whole.
                self._files.write(_name(ref), data)
        except Exception as error:
            raise self._failed("written", error) from error

    def get(self, ref: str, size: int) -> bytes:
        """The bytes of a reference, at most one more than `size`; the caller checks them.

        Raises:
            StoreError: They cannot be read.
        """
        self._check()
        try:
            return self._files.read(_name(ref), size + 1)
        except Exception as error:
            raise self._failed("read", error) from error

    def _check(self) -> None:
        """Refuses a place that nobody marked for the database: whoever writes into it could name any folder."""
        if self._known:
            return
        try:
            found = json.loads(self._files.read(_MARK, 1000))
        except FileNotFoundError:
            found = None
        except Exception as error:
            raise self._failed("read", error) from error
        if not isinstance(found, dict) or found.get("store") != self._store:
            raise StoreError(
                f"{self._url} is not marked as the place for artifacts of this database ({_MARK})",
                remedy="Name the place anew: loopwright store init --artifacts PLACE --store URL.",
            )
        self._known = True

    def _failed(self, what: str, error: Exception) -> StoreError:
        if isinstance(error, StoreError):
            return error
        # What a library says may hold a signed address, whose query is as good as a key.
        why = printable_line(scrub(re.sub(r"\?\S+", "?...", " ".join(str(error).split()))))[:300]
        if isinstance(error, OSError) and error.errno in _PLANTED:
            return StoreError(f"{self._url} cannot be {what}: {why}", remedy=_TAKE_AWAY)
        # Who is refused will be refused again, and need not be waited for.
        kind = StoreError if isinstance(error, PermissionError) else StoreUnavailable
        return kind(f"{self._url} cannot be {what}: {type(error).__name__}: {why}", remedy=_REMEDY)


class _Files(Protocol):
    """Files below a place, by their names."""

    def size(self, name: str) -> int | None:
        """Bytes of a file; None if there is none."""
        ...

    def write(self, name: str, data: bytes) -> None:
        """Writes a file; in a folder, the folders above it, too."""
        ...

    def read(self, name: str, most: int) -> bytes:
        """So many bytes of a file at most."""
        ...


class _Folder:
    """A folder into which others may write, too: no link in it is followed, and only regular files are opened."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def size(self, name: str) -> int | None:
        try:
            with open_regular(self._folder / name, self._folder) as file:
                return os.fstat(file.fileno()).st_size
        except FileNotFoundError:
            return None

    def write(self, name: str, data: bytes) -> None:
        if name != _MARK and self.size(_MARK) is None:
            # What was mounted there is gone: to write would make a folder in its place.
            raise FileNotFoundError(errno.ENOENT, "the mark of the place is not there", str(self._folder / _MARK))
        write_whole(self._folder / name, data, within=self._folder)

    def read(self, name: str, most: int) -> bytes:
        with open_regular(self._folder / name, self._folder) as file:
            return file.read(most)


class _Bucket:
    """Objects below an address, by fsspec."""

    def __init__(self, url: str) -> None:
        import fsspec

        self._url = url
        self._files: Any = fsspec.filesystem(urlsplit(url).scheme)

    def size(self, name: str) -> int | None:
        path = f"{self._url}/{name}"
        return int(self._files.size(path)) if self._files.exists(path) else None

    def write(self, name: str, data: bytes) -> None:
        # A bucket has no folders, and is not made itself: one that is misspelled would be.
        self._files.pipe_file(f"{self._url}/{name}", data)

    def read(self, name: str, most: int) -> bytes:
        return bytes(self._files.cat_file(f"{self._url}/{name}", start=0, end=most))


def _opened(url: str) -> _Files:
    if urlsplit(url).scheme == "file":
        return _Folder(Path(urlsplit(url).path))
    try:
        return _Bucket(url)
    except ImportError as error:
        raise MissingExtra(
            f"artifacts in {url} need fsspec, and for S3 s3fs",
            remedy="Run: pip install 'loopwright[postgres]' s3fs",
        ) from error


def _name(ref: str) -> str:
    return f"{ref[:2]}/{ref[2:]}"
