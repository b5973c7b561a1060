"""A run: many episodes under one configuration, in parallel, recorded in one folder."""

from __future__ import annotations

import asyncio
import secrets
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from loopwright._casting import Given
from loopwright._parts import Parts, current_episode
from loopwright._results import RunResult, load_result
from loopwright._version import __version__
from loopwright.budget import Caps, Ledger
from loopwright.errors import Interrupted, UserError
from loopwright.loop import EpisodeContext, EpisodePlan, run_episode, spend_of
from loopwright.models import Prices, Reply
from loopwright.store import (
    CallFinished,
    EpisodeFinished,
    EpisodeStarted,
    Event,
    Manifest,
    RunFinished,
    RunStarted,
    RunStore,
    read_run,
)
from loopwright.task import BudgetOptions, Instance, Task

if TYPE_CHECKING:
    from langgraph.runtime import RunControl


class RunConfig(BaseModel):
    """Everything that fixes a run's results; it is kept in the run's manifest."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tasks: tuple[Task, ...]
    strategies: tuple[str, ...] = ()
    """Strategies to compare on every task; empty for each task's own."""
    model: str | None = None
    """`provider/model` for every role, over what tasks and cards say."""
    calls: int | None = None
    """Model calls per instance, the same for every strategy: `single` makes that many independent episodes."""
    repeats: int | None = None
    """Repeats of every episode, over what tasks say."""
    seed: int | None = None
    """Over what tasks say; the same seed draws the same samples from a model that honours seeds."""
    grade_all: bool = False
    """Whether the hidden checks grade every candidate after the loop, to see what refining did."""
    budget: BudgetOptions = BudgetOptions()
    """Hard caps of the whole run."""
    project: Path = Path()
    """Where the user's own agents, prompts, environments and modules are."""
    prices: Path | None = None
    """The user's price file; without one no cost is told."""
    concurrency: int = 4
    """Episodes at a time."""


@dataclass(frozen=True, slots=True)
class Planned:
    """One episode to run."""

    id: str
    task: Task
    instance: Instance
    strategy: str
    repeat: int


def plan_episodes(config: RunConfig) -> tuple[Planned, ...]:
    """Lists the episodes of a run, instance by instance, so that strategies are compared side by side."""
    planned = []
    for task in config.tasks:
        for instance in task.instances():
            for strategy in config.strategies or (task.loop.strategy,):
                # A single call is compared with N calls by asking for N independent answers.
                times = config.calls if config.calls and strategy == "single" else 1
                for repeat in range((config.repeats or task.repeats) * times):
                    name = task.name if instance.id == task.name else f"{task.name}.{instance.id}"
                    planned.append(Planned(f"{name}:{strategy}:{repeat}", task, instance, strategy, repeat))
    return tuple(planned)


