"""One answer outside of any episode: to see whether an agent can still do what it could."""

from __future__ import annotations

from loopwright.agents import AgentRole, Completes
from loopwright.errors import AgentError
from loopwright.loop._context import EpisodeContext
from loopwright.loop._steady import steady
from loopwright.loop._time import timed
from loopwright.loop._views import view_for
from loopwright.verify import Verdict


async def probe(context: EpisodeContext, calls: Completes) -> bool:
    """Asks the proposer once, afresh, and says whether its answer passes the visible checks.

    Args:
        context: The instance, its reset environment, and the memory to answer with; its tree stays empty.
        calls: The way to the model; what it answers is in the record, so that a resumed run pays nothing again.

    Raises:
        BudgetExceeded: There is no budget left.
        ModelError: The provider failed for good.
        VerifierError: A verifier failed.
        SandboxError: The environment's sandbox failed.
    """
    view = view_for(
        AgentRole.PROPOSER,
        context.instance,
        context.tree,
        current=None,
        iterations_left=context.options.max_iterations,
        memory=context.memory,
    )
    try:
        reply = await context.agents[AgentRole.PROPOSER].act(view, calls)
    except AgentError:
        return False
    candidate = reply.candidate
    if candidate is None:
        return False
    observation, _ = await timed(context.ledger, steady(lambda: context.environment.step(candidate)))
    verdicts = [observation.verdict or Verdict()]
    verdicts += [await verifier.verify(candidate, context.instance) for verifier in context.verifiers]
    return Verdict.joined(verdicts).passed
