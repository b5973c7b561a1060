"""A run that goes on, as its page shows it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from secrets import token_hex
from typing import Any

from loopwright.record import is_session
from loopwright.report import RunPage, lone_episode, steered_line
from loopwright.store import (
    CallIntended,
    Critiqued,
    Decided,
    DriftAlarm,
    EpisodeFinished,
    Event,
    Failed,
    Graded,
    Judged,
    Observed,
    PersonAnswered,
    PersonAsked,
    Proposed,
    RunFinished,
    RunResumed,
    RunSteered,
    SandboxOpened,
    read_run,
)
from loopwright.text import cut_middle, encodable, printable_line
from loopwright.view._outline import Outline
from loopwright.view._totals import Totals

_CALLS = {
    "model": "waits for a model",
    "image": "waits for an image model",
    "sandbox": "works in a sandbox",
    "other": "waits for a call",
}
_NEWS = 12
"""Lines of news that a page shows."""
_UNDERWAY = 12
"""Episodes under way that a page names."""
_LONGEST = 300
"""Characters of a line of news."""
_LOOK = 0.1
"""Seconds in which events are taken in before others have their turn."""
_PAUSE = 10.0
"""Times as long as the last drawing took, before it is done anew."""
_ROOM = 512 * 1024 * 1024
"""Characters of episodes that are kept, compressed; of those beyond, model calls are left out."""


class FollowedRun:
    """Reads the record of a run while it grows. Threads may share it."""

    def __init__(self, folder: Path) -> None:
        """Begins without an event.

        Raises:
            StoreError: There is no run in the folder.
        """
        # The manifest is written once.
        self._made = _made(folder)
        record = read_run(folder)
        self.folder, self.run, self._record = folder, record.manifest.id, record
        self.reader = token_hex(8)
        """Tells this reader of the run from an earlier one: versions count anew in each."""
        self.watchers = 0
        """Streams of news that are open."""
        self.counting = asyncio.Lock()
        """Held by the one request that has the numbers counted."""
        self._follower, self._page = record.follow(), RunPage(record, room=_ROOM)
        self._lock = threading.Lock()
        self._totals = Totals(record.manifest.config)
        self._turns = record.turns()
        self._outline: Outline | None = Outline(Totals(record.manifest.config))
        """Stands in for the record until it is read."""
        self._outlined = False
        self._held = set[str]()
        """Ids of rows that were held back, as the outline knows better."""
        self._refreshing, self._counting = _Pace(), _Pace()
        self._seen = self._seen_counted = 0
        self._numbers: str | None = None
        self._whole = self._whole_counted = False
        self._news: deque[dict[str, str]] = deque(maxlen=_NEWS)
        self._doing: dict[str, Event] = {}
        self._iterations: dict[str, int | None] = {}

    @property
    def replaced(self) -> bool:
        """Whether the folder was taken away, and perhaps made anew: what was read is of another run."""
        return _made(self.folder) != self._made

    @property
    def size(self) -> int:
        """Bytes of the record now."""
        return self._follower.size

    def look(self) -> bool:
        """Takes in events that came since the last look, for a tenth of a second; gives whether there may be more.

        Raises:
            StoreError: The record is damaged.
        """
        with self._lock:
            until = time.monotonic() + _LOOK
            if self._outline is not None:
                for event in self._turns.look():
                    self._outline.apply(event)
                    if time.monotonic() > until:
                        return True
                self._outlined = self._outline.complete = True
            for event in self._follower.look():
                self._take(event)
                self._seen += 1
                if time.monotonic() > until:
                    return True
            self._whole, self._outline = True, None
            self._page.renew(self._held)
            self._held.clear()
            return False

    def _take(self, event: Event) -> None:
        self._page.apply(event)
        self._totals.apply(event)
        if isinstance(event.data, RunResumed):
            # What was under way at the end of the earlier process waits, or shows itself again.
            self._doing.clear()
        name = event.episode
        if name is not None and not is_session(name) and not isinstance(event.data, RunSteered):
            before = self._iterations.get(name)
            self._iterations[name] = before if event.iteration is None else event.iteration
            self._doing[name] = event
            if isinstance(event.data, EpisodeFinished):
                del self._doing[name], self._iterations[name]
        if told := _told(event):
            at = datetime.fromisoformat(event.time).astimezone().strftime("%H:%M:%S")
            self._news.appendleft({"time": at, "told": told})

    def numbers(self) -> str:
        """The parts of the page that count episodes, as markup; counted anew if there is news and time."""
        with self._lock:
            if self._numbers is not None and self._counted == self._seen_counted:
                return self._numbers
            with self._counting.measured():
                drawn, seen, whole = self._page.draw(), self._seen, self._whole
        # Counting takes seconds in a large run; events are taken in meanwhile.
        with self._counting.measured_on():
            numbers = drawn.numbers()
        with self._lock:
            self._numbers, self._seen_counted, self._whole_counted = numbers, seen, whole
        return numbers

    def index(self, reader: str, since: int) -> dict[str, Any]:
        """What the list shows of the episodes that changed since a version of a reader; of all, for another reader."""
        with self._lock:
            known = since if reader == self.reader else 0
            # The first version has the episodes of the outline alone.
            index = self._page.index(max(0, known - 1))
            if self._outline is not None:
                index = self._with_outline(self._outline, index, known)
            return {"reader": self.reader, **index, "version": self._version}

    def _with_outline(self, outline: Outline, index: Mapping[str, Any], known: int) -> dict[str, Any]:
        """An index of what was read, with what the outline knows beyond it and the page does not."""
        held = outline.outdated(index["episodes"])
        self._held |= held
        rows = [row for row in index["episodes"] if row["id"] not in held]
        later = [name for name in outline.later if self._totals.status(name) != outline.status(name)]
        return outline.added({**index, "episodes": rows}, later if known else outline.ended)

    def episode(self, name: str) -> str | None:
        """What the page shows of an episode, by its id there, as JSON; None where there is no such episode.

        Raises:
            StoreError: The record is damaged.
        """
        with self._lock:
            found, whole = self._page.episode(name), self._whole
        return found if found or whole else lone_episode(self._record, name)

    def state(self) -> dict[str, Any]:
        """What the page tells as it happens."""
        with self._lock:
            if self._refreshing.due():
                with self._refreshing.measured():
                    self._page.refresh()
            reader, writer, now = self._page.reader, self._record.writer, time.time()
            begun = [one.spent for name, one in reader.unfinished.items() if not self._totals.counts(name)]
            begun += [session.spent for session in reader.sessions.values()]
            told = self._outline.totals.told([]) if self._outline else self._totals.told(begun)
            return {
                "reader": self.reader,
                "read": 1.0 if self._whole else self._follower.share,
                "episodes": self._version,
                "numbers": self._counted,
                "finished": self._outline.finished
                if self._outline
                else reader.finished.reason
                if reader.finished
                else "",
                "writer": writer is not None,
                "host": writer.host if writer else "",
                "planned": self._outline.planned if self._outline else reader.started.episodes if reader.started else 0,
                **told,
                "underway": [
                    {
                        "id": encodable(name),
                        "iteration": self._iterations[name],
                        "doing": _doing(event),
                        "seconds": max(0.0, now - datetime.fromisoformat(event.time).timestamp()),
                    }
                    for name, event in islice(self._doing.items(), _UNDERWAY)
                ],
                "more": max(0, len(self._doing) - _UNDERWAY),
                "news": list(self._news),
            }

    @property
    def _version(self) -> int:
        """Of the list of episodes: the outline is the first one."""
        return self._page.version + self._outlined

    @property
    def _counted(self) -> int:
        """How many events the numbers hold if they are asked for now.

        They are counted anew at once where all of the record was read for the first time, or nothing more comes.
        """
        ended = self._whole and (self._page.reader.finished is not None or self._record.writer is None)
        at_once = ended or self._whole > self._whole_counted
        return self._seen if at_once or self._counting.due() else self._seen_counted


@dataclass(slots=True)
class _Pace:
    """Something that takes long, and is done so often that it takes a small part of the time."""

    _ended: float = 0.0
    _took: float = 0.0

    def due(self) -> bool:
        """Whether enough time went by."""
        return time.monotonic() - self._ended > _PAUSE * self._took

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Measures what is done."""
        self._took = 0.0
        with self.measured_on():
            yield

    @contextmanager
    def measured_on(self) -> Iterator[None]:
        """Measures more of what was measured last."""
        begun = time.monotonic()
        yield
        self._ended = time.monotonic()
        self._took += self._ended - begun


