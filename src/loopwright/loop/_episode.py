"""One episode: the loop, then the grade of its answer."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from loopwright.agents import AgentRole, Attempt
from loopwright.budget import Ledger
from loopwright.environments import KnowsVisibleChecks
from loopwright.errors import Cause, EpisodeSkipped, EventTooLarge, LoopwrightError, StoreError, WorkerLost
from loopwright.loop._context import EpisodeContext, Flight
from loopwright.loop._environment_work import retry_once_on_sandbox_loss
from loopwright.loop._idempotence import check_idempotence
from loopwright.loop._preparation import prepare
from loopwright.loop._search_strategy import SearchStrategy
from loopwright.loop._stop_rules import BUDGET
from loopwright.loop._strategies import Graphs, Strategy, traits_of
from loopwright.loop._tools import answer_of
from loopwright.loop._verdicts import audited, joined_by_judge, refuse_unjudged, unjudged, verified, visible_verdict
from loopwright.loop._views import view_of
from loopwright.models import Prices
from loopwright.record import EpisodeRecord
from loopwright.store import Decided, EpisodeFinished, EpisodeStarted, Event, Graded
from loopwright.task import Instance
from loopwright.types import Failure, Usage
from loopwright.verify import Verdict

GRADE = "grade"
"""The node of what is recorded while candidates are graded."""
_WORKERS = 8
"""Workers that an episode may lose before it counts as what kills them."""


@dataclass(frozen=True, slots=True)
class EpisodePlan:
    """Which episode it is."""

    started: EpisodeStarted
    instance: Instance
    """With its hidden fields; only the environment gets them."""
    strategy: Strategy


async def run_episode(
    plan: EpisodePlan,
    context: EpisodeContext,
    *,
    recorded: Iterable[Event] = (),
    graphs: Graphs | None = None,
) -> EpisodeFinished:
    """Runs an episode to its end, or goes on with one that was interrupted.

    Args:
        plan: The episode.
        context: Its handles; `context.environment` is reset here, and `context.gate` asks the episode to stop.
        recorded: Events of this episode from an earlier, interrupted process.
        graphs: Those of the run; None compiles the strategy for this episode alone.

    Returns:
        The outcome, which is also in the record. Infrastructure failures are outcomes with status `failed`.

    Raises:
        Interrupted: The episode was asked to stop; it can be resumed.
        StoreError: The record cannot be written or read, or a call in it is in doubt.
        UserError: What the user wrote cannot work, for this and every other episode.
    """
    for event in _still_decided(list(recorded)):
        context.tree.apply(context.store.with_secrets(event))
    if context.tree.started is None:
        started = plan.started
        if isinstance(plan.strategy, SearchStrategy):
            started = started.model_copy(update={"in_flight": plan.strategy.in_flight(context)})
        context.tree.apply(context.store.append(started, episode=context.episode))

    async def work(context: EpisodeContext) -> None:
        async def grade(attempt: Attempt) -> Verdict:
            return await _submitted(plan, context, attempt)

        await context.environment.reset(plan.instance)
        await prepare(context)
        await _loop(plan, context, graphs or Graphs())
        await _grade(context, grade)
        if context.options.idempotence and not traits_of(plan.strategy).acts:
            await check_idempotence(context, grade, critic=plan.strategy.asks_critic)

    return await _finished(context, _outliving_workers(context, work))


async def _outliving_workers(context: EpisodeContext, work: Callable[[EpisodeContext], Awaitable[None]]) -> None:
    """Does an episode's work; where a worker was lost with its sandboxes, again from what is recorded.

    That ends too, as the work may be what kills them.

    Raises:
        WorkerLost: Too many were lost.
        LoopwrightError: What else the work raises.
    """
    for _ in range(_WORKERS):
        try:
            return await work(context)
        except WorkerLost:
            if context.toolbox is not None:  # its servers were lost, too, and begin anew
                await context.toolbox.close()
            # The tree is what is recorded; what was under way is not.
            context = replace(context, draws={}, flight=Flight())
    return await work(context)


def _still_decided(recorded: list[Event]) -> list[Event]:
    """What is recorded, without the want of budget that left an episode without a score: caps may be higher now."""
    last = next((event.data for event in reversed(recorded) if isinstance(event.data, EpisodeFinished)), None)
    if last is None or last.failure is None or last.failure.cause != Cause.BUDGET.value:
        return recorded
    return [event for event in recorded if not (isinstance(event.data, Decided) and event.data.rule == BUDGET.name)]


async def regrade_episode(plan: EpisodePlan, context: EpisodeContext, *, recorded: Iterable[Event]) -> EpisodeFinished:
    """Grades the recorded candidates of an episode whose loop has ended, as the task says it now.

    No agent but the judge is asked. The answer stays the one that the loop chose.

    Args:
        plan: The episode, with the instance as it is now.
        context: Its handles; `context.environment` is reset here.
        recorded: Events of the loop, and what an earlier, interrupted process graded.

    Returns:
        The outcome, which is also in the record.

    Raises:
        StoreError: The record cannot be written or read, or a call in it is in doubt.
        UserError: What the user wrote cannot work, for this and every other episode.
    """
    for event in recorded:
        context.tree.apply(context.store.with_secrets(event))
    if not context.tree.stop_rule:
        raise StoreError(
            f"the loop of {context.episode} is not whole in this record",
            remedy="Grade its run again: `loopwright regrade RUN`.",
        )

    async def work(context: EpisodeContext) -> None:
        await context.environment.reset(plan.instance)
        if traits_of(plan.strategy).acts:
            # Its recorded actions bring the environment to the state that is graded.
            await _loop(plan, context, Graphs())
        await _grade(context, lambda attempt: _submitted_again(plan, context, attempt))

    return await _finished(context, _outliving_workers(context, work))


async def _finished(context: EpisodeContext, work: Coroutine[Any, Any, None]) -> EpisodeFinished:
    """Does an episode's work and records the outcome, with all that the episode spent."""
    try:
        await work
        outcome = _scored(context)
    except LoopwrightError as error:
        if _ends_the_run(error):
            raise
        outcome = _failed(error.cause, type(error).__name__, str(error))
    except Exception as error:  # a defect of ours or of the user's plug-in ends one episode, not the run
        where = "".join(traceback.format_exception(error, limit=-3))
        outcome = _failed(Cause.HARNESS, type(error).__name__, where)
    told = {"iterations": len(context.tree), "rule": context.tree.stop_rule}
    outcome = outcome.model_copy(update={**told, **spent_fields(context.ledger, context.prices)})
    context.store.append(outcome, episode=context.episode)
    return outcome


