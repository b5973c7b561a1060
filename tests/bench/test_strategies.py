"""Strategies whose candidates are actions, on a shell task with a scripted model."""

from __future__ import annotations

import pytest

from loopwright import RunResult
from loopwright.errors import ModelRejected
from loopwright.models import Scripted
from tests.bench.conftest import GOLD, Play


def prompts(model: Scripted) -> list[str]:
    return [message.content for request in model.requests for message in request.messages]


def rule(result: RunResult) -> str:
    (episode,) = result
    assert episode.outcome is not None
    return episode.outcome.rule


def test_try_again_shows_the_reward_and_the_best_turn_counts(play: Play) -> None:
    result, model = play("try_again", ["echo 7", GOLD])
    (episode,) = result
    assert (episode.passed, len(episode.attempts), rule(result)) == (True, 2, "all_passed")
    assert "Reward: 0.00 of 1" in prompts(model)[-1]


def test_a_good_turn_stays_the_answer_whatever_comes_after(play: Play) -> None:
    result, _ = play("try_again", ["cat /data/a.txt", "echo 7 > /data/a.txt", "echo 8", "skip"])
    (episode,) = result
    assert episode.outcome is not None
    assert (episode.passed, episode.outcome.answer_iteration, rule(result)) == (False, 0, "submitted")


@pytest.mark.parametrize("strategy", ["try_again", "try_again_blind", "react", "plan_and_solve"])
def test_the_gold_never_reaches_a_prompt(play: Play, strategy: str) -> None:
    _, model = play(strategy, ["1. look\n2. count", "ls /data", "cat /data/a.txt", "skip", "skip"])
    assert prompts(model)
    assert not any("MARKED-GOLD" in prompt or "state_equal" in prompt for prompt in prompts(model))


@pytest.mark.parametrize("strategy", ["try_again_blind", "react"])
def test_without_an_oracle_the_end_counts_and_no_reward_is_shown(play: Play, strategy: str) -> None:
    result, model = play(strategy, ["echo 2", "rm /data/a.txt", "echo 2", "submit"])
    (episode,) = result
    assert (episode.passed, rule(result)) == (False, "submitted")
    assert not any("Reward" in prompt for prompt in prompts(model))
    assert not any(attempt.verdict.checks for attempt in episode.attempts)


def test_react_ends_where_the_agent_submits(play: Play) -> None:
    result, model = play("react", [f"Thought: count them.\n```bash\n{GOLD}\n```", "Thought: done.\nAction: submit"])
    (episode,) = result
    assert (episode.passed, rule(result), len(model.requests)) == (True, "submitted", 2)
    assert "Thought" in prompts(model)[0]


def test_out_of_turns_the_state_at_the_end_is_scored(play: Play) -> None:
    result, _ = play("try_again_blind", ["ls", "ls", "ls", "ls", GOLD])
    (episode,) = result
    assert (episode.passed, rule(result)) == (True, "max_iterations")


def test_a_prompt_that_outgrew_the_model_ends_the_episode_with_its_state(play: Play) -> None:
    result, _ = play("react", [GOLD, ModelRejected("too long")])
    (episode,) = result
    assert (episode.passed, rule(result)) == (True, "model_rejected")


def test_a_plan_is_made_once_and_each_step_is_one_action(play: Play) -> None:
    result, model = play("plan_and_solve", ["1. Look around.\n2. Count lines.", "ls /data", "echo 3"])
    (episode,) = result
    assert (episode.passed, rule(result), len(episode.attempts)) == (False, "plan_done", 2)
    assert len(model.requests) == 3
    assert "Carry out this step now: Look around." in prompts(model)[3]
    assert "Carry out this step now: Count lines." in prompts(model)[5]
    assert "Reward" not in prompts(model)[5]


def test_after_the_plan_refining_sees_the_reward(play: Play) -> None:
    result, model = play("plan_and_solve_refine", ["1. Guess.", "echo 3", GOLD])
    (episode,) = result
    assert (episode.passed, rule(result)) == (True, "all_passed")
    assert "Reward: 0.00 of 1" in prompts(model)[-1]


def test_single_is_one_action(play: Play) -> None:
    result, model = play("single", [GOLD])
    (episode,) = result
    assert (episode.passed, len(model.requests)) == (True, 1)
