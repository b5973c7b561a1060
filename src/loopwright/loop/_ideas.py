"""Ideas of a search: they are proposed and ranked before a candidate is made of one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from loopwright.agents import AgentRole, View
from loopwright.errors import AgentError, NoCandidate
from loopwright.loop._search import Brief
from loopwright.loop._views import view_for
from loopwright.store import IdeaChosen
from loopwright.task import IdeaOptions
from loopwright.types import Idea

if TYPE_CHECKING:
    from loopwright.loop._context import EpisodeContext


@dataclass(slots=True)
class IdeaPool:
    """Ideas that were proposed for one parent and not tried yet."""

    kept: list[Idea] = field(default_factory=list)
    """Those that will be tried, in their order."""
    others: list[Idea] = field(default_factory=list)
    """Those that rank too low."""

    def add(self, batch: int, texts: Sequence[str], options: IdeaOptions, *, reviewed: bool) -> None:
        """Adds ideas that were proposed together.

        Args:
            batch: The iteration that they were proposed for.
            texts: The ideas, the most promising first.
            options: How many of them are tried.
            reviewed: Whether a reviewer ranked them; if not, all will be tried.
        """
        ideas = [Idea(text=text, batch=batch, rank=rank, reviewed=reviewed) for rank, text in enumerate(texts)]
        kept = options.kept if reviewed else len(ideas)
        self.kept += ideas[:kept]
        self.others += [idea.model_copy(update={"audit": True}) for idea in ideas[kept:]]

    def take(self, audit: float, random: Random) -> Idea | None:
        """Takes out the next one to try: with a chance one of the others; None where new ones are to be asked for.

        Args:
            audit: The chance.
            random: A source that is the same after a resume.
        """
        audited = random.random() < audit
        if audited and self.others:
            return self.others.pop(random.randrange(len(self.others)))
        return self.kept.pop(0) if self.kept else None

    def drop(self, idea: Idea) -> None:
        """Takes out one that is being tried."""
        for among in (self.kept, self.others):
            if idea in among:
                among.remove(idea)


async def idea_for(
    context: EpisodeContext, iteration: int, target: int | None, brief: Brief, reserved: asyncio.Event
) -> Idea | None:
    """The idea that a candidate carries out; None where the task names nobody for ideas.

    Args:
        context: The episode.
        iteration: That of the candidate.
        target: The iteration that it is made from; None for a fresh start.
        brief: Names an idea of earlier ones, or None for new ones.
        reserved: Set when the budget has room for the first call.

    Raises:
        AgentError: The reply holds no ideas.
        BudgetExceeded: There is no budget left.
        ModelError: The provider failed for good.
    """
    if AgentRole.IDEA not in context.agents:
        return None
    known = context.tree.iterations.get(iteration)
    if known and known.idea_chosen:
        return known.idea_chosen.idea
    chosen = IdeaChosen(idea=brief.idea) if brief.idea else await _new(context, iteration, target, brief, reserved)
    context.record(chosen, iteration, "idea")
    return chosen.idea


async def _new(
    context: EpisodeContext, iteration: int, target: int | None, brief: Brief, reserved: asyncio.Event
) -> IdeaChosen:
    options = context.options.ideas
    view = _view(AgentRole.IDEA, context, target, brief).model_copy(update={"wanted": options.each})
    calls = context.calls(iteration, "idea", reserved.set)
    ideas = (await context.agents[AgentRole.IDEA].act(view, calls)).ideas
    if not ideas:
        raise NoCandidate("whoever proposes ideas answered none")
    ideas, reviewed = await _ranked(context, iteration, target, brief, ideas[: options.each])
    pool = IdeaPool()
    pool.add(iteration, ideas, options, reviewed=reviewed)
    kept = len(pool.kept)
    idea = pool.take(options.audit, calls.random())
    assert idea is not None, "at least one is kept"
    return IdeaChosen(idea=idea, ideas=ideas, kept=kept)


async def _ranked(
    context: EpisodeContext, iteration: int, target: int | None, brief: Brief, ideas: tuple[str, ...]
) -> tuple[tuple[str, ...], bool]:
    """The ideas with the most promising first, and whether a reviewer said so."""
    reviewer = context.agents.get(AgentRole.REVIEWER)
    if reviewer is None or len(ideas) < 2:
        return ideas, False
    view = _view(AgentRole.REVIEWER, context, target, brief).model_copy(update={"ideas": ideas})
    try:
        ranking = (await reviewer.act(view, context.calls(iteration, "review"))).ranking or ()
    except AgentError:
        return ideas, False  # The ideas are paid for, and are tried in their own order.
    known = dict.fromkeys(number for number in ranking if 0 <= number < len(ideas))
    order = (*known, *(number for number in range(len(ideas)) if number not in known))
    return tuple(ideas[number] for number in order), bool(known)


def _view(role: AgentRole, context: EpisodeContext, target: int | None, brief: Brief) -> View:
    shown = [context.tree[number] for number in sorted({*brief.attempts, *brief.considered})]
    return view_for(role, context.known, context.tree, attempts=shown, current=target, options=context.options)
