"""Exports a run; a folder is there only when it is complete."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from loopwright.errors import UserError
from loopwright.export._format import ExportFormat, ExportOptions, Written
from loopwright.export._formats import FORMATS
from loopwright.export._source import RunSource
from loopwright.plugins import load_plugin

_AS_IT_IS = ExportOptions()


def export(
    run: str | os.PathLike[str],
    format: str,
    output: str | os.PathLike[str],
    *,
    options: ExportOptions = _AS_IT_IS,
) -> Written:
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
    writer: ExportFormat = load_plugin("exports", format, FORMATS, folder=Path.cwd())
    source, target = RunSource.open(Path(run)), Path(output)
    if target.is_symlink() or (target.exists() and not (target.is_dir() and not any(target.iterdir()))):
        raise UserError(f"{target} is taken", remedy="Name a folder that is not there, or take its content away.")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as made:
        work = Path(made) / "export"
        work.mkdir()
        written = writer.write(source, work, options)
        if target.exists():
            target.rmdir()
        shutil.move(work, target)
    return replace(written, files=tuple(target / path.relative_to(work) for path in written.files))
