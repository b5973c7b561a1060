"""One answer outside of any episode: to see whether an agent can still do what it could."""

from __future__ import annotations

from dataclasses import dataclass

from loopwright.agents import AgentRole, Attempt, ModelClient
from loopwright.errors import AgentError
from loopwright.loop._context import EpisodeContext
from loopwright.loop._environment_work import charge_time, retry_once_on_sandbox_loss
from loopwright.loop._verdicts import joined_by_judge, visible_verdict
from loopwright.loop._views import view_for, view_of


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What a probe came to."""

    passed: bool
    """By visible checks, verifiers and the judge, where there is one."""
    seconds: float = 0.0
    """In the environment."""


async def probe(context: EpisodeContext, calls: ModelClient) -> ProbeResult:
    """Asks the proposer once, afresh, and says whether its answer passes all that the loop may see.

    Args:
        context: The instance, its reset environment, and the memory to answer with; its tree stays empty.
        calls: The way to the models; what they answer is in the record, so that a resumed run pays nothing again.

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
        return ProbeResult(passed=False)
    candidate = reply.candidate
    if candidate is None:
        return ProbeResult(passed=False)
    observation, seconds = await charge_time(
        context.ledger, retry_once_on_sandbox_loss(lambda: context.environment.step(candidate))
    )
    attempt = Attempt(iteration=0, candidate=candidate, observation=observation)
    shown = view_of(AgentRole.VERIFIER, context.instance, current=attempt)
    verdict = await joined_by_judge(context, shown, await visible_verdict(context, attempt), calls)
    return ProbeResult(verdict.passed, seconds)
