"""What is said of a candidate: by executing it, by verifiers beside that, and by a judge."""

from __future__ import annotations

from loopwright.agents import AgentRole, Attempt, ModelClient, View
from loopwright.errors import AgentError
from loopwright.loop._context import EpisodeContext
from loopwright.verify import Verdict


async def executed(context: EpisodeContext, attempt: Attempt) -> Verdict:
    """What was found by executing: the environment's visible checks, and the verifiers beside it."""
    verdicts = [attempt.observation.verdict or Verdict()]
    if attempt.candidate is not None:
        verdicts += [await verifier.verify(attempt.candidate, context.instance) for verifier in context.verifiers]
    return Verdict.joined(verdicts)


async def with_judge(context: EpisodeContext, view: View, found: Verdict, calls: ModelClient) -> Verdict:
    """That, and what a model-graded verifier says, where the task has one."""
    judge = context.agents.get(AgentRole.VERIFIER)
    if judge is None:
        return found
    try:
        reply = await judge.act(view, calls)
    except AgentError as error:
        # The judge failed, not the candidate: nothing is scored in its place.
        return Verdict.joined([found, Verdict(summary=f"no usable verdict of the judge: {error.args[0]}")])
    return Verdict.joined([found, reply.verdict or Verdict()])
