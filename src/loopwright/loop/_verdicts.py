"""What is said of a candidate: by executing it, by verifiers beside that, and by a judge; in the loop or alone."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import ValidationError

from loopwright.agents import Agent, AgentRole, Attempt, Critique, ModelClient, View
from loopwright.environments import Observation
from loopwright.errors import AgentError, VerifierError
from loopwright.loop._calls import NodeCalls
from loopwright.loop._context import EpisodeContext
from loopwright.loop._environment_work import charge_time, retry_once_on_sandbox_loss
from loopwright.loop._views import view_for, view_of
from loopwright.store import Failed
from loopwright.types import Candidate
from loopwright.verify import Check, Verdict

NO_VERDICT = "no usable verdict of the judge"
"""How the summary of a verdict begins where the judge's reply cannot be read."""


def unjudged(verdict: Verdict) -> bool:
    """Whether nothing checked a candidate, as its judge's reply cannot be read."""
    return not verdict.checks and NO_VERDICT in verdict.summary


def refuse_unjudged(verdict: Verdict) -> Verdict:
    """The verdict, unless nothing checked the candidate.

    Raises:
        VerifierError: The judge's reply cannot be read, and there are no other checks.
    """
    if unjudged(verdict):
        raise VerifierError(
            f"nothing checked the answer: {verdict.summary}",
            remedy="`loopwright resume RUN` asks the judge again. If that does not help, name another model for it: "
            "`models: {verifier: ...}`.",
        )
    return verdict


async def visible_verdict(context: EpisodeContext, attempt: Attempt) -> Verdict:
    """The environment's visible checks and the verifiers beside it."""
    verdicts = [attempt.observation.verdict or Verdict()]
    if attempt.candidate is not None:
        verdicts += await verified(context, attempt.candidate)
    return Verdict.joined(verdicts)


async def verified(context: EpisodeContext, candidate: Candidate) -> list[Verdict]:
    """What verifiers beside the environment say.

    Raises:
        VerifierError: One failed, or what it gave is no verdict.
    """
    verdicts = []
    for verifier in context.verifiers:
        try:
            verdicts.append(await verifier.verify(candidate, context.known))
        except ValidationError as error:
            problem = error.errors()[0]
            where = ".".join(map(str, problem["loc"]))
            raise VerifierError(f"{type(verifier).__name__} gave no verdict: {where}: {problem['msg']}") from None
    return verdicts


async def joined_by_judge(context: EpisodeContext, view: View, found: Verdict, calls: ModelClient) -> Verdict:
    """A verdict with what a model-graded verifier adds, where the task has one."""
    judge = context.agents.get(AgentRole.VERIFIER)
    if judge is None:
        return found
    try:
        reply = await judge.act(view, calls)
    except AgentError as error:
        # The judge failed, not the candidate: nothing is scored in its place.
        return Verdict.joined([found, Verdict(summary=f"{NO_VERDICT}: {error.args[0]}")])
    return Verdict.joined([found, reply.verdict or Verdict()])


async def audited(context: EpisodeContext, auditor: Agent, attempt: Attempt, calls: ModelClient) -> Verdict:
    """What the auditor says of an answer.

    Raises:
        VerifierError: Its reply is no verdict: this says nothing about the answer.
    """
    shown = Attempt(iteration=attempt.iteration, candidate=attempt.candidate, observation=attempt.observation)
    try:
        reply = await auditor.act(view_of(AgentRole.AUDITOR, context.known, current=shown), calls)
    except AgentError as error:
        raise VerifierError(f"no usable verdict of the auditor: {error.args[0]}") from None
    if reply.verdict is None or not reply.verdict.checks:
        raise VerifierError("the auditor checked nothing")
    return reply.verdict


async def critique_of(
    context: EpisodeContext, view: View, calls: NodeCalls, iteration: int, stand_in: Agent | None
) -> tuple[Agent, Critique] | None:
    """What the critic says, and who that was: the stand-in where its reply cannot be read; None where there is none."""
    critic = context.agents[AgentRole.CRITIC]
    try:
        reply = await critic.act(view, calls)
    except AgentError as error:
        failed = Failed(error=type(error).__name__, cause=error.cause.value, message=error.args[0], retried=False)
        context.record(failed, iteration, calls.node)
        if stand_in is None:
            return None
        critic = stand_in
        reply = await critic.act(view, calls)
    except AttributeError as error:
        if error.obj is None and view.current and view.current.candidate is None:
            error.args = (f"{error}; the attempt holds no candidate: view.current.candidate is None",)
        raise
    return critic, reply.critique or Critique(feedback="")


def confirmed_verdict(verdict: Verdict, again: Observation) -> Verdict:
    """The verdict after the visible checks ran a second time; a check that does not pass twice does not pass."""
    if again.verdict is None or again.verdict.passed:
        return verdict
    second = {check.name: check for check in again.verdict.checks}
    checks = tuple(_worse(check, second.get(check.name)) for check in verdict.checks)
    return verdict.model_copy(update={"checks": checks, "summary": "passed once, failed when confirmed"})


def _worse(one: Check, other: Check | None) -> Check:
    return one if other is None or one.score <= other.score else other


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
        context.known,
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
    shown = view_of(AgentRole.VERIFIER, context.known, current=attempt)
    verdict = await joined_by_judge(context, shown, await visible_verdict(context, attempt), calls)
    return ProbeResult(verdict.passed, seconds)
