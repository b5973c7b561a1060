"""The nodes of the loop: propose, act, verify, critique, decide.

Each node looks whether its part of the iteration is in the record already. So a resumed episode walks through what was
done without doing it again, whatever instant the crash came at.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Protocol

from langgraph.runtime import Runtime

from loopwright.agents import AgentRole, RuleCritic
from loopwright.candidate import Candidate
from loopwright.errors import AgentError, BudgetExceeded, ModelRejected
from loopwright.loop._context import EpisodeContext, LoopState
from loopwright.loop._decision import Decision, DecisionContext, Policy, StopRule, Wanted, first_decision
from loopwright.loop._draws import ask_for_candidate, drawn_ahead, take_drawn
from loopwright.loop._environment_work import charge_time, retry_once_on_sandbox_loss
from loopwright.loop._questions import decided_with_person, not_executed, refused_by_person
from loopwright.loop._stop_rules import BUDGET, MODEL_REJECTED
from loopwright.loop._verdicts import confirmed_verdict, critique_of, joined_by_judge, refuse_unjudged, visible_verdict
from loopwright.loop._views import view_for
from loopwright.store import Critiqued, Decided, Judged, Observed, Proposed
from loopwright.types import ArmUse


class Node(Protocol):
    """A node of the loop, as LangGraph calls it."""

    def __call__(self, state: LoopState, runtime: Runtime[EpisodeContext]) -> Awaitable[LoopState]:
        """Does its part of the iteration and returns what changes in the state."""
        ...


async def propose(state: LoopState, runtime: Runtime[EpisodeContext]) -> LoopState:
    """Asks the proposer for a candidate; a reply without one is recorded as such."""
    context, iteration, target = runtime.context, state["iteration"], state.get("target")
    if _over(context, iteration) or context.tree.recorded(iteration, "proposed"):
        return {}
    try:
        reply = take_drawn(context, iteration) or await ask_for_candidate(context, iteration, target)
    except BudgetExceeded as error:
        return _out_of_budget(context, iteration, error)
    except ModelRejected as error:
        if context.tree.best is None:
            raise
        # Such as a prompt that grew over the model's context: what was verified before is still an answer.
        return _stop(context, iteration, MODEL_REJECTED, error.args[0])
    except AgentError as error:
        proposed = Proposed(parent=target, problem=error.args[0], made_by=_made_by(context, iteration))
    else:
        candidate = reply.candidate or Candidate()
        proposed = Proposed(
            parent=target, candidate=candidate, digest=candidate.digest, made_by=_made_by(context, iteration)
        )
    context.record_proposed(proposed, iteration)
    return {}


def _made_by(context: EpisodeContext, iteration: int) -> ArmUse | None:
    draw = context.draws.get(iteration)
    return draw.made_by if draw else None


async def act(state: LoopState, runtime: Runtime[EpisodeContext]) -> LoopState:
    """Executes the candidate in the environment."""
    context, iteration = runtime.context, state["iteration"]
    candidate = _candidate(context, iteration)
    if candidate is None or context.tree.recorded(iteration, "observed"):
        return {}
    if why := await refused_by_person(context, iteration, candidate):
        context.record(Observed(observation=not_executed(why)), iteration, "act")
        return {}
    try:
        observation, seconds = await charge_time(
            context.ledger, retry_once_on_sandbox_loss(lambda: context.environment.step(candidate))
        )
    except BudgetExceeded as error:
        return _out_of_budget(context, iteration, error)
    data = Observed(observation=observation, seconds=seconds)
    context.record(data, iteration, "act")
    return {}


async def verify(state: LoopState, runtime: Runtime[EpisodeContext]) -> LoopState:
    """Scores the candidate: visible checks, verifiers, and a model-graded verifier where the task has one.

    Raises:
        VerifierError: A verifier failed, or nothing checked this candidate nor one before it.
    """
    context, iteration = runtime.context, state["iteration"]
    candidate = _candidate(context, iteration)
    if candidate is None or context.tree.recorded(iteration, "judged"):
        return {}
    found = await visible_verdict(context, context.tree[iteration])
    seconds, problem = 0.0, None
    try:
        view = view_for(AgentRole.VERIFIER, context.known, context.tree, current=iteration)
        verdict = await joined_by_judge(context, view, found, context.calls(iteration, "verify"))
        # In any order: a search has thousands of attempts, and this is asked after each.
        if not any(turn.judged and turn.judged.verdict.checks for turn in context.tree.iterations.values()):
            refuse_unjudged(verdict)
        if verdict.passed and context.options.confirm:
            again, seconds = await charge_time(
                context.ledger, retry_once_on_sandbox_loss(lambda: context.environment.step(candidate))
            )
            verdict = confirmed_verdict(verdict, again)
    except BudgetExceeded as error:
        if context.tree.best is not None or not found.checks:
            return _out_of_budget(context, iteration, error)
        # What was checked so far is the best there will be.
        verdict, problem = found, error
    data = Judged(
        verdict=verdict,
        score=verdict.score,
        passed=verdict.passed,
        best=context.tree.improves(verdict),
        confirmed_seconds=seconds,
    )
    context.record(data, iteration, "verify")
    return _out_of_budget(context, iteration, problem) if problem else {}


def critique_unless(stop_rules: Sequence[StopRule], wanted: Wanted | None = None) -> Node:
    """Makes the node that asks the critic, unless a stop rule holds: a critique that nobody reads is not paid for.

    Args:
        stop_rules: Of the strategy.
        wanted: Whether the policy wants to hear the critic; it decides itself where the reply cannot be used. None
            asks always, and takes a critic without a model where a reply cannot be used.
    """

    async def critique(state: LoopState, runtime: Runtime[EpisodeContext]) -> LoopState:
        context, iteration = runtime.context, state["iteration"]
        if _over(context, iteration) or context.tree.recorded(iteration, "critiqued"):
            return {}
        seen = decision_context(context)
        if stopped_by(stop_rules, context, seen) or not (wanted is None or wanted(seen)):
            return {}
        try:
            view = view_for(
                AgentRole.CRITIC,
                context.known,
                context.tree,
                current=iteration,
                iterations_left=context.options.max_iterations - iteration - 1,
                options=context.options,
            )
            stand_in = RuleCritic() if wanted is None else None
            said = await critique_of(context, view, context.calls(iteration, "critique"), iteration, stand_in)
        except BudgetExceeded as error:
            return _out_of_budget(context, iteration, error)
        if said:
            critic, what = said
            data = Critiqued(critic=type(critic).__name__, **what.model_dump())
            context.record(data, iteration, "critique")
        return {}

    return critique


def decide_by(policy: Policy, stop_rules: Sequence[StopRule]) -> Node:
    """Makes the decide node of a strategy: stop rules first, then the strategy's policy."""

    async def decide(state: LoopState, runtime: Runtime[EpisodeContext]) -> LoopState:
        context, iteration = runtime.context, state["iteration"]
        decided = context.tree.decision(iteration)
        if decided is None:
            seen = decision_context(context)
            decision = stopped_by(stop_rules, context, seen) or await decided_with_person(context, policy(seen))
            decided = record_decision(context, decision)
        return {"iteration": iteration + 1, "target": decided.target, "stopped": decided.decision == "stop"}

    return decide


