"""The tree of attempts in an episode's record."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwright.agents import Attempt, Critique
from loopwright.record import EpisodeRecord, IterationPart
from loopwright.store import Event, Failed, RunFinished
from loopwright.verify import Check, Verdict
from tests.loop.trees import (
    Iteration,
    criticised,
    decided,
    events_of,
    judged,
    proposed,
    tree_of,
    tried,
    unreadable,
)

PARTS: tuple[IterationPart, ...] = ("proposed", "observed", "judged", "critiqued", "decided")


def told(tree: EpisodeRecord) -> dict[str, Any]:
    """All that a tree says."""
    numbers = range(len(tree) + 1)
    return {
        "attempts": list(tree),
        "best": tree.best,
        "stop_rule": tree.stop_rule,
        "decisions": [tree.decision(number) for number in numbers],
        "critiques": [tree.critique(number) for number in numbers],
        "recorded": [(number, part) for number in numbers for part in PARTS if tree.recorded(number, part)],
    }


def test_an_empty_tree() -> None:
    tree = EpisodeRecord()
    assert told(tree) == {
        "attempts": [], "best": None, "stop_rule": "", "decisions": [None], "critiques": [None], "recorded": []
    }  # fmt: skip
    with pytest.raises(KeyError):
        tree[0]


@pytest.mark.parametrize(
    ("iterations", "best"),
    [
        ([tried("a", 0.2), tried("b", 0.8), tried("c", 0.5)], 1),
        ([tried("a", 0.5), tried("b", 0.5), tried("c", 0.5)], 0),
        ([tried("a", 0.0)], 0),
        ([unreadable(), tried("a", 0.0), unreadable()], 1),
        ([unreadable()], None),
        ([(proposed("a"),)], None),
        ([tried("a", 0.1), (proposed("b"),)], 0),
        ([tried("a", 0.1), (*unreadable(), judged(Check(name="c", score=1.0)))], 0),
    ],
    ids=[
        "highest",
        "earliest of equals",
        "none passed",
        "unreadable",
        "no candidate",
        "not judged",
        "under way",
        "judged without one",
    ],
)
def test_the_best_is_the_verified_attempt_with_the_highest_score(iterations: list[Iteration], best: int | None) -> None:
    found = tree_of(*iterations).best
    assert (found.iteration if found else None) == best


def test_the_best_holds_all_that_is_known_of_it_now() -> None:
    tree = tree_of((*tried("a", 0.5), criticised("more")), tried("b", 0.1))
    assert tree.best == tree[0]
    assert tree[0].critique == "more"


def test_what_is_recorded_of_each_iteration() -> None:
    tree = tree_of((*tried("a", 0.5), criticised("more"), decided("progress")), tried("b", 0.1)[:2])
    assert [part for part in PARTS if tree.recorded(0, part)] == list(PARTS)
    assert [part for part in PARTS if tree.recorded(1, part)] == ["proposed", "observed"]
    assert not tree.recorded(2, "proposed")


def test_decisions_and_the_rule_that_stopped() -> None:
    tree = tree_of((*tried("a", 0.5), decided("progress")), tried("b", 0.1))
    assert ((made := tree.decision(0)) and made.rule, tree.decision(1), tree.stop_rule) == ("progress", None, "")
    tree = tree_of((*tried("a", 0.5), decided("progress")), (*tried("b", 0.1), decided("plateau", stop=True)))
    assert ((made := tree.decision(1)) and made.rule, tree.stop_rule) == ("plateau", "plateau")


def test_a_decision_without_an_attempt_counts_too() -> None:
    tree = tree_of((decided("budget", stop=True),))
    assert (len(tree), tree.stop_rule) == (0, "budget")


def test_critiques_hold_what_the_critic_asked_for() -> None:
    tree = tree_of((*tried("a", 0.5), criticised("go back", "backtrack", 0)), tried("b", 0.1))
    assert tree.critique(0) == Critique(feedback="go back", decision="backtrack", backtrack_to=0)
    assert tree.critique(1) is None


def test_attempts_come_by_iteration_with_their_parents() -> None:
    tree = tree_of(tried("a", 0.5), tried("b", 0.1, parent=0), tried("c", 0.2, parent=0), unreadable("no code"))
    assert [(attempt.iteration, attempt.parent) for attempt in tree] == [(0, None), (1, 0), (2, 0), (3, None)]
    assert tree[3] == Attempt(iteration=3, problem="no code", verdict=Verdict(summary="no code"))


def test_events_that_do_not_concern_attempts_are_passed_over() -> None:
    failed = Failed(error="ModelError", cause="model", message="m", retried=True)
    others = [
        Event(seq=0, time="2026-01-01T00:00:00+00:00", data=RunFinished(reason="completed")),
        Event(seq=1, time="2026-01-01T00:00:00+00:00", episode="e", iteration=0, node="propose", data=failed),
        Event(seq=2, time="2026-01-01T00:00:00+00:00", episode="e", data=proposed("a")),
    ]
    tree = EpisodeRecord()
    for event in others:
        tree.apply(event)
    assert told(tree) == told(EpisodeRecord())
    assert [one.failed for one in tree.incidents] == [failed]


SCORES = st.sampled_from([0.0, 0.1, 1 / 3, 0.5, 1.0])
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)
ITERATIONS = st.one_of(
    st.builds(unreadable, st.text(min_size=1, max_size=4)),
    st.builds(
        lambda text, scores, said, stop: (*tried(text, *scores), *said, decided("rule", stop=stop)),
        TEXTS,
        st.lists(SCORES, max_size=3),
        st.lists(st.builds(criticised, TEXTS, st.sampled_from(["continue", "stop"])), max_size=1),
        st.booleans(),
    ),
)


@given(st.lists(ITERATIONS, max_size=6), st.data())
def test_a_resumed_episode_has_the_tree_of_one_that_ran_through(
    iterations: list[Iteration], data: st.DataObject
) -> None:
    events = events_of(*iterations)
    cut = data.draw(st.integers(0, len(events)))
    through, resumed = EpisodeRecord(), EpisodeRecord()
    for event in events:
        through.apply(event)
    for event in events[:cut]:
        resumed.apply(Event.model_validate_json(event.model_dump_json()))
    before, kept = list(resumed), [attempt.model_copy(deep=True) for attempt in resumed]
    for event in events[cut:]:
        resumed.apply(event)
    assert told(resumed) == told(through)
    assert before == kept, "attempts that were handed out must not change"


@given(st.lists(ITERATIONS, max_size=6))
def test_the_best_is_the_maximum_whatever_the_order_of_scores(iterations: list[Iteration]) -> None:
    tree = tree_of(*iterations)
    verified = [attempt for attempt in tree if attempt.candidate is not None]
    best = max(verified, key=lambda attempt: attempt.verdict.score, default=None)
    assert tree.best == best


def test_of_two_stops_the_one_of_the_earlier_iteration_stopped_the_loop_whichever_was_recorded_first() -> None:
    early, late = decided("threshold", stop=True), decided("budget", stop=True)
    first, second = events_of((early,), (late,))
    for events in ([first, second], [second, first]):
        tree = EpisodeRecord()
        for event in events:
            tree.apply(event)
        assert tree.stop_rule == "threshold"


def test_a_stop_that_is_decided_anew_is_none() -> None:
    assert tree_of((decided("budget", stop=True), decided("progress"))).stop_rule == ""


def test_an_episode_without_its_iterations_takes_them_one_by_one() -> None:
    whole = tree_of(tried("a", 0.2), tried("b", 0.8), unreadable(), tried("c", 0.9))
    part = whole.without_iterations()
    best = []
    for iteration in whole.iterations.values():
        part.take(iteration)
        best.append(part.best and part.best.iteration)
    assert best == [0, 1, 1, 3]
    assert list(part) == list(whole)
