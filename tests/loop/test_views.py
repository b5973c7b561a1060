"""What each role sees of an episode."""

from __future__ import annotations

import pytest

from loopwright.agents import ActionRequest, AgentRole, Memory, MemoryTurn, View
from loopwright.loop import view_for, view_of
from loopwright.record import EpisodeRecord
from loopwright.task import Instance
from tests.loop.trees import criticised, tree_of, tried, unreadable

INSTANCE = Instance(id="i", goal="Guess.", public={"below": 100})
MEMORY = Memory(turns=(MemoryTurn(id="e/0", goal="Guess.", said="7"),))
SEEN = {
    AgentRole.PROPOSER: (0, 1, 2),
    AgentRole.CRITIC: (0, 1, 2),
    AgentRole.VERIFIER: (),
    AgentRole.AUDITOR: (),
    AgentRole.SUMMARIZER: (),
    AgentRole.IDEA: (0, 1, 2),
    AgentRole.REVIEWER: (0, 1, 2),
}
"""Role to the attempts that it sees beside the one under way."""


@pytest.fixture
def tree() -> EpisodeRecord:
    return tree_of((*tried("7", 0.5, evidence="odd"), criticised("make it even")), unreadable(), tried("8", 0.2))


def seen(view: View) -> tuple[int, ...]:
    return tuple(attempt.iteration for attempt in view.attempts)


def test_every_role_is_told_here() -> None:
    assert set(SEEN) == set(AgentRole)


@pytest.mark.parametrize("role", AgentRole)
def test_with_an_attempt_under_way(role: AgentRole, tree: EpisodeRecord) -> None:
    view = view_for(role, INSTANCE, tree, current=0)
    assert (view.role, view.goal) == (role, "Guess.")
    assert seen(view) == SEEN[role]
    in_the_loop = role is not AgentRole.SUMMARIZER
    assert (view.public, view.current) == (({"below": 100}, tree[0]) if in_the_loop else ({}, None))


@pytest.mark.parametrize("role", AgentRole)
def test_with_a_fresh_start_a_proposer_is_not_led_the_same_way_again(role: AgentRole, tree: EpisodeRecord) -> None:
    view = view_for(role, INSTANCE, tree, current=None)
    assert seen(view) == (() if role is AgentRole.PROPOSER else SEEN[role])
    assert view.current is None


def test_an_attempt_shows_its_candidate_its_checks_and_its_critique(tree: EpisodeRecord) -> None:
    first, second, third = view_for(AgentRole.PROPOSER, INSTANCE, tree, current=2).attempts
    assert first.candidate is not None
    assert first.candidate.text == "7"
    assert [(check.name, check.evidence) for check in first.verdict.failed] == [("c0", "odd")]
    assert (first.observation.text, first.critique) == ("ran 7", "make it even")
    assert (second.candidate, second.problem, second.verdict.summary) == (None, "no code block", "no code block")
    assert (third.critique, third.verdict.score) == ("", 0.2)


@pytest.mark.parametrize("role", AgentRole)
def test_iterations_left_memory_and_action_reach_the_roles_that_the_table_names(
    role: AgentRole, tree: EpisodeRecord
) -> None:
    action = ActionRequest(style="react")
    given = view_for(role, INSTANCE, tree, current=0, iterations_left=4, memory=MEMORY, action=action)
    assert given.iterations_left == (4 if role in ("proposer", "critic") else None)
    assert given.memory == (MEMORY if role in ("proposer", "summarizer") else Memory())
    assert given.action == (action if role == "proposer" else ActionRequest())
    without = view_for(role, INSTANCE, tree, current=0)
    assert (without.iterations_left, without.memory, without.action) == (None, Memory(), ActionRequest())


def test_prompts_of_earlier_releases_find_what_strategies_ask_among_the_public_fields(tree: EpisodeRecord) -> None:
    def public(action: ActionRequest) -> dict[str, object]:
        return dict(view_for(AgentRole.PROPOSER, INSTANCE, tree, current=0, action=action).public)

    assert public(ActionRequest(style="react")) == {"below": 100, "style": "react"}
    planned = ActionRequest(style="step", plan="a\nb", step="b")
    assert public(planned) == {"below": 100, "style": "step", "plan": "a\nb", "step": "b"}
    summed = view_of(AgentRole.SUMMARIZER, INSTANCE, words=100)
    assert (summed.words, summed.public) == (100, {"words": 100})


@pytest.mark.parametrize("role", AgentRole)
@pytest.mark.parametrize("current", [None, 0])
def test_an_instance_with_hidden_fields_is_refused_by_name(
    role: AgentRole, current: int | None, tree: EpisodeRecord
) -> None:
    instance = INSTANCE.model_copy(update={"hidden": {"number": 42}})
    with pytest.raises(ValueError, match="'i' still has its hidden fields"):
        view_for(role, instance, tree, current=current)
    assert view_for(role, instance.without_hidden(), tree, current=current).goal == "Guess."


def test_an_attempt_that_there_is_not_cannot_be_shown(tree: EpisodeRecord) -> None:
    with pytest.raises(KeyError):
        view_for(AgentRole.CRITIC, INSTANCE, tree, current=3)
