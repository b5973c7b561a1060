"""The recorded trajectory does what its story says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

import loopwright
from loopwright import Task, load_task
from loopwright.agents import Critique
from loopwright.store import Decided, Event
from loopwright.verify import Verdict
from tests.examples.conftest import Grade, python_task

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "replay"

FAILS = [
    {"test_failure_in_a_range", "test_cycle_through_a_range", "test_long_chain"},
    {"test_long_chain"},
    {"test_range_over_formulas", "test_cycle_through_a_range"},
    set(),
]
"""Visible tests that the candidate of each iteration fails."""

FAILS_HIDDEN = [6, 2, 1, 0]
"""How many hidden tests it fails."""


@pytest.fixture
def task() -> Task:
    return load_task(FOLDER / "task.yaml")


@pytest.fixture
def replies() -> list[dict[str, str]]:
    replies: list[dict[str, str]] = yaml.safe_load((FOLDER / "recording.yaml").read_text(encoding="utf-8"))
    return replies


@pytest.fixture
def critiques(replies: list[dict[str, str]]) -> list[Critique]:
    return [Critique.model_validate_json(item["reply"]) for item in replies if item["role"] == "critic"]


def failed(verdict: Verdict) -> set[str]:
    return {check.name for check in verdict.failed}


def test_gold_passes(task: Task, grade: Grade) -> None:
    gold = python_task(task).solution
    assert gold is not None
    (graded,) = grade(task, [gold["solution.py"]])
    assert not graded.visible | graded.hidden


@pytest.mark.slow
def test_the_loop_goes_as_told(tmp_path: Path, repository: Path) -> None:
    events: list[Event] = []
    result = loopwright.run(FOLDER / "task.yaml", project=repository, out=tmp_path / "run", on_event=events.append)
    (episode,) = result.episodes
    assert [failed(attempt.verdict) for attempt in episode.attempts] == FAILS
    assert [len(failed(Verdict.model_validate(graded.verdict))) for graded in episode.graded] == FAILS_HIDDEN
    assert [attempt.parent for attempt in episode.attempts] == [None, 0, 1, 1]
    decisions = [event.data for event in events if isinstance(event.data, Decided)]
    assert [(decision.decision, decision.target) for decision in decisions] == [
        ("continue", 0),
        ("continue", 1),
        ("backtrack", 1),
        ("stop", None),
    ]
    assert episode.passed


def test_roles_take_turns(replies: list[dict[str, str]]) -> None:
    assert [item["role"] for item in replies] == ["proposer", "critic"] * 3 + ["proposer"]


def test_the_critic_goes_back_once(critiques: list[Critique]) -> None:
    assert [(critique.decision, critique.backtrack_to) for critique in critiques] == [
        ("continue", None),
        ("continue", None),
        ("backtrack", 1),
    ]


def test_the_critic_names_the_failing_tests(critiques: list[Critique]) -> None:
    for critique, fails in zip(critiques, FAILS, strict=False):
        assert {name for name in fails if name in critique.feedback} == fails


def test_the_recording_holds_these_replies(replies: list[dict[str, str]]) -> None:
    calls = [json.loads(line) for line in (FOLDER / "recording.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [call["reply"]["text"] for call in calls] == [item["reply"] for item in replies]


def test_prompts_of_a_role_begin_alike_so_that_caches_hit(task: Task) -> None:
    (instance,) = task.instances()
    goal, tests = instance.goal.strip(), instance.public["tests"].strip()
    calls = [json.loads(line) for line in (FOLDER / "recording.jsonl").read_text(encoding="utf-8").splitlines()]
    for first in (0, 1):
        systems, users = zip(
            *([message["content"] for message in call["request"]["messages"]] for call in calls[first::2]),
            strict=True,
        )
        assert len(set(systems)) == 1
        head = users[0][: users[0].index(goal) + len(goal)]
        assert tests in head
        assert all(user.startswith(head) for user in users)


def test_it_says_that_it_is_a_recording() -> None:
    assert "recording" in (FOLDER / "recording.yaml").read_text(encoding="utf-8").splitlines()[0]
