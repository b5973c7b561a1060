"""A run as its events tell it, an episode at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Self

from loopwright.record._calls import CallLog
from loopwright.record._episode import EpisodeRecord
from loopwright.record._spent import ResultOf, Spent, inline_result
from loopwright.store import (
    CallFinished,
    DriftAlarm,
    EpisodeFinished,
    EpisodeStarted,
    Event,
    Failed,
    Mitigated,
    RunFinished,
    RunRecord,
    RunStarted,
    RunSteered,
)

_SESSION = ":session"


def session_name(task: str, variant: str, repeat: int | None = None) -> str:
    """The name of a session in the record, unlike that of any episode.

    Args:
        task: Name of its task.
        variant: Name of its variant.
        repeat: Its repeat; None for one that holds all episodes of the variant.
    """
    return f"{task}:{variant}{'' if repeat is None else f':{repeat}'}{_SESSION}"


def is_session(name: str) -> bool:
    """Whether a name in the record is that of a session, not of an episode."""
    return name.endswith(_SESSION)


@dataclass(slots=True)
class SessionRecord:
    """What happened in a session beside its episodes."""

    id: str
    drift: list[Event] = field(default_factory=list)
    """Alarms of the drift monitor, what was done then, and what it broke by, in order."""
    spent: Spent = field(default_factory=Spent)

    def apply(self, event: Event, result_of: ResultOf = inline_result) -> None:
        """Takes in the next event of the session."""
        match event.data:
            case DriftAlarm() | Mitigated() | Failed(retried=False):
                self.drift.append(event)
            case CallFinished(kind="model" | "image", failure=None) as data:
                self.spent.add(data, result_of(data) or {})

    @property
    def alarms(self) -> tuple[DriftAlarm, ...]:
        """Alarms of the drift monitor."""
        return tuple(event.data for event in self.drift if isinstance(event.data, DriftAlarm))

    @property
    def mitigations(self) -> tuple[Mitigated, ...]:
        """What was done about drift."""
        return tuple(event.data for event in self.drift if isinstance(event.data, Mitigated))

    @property
    def failures(self) -> tuple[Failed, ...]:
        """What the monitor broke by."""
        return tuple(event.data for event in self.drift if isinstance(event.data, Failed))


@dataclass(slots=True)
class RunReader:
    """Puts the events of a run together; holds the episodes without a score, and of others the name."""

    result_of: ResultOf = inline_result
    """Where the results of model calls are, to count what they used."""
    with_calls: bool = False
    """Whether episodes keep their prompts and replies."""
    started: RunStarted | None = None
    finished: RunFinished | None = None
    """How the run ended; None if it is under way or was cut off."""
    created: str = ""
    """Time of the first event."""
    ended: str = ""
    """Time of the last event."""
    sessions: dict[str, SessionRecord] = field(default_factory=dict)
    """By name."""
    steered: list[Event] = field(default_factory=list)
    """What people did with the run while it worked, in order."""
    unfinished: dict[str, EpisodeRecord] = field(default_factory=dict)
    """Episodes without a score, by name; a resumed run tries those again that failed."""
    _scored: set[str] = field(default_factory=set)

    def apply(self, event: Event) -> EpisodeRecord | None:
        """Takes in the next event of the run.

        Returns:
            The episode that the event gives its score to, None where it does not. The reader holds it no longer; if
            the episode starts anew after that, it comes once more, and the later one counts.
        """
        self.created, self.ended = self.created or event.time, event.time
        self.finished = event.data if isinstance(event.data, RunFinished) else None
        if isinstance(event.data, RunStarted):
            self.started = event.data
        name = event.episode
        if isinstance(event.data, RunSteered):
            self.steered.append(event)
            return None
        if name is None:
            return None
        if is_session(name):
            self.sessions.setdefault(name, SessionRecord(name)).apply(event, self.result_of)
            return None
        if isinstance(event.data, EpisodeStarted):
            self._scored.discard(name)
        elif name in self._scored:
            return None
        if name not in self.unfinished:
            calls = CallLog() if self.with_calls else None
            self.unfinished[name] = EpisodeRecord(self.result_of, calls=calls)
        episode = self.unfinished[name]
        episode.apply(event)
        if not isinstance(event.data, EpisodeFinished) or event.data.status != "scored":
            return None
        self._scored.add(name)
        return self.unfinished.pop(name)

    def read(self, events: Iterable[Event]) -> Iterator[EpisodeRecord]:
        """Takes in a run from its first event; gives each episode when it is scored, then those without a score."""
        for event in events:
            if (episode := self.apply(event)) is not None:
                yield episode
        yield from self.unfinished.values()


@dataclass(frozen=True, slots=True)
class Episodes:
    """The episodes of a run as its record was at one moment, however often they are read: a run may go on meanwhile."""

    record: RunRecord
    _starts: Mapping[str, int]
    _events: int

    @classmethod
    def of(cls, record: RunRecord) -> Self:
        """The episodes of a run as its record is now.

        Raises:
            StoreError: The record cannot be read.
        """
        return cls(record, *record.starts())

    def __iter__(self) -> Iterator[EpisodeRecord]:
        """Gives each episode with its model calls when it was scored, then those without a score.

        Of an episode that was begun anew only the last attempt comes. One episode is in memory at a time, beside those
        that the run worked on at the same time.

        Raises:
            StoreError: The record is damaged.
        """
        reader = RunReader(self.record.result, with_calls=True)
        for episode in reader.read(islice(self.record.events, self._events)):
            if episode.started is not None and episode.seq == self._starts[episode.id]:
                yield episode
