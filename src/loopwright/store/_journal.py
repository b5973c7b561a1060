"""The append-only file of a run: `events.jsonl`."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loopwright.errors import StoreError
from loopwright.store._codec import BadLine, decode, encode
from loopwright.store._events import SCHEMA_VERSION


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the journal and where it lies."""

    offset: int
    length: int
    body: dict[str, Any]


def scan(path: Path, run: str) -> Iterator[Line | str]:
    """Yields the lines of a journal in order; last a sentence about a torn tail, where there is one.

    Only the last line can be torn: a process or machine that dies leaves a prefix of what it wrote. Anything
    else that does not match its checksum was changed afterwards.

    Raises:
        StoreError: A line is damaged, missing, foreign or of a newer version; file and line are named.
    """
    offset = 0
    with _open_for_reading(path) as file:
        for number, raw in enumerate(file):
            try:
                if not raw.endswith(b"\n"):
                    raise BadLine("it has no end")
                body = decode(raw[:-1], run)
            except BadLine as error:
                if not _is_last(file.read(1)) or (number == 0 and not _begins_like_ours(raw)):
                    raise _damaged(path, number, str(error)) from None
                yield f"{path.name} line {number + 1} was torn ({error}): {len(raw)} bytes cut off"
                return
            if body["v"] > SCHEMA_VERSION:
                raise StoreError(
                    f"{path} line {number + 1} has schema version {body['v']}; "
                    f"this loopwright knows versions up to {SCHEMA_VERSION}",
                    remedy="Use the loopwright that wrote the run, or a newer one.",
                )
            if body["seq"] != number:
                raise _damaged(path, number, f"it is event {body['seq']} where {number} belongs")
            yield Line(offset, len(raw), body)
            offset += len(raw)


def _open_for_reading(path: Path) -> Any:
    try:
        return path.open("rb")
    except OSError as error:
        raise StoreError(
            f"cannot read {path}: {error.strerror}",
            remedy="Name the folder of a run, the one that holds run.json and events.jsonl.",
        ) from error


def _is_last(following: bytes) -> bool:
    return not following


def _begins_like_ours(raw: bytes) -> bool:
    start = b'{"v":'
    return raw.startswith(start) or start.startswith(raw)


def _damaged(path: Path, number: int, why: str) -> StoreError:
    if number == 0:
        return StoreError(
            f"{path} line 1 is not an event of this run: {why}",
            remedy="The file belongs to another run or program, or was changed; restore it from a backup.",
        )
    return StoreError(
        f"{path} line {number + 1} is damaged: {why}",
        remedy=f"Restore the file from a backup. The {number} lines before it are sound.",
    )


class Journal:
    """Appends lines, so that each is whole in the kernel when `append` returns.

    A line in the kernel survives `kill -9`; `sync` makes it survive a power failure. Syncs run on one thread
    and each covers everything appended before it began, so concurrent callers share them.
    """

    def __init__(self, path: Path, run: str, *, seq: int, size: int) -> None:
        self._path = path
        self._run = run
        self._seq = seq
        self._size = size
        self._lock = threading.Lock()
        self._failure: str = ""
        self._queued: Future[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="loopwright-sync")
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)

    def append(self, body: Mapping[str, Any]) -> Line:
        """Writes one line; `v` and `seq` are put in front of `body`.

        Raises:
            StoreError: The disk is full or fails; the file ends with the line before, and a later append may
                succeed, except after a failed sync.
        """
        with self._lock:
            if self._failure:
                raise StoreError(self._failure, remedy="Free or replace the disk, then resume the run.")
            numbered = {"v": SCHEMA_VERSION, "seq": self._seq, **body}
            raw = encode(numbered, self._run)
            try:
                _write_all(self._file, raw)
            except OSError as error:
                self._cut_back()
                raise StoreError(
                    f"cannot append to {self._path}: {error.strerror}; the record ends with event {self._seq - 1}",
                    remedy="Free disk space or make the folder writable, then resume the run.",
                ) from error
            line = Line(self._size, len(raw), numbered)
            self._seq += 1
            self._size += len(raw)
            return line

    def read(self, offset: int, length: int) -> dict[str, Any]:
        """Returns the body of the line at `offset`.

        Raises:
            StoreError: The line was changed since it was written.
        """
        try:
            return decode(os.pread(self._file, length, offset)[:-1], self._run)
        except BadLine as error:
            raise StoreError(
                f"{self._path} was changed at byte {offset} while the run was open: {error}",
                remedy="Restore the file from a backup.",
            ) from error

    def sync(self) -> Future[None]:
        """Starts to bring everything appended so far onto the disk; the future holds a StoreError if that fails."""
        with self._lock:
            if self._queued is None:
                self._queued = self._thread.submit(self._flush)
            return self._queued

    def close(self) -> None:
        """Syncs and closes."""
        try:
            if not self._failure:
                self.sync().result()
        finally:
            self._thread.shutdown()
            os.close(self._file)

    def _flush(self) -> None:
        with self._lock:
            self._queued = None
        try:
            os.fdatasync(self._file)
        except OSError as error:
            # The kernel may have dropped the pages and report the error once: nothing later can be trusted.
            self._failure = f"{self._path} could not be synced to disk: {error.strerror}"
            raise StoreError(self._failure, remedy="Free or replace the disk, then resume the run.") from error

    def _cut_back(self) -> None:
        try:
            os.ftruncate(self._file, self._size)
        except OSError as error:
            self._failure = f"{self._path} could not be cut back after a failed append: {error.strerror}"


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
