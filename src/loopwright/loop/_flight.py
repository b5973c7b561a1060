"""The candidates of a search that are in flight.

Candidate `i` is begun when candidate `i - n` is looked at, where n are in flight: what it is made from depends on the
candidates before that alone, not on which of the others came first. So a search comes to the same again, and a resumed
one goes on as if nothing had happened.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

from langgraph.runtime import Runtime

from loopwright.agents import AgentRole, AsksModel, ModelAgent
from loopwright.environments import ExecutesTogether
from loopwright.loop._context import Draw, EpisodeContext, LoopState
from loopwright.loop._decision import Decision, DecisionContext, StopRule
from loopwright.loop._draws import drawn, slots
from loopwright.loop._nodes import Node, act, propose, record_decision, stopped_by, verify
from loopwright.loop._search import Brief, Search
from loopwright.store import Observed
from loopwright.task import LoopOptions
from loopwright.types import Check, Observation, Verdict

_QUEUE = 4
"""Candidates that wait for a processor, or are executed, beside those whose model is asked."""


class _Flight:
    """The candidates of one episode that are under way."""

    def __init__(self, runtime: Runtime[EpisodeContext], search: Search) -> None:
        context = runtime.context
        # Verifiers of searches are exact, and a pass stops nothing: there is nothing to confirm.
        options = context.options.model_copy(update={"confirm": False})
        self._runtime = runtime.override(context=replace(context, options=options))
        self.search = search
        calls, self.size = _sizes(context)
        place: object = context.environment
        self._calls = asyncio.Semaphore(calls)
        self._places = asyncio.Semaphore(place.places if isinstance(place, ExecutesTogether) else 1)
        self._targets: dict[int, int | None] = {}
        for iteration in range(self.size):
            self.launch(iteration, None)

    @property
    def parents(self) -> list[int]:
        """What the candidates under way are made from."""
        return [target for target in self._targets.values() if target is not None]

    def launch(self, iteration: int, target: int | None) -> None:
        """Begins a candidate, unless the task allows no more."""
        context = self._runtime.context
        if iteration >= context.options.max_iterations:
            return
        self._targets[iteration] = target
        brief = self.search.brief(iteration, target)
        work = self._made({"iteration": iteration, "target": target}, brief, context.draws.get(iteration - 1))
        if not context.tree.recorded(iteration, "proposed"):
            context.draws[iteration] = Draw()
        context.in_flight[iteration] = asyncio.create_task(work)

    async def landed(self, iteration: int) -> None:
        """Waits until a candidate is judged."""
        await self._runtime.context.in_flight.pop(iteration)
        self._runtime.context.draws.pop(iteration - 1, None)
        del self._targets[iteration]

    async def _made(self, state: LoopState, brief: Brief, before: Draw | None) -> None:
        context, iteration = self._runtime.context, state["iteration"]
        if iteration in context.draws and context.tree.decision(iteration) is None:
            async with self._calls:
                shown = [context.tree[number] for number in brief.attempts]
                await drawn(context, iteration, before, target=state["target"], shown=shown)
        await propose(state, self._runtime)
        self._refuse(iteration)
        async with self._places:
            await act(state, self._runtime)
            await verify(state, self._runtime)

    def _refuse(self, iteration: int) -> None:
        """Records why a candidate is not executed, in the place of what an execution shows."""
        context = self._runtime.context
        candidate = context.tree[iteration].candidate if context.tree.recorded(iteration, "proposed") else None
        if candidate is None or context.tree.recorded(iteration, "observed"):
            return
        if why := self.search.refuse(iteration, candidate):
            verdict = Verdict(checks=(Check(name="executed", score=0.0, evidence=why),))
            context.record(Observed(observation=Observation(text=why, verdict=verdict)), iteration, "act")


def _sizes(context: EpisodeContext) -> tuple[int, int]:
    """Model calls at the same time, and candidates in flight."""
    proposer = context.agents[AgentRole.PROPOSER]
    asks = isinstance(proposer, ModelAgent) or (isinstance(proposer, AsksModel) and proposer.asks_model)
    calls = slots(context)
    return calls, calls + _QUEUE if asks and calls > 1 else calls


def nodes_of(begin: Callable[[LoopOptions, int | None], Search], stop_rules: Sequence[StopRule]) -> tuple[Node, Node]:
    """The nodes of one episode's graph: wait for the next candidate, then decide what the next one is made from."""
    flights: list[_Flight] = []

    async def search(state: LoopState, runtime: Runtime[EpisodeContext]) -> LoopState:
        context = runtime.context
        if not flights:
            flights.append(_Flight(runtime, begin(context.options, context.seed)))
        await flights[0].landed(state["iteration"])
        return {}

    async def decide(state: LoopState, runtime: Runtime[EpisodeContext]) -> LoopState:
        context, iteration, flight = runtime.context, state["iteration"], flights[0]
        decided = context.tree.decision(iteration)
        if context.tree.recorded(iteration, "proposed"):
            flight.search.take(context.tree[iteration])
        if decided is None:
            under_way = len(context.in_flight)
            seen = DecisionContext(context.tree, context.options, context.ledger, drawn_ahead=under_way, at=iteration)
            decision = stopped_by(stop_rules, context, seen) or _next(flight, iteration, context.options)
            decided = record_decision(context, decision, iteration)
        if decided.decision == "stop":
            # What is under way was paid for, and may be better.
            for number in [*context.in_flight]:
                await flight.landed(number)
        else:
            flight.launch(iteration + flight.size, decided.target)
        return {"iteration": iteration + 1, "target": None, "stopped": decided.decision == "stop"}

    return search, decide


def _next(flight: _Flight, iteration: int, options: LoopOptions) -> Decision:
    if iteration + flight.size >= options.max_iterations:
        return Decision("continue", "last", "the last candidates are under way")
    picked = flight.search.pick(flight.parents)
    if flight.size == 1:
        return picked
    return replace(picked, why=f"iteration {iteration + flight.size}: {picked.why}")
