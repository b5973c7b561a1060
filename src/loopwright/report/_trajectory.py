"""Trajectories: the events of each episode, put in their places."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from loopwright.store import (
    CallFinished,
    Critiqued,
    Decided,
    EpisodeFinished,
    EpisodeStarted,
    Event,
    Failed,
    Graded,
    Judged,
    Observed,
    Proposed,
    SandboxOpened,
)
from loopwright.types import Usage

ResultOf = Callable[[CallFinished], Mapping[str, Any] | None]


@dataclass(slots=True)
class Spent:
    """Model calls and what they used."""

    calls: int = 0
    usage: Usage = field(default_factory=Usage)
    cost_usd: Decimal | None = Decimal(0)
    """None where a call has no price."""
    seconds: float = 0.0

    @classmethod
    def total(cls, parts: Iterable[Spent]) -> Spent:
        """All of it together."""
        whole = cls()
        for part in parts:
            costs = (whole.cost_usd, part.cost_usd)
            whole = cls(
                calls=whole.calls + part.calls,
                usage=whole.usage + part.usage,
                cost_usd=None if costs[0] is None or costs[1] is None else costs[0] + costs[1],
                seconds=whole.seconds + part.seconds,
            )
        return whole

    def add(self, finished: CallFinished, result: Mapping[str, Any]) -> None:
        """Counts one model call that was answered."""
        self.calls += 1
        self.seconds += finished.seconds
        self.usage += Usage.model_validate(result.get("usage") or {})
        cost = result.get("cost_usd")
        self.cost_usd = None if cost is None or self.cost_usd is None else self.cost_usd + Decimal(str(cost))


@dataclass(slots=True)
class Iteration:
    """One turn of the loop; what has not happened is None."""

    number: int
    time: str
    """Of its first event."""
    proposed: Proposed | None = None
    observed: Observed | None = None
    judged: Judged | None = None
    critiqued: Critiqued | None = None
    decided: Decided | None = None
    graded: Graded | None = None
    spent: Spent = field(default_factory=Spent)

    @property
    def parent(self) -> int | None:
        """The iteration it was made from."""
        return self.proposed.parent if self.proposed else None

    def right(self, *, graded: bool) -> bool | None:
        """Whether its candidate passed; a reply without a candidate did not; None where nobody looked."""
        if self.proposed is not None and self.proposed.candidate is None:
            return False
        verdict = self.graded if graded else self.judged
        return None if verdict is None else verdict.passed


@dataclass(frozen=True, slots=True)
class Incident:
    """A failure inside an episode, also one that was got over."""

    iteration: int | None
    node: str | None
    failed: Failed


@dataclass(slots=True)
class Trajectory:
    """The events of one episode in their places."""

    episode: str
    begun: str
    """Time of its first event."""
    ended: str
    """Time of its last event."""
    started: EpisodeStarted | None = None
    finished: EpisodeFinished | None = None
    iterations: dict[int, Iteration] = field(default_factory=dict)
    sandboxes: list[SandboxOpened] = field(default_factory=list)
    incidents: list[Incident] = field(default_factory=list)
    spent: Spent = field(default_factory=Spent)

    def take(self, event: Event, result_of: ResultOf) -> None:
        """Puts one event in its place."""
        self.ended = event.time
        match event.data:
            case EpisodeStarted() as data:
                self.started = data
            case EpisodeFinished() as data:
                self.finished = data
            case SandboxOpened() as data:
                self.sandboxes.append(data)
            case Failed() as data:
                self.incidents.append(Incident(event.iteration, event.node, data))
            case Graded() as data:
                self._at(data.candidate_iteration, event.time).graded = data
            case CallFinished(kind="model", failure=None) as data:
                self._spend(event, data, result_of(data) or {})
            case _:
                self._take_turn(event)

    def _take_turn(self, event: Event) -> None:
        if event.iteration is None:
            return
        turn = self._at(event.iteration, event.time)
        match event.data:
            case Proposed() as data:
                turn.proposed = data
            case Observed() as data:
                turn.observed = data
            case Judged() as data:
                turn.judged = data
            case Critiqued() as data:
                turn.critiqued = data
            case Decided() as data:
                turn.decided = data

    def _at(self, number: int, time: str) -> Iteration:
        return self.iterations.setdefault(number, Iteration(number, time))

    def _spend(self, event: Event, data: CallFinished, result: Mapping[str, Any]) -> None:
        self.spent.add(data, result)
        if event.iteration is not None:
            self._at(event.iteration, event.time).spent.add(data, result)


def inline_result(call: CallFinished) -> Mapping[str, Any] | None:
    """The result in the event itself, where the artifacts are out of reach."""
    return call.result


def trajectories(events: Iterable[Event], result_of: ResultOf = inline_result) -> Iterator[Trajectory]:
    """Puts events together by episode; yields each when it is scored, the others last.

    Only episodes without a score are held in memory, as a resumed run tries them again. An episode that starts anew
    after it had finished is yielded a second time; the later one counts.
    """
    open_ones: dict[str, Trajectory] = {}
    closed: set[str] = set()
    for event in events:
        name = event.episode
        if name is None:
            continue
        if isinstance(event.data, EpisodeStarted):
            closed.discard(name)
        elif name in closed:
            continue
        if name not in open_ones:
            open_ones[name] = Trajectory(name, event.time, event.time)
        open_ones[name].take(event, result_of)
        if isinstance(event.data, EpisodeFinished) and event.data.status == "scored":
            closed.add(name)
            yield open_ones.pop(name)
    yield from open_ones.values()
