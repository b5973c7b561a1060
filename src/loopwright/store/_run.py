"""A run folder, open for writing: its manifest, its journal, its artifacts and its checkpoints."""

from __future__ import annotations

import logging
import os
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager, nullcontext, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from loopwright.errors import FolderTaken, StoreError
from loopwright.files import TEMPORARY, open_descriptor, sync_folder, write_whole
from loopwright.store._artifacts import Artifacts
from loopwright.store._cache import ResponseCache
from loopwright.store._call_events import CallFinished, CallIntended, CallKind
from loopwright.store._calls import CallIndex, CallKey, Calls
from loopwright.store._codec import plain, to_json
from loopwright.store._events import (
    EpisodeFinished,
    Event,
    Payload,
    Proposed,
    RunFinished,
)
from loopwright.store._journal import Journal
from loopwright.store._lock import REFRESHING, lock, refreshing, unlock
from loopwright.store._mark import MARK, refuse_shared
from loopwright.store._origin import made_here
from loopwright.store._payload import check_numbers
from loopwright.store._put_back import sealed_candidate, with_secrets
from loopwright.store._read import ARTIFACTS, EVENTS, LOCK, MANIFEST, Manifest, RunRecord, read_manifest, to_event
from loopwright.store._scan import Line

if TYPE_CHECKING:
    from langgraph.checkpoint.base import BaseCheckpointSaver

    from loopwright.store._replica import Replica, Share


