"""A session: episodes in sequence, what their agents remember, a monitor that watches them, and what is done then.

Everything that a session knows follows from its events, in their order: a resumed run takes them in once more and is
where it was, without a call.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter

from loopwright.agents import Attempt, Memory
from loopwright.budget import Ledger
from loopwright.drift import Baseline, Interaction, observations
from loopwright.errors import LoopwrightError, StoreError
from loopwright.plan import PlannedEpisode, ResolvedComponents, RunResources
from loopwright.record import EpisodeRecord
from loopwright.session._agent import POOL, BaselineEpisode, SessionAgent
from loopwright.session._anchoring import Anchoring
from loopwright.session._consolidation import ConsolidationPolicy
from loopwright.session._embeddings import SessionEmbeddings, not_embedded
from loopwright.session._memory import SessionMemory, turns_of
from loopwright.session._mitigation_runner import MitigationRunner
from loopwright.session._monitor import SessionMonitor
from loopwright.session._routing import Routing
from loopwright.store import (
    BaselineFrozen,
    DriftAlarm,
    EpisodeFinished,
    EpisodeStarted,
    Event,
    Failed,
    Graded,
    Mitigated,
    Routed,
    RunStore,
)
from loopwright.task import MemoryOptions, Task

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Prepared:
    """What an episode of a session begins with."""

    cast: ResolvedComponents
    memory: Memory = field(default_factory=Memory)


@dataclass(slots=True)
class _Open:
    """An episode without a score yet."""

    planned: PlannedEpisode
    events: list[Event] = field(default_factory=list)
    """Since it began, or since it failed and is tried again."""
    record: EpisodeRecord = field(default_factory=EpisodeRecord)


class Session:
    """One session of a run; without a section `session` in its task, the watch over one variant's episodes.

    Args:
        id: Its name in the record, unlike that of any episode.
        planned: Its episodes.
        parts: What the run works with.
        store: The run's record.
        ledger: What mitigations may spend.
        folder: The project.

    Raises:
        UserError: The baseline cannot be read, or an agent is not there.
    """

    def __init__(
        self,
        id: str,
        planned: Sequence[PlannedEpisode],
        *,
        parts: RunResources,
        store: RunStore,
        ledger: Ledger,
        folder: Path,
    ) -> None:
        self.id = id
        self._folder = folder
        self._task: Task = planned[0].task
        self._planned = {episode.id: episode for episode in planned}
        self._parts = parts
        self._store = store
        self.history: Sequence[Event] = ()
        """Events of earlier processes, in order, until `replay` took them in."""
        self._open: dict[str, _Open] = {}
        self._over: list[str] = []
        self._looking = asyncio.Lock()
        """Interactions are looked at in the order in which their episodes ended."""
        self._routed: dict[str, str] = {}
        self._alarms: deque[DriftAlarm] = deque()
        self._frozen: set[str | None] = set()
        self._watched = True
        self._told = False
        """Whether it is recorded that the monitor broke."""
        drift = self._task.drift
        mitigations = drift.mitigations if drift else None
        self._mitigations = MitigationRunner(id, self._task, parts, store, ledger, self._planned)
        self._routing = Routing(mitigations.routing, self._mitigations) if mitigations and mitigations.routing else None
        self._consolidating = (
            ConsolidationPolicy(mitigations.consolidation, self._mitigations)
            if mitigations and mitigations.consolidation
            else None
        )
        self._anchoring = (
            Anchoring(mitigations.anchoring, self._mitigations) if mitigations and mitigations.anchoring else None
        )
        baseline = Baseline.load(folder / drift.baseline) if drift and drift.baseline else None
        embedding = baseline.embedding if baseline else drift.embedding if drift else ""
        self._embeddings = (
            SessionEmbeddings(id, parts.embedding(embedding), store, ledger, parts.prices) if "/" in embedding else None
        )
        names = mitigations.routing.choices if mitigations and mitigations.routing else ("",)
        self._members = {name: self._member(name, planned[0], baseline) for name in names}

    @property
    def in_sequence(self) -> bool:
        """Whether an episode begins when the one before is over."""
        return self._task.session is not None

    def __contains__(self, episode: str | None) -> bool:
        """Whether an episode, or the session itself, goes by that name."""
        return episode == self.id or episode in self._planned

    def take(self, event: Event) -> None:
        """Gathers an event of the session; `look` makes something of it."""
        if event.episode == self.id or event.episode is None:
            return
        if isinstance(event.data, Routed):
            if event.data.agent not in self._members:
                raise StoreError(
                    f"event {event.seq} routes {event.episode} to {event.data.agent!r}, which the task does not name",
                    remedy="Go on with the task that the run was started with.",
                )
            self._routed[event.episode] = event.data.agent
            return
        one = self._open.get(event.episode)
        if one is None:
            if not isinstance(event.data, EpisodeStarted):
                return
            one = self._open[event.episode] = _Open(self._planned[event.episode])
        one.events.append(event)
        one.record.apply(event)
        if isinstance(event.data, EpisodeFinished):
            self._over.append(event.episode)

    async def look(self) -> None:
        """Makes something of episodes that are over: remembers them, and has the monitor look at them."""
        async with self._looking:
            while self._over:
                name = self._over.pop(0)
                one = self._open[name]
                await self._look(name, one)
                one.events = []

    async def replay(self) -> None:
        """Takes in what earlier processes recorded of the session and its episodes.

        Raises:
            CallInDoubt: A crash hid the outcome of a mitigation's call that is not safe to repeat.
            Interrupted: A person must look, and the task asks to stop then.
        """
        history, self.history = self.history, ()
        for event in history:
            if event.episode == self.id:
                self._recorded(event)
        for event in history:
            if event.episode == self.id and isinstance(event.data, Failed):
                # Here the monitor broke before; what came after was without it.
                self._watched = False
            begins = isinstance(event.data, EpisodeStarted) and event.episode not in self._open
            if begins or isinstance(event.data, Mitigated):
                await self._tend()
            self.take(event)
            await self.look()

    async def prepare(self, planned: PlannedEpisode) -> Prepared:
        """Does what is due before an episode, and says with whom and with which memory it begins.

        Raises:
            Interrupted: A person must look, and the task asks to stop then.
            StoreError: The record cannot be written or read, or a call in it is in doubt.
        """
        await self._tend()
        if self._routing and planned.id not in self._routed:
            routed = self._routing.choose(planned)
            self._store.append(routed, episode=planned.id)
            self._routed[planned.id] = routed.agent
        member = self._of(planned.id)
        if self._task.session is None:
            return Prepared(member.cast, Memory())
        examples = self._anchoring.examples(member, planned) if self._anchoring else ()
        return Prepared(member.cast, member.recall.memory(examples=examples))

    def _member(self, name: str, planned: PlannedEpisode, baseline: Baseline | None) -> SessionAgent:
        drift, session = self._task.drift, self._task.session
        options = session.memory if session else MemoryOptions(turns=0, tokens=0)
        consolidation = drift.mitigations.consolidation if drift else None
        recall = SessionMemory(options, consolidation.reviewed if consolidation else 0)
        return SessionAgent(
            name,
            self._parts.cast(planned, name),
            recall,
            SessionMonitor(drift, baseline, self._folder, not_embedded if self._embeddings else None)
            if drift is not None
            else None,
        )

    def _recorded(self, event: Event) -> None:
        match event.data:
            case Mitigated() as mitigation:
                self._mitigations.remember(mitigation)
            case DriftAlarm() as alarm:
                self._alarms.append(alarm)
            case BaselineFrozen(agent=agent):
                self._frozen.add(agent)
            case Failed():
                self._told = True

    def _of(self, episode: str) -> SessionAgent:
        return self._members[self._routed.get(episode, "")]

    async def _tend(self) -> None:
        """What mitigations do between two episodes."""
        for member in self._members.values():
            if self._routing:
                await self._routing.tend(member)
            if self._consolidating:
                await self._consolidating.tend(member)
            if self._anchoring:
                await self._anchoring.tend(member)
            member.alarms.clear()

    async def _look(self, name: str, one: _Open) -> None:
        member = self._of(name)
        finished = one.record.finished
        if finished is not None and finished.status == "scored":
            self._remember(name, one, member)
        if member.watching is not None and self._watched:
            try:
                await self._watch(member, member.watching, one)
            except StoreError:
                raise
            except Exception as error:  # whatever breaks in the monitor, the loop that it watches goes on
                _log.warning("the drift monitor of %s is off: %s", self.id, error)
                self._watched = False
                if self._told:
                    return
                self._told = True
                cause = error.cause.value if isinstance(error, LoopwrightError) else "harness"
                told = Failed(
                    error=type(error).__name__,
                    cause=cause,
                    message=f"the drift monitor is off from here on: {error}",
                    retried=False,
                )
                self._store.append(told, episode=self.id)

    def _remember(self, name: str, one: _Open, member: SessionAgent) -> None:
        attempts = list(one.record)
        goal = one.planned.instance.goal
        turns = turns_of(name, goal, attempts)
        member.recall.add(turns)
        self._mitigations.at += len(turns)
        best: Attempt | None = one.record.best
        if best is not None and best.verdict.checks and len(member.pool) + len(member.probes) < self._pool:
            turn = next(turn for turn in turns if turn.id == f"{name}/{best.iteration}")
            done = BaselineEpisode(one.planned, turn, best.verdict.passed, attempts[0].verdict.passed)
            (member.probes if self._mitigations.held(turn) else member.pool).append(done)
        if self._routing:
            self._routing.record(member, one.planned, passed=best is not None and best.verdict.passed)

    @property
    def _pool(self) -> int:
        drift = self._task.drift
        return drift.first if drift and drift.first else POOL

    async def _watch(self, member: SessionAgent, watching: SessionMonitor, one: _Open) -> None:
        events = one.events
        if self._task.drift and self._task.drift.mitigations.named and one.planned.instance.hidden:
            # Nothing in the loop acts on what hidden checks say.
            events = [event for event in events if not isinstance(event.data, Graded)]
        unfrozen = watching.baseline is None
        interactions: Iterable[Interaction] = observations(events)
        if self._embeddings:
            interactions = await self._embeddings.embedded(interactions)
        for alarm in watching.observe(interactions):
            member.alarms.append(alarm)
            self._tell(alarm, member)
        if unfrozen and watching.baseline is not None and member.agent not in self._frozen:
            self._tell_baseline(watching.baseline, member)

    def _tell(self, alarm: DriftAlarm, member: SessionAgent) -> None:
        if self._alarms:
            self._alarms.popleft()
            return
        self._store.append(alarm.model_copy(update={"agent": member.agent}), episode=self.id)

    def _tell_baseline(self, baseline: Baseline, member: SessionAgent) -> None:
        self._frozen.add(member.agent)
        told = BaselineFrozen(
            digest=baseline.digest,
            artifact=self._store.put(TypeAdapter(Baseline).dump_json(baseline) + b"\n"),
            interactions=baseline.interactions,
            warnings=baseline.warnings,
            agent=member.agent,
        )
        self._store.append(told, episode=self.id)
