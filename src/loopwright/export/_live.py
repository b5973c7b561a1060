"""Spans of a run while it works, sent to a collector by OTLP/HTTP in JSON; what goes wrong stays away from the run."""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from loopwright._addresses import http_host
from loopwright.errors import UserError
from loopwright.export.formats._otel import EpisodeTrace, trace_request
from loopwright.record import EpisodeRecord, RunReader
from loopwright.secrets import is_secret, register, register_url, scrub
from loopwright.store import CallFinished, CallIntended, EpisodeFinished, EpisodeStarted, Event, Observed, RunStore

_PATIENCE = 5.0
"""Seconds that a collector has for one request."""
_AT_THE_END = 5.0
"""Seconds that the end of a run waits for what was not sent yet, at most."""
_WAITING = 10_000
"""Events that wait to be sent, at most; later ones are lost, and their spans with them."""
_LOCAL = "http://localhost:4318"
_PATH = "/v1/traces"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Collector:
    """Where spans go."""

    url: str
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """They often hold a key."""

    @classmethod
    def named(cls, endpoint: str) -> Collector:
        """A collector by its address, with headers of `OTEL_EXPORTER_OTLP_HEADERS`.

        Args:
            endpoint: Its address, to which `/v1/traces` is added; empty for that of `OTEL_EXPORTER_OTLP_ENDPOINT`, or
                of this machine.

        Raises:
            UserError: The address or the headers cannot be used.
        """
        base = (endpoint or os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "") or _LOCAL).rstrip("/")
        if http_host(base) is None:
            raise UserError(
                "--otel: the endpoint is no address",
                remedy="Write --otel=http://HOST:4318, or --otel alone as the last argument.",
            )
        register_url(base)
        return cls(base if base.endswith(_PATH) else base + _PATH, _headers())

    def send(self, body: bytes) -> str:
        """Posts a request; says what went wrong, without an address or a header, or nothing."""
        import httpx2

        headers = dict([*self.headers, ("content-type", "application/json")])
        try:
            with (
                httpx2.Client(timeout=_PATIENCE, follow_redirects=False) as client,
                client.stream("POST", self.url, content=body, headers=headers) as response,
            ):
                status = response.status_code
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
            return f"it cannot be reached ({type(error).__name__})"
        return "" if 200 <= status < 300 else f"it answered {status}"


def _headers() -> tuple[tuple[str, str], ...]:
    """Pairs `name=value` with commas between them; values are encoded as in URLs."""
    found = []
    for pair in filter(None, map(str.strip, os.environ.get("OTEL_EXPORTER_OTLP_HEADERS", "").split(","))):
        name, equals, value = (unquote(part.strip()) for part in pair.partition("="))
        if not equals or not name or not (name + value).isascii() or not (name + value).isprintable():
            raise UserError(
                "OTEL_EXPORTER_OTLP_HEADERS holds what is no header",
                remedy="Write NAME=VALUE,NAME=VALUE with values that are encoded as in URLs.",
            )
        # `Bearer KEY` is a secret, and so is the key alone.
        for secret in filter(is_secret, (value, value.rpartition(" ")[2])):
            register(secret, "OTEL_EXPORTER_OTLP_HEADERS")
        found.append((name, value))
    return tuple(found)


@contextmanager
def sent_live(
    store: RunStore, collector: Collector, tell: Callable[[str], None], *, content: bool = False
) -> Iterator[None]:
    """Sends each span of a run when it ends, from a thread of its own.

    Args:
        store: The run's record, before its first episode.
        collector: Where the spans go.
        tell: Called once with what went wrong.
        content: Whether spans hold prompts, replies and actions.
    """
    sender = _Sender(store, collector, tell, content)
    stop = store.subscribe(sender.take)
    thread = threading.Thread(target=sender.work, name="spans", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop()
        sender.deadline = time.monotonic() + _AT_THE_END
        sender.ended.set()
        thread.join(_AT_THE_END)
        if thread.is_alive():
            sender.lost("it is too slow")


@dataclass(slots=True)
class _Sender:
    store: RunStore
    collector: Collector
    tell: Callable[[str], None]
    content: bool
    ended: threading.Event = field(default_factory=threading.Event)
    deadline: float = float("inf")
    _events: queue.Queue[Event] = field(default_factory=lambda: queue.Queue(_WAITING))
    _reader: RunReader = field(init=False)
    _numbers: dict[str, dict[str, int]] = field(default_factory=dict)
    """Of each episode under way: the keys of its model calls to their places."""
    _sent: dict[str, set[str]] = field(default_factory=dict)
    """Likewise, the spans that were sent."""
    _told: bool = False

    def __post_init__(self) -> None:
        self._reader = RunReader(self.store.result, with_calls=True)

    def take(self, event: Event) -> None:
        """Keeps an event for the thread; never waits."""
        try:
            self._events.put_nowait(event)
        except queue.Full:
            self.lost("it is too slow")

    def lost(self, why: str) -> None:
        """Tells once that spans did not arrive."""
        if not self._told:
            self._told = True
            self.tell(f"spans did not reach the collector: {why}; the run goes on, and this is told once")

    def work(self) -> None:
        """Sends spans until the run ended and nothing is left."""
        while time.monotonic() < self.deadline:
            try:
                event = self._events.get(timeout=0.1)
            except queue.Empty:
                if self.ended.is_set():
                    return
                continue
            try:
                if spans := self._ended(event):
                    body = scrub(trace_request(spans).decode()).encode()
                    if why := self.collector.send(body):
                        self.lost(why)
            except Exception as error:
                _log.exception("a span could not be sent")
                self.lost(type(error).__name__)

    def _ended(self, event: Event) -> Sequence[dict[str, Any]]:
        """The spans that an event ends."""
        name = event.episode or ""
        if isinstance(event.data, EpisodeStarted):
            self._numbers[name], self._sent[name] = {}, set()
        episode = self._reader.apply(event) or self._reader.unfinished.get(name)
        if episode is None or episode.started is None or name not in self._sent:
            return ()
        found = list(self._spans(episode, event))
        new = [span for span in found if span["spanId"] not in self._sent[name]]
        self._sent[name] |= {span["spanId"] for span in new}
        if isinstance(event.data, EpisodeFinished):
            del self._sent[name], self._numbers[name]
            self._reader.unfinished.pop(name, None)
        return new

    def _spans(self, episode: EpisodeRecord, event: Event) -> Iterator[dict[str, Any]]:
        trace, numbers = EpisodeTrace(self.store.manifest.id, episode, self.content), self._numbers[episode.id]
        match event.data:
            case CallIntended(kind="model", key=key):
                numbers.setdefault(key, len(numbers))
            case CallFinished(kind="model", key=key) as data if episode.calls is not None and key in numbers:
                ended = (call for call in episode.calls if call.finished is data)
                yield from (trace.chat(call, numbers[key]) for call in ended)
            case Observed() if event.iteration is not None:
                yield from trace.tools([episode.iterations[event.iteration]])
            case EpisodeFinished():
                yield from trace.spans()
