"""Where artifacts lie that are too large for the database: a folder or a bucket, by fsspec."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from loopwright.errors import MissingExtra, StoreError, StoreUnavailable, UserError
from loopwright.secrets import scrub
from loopwright.text import printable_line

_KINDS = ("file", "s3", "gs", "gcs", "az", "abfs")
_MARK = "loopwright-artifacts.json"
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
    if not sound or elsewhere or bool(parts.netloc) == (parts.scheme == "file"):
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
        try:
            import fsspec

            kind = urlsplit(self._url).scheme
            self._files: Any = fsspec.filesystem(kind)
        except ImportError as error:
            raise MissingExtra(
                f"artifacts in {self._url} need fsspec, and for S3 s3fs",
                remedy="Run: pip install 'loopwright[postgres]' s3fs",
            ) from error

    def mark(self) -> None:
        """Marks the place as that of the database.

        Raises:
            StoreError: It cannot be written, or belongs to another database.
        """
        try:
            self._make(self._url)
            if not self._files.exists(f"{self._url}/{_MARK}"):
                self._files.pipe_file(f"{self._url}/{_MARK}", json.dumps({"store": self._store}).encode())
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
            path = self._path(ref)
            if not (self._files.exists(path) and self._files.size(path) == len(data)):
                self._make(path.rsplit("/", 1)[0])
                # A reader never meets a part: it looks only for what the database says is whole.
                self._files.pipe_file(path, data)
        except Exception as error:
            raise self._failed("written", error) from error

    def get(self, ref: str, size: int) -> bytes:
        """The bytes of a reference, at most one more than `size`; the caller checks them.

        Raises:
            StoreError: They cannot be read.
        """
        self._check()
        try:
            return bytes(self._files.cat_file(self._path(ref), start=0, end=size + 1))
        except Exception as error:
            raise self._failed("read", error) from error

    def _make(self, folder: str) -> None:
        """Makes a folder. A bucket has none, and is not made itself: one that is misspelled would be."""
        if urlsplit(self._url).scheme == "file":
            self._files.makedirs(folder, exist_ok=True)

    def _path(self, ref: str) -> str:
        return f"{self._url}/{ref[:2]}/{ref[2:]}"

    def _check(self) -> None:
        """Refuses a place that nobody marked for the database: whoever writes into it could name any folder."""
        if self._known:
            return
        try:
            found = json.loads(self._files.cat_file(f"{self._url}/{_MARK}", start=0, end=1000))
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
        # What a library says may hold a signed address.
        why = printable_line(scrub(" ".join(str(error).split())))[:300]
        # Who is refused will be refused again, and need not be waited for.
        kind = StoreError if isinstance(error, PermissionError) else StoreUnavailable
        return kind(f"{self._url} cannot be {what}: {type(error).__name__}: {why}", remedy=_REMEDY)
