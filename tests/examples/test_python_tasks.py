"""The twelve bundled Python tasks: their gold solutions pass, plausible wrong ones are found out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from loopwright import Task, load_task
from tests.examples.conftest import Grade

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "python"
WRONG = Path(__file__).parent / "wrong"
FILES = sorted(FOLDER.glob("*.yaml"))


def fields(task: Task) -> dict[str, Any]:
    return task.environment.model_dump()


@pytest.fixture(params=FILES, ids=[path.stem for path in FILES])
def task(request: pytest.FixtureRequest) -> Task:
    return load_task(request.param)


def test_there_are_twelve_in_order() -> None:
    names = [f"{number:02d}-{load_task(path).name}" for number, path in enumerate(FILES, start=1)]
    assert names == [path.stem for path in FILES]
    assert len(names) == 12


def test_every_wrong_solution_belongs_to_a_task() -> None:
    assert {folder.name for folder in WRONG.iterdir()} == {load_task(path).name for path in FILES}


def test_numbers_of_tests(task: Task, grade: Grade) -> None:
    spec = fields(task)
    visible = grade(spec["hidden"]["solution"], spec["tests"])
    hidden = grade(spec["hidden"]["solution"], spec["hidden"]["tests"])
    assert 2 <= len(visible) <= 4
    assert 4 <= len(hidden) <= 8
    assert not visible.keys() & hidden.keys()


def test_gold_passes(task: Task, grade: Grade) -> None:
    spec = fields(task)
    gold = spec["hidden"]["solution"]
    assert set((grade(gold, spec["tests"]) | grade(gold, spec["hidden"]["tests"])).values()) == {""}


def test_hidden_tests_find_wrong_solutions(task: Task, grade: Grade) -> None:
    spec = fields(task)
    sources = {path.stem: path.read_text(encoding="utf-8") for path in sorted((WRONG / task.name).glob("*.py"))}
    caught = {name: any(grade(source, spec["hidden"]["tests"]).values()) for name, source in sources.items()}
    deceiving = [name for name, source in sources.items() if not any(grade(source, spec["tests"]).values())]
    assert len(sources) >= 2
    assert all(caught.values()), caught
    assert deceiving, "no wrong solution passes the visible tests"


def test_every_goal_names_what_is_tested(task: Task) -> None:
    spec = fields(task)
    (line,) = [line for line in spec["tests"].splitlines() if line.startswith("from solution import ")]
    for name in line.removeprefix("from solution import ").split(", "):
        assert f"`{name}(" in task.goal
