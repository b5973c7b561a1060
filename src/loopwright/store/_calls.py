"""Calls that are made once: intent before, result before use."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from loopwright.errors import AgentError, CallInDoubt, LoopwrightError, ModelError, StoreError, ToolServerFailed
from loopwright.files import LARGEST, MOST_CONTAINERS, MOST_VALUES, refuse_many_values
from loopwright.secrets import secrets_in
from loopwright.store._artifacts import Artifacts
from loopwright.store._cache import ResponseCache
from loopwright.store._call_events import CallFinished, CallIntended, CallKind
from loopwright.store._codec import plain, to_json, unmasked
from loopwright.store._journal import Journal
from loopwright.store._put_back import put_back, seal
from loopwright.store._read import load
from loopwright.store._scan import Line
from loopwright.types import Failure

Call = Callable[[], Awaitable[Mapping[str, Any]]]
Reuse = Callable[[Mapping[str, Any]], Mapping[str, Any]]


class WriteCall(Protocol):
    """Writes an event of a call."""

    def __call__(
        self, data: CallIntended | CallFinished, key: CallKey, result: Mapping[str, Any] | None = None, /
    ) -> None:
        """Writes it, with the call's result as JSON types where that stands in the line."""
        ...


_log = logging.getLogger(__name__)

_PAID: frozenset[CallKind] = frozenset({"model", "image"})
"""Calls that cost something: the response cache keeps them, and nobody else makes them if the run is shared."""
_REPLIES: frozenset[CallKind] = frozenset({"model", "sandbox"})
"""Calls whose results hold what a model wrote, so that it is executed as it was written."""
LARGE = 64 * 1024
"""Results whose JSON is longer than this many bytes become artifacts."""


@dataclass(frozen=True, slots=True)
class CallKey:
    """Identifies a call, so that it is recognised after a crash."""

    episode: str
    iteration: int
    node: str
    attempt: int
    """From 0; counts the calls of a node in an iteration that could otherwise be equal."""
    request: str
    """sha256 of the full request: whatever decides the answer."""

    def __post_init__(self) -> None:
        if "/" in self.node:
            raise ValueError(f"node {self.node!r} holds a slash, which would make keys ambiguous")

    def __str__(self) -> str:
        return f"{self.episode}/{self.iteration}/{self.node}/{self.attempt}/{self.request}"


def _pictures(result: Mapping[str, Any]) -> Sequence[str]:
    """Artifact references of the pictures that a call made."""
    refs = result.get("images", ())
    return refs if isinstance(refs, list) else ()


class CallIndex:
    """What the journal knows of every call. Results stay there: only where they lie is kept."""

    def __init__(self) -> None:
        self.finished: dict[str, Line] = {}
        self.begun: dict[str, bool] = {}
        """Calls without an outcome, and whether each is safe to repeat."""

    def note(self, line: Line) -> None:
        """Takes notice of a line that is in the journal.

        Raises:
            StoreError: It is a call's, and names none.
        """
        data = line.body["data"]
        if data["type"] not in ("call_intended", "call_finished"):
            return
        key = data.get("key")
        if not isinstance(key, str):
            raise StoreError(
                f"event {line.body['seq']} does not fit the schema: a call has no key",
                remedy="Restore the file from a backup.",
            )
        if data["type"] == "call_intended":
            self.begun[key] = data.get("repeatable", False)
            return
        self.begun.pop(key, None)
        if data.get("failure") is None:
            self.finished[key] = Line(line.offset, line.length, {})


