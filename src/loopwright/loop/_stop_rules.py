"""The shipped reasons to stop a loop. The first rule that holds decides, before the critic and the policy."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice, takewhile

from loopwright.agents import Attempt
from loopwright.loop._decision import DecisionContext, StopRule
from loopwright.loop._verdicts import unjudged
from loopwright.record import EpisodeRecord
from loopwright.stats import expected_gain, predicted_asymptote, worth_iterating
from loopwright.task import CheckThreshold, LoopOptions
from loopwright.types import describe_threshold


def _all_passed(context: DecisionContext) -> str | None:
    if context.options.value:
        return None  # a pass is no end where there may be a better value
    verdict = context.tree[context.iteration].verdict
    return f"all {len(verdict.checks)} checks pass" if verdict.passed else None


def _threshold(context: DecisionContext) -> str | None:
    best = context.tree.best
    good = best is not None and context.options.good_enough(best.verdict)
    return f"iteration {best.iteration} is good enough: {_threshold_words(context.options)}" if best and good else None


def _threshold_words(options: LoopOptions) -> str:
    return "" if options.threshold is None else describe_threshold(options.threshold, options.value)


def _max_iterations(context: DecisionContext) -> str | None:
    limit = context.options.max_iterations
    return f"{limit} iterations done{_misnamed(context)}" if context.iteration + 1 >= limit else None


def _misnamed(context: DecisionContext) -> str:
    """Says of a threshold on a check that no verdict had such a check: a slip of the pen looks like a hard task."""
    wanted = context.options.threshold
    names = dict.fromkeys(check.name for attempt in context.tree for check in attempt.verdict.checks)
    if not isinstance(wanted, CheckThreshold) or not names or wanted.check in names:
        return ""
    return f"; loop.threshold names the check {wanted.check!r}, and there are {', '.join([*names][:5])}"


def _budget(context: DecisionContext) -> str | None:
    left = dict(context.ledger.unspent)
    spent = [name for name, amount in left.items() if amount is not None and amount <= 0]
    if context.drawn_ahead:
        # What was paid for is looked at, as one after the other; looking takes time.
        spent = [name for name in spent if name.endswith("seconds")]
    return f"the cap on {spent[0]} is reached" if spent else None


def _plateau(context: DecisionContext) -> str | None:
    window, best = context.options.plateau, context.tree.best
    since = context.iteration - (best.iteration if best else -1)
    return f"no better candidate in {since} iterations" if window is not None and since >= window else None


def _learning_curve(context: DecisionContext) -> str | None:
    asymptote = predicted_asymptote([attempt.verdict.score for attempt in context.tree])
    return None if asymptote is None else f"the scores level off at {asymptote:.2f}"


def _no_expected_gain(context: DecisionContext) -> str | None:
    pilot = context.options.pilot
    if pilot is None or worth_iterating(pilot.accuracy, pilot.correction, pilot.injection):
        return None
    gain = expected_gain(pilot.accuracy, pilot.correction, pilot.injection)
    return f"one more iteration is expected to change accuracy by {gain:+.3f}"


def _repetition(context: DecisionContext) -> str | None:
    limit, times = context.options.repetition, same_failures(context.tree)
    return f"the same failure came {times} times in a row" if limit is not None and times >= limit else None


def _judge_failed(context: DecisionContext) -> str | None:
    # From the latest backwards: a search has thousands of attempts, and this is asked after each.
    numbers = (number for number in range(context.iteration, -1, -1) if context.tree.recorded(number, "proposed"))
    made = (attempt for number in numbers if (attempt := context.tree[number]).candidate is not None)
    latest = list(islice(made, 2))
    unread = len(latest) == 2 and all(unjudged(attempt.verdict) for attempt in latest)
    return f"the judge gave no usable verdict twice in a row: {latest[0].verdict.summary}" if unread else None


def _plan_done(context: DecisionContext) -> str | None:
    steps = context.plan
    if steps is None or len(context.tree) < len(steps):
        return None
    return f"all {len(steps)} steps of the plan are done"


def _submitted(context: DecisionContext) -> str | None:
    return "the agent ended the episode" if context.tree[context.iteration].observation.done else None


def _gave_up(context: DecisionContext) -> str | None:
    seen = context.tree[context.iteration].observation
    return "the agent gave up" if seen.done and seen.text == "skipped" else None


ALL_PASSED = StopRule(
    "all_passed",
    "every visible check passed, and passed again when confirmed",
    _all_passed,
    when=lambda options: "" if options.value else "every visible check passes" + (", twice" if options.confirm else ""),
)
"""Every check of the latest attempt passes."""
THRESHOLD = StopRule(
    "threshold",
    "a candidate is good enough: its score, or that of one check, reaches the threshold",
    _threshold,
    option="threshold",
    when=_threshold_words,
)
"""The score of a candidate, or of one of its checks, reaches `threshold`."""
MAX_ITERATIONS = StopRule(
    "max_iterations",
    "the allowed number of iterations is done",
    _max_iterations,
    when=lambda options: f"{options.max_iterations} iterations are done",
)
"""The allowed number of iterations is done."""
BUDGET = StopRule(
    "budget", "no further call fits under a cap", _budget, when=lambda _: "no further model call fits under the caps"
)
"""No further model call fits under the caps."""
PLATEAU = StopRule(
    "plateau",
    "no better candidate for some iterations",
    _plateau,
    option="plateau",
    when=lambda options: f"{options.plateau} iterations brought nothing better",
)
"""The best score has not grown for `plateau` iterations."""
LEARNING_CURVE = StopRule(
    "learning_curve",
    "the best scores so far level off",
    _learning_curve,
    option="learning_curve",
    when=lambda _: "the scores level off",
)
"""What is left to gain is under 0.02, by a power law fitted to the best scores so far."""
NO_EXPECTED_GAIN = StopRule(
    "no_expected_gain",
    "by the rates of an earlier run, an iteration is not expected to help",
    _no_expected_gain,
    option="pilot",
    when=lambda _: "an iteration is not expected to help, by the pilot's rates",
)
"""By the rates of a pilot, an iteration makes more right answers wrong than wrong ones right."""
REPETITION = StopRule(
    "repetition",
    "the same candidate or the same failure, several times in a row",
    _repetition,
    option="repetition",
    when=lambda options: f"the same failure came {options.repetition} times in a row",
)
"""The same candidate was proposed, or the same checks failed in the same way, `repetition` times in a row."""
JUDGE_FAILED = StopRule("judge_failed", "the judge's reply could not be read, twice in a row", _judge_failed)
"""Two candidates in a row were checked by nothing; an earlier one is the answer."""
PLAN_DONE = StopRule("plan_done", "every step of the plan is done", _plan_done)
"""Every step of the plan is done; only in strategies with a plan."""
SUBMITTED = StopRule("submitted", "the agent ended an episode of actions itself: it is done, or it gave up", _submitted)
"""The agent ended the episode; only in environments that are acted in."""
GAVE_UP = replace(SUBMITTED, reason=_gave_up, when=lambda _: "the agent gives up")
"""The agent gave up. An answer alone is no reason to stop where the reward says that it is not right."""

STOP_RULES: tuple[StopRule, ...] = (
    ALL_PASSED,
    THRESHOLD,
    MAX_ITERATIONS,
    BUDGET,
    PLATEAU,
    LEARNING_CURVE,
    NO_EXPECTED_GAIN,
    REPETITION,
    JUDGE_FAILED,
)
"""Of strategies that work on from what was made."""
SAMPLING_RULES: tuple[StopRule, ...] = (ALL_PASSED, THRESHOLD, MAX_ITERATIONS, BUDGET, JUDGE_FAILED)
"""Of strategies whose candidates are independent: that they resemble each other is no reason to stop."""
BUILTIN_STOP_RULES = {rule.name: rule for rule in (*STOP_RULES, PLAN_DONE, SUBMITTED)}
"""The shipped rules by name."""

CRITIC = "critic"
"""Rule of decisions that the critic asked for."""
MODEL_REJECTED = "model_rejected"
"""Rule of a loop whose proposer was refused for good when there was an answer already."""
PERSON = "person"
"""Rule of decisions that a person made."""
STOP_MEANINGS = {
    **{name: rule.meaning for name, rule in BUILTIN_STOP_RULES.items()},
    CRITIC: "the critic asked to stop",
    PERSON: "a person decided to stop",
    MODEL_REJECTED: "the provider refused a request, such as too long a prompt; an earlier candidate is the answer",
}
"""Everything that stops a loop in a shipped strategy: name in the record to what it means."""


def same_failures(tree: EpisodeRecord) -> int:
    """Length of the run of attempts, ending at the latest, that failed in the same way; 0 without a candidate."""
    attempts = list(tree)
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
