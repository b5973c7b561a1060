"""A call of a tool is the action that a model writes which is asked in text."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwright.environments import action_text, action_tools
from loopwright.environments._actions import action_of, submission

FENCES = {"bash": "shell", "sql": "sql", "interpreter": "python", "ctf": "shell"}
commands = st.text(
    alphabet=st.one_of(st.sampled_from("`~\n <'\"$>"), st.characters(exclude_categories=["C", "Zl", "Zp"])), max_size=60
)


@given(st.sampled_from(sorted(FENCES)), commands.filter(str.strip))
def test_a_command_is_executed_as_it_was_given(kind: str, command: str) -> None:
    assert action_of(action_text({"kind": kind}, "execute", command), FENCES[kind]) == command.strip()


@given(st.text(alphabet="abc{}_ 123", min_size=1).map(str.strip).filter(bool))
def test_an_answer_is_submitted_as_it_was_given(answer: str) -> None:
    assert submission(action_of(action_text({"kind": "ctf"}, "submit", answer), "shell")) == answer


def test_a_submission_without_an_answer_ends_the_episode() -> None:
    assert submission(action_of(action_text({"kind": "bash"}, "submit", ""), "shell")) == ""


@pytest.mark.parametrize(
    ("public", "every", "offered"),
    [
        ({"kind": "bash"}, False, {"execute": ["command"], "submit": []}),
        ({"kind": "bash"}, True, {"execute": ["command"]}),
        ({"kind": "ctf"}, False, {"execute": ["command"], "submit": ["answer"]}),
        ({"kind": "ctf"}, True, {"execute": ["command"], "submit": ["answer"]}),
        ({"kind": "interpreter"}, False, {"execute": ["command"], "submit": ["answer"]}),
        ({"kind": "own"}, False, {"execute": ["command"], "submit": []}),
        ({"kind": "own", "actions": {"submits": "the sum"}}, True, {"execute": ["command"], "submit": ["answer"]}),
        ({"kind": "own", "actions": "words"}, True, {"execute": ["command"]}),
    ],
)
def test_there_is_a_tool_for_each_kind_of_action(public: Any, every: bool, offered: dict[str, list[str]]) -> None:
    tools = action_tools(public, every_action_counts=every)
    assert {tool.name: tool.parameters["required"] for tool in tools} == offered
    assert all(set(tool.parameters["properties"]) == set(tool.parameters["required"]) for tool in tools)
