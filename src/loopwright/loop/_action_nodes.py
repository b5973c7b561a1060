"""Nodes of strategies whose candidates are actions: what one does stays for the next."""

from __future__ import annotations

import re
from collections.abc import Sequence

from langgraph.runtime import Runtime

from loopwright.agents import ActionRequest, AgentRole, View
from loopwright.candidate import Candidate
from loopwright.environments import Observation
from loopwright.errors import AgentError, BudgetExceeded, ModelRejected
from loopwright.loop._context import EpisodeContext, LoopState
from loopwright.loop._decision import Policy, StopRule
from loopwright.loop._environment_work import charge_time
from loopwright.loop._nodes import Node, decision_context, record_decision, stopped_by
from loopwright.loop._questions import ACTING, decided_with_person, refused_by_person
from loopwright.loop._stop_rules import BUDGET, MODEL_REJECTED
from loopwright.loop._tools import answer_of, calls_outside, executed, offered
from loopwright.loop._views import view_for
from loopwright.store import Decided, Judged, Observed, Proposed
from loopwright.verify import Check, Verdict

REWARD = "reward"
"""Name of the check by which a strategy acts on the hidden verdict: an oracle that no deployed agent has."""

_STEP = re.compile(r"^\s*(?:\d+[.):]|[-*])\s+(?P<step>\S.*)$", re.MULTILINE)


def propose_as(style: str, *, plan: bool = False) -> Node:
    """Makes the node that asks for the next action.

    Args:
        style: What prompts go by: `view.action.style`.
        plan: Whether a plan is made first; then each action is to carry out its next step.
    """

    async def propose(state: LoopState, runtime: Runtime[EpisodeContext]) -> LoopState:
        context, iteration = runtime.context, state["iteration"]
        if context.tree.recorded(iteration, "proposed"):
            return {}
        try:
            tools = await offered(context, style)
            action = ActionRequest(style=style, tools=tools)
            if plan:
                steps = await plan_of(context)
                step = next(iter(steps[iteration:]), "")
                action = ActionRequest(style=style, tools=tools, plan="\n".join(steps), step=step)
            view = _view(context, iteration, action)
            reply = await context.agents[AgentRole.PROPOSER].act(view, context.calls(iteration, "propose"))
        except BudgetExceeded as error:
            context.record(Decided(decision="stop", rule=BUDGET.name, why=error.args[0]), iteration, "decide")
            record_answer(context)
            return {}
        except ModelRejected as error:
            if not len(context.tree):
                raise
            # Such as a prompt that grew over the model's context: the state so far is still an answer.
            context.record(Decided(decision="stop", rule=MODEL_REJECTED, why=error.args[0]), iteration, "decide")
            record_answer(context)
            return {}
        except AgentError as error:
            proposed = Proposed(parent=state.get("target"), problem=error.args[0])
        else:
            candidate = reply.candidate or Candidate()
            proposed = Proposed(
                parent=state.get("target"), candidate=candidate, digest=candidate.digest, message=reply.message
            )
        context.record_proposed(proposed, iteration)
        return {}

    return propose


async def plan_of(context: EpisodeContext) -> tuple[str, ...]:
    """The steps of an episode's plan. It is asked for once: the record answers from then on.

    Raises:
        BudgetExceeded: There was no budget left for the call.
    """
    view = _view(context, 0, ActionRequest(style="plan"))
    try:
        reply = await context.agents[AgentRole.PROPOSER].act(view, context.calls(0, "plan"))
    except AgentError:
        return ()
    text = reply.candidate.text if reply.candidate else ""
    return tuple(match["step"].strip() for match in _STEP.finditer(text)) or ((text,) if text else ())


