"""Each stop rule and each part of the policies at its edges."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from loopwright.agents import Critique
from loopwright.budget import Caps, Ledger, Spend
from loopwright.loop import BEST_OF_N, REFINE, SAMPLING_RULES, SINGLE, STOP_RULES, Decision, DecisionContext, StopRule
from loopwright.task import LoopOptions
from tests.loop.trees import Iteration, context_of, judged, proposed, tried, unreadable

RULES = {rule.name: rule for rule in STOP_RULES}


def stops(name: str, context: DecisionContext) -> bool:
    """Whether that rule alone stops the loop, in its own name."""
    decision = RULES[name].decide(context)
    if decision is None:
        return False
    assert (decision.kind, decision.rule, decision.target) == ("stop", name, None)
    assert decision.why
    return True


def refine(*iterations: Iteration, critique: Critique | None = None, **options: Any) -> tuple[str, str, int | None]:
    """Where `refine` goes when no rule stops it."""
    decision = REFINE.policy(context_of(*iterations, critique=critique, **options))
    return decision.kind, decision.rule, decision.target


def scores(*values: float) -> list[Iteration]:
    """Different candidates, of which each one's only check has such a score."""
    return [tried(f"t{number}", value) for number, value in enumerate(values)]


def test_rules_are_asked_in_this_order() -> None:
    assert list(RULES) == [
        "all_passed",
        "threshold",
        "max_iterations",
        "budget",
        "plateau",
        "learning_curve",
        "no_expected_gain",
        "repetition",
        "judge_failed",
    ]
    sampling = ["all_passed", "threshold", "max_iterations", "budget", "judge_failed"]
    assert [rule.name for rule in SAMPLING_RULES] == sampling
    assert [rule.name for rule in SINGLE.stop_rules] == ["all_passed"]
    assert (BEST_OF_N.stop_rules, REFINE.stop_rules) == (SAMPLING_RULES, STOP_RULES)


@pytest.mark.parametrize(
    ("iterations", "expected"),
    [
        ([tried("a", 1.0, 1.0)], True),
        ([tried("a", 1.0, 0.99)], False),
        ([(proposed("a"), judged())], False),
        ([unreadable()], False),
        ([tried("a", 1.0), tried("b", 0.0)], False),
        ([tried("a", 0.0), tried("b", 1.0)], True),
    ],
    ids=["all", "nearly", "no checks", "no candidate", "an earlier one", "the latest"],
)
def test_all_passed_looks_at_every_check_of_the_latest_attempt(iterations: list[Iteration], expected: bool) -> None:
    assert stops("all_passed", context_of(*iterations)) is expected


@pytest.mark.parametrize(("done", "expected"), [(1, False), (2, False), (3, True), (4, True)])
def test_max_iterations_counts_every_attempt(done: int, expected: bool) -> None:
    iterations = [unreadable(), *scores(0.1, 0.2, 0.3)][:done]
    assert stops("max_iterations", context_of(*iterations, max_iterations=3)) is expected


@pytest.mark.parametrize(
    ("caps", "spent", "expected"),
    [
        (Caps(), Spend(model_calls=10**6), False),
        (Caps(model_calls=2), Spend(model_calls=1), False),
        (Caps(model_calls=2), Spend(model_calls=2), True),
        (Caps(tokens=10), Spend(input=3, cache_read=2, cache_write=2, output=2), False),
        (Caps(tokens=10), Spend(input=3, cache_read=2, cache_write=2, output=3), True),
        (Caps(usd=Decimal("0.10")), Spend(usd=Decimal("0.09999")), False),
        (Caps(usd=Decimal("0.10")), Spend(usd=Decimal("0.11")), True),
        (Caps(sandbox_seconds=2.0), Spend(sandbox_seconds=1.5), False),
        (Caps(sandbox_seconds=2.0), Spend(sandbox_seconds=2.0), True),
        (Caps(working_seconds=2.0), Spend(working_seconds=1.5, sandbox_seconds=9.0), False),
        (Caps(working_seconds=2.0), Spend(working_seconds=2.0), True),
    ],
)
def test_budget_stops_where_a_cap_is_reached(caps: Caps, spent: Spend, expected: bool) -> None:
    ledger = Ledger(caps)
    ledger.charge(spent)
    assert stops("budget", context_of(tried("a", 0.0), ledger=ledger)) is expected


