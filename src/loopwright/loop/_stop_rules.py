"""Rules decide first, where the evidence is enough; the critic decides the rest.

Every rule is a function of the standing that returns a decision or None. A decision carries the rule's name into the
record.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from itertools import takewhile

from loopwright.agents import Attempt
from loopwright.loop._decision import Decision, Standing
from loopwright.stats import expected_gain, predicted_asymptote, worth_iterating

Rule = Callable[[Standing], Decision | None]
Policy = Callable[[Standing], Decision]


def all_passed(standing: Standing) -> Decision | None:
    """Stops when every check of the latest attempt passes."""
    verdict = standing.tree[standing.iteration].verdict
    if not verdict.passed:
        return None
    return Decision("stop", "all_passed", f"all {len(verdict.checks)} checks pass")


def budget(standing: Standing) -> Decision | None:
    """Stops when no further model call fits under the caps."""
    left = asdict(standing.ledger.unspent)
    spent = [name for name, amount in left.items() if amount is not None and amount <= 0]
    return Decision("stop", "budget", f"the cap on {spent[0]} is reached") if spent else None


def max_iterations(standing: Standing) -> Decision | None:
    """Stops after the allowed number of iterations."""
    limit = standing.options.max_iterations
    return Decision("stop", "max_iterations", f"{limit} iterations done") if len(standing.tree) >= limit else None


def plateau(standing: Standing) -> Decision | None:
    """Stops when the best score has not grown for `plateau` iterations."""
    window, best = standing.options.plateau, standing.tree.best
    since = standing.iteration - (best.iteration if best else -1)
    if window is None or since < window:
        return None
    return Decision("stop", "plateau", f"no better candidate in {since} iterations")


def learning_curve(standing: Standing) -> Decision | None:
    """Stops when the scores level off: what is left to gain is under 0.02, by a power law fitted to the best so far."""
    if not standing.options.learning_curve:
        return None
    asymptote = predicted_asymptote([attempt.verdict.score for attempt in standing.tree])
    if asymptote is None:
        return None
    return Decision("stop", "learning_curve", f"the scores level off at {asymptote:.2f}")


def no_expected_gain(standing: Standing) -> Decision | None:
    """Stops where the rates of a pilot say that an iteration makes more right answers wrong than wrong ones right."""
    pilot = standing.options.pilot
    if pilot is None or worth_iterating(pilot.accuracy, pilot.correction, pilot.injection):
        return None
    gain = expected_gain(pilot.accuracy, pilot.correction, pilot.injection)
    return Decision("stop", "no_expected_gain", f"one more iteration is expected to change accuracy by {gain:+.3f}")


def repetition(standing: Standing) -> Decision | None:
    """Stops when the loop goes in circles: the same candidate or the same failures, `repetition` times in a row."""
    limit, times = standing.options.repetition, _repeats(standing)
    if limit is None or times < limit:
        return None
    return Decision("stop", "repetition", f"the same failure came {times} times in a row")


def restart_when_stuck(standing: Standing) -> Decision | None:
    """Restarts from the task when two attempts in a row failed the same way: the conversation is stuck."""
    if _repeats(standing) < 2:
        return None
    return Decision("restart", "repetition", "the same failure came twice in a row")


def regression(standing: Standing) -> Decision | None:
    """Backtracks to the best attempt when the latest is worse; unreadable replies count as worse."""
    latest, best = standing.tree[standing.iteration], standing.tree.best
    if best is None or best.iteration == latest.iteration or latest.verdict.score >= best.verdict.score > 0:
        return None
    if best.verdict.score == 0 and latest.candidate is not None:
        return None
    why = f"score {latest.verdict.score:.2f} is below {best.verdict.score:.2f} of iteration {best.iteration}"
    return Decision("backtrack", "regression", why, best.iteration)


def critic(standing: Standing) -> Decision | None:
    """Takes the critic's decision; one that names no earlier candidate to go back to is passed over."""
    asked = standing.critique
    if asked is None or asked.decision == "continue":
        return None
    if asked.decision in ("stop", "restart"):
        return Decision(asked.decision, "critic", "the critic asked for it")
    target = asked.backtrack_to
    if target is None or not 0 <= target < len(standing.tree) or standing.tree[target].candidate is None:
        return None
    return Decision("backtrack", "critic", f"the critic prefers iteration {target}", target)


def continue_from_latest(standing: Standing) -> Decision:
    """Continues from the latest attempt; from the task where it holds no candidate."""
    latest = standing.tree[standing.iteration]
    if latest.candidate is None:
        return Decision("restart", "no_candidate", latest.problem)
    return Decision("continue", "progress", "checks still fail", latest.iteration)


STOP_RULES: tuple[Rule, ...] = (
    all_passed,
    max_iterations,
    budget,
    plateau,
    learning_curve,
    no_expected_gain,
    repetition,
)
"""Of strategies that work on from what was made."""

SAMPLING_RULES: tuple[Rule, ...] = (all_passed, max_iterations, budget)
"""Of strategies whose candidates are independent: that they resemble each other is no reason to stop."""


def first(rules: tuple[Rule, ...], standing: Standing) -> Decision | None:
    """The decision of the first rule that has one."""
    return next((decision for rule in rules if (decision := rule(standing))), None)


def _repeats(standing: Standing) -> int:
    """Length of the run of attempts, ending at the latest, that failed in the same way; 0 without a candidate."""
    attempts = list(standing.tree)
    latest = attempts[-1]
    if latest.candidate is None or latest.verdict.passed:
        return 0
    return sum(1 for _ in takewhile(lambda attempt: _same_failure(attempt, latest), reversed(attempts)))


def _same_failure(one: Attempt, other: Attempt) -> bool:
    if one.candidate is None or other.candidate is None:
        return False
    if one.candidate.digest == other.candidate.digest:
        return True
    evidence = [[(check.name, check.evidence) for check in a.verdict.failed] for a in (one, other)]
    # Checks that fail without saying why may fail for different reasons.
    return evidence[0] == evidence[1] and all(text for _, text in evidence[0]) and bool(evidence[0])
