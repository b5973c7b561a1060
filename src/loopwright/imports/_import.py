"""Makes a task folder out of what another tool reads."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from loopwright.errors import UserError
from loopwright.imports._format import ImportFormat, ImportResult, MapsColumns
from loopwright.imports._harbor import HARBOR
from loopwright.imports._huggingface import HUGGINGFACE
from loopwright.imports._inspect import INSPECT
from loopwright.imports._swebench import SWEBENCH
from loopwright.plugins import instantiate_plugin, load_plugin
from loopwright.project import moved_files, new_folder

IMPORTS: Mapping[str, ImportFormat] = {
    "harbor": HARBOR,
    "huggingface": HUGGINGFACE,
    "inspect": INSPECT,
    "swebench": SWEBENCH,
}
"""The shipped formats by name."""


def import_tasks(
    format: str,
    source: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    columns: Mapping[str, str] = MappingProxyType({}),
) -> ImportResult:
    """Writes a task folder; nothing of the source is executed, and nothing is downloaded.

    Args:
        format: Name of a shipped format (`IMPORTS`), of an entry point of `loopwright.imports`, or
            `package.module:Name`.
        source: What the other tool reads.
        output: The folder to be made. It must not be there, or be empty.
        columns: For formats of tables: what a column is, such as `goal`, to its name there.

    Raises:
        MissingContent: There is no such format.
        TaskError: The source cannot be read; file and line are named.
        UserError: The output is taken, or the format has no columns.
    """
    found = load_plugin("imports", format, IMPORTS, folder=Path.cwd())
    reader: ImportFormat = instantiate_plugin("imports", format, found)
    if columns:
        if not isinstance(reader, MapsColumns):
            raise UserError(f"{format} has no columns to be named", remedy="Leave them out.")
        reader = reader.with_columns(columns)
    target = Path(output)
    with new_folder(target) as work:
        made = reader.write(Path(source), work)
        files = moved_files(made.files, work, target)
    return replace(made, files=files)
