"""Several archives that take turns and hand on their best."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from loopwright.discovery import DISCOVER, Islands
from loopwright.task import LoopOptions
from loopwright.types import ValueOptions
from tests.discovery.test_archive import attempt

MAXIMIZE = ValueOptions(direction="maximize")


def islands(count: int, migration: int, *values: float | None, parents: dict[int, int] | None = None) -> Islands:
    """Islands that took in a candidate of each value; the first of each island are begun at the start."""
    made = Islands(MAXIMIZE, count, migration)
    for number in range(count):
        made.begin(number)
    for number, value in enumerate(values):
        if number >= count:
            made.begin(number)
        made.add(attempt(number, value, parent=(parents or {}).get(number)))
    return made


def test_candidates_made_afresh_at_the_start_are_spread_over_the_islands() -> None:
    made = islands(3, 100, 1.0, 2.0, 3.0)
    assert [sorted(archive.states) for archive in made.archives] == [[0], [1], [2]]


def test_islands_take_turns_and_a_child_belongs_to_the_island_of_its_turn() -> None:
    made = islands(2, 100, 1.0, 2.0)
    assert made.turn == 0
    made.begin(2)
    made.add(attempt(2, 5.0, parent=0))
    assert made.turn == 1
    made.begin(3)
    made.add(attempt(3, 6.0, parent=1))
    assert [sorted(archive.states) for archive in made.archives] == [[0, 2], [1, 3]]


def test_an_island_without_a_valid_candidate_gets_the_next_fresh_start_of_its_turn() -> None:
    made = islands(2, 100, None, 2.0, None, 3.0, 4.0)
    assert [sorted(archive.states) for archive in made.archives] == [[4], [1, 3]]


def test_the_best_of_each_goes_to_the_next_in_a_ring_and_counts_as_made_afresh() -> None:
    made = islands(3, 1, 1.0, 2.0, 3.0)
    assert [sorted(archive.states) for archive in made.archives] == [[0, 2], [0, 1], [1, 2]]
    assert [archive.states[at].parent for archive, at in zip(made.archives, (2, 0, 1), strict=True)] == [None] * 3
    made.begin(3)
    made.add(attempt(3, 9.0, parent=2))
    assert made.archives[0].states[2].visits == 1
    assert made.archives[2].states[2].visits == 0


def test_a_candidate_that_an_island_has_is_not_received_again() -> None:
    made = islands(2, 1, 1.0, 2.0, 0.5, 0.6)
    assert [len(archive.states) for archive in made.archives] == [3, 3]


@given(
    st.integers(1, 5),
    st.integers(1, 7),
    st.lists(st.tuples(st.integers(0, 50), st.one_of(st.none(), st.floats(-10, 10))), max_size=60),
)
def test_every_state_is_valid_and_no_island_grows_beyond_its_room(
    count: int, migration: int, steps: list[tuple[int, float | None]]
) -> None:
    made = Islands(MAXIMIZE, count, migration)
    for number, (pick, value) in enumerate(steps):
        archive = made.begin(number)
        known = sorted(archive.states)
        parent = known[pick % len(known)] if known and pick % 3 else None
        made.add(attempt(number, value, parent=parent))
    assert made.taken == len(steps)
    states = [state for archive in made.archives for state in archive.states.values()]
    assert all(steps[state.iteration][1] == state.reward for state in states)
    if steps and any(value is not None for _, value in steps):
        best = max(value for _, value in steps if value is not None)
        assert best in {state.reward for state in states}


def test_a_decision_names_its_island_and_one_island_is_no_other_search() -> None:
    search = DISCOVER.begin(LoopOptions(value=MAXIMIZE, islands=2), 1)
    for number in (0, 1):
        search.brief(number, None)
    for number in (0, 1):
        search.take(attempt(number, float(number)))
    first = search.pick([])
    assert (first.target, first.why) == (0, "island 1: its own value 0, 0 candidates made from it")
    alone = DISCOVER.begin(LoopOptions(value=MAXIMIZE), 1)
    alone.brief(0, None)
    alone.take(attempt(0, 1.0))
    assert alone.pick([]).why == "its own value 1, 0 candidates made from it"