def _made(folder: Path) -> tuple[int, int] | None:
    """Identity and time of a run's manifest; None where there is none."""
    try:
        there = (folder / "run.json").stat()
    except OSError:
        return None
    return there.st_ino, there.st_mtime_ns


def _doing(event: Event) -> str:
    """What an episode does after an event: the record tells what is done, and little of what has begun."""
    match event.data:
        case CallIntended() as data:
            return _CALLS[data.kind]
        case PersonAsked():
            return "waits for a person"
        case Proposed() | SandboxOpened():
            return "executes the candidate"
        case Observed():
            return "verifies"
        case Judged() | Critiqued():
            return "decides"
        case Graded():
            return "grades"
        case _:
            return "goes on"


def _told(event: Event) -> str:
    """An event as a line of news; empty for one that is none."""
    match event.data:
        case EpisodeFinished(status="scored") as data:
            told = f"{'passed' if data.passed else 'not passed'}, score {data.score:.2f}"
        case EpisodeFinished(failure=failure):
            told = f"failed: {failure.message if failure else ''}"
        case Judged() as data:
            told = f"iteration {event.iteration}: score {data.score:.2f}"
        case Decided(decision="stop") as data:
            told = f"stops: {data.rule}"
        case Failed() as data:
            told = f"{'tried again' if data.retried else 'failed'}: {data.message}"
        case DriftAlarm():
            told = "drift alarm"
        case PersonAsked() as data:
            told = f"asks a person: {data.question.id}"
        case PersonAnswered() as data:
            told = f"a person answered: {data.answer.choice}"
        case RunSteered() as data:
            return encodable(cut_middle(steered_line(data, event.episode), _LONGEST))
        case RunFinished() as data:
            told = f"the run ended: {data.reason}"
        case _:
            return ""
    return encodable(cut_middle(printable_line(f"{event.episode or ''} {told}".strip()), _LONGEST))
