"""An answer that passed is refined once more, to see whether that spoils it; its score stays as it is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from loopwright.agents import AgentRole, Attempt, RuleCritic
from loopwright.errors import AgentError, Cause, EventTooLarge, LoopwrightError, StoreError
from loopwright.loop._context import TOO_LARGE, EpisodeContext
from loopwright.loop._environment_work import charge_time, retry_once_on_sandbox_loss
from loopwright.loop._verdicts import critique_of, joined_by_judge, visible_verdict
from loopwright.loop._views import view_of
from loopwright.store import IDEMPOTENCE, IdempotenceChecked
from loopwright.types import Candidate
from loopwright.verify import Verdict

Grade = Callable[[Attempt], Awaitable[Verdict]]


async def check_idempotence(context: EpisodeContext, grade: Grade, *, critic: bool) -> None:
    """Refines an answer that passed once more, grades what comes of it, and records whether it still passes.

    Args:
        context: The episode, whose answer is graded.
        grade: Gives the verdict on an attempt that grades an answer.
        critic: Whether the strategy asks a critic.

    Raises:
        StoreError: The record cannot be written or read, or a call in it is in doubt.
        UserError: What the user wrote cannot work, for this and every other episode.
    """
    answer = context.tree.best
    if context.tree.idempotence is not None or answer is None or not _passed(context, answer):
        return
    candidate, verdict, problem, passed = None, Verdict(), "", None
    seconds = 0.0
    try:
        candidate = await _refined(context, answer, critic=critic)
        verdict, seconds = await _judged(context, answer.iteration, candidate)
        verdict = await grade(Attempt(iteration=answer.iteration, candidate=candidate, verdict=verdict))
        passed = verdict.passed or context.options.good_enough(verdict)
    except AgentError as error:
        problem, passed = error.args[0], False
    except LoopwrightError as error:
        # The answer has its score already: what fails here leaves the check open, and nothing else.
        if error.cause is Cause.USER or isinstance(error, StoreError):
            raise
        problem = error.args[0]
    data = IdempotenceChecked(candidate=candidate, verdict=verdict, problem=problem, passed=passed, seconds=seconds)
    try:
        context.record(data, answer.iteration, IDEMPOTENCE)
    except EventTooLarge:
        data = IdempotenceChecked(problem=TOO_LARGE, passed=False, seconds=seconds)
        context.record(data, answer.iteration, IDEMPOTENCE)


def _passed(context: EpisodeContext, answer: Attempt) -> bool:
    """Whether the loop accepted the answer, and its grade says the same."""
    graded = context.tree.iterations[answer.iteration].graded
    verdicts = (answer.verdict, graded.verdict if graded else Verdict())
    return all(verdict.passed or context.options.good_enough(verdict) for verdict in verdicts)


async def _refined(context: EpisodeContext, answer: Attempt, *, critic: bool) -> Candidate:
    """What the proposer makes of the answer, as of any earlier candidate."""
    options, calls = context.options, context.calls(answer.iteration, IDEMPOTENCE)
    seen: dict[str, Any] = {"attempts": context.tree, "threshold": options.threshold, "value": options.value}
    if critic:
        view = view_of(AgentRole.CRITIC, context.known, current=answer, iterations_left=1, **seen)
        asked = context.calls(answer.iteration, f"{IDEMPOTENCE}-critique")
        said = await critique_of(context, view, asked, answer.iteration, RuleCritic())
        answer = answer.model_copy(update={"critique": said[1].feedback if said else ""})
    view = view_of(AgentRole.PROPOSER, context.known, current=answer, iterations_left=1, memory=context.memory, **seen)
    return (await context.agents[AgentRole.PROPOSER].act(view, calls)).candidate or Candidate()


async def _judged(context: EpisodeContext, iteration: int, candidate: Candidate) -> tuple[Verdict, float]:
    """The verdict of the loop on the candidate, and the seconds in the environment."""
    observation, seconds = await charge_time(
        context.ledger, retry_once_on_sandbox_loss(lambda: context.environment.step(candidate))
    )
    attempt = Attempt(iteration=iteration, candidate=candidate, observation=observation)
    view = view_of(AgentRole.VERIFIER, context.known, current=attempt)
    found = await visible_verdict(context, attempt)
    return await joined_by_judge(context, view, found, context.calls(iteration, f"{IDEMPOTENCE}-verify")), seconds
