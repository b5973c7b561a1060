"""Loads task files."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from loopwright.errors import TaskError, UnknownField
from loopwright.project import PATH_FIELDS, Document, find_project, load_document, started_at
from loopwright.task._fill import Unfilled
from loopwright.task._include import resolved
from loopwright.task._models import Record, Task
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

    def record_error(self, index: int, error: TaskError) -> TaskError:
        """Adds to an error about an instance which record it was made from, its place and what to write there.

        Args:
            index: The record's position in the data set.
            error: What an environment said of the instance.
        """
        record = self.task.data[index]
        if not isinstance(error, UnknownField):
            return self.error(f"record {record.id!r}: {error.args[0]}", "data", index, remedy=error.remedy)
        if error.field not in (record.hidden if error.hidden else record.model_extra or {}):
            return self.error(str(error.args[0]), "environment", error.field, remedy=error.remedy)
        place = ("hidden", error.field) if error.hidden else (error.field,)
        remedy = f"{_instead(error, from_file=self._in_a_file(index))} {error.remedy}"
        return self.error(f"record {record.id!r}: {error.args[0]}", "data", index, *place, remedy=remedy)

    def _in_a_file(self, index: int) -> bool:
        mark = self.document.marks.get(("data", index))
        return mark is not None and mark.path != self.path


def load_task(path: str | Path) -> Task:
    """Loads a task file; see `open_task`.

    Raises:
        TaskError: With file, line, what is wrong and what to write instead.
    """
    return open_task(path).task


def open_task(path: str | Path) -> TaskFile:
    """Loads a task file and keeps where everything in it stands.

    A mapping of the one key `file` anywhere in it, such as `tests: {file: tests.py}`, is replaced by that file's
    text, or under `sandbox` and the other sections by its YAML; `{file: FOLDER/}` by the texts of all its files. Paths
    are relative to the file that names them and stay inside the project. Relative paths in fields of the environment,
    such as `repository`, start there, too, and are made absolute. `${NAME}` and `${NAME:-default}` are replaced
    outside of goal, data and environment.

    Raises:
        TaskError: With file, line, what is wrong and what to write instead.
    """
    path = Path(path)
    document = load_document(path)
    if not isinstance(document.data, dict):
        raise document.error("a task file is a mapping", remedy="Start with `version: 1`.")
    if "version" not in document.data:
        if near := difflib.get_close_matches("version", document.data.keys() - Task.model_fields.keys(), n=1):
            raise document.error(f"unknown key {near[0]!r}", (near[0],), remedy="Did you mean 'version'?")
        raise document.error("the key `version` is missing", remedy="Write `version: 1` as the first line.")
    project = find_project(path)
    document = resolved(document, project)
    _start_paths(document)
    _refuse_repeated_ids(document)
    try:
        task = Task.model_validate(document.data)
    except ValidationError as error:
        raise first_problem(document, error, Task) from None
    try:
        for _ in task.filled():
            pass
    except Unfilled as problem:
        raise _unfilled(problem, document, task) from None
    return TaskFile(path, project, task, document)


def _start_paths(document: Document) -> None:
    """Makes relative paths of the environment's fields absolute, from the file that names them."""
    records: Any = document.data.get("data")
    sections: list[tuple[tuple[str | int, ...], Any]] = [(("environment",), document.data.get("environment"))]
    sections += [(("data", index), one) for index, one in enumerate(records if isinstance(records, list) else ())]
    for place, section in sections:
        for field in PATH_FIELDS if isinstance(section, dict) else ():
            if field in section:
                mark = document.marks.get((*place, field)) or document.marks.get(place)
                section[field] = started_at((mark.path if mark else document.path).parent, section[field])


def _instead(error: UnknownField, *, from_file: bool) -> str:
    """What to write where a record has a field that its environment does not know."""
    if from_file:
        return (
            "Columns that only templates use are no fields: write `fields: []` under `data`, or list there the columns "
            "that are the environment's."
        )
    section = "hidden_vars" if error.hidden else "vars"
    if not error.hidden and (near := difflib.get_close_matches(error.field, Record.model_fields, n=1)):
        return f"Did you mean {near[0]!r}?"
    return f"A name that only templates use goes under `{section}`."


def _unfilled(problem: Unfilled, document: Document, task: Task) -> TaskError:
    """Says of which record a template cannot be filled, and where it stands."""
    message, remedy = str(problem), problem.remedy
    mark = None if problem.broken else document.marks.get(("data", problem.record))
    if mark is not None:
        message += f" ({mark.path}, line {mark.line})"
        extra = task.data[problem.record].model_extra or {}
        for key in (key for key, value in extra.items() if isinstance(value, Mapping)):
            if near := difflib.get_close_matches(key, Record.model_fields, n=1):
                remedy = f"Did you mean {near[0]!r} by {key!r}? {remedy}"
    return document.error(message, problem.location, remedy=remedy)


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
