"""A search without a model, from the task file to the record."""

from __future__ import annotations

from pathlib import Path

import pytest

import loopwright

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
