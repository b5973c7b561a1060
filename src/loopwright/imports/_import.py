"""Makes a task folder out of what another tool reads."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from loopwright.imports._format import ImportFormat, ImportResult
from loopwright.imports._harbor import HARBOR
from loopwright.imports._inspect import INSPECT
from loopwright.plugins import load_plugin
from loopwright.project import moved_files, new_folder

IMPORTS: Mapping[str, ImportFormat] = {"harbor": HARBOR, "inspect": INSPECT}
"""The shipped formats by name."""


def import_tasks(format: str, source: str | os.PathLike[str], output: str | os.PathLike[str]) -> ImportResult:
    """Writes a task folder; nothing of the source is executed, and nothing is downloaded.

    Args:
        format: Name of a shipped format (`IMPORTS`), of an entry point of `loopwright.imports`, or
            `package.module:Name`.
        source: What the other tool reads.
        output: The folder to be made. It must not be there, or be empty.

    Raises:
        MissingContent: There is no such format.
        TaskError: The source cannot be read; file and line are named.
        UserError: The output is taken.
    """
    reader: ImportFormat = load_plugin("imports", format, IMPORTS, folder=Path.cwd())
    target = Path(output)
    with new_folder(target) as work:
        made = reader.write(Path(source), work)
        files = moved_files(made.files, work, target)
    return replace(made, files=files)