_log = logging.getLogger(__name__)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class RunStore:
    """The record of one run, open for writing. One store writes a run; many may read it (`read_run`)."""

    def __init__(
        self,
        record: RunRecord,
        held: int,
        *,
        replica: Replica | None = None,
        cache: ResponseCache | None = None,
        repeat_in_doubt: bool = False,
        clock: Callable[[], datetime] = _utc_now,
    ) -> None:
        """Use `create` or `open`."""
        self.folder = record.folder
        self.manifest = record.manifest
        self._record = record
        self._held: int | None = held
        self._clock = clock
        self._listeners: list[Callable[[Event], None]] = []
        self._artifacts = Artifacts(self.folder / ARTIFACTS, *([replica.keep] if replica else ()))
        self._index = CallIndex()
        self._journal = Journal(self.folder / EVENTS, self.manifest.id, self._index.note, replica)
        # A run that somebody sent back may name other servers: no secret is put back there.
        self._own = made_here(record.manifest)
        self._calls = Calls(
            self._index,
            self._journal,
            self._write_call,
            self._artifacts,
            cache=cache,
            repeat_in_doubt=repeat_in_doubt,
            own=self._own,
        )

    @classmethod
    def create(
        cls,
        folder: Path,
        manifest: Manifest,
        *,
        share: Share | None = None,
        cache: ResponseCache | None = None,
        clock: Callable[[], datetime] = _utc_now,
    ) -> Self:
        """Makes a run folder.

        Args:
            folder: A folder that is not there yet, or empty.
            manifest: Written to `run.json`.
            share: Where the run is shared; None for its folder alone.
            cache: Replies of earlier runs, used instead of calling a model; None for none.
            clock: The time of events.

        Raises:
            FolderTaken: The folder is not empty.
            StoreError: It cannot be written.
            RunInUse: Another process is creating it.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
            held = lock(folder / LOCK)
            try:
                _refuse_unless_empty(folder)
                os.close(open_descriptor(folder / EVENTS, os.O_WRONLY | os.O_CREAT, folder))
                written = to_json(plain(manifest)) + b"\n"
                with _taken((lambda: share.begin(folder, manifest.id, written)) if share else None) as replica:
                    # Last, since this file makes the folder a run.
                    write_whole(folder / MANIFEST, written)
                    sync_folder(folder.parent)
                    return cls(RunRecord(folder, manifest), held, replica=replica, cache=cache, clock=clock)
            except BaseException:
                unlock(held)
                raise
        except OSError as error:
            raise StoreError(
                f"cannot create the run folder {folder}: {error.strerror}",
                remedy="Free disk space, or name a folder that is writable.",
            ) from error

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        share: Share | None = None,
        cache: ResponseCache | None = None,
        repeat_in_doubt: bool = False,
        clock: Callable[[], datetime] = _utc_now,
    ) -> Self:
        """Opens a run to go on with it: checks every line, repairs a torn tail and says so in `repaired`.

        Args:
            folder: The run's folder.
            share: Where the run is shared: what others wrote there is brought into the folder first.
            cache: As in `create`.
            repeat_in_doubt: Repeat calls that were in flight at the crash even where that is not safe.
            clock: As in `create`.

        Raises:
            StoreError: There is no run, or its record is damaged or of a newer version, or it is shared and `share` is
                not given.
            RunInUse: Another process is writing it.
        """
        record = RunRecord(folder, read_manifest(folder))
        if share is None:
            refuse_shared(folder, record.manifest.id)
        with refreshing(folder) if share else nullcontext():
            held = lock(folder / LOCK)
            try:
                with _taken((lambda: share.join(folder, record.manifest.id)) if share else None) as replica:
                    return cls(record, held, replica=replica, cache=cache, repeat_in_doubt=repeat_in_doubt, clock=clock)
            except BaseException:
                unlock(held)
                raise

    @property
    def repaired(self) -> str | None:
        """What was repaired when the run was opened; None if nothing was."""
        return self._journal.repaired

    def append(
        self,
        data: Payload,
        *,
        episode: str | None = None,
        iteration: int | None = None,
        node: str | None = None,
    ) -> Event:
        """Records an event, which survives `kill -9` when this returns.

        Returns:
            The event, with a candidate as the model wrote it; the record has `***` in the place of secrets.

        Raises:
            StoreError: The disk is full or fails; the record is sound and ends with the event before.
        """
        if self._own and isinstance(data, Proposed):
            data = sealed_candidate(data, episode, iteration)
        event = to_event(self._write(data, episode, iteration, node).body)
        if isinstance(data, EpisodeFinished | RunFinished):
            self._journal.sync()
        self._announce(event)
        return self.with_secrets(event)

    def with_secrets(self, event: Event) -> Event:
        """An event with its candidate as the model wrote it, for those who execute it; as it is in a run of others."""
        return with_secrets(event) if self._own else event

    async def once(
        self,
        key: CallKey,
        call: Callable[[], Awaitable[Mapping[str, Any]]],
        *,
        kind: CallKind,
        repeatable: bool,
        request: Mapping[str, Any] | None = None,
        served_by: str = "",
        reuse: Callable[[Mapping[str, Any]], Mapping[str, Any]] = lambda result: result,
    ) -> Mapping[str, Any]:
        """Makes a call unless its result is recorded; the result is recorded before it is returned.

        Args:
            key: Identifies the call across crashes.
            call: Makes the call. Its result comes back as JSON types, the same now as after a resume: secrets are
                scrubbed, but for a password that the model wrote and that a seal puts back.
            kind: What is called.
            repeatable: Whether the call may be made again if a crash hid its result.
            request: What is asked, for the reader of the record.
            served_by: What decides the result beside the key; the response cache holds one result for each.
            reuse: Makes of a result of the response cache what is recorded in the call's place; may refuse by raising.

        Raises:
            CallInDoubt: The call was begun, its outcome was never recorded, and it is not repeatable.
            StoreError: The record cannot be written; a result that was there is lost with it, unless the folder took it
                and the shared record alone failed.
            Exception: Whatever `call` or `reuse` raises, after that was recorded. The same key may be called again.
        """
        intent = CallIntended(
            key=str(key), kind=kind, repeatable=repeatable, attempt=key.attempt, request=request or {}
        )
        return await self._calls.once(key, intent, call, served_by=served_by, reuse=reuse)

    def knows(self, key: CallKey) -> bool:
        """Whether the record answers a call, or holds it in doubt, so that it is not made."""
        return self._calls.knows(key)

    def adopt(self, source: RunRecord, keep: Callable[[Event], bool]) -> int:
        """Takes events of another run into this one, to go on from them under a changed configuration.

        Events keep their times and get new numbers; results of kept calls are not paid for again.

        Args:
            source: The run to take from; it stays as it is.
            keep: Which events to take.

        Returns:
            How many were taken.

        Raises:
            StoreError: The other run is damaged, or the disk is full.
        """
        self._artifacts.adopt(Artifacts(source.folder / ARTIFACTS))
        taken = 0
        for event in source.events:
            if keep(event):
                body = event.model_dump(mode="json", exclude_none=True, exclude={"seq", "data"})
                self._index.note(self._journal.append({**body, "data": plain(event.data)}))
                taken += 1
        return taken

    def put(self, data: bytes) -> str:
        """Stores bytes durably and returns their reference (sha256); waits for the disk.

        Secrets are scrubbed from bytes that are UTF-8 text.

        Raises:
            StoreError: The disk is full or read-only.
        """
        return self._artifacts.put(data)

    def get(self, ref: str) -> bytes:
        """Returns the bytes of a reference.

        Raises:
            StoreError: There is no such artifact, or its bytes are not those that were stored.
        """
        return self._artifacts.get(ref)

    def subscribe(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        """Calls `listener` with every event from now on, after it was recorded; returns how to stop that.

        A listener that raises is logged and gets no more events: watching a run cannot end it.
        """
        self._listeners.append(listener)

        def stop() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return stop

    def checkpointer(self, url: str | None = None) -> AbstractAsyncContextManager[BaseCheckpointSaver[Any]]:
        """Opens the run's LangGraph checkpoints, which hold the loop's small state.

        Args:
            url: `postgresql://...` of a server, where the run gets a schema of its own; None for
                `checkpoints.sqlite` in the run folder.

        Raises:
            MissingExtra: The `postgres` extra is not installed.
            StoreError: The server cannot be reached, or the URL is not that of one.
        """
        from loopwright.store._checkpoints import postgres_saver, sqlite_saver

        if url and not url.startswith(("postgresql://", "postgres://")):
            raise StoreError(
                "checkpoints go to SQLite or Postgres; the URL is of neither",
                remedy="Write postgresql://USER:PASSWORD@HOST/DATABASE.",
            )
        return postgres_saver(url, self.manifest.id) if url else sqlite_saver(self.folder / "checkpoints.sqlite")

    def events(self) -> Iterator[Event]:
        """Yields every event recorded so far."""
        return self._record.events

    def result(self, call: CallFinished) -> dict[str, Any] | None:
        """Returns the result of a recorded call, wherever it is stored; None for a failed one."""
        return self._record.result(call)

    async def sync(self) -> None:
        """Waits until everything recorded so far would survive a power failure.

        Raises:
            StoreError: The disk failed.
        """
        await self._journal.synced()

    def close(self) -> None:
        """Brings everything onto the disk and lets others write the run; harmless when called twice."""
        if self._held is None:
            return
        held, self._held = self._held, None
        try:
            self._journal.close()
        finally:
            unlock(held)

    def _write(
        self, data: Payload, episode: str | None, iteration: int | None, node: str | None, **made_plain: Any
    ) -> Line:
        check_numbers(data)
        body = {
            "time": self._clock().isoformat(timespec="microseconds"),
            "episode": episode,
            "iteration": iteration,
            "node": node,
            "data": {**plain(data), **made_plain},
        }
        line = self._journal.append({name: value for name, value in body.items() if value is not None})
        self._index.note(line)
        return line

    def _write_call(
        self, data: CallIntended | CallFinished, key: CallKey, result: Mapping[str, Any] | None = None, /
    ) -> None:
        # Results are long, and plain already: they are not looked through once more.
        made = {} if result is None else {"result": result}
        line = self._write(data, key.episode, key.iteration, key.node, **made)
        if self._listeners:
            self._announce(to_event(line.body))

    def _announce(self, event: Event) -> None:
        for listener in tuple(self._listeners):
            try:
                listener(event)
            except Exception:
                _log.exception("a listener of run %s failed at event %d", self.manifest.id, event.seq)
                self._listeners.remove(listener)


@contextmanager
def _taken(take: Callable[[], Replica] | None) -> Iterator[Replica | None]:
    """A run in a shared record; it is let go if what follows fails."""
    replica = take() if take else None
    try:
        yield replica
    except BaseException:
        if replica:
            with suppress(StoreError):
                replica.close()
        raise


def _refuse_unless_empty(folder: Path) -> None:
    # A crash while a folder was being made leaves these; without a manifest they are no run.
    remains = {LOCK, EVENTS, MARK, REFRESHING}
    for path in folder.iterdir():
        harmless = path.name.startswith(TEMPORARY) or (path.name in remains and not _holds_events(path))
        if not harmless:
            is_run = (folder / MANIFEST).exists()
            what = "holds a run already" if is_run else f"is not empty: it holds {path.name}"
            go_on = f", or go on with that run: loopwright resume {folder}" if is_run else ""
            raise FolderTaken(f"{folder} {what}", remedy=f"Name another folder{go_on}.")


def _holds_events(path: Path) -> bool:
    return path.name == EVENTS and path.stat().st_size > 0
