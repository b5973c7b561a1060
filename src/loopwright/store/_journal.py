"""The append-only file of a run: `events.jsonl`."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from pydantic_core import to_json as fast_json

from loopwright.errors import RunInUse, StoreError
from loopwright.files import open_descriptor, open_regular, write_whole
from loopwright.store._codec import BadLine, decode, encode, holds_halves, plain
from loopwright.store._events import SCHEMA_VERSION
from loopwright.store._migrate import migrate
from loopwright.store._replica import Replica
from loopwright.store._texts import Texts

_LINE_END = re.compile(rb',"crc":"[0-9a-f]{8}"}')
_START = b'"data":{"type":"episode_started"'
_TURNS = (_START, b'"data":{"type":"episode_finished"', b'"data":{"type":"run_')
LONGEST = 64 * 1024 * 1024
"""Bytes of a line that are read, at most: large results are artifacts."""
_DISK = "Free disk space or make the folder writable, then resume the run."


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the journal and where it lies."""

    offset: int
    length: int
    body: dict[str, Any]
    """In the present schema, without its version."""


def scan(path: Path, run: str, texts: Texts | None = None, *, offset: int = 0, first: int = 0) -> Iterator[Line | str]:
    """Yields the lines of a journal in order; last a sentence about a torn tail, where there is one.

    Args:
        path: The file.
        run: The id of its run.
        texts: Takes in what later lines may refer to; it knows the lines before the first one.
        offset: Where the first line lies that is read.
        first: The number of that line.

    Only the last line can be torn: a process or machine that dies leaves a prefix of what it wrote. Anything
    else that does not match its checksum was changed afterwards.

    Raises:
        StoreError: A line is damaged, missing, foreign or of a newer version; file and line are named.
    """
    texts = texts or Texts()
    with _open_for_reading(path) as file:
        file.seek(offset)
        for number, raw in enumerate(iter(lambda: file.readline(LONGEST + 1), b""), first):
            try:
                if len(raw) > LONGEST:
                    raise _damaged(path, number, f"it has more than {LONGEST} bytes")
                if not raw.endswith(b"\n"):
                    raise BadLine("it has no end")
                body = decode(raw[:-1], run)
            except BadLine as error:
                if file.read(1) or not _may_be_torn(raw, number, run):
                    raise _damaged(path, number, str(error)) from None
                yield f"{path.name} line {number + 1} was torn: {error}; its {len(raw)} bytes were set aside"
                return
            if body["v"] > SCHEMA_VERSION:
                raise StoreError(
                    f"{path} line {number + 1} has schema version {body['v']}; "
                    f"this loopwright knows versions up to {SCHEMA_VERSION}",
                    remedy="Use the loopwright that wrote the run, or a newer one.",
                )
            if body["seq"] != number:
                raise _damaged(path, number, f"it is event {body['seq']} where {number} belongs")
            texts.halves = texts.halves or holds_halves(raw)
            restored = _restored(body, texts, path, number)
            texts.grow(len(raw))
            yield Line(offset, len(raw), restored)
            offset += len(raw)


def starts(path: Path, run: str) -> tuple[dict[str, int], int]:
    """Episode to the number of the event that began it for the last time, and how many lines there are.

    Lines of other events are not looked at.

    Raises:
        StoreError: The file cannot be read.
    """
    found: dict[str, int] = {}
    number = -1
    with _open_for_reading(path) as file:
        for number, raw in enumerate(_lines(file)):
            if _START in raw:
                # A damaged line is told by whoever reads all of them.
                with contextlib.suppress(BadLine):
                    found[decode(raw[:-1], run).get("episode", "")] = number
    return found, number + 1


def lines_of(path: Path, run: str, episode: str) -> Iterator[Line]:
    """Yields the lines of one episode; those of others are not looked at.

    Raises:
        StoreError: The file cannot be read, or rests on texts that are not there.
    """
    named, texts, offset, grown = b'"episode":' + fast_json(episode), Texts(), 0, 0
    with _open_for_reading(path) as file:
        for number, raw in enumerate(_lines(file)):
            if named in raw:
                # A damaged line is told by whoever reads all of them.
                with contextlib.suppress(BadLine):
                    body = decode(raw[:-1], run)
                    if body.get("episode") == episode and body["v"] <= SCHEMA_VERSION:
                        texts.grow(offset - grown)
                        grown = offset
                        texts.halves = texts.halves or holds_halves(raw)
                        restored = _restored(body, texts, path, number)
                        yield Line(offset, len(raw), plain(restored) if texts.halves else restored)
            offset += len(raw)


class TurningPoints:
    """Reads the lines in which a run or an episode begins or ends, without their long texts, while the run goes on."""

    def __init__(self, path: Path, run: str) -> None:
        self._path, self._run, self._offset = path, run, 0

    def look(self) -> Iterator[dict[str, Any]]:
        """Yields those that came since the last look.

        Raises:
            StoreError: The file cannot be read.
        """
        with _open_for_reading(self._path) as file:
            file.seek(self._offset)
            for raw in iter(lambda: file.readline(LONGEST + 1), b""):
                if not raw.endswith(b"\n"):
                    return
                self._offset += len(raw)
                # In a text, quotation marks have a backslash before them.
                if any(turn in raw for turn in _TURNS):
                    # A damaged line is told by whoever reads all of them.
                    with contextlib.suppress(BadLine):
                        yield decode(raw[:-1], self._run)


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """The lines of a file up to one that is too long, that one included: a file with holes has terabytes of it."""
    while raw := file.readline(LONGEST + 1):
        yield raw
        if len(raw) > LONGEST:
            return


def _restored(body: dict[str, Any], texts: Texts, path: Path, number: int) -> dict[str, Any]:
    # Lines of version 1 hold every text in full.
    if body["v"] > 1:
        try:
            body = texts.restore(body)
        except BadLine as error:
            raise _damaged(path, number, str(error)) from None
        except (LookupError, TypeError, ValueError, AttributeError, RecursionError):
            # The checksum proves nothing of a line that somebody made up.
            raise _damaged(path, number, "it is not built as events are") from None
    return migrate(body)


def _open_for_reading(path: Path) -> BinaryIO:
    try:
        return open_regular(path, path.parent)
    except OSError as error:
        raise StoreError(
            f"cannot read {path}: {error.strerror}",
            remedy="Name the folder of a run, the one that holds run.json and events.jsonl.",
        ) from error


def _may_be_torn(raw: bytes, number: int, run: str) -> bool:
    """Whether the bytes can be the beginning of a line, or a line that reached the disk in part."""
    start = b'{"v":'
    if number == 0 and (raw.endswith(b"\n") or not (raw.startswith(start) or start.startswith(raw))):
        return False
    # A whole line with more behind it lost its newline after it was written.
    return not any(_is_line(raw[: end.end()], run) for end in _LINE_END.finditer(raw[:-1]))


def _is_line(raw: bytes, run: str) -> bool:
    try:
        decode(raw, run)
    except BadLine:
        return False
    return True


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
            RunInUse: Another process took the shared run over.
        """
        with self._lock:
            self._refuse_after_failure(body)
            self._refuse_lost_file()
            numbered = {"seq": self._seq, **body}
            written = self._texts.shorten(numbered)
            raw = encode({"v": SCHEMA_VERSION, **written}, self._run)
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
