"""A run: many episodes under one configuration, in parallel, recorded in one folder."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from loopwright._version import __version__
from loopwright.control import ControlServer
from loopwright.errors import CallInDoubt, Interrupted, UserError
from loopwright.loop import GRADE, Gate, Graphs, Person
from loopwright.notify import Notifier, Target
from loopwright.plan import (
    BudgetBook,
    ComponentOverrides,
    Machines,
    PlannedEpisode,
    ResolvedRun,
    RunConfig,
    RunResources,
    resolve_recorded,
    resolve_run,
    resumed,
)
from loopwright.runner._desk import AskHere, Desk
from loopwright.runner._episode_work import EpisodeWork
from loopwright.runner._learning import teach_recorded
from loopwright.runner._notices import Notices
from loopwright.runner._recorded import is_own, recorded_config
from loopwright.runner._results import RunResult, load_result
from loopwright.runner._schedule import EpisodeState, Schedule
from loopwright.runner._steering import Steering, state_after, state_of
from loopwright.session import Session, sessions_of
from loopwright.store import (
    Event,
    Manifest,
    ResponseCache,
    RunFinished,
    RunRecord,
    RunStarted,
    RunSteered,
    RunStore,
    Share,
    sealed,
)
from loopwright.task import CapOptions, Caps
from loopwright.text import encodable

_log = logging.getLogger(__name__)


def new_run_id() -> str:
    """A name that sorts by time."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


