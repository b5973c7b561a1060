"""Fields of environments that name files: a relative path starts at the folder of the file that names it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PATH_FIELDS = ("fixture", "dump", "assets", "repository")
"""Fields of environments that name files, which sandboxes get and the task does not hold."""
_TEMPLATE = "template"


def started_at(folder: Path, value: Any) -> Any:
    """The value of a field that names a file, with a relative path made absolute; what is no path stays as it is.

    Args:
        folder: The folder of the file that names it.
        value: A path, or the template of one.
    """
    start = folder.absolute()
    if isinstance(value, str) and value:
        return str(start / value)
    if isinstance(value, Mapping) and set(value) == {_TEMPLATE} and isinstance(value[_TEMPLATE], str):
        # Whether it is relative is known when it is filled.
        text, before = value[_TEMPLATE], json.dumps(f"{start}/", ensure_ascii=False)
        filled = f"{{% set path %}}{text}{{% endset %}}"
        return {_TEMPLATE: f"{filled}{{{{ '' if path[:1] == '/' else {before} }}}}{{{{ path }}}}"}
    return value


def with_started_paths(fields: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Fields of an environment with relative paths made absolute."""
    return {key: started_at(folder, value) if key in PATH_FIELDS else value for key, value in fields.items()}
