"""Files that a task names, and the folders in which they may lie when somebody else may have written the task."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from loopwright.errors import UserError
from loopwright.files import home_path, real_path
from loopwright.plan._endpoints import models_of
from loopwright.project import PATH_FIELDS, Project
from loopwright.task import Instance, Task
from loopwright.user_folders import data_folder

FOLDERS = "LOOPWRIGHT_FOLDERS"
"""The variable with further folders in which tasks may read, separated as in PATH."""
_FILES = ("replay", "scripted", "local", "diffusers")
"""Providers whose models are files or folders, or, without a path, those of the package and the user's caches."""


def refuse_outside(
    task: Task, instances: Sequence[Instance], project: Path, own: Sequence[Path], models: Sequence[str] = ()
) -> None:
    """Refuses a task that reads outside its project, the user's data sets and the folders that the user named.

    Args:
        task: The task, which somebody else may have written.
        instances: Its instances.
        project: What relative paths of its models and baseline start at, with the cards of its agents; replies may lie
            there.
        own: Its own folders, in which it may read all that it names.
        models: Models that take the place of its own, if somebody else named them, too.

    Raises:
        UserError: It names a file elsewhere.
    """
    named = filter(None, os.environ.get(FOLDERS, "").split(os.pathsep))
    folders = [real_path(home_path(path)) for path in (*own, data_folder(""), *map(Path, named))]
    for where, path in _files(task, instances, project, models):
        allowed = (
            [*folders, real_path(project)]
            if where in ("model", "environment.gallery", "environment.detector")
            else folders
        )
        if not any(real_path(path).is_relative_to(folder) for folder in allowed):
            raise UserError(
                f"task {task.name!r}: {where} names {path}, which is outside its project",
                remedy=f"Put the file into the project, or name its folder in {FOLDERS}. For a run that was sent, "
                "name the project with --project.",
            )


def _files(
    task: Task, instances: Sequence[Instance], project: Path, models: Sequence[str]
) -> Iterator[tuple[str, Path]]:
    """What a task names, and the place where it names it; each path once."""
    for name in dict.fromkeys((*models_of(task, Project(project)), *models)):
        provider, _, path = name.replace(":", "/", 1).partition("/")
        if provider in _FILES:
            yield "model", project / home_path(path)
    if task.drift and task.drift.baseline:
        yield "drift.baseline", project / task.drift.baseline
    images = {str(one.hidden["tests_image"]) for one in instances if one.hidden.get("tests_image")}
    images |= {task.sandbox.image} if task.sandbox.image else set()
    yield from (("sandbox.image", Path(image)) for image in sorted(images) if Path(image).is_absolute())
    galleries = {str(one.public["gallery"]) for one in instances if one.public.get("gallery")}
    yield from (("environment.gallery", project / path) for path in sorted(galleries))
    detectors = [one.public["detector"] for one in instances if isinstance(one.public.get("detector"), Mapping)]
    yield from (("environment.detector", project / str(one.get("model", ""))) for one in detectors)
    found = {(field, str(one.public[field])) for one in instances for field in PATH_FIELDS if one.public.get(field)}
    yield from ((f"environment.{field}", Path(path).absolute()) for field, path in sorted(found))
