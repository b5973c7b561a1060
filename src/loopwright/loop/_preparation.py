"""What a proposer works out before the loop: asked once for an episode, recorded, and seen by every role."""

from __future__ import annotations

from loopwright.agents import AgentRole, Prepares
from loopwright.loop._context import EpisodeContext
from loopwright.loop._views import view_for
from loopwright.store import EpisodePrepared

PREPARE = "prepare"
"""The node of what is recorded before the loop."""


async def prepare(context: EpisodeContext) -> None:
    """Lets the proposer prepare the episode, unless that is recorded or the proposer prepares nothing.

    Raises:
        LoopwrightError: The preparation failed; there is nothing that the loop could go by.
    """
    proposer: object = context.agents.get(AgentRole.PROPOSER)
    if context.tree.prepared is not None or not isinstance(proposer, Prepares):
        return
    view = view_for(AgentRole.PROPOSER, context.instance, context.tree, current=None)
    fields = await proposer.prepare(view, context.calls(0, PREPARE))
    context.tree.apply(context.store.append(EpisodePrepared(fields=fields), episode=context.episode, node=PREPARE))
