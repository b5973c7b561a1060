"""The append-only file of a run: `events.jsonl`."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from loopwright.errors import EventTooLarge, RunInUse, StoreError
from loopwright.files import open_descriptor, refuse_many_values, write_whole
from loopwright.store._codec import BadLine, decode, encode
from loopwright.store._events import SCHEMA_VERSION
from loopwright.store._migrate import migrate
from loopwright.store._replica import Replica
from loopwright.store._scan import LONGEST, Line, scan
from loopwright.store._texts import Texts

_DISK = "Free disk space or make the folder writable, then resume the run."


class Journal:
    """Appends lines, so that each is whole in the kernel when `append` returns.

    A line in the kernel survives `kill -9`; `sync` makes it survive a power failure. Syncs run on one thread
    and each covers everything appended before it began, so concurrent callers share them.
    """

    def __init__(self, path: Path, run: str, note: Callable[[Line], None], replica: Replica | None = None) -> None:
        """Opens a journal, handing every line to `note`, and repairs its tail.

        Args:
            path: The file.
            run: The id of its run.
            note: Gets every line that is there.
            replica: Sends every line to a shared record; None for a run that is in its folder alone.

        Raises:
            StoreError: It is damaged, foreign, of a newer version or not writable.
        """
        self._path = path
        self._run = run
        self._seq = self._size = 0
        self._texts = Texts()
        self.repaired: str | None = None
        for line in scan(path, run, self._texts):
            if isinstance(line, Line):
                note(line)
                self._seq, self._size = line.body["seq"] + 1, line.offset + line.length
            else:
                self.repaired = line
        try:
            self._file = open_descriptor(path, os.O_RDWR | os.O_APPEND, path.parent)
            if self.repaired:
                self._cut_torn_tail()
        except OSError as error:
            raise _not_written(f"cannot write {path}", error) from error
        self._failure = ""
        self._lock = threading.Lock()
        self._queued: Future[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="loopwright-sync")
        self._replica = replica
        if replica is not None:
            replica.grown(self._seq, self._size)

    @property
    def shared(self) -> bool:
        """Whether another machine may go on with the run, so that it must know what was begun here."""
        return self._replica is not None

    def append(self, body: Mapping[str, Any]) -> Line:
        """Writes one line; version and number are put in front of `body`.

        Raises:
            StoreError: The disk is full or fails; the file ends with the line before, and a later append may
                succeed, except after a failed sync. Or another program removed the file or changed its size. Or the
                shared record failed, and the line is no outcome of a call.
            EventTooLarge: The line holds more than is read; nothing was written.
            RunInUse: Another process took the shared run over.
        """
        with self._lock:
            self._refuse_after_failure(body)
            self._refuse_lost_file()
            numbered = {"seq": self._seq, **body}
            written = self._texts.shorten(numbered)
            raw = encode({"v": SCHEMA_VERSION, **written}, self._run)
            self._refuse_unreadable(raw)
            try:
                _write_all(self._file, raw)
            except OSError as error:
                self._cut_back()
                raise _not_written(f"cannot append event {self._seq} to {self._path}", error) from error
            self._texts.restore(written)
            self._texts.grow(len(raw))
            line = Line(self._size, len(raw), numbered)
            self._seq += 1
            self._size += len(raw)
            if self._replica is not None:
                self._replica.grown(self._seq, self._size)
            return line

    def _refuse_unreadable(self, raw: bytes) -> None:
        """Refuses a line that no reader would take, before it is written."""
        why = f"it has more than {LONGEST} bytes" if len(raw) > LONGEST else ""
        try:
            refuse_many_values(raw)
        except ValueError as error:
            why = str(error)
        if why:
            raise EventTooLarge(
                f"event {self._seq} cannot be recorded in {self._path}: {why}",
                remedy="The record is sound and ends with the event before. Let the task ask for smaller outputs.",
            )

    def _refuse_lost_file(self) -> None:
        """Refuses to go on where nobody could read what is written: calls would be paid that nothing records."""
        now = os.fstat(self._file)
        if now.st_nlink and now.st_size == self._size:
            return
        what = "cut or written to" if now.st_nlink else "removed"
        raise StoreError(
            f"{self._path} was {what} by another program while the run was open",
            remedy="Leave the folder of a run that works as it is. Restore it from a backup, then resume the run.",
        )

    def read(self, line: Line) -> dict[str, Any]:
        """Returns the body of a line with a call's result, read again from where it lies.

        Raises:
            StoreError: The line was changed since it was written.
        """
        try:
            return migrate(decode(os.pread(self._file, line.length, line.offset)[:-1], self._run))
        except BadLine as error:
            raise StoreError(
                f"{self._path} was changed at byte {line.offset} while the run was open: {error}",
                remedy="Restore the file from a backup.",
            ) from error

    def sync(self) -> Future[None]:
        """Starts to bring everything appended so far onto the disk; the future holds a StoreError if that fails."""
        with self._lock:
            self._refuse_after_failed_sync()
            if self._queued is None:
                self._queued = self._thread.submit(self._flush)
            return self._queued

    async def synced(self) -> None:
        """Waits until everything appended so far is on the disk, and in the shared record if there is one.

        Raises:
            StoreError: The disk failed, or the shared record cannot be written.
            RunInUse: Another process took the shared run over.
        """
        committed = self._replica.committed(self._seq) if self._replica is not None else None
        # A caller that is cancelled must not cancel the sync of the others.
        await asyncio.shield(asyncio.wrap_future(self.sync()))
        if committed is not None:
            await asyncio.shield(asyncio.wrap_future(committed))

    def close(self) -> None:
        """Syncs and closes.

        Raises:
            StoreError: The disk failed, or the shared record cannot be written.
        """
        try:
            self.sync().result()
        finally:
            self._thread.shutdown()
            os.close(self._file)
            self._failure = self._failure or f"{self._path} is closed"
            if self._replica is not None:
                self._replica.close()

    def _flush(self) -> None:
        with self._lock:
            self._queued = None
        try:
            os.fdatasync(self._file)
        except OSError as error:
            # The kernel may have dropped the pages and report the error once: nothing later can be trusted.
            self._failure = f"{self._path} could not be synced to disk: {error.strerror}"
            raise StoreError(self._failure, remedy=_DISK) from error

    def _refuse_after_failed_sync(self) -> None:
        if self._failure:
            raise StoreError(self._failure, remedy=_DISK)

    def _refuse_after_failure(self, body: Mapping[str, Any]) -> None:
        self._refuse_after_failed_sync()
        if self._replica is None:
            return
        try:
            self._replica.refuse_after_failure()
        except RunInUse:
            raise
        except StoreError:
            # The file itself is sound: the outcome of a call in flight is kept, so that a resume does not pay again.
            if body["data"]["type"] != "call_finished":
                raise

    def _cut_torn_tail(self) -> None:
        torn = os.pread(self._file, os.fstat(self._file).st_size - self._size, self._size)
        write_whole(self._path.with_suffix(".torn"), torn)
        os.ftruncate(self._file, self._size)
        os.fsync(self._file)

    def _cut_back(self) -> None:
        try:
            os.ftruncate(self._file, self._size)
        except OSError as error:
            self._failure = f"{self._path} could not be cut back after a failed append: {error.strerror}"


def _not_written(what: str, error: OSError) -> StoreError:
    return StoreError(f"{what}: {error.strerror}", remedy=_DISK)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
