"""What the strategy `discover` chooses and refuses."""

from __future__ import annotations

import math
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwright.discovery import DISCOVER, entropic_weights
from loopwright.loop import Search
from loopwright.task import LoopOptions
from loopwright.types import Attempt, Candidate, Check, ValueOptions, Verdict

PROGRAM = "x = 1\nprint(x)\n"


def begun(parents: Literal["puct", "reward"] = "puct", seed: int = 1) -> Search:
    return DISCOVER.begin(LoopOptions(value=ValueOptions(direction="minimize"), parents=parents), seed)


def candidate(program: str, construction: str = "") -> Candidate:
    return Candidate(files={"solution.py": program}, artifacts={"construction": construction} if construction else {})


def attempt(iteration: int, value: float | None, parent: int | None = None, program: str = "") -> Attempt:
    check = Check(name="valid", score=float(value is not None), data={"construction": f"c{iteration}"})
    verdict = Verdict(checks=(check,), value=value)
    made = candidate(program or f"x = {iteration}\n")
    return Attempt(iteration=iteration, parent=parent, candidate=made, verdict=verdict)


@pytest.mark.parametrize(
    ("program", "refused"),
    [
        (PROGRAM, True),
        ("# a comment\nx  =  1 # another\n\nprint( x )", True),
        (PROGRAM.replace("\n", "\r\n"), True),
        (PROGRAM.replace("1", "2"), False),
        ("x = 1\nprint(x", False),
    ],
)
def test_a_program_that_differs_in_blanks_and_comments_is_refused(program: str, refused: bool) -> None:
    search = begun()
    search.take(attempt(0, 1.0, program=PROGRAM))
    search.brief(1, 0)
    assert ("that of iteration 0" in search.refuse(1, candidate(program))) == refused


def test_another_construction_to_start_from_makes_another_candidate() -> None:
    search = begun()
    search.take(attempt(0, 1.0, program=PROGRAM))
    search.brief(1, 0)
    assert not search.refuse(1, candidate(PROGRAM, "c0"))


def test_what_was_not_known_when_a_candidate_was_begun_refuses_nothing() -> None:
    search = begun()
    search.brief(1, None)
    search.take(attempt(0, 1.0, program=PROGRAM))
    assert not search.refuse(1, candidate(PROGRAM))


def test_lineages_under_way_are_left_out_and_then_a_candidate_starts_afresh() -> None:
    search = begun()
    assert search.pick([]).kind == "restart"
    for one in (attempt(0, 3.0), attempt(1, 2.0), attempt(2, 1.0, parent=1)):
        search.take(one)
    assert search.pick([]).target == 2
    assert search.pick([2]).target == 0
    last = search.pick([1, 0])
    assert (last.kind, last.target, last.why) == ("restart", None, "every lineage is under way")


def test_parents_in_proportion_to_rewards_go_by_the_seed_and_by_what_is_known_and_under_way_alone() -> None:
    one, two, other = begun("reward"), begun("reward"), begun("reward", seed=2)
    picked = []
    for number in range(40):
        for search in (one, two, other):
            search.take(attempt(number, float(number % 7)))
        picked.append([search.pick(under_way).target for search, under_way in ((one, [3, 5]), (two, [5, 3]))])
        assert one.pick([3, 5]) == one.pick([3, 5])
        picked[-1].append(other.pick([3, 5]).target)
    assert all(first == second for first, second, _ in picked)
    assert any(first != third for first, _, third in picked)
    assert len({first for first, _, _ in picked}) > 5
    decision = one.pick([])
    assert (decision.kind, decision.rule) == ("backtrack", "reward")
    assert decision.target is not None
    assert decision.why == f"drawn in proportion to rewards, with value {decision.target % 7}"
    assert begun("reward").pick([]).rule == "reward"


def test_a_proposer_is_shown_the_ancestors_of_what_it_goes_on_from() -> None:
    search = begun()
    for number in range(12):
        search.take(attempt(number, 20.0 - number, parent=number - 1 if number else None))
    assert set(search.brief(12, 3).attempts) >= {0, 1, 2, 3, 4}
    assert set(search.brief(13, 11).attempts) >= {4, 5, 6, 7, 8, 9, 10, 11}
    assert len(search.brief(13, 11).attempts) <= 10
    assert list(search.brief(13, 11).attempts) == sorted(search.brief(13, 11).attempts)
    assert list(search.brief(14, None).attempts) == []


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30))
def test_weights_favour_the_better_and_are_not_sharper_than_wanted(rewards: list[float]) -> None:
    weights = entropic_weights(rewards)
    assert sum(weights) == pytest.approx(1)
    assert [weight for _, weight in sorted(zip(rewards, weights, strict=True))] == sorted(weights)
    away = sum(one * math.log(one * len(weights)) for one in weights if one)
    assert away <= math.log(2) + 1e-6


def test_weights_are_as_far_from_equal_as_wanted() -> None:
    for rewards in ([1.0, 2.0, 3.0, 4.0], [0.1, 0.2, 0.30001, 0.4], [-5.0, 100.0, 101.0]):
        away = sum(one * math.log(one * len(rewards)) for one in entropic_weights(rewards) if one)
        assert away == pytest.approx(math.log(2), abs=1e-6)
    assert entropic_weights([2.0, 4.0, 8.0]) == pytest.approx(entropic_weights([1.0, 2.0, 4.0]))
    assert entropic_weights([3.0, 3.0]) == [0.5, 0.5]
    assert entropic_weights([]) == []