def test_budget_counts_wall_time_and_the_caps_of_parents() -> None:
    now = [0.0]
    ledger = Ledger(Caps(seconds=5.0), clock=lambda: now[0])
    assert not stops("budget", context_of(tried("a", 0.0), ledger=ledger))
    now[0] = 5.0
    assert stops("budget", context_of(tried("a", 0.0), ledger=ledger))

    parent = Ledger(Caps(model_calls=1))
    child = Ledger(Caps(model_calls=9), parent=parent)
    parent.charge(Spend(model_calls=1))
    decision = RULES["budget"].decide(context_of(tried("a", 0.0), ledger=child))
    assert decision == Decision("stop", "budget", "the cap on model_calls is reached")


def test_budget_does_not_count_what_is_held_for_calls_under_way() -> None:
    ledger = Ledger(Caps(model_calls=1))
    with ledger.reserve(Spend(model_calls=1)) as held:
        assert not stops("budget", context_of(tried("a", 0.0), ledger=ledger))
        held.settle(Spend(model_calls=1))
    assert stops("budget", context_of(tried("a", 0.0), ledger=ledger))


@pytest.mark.parametrize(
    ("iterations", "window", "expected"),
    [
        (scores(0.5, 0.5), 2, False),
        (scores(0.5, 0.5, 0.4), 2, True),
        (scores(0.5, 0.4, 0.6), 2, False),
        (scores(0.5, 0.4, 0.3), None, False),
        ([unreadable()], 2, False),
        ([unreadable(), unreadable()], 2, True),
        ([tried("a", 0.5), unreadable(), unreadable()], 2, True),
    ],
    ids=["one equal", "equals", "better", "off", "no candidate", "never a candidate", "unreadable"],
)
def test_plateau_counts_iterations_since_the_best(
    iterations: list[Iteration], window: int | None, expected: bool
) -> None:
    assert stops("plateau", context_of(*iterations, plateau=window)) is expected


@pytest.mark.parametrize(
    ("iterations", "on", "expected"),
    [
        (scores(*[0.5] * 6), True, True),
        (scores(*[0.5] * 6), False, False),
        (scores(*[0.5] * 5), True, False),
        (scores(0.1, 0.2, 0.3, 0.4, 0.5, 0.6), True, False),
        (scores(0.5, 0.1, 0.2, 0.0, 0.3, 0.4), True, True),
    ],
    ids=["level", "off", "five", "steep", "the best so far is level"],
)
def test_learning_curve_needs_six_level_scores(iterations: list[Iteration], on: bool, expected: bool) -> None:
    assert stops("learning_curve", context_of(*iterations, learning_curve=on)) is expected


@pytest.mark.parametrize(
    ("pilot", "expected"),
    [
        (None, False),
        ({"accuracy": 0.5, "correction": 0.25, "injection": 0.125}, False),
        ({"accuracy": 0.5, "correction": 0.25, "injection": 0.25}, True),
        ({"accuracy": 0.5, "correction": 0.25, "injection": 0.5}, True),
        ({"accuracy": 1.0, "correction": 1.0, "injection": 0.0}, True),
    ],
    ids=["no pilot", "gain", "none", "loss", "all right"],
)
def test_no_expected_gain_needs_a_pilot_without_gain(pilot: dict[str, float] | None, expected: bool) -> None:
    assert stops("no_expected_gain", context_of(tried("a", 0.0), pilot=pilot)) is expected


SAME = [
    pytest.param([tried("a", 0.0)] * 2, 2, id="the same candidate"),
    pytest.param([tried("a", 0.0, evidence="x"), tried("b", 0.0, evidence="x")], 2, id="the same evidence"),
    pytest.param([tried("a", 0.0), tried("b", 0.0)], 1, id="checks that do not say why"),
    pytest.param([tried("a", 0.0, evidence="x"), tried("b", 0.0, evidence="y")], 1, id="other evidence"),
    pytest.param([tried("a", 0.0, 0.0, evidence="x"), tried("b", 1.0, 0.0, evidence="x")], 1, id="other checks"),
    pytest.param([tried("a", 0.0, 1.0, evidence="x"), tried("b", 0.5, 1.0, evidence="x")], 2, id="another score"),
    pytest.param([tried("a", 0.0), tried("b", 0.0), tried("a", 0.0)], 1, id="not in a row"),
    pytest.param([tried("a", 0.0), unreadable(), tried("a", 0.0)], 1, id="a reply without a candidate between"),
    pytest.param([tried("a", 0.0), tried("a", 0.0), unreadable()], 0, id="a reply without a candidate at the end"),
    pytest.param([tried("a", 1.0), tried("a", 1.0)], 0, id="passing ones"),
    pytest.param([tried("b", 0.0), tried("a", 0.0), tried("a", 0.0)], 2, id="the end alone counts"),
]
"""Iterations, and how many at their end failed in the same way."""