def _ends_the_run(error: LoopwrightError) -> bool:
    """Whether there is no outcome to record: without a record, or while a call in doubt waits for its user."""
    if isinstance(error, StoreError):
        return not isinstance(error, EventTooLarge)
    return error.cause is Cause.USER and not isinstance(error, EpisodeSkipped)


def spent_fields(ledger: Ledger, prices: Prices | None) -> Mapping[str, Any]:
    """What an episode spent, as the fields of `EpisodeFinished`."""
    spent = ledger.spent
    return {
        "model_calls": spent.model_calls,
        "images": spent.images,
        "cached_calls": spent.cached_calls,
        "usage": Usage(
            input=spent.input, cache_read=spent.cache_read, cache_write=spent.cache_write, output=spent.output
        ),
        "cost_usd": str(spent.usd) if prices and not spent.unpriced_calls else None,
        "sandbox_seconds": spent.sandbox_seconds,
        "working_seconds": spent.working_seconds,
        "seconds": ledger.seconds,
    }


async def _loop(plan: EpisodePlan, context: EpisodeContext, graphs: Graphs) -> None:
    from langgraph.errors import GraphDrained

    graph = graphs.of(plan.strategy)
    # The record alone decides where an episode stands: a resumed one starts at its first iteration and passes over
    # what is recorded. Checkpoints are for whoever looks on, so nothing waits for them.
    try:
        await graph.ainvoke(
            {"iteration": 0, "target": None, "stopped": False},
            # LangGraph's limit is no loop guard for us: `max_iterations` is.
            {"configurable": {"thread_id": context.episode}, "recursion_limit": 1_000_000},
            context=context,
            durability="async" if graphs.checkpointer else None,
            control=context.gate.control,
        )
    except GraphDrained:
        await _finish_begun(context)
        raise context.gate.left() from None
    except Exception:
        await _finish_begun(context)
        raise
    finally:
        if context.toolbox is not None:
            await context.toolbox.close()
        for task in context.flight.tasks.values():
            task.cancel()
        await asyncio.gather(*context.flight.tasks.values(), return_exceptions=True)


async def _finish_begun(context: EpisodeContext) -> None:
    """Ends a search: calls that were sent are paid for, so their candidates are waited for, and no others."""
    for number, task in context.flight.tasks.items():
        draw = context.draws.get(number)
        if draw and not draw.reserved.is_set():
            task.cancel()
    await asyncio.gather(*context.flight.tasks.values(), return_exceptions=True)


async def _grade(context: EpisodeContext, verdict_on: Callable[[Attempt], Awaitable[Verdict]]) -> None:
    """Grades the answer, and with `grade: all` every other candidate, equal ones once."""
    answer = context.tree.best
    if answer is None:
        return
    wanted = list(context.tree) if context.options.grade == "all" else [answer]
    known: dict[str, Verdict] = {}
    for attempt in wanted:
        if attempt.candidate is None:
            continue
        if graded := context.tree.iterations[attempt.iteration].graded:
            known[attempt.candidate.digest] = graded.verdict
            continue
        verdict = known.get(attempt.candidate.digest) or await verdict_on(attempt)
        known[attempt.candidate.digest] = verdict
        graded = Graded(
            candidate_iteration=attempt.iteration,
            verdict=verdict,
            score=verdict.score,
            passed=verdict.passed,
            answer=attempt.iteration == answer.iteration,
        )
        context.record(graded, attempt.iteration, GRADE)


