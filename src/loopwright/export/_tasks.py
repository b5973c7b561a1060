"""Writes tasks, not runs, as another tool has them."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from loopwright.errors import MissingContent, UserError
from loopwright.export._format import ExportResult
from loopwright.export.tasks._harbor import HARBOR, SOLUTION, TESTS, HarborFolders
from loopwright.project import moved_files, new_folder

TASK_FORMATS: dict[str, HarborFolders] = {"harbor": HARBOR}
"""Formats of tasks by name."""
_SECRETS = (TESTS, SOLUTION)


def export_task(
    task: str | os.PathLike[str],
    format: str,
    output: str | os.PathLike[str],
    *,
    include: Collection[str] = (),
) -> ExportResult:
    """Writes the instances of a task file as another tool reads tasks; nothing is executed.

    Args:
        task: The task file.
        format: One of `TASK_FORMATS`.
        output: The folder to be made. It must not be there, or be empty.
        include: What leaves only by its name: `tests` for hidden tests, `solution` for solutions.

    Raises:
        MissingContent: There is no such format.
        TaskError: The task cannot be used, or cannot be carried over.
        UserError: The output is taken, or something else is to be included.
    """
    from loopwright.plan import resolve
    from loopwright.task import open_task

    if format not in TASK_FORMATS:
        raise MissingContent(f"tasks have no format {format!r}", remedy=f"Formats: {', '.join(TASK_FORMATS)}.")
    if strange := sorted(set(include) - set(_SECRETS)):
        raise UserError(f"nothing is called {strange[0]!r}", remedy=f"Include {' or '.join(_SECRETS)}.")
    file, target = open_task(Path(task)), Path(output)
    run = resolve(file, project=file.project)
    with new_folder(target) as work:
        written = TASK_FORMATS[format].write(run, work, frozenset(include))
        files = moved_files(written.files, work, target)
    return replace(written, files=files)
