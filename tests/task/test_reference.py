from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel

from loopwright.task import Task, task_schema
from loopwright.task._schema import SECTIONS, field_docs
from tests.docs.pages import task_file


def test_the_documented_task_file_is_the_one_in_the_code(repository: Path) -> None:
    assert (repository / "docs" / "task-file.md").read_text() == task_file(), "run: python -m tests.docs.pages"


def test_every_section_is_in_the_reference() -> None:
    assert {model.__name__ for model in SECTIONS.values()} == set(task_schema()["$defs"]) - {"Include"}


def test_every_key_says_what_it_means() -> None:
    models: list[type[BaseModel]] = [Task, *SECTIONS.values()]
    assert [f"{m.__name__}.{key}" for m in models for key in m.model_fields if not field_docs(m).get(key)] == []


def test_the_schema_carries_the_meanings() -> None:
    schema = task_schema()
    assert schema["properties"]["accept"]["description"].startswith("Pass rate")
    assert schema["$defs"]["BudgetOptions"]["properties"]["usd"]["description"].startswith("Cost in US dollars")
