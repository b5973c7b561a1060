"""What is said of a candidate: by executing it, by verifiers beside that, and by a judge."""

from __future__ import annotations

from loopwright.agents import AgentRole, Attempt, ModelClient, View
from loopwright.environments import Observation
from loopwright.errors import AgentError
from loopwright.loop._context import EpisodeContext
from loopwright.verify import Check, Verdict


async def visible_verdict(context: EpisodeContext, attempt: Attempt) -> Verdict:
    """The environment's visible checks and the verifiers beside it."""
    verdicts = [attempt.observation.verdict or Verdict()]
    if attempt.candidate is not None:
        verdicts += [await verifier.verify(attempt.candidate, context.instance) for verifier in context.verifiers]
    return Verdict.joined(verdicts)


async def joined_by_judge(context: EpisodeContext, view: View, found: Verdict, calls: ModelClient) -> Verdict:
    """A verdict with what a model-graded verifier adds, where the task has one."""
    judge = context.agents.get(AgentRole.VERIFIER)
    if judge is None:
        return found
    try:
        reply = await judge.act(view, calls)
    except AgentError as error:
        # The judge failed, not the candidate: nothing is scored in its place.
        return Verdict.joined([found, Verdict(summary=f"no usable verdict of the judge: {error.args[0]}")])
    return Verdict.joined([found, reply.verdict or Verdict()])


def confirmed_verdict(verdict: Verdict, again: Observation) -> Verdict:
    """The verdict after the visible checks ran a second time; a check that does not pass twice does not pass."""
    if again.verdict is None or again.verdict.passed:
        return verdict
    second = {check.name: check for check in again.verdict.checks}
    checks = tuple(_worse(check, second.get(check.name)) for check in verdict.checks)
    return verdict.model_copy(update={"checks": checks, "summary": "passed once, failed when confirmed"})


def _worse(one: Check, other: Check | None) -> Check:
    return one if other is None or one.score <= other.score else other
