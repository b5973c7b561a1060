"""Exports a run; a folder is there only when it is complete."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from loopwright.export._format import ExportFormat, ExportOptions, ExportResult
from loopwright.export._formats import FORMATS
from loopwright.export._source import RunSource
from loopwright.plugins import instantiate_plugin, load_plugin
from loopwright.project import moved_files, new_folder

_AS_IT_IS = ExportOptions()


def export(
    run: str | os.PathLike[str],
    format: str,
    output: str | os.PathLike[str],
    *,
    options: ExportOptions = _AS_IT_IS,
) -> ExportResult:
    """Writes a run in the format of another tool.

    Args:
        run: The run's folder; the run may be live or interrupted.
        format: Name of a shipped format (`FORMATS`), of an entry point of `loopwright.exports`, or
            `package.module:Name`.
        output: The folder to be made. It must not be there, or be empty.
        options: Split and licence of a data set.

    Raises:
        MissingContent: There is no such format.
        StoreError: There is no run in the folder, or its record is damaged.
        UserError: The output is taken, or the options do not fit the format.
    """
    found = load_plugin("exports", format, FORMATS, folder=Path.cwd())
    writer: ExportFormat = instantiate_plugin("exports", format, found)
    source, target = RunSource.open(Path(run)), Path(output)
    with new_folder(target) as work:
        written = writer.write(source, work, options)
        files = moved_files(written.files, work, target)
    return replace(written, files=files)