def new_run_id() -> str:
    """A name that sorts by time."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


@dataclass(slots=True)
class Run:
    """A run that is under way."""

    config: RunConfig
    store: RunStore
    planned: tuple[Planned, ...]
    ledger: Ledger
    recorded: Mapping[str, Sequence[Event]] = field(default_factory=dict)
    given: Given = field(default_factory=Given)
    _control: RunControl | None = None

    @classmethod
    def create(cls, config: RunConfig, folder: Path, *, given: Given | None = None) -> Run:
        """Makes the run's folder.

        Args:
            config: What to run.
            folder: A folder that is not there yet, or empty.
            given: Parts that are objects rather than names.

        Raises:
            StoreError: The folder is not empty or cannot be written.
        """
        manifest = Manifest(
            id=folder.name,
            created=datetime.now(UTC).isoformat(),
            loopwright=__version__,
            config=config.model_dump(mode="json"),
        )
        planned = plan_episodes(config)
        store = RunStore.create(folder, manifest)
        store.append(
            RunStarted(
                loopwright=__version__,
                tasks={task.name: task.digest for task in config.tasks},
                variants=tuple(dict.fromkeys(episode.strategy for episode in planned)),
                episodes=len(planned),
            )
        )
        return cls(config, store, planned, Ledger(_caps(config.budget)), given=given or Given())

    @classmethod
    def reopen(cls, folder: Path, *, given: Given | None = None) -> Run:
        """Opens an interrupted run to go on with it.

        Args:
            folder: The run's folder.
            given: The same objects that the run was created with.

        Raises:
            StoreError: There is no run, its record is damaged, or another process has it.
        """
        store = RunStore.open(folder)
        config = RunConfig.model_validate(store.manifest.config)
        recorded: dict[str, list[Event]] = defaultdict(list)
        for event in store.events():
            if event.episode:
                recorded[event.episode].append(event)
        return cls(config, store, plan_episodes(config), Ledger(_caps(config.budget)), recorded, given=given or Given())

    def on_event(self, listener: Callable[[Event], None]) -> None:
        """Calls `listener` with every event from now on."""
        self.store.subscribe(listener)

    def drain(self) -> None:
        """Asks every episode to stop after the node under way; safe from signal handlers."""
        self._drain_control().request_drain()

    def _drain_control(self) -> RunControl:
        if self._control is None:
            from langgraph.runtime import RunControl

            self._control = RunControl()
        return self._control

    async def execute(self) -> RunResult:
        """Runs what is not finished, and closes the record.

        Raises:
            Interrupted: `drain` was called; the rest can be resumed.
            UserError: A task, agent, model or environment cannot be used as it is.
        """
        try:
            async with AsyncExitStack() as stack:
                parts = await stack.enter_async_context(self._parts())
                await self._episodes([episode for episode in self.planned if not self._finished(episode)], parts)
        except Interrupted:
            self.store.append(RunFinished(reason="interrupted"))
            raise
        except UserError:
            self.store.append(RunFinished(reason="failed"))
            raise
        else:
            self.store.append(RunFinished(reason="completed"))
        finally:
            self.store.close()
        return load_result(self.store.folder)

    def _parts(self) -> Parts:
        prices = Prices.load(self.config.prices) if self.config.prices else None
        return Parts(
            folder=self.config.project, model=self.config.model, store=self.store, prices=prices, given=self.given
        )

    def _finished(self, episode: Planned) -> bool:
        return any(isinstance(event.data, EpisodeFinished) for event in self.recorded.get(episode.id, ()))

    async def _episodes(self, todo: Iterable[Planned], parts: Parts) -> None:
        places = asyncio.Semaphore(self.config.concurrency)
        control = self._drain_control()

        async def one(episode: Planned) -> None:
            async with places:
                if control.drain_requested:
                    raise Interrupted("the run was asked to stop", remedy="Go on with `loopwright resume RUN`.")
                await self._episode(episode, parts)

        try:
            async with asyncio.TaskGroup() as group:
                for episode in todo:
                    group.create_task(one(episode))
        except BaseExceptionGroup as problems:
            raise _foremost(problems) from None

    async def _episode(self, episode: Planned, parts: Parts) -> None:
        current_episode.set(episode.id)
        recorded = self.recorded.get(episode.id, ())
        task, calls = episode.task, self.config.calls
        single = episode.strategy == "single"
        budget = task.budget.model_copy(update={"model_calls": 1 if single else calls}) if calls else task.budget
        ledger = Ledger(_caps(budget), parent=self.ledger)
        for event in recorded:
            if isinstance(event.data, CallFinished) and event.data.kind == "model":
                self._charge(ledger, event.data)
        cast = parts.cast(task, episode.strategy)
        options = task.loop.model_copy(
            update={
                "strategy": episode.strategy,
                "grade": "all" if self.config.grade_all else task.loop.grade,
                "max_iterations": calls or task.loop.max_iterations,
            }
        )
        started = EpisodeStarted(
            task=task.name,
            instance=episode.instance.id,
            variant=episode.strategy,
            strategy=episode.strategy,
            models=cast.models,
            repeat=episode.repeat,
            seed=self._seed(task),
            goal=episode.instance.goal,
        )
        environment = await parts.environment(task, episode.id)
        try:
            context = EpisodeContext(
                episode=episode.id,
                instance=episode.instance.without_hidden(),
                environment=environment,
                agents=cast.agents,
                verifiers=cast.verifiers,
                models=parts.models,
                store=self.store,
                ledger=ledger,
                options=options,
                prices=parts.prices,
                seed=self._seed(task),
            )
            plan = EpisodePlan(started, episode.instance, cast.strategy)
            await run_episode(plan, context, recorded=recorded, control=self._drain_control())
        finally:
            await environment.close()

    def _charge(self, ledger: Ledger, call: CallFinished) -> None:
        """Counts what a call of an earlier process cost."""
        result = read_run(self.store.folder).result(call)
        if result is not None:
            ledger.charge(spend_of(Reply.model_validate(result)))

    def _seed(self, task: Task) -> int | None:
        return self.config.seed if self.config.seed is not None else task.seed


def _caps(options: BudgetOptions) -> Caps:
    return Caps(
        model_calls=options.model_calls,
        tokens=options.tokens,
        usd=Decimal(str(options.usd)) if options.usd is not None else None,
        seconds=options.seconds,
    )


def _foremost(problems: BaseExceptionGroup[Any]) -> BaseException:
    """The one exception to tell of several: what the user must mend goes before an interruption."""
    leaves: list[BaseException] = []
    stack: list[BaseException] = [problems]
    while stack:
        error = stack.pop()
        if isinstance(error, BaseExceptionGroup):
            stack.extend(error.exceptions)
        else:
            leaves.append(error)
    order = (UserError, Interrupted)
    return min(leaves, key=lambda e: next((rank for rank, kind in enumerate(order) if isinstance(e, kind)), -1))
