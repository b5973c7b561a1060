"""A search without a model, from the task file to the record."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

import loopwright
from loopwright.errors import TaskError
from loopwright.report import render_text, summarize_run

TASK = """
version: 1
name: hill
goal: Make the value large.
environment:
  name: discovery
  construction: {shape: [1]}
  seed: |
    import json, os, random
    SEED = 0  # tune: any
    STEP = 0.3  # tune: 0.01 to 1
    random.seed(SEED)
    x = json.load(open("parent.json"))[0] if os.path.exists("parent.json") else 0.0
    json.dump([min(1.0, x + STEP * random.random())], open("construction.json", "w"))
  verifier: |
    def verify(numbers):
        if not 0 <= numbers[0] <= 1:
            raise ValueError("outside")
        return numbers[0]
sandbox: {provider: bubblewrap}
agents: {proposer: tuner}
loop: {strategy: discover, max_iterations: 12, value: {direction: maximize}}
"""


@pytest.fixture
def task(tmp_path: Path) -> Path:
    path = tmp_path / "hill.yaml"
    path.write_text(TASK)
    return path


def test_the_tuner_climbs_and_the_same_seed_climbs_the_same_way(task: Path, tmp_path: Path) -> None:
    values = []
    for name in ("one", "two"):
        result = loopwright.run(task, out=tmp_path / name, seed=3)
        (episode,) = result.episodes
        assert episode.passed
        values.append(episode.value)
    assert values[0] == values[1]
    assert values[0] is not None
    assert values[0] > 0.8


@pytest.mark.docker
def test_a_search_runs_in_docker(task: Path, tmp_path: Path) -> None:
    task.write_text(
        TASK.replace("provider: bubblewrap", "provider: docker").replace("max_iterations: 12", "max_iterations: 2")
    )
    (episode,) = loopwright.run(task, out=tmp_path / "run", seed=3).episodes
    assert episode.passed
    assert episode.value is not None


def test_a_search_that_does_not_know_which_values_are_better_is_refused(task: Path) -> None:
    task.write_text(TASK.replace(", value: {direction: maximize}", ""))
    with pytest.raises(TaskError, match="nothing says which are better") as caught:
        loopwright.check(task)
    assert "direction: minimize" in caught.value.remedy
    task.write_text(TASK.replace(", value: {direction: maximize}", "").replace("discover,", "best_of_n,"))
    assert loopwright.check(task).notes == ()


def test_a_seed_program_that_leaves_nothing_to_tune_is_told_before_a_run(task: Path) -> None:
    task.write_text(TASK.replace("# tune", "# change"))
    (note,) = loopwright.check(task).notes
    assert "declares no constant for the tuner: write `STEP = 0.05" in note


def test_a_run_without_a_valid_candidate_says_why(task: Path, tmp_path: Path) -> None:
    task.write_text(TASK.replace("if not 0 <= numbers[0] <= 1", "if True").replace("12", "3"))
    result = loopwright.run(task, out=tmp_path / "run", seed=3)
    shown = io.StringIO()
    Console(file=shown, width=200).print(render_text(summarize_run(result.folder)))
    assert "discover: no candidate was valid, most often (3 of 3): outside" in shown.getvalue()
