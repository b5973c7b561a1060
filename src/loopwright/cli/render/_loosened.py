"""What tasks loosen of their sandboxes."""

from __future__ import annotations

from collections.abc import Iterable

from loopwright.task import Task

_NAMED = 3
"""Tasks that are named; the others are counted."""


def loosened_lines(tasks: Iterable[Task]) -> list[str]:
    """What is weaker than the default isolation, each once, with the tasks that ask for it."""
    found: dict[str, list[str]] = {}
    for task in tasks:
        for what in task.loosened:
            found.setdefault(what, []).append(task.name)
    return [f"{what} ({_names(names)})" for what, names in found.items()]


def _names(names: list[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