async def _submitted(plan: EpisodePlan, context: EpisodeContext, attempt: Attempt) -> Verdict:
    """Asks for the hidden verdict and the auditor's, without an auditor for those of verifiers again.

    Without hidden checks and an auditor the loop's own verdict is all. An agent that acted and never submitted has
    none: the visible checks of what it left are asked for then.
    """
    candidate, auditor = attempt.candidate, context.agents.get(AgentRole.AUDITOR)
    if candidate is None or not (plan.instance.hidden or auditor):
        if candidate is None or not attempt.verdict.blank or not _has_visible_checks(plan, context):
            return attempt.verdict
        left = answer_of(context, candidate)
        return await retry_once_on_sandbox_loss(lambda: context.environment.submit(left))
    verdicts, answer = [], answer_of(context, candidate)
    if plan.instance.hidden:
        verdicts.append(await retry_once_on_sandbox_loss(lambda: context.environment.submit(answer)))
    if auditor:
        verdicts.append(await audited(context, auditor, attempt, context.calls(attempt.iteration, GRADE)))
    else:
        verdicts += await verified(context, candidate)
    return Verdict.joined(verdicts)


def _has_visible_checks(plan: EpisodePlan, context: EpisodeContext) -> bool:
    """Whether the environment has visible checks of the state that actions left."""
    place: object = context.environment
    known = isinstance(place, KnowsVisibleChecks) and place.unchecked(plan.instance) is None
    return known and traits_of(plan.strategy).acts


async def _submitted_again(plan: EpisodePlan, context: EpisodeContext, attempt: Attempt) -> Verdict:
    """As `_submitted`, but without hidden checks the visible ones, verifiers and the judge say it anew."""
    candidate = attempt.candidate
    if plan.instance.hidden or candidate is None or AgentRole.AUDITOR in context.agents:
        return await _submitted(plan, context, attempt)
    answer = answer_of(context, candidate)
    observation = await retry_once_on_sandbox_loss(lambda: context.environment.step(answer))
    seen = Attempt(iteration=attempt.iteration, candidate=candidate, observation=observation)
    view = view_of(AgentRole.VERIFIER, context.known, current=seen)
    calls = context.calls(attempt.iteration, GRADE)
    return refuse_unjudged(await joined_by_judge(context, view, await visible_verdict(context, seen), calls))


def _scored(context: EpisodeContext) -> EpisodeFinished:
    grades = [one.graded for one in context.tree.iterations.values() if one.graded]
    answer = next((graded for graded in grades if graded.answer), None)
    if answer is None and context.tree.stop_rule == BUDGET.name and not _owed_to_agent(context):
        return _failed(Cause.BUDGET, "BudgetExceeded", _out_of_budget(context.tree))
    if answer is not None and not answer.verdict.checks:
        why = answer.verdict.summary or "the task has no checks, and no judge"
        if unjudged(answer.verdict):
            why += "\n  `loopwright regrade RUN` asks the judge again."
        return _failed(Cause.VERIFIER, "VerifierError", f"nothing checked the answer: {why}")
    return EpisodeFinished(
        status="scored",
        score=answer.score if answer else 0.0,
        value=_value(context, answer) if answer and context.options.value else None,
        passed=answer is not None and (answer.passed or context.options.good_enough(answer.verdict)),
        answer_iteration=answer.candidate_iteration if answer else None,
    )


def _value(context: EpisodeContext, answer: Graded) -> float | None:
    """By the grade, or by the verdict in the loop where the grade measures nothing."""
    graded = answer.verdict.value
    return context.tree.iterations[answer.candidate_iteration].value if graded is None else graded


def _owed_to_agent(context: EpisodeContext) -> bool:
    """Whether it was the agent that left no verified candidate: no reply held one, or it used up the time itself."""
    tree = context.tree
    candidates = [attempt for attempt in tree if attempt.candidate is not None]
    if not candidates:
        return bool(len(tree))
    executed = any(tree.recorded(attempt.iteration, "observed") for attempt in candidates)
    return not executed and context.ledger.spent.sandbox_seconds > 0


def _out_of_budget(tree: EpisodeRecord) -> str:
    why = next((made.why for number in range(len(tree) + 1) if (made := tree.decision(number))), "")
    return f"no budget was left for a first verified candidate: {why}"


def _failed(cause: Cause, error: str, message: str) -> EpisodeFinished:
    return EpisodeFinished(status="failed", failure=Failure(cause=cause.value, error=error, message=message))
