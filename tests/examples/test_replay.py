"""The recorded trajectory does what its story says."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from loopwright import Task, load_task
from loopwright.agents import Critique, extract_files
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


def candidates(replies: list[dict[str, str]]) -> list[str]:
    said = [reply["reply"] for reply in replies if reply["role"] == "proposer"]
    return [extract_files(text, entry="solution.py").files["solution.py"] for text in said]


def test_gold_passes(task: Task, grade: Grade) -> None:
    gold = python_task(task).solution
    assert gold is not None
    (graded,) = grade(task, [gold["solution.py"]])
    assert not graded.visible | graded.hidden


def test_roles_take_turns(replies: list[dict[str, str]]) -> None:
    assert [reply["role"] for reply in replies] == ["proposer", "critic"] * 3 + ["proposer"]


@pytest.mark.slow
def test_candidates_fail_as_told(task: Task, replies: list[dict[str, str]], grade: Grade) -> None:
    graded = grade(task, candidates(replies))
    assert [set(result.visible) for result in graded] == FAILS
    assert [len(result.hidden) for result in graded] == FAILS_HIDDEN


def test_critic_goes_back_once(replies: list[dict[str, str]]) -> None:
    critiques = [Critique.model_validate_json(reply["reply"]) for reply in replies if reply["role"] == "critic"]
    assert [(critique.decision, critique.backtrack_to) for critique in critiques] == [
        ("continue", None),
        ("continue", None),
        ("backtrack", 1),
    ]


def test_critic_names_the_failing_tests(replies: list[dict[str, str]]) -> None:
    critiques = [Critique.model_validate_json(reply["reply"]) for reply in replies if reply["role"] == "critic"]
    for critique, fails in zip(critiques, FAILS, strict=False):
        assert {name for name in fails if name in critique.feedback} == fails


def test_says_that_it_is_a_recording() -> None:
    assert "recording" in (FOLDER / "recording.yaml").read_text(encoding="utf-8").splitlines()[0]
