"""The twelve bundled Python tasks: their gold solutions pass, plausible wrong ones are found out."""

from __future__ import annotations

from pathlib import Path

import pytest

from loopwright import Task, load_task
from tests.examples.conftest import Grade, python_task

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "python"
WRONG = Path(__file__).parent / "wrong"
FILES = sorted(FOLDER.glob("*.yaml"))


@pytest.fixture(params=FILES, ids=[path.stem for path in FILES])
def task(request: pytest.FixtureRequest) -> Task:
    return load_task(request.param)


def test_there_are_twelve_in_order() -> None:
    names = [f"{number:02d}-{load_task(path).name}" for number, path in enumerate(FILES, start=1)]
    assert names == [path.stem for path in FILES]
    assert len(names) == 12


def test_every_wrong_solution_belongs_to_a_task() -> None:
    assert {folder.name for folder in WRONG.iterdir()} == {load_task(path).name for path in FILES}


def test_there_are_enough_tests_and_not_too_many_to_show(task: Task) -> None:
    suites = python_task(task)
    assert suites.visible is not None
    assert suites.hidden is not None
    assert 2 <= len(suites.visible.names) <= 4
    assert 4 <= len(suites.hidden.names) <= 8
    assert not set(suites.visible.names) & set(suites.hidden.names)


def test_the_goal_names_what_the_tests_import(task: Task) -> None:
    tests = str(task.instances()[0].public["tests"])
    (line,) = [line for line in tests.splitlines() if line.startswith("from solution import ")]
    for name in line.removeprefix("from solution import ").split(", "):
        assert f"`{name}(" in task.goal


def test_gold_passes(task: Task, grade: Grade) -> None:
    gold = python_task(task).solution
    assert gold is not None
    (graded,) = grade(task, [gold["solution.py"]])
    assert not graded.visible | graded.hidden


def test_hidden_tests_find_wrong_solutions(task: Task, grade: Grade) -> None:
    paths = sorted((WRONG / task.name).glob("*.py"))
    assert len(paths) >= 2
    graded = grade(task, [path.read_text(encoding="utf-8") for path in paths])
    missed = [path.stem for path, result in zip(paths, graded, strict=True) if not result.hidden]
    assert not missed
    assert any(not result.visible for result in graded), "no wrong solution passes the visible tests"
