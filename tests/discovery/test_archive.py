"""Which candidate a search goes on from."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwright.candidate import Candidate
from loopwright.discovery import Archive
from loopwright.types import Attempt, Check, ValueOptions, Verdict

MAXIMIZE, MINIMIZE = ValueOptions(direction="maximize"), ValueOptions(direction="minimize")


def attempt(iteration: int, value: float | None, parent: int | None = None, found: str = "") -> Attempt:
    check = Check(name="valid", score=float(value is not None), data={"construction": found or f"c{iteration}"})
    candidate = Candidate(files={"solution.py": str(iteration)})
    return Attempt(
        iteration=iteration, parent=parent, candidate=candidate, verdict=Verdict(checks=(check,), value=value)
    )


def archive(*attempts: Attempt, value: ValueOptions = MAXIMIZE) -> Archive:
    made = Archive(value)
    for one in attempts:
        made.add(one)
    return made


def selected(made: Archive, *blocked: int) -> int | None:
    state = made.select(blocked)
    return None if state is None else state.iteration


def test_the_best_of_two_seeds_comes_first_in_either_direction() -> None:
    seeds = attempt(0, 1.0), attempt(1, 2.0)
    assert selected(archive(*seeds)) == 1
    assert selected(archive(*seeds, value=MINIMIZE)) == 0


def test_what_failed_is_no_parent_and_counts_as_a_visit() -> None:
    made = archive(attempt(0, 1.0), attempt(1, None, parent=0), attempt(2, None, parent=0))
    assert list(made.states) == [0]
    assert made.states[0].visits == 2
    assert selected(archive(attempt(0, None))) is None


def test_visits_count_on_all_ancestors_and_the_best_child_on_the_parent_alone() -> None:
    made = archive(attempt(0, 1.0), attempt(1, 2.0, parent=0), attempt(2, 3.0, parent=1))
    assert [made.states[at].visits for at in (0, 1, 2)] == [2, 1, 0]
    assert [made.states[at].promise for at in (0, 1, 2)] == [2.0, 3.0, 3.0]


def test_two_children_of_a_parent_are_kept() -> None:
    made = archive(attempt(0, 1.0), *(attempt(at, float(at), parent=0) for at in range(1, 6)))
    assert sorted(made.states) == [0, 4, 5]


def test_the_same_construction_is_no_further_parent() -> None:
    made = archive(attempt(0, 1.0, found="same"), attempt(1, 1.0, parent=0, found="same"))
    assert list(made.states) == [0]


def test_a_batch_takes_no_two_of_one_lineage() -> None:
    made = archive(attempt(0, 1.0), attempt(1, 2.0, parent=0), attempt(2, 3.0, parent=1), attempt(3, 0.5))
    assert selected(made, 1) == 3
    assert selected(made, 2, 3) is None


def test_a_parent_that_disappoints_gives_way() -> None:
    made = archive(attempt(0, 1.0), attempt(1, 1.01))
    chosen = set()
    for number in range(2, 40):
        parent = selected(made)
        chosen.add(parent)
        made.add(attempt(number, 0.5, parent=parent))
    assert {0, 1} <= chosen


@pytest.mark.parametrize("value", [MAXIMIZE, MINIMIZE])
def test_draws_are_in_proportion_to_rewards(value: ValueOptions) -> None:
    sign = 1 if value is MAXIMIZE else -1
    made = archive(*(attempt(at, sign * (at - 1.0)) for at in range(3)), value=value)
    drawn = Counter(state.iteration for seed in range(4000) if (state := made.draw(Random(seed))))
    # Above the worst one by 0, 1 and 2, and each by a third of the range more.
    shares = [drawn[at] / 4000 for at in range(3)]
    assert shares == pytest.approx([2 / 15, 5 / 15, 8 / 15], abs=0.03)


def test_equal_rewards_are_drawn_alike_and_nothing_is_drawn_of_nothing() -> None:
    made = archive(attempt(0, 1.0), attempt(1, 1.0))
    drawn = Counter(state.iteration for seed in range(1000) if (state := made.draw(Random(seed))))
    assert drawn[0] / 1000 == pytest.approx(0.5, abs=0.05)
    assert archive().draw(Random(0)) is None


def test_what_is_free_is_drawn_in_proportion_too() -> None:
    made = archive(*(attempt(at, float(at)) for at in range(4)))
    drawn = Counter(state.iteration for seed in range(4000) if (state := made.draw(Random(seed), [3])))
    assert drawn[3] == 0
    assert drawn[2] / 4000 == pytest.approx(2.75 / (0.75 + 1.75 + 2.75), abs=0.03)


@given(
    st.lists(st.tuples(st.integers(0, 1000), st.one_of(st.none(), st.floats(-10, 10))), max_size=80),
    st.integers(1, 6),
)
def test_visits_of_what_may_be_a_parent_count_all_descendants_also_those_of_dropped_ones(
    steps: list[tuple[int, float | None]], most: int
) -> None:
    made, visits, parents = Archive(MAXIMIZE, most=most), Counter[int](), dict[int, int | None]()
    for number, (pick, value) in enumerate(steps):
        # A parent may have been dropped since the candidate was begun.
        known = [one for one in parents if steps[one][1] is not None]
        above = parents[number] = known[-1 - pick % min(4, len(known))] if known and pick % 9 else None
        made.add(attempt(number, value, parent=above))
        while above is not None:
            visits[above] += 1
            above = parents[above]
    assert len(made.states) <= most
    assert {one: state.visits for one, state in made.states.items()} == {one: visits[one] for one in made.states}


@given(st.lists(st.tuples(st.integers(0, 100), st.one_of(st.none(), st.floats(-10, 10))), max_size=60))
def test_states_are_valid_and_their_visits_count_their_descendants(steps: list[tuple[int, float | None]]) -> None:
    made, parents = Archive(MAXIMIZE), dict[int, int | None]()
    for number, (pick, value) in enumerate(steps):
        known = sorted(made.states)
        parents[number] = known[pick % len(known)] if known and pick % 3 else None
        made.add(attempt(number, value, parent=parents[number]))
    for state in made.states.values():
        assert steps[state.iteration][1] is not None
        children = [number for number, parent in parents.items() if parent == state.iteration]
        assert state.visits >= len(children)
        values = [value for number in children if (value := steps[number][1]) is not None]
        assert state.promise == (max(values) if values else state.reward)
    assert made.expansions == sum(parent is not None for parent in parents.values())
    order = list(made.states)
    Random(0).shuffle(order)
    assert made.select(order) is None


@given(
    st.lists(st.tuples(st.integers(0, 1000), st.one_of(st.none(), st.floats(-10, 10))), max_size=60),
    st.sets(st.integers(0, 60), max_size=4),
)
def test_the_best_of_the_lineages_that_are_free_is_selected(
    steps: list[tuple[int, float | None]], blocked: set[int]
) -> None:
    made = Archive(MAXIMIZE)
    for number, (pick, value) in enumerate(steps):
        known = sorted(made.states)
        made.add(attempt(number, value, parent=known[-1 - pick % min(3, len(known))] if known and pick % 9 else None))
    lineages = {iteration: set(made.lineage(iteration)) for iteration in range(len(steps))}
    taken = {above for one in blocked for above in lineages.get(one, ())}
    free = {one for one in made.states if one not in taken and not lineages[one] & blocked}
    found = made.select(blocked)
    for one in (found, made.draw(Random(0), blocked)):
        assert (one is None) == (not free)
        assert one is None or one.iteration in free
    if not taken:
        assert found is made.select()
