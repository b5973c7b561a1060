"""Independent candidates are drawn at the same time, ahead of their iterations.

Only the proposer is asked ahead. Its reply waits for its iteration, and everything else goes on one after the other:
an episode comes to the same as with one draw at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from langgraph.graph import END
from langgraph.runtime import Runtime
from langgraph.types import Send

from loopwright.agents import AgentReply, AgentRole, ModelAgent, RecallsAttempts
from loopwright.loop._context import Draw, EpisodeContext, LoopState
from loopwright.loop._ideas import idea_for
from loopwright.loop._search import Brief
from loopwright.loop._views import view_for
from loopwright.types import ArmUse, Attempt, Idea


async def ask_for_candidate(
    context: EpisodeContext,
    iteration: int,
    target: int | None,
    reserved: asyncio.Event | None = None,
    *,
    shown: Iterable[Attempt] | None = None,
    idea: Idea | None = None,
    arm: str = "",
) -> AgentReply:
    """Asks the proposer for the candidate of an iteration.

    Args:
        context: The episode.
        iteration: The iteration.
        target: The iteration to work on from; None for a fresh start.
        reserved: Set when the budget has room for the call.
        shown: Earlier attempts that the proposer sees; None for all.
        idea: What the candidate is to carry out; None for anything.
        arm: Who makes it; empty for the proposer.

    Raises:
        AgentError: The reply holds no candidate.
        BudgetExceeded: There is no budget left.
        ModelError: The provider failed for good.
    """
    chosen = context.arms.get(arm)
    proposer: object = context.agents[AgentRole.PROPOSER]
    view = view_for(
        AgentRole.PROPOSER,
        context.known,
        context.tree,
        attempts=shown,
        current=target,
        iterations_left=context.options.max_iterations - iteration,
        memory=context.memory,
        options=context.options,
        ideas=(idea.text,) if idea else (),
        operation=chosen.operation if chosen else "",
        recalls=isinstance(proposer, RecallsAttempts) and proposer.recalls_attempts,
    )
    calls = context.calls(iteration, "propose", reserved.set if reserved else None)
    if chosen is None:
        return await context.agents[AgentRole.PROPOSER].act(view, calls)
    calls.named = chosen.models
    try:
        return await chosen.agent.act(view, calls)
    finally:
        if mine := context.draws.get(iteration):
            mine.made_by = ArmUse(arm=arm, tokens=calls.tokens, usd=calls.usd)


async def draw(state: LoopState, runtime: Runtime[EpisodeContext]) -> LoopState:
    """Draws the candidate of one iteration; what goes wrong waits for its iteration too."""
    context, iteration = runtime.context, state["iteration"]
    await drawn(context, iteration, context.draws.get(iteration - 1))
    return {}


async def drawn(
    context: EpisodeContext,
    iteration: int,
    before: Draw | None,
    *,
    target: int | None = None,
    brief: Brief | None = None,
) -> None:
    """Asks for the candidate of an iteration ahead of it; `take_drawn` gives what came of it.

    Args:
        context: The episode.
        iteration: The iteration.
        before: The draw before this one, which takes its budget first; None where there is none.
        target: As for `ask_for_candidate`.
        brief: What the proposer is shown and told to do; None shows all attempts.
    """
    mine = context.draws.setdefault(iteration, Draw())
    try:
        if before:
            # Budget is taken in the order of the iterations: the first draws get what there is.
            await before.reserved.wait()
        if before and before.ends_loop:
            mine.result = before.result
        elif brief and brief.candidate:
            mine.result = AgentReply(candidate=brief.candidate)
        else:
            shown = [context.tree[number] for number in brief.attempts] if brief else None
            idea = await idea_for(context, iteration, target, brief, mine.reserved) if brief else None
            arm = brief.arm if brief else ""
            mine.result = await ask_for_candidate(
                context, iteration, target, mine.reserved, shown=shown, idea=idea, arm=arm
            )
    except Exception as error:
        mine.result = error
    finally:
        mine.reserved.set()


def draws_or(first: str) -> Callable[[LoopState, Runtime[EpisodeContext]], Awaitable[str | list[Send]]]:
    """Makes the edge to the draws that are to be made; to the node `first` where there are none."""

    async def onward(state: LoopState, runtime: Runtime[EpisodeContext]) -> str | list[Send]:
        if state["stopped"]:
            return END
        return [Send("draw", {"iteration": number}) for number in _wanted(runtime.context, state["iteration"])] or first

    return onward


def _wanted(context: EpisodeContext, iteration: int) -> list[int]:
    """The iterations whose candidates are to be drawn now; those of one width are drawn together."""
    width = slots(context)
    if width == 1 or context.tree.stop_rule:
        return []
    first = iteration - iteration % width
    last = min(first + width, context.options.max_iterations)
    left = context.ledger.unspent.model_calls
    if left is not None and context.judged_by_model:
        last = min(last, iteration + left // 2)
    wave = range(first, last)
    return [number for number in wave if number not in context.draws and not context.tree.recorded(number, "proposed")]


def take_drawn(context: EpisodeContext, iteration: int) -> AgentReply | None:
    """What the proposer answered ahead; None where it was not asked.

    Raises:
        Exception: Whatever asking raised.
    """
    draw = context.draws.get(iteration)
    if draw is None:
        return None
    result, draw.result = draw.result, None
    if isinstance(result, Exception):
        raise result
    return result


def drawn_ahead(context: EpisodeContext) -> int:
    """How many candidates wait for their iteration."""
    return sum(draw.result is not None and not draw.ends_loop for draw in context.draws.values())


def slots(context: EpisodeContext) -> int:
    """Candidates that are asked for at the same time: as many as the task allows and the model takes at once."""
    proposer = context.agents[AgentRole.PROPOSER]
    most = getattr(context.models[proposer.model], "slots", None) if isinstance(proposer, ModelAgent) else None
    return min(context.options.width, most or context.options.width)
