"""A search that chooses who makes its candidates."""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest
import yaml
from click.testing import CliRunner

import loopwright
from loopwright.cli._app import app
from loopwright.discovery import Bandit
from loopwright.errors import TaskError, UserError
from loopwright.record import EpisodeRecord, RunReader
from loopwright.store import read_run
from loopwright.task import Task
from loopwright.types import ArmUse
from tests.discovery.test_ideas import program
from tests.discovery.test_search import TASK


def chosen(bandit: Bandit, *, draws: int = 400) -> Counter[str]:
    return Counter(bandit.choose(Random(number)) for number in range(draws))


def test_an_arm_that_gains_more_often_is_chosen_more_often() -> None:
    bandit = Bandit(["good", "poor"])
    assert min(chosen(bandit).values()) > 150
    for number in range(20):
        bandit.take(ArmUse(arm="good", tokens=10), better=number % 2 == 0)
        bandit.take(ArmUse(arm="poor", tokens=10), better=number % 10 == 0)
    assert chosen(bandit)["good"] > 380


def test_of_arms_that_gain_as_often_the_cheap_one_is_chosen_more_often() -> None:
    for usd in (True, False):
        bandit = Bandit(["cheap", "dear"])
        for number in range(40):
            for name, tokens in (("cheap", 100), ("dear", 900)):
                use = ArmUse(arm=name, tokens=1 if usd else tokens, usd=Decimal(tokens) if usd else None)
                bandit.take(use, better=number % 3 == 0)
        assert chosen(bandit)["cheap"] > 350


def test_an_arm_that_was_never_tried_is_tried() -> None:
    bandit = Bandit(["known", "new"])
    for _ in range(10):
        bandit.take(ArmUse(arm="known"), better=False)
    assert chosen(bandit)["new"] > 200


def searched(tmp_path: Path, run: str) -> EpisodeRecord:
    arms = [{"agent": "tuner"}, {"agent": "coder", "operation": "rewrite"}]
    loop = {"strategy": "discover", "max_iterations": 8, "width": 2, "value": {"direction": "maximize"}, "arms": arms}
    replies = tmp_path / "replies.json"
    replies.write_text(json.dumps([program(0.9 + number / 1000) for number in range(20)]))
    given = {**yaml.safe_load(TASK), "agents": {}, "model": f"scripted/{replies}", "loop": loop}
    loopwright.run(Task.model_validate(given), out=tmp_path / run, seed=1)
    return recorded(tmp_path / run)


def recorded(folder: Path) -> EpisodeRecord:
    record = read_run(folder)
    (episode,) = RunReader(record.result, with_calls=True).read(record.events)
    return episode


def test_each_candidate_says_who_made_it_and_what_that_took(tmp_path: Path) -> None:
    episode = searched(tmp_path, "run")
    made = {name: [one for one in episode if one.made_by and one.made_by.arm == name] for name in ARMS}
    assert sum(map(len, made.values())) == 8
    assert all(made.values())
    assert all(one.made_by and one.made_by.tokens == 0 for one in made["tuner"])
    assert all(one.made_by and one.made_by.tokens > 0 for one in made["coder rewrite"])
    asked = [call.request.messages[-1].content for call in episode.calls or ()]
    assert len(asked) == len(made["coder rewrite"])
    assert all("works in another way" in text for text in asked)
    shown = CliRunner().invoke(app, ["show", str(tmp_path / "run"), "hill:discover:0"]).output
    assert "by coder rewrite\n" in shown
    assert f"arm tuner: {len(made['tuner'])} candidates" in shown


ARMS = ("tuner", "coder rewrite")


def test_the_same_seed_chooses_the_same_arms(tmp_path: Path) -> None:
    first, second = (searched(tmp_path, name) for name in ("one", "two"))
    assert [one.made_by for one in first] == [one.made_by for one in second]


@pytest.mark.parametrize(
    ("arms", "strategy", "message"),
    [
        ("[{agent: tuner}]", "discover", "two different ones"),
        ("[{agent: tuner}, {agent: tuner}]", "discover", "two different ones"),
        ("[{agent: tuner}, {agent: coder}]", "discover", "no model is named for the arm coder"),
        ("[{agent: tuner}, {agent: coder, model: a/b}]", "best_of_n", "does not choose among arms"),
    ],
)
def test_arms_that_cannot_be_chosen_among_are_refused(tmp_path: Path, arms: str, strategy: str, message: str) -> None:
    path = tmp_path / "task.yaml"
    path.write_text(TASK.replace("{strategy: discover", f"{{arms: {arms}, strategy: {strategy}"))
    with pytest.raises(UserError, match=message) as caught:
        loopwright.run(path, out=tmp_path / "run")
    assert isinstance(caught.value, TaskError) or "Give it a `model`" in str(caught.value)
