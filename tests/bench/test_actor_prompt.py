"""The shipped prompt for actions, with an environment of a kind that it does not know."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import loopwright
from loopwright import Task
from loopwright.environments import EnvironmentSetup
from loopwright.models import Scripted
from loopwright.task import Instance
from loopwright.types import Candidate, Check, Observation, Verdict


class Stack:
    """A calculator: numbers are pushed, `+` adds the upper two."""

    def __init__(self, setup: EnvironmentSetup) -> None:
        self.numbers: list[int] = []

    async def reset(self, instance: Instance) -> Observation:
        self.numbers = []
        return Observation(text="The stack is empty.")

    async def step(self, action: Candidate) -> Observation:
        words = (action.text or "").replace("```", " ").split()
        if "submit" in words:
            return Observation(text="submitted", done=True)
        for word in words:
            if word.isdigit():
                self.numbers.append(int(word))
            elif word == "+":
                self.numbers.append(self.numbers.pop() + self.numbers.pop())
        return Observation(text=str(self.numbers))

    async def submit(self, answer: Candidate) -> Verdict:
        return Verdict(checks=(Check(name="sum", score=float(self.numbers == [5])),))

    async def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("actions", "words"),
    [
        (
            {"place": "a stack calculator", "fence": "forth", "noun": "line of Forth"},
            ["You work in a stack calculator.", "```forth code block", "Write the next line of Forth"],
        ),
        ({}, ["You work in an environment that executes actions.", "```text code block", "Write the next action"]),
    ],
)
def test_an_environment_of_a_new_kind_says_what_an_action_is(
    tmp_path: Path, actions: dict[str, Any], words: list[str]
) -> None:
    task = Task.model_validate(
        {
            "name": "five",
            "goal": "Leave 5 on the stack.",
            "environment": {"name": "stack", "kind": "stack", "actions": actions, "hidden": {"any": 1}},
            "agents": {"proposer": "actor"},
            "loop": {"strategy": "react", "max_iterations": 4},
        }
    )
    model = Scripted(["```\n2 3 +\n```", "```\nsubmit\n```"])
    result = loopwright.run(task, model=model, environment=Stack, out=tmp_path / "run")
    [episode] = result
    assert episode.score == 1, episode
    prompt = "\n".join(message.content for request in model.requests for message in request.messages)
    assert [word for word in words if word not in prompt] == []