@dataclass(slots=True)
class Run:
    """A run that is under way."""

    resolved: ResolvedRun
    store: RunStore
    ledgers: BudgetBook
    recorded: Mapping[str, Sequence[Event]] = field(default_factory=dict)
    checkpoints: str = ""
    """Where LangGraph's state is kept for others to look at: `sqlite` for a file in the run's folder, or the URL of a
    Postgres server; empty for nowhere. It is not recorded, as a URL holds a password."""
    person: Person | None = None
    """Who is asked where a task asks a person; None for whoever is at the desk: `ask_here`, and `loopwright ctl`."""
    ask_here: AskHere | None = None
    """Asks somebody in this process, beside whoever answers by `loopwright ctl`; None where nobody is here."""
    notify: Sequence[Target] = ()
    """Who gets notices: see `loopwright.notify`. It is not recorded, as an address often is a secret."""
    machines: Machines | None = None
    """Where sandboxes and local models are, such as a `RayCluster`, opened and closed with the run; None for this
    machine. It is not recorded, as it decides nothing that comes out."""
    tell: Callable[[str], None] = _log.warning
    """Called with what the user should know beside the events; into the log by default."""
    _drained: bool = False
    _loop: asyncio.AbstractEventLoop | None = None
    _schedule: Schedule | None = None

    @classmethod
    def create(cls, config: RunConfig, folder: Path, *, given: ComponentOverrides | None = None) -> Run:
        """Makes the folder of a run that is not resolved yet; see `start`.

        Args:
            config: What to run.
            folder: A folder that is not there yet, or empty.
            given: Parts that are objects rather than names.

        Raises:
            UserError: An environment's folder is broken, or a template cannot be filled.
            StoreError: The folder is not empty or cannot be written.
        """
        return cls.start(resolve_run(config, given), folder)

    @classmethod
    def start(
        cls, resolved: ResolvedRun, folder: Path, *, source: RunRecord | None = None, share: Share | None = None
    ) -> Run:
        """Makes the run's folder.

        Args:
            resolved: What to run.
            folder: A folder that is not there yet, or empty.
            source: The run that this one follows from; where somebody sent it, this one counts as sent, too.
            share: Where the run is shared, such as `loopwright.store.shared.SharedStore`; None for its folder alone.

        Raises:
            StoreError: The folder is not empty or cannot be written.
        """
        config = resolved.config
        manifest = Manifest(
            id=encodable(folder.name),
            created=datetime.now(UTC).isoformat(),
            loopwright=__version__,
            config=config.model_dump(mode="json"),
            content=dict(resolved.fingerprints),
        )
        told = sealed(manifest) if source is None or is_own(source, config.project) else manifest
        store = RunStore.create(folder, told, share=share, cache=_cache(config))
        store.append(
            RunStarted(
                loopwright=__version__,
                tasks={task.name: task.digest for task in config.tasks},
                variants=tuple(dict.fromkeys(episode.variant for episode in resolved.episodes)),
                episodes=len(resolved.episodes),
            )
        )
        return cls(resolved, store, BudgetBook(config.budget, (), store.result))

    @classmethod
    def reopen(
        cls,
        folder: Path,
        *,
        given: ComponentOverrides | None = None,
        changed: bool = False,
        repeat_in_doubt: bool = False,
        retry: Sequence[str] = (),
        project: Path | None = None,
        prices: Path | None = None,
        budget: Caps | None = None,
        concurrency: int | None = None,
        trust_sandbox: bool = False,
        share: Share | None = None,
    ) -> Run:
        """Opens an interrupted run to go on with it.

        Args:
            folder: The run's folder.
            given: The same objects that the run was created with.
            changed: Go on although prompts, cards, modules or the like are not what they were; tasks stay as they
                were recorded.
            repeat_in_doubt: Repeat calls that were under way at a crash even where that is not safe.
            retry: Names of episodes to try again that were skipped; those that failed are tried again anyway.
            project: The project folder, whose code may run, instead of the recorded one; None to use the recorded one,
                and to run code of it only if the run was made here.
            prices: The price file instead of the recorded one.
            budget: Caps of the whole run that hold from now on, in place of recorded ones of the same name.
            concurrency: Episodes at a time until this run ends, in place of the recorded number.
            trust_sandbox: Let a run that was made elsewhere loosen its sandboxes, as its tasks say.
            share: Where the run is shared; needed if it is.

        Raises:
            RunChanged: What the run rests on changed, and `changed` is not set.
            UserError: A cap on cost would be counted by prices that somebody sent, a task of somebody's loosens the
                sandbox, an episode cannot be tried again, or `concurrency` is no number of episodes.
            StoreError: There is no run, its record is damaged, or another process has it.
        """
        config = recorded_config(folder, project, prices, budget, trust_sandbox=trust_sandbox)
        if concurrency is not None:
            config = config.with_concurrency(concurrency)
        run = cls.continued(
            folder,
            config,
            given=given,
            changed=changed,
            repeat_in_doubt=repeat_in_doubt,
            budget=budget,
            share=share,
        )
        if concurrency is not None:
            run.store.append(RunSteered(action="set_concurrency", by="resume", concurrency=concurrency))
        for episode in retry:
            run._refuse_retry(episode)
            event = run.store.append(RunSteered(action="retry", by="resume"), episode=episode)
            run.recorded = {**run.recorded, episode: [*run.recorded.get(episode, ()), event]}
        return run

    def _refuse_retry(self, episode: str) -> None:
        known = any(one.id == episode for one in self.planned)
        if known and state_after(self.recorded.get(episode, ())) != "scored":
            return
        self.store.close()
        raise UserError(
            f"{episode} {'has a score, which stays' if known else 'is no episode of the run'}",
            remedy="Episodes that failed or were skipped can be tried again.",
        )

    @classmethod
    def continued(
        cls,
        folder: Path,
        config: RunConfig,
        *,
        given: ComponentOverrides | None = None,
        changed: bool = False,
        repeat_in_doubt: bool = False,
        budget: Caps | None = None,
        share: Share | None = None,
    ) -> Run:
        """As `reopen`, under a configuration that `recorded_config` gave."""
        store = RunStore.open(folder, share=share, cache=_cache(config), repeat_in_doubt=repeat_in_doubt)
        try:
            events = list(store.events())
            resolved = resolve_recorded(config, given)
            going_on = resumed(store, resolved, events, changed=changed)
            caps = {name: amount for name, amount in budget or () if amount is not None}
            going_on = going_on.model_copy(update={"repeat_in_doubt": repeat_in_doubt, "budget": caps})
            events.append(store.append(going_on))
        except BaseException:
            store.close()
            raise
        recorded: dict[str, list[Event]] = defaultdict(list)
        for event in events:
            if event.episode:
                recorded[event.episode].append(event)
        ledgers = BudgetBook(config.budget, events, store.result, own=_own(config))
        return cls(resolved, store, ledgers, recorded)

    @property
    def config(self) -> RunConfig:
        """What is run."""
        return self.resolved.config

    @property
    def planned(self) -> Sequence[PlannedEpisode]:
        """Its episodes, finished ones too."""
        return self.resolved.episodes

    def cap(self, budget: CapOptions) -> None:
        """Puts other caps in the place of the recorded ones, before the run goes on; what was spent counts."""
        events = list(self.store.events())
        self.ledgers = BudgetBook(budget, events, self.store.result, own=_own(self.config))

    def on_event(self, listener: Callable[[Event], None]) -> None:
        """Calls `listener` with every event from now on."""
        self.store.subscribe(listener)

    def drain(self) -> None:
        """Asks every episode to stop after the node under way; safe from signal handlers and other threads."""
        self._drained = True
        if self._loop is not None and self._schedule is not None:
            self._loop.call_soon_threadsafe(self._schedule.stop)

    async def execute(self) -> RunResult:
        """Runs what has no score yet, closes the record, and sends notices of it to `notify`.

        Raises:
            Interrupted: `drain` was called; the rest can be resumed.
            CallInDoubt: All else is done, but a crash hid the outcome of a call that is not safe to repeat.
            UserError: A task, agent, model or environment cannot be used as it is.
            StoreError: The record cannot be written, or the server for checkpoints is away.
        """
        async with Notifier(self.notify, self.tell) as notifier:
            await self._to_the_end(Notices(self.store, self.ledgers, notifier))
        return load_result(self.store.folder)

    async def _to_the_end(self, notices: Notices) -> None:
        try:
            async with AsyncExitStack() as stack:
                machines = await stack.enter_async_context(self.machines) if self.machines else None
                parts = await stack.enter_async_context(RunResources(self.resolved, self.store, machines))
                graphs = Graphs()
                if self.checkpoints:
                    url = None if self.checkpoints == "sqlite" else self.checkpoints
                    graphs = Graphs(await stack.enter_async_context(self.store.checkpointer(url)))
                for episode in self.planned:
                    if recorded := self.recorded.get(episode.id):
                        self.ledgers.episode(episode, recorded, parts.prices)
                sessions = [
                    await self._session(name, episodes, parts) for name, episodes in sessions_of(self.planned).items()
                ]
                await self._episodes(sessions, parts, graphs, notices)
        except (Interrupted, CallInDoubt):
            self.store.append(RunFinished(reason="interrupted"))
            raise
        except UserError:
            self.store.append(RunFinished(reason="failed"))
            raise
        else:
            self.store.append(RunFinished(reason="completed"))
        finally:
            # A shared run waits for its database here.
            await asyncio.to_thread(self.store.close)

    async def _session(self, name: str, planned: Sequence[PlannedEpisode], parts: RunResources) -> Session:
        """Opens a session, which takes in what earlier processes recorded of it."""
        own = self.recorded.get(name, ())
        ledger = self.ledgers.session(planned[0].task, own, parts.prices)
        session = Session(name, planned, parts=parts, store=self.store, ledger=ledger, folder=self.config.project)
        history = [
            event for one in (name, *(episode.id for episode in planned)) for event in self.recorded.get(one, ())
        ]
        session.history = sorted(history, key=lambda event: event.seq)
        if not session.in_sequence:
            await session.replay()
        self.store.subscribe(lambda event: session.take(event) if event.episode in session else None)
        return session

    async def _episodes(
        self, sessions: Sequence[Session], parts: RunResources, graphs: Graphs, notices: Notices
    ) -> None:
        async def do(episode: PlannedEpisode, session: Session | None, gate: Gate) -> EpisodeState:
            return state_of(await work.do(episode, session, gate))

        over = {episode.id: state_after(self.recorded.get(episode.id, ())) for episode in self.planned}
        if "waiting" in over.values() and self.config.regrade is None:
            for episode in self.planned:
                if over[episode.id] == "scored":
                    # Not by `parts`, which would open the models of episodes that need none any more.
                    teach_recorded(
                        self.resolved.components(episode), map(self.store.with_secrets, self.recorded[episode.id])
                    )
        schedule = Schedule(self.planned, over, self.config.concurrency, do)
        self._loop, self._schedule = asyncio.get_running_loop(), schedule
        notices.states = schedule.states
        if self._drained:
            schedule.stop()
        desk = Desk(str(self.store.folder), schedule.places, self.tell, self.ask_here)
        work = EpisodeWork(
            self.resolved, self.store, self.ledgers, parts, graphs, self.person or desk, recorded=self.recorded
        )
        steering = Steering(self.resolved, self.store, self.ledgers, schedule, desk)
        async with ControlServer(
            self.store.folder, lambda request: steering.handle(request.command, request.by), self.tell
        ):
            await schedule.run(sessions)


def _own(config: RunConfig) -> Callable[[Event], bool]:
    """Which events a run spent something on; loops that are graded again were paid for by the run that made them."""
    return lambda event: config.regrade is None or event.node == GRADE or event.episode is None


def _cache(config: RunConfig) -> ResponseCache | None:
    return ResponseCache(config.cache) if config.cache else None
