"""A run that goes on, as its page shows it."""

from __future__ import annotations

import threading
import time
from collections import deque
from datetime import datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

from loopwright.report import DrawnRun, RunPage, steered_line
from loopwright.store import (
    CallIntended,
    Critiqued,
    Decided,
    DriftAlarm,
    EpisodeFinished,
    EpisodeStarted,
    Event,
    Failed,
    Graded,
    Judged,
    Observed,
    PersonAnswered,
    PersonAsked,
    Proposed,
    RunFinished,
    RunSteered,
    SandboxOpened,
    read_run,
)
from loopwright.text import cut_middle, encodable, printable_line

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
_PAUSE = 2.0
"""Times as long as the last drawing took, before a page is drawn anew."""


class FollowedRun:
    """Reads the record of a run while it grows. One thread at a time may use it."""

    def __init__(self, folder: Path) -> None:
        """Begins without an event.

        Raises:
            StoreError: There is no run in the folder.
        """
        record = read_run(folder)
        self.folder, self._record = folder, record
        self._follower, self._page = record.follow(), RunPage(record)
        self._lock = threading.Lock()
        self._drawn: DrawnRun | None = None
        self._drawn_at = self._took = 0.0
        self._seen = self._seen_drawn = 0
        self._finished: dict[str, EpisodeFinished] = {}
        self._news: deque[dict[str, str]] = deque(maxlen=_NEWS)
        self._doing: dict[str, Event] = {}
        self._iterations: dict[str, int | None] = {}

    def look(self, most: int = 2000) -> int:
        """Takes in the events that came since the last look; gives how many.

        Args:
            most: Events that are taken in, at most: a caller that shows progress looks again.

        Raises:
            StoreError: The record is damaged.
        """
        taken = 0
        with self._lock:
            for event in self._follower.look():
                self._take(event)
                taken += 1
                if taken == most:
                    break
            self._seen += taken
        return taken

    def _take(self, event: Event) -> None:
        self._page.apply(event)
        name = event.episode
        if name is not None and not isinstance(event.data, RunSteered):
            before = self._iterations.get(name)
            self._iterations[name] = before if event.iteration is None else event.iteration
            self._doing[name] = event
            if isinstance(event.data, EpisodeStarted):
                self._finished.pop(name, None)
            elif isinstance(event.data, EpisodeFinished):
                self._finished[name] = event.data
                del self._doing[name], self._iterations[name]
        if told := _told(event):
            at = datetime.fromisoformat(event.time).astimezone().strftime("%H:%M:%S")
            self._news.appendleft({"time": at, "told": told})

    def draw(self) -> DrawnRun:
        """The run as a page; drawn anew if there is news, but not so often that nothing else is done."""
        with self._lock:
            if self._drawn is None or (self._seen > self._seen_drawn and self._may_draw()):
                started = time.monotonic()
                self._drawn, self._seen_drawn = self._page.draw(), self._seen
                self._drawn_at = time.monotonic()
                self._took = self._drawn_at - started
            return self._drawn

    def state(self) -> dict[str, Any]:
        """What the page tells without being drawn anew."""
        with self._lock:
            reader, now = self._page.reader, time.time()
            ended = list(self._finished.values())
            begun = [episode.spent for name, episode in reader.unfinished.items() if name not in self._finished]
            costs = [one.cost_usd for one in ended] + [one.cost_usd for one in begun]
            tokens = sum(one.usage.total for one in ended) + sum(one.usage.total for one in begun)
            return {
                "drawn": self._seen if self._may_draw() else self._seen_drawn,
                "finished": reader.finished.reason if reader.finished else "",
                "writer": self._record.writer is not None,
                "planned": reader.started.episodes if reader.started else 0,
                "done": len(self._finished),
                "calls": sum(one.model_calls for one in ended) + sum(one.calls for one in begun),
                "tokens": tokens,
                "cost": None if None in costs else str(sum((Decimal(one) for one in costs if one), Decimal(0))),
                "underway": [
                    {
                        "id": encodable(name),
                        "iteration": self._iterations[name],
                        "doing": _doing(event),
                        "seconds": max(0.0, now - datetime.fromisoformat(event.time).timestamp()),
                    }
                    for name, event in islice(self._doing.items(), _UNDERWAY)
                ],
                "news": list(self._news),
            }

    def _may_draw(self) -> bool:
        return time.monotonic() - self._drawn_at > _PAUSE * self._took


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
