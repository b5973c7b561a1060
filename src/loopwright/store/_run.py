"""A run folder: its manifest, its journal, its artifacts and its checkpoints."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from loopwright.errors import CallInDoubt, LoopwrightError, StoreError
from loopwright.store._artifacts import Artifacts
from loopwright.store._calls import CallKey, Calls
from loopwright.store._codec import plain, to_json
from loopwright.store._events import CallFinished, CallIntended, EpisodeFinished, Event, Payload, RunFinished
from loopwright.store._files import sync_folder, write_whole
from loopwright.store._journal import Journal, Line, scan
from loopwright.store._lock import lock
from loopwright.store._read import EVENTS, MANIFEST, Manifest, load, read_manifest, to_event

if TYPE_CHECKING:
    from langgraph.checkpoint.base import BaseCheckpointSaver

LARGE = 64 * 1024
"""Results whose JSON is longer than this many bytes become artifacts."""

_log = logging.getLogger(__name__)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class RunStore:
    """The record of one run, open for writing. One store writes a run; many may read it (`read_run`)."""

    def __init__(
        self,
        folder: Path,
        manifest: Manifest,
        *,
        lock: int,
        repeat_all: bool = False,
        clock: Callable[[], datetime] = _utc_now,
    ) -> None:
        """Use `create` or `open`."""
        self.folder = folder
        self.manifest = manifest
        self.repaired: str | None = None
        """What was repaired when the run was opened; None if nothing was."""
        self._lock = lock
        self._repeat_all = repeat_all
        self._clock = clock
        self._listeners: list[Callable[[Event], None]] = []
        self._calls = Calls()
        self._artifacts = Artifacts(folder / "artifacts")
        self._journal = self._recover()

    @classmethod
    def create(
        cls,
        folder: Path,
        manifest: Manifest,
        *,
        clock: Callable[[], datetime] = _utc_now,
    ) -> Self:
        """Makes a run folder.

        Args:
            folder: A folder that is not there yet, or empty.
            manifest: Written to `run.json`.
            clock: The time of events.

        Raises:
            StoreError: The folder is not empty or cannot be written.
            RunInUse: Another process is creating it.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
            taken = lock(folder / "lock")
            try:
                if any(path.name not in {"lock"} for path in folder.iterdir()):
                    raise StoreError(
                        f"{folder} is not empty",
                        remedy="Name another folder, or go on with the run in it by `loopwright resume`.",
                    )
                text = to_json(plain(manifest))
                write_whole(folder / MANIFEST, text + b"\n")
                store = cls(folder, manifest, lock=taken, clock=clock)
                sync_folder(folder)
            except BaseException:
                os.close(taken)
                raise
        except OSError as error:
            raise StoreError(
                f"cannot create the run folder {folder}: {error.strerror}",
                remedy="Free disk space, or name a folder that is writable.",
            ) from error
        return store

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        repeat_all: bool = False,
        clock: Callable[[], datetime] = _utc_now,
    ) -> Self:
        """Opens a run to go on with it: checks every line, repairs a torn tail and says so in `repaired`.

        Args:
            folder: The run's folder.
            repeat_all: Repeat calls that were in flight at the crash even where that is not safe.
            clock: As in `create`.

        Raises:
            StoreError: There is no run, or its record is damaged or of a newer version.
            RunInUse: Another process is writing it.
        """
        manifest = read_manifest(folder)
        taken = lock(folder / "lock")
        try:
            return cls(folder, manifest, lock=taken, repeat_all=repeat_all, clock=clock)
        except BaseException:
            os.close(taken)
            raise

    def append(
        self,
        data: Payload,
        *,
        episode: str | None = None,
        iteration: int | None = None,
        node: str | None = None,
    ) -> Event:
        """Records an event. It survives `kill -9` when this returns, and a power failure soon after.

        Raises:
            StoreError: The disk is full or fails; the record is sound and ends with the event before.
        """
        line = self._write(data, episode, iteration, node)
        if isinstance(data, EpisodeFinished | RunFinished):
            self._journal.sync()
        return to_event(line.body)

    async def once(
        self,
        key: CallKey,
        call: Callable[[], Awaitable[Mapping[str, Any]]],
        *,
        kind: Literal["model", "sandbox", "other"],
        repeatable: bool,
        request: Mapping[str, Any] | None = None,
    ) -> Mapping[str, Any]:
        """Makes a call unless its result is recorded; its result is recorded before it is returned.

        Args:
            key: Identifies the call across crashes.
            call: Makes the call; its result is JSON-like, and comes back as JSON types.
            kind: What is called.
            repeatable: Whether the call may be made again if a crash hid its result.
            request: What is asked, for the reader of the record.

        Raises:
            CallInDoubt: The call was in flight at a crash and is not repeatable.
            StoreError: The record cannot be written; the result, if there was one, is lost.
            Exception: Whatever `call` raises, after it was recorded.
        """
        name = str(key)
        while (running := self._calls.running.get(name)) is not None:
            await running.wait()
        if name in self._calls.finished:
            return self._result(*self._calls.finished[name])
        if not (self._repeat_all or (repeatable and self._calls.begun.get(name, True))) and name in self._calls.begun:
            raise CallInDoubt(
                f"a {kind} call of {key.node} in iteration {key.iteration} of {key.episode} was in flight when the run "
                "was interrupted; whether it was carried out is not known, and repeating it is not safe",
                remedy="Find out from the provider, then resume with leave to repeat such calls, or start a new run.",
            )
        self._calls.running[name] = done = asyncio.Event()
        try:
            return await self._make(key, call, kind, repeatable, request or {})
        finally:
            del self._calls.running[name]
            done.set()

    def put(self, data: bytes) -> str:
        """Stores bytes durably and returns their reference (sha256).

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

    def checkpointer(self) -> AbstractAsyncContextManager[BaseCheckpointSaver[str]]:
        """Opens the run's LangGraph checkpoints, `checkpoints.sqlite`, which hold the loop's small state."""
        from loopwright.store._checkpoints import sqlite_saver

        return sqlite_saver(self.folder / "checkpoints.sqlite")

    def events(self) -> Iterator[Event]:
        """Yields every event recorded so far."""
        for line in scan(self.folder / EVENTS, self.manifest.id):
            if isinstance(line, Line):
                yield to_event(line.body)

    async def sync(self) -> None:
        """Waits until everything recorded so far would survive a power failure.

        Raises:
            StoreError: The disk failed.
        """
        await asyncio.shield(asyncio.wrap_future(self._journal.sync()))

    def close(self) -> None:
        """Brings everything onto the disk and lets others write the run; harmless when called twice."""
        if self._lock < 0:
            return
        try:
            self._journal.close()
        finally:
            os.close(self._lock)
            self._lock = -1

    def _recover(self) -> Journal:
        path = self.folder / EVENTS
        if not path.exists():
            return Journal(path, self.manifest.id, seq=0, size=0)
        seq = size = 0
        for line in scan(path, self.manifest.id):
            if isinstance(line, Line):
                self._calls.note(line.body["data"], line.offset, line.length)
                seq, size = seq + 1, line.offset + line.length
            else:
                self.repaired = line
        if self.repaired:
            os.truncate(path, size)
        return Journal(path, self.manifest.id, seq=seq, size=size)

    def _write(self, data: Payload, episode: str | None, iteration: int | None, node: str | None) -> Line:
        body = {
            "time": self._clock().isoformat(timespec="microseconds"),
            "episode": episode,
            "iteration": iteration,
            "node": node,
            "data": plain(data),
        }
        line = self._journal.append({name: value for name, value in body.items() if value is not None})
        self._calls.note(line.body["data"], line.offset, line.length)
        if self._listeners:
            event = to_event(line.body)
            for listener in tuple(self._listeners):
                try:
                    listener(event)
                except Exception:
                    _log.exception("a listener of run %s failed at event %d", self.manifest.id, event.seq)
                    self._listeners.remove(listener)
        return line

    async def _make(
        self,
        key: CallKey,
        call: Callable[[], Awaitable[Mapping[str, Any]]],
        kind: Literal["model", "sandbox", "other"],
        repeatable: bool,
        request: Mapping[str, Any],
    ) -> Mapping[str, Any]:
        name, place = str(key), (key.episode, key.iteration, key.node)
        self._write(
            CallIntended(key=name, kind=kind, repeatable=repeatable, attempt=key.attempt, request=request), *place
        )
        if not repeatable:
            await self.sync()
        started = time.monotonic()
        try:
            result = plain(await call())
        except Exception as error:
            failure = _describe(error)
            seconds = time.monotonic() - started
            self._write(CallFinished(key=name, kind=kind, failure=failure, seconds=seconds), *place)
            raise
        seconds = time.monotonic() - started
        encoded = to_json(result)
        if len(encoded) > LARGE:
            ref = await asyncio.to_thread(self.put, encoded)
            self._write(CallFinished(key=name, kind=kind, artifact=ref, seconds=seconds), *place)
        else:
            self._write(CallFinished(key=name, kind=kind, result=result, seconds=seconds), *place)
        if kind != "sandbox" or not repeatable:
            await self.sync()
        return dict(result)

    def _result(self, offset: int, length: int) -> Mapping[str, Any]:
        return load(self._journal.read(offset, length)["data"], self._artifacts)


def _describe(error: Exception) -> dict[str, Any]:
    cause = error.cause.value if isinstance(error, LoopwrightError) else "harness"
    return {"error": type(error).__name__, "cause": cause, "message": str(error)}