@pytest.mark.parametrize(("iterations", "times"), SAME)
def test_repetition_counts_the_same_failure_in_a_row(iterations: list[Iteration], times: int) -> None:
    assert stops("repetition", context_of(*iterations, repetition=2)) is (times >= 2)
    assert not stops("repetition", context_of(*iterations, repetition=3))


@pytest.mark.parametrize(("times", "limit", "expected"), [(2, 3, False), (3, 3, True), (4, 3, True), (9, None, False)])
def test_repetition_stops_at_its_limit(times: int, limit: int | None, expected: bool) -> None:
    assert stops("repetition", context_of(*[tried("a", 0.0)] * times, repetition=limit)) is expected


@pytest.mark.parametrize(("iterations", "times"), SAME)
def test_refine_starts_afresh_when_two_in_a_row_failed_the_same_way(iterations: list[Iteration], times: int) -> None:
    stuck = refine(*iterations, critique=Critique(feedback="", decision="stop")) == ("restart", "repetition", None)
    assert stuck is (times >= 2)


@pytest.mark.parametrize(
    ("iterations", "expected"),
    [
        (scores(0.2, 0.5), ("continue", "progress", 1)),
        (scores(0.5, 0.5), ("continue", "progress", 1)),
        (scores(0.5, 0.4), ("backtrack", "regression", 0)),
        (scores(0.2, 0.5, 0.1, 0.4), ("backtrack", "regression", 1)),
        (scores(0.0, 0.0), ("continue", "progress", 1)),
        ([tried("a", 0.5), unreadable()], ("backtrack", "regression", 0)),
        ([tried("a", 0.0), unreadable()], ("backtrack", "regression", 0)),
        ([unreadable(), tried("a", 0.0)], ("continue", "progress", 1)),
        ([unreadable()], ("restart", "no_candidate", None)),
    ],
)
def test_refine_goes_back_to_the_best_where_the_latest_is_worse(
    iterations: list[Iteration], expected: tuple[str, str, int | None]
) -> None:
    assert refine(*iterations) == expected


@pytest.mark.parametrize(
    ("asked", "target", "expected"),
    [
        ("continue", None, ("backtrack", "regression", 0)),
        ("stop", None, ("stop", "critic", None)),
        ("restart", None, ("restart", "critic", None)),
        ("backtrack", 0, ("backtrack", "critic", 0)),
        ("backtrack", 2, ("backtrack", "critic", 2)),
        ("backtrack", 1, ("backtrack", "regression", 0)),
        ("backtrack", 3, ("backtrack", "regression", 0)),
        ("backtrack", -1, ("backtrack", "regression", 0)),
        ("backtrack", None, ("backtrack", "regression", 0)),
    ],
)
def test_the_critic_goes_before_a_regression_where_its_wish_can_be_done(
    asked: Any, target: int | None, expected: tuple[str, str, int | None]
) -> None:
    critique = Critique(feedback="", decision=asked, backtrack_to=target)
    assert refine(tried("a", 0.5), unreadable(), tried("b", 0.4), critique=critique) == expected


def test_a_reply_without_a_candidate_says_why_it_starts_afresh() -> None:
    assert REFINE.policy(context_of(unreadable("two code blocks"))).why == "two code blocks"


@pytest.mark.parametrize("iterations", [scores(0.2), scores(0.5, 0.4), [unreadable()]])
def test_independent_candidates_start_afresh_and_a_single_one_is_the_last(iterations: list[Iteration]) -> None:
    context = context_of(*iterations)
    assert (BEST_OF_N.policy(context).kind, BEST_OF_N.policy(context).rule) == ("restart", "best_of_n")
    assert (SINGLE.policy(context).kind, SINGLE.policy(context).rule) == ("stop", "max_iterations")


@pytest.mark.parametrize("rule", STOP_RULES, ids=lambda rule: rule.name)
def test_a_rule_that_its_option_switches_off_says_nothing(rule: StopRule) -> None:
    off = LoopOptions(plateau=None, learning_curve=False, pilot=None, repetition=None)
    assert bool(rule.describe(off)) is (rule.option is None)
    if rule.option:
        never = context_of(*scores(*[0.0] * 9), **off.model_dump())
        assert rule.decide(never) is None


def test_a_rule_of_ones_own_says_why_in_its_name() -> None:
    rule = StopRule(
        "late", "it was late", lambda context: f"{context.iteration} is late" if context.iteration else None
    )
    assert rule.describe(LoopOptions()) == "it was late"
    assert rule.decide(context_of(*scores(0.1))) is None
    assert rule.decide(context_of(*scores(0.1, 0.2))) == Decision("stop", "late", "1 is late")