def _candidate(context: EpisodeContext, iteration: int) -> Candidate | None:
    return None if _over(context, iteration) else context.tree[iteration].candidate


def _over(context: EpisodeContext, iteration: int) -> bool:
    """Whether the episode was stopped inside this iteration."""
    return context.tree.decision(iteration) is not None


def _out_of_budget(context: EpisodeContext, iteration: int, error: BudgetExceeded) -> LoopState:
    return _stop(context, iteration, BUDGET.name, error.args[0])


def _stop(context: EpisodeContext, iteration: int, rule: str, why: str) -> LoopState:
    context.record(Decided(decision="stop", rule=rule, why=why), iteration, "decide")
    return {}


def decision_context(context: EpisodeContext, plan: tuple[str, ...] | None = None) -> DecisionContext:
    """What a decision may depend on after the latest iteration."""
    critique = context.tree.critique(len(context.tree) - 1)
    return DecisionContext(context.tree, context.options, context.ledger, critique, plan, drawn_ahead(context))


def stopped_by(rules: Sequence[StopRule], context: EpisodeContext, seen: DecisionContext) -> Decision | None:
    """The decision to stop of a strategy's rules and of the task's own; None where the loop goes on."""
    return first_decision((*rules, *context.stop_rules), seen)


def record_decision(context: EpisodeContext, decision: Decision, iteration: int | None = None) -> Decided:
    """Writes down what was decided after an iteration; None for the latest."""
    decided = Decided(decision=decision.kind, rule=decision.rule, why=decision.why, target=decision.target)
    context.record(decided, len(context.tree) - 1 if iteration is None else iteration, "decide")
    return decided
