"""Policies: where the shipped strategies go when no rule stops them."""

from __future__ import annotations

from loopwright.loop._decision import Decision, DecisionContext
from loopwright.loop._stop_rules import CRITIC, MAX_ITERATIONS, REPETITION, same_failures


def one_candidate(context: DecisionContext) -> Decision:
    """Stops after the first candidate."""
    return Decision("stop", MAX_ITERATIONS.name, "the strategy makes one candidate")


def independent_candidates(context: DecisionContext) -> Decision:
    """Starts afresh every time."""
    return Decision("restart", "best_of_n", "the candidates are independent")


def refine(context: DecisionContext) -> Decision:
    """Starts afresh where the loop is stuck; else does as the critic says, goes back to the best, or goes on."""
    decision = _restart_when_stuck(context) or _wish_of_critic(context) or _back_from_regression(context)
    return decision or _continue_from_latest(context)


def next_action(context: DecisionContext) -> Decision:
    """Goes on with the next action."""
    return Decision("continue", "next_action", "the episode goes on", context.iteration)


def until_solved(context: DecisionContext) -> Decision:
    """Goes on with the next action, as the reward says that the task is not solved."""
    return Decision("continue", "next_action", "the reward is not full", context.iteration)


def _restart_when_stuck(context: DecisionContext) -> Decision | None:
    """Two attempts in a row failed the same way: the conversation is stuck."""
    if same_failures(context.tree) < 2:
        return None
    return Decision("restart", REPETITION.name, "the same failure came twice in a row")


def _wish_of_critic(context: DecisionContext) -> Decision | None:
    """The critic's decision; one that names no earlier candidate to go back to is passed over."""
    asked = context.critique
    if asked is None or asked.decision == "continue":
        return None
    if asked.decision in ("stop", "restart"):
        return Decision(asked.decision, CRITIC, "the critic asked for it")
    target = asked.backtrack_to
    if target is None or not 0 <= target < len(context.tree) or context.tree[target].candidate is None:
        return None
    return Decision("backtrack", CRITIC, f"the critic prefers iteration {target}", target)


def _back_from_regression(context: DecisionContext) -> Decision | None:
    """Back to the best attempt when the latest is worse; unreadable replies count as worse."""
    latest, best, rank = context.tree[context.iteration], context.tree.best, context.tree.rank
    if best is None or best.iteration == latest.iteration:
        return None
    if best.verdict.score > 0 and rank(latest.verdict) >= rank(best.verdict):
        return None
    if best.verdict.score == 0 and latest.candidate is not None:
        return None
    value = context.options.value
    if value and latest.candidate is not None and latest.verdict.score == best.verdict.score:
        why = f"{value.describe(latest.verdict.value)} is worse than that of iteration {best.iteration}"
        return Decision("backtrack", "regression", why, best.iteration)
    why = f"score {latest.verdict.score:.2f} is below {best.verdict.score:.2f} of iteration {best.iteration}"
    return Decision("backtrack", "regression", why, best.iteration)


def _continue_from_latest(context: DecisionContext) -> Decision:
    """On from the latest attempt; from the task where it holds no candidate."""
    latest = context.tree[context.iteration]
    if latest.candidate is None:
        return Decision("restart", "no_candidate", latest.problem)
    why = "the value may get better" if latest.verdict.passed else "checks still fail"
    return Decision("continue", "progress", why, latest.iteration)
