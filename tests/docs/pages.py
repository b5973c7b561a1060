"""The two generated pages of the documentation, made from the models themselves.

`python -m tests.docs.pages` writes them.
"""

from __future__ import annotations

import functools
import inspect
import operator
import re
from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass
from enum import StrEnum
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from loopwright.store import SCHEMA_VERSION, Event, Payload
from loopwright.task import Record, Task, Template
from loopwright.task._schema import SECTIONS, field_docs
from loopwright.types import Candidate, Check, ControlState, Failure, Observation, Usage, Verdict

_TYPES = (Candidate, Observation, Verdict, Check, Failure, Usage, ControlState)
"""What payloads carry."""

_EVENTS = f"""\
# Events

A run's `events.jsonl` holds one JSON object per line, in the order in which things happened. This page is generated
from the models in `loopwright.store`; the schema version is {SCHEMA_VERSION}.

Beside the fields below every line begins with `v`, the schema version, and ends with `crc`: the CRC-32 (zlib, eight
hexadecimal digits) of the run's id followed by the bytes of the line up to `,"crc"`. Fields that are null are left
out of a line, except in `data`.

A text of 72 characters or more that an earlier line of the same episode holds is referred to instead of written again:
in the file it is `{{"$text": [PART, ...]}}`, where a part is text, or `[seq, n, start, end]`: those characters of text
number n (from 0, among the texts of that length, in the order of the line) of event `seq`. Results of calls are always
written in full. `loopwright show --json` and `read_run` give every text in full.

A line of a newer version is refused, one of an older version is migrated when it is read; files are never rewritten.
Within a version events and optional fields may be added, never changed or taken away.
"""

_TASK_FILE = """\
# The task file

A task file is YAML 1.2: plain data in UTF-8, at most a megabyte, without tags, anchors and aliases. A key that is not
below is an error, except in `environment` and in records, where the other keys are the environment's own fields. This
page is generated from the models in `loopwright.task`; `loopwright schema` prints the same as JSON schema.

Paths start at the folder of the file that names them: those of `{file: NAME}`, and those in the fields `repository`,
`fixture`, `dump` and `assets` of environments, in a task file, in a data file and in an `environment.yaml`. Two kinds
start at the project instead, as cards and the command line name them, too: paths in the names of models, such as
`scripted/replies.yaml`, and pictures, galleries, detectors and baselines. Relative paths of a task that is made in
Python start at the current folder.

Three things may stand for a value:

- `{file: NAME}` is the text of that file. For `agents`, `budget`, `drift`, `environment`, `loop`, `matrix`,
  `models`, `sandbox` and `session` it is that file's YAML. The path is relative to the file that names it and stays
  inside the project. `{file: FOLDER/}` is a mapping of all files of that folder, path to text; what is no UTF-8 is a
  `data:` URL in base64.
- `${NAME}` and `${NAME:-default}` are environment variables, except in `name`, `goal`, `data` and `environment`: what
  agents and programs see holds none. A plain `${` is written `$${`.
- `{template: TEXT}`, as the goal and anywhere in `environment`, is a Jinja template filled from each record of the
  data set. Only templates under `environment.hidden` can name hidden fields.
"""

_WORDS = {str: "text", int: "whole number", float: "number", bool: "true or false"}
_TITLES: dict[type[BaseModel], str] = {Record: "records", Template: "a template"}


def task_file() -> str:
    """The page about the task file, as Markdown."""
    parts = [_TASK_FILE, "## The task\n", _task_table(Task)]
    for name, model in SECTIONS.items():
        title = f"`{name}`" if re.fullmatch(r"[\w.]+", name) else name[0].upper() + name[1:]
        parts += [f"## {title}\n", f"{inspect.getdoc(model)}\n", _task_table(model)]
    return "\n".join(parts)


def _task_table(model: type[BaseModel]) -> str:
    documented = field_docs(model)
    rows = [
        f"| `{name}` | {_task_type(field.annotation)} | {_task_default(field)} | {documented.get(name, '')} |"
        for name, field in model.model_fields.items()
    ]
    return "\n".join(["| key | value | default | meaning |", "|---|---|---|---|", *rows, ""])


def _task_type(annotation: Any) -> str:
    """A type in the words of somebody who writes YAML."""
    arguments = [kind for kind in get_args(annotation) if kind is not type(None)]
    origin = get_origin(annotation)
    if origin is Literal:
        return " or ".join(f"`{choice}`" for choice in arguments)
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(_task_type(kind) for kind in arguments))
    if origin is Annotated:
        return _task_type(arguments[0])
    if origin is tuple:
        return f"list of {_task_type(arguments[0])}"
    if origin is not None:
        return f"mapping to {_task_type(arguments[1])}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _TITLES.get(annotation, "a section")
    return _WORDS.get(annotation, "anything")


def _task_default(field: Any) -> str:
    if field.is_required():
        return "required"
    if isinstance(field.default, BaseModel) or field.default in ((), {}):
        return ""
    return "none" if field.default is None else f"`{str(field.default).lower()}`"


def events() -> str:
    """The page about events, as Markdown."""
    payloads = get_args(get_args(Payload)[0])
    parts = [_EVENTS, "## The line\n", _event_table(Event)]
    for payload in payloads:
        name = payload.model_fields["type"].default
        parts += [f"## `{name}`\n", f"{inspect.getdoc(payload)}\n", _event_table(payload)]
    parts.append("# Types\n\nWhat the fields above carry. Keys that a type does not have are passed over.\n")
    for carried in _TYPES:
        parts += [f"## `{carried.__name__}`\n", f"{inspect.getdoc(carried)}\n", _event_table(carried)]
    return "\n".join(part for part in parts if part)


def _event_table(model: type) -> str:
    documented = field_docs(model)
    told_elsewhere = {"type", "data"} if model is Event else {"type"}
    rows = [
        f"| `{name}` | `{kind}` | {default} | {documented.get(name, '')} |"
        for name, kind, default in _event_fields(model)
        if name not in told_elsewhere
    ]
    return "\n".join(["| field | type | default | meaning |", "|---|---|---|---|", *rows, ""]) if rows else ""


def _event_fields(model: type) -> Iterator[tuple[str, str, str]]:
    """Name, type and default of each field."""
    if is_dataclass(model):
        for one in fields(model):
            yield one.name, _event_type(one.type), "required" if one.default is MISSING else f"`{one.default!r}`"
    elif issubclass(model, BaseModel):
        for name, field in model.model_fields.items():
            yield (
                name,
                _event_type(field.annotation),
                "required" if field.is_required() else f"`{field.get_default()!r}`",
            )


def _event_type(annotation: Any) -> str:
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        annotation = Literal[tuple(member.value for member in annotation)]
    annotation = _without_metadata(annotation)
    text = annotation.__name__ if isinstance(annotation, type) and not get_args(annotation) else str(annotation)
    text = re.sub(r"\b(typing|collections\.abc|decimal|loopwright\.types\._\w+)\.", "", text)
    return text.replace("|", "\\|")


def _without_metadata(annotation: Any) -> Any:
    """A type without what `Annotated` says of it, and of the types in it."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _without_metadata(parts[0])
    if origin is None or origin is Literal:
        return annotation
    inside = [_without_metadata(part) for part in parts]
    return functools.reduce(operator.or_, inside) if origin in (Union, UnionType) else origin[tuple(inside)]


if __name__ == "__main__":
    docs = Path(__file__).parents[2] / "docs"
    (docs / "task-file.md").write_text(task_file(), encoding="utf-8")
    (docs / "events.md").write_text(events(), encoding="utf-8")