class Calls:
    """Makes the calls that the journal does not know."""

    def __init__(
        self,
        index: CallIndex,
        journal: Journal,
        write: WriteCall,
        artifacts: Artifacts,
        *,
        cache: ResponseCache | None,
        repeat_in_doubt: bool,
        own: bool,
    ) -> None:
        self._index = index
        self._own = own
        self._journal = journal
        self._write = write
        self._artifacts = artifacts
        self._cache = cache
        self._repeat_in_doubt = repeat_in_doubt
        self._running: dict[str, asyncio.Event] = {}

    def knows(self, key: CallKey) -> bool:
        """See `RunStore.knows`."""
        begun_and_not_safe = self._index.begun.get(str(key)) is False and not self._repeat_in_doubt
        return str(key) in self._index.finished or begun_and_not_safe

    async def once(
        self,
        key: CallKey,
        intent: CallIntended,
        call: Call,
        *,
        served_by: str,
        reuse: Reuse,
    ) -> dict[str, Any]:
        """See `RunStore.once`."""
        name = intent.key
        while running := self._running.get(name):
            await running.wait()
        if line := self._index.finished.get(name):
            return self._recorded(name, line)
        self._refuse_doubtful(key, intent.kind, intent.repeatable)
        self._running[name] = ended = asyncio.Event()
        try:
            return await self._make(key, intent, call, f"{name}/{served_by}" if served_by else name, reuse)
        finally:
            del self._running[name]
            ended.set()

    def _recorded(self, name: str, line: Line) -> dict[str, Any]:
        data = self._journal.read(line)["data"]
        result = load(data, self._artifacts)
        names = data.get("masked")
        if not self._own or not isinstance(names, list):
            return result
        return dict(put_back(name, result, [str(one) for one in names], str(data.get("seal", ""))))

    def _refuse_doubtful(self, key: CallKey, kind: CallKind, repeatable: bool) -> None:
        begun = self._index.begun.get(str(key))
        if begun is None or self._repeat_in_doubt or (repeatable and begun):
            return
        raise CallInDoubt(
            f"a {kind} call of {key.node} in iteration {key.iteration} of {key.episode} was begun and its outcome was "
            "never recorded; whether it was carried out is not known, and repeating it is not safe",
            remedy="Ask the provider what became of it, then go on with `loopwright resume RUN --repeat-in-doubt`.",
        )

    async def _make(
        self, key: CallKey, intent: CallIntended, call: Call, cache_key: str, reuse: Reuse
    ) -> dict[str, Any]:
        name, kind, repeatable = intent.key, intent.kind, intent.repeatable
        self._write(intent, key)
        # Requests that differ in a secret alone have one key.
        cache = self._cache if kind in _PAID and not secrets_in(intent.request) else None
        cached = await asyncio.to_thread(self._cached, cache, cache_key) if cache else None
        started = time.monotonic()
        try:
            made = None if cached is None else _reused(reuse, cached, cache_key)
            reused = made is not None
            # A call whose intent cannot be recorded is never begun, and the record says so where it can.
            if made is None and self._waits(kind, repeatable):
                await self._journal.synced()
            made = await call() if made is None else made
            encoded = to_json(plain(made))
            _refuse_large(kind, encoded)
        except Exception as error:
            seconds = round(time.monotonic() - started, 6)
            self._write(CallFinished(key=name, kind=kind, failure=_describe(error), seconds=seconds), key)
            raise
        seconds = round(time.monotonic() - started, 6)
        masked = tuple(sorted(secrets_in(made))) if kind in _REPLIES else ()
        finished = CallFinished(key=name, kind=kind, cached=reused, seconds=seconds, masked=masked)
        # The caller gets exactly what a resume would read. Nothing is awaited between result and record, so that a
        # cancelled caller loses no result either; a large one blocks the event loop while it is stored.
        result: dict[str, Any] = json.loads(encoded)
        given = result
        if masked and self._own:
            whole = json.loads(to_json(unmasked(made)))
            finished = finished.model_copy(update={"seal": seal(name, result, whole, masked)})
            given = whole if finished.seal else result
        if len(encoded) > LARGE:
            self._write(finished.model_copy(update={"artifact": self._artifacts.put(encoded)}), key)
        else:
            self._write(finished, key, result)
        await self._secure(kind, repeatable)
        if cache and not reused and not masked:  # other runs do not have the secret
            await asyncio.to_thread(self._keep, cache, cache_key, result)
        return given

    def _cached(self, cache: ResponseCache, key: str) -> dict[str, Any] | None:
        """A result of the cache, with its pictures in the run; None where one of them is missing."""
        result = cache.get(key)
        for ref in _pictures(result or {}):
            data = cache.picture(ref) if isinstance(ref, str) else None
            if data is None:
                return None
            self._artifacts.put(data)
        return result

    def _keep(self, cache: ResponseCache, key: str, result: Mapping[str, Any]) -> None:
        try:
            for ref in _pictures(result):
                cache.keep_picture(ref, self._artifacts.get(ref))
        except StoreError as error:
            _log.warning("the response of %s was not cached: %s", key, error)
            return
        cache.put(key, result)

    def _waits(self, kind: CallKind, repeatable: bool) -> bool:
        """Whether a call waits for the record of its intent, and its caller for that of its result.

        What cannot be repeated does. In a shared run what is paid for does too: another machine may take the run over.
        """
        return not repeatable or (self._journal.shared and kind in _PAID)

    async def _secure(self, kind: CallKind, repeatable: bool) -> None:
        """Brings a result onto the disk, as urgently as its loss in a power failure would hurt.

        What was paid for is on its way at once, if nobody waits for it. The rest goes with the next of those, as it
        lies before them in the same file.
        """
        if self._waits(kind, repeatable):
            await self._journal.synced()
        elif kind != "sandbox":
            self._journal.sync()


def _reused(reuse: Reuse, cached: Mapping[str, Any], key: str) -> Mapping[str, Any] | None:
    """What is recorded in place of a call; None where an entry of the cache, which may be anybody's, is no result."""
    try:
        return reuse(cached)
    except StoreError as error:
        _log.warning("the cached response of %s cannot be used: %s", key, error.args[0])
        return None


def _refuse_large(kind: CallKind, encoded: bytes) -> None:
    """Refuses a result of which more would be recorded than is read; a half, as what is made of it is recorded, too.

    Raises:
        LoopwrightError: Of whoever gave it: the server, or the agent whose program did.
    """
    try:
        if len(encoded) > LARGEST:
            raise ValueError(f"it has more than {LARGEST} bytes")
        refuse_many_values(encoded, MOST_CONTAINERS // 2, MOST_VALUES // 2)
    except ValueError as error:
        failure = ModelError if kind in _PAID else AgentError if kind == "sandbox" else ToolServerFailed
        raise failure(f"the result of a {kind} call is too large to be recorded: {error}") from None


def _describe(error: Exception) -> Failure:
    cause = error.cause.value if isinstance(error, LoopwrightError) else "harness"
    return Failure(cause=cause, error=type(error).__name__, message=str(error))
