"""Finds task files, and the project folder they belong to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from loopwright.errors import MissingContent, TaskError
from loopwright.task import Task, load_task

_SUFFIXES = (".yaml", ".yml")


def task_files(paths: Iterable[Path]) -> list[Path]:
    """Lists task files: the paths themselves, and the YAML files of folders in order of name.

    Raises:
        MissingContent: A path is not there, or a folder holds no YAML file.
    """
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise MissingContent(f"there is no file or folder {path}", remedy="Check the path; it is taken as typed.")
        if not path.is_dir():
            found.append(path)
            continue
        inside = sorted(file for file in path.iterdir() if file.suffix in _SUFFIXES and not file.name.startswith("."))
        if not inside:
            raise MissingContent(f"the folder {path} holds no .yaml file", remedy="Name a task file or their folder.")
        found += inside
    return found


def load_tasks(files: Sequence[Path]) -> tuple[Task, ...]:
    """Loads task files.

    Raises:
        TaskError: A file cannot be used, or two tasks have one name.
    """
    seen: dict[str, Path] = {}
    tasks = []
    for file in files:
        task = load_task(file)
        if task.name in seen:
            raise TaskError(
                f"the name {task.name!r} is taken by {seen[task.name]}",
                path=str(file),
                remedy="Give each task of a run its own `name`.",
            )
        seen[task.name] = file
        tasks.append(task)
    return tuple(tasks)
