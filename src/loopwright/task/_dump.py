"""Writes a task down as a task file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from loopwright.errors import TaskError
from loopwright.project import plain_value
from loopwright.task._models import Task
from loopwright.task._variables import LITERAL_KEYS

# YAML 1.1 takes these for line breaks; only escapes in double quotes keep them.
_BREAKS = re.compile("[\r\x85\u2028\u2029]")


def dump_task(task: Task) -> str:
    """Writes the task file that loads as this task; what is at its default is left out.

    Raises:
        TaskError: The task holds a mapping whose only key is `file`, which in a file would be an include.
    """
    data = task.model_dump(mode="json", exclude_defaults=True)
    data = {"version": task.version, "name": task.name, **data}
    written = {key: _escaped(value, literal=key in LITERAL_KEYS) for key, value in data.items()}
    return yaml.dump(written, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)


def _escaped(value: Any, *, literal: bool) -> Any:
    if isinstance(value, Mapping):
        if set(value) == {"file"}:
            raise TaskError(
                "a mapping whose only key is `file` cannot be written down: it would be an include",
                remedy="Give it a second key, or keep this task in Python.",
            )
        return {key: _escaped(item, literal=literal) for key, item in value.items()}
    if isinstance(value, list):
        return [_escaped(item, literal=literal) for item in value]
    return value if literal or not isinstance(value, str) else value.replace("${", "$${")


class _Dumper(yaml.SafeDumper):
    """Writes text of several lines as a block, as one would by hand; never an alias."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=_style(text))


def _style(text: str) -> str | None:
    if _BREAKS.search(text):
        return '"'
    if "\n" in text:
        return "|"
    try:
        return None if isinstance(plain_value(text), str) else "'"
    except ValueError:
        return "'"


_Dumper.add_representer(str, _text)