def act_with(*, oracle: bool) -> Node:
    """Makes the node that executes the action.

    A resumed episode executes its recorded actions once more, which brings the environment to where it was.

    Args:
        oracle: Whether the hidden verdict on the state after every action is part of the observation.
    """

    async def act(state: LoopState, runtime: Runtime[EpisodeContext]) -> LoopState:
        context, iteration = runtime.context, state["iteration"]
        # Only the budget stops an episode before it acts; a decision that came after the act is no reason to skip it.
        if not context.tree.recorded(iteration, "proposed") or context.tree[iteration].candidate is None:
            return {}
        candidate = context.tree[iteration].candidate or Candidate()
        if why := await refused_by_person(context, iteration, candidate):
            if not context.tree.recorded(iteration, "observed"):
                context.record(Observed(observation=Observation(text=why)), iteration, "act")
            return {}
        action = perform(context, candidate, oracle=oracle)
        if context.tree.recorded(iteration, "observed"):
            if calls_outside(context, context.tree[iteration].candidate):
                action.close()  # what it did is done, and no state of a sandbox comes of it
            else:
                await action
            return {}
        try:
            observation, seconds = await charge_time(context.ledger, action)
        except BudgetExceeded as error:
            context.record(Decided(decision="stop", rule=BUDGET.name, why=error.args[0]), iteration, "decide")
            record_answer(context)
            return {}
        data = Observed(observation=observation, seconds=seconds)
        context.record(data, iteration, "act")
        return {}

    return act


async def perform(context: EpisodeContext, candidate: Candidate, *, oracle: bool) -> Observation:
    """Executes an action, and with an oracle asks for the hidden verdict's score and nothing else of it."""
    observation = await executed(context, candidate)
    if not oracle:
        return observation
    graded = await context.environment.submit(answer_of(context, candidate))
    # Evidence of a hidden verdict may tell the gold answer; a score and whether it is full do not.
    reward = Check(name=REWARD, score=graded.score)
    return observation.model_copy(update={"verdict": Verdict(checks=(reward,))})


async def judge(state: LoopState, runtime: Runtime[EpisodeContext]) -> LoopState:
    """Takes in the hidden verdict on every action, for strategies with an oracle."""
    context, iteration = runtime.context, state["iteration"]
    tree = context.tree
    todo = tree.decision(iteration) is None and not tree.recorded(iteration, "judged")
    if todo and tree.recorded(iteration, "observed"):
        _record_verdict(context, iteration)
    return {}


def decide_action(policy: Policy, stop_rules: Sequence[StopRule], *, plan: bool) -> Node:
    """Makes the node that decides whether a next action follows.

    Without an oracle the answer is the state at the end, whatever came before.

    Args:
        policy: Decides where no stop rule does.
        stop_rules: Asked before the policy.
        plan: Whether the episode has a plan.
    """

    async def decide(state: LoopState, runtime: Runtime[EpisodeContext]) -> LoopState:
        context, iteration = runtime.context, state["iteration"]
        decided = context.tree.decision(iteration)
        if decided is None:
            seen = decision_context(context, await plan_of(context) if plan else None)
            decision = stopped_by(stop_rules, context, seen) or await decided_with_person(context, policy(seen), ACTING)
            if decision.kind == "stop":
                record_answer(context)
            decided = record_decision(context, decision)
        return {"iteration": iteration + 1, "target": decided.target, "stopped": decided.decision == "stop"}

    return decide


def record_answer(context: EpisodeContext) -> None:
    """Makes the latest executed action the one whose state is the answer, where none is judged yet."""
    tree = context.tree
    acted = [attempt.iteration for attempt in tree if tree.recorded(attempt.iteration, "observed")]
    if tree.best is None and acted:
        _record_verdict(context, acted[-1])


def _record_verdict(context: EpisodeContext, iteration: int) -> None:
    verdict = context.tree[iteration].observation.verdict or Verdict()
    data = Judged(verdict=verdict, score=verdict.score, passed=verdict.passed, best=context.tree.improves(verdict))
    context.record(data, iteration, "verify")


def _view(context: EpisodeContext, iteration: int, action: ActionRequest) -> View:
    left = context.options.max_iterations - iteration
    current = iteration - 1 if iteration else None
    return view_for(
        AgentRole.PROPOSER,
        context.known,
        context.tree,
        current=current,
        iterations_left=left,
        memory=context.memory,
        action=action,
    )
