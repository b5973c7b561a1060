"""Finds and opens task files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from loopwright.errors import MissingContent, TaskError
from loopwright.task import TaskFile, open_task

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


def open_tasks(files: Sequence[Path]) -> list[TaskFile]:
    """Opens task files.

    Raises:
        TaskError: A file cannot be used, or two tasks have one name.
    """
    opened: dict[str, TaskFile] = {}
    for path in files:
        file = open_task(path)
        if file.task.name in opened:
            other = opened[file.task.name].path
            remedy = "Give each task of a run its own `name`."
            raise file.error(f"the name {file.task.name!r} is taken by {other}", "name", remedy=remedy)
        opened[file.task.name] = file
    return list(opened.values())


def project_of(files: Sequence[TaskFile], project: Path | str | None) -> Path:
    """The project folder of a run: the one asked for, or that of the first task.

    Raises:
        TaskError: Nothing was asked for, and a task belongs to another project.
    """
    if project is not None:
        return Path(project).absolute()
    for file in files:
        if file.project != files[0].project:
            raise TaskError(
                f"this task belongs to the project {file.project}, others of the run to {files[0].project}",
                path=str(file.path),
                remedy="Run them apart, or name one project: --project FOLDER.",
            )
    return files[0].project
