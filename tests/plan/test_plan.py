from __future__ import annotations

import pytest
from pydantic import ValidationError

from loopwright import RunConfig, Task
from loopwright.errors import TaskError
from loopwright.plan import plan_episodes
from loopwright.task import EnvironmentOptions


def _task(**fields: object) -> Task:
    return Task.model_validate({"name": "t", "goal": "g", "environment": EnvironmentOptions(name="python"), **fields})


def test_a_task_is_one_episode() -> None:
    (episode,) = plan_episodes(RunConfig(tasks=(_task(model="a/b", seed=7),)))
    assert (episode.id, episode.variant, episode.task.model, episode.task.seed) == ("t:refine:0", "refine", "a/b", 7)


def test_a_matrix_is_every_model_with_every_strategy_and_seed() -> None:
    matrix = {"models": ["a/x", "a/y"], "strategies": ["single", "refine"], "seeds": [1, 2]}
    episodes = plan_episodes(RunConfig(tasks=(_task(matrix=matrix, models={"critic": "a/z"}),)))
    assert [episode.id for episode in episodes] == [
        f"t:{strategy}@{model}:{repeat}"
        for model in ("a/x", "a/y")
        for strategy in ("single", "refine")
        for repeat in (0, 1)
    ]
    assert {(episode.task.model, *episode.task.models) for episode in episodes} == {("a/x",), ("a/y",)}
    assert [episode.task.seed for episode in episodes] == [1, 2] * 4


def test_what_is_asked_for_goes_over_the_matrix() -> None:
    matrix = {"models": ["a/x", "a/y"], "strategies": ["single"], "seeds": [1, 2]}
    config = RunConfig(tasks=(_task(matrix=matrix),), models=("a/z",), strategies=("refine",), seed=9, repeats=2)
    episodes = plan_episodes(config)
    assert [(e.id, e.task.model, e.task.seed) for e in episodes] == [
        ("t:refine:0", "a/z", 9),
        ("t:refine:1", "a/z", 9),
    ]


def test_equal_calls_are_independent_answers_for_single_and_a_budget_for_the_others() -> None:
    task = _task(matrix={"seeds": [1, 2]}, repeats=2, budget={"model_calls": 50, "run": {"usd": 1}})
    episodes = plan_episodes(RunConfig(tasks=(task,), strategies=("single", "refine"), calls=3))
    single = [episode for episode in episodes if episode.strategy == "single"]
    assert [episode.task.seed for episode in single] == [1] * 6 + [2] * 6
    assert {episode.task.budget.model_calls for episode in single} == {1}
    refine = [episode for episode in episodes if episode.strategy == "refine"]
    assert [episode.task.seed for episode in refine] == [1, 1, 2, 2]
    assert {(e.task.budget.model_calls, e.task.loop.max_iterations, e.task.budget.run.usd) for e in refine} == {
        (3, 3, 1)
    }


def test_variants_of_an_instance_stand_side_by_side() -> None:
    task = _task(data=[{"id": "a/ü 🙂"}, {"id": "b"}])
    episodes = plan_episodes(RunConfig(tasks=(task,), strategies=("single", "refine")))
    assert [episode.id for episode in episodes] == [
        "t.a/ü 🙂:single:0",
        "t.a/ü 🙂:refine:0",
        "t.b:single:0",
        "t.b:refine:0",
    ]


def test_tasks_of_one_name_would_share_their_record() -> None:
    with pytest.raises(ValidationError, match="task names repeat"):
        RunConfig(tasks=(_task(), _task(goal="h")))


def test_a_run_of_too_many_episodes_is_refused_before_they_are_planned() -> None:
    task = Task(name="t", goal="g", environment=EnvironmentOptions(name="python"), repeats=10**15)
    with pytest.raises(TaskError, match="more than 250,000 episodes") as caught:
        plan_episodes(RunConfig(tasks=(task,)))
    assert "repeats" in caught.value.remedy
