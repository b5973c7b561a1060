"""Nodes of strategies whose candidates are actions: what one does stays for the next."""

from __future__ import annotations

import re

from langgraph.runtime import Runtime

from loopwright.agents import AgentRole, View
from loopwright.candidate import Candidate
from loopwright.environments import Observation
from loopwright.errors import AgentError, BudgetExceeded, ModelRejected
from loopwright.loop._charging import charge_time
from loopwright.loop._context import EpisodeContext
from loopwright.loop._decision import Decision, Standing
from loopwright.loop._nodes import LoopState, Node, decide_by
from loopwright.loop._stop_rules import STOP_RULES, first
from loopwright.loop._views import view_for
from loopwright.store import Decided, Judged, Observed, Proposed
from loopwright.verify import Check, Verdict

REWARD = "reward"
"""Name of the check by which a strategy acts on the hidden verdict: an oracle that no deployed agent has."""

_STEP = re.compile(r"^\s*(?:\d+[.):]|[-*])\s+(?P<step>\S.*)$", re.MULTILINE)


def propose_as(style: str, *, plan: bool = False) -> Node:
    """Makes the node that asks for the next action.

    Args:
        style: What prompts go by: `view.public.style`.
        plan: Whether a plan is made first; then each action is to carry out its next step.
    """

    async def propose(state: LoopState, runtime: Runtime[EpisodeContext]) -> LoopState:
        context, iteration = runtime.context, state["iteration"]
        if context.tree.recorded(iteration, "proposed"):
            return {}
        try:
            extra = {"style": style}
            if plan:
                steps = await plan_of(context)
                extra = {"style": style, "plan": "\n".join(steps), "step": next(iter(steps[iteration:]), "")}
            view = with_fields(_view(context, iteration), extra)
            reply = await context.agents[AgentRole.PROPOSER].act(view, context.calls(iteration, "propose"))
        except BudgetExceeded as error:
            context.record(Decided(decision="stop", rule="budget", why=error.args[0]), iteration, "decide")
            close(context)
            return {}
        except ModelRejected as error:
            if not len(context.tree):
                raise
            # Such as a prompt that grew over the model's context: the state so far is still an answer.
            context.record(Decided(decision="stop", rule="model_rejected", why=error.args[0]), iteration, "decide")
            close(context)
            return {}
        except AgentError as error:
            proposed = Proposed(parent=state.get("target"), problem=error.args[0])
        else:
            candidate = reply.candidate or Candidate()
            proposed = Proposed(parent=state.get("target"), candidate=candidate, digest=candidate.digest)
        context.record(proposed, iteration, "propose")
        return {}

    return propose


async def plan_of(context: EpisodeContext) -> tuple[str, ...]:
    """The steps of an episode's plan. It is asked for once: the record answers from then on.

    Raises:
        BudgetExceeded: There was no budget left for the call.
    """
    view = with_fields(_view(context, 0), {"style": "plan"})
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
        action = executed(context, context.tree[iteration].candidate or Candidate(), oracle=oracle)
        if context.tree.recorded(iteration, "observed"):
            await action
            return {}
        try:
            observation, seconds = await charge_time(context.ledger, action)
        except BudgetExceeded as error:
            context.record(Decided(decision="stop", rule="budget", why=error.args[0]), iteration, "decide")
            close(context)
            return {}
        data = Observed(observation=observation, seconds=seconds)
        context.record(data, iteration, "act")
        return {}

    return act


async def executed(context: EpisodeContext, candidate: Candidate, *, oracle: bool) -> Observation:
    """Executes an action, and with an oracle asks for the hidden verdict's score and nothing else of it."""
    observation = await context.environment.step(candidate)
    if not oracle:
        return observation
    graded = await context.environment.submit(candidate)
    # Evidence of a hidden verdict may tell the gold answer; a score and whether it is full do not.
    reward = Check(name=REWARD, score=graded.score)
    return observation.model_copy(update={"verdict": Verdict(checks=(reward,))})


def judge_with(*, oracle: bool) -> Node:
    """Makes the node that takes in the verdict: after every action with an oracle, else when the episode is over.

    So without an oracle the answer is the state at the end, whatever came before.
    """

    async def judge(state: LoopState, runtime: Runtime[EpisodeContext]) -> LoopState:
        context, iteration = runtime.context, state["iteration"]
        tree = context.tree
        if tree.decision(iteration) is not None or not tree.recorded(iteration, "proposed"):
            return {}
        if oracle:
            if tree.recorded(iteration, "observed") and not tree.recorded(iteration, "judged"):
                _record_verdict(context, iteration)
        elif tree[iteration].observation.done or first(STOP_RULES, _standing(context)):
            close(context)
        return {}

    return judge


def close(context: EpisodeContext) -> None:
    """Makes the latest executed action the one whose state is the answer, where none is judged yet."""
    tree = context.tree
    acted = [attempt.iteration for attempt in tree if tree.recorded(attempt.iteration, "observed")]
    if tree.best is None and acted:
        _record_verdict(context, acted[-1])


def _record_verdict(context: EpisodeContext, iteration: int) -> None:
    verdict, best = context.tree[iteration].observation.verdict or Verdict(), context.tree.best
    data = Judged(
        verdict=verdict,
        score=verdict.score,
        passed=verdict.passed,
        best=best is None or verdict.score > best.verdict.score,
    )
    context.record(data, iteration, "verify")


def _standing(context: EpisodeContext) -> Standing:
    return Standing(context.tree, context.options, context.ledger)


def decide_plan(*, refine: bool) -> Node:
    """Makes the decide node of strategies with a plan: they end with it, or go on refining after it."""

    async def decide(state: LoopState, runtime: Runtime[EpisodeContext]) -> LoopState:
        steps = await plan_of(runtime.context)

        def policy(standing: Standing) -> Decision:
            if not refine and len(standing.tree) >= len(steps):
                return Decision("stop", "plan_done", f"all {len(steps)} steps of the plan are done")
            return until_solved(standing)

        return await decide_by(policy)(state, runtime)

    return decide


def next_action(standing: Standing) -> Decision:
    """Goes on with the next action until one has ended the episode."""
    latest = standing.tree[standing.iteration]
    if latest.observation.done:
        return Decision("stop", "submitted", "the agent ended the episode")
    return Decision("continue", "next_action", "the episode goes on", latest.iteration)


def until_solved(standing: Standing) -> Decision:
    """Goes on although the agent said that it is done, as the reward says that it is not; ends where it gave up."""
    latest = standing.tree[standing.iteration]
    if latest.observation.done and latest.observation.text == "skipped":
        return Decision("stop", "submitted", "the agent gave up")
    return Decision("continue", "next_action", "the reward is not full", latest.iteration)


def with_fields(view: View, fields: dict[str, str]) -> View:
    """A view whose public part holds more."""
    return view.model_copy(update={"public": {**view.public, **fields}})


def _view(context: EpisodeContext, iteration: int) -> View:
    left = context.options.max_iterations - iteration
    current = iteration - 1 if iteration else None
    return view_for(
        AgentRole.PROPOSER,
        context.instance,
        context.tree,
        current=current,
        iterations_left=left,
        memory=context.memory,
    )
