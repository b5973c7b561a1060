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
from loopwright.loop._context import Draw, EpisodeContext, Flight, LoopState
from loopwright.loop._decision import Decision, DecisionContext, StopRule
from loopwright.loop._draws import drawn, slots
from loopwright.loop._nodes import Node, act, propose, record_decision, stopped_by, verify
from loopwright.loop._questions import not_executed
from loopwright.loop._search import Brief, Search
from loopwright.store import Observed
from loopwright.task import LoopOptions

_QUEUE = 4
"""Candidates that wait for a processor, or are executed, beside those whose model is asked."""


def _begin(runtime: Runtime[EpisodeContext], search: Search) -> None:
    context, flight = runtime.context, runtime.context.flight
    place: object = context.environment
    calls, size = sizes(context)
    started = context.tree.started
    flight.size = (started and started.in_flight) or size
    flight.search, flight.landed = search, context.tree.without_iterations()
    flight.calls = asyncio.Semaphore(calls)
    flight.places = context.places(place.places) if isinstance(place, ExecutesTogether) else asyncio.Semaphore(1)
    for iteration in range(flight.size):
        _launch(runtime, iteration, None)


def _launch(runtime: Runtime[EpisodeContext], iteration: int, target: int | None) -> None:
    """Begins a candidate, unless the task allows no more."""
    context, flight = runtime.context, runtime.context.flight
    if iteration >= context.options.max_iterations:
        return
    flight.targets[iteration] = target
    brief = flight.search.brief(iteration, target)
    work = _made({"iteration": iteration, "target": target}, runtime, brief, context.draws.get(iteration - 1))
    if not context.tree.recorded(iteration, "proposed") and context.tree.decision(iteration) is None:
        context.draws[iteration] = Draw()
    flight.tasks[iteration] = asyncio.create_task(work)


async def _landed(context: EpisodeContext, iteration: int) -> None:
    """Waits until a candidate is judged."""
    await context.flight.tasks.pop(iteration)
    context.draws.pop(iteration - 1, None)
    del context.flight.targets[iteration]


async def _made(state: LoopState, runtime: Runtime[EpisodeContext], brief: Brief, before: Draw | None) -> None:
    # Verifiers of searches are exact, and a pass stops nothing: there is nothing to confirm.
    options = runtime.context.options.model_copy(update={"confirm": False})
    runtime = runtime.override(context=replace(runtime.context, options=options))
    context, iteration = runtime.context, state["iteration"]
    if iteration in context.draws:
        async with context.flight.calls:
            await drawn(context, iteration, before, target=state["target"], brief=brief)
    await context.gate.before_call()
    await propose(state, runtime)
    _refuse(context, iteration)
    async with context.flight.places:
        await act(state, runtime)
        await verify(state, runtime)


def _refuse(context: EpisodeContext, iteration: int) -> None:
    """Records why a candidate is not executed, in the place of what an execution shows."""
    candidate = context.tree[iteration].candidate if context.tree.recorded(iteration, "proposed") else None
    if candidate is None or context.tree.recorded(iteration, "observed"):
        return
    if why := context.flight.search.refuse(iteration, candidate):
        context.record(Observed(observation=not_executed(why)), iteration, "act")


def sizes(context: EpisodeContext) -> tuple[int, int]:
    """Model calls at the same time, and candidates in flight."""
    proposer = context.agents[AgentRole.PROPOSER]
    makers = [arm.agent for arm in context.arms.values()] or [proposer]
    asks = any(isinstance(one, ModelAgent) or (isinstance(one, AsksModel) and one.asks_model) for one in makers)
    calls = slots(context)
    return calls, calls + _QUEUE if asks and calls > 1 else calls


def nodes_of(begin: Callable[[LoopOptions, int | None], Search], stop_rules: Sequence[StopRule]) -> tuple[Node, Node]:
    """The nodes of one episode's graph: wait for the next candidate, then decide what the next one is made from."""

    async def search(state: LoopState, runtime: Runtime[EpisodeContext]) -> LoopState:
        context = runtime.context
        if not context.flight.size:
            _begin(runtime, begin(context.options, context.seed))
        await _landed(context, state["iteration"])
        return {}

    async def decide(state: LoopState, runtime: Runtime[EpisodeContext]) -> LoopState:
        context, iteration, flight = runtime.context, state["iteration"], runtime.context.flight
        decided = context.tree.decision(iteration)
        if context.tree.recorded(iteration, "proposed"):
            flight.search.take(context.tree[iteration])
            flight.landed.take(context.tree.iterations[iteration])
        if decided is None:
            seen = DecisionContext(flight.landed, context.options, context.ledger, drawn_ahead=len(flight.tasks))
            decision = stopped_by(stop_rules, context, seen) or _next(flight, iteration, context.options)
            decided = record_decision(context, decision, iteration)
        if decided.decision == "stop":
            # What is under way was paid for, and may be better.
            for number in [*flight.tasks]:
                await _landed(context, number)
        else:
            _launch(runtime, iteration + flight.size, decided.target)
        return {"iteration": iteration + 1, "target": None, "stopped": decided.decision == "stop"}

    return search, decide


def _next(flight: Flight, iteration: int, options: LoopOptions) -> Decision:
    if iteration + flight.size >= options.max_iterations:
        return Decision("continue", "last", "the last candidates are under way")
    picked = flight.search.pick([target for target in flight.targets.values() if target is not None])
    if flight.size == 1:
        return picked
    return replace(picked, why=f"iteration {iteration + flight.size}: {picked.why}")
