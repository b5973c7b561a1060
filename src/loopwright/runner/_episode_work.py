"""What a run does for one of its episodes: it runs or grades it, or records that it was left out."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from loopwright.errors import EpisodeSkipped
from loopwright.loop import (
    EpisodeContext,
    EpisodePlan,
    Gate,
    Graphs,
    Person,
    regrade_episode,
    run_episode,
    spent_fields,
)
from loopwright.plan import BudgetBook, PlannedEpisode, ResolvedRun, RunResources, current_episode
from loopwright.runner._learning import teach
from loopwright.runner._outcomes import episode_started, skipped
from loopwright.session import Prepared, Session
from loopwright.store import EpisodeFinished, EpisodeStarted, Event, RunStore


@dataclass(frozen=True, slots=True)
class EpisodeWork:
    """Does the episodes of a run, one at each call."""

    resolved: ResolvedRun
    store: RunStore
    ledgers: BudgetBook
    parts: RunResources
    graphs: Graphs
    person: Person
    """Who is asked where a task asks a person."""
    recorded: Mapping[str, Sequence[Event]]
    """What earlier processes recorded, by episode."""
    _begun: set[str] = field(default_factory=set)
    """Episodes that were begun in this process."""

    async def do(self, episode: PlannedEpisode, session: Session | None, gate: Gate) -> EpisodeFinished:
        """Does an episode to its end, which is also in the record.

        Raises:
            LoopwrightError: What ends the run, or leaves the episode to a resumed one.
        """
        current_episode.set(episode.id)
        recorded = await self._recorded(episode)
        if gate.skipping:
            return self._left_out(episode, recorded, gate)
        return await self._carried_out(episode, recorded, session, gate)

    def _left_out(self, episode: PlannedEpisode, recorded: Sequence[Event], gate: Gate) -> EpisodeFinished:
        """Records the end of an episode that was skipped before it began, with what it spent before a resume."""
        if not any(isinstance(event.data, EpisodeStarted) for event in recorded):
            self.store.append(episode_started(episode, self.resolved.components(episode)), episode=episode.id)
        ledger = self.ledgers.episode(episode, recorded, self.parts.prices)
        ledger.restart_clock()
        outcome = skipped(gate).model_copy(update=spent_fields(ledger, self.parts.prices))
        self.store.append(outcome, episode=episode.id)
        return outcome

    async def _carried_out(
        self, episode: PlannedEpisode, recorded: Sequence[Event], session: Session | None, gate: Gate
    ) -> EpisodeFinished:
        task, parts = episode.task, self.parts
        ledger = self.ledgers.episode(episode, recorded, parts.prices)
        prepared = await session.prepare(episode) if session else Prepared(parts.cast(episode))
        ledger.restart_clock()
        cast = prepared.cast
        started = episode_started(episode, cast)
        shown = await parts.shown(episode.instance)
        try:
            # Nothing is paid for meanwhile, and on a cluster without workers it takes a minute.
            environment = await gate.unless_stopped(parts.environment(task, episode.id))
        except EpisodeSkipped:
            return self._left_out(episode, recorded, gate)
        try:
            context = EpisodeContext(
                episode=episode.id,
                instance=shown,
                environment=environment,
                agents=cast.agents,
                verifiers=cast.verifiers,
                models=parts.models,
                image_models=parts.image_models,
                named=cast.named,
                arms=cast.arms,
                store=self.store,
                ledger=ledger,
                options=task.loop,
                stop_rules=cast.stop_rules,
                prices=parts.prices,
                seed=task.seed,
                memory=prepared.memory,
                places=parts.places,
                person=self.person,
                gate=gate,
                toolbox=parts.toolbox(task, episode.id, environment),
            )
            plan = EpisodePlan(started, episode.instance, cast.strategy)
            if self.resolved.config.regrade:
                outcome = await regrade_episode(plan, context, recorded=recorded)
            else:
                outcome = await run_episode(plan, context, recorded=recorded, graphs=self.graphs)
                teach(cast, context.tree)
        finally:
            await environment.close()
        if session:
            await session.look()
        return outcome

    async def _recorded(self, episode: PlannedEpisode) -> Sequence[Event]:
        """What is recorded of an episode; of one that is tried again in this process, by this process too."""
        if episode.id not in self._begun:
            self._begun.add(episode.id)
            return self.recorded.get(episode.id, ())

        def read() -> Sequence[Event]:
            return [event for event in self.store.events() if event.episode == episode.id]

        return await asyncio.to_thread(read)
