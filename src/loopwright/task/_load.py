"""Loads task files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from loopwright._yaml import Document, load_yaml
from loopwright.errors import TaskError
from loopwright.project import find_project
from loopwright.task._fill import Unfilled
from loopwright.task._include import resolved
from loopwright.task._models import Task
from loopwright.task._problems import first_problem


@dataclass(frozen=True, slots=True)
class TaskFile:
    """A task and the file it was loaded from."""

    path: Path
    project: Path
    """The folder with the project's agents, prompts, environments and modules."""
    task: Task
    document: Document

    def error(self, message: str, *location: str | int, remedy: str = "") -> TaskError:
        """Builds an error that points at a part of the file, such as `"loop", "strategy"`."""
        return self.document.error(message, location, remedy=remedy)


def load_task(path: str | Path) -> Task:
    """Loads a task file; see `open_task`.

    Raises:
        TaskError: With file, line, what is wrong and what to write instead.
    """
    return open_task(path).task


def open_task(path: str | Path) -> TaskFile:
    """Loads a task file and keeps where everything in it stands.

    A mapping of the one key `file` anywhere in it, such as `tests: {file: tests.py}`, is replaced by that file's
    text, or under `sandbox` and the other sections by its YAML. Paths are relative to the file that names them and
    stay inside the project. `${NAME}` and `${NAME:-default}` are replaced outside of goal, data and environment.

    Raises:
        TaskError: With file, line, what is wrong and what to write instead.
    """
    path = Path(path)
    document = load_yaml(path)
    if not isinstance(document.data, dict):
        raise document.error("a task file is a mapping", remedy="Start with `version: 1`.")
    if "version" not in document.data:
        raise document.error("the key `version` is missing", remedy="Write `version: 1` as the first line.")
    project = find_project(path)
    document = resolved(document, project)
    _refuse_repeated_ids(document)
    try:
        task = Task.model_validate(document.data)
    except ValidationError as error:
        raise first_problem(document, error, Task) from None
    try:
        for _ in task.filled():
            pass
    except Unfilled as problem:
        raise document.error(str(problem), problem.location, remedy=problem.remedy) from None
    return TaskFile(path, project, task, document)


def _refuse_repeated_ids(document: Document) -> None:
    """Says where the second one stands, which the model cannot know."""
    records: Any = document.data.get("data")
    seen: set[str] = set()
    for index, record in enumerate(records if isinstance(records, Sequence) else ()):
        name = str(record["id"]) if isinstance(record, dict) and "id" in record else None
        if name in seen:
            raise document.error(
                f"the data id {name!r} is taken by an earlier record",
                ("data", index, "id"),
                remedy="Give each record its own `id`.",
            )
        if name is not None:
            seen.add(name)
