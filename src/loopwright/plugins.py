"""Parts by name: built in, by entry point, or by import path."""

from __future__ import annotations

import difflib
import importlib
import sys
from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from loopwright.errors import MissingContent


def is_part(kind: str, name: str) -> bool:
    """Whether a name is an import path or that of an entry point, rather than of a file."""
    return ":" in name or name in entry_points(group=f"loopwright.{kind}").names


def load_part(kind: str, name: str, builtin: Mapping[str, Any], *, folder: Path) -> Any:
    """Finds a part such as a strategy or an environment.

    Args:
        kind: `strategies`, `environments`, `agents`, `verifiers` or `models`; `loopwright.<kind>` is the group of the
            entry points.
        name: A built-in name, an entry point's name, or `package.module:Name`.
        builtin: The built-in parts of that kind.
        folder: Where modules are looked for beside the installed ones: the project's folder.

    Raises:
        MissingContent: There is nothing of that name; the remedy names what there is.
    """
    if name in builtin:
        return builtin[name]
    if ":" in name:
        return _imported(kind, name, folder)
    installed = {point.name: point for point in entry_points(group=f"loopwright.{kind}")}
    if name in installed:
        return installed[name].load()
    known = sorted({*builtin, *installed})
    near = difflib.get_close_matches(name, known, n=1)
    raise MissingContent(
        f"there is nothing named {name!r} among the {kind}",
        remedy=(f"Did you mean {near[0]}? " if near else "")
        + f"There are: {', '.join(known)}. Your own goes as `package.module:Name`.",
    )


def _imported(kind: str, name: str, folder: Path) -> Any:
    module_name, _, attribute = name.partition(":")
    root = str(folder.resolve())
    if root not in sys.path:
        sys.path.insert(0, root)
    try:
        return getattr(importlib.import_module(module_name), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise MissingContent(
            f"{kind}: {name!r} cannot be imported: {error}",
            remedy=f"Modules are looked for in {root} and among the installed packages.",
        ) from None
